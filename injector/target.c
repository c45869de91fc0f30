/* From a resolved template and an identity to the wants of a pod. What goes where is in tables; a field that isn't in one of them
 * has a function of its own below. */
#include "injector/target.h"

#include "injector/agents.h"
#include "injector/image.h"

const gt_cell *gt_target_cell(const gt_target *target, gt_field_id field, const char *key)
{
    return gt_layer_get(target->resolved, field, gt_str_of(key));
}

/* ---- fields that go to one place as they are ---- */

typedef struct plain_field {
    gt_field_id field;
    bool on_pod; /* spec; else the agent's container */
    const char *unset;
} plain_field;

static const plain_field plain_fields[] = {
    {GT_FIELD_IMAGE, false, NULL},
    {GT_FIELD_COMMAND, false, NULL},
    {GT_FIELD_ARGS, false, NULL},
    {GT_FIELD_WORKING_DIR, false, NULL},
    {GT_FIELD_LIVENESS, false, NULL},
    {GT_FIELD_READINESS, false, NULL},
    {GT_FIELD_STARTUP, false, NULL},
    {GT_FIELD_RESTART_POLICY, true, "Always"},
    {GT_FIELD_SERVICE_ACCOUNT, true, "default"},
    {GT_FIELD_AUTOMOUNT_TOKEN, true, NULL},
    {GT_FIELD_GRACE, true, "30"},
    {GT_FIELD_DEADLINE, true, NULL},
    {GT_FIELD_PRIORITY_CLASS, true, NULL},
    {GT_FIELD_RUNTIME_CLASS, true, NULL},
    {GT_FIELD_SHARE_PROCESSES, true, NULL},
    {GT_FIELD_DNS_POLICY, true, "ClusterFirst"},
    {GT_FIELD_DNS_CONFIG, true, NULL},
    {GT_FIELD_AFFINITY, true, NULL},
};

static void add_plain_fields(gt_target *target)
{
    for (size_t i = 0; i < sizeof plain_fields / sizeof *plain_fields; i++) {
        const plain_field *row = &plain_fields[i];
        const gt_cell *c = gt_target_cell(target, row->field, "");
        if (c == NULL)
            continue;
        gt_str name = gt_str_of(gt_field_rows[row->field].name);
        gt_want *leaf = gt_want_leaf(target->arena, row->on_pod ? target->spec : target->agent, name, c->value,
                                     gt_from_cell(row->field, c));
        leaf->unset = row->unset;
    }
}

/* ---- lists whose elements are ensured one by one ---- */

typedef struct keyed_field {
    gt_field_id field;
    bool on_pod;
    const char *keys[GT_WANT_KEYS + 1];
} keyed_field;

static const keyed_field keyed_fields[] = {
    {GT_FIELD_TOLERATIONS, true, {"key", "operator", "value", "effect"}},
    {GT_FIELD_TOPOLOGY_SPREAD, true, {"topologyKey", "whenUnsatisfiable"}},
    {GT_FIELD_PULL_SECRETS, true, {"name"}},
    {GT_FIELD_HOST_ALIASES, true, {"ip"}},
    {GT_FIELD_PORTS, false, {"containerPort", "protocol"}},
    {GT_FIELD_ENV_FROM, false, {"configMapRef", "secretRef", "prefix"}},
};

static void add_keyed_fields(gt_target *target)
{
    for (size_t i = 0; i < sizeof keyed_fields / sizeof *keyed_fields; i++) {
        const keyed_field *row = &keyed_fields[i];
        const gt_cell *c = gt_target_cell(target, row->field, "");
        if (c != NULL)
            gt_want_keyed(target->arena, row->on_pod ? target->spec : target->agent, gt_field_rows[row->field].name,
                          row->keys, c->value, gt_from_cell(row->field, c));
    }
}

/* ---- maps and structs: a want per cell ---- */

/* "a.b" becomes member b of member a where the field nests; else one member with that name. */
static void add_cells(gt_target *target, gt_want *parent, const char *name, gt_field_id field)
{
    const gt_cells *cells = &target->resolved->cells[field];
    for (uint32_t i = 0; i < cells->count; i++) {
        const gt_cell *c = &cells->at[i];
        if (c->value == NULL)
            continue;
        gt_want *object = gt_want_member(target->arena, parent, name, GT_RULE_OBJECT);
        const char *dot = memchr(c->key.at, '.', c->key.len);
        gt_str head = {c->key.at, dot == NULL ? 0 : (size_t)(dot - c->key.at)}, tail = c->key;
        if (dot != NULL && (gt_field_rows[field].merge == GT_MERGE_RESOURCES || gt_member_is_nested(field, head))) {
            object =
                gt_want_member(target->arena, object, gt_arena_dup(target->arena, head.at, head.len), GT_RULE_OBJECT);
            tail = (gt_str){dot + 1, c->key.len - head.len - 1};
        }
        gt_want *leaf = gt_want_leaf(target->arena, object, tail, c->value, gt_from_cell(field, c));
        if (gt_field_rows[field].merge == GT_MERGE_MAP)
            leaf->rule = GT_RULE_EXACT;
    }
}

/* ---- the agent's program and image ---- */

static void add_text_list(gt_target *target, const char *name, const char *text, gt_from from)
{
    gt_value *list = gt_value_array(target->arena);
    gt_value_push(list, gt_value_text(target->arena, text));
    gt_want_leaf(target->arena, target->agent, gt_str_of(name), list, from);
}

/* A runtime's own command where no layer has another. Its argument belongs to its command. */
static void add_program(gt_target *target)
{
    const gt_cell *name = gt_target_cell(target, GT_FIELD_AGENT, "runtime");
    const gt_runtime *runtime = name == NULL ? NULL : gt_runtime_of(gt_value_str(name->value));
    if (runtime == NULL)
        return;
    gt_from from = gt_from_cell(GT_FIELD_AGENT, name);
    bool its_command = runtime->command != NULL && gt_target_cell(target, GT_FIELD_COMMAND, "") == NULL;
    if (its_command)
        add_text_list(target, "command", runtime->command, from);
    if (its_command && runtime->argument != NULL && gt_target_cell(target, GT_FIELD_ARGS, "") == NULL)
        add_text_list(target, "args", runtime->argument, from);
    gt_str clone = gt_target_clone_path(target);
    if (clone.len > 0 && gt_target_cell(target, GT_FIELD_WORKING_DIR, "") == NULL)
        gt_want_leaf(target->arena, target->agent, GT_STR("workingDir"), gt_value_string(target->arena, clone), from);
}

void gt_target_pull_policy(gt_target *target, gt_want *container, const gt_cell *image, const gt_cell *said)
{
    gt_image parsed = {.digest = {"", 0}};
    if (image != NULL)
        gt_image_parse(image->value->text, &parsed);
    if (said != NULL)
        gt_want_leaf(target->arena, container, GT_STR("imagePullPolicy"), said->value,
                     gt_from_cell(GT_FIELD_IMAGE_PULL_POLICY, said));
    else
        gt_want_text(target->arena, container, "imagePullPolicy", parsed.digest.len > 0 ? "IfNotPresent" : "Always",
                     gt_from_engine("role profile"));
}

/* ---- metadata ---- */

static void add_metadata(gt_target *target, gt_str hash, gt_str layers)
{
    gt_want *labels = gt_want_new(target->arena, target->metadata, GT_STR("labels"), GT_RULE_OBJECT);
    gt_want_text(target->arena, labels, GT_LABEL_APP, "gastown", gt_from_engine(NULL))->rule = GT_RULE_IF_MISSING;
    add_cells(target, target->metadata, "labels", GT_FIELD_LABELS);
    gt_want *annotations = gt_want_new(target->arena, target->metadata, GT_STR("annotations"), GT_RULE_OBJECT);
    add_cells(target, target->metadata, "annotations", GT_FIELD_ANNOTATIONS);
    gt_from from = gt_from_engine(NULL);
    gt_want_leaf(target->arena, annotations, GT_STR(GT_ANNOTATION_HASH), gt_value_string(target->arena, hash), from);
    gt_want_leaf(target->arena, annotations, GT_STR(GT_ANNOTATION_LAYERS), gt_value_string(target->arena, layers),
                 from);
    gt_want_text(target->arena, annotations, GT_ANNOTATION_ENGINE, GT_ENGINE_REVISION, from);
}

gt_want *gt_target_build(gt_arena *arena, const gt_plan *plan, const gt_layer *resolved, const gt_identity *identity,
                         gt_str hash, gt_str layers)
{
    gt_target t = {.arena = arena, .resolved = resolved, .identity = identity};
    gt_want *pod = gt_want_new(arena, NULL, GT_STR(""), GT_RULE_OBJECT);
    t.metadata = gt_want_new(arena, pod, GT_STR("metadata"), GT_RULE_OBJECT);
    t.spec = gt_want_new(arena, pod, GT_STR("spec"), GT_RULE_OBJECT);
    t.inits = gt_want_new(arena, t.spec, GT_STR("initContainers"), GT_RULE_CONTAINERS);
    t.containers = gt_want_new(arena, t.spec, GT_STR("containers"), GT_RULE_CONTAINERS);
    t.agent = gt_want_new(arena, t.containers, GT_STR("agent"), GT_RULE_OBJECT);
    gt_want_text(arena, t.agent, "name", "agent", gt_from_engine(NULL));

    add_metadata(&t, hash, layers);
    add_plain_fields(&t);
    add_program(&t);
    gt_target_pull_policy(&t, t.agent, gt_target_cell(&t, GT_FIELD_IMAGE, ""),
                          gt_target_cell(&t, GT_FIELD_IMAGE_PULL_POLICY, ""));
    add_keyed_fields(&t);
    add_cells(&t, t.spec, "nodeSelector", GT_FIELD_NODE_SELECTOR);
    add_cells(&t, t.spec, "securityContext", GT_FIELD_POD_SECURITY);
    add_cells(&t, t.agent, "securityContext", GT_FIELD_SECURITY);
    add_cells(&t, t.agent, "resources", GT_FIELD_RESOURCES);
    gt_env_build(arena, t.agent, plan, resolved, identity);
    gt_target_volumes(&t);
    gt_target_bring(&t);
    return pod;
}
