#include "watcher/lines.h"

#include <assert.h>
#include <stdlib.h>

#define BOM "\xef\xbb\xbf"
enum { CHUNK = 64 * 1024, BOM_LEN = 3, SIZE = GT_LINE_MAX + BOM_LEN + CHUNK };

struct gt_lines {
    uint64_t offset; /* of bytes[start] in the stream */
    size_t start, scanned, end;
    bool skipping; /* in the middle of a line that is too long */
    char bytes[SIZE];
};

gt_lines *gt_lines_new(void)
{
    gt_lines *lines = malloc(sizeof *lines);
    if (lines != NULL)
        gt_lines_start(lines, 0);
    return lines;
}

void gt_lines_free(gt_lines *lines)
{
    free(lines);
}

void gt_lines_cleanup(gt_lines **lines)
{
    gt_lines_free(*lines);
    *lines = NULL;
}

void gt_lines_start(gt_lines *lines, uint64_t offset)
{
    lines->offset = offset;
    lines->start = lines->scanned = lines->end = 0;
    lines->skipping = false;
}

char *gt_lines_room(gt_lines *lines, size_t *room)
{
    size_t n = lines->end - lines->start;
    if (lines->start > 0 && n > 0)
        memmove(lines->bytes, lines->bytes + lines->start, n);
    lines->scanned -= lines->start;
    lines->start = 0;
    lines->end = n;
    *room = SIZE - n;
    return lines->bytes + n;
}

void gt_lines_add(gt_lines *lines, size_t n)
{
    assert(n <= SIZE - lines->end);
    lines->end += n;
}

static void consume(gt_lines *lines, size_t n)
{
    lines->offset += n;
    lines->start += n;
    lines->scanned = lines->start;
}

/* The next n bytes are a line, with `behind` bytes of newline after it. */
static gt_lines_kind take(gt_lines *lines, size_t n, size_t behind, gt_str *line)
{
    *line = (gt_str){lines->bytes + lines->start, n};
    if (lines->offset == 0 && gt_str_starts(*line, BOM))
        *line = (gt_str){line->at + BOM_LEN, line->len - BOM_LEN};
    bool too_long = lines->skipping || line->len > GT_LINE_MAX;
    if (too_long)
        *line = (gt_str){NULL, 0};
    lines->skipping = false;
    consume(lines, n + behind);
    return too_long ? GT_LINES_TOO_LONG : GT_LINES_LINE;
}

gt_lines_kind gt_lines_next(gt_lines *lines, gt_str *line)
{
    size_t left = lines->end - lines->scanned;
    const char *newline = left == 0 ? NULL : memchr(lines->bytes + lines->scanned, '\n', left);
    if (newline != NULL)
        return take(lines, (size_t)(newline - lines->bytes) - lines->start, 1, line);
    lines->scanned = lines->end;
    if (lines->end - lines->start > GT_LINE_MAX + BOM_LEN || (lines->skipping && lines->end > lines->start)) {
        lines->skipping = true;
        consume(lines, lines->end - lines->start);
    }
    return GT_LINES_MORE;
}

gt_lines_kind gt_lines_last(gt_lines *lines, gt_str *line)
{
    size_t n = lines->end - lines->start;
    if (n == 0 && !lines->skipping)
        return GT_LINES_MORE;
    gt_lines_kind kind = take(lines, n, 0, line);
    return kind == GT_LINES_LINE && line->len == 0 ? GT_LINES_MORE : kind;
}

uint64_t gt_lines_offset(const gt_lines *lines)
{
    return lines->offset;
}
