/* Where the current snapshot is.
 *
 * One atomic pointer. A reader enters by naming the snapshot that it is going to read in a slot of its own (a hazard pointer) and
 * leaves by clearing the slot: no lock, no wait, no counter that two readers share. One publisher swaps the pointer and frees an
 * old snapshot as soon as no slot names it. So a reader that is slow keeps its own snapshot alive and delays nobody.
 *
 * Threads: enter and leave by the slot's owner, one reading at a time per slot; publish and sweep by one thread (the control
 * thread); state by anybody. */
#ifndef GT_CATALOGUE_CATALOGUE_H
#define GT_CATALOGUE_CATALOGUE_H

#include <stdint.h>

#include "injector/snapshot.h"

typedef struct gt_catalogue gt_catalogue;

/* Each number is right by itself; read while somebody publishes they may be of two publications. */
typedef struct gt_catalogue_state {
    uint64_t generation;  /* 0: nothing was published yet; each publication adds one */
    int64_t published_ms; /* when the current snapshot was published, by a clock that doesn't jump (gt_clock_mono_us) */
    size_t objects;       /* that the snapshot holds */
    size_t rejected;      /* objects and files whose newest version isn't in it */
} gt_catalogue_state;

/* An empty catalogue with `slots` readers, or NULL when there's no memory. */
gt_catalogue *gt_catalogue_new(size_t slots);

/* Nobody may be inside any more. NULL is fine. */
void gt_catalogue_free(gt_catalogue *catalogue);

/* The current snapshot, which stays as it is until the same slot leaves; NULL before the first publication (leave all the same).
 * Entering twice without leaving is a bug. */
const gt_snapshot *gt_catalogue_enter(gt_catalogue *catalogue, size_t slot);
void gt_catalogue_leave(gt_catalogue *catalogue, size_t slot);

/* Makes snapshot (which the catalogue owns from here on) the current one and retires the one before. */
void gt_catalogue_publish(gt_catalogue *catalogue, gt_snapshot *snapshot, size_t rejected, int64_t now_ms);

/* Frees what is retired and no slot names; returns how many are left. Publishing does it, too. */
size_t gt_catalogue_sweep(gt_catalogue *catalogue);

gt_catalogue_state gt_catalogue_now(const gt_catalogue *catalogue);

#endif
