/* The specs: a node for each row of GT_SPEC_FIELDS and GT_POLICIES. */
#include "injector/schema.h"

#include "injector/choices.h"
#include "injector/event.h"
#include "injector/objects.h"
#include "injector/template.h"

/* ---- policy: a function for each word in the column "read by" ---- */

static gt_value *texts(gt_arena *arena, gt_value *item)
{
    return gt_schema_list(arena, item, GT_MOST_NAMES);
}

static gt_value *policy_security(gt_arena *arena)
{
    const char *names[GT_SECURITY_COUNT + 1] = {NULL};
    for (int i = 0; i < GT_SECURITY_COUNT; i++)
        names[i] = gt_security_names[i];
    return gt_schema_choice(arena, names);
}

static gt_value *policy_images(gt_arena *arena)
{
    return texts(arena, gt_schema_text(arena, GT_LONGEST_IMAGE));
}

static gt_value *policy_digest(gt_arena *arena)
{
    return gt_schema_bool(arena);
}

static gt_value *policy_events(gt_arena *arena)
{
    static const char *const keys[] = {
#define X(key, kind, path, what) key,
        GT_EVENTS(X)
#undef X
            NULL};
    return texts(arena, gt_schema_choice(arena, keys));
}

static gt_value *policy_roles(gt_arena *arena)
{
    return texts(arena, gt_schema_role(arena));
}

static gt_value *policy_maximum(gt_arena *arena)
{
    static const char *const names[] = {"cpu", "memory"};
    gt_value *node = gt_schema_object(arena);
    for (int i = 0; i < 2; i++)
        gt_schema_member(arena, node, names[i],
                         gt_schema_describe(arena, gt_schema_nullable(arena, gt_schema_quantity(arena)),
                                            gt_arena_printf(arena, "most %s of any container", names[i])));
    return node;
}

static gt_value *policy_creators(gt_arena *arena)
{
    static const char *const lists[] = {"users", "groups"};
    gt_value *row = gt_schema_object(arena);
    for (int i = 0; i < 2; i++) {
        gt_value *patterns = texts(arena, gt_schema_pattern(arena, GT_LONGEST_RAW_NAME, "^.+$"));
        gt_schema_member(arena, row, lists[i],
                         gt_schema_describe(arena, gt_schema_nullable(arena, patterns),
                                            gt_arena_printf(arena, "patterns of %s; * stands for any text", lists[i])));
    }
    gt_schema_rule(arena, row,
                   "(has(self.users) && dyn(self.users) != null && size(self.users) > 0) || "
                   "(has(self.groups) && dyn(self.groups) != null && size(self.groups) > 0)",
                   "needs users or groups: nobody could create such a pod");
    return gt_schema_map(arena, gt_schema_describe(arena, row, "who may create this role's pods"), GT_MOST_ELEMENTS);
}

static gt_value *policy_extras(gt_arena *arena)
{
    return gt_schema_choice(arena, gt_extras_names);
}

static gt_value *policy_allowed(gt_arena *arena)
{
    return texts(arena, gt_schema_label(arena));
}

static gt_value *policy_stuck(gt_arena *arena)
{
    return gt_schema_choice(arena, gt_stuck_names);
}

static gt_value *policy_rollout(gt_arena *arena)
{
    return gt_schema_choice(arena, gt_rollout_names);
}

gt_value *gt_schema_policy(gt_arena *arena)
{
    static gt_value *(*const makers[GT_POLICY_COUNT])(gt_arena *) = {
#define X(name, reader, what) policy_##reader,
        GT_POLICIES(X)
#undef X
    };
    gt_value *node = gt_schema_object(arena);
    for (size_t i = 0; i < GT_POLICY_COUNT; i++)
        gt_schema_member(arena, node, gt_policies[i].name,
                         gt_schema_describe(arena, gt_schema_nullable(arena, makers[i](arena)), gt_policies[i].what));
    return node;
}

/* ---- specs ---- */

static gt_value *by_role(gt_arena *arena)
{
    gt_value *roles = gt_schema_map(arena, gt_schema_template(arena, "the PodTemplate of a role"), GT_MOST_ROLES);
    return gt_schema_rule(arena, roles, "self.all(role, size(role) <= 63 && role.matches('" GT_SCHEMA_ROLE "'))",
                          "a role is lower-case letters, digits and '-', at most 63");
}

static bool is_needed(gt_spec_type type)
{
    return type == GT_SPEC_RAW_NAME || type == GT_SPEC_ROLE || type == GT_SPEC_SECRET;
}

static gt_value *not_empty(gt_arena *arena, gt_value *node)
{
    gt_value_put(arena, node, "minLength", gt_value_int(arena, 1));
    return node;
}

static gt_value *spec_node(gt_arena *arena, const gt_spec_field *field)
{
    switch (field->type) {
    case GT_SPEC_TEXT: return gt_schema_text(arena, GT_LONGEST_RAW_NAME);
    case GT_SPEC_RAW_NAME: return not_empty(arena, gt_schema_text(arena, GT_LONGEST_RAW_NAME));
    case GT_SPEC_ROLE: return gt_schema_role(arena);
    case GT_SPEC_SECRET: return gt_schema_name(arena);
    case GT_SPEC_KEY: return not_empty(arena, gt_schema_text(arena, GT_LONGEST_NAME));
    case GT_SPEC_PORT: return gt_schema_integer(arena, 1, 65535);
    case GT_SPEC_DURATION: return gt_schema_pattern(arena, 64, "^([0-9]+[smh])+$");
    case GT_SPEC_TEMPLATE: return gt_schema_template(arena, field->what);
    case GT_SPEC_TEMPLATES: return by_role(arena);
    case GT_SPEC_POLICY: return gt_schema_policy(arena);
    case GT_SPEC_OPEN: return gt_schema_open(arena);
    case GT_SPEC_STRUCT: return gt_schema_object(arena);
    }
    return NULL;
}

gt_value *gt_schema_spec(gt_arena *arena, gt_kind kind)
{
    gt_value *spec = gt_schema_object(arena);
    for (size_t i = 0; i < GT_SPEC_FIELD_COUNT; i++) {
        const gt_spec_field *field = &gt_spec_fields[i];
        if (field->kind != kind)
            continue;
        gt_value *node = gt_schema_describe(arena, spec_node(arena, field), field->what);
        if (!is_needed(field->type))
            gt_schema_nullable(arena, node);
        gt_value *parent = gt_schema_member_at(arena, spec, field->path, node);
        const char *dot = strrchr(field->path, '.');
        if (is_needed(field->type))
            gt_schema_require(arena, parent, dot == NULL ? field->path : dot + 1);
    }
    return spec;
}
