/* The agent's environment: built-in names in the contract's order, then the templates' in order of first appearance, then secretEnv.
 * A template may give a built-in name another value (it keeps its place); names that say who the agent is are the engine's alone.
 * Kubernetes expands $(VAR) only from names defined before, so a definition moves in front of the first entry that refers to it;
 * otherwise order is kept, and cycles stay as written. */
#include "injector/variables.h"
#include "lib/base/map.h"

typedef struct entry {
    gt_str name;
    const gt_value *value; /* {"name":..., "value":... or "valueFrom":...} */
    gt_from from;
    enum { WAITING, VISITING, DONE } state;
    size_t read;         /* how far its references are followed */
    struct entry *asker; /* whose reference led here */
    struct entry *next;
} entry;

typedef struct list {
    gt_arena *arena;
    const gt_layer *resolved;
    entry *first, *last;
    gt_map by_name; /* made when a reference asks for it: most environments have none */
    gt_map cells;   /* of the templates' env, by name: gt_cell */
    gt_map secrets; /* of their secretEnv, by name: gt_value */
    gt_map used;    /* names of both that stand in the list already */
} list;

/* ---- entries ---- */

static void append(list *l, gt_str name, const gt_value *value, gt_from from)
{
    entry *e = GT_NEW(l->arena, entry);
    *e = (entry){.name = name, .value = value, .from = from};
    if (l->last == NULL)
        l->first = e;
    else
        l->last->next = e;
    l->last = e;
}

/* A secretEnv element as an env entry. */
static gt_value *from_secret_env(gt_arena *arena, const gt_value *secret)
{
    gt_str name = gt_value_str(gt_value_get(secret, "name"));
    const gt_value *key = gt_value_get(secret, "key");
    return gt_env_secret(arena, name, gt_value_get(secret, "secretName"), key == NULL ? name : gt_value_str(key),
                         gt_value_get(secret, "optional"));
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
    gt_map_init(&l->used, l->arena);
    gt_map_init(&l->cells, l->arena);
    gt_map_init(&l->secrets, l->arena);
    for (uint32_t i = 0; i < cells->count; i++)
        if (cells->at[i].value != NULL)
            gt_map_put(&l->cells, cells->at[i].key, &cells->at[i]);
    for (gt_value *secret = secrets == NULL ? NULL : secrets->value->first; secret != NULL; secret = secret->next)
        gt_map_put(&l->secrets, gt_value_str(gt_value_get(secret, "name")), secret);
}

static void add_built_in(list *l, const gt_env_source *source)
{
    for (int id = 0; id < GT_VARIABLE_COUNT; id++) {
        gt_from from = gt_from_engine(NULL);
        gt_str name = gt_str_of(gt_variables[id].name);
        const gt_value *value = gt_variable_make(source, (gt_variable_id)id, &from);
        const gt_value *other = value == NULL || gt_variables[id].reserved ? NULL : override_of(l, name, &from);
        if (other != NULL) {
            gt_map_put(&l->used, name, l);
            from.built_in = value;
        }
        if (value != NULL)
            append(l, name, other == NULL ? value : other, from);
    }
}

static void add_templates(list *l)
{
    const gt_cells *cells = &l->resolved->cells[GT_FIELD_ENV];
    const gt_cell *secrets = gt_layer_get(l->resolved, GT_FIELD_SECRET_ENV, (gt_str){"", 0});
    for (uint32_t i = 0; i < cells->count; i++)
        if (cells->at[i].value != NULL && gt_map_put(&l->used, cells->at[i].key, l) == NULL) {
            gt_from from = gt_from_cell(GT_FIELD_ENV, &cells->at[i]);
            const gt_value *value = override_of(l, cells->at[i].key, &from);
            append(l, cells->at[i].key, value, from);
        }
    GT_VALUE_EACH (secret, secrets == NULL ? NULL : secrets->value) {
        gt_str name = gt_value_str(gt_value_get(secret, "name"));
        if (gt_map_put(&l->used, name, l) == NULL)
            append(l, name, from_secret_env(l->arena, secret), gt_from_cell(GT_FIELD_SECRET_ENV, secrets));
    }
}

/* ---- order ---- */

/* The next $(NAME) in a text from *at on, which moves behind its beginning. $$ is an escaped $. */
static bool next_reference(gt_str text, size_t *at, gt_str *name)
{
    size_t i = *at;
    while (i + 1 < text.len) {
        const char *dollar = memchr(text.at + i, '$', text.len - i - 1);
        if (dollar == NULL)
            break;
        i = (size_t)(dollar - text.at);
        if (text.at[i + 1] == '(') {
            const char *start = text.at + i + 2, *end = memchr(start, ')', text.len - i - 2);
            if (end == NULL)
                break; /* nor is there one further on */
            *name = (gt_str){start, (size_t)(end - start)};
            *at = i + 2;
            return true;
        }
        i += 2;
    }
    *at = text.len;
    return false;
}

void gt_text_references(gt_str text, void (*found)(void *context, gt_str name), void *context)
{
    size_t at = 0;
    gt_str name;
    while (next_reference(text, &at, &name))
        found(context, name);
}

static gt_str text_of(const gt_value *env)
{
    return gt_value_str(gt_value_get(env, "value"));
}

void gt_env_references(const gt_value *env, void (*found)(void *context, gt_str name), void *context)
{
    gt_text_references(text_of(env), found, context);
}

static entry *definition_of(list *l, gt_str name)
{
    for (entry *e = l->by_name.count == 0 ? l->first : NULL; e != NULL; e = e->next)
        gt_map_put(&l->by_name, e->name, e);
    return gt_map_get(&l->by_name, name);
}

/* What it still refers to and isn't there yet; NULL when there's nothing left. */
static entry *next_wanted(list *l, entry *e)
{
    gt_str name;
    while (next_reference(text_of(e->value), &e->read, &name)) {
        entry *definition = definition_of(l, name);
        if (definition != NULL && definition->state == WAITING)
            return definition;
    }
    return NULL;
}

/* An entry behind all that it refers to. The way back is in the entries: a chain of references may be as long as a template. */
static void emit(list *l, gt_want *out, entry *e)
{
    e->state = VISITING;
    while (e != NULL) {
        entry *wanted = next_wanted(l, e);
        if (wanted != NULL) {
            wanted->asker = e;
            wanted->state = VISITING;
            e = wanted;
        } else {
            e->state = DONE;
            gt_want_leaf(l->arena, out, e->name, e->value, e->from)->secret = true;
            e = e->asker;
        }
    }
}

void gt_env_build(gt_arena *arena, gt_want *container, const gt_plan *plan, const gt_layer *resolved,
                  const gt_identity *identity)
{
    list l = {.arena = arena, .resolved = resolved};
    index_templates(&l);
    gt_env_source source = {.arena = arena, .plan = plan, .resolved = resolved, .identity = identity};
    add_built_in(&l, &source);
    add_templates(&l);
    gt_want *out = gt_want_new(arena, container, GT_STR("env"), GT_RULE_ENV);
    for (entry *e = l.first; e != NULL; e = e->next)
        if (e->state == WAITING)
            emit(&l, out, e);
}
