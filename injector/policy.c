#include "injector/policy.h"

#include "injector/choices.h"
#include "injector/event.h"
#include "injector/identity.h"
#include "injector/image.h"
#include "injector/same.h"
#include "injector/template.h"
#include "lib/kube/names.h"

const gt_policy_row gt_policies[GT_POLICY_COUNT] = {
#define X(name, reader, what) {name, what},
    GT_POLICIES(X)
#undef X
};

/* ---- readers: the column "read by" of the table; value is never null ---- */

typedef void reader(gt_check *check, const gt_pointer *place, const gt_value *value, gt_policy *out);

/* The index of a choice, or -1 after writing a finding. */
static int read_choice(gt_check *check, const gt_pointer *place, const gt_value *value, const char *const choices[3])
{
    for (int i = 0; i < 3; i++)
        if (gt_value_is(value, choices[i]))
            return i;
    gt_check_error(check, value, place, "must be one of %s, %s, %s", choices[0], choices[1], choices[2]);
    return -1;
}

static void read_security(gt_check *check, const gt_pointer *place, const gt_value *value, gt_policy *out)
{
    int choice = read_choice(check, place, value, gt_security_names);
    if (choice >= 0)
        out->security = (gt_security)choice;
}

static void read_stuck(gt_check *check, const gt_pointer *place, const gt_value *value, gt_policy *out)
{
    int choice = read_choice(check, place, value, gt_stuck_names);
    if (choice >= 0)
        out->stuck = (gt_stuck)choice;
}

static void read_rollout(gt_check *check, const gt_pointer *place, const gt_value *value, gt_policy *out)
{
    int choice = read_choice(check, place, value, gt_rollout_names);
    if (choice >= 0)
        out->rollout = (gt_rollout)choice;
}

static void read_extras(gt_check *check, const gt_pointer *place, const gt_value *value, gt_policy *out)
{
    out->deny_extras = gt_value_is(value, gt_extras_names[1]);
    if (!out->deny_extras && !gt_value_is(value, gt_extras_names[0]))
        gt_check_error(check, value, place, "must be Keep or Deny");
}

static void read_digest(gt_check *check, const gt_pointer *place, const gt_value *value, gt_policy *out)
{
    if (gt_type_check(check, place, value, GT_TYPE_BOOL))
        out->require_digest = gt_value_true(value);
}

/* A list of strings, each of which is good. */
static const gt_value *read_list(gt_check *check, const gt_pointer *place, const gt_value *list, bool (*good)(gt_str),
                                 const char *why)
{
    size_t i = 0;
    if (!gt_type_check(check, place, list, GT_TYPE_TEXTS))
        return NULL;
    GT_VALUE_EACH (item, list) {
        gt_pointer element = gt_element(place, i++);
        if (!good(gt_value_str(item)))
            gt_check_error(check, item, &element, "\"%.80s\" %s", gt_value_str(item).at, why);
    }
    return list;
}

static void read_images(gt_check *check, const gt_pointer *place, const gt_value *value, gt_policy *out)
{
    out->image_allowlist =
        read_list(check, place, value, gt_image_is_pattern, "is no registry or path of images, such as ghcr.io/acme");
}

static void read_events(gt_check *check, const gt_pointer *place, const gt_value *value, gt_policy *out)
{
    out->event_overrides = read_list(check, place, value, gt_event_is_known, "is no event annotation");
}

static void read_roles(gt_check *check, const gt_pointer *place, const gt_value *value, gt_policy *out)
{
    out->rigless_roles = read_list(check, place, value, gt_role_is_legal, "can't be a role");
}

static void read_allowed(gt_check *check, const gt_pointer *place, const gt_value *value, gt_policy *out)
{
    out->extras_allowed = read_list(check, place, value, gt_is_dns_label, "can't be a container's name");
}

static void read_maximum(gt_check *check, const gt_pointer *place, const gt_value *value, gt_policy *out)
{
    static const char *const known[] = {"cpu", "memory", NULL};
    if (!gt_type_check(check, place, value, GT_TYPE_OBJECT) || !gt_type_check_keys(check, place, value, known))
        return;
    GT_VALUE_EACH (amount, value) {
        gt_pointer at = gt_member_str(place, amount->key);
        if (amount->type != GT_VALUE_NULL)
            gt_type_check(check, &at, amount, GT_TYPE_RESOURCES);
    }
    out->max_resources = value;
}

static bool is_pattern(gt_str text)
{
    return text.len > 0;
}

static void read_creators(gt_check *check, const gt_pointer *place, const gt_value *value, gt_policy *out)
{
    static const char *const known[] = {"users", "groups", NULL};
    if (!gt_type_check(check, place, value, GT_TYPE_OBJECT))
        return;
    GT_VALUE_EACH (row, value) {
        gt_pointer at = gt_member_str(place, row->key);
        size_t patterns = 0;
        if (!gt_str_is(row->key, "*") && !gt_role_is_legal(row->key))
            gt_check_error(check, row, &at, "\"%.80s\" can't be a role (* stands for all the others)", row->key.at);
        const char *nearest = gt_role_nearest(row->key);
        if (nearest != NULL)
            gt_check_warn(check, row, &at, "%.63s is no built-in role (did you mean %s?)", row->key.at, nearest);
        if (!gt_type_check(check, &at, row, GT_TYPE_OBJECT) || !gt_type_check_keys(check, &at, row, known))
            continue;
        for (int i = 0; known[i] != NULL; i++) {
            const gt_value *list = gt_value_given(row, known[i]);
            gt_pointer inner = gt_member(&at, known[i]);
            if (list != NULL && read_list(check, &inner, list, is_pattern, "matches nobody") != NULL)
                patterns += list->count;
        }
        if (patterns == 0)
            gt_check_error(check, row, &at, "needs users or groups: nobody could create such a pod");
    }
    out->creators = value;
}

void gt_policy_parse(gt_check *check, const gt_pointer *place, const gt_value *policy, gt_policy *out)
{
    static reader *const readers[GT_POLICY_COUNT] = {
#define X(name, reader, what) read_##reader,
        GT_POLICIES(X)
#undef X
    };
    *out = (gt_policy){.security = GT_SECURITY_RESTRICTED};
    if (policy == NULL || policy->type == GT_VALUE_NULL || !gt_type_check(check, place, policy, GT_TYPE_OBJECT))
        return;
    const char *names[GT_POLICY_COUNT + 1] = {NULL};
    for (size_t i = 0; i < GT_POLICY_COUNT; i++)
        names[i] = gt_policies[i].name;
    gt_type_check_keys(check, place, policy, names);
    for (size_t i = 0; i < GT_POLICY_COUNT; i++) {
        const gt_value *value = gt_value_given(policy, names[i]);
        gt_pointer at = gt_member(place, names[i]);
        if (value != NULL)
            readers[i](check, &at, value, out);
    }
}

/* ---- asking ---- */

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

bool gt_policy_admits(const gt_policy *policy, gt_str role, gt_view user)
{
    const gt_value *row = gt_value_get_str(policy->creators, role), *rest = gt_value_get(policy->creators, "*");
    row = row != NULL ? row : rest;
    GT_VALUE_EACH (pattern, gt_value_get(row, "users"))
        if (gt_same_pattern(gt_view_get(user, "username"), gt_value_str(pattern)))
            return true;
    GT_VALUE_EACH (pattern, gt_value_get(row, "groups"))
        GT_VIEW_EACH (group, gt_view_get(user, "groups"))
            if (gt_same_pattern(group, gt_value_str(pattern)))
                return true;
    return row == NULL;
}
