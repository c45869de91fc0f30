#include "injector/inside.h"

static const gt_str NONE = {"", 0};

/* A kind that we don't know may be one of ours misspelt. Documents of other groups are nobody's layer. */
static bool is_of_our_group(const gt_value *document)
{
    return gt_str_starts(gt_value_str(gt_value_get(document, "apiVersion")), "gastown.io/");
}

/* Whether the place of an object is an older one's, which then is said. */
static bool is_displaced(const gt_snapshot *s, gt_check *check, const gt_object *object, const gt_value *at)
{
    const gt_object *holder = gt_places_holder(s, object);
    if (holder == NULL)
        return false;
    gt_check_error(check, at, NULL, "the same place is held by %s, which is older: pods use that one, keep one",
                   holder->title.at);
    check->last->conflict = true;
    return true;
}

static void read_documents(gt_snapshot *s, const gt_document *documents, size_t n, gt_claims claims)
{
    gt_check check = {.arena = s->arena};
    for (size_t i = 0; i < n; i++) {
        check.document = i;
        check.file = documents[i].file;
        check.object = NONE;
        check.errors = 0;
        gt_object *object = GT_NEW(s->arena, gt_object);
        bool known = documents[i].value != NULL && gt_object_parse(&check, documents[i].value, object);
        object->displaced =
            known && claims == GT_CLAIMS_FIRST_HOLDS && is_displaced(s, &check, object, documents[i].value);
        s->accepted[i] = known && check.errors == 0;
        s->all[i] = known ? object : NULL;
        if (known && !object->displaced)
            gt_places_file(s, object);
        else if (!known && (documents[i].value == NULL || is_of_our_group(documents[i].value)))
            s->unreadable = documents[i].file;
    }
    gt_between_check(s, &check, documents);
    s->findings = check.first;
}

/* ---- looking up ---- */

gt_lookup gt_snapshot_town(gt_arena *arena, const gt_snapshot *snapshot, gt_str ns, const gt_object **town,
                           gt_str *message)
{
    return gt_places_pick_town(snapshot, arena, ns, town, message);
}

gt_lookup gt_snapshot_plan(gt_arena *arena, const gt_snapshot *s, gt_str ns, gt_str rig, gt_str role, gt_plan *plan,
                           gt_str *message)
{
    gt_str space = gt_map_get(&s->namespaces, ns) != NULL ? ns : NONE;
    const gt_str rigs[] = {rig, rig, NONE, NONE}, roles[] = {role, NONE, role, NONE};
    const gt_compiled *c = NULL;
    for (int i = 0; i < 4 && c == NULL; i++)
        c = gt_map_get(&s->plans, gt_places_key(arena, "plan", space, rigs[i], roles[i]));
    *plan = c->plan;
    *message = c->message;
    return c->status;
}

const gt_object *gt_snapshot_class(const gt_snapshot *snapshot, gt_str name)
{
    const gt_object *class = gt_map_get(&snapshot->classes, name);
    while (class != NULL && class->broken)
        class = class->next;
    return class;
}

bool gt_snapshot_knows_classes(const gt_snapshot *snapshot)
{
    return snapshot->classes.count > 0;
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
    gt_claims claims;
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
    gt_map_init(&s->classes, b->arena);
    gt_map_init(&s->of_rigs, b->arena);
    gt_map_init(&s->plans, b->arena);
    gt_map_init(&s->namespaces, b->arena);
    read_documents(s, b->documents, b->n, b->claims);
    gt_compile_all(s);
    b->snapshot = s;
    return true;
}

bool gt_snapshot_build(gt_arena *arena, const gt_document *documents, size_t n, gt_claims claims,
                       gt_snapshot **snapshot, gt_err *err)
{
    build b = {.arena = arena, .documents = documents, .n = n, .claims = claims};
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
