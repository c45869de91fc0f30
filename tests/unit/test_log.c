#include "lib/base/clock.h"
#include "lib/base/log.h"

#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <time.h>
#include <unistd.h>

#include "lib/json/view.h"
#include "tests/unit/support.h"

static FILE *caught;
static int real_stderr;

static void catch_stderr(void)
{
    caught = tmpfile();
    real_stderr = dup(STDERR_FILENO);
    dup2(fileno(caught), STDERR_FILENO);
}

/* What was logged since catch_stderr. */
static gt_str logged(gt_arena *arena)
{
    dup2(real_stderr, STDERR_FILENO);
    close(real_stderr);
    gt_buf buf;
    gt_buf_init(&buf, arena, 100);
    rewind(caught);
    for (int c; (c = fgetc(caught)) != EOF;)
        gt_buf_byte(&buf, (char)c);
    fclose(caught);
    return gt_buf_slice(&buf);
}

/* Behind the time, which is checked for its form. */
static gt_str without_time(gt_str line)
{
    static const char form[] = "0000-00-00T00:00:00.000Z";
    cr_assert_geq(line.len, sizeof form);
    for (size_t i = 0; i + 1 < sizeof form; i++) {
        bool digit = line.at[i] >= '0' && line.at[i] <= '9';
        cr_assert(form[i] == '0' ? digit : line.at[i] == form[i], "no time: %.*s", GT_STR_ARG(line));
    }
    return (gt_str){line.at + sizeof form - 1, line.len - sizeof form + 1};
}

Test(log, text)
{
    SCOPED_ARENA(arena);
    catch_stderr();
    gt_log(GT_LOG_INFO, "serving", GT_F("address", "127.0.0.1"), GT_FI("port", 8443));
    expect_text(0, without_time(logged(arena)), " INFO  serving address=127.0.0.1 port=8443\n");
    catch_stderr();
    gt_log(GT_LOG_ERROR, "odd\n\"values\"", GT_F("blank", "a b"), GT_F("empty", ""), GT_F("null", NULL),
           GT_F("quote", "a\"b\\"), GT_F("equals", "a=b"), GT_F("line", "a\nb"), GT_FS("bytes", GT_STR("\xff\0")),
           GT_FI("n", INT64_MIN), GT_F("utf8", "\xc3\xa9"));
    expect_text(
        1, without_time(logged(arena)),
        " ERROR odd\\n\"values\" blank=\"a b\" empty=\"\" null=\"\" quote=\"a\\\"b\\\\\" equals=\"a=b\" line=\"a\\nb\" "
        "bytes=\"\xef\xbf\xbd\\u0000\" n=-9223372036854775808 utf8=\"\xc3\xa9\"\n");
    catch_stderr();
    gt_log_msg(GT_LOG_WARN, "plain");
    expect_text(2, without_time(logged(arena)), " WARN  plain\n");
}

Test(log, levels)
{
    SCOPED_ARENA(arena);
    cr_expect(gt_log_enabled(GT_LOG_INFO) && !gt_log_enabled(GT_LOG_DEBUG), "info at first");
    catch_stderr();
    gt_log_msg(GT_LOG_DEBUG, "not yet");
    gt_log_setup(GT_LOG_ERROR, GT_LOG_TEXT);
    gt_log_msg(GT_LOG_WARN, "no more");
    gt_log_setup(GT_LOG_DEBUG, GT_LOG_TEXT);
    gt_log_msg(GT_LOG_DEBUG, "now");
    expect_text(0, without_time(logged(arena)), " DEBUG now\n");
}

static gt_view one_json_line(gt_arena *arena, gt_str text)
{
    gt_view view;
    gt_err err;
    cr_assert(text.len > 0 && memchr(text.at, '\n', text.len) == text.at + text.len - 1, "one line: %.*s",
              GT_STR_ARG(text));
    cr_assert(gt_view_parse(arena, text, 0, &view, &err), "%s: %.*s", err.text, GT_STR_ARG(text));
    return view;
}

Test(log, json)
{
    SCOPED_ARENA(arena);
    gt_log_setup(GT_LOG_INFO, GT_LOG_JSON);
    catch_stderr();
    gt_log(GT_LOG_WARN, "a \"message\"\n", GT_F("text", "tab\there \x01 \xff"), GT_FI("n", -5), GT_F("none", NULL));
    gt_view v = one_json_line(arena, logged(arena));
    without_time(gt_str_of(gt_arena_printf(arena, "%s ", gt_view_str(gt_view_get(v, "time")).at)));
    cr_expect(gt_view_is(gt_view_get(v, "level"), "warn"));
    cr_expect(gt_view_is(gt_view_get(v, "msg"), "a \"message\"\n"));
    cr_expect(gt_view_is(gt_view_get(v, "text"), "tab\there \x01 \xef\xbf\xbd"));
    cr_expect(gt_view_is(gt_view_get(v, "none"), ""));
    cr_expect_eq(gt_view_number(gt_view_get(v, "n")), -5);
    cr_expect_eq(gt_view_count(v), 6);
}

Test(log, long_lines_are_cut_and_stay_whole)
{
    SCOPED_ARENA(arena);
    char *text = gt_arena_alloc(arena, 9000);
    for (size_t n = 3900; n < 4200; n++) { /* each byte of the line's end gets its turn to be where the cut is */
        memset(text, 'x', n);
        memcpy(text + n - 6, "\"\n\xc3\xa9\x01z", 7);
        for (int format = GT_LOG_TEXT; format <= GT_LOG_JSON; format++) {
            gt_log_setup(GT_LOG_INFO, (gt_log_format)format);
            catch_stderr();
            gt_log(GT_LOG_INFO, "m", GT_F("text", text), GT_FI("number", 1234567), GT_F("after", "tail"));
            gt_str line = logged(arena);
            cr_assert_leq(line.len, 4096);
            cr_assert_eq(gt_str_utf8_len(line), line.len);
            if (format == GT_LOG_TEXT)
                cr_assert_eq(gt_str_ends(line, " ...\n"), !gt_str_ends(line, "after=tail\n"));
            else
                cr_assert_eq(gt_view_true(gt_view_get(one_json_line(arena, line), "cut")),
                             !gt_str_ends(line, "\"after\":\"tail\"}\n"));
        }
    }
}

Test(log, keeps_errno)
{
    errno = ENOENT;
    catch_stderr();
    close(STDERR_FILENO);
    gt_log_msg(GT_LOG_INFO, "into nowhere");
    int after = errno;
    SCOPED_ARENA(arena);
    logged(arena);
    cr_expect_eq(after, ENOENT);
}

static void *log_much(void *name)
{
    for (int i = 0; i < 500; i++)
        gt_log(GT_LOG_INFO, "line", GT_F("thread", name), GT_F("text", "0123456789012345678901234567890123456789"));
    return NULL;
}

Test(log, lines_of_threads_do_not_mix)
{
    SCOPED_ARENA(arena);
    static char names[2][2] = {"a", "b"};
    pthread_t threads[2];
    catch_stderr();
    for (size_t i = 0; i < COUNT(threads); i++)
        pthread_create(&threads[i], NULL, log_much, names[i]);
    for (size_t i = 0; i < COUNT(threads); i++)
        pthread_join(threads[i], NULL);
    gt_str all = logged(arena);
    size_t lines = 0;
    for (size_t start = 0; start < all.len; lines++) {
        const char *end = memchr(all.at + start, '\n', all.len - start);
        cr_assert_not_null(end);
        gt_str rest = without_time((gt_str){all.at + start, (size_t)(end - all.at) - start});
        cr_assert(gt_str_starts(rest, " INFO  line thread=") &&
                  gt_str_ends(rest, " text=0123456789012345678901234567890123456789"));
        start = (size_t)(end - all.at) + 1;
    }
    cr_expect_eq(lines, 1000);
}

Test(clock, text)
{
    static const struct {
        int64_t wall_ms;
        int digits;
        const char *text;
    } rows[] = {
        {0, 0, "1970-01-01T00:00:00Z"},
        {1000000000123, 3, "2001-09-09T01:46:40.123Z"},
        {1000000000007, 6, "2001-09-09T01:46:40.007000Z"},
        {1000000000999, 1, "2001-09-09T01:46:40.9Z"},
        {253402300799999, 3, "9999-12-31T23:59:59.999Z"},
        {253402300800000, 3, ""},
        {INT64_MAX, 6, ""},
        {-1, 3, ""},
    };
    for (size_t i = 0; i < COUNT(rows); i++) {
        char text[GT_CLOCK_TEXT];
        gt_clock_text(rows[i].wall_ms, rows[i].digits, text);
        cr_expect_str_eq(text, rows[i].text, "row %zu: %s", i, text);
    }
}

/* Each day from 1970 to 2470 and some of its seconds, against the C library's. */
Test(clock, text_of_every_day)
{
    for (int64_t day = 0; day < 500 * 366; day++) {
        char text[GT_CLOCK_TEXT], wanted[GT_CLOCK_TEXT];
        time_t second = (time_t)(day * 86400 + day * 7919 % 86400);
        struct tm utc;
        cr_assert_not_null(gmtime_r(&second, &utc));
        strftime(wanted, sizeof wanted, "%Y-%m-%dT%H:%M:%SZ", &utc);
        gt_clock_text((int64_t)second * 1000, 0, text);
        cr_assert_str_eq(text, wanted, "%s instead of %s", text, wanted);
    }
}
