/* Reading a small file whole. */
#ifndef GT_LIB_KUBE_FILE_H
#define GT_LIB_KUBE_FILE_H

#include "lib/base/str.h"

/* The file's bytes, with a NUL behind them. GT_ERR_ENV "can't read PATH: reason", GT_ERR_LIMIT when it has more than `most`.
 * Holds no descriptor while it allocates (see arena.h). */
bool gt_kube_read_file(gt_arena *arena, const char *path, size_t most, gt_str *text, gt_err *err);

/* The same into a buffer of `size` bytes (NUL included), without an arena. */
bool gt_kube_read_into(const char *path, char *buffer, size_t size, size_t *len, gt_err *err);

#endif
