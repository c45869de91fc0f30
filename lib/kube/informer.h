/* Informers: all objects of a kind, listed and then followed.
 *
 * As in client-go's reflector: list in pages, then watch from the list's resourceVersion with bookmarks; when the watch ends or breaks, watch
 * again from the last version seen; when that is gone (410, as HTTP status or as an ERROR event) list again. Failures back off with jitter and
 * respect Retry-After. An event is only ever taken from a whole line. What is remembered of objects is the handler's business:
 *
 *   began    a listing begins. What was known stays valid; it is the moment to mark all of it as not yet seen
 *   object   an object as it is now: from a listing, or ADDED or MODIFIED. The view lives until the handler returns
 *   gone     DELETED, with the object's last state
 *   synced   the listing is complete: what was not seen since `began` is gone. `began` may come again without it (an expired listing)
 *
 * One thread: everything happens in gt_informer_run and gt_kube_drive. */
#ifndef GT_LIB_KUBE_INFORMER_H
#define GT_LIB_KUBE_INFORMER_H

#include "lib/kube/api.h"
#include "lib/kube/call.h"

typedef struct gt_informer gt_informer;

typedef struct gt_informer_config {
    gt_kube_client *client;
    const gt_kube_kind *kind;
    const char *ns;              /* NULL: all namespaces, or a kind that has none */
    const char *labels, *fields; /* selectors, or NULL */
    int64_t page;                /* objects in a page; 0: 250 */
    uint64_t seed;               /* of the jitter */
    void *context;
    void (*began)(void *context); /* each of the four may be NULL */
    void (*object)(void *context, gt_view object);
    void (*gone)(void *context, gt_view object);
    void (*synced)(void *context);
} gt_informer_config; /* strings must outlive the informer */

typedef struct gt_informer_state {
    bool synced;    /* a listing was complete, once */
    bool following; /* a watch is open, and it has been answered */
    int64_t
        heard_us; /* when the API server last said something (page, event, bookmark, end of a watch), monotonic, as of the last run; 0: never.
                       * Of a kind that is quiet it can be three minutes ago */
    uint64_t lists, watches, failures;
    const char *problem; /* why it isn't following, one line; "" */
} gt_informer_state;

/* NULL: no memory. Sends nothing before the first run. */
gt_informer *gt_informer_new(const gt_informer_config *config);
void gt_informer_free(gt_informer *informer); /* cancels its call; NULL is fine */

/* Starts what is due; returns when it wants to be run again (INT64_MAX: when a call has ended, which gt_kube_drive tells). So: run after
 * each drive. now_us: monotonic. */
int64_t gt_informer_run(gt_informer *informer, int64_t now_us);

gt_informer_state gt_informer_now(const gt_informer *informer);

#endif
