/* Three passes write into the options, each over what the one before left: defaults, environment, flags. A default
 * goes through the same parser as what a user writes, so that a table with a bad one fails on the program's first
 * start. */
#include "lib/base/settings.h"

#include <assert.h>
#include <stdlib.h>

typedef struct parser {
    gt_arena *arena;
    const gt_setting *table;
    size_t n;
    char **argv;
    int argc, at; /* at: the next word */
    void *options;
    bool *seen; /* by row: given as a flag */
} parser;

/* ---- values ---- */

static bool signed_number(gt_str text, int64_t *number)
{
    bool negative = gt_str_starts(text, "-");
    if (negative)
        text = (gt_str){text.at + 1, text.len - 1};
    if (!gt_str_number(text, 0, INT64_MAX, number))
        return false;
    *number = negative ? -*number : *number;
    return true;
}

static const struct unit {
    const char *name;
    int64_t ms;
} units[] = {{"ms", 1}, {"s", 1000}, {"m", 60 * 1000}, {"h", 60 * 60 * 1000}};
enum { UNITS = sizeof units / sizeof units[0] };

static bool duration(gt_str text, int64_t *ms)
{
    for (size_t i = 0; i < UNITS; i++) {
        gt_str digits = {text.at, text.len - strlen(units[i].name)};
        int64_t number;
        if (gt_str_ends(text, units[i].name) && gt_str_number(digits, 0, INT64_MAX, &number))
            return !__builtin_mul_overflow(number, units[i].ms, ms);
    }
    return false;
}

static const char *duration_text(gt_arena *arena, int64_t ms)
{
    size_t i = UNITS - 1;
    while (ms % units[i].ms != 0 || (ms == 0 && i > 1))
        i--;
    return gt_arena_printf(arena, "%lld%s", (long long)(ms / units[i].ms), units[i].name);
}

static bool boolean(gt_str text, bool *truth)
{
    *truth = gt_str_is(text, "true") || gt_str_is(text, "1");
    return *truth || gt_str_is(text, "false") || gt_str_is(text, "0");
}

/* Where the word stands among words parted by blanks. */
static bool choice(const char *choices, gt_str word, int64_t *index)
{
    *index = 0;
    for (const char *at = choices;; (*index)++) {
        size_t n = strcspn(at, " ");
        if (gt_str_eq((gt_str){at, n}, word))
            return true;
        if (at[n] == '\0')
            return false;
        at += n + 1;
    }
}

static bool in_range(const gt_setting *s, int64_t number)
{
    return (s->min == 0 && s->max == 0) || (number >= s->min && number <= s->max);
}

/* What a good value would be: "a whole number from 1 to 64". */
static const char *wanted(gt_arena *arena, const gt_setting *s)
{
    bool any = s->min == 0 && s->max == 0;
    switch (s->type) {
    case GT_SET_STRING: break;
    case GT_SET_INT:
        return any ? "a whole number"
                   : gt_arena_printf(arena, "a whole number from %lld to %lld", (long long)s->min, (long long)s->max);
    case GT_SET_BOOL: return "true or false";
    case GT_SET_DURATION:
        return any ? "a duration such as 500ms, 10s, 5m or 2h"
                   : gt_arena_printf(arena, "a duration from %s to %s", duration_text(arena, s->min),
                                     duration_text(arena, s->max));
    case GT_SET_CHOICE: return gt_arena_printf(arena, "one of: %s", s->choices);
    }
    return "a text";
}

static void append(gt_arena *arena, gt_setting_list *list, const char *text)
{
    if ((list->count & (list->count - 1)) == 0) { /* full at each power of two */
        const char **at = GT_NEW_N(arena, const char *, list->count == 0 ? 1 : list->count * 2);
        if (list->count > 0)
            memcpy(at, list->at, list->count * sizeof *at);
        list->at = at;
    }
    list->at[list->count++] = text;
}

/* Puts what `text` says into the options; source: where it was written, for the message. */
static bool assign(parser *p, const gt_setting *s, const char *text, const char *source, gt_err *err)
{
    char *member = (char *)p->options + s->offset;
    gt_str word = gt_str_of(text);
    int64_t number = 0;
    bool truth = false, good = true;
    switch (s->type) {
    case GT_SET_STRING: break;
    case GT_SET_INT: good = signed_number(word, &number) && in_range(s, number); break;
    case GT_SET_DURATION: good = duration(word, &number) && in_range(s, number); break;
    case GT_SET_CHOICE: good = choice(s->choices, word, &number); break;
    case GT_SET_BOOL: good = boolean(word, &truth); break;
    }
    if (!good)
        return gt_fail(err, GT_ERR_INPUT, "%s: \"%s\" is not %s", source, text, wanted(p->arena, s));
    if (s->type == GT_SET_BOOL)
        memcpy(member, &truth, sizeof truth);
    else if (s->type != GT_SET_STRING)
        memcpy(member, &number, sizeof number);
    else if (s->repeat)
        append(p->arena, (gt_setting_list *)(void *)member, text);
    else
        memcpy(member, &text, sizeof text);
    return true;
}

/* ---- defaults and environment ---- */

static void clear(const gt_setting *s, void *options)
{
    static const size_t sizes[] = {
        [GT_SET_STRING] = sizeof(const char *), [GT_SET_INT] = sizeof(int64_t),    [GT_SET_BOOL] = sizeof(bool),
        [GT_SET_DURATION] = sizeof(int64_t),    [GT_SET_CHOICE] = sizeof(int64_t),
    };
    memset((char *)options + s->offset, 0, s->repeat ? sizeof(gt_setting_list) : sizes[s->type]);
}

static bool before_flags(parser *p, const gt_setting *s, gt_err *err)
{
    assert(!s->repeat || s->type == GT_SET_STRING);
    clear(s, p->options);
    if (s->fallback != NULL && !assign(p, s, s->fallback, "default", err))
        return gt_wrap(err, "--%s", s->flag);
    const char *value = s->env == NULL ? NULL : getenv(s->env);
    if (value == NULL)
        return true;
    clear(s, p->options);
    return assign(p, s, value, gt_arena_printf(p->arena, "environment %s", s->env), err);
}

/* ---- flags ---- */

static const gt_setting *by_name(const parser *p, gt_str name)
{
    for (size_t i = 0; i < p->n; i++)
        if (gt_str_is(name, p->table[i].flag))
            return &p->table[i];
    return NULL;
}

static const gt_setting *by_letter(const parser *p, char letter)
{
    for (size_t i = 0; i < p->n; i++)
        if (p->table[i].letter == letter)
            return &p->table[i];
    return NULL;
}

static bool unknown(const parser *p, const char *word, gt_str name, gt_err *err)
{
    size_t best = name.len < 4 ? 1 : 2;
    const gt_setting *near = NULL;
    for (size_t i = 0; i < p->n; i++) {
        size_t distance = gt_str_distance(name, gt_str_of(p->table[i].flag), best);
        if (distance <= best && (near == NULL || distance < best)) {
            near = &p->table[i];
            best = distance;
        }
    }
    return near == NULL ? gt_fail(err, GT_ERR_INPUT, "unknown flag %s", word)
                        : gt_fail(err, GT_ERR_INPUT, "unknown flag %s (did you mean --%s?)", word, near->flag);
}

/* A flag that the user gave. value: what stood behind its "=", or NULL. */
static bool given(parser *p, const gt_setting *s, const char *value, const char *source, gt_err *err)
{
    size_t row = (size_t)(s - p->table);
    if (value == NULL && s->type == GT_SET_BOOL)
        value = "true";
    if (value == NULL && p->at == p->argc)
        return gt_fail(err, GT_ERR_INPUT, "%s needs a value (%s)", source, s->arg);
    if (value == NULL)
        value = p->argv[p->at++];
    if (s->repeat && !p->seen[row])
        clear(s, p->options); /* the first one replaces what default and environment said */
    p->seen[row] = true;
    return assign(p, s, value, source, err);
}

static bool long_flag(parser *p, const char *word, gt_err *err)
{
    const char *equals = strchr(word, '=');
    gt_str flag = equals == NULL ? gt_str_of(word) : (gt_str){word, (size_t)(equals - word)};
    gt_str name = {flag.at + 2, flag.len - 2};
    const char *source = gt_arena_dup(p->arena, flag.at, flag.len);
    const gt_setting *s = by_name(p, name);
    if (s != NULL)
        return given(p, s, equals == NULL ? NULL : equals + 1, source, err);
    if (gt_str_starts(name, "no-"))
        s = by_name(p, (gt_str){name.at + 3, name.len - 3});
    if (s != NULL && s->type == GT_SET_BOOL)
        return equals == NULL ? given(p, s, "false", source, err)
                              : gt_fail(err, GT_ERR_INPUT, "%s takes no value", source);
    return unknown(p, source, name, err);
}

static bool short_flag(parser *p, const char *word, gt_err *err)
{
    const gt_setting *s = word[2] == '\0' ? by_letter(p, word[1]) : NULL;
    if (s != NULL)
        return given(p, s, NULL, word, err);
    s = by_letter(p, word[1]);
    if (s != NULL && s->type != GT_SET_BOOL && word[2] == '=')
        return gt_fail(err, GT_ERR_INPUT, "unknown flag %s (did you mean -%c %s or --%s=%s?)", word, s->letter,
                       word + 3, s->flag, word + 3);
    if (s != NULL && s->type != GT_SET_BOOL)
        return gt_fail(err, GT_ERR_INPUT, "unknown flag %s (did you mean -%c %s?)", word, s->letter, word + 2);
    return unknown(p, word, gt_str_of(word + 1), err);
}

static bool flag(parser *p, const char *word, gt_err *err)
{
    return word[1] == '-' ? long_flag(p, word, err) : short_flag(p, word, err);
}

bool gt_settings_parse(gt_arena *arena, const gt_setting *table, size_t n, int argc, char **argv, void *options,
                       gt_setting_list *rest, gt_err *err)
{
    parser p = {.arena = arena, .table = table, .n = n, .argv = argv, .argc = argc, .at = 1, .options = options};
    p.seen = GT_NEW_N(arena, bool, n);
    *rest = (gt_setting_list){0};
    for (size_t i = 0; i < n; i++)
        if (!before_flags(&p, &table[i], err))
            return false;
    bool flags_ended = false;
    while (p.at < argc) {
        const char *word = argv[p.at++];
        if (flags_ended || word[0] != '-' || word[1] == '\0') /* a bare "-" is a word: standard input, mostly */
            append(arena, rest, word);
        else if (strcmp(word, "--") == 0)
            flags_ended = true;
        else if (!flag(&p, word, err))
            return false;
    }
    return true;
}

/* ---- help ---- */

enum { HELP_WIDTH = 100, WIDEST_FLAG = 34 };

static void describe_flag(const gt_setting *s, char *text, size_t size)
{
    char letter[] = "    ";
    if (s->letter != 0)
        snprintf(letter, sizeof letter, "-%c, ", s->letter);
    if (s->type == GT_SET_BOOL)
        snprintf(text, size, "  %s--%s", letter, s->flag);
    else
        snprintf(text, size, "  %s--%s %s", letter, s->flag, s->arg);
}

static void describe_value(const gt_setting *s, char *text, size_t size)
{
    const char *notes[8] = {0};
    size_t n = 0;
    if (s->repeat)
        notes[n++] = "; may be repeated";
    if (s->choices != NULL && s->type == GT_SET_CHOICE) {
        notes[n++] = "; one of: ";
        notes[n++] = s->choices;
    }
    if (s->env != NULL) {
        notes[n++] = "; environment ";
        notes[n++] = s->env;
    }
    if (s->fallback != NULL && !(s->type == GT_SET_BOOL && strcmp(s->fallback, "false") == 0)) {
        notes[n++] = "; default ";
        notes[n++] = s->fallback[0] == '\0' ? "empty" : s->fallback;
    }
    size_t len = (size_t)snprintf(text, size, "%s", s->help);
    for (size_t i = 0; i < n && len < size; i++)
        len += (size_t)snprintf(text + len, size - len, "%s%s", i == 0 ? " (" : "", i == 0 ? notes[i] + 2 : notes[i]);
    if (n > 0 && len < size)
        snprintf(text + len, size - len, ")");
}

/* Words of text from `column` on; further lines begin there, too. */
static void print_wrapped(FILE *to, const char *text, size_t column)
{
    size_t at = column;
    while (*text != '\0') {
        size_t n = strcspn(text, " ");
        if (at > column && at + 1 + n > HELP_WIDTH) {
            fprintf(to, "\n%*s", (int)column, "");
            at = column;
        } else if (at > column) {
            fputc(' ', to);
            at++;
        }
        fwrite(text, 1, n, to);
        at += n;
        text += n + (text[n] == ' ');
    }
    fputc('\n', to);
}

void gt_settings_help(FILE *to, const gt_setting *table, size_t n)
{
    char text[1024];
    size_t column = 0;
    for (size_t i = 0; i < n; i++) {
        describe_flag(&table[i], text, sizeof text);
        size_t width = strlen(text) + 2;
        if (width > column && width <= WIDEST_FLAG)
            column = width;
    }
    for (size_t i = 0; i < n; i++) {
        describe_flag(&table[i], text, sizeof text);
        bool wide = strlen(text) + 2 > column;
        fprintf(to, "%-*s%s", wide ? 0 : (int)column, text, wide ? "\n" : "");
        if (wide)
            fprintf(to, "%*s", (int)column, "");
        describe_value(&table[i], text, sizeof text);
        print_wrapped(to, text, column);
    }
}
