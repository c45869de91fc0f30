/* Where an object in a cluster differs from what we ship of it. Pure; all memory is the arena's.
 *
 * What an API server and others add by right is no difference: metadata (but for annotations that we ship), status, caBundle, entries of other names
 * beside ours, a CRD's conversion. An empty object or list is the same as none. */
#ifndef GT_WEBHOOK_COMPARE_H
#define GT_WEBHOOK_COMPARE_H

#include "lib/json/value.h"

typedef struct gt_difference gt_difference;
struct gt_difference {
    gt_str path;           /* "webhooks[pods.gastown.io].failurePolicy" */
    gt_str shipped, found; /* JSON, for a person: cut in its middle; "nothing" */
    const gt_difference *next;
};

/* In the order of what is shipped; NULL: there's none. found may be anybody's. */
const gt_difference *gt_compare(gt_arena *arena, const gt_value *shipped, const gt_value *found);

#endif
