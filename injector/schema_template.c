/* A PodTemplate: a node for each row of GT_FIELDS and GT_MEMBERS. Every field may be null, which takes away what lower layers set;
 * none has a default: the API server would write it into every layer, and each would seem to say what nobody said. */
#include "injector/schema.h"

#include "injector/agents.h"
#include "injector/choices.h"
#include "injector/template.h"

enum { LONGEST_REPOSITORY = 2048, LONGEST_BRANCH = 244 };

/* ---- members of storage, git and agent ---- */

static gt_value *runtimes(gt_arena *arena)
{
    const char *names[GT_RUNTIME_COUNT + 1] = {NULL};
    for (int i = 0; i < GT_RUNTIME_COUNT; i++)
        names[i] = gt_runtimes[i].name;
    return gt_schema_choice(arena, names);
}

static gt_value *providers(gt_arena *arena)
{
    const char *names[GT_PROVIDER_COUNT + 1] = {NULL};
    for (int i = 0; i < GT_PROVIDER_COUNT; i++)
        names[i] = gt_providers[i].name;
    return gt_schema_choice(arena, names);
}

static gt_value *member_node(gt_arena *arena, gt_member_type type)
{
    switch (type) {
    case GT_MEMBER_TEXT: return gt_schema_text(arena, GT_LONGEST_PATH);
    case GT_MEMBER_NAME: return gt_schema_name(arena);
    case GT_MEMBER_COUNT_OF: return gt_schema_integer(arena, 0, INT32_MAX);
    case GT_MEMBER_BOOL: return gt_schema_bool(arena);
    case GT_MEMBER_TEXTS: return gt_schema_list(arena, gt_schema_text(arena, GT_LONGEST_NAME), GT_MOST_ELEMENTS);
    case GT_MEMBER_SIZE: return gt_schema_quantity(arena);
    case GT_MEMBER_IMAGE: return gt_schema_text(arena, GT_LONGEST_IMAGE);
    case GT_MEMBER_KIND: return gt_schema_choice(arena, gt_storage_kinds);
    case GT_MEMBER_SCOPE:
        return gt_schema_rule(arena, gt_schema_choice(arena, gt_storage_scopes),
                              gt_arena_printf(arena, "self == '%s'", gt_storage_scopes[0]),
                              "Rig isn't possible yet: each agent has a claim of its own");
    case GT_MEMBER_RUNTIME: return runtimes(arena);
    case GT_MEMBER_PROVIDER: return providers(arena);
    case GT_MEMBER_BRANCH: return gt_schema_text(arena, LONGEST_BRANCH);
    case GT_MEMBER_REPOSITORY: return gt_schema_text(arena, LONGEST_REPOSITORY);
    }
    return NULL;
}

/* "apiKeySecret" of "apiKeySecret.name": has no row of its own. */
static void describe_parent(gt_arena *arena, gt_value *parent)
{
    if (gt_value_get(parent, "description") == NULL)
        gt_schema_describe(arena, gt_schema_nullable(arena, parent),
                           "where the provider's key is: a Secret, and a key in it");
}

static gt_value *struct_node(gt_arena *arena, gt_field_id field)
{
    gt_value *node = gt_schema_object(arena);
    for (size_t i = 0; i < GT_MEMBER_COUNT; i++) {
        const gt_member_row *row = &gt_members[i];
        if (row->field != field)
            continue;
        gt_value *child = gt_schema_nullable(arena, member_node(arena, row->type));
        gt_value *parent = gt_schema_member_at(arena, node, row->member, gt_schema_describe(arena, child, row->what));
        if (parent != node)
            describe_parent(arena, parent);
    }
    return node;
}

/* ---- fields ---- */

/* The core/v1 types of fields that hold Kubernetes' objects. */
static const char *const shapes[GT_FIELD_COUNT] = {
    [GT_FIELD_PULL_SECRETS] = "LocalObjectReference",
    [GT_FIELD_ENV_FROM] = "EnvFromSource",
    [GT_FIELD_TOLERATIONS] = "Toleration",
    [GT_FIELD_AFFINITY] = "Affinity",
    [GT_FIELD_TOPOLOGY_SPREAD] = "TopologySpreadConstraint",
    [GT_FIELD_LIVENESS] = "Probe",
    [GT_FIELD_READINESS] = "Probe",
    [GT_FIELD_STARTUP] = "Probe",
    [GT_FIELD_PORTS] = "ContainerPort",
    [GT_FIELD_DNS_CONFIG] = "PodDNSConfig",
    [GT_FIELD_HOST_ALIASES] = "HostAlias",
};

static gt_value *kubernetes_node(gt_arena *arena, gt_field_id field)
{
    return shapes[field] == NULL ? gt_schema_open(arena) : gt_schema_kubernetes(arena, shapes[field]);
}

static gt_value *element_node(gt_arena *arena, gt_field_id field)
{
    switch (field) {
    case GT_FIELD_VOLUMES: return gt_schema_volume(arena);
    case GT_FIELD_SIDECARS: return gt_schema_container(arena, true);
    case GT_FIELD_INIT_CONTAINERS: return gt_schema_container(arena, false);
    default: return kubernetes_node(arena, field);
    }
}

static gt_value *secret_env_entry(gt_arena *arena)
{
    gt_value *entry = gt_schema_object(arena);
    gt_value *name = gt_schema_env_name(arena), *key = gt_schema_pattern(arena, GT_LONGEST_NAME, "^.+$");
    gt_schema_member(arena, entry, "name", gt_schema_describe(arena, name, "the variable's name"));
    gt_schema_member(arena, entry, "secretName",
                     gt_schema_describe(arena, gt_schema_name(arena), "the Secret; needed"));
    gt_schema_member(arena, entry, "key",
                     gt_schema_describe(arena, gt_schema_nullable(arena, key), "the key in it (default: name)"));
    gt_schema_member(arena, entry, "optional",
                     gt_schema_describe(arena, gt_schema_nullable(arena, gt_schema_bool(arena)),
                                        "true: the agent starts without it, too"));
    return gt_schema_require(arena, entry, "secretName");
}

/* Keys of ours are the engine's (gt_key_is_ours). */
static gt_value *metadata_node(gt_arena *arena, gt_field_id field, gt_value *values)
{
    gt_value *node = gt_schema_map(arena, gt_schema_nullable(arena, values), (int64_t)gt_template_most(field));
    if (field == GT_FIELD_NODE_SELECTOR)
        return node;
    return gt_schema_rule(arena, node, "self.all(key, !key.startsWith('gastown.io/') && !key.contains('.gastown.io/'))",
                          "keys under gastown.io belong to the system");
}

static gt_value *label_value(gt_arena *arena)
{
    return gt_schema_pattern(arena, 63, "^(([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])?$");
}

static gt_value *list_node(gt_arena *arena, gt_field_id field, gt_value *items)
{
    int64_t most = (int64_t)gt_template_most(field);
    switch (gt_field_rows[field].merge) {
    case GT_MERGE_NAMED: return gt_schema_keyed(arena, items, most, "name");
    case GT_MERGE_MOUNTS: return gt_schema_keyed(arena, items, most, "mountPath");
    default: return gt_schema_list(arena, items, most);
    }
}

static gt_value *field_node(gt_arena *arena, gt_field_id field)
{
    int64_t most = (int64_t)gt_template_most(field);
    switch (gt_field_rows[field].type) {
    case GT_TYPE_TEXT: return gt_schema_text(arena, GT_LONGEST_PATH);
    case GT_TYPE_IMAGE: return gt_schema_text(arena, GT_LONGEST_IMAGE);
    case GT_TYPE_NAME: return gt_schema_name(arena);
    case GT_TYPE_PULL_POLICY: return gt_schema_choice(arena, gt_pull_policies);
    case GT_TYPE_DNS_POLICY: return gt_schema_choice(arena, gt_dns_policies);
    case GT_TYPE_BOOL: return gt_schema_bool(arena);
    case GT_TYPE_COUNT: return gt_schema_integer(arena, 0, INT64_MAX);
    case GT_TYPE_POSITIVE: return gt_schema_integer(arena, 1, INT64_MAX);
    case GT_TYPE_TEXTS: return gt_schema_list(arena, gt_schema_text(arena, GT_LONGEST_TEXT), most);
    case GT_TYPE_OBJECT: return kubernetes_node(arena, field);
    case GT_TYPE_OBJECTS:
    case GT_TYPE_NAMED_OBJECTS: return list_node(arena, field, element_node(arena, field));
    case GT_TYPE_ENV: return list_node(arena, field, gt_schema_env_entry(arena, true));
    case GT_TYPE_SECRET_ENV: return gt_schema_keyed(arena, secret_env_entry(arena), most, "name");
    case GT_TYPE_MOUNTS: return list_node(arena, field, gt_schema_mount(arena));
    case GT_TYPE_LABELS: return metadata_node(arena, field, label_value(arena));
    case GT_TYPE_ANNOTATIONS: return metadata_node(arena, field, gt_schema_text(arena, GT_LONGEST_TEXT));
    case GT_TYPE_RESOURCES: return gt_schema_resources(arena);
    case GT_TYPE_STORAGE:
    case GT_TYPE_GIT:
    case GT_TYPE_AGENT: return struct_node(arena, field);
    case GT_TYPE_CONTAINER_SECURITY: return gt_schema_security(arena, false);
    case GT_TYPE_POD_SECURITY: return gt_schema_security(arena, true);
    case GT_TYPE_INTERNAL: break;
    }
    return NULL;
}

gt_value *gt_schema_template(gt_arena *arena, const char *what)
{
    gt_value *node = gt_schema_object(arena);
    for (int i = 0; i < GT_FIELD_COUNT; i++) {
        gt_field_id field = gt_fields_sorted[i];
        const gt_field_row *row = &gt_field_rows[field];
        if (row->type != GT_TYPE_INTERNAL)
            gt_schema_member(arena, node, row->name,
                             gt_schema_describe(arena, gt_schema_nullable(arena, field_node(arena, field)), row->what));
    }
    gt_value *unset = gt_schema_list(arena, gt_schema_text(arena, GT_LONGEST_PATH), GT_MOST_NAMES);
    gt_schema_member(
        arena, node, "unset",
        gt_schema_describe(arena, gt_schema_nullable(arena, unset),
                           "paths of fields whose inherited value is taken away: image, nodeSelector.zone"));
    return gt_schema_describe(arena, gt_schema_nullable(arena, node), what);
}
