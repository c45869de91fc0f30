/* What each kind of template value must look like. Kubernetes' own objects are passed through: of them only that is checked which
 * the engine reads, merges by, or has to refuse. */
#include "injector/image.h"
#include "injector/template.h"

#include "injector/agents.h"
#include "injector/choices.h"
#include "injector/git.h"
#include "lib/base/map.h"
#include "lib/kube/names.h"
#include "lib/kube/quantity.h"

/* ---- small types ---- */

static bool wrong(gt_check *check, const gt_pointer *place, const gt_value *value, const char *wanted)
{
    gt_check_error(check, value, place, "must be %s, is %s", wanted, gt_value_type_name(value));
    return false;
}

static bool is_text(gt_check *check, const gt_pointer *place, const gt_value *value)
{
    if (value->type == GT_VALUE_STRING)
        return true;
    if (value->type == GT_VALUE_NUMBER || value->type == GT_VALUE_BOOL)
        gt_check_error(check, value, place, "must be a string, is %s: quote it", gt_value_type_name(value));
    else
        wrong(check, place, value, "a string");
    return false;
}

static bool is_choice(gt_check *check, const gt_pointer *place, const gt_value *value, const char *const *choices)
{
    if (!is_text(check, place, value))
        return false;
    gt_buf all;
    gt_buf_init(&all, check->arena, 64);
    for (int i = 0; choices[i] != NULL; i++) {
        if (gt_value_is(value, choices[i]))
            return true;
        gt_buf_printf(&all, "%s%s", i == 0 ? "" : ", ", choices[i]);
    }
    gt_check_error(check, value, place, "must be one of %s, is \"%.60s\"", all.at, value->text.at);
    return false;
}

static bool is_name(gt_check *check, const gt_pointer *place, const gt_value *value)
{
    if (!is_text(check, place, value))
        return false;
    if (gt_is_dns_subdomain(value->text))
        return true;
    gt_check_error(check, value, place, "\"%.80s\" can't be an object's name (lower-case letters, digits, '-' and '.')",
                   value->text.at);
    return false;
}

static bool is_image(gt_check *check, const gt_pointer *place, const gt_value *value)
{
    gt_image image;
    if (!is_text(check, place, value))
        return false;
    if (!gt_image_parse(value->text, &image)) {
        gt_check_error(check, value, place, "\"%.120s\" is no image reference", value->text.at);
        return false;
    }
    if (gt_image_floats(&image))
        gt_check_warn(check, value, place, "floating tag: %.120s may be another image tomorrow", value->text.at);
    return true;
}

static bool is_integer(gt_check *check, const gt_pointer *place, const gt_value *value, int64_t least)
{
    int64_t number;
    if (!gt_value_as_int(value, &number))
        return wrong(check, place, value, "a whole number");
    if (number >= least)
        return true;
    gt_check_error(check, value, place, "must be at least %lld, is %lld", (long long)least, (long long)number);
    return false;
}

static bool is_bool(gt_check *check, const gt_pointer *place, const gt_value *value)
{
    return value->type == GT_VALUE_BOOL || wrong(check, place, value, "true or false");
}

static bool is_quantity(gt_check *check, const gt_pointer *place, const gt_value *value)
{
    gt_quantity quantity;
    if (value->type != GT_VALUE_STRING && value->type != GT_VALUE_NUMBER)
        return wrong(check, place, value, "a quantity");
    if (gt_quantity_parse(value->text, &quantity) && quantity.nanos >= 0)
        return true;
    gt_check_error(check, value, place, "\"%.60s\" is no quantity (such as 500m, 2 or 4Gi)", value->text.at);
    return false;
}

/* What a claim asks for. */
static bool is_size(gt_check *check, const gt_pointer *place, const gt_value *value)
{
    gt_quantity quantity;
    if (!is_quantity(check, place, value))
        return false;
    if (gt_quantity_parse(value->text, &quantity) && quantity.nanos > 0)
        return true;
    gt_check_error(check, value, place, "must be more than 0");
    return false;
}

static bool is_list(gt_check *check, const gt_pointer *place, const gt_value *value)
{
    return value->type == GT_VALUE_ARRAY || wrong(check, place, value, "a list");
}

static bool is_object(gt_check *check, const gt_pointer *place, const gt_value *value)
{
    return value->type == GT_VALUE_OBJECT || wrong(check, place, value, "an object");
}

static bool is_texts(gt_check *check, const gt_pointer *place, const gt_value *value)
{
    bool good = is_list(check, place, value);
    size_t i = 0;
    if (good)
        GT_VALUE_EACH (item, value) {
            gt_pointer element = gt_element(place, i++);
            good = is_text(check, &element, item) && good;
        }
    return good;
}

static bool is_label(gt_check *check, const gt_pointer *place, const gt_value *value)
{
    if (!gt_is_label_value(gt_value_str(value))) {
        gt_check_error(check, value, place,
                       "\"%.80s\" is no label value (letters, digits, '-', '_' and '.', at most 63)", value->text.at);
        return false;
    }
    return true;
}

static bool is_among(gt_str key, const char *const *known)
{
    for (int i = 0; known[i] != NULL; i++)
        if (gt_str_is(key, known[i]))
            return true;
    return false;
}

bool gt_type_check_keys(gt_check *check, const gt_pointer *place, const gt_value *object, const char *const *known)
{
    bool good = true;
    GT_VALUE_EACH (member, object) {
        if (is_among(member->key, known))
            continue;
        const char *nearest = NULL;
        size_t best = 4;
        for (int i = 0; known[i] != NULL; i++) {
            size_t distance = gt_str_distance(member->key, gt_str_of(known[i]), best - 1);
            if (distance < best) {
                best = distance;
                nearest = known[i];
            }
        }
        gt_pointer at = gt_member_str(place, member->key);
        gt_check_error(check, member, &at, "unknown field%s%s%s", nearest == NULL ? "" : " (did you mean ",
                       nearest == NULL ? "" : nearest, nearest == NULL ? "" : "?)");
        good = false;
    }
    return good;
}

/* ---- names ---- */

bool gt_key_is_ours(gt_str key)
{
    const char *slash = memchr(key.at, '/', key.len);
    gt_str prefix = {key.at, slash == NULL ? 0 : (size_t)(slash - key.at)};
    return gt_str_is(prefix, "gastown.io") || gt_str_ends(prefix, ".gastown.io");
}

gt_str gt_path_normal(gt_arena *arena, gt_str path)
{
    gt_buf out;
    gt_buf_init(&out, arena, path.len + 1);
    size_t i = 0;
    while (i < path.len) {
        while (i < path.len && path.at[i] == '/')
            i++;
        size_t start = i;
        while (i < path.len && path.at[i] != '/')
            i++;
        gt_str part = {path.at + start, i - start};
        if (gt_str_is(part, "..")) {
            while (out.len > 0 && out.at[--out.len] != '/')
                ;
        } else if (part.len > 0 && !gt_str_is(part, ".")) {
            gt_buf_byte(&out, '/');
            gt_buf_str(&out, part);
        }
    }
    out.at[out.len] = '\0';
    if (out.len == 0)
        gt_buf_byte(&out, '/');
    return gt_buf_slice(&out);
}

/* ---- env ---- */

static bool is_env_name(gt_check *check, const gt_pointer *place, const gt_value *at, const gt_value *name)
{
    if (name == NULL || name->type != GT_VALUE_STRING || !gt_is_env_name(name->text)) {
        gt_check_error(check, name == NULL ? at : name, place, "needs a name (printable, without '=')");
        return false;
    }
    if (!gt_env_is_reserved(name->text))
        return true;
    gt_check_error(check, name, place, "%s says who the agent is: only its labels decide that", name->text.at);
    return false;
}

bool gt_type_check_env(gt_check *check, const gt_pointer *place, const gt_value *entry)
{
    gt_pointer name = gt_member(place, "name"), value = gt_member(place, "value"), from = gt_member(place, "valueFrom");
    if (!is_object(check, place, entry) || !is_env_name(check, &name, entry, gt_value_get(entry, "name")))
        return false;
    const gt_value *v = gt_value_get(entry, "value"), *f = gt_value_get(entry, "valueFrom");
    if (v != NULL && f != NULL) {
        gt_check_error(check, f, place, "has both value and valueFrom");
        return false;
    }
    if (v != NULL && v->type != GT_VALUE_NULL && !is_text(check, &value, v))
        return false;
    return f == NULL || is_object(check, &from, f);
}

static bool is_secret_env(gt_check *check, const gt_pointer *place, const gt_value *list)
{
    static const char *const known[] = {"name", "secretName", "key", "optional", NULL};
    bool good = is_list(check, place, list);
    size_t i = 0;
    gt_map seen;
    gt_map_init(&seen, check->arena);
    if (good)
        GT_VALUE_EACH (entry, list) {
            gt_pointer at = gt_labelled(place, i++, gt_value_str(gt_value_get(entry, "name")));
            gt_pointer name = gt_member(&at, "name"), secret = gt_member(&at, "secretName"),
                       key = gt_member(&at, "key"), optional = gt_member(&at, "optional");
            if (!is_object(check, &at, entry)) {
                good = false;
                continue;
            }
            const gt_value *s = gt_value_given(entry, "secretName"), *k = gt_value_given(entry, "key"),
                           *o = gt_value_given(entry, "optional");
            if (gt_map_put(&seen, at.label, check) != NULL) {
                gt_check_error(check, entry, &at, "stands twice in this list");
                good = false;
            }
            if (k != NULL && k->type == GT_VALUE_STRING && k->text.len == 0) {
                gt_check_error(check, k, &key, "is empty");
                good = false;
            }
            good = gt_type_check_keys(check, &at, entry, known) && good;
            good = is_env_name(check, &name, entry, gt_value_get(entry, "name")) && good;
            if (s == NULL)
                gt_check_error(check, entry, &secret, "is missing: which Secret?");
            good = s != NULL && is_name(check, &secret, s) && good;
            good = (k == NULL || is_text(check, &key, k)) && (o == NULL || is_bool(check, &optional, o)) && good;
        }
    return good;
}

/* ---- members of our own structs ---- */

const gt_member_row gt_members[] = {
#define X(field, member, type, what) {GT_FIELD_##field, member, GT_MEMBER_##type, what},
    GT_MEMBERS(X)
#undef X
};

bool gt_member_is_known(gt_field_id field, gt_str path)
{
    bool ours = false;
    for (size_t i = 0; i < GT_MEMBER_COUNT; i++) {
        gt_str known = gt_str_of(gt_members[i].member);
        ours = ours || gt_members[i].field == field;
        bool prefix = known.len > path.len && known.at[path.len] == '.' && memcmp(known.at, path.at, path.len) == 0;
        if (gt_members[i].field == field && (gt_str_eq(known, path) || prefix))
            return true;
    }
    return !ours; /* Kubernetes' own structs have members that we don't know */
}

static bool is_scope(gt_check *check, const gt_pointer *place, const gt_value *value)
{
    if (!is_choice(check, place, value, gt_storage_scopes))
        return false;
    if (gt_value_is(value, gt_storage_scopes[0]))
        return true;
    gt_check_error(check, value, place, "Rig isn't possible yet: each agent has a claim of its own");
    return false;
}

static bool is_runtime(gt_check *check, const gt_pointer *place, const gt_value *value)
{
    const char *names[GT_RUNTIME_COUNT + 1] = {NULL};
    for (int i = 0; i < GT_RUNTIME_COUNT; i++)
        names[i] = gt_runtimes[i].name;
    return is_choice(check, place, value, names);
}

static bool is_provider(gt_check *check, const gt_pointer *place, const gt_value *value)
{
    const char *names[GT_PROVIDER_COUNT + 1] = {NULL};
    for (int i = 0; i < GT_PROVIDER_COUNT; i++)
        names[i] = gt_providers[i].name;
    return is_choice(check, place, value, names);
}

static bool is_branch(gt_check *check, const gt_pointer *place, const gt_value *value)
{
    if (!is_text(check, place, value))
        return false;
    if (gt_git_is_branch(value->text))
        return true;
    gt_check_error(check, value, place, "\"%.120s\" is no branch's name", value->text.at);
    return false;
}

static bool is_repository(gt_check *check, const gt_pointer *place, const gt_value *value)
{
    if (!is_text(check, place, value))
        return false;
    if (!gt_git_is_repository(value->text)) {
        gt_check_error(check, value, place,
                       "\"%.120s\" is no repository (such as https://host/path.git or git@host:path)", value->text.at);
        return false;
    }
    if (gt_git_holds_password(value->text))
        gt_check_warn(check, value, place,
                      "holds a password or token: a Secret named in git.credentialsSecret is the place");
    return true;
}

static bool is_int32(gt_check *check, const gt_pointer *place, const gt_value *value)
{
    int64_t number;
    if (gt_value_as_int(value, &number) && number <= INT32_MAX)
        return true;
    gt_check_error(check, value, place, "must be at most %d", INT32_MAX);
    return false;
}

static bool check_member(gt_check *check, const gt_pointer *place, const gt_value *value, gt_member_type type)
{
    switch (type) {
    case GT_MEMBER_TEXT: return is_text(check, place, value);
    case GT_MEMBER_NAME: return is_name(check, place, value);
    case GT_MEMBER_COUNT_OF: return is_integer(check, place, value, 0) && is_int32(check, place, value);
    case GT_MEMBER_BOOL: return is_bool(check, place, value);
    case GT_MEMBER_TEXTS: return is_texts(check, place, value);
    case GT_MEMBER_SIZE: return is_size(check, place, value);
    case GT_MEMBER_IMAGE: return is_image(check, place, value);
    case GT_MEMBER_KIND: return is_choice(check, place, value, gt_storage_kinds);
    case GT_MEMBER_SCOPE: return is_scope(check, place, value);
    case GT_MEMBER_RUNTIME: return is_runtime(check, place, value);
    case GT_MEMBER_PROVIDER: return is_provider(check, place, value);
    case GT_MEMBER_BRANCH: return is_branch(check, place, value);
    case GT_MEMBER_REPOSITORY: return is_repository(check, place, value);
    }
    return false;
}

bool gt_type_check_member(gt_check *check, const gt_pointer *place, const gt_value *value, gt_field_id field,
                          gt_str member)
{
    const char *nearest = NULL;
    size_t best = 4;
    for (size_t i = 0; i < GT_MEMBER_COUNT; i++)
        if (gt_members[i].field == field && gt_str_is(member, gt_members[i].member))
            return check_member(check, place, value, gt_members[i].type);
    for (size_t i = 0; i < GT_MEMBER_COUNT; i++) {
        size_t distance =
            gt_members[i].field != field ? best : gt_str_distance(member, gt_str_of(gt_members[i].member), best - 1);
        if (distance < best) {
            best = distance;
            nearest = gt_members[i].member;
        }
    }
    gt_check_error(check, value, place, nearest == NULL ? "unknown field" : "unknown field (did you mean %s?)",
                   nearest);
    return false;
}

/* ---- whole fields ---- */

static bool is_mounts(gt_check *check, const gt_pointer *place, const gt_value *mount)
{
    gt_pointer name = gt_member(place, "name"), path = gt_member(place, "mountPath");
    const gt_value *n = gt_value_get(mount, "name"), *p = gt_value_get(mount, "mountPath");
    if (n == NULL || p == NULL) {
        gt_check_error(check, mount, n == NULL ? &name : &path, "is missing");
        return false;
    }
    if (gt_str_starts(gt_value_str(n), "kube-api-access-")) {
        gt_check_error(check, n, &name, "is the API server's own volume: see automountServiceAccountToken");
        return false;
    }
    return is_text(check, &name, n) && is_text(check, &path, p);
}

static bool is_objects(gt_check *check, const gt_pointer *place, const gt_value *list)
{
    bool good = is_list(check, place, list);
    size_t i = 0;
    if (good)
        GT_VALUE_EACH (item, list) {
            gt_pointer element = gt_element(place, i++);
            good = is_object(check, &element, item) && good;
        }
    return good;
}

bool gt_type_check(gt_check *check, const gt_pointer *place, const gt_value *value, gt_field_type type)
{
    switch (type) {
    case GT_TYPE_TEXT: return is_text(check, place, value);
    case GT_TYPE_IMAGE: return is_image(check, place, value);
    case GT_TYPE_NAME: return is_name(check, place, value);
    case GT_TYPE_PULL_POLICY: return is_choice(check, place, value, gt_pull_policies);
    case GT_TYPE_DNS_POLICY: return is_choice(check, place, value, gt_dns_policies);
    case GT_TYPE_BOOL: return is_bool(check, place, value);
    case GT_TYPE_COUNT: return is_integer(check, place, value, 0);
    case GT_TYPE_POSITIVE: return is_integer(check, place, value, 1);
    case GT_TYPE_TEXTS: return is_texts(check, place, value);
    case GT_TYPE_OBJECT: return is_object(check, place, value);
    case GT_TYPE_OBJECTS:
    case GT_TYPE_NAMED_OBJECTS: return is_objects(check, place, value);
    case GT_TYPE_ENV: return gt_type_check_env(check, place, value);
    case GT_TYPE_SECRET_ENV: return is_secret_env(check, place, value);
    case GT_TYPE_MOUNTS: return is_mounts(check, place, value);
    case GT_TYPE_LABELS: return is_text(check, place, value) && is_label(check, place, value);
    case GT_TYPE_ANNOTATIONS: return is_text(check, place, value);
    case GT_TYPE_RESOURCES: return is_quantity(check, place, value);
    case GT_TYPE_STORAGE:
    case GT_TYPE_GIT:
    case GT_TYPE_AGENT:
    case GT_TYPE_CONTAINER_SECURITY:
    case GT_TYPE_POD_SECURITY: return is_object(check, place, value);
    case GT_TYPE_INTERNAL: return false;
    }
    return false;
}
