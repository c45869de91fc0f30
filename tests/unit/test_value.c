#include "lib/json/value.h"

#include <signal.h>

#include "tests/unit/support.h"

static gt_value *from_json(gt_arena *arena, const char *json)
{
    gt_view view;
    gt_value *value = NULL;
    gt_err err;
    cr_assert(gt_view_parse(arena, gt_str_of(json), 0, &view, &err), "%s: %s", json, err.text);
    cr_assert(gt_value_from_view(arena, view, &value, &err), "%s: %s", json, err.text);
    return value;
}

static gt_str printed(gt_arena *arena, const gt_value *value)
{
    gt_buf buf;
    gt_buf_init(&buf, arena, 10);
    gt_value_print(&buf, value);
    return gt_buf_slice(&buf);
}

Test(value, built_by_hand)
{
    SCOPED_ARENA(arena);
    gt_value *object = gt_value_object(arena), *list = gt_value_array(arena);
    SCOPED_EXACT(text, GT_STR("x"));
    gt_value_push(list, gt_value_int(arena, INT64_MIN));
    gt_value_push(list, gt_value_number(arena, GT_STR("1.50")));
    gt_value_push(list, gt_value_string(arena, text));
    gt_value_push(list, gt_value_null(arena));
    gt_value_put(arena, object, "list", list);
    gt_value_put(arena, object, "yes", gt_value_bool(arena, true));
    gt_value_append(object, GT_STR("last"), gt_value_text(arena, ""));
    expect_text(0, printed(arena, object),
                "{\"list\":[-9223372036854775808,1.50,\"x\",null],\"yes\":true,\"last\":\"\"}");
    cr_expect_eq(object->count, 3);
    cr_expect_eq(list->count, 4);
}

Test(value, set_replaces_in_place)
{
    static const char *const keys[] = {"a", "b", "c"};
    for (size_t i = 0; i < COUNT(keys); i++) {
        SCOPED_ARENA(arena);
        gt_value *object = from_json(arena, "{\"a\":0,\"b\":0,\"c\":0}");
        gt_value_put(arena, object, keys[i], gt_value_int(arena, 1));
        gt_value_put(arena, object, "d", gt_value_int(arena, 2));
        cr_expect_eq(object->count, 4);
        expect_text(i, printed(arena, object),
                    gt_arena_printf(arena, "{\"a\":%d,\"b\":%d,\"c\":%d,\"d\":2}", i == 0, i == 1, i == 2));
    }
}

Test(value, readers)
{
    SCOPED_ARENA(arena);
    const gt_value *v = from_json(arena, "{\"s\":\"x\",\"n\":-42,\"f\":1.5,\"t\":true,\"z\":null}");
    int64_t number = 0;
    cr_expect(gt_value_is(gt_value_get(v, "s"), "x"));
    cr_expect(!gt_value_is(gt_value_get(v, "n"), "-42"), "a number is no string");
    cr_expect(gt_value_as_int(gt_value_get(v, "n"), &number) && number == -42);
    cr_expect(!gt_value_as_int(gt_value_get(v, "f"), &number));
    cr_expect(!gt_value_as_int(gt_value_get(v, "s"), &number));
    cr_expect(gt_value_true(gt_value_get(v, "t")));
    cr_expect(!gt_value_true(gt_value_get(v, "z")));
    expect_text(0, gt_value_str(gt_value_get_str(v, GT_STR("s"))), "x");
    cr_expect_null(gt_value_get(gt_value_get(v, "s"), "s"));
    cr_expect_null(gt_value_get(NULL, "s"));
    cr_expect_eq(gt_value_str(NULL).len, 0);
    cr_expect(!gt_value_is(NULL, "") && !gt_value_true(NULL) && !gt_value_as_int(NULL, &number));
    cr_expect_str_eq(gt_value_type_name(NULL), "nothing");
    cr_expect_str_eq(gt_value_type_name(v), "an object");
    const gt_value *none = NULL;
    GT_VALUE_EACH (child, none)
        cr_assert_fail("NULL has no children");
}

Test(value, ref_gets_another_parent)
{
    SCOPED_ARENA(arena);
    const gt_value *source = from_json(arena, "{\"a\":{\"k\":[1,2]},\"b\":3}");
    gt_value *other = gt_value_object(arena);
    gt_value_put(arena, other, "x", gt_value_ref(arena, gt_value_get(source, "a")));
    gt_value_put(arena, other, "y", gt_value_ref(arena, gt_value_get(source, "a")));
    expect_text(0, printed(arena, other), "{\"x\":{\"k\":[1,2]},\"y\":{\"k\":[1,2]}}");
    expect_text(0, printed(arena, source), "{\"a\":{\"k\":[1,2]},\"b\":3}");
}

Test(value, adding_to_a_shared_list_is_a_bug, .signal = SIGABRT)
{
    SCOPED_ARENA(arena);
    gt_value *copy = gt_value_ref(arena, from_json(arena, "[1]"));
    hush();
    gt_value_push(copy, gt_value_null(arena)); /* the other list would get it, too */
}

Test(value, equal)
{
    static const struct {
        const char *a, *b;
        bool equal;
    } cases[] = {
        {"1", "1", true},
        {"1", "2", false},
        {"1", "\"1\"", false},
        {"null", "null", true},
        {"null", "false", false},
        {"true", "false", false},
        {"[1,2]", "[1,2]", true},
        {"[1,2]", "[2,1]", false},
        {"[1,2]", "[1]", false},
        {"[1]", "[1,2]", false},
        {"{\"a\":1,\"b\":2}", "{\"b\":2,\"a\":1}", true},
        {"{\"a\":1,\"b\":2,\"c\":3}", "{\"c\":3,\"a\":1,\"b\":2}", true},
        {"{\"a\":1,\"b\":2}", "{\"a\":1,\"c\":2}", false},
        {"{\"a\":1}", "{\"a\":1,\"b\":2}", false},
        {"{\"a\":{\"b\":[null]}}", "{\"a\":{\"b\":[null]}}", true},
        {"{\"a\":{\"b\":[null]}}", "{\"a\":{\"b\":[0]}}", false},
        {"{}", "[]", false},
    };
    SCOPED_ARENA(arena);
    for (size_t i = 0; i < COUNT(cases); i++) {
        const gt_value *a = from_json(arena, cases[i].a), *b = from_json(arena, cases[i].b);
        cr_expect_eq(gt_value_equal(a, b), cases[i].equal, "row %zu", i);
        cr_expect_eq(gt_value_equal(b, a), cases[i].equal, "row %zu, swapped", i);
    }
    cr_expect(gt_value_equal(NULL, NULL));
    cr_expect(!gt_value_equal(NULL, from_json(arena, "null")), "missing isn't null");
}

Test(value, doubles_as_go_prints_them)
{
    static const struct {
        double number;
        const char *text;
    } cases[] = {
        {0.0, "0"},
        {-0.0, "0"},
        {1.0, "1"},
        {1.5, "1.5"},
        {0.1, "0.1"},
        {100.0, "100"},
        {-1234.5678, "-1234.5678"},
        {1e20, "100000000000000000000"},
        {1e21, "1e+21"},
        {123456789e13, "1.23456789e+21"},
        {1e-6, "0.000001"},
        {1e-7, "1e-7"},
        {1.25e-10, "1.25e-10"},
        {5e-324, "5e-324"},
        {1.7976931348623157e308, "1.7976931348623157e+308"},
        {0.30000000000000004, "0.30000000000000004"},
        {1e22, "1e+22"},
        {12345678901234567890.0, "12345678901234567000"},
    };
    SCOPED_ARENA(arena);
    for (size_t i = 0; i < COUNT(cases); i++)
        expect_text(i, gt_value_double(arena, cases[i].number)->text, cases[i].text);
}

Test(value, from_view)
{
    static const struct {
        const char *json, *text; /* text NULL: refused */
    } cases[] = {
        {"{\"b\":[1,2.5,\"x\",true,null],\"a\":{}}", "{\"b\":[1,2.5,\"x\",true,null],\"a\":{}}"},
        {"1e3", "1000"},
        {"0", "0"},
        {"-0", "0"},
        {"-0.0", "0"},
        {"1.50", "1.5"},
        {"0.0000001", "1e-7"},
        {"0.00001", "0.00001"},
        {"9007199254740991", "9007199254740991"},
        {"9007199254740992", NULL}, /* as a double the same as the next one */
        {"9007199254740993", NULL},
        {"9007199254740994", NULL},
        {"1e300", NULL},
        {"-1e300", NULL},
        {"1e999", NULL},
        {"\"a\\u0000b\"", NULL},
        {"{\"a\\u0000b\":1}", NULL},
        {"[[{\"a\":\"\\u0000\"}]]", NULL},
    };
    SCOPED_ARENA(arena);
    for (size_t i = 0; i < COUNT(cases); i++) {
        gt_view view;
        gt_value *value = NULL;
        gt_err err = {0};
        cr_assert(gt_view_parse(arena, gt_str_of(cases[i].json), 0, &view, &err), "row %zu", i);
        bool good = gt_value_from_view(arena, view, &value, &err);
        cr_expect_eq(good, cases[i].text != NULL, "row %zu: %s", i, err.text);
        cr_expect(good || err.kind == GT_ERR_INPUT, "row %zu", i);
        if (good)
            expect_text(i, printed(arena, value), cases[i].text);
    }
}

Test(value, strings_as_json)
{
    static const struct {
        gt_str text;
        const char *json;
    } cases[] = {
        {{NULL, 0}, "\"\""},
        {GT_STR_INIT("abc"), "\"abc\""},
        {GT_STR_INIT("\"\\/"), "\"\\\"\\\\/\""},
        {GT_STR_INIT("\b\f\n\r\t"), "\"\\b\\f\\n\\r\\t\""},
        {GT_STR_INIT("\x01\x1f\x7f"), "\"\\u0001\\u001f\x7f\""},
        {GT_STR_INIT("a\0b"), "\"a\\u0000b\""},
        {GT_STR_INIT("a\xc0\x80"
                     "b"),
         "\"a\\u0000b\""},
        {GT_STR_INIT("\xc3\xa9\xf0\x9f\x98\x80"), "\"\xc3\xa9\xf0\x9f\x98\x80\""},
        {GT_STR_INIT("a\xff\xc3"), "\"a\xef\xbf\xbd\xef\xbf\xbd\""},
        {GT_STR_INIT("\xc0"), "\"\xef\xbf\xbd\""},
        {GT_STR_INIT("end\\"), "\"end\\\\\""},
    };
    SCOPED_ARENA(arena);
    for (size_t i = 0; i < COUNT(cases); i++) {
        gt_buf buf;
        SCOPED_EXACT(text, cases[i].text);
        gt_buf_init(&buf, arena, 0);
        gt_json_string(&buf, cases[i].text.at == NULL ? cases[i].text : text);
        expect_text(i, gt_buf_slice(&buf), cases[i].json);
    }
}

Test(value, canonical_sorts_bytewise)
{
    SCOPED_ARENA(arena);
    gt_buf buf;
    gt_buf_init(&buf, arena, 10);
    gt_value_canonical(
        &buf, from_json(arena, "{\"b\":1,\"a\":{\"z\":[{\"y\":1,\"x\":2}],\"Z\":0},\"\xc3\xa9\":1,\"aa\":2,\"\":3}"));
    expect_text(0, gt_buf_slice(&buf),
                "{\"\":3,\"a\":{\"Z\":0,\"z\":[{\"x\":2,\"y\":1}]},\"aa\":2,\"b\":1,\"\xc3\xa9\":1}");
}

Test(value, pretty)
{
    SCOPED_ARENA(arena);
    gt_buf buf;
    gt_buf_init(&buf, arena, 10);
    gt_value_pretty(&buf, from_json(arena, "{\"a\":[1,{}],\"b\":{\"c\":[]}}"), 2);
    expect_text(0, gt_buf_slice(&buf),
                "{\n    \"a\": [\n      1,\n      {}\n    ],\n    \"b\": {\n      \"c\": []\n    }\n  }");
}

Test(value, equal_objects_in_one_order_cost_little)
{
    enum { KEYS = 100000 };
    SCOPED_ARENA(arena);
    gt_value *a = gt_value_object(arena), *b = gt_value_object(arena);
    for (int i = 0; i < KEYS; i++) {
        gt_str key = gt_str_of(gt_arena_printf(arena, "key-%d", i));
        gt_value_append(a, key, gt_value_int(arena, i));
        gt_value_append(b, key, gt_value_int(arena, i));
    }
    double start = cpu_seconds();
    cr_expect(gt_value_equal(a, b));
    cr_expect_lt(cpu_seconds() - start, 3, "quadratic would be longer");
}
