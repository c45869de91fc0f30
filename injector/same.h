/* "Already there": comparing what a client's pod has with what we want.
 *
 * Equal means: every member that we set is there with an equal value. Members that only the pod has don't count (API servers add
 * defaults); "", [] and absent are equal, so are readOnly: false and absent; quantities compare by value. */
#ifndef GT_INJECTOR_SAME_H
#define GT_INJECTOR_SAME_H

#include "lib/json/patch.h"
#include "lib/kube/quantity.h"

/* `key`: the member's name that both stand under, or "". */
bool gt_same(gt_view have, const gt_value *want, gt_str key);

/* The same for an amount of a resource. */
bool gt_same_quantity(gt_view have, const gt_value *want);

/* A mount is what it mounts: a sub-path or read-only flag that only one of the two has makes them differ. */
bool gt_same_mount(gt_view have, const gt_value *want);

/* An env entry is one thing: value and valueFrom exclude each other. */
bool gt_same_env(gt_view have, const gt_value *want);

/* The view is this very string. */
bool gt_same_text(gt_view have, gt_str want);

/* The view is a path that is `normal` (see gt_path_normal) once normalised. */
bool gt_same_path(gt_arena *arena, gt_view have, gt_str normal);

/* The quantity that a string or number stands for. */
bool gt_view_quantity(gt_view have, gt_quantity *quantity);

/* The string fits a pattern, in which * stands for any run of characters, an empty one included. Linear times the stars. */
bool gt_same_pattern(gt_view have, gt_str pattern);

/* The string begins like this. */
bool gt_view_starts(gt_view have, const char *prefix);

/* Whether the string is `good`; one that is none is judged as an empty one. */
bool gt_view_passes(gt_view text, bool (*good)(gt_str text));

/* Whether a member's key begins like this; *place is then the member's, for messages. */
bool gt_view_below(gt_view member, const char *prefix, const gt_pointer *object, gt_pointer *place);

/* Whether all members of a volume besides its name are kinds that are `good`. */
bool gt_view_is_volume_of(gt_view volume, bool (*good)(gt_str kind));

/* The member `name`, for looking it up among ours; empty when it's no string. */
gt_str gt_view_name(gt_view object);

/* `element` with the name that people know it by, for messages; a copy. */
gt_pointer gt_view_label(gt_arena *arena, gt_pointer element, gt_view name);

/* One of the two tolerations that the API server adds to every pod (DefaultTolerationSeconds). */
bool gt_is_default_toleration(gt_view toleration);

/* Whether LimitRange's note ("LimitRanger plugin set: cpu, memory request for container agent; ...") says that it set this resource.
 * kind: "request" or "limit". */
bool gt_limit_range_set(gt_view note, gt_str container, gt_str resource, gt_str kind);

#endif
