/* The catalogue under readers that never stop and a publisher that never waits; for ThreadSanitizer and AddressSanitizer.
 *
 *     clang -fsanitize=thread ... tests/tsan/catalogue.c   (a plain main: the sanitizer can't run under Criterion)
 *
 * Each snapshot is built from one document whose numbers can be checked from outside: a reader that gets a freed or a half-built
 * one finds findings that don't fit, and the sanitizer finds the rest. Prints what was done; exit status 0 or 1. */
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "catalogue/catalogue.h"

enum { READERS = 6, GENERATIONS = 4000 };

static gt_catalogue *catalogue;
static atomic_bool over;
static atomic_size_t readings, wrong, seen_empty;

/* An object that is no template: the snapshot has one error, whose file is the generation. */
static gt_snapshot *make(unsigned generation)
{
    gt_arena *arena = gt_arena_new(0);
    gt_snapshot *snapshot = NULL;
    gt_err err;
    if (arena == NULL)
        return NULL;
    gt_value *value = gt_value_object(arena);
    gt_value_put(arena, value, "kind", gt_value_text(arena, "Nothing"));
    const gt_document document = {gt_str_of(gt_arena_printf(arena, "%u", generation)), value};
    if (gt_snapshot_build(arena, &document, 1, GT_CLAIMS_EQUAL, &snapshot, &err))
        return snapshot;
    fprintf(stderr, "%s\n", err.text);
    gt_arena_free(arena);
    return NULL;
}

static bool read_generation(const gt_snapshot *snapshot, int64_t *generation)
{
    const gt_finding *finding = gt_snapshot_findings(snapshot);
    return finding != NULL && finding->error && gt_str_number(finding->file, 1, GENERATIONS, generation);
}

static void *reader(void *slot)
{
    int64_t last = 0;
    while (!atomic_load(&over)) {
        const gt_snapshot *snapshot = gt_catalogue_enter(catalogue, (size_t)(uintptr_t)slot);
        int64_t first = 0, again = 0;
        if (snapshot == NULL)
            atomic_fetch_add(&seen_empty, 1);
        else if (!read_generation(snapshot, &first) || !read_generation(snapshot, &again) || first != again ||
                 first < last)
            atomic_fetch_add(&wrong, 1);
        last = first;
        gt_catalogue_leave(catalogue, (size_t)(uintptr_t)slot);
        atomic_fetch_add(&readings, 1);
    }
    return NULL;
}

int main(void)
{
    pthread_t threads[READERS];
    size_t most_retired = 0;
    catalogue = gt_catalogue_new(READERS);
    if (catalogue == NULL)
        return 1;
    for (size_t i = 0; i < READERS; i++)
        if (pthread_create(&threads[i], NULL, reader, (void *)(uintptr_t)i) != 0)
            return 1;
    for (unsigned i = 1; i <= GENERATIONS; i++) {
        gt_snapshot *snapshot = make(i);
        if (snapshot == NULL)
            return 1;
        gt_catalogue_publish(catalogue, snapshot, 1, i);
        size_t retired = gt_catalogue_sweep(catalogue);
        most_retired = retired > most_retired ? retired : most_retired;
        if (i % 64 == 0)
            nanosleep(&(struct timespec){.tv_nsec = 200000}, NULL);
    }
    while (atomic_load(&readings) < 1000) /* a machine with one processor may not have come to it */
        nanosleep(&(struct timespec){.tv_nsec = 1000000}, NULL);
    atomic_store(&over, true);
    for (size_t i = 0; i < READERS; i++)
        pthread_join(threads[i], NULL);
    gt_catalogue_state state = gt_catalogue_now(catalogue);
    bool ok = atomic_load(&wrong) == 0 && state.generation == GENERATIONS && state.published_ms == GENERATIONS &&
              state.rejected == 1 && most_retired <= READERS && gt_catalogue_sweep(catalogue) == 0;
    printf("%s catalogue: %d generations, %zu readings (%zu before the first), at most %zu retired\n",
           ok ? "ok" : "FAIL", GENERATIONS, atomic_load(&readings), atomic_load(&seen_empty), most_retired);
    gt_catalogue_free(catalogue);
    return ok ? 0 : 1;
}
