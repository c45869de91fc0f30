#include "injector/kept.h"

void gt_keeper_init(gt_keeper *keeper, gt_arena *arena, gt_arena *scratch, gt_arena *table)
{
    keeper->arena = arena;
    keeper->scratch = scratch;
    gt_map_init(&keeper->texts, table);
}

gt_str gt_keep_text(gt_keeper *keeper, gt_str text)
{
    if (text.len == 0)
        return (gt_str){"", 0};
    const char *known = gt_map_get(&keeper->texts, text);
    if (known != NULL)
        return (gt_str){known, text.len};
    char *copy = gt_arena_dup(keeper->arena, text.at, text.len);
    gt_map_put(&keeper->texts, (gt_str){copy, text.len}, copy);
    return (gt_str){copy, text.len};
}

static gt_value *keep(gt_keeper *keeper, const gt_value *value)
{
    gt_value *copy = GT_NEW(keeper->arena, gt_value);
    *copy = *value;
    copy->text = gt_keep_text(keeper, value->text);
    copy->key = gt_keep_text(keeper, value->key);
    copy->first = copy->last = copy->next = NULL;
    copy->shared = false;
    GT_VALUE_EACH (child, value) {
        gt_value *twin = keep(keeper, child);
        if (copy->last == NULL)
            copy->first = twin;
        else
            copy->last->next = twin;
        copy->last = twin;
    }
    return copy;
}

const gt_value *gt_keep_value(gt_keeper *keeper, const gt_value *value)
{
    return value == NULL ? NULL : keep(keeper, value);
}

static void keep_cells(gt_keeper *keeper, gt_cells *cells)
{
    for (uint32_t i = 0; i < cells->count; i++) {
        cells->at[i].key = gt_keep_text(keeper, cells->at[i].key);
        cells->at[i].value = gt_keep_value(keeper, cells->at[i].value);
    }
}

void gt_keep_field(gt_keeper *keeper, const gt_layer *layer, gt_field_id id, gt_kept_field *out)
{
    gt_buf canonical;
    gt_buf_init(&canonical, keeper->scratch, 128);
    gt_layer_canonical_field(&canonical, layer, id);
    *out = (gt_kept_field){
        .id = id,
        .cells = gt_cells_copy(keeper->arena, &layer->cells[id]),
        .clears = gt_cells_copy(keeper->arena, &layer->clears[id]),
        .canonical = gt_keep_text(keeper, gt_buf_slice(&canonical)),
    };
}

const gt_kept_layer *gt_keep_layer(gt_keeper *keeper, gt_layer *layer)
{
    gt_kept_layer *kept = GT_NEW(keeper->arena, gt_kept_layer);
    for (int f = 0; f < GT_FIELD_COUNT; f++)
        kept->count += !gt_layer_is_silent(layer, (gt_field_id)f);
    gt_kept_field *fields = GT_NEW_N(keeper->arena, gt_kept_field, kept->count);
    size_t n = 0;
    for (int f = 0; f < GT_FIELD_COUNT; f++) {
        if (gt_layer_is_silent(layer, (gt_field_id)f))
            continue;
        keep_cells(keeper, &layer->cells[f]);
        keep_cells(keeper, &layer->clears[f]);
        gt_keep_field(keeper, layer, (gt_field_id)f, &fields[n++]);
    }
    kept->fields = fields;
    return kept;
}

const gt_kept_field *gt_kept_find(const gt_kept_layer *layer, gt_field_id id)
{
    for (size_t i = 0; layer != NULL && i < layer->count; i++)
        if (layer->fields[i].id == id)
            return &layer->fields[i];
    return NULL;
}

const gt_cell *gt_kept_get(const gt_kept_layer *layer, gt_field_id id, gt_str key)
{
    const gt_kept_field *field = gt_kept_find(layer, id);
    const gt_cell *cell = field == NULL ? NULL : gt_cells_find(&field->cells, key);
    return cell == NULL || cell->value == NULL ? NULL : cell;
}

bool gt_kept_gives(const gt_kept_layer *layer)
{
    return layer != NULL && layer->count > 0;
}

void gt_kept_open(const gt_kept_layer *kept, gt_layer *layer)
{
    *layer = (gt_layer){.cells = {{.at = NULL}}};
    for (size_t i = 0; i < kept->count; i++) {
        layer->cells[kept->fields[i].id] = kept->fields[i].cells;
        layer->clears[kept->fields[i].id] = kept->fields[i].clears;
    }
}
