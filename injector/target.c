/* From a resolved template and an identity to the wants of a pod. What goes where is in tables; a field that isn't in one of them
 * has a function of its own below. */
#include "injector/template.h"
#include "injector/want.h"
#include "injector/image.h"

/* ---- building wants ---- */

gt_want *gt_want_new(gt_arena *arena, gt_want *parent, gt_str name, gt_rule rule)
{
    gt_want *want = GT_NEW(arena, gt_want);
    want->name = name;
    want->rule = rule;
    if (parent == NULL)
        return want;
    if (parent->last == NULL)
        parent->first = want;
    else
        parent->last->next = want;
    parent->last = want;
    return want;
}

gt_want *gt_want_leaf(gt_arena *arena, gt_want *parent, gt_str name, const gt_value *value, gt_from from)
{
    gt_want *want = gt_want_new(arena, parent, name, GT_RULE_VALUE);
    want->value = value;
    want->from = from;
    return want;
}

gt_from gt_from_cell(gt_field_id field, const gt_cell *cell)
{
    return (gt_from){.kind = GT_FROM_LAYER,
                     .layer = cell->origin,
                     .beaten = cell->beaten,
                     .detail_row = cell->detail_row,
                     .field = field,
                     .key = cell->key};
}

gt_from gt_from_engine(const char *detail)
{
    return (gt_from){.kind = GT_FROM_ENGINE, .detail = detail};
}

gt_from gt_from_identity(void)
{
    return (gt_from){.kind = GT_FROM_IDENTITY};
}

static bool is_list(gt_rule rule)
{
    return rule == GT_RULE_KEYED || rule == GT_RULE_ENV || rule == GT_RULE_MOUNTS || rule == GT_RULE_VOLUMES ||
           rule == GT_RULE_CONTAINERS;
}

gt_value *gt_want_value(gt_arena *arena, const gt_want *want)
{
    if (want->value != NULL)
        return gt_value_ref(arena, want->value);
    bool list = is_list(want->rule);
    gt_value *value = list ? gt_value_array(arena) : gt_value_object(arena);
    for (const gt_want *child = want->first; child != NULL; child = child->next) {
        if (list)
            gt_value_push(value, gt_want_value(arena, child));
        else
            gt_value_set(arena, value, child->name, gt_want_value(arena, child));
    }
    return value;
}

typedef struct builder {
    gt_arena *arena;
    const gt_plan *plan;
    const gt_layer *resolved;
    const gt_identity *identity;
    gt_want *metadata, *spec, *agent;
    gt_want *volumes, *mounts;
} builder;

static gt_want *member(builder *b, gt_want *parent, const char *name, gt_rule rule)
{
    for (gt_want *child = parent->first; child != NULL; child = child->next)
        if (gt_str_is(child->name, name))
            return child;
    return gt_want_new(b->arena, parent, gt_str_of(name), rule);
}

static gt_want *text_leaf(builder *b, gt_want *parent, const char *name, const char *text, gt_from from)
{
    return gt_want_leaf(b->arena, parent, gt_str_of(name), gt_value_text(b->arena, text), from);
}

static const gt_cell *cell(const builder *b, gt_field_id field, const char *key)
{
    return gt_layer_get(b->resolved, field, gt_str_of(key));
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

static void add_plain_fields(builder *b)
{
    for (size_t i = 0; i < sizeof plain_fields / sizeof *plain_fields; i++) {
        const plain_field *row = &plain_fields[i];
        const gt_cell *c = cell(b, row->field, "");
        if (c == NULL)
            continue;
        gt_str name = gt_str_of(gt_field_rows[row->field].name);
        gt_want *leaf =
            gt_want_leaf(b->arena, row->on_pod ? b->spec : b->agent, name, c->value, gt_from_cell(row->field, c));
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

/* What people call an element: the first of its keys that is a text or number. */
static gt_str label_of(const gt_value *element, const char *const *keys)
{
    for (int i = 0; i < GT_WANT_KEYS && keys[i] != NULL; i++) {
        const gt_value *key = gt_value_get(element, keys[i]);
        const gt_value *name = key != NULL && key->type == GT_VALUE_OBJECT ? gt_value_get(key, "name") : key;
        if (name != NULL && name->text.len > 0)
            return name->text;
    }
    return (gt_str){"", 0};
}

static void add_keyed(gt_arena *arena, gt_want *parent, const char *name, const char *const *keys,
                      const gt_value *elements, gt_from from)
{
    if (elements->count == 0)
        return;
    gt_want *list = gt_want_new(arena, parent, gt_str_of(name), GT_RULE_KEYED);
    list->keys = keys;
    GT_VALUE_EACH (element, elements)
        gt_want_leaf(arena, list, label_of(element, keys), element, from);
}

static void add_keyed_fields(builder *b)
{
    for (size_t i = 0; i < sizeof keyed_fields / sizeof *keyed_fields; i++) {
        const keyed_field *row = &keyed_fields[i];
        const gt_cell *c = cell(b, row->field, "");
        if (c != NULL)
            add_keyed(b->arena, row->on_pod ? b->spec : b->agent, gt_field_rows[row->field].name, row->keys, c->value,
                      gt_from_cell(row->field, c));
    }
}

/* ---- maps and structs: a want per cell ---- */

/* "a.b" becomes member b of member a where the field nests; else one member with that name. */
static void add_cells(builder *b, gt_want *parent, const char *name, gt_field_id field)
{
    const gt_cells *cells = &b->resolved->cells[field];
    for (uint32_t i = 0; i < cells->count; i++) {
        const gt_cell *c = &cells->at[i];
        if (c->value == NULL)
            continue;
        gt_want *object = member(b, parent, name, GT_RULE_OBJECT);
        const char *dot = memchr(c->key.at, '.', c->key.len);
        gt_str head = {c->key.at, dot == NULL ? 0 : (size_t)(dot - c->key.at)}, tail = c->key;
        if (dot != NULL && (gt_field_rows[field].merge == GT_MERGE_RESOURCES || gt_member_is_nested(field, head))) {
            object = member(b, object, gt_arena_dup(b->arena, head.at, head.len), GT_RULE_OBJECT);
            tail = (gt_str){dot + 1, c->key.len - head.len - 1};
        }
        gt_want *leaf = gt_want_leaf(b->arena, object, tail, c->value, gt_from_cell(field, c));
        if (gt_field_rows[field].merge == GT_MERGE_MAP)
            leaf->rule = GT_RULE_EXACT;
    }
}

/* ---- image pull policy ---- */

static void add_pull_policy(builder *b)
{
    const gt_cell *policy = cell(b, GT_FIELD_IMAGE_PULL_POLICY, ""), *image = cell(b, GT_FIELD_IMAGE, "");
    gt_image parsed = {.digest = {"", 0}};
    if (image != NULL)
        gt_image_parse(image->value->text, &parsed);
    if (policy != NULL)
        gt_want_leaf(b->arena, b->agent, GT_STR("imagePullPolicy"), policy->value,
                     gt_from_cell(GT_FIELD_IMAGE_PULL_POLICY, policy));
    else
        text_leaf(b, b->agent, "imagePullPolicy", parsed.digest.len > 0 ? "IfNotPresent" : "Always",
                  gt_from_engine("role profile"));
}

/* ---- volumes and mounts ---- */

static void add_volume(builder *b, gt_str name, const char *source, gt_value *config, gt_from from)
{
    gt_value *volume = gt_value_object(b->arena);
    gt_value_put(b->arena, volume, "name", gt_value_string(b->arena, name));
    gt_value_put(b->arena, volume, source, config);
    gt_want_leaf(b->arena, b->volumes, name, volume, from);
}

static void add_mount(builder *b, const char *name, const char *path, const char *sub_path, bool read_only,
                      gt_from from)
{
    const gt_cells *templates = &b->resolved->cells[GT_FIELD_VOLUME_MOUNTS];
    for (uint32_t i = 0; i < templates->count; i++)
        if (gt_str_is(templates->at[i].key, path))
            return; /* a template mounts something else there */
    gt_value *mount = gt_value_object(b->arena);
    gt_value_put(b->arena, mount, "name", gt_value_text(b->arena, name));
    gt_value_put(b->arena, mount, "mountPath", gt_value_text(b->arena, path));
    if (sub_path != NULL)
        gt_value_put(b->arena, mount, "subPath", gt_value_text(b->arena, sub_path));
    if (read_only)
        gt_value_put(b->arena, mount, "readOnly", gt_value_bool(b->arena, true));
    gt_want_leaf(b->arena, b->mounts, gt_str_of(path), mount, from);
}

static gt_value *named(builder *b, const char *key, const gt_value *name)
{
    gt_value *config = gt_value_object(b->arena);
    gt_value_put(b->arena, config, key, gt_value_ref(b->arena, name));
    return config;
}

static void add_workspace(builder *b)
{
    const gt_cell *kind =
        cell(b, GT_FIELD_STORAGE, "kind"); /* NULL: unset, and a workspace there must be: the role's own kind */
    bool claim =
        kind == NULL ? gt_role_of(b->identity->role)->persists : gt_value_is(kind->value, "PersistentVolumeClaim");
    gt_from from = kind == NULL ? gt_from_engine("role profile") : gt_from_cell(GT_FIELD_STORAGE, kind);
    gt_value *config =
        claim ? named(b, "claimName", gt_value_string(b->arena, b->identity->claim)) : gt_value_object(b->arena);
    add_volume(b, GT_STR("workspace"), claim ? "persistentVolumeClaim" : "emptyDir", config, from);
    add_mount(b, "workspace", "/home/agent/gt", NULL, false, from);
    if (claim)
        add_mount(b, "workspace", "/home/agent/.claude", ".state/claude", false, from);
}

static void add_built_in_volumes(builder *b)
{
    const gt_cell *config_map = cell(b, GT_FIELD_CONFIG_MAP, ""),
                  *credentials = cell(b, GT_FIELD_AGENT, "credentialsSecret");
    add_workspace(b);
    if (cell(b, GT_FIELD_VOLUMES, "tmp") == NULL)
        add_volume(b, GT_STR("tmp"), "emptyDir", gt_value_object(b->arena), gt_from_engine("role profile"));
    add_mount(b, "tmp", "/tmp", NULL, false, gt_from_engine("role profile"));
    if (config_map != NULL) {
        gt_from from = gt_from_cell(GT_FIELD_CONFIG_MAP, config_map);
        add_volume(b, GT_STR("beads-config"), "configMap", named(b, "name", config_map->value), from);
        add_mount(b, "beads-config", "/etc/agent-pod", NULL, true, from);
    }
    if (credentials != NULL) {
        gt_from from = gt_from_cell(GT_FIELD_AGENT, credentials);
        add_volume(b, GT_STR("credentials"), "secret", named(b, "secretName", credentials->value), from);
        add_mount(b, "credentials", "/var/run/secrets/gastown.io/credentials", NULL, true, from);
    }
}

static void add_template_volumes(builder *b)
{
    const gt_cells *volumes = &b->resolved->cells[GT_FIELD_VOLUMES],
                   *mounts = &b->resolved->cells[GT_FIELD_VOLUME_MOUNTS];
    for (uint32_t i = 0; i < volumes->count; i++)
        if (volumes->at[i].value != NULL)
            gt_want_leaf(b->arena, b->volumes, volumes->at[i].key, volumes->at[i].value,
                         gt_from_cell(GT_FIELD_VOLUMES, &volumes->at[i]));
    for (uint32_t i = 0; i < mounts->count; i++)
        if (mounts->at[i].value != NULL)
            gt_want_leaf(b->arena, b->mounts, mounts->at[i].key, mounts->at[i].value,
                         gt_from_cell(GT_FIELD_VOLUME_MOUNTS, &mounts->at[i]));
}

/* ---- containers that templates bring ---- */

static void add_list(builder *b, gt_want *container, const gt_value *elements, const char *name, gt_rule rule,
                     const char *by, gt_from from)
{
    gt_want *list = gt_want_new(b->arena, container, gt_str_of(name), rule);
    GT_VALUE_EACH (element, elements) {
        gt_str key = gt_value_str(gt_value_get(element, by));
        if (rule == GT_RULE_MOUNTS)
            key = gt_path_normal(b->arena, key);
        gt_want_leaf(b->arena, list, key, element, from)->secret = rule == GT_RULE_ENV;
    }
}

static void add_members(builder *b, gt_want *object, const gt_value *value, gt_from from, int levels)
{
    GT_VALUE_EACH (inner, value) {
        if (inner->type == GT_VALUE_NULL)
            continue;
        if (levels > 1 && inner->type == GT_VALUE_OBJECT)
            add_members(b, gt_want_new(b->arena, object, inner->key, GT_RULE_OBJECT), inner, from, levels - 1);
        else
            gt_want_leaf(b->arena, object, inner->key, inner, from);
    }
}

/* What every container of ours has, whatever its template says or leaves out. */
static void harden(builder *b, gt_want *container)
{
    gt_want *security = member(b, container, "securityContext", GT_RULE_OBJECT);
    gt_want *capabilities = member(b, security, "capabilities", GT_RULE_OBJECT);
    gt_from from = gt_from_engine("role profile");
    bool escalation = false, drop = false;
    for (const gt_want *child = security->first; child != NULL; child = child->next)
        escalation = escalation || gt_str_is(child->name, "allowPrivilegeEscalation");
    for (const gt_want *child = capabilities->first; child != NULL; child = child->next)
        drop = drop || gt_str_is(child->name, "drop");
    if (!escalation)
        gt_want_leaf(b->arena, security, GT_STR("allowPrivilegeEscalation"), gt_value_bool(b->arena, false), from);
    if (drop)
        return;
    gt_value *all = gt_value_array(b->arena);
    gt_value_push(all, gt_value_text(b->arena, "ALL"));
    gt_want_leaf(b->arena, capabilities, GT_STR("drop"), all, from);
}

static void add_container(builder *b, gt_want *list, const gt_value *template, bool native, bool last, gt_from from)
{
    static const char *const port_keys[] = {"containerPort", "protocol", NULL}, *const source_keys[] = {"configMapRef",
                                                                                                        "secretRef",
                                                                                                        "prefix", NULL};
    gt_want *container = gt_want_new(b->arena, list, gt_value_str(gt_value_get(template, "name")), GT_RULE_OBJECT);
    container->last_in_list = last;
    GT_VALUE_EACH (value, template) {
        gt_str name = value->key;
        if (gt_str_is(name, "mode") || gt_str_is(name, "start") || value->type == GT_VALUE_NULL)
            continue;
        if (gt_str_is(name, "env"))
            add_list(b, container, value, "env", GT_RULE_ENV, "name", from);
        else if (gt_str_is(name, "volumeMounts"))
            add_list(b, container, value, "volumeMounts", GT_RULE_MOUNTS, "mountPath", from);
        else if (gt_str_is(name, "ports"))
            add_keyed(b->arena, container, "ports", port_keys, value, from);
        else if (gt_str_is(name, "envFrom"))
            add_keyed(b->arena, container, "envFrom", source_keys, value, from);
        else if (gt_str_is(name, "securityContext") || gt_str_is(name, "resources"))
            add_members(b, member(b, container, name.at, GT_RULE_OBJECT), value, from, 2);
        else
            gt_want_leaf(b->arena, container, name, value, from);
    }
    if (native)
        text_leaf(b, container, "restartPolicy", "Always", from);
    harden(b, container);
}

typedef enum pass { START_FIRST, INIT, NATIVE, CLASSIC } pass;

static pass pass_of(const gt_value *sidecar)
{
    if (gt_value_is(gt_value_get(sidecar, "mode"), "classic"))
        return CLASSIC;
    return gt_value_is(gt_value_get(sidecar, "start"), "first") ? START_FIRST : NATIVE;
}

static void add_sidecars(builder *b, gt_want *list, pass wanted)
{
    gt_field_id field = wanted == INIT ? GT_FIELD_INIT_CONTAINERS : GT_FIELD_SIDECARS;
    const gt_cells *cells = &b->resolved->cells[field];
    for (uint32_t i = 0; i < cells->count; i++) {
        const gt_value *value = cells->at[i].value;
        if (value != NULL && (wanted == INIT || pass_of(value) == wanted))
            add_container(b, list, value, wanted == START_FIRST || wanted == NATIVE, wanted == CLASSIC,
                          gt_from_cell(field, &cells->at[i]));
    }
}

/* ---- metadata ---- */

static void add_metadata(builder *b, gt_str hash, gt_str layers)
{
    gt_want *labels = gt_want_new(b->arena, b->metadata, GT_STR("labels"), GT_RULE_OBJECT);
    text_leaf(b, labels, GT_LABEL_APP, "gastown", gt_from_engine(NULL))->rule = GT_RULE_IF_MISSING;
    add_cells(b, b->metadata, "labels", GT_FIELD_LABELS);
    gt_want *annotations = gt_want_new(b->arena, b->metadata, GT_STR("annotations"), GT_RULE_OBJECT);
    add_cells(b, b->metadata, "annotations", GT_FIELD_ANNOTATIONS);
    gt_from from = gt_from_engine(NULL);
    gt_want_leaf(b->arena, annotations, GT_STR(GT_ANNOTATION_HASH), gt_value_string(b->arena, hash), from);
    gt_want_leaf(b->arena, annotations, GT_STR(GT_ANNOTATION_LAYERS), gt_value_string(b->arena, layers), from);
    text_leaf(b, annotations, GT_ANNOTATION_ENGINE, GT_ENGINE_REVISION, from);
}

gt_want *gt_target_build(gt_arena *arena, const gt_plan *plan, const gt_layer *resolved, const gt_identity *identity,
                         gt_str hash, gt_str layers)
{
    builder b = {.arena = arena, .plan = plan, .resolved = resolved, .identity = identity};
    gt_want *pod = gt_want_new(arena, NULL, GT_STR(""), GT_RULE_OBJECT);
    b.metadata = gt_want_new(arena, pod, GT_STR("metadata"), GT_RULE_OBJECT);
    b.spec = gt_want_new(arena, pod, GT_STR("spec"), GT_RULE_OBJECT);
    gt_want *inits = gt_want_new(arena, b.spec, GT_STR("initContainers"), GT_RULE_CONTAINERS);
    gt_want *containers = gt_want_new(arena, b.spec, GT_STR("containers"), GT_RULE_CONTAINERS);
    b.agent = gt_want_new(arena, containers, GT_STR("agent"), GT_RULE_OBJECT);
    text_leaf(&b, b.agent, "name", "agent", gt_from_engine(NULL));
    b.volumes = gt_want_new(arena, b.spec, GT_STR("volumes"), GT_RULE_VOLUMES);

    add_metadata(&b, hash, layers);
    add_plain_fields(&b);
    add_pull_policy(&b);
    add_keyed_fields(&b);
    add_cells(&b, b.spec, "nodeSelector", GT_FIELD_NODE_SELECTOR);
    add_cells(&b, b.spec, "securityContext", GT_FIELD_POD_SECURITY);
    add_cells(&b, b.agent, "securityContext", GT_FIELD_SECURITY);
    add_cells(&b, b.agent, "resources", GT_FIELD_RESOURCES);
    gt_env_build(arena, b.agent, plan, resolved, identity);
    b.mounts = gt_want_new(arena, b.agent, GT_STR("volumeMounts"), GT_RULE_MOUNTS);
    add_built_in_volumes(&b);
    add_template_volumes(&b);
    add_sidecars(&b, inits, START_FIRST);
    add_sidecars(&b, inits, INIT);
    add_sidecars(&b, inits, NATIVE);
    add_sidecars(&b, containers, CLASSIC);
    return pod;
}
