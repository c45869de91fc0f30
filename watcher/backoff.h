/* Exponential back-off with jitter. Pure: the clock and the dice are the caller's. */
#ifndef GT_WATCHER_BACKOFF_H
#define GT_WATCHER_BACKOFF_H

#include <stdint.h>

typedef struct gt_backoff {
    int64_t first_ms, most_ms;
    unsigned failures; /* in a row; 0 after a success */
} gt_backoff;

/* How long to wait after one more failure: between half and all of a limit that starts at twice first_ms and doubles up to most_ms,
 * so first_ms at least. dice: any 32 random bits. */
int64_t gt_backoff_after_failure(gt_backoff *backoff, uint32_t dice);

static inline void gt_backoff_reset(gt_backoff *backoff)
{
    backoff->failures = 0;
}

#endif
