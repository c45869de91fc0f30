/* Live pods, as their creators would make them again. */
#include "injector/cli/cli.h"

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
    gt_value *bare = gt_sample_bare(arena, own);
    const gt_value *restart = gt_value_get(gt_value_get(pod, "spec"), "restartPolicy");
    if (gt_value_get(own, "ownerReferences") != NULL && restart != NULL) /* a Job's is the Job's own */
        gt_value_put(arena, bare->last, "restartPolicy", gt_value_ref(arena, restart));
    return bare;
}
