#include "injector/inside.h"

static const gt_str NONE = {"", 0};

/* A kind that we don't know may be one of ours misspelt. Documents of other groups are nobody's layer. */
static bool is_of_our_group(const gt_value *document)
{
    return gt_str_starts(gt_value_str(gt_value_get(document, "apiVersion")), "gastown.io/");
}

/* Whether the place of an object is an older one's, which then is said. */
static bool is_displaced(const gt_build *b, gt_check *check, const gt_object *object, const gt_value *at)
{
    const gt_object *holder = gt_places_holder(b->s, b->scratch, object);
    if (holder == NULL)
        return false;
    gt_check_error(check, at, NULL, "the same place is held by %s, which is older: pods use that one, keep one",
                   holder->title.at);
    check->last->conflict = true;
    return true;
}

/* The findings of one document, from the scratch arena into the list of all. */
static void keep_findings(gt_build *b, const gt_check *from, gt_check *all)
{
    for (const gt_finding *f = from->first; f != NULL; f = f->next) {
        gt_finding *kept = GT_NEW(b->s->arena, gt_finding);
        *kept = *f;
        kept->next = NULL;
        gt_str *const texts[] = {&kept->file, &kept->object, &kept->field, &kept->message};
        for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
            *texts[i] = gt_keep_text(&b->keeper, *texts[i]);
        if (all->last == NULL)
            all->first = kept;
        else
            all->last->next = kept;
        all->last = kept;
    }
}

static void read_document(gt_build *b, size_t i, gt_check *all)
{
    gt_snapshot *s = b->s;
    const gt_value *value = b->documents[i].value;
    gt_check check = {.arena = b->scratch, .document = i, .file = b->documents[i].file};
    gt_object *object = GT_NEW(s->arena, gt_object);
    if (value != NULL && gt_object_parse(&check, &b->keeper, value, object)) {
        object->displaced = b->claims == GT_CLAIMS_FIRST_HOLDS && is_displaced(b, &check, object, value);
        s->accepted[i] = check.errors == 0;
        s->all[i] = object;
        if (!object->displaced)
            gt_places_file(b, object);
    } else if (value == NULL || is_of_our_group(value)) {
        s->unreadable = gt_keep_text(&b->keeper, check.file);
    }
    keep_findings(b, &check, all);
    gt_arena_reset(b->scratch);
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
    const gt_rig_plans *plans = gt_compiled_rig(arena, s, space, rig);
    const gt_role *row = gt_role_of(role);
    const gt_compiled *c = NULL;
    if (row->name[0] == '\0' && role.len > 0 && plans->others != NULL)
        c = gt_map_get(plans->others, role);
    if (c == NULL)
        c = plans->known[row - gt_roles];
    *plan = (gt_plan){.town = NULL};
    if (c->status == GT_LOOKUP_FOUND)
        gt_compiled_open(arena, c, plan);
    else
        *message = c->text;
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

/* ---- the public face ---- */

typedef struct arenas {
    gt_arena *desk, *scratch;
} arenas;

static void free_arenas(arenas *two)
{
    gt_arena_free(two->desk);
    gt_arena_free(two->scratch);
}

static void build_snapshot(gt_build *b, size_t n)
{
    gt_snapshot *s = b->s;
    gt_check all = {.arena = s->arena};
    s->documents = n;
    s->accepted = GT_NEW_N(s->arena, bool, n);
    s->all = GT_NEW_N(s->arena, gt_object *, n);
    gt_map_init(&s->places, s->arena);
    gt_map_reserve(&s->places, n);
    gt_map_init(&s->classes, s->arena);
    gt_map_init(&s->plans, s->arena);
    gt_map_init(&s->namespaces, s->arena);
    for (size_t i = 0; i < n; i++)
        read_document(b, i, &all);
    gt_between_check(b, &all);
    s->findings = all.first;
    gt_compile_all(b);
}

/* Of three arenas each may run out. */
typedef struct trial {
    gt_build build;
    size_t n;
} trial;

static bool on_the_desk(void *context, gt_err *err)
{
    (void)err;
    trial *t = context;
    gt_build *b = &t->build;
    gt_arena *arena = b->keeper.arena;
    gt_keeper_init(&b->keeper, arena, b->scratch, b->desk);
    gt_map_init(&b->of_rigs, b->desk);
    b->s = GT_NEW(arena, gt_snapshot);
    b->s->arena = arena;
    build_snapshot(b, t->n);
    return true;
}

static bool with_scratch(void *context, gt_err *err)
{
    trial *t = context;
    return gt_arena_try(t->build.desk, on_the_desk, t, err);
}

static bool within_arena(void *context, gt_err *err)
{
    trial *t = context;
    return gt_arena_try(t->build.scratch, with_scratch, t, err);
}

bool gt_snapshot_build(gt_arena *arena, const gt_document *documents, size_t n, gt_claims claims,
                       gt_snapshot **snapshot, gt_err *err)
{
    gt_scoped(free_arenas) arenas two = {gt_arena_new(0), gt_arena_new(0)};
    trial t = {.n = n, .build = {.documents = documents, .claims = claims, .desk = two.desk, .scratch = two.scratch}};
    t.build.keeper.arena = arena;
    bool ok = two.desk != NULL && two.scratch != NULL ? gt_arena_try(arena, within_arena, &t, err)
                                                      : gt_fail(err, GT_ERR_NOMEM, "out of memory");
    if (!ok)
        return gt_wrap(err, "templates");
    *snapshot = t.build.s;
    return true;
}

size_t gt_snapshot_bytes(const gt_snapshot *snapshot)
{
    return gt_arena_used(snapshot->arena);
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
