/* Our pods as the API server has them, and what the current templates make of each.
 *
 * Of a pod a few hundred bytes are kept: who it is, its bare pod (injector/bare.h) as JSON, the hash and the claim that it carries. Judging
 * asks the engine about the bare pods, a few milliseconds at a time: which hash they would get now, and which claim they should have.
 * Control thread only; logs what it can't take. */
#ifndef GT_WEBHOOK_PODS_H
#define GT_WEBHOOK_PODS_H

#include "injector/claim.h"
#include "webhook/table.h"

/* What the templates say of a pod's claim: gt_claim without its document, in one block. */
typedef struct gt_pod_claim {
    const char *size, *class_name; /* NULL: no layer says */
    const char *size_from, *size_owner, *class_from, *class_owner;
} gt_pod_claim;

typedef struct gt_pod {
    gt_row row; /* "ns/name" */
    const char *ns, *name, *uid;
    const char *rig, *role; /* raw, as the engine reads them; "" when it doesn't */
    const char *bare;       /* JSON */
    const char *hash;       /* its annotation; "" for a pod that we have never seen */
    const char *claim;      /* that its volume `workspace` names, whosever it is; "" */
    bool over;              /* Succeeded or Failed */
    bool leaving;           /* it has a deletionTimestamp */
    /* since it was judged */
    bool current;        /* its hash is what the templates come to now */
    gt_pod_claim *wants; /* NULL: names no claim of ours, or has never been through the webhook */
    uint64_t judged;     /* for which generation of the catalogue; 0: not yet */
} gt_pod;

typedef struct gt_pods gt_pods;

gt_pods *gt_pods_new(void); /* NULL: no memory */
void gt_pods_free(gt_pods *pods);

/* For informers (lib/kube/informer.h): a pod as it is now; one that is gone; around a listing of a namespace (NULL: all). */
void gt_pods_put(gt_pods *pods, gt_view pod);
void gt_pods_remove(gt_pods *pods, gt_view pod);
void gt_pods_mark(gt_pods *pods, const char *ns);
void gt_pods_sweep(gt_pods *pods, const char *ns);

/* Judges those that need it until gt_clock_mono_us is past until_us, new ones first. false: some are left. generation: of the snapshot, not 0. */
bool gt_pods_judge(gt_pods *pods, const gt_snapshot *snapshot, uint64_t generation, int64_t until_us);

/* The engine's word on one pod: an injection of its bare pod, in the arena. false: it can't be asked (the pod is denied, the town is
 * broken or gone), or with GT_ERR_NOMEM. claim.name is empty when the pod names none of ours. */
bool gt_pod_claim_of(gt_arena *arena, const gt_pod *pod, const gt_snapshot *snapshot, gt_claim *claim);

size_t gt_pods_count(const gt_pods *pods);
const gt_pod *gt_pods_at(const gt_pods *pods, size_t i); /* in the order of their keys */
uint64_t gt_pods_version(const gt_pods *pods);           /* another one: something has changed */

/* Of those that run or will. */
typedef struct gt_pod_totals {
    size_t pods, drifted; /* drifted: judged, and not current */
} gt_pod_totals;
gt_pod_totals gt_pods_totals(const gt_pods *pods);

#endif
