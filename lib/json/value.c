#include "lib/json/value.h"

#include <assert.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

static gt_value *new_value(gt_arena *arena, gt_value_type type)
{
    gt_value *v = GT_NEW(arena, gt_value);
    v->type = type;
    return v;
}

gt_value *gt_value_null(gt_arena *arena)
{
    return new_value(arena, GT_VALUE_NULL);
}

gt_value *gt_value_bool(gt_arena *arena, bool truth)
{
    gt_value *v = new_value(arena, GT_VALUE_BOOL);
    v->truth = truth;
    return v;
}

gt_value *gt_value_number(gt_arena *arena, gt_str text)
{
    gt_value *v = new_value(arena, GT_VALUE_NUMBER);
    v->text = (gt_str){gt_arena_dup(arena, text.at, text.len), text.len};
    return v;
}

gt_value *gt_value_int(gt_arena *arena, int64_t number)
{
    char text[24];
    int n = snprintf(text, sizeof text, "%lld", (long long)number);
    return gt_value_number(arena, (gt_str){text, (size_t)n});
}

gt_value *gt_value_double(gt_arena *arena, double number)
{
    char text[32];
    int precision = 0; /* digits behind the first one */
    assert(isfinite(number));
    if (number == 0)
        number = 0; /* -0 is 0, as YAML's own whole -0 is */
    do
        snprintf(text, sizeof text, "%.*e", precision, number);
    while (strtod(text, NULL) != number && ++precision < 17);
    double size = fabs(number);
    size_t mantissa = strcspn(text, "e");
    int exponent = (int)strtol(text + mantissa + 1, NULL, 10);
    int decimals = precision - exponent; /* digits behind the point */
    gt_buf buf;
    gt_buf_init(&buf, arena, 40);
    if (size != 0 && (size < 1e-6 || size >= 1e21)) {
        gt_buf_printf(&buf, "%.*se%+d", (int)mantissa, text, exponent);
    } else if (decimals >= 0) {
        gt_buf_printf(&buf, "%.*f", decimals, number);
    } else { /* %f would go on with the binary number's digits where zeros do */
        for (size_t i = 0; i < mantissa; i++)
            if (text[i] != '.')
                gt_buf_byte(&buf, text[i]);
        for (; decimals < 0; decimals++)
            gt_buf_byte(&buf, '0');
    }
    gt_value *v = new_value(arena, GT_VALUE_NUMBER);
    v->text = gt_buf_slice(&buf);
    return v;
}

gt_value *gt_value_string(gt_arena *arena, gt_str text)
{
    gt_value *v = new_value(arena, GT_VALUE_STRING);
    v->text = (gt_str){gt_arena_dup(arena, text.at, text.len), text.len};
    return v;
}

gt_value *gt_value_lent(gt_arena *arena, gt_str text)
{
    gt_value *v = new_value(arena, GT_VALUE_STRING);
    v->text = text;
    return v;
}

gt_value *gt_value_array(gt_arena *arena)
{
    return new_value(arena, GT_VALUE_ARRAY);
}

gt_value *gt_value_object(gt_arena *arena)
{
    return new_value(arena, GT_VALUE_OBJECT);
}

static void append(gt_value *list, gt_value *child)
{
    assert(child->next == NULL && list->last != child && !list->shared);
    if (list->last == NULL)
        list->first = child;
    else
        list->last->next = child;
    list->last = child;
    list->count++;
}

void gt_value_push(gt_value *array, gt_value *child)
{
    assert(array->type == GT_VALUE_ARRAY);
    append(array, child);
}

void gt_value_append(gt_value *object, gt_str key, gt_value *child)
{
    assert(object->type == GT_VALUE_OBJECT);
    child->key = key;
    append(object, child);
}

void gt_value_set(gt_arena *arena, gt_value *object, gt_str key, gt_value *child)
{
    assert(object->type == GT_VALUE_OBJECT && child->next == NULL && !object->shared);
    gt_value *before = NULL;
    for (gt_value *old = object->first; old != NULL; before = old, old = old->next) {
        if (!gt_str_eq(old->key, key))
            continue;
        child->key = old->key;
        child->next = old->next;
        if (before == NULL)
            object->first = child;
        else
            before->next = child;
        if (object->last == old)
            object->last = child;
        return;
    }
    gt_value_append(object, (gt_str){gt_arena_dup(arena, key.at, key.len), key.len}, child);
}

gt_value *gt_value_ref(gt_arena *arena, const gt_value *value)
{
    gt_value *copy = GT_NEW(arena, gt_value);
    *copy = *value;
    copy->next = NULL;
    copy->key = (gt_str){NULL, 0};
    copy->shared = value->first != NULL;
    return copy;
}

static gt_str copy_text(gt_arena *arena, gt_str text)
{
    return text.at == NULL ? text : (gt_str){gt_arena_dup(arena, text.at, text.len), text.len};
}

gt_value *gt_value_copy(gt_arena *arena, const gt_value *value)
{
    gt_value *copy = GT_NEW(arena, gt_value);
    *copy = *value;
    copy->text = copy_text(arena, value->text);
    copy->key = copy_text(arena, value->key);
    copy->next = copy->first = copy->last = NULL;
    copy->count = 0;
    copy->shared = false;
    for (const gt_value *child = value->first; child != NULL; child = child->next)
        append(copy, gt_value_copy(arena, child));
    return copy;
}

/* ---- readers ---- */

const gt_value *gt_value_get_str(const gt_value *object, gt_str key)
{
    if (object == NULL || object->type != GT_VALUE_OBJECT)
        return NULL;
    for (const gt_value *member = object->first; member != NULL; member = member->next)
        if (gt_str_eq(member->key, key))
            return member;
    return NULL;
}

gt_str gt_value_str(const gt_value *string)
{
    return string != NULL && string->type == GT_VALUE_STRING ? string->text : (gt_str){"", 0};
}

const gt_value *gt_value_given(const gt_value *object, const char *key)
{
    const gt_value *value = gt_value_get(object, key);
    return value == NULL || value->type == GT_VALUE_NULL ? NULL : value;
}

bool gt_value_true(const gt_value *boolean)
{
    return boolean != NULL && boolean->type == GT_VALUE_BOOL && boolean->truth;
}

bool gt_value_as_int(const gt_value *number, int64_t *value)
{
    if (number == NULL || number->type != GT_VALUE_NUMBER)
        return false;
    gt_str digits = number->text;
    bool negative = gt_str_starts(digits, "-");
    if (negative)
        digits = (gt_str){digits.at + 1, digits.len - 1};
    if (!gt_str_number(digits, 0, INT64_MAX, value))
        return false;
    if (negative)
        *value = -*value;
    return true;
}

/* Linear where both have one order, which is the rule. */
static bool same_members(const gt_value *a, const gt_value *b)
{
    if (a->count != b->count)
        return false;
    const gt_value *guess = b->first;
    for (const gt_value *member = a->first; member != NULL; member = member->next) {
        const gt_value *other = guess;
        if (guess == NULL || !gt_str_eq(guess->key, member->key))
            other = gt_value_get_str(b, member->key);
        if (other == NULL || !gt_value_equal(member, other))
            return false;
        guess = other->next;
    }
    return true;
}

static bool same_elements(const gt_value *a, const gt_value *b)
{
    const gt_value *y = b->first;
    for (const gt_value *x = a->first; x != NULL; x = x->next, y = y->next)
        if (y == NULL || !gt_value_equal(x, y))
            return false;
    return y == NULL;
}

bool gt_value_equal(const gt_value *a, const gt_value *b)
{
    if (a == NULL || b == NULL || a->type != b->type)
        return a == b;
    switch (a->type) {
    case GT_VALUE_NULL: return true;
    case GT_VALUE_BOOL: return a->truth == b->truth;
    case GT_VALUE_NUMBER:
    case GT_VALUE_STRING: return gt_str_eq(a->text, b->text);
    case GT_VALUE_ARRAY: return same_elements(a, b);
    case GT_VALUE_OBJECT: return same_members(a, b);
    }
    return false;
}

const char *gt_value_type_name(const gt_value *value)
{
    static const char *const names[] = {"null", "a boolean", "a number", "a string", "a list", "an object"};
    return value == NULL ? "nothing" : names[value->type];
}

/* ---- from a view ---- */

static bool number_from_view(gt_arena *arena, gt_view view, gt_value **value, gt_err *err)
{
    const double largest = 9007199254740992.0; /* 2^53: from there on a double stands for its neighbours, too */
    int64_t whole;
    double number = gt_view_number(view);
    if (gt_view_int(view, &whole)) {
        *value = gt_value_int(arena, whole);
        return true;
    }
    if (!(fabs(number) < largest))
        return gt_fail(err, GT_ERR_INPUT, "the number %.17g is too large to be exact: write it as a string", number);
    *value = gt_value_double(arena, number);
    return true;
}

static bool children_from_view(gt_arena *arena, gt_view view, gt_value *list, gt_err *err)
{
    GT_VIEW_EACH (child, view) {
        gt_value *copy;
        if (!gt_value_from_view(arena, child, &copy, err))
            return false;
        if (list->type == GT_VALUE_OBJECT) {
            gt_str key = gt_view_key(child);
            if (memmem(key.at, key.len, "\xc0\x80", 2) != NULL)
                return gt_fail(err, GT_ERR_INPUT, "a key holds a NUL character");
            copy->key = (gt_str){gt_arena_dup(arena, key.at, key.len), key.len};
        }
        append(list, copy); /* keys of a view are unique already */
    }
    return true;
}

bool gt_value_from_view(gt_arena *arena, gt_view view, gt_value **value, gt_err *err)
{
    switch (gt_view_type_of(view)) {
    case GT_VIEW_MISSING:
    case GT_VIEW_NULL: *value = gt_value_null(arena); return true;
    case GT_VIEW_BOOL: *value = gt_value_bool(arena, gt_view_true(view)); return true;
    case GT_VIEW_NUMBER: return number_from_view(arena, view, value, err);
    case GT_VIEW_STRING:
        if (gt_view_has_nul(view))
            return gt_fail(err, GT_ERR_INPUT, "a string holds a NUL character");
        *value = gt_value_string(arena, gt_view_str(view));
        return true;
    case GT_VIEW_ARRAY: *value = gt_value_array(arena); return children_from_view(arena, view, *value, err);
    case GT_VIEW_OBJECT: *value = gt_value_object(arena); return children_from_view(arena, view, *value, err);
    }
    return false;
}

/* ---- printing ---- */

/* What a character that can't stand in a string is written as; *n: its bytes. "" for a character beyond ASCII that can. */
static const char *escape_of(gt_str rest, char hex[8], size_t *n)
{
    static const char *const common[] = {
        ['\b'] = "\\b", ['\t'] = "\\t", ['\n'] = "\\n", ['\f'] = "\\f", ['\r'] = "\\r", ['"'] = "\\\"", ['\\'] = "\\\\",
    };
    unsigned char c = (unsigned char)rest.at[0];
    *n = 1;
    if (c < sizeof common / sizeof common[0] && common[c] != NULL)
        return common[c];
    if (c < 0x20) {
        snprintf(hex, 8, "\\u%04x", c);
        return hex;
    }
    *n = gt_str_utf8_char(rest);
    if (*n > 0)
        return "";
    bool nul = gt_str_starts(rest, "\xc0\x80");
    *n = nul ? 2 : 1;
    return nul ? "\\u0000" : "\xef\xbf\xbd";
}

static bool stands_as_it_is(char byte)
{
    unsigned char c = (unsigned char)byte;
    return c >= 0x20 && c < 0x80 && c != '"' && c != '\\';
}

/* Do these eight bytes stand as they are? A byte that doesn't is found by what a subtraction borrows into its high bit; a false alarm only
 * costs a look at the single bytes. */
static inline bool all_stand(uint64_t w)
{
    const uint64_t ones = 0x0101010101010101u, highs = 0x8080808080808080u;
    uint64_t quote = w ^ ones * '"', backslash = w ^ ones * '\\';
    uint64_t odd = w | (w - ones * 0x20) | ((quote - ones) & ~quote) | ((backslash - ones) & ~backslash);
    return (odd & highs) == 0;
}

/* Four to seven bytes as eight, some of them twice. */
static inline uint64_t widened(gt_str s)
{
    uint32_t head, tail;
    memcpy(&head, s.at, sizeof head);
    memcpy(&tail, s.at + s.len - sizeof tail, sizeof tail);
    return (uint64_t)head << 32 | tail;
}

/* Copies what stands as it is, up to the first byte that doesn't, and says how much that was. to: room for all of s. */
static size_t copy_plain(char *to, gt_str s)
{
    size_t i = 0;
    if (s.len >= 4 && s.len < 8 && all_stand(widened(s))) {
        memcpy(to, s.at, 4);
        memcpy(to + s.len - 4, s.at + s.len - 4, 4);
        return s.len;
    }
    for (uint64_t w; i + sizeof w <= s.len; i += sizeof w) {
        memcpy(&w, s.at + i, sizeof w);
        if (!all_stand(w))
            break;
        memcpy(to + i, &w, sizeof w);
        if (i + sizeof w < s.len && i + 2 * sizeof w > s.len)
            i = s.len - 2 * sizeof w; /* the last word overlaps the one before */
    }
    for (; i < s.len && stands_as_it_is(s.at[i]); i++)
        to[i] = s.at[i];
    return i;
}

void gt_json_text(gt_buf *buf, gt_str text)
{
    char hex[8];
    for (;;) {
        gt_buf_room(buf, text.len);
        size_t n = copy_plain(buf->at + buf->len, text);
        buf->len += n;
        buf->at[buf->len] = '\0';
        if (n == text.len)
            return;
        text = (gt_str){text.at + n, text.len - n};
        const char *escape = escape_of(text, hex, &n);
        if (escape[0] == '\0')
            gt_buf_add(buf, text.at, n);
        else
            gt_buf_text(buf, escape);
        text = (gt_str){text.at + n, text.len - n};
    }
}

void gt_json_string(gt_buf *buf, gt_str text)
{
    gt_buf_room(buf, text.len + 2);
    char *quoted = buf->at + buf->len;
    quoted[0] = '"';
    size_t n = copy_plain(quoted + 1, text);
    buf->len += n + 1;
    if (n < text.len)
        gt_json_text(buf, (gt_str){text.at + n, text.len - n}); /* hardly any has more to it than copying */
    gt_buf_byte(buf, '"');
}

typedef struct style {
    bool sorted;
    int indent; /* -1: compact */
} style;

static int by_key(const void *a, const void *b)
{
    const gt_value *const *x = a, *const *y = b;
    return gt_str_cmp((*x)->key, (*y)->key);
}

static void new_line(gt_buf *buf, int indent)
{
    if (indent >= 0)
        gt_buf_printf(buf, "\n%*s", indent, "");
}

static void print(gt_buf *buf, const gt_value *v, style s);

/* The children in the order of their keys, the same nodes in an array. */
static const gt_value **sorted(gt_arena *arena, const gt_value *object)
{
    const gt_value **order = GT_NEW_N(arena, const gt_value *, object->count);
    size_t n = 0;
    GT_VALUE_EACH (child, object)
        order[n++] = child;
    qsort(order, n, sizeof *order, by_key);
    return order;
}

static void print_children(gt_buf *buf, const gt_value *v, style s)
{
    bool object = v->type == GT_VALUE_OBJECT;
    const gt_value **order = object && s.sorted ? sorted(buf->arena, v) : NULL;
    const gt_value *child = v->first;
    style inner = {s.sorted, s.indent < 0 ? -1 : s.indent + 2};
    gt_buf_byte(buf, object ? '{' : '[');
    for (size_t i = 0; i < v->count; i++, child = child->next) {
        const gt_value *now = order == NULL ? child : order[i];
        if (i > 0)
            gt_buf_byte(buf, ',');
        new_line(buf, inner.indent);
        if (object) {
            gt_json_string(buf, now->key);
            gt_buf_byte(buf, ':');
            if (s.indent >= 0)
                gt_buf_byte(buf, ' ');
        }
        print(buf, now, inner);
    }
    if (v->count > 0)
        new_line(buf, s.indent);
    gt_buf_byte(buf, object ? '}' : ']');
}

static void print(gt_buf *buf, const gt_value *v, style s)
{
    switch (v->type) {
    case GT_VALUE_NULL: gt_buf_text(buf, "null"); break;
    case GT_VALUE_BOOL: gt_buf_text(buf, v->truth ? "true" : "false"); break;
    case GT_VALUE_NUMBER: gt_buf_str(buf, v->text); break;
    case GT_VALUE_STRING: gt_json_string(buf, v->text); break;
    case GT_VALUE_ARRAY:
    case GT_VALUE_OBJECT: print_children(buf, v, s); break;
    }
}

void gt_value_print(gt_buf *buf, const gt_value *value)
{
    print(buf, value, (style){.sorted = false, .indent = -1});
}

void gt_value_canonical(gt_buf *buf, const gt_value *value)
{
    print(buf, value, (style){.sorted = true, .indent = -1});
}

void gt_value_pretty(gt_buf *buf, const gt_value *value, int indent)
{
    print(buf, value, (style){.sorted = false, .indent = indent});
}
