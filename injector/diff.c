#include "injector/diff.h"

#include "injector/check.h"
#include "injector/record.h"
#include "injector/template.h"
#include "injector/want.h"
#include "lib/base/map.h"

typedef struct named_list {
    const char *name;
    const char *keys[GT_WANT_KEYS + 1]; /* what tells elements apart */
    bool ordered;                       /* the order means something */
    bool deep;                          /* elements are told member by member */
} named_list;

static const named_list named_lists[] = {
    {"containers", {"name"}, true, true},
    {"initContainers", {"name"}, true, true},
    {"ephemeralContainers", {"name"}, false, true},
    {"env", {"name"}, true, false},
    {"envFrom", {"configMapRef", "secretRef", "prefix"}, true, false},
    {"volumes", {"name"}, false, false},
    {"volumeMounts", {"mountPath"}, false, false},
    {"ports", {"containerPort", "protocol"}, false, false},
    {"imagePullSecrets", {"name"}, false, false},
    {"tolerations", {"key", "operator", "value", "effect"}, false, false},
    {"topologySpreadConstraints", {"topologyKey", "whenUnsatisfiable"}, false, false},
    {"hostAliases", {"ip"}, false, false},
};

typedef struct differ {
    gt_arena *arena;
    gt_diff_options options;
    gt_difference *first, *last;
} differ;

static void add(differ *d, const gt_pointer *place, const gt_value *old, const gt_value *new)
{
    gt_difference *difference = GT_NEW(d->arena, gt_difference);
    *difference = (gt_difference){.place = place, .old = old, .new = new};
    if (d->last == NULL)
        d->first = difference;
    else
        d->last->next = difference;
    d->last = difference;
}

static void compare(differ *d, const gt_pointer *place, const gt_value *old, const gt_value *new, bool deep);

/* ---- objects ---- */

static const gt_value *given(const gt_value *object, gt_str key)
{
    const gt_value *member = gt_value_get_str(object, key);
    return member == NULL || member->type == GT_VALUE_NULL ? NULL : member;
}

static void compare_objects(differ *d, const gt_pointer *place, const gt_value *old, const gt_value *new)
{
    GT_VALUE_EACH (member, new)
        compare(d, gt_pointer_keep(d->arena, gt_member_str(place, member->key)), given(old, member->key),
                given(new, member->key), true);
    GT_VALUE_EACH (member, old)
        if (gt_value_get_str(new, member->key) == NULL)
            compare(d, gt_pointer_keep(d->arena, gt_member_str(place, member->key)), given(old, member->key), NULL,
                    true);
}

/* ---- lists of named things ---- */

typedef struct element {
    const gt_value *value;
    gt_str label, identity;
    struct element *match; /* in the other list */
    struct element *twin;  /* the next one with the same identity */
    size_t at;
} element;

static gt_str label_of(gt_arena *arena, const named_list *list, const gt_value *value)
{
    gt_str label = gt_element_label(value, list->keys);
    return strcmp(list->name, "volumeMounts") == 0 ? gt_path_normal(arena, label) : label;
}

static gt_str identity_of(gt_arena *arena, const named_list *list, const gt_value *value, gt_str label)
{
    gt_buf identity;
    gt_buf_init(&identity, arena, 64);
    if (strcmp(list->name, "volumeMounts") == 0)
        return label;
    for (int i = 0; list->keys[i] != NULL; i++) {
        const gt_value *key = gt_value_get(value, list->keys[i]);
        if (key != NULL)
            gt_value_canonical(&identity, key);
        gt_buf_byte(&identity, '\0');
    }
    return gt_buf_slice(&identity);
}

static element *elements_of(gt_arena *arena, const named_list *list, const gt_value *value, size_t *n)
{
    *n = value == NULL ? 0 : value->count;
    element *elements = GT_NEW_N(arena, element, *n);
    size_t i = 0;
    GT_VALUE_EACH (child, value) {
        element *e = &elements[i];
        *e = (element){.value = child, .label = label_of(arena, list, child), .at = i++};
        e->identity = identity_of(arena, list, child, e->label);
    }
    return elements;
}

/* The first of one identity meets the first of the other list, the second the second. */
static void match(gt_arena *arena, element *old, size_t olds, element *new, size_t news)
{
    gt_map map;
    gt_map_init(&map, arena);
    for (size_t i = olds; i-- > 0;)
        old[i].twin = gt_map_put(&map, old[i].identity, &old[i]);
    for (size_t i = 0; i < news; i++) {
        element *found = gt_map_get(&map, new[i].identity);
        while (found != NULL && found->match != NULL)
            found = found->twin;
        if (found == NULL)
            continue;
        found->match = &new[i];
        new[i].match = found;
    }
}

static gt_value *labels_of(gt_arena *arena, const element *elements, size_t n)
{
    gt_value *labels = gt_value_array(arena);
    for (size_t i = 0; i < n; i++)
        gt_value_push(labels, gt_value_string(arena, elements[i].label));
    return labels;
}

static void compare_order(differ *d, const gt_pointer *place, const element *old, size_t olds, const element *new,
                          size_t news)
{
    const element *before = NULL;
    bool moved = false;
    for (size_t i = 0; i < news; i++) {
        if (new[i].match == NULL)
            continue;
        moved = moved || (before != NULL && before->at > new[i].match->at);
        before = new[i].match;
    }
    if (moved)
        add(d, place, labels_of(d->arena, old, olds), labels_of(d->arena, new, news));
}

static void compare_named(differ *d, const gt_pointer *place, const named_list *list, const gt_value *old,
                          const gt_value *new)
{
    size_t olds, news;
    element *before = elements_of(d->arena, list, old, &olds), *after = elements_of(d->arena, list, new, &news);
    match(d->arena, before, olds, after, news);
    for (size_t i = 0; i < news; i++)
        compare(d, gt_pointer_keep(d->arena, gt_labelled(place, i, after[i].label)),
                after[i].match == NULL ? NULL : after[i].match->value, after[i].value, list->deep);
    for (size_t i = 0; i < olds; i++)
        if (before[i].match == NULL)
            compare(d, gt_pointer_keep(d->arena, gt_labelled(place, i, before[i].label)), before[i].value, NULL,
                    list->deep);
    if (list->ordered)
        compare_order(d, place, before, olds, after, news);
}

/* ---- values ---- */

static bool is(const gt_value *value, gt_value_type type)
{
    return value == NULL || value->type == type;
}

static bool has_only_objects(const gt_value *list)
{
    GT_VALUE_EACH (child, list)
        if (child->type != GT_VALUE_OBJECT)
            return false;
    return true;
}

static const named_list *named_list_at(const gt_pointer *place, const gt_value *old, const gt_value *new)
{
    if (place == NULL || place->step != GT_STEP_MEMBER || !has_only_objects(old) || !has_only_objects(new))
        return NULL;
    for (size_t i = 0; i < sizeof named_lists / sizeof *named_lists; i++)
        if (gt_str_is(place->name, named_lists[i].name))
            return &named_lists[i];
    return NULL;
}

static bool in_parts(const differ *d, const gt_pointer *place)
{
    return d->options.in_parts != NULL && d->options.in_parts(d->options.context, place);
}

static void compare(differ *d, const gt_pointer *place, const gt_value *old, const gt_value *new, bool deep)
{
    if ((old == NULL && new == NULL) || (old != NULL && new != NULL &&gt_value_equal(old, new)))
        return;
    bool both = old != NULL && new != NULL, parts = deep && (both || in_parts(d, place));
    const named_list *list = is(old, GT_VALUE_ARRAY) && is(new, GT_VALUE_ARRAY) ? named_list_at(place, old, new) : NULL;
    if (parts && is(old, GT_VALUE_OBJECT) && is(new, GT_VALUE_OBJECT))
        compare_objects(d, place, old, new);
    else if (parts && list != NULL)
        compare_named(d, place, list, old, new);
    else
        add(d, place, old, new);
}

const gt_difference *gt_diff(gt_arena *arena, const gt_value *old, const gt_value *new, gt_diff_options options)
{
    differ d = {.arena = arena, .options = options};
    compare(&d, NULL, old, new, true);
    return d.first;
}
