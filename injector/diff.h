/* What two pods differ in, told in the fields that explain tells of.
 *
 * Pure comparison of two values; nothing here knows of templates. Lists of things that have names of their own (containers, env,
 * volumes, tolerations ...) are matched by them, so that one that is added in front doesn't make all the others differ; all other
 * lists are one value. Objects are told member by member, elements of lists as a whole, apart from containers. */
#ifndef GT_INJECTOR_DIFF_H
#define GT_INJECTOR_DIFF_H

#include "lib/json/patch.h"

typedef struct gt_difference {
    const gt_pointer
        *place;          /* labelled, for gt_place_text; indices are the new list's, the old one's where it's gone */
    const gt_value *old; /* NULL: wasn't there */
    const gt_value *new; /* NULL: isn't there any more */
    struct gt_difference *next;
} gt_difference;

typedef struct gt_diff_options {
    /* Whether something that only one of the two has is told in parts (its members, its containers' members) and not as a whole. NULL:
     * always as a whole. */
    bool (*in_parts)(const void *context, const gt_pointer *place);
    const void *context;
} gt_diff_options;

/* In the new value's order, then what is gone. NULL: they are equal. Null and absent members are equal. Where the order of a list means
 * something (env, containers, init containers) and what both have stands in another order, that is a difference at the list, of
 * the two lists of names. Elements are matched by hashes. The values are shared. */
const gt_difference *gt_diff(gt_arena *arena, const gt_value *old, const gt_value *new, gt_diff_options options);

#endif
