/* Arenas: memory that is freed all at once.
 *
 * A request, a snapshot and a pass of the watcher each own one arena. Allocation never returns NULL: when memory runs
 * out, or the arena's limit is reached, control goes back to the innermost gt_arena_try, which returns GT_ERR_NOMEM.
 * So nobody between checks for NULL, and the price is one rule: code that runs below gt_arena_try holds nothing that
 * outlives it, apart from memory of arenas (no descriptor, no lock, no malloc).
 *
 * Without a gt_arena_try around it exhaustion ends the process with a message: that is for start-up code. An arena
 * belongs to one thread at a time. Built with GT_ARENA_EACH each allocation is a malloc of its own, so that sanitizers
 * see an overflow of a single object. */
#ifndef GT_LIB_BASE_ARENA_H
#define GT_LIB_BASE_ARENA_H

#include <stdarg.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <string.h>

#include "lib/base/err.h"

typedef struct gt_arena gt_arena;

/* An empty arena, or NULL when there's no memory. `limit`: bytes it may hand out between resets (see gt_arena_used; at
 * most SIZE_MAX / 2), 0 for no limit. */
gt_arena *gt_arena_new(size_t limit);

/* What several arenas may hold together, whatever thread they belong to. Each has its first `own` bytes for itself, so that the usual work goes
 * on while some have taken all the rest; beyond them blocks are charged to the pool, and an arena that finds nothing left there runs out. */
typedef struct gt_arena_pool {
    size_t own, limit;  /* bytes: of each arena for itself; of all together beyond that */
    atomic_size_t used; /* zero at first */
} gt_arena_pool;

/* As gt_arena_new, in a pool that outlives it. */
gt_arena *gt_arena_new_in(gt_arena_pool *pool, size_t limit);

/* Did it run out last, since its last reset, because the pool had nothing left, rather than at its own limit? */
bool gt_arena_starved(const gt_arena *arena);

/* Frees everything. NULL is fine. */
void gt_arena_free(gt_arena *arena);

/* Forgets all allocations, keeps one block for the next round. */
void gt_arena_reset(gt_arena *arena);

/* For gt_scoped. */
void gt_arena_cleanup(gt_arena **arena);

/* For the two functions below alone: what is left of the newest block, up to the limit. */
struct gt_arena {
    char *at, *end;
    struct gt_arena_state *state;
};
void *gt_arena_alloc_slow(gt_arena *arena, size_t size) __attribute__((returns_nonnull));
enum { GT_ARENA_ALIGN = 16 };

/* `size` bytes, not zeroed: for bytes that are written before they are read. */
static inline __attribute__((returns_nonnull, malloc, alloc_size(2))) void *gt_arena_alloc_raw(gt_arena *arena,
                                                                                               size_t size)
{
    size_t left = (size_t)(arena->end - arena->at); /* a multiple of the alignment */
    if (size > left || arena->at == NULL)
        return gt_arena_alloc_slow(arena, size);
    void *start = arena->at;
    arena->at += (size + GT_ARENA_ALIGN - 1) / GT_ARENA_ALIGN * GT_ARENA_ALIGN;
    return start;
}

/* The same, zeroed. Aligned for any type. size may be 0. */
static inline __attribute__((returns_nonnull, malloc, alloc_size(2))) void *gt_arena_alloc(gt_arena *arena, size_t size)
{
    return memset(gt_arena_alloc_raw(arena, size), 0, size);
}

/* n bytes of text and a NUL behind them. */
char *gt_arena_dup(gt_arena *arena, const char *text, size_t n) __attribute__((returns_nonnull));
char *gt_arena_strdup(gt_arena *arena, const char *text) __attribute__((returns_nonnull));
char *gt_arena_printf(gt_arena *arena, const char *fmt, ...) __attribute__((format(printf, 2, 3), returns_nonnull));
char *gt_arena_vprintf(gt_arena *arena, const char *fmt, va_list args)
    __attribute__((format(printf, 2, 0), returns_nonnull));

/* Bytes handed out since the last reset, each allocation rounded up to a multiple of 16: what counts for the limit. */
size_t gt_arena_used(const gt_arena *arena);

#define GT_NEW(arena, type) ((type *)gt_arena_alloc((arena), sizeof(type)))
#define GT_NEW_N(arena, type, n) ((type *)gt_arena_alloc_n((arena), (n), sizeof(type)))
void *gt_arena_alloc_n(gt_arena *arena, size_t n, size_t size) __attribute__((returns_nonnull, malloc));

/* Calls fn(context, err) and returns what it returns; false with GT_ERR_NOMEM when this arena ran out on the way. May
 * be nested; the innermost one of the arena that ran out is where control goes. fn runs on the caller's thread and
 * doesn't free the arena. */
bool gt_arena_try(gt_arena *arena, bool (*fn)(void *context, gt_err *err), void *context, gt_err *err);

#endif
