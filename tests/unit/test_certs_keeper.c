/* Who keeps certificates, against an API server that remembers. Time is virtual: it passes with the real one, and by leaps. */
#include "certs/authority.h"
#include "certs/keeper.h"

#include "lib/base/hash.h"
#include "tests/unit/test_certs_api.h"
#include "tests/unit/test_certs_pem.h"

enum { SECOND = 1000 * 1000, HOUR_S = 3600, KEEPERS = 2 };
#define NOW_S YEAR(2027)

static const char *const names[] = {NAME, "gastown-webhook.gastown-system", NULL};

typedef struct bench {
    certs_api api;
    gt_observed *observed[KEEPERS];
    gt_keeper *keepers[KEEPERS];
    int count;
    int64_t offset_us; /* of virtual time */
    bool follows;      /* nobody leads */
} bench;

static void free_keepers(bench *b)
{
    for (int i = 0; i < b->count; i++) {
        gt_keeper_free(b->keepers[i]);
        gt_observed_free(b->observed[i]);
    }
    b->count = 0;
}

static void add_keeper(bench *b)
{
    int i = b->count++;
    b->observed[i] = gt_observed_new(b->api.client, GT_REGISTRATION_NAME, (uint64_t)i + 7);
    b->keepers[i] = gt_keeper_new(&(gt_keeper_config){.client = b->api.client,
                                                      .observed = b->observed[i],
                                                      .ns = GT_SYSTEM_NAMESPACE,
                                                      .secret = GT_CERTS_SECRET,
                                                      .dns_names = names,
                                                      .registration = GT_REGISTRATION_NAME,
                                                      .seed = (uint64_t)i + 70});
    cr_assert(b->observed[i] != NULL && b->keepers[i] != NULL);
}

static void tear_down(bench *b)
{
    free_keepers(b);
    certs_api_stop(&b->api);
}

static void set_up(bench *b, int count)
{
    certs_api_start(&b->api);
    b->offset_us = 1000LL * SECOND - gt_clock_mono_us();
    for (int i = 0; i < count; i++)
        add_keeper(b);
}
#define BENCH(name, count)                                                                                             \
    gt_scoped(tear_down) bench name = {0};                                                                             \
    set_up(&(name), count)

static int64_t virtual_us(const bench *b)
{
    return gt_clock_mono_us() + b->offset_us;
}

static void turn(bench *b)
{
    for (int i = 0; i < b->count; i++) {
        int64_t now_us = virtual_us(b);
        gt_observed_run(b->observed[i], now_us);
        gt_keeper_run(b->keepers[i], now_us, NOW_S * 1000 + now_us / 1000, !b->follows);
    }
    gt_kube_wait(b->api.client, -1, 5);
    gt_kube_drive(b->api.client);
}

static void until(bench *b, bool (*over)(bench *b))
{
    const int64_t end = gt_clock_mono_us() + 20LL * SECOND;
    do {
        cr_assert_lt(gt_clock_mono_us(), end, "doing: %s; problem: %s", gt_keeper_now(b->keepers[0]).doing,
                     gt_keeper_now(b->keepers[0]).problem);
        turn(b);
    } while (!over(b));
}

static void leap(bench *b, int64_t seconds)
{
    b->offset_us += seconds * SECOND;
}

static bool all_idle(bench *b)
{
    bool all = true;
    for (int i = 0; i < b->count; i++) {
        gt_keeper_state s = gt_keeper_now(b->keepers[i]);
        all = all && s.known && s.idle && s.chain.len > 0;
    }
    return all;
}

static bool all_published(bench *b)
{
    bool all = all_idle(b);
    pthread_mutex_lock(&b->api.lock);
    for (size_t i = 0; i < GT_ENTRY_COUNT; i++)
        all = all && b->api.bundles[i][0] != '\0' && strcmp(b->api.bundles[i], b->api.parts[2]) == 0;
    pthread_mutex_unlock(&b->api.lock);
    return all;
}

static bool has_problem(bench *b)
{
    return gt_keeper_now(b->keepers[0]).problem[0] != '\0';
}

static bool is_prepared(bench *b)
{
    return gt_keeper_now(b->keepers[0]).prepared && all_published(b);
}

static bool has_switched(bench *b)
{
    const gt_keeper_state s = gt_keeper_now(b->keepers[0]);
    return !s.prepared && s.overlapping && all_idle(b); /* the same authorities, in another order */
}

static bool has_dropped(bench *b)
{
    const gt_keeper_state s = gt_keeper_now(b->keepers[0]);
    return !s.prepared && !s.overlapping && all_published(b);
}

Test(certs_keeper, from_nothing)
{
    BENCH(b, 1);
    until(&b, all_published);
    const gt_keeper_state s = gt_keeper_now(b.keepers[0]);
    gt_err err = {0};
    cr_expect(s.issued == 1 && s.authorities == 1 && s.published >= 1 && s.failures == 0);
    cr_expect(gt_pair_fits(s.chain, s.key, &err), "%s", err.text);
    cr_expect(gt_bundle_trusts(s.bundle, s.chain, NAME, NOW_S + 2000, &err), "%s", err.text);
    cr_expect(strstr(s.doing, "the certificate is renewed on 2027-03-02") == s.doing, "%s", s.doing);
    cr_expect(s.ca_not_after - s.ca_not_before == 3650LL * 86400 + GT_CERT_BACKDATED_S);
}

static bool knows(bench *b)
{
    return gt_keeper_now(b->keepers[0]).doing[0] != '\0';
}

Test(certs_keeper, who_follows_writes_nothing)
{
    BENCH(b, 1);
    b.follows = true;
    until(&b, knows);
    leap(&b, HOUR_S);
    for (int i = 0; i < 20; i++)
        turn(&b);
    cr_expect_str_eq(gt_keeper_now(b.keepers[0]).doing, "making an authority and a certificate");
    cr_expect(b.api.writes == 0 && b.api.publishes == 0);
}

/* Both believe that they lead, as two may for a moment. */
Test(certs_keeper, two_at_once_make_one_authority)
{
    BENCH(b, 2);
    until(&b, all_published);
    const gt_keeper_state one = gt_keeper_now(b.keepers[0]), two = gt_keeper_now(b.keepers[1]);
    cr_expect_eq(one.authorities + two.authorities, 1);
    cr_expect_eq(b.api.writes, 1);
    cr_expect(gt_str_eq(one.chain, two.chain) && gt_str_eq(one.bundle, two.bundle));
    cr_expect_eq(one.failures + two.failures, 0, "who was slower hasn't failed");
}

/* It counts the time that is left. */
static bool counts(bench *b)
{
    return strstr(gt_keeper_now(b->keepers[0]).doing, " s ") != NULL;
}

/* A change of the authority, whose keeper dies after each step. */
Test(certs_keeper, another_goes_on)
{
    static bool (*const steps[])(bench *) = {is_prepared, has_switched, has_dropped};
    static const int64_t after_s[] = {2 * 60, HOUR_S + 120, 0};
    BENCH(b, 1);
    until(&b, all_published);
    char first[CERTS_PART_MAX];
    CERTS_API(&b.api, snprintf(first, sizeof first, "%s", b.api.parts[3]);
              snprintf(b.api.renew, sizeof b.api.renew, "ca"));
    for (size_t i = 0; i < COUNT(steps); i++) {
        until(&b, steps[i]);
        free_keepers(&b);
        add_keeper(&b);
        if (after_s[i] > 0)
            until(&b, counts);
        leap(&b, after_s[i]);
    }
    cr_expect_str_neq(b.api.parts[3], first);
    cr_expect_str_eq(b.api.parts[3], b.api.parts[2]);
    cr_expect_str_eq(b.api.renew, "");
}

/* Deleted and applied without a bundle, again and again: pods are refused meanwhile. */
Test(certs_keeper, what_is_taken_away_is_soon_there_again)
{
    BENCH(b, 1);
    until(&b, all_published);
    for (int i = 0; i < 8; i++) {
        const int64_t before_us = virtual_us(&b);
        CERTS_API(&b.api, memset(b.api.bundles, 0, sizeof b.api.bundles));
        until(&b, all_published);
        cr_expect_lt(virtual_us(&b) - before_us, 4LL * SECOND, "the %dth time", i + 1);
    }
}

Test(certs_keeper, a_refusal_is_told_and_tried_again)
{
    BENCH(b, 1);
    b.api.refusal = "403 Forbidden";
    until(&b, has_problem);
    gt_keeper_state s = gt_keeper_now(b.keepers[0]);
    cr_expect_str_eq(s.problem, "writing Secret gastown-system/gastown-webhook-certs: 403 Forbidden: told so");
    cr_expect(s.failures >= 1 && s.chain.len == 0 && !b.api.exists);
    CERTS_API(&b.api, b.api.refusal = NULL);
    leap(&b, 100);
    until(&b, all_published);
    s = gt_keeper_now(b.keepers[0]);
    cr_expect_str_eq(s.problem, "");
    CERTS_API(&b.api, b.api.refusal = "403 Forbidden"; memset(b.api.bundles, 0, sizeof b.api.bundles));
    until(&b, has_problem);
    s = gt_keeper_now(b.keepers[0]);
    cr_expect_str_eq(s.problem, "the bundle can't be put on gastown: 403 Forbidden: told so");
}

/* Somebody else would fulfil it once more. */
Test(certs_keeper, a_wish_is_nobody_elses)
{
    BENCH(b, 1);
    until(&b, all_published);
    gt_keeper_ask(b.keepers[0], "ca");
    until(&b, is_prepared);
    cr_expect(!gt_keeper_now(b.keepers[0]).asked);
    gt_keeper_ask(b.keepers[0], "ca"); /* while the last one is under way */
    until(&b, counts);
    leap(&b, 120);
    until(&b, has_switched);
    cr_expect(gt_keeper_now(b.keepers[0]).asked);
    cr_expect_eq(b.api.asked_renew, 0, "it was written down");
    until(&b, counts);
    leap(&b, HOUR_S + 120);
    until(&b, is_prepared);
    cr_expect_eq(gt_keeper_now(b.keepers[0]).authorities, 3);
}

static bool is_stuck(bench *b)
{
    return gt_keeper_now(b->keepers[0]).stuck;
}

Test(certs_keeper, what_cant_be_read_is_left_alone)
{
    BENCH(b, 1);
    b.api.exists = true;
    snprintf(b.api.parts[3], sizeof b.api.parts[3], "!!");
    until(&b, is_stuck);
    cr_expect_str_eq(gt_keeper_now(b.keepers[0]).problem,
                     "Secret gastown-system/gastown-webhook-certs: authority.crt isn't base64");
    gt_keeper_state s;
    CERTS_API(&b.api, snprintf(b.api.parts[3], sizeof b.api.parts[3], "Z2FyYmFnZQ=="));
    do
        turn(&b);
    while (s = gt_keeper_now(b.keepers[0]), strstr(s.problem, "base64") != NULL);
    until(&b, is_stuck);
    s = gt_keeper_now(b.keepers[0]);
    cr_expect(strstr(s.problem, "authority.crt and authority.key of the Secret can't be used") == s.problem, "%s",
              s.problem);
    cr_expect_eq(b.api.writes, 0);
}

Test(certs_keeper, another_word_asks_for_nothing)
{
    BENCH(b, 1);
    until(&b, all_published);
    CERTS_API(&b.api, snprintf(b.api.renew, sizeof b.api.renew, "CA"));
    until(&b, has_problem);
    cr_expect_str_eq(
        gt_keeper_now(b.keepers[0]).problem,
        "the Secret's annotation gastown.io/renew-certificate is \"CA\", which asks for nothing: it can be "
        "leaf or ca");
    cr_expect_eq(gt_keeper_now(b.keepers[0]).authorities, 1);
}

static bool has_another(bench *b)
{
    return gt_keeper_now(b->keepers[0]).prepared && counts(b);
}

/* What was trusted stays so beside what is made anew. */
Test(certs_keeper, the_secret_is_deleted)
{
    BENCH(b, 1);
    until(&b, all_published);
    char old[CERTS_PART_MAX];
    CERTS_API(&b.api, snprintf(old, sizeof old, "%s", b.api.bundles[0]); b.api.exists = false;
              memset(b.api.parts, 0, sizeof b.api.parts));
    until(&b, has_another);
    SCOPED_ARENA(arena);
    gt_str was, now;
    cr_assert(gt_base64_decode(arena, gt_str_of(old), &was) &&
              gt_base64_decode(arena, gt_str_of(b.api.bundles[0]), &now));
    cr_expect(gt_bundle_contains(now, was) && !gt_bundle_contains(was, now));
}
