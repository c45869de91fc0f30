/* The record of decisions: what the engine did to a pod and why.
 *
 * inject.c writes it, once; the patch, the warnings, the denial, the audit annotations and `explain` are all made from it, so that
 * none of them can disagree with what was done. All memory is the arena's. */
#ifndef GT_INJECTOR_RECORD_H
#define GT_INJECTOR_RECORD_H

#include "injector/check.h"
#include "injector/layer.h"

/* Where a value comes from. */
typedef struct gt_from {
    enum { GT_FROM_LAYER, GT_FROM_IDENTITY, GT_FROM_ENGINE } kind;
    uint8_t layer, beaten; /* LAYER: as in gt_cell */
    uint8_t detail_row;    /* LAYER: as in gt_cell */
    gt_field_id field;     /* LAYER: the cell, so that explain finds what the beaten layers had */
    gt_str key;
    const gt_value *built_in; /* LAYER: the engine's own value that gave way to it, or NULL */
    const char *detail;       /* what people want to know besides: "image" of an event; or NULL */
} gt_from;

typedef enum gt_action {
    GT_ACTION_KEEP,    /* it was there already */
    GT_ACTION_SET,     /* nothing (or only an API server's default) was there */
    GT_ACTION_REPLACE, /* the client's value gave way */
    GT_ACTION_REMOVE,
} gt_action;

typedef struct gt_decision {
    const gt_pointer *place; /* in the pod as it comes out; labelled for people */
    gt_action action;
    const gt_value *value; /* NULL for REMOVE */
    gt_view old;           /* the client's; only ever shown in messages */
    gt_from from;
    struct gt_decision *next;
} gt_decision;

typedef enum gt_op { GT_OP_ADD, GT_OP_REPLACE, GT_OP_REMOVE } gt_op;

/* One step of the patch. A step may carry out several decisions (a whole object where the pod had none). */
typedef struct gt_step {
    gt_op op;
    const gt_pointer *path;
    const gt_value *value;
    struct gt_step *next;
} gt_step;

typedef struct gt_note { /* a warning, or a cause of a denial */
    int code;            /* 403 or 422; 0 for a warning */
    bool replaced;       /* a warning about a replaced value: these come first */
    gt_str field, message;
    struct gt_note *next;
} gt_note;

typedef struct gt_record {
    gt_arena *arena;
    bool terse; /* decisions are made and not kept: a review's answer has none */
    gt_decision *decisions, *last_decision;
    gt_decision passing; /* terse: the newest */
    gt_step *steps, *last_step;
    gt_note *warnings, *last_warning;
    gt_note *causes, *last_cause;
    size_t decision_count, step_count, removals;
    size_t warning_count, plain_warnings, replaced_warnings,
        cause_count; /* all that there were; only the first are kept */
} gt_record;

void gt_record_init(gt_record *record, gt_arena *arena);
/* Of a terse record it's valid until the next decision. */
gt_decision *gt_record_decide(gt_record *record, const gt_pointer *place, gt_action action, const gt_value *value,
                              gt_view old, gt_from from);
/* Elements that are taken out cost an API server time, each as much as its list is long: past 1,000 the pod is denied. */
void gt_record_step(gt_record *record, gt_op op, const gt_pointer *path, const gt_value *value);

/* The whole record as a JSON Patch. */
void gt_record_patch(const gt_record *record, gt_patch *patch);

/* The pod with the record's steps carried out, as an API server would (RFC 6902). pod: the value that the record's view was parsed from. */
gt_value *gt_record_apply(gt_arena *arena, const gt_value *pod, const gt_record *record);

/* code: 403 (policy, forgery) or 422 (incomplete, unparsable, conflict). */
void gt_record_deny(gt_record *record, int code, const gt_pointer *place, const char *fmt, ...)
    __attribute__((format(printf, 4, 5)));
void gt_record_warn(gt_record *record, const gt_pointer *place, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));

/* A cause of a denial (code 403 or 422) or a warning (0) that is text already. Both are the arena's. */
void gt_record_note(gt_record *record, int code, gt_str field, gt_str message);

/* "field: old replaced by new from layer"; env values aren't shown. */
void gt_record_warn_replaced(gt_record *record, const gt_decision *decision, gt_str from, bool secret);

/* Pointers that outlive the stack. */
const gt_pointer *gt_pointer_keep(gt_arena *arena, gt_pointer pointer);

#endif
