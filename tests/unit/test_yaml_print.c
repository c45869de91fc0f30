/* Values printed as YAML, and read back. */
#include "lib/yaml/yaml.h"

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

Test(yaml, prints)
{
    static const struct {
        const char *json, *yaml;
        int indent;
    } cases[] = {
        {"{\"a\":1,\"b\":{\"c\":[1,\"x\",{\"d\":true,\"e\":null}],\"f\":{}},\"g\":[]}",
         "a: 1\nb:\n  c:\n    - 1\n    - x\n    - d: true\n      e: null\n  f: {}\ng: []\n", 0},
        {"{\"a\":[[1,2],[[3]]]}", "  a:\n    - - 1\n      - 2\n    - - - 3\n", 2},
        {"[]", "  []\n", 2},
        {"\"x\"", "x\n", 0},
        {"{\"script\":\"set -e\\n\\n  make\\n\",\"x\":\"a\\nb\"}", "script: |\n  set -e\n\n    make\nx: |-\n  a\n  b\n",
         0},
        {"[\"a\\nb\",{\"k\":\"c\\nd\"}]", "- |-\n  a\n  b\n- k: |-\n    c\n    d\n", 0},
        {"[\"a \\nb\",\" a\\nb\",\"\\na\",\"a\\n\\n\",\"a\\rb\\n\",\"\\n\"]",
         "- \"a \\nb\"\n- \" a\\nb\"\n- \"\\na\"\n- \"a\\n\\n\"\n- \"a\\rb\\n\"\n- \"\\n\"\n", 0},
        {"[\"ghcr.io/acme/agent:v7\",\"500m\",\"10Gi\",\"/bin/sh\",\"a b\",\"$x\",\"2h\"]",
         "- ghcr.io/acme/agent:v7\n- 500m\n- 10Gi\n- /bin/sh\n- a b\n- \"$x\"\n- 2h\n", 0},
        {"[\"yes\",\"Null\",\"\",\"~\",\"1\",\"010\",\"1e3\",\"1:30\",\"2001-01-01\",\"y\",\"0x1f\",\"<<\",\"=\",\"1_"
         "0\"]",
         "- \"yes\"\n- \"Null\"\n- \"\"\n- \"~\"\n- \"1\"\n- \"010\"\n- \"1e3\"\n- \"1:30\"\n- \"2001-01-01\"\n- "
         "\"y\"\n- \"0x1f\"\n"
         "- \"<<\"\n- \"=\"\n- \"1_0\"\n",
         0},
        {"[\"a: b\",\"a #b\",\"a:\",\"- a\",\"*a\",\"a \",\"tab\\t\",\"\\u0001\\u007f\\u0085\\u2028\\ufeff\"]",
         "- \"a: b\"\n- \"a #b\"\n- \"a:\"\n- \"- a\"\n- \"*a\"\n- \"a \"\n- \"tab\\t\"\n- "
         "\"\\x01\\x7f\\x85\\u2028\\ufeff\"\n",
         0},
        {"{\"yes\":1,\"8080\":2,\"a b\":3,\"x:\":4}", "\"yes\": 1\n\"8080\": 2\na b: 3\n\"x:\": 4\n", 0},
        {"[1e-7,1.5e-9,-0.5,100]", "- 1.0e-7\n- 1.5e-9\n- -0.5\n- 100\n", 0},
        {"[\"caf\xc3\xa9\"]", "- \"caf\xc3\xa9\"\n", 0},
    };
    SCOPED_ARENA(arena);
    for (size_t i = 0; i < COUNT(cases); i++) {
        gt_buf buf;
        gt_buf_init(&buf, arena, 0);
        gt_yaml_print(&buf, from_json(arena, cases[i].json), cases[i].indent);
        expect_text(i, gt_buf_slice(&buf), cases[i].yaml);
    }
}

static void expect_read_back(gt_arena *arena, const gt_value *value)
{
    gt_yaml_docs docs;
    gt_err err;
    gt_buf buf;
    gt_buf_init(&buf, arena, 100);
    gt_yaml_print(&buf, value, 0);
    cr_assert(gt_yaml_load(arena, gt_buf_slice(&buf), &docs, &err), "%s:\n%s", err.text, buf.at);
    cr_expect(docs.count == 1 && gt_value_equal(docs.at[0], value), "another value:\n%s", buf.at);
    cr_expect_null(docs.surprises, "surprising:\n%s", buf.at);
}

/* Each of these as a document, as a key, in a list and in a map, and behind each other one. */
Test(yaml, printed_strings_read_back)
{
    static const char *const texts[] = {
        "",
        "a",
        "yes",
        "No",
        "on",
        "~",
        "null",
        "NULL",
        "1",
        "-1",
        "+1",
        "1.5",
        "1e3",
        ".5",
        ".inf",
        ".nan",
        "010",
        "0x1f",
        "0o7",
        "0b1",
        "1_000",
        "1:30",
        "2001-01-01",
        "500m",
        "10Gi",
        "0x1g",
        "a: b",
        "a:",
        ":a",
        ": ",
        "a #b",
        "#",
        "- a",
        "-",
        "--",
        "---",
        "...",
        "? a",
        "?",
        "[a]",
        "{a}",
        "]",
        "}",
        ",",
        "&a",
        "*a",
        "!a",
        "|",
        ">",
        "%a",
        "@a",
        "`a",
        "'a'",
        "\"a\"",
        "a'b",
        "\\",
        "a\\nb",
        " a",
        "a ",
        "a  b",
        "\t",
        "a\tb",
        "\n",
        "a\n",
        "\na",
        "a\nb",
        "a\nb\n",
        "a\n\nb\n",
        "a\n\n",
        "a\n b",
        " a\nb",
        "a \nb",
        "a\n\tb",
        "a\n   \nb",
        "a\r\nb",
        "\r",
        "a\n---\nb",
        "a\n...\n",
        "a\n# b",
        "caf\xc3\xa9",
        "\xf0\x9f\x98\x80",
        "\x7f",
        "\xc2\x85",
        "\xc2\xa0",
        "\xe2\x80\xa8",
        ("\xef\xbb\xbf"
         "a"),
        "\xef\xbf\xbf",
        "\x01",
        "=",
        "<<",
        "a=b",
        "$(X)",
        "#!/bin/sh\nset -e\n\tmake\n",
        ("a\n\xe2\x80\xa8"
         "b"),
        "a\nb\xc2\x85",
    };
    SCOPED_ARENA(arena);
    for (size_t i = 0; i < COUNT(texts); i++) {
        gt_value *map = gt_value_object(arena), *list = gt_value_array(arena), *inner = gt_value_array(arena);
        gt_value_put(arena, map, texts[i], gt_value_text(arena, texts[i]));
        gt_value_push(inner, gt_value_text(arena, texts[i]));
        gt_value_push(list, inner);
        gt_value_push(list, gt_value_ref(arena, map));
        for (size_t other = 0; other < COUNT(texts); other++)
            gt_value_push(list, gt_value_text(arena, gt_arena_printf(arena, "%s%s", texts[i], texts[other])));
        expect_read_back(arena, gt_value_text(arena, texts[i]));
        expect_read_back(arena, map);
        expect_read_back(arena, list);
        gt_arena_reset(arena);
    }
}

Test(yaml, printed_numbers_read_back)
{
    static const char *const numbers[] = {"0",       "-1", "1.5", "1e+21", "1.25e+30", "1e-7", "18446744073709551617",
                                          "0.000001"};
    SCOPED_ARENA(arena);
    for (size_t i = 0; i < COUNT(numbers); i++)
        expect_read_back(arena, gt_value_number(arena, gt_str_of(numbers[i])));
}

Test(yaml, printed_long_keys_read_back)
{
    SCOPED_ARENA(arena);
    for (size_t n = 990; n < 1040; n += 5) {
        char *key = gt_arena_alloc(arena, n + 1);
        memset(key, 'k', n);
        gt_value *map = gt_value_object(arena), *inner = gt_value_object(arena), *list = gt_value_array(arena);
        gt_value_put(arena, inner, key, gt_value_text(arena, "a\nb"));
        gt_value_put(arena, map, key, inner);
        gt_value_push(list, map);
        expect_read_back(arena, list);
    }
}

Test(yaml, prints_what_is_no_text)
{
    SCOPED_ARENA(arena);
    gt_buf buf;
    gt_buf_init(&buf, arena, 0);
    gt_yaml_print(&buf, gt_value_string(arena, GT_STR("a\0b\xc0\x80\xff")), 0);
    expect_text(0, gt_buf_slice(&buf), "\"a\\0b\\0\xef\xbf\xbd\"\n");
}
