#include "injector/variables.h"

#include "injector/agents.h"
#include "injector/template.h"
#include "injector/volumes.h"

const gt_variable gt_variables[GT_VARIABLE_COUNT] = {
#define X(name, maker, with, reserved, what) {#name, with, what, reserved},
    GT_VARIABLES(X)
#undef X
};

bool gt_env_is_reserved(gt_str name)
{
    for (int i = 0; i < GT_VARIABLE_COUNT; i++)
        if (gt_variables[i].reserved && gt_str_is(name, gt_variables[i].name))
            return true;
    return false;
}

/* ---- entries ---- */

/* Names and texts are the table's, the templates' or the identity's: they outlive the request's arena, or are in it. */
static gt_value *new_entry(gt_arena *arena, gt_str name)
{
    gt_value *v = gt_value_object(arena);
    gt_value_append(v, GT_STR("name"), gt_value_lent(arena, name));
    return v;
}

static gt_value *plain(gt_arena *arena, const char *name, gt_str text)
{
    gt_value *v = new_entry(arena, gt_str_of(name));
    gt_value_append(v, GT_STR("value"), gt_value_lent(arena, text));
    return v;
}

gt_value *gt_env_literal(gt_arena *arena, const char *name, gt_str text)
{
    if (text.len == 0 || memchr(text.at, '$', text.len) == NULL)
        return plain(arena, name, text);
    gt_buf doubled;
    gt_buf_init(&doubled, arena, text.len + 8);
    for (size_t i = 0; i < text.len; i++) {
        gt_buf_byte(&doubled, text.at[i]);
        if (text.at[i] == '$')
            gt_buf_byte(&doubled, '$');
    }
    return plain(arena, name, gt_buf_slice(&doubled));
}

static gt_value *value_from(gt_arena *arena, gt_str name, gt_str source, gt_value *ref)
{
    gt_value *v = new_entry(arena, name), *from = gt_value_object(arena);
    gt_value_append(from, source, ref);
    gt_value_append(v, GT_STR("valueFrom"), from);
    return v;
}

gt_value *gt_env_secret(gt_arena *arena, gt_str name, const gt_value *secret, gt_str key, const gt_value *optional)
{
    gt_value *ref = gt_value_object(arena);
    gt_value_append(ref, GT_STR("name"), gt_value_ref(arena, secret));
    gt_value_append(ref, GT_STR("key"), gt_value_lent(arena, key));
    if (optional != NULL)
        gt_value_append(ref, GT_STR("optional"), gt_value_ref(arena, optional));
    return value_from(arena, name, GT_STR("secretKeyRef"), ref);
}

/* ---- makers: the column "made from" of the table ---- */

typedef const gt_value *maker(const gt_env_source *s, const gt_variable *row, gt_from *from);

static const gt_value *make_constant(const gt_env_source *s, const gt_variable *row, gt_from *from)
{
    *from = gt_from_engine(NULL);
    return plain(s->arena, row->name, gt_str_of(row->with));
}

static const gt_value *make_downward(const gt_env_source *s, const gt_variable *row, gt_from *from)
{
    gt_value *ref = gt_value_object(s->arena);
    gt_value_append(ref, GT_STR("fieldPath"), gt_value_lent(s->arena, gt_str_of(row->with)));
    *from = gt_from_engine(NULL);
    return value_from(s->arena, gt_str_of(row->name), GT_STR("fieldRef"), ref);
}

/* Who it is. */

static const gt_value *identity_text(const gt_env_source *s, const gt_variable *row, gt_str text, gt_from *from)
{
    *from = gt_from_identity();
    return gt_env_literal(s->arena, row->name, text);
}

static const gt_value *make_role(const gt_env_source *s, const gt_variable *row, gt_from *from)
{
    return identity_text(s, row, s->identity->role, from);
}

static const gt_value *make_rig(const gt_env_source *s, const gt_variable *row, gt_from *from)
{
    return identity_text(s, row, s->identity->rig, from);
}

static const gt_value *make_agent(const gt_env_source *s, const gt_variable *row, gt_from *from)
{
    return identity_text(s, row, s->identity->agent, from);
}

static const gt_value *make_role_name(const gt_env_source *s, const gt_variable *row, gt_from *from)
{
    bool its_own = strcmp(gt_role_of(s->identity->role)->name_variable, row->name) == 0;
    return its_own ? identity_text(s, row, s->identity->agent, from) : NULL;
}

static const gt_value *make_scope(const gt_env_source *s, const gt_variable *row, gt_from *from)
{
    const gt_role *role = gt_role_of(s->identity->role);
    bool in_rig = role->of_town && !gt_str_is(s->identity->rig, GT_TOWN_RIG); /* a town role that works for a rig */
    return role->scope[0] == '\0' || in_rig ? NULL : identity_text(s, row, gt_str_of(role->scope), from);
}

/* One a town: mayor and deacon act under the role's name. */
static const gt_value *make_actor(const gt_env_source *s, const gt_variable *row, gt_from *from)
{
    bool alone = gt_str_is(s->identity->role, "mayor") || gt_str_is(s->identity->role, "deacon");
    return identity_text(s, row, alone ? s->identity->role : s->identity->agent, from);
}

static const gt_value *make_full_name(const gt_env_source *s, const gt_variable *row, gt_from *from)
{
    const gt_identity *id = s->identity;
    gt_buf full;
    gt_buf_init(&full, s->arena, id->rig.len + 1 + id->agent.len);
    gt_buf_str(&full, id->rig);
    gt_buf_byte(&full, '/');
    gt_buf_str(&full, id->agent);
    return identity_text(s, row, gt_buf_slice(&full), from);
}

static const gt_value *make_town(const gt_env_source *s, const gt_variable *row, gt_from *from)
{
    *from = gt_from_engine(gt_arena_printf(s->arena, "%s.name", s->plan->town->title.at));
    return gt_env_literal(s->arena, row->name, s->plan->town->spec_name);
}

/* What the templates say. */

static const gt_cell *cell_of(const gt_env_source *s, gt_field_id field, const char *key)
{
    return gt_layer_get(s->resolved, field, gt_str_of(key));
}

static const gt_value *cell_text(const gt_env_source *s, const gt_variable *row, gt_field_id field, const char *key,
                                 gt_from *from)
{
    const gt_cell *cell = cell_of(s, field, key);
    if (cell == NULL)
        return NULL;
    *from = gt_from_cell(field, cell);
    return plain(s->arena, row->name, cell->value->text);
}

static const gt_value *make_daemon_host(const gt_env_source *s, const gt_variable *row, gt_from *from)
{
    return cell_text(s, row, GT_FIELD_DAEMON, "host", from);
}

static const gt_value *make_daemon_port(const gt_env_source *s, const gt_variable *row, gt_from *from)
{
    if (cell_of(s, GT_FIELD_DAEMON, "host") == NULL)
        return NULL;
    const gt_value *said = cell_text(s, row, GT_FIELD_DAEMON, "port", from);
    return said != NULL ? said : make_constant(s, row, from);
}

static const gt_value *make_daemon_token(const gt_env_source *s, const gt_variable *row, gt_from *from)
{
    const gt_cell *secret = cell_of(s, GT_FIELD_DAEMON, "tokenSecretRef.name");
    const gt_value *key = gt_layer_value(s->resolved, GT_FIELD_DAEMON, "tokenSecretRef.key");
    if (secret == NULL)
        return NULL;
    *from = gt_from_cell(GT_FIELD_DAEMON, secret);
    gt_str name = key == NULL ? gt_str_of(row->with) : gt_value_str(key);
    return gt_env_secret(s->arena, gt_str_of(row->name), secret->value, name, NULL);
}

static const gt_value *make_bead(const gt_env_source *s, const gt_variable *row, gt_from *from)
{
    return cell_text(s, row, GT_FIELD_BEAD, "", from);
}

static const gt_provider *provider_of(const gt_env_source *s)
{
    return gt_provider_of(gt_value_str(gt_layer_value(s->resolved, GT_FIELD_AGENT, "provider")));
}

static const gt_value *make_provider_key(const gt_env_source *s, const gt_variable *row, gt_from *from)
{
    const gt_cell *secret = cell_of(s, GT_FIELD_AGENT, "apiKeySecret.name");
    const gt_value *key = gt_layer_value(s->resolved, GT_FIELD_AGENT, "apiKeySecret.key");
    const gt_provider *provider = provider_of(s);
    if (secret == NULL || provider->key == NULL || strcmp(provider->key, row->name) != 0)
        return NULL;
    *from = gt_from_cell(GT_FIELD_AGENT, secret);
    gt_str name = gt_str_of(row->name);
    return gt_env_secret(s->arena, name, secret->value, key == NULL ? name : gt_value_str(key), NULL);
}

static const gt_value *make_provider_endpoint(const gt_env_source *s, const gt_variable *row, gt_from *from)
{
    bool its_own = strcmp(provider_of(s)->endpoint, row->name) == 0;
    return its_own ? cell_text(s, row, GT_FIELD_AGENT, "endpoint", from) : NULL;
}

static const gt_value *make_provider_model(const gt_env_source *s, const gt_variable *row, gt_from *from)
{
    bool its_own = strcmp(provider_of(s)->model, row->name) == 0;
    return its_own ? cell_text(s, row, GT_FIELD_AGENT, "model", from) : NULL;
}

static const gt_value *make_runtime(const gt_env_source *s, const gt_variable *row, gt_from *from)
{
    return cell_text(s, row, GT_FIELD_AGENT, "runtime", from);
}

static const gt_value *make_runtime_needs(const gt_env_source *s, const gt_variable *row, gt_from *from)
{
    const gt_cell *cell = cell_of(s, GT_FIELD_AGENT, "runtime");
    const gt_runtime *runtime = cell == NULL ? NULL : gt_runtime_of(gt_value_str(cell->value));
    if (runtime == NULL || runtime->variable == NULL || strcmp(runtime->variable, row->name) != 0)
        return NULL;
    *from = gt_from_cell(GT_FIELD_AGENT, cell);
    return plain(s->arena, row->name, gt_str_of(runtime->value));
}

static const gt_value *make_credentials(const gt_env_source *s, const gt_variable *row, gt_from *from)
{
    const gt_cell *secret = cell_of(s, GT_FIELD_AGENT, "credentialsSecret");
    if (secret == NULL)
        return NULL;
    *from = gt_from_cell(GT_FIELD_AGENT, secret);
    return plain(s->arena, row->name, GT_STR(GT_CREDENTIALS_PATH));
}

static const gt_value *make_scrollback(const gt_env_source *s, const gt_variable *row, gt_from *from)
{
    return cell_text(s, row, GT_FIELD_SCROLLBACK, "", from);
}

const gt_value *gt_variable_make(const gt_env_source *source, gt_variable_id id, gt_from *from)
{
    static maker *const makers[GT_VARIABLE_COUNT] = {
#define X(name, made_from, with, reserved, what) make_##made_from,
        GT_VARIABLES(X)
#undef X
    };
    return makers[id](source, &gt_variables[id], from);
}
