/* Drift: what a live pod has, against what the templates make of its agent now.
 *
 * The hash decides: it is of the resolved template, so nothing that others put into pods can make it differ. What differs is then told in two
 * steps. The live pod goes through the engine once more, which knows what is equal although it is written otherwise (defaults of the
 * API server, 1000m and 1): what it would change or add has changed. What the engine leaves alone, because it may be a client's, is looked up
 * in the pod that is made from scratch: where that has nothing, a template has stopped saying it, or it is the pod's own. */
#include "catalogue/entries.h"
#include "injector/check.h"
#include "injector/cli/compare.h"

/* Where something that is gone was a template's to say; below "x." any member. What API server, plugins and kubelet fill in isn't here. */
static const char *const template_places[] = {
    "spec.activeDeadlineSeconds",
    "spec.affinity",
    "spec.containers[]",
    "spec.containers[].args",
    "spec.containers[].command",
    "spec.containers[].env[]",
    "spec.containers[].envFrom[]",
    "spec.containers[].livenessProbe",
    "spec.containers[].ports[]",
    "spec.containers[].readinessProbe",
    "spec.containers[].resources.limits.",
    "spec.containers[].resources.requests.",
    "spec.containers[].startupProbe",
    "spec.containers[].volumeMounts[]",
    "spec.containers[].workingDir",
    "spec.dnsConfig",
    "spec.hostAliases[]",
    "spec.initContainers[]",
    "spec.initContainers[].env[]",
    "spec.initContainers[].envFrom[]",
    "spec.initContainers[].volumeMounts[]",
    "spec.nodeSelector",
    "spec.nodeSelector.",
    "spec.priorityClassName",
    "spec.runtimeClassName",
    "spec.shareProcessNamespace",
    "spec.tolerations[]",
    "spec.topologySpreadConstraints[]",
    "spec.volumes[]",
};

/* Named by a plugin, in lists where templates may name others. */
static const char *const plugin_names[] = {"kube-api-access-", "/var/run/secrets/kubernetes.io/serviceaccount",
                                           "node.kubernetes.io/"};

static void write_shape(gt_buf *buf, const gt_pointer *place)
{
    if (place == NULL)
        return;
    write_shape(buf, place->up);
    if (place->step == GT_STEP_MEMBER)
        gt_buf_printf(buf, "%s%.*s", buf->len > 0 ? "." : "", GT_STR_ARG(place->name));
    else
        gt_buf_text(buf, "[]");
}

static bool fits(gt_str shape, const gt_pointer *place, const char *wanted)
{
    size_t n = strlen(wanted);
    return wanted[n - 1] != '.' ? gt_str_is(shape, wanted)
                                : shape.len == n + place->name.len && gt_str_starts(shape, wanted);
}

static bool is_gone(gt_arena *arena, const gt_difference *d)
{
    gt_buf shape;
    if (d->new != NULL)
        return false;
    gt_buf_init(&shape, arena, 64);
    write_shape(&shape, d->place);
    for (size_t i = 0; i < sizeof plugin_names / sizeof *plugin_names; i++)
        if (gt_str_starts(d->place->label, plugin_names[i]))
            return false;
    for (size_t i = 0; i < sizeof template_places / sizeof *template_places; i++)
        if (fits(gt_buf_slice(&shape), d->place, template_places[i]))
            return true;
    return false;
}

/* The pod that runs, as a side: nothing was decided about it here. */
static void be_live(gt_arena *arena, const gt_value *live, gt_cli_side *side)
{
    *side = (gt_cli_side){.answered = true, .own = "an older template or the pod's own"};
    gt_map_init(&side->decided, arena);
    gt_map_init(&side->parts, arena);
    side->made = gt_value_ref(arena, live);
}

static gt_value *hash_change(gt_arena *arena, gt_str old, const char *new)
{
    gt_value *row = gt_value_object(arena);
    gt_pointer metadata = gt_member(NULL, "metadata"), annotations = gt_member(&metadata, "annotations"),
               hash = gt_member(&annotations, GT_ANNOTATION_HASH);
    gt_value_put(arena, row, "field", gt_value_string(arena, gt_place_text(arena, &hash)));
    if (old.len > 0)
        gt_value_put(arena, row, "old", gt_value_string(arena, old));
    gt_value_put(arena, row, "new", gt_value_text(arena, new));
    gt_value_put(arena, row, "from", gt_value_text(arena, "built-in"));
    return row;
}

static gt_value *changes_of(gt_cli_sides *again, gt_cli_sides *scratch, gt_str hash)
{
    gt_value *changes = gt_value_array(again->arena);
    gt_cli_sides_changes(again, NULL, changes);
    gt_cli_sides_changes(scratch, is_gone, changes);
    if (changes->count == 0 && scratch->new.made != NULL)
        gt_value_push(changes, hash_change(again->arena, hash, scratch->new.pod.injection.hash));
    return changes;
}

/* NULL: it hasn't. */
static gt_value *drift_of(gt_arena *arena, const gt_cli *cli, const gt_snapshot *snapshot, const gt_value *live)
{
    gt_cli_sides *scratch = GT_NEW(arena, gt_cli_sides), *again = GT_NEW(arena, gt_cli_sides);
    gt_str has =
        gt_value_str(gt_value_get(gt_value_get(gt_value_get(live, "metadata"), "annotations"), GT_ANNOTATION_HASH));
    scratch->arena = again->arena = arena;
    gt_cli_side_make(arena, cli, snapshot, gt_cli_bare(arena, live), &scratch->new);
    const gt_cli_pod *made = &scratch->new.pod;
    if (scratch->new.made != NULL && gt_str_is(has, made->injection.hash))
        return NULL;
    be_live(arena, live, &scratch->old);
    be_live(arena, live, &again->old);
    gt_cli_side_make(arena, cli, snapshot, live, &again->new);
    gt_value *row = gt_value_object(arena);
    gt_value_put(arena, row, "agent", gt_value_string(arena, gt_cli_agent_text(arena, made)));
    gt_value_put(arena, row, "namespace", gt_value_string(arena, made->ns));
    gt_value_put(arena, row, "pod", gt_value_string(arena, gt_cli_pod_name(made)));
    if (has.len > 0)
        gt_value_put(arena, row, "oldHash", gt_value_string(arena, has));
    gt_cli_side_outcome(arena, row, &scratch->new, "newHash", "newDenied");
    gt_value_put(arena, row, "changes", changes_of(again, scratch, has));
    return row;
}

int gt_cli_drift(gt_arena *arena, const gt_cli *cli, const gt_snapshot *snapshot, const gt_cli_documents *live,
                 gt_value **drifted)
{
    gt_scoped(gt_arena_cleanup) gt_arena *scratch =
        gt_arena_new(0); /* what one pod takes is many times what is told of it */
    *drifted = gt_value_array(arena);
    if (scratch == NULL)
        return gt_cli_complain(GT_EXIT_ENVIRONMENT, "out of memory");
    for (size_t i = 0; i < live->count; i++) {
        const gt_value *pod = drift_of(scratch, cli, snapshot, live->at[i]);
        if (pod != NULL)
            gt_value_push(*drifted, gt_value_copy(arena, pod));
        gt_arena_reset(scratch);
    }
    return GT_EXIT_OK;
}
