/* Layers: PodTemplates cut into cells, and their merge.
 *
 * A layer is a set of cells, each (field, key) -> value, in order of first appearance inside a field, and a set of clears, the
 * (field, key prefix) that it takes away from below. Merging is then one rule for all fields: the higher cell wins in the lower one's
 * place; a cell without a value (null, $patch: delete) keeps the place and takes the value away; a clear drops everything below its
 * prefix. Clears and valueless cells stay in the result, because a layer yet further below may need them: that is what makes
 * merging associative. The empty layer is the identity.
 *
 * Each cell knows which layer it came from and which layers it beat: provenance costs two small integers and is never optional. */
#ifndef GT_INJECTOR_LAYER_H
#define GT_INJECTOR_LAYER_H

#include "injector/fields.h"
#include "lib/json/value.h"

/* Lowest first. The fifth of the contract's layers is split: GT_LAYER_AGENT is reserved for one agent's values from the catalogue. */
typedef enum gt_layer_id {
    GT_LAYER_PROFILE,
    GT_LAYER_TOWN,
    GT_LAYER_RIG,
    GT_LAYER_ROLE,
    GT_LAYER_POOL,
    GT_LAYER_AGENT,
    GT_LAYER_EVENT,
    GT_LAYER_COUNT
} gt_layer_id;

typedef struct gt_cell {
    gt_str key;            /* inside the field: "" for a whole field, a name, "requests.cpu", "capabilities.drop" */
    const gt_value *value; /* NULL: taken away */
    uint8_t origin;        /* gt_layer_id */
    uint8_t beaten;        /* bit per gt_layer_id that also had this cell */
    uint8_t detail_row;    /* EVENT: 1 + the row of the event table that set it; 0: its template */
} gt_cell;

typedef struct gt_cells {
    gt_cell *at;
    uint32_t count, room;
    struct gt_map *index; /* by key, once looking along the list would be slow; else NULL */
} gt_cells;

typedef struct gt_layer {
    gt_cells cells[GT_FIELD_COUNT];  /* by field */
    gt_cells clears[GT_FIELD_COUNT]; /* keys that are taken away, with all below them; "" is the whole field */
} gt_layer;

gt_layer *gt_layer_new(gt_arena *arena);
bool gt_layer_is_empty(const gt_layer *layer);
bool gt_layer_is_silent(const gt_layer *layer, gt_field_id field); /* neither sets nor takes away anything there */

/* With or without a value; NULL: there's none. */
const gt_cell *gt_cells_find(const gt_cells *cells, gt_str key);

/* The same cells in another arena, with no room to spare; keys and values are shared. */
gt_cells gt_cells_copy(gt_arena *arena, const gt_cells *cells);

/* Puts a cell in; one that is there already is replaced in its place. key must live as long as the layer. */
void gt_layer_set(gt_arena *arena, gt_layer *layer, gt_field_id field, gt_str key, const gt_value *value,
                  gt_layer_id origin);
void gt_layer_clear(gt_arena *arena, gt_layer *layer, gt_field_id field, gt_str key, gt_layer_id origin);

/* `higher` over `lower`; neither changes. Values are shared, and so are the cells of a field that only one of them has: a merged layer
 * isn't written to but for fields that gt_layer_own has given it. Linear, by a hash where a field has many cells. */
gt_layer *gt_layer_merge(gt_arena *arena, const gt_layer *lower, const gt_layer *higher);
void gt_layer_merge_into(gt_arena *arena, gt_layer *out, const gt_layer *lower, const gt_layer *higher);
void gt_layer_own(gt_arena *arena, gt_layer *layer, gt_field_id field);

/* The cell with a value, or NULL. */
const gt_cell *gt_layer_get(const gt_layer *layer, gt_field_id field, gt_str key);
const gt_value *gt_layer_value(const gt_layer *layer, gt_field_id field, const char *key);

/* The layer as a PodTemplate document, with `unset` and `$patch: delete` for what it takes away. Canonical: fields in the order of their
 * table, lists in theirs, all else sorted; values as they were written. Parsed again it prints the same and merges to the same.
 * Keys in it are the layer's. */
gt_value *gt_layer_to_value(gt_arena *arena, const gt_layer *layer);

/* The template that a resolved layer stands for: cells with a value only, internal fields too. What is hashed and drift-checked. */
gt_value *gt_layer_resolved_value(gt_arena *arena, const gt_layer *layer);

/* One field of it as canonical JSON; nothing is appended when no layer sets it. */
void gt_layer_canonical_field(gt_buf *buf, const gt_layer *layer, gt_field_id field);

#endif
