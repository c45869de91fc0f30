/* Where a tail stands in its file, in a form that survives restarts: a small JSON file, written whole and renamed.
 *
 *     {"version":1,"device":"2049","inode":"1311","offset":"2578","lines":["9f86d081884c7d65",...]}
 * offset is behind the last settled line; lines are the hashes of the last settled lines, newest first, to find the place
 * again when the file was rewritten under another inode. */
#ifndef GT_WATCHER_CURSOR_H
#define GT_WATCHER_CURSOR_H

#include "lib/base/str.h"

enum { GT_CURSOR_LINES = 16 };

typedef struct gt_cursor {
    uint64_t device, inode, offset;
    uint64_t lines[GT_CURSOR_LINES];
    size_t count;
} gt_cursor;

uint64_t gt_line_hash(gt_str line); /* the start of its SHA-256; never 0 */

/* *found false: there's no such file yet. GT_ERR_INPUT: it isn't a cursor; GT_ERR_ENV: it can't be read. */
bool gt_cursor_load(const char *path, gt_cursor *cursor, bool *found, gt_err *err);
bool gt_cursor_save(const char *path, const gt_cursor *cursor, gt_err *err);

#endif
