#include "lib/base/clock.h"

#include <time.h>

int64_t gt_clock_mono_us(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now); /* can't fail: the clock exists and the pointer is good */
    return (int64_t)now.tv_sec * 1000000 + now.tv_nsec / 1000;
}

int64_t gt_clock_wall_ms(void)
{
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}
