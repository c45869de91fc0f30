#include "lib/base/arena.h"

#include <assert.h>
#include <setjmp.h>
#include <stdalign.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

enum { FIRST_BLOCK = 16 * 1024, LARGEST_BLOCK = 1024 * 1024 };

typedef struct block {
    struct block *older;
    size_t size, charged; /* charged: to the pool */
    alignas(max_align_t) char bytes[];
} block;

/* A gt_arena_try that runs, on the stack. */
typedef struct trial {
    jmp_buf here;
    gt_arena *arena;
    struct trial *same_arena; /* the next one out, of the same arena */
    struct trial *any_arena;  /* the next one out on this thread */
} trial;

struct gt_arena_state {
    block *newest;
    size_t used; /* of older blocks, and what was cut off of limits */
    size_t limit;
    trial *innermost;
    gt_arena_pool *pool; /* or NULL */
    size_t held;         /* bytes of all blocks, if there's a pool */
    bool starved;
};

/* So that a jump out of several tries takes those of other arenas down, too: their frames are gone with it. */
static _Thread_local trial *running;

static_assert(alignof(max_align_t) <= GT_ARENA_ALIGN, "what an arena hands out fits any type");

static size_t aligned(size_t size)
{
    return (size + GT_ARENA_ALIGN - 1) / GT_ARENA_ALIGN * GT_ARENA_ALIGN;
}

gt_arena *gt_arena_new(size_t limit)
{
    gt_arena *arena = calloc(1, sizeof *arena + sizeof *arena->state);
    if (arena == NULL)
        return NULL;
    arena->state = (struct gt_arena_state *)(arena + 1);
    arena->state->limit = aligned(limit);
    return arena;
}

gt_arena *gt_arena_new_in(gt_arena_pool *pool, size_t limit)
{
    gt_arena *arena = gt_arena_new(limit);
    if (arena != NULL)
        arena->state->pool = pool;
    return arena;
}

bool gt_arena_starved(const gt_arena *arena)
{
    return arena->state->starved;
}

/* What of a block is beyond the arena's own is the pool's to give. *charged is that. */
static bool charge(struct gt_arena_state *state, size_t size, size_t *charged)
{
    gt_arena_pool *pool = state->pool;
    *charged = 0;
    if (pool == NULL)
        return true;
    size_t own = state->held < pool->own ? pool->own - state->held : 0, wanted = size > own ? size - own : 0;
    size_t used = atomic_load(&pool->used);
    do {
        state->starved = wanted > pool->limit - used;
        if (state->starved)
            return false;
    } while (wanted > 0 && !atomic_compare_exchange_weak(&pool->used, &used, used + wanted));
    state->held += size;
    *charged = wanted;
    return true;
}

static void uncharge(struct gt_arena_state *state, size_t size, size_t charged)
{
    if (state->pool == NULL)
        return;
    state->held -= size;
    if (charged > 0)
        atomic_fetch_sub(&state->pool->used, charged);
}

static void free_blocks(struct gt_arena_state *state, const block *keep)
{
    block *b = state->newest;
    while (b != NULL) {
        block *older = b->older;
        if (b != keep) {
            uncharge(state, b->size, b->charged);
            free(b);
        }
        b = older;
    }
    state->starved = false;
}

void gt_arena_free(gt_arena *arena)
{
    if (arena == NULL)
        return;
    free_blocks(arena->state, NULL);
    free(arena);
}

void gt_arena_cleanup(gt_arena **arena)
{
    gt_arena_free(*arena);
    *arena = NULL;
}

/* Lets the inline functions have what is left of the newest block and of the limit. */
static void open_block(gt_arena *arena)
{
    const struct gt_arena_state *state = arena->state;
    size_t left = state->newest == NULL ? 0 : state->newest->size;
    if (state->limit != 0 && left > state->limit - state->used)
        left = state->limit - state->used;
    arena->at = state->newest == NULL ? NULL : state->newest->bytes;
    arena->end = state->newest == NULL ? NULL : state->newest->bytes + left;
}

static size_t used_of_newest(const gt_arena *arena)
{
    return arena->state->newest == NULL ? 0 : (size_t)(arena->at - arena->state->newest->bytes);
}

/* The block that stays is the arena's own now: what else it had of its own has been freed. */
static void give_back(struct gt_arena_state *state, block *kept)
{
    if (state->pool == NULL || kept->charged == 0)
        return;
    size_t beyond = kept->size > state->pool->own ? kept->size - state->pool->own : 0;
    atomic_fetch_sub(&state->pool->used, kept->charged - beyond);
    kept->charged = beyond;
}

void gt_arena_reset(gt_arena *arena)
{
    struct gt_arena_state *state = arena->state;
    block *keep = NULL;
#ifndef GT_ARENA_EACH
    keep = state->newest;
    if (keep != NULL && keep->size > LARGEST_BLOCK)
        keep = NULL; /* one huge request doesn't make every later one huge */
#endif
    free_blocks(state, keep);
    state->newest = keep;
    if (keep != NULL) {
        keep->older = NULL;
        give_back(state, keep);
    }
    state->used = 0;
    open_block(arena);
}

_Noreturn static void run_out(gt_arena *arena)
{
    trial *target = arena->state->innermost;
    while (target != NULL && running != target) {
        assert(running != NULL); /* else the try belongs to another thread */
        running->arena->state->innermost = running->same_arena;
        running = running->any_arena;
    }
    if (target != NULL)
        longjmp(target->here, 1);
    fputs("out of memory\n", stderr);
    abort();
}

#ifndef GT_ARENA_EACH
static size_t size_for(const gt_arena *arena, size_t wanted)
{
    const block *newest = arena->state->newest;
    size_t size = newest == NULL ? FIRST_BLOCK : newest->size * 2;
    if (size > LARGEST_BLOCK)
        size = LARGEST_BLOCK;
    return size < wanted ? wanted : size;
}
#endif

/* A new block. With GT_ARENA_EACH one for this allocation alone and of its very size, so that the byte behind it is out of bounds. */
void *gt_arena_alloc_slow(gt_arena *arena, size_t size)
{
    struct gt_arena_state *state = arena->state;
    if (size > SIZE_MAX / 2)
        run_out(arena);
    size_t cost = aligned(size), used = state->used + used_of_newest(arena);
    if (state->limit != 0 && cost > state->limit - used)
        run_out(arena);
#ifdef GT_ARENA_EACH
    size_t room = size;
#else
    size_t room = size_for(arena, cost);
#endif
    size_t charged;
    if (!charge(state, room, &charged))
        run_out(arena);
    block *b = malloc(sizeof *b + room);
    if (b == NULL) {
        uncharge(state, room, charged);
        run_out(arena);
    }
    *b = (block){.older = state->newest, .size = room, .charged = charged};
    state->newest = b;
    state->used = used;
    open_block(arena);
#ifdef GT_ARENA_EACH
    state->used += cost;
    arena->end = arena->at;
    return b->bytes;
#else
    return gt_arena_alloc_raw(arena, size);
#endif
}

void *gt_arena_alloc_n(gt_arena *arena, size_t n, size_t size)
{
    if (size != 0 && n > SIZE_MAX / 2 / size)
        run_out(arena);
    return gt_arena_alloc(arena, n * size);
}

char *gt_arena_dup(gt_arena *arena, const char *text, size_t n)
{
    char *copy = gt_arena_alloc_raw(arena, n + 1);
    if (n > 0)
        memcpy(copy, text, n);
    copy[n] = '\0';
    return copy;
}

char *gt_arena_strdup(gt_arena *arena, const char *text)
{
    return gt_arena_dup(arena, text, strlen(text));
}

char *gt_arena_vprintf(gt_arena *arena, const char *fmt, va_list args)
{
    va_list again;
    va_copy(again, args);
    int n = vsnprintf(NULL, 0, fmt, again);
    va_end(again);
    assert(n >= 0);
    char *text = gt_arena_alloc_raw(arena, (size_t)n + 1);
    vsnprintf(text, (size_t)n + 1, fmt, args);
    return text;
}

char *gt_arena_printf(gt_arena *arena, const char *fmt, ...)
{
    va_list args;
    va_start(args, fmt);
    char *text = gt_arena_vprintf(arena, fmt, args);
    va_end(args);
    return text;
}

size_t gt_arena_used(const gt_arena *arena)
{
    return arena->state->used + used_of_newest(arena);
}

bool gt_arena_try(gt_arena *arena, bool (*fn)(void *context, gt_err *err), void *context, gt_err *err)
{
    trial t = {.arena = arena, .same_arena = arena->state->innermost, .any_arena = running};
    bool ok;
    if (setjmp(t.here) == 0) {
        arena->state->innermost = running = &t;
        ok = fn(context, err);
    } else {
        ok = arena->state->limit == 0
                 ? gt_fail(err, GT_ERR_NOMEM, "out of memory")
                 : gt_fail(err, GT_ERR_NOMEM, "out of memory (%zu bytes may be used here)", arena->state->limit);
    }
    arena->state->innermost = t.same_arena;
    running = t.any_arena;
    return ok;
}
