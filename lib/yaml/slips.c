#include "lib/yaml/slips.h"

#define TAB "a tab: YAML indents by spaces"
#define UNCLOSED "this quote isn't closed"
#define INDENTATION "is the indentation right?"
#define ESCAPE "in double quotes \\ begins an escape: double it, or use single quotes"
#define QUOTED "while scanning a quoted scalar"

/* The first row that fits. The words are libyaml 0.2.5's (scanner.c, parser.c); with other words its own come out. */
static const gt_yaml_slip slips[] = {
    {.problem = "found character that cannot start any token", .at = "\t", .instead = TAB},
    {.problem = "found a tab character that violates indentation", .instead = TAB},
    {.problem = "found a tab character where an indentation space is expected", .instead = TAB},
    {.problem = "found character that cannot start any token",
     .at = "@`%",
     .instead = "a text that begins with this character must be quoted"},
    {.problem = "found unexpected end of stream", .context = QUOTED, .opened = true, .instead = UNCLOSED},
    {.problem = "found unexpected document indicator", .context = QUOTED, .opened = true, .instead = UNCLOSED},
    {.problem = "did not find expected key", .where = GT_SLIP_LINE_START, .hint = INDENTATION},
    {.problem = "did not find expected key", .hint = "does a quote end too early?"},
    {.problem = "did not find expected '-' indicator", .hint = INDENTATION},
    {.problem = "did not find expected <document start>", .where = GT_SLIP_LINE_START, .hint = INDENTATION},
    {.problem = "mapping values are not allowed in this context",
     .hint = INDENTATION " (a text with \": \" in it must be quoted)"},
    {.problem = "block sequence entries are not allowed in this context", .hint = "a list begins on a line of its own"},
    {.problem = "could not find expected ':'", .opened = true, .instead = "no \": \" behind this key"},
    {.problem = "found unknown escape character", .instead = ESCAPE},
    {.problem = "did not find expected hexdecimal number", .instead = ESCAPE},
};

static bool is_first_in_line(gt_str text, size_t offset)
{
    while (offset > 0 && text.at[offset - 1] == ' ')
        offset--;
    return offset == 0 || text.at[offset - 1] == '\n' || text.at[offset - 1] == '\r';
}

static bool is_one_of(const char *some, gt_str text, size_t offset)
{
    return offset < text.len && text.at[offset] != '\0' && strchr(some, text.at[offset]) != NULL;
}

static bool fits(const gt_yaml_slip *slip, const char *problem, const char *context, gt_str text, size_t offset)
{
    return strcmp(slip->problem, problem) == 0 && (slip->context == NULL || strcmp(slip->context, context) == 0) &&
           (slip->at == NULL || is_one_of(slip->at, text, offset)) &&
           (slip->where == GT_SLIP_ANYWHERE || is_first_in_line(text, offset));
}

const gt_yaml_slip *gt_yaml_slip_of(const char *problem, const char *context, gt_str text, size_t offset)
{
    for (size_t i = 0; i < sizeof slips / sizeof *slips; i++)
        if (fits(&slips[i], problem, context, text, offset))
            return &slips[i];
    return NULL;
}

bool gt_yaml_is_placeholder(gt_str text, size_t offset)
{
    return offset > 0 && offset < text.len && text.at[offset] == '{' && text.at[offset - 1] == '{';
}
