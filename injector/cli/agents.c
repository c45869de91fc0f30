/* Live pods, as their creators would make them again. */
#include "injector/bare.h"
#include "injector/cli/cli.h"

const gt_value *gt_cli_bare(gt_arena *arena, const gt_value *pod)
{
    const gt_value *annotations = gt_value_get(gt_value_get(pod, "metadata"), "annotations");
    return gt_value_get(annotations, GT_ANNOTATION_HASH) == NULL ? pod : gt_bare(arena, pod);
}
