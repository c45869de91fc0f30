/* Values: JSON trees of our own making, the only thing that we print as JSON.
 *
 * They are built once (by lib/yaml, by code, or from a view by gt_value_from_view) and then only read: a value that a
 * snapshot holds is shared by all threads. Numbers are text, so that no digit is lost on the way from a template to a
 * patch. All memory is the arena's. Objects keep the order of insertion; keys are unique (gt_value_set replaces). */
#ifndef GT_LIB_JSON_VALUE_H
#define GT_LIB_JSON_VALUE_H

#include <stdint.h>

#include "lib/json/view.h"

typedef enum gt_value_type {
    GT_VALUE_NULL,
    GT_VALUE_BOOL,
    GT_VALUE_NUMBER,
    GT_VALUE_STRING,
    GT_VALUE_ARRAY,
    GT_VALUE_OBJECT,
} gt_value_type;

typedef struct gt_value gt_value;
struct gt_value {
    gt_value_type type;
    bool truth;            /* BOOL */
    bool shared;           /* the children belong to another list, too: nothing can be added (see gt_value_ref) */
    uint32_t line, column; /* where it was read, from 1; 0: made by code */
    uint32_t count;        /* children */
    gt_str text;           /* STRING: the bytes, NUL-terminated; NUMBER: as printed */
    gt_str key;            /* of a member; empty otherwise */
    gt_value *first, *last, *next;
};

gt_value *gt_value_null(gt_arena *arena);
gt_value *gt_value_bool(gt_arena *arena, bool truth);
gt_value *gt_value_int(gt_arena *arena, int64_t number);
gt_value *gt_value_number(gt_arena *arena, gt_str text); /* text: a JSON number; copied */
/* As Go's encoding/json prints it: the fewest digits that read as the same number, an exponent below 1e-6 and from
 * 1e21 on. finite. */
gt_value *gt_value_double(gt_arena *arena, double number);
gt_value *gt_value_string(gt_arena *arena, gt_str text); /* copied */
/* Not copied: text ends with a NUL and lives as long as the arena. */
gt_value *gt_value_lent(gt_arena *arena, gt_str text);
static inline gt_value *gt_value_text(gt_arena *arena, const char *text)
{
    return gt_value_string(arena, gt_str_of(text));
}
gt_value *gt_value_array(gt_arena *arena);
gt_value *gt_value_object(gt_arena *arena);

/* Adding gives the child away: a child has one parent. A child that is elsewhere already is copied by gt_value_ref
 * first. */
void gt_value_push(gt_value *array, gt_value *child);
/* Replaces what is at key, else appends; key is copied. Linear in the number of members. */
void gt_value_set(gt_arena *arena, gt_value *object, gt_str key, gt_value *child);
static inline void gt_value_put(gt_arena *arena, gt_value *object, const char *key, gt_value *child)
{
    gt_value_set(arena, object, gt_str_of(key), child);
}
/* As set, in constant time, for a key that the caller knows to be new. The key isn't copied: it must live as long as
 * the arena. */
void gt_value_append(gt_value *object, gt_str key, gt_value *child);

/* A node with the same contents that can get another parent. The children are shared, not copied: from now on nothing
 * is added to either of the two. */
gt_value *gt_value_ref(gt_arena *arena, const gt_value *value);

/* A deep copy, texts and all: nobody else has a part of it, and the original may go. */
gt_value *gt_value_copy(gt_arena *arena, const gt_value *value);

/* Readers; NULL-safe: a NULL value is a missing one. */
const gt_value *gt_value_get_str(const gt_value *object, gt_str key);
static inline const gt_value *gt_value_get(const gt_value *object, const char *key)
{
    return gt_value_get_str(object, gt_str_of(key));
}
const gt_value *gt_value_given(const gt_value *object, const char *key); /* NULL for a null, too */
bool gt_value_true(const gt_value *boolean);
gt_str gt_value_str(const gt_value *string); /* empty for other types */
static inline bool gt_value_is(const gt_value *string, const char *text)
{
    return string != NULL && string->type == GT_VALUE_STRING && gt_str_is(string->text, text);
}
bool gt_value_as_int(const gt_value *number, int64_t *value); /* false: no number, not whole, or beyond 63 bits */
bool gt_value_equal(const gt_value *a,
                    const gt_value *b); /* members in any order (one order is fast); numbers by text */
const char *gt_value_type_name(const gt_value *value);
/* NOLINTBEGIN(bugprone-macro-parentheses): child is declared here */
#define GT_VALUE_EACH(child, list)                                                                                     \
    for (const gt_value *child = (list) == NULL ? NULL : (list)->first; child != NULL; child = child->next)
/* NOLINTEND(bugprone-macro-parentheses) */

/* A view's value, for JSON that becomes configuration (an event template, an object of the API server).
 * GT_ERR_INPUT for a number that a double doesn't hold exactly (an integer of 2^53 or more) and for strings with a NUL. */
bool gt_value_from_view(gt_arena *arena, gt_view view, gt_value **value, gt_err *err);

/* Compact JSON. `print` keeps the order of members, `canonical` sorts them bytewise: equal values, equal bytes. */
void gt_value_print(gt_buf *buf, const gt_value *value);
void gt_value_canonical(gt_buf *buf, const gt_value *value);
void gt_value_pretty(gt_buf *buf, const gt_value *value, int indent); /* two spaces a level, starting at `indent` */

/* The text as a JSON string, with quotes. C0 80 (see view.h) comes out as \u0000, what else isn't UTF-8 as U+FFFD. */
void gt_json_string(gt_buf *buf, gt_str text);

/* The same without the quotes: a part of a string. Parts end where characters end. */
void gt_json_text(gt_buf *buf, gt_str text);

#endif
