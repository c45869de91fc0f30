#include "injector/resolve.h"

#include "lib/base/hash.h"
#include "lib/kube/quantity.h"

static bool is_request(const gt_cell *cell)
{
    return cell->value != NULL && gt_str_starts(cell->key, "requests.");
}

static gt_str resource_of(const gt_cell *request)
{
    const size_t prefix = strlen("requests.");
    return (gt_str){request->key.at + prefix, request->key.len - prefix};
}

/* What limits.X says for a request of X, or NULL. */
static const gt_cell *limit_of(gt_arena *arena, const gt_layer *layer, const gt_cell *request)
{
    const char *key = gt_arena_printf(arena, "limits.%.*s", GT_STR_ARG(resource_of(request)));
    return gt_layer_get(layer, GT_FIELD_RESOURCES, gt_str_of(key));
}

static bool is_above(const gt_cell *request, const gt_cell *limit)
{
    gt_quantity low, high;
    return limit != NULL && gt_quantity_parse(request->value->text, &low) &&
           gt_quantity_parse(limit->value->text, &high) && gt_quantity_cmp(low, high) > 0;
}

bool gt_resolve_is_unsettled(gt_arena *arena, const gt_layer *layer)
{
    const gt_cells *cells = &layer->cells[GT_FIELD_RESOURCES];
    for (uint32_t i = 0; i < cells->count; i++)
        if (is_request(&cells->at[i]) && is_above(&cells->at[i], limit_of(arena, layer, &cells->at[i])))
            return true;
    return false;
}

const gt_layer *gt_resolve_settle(gt_record *record, const gt_plan *plan, const gt_layer *merged, gt_str role)
{
    gt_arena *arena = record->arena;
    const gt_cells *cells = &merged->cells[GT_FIELD_RESOURCES];
    bool touched = plan->event != NULL && !gt_layer_is_silent(plan->event, GT_FIELD_RESOURCES);
    if (!plan->unsettled && !touched)
        return merged;
    gt_layer *settled = NULL;
    for (uint32_t i = 0; i < cells->count; i++) {
        const gt_cell *request = &cells->at[i];
        const gt_cell *limit = is_request(request) ? limit_of(arena, merged, request) : NULL;
        if (!is_above(request, limit))
            continue;
        if (settled == NULL) {
            settled = gt_layer_merge(arena, merged, gt_layer_new(arena));
            gt_layer_own(arena, settled, GT_FIELD_RESOURCES);
        }
        bool lift = request->origin >= limit->origin;
        const gt_cell *winner = lift ? request : limit, *loser = lift ? limit : request;
        gt_pointer spec = gt_member(NULL, "spec"), containers = gt_member(&spec, "containers"),
                   agent = gt_labelled(&containers, 0, GT_STR("agent")), resources = gt_member(&agent, "resources"),
                   list = gt_member(&resources, lift ? "limits" : "requests");
        gt_pointer at = gt_member_str(&list, resource_of(request));
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

/* ---- the hash ---- */

/* Canonical JSON of a field, empty: nothing sets it. As compiled, where the event has no say; made anew elsewhere. */
static gt_str canonical_of(gt_arena *arena, const gt_plan *plan, const gt_layer *resolved, gt_field_id f)
{
    bool settled = f == GT_FIELD_RESOURCES && resolved != plan->merged;
    if (!settled && (plan->event == NULL || gt_layer_is_silent(plan->event, f)))
        return plan->canonical[f];
    gt_buf anew;
    gt_buf_init(&anew, arena, 128);
    gt_layer_canonical_field(&anew, resolved, f);
    return gt_buf_slice(&anew);
}

/* {"podSecurity":...,"role":...,"template":{...}}, keys in order: canonical JSON. */
void gt_resolve_hash(gt_arena *arena, const gt_plan *plan, const gt_layer *resolved, gt_str role, char hash[17])
{
    static const gt_str openings[GT_FIELD_COUNT] = {
#define X(id, name, merge, type, what) GT_STR_INIT(",\"" name "\":"),
        GT_FIELDS(X)
#undef X
    };
    gt_buf whole;
    gt_buf_init(&whole, arena, 4096);
    gt_buf_text(&whole, "{\"podSecurity\":");
    gt_json_string(&whole, gt_str_of(gt_security_names[plan->town->policy.security]));
    gt_buf_text(&whole, ",\"role\":");
    gt_json_string(&whole, role);
    gt_buf_text(&whole, ",\"template\":{");
    size_t comma = 1; /* the first one has none */
    for (int i = 0; i < GT_FIELD_COUNT; i++) {
        gt_field_id f = gt_fields_sorted[i];
        gt_str value = canonical_of(arena, plan, resolved, f);
        if (value.len == 0)
            continue;
        gt_buf_add(&whole, openings[f].at + comma, openings[f].len - comma);
        gt_buf_str(&whole, value);
        comma = 0;
    }
    gt_buf_text(&whole, "}}");
    gt_sha256_hex(gt_buf_slice(&whole), hash, 16);
}
