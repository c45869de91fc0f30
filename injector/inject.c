#include "injector/inject.h"

#include <stdio.h>

#include "injector/event.h"
#include "injector/image.h"
#include "injector/resolve.h"
#include "injector/same.h"
#include "lib/base/hash.h"

/* ---- leaves and objects ---- */

/* LimitRange's own values, as its admission plugin notes them: "...; cpu, memory request for container agent; ...". */
static bool set_by_limit_range(const gt_walk *walk, const gt_pointer *place)
{
    gt_view metadata = gt_view_get(walk->pod, "metadata");
    gt_view note = gt_view_get(gt_view_get(metadata, "annotations"), "kubernetes.io/limit-ranger");
    if (walk->ranged_container.len == 0 || gt_view_type_of(note) != GT_VIEW_STRING || place->up == NULL)
        return false;
    gt_str list = place->up->name; /* requests, limits: the note says request, limit */
    return gt_limit_range_set(note, walk->ranged_container, place->name, (gt_str){list.at, list.len - 1});
}

static bool counts_as_unset(const gt_walk *walk, const gt_want *want, gt_view have, const gt_pointer *place)
{
    if (want->unset != NULL) {
        gt_buf shown;
        gt_buf_init(&shown, walk->arena, 32);
        gt_view_show(&shown, have, 64);
        if (gt_str_is(gt_buf_slice(&shown), want->unset))
            return true;
    }
    return set_by_limit_range(walk, place);
}

bool gt_ensure_leaf(gt_walk *walk, const gt_want *want, gt_view have, const gt_pointer *place, bool same)
{
    bool there = gt_view_exists(have);
    if (same || (there && want->rule == GT_RULE_IF_MISSING)) {
        gt_record_decide(walk->record, place, GT_ACTION_KEEP, want->value, have, want->from);
        return false;
    }
    bool replaces = there && !counts_as_unset(walk, want, have, place);
    gt_decision *d = gt_record_decide(walk->record, place, replaces ? GT_ACTION_REPLACE : GT_ACTION_SET, want->value, have, want->from);
    gt_record_step(walk->record, there ? GT_OP_REPLACE : GT_OP_ADD, place, want->value);
    if (replaces)
        gt_record_warn_replaced(walk->record, d, gt_from_title(walk->arena, walk->injection, &want->from), want->secret);
    return true;
}

static void decide_leaves(gt_walk *walk, const gt_want *want, const gt_pointer *place)
{
    gt_view nothing = {NULL};
    if (want->value != NULL) {
        gt_record_decide(walk->record, place, GT_ACTION_SET, want->value, nothing, want->from);
        return;
    }
    bool list = want->rule != GT_RULE_OBJECT;
    size_t i = 0;
    for (const gt_want *child = want->first; child != NULL; child = child->next) {
        gt_pointer at = list ? gt_labelled(place, i++, child->name) : gt_member_str(place, child->name);
        decide_leaves(walk, child, gt_pointer_keep(walk->arena, at));
    }
}

void gt_ensure_whole(gt_walk *walk, const gt_want *want, const gt_pointer *path)
{
    if (want->value == NULL && want->first == NULL)
        return;
    gt_record_step(walk->record, GT_OP_ADD, path, gt_want_value(walk->arena, want));
    const gt_pointer *place = path;
    if (path->step == GT_STEP_END || path->step == GT_STEP_ELEMENT)
        place = gt_pointer_keep(walk->arena, gt_labelled(path->up, path->index, want->name));
    decide_leaves(walk, want, place);
}

static void ensure_object(gt_walk *walk, const gt_want *want, gt_view have, const gt_pointer *place)
{
    for (const gt_want *child = want->first; child != NULL; child = child->next)
        gt_ensure(walk, child, gt_view_get_str(have, child->name), gt_pointer_keep(walk->arena, gt_member_str(place, child->name)));
}

void gt_ensure(gt_walk *walk, const gt_want *want, gt_view have, const gt_pointer *place)
{
    bool leaf = want->rule == GT_RULE_VALUE || want->rule == GT_RULE_IF_MISSING;
    gt_view_type type = gt_view_type_of(have), wanted = want->rule == GT_RULE_OBJECT ? GT_VIEW_OBJECT : GT_VIEW_ARRAY;
    if (leaf)
        gt_ensure_leaf(walk, want, have, place, gt_same(have, want->value, want->name));
    else if (want->first == NULL || want->rule == GT_RULE_CONTAINERS)
        return; /* containers: by walk_pod, in two halves */
    else if (!gt_view_exists(have))
        gt_ensure_whole(walk, want, place);
    else if (type != wanted)
        gt_record_deny(walk->record, 422, place, "must be %s, is %s", gt_view_type_name(wanted), gt_view_type_name(type));
    else
        switch (want->rule) {
        case GT_RULE_OBJECT: ensure_object(walk, want, have, place); break;
        case GT_RULE_KEYED: gt_ensure_keyed(walk, want, have, place); break;
        case GT_RULE_ENV: gt_ensure_env(walk, want, have, place); break;
        case GT_RULE_MOUNTS: gt_ensure_mounts(walk, want, have, place); break;
        case GT_RULE_VOLUMES: gt_ensure_volumes(walk, want, have, place); break;
        default: break;
        }
}

/* ---- what comes out ---- */

static bool wants_token(const gt_walk *walk)
{
    return gt_value_true(gt_layer_value(walk->injection->resolved, GT_FIELD_AUTOMOUNT_TOKEN, ""));
}

/* Removes elements of a list, last first, so that indices stay right. */
static void remove_elements(gt_walk *walk, gt_view list, const gt_pointer *place, bool (*goes)(gt_view), const gt_pointer *warn_at)
{
    size_t n = 0, count = gt_view_count(list);
    bool *gone = GT_NEW_N(walk->arena, bool, count);
    GT_VIEW_EACH(element, list)
        gone[n++] = goes(element);
    size_t removed = 0;
    while (n-- > 0)
        if (gone[n]) {
            const gt_pointer *at = gt_pointer_keep(walk->arena, gt_element(place, n));
            gt_record_decide(walk->record, at, GT_ACTION_REMOVE, NULL, (gt_view){NULL}, gt_from_engine("automountServiceAccountToken"));
            gt_record_step(walk->record, GT_OP_REMOVE, at, NULL);
            removed++;
        }
    if (removed > 0 && warn_at != NULL)
        gt_record_warn(walk->record, warn_at, "service account token taken out: automountServiceAccountToken is false");
}

static bool has_token_name(gt_view element)
{
    gt_view name = gt_view_get(element, "name");
    return gt_view_starts(name, "kube-api-access-");
}

static bool is_token_volume(gt_view volume)
{
    return has_token_name(volume) && gt_view_exists(gt_view_get(volume, "projected"));
}

static void remove_token(gt_walk *walk, const gt_pointer *spec_place)
{
    static const char *const lists[] = {"initContainers", "containers"};
    gt_view spec = gt_view_get(walk->pod, "spec");
    for (int i = 0; i < 2; i++) {
        const gt_pointer *list = gt_pointer_keep(walk->arena, gt_member(spec_place, lists[i]));
        size_t n = 0;
        GT_VIEW_EACH(container, gt_view_get(spec, lists[i])) {
            gt_view name = gt_view_get(container, "name");
            gt_pointer element = gt_view_label(walk->arena, gt_element(list, n++), name);
            const gt_pointer *at = gt_pointer_keep(walk->arena, element);
            const gt_pointer *mounts = gt_pointer_keep(walk->arena, gt_member(at, "volumeMounts"));
            bool ours = gt_same_text(name, GT_STR("agent"));
            remove_elements(walk, gt_view_get(container, "volumeMounts"), mounts, has_token_name, ours ? NULL : mounts);
        }
    }
    const gt_pointer *volumes = gt_pointer_keep(walk->arena, gt_member(spec_place, "volumes"));
    remove_elements(walk, gt_view_get(spec, "volumes"), volumes, is_token_volume, NULL);
}

/* The Priority plugin runs again after us and refuses numbers that don't belong to the new class. */
static void remove_computed_priority(gt_walk *walk, const gt_pointer *spec_place)
{
    static const char *const computed[] = {"priority", "preemptionPolicy"};
    gt_view spec = gt_view_get(walk->pod, "spec");
    const gt_value *class = gt_layer_value(walk->injection->resolved, GT_FIELD_PRIORITY_CLASS, "");
    if (class == NULL || gt_same(gt_view_get(spec, "priorityClassName"), class, (gt_str){"", 0}))
        return;
    for (int i = 0; i < 2; i++) {
        if (!gt_view_exists(gt_view_get(spec, computed[i])))
            continue;
        const gt_pointer *at = gt_pointer_keep(walk->arena, gt_member(spec_place, computed[i]));
        gt_record_decide(walk->record, at, GT_ACTION_REMOVE, NULL, (gt_view){NULL}, gt_from_engine("priorityClassName"));
        gt_record_step(walk->record, GT_OP_REMOVE, at, NULL);
    }
}

/* ---- requests and limits that only meet on the pod ---- */

/* A client's own limit below our request is lifted, a client's own request above our limit comes down: Kubernetes refuses either. */
static void reconcile_client_resources(gt_walk *walk, gt_view agent, const gt_pointer *resources)
{
    static const struct {
        const char *ours, *theirs;
        int order;
    } pairs[] = {{"requests", "limits", 1}, {"limits", "requests", -1}};
    const gt_layer *resolved = walk->injection->resolved;
    const gt_cells *cells = &resolved->cells[GT_FIELD_RESOURCES];
    for (uint32_t i = 0; i < cells->count; i++)
        for (int p = 0; p < 2; p++) {
            const gt_cell *c = &cells->at[i];
            size_t n = strlen(pairs[p].ours);
            if (c->value == NULL || !gt_str_starts(c->key, pairs[p].ours))
                continue;
            gt_str resource = {c->key.at + n + 1, c->key.len - n - 1};
            gt_str other = gt_str_of(gt_arena_printf(walk->arena, "%s.%.*s", pairs[p].theirs, GT_STR_ARG(resource)));
            gt_view have = gt_view_get_str(gt_view_get(gt_view_get(agent, "resources"), pairs[p].theirs), resource);
            gt_quantity ours, theirs;
            if (gt_layer_get(resolved, GT_FIELD_RESOURCES, other) != NULL || !gt_view_quantity(have, &theirs) ||
                !gt_quantity_parse(c->value->text, &ours) || gt_quantity_cmp(ours, theirs) * pairs[p].order <= 0)
                continue;
            const gt_pointer *list = gt_pointer_keep(walk->arena, gt_member(resources, pairs[p].theirs));
            const gt_pointer *at = gt_pointer_keep(walk->arena, gt_member_str(list, resource));
            gt_want leaf = {.value = c->value, .from = gt_from_cell(GT_FIELD_RESOURCES, c)};
            gt_ensure_leaf(walk, &leaf, have, at, false);
        }
}

/* ---- the pod ---- */

/* The client's container named agent and its index; missing when there's none. */
static gt_view agent_of(gt_view pod, size_t *index)
{
    size_t i = 0;
    GT_VIEW_EACH(container, gt_view_get(gt_view_get(pod, "spec"), "containers")) {
        *index = i++;
        if (gt_same_text(gt_view_get(container, "name"), GT_STR("agent")))
            return container;
    }
    return (gt_view){NULL};
}

static gt_want *find_want(const gt_want *parent, const char *name)
{
    for (gt_want *child = parent->first; child != NULL; child = child->next)
        if (gt_str_is(child->name, name))
            return child;
    return NULL;
}

static void walk_pod(gt_walk *walk, const gt_want *pod)
{
    gt_view spec = gt_view_get(walk->pod, "spec");
    const gt_want *wants = find_want(pod, "spec");
    const gt_pointer *metadata_place = gt_pointer_keep(walk->arena, gt_member(NULL, "metadata"));
    const gt_pointer *spec_place = gt_pointer_keep(walk->arena, gt_member(NULL, "spec"));
    gt_ensure(walk, find_want(pod, "metadata"), gt_view_get(walk->pod, "metadata"), metadata_place);
    gt_ensure(walk, wants, spec, spec_place);
    if (!gt_view_exists(spec) || gt_view_type_of(spec) != GT_VIEW_OBJECT)
        return;
    static const char *const lists[] = {"initContainers", "containers"};
    const gt_want *list[2];
    const gt_pointer *place[2];
    for (int i = 0; i < 2; i++) {
        list[i] = find_want(wants, lists[i]);
        place[i] = gt_pointer_keep(walk->arena, gt_member(spec_place, lists[i]));
    }
    for (int i = 0; i < 2; i++)
        gt_edit_containers(walk, list[i], list[1 - i], gt_view_get(spec, lists[i]), place[i]);
    size_t n = 0;
    gt_view agent = agent_of(walk->pod, &n);
    const gt_pointer *agent_place = gt_pointer_keep(walk->arena, gt_labelled(place[1], n, GT_STR("agent")));
    reconcile_client_resources(walk, agent, gt_pointer_keep(walk->arena, gt_member(agent_place, "resources")));
    if (!wants_token(walk))
        remove_token(walk, spec_place);
    remove_computed_priority(walk, spec_place);
    for (int i = 0; i < 2; i++)
        gt_insert_containers(walk, list[i], gt_view_get(spec, lists[i]), place[i]);
}

/* ---- the whole ---- */

/* What follows from who made the pod. */
static bool read_owner(gt_walk *walk, bool *keeps_restart_policy)
{
    static const char *const forever[] = {"ReplicaSet", "StatefulSet", "DaemonSet", NULL};
    gt_pointer metadata = gt_member(NULL, "metadata"), owners = gt_member(&metadata, "ownerReferences");
    bool polecat = gt_str_is(walk->injection->identity.role, "polecat");
    size_t i = 0;
    GT_VIEW_EACH(owner, gt_view_get(gt_view_get(walk->pod, "metadata"), "ownerReferences")) {
        gt_view kind = gt_view_get(owner, "kind");
        gt_pointer at = gt_element(&owners, i++);
        if (!gt_view_true(gt_view_get(owner, "controller")))
            continue;
        *keeps_restart_policy = *keeps_restart_policy || gt_view_is(kind, "Job");
        for (int k = 0; polecat && forever[k] != NULL; k++)
            if (gt_view_is(kind, forever[k])) {
                gt_record_deny(walk->record, 422, &at, "a polecat ends, and a %s would run it for ever: create a pod or a Job", forever[k]);
                return false;
            }
    }
    return true;
}

static void drop_want(gt_want *parent, const char *name)
{
    gt_want *before = NULL;
    for (gt_want *child = parent->first; child != NULL; before = child, child = child->next)
        if (gt_str_is(child->name, name)) {
            if (before == NULL)
                parent->first = child->next;
            else
                before->next = child->next;
            if (parent->last == child)
                parent->last = before;
            return;
        }
}

/* The pull policy that belongs to an image which stays the client's, and the one that an API server filled in for the client's. */
static void fit_pull_policy(gt_walk *walk, gt_want *agent, bool image_is_ours)
{
    gt_image image;
    size_t n;
    gt_view text = gt_view_get(agent_of(walk->pod, &n), "image");
    bool parsed = gt_image_read(text, &image);
    for (gt_want *child = agent->first; child != NULL; child = child->next) {
        if (!gt_str_is(child->name, "imagePullPolicy"))
            continue;
        child->unset = parsed && gt_image_floats(&image) ? "Always" : "IfNotPresent";
        if (!image_is_ours && child->from.kind == GT_FROM_ENGINE && parsed && image.digest.len > 0)
            child->value = gt_value_text(walk->arena, "IfNotPresent");
    }
}

static void need_image(gt_walk *walk, bool image_is_ours)
{
    size_t n;
    gt_view image = gt_view_get(agent_of(walk->pod, &n), "image");
    gt_pointer spec = gt_member(NULL, "spec"), list = gt_member(&spec, "containers"), agent = gt_labelled(&list, 0, GT_STR("agent")),
               at = gt_member(&agent, "image");
    if (!image_is_ours && (!gt_view_exists(image) || gt_view_is(image, "")))
        gt_record_deny(walk->record, 422, &at, "no layer sets an image and the pod has none: set spec.defaults.image of %s",
                       walk->injection->plan.town->title.at);
}

static gt_lookup deny_lookup(gt_record *record, gt_lookup status, gt_str ns, gt_str message)
{
    gt_pointer metadata = gt_member(NULL, "metadata"), at = gt_member(&metadata, "namespace");
    if (status == GT_LOOKUP_BROKEN)
        return status;
    gt_record_deny(record, 422, &at, "namespace %.*s: %.*s", GT_STR_ARG(ns), GT_STR_ARG(message));
    return GT_LOOKUP_FOUND;
}

static void resolve(gt_record *record, gt_injection *in, gt_view annotations)
{
    gt_layer *event = gt_layer_new(record->arena);
    gt_event_parse(record, &in->plan.town->policy, annotations, event);
    in->event = event;
    in->plan.layers[GT_LAYER_EVENT] = event;
    bool any = !gt_layer_is_empty(event);
    const gt_layer *merged = any ? gt_layer_merge(record->arena, in->plan.merged, event) : in->plan.merged;
    in->resolved = gt_resolve_settle(record, &in->plan, merged, in->identity.role);
    gt_resolve_hash(record->arena, &in->plan, in->resolved, in->identity.role, in->hash);
    in->layers = in->plan.contributors;
    if (any)
        in->layers = gt_str_of(gt_arena_printf(record->arena, "%s,event", in->plan.contributors.at));
}

gt_lookup gt_inject(gt_record *record, const gt_snapshot *snapshot, const gt_subject *subject, gt_injection *in, gt_str *message)
{
    *in = (gt_injection){.hash = ""};
    gt_walk walk = {.record = record, .arena = record->arena, .injection = in, .pod = subject->pod};
    const gt_object *town;
    gt_lookup status = gt_snapshot_town(record->arena, snapshot, subject->ns, &town, message);
    if (status != GT_LOOKUP_FOUND)
        return deny_lookup(record, status, subject->ns, *message);
    if (!gt_identity_read(record, &town->policy, subject->pod, &in->identity))
        return GT_LOOKUP_FOUND;
    status = gt_snapshot_plan(record->arena, snapshot, subject->ns, in->identity.rig, in->identity.role, &in->plan, message);
    if (status != GT_LOOKUP_FOUND)
        return deny_lookup(record, status, subject->ns, *message);
    bool keeps_restart_policy = false;
    if (!read_owner(&walk, &keeps_restart_policy))
        return GT_LOOKUP_FOUND;
    resolve(record, in, gt_view_get(gt_view_get(subject->pod, "metadata"), "annotations"));

    gt_str hash = {in->hash, sizeof in->hash - 1};
    gt_want *wants = gt_target_build(record->arena, &in->plan, in->resolved, &in->identity, hash, in->layers);
    in->wants = wants;
    gt_want *spec = find_want(wants, "spec"), *agent = find_want(find_want(spec, "containers"), "agent");
    bool image_is_ours = gt_layer_get(in->resolved, GT_FIELD_IMAGE, (gt_str){"", 0}) != NULL;
    if (keeps_restart_policy)
        drop_want(spec, "restartPolicy");
    fit_pull_policy(&walk, agent, image_is_ours);
    need_image(&walk, image_is_ours);
    walk_pod(&walk, wants);
    gt_judge(&walk, &in->plan.town->policy);
    return GT_LOOKUP_FOUND;
}

gt_str gt_from_title(gt_arena *arena, const gt_injection *injection, const gt_from *from)
{
    if (from->kind == GT_FROM_IDENTITY)
        return GT_STR("identity");
    if (from->kind == GT_FROM_ENGINE)
        return from->detail == NULL ? GT_STR("built-in") : gt_str_of(from->detail);
    if (from->layer == GT_LAYER_EVENT)
        return gt_str_of(gt_arena_printf(arena, "event %s", gt_event_of_cell(from->field, from->key)));
    if (from->field == GT_FIELD_DAEMON)
        return gt_str_of(gt_arena_printf(arena, "%s.daemon", injection->plan.town->title.at));
    return gt_plan_layer_title(arena, &injection->plan, (gt_layer_id)from->layer, injection->identity.role);
}
