#include "lib/yaml/yaml.h"

#include "tests/unit/support.h"

/* What was loaded, as JSON, documents parted by a blank; or the error. */
static gt_str loaded(gt_arena *arena, gt_str yaml)
{
    gt_yaml_docs docs = {.count = 77};
    gt_err err = {0};
    SCOPED_EXACT(text, yaml);
    if (!gt_yaml_load(arena, text, &docs, &err)) {
        cr_expect(docs.count == 0 && docs.at == NULL && docs.surprises == NULL, "something is left of a failure");
        return gt_str_of(gt_arena_printf(arena, "%s%s", err.kind == GT_ERR_LIMIT ? "LIMIT " : "", err.text));
    }
    gt_buf buf;
    gt_buf_init(&buf, arena, 100);
    for (size_t i = 0; i < docs.count; i++) {
        gt_buf_text(&buf, i == 0 ? "" : " ");
        gt_value_print(&buf, docs.at[i]);
    }
    return gt_buf_slice(&buf);
}

/* Checked against sigs.k8s.io/yaml v1.6.0 when it was written, where the comment doesn't say that it differs. */
static const struct {
    const char *yaml, *json, *read_as;
} scalars[] = {
    {"", "null", NULL},
    {"~", "null", NULL},
    {"null", "null", NULL},
    {"Null", "null", NULL},
    {"nULL", "\"nULL\"", NULL},
    {"true", "true", NULL},
    {"FALSE", "false", NULL},
    {"tRUE", "\"tRUE\"", NULL},
    {"yes", "true", "the boolean true"},
    {"No", "false", "the boolean false"},
    {"ON", "true", "the boolean true"},
    {"off", "false", "the boolean false"},
    {"y", "true", "the boolean true"},
    {"N", "false", "the boolean false"},
    {"yEs", "\"yEs\"", NULL},
    {"\"yes\"", "\"yes\"", NULL},
    {"'010'", "\"010\"", NULL},
    {"|-\n  12\n", "\"12\"", NULL},
    {"0", "0", NULL},
    {"-0", "0", NULL},
    {"+12", "12", NULL},
    {"-7", "-7", NULL},
    {"010", "8", "the number 8"},
    {"-010", "-8", "the number -8"},
    {"0o17", "15", "the number 15"},
    {"0x1F", "31", "the number 31"},
    {"0X1f", "31", "the number 31"},
    {"0b101", "5", "the number 5"},
    {"0b-1", "-1", "the number -1"},
    {"1_000", "1000", "the number 1000"},
    {"_1", "\"_1\"", NULL},
    {"08", "8", "the number 8"},
    {"0099", "99", "the number 99"},
    {"0x", "\"0x\"", NULL},
    {"0xg", "\"0xg\"", NULL},
    {"9223372036854775807", "9223372036854775807", NULL},
    {"-9223372036854775808", "-9223372036854775808", NULL},
    {"18446744073709551615", "18446744073709551615", NULL},
    {"18446744073709551617", "18446744073709551617", NULL}, /* a float there */
    {"-9223372036854775809", "-9223372036854775809", NULL}, /* a float there */
    {"0xffffffffffffffff", "18446744073709551615", "the number 18446744073709551615"},
    {"-0xffffffffffffffff", "\"-0xffffffffffffffff\"", NULL},
    {"+0xffffffffffffffff", "\"+0xffffffffffffffff\"", NULL},
    {"0xfffffffffffffffff", "\"0xfffffffffffffffff\"", NULL},
    {"1.5", "1.5", NULL},
    {"1.0", "1", NULL},
    {"1.10", "1.1", NULL},
    {".5", "0.5", NULL},
    {"5.", "5", NULL},
    {"-.5e3", "-500", NULL},
    {"1e3", "1000", NULL},
    {"1e21", "1e+21", NULL},
    {"1e-7", "1e-7", NULL},
    {"-0.0", "0", NULL},
    {"1e999", "\"1e999\"", NULL},
    {"1e-999", "0", NULL},
    {".5_0", "0.5", "the number 0.5"},
    {"._5", "\"._5\"", NULL},
    {"1.2.3", "\"1.2.3\"", NULL},
    {"1:30", "\"1:30\"", NULL},
    {"2001-01-01", "\"2001-01-01\"", NULL},
    {"2001-12-14t21:59:43.10-05:00", "\"2001-12-14t21:59:43.10-05:00\"", NULL},
    {"500m", "\"500m\"", NULL},
    {"<<", "\"<<\"", NULL},
    {"-", "[null]", NULL},
    {"--", "\"--\"", NULL},
    {"+", "\"+\"", NULL},
    {".", "\".\"", NULL},
};

Test(yaml, plain_scalars)
{
    for (size_t i = 0; i < COUNT(scalars); i++) {
        SCOPED_ARENA(arena);
        gt_yaml_docs docs;
        gt_err err;
        const char *yaml = gt_arena_printf(arena, "a:\n  %s\n", scalars[i].yaml);
        cr_assert(gt_yaml_load(arena, gt_str_of(yaml), &docs, &err), "`%s`: %s", scalars[i].yaml, err.text);
        expect_text(i, loaded(arena, gt_str_of(yaml)), gt_arena_printf(arena, "{\"a\":%s}", scalars[i].json));
        cr_expect_eq(docs.surprises != NULL, scalars[i].read_as != NULL, "`%s`", scalars[i].yaml);
        if (docs.surprises != NULL && scalars[i].read_as != NULL) {
            cr_expect_str_eq(docs.surprises->read_as, scalars[i].read_as);
            expect_text(i, docs.surprises->text, scalars[i].yaml);
            cr_expect(docs.surprises->line == 2 && docs.surprises->column == 3);
        }
    }
}

Test(yaml, integers_of_any_length)
{
    char digits[401];
    memset(digits, '7', 400);
    SCOPED_ARENA(arena);
    for (size_t n = 1; n <= 400; n++) {
        digits[n] = '\0';
        bool is_number = n <= 308; /* beyond 1.8e308 go-yaml has a string */
        expect_text(n, loaded(arena, (gt_str){digits, n}),
                    is_number ? digits : gt_arena_printf(arena, "\"%s\"", digits));
        digits[n] = '7';
    }
}

Test(yaml, structure)
{
    static const struct {
        const char *yaml, *json;
    } cases[] = {
        {"", ""},
        {"# nothing\n", ""},
        {"---\n---\n...\n", ""},
        {"--- a\n---\n--- b\n", "\"a\" \"b\""},
        {"--- null\n", "null"},
        {"a: 1\nb:\n- x\n- y: z\n  w: {p: [q, \"r\"]}\n",
         "{\"a\":1,\"b\":[\"x\",{\"y\":\"z\",\"w\":{\"p\":[\"q\",\"r\"]}}]}"},
        {"b: 1\na: 2\nc: 3\n", "{\"b\":1,\"a\":2,\"c\":3}"},
        {"- - 1\n  - 2\n- []\n- {}\n", "[[1,2],[],{}]"},
        {"a: |\n  x\n   y\n\n  z\n", "{\"a\":\"x\\n y\\n\\nz\\n\"}"},
        {"a: >-\n  x\n  y\n", "{\"a\":\"x y\"}"},
        {"? a\n: b\n", "{\"a\":\"b\"}"},
        {"yes: 1\n8080: 2\n1.0: 3\n", "{\"yes\":1,\"8080\":2,\"1.0\":3}"},
        {"\"\": 1\n'null': 2\n", "{\"\":1,\"null\":2}"},
        {"a: b#c # d\n", "{\"a\":\"b#c\"}"},
        {"%YAML 1.1\n---\na: 1\n", "{\"a\":1}"},
        {"\xef\xbb\xbf"
         "a: 1\n",
         "{\"a\":1}"},
        {"a: 1\r\nb: 2\r\n", "{\"a\":1,\"b\":2}"},
        {"{\"a\":[1,true,null,\"\\u00e9\\/\\n\"],\"b\":{}}", "{\"a\":[1,true,null,\"\xc3\xa9/\\n\"],\"b\":{}}"},
        {"{\n\t\"a\": 1,\n\t\"b\": [\n\t\t2\n\t]\n}\n", "{\"a\":1,\"b\":[2]}"},
        {"{\"a\":\"\\ud83d\\ude00 \\\\ud83d \\uD83D\\uDE00\"}",
         "{\"a\":\"\xf0\x9f\x98\x80 \\\\ud83d \xf0\x9f\x98\x80\"}"},
        {"<<: no\n", NULL},
    };
    SCOPED_ARENA(arena);
    for (size_t i = 0; i < COUNT(cases); i++)
        if (cases[i].json != NULL)
            expect_text(i, loaded(arena, gt_str_of(cases[i].yaml)), cases[i].json);
}

Test(yaml, refuses_with_position)
{
    static const struct {
        gt_str yaml;
        const char *error;
    } cases[] = {
        {GT_STR_INIT("a: 1\nb: 2\na: 3\n"), "line 3, column 1: duplicate key \"a\""},
        {GT_STR_INIT("x:\n  k: {a: 1, 'a': 2}\n"), "line 2, column 13: duplicate key \"a\""},
        {GT_STR_INIT("a: 1\nb: 1\nc: 1\nd: 1\ne: 1\nf: 1\ng: 1\nh: 1\ni: 1\nj: 1\nb: 2\n"),
         "line 11, column 1: duplicate key \"b\""},
        {GT_STR_INIT("\"a\\n\": 1\n\"a\\n\": 2\n"), "line 2, column 1: duplicate key \"a\\n\""},
        {GT_STR_INIT("a: &x 1\n"), "line 1, column 4: anchors (&) are not supported"},
        {GT_STR_INIT("a: &x [1]\n"), "line 1, column 4: anchors (&) are not supported"},
        {GT_STR_INIT("&x a: 1\n"), "line 1, column 1: anchors (&) are not supported"},
        {GT_STR_INIT("a: *x\n"), "line 1, column 4: aliases (*) are not supported"},
        {GT_STR_INIT("a:\n  <<: {b: 1}\n"), "line 2, column 3: merge keys (<<) are not supported"},
        {GT_STR_INIT("a: !!str 1\n"), "line 1, column 4: tags (!) are not supported"},
        {GT_STR_INIT("a: ! 1\n"), "line 1, column 4: tags (!) are not supported"},
        {GT_STR_INIT("a: !!map {b: 1}\n"), "line 1, column 4: tags (!) are not supported"},
        {GT_STR_INIT("%TAG !x! tag:x,1:\n---\na: 1\n"), "line 1, column 1: tags (%TAG) are not supported"},
        {GT_STR_INIT("{a: 1}: 2\n"), "line 1, column 1: a key must be a text"},
        {GT_STR_INIT("? [a]\n: 2\n"), "line 1, column 3: a key must be a text"},
        {GT_STR_INIT("~: 1\n"), "line 1, column 1: a key can't be null: quote it"},
        {GT_STR_INIT("a: \"x\\0y\"\n"), "line 1, column 4: a NUL character"},
        {GT_STR_INIT("\"x\\0y\": 1\n"), "line 1, column 1: a NUL character"},
        {GT_STR_INIT("a: 1\nb: \0\n"), "line 2, column 4: control characters are not allowed"},
        {GT_STR_INIT("a: 1\nb: x\x07\n"), "line 2, column 5: control characters are not allowed"},
        {GT_STR_INIT("a: 1\n\xc3\xa9: \xff\n"), "line 2, column 4: invalid UTF-8"},
        {GT_STR_INIT("\xff\xfe"
                     "a\0"),
         "line 1, column 1: invalid UTF-8"}, /* UTF-16 */
        {GT_STR_INIT("a: .inf\n"), "line 1, column 4: .inf is no number of JSON"},
        {GT_STR_INIT("- -.Inf\n"), "line 1, column 3: -.Inf is no number of JSON"},
        {GT_STR_INIT("a: .NaN\n"), "line 1, column 4: .NaN is no number of JSON"},
        {GT_STR_INIT("a: [1\n"), "line 2, column 1: did not find expected ',' or ']' (while parsing a flow sequence)"},
        {GT_STR_INIT("a: 1\n b: 2\n"), "line 2, column 3: mapping values are not allowed in this context: is the "
                                       "indentation right? (a text with \": \" in it "
                                       "must be quoted)"},
        {GT_STR_INIT("a: \"x\n"), "line 1, column 4: this quote isn't closed"},
        {GT_STR_INIT("\ta: 1\n"), "line 1, column 1: a tab: YAML indents by spaces"},
        {GT_STR_INIT("a: \"\\ud83d\\ude00\"\n"), "line 1, column 7: found invalid Unicode character escape code (while "
                                                 "parsing a quoted scalar)"}, /* no JSON around it */
    };
    SCOPED_ARENA(arena);
    for (size_t i = 0; i < COUNT(cases); i++)
        expect_text(i, loaded(arena, cases[i].yaml), cases[i].error);
}

Test(yaml, long_keys_are_shown_short)
{
    SCOPED_ARENA(arena);
    char key[101];
    memset(key, 'k', 100);
    key[100] = '\0';
    gt_str text = loaded(arena, gt_str_of(gt_arena_printf(arena, "%s: 1\n%s: 2\n", key, key)));
    expect_text(0, text, gt_arena_printf(arena, "line 2, column 1: duplicate key \"%.60s\"...", key));
}

Test(yaml, surprising_keys)
{
    SCOPED_ARENA(arena);
    gt_yaml_docs docs;
    gt_err err;
    cr_assert(gt_yaml_load(arena, GT_STR("a: {on: 1}\n010: 2\n8080: 3\n'yes': 4\ntrue: yes\n"), &docs, &err));
    static const struct {
        uint32_t line, column;
        const char *text, *read_as;
    } wanted[] = {
        {1, 5, "on", "the key as it is written; kubectl makes \"true\" of it"},
        {2, 1, "010", "the key as it is written; kubectl makes \"8\" of it"},
        {5, 7, "yes", "the boolean true"},
    };
    const gt_yaml_surprise *s = docs.surprises;
    for (size_t i = 0; i < COUNT(wanted); i++, s = s->next) {
        cr_assert_not_null(s, "row %zu", i);
        cr_expect(s->line == wanted[i].line && s->column == wanted[i].column, "row %zu: %u:%u", i, s->line, s->column);
        expect_text(i, s->text, wanted[i].text);
        cr_expect_str_eq(s->read_as, wanted[i].read_as);
    }
    cr_expect_null(s);
}

Test(yaml, values_know_where_they_are)
{
    SCOPED_ARENA(arena);
    gt_yaml_docs docs;
    gt_err err;
    cr_assert(gt_yaml_load(arena, GT_STR("# c\na: 1\nb:\n  - x\n  - \xc3\xa9: {k: v}\n---\nc\n"), &docs, &err));
    cr_assert_eq(docs.count, 2);
    const gt_value *b = gt_value_get(docs.at[0], "b"), *x = b->first, *accented = x->next->first;
    cr_expect(docs.at[0]->line == 2 && docs.at[0]->column == 1);
    cr_expect(gt_value_get(docs.at[0], "a")->line == 2 && gt_value_get(docs.at[0], "a")->column == 4);
    cr_expect(b->line == 4 && b->column == 3);
    cr_expect(x->line == 4 && x->column == 5);
    cr_expect(accented->line == 5 && accented->column == 8, "characters, not bytes: %u", accented->column);
    cr_expect(docs.at[1]->line == 7 && docs.at[1]->column == 1);
}

/* ---- limits ---- */

static gt_str repeated(gt_arena *arena, const char *first, const char *text, size_t times)
{
    gt_buf buf;
    gt_buf_init(&buf, arena, strlen(first) + times * strlen(text));
    gt_buf_text(&buf, first);
    for (size_t i = 0; i < times; i++)
        gt_buf_text(&buf, text);
    return gt_buf_slice(&buf);
}

Test(yaml, limits)
{
    static const struct {
        const char *first, *text;
        size_t times;
        const char *error; /* NULL: taken */
    } cases[] = {
        {"", "- ", 64, NULL},
        {"", "- ", 65, "LIMIT line 1, column 129: more than 64 levels deep"},
        {"", "[", 65, "LIMIT line 1, column 65: more than 64 levels deep"},
        {"", "{a: ", 65, "LIMIT line 1, column 257: more than 64 levels deep"},
        {"", "#", 1 << 20, NULL},
        {"", "#", (1 << 20) + 1, "LIMIT 1048577 bytes of YAML: more than 1048576"},
        {"", "%YAML 1.1\n", 65, "LIMIT more than 64 directives (%)"},
        {"[", "a: ,", 262000, "LIMIT line 1, column 999998: more than 1,000,000 YAML events"},
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        SCOPED_ARENA(arena);
        gt_str got = loaded(arena, repeated(arena, cases[i].first, cases[i].text, cases[i].times));
        if (cases[i].error != NULL)
            expect_text(i, got, cases[i].error);
        else
            cr_expect(!gt_str_starts(got, "L") && !gt_str_starts(got, "l"), "row %zu: %.*s", i, GT_STR_ARG(got));
    }
}

/* libyaml alone takes a minute for the first of these. */
Test(yaml, hostile_texts_cost_no_time)
{
    static const struct {
        const char *first, *text;
        size_t times;
    } cases[] = {
        {"", "[", 400000},    {"", "{", 400000},         {"", "[\n", 400000},  {"", "{a: ", 200000},
        {"", "- ", 400000},   {"", "? ", 400000},        {"[", "a,", 100000},  {"[", "[],", 70000},
        {"", "-\n", 100000},  {"", "---\n", 60000},      {"", " ", 1000000},   {"", "1", 1000000},
        {"", "\t", 1000000},  {"", "%TAG ! x\n", 99000}, {"\"", "a", 1000000}, {"", "#\n", 500000},
        {"0.", "0", 1000000}, {"", "a b ", 250000},      {"'", "\n", 1000000}, {"a: |\n", "\n", 1000000},
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        SCOPED_ARENA(arena);
        gt_yaml_docs docs;
        gt_err err;
        gt_str text = repeated(arena, cases[i].first, cases[i].text, cases[i].times);
        double start = cpu_seconds();
        gt_yaml_load(arena, text, &docs, &err);
        cr_expect_lt(cpu_seconds() - start, 20, "row %zu: %s", i, cases[i].text);
    }
}

Test(yaml, many_keys_are_linear)
{
    SCOPED_ARENA(arena);
    gt_buf text;
    gt_buf_init(&text, arena, 1 << 20);
    for (int i = 0; i < 90000; i++)
        gt_buf_printf(&text, "k%d: 1\n", i);
    gt_yaml_docs docs;
    gt_err err;
    double start = cpu_seconds();
    cr_assert(gt_yaml_load(arena, gt_buf_slice(&text), &docs, &err), "%s", err.text);
    cr_expect_eq(docs.at[0]->count, 90000);
    cr_expect_lt(cpu_seconds() - start, 20, "quadratic would be minutes");
}

/* Wherever the arena runs out, libyaml's memory is given back: the leak check sees it. */
Test(yaml, arena_may_run_out)
{
    gt_str text =
        GT_STR("a: [1, 'x', {b: yes}]\nc: |\n  text\nd: 010\ne: 1\nf: 1\ng: 1\nh: 1\ni: 1\nj: 1\nk: 1\nl: 1\n");
    bool worked = false;
    for (size_t limit = 16; !worked; limit += 16) {
        SCOPED_LIMITED_ARENA(arena, limit);
        gt_yaml_docs docs;
        gt_err err = {0};
        worked = gt_yaml_load(arena, text, &docs, &err);
        cr_expect(worked || (err.kind == GT_ERR_NOMEM && docs.count == 0), "limit %zu: %s", limit, err.text);
        cr_assert_lt(limit, 20000);
    }
}
