/* Three ways to write a string, the first that fits: plain, when no reader of YAML 1.1 or 1.2 takes it for anything
 * else (the rule is narrow on purpose: quotes do no harm); a literal block, when it has lines (scripts stay readable);
 * double quotes. */
#include "lib/yaml/yaml.h"

#include "lib/yaml/typing.h"

enum { STEP = 2, LONGEST_SIMPLE_KEY = 1000 }; /* both readers give up on a key without "?" behind 1,024 characters */

static bool is_letter(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

/* 500m, 10Gi, 5m0s: the last letter is one that ends no number, not even of base 16. */
static bool is_plain_digits(gt_str s)
{
    char last = (char)(s.at[s.len - 1] | 0x20);
    for (size_t i = 0; i < s.len; i++)
        if (!is_letter(s.at[i]) && !is_digit(s.at[i]) && s.at[i] != '.' && s.at[i] != '-')
            return false;
    return last >= 'g' && is_letter(s.at[s.len - 1]);
}

static bool is_plain(gt_str s)
{
    if (s.len == 0 || gt_yaml_is_word(s))
        return false;
    if (is_digit(s.at[0]))
        return is_plain_digits(s);
    if (!is_letter(s.at[0]) && s.at[0] != '/' && s.at[0] != '_')
        return false;
    for (size_t i = 0; i < s.len; i++) {
        char c = s.at[i], next = i + 1 < s.len ? s.at[i + 1] : ' ';
        if (!is_letter(c) && !is_digit(c) && (c == '\0' || strchr(" /_.-+:@$()=%~", c) == NULL))
            return false;
        if ((c == ' ' || c == ':') && next == ' ')
            return false;
    }
    return true;
}

/* What both readers take raw between double quotes and in blocks, and what an editor shows. *n: bytes of the
 * character. */
static bool is_printable(gt_str rest, size_t *n)
{
    const unsigned char *p = (const unsigned char *)rest.at;
    *n = gt_str_utf8_char(rest);
    if (*n == 0) {
        *n = 1;
        return false;
    }
    if (p[0] < 0x80)
        return p[0] >= ' ' && p[0] < 0x7f;
    bool c1 = p[0] == 0xc2 && p[1] < 0xa0;
    bool separator = p[0] == 0xe2 && p[1] == 0x80 && (p[2] == 0xa8 || p[2] == 0xa9); /* U+2028, U+2029: line ends */
    bool byte_order = p[0] == 0xef && p[1] == 0xbb && p[2] == 0xbf;
    bool no_character = p[0] == 0xef && p[1] == 0xbf && p[2] >= 0xbe; /* U+FFFE, U+FFFF */
    return !c1 && !separator && !byte_order && !no_character;
}

/* Lines of printable characters, none of which ends in a blank; the first isn't empty and has no indent; at most one
 * newline ends it. */
static bool is_block(gt_str s)
{
    if (s.len < 2 || memchr(s.at, '\n', s.len) == NULL || s.at[0] == '\n' || s.at[0] == ' ' || s.at[0] == '\t')
        return false;
    if (gt_str_ends(s, "\n\n"))
        return false;
    for (size_t i = 0, n = 1; i < s.len; i += n) {
        bool ends = i + 1 == s.len || s.at[i + 1] == '\n';
        n = 1;
        if (s.at[i] == '\n')
            continue;
        if ((s.at[i] == ' ' || s.at[i] == '\t') && ends)
            return false;
        if (s.at[i] != '\t' && !is_printable((gt_str){s.at + i, s.len - i}, &n))
            return false;
    }
    return true;
}

static void write_indent(gt_buf *buf, int indent)
{
    gt_buf_printf(buf, "%*s", indent, "");
}

static unsigned code_point(const char *at, size_t n)
{
    const unsigned char *p = (const unsigned char *)at;
    unsigned code = n == 1 ? p[0] : p[0] & (0xffu >> (n + 1));
    for (size_t i = 1; i < n; i++)
        code = code << 6 | (p[i] & 0x3fu);
    return code;
}

static void write_quoted(gt_buf *buf, gt_str s)
{
    static const char short_escape[0x20] = {
        ['\0'] = '0', ['\b'] = 'b', ['\f'] = 'f', ['\n'] = 'n', ['\r'] = 'r', ['\t'] = 't',
    };
    gt_buf_byte(buf, '"');
    for (size_t i = 0, n; i < s.len; i += n) {
        gt_str rest = {s.at + i, s.len - i};
        unsigned char c = (unsigned char)s.at[i];
        bool nul = gt_str_starts(rest, "\xc0\x80"); /* see lib/json/view.h */
        if (c == '"' || c == '\\') {
            gt_buf_add(buf, (char[]){'\\', (char)c}, 2);
            n = 1;
        } else if (is_printable(rest, &n)) {
            gt_buf_add(buf, rest.at, n);
        } else if (nul || (c < 0x20 && short_escape[c] != '\0')) {
            gt_buf_add(buf, (char[]){'\\', nul ? '0' : short_escape[c]}, 2);
            n = nul ? 2 : 1;
        } else if (n == 1 && c >= 0x80) {
            gt_buf_text(buf, "\xef\xbf\xbd"); /* not UTF-8 */
        } else {
            unsigned code = code_point(rest.at, n);
            gt_buf_printf(buf, code < 0x100 ? "\\x%02x" : "\\u%04x", code);
        }
    }
    gt_buf_byte(buf, '"');
}

/* The lines stand at `indent`; the cursor is behind "key: " or "- ". */
static void write_block(gt_buf *buf, gt_str s, int indent)
{
    gt_buf_text(buf, gt_str_ends(s, "\n") ? "|\n" : "|-\n");
    for (size_t i = 0; i < s.len;) {
        const char *end = memchr(s.at + i, '\n', s.len - i);
        size_t n = end == NULL ? s.len - i : (size_t)(end - s.at) - i;
        if (n > 0)
            write_indent(buf, indent);
        gt_buf_add(buf, s.at + i, n);
        gt_buf_byte(buf, '\n');
        i += n + 1;
    }
}

/* YAML 1.1 wants a point in a float, and a sign in its exponent; -0 without a point would be an integer, which has no
 * such thing. */
static void write_number(gt_buf *buf, gt_str text)
{
    const char *mark = text.len == 0 ? NULL : memchr(text.at, 'e', text.len);
    if (mark == NULL)
        mark = text.len == 0 ? NULL : memchr(text.at, 'E', text.len);
    if (mark == NULL) {
        gt_buf_str(buf, text);
        gt_buf_text(buf, gt_str_is(text, "-0") ? ".0" : "");
        return;
    }
    gt_str mantissa = {text.at, (size_t)(mark - text.at)}, exponent = {mark + 1, text.len - mantissa.len - 1};
    gt_buf_str(buf, mantissa);
    gt_buf_text(buf, memchr(mantissa.at, '.', mantissa.len) == NULL ? ".0e" : "e");
    gt_buf_text(buf, gt_str_starts(exponent, "+") || gt_str_starts(exponent, "-") ? "" : "+");
    gt_buf_str(buf, exponent);
}

static bool is_full_list(const gt_value *v)
{
    return (v->type == GT_VALUE_ARRAY || v->type == GT_VALUE_OBJECT) && v->first != NULL;
}

/* Behind "key:" or "-": all that isn't a list with something in it, with the line's end. Block lines stand at
 * `indent`. */
static void write_scalar(gt_buf *buf, const gt_value *v, int indent)
{
    switch (v->type) {
    case GT_VALUE_NULL: gt_buf_text(buf, "null"); break;
    case GT_VALUE_BOOL: gt_buf_text(buf, v->truth ? "true" : "false"); break;
    case GT_VALUE_NUMBER: write_number(buf, v->text); break;
    case GT_VALUE_ARRAY: gt_buf_text(buf, "[]"); break;
    case GT_VALUE_OBJECT: gt_buf_text(buf, "{}"); break;
    case GT_VALUE_STRING:
        if (is_plain(v->text)) {
            gt_buf_str(buf, v->text);
        } else if (is_block(v->text)) {
            write_block(buf, v->text, indent);
            return;
        } else {
            write_quoted(buf, v->text);
        }
        break;
    }
    gt_buf_byte(buf, '\n');
}

static void write_key(gt_buf *buf, gt_str key, int indent)
{
    size_t start = buf->len;
    if (is_plain(key))
        gt_buf_str(buf, key);
    else
        write_quoted(buf, key);
    if (buf->len - start > LONGEST_SIMPLE_KEY) {
        gt_str text = {gt_arena_dup(buf->arena, buf->at + start, buf->len - start), buf->len - start};
        buf->len = start;
        gt_buf_text(buf, "? ");
        gt_buf_str(buf, text);
        gt_buf_byte(buf, '\n');
        write_indent(buf, indent);
    }
    gt_buf_byte(buf, ':');
}

static void write_children(gt_buf *buf, const gt_value *list, int indent, bool first_is_indented)
{
    GT_VALUE_EACH (child, list) {
        if (child != list->first || !first_is_indented)
            write_indent(buf, indent);
        if (list->type == GT_VALUE_OBJECT) {
            write_key(buf, child->key, indent);
            gt_buf_byte(buf, is_full_list(child) ? '\n' : ' ');
        } else {
            gt_buf_text(buf, "- ");
        }
        if (is_full_list(child))
            write_children(buf, child, indent + STEP, list->type == GT_VALUE_ARRAY);
        else
            write_scalar(buf, child, indent + STEP);
    }
}

void gt_yaml_print(gt_buf *buf, const gt_value *value, int indent)
{
    if (is_full_list(value)) {
        write_children(buf, value, indent, false);
        return;
    }
    write_indent(buf, indent);
    write_scalar(buf, value, indent + STEP);
}
