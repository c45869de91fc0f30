/* The connections of a server, and the reaper.
 *
 * libmicrohttpd's own time-out is for silence: who sends a byte now and then lives for ever, long before a handler of ours runs, and a
 * few hundred of those are all the connections that a server has. So each connection is in a phase, each phase has a time
 * limit, and the control thread shuts down what is late. Shutting down a socket is all that may be done from outside: the library
 * notices and closes it. And when most slots are taken, a new connection pushes out the oldest one that never completed a
 * request, if there are many such, or the one that idles longest. So neither those who say nothing nor those who stay keep others out.
 *
 * Threads: gt_peers_open and _close by the library's threads, gt_peers_reap and _shut_idle by the control thread (a short lock
 * between them); gt_peer_enter and _done by the thread that serves the connection, without a lock. */
#ifndef GT_WEBHOOK_PEERS_H
#define GT_WEBHOOK_PEERS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "webhook/wire.h"

typedef struct gt_peers gt_peers;
typedef struct gt_peer gt_peer;

typedef enum gt_phase {
    GT_PHASE_HEADERS, /* the TLS handshake and the first headers; later the headers behind a request line */
    GT_PHASE_BODY,
    GT_PHASE_ANSWER, /* being worked on and written */
    GT_PHASE_IDLE,   /* between requests */
    GT_PHASE_COUNT,
} gt_phase;

typedef struct gt_peers_config {
    size_t slots;                      /* connections there can be */
    int64_t limits_us[GT_PHASE_COUNT]; /* how long each phase may last */
} gt_peers_config;

/* NULL: no memory. */
gt_peers *gt_peers_new(const gt_peers_config *config);
void gt_peers_free(gt_peers *peers); /* all are closed; NULL is fine */

/* A connection has come, in GT_PHASE_HEADERS; fd stays the library's. NULL when there are more than there can be: then it isn't
 * watched. May shut down another one (see above). */
gt_peer *gt_peers_open(gt_peers *peers, int fd, int64_t now_us);

/* Before the library closes the descriptor. NULL is fine. */
void gt_peers_close(gt_peers *peers, gt_peer *peer);

/* A new phase from now on. NULL is fine. */
void gt_peer_enter(gt_peer *peer, gt_phase phase, int64_t now_us);
gt_phase gt_peer_phase(const gt_peer *peer); /* NULL: GT_PHASE_HEADERS */

/* A request was answered completely: GT_PHASE_IDLE. true: it was the connection's first one. */
bool gt_peer_done(gt_peer *peer, int64_t now_us);

/* What whoever serves a connection wants to remember of it; zero when it has come. The serving thread's alone. NULL for NULL. */
typedef struct gt_peer_note {
    void *request;    /* under way on it, or NULL */
    uint64_t version; /* of what was decided by; 0: nothing is remembered */
    int64_t until_us;
    bool secure;  /* its TLS handshake is complete */
    gt_wire wire; /* attached when it has TLS */
} gt_peer_note;
gt_peer_note *gt_peer_notes(gt_peer *peer);

/* Shuts down what is late; returns how many. */
size_t gt_peers_reap(gt_peers *peers, int64_t now_us);

/* Shuts down what is between requests, and of which nothing waits to be read; returns how many. */
size_t gt_peers_shut_idle(gt_peers *peers);

size_t gt_peers_count(const gt_peers *peers);    /* open now */
uint64_t gt_peers_reaped(const gt_peers *peers); /* shut down so far because they were late or in the way */

#endif
