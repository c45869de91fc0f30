#include "injector/policy.h"

#include "injector/event.h"
#include "injector/identity.h"
#include "injector/image.h"
#include "injector/template.h"

typedef enum policy_type { TEXTS, BOOL, SECURITY } policy_type;
typedef struct policy_row {
    const char *name;
    policy_type type;
} policy_row;

static const policy_row rows[] = {
    {"imageAllowlist", TEXTS}, {"requireImageDigest", BOOL}, {"eventOverrides", TEXTS},
    {"riglessRoles", TEXTS},   {"podSecurity", SECURITY},
};
enum { ROWS = sizeof rows / sizeof *rows };

static void parse_security(gt_check *check, const gt_pointer *place, const gt_value *value, gt_policy *out)
{
    if (gt_value_is(value, "restricted"))
        out->security = GT_SECURITY_RESTRICTED;
    else if (gt_value_is(value, "baseline"))
        out->security = GT_SECURITY_BASELINE;
    else if (gt_value_is(value, "openshift"))
        out->security = GT_SECURITY_OPENSHIFT;
    else
        gt_check_error(check, value, place, "must be one of restricted, baseline, openshift");
}

static void check_each(gt_check *check, const gt_pointer *place, const char *name, const gt_value *list,
                       bool (*good)(gt_str), const char *why)
{
    gt_pointer at = gt_member(place, name);
    size_t i = 0;
    GT_VALUE_EACH (item, list) {
        gt_pointer element = gt_element(&at, i++);
        if (!good(gt_value_str(item)))
            gt_check_error(check, item, &element, "\"%.80s\" %s", gt_value_str(item).at, why);
    }
}

void gt_policy_parse(gt_check *check, const gt_pointer *place, const gt_value *policy, gt_policy *out)
{
    *out = (gt_policy){.security = GT_SECURITY_RESTRICTED};
    if (policy == NULL || policy->type == GT_VALUE_NULL || !gt_type_check(check, place, policy, GT_TYPE_OBJECT))
        return;
    const char *names[ROWS + 1] = {NULL};
    for (size_t i = 0; i < ROWS; i++)
        names[i] = rows[i].name;
    gt_type_check_keys(check, place, policy, names);
    for (size_t i = 0; i < ROWS; i++) {
        const gt_value *value = gt_value_get(policy, rows[i].name);
        gt_pointer at = gt_member(place, rows[i].name);
        if (value == NULL || value->type == GT_VALUE_NULL)
            continue;
        if (rows[i].type == SECURITY)
            parse_security(check, &at, value, out);
        else
            gt_type_check(check, &at, value, rows[i].type == BOOL ? GT_TYPE_BOOL : GT_TYPE_TEXTS);
    }
    out->image_allowlist = gt_value_given(policy, "imageAllowlist");
    out->require_digest = gt_value_true(gt_value_get(policy, "requireImageDigest"));
    out->event_overrides = gt_value_given(policy, "eventOverrides");
    out->rigless_roles = gt_value_given(policy, "riglessRoles");
    check_each(check, place, "eventOverrides", out->event_overrides, gt_event_is_known, "is no event annotation");
    check_each(check, place, "riglessRoles", out->rigless_roles, gt_role_is_legal, "can't be a role");
    check_each(check, place, "imageAllowlist", out->image_allowlist, gt_image_is_pattern,
               "is no registry or path of images, such as ghcr.io/acme");
}

static bool has(const gt_value *list, gt_str text)
{
    GT_VALUE_EACH (item, list)
        if (gt_str_eq(gt_value_str(item), text))
            return true;
    return false;
}

bool gt_policy_allows_event(const gt_policy *policy, const char *key)
{
    gt_str name = gt_str_of(key);
    if (policy->event_overrides != NULL)
        return has(policy->event_overrides, name);
    return gt_str_is(name, "image") || gt_str_is(name, "bead") || gt_str_is(name, "branch");
}

bool gt_policy_is_rigless(const gt_policy *policy, gt_str role)
{
    return gt_role_is_of_town(role) || has(policy->rigless_roles, role);
}
