#include "lib/base/clock.h"

#include <string.h>
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

/* They end before `end`. */
static void put_digits(char *end, int64_t number, int width)
{
    for (; width > 0; width--, number /= 10)
        *--end = (char)('0' + number % 10);
}

/* By hand, for every log line has one: strftime takes a lock and reads a locale. Years begin in March, so that a leap day is the last of
 * one, and are counted from March of year 0, whose 146,097 days to the same day of year 400 come again and again. */
void gt_clock_text(int64_t wall_ms, int digits, char text[GT_CLOCK_TEXT])
{
    static const char form[] = "0000-00-00T00:00:00.000000";
    enum { BEFORE_1970 = 719468, ERA = 146097 };
    text[0] = '\0';
    if (wall_ms < 0 || wall_ms > INT64_C(253402300799999))
        return;
    int64_t second = wall_ms / 1000, days = second / 86400 + BEFORE_1970, day = days % ERA;
    int64_t year = (day - day / 1460 + day / 36524 - day / (ERA - 1)) / 365;
    day -= 365 * year + year / 4 - year / 100;
    int64_t month = (5 * day + 2) / 153; /* from March; their lengths are a line's steps */
    day -= (153 * month + 2) / 5;
    year += days / ERA * 400 + (month >= 10);
    memcpy(text, form, sizeof form);
    put_digits(text + 4, year, 4);
    put_digits(text + 7, month < 10 ? month + 3 : month - 9, 2);
    put_digits(text + 10, day + 1, 2);
    put_digits(text + 13, second / 3600 % 24, 2);
    put_digits(text + 16, second / 60 % 60, 2);
    put_digits(text + 19, second % 60, 2);
    put_digits(text + 23, wall_ms % 1000, 3);
    char *end = text + 19 + (digits == 0 ? 0 : 1 + digits);
    end[0] = 'Z';
    end[1] = '\0';
}
