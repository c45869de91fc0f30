/* What the unit tests of all rooms share. Criterion runs each test in a process of its own; under the sanitizers a
 * leak is found when that ends, so a test frees what it makes: SCOPED_ARENA does. */
#ifndef GT_TESTS_UNIT_SUPPORT_H
#define GT_TESTS_UNIT_SUPPORT_H

#include <criterion/criterion.h>
#include <time.h>
#include <unistd.h>

#include "lib/base/str.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

/* An arena called `name` that goes with its block. */
#define SCOPED_ARENA(name) SCOPED_LIMITED_ARENA(name, 0)
/* NOLINTBEGIN(bugprone-macro-parentheses): name is declared here */
#define SCOPED_LIMITED_ARENA(name, limit) gt_scoped(gt_arena_cleanup) gt_arena *name = gt_arena_new(limit)
/* NOLINTEND(bugprone-macro-parentheses) */

/* A copy of the bytes, called `name`, with nothing behind them, not even a NUL: under the sanitizers each allocation
 * of an arena is one of its own, so that they see who reads on. */
#define SCOPED_EXACT(name, text)                                                                                       \
    SCOPED_ARENA(name##_arena);                                                                                        \
    gt_str name = exact_copy(name##_arena, text)

static inline gt_str exact_copy(gt_arena *arena, gt_str s)
{
    char *copy = gt_arena_alloc(arena, s.len);
    if (s.len > 0)
        memcpy(copy, s.at, s.len);
    return (gt_str){copy, s.len};
}

/* Before an abort that a test wants: its message would only worry whoever reads the log. */
static inline void hush(void)
{
    close(STDERR_FILENO);
}

/* Processor time of this process. For tests that would take minutes if something were quadratic; the wall clock also
 * counts what else the machine does. */
static inline double cpu_seconds(void)
{
    return (double)clock() / CLOCKS_PER_SEC;
}

/* Compares a slice with a literal and shows both when they differ. `row`: of the test's table, 0 without one. */
#define expect_text(row, slice, wanted)                                                                                \
    do {                                                                                                               \
        gt_str got_ = (slice);                                                                                         \
        const char *wanted_ = (wanted);                                                                                \
        cr_expect(gt_str_is(got_, wanted_), "row %zu: got `%.*s`, wanted `%s`", (size_t)(row), GT_STR_ARG(got_),       \
                  wanted_);                                                                                            \
    } while (0)

#endif
