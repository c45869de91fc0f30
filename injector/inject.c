#include "injector/inject.h"

#include "injector/event.h"
#include "injector/image.h"
#include "injector/resolve.h"
#include "injector/same.h"
#include "lib/base/map.h"

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
    if (place->up != NULL && gt_str_is(place->up->name, "tolerations") && gt_is_default_toleration(have))
        return true;
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
    gt_decision *d = gt_record_decide(walk->record, place, replaces ? GT_ACTION_REPLACE : GT_ACTION_SET, want->value,
                                      have, want->from);
    gt_record_step(walk->record, there ? GT_OP_REPLACE : GT_OP_ADD, place, want->value);
    if (replaces)
        gt_record_warn_replaced(walk->record, d, gt_from_title(walk->arena, walk->injection, &want->from),
                                want->secret);
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
    if (walk->record->terse)
        return;
    const gt_pointer *place = path;
    if (path->step == GT_STEP_END || path->step == GT_STEP_ELEMENT)
        place = gt_pointer_keep(walk->arena, gt_labelled(path->up, path->index, want->name));
    decide_leaves(walk, want, place);
}

static void ensure_object(gt_walk *walk, const gt_want *want, gt_view have, const gt_pointer *place)
{
    for (const gt_want *child = want->first; child != NULL; child = child->next)
        gt_ensure(walk, child, gt_view_get_str(have, child->name),
                  gt_pointer_keep(walk->arena, gt_member_str(place, child->name)));
}

static bool same_leaf(const gt_walk *walk, const gt_want *want, gt_view have)
{
    bool amount = walk->ranged_container.len > 0; /* in requests or limits */
    return gt_same(have, want->value, want->name) || (amount && gt_same_quantity(have, want->value));
}

void gt_ensure(gt_walk *walk, const gt_want *want, gt_view have, const gt_pointer *place)
{
    gt_view_type type = gt_view_type_of(have), wanted = want->rule == GT_RULE_OBJECT ? GT_VIEW_OBJECT : GT_VIEW_ARRAY;
    if (want->rule == GT_RULE_EXACT)
        gt_ensure_leaf(walk, want, have, place, gt_same_text(have, want->value->text));
    else if (want->rule == GT_RULE_VALUE || want->rule == GT_RULE_IF_MISSING)
        gt_ensure_leaf(walk, want, have, place, same_leaf(walk, want, have));
    else if (want->first == NULL || want->rule == GT_RULE_CONTAINERS)
        return; /* containers: by walk_pod, in two halves */
    else if (!gt_view_exists(have))
        gt_ensure_whole(walk, want, place);
    else if (type != wanted)
        gt_record_deny(walk->record, 422, place, "must be %s, is %s", gt_view_type_name(wanted),
                       gt_view_type_name(type));
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

/* ---- requests and limits that only meet on the pod ---- */

/* A client's own limit below our request is lifted, a client's own request above our limit comes down: Kubernetes refuses either. */
static void reconcile_list(gt_walk *walk, const gt_want *ours, const gt_want *counterpart, gt_view theirs,
                           const gt_pointer *place, int order)
{
    for (const gt_want *want = ours == NULL ? NULL : ours->first; want != NULL; want = want->next) {
        gt_view have = gt_view_get_str(theirs, want->name);
        gt_quantity a, b;
        if (gt_want_find_str(counterpart, want->name) != NULL || !gt_view_quantity(have, &b) ||
            !gt_quantity_parse(want->value->text, &a) || gt_quantity_cmp(a, b) * order <= 0)
            continue;
        gt_ensure_leaf(walk, want, have, gt_pointer_keep(walk->arena, gt_member_str(place, want->name)), false);
    }
}

static void reconcile_resources(gt_walk *walk, const gt_want *container, gt_view have, const gt_pointer *place)
{
    const gt_want *resources = gt_want_find(container, "resources");
    const gt_want *requests = gt_want_find(resources, "requests"), *limits = gt_want_find(resources, "limits");
    gt_view theirs = gt_view_get(have, "resources");
    const gt_pointer *at = gt_pointer_keep(walk->arena, gt_member(place, "resources"));
    walk->ranged_container = container->name;
    reconcile_list(walk, requests, limits, gt_view_get(theirs, "limits"),
                   gt_pointer_keep(walk->arena, gt_member(at, "limits")), 1);
    reconcile_list(walk, limits, requests, gt_view_get(theirs, "requests"),
                   gt_pointer_keep(walk->arena, gt_member(at, "requests")), -1);
    walk->ranged_container = (gt_str){"", 0};
}

/* ---- the pod ---- */

/* The client's container named agent and its index; missing when there's none. */
static gt_view agent_of(gt_view pod, size_t *index)
{
    size_t i = 0;
    GT_VIEW_EACH (container, gt_view_get(gt_view_get(pod, "spec"), "containers")) {
        *index = i++;
        if (gt_same_text(gt_view_get(container, "name"), GT_STR("agent")))
            return container;
    }
    return (gt_view){NULL};
}

/* Layers that know nothing of each other may bring an init container and a sidecar of one name. */
static void refuse_same_names(gt_walk *walk, const gt_want *spec_want, const gt_pointer *spec_place)
{
    const gt_want *inits = gt_want_find(spec_want, "initContainers"),
                  *containers = gt_want_find(spec_want, "containers");
    gt_pointer list = gt_member(spec_place, "initContainers");
    for (const gt_want *want = inits->first; want != NULL; want = want->next) {
        gt_pointer at = gt_labelled(&list, 0, want->name);
        if (gt_want_find_str(inits, want->name) != want || gt_want_find_str(containers, want->name) != NULL)
            gt_record_deny(walk->record, 422, &at,
                           "two layers of the templates bring a container of this name: rename one");
    }
}

/* What is there is edited with the indices that it has; new containers come last, because they move them. */
static void walk_containers(gt_walk *walk, const gt_want *spec_want, gt_view spec, const gt_pointer *spec_place)
{
    static const char *const lists[] = {"initContainers", "containers"};
    const gt_pointer *place[2];
    gt_find_tokens(walk);
    for (int i = 0; i < 2; i++) {
        gt_view have = gt_view_get(spec, lists[i]);
        place[i] = gt_pointer_keep(walk->arena, gt_member(spec_place, lists[i]));
        if (gt_view_exists(have) && gt_view_type_of(have) != GT_VIEW_ARRAY) {
            gt_record_deny(walk->record, 422, place[i], "must be a list, is %s",
                           gt_view_type_name(gt_view_type_of(have)));
            return;
        }
    }
    refuse_same_names(walk, spec_want, spec_place);
    for (int i = 0; i < 2; i++) {
        const gt_want *ours = gt_want_find(spec_want, lists[i]);
        gt_view have = gt_view_get(spec, lists[i]);
        size_t n = 0;
        gt_edit_containers(walk, ours, gt_want_find(spec_want, lists[1 - i]), have, place[i]);
        GT_VIEW_EACH (container, have) {
            const gt_pointer *at = gt_pointer_keep(
                walk->arena, gt_view_label(walk->arena, gt_element(place[i], n++), gt_view_get(container, "name")));
            const gt_want *want = gt_want_find_str(ours, gt_view_name(container));
            if (want != NULL)
                reconcile_resources(walk, want, container, at);
            gt_remove_mounts(walk, container, want, at);
        }
    }
    for (int i = 0; i < 2; i++)
        gt_insert_containers(walk, gt_want_find(spec_want, lists[i]), gt_view_get(spec, lists[i]), place[i]);
}

static void walk_pod(gt_walk *walk, const gt_want *pod)
{
    gt_view spec = gt_view_get(walk->pod, "spec");
    const gt_want *wants = gt_want_find(pod, "spec");
    const gt_pointer *metadata_place = gt_pointer_keep(walk->arena, gt_member(NULL, "metadata"));
    const gt_pointer *spec_place = gt_pointer_keep(walk->arena, gt_member(NULL, "spec"));
    gt_ensure(walk, gt_want_find(pod, "metadata"), gt_view_get(walk->pod, "metadata"), metadata_place);
    gt_ensure(walk, wants, spec, spec_place);
    if (!gt_view_exists(spec) || gt_view_type_of(spec) != GT_VIEW_OBJECT)
        return;
    walk_containers(walk, wants, spec, spec_place);
    gt_remove_from_spec(walk, spec_place);
}

/* ---- the whole ---- */

/* What follows from who made the pod. */
static void read_owner(gt_walk *walk, bool *keeps_restart_policy)
{
    static const char *const forever[] = {"ReplicaSet", "StatefulSet", "DaemonSet", NULL};
    gt_pointer metadata = gt_member(NULL, "metadata"), owners = gt_member(&metadata, "ownerReferences");
    bool polecat = gt_str_is(walk->injection->identity.role, "polecat");
    gt_view policy = gt_view_get(gt_view_get(walk->pod, "spec"), "restartPolicy");
    bool ends = gt_view_is(policy, "Never") || gt_view_is(policy, "OnFailure"); /* all that a Job allows */
    size_t i = 0;
    GT_VIEW_EACH (owner, gt_view_get(gt_view_get(walk->pod, "metadata"), "ownerReferences")) {
        gt_view kind = gt_view_get(owner, "kind");
        gt_pointer at = gt_element(&owners, i++);
        if (!gt_view_true(gt_view_get(owner, "controller")))
            continue;
        *keeps_restart_policy = *keeps_restart_policy || (gt_view_is(kind, "Job") && ends);
        for (int k = 0; polecat && forever[k] != NULL; k++)
            if (gt_view_is(kind, forever[k])) {
                gt_record_deny(walk->record, 422, &at,
                               "a polecat ends, and a %s would run it for ever: create a pod or a Job", forever[k]);
            }
    }
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

/* The clone needs an image of ours: the client's own is never printed again. */
static void need_clone_image(gt_walk *walk, bool image_is_ours)
{
    const gt_layer *resolved = walk->injection->resolved;
    gt_pointer spec = gt_member(NULL, "spec"), list = gt_member(&spec, "initContainers"),
               workspace = gt_labelled(&list, 0, GT_STR("workspace")), at = gt_member(&workspace, "image");
    if (!image_is_ours && gt_layer_value(resolved, GT_FIELD_GIT, "repository") != NULL &&
        gt_layer_value(resolved, GT_FIELD_GIT, "image") == NULL)
        gt_record_deny(walk->record, 422, &at,
                       "git.repository is set and no layer sets an image to clone it with: set git.image or image");
}

static void need_image(gt_walk *walk, bool image_is_ours)
{
    size_t n;
    gt_view image = gt_view_get(agent_of(walk->pod, &n), "image");
    gt_pointer spec = gt_member(NULL, "spec"), list = gt_member(&spec, "containers"),
               agent = gt_labelled(&list, 0, GT_STR("agent")), at = gt_member(&agent, "image");
    if (!image_is_ours && (!gt_view_exists(image) || gt_view_is(image, "")))
        gt_record_deny(walk->record, 422, &at,
                       "no layer sets an image and the pod has none: set spec.defaults.image of %s",
                       walk->injection->plan.town->title.at);
}

/* Who may say that a pod is this agent. */
static void check_creator(gt_record *record, const gt_object *town, const gt_subject *subject, gt_str role)
{
    gt_pointer metadata = gt_member(NULL, "metadata"), labels = gt_member(&metadata, "labels"),
               at = gt_member(&labels, GT_LABEL_ROLE);
    gt_buf user;
    gt_buf_init(&user, record->arena, 64);
    if (subject->user == NULL || gt_policy_admits(&town->policy, role, *subject->user))
        return;
    gt_view_show(&user, gt_view_get(*subject->user, "username"), 120);
    gt_record_deny(record, 403, &at, "%s may not create a pod of the role %.*s (spec.policy.creators of %s)", user.at,
                   GT_STR_ARG(role), town->title.at);
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
    in->plan.event = event;
    bool any = !gt_layer_is_empty(event);
    const gt_layer *merged = any ? gt_layer_merge(record->arena, in->plan.merged, event) : in->plan.merged;
    in->resolved = gt_resolve_settle(record, &in->plan, merged, in->identity.role);
    gt_resolve_hash(record->arena, &in->plan, in->resolved, in->identity.role, in->hash);
    in->layers = in->plan.contributors;
    if (any)
        in->layers = gt_str_of(gt_arena_printf(record->arena, "%s,event", in->plan.contributors.at));
}

gt_lookup gt_inject(gt_record *record, const gt_snapshot *snapshot, const gt_subject *subject, gt_injection *in,
                    gt_str *message)
{
    *in = (gt_injection){.hash = ""};
    gt_walk walk = {.record = record, .arena = record->arena, .injection = in, .pod = subject->pod};
    const gt_object *town;
    gt_lookup status = gt_snapshot_town(record->arena, snapshot, subject->ns, &town, message);
    if (status != GT_LOOKUP_FOUND)
        return deny_lookup(record, status, subject->ns, *message);
    walk.town = town;
    if (!gt_identity_read(record, &town->policy, subject->pod, &in->identity)) {
        gt_judge(&walk); /* all violations at once */
        return GT_LOOKUP_FOUND;
    }
    status =
        gt_snapshot_plan(record->arena, snapshot, subject->ns, in->identity.rig, in->identity.role, &in->plan, message);
    if (status != GT_LOOKUP_FOUND)
        return deny_lookup(record, status, subject->ns, *message);
    check_creator(record, town, subject, in->identity.role);
    bool keeps_restart_policy = false;
    read_owner(&walk, &keeps_restart_policy);
    resolve(record, in, gt_view_get(gt_view_get(subject->pod, "metadata"), "annotations"));

    gt_str hash = {in->hash, sizeof in->hash - 1};
    gt_want *wants = gt_target_build(record->arena, &in->plan, in->resolved, &in->identity, hash, in->layers);
    in->wants = wants;
    gt_want *spec = gt_want_find(wants, "spec"), *agent = gt_want_find(gt_want_find(spec, "containers"), "agent");
    bool image_is_ours = gt_layer_get(in->resolved, GT_FIELD_IMAGE, (gt_str){"", 0}) != NULL;
    if (keeps_restart_policy)
        drop_want(spec, "restartPolicy");
    fit_pull_policy(&walk, agent, image_is_ours);
    need_image(&walk, image_is_ours);
    need_clone_image(&walk, image_is_ours);
    walk_pod(&walk, wants);
    gt_judge(&walk);
    return GT_LOOKUP_FOUND;
}

gt_lookup gt_inject_update(gt_record *record, const gt_snapshot *snapshot, const gt_subject *subject, gt_view old,
                           size_t *changes, gt_str *message)
{
    static const gt_object nobody = {.title = {"nobody", 6}};
    const gt_injection none = {.hash = ""};
    const gt_object *town = &nobody;
    gt_record unsaid;
    gt_record_init(&unsaid, record->arena);
    *message = GT_STR("no templates are loaded yet");
    gt_lookup status = GT_LOOKUP_BROKEN;
    if (snapshot != NULL)
        status = gt_snapshot_town(record->arena, snapshot, subject->ns, &town, message);
    bool known = status == GT_LOOKUP_FOUND;
    gt_walk walk = {.record = known ? record : &unsaid, /* without a policy it's only found out whether one is needed */
                    .arena = record->arena,
                    .injection = &none,
                    .town = known ? town : &nobody,
                    .pod = subject->pod,
                    .old = old};
    gt_judge(&walk);
    *changes = walk.changes;
    return known || walk.changes == 0 ? GT_LOOKUP_FOUND : deny_lookup(record, status, subject->ns, *message);
}

gt_str gt_from_title(gt_arena *arena, const gt_injection *injection, const gt_from *from)
{
    if (from->kind == GT_FROM_IDENTITY)
        return GT_STR("identity");
    if (from->kind == GT_FROM_ENGINE)
        return from->detail == NULL ? GT_STR("built-in") : gt_str_of(from->detail);
    if (from->layer == GT_LAYER_EVENT)
        return gt_str_of(gt_arena_printf(arena, "event %s", gt_event_key_of(from->detail_row)));
    if (from->field == GT_FIELD_DAEMON)
        return gt_str_of(gt_arena_printf(arena, "%s.daemon", injection->plan.town->title.at));
    return gt_plan_layer_title(arena, &injection->plan, (gt_layer_id)from->layer, injection->identity.role);
}
