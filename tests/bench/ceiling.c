/* The least that an admission webhook on libmicrohttpd can cost: it reads a body and answers a fixed number of bytes.
 *
 *     bench-ceiling BYTES THREADS CERTIFICATE KEY PORT_FILE
 *
 * Set up as webhook/http.c sets the library up: the same flags, pool, limits, TLS priorities, kind of answer. What webhook/ does besides
 * (limits on time, the body kept, the review, metrics, a log line) is what `make bench` wants to see, so none of it is here. Serves until it's
 * killed. */
#include <microhttpd.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { FILE_MOST = 64 * 1024, CONNECTIONS = 256, CONNECTION_MEMORY = 32 * 1024, MEMORY_STEP = 4 * 1024, IDLE_S = 121 };
static const char PRIORITIES[] = "SECURE128:-VERS-ALL:+VERS-TLS1.3:+VERS-TLS1.2:%SERVER_PRECEDENCE";

typedef struct ceiling {
    char *answer;
    size_t len;
} ceiling;

static enum MHD_Result on_request(void *context, struct MHD_Connection *connection, const char *url, const char *method,
                                  const char *version, const char *body, size_t *body_size, void **request)
{
    (void)url, (void)method, (void)version, (void)body;
    ceiling *c = context;
    if (*request == NULL) {
        *request = c;
        return MHD_YES;
    }
    if (*body_size > 0) {
        *body_size = 0;
        return MHD_YES;
    }
    struct MHD_Response *response = MHD_create_response_from_buffer(c->len, c->answer, MHD_RESPMEM_PERSISTENT);
    if (response == NULL)
        return MHD_NO;
    MHD_add_response_header(response, MHD_HTTP_HEADER_CONTENT_TYPE, "application/json");
    enum MHD_Result result = MHD_queue_response(connection, MHD_HTTP_OK, response);
    MHD_destroy_response(response);
    return result;
}

static char *text_of(const char *path)
{
    char *text = calloc(1, FILE_MOST);
    FILE *file = fopen(path, "re");
    if (text == NULL || file == NULL || fread(text, 1, FILE_MOST - 1, file) == 0) {
        fprintf(stderr, "bench-ceiling: can't read %s\n", path);
        exit(3);
    }
    fclose(file);
    return text;
}

static struct MHD_Daemon *start(ceiling *c, unsigned threads, char *certificate, char *key)
{
    struct MHD_OptionItem options[] = {
        {MHD_OPTION_CONNECTION_LIMIT, CONNECTIONS, NULL},
        {MHD_OPTION_CONNECTION_MEMORY_LIMIT, CONNECTION_MEMORY, NULL},
        {MHD_OPTION_CONNECTION_MEMORY_INCREMENT, MEMORY_STEP, NULL},
        {MHD_OPTION_CONNECTION_TIMEOUT, IDLE_S, NULL},
        {MHD_OPTION_THREAD_POOL_SIZE, (intptr_t)threads, NULL},
        {MHD_OPTION_HTTPS_PRIORITIES, 0, (void *)(uintptr_t)PRIORITIES}, /* only read */
        {MHD_OPTION_HTTPS_MEM_CERT, 0, certificate},
        {MHD_OPTION_HTTPS_MEM_KEY, 0, key},
        {MHD_OPTION_END, 0, NULL},
    };
    return MHD_start_daemon(MHD_USE_POLL_INTERNAL_THREAD | MHD_USE_ITC | MHD_USE_ERROR_LOG | MHD_USE_TLS, 0, NULL, NULL,
                            on_request, c, MHD_OPTION_ARRAY, options, MHD_OPTION_END);
}

/* As the webhook's: complete when it's there. */
static int tell_port(const char *path, unsigned port)
{
    char name[4096];
    snprintf(name, sizeof name, "%s.%ld", path, (long)getpid());
    FILE *file = fopen(name, "we");
    if (file == NULL || fprintf(file, "%u\n", port) < 0 || fclose(file) != 0 || rename(name, path) != 0) {
        fprintf(stderr, "bench-ceiling: can't write %s\n", path);
        return 3;
    }
    return 0;
}

int main(int argc, char **argv)
{
    if (argc != 6) {
        fputs("usage: bench-ceiling BYTES THREADS CERTIFICATE KEY PORT_FILE\n", stderr);
        return 2;
    }
    ceiling c = {.len = strtoul(argv[1], NULL, 10)};
    unsigned threads = (unsigned)strtoul(argv[2], NULL, 10);
    if (c.len == 0 || threads < 2) {
        fputs("bench-ceiling: at least one byte and two threads\n", stderr);
        return 2;
    }
    c.answer = malloc(c.len);
    if (c.answer == NULL)
        return 3;
    memset(c.answer, ' ', c.len);
    struct MHD_Daemon *daemon = start(&c, threads, text_of(argv[3]), text_of(argv[4]));
    const union MHD_DaemonInfo *info = daemon == NULL ? NULL : MHD_get_daemon_info(daemon, MHD_DAEMON_INFO_BIND_PORT);
    if (info == NULL) {
        fputs("bench-ceiling: the server doesn't start\n", stderr);
        return 3;
    }
    if (tell_port(argv[5], info->port) != 0)
        return 3;
    for (;;)
        pause();
}
