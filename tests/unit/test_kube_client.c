/* The client against a server that behaves, and one that doesn't. */
#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

#include "lib/base/clock.h"
#include "lib/kube/api.h"
#include "tests/unit/test_kube_server.h"

typedef struct bench {
    server server;
    gt_kube_config config;
    gt_kube_client *client;
    gt_arena *arena;
    char url[64];
    gt_kube_answer answer;
    gt_err err;
} bench;

static void tear_down(bench *b)
{
    gt_kube_client_free(b->client);
    server_stop(&b->server);
    gt_arena_free(b->arena);
}

static void set_up(bench *b, const scene *scenes, size_t n)
{
    server_start(&b->server, scenes, n);
    snprintf(b->url, sizeof b->url, "http://127.0.0.1:%d", b->server.port);
    b->config = (gt_kube_config){.origin = "test", .server = b->url, .token = "secret"};
    b->arena = gt_arena_new(0);
    cr_assert(gt_kube_client_new(&b->config, "test/1", &b->client, &b->err), "%s", b->err.text);
}
#define BENCH(name, scenes)                                                                                            \
    gt_scoped(tear_down) bench name = {0};                                                                             \
    set_up(&(name), scenes, COUNT(scenes))

static bool get(bench *b)
{
    return gt_kube_get(b->client, b->arena, &gt_kube_pods, "ns", "x", &b->answer, &b->err);
}

#define HEAD(status) "HTTP/1.1 " status "\r\nContent-Type: application/json\r\n"
#define STATUS(code, reason, message)                                                                                  \
    "{\"kind\":\"Status\",\"apiVersion\":\"v1\",\"status\":\"Failure\",\"message\":\"" message                         \
    "\",\"reason\":\"" reason "\",\"code\":" code "}"

Test(kube_client, asks_as_it_should)
{
    SCOPED_ARENA(arena);
    const scene scenes[] = {{.answer = ANSWER(arena, "201 Created", "{\"kind\":\"Pod\"}")},
                            {.answer = ANSWER(arena, "200 OK", "{}")}};
    BENCH(b, scenes);
    gt_value *pod = gt_value_object(arena);
    gt_value_put(arena, pod, "kind", gt_value_text(arena, "Pod"));
    cr_expect(gt_kube_create(b.client, arena, &gt_kube_pods, "ns", pod, &b.answer, &b.err), "%s", b.err.text);
    cr_expect_eq(b.answer.status, 201);
    cr_expect(gt_view_is(gt_view_get(b.answer.object, "kind"), "Pod"));
    cr_expect(get(&b), "%s", b.err.text);
    cr_expect(gt_kube_delete(b.client, arena, &gt_kube_pods, "ns", "x", "u-1", 0, &b.answer, &b.err), "%s", b.err.text);
    char(*asked)[SERVER_TEXT] = b.server.asked;
    cr_expect(gt_str_starts(gt_str_of(asked[0]), "POST /api/v1/namespaces/ns/pods HTTP/1.1\r\n"), "%s", asked[0]);
    cr_expect(strstr(asked[0], "\r\nContent-Type: application/json\r\n") != NULL);
    cr_expect(strstr(asked[0], "\r\nAuthorization: Bearer secret\r\n") != NULL);
    cr_expect(strstr(asked[0], "\r\nUser-Agent: test/1\r\n") != NULL);
    cr_expect(strstr(asked[0], "\r\n\r\n{\"kind\":\"Pod\"}") != NULL);
    cr_expect(gt_str_starts(gt_str_of(asked[1]), "GET /api/v1/namespaces/ns/pods/x HTTP/1.1\r\n"), "%s", asked[1]);
    cr_expect(strstr(asked[1], "Content-Type") == NULL);
    cr_expect(gt_str_starts(gt_str_of(asked[2]), "DELETE /api/v1/namespaces/ns/pods/x HTTP/1.1\r\n"), "%s", asked[2]);
    cr_expect(strstr(asked[2], "{\"kind\":\"DeleteOptions\",\"apiVersion\":\"v1\",\"gracePeriodSeconds\":0,"
                               "\"preconditions\":{\"uid\":\"u-1\"}}") != NULL,
              "%s", asked[2]);
    cr_expect_eq(atomic_load(&b.server.connections), 1, "one connection for all");
}

Test(kube_client, kinds_of_failure)
{
    static const struct {
        const char *status, *body;
        gt_err_kind kind;
        const char *text, *reason;
    } rows[] = {
        {"404 Not Found", STATUS("404", "NotFound", "pods x not found"), GT_ERR_NOT_FOUND,
         "404 NotFound: pods x not found", "NotFound"},
        {"409 Conflict", STATUS("409", "AlreadyExists", "it is there"), GT_ERR_CONFLICT,
         "409 AlreadyExists: it is there", "AlreadyExists"},
        {"403 Forbidden", STATUS("403", "Forbidden", "no\\nreally"), GT_ERR_REFUSED, "403 Forbidden: no really",
         "Forbidden"},
        {"422 Unprocessable", STATUS("422", "Invalid", "bad"), GT_ERR_REFUSED, "422 Invalid: bad", "Invalid"},
        {"401 Unauthorized", STATUS("401", "Unauthorized", ""), GT_ERR_REFUSED, "401 Unauthorized: the server",
         "Unauthorized"},
        {"410 Gone", STATUS("410", "Expired", "x"), GT_ERR_REFUSED, "410 Expired", "Expired"},
        {"500 Oops", STATUS("500", "InternalError", "failed calling webhook \\\"w\\\""), GT_ERR_ENV,
         "failed calling webhook \"w\"", "InternalError"},
        {"503 Away", "{\"kind\":\"Other\"}", GT_ERR_ENV, "HTTP 503", ""},
        {"429 Slow", STATUS("429", "TooManyRequests", "x"), GT_ERR_ENV, "429", "TooManyRequests"},
        {"408 Slow", STATUS("408", "Timeout", "x"), GT_ERR_ENV, "408", "Timeout"},
        {"502 Bad", "", GT_ERR_ENV, "HTTP 502 with no Status of an API server", ""},
        {"404 Not Found", "404 page not found\n", GT_ERR_NOT_FOUND, "404 page not found", ""},
        {"302 Found", "", GT_ERR_ENV, "HTTP 302", ""},
        {"200 OK", "", GT_ERR_ENV, "an empty answer", ""},
        {"200 OK", "[]", GT_ERR_ENV, "isn't a JSON object", ""},
        {"200 OK", "{\"a\":1,\"a\":2}", GT_ERR_ENV, "isn't a JSON object", ""},
        {"200 OK", "<html>\x1b[31m log in</html>", GT_ERR_ENV, "<html> [31m log in</html>", ""},
        {"200 OK", "{\"kind\":\"Pod\"", GT_ERR_ENV, "isn't a JSON object", ""},
    };
    for (size_t i = 0; i < COUNT(rows); i++) {
        SCOPED_ARENA(arena);
        const scene scenes[] = {{.answer = ANSWER(arena, rows[i].status, rows[i].body)}};
        BENCH(b, scenes);
        cr_expect_not(get(&b), "row %zu", i);
        cr_expect_eq(b.err.kind, rows[i].kind, "row %zu: %s", i, b.err.text);
        cr_expect_eq(b.err.code, strtol(rows[i].status, NULL, 10), "row %zu: %d", i, b.err.code);
        cr_expect_eq(b.answer.status, b.err.code, "row %zu", i);
        cr_expect(strstr(b.err.text, rows[i].text) != NULL, "row %zu: %s", i, b.err.text);
        expect_text(i, b.answer.reason, rows[i].reason);
        cr_expect_eq(b.answer.retry_after_ms, -1, "row %zu", i);
    }
}

Test(kube_client, retry_after)
{
    static const scene scenes[] = {{.answer = HEAD("429 Slow") "Retry-After: 7\r\nContent-Length: 0\r\n\r\n"},
                                   {.answer = HEAD("503 Away") "Retry-After: 99999999\r\nContent-Length: 0\r\n\r\n"},
                                   {.answer = HEAD("503 Away") "Retry-After: soon\r\nContent-Length: 0\r\n\r\n"}};
    static const int64_t wanted[] = {7000, 3600 * 1000, -1};
    BENCH(b, scenes);
    for (size_t i = 0; i < COUNT(wanted); i++) {
        cr_expect_not(get(&b));
        cr_expect_eq(b.answer.retry_after_ms, wanted[i], "row %zu: %lld", i, (long long)b.answer.retry_after_ms);
    }
}

Test(kube_client, answers_that_break_off)
{
    static const scene scenes[] = {
        {.answer = NULL, .hang_up = true},
        {.answer = "HTTP/1.1 200 OK\r\nContent-", .hang_up = true},
        {.answer = HEAD("200 OK") "Content-Length: 100\r\n\r\n{\"kind\":", .hang_up = true},
        {.answer = HEAD("200 OK") "Transfer-Encoding: chunked\r\n\r\n5\r\n{\"a\":\r\n", .hang_up = true},
        {.answer = "nonsense\r\n\r\n", .hang_up = true},
        {.answer = HEAD("200 OK") "Content-Length: 2\r\n\r\n{}"},
    };
    BENCH(b, scenes);
    for (size_t i = 0; i + 1 < COUNT(scenes); i++) {
        cr_expect_not(get(&b), "row %zu", i);
        cr_expect_eq(b.err.kind, GT_ERR_ENV, "row %zu: %s", i, b.err.text);
    }
    cr_expect(strstr(b.err.text, b.url) != NULL, "it says who: %s", b.err.text);
    cr_expect(get(&b), "and it goes on: %s", b.err.text);
}

Test(kube_client, an_idle_connection_that_was_closed_is_no_failure)
{
    SCOPED_ARENA(arena);
    const scene scenes[] = {{.answer = ANSWER(arena, "200 OK", "{}"), .hang_up = true},
                            {.answer = ANSWER(arena, "200 OK", "{}")}};
    BENCH(b, scenes);
    cr_expect(get(&b), "%s", b.err.text);
    usleep(50 * 1000);
    cr_expect(get(&b), "%s", b.err.text);
    cr_expect_eq(atomic_load(&b.server.connections), 2);
}

Test(kube_client, huge_answers)
{
    static const scene scenes[] = {{.answer = HEAD("200 OK") "Content-Length: 90000000\r\n\r\n", .fill = 90000000},
                                   {.answer = HEAD("500 Oops") "Content-Length: 90000000\r\n\r\n", .fill = 90000000},
                                   {.answer = HEAD("200 OK") "\r\n", .fill = 90000000, .hang_up = true},
                                   {.answer = HEAD("200 OK") "Content-Length: 2\r\n\r\n{}"}};
    BENCH(b, scenes);
    for (size_t i = 0; i < 3; i++) {
        cr_expect_not(get(&b), "row %zu", i);
        cr_expect_eq(b.err.kind, GT_ERR_LIMIT, "row %zu: %s", i, b.err.text);
    }
    cr_expect(get(&b), "%s", b.err.text);
    gt_kube_request small = {.method = "GET", .path = "/", .max_answer = 1};
    cr_expect_not(gt_kube_do(b.client, b.arena, &small, &b.answer, &b.err));
    cr_expect_eq(b.err.kind, GT_ERR_LIMIT);
}

Test(kube_client, time_out)
{
    static const scene scenes[] = {{.answer = HEAD("200 OK") "Content-Length: 9\r\n\r\n{", .wait_ms = 0},
                                   {.answer = HEAD("200 OK") "Content-Length: 2\r\n\r\n{}", .wait_ms = 5000}};
    BENCH(b, scenes);
    gt_kube_request hasty = {.method = "GET", .path = "/", .timeout_ms = 300};
    int64_t start = gt_clock_mono_us();
    cr_expect_not(gt_kube_do(b.client, b.arena, &hasty, &b.answer, &b.err), "half an answer, then silence");
    cr_expect_eq(b.err.kind, GT_ERR_ENV);
    cr_expect(strstr(b.err.text, "imed out") != NULL, "%s", b.err.text);
    cr_expect_leq(gt_clock_mono_us() - start, 2000 * 1000);
    cr_expect_not(gt_kube_do(b.client, b.arena, &hasty, &b.answer, &b.err), "no answer");
    cr_expect_eq(b.err.kind, GT_ERR_ENV);
}

Test(kube_client, nobody_there)
{
    static const scene scenes[] = {{.answer = NULL}};
    BENCH(b, scenes);
    snprintf(b.url, sizeof b.url, "http://127.0.0.1:1");
    gt_kube_client_cleanup(&b.client);
    cr_assert(gt_kube_client_new(&b.config, "test/1", &b.client, &b.err));
    cr_expect_not(get(&b));
    cr_expect_eq(b.err.kind, GT_ERR_ENV);
    cr_expect_eq(b.answer.status, 0);
}

static bool get_below(void *context, gt_err *err)
{
    (void)err;
    return get(context);
}

Test(kube_client, an_arena_that_runs_out_leaks_nothing)
{
    SCOPED_ARENA(arena);
    gt_buf list;
    gt_buf_init(&list, arena, 1000);
    gt_buf_text(&list, "{\"a\":[");
    for (int i = 0; i < 20000; i++)
        gt_buf_text(&list, "{},");
    gt_buf_text(&list, "{}]}");
    const scene scenes[] = {{.answer = ANSWER(arena, "200 OK", list.at)}, {.answer = ANSWER(arena, "200 OK", "{}")}};
    BENCH(b, scenes);
    gt_arena_free(b.arena);
    b.arena = gt_arena_new(100000);
    cr_expect_not(gt_arena_try(b.arena, get_below, &b, &b.err));
    cr_expect_eq(b.err.kind, GT_ERR_NOMEM);
    gt_arena_reset(b.arena);
    cr_expect(gt_arena_try(b.arena, get_below, &b, &b.err), "%s", b.err.text);
}

static void write_token(const char *path, const char *text)
{
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0600);
    cr_assert_eq(write(fd, text, strlen(text)), (ssize_t)strlen(text));
    close(fd);
}

Test(kube_client, a_token_file_is_read_again)
{
    SCOPED_ARENA(arena);
    const scene scenes[] = {{.answer = ANSWER(arena, "200 OK", "{}")}};
    BENCH(b, scenes);
    char path[] = "/tmp/gt-token-XXXXXX";
    close(mkstemp(path));
    b.config.token_file = path;
    write_token(path, "one\n");
    cr_expect(get(&b), "%s", b.err.text);
    write_token(path, "two");
    cr_expect(get(&b), "%s", b.err.text);
    unlink(path);
    cr_expect(get(&b), "the last good one is used: %s", b.err.text);
    write_token(path, "bad token\r\nX-Evil: 1");
    cr_expect_not(get(&b));
    cr_expect_eq(b.err.kind, GT_ERR_INPUT);
    unlink(path);
    static const char *const wanted[] = {"Bearer one\r\n", "Bearer two\r\n", "Bearer two\r\n"};
    for (size_t i = 0; i < COUNT(wanted); i++)
        cr_expect(strstr(b.server.asked[i], wanted[i]) != NULL, "request %zu: %s", i, b.server.asked[i]);
    gt_kube_client_cleanup(&b.client);
    cr_assert(gt_kube_client_new(&b.config, "test/1", &b.client, &b.err));
    cr_expect_not(get(&b), "no token was ever read");
    cr_expect_eq(b.err.kind, GT_ERR_ENV);
}

Test(kube_client, tls_server_name_is_in_the_url_only)
{
    SCOPED_ARENA(arena);
    const scene scenes[] = {{.answer = ANSWER(arena, "200 OK", "{}")}};
    BENCH(b, scenes);
    char host[64];
    b.config.tls_server_name = "kubernetes.default.svc";
    gt_kube_client_cleanup(&b.client);
    cr_assert(gt_kube_client_new(&b.config, "test/1", &b.client, &b.err), "%s", b.err.text);
    cr_expect(get(&b), "it connects to the server's address: %s", b.err.text);
    snprintf(host, sizeof host, "\r\nHost: 127.0.0.1:%d\r\n", b.server.port);
    cr_expect(strstr(b.server.asked[0], host) != NULL, "%s", b.server.asked[0]);
}

Test(kube_client, servers_that_are_no_url)
{
    static const char *const rows[] = {"https://", "https://a b", "http://[::1", "https://h:99999"};
    for (size_t i = 0; i < COUNT(rows); i++) {
        gt_kube_config config = {.origin = "test", .server = rows[i]};
        gt_kube_client *client;
        gt_err err;
        cr_expect_not(gt_kube_client_new(&config, "test/1", &client, &err), "row %zu", i);
        cr_expect_eq(err.kind, GT_ERR_INPUT, "row %zu", i);
        cr_expect_null(client);
    }
}

/* ---- paths and lists ---- */

Test(kube_api, paths)
{
    SCOPED_ARENA(arena);
    static const gt_kube_kind rigs = {"gastown.io", "v1alpha1", "rigs"};
    cr_expect_str_eq(gt_kube_path(arena, &gt_kube_pods, "ns", "x"), "/api/v1/namespaces/ns/pods/x");
    cr_expect_str_eq(gt_kube_path(arena, &gt_kube_pods, NULL, NULL), "/api/v1/pods");
    cr_expect_str_eq(gt_kube_path(arena, &rigs, "ns", NULL), "/apis/gastown.io/v1alpha1/namespaces/ns/rigs");
    cr_expect_str_eq(gt_kube_path(arena, &gt_kube_pods, "..", "a/b?c#d%e \xc3\xbc"),
                     "/api/v1/namespaces/%2E%2E/pods/a%2Fb%3Fc%23d%25e%20%C3%BC");
}

static void expect_request(gt_kube_request r, const char *method, const char *path, const char *type, const char *body)
{
    cr_expect_str_eq(r.method, method);
    cr_expect_str_eq(r.path, path);
    cr_expect_str_eq(r.content_type, type);
    expect_text(0, r.body, body);
}

Test(kube_api, requests)
{
    SCOPED_ARENA(arena);
    static const char json[] = "application/json";
    gt_value *object = gt_value_object(arena);
    gt_value_put(arena, object, "a", gt_value_int(arena, 1));
    expect_request(gt_kube_create_request(arena, &gt_kube_revisions, "ns", object), "POST",
                   "/apis/apps/v1/namespaces/ns/controllerrevisions", json, "{\"a\":1}");
    expect_request(gt_kube_delete_request(arena, &gt_kube_claims, "ns", "x", NULL), "DELETE",
                   "/api/v1/namespaces/ns/persistentvolumeclaims/x", json,
                   "{\"kind\":\"DeleteOptions\",\"apiVersion\":\"v1\"}");
    expect_request(gt_kube_apply_request(arena, &gt_kube_pods, "ns", "x", "status", "me & you", object), "PATCH",
                   "/api/v1/namespaces/ns/pods/x/status?fieldManager=me%20%26%20you&force=true",
                   "application/apply-patch+yaml", "{\"a\":1}");
    expect_request(gt_kube_merge_request(arena, &gt_kube_classes, NULL, "x", NULL, object), "PATCH",
                   "/apis/storage.k8s.io/v1/storageclasses/x", "application/merge-patch+json", "{\"a\":1}");
}

Test(kube_api, events)
{
    SCOPED_ARENA(arena);
    char message[1002];
    memset(message, 'm', sizeof message);
    /* a character across the limit, of a slice: NOLINTNEXTLINE(bugprone-not-null-terminated-result) */
    memcpy(message + 998, "\xe2\x82\xac", 3);
    gt_kube_event event = {.api_version = "gastown.io/v1alpha1",
                           .kind = "Rig",
                           .ns = "ns",
                           .name = "r",
                           .uid = "u",
                           .warning = true,
                           .reason = "Refused",
                           .message = GT_STR("why"),
                           .component = "webhook",
                           .instance = "webhook-0",
                           .wall_ms = 1000000000123};
    expect_request(
        gt_kube_event_request(arena, &event), "POST", "/api/v1/namespaces/ns/events", "application/json",
        "{\"apiVersion\":\"v1\",\"kind\":\"Event\",\"metadata\":{\"namespace\":\"ns\",\"generateName\":\"r.\"},"
        "\"involvedObject\":{\"apiVersion\":\"gastown.io/v1alpha1\",\"kind\":\"Rig\",\"namespace\":\"ns\","
        "\"name\":\"r\",\"uid\":\"u\"},\"type\":\"Warning\",\"reason\":\"Refused\",\"message\":\"why\","
        "\"source\":{\"component\":\"webhook\"},\"firstTimestamp\":\"2001-09-09T01:46:40Z\","
        "\"lastTimestamp\":\"2001-09-09T01:46:40Z\",\"count\":1,\"reportingComponent\":\"webhook\","
        "\"reportingInstance\":\"webhook-0\"}");
    event.ns = NULL;
    event.warning = false;
    event.message = (gt_str){message, sizeof message};
    gt_kube_request request = gt_kube_event_request(arena, &event);
    gt_view body;
    gt_err err;
    cr_expect_str_eq(request.path, "/api/v1/namespaces/default/events");
    cr_assert(gt_view_parse(arena, request.body, 0, &body, &err), "%s", err.text);
    cr_expect_eq(gt_view_str(gt_view_get(body, "message")).len, 998);
    cr_expect(gt_view_is(gt_view_get(body, "type"), "Normal"));
}

typedef struct seen {
    char names[256];
    int restarts;
} seen;

static bool see(void *context, gt_view object, gt_err *err)
{
    seen *s = context;
    gt_str name = gt_view_str(gt_view_get(object, "name"));
    if (gt_str_is(name, "stop"))
        return gt_fail(err, GT_ERR_INPUT, "stopped");
    strncat(s->names, name.at, name.len);
    return true;
}

static void anew(void *context)
{
    seen *s = context;
    s->restarts++;
    s->names[0] = '\0';
}

#define PAGE(items, next) "{\"metadata\":{\"resourceVersion\":\"9\",\"continue\":\"" next "\"},\"items\":" items "}"

static bool list(bench *b, gt_kube_list *l, seen *s)
{
    *s = (seen){0};
    *l = (gt_kube_list){.ns = "ns", .labels = "a=b,c!=d", .page = 2, .each = see, .context = s, .arena = b->arena};
    return gt_kube_list_all(b->client, &gt_kube_pods, l, anew, &b->err);
}

Test(kube_api, lists_in_pages)
{
    SCOPED_ARENA(arena);
    const scene scenes[] = {{.answer = ANSWER(arena, "200 OK", PAGE("[{\"name\":\"a\"},{\"name\":\"b\"}]", "t/1="))},
                            {.answer = ANSWER(arena, "200 OK", PAGE("[]", "t2"))},
                            {.answer = ANSWER(arena, "200 OK", PAGE("[{\"name\":\"c\"}]", ""))}};
    BENCH(b, scenes);
    gt_kube_list l;
    seen s;
    cr_expect(list(&b, &l, &s), "%s", b.err.text);
    cr_expect_str_eq(s.names, "abc");
    cr_expect_eq(l.count, 3);
    expect_text(0, l.version, "9");
    cr_expect(strstr(b.server.asked[0], "GET /api/v1/namespaces/ns/pods?limit=2&labelSelector=a%3Db%2Cc%21%3Dd HTTP") !=
                  NULL,
              "%s", b.server.asked[0]);
    cr_expect(strstr(b.server.asked[1], "&continue=t%2F1%3D HTTP") != NULL, "%s", b.server.asked[1]);
    cr_expect_eq(s.restarts, 0);
}

Test(kube_api, an_expired_listing_begins_anew)
{
    SCOPED_ARENA(arena);
    const char *first = ANSWER(arena, "200 OK", PAGE("[{\"name\":\"a\"}]", "t")),
               *gone = ANSWER(arena, "410 Gone", STATUS("410", "Expired", "x"));
    const scene scenes[] = {
        {.answer = first}, {.answer = gone},  {.answer = ANSWER(arena, "200 OK", PAGE("[{\"name\":\"b\"}]", ""))},
        {.answer = first}, {.answer = gone},  {.answer = first},
        {.answer = gone},  {.answer = first}, {.answer = gone}};
    BENCH(b, scenes);
    gt_kube_list l;
    seen s;
    cr_expect(list(&b, &l, &s), "%s", b.err.text);
    cr_expect_str_eq(s.names, "b");
    cr_expect_eq(s.restarts, 1);
    cr_expect_eq(l.count, 1);
    cr_expect_not(list(&b, &l, &s), "but not for ever");
    cr_expect_eq(b.err.code, 410);
    cr_expect_eq(s.restarts, 2);
}

Test(kube_api, a_partial_listing_is_a_failure)
{
    SCOPED_ARENA(arena);
    const char *first = ANSWER(arena, "200 OK", PAGE("[{\"name\":\"a\"}]", "t"));
    const scene scenes[] = {{.answer = first},
                            {.answer = ANSWER(arena, "500 Oops", "")},
                            {.answer = ANSWER(arena, "200 OK", "{\"kind\":\"PodList\"}")},
                            {.answer = ANSWER(arena, "200 OK", PAGE("{}", ""))},
                            {.answer = ANSWER(arena, "200 OK", PAGE("[{\"name\":\"stop\"}]", ""))},
                            {.answer = ANSWER(arena, "410 Gone", "")},
                            {.answer = ANSWER(arena, "200 OK", PAGE("null", ""))}};
    static const gt_err_kind kinds[] = {GT_ERR_ENV, GT_ERR_ENV, GT_ERR_ENV, GT_ERR_INPUT, GT_ERR_REFUSED};
    BENCH(b, scenes);
    gt_kube_list l;
    seen s;
    for (size_t i = 0; i < COUNT(kinds); i++) {
        cr_expect_not(list(&b, &l, &s), "row %zu", i);
        cr_expect_eq(b.err.kind, kinds[i], "row %zu: %s", i, b.err.text);
    }
    cr_expect(list(&b, &l, &s), "no items at all may be null: %s", b.err.text);
}
