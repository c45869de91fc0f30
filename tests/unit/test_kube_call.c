/* Calls that don't block: several at once, streams with whatever borders, ends of all kinds. */
#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

#include "lib/base/clock.h"
#include "lib/kube/api.h"
#include "lib/kube/call.h"
#include "tests/unit/test_kube_server.h"

typedef struct bench {
    server server;
    gt_kube_config config;
    gt_kube_client *client;
    char url[64];
    gt_err err;
} bench;

static void tear_down(bench *b)
{
    gt_kube_client_free(b->client);
    server_stop(&b->server);
}

static void set_up(bench *b, const scene *scenes, size_t n)
{
    server_start(&b->server, scenes, n);
    snprintf(b->url, sizeof b->url, "http://127.0.0.1:%d", b->server.port);
    b->config = (gt_kube_config){.origin = "test", .server = b->url, .token = "secret"};
    cr_assert(gt_kube_client_new(&b->config, "test/1", &b->client, &b->err), "%s", b->err.text);
}
#define BENCH(name, scenes)                                                                                            \
    gt_scoped(tear_down) bench name = {0};                                                                             \
    set_up(&(name), scenes, COUNT(scenes))

/* What a handler has heard. */
typedef struct ear {
    bench *bench;
    gt_kube_call *call;
    int done, lines, enough; /* enough: lines, then the stream is ended; 0: never */
    size_t bytes;
    char text[256];
    gt_kube_answer answer;
    gt_err failure; /* kind GT_ERR_NONE: none */
    void (*at_line)(struct ear *ear);
    void (*at_end)(struct ear *ear);
} ear;

static void hear_end(void *context, gt_arena *arena, const gt_kube_answer *answer, const gt_err *failure)
{
    ear *e = context;
    e->done++;
    e->call = NULL;
    e->answer = *answer;
    e->failure = (gt_err){0};
    if (failure != NULL)
        e->failure = *failure;
    gt_str name = gt_view_str(gt_view_get(answer->object, "name"));
    if (name.len > 0)
        snprintf(e->text, sizeof e->text, "%s", gt_arena_printf(arena, "%.*s", GT_STR_ARG(name)));
    if (e->at_end != NULL)
        e->at_end(e);
}

static bool hear_line(void *context, gt_str line)
{
    ear *e = context;
    e->lines++;
    e->bytes += line.len;
    size_t used = strlen(e->text);
    snprintf(e->text + used, sizeof e->text - used, "[%.*s]", line.len < 40 ? (int)line.len : 40, line.at);
    int enough = e->enough;
    if (e->at_line != NULL)
        e->at_line(e);
    return e->lines != enough;
}

static void ask_with(ear *e, const gt_kube_request *request, bool stream)
{
    const gt_kube_handler handler = {e, hear_end, stream ? hear_line : NULL};
    cr_assert(gt_kube_start(e->bench->client, request, &handler, &e->call, &e->bench->err), "%s", e->bench->err.text);
}

static void ask(ear *e, const char *path, bool stream)
{
    char copy[64]; /* what the request points to is copied */
    snprintf(copy, sizeof copy, "%s", path);
    gt_kube_request request = {.method = "GET", .path = copy};
    ask_with(e, &request, stream);
    memset(copy, 'z', sizeof copy);
}

/* Drives until `*what` has reached `most`. */
static void drive_until(bench *b, const int *what, int most)
{
    int64_t end = gt_clock_mono_us() + 20 * 1000 * 1000;
    while (*what < most) {
        cr_assert_lt(gt_clock_mono_us(), end, "it takes too long");
        gt_kube_wait(b->client, -1, 1000);
        gt_kube_drive(b->client);
    }
}

#define STREAM(name, ...)                                                                                              \
    const scene scenes[] = {__VA_ARGS__};                                                                              \
    BENCH(b, scenes);                                                                                                  \
    ear name = {.bench = &b};                                                                                          \
    ask(&(name), "/s", true)

Test(kube_call, several_at_once)
{
    SCOPED_ARENA(arena);
    const scene scenes[] = {
        {.match = "/slow", .answer = ANSWER(arena, "200 OK", "{\"name\":\"slow\"}"), .wait_ms = 200},
        {.match = "/quick", .answer = ANSWER(arena, "200 OK", "{\"name\":\"quick\"}")},
        {.match = "/none", .answer = ANSWER(arena, "404 Not Found", "{\"kind\":\"Status\"}")}};
    BENCH(b, scenes);
    ear slow = {.bench = &b}, quick = {.bench = &b}, none = {.bench = &b};
    gt_str body = GT_STR("{\"a\":1}");
    char bytes[8];
    memcpy(bytes, body.at, body.len);
    gt_kube_request post = {
        .method = "POST", .path = "/quick", .content_type = "application/json", .body = {bytes, body.len}};
    ask(&slow, "/slow", false);
    ask_with(&quick, &post, false);
    memset(bytes, 'z', sizeof bytes);
    ask(&none, "/none", false);
    cr_expect_eq(gt_kube_call_status(slow.call), 0);
    drive_until(&b, &quick.done, 1);
    drive_until(&b, &none.done, 1);
    cr_expect_eq(slow.done, 0, "the slow one doesn't hold up the others");
    drive_until(&b, &slow.done, 1);
    cr_expect_str_eq(slow.text, "slow");
    cr_expect_str_eq(quick.text, "quick");
    cr_expect_eq(none.failure.kind, GT_ERR_NOT_FOUND);
    cr_expect_eq(none.answer.status, 404);
    bool copied = false;
    for (size_t i = 0; i < 3; i++)
        copied = copied || strstr(b.server.asked[i], "\r\n\r\n{\"a\":1}") != NULL;
    cr_expect(copied, "the body was copied");
}

Test(kube_call, lines_whatever_the_borders)
{
    for (int chunk = 0; chunk < 9; chunk++) {
        STREAM(e, {.stream = "{\"a\":1}\n\nsecond\nx\n", .chunk = chunk});
        drive_until(&b, &e.done, 1);
        cr_expect_str_eq(e.text, "[{\"a\":1}][][second][x]", "chunks of %d: %s", chunk, e.text);
        cr_expect_eq(e.failure.kind, GT_ERR_NONE, "%s", e.failure.text);
        cr_expect_eq(e.answer.status, 200);
        cr_expect_eq(gt_view_type_of(e.answer.object), GT_VIEW_MISSING);
    }
}

Test(kube_call, lines_come_while_the_stream_is_open)
{
    STREAM(e, {.stream = "one\ntw", .open = true});
    drive_until(&b, &e.lines, 1);
    cr_expect_str_eq(e.text, "[one]");
    cr_expect_eq(e.done, 0);
    cr_expect_eq(gt_kube_call_status(e.call), 200);
    gt_kube_cancel(e.call);
    gt_kube_drive(b.client);
    cr_expect_eq(e.done, 0, "who cancels isn't told");
}

Test(kube_call, half_a_line_is_nobodys)
{
    static const struct {
        scene scene;
        gt_err_kind kind;
        const char *text, *heard;
    } rows[] = {
        {{.stream = "one\ntwo", .hang_up = true}, GT_ERR_ENV, "http://127.0.0.1", "[one]"},
        {{.stream = "one\ntwo"}, GT_ERR_ENV, "a last line that doesn't end (application/json): two", "[one]"},
        {{.stream = "<html>log in</html>"}, GT_ERR_ENV, "(application/json): <html>log in", ""},
        {{.stream = ""}, GT_ERR_NONE, "", ""},
        {{.answer = "HTTP/1.1 200 OK\r\nContent-Length: 20\r\n\r\none\ntw", .hang_up = true}, GT_ERR_ENV, "", "[one]"},
        {{.answer = "HTTP/1.1 204 Nothing\r\n\r\n"}, GT_ERR_ENV, "HTTP 204", ""},
        {{.answer = "HTTP/1.1 503 Away\r\nRetry-After: 3\r\nContent-Length: 4\r\n\r\na\nb\n"},
         GT_ERR_ENV,
         "HTTP 503",
         ""},
        {{.hang_up = true}, GT_ERR_ENV, "", ""},
    };
    for (size_t i = 0; i < COUNT(rows); i++) {
        STREAM(e, rows[i].scene);
        drive_until(&b, &e.done, 1);
        cr_expect_str_eq(e.text, rows[i].heard, "row %zu: %s", i, e.text);
        cr_expect_eq(e.failure.kind, rows[i].kind, "row %zu: %s", i, e.failure.text);
        cr_expect(strstr(e.failure.text, rows[i].text) != NULL, "row %zu: %s", i, e.failure.text);
        cr_expect_eq(e.answer.retry_after_ms, strstr(rows[i].text, "503") == NULL ? -1 : 3000, "row %zu", i);
    }
}

Test(kube_call, a_line_without_an_end)
{
    static const scene scenes[] = {
        {.answer = "HTTP/1.1 200 OK\r\n\r\none\n", .fill = 50 * 1000 * 1000, .hang_up = true},
        {.stream = "short\nas long as it may be\n1234567890123456789012\nmore\n"}};
    BENCH(b, scenes);
    ear endless = {.bench = &b}, longer = {.bench = &b};
    ask(&endless, "/", true);
    drive_until(&b, &endless.done, 1);
    cr_expect_eq(endless.failure.kind, GT_ERR_LIMIT, "%s", endless.failure.text);
    cr_expect(strstr(endless.failure.text, "a line of more than") != NULL, "%s", endless.failure.text);
    cr_expect_str_eq(endless.text, "[one]");
    gt_kube_request request = {.method = "GET", .path = "/", .max_answer = 21};
    ask_with(&longer, &request, true);
    drive_until(&b, &longer.done, 1);
    cr_expect_eq(longer.failure.kind, GT_ERR_LIMIT, "%s", longer.failure.text);
    cr_expect_str_eq(longer.text, "[short][as long as it may be]", "%s", longer.text);
}

/* What stands behind the last line end in one piece may be more than a line may be already. */
Test(kube_call, a_line_without_an_end_behind_one_with)
{
    enum { PIECE = 8000 };
    static char text[5 * PIECE + 1];
    memset(text, 'x', sizeof text - 1);
    text[3] = '\n';
    const scene scenes[] = {{.stream = text, .chunk = PIECE}};
    BENCH(b, scenes);
    ear e = {.bench = &b};
    gt_kube_request request = {.method = "GET", .path = "/", .max_answer = 21};
    ask_with(&e, &request, true);
    drive_until(&b, &e.done, 1);
    cr_expect_eq(e.failure.kind, GT_ERR_LIMIT, "%s", e.failure.text);
}

Test(kube_call, a_stream_that_nobody_takes_from_is_held_up)
{
    SCOPED_ARENA(arena);
    enum { LINES = 200 * 1000 };
    static char text[LINES * 60 + 1];
    for (int i = 0; i < LINES; i++)
        snprintf(text + i * 60, 61, "%058d.\n", i);
    const scene scenes[] = {{.match = "/s", .stream = text, .chunk = 999},
                            {.match = "/do", .answer = ANSWER(arena, "200 OK", "{}"), .wait_ms = 100}};
    BENCH(b, scenes);
    ear e = {.bench = &b};
    ask(&e, "/s", true);
    for (int i = 0; i < 5; i++) { /* receives for the stream, too, but tells nobody */
        gt_kube_answer answer;
        gt_kube_request request = {.method = "GET", .path = "/do"};
        cr_expect(gt_kube_do(b.client, arena, &request, &answer, &b.err), "%s", b.err.text);
    }
    cr_expect_eq(e.lines, 0);
    drive_until(&b, &e.done, 1);
    cr_expect_eq(e.failure.kind, GT_ERR_NONE, "%s", e.failure.text);
    cr_expect_eq(e.lines, LINES);
    cr_expect_eq(e.bytes, LINES * 59);
}

Test(kube_call, do_besides_calls_keeps_their_ends)
{
    SCOPED_ARENA(arena);
    const scene scenes[] = {{.match = "/call", .answer = ANSWER(arena, "200 OK", "{\"name\":\"call\"}")},
                            {.match = "/do", .answer = ANSWER(arena, "200 OK", "{\"name\":\"do\"}"), .wait_ms = 200}};
    BENCH(b, scenes);
    ear e = {.bench = &b};
    ask(&e, "/call", false);
    gt_kube_answer answer;
    gt_kube_request request = {.method = "GET", .path = "/do"};
    cr_expect(gt_kube_do(b.client, arena, &request, &answer, &b.err), "%s", b.err.text);
    cr_expect(gt_view_is(gt_view_get(answer.object, "name"), "do"));
    cr_expect_eq(e.done, 0);
    int64_t start = gt_clock_mono_us();
    gt_kube_wait(b.client, -1, 10000);
    cr_expect_lt(gt_clock_mono_us() - start, 5000 * 1000, "there's something to drive");
    gt_kube_drive(b.client);
    cr_expect_eq(e.done, 1);
    cr_expect_str_eq(e.text, "call");
}

Test(kube_call, enough)
{
    STREAM(e, {.stream = "a\nb\nc\nd\n", .open = true});
    e.enough = 2;
    drive_until(&b, &e.done, 1);
    cr_expect_str_eq(e.text, "[a][b]");
    cr_expect_eq(e.failure.kind, GT_ERR_ENV);
    cr_expect_str_eq(e.failure.text, "ended by us");
    cr_expect_eq(e.answer.status, 200);
}

static ear *other;

static void cancel_both(ear *e)
{
    gt_kube_cancel(other->call);
    other->call = NULL;
    gt_kube_cancel(e->call);
    cr_expect_str_eq(e->text, "[a]");
}

Test(kube_call, a_handler_cancels_itself_and_its_neighbour)
{
    STREAM(e, {.stream = "a\nb\n"}, {.stream = "a\nb\n"});
    ear neighbour = {.bench = &b};
    other = &neighbour;
    ask(&neighbour, "/t", true);
    e.at_line = cancel_both;
    while (e.lines == 0 && neighbour.lines == 0) {
        gt_kube_wait(b.client, -1, 1000);
        gt_kube_drive(b.client);
    }
    gt_kube_drive(b.client);
    cr_expect_eq(e.done, 0);
}

static void do_besides(ear *e)
{
    gt_kube_answer answer;
    gt_kube_request request = {.method = "GET", .path = "/do"};
    gt_scoped(gt_arena_cleanup) gt_arena *arena = gt_arena_new(0);
    cr_expect(gt_kube_do(e->bench->client, arena, &request, &answer, &e->bench->err), "%s", e->bench->err.text);
}

static void ask_again(ear *e)
{
    do_besides(e);
    if (e->done < 3)
        ask(e, "/s", true);
}

Test(kube_call, a_handler_asks)
{
    SCOPED_ARENA(arena);
    const scene scenes[] = {{.match = "/s", .stream = "a\nb\nc\n", .chunk = 1},
                            {.match = "/do", .answer = ANSWER(arena, "200 OK", "{}")}};
    BENCH(b, scenes);
    ear e = {.bench = &b, .at_line = do_besides, .at_end = ask_again};
    ask(&e, "/s", true);
    drive_until(&b, &e.done, 3);
    cr_expect_str_eq(e.text, "[a][b][c][a][b][c][a][b][c]");
}

Test(kube_call, silence)
{
    const scene scenes[] = {{.match = "/s", .stream = "a\n", .open = true}, {.match = "/n", .wait_ms = 20000}};
    BENCH(b, scenes);
    ear e = {.bench = &b}, mute = {.bench = &b};
    gt_kube_request open = {.method = "GET", .path = "/s", .timeout_ms = 300};
    gt_kube_request none = {.method = "GET", .path = "/n", .timeout_ms = 300};
    int64_t start = gt_clock_mono_us();
    ask_with(&e, &open, true);
    ask_with(&mute, &none, true);
    drive_until(&b, &e.done, 1);
    drive_until(&b, &mute.done, 1);
    cr_expect_geq(gt_clock_mono_us() - start, 300 * 1000);
    cr_expect_lt(gt_clock_mono_us() - start, 5000 * 1000);
    cr_expect_eq(e.failure.kind, GT_ERR_ENV);
    cr_expect(strstr(e.failure.text, "silent for") != NULL, "%s", e.failure.text);
    cr_expect(strstr(mute.failure.text, "silent for") != NULL, "%s", mute.failure.text);
}

Test(kube_call, time_out)
{
    const scene scenes[] = {{.wait_ms = 20000}};
    BENCH(b, scenes);
    ear e = {.bench = &b};
    gt_kube_request hasty = {.method = "GET", .path = "/", .timeout_ms = 300};
    ask_with(&e, &hasty, false);
    drive_until(&b, &e.done, 1);
    cr_expect(strstr(e.failure.text, "imed out") != NULL, "%s", e.failure.text);
}

Test(kube_call, a_client_goes_with_its_calls)
{
    const scene scenes[] = {{.stream = "a\n", .open = true}};
    BENCH(b, scenes);
    ear e = {.bench = &b}, new = {.bench = &b};
    ask(&e, "/s", true);
    drive_until(&b, &e.lines, 1);
    ask(&new, "/s", true);
    gt_kube_client_cleanup(&b.client);
    cr_expect_eq(e.done + new.done, 0);
    gt_kube_cancel(NULL);
}

Test(kube_call, what_cannot_be_sent)
{
    const scene scenes[] = {{.hang_up = true}};
    BENCH(b, scenes);
    b.config.token_file = "/nowhere/token";
    ear e = {.bench = &b};
    const gt_kube_handler handler = {&e, hear_end, NULL};
    gt_kube_request request = {.method = "GET", .path = "/"};
    cr_expect_not(gt_kube_start(b.client, &request, &handler, &e.call, &b.err));
    cr_expect_null(e.call);
    cr_expect(strstr(b.err.text, "/nowhere/token") != NULL, "%s", b.err.text);
    gt_kube_drive(b.client);
    cr_expect_eq(e.done, 0);
}

Test(kube_call, another_descriptor_wakes)
{
    const scene scenes[] = {{.stream = "", .open = true}};
    BENCH(b, scenes);
    ear e = {.bench = &b};
    int ends[2];
    cr_assert_eq(pipe(ends), 0);
    ask(&e, "/s", true);
    while (gt_kube_call_status(e.call) == 0) {
        gt_kube_wait(b.client, ends[0], 1000);
        gt_kube_drive(b.client);
    }
    cr_assert_eq(write(ends[1], "x", 1), 1);
    int64_t start = gt_clock_mono_us();
    gt_kube_wait(b.client, ends[0], 20000);
    cr_expect_lt(gt_clock_mono_us() - start, 10 * 1000 * 1000);
    close(ends[0]);
    close(ends[1]);
}
