/* Plans: what a town, a rig, a pool and a role come to, made once.
 *
 * Thousands of rigs of a town differ from each other in a few fields. So a plan is kept as what it changes: a profile has all fields, a town's tier
 * lists those that the town makes different, a rig's plan those that its objects do; a field that only one layer sets is that
 * layer's own. A request lays the three on top of each other, which is copying of pointers, not merging. */
#include <assert.h>

#include "injector/identity.h"
#include "injector/inside.h"
#include "injector/resolve.h"

static const gt_str NONE = {"", 0};

/* A tier and what it comes to, ready to be merged with what is above. */
typedef struct footing {
    const gt_tier *tier; /* NULL: not asked for yet */
    gt_layer merged;
} footing;

/* One namespace at a time. */
typedef struct compiler {
    gt_build *b;
    gt_snapshot *s;
    gt_footing *profiles[GT_ROLE_COUNT][GT_SECURITY_COUNT]; /* NULL: not asked for yet */
    gt_str ns;
    gt_lookup status; /* of what all plans of the namespace need */
    gt_str message;
    const gt_object *town, *account;
    footing footings[GT_ROLE_COUNT]; /* by the role's profile */
} compiler;

/* ---- which objects ---- */

static gt_lookup pick(compiler *c, gt_kind kind, gt_str rig, gt_str role, const gt_object **object, gt_str *message)
{
    return gt_places_pick(c->s, c->b->scratch, kind, c->ns, rig, role, object, message);
}

/* A broken Rig or pool that doesn't say what it is for may be for this agent: a layer is never skipped silently. */
static gt_lookup pick_nameless(compiler *c, gt_str rig, gt_str role, gt_str *message)
{
    const struct {
        gt_kind kind;
        gt_str rig, role;
    } nameless[] = {
        {GT_KIND_RIG, NONE, NONE}, {GT_KIND_POOL, NONE, NONE}, {GT_KIND_POOL, NONE, role}, {GT_KIND_POOL, rig, NONE}};
    const gt_object *unused;
    gt_lookup status = GT_LOOKUP_FOUND;
    for (size_t i = 0; i < sizeof nameless / sizeof *nameless && status == GT_LOOKUP_FOUND; i++)
        status = pick(c, nameless[i].kind, nameless[i].rig, nameless[i].role, &unused, message);
    return status;
}

static gt_lookup pick_objects(compiler *c, gt_str rig, gt_str role, gt_compiled *out, gt_str *message)
{
    *message = c->message;
    gt_lookup status = c->status;
    out->account = c->account;
    if (status == GT_LOOKUP_FOUND && c->b->any_nameless)
        status = pick_nameless(c, rig, role, message);
    if (status == GT_LOOKUP_FOUND && rig.len > 0)
        status = pick(c, GT_KIND_RIG, rig, NONE, &out->rig, message);
    if (status == GT_LOOKUP_FOUND && rig.len > 0 && role.len > 0)
        status = pick(c, GT_KIND_POOL, rig, role, &out->pool, message);
    return status;
}

static const gt_kept_layer *role_overrides(const gt_object *rig, gt_str role)
{
    for (size_t i = 0; rig != NULL && i < rig->role_count; i++)
        if (gt_str_eq(rig->roles[i].role, role))
            return rig->roles[i].layer;
    return NULL;
}

/* ---- layers on top of each other ---- */

/* `layers` (NULL: none) over `base`, in that order, which is the lower one's first. */
static void merge_over(gt_arena *scratch, const gt_layer *base, const gt_kept_layer *const layers[], size_t n,
                       gt_layer *merged)
{
    *merged = *base;
    for (size_t i = 0; i < n; i++) {
        if (!gt_kept_gives(layers[i]))
            continue;
        gt_layer lower = *merged, higher;
        gt_kept_open(layers[i], &higher);
        gt_layer_merge_into(scratch, merged, &lower, &higher);
    }
}

static bool is_same(const gt_cells *a, const gt_cells *b)
{
    return a->at == b->at && a->count == b->count;
}

/* The field of merged as one of the layers has it: where no other layer has a say, it's that one's cells. */
static const gt_kept_field *from_a_layer(const gt_kept_layer *const layers[], size_t n, const gt_layer *merged,
                                         gt_field_id f)
{
    for (size_t i = 0; i < n; i++) {
        const gt_kept_field *field = gt_kept_find(layers[i], f);
        if (field != NULL && is_same(&field->cells, &merged->cells[f]) && is_same(&field->clears, &merged->clears[f]))
            return field;
    }
    return NULL;
}

/* The fields in which `merged`, made of `base` and `layers`, isn't the base any more. */
static const gt_kept_field *const *changes(gt_build *b, const gt_layer *base, const gt_kept_layer *const layers[],
                                           size_t n, const gt_layer *merged, size_t *count)
{
    const gt_kept_field *found[GT_FIELD_COUNT];
    *count = 0;
    for (int i = 0; i < GT_FIELD_COUNT; i++) {
        gt_field_id f = (gt_field_id)i;
        if (is_same(&base->cells[f], &merged->cells[f]) && is_same(&base->clears[f], &merged->clears[f]))
            continue;
        const gt_kept_field *field = from_a_layer(layers, n, merged, f);
        if (field == NULL) {
            gt_kept_field *own = GT_NEW(b->s->arena, gt_kept_field);
            gt_keep_field(&b->keeper, merged, f, own);
            field = own;
        }
        found[(*count)++] = field;
    }
    const gt_kept_field **kept = GT_NEW_N(b->s->arena, const gt_kept_field *, *count);
    if (*count > 0)
        memcpy(kept, found, *count * sizeof *kept);
    return kept;
}

static bool says(const gt_kept_field *const *fields, size_t n, gt_field_id id)
{
    size_t i = 0;
    while (i < n && fields[i]->id != id)
        i++;
    return i < n;
}

/* ---- profiles and tiers ---- */

/* Layer 0 of a role's row; made once for each profile. */
static const gt_footing *profile_of(compiler *c, const gt_role *role, gt_security security)
{
    gt_footing **profile = &c->profiles[role - gt_roles][security];
    if (*profile != NULL)
        return *profile;
    *profile = GT_NEW(c->s->arena, gt_footing);
    (*profile)->layer = *gt_role_layer(c->s->arena, role, security);
    for (int f = 0; f < GT_FIELD_COUNT; f++) {
        gt_buf canonical;
        gt_buf_init(&canonical, c->b->scratch, 128);
        gt_layer_canonical_field(&canonical, &(*profile)->layer, (gt_field_id)f);
        (*profile)->canonical[f] = gt_keep_text(&c->b->keeper, gt_buf_slice(&canonical));
    }
    return *profile;
}

/* What the namespace's town comes to for the roles of a profile. */
static const footing *footing_of(compiler *c, const gt_role *profile)
{
    footing *f = &c->footings[profile - gt_roles];
    if (f->tier != NULL)
        return f;
    assert(c->town != NULL);
    gt_tier *tier = GT_NEW(c->s->arena, gt_tier);
    const gt_kept_layer *const layers[] = {c->town->layer};
    gt_layer merged;
    tier->town = c->town;
    tier->profile = profile_of(c, profile, c->town->policy.security);
    merge_over(c->b->scratch, &tier->profile->layer, layers, 1, &merged);
    tier->fields = changes(c->b, &tier->profile->layer, layers, 1, &merged, &tier->count);
    tier->unsettled = gt_resolve_is_unsettled(c->b->scratch, &merged);
    f->merged = tier->profile->layer;
    for (size_t i = 0; i < tier->count; i++) {
        f->merged.cells[tier->fields[i]->id] = tier->fields[i]->cells;
        f->merged.clears[tier->fields[i]->id] = tier->fields[i]->clears;
    }
    f->tier = tier;
    return f;
}

/* ---- plans ---- */

static void add_contributor(gt_buf *list, const gt_object *object, bool contributes)
{
    if (object != NULL && contributes)
        gt_buf_printf(list, "%s%s@%lld", list->len > 0 ? "," : "", object->title.at, (long long)object->generation);
}

/* From the objects of a plan to what they change, and what they are called. */
static void finish(compiler *c, gt_compiled *out, const gt_role *profile, gt_str role)
{
    const footing *base = footing_of(c, profile);
    const gt_kept_layer *const layers[] = {out->rig == NULL ? NULL : out->rig->layer, role_overrides(out->rig, role),
                                           out->pool == NULL ? NULL : out->pool->layer};
    enum { LAYERS = sizeof layers / sizeof *layers };
    gt_layer merged;
    merge_over(c->b->scratch, &base->merged, layers, LAYERS, &merged);
    out->tier = base->tier;
    out->role = layers[1];
    out->fields = changes(c->b, &base->merged, layers, LAYERS, &merged, &out->count);
    out->unsettled = says(out->fields, out->count, GT_FIELD_RESOURCES) ? gt_resolve_is_unsettled(c->b->scratch, &merged)
                                                                       : base->tier->unsettled;
    gt_buf list;
    gt_buf_init(&list, c->b->scratch, 64);
    add_contributor(&list, c->town, true);
    add_contributor(&list, out->rig, gt_kept_gives(layers[0]) || gt_kept_gives(layers[1]));
    add_contributor(&list, out->pool, gt_kept_gives(layers[2]));
    out->text = gt_keep_text(&c->b->keeper, gt_buf_slice(&list));
}

/* common: by profile, the plan of the roles that the rig's objects don't tell apart; NULL: not made yet. */
static gt_compiled *compile(compiler *c, gt_str rig, gt_str role, gt_compiled *common[GT_ROLE_COUNT])
{
    const gt_role *profile = gt_role_profile(gt_role_of(role));
    gt_compiled here = {.status = GT_LOOKUP_FOUND};
    gt_str message;
    here.status = pick_objects(c, rig, role, &here, &message);
    bool found = here.status == GT_LOOKUP_FOUND;
    bool told_apart = !found || here.pool != NULL || role_overrides(here.rig, role) != NULL;
    gt_compiled *known = told_apart ? NULL : common[profile - gt_roles];
    if (known != NULL)
        return known;
    gt_compiled *out = GT_NEW(c->s->arena, gt_compiled);
    if (found)
        finish(c, &here, profile, role);
    else
        here.text = gt_keep_text(&c->b->keeper, message);
    *out = here;
    if (!told_apart)
        common[profile - gt_roles] = out;
    gt_arena_reset(c->b->scratch);
    return out;
}

/* A role that isn't in the table. */
static void compile_other(compiler *c, gt_str rig, gt_str role, gt_rig_plans *plans, gt_compiled *common[GT_ROLE_COUNT])
{
    if (role.len == 0 || gt_role_of(role)->name[0] != '\0')
        return;
    if (plans->others == NULL) {
        plans->others = GT_NEW(c->s->arena, gt_map);
        gt_map_init(plans->others, c->s->arena);
    }
    if (gt_map_get(plans->others, role) == NULL)
        gt_map_put(plans->others, role, compile(c, rig, role, common));
}

static void compile_others(compiler *c, gt_str rig, const gt_object *o, gt_rig_plans *plans,
                           gt_compiled *common[GT_ROLE_COUNT])
{
    for (; o != NULL; o = o->next_of_rig) {
        if (o->ns.len > 0 && !gt_str_eq(o->ns, c->ns))
            continue;
        for (size_t r = 0; r < o->role_count; r++)
            compile_other(c, rig, o->roles[r].role, plans, common);
        compile_other(c, rig, o->role, plans, common);
    }
}

static gt_str rig_key(gt_arena *arena, gt_str ns, gt_str rig)
{
    return gt_places_key(arena, "", ns, rig, NONE);
}

/* All roles that a rig's objects know: the role table's (the generic one is ""), its overrides', its pools'. */
static void compile_rig(compiler *c, gt_str rig)
{
    gt_compiled *common[GT_ROLE_COUNT] = {NULL};
    gt_str key = rig_key(c->b->scratch, c->ns, rig);
    if (gt_map_get(&c->s->plans, key) != NULL)
        return;
    gt_rig_plans *plans = GT_NEW(c->s->arena, gt_rig_plans);
    key.at = gt_arena_dup(c->s->arena, key.at, key.len);
    gt_map_put(&c->s->plans, key, plans);
    for (int i = 0; i < GT_ROLE_COUNT; i++)
        plans->known[i] = compile(c, rig, gt_str_of(gt_roles[i].name), common);
    compile_others(c, rig, gt_map_get(&c->b->of_rigs, rig), plans, common);
    if (rig.len > 0) /* they don't say which rig: it may be this one */
        compile_others(c, rig, gt_map_get(&c->b->of_rigs, NONE), plans, common);
}

static void compile_namespace(compiler *c, gt_str ns)
{
    c->ns = ns;
    c->town = c->account = NULL;
    for (int i = 0; i < GT_ROLE_COUNT; i++)
        c->footings[i].tier = NULL;
    c->status = gt_places_pick_town(c->s, c->b->desk, ns, &c->town, &c->message);
    if (c->status == GT_LOOKUP_FOUND)
        c->status = gt_places_pick(c->s, c->b->desk, GT_KIND_ACCOUNT, ns, NONE, NONE, &c->account, &c->message);
    compile_rig(c, NONE);
    if (c->status != GT_LOOKUP_FOUND)
        return; /* the same for all rigs */
    for (size_t i = 0; i < c->s->documents; i++) {
        const gt_object *o = c->s->all[i];
        bool rigs = o != NULL && (o->kind == GT_KIND_RIG || o->kind == GT_KIND_POOL) && o->spec_name.len > 0;
        if (rigs && (o->ns.len == 0 || gt_str_eq(o->ns, ns)))
            compile_rig(c, o->spec_name);
    }
}

void gt_compile_all(gt_build *b)
{
    compiler *c = GT_NEW(b->desk, compiler);
    gt_map done;
    gt_map_init(&done, b->desk);
    gt_map_put(&done, NONE, b);
    c->b = b;
    c->s = b->s;
    gt_map_reserve(&b->s->plans, b->of_rigs.count + b->s->namespaces.count + 1);
    compile_namespace(c, NONE);
    for (size_t i = 0; i < b->s->documents; i++)
        if (b->s->all[i] != NULL && gt_map_put(&done, b->s->all[i]->ns, b) == NULL)
            compile_namespace(c, b->s->all[i]->ns);
}

/* ---- for a request ---- */

const gt_rig_plans *gt_compiled_rig(gt_arena *arena, const gt_snapshot *s, gt_str ns, gt_str rig)
{
    const gt_rig_plans *plans = gt_map_get(&s->plans, rig_key(arena, ns, rig));
    return plans != NULL ? plans : gt_map_get(&s->plans, rig_key(arena, ns, NONE));
}

static void lay(gt_footing *on, const gt_kept_field *const *fields, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        const gt_kept_field *field = fields[i];
        on->layer.cells[field->id] = field->cells;
        on->layer.clears[field->id] = field->clears;
        on->canonical[field->id] = field->canonical;
    }
}

void gt_compiled_open(gt_arena *arena, const gt_compiled *compiled, gt_plan *plan)
{
    const gt_tier *tier = compiled->tier;
    gt_footing *whole = gt_arena_alloc_raw(arena, sizeof *whole);
    *whole = *tier->profile;
    lay(whole, tier->fields, tier->count);
    lay(whole, compiled->fields, compiled->count);
    *plan = (gt_plan){
        .town = tier->town,
        .rig = compiled->rig,
        .pool = compiled->pool,
        .account = compiled->account,
        .role = compiled->role,
        .profile = &tier->profile->layer,
        .merged = &whole->layer,
        .canonical = whole->canonical,
        .unsettled = compiled->unsettled,
        .contributors = compiled->text,
    };
}

const gt_cell *gt_plan_cell(const gt_plan *plan, gt_layer_id layer, gt_field_id field, gt_str key)
{
    switch (layer) {
    case GT_LAYER_PROFILE: return gt_layer_get(plan->profile, field, key);
    case GT_LAYER_TOWN: return gt_kept_get(plan->town->layer, field, key);
    case GT_LAYER_RIG: return plan->rig == NULL ? NULL : gt_kept_get(plan->rig->layer, field, key);
    case GT_LAYER_ROLE: return gt_kept_get(plan->role, field, key);
    case GT_LAYER_POOL: return plan->pool == NULL ? NULL : gt_kept_get(plan->pool->layer, field, key);
    case GT_LAYER_EVENT: return plan->event == NULL ? NULL : gt_layer_get(plan->event, field, key);
    default: return NULL;
    }
}

gt_str gt_plan_layer_title(gt_arena *arena, const gt_plan *plan, gt_layer_id layer, gt_str role)
{
    switch (layer) {
    case GT_LAYER_TOWN: return gt_str_of(gt_arena_printf(arena, "%s.defaults", plan->town->title.at));
    case GT_LAYER_RIG: return gt_str_of(gt_arena_printf(arena, "%s.podOverrides", plan->rig->title.at));
    case GT_LAYER_ROLE:
        return gt_str_of(gt_arena_printf(arena, "%s.roleOverrides[%.*s]", plan->rig->title.at, GT_STR_ARG(role)));
    case GT_LAYER_POOL: return gt_str_of(gt_arena_printf(arena, "%s.template", plan->pool->title.at));
    case GT_LAYER_EVENT: return GT_STR("event");
    default: return GT_STR("role profile");
    }
}
