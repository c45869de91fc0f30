#include "injector/sample.h"

#include <stdlib.h>

#include "injector/identity.h"
#include "injector/plan.h"
#include "lib/base/map.h"

#define AGENT "example"
#define RIG "example"

/* ---- which ---- */

typedef struct space {
    gt_str ns;
    bool any; /* it has a rig of its own */
    struct space *next;
} space;

typedef struct list {
    gt_arena *arena;
    const gt_samples_wanted *wanted;
    gt_samples *samples;
    gt_map seen;   /* "NS\nRIG\nROLE" */
    gt_map spaces; /* by name: space */
    space *first, *last;
} list;

static void add(list *l, gt_str ns, gt_str rig, gt_str role)
{
    gt_samples *s = l->samples;
    gt_str key =
        gt_str_of(gt_arena_printf(l->arena, "%.*s\n%.*s\n%.*s", GT_STR_ARG(ns), GT_STR_ARG(rig), GT_STR_ARG(role)));
    if (!gt_role_is_legal(role) || gt_map_put(&l->seen, key, l) != NULL)
        return;
    if (l->wanted->most > 0 && s->count == l->wanted->most) {
        s->left_out++;
        return;
    }
    if (s->count == s->room) {
        size_t room = s->room == 0 ? 64 : s->room * 2;
        gt_sample *at = GT_NEW_N(l->arena, gt_sample, room);
        if (s->count > 0)
            memcpy(at, s->at, s->count * sizeof *at);
        s->at = at;
        s->room = room;
    }
    s->at[s->count++] = (gt_sample){ns, rig, role};
}

/* The roles of the table: a town's in the rig GT_TOWN_RIG, the others in a real one. */
static void add_known_roles(list *l, gt_str ns, gt_str rig)
{
    for (int i = 0; i < GT_ROLE_COUNT; i++)
        if (gt_roles[i].of_town == gt_str_is(rig, GT_TOWN_RIG))
            add(l, ns, rig, gt_str_of(gt_roles[i].name));
}

static void add_object(list *l, space *here, const gt_object *o)
{
    here->any = here->any || !gt_str_is(o->spec_name, GT_TOWN_RIG);
    add_known_roles(l, here->ns, o->spec_name);
    for (size_t r = 0; r < o->role_count; r++)
        add(l, here->ns, o->spec_name, o->roles[r].role);
    if (o->kind == GT_KIND_POOL)
        add(l, here->ns, o->spec_name, o->role);
}

/* Those of one namespace, or those of all where it has none. */
static void add_objects(list *l, const gt_snapshot *set)
{
    for (size_t i = 0; i < gt_snapshot_documents(set); i++) {
        const gt_object *o = gt_snapshot_object(set, i);
        bool of_rig = o != NULL && (o->kind == GT_KIND_RIG || o->kind == GT_KIND_POOL) && o->spec_name.len > 0;
        if (!of_rig)
            continue;
        space *own = o->ns.len == 0 ? l->first : gt_map_get(&l->spaces, o->ns);
        for (space *here = own; here != NULL; here = o->ns.len == 0 ? here->next : NULL)
            add_object(l, here, o);
    }
}

static void add_space(list *l, gt_str ns)
{
    space *here = GT_NEW(l->arena, space);
    here->ns = ns;
    if (gt_map_put(&l->spaces, ns, here) != NULL)
        return;
    if (l->last == NULL)
        l->first = here;
    else
        l->last->next = here;
    l->last = here;
}

static void add_spaces(list *l)
{
    for (int set = 0; set < 2 && l->wanted->ns.len == 0; set++)
        for (size_t i = 0; l->wanted->sets[set] != NULL && i < gt_snapshot_documents(l->wanted->sets[set]); i++) {
            const gt_object *o = gt_snapshot_object(l->wanted->sets[set], i);
            bool of_town = o != NULL && o->kind <= GT_KIND_POOL; /* accounts are in every namespace */
            if (of_town && o->ns.len > 0 && gt_map_get(&l->spaces, o->ns) == NULL)
                add_space(l, o->ns);
        }
    if (l->first == NULL)
        add_space(l, l->wanted->ns.len > 0 ? l->wanted->ns : GT_STR(GT_SAMPLE_NAMESPACE));
}

static int compare(const void *x, const void *y)
{
    const gt_sample *a = x, *b = y;
    int order = gt_str_cmp(a->ns, b->ns);
    order = order == 0 ? gt_str_cmp(a->rig, b->rig) : order;
    return order == 0 ? gt_str_cmp(a->role, b->role) : order;
}

void gt_samples_of(gt_arena *arena, const gt_samples_wanted *wanted, gt_samples *samples)
{
    list l = {.arena = arena, .wanted = wanted, .samples = samples};
    *samples = (gt_samples){.at = NULL};
    gt_map_init(&l.seen, arena);
    gt_map_init(&l.spaces, arena);
    add_spaces(&l);
    for (int set = 0; set < 2; set++)
        if (wanted->sets[set] != NULL)
            add_objects(&l, wanted->sets[set]);
    for (const space *here = l.first; here != NULL; here = here->next) {
        add_known_roles(&l, here->ns, GT_STR(GT_TOWN_RIG));
        if (!here->any) /* a rig needs no object of its own */
            add_known_roles(&l, here->ns, GT_STR(RIG));
    }
    if (samples->count > 0)
        qsort(samples->at, samples->count, sizeof *samples->at, compare);
}

/* ---- their pods ---- */

static void put_text(gt_arena *arena, gt_value *object, const char *key, gt_str text)
{
    gt_value_put(arena, object, key, gt_value_string(arena, text));
}

gt_value *gt_sample_bare(gt_arena *arena, gt_value *metadata)
{
    gt_value *pod = gt_value_object(arena), *spec = gt_value_object(arena), *containers = gt_value_array(arena),
             *container = gt_value_object(arena);
    put_text(arena, container, "name", GT_STR("agent"));
    gt_value_push(containers, container);
    gt_value_put(arena, spec, "containers", containers);
    put_text(arena, pod, "apiVersion", GT_STR("v1"));
    put_text(arena, pod, "kind", GT_STR("Pod"));
    gt_value_put(arena, pod, "metadata", metadata);
    gt_value_put(arena, pod, "spec", spec);
    return pod;
}

gt_value *gt_sample_pod(gt_arena *arena, const gt_sample *sample)
{
    bool has_rig = !gt_str_is(sample->rig, GT_TOWN_RIG);
    gt_value *metadata = gt_value_object(arena), *labels = gt_value_object(arena),
             *annotations = gt_value_object(arena);
    gt_str rig = gt_label_of(arena, sample->rig);
    put_text(arena, metadata, "name", gt_pod_name_of(arena, sample->rig, sample->role, GT_STR(AGENT)));
    put_text(arena, metadata, "namespace", sample->ns);
    put_text(arena, labels, GT_LABEL_APP, GT_STR("gastown"));
    if (has_rig)
        put_text(arena, labels, GT_LABEL_RIG, rig);
    put_text(arena, labels, GT_LABEL_ROLE, sample->role);
    put_text(arena, labels, GT_LABEL_AGENT, GT_STR(AGENT));
    gt_value_put(arena, metadata, "labels", labels);
    if (has_rig && !gt_str_eq(rig, sample->rig))
        put_text(arena, annotations, GT_ANNOTATION_RAW_RIG, sample->rig);
    gt_value_put(arena, metadata, "annotations", annotations);
    return gt_sample_bare(arena, metadata);
}
