#include "lib/json/view.h"

#include "tests/unit/support.h"

static gt_view parse(gt_arena *arena, const char *text)
{
    gt_view view;
    gt_err err;
    SCOPED_EXACT(copy, gt_str_of(text));
    cr_assert(gt_view_parse(arena, copy, 0, &view, &err), "%s: %s", text, err.text);
    return view;
}

Test(view, getters)
{
    SCOPED_ARENA(arena);
    gt_view v = parse(
        arena,
        "{\"s\":\"x\",\"n\":42,\"f\":1.5,\"t\":true,\"u\":false,\"z\":null,\"a\":[1,[],{}],\"o\":{\"S\":1},\"\":7}");
    int64_t number = -1;
    expect_text(0, gt_view_str(gt_view_get(v, "s")), "x");
    cr_expect(gt_view_is(gt_view_get(v, "s"), "x"));
    cr_expect(!gt_view_is(gt_view_get(v, "s"), "xy"));
    cr_expect(gt_view_int(gt_view_get(v, "n"), &number) && number == 42);
    cr_expect(!gt_view_int(gt_view_get(v, "f"), &number) && number == 42);
    cr_expect_eq(gt_view_number(gt_view_get(v, "f")), 1.5);
    cr_expect(gt_view_true(gt_view_get(v, "t")));
    cr_expect(!gt_view_true(gt_view_get(v, "u")));
    cr_expect(!gt_view_true(gt_view_get(v, "n")));
    cr_expect(!gt_view_exists(gt_view_get(v, "z")));
    cr_expect(!gt_view_exists(gt_view_get(v, "missing")));
    cr_expect_eq(gt_view_type_of(gt_view_get(v, "z")), GT_VIEW_NULL);
    cr_expect_eq(gt_view_type_of(gt_view_get(v, "S")), GT_VIEW_MISSING, "case counts");
    cr_expect_eq(gt_view_type_of(gt_view_get(v, "")), GT_VIEW_NUMBER);
    cr_expect_eq(gt_view_type_of(gt_view_get_str(v, (gt_str){NULL, 0})), GT_VIEW_NUMBER);
    cr_expect_eq(gt_view_type_of(gt_view_get_str(v, GT_STR("s\0and more"))), GT_VIEW_MISSING);
    cr_expect_eq(gt_view_count(gt_view_get(v, "a")), 3);
    cr_expect_eq(gt_view_count(v), 9);
    cr_expect_eq(gt_view_count(gt_view_get(v, "s")), 0);
    cr_expect_str_eq(gt_view_type_name(gt_view_type_of(v)), "an object");
}

Test(view, getters_are_total)
{
    gt_view missing = {NULL};
    int64_t number;
    cr_expect_eq(gt_view_type_of(gt_view_get(missing, "a")), GT_VIEW_MISSING);
    cr_expect_null(gt_view_first(missing).node);
    cr_expect_null(gt_view_next(missing).node);
    cr_expect_eq(gt_view_key(missing).len, 0);
    cr_expect_eq(gt_view_str(missing).len, 0);
    cr_expect(!gt_view_is(missing, ""));
    cr_expect(!gt_view_has_nul(missing));
    cr_expect(!gt_view_true(missing));
    cr_expect(!gt_view_int(missing, &number));
    cr_expect_eq(gt_view_number(missing), 0);
    cr_expect_str_eq(gt_view_type_name(gt_view_type_of(missing)), "nothing");
}

Test(view, children_in_order)
{
    SCOPED_ARENA(arena);
    gt_buf keys;
    gt_buf_init(&keys, arena, 10);
    GT_VIEW_EACH (child, parse(arena, "{\"b\":1,\"a\":2,\"\\u0063\":3}"))
        gt_buf_str(&keys, gt_view_key(child));
    expect_text(0, gt_buf_slice(&keys), "bac");
    cr_expect_eq(gt_view_key(gt_view_first(parse(arena, "[1]"))).len, 0, "elements have no key");
}

Test(view, refuses)
{
    static const struct {
        gt_str text;
        const char *error;
    } cases[] = {
        {GT_STR_INIT(""), "empty: no JSON in it"},
        {{NULL, 0}, "empty: no JSON in it"},
        {GT_STR_INIT(" \n\t"), "empty: no JSON in it"},
        {GT_STR_INIT("{\"a\":\"\xff\"}"), "byte 7: invalid UTF-8"},
        {GT_STR_INIT("\"\xc0\x80\""), "byte 2: invalid UTF-8"},
        {GT_STR_INIT("\"\xed\xa0\x80\""), "byte 2: invalid UTF-8"},
        {GT_STR_INIT("\xef\xbb\xbf{}"), "byte 1: byte order mark"},
        {GT_STR_INIT("\"a\nb\""), "byte 3: control character in a string"},
        {GT_STR_INIT("\"a\0b\""), "byte 3: control character in a string"},
        {GT_STR_INIT("\"abc"), "byte 1: string without an end"},
        {GT_STR_INIT("\"abc\\"), "byte 5: unknown escape in a string"},
        {GT_STR_INIT("\"\\x41\""), "byte 2: unknown escape in a string"},
        {GT_STR_INIT("\"\\u12g4\""), "byte 2: unknown escape in a string"},
        {GT_STR_INIT("\"\\u12"), "byte 2: unknown escape in a string"},
        {GT_STR_INIT("\"\\\0\""), "byte 2: unknown escape in a string"},
        {GT_STR_INIT("\"\\ud800\""), "byte 2: first half of a surrogate pair without the second"},
        {GT_STR_INIT("\"\\ud800\\u0041\""), "byte 2: first half of a surrogate pair without the second"},
        {GT_STR_INIT("\"x\\udc00\""), "byte 3: second half of a surrogate pair without the first"},
        {GT_STR_INIT("01"), "byte 1: not a number of JSON"},
        {GT_STR_INIT("[1.]"), "byte 2: not a number of JSON"},
        {GT_STR_INIT("[-]"), "byte 2: not a number of JSON"},
        {GT_STR_INIT("[1e+]"), "byte 2: not a number of JSON"},
        {GT_STR_INIT("[+1]"), "byte 2: not JSON: a value is missing"},
        {GT_STR_INIT("[.5]"), "byte 2: not JSON: a value is missing"},
        {GT_STR_INIT("NaN"), "byte 1: not JSON: a value is missing"},
        {GT_STR_INIT("[True]"), "byte 2: not JSON: a value is missing"},
        {GT_STR_INIT("[1,]"), "byte 4: not JSON: a value is missing"},
        {GT_STR_INIT("[,1]"), "byte 2: not JSON: a value is missing"},
        {GT_STR_INIT("[1 2]"), "byte 4: not JSON: a comma or the list's end is missing"},
        {GT_STR_INIT("[1}"), "byte 3: not JSON: a comma or the list's end is missing"},
        {GT_STR_INIT("{\"a\":1,}"), "byte 8: not JSON: a key in quotes is missing"},
        {GT_STR_INIT("{a:1}"), "byte 2: not JSON: a key in quotes is missing"},
        {GT_STR_INIT("{\"a\" 1}"), "byte 6: not JSON: a colon is missing"},
        {GT_STR_INIT("{\"a\":}"), "byte 6: not JSON: a value is missing"},
        {GT_STR_INIT("{\"a\":1"), "byte 7: not JSON: it ends too early"},
        {GT_STR_INIT("[truex]"), "byte 6: not JSON: a comma or the list's end is missing"},
        {GT_STR_INIT("[1]\x0b"), "byte 4: something follows the end of the JSON"},
        {GT_STR_INIT("{} {}"), "byte 4: something follows the end of the JSON"},
        {GT_STR_INIT("{}\0"), "byte 3: something follows the end of the JSON"},
        {GT_STR_INIT("]]]][[[["), "byte 1: not JSON: a value is missing"},
        {GT_STR_INIT("\"\\u0000\"\\"),
         "byte 9: something follows the end of the JSON"}, /* nothing is read behind the end */
        {GT_STR_INIT("{\"a\":1,\"a\":2}"), "duplicate key \"a\""},
        {GT_STR_INIT("{\"a\":1,\"\\u0061\":2}"), "duplicate key \"a\""},
        {GT_STR_INIT("{\"x\":{\"y\":[0,{\"k\":1,\"l\":2,\"k\":3}]}}"), "duplicate key \"k\" in x.y[1]"},
        {GT_STR_INIT("{\"a\\n\":1,\"a\\n\":2}"), "duplicate key \"a?\""},
    };
    SCOPED_ARENA(arena);
    for (size_t i = 0; i < COUNT(cases); i++) {
        gt_view view;
        gt_err err = {0};
        SCOPED_EXACT(text, cases[i].text);
        cr_expect(!gt_view_parse(arena, cases[i].text.at == NULL ? cases[i].text : text, 0, &view, &err),
                  "row %zu was taken", i);
        cr_expect_eq(err.kind, GT_ERR_INPUT, "row %zu", i);
        cr_expect_null(view.node, "row %zu", i);
        expect_text(i, gt_str_of(err.text), cases[i].error);
    }
}

Test(view, takes)
{
    static const char *const cases[] = {
        "null",
        " true ",
        "-0",
        "0.5e-3",
        "1E+9",
        "\"\\\"\\\\\\/\\b\\f\\n\\r\\t\\u00e9\"",
        "\"\\ud83d\\ude00\"",
        "\"\x7f\"",
        "[]",
        "{}",
        "{\"a\":{\"a\":{\"a\":1}}}",
        "[[],[[]]]",
        "\r\n\t [ 1 , 2 ] ",
        "{\"A\":1,\"a\":2}",
        "\"\xf4\x8f\xbf\xbf\"",
        "{\"\":1}",
    };
    SCOPED_ARENA(arena);
    for (size_t i = 0; i < COUNT(cases); i++)
        cr_expect_neq(gt_view_type_of(parse(arena, cases[i])), GT_VIEW_MISSING, "row %zu", i);
    expect_text(0, gt_view_str(parse(arena, "\"\\ud83d\\ude00\\u00e9\\/\"")), "\xf0\x9f\x98\x80\xc3\xa9/");
}

Test(view, duplicates_among_many_keys)
{
    SCOPED_ARENA(arena);
    for (int twice = 0; twice < 2; twice++) {
        gt_buf text;
        gt_buf_init(&text, arena, 1000);
        gt_buf_byte(&text, '{');
        for (int i = 0; i < 50; i++)
            gt_buf_printf(&text, "\"key%d\":0,", i);
        gt_buf_text(&text, twice ? "\"key17\":0}" : "\"key50\":0}");
        gt_view view;
        gt_err err;
        cr_expect_eq(gt_view_parse(arena, gt_buf_slice(&text), 0, &view, &err), !twice);
        if (twice)
            cr_expect_str_eq(err.text, "duplicate key \"key17\"");
    }
}

static gt_str nested(gt_arena *arena, char open, char end, size_t levels)
{
    gt_buf text;
    gt_buf_init(&text, arena, 100);
    for (size_t i = 0; i < levels; i++)
        gt_buf_text(&text, open == '{' && i > 0 ? "\"k\":{" : (char[]){open, '\0'});
    for (size_t i = 0; i < levels; i++)
        gt_buf_byte(&text, end);
    return gt_buf_slice(&text);
}

Test(view, depth)
{
    static const struct {
        size_t levels;
        int most;
        bool good;
    } cases[] = {{100, 0, true},     {101, 0, false},     {3, 3, true},      {4, 3, false},
                 {1000, 1000, true}, {1001, 1000, false}, {100000, 0, false}};
    SCOPED_ARENA(arena);
    for (size_t i = 0; i < COUNT(cases); i++) {
        gt_view view;
        gt_err err;
        cr_expect_eq(gt_view_parse(arena, nested(arena, '[', ']', cases[i].levels), cases[i].most, &view, &err),
                     cases[i].good, "row %zu", i);
        cr_expect(cases[i].good || err.kind == GT_ERR_LIMIT, "row %zu: %s", i, err.text);
        cr_expect_eq(gt_view_parse(arena, nested(arena, '{', '}', cases[i].levels), cases[i].most, &view, &err),
                     cases[i].good, "row %zu, objects: %s", i, err.text);
    }
    gt_view view;
    gt_err err;
    gt_view_parse(arena, GT_STR("[[[[1]]]]"), 3, &view, &err);
    cr_expect_str_eq(err.text, "byte 4: more than 3 levels deep");
}

Test(view, nul_escapes_cut_nothing)
{
    SCOPED_ARENA(arena);
    gt_view v = parse(
        arena,
        "{\"a\\u0000b\":\"x\\u0000y\\\\u0000\",\"plain\":\"\\\\u0000\",\"end\":\"\\u0000\",\"n\":[10,-2.5,true]}");
    gt_view first = gt_view_first(v);
    expect_text(0, gt_view_key(first),
                "a\xc0\x80"
                "b");
    expect_text(0, gt_view_str(first), "x\xc0\x80y\\u0000");
    cr_expect(gt_view_has_nul(first));
    cr_expect(!gt_view_has_nul(gt_view_get(v, "plain")));
    expect_text(0, gt_view_str(gt_view_get(v, "plain")), "\\u0000");
    expect_text(0, gt_view_str(gt_view_get(v, "end")), "\xc0\x80");
    cr_expect_eq(gt_view_number(gt_view_next(gt_view_first(gt_view_get(v, "n")))), -2.5,
                 "numbers survive the rewriting");
    gt_view other;
    gt_err err;
    cr_expect(!gt_view_parse(arena, GT_STR("{\"a\\u0000b\":1,\"a\\u0000b\":2}"), 0, &other, &err),
              "equal behind the NUL, too");
    cr_expect(gt_view_parse(arena, GT_STR("{\"a\\u0000b\":1,\"a\\u0000c\":2}"), 0, &other, &err),
              "unequal behind the NUL");
}

Test(view, whole_numbers)
{
    static const struct {
        const char *text;
        bool good;
        int64_t number;
    } cases[] = {
        {"0", true, 0},
        {"-0", true, 0},
        {"1e3", true, 1000},
        {"1.0", true, 1},
        {"0.5", false, 0},
        {"9007199254740991", true, 9007199254740991},
        {"-9007199254740991", true, -9007199254740991},
        {"9007199254740992", false, 0},
        {"9007199254740993", false, 0},
        {"-9007199254740992", false, 0},
        {"9007199254740994", false, 0},
        {"1e300", false, 0},
        {"1e999", false, 0},
        {"-1e999", false, 0},
        {"1000000000000000000000000000000000000000000000000000000000000000000000000", false, 0},
        {"1.000000000000000000000000000000000000000000000000000000000000000000000000", true, 1},
        {"0.00000000000000000000000000000000000000000000000000000000000000000000000012e74", true, 12},
    };
    SCOPED_ARENA(arena);
    for (size_t i = 0; i < COUNT(cases); i++) {
        int64_t number = -77;
        gt_view list = parse(arena, gt_arena_printf(arena, "[%s,7]", cases[i].text));
        cr_expect_eq(gt_view_count(list), 2, "row %zu", i);
        cr_expect_eq(gt_view_int(gt_view_first(list), &number), cases[i].good, "row %zu", i);
        cr_expect_eq(number, cases[i].good ? cases[i].number : -77, "row %zu", i);
    }
}

Test(view, show)
{
    static const struct {
        const char *json;
        size_t most;
        const char *shown;
    } cases[] = {
        {"\"abc\"", 10, "abc"},
        {"\"0123456789\"", 10, "0123456789"},
        {"\"0123456789a\"", 10, "0123...89a"},
        {"\"\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9\"", 7,
         "\xc3\xa9\xc3\xa9...\xc3\xa9\xc3\xa9"},
        {"\"a\\nb\\u0000c\\u001b\\u007f\"", 100, "a\\nb\\0c\\x1b\\x7f"},
        {"\"abcdef\"", 4, "abef"},
        {"\"abcdef\"", 0, ""},
        {"0.1", 10, "0.1"},
        {"500", 10, "500"},
        {"true", 10, "true"},
        {"null", 10, "null"},
        {"[]", 10, "[]"},
        {"[1]", 10, "[...]"},
        {"{}", 10, "{}"},
        {"{\"a\":1}", 10, "{...}"},
        {"\"\"", 10, ""},
    };
    SCOPED_ARENA(arena);
    for (size_t i = 0; i < COUNT(cases); i++) {
        gt_buf buf;
        gt_buf_init(&buf, arena, 10);
        gt_buf_text(&buf, "> ");
        gt_view_show(&buf, parse(arena, cases[i].json), cases[i].most);
        expect_text(i, gt_buf_slice(&buf), gt_arena_printf(arena, "> %s", cases[i].shown));
    }
    gt_buf buf;
    gt_buf_init(&buf, arena, 10);
    gt_view_show(&buf, (gt_view){NULL}, 20);
    expect_text(0, gt_buf_slice(&buf), "(nothing)");
}

Test(view, show_costs_what_it_shows)
{
    enum { MUCH = 1 << 20 };
    SCOPED_ARENA(arena);
    char *text = gt_arena_alloc(arena, MUCH);
    memset(text, 'm', MUCH);
    text[0] = text[MUCH - 1] = '"';
    gt_view view;
    gt_err err;
    cr_assert(gt_view_parse(arena, (gt_str){text, MUCH}, 0, &view, &err));
    size_t before = gt_arena_used(arena);
    gt_buf buf;
    gt_buf_init(&buf, arena, 10);
    gt_view_show(&buf, view, 20);
    expect_text(0, gt_buf_slice(&buf), "mmmmmmmmm...mmmmmmmm");
    cr_expect_lt(gt_arena_used(arena) - before, 2000);
}

Test(view, time_is_linear)
{
    enum { KEYS = 200000 };
    SCOPED_ARENA(arena);
    gt_buf text;
    gt_buf_init(&text, arena, 4 << 20);
    for (size_t i = 0; i < KEYS; i++)
        gt_buf_printf(&text, "%s\"key%zu\":%zu", i == 0 ? "{" : ",", i, i);
    gt_buf_byte(&text, '}');
    gt_view view;
    gt_err err;
    double start = cpu_seconds();
    cr_assert(gt_view_parse(arena, gt_buf_slice(&text), 0, &view, &err), "%s", err.text);
    cr_expect_lt(cpu_seconds() - start, 20, "quadratic would be minutes");
    cr_expect_eq(gt_view_count(view), KEYS);
}

typedef struct job {
    gt_arena *arena;
    gt_str text;
    gt_view view;
} job;

static bool parse_job(void *context, gt_err *err)
{
    job *j = context;
    return gt_view_parse(j->arena, j->text, 0, &j->view, err);
}

Test(view, arena_may_run_out)
{
    gt_str text = GT_STR("{\"a\":[1,2,{\"b\":\"\\u0000\"}],\"c\":\"d\"}");
    bool worked = false;
    for (size_t limit = 16; !worked; limit += 16) {
        SCOPED_LIMITED_ARENA(arena, limit);
        gt_err err = {0};
        job j = {.arena = arena, .text = text};
        worked = gt_arena_try(arena, parse_job, &j, &err);
        cr_expect(worked || err.kind == GT_ERR_NOMEM, "limit %zu: %s", limit, err.text);
        cr_assert_lt(limit, 10000);
    }
}

Test(view, equal_is_the_same_text)
{
    static const struct {
        const char *a, *b;
        bool equal;
    } rows[] = {
        {"{\"a\":[1,\"x\",true,null,{}]}", " { \"a\" : [ 1, \"\\u0078\", true, null, {} ] }", true},
        {"{\"a\":1,\"b\":2}", "{\"b\":2,\"a\":1}", false},
        {"[1,2]", "[1]", false},
        {"[1]", "[1,2]", false},
        {"[]", "{}", false},
        {"[]", "[null]", false},
        {"{\"a\":1}", "{\"b\":1}", false},
        {"1", "1.0", false},
        {"true", "false", false},
        {"null", "false", false},
        {"\"1\"", "1", false},
        {"[[[[0]]]]", "[[[[1]]]]", false},
    };
    SCOPED_ARENA(arena);
    for (size_t i = 0; i < COUNT(rows); i++)
        cr_expect_eq(gt_view_equal(parse(arena, rows[i].a), parse(arena, rows[i].b)), rows[i].equal, "%s %s", rows[i].a,
                     rows[i].b);
    cr_expect(!gt_view_equal((gt_view){NULL}, (gt_view){NULL}));
    cr_expect(!gt_view_equal(parse(arena, "1"), (gt_view){NULL}));
}
