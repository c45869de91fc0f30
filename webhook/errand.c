#include "webhook/errand.h"

#include <stdlib.h>

#include "lib/base/log.h"

static const char *add(char **at, const char *text)
{
    char *start = *at;
    size_t n = strlen(text) + 1;
    memcpy(start, text, n);
    *at = start + n;
    return start;
}

gt_errand *gt_errand_new(void *owner, const char *key, const char *ns, const char *name, const char *uid)
{
    size_t texts = strlen(key) + strlen(ns) + strlen(name) + strlen(uid) + 4;
    gt_errand *errand = malloc(sizeof *errand + texts);
    if (errand == NULL)
        return NULL;
    char *at = (char *)(errand + 1);
    *errand = (gt_errand){.owner = owner};
    errand->key = add(&at, key);
    errand->ns = add(&at, ns);
    errand->name = add(&at, name);
    errand->uid = add(&at, uid);
    return errand;
}

/* ---- Events ---- */

static void told(void *context, gt_arena *arena, const gt_kube_answer *answer, const gt_err *failure)
{
    const gt_errand *errand = context;
    (void)arena;
    (void)answer;
    if (failure != NULL)
        gt_log(GT_LOG_WARN, "an Event wasn't taken", GT_F("object", errand->key), GT_F("reason", failure->text));
}

typedef struct telling {
    gt_arena *arena;
    const gt_kube_event *event;
    gt_kube_request request;
} telling;

static bool write_event(void *context, gt_err *err)
{
    telling *t = context;
    (void)err;
    t->request = gt_kube_event_request(t->arena, t->event);
    return true;
}

bool gt_errand_tell(gt_flight *flight, gt_errand *errand, gt_kube_event event, gt_err *err)
{
    gt_scoped(gt_arena_cleanup) gt_arena *arena = gt_arena_new(0);
    telling t = {.arena = arena, .event = &event};
    event.ns = errand->ns;
    event.name = errand->name;
    event.uid = errand->uid;
    if (arena == NULL || !gt_arena_try(arena, write_event, &t, err)) {
        free(errand);
        return gt_fail(err, GT_ERR_NOMEM, "out of memory");
    }
    return gt_flight_start(flight, &t.request, errand, told, err);
}

/* ---- digests ---- */

static uint64_t mix(uint64_t so_far, const void *bytes, size_t n)
{
    const unsigned char *at = bytes;
    uint64_t hash = so_far ^ 0xcbf29ce484222325U;
    for (size_t i = 0; i < n; i++)
        hash = (hash ^ at[i]) * 0x100000001b3U;
    return hash;
}

uint64_t gt_digest(uint64_t so_far, const char *text)
{
    return mix(so_far, text == NULL ? "" : text, text == NULL ? 1 : strlen(text) + 1);
}

uint64_t gt_digest_number(uint64_t so_far, uint64_t number)
{
    return mix(so_far, &number, sizeof number);
}
