#include "tests/unit/test_kube_server.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdio.h>
#include <unistd.h>

static bool readable(const server *s, int fd)
{
    while (!atomic_load(&s->stop)) {
        struct pollfd p = {.fd = fd, .events = POLLIN};
        if (poll(&p, 1, 20) > 0)
            return true;
    }
    return false;
}

/* One request into text; false: the connection is over. */
static bool read_request(const server *s, int fd, char *text, size_t size)
{
    size_t n = 0, wanted = 0;
    while (n < size - 1) {
        if (!readable(s, fd))
            return false;
        ssize_t got = recv(fd, text + n, size - 1 - n, 0);
        if (got <= 0)
            return false;
        n += (size_t)got;
        text[n] = '\0';
        const char *end = strstr(text, "\r\n\r\n"), *length = strstr(text, "Content-Length: ");
        if (end == NULL)
            continue;
        wanted =
            (size_t)(end + 4 - text) + (length == NULL ? 0 : strtoul(length + strlen("Content-Length: "), NULL, 10));
        if (n >= wanted)
            return true;
    }
    return true;
}

static bool send_all(int fd, const char *bytes, size_t n)
{
    while (n > 0) {
        ssize_t done = send(fd, bytes, n, MSG_NOSIGNAL);
        if (done <= 0)
            return false;
        bytes += done;
        n -= (size_t)done;
    }
    return true;
}

static bool play(const server *s, int fd, const scene *now)
{
    char xs[4096];
    memset(xs, 'x', sizeof xs);
    for (int waited = 0; waited < now->wait_ms && !atomic_load(&s->stop); waited += 20)
        usleep(20 * 1000);
    bool ok = now->answer == NULL || send_all(fd, now->answer, strlen(now->answer));
    for (int left = now->fill; ok && left > 0; left -= (int)sizeof xs)
        ok = send_all(fd, xs, left < (int)sizeof xs ? (size_t)left : sizeof xs);
    return ok && !now->hang_up;
}

static void serve(server *s, int fd)
{
    char spare[4096] = "";
    for (bool ok = true; ok;) {
        int n = atomic_load(&s->requests);
        char *text = n < (int)COUNT(s->asked) ? s->asked[n] : spare;
        if (!read_request(s, fd, text, sizeof spare))
            return;
        atomic_fetch_add(&s->requests, 1);
        ok = play(s, fd, &s->scenes[(size_t)n < s->count ? (size_t)n : s->count - 1]);
    }
}

static void *run(void *context)
{
    server *s = context;
    while (readable(s, s->listener)) {
        int fd = accept(s->listener, NULL, NULL);
        if (fd < 0)
            continue;
        atomic_fetch_add(&s->connections, 1);
        serve(s, fd);
        close(fd);
    }
    return NULL;
}

void server_start(server *s, const scene *scenes, size_t n)
{
    struct sockaddr_in at = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    union {
        struct sockaddr_in *in;
        struct sockaddr *any;
    } address = {.in = &at};
    socklen_t size = sizeof at;
    alarm(60); /* a test that hangs ends; Criterion's own .timeout leaks in its runner, which the sanitizers report */
    *s = (server){.scenes = scenes, .count = n, .listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)};
    cr_assert_eq(bind(s->listener, address.any, size), 0);
    cr_assert_eq(listen(s->listener, 8), 0);
    cr_assert_eq(getsockname(s->listener, address.any, &size), 0);
    s->port = ntohs(at.sin_port);
    cr_assert_eq(pthread_create(&s->thread, NULL, run, s), 0);
}

void server_stop(server *s)
{
    atomic_store(&s->stop, true);
    pthread_join(s->thread, NULL);
    close(s->listener);
}
