/* The caBundle of our entries, by server-side apply with a field manager of our own. For keeper.c and its tests. */
#ifndef GT_CERTS_PUBLISH_H
#define GT_CERTS_PUBLISH_H

#include "certs/observed.h"

#define GT_PUBLISH_MANAGER "gastown-certs"

/* Applies `bundle` to those entries of the kind's object that are there. False: there are none, *request is left alone. All memory is the arena's. */
bool gt_publish_request(gt_arena *arena, const gt_observed_state *observed, gt_registration_kind kind, const char *name,
                        gt_str bundle, gt_kube_request *request);

#endif
