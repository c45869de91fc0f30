#include "injector/bare.h"

#include "injector/identity.h"
#include "injector/sample.h"

static const char *const kept[] = {"name", "generateName", "namespace"};
enum { KEPT = sizeof kept / sizeof *kept };

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

static bool says_who_owns(gt_str key)
{
    return gt_str_is(key, "kind") || gt_str_is(key, "name") || gt_str_is(key, "controller");
}

static gt_value *owners_of(gt_arena *arena, const gt_value *owners)
{
    gt_value *some = gt_value_array(arena);
    GT_VALUE_EACH (owner, owners)
        gt_value_push(some, members_that(arena, owner, says_who_owns));
    return some;
}

gt_value *gt_bare(gt_arena *arena, const gt_value *pod)
{
    const gt_value *metadata = gt_value_get(pod, "metadata"), *owners = gt_value_get(metadata, "ownerReferences");
    gt_value *own = gt_value_object(arena);
    for (size_t i = 0; i < KEPT; i++)
        if (gt_value_get(metadata, kept[i]) != NULL)
            gt_value_put(arena, own, kept[i], gt_value_ref(arena, gt_value_get(metadata, kept[i])));
    if (owners != NULL)
        gt_value_put(arena, own, "ownerReferences", owners_of(arena, owners));
    gt_value_put(arena, own, "labels", members_that(arena, gt_value_get(metadata, "labels"), is_identity_label));
    gt_value_put(arena, own, "annotations",
                 members_that(arena, gt_value_get(metadata, "annotations"), is_creators_annotation));
    gt_value *bare = gt_sample_bare(arena, own);
    const gt_value *restart = gt_value_get(gt_value_get(pod, "spec"), "restartPolicy");
    if (owners != NULL && restart != NULL)
        gt_value_put(arena, bare->last, "restartPolicy", gt_value_ref(arena, restart));
    return bare;
}

/* ---- of an object of the API server ---- */

static bool carry(gt_arena *arena, gt_view from, const char *key, gt_value *into, gt_err *err)
{
    gt_value *value;
    gt_view member = gt_view_get(from, key);
    if (!gt_view_exists(member))
        return true;
    if (!gt_value_from_view(arena, member, &value, err))
        return gt_wrap(err, "%s", key);
    gt_value_put(arena, into, key, value);
    return true;
}

/* Member by member, and only those that are kept: the rest may be as large as a template's text. */
static bool carry_those(gt_arena *arena, gt_view from, const char *key, bool (*wanted)(gt_str key), gt_value *into,
                        gt_err *err)
{
    gt_value *some = gt_value_object(arena), *value;
    GT_VIEW_EACH (member, gt_view_get(from, key)) {
        gt_str name = gt_view_key(member);
        if (!wanted(name))
            continue;
        if (!gt_value_from_view(arena, member, &value, err))
            return gt_wrap(err, "%s[%.100s]", key, name.at);
        gt_value_append(some, (gt_str){gt_arena_dup(arena, name.at, name.len), name.len}, value);
    }
    gt_value_put(arena, into, key, some);
    return true;
}

bool gt_bare_read(gt_arena *arena, gt_view pod, gt_value **bare, gt_err *err)
{
    gt_view metadata = gt_view_get(pod, "metadata");
    gt_value *whole = gt_value_object(arena), *own = gt_value_object(arena), *spec = gt_value_object(arena);
    for (size_t i = 0; i < KEPT; i++)
        if (!carry(arena, metadata, kept[i], own, err))
            return false;
    if (!carry(arena, metadata, "ownerReferences", own, err) ||
        !carry_those(arena, metadata, "labels", is_identity_label, own, err) ||
        !carry_those(arena, metadata, "annotations", is_creators_annotation, own, err) ||
        !carry(arena, gt_view_get(pod, "spec"), "restartPolicy", spec, err))
        return false;
    gt_value_put(arena, whole, "metadata", own);
    gt_value_put(arena, whole, "spec", spec);
    *bare = gt_bare(arena, whole);
    return true;
}
