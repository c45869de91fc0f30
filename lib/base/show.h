/* Showing text that somebody else wrote to people: one line, no control characters, and no longer than there is room. */
#ifndef GT_LIB_BASE_SHOW_H
#define GT_LIB_BASE_SHOW_H

#include "lib/base/str.h"

/* Characters (code points) of UTF-8 text; a byte that begins none counts as one. */
size_t gt_show_length(gt_str text);

/* Appends text with control characters, line ends and overrides of direction as escapes (C0 80, see lib/json/view.h, as \\0), and with "?" for bytes that aren't UTF-8. */
void gt_show_line(gt_buf *buf, gt_str text);

/* A message that quotes somebody's text, as gt_show_line makes it. Cutting what it quotes by "%.80s" is fine: half a character
 * shows as "?". */
gt_str gt_show_printf(gt_arena *arena, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
gt_str gt_show_vprintf(gt_arena *arena, const char *fmt, va_list args) __attribute__((format(printf, 2, 0)));

/* As gt_show_line, cut in its middle to `most` characters. */
void gt_show_text(gt_buf *buf, gt_str text, size_t most);

/* Takes characters out of the middle of what the buffer holds from `start` on, until `most` are left; "..." stands for them. The
 * first `keep` characters stay, where that leaves room for some of the end. */
void gt_show_cut(gt_buf *buf, size_t start, size_t keep, size_t most);

#endif
