/* Views: reading JSON that somebody else wrote.
 *
 * gt_view_parse refuses, with the position, what two readers could understand differently: whatever isn't the grammar
 * of RFC 8259, invalid UTF-8, lone surrogates, duplicate keys, more levels than allowed, bytes after the end. A legal
 * \u0000 inside a string survives as the two bytes C0 80 (which valid UTF-8 never holds), so that no string is cut
 * short: gt_view_has_nul tells.
 *
 * A gt_view is a small value that points into the parsed tree and is valid as long as the arena's memory. It is
 * read-only, and there is no function that prints one as JSON: what a client wrote never gets into what we write by
 * way of a view. The one door to a client's bytes is gt_view_str; a check in CI lists the files of the engine that may
 * use it.
 *
 * Getters are total: on a missing value or another type they say "missing", false or empty. Reading is thread-safe.
 * Numbers are read in the C locale: no program calls setlocale. */
#ifndef GT_LIB_JSON_VIEW_H
#define GT_LIB_JSON_VIEW_H

#include <stdint.h>

#include "lib/base/str.h"

typedef struct gt_view_node gt_view_node; /* see read.h, which is for this folder alone */

typedef struct gt_view {
    const gt_view_node *node; /* NULL: missing */
} gt_view;

typedef enum gt_view_type {
    GT_VIEW_MISSING,
    GT_VIEW_NULL,
    GT_VIEW_BOOL,
    GT_VIEW_NUMBER,
    GT_VIEW_STRING,
    GT_VIEW_ARRAY,
    GT_VIEW_OBJECT,
} gt_view_type;

enum { GT_VIEW_MAX_DEPTH = 100 };

/* Parses one JSON text. GT_ERR_INPUT when it isn't one, with "byte N: ..." (N from 1), or for a duplicate key with the
 * path of its object; GT_ERR_LIMIT when it is deeper than max_depth (0: GT_VIEW_MAX_DEPTH; at most 1000). Linear in
 * len, without recursion; takes up to 25 times len + 100 bytes of the arena ("[0,0,..."), 4 times for a pod. text need
 * not outlive the call. */
bool gt_view_parse(gt_arena *arena, gt_str text, int max_depth, gt_view *view, gt_err *err);

gt_view_type gt_view_type_of(gt_view view);
const char *gt_view_type_name(gt_view_type type); /* "an object", "a string", "nothing" */
static inline bool gt_view_exists(gt_view v)      /* there, and not null */
{
    gt_view_type type = gt_view_type_of(v);
    return type != GT_VIEW_MISSING && type != GT_VIEW_NULL;
}

/* Member of an object, exact case. Linear in the number of members. */
gt_view gt_view_get_str(gt_view object, gt_str key);
static inline gt_view gt_view_get(gt_view object, const char *key)
{
    return gt_view_get_str(object, gt_str_of(key));
}

/* First child of an array or object; its next sibling; a member's name. */
gt_view gt_view_first(gt_view list);
gt_view gt_view_next(gt_view child);
gt_str gt_view_key(gt_view member); /* followed by a NUL, or NULL */
size_t gt_view_count(gt_view list);
/* NOLINTBEGIN(bugprone-macro-parentheses): child is declared here */
#define GT_VIEW_EACH(child, list)                                                                                      \
    for (gt_view child = gt_view_first(list); child.node != NULL; child = gt_view_next(child))
/* NOLINTEND(bugprone-macro-parentheses) */

gt_str gt_view_str(gt_view string);                /* and a NUL; empty for other types; see the head of this file */
bool gt_view_is(gt_view string, const char *text); /* a string, equal to text */
bool gt_view_has_nul(gt_view string);
bool gt_view_key_has_nul(gt_view member);
bool gt_view_true(gt_view boolean);               /* true only for the boolean true */
bool gt_view_int(gt_view number, int64_t *value); /* false: no number, a fraction, or 2^53 and beyond */
double gt_view_number(gt_view number);            /* 0 for other types */

/* The same text: equal values, numbers as they were written, members in the same order (two prints of one program agree in
 * that). A missing one equals none. Linear. */
bool gt_view_equal(gt_view a, gt_view b);

/* A short printable form for messages: strings bare, with control characters escaped; containers as {...} and [...];
 * cut in the middle to at most `most` characters (code points). Costs `most`, not the string's length. */
void gt_view_show(gt_buf *buf, gt_view view, size_t most);

#endif
