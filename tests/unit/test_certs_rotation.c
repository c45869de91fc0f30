/* Years of rotation in a moment. What must hold at any time: every bundle that an API server may go by trusts every leaf that a replica may have. */
#include "certs/rotation.h"

#include <stdio.h>

#include "tests/unit/support.h"
#include "tests/unit/test_certs_pem.h"

enum {
    DAY = 86400,
    HOUR = 3600,
    REPLICAS = 3,
    SERVERS = 2,
    LAG_S = 40,
    RELOAD_S = 1800,
    SETTLE_S = 60,
    OVERLAP_S = 3600
};

static const char *const names[] = {NAME, "gastown-webhook.gastown-system", NULL};

typedef struct world {
    gt_arena *arenas[2];
    gt_secret secret; /* as stored */
    gt_arena *ours;   /* what follows */
    gt_observed_state observed;
    gt_str servers[SERVERS], published; /* what an API server goes by; what is stored */
    int64_t published_s, observed_s;    /* when; when we see it */
    gt_str replicas[REPLICAS];          /* chains in memory */
    int64_t written_s;
    int64_t now_s, mono_s, steady_s, settled_s, held_s;
    gt_str settled;
    gt_rotation_step step;
    unsigned random, acts[GT_ROTATION_DROP + 1];
    const char *checked[SERVERS][REPLICAS][2]; /* whom it was found right of, and on which day */
    int64_t checked_s[SERVERS][REPLICAS];
    bool entries;
    int64_t ca_life_s;
} world;

static void end(world *w)
{
    gt_arena_free(w->arenas[0]);
    gt_arena_free(w->arenas[1]);
    gt_arena_free(w->ours);
}

static void begin(world *w, bool entries)
{
    w->arenas[0] = gt_arena_new(0);
    w->arenas[1] = gt_arena_new(0);
    w->ours = gt_arena_new(0);
    w->now_s = YEAR(2027);
    w->mono_s = 1000;
    w->steady_s = 0;
    w->random = 1;
    w->entries = entries;
    w->ca_life_s = 200 * DAY;
    w->secret.type = GT_STR("kubernetes.io/tls");
    w->observed = (gt_observed_state){.known = {true, true}, .present = {entries, entries}, .problem = ""};
    for (size_t i = 0; i < GT_ENTRY_COUNT; i++)
        w->observed.entries[i].present = entries;
}
#define WORLD(name, entries)                                                                                           \
    gt_scoped(end) world name = {0};                                                                                   \
    begin(&(name), entries)

static unsigned dice(world *w, unsigned most)
{
    w->random = w->random * 1103515245 + 12345;
    return (w->random >> 16) % most;
}

static gt_str keep(gt_arena *arena, gt_str s)
{
    return (gt_str){gt_arena_dup(arena, s.at == NULL ? "" : s.at, s.len), s.len};
}

/* A copy that the next decision's arena may be emptied under. */
static void store(world *w, const gt_secret *after)
{
    gt_arena *arena = w->ours;
    w->secret = *after;
    w->secret.exists = true;
    gt_str *const parts[] = {&w->secret.leaf.cert,     &w->secret.leaf.key,  &w->secret.authority.cert,
                             &w->secret.authority.key, &w->secret.next.cert, &w->secret.next.key,
                             &w->secret.bundle,        &w->secret.previous};
    for (size_t i = 0; i < COUNT(parts); i++)
        *parts[i] = keep(arena, *parts[i]);
    w->written_s = w->mono_s;
}

/* What reaches others reaches them later. */
static void spread(world *w)
{
    for (size_t i = 0; i < SERVERS; i++)
        if (w->mono_s >= w->published_s + (int64_t)i * LAG_S)
            w->servers[i] = w->published;
    for (size_t i = 0; w->entries && i < GT_ENTRY_COUNT && w->mono_s >= w->observed_s; i++)
        w->observed.entries[i].bundle = w->published;
    gt_err err;
    bool all = true; /* of the replicas have it */
    for (size_t i = 0; i < REPLICAS; i++)
        all = all && gt_str_eq(w->replicas[i], w->secret.leaf.cert);
    bool usable =
        !all && gt_pair_fits(w->secret.leaf.cert, w->secret.leaf.key, &err); /* else a replica keeps what it has */
    for (size_t i = 0; i < REPLICAS; i++)
        if (usable && (w->replicas[i].len == 0 || w->mono_s >= w->written_s + (int64_t)i * RELOAD_S))
            w->replicas[i] = w->secret.leaf.cert;
}

static bool same_as_checked(const world *w, size_t s, size_t r)
{
    return w->checked[s][r][0] == w->servers[s].at && w->checked[s][r][1] == w->replicas[r].at;
}

static void check_trust(world *w)
{
    for (size_t s = 0; w->entries && s < SERVERS; s++)
        for (size_t r = 0; r < REPLICAS; r++) {
            gt_err err = {0};
            if (w->servers[s].len == 0 || w->replicas[r].len == 0 ||
                (w->checked_s[s][r] == w->now_s / DAY && same_as_checked(w, s, r)))
                continue;
            w->checked_s[s][r] = w->now_s / DAY;
            w->checked[s][r][0] = w->servers[s].at;
            w->checked[s][r][1] = w->replicas[r].at;
            cr_assert(gt_bundle_trusts(w->servers[s], w->replicas[r], names[0], w->now_s, &err),
                      "second %lld: server %zu doesn't trust replica %zu: %s", (long long)w->mono_s, s, r, err.text);
        }
}

static gt_rotation rotation_of(world *w)
{
    bool published = gt_rotation_published(&w->secret, &w->observed);
    if (!published || !gt_str_eq(w->settled, w->secret.bundle))
        w->settled_s = w->mono_s;
    w->settled = w->secret.bundle;
    return (gt_rotation){.secret = &w->secret,
                         .observed = &w->observed,
                         .registration = "gastown",
                         .dns_names = names,
                         .ca_life_s = w->ca_life_s,
                         .leaf_life_s = 60 * DAY,
                         .settle_ms = SETTLE_S * 1000,
                         .overlap_ms = OVERLAP_S * 1000,
                         .now_s = w->now_s,
                         .steady_ms = (w->mono_s - w->steady_s) * 1000,
                         .published_ms = published ? (w->mono_s - w->settled_s) * 1000 : 0,
                         .held_ms = (w->mono_s - w->held_s) * 1000};
}

/* One look, and what it leads to. `wild`: whoever writes may be killed before or after, or somebody else writes first. */
static void turn(world *w, bool wild)
{
    gt_arena *arena = w->arenas[0];
    gt_arena_reset(arena);
    spread(w);
    gt_rotation now = rotation_of(w);
    w->step = gt_rotation_next(arena, &now);
    check_trust(w);
    bool lost = wild && dice(w, 3) == 0;
    if (wild && dice(w, 5) == 0) /* another process: it has seen nothing yet */
        w->settled_s = w->held_s = w->steady_s = w->mono_s;
    if (lost || w->step.act == GT_ROTATION_NOTHING)
        return;
    w->acts[w->step.act]++;
    if (w->step.act == GT_ROTATION_PUBLISH) {
        w->published = w->secret.bundle;
        w->published_s = w->mono_s;
        w->observed_s = w->mono_s + (wild ? dice(w, LAG_S) : 0);
        return;
    }
    gt_secret after;
    gt_err err;
    cr_assert(gt_rotation_apply(arena, &now, w->step.act, &after, &err), "%s", err.text);
    if (!gt_str_eq(after.leaf.cert, w->secret.leaf.cert) || !gt_str_eq(after.previous, w->secret.previous))
        w->held_s = w->mono_s;
    store(w, &after);
}

static void pass(world *w, int64_t seconds)
{
    w->now_s += seconds;
    w->mono_s += seconds;
}

/* How long until the next look: short while something is on its way to others. */
static int64_t pause_of(const world *w)
{
    int64_t wait = w->step.act != GT_ROTATION_NOTHING ? 1 : w->step.wait_ms / 1000 + 1;
    bool lagging = w->mono_s < w->published_s + 2 * LAG_S;
    bool rotating = w->secret.next.cert.len > 0 || w->secret.previous.len > 0;
    int64_t most = lagging ? 10 : rotating ? 600 : DAY;
    return wait < most ? wait : most;
}

/* Until nothing is left to do; at most a day. */
static void settle(world *w)
{
    int64_t end = w->mono_s + DAY;
    do {
        turn(w, false);
        pass(w, pause_of(w));
    } while (w->mono_s < end &&
             (w->step.act != GT_ROTATION_NOTHING || w->secret.next.cert.len > 0 || w->secret.previous.len > 0));
}

static void run_days(world *w, int days, bool wild)
{
    int64_t end = w->mono_s + (int64_t)days * DAY;
    while (w->mono_s < end) {
        turn(w, wild);
        pass(w, pause_of(w));
    }
}

Test(certs_rotation, years)
{
    WORLD(w, true);
    run_days(&w, 410, false);
    cr_expect_eq(w.acts[GT_ROTATION_CREATE], 1);
    cr_expect_eq(w.acts[GT_ROTATION_PREPARE], 3, "%u", w.acts[GT_ROTATION_PREPARE]); /* each 133 days */
    cr_expect_eq(w.acts[GT_ROTATION_SWITCH], 3);
    cr_expect_eq(w.acts[GT_ROTATION_DROP], 3);
    cr_expect_leq(w.acts[GT_ROTATION_LEAF], 10, "%u", w.acts[GT_ROTATION_LEAF]);
    cr_expect_geq(w.acts[GT_ROTATION_LEAF], 6, "%u", w.acts[GT_ROTATION_LEAF]);
    cr_expect_eq(w.acts[GT_ROTATION_PUBLISH], 7);
}

Test(certs_rotation, years_with_restarts_lags_and_other_writers)
{
    for (unsigned seed = 1; seed <= 1; seed++) {
        WORLD(w, true);
        w.random = seed * 7919;
        run_days(&w, 300, true);
        cr_expect_eq(w.acts[GT_ROTATION_CREATE], 1);
        cr_expect_eq(w.acts[GT_ROTATION_PREPARE], 2, "seed %u: %u", seed, w.acts[GT_ROTATION_PREPARE]);
        cr_expect_eq(w.acts[GT_ROTATION_DROP], 2, "seed %u: %u", seed, w.acts[GT_ROTATION_DROP]);
    }
}

Test(certs_rotation, without_entries_there_is_nothing_to_publish)
{
    WORLD(w, false);
    run_days(&w, 150, false);
    cr_expect_eq(w.acts[GT_ROTATION_PUBLISH], 0);
    cr_expect_eq(w.acts[GT_ROTATION_DROP], 1);
}

Test(certs_rotation, asked_for)
{
    WORLD(w, true);
    settle(&w);
    gt_str leaf = w.secret.leaf.cert, authority = w.secret.authority.cert;
    w.secret.renew = GT_STR("leaf");
    settle(&w);
    cr_expect_not(gt_str_eq(leaf, w.secret.leaf.cert));
    cr_expect(gt_str_eq(authority, w.secret.authority.cert));
    w.secret.renew = GT_STR("ca");
    settle(&w);
    cr_expect_not(gt_str_eq(authority, w.secret.authority.cert));
    cr_expect_eq(w.secret.renew.len, 0);
    expect_text(0, w.secret.bundle, gt_arena_dup(w.ours, w.secret.authority.cert.at, w.secret.authority.cert.len));
}

/* The Secret is deleted while replicas run: what they have in memory stays trusted until they have something else. */
Test(certs_rotation, lost_secret)
{
    WORLD(w, true);
    settle(&w);
    w.secret = (gt_secret){.type = GT_STR("kubernetes.io/tls")};
    turn(&w, false);
    cr_expect_eq(w.step.act, GT_ROTATION_PREPARE);
    cr_expect_eq(w.secret.leaf.cert.len, 0);
    settle(&w);
    cr_expect_eq(w.acts[GT_ROTATION_SWITCH], 1);
    cr_expect_eq(w.acts[GT_ROTATION_CREATE], 1);
}

/* What is wrong with the Secret of a world that has settled, and what is done about it first; problem: a part of it, or NULL. */
typedef void spoil_fn(world *w);
static void no_key(world *w)
{
    w->secret.authority.key = GT_STR("");
}
static void key_garbage(world *w)
{
    w->secret.authority.key = GT_STR("garbage");
}
static void ca_garbage(world *w)
{
    key_garbage(w);
    w->secret.bundle = GT_STR("garbage");
}
static void all_garbage(world *w)
{
    ca_garbage(w);
    w->secret.leaf.cert = w->secret.leaf.key = w->secret.authority.cert = GT_STR("garbage");
}
static void bundle_garbage(world *w)
{
    w->secret.bundle = GT_STR("garbage");
}
static void leaf_garbage(world *w)
{
    w->secret.leaf.cert = GT_STR("garbage");
}
static void leaf_key_garbage(world *w)
{
    w->secret.leaf.key = GT_STR("garbage");
}
static void foreign_leaf(world *w)
{
    w->secret.leaf.key = w->secret.authority.key;
}
static void entry_changed(world *w)
{
    w->observed.entries[GT_ENTRY_POLICY].bundle = GT_STR(PEM_ONE);
    w->published = GT_STR(PEM_ONE);
}
static void injected(world *w)
{
    w->observed.injected_from[GT_REGISTRATION_VALIDATING] = GT_STR("ns/cert");
    w->observed.entries[GT_ENTRY_POLICY].bundle = GT_STR("");
}
static void owned(world *w)
{
    w->secret.owner = GT_STR("webhook");
}
static void other_type(world *w)
{
    w->secret.type = GT_STR("Opaque");
}
static void clock_behind(world *w)
{
    w->now_s = YEAR(1990);
}
static void clock_ahead(world *w)
{
    w->now_s = YEAR(2060);
    w->steady_s = w->mono_s;
}

static const struct {
    spoil_fn *spoil;
    gt_rotation_act act;
    const char *problem;
} spoilt[] = {
    {no_key, GT_ROTATION_PREPARE, "no private key that can be read"},
    {key_garbage, GT_ROTATION_PREPARE, "another authority takes their place"},
    {ca_garbage, GT_ROTATION_NOTHING, "restore it"},
    {all_garbage, GT_ROTATION_NOTHING, "`gastown-certs renew --ca` makes a new authority"},
    {bundle_garbage, GT_ROTATION_BUNDLE, NULL},
    {leaf_garbage, GT_ROTATION_LEAF, NULL},
    {leaf_key_garbage, GT_ROTATION_LEAF, NULL},
    {foreign_leaf, GT_ROTATION_LEAF, NULL},
    {entry_changed, GT_ROTATION_PUBLISH, NULL},
    {injected, GT_ROTATION_NOTHING, "ns/cert"},
    {owned, GT_ROTATION_NOTHING, "cert-manager looks after this Secret"},
    {other_type, GT_ROTATION_NOTHING, "Opaque"},
    {clock_behind, GT_ROTATION_NOTHING, "the wall clock says 1990-01-01T00:00:00Z"},
    {clock_ahead, GT_ROTATION_NOTHING, NULL},
};

Test(certs_rotation, what_is_wrong)
{
    for (size_t i = 0; i < COUNT(spoilt); i++) {
        WORLD(w, true);
        settle(&w);
        pass(&w, 100);
        spoilt[i].spoil(&w);
        gt_rotation now = rotation_of(&w);
        gt_rotation_step step = gt_rotation_next(w.arenas[0], &now);
        cr_expect_eq(step.act, spoilt[i].act, "row %zu: %d: %s; %s", i, step.act, step.doing, step.problem);
        if (spoilt[i].problem != NULL)
            cr_expect(strstr(step.problem, spoilt[i].problem) != NULL, "row %zu: %s", i, step.problem);
        else
            cr_expect_str_eq(step.problem, "", "row %zu: %s", i, step.problem);
    }
}

/* After it, all of it is as it should be again, and nobody was cut off meanwhile (turn checks it). */
Test(certs_rotation, what_heals)
{
    spoil_fn *const rows[] = {no_key, key_garbage, bundle_garbage, leaf_garbage, leaf_key_garbage};
    for (size_t i = 0; i < COUNT(rows); i++) {
        WORLD(w, true);
        settle(&w);
        rows[i](&w);
        settle(&w);
        gt_err err = {0};
        cr_expect(gt_pair_fits(w.secret.leaf.cert, w.secret.leaf.key, &err), "row %zu: %s", i, err.text);
        cr_expect(gt_bundle_trusts(w.published, w.secret.leaf.cert, NAME, w.now_s, &err), "row %zu: %s", i, err.text);
        cr_expect_eq(w.secret.previous.len, 0, "row %zu", i);
    }
}

Test(certs_rotation, garbage_is_replaced_when_people_say_so)
{
    WORLD(w, true);
    settle(&w);
    all_garbage(&w);
    w.secret.renew = GT_STR("ca");
    settle(&w);
    gt_err err = {0};
    cr_expect(gt_bundle_trusts(w.published, w.secret.leaf.cert, NAME, w.now_s, &err), "%s", err.text);
}

/* A clock that goes wrong for a while, and comes back before it has proved itself, changes nothing. */
Test(certs_rotation, a_clock_that_jumps_makes_nothing)
{
    WORLD(w, true);
    settle(&w);
    pass(&w, 1000);
    gt_str leaf = w.secret.leaf.cert;
    for (int i = 0; i < 50; i++) {
        int64_t right = w.now_s;
        w.now_s = i % 2 == 0 ? YEAR(2070) : YEAR(1980);
        w.steady_s = w.mono_s;
        gt_rotation now = rotation_of(&w);
        gt_rotation_step step = gt_rotation_next(w.arenas[0], &now);
        cr_expect_eq(step.act, GT_ROTATION_NOTHING, "%d: %s", i, step.doing);
        w.now_s = right;
    }
    cr_expect(gt_str_eq(leaf, w.secret.leaf.cert));
}

/* Years later by all accounts: once anew, and then it's quiet. */
Test(certs_rotation, years_asleep)
{
    WORLD(w, true);
    settle(&w);
    pass(&w, 3000LL * DAY);
    w.steady_s = w.mono_s - HOUR;
    for (size_t i = 0; i < REPLICAS; i++)
        w.replicas[i] = GT_STR(""); /* what they have has expired */
    gt_rotation now = rotation_of(&w);
    cr_expect_eq(gt_rotation_next(w.arenas[0], &now).act, GT_ROTATION_PREPARE);
    w.entries = false; /* nothing of before can be trusted: trust isn't checked on the way */
    int64_t until = w.mono_s + 2 * HOUR;
    while (w.mono_s < until) {
        turn(&w, false);
        for (size_t i = 0; i < GT_ENTRY_COUNT; i++)
            w.observed.entries[i].bundle = w.published;
        pass(&w, 60);
    }
    gt_err err = {0};
    cr_expect(gt_bundle_trusts(w.published, w.secret.leaf.cert, NAME, w.now_s, &err), "%s", err.text);
    cr_expect_eq(w.acts[GT_ROTATION_PREPARE], 1);
    cr_expect_eq(w.acts[GT_ROTATION_SWITCH], 1);
}

Test(certs_rotation, nothing_known_nothing_done)
{
    WORLD(w, true);
    w.observed.known[GT_REGISTRATION_MUTATING] = false;
    turn(&w, false);
    cr_expect_eq(w.step.act, GT_ROTATION_NOTHING); /* it's being looked at */
    w.observed.problem = "listing mutatingwebhookconfigurations: 403 Forbidden";
    turn(&w, false);
    cr_expect_eq(w.step.act, GT_ROTATION_CREATE); /* it can't be looked at */
    w.secret.renew = GT_STR("ca");
    turn(&w, false);
    turn(&w, false);
    cr_expect_eq(w.acts[GT_ROTATION_PREPARE], 1);
    cr_expect_eq(w.step.act, GT_ROTATION_NOTHING);
    cr_expect(strstr(w.step.problem, "403 Forbidden") != NULL, "%s", w.step.problem);
}

Test(certs_rotation, names)
{
    static const char *const more[] = {NAME, "other.example", "127.0.0.1", NULL};
    WORLD(w, true);
    settle(&w);
    gt_rotation now = rotation_of(&w);
    now.dns_names = more;
    cr_expect_eq(gt_rotation_next(w.arenas[0], &now).act, GT_ROTATION_LEAF);
    gt_secret after;
    gt_err err = {0};
    cr_assert(gt_rotation_apply(w.arenas[0], &now, GT_ROTATION_LEAF, &after, &err), "%s", err.text);
    cr_expect(gt_chain_names(after.leaf.cert, more, &err), "%s", err.text);
}
