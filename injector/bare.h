/* Bare pods: of a live pod what its creator said, without what the engine made of it.
 *
 * Injected again it comes out as its creator's pod would today; that is how `diff` and the counting of older pods ask what the templates
 * mean for a pod that runs. Kept are its name, the identity labels, raw names and event annotations, who owns it, and the restart policy
 * of one that is owned (a Job's is the Job's own); its containers are one called `agent`. */
#ifndef GT_INJECTOR_BARE_H
#define GT_INJECTOR_BARE_H

#include "lib/json/value.h"

/* The bare pod of an object. Shares values with it. */
gt_value *gt_bare(gt_arena *arena, const gt_value *pod);

/* The same, of an object of the API server. GT_ERR_INPUT: what would be kept of it can't be a value (a NUL in an annotation). */
bool gt_bare_read(gt_arena *arena, gt_view pod, gt_value **bare, gt_err *err);

#endif
