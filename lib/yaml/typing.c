/* The order of the tests is go-yaml's, since it decides: 09 isn't octal, so it is a float, so it is 9. One thing
 * differs on purpose: a decimal integer beyond 64 bits keeps its digits, where go-yaml makes a float of it. */
#include "lib/yaml/typing.h"

#include <math.h>
#include <stdlib.h>
#include <strings.h>

static const struct word {
    const char *text[3];
    gt_value_type type;
    bool truth, surprising, not_finite;
} words[] = {
    {{"true", "True", "TRUE"}, .type = GT_VALUE_BOOL, .truth = true},
    {{"false", "False", "FALSE"}, .type = GT_VALUE_BOOL},
    {{"yes", "Yes", "YES"}, .type = GT_VALUE_BOOL, .truth = true, .surprising = true},
    {{"no", "No", "NO"}, .type = GT_VALUE_BOOL, .surprising = true},
    {{"on", "On", "ON"}, .type = GT_VALUE_BOOL, .truth = true, .surprising = true},
    {{"off", "Off", "OFF"}, .type = GT_VALUE_BOOL, .surprising = true},
    {{"y", "Y", "y"}, .type = GT_VALUE_BOOL, .truth = true, .surprising = true},
    {{"n", "N", "n"}, .type = GT_VALUE_BOOL, .surprising = true},
    {{"null", "Null", "NULL"}, .type = GT_VALUE_NULL},
    {{"~", "", "~"}, .type = GT_VALUE_NULL},
    {{".nan", ".NaN", ".NAN"}, .type = GT_VALUE_NUMBER, .not_finite = true},
    {{".inf", ".Inf", ".INF"}, .type = GT_VALUE_NUMBER, .not_finite = true},
    {{"+.inf", "+.Inf", "+.INF"}, .type = GT_VALUE_NUMBER, .not_finite = true},
    {{"-.inf", "-.Inf", "-.INF"}, .type = GT_VALUE_NUMBER, .not_finite = true},
};
enum { WORDS = sizeof words / sizeof words[0], LONGEST_WORD = 5 };

static const struct word *find_word(gt_str text)
{
    for (size_t i = 0; text.len <= LONGEST_WORD && i < WORDS; i++)
        for (size_t spelling = 0; spelling < 3; spelling++)
            if (gt_str_is(text, words[i].text[spelling]))
                return &words[i];
    return NULL;
}

bool gt_yaml_is_word(gt_str text)
{
    for (size_t i = 0; i < WORDS; i++)
        if (strlen(words[i].text[0]) == text.len && strncasecmp(words[i].text[0], text.at, text.len) == 0)
            return true;
    return text.len == 0;
}

/* ---- numbers ---- */

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static int digit_value(char c)
{
    if (is_digit(c))
        return c - '0';
    char lower = (char)(c | 0x20);
    return lower >= 'a' && lower <= 'f' ? lower - 'a' + 10 : 99;
}

typedef enum parsed { NOT_A_NUMBER, OUT_OF_RANGE, FITS } parsed;

static parsed parse_digits(gt_str s, unsigned base, uint64_t *number)
{
    parsed result = FITS;
    *number = 0;
    for (size_t i = 0; i < s.len; i++) {
        int digit = digit_value(s.at[i]);
        if (digit >= (int)base)
            return NOT_A_NUMBER;
        if (__builtin_mul_overflow(*number, base, number) || __builtin_add_overflow(*number, (unsigned)digit, number))
            result = OUT_OF_RANGE;
    }
    return result;
}

static gt_str skip(gt_str s, size_t n)
{
    return (gt_str){s.at + n, s.len - n};
}

/* strconv.ParseInt(s, 0, 64), and ParseUint where that is out of range. */
static parsed parse_integer(gt_str s, bool *negative, uint64_t *number)
{
    *negative = gt_str_starts(s, "-");
    bool sign = *negative || gt_str_starts(s, "+");
    gt_str digits = skip(s, sign);
    unsigned base = 10;
    if (digits.len == 0)
        return NOT_A_NUMBER;
    if (digits.at[0] == '0') {
        char mark = digits.len >= 3 ? (char)(digits.at[1] | 0x20) : '\0';
        base = mark == 'b' ? 2 : mark == 'x' ? 16 : 8;
        digits = skip(digits, mark == 'b' || mark == 'x' || mark == 'o' ? 2 : 1);
    }
    parsed result = parse_digits(digits, base, number);
    const uint64_t most = *negative ? (uint64_t)INT64_MAX + 1 : sign ? (uint64_t)INT64_MAX : UINT64_MAX;
    return result == FITS && *number > most ? OUT_OF_RANGE : result;
}

static size_t count_digits(gt_str s)
{
    size_t n = 0;
    while (n < s.len && is_digit(s.at[n]))
        n++;
    return n;
}

/* [-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?; *whole: neither point nor exponent */
static bool is_decimal(gt_str s, bool *whole)
{
    s = skip(s, gt_str_starts(s, "-") || gt_str_starts(s, "+"));
    size_t before = count_digits(s), after = 0;
    s = skip(s, before);
    *whole = s.len == 0;
    if (gt_str_starts(s, ".")) {
        after = count_digits(skip(s, 1));
        s = skip(s, 1 + after);
    }
    if (before + after == 0)
        return false;
    if (s.len > 0 && (s.at[0] | 0x20) == 'e') {
        s = skip(s, 1);
        s = skip(s, gt_str_starts(s, "-") || gt_str_starts(s, "+"));
        size_t exponent = count_digits(s);
        return exponent > 0 && exponent == s.len;
    }
    return s.len == 0;
}

static gt_yaml_plain number(gt_arena *arena, gt_str text, bool surprising)
{
    gt_yaml_plain plain = {.type = GT_VALUE_NUMBER, .text = text};
    if (surprising)
        plain.read_as = gt_arena_printf(arena, "the number %.*s", GT_STR_ARG(text));
    return plain;
}

static gt_yaml_plain integer(gt_arena *arena, bool negative, uint64_t size, bool surprising)
{
    const char *sign = negative && size != 0 ? "-" : "";
    return number(arena, gt_str_of(gt_arena_printf(arena, "%s%llu", sign, (unsigned long long)size)), surprising);
}

/* go-yaml looks behind "0b" once more, with a parser that takes a sign there: 0b-1 is -1. */
static bool parse_signed_binary(gt_str s, bool *negative, uint64_t *size)
{
    if (!gt_str_starts(s, "0b+") && !gt_str_starts(s, "0b-"))
        return false;
    *negative = s.at[2] == '-';
    return s.len > 3 && parse_digits(skip(s, 3), 2, size) == FITS && *size <= (uint64_t)INT64_MAX + *negative;
}

static gt_str without_underscores(gt_arena *arena, gt_str text)
{
    char *copy = gt_arena_alloc(arena, text.len + 1);
    size_t n = 0;
    for (size_t i = 0; i < text.len; i++)
        if (text.at[i] != '_')
            copy[n++] = text.at[i];
    return (gt_str){copy, n};
}

/* strconv.ParseFloat, which go-yaml asks alone where a point comes first, wants each underscore between digits. */
static bool underscores_part_digits(gt_str text)
{
    for (size_t i = 0; i < text.len; i++) {
        bool between = i > 0 && i + 1 < text.len && is_digit(text.at[i - 1]) && is_digit(text.at[i + 1]);
        if (text.at[i] == '_' && !between)
            return false;
    }
    return true;
}

/* A text that begins with a digit, a sign or a point. */
static gt_yaml_plain resolve_number(gt_arena *arena, gt_str text)
{
    bool negative = false, whole = false;
    uint64_t size = 0;
    gt_str plain = without_underscores(arena, text);
    if (text.at[0] == '.' && !underscores_part_digits(text))
        return (gt_yaml_plain){.type = GT_VALUE_STRING, .text = text};
    gt_str unsigned_part = skip(plain, gt_str_starts(plain, "-") || gt_str_starts(plain, "+"));
    bool surprising = plain.len < text.len || (unsigned_part.len > 1 && unsigned_part.at[0] == '0' &&
                                               unsigned_part.at[1] != '.' && (unsigned_part.at[1] | 0x20) != 'e');
    if (text.at[0] != '.' && parse_integer(plain, &negative, &size) == FITS)
        return integer(arena, negative, size, surprising);
    if (is_decimal(plain, &whole)) {
        double value = strtod(plain.at, NULL);
        if (whole && isfinite(value) && unsigned_part.at[0] != '0')
            return number(arena, negative ? plain : unsigned_part, surprising);
        if (isfinite(value))
            return number(arena, gt_value_double(arena, value)->text, surprising);
    }
    if (parse_signed_binary(plain, &negative, &size))
        return integer(arena, negative, size, true);
    return (gt_yaml_plain){.type = GT_VALUE_STRING, .text = text};
}

gt_yaml_plain gt_yaml_resolve(gt_arena *arena, gt_str text)
{
    const struct word *word = find_word(text);
    if (word != NULL) {
        gt_yaml_plain plain = {.type = word->type, .truth = word->truth, .not_finite = word->not_finite};
        if (word->type == GT_VALUE_BOOL)
            plain.text = gt_str_of(word->truth ? "true" : "false");
        if (word->surprising)
            plain.read_as = word->truth ? "the boolean true" : "the boolean false";
        return plain;
    }
    char c = text.at[0];
    if (is_digit(c) || c == '-' || c == '+' || c == '.')
        return resolve_number(arena, text);
    return (gt_yaml_plain){.type = GT_VALUE_STRING, .text = text};
}
