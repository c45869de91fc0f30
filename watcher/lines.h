/* Lines out of a stream of bytes, with a cap: a longer line is dropped up to its newline and told of once.
 *
 * The reader asks for room, puts bytes there, and takes lines until there are no more:
 *     size_t room;
 *     char *at = gt_lines_room(lines, &room);
 *     n = read(fd, at, room);
 *     gt_lines_add(lines, n);
 *     while ((kind = gt_lines_next(lines, &line)) != GT_LINES_MORE) ...
 * A line is the bytes before a newline; a carriage return stays in it. A byte order mark at offset 0 is left out.
 * Memory: one buffer of a little more than GT_LINE_MAX, whatever comes in. One thread at a time. */
#ifndef GT_WATCHER_LINES_H
#define GT_WATCHER_LINES_H

#include <stdint.h>

#include "lib/base/str.h"

enum { GT_LINE_MAX = 1024 * 1024 };

typedef struct gt_lines gt_lines;

typedef enum gt_lines_kind {
    GT_LINES_MORE,     /* no whole line in what was added so far */
    GT_LINES_LINE,     /* *line is valid until the next gt_lines_room */
    GT_LINES_TOO_LONG, /* one was dropped; line->at is NULL */
} gt_lines_kind;

gt_lines *gt_lines_new(void); /* NULL: no memory */
void gt_lines_free(gt_lines *lines);
void gt_lines_cleanup(gt_lines **lines);

/* Forgets everything; the next byte added is the one at this offset of its file. */
void gt_lines_start(gt_lines *lines, uint64_t offset);

/* At least 64 KiB of room, once gt_lines_next has said GT_LINES_MORE. */
char *gt_lines_room(gt_lines *lines, size_t *room);
void gt_lines_add(gt_lines *lines, size_t n);
gt_lines_kind gt_lines_next(gt_lines *lines, gt_str *line);

/* At the end of input: what follows the last newline, if anything does. */
gt_lines_kind gt_lines_last(gt_lines *lines, gt_str *line);

/* Where the line that was told of last ends (behind its newline). */
uint64_t gt_lines_offset(const gt_lines *lines);

#endif
