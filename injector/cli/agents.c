/* Bare pods for people who have none at hand. */
#include <stdlib.h>

#include "injector/cli/cli.h"
#include "lib/base/map.h"

#define AGENT "example"
#define RIG "example"

typedef struct agent {
    gt_str ns, rig, role;
} agent;

typedef struct agents {
    gt_arena *arena;
    const gt_snapshot *sets[2];
    gt_map seen;
    agent *at;
    size_t count, room;
} agents;

/* ---- which ---- */

static void add(agents *a, gt_str ns, gt_str rig, gt_str role)
{
    gt_str key =
        gt_str_of(gt_arena_printf(a->arena, "%.*s\n%.*s\n%.*s", GT_STR_ARG(ns), GT_STR_ARG(rig), GT_STR_ARG(role)));
    if (!gt_role_is_legal(role) || gt_map_put(&a->seen, key, a) != NULL)
        return;
    if (a->count == a->room) {
        size_t room = a->room == 0 ? 64 : a->room * 2;
        agent *at = GT_NEW_N(a->arena, agent, room);
        if (a->count > 0)
            memcpy(at, a->at, a->count * sizeof *at);
        a->at = at;
        a->room = room;
    }
    a->at[a->count++] = (agent){ns, rig, role};
}

/* The roles of the table: a town's in the rig GT_TOWN_RIG, the others in a real one. */
static void add_known_roles(agents *a, gt_str ns, gt_str rig)
{
    for (int i = 0; i < GT_ROLE_COUNT; i++)
        if (gt_roles[i].of_town == gt_str_is(rig, GT_TOWN_RIG))
            add(a, ns, rig, gt_str_of(gt_roles[i].name));
}

static void add_namespace(agents *a, gt_str ns)
{
    bool any = false;
    for (int set = 0; set < 2; set++)
        for (size_t i = 0; i < gt_snapshot_documents(a->sets[set]); i++) {
            const gt_object *o = gt_snapshot_object(a->sets[set], i);
            bool here = o != NULL && (o->ns.len == 0 || gt_str_eq(o->ns, ns));
            if (!here || o->kind == GT_KIND_TOWN || o->spec_name.len == 0)
                continue;
            any = any || !gt_str_is(o->spec_name, GT_TOWN_RIG);
            add_known_roles(a, ns, o->spec_name);
            for (size_t r = 0; r < o->role_count; r++)
                add(a, ns, o->spec_name, o->roles[r].role);
            if (o->kind == GT_KIND_POOL)
                add(a, ns, o->spec_name, o->role);
        }
    add_known_roles(a, ns, GT_STR(GT_TOWN_RIG));
    if (!any) /* a rig needs no object of its own */
        add_known_roles(a, ns, GT_STR(RIG));
}

static void add_named_namespaces(agents *a)
{
    gt_map seen;
    gt_map_init(&seen, a->arena);
    for (int set = 0; set < 2; set++)
        for (size_t i = 0; i < gt_snapshot_documents(a->sets[set]); i++) {
            const gt_object *o = gt_snapshot_object(a->sets[set], i);
            if (o != NULL && o->ns.len > 0 && gt_map_put(&seen, o->ns, a) == NULL)
                add_namespace(a, o->ns);
        }
    if (seen.count == 0)
        add_namespace(a, GT_STR(GT_CLI_NAMESPACE));
}

static int compare(const void *x, const void *y)
{
    const agent *a = x, *b = y;
    int order = gt_str_cmp(a->ns, b->ns);
    order = order == 0 ? gt_str_cmp(a->rig, b->rig) : order;
    return order == 0 ? gt_str_cmp(a->role, b->role) : order;
}

/* ---- their pods ---- */

static void put_text(gt_arena *arena, gt_value *object, const char *key, gt_str text)
{
    gt_value_put(arena, object, key, gt_value_string(arena, text));
}

static gt_value *pod_with(gt_arena *arena, gt_value *metadata)
{
    gt_value *pod = gt_value_object(arena), *spec = gt_value_object(arena), *list = gt_value_array(arena),
             *container = gt_value_object(arena);
    put_text(arena, container, "name", GT_STR("agent"));
    gt_value_push(list, container);
    gt_value_put(arena, spec, "containers", list);
    put_text(arena, pod, "apiVersion", GT_STR("v1"));
    put_text(arena, pod, "kind", GT_STR("Pod"));
    gt_value_put(arena, pod, "metadata", metadata);
    gt_value_put(arena, pod, "spec", spec);
    return pod;
}

static gt_value *pod_of(gt_arena *arena, const agent *a)
{
    bool has_rig = !gt_str_is(a->rig, GT_TOWN_RIG);
    gt_value *metadata = gt_value_object(arena), *labels = gt_value_object(arena),
             *annotations = gt_value_object(arena);
    gt_str rig = gt_label_of(arena, a->rig);
    put_text(arena, metadata, "name", gt_pod_name_of(arena, a->rig, a->role, GT_STR(AGENT)));
    put_text(arena, metadata, "namespace", a->ns);
    put_text(arena, labels, GT_LABEL_APP, GT_STR("gastown"));
    if (has_rig)
        put_text(arena, labels, GT_LABEL_RIG, rig);
    put_text(arena, labels, GT_LABEL_ROLE, a->role);
    put_text(arena, labels, GT_LABEL_AGENT, GT_STR(AGENT));
    gt_value_put(arena, metadata, "labels", labels);
    if (has_rig && !gt_str_eq(rig, a->rig))
        put_text(arena, annotations, GT_ANNOTATION_RAW_RIG, a->rig);
    gt_value_put(arena, metadata, "annotations", annotations);
    return pod_with(arena, metadata);
}

void gt_cli_agents(gt_arena *arena, const gt_cli *cli, const gt_snapshot *old, const gt_snapshot *new,
                   gt_cli_documents *documents)
{
    agents all = {.arena = arena, .sets = {old, new}};
    gt_map_init(&all.seen, arena);
    if (cli->ns != NULL)
        add_namespace(&all, gt_str_of(cli->ns));
    else
        add_named_namespaces(&all);
    qsort(all.at, all.count, sizeof *all.at, compare);
    *documents = (gt_cli_documents){.at = GT_NEW_N(arena, const gt_value *, all.count), .count = all.count};
    for (size_t i = 0; i < all.count; i++)
        documents->at[i] = pod_of(arena, &all.at[i]);
}

/* ---- live pods ---- */

static gt_value *members_that(gt_arena *arena, const gt_value *object, bool (*wanted)(gt_str key))
{
    gt_value *some = gt_value_object(arena);
    GT_VALUE_EACH (member, object)
        if (wanted(member->key))
            gt_value_append(some, member->key, gt_value_ref(arena, member));
    return some;
}

static bool is_identity_label(gt_str key)
{
    return gt_str_starts(key, "gastown.io/") || gt_str_is(key, GT_LABEL_APP);
}

static bool is_creators_annotation(gt_str key)
{
    return gt_str_starts(key, GT_EVENT_PREFIX) || gt_str_is(key, GT_ANNOTATION_RAW_RIG) ||
           gt_str_is(key, GT_ANNOTATION_RAW_AGENT);
}

const gt_value *gt_cli_bare(gt_arena *arena, const gt_value *pod)
{
    const gt_value *metadata = gt_value_get(pod, "metadata"), *annotations = gt_value_get(metadata, "annotations");
    if (gt_value_get(annotations, GT_ANNOTATION_HASH) == NULL)
        return pod;
    static const char *const kept[] = {"name", "generateName", "namespace", "ownerReferences"};
    gt_value *own = gt_value_object(arena);
    for (size_t i = 0; i < sizeof kept / sizeof *kept; i++)
        if (gt_value_get(metadata, kept[i]) != NULL)
            gt_value_put(arena, own, kept[i], gt_value_ref(arena, gt_value_get(metadata, kept[i])));
    gt_value_put(arena, own, "labels", members_that(arena, gt_value_get(metadata, "labels"), is_identity_label));
    gt_value_put(arena, own, "annotations", members_that(arena, annotations, is_creators_annotation));
    gt_value *bare = pod_with(arena, own);
    const gt_value *restart = gt_value_get(gt_value_get(pod, "spec"), "restartPolicy");
    if (gt_value_get(own, "ownerReferences") != NULL && restart != NULL) /* a Job's is the Job's own */
        gt_value_put(arena, bare->last, "restartPolicy", gt_value_ref(arena, restart));
    return bare;
}
