#include "webhook/expiry.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "injector/claim.h"
#include "lib/base/clock.h"
#include "lib/base/log.h"

enum { SLOTS = 2, DAY_S = 24 * 3600, WARN_S = 30 * DAY_S, WARN_PERCENT = 30, AGAIN_S = 60, NAME_MAX_BYTES = 128 };

/* What was told last, or tried. */
typedef struct memory {
    char name[NAME_MAX_BYTES]; /* of the Event */
    bool taken;
    int64_t tried_s;
} memory;

struct gt_expiry {
    gt_expiry_config config;
    gt_flight flight;
    memory told[SLOTS];
};

typedef struct errand {
    gt_expiry *expiry;
    int slot;
    char name[NAME_MAX_BYTES];
} errand;

gt_expiry *gt_expiry_new(const gt_expiry_config *config)
{
    gt_expiry *expiry = calloc(1, sizeof *expiry);
    if (expiry == NULL)
        return NULL;
    expiry->config = *config;
    expiry->flight.client = config->client;
    return expiry;
}

void gt_expiry_free(gt_expiry *expiry)
{
    if (expiry == NULL)
        return;
    gt_flight_end(&expiry->flight);
    free(expiry);
}

int64_t gt_expiry_from(int64_t not_before_s, int64_t not_after_s)
{
    int64_t part = (not_after_s - not_before_s) / 100 * WARN_PERCENT;
    return not_after_s - (part < WARN_S ? part : WARN_S);
}

static void over(void *context, gt_arena *arena, const gt_kube_answer *answer, const gt_err *failure)
{
    const errand *e = context;
    memory *told = &e->expiry->told[e->slot];
    (void)arena;
    bool there = failure == NULL || (failure->kind == GT_ERR_CONFLICT && gt_str_is(answer->reason, "AlreadyExists"));
    if (failure == NULL)
        gt_counter_add(&e->expiry->config.metrics->events_written, 1);
    else if (!there)
        gt_log(GT_LOG_WARN, "an Event wasn't taken", GT_F("object", e->expiry->config.lease),
               GT_F("reason", failure->text));
    if (strcmp(told->name, e->name) == 0)
        told->taken = there;
}

typedef struct telling {
    gt_arena *arena;
    gt_kube_event event;
    const gt_expiring *certificate;
    gt_kube_request request;
} telling;

static bool write_event(void *context, gt_err *err)
{
    telling *t = context;
    const gt_expiring *c = t->certificate;
    char when[GT_CLOCK_TEXT];
    (void)err;
    gt_clock_text(c->not_after_s * 1000, 0, when);
    int64_t left_s = c->not_after_s - t->event.wall_ms / 1000;
    const char *text = left_s <= 0 ? gt_arena_printf(t->arena, "the %s expired on %s; %s", c->what, when, c->remedy)
                                   : gt_arena_printf(t->arena, "the %s expires on %s, in %" PRId64 " days; %s", c->what,
                                                     when, left_s / DAY_S, c->remedy);
    t->event.message = gt_str_of(text);
    t->request = gt_kube_event_request(t->arena, &t->event);
    return true;
}

static void start(gt_expiry *expiry, int slot, const gt_expiring *certificate, int64_t wall_ms)
{
    gt_scoped(gt_arena_cleanup) gt_arena *arena = gt_arena_new(0);
    errand *e = calloc(1, sizeof *e);
    gt_err err;
    if (arena == NULL || e == NULL) {
        free(e);
        return; /* tried again in a minute */
    }
    *e = (errand){.expiry = expiry, .slot = slot};
    memcpy(e->name, expiry->told[slot].name, sizeof e->name);
    telling t = {.arena = arena,
                 .certificate = certificate,
                 .event = {.api_version = "coordination.k8s.io/v1",
                           .kind = "Lease",
                           .ns = expiry->config.ns,
                           .name = expiry->config.lease,
                           .event_name = e->name,
                           .warning = true,
                           .reason = certificate->not_after_s * 1000 <= wall_ms ? "CertificateExpired"
                                                                                : "CertificateExpiresSoon",
                           .component = GT_MANAGED_BY,
                           .instance = expiry->config.instance,
                           .wall_ms = wall_ms}};
    if (!gt_arena_try(arena, write_event, &t, &err))
        free(e);
    else if (!gt_flight_start(&expiry->flight, &t.request, e, over, &err)) /* the errand is the flight's */
        gt_log(GT_LOG_WARN, "an Event wasn't sent", GT_F("reason", err.text));
}

void gt_expiry_tell(gt_expiry *expiry, int slot, const gt_expiring *certificate, int64_t wall_ms)
{
    int64_t now_s = wall_ms / 1000;
    memory *told = &expiry->told[slot];
    char name[NAME_MAX_BYTES];
    if (certificate->identity[0] == '\0' || now_s < gt_expiry_from(certificate->not_before_s, certificate->not_after_s))
        return;
    snprintf(name, sizeof name, "%s.%.16s.%" PRId64, expiry->config.lease, certificate->identity, now_s / DAY_S);
    bool same = strcmp(name, told->name) == 0;
    if (same && (told->taken || now_s < told->tried_s + AGAIN_S))
        return;
    *told = (memory){.tried_s = now_s};
    memcpy(told->name, name, sizeof name);
    start(expiry, slot, certificate, wall_ms);
}
