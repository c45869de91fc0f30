/* What the webhook does in a cluster besides answering: claims for our pods (claims.h) and status of our objects (status.h).
 *
 * Every replica follows pods and claims, so that one that comes to lead knows them already; only the one that leads asks the engine about
 * them and writes. What it may do, and needs the rights for: list and watch pods and persistentvolumeclaims, create and patch
 * persistentvolumeclaims, create events, patch the status of gastowns, rigs and agentpools. Control thread only. */
#ifndef GT_WEBHOOK_RECONCILER_H
#define GT_WEBHOOK_RECONCILER_H

#include "catalogue/catalogue.h"
#include "webhook/status.h"

typedef struct gt_reconciler gt_reconciler;

typedef struct gt_reconciler_config {
    gt_kube_client *client;
    gt_catalogue *catalogue;
    size_t slot; /* the control thread's reader slot */
    const gt_store *store;
    const char *const *namespaces; /* NULL-terminated; NULL or empty: all */
    const char *instance;          /* this replica's name, for Events */
    const char *version;           /* of this program, for status.engine */
    uint64_t seed;
    const char *(*denied)(void *context, const gt_store_object *object); /* as gt_status_config.denied */
    void *context;
} gt_reconciler_config; /* all of it must outlive the reconciler */

gt_reconciler *gt_reconciler_new(const gt_reconciler_config *config); /* NULL: no memory */
void gt_reconciler_free(gt_reconciler *reconciler);                   /* ends its calls; NULL is fine */

/* Does what is due, for some milliseconds at most; when it wants to be run again at the latest. Run it after each gt_kube_drive. */
int64_t gt_reconciler_run(gt_reconciler *reconciler, int64_t now_us, int64_t wall_ms, bool leading);

typedef struct gt_reconciler_state {
    bool synced;          /* pods and claims have been listed, once each */
    const char *problem;  /* of the first of their watches that has one, one line; "" */
    size_t pods, drifted; /* that run or will; drifted: of older templates, as judged when this replica led last */
    size_t claims_mismatched;
    uint64_t claims_created, claims_expanded, claims_failed;
    uint64_t statuses_written, statuses_failed;
} gt_reconciler_state;
gt_reconciler_state gt_reconciler_now(const gt_reconciler *reconciler);

#endif
