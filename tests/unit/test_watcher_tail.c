/* Following a file that grows, is renamed, cut, or comes late; and the cursor that survives a restart. */
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tests/unit/support.h"
#include "watcher/cursor.h"
#include "watcher/lines.h"
#include "watcher/tail.h"

typedef struct bench {
    char folder[32], file[64], other[64], state[64];
    gt_tail *tail;
    char got[4096]; /* lines as "a|b|" since the last look */
    uint64_t last;  /* number of the last line */
} bench;

static void take(void *context, gt_str line, uint64_t number)
{
    bench *b = context;
    size_t n = strlen(b->got);
    snprintf(b->got + n, sizeof b->got - n, "%.*s|", line.at == NULL ? 1 : (int)line.len,
             line.at == NULL ? "!" : line.at);
    b->last = number;
}

static void open_tail(bench *b, bool with_state)
{
    gt_err err;
    cr_assert(gt_tail_new(b->file, with_state ? b->state : NULL, &b->tail, &err), "%s", err.text);
}

static void set_up(bench *b)
{
    *b = (bench){.folder = "/tmp/gt-tail-XXXXXX"};
    cr_assert(mkdtemp(b->folder) != NULL);
    snprintf(b->file, sizeof b->file, "%s/.events.jsonl", b->folder);
    snprintf(b->other, sizeof b->other, "%s/other", b->folder);
    snprintf(b->state, sizeof b->state, "%s/state", b->folder);
}

static void tear_down(bench *b)
{
    gt_tail_free(b->tail);
    unlink(b->file);
    unlink(b->other);
    unlink(b->state);
    rmdir(b->folder);
}
#define BENCH(name)                                                                                                    \
    gt_scoped(tear_down) bench name = {0};                                                                             \
    set_up(&(name))

static void write_file(const char *path, const char *text, int flags)
{
    int fd = open(path, O_WRONLY | O_CREAT | flags, 0600);
    cr_assert_geq(fd, 0);
    cr_assert_eq(write(fd, text, strlen(text)), (ssize_t)strlen(text));
    close(fd);
}
#define APPEND(b, text) write_file((b).file, text, O_APPEND)

static void replace(bench *b, const char *text)
{
    write_file(b->other, text, O_TRUNC);
    cr_assert_eq(rename(b->other, b->file), 0);
}

static void look(bench *b, const char *wanted, int line)
{
    gt_err err = {0};
    b->got[0] = '\0';
    cr_expect(gt_tail_read(b->tail, take, b, &err), "line %d: %s", line, err.text);
    cr_expect_str_eq(b->got, wanted, "line %d: got %s, wanted %s", line, b->got, wanted);
}
#define LOOK(b, wanted) look(&(b), wanted, __LINE__)

static void settle(bench *b, uint64_t number)
{
    gt_err err;
    cr_expect(gt_tail_settle(b->tail, number, &err), "%s", err.text);
}

static void restart(bench *b)
{
    gt_tail_cleanup(&b->tail);
    open_tail(b, true);
}

Test(watcher_tail, whole_lines_of_a_file_that_comes_late)
{
    BENCH(b);
    open_tail(&b, false);
    LOOK(b, "");
    APPEND(b, "a\nb");
    LOOK(b, "a|");
    LOOK(b, "");
    APPEND(b, "c\n\nd\r\n");
    LOOK(b, "bc||d\r|");
    cr_expect_eq(b.last, 3);
    cr_expect_eq(gt_tail_next(b.tail), 4);
}

Test(watcher_tail, folder_that_comes_late)
{
    BENCH(b);
    rmdir(b.folder);
    open_tail(&b, false);
    LOOK(b, "");
    cr_assert_eq(mkdir(b.folder, 0700), 0);
    APPEND(b, "a\n");
    LOOK(b, "a|");
    APPEND(b, "b\n");
    struct pollfd fd = {.fd = gt_tail_fd(b.tail), .events = POLLIN};
    cr_expect_eq(poll(&fd, 1, 2000), 1, "the folder's watch was added when it came");
    LOOK(b, "b|");
}

Test(watcher_tail, change_is_told)
{
    BENCH(b);
    open_tail(&b, false);
    LOOK(b, "");
    struct pollfd fd = {.fd = gt_tail_fd(b.tail), .events = POLLIN};
    cr_expect_eq(poll(&fd, 1, 0), 0);
    APPEND(b, "a\n");
    cr_expect_eq(poll(&fd, 1, 2000), 1);
    LOOK(b, "a|");
    cr_expect_eq(poll(&fd, 1, 0), 0, "reading isn't a change");
    replace(&b, "a\nb\n");
    cr_expect_eq(poll(&fd, 1, 2000), 1);
    LOOK(b, "b|");
}

Test(watcher_tail, rewritten_by_rename)
{
    BENCH(b);
    open_tail(&b, false);
    APPEND(b, "a\nb\nc\n");
    LOOK(b, "a|b|c|");
    replace(&b, "b\nc\nd\n"); /* pruned, and one more */
    LOOK(b, "d|");
    replace(&b, "c\nx\nd\n"); /* a new one between known ones */
    LOOK(b, "x|");
    replace(&b, "");
    LOOK(b, "");
    replace(&b, "x\nd\ne\n"); /* an empty file in between takes nothing away */
    LOOK(b, "e|");
    gt_tail_counts n = gt_tail_count(b.tail);
    cr_expect_eq(n.lines, 6);
    cr_expect_eq(n.dropped, 6);
    cr_expect_eq(n.starts, 4);
}

Test(watcher_tail, last_words_of_the_old_file)
{
    BENCH(b);
    open_tail(&b, false);
    APPEND(b, "a\n");
    LOOK(b, "a|");
    APPEND(b, "b\nhalf");
    write_file(b.other, "a\nhalf of it\n", O_TRUNC);
    cr_assert_eq(rename(b.other, b.file), 0);
    LOOK(b, "b|half of it|");
}

Test(watcher_tail, removed_and_made_again)
{
    BENCH(b);
    open_tail(&b, false);
    APPEND(b, "a\n");
    LOOK(b, "a|");
    unlink(b.file);
    LOOK(b, "");
    APPEND(b, "b\n");
    LOOK(b, "b|");
}

Test(watcher_tail, cut_in_place)
{
    BENCH(b);
    open_tail(&b, false);
    APPEND(b, "aaaa\nbbbb\npart");
    LOOK(b, "aaaa|bbbb|");
    write_file(b.file, "bbbb\n", O_TRUNC);
    LOOK(b, "");
    APPEND(b, "c\n");
    LOOK(b, "c|");
    cr_assert_eq(truncate(b.file, 0), 0);
    LOOK(b, "");
    APPEND(b, "c\nd\n");
    LOOK(b, "d|");
}

Test(watcher_tail, written_anew_in_place_and_longer)
{
    BENCH(b);
    open_tail(&b, false);
    APPEND(b, "a\nb\n");
    LOOK(b, "a|b|");
    write_file(b.file, "b\nccccccccc\nd\n", O_TRUNC);
    LOOK(b, "ccccccccc|d|");
}

Test(watcher_tail, first_line_alone_is_checked_too)
{
    BENCH(b);
    open_tail(&b, false);
    APPEND(b, "\xef\xbb\xbf"
              "a\n");
    LOOK(b, "a|");
    LOOK(b, "");
    write_file(b.file, "bbbbbbbb\n", O_TRUNC);
    LOOK(b, "bbbbbbbb|");
}

Test(watcher_tail, long_lines)
{
    BENCH(b);
    open_tail(&b, false);
    char *line = malloc(GT_LINE_MAX + 2);
    memset(line, 'x', GT_LINE_MAX + 1);
    line[GT_LINE_MAX + 1] = '\0';
    APPEND(b, "a\n");
    APPEND(b, line);
    LOOK(b, "a|");
    APPEND(b, "xx\nb\n");
    LOOK(b, "!|b|");
    LOOK(b, "");
    free(line);
}

Test(watcher_tail, what_isnt_a_file)
{
    BENCH(b);
    gt_err err = {0};
    cr_assert_eq(mkfifo(b.file, 0600), 0);
    open_tail(&b, false);
    cr_expect_not(gt_tail_read(b.tail, take, &b, &err));
    cr_expect_eq(err.kind, GT_ERR_ENV);
    unlink(b.file);
    APPEND(b, "a\n");
    LOOK(b, "a|");
}

/* ---- restarts ---- */

Test(watcher_tail, goes_on_where_it_was)
{
    BENCH(b);
    open_tail(&b, true);
    APPEND(b, "a\nb\nc\n");
    LOOK(b, "a|b|c|");
    settle(&b, 2);
    restart(&b);
    LOOK(b, "c|");
    settle(&b, gt_tail_next(b.tail));
    APPEND(b, "d\n");
    restart(&b);
    LOOK(b, "d|");
    replace(&b, "b\nc\nd\ne\n"); /* lines from before the restart are known as well */
    LOOK(b, "e|");
}

Test(watcher_tail, nothing_settled_is_nothing_lost)
{
    BENCH(b);
    open_tail(&b, true);
    APPEND(b, "a\nb\n");
    LOOK(b, "a|b|");
    settle(&b, 0);
    restart(&b);
    LOOK(b, "a|b|");
}

Test(watcher_tail, rewritten_while_away)
{
    BENCH(b);
    open_tail(&b, true);
    APPEND(b, "a\nb\nc\nd\n");
    LOOK(b, "a|b|c|d|");
    settle(&b, 3);
    gt_tail_cleanup(&b.tail);
    replace(&b, "b\nc\nd\ne\n");
    open_tail(&b, true);
    LOOK(b, "d|e|");
    settle(&b, gt_tail_next(b.tail));
    gt_tail_cleanup(&b.tail);
    replace(&b, "c\nf\n"); /* its last line is gone, one before it isn't */
    open_tail(&b, true);
    LOOK(b, "f|");
    gt_tail_cleanup(&b.tail);
    replace(&b, "g\n"); /* nothing known is left */
    open_tail(&b, true);
    LOOK(b, "g|");
}

Test(watcher_tail, rewritten_in_place_while_away)
{
    BENCH(b);
    open_tail(&b, true);
    APPEND(b, "a\nb\n");
    LOOK(b, "a|b|");
    settle(&b, 2);
    gt_tail_cleanup(&b.tail);
    write_file(b.file, "x\ny\nz\n", O_TRUNC); /* the same inode, and longer than the cursor */
    open_tail(&b, true);
    LOOK(b, "x|y|z|");
}

Test(watcher_tail, file_missing_at_restart)
{
    BENCH(b);
    open_tail(&b, true);
    APPEND(b, "a\nb\n");
    LOOK(b, "a|b|");
    settle(&b, 2);
    unlink(b.file);
    restart(&b);
    LOOK(b, "");
    settle(&b, gt_tail_next(b.tail));
    APPEND(b, "a\nb\nc\n");
    LOOK(b, "c|");
}

Test(watcher_tail, settling_across_a_rewrite)
{
    BENCH(b);
    open_tail(&b, true);
    APPEND(b, "a\nb\n");
    LOOK(b, "a|b|");
    replace(&b, "a\nb\nc\n");
    LOOK(b, "c|");
    settle(&b, 1); /* b of the old file isn't settled: a restart begins anew */
    restart(&b);
    LOOK(b, "a|b|c|");
    settle(&b, gt_tail_next(b.tail));
    restart(&b);
    LOOK(b, "");
}

Test(watcher_tail, state_file_that_cant_be)
{
    BENCH(b);
    gt_err err;
    write_file(b.state, "{\"version\":1,\"device\":\"x\"}", O_TRUNC);
    cr_expect_not(gt_tail_new(b.file, b.state, &b.tail, &err));
    cr_expect_eq(err.kind, GT_ERR_INPUT);
    cr_expect_not(gt_tail_new(b.file, "/nonexistent/state", &b.tail, &err));
    cr_expect_eq(err.kind, GT_ERR_ENV);
    cr_expect_null(b.tail);
}

Test(watcher_cursor, comes_back_as_it_was)
{
    BENCH(b);
    gt_cursor in = {.device = UINT64_MAX, .inode = UINT64_MAX - 1, .offset = 1ull << 60, .count = GT_CURSOR_LINES}, out;
    bool found;
    gt_err err;
    for (size_t i = 0; i < in.count; i++)
        in.lines[i] = UINT64_MAX - i;
    cr_assert(gt_cursor_load(b.state, &out, &found, &err));
    cr_expect_not(found);
    cr_assert(gt_cursor_save(b.state, &in, &err), "%s", err.text);
    cr_assert(gt_cursor_load(b.state, &out, &found, &err), "%s", err.text);
    cr_expect(found);
    cr_expect_eq(memcmp(&in, &out, sizeof in), 0);
}

Test(watcher_cursor, refuses_what_isnt_one)
{
    static const char *const texts[] = {
        "",
        "{}",
        "[]",
        "nonsense",
        "{\"version\":2,\"device\":\"1\",\"inode\":\"1\",\"offset\":\"1\",\"lines\":[]}",
        "{\"version\":1,\"device\":1,\"inode\":\"1\",\"offset\":\"1\",\"lines\":[]}",
        "{\"version\":1,\"device\":\"1\",\"inode\":\"1\",\"offset\":\"-1\",\"lines\":[]}",
        "{\"version\":1,\"device\":\"1\",\"inode\":\"1\",\"offset\":\"99999999999999999999\",\"lines\":[]}",
        "{\"version\":1,\"device\":\"1\",\"inode\":\"1\",\"offset\":\"1\",\"lines\":[\"12\"]}",
        "{\"version\":1,\"device\":\"1\",\"inode\":\"1\",\"offset\":\"1\",\"lines\":[1]}",
        "{\"version\":1,\"device\":\"1\",\"inode\":\"1\",\"offset\":\"1\"}",
    };
    BENCH(b);
    gt_cursor cursor;
    bool found;
    gt_err err;
    for (size_t i = 0; i < COUNT(texts); i++) {
        write_file(b.state, texts[i], O_TRUNC);
        cr_expect_not(gt_cursor_load(b.state, &cursor, &found, &err), "row %zu", i);
        cr_expect_eq(err.kind, GT_ERR_INPUT, "row %zu", i);
    }
}
