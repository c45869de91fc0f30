#include "lib/base/err.h"
#include "tests/unit/support.h"

Test(err, fail_fills_and_returns_false)
{
    gt_err err = {.kind = GT_ERR_ENV, .code = 404, .text = "old"};
    cr_expect(!gt_fail(&err, GT_ERR_INPUT, "field %s: %d", "cpu", 7));
    cr_expect_eq(err.kind, GT_ERR_INPUT);
    cr_expect_eq(err.code, 0);
    cr_expect_str_eq(err.text, "field cpu: 7");
}

Test(err, wrap_puts_context_in_front)
{
    gt_err err;
    gt_fail(&err, GT_ERR_REFUSED, "no");
    err.code = 403;
    cr_expect(!gt_wrap(&err, "object %d", 2));
    cr_expect(!gt_wrap(&err, "file %s", "a.yaml"));
    cr_expect_str_eq(err.text, "file a.yaml: object 2: no");
    cr_expect_eq(err.kind, GT_ERR_REFUSED);
    cr_expect_eq(err.code, 403);
}

Test(err, arguments_may_be_the_error_itself)
{
    gt_err err;
    gt_fail(&err, GT_ERR_INPUT, "inner");
    gt_fail(&err, GT_ERR_LIMIT, "outer (%s)", err.text);
    cr_expect_str_eq(err.text, "outer (inner)");
    gt_wrap(&err, "<%s>", err.text);
    cr_expect_str_eq(err.text, "<outer (inner)>: outer (inner)");
}

Test(err, long_text_is_cut_at_a_character)
{
    SCOPED_ARENA(arena);
    gt_err err;
    for (int pad = 0; pad < 4; pad++) { /* each way the cut can go through a four-byte character */
        gt_buf text;
        gt_buf_init(&text, arena, 3000);
        gt_buf_printf(&text, "%.*s", pad, "xxx");
        while (text.len < 3000)
            gt_buf_text(&text, "\xf0\x9f\x98\x80");
        gt_fail(&err, GT_ERR_INPUT, "%s", text.at);
        gt_str got = gt_str_of(err.text);
        cr_expect(gt_str_ends(got, "\x80..."), "pad %d: ends in %s", pad, got.at + got.len - 8);
        cr_expect_eq(gt_str_utf8_len(got), got.len);
        cr_expect_gt(got.len, sizeof err.text - 8);
    }
}

Test(err, long_wrap_keeps_its_start)
{
    gt_err err;
    char long_text[2000];
    memset(long_text, 'a', sizeof long_text - 1);
    long_text[sizeof long_text - 1] = '\0';
    gt_fail(&err, GT_ERR_INPUT, "%s", long_text);
    gt_wrap(&err, "here");
    cr_expect(gt_str_starts(gt_str_of(err.text), "here: aaa"));
    cr_expect(gt_str_ends(gt_str_of(err.text), "aaa..."));
    gt_wrap(&err, "%s", long_text); /* a context alone doesn't hide what happened */
    cr_expect_not_null(strstr(err.text, "...: here: aaa"));
}

Test(err, is_one_line_of_utf8)
{
    static const struct {
        const char *given, *text;
    } cases[] = {
        {"a\nb\r\tc", "a?b??c"}, {"\x7f\x1b[31m", "??[31m"}, {"caf\xc3\xa9", "caf\xc3\xa9"},
        {"\xff\xc0\x80", "???"}, {"cut \xc3", "cut ?"},      {"", ""},
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        gt_err err;
        gt_fail(&err, GT_ERR_INPUT, "%s", cases[i].given);
        expect_text(i, gt_str_of(err.text), cases[i].text);
    }
}
