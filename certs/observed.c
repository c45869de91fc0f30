/* A kind's state is built anew in one of two arenas for each object that comes, and takes the place of the other if anything differs. */
#include "certs/observed.h"

#include <stdio.h>
#include <stdlib.h>

#include "lib/base/hash.h"

enum { MOST = 8 << 20 }; /* bytes of what is kept of one object: etcd takes objects of 1.5 MiB */

typedef struct picture {
    bool present;
    gt_str injected_from;
    gt_observed_entry entries[GT_ENTRY_COUNT];
} picture;

typedef struct side {
    gt_observed *owner;
    gt_registration_kind kind;
    gt_informer *informer;
    gt_arena *arenas[2]; /* the first is the picture's */
    picture picture;
    bool known, seen;
    char problem[200];
} side;

struct gt_observed {
    const char *name;
    char selector[300];
    side sides[GT_REGISTRATION_KINDS];
    uint64_t changes;
};

static const gt_kube_kind *const kinds[GT_REGISTRATION_KINDS] = {
    [GT_REGISTRATION_MUTATING] = &gt_kube_mutating, [GT_REGISTRATION_VALIDATING] = &gt_kube_validating};

/* ---- an object ---- */

typedef struct drawing {
    gt_arena *arena;
    gt_registration_kind kind;
    gt_view object;
    picture picture;
} drawing;

static gt_str keep(gt_arena *arena, gt_view text)
{
    gt_str s = gt_view_str(text);
    return (gt_str){gt_arena_dup(arena, s.at == NULL ? "" : s.at, s.len), s.len};
}

/* https://cert-manager.io/docs/concepts/ca-injector/ */
static gt_str injected_from(gt_arena *arena, gt_view annotations)
{
    static const char *const from[] = {"cert-manager.io/inject-ca-from", "cert-manager.io/inject-ca-from-secret"};
    for (size_t i = 0; i < sizeof from / sizeof *from; i++)
        if (gt_view_exists(gt_view_get(annotations, from[i])))
            return keep(arena, gt_view_get(annotations, from[i]));
    if (gt_view_is(gt_view_get(annotations, "cert-manager.io/inject-apiserver-ca"), "true"))
        return GT_STR("the API server's own authority");
    return (gt_str){NULL, 0};
}

static gt_view entry_named(gt_view webhooks, const char *name)
{
    GT_VIEW_EACH (entry, webhooks)
        if (gt_view_is(gt_view_get(entry, "name"), name))
            return entry;
    return (gt_view){NULL};
}

static bool draw(void *context, gt_err *err)
{
    drawing *d = context;
    gt_view webhooks = gt_view_get(d->object, "webhooks");
    d->picture.present = true;
    d->picture.injected_from = injected_from(d->arena, gt_view_get(gt_view_get(d->object, "metadata"), "annotations"));
    for (size_t i = 0; i < GT_ENTRY_COUNT; i++) {
        gt_observed_entry *entry = &d->picture.entries[i];
        if (gt_entries[i].kind != d->kind)
            continue;
        gt_view found = entry_named(webhooks, gt_entries[i].name);
        gt_str encoded = gt_view_str(gt_view_get(gt_view_get(found, "clientConfig"), "caBundle"));
        entry->present = gt_view_exists(found);
        if (encoded.len > 0 && !gt_base64_decode(d->arena, encoded, &entry->bundle))
            return gt_fail(err, GT_ERR_ENV, "the caBundle of %s isn't base64", gt_entries[i].name);
    }
    return true;
}

static bool same(const picture *a, const picture *b)
{
    bool equal = a->present == b->present && gt_str_eq(a->injected_from, b->injected_from);
    for (size_t i = 0; equal && i < GT_ENTRY_COUNT; i++)
        equal = a->entries[i].present == b->entries[i].present && gt_str_eq(a->entries[i].bundle, b->entries[i].bundle);
    return equal;
}

static void show(side *s, const picture *now)
{
    if (same(&s->picture, now))
        return;
    gt_arena *old = s->arenas[0];
    s->picture = *now;
    s->arenas[0] = s->arenas[1];
    s->arenas[1] = old;
    s->owner->changes++;
}

/* ---- the informers' handlers ---- */

static void began(void *context)
{
    side *s = context;
    s->seen = false;
}

static bool is_ours(const side *s, gt_view object)
{
    return gt_view_is(gt_view_get(gt_view_get(object, "metadata"), "name"), s->owner->name);
}

static void object(void *context, gt_view object)
{
    side *s = context;
    if (!is_ours(s, object))
        return;
    drawing d = {.arena = s->arenas[1], .kind = s->kind, .object = object};
    gt_err err;
    s->seen = true;
    s->problem[0] = '\0';
    gt_arena_reset(d.arena);
    if (gt_arena_try(d.arena, draw, &d, &err))
        show(s, &d.picture);
    else
        snprintf(s->problem, sizeof s->problem, "%s %s: %.150s", kinds[s->kind]->plural, s->owner->name, err.text);
}

static void gone(void *context, gt_view object)
{
    side *s = context;
    if (!is_ours(s, object))
        return;
    s->problem[0] = '\0';
    show(s, &(picture){0});
}

static void synced(void *context)
{
    side *s = context;
    if (!s->seen) {
        s->problem[0] = '\0';
        show(s, &(picture){0});
    }
    s->owner->changes += !s->known;
    s->known = true;
}

/* ---- the two ---- */

static bool set_up(side *s, gt_observed *observed, gt_kube_client *client, uint64_t seed)
{
    s->owner = observed;
    s->arenas[0] = gt_arena_new(MOST);
    s->arenas[1] = gt_arena_new(MOST);
    s->informer = gt_informer_new(&(gt_informer_config){.client = client,
                                                        .kind = kinds[s->kind],
                                                        .fields = observed->selector,
                                                        .seed = seed + s->kind,
                                                        .context = s,
                                                        .began = began,
                                                        .object = object,
                                                        .gone = gone,
                                                        .synced = synced});
    return s->arenas[0] != NULL && s->arenas[1] != NULL && s->informer != NULL;
}

gt_observed *gt_observed_new(gt_kube_client *client, const char *name, uint64_t seed)
{
    gt_observed *observed = calloc(1, sizeof *observed);
    bool ok = observed != NULL;
    if (ok) {
        observed->name = name;
        snprintf(observed->selector, sizeof observed->selector, "metadata.name=%s", name);
    }
    for (size_t i = 0; ok && i < GT_REGISTRATION_KINDS; i++) {
        observed->sides[i].kind = (gt_registration_kind)i;
        ok = set_up(&observed->sides[i], observed, client, seed);
    }
    if (ok)
        return observed;
    gt_observed_free(observed);
    return NULL;
}

void gt_observed_free(gt_observed *observed)
{
    if (observed == NULL)
        return;
    for (size_t i = 0; i < GT_REGISTRATION_KINDS; i++) {
        gt_informer_free(observed->sides[i].informer);
        gt_arena_free(observed->sides[i].arenas[0]);
        gt_arena_free(observed->sides[i].arenas[1]);
    }
    free(observed);
}

int64_t gt_observed_run(gt_observed *observed, int64_t now_us)
{
    int64_t due = INT64_MAX;
    for (size_t i = 0; i < GT_REGISTRATION_KINDS; i++) {
        int64_t one = gt_informer_run(observed->sides[i].informer, now_us);
        due = one < due ? one : due;
    }
    return due;
}

gt_observed_state gt_observed_now(const gt_observed *observed)
{
    gt_observed_state state = {.changes = observed->changes, .problem = ""};
    for (size_t i = 0; i < GT_REGISTRATION_KINDS; i++) {
        const side *s = &observed->sides[i];
        const char *problem = gt_informer_now(s->informer).problem;
        state.known[i] = s->known;
        state.present[i] = s->picture.present;
        state.injected_from[i] = s->picture.injected_from;
        if (state.problem[0] == '\0')
            state.problem = problem[0] != '\0' ? problem : s->problem;
        for (size_t e = 0; e < GT_ENTRY_COUNT; e++)
            if (gt_entries[e].kind == s->kind)
                state.entries[e] = s->picture.entries[e];
    }
    return state;
}
