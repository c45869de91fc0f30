#include "watcher/backoff.h"

int64_t gt_backoff_after_failure(gt_backoff *backoff, uint32_t dice)
{
    int64_t limit = backoff->first_ms;
    for (unsigned i = 0; i <= backoff->failures && limit < backoff->most_ms; i++)
        limit *= 2;
    if (limit > backoff->most_ms)
        limit = backoff->most_ms;
    backoff->failures++;
    int64_t half = limit / 2;
    return half + (int64_t)((uint64_t)(limit - half) * dice >> 32);
}
