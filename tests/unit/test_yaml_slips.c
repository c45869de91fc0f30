#include "lib/yaml/slips.h"

#include "lib/yaml/yaml.h"
#include "tests/unit/support.h"

static void expect_refused(gt_arena *arena, const char *yaml, const char *wanted)
{
    gt_yaml_docs docs;
    gt_err err;
    cr_assert(!gt_yaml_load(arena, gt_str_of(yaml), &docs, &err), "%s", yaml);
    cr_expect_str_eq(err.text, wanted);
}

Test(yaml_slips, common_slips_are_told_in_plain_words)
{
    static const struct {
        const char *yaml, *error;
    } cases[] = {
        {"a:\n\tb: 1\n", "line 2, column 1: a tab: YAML indents by spaces"},
        {"a: 1\n\tb: 2\n", "line 2, column 1: a tab: YAML indents by spaces"},
        {"a: |\n  x\n\ty\n", "line 3, column 1: a tab: YAML indents by spaces"},
        {"\xef\xbb\xbf\xc3\xa4: \xc3\xa4\r\n\xc3\xb6:\r\n\tb: 1\n", "line 3, column 1: a tab: YAML indents by spaces"},
        {"a: @x\n", "line 1, column 4: a text that begins with this character must be quoted"},
        {"a:\n  b: 1\n c: 2\n",
         "line 3, column 2: did not find expected key (while parsing a block mapping): is the indentation right?"},
        {"a:\n  - x\n b: 1\n",
         "line 3, column 2: did not find expected key (while parsing a block mapping): is the indentation right?"},
        {"a:\n  - x\n  b: 1\n", "line 3, column 3: did not find expected '-' indicator (while parsing a block "
                                "collection): is the indentation right?"},
        {"a: \"x\" y\n",
         "line 1, column 8: did not find expected key (while parsing a block mapping): does a quote end too early?"},
        {"  a: 1\nb: 2\n", "line 2, column 1: did not find expected <document start>: is the indentation right?"},
        {"b: 1\na: 'x\nc: 1\n", "line 2, column 4: this quote isn't closed"},
        {"a: \"x\n---\nb: 1\n", "line 1, column 4: this quote isn't closed"},
        {"a: - b\n", "line 1, column 4: block sequence entries are not allowed in this context: a list begins on a "
                     "line of its own"},
        {"a: x\nbb\nc: 1\n", "line 2, column 1: no \": \" behind this key"},
        {"a: \"C:\\dir\"\n", "line 1, column 7: in double quotes \\ begins an escape: double it, or use single quotes"},
        {"a: {{ .Values.x }}\n",
         "line 1, column 5: a key must be a text: {{ looks like a Helm template that wasn't rendered"},
        {"\xc3\xa4: 1\na:\n  {{- if .Values.x }}\n",
         "line 3, column 4: a key must be a text: {{ looks like a Helm template that wasn't rendered"},
        {"a: { {b: 1}: 2}\n", "line 1, column 6: a key must be a text"},
    };
    SCOPED_ARENA(arena);
    for (size_t i = 0; i < COUNT(cases); i++)
        expect_refused(arena, cases[i].yaml, cases[i].error);
}

Test(yaml_slips, other_words_are_left_alone)
{
    cr_expect_null(gt_yaml_slip_of("something new", "", GT_STR("a"), 0));
    cr_expect_null(gt_yaml_slip_of("found unexpected end of stream", "while scanning a tag", GT_STR(""), 0));
    cr_expect_null(gt_yaml_slip_of("found character that cannot start any token", "", GT_STR(""), 0),
                   "no such character");
}
