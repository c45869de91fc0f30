/* A look (GET), then a write (POST, or a merge patch that names the resourceVersion it was made for); while we hold it, writes alone. As in the
 * informer, handlers note how a call went and gt_lease_run decides: it knows the time. Giving back is the exception: there is nothing to time. */
#include "lib/kube/lease.h"

#include <stdio.h>
#include <stdlib.h>

#include "lib/base/clock.h"
#include "lib/kube/backoff.h"

enum {
    DURATION_MS = 15 * 1000,
    RENEW_MS = 5 * 1000,
    RETRY_MS = 2 * 1000,
    FOREIGN_MOST_S = 300, /* as long as another holder's own duration is believed */
    RELEASE_TRIES = 3,
    VERSION_MAX = 127,
    HOLDER_MAX = 253,
};

struct gt_lease {
    gt_lease_config config;
    gt_arena *arena; /* of a request */
    gt_kube_call *call;
    int64_t due_us, started_us, held_until_us;
    int64_t wall_ms;
    gt_kube_backoff backoff; /* constant: for its jitter */
    /* the lease as last seen; known: and nothing has gone wrong since */
    bool known, exists, ours, changed;
    char holder[HOLDER_MAX + 1], version[VERSION_MAX + 1];
    int64_t transitions, foreign_ms;
    int64_t seen_us; /* when it had changed, by our clock */
    /* the call that is over, until the next run */
    bool over, failed, writing;
    int64_t retry_after_ms;
    bool wrote; /* at least once: it may be ours */
    bool releasing, released;
    int tries;
    char problem[sizeof((gt_err){0}.text)];
};

gt_lease *gt_lease_new(const gt_lease_config *config)
{
    gt_lease *lease = calloc(1, sizeof *lease);
    gt_arena *arena = gt_arena_new(0);
    if (lease == NULL || arena == NULL) {
        free(lease);
        gt_arena_free(arena);
        return NULL;
    }
    lease->config = *config;
    lease->arena = arena;
    gt_lease_config *c = &lease->config;
    c->duration_ms = c->duration_ms == 0 ? DURATION_MS : c->duration_ms;
    c->renew_ms = c->renew_ms == 0 ? RENEW_MS : c->renew_ms;
    c->retry_ms = c->retry_ms == 0 ? RETRY_MS : c->retry_ms;
    lease->backoff = (gt_kube_backoff){.first_us = c->retry_ms * 1000, .most_us = c->retry_ms * 1000, .seed = c->seed};
    return lease;
}

void gt_lease_free(gt_lease *lease)
{
    if (lease == NULL)
        return;
    gt_kube_cancel(lease->call);
    gt_arena_free(lease->arena);
    free(lease);
}

/* ---- requests ---- */

typedef struct asking {
    gt_lease *lease;
    gt_kube_request request;
} asking;

static gt_value *spec_of(gt_lease *lease)
{
    gt_arena *arena = lease->arena;
    gt_value *spec = gt_value_object(arena);
    char now[GT_CLOCK_TEXT];
    int64_t seconds = lease->releasing ? 1 : (lease->config.duration_ms + 999) / 1000;
    gt_clock_text(lease->wall_ms, 6, now);
    gt_value_put(arena, spec, "holderIdentity",
                 lease->releasing ? gt_value_null(arena) : gt_value_text(arena, lease->config.identity));
    gt_value_put(arena, spec, "leaseDurationSeconds", gt_value_int(arena, seconds));
    gt_value_put(arena, spec, "renewTime", gt_value_text(arena, now));
    if (lease->exists && lease->ours)
        return spec;
    gt_value_put(arena, spec, "acquireTime", gt_value_text(arena, now));
    gt_value_put(arena, spec, "leaseTransitions", gt_value_int(arena, lease->exists ? lease->transitions + 1 : 0));
    return spec;
}

static bool write_request(void *context, gt_err *err)
{
    asking *a = context;
    gt_lease *lease = a->lease;
    const gt_lease_config *config = &lease->config;
    gt_arena *arena = lease->arena;
    (void)err;
    if (!lease->writing) {
        a->request =
            (gt_kube_request){.method = "GET", .path = gt_kube_path(arena, &gt_kube_leases, config->ns, config->name)};
        return true;
    }
    gt_value *object = gt_value_object(arena), *meta = gt_value_object(arena);
    gt_value_put(arena, meta, lease->exists ? "resourceVersion" : "name",
                 gt_value_text(arena, lease->exists ? lease->version : config->name));
    if (!lease->exists) {
        gt_value_put(arena, object, "apiVersion", gt_value_text(arena, "coordination.k8s.io/v1"));
        gt_value_put(arena, object, "kind", gt_value_text(arena, "Lease"));
    }
    gt_value_put(arena, object, "metadata", meta);
    gt_value_put(arena, object, "spec", spec_of(lease));
    a->request = lease->exists ? gt_kube_merge_request(arena, &gt_kube_leases, config->ns, config->name, NULL, object)
                               : gt_kube_create_request(arena, &gt_kube_leases, config->ns, object);
    return true;
}

static void done(void *context, gt_arena *arena, const gt_kube_answer *answer, const gt_err *failure);

static void note(gt_lease *lease, const gt_err *err)
{
    lease->problem[0] = '\0';
    if (err != NULL)
        snprintf(lease->problem, sizeof lease->problem, "lease %s/%s: %.800s", lease->config.ns, lease->config.name,
                 err->text);
}

static void end_call(gt_lease *lease, bool failed, int64_t retry_after_ms)
{
    lease->call = NULL;
    lease->over = true;
    lease->failed = failed;
    lease->known = !failed;
    lease->retry_after_ms = retry_after_ms;
}

static void ask(gt_lease *lease, bool writing)
{
    const gt_kube_handler handler = {lease, done, NULL};
    asking a = {.lease = lease};
    gt_err err;
    lease->writing = writing;
    lease->wrote = lease->wrote || writing;
    gt_arena_reset(lease->arena);
    bool ok = gt_arena_try(lease->arena, write_request, &a, &err);
    a.request.timeout_ms = lease->config.renew_ms;
    if (ok && gt_kube_start(lease->config.client, &a.request, &handler, &lease->call, &err))
        return;
    note(lease, &err);
    end_call(lease, true, -1);
}

/* ---- answers ---- */

static bool read_lease(gt_lease *lease, gt_view object, gt_err *err)
{
    gt_view spec = gt_view_get(object, "spec");
    gt_str version = gt_view_str(gt_view_get(gt_view_get(object, "metadata"), "resourceVersion"));
    gt_str holder = gt_view_str(gt_view_get(spec, "holderIdentity"));
    int64_t seconds = 0;
    if (!gt_view_is(gt_view_get(object, "kind"), "Lease") || version.len == 0 || version.len > VERSION_MAX)
        return gt_fail(err, GT_ERR_ENV, "an answer that is no Lease with a resourceVersion");
    lease->changed = !gt_str_is(version, lease->version);
    memcpy(lease->version, version.at, version.len);
    lease->version[version.len] = '\0';
    lease->exists = true;
    lease->ours = gt_str_is(holder, lease->config.identity);
    snprintf(lease->holder, sizeof lease->holder, "%.*s", GT_STR_ARG(holder));
    lease->transitions = 0;
    gt_view_int(gt_view_get(spec, "leaseTransitions"), &lease->transitions);
    if (!gt_view_int(gt_view_get(spec, "leaseDurationSeconds"), &seconds) || seconds < 0)
        seconds = 0;
    lease->foreign_ms = (seconds < FOREIGN_MOST_S ? seconds : FOREIGN_MOST_S) * 1000;
    if (lease->foreign_ms < lease->config.duration_ms)
        lease->foreign_ms = lease->config.duration_ms;
    return true;
}

/* False: *err. A lease that isn't there is no failure of a look; who held it until somebody deleted it may not know yet, and is still respected. */
static bool take_answer(gt_lease *lease, const gt_kube_answer *answer, const gt_err *failure, gt_err *err)
{
    if (failure != NULL && !lease->writing && failure->kind == GT_ERR_NOT_FOUND &&
        gt_str_is(answer->reason, "NotFound")) {
        lease->exists = false;
        lease->version[0] = '\0';
        return true;
    }
    if (failure != NULL) {
        *err = *failure;
        return false;
    }
    if (!read_lease(lease, answer->object, err))
        return false;
    if (lease->writing && lease->ours == lease->releasing)
        return gt_fail(err, GT_ERR_ENV, "what was written isn't what came back: the holder is \"%s\"", lease->holder);
    return true;
}

/* Looks, and gives back what is still ours; a conflict, say with a renewal of ours that was on its way, means another look. */
static void go_on_releasing(gt_lease *lease, bool ok)
{
    lease->over = false;
    if (ok && (lease->writing || !lease->ours || !lease->exists))
        lease->released = true;
    else if (ok)
        ask(lease, true);
    else if (++lease->tries < RELEASE_TRIES)
        ask(lease, false);
}

static void done(void *context, gt_arena *arena, const gt_kube_answer *answer, const gt_err *failure)
{
    gt_lease *lease = context;
    gt_err err;
    (void)arena;
    bool ok = take_answer(lease, answer, failure, &err);
    note(lease, ok || err.kind == GT_ERR_CONFLICT ? NULL : &err); /* another one was faster: that's what it is for */
    end_call(lease, !ok, answer->retry_after_ms);
    if (ok && lease->writing && !lease->releasing)
        lease->held_until_us = lease->started_us + lease->config.duration_ms * 1000;
    else if (ok && !lease->ours)
        lease->held_until_us = 0;
    if (lease->releasing)
        go_on_releasing(lease, ok);
}

/* ---- what comes next ---- */

static bool is_free(const gt_lease *lease, int64_t now_us)
{
    return lease->ours || lease->holder[0] == '\0' || now_us - lease->seen_us >= lease->foreign_ms * 1000;
}

static void settle(gt_lease *lease, int64_t now_us)
{
    lease->over = false;
    if (lease->failed) {
        lease->due_us = now_us + gt_kube_backoff_fail(&lease->backoff, lease->retry_after_ms);
        return;
    }
    if (lease->changed)
        lease->seen_us = now_us;
    lease->changed = false;
    if (lease->writing) {
        lease->due_us = lease->started_us + lease->config.renew_ms * 1000;
    } else if (is_free(lease, now_us)) {
        lease->due_us = now_us;
    } else {
        lease->known = false; /* look again later */
        lease->due_us = now_us + lease->config.retry_ms * 1000 +
                        gt_kube_backoff_jitter(&lease->backoff, lease->config.retry_ms * 250);
    }
}

int64_t gt_lease_run(gt_lease *lease, int64_t now_us, int64_t wall_ms)
{
    if (lease->releasing)
        return INT64_MAX;
    if (lease->over)
        settle(lease, now_us);
    if (lease->call == NULL && lease->due_us <= now_us) {
        lease->started_us = now_us;
        lease->wall_ms = wall_ms;
        ask(lease, lease->known);
    }
    if (lease->over)
        settle(lease, now_us); /* it couldn't even be asked */
    return lease->call != NULL ? INT64_MAX : lease->due_us;
}

bool gt_lease_held(const gt_lease *lease, int64_t now_us)
{
    return !lease->releasing && now_us < lease->held_until_us;
}

const char *gt_lease_holder(const gt_lease *lease)
{
    return lease->holder;
}

const char *gt_lease_problem(const gt_lease *lease)
{
    return lease->problem;
}

void gt_lease_release(gt_lease *lease, int64_t wall_ms)
{
    if (lease->releasing)
        return;
    lease->releasing = true;
    lease->wall_ms = wall_ms;
    gt_kube_cancel(lease->call);
    lease->call = NULL;
    if (lease->wrote)
        ask(lease, false);
    else
        lease->released = true;
}

bool gt_lease_released(const gt_lease *lease)
{
    return lease->released;
}
