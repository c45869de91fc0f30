#include "injector/reference.h"

#include "injector/agents.h"
#include "injector/event.h"
#include "injector/identity.h"
#include "injector/objects.h"
#include "injector/template.h"
#include "injector/variables.h"
#include "injector/volumes.h"

/* ---- Markdown ---- */

/* One row: cells as they are, but for '|', which would end one. */
static void row(gt_buf *page, const char *const *cells, size_t n)
{
    gt_buf_byte(page, '|');
    for (size_t i = 0; i < n; i++) {
        gt_buf_byte(page, ' ');
        for (const char *c = cells[i]; *c != '\0'; c++)
            gt_buf_printf(page, "%s%c", *c == '|' ? "\\" : "", *c);
        gt_buf_text(page, cells[i][0] == '\0' ? "|" : " |");
    }
    gt_buf_byte(page, '\n');
}

#define ROW(page, ...)                                                                                                 \
    row(page, (const char *const[]){__VA_ARGS__}, sizeof((const char *const[]){__VA_ARGS__}) / sizeof(const char *))

static void head(gt_buf *page, const char *title, const char *text)
{
    gt_buf_printf(page, "\n## %s\n\n%s%s", title, text, text[0] == '\0' ? "" : "\n\n");
}

static void rule(gt_buf *page, int columns)
{
    gt_buf_byte(page, '|');
    while (columns-- > 0)
        gt_buf_text(page, "---|");
    gt_buf_byte(page, '\n');
}

static const char *code(gt_buf *page, const char *text)
{
    return text[0] == '\0' ? "" : gt_arena_printf(page->arena, "`%s`", text);
}

/* ---- the page ---- */

static const char *merge_name(gt_merge_rule merge)
{
    static const char *const names[] = {
        [GT_MERGE_WHOLE] = "whole",         [GT_MERGE_MAP] = "by key",          [GT_MERGE_NAMED] = "by name",
        [GT_MERGE_MOUNTS] = "by mountPath", [GT_MERGE_RESOURCES] = "by amount", [GT_MERGE_STRUCT] = "by member"};
    return names[merge];
}

static const char *type_name(gt_field_type type)
{
    static const char *const names[] = {
        [GT_TYPE_TEXT] = "string",
        [GT_TYPE_IMAGE] = "image reference",
        [GT_TYPE_NAME] = "name of an object",
        [GT_TYPE_PULL_POLICY] = "Always, IfNotPresent, Never",
        [GT_TYPE_DNS_POLICY] = "a DNS policy",
        [GT_TYPE_BOOL] = "boolean",
        [GT_TYPE_COUNT] = "integer, at least 0",
        [GT_TYPE_POSITIVE] = "integer above 0",
        [GT_TYPE_TEXTS] = "list of strings",
        [GT_TYPE_OBJECT] = "Kubernetes object",
        [GT_TYPE_OBJECTS] = "list of Kubernetes objects",
        [GT_TYPE_NAMED_OBJECTS] = "list of Kubernetes objects",
        [GT_TYPE_ENV] = "list of {name, value or valueFrom}",
        [GT_TYPE_SECRET_ENV] = "list of {name, secretName, key, optional}",
        [GT_TYPE_MOUNTS] = "list of volume mounts",
        [GT_TYPE_LABELS] = "map of label values",
        [GT_TYPE_ANNOTATIONS] = "map of strings",
        [GT_TYPE_RESOURCES] = "{requests, limits}: maps of quantities",
        [GT_TYPE_STORAGE] = "see below",
        [GT_TYPE_GIT] = "see below",
        [GT_TYPE_AGENT] = "see below",
        [GT_TYPE_CONTAINER_SECURITY] = "a container's security context",
        [GT_TYPE_POD_SECURITY] = "a pod's security context",
        [GT_TYPE_INTERNAL] = "",
    };
    return names[type];
}

static void objects(gt_buf *page)
{
    head(page, "Objects", "`apiVersion: gastown.io/v1alpha1`, `metadata` with a name, and a spec.");
    ROW(page, "kind", "below spec", "what it is");
    rule(page, 3);
    for (size_t i = 0; i < GT_SPEC_FIELD_COUNT; i++)
        ROW(page, gt_kind_names[gt_spec_fields[i].kind], code(page, gt_spec_fields[i].path), gt_spec_fields[i].what);
}

static void fields(gt_buf *page)
{
    head(page, "Fields of a PodTemplate",
         "The same in `GasTown.spec.defaults`, `Rig.spec.podOverrides`, `Rig.spec.roleOverrides.ROLE`, "
         "`AgentPool.spec.template` and the "
         "annotation\n`event.gastown.io/template`. `unset: [PATH, ...]` takes away what lower layers set.");
    ROW(page, "field", "type", "merged", "what it is for");
    rule(page, 4);
    for (int f = 0; f < GT_FIELD_COUNT; f++) {
        const gt_field_row *field = &gt_field_rows[f];
        if (field->type != GT_TYPE_INTERNAL)
            ROW(page, code(page, field->name), type_name(field->type), merge_name(field->merge), field->what);
    }
    head(page, "Members of storage, git and agent", "");
    ROW(page, "member", "what it is for");
    rule(page, 2);
    for (int m = 0; m < GT_MEMBER_COUNT; m++)
        ROW(page,
            gt_arena_printf(page->arena, "`%s.%s`", gt_field_rows[gt_members[m].field].name, gt_members[m].member),
            gt_members[m].what);
}

static void agents(gt_buf *page)
{
    head(page, "Runtimes and providers",
         "A runtime's command stands where no layer sets `command`, its argument where none sets `args` either; it "
         "works in the clone.");
    ROW(page, "`agent.runtime`", "command", "argument", "variable");
    rule(page, 4);
    for (int i = 0; i < GT_RUNTIME_COUNT; i++) {
        const gt_runtime *r = &gt_runtimes[i];
        ROW(page, code(page, r->name), r->command == NULL ? "the image's" : code(page, r->command),
            r->argument == NULL ? "" : code(page, r->argument),
            r->variable == NULL ? "" : gt_arena_printf(page->arena, "`%s=%s`", r->variable, r->value));
    }
    gt_buf_byte(page, '\n');
    ROW(page, "`agent.provider`", "key", "endpoint", "model");
    rule(page, 4);
    for (int i = 0; i < GT_PROVIDER_COUNT; i++) {
        const gt_provider *p = &gt_providers[i];
        ROW(page, code(page, p->name), p->key == NULL ? "" : code(page, p->key), code(page, p->endpoint),
            code(page, p->model));
    }
}

/* Stands in the table of roles. */
static bool by_role(int field)
{
    return field == GT_FIELD_RESTART_POLICY || field == GT_FIELD_STORAGE;
}

static void roles(gt_buf *page)
{
    head(page, "Roles", "");
    ROW(page, "role", "restartPolicy", "workspace", "rig label", "GT_SCOPE");
    rule(page, 5);
    for (int i = 0; i < GT_ROLE_COUNT; i++) {
        const gt_role *r = &gt_roles[i];
        ROW(page, r->name[0] == '\0' ? "any other" : code(page, r->name), r->restart_policy,
            r->persists ? gt_arena_printf(page->arena, "claim of %s, class " GT_ROLE_STORAGE_CLASS, r->claim_size)
                        : "EmptyDir",
            r->of_town ? "may be missing" : "needed", r->scope);
    }
    head(page, "What every role has",
         "Layer 0, under all templates. Those of the security contexts can't be taken away; `podSecurity: openshift` "
         "has no ids.");
    ROW(page, "field", "value");
    rule(page, 2);
    const gt_layer *profile = gt_role_layer(page->arena, gt_role_of((gt_str){"", 0}), GT_SECURITY_RESTRICTED);
    for (int f = 0; f < GT_FIELD_COUNT; f++)
        for (uint32_t c = 0; !by_role(f) && c < profile->cells[f].count; c++) {
            const gt_cell *cell = &profile->cells[f].at[c];
            gt_buf value;
            gt_buf_init(&value, page->arena, 64);
            gt_value_print(&value, cell->value);
            ROW(page,
                gt_arena_printf(page->arena, cell->key.len > 0 ? "`%s.%s`" : "`%s`", gt_field_rows[f].name,
                                cell->key.at),
                code(page, value.at));
        }
}

static void variables(gt_buf *page)
{
    head(page, "Environment",
         "In this order; then the templates' `env` and `secretEnv`, then the client's own. A template may give one "
         "another value, unless it says "
         "who\nthe agent is.");
    ROW(page, "variable", "what", "says who the agent is");
    rule(page, 3);
    for (int i = 0; i < GT_VARIABLE_COUNT; i++)
        ROW(page, code(page, gt_variables[i].name), gt_variables[i].what, gt_variables[i].reserved ? "yes" : "");
}

static void volumes(gt_buf *page)
{
    head(page, "Volumes",
         "`workspace` at `" GT_WORKSPACE_PATH
         "`, for roles with a claim its `.state/claude` at `/home/agent/.claude`; `tmp` at `/tmp`; and, "
         "read-only:");
    ROW(page, "volume", "where", "made from");
    rule(page, 3);
    for (int i = 0; i < GT_NAMED_VOLUME_COUNT; i++) {
        const gt_named_volume *v = &gt_named_volumes[i];
        const char *field = gt_field_rows[v->field].name;
        ROW(page, code(page, v->name), code(page, v->path),
            v->key[0] == '\0' ? code(page, field) : gt_arena_printf(page->arena, "`%s.%s`", field, v->key));
    }
}

static void annotations(gt_buf *page)
{
    static const struct {
        const char *key, *what;
    } events[] = {
#define X(key, kind, path, what) {key, what},
        GT_EVENTS(X)
#undef X
    };
    static const struct {
        const char *key, *what;
    } ours[] = {
#define X(key, what) {key, what},
        GT_ANNOTATIONS(X)
#undef X
    };
    head(page, "Event annotations", "`event.gastown.io/` and one of these, as far as the town's policy allows it.");
    ROW(page, "key", "what it sets");
    rule(page, 2);
    for (size_t i = 0; i < sizeof events / sizeof *events; i++)
        ROW(page, code(page, events[i].key), events[i].what);
    head(page, "Other annotations", "`gastown.io/` and one of these.");
    ROW(page, "key", "what it says");
    rule(page, 2);
    for (size_t i = 0; i < sizeof ours / sizeof *ours; i++)
        ROW(page, code(page, ours[i].key), ours[i].what);
}

static void policies(gt_buf *page)
{
    head(page, "Policy", "`GasTown.spec.policy`.");
    ROW(page, "field", "what it says");
    rule(page, 2);
    for (int i = 0; i < GT_POLICY_COUNT; i++)
        ROW(page, code(page, gt_policies[i].name), gt_policies[i].what);
}

void gt_reference(gt_buf *page)
{
    gt_buf_text(page, "# Template reference\n\nMade from the engine's tables by `make docs`: what stands here is what "
                      "is read. How it works together "
                      "is in [injection.md](injection.md).\n");
    objects(page);
    fields(page);
    agents(page);
    roles(page);
    variables(page);
    volumes(page);
    annotations(page);
    policies(page);
}
