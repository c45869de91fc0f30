/* Informers against a server from a script. Time is virtual: run is told it; only the network is waited for. */
#include <stdio.h>
#include <unistd.h>

#include "lib/base/clock.h"
#include "lib/kube/backoff.h"
#include "lib/kube/informer.h"
#include "tests/unit/test_kube_server.h"

typedef struct bench {
    server server;
    gt_kube_config config;
    gt_kube_client *client;
    gt_informer *informer;
    char url[64], told[512]; /* told: "(" began, name an object, "-name" gone, ")" synced */
    int64_t now_us, due_us;
    gt_err err;
} bench;

static void tell(bench *b, const char *before, gt_str name)
{
    size_t used = strlen(b->told);
    snprintf(b->told + used, sizeof b->told - used, "%s%.*s", before, GT_STR_ARG(name));
}

static void began(void *context)
{
    tell(context, "(", GT_STR(""));
}

static gt_str name_of(gt_view object)
{
    return gt_view_str(gt_view_get(gt_view_get(object, "metadata"), "name"));
}

static void object(void *context, gt_view object)
{
    tell(context, "", name_of(object));
}

static void gone(void *context, gt_view object)
{
    tell(context, "-", name_of(object));
}

static void synced(void *context)
{
    tell(context, ")", GT_STR(""));
}

static void tear_down(bench *b)
{
    gt_informer_free(b->informer);
    gt_kube_client_free(b->client);
    server_stop(&b->server);
}

static void set_up(bench *b, const scene *scenes, size_t n)
{
    server_start(&b->server, scenes, n);
    snprintf(b->url, sizeof b->url, "http://127.0.0.1:%d", b->server.port);
    b->config = (gt_kube_config){.origin = "test", .server = b->url};
    cr_assert(gt_kube_client_new(&b->config, "test/1", &b->client, &b->err), "%s", b->err.text);
    gt_informer_config config = {.client = b->client,
                                 .kind = &gt_kube_pods,
                                 .ns = "ns",
                                 .labels = "a=b",
                                 .seed = 7,
                                 .context = b,
                                 .began = began,
                                 .object = object,
                                 .gone = gone,
                                 .synced = synced};
    b->informer = gt_informer_new(&config);
    b->now_us = 1000 * 1000 * 1000;
}
#define BENCH(name, scenes)                                                                                            \
    gt_scoped(tear_down) bench name = {0};                                                                             \
    set_up(&(name), scenes, COUNT(scenes))

/* What an API server says. */
#define ITEM(name) "{\"metadata\":{\"name\":\"" name "\",\"resourceVersion\":\"1\"}}"
#define LIST_OF(version, next, items)                                                                                  \
    "{\"kind\":\"PodList\",\"apiVersion\":\"v1\",\"metadata\":{\"resourceVersion\":\"" version                         \
    "\",\"continue\":\"" next "\"},\"items\":[" items "]}"
#define EVENT(type, name, version)                                                                                     \
    "{\"type\":\"" type "\",\"object\":{\"kind\":\"Pod\",\"metadata\":{\"name\":\"" name                               \
    "\",\"resourceVersion\":\"" version "\"}}}\n"
#define STATUS(code, reason, message)                                                                                  \
    "{\"kind\":\"Status\",\"apiVersion\":\"v1\",\"status\":\"Failure\",\"message\":\"" message                         \
    "\",\"reason\":\"" reason "\",\"code\":" code "}"
#define ERROR_EVENT(status) "{\"type\":\"ERROR\",\"object\":" status "}\n"
#define LISTING "limit=250"

/* Runs it with the network until it has asked for `requests` in all and what it had was told. */
static void turn(bench *b)
{
    b->due_us = gt_informer_run(b->informer, b->now_us);
    gt_kube_wait(b->client, -1, b->due_us == INT64_MAX ? 20 : 0);
    gt_kube_drive(b->client);
    if (b->due_us != INT64_MAX && b->due_us > b->now_us)
        b->now_us = b->due_us; /* nothing to wait for: its pause is over */
}

static void run_until(bench *b, const char *told)
{
    int64_t end = gt_clock_mono_us() + 20 * 1000 * 1000;
    while (strstr(b->told, told) == NULL) {
        cr_assert_lt(gt_clock_mono_us(), end, "told \"%s\", wanted \"%s\": %s", b->told, told,
                     gt_informer_now(b->informer).problem);
        turn(b);
    }
}

static void run_until_asked(bench *b, int requests)
{
    int64_t end = gt_clock_mono_us() + 20 * 1000 * 1000;
    while (atomic_load(&b->server.requests) < requests) {
        cr_assert_lt(gt_clock_mono_us(), end, "asked %d, wanted %d", atomic_load(&b->server.requests), requests);
        turn(b);
    }
}

static void run_until_following(bench *b)
{
    int64_t end = gt_clock_mono_us() + 20 * 1000 * 1000;
    while (!gt_informer_now(b->informer).following) {
        cr_assert_lt(gt_clock_mono_us(), end);
        turn(b);
    }
}

static bool asked(const bench *b, int request, const char *text)
{
    return strstr(b->server.asked[request], text) != NULL;
}

Test(kube_informer, lists_and_follows)
{
    SCOPED_ARENA(arena);
    const scene scenes[] = {
        {.answer = ANSWER(arena, "200 OK", LIST_OF("10", "to/ken", ITEM("a") "," ITEM("b")))},
        {.answer = ANSWER(arena, "200 OK", LIST_OF("11", "", ITEM("c")))},
        {.stream = EVENT("ADDED", "d", "12") EVENT("MODIFIED", "a", "13") EVENT("DELETED", "b", "14")
             EVENT("BOOKMARK", "", "20"),
         .chunk = 7,
         .open = true},
    };
    BENCH(b, scenes);
    gt_informer_state state = gt_informer_now(b.informer);
    cr_expect(!state.synced && !state.following && state.heard_us == 0);
    run_until(&b, "(abc)da-b");
    run_until_following(&b);
    state = gt_informer_now(b.informer);
    cr_expect(state.synced);
    cr_expect_eq(state.lists, 1);
    cr_expect_eq(state.watches, 1);
    cr_expect_eq(state.failures, 0);
    cr_expect_str_eq(state.problem, "");
    turn(&b);
    cr_expect_eq(gt_informer_now(b.informer).heard_us, b.now_us);
    cr_expect(asked(&b, 0, "GET /api/v1/namespaces/ns/pods?limit=250&labelSelector=a%3Db HTTP"), "%s",
              b.server.asked[0]);
    cr_expect(asked(&b, 1, "?limit=250&continue=to%2Fken&labelSelector=a%3Db HTTP"), "%s", b.server.asked[1]);
    cr_expect(asked(&b, 2, "?watch=1&allowWatchBookmarks=true&resourceVersion=10&timeoutSeconds="), "%s",
              b.server.asked[2]);
}

/* In order or not, a watch goes on from the last version that was seen, a bookmark's, too. */
Test(kube_informer, goes_on_where_it_was)
{
    SCOPED_ARENA(arena);
    const scene scenes[] = {
        {.match = LISTING, .answer = ANSWER(arena, "200 OK", LIST_OF("10", "", ITEM("a")))},
        {.match = "resourceVersion=10&", .stream = EVENT("ADDED", "b", "11")},
        {.match = "resourceVersion=11&", .stream = EVENT("BOOKMARK", "", "20") "{\"type\":\"ADD", .hang_up = true},
        {.match = "resourceVersion=20&", .hang_up = true},
        {.match = "resourceVersion=20&", .answer = ANSWER(arena, "429 Slow", STATUS("429", "TooManyRequests", "x"))},
        {.match = "resourceVersion=20&", .stream = EVENT("ADDED", "c", "21"), .open = true},
    };
    BENCH(b, scenes);
    run_until(&b, "(a)bc");
    gt_informer_state state = gt_informer_now(b.informer);
    cr_expect_eq(state.lists, 1);
    cr_expect_eq(state.watches, 5);
    cr_expect_eq(state.failures, 3, "%d", (int)state.failures);
}

Test(kube_informer, lists_again_when_the_version_is_gone)
{
    SCOPED_ARENA(arena);
    static const char *const expired = STATUS("410", "Expired", "too old resource version");
    const scene scenes[] = {
        {.match = LISTING, .answer = ANSWER(arena, "200 OK", LIST_OF("10", "", ITEM("a")))},
        {.match = "watch=1",
         .stream = EVENT("ADDED", "b", "11") ERROR_EVENT(STATUS("410", "Expired", "x")) EVENT("ADDED", "never", "12"),
         .open = true},
        {.match = LISTING, .answer = ANSWER(arena, "200 OK", LIST_OF("20", "", ITEM("c")))},
        {.match = "resourceVersion=20&", .stream = EVENT("ADDED", "d", "21")},
        {.match = "resourceVersion=21&", .answer = ANSWER(arena, "410 Gone", expired)},
        {.match = LISTING, .answer = ANSWER(arena, "200 OK", LIST_OF("30", "", ""))},
        {.match = "watch=1", .stream = EVENT("ADDED", "e", "31"), .open = true},
    };
    BENCH(b, scenes);
    run_until(&b, "(a)b(c)d()e");
    gt_informer_state state = gt_informer_now(b.informer);
    cr_expect_eq(state.lists, 3);
    cr_expect_eq(state.failures, 0, "a version that goes is in order: %d", (int)state.failures);
}

/* An API server that says 410 to its own listing's version mustn't be asked for lists without end. */
Test(kube_informer, a_version_that_is_gone_at_once_backs_off)
{
    SCOPED_ARENA(arena);
    const scene scenes[] = {
        {.match = LISTING, .answer = ANSWER(arena, "200 OK", LIST_OF("10", "", ""))},
        {.match = "watch=1", .stream = ERROR_EVENT(STATUS("410", "Expired", "x"))},
    };
    BENCH(b, scenes);
    int64_t start = b.now_us;
    run_until_asked(&b, 16);
    cr_expect_geq(b.now_us - start, 12 * 1000 * 1000, "%lld", (long long)(b.now_us - start));
}

Test(kube_informer, a_watch_that_ends_at_once_does_not_spin)
{
    SCOPED_ARENA(arena);
    const scene scenes[] = {
        {.match = LISTING, .answer = ANSWER(arena, "200 OK", LIST_OF("10", "", ""))},
        {.match = "watch=1", .stream = ""},
    };
    BENCH(b, scenes);
    int64_t start = b.now_us;
    run_until_asked(&b, 11);
    while (gt_informer_now(b.informer).problem[0] == '\0')
        turn(&b);
    cr_expect_geq(b.now_us - start, 30 * 1000 * 1000, "%lld", (long long)(b.now_us - start));
    cr_expect_eq(gt_informer_now(b.informer).lists, 1);
    cr_expect(strstr(gt_informer_now(b.informer).problem, "ended the watch at once") != NULL);
}

Test(kube_informer, a_busy_watch_that_ends_at_once_is_paced)
{
    SCOPED_ARENA(arena);
    const scene scenes[] = {
        {.match = LISTING, .answer = ANSWER(arena, "200 OK", LIST_OF("10", "", ""))},
        {.match = "watch=1", .stream = EVENT("BOOKMARK", "", "11")},
    };
    BENCH(b, scenes);
    int64_t start = b.now_us;
    run_until_asked(&b, 12);
    cr_expect_geq(b.now_us - start, 10 * 200 * 1000);
    cr_expect_eq(gt_informer_now(b.informer).failures, 0);
}

Test(kube_informer, an_expired_listing_begins_anew)
{
    SCOPED_ARENA(arena);
    const scene scenes[] = {
        {.match = "limit=250&label", .answer = ANSWER(arena, "200 OK", LIST_OF("10", "t", ITEM("a")))},
        {.match = "continue=t", .answer = ANSWER(arena, "410 Gone", STATUS("410", "Expired", "x"))},
        {.match = "limit=250&label", .answer = ANSWER(arena, "200 OK", LIST_OF("11", "u", ITEM("a")))},
        {.match = "continue=u", .answer = ANSWER(arena, "200 OK", LIST_OF("11", "", ITEM("b")))},
        {.match = "resourceVersion=11&", .stream = "", .open = true},
    };
    BENCH(b, scenes);
    run_until(&b, "(a(ab)");
    run_until_following(&b);
    cr_expect_eq(gt_informer_now(b.informer).failures, 0);
    cr_expect_eq(gt_informer_now(b.informer).lists, 2);
}

Test(kube_informer, a_continue_token_that_always_expires_backs_off)
{
    SCOPED_ARENA(arena);
    const scene scenes[] = {
        {.match = "limit=250&label", .answer = ANSWER(arena, "200 OK", LIST_OF("10", "t", ITEM("a")))},
        {.match = "continue=t", .answer = ANSWER(arena, "410 Gone", STATUS("410", "Expired", "x"))},
    };
    BENCH(b, scenes);
    int64_t start = b.now_us;
    run_until_asked(&b, 16);
    cr_expect_geq(b.now_us - start, 3 * 1000 * 1000, "%lld", (long long)(b.now_us - start));
    cr_expect_not(gt_informer_now(b.informer).synced);
}

/* A failing listing: what is said, and that it is tried again. */
Test(kube_informer, listings_that_fail)
{
    static const struct {
        scene scene;
        const char *problem;
    } rows[] = {
        {{.hang_up = true}, "listing pods: http://127.0.0.1"},
        {{.answer = "HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Length: 21\r\n\r\n<html>log in</html>\r\n"},
         "(text/html): <html>log in"},
        {{.answer = "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"}, "an empty answer"},
        {{.stream = "{\"kind\":\"Pod\"}"}, "a list whose items are nothing"},
        {{.stream = "{\"items\":[],\"metadata\":{}}"}, "a list without metadata.resourceVersion"},
        {{.stream = "{\"items\":[" ITEM("x") "],\"metadata\":{\"resourceV", .hang_up = true}, "listing pods: http"},
        {{.stream = "[]"}, "isn't a JSON object"},
        {{.answer =
              "HTTP/1.1 403 No\r\nContent-Length: 85\r\n\r\n{\"kind\":\"Status\",\"reason\":\"Forbidden\",\"message\":"
              "\"pods is forbidden for you\"}         "},
         "403 Forbidden: pods is forbidden for you"},
    };
    for (size_t i = 0; i < COUNT(rows); i++) {
        const scene scenes[] = {rows[i].scene, {.stream = LIST_OF("10", "", ITEM("a"))}, {.stream = "", .open = true}};
        BENCH(b, scenes);
        int64_t start = b.now_us;
        run_until_asked(&b, 1);
        while (gt_informer_now(b.informer).problem[0] == '\0')
            turn(&b);
        cr_expect(strstr(gt_informer_now(b.informer).problem, rows[i].problem) != NULL, "row %zu: %s", i,
                  gt_informer_now(b.informer).problem);
        run_until(&b, ")");
        cr_expect_str_eq(b.told, "((a)", "row %zu: %s", i, b.told);
        run_until_following(&b);
        cr_expect_str_eq(gt_informer_now(b.informer).problem, "");
        cr_expect_eq(gt_informer_now(b.informer).failures, 1);
        cr_expect(b.now_us - start >= 200 * 1000 && b.now_us - start <= 250 * 1000, "row %zu: %lld", i,
                  (long long)(b.now_us - start));
    }
}

/* A watch that says what it shouldn't: never an object of it, a clear problem, and a listing. */
Test(kube_informer, watches_that_fail)
{
    static const struct {
        const char *line, *problem;
    } rows[] = {
        {"<html>log in</html>\n", "watching pods: an event that isn't JSON"},
        {"\n", "isn't JSON"},
        {"{}\n", "an event of no type"},
        {"[]\n", "an event of no type"},
        {EVENT("RENAMED", "x", "5"), "an event of no type that there is: \"RENAMED\""},
        {"{\"type\":\"ADDED\"}\n", "without a resourceVersion"},
        {"{\"type\":\"ADDED\",\"object\":{\"metadata\":{\"resourceVersion\":5}}}\n", "without a resourceVersion"},
        {"{\"type\":\"ERROR\",\"object\":{}}\n", "an ERROR event without a Status"},
        {ERROR_EVENT(STATUS("500", "InternalError", "etcd is away")), "watching pods: 500 InternalError: etcd is away"},
        {"{\"type\":\"ADDED\",\"object\":{\"a\":1,\"a\":2}}\n", "isn't JSON"},
    };
    SCOPED_ARENA(arena);
    for (size_t i = 0; i < COUNT(rows); i++) {
        const scene scenes[] = {
            {.match = LISTING, .stream = LIST_OF("10", "", "")},
            {.match = "watch=1", .stream = gt_arena_printf(arena, "%s%s", rows[i].line, EVENT("ADDED", "never", "12"))},
            {.match = "watch=1", .stream = "", .open = true}};
        BENCH(b, scenes);
        run_until(&b, "()");
        while (gt_informer_now(b.informer).problem[0] == '\0')
            turn(&b);
        cr_expect(strstr(gt_informer_now(b.informer).problem, rows[i].problem) != NULL, "row %zu: %s", i,
                  gt_informer_now(b.informer).problem);
        run_until(&b, "()()");
        run_until_following(&b);
        cr_expect_str_eq(b.told, "()()", "row %zu: %s", i, b.told);
    }
}

Test(kube_informer, retry_after)
{
    const scene scenes[] = {
        {.answer = "HTTP/1.1 503 Away\r\nRetry-After: 100\r\nContent-Length: 0\r\n\r\n"},
        {.answer = "HTTP/1.1 429 Slow\r\nRetry-After: 60\r\nContent-Length: 0\r\n\r\n"},
        {.stream = LIST_OF("10", "", "")},
        {.stream = "{\"type\":\"ERROR\",\"object\":{\"kind\":\"Status\",\"code\":429,\"details\":{"
                   "\"retryAfterSeconds\":50}}}\n"},
        {.match = "resourceVersion=10", .stream = "", .open = true},
    };
    BENCH(b, scenes);
    int64_t start = b.now_us;
    run_until_asked(&b, 5);
    cr_expect_geq(b.now_us - start, 210 * 1000 * 1000, "%lld", (long long)(b.now_us - start));
    cr_expect_leq(b.now_us - start, 270 * 1000 * 1000);
}

Test(kube_informer, a_page_that_is_too_large_is_cut_in_two)
{
    const scene scenes[] = {
        {.match = "limit=250", .answer = "HTTP/1.1 200 OK\r\nContent-Length: 40000000\r\n\r\n", .fill = 40000000},
        {.match = "limit=125", .stream = LIST_OF("10", "", ITEM("a"))},
        {.match = "watch", .stream = "", .open = true}};
    BENCH(b, scenes);
    run_until(&b, "((a)");
}

Test(kube_informer, nobody_there)
{
    const scene scenes[] = {{.answer = NULL}};
    BENCH(b, scenes);
    gt_informer_free(b.informer);
    gt_kube_client_cleanup(&b.client);
    snprintf(b.url, sizeof b.url, "http://127.0.0.1:1");
    cr_assert(gt_kube_client_new(&b.config, "test/1", &b.client, &b.err));
    b.informer = gt_informer_new(&(gt_informer_config){.client = b.client, .kind = &gt_kube_classes});
    int64_t start = b.now_us, last = 0;
    for (int i = 0; i < 12; i++) {
        int64_t before = b.now_us;
        uint64_t failures = gt_informer_now(b.informer).failures;
        while (gt_informer_now(b.informer).failures == failures)
            turn(&b);
        last = b.due_us - before;
        b.now_us = b.due_us;
    }
    cr_expect(last >= 10 * 1000 * 1000 && last < 13 * 1000 * 1000, "%lld", (long long)last);
    cr_expect_gt(b.now_us - start, 60 * 1000 * 1000);
    cr_expect(strstr(gt_informer_now(b.informer).problem, "listing storageclasses: http://127.0.0.1:1: ") != NULL, "%s",
              gt_informer_now(b.informer).problem);
    cr_expect_eq(gt_informer_now(b.informer).heard_us, 0);
}

Test(kube_backoff, grows_and_ends)
{
    gt_kube_backoff b = {.first_us = 200, .most_us = 3000, .seed = 1};
    static const int64_t least[] = {200, 400, 800, 1600, 3000, 3000};
    for (size_t i = 0; i < COUNT(least); i++) {
        int64_t wait = gt_kube_backoff_fail(&b, -1);
        cr_expect(wait >= least[i] && wait <= least[i] * 5 / 4, "row %zu: %lld", i, (long long)wait);
    }
    int64_t asked = gt_kube_backoff_fail(&b, 7);
    cr_expect(asked >= 7000 && asked <= 8750, "%lld", (long long)asked);
    b.failures = UINT32_MAX;
    cr_expect_geq(gt_kube_backoff_fail(&b, -1), 3000);
    cr_expect_eq(b.failures, UINT32_MAX);
    gt_kube_backoff_reset(&b);
    cr_expect_leq(gt_kube_backoff_fail(&b, -1), 250);
}
