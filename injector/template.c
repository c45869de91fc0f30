#include "injector/template.h"

#include "injector/roles.h"
#include "injector/security.h"
#include "lib/base/map.h"
#include "lib/kube/names.h"

typedef struct parser {
    gt_check *check;
    gt_layer *layer;
    gt_layer_id origin;
} parser;

static void set(parser *p, gt_field_id field, gt_str key, const gt_value *value)
{
    gt_layer_set(p->check->arena, p->layer, field, key, value, p->origin);
}

static bool is_security(gt_field_id field)
{
    return field == GT_FIELD_SECURITY || field == GT_FIELD_POD_SECURITY;
}

/* Takes away what is inherited at (field, key). */
static void unset(parser *p, const gt_pointer *place, const gt_value *at, gt_field_id field, gt_str key)
{
    if (is_security(field) && gt_role_layer_secures(field, key)) {
        gt_check_forbid(p->check, at, place, "can't be taken away: a template may not weaken the profile");
        return;
    }
    gt_merge_rule rule = gt_field_rows[field].merge;
    bool single = rule == GT_MERGE_WHOLE || (key.len > 0 && (rule == GT_MERGE_MAP || rule == GT_MERGE_NAMED));
    if (single)
        set(p, field, key, NULL);
    else
        gt_layer_clear(p->check->arena, p->layer, field, key, p->origin);
}

/* ---- one function per merge rule ---- */

static void parse_map(parser *p, const gt_pointer *place, gt_field_id field, const gt_value *map)
{
    if (map->type != GT_VALUE_OBJECT) {
        gt_check_error(p->check, map, place, "must be an object, is %s", gt_value_type_name(map));
        return;
    }
    GT_VALUE_EACH (member, map) {
        gt_pointer at = gt_member_str(place, member->key);
        if (!gt_is_qualified_name(member->key))
            gt_check_error(p->check, member, &at, "\"%.80s\" can't be a label's or annotation's key", member->key.at);
        else if (gt_str_starts(member->key, GT_APPARMOR_PREFIX) && !gt_security_apparmor(gt_value_str(member)))
            gt_check_forbid(p->check, member, &at, "would switch AppArmor off: a template may not weaken the profile");
        else if (field != GT_FIELD_NODE_SELECTOR && gt_key_is_ours(member->key))
            gt_check_error(p->check, member, &at, "keys under gastown.io belong to the system");
        else if (member->type == GT_VALUE_NULL)
            unset(p, &at, member, field, member->key);
        else if (gt_type_check(p->check, &at, member, gt_field_rows[field].type))
            set(p, field, member->key, member);
    }
}

/* An element of a list that is merged by name: checked by its field. */
static bool check_element(parser *p, const gt_pointer *at, gt_field_id field, const gt_value *element)
{
    switch (field) {
    case GT_FIELD_ENV: return gt_type_check_env(p->check, at, element);
    case GT_FIELD_VOLUMES: return gt_type_check_volume(p->check, at, element);
    case GT_FIELD_SIDECARS: return gt_type_check_container(p->check, at, element, true);
    case GT_FIELD_INIT_CONTAINERS: return gt_type_check_container(p->check, at, element, false);
    default: return gt_type_check(p->check, at, element, gt_field_rows[field].type);
    }
}

static void parse_element(parser *p, const gt_pointer *at, gt_field_id field, const gt_value *element, gt_str key)
{
    const gt_value *patch = gt_value_get(element, "$patch");
    if (patch != NULL && field == GT_FIELD_VOLUME_MOUNTS)
        gt_check_error(p->check, patch, at, "volumeMounts has no $patch: mount something else at the path");
    else if (patch != NULL && !gt_value_is(patch, "delete"))
        gt_check_error(p->check, patch, at, "$patch must be delete");
    else if (patch != NULL && element->count > 2)
        gt_check_error(p->check, patch, at, "has a name and $patch: delete, nothing else");
    else if (patch != NULL)
        set(p, field, key, NULL);
    else if (check_element(p, at, field, element))
        set(p, field, key, element);
}

static void parse_list(parser *p, const gt_pointer *place, gt_field_id field, const gt_value *list)
{
    if (!gt_type_check(p->check, place, list, GT_TYPE_OBJECTS))
        return;
    bool by_path = gt_field_rows[field].merge == GT_MERGE_MOUNTS;
    const char *by = by_path ? "mountPath" : "name";
    gt_map seen;
    gt_map_init(&seen, p->check->arena);
    size_t i = 0;
    GT_VALUE_EACH (element, list) {
        gt_str key = gt_value_str(gt_value_get(element, by));
        gt_pointer at = gt_labelled(place, i++, key);
        if (key.len == 0) {
            gt_pointer missing = gt_member(&at, by);
            const gt_value *given = gt_value_given(element, by);
            if (given == NULL || gt_type_check(p->check, &missing, given, GT_TYPE_TEXT))
                gt_check_error(p->check, element, &missing, given == NULL ? "is missing" : "is empty");
            continue;
        }
        if (by_path)
            key = gt_path_normal(p->check->arena, key);
        if (gt_map_put(&seen, key, p) != NULL)
            gt_check_error(p->check, element, &at, "stands twice in this list");
        else
            parse_element(p, &at, field, element, key);
    }
}

static void parse_resources(parser *p, const gt_pointer *place, const gt_value *resources)
{
    static const char *const known[] = {"requests", "limits", NULL};
    if (!gt_type_check(p->check, place, resources, GT_TYPE_OBJECT) ||
        !gt_type_check_keys(p->check, place, resources, known))
        return;
    GT_VALUE_EACH (list, resources) {
        gt_pointer at = gt_member_str(place, list->key);
        if (list->type == GT_VALUE_NULL) {
            unset(p, &at, list, GT_FIELD_RESOURCES, list->key);
            continue;
        }
        if (!gt_type_check(p->check, &at, list, GT_TYPE_OBJECT))
            continue;
        GT_VALUE_EACH (amount, list) {
            gt_pointer inner = gt_member_str(&at, amount->key);
            gt_str key = gt_str_of(gt_arena_printf(p->check->arena, "%s.%s", list->key.at, amount->key.at));
            if (amount->type == GT_VALUE_NULL)
                unset(p, &inner, amount, GT_FIELD_RESOURCES, key);
            else if (gt_type_check(p->check, &inner, amount, GT_TYPE_RESOURCES))
                set(p, GT_FIELD_RESOURCES, key, amount);
        }
    }
}

static void parse_member(parser *p, const gt_pointer *at, gt_field_id field, const gt_value *member, gt_str key)
{
    bool early = p->origin == GT_LAYER_TOWN || p->origin == GT_LAYER_RIG;
    if (member->type == GT_VALUE_NULL) {
        unset(p, at, member, field, key);
        return;
    }
    bool good = is_security(field) ? gt_type_check_security(p->check, at, member, key)
                                   : gt_type_check_member(p->check, at, member, field, key);
    if (good && field == GT_FIELD_STORAGE && early && gt_str_is(key, "kind"))
        gt_check_warn(p->check, member, at,
                      "has no effect here: only roleOverrides, pools and events choose the kind of storage");
    else if (good)
        set(p, field, key, member);
}

static void parse_struct(parser *p, const gt_pointer *place, gt_field_id field, const gt_value *object)
{
    if (!gt_type_check(p->check, place, object, GT_TYPE_OBJECT))
        return;
    GT_VALUE_EACH (member, object) {
        gt_pointer at = gt_member_str(place, member->key);
        if (memchr(member->key.at, '.', member->key.len) != NULL) {
            gt_check_error(p->check, member, &at, "unknown field");
            continue;
        }
        if (!gt_member_is_nested(field, member->key) || member->type == GT_VALUE_NULL) {
            parse_member(p, &at, field, member, member->key);
            continue;
        }
        if (!gt_type_check(p->check, &at, member, GT_TYPE_OBJECT))
            continue;
        GT_VALUE_EACH (inner, member) {
            gt_pointer below = gt_member_str(&at, inner->key);
            parse_member(p, &below, field, inner,
                         gt_str_of(gt_arena_printf(p->check->arena, "%s.%s", member->key.at, inner->key.at)));
        }
    }
}

/* ---- unset ---- */

static bool is_known_path(gt_field_id field, gt_str key)
{
    if (key.len > 0 && gt_field_rows[field].merge == GT_MERGE_RESOURCES)
        return gt_str_is(key, "requests") || gt_str_is(key, "limits") || gt_str_starts(key, "requests.") ||
               gt_str_starts(key, "limits.");
    return key.len == 0 || gt_field_rows[field].merge != GT_MERGE_STRUCT || gt_member_is_known(field, key);
}

/* A path in the template's own terms: a field, or a field and a key that its merge rule knows. */
static void parse_unset_path(parser *p, const gt_pointer *place, const gt_value *path)
{
    gt_str text = gt_value_str(path);
    const char *dot = text.len == 0 ? NULL : memchr(text.at, '.', text.len);
    gt_str name = dot == NULL ? text : (gt_str){text.at, (size_t)(dot - text.at)};
    gt_str key = dot == NULL ? (gt_str){"", 0} : (gt_str){dot + 1, text.len - name.len - 1};
    gt_field_id field = gt_field_by_name(name);
    if (path->type != GT_VALUE_STRING || text.len == 0 || (dot != NULL && key.len == 0))
        gt_check_error(p->check, path, place, "must be the path of a field, such as nodeSelector.zone");
    else if (field == GT_FIELD_COUNT)
        gt_check_error(p->check, path, place, "%.80s: no such field", text.at);
    else if (key.len > 0 && gt_field_rows[field].merge == GT_MERGE_WHOLE)
        gt_check_error(p->check, path, place, "%s is taken away whole: unset %s", gt_field_rows[field].name,
                       gt_field_rows[field].name);
    else if (key.len > 0 && gt_field_rows[field].merge == GT_MERGE_MOUNTS)
        gt_check_error(p->check, path, place, "volumeMounts has no deletion of single paths");
    else if (!is_known_path(field, key))
        gt_check_error(p->check, path, place, "%s has no field %.80s", gt_field_rows[field].name, key.at);
    else
        unset(p, place, path, field, key);
}

static void parse_unset(parser *p, const gt_pointer *place, const gt_value *list)
{
    if (!gt_type_check(p->check, place, list, GT_TYPE_TEXTS) ||
        !gt_type_check_count(p->check, place, list, GT_MOST_NAMES))
        return;
    size_t i = 0;
    GT_VALUE_EACH (path, list) {
        gt_pointer at = gt_element(place, i++);
        parse_unset_path(p, &at, path);
    }
}

/* ---- the template ---- */

static bool check_whole(parser *p, const gt_pointer *at, gt_field_id field, const gt_value *value)
{
    switch (field) {
    case GT_FIELD_PORTS: return gt_type_check_ports(p->check, at, value);
    case GT_FIELD_LIVENESS:
    case GT_FIELD_READINESS:
    case GT_FIELD_STARTUP: return gt_type_check_handler(p->check, at, value);
    default: return gt_type_check(p->check, at, value, gt_field_rows[field].type);
    }
}

size_t gt_template_most(gt_field_id field)
{
    bool names = field == GT_FIELD_ENV || field == GT_FIELD_SECRET_ENV || field == GT_FIELD_LABELS ||
                 field == GT_FIELD_ANNOTATIONS;
    return names ? GT_MOST_NAMES : GT_MOST_ELEMENTS;
}

/* What templates hold is looked for in every pod, and an event's template comes from whoever creates one. */
static bool is_too_long(parser *p, const gt_pointer *at, gt_field_id field, const gt_value *value)
{
    bool list = value->type == GT_VALUE_ARRAY || value->type == GT_VALUE_OBJECT;
    return list && !gt_type_check_count(p->check, at, value, gt_template_most(field));
}

static void parse_field(parser *p, const gt_pointer *at, gt_field_id field, const gt_value *value)
{
    if (value->type == GT_VALUE_NULL) {
        unset(p, at, value, field, (gt_str){"", 0});
        return;
    }
    if (is_too_long(p, at, field, value))
        return;
    switch (gt_field_rows[field].merge) {
    case GT_MERGE_WHOLE:
        if (check_whole(p, at, field, value))
            set(p, field, (gt_str){"", 0}, value);
        break;
    case GT_MERGE_MAP: parse_map(p, at, field, value); break;
    case GT_MERGE_NAMED:
    case GT_MERGE_MOUNTS: parse_list(p, at, field, value); break;
    case GT_MERGE_RESOURCES:
        parse_resources(p, at, value);
        if (!p->check->merged)
            gt_type_check_request(p->check, at, value); /* between layers it's settled: resolve.c */
        break;
    case GT_MERGE_STRUCT: parse_struct(p, at, field, value); break;
    }
}

static void warn_of_names_in_both(parser *p, const gt_pointer *place, const gt_value *template)
{
    const gt_value *env = gt_value_get(template, "env");
    gt_pointer at = gt_member(place, "secretEnv");
    GT_VALUE_EACH (secret, gt_value_get(template, "secretEnv"))
        GT_VALUE_EACH (plain, env)
            if (gt_value_equal(gt_value_get(secret, "name"), gt_value_get(plain, "name")) &&
                gt_value_get(plain, "name") != NULL)
                gt_check_warn(p->check, secret, &at, "%s stands in env, too: secretEnv wins",
                              gt_value_str(gt_value_get(plain, "name")).at);
}

/* Native sidecars are init containers, so one name can't be both. */
static void refuse_shared_names(parser *p, const gt_pointer *place, const gt_value *template)
{
    const gt_value *sidecars = gt_value_get(template, "sidecars");
    gt_pointer list = gt_member(place, "initContainers");
    size_t i = 0;
    GT_VALUE_EACH (init, gt_value_get(template, "initContainers")) {
        gt_str name = gt_value_str(gt_value_get(init, "name"));
        gt_pointer at = gt_labelled(&list, i++, name);
        GT_VALUE_EACH (sidecar, sidecars)
            if (name.len > 0 && gt_value_get(sidecar, "$patch") == NULL && gt_value_get(init, "$patch") == NULL &&
                gt_str_eq(gt_value_str(gt_value_get(sidecar, "name")), name))
                gt_check_error(p->check, init, &at, "is a sidecar's name, too");
    }
}

bool gt_template_parse(gt_check *check, const gt_pointer *place, const gt_value *template, gt_layer_id origin,
                       gt_layer *layer)
{
    size_t before = check->errors;
    parser p = {.check = check, .layer = layer, .origin = origin};
    if (template == NULL || template->type == GT_VALUE_NULL)
        return true;
    if (!gt_type_check(check, place, template, GT_TYPE_OBJECT))
        return false;
    const gt_value *paths = gt_value_get(template, "unset"); /* first: what the same layer sets stays */
    if (paths != NULL && paths->type != GT_VALUE_NULL) {
        gt_pointer at = gt_member(place, "unset");
        parse_unset(&p, &at, paths);
    }
    GT_VALUE_EACH (member, template) {
        gt_pointer at = gt_member_str(place, member->key);
        gt_field_id field = gt_field_by_name(member->key);
        if (member == paths)
            continue;
        if (field != GT_FIELD_COUNT) {
            parse_field(&p, &at, field, member);
            continue;
        }
        const char *nearest = gt_field_nearest(member->key);
        if (nearest != NULL)
            gt_check_error(check, member, &at, "unknown field (did you mean %s?)", nearest);
        else
            gt_check_error(check, member, &at, "unknown field");
    }
    warn_of_names_in_both(&p, place, template);
    if (!check->merged)
        refuse_shared_names(&p, place, template);
    return check->errors == before;
}
