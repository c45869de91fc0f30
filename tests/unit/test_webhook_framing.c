#include "webhook/framing.h"

#include "tests/unit/support.h"

/* Headers of one request: name, value, ..., NULL. The Host is added. */
static gt_framing judge(const char *version, const char *const *headers)
{
    gt_framing framing = {.length = -1};
    gt_framing_header(&framing, "Host", "localhost");
    for (; *headers != NULL; headers += 2)
        gt_framing_header(&framing, headers[0], headers[1]);
    gt_framing_end(&framing, version);
    return framing;
}

#define JUDGE(version, ...) judge(version, (const char *const[]){__VA_ARGS__, NULL})

Test(webhook_framing, what_is_fine)
{
    gt_framing framing = JUDGE("HTTP/1.1", "Content-Length", "12", "Expect", "100-Continue", "X-Other", "a b");
    cr_expect_null(framing.problem);
    cr_expect_eq(framing.length, 12);
    cr_expect(framing.expects);
    framing = JUDGE("HTTP/1.1", "transfer-encoding", "Chunked");
    cr_expect_null(framing.problem);
    cr_expect_eq(framing.length, -1);
    framing = JUDGE("HTTP/1.0", "content-length", "0");
    cr_expect_null(framing.problem);
    framing = (gt_framing){.length = -1};
    gt_framing_end(&framing, "HTTP/1.0");
    cr_expect_null(framing.problem, "HTTP/1.0 knows no Host");
}

Test(webhook_framing, what_is_in_doubt)
{
    static const char *const rows[][5] = {
        {"Content-Length", "1", "Content-Length", "1"},
        {"Content-Length", "1", "content-length", "2"},
        {"Content-Length", "1", "Transfer-Encoding", "chunked"},
        {"Transfer-Encoding", "chunked", "Content-Length", "1"},
        {"Transfer-Encoding", "chunked", "Transfer-Encoding", "chunked"},
        {"Transfer-Encoding", "gzip, chunked"},
        {"Transfer-Encoding", "identity"},
        {"Transfer-Encoding", ""},
        {"Transfer-Encoding", "chunked "},
        {"Content-Length", ""},
        {"Content-Length", "+1"},
        {"Content-Length", "-1"},
        {"Content-Length", " 1"},
        {"Content-Length", "1,1"},
        {"Content-Length", "0x1"},
        {"Content-Length", "9223372036854775808"},
        {"Content-Length ", "1"},
        {"Content\tLength", "1"},
        {"", "1"},
        {"Host", "other"},
    };
    for (size_t i = 0; i < COUNT(rows); i++)
        cr_expect_not_null(judge("HTTP/1.1", rows[i]).problem, "%s: %s", rows[i][0], rows[i][1]);
    cr_expect_not_null(JUDGE("HTTP/1.0", "Transfer-Encoding", "chunked").problem);
    gt_framing framing = {.length = -1};
    gt_framing_end(&framing, "HTTP/1.1");
    cr_expect_not_null(framing.problem, "no Host");
}

/* RFC 9110, section 5.6.2, byte by byte. */
Test(webhook_framing, names)
{
    static const char tokens[] = "!#$%&'*+-.^_`|~0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ";
    for (int byte = 1; byte <= 0xff; byte++) {
        const char name[] = {'X', (char)byte, 'y', '\0'};
        cr_expect_eq(JUDGE("HTTP/1.1", name, "v").problem == NULL, strchr(tokens, byte) != NULL, "byte %#x",
                     (unsigned)byte);
    }
    cr_expect_not_null(JUDGE("HTTP/1.1", "", "v").problem);
}
