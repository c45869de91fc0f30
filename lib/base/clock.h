/* Time, for the rooms that may look at a clock. Thread-safe; never fails. */
#ifndef GT_LIB_BASE_CLOCK_H
#define GT_LIB_BASE_CLOCK_H

#include <stdint.h>

int64_t gt_clock_mono_us(void); /* from some start; never goes back, stands still while the machine sleeps */
int64_t gt_clock_wall_ms(void); /* since 1970, UTC */

#endif
