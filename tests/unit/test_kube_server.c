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
    return false; /* the rest of it would pass for another request */
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

static bool send_chunk(int fd, const char *bytes, size_t n)
{
    char head[32];
    int len = snprintf(head, sizeof head, "%zx\r\n", n);
    return send_all(fd, head, (size_t)len) && send_all(fd, bytes, n) && send_all(fd, "\r\n", 2);
}

static bool play_stream(int fd, const scene *now)
{
    static const char head[] =
        "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n";
    size_t len = strlen(now->stream), step = now->chunk == 0 ? len : (size_t)now->chunk;
    bool ok = send_all(fd, head, sizeof head - 1);
    for (size_t at = 0; ok && at < len; at += step)
        ok = send_chunk(fd, now->stream + at, len - at < step ? len - at : step);
    if (ok && !now->open && !now->hang_up)
        ok = send_all(fd, "0\r\n\r\n", 5);
    return ok && !now->hang_up;
}

static bool play(const server *s, int fd, const scene *now)
{
    char xs[4096];
    memset(xs, 'x', sizeof xs);
    for (int waited = 0; waited < now->wait_ms && !atomic_load(&s->stop); waited += 20)
        usleep(20 * 1000);
    if (now->stream != NULL)
        return play_stream(fd, now);
    bool ok = now->answer == NULL || send_all(fd, now->answer, strlen(now->answer));
    for (int left = now->fill; ok && left > 0; left -= (int)sizeof xs)
        ok = send_all(fd, xs, left < (int)sizeof xs ? (size_t)left : sizeof xs);
    return ok && !now->hang_up;
}

static const scene *choose(server *s, const char *request)
{
    static const scene none = {.answer = "HTTP/1.1 500 No scene\r\nContent-Length: 0\r\n\r\n"};
    const scene *last = &none;
    for (size_t i = 0; i < s->count; i++) {
        if (s->scenes[i].match != NULL && strstr(request, s->scenes[i].match) == NULL)
            continue;
        last = &s->scenes[i];
        if (!s->played[i]) {
            s->played[i] = true;
            break;
        }
    }
    return last;
}

static bool answer(server *s, int fd, const char *request)
{
    char text[2 * SERVER_TEXT] = "";
    const scene *now = &(scene){.answer = text};
    pthread_mutex_lock(&s->lock);
    int n = atomic_load(&s->requests);
    if (n < (int)COUNT(s->asked))
        snprintf(s->asked[n], sizeof s->asked[n], "%s", request);
    if (s->reply != NULL)
        s->reply(s->context, request, text, sizeof text);
    else
        now = choose(s, request);
    atomic_fetch_add(&s->requests, 1);
    pthread_mutex_unlock(&s->lock);
    return play(s, fd, now);
}

static void *serve(void *context)
{
    struct server_connection *c = context;
    char request[SERVER_TEXT] = "";
    while (read_request(c->server, c->fd, request, sizeof request) && answer(c->server, c->fd, request))
        continue;
    close(c->fd);
    return NULL;
}

static void *run(void *context)
{
    server *s = context;
    while (readable(s, s->listener)) {
        int n = atomic_load(&s->connections), fd = accept(s->listener, NULL, NULL);
        if (fd < 0)
            continue;
        cr_assert_lt(n, SERVER_CONNECTIONS);
        s->open[n] = (struct server_connection){.server = s, .fd = fd};
        atomic_fetch_add(&s->connections, 1);
        cr_assert_eq(pthread_create(&s->open[n].thread, NULL, serve, &s->open[n]), 0);
    }
    return NULL;
}

static void listen_at(server *s)
{
    struct sockaddr_in at = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    union {
        struct sockaddr_in *in;
        struct sockaddr *any;
    } address = {.in = &at};
    socklen_t size = sizeof at;
    alarm(60); /* a test that hangs ends; Criterion's own .timeout leaks in its runner, which the sanitizers report */
    s->listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    cr_assert_eq(bind(s->listener, address.any, size), 0);
    cr_assert_eq(listen(s->listener, 8), 0);
    cr_assert_eq(getsockname(s->listener, address.any, &size), 0);
    s->port = ntohs(at.sin_port);
    cr_assert_eq(pthread_mutex_init(&s->lock, NULL), 0);
    cr_assert_eq(pthread_create(&s->thread, NULL, run, s), 0);
}

void server_start(server *s, const scene *scenes, size_t n)
{
    cr_assert_leq(n, SERVER_SCENES);
    *s = (server){.scenes = scenes, .count = n};
    listen_at(s);
}

void server_start_reply(server *s, server_reply *reply, void *context)
{
    *s = (server){.reply = reply, .context = context};
    listen_at(s);
}

void server_stop(server *s)
{
    atomic_store(&s->stop, true);
    pthread_join(s->thread, NULL);
    for (int i = 0; i < atomic_load(&s->connections); i++)
        pthread_join(s->open[i].thread, NULL);
    close(s->listener);
    pthread_mutex_destroy(&s->lock);
}
