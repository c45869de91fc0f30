#include "lib/base/str.h"

#include <assert.h>
#include <stdio.h>

bool gt_str_starts(gt_str s, const char *prefix)
{
    size_t n = strlen(prefix);
    return n == 0 || (s.len >= n && memcmp(s.at, prefix, n) == 0);
}

bool gt_str_ends(gt_str s, const char *suffix)
{
    size_t n = strlen(suffix);
    return n == 0 || (s.len >= n && memcmp(s.at + s.len - n, suffix, n) == 0);
}

int gt_str_cmp(gt_str a, gt_str b)
{
    size_t n = a.len < b.len ? a.len : b.len;
    int order = n == 0 ? 0 : memcmp(a.at, b.at, n);
    return order != 0 ? order : (a.len > b.len) - (a.len < b.len);
}

bool gt_str_number(gt_str s, int64_t min, int64_t max, int64_t *number)
{
    int64_t sum = 0;
    if (s.len == 0)
        return false;
    for (size_t i = 0; i < s.len; i++) {
        if (s.at[i] < '0' || s.at[i] > '9')
            return false;
        if (__builtin_mul_overflow(sum, 10, &sum) || __builtin_add_overflow(sum, s.at[i] - '0', &sum))
            return false;
    }
    if (sum < min || sum > max)
        return false;
    *number = sum;
    return true;
}

/* Optimal string alignment: Levenshtein's table with one more case for swapped neighbours. */
size_t gt_str_distance(gt_str a, gt_str b, size_t most)
{
    enum { LONGEST = 64 };
    size_t gap = a.len > b.len ? a.len - b.len : b.len - a.len;
    if (gap > most || a.len > LONGEST || b.len > LONGEST)
        return most + 1;
    size_t rows[3][LONGEST + 1];
    size_t *before = rows[0], *last = rows[1], *now = rows[2];
    for (size_t j = 0; j <= b.len; j++)
        last[j] = j;
    for (size_t i = 1; i <= a.len; i++) {
        now[0] = i;
        for (size_t j = 1; j <= b.len; j++) {
            size_t best = last[j - 1] + (a.at[i - 1] != b.at[j - 1]);
            if (last[j] + 1 < best)
                best = last[j] + 1;
            if (now[j - 1] + 1 < best)
                best = now[j - 1] + 1;
            if (i > 1 && j > 1 && a.at[i - 1] == b.at[j - 2] && a.at[i - 2] == b.at[j - 1] && before[j - 2] + 1 < best)
                best = before[j - 2] + 1;
            now[j] = best;
        }
        size_t *spare = before;
        before = last;
        last = now;
        now = spare;
    }
    return last[b.len] > most ? most + 1 : last[b.len];
}

size_t gt_str_utf8_char(gt_str s)
{
    const unsigned char *p = (const unsigned char *)s.at;
    if (p[0] < 0x80)
        return 1;
    size_t n = p[0] >= 0xf0 ? 4 : p[0] >= 0xe0 ? 3 : 2;
    if (p[0] < 0xc2 || p[0] > 0xf4 || s.len < n)
        return 0;
    for (size_t i = 1; i < n; i++)
        if ((p[i] & 0xc0) != 0x80)
            return 0;
    bool overlong = (p[0] == 0xe0 && p[1] < 0xa0) || (p[0] == 0xf0 && p[1] < 0x90);
    bool surrogate = p[0] == 0xed && p[1] >= 0xa0;
    bool beyond = p[0] == 0xf4 && p[1] >= 0x90;
    return overlong || surrogate || beyond ? 0 : n;
}

size_t gt_str_utf8_len(gt_str s)
{
    size_t i = 0;
    while (i < s.len) {
        size_t n = gt_str_utf8_char((gt_str){s.at + i, s.len - i});
        if (n == 0)
            return i;
        i += n;
    }
    return i;
}

void gt_buf_init(gt_buf *buf, gt_arena *arena, size_t room)
{
    *buf = (gt_buf){.arena = arena, .at = gt_arena_alloc_raw(arena, room + 1), .room = room};
    buf->at[0] = '\0';
}

void gt_buf_grow(gt_buf *buf, size_t more)
{
    assert(buf->arena != NULL);
    size_t room = buf->room * 2 + more;
    char *at = gt_arena_alloc_raw(buf->arena, room + 1);
    memcpy(at, buf->at, buf->len + 1);
    buf->at = at;
    buf->room = room;
}

void gt_buf_number(gt_buf *buf, size_t number)
{
    char digits[3 * sizeof number];
    size_t at = sizeof digits;
    do
        digits[--at] = (char)('0' + number % 10);
    while ((number /= 10) > 0);
    gt_buf_add(buf, digits + at, sizeof digits - at);
}

void gt_buf_printf(gt_buf *buf, const char *fmt, ...)
{
    va_list args, again;
    va_start(args, fmt);
    va_copy(again, args);
    int n = vsnprintf(NULL, 0, fmt, again);
    va_end(again);
    assert(n >= 0);
    gt_buf_room(buf, (size_t)n);
    vsnprintf(buf->at + buf->len, (size_t)n + 1, fmt, args);
    va_end(args);
    buf->len += (size_t)n;
}
