/* GasTown, Rig and AgentPool documents. */
#include "injector/identity.h"
#include "injector/objects.h"
#include "injector/plan.h"
#include "injector/template.h"
#include "lib/base/show.h"
#include "lib/kube/names.h"

const char *const gt_kind_names[GT_KIND_COUNT] = {"GasTown", "Rig", "AgentPool", "ServiceAccount", "StorageClass"};

static const char *const api_versions[GT_KIND_COUNT] = {"gastown.io/v1alpha1", "gastown.io/v1alpha1",
                                                        "gastown.io/v1alpha1", "v1", "storage.k8s.io/v1"};

void gt_document_identity(const gt_value *document, gt_str *kind, gt_str *ns, gt_str *name)
{
    const gt_value *metadata = gt_value_get(document, "metadata");
    *kind = gt_value_str(gt_value_get(document, "kind"));
    *ns = gt_value_str(gt_value_get(metadata, "namespace"));
    *name = gt_value_str(gt_value_get(metadata, "name"));
}

/* ---- head: kind, apiVersion, metadata ---- */

static bool parse_head(gt_check *check, const gt_value *document, gt_object *object)
{
    gt_pointer metadata = gt_member(NULL, "metadata"), name = gt_member(&metadata, "name"),
               ns_at = gt_member(&metadata, "namespace"), kind_at = gt_member(NULL, "kind"),
               version_at = gt_member(NULL, "apiVersion");
    gt_str kind;
    gt_document_identity(document, &kind, &object->ns, &object->name);
    int k = 0;
    while (k < GT_KIND_COUNT && !gt_str_is(kind, gt_kind_names[k]))
        k++;
    if (document->type != GT_VALUE_OBJECT || k == GT_KIND_COUNT) {
        gt_check_error(check, document, &kind_at, "must be GasTown, Rig or AgentPool%s%.40s",
                       kind.len > 0 ? ", is " : "", kind.at);
        return false;
    }
    object->kind = (gt_kind)k;
    object->file = check->file;
    object->title =
        gt_show_printf(check->arena, "%s/%.253s", gt_kind_names[k], object->name.len > 0 ? object->name.at : "?");
    check->object = object->title;
    if (object->name.len == 0)
        gt_check_error(check, document, &name, "is missing");
    const gt_value *ns = gt_value_given(gt_value_get(document, "metadata"), "namespace");
    if (ns != NULL && !gt_is_dns_label(gt_value_str(ns)))
        gt_check_error(check, ns, &ns_at, "must be a namespace's name");
    const gt_value *version = gt_value_get(document, "apiVersion");
    if (!gt_value_is(version, api_versions[k]))
        gt_check_error(check, version == NULL ? document : version, &version_at, "must be %s", api_versions[k]);
    if (object->name.len > 0 && !gt_is_dns_subdomain(object->name))
        gt_check_error(check, document, &name, "\"%.80s\" can't be an object's name", object->name.at);
    gt_value_as_int(gt_value_get(gt_value_get(document, "metadata"), "generation"), &object->generation);
    return true;
}

/* ---- spec ---- */

const gt_spec_field gt_spec_fields[GT_SPEC_FIELD_COUNT] = {
#define X(kind, path, type, what) {GT_KIND_##kind, path, GT_SPEC_##type, what},
    GT_SPEC_FIELDS(X)
#undef X
};

/* Findings for the keys of an object that stands at `prefix` ("", "daemon.") below a kind's spec and that no row has. */
static bool knows_keys(gt_check *check, const gt_pointer *place, const gt_value *object, gt_kind kind,
                       const char *prefix)
{
    const char *names[GT_SPEC_FIELD_COUNT + 1] = {NULL};
    size_t n = 0, skip = strlen(prefix);
    for (size_t i = 0; i < GT_SPEC_FIELD_COUNT; i++) {
        const char *path = gt_spec_fields[i].path;
        if (gt_spec_fields[i].kind == kind && strncmp(path, prefix, skip) == 0 && strchr(path + skip, '.') == NULL)
            names[n++] = path + skip;
    }
    return gt_type_check_keys(check, place, object, names);
}

static gt_str required_text(gt_check *check, const gt_pointer *place, const gt_value *spec, const char *name)
{
    gt_pointer at = gt_member(place, name);
    const gt_value *value = gt_value_get(spec, name);
    if (value == NULL)
        gt_check_error(check, spec, &at, "is missing");
    else if (gt_type_check(check, &at, value, GT_TYPE_TEXT) && value->text.len == 0)
        gt_check_error(check, value, &at, "is empty");
    return gt_value_str(value);
}

static gt_layer *template_layer(gt_check *check, const gt_pointer *spec, const gt_value *value, const char *name,
                                gt_layer_id origin)
{
    gt_layer *layer = gt_layer_new(check->arena);
    gt_pointer at = gt_member(spec, name);
    gt_template_parse(check, &at, gt_value_get(value, name), origin, layer);
    return layer;
}

/* NULL where there were errors: nobody uses the layers of such an object. */
static const gt_kept_layer *keep_layer(const gt_check *check, gt_keeper *keeper, gt_layer *layer)
{
    return check->errors > 0 ? NULL : gt_keep_layer(keeper, layer);
}

static void set_daemon(gt_check *check, gt_layer *layer, const char *key, const gt_value *value)
{
    if (value != NULL)
        gt_layer_set(check->arena, layer, GT_FIELD_DAEMON, gt_str_of(key), value, GT_LAYER_TOWN);
}

/* daemon{host,port,tokenSecretRef{name,key}}: becomes cells of the town's layer, which an event may override. */
static void parse_daemon(gt_check *check, const gt_pointer *spec, const gt_value *daemon, gt_layer *layer)
{
    gt_pointer at = gt_member(spec, "daemon"), host_at = gt_member(&at, "host"), port_at = gt_member(&at, "port"),
               token_at = gt_member(&at, "tokenSecretRef"), name_at = gt_member(&token_at, "name"),
               key_at = gt_member(&token_at, "key");
    if (daemon == NULL || daemon->type == GT_VALUE_NULL || !gt_type_check(check, &at, daemon, GT_TYPE_OBJECT) ||
        !knows_keys(check, &at, daemon, GT_KIND_TOWN, "daemon."))
        return;
    const gt_value *host = gt_value_given(daemon, "host"), *port = gt_value_given(daemon, "port"),
                   *token = gt_value_given(daemon, "tokenSecretRef");
    int64_t number = 0;
    if (host != NULL && gt_type_check(check, &host_at, host, GT_TYPE_TEXT))
        set_daemon(check, layer, "host", host);
    if (port != NULL && (!gt_value_as_int(port, &number) || number < 1 || number > 65535))
        gt_check_error(check, port, &port_at, "must be a port, 1 to 65535");
    else
        set_daemon(check, layer, "port", port);
    if (token == NULL || !gt_type_check(check, &token_at, token, GT_TYPE_OBJECT) ||
        !knows_keys(check, &token_at, token, GT_KIND_TOWN, "daemon.tokenSecretRef."))
        return;
    const gt_value *name = gt_value_given(token, "name");
    if (name == NULL)
        gt_check_error(check, token, &name_at, "is missing: which Secret?");
    else if (gt_type_check(check, &name_at, name, GT_TYPE_NAME))
        set_daemon(check, layer, "tokenSecretRef.name", name);
    const gt_value *key = gt_value_given(token, "key");
    if (key != NULL && gt_type_check(check, &key_at, key, GT_TYPE_TEXT) && key->text.len == 0)
        gt_check_error(check, key, &key_at, "is empty");
    else if (key != NULL)
        set_daemon(check, layer, "tokenSecretRef.key", key);
}

static void parse_town(gt_check *check, gt_keeper *keeper, const gt_pointer *place, const gt_value *spec,
                       gt_object *town)
{
    knows_keys(check, place, spec, GT_KIND_TOWN, "");
    const gt_value *name = gt_value_given(spec, "name");
    gt_pointer name_at = gt_member(place, "name"), policy_at = gt_member(place, "policy");
    if (name != NULL)
        gt_type_check(check, &name_at, name, GT_TYPE_TEXT);
    town->spec_name = gt_value_str(name).len > 0 ? gt_value_str(name) : town->name;
    gt_layer *layer = template_layer(check, place, spec, "defaults", GT_LAYER_TOWN);
    parse_daemon(check, place, gt_value_given(spec, "daemon"), layer);
    town->layer = keep_layer(check, keeper, layer);
    gt_policy_parse(check, &policy_at, gt_value_given(spec, "policy"), &town->policy);
}

/* Any lower-case word can be a role, with the generic profile; one that is nearly built in is a slip. */
static void warn_of_slip(gt_check *check, const gt_pointer *place, const gt_value *at, gt_str role)
{
    const char *nearest = gt_role_nearest(role);
    if (nearest != NULL)
        gt_check_warn(check, at, place, "%.63s is no built-in role (did you mean %s?)", role.at, nearest);
}

static void parse_role_overrides(gt_check *check, gt_keeper *keeper, const gt_pointer *spec, const gt_value *roles,
                                 gt_object *rig)
{
    gt_pointer at = gt_member(spec, "roleOverrides");
    if (roles == NULL || roles->type == GT_VALUE_NULL || !gt_type_check(check, &at, roles, GT_TYPE_OBJECT) ||
        !gt_type_check_count(check, &at, roles, GT_MOST_ROLES))
        return;
    rig->roles = GT_NEW_N(keeper->arena, gt_role_layer_entry, roles->count);
    GT_VALUE_EACH (member, roles) {
        gt_pointer role_at = gt_member_str(&at, member->key);
        if (!gt_role_is_legal(member->key))
            gt_check_error(check, member, &role_at, "\"%.80s\" can't be a role (lower-case letters, digits and '-')",
                           member->key.at);
        warn_of_slip(check, &role_at, member, member->key);
        gt_layer *layer = gt_layer_new(check->arena);
        gt_template_parse(check, &role_at, member, GT_LAYER_ROLE, layer);
        rig->roles[rig->role_count++] =
            (gt_role_layer_entry){gt_keep_text(keeper, member->key), keep_layer(check, keeper, layer)};
    }
}

/* Go's durations as far as anybody writes them here: 90s, 5m, 1h30m. */
static bool is_duration(gt_str text)
{
    size_t i = 0;
    while (i < text.len) {
        size_t start = i;
        while (i < text.len && text.at[i] >= '0' && text.at[i] <= '9')
            i++;
        if (i == start || i == text.len || strchr("smh", text.at[i]) == NULL)
            return false;
        i++;
    }
    return text.len > 0;
}

static void parse_rig(gt_check *check, gt_keeper *keeper, const gt_pointer *place, const gt_value *spec, gt_object *rig)
{
    knows_keys(check, place, spec, GT_KIND_RIG, "");
    rig->spec_name = required_text(check, place, spec, "name");
    gt_layer *layer = template_layer(check, place, spec, "podOverrides", GT_LAYER_RIG);
    rig->layer = keep_layer(check, keeper, layer);
    parse_role_overrides(check, keeper, place, gt_value_given(spec, "roleOverrides"), rig);
    const gt_value *polecats = gt_value_given(spec, "polecats");
    gt_pointer at = gt_member(place, "polecats");
    if (polecats == NULL || !gt_type_check(check, &at, polecats, GT_TYPE_OBJECT) ||
        !knows_keys(check, &at, polecats, GT_KIND_RIG, "polecats."))
        return;
    GT_VALUE_EACH (duration, polecats) {
        gt_pointer member = gt_member_str(&at, duration->key);
        if (duration->type != GT_VALUE_NULL && !is_duration(gt_value_str(duration)))
            gt_check_error(check, duration, &member, "must be a duration, such as 90s, 5m or 1h30m");
    }
}

static void parse_pool(gt_check *check, gt_keeper *keeper, const gt_pointer *place, const gt_value *spec,
                       gt_object *pool)
{
    gt_pointer role_at = gt_member(place, "role");
    knows_keys(check, place, spec, GT_KIND_POOL, "");
    pool->spec_name = required_text(check, place, spec, "rig");
    pool->role = required_text(check, place, spec, "role");
    if (pool->role.len > 0 && !gt_role_is_legal(pool->role))
        gt_check_error(check, gt_value_get(spec, "role"), &role_at,
                       "\"%.80s\" can't be a role (lower-case letters, digits and '-')", pool->role.at);
    warn_of_slip(check, &role_at, gt_value_get(spec, "role"), pool->role);
    gt_layer *layer = template_layer(check, place, spec, "template", GT_LAYER_POOL);
    pool->layer = keep_layer(check, keeper, layer);
}

/* Only its pull secrets are asked about; what else it has is Kubernetes' own. */
static void parse_account(gt_check *check, const gt_value *document, gt_object *account)
{
    gt_pointer metadata = gt_member(NULL, "metadata"), name = gt_member(&metadata, "name"),
               secrets = gt_member(NULL, "imagePullSecrets");
    if (!gt_str_is(account->name, "default"))
        gt_check_error(check, document, &name, "must be default: of other accounts nothing is asked");
    account->pull_secrets = gt_value_given(document, "imagePullSecrets");
    if (account->pull_secrets != NULL)
        gt_type_check(check, &secrets, account->pull_secrets, GT_TYPE_NAMED_OBJECTS);
}

/* Only whether its volumes grow is asked about. */
static void parse_class(gt_check *check, const gt_value *document, gt_object *class)
{
    gt_pointer metadata = gt_member(NULL, "metadata"), ns_at = gt_member(&metadata, "namespace"),
               expansion_at = gt_member(NULL, "allowVolumeExpansion");
    const gt_value *ns = gt_value_given(gt_value_get(document, "metadata"), "namespace"),
                   *expansion = gt_value_given(document, "allowVolumeExpansion");
    if (ns != NULL)
        gt_check_error(check, ns, &ns_at, "a StorageClass is the whole cluster's: it has no namespace");
    class->ns = (gt_str){"", 0};
    if (expansion != NULL && gt_type_check(check, &expansion_at, expansion, GT_TYPE_BOOL))
        class->expandable = expansion->truth;
}

static void parse_spec(gt_check *check, gt_keeper *keeper, const gt_value *document, gt_object *object)
{
    static const char *const known[] = {"apiVersion", "kind", "metadata", "spec", "status", NULL};
    static void (*const parse[])(gt_check *, gt_keeper *, const gt_pointer *, const gt_value *,
                                 gt_object *) = {parse_town, parse_rig, parse_pool};
    gt_pointer place = gt_member(NULL, "spec");
    gt_type_check_keys(check, NULL, document, known);
    const gt_value *spec = gt_value_get(document, "spec");
    if (spec == NULL || spec->type != GT_VALUE_OBJECT)
        gt_check_error(check, spec == NULL ? document : spec, &place, "must be an object, is %s",
                       gt_value_type_name(spec));
    else
        parse[object->kind](check, keeper, &place, spec, object);
}

/* So far its texts and values are the document's. */
static void keep(gt_keeper *keeper, gt_object *object)
{
    gt_str *const texts[] = {&object->ns,   &object->name,      &object->title,
                             &object->file, &object->spec_name, &object->role};
    gt_policy *policy = &object->policy;
    const gt_value **const values[] = {&policy->image_allowlist, &policy->event_overrides, &policy->rigless_roles,
                                       &policy->extras_allowed,  &policy->max_resources,   &policy->creators,
                                       &object->pull_secrets};
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
        *texts[i] = gt_keep_text(keeper, *texts[i]);
    for (size_t i = 0; i < sizeof values / sizeof *values; i++)
        *values[i] = gt_keep_value(keeper, *values[i]);
}

bool gt_object_parse(gt_check *check, gt_keeper *keeper, const gt_value *document, gt_object *object)
{
    *object = (gt_object){.document = check->document};
    if (!parse_head(check, document, object))
        return false;
    switch (object->kind) {
    case GT_KIND_ACCOUNT: parse_account(check, document, object); break;
    case GT_KIND_CLASS: parse_class(check, document, object); break;
    default: parse_spec(check, keeper, document, object); break;
    }
    object->broken = check->errors > 0;
    keep(keeper, object);
    gt_buf source;
    gt_buf_init(&source, keeper->scratch, 512);
    gt_value_print(&source, document);
    object->source = (gt_str){gt_arena_dup(keeper->arena, source.at, source.len), source.len};
    return true;
}
