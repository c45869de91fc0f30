/* The claim behind an agent's workspace, as the templates have it.
 *
 * A claim of ours is the one that an agent's identity names ({identity's pod name}-workspace), on the volume `workspace`. Whoever has an
 * API server creates what this says; the engine itself never does (admission has no side effects). Pure functions. */
#ifndef GT_INJECTOR_CLAIM_H
#define GT_INJECTOR_CLAIM_H

#include "injector/inject.h"

#define GT_ANNOTATION_RETAIN "gastown.io/retain" /* of a claim: "false" when it may go with its agent */
#define GT_LABEL_MANAGED_BY "app.kubernetes.io/managed-by"
#define GT_MANAGED_BY "gastown-webhook"

typedef struct gt_claim {
    gt_str name;
    gt_str size, class_name;        /* .at NULL: no layer says; no class is the cluster's default one, "" none at all */
    gt_str size_from, class_from;   /* who says so: "Rig/gastown.roleOverrides[crew]", "role profile" */
    gt_str size_owner, class_owner; /* the object to change: "Rig/gastown"; the town for what no object says */
    const gt_value *document;       /* the PersistentVolumeClaim; NULL without a size, which it needs */
} gt_claim;

/* The claim that a pod names on its volume `workspace`, ours or not; missing: none. */
gt_view gt_claim_named(gt_view pod);

/* What the claim of an injection's agent should be; false when the templates don't say, because the pod is denied or has no town. A pod that
 * was made when its role still had one keeps it, so this doesn't ask for storage.kind. ns: the pod's. All in the arena. */
bool gt_claim_of(gt_arena *arena, const gt_injection *injection, gt_str ns, gt_claim *claim);

#endif
