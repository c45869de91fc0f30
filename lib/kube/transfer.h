/* One request on its way: the options of its libcurl handle, what has come so far, and what that means in the end. For the files of this folder
 * that send (client.c, which waits, and call.c, which doesn't); nobody else includes it.
 *
 * A stream's 200 answer is cut into lines: bytes up to `whole` are whole lines, and while those lie here, or are being handed out, libcurl is told to
 * pause rather than to send more than fits: so what a server sends is bounded by `most` and KEEP, whoever is slow. */
#ifndef GT_LIB_KUBE_TRANSFER_H
#define GT_LIB_KUBE_TRANSFER_H

#include <curl/curl.h>

#include "lib/kube/client.h"

enum { GT_KUBE_TOKEN_MAX = 64 * 1024 };

typedef struct gt_transfer {
    gt_kube_client *client;
    CURL *easy;
    struct curl_slist *headers;
    char *at; /* what has come: len bytes, at most `most` of an answer or of a line */
    size_t len, room, most;
    size_t whole; /* of a stream: up to the end of the last whole line */
    bool stream;
    bool handing, paused;
    bool too_large, no_memory;
    bool running, over; /* it's the multi handle's; it has ended, with `result` */
    CURLcode result;
    int64_t heard_us; /* when something came, or it was sent */
    char error[CURL_ERROR_SIZE];
} gt_transfer;

struct gt_kube_client {
    const gt_kube_config *config;
    CURLM *multi;                  /* the connection pool, and all that is on its way */
    gt_transfer own;               /* gt_kube_do's */
    struct curl_slist *connect_to; /* for tls-server-name */
    char *agent, *base, *host;     /* base: URL without path; host: Host header's value, or NULL for curl's own */
    char token[GT_KUBE_TOKEN_MAX]; /* "Authorization: Bearer ..." */
    size_t token_len;              /* of what is behind that; 0: none yet */
    gt_arena *arena;               /* of an answer that a handler is told */
    struct gt_kube_call *first, *last;
    struct gt_kube_call *cursor; /* gt_kube_drive's next one */
    bool driving;
};

/* Its handle and its place; gt_transfer_free undoes it, whatever state it's in. */
bool gt_transfer_init(gt_transfer *t, gt_kube_client *client, bool stream, gt_err *err);
void gt_transfer_free(gt_transfer *t);

/* Sets it up for this request and gives it to the multi handle. Nothing of the request is used after that. */
bool gt_transfer_start(gt_transfer *t, const gt_kube_request *request, gt_err *err);

/* Takes it back from the multi handle, in whatever state it is. */
void gt_transfer_stop(gt_transfer *t);

/* Goes on after a pause; call it when whole lines were taken. */
void gt_transfer_resume(gt_transfer *t);

/* Sends and receives what can be without waiting, for all transfers of the client; those that have ended are `over`. */
bool gt_transfer_perform(gt_kube_client *client);

/* HTTP status so far; 0: none. */
int gt_transfer_status(const gt_transfer *t);

/* What came of a transfer that is over, as gt_kube_do says it. */
bool gt_transfer_answer(gt_transfer *t, gt_arena *arena, gt_kube_answer *answer, gt_err *err);

/* What a Status of the API says, as an error: "422 Invalid: Pod \"x\" is invalid: ...". Fills reason and message. */
bool gt_status_fail(gt_arena *arena, gt_view status, int code, gt_str *reason, gt_str *message, gt_err *err);

#endif
