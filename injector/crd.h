/* The three CustomResourceDefinitions, made from the tables that the parser reads (fields.h, objects.h, policy.h, event.h ...), so
 * that what the API server admits and what the engine understands can't drift. Source: apiextensions.k8s.io/v1, structural schemas.
 *
 * What a schema says is never more than what the checker demands: an object that `check` accepts goes in and comes back whole. It may
 * be less, where neither schema nor CEL can say it; the webhook quarantines what is left. Pure; all memory is the arena's. */
#ifndef GT_INJECTOR_CRD_H
#define GT_INJECTOR_CRD_H

#include "injector/plan.h"
#include "lib/json/value.h"

#define GT_API_GROUP "gastown.io"
#define GT_API_VERSION_NAME "v1alpha1"

typedef struct gt_crd {
    gt_kind kind;
    const char *plural, *singular, *list, *brief; /* brief: the short name */
    const char *what;
} gt_crd;

enum { GT_CRD_COUNT = 3 };
extern const gt_crd gt_crds[GT_CRD_COUNT];

/* One of them by its plural, kind or short name; NULL: none is called so. */
const gt_crd *gt_crd_of(gt_str name);

gt_value *gt_crd_make(gt_arena *arena, const gt_crd *crd);

#endif
