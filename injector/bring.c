/* The containers that templates bring: init containers and sidecars, from their documents to wants. */
#include "injector/target.h"
#include "injector/template.h"

static void add_list(gt_target *target, gt_want *container, const gt_value *elements, const char *name, gt_rule rule,
                     const char *by, gt_from from)
{
    gt_want *list = gt_want_new(target->arena, container, gt_str_of(name), rule);
    GT_VALUE_EACH (element, elements) {
        gt_str key = gt_value_str(gt_value_get(element, by));
        if (rule == GT_RULE_MOUNTS)
            key = gt_path_normal(target->arena, key);
        gt_want_leaf(target->arena, list, key, element, from)->secret = rule == GT_RULE_ENV;
    }
}

static void add_members(gt_target *target, gt_want *object, const gt_value *value, gt_from from, int levels)
{
    GT_VALUE_EACH (inner, value) {
        if (inner->type == GT_VALUE_NULL)
            continue;
        if (levels > 1 && inner->type == GT_VALUE_OBJECT)
            add_members(target, gt_want_new(target->arena, object, inner->key, GT_RULE_OBJECT), inner, from,
                        levels - 1);
        else
            gt_want_leaf(target->arena, object, inner->key, inner, from);
    }
}

/* What every container of ours has, whatever its template says or leaves out. */
void gt_target_harden(gt_target *target, gt_want *container)
{
    gt_want *security = gt_want_member(target->arena, container, "securityContext", GT_RULE_OBJECT);
    gt_want *capabilities = gt_want_member(target->arena, security, "capabilities", GT_RULE_OBJECT);
    gt_from from = gt_from_engine("role profile");
    bool escalation = false, drop = false;
    for (const gt_want *child = security->first; child != NULL; child = child->next)
        escalation = escalation || gt_str_is(child->name, "allowPrivilegeEscalation");
    for (const gt_want *child = capabilities->first; child != NULL; child = child->next)
        drop = drop || gt_str_is(child->name, "drop");
    if (!escalation)
        gt_want_leaf(target->arena, security, GT_STR("allowPrivilegeEscalation"), gt_value_bool(target->arena, false),
                     from);
    if (drop)
        return;
    gt_value *all = gt_value_array(target->arena);
    gt_value_push(all, gt_value_text(target->arena, "ALL"));
    gt_want_leaf(target->arena, capabilities, GT_STR("drop"), all, from);
}

static void add_container(gt_target *target, gt_want *list, const gt_value *template, bool native, bool last,
                          gt_from from)
{
    static const char *const port_keys[] = {"containerPort", "protocol", NULL}, *const source_keys[] = {"configMapRef",
                                                                                                        "secretRef",
                                                                                                        "prefix", NULL};
    gt_want *container = gt_want_new(target->arena, list, gt_value_str(gt_value_get(template, "name")), GT_RULE_OBJECT);
    container->last_in_list = last;
    GT_VALUE_EACH (value, template) {
        gt_str name = value->key;
        if (gt_str_is(name, "mode") || gt_str_is(name, "start") || value->type == GT_VALUE_NULL)
            continue;
        if (gt_str_is(name, "env"))
            add_list(target, container, value, "env", GT_RULE_ENV, "name", from);
        else if (gt_str_is(name, "volumeMounts"))
            add_list(target, container, value, "volumeMounts", GT_RULE_MOUNTS, "mountPath", from);
        else if (gt_str_is(name, "ports"))
            gt_want_keyed(target->arena, container, "ports", port_keys, value, from);
        else if (gt_str_is(name, "envFrom"))
            gt_want_keyed(target->arena, container, "envFrom", source_keys, value, from);
        else if (gt_str_is(name, "securityContext") || gt_str_is(name, "resources"))
            add_members(target, gt_want_member(target->arena, container, name.at, GT_RULE_OBJECT), value, from, 2);
        else
            gt_want_leaf(target->arena, container, name, value, from);
    }
    if (native)
        gt_want_text(target->arena, container, "restartPolicy", "Always", from);
    gt_target_harden(target, container);
}

/* ---- order ---- */

typedef enum pass { START_FIRST, INIT, NATIVE, CLASSIC } pass;

static pass pass_of(const gt_value *sidecar)
{
    if (gt_value_is(gt_value_get(sidecar, "mode"), "classic"))
        return CLASSIC;
    return gt_value_is(gt_value_get(sidecar, "start"), "first") ? START_FIRST : NATIVE;
}

static void add_sidecars(gt_target *target, gt_want *list, pass wanted)
{
    gt_field_id field = wanted == INIT ? GT_FIELD_INIT_CONTAINERS : GT_FIELD_SIDECARS;
    const gt_cells *cells = &target->resolved->cells[field];
    for (uint32_t i = 0; i < cells->count; i++) {
        const gt_value *value = cells->at[i].value;
        if (value != NULL && (wanted == INIT || pass_of(value) == wanted))
            add_container(target, list, value, wanted == START_FIRST || wanted == NATIVE, wanted == CLASSIC,
                          gt_from_cell(field, &cells->at[i]));
    }
}

void gt_target_bring(gt_target *target)
{
    add_sidecars(target, target->inits, START_FIRST);
    gt_target_workspace(target);
    add_sidecars(target, target->inits, INIT);
    add_sidecars(target, target->inits, NATIVE);
    add_sidecars(target, target->containers, CLASSIC);
}
