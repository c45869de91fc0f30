/* What comes out of a client's pod: the contract has a short list of it, and everything else stays. */
#include "injector/inject.h"
#include "injector/same.h"

/* Unset, it is nobody's business of ours: what the API server put in stays. */
static bool wants_token(const gt_walk *walk)
{
    const gt_value *automount = gt_layer_value(walk->injection->resolved, GT_FIELD_AUTOMOUNT_TOKEN, "");
    return automount == NULL || gt_value_true(automount);
}

/* Removes the marked elements of a list, last first, so that indices stay right. */
static size_t remove_marked(gt_walk *walk, const bool *gone, size_t n, const gt_pointer *place, const char *why)
{
    size_t removed = 0;
    while (n-- > 0)
        if (gone[n]) {
            const gt_pointer *at = gt_pointer_keep(walk->arena, gt_element(place, n));
            gt_record_decide(walk->record, at, GT_ACTION_REMOVE, NULL, (gt_view){NULL}, gt_from_engine(why));
            gt_record_step(walk->record, GT_OP_REMOVE, at, NULL);
            removed++;
        }
    return removed;
}

static bool is_token_volume(gt_view volume)
{
    return gt_view_starts(gt_view_get(volume, "name"), "kube-api-access-") &&
           gt_view_exists(gt_view_get(volume, "projected"));
}

/* By name, so that many mounts of many volumes stay linear. */
void gt_find_tokens(gt_walk *walk)
{
    gt_map_init(&walk->tokens, walk->arena);
    GT_VIEW_EACH (volume, gt_view_get(gt_view_get(walk->pod, "spec"), "volumes"))
        if (is_token_volume(volume))
            gt_map_put(&walk->tokens, gt_view_name(volume), walk);
}

static const gt_want *mount_at(const gt_walk *walk, const gt_want *mounts, gt_view mount)
{
    for (const gt_want *want = mounts == NULL ? NULL : mounts->first; want != NULL; want = want->next)
        if (gt_same_path(walk->arena, gt_view_get(mount, "mountPath"), want->name))
            return want;
    return NULL;
}

/* Of one container's mounts go: the token's, unless one of ours has taken its place, and second mounts at one of our paths. */
void gt_remove_mounts(gt_walk *walk, gt_view container, const gt_want *ours, const gt_pointer *place)
{
    bool no_token = !wants_token(walk);
    gt_view list = gt_view_get(container, "volumeMounts");
    const gt_pointer *mounts = gt_pointer_keep(walk->arena, gt_member(place, "volumeMounts"));
    if (gt_view_exists(list) && gt_view_type_of(list) != GT_VIEW_ARRAY) {
        gt_record_deny(walk->record, 422, mounts, "must be a list, is %s", gt_view_type_name(gt_view_type_of(list)));
        return;
    }
    size_t n = gt_view_count(list), i = 0, tokens = 0;
    bool *gone = GT_NEW_N(walk->arena, bool, n);
    gt_map taken; /* wants that have their mount: a second one at the path goes */
    gt_map_init(&taken, walk->arena);
    const gt_want *wanted = gt_want_find(ours, "volumeMounts");
    GT_VIEW_EACH (mount, list) {
        const gt_want *want = mount_at(walk, wanted, mount);
        bool token = want == NULL && no_token && gt_map_get(&walk->tokens, gt_view_name(mount)) != NULL;
        gone[i++] = token || (want != NULL && gt_map_put(&taken, want->name, walk) != NULL);
        tokens += token;
    }
    remove_marked(walk, gone, n, mounts, "automountServiceAccountToken");
    if (tokens > 0 && ours == NULL)
        gt_record_warn(walk->record, mounts, "service account token taken out: automountServiceAccountToken is false");
}

static void remove_token_volumes(gt_walk *walk, const gt_pointer *spec_place)
{
    gt_view volumes = gt_view_get(gt_view_get(walk->pod, "spec"), "volumes");
    size_t n = gt_view_count(volumes), i = 0;
    bool *gone = GT_NEW_N(walk->arena, bool, n);
    GT_VIEW_EACH (volume, volumes)
        gone[i++] = is_token_volume(volume);
    remove_marked(walk, gone, n, gt_pointer_keep(walk->arena, gt_member(spec_place, "volumes")),
                  "automountServiceAccountToken");
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
        gt_record_decide(walk->record, at, GT_ACTION_REMOVE, NULL, (gt_view){NULL},
                         gt_from_engine("priorityClassName"));
        gt_record_step(walk->record, GT_OP_REMOVE, at, NULL);
    }
}

/* The ServiceAccount plugin has copied the default account's pull secrets, and fills only an empty list when it runs again: where the
 * pod moves to another account, they come out, so that the new account's come in. */
static void remove_default_pull_secrets(gt_walk *walk, const gt_pointer *spec_place)
{
    const gt_injection *in = walk->injection;
    gt_view spec = gt_view_get(walk->pod, "spec"), have = gt_view_get(spec, "imagePullSecrets");
    const gt_value *account = gt_layer_value(in->resolved, GT_FIELD_SERVICE_ACCOUNT, "");
    const gt_value *theirs = in->plan.account == NULL ? NULL : in->plan.account->pull_secrets;
    gt_view was = gt_view_get(spec, "serviceAccountName");
    bool moves = account != NULL && !gt_value_is(account, "default") &&
                 (!gt_view_exists(was) || gt_view_is(was, "") || gt_view_is(was, "default"));
    if (!moves || theirs == NULL || theirs->count == 0 || gt_view_count(have) != theirs->count ||
        !gt_same(have, theirs, GT_STR("imagePullSecrets")) ||
        gt_layer_value(in->resolved, GT_FIELD_PULL_SECRETS, "") != NULL)
        return;
    const gt_pointer *at = gt_pointer_keep(walk->arena, gt_member(spec_place, "imagePullSecrets"));
    gt_record_decide(walk->record, at, GT_ACTION_REMOVE, NULL, (gt_view){NULL}, gt_from_engine("serviceAccountName"));
    gt_record_step(walk->record, GT_OP_REMOVE, at, NULL);
}

void gt_remove_from_spec(gt_walk *walk, const gt_pointer *spec_place)
{
    if (!wants_token(walk))
        remove_token_volumes(walk, spec_place);
    remove_computed_priority(walk, spec_place);
    remove_default_pull_secrets(walk, spec_place);
}
