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

static void show_escaped(gt_buf *buf, gt_str text)
{
    for (size_t i = 0; i < text.len; i++) {
        unsigned char c = (unsigned char)text.at[i];
        if (c == 0xc0) { /* of C0 80; nothing else begins so */
            gt_buf_text(buf, "\\0");
            i++;
        } else if (c == '\n' || c == '\t' || c == '\r') {
            gt_buf_text(buf, c == '\n' ? "\\n" : c == '\t' ? "\\t" : "\\r");
        } else if (c < 0x20 || c == 0x7f) {
            gt_buf_printf(buf, "\\x%02x", c);
        } else {
            gt_buf_byte(buf, (char)c);
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
    show_escaped(buf, (gt_str){text.at, head});
    show_escaped(buf, (gt_str){text.at + tail, text.len - tail});
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
