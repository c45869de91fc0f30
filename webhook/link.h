/* The link to an API server: the feed of templates, the replicas' lease, and what the one that holds it does.
 *
 * Everything in it is the control thread's; gt_link_now is for everybody. */
#ifndef GT_WEBHOOK_LINK_H
#define GT_WEBHOOK_LINK_H

#include "catalogue/cluster.h"
#include "webhook/credentials.h"
#include "webhook/metrics.h"
#include "webhook/options.h"

typedef struct gt_link gt_link;

typedef struct gt_link_config {
    const gt_options *options;
    gt_catalogue *catalogue;
    size_t slot; /* in the catalogue: the control thread's */
    gt_metrics *metrics;
    gt_keybox *keys;
} gt_link_config; /* what it points to must outlive the link */

/* Reads the kubeconfig, or what a pod finds in itself; sends nothing. GT_ERR_INPUT, GT_ERR_ENV, GT_ERR_NOMEM. */
bool gt_link_new(const gt_link_config *config, gt_link **link, gt_err *err);
void gt_link_free(gt_link *link); /* NULL is fine */

/* Does what is due; when it wants to be run again at the latest. */
int64_t gt_link_run(gt_link *link, int64_t now_us, int64_t wall_ms);

/* Waits until there's something to do, or fd is readable, or most_ms have passed. */
void gt_link_wait(gt_link *link, int fd, int64_t most_ms);

/* Load the templates at the next run, whatever has changed. */
void gt_link_force(gt_link *link);

/* About to stop: the lease goes to another replica, if gt_link_run is called a few times more. */
void gt_link_release(gt_link *link, int64_t wall_ms);
bool gt_link_released(const gt_link *link); /* it has it, or there was none */

typedef struct gt_link_state {
    bool synced, leading;
    int64_t heard_us;                  /* as gt_cluster_state */
    int64_t pods, drifted, mismatched; /* of agents; claims that aren't as their templates say */
    char problem[400];                 /* what is in the way of following the API server, or "" */
    gt_credentials_state credentials;
} gt_link_state;
void gt_link_now(gt_link *link, gt_link_state *state); /* thread-safe */

#endif
