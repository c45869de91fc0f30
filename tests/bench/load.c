/* A client that asks as an API server does: HTTP/1.1 over TLS, connections that stay, one request at a time on each.
 *
 *     bench-load PORT PATH BODY PID CONNECTIONS WARM_MS MEASURE_MS RATE [ANSWER]
 *
 * RATE 0 is a closed loop: each connection asks again when it is answered. Else RATE requests a second are begun when it is their time,
 * however slow the answers are (an open loop): a request's latency counts from the moment when it should have begun, so that what waits
 * for a free connection isn't left out. The connections are opened and WARM_MS pass before anything is counted. PID is the server:
 * its processor time over the measured part, and its memory at the end, are read here, where that part begins and ends.
 *
 * Prints a JSON line. ANSWER: the first answer's body goes to this file. Exit status 3: the server can't be reached, or an answer wasn't a
 * 200 of the same length as the one before. One thread; TLS 1.3 with one cipher, so that all servers are asked for the same work. */
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum { ANSWER_ROOM = 256 * 1024, CONNECTIONS_MOST = 1024, LATENCY_MOST_US = 2 * 1000 * 1000 };
static const char CIPHER[] = "TLS_AES_128_GCM_SHA256";

typedef struct connection {
    int fd;
    SSL *ssl;
    int64_t began_ns; /* of the request under way: when it was sent, or should have been */
    char *answer;
    size_t len;
} connection;

typedef struct load {
    const char *request, *answer_path;
    size_t request_len;
    pid_t pid;
    size_t connections;
    int64_t warm_ns, measure_ns, pause_ns; /* pause: between two requests of an open loop; 0: closed */
    connection *all;
    size_t *idle, idle_count;
    int epoll;
    size_t answer_len; /* of the first one; all others have as many bytes */
    uint64_t counted;
    uint32_t latencies[LATENCY_MOST_US + 1]; /* how many took so many microseconds; the last: or more */
} load;

__attribute__((format(printf, 1, 2), noreturn)) static void die(const char *fmt, ...)
{
    va_list args;
    va_start(args, fmt);
    fputs("bench-load: ", stderr);
    vfprintf(stderr, fmt, args);
    va_end(args);
    fputc('\n', stderr);
    exit(3);
}

static int64_t now_ns(clockid_t clock)
{
    struct timespec t;
    if (clock_gettime(clock, &t) != 0)
        die("the server's processor time can't be read: has it ended?");
    return (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
}

/* ---- connections ---- */

static void open_connection(load *l, connection *c, SSL_CTX *tls, uint16_t port)
{
    const struct sockaddr_in to = {
        .sin_family = AF_INET, .sin_port = htons(port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    c->fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (c->fd < 0 || connect(c->fd, (const struct sockaddr *)&to, sizeof to) != 0)
        die("port %u: %s", (unsigned)port, strerror(errno));
    setsockopt(c->fd, IPPROTO_TCP, TCP_NODELAY, &(int){1}, sizeof(int));
    c->ssl = SSL_new(tls);
    c->answer = malloc(ANSWER_ROOM);
    if (c->ssl == NULL || c->answer == NULL || SSL_set_fd(c->ssl, c->fd) != 1 || SSL_connect(c->ssl) != 1)
        die("port %u: no TLS connection", (unsigned)port);
    fcntl(c->fd, F_SETFL, O_NONBLOCK);
    struct epoll_event event = {.events = EPOLLIN, .data.ptr = c};
    if (epoll_ctl(l->epoll, EPOLL_CTL_ADD, c->fd, &event) != 0)
        die("epoll: %s", strerror(errno));
}

/* A request is a few kilobytes: the socket always has room for it, when the answer before has come. */
static void ask(load *l, connection *c, int64_t began_ns)
{
    c->began_ns = began_ns;
    c->len = 0;
    if (SSL_write(c->ssl, l->request, (int)l->request_len) != (int)l->request_len)
        die("a request can't be sent");
}

/* ---- answers ---- */

/* The first answer says how long all of them are. */
static void keep_first(load *l, const char *body, size_t len)
{
    l->answer_len = len;
    FILE *file = l->answer_path == NULL ? NULL : fopen(l->answer_path, "we");
    if (l->answer_path == NULL)
        return;
    if (file == NULL || fwrite(body, 1, len, file) != len || fclose(file) != 0)
        die("%s: can't write the answer", l->answer_path);
}

/* The chunks of a body put together where it begins; its length, or 0 while they aren't all there. Go answers so. */
static size_t join_chunks(char *body, size_t len)
{
    static const char last[] = "\r\n0\r\n\r\n"; /* our bodies are JSON: nothing else ends so */
    const size_t n = sizeof last - 1;
    if (len < n || memcmp(body + len - n, last, n) != 0)
        return 0;
    const char *from = body;
    char *to = body, *digits_end;
    for (size_t chunk; (chunk = strtoul(from, &digits_end, 16)) > 0; from += 2) {
        from = digits_end + 2;
        if (chunk > (size_t)(body + len - from))
            die("a chunk of %zu bytes", chunk);
        memmove(to, from, chunk);
        to += chunk;
        from += chunk;
    }
    return (size_t)(to - body);
}

/* The body's length, and where it begins; 0 while something is missing. */
static size_t body_of(connection *c, char **body)
{
    static const char name[] = "Content-Length:";
    c->answer[c->len] = '\0';
    char *end = strstr(c->answer, "\r\n\r\n");
    if (end == NULL)
        return 0;
    if (strncmp(c->answer, "HTTP/1.1 200 ", 13) != 0)
        die("not a 200: %.*s", (int)strcspn(c->answer, "\r"), c->answer);
    *body = end + 4;
    size_t have = (size_t)(c->answer + c->len - *body);
    const char *length = strcasestr(c->answer, name);
    if (length == NULL || length > end)
        return join_chunks(*body, have);
    size_t wanted = strtoul(length + sizeof name - 1, NULL, 10);
    if (have > wanted || wanted >= ANSWER_ROOM)
        die("%zu bytes of a body of %zu", have, wanted);
    return have == wanted ? wanted : 0;
}

/* true: the answer is complete, and as long as all others. */
static bool take(load *l, connection *c)
{
    for (;;) {
        int n = SSL_read(c->ssl, c->answer + c->len, (int)(ANSWER_ROOM - 1 - c->len));
        if (n <= 0 && SSL_get_error(c->ssl, n) == SSL_ERROR_WANT_READ)
            return false;
        if (n <= 0)
            die("the server closed a connection");
        c->len += (size_t)n;
        char *body;
        size_t len = body_of(c, &body);
        if (len == 0)
            continue;
        if (l->answer_len == 0)
            keep_first(l, body, len);
        if (len != l->answer_len)
            die("answers of different lengths: %zu and %zu bytes", l->answer_len, len);
        return true;
    }
}

static void count(load *l, int64_t ns)
{
    int64_t us = (ns + 500) / 1000;
    l->counted++;
    l->latencies[us < LATENCY_MOST_US ? us : LATENCY_MOST_US]++;
}

static unsigned quantile(const load *l, double part)
{
    uint64_t wanted = (uint64_t)((double)l->counted * part), seen = 0;
    unsigned us = 0;
    while (us < LATENCY_MOST_US && (seen += l->latencies[us]) <= wanted)
        us++;
    return us;
}

/* ---- a run ---- */

/* What is due of an open loop; when the next one is. */
static int64_t ask_due(load *l, int64_t due_ns)
{
    while (l->idle_count > 0 && due_ns <= now_ns(CLOCK_MONOTONIC)) {
        ask(l, &l->all[l->idle[--l->idle_count]], due_ns);
        due_ns += l->pause_ns;
    }
    return due_ns;
}

/* Waits for answers, until due_ns at most where a connection is free, and takes them. counting: those are what is measured. */
static void answers(load *l, int64_t due_ns, bool counting)
{
    struct epoll_event events[64];
    int64_t wait_ns = l->idle_count > 0 ? due_ns - now_ns(CLOCK_MONOTONIC) : 1000000000;
    const struct timespec wait = {.tv_sec = 0, .tv_nsec = wait_ns < 0 ? 0 : wait_ns % 1000000000};
    int n = epoll_pwait2(l->epoll, events, 64, &wait, NULL);
    for (int i = 0; i < n; i++) {
        connection *c = events[i].data.ptr;
        if (!take(l, c))
            continue;
        int64_t now = now_ns(CLOCK_MONOTONIC);
        if (counting)
            count(l, now - c->began_ns);
        if (l->pause_ns == 0)
            ask(l, c, now);
        else
            l->idle[l->idle_count++] = (size_t)(c - l->all);
    }
}

static int64_t run(load *l, int64_t due_ns, int64_t until_ns, bool counting)
{
    while (now_ns(CLOCK_MONOTONIC) < until_ns) {
        if (l->pause_ns > 0)
            due_ns = ask_due(l, due_ns);
        answers(l, due_ns, counting);
    }
    return due_ns;
}

/* Kilobytes of a row of /proc/PID/status. */
static long memory_kib(pid_t pid, const char *row)
{
    char path[64], line[256];
    long kib = -1;
    snprintf(path, sizeof path, "/proc/%ld/status", (long)pid);
    FILE *file = fopen(path, "re");
    while (file != NULL && fgets(line, sizeof line, file) != NULL)
        if (strncmp(line, row, strlen(row)) == 0)
            kib = strtol(line + strlen(row), NULL, 10);
    if (file == NULL || kib < 0)
        die("%s says no %s", path, row);
    fclose(file);
    return kib;
}

static void measure(load *l)
{
    clockid_t server;
    if (clock_getcpuclockid(l->pid, &server) != 0)
        die("there is no process %ld", (long)l->pid);
    int64_t start = now_ns(CLOCK_MONOTONIC), due = start;
    for (size_t i = 0; i < l->connections; i++) {
        if (l->pause_ns == 0)
            ask(l, &l->all[i], now_ns(CLOCK_MONOTONIC));
        else
            l->idle[l->idle_count++] = i;
    }
    due = run(l, due, start + l->warm_ns, false);
    int64_t spent = now_ns(server), from = now_ns(CLOCK_MONOTONIC);
    run(l, due, from + l->measure_ns, true);
    spent = now_ns(server) - spent;
    double seconds = (double)(now_ns(CLOCK_MONOTONIC) - from) / 1e9;
    if (l->counted == 0)
        die("nothing was answered");
    printf("{\"requests\":%llu,\"seconds\":%.3f,\"per_second\":%.0f,\"p50_us\":%u,\"p99_us\":%u,\"cpu_us\":%.2f,"
           "\"answer_bytes\":%zu,\"rss_kib\":%ld,\"anon_kib\":%ld}\n",
           (unsigned long long)l->counted, seconds, (double)l->counted / seconds, quantile(l, 0.5), quantile(l, 0.99),
           (double)spent / 1000 / (double)l->counted, l->answer_len, memory_kib(l->pid, "VmRSS:"),
           memory_kib(l->pid, "RssAnon:"));
}

/* ---- the program ---- */

static char *request_of(const char *path, const char *body_path, size_t *len)
{
    enum { BODY_MOST = 8 * 1024 * 1024, HEAD_MOST = 1024 };
    char *body = malloc(BODY_MOST), *request = malloc(HEAD_MOST + BODY_MOST);
    FILE *file = fopen(body_path, "rb");
    if (file == NULL || body == NULL || request == NULL)
        die("%s can't be read", body_path);
    size_t n = fread(body, 1, BODY_MOST, file);
    fclose(file);
    int head = snprintf(request, HEAD_MOST,
                        "POST %s?timeout=3s HTTP/1.1\r\nHost: gastown-webhook.gastown-system.svc\r\n"
                        "User-Agent: kube-apiserver-admission\r\nContent-Length: %zu\r\n"
                        "Accept: application/json, */*\r\nContent-Type: application/json\r\n\r\n",
                        path, n);
    memcpy(request + head, body, n);
    free(body);
    *len = (size_t)head + n;
    return request;
}

static long number(const char *text, long most)
{
    char *end;
    long value = strtol(text, &end, 10);
    if (*text == '\0' || *end != '\0' || value < 0 || value > most)
        die("\"%s\" isn't a number from 0 to %ld", text, most);
    return value;
}

int main(int argc, char **argv)
{
    if (argc != 9 && argc != 10) {
        fputs("usage: bench-load PORT PATH BODY PID CONNECTIONS WARM_MS MEASURE_MS RATE [ANSWER]\n", stderr);
        return 2;
    }
    static load l;
    l.request = request_of(argv[2], argv[3], &l.request_len);
    l.pid = (pid_t)number(argv[4], 1L << 30);
    l.connections = (size_t)number(argv[5], CONNECTIONS_MOST);
    l.warm_ns = number(argv[6], 3600000) * 1000000;
    l.measure_ns = number(argv[7], 3600000) * 1000000;
    long rate = number(argv[8], 1000000);
    l.pause_ns = rate == 0 ? 0 : 1000000000 / rate;
    l.answer_path = argc == 10 ? argv[9] : NULL;
    l.all = calloc(CONNECTIONS_MOST, sizeof *l.all);
    l.idle = calloc(CONNECTIONS_MOST, sizeof *l.idle);
    l.epoll = epoll_create1(EPOLL_CLOEXEC);
    SSL_CTX *tls = SSL_CTX_new(TLS_client_method());
    if (l.connections == 0 || l.all == NULL || l.idle == NULL || l.epoll < 0 || tls == NULL ||
        SSL_CTX_set_min_proto_version(tls, TLS1_3_VERSION) != 1 || SSL_CTX_set_ciphersuites(tls, CIPHER) != 1)
        die("can't begin");
    for (size_t i = 0; i < l.connections; i++)
        open_connection(&l, &l.all[i], tls, (uint16_t)number(argv[1], 65535));
    measure(&l);
    return 0;
}
