/* One pass walks all pods, and compares what the templates say of a pod's claim (as judged, so without the engine) with what there is. A pass
 * is made when something has changed, or a back-off is over; it stops where there's no room for calls, and goes on when one is over. */
#include <stdio.h>
#include <stdlib.h>

#include "lib/base/clock.h"
#include "lib/base/log.h"
#include "lib/kube/quantity.h"
#include "webhook/claims_inside.h"

enum {
    PAUSE_US = 20 * 1000,           /* from one pass to the next: each looks at all pods */
    PAUSE_FACTOR = 4,               /* and so many times what it took, when those are very many */
    CALM_US = 1000 * 1000,          /* after it was created: whatever came back, it isn't asked for again at once */
    FOREIGN_US = 600 * 1000 * 1000, /* somebody's own claim, which no informer of ours shows: is it still there? */
};

/* ---- telling ---- */

/* Once for each claim and message; what can't be sent now is told by the next failure. */
static void tell(gt_pvcs *claims, gt_known_claim *c, const gt_errand *e, const char *reason, const char *message)
{
    enum { ROOM = 1024 };
    uint64_t what = gt_digest(gt_digest(GT_DIGEST_START, reason), message);
    char text[ROOM];
    gt_err err;
    gt_errand *event = c->told == what ? NULL : gt_errand_new(claims, e->key, e->ns, e->name, e->uid);
    if (event == NULL)
        return;
    snprintf(text, sizeof text, "claim %s: %s", gt_claim_name(c), message);
    const gt_kube_event about = {
        .api_version = "v1",
        .kind = "Pod",
        .warning = true,
        .reason = reason,
        .message = gt_str_of(text),
        .component = GT_MANAGED_BY,
        .instance = claims->instance,
        .wall_ms = claims->wall_ms,
    };
    if (gt_errand_tell(&claims->flight, event, about, &err))
        c->told = what;
}

/* ---- calls ---- */

static void failed(gt_pvcs *claims, gt_known_claim *c, const gt_errand *e, const char *what, const char *reason,
                   int64_t retry_after_ms, const gt_err *err)
{
    int64_t wait_us = gt_kube_backoff_fail(&c->backoff, retry_after_ms);
    c->not_before_us = claims->now_us + wait_us;
    claims->counts.failed++;
    claims->stirred = true;
    gt_log(GT_LOG_WARN, what, GT_F("claim", c->row.key), GT_F("reason", err->text), GT_FI("again_ms", wait_us / 1000));
    if (err->kind != GT_ERR_ENV && err->kind != GT_ERR_NOMEM)
        tell(claims, c, e, reason, err->text);
}

/* The claim that a call was about, which is free for another one now; NULL: the claim is gone. */
static gt_known_claim *returned(gt_pvcs *claims, const gt_errand *e)
{
    gt_known_claim *c = (gt_known_claim *)gt_table_find(&claims->table, e->key);
    if (c == NULL)
        return NULL;
    c->busy = false;
    claims->stirred = true;
    return c;
}

static void created(void *errand, gt_arena *arena, const gt_kube_answer *answer, const gt_err *failure)
{
    gt_errand *e = errand;
    gt_pvcs *claims = e->owner;
    gt_known_claim *c = returned(claims, e);
    (void)arena;
    if (c == NULL)
        return;
    if (failure == NULL) {
        claims->counts.created++;
        c->not_before_us = claims->now_us + CALM_US;
        gt_kube_backoff_reset(&c->backoff);
        c->told = 0;
        gt_log(GT_LOG_INFO, "created a claim", GT_F("claim", e->key), GT_F("pod", e->name));
        gt_pvcs_put(claims, answer->object); /* the informer may take its time */
    } else if (failure->kind == GT_ERR_CONFLICT && gt_str_is(answer->reason, "AlreadyExists")) {
        c->not_before_us = claims->now_us + FOREIGN_US;
        gt_kube_backoff_reset(&c->backoff);
        gt_log(GT_LOG_DEBUG, "a claim is there already", GT_F("claim", e->key));
    } else {
        failed(claims, c, e, "can't create a claim", "ClaimNotCreated", answer->retry_after_ms, failure);
    }
}

static void expanded(void *errand, gt_arena *arena, const gt_kube_answer *answer, const gt_err *failure)
{
    gt_errand *e = errand;
    gt_pvcs *claims = e->owner;
    gt_known_claim *c = returned(claims, e);
    (void)arena;
    if (c == NULL)
        return;
    if (failure == NULL) {
        claims->counts.expanded++;
        c->not_before_us = claims->now_us + gt_kube_backoff_fail(&c->backoff, -1); /* until it is seen to be as large */
        c->told = 0;
        gt_pvcs_put(claims, answer->object);
        gt_log(GT_LOG_INFO, "expanded a claim", GT_F("claim", e->key), GT_F("size", c->size));
    } else if (failure->kind != GT_ERR_NOT_FOUND) { /* gone: the informer says so */
        failed(claims, c, e, "can't expand a claim", "ClaimNotExpanded", answer->retry_after_ms, failure);
    }
}

static void start(gt_pvcs *claims, gt_known_claim *c, const gt_pod *pod, const gt_kube_request *request,
                  gt_flight_done done)
{
    gt_err err;
    gt_errand *e = gt_errand_new(claims, c->row.key, pod->ns, pod->name, pod->uid);
    if (e == NULL)
        gt_fail(&err, GT_ERR_NOMEM, "out of memory");
    c->busy = e != NULL && gt_flight_start(&claims->flight, request, e, done, &err);
    if (c->busy)
        return;
    c->not_before_us = claims->now_us + gt_kube_backoff_fail(&c->backoff, -1);
    claims->counts.failed++;
    gt_log(GT_LOG_WARN, "can't ask for a claim", GT_F("claim", c->row.key), GT_F("reason", err.text));
}

/* ---- a pass ---- */

typedef struct passing {
    gt_pvcs *claims;
    const gt_pods *pods;
    const gt_snapshot *snapshot;
} passing;

/* A wish that no claim can be made of, told as if the API server had refused it. */
static void refuse(gt_pvcs *claims, gt_known_claim *c, const gt_pod *pod, const char *message)
{
    gt_err err;
    gt_errand *e = gt_errand_new(claims, c->row.key, pod->ns, pod->name, pod->uid);
    gt_fail(&err, GT_ERR_INPUT, "%s", message);
    if (e != NULL)
        failed(claims, c, e, "can't create a claim", "ClaimNotCreated", -1, &err);
    free(e);
}

static void create(passing *p, gt_known_claim *c, const gt_pod *pod)
{
    gt_pvcs *claims = p->claims;
    gt_claim wanted;
    gt_arena_reset(claims->arena);
    if (!gt_pod_claim_of(claims->arena, pod, p->snapshot, &wanted))
        return; /* what it was judged by has changed: it's judged again */
    if (wanted.document == NULL) {
        refuse(claims, c, pod, "no layer sets storage.size: set it where storage.kind is set");
        return;
    }
    gt_kube_request request = gt_kube_create_request(claims->arena, &gt_kube_claims, pod->ns, wanted.document);
    start(claims, c, pod, &request, created);
}

static void expand(gt_pvcs *claims, gt_known_claim *c, const gt_pod *pod, const char *size)
{
    gt_arena *arena = claims->arena;
    gt_arena_reset(arena);
    gt_value *patch = gt_value_object(arena), *spec = gt_value_object(arena), *resources = gt_value_object(arena),
             *requests = gt_value_object(arena);
    gt_value_put(arena, requests, "storage", gt_value_text(arena, size));
    gt_value_put(arena, resources, "requests", requests);
    gt_value_put(arena, spec, "resources", resources);
    gt_value_put(arena, patch, "spec", spec);
    gt_kube_request request = gt_kube_merge_request(arena, &gt_kube_claims, pod->ns, pod->claim, NULL, patch);
    start(claims, c, pod, &request, expanded);
}

static bool may_try(const gt_pvcs *claims, const gt_known_claim *c)
{
    return !c->busy && claims->now_us >= c->not_before_us;
}

static void check_size(passing *p, gt_known_claim *c, const gt_pod *pod)
{
    const gt_pod_claim *wants = pod->wants;
    gt_quantity wanted, has;
    bool known = wants->size != NULL && gt_quantity_parse(gt_str_of(wants->size), &wanted) &&
                 gt_quantity_parse(gt_str_of(c->size), &has);
    int order = known ? gt_quantity_cmp(wanted, has) : 0;
    if (order <= 0)
        gt_kube_backoff_reset(&c->backoff);
    const char *message = NULL;
    const gt_object *class = gt_snapshot_class(p->snapshot, gt_str_of(c->class_name));
    bool expandable = order > 0 && class != NULL && class->expandable;
    gt_arena_reset(p->claims->arena);
    if (order < 0)
        message =
            gt_arena_printf(p->claims->arena, "claim %s has %s, storage.size from %s says %s: a claim never shrinks",
                            gt_claim_name(c), c->size, wants->size_from, wants->size);
    else if (order > 0 && !expandable)
        message = gt_arena_printf(
            p->claims->arena, "claim %s has %s, storage.size from %s says %s: the StorageClass %s %s", gt_claim_name(c),
            c->size, wants->size_from, wants->size, c->class_name[0] == '\0' ? "(none)" : c->class_name,
            class == NULL ? "isn't known, so it isn't expanded" : "doesn't allow expansion");
    gt_claim_differs(p->claims, c, GT_CLAIM_SIZE, wants->size_owner, message);
    if (expandable && c->bound && may_try(p->claims, c))
        expand(p->claims, c, pod, wants->size);
}

static void check_class(passing *p, gt_known_claim *c, const gt_pod *pod)
{
    const gt_pod_claim *wants = pod->wants;
    const char *message = NULL;
    gt_arena_reset(p->claims->arena);
    if (wants->class_name != NULL && strcmp(wants->class_name, c->class_name) != 0)
        message = gt_arena_printf(
            p->claims->arena,
            "claim %s has the class %s, storage.storageClassName from %s says %s: a claim keeps its class",
            gt_claim_name(c), c->class_name[0] == '\0' ? "(none)" : c->class_name, wants->class_from,
            wants->class_name[0] == '\0' ? "(none)" : wants->class_name);
    gt_claim_differs(p->claims, c, GT_CLAIM_CLASS, wants->class_owner, message);
}

static void visit(passing *p, const gt_pod *pod)
{
    gt_pvcs *claims = p->claims;
    if (pod->wants == NULL || pod->over || pod->leaving)
        return;
    gt_arena_reset(claims->arena);
    gt_known_claim *c = gt_claim_entry(claims, gt_arena_printf(claims->arena, "%s/%s", pod->ns, pod->claim));
    if (c == NULL || c->pass == claims->pass)
        return; /* another pod of this agent has asked already */
    c->pass = claims->pass;
    if (c->there && !c->leaving && pod->judged == claims->generation) {
        check_class(p, c, pod);
        check_size(p, c, pod);
    } else if (!c->there && may_try(claims, c)) {
        create(p, c, pod);
    }
}

static bool walk(void *context, gt_err *err)
{
    passing *p = context;
    gt_pvcs *claims = p->claims;
    (void)err;
    while (claims->cursor < gt_pods_count(p->pods) && !gt_flight_is_full(&claims->flight))
        visit(p, gt_pods_at(p->pods, claims->cursor++));
    return true;
}

/* What no pod asked for is forgotten, but for what there is. */
static void tidy(gt_pvcs *claims)
{
    claims->due_us = INT64_MAX;
    for (size_t i = claims->table.count; i-- > 0;) {
        gt_known_claim *c = (gt_known_claim *)claims->table.at[i];
        bool wanted = c->pass == claims->pass;
        for (int part = 0; part < GT_CLAIM_PARTS && !wanted; part++)
            gt_claim_differs(claims, c, (gt_claim_part)part, NULL, NULL);
        if (!wanted && !c->there && !c->busy)
            gt_claim_drop(claims, c);
        else if (wanted && !c->busy && c->not_before_us > claims->now_us && c->not_before_us < claims->due_us)
            claims->due_us = c->not_before_us;
    }
}

/* When the next pass is due, while none is under way. */
static int64_t due_of(const gt_pvcs *claims, const gt_pods *pods)
{
    bool changed = claims->stirred || claims->pods_version != gt_pods_version(pods);
    int64_t pause = claims->took_us * PAUSE_FACTOR;
    int64_t soon = claims->began_us + (pause > PAUSE_US ? pause : PAUSE_US);
    return changed && soon < claims->due_us ? soon : claims->due_us;
}

static void begin(gt_pvcs *claims, const gt_pods *pods, uint64_t generation)
{
    claims->walking = true;
    claims->stirred = false;
    claims->generation = generation;
    claims->pods_version = gt_pods_version(pods);
    claims->cursor = 0;
    claims->began_us = claims->now_us;
    claims->took_us = 0;
    claims->pass++;
}

int64_t gt_pvcs_run(gt_pvcs *claims, const gt_pods *pods, const gt_snapshot *snapshot, uint64_t generation,
                    int64_t now_us, int64_t wall_ms)
{
    passing p = {.claims = claims, .pods = pods, .snapshot = snapshot};
    gt_err err;
    claims->now_us = now_us;
    claims->wall_ms = wall_ms;
    if (claims->generation != generation || (!claims->walking && now_us >= due_of(claims, pods)))
        begin(claims, pods, generation);
    if (!claims->walking)
        return due_of(claims, pods);
    gt_arena_reset(claims->arena);
    int64_t started = gt_clock_mono_us();
    if (!gt_arena_try(claims->arena, walk, &p, &err))
        gt_log(GT_LOG_ERROR, "can't look after claims", GT_F("reason", err.text));
    claims->took_us += gt_clock_mono_us() - started;
    if (claims->cursor < gt_pods_count(pods))
        return claims->flight.count > 0 ? INT64_MAX : now_us; /* until a call is over */
    claims->walking = false;
    tidy(claims);
    return due_of(claims, pods);
}
