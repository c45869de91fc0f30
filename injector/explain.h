/* Explanations: the record, told to people. */
#ifndef GT_INJECTOR_EXPLAIN_H
#define GT_INJECTOR_EXPLAIN_H

#include "injector/inject.h"

/* One object per decision, in the order of the decisions:
 *     {"field": "spec.containers[agent].image", "action": "replace", "value": "agent:v7", "was": "mine:1", "from": "event image",
 *      "over": [{"from": "GasTown/main.defaults", "value": "agent:v6"}]}
 * `was` only where a client's value gave way; `over` from the highest beaten layer down, absent when there's none. */
gt_value *gt_explain(gt_arena *arena, const gt_record *record, const gt_injection *injection);

/* What is shown of a value: of an env entry its value or valueFrom. NULL for NULL. */
const gt_value *gt_explain_shown(const gt_pointer *place, const gt_value *value);

const char *gt_action_name(gt_action action); /* "keep", "set", "replace", "remove" */

#endif
