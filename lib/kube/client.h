/* Requests to the API server (libcurl, OpenSSL flavour): one connection pool, answers parsed and guarded, errors told apart.
 *
 * A client owns everything that libcurl needs: handles, header list, the buffer that an answer is collected in. None of it is
 * tied to a call's stack, so that a call may be made below gt_arena_try: where the arena runs out on the way, the next call (or
 * gt_kube_client_free) cleans up. Arena memory is taken before a request is sent and after it is over, never in between.
 *
 * gt_kube_do blocks for at most its time-out; calls that don't block (call.h) share its connections and go on meanwhile, but their handlers
 * are only told by gt_kube_drive. Not thread-safe: one client per thread. */
#ifndef GT_LIB_KUBE_CLIENT_H
#define GT_LIB_KUBE_CLIENT_H

#include "lib/json/view.h"
#include "lib/kube/config.h"

typedef struct gt_kube_client gt_kube_client;

/* config's memory must outlive the client; agent ("gastown-watcher/1.2") is copied: field manager and audit log show it.
 * GT_ERR_INPUT: the server isn't a URL; GT_ERR_NOMEM. Sends nothing. */
bool gt_kube_client_new(const gt_kube_config *config, const char *agent, gt_kube_client **client, gt_err *err);
void gt_kube_client_free(gt_kube_client *client); /* calls that are on their way are cancelled */
void gt_kube_client_cleanup(gt_kube_client **client);

typedef struct gt_kube_request {
    const char *method;       /* GET, POST, PUT, PATCH, DELETE */
    const char *path;         /* "/api/v1/pods?limit=5", escaped already (see api.h) */
    const char *content_type; /* of the body */
    gt_str body;
    size_t max_answer;  /* bytes; 0: 32 MiB */
    int64_t timeout_ms; /* for all of it; 0: 15 s */
} gt_kube_request;

typedef struct gt_kube_answer {
    int status;             /* HTTP; 0: there was none */
    gt_view object;         /* the body; missing when it isn't JSON */
    gt_str reason, message; /* of an API Status, when the request failed: "AlreadyExists", "pods ... already exists" */
    int64_t retry_after_ms; /* what the server asked for, at most an hour; -1: nothing */
} gt_kube_answer;

/* False unless the answer is 2xx with a JSON object. *answer is always filled. err->code is the HTTP status, 0 when none came:
 *   GT_ERR_NOT_FOUND  404            GT_ERR_REFUSED  another 4xx
 *   GT_ERR_CONFLICT   409            GT_ERR_ENV      no connection, time-out, cut answer, not JSON, 408, 429, 5xx
 *   GT_ERR_LIMIT      the answer has more than max_answer bytes
 * The text has the API's own message where there's one: "422 Invalid: Pod \"x\" is invalid: ...". */
bool gt_kube_do(gt_kube_client *client, gt_arena *arena, const gt_kube_request *request, gt_kube_answer *answer,
                gt_err *err);

#endif
