/* Handlers of calls note how they went, and gt_keeper_run decides: it knows the time. One write is under way at a time; after it, nothing is decided
 * until what it changed has been seen, or for AWAIT_US: so what is decided on is never older than what we wrote. */
#include "certs/keeper.h"

#include <stdio.h>
#include <stdlib.h>

#include "certs/publish.h"
#include "certs/rotation.h"
#include "certs/secret_feed.h"
#include "lib/base/clock.h"
#include "lib/base/hash.h"
#include "lib/base/log.h"
#include "lib/kube/backoff.h"
#include "lib/kube/flight.h"

#define DAY INT64_C(86400)

enum {
    SETTLE_MS = 60 * 1000,
    OVERLAP_MS = 60 * 60 * 1000,
    STEADY_US = 60 * 1000 * 1000, /* of the clock: rotation.h */
    AWAIT_US = 10 * 1000 * 1000,
    FIRST_US = 200 * 1000,
    MOST_US = 60 * 1000 * 1000,
    PACE_US = 1000 * 1000, /* pods are refused until a bundle that somebody has removed is there again */
    TEXT = 1200,
};

typedef struct attempt {       /* of one sort of writing */
    gt_kube_backoff backoff;   /* of failures */
    gt_kube_backoff pace;      /* of successes */
    int64_t after_us, last_us; /* not before that; when it last worked */
    char problem[TEXT];
    bool over, failed;
    gt_err_kind kind;
    int64_t retry_after_ms;
} attempt;

typedef struct errand {
    gt_keeper *keeper;
    gt_rotation_act act;
} errand;

struct gt_keeper {
    gt_keeper_config config;
    gt_secret_feed feed;
    gt_flight flight;
    const char *wish; /* "leaf", "ca" or NULL */
    /* what was decided */
    gt_arena *arena;
    gt_rotation_step step;
    bool dirty;
    int64_t due_us;
    uint64_t observed_changes;
    gt_cert_facts signer;
    bool has_signer, published;
    /* what a decision needs to know of time */
    int64_t published_since_us, held_since_us, steady_since_us, offset_us;
    char published_bundle[GT_CERT_FINGERPRINT + 1], held[GT_CERT_FINGERPRINT + 1];
    bool has_time;
    /* writing */
    attempt write, publish;
    bool awaits_secret, awaits_entries;
    int64_t await_until_us;
    char awaited[128];
    uint64_t awaited_changes;
    uint64_t issued, published_count, authorities, failures;
};

/* ---- life ---- */

static void set_defaults(gt_keeper_config *c)
{
    c->ca_life_ms = c->ca_life_ms == 0 ? 3650 * DAY * 1000 : c->ca_life_ms;
    c->leaf_life_ms = c->leaf_life_ms == 0 ? 90 * DAY * 1000 : c->leaf_life_ms;
    c->settle_ms = c->settle_ms == 0 ? SETTLE_MS : c->settle_ms;
    c->overlap_ms = c->overlap_ms == 0 ? OVERLAP_MS : c->overlap_ms;
}

gt_keeper *gt_keeper_new(const gt_keeper_config *config)
{
    gt_keeper *keeper = calloc(1, sizeof *keeper);
    if (keeper == NULL)
        return NULL;
    keeper->config = *config;
    set_defaults(&keeper->config);
    keeper->flight.client = config->client;
    keeper->write.backoff = (gt_kube_backoff){.first_us = FIRST_US, .most_us = MOST_US, .seed = config->seed + 11};
    keeper->publish.backoff = (gt_kube_backoff){.first_us = FIRST_US, .most_us = MOST_US, .seed = config->seed + 12};
    keeper->write.pace = (gt_kube_backoff){.first_us = FIRST_US, .most_us = PACE_US, .seed = config->seed + 13};
    keeper->publish.pace = (gt_kube_backoff){.first_us = FIRST_US, .most_us = PACE_US, .seed = config->seed + 14};
    keeper->arena = gt_arena_new(0);
    keeper->step = (gt_rotation_step){.doing = "", .problem = ""};
    bool fed = gt_secret_feed_init(&keeper->feed, config->client, config->ns, config->secret, config->seed + 10);
    if (fed && keeper->arena != NULL)
        return keeper;
    gt_keeper_free(keeper);
    return NULL;
}

void gt_keeper_free(gt_keeper *keeper)
{
    if (keeper == NULL)
        return;
    gt_flight_end(&keeper->flight);
    gt_secret_feed_end(&keeper->feed);
    gt_arena_free(keeper->arena);
    free(keeper);
}

void gt_keeper_ask(gt_keeper *keeper, const char *what)
{
    keeper->wish = what;
    keeper->dirty = true;
}

/* ---- writing ---- */

static attempt *attempt_of(gt_keeper *keeper, gt_rotation_act act)
{
    return act == GT_ROTATION_PUBLISH ? &keeper->publish : &keeper->write;
}

static void note_failure(gt_keeper *keeper, gt_rotation_act act, const gt_err *err, int64_t retry_after_ms)
{
    attempt *a = attempt_of(keeper, act);
    bool conflict = act != GT_ROTATION_PUBLISH && err->kind == GT_ERR_CONFLICT; /* another one was faster */
    a->over = a->failed = true;
    a->kind = err->kind;
    a->retry_after_ms = retry_after_ms;
    a->problem[0] = '\0';
    if (conflict)
        return;
    keeper->failures++;
    if (act == GT_ROTATION_PUBLISH)
        snprintf(a->problem, sizeof a->problem, "the bundle can't be put on %s: %s", keeper->config.registration,
                 err->text);
    else
        snprintf(a->problem, sizeof a->problem, "writing Secret %s/%s: %s", keeper->config.ns, keeper->config.secret,
                 err->text);
    gt_log(GT_LOG_WARN, "certificates couldn't be written", GT_F("reason", a->problem));
}

static void count(gt_keeper *keeper, gt_rotation_act act)
{
    bool leaf = act == GT_ROTATION_CREATE || act == GT_ROTATION_LEAF || act == GT_ROTATION_SWITCH;
    bool authority = act == GT_ROTATION_CREATE || act == GT_ROTATION_PREPARE;
    keeper->issued += leaf;
    keeper->authorities += authority;
    keeper->published_count += act == GT_ROTATION_PUBLISH;
    if (keeper->wish != NULL &&
        ((leaf && strcmp(keeper->wish, "leaf") == 0) || (authority && strcmp(keeper->wish, "ca") == 0)))
        keeper->wish = NULL;
}

static void done(void *context, gt_arena *arena, const gt_kube_answer *answer, const gt_err *failure)
{
    const errand *e = context;
    gt_keeper *keeper = e->keeper;
    attempt *a = attempt_of(keeper, e->act);
    (void)arena;
    keeper->dirty = true;
    if (failure != NULL) {
        note_failure(keeper, e->act, failure, answer->retry_after_ms);
        return;
    }
    a->over = true;
    a->failed = false;
    a->problem[0] = '\0';
    count(keeper, e->act);
}

typedef struct writing {
    gt_keeper *keeper;
    const gt_rotation *now;
    gt_observed_state observed;
    gt_secret after;
    gt_kube_request requests[GT_REGISTRATION_KINDS];
    size_t count;
} writing;

/* A wish is this process's alone: it's never written down, where another one would fulfil it, too; nor does it end another one than the same. */
static gt_str renew_after(const gt_keeper *keeper, gt_str after)
{
    gt_str asked = keeper->feed.secret.renew;
    if (keeper->wish == NULL)
        return after;
    return after.len == 0 && gt_str_is(asked, keeper->wish) ? GT_STR("") : asked;
}

static bool write_secret(writing *w, gt_err *err)
{
    gt_keeper *keeper = w->keeper;
    const gt_keeper_config *c = &keeper->config;
    if (!gt_rotation_apply(keeper->arena, w->now, keeper->step.act, &w->after, err))
        return false;
    w->after.renew = renew_after(keeper, w->after.renew);
    gt_value *change = gt_secret_change(keeper->arena, c->secret, &keeper->feed.secret, &w->after);
    w->requests[w->count++] =
        keeper->feed.secret.exists
            ? gt_kube_merge_request(keeper->arena, &gt_kube_secrets, c->ns, c->secret, NULL, change)
            : gt_kube_create_request(keeper->arena, &gt_kube_secrets, c->ns, change);
    return true;
}

static bool write_requests(void *context, gt_err *err)
{
    writing *w = context;
    gt_keeper *keeper = w->keeper;
    if (keeper->step.act != GT_ROTATION_PUBLISH)
        return write_secret(w, err);
    for (int kind = 0; kind < GT_REGISTRATION_KINDS; kind++)
        w->count += gt_publish_request(keeper->arena, &w->observed, (gt_registration_kind)kind,
                                       keeper->config.registration, keeper->feed.secret.bundle, &w->requests[w->count]);
    return true;
}

static bool send_request(gt_keeper *keeper, const gt_kube_request *request, gt_err *err)
{
    errand *e = malloc(sizeof *e);
    if (e == NULL)
        return gt_fail(err, GT_ERR_NOMEM, "out of memory");
    *e = (errand){.keeper = keeper, .act = keeper->step.act};
    return gt_flight_start(&keeper->flight, request, e, done, err);
}

static void start(gt_keeper *keeper, const gt_rotation *now, int64_t now_us)
{
    writing w = {.keeper = keeper, .now = now, .observed = *now->observed};
    gt_err err;
    bool ok = gt_arena_try(keeper->arena, write_requests, &w, &err);
    for (size_t i = 0; ok && i < w.count; i++)
        ok = send_request(keeper, &w.requests[i], &err);
    for (size_t i = 0; i < w.count; i++)
        if (keeper->step.act != GT_ROTATION_PUBLISH)
            gt_certs_wipe(w.requests[i].body);
    keeper->await_until_us = now_us + AWAIT_US;
    keeper->awaits_entries = ok && keeper->step.act == GT_ROTATION_PUBLISH;
    keeper->awaits_secret = ok && !keeper->awaits_entries;
    keeper->awaited_changes = now->observed->changes;
    snprintf(keeper->awaited, sizeof keeper->awaited, "%.*s", GT_STR_ARG(keeper->feed.secret.version));
    if (ok)
        gt_log(GT_LOG_INFO, "certificates", GT_F("doing", keeper->step.doing));
    else
        note_failure(keeper, keeper->step.act, &err, -1);
}

/* ---- deciding ---- */

static void settle(gt_keeper *keeper, attempt *a, int64_t now_us)
{
    if (!a->over)
        return;
    a->over = false;
    if (!a->failed) { /* others may undo it each time: the same again waits a little longer each time */
        if (now_us - a->last_us > MOST_US)
            gt_kube_backoff_reset(&a->pace);
        gt_kube_backoff_reset(&a->backoff);
        a->last_us = now_us;
        a->after_us = now_us + gt_kube_backoff_fail(&a->pace, -1);
        return;
    }
    keeper->awaits_secret = keeper->awaits_secret && a != &keeper->write;
    keeper->awaits_entries = keeper->awaits_entries && a != &keeper->publish;
    a->after_us = now_us + gt_kube_backoff_fail(&a->backoff, a->retry_after_ms);
}

/* Has what was written been seen? Gives up after a while: then it's decided anew. */
static bool awaits(gt_keeper *keeper, const gt_observed_state *observed, int64_t now_us)
{
    if (keeper->flight.count > 0)
        return true;
    if (!gt_str_is(keeper->feed.secret.version, keeper->awaited))
        keeper->awaits_secret = false;
    if (observed->changes != keeper->awaited_changes)
        keeper->awaits_entries = false;
    if (now_us >= keeper->await_until_us)
        keeper->awaits_secret = keeper->awaits_entries = false;
    return keeper->awaits_secret || keeper->awaits_entries;
}

/* When the text under `mark` came to be what it is. */
static void since(char mark[GT_CERT_FINGERPRINT + 1], gt_str a, gt_str b, int64_t now_us, int64_t *since_us)
{
    char hex[2][GT_CERT_FINGERPRINT + 1], both[2 * GT_CERT_FINGERPRINT + 1];
    gt_sha256_hex(a, hex[0], GT_CERT_FINGERPRINT);
    gt_sha256_hex(b, hex[1], GT_CERT_FINGERPRINT);
    snprintf(both, sizeof both, "%s%s", hex[0], hex[1]);
    gt_sha256_hex(gt_str_of(both), hex[0], GT_CERT_FINGERPRINT);
    if (strcmp(mark, hex[0]) != 0)
        *since_us = now_us;
    memcpy(mark, hex[0], sizeof hex[0]);
}

static void look_at_clocks(gt_keeper *keeper, int64_t now_us, int64_t wall_ms)
{
    int64_t offset = wall_ms * 1000 - now_us, drift = offset - keeper->offset_us;
    bool jumped = keeper->has_time && (drift > STEADY_US || drift < -STEADY_US);
    if (jumped)
        gt_log(GT_LOG_WARN, "the wall clock jumped", GT_FI("seconds", drift / 1000000));
    if (jumped || !keeper->has_time) {
        keeper->offset_us = offset;
        keeper->steady_since_us = keeper->config.trust_clock ? now_us - STEADY_US : now_us;
        keeper->dirty = true;
    }
    keeper->has_time = true;
}

typedef struct deciding {
    gt_keeper *keeper;
    gt_rotation now;
    gt_observed_state observed;
    gt_secret secret; /* with the wish */
} deciding;

static bool decide(void *context, gt_err *err)
{
    deciding *d = context;
    gt_keeper *keeper = d->keeper;
    const gt_cert_facts *facts;
    size_t n;
    gt_err ignored;
    (void)err;
    keeper->step = gt_rotation_next(keeper->arena, &d->now);
    keeper->has_signer =
        gt_bundle_facts(keeper->arena, keeper->feed.secret.authority.cert, &facts, &n, &ignored) && n > 0;
    if (keeper->has_signer)
        keeper->signer = facts[0];
    return true;
}

static void set_up(gt_keeper *keeper, deciding *d, int64_t now_us, int64_t wall_ms)
{
    const gt_keeper_config *c = &keeper->config;
    d->secret = keeper->feed.secret;
    if (keeper->wish != NULL)
        d->secret.renew = gt_str_of(keeper->wish);
    keeper->published = gt_rotation_published(&keeper->feed.secret, &d->observed);
    since(keeper->published_bundle, keeper->feed.secret.bundle, keeper->published ? GT_STR("seen") : GT_STR(""), now_us,
          &keeper->published_since_us);
    since(keeper->held, keeper->feed.secret.leaf.cert, keeper->feed.secret.previous, now_us, &keeper->held_since_us);
    d->now = (gt_rotation){.secret = &d->secret,
                           .observed = &d->observed,
                           .registration = c->registration,
                           .dns_names = c->dns_names,
                           .ca_life_s = c->ca_life_ms / 1000,
                           .leaf_life_s = c->leaf_life_ms / 1000,
                           .settle_ms = c->settle_ms,
                           .overlap_ms = c->overlap_ms,
                           .now_s = wall_ms / 1000,
                           .steady_ms = (now_us - keeper->steady_since_us) / 1000,
                           .published_ms = keeper->published ? (now_us - keeper->published_since_us) / 1000 : 0,
                           .cant_publish = now_us < keeper->publish.after_us,
                           .held_ms = (now_us - keeper->held_since_us) / 1000};
}

/* Decides, and begins what was decided; when to come again. */
static int64_t go_on(gt_keeper *keeper, deciding *d, int64_t now_us, int64_t wall_ms, bool leading)
{
    gt_err err;
    keeper->dirty = keeper->feed.stirred = false;
    keeper->observed_changes = d->observed.changes;
    set_up(keeper, d, now_us, wall_ms);
    gt_arena_reset(keeper->arena);
    keeper->step = (gt_rotation_step){.doing = "", .problem = ""};
    if (!gt_arena_try(keeper->arena, decide, d, &err)) {
        keeper->step = (gt_rotation_step){.doing = "", .problem = "out of memory"};
        return now_us + MOST_US;
    }
    int64_t due = now_us + keeper->step.wait_ms * 1000;
    if (keeper->publish.after_us > now_us)
        due = gt_clock_earlier(due, keeper->publish.after_us);
    if (keeper->step.act == GT_ROTATION_NOTHING || !leading)
        return due > now_us ? due : now_us + FIRST_US;
    attempt *a = attempt_of(keeper, keeper->step.act);
    if (now_us < a->after_us)
        return a->after_us;
    start(keeper, &d->now, now_us);
    return keeper->await_until_us;
}

int64_t gt_keeper_run(gt_keeper *keeper, int64_t now_us, int64_t wall_ms, bool leading)
{
    int64_t informer = gt_informer_run(keeper->feed.informer, now_us);
    deciding d = {.keeper = keeper, .observed = gt_observed_now(keeper->config.observed)};
    settle(keeper, &keeper->write, now_us);
    settle(keeper, &keeper->publish, now_us);
    look_at_clocks(keeper, now_us, wall_ms);
    if (!keeper->feed.known || keeper->feed.unreadable)
        return informer;
    if (awaits(keeper, &d.observed, now_us))
        return gt_clock_earlier(informer, keeper->flight.count > 0 ? INT64_MAX : keeper->await_until_us);
    if (keeper->dirty || keeper->feed.stirred || d.observed.changes != keeper->observed_changes ||
        now_us >= keeper->due_us || (leading && keeper->step.act != GT_ROTATION_NOTHING))
        keeper->due_us = go_on(keeper, &d, now_us, wall_ms, leading);
    return gt_clock_earlier(informer, keeper->due_us);
}

/* ---- telling ---- */

static const char *problem_of(const gt_keeper *keeper)
{
    const char *const all[] = {
        keeper->feed.unreadable ? keeper->feed.reading : "",
        keeper->write.problem,
        keeper->publish.problem,
        keeper->step.problem,
        gt_informer_now(keeper->feed.informer).problem,
        gt_observed_now(keeper->config.observed).problem,
    };
    for (size_t i = 0; i < sizeof all / sizeof *all; i++)
        if (all[i][0] != '\0')
            return all[i];
    return "";
}

gt_keeper_state gt_keeper_now(const gt_keeper *keeper)
{
    const gt_secret *s = &keeper->feed.secret;
    bool idle = keeper->feed.known && !keeper->dirty && !keeper->feed.stirred && keeper->flight.count == 0 &&
                !keeper->awaits_secret && !keeper->awaits_entries && keeper->step.act == GT_ROTATION_NOTHING;
    return (gt_keeper_state){
        .known = keeper->feed.known,
        .chain = s->leaf.cert,
        .key = s->leaf.key,
        .bundle = s->bundle,
        .changes = keeper->feed.changes,
        .idle = idle,
        .stuck = keeper->feed.unreadable || (idle && keeper->step.problem[0] != '\0'),
        .prepared = s->next.cert.len > 0,
        .overlapping = s->previous.len > 0,
        .asked = keeper->wish != NULL || s->renew.len > 0,
        .ca_not_before = keeper->has_signer ? keeper->signer.not_before : 0,
        .ca_not_after = keeper->has_signer ? keeper->signer.not_after : 0,
        .issued = keeper->issued,
        .published = keeper->published_count,
        .authorities = keeper->authorities,
        .failures = keeper->failures,
        .doing = keeper->step.doing,
        .problem = problem_of(keeper),
    };
}
