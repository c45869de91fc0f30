/* An HTTP server: libmicrohttpd 0.9.75 with what it needs to be set up so that it holds (serving.md, section 2).
 *
 * The library's threads call the handler; a request's context is made by `begin` when its request line has come and given back by
 * `end`, which is called exactly once. Answers are queued in the handler's last call (an answer in its first call closes the
 * connection). Connections are watched by peers.h.
 *
 * Threads: start, quiesce, reap and stop by the control thread. One TLS server per process: GnuTLS asks for the certificate
 * through a callback without a context. */
#ifndef GT_WEBHOOK_HTTP_H
#define GT_WEBHOOK_HTTP_H

#include <microhttpd.h>

#include "lib/base/err.h"
#include "webhook/address.h"
#include "webhook/keypair.h"
#include "webhook/peers.h"

typedef struct gt_http gt_http;

typedef struct gt_http_head {
    struct MHD_Connection *connection;
    const char *path, *method, *version;
} gt_http_head;

typedef struct gt_http_service {
    void *context;
    void *(*begin)(void *context, gt_peer *peer); /* NULL: no memory; the connection is closed */
    /* Three kinds of calls: once with the headers, then with parts of the body (*body_size > 0; what is taken is subtracted), then
     * once without any for the answer. MHD_NO closes the connection. */
    enum MHD_Result (*handle)(void *context, void *request, const gt_http_head *head, const char *body,
                              size_t *body_size);
    void (*end)(void *context, void *request);
} gt_http_service;

typedef struct gt_http_config {
    const char *name; /* for logs */
    int listen_fd;    /* listening, non-blocking; the server's from here on, started or not */
    gt_keybox *keys;  /* NULL: plain HTTP */
    bool ask_clients; /* for their certificates; whoever has none still gets through the handshake */
    unsigned threads; /* 0: one; else 2 and more */
    unsigned connections;
    int64_t headers_ms, body_ms, answer_ms, idle_ms;
    gt_http_service service;
} gt_http_config;

/* NULL: *err is GT_ERR_ENV or GT_ERR_NOMEM. */
gt_http *gt_http_start(const gt_http_config *config, gt_err *err);

gt_peers *gt_http_peers(gt_http *http);

/* Connections that ended before their TLS handshake was complete, so far. Any thread. */
uint64_t gt_http_handshakes_failed(const gt_http *http);

/* Of a request's connection; NULL: it has no TLS. */
gnutls_session_t gt_http_session(struct MHD_Connection *connection);

/* No new connections from here on. */
void gt_http_quiesce(gt_http *http);

/* Ends what is running and frees everything. Quiesced or not; NULL is fine. */
void gt_http_stop(gt_http *http);

/* ADDR:PORT of who sends it, in `text` or static. By the thread that serves it. */
const char *gt_http_client(struct MHD_Connection *connection, char text[GT_ADDRESS_TEXT]);

/* ---- answering ---- */

typedef struct gt_answer {
    int status;
    const char *type; /* media type */
    const char *body; /* copied */
    size_t len;
    const char *allow; /* 405: the methods; else NULL */
    bool close;        /* Connection: close */
    /* Retry-After: 1. An API server's client then asks again within its time, and its user never sees what was said. */
    bool again;
    bool whole; /* the body is sent, too: this isn't the answer to a HEAD */
} gt_answer;

/* Queues the answer; what the handler has to return. */
enum MHD_Result gt_http_answer(struct MHD_Connection *connection, const gt_answer *answer);

#endif
