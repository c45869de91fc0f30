#include "lib/base/clock.h"

#include <stdio.h>
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

void gt_clock_text(int64_t wall_ms, int digits, char text[GT_CLOCK_TEXT])
{
    int64_t ms = wall_ms % 1000;
    time_t seconds = (time_t)((wall_ms - ms) / 1000);
    struct tm utc;
    text[0] = '\0';
    if (wall_ms < 0 || gmtime_r(&seconds, &utc) == NULL || utc.tm_year > 9999 - 1900)
        return;
    char fraction[8];
    snprintf(fraction, sizeof fraction, ".%06d", (int)ms * 1000);
    size_t n = strftime(text, GT_CLOCK_TEXT, "%Y-%m-%dT%H:%M:%S", &utc);
    snprintf(text + n, GT_CLOCK_TEXT - n, "%.*sZ", digits == 0 ? 0 : digits + 1, fraction);
}
