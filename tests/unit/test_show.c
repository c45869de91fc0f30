#include "lib/base/show.h"
#include "tests/unit/support.h"

Test(show, a_message_is_one_line_of_utf8_whatever_it_quotes)
{
    SCOPED_ARENA(arena);
    static const struct {
        const char *text, *shown;
    } rows[] = {
        {"", "\"\" is wrong"},
        {"caf\xc3\xa9", "\"caf\xc3\xa9\" is wrong"},
        {"a\nb\r\tc", "\"a\\nb\\r\\tc\" is wrong"},
        {"\x1b[31m\x7f", "\"\\x1b[31m\\x7f\" is wrong"},
        {"\xc2\x9b", "\"\\x9b\" is wrong"},
        {"nul \xc0\x80.", "\"nul \\0.\" is wrong"},
        {"\xff\xc0", "\"??\" is wrong"},
        {"1234567890\xe2\x82\xac", "\"1234567890??\" is wrong"}, /* cut within a character */
    };
    for (size_t i = 0; i < COUNT(rows); i++)
        expect_text(i, gt_show_printf(arena, "\"%.12s\" is wrong", rows[i].text), rows[i].shown);
}

Test(show, a_cut_leaves_both_ends)
{
    SCOPED_ARENA(arena);
    gt_buf buf;
    gt_buf_init(&buf, arena, 0);
    gt_show_text(&buf, GT_STR("abcdefghijklmnopqrstuvwxyz\n"), 12);
    expect_text(0, gt_buf_slice(&buf), "abcde...yz\\n");
}
