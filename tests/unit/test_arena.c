#include "lib/base/arena.h"

#include <signal.h>
#include <stdalign.h>
#include <stdint.h>
#include <sys/wait.h>

#include "tests/unit/support.h"

Test(arena, memory_is_zeroed_and_aligned)
{
    SCOPED_ARENA(arena);
    for (size_t size = 0; size < 200; size++) {
        unsigned char *bytes = gt_arena_alloc(arena, size);
        cr_expect_eq((uintptr_t)bytes % alignof(max_align_t), 0, "size %zu", size);
        for (size_t i = 0; i < size; i++)
            cr_assert_eq(bytes[i], 0, "size %zu, byte %zu", size, i);
        if (size > 0)
            memset(bytes, 0xaa, size);
    }
}

Test(arena, reset_gives_zeroed_memory_again)
{
    SCOPED_ARENA(arena);
    for (int round = 0; round < 3; round++) {
        for (int i = 0; i < 100; i++) {
            unsigned char *bytes = gt_arena_alloc(arena, 1000);
            for (size_t at = 0; at < 1000; at++)
                cr_assert_eq(bytes[at], 0, "round %d", round);
            memset(bytes, 0xff, 1000);
        }
        gt_arena_reset(arena);
        cr_expect_eq(gt_arena_used(arena), 0);
    }
}

Test(arena, large_and_small_are_apart)
{
    SCOPED_ARENA(arena);
    static const size_t sizes[] = {16, 3 << 20, 1, 16 << 10, 1 << 20, 17, 0, 100000};
    unsigned char *at[COUNT(sizes)];
    for (size_t i = 0; i < COUNT(sizes); i++)
        memset(at[i] = gt_arena_alloc(arena, sizes[i]), (int)i + 1, sizes[i]);
    for (size_t i = 0; i < COUNT(sizes); i++)
        for (size_t b = 0; b < sizes[i]; b++)
            cr_assert_eq(at[i][b], i + 1, "allocation %zu was written to by another", i);
    gt_arena_reset(arena);
    gt_arena_reset(arena);
}

Test(arena, free_and_cleanup_take_null)
{
    gt_arena_free(NULL);
    gt_arena *none = NULL;
    gt_arena_cleanup(&none);
    gt_arena *some = gt_arena_new(0);
    gt_arena_cleanup(&some);
    cr_expect_null(some);
}

Test(arena, texts)
{
    SCOPED_ARENA(arena);
    SCOPED_EXACT(source, ((gt_str){"ab\0cd", 5}));
    char *copy = gt_arena_dup(arena, source.at, source.len);
    cr_expect_arr_eq(copy, "ab\0cd", 6);
    cr_expect_str_eq(gt_arena_dup(arena, NULL, 0), "");
    cr_expect_str_eq(gt_arena_strdup(arena, "xyz"), "xyz");
    cr_expect_str_eq(gt_arena_printf(arena, "%s-%05d", "a", 42), "a-00042");
    cr_expect_eq(strlen(gt_arena_printf(arena, "%70000d", 1)), 70000);
}

/* ---- running out ---- */

typedef struct job {
    gt_arena *arena, *other;
    size_t size;
    int rounds;
    bool fail, result;
} job;

static bool allocate(void *context, gt_err *err)
{
    job *j = context;
    for (int i = 0; i < j->rounds; i++)
        gt_arena_alloc(j->arena, j->size);
    return j->fail ? gt_fail(err, GT_ERR_INPUT, "by itself") : true;
}

Test(arena, try_returns_what_fn_returns)
{
    SCOPED_ARENA(arena);
    gt_err err = {0};
    cr_expect(gt_arena_try(arena, allocate, &(job){.arena = arena, .size = 10, .rounds = 10}, &err));
    cr_expect(!gt_arena_try(arena, allocate, &(job){.arena = arena, .fail = true}, &err));
    cr_expect_eq(err.kind, GT_ERR_INPUT);
    cr_expect_str_eq(err.text, "by itself");
}

Test(arena, limit_ends_a_try)
{
    static const struct {
        size_t limit, size;
        int rounds;
        bool fits;
    } cases[] = {
        {100, 100, 1, true},
        {100, 113, 1, false},
        {1 << 20, 1 << 20, 1, true},
        {1 << 20, (1 << 20) + 1, 1, false},
        {160, 16, 10, true},
        {160, 16, 11, false},
        {160, 1, 10, true},
        {160, 1, 11, false}, /* rounded up to 16 */
        {16, 0, 100000, true},
        {0, 5 << 20, 3, true},
        {100, SIZE_MAX, 1, false},
        {0, SIZE_MAX, 1, false},
        {0, SIZE_MAX / 2 + 1, 1, false},
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        SCOPED_LIMITED_ARENA(arena, cases[i].limit);
        gt_err err = {0};
        job j = {.arena = arena, .size = cases[i].size, .rounds = cases[i].rounds};
        bool ok = gt_arena_try(arena, allocate, &j, &err);
        cr_expect_eq(ok, cases[i].fits, "row %zu", i);
        cr_expect(ok || err.kind == GT_ERR_NOMEM, "row %zu", i);
        gt_arena_reset(arena);
        j = (job){.arena = arena, .size = 16, .rounds = 1};
        cr_expect(gt_arena_try(arena, allocate, &j, &err), "row %zu: usable again after a reset", i);
    }
}

static bool allocate_too_many(void *context, gt_err *err)
{
    (void)err;
    job *j = context;
    gt_arena_alloc_n(j->arena, SIZE_MAX / 4, 8);
    return true;
}

Test(arena, count_times_size_does_not_wrap)
{
    SCOPED_ARENA(arena);
    gt_err err;
    cr_expect(!gt_arena_try(arena, allocate_too_many, &(job){.arena = arena}, &err));
    cr_expect_eq(err.kind, GT_ERR_NOMEM);
}

static bool try_inside(void *context, gt_err *err)
{
    job *j = context;
    gt_err inner;
    j->result =
        gt_arena_try(j->other, allocate, &(job){.arena = j->arena, .size = j->size, .rounds = j->rounds}, &inner);
    return j->result || gt_fail(err, GT_ERR_LIMIT, "inner: %d", inner.kind);
}

Test(arena, innermost_try_gets_it)
{
    SCOPED_LIMITED_ARENA(arena, 1000);
    gt_err err;
    job j = {.arena = arena, .other = arena, .size = 2000, .rounds = 1, .result = true};
    cr_expect(!gt_arena_try(arena, try_inside, &j, &err));
    cr_expect_eq(err.kind, GT_ERR_LIMIT, "the outer one went on and reported by itself");
    cr_expect_not(j.result);
    j.size = 10;
    cr_expect(gt_arena_try(arena, try_inside, &j, &err), "and the outer one still works");
}

Test(arena, try_of_another_arena_is_jumped_over)
{
    SCOPED_LIMITED_ARENA(small, 1000);
    SCOPED_LIMITED_ARENA(other, 1000);
    gt_err err;
    job j = {.arena = small, .other = other, .size = 2000, .rounds = 1, .result = true};
    cr_expect(!gt_arena_try(small, try_inside, &j, &err));
    cr_expect_eq(err.kind, GT_ERR_NOMEM, "control came to the try of the arena that ran out");
    cr_expect(j.result, "nothing behind the inner try ran");
    /* other's try is gone: the next one of it must not jump into the dead frame */
    cr_expect(!gt_arena_try(other, allocate, &(job){.arena = other, .size = 2000, .rounds = 1}, &err));
    cr_expect_eq(err.kind, GT_ERR_NOMEM);
}

/* Runs out of `other` behind a try of it that was jumped over; what the process says on stderr comes from `said`. */
static _Noreturn void run_out_without_a_try(int said)
{
    gt_arena *small = gt_arena_new(1000), *other = gt_arena_new(1000);
    gt_err err;
    dup2(said, STDERR_FILENO);
    gt_arena_try(small, try_inside, &(job){.arena = small, .other = other, .size = 2000, .rounds = 1}, &err);
    gt_arena_alloc(other, 2000);
    _exit(0);
}

Test(arena, without_a_try_it_aborts)
{
    int pipe_ends[2], status;
    char said[200] = "";
    cr_assert_eq(pipe(pipe_ends), 0);
    pid_t child = fork();
    cr_assert_geq(child, 0);
    if (child == 0)
        run_out_without_a_try(pipe_ends[1]);
    close(pipe_ends[1]);
    cr_expect_gt(read(pipe_ends[0], said, sizeof said - 1), 0);
    cr_assert_eq(waitpid(child, &status, 0), child);
    close(pipe_ends[0]);
    cr_expect(WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT);
    cr_expect_str_eq(said, "out of memory\n", "not by an assertion: the try that was jumped over is forgotten");
}

typedef struct taking {
    gt_arena *arena;
    size_t each, times;
} taking;

static bool take_all(void *context, gt_err *err)
{
    taking *t = context;
    (void)err;
    for (size_t i = 0; i < t->times; i++)
        gt_arena_alloc(t->arena, t->each);
    return true;
}

static bool takes(gt_arena *arena, size_t each, size_t times)
{
    taking t = {arena, each, times};
    gt_err err;
    return gt_arena_try(arena, take_all, &t, &err);
}

Test(arena, a_pool_is_shared_and_each_has_its_own)
{
    enum { MIB = 1024 * 1024 };
    gt_arena_pool pool = {.own = 2 * MIB, .limit = 8 * MIB};
    gt_arena *greedy = gt_arena_new_in(&pool, 64 * MIB), *modest = gt_arena_new_in(&pool, 64 * MIB);
    cr_expect(!takes(greedy, MIB - 64, 64), "all of the pool and more");
    cr_expect(gt_arena_starved(greedy));
    cr_expect_leq(pool.used, pool.limit);
    cr_expect_gt(pool.used, 6 * MIB);
    cr_expect(takes(modest, 1000, 900), "its own is still there");
    cr_expect_not(gt_arena_starved(modest));
    cr_expect(!takes(modest, MIB, 3));
    cr_expect(gt_arena_starved(modest));
    gt_arena_reset(greedy);
    cr_expect_not(gt_arena_starved(greedy));
    cr_expect(takes(modest, MIB, 3), "room again");
    gt_arena_reset(modest);
    cr_expect_eq(pool.used, 0);
    for (int i = 0; i < 100; i++) { /* nothing is lost over many rounds */
        takes(greedy, 300 * 1000, 20 + (size_t)i % 10);
        gt_arena_reset(greedy);
    }
    cr_expect_eq(pool.used, 0);
    cr_expect(!takes(greedy, 33 * MIB, 1));
    gt_arena_free(greedy);
    gt_arena_free(modest);
    cr_expect_eq(pool.used, 0);
    gt_arena *own_limit = gt_arena_new_in(&pool, MIB);
    cr_expect(!takes(own_limit, MIB, 2));
    cr_expect_not(gt_arena_starved(own_limit), "its own limit, not the pool's");
    gt_arena_free(own_limit);
}
