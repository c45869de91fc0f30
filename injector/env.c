/* The agent's environment: built-in names in the contract's order, then the templates' in order of first appearance, then secretEnv.
 * A template may give a built-in name another value (it keeps its place); names that say who the agent is are the engine's alone.
 * Kubernetes expands $(VAR) only from names defined before, so a definition moves in front of the first entry that refers to it;
 * otherwise order is kept, and cycles stay as written. */
#include "injector/template.h"
#include "injector/want.h"
#include "lib/base/map.h"

typedef struct entry {
    gt_str name;
    const gt_value *value; /* {"name":..., "value":... or "valueFrom":...} */
    gt_from from;
    bool secret;
    enum { WAITING, VISITING, DONE } state;
    struct entry *next;
} entry;

typedef struct list {
    gt_arena *arena;
    const gt_layer *resolved;
    entry *first, *last;
    gt_map by_name;
    gt_map cells;   /* of the templates' env, by name: gt_cell */
    gt_map secrets; /* of their secretEnv, by name: gt_value */
} list;

/* ---- entries ---- */

static void append(list *l, gt_str name, const gt_value *value, gt_from from)
{
    entry *e = GT_NEW(l->arena, entry);
    *e = (entry){.name = name, .value = value, .from = from, .secret = gt_value_get(value, "valueFrom") != NULL};
    if (l->last == NULL)
        l->first = e;
    else
        l->last->next = e;
    l->last = e;
    gt_map_put(&l->by_name, name, e);
}

static gt_value *new_entry(gt_arena *arena, gt_str name)
{
    gt_value *v = gt_value_object(arena);
    gt_value_put(arena, v, "name", gt_value_string(arena, name));
    return v;
}

static gt_value *plain(gt_arena *arena, const char *name, gt_str text)
{
    gt_value *v = new_entry(arena, gt_str_of(name));
    gt_value_put(arena, v, "value", gt_value_string(arena, text));
    return v;
}

/* Text that Kubernetes must not expand: $$ stands for $. */
static gt_value *literal(gt_arena *arena, const char *name, gt_str text)
{
    gt_buf doubled;
    gt_buf_init(&doubled, arena, text.len + 8);
    for (size_t i = 0; i < text.len; i++) {
        gt_buf_byte(&doubled, text.at[i]);
        if (text.at[i] == '$')
            gt_buf_byte(&doubled, '$');
    }
    return plain(arena, name, gt_buf_slice(&doubled));
}

static gt_value *value_from(gt_arena *arena, gt_str name, const char *source, gt_value *ref)
{
    gt_value *v = new_entry(arena, name), *from = gt_value_object(arena);
    gt_value_put(arena, from, source, ref);
    gt_value_put(arena, v, "valueFrom", from);
    return v;
}

static gt_value *field_ref(gt_arena *arena, const char *name, const char *path)
{
    gt_value *ref = gt_value_object(arena);
    gt_value_put(arena, ref, "fieldPath", gt_value_text(arena, path));
    return value_from(arena, gt_str_of(name), "fieldRef", ref);
}

static gt_value *secret_ref(gt_arena *arena, gt_str name, const gt_value *secret, gt_str key)
{
    gt_value *ref = gt_value_object(arena);
    gt_value_put(arena, ref, "name", gt_value_ref(arena, secret));
    gt_value_put(arena, ref, "key", gt_value_string(arena, key));
    return value_from(arena, name, "secretKeyRef", ref);
}

/* A secretEnv element as an env entry. */
static gt_value *from_secret_env(gt_arena *arena, const gt_value *secret)
{
    gt_str name = gt_value_str(gt_value_get(secret, "name"));
    const gt_value *key = gt_value_get(secret, "key"), *optional = gt_value_get(secret, "optional");
    gt_value *ref = gt_value_object(arena);
    gt_value_put(arena, ref, "name", gt_value_ref(arena, gt_value_get(secret, "secretName")));
    gt_value_put(arena, ref, "key", gt_value_string(arena, key == NULL ? name : gt_value_str(key)));
    if (optional != NULL)
        gt_value_put(arena, ref, "optional", gt_value_ref(arena, optional));
    return value_from(arena, name, "secretKeyRef", ref);
}

/* ---- built-in names ---- */

/* A template's value for a name, if there's one: secretEnv beats env. */
static const gt_value *override_of(const list *l, gt_str name, gt_from *from)
{
    const gt_value *secret = gt_map_get(&l->secrets, name);
    const gt_cell *cell = gt_map_get(&l->cells, name);
    if (secret != NULL) {
        *from = gt_from_cell(GT_FIELD_SECRET_ENV, gt_layer_get(l->resolved, GT_FIELD_SECRET_ENV, (gt_str){"", 0}));
        return from_secret_env(l->arena, secret);
    }
    if (cell == NULL)
        return NULL;
    *from = gt_from_cell(GT_FIELD_ENV, cell);
    return cell->value;
}

static void index_templates(list *l)
{
    const gt_cells *cells = &l->resolved->cells[GT_FIELD_ENV];
    const gt_cell *secrets = gt_layer_get(l->resolved, GT_FIELD_SECRET_ENV, (gt_str){"", 0});
    gt_map_init(&l->by_name, l->arena);
    gt_map_init(&l->cells, l->arena);
    gt_map_init(&l->secrets, l->arena);
    for (uint32_t i = 0; i < cells->count; i++)
        if (cells->at[i].value != NULL)
            gt_map_put(&l->cells, cells->at[i].key, &cells->at[i]);
    for (gt_value *secret = secrets == NULL ? NULL : secrets->value->first; secret != NULL; secret = secret->next)
        gt_map_put(&l->secrets, gt_value_str(gt_value_get(secret, "name")), secret);
}

static void add(list *l, const char *name, const gt_value *value, gt_from from)
{
    const gt_value *other = gt_env_is_reserved(gt_str_of(name)) ? NULL : override_of(l, gt_str_of(name), &from);
    append(l, gt_str_of(name), other == NULL ? value : other, from);
}

static void add_identity(list *l, const gt_identity *id)
{
    gt_arena *arena = l->arena;
    const gt_role *role = gt_role_of(id->role);
    gt_from from = gt_from_identity();
    bool alone =
        gt_str_is(id->role, "mayor") || gt_str_is(id->role, "deacon"); /* one a town: they act under the role's name */
    gt_str actor = alone ? id->role : id->agent;
    add(l, "GT_ROLE", plain(arena, "GT_ROLE", id->role), from);
    add(l, "GT_RIG", literal(arena, "GT_RIG", id->rig), from);
    add(l, "GT_AGENT", literal(arena, "GT_AGENT", id->agent), from);
    if (role->name_variable[0] != '\0')
        add(l, role->name_variable, literal(arena, role->name_variable, id->agent), from);
    bool in_rig = role->of_town && !gt_str_is(id->rig, GT_TOWN_RIG); /* a town role that works for a rig has no scope */
    if (role->scope[0] != '\0' && !in_rig)
        add(l, "GT_SCOPE", plain(arena, "GT_SCOPE", gt_str_of(role->scope)), from);
    add(l, "BD_ACTOR", literal(arena, "BD_ACTOR", actor), from);
    add(l, "GIT_AUTHOR_NAME", literal(arena, "GIT_AUTHOR_NAME", actor), from);
    gt_str full = gt_str_of(gt_arena_printf(arena, "%.*s/%.*s", GT_STR_ARG(id->rig), GT_STR_ARG(id->agent)));
    add(l, "BEADS_AGENT_NAME", literal(arena, "BEADS_AGENT_NAME", full), from);
}

static void add_constant(list *l, const char *name, const char *value)
{
    add(l, name, plain(l->arena, name, gt_str_of(value)), gt_from_engine(NULL));
}

/* A name that exists only with a cell's value; `otherwise` without one, or nothing if that is NULL. */
static void add_cell(list *l, const char *name, gt_field_id field, const char *key, const char *otherwise)
{
    const gt_cell *cell = gt_layer_get(l->resolved, field, gt_str_of(key));
    if (cell != NULL)
        add(l, name, plain(l->arena, name, cell->value->text), gt_from_cell(field, cell));
    else if (otherwise != NULL)
        add_constant(l, name, otherwise);
}

static void add_daemon(list *l)
{
    const gt_cell *token = gt_layer_get(l->resolved, GT_FIELD_DAEMON, GT_STR("tokenSecretRef.name"));
    const gt_value *key = gt_layer_value(l->resolved, GT_FIELD_DAEMON, "tokenSecretRef.key");
    if (gt_layer_get(l->resolved, GT_FIELD_DAEMON, GT_STR("host")) != NULL) {
        add_cell(l, "BD_DAEMON_HOST", GT_FIELD_DAEMON, "host", NULL);
        add_cell(l, "BD_DAEMON_PORT", GT_FIELD_DAEMON, "port", "9876");
    }
    if (token != NULL)
        add(l, "BD_DAEMON_TOKEN",
            secret_ref(l->arena, GT_STR("BD_DAEMON_TOKEN"), token->value,
                       key == NULL ? GT_STR("token") : gt_value_str(key)),
            gt_from_cell(GT_FIELD_DAEMON, token));
    add_constant(l, "BEADS_AUTO_START_DAEMON", "false");
}

static void add_downward(list *l)
{
    add(l, "POD_NAME", field_ref(l->arena, "POD_NAME", "metadata.name"), gt_from_engine(NULL));
    add(l, "POD_NAMESPACE", field_ref(l->arena, "POD_NAMESPACE", "metadata.namespace"), gt_from_engine(NULL));
    add(l, "POD_IP", field_ref(l->arena, "POD_IP", "status.podIP"), gt_from_engine(NULL));
}

/* How each provider's key, endpoint and model are called. The first row is what no provider means. */
typedef struct provider {
    const char *name, *key, *endpoint, *model;
} provider;

static const provider providers[] = {
    {"anthropic", "ANTHROPIC_API_KEY", "ANTHROPIC_BASE_URL", "ANTHROPIC_MODEL"},
    {"litellm", "ANTHROPIC_AUTH_TOKEN", "ANTHROPIC_BASE_URL", "ANTHROPIC_MODEL"},
    {"openai", "OPENAI_API_KEY", "OPENAI_BASE_URL", "OPENAI_MODEL"},
    {"ollama", NULL, "OLLAMA_HOST", "OLLAMA_MODEL"},
};

static void add_agent(list *l)
{
    const gt_value *name = gt_layer_value(l->resolved, GT_FIELD_AGENT, "provider"),
                   *key = gt_layer_value(l->resolved, GT_FIELD_AGENT, "apiKeySecret.key");
    const gt_cell *secret = gt_layer_get(l->resolved, GT_FIELD_AGENT, GT_STR("apiKeySecret.name"));
    const provider *p = &providers[0];
    for (size_t i = 1; i < sizeof providers / sizeof *providers; i++)
        if (gt_value_is(name, providers[i].name))
            p = &providers[i];
    if (secret != NULL && p->key != NULL) {
        gt_str variable = gt_str_of(p->key);
        add(l, p->key, secret_ref(l->arena, variable, secret->value, key == NULL ? variable : gt_value_str(key)),
            gt_from_cell(GT_FIELD_AGENT, secret));
    }
    add_cell(l, p->endpoint, GT_FIELD_AGENT, "endpoint", NULL);
    add_cell(l, p->model, GT_FIELD_AGENT, "model", NULL);
    add_cell(l, "GT_AGENT_RUNTIME", GT_FIELD_AGENT, "runtime", NULL);
    if (gt_layer_get(l->resolved, GT_FIELD_AGENT, GT_STR("credentialsSecret")) != NULL)
        add_constant(l, "GT_CREDENTIALS_DIR", "/var/run/secrets/gastown.io/credentials");
}

static void add_templates(list *l)
{
    const gt_cells *cells = &l->resolved->cells[GT_FIELD_ENV];
    const gt_cell *secrets = gt_layer_get(l->resolved, GT_FIELD_SECRET_ENV, (gt_str){"", 0});
    for (uint32_t i = 0; i < cells->count; i++)
        if (cells->at[i].value != NULL && gt_map_get(&l->by_name, cells->at[i].key) == NULL) {
            gt_from from = gt_from_cell(GT_FIELD_ENV, &cells->at[i]);
            const gt_value *value = override_of(l, cells->at[i].key, &from);
            append(l, cells->at[i].key, value, from);
        }
    GT_VALUE_EACH (secret, secrets == NULL ? NULL : secrets->value) {
        gt_str name = gt_value_str(gt_value_get(secret, "name"));
        if (gt_map_get(&l->by_name, name) == NULL)
            append(l, name, from_secret_env(l->arena, secret), gt_from_cell(GT_FIELD_SECRET_ENV, secrets));
    }
}

/* ---- order ---- */

void gt_env_references(const gt_value *env, void (*found)(void *context, gt_str name), void *context)
{
    gt_str text = gt_value_str(gt_value_get(env, "value"));
    for (size_t i = 0; i + 1 < text.len; i++) {
        if (text.at[i] != '$')
            continue;
        if (text.at[i + 1] == '(') {
            const char *start = text.at + i + 2, *end = memchr(start, ')', text.len - i - 2);
            if (end != NULL)
                found(context, (gt_str){start, (size_t)(end - start)});
        }
        i++; /* $$ is an escaped $ */
    }
}

typedef struct ordering {
    list *list;
    gt_want *out;
} ordering;

static void emit(ordering *o, entry *e);

static void emit_definition(void *context, gt_str name)
{
    ordering *o = context;
    entry *definition = gt_map_get(&o->list->by_name, name);
    if (definition != NULL && definition->state == WAITING)
        emit(o, definition);
}

static void emit(ordering *o, entry *e)
{
    e->state = VISITING;
    gt_env_references(e->value, emit_definition, o);
    e->state = DONE;
    gt_want *leaf = gt_want_leaf(o->list->arena, o->out, e->name, e->value, e->from);
    leaf->secret = true;
}

void gt_env_build(gt_arena *arena, gt_want *container, const gt_plan *plan, const gt_layer *resolved,
                  const gt_identity *identity)
{
    list l = {.arena = arena, .resolved = resolved};
    index_templates(&l);
    add_identity(&l, identity);
    add_constant(&l, "HOME", "/home/agent");
    add_constant(&l, "XDG_STATE_HOME", "/home/agent/gt/.state");
    add_constant(&l, "GT_RUNTIME", "k8s");
    gt_from town = {.kind = GT_FROM_ENGINE, .detail = gt_arena_printf(arena, "%s.name", plan->town->title.at)};
    add(&l, "GT_TOWN_NAME", literal(arena, "GT_TOWN_NAME", plan->town->spec_name), town);
    add_daemon(&l);
    add_downward(&l);
    add_cell(&l, "GT_BEAD", GT_FIELD_BEAD, "", NULL);
    add_agent(&l);
    add_cell(&l, "SCREENRC_SCROLLBACK", GT_FIELD_SCROLLBACK, "", NULL);
    add_templates(&l);
    ordering o = {.list = &l, .out = gt_want_new(arena, container, GT_STR("env"), GT_RULE_ENV)};
    for (entry *e = l.first; e != NULL; e = e->next)
        if (e->state == WAITING)
            emit(&o, e);
}
