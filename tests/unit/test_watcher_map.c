/* Lines out of a stream, and `map` around them. */
#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

#include "lib/json/view.h"
#include "tests/unit/support.h"
#include "watcher/lines.h"
#include "watcher/map.h"

/* Feeds text in steps and shows the lines as "a|b|", a long one as "!|". */
static const char *split(gt_arena *arena, gt_str text, size_t step)
{
    gt_scoped(gt_lines_cleanup) gt_lines *lines = gt_lines_new();
    gt_buf out;
    gt_buf_init(&out, arena, 64);
    gt_str line;
    gt_lines_kind kind = GT_LINES_MORE;
    for (size_t at = 0; at <= text.len;) {
        size_t room, n = text.len - at < step ? text.len - at : step;
        char *to = gt_lines_room(lines, &room);
        cr_assert_geq(room, 64 * 1024);
        if (n > room)
            n = room;
        if (n > 0)
            memcpy(to, text.at + at, n);
        gt_lines_add(lines, n);
        bool ended = n == 0;
        while ((kind = gt_lines_next(lines, &line)) != GT_LINES_MORE ||
               (ended && (kind = gt_lines_last(lines, &line)) != GT_LINES_MORE)) {
            if (kind == GT_LINES_TOO_LONG)
                gt_buf_byte(&out, '!');
            else if (line.len > 1000)
                gt_buf_printf(&out, "%zu", line.len);
            else
                gt_buf_str(&out, line);
            gt_buf_byte(&out, '|');
        }
        at += n;
        if (ended)
            break;
    }
    cr_expect_eq(gt_lines_offset(lines), text.len);
    return out.at;
}

Test(watcher_lines, splits_however_it_comes)
{
    static const char *const rows[][2] = {
        {"", ""},
        {"\n", "|"},
        {"a\nb\n", "a|b|"},
        {"a\nb", "a|b|"},
        {"\n\n", "||"},
        {"a\r\n", "a\r|"},
        {"\xef\xbb\xbf", ""},
        {"\xef\xbb\xbf"
         "a\n",
         "a|"},
        {"\xef\xbb\xbf\n", "|"},
        {"\xef\xbb", "\xef\xbb|"},
        {"a\n\xef\xbb\xbf"
         "b",
         "a|\xef\xbb\xbf"
         "b|"},
        {"\xef\xbb\xbf\xef\xbb\xbf"
         "a",
         "\xef\xbb\xbf"
         "a|"},
    };
    SCOPED_ARENA(arena);
    for (size_t i = 0; i < COUNT(rows); i++)
        for (size_t step = 1; step < 9; step++)
            cr_expect_str_eq(split(arena, gt_str_of(rows[i][0]), step), rows[i][1], "row %zu in steps of %zu", i, step);
}

Test(watcher_lines, cap)
{
    static const struct {
        size_t before;
        const char *start, *end, *out;
    } rows[] = {
        {GT_LINE_MAX, "", "\nb\n", "1048576|b|"},
        {GT_LINE_MAX + 1, "", "\nb\n", "!|b|"},
        {GT_LINE_MAX + 3, "", "\nb\n", "!|b|"},
        {GT_LINE_MAX + 4, "", "\nb\n", "!|b|"},
        {GT_LINE_MAX, "", "", "1048576|"},
        {GT_LINE_MAX + 1, "", "", "!|"},
        {5 * GT_LINE_MAX, "", "", "!|"},
        {5 * GT_LINE_MAX, "", "\n", "!|"},
        {5 * GT_LINE_MAX, "a\n", "x\nb\n", "a|!|b|"},
        {GT_LINE_MAX, "\xef\xbb\xbf", "\nb", "1048576|b|"},
        {GT_LINE_MAX + 1, "\xef\xbb\xbf", "\nb", "!|b|"},
        {3 * GT_LINE_MAX + 70000, "\n", "\n\n", "|!||"},
    };
    static const size_t steps[] = {1000, 65536, 1 << 20, 1 << 24};
    for (size_t i = 0; i < COUNT(rows); i++) {
        SCOPED_ARENA(arena);
        gt_buf buf;
        gt_buf_init(&buf, arena, rows[i].before + 16);
        char *xs = gt_arena_alloc(arena, rows[i].before);
        memset(xs, 'x', rows[i].before);
        gt_buf_text(&buf, rows[i].start);
        gt_buf_add(&buf, xs, rows[i].before);
        gt_buf_text(&buf, rows[i].end);
        for (size_t j = 0; j < COUNT(steps); j++)
            cr_expect_str_eq(split(arena, gt_buf_slice(&buf), steps[j]), rows[i].out, "row %zu in steps of %zu", i,
                             steps[j]);
    }
}

/* What map prints, its note behind it. */
static const char *map_text(gt_arena *arena, gt_str text)
{
    char out[8192] = "";
    gt_err err;
    FILE *in = tmpfile(), *to = tmpfile();
    cr_assert(in != NULL && to != NULL);
    fwrite(text.at, 1, text.len, in);
    rewind(in);
    cr_expect(gt_map_feed(fileno(in), to, to, &err), "%s", err.text);
    rewind(to);
    size_t n = fread(out, 1, sizeof out - 1, to);
    fclose(in);
    fclose(to);
    return gt_arena_dup(arena, out, n);
}

#define NUX "{\"type\":\"sling\",\"payload\":{\"target\":\"r/nux\",\"bead\":\"b\\\"1\"}}"
#define NUX_OUT                                                                                                        \
    "{\"lifecycle\":\"spawn\",\"rig\":\"r\",\"role\":\"polecat\",\"agent\":\"nux\",\"bead\":\"b\\\"1\",\"type\":"      \
    "\"sling\"}\n"

Test(watcher_map, prints_and_counts)
{
    static const char *const rows[][2] = {
        {"", ""},
        {"\n\n{}\n", ""},
        {NUX, NUX_OUT},
        {"\xef\xbb\xbf" NUX "\r\n\n" NUX "\n", NUX_OUT NUX_OUT},
        {NUX "\nx\n\n" NUX "\n{", NUX_OUT NUX_OUT "5 lines, 2 mapped, 2 broken\n"},
        {"x\n", "1 lines, 0 mapped, 1 broken\n"},
    };
    SCOPED_ARENA(arena);
    for (size_t i = 0; i < COUNT(rows); i++)
        cr_expect_str_eq(map_text(arena, gt_str_of(rows[i][0])), rows[i][1], "row %zu", i);
}

Test(watcher_map, says_when_it_cant_read_or_write)
{
    gt_err err;
    FILE *in = tmpfile(), *full = fopen("/dev/full", "w");
    int folder = open("/", O_RDONLY | O_DIRECTORY);
    fputs(NUX "\n", in);
    rewind(in);
    cr_expect_not(gt_map_feed(fileno(in), full, stderr, &err));
    cr_expect_eq(err.kind, GT_ERR_ENV);
    cr_expect_not(gt_map_feed(folder, stdout, stderr, &err));
    cr_expect_eq(err.kind, GT_ERR_ENV);
    close(folder);
    fclose(in);
    fclose(full);
}

/* The claim beside LINE_MEMORY in map.c: what one line can cost as a tree. */
Test(watcher_map, memory_of_the_worst_lines)
{
    static const char *const fills[] = {"1,", "\"\",", "{},", "[],", "{\"a\":1},", "{\"a\":{}},"};
    for (size_t i = 0; i < COUNT(fills); i++) {
        SCOPED_ARENA(arena);
        SCOPED_ARENA(tree);
        gt_buf buf;
        gt_err err;
        gt_view view;
        gt_buf_init(&buf, arena, GT_LINE_MAX);
        gt_buf_text(&buf, "{\"a\":[");
        while (buf.len + strlen(fills[i]) + 3 <= GT_LINE_MAX)
            gt_buf_text(&buf, fills[i]);
        gt_buf_text(&buf, "1]}");
        cr_assert(gt_view_parse(tree, gt_buf_slice(&buf), 0, &view, &err), "%s", err.text);
        cr_expect_leq(gt_arena_used(tree), 60u * 1000 * 1000, "%s costs %zu", fills[i], gt_arena_used(tree));
    }
}
