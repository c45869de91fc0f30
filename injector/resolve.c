#include "injector/resolve.h"

#include "lib/base/hash.h"
#include "lib/kube/quantity.h"

static const gt_cell *cell_of(const gt_layer *layer, gt_arena *arena, const char *list, gt_str resource)
{
    return gt_layer_get(layer, GT_FIELD_RESOURCES,
                        gt_str_of(gt_arena_printf(arena, "%s.%.*s", list, GT_STR_ARG(resource))));
}

static bool is_above(const gt_cell *request, const gt_cell *limit)
{
    gt_quantity low, high;
    return request != NULL && limit != NULL && gt_quantity_parse(request->value->text, &low) &&
           gt_quantity_parse(limit->value->text, &high) && gt_quantity_cmp(low, high) > 0;
}

const gt_layer *gt_resolve_settle(gt_record *record, const gt_plan *plan, const gt_layer *merged, gt_str role)
{
    gt_arena *arena = record->arena;
    const gt_cells *cells = &merged->cells[GT_FIELD_RESOURCES];
    gt_layer *settled = NULL;
    for (uint32_t i = 0; i < cells->count; i++) {
        const gt_cell *request = &cells->at[i];
        if (request->value == NULL || !gt_str_starts(request->key, "requests."))
            continue;
        gt_str resource = {request->key.at + strlen("requests."), request->key.len - strlen("requests.")};
        const gt_cell *limit = cell_of(merged, arena, "limits", resource);
        if (!is_above(request, limit))
            continue;
        if (settled == NULL)
            settled = gt_layer_merge(arena, merged, gt_layer_new(arena)); /* a copy: the plan's is shared */
        bool lift = request->origin >= limit->origin;
        const gt_cell *winner = lift ? request : limit, *loser = lift ? limit : request;
        gt_pointer spec = gt_member(NULL, "spec"), containers = gt_member(&spec, "containers"),
                   agent = gt_labelled(&containers, 0, GT_STR("agent")), resources = gt_member(&agent, "resources"),
                   list = gt_member(&resources, lift ? "limits" : "requests");
        gt_pointer at = gt_member_str(&list, resource);
        gt_record_warn(record, &at, "%s %s to %s, the %s of %s", loser->value->text.at, lift ? "lifted" : "lowered",
                       winner->value->text.at, lift ? "request" : "limit",
                       gt_plan_layer_title(arena, plan, (gt_layer_id)winner->origin, role).at);
        uint8_t beaten = (uint8_t)(loser->beaten | 1u << loser->origin);
        gt_layer_set(arena, settled, GT_FIELD_RESOURCES, loser->key, winner->value, (gt_layer_id)winner->origin);
        gt_cells *copies = &settled->cells[GT_FIELD_RESOURCES];
        for (uint32_t c = 0; c < copies->count; c++)
            if (gt_str_eq(copies->at[c].key, loser->key))
                copies->at[c].beaten = beaten;
    }
    return settled == NULL ? merged : settled;
}

void gt_resolve_hash(gt_arena *arena, const gt_plan *plan, const gt_layer *resolved, gt_str role, char hash[17])
{
    gt_value *whole = gt_value_object(arena);
    gt_value_put(arena, whole, "role", gt_value_string(arena, role));
    gt_value_put(arena, whole, "podSecurity", gt_value_text(arena, gt_security_names[plan->town->policy.security]));
    gt_value_put(arena, whole, "template", gt_layer_resolved_value(arena, resolved));
    gt_buf canonical;
    gt_buf_init(&canonical, arena, 4096);
    gt_value_canonical(&canonical, whole);
    gt_sha256_hex(gt_buf_slice(&canonical), hash, 16);
}
