/* Building a snapshot in which what is wrong is replaced by what was good: what both feeds have in common.
 *
 * Round by round: a snapshot is built of all entries; of each that wasn't accepted the next good version takes the place, until nothing is left
 * to replace. What is wrong and has no good version stays, so that pods that need it fail instead of coming out without a layer. An entry
 * that isn't accepted because an older object holds its place (claims) is left as it is: it's not wrong.
 *
 * The caller owns the gt_settling, outside of the gt_arena_try below which gt_settle runs, and cleans it up whatever happens. */
#ifndef GT_CATALOGUE_SETTLE_H
#define GT_CATALOGUE_SETTLE_H

#include "catalogue/entries.h"
#include "injector/snapshot.h"

typedef struct gt_settling {
    gt_arena *store;    /* of entries, findings and all that's copied */
    gt_entries entries; /* in: with their good versions; out: with what became of them */
    gt_claims claims;   /* what it means that two entries claim one place */

    gt_snapshot *snapshot; /* out: the caller's, see gt_settling_drop */
    gt_finding *
        findings; /* out: of what the entries said at first; `document`: the index of the entry, where none was dropped */
    size_t finding_count, finding_room;
    size_t rejected; /* out: entries whose first value isn't in the snapshot */

    gt_arena *arena; /* the next snapshot's, until it is built */
} gt_settling;

/* GT_ERR_NOMEM, GT_ERR_LIMIT. */
bool gt_settle(gt_settling *settling, gt_err *err);

/* The same finding at the end of the list, in the store. */
void gt_settling_find(gt_settling *settling, gt_finding finding);

/* Frees the snapshot, unless somebody has taken it (and set it NULL), and what a failure has left. The store isn't touched. */
void gt_settling_drop(gt_settling *settling);

#endif
