#include "injector/same.h"

#include <stdio.h>
#include <stdlib.h>

#include "injector/template.h"

static bool is_any(gt_str key, const char *const *names)
{
    for (int i = 0; names[i] != NULL; i++)
        if (gt_str_is(key, names[i]))
            return true;
    return false;
}

/* Where a value stands decides what makes it equal. */
typedef struct site {
    gt_str key;
    bool amounts; /* a member of requests or limits */
} site;

static bool is_quantity(site at)
{
    static const char *const names[] = {"sizeLimit", "divisor", NULL};
    return at.amounts || is_any(at.key, names);
}

/* Booleans that the API server leaves out when they are false. */
static bool is_dropped_when_false(gt_str key)
{
    static const char *const names[] = {"readOnly", "stdin", "stdinOnce", "tty", NULL};
    return is_any(key, names);
}

static bool same_as_nothing(const gt_value *want, gt_str key)
{
    switch (want->type) {
    case GT_VALUE_NULL: return true;
    case GT_VALUE_STRING: return want->text.len == 0;
    case GT_VALUE_ARRAY: return want->count == 0;
    case GT_VALUE_BOOL: return !want->truth && is_dropped_when_false(key);
    default: return false;
    }
}

bool gt_view_quantity(gt_view have, gt_quantity *quantity)
{
    char text[32];
    if (gt_view_type_of(have) == GT_VIEW_STRING)
        return gt_quantity_parse(gt_view_str(have), quantity);
    if (gt_view_type_of(have) != GT_VIEW_NUMBER)
        return false;
    int n = snprintf(text, sizeof text, "%.15g", gt_view_number(have));
    return gt_quantity_parse((gt_str){text, (size_t)n}, quantity);
}

bool gt_same_quantity(gt_view have, const gt_value *want)
{
    gt_quantity a, b;
    return gt_view_quantity(have, &a) && gt_quantity_parse(want->text, &b) && gt_quantity_cmp(a, b) == 0;
}

static bool same_at(gt_view have, const gt_value *want, site at);

static bool same_members(gt_view have, const gt_value *want, site at)
{
    bool amounts = gt_str_is(at.key, "requests") || gt_str_is(at.key, "limits");
    GT_VALUE_EACH (member, want)
        if (!same_at(gt_view_get_str(have, member->key), member, (site){member->key, amounts}))
            return false;
    return true;
}

static bool same_elements(gt_view have, const gt_value *want)
{
    gt_view element = gt_view_first(have);
    GT_VALUE_EACH (wanted, want) {
        if (element.node == NULL || !same_at(element, wanted, (site){{"", 0}, false}))
            return false;
        element = gt_view_next(element);
    }
    return element.node == NULL;
}

static bool same_at(gt_view have, const gt_value *want, site at)
{
    gt_view_type type = gt_view_type_of(have);
    if (type == GT_VIEW_MISSING || type == GT_VIEW_NULL)
        return same_as_nothing(want, at.key);
    switch (want->type) {
    case GT_VALUE_NULL: return false;
    case GT_VALUE_BOOL: return type == GT_VIEW_BOOL && gt_view_true(have) == want->truth;
    case GT_VALUE_NUMBER:
        return (type == GT_VIEW_NUMBER && gt_view_number(have) == strtod(want->text.at, NULL)) ||
               (is_quantity(at) && gt_same_quantity(have, want));
    case GT_VALUE_STRING: return gt_same_text(have, want->text) || (is_quantity(at) && gt_same_quantity(have, want));
    case GT_VALUE_ARRAY: return type == GT_VIEW_ARRAY && same_elements(have, want);
    case GT_VALUE_OBJECT: return type == GT_VIEW_OBJECT && same_members(have, want, at);
    }
    return false;
}

bool gt_same(gt_view have, const gt_value *want, gt_str key)
{
    return same_at(have, want, (site){key, false});
}

bool gt_same_env(gt_view have, const gt_value *want)
{
    gt_view value = gt_view_get(have, "value"), from = gt_view_get(have, "valueFrom");
    if (!gt_same(have, want, (gt_str){"", 0}))
        return false;
    if (gt_value_get(want, "valueFrom") != NULL)
        return !gt_view_exists(value) || gt_view_is(value, "");
    bool empty = gt_value_str(gt_value_get(want, "value")).len == 0;
    return !gt_view_exists(from) && (!empty || !gt_view_exists(value) || gt_view_is(value, ""));
}

static bool same_or_neither(gt_view have, const gt_value *want, const char *member)
{
    const gt_value *ours = gt_value_get(want, member);
    gt_view theirs = gt_view_get(have, member);
    return ours != NULL || !gt_view_exists(theirs) || gt_view_is(theirs, "");
}

bool gt_same_mount(gt_view have, const gt_value *want)
{
    GT_VALUE_EACH (member, want)
        if (!gt_str_is(member->key, "mountPath") &&
            !same_at(gt_view_get_str(have, member->key), member, (site){member->key, false}))
            return false; /* the path was compared normalised */
    return gt_view_true(gt_view_get(have, "readOnly")) == gt_value_true(gt_value_get(want, "readOnly")) &&
           same_or_neither(have, want, "subPath") && same_or_neither(have, want, "subPathExpr");
}

bool gt_is_default_toleration(gt_view toleration)
{
    gt_view key = gt_view_get(toleration, "key");
    return (gt_view_is(key, "node.kubernetes.io/not-ready") || gt_view_is(key, "node.kubernetes.io/unreachable")) &&
           gt_view_is(gt_view_get(toleration, "effect"), "NoExecute") &&
           gt_view_is(gt_view_get(toleration, "operator"), "Exists") &&
           gt_view_number(gt_view_get(toleration, "tolerationSeconds")) == 300;
}

bool gt_same_text(gt_view have, gt_str want)
{
    return gt_view_type_of(have) == GT_VIEW_STRING && gt_str_eq(gt_view_str(have), want);
}

bool gt_same_path(gt_arena *arena, gt_view have, gt_str normal)
{
    if (gt_view_type_of(have) != GT_VIEW_STRING)
        return false;
    gt_str path = gt_view_str(have);
    return gt_str_eq(path, normal) || gt_str_eq(gt_path_normal(arena, path), normal);
}

bool gt_same_pattern(gt_view have, gt_str pattern)
{
    gt_str text = gt_view_str(have);
    size_t t = 0, p = 0, star = SIZE_MAX, resume = 0;
    if (gt_view_type_of(have) != GT_VIEW_STRING)
        return false;
    while (t < text.len) {
        if (p < pattern.len && pattern.at[p] == '*') {
            star = p++;
            resume = t;
        } else if (p < pattern.len && pattern.at[p] == text.at[t]) {
            p++;
            t++;
        } else if (star != SIZE_MAX) { /* the last star takes one more */
            p = star + 1;
            t = ++resume;
        } else {
            return false;
        }
    }
    while (p < pattern.len && pattern.at[p] == '*')
        p++;
    return p == pattern.len;
}

bool gt_view_starts(gt_view have, const char *prefix)
{
    return gt_str_starts(gt_view_str(have), prefix);
}

gt_str gt_view_name(gt_view object)
{
    return gt_view_str(gt_view_get(object, "name"));
}

gt_pointer gt_view_label(gt_arena *arena, gt_pointer element, gt_view name)
{
    gt_str text = gt_view_str(name);
    element.label = (gt_str){gt_arena_dup(arena, text.at, text.len), text.len};
    return element;
}

static bool has_word(gt_str text, gt_str word)
{
    for (size_t i = 0; i + word.len <= text.len; i++) {
        bool starts = i == 0 || strchr(" ,:", text.at[i - 1]) != NULL;
        bool ends = i + word.len == text.len || strchr(" ,", text.at[i + word.len]) != NULL;
        if (starts && ends && memcmp(text.at + i, word.at, word.len) == 0)
            return true;
    }
    return false;
}

bool gt_limit_range_set(gt_view note, gt_str container, gt_str resource, gt_str kind)
{
    gt_str text = gt_view_str(note);
    size_t start = 0;
    for (size_t i = 0; i <= text.len; i++) {
        if (i < text.len && text.at[i] != ';')
            continue;
        gt_str part = {text.at + start, i - start};
        start = i + 1;
        if (has_word(part, kind) && has_word(part, resource) && has_word(part, container))
            return true;
    }
    return false;
}

bool gt_view_passes(gt_view text, bool (*good)(gt_str text))
{
    return good(gt_view_str(text));
}

bool gt_view_below(gt_view member, const char *prefix, const gt_pointer *object, gt_pointer *place)
{
    *place = gt_member_str(object, gt_view_key(member));
    return gt_str_starts(place->name, prefix);
}

bool gt_view_is_volume_of(gt_view volume, bool (*good)(gt_str kind))
{
    GT_VIEW_EACH (member, volume)
        if (!gt_str_is(gt_view_key(member), "name") && gt_view_exists(member) && !good(gt_view_key(member)))
            return false;
    return true;
}
