/* All operations on `current` and the slots are sequentially consistent: a reader writes its slot and then looks at `current`
 * again, the publisher writes `current` and then looks at the slots, so at least one of the two sees the other. */
#include "catalogue/catalogue.h"

#include <assert.h>
#include <stdalign.h>
#include <stdatomic.h>
#include <stdlib.h>

enum { CACHE_LINE = 64 };

typedef struct slot {
    alignas(CACHE_LINE) gt_snapshot *_Atomic named;
    bool inside; /* its owner's */
} slot;

struct gt_catalogue {
    gt_snapshot *_Atomic current;
    atomic_uint_least64_t generation;
    atomic_int_least64_t published_ms;
    atomic_size_t objects, rejected;

    slot *slots;
    size_t slot_count;

    gt_snapshot **retired; /* the publisher's; each slot can hold back one, and one has just been replaced */
    size_t retired_count;
};

gt_catalogue *gt_catalogue_new(size_t slots)
{
    assert(slots > 0);
    gt_catalogue *catalogue = calloc(1, sizeof *catalogue);
    if (catalogue == NULL)
        return NULL;
    catalogue->slot_count = slots;
    catalogue->slots = aligned_alloc(CACHE_LINE, slots * sizeof *catalogue->slots);
    catalogue->retired = calloc(slots + 1, sizeof(gt_snapshot *));
    if (catalogue->slots == NULL || catalogue->retired == NULL) {
        gt_catalogue_free(catalogue);
        return NULL;
    }
    for (size_t i = 0; i < slots; i++) {
        atomic_init(&catalogue->slots[i].named, NULL);
        catalogue->slots[i].inside = false;
    }
    return catalogue;
}

void gt_catalogue_free(gt_catalogue *catalogue)
{
    if (catalogue == NULL)
        return;
    if (catalogue->slots != NULL && catalogue->retired != NULL) {
        size_t left = gt_catalogue_sweep(catalogue);
        assert(left == 0 && "a reader is still inside");
        (void)left;
    }
    gt_snapshot_free(atomic_load(&catalogue->current));
    free(catalogue->slots);
    free(catalogue->retired);
    free(catalogue);
}

const gt_snapshot *gt_catalogue_enter(gt_catalogue *catalogue, size_t i)
{
    assert(i < catalogue->slot_count && !catalogue->slots[i].inside);
    slot *mine = &catalogue->slots[i];
    mine->inside = true;
    gt_snapshot *seen = atomic_load(&catalogue->current);
    for (;;) {
        atomic_store(&mine->named, seen);
        gt_snapshot *now = atomic_load(&catalogue->current);
        if (now == seen)
            return seen;
        seen = now;
    }
}

void gt_catalogue_leave(gt_catalogue *catalogue, size_t i)
{
    assert(i < catalogue->slot_count && catalogue->slots[i].inside);
    catalogue->slots[i].inside = false;
    atomic_store(&catalogue->slots[i].named, NULL);
}

void gt_catalogue_publish(gt_catalogue *catalogue, gt_snapshot *snapshot, size_t rejected, int64_t now_ms)
{
    assert(snapshot != NULL);
    size_t objects = gt_snapshot_objects(snapshot);
    gt_snapshot *old = atomic_exchange(&catalogue->current, snapshot);
    atomic_store(&catalogue->objects, objects);
    atomic_store(&catalogue->rejected, rejected);
    atomic_store(&catalogue->published_ms, now_ms);
    atomic_fetch_add(&catalogue->generation, 1);
    gt_catalogue_sweep(catalogue);
    if (old != NULL) {
        assert(catalogue->retired_count <= catalogue->slot_count);
        catalogue->retired[catalogue->retired_count++] = old;
        gt_catalogue_sweep(catalogue);
    }
}

static bool is_named(const gt_catalogue *catalogue, const gt_snapshot *snapshot)
{
    for (size_t i = 0; i < catalogue->slot_count; i++)
        if (atomic_load(&catalogue->slots[i].named) == snapshot)
            return true;
    return false;
}

size_t gt_catalogue_sweep(gt_catalogue *catalogue)
{
    size_t kept = 0;
    for (size_t i = 0; i < catalogue->retired_count; i++) {
        gt_snapshot *old = catalogue->retired[i];
        if (is_named(catalogue, old))
            catalogue->retired[kept++] = old;
        else
            gt_snapshot_free(old);
    }
    catalogue->retired_count = kept;
    return kept;
}

gt_catalogue_state gt_catalogue_now(const gt_catalogue *catalogue)
{
    return (gt_catalogue_state){
        .generation = atomic_load(&catalogue->generation),
        .published_ms = atomic_load(&catalogue->published_ms),
        .objects = atomic_load(&catalogue->objects),
        .rejected = atomic_load(&catalogue->rejected),
    };
}
