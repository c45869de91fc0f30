#include "webhook/desired.h"

#include "lib/base/clock.h"
#include "lib/base/show.h"

#define NOT_UNDERSTOOD "NotUnderstood"

/* Of a condition's message; the CRD allows 32 KiB. */
enum { MESSAGE = 1000 };

typedef struct condition {
    const char *type;
    bool good;
    const char *reason;
    gt_str message;
} condition;

static gt_view stored_condition(gt_view stored, const char *type)
{
    GT_VIEW_EACH (c, gt_view_get(stored, "conditions"))
        if (gt_view_is(gt_view_get(c, "type"), type))
            return c;
    return (gt_view){NULL};
}

static void put_text(gt_arena *arena, gt_value *object, const char *key, gt_str text)
{
    gt_value_put(arena, object, key, gt_value_string(arena, text));
}

static void push(gt_arena *arena, gt_value *conditions, const gt_status_facts *facts, gt_view stored, condition c)
{
    const char *status = c.good ? "True" : "False";
    gt_view before = stored_condition(stored, c.type), since = gt_view_get(before, "lastTransitionTime");
    bool stays = gt_view_is(gt_view_get(before, "status"), status) && gt_view_str(since).len > 0;
    gt_value *value = gt_value_object(arena);
    char now[GT_CLOCK_TEXT];
    gt_buf message;
    gt_clock_text(facts->wall_ms, 0, now);
    gt_buf_init(&message, arena, 256);
    gt_show_text(&message, c.message, MESSAGE);
    put_text(arena, value, "type", gt_str_of(c.type));
    put_text(arena, value, "status", gt_str_of(status));
    put_text(arena, value, "reason", gt_str_of(c.reason));
    put_text(arena, value, "message", gt_buf_slice(&message));
    gt_value_put(arena, value, "observedGeneration", gt_value_int(arena, facts->object->generation));
    put_text(arena, value, "lastTransitionTime", stays ? gt_view_str(since) : gt_str_of(now));
    gt_value_push(conditions, value);
}

/* ---- Accepted ---- */

static bool is_about(gt_view c, const gt_status_facts *facts)
{
    int64_t generation;
    return gt_view_int(gt_view_get(c, "observedGeneration"), &generation) && generation == facts->object->generation;
}

/* Another version of this program took this very generation for right. */
static bool is_of_another(gt_view stored, gt_view accepted, const gt_status_facts *facts)
{
    gt_view engine = gt_view_get(stored, "engine");
    return is_about(accepted, facts) && gt_view_is(gt_view_get(accepted, "status"), "True") &&
           gt_view_str(engine).len > 0 && !gt_view_is(engine, facts->engine);
}

static void add_problem(gt_buf *text, const gt_store_object *object)
{
    gt_buf_text(text, object->field);
    gt_buf_text(text, object->field[0] != '\0' ? ": " : "");
    gt_buf_text(text, object->message);
    if (object->errors > 1)
        gt_buf_printf(text, " (and %zu more)", object->errors - 1);
}

static gt_str message_of(gt_arena *arena, const gt_store_object *object)
{
    gt_buf text;
    gt_buf_init(&text, arena, 256);
    if (object->verdict == GT_VERDICT_ACCEPTED) {
        if (object->warnings > 0)
            gt_buf_printf(&text, "%zu warning%s: %s", object->warnings, object->warnings == 1 ? "" : "s",
                          object->first_warning);
        return gt_buf_slice(&text);
    }
    add_problem(&text, object);
    if (object->verdict == GT_VERDICT_KEPT && object->live_generation > 0)
        gt_buf_printf(&text, "; generation %lld stays in use", (long long)object->live_generation);
    else if (object->verdict == GT_VERDICT_REJECTED)
        gt_buf_text(&text, "; no good version of it is known: pods that need it fail");
    return gt_buf_slice(&text);
}

static condition accepted(gt_arena *arena, const gt_status_facts *facts, gt_view stored)
{
    const gt_store_object *object = facts->object;
    gt_view before = stored_condition(stored, "Accepted");
    condition c = {.type = "Accepted",
                   .good = object->verdict == GT_VERDICT_ACCEPTED,
                   .reason = gt_verdict_reason(object->verdict),
                   .message = message_of(arena, object)};
    bool bad = object->verdict == GT_VERDICT_KEPT || object->verdict == GT_VERDICT_REJECTED;
    if (bad && is_of_another(stored, before, facts)) {
        c.reason = NOT_UNDERSTOOD;
        c.message = gt_str_of(gt_arena_printf(arena, "version %s accepted generation %lld, this one (%s) can't: %s",
                                              gt_view_str(gt_view_get(stored, "engine")).at,
                                              (long long)object->generation, facts->engine, c.message.at));
    } else if (bad && is_about(before, facts) && gt_view_is(gt_view_get(before, "reason"), NOT_UNDERSTOOD)) {
        c.reason = NOT_UNDERSTOOD;
        c.message = gt_view_str(gt_view_get(before, "message"));
    }
    return c;
}

/* ---- the others: only once there is something to say ---- */

static condition claims(gt_arena *arena, const gt_status_facts *facts)
{
    condition c = {.type = "ClaimsAsTemplated", .good = facts->mismatches == 0, .reason = "AsTemplated"};
    c.message = GT_STR("all claims are as this object says");
    if (c.good)
        return c;
    c.reason = "Mismatch";
    c.message = facts->mismatches == 1
                    ? gt_str_of(facts->mismatch)
                    : gt_str_of(gt_arena_printf(arena, "%zu claims: %s", facts->mismatches, facts->mismatch));
    return c;
}

static condition pods_admitted(const gt_status_facts *facts)
{
    bool good = facts->denied == NULL;
    return (condition){.type = "PodsAdmitted",
                       .good = good,
                       .reason = good ? "Admitted" : "Denied",
                       .message = good ? GT_STR("pods that need this object are admitted") : gt_str_of(facts->denied)};
}

static void keep(gt_arena *arena, gt_value *list, gt_view stored)
{
    gt_value *value;
    gt_err err;
    if (gt_view_exists(stored) && gt_value_from_view(arena, stored, &value, &err))
        gt_value_push(list, value);
}

static gt_value *conditions_of(gt_arena *arena, const gt_status_facts *facts, gt_view stored)
{
    gt_value *conditions = gt_value_array(arena);
    gt_view claims_before = stored_condition(stored, "ClaimsAsTemplated");
    push(arena, conditions, facts, stored, accepted(arena, facts, stored));
    if (!facts->claims_known)
        keep(arena, conditions, claims_before);
    else if (facts->mismatches > 0 || gt_view_exists(claims_before))
        push(arena, conditions, facts, stored, claims(arena, facts));
    if (facts->denied != NULL || gt_view_exists(stored_condition(stored, "PodsAdmitted")))
        push(arena, conditions, facts, stored, pods_admitted(facts));
    return conditions;
}

/* ---- the whole ---- */

static gt_value *pods_of(gt_arena *arena, const gt_pod_counts *counts)
{
    gt_value *pods = gt_value_object(arena), *hashes = gt_value_array(arena);
    gt_value_put(arena, pods, "total", gt_value_int(arena, (int64_t)counts->total));
    gt_value_put(arena, pods, "current", gt_value_int(arena, (int64_t)counts->current));
    gt_value_put(arena, pods, "older", gt_value_int(arena, (int64_t)(counts->total - counts->current)));
    for (size_t i = 0; i < counts->hash_count; i++) {
        gt_value *hash = gt_value_object(arena);
        put_text(arena, hash, "hash", gt_str_of(counts->hashes[i].hash));
        gt_value_put(arena, hash, "pods", gt_value_int(arena, (int64_t)counts->hashes[i].pods));
        gt_value_push(hashes, hash);
    }
    gt_value_put(arena, pods, "hashes", hashes);
    return pods;
}

gt_value *gt_status_desired(gt_arena *arena, const gt_status_facts *facts, gt_view stored)
{
    const gt_store_object *object = facts->object;
    gt_value *status = gt_value_object(arena), *pods = NULL;
    gt_view pods_before = gt_view_get(stored, "pods");
    gt_err err;
    gt_value_put(arena, status, "observedGeneration", gt_value_int(arena, object->generation));
    if (object->live_generation > 0)
        gt_value_put(arena, status, "lastGoodGeneration", gt_value_int(arena, object->live_generation));
    put_text(arena, status, "engine", gt_str_of(facts->engine));
    gt_value_put(arena, status, "conditions", conditions_of(arena, facts, stored));
    if (facts->pods != NULL)
        pods = pods_of(arena, facts->pods);
    else if (gt_view_exists(pods_before) && !gt_value_from_view(arena, pods_before, &pods, &err))
        pods = NULL;
    if (pods != NULL)
        gt_value_put(arena, status, "pods", pods);
    return status;
}

/* ---- comparing ---- */

static bool is_same(gt_view stored, const gt_value *wanted);

/* Lists of ours are sets: server-side apply keeps the order that it has. */
static bool holds_all(gt_view stored, const gt_value *wanted)
{
    GT_VALUE_EACH (element, wanted) {
        bool found = false;
        GT_VIEW_EACH (have, stored)
            found = found || is_same(have, element);
        if (!found)
            return false;
    }
    return true;
}

static bool is_same(gt_view stored, const gt_value *wanted)
{
    int64_t a, b;
    switch (wanted->type) {
    case GT_VALUE_STRING: return gt_view_is(stored, wanted->text.at);
    case GT_VALUE_NUMBER: return gt_view_int(stored, &a) && gt_value_as_int(wanted, &b) && a == b;
    case GT_VALUE_ARRAY: return gt_view_count(stored) == wanted->count && holds_all(stored, wanted);
    case GT_VALUE_OBJECT: break;
    default: return false;
    }
    GT_VALUE_EACH (member, wanted)
        if (!is_same(gt_view_get_str(stored, member->key), member))
            return false;
    return gt_view_count(stored) == wanted->count;
}

bool gt_status_is(gt_view stored, const gt_value *desired)
{
    static const char *const ours[] = {"observedGeneration", "lastGoodGeneration", "engine", "pods"};
    for (size_t i = 0; i < sizeof ours / sizeof *ours; i++) {
        gt_view have = gt_view_get(stored, ours[i]);
        const gt_value *wanted = gt_value_get(desired, ours[i]);
        if (wanted == NULL ? gt_view_exists(have) : !is_same(have, wanted))
            return false;
    }
    return holds_all(gt_view_get(stored, "conditions"), gt_value_get(desired, "conditions"));
}

const gt_value *gt_status_condition(const gt_value *status, const char *type)
{
    GT_VALUE_EACH (c, gt_value_get(status, "conditions"))
        if (gt_value_is(gt_value_get(c, "type"), type))
            return c;
    return NULL;
}

bool gt_status_is_bad_news(gt_view stored, const gt_value *desired)
{
    static const char *const told[] = {"status", "observedGeneration", "message"};
    const gt_value *now = gt_status_condition(desired, "Accepted");
    gt_view before = stored_condition(stored, "Accepted");
    if (!gt_value_is(gt_value_get(now, "status"), "False"))
        return false;
    for (size_t i = 0; i < sizeof told / sizeof *told; i++)
        if (!is_same(gt_view_get(before, told[i]), gt_value_get(now, told[i])))
            return true;
    return false;
}
