#include "lib/base/arena.h"

#include <assert.h>
#include <setjmp.h>
#include <stdalign.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { FIRST_BLOCK = 16 * 1024, LARGEST_BLOCK = 1024 * 1024 };

typedef struct block {
    struct block *older;
    size_t size, used;
    alignas(max_align_t) char bytes[];
} block;

/* A gt_arena_try that runs, on the stack. */
typedef struct trial {
    jmp_buf here;
    gt_arena *arena;
    struct trial *same_arena; /* the next one out, of the same arena */
    struct trial *any_arena;  /* the next one out on this thread */
} trial;

struct gt_arena {
    block *newest;
    size_t used, limit;
    trial *innermost;
};

/* So that a jump out of several tries takes those of other arenas down, too: their frames are gone with it. */
static _Thread_local trial *running;

static size_t aligned(size_t size)
{
    const size_t align = alignof(max_align_t);
    return (size + align - 1) / align * align;
}

gt_arena *gt_arena_new(size_t limit)
{
    gt_arena *arena = calloc(1, sizeof *arena);
    if (arena != NULL)
        arena->limit = aligned(limit);
    return arena;
}

static void free_blocks(block *b, const block *keep)
{
    while (b != NULL) {
        block *older = b->older;
        if (b != keep)
            free(b);
        b = older;
    }
}

void gt_arena_free(gt_arena *arena)
{
    if (arena == NULL)
        return;
    free_blocks(arena->newest, NULL);
    free(arena);
}

void gt_arena_cleanup(gt_arena **arena)
{
    gt_arena_free(*arena);
    *arena = NULL;
}

void gt_arena_reset(gt_arena *arena)
{
    block *keep = NULL;
#ifndef GT_ARENA_EACH
    keep = arena->newest;
    if (keep != NULL && keep->size > LARGEST_BLOCK)
        keep = NULL; /* one huge request doesn't make every later one huge */
#endif
    free_blocks(arena->newest, keep);
    arena->newest = keep;
    if (keep != NULL) {
        keep->older = NULL;
        keep->used = 0;
    }
    arena->used = 0;
}

_Noreturn static void run_out(gt_arena *arena)
{
    trial *target = arena->innermost;
    while (target != NULL && running != target) {
        assert(running != NULL); /* else the try belongs to another thread */
        running->arena->innermost = running->same_arena;
        running = running->any_arena;
    }
    if (target != NULL)
        longjmp(target->here, 1);
    fputs("out of memory\n", stderr);
    abort();
}

static void add_block(gt_arena *arena, size_t wanted)
{
    size_t size = arena->newest == NULL ? FIRST_BLOCK : arena->newest->size * 2;
    if (size > LARGEST_BLOCK)
        size = LARGEST_BLOCK;
#ifdef GT_ARENA_EACH
    size = 0;
#endif
    if (size < wanted)
        size = wanted;
    block *b = malloc(sizeof *b + size);
    if (b == NULL)
        run_out(arena);
    *b = (block){.older = arena->newest, .size = size};
    arena->newest = b;
}

void *gt_arena_alloc_raw(gt_arena *arena, size_t size)
{
    if (size > SIZE_MAX / 2)
        run_out(arena);
    size_t cost = aligned(size);
    if (arena->limit != 0 && cost > arena->limit - arena->used)
        run_out(arena);
#ifdef GT_ARENA_EACH
    size_t step = size; /* exact, so that the byte behind it is out of bounds */
    bool fits = false;
#else
    size_t step = cost;
    bool fits = arena->newest != NULL && step <= arena->newest->size - arena->newest->used;
#endif
    if (!fits)
        add_block(arena, step);
    block *b = arena->newest;
    void *start = b->bytes + b->used;
    b->used += step;
    arena->used += cost;
    return start;
}

void *gt_arena_alloc(gt_arena *arena, size_t size)
{
    return memset(gt_arena_alloc_raw(arena, size), 0, size);
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
    return arena->used;
}

bool gt_arena_try(gt_arena *arena, bool (*fn)(void *context, gt_err *err), void *context, gt_err *err)
{
    trial t = {.arena = arena, .same_arena = arena->innermost, .any_arena = running};
    bool ok;
    if (setjmp(t.here) == 0) {
        arena->innermost = running = &t;
        ok = fn(context, err);
    } else {
        ok = arena->limit == 0 ? gt_fail(err, GT_ERR_NOMEM, "out of memory")
                               : gt_fail(err, GT_ERR_NOMEM, "out of memory (%zu bytes may be used here)", arena->limit);
    }
    arena->innermost = t.same_arena;
    running = t.any_arena;
    return ok;
}
