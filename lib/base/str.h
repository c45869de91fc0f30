/* Strings: slices that know their length, and a buffer that grows in an arena. */
#ifndef GT_LIB_BASE_STR_H
#define GT_LIB_BASE_STR_H

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#include "lib/base/arena.h"

/* Bytes that somebody else owns; not necessarily followed by a NUL. at may be NULL only when len is 0. */
typedef struct gt_str {
    const char *at;
    size_t len;
} gt_str;

#define GT_STR(literal) ((gt_str){(literal), sizeof(literal) - 1})
/* clang-format off */
#define GT_STR_INIT(literal) {(literal), sizeof(literal) - 1} /* in static tables, where GT_STR is no constant */
/* clang-format on */
#define GT_STR_ARG(s) (int)(s).len, (s).at /* for "%.*s" */

static inline gt_str gt_str_of(const char *text)
{
    return text == NULL ? (gt_str){NULL, 0} : (gt_str){text, strlen(text)};
}
static inline bool gt_str_eq(gt_str a, gt_str b)
{
    return a.len == b.len && (a.len == 0 || memcmp(a.at, b.at, a.len) == 0);
}
static inline bool gt_str_is(gt_str a, const char *text)
{
    return gt_str_eq(a, gt_str_of(text));
}
bool gt_str_starts(gt_str s, const char *prefix);
bool gt_str_ends(gt_str s, const char *suffix);
int gt_str_cmp(gt_str a, gt_str b); /* as memcmp, a prefix first */

/* Digits only, no sign, no overflow, and min <= number <= max; else false and *number is left alone. */
bool gt_str_number(gt_str s, int64_t min, int64_t max, int64_t *number);

/* Edits (insert, delete, replace, swap neighbours) that make b of a; anything above `most` is most + 1. Texts of up to
 * 64 bytes. */
size_t gt_str_distance(gt_str a, gt_str b, size_t most);

/* Bytes of the UTF-8 character that s (not empty) begins with, 0 if that isn't one. RFC 3629: no surrogates, no
 * overlong forms. */
size_t gt_str_utf8_char(gt_str s);

/* Bytes of the longest valid UTF-8 start of s; s.len if all of it is valid. */
size_t gt_str_utf8_len(gt_str s);

/* A growing text in an arena. Always followed by a NUL. Zero is not an initial value: gt_buf_init. */
typedef struct gt_buf {
    gt_arena *arena;
    char *at;
    size_t len, room;
} gt_buf;

void gt_buf_init(gt_buf *buf, gt_arena *arena, size_t room);
void gt_buf_grow(gt_buf *buf, size_t more);
void gt_buf_number(gt_buf *buf, size_t number);

/* Makes sure that `more` bytes fit. */
static inline void gt_buf_room(gt_buf *buf, size_t more)
{
    if (more > buf->room - buf->len)
        gt_buf_grow(buf, more);
}

static inline void gt_buf_add(gt_buf *buf, const char *bytes, size_t n)
{
    gt_buf_room(buf, n);
    if (n > 0)
        memcpy(buf->at + buf->len, bytes, n);
    buf->len += n;
    buf->at[buf->len] = '\0';
}

static inline void gt_buf_byte(gt_buf *buf, char byte)
{
    gt_buf_add(buf, &byte, 1);
}

static inline void gt_buf_str(gt_buf *buf, gt_str s)
{
    gt_buf_add(buf, s.at, s.len);
}

static inline void gt_buf_text(gt_buf *buf, const char *text)
{
    gt_buf_add(buf, text, strlen(text));
}

void gt_buf_printf(gt_buf *buf, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
static inline gt_str gt_buf_slice(const gt_buf *buf)
{
    return (gt_str){buf->at, buf->len};
}

#endif
