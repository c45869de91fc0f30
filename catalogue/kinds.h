/* Our own kinds at the API server. */
#ifndef GT_CATALOGUE_KINDS_H
#define GT_CATALOGUE_KINDS_H

#include "injector/plan.h"
#include "lib/kube/api.h"

#define GT_API_VERSION "gastown.io/v1alpha1"
#define GT_FIELD_MANAGER "gastown-webhook"

/* By gt_kind: gastowns, rigs, agentpools; then serviceaccounts, storageclasses. */
extern const gt_kube_kind gt_kind_resources[GT_KIND_COUNT];

#endif
