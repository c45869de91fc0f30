#include "injector/layer.h"

#include <stdlib.h>

#include "lib/base/map.h"

gt_layer *gt_layer_new(gt_arena *arena)
{
    return GT_NEW(arena, gt_layer);
}

bool gt_layer_is_silent(const gt_layer *layer, gt_field_id field)
{
    return layer->cells[field].count == 0 && layer->clears[field].count == 0;
}

bool gt_layer_is_empty(const gt_layer *layer)
{
    for (int f = 0; f < GT_FIELD_COUNT; f++)
        if (!gt_layer_is_silent(layer, (gt_field_id)f))
            return false;
    return true;
}

static gt_cell *find(const gt_cells *cells, gt_str key)
{
    if (cells->index != NULL)
        return gt_map_get(cells->index, key);
    for (uint32_t i = 0; i < cells->count; i++)
        if (gt_str_eq(cells->at[i].key, key))
            return &cells->at[i];
    return NULL;
}

const gt_cell *gt_cells_find(const gt_cells *cells, gt_str key)
{
    return find(cells, key);
}

/* Moves to a place with that much room. */
static void resize(gt_arena *arena, gt_cells *cells, uint32_t room)
{
    enum { FEW = 24 };
    gt_cell *at = GT_NEW_N(arena, gt_cell, room);
    if (cells->count > 0)
        memcpy(at, cells->at, cells->count * sizeof *at);
    cells->at = at;
    cells->room = room;
    cells->index = NULL;
    if (room <= FEW)
        return;
    cells->index = GT_NEW(arena, gt_map);
    gt_map_init(cells->index, arena);
    for (uint32_t i = 0; i < cells->count; i++)
        gt_map_put(cells->index, at[i].key, &at[i]);
}

static void grow(gt_arena *arena, gt_cells *cells)
{
    resize(arena, cells, cells->room == 0 ? 4 : cells->room * 2);
}

gt_cells gt_cells_copy(gt_arena *arena, const gt_cells *cells)
{
    gt_cells copy = *cells;
    if (cells->count == 0)
        return (gt_cells){.at = NULL};
    resize(arena, &copy, cells->count);
    return copy;
}

static void append(gt_arena *arena, gt_cells *cells, gt_cell cell)
{
    if (cells->count == cells->room)
        grow(arena, cells);
    gt_cell *added = &cells->at[cells->count++];
    *added = cell;
    if (cells->index != NULL)
        gt_map_put(cells->index, added->key, added);
}

void gt_layer_set(gt_arena *arena, gt_layer *layer, gt_field_id field, gt_str key, const gt_value *value,
                  gt_layer_id origin)
{
    gt_cell cell = {.key = key, .value = value, .origin = (uint8_t)origin};
    gt_cell *there = find(&layer->cells[field], key);
    if (there != NULL)
        *there = cell;
    else
        append(arena, &layer->cells[field], cell);
}

void gt_layer_clear(gt_arena *arena, gt_layer *layer, gt_field_id field, gt_str key, gt_layer_id origin)
{
    if (find(&layer->clears[field], key) == NULL)
        append(arena, &layer->clears[field], (gt_cell){.key = key, .origin = (uint8_t)origin});
}

const gt_cell *gt_layer_get(const gt_layer *layer, gt_field_id field, gt_str key)
{
    const gt_cell *cell = find(&layer->cells[field], key);
    return cell == NULL || cell->value == NULL ? NULL : cell;
}

const gt_value *gt_layer_value(const gt_layer *layer, gt_field_id field, const char *key)
{
    const gt_cell *cell = gt_layer_get(layer, field, gt_str_of(key));
    return cell == NULL ? NULL : cell->value;
}

/* ---- merge ---- */

/* Whether something above the key is among the clears. Keys have one level, or two in fields that nest, parted by the first dot: a
 * resource's own name may hold more of them. */
static bool is_cleared_above(const gt_cells *clears, gt_field_id field, gt_str key)
{
    gt_merge_rule rule = gt_field_rows[field].merge;
    const char *dot = key.len == 0 ? NULL : memchr(key.at, '.', key.len);
    bool nests = dot != NULL && (rule == GT_MERGE_RESOURCES || rule == GT_MERGE_STRUCT);
    return clears->count > 0 && ((key.len > 0 && find(clears, (gt_str){"", 0}) != NULL) ||
                                 (nests && find(clears, (gt_str){key.at, (size_t)(dot - key.at)}) != NULL));
}

static bool is_cleared(const gt_cells *clears, gt_field_id field, gt_str key)
{
    return clears->count > 0 && (find(clears, key) != NULL || is_cleared_above(clears, field, key));
}

static uint8_t with_bit(uint8_t set, uint8_t layer)
{
    return (uint8_t)(set | 1u << layer);
}

/* The same cells, not copied: nobody may write to them, and what is appended gets room of its own. */
static gt_cells shared(const gt_cells *cells)
{
    gt_cells same = *cells;
    same.room = same.count;
    return same;
}

static void merge_field(gt_arena *arena, gt_layer *out, const gt_layer *lower, const gt_layer *higher, gt_field_id f)
{
    gt_cells *cells = &out->cells[f];
    if (gt_layer_is_silent(higher, f) || gt_layer_is_silent(lower, f)) {
        const gt_layer *only = gt_layer_is_silent(higher, f) ? lower : higher;
        out->cells[f] = shared(&only->cells[f]);
        out->clears[f] = shared(&only->clears[f]);
        return;
    }
    for (uint32_t i = 0; i < lower->cells[f].count; i++) {
        gt_cell cell = lower->cells[f].at[i];
        if (is_cleared(&higher->clears[f], f, cell.key))
            continue;
        const gt_cell *winner = find(&higher->cells[f], cell.key);
        if (winner != NULL) {
            uint8_t beaten = (uint8_t)(with_bit(cell.beaten, cell.origin) | winner->beaten);
            cell = *winner;
            cell.beaten = beaten;
        }
        append(arena, cells, cell);
    }
    for (uint32_t i = 0; i < higher->cells[f].count; i++) {
        gt_cell cell = higher->cells[f].at[i];
        const gt_cell *loser = find(&lower->cells[f], cell.key);
        bool cleared = is_cleared(&higher->clears[f], f, cell.key);
        if (loser != NULL && !cleared)
            continue; /* stands in the loser's place already */
        if (loser != NULL)
            cell.beaten = (uint8_t)(with_bit(loser->beaten, loser->origin) | cell.beaten);
        append(arena, cells, cell);
    }
    for (uint32_t i = 0; i < lower->clears[f].count; i++)
        if (!is_cleared(&higher->clears[f], f, lower->clears[f].at[i].key))
            append(arena, &out->clears[f], lower->clears[f].at[i]);
    for (uint32_t i = 0; i < higher->clears[f].count; i++)
        append(arena, &out->clears[f], higher->clears[f].at[i]);
}

void gt_layer_merge_into(gt_arena *arena, gt_layer *out, const gt_layer *lower, const gt_layer *higher)
{
    *out = (gt_layer){.cells = {{.at = NULL}}};
    for (int f = 0; f < GT_FIELD_COUNT; f++)
        merge_field(arena, out, lower, higher, (gt_field_id)f);
}

gt_layer *gt_layer_merge(gt_arena *arena, const gt_layer *lower, const gt_layer *higher)
{
    gt_layer *out = gt_layer_new(arena);
    gt_layer_merge_into(arena, out, lower, higher);
    return out;
}

void gt_layer_own(gt_arena *arena, gt_layer *layer, gt_field_id field)
{
    layer->cells[field] = gt_cells_copy(arena, &layer->cells[field]);
}

/* ---- as documents ----
 *
 * Canonical: layers that do the same to every layer below and above come out as the same bytes. So what has no order (maps, amounts,
 * members, unset) is sorted, lists keep theirs, and a path is unset only where that isn't said already. */

static int compare_keys(const void *a, const void *b)
{
    const gt_cell *const *x = a, *const *y = b;
    return gt_str_cmp((*x)->key, (*y)->key);
}

typedef struct sorted_cells {
    const gt_cell **at;
    size_t count;
} sorted_cells;

static void add_cells(sorted_cells *sorted, const gt_cells *cells)
{
    for (uint32_t i = 0; i < cells->count; i++)
        sorted->at[sorted->count++] = &cells->at[i];
}

static void sort_cells(sorted_cells *sorted)
{
    if (sorted->count > 1)
        qsort(sorted->at, sorted->count, sizeof *sorted->at, compare_keys);
}

/* Puts `value` at a key of one or two levels ("a", or "a.b" in fields that nest). Keys come sorted: what shares a first level is
 * neighbours. */
static void put_nested(gt_arena *arena, gt_value *object, gt_field_id field, gt_str key, gt_value *value)
{
    const char *dot = memchr(key.at, '.', key.len);
    gt_str head = dot == NULL ? key : (gt_str){key.at, (size_t)(dot - key.at)};
    bool two = dot != NULL && (gt_field_rows[field].merge == GT_MERGE_RESOURCES || gt_member_is_nested(field, head));
    if (!two) {
        gt_value_append(object, key, value);
        return;
    }
    gt_value *inner = object->last;
    if (inner == NULL || !gt_str_eq(inner->key, head)) {
        inner = gt_value_object(arena);
        gt_value_append(object, head, inner);
    }
    gt_value_append(inner, (gt_str){dot + 1, key.len - head.len - 1}, value);
}

static gt_value *object_value(gt_arena *arena, gt_field_id f, const gt_cells *cells)
{
    gt_value *out = gt_value_object(arena);
    sorted_cells sorted = {.at = GT_NEW_N(arena, const gt_cell *, cells->count)};
    add_cells(&sorted, cells);
    sort_cells(&sorted);
    for (size_t i = 0; i < sorted.count; i++)
        if (sorted.at[i]->value != NULL)
            put_nested(arena, out, f, sorted.at[i]->key, gt_value_ref(arena, sorted.at[i]->value));
    return out;
}

static gt_value *list_value(gt_arena *arena, gt_field_id f, const gt_cells *cells, bool deletions)
{
    gt_value *out = gt_value_array(arena);
    for (uint32_t i = 0; i < cells->count; i++) {
        const gt_cell *cell = &cells->at[i];
        if (cell->value != NULL) {
            gt_value_push(out, gt_value_ref(arena, cell->value));
        } else if (deletions && gt_field_rows[f].merge == GT_MERGE_NAMED) {
            gt_value *gone = gt_value_object(arena);
            gt_value_put(arena, gone, "name", gt_value_string(arena, cell->key));
            gt_value_put(arena, gone, "$patch", gt_value_text(arena, "delete"));
            gt_value_push(out, gone);
        }
    }
    return out;
}

static gt_value *field_value(gt_arena *arena, gt_field_id f, const gt_cells *cells, bool deletions)
{
    gt_value *out;
    switch (gt_field_rows[f].merge) {
    case GT_MERGE_WHOLE:
        return cells->count == 0 || cells->at[0].value == NULL ? NULL : gt_value_ref(arena, cells->at[0].value);
    case GT_MERGE_NAMED:
    case GT_MERGE_MOUNTS: out = list_value(arena, f, cells, deletions); break;
    default: out = object_value(arena, f, cells); break;
    }
    return out->count > 0 ? out : NULL;
}

/* A key with nothing below it: a cell of its own replaces whatever is inherited there. */
static bool is_leaf(gt_field_id f, gt_str key)
{
    if (key.len == 0)
        return false;
    gt_merge_rule rule = gt_field_rows[f].merge;
    return memchr(key.at, '.', key.len) != NULL || (rule == GT_MERGE_STRUCT && !gt_member_is_nested(f, key));
}

/* Whether something else in the layer takes away the same, or puts something in its place. */
static bool is_said_already(const gt_layer *layer, gt_field_id f, gt_str key)
{
    return is_cleared_above(&layer->clears[f], f, key) || (is_leaf(f, key) && gt_layer_get(layer, f, key) != NULL);
}

/* Deletions from lists of named things stand in the list, because they keep a place there. */
static void add_unset(gt_arena *arena, gt_value *unset, const gt_layer *layer, gt_field_id f)
{
    const gt_cells *cells = &layer->cells[f], *clears = &layer->clears[f];
    sorted_cells gone = {.at = GT_NEW_N(arena, const gt_cell *, cells->count + clears->count)};
    add_cells(&gone, clears);
    for (uint32_t i = 0; i < cells->count; i++)
        if (cells->at[i].value == NULL && gt_field_rows[f].merge != GT_MERGE_NAMED)
            gone.at[gone.count++] = &cells->at[i];
    sort_cells(&gone);
    const char *name = gt_field_rows[f].name;
    for (size_t i = 0; i < gone.count; i++) {
        gt_str key = gone.at[i]->key;
        if (is_said_already(layer, f, key))
            continue;
        const char *path = key.len == 0 ? name : gt_arena_printf(arena, "%s.%.*s", name, GT_STR_ARG(key));
        gt_value_push(unset, gt_value_text(arena, path));
    }
}

gt_value *gt_layer_to_value(gt_arena *arena, const gt_layer *layer)
{
    gt_value *out = gt_value_object(arena), *unset = gt_value_array(arena);
    for (int f = 0; f < GT_FIELD_COUNT; f++) {
        gt_value *value = field_value(arena, (gt_field_id)f, &layer->cells[f], true);
        if (value != NULL)
            gt_value_put(arena, out, gt_field_rows[f].name, value);
        add_unset(arena, unset, layer, (gt_field_id)f);
    }
    if (unset->count > 0)
        gt_value_put(arena, out, "unset", unset);
    return out;
}

void gt_layer_canonical_field(gt_buf *buf, const gt_layer *layer, gt_field_id field)
{
    const gt_value *value = field_value(buf->arena, field, &layer->cells[field], false);
    if (value != NULL)
        gt_value_canonical(buf, value);
}

gt_value *gt_layer_resolved_value(gt_arena *arena, const gt_layer *layer)
{
    gt_value *out = gt_value_object(arena);
    for (int f = 0; f < GT_FIELD_COUNT; f++) {
        gt_value *value = field_value(arena, (gt_field_id)f, &layer->cells[f], false);
        if (value != NULL)
            gt_value_put(arena, out, gt_field_rows[f].name, value);
    }
    return out;
}
