#include "lib/base/str.h"

#include "tests/unit/support.h"

Test(str, starts_and_ends)
{
    cr_expect(gt_str_starts(GT_STR("abc"), "ab"));
    cr_expect(gt_str_starts(GT_STR("abc"), ""));
    cr_expect(gt_str_starts((gt_str){0}, ""));
    cr_expect(!gt_str_starts(GT_STR("ab"), "abc"));
    cr_expect(!gt_str_starts((gt_str){0}, "a"));
    cr_expect(gt_str_ends(GT_STR("abc"), "bc"));
    cr_expect(gt_str_ends((gt_str){0}, ""));
    cr_expect(!gt_str_ends(GT_STR("bc"), "abc"));
}

Test(str, equality_and_order)
{
    static const struct {
        gt_str a, b;
        int order;
    } cases[] = {
        {{"", 0}, {NULL, 0}, 0},        {{"a", 1}, {"a", 1}, 0},
        {{"a", 1}, {"b", 1}, -1},       {{"a", 1}, {"aa", 2}, -1},
        {{"b", 1}, {"aa", 2}, 1},       {{NULL, 0}, {"a", 1}, -1},
        {{"a\0b", 3}, {"a\0c", 3}, -1}, {{"a", 1}, {"a\0", 2}, -1},
        {{"\xc3\xa9", 2}, {"z", 1}, 1}, /* bytes are unsigned */
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        int order = gt_str_cmp(cases[i].a, cases[i].b), back = gt_str_cmp(cases[i].b, cases[i].a);
        cr_expect_eq((order > 0) - (order < 0), cases[i].order, "row %zu", i);
        cr_expect_eq((back > 0) - (back < 0), -cases[i].order, "row %zu, swapped", i);
        cr_expect_eq(gt_str_eq(cases[i].a, cases[i].b), cases[i].order == 0, "row %zu", i);
    }
    cr_expect(gt_str_is((gt_str){NULL, 0}, ""));
    cr_expect(!gt_str_is((gt_str){"ab\0", 3}, "ab"));
}

Test(str, number)
{
    static const struct {
        const char *text;
        int64_t min, max;
        bool good;
        int64_t number;
    } cases[] = {
        {"0", 0, 10, true, 0},
        {"10", 0, 10, true, 10},
        {"11", 0, 10, false, 0},
        {"007", 0, 10, true, 7},
        {"1", 2, 10, false, 0},
        {"", 0, 10, false, 0},
        {"-1", -5, 10, false, 0},
        {"+1", 0, 10, false, 0},
        {" 1", 0, 10, false, 0},
        {"1 ", 0, 10, false, 0},
        {"0x1", 0, 10, false, 0},
        {"9223372036854775807", 0, INT64_MAX, true, INT64_MAX},
        {"9223372036854775808", 0, INT64_MAX, false, 0},
        {"99999999999999999999999", 0, INT64_MAX, false, 0},
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        int64_t number = -77;
        cr_expect_eq(gt_str_number(gt_str_of(cases[i].text), cases[i].min, cases[i].max, &number), cases[i].good,
                     "row %zu", i);
        cr_expect_eq(number, cases[i].good ? cases[i].number : -77, "row %zu", i);
    }
}

Test(str, distance)
{
    char sixty_four[65], sixty_five[66];
    memset(sixty_four, 'a', 64);
    memset(sixty_five, 'a', 65);
    sixty_four[64] = sixty_five[65] = '\0';
    const struct {
        const char *a, *b;
        size_t most, distance;
    } cases[] = {
        {"image", "image", 2, 0},
        {"image", "imaeg", 2, 1},
        {"image", "imag", 2, 1},
        {"image", "imagex", 2, 1},
        {"image", "amage", 2, 1},
        {"image", "iamge", 2, 1},
        {"kitten", "sitting", 5, 3},
        {"kitten", "sitting", 2, 3},
        {"", "", 2, 0},
        {"", "ab", 2, 2},
        {"", "abc", 2, 3},
        {"branch", "bead", 2, 3},
        {sixty_four, sixty_four, 2, 0},
        {sixty_five, sixty_five, 2, 3},
        {"ab", "ba", 0, 1},
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        cr_expect_eq(gt_str_distance(gt_str_of(cases[i].a), gt_str_of(cases[i].b), cases[i].most), cases[i].distance,
                     "row %zu", i);
        cr_expect_eq(gt_str_distance(gt_str_of(cases[i].b), gt_str_of(cases[i].a), cases[i].most), cases[i].distance,
                     "row %zu, swapped", i);
    }
}

Test(str, utf8)
{
    static const struct {
        gt_str text;
        size_t valid;
    } cases[] = {
        {GT_STR_INIT(""), 0},
        {GT_STR_INIT("abc"), 3},
        {GT_STR_INIT("\xc3\xa9"), 2},
        {GT_STR_INIT("\xe2\x82\xac"), 3},
        {GT_STR_INIT("\xf0\x9f\x98\x80"), 4},
        {GT_STR_INIT("\xf4\x8f\xbf\xbf"), 4},  /* U+10FFFF, the last one */
        {GT_STR_INIT("a\xf4\x90\x80\x80"), 1}, /* beyond it */
        {GT_STR_INIT("\xef\xbf\xbf"), 3},      /* U+FFFF is no character but valid */
        {GT_STR_INIT("\xed\x9f\xbf"), 3},      /* U+D7FF */
        {GT_STR_INIT("\xed\xa0\x80"), 0},      /* a surrogate */
        {GT_STR_INIT("\xc0\x80"), 0},          /* overlong, of two, three and four bytes */
        {GT_STR_INIT("\xc1\xbf"), 0},
        {GT_STR_INIT("\xe0\x9f\xbf"), 0},
        {GT_STR_INIT("\xf0\x8f\xbf\xbf"), 0},
        {GT_STR_INIT("\xe0\xa0\x80"), 3},
        {GT_STR_INIT("\xf0\x90\x80\x80"), 4},
        {GT_STR_INIT("ab\x80"), 2},     /* a continuation alone */
        {GT_STR_INIT("ab\xe2\x82"), 2}, /* cut */
        {GT_STR_INIT("ab\xe2\x82z"), 2},
        {GT_STR_INIT("\xf5\x80\x80\x80"), 0},
        {GT_STR_INIT("\xff"), 0},
        {GT_STR_INIT("a\0b"), 3},
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        SCOPED_EXACT(text, cases[i].text);
        cr_expect_eq(gt_str_utf8_len(text), cases[i].valid, "row %zu", i);
    }
    cr_expect_eq(gt_str_utf8_char(GT_STR("\xe2\x82\xacxyz")), 3);
    cr_expect_eq(gt_str_utf8_char(GT_STR("\x80xyz")), 0);
}

Test(buf, grows_and_ends_with_nul)
{
    SCOPED_ARENA(arena);
    gt_buf buf;
    gt_buf_init(&buf, arena, 0);
    cr_expect_str_eq(buf.at, "");
    for (int i = 0; i < 1000; i++) {
        gt_buf_byte(&buf, 'a');
        gt_buf_text(&buf, "bc");
        gt_buf_str(&buf, GT_STR("d"));
        gt_buf_printf(&buf, "%03d", i);
        gt_buf_add(&buf, NULL, 0);
        cr_assert_eq(buf.at[buf.len], '\0');
        cr_assert_eq(buf.len, strlen(buf.at));
    }
    cr_expect_eq(buf.len, 7000);
    cr_expect(gt_str_ends(gt_buf_slice(&buf), "abcd998abcd999"));
}

Test(buf, may_be_given_its_own_bytes)
{
    SCOPED_ARENA(arena);
    gt_buf buf;
    gt_buf_init(&buf, arena, 4);
    gt_buf_text(&buf, "ab");
    for (int i = 0; i < 4; i++)
        gt_buf_str(&buf, gt_buf_slice(&buf));
    expect_text(0, gt_buf_slice(&buf), "abababababababababababababababab");
}

Test(buf, copies_linearly)
{
    SCOPED_ARENA(arena);
    gt_buf buf;
    gt_buf_init(&buf, arena, 16);
    for (int i = 0; i < 1 << 20; i++)
        gt_buf_byte(&buf, 'x');
    cr_expect_lt(gt_arena_used(arena), 4u << 20, "%zu bytes for 1 MiB of text", gt_arena_used(arena));
}
