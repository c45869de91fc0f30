/* Errors by value.
 *
 * Every function that can fail for a reason outside the program takes a `gt_err *err` as its last parameter and
 * returns bool (false: failed, *err is filled). gt_fail and gt_wrap return false, so that the failing call is the
 * return statement:
 *
 *     if (!gt_yaml_load(arena, text, len, &docs, err))
 *         return gt_wrap(err, "template %s", name);        -> "template rig.yaml: line 3, column 5: duplicate key"
 *
 * An error owns no memory and needs no clean-up. A bug is an assert, not an error. Passing err == NULL is a bug. */
#ifndef GT_LIB_BASE_ERR_H
#define GT_LIB_BASE_ERR_H

#include <stdbool.h>
#include <stddef.h>

typedef enum gt_err_kind {
    GT_ERR_NONE,
    GT_ERR_INPUT, /* what somebody gave us is wrong: a document, a flag, a request */
    GT_ERR_LIMIT, /* it may be right, but it's larger or deeper than we accept */
    GT_ERR_ENV,   /* file, network, peer */
    GT_ERR_NOT_FOUND,
    GT_ERR_CONFLICT, /* it exists already, or somebody changed it meanwhile */
    GT_ERR_REFUSED,  /* a peer understood and said no */
    GT_ERR_NOMEM,
} gt_err_kind;

typedef struct gt_err {
    gt_err_kind kind;
    int code;        /* HTTP status of a peer's answer, else 0 */
    char text[1000]; /* one line of valid UTF-8, cut with "..." when longer; bytes that don't fit come out as "?" */
} gt_err;

/* Fills *err and returns false. An argument may point into *err. */
bool gt_fail(gt_err *err, gt_err_kind kind, const char *fmt, ...) __attribute__((format(printf, 3, 4)));

/* Puts "context: " in front of what *err (an error) says; kind and code stay. Returns false. */
bool gt_wrap(gt_err *err, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/* The analyzer can't see that these return false, and would follow each `return gt_fail(...)` as a success, too. */
#ifdef __clang_analyzer__
#define gt_fail(...) ((gt_fail)(__VA_ARGS__), false)
#define gt_wrap(...) ((gt_wrap)(__VA_ARGS__), false)
#endif

/* Runs FN on the variable's address when it goes out of scope: `gt_scoped(gt_arena_cleanup) gt_arena *arena = ...` */
#define gt_scoped(FN) __attribute__((cleanup(FN)))

#endif
