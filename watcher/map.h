/* `gastown-watcher map`: feed lines in, one JSON line out for each that names an agent. The harness of tests and fuzzers. */
#ifndef GT_WATCHER_MAP_H
#define GT_WATCHER_MAP_H

#include <stdio.h>

#include "lib/base/err.h"

/* Reads the descriptor `in` to its end; writes to out (flushed before each read, so that a pipe can be followed) and, if a line was
 * broken, `N lines, N mapped, N broken` to notes. GT_ERR_ENV: can't read or write. Memory doesn't depend on the input. */
bool gt_map_feed(int in, FILE *out, FILE *notes, gt_err *err);

#endif
