/* Plans: what a town, a rig, a pool and a role come to, made once. */
#include <assert.h>

#include "injector/identity.h"
#include "injector/inside.h"
#include "injector/resolve.h"
#include "injector/template.h"

static const gt_str NONE = {"", 0};

static gt_lookup pick_objects(const gt_snapshot *s, gt_arena *arena, gt_str ns, gt_str rig, gt_str role, gt_plan *plan,
                              gt_str *message)
{
    /* a broken Rig or pool that doesn't say what it is for may be for this agent: a layer is never skipped silently */
    const struct {
        gt_kind kind;
        gt_str rig, role;
    } nameless[] = {
        {GT_KIND_RIG, NONE, NONE}, {GT_KIND_POOL, NONE, NONE}, {GT_KIND_POOL, NONE, role}, {GT_KIND_POOL, rig, NONE}};
    const gt_object *unused;
    gt_lookup status = gt_places_pick_town(s, arena, ns, &plan->town, message);
    if (status == GT_LOOKUP_FOUND)
        status = gt_places_pick(s, arena, GT_KIND_ACCOUNT, ns, NONE, NONE, &plan->account, message);
    for (size_t i = 0; i < sizeof nameless / sizeof *nameless && status == GT_LOOKUP_FOUND; i++)
        status = gt_places_pick(s, arena, nameless[i].kind, ns, nameless[i].rig, nameless[i].role, &unused, message);
    if (status == GT_LOOKUP_FOUND && rig.len > 0)
        status = gt_places_pick(s, arena, GT_KIND_RIG, ns, rig, NONE, &plan->rig, message);
    if (status == GT_LOOKUP_FOUND && rig.len > 0 && role.len > 0)
        status = gt_places_pick(s, arena, GT_KIND_POOL, ns, rig, role, &plan->pool, message);
    return status;
}

static const gt_layer *role_overrides(const gt_object *rig, gt_str role)
{
    for (size_t i = 0; rig != NULL && i < rig->role_count; i++)
        if (gt_str_eq(rig->roles[i].role, role))
            return rig->roles[i].layer;
    return NULL;
}

static void add_contributor(gt_buf *list, const gt_object *object, bool contributes)
{
    if (object != NULL && contributes)
        gt_buf_printf(list, "%s%s@%lld", list->len > 0 ? "," : "", object->title.at, (long long)object->generation);
}

static bool gives(const gt_layer *layer)
{
    return layer != NULL && !gt_layer_is_empty(layer);
}

/* Layer 0 of a role's row; made once for each profile. */
static const gt_layer *profile_of(gt_snapshot *s, const gt_role *role, gt_security security)
{
    gt_layer **profile = &s->profiles[role - gt_roles][security];
    if (*profile == NULL)
        *profile = gt_role_layer(s->arena, role, security);
    return *profile;
}

/* Layers 0 to 4 as one. What lies between is forgotten; fields that only one layer has are shared with it. */
static const gt_layer *merge_all(gt_arena *arena, const gt_plan *plan)
{
    gt_layer results[2];
    const gt_layer *merged = plan->layers[GT_LAYER_PROFILE];
    int n = 0;
    for (int i = GT_LAYER_TOWN; i < GT_LAYER_COUNT; i++)
        if (gives(plan->layers[i])) {
            gt_layer_merge_into(arena, &results[n % 2], merged, plan->layers[i]);
            merged = &results[n++ % 2];
        }
    if (n == 0)
        return merged;
    gt_layer *kept = gt_layer_new(arena);
    *kept = *merged;
    return kept;
}

/* From the objects of a plan to its layers, what they come to, and what they are called. */
static void finish(gt_snapshot *s, gt_plan *plan, const gt_role *row, gt_str role)
{
    assert(plan->town != NULL);
    plan->layers[GT_LAYER_PROFILE] = profile_of(s, row, plan->town->policy.security);
    plan->layers[GT_LAYER_TOWN] = plan->town->layer;
    plan->layers[GT_LAYER_RIG] = plan->rig == NULL ? NULL : plan->rig->layer;
    plan->layers[GT_LAYER_ROLE] = role_overrides(plan->rig, role);
    plan->layers[GT_LAYER_POOL] = plan->pool == NULL ? NULL : plan->pool->layer;
    plan->merged = merge_all(s->arena, plan);
    gt_resolve_compile(s->arena, plan);
    gt_buf list;
    gt_buf_init(&list, s->arena, 64);
    add_contributor(&list, plan->town, true);
    add_contributor(&list, plan->rig, gives(plan->layers[GT_LAYER_RIG]) || gives(plan->layers[GT_LAYER_ROLE]));
    add_contributor(&list, plan->pool, gives(plan->layers[GT_LAYER_POOL]));
    plan->contributors = gt_buf_slice(&list);
}

/* Roles of one profile that a rig's objects don't tell apart have one plan. */
static void compile(gt_snapshot *s, gt_str ns, gt_str rig, gt_str role)
{
    gt_str key = gt_places_key(s->arena, "plan", ns, rig, role);
    if (gt_map_get(&s->plans, key) != NULL)
        return;
    gt_compiled here = {.status = GT_LOOKUP_FOUND};
    gt_plan *plan = &here.plan;
    const gt_role *row = gt_role_profile(gt_role_of(role));
    here.status = pick_objects(s, s->arena, ns, rig, role, plan, &here.message);
    bool told_apart = here.status != GT_LOOKUP_FOUND || plan->pool != NULL || role_overrides(plan->rig, role) != NULL;
    gt_str common = gt_places_key(s->arena, "common", ns, rig, gt_str_of(row->name));
    gt_compiled *c = told_apart ? NULL : gt_map_get(&s->plans, common);
    if (c == NULL) {
        if (here.status == GT_LOOKUP_FOUND)
            finish(s, plan, row, role);
        c = GT_NEW(s->arena, gt_compiled);
        *c = here;
        if (!told_apart)
            gt_map_put(&s->plans, common, c);
    }
    gt_map_put(&s->plans, key, c);
}

static void compile_roles(gt_snapshot *s, gt_str ns, gt_str rig, const gt_object *o)
{
    for (; o != NULL; o = o->next_of_rig) {
        if (o->ns.len > 0 && !gt_str_eq(o->ns, ns))
            continue;
        for (size_t r = 0; r < o->role_count; r++)
            compile(s, ns, rig, o->roles[r].role);
        if (o->kind == GT_KIND_POOL && o->role.len > 0)
            compile(s, ns, rig, o->role);
    }
}

/* All roles that a rig's objects know: the role table's (the generic one is ""), its overrides', its pools'. */
static void compile_rig(gt_snapshot *s, gt_str ns, gt_str rig)
{
    for (int i = 0; i < GT_ROLE_COUNT; i++)
        compile(s, ns, rig, gt_str_of(gt_roles[i].name));
    compile_roles(s, ns, rig, gt_map_get(&s->of_rigs, rig));
    if (rig.len > 0)
        compile_roles(s, ns, rig, gt_map_get(&s->of_rigs, NONE)); /* they don't say which rig: it may be this one */
}

static void compile_namespace(gt_snapshot *s, gt_str ns)
{
    gt_map rigs;
    gt_map_init(&rigs, s->arena);
    gt_map_put(&rigs, NONE, s);
    compile_rig(s, ns, NONE);
    for (size_t i = 0; i < s->documents; i++) {
        const gt_object *o = s->all[i];
        bool here =
            o != NULL && o->spec_name.len > 0 && o->kind != GT_KIND_TOWN && (o->ns.len == 0 || gt_str_eq(o->ns, ns));
        if (here && gt_map_put(&rigs, o->spec_name, s) == NULL)
            compile_rig(s, ns, o->spec_name);
    }
}

void gt_compile_all(gt_snapshot *s)
{
    gt_map done;
    gt_map_init(&done, s->arena);
    gt_map_put(&done, NONE, s);
    compile_namespace(s, NONE);
    for (size_t i = 0; i < s->documents; i++)
        if (s->all[i] != NULL && gt_map_put(&done, s->all[i]->ns, s) == NULL)
            compile_namespace(s, s->all[i]->ns);
}
