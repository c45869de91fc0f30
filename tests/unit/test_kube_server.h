/* A tiny HTTP server in a thread, for tests: answers requests from a script and keeps what it was asked. */
#ifndef GT_TESTS_UNIT_TEST_KUBE_SERVER_H
#define GT_TESTS_UNIT_TEST_KUBE_SERVER_H

#include <pthread.h>
#include <stdatomic.h>

#include "tests/unit/support.h"

typedef struct scene {
    const char *answer; /* everything after the request, status line first; NULL: nothing */
    int fill;           /* so many bytes of 'x' behind it */
    int wait_ms;        /* before it */
    bool hang_up;       /* close the connection after it */
} scene;

typedef struct server {
    const scene *scenes; /* one a request; the last one is played for ever */
    size_t count;
    int listener, port;
    atomic_bool stop;
    atomic_int requests, connections;
    char asked[16][4096]; /* the first requests: head and body */
    pthread_t thread;
} server;

void server_start(server *s, const scene *scenes, size_t n);
void server_stop(server *s);

/* "HTTP/1.1 <status>", content type JSON, the right length. */
#define ANSWER(arena, status, body)                                                                                    \
    gt_arena_printf(arena, "HTTP/1.1 %s\r\nContent-Type: application/json\r\nContent-Length: %zu\r\n\r\n%s", status,   \
                    strlen(body), body)

#endif
