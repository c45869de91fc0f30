/* The agents that something has to be done about.
 *
 * An event marks its agent as due, nothing more; what's due is a set, so a hundred events of one agent are one job, and a job that
 * fails stays due. Whoever acts takes the next one, tries, and says how it went. What is settled is forgotten: truth lives in
 * the tracker and in the cluster, not here. Knows no cluster, no file, no clock (times are the caller's, in milliseconds).
 *
 * In this first slice the wish for a pod comes with the events, since no listing is read yet: the latest bead and the latest
 * values of one run count, and a run ends with done or kill. */
#ifndef GT_WATCHER_FLEET_H
#define GT_WATCHER_FLEET_H

#include "watcher/backoff.h"
#include "watcher/pod.h"

typedef struct gt_fleet gt_fleet;

typedef struct gt_fleet_rules {
    bool replay;               /* done and kill leave an agent due: each agent that was spawned gets its pod */
    int64_t bead_wait_ms;      /* a spawn that names no bead waits so long for the line that does */
    int64_t first_ms, most_ms; /* back-off of one agent */
    size_t most;               /* agents due at a time; 0: 10,000 */
} gt_fleet_rules;

typedef struct gt_due {
    gt_agent agent; /* memory of the fleet, until it is settled */
    gt_wish wish;
    uint64_t line;      /* the first line that made it due */
    int64_t not_before; /* when to try */
    gt_backoff backoff;
    char *reason; /* why it isn't settled, after a first try; else NULL */
} gt_due;

gt_fleet *gt_fleet_new(const gt_fleet_rules *rules); /* NULL: no memory */
void gt_fleet_free(gt_fleet *fleet);
void gt_fleet_cleanup(gt_fleet **fleet);

typedef enum gt_told {
    GT_TOLD_NOTHING, /* nothing changes (done of an agent that isn't due; stuck) */
    GT_TOLD_DUE,     /* the agent is due now, or still is */
    GT_TOLD_DROPPED, /* it ended before anything was done about it */
    GT_TOLD_FULL,    /* too many are due: nothing was taken in, and the line never counts as settled */
} gt_told;

/* Takes an event in. wish: of gt_wish_read; copied. line: its number, for gt_fleet_settled. GT_ERR_LIMIT: a name of 4 KiB or more,
 * whose pod nobody could want; GT_ERR_NOMEM. */
bool gt_fleet_tell(gt_fleet *fleet, const gt_event *event, const gt_wish *wish, uint64_t line, int64_t now,
                   gt_told *told, gt_err *err);

/* The one to act on now, or NULL; *wait (if not NULL) is then how long until there's one, -1 when none is due. Mayor and deacon go
 * first, then who has waited longest, so that one that fails again and again holds nobody up. It stays in the fleet until one of
 * the calls below. Linear in what is due. */
gt_due *gt_fleet_next(gt_fleet *fleet, int64_t now, int64_t *wait);

void gt_fleet_settle(gt_fleet *fleet, gt_due *due);                 /* done with it; frees it */
void gt_fleet_retry(gt_due *due, int64_t when, const char *reason); /* not a failure of its own: try again then */
int64_t gt_fleet_failed(gt_due *due, int64_t now, uint32_t dice,
                        const char *reason); /* backs off; returns for how long */

size_t gt_fleet_count(const gt_fleet *fleet);

/* All lines before this one are settled; `next` (the number of the line to come) when nothing is due. */
uint64_t gt_fleet_settled(const gt_fleet *fleet, uint64_t next);

/* All that are due, in the order in which they became so: *at starts as NULL. */
const gt_due *gt_fleet_each(const gt_fleet *fleet, const gt_due *after);

#endif
