/* The watcher at work: a file read once, or followed for ever. One thread, one loop; the only places where time passes. */
#ifndef GT_WATCHER_RUN_H
#define GT_WATCHER_RUN_H

#include "watcher/fleet.h"
#include "watcher/step.h"

typedef struct gt_run {
    gt_hands hands;
    int signals; /* a descriptor that becomes readable when it's time to stop, or -1 */
    int64_t bead_wait_ms;
    uint32_t (*dice)(void); /* 32 random bits */
} gt_run;

typedef struct gt_run_counts {
    uint64_t lines, mapped, broken, dropped;
    uint64_t lifecycle[GT_LIFECYCLES];
    uint64_t created, there, failures; /* failures: refused steps, each try */
    uint64_t refused;                  /* agents without a pod, and wishes that can't be honoured */
} gt_run_counts;

/* Reads the descriptor `in` to its end, then acts for all agents that were spawned. What may pass by itself is tried again until
 * timeout_ms are over. Agents that are left are logged by name and counted in refused. GT_ERR_ENV: can't read; GT_ERR_NOMEM. */
bool gt_run_replay(const gt_run *run, int in, int64_t timeout_ms, gt_run_counts *counts, gt_err *err);

/* Follows the file until `signals` is readable. False: it could never work (the state file). */
bool gt_run_follow(const gt_run *run, const char *events, const char *state, gt_run_counts *counts, gt_err *err);

#endif
