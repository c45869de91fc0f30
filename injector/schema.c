#include "injector/schema.h"

#include <stdint.h>

/* The same words as lib/kube/names.c and quantity.c have, for RE2. */
#define DNS_LABEL "[a-z0-9]([-a-z0-9]*[a-z0-9])?"
#define AMOUNT "(([0-9]+(\\.[0-9]*)?)|(\\.[0-9]+))"
#define QUANTITY "^\\+?" AMOUNT "(([KMGTPE]i)|[numkMGTPE]|([eE][+-]?" AMOUNT "))?$"

static gt_value *typed(gt_arena *arena, const char *type)
{
    gt_value *node = gt_value_object(arena);
    gt_value_put(arena, node, "type", gt_value_text(arena, type));
    return node;
}

/* ---- single values ---- */

gt_value *gt_schema_text(gt_arena *arena, int64_t longest)
{
    gt_value *node = typed(arena, "string");
    gt_value_put(arena, node, "maxLength", gt_value_int(arena, longest));
    return node;
}

gt_value *gt_schema_pattern(gt_arena *arena, int64_t longest, const char *pattern)
{
    gt_value *node = gt_schema_text(arena, longest);
    gt_value_put(arena, node, "pattern", gt_value_text(arena, pattern));
    return node;
}

gt_value *gt_schema_name(gt_arena *arena)
{
    return gt_schema_pattern(arena, GT_LONGEST_NAME, "^" DNS_LABEL "(\\." DNS_LABEL ")*$");
}

gt_value *gt_schema_label(gt_arena *arena)
{
    return gt_schema_pattern(arena, 63, "^" DNS_LABEL "$");
}

gt_value *gt_schema_role(gt_arena *arena)
{
    return gt_schema_pattern(arena, 63, GT_SCHEMA_ROLE);
}

gt_value *gt_schema_env_name(gt_arena *arena)
{
    return gt_schema_pattern(arena, GT_LONGEST_PATH, "^[ -<>-~]+$");
}

/* In allOf: an enum beside `nullable` refuses null, whatever it lists (kube-openapi, basicCommonValidator). */
gt_value *gt_schema_choice(gt_arena *arena, const char *const *choices)
{
    gt_value *node = gt_schema_text(arena, GT_LONGEST_NAME), *list = gt_value_array(arena),
             *row = gt_value_object(arena), *all = gt_value_array(arena);
    for (int i = 0; choices[i] != NULL; i++)
        gt_value_push(list, gt_value_text(arena, choices[i]));
    gt_value_put(arena, row, "enum", list);
    gt_value_push(all, row);
    gt_value_put(arena, node, "allOf", all);
    return node;
}

gt_value *gt_schema_integer(gt_arena *arena, int64_t least, int64_t most)
{
    gt_value *node = typed(arena, "integer");
    gt_value_put(arena, node, "format", gt_value_text(arena, "int64"));
    if (least != INT64_MIN)
        gt_value_put(arena, node, "minimum", gt_value_int(arena, least));
    if (most != INT64_MAX)
        gt_value_put(arena, node, "maximum", gt_value_int(arena, most));
    return node;
}

gt_value *gt_schema_bool(gt_arena *arena)
{
    return typed(arena, "boolean");
}

/* A number or a text; the pattern holds for texts alone. */
gt_value *gt_schema_quantity(gt_arena *arena)
{
    gt_value *node = gt_value_object(arena), *either = gt_value_array(arena);
    gt_value_push(either, typed(arena, "integer"));
    gt_value_push(either, typed(arena, "string"));
    gt_value_put(arena, node, "anyOf", either);
    gt_value_put(arena, node, "maxLength", gt_value_int(arena, GT_LONGEST_QUANTITY));
    gt_value_put(arena, node, "minimum", gt_value_int(arena, 0));
    gt_value_put(arena, node, "pattern", gt_value_text(arena, QUANTITY));
    gt_value_put(arena, node, "x-kubernetes-int-or-string", gt_value_bool(arena, true));
    return node;
}

/* ---- lists, maps, objects ---- */

static gt_value *list_of(gt_arena *arena, gt_value *items, int64_t most, const char *type)
{
    gt_value *node = typed(arena, "array");
    gt_value_put(arena, node, "maxItems", gt_value_int(arena, most));
    gt_value_put(arena, node, "items", items);
    gt_value_put(arena, node, "x-kubernetes-list-type", gt_value_text(arena, type));
    return node;
}

gt_value *gt_schema_list(gt_arena *arena, gt_value *items, int64_t most)
{
    return list_of(arena, items, most, "atomic");
}

gt_value *gt_schema_keyed(gt_arena *arena, gt_value *items, int64_t most, const char *key)
{
    gt_value *node = list_of(arena, gt_schema_require(arena, items, key), most, "map"), *keys = gt_value_array(arena);
    gt_value_push(keys, gt_value_text(arena, key));
    gt_value_put(arena, node, "x-kubernetes-list-map-keys", keys);
    return node;
}

gt_value *gt_schema_map(gt_arena *arena, gt_value *values, int64_t most)
{
    gt_value *node = typed(arena, "object");
    gt_value_put(arena, node, "maxProperties", gt_value_int(arena, most));
    gt_value_put(arena, node, "additionalProperties", values);
    return node;
}

gt_value *gt_schema_object(gt_arena *arena)
{
    return typed(arena, "object");
}

gt_value *gt_schema_open(gt_arena *arena)
{
    gt_value *node = typed(arena, "object");
    gt_value_put(arena, node, "x-kubernetes-preserve-unknown-fields", gt_value_bool(arena, true));
    return node;
}

/* ---- changing a node ---- */

/* A member that is a list or an object of the node's, made when it isn't there. */
static gt_value *part(gt_arena *arena, gt_value *node, const char *name, gt_value *(*make)(gt_arena *))
{
    for (gt_value *child = node->first; child != NULL; child = child->next)
        if (gt_str_is(child->key, name))
            return child;
    gt_value *child = make(arena);
    gt_value_put(arena, node, name, child);
    return child;
}

gt_value *gt_schema_nullable(gt_arena *arena, gt_value *node)
{
    gt_value_put(arena, node, "nullable", gt_value_bool(arena, true));
    return node;
}

/* Of a choice that the text doesn't name: `kubectl explain` shows no allOf. */
static void name_choices(gt_buf *text, const gt_value *node)
{
    const gt_value *row = gt_value_get(node, "allOf");
    bool named = true;
    size_t start = text->len;
    GT_VALUE_EACH (choice, row == NULL ? NULL : gt_value_get(row->first, "enum")) {
        named = named && strstr(text->at, choice->text.at) != NULL;
        gt_buf_printf(text, "%s%s", text->len == start ? ": " : ", ", choice->text.at);
    }
    if (named)
        text->len = start;
}

gt_value *gt_schema_describe(gt_arena *arena, gt_value *node, const char *what)
{
    gt_buf text;
    gt_buf_init(&text, arena, 128);
    gt_buf_text(&text, what);
    name_choices(&text, node);
    gt_value_put(arena, node, "description", gt_value_string(arena, gt_buf_slice(&text)));
    return node;
}

gt_value *gt_schema_rule(gt_arena *arena, gt_value *node, const char *rule, const char *message)
{
    gt_value *row = gt_value_object(arena);
    gt_value_put(arena, row, "rule", gt_value_text(arena, rule));
    gt_value_put(arena, row, "message", gt_value_text(arena, message));
    gt_value_push(part(arena, node, "x-kubernetes-validations", gt_value_array), row);
    return node;
}

gt_value *gt_schema_require(gt_arena *arena, gt_value *object, const char *member)
{
    gt_value *list = part(arena, object, "required", gt_value_array);
    gt_value_push(list, gt_value_text(arena, member));
    return object;
}

gt_value *gt_schema_member(gt_arena *arena, gt_value *object, const char *name, gt_value *child)
{
    gt_value_put(arena, part(arena, object, "properties", gt_value_object), name, child);
    return object;
}

gt_value *gt_schema_member_at(gt_arena *arena, gt_value *object, const char *path, gt_value *child)
{
    const char *dot;
    gt_value *inner = object;
    for (; (dot = strchr(path, '.')) != NULL; path = dot + 1) {
        gt_value *members = part(arena, inner, "properties", gt_value_object);
        inner = part(arena, members, gt_arena_dup(arena, path, (size_t)(dot - path)), gt_schema_object);
    }
    gt_schema_member(arena, inner, path, child);
    return inner;
}
