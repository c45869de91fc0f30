/* A tiny HTTP server, a thread for each connection, for tests: answers requests from a script, or from a function, and keeps what it was asked. */
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
    const char *match;  /* only for a request that has this in it */
    const char *stream; /* instead of answer: the body of a 200 answer, in chunks of `chunk` bytes (0: one) */
    int chunk;
    bool open; /* the stream doesn't end: neither by a last chunk nor by closing */
} scene;

enum {
    SERVER_SCENES = 64,
    SERVER_CONNECTIONS = 64,
    SERVER_TEXT = 16384
}; /* more than that is no request: its connection is closed */

/* Writes a whole answer; called for one request at a time. */
typedef void server_reply(void *context, const char *request, char *answer, size_t size);

typedef struct server {
    const scene *
        scenes; /* a request plays the first one that it matches and that wasn't played yet, else the last that it matches */
    size_t count;
    bool played[SERVER_SCENES];
    server_reply *reply; /* instead of scenes */
    void *context;
    int listener, port;
    atomic_bool stop;
    atomic_int requests, connections;
    char asked[16][SERVER_TEXT]; /* the first requests: head and body */
    pthread_t thread;
    pthread_mutex_t lock; /* of played, asked, and around reply */
    struct server_connection {
        struct server *server;
        int fd;
        pthread_t thread;
    } open[SERVER_CONNECTIONS];
} server;

void server_start(server *s, const scene *scenes, size_t n);
void server_start_reply(server *s, server_reply *reply, void *context);
void server_stop(server *s);

/* "HTTP/1.1 <status>", content type JSON, the right length. */
#define ANSWER(arena, status, body)                                                                                    \
    gt_arena_printf(arena, "HTTP/1.1 %s\r\nContent-Type: application/json\r\nContent-Length: %zu\r\n\r\n%s", status,   \
                    strlen(body), body)

#endif
