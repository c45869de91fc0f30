#include "injector/crd.h"

#include "injector/schema.h"

const gt_crd gt_crds[GT_CRD_COUNT] = {
    {GT_KIND_TOWN, "gastowns", "gastown", "GasTownList", "gtown",
     "A town: what all its agents' pods have in common, and what they may do. One per namespace."},
    {GT_KIND_RIG, "rigs", "rig", "RigList", "grig",
     "A rig: what the pods of one project's agents have, and those of its roles."},
    {GT_KIND_POOL, "agentpools", "agentpool", "AgentPoolList", "gpool",
     "A pool: what the pods of one role in one rig have."},
};

/* Not `gastown`: kubectl looks categories up before kinds, and `kubectl get gastown NAME` is about a town. */
#define CATEGORY "gastown-templates"

const gt_crd *gt_crd_of(gt_str name)
{
    for (int i = 0; i < GT_CRD_COUNT; i++)
        if (gt_str_is(name, gt_crds[i].plural) || gt_str_is(name, gt_crds[i].singular) ||
            gt_str_is(name, gt_crds[i].brief) || gt_str_is(name, gt_kind_names[gt_crds[i].kind]))
            return &gt_crds[i];
    return NULL;
}

static void put_text(gt_arena *arena, gt_value *object, const char *key, const char *text)
{
    gt_value_put(arena, object, key, gt_value_text(arena, text));
}

static gt_value *list_of_one(gt_arena *arena, const char *text)
{
    gt_value *list = gt_value_array(arena);
    gt_value_push(list, gt_value_text(arena, text));
    return list;
}

/* ---- columns of kubectl get ---- */

enum { ALL_KINDS = GT_KIND_COUNT };

static const struct {
    int kind; /* or ALL_KINDS */
    const char *name, *type, *path, *what;
    int64_t priority; /* 1: with -o wide */
} columns[] = {
    {GT_KIND_RIG, "Rig", "string", ".spec.name", "the rig's raw name", 0},
    {GT_KIND_POOL, "Rig", "string", ".spec.rig", "the raw name of its rig", 0},
    {GT_KIND_POOL, "Role", "string", ".spec.role", "the role of its agents", 0},
    {ALL_KINDS, "Accepted", "string", ".status.conditions[?(@.type==\"Accepted\")].status",
     "whether the newest generation is the one that counts", 0},
    {ALL_KINDS, "Reason", "string", ".status.conditions[?(@.type==\"Accepted\")].reason", "why, or why not", 0},
    {ALL_KINDS, "Pods", "integer", ".status.pods.total", "pods of agents that it is for", 0},
    {ALL_KINDS, "Older", "integer", ".status.pods.older", "of these, made from what it or others said before", 0},
    {GT_KIND_TOWN, "Image", "string", ".spec.defaults.image", "the agents' image", 1},
    {GT_KIND_RIG, "Image", "string", ".spec.podOverrides.image", "the agents' image", 1},
    {GT_KIND_POOL, "Image", "string", ".spec.template.image", "the agents' image", 1},
    {GT_KIND_TOWN, "Storage", "string", ".spec.defaults.storage.size", "size of the agents' claims", 1},
    {GT_KIND_RIG, "Storage", "string", ".spec.podOverrides.storage.size", "size of the agents' claims", 1},
    {GT_KIND_POOL, "Storage", "string", ".spec.template.storage.size", "size of the agents' claims", 1},
    {ALL_KINDS, "Message", "string", ".status.conditions[?(@.type==\"Accepted\")].message", "what is wrong, and where",
     1},
    {ALL_KINDS, "Age", "date", ".metadata.creationTimestamp", "since it was created", 0},
};

static gt_value *printer_columns(gt_arena *arena, gt_kind kind)
{
    gt_value *list = gt_value_array(arena);
    for (size_t i = 0; i < sizeof columns / sizeof *columns; i++) {
        if (columns[i].kind != (int)kind && columns[i].kind != ALL_KINDS)
            continue;
        gt_value *column = gt_value_object(arena);
        put_text(arena, column, "name", columns[i].name);
        put_text(arena, column, "type", columns[i].type);
        put_text(arena, column, "jsonPath", columns[i].path);
        put_text(arena, column, "description", columns[i].what);
        if (columns[i].priority != 0)
            gt_value_put(arena, column, "priority", gt_value_int(arena, columns[i].priority));
        gt_value_push(list, column);
    }
    return list;
}

/* ---- status ---- */

static void put(gt_arena *arena, gt_value *object, const char *name, gt_value *node, const char *what)
{
    gt_schema_member(arena, object, name, gt_schema_describe(arena, node, what));
}

static gt_value *count(gt_arena *arena)
{
    return gt_schema_integer(arena, 0, INT64_MAX);
}

/* metav1.Condition, with its limits. */
static gt_value *condition(gt_arena *arena)
{
    static const char *const statuses[] = {"True", "False", "Unknown", NULL};
    static const char *const needed[] = {"lastTransitionTime", "message", "reason", "status"};
    gt_value *node = gt_schema_object(arena), *reason = NULL, *when = gt_schema_text(arena, 64);
    gt_value_put(arena, when, "format", gt_value_text(arena, "date-time"));
    reason = gt_schema_pattern(arena, 1024, "^[A-Za-z]([A-Za-z0-9_,:]*[A-Za-z0-9_])?$");
    gt_value_put(arena, reason, "minLength", gt_value_int(arena, 1));
    put(arena, node, "type",
        gt_schema_pattern(arena, 316,
                          "^([a-z0-9]([-a-z0-9]*[a-z0-9])?(\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*/)?"
                          "(([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])$"),
        "Accepted: the newest generation is right, and counts");
    put(arena, node, "status", gt_schema_choice(arena, statuses), "True, False or Unknown");
    put(arena, node, "reason", reason, "one word for why");
    put(arena, node, "message", gt_schema_text(arena, 32768), "what is wrong, with the field's path");
    put(arena, node, "lastTransitionTime", when, "when status became what it is");
    put(arena, node, "observedGeneration", count(arena), "the generation that this is about");
    for (size_t i = 0; i < sizeof needed / sizeof *needed; i++)
        gt_schema_require(arena, node, needed[i]);
    return node;
}

static gt_value *pods(gt_arena *arena)
{
    enum { MOST_HASHES = 32 };
    gt_value *node = gt_schema_object(arena), *hash = gt_schema_object(arena);
    put(arena, hash, "hash", gt_schema_text(arena, GT_LONGEST_NAME), "gastown.io/template-hash of the pods");
    put(arena, hash, "pods", count(arena), "how many have it");
    put(arena, node, "total", count(arena), "pods of agents that this object is for");
    put(arena, node, "current", count(arena), "those that would come out the same today");
    put(arena, node, "older", count(arena), "those that wouldn't");
    put(arena, node, "hashes", gt_schema_keyed(arena, hash, MOST_HASHES, "hash"), "pods by template hash");
    return node;
}

static gt_value *status(gt_arena *arena)
{
    enum { MOST_CONDITIONS = 16 };
    gt_value *node = gt_schema_object(arena);
    put(arena, node, "observedGeneration", count(arena), "the newest generation that the webhook has seen");
    put(arena, node, "lastGoodGeneration", count(arena), "the generation that counts: the newest one that was right");
    put(arena, node, "engine", gt_schema_text(arena, GT_LONGEST_NAME), "version of the program that says this");
    put(arena, node, "conditions", gt_schema_keyed(arena, condition(arena), MOST_CONDITIONS, "type"),
        "Accepted, and why not");
    put(arena, node, "pods", pods(arena), "the agents' pods that it has a part in");
    return node;
}

/* ---- the definition ---- */

static gt_value *root_schema(gt_arena *arena, const gt_crd *crd)
{
    gt_value *root = gt_schema_object(arena);
    put(arena, root, "apiVersion", gt_schema_text(arena, GT_LONGEST_NAME), GT_API_GROUP "/" GT_API_VERSION_NAME);
    put(arena, root, "kind", gt_schema_text(arena, GT_LONGEST_NAME), gt_kind_names[crd->kind]);
    gt_schema_member(arena, root, "metadata", gt_schema_object(arena));
    put(arena, root, "spec", gt_schema_spec(arena, crd->kind), "what is wanted");
    put(arena, root, "status", status(arena), "what the webhook says about it");
    gt_schema_require(arena, root, "spec");
    return gt_schema_describe(arena, root, crd->what);
}

static gt_value *version(gt_arena *arena, const gt_crd *crd)
{
    gt_value *node = gt_value_object(arena), *schema = gt_value_object(arena), *subresources = gt_value_object(arena);
    gt_value_put(arena, subresources, "status", gt_value_object(arena));
    gt_value_put(arena, schema, "openAPIV3Schema", root_schema(arena, crd));
    put_text(arena, node, "name", GT_API_VERSION_NAME);
    gt_value_put(arena, node, "served", gt_value_bool(arena, true));
    gt_value_put(arena, node, "storage", gt_value_bool(arena, true));
    gt_value_put(arena, node, "subresources", subresources);
    gt_value_put(arena, node, "additionalPrinterColumns", printer_columns(arena, crd->kind));
    gt_value_put(arena, node, "schema", schema);
    return node;
}

static gt_value *names(gt_arena *arena, const gt_crd *crd)
{
    gt_value *node = gt_value_object(arena);
    put_text(arena, node, "kind", gt_kind_names[crd->kind]);
    put_text(arena, node, "listKind", crd->list);
    put_text(arena, node, "plural", crd->plural);
    put_text(arena, node, "singular", crd->singular);
    gt_value_put(arena, node, "shortNames", list_of_one(arena, crd->brief));
    gt_value_put(arena, node, "categories", list_of_one(arena, CATEGORY));
    return node;
}

gt_value *gt_crd_make(gt_arena *arena, const gt_crd *crd)
{
    gt_value *definition = gt_value_object(arena), *metadata = gt_value_object(arena), *spec = gt_value_object(arena),
             *versions = gt_value_array(arena);
    put_text(arena, metadata, "name", gt_arena_printf(arena, "%s." GT_API_GROUP, crd->plural));
    put_text(arena, spec, "group", GT_API_GROUP);
    put_text(arena, spec, "scope", "Namespaced");
    gt_value_put(arena, spec, "names", names(arena, crd));
    gt_value_push(versions, version(arena, crd));
    gt_value_put(arena, spec, "versions", versions);
    put_text(arena, definition, "apiVersion", "apiextensions.k8s.io/v1");
    put_text(arena, definition, "kind", "CustomResourceDefinition");
    gt_value_put(arena, definition, "metadata", metadata);
    gt_value_put(arena, definition, "spec", spec);
    return definition;
}
