#include "lib/json/check.h"

#include <assert.h>

/* What may come next. */
typedef enum expect { VALUE, VALUE_OR_END, KEY, KEY_OR_END, COLON, COMMA_OR_END, NOTHING } expect;

typedef struct check {
    gt_str text;
    size_t at;
    int depth, max_depth;
    char ends[GT_JSON_DEEPEST]; /* of the open lists: ] or } */
    gt_json_quirks *quirks;
} check;

static bool bad(size_t at, gt_err *err, const char *what)
{
    return gt_fail(err, GT_ERR_INPUT, "byte %zu: %s", at + 1, what);
}

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

/* ---- strings ---- */

static int hex4(gt_str s)
{
    int code = 0;
    for (size_t i = 0; i < 4; i++) {
        char c = i < s.len ? s.at[i] : '\0', lower = (char)(c | 0x20);
        if (!is_digit(c) && (lower < 'a' || lower > 'f'))
            return -1;
        code = code * 16 + (is_digit(c) ? c - '0' : lower - 'a' + 10);
    }
    return code;
}

static bool is_surrogate(int code, int first)
{
    return code >= first && code < first + 0x400;
}

static gt_str from(const check *c, size_t at)
{
    return at < c->text.len ? (gt_str){c->text.at + at, c->text.len - at} : (gt_str){"", 0};
}

/* At a backslash; leaves c->at behind the escape. */
static bool check_escape(check *c, gt_err *err)
{
    size_t start = c->at;
    gt_str rest = from(c, start + 1);
    if (rest.len > 0 && rest.at[0] != '\0' && strchr("\"\\/bfnrt", rest.at[0]) != NULL) {
        c->at += 2;
        return true;
    }
    int code = gt_str_starts(rest, "u") ? hex4(from(c, start + 2)) : -1;
    if (code < 0)
        return bad(start, err, "unknown escape in a string");
    c->at += 6;
    c->quirks->nul_escapes += code == 0;
    if (is_surrogate(code, 0xdc00))
        return bad(start, err, "second half of a surrogate pair without the first");
    if (!is_surrogate(code, 0xd800))
        return true;
    if (!gt_str_starts(from(c, c->at), "\\u") || !is_surrogate(hex4(from(c, c->at + 2)), 0xdc00))
        return bad(start, err, "first half of a surrogate pair without the second");
    c->at += 6;
    return true;
}

/* At the opening quote; leaves c->at behind the closing one. */
static bool check_string(check *c, gt_err *err)
{
    size_t start = c->at++;
    while (c->at < c->text.len) {
        unsigned char byte = (unsigned char)c->text.at[c->at];
        if (byte < 0x20)
            return bad(c->at, err, "control character in a string");
        if (byte == '\\') {
            if (!check_escape(c, err))
                return false;
            continue;
        }
        c->at++;
        if (byte == '"')
            return true;
    }
    return bad(start, err, "string without an end");
}

/* ---- numbers and words ---- */

static size_t skip_digits(check *c)
{
    size_t start = c->at;
    while (c->at < c->text.len && is_digit(c->text.at[c->at]))
        c->at++;
    return c->at - start;
}

static bool skip_one_of(check *c, const char *any)
{
    bool found = c->at < c->text.len && c->text.at[c->at] != '\0' && strchr(any, c->text.at[c->at]) != NULL;
    c->at += found;
    return found;
}

static bool check_number(check *c, gt_err *err)
{
    size_t start = c->at;
    skip_one_of(c, "-");
    bool zero = c->at < c->text.len && c->text.at[c->at] == '0';
    size_t whole = skip_digits(c);
    bool good = whole > 0 && (!zero || whole == 1);
    if (good && skip_one_of(c, "."))
        good = skip_digits(c) > 0;
    if (good && skip_one_of(c, "eE")) {
        skip_one_of(c, "+-");
        good = skip_digits(c) > 0;
    }
    c->quirks->long_numbers += c->at - start > GT_JSON_LONGEST_NUMBER;
    return good || bad(start, err, "not a number of JSON");
}

static bool check_word(check *c, gt_err *err)
{
    static const char *const words[] = {"true", "false", "null"};
    for (size_t i = 0; i < sizeof words / sizeof words[0]; i++) {
        if (gt_str_starts(from(c, c->at), words[i])) {
            c->at += strlen(words[i]);
            return true;
        }
    }
    return bad(c->at, err, "not JSON: a value is missing");
}

/* ---- structure ---- */

static expect behind_value(const check *c)
{
    return c->depth == 0 ? NOTHING : COMMA_OR_END;
}

static bool check_value(check *c, expect *next, gt_err *err)
{
    char first = c->text.at[c->at];
    if (first == '{' || first == '[') {
        c->at++;
        if (c->depth == c->max_depth)
            return gt_fail(err, GT_ERR_LIMIT, "byte %zu: more than %d levels deep", c->at, c->max_depth);
        c->ends[c->depth++] = first == '{' ? '}' : ']';
        *next = first == '{' ? KEY_OR_END : VALUE_OR_END;
        return true;
    }
    *next = behind_value(c);
    if (first == '"')
        return check_string(c, err);
    return first == '-' || is_digit(first) ? check_number(c, err) : check_word(c, err);
}

static bool check_key(check *c, expect *next, gt_err *err)
{
    *next = COLON;
    return c->text.at[c->at] == '"' ? check_string(c, err) : bad(c->at, err, "not JSON: a key in quotes is missing");
}

/* One step: a token, or what it consists of. */
static bool check_next(check *c, expect *next, gt_err *err)
{
    char first = c->text.at[c->at];
    bool may_end = *next == VALUE_OR_END || *next == KEY_OR_END || *next == COMMA_OR_END;
    if (may_end && first == c->ends[c->depth - 1]) {
        c->at++;
        c->depth--;
        *next = behind_value(c);
        return true;
    }
    switch (*next) {
    case VALUE:
    case VALUE_OR_END: return check_value(c, next, err);
    case KEY:
    case KEY_OR_END: return check_key(c, next, err);
    case COLON: *next = VALUE; return skip_one_of(c, ":") || bad(c->at, err, "not JSON: a colon is missing");
    case COMMA_OR_END:
        *next = c->ends[c->depth - 1] == '}' ? KEY : VALUE;
        return skip_one_of(c, ",") || bad(c->at, err, "not JSON: a comma or the list's end is missing");
    case NOTHING: break;
    }
    return bad(c->at, err, "something follows the end of the JSON");
}

bool gt_json_check(gt_str text, int max_depth, gt_json_quirks *quirks, gt_err *err)
{
    assert(max_depth > 0 && max_depth <= GT_JSON_DEEPEST);
    *quirks = (gt_json_quirks){0};
    check c = {.text = text, .max_depth = max_depth, .quirks = quirks};
    if (gt_str_starts(text, "\xef\xbb\xbf"))
        return bad(0, err, "byte order mark");
    size_t valid = gt_str_utf8_len(text);
    if (valid < text.len)
        return bad(valid, err, "invalid UTF-8");
    expect next = VALUE;
    bool empty = true;
    for (;;) {
        while (skip_one_of(&c, " \t\r\n"))
            continue;
        if (c.at == text.len)
            break;
        empty = false;
        if (!check_next(&c, &next, err))
            return false;
    }
    if (empty)
        return gt_fail(err, GT_ERR_INPUT, "empty: no JSON in it");
    return next == NOTHING || bad(c.at, err, "not JSON: it ends too early");
}
