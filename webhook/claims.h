/* Claims: what our pods' workspaces need exists, and is as large as the templates say.
 *
 * For each pod of ours that runs or will and names a claim of ours: a claim that doesn't exist is created (one that somebody else has made
 * meanwhile is fine), a smaller one is expanded once it is bound and if its class allows it. What can't be brought about, because
 * Kubernetes has no way to (a class without expansion, a claim that is larger already, another class), is a mismatch: told, never forced.
 * Nothing is ever deleted. Failures back off, claim by claim, and are told once, as an Event of the pod.
 *
 * A dry run or a refused pod never becomes an object, so it's never here. Control thread only. */
#ifndef GT_WEBHOOK_CLAIMS_H
#define GT_WEBHOOK_CLAIMS_H

#include "lib/kube/client.h"
#include "webhook/pods.h"

typedef struct gt_pvcs gt_pvcs;

/* client, instance (of Events: this replica's name) must outlive it. NULL: no memory. */
gt_pvcs *gt_pvcs_new(gt_kube_client *client, const char *instance, uint64_t seed);
void gt_pvcs_free(gt_pvcs *claims); /* ends its calls; NULL is fine */

/* For informers of PersistentVolumeClaims with the label GT_LABEL_AGENT; ns as in gt_pods_mark. */
void gt_pvcs_put(gt_pvcs *claims, gt_view claim);
void gt_pvcs_remove(gt_pvcs *claims, gt_view claim);
void gt_pvcs_mark(gt_pvcs *claims, const char *ns);
void gt_pvcs_sweep(gt_pvcs *claims, const char *ns);

/* Starts what is due; when it wants to be run again, INT64_MAX: when a call is over or something has been put. Only once both pods and
 * claims have been listed, and only by the replica that leads. What older templates said of a pod that isn't judged for this generation yet is
 * neither done nor told; a claim that it lacks is made. */
int64_t gt_pvcs_run(gt_pvcs *claims, const gt_pods *pods, const gt_snapshot *snapshot, uint64_t generation,
                    int64_t now_us, int64_t wall_ms);

/* A claim that isn't as the templates say, and can't be made so. Texts live until the next run. */
typedef struct gt_mismatch {
    const char *claim;   /* "ns/name" */
    const char *owner;   /* in its namespace the object that says otherwise: "Rig/gastown" */
    const char *message; /* "claim x is 20Gi, spec.storage.size says 10Gi ..." */
} gt_mismatch;

/* The next one, in the order of claims; *place is 0 at the start. false: that was all. */
bool gt_pvcs_mismatch(const gt_pvcs *claims, size_t *place, gt_mismatch *mismatch);
uint64_t gt_pvcs_version(const gt_pvcs *claims); /* another one: other mismatches */

typedef struct gt_pvc_counts {
    uint64_t created, expanded, failed;
    size_t mismatched, under_way; /* now: claims; calls */
} gt_pvc_counts;
gt_pvc_counts gt_pvcs_now(const gt_pvcs *claims);

#endif
