#include "webhook/census.h"

#include <stdio.h>
#include <stdlib.h>

#include "webhook/errand.h"

enum { STANDS_US = 500 * 1000 };

typedef struct taking {
    gt_census *census;
    const gt_pods *pods;
    const gt_pvcs *claims;
} taking;

typedef struct tally {
    gt_hash_count count;
    struct tally *next;
} tally;

/* A place while it is counted: as many hashes as there are. */
typedef struct place {
    gt_census_pods face;
    gt_map by_hash; /* tally */
    tally *tallies;
    size_t tally_count;
    struct place *next;
} place;

bool gt_census_init(gt_census *census)
{
    *census = (gt_census){.arena = gt_arena_new(0)};
    return census->arena != NULL;
}

void gt_census_end(gt_census *census)
{
    gt_arena_free(census->arena);
}

/* A namespace and a role have no line end, and what is behind the last one is the raw rig's. */
const char *gt_census_place(gt_arena *arena, const char *ns, const char *rig, const char *role)
{
    if (rig == NULL)
        return gt_arena_printf(arena, "%s", ns);
    return role == NULL ? gt_arena_printf(arena, "%s\n\n%s", ns, rig)
                        : gt_arena_printf(arena, "%s\n%s\n%s", ns, role, rig);
}

/* ---- pods ---- */

static void count(gt_arena *arena, gt_map *places, place **all, const char *key, const gt_pod *pod)
{
    place *p = gt_map_get(places, gt_str_of(key));
    if (p == NULL) {
        p = GT_NEW(arena, place);
        gt_map_init(&p->by_hash, arena);
        gt_map_put(places, gt_str_of(key), p);
        p->next = *all;
        *all = p;
    }
    p->face.counts.total++;
    p->face.counts.current += pod->current;
    if (pod->hash[0] == '\0')
        return;
    tally *t = gt_map_get(&p->by_hash, gt_str_of(pod->hash));
    if (t == NULL) {
        t = GT_NEW(arena, tally);
        t->count.hash = gt_arena_strdup(arena, pod->hash);
        gt_map_put(&p->by_hash, gt_str_of(t->count.hash), t);
        t->next = p->tallies;
        p->tallies = t;
        p->tally_count++;
    }
    t->count.pods++;
}

static int by_pods(const void *x, const void *y)
{
    const gt_hash_count *a = x, *b = y;
    return a->pods == b->pods ? strcmp(a->hash, b->hash) : (a->pods < b->pods) - (a->pods > b->pods);
}

static int by_hash(const void *x, const void *y)
{
    const gt_hash_count *a = x, *b = y;
    return strcmp(a->hash, b->hash);
}

static void finish(gt_arena *arena, place *p)
{
    gt_pod_counts *counts = &p->face.counts;
    gt_hash_count *all = GT_NEW_N(arena, gt_hash_count, p->tally_count);
    size_t n = 0;
    for (const tally *t = p->tallies; t != NULL; t = t->next)
        all[n++] = t->count;
    if (n > 0)
        qsort(all, n, sizeof *all, by_pods);
    counts->hash_count = n < GT_STATUS_HASHES ? n : GT_STATUS_HASHES;
    if (n > 0)
        qsort(all, counts->hash_count, sizeof *all, by_hash);
    uint64_t digest = gt_digest_number(gt_digest_number(GT_DIGEST_START, counts->total), counts->current);
    for (size_t i = 0; i < counts->hash_count; i++)
        digest = gt_digest_number(gt_digest(digest, all[i].hash), all[i].pods);
    counts->hashes = all;
    p->face.digest = digest;
}

static void count_pods(gt_census *census, const gt_pods *pods)
{
    gt_arena *arena = census->arena;
    place *all = NULL;
    for (size_t i = 0; i < gt_pods_count(pods); i++) {
        const gt_pod *pod = gt_pods_at(pods, i);
        if (pod->over)
            continue;
        count(arena, &census->places, &all, gt_census_place(arena, pod->ns, NULL, NULL), pod);
        if (pod->rig[0] != '\0')
            count(arena, &census->places, &all, gt_census_place(arena, pod->ns, pod->rig, NULL), pod);
        if (pod->rig[0] != '\0' && pod->role[0] != '\0')
            count(arena, &census->places, &all, gt_census_place(arena, pod->ns, pod->rig, pod->role), pod);
    }
    for (; all != NULL; all = all->next)
        finish(arena, all);
}

/* ---- claims ---- */

static gt_str owner_key(gt_arena *arena, const char *ns, size_t ns_len, const char *owner)
{
    return gt_str_of(gt_arena_printf(arena, "%.*s\n%s", (int)ns_len, ns, owner));
}

static void count_claims(gt_census *census, const gt_pvcs *claims)
{
    gt_mismatch m;
    for (size_t at = 0; gt_pvcs_mismatch(claims, &at, &m);) {
        gt_str key = owner_key(census->arena, m.claim, strcspn(m.claim, "/"), m.owner);
        gt_census_claims *c = gt_map_get(&census->owners, key);
        if (c == NULL) {
            c = GT_NEW(census->arena, gt_census_claims);
            c->first = gt_arena_strdup(census->arena, m.message);
            gt_map_put(&census->owners, key, c);
        }
        c->mismatches++;
        c->digest = gt_digest_number(gt_digest(GT_DIGEST_START, c->first), c->mismatches);
    }
}

/* ---- the whole ---- */

static bool take(void *context, gt_err *err)
{
    taking *t = context;
    (void)err;
    gt_map_init(&t->census->places, t->census->arena);
    gt_map_init(&t->census->owners, t->census->arena);
    count_pods(t->census, t->pods);
    if (t->claims != NULL)
        count_claims(t->census, t->claims);
    return true;
}

bool gt_census_take(gt_census *census, const gt_pods *pods, const gt_pvcs *claims, gt_err *err)
{
    taking t = {.census = census, .pods = pods, .claims = claims};
    uint64_t pods_version = gt_pods_version(pods), claims_version = claims == NULL ? 0 : gt_pvcs_version(claims);
    if (census->taken && census->pods_version == pods_version && census->claims_version == claims_version &&
        census->claims_known == (claims != NULL))
        return true;
    gt_arena_reset(census->arena);
    census->taken = gt_arena_try(census->arena, take, &t, err);
    census->pods_version = pods_version;
    census->claims_version = claims_version;
    census->claims_known = claims != NULL;
    return census->taken;
}

bool gt_census_refresh(gt_census *census, const gt_pods *pods, const gt_pvcs *claims, uint64_t generation,
                       int64_t now_us, gt_err *err)
{
    bool alike = census->taken && census->generation == generation && census->claims_known == (claims != NULL);
    if (alike && now_us < census->taken_us + STANDS_US)
        return true;
    census->generation = generation;
    census->taken_us = now_us;
    return gt_census_take(census, pods, claims, err);
}

const gt_census_pods *gt_census_pods_at(const gt_census *census, const char *where)
{
    static const gt_census_pods none = {.digest = 0};
    const gt_census_pods *found = gt_map_get(&census->places, gt_str_of(where)); /* a place's first member */
    return found == NULL ? &none : found;
}

const gt_census_claims *gt_census_claims_of(const gt_census *census, const char *ns, const char *owner)
{
    static const gt_census_claims none = {.mismatches = 0};
    char key[1024];
    if (snprintf(key, sizeof key, "%s\n%s", ns, owner) >= (int)sizeof key)
        return &none;
    const gt_census_claims *found = gt_map_get(&census->owners, gt_str_of(key));
    return found == NULL ? &none : found;
}
