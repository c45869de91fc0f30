#include "webhook/reconciler.h"

#include <stdio.h>
#include <stdlib.h>

#include "injector/identity.h"
#include "lib/base/clock.h"
#include "lib/base/log.h"
#include "lib/kube/informer.h"

enum {
    SLICE_US = 5 * 1000, /* of judging, and of status: the loop has other things to do */
    PATIENCE_US =
        5 * 1000 * 1000, /* for pods and claims, and for pods to be judged, before a status is written without them */
};

typedef enum followed { PODS, CLAIMS, FOLLOWED } followed;

/* One informer's namespace. */
typedef struct post {
    gt_reconciler *reconciler;
    const char *ns; /* NULL: all */
    gt_informer *informers[FOLLOWED];
    char complaint[FOLLOWED][256]; /* what has been logged */
} post;

struct gt_reconciler {
    gt_reconciler_config config;
    gt_pods *pods;
    gt_pvcs *claims;
    gt_status *status;
    gt_census census;
    post *posts;
    size_t count;
    bool led;
    int64_t led_since_us;
    int64_t judged_us; /* when all pods were judged for the newest templates, last */
};

/* ---- informers ---- */

static void pods_began(void *context)
{
    const post *p = context;
    gt_pods_mark(p->reconciler->pods, p->ns);
}

static void pod_is(void *context, gt_view pod)
{
    const post *p = context;
    gt_pods_put(p->reconciler->pods, pod);
}

static void pod_gone(void *context, gt_view pod)
{
    const post *p = context;
    gt_pods_remove(p->reconciler->pods, pod);
}

static void pods_synced(void *context)
{
    const post *p = context;
    gt_pods_sweep(p->reconciler->pods, p->ns);
}

static void claims_began(void *context)
{
    const post *p = context;
    gt_pvcs_mark(p->reconciler->claims, p->ns);
}

static void claim_is(void *context, gt_view claim)
{
    const post *p = context;
    gt_pvcs_put(p->reconciler->claims, claim);
}

static void claim_gone(void *context, gt_view claim)
{
    const post *p = context;
    gt_pvcs_remove(p->reconciler->claims, claim);
}

static void claims_synced(void *context)
{
    const post *p = context;
    gt_pvcs_sweep(p->reconciler->claims, p->ns);
}

static bool man(gt_reconciler *r, post *p, const char *ns)
{
    gt_informer_config config = {.client = r->config.client,
                                 .ns = ns,
                                 .labels = GT_LABEL_AGENT,
                                 .context = p,
                                 .kind = &gt_kube_pods,
                                 .began = pods_began,
                                 .object = pod_is,
                                 .gone = pod_gone,
                                 .synced = pods_synced,
                                 .seed = r->config.seed++};
    *p = (post){.reconciler = r, .ns = ns};
    p->informers[PODS] = gt_informer_new(&config);
    config.kind = &gt_kube_claims;
    config.began = claims_began;
    config.object = claim_is;
    config.gone = claim_gone;
    config.synced = claims_synced;
    config.seed = r->config.seed++;
    p->informers[CLAIMS] = gt_informer_new(&config);
    return p->informers[PODS] != NULL && p->informers[CLAIMS] != NULL;
}

static bool man_all(gt_reconciler *r)
{
    const char *const *names = r->config.namespaces;
    size_t n = 0;
    while (names != NULL && names[n] != NULL)
        n++;
    r->posts = calloc(n == 0 ? 1 : n, sizeof *r->posts);
    if (r->posts == NULL)
        return false;
    r->count = n == 0 ? 1 : n;
    bool good = true;
    for (size_t i = 0; i < r->count; i++)
        good = man(r, &r->posts[i], n == 0 ? NULL : names[i]) && good;
    return good;
}

/* ---- making ---- */

gt_reconciler *gt_reconciler_new(const gt_reconciler_config *config)
{
    gt_reconciler *r = calloc(1, sizeof *r);
    if (r == NULL)
        return NULL;
    r->config = *config;
    const gt_status_config status = {.client = config->client,
                                     .store = config->store,
                                     .engine = config->version,
                                     .instance = config->instance,
                                     .seed = config->seed + 1,
                                     .denied = config->denied,
                                     .context = config->context};
    r->pods = gt_pods_new();
    r->claims = gt_pvcs_new(config->client, config->instance, config->seed + 2);
    r->status = gt_status_new(&status);
    bool good = gt_census_init(&r->census) && r->pods != NULL && r->claims != NULL && r->status != NULL;
    if (man_all(r) && good)
        return r;
    gt_reconciler_free(r);
    return NULL;
}

void gt_reconciler_free(gt_reconciler *reconciler)
{
    if (reconciler == NULL)
        return;
    for (size_t i = 0; i < reconciler->count; i++)
        for (int f = 0; f < FOLLOWED; f++)
            gt_informer_free(reconciler->posts[i].informers[f]);
    free(reconciler->posts);
    gt_status_free(reconciler->status);
    gt_pvcs_free(reconciler->claims);
    gt_pods_free(reconciler->pods);
    gt_census_end(&reconciler->census);
    free(reconciler);
}

/* ---- running ---- */

static void complain(post *p, followed f)
{
    static const char *const what[FOLLOWED] = {"pods", "claims"};
    gt_informer_state state = gt_informer_now(p->informers[f]);
    if (strncmp(state.problem, p->complaint[f], sizeof p->complaint[f] - 1) == 0)
        return;
    snprintf(p->complaint[f], sizeof p->complaint[f], "%s", state.problem);
    if (state.problem[0] != '\0')
        gt_log(GT_LOG_WARN, "can't follow the cluster", GT_F("what", what[f]), GT_F("namespace", p->ns),
               GT_F("reason", state.problem));
}

static int64_t follow(gt_reconciler *r, int64_t now_us)
{
    int64_t due = INT64_MAX;
    for (size_t i = 0; i < r->count; i++)
        for (int f = 0; f < FOLLOWED; f++) {
            due = gt_clock_earlier(due, gt_informer_run(r->posts[i].informers[f], now_us));
            complain(&r->posts[i], (followed)f);
        }
    return due;
}

static bool is_synced(const gt_reconciler *r, followed f)
{
    bool synced = true;
    for (size_t i = 0; i < r->count; i++)
        synced = gt_informer_now(r->posts[i].informers[f]).synced && synced;
    return synced;
}

/* The pods and claims as far as they are known; NULL: they aren't. */
static const gt_census *take(gt_reconciler *r, bool claims_known, uint64_t generation, int64_t now_us)
{
    gt_err err;
    if (gt_census_refresh(&r->census, r->pods, claims_known ? r->claims : NULL, generation, now_us, &err))
        return &r->census;
    gt_log(GT_LOG_ERROR, "can't count pods", GT_F("reason", err.text));
    return NULL;
}

/* With a snapshot in hand. Nothing is written about pods that aren't judged yet: half of a count would be a wrong one. */
static int64_t lead(gt_reconciler *r, const gt_snapshot *snapshot, uint64_t generation, int64_t now_us, int64_t wall_ms)
{
    int64_t due = INT64_MAX;
    bool pods_known = is_synced(r, PODS), claims_known = pods_known && is_synced(r, CLAIMS);
    bool patient = now_us < r->led_since_us + PATIENCE_US;
    bool judged = pods_known && gt_pods_judge(r->pods, snapshot, generation, now_us + SLICE_US);
    if (claims_known)
        due = gt_pvcs_run(r->claims, r->pods, snapshot, generation, now_us, wall_ms);
    if (judged)
        r->judged_us = now_us;
    else if (pods_known && now_us < r->judged_us + PATIENCE_US)
        return now_us;
    if (!claims_known && patient)
        return gt_clock_earlier(due, r->led_since_us + PATIENCE_US);
    const gt_census *census = judged ? take(r, claims_known, generation, now_us) : NULL;
    due = gt_clock_earlier(due, gt_status_run(r->status, census, generation, now_us, now_us + SLICE_US, wall_ms));
    return pods_known && !judged ? now_us : due;
}

int64_t gt_reconciler_run(gt_reconciler *reconciler, int64_t now_us, int64_t wall_ms, bool leading)
{
    gt_reconciler *r = reconciler;
    int64_t due = follow(r, now_us);
    if (leading && !r->led)
        r->led_since_us = r->judged_us = now_us;
    r->led = leading;
    if (!leading)
        return due;
    const gt_snapshot *snapshot = gt_catalogue_enter(r->config.catalogue, r->config.slot);
    uint64_t generation = gt_catalogue_now(r->config.catalogue).generation; /* published by this very thread */
    if (snapshot != NULL)
        due = gt_clock_earlier(due, lead(r, snapshot, generation, now_us, wall_ms));
    gt_catalogue_leave(r->config.catalogue, r->config.slot);
    return due;
}

gt_reconciler_state gt_reconciler_now(const gt_reconciler *reconciler)
{
    const gt_reconciler *r = reconciler;
    gt_pod_totals pods = gt_pods_totals(r->pods);
    gt_pvc_counts claims = gt_pvcs_now(r->claims);
    gt_status_counts statuses = gt_status_now(r->status);
    gt_reconciler_state state = {.synced = is_synced(r, PODS) && is_synced(r, CLAIMS),
                                 .problem = "",
                                 .pods = pods.pods,
                                 .drifted = pods.drifted,
                                 .claims_mismatched = claims.mismatched,
                                 .claims_created = claims.created,
                                 .claims_expanded = claims.expanded,
                                 .claims_failed = claims.failed,
                                 .statuses_written = statuses.written,
                                 .statuses_failed = statuses.failed};
    for (size_t i = 0; i < r->count && state.problem[0] == '\0'; i++)
        for (int f = 0; f < FOLLOWED && state.problem[0] == '\0'; f++)
            state.problem = gt_informer_now(r->posts[i].informers[f]).problem;
    return state;
}
