/* Sample pods: bare pods, as creators make them, for all agents that templates tell apart. What `gastown-inject diff` compares, and what
 * new templates are tried on (trial.h). Pure; all memory is the arena's. */
#ifndef GT_INJECTOR_SAMPLE_H
#define GT_INJECTOR_SAMPLE_H

#include "injector/snapshot.h"

#define GT_SAMPLE_NAMESPACE "gastown" /* where no template names one */

typedef struct gt_sample {
    gt_str ns, rig, role; /* rig: raw; GT_TOWN_RIG for the town's roles */
} gt_sample;

typedef struct gt_samples {
    gt_sample *at; /* by namespace, rig, role */
    size_t count, room;
    size_t left_out; /* past `most` */
} gt_samples;

typedef struct gt_samples_wanted {
    const gt_snapshot *sets[2]; /* the second: NULL or another version of the templates */
    gt_str ns;                  /* empty: each that is named, or GT_SAMPLE_NAMESPACE */
    size_t most;                /* 0: no limit */
} gt_samples_wanted;

/* Each rig that one of the sets names (in a namespace without any: `example`) in each role of a rig and each that overrides and pools
 * name, and the town's roles, in each namespace. Linear in objects, but for those without a namespace, which are in all of them.
 * Texts are the sets'. */
void gt_samples_of(gt_arena *arena, const gt_samples_wanted *wanted, gt_samples *samples);

/* The pod of the agent `example`: its labels, and a container without an image. */
gt_value *gt_sample_pod(gt_arena *arena, const gt_sample *sample);

/* A pod of nothing but this metadata and an empty agent's container. metadata is given away. */
gt_value *gt_sample_bare(gt_arena *arena, gt_value *metadata);

#endif
