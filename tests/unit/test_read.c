/* What test_view.c doesn't ask of the reader: that it agrees with cJSON, and where its fast paths meet. */
#include "lib/json/read.h"

#include "tests/cjson.h"
#include "tests/unit/support.h"

static gt_view read_text(gt_arena *arena, gt_str text)
{
    gt_view view;
    gt_err err;
    SCOPED_EXACT(copy, text);
    cr_assert(gt_view_parse(arena, copy, GT_JSON_DEEPEST, &view, &err), "%.*s: %s", GT_STR_ARG(text), err.text);
    return view;
}

Test(read, agrees_with_cjson)
{
    static const char *const texts[] = {
        "{\"a\":[1,-2.5,1e3,1E-7,0,-0,9007199254740993,1e999,-1e999,1e-999,0.1],\"b\":{\"c\":null,\"d\":[true,false]}}",
        " [ \"\" , { } , [ ] , [ [ ] ] , { \"\" : \"\" } ]\r\n\t",
        "[123456789012345678901234567890,0.000000000000000000000000000000000000000000000000012]",
        "[\"\\\"\\\\\\/\\b\\f\\n\\r\\t\",\"\\u0041\\u00e9\\u20AC\\ud83d\\ude00\\uFFFF\\u007f\\u0080\\u07ff\\u0800\"]",
        "{\"\\u0061b\":1,\"c\\td\":2,\"\xc3\xa9\":3,\"\xf0\x9f\x98\x80\":4}",
        "[\"\xc2\x80\xdf\xbf\xe0\xa0\x80\xef\xbf\xbf\xf0\x90\x80\x80\xf4\x8f\xbf\xbf\"]",
        "{\"key\\u0000cut\":\"text\\u0000cut\",\"\\\\u0000\":\"\\\\\\u0000\"}",
        "{\"long\":\"0123456789abcdef0123456789abcdef0123456789abcdef\\n0123456789abcdef\\u00e90123456789abcdef\"}",
        "[[[[[[[[[[{\"a\":{\"a\":{\"a\":[{},{},[],0]}}}]]]]]]]]]]",
    };
    SCOPED_ARENA(arena);
    for (size_t i = 0; i < COUNT(texts); i++) {
        gt_str text = gt_str_of(texts[i]);
        cr_expect(!cjson_stumbles(text) && cjson_agrees(text, read_text(arena, text)), "row %zu", i);
    }
    cr_expect(!cjson_agrees(GT_STR("[1,2]"), read_text(arena, GT_STR("[1,3]"))), "cjson.h can tell");
    cr_expect(!cjson_agrees(GT_STR("{\"a\":1}"), read_text(arena, GT_STR("{\"b\":1}"))), "cjson.h can tell");
}

/* A string of `n` letters with one other piece at each place in turn: eight bytes at a time may miss none. */
Test(read, strings_byte_by_byte)
{
    enum { LONGEST = 26 };
    static const struct {
        gt_str written;
        const char *read, *error; /* error: behind the position */
    } pieces[] = {
        {GT_STR_INIT("\\n"), "\n", NULL},
        {GT_STR_INIT("\\u20ac"), "\xe2\x82\xac", NULL},
        {GT_STR_INIT("\xe2\x82\xac"), "\xe2\x82\xac", NULL},
        {GT_STR_INIT("\x7f"), "\x7f", NULL},
        {GT_STR_INIT("!"), "!", NULL}, /* beside the quote, the backslash, the controls */
        {GT_STR_INIT("#"), "#", NULL},
        {GT_STR_INIT("["), "[", NULL},
        {GT_STR_INIT("]"), "]", NULL},
        {GT_STR_INIT(" "), " ", NULL},
        {GT_STR_INIT("\x1f"), NULL, "control character in a string"},
        {GT_STR_INIT("\0"), NULL, "control character in a string"},
        {GT_STR_INIT("\x80"), NULL, "invalid UTF-8"},
        {GT_STR_INIT("\xff"), NULL, "invalid UTF-8"},
        {GT_STR_INIT("\\\xff"), NULL, NULL},
    };
    SCOPED_ARENA(arena);
    for (size_t i = 0; i < COUNT(pieces); i++) {
        for (size_t before = 0; before <= LONGEST; before++) {
            const char *letters = "abcdefghijklmnopqrstuvwxyz";
            gt_buf text;
            gt_buf_init(&text, arena, 100);
            gt_buf_printf(&text, "[\"%.*s", (int)before, letters);
            gt_buf_str(&text, pieces[i].written);
            gt_buf_printf(&text, "%s\",7]", letters + before);
            gt_view view;
            gt_err err = {0};
            SCOPED_EXACT(copy, gt_buf_slice(&text));
            bool good = gt_view_parse(arena, copy, 0, &view, &err);
            cr_assert_eq(good, pieces[i].read != NULL, "row %zu, %zu before it: %s", i, before, err.text);
            if (good)
                expect_text(i, gt_view_str(gt_view_first(view)),
                            gt_arena_printf(arena, "%.*s%s%s", (int)before, letters, pieces[i].read, letters + before));
            else if (pieces[i].error != NULL)
                expect_text(i, gt_str_of(err.text),
                            gt_arena_printf(arena, "byte %zu: %s", before + 3, pieces[i].error));
        }
    }
}

Test(read, strings_end_with_a_nul)
{
    SCOPED_ARENA(arena);
    gt_view view =
        read_text(arena, GT_STR("{\"\":\"\",\"a\\nb\":\"c\\u0000\",\"d\":\"\\ud83d\\ude00\",\"e\":[\"f\",\"g\"]}"));
    GT_VIEW_EACH (member, view) {
        cr_expect_eq(strlen(gt_view_key(member).at), gt_view_key(member).len);
        cr_expect_eq(strlen(gt_view_str(member).at), gt_view_str(member).len);
    }
    cr_expect_str_eq(gt_view_str(gt_view_first(gt_view_get(view, "e"))).at, "f");
}

Test(read, leaves_the_text_alone)
{
    SCOPED_ARENA(arena);
    char text[] = "{\"a\\n\":\"b\\u00e9\"}", same[] = "{\"a\\n\":\"b\\u00e9\"}";
    gt_view view;
    gt_err err;
    cr_assert(gt_view_parse(arena, gt_str_of(text), 0, &view, &err));
    cr_expect_arr_eq(text, same, sizeof text);
    memset(text, '!', sizeof text);
    expect_text(0, gt_view_str(gt_view_get(view, "a\n")), "b\xc3\xa9");
}

Test(read, says_invalid_utf8_first)
{
    static const struct {
        gt_str text;
        const char *error;
    } cases[] = {
        {GT_STR_INIT("[\xff]"), "byte 2: invalid UTF-8"},
        {GT_STR_INIT("{]  \"\xc3\""), "byte 6: invalid UTF-8"},
        {GT_STR_INIT("{\"a\":1,\"a\":2} \x80"), "byte 15: invalid UTF-8"},
        {GT_STR_INIT("[[[[\"\xf0\x9f\x98\"]]]]"), "byte 6: invalid UTF-8"},
        {GT_STR_INIT("\"\xf0\x9f\x98"), "byte 2: invalid UTF-8"},
        {GT_STR_INIT("\xef\xbb\xbf\xff"), "byte 1: byte order mark"},
        {GT_STR_INIT("\xef\xbb"), "byte 1: invalid UTF-8"},
        {GT_STR_INIT("\xc3\xa9"), "byte 1: not JSON: a value is missing"},
    };
    SCOPED_ARENA(arena);
    for (size_t i = 0; i < COUNT(cases); i++) {
        gt_view view;
        gt_err err = {0};
        SCOPED_EXACT(text, cases[i].text);
        cr_expect(!gt_view_parse(arena, text, 3, &view, &err), "row %zu was taken", i);
        expect_text(i, gt_str_of(err.text), cases[i].error);
    }
}

/* As few keys are compared and as many are hashed, the last one twice. */
Test(read, duplicates_among_any_number_of_keys)
{
    SCOPED_ARENA(arena);
    for (int keys = 2; keys < 40; keys++) {
        for (int twice = 0; twice < 2; twice++) {
            gt_buf text;
            gt_buf_init(&text, arena, 1000);
            gt_buf_text(&text, "{\"o\":[0,[{\"\":0}],{");
            for (int i = 1; i < keys; i++)
                gt_buf_printf(&text, "\"k%d\":{\"k1\":[]},", i);
            gt_buf_printf(&text, "\"k%d\":0}]}", twice ? keys - 1 : keys);
            gt_view view;
            gt_err err = {0};
            cr_expect_eq(gt_view_parse(arena, gt_buf_slice(&text), 0, &view, &err), !twice, "%d keys", keys);
            if (twice)
                expect_text((size_t)keys, gt_str_of(err.text),
                            gt_arena_printf(arena, "duplicate key \"k%d\" in o[2]", keys - 1));
        }
    }
}

static void repeat(gt_buf *buf, const char *first, const char *piece, const char *last, size_t times)
{
    gt_buf_text(buf, first);
    for (size_t i = 0; i < times; i++)
        gt_buf_printf(buf, "%s%s", i == 0 ? "" : ",", piece);
    gt_buf_text(buf, last);
}

/* One letter a key is the dearest: 65 keys want a table for 128. */
static void one_letter_keys(gt_buf *buf, int n)
{
    for (char c = '#'; n > 0; c++)
        if (c != '\\')
            gt_buf_printf(buf, "\"%c\":0%s", c, --n > 0 ? "," : "");
}

Test(read, memory_is_as_view_h_says)
{
    SCOPED_ARENA(arena);
    gt_buf texts[6], object;
    for (size_t i = 0; i < COUNT(texts); i++)
        gt_buf_init(&texts[i], arena, 100000);
    gt_buf_init(&object, arena, 1000);
    gt_buf_byte(&object, '{');
    one_letter_keys(&object, 65);
    gt_buf_byte(&object, '}');
    gt_buf_byte(&texts[0], '0');
    repeat(&texts[1], "[", "0", "]", 10000);
    repeat(&texts[2], "[", "[]", "]", 10000);
    repeat(&texts[3], "[", object.at, "]", 100);
    repeat(&texts[4], "[", "{\"\":\"\"}", "]", 10000);
    repeat(&texts[5], "[", "\"\\u0000\\n\"", "]", 10000);
    for (size_t i = 0; i < COUNT(texts); i++) {
        size_t before = gt_arena_used(arena);
        gt_view view;
        gt_err err;
        cr_assert(gt_view_parse(arena, gt_buf_slice(&texts[i]), 0, &view, &err), "row %zu: %s", i, err.text);
        cr_expect_leq(gt_arena_used(arena) - before, 25 * texts[i].len + 100, "row %zu", i);
    }
}
