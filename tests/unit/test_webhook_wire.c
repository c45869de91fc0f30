#include "webhook/wire.h"

#include <errno.h>
#include <sys/socket.h>
#include <unistd.h>

#include "tests/unit/support.h"

static ssize_t push(gt_wire *wire, const char *bytes, size_t n)
{
    const giovec_t part = {.iov_base = (void *)(uintptr_t)bytes, .iov_len = n};
    return gt_wire_push(wire, &part, 1);
}

static ssize_t push_text(gt_wire *wire, const char *text)
{
    return push(wire, text, strlen(text));
}

/* What one write brought: the socket keeps writes apart. */
static void expect_write(int fd, const char *text)
{
    char got[2048];
    ssize_t n = recv(fd, got, sizeof got, MSG_DONTWAIT);
    if (text == NULL)
        cr_expect_eq(n, -1, "%zd bytes too early", n);
    else
        cr_expect(n == (ssize_t)strlen(text) && memcmp(got, text, (size_t)n) == 0, "%s: got %zd bytes", text, n);
}

Test(webhook_wire, a_head_waits_for_its_body)
{
    int fds[2];
    cr_assert_eq(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_NONBLOCK, 0, fds), 0);
    gt_wire wire = {.fd = fds[0]};
    cr_expect_eq(push_text(&wire, "hello"), 5);
    expect_write(fds[1], "hello");
    gt_wire_more(&wire);
    cr_expect_eq(push_text(&wire, "head "), 5);
    expect_write(fds[1], NULL);
    const giovec_t parts[] = {{.iov_base = (char[]){"bo"}, .iov_len = 2}, {.iov_base = (char[]){"dy"}, .iov_len = 2}};
    cr_expect_eq(gt_wire_push(&wire, parts, 2), 4, "its own bytes, not those that waited");
    expect_write(fds[1], "head body");
    cr_expect_eq(push_text(&wire, "more"), 4, "one record waits, once");
    expect_write(fds[1], "more");
    close(fds[0]);
    close(fds[1]);
}

Test(webhook_wire, a_large_head_does_not_wait)
{
    int fds[2];
    char large[GT_WIRE_ROOM + 2];
    cr_assert_eq(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_NONBLOCK, 0, fds), 0);
    memset(large, 'x', sizeof large);
    large[GT_WIRE_ROOM + 1] = '\0';
    gt_wire wire = {.fd = fds[0]};
    gt_wire_more(&wire);
    cr_expect_eq(push_text(&wire, large), GT_WIRE_ROOM + 1);
    expect_write(fds[1], large);
    large[GT_WIRE_ROOM] = '\0';
    gt_wire_more(&wire);
    cr_expect_eq(push_text(&wire, large), GT_WIRE_ROOM);
    expect_write(fds[1], NULL);
    gt_wire_more(&wire);
    cr_expect_eq(push_text(&wire, "y"), 1, "no room left: all of it goes");
    large[GT_WIRE_ROOM] = 'y';
    expect_write(fds[1], large);
    close(fds[0]);
    close(fds[1]);
}

/* Heads and bodies for a reader that takes a little at a time: every byte, once, in order. */
Test(webhook_wire, a_full_socket)
{
    enum { ROUNDS = 400, BODY = 3000 };
    int fds[2], small = 4096;
    cr_assert_eq(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, fds), 0);
    cr_assert_eq(setsockopt(fds[0], SOL_SOCKET, SO_SNDBUF, &small, sizeof small), 0);
    gt_wire wire = {.fd = fds[0]};
    unsigned char body[BODY], got[977];
    size_t written = 0, taken = 0, again = 0;
    for (size_t i = 0; i < ROUNDS; i++) {
        size_t head = 1 + i % GT_WIRE_ROOM;
        for (size_t k = 0; k < BODY; k++)
            body[k] = (unsigned char)((written + k) % 251);
        gt_wire_more(&wire);
        cr_assert_eq(push(&wire, (const char *)body, head), (ssize_t)head);
        for (size_t at = head; at < BODY;) {
            errno = 0;
            ssize_t n = push(&wire, (const char *)body + at, BODY - at);
            at += n > 0 ? (size_t)n : 0;
            if (n > 0)
                continue;
            cr_assert(n == -1 && errno == EAGAIN, "%zd", n);
            again++;
            n = recv(fds[1], got, sizeof got, 0);
            cr_assert_gt(n, 0, "nothing was written and nothing is there");
            for (ssize_t k = 0; k < n; k++, taken++)
                cr_assert_eq(got[k], taken % 251, "byte %zu", taken);
        }
        written += BODY;
    }
    for (ssize_t n; (n = recv(fds[1], got, sizeof got, 0)) > 0;)
        for (ssize_t k = 0; k < n; k++, taken++)
            cr_assert_eq(got[k], taken % 251, "byte %zu", taken);
    cr_expect_eq(taken, written);
    cr_expect_gt(again, ROUNDS);
    close(fds[0]);
    close(fds[1]);
    cr_expect_eq(push_text(&wire, "x"), -1);
}
