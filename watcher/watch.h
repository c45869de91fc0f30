/* What replaying and following share: lines into the fleet, the fleet's next one to the hands. */
#ifndef GT_WATCHER_WATCH_H
#define GT_WATCHER_WATCH_H

#include "watcher/run.h"

typedef struct gt_watch {
    const gt_run *run;
    gt_run_counts *counts;
    bool replay;
    gt_arena *arena; /* of one line, or of one step */
    gt_fleet *fleet;
    gt_backoff away; /* of the API server */
    int64_t away_until;
    uint64_t steps; /* taken */
    bool no_memory, was_full;
} gt_watch;

bool gt_watch_start(gt_watch *watch, const gt_run *run, bool replay, gt_run_counts *counts, gt_err *err);
void gt_watch_cleanup(gt_watch *watch); /* frees what it holds; for gt_scoped */

/* Takes a line in; line.at == NULL: one that was too long. */
void gt_watch_line(gt_watch *watch, gt_str line, uint64_t number);

/* Acts for one agent, if there's one to act for now. False: none; *wait is how long until there is, -1: nothing is due. */
bool gt_watch_act(gt_watch *watch, int64_t *wait);

/* Is it time to stop? Waits at most so long (-1: for ever) for that or for fd (-1: none). */
bool gt_watch_wait(const gt_watch *watch, int fd, int64_t ms);

int64_t gt_now_ms(void);

#endif
