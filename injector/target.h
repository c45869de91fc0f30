/* Building the wants of one pod: what target.c, volumes.c, bring.c and workspace.c share. */
#ifndef GT_INJECTOR_TARGET_H
#define GT_INJECTOR_TARGET_H

#include "injector/want.h"

typedef struct gt_target {
    gt_arena *arena;
    const gt_layer *resolved;
    const gt_identity *identity;
    gt_want *metadata, *spec, *agent; /* agent: its container */
    gt_want *inits, *containers;      /* spec.initContainers, spec.containers */
    gt_want *volumes, *mounts;        /* spec.volumes, the agent's volumeMounts */
} gt_target;

/* The cell of a field, or of a field's key; NULL: no layer sets it. */
const gt_cell *gt_target_cell(const gt_target *target, gt_field_id field, const char *key);

/* Volumes and the agent's mounts: built-in ones, then the templates' (volumes.c). */
void gt_target_volumes(gt_target *target);

/* What the agent has mounted at `path`, in another container of ours, too; nothing where it has nothing there. */
void gt_target_mount(gt_target *target, gt_want *mounts, const char *path);

/* Init containers and sidecars of the templates, in the contract's order, with `workspace` among them (bring.c). */
void gt_target_bring(gt_target *target);

/* What every container of ours has, whatever its template says or leaves out. */
void gt_target_harden(gt_target *target, gt_want *container);

/* imagePullPolicy: `said` (NULL: no layer says) or what belongs to the image, Always for a tag and IfNotPresent for a digest. */
void gt_target_pull_policy(gt_target *target, gt_want *container, const gt_cell *image, const gt_cell *said);

/* The init container that clones git.repository; nothing where no layer names one (workspace.c). */
void gt_target_workspace(gt_target *target);

/* Where the clone of this agent is, or empty when it has none. */
gt_str gt_target_clone_path(const gt_target *target);

#endif
