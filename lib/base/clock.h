/* Time, for the rooms that may look at a clock. */
#ifndef GT_LIB_BASE_CLOCK_H
#define GT_LIB_BASE_CLOCK_H

#include <stdint.h>

int64_t gt_clock_mono_us(void); /* never goes back */
int64_t gt_clock_wall_ms(void); /* since 1970, UTC */

#endif
