#include "webhook/compare.h"

#include "lib/base/show.h"

enum { SHOWN = 120 };

typedef struct comparison {
    gt_arena *arena;
    const gt_difference *first;
    gt_difference *last;
} comparison;

/* Members that others fill in by right: the parent's key, and theirs. */
static const struct {
    const char *parent, *key;
} others[] = {
    {"", "apiVersion"},           {"", "kind"},           {"", "metadata"}, {"", "status"},
    {"clientConfig", "caBundle"}, {"spec", "conversion"},
};

static bool is_others(gt_str parent, gt_str key)
{
    for (size_t i = 0; i < sizeof others / sizeof *others; i++)
        if (gt_str_is(parent, others[i].parent) && gt_str_is(key, others[i].key))
            return true;
    return false;
}

static bool is_list(const gt_value *value)
{
    return value != NULL && (value->type == GT_VALUE_ARRAY || value->type == GT_VALUE_OBJECT);
}

static bool is_nothing(const gt_value *value)
{
    return value == NULL || value->type == GT_VALUE_NULL || (is_list(value) && value->count == 0);
}

static gt_str shown(gt_arena *arena, const gt_value *value)
{
    gt_buf json, out;
    if (is_nothing(value))
        return GT_STR("nothing");
    gt_buf_init(&json, arena, 64);
    gt_value_print(&json, value);
    gt_buf_init(&out, arena, SHOWN);
    gt_show_text(&out, gt_buf_slice(&json), SHOWN);
    return gt_buf_slice(&out);
}

static void differ(comparison *c, gt_str path, const gt_value *shipped, const gt_value *found)
{
    gt_difference *made = GT_NEW(c->arena, gt_difference);
    *made = (gt_difference){.path = path, .shipped = shown(c->arena, shipped), .found = shown(c->arena, found)};
    if (c->last == NULL)
        c->first = made;
    else
        c->last->next = made;
    c->last = made;
}

static gt_str member_path(const comparison *c, gt_str path, gt_str key)
{
    return gt_show_printf(c->arena, path.len == 0 ? "%.*s%.*s" : "%.*s.%.*s", GT_STR_ARG(path), GT_STR_ARG(key));
}

static void walk(comparison *c, gt_str path, const gt_value *shipped, const gt_value *found);

static void walk_object(comparison *c, gt_str path, const gt_value *shipped, const gt_value *found)
{
    gt_str own = shipped->key;
    GT_VALUE_EACH (child, shipped)
        if (!is_others(own, child->key))
            walk(c, member_path(c, path, child->key), child, gt_value_get_str(found, child->key));
    GT_VALUE_EACH (child, found)
        if (!is_others(own, child->key) && gt_value_get_str(shipped, child->key) == NULL && !is_nothing(child))
            differ(c, member_path(c, path, child->key), NULL, child);
}

static const gt_value *named(const gt_value *list, const gt_value *name)
{
    GT_VALUE_EACH (child, list)
        if (gt_str_eq(gt_value_str(gt_value_get(child, "name")), gt_value_str(name)))
            return child;
    return NULL;
}

/* Entries of webhooks by their names: where they stand, and what stands beside them, is nobody's mistake. */
static void walk_entries(comparison *c, gt_str path, const gt_value *shipped, const gt_value *found)
{
    GT_VALUE_EACH (child, shipped) {
        const gt_value *name = gt_value_get(child, "name");
        gt_str at = gt_show_printf(c->arena, "%.*s[%.*s]", GT_STR_ARG(path), GT_STR_ARG(gt_value_str(name)));
        walk(c, at, child, named(found, name));
    }
}

static bool holds_objects(const gt_value *list)
{
    return list->first != NULL && list->first->type == GT_VALUE_OBJECT;
}

static void walk_array(comparison *c, gt_str path, const gt_value *shipped, const gt_value *found)
{
    const gt_value *theirs = found->first;
    size_t i = 0;
    if (gt_str_is(shipped->key, "webhooks")) {
        walk_entries(c, path, shipped, found);
        return;
    }
    if (!holds_objects(shipped)) {
        if (!gt_value_equal(shipped, found))
            differ(c, path, shipped, found);
        return;
    }
    for (const gt_value *ours = shipped->first; ours != NULL || theirs != NULL; i++) {
        gt_str at = gt_show_printf(c->arena, "%.*s[%zu]", GT_STR_ARG(path), i);
        if (ours == NULL)
            differ(c, at, NULL, theirs);
        else
            walk(c, at, ours, theirs);
        ours = ours == NULL ? NULL : ours->next;
        theirs = theirs == NULL ? NULL : theirs->next;
    }
}

static void walk(comparison *c, gt_str path, const gt_value *shipped, const gt_value *found)
{
    if (is_nothing(shipped) && is_nothing(found))
        return;
    if (found == NULL || found->type != shipped->type || !is_list(shipped)) {
        if (found == NULL || !gt_value_equal(shipped, found))
            differ(c, path, shipped, found);
        return;
    }
    if (shipped->type == GT_VALUE_OBJECT)
        walk_object(c, path, shipped, found);
    else
        walk_array(c, path, shipped, found);
}

const gt_difference *gt_compare(gt_arena *arena, const gt_value *shipped, const gt_value *found)
{
    comparison c = {.arena = arena};
    const gt_value *annotations = gt_value_get(gt_value_get(found, "metadata"), "annotations");
    GT_VALUE_EACH (wanted, gt_value_get(gt_value_get(shipped, "metadata"), "annotations"))
        walk(&c, gt_show_printf(arena, "metadata.annotations[%.*s]", GT_STR_ARG(wanted->key)), wanted,
             gt_value_get_str(annotations, wanted->key));
    walk(&c, (gt_str){"", 0}, shipped, found);
    return c.first;
}
