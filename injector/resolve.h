/* From a plan and an event layer to the one template that holds for a pod. */
#ifndef GT_INJECTOR_RESOLVE_H
#define GT_INJECTOR_RESOLVE_H

#include "injector/plan.h"
#include "injector/record.h"

/* Whether any request of a merged layer is above its limit: plan->unsettled. */
bool gt_resolve_is_unsettled(gt_arena *arena, const gt_layer *layer);

/* Settles requests that are above limits, once, on the merged template: of the two the one from the higher layer stays, the other
 * follows it. Each settlement is reported by a warning that names both layers. Returns `merged` itself where nothing had to change. */
const gt_layer *gt_resolve_settle(gt_record *record, const gt_plan *plan, const gt_layer *merged, gt_str role);

/* The first 16 hex digits of the SHA-256 of the canonical resolved template with role and security profile. */
void gt_resolve_hash(gt_arena *arena, const gt_plan *plan, const gt_layer *resolved, gt_str role, char hash[17]);

#endif
