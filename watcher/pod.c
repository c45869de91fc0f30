#include "watcher/pod.h"

#include "injector/identity.h"

static const struct {
    const char *key, *annotation;
} wishes[GT_WISH_KEYS] = {
#define X(id, key, annotation) {key, GT_EVENT_PREFIX annotation},
    GT_WISHES(X)
#undef X
};

size_t gt_wish_read(const gt_event *event, gt_wish *wish, const char *refused[GT_WISH_REFUSALS])
{
    size_t n = 0;
    *wish = (gt_wish){.bead = event->bead_is_own ? GT_STR("") : event->bead};
    if (wish->bead.len > GT_WISH_MAX) {
        wish->bead = GT_STR("");
        refused[n++] = "bead";
    }
    for (size_t i = 0; i < GT_WISH_KEYS; i++) {
        gt_view value = gt_view_get(event->payload, wishes[i].key);
        if (!gt_view_exists(value))
            continue;
        wish->value[i] = gt_view_str(value);
        if (gt_view_type_of(value) == GT_VIEW_STRING && wish->value[i].len <= GT_WISH_MAX)
            continue;
        wish->value[i] = GT_STR("");
        refused[n++] = wishes[i].key;
    }
    if (gt_view_exists(gt_view_get(event->payload, "namespace")))
        refused[n++] = "namespace";
    return n;
}

static void put_text(gt_arena *arena, gt_value *object, const char *key, gt_str text)
{
    gt_value_put(arena, object, key, gt_value_string(arena, text));
}

static bool has_rig_label(const gt_agent *agent)
{
    return !(gt_str_is(agent->rig, GT_TOWN_RIG) && gt_role_is_of_town(agent->role));
}

static gt_value *build_labels(gt_arena *arena, const gt_agent *agent)
{
    gt_value *labels = gt_value_object(arena);
    put_text(arena, labels, GT_LABEL_APP, GT_STR("gastown"));
    if (has_rig_label(agent))
        put_text(arena, labels, GT_LABEL_RIG, gt_label_of(arena, agent->rig));
    put_text(arena, labels, GT_LABEL_ROLE, agent->role);
    put_text(arena, labels, GT_LABEL_AGENT, gt_label_of(arena, agent->name));
    put_text(arena, labels, GT_LABEL_CREATED_BY, GT_STR(GT_CREATED_BY));
    return labels;
}

static gt_value *build_annotations(gt_arena *arena, const gt_agent *agent, const gt_wish *wish)
{
    gt_value *annotations = gt_value_object(arena);
    if (has_rig_label(agent) && !gt_str_eq(agent->rig, gt_label_of(arena, agent->rig)))
        put_text(arena, annotations, GT_ANNOTATION_RAW_RIG, agent->rig);
    if (!gt_str_eq(agent->name, gt_label_of(arena, agent->name)))
        put_text(arena, annotations, GT_ANNOTATION_RAW_AGENT, agent->name);
    if (wish->bead.len > 0) {
        put_text(arena, annotations, GT_ANNOTATION_BEAD, wish->bead);
        put_text(arena, annotations, GT_EVENT_PREFIX "bead", wish->bead);
    }
    for (size_t i = 0; i < GT_WISH_KEYS; i++)
        if (wish->value[i].len > 0)
            put_text(arena, annotations, wishes[i].annotation, wish->value[i]);
    return annotations;
}

gt_value *gt_pod_build(gt_arena *arena, const gt_agent *agent, const gt_wish *wish, const char *ns, const char *image)
{
    gt_value *pod = gt_value_object(arena), *metadata = gt_value_object(arena), *spec = gt_value_object(arena);
    gt_value *containers = gt_value_array(arena), *container = gt_value_object(arena);
    gt_value_put(arena, pod, "apiVersion", gt_value_text(arena, "v1"));
    gt_value_put(arena, pod, "kind", gt_value_text(arena, "Pod"));
    put_text(arena, metadata, "name", gt_pod_name_of(arena, agent->rig, agent->role, agent->name));
    put_text(arena, metadata, "namespace", gt_str_of(ns));
    gt_value_put(arena, metadata, "labels", build_labels(arena, agent));
    gt_value *annotations = build_annotations(arena, agent, wish);
    if (annotations->count > 0)
        gt_value_put(arena, metadata, "annotations", annotations);
    gt_value_put(arena, pod, "metadata", metadata);
    gt_value_put(arena, container, "name", gt_value_text(arena, "agent"));
    if (image != NULL)
        gt_value_put(arena, container, "image", gt_value_text(arena, image));
    gt_value_push(containers, container);
    gt_value_put(arena, spec, "containers", containers);
    gt_value_put(arena, pod, "spec", spec);
    return pod;
}

bool gt_pod_is_of(gt_arena *arena, gt_view pod, const gt_agent *agent)
{
    gt_view labels = gt_view_get(gt_view_get(pod, "metadata"), "labels");
    gt_view rig = gt_view_get(labels, GT_LABEL_RIG);
    bool same_rig =
        gt_view_exists(rig) ? gt_str_eq(gt_view_str(rig), gt_label_of(arena, agent->rig)) : !has_rig_label(agent);
    return same_rig && gt_str_eq(gt_view_str(gt_view_get(labels, GT_LABEL_ROLE)), agent->role) &&
           gt_str_eq(gt_view_str(gt_view_get(labels, GT_LABEL_AGENT)), gt_label_of(arena, agent->name));
}
