#include <assert.h>

#include "injector/identity.h"
#include "injector/plan.h"
#include "injector/resolve.h"
#include "injector/template.h"
#include "lib/base/map.h"

/* What claims one place in a namespace: the town; the default account; the rig of a name; the pool of a rig and role. */
typedef struct place {
    gt_object *objects; /* linked by next; more than one is a conflict */
} place;

struct gt_snapshot {
    gt_arena *arena;
    const gt_finding *findings;
    bool *accepted; /* by document */
    size_t documents, objects;
    gt_object **all; /* by document; NULL where nothing could be read */
    gt_map places;   /* "town NS", "rig NS NAME", "pool NS RIG ROLE", "account NS", NUL between: place */
    gt_map of_rigs;  /* by spec_name: objects, linked by next_of_rig */
    gt_map plans; /* "plan NS RIG ROLE": compiled; NS "" for namespaces that no object names, RIG and ROLE likewise */
    gt_map namespaces;                                    /* that any object names */
    gt_layer *profiles[GT_ROLE_COUNT][GT_SECURITY_COUNT]; /* NULL: not asked for yet */
    gt_str unreadable; /* a document that nobody can tell what it is: any pod may need it */
};

typedef struct compiled {
    gt_lookup status;
    gt_str message; /* for all but GT_LOOKUP_FOUND */
    gt_plan plan;
} compiled;

static const gt_str NONE = {"", 0};

static gt_str key_of(gt_arena *arena, const char *what, gt_str a, gt_str b, gt_str c)
{
    gt_buf key;
    gt_buf_init(&key, arena, a.len + b.len + c.len + 16);
    gt_buf_text(&key, what);
    const gt_str parts[] = {a, b, c};
    for (int i = 0; i < 3; i++) {
        gt_buf_byte(&key, '\0');
        gt_buf_str(&key, parts[i]);
    }
    return gt_buf_slice(&key);
}

static gt_str place_key(gt_arena *arena, gt_kind kind, gt_str ns, gt_str rig, gt_str role)
{
    static const char *const what[GT_KIND_COUNT] = {"town", "rig", "pool", "account"};
    bool of_rig = kind == GT_KIND_RIG || kind == GT_KIND_POOL;
    return key_of(arena, what[kind], ns, of_rig ? rig : NONE, kind == GT_KIND_POOL ? role : NONE);
}

/* ---- building ---- */

static void file_object(gt_snapshot *s, gt_object *object)
{
    gt_str key = place_key(s->arena, object->kind, object->ns, object->spec_name, object->role);
    place *p = gt_map_get(&s->places, key);
    if (p == NULL) {
        p = GT_NEW(s->arena, place);
        gt_map_put(&s->places, key, p);
    }
    object->next = p->objects;
    p->objects = object;
    gt_map_put(&s->namespaces, object->ns, s);
    object->next_of_rig = gt_map_put(&s->of_rigs, object->spec_name, object);
    s->objects += !object->broken;
}

/* A kind that we don't know may be one of ours misspelt. Documents of other groups are nobody's layer. */
static bool is_of_our_group(const gt_value *document)
{
    return gt_str_starts(gt_value_str(gt_value_get(document, "apiVersion")), "gastown.io/");
}

/* The objects that claim a place in a namespace: its own and those without a namespace. */
static size_t claimants(const gt_snapshot *s, gt_arena *arena, gt_kind kind, gt_str ns, gt_str rig, gt_str role,
                        gt_object *found[2])
{
    size_t n = 0;
    const gt_str spaces[] = {ns, NONE};
    for (int i = 0; i < (ns.len > 0 ? 2 : 1); i++) {
        const place *p = gt_map_get(&s->places, place_key(arena, kind, spaces[i], rig, role));
        for (gt_object *o = p == NULL ? NULL : p->objects; o != NULL; o = o->next, n++)
            if (n < 2)
                found[n] = o;
    }
    return n;
}

/* ---- what only shows when all are known ---- */

/* Two of them deny the pods concerned, so neither is refused; but nobody wants that. */
static void check_conflict(const gt_snapshot *s, gt_check *check, const gt_object *o, const gt_value *at)
{
    gt_object *found[2] = {NULL, NULL};
    bool nameless = (o->kind == GT_KIND_RIG || o->kind == GT_KIND_POOL) && o->spec_name.len == 0;
    if (nameless || claimants(s, s->arena, o->kind, o->ns, o->spec_name, o->role, found) < 2)
        return;
    const gt_object *other = found[0] == o ? found[1] : found[0];
    if (o->broken || other->broken)
        return; /* that is said already, and the other one holds */
    gt_check_error(check, at, NULL, "claims the same place as %s (%.*s): pods that need it are denied, keep one",
                   other->title.at, GT_STR_ARG(other->file));
    check->last->conflict = true;
}

static const char *nearest_rig(const gt_snapshot *s, gt_str name)
{
    enum { NEAR = 2 };
    for (size_t i = 0; i < s->documents; i++) {
        const gt_object *o = s->all[i];
        if (o != NULL && o->kind == GT_KIND_RIG && o->spec_name.len > 0 && o->spec_name.len <= 64 &&
            gt_str_distance(name, o->spec_name, NEAR) <= NEAR)
            return gt_arena_dup(s->arena, o->spec_name.at, o->spec_name.len);
    }
    return NULL;
}

/* A pool may be for a rig that has no object; one whose rig is nearly one that has is a slip. */
static void check_pools_rig(const gt_snapshot *s, gt_check *check, const gt_object *o, const gt_value *at)
{
    gt_pointer spec = gt_member(NULL, "spec"), rig = gt_member(&spec, "rig");
    for (const gt_object *other = gt_map_get(&s->of_rigs, o->spec_name); other != NULL; other = other->next_of_rig)
        if (other->kind == GT_KIND_RIG)
            return;
    const char *nearest = o->spec_name.len == 0 || o->spec_name.len > 64 ? NULL : nearest_rig(s, o->spec_name);
    if (nearest != NULL)
        gt_check_warn(check, gt_value_get(gt_value_get(at, "spec"), "rig"), &rig,
                      "there is no Rig %s (did you mean %s?)", o->spec_name.at, nearest);
}

static void check_town(const gt_snapshot *s, gt_check *check, const gt_object *o, const gt_value *at)
{
    gt_object *found[2];
    gt_pointer metadata = gt_member(NULL, "metadata"), ns = gt_member(&metadata, "namespace");
    if (o->ns.len > 0 && claimants(s, s->arena, GT_KIND_TOWN, o->ns, NONE, NONE, found) == 0)
        gt_check_warn(check, gt_value_get(gt_value_get(at, "metadata"), "namespace"), &ns,
                      "no GasTown is for the namespace %s: there pods are denied", o->ns.at);
}

/* Linear but for pools without a Rig, which each look for one with nearly their name: only in a folder of a usual size. */
static void cross_check(const gt_snapshot *s, gt_check *check, const gt_document *documents)
{
    enum { USUAL = 1000 };
    bool any_town = false;
    for (size_t i = 0; i < s->documents; i++)
        any_town = any_town || (s->all[i] != NULL && s->all[i]->kind == GT_KIND_TOWN);
    for (size_t i = 0; i < s->documents; i++) {
        const gt_object *o = s->all[i];
        if (o == NULL)
            continue;
        check->document = i;
        check->file = o->file;
        check->object = o->title;
        check_conflict(s, check, o, documents[i].value);
        if (o->kind == GT_KIND_POOL && s->documents <= USUAL)
            check_pools_rig(s, check, o, documents[i].value);
        if (any_town && o->kind != GT_KIND_TOWN)
            check_town(s, check, o, documents[i].value);
    }
}

static void read_documents(gt_snapshot *s, const gt_document *documents, size_t n)
{
    gt_check check = {.arena = s->arena};
    for (size_t i = 0; i < n; i++) {
        check.document = i;
        check.file = documents[i].file;
        check.object = NONE;
        check.errors = 0;
        gt_object *object = GT_NEW(s->arena, gt_object);
        bool known = documents[i].value != NULL && gt_object_parse(&check, documents[i].value, object);
        s->accepted[i] = known && check.errors == 0;
        s->all[i] = known ? object : NULL;
        if (known)
            file_object(s, object);
        else if (documents[i].value == NULL || is_of_our_group(documents[i].value))
            s->unreadable = documents[i].file;
    }
    cross_check(s, &check, documents);
    s->findings = check.first;
}

/* ---- compiling ---- */

/* Picks the one object of a place. *object is NULL when there's none. */
static gt_lookup pick(const gt_snapshot *s, gt_arena *arena, gt_kind kind, gt_str ns, gt_str rig, gt_str role,
                      const gt_object **object, gt_str *message)
{
    gt_object *found[2] = {NULL, NULL};
    size_t n = claimants(s, arena, kind, ns, rig, role, found);
    *object = found[0];
    if (n == 0)
        return GT_LOOKUP_FOUND;
    if (n > 1) {
        static const char *const what[GT_KIND_COUNT] = {"are both the town of this namespace", "both claim this rig",
                                                        "are both the pool of this rig and role",
                                                        "are both the default account of this namespace"};
        *message = gt_str_of(gt_arena_printf(arena, "%s (%.*s) and %s (%.*s) %s: keep one", found[1]->title.at,
                                             GT_STR_ARG(found[1]->file), found[0]->title.at, GT_STR_ARG(found[0]->file),
                                             what[kind]));
        return GT_LOOKUP_CONFLICT;
    }
    if (!found[0]->broken)
        return GT_LOOKUP_FOUND;
    *message =
        gt_str_of(gt_arena_printf(arena, "%s has errors and no earlier version of it is known", found[0]->title.at));
    return GT_LOOKUP_BROKEN;
}

static gt_lookup pick_town(const gt_snapshot *s, gt_arena *arena, gt_str ns, const gt_object **town, gt_str *message)
{
    if (s->unreadable.len > 0) {
        *message = gt_str_of(
            gt_arena_printf(arena, "%.*s can't be read: what it holds is unknown", GT_STR_ARG(s->unreadable)));
        return GT_LOOKUP_BROKEN;
    }
    gt_lookup status = pick(s, arena, GT_KIND_TOWN, ns, NONE, NONE, town, message);
    if (status == GT_LOOKUP_FOUND && *town == NULL) {
        *message = GT_STR("there is no GasTown in this namespace");
        return GT_LOOKUP_NO_TOWN;
    }
    return status;
}

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
    gt_lookup status = pick_town(s, arena, ns, &plan->town, message);
    if (status == GT_LOOKUP_FOUND)
        status = pick(s, arena, GT_KIND_ACCOUNT, ns, NONE, NONE, &plan->account, message);
    for (size_t i = 0; i < sizeof nameless / sizeof *nameless && status == GT_LOOKUP_FOUND; i++)
        status = pick(s, arena, nameless[i].kind, ns, nameless[i].rig, nameless[i].role, &unused, message);
    if (status == GT_LOOKUP_FOUND && rig.len > 0)
        status = pick(s, arena, GT_KIND_RIG, ns, rig, NONE, &plan->rig, message);
    if (status == GT_LOOKUP_FOUND && rig.len > 0 && role.len > 0)
        status = pick(s, arena, GT_KIND_POOL, ns, rig, role, &plan->pool, message);
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
    gt_str key = key_of(s->arena, "plan", ns, rig, role);
    if (gt_map_get(&s->plans, key) != NULL)
        return;
    compiled here = {.status = GT_LOOKUP_FOUND};
    gt_plan *plan = &here.plan;
    const gt_role *row = gt_role_profile(gt_role_of(role));
    here.status = pick_objects(s, s->arena, ns, rig, role, plan, &here.message);
    bool told_apart = here.status != GT_LOOKUP_FOUND || plan->pool != NULL || role_overrides(plan->rig, role) != NULL;
    gt_str common = key_of(s->arena, "common", ns, rig, gt_str_of(row->name));
    compiled *c = told_apart ? NULL : gt_map_get(&s->plans, common);
    if (c == NULL) {
        if (here.status == GT_LOOKUP_FOUND)
            finish(s, plan, row, role);
        c = GT_NEW(s->arena, compiled);
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

static void compile_all(gt_snapshot *s)
{
    gt_map done;
    gt_map_init(&done, s->arena);
    gt_map_put(&done, NONE, s);
    compile_namespace(s, NONE);
    for (size_t i = 0; i < s->documents; i++)
        if (s->all[i] != NULL && gt_map_put(&done, s->all[i]->ns, s) == NULL)
            compile_namespace(s, s->all[i]->ns);
}

/* ---- looking up ---- */

gt_lookup gt_snapshot_town(gt_arena *arena, const gt_snapshot *snapshot, gt_str ns, const gt_object **town,
                           gt_str *message)
{
    return pick_town(snapshot, arena, ns, town, message);
}

gt_lookup gt_snapshot_plan(gt_arena *arena, const gt_snapshot *s, gt_str ns, gt_str rig, gt_str role, gt_plan *plan,
                           gt_str *message)
{
    gt_str space = gt_map_get(&s->namespaces, ns) != NULL ? ns : NONE;
    const gt_str rigs[] = {rig, rig, NONE, NONE}, roles[] = {role, NONE, role, NONE};
    const compiled *c = NULL;
    for (int i = 0; i < 4 && c == NULL; i++)
        c = gt_map_get(&s->plans, key_of(arena, "plan", space, rigs[i], roles[i]));
    *plan = c->plan;
    *message = c->message;
    return c->status;
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

/* ---- the public face ---- */

typedef struct build {
    gt_arena *arena;
    const gt_document *documents;
    size_t n;
    gt_snapshot *snapshot;
} build;

static bool build_snapshot(void *context, gt_err *err)
{
    (void)err;
    build *b = context;
    gt_snapshot *s = GT_NEW(b->arena, gt_snapshot);
    s->arena = b->arena;
    s->documents = b->n;
    s->accepted = GT_NEW_N(b->arena, bool, b->n);
    s->all = GT_NEW_N(b->arena, gt_object *, b->n);
    gt_map_init(&s->places, b->arena);
    gt_map_init(&s->of_rigs, b->arena);
    gt_map_init(&s->plans, b->arena);
    gt_map_init(&s->namespaces, b->arena);
    read_documents(s, b->documents, b->n);
    compile_all(s);
    b->snapshot = s;
    return true;
}

bool gt_snapshot_build(gt_arena *arena, const gt_document *documents, size_t n, gt_snapshot **snapshot, gt_err *err)
{
    build b = {.arena = arena, .documents = documents, .n = n};
    if (!gt_arena_try(arena, build_snapshot, &b, err))
        return gt_wrap(err, "templates");
    *snapshot = b.snapshot;
    return true;
}

void gt_snapshot_free(gt_snapshot *snapshot)
{
    if (snapshot != NULL)
        gt_arena_free(snapshot->arena);
}

const gt_finding *gt_snapshot_findings(const gt_snapshot *snapshot)
{
    return snapshot->findings;
}

bool gt_snapshot_accepted(const gt_snapshot *snapshot, size_t document)
{
    return document < snapshot->documents && snapshot->accepted[document];
}

size_t gt_snapshot_objects(const gt_snapshot *snapshot)
{
    return snapshot->objects;
}

const gt_object *gt_snapshot_object(const gt_snapshot *snapshot, size_t i)
{
    return i < snapshot->documents ? snapshot->all[i] : NULL;
}

size_t gt_snapshot_documents(const gt_snapshot *snapshot)
{
    return snapshot->documents;
}
