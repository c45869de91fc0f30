#include "lib/base/show.h"

static bool is_continuation(char c)
{
    return ((unsigned char)c & 0xc0) == 0x80;
}

size_t gt_show_length(gt_str s)
{
    size_t n = 0;
    for (size_t i = 0; i < s.len; i++)
        n += !is_continuation(s.at[i]);
    return n;
}

/* Byte offset of the n-th code point. */
static size_t offset_of(gt_str s, size_t n)
{
    size_t i = 0;
    for (; i < s.len; i++)
        if (!is_continuation(s.at[i]) && n-- == 0)
            break;
    return i;
}

/* Controls of Latin-1 (U+0080 to U+009F): terminals obey them, and an API server drops a warning that holds one. */
static bool is_c1(gt_str s)
{
    return s.len >= 2 && s.at[0] == '\xc2' && (unsigned char)s.at[1] < 0xa0;
}

/* Line ends and overrides of direction (U+2028 to U+202E, U+2066 to U+2069), which would rearrange the message around them; 0: none of these. */
static unsigned rearranges(gt_str s)
{
    if (s.len < 3 || s.at[0] != '\xe2' || (s.at[1] != '\x80' && s.at[1] != '\x81'))
        return 0;
    unsigned c = 0x2000U | ((unsigned char)s.at[1] & 0x3fU) << 6 | ((unsigned char)s.at[2] & 0x3fU);
    return (c >= 0x2028 && c <= 0x202e) || (c >= 0x2066 && c <= 0x2069) ? c : 0;
}

void gt_show_line(gt_buf *buf, gt_str text)
{
    for (size_t i = 0, n; i < text.len; i += n) {
        gt_str rest = {text.at + i, text.len - i};
        unsigned char c = (unsigned char)*rest.at, second = rest.len > 1 ? (unsigned char)rest.at[1] : 0;
        n = gt_str_utf8_char(rest);
        if (is_c1(rest)) {
            gt_buf_printf(buf, "\\x%02x", second);
        } else if (rearranges(rest) != 0) {
            gt_buf_printf(buf, "\\u%04x", rearranges(rest));
        } else if (c == 0xc0 && second == 0x80) {
            gt_buf_text(buf, "\\0");
            n = 2;
        } else if (n == 0) {
            gt_buf_byte(buf, '?');
            n = 1;
        } else if (c == '\n' || c == '\t' || c == '\r') {
            gt_buf_text(buf, c == '\n' ? "\\n" : c == '\t' ? "\\t" : "\\r");
        } else if (c < 0x20 || c == 0x7f) {
            gt_buf_printf(buf, "\\x%02x", c);
        } else {
            gt_buf_add(buf, rest.at, n);
        }
    }
}

/* Of a long string only the ends, which is what the cut leaves: each character shows as at least one. */
void gt_show_text(gt_buf *buf, gt_str text, size_t most)
{
    size_t start = buf->len;
    size_t head = offset_of(text, most + 1), tail = text.len;
    for (size_t n = 0; tail > head && n <= most; n += !is_continuation(text.at[tail]))
        tail--;
    gt_show_line(buf, (gt_str){text.at, head});
    gt_show_line(buf, (gt_str){text.at + tail, text.len - tail});
    gt_show_cut(buf, start, 0, most);
}

void gt_show_cut(gt_buf *buf, size_t start, size_t keep, size_t most)
{
    gt_str shown = {buf->at + start, buf->len - start};
    size_t n = gt_show_length(shown), dots = most < 5 ? 0 : 3;
    if (n <= most)
        return;
    size_t room = most - dots, head = (room + 1) / 2;
    if (keep > head)
        head = keep < room * 5 / 6 ? keep : room * 5 / 6;
    size_t cut = offset_of(shown, head), resume = offset_of(shown, n - (room - head));
    memcpy(buf->at + start + cut, "...", dots);
    memmove(buf->at + start + cut + dots, shown.at + resume, shown.len - resume);
    buf->len = start + cut + dots + shown.len - resume;
    buf->at[buf->len] = '\0';
}

gt_str gt_show_vprintf(gt_arena *arena, const char *fmt, va_list args)
{
    gt_str text = gt_str_of(gt_arena_vprintf(arena, fmt, args));
    gt_buf line;
    gt_buf_init(&line, arena, text.len);
    gt_show_line(&line, text);
    return gt_buf_slice(&line);
}

gt_str gt_show_printf(gt_arena *arena, const char *fmt, ...)
{
    va_list args;
    va_start(args, fmt);
    gt_str line = gt_show_vprintf(arena, fmt, args);
    va_end(args);
    return line;
}
