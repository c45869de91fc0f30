/* What a snapshot keeps: layers without their empty fields, and copies of texts and values.
 *
 * A gt_layer has room for each field, which is right for one that is worked on and far too much for thousands that are only looked at. A kept
 * layer has the fields that say something, each with the canonical JSON that the hash needs; plans point at the fields of
 * their layers. Documents aren't kept: texts and values are copied, equal texts once. */
#ifndef GT_INJECTOR_KEPT_H
#define GT_INJECTOR_KEPT_H

#include "injector/layer.h"
#include "lib/base/map.h"

typedef struct gt_kept_field {
    gt_field_id id;
    gt_cells cells, clears;
    gt_str canonical; /* as if no other layer were there; empty: nothing is set */
} gt_kept_field;

typedef struct gt_kept_layer {
    size_t count;
    const gt_kept_field *fields; /* in the order of their ids */
} gt_kept_layer;

/* Copies into `arena`. The others are only needed while something is added. */
typedef struct gt_keeper {
    gt_arena *arena, *scratch; /* scratch: for one call; the caller resets it when it likes */
    gt_map texts;              /* that are there already, by themselves; in an arena of its own */
} gt_keeper;

void gt_keeper_init(gt_keeper *keeper, gt_arena *arena, gt_arena *scratch, gt_arena *table);

gt_str gt_keep_text(gt_keeper *keeper, gt_str text);                     /* NUL-terminated */
const gt_value *gt_keep_value(gt_keeper *keeper, const gt_value *value); /* NULL stays NULL */

/* The layer itself must not be used any more: its cells are changed on the way. */
const gt_kept_layer *gt_keep_layer(gt_keeper *keeper, gt_layer *layer);

/* One field of a layer, whose texts and values are kept already. */
void gt_keep_field(gt_keeper *keeper, const gt_layer *layer, gt_field_id id, gt_kept_field *out);

/* NULL: the layer (which may be NULL) doesn't say anything there. */
const gt_kept_field *gt_kept_find(const gt_kept_layer *layer, gt_field_id id);
const gt_cell *gt_kept_get(const gt_kept_layer *layer, gt_field_id id, gt_str key); /* the cell with a value */

bool gt_kept_gives(const gt_kept_layer *layer); /* anything at all; false for NULL */

/* A layer to work on, with the fields of `kept`; nobody writes to them (see gt_layer_merge). */
void gt_kept_open(const gt_kept_layer *kept, gt_layer *layer);

#endif
