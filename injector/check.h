/* Collecting what is wrong, with the place where it is wrong.
 *
 * A gt_check is the notebook of one pass over one document (or one event template): the checkers write findings into it and go on,
 * so that a user sees all errors at once. Places are gt_pointers whose elements carry labels; gt_place_text prints them the
 * way people write them: spec.defaults.env[TOKEN].valueFrom. */
#ifndef GT_INJECTOR_CHECK_H
#define GT_INJECTOR_CHECK_H

#include "injector/snapshot.h"
#include "lib/json/patch.h"

typedef struct gt_check {
    gt_arena *arena;
    size_t document;
    gt_str file, object;
    gt_finding *first, *last;
    size_t errors;
    bool merged; /* the template stands for several layers: what is settled between layers is no error of it */
} gt_check;

/* `at` gives line and column and may be NULL. */
void gt_check_error(gt_check *check, const gt_value *at, const gt_pointer *place, const char *fmt, ...)
    __attribute__((format(printf, 4, 5)));
/* An error that says: understood, but no template may do that. */
void gt_check_forbid(gt_check *check, const gt_value *at, const gt_pointer *place, const char *fmt, ...)
    __attribute__((format(printf, 4, 5)));
void gt_check_warn(gt_check *check, const gt_value *at, const gt_pointer *place, const char *fmt, ...)
    __attribute__((format(printf, 4, 5)));

/* metadata.annotations[gastown.io/layers], spec.containers[agent].image; "" for the whole document. */
gt_str gt_place_text(gt_arena *arena, const gt_pointer *place);

/* An element of a list that people call by a name. */
static inline gt_pointer gt_labelled(const gt_pointer *up, size_t i, gt_str label)
{
    gt_pointer element = gt_element(up, i);
    element.label = label;
    return element;
}

#endif
