#include "lib/kube/backoff.h"

/* splitmix64: enough to keep replicas apart. */
static uint64_t next_random(uint64_t *seed)
{
    uint64_t z = *seed += 0x9e3779b97f4a7c15;
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9;
    z = (z ^ (z >> 27)) * 0x94d049bb133111eb;
    return z ^ (z >> 31);
}

int64_t gt_kube_backoff_jitter(gt_kube_backoff *backoff, int64_t most)
{
    return most <= 0 ? 0 : (int64_t)(next_random(&backoff->seed) % (uint64_t)most);
}

int64_t gt_kube_backoff_fail(gt_kube_backoff *backoff, int64_t retry_after_ms)
{
    int64_t wait = backoff->first_us;
    for (unsigned i = 0; i < backoff->failures && wait < backoff->most_us; i++)
        wait *= 2;
    if (wait > backoff->most_us)
        wait = backoff->most_us;
    if (backoff->failures < UINT32_MAX)
        backoff->failures++;
    if (wait < retry_after_ms * 1000)
        wait = retry_after_ms * 1000;
    return wait + gt_kube_backoff_jitter(backoff, wait / 4);
}

void gt_kube_backoff_reset(gt_kube_backoff *backoff)
{
    backoff->failures = 0;
}
