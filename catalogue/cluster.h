/* Templates from an API server, live: the feed of a webhook in a cluster.
 *
 * Informers for GasTowns, Rigs, AgentPools, the default ServiceAccounts, StorageClasses and the ControllerRevisions in which last good versions are kept
 * fill a store; when something has changed and a short quiet has passed, the store is loaded, the new snapshot is tried (trial.h) and published. Nothing
 * is published before the first complete listing of all of them.
 *
 * Control thread only. Logs what it finds. */
#ifndef GT_CATALOGUE_CLUSTER_H
#define GT_CATALOGUE_CLUSTER_H

#include "catalogue/catalogue.h"
#include "catalogue/revisions.h"
#include "lib/kube/call.h"

typedef struct gt_cluster gt_cluster;

typedef struct gt_cluster_config {
    gt_kube_client *client;
    gt_catalogue *catalogue;
    const char *const *namespaces; /* NULL-terminated; NULL or empty: all */
    uint64_t seed;
} gt_cluster_config; /* all of it must outlive the feed */

typedef struct gt_cluster_state {
    bool synced;      /* everything was listed once, and a snapshot published */
    int64_t heard_us; /* when the API server was last heard on the quietest of the watches; 0: not yet on each */
    uint64_t loads, loads_failed, trials_failed;
    const char *problem; /* of the first watch that has one, one line; "" */
} gt_cluster_state;

gt_cluster *gt_cluster_new(const gt_cluster_config *config); /* NULL: no memory */
void gt_cluster_free(gt_cluster *cluster);                   /* NULL is fine */

/* Runs informers and loads what is due; when it wants to be run again at the latest. now_us: monotonic. */
int64_t gt_cluster_run(gt_cluster *cluster, int64_t now_us);

gt_cluster_state gt_cluster_now(const gt_cluster *cluster);
gt_revisions_state gt_cluster_revisions(const gt_cluster *cluster);
gt_store *gt_cluster_store(gt_cluster *cluster);

/* Load at the next run, whether something has changed or not. */
void gt_cluster_force(gt_cluster *cluster);

/* From now on (or no longer) it's this replica that writes down last good versions. */
void gt_cluster_lead(gt_cluster *cluster, bool leading);

#endif
