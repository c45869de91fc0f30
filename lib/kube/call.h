/* Calls that don't block, and streams: many transfers of one client, driven by whoever has the event loop.
 *
 * A call is started, and its handler hears of its end from within gt_kube_drive, exactly once, unless the call is cancelled first. A
 * handler may start and cancel calls of the same client and use gt_kube_do; it doesn't drive the client or free it. All transfers share the client's connections; an idle call costs a
 * connection and no thread. What the request points to is copied. One thread. */
#ifndef GT_LIB_KUBE_CALL_H
#define GT_LIB_KUBE_CALL_H

#include "lib/kube/client.h"

typedef struct gt_kube_call gt_kube_call;

typedef struct gt_kube_handler {
    void *context;
    /* The end; the call is over and its pointer must not be used any more. failure NULL: it succeeded, as gt_kube_do says it. The answer
     * lives in `arena`, which is the handler's until it returns. A stream that ended in order has an empty answer of status 200. */
    void (*done)(void *context, gt_arena *arena, const gt_kube_answer *answer, const gt_err *failure);
    /* For streams, NULL else: each whole line of a 200 answer, without its end, as soon as it is there. false: enough, the call is
     * ended, and `done` hears GT_ERR_ENV "ended by us". A line of more than request.max_answer bytes ends the call with GT_ERR_LIMIT; what
     * stands behind the last line end when a stream breaks off is never given to anybody. */
    bool (*line)(void *context, gt_str line);
} gt_kube_handler;

/* GT_ERR_NOMEM, or whatever keeps the request from being sent at all (a token that can't be read): then the handler isn't called. For a
 * stream request.timeout_ms is the longest silence, not the whole. */
bool gt_kube_start(gt_kube_client *client, const gt_kube_request *request, const gt_kube_handler *handler,
                   gt_kube_call **call, gt_err *err);

/* The HTTP status of its answer as soon as that begins: of a stream, that it's open. 0: not yet. */
int gt_kube_call_status(const gt_kube_call *call);

/* Ends it without telling its handler. NULL is fine. */
void gt_kube_cancel(gt_kube_call *call);

/* Sends and receives what can be without waiting, and tells handlers. */
void gt_kube_drive(gt_kube_client *client);

/* Waits until there's something to drive, or `fd` (-1: none) is readable, or `most_ms` have passed. */
void gt_kube_wait(gt_kube_client *client, int fd, int64_t most_ms);

#endif
