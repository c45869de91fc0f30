/* Last good versions, written down in the cluster, so that replicas and restarts agree while an object is broken.
 *
 * For each GasTown, Rig and AgentPool the version that is in use is kept as a ControllerRevision (apps/v1) beside it: `data` is its content
 * ({"spec": ...}), `revision` its generation, the object owns it (so it goes with it), the annotation gastown.io/engine says which engine accepted it.
 * Its name holds a digest of object and content, and the generation: replicas that write the same write one, and what is rolled back is the newest again.
 * The newest two contents of an object stay: an engine that doesn't understand the last one may understand the one before.
 *
 * Everybody reads them; one replica, the leader, writes and deletes. Control thread only. */
#ifndef GT_CATALOGUE_REVISIONS_H
#define GT_CATALOGUE_REVISIONS_H

#include "catalogue/store.h"
#include "lib/kube/call.h"

#define GT_REVISION_LABEL "gastown.io/last-good" /* which all of them carry, with the kind in small letters */

/* One of them as the API server has it: told to the store. GT_ERR_INPUT: it isn't one of ours, or not as we write them. */
bool gt_revision_recall(gt_store *store, gt_view revision, gt_err *err);

/* ---- keeping them ---- */

typedef struct gt_revisions gt_revisions;

/* Both must live as long. NULL: no memory. */
gt_revisions *gt_revisions_new(gt_kube_client *client, const gt_store *store, uint64_t seed);
void gt_revisions_free(gt_revisions *revisions); /* cancels its calls; NULL is fine */

/* What the API server has, by an informer: a listing begins; one is there, or was deleted; the listing of ns (NULL: all) is complete. */
void gt_revisions_mark(gt_revisions *revisions, const char *ns);
void gt_revisions_put(gt_revisions *revisions, gt_view revision);
void gt_revisions_remove(gt_revisions *revisions, gt_view revision);
void gt_revisions_sweep(gt_revisions *revisions, const char *ns);

/* The store has adopted something. */
void gt_revisions_stir(gt_revisions *revisions);

/* Writes what's missing and deletes what's old, some at a time; when it wants to be run again. Only for the leader. */
int64_t gt_revisions_run(gt_revisions *revisions, int64_t now_us);

typedef struct gt_revisions_state {
    size_t known;
    uint64_t written, deleted, failed;
} gt_revisions_state;
gt_revisions_state gt_revisions_now(const gt_revisions *revisions);

#endif
