#include "injector/explain.h"

const char *gt_action_name(gt_action action)
{
    static const char *const names[] = {"keep", "set", "replace", "remove"};
    return names[action];
}

static bool is_env(const gt_pointer *place)
{
    return place->step != GT_STEP_MEMBER && place->up != NULL && gt_str_is(place->up->name, "env");
}

/* An env entry's own value says more than the entry. */
static const gt_value *shown_value(const gt_value *value, bool env)
{
    if (value == NULL || !env)
        return value;
    const gt_value *plain = gt_value_get(value, "value"), *reference = gt_value_get(value, "valueFrom");
    return plain != NULL ? plain : reference != NULL ? reference : value;
}

const gt_value *gt_explain_shown(const gt_pointer *place, const gt_value *value)
{
    return shown_value(value, is_env(place));
}

/* What the beaten layers had for the same cell, highest first. */
static gt_value *explain_over(gt_arena *arena, const gt_injection *injection, const gt_from *from)
{
    gt_value *over = gt_value_array(arena);
    for (int layer = GT_LAYER_COUNT - 1; from->kind == GT_FROM_LAYER && layer >= 0; layer--) {
        if ((from->beaten & 1u << layer) == 0)
            continue;
        const gt_cell *cell = gt_plan_cell(&injection->plan, (gt_layer_id)layer, from->field, from->key);
        gt_from beaten = {.kind = GT_FROM_LAYER, .layer = (uint8_t)layer, .field = from->field, .key = from->key};
        gt_value *entry = gt_value_object(arena);
        gt_value_put(arena, entry, "from", gt_value_string(arena, gt_from_title(arena, injection, &beaten)));
        if (cell != NULL)
            gt_value_put(arena, entry, "value",
                         gt_value_ref(arena, shown_value(cell->value, from->field == GT_FIELD_ENV)));
        gt_value_push(over, entry);
    }
    if (from->built_in != NULL) {
        gt_value *entry = gt_value_object(arena);
        gt_value_put(arena, entry, "from", gt_value_text(arena, "built-in"));
        gt_value_put(arena, entry, "value", gt_value_ref(arena, shown_value(from->built_in, true)));
        gt_value_push(over, entry);
    }
    return over;
}

static gt_value *explain_decision(gt_arena *arena, const gt_decision *decision, const gt_injection *injection)
{
    gt_value *row = gt_value_object(arena);
    const gt_value *value = gt_explain_shown(decision->place, decision->value);
    gt_value_put(arena, row, "field", gt_value_string(arena, gt_place_text(arena, decision->place)));
    gt_value_put(arena, row, "action", gt_value_text(arena, gt_action_name(decision->action)));
    if (value != NULL)
        gt_value_put(arena, row, "value", gt_value_ref(arena, value));
    if (decision->action == GT_ACTION_REPLACE && is_env(decision->place)) {
        gt_value_put(arena, row, "was", gt_value_text(arena, "value (not shown: it may be a secret)"));
    } else if (decision->action == GT_ACTION_REPLACE) {
        gt_buf was;
        gt_buf_init(&was, arena, 64);
        gt_view_show(&was, decision->old, 120);
        gt_value_put(arena, row, "was", gt_value_string(arena, gt_buf_slice(&was)));
    }
    gt_value_put(arena, row, "from", gt_value_string(arena, gt_from_title(arena, injection, &decision->from)));
    gt_value *over = explain_over(arena, injection, &decision->from);
    if (over->count > 0)
        gt_value_put(arena, row, "over", over);
    return row;
}

gt_value *gt_explain(gt_arena *arena, const gt_record *record, const gt_injection *injection)
{
    gt_value *rows = gt_value_array(arena);
    for (const gt_decision *decision = record->decisions; decision != NULL; decision = decision->next)
        gt_value_push(rows, explain_decision(arena, decision, injection));
    return rows;
}
