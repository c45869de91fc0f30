/* Time, for the rooms that may look at a clock. Thread-safe; never fails. */
#ifndef GT_LIB_BASE_CLOCK_H
#define GT_LIB_BASE_CLOCK_H

#include <stdint.h>

int64_t gt_clock_mono_us(void); /* from some start; never goes back, stands still while the machine sleeps */
int64_t gt_clock_wall_ms(void); /* since 1970, UTC */

/* RFC 3339 in UTC with so many digits of a second's fraction (0 to 6): "2026-11-21T10:58:26.123Z". Empty for a year that has more than
 * four digits. */
enum { GT_CLOCK_TEXT = 32 };
void gt_clock_text(int64_t wall_ms, int digits, char text[GT_CLOCK_TEXT]);

/* Of two moments at which something is due. */
static inline int64_t gt_clock_earlier(int64_t a, int64_t b)
{
    return a < b ? a : b;
}

#endif
