/* A pass walks the store's objects. What an object's status depends on is boiled down to a digest, so that a pass in which nothing has changed
 * costs a lookup an object; the status itself is made and compared with what is stored only when the digest is another one. */
#include "webhook/status.h"

#include <stdlib.h>

#include "catalogue/kinds.h"
#include "lib/base/clock.h"
#include "lib/base/log.h"
#include "lib/kube/backoff.h"
#include "webhook/errand.h"

enum {
    ARENA = 64 * 1024 * 1024,
    PASS_US = 1000 * 1000,
    FIRST_US = 1000 * 1000,
    MOST_US = 300 * 1000 * 1000,
};

typedef struct entry {
    gt_row row;        /* "Rig/ns/name" */
    char *place;       /* gt_census_place; NULL: not known yet */
    uint64_t content;  /* digest of what the place was read from */
    uint64_t settled;  /* what was written or needed no writing */
    uint64_t told;     /* of the last Event */
    bool busy, wanted; /* wanted: there is an object, in this pass */
    int64_t not_before_us;
    gt_kube_backoff backoff;
} entry;

struct gt_status {
    gt_status_config config;
    gt_table table;
    gt_flight flight;
    gt_arena *arena; /* reset for each object */
    gt_status_counts counts;
    int64_t now_us, wall_ms;
    /* passes */
    uint64_t generation;
    size_t cursor;
    bool walking;
    int64_t next_us;
};

gt_status *gt_status_new(const gt_status_config *config)
{
    gt_status *status = calloc(1, sizeof *status);
    if (status == NULL)
        return NULL;
    status->config = *config;
    status->flight.client = config->client;
    status->arena = gt_arena_new(ARENA);
    if (status->arena != NULL)
        return status;
    free(status);
    return NULL;
}

static void drop(void *context, gt_row *row)
{
    entry *e = (entry *)row; /* its first member */
    (void)context;
    free(e->place);
    free((char *)(uintptr_t)e->row.key); /* malloc'd with it */
    free(e);
}

void gt_status_free(gt_status *status)
{
    if (status == NULL)
        return;
    gt_flight_end(&status->flight);
    gt_table_clear(&status->table, drop, NULL);
    gt_arena_free(status->arena);
    free(status);
}

static entry *entry_of(gt_status *status, const char *key)
{
    entry *e = (entry *)gt_table_find(&status->table, key);
    if (e != NULL)
        return e;
    e = calloc(1, sizeof *e);
    char *copy = strdup(key);
    if (e != NULL && copy != NULL) {
        e->row.key = copy;
        e->backoff = (gt_kube_backoff){.first_us = FIRST_US, .most_us = MOST_US, .seed = status->config.seed++};
        if (gt_table_put(&status->table, &e->row, NULL))
            return e;
    }
    free(copy);
    free(e);
    return NULL;
}

/* ---- one object ---- */

typedef struct visit {
    gt_status *status;
    const gt_census *census;
    const gt_store_object *object;
    entry *entry;
    uint64_t digest;
} visit;

static gt_view parsed(gt_arena *arena, const char *json)
{
    gt_view view = {NULL};
    gt_err err;
    if (json == NULL || json[0] == '\0' || !gt_view_parse(arena, gt_str_of(json), 0, &view, &err))
        return (gt_view){NULL};
    return view;
}

static const char *text_of(gt_view object, const char *key)
{
    gt_str text = gt_view_str(gt_view_get(object, key));
    return text.len == 0 ? "" : text.at;
}

/* Where its pods are counted: by what is in use of it, or what it says. */
static void find_place(const visit *v)
{
    const gt_store_object *o = v->object;
    const char *content = o->good != NULL ? o->good : o->content;
    uint64_t digest = gt_digest(GT_DIGEST_START, content);
    if (v->entry->place != NULL && v->entry->content == digest)
        return;
    gt_arena *arena = v->status->arena;
    gt_view spec = gt_view_get(parsed(arena, content), "spec");
    const char *rig = o->kind == GT_KIND_RIG    ? text_of(spec, "name")
                      : o->kind == GT_KIND_POOL ? text_of(spec, "rig")
                                                : NULL;
    const char *role = o->kind == GT_KIND_POOL ? text_of(spec, "role") : NULL;
    const char *place = gt_census_place(arena, o->ns, rig, role);
    char *copy = strdup(place);
    if (copy == NULL)
        return;
    free(v->entry->place);
    v->entry->place = copy;
    v->entry->content = digest;
}

static gt_status_facts facts_of(visit *v)
{
    const gt_status_config *config = &v->status->config;
    const gt_store_object *o = v->object;
    gt_status_facts facts = {.object = o, .engine = config->engine, .wall_ms = v->status->wall_ms};
    uint64_t digest = gt_digest(gt_digest(GT_DIGEST_START, o->uid), o->status);
    digest = gt_digest(gt_digest(digest, o->field), o->message);
    digest = gt_digest(gt_digest(digest, o->first_warning), v->entry->place);
    const uint64_t numbers[] = {(uint64_t)o->generation, (uint64_t)o->live_generation, (uint64_t)o->verdict, o->errors,
                                o->warnings};
    for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++)
        digest = gt_digest_number(digest, numbers[i]);
    if (config->denied != NULL)
        facts.denied = config->denied(config->context, o);
    digest = gt_digest(digest, facts.denied);
    if (v->census != NULL && v->entry->place != NULL) {
        bool has_a_say = o->verdict != GT_VERDICT_DISPLACED;
        const gt_census_pods *pods = gt_census_pods_at(v->census, has_a_say ? v->entry->place : "");
        const char *owner = gt_arena_printf(v->status->arena, "%s/%s", gt_kind_names[o->kind], o->name);
        const gt_census_claims *claims = gt_census_claims_of(v->census, o->ns, owner);
        facts.pods = &pods->counts;
        facts.claims_known = v->census->claims_known;
        facts.mismatches = claims->mismatches;
        facts.mismatch = claims->first;
        digest = gt_digest_number(gt_digest_number(digest, pods->digest), claims->digest);
        digest = gt_digest_number(digest, 1 + (uint64_t)facts.claims_known);
    }
    v->digest = digest;
    return facts;
}

/* ---- writing ---- */

static void written(void *errand, gt_arena *arena, const gt_kube_answer *answer, const gt_err *failure)
{
    const gt_errand *errand_of = errand;
    gt_status *status = errand_of->owner;
    entry *e = (entry *)gt_table_find(&status->table, errand_of->key);
    (void)arena;
    bool gone = failure != NULL && (failure->kind == GT_ERR_NOT_FOUND || failure->kind == GT_ERR_CONFLICT);
    status->counts.written += failure == NULL;
    if (e == NULL)
        return;
    e->busy = false;
    if (failure == NULL) {
        e->settled = errand_of->number;
        e->not_before_us = 0;
        gt_kube_backoff_reset(&e->backoff);
        return;
    }
    e->not_before_us = status->now_us + gt_kube_backoff_fail(&e->backoff, answer->retry_after_ms);
    if (gone)
        return; /* its informer will say so; should it be there after all (a CRD came late, a write collided), it's tried again */
    status->counts.failed++;
    gt_log(GT_LOG_WARN, "can't write a status", GT_F("object", e->row.key), GT_F("reason", failure->text));
}

static gt_value *apply_of(gt_arena *arena, const gt_store_object *o, gt_value *desired)
{
    gt_value *object = gt_value_object(arena), *metadata = gt_value_object(arena);
    gt_value_put(arena, object, "apiVersion", gt_value_text(arena, GT_API_VERSION));
    gt_value_put(arena, object, "kind", gt_value_text(arena, gt_kind_names[o->kind]));
    gt_value_put(arena, metadata, "name", gt_value_text(arena, o->name));
    gt_value_put(arena, metadata, "namespace", gt_value_text(arena, o->ns));
    gt_value_put(arena, metadata, "uid", gt_value_text(arena, o->uid)); /* never that of another one of this name */
    gt_value_put(arena, object, "metadata", metadata);
    gt_value_put(arena, object, "status", desired);
    return object;
}

/* A write that is under way needn't tell it again when it's repeated. */
static void tell(const visit *v, const gt_value *desired)
{
    gt_status *status = v->status;
    const gt_store_object *o = v->object;
    const gt_value *accepted = gt_status_condition(desired, "Accepted");
    gt_str message = gt_value_str(gt_value_get(accepted, "message"));
    uint64_t what = gt_digest_number(gt_digest(GT_DIGEST_START, message.at), (uint64_t)o->generation);
    gt_err err;
    gt_errand *errand =
        v->entry->told == what ? NULL : gt_errand_new(status, v->entry->row.key, o->ns, o->name, o->uid);
    if (errand == NULL)
        return;
    const gt_kube_event event = {
        .api_version = GT_API_VERSION,
        .kind = gt_kind_names[o->kind],
        .warning = true,
        .reason = gt_value_str(gt_value_get(accepted, "reason")).at,
        .message = message,
        .component = GT_FIELD_MANAGER,
        .instance = status->config.instance,
        .wall_ms = status->wall_ms,
    };
    if (gt_errand_tell(&status->flight, errand, event, &err))
        v->entry->told = what;
}

static void write_status(const visit *v, gt_view stored, gt_value *desired)
{
    gt_status *status = v->status;
    const gt_store_object *o = v->object;
    gt_err err;
    bool news = gt_status_is_bad_news(stored, desired);
    gt_kube_request request = gt_kube_apply_request(status->arena, &gt_kind_resources[o->kind], o->ns, o->name,
                                                    "status", GT_FIELD_MANAGER, apply_of(status->arena, o, desired));
    gt_errand *errand = gt_errand_new(status, v->entry->row.key, o->ns, o->name, o->uid);
    if (errand == NULL)
        gt_fail(&err, GT_ERR_NOMEM, "out of memory");
    else
        errand->number = v->digest;
    v->entry->busy = errand != NULL && gt_flight_start(&status->flight, &request, errand, written, &err);
    if (v->entry->busy && news)
        tell(v, desired);
    if (v->entry->busy)
        return;
    status->counts.failed++;
    v->entry->not_before_us = status->now_us + gt_kube_backoff_fail(&v->entry->backoff, -1);
    gt_log(GT_LOG_WARN, "can't ask for a status", GT_F("object", v->entry->row.key), GT_F("reason", err.text));
}

static bool visit_object(void *context, gt_err *err)
{
    visit *v = context;
    gt_status *status = v->status;
    (void)err;
    const char *key =
        gt_arena_printf(status->arena, "%s/%s/%s", gt_kind_names[v->object->kind], v->object->ns, v->object->name);
    v->entry = entry_of(status, key);
    if (v->entry == NULL)
        return true;
    v->entry->wanted = true;
    if (v->object->pending)
        return true; /* the verdict is of the version before; its own comes with the next generation of the catalogue */
    if (v->entry->busy || status->now_us < v->entry->not_before_us)
        return true;
    find_place(v);
    const gt_status_facts facts = facts_of(v);
    if (v->digest == v->entry->settled)
        return true;
    gt_view stored = gt_view_get(parsed(status->arena, v->object->status), "status");
    gt_value *desired = gt_status_desired(status->arena, &facts, stored);
    if (gt_status_is(stored, desired))
        v->entry->settled = v->digest;
    else
        write_status(v, stored, desired);
    return true;
}

/* ---- a pass ---- */

/* Room for a write and its Event. */
static bool has_room(const gt_status *status)
{
    return status->flight.count + 2 <= GT_FLIGHT_MOST;
}

static void tidy(gt_status *status)
{
    for (size_t i = status->table.count; i-- > 0;) {
        entry *e = (entry *)status->table.at[i];
        if (!e->wanted && !e->busy)
            drop(NULL, gt_table_take(&status->table, e->row.key));
        else
            e->wanted = false;
    }
}

static void walk(gt_status *status, const gt_census *census, int64_t until_us)
{
    const gt_store *store = status->config.store;
    size_t visited = 0;
    for (; status->cursor < gt_store_count(store) && has_room(status); status->cursor++) {
        visit v = {.status = status, .census = census, .object = gt_store_at(store, status->cursor)};
        gt_err err;
        if (v.object->kind > GT_KIND_POOL || v.object->verdict == GT_VERDICT_NEW)
            continue;
        if (++visited % 64 == 0 && gt_clock_mono_us() >= until_us)
            break;
        gt_arena_reset(status->arena);
        if (!gt_arena_try(status->arena, visit_object, &v, &err))
            gt_log(GT_LOG_ERROR, "can't make a status", GT_F("object", v.object->name), GT_F("reason", err.text));
    }
    status->walking = status->cursor < gt_store_count(store);
    if (!status->walking)
        tidy(status);
}

int64_t gt_status_run(gt_status *status, const gt_census *census, uint64_t generation, int64_t now_us, int64_t until_us,
                      int64_t wall_ms)
{
    status->now_us = now_us;
    status->wall_ms = wall_ms;
    if (generation != status->generation || (!status->walking && now_us >= status->next_us)) {
        status->walking = true;
        status->cursor = 0;
        status->generation = generation;
        status->next_us = now_us + PASS_US;
    }
    if (status->walking)
        walk(status, census, until_us);
    if (!status->walking)
        return status->next_us;
    return has_room(status) ? now_us : INT64_MAX; /* until a call is over */
}

gt_status_counts gt_status_now(const gt_status *status)
{
    gt_status_counts counts = status->counts;
    counts.under_way = status->flight.count;
    return counts;
}
