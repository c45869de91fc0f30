/* How long to wait before trying again: doubling from `first` to `most`, each with up to a quarter of jitter on top, at least what the server asked
 * for (Retry-After). A success ends it. Plain data; the caller owns it. */
#ifndef GT_LIB_KUBE_BACKOFF_H
#define GT_LIB_KUBE_BACKOFF_H

#include <stdint.h>

typedef struct gt_kube_backoff {
    int64_t first_us, most_us;
    uint64_t seed;     /* anything; drives the jitter */
    unsigned failures; /* in a row */
} gt_kube_backoff;

/* One more failure; microseconds to wait. retry_after_ms: as gt_kube_answer. */
int64_t gt_kube_backoff_fail(gt_kube_backoff *backoff, int64_t retry_after_ms);
void gt_kube_backoff_reset(gt_kube_backoff *backoff);

/* 0 to most - 1, from the same source. */
int64_t gt_kube_backoff_jitter(gt_kube_backoff *backoff, int64_t most);

#endif
