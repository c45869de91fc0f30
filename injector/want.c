#include "injector/want.h"

gt_want *gt_want_new(gt_arena *arena, gt_want *parent, gt_str name, gt_rule rule)
{
    gt_want *want = GT_NEW(arena, gt_want);
    want->name = name;
    want->rule = rule;
    if (parent == NULL)
        return want;
    if (parent->last == NULL)
        parent->first = want;
    else
        parent->last->next = want;
    parent->last = want;
    return want;
}

gt_want *gt_want_leaf(gt_arena *arena, gt_want *parent, gt_str name, const gt_value *value, gt_from from)
{
    gt_want *want = gt_want_new(arena, parent, name, GT_RULE_VALUE);
    want->value = value;
    want->from = from;
    return want;
}

gt_from gt_from_cell(gt_field_id field, const gt_cell *cell)
{
    return (gt_from){.kind = GT_FROM_LAYER,
                     .layer = cell->origin,
                     .beaten = cell->beaten,
                     .detail_row = cell->detail_row,
                     .field = field,
                     .key = cell->key};
}

gt_from gt_from_engine(const char *detail)
{
    return (gt_from){.kind = GT_FROM_ENGINE, .detail = detail};
}

gt_from gt_from_identity(void)
{
    return (gt_from){.kind = GT_FROM_IDENTITY};
}

static bool is_list(gt_rule rule)
{
    return rule == GT_RULE_KEYED || rule == GT_RULE_ENV || rule == GT_RULE_MOUNTS || rule == GT_RULE_VOLUMES ||
           rule == GT_RULE_CONTAINERS;
}

gt_value *gt_want_value(gt_arena *arena, const gt_want *want)
{
    if (want->value != NULL)
        return gt_value_ref(arena, want->value);
    bool list = is_list(want->rule);
    gt_value *value = list ? gt_value_array(arena) : gt_value_object(arena);
    for (const gt_want *child = want->first; child != NULL; child = child->next) {
        if (list)
            gt_value_push(value, gt_want_value(arena, child));
        else
            gt_value_set(arena, value, child->name, gt_want_value(arena, child));
    }
    return value;
}

gt_want *gt_want_find_str(const gt_want *parent, gt_str name)
{
    for (gt_want *child = parent == NULL ? NULL : parent->first; child != NULL; child = child->next)
        if (gt_str_eq(child->name, name))
            return child;
    return NULL;
}

gt_want *gt_want_member(gt_arena *arena, gt_want *parent, const char *name, gt_rule rule)
{
    gt_want *child = gt_want_find(parent, name);
    return child != NULL ? child : gt_want_new(arena, parent, gt_str_of(name), rule);
}

gt_str gt_element_label(const gt_value *element, const char *const *keys)
{
    for (int i = 0; i < GT_WANT_KEYS && keys[i] != NULL; i++) {
        const gt_value *key = gt_value_get(element, keys[i]);
        const gt_value *name = key != NULL && key->type == GT_VALUE_OBJECT ? gt_value_get(key, "name") : key;
        if (name != NULL && name->text.len > 0)
            return name->text;
    }
    return (gt_str){"", 0};
}

void gt_want_keyed(gt_arena *arena, gt_want *parent, const char *name, const char *const *keys,
                   const gt_value *elements, gt_from from)
{
    if (elements->count == 0)
        return;
    gt_want *list = gt_want_new(arena, parent, gt_str_of(name), GT_RULE_KEYED);
    list->keys = keys;
    GT_VALUE_EACH (element, elements)
        gt_want_leaf(arena, list, gt_element_label(element, keys), element, from);
}
