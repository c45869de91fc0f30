/* Admission reviews of templates: GasTown, Rig and AgentPool objects, created or updated; and of what is changed in agents' pods
 * (update.h). Bytes in, bytes out, as gt_review.
 *
 * An object is checked as `gastown-inject check` does, together with what it belongs to (the town of its namespace, its rig, that rig's
 * pools, the storage classes) as the snapshot has it, and its pods are tried (trial.h).
 *
 *   errors                  denied (422), all of them in the message and as causes
 *   a place that is taken   denied, when the object is created or moves there
 *   risky but legal         allowed, with warnings
 *   an old error            allowed with a warning, when the spec is as it was: else an object couldn't lose its finalizer
 *   all else                allowed without a word: other kinds and versions, operations, the status */
#ifndef GT_INJECTOR_VALIDATE_H
#define GT_INJECTOR_VALIDATE_H

#include "injector/review.h"

/* snapshot NULL: nothing is known yet; the object is checked by itself, and a warning says so. Never fails. */
void gt_validate(gt_arena *arena, const gt_snapshot *snapshot, gt_str body, gt_reply *reply);

/* A review of whatever kind: gt_validate for templates and for updates of pods that say what was before, gt_review for
 * all else. */
void gt_review_any(gt_arena *arena, const gt_snapshot *snapshot, gt_str body, gt_reply *reply);

#endif
