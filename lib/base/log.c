/* A line is put together in a buffer on the stack and written at once, or handed over whole: with at most PIPE_BUF bytes the lines of several
 * threads and processes that share a pipe don't mix. Room for the line's end is kept back, so that a line that
 * is cut is still whole JSON. */
#include "lib/base/log.h"

#include <errno.h>
#include <stdio.h>

#include "lib/base/clock.h"
#include "lib/base/log_queue.h"

enum { KEPT_BACK = 32 };

static gt_log_level most_level = GT_LOG_INFO; /* both written by gt_log_setup only, before there are threads */
static gt_log_format line_format = GT_LOG_TEXT;

typedef struct line {
    char *at; /* GT_LOG_LINE bytes */
    size_t len;
    bool cut; /* nothing but the end may follow */
} line;

void gt_log_setup(gt_log_level most, gt_log_format format)
{
    most_level = most;
    line_format = format;
}

bool gt_log_enabled(gt_log_level level)
{
    return level <= most_level;
}

/* All of it or nothing. */
static bool put(line *l, const char *bytes, size_t n)
{
    l->cut = l->cut || l->len + n > GT_LOG_LINE - KEPT_BACK;
    if (l->cut)
        return false;
    memcpy(l->at + l->len, bytes, n);
    l->len += n;
    return true;
}

static bool put_text(line *l, const char *text)
{
    return put(l, text, strlen(text));
}

/* For the line's end: there is always room. */
static void put_end(line *l, const char *text)
{
    size_t n = strlen(text);
    memcpy(l->at + l->len, text, n);
    l->len += n;
}

/* C1 controls, and what turns a line's direction or ends it: U+200B to U+200F, U+2028 to U+202E, U+2066 to U+2069. */
static bool is_invisible(const char *at, size_t n)
{
    const unsigned char *b = (const unsigned char *)at;
    if (n == 2)
        return b[0] == 0xc2 && b[1] < 0xa0;
    if (n != 3 || b[0] != 0xe2)
        return false;
    return (b[1] == 0x80 && ((b[2] >= 0x8b && b[2] <= 0x8f) || (b[2] >= 0xa8 && b[2] <= 0xae))) ||
           (b[1] == 0x81 && b[2] >= 0xa6 && b[2] <= 0xa9);
}

/* How many bytes need no escape: most texts are nothing else. */
static size_t plain_run(gt_str text)
{
    size_t n = 0;
    while (n < text.len && text.at[n] >= ' ' && text.at[n] <= '~' && text.at[n] != '"' && text.at[n] != '\\')
        n++;
    return n;
}

/* As much of it as fits. */
static void put_run(line *l, const char *bytes, size_t n)
{
    size_t room = GT_LOG_LINE - KEPT_BACK - l->len;
    put(l, bytes, n < room ? n : room);
    l->cut = l->cut || n > room;
}

/* The first character of `rest`, escaped; returns how many bytes it had. What isn't UTF-8 comes out as U+FFFD. */
static size_t put_escaped(line *l, gt_str rest, bool in_quotes)
{
    static const char short_escape[0x20] = {['\b'] = 'b', ['\f'] = 'f', ['\n'] = 'n', ['\r'] = 'r', ['\t'] = 't'};
    unsigned char c = (unsigned char)rest.at[0];
    if (in_quotes && (c == '"' || c == '\\')) {
        put(l, (char[]){'\\', (char)c}, 2);
        return 1;
    }
    if (c < 0x20 || c == 0x7f) {
        char code[8];
        snprintf(code, sizeof code, "\\u%04x", c);
        if (c < 0x20 && short_escape[c] != '\0')
            put(l, (char[]){'\\', short_escape[c]}, 2);
        else
            put(l, code, 6);
        return 1;
    }
    size_t n = gt_str_utf8_char(rest);
    if (n == 0) {
        put_text(l, "\xef\xbf\xbd");
        return 1;
    }
    if (is_invisible(rest.at, n)) {
        char code[8];
        unsigned low = (unsigned char)rest.at[n - 1] & 0x3fU, high = (unsigned char)rest.at[n - 2] & 0x3fU;
        snprintf(code, sizeof code, "\\u%04x", n == 2 ? low | 0x80U : 0x2000U | high << 6U | low);
        put(l, code, 6);
        return n;
    }
    put(l, rest.at, n);
    return n;
}

/* false: there was no room for anything of it; a text that is cut gets its quotes and counts as put. */
static bool put_quoted(line *l, gt_str text)
{
    if (!put_text(l, "\""))
        return false;
    while (text.len > 0 && !l->cut) {
        size_t n = plain_run(text);
        if (n > 0)
            put_run(l, text.at, n);
        else
            n = put_escaped(l, text, true);
        text = (gt_str){text.at + n, text.len - n};
    }
    put_end(l, l->cut ? "...\"" : "\"");
    return true;
}

/* Bare where a reader (and cut, and grep) can tell where it ends. */
static bool is_bare(gt_str text)
{
    enum { SHORT = 200 }; /* what is longer may have to be cut, which needs quotes to show */
    return text.len > 0 && text.len <= SHORT && plain_run(text) == text.len && memchr(text.at, ' ', text.len) == NULL &&
           memchr(text.at, '=', text.len) == NULL;
}

static void put_time(line *l)
{
    char text[GT_CLOCK_TEXT];
    gt_clock_text(gt_clock_wall_ms(), 3, text);
    put_text(l, text);
}

static bool put_number(line *l, int64_t number)
{
    char digits[20], *end = digits + sizeof digits, *at = end; /* by hand: a line has half a dozen of them */
    uint64_t rest = number < 0 ? 0 - (uint64_t)number : (uint64_t)number;
    do
        *--at = (char)('0' + rest % 10);
    while ((rest /= 10) > 0);
    if (number < 0)
        *--at = '-';
    return put(l, at, (size_t)(end - at));
}

static bool put_value(line *l, const gt_field *field, bool may_be_bare)
{
    if (field->text.at == NULL)
        return put_number(l, field->number);
    return may_be_bare && is_bare(field->text) ? put(l, field->text.at, field->text.len) : put_quoted(l, field->text);
}

static void as_json(line *l, gt_log_level level, const char *message, const gt_field *fields)
{
    static const char *const names[] = {"error", "warn", "info", "debug"};
    put_text(l, "{\"time\":\"");
    put_time(l);
    put_text(l, "\",\"level\":\"");
    put_text(l, names[level]);
    put_text(l, "\",\"msg\":");
    put_quoted(l, gt_str_of(message));
    for (; fields->key != NULL && !l->cut; fields++) {
        size_t before = l->len;
        put_text(l, ",");
        put_quoted(l, gt_str_of(fields->key));
        put_text(l, ":");
        if (!put_value(l, fields, false))
            l->len = before;
    }
    put_end(l, l->cut ? ",\"cut\":true}\n" : "}\n");
}

static void as_text(line *l, gt_log_level level, const char *message, const gt_field *fields)
{
    static const char *const names[] = {" ERROR ", " WARN  ", " INFO  ", " DEBUG "};
    put_time(l);
    put_text(l, names[level]);
    for (gt_str rest = gt_str_of(message); rest.len > 0 && !l->cut;) {
        size_t n = put_escaped(l, rest, false);
        rest = (gt_str){rest.at + n, rest.len - n};
    }
    for (; fields->key != NULL && !l->cut; fields++) {
        size_t before = l->len;
        put_text(l, " ");
        put_text(l, fields->key);
        put_text(l, "=");
        if (!put_value(l, fields, true))
            l->len = before;
    }
    put_end(l, l->cut ? " ...\n" : "\n");
}

size_t gt_log_line(char at[GT_LOG_LINE], gt_log_level level, const char *message, const gt_field *fields)
{
    line l = {.at = at};
    if (line_format == GT_LOG_JSON)
        as_json(&l, level, message, fields);
    else
        as_text(&l, level, message, fields);
    return l.len;
}

void gt_log_fields(gt_log_level level, const char *message, const gt_field *fields)
{
    if (!gt_log_enabled(level))
        return;
    int before = errno; /* a log line in an error path must not change what that path sees */
    char at[GT_LOG_LINE];
    size_t n = gt_log_line(at, level, message, fields);
    if (!gt_log_queue_put(level, at, n))
        gt_log_write(at, n);
    errno = before;
}
