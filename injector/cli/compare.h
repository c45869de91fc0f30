/* One pod as two sets of templates make it, or as it runs and as it would be made now; and how the two differ. */
#ifndef GT_INJECTOR_CLI_COMPARE_H
#define GT_INJECTOR_CLI_COMPARE_H

#include "injector/cli/cluster.h"
#include "injector/diff.h"
#include "lib/base/map.h"

/* One pod as one of the two has it. */
typedef struct gt_cli_side {
    gt_cli_pod pod;
    bool answered;   /* the engine could decide */
    gt_value *made;  /* the pod that comes out; NULL: none does */
    const char *own; /* what a value is called that nothing was decided about */
    gt_map decided;  /* by place: gt_decision */
    gt_map parts;    /* places that have decided ones below */
} gt_cli_side;

typedef struct gt_cli_sides {
    gt_arena *arena;
    gt_cli_side old, new;
} gt_cli_sides;

/* Puts a document through a set of templates. */
void gt_cli_side_make(gt_arena *arena, const gt_cli *cli, const gt_snapshot *snapshot, const gt_value *document,
                      gt_cli_side *side);

/* Adds what the two pods that came out differ in, {field, old, new, from}, but for the hash and the layers; `wanted` (NULL: all) chooses. */
void gt_cli_sides_changes(const gt_cli_sides *both, bool (*wanted)(gt_arena *arena, const gt_difference *),
                          gt_value *changes);

/* The hash of a side's pod as the member `hash`, or why there's none as `denied`. */
void gt_cli_side_outcome(gt_arena *arena, gt_value *row, const gt_cli_side *side, const char *hash, const char *denied);

/* {agent, namespace, oldHash or oldDenied, newHash or newDenied, changes: [{field, old, new, from}]}; NULL: they don't differ. */
gt_value *gt_cli_sides_value(const gt_cli_sides *both);

/* "rig/role/agent" */
gt_str gt_cli_agent_text(gt_arena *arena, const gt_cli_pod *pod);

#endif
