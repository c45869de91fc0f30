/* Follows a file of lines that somebody else writes: the town's .events.jsonl.
 *
 *   - only whole lines; a file that isn't there yet is no error and is read from its start when it comes
 *   - a new file under the name (gt rewrites it by rename), a file that shrank, or one whose last line read isn't there any more is
 *     read from its start, and lines that were read before are dropped, by their hash
 *   - the cursor is kept in a state file, past settled lines only: a restart goes on where nothing is left to be done. It holds
 *     inode, offset and the hashes of the last lines; where the inode is another one the last line known is looked for
 * inotify on the folder tells of changes; the caller also looks every GT_TAIL_POLL_MS, for file systems that don't tell.
 * One thread at a time. */
#ifndef GT_WATCHER_TAIL_H
#define GT_WATCHER_TAIL_H

#include <stdint.h>

#include "lib/base/str.h"

enum { GT_TAIL_POLL_MS = 1000 };

typedef struct gt_tail gt_tail;

typedef struct gt_tail_counts {
    uint64_t lines;   /* given out */
    uint64_t dropped; /* known from before */
    uint64_t starts;  /* times that a file was read from its start because it was another one */
} gt_tail_counts;

/* state NULL: none is kept. A state file that can't be read as one is GT_ERR_INPUT, one that can't be written GT_ERR_ENV. */
bool gt_tail_new(const char *path, const char *state, gt_tail **tail, gt_err *err);
void gt_tail_free(gt_tail *tail);
void gt_tail_cleanup(gt_tail **tail);

/* Readable when something changed in the folder; -1 when there's no inotify. */
int gt_tail_fd(const gt_tail *tail);

/* Gives out all whole lines that are there now, one by one; line.at == NULL: one that was too long. number counts lines given out
 * or dropped, from 0, over all files. GT_ERR_ENV: the file is there and can't be read. */
typedef void (*gt_tail_each)(void *context, gt_str line, uint64_t number);
bool gt_tail_read(gt_tail *tail, gt_tail_each each, void *context, gt_err *err);

/* The number of the line to come. */
uint64_t gt_tail_next(const gt_tail *tail);

/* All lines before `number` are settled: writes the state file if that is news. GT_ERR_ENV: it can't be written. */
bool gt_tail_settle(gt_tail *tail, uint64_t number, gt_err *err);

gt_tail_counts gt_tail_count(const gt_tail *tail);

#endif
