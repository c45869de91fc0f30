/* Our certificate and the API server, against one that remembers. Time is virtual. */
#include "webhook/credentials.h"

#include "certs/authority.h"
#include "lib/kube/call.h"
#include "tests/unit/test_certs_api.h"
#include "tests/unit/test_certs_pem.h"

enum { SECOND = 1000 * 1000 };
#define NOW_S YEAR(2027)

typedef struct bench {
    certs_api api;
    gt_options options;
    gt_metrics metrics;
    gt_keybox *keys;
    gt_credentials *credentials;
    gt_credentials_state state;
    int64_t offset_us;
    bool follows;
} bench;

static void tear_down(bench *b)
{
    gt_credentials_free(b->credentials);
    gt_keybox_free(b->keys);
    certs_api_stop(&b->api);
}

static void set_up(bench *b, const char *secret)
{
    certs_api_start(&b->api);
    b->offset_us = 1000LL * SECOND - gt_clock_mono_us();
    b->keys = gt_keybox_new();
    b->options = (gt_options){.certs_secret = secret,
                              .service = GT_SERVICE_NAME,
                              .registration = GT_REGISTRATION_NAME,
                              .ca_life_ms = INT64_C(87600) * 3600 * 1000,
                              .leaf_life_ms = INT64_C(2160) * 3600 * 1000,
                              .settle_ms = 1000,
                              .overlap_ms = 1000};
    b->credentials = gt_credentials_new(&(gt_credentials_config){.client = b->api.client,
                                                                 .options = &b->options,
                                                                 .keys = b->keys,
                                                                 .metrics = &b->metrics,
                                                                 .ns = GT_SYSTEM_NAMESPACE,
                                                                 .lease = "gastown-webhook",
                                                                 .instance = "one",
                                                                 .seed = 7});
    cr_assert(b->keys != NULL && b->credentials != NULL);
}
#define BENCH(name, secret)                                                                                            \
    gt_scoped(tear_down) bench name = {0};                                                                             \
    set_up(&(name), secret)

static void until(bench *b, bool (*over)(bench *b))
{
    const int64_t end = gt_clock_mono_us() + 20LL * SECOND;
    do {
        cr_assert_lt(gt_clock_mono_us(), end, "missing: %s; untrusted: %s", b->state.missing, b->state.untrusted);
        int64_t now_us = gt_clock_mono_us() + b->offset_us;
        gt_credentials_run(b->credentials, now_us, NOW_S * 1000 + now_us / 1000, !b->follows);
        gt_credentials_now(b->credentials, &b->state);
        gt_kube_wait(b->api.client, -1, 5);
        gt_kube_drive(b->api.client);
    } while (!over(b));
}

static bool is_trusted(bench *b)
{
    bool all = gt_keybox_valid(b->keys, NOW_S + 1500) && b->state.untrusted[0] == '\0';
    for (size_t i = 0; i < GT_ENTRY_COUNT; i++)
        all = all && b->state.trusted[i] == 1;
    return all;
}

static bool is_known(bench *b)
{
    return strcmp(b->state.missing, "making an authority and a certificate") == 0;
}

static bool is_refused(bench *b)
{
    return strstr(b->state.missing, "403") != NULL;
}

Test(webhook_credentials, a_certificate_of_our_own)
{
    BENCH(b, GT_CERTS_SECRET);
    b.follows = true;
    until(&b, is_known); /* who doesn't lead says what is waited for */
    b.follows = false;
    CERTS_API(&b.api, b.api.refusal = "403 Forbidden");
    until(&b, is_refused);
    cr_expect_str_eq(b.state.missing, "writing Secret gastown-system/gastown-webhook-certs: 403 Forbidden: told so");
    cr_expect(!gt_keybox_valid(b.keys, NOW_S + 1500) && b.state.authority_not_after == GT_METRIC_NONE);
    CERTS_API(&b.api, b.api.refusal = NULL);
    b.offset_us += 70LL * SECOND;
    until(&b, is_trusted);
    cr_expect_gt(b.state.authority_not_after, NOW_S + 3649 * INT64_C(86400));
    cr_expect_eq(atomic_load(&b.metrics.authorities_made), 1);
    cr_expect_geq(atomic_load(&b.metrics.keeping_failed), 1);
}

static bool is_another(bench *b)
{
    return atomic_load(&b->metrics.authorities_made) == 2 && is_trusted(b);
}

/* What is in memory is shown on, whatever becomes of the Secret. */
Test(webhook_credentials, the_secret_goes)
{
    BENCH(b, GT_CERTS_SECRET);
    until(&b, is_trusted);
    gt_keypair_facts before, after;
    cr_assert(gt_keybox_facts(b.keys, &before));
    CERTS_API(&b.api, b.api.exists = false; memset(b.api.parts, 0, sizeof b.api.parts));
    until(&b, is_another);
    cr_assert(gt_keybox_facts(b.keys, &after));
    cr_expect_str_eq(before.fingerprint, after.fingerprint, "not before the new authority has been seen for a while");
}

static bool is_counted(bench *b)
{
    return gt_counter_get(&b->metrics.certificates_refused) > 0;
}

/* The key of another one: refused once, and what was there stays. */
Test(webhook_credentials, a_pair_that_doesnt_fit)
{
    BENCH(b, GT_CERTS_SECRET);
    until(&b, is_trusted);
    gt_keypair_facts before, after;
    cr_assert(gt_keybox_facts(b.keys, &before));
    b.follows = true; /* else it's mended at once */
    CERTS_API(&b.api, memcpy(b.api.parts[1], b.api.parts[4], CERTS_PART_MAX));
    until(&b, is_counted);
    b.offset_us += 30LL * SECOND;
    until(&b, is_counted);
    cr_expect_eq(gt_counter_get(&b.metrics.certificates_refused), 1);
    cr_assert(gt_keybox_facts(b.keys, &after));
    cr_expect_str_eq(before.fingerprint, after.fingerprint);
    cr_expect(strstr(b.state.missing, "tls.key") != NULL, "%s", b.state.missing);
}

static bool has_bundle_looked_at(bench *b)
{
    return strstr(b->state.untrusted, "entry pods.gastown.io") != NULL;
}

/* With files nothing is written, but what entries trust is looked at all the same. */
Test(webhook_credentials, files)
{
    BENCH(b, NULL);
    gt_keypair *pair;
    gt_err err = {0};
    SCOPED_ARENA(arena);
    gt_pair authority, other, leaf;
    const char *const names[] = {NAME, NULL};
    cr_assert(gt_authority_make(arena, "a", NOW_S, 100000, &authority, &err));
    cr_assert(gt_authority_make(arena, "b", NOW_S, 100000, &other, &err));
    cr_assert(gt_authority_issue(arena, &authority, names, NOW_S, 90000, &leaf, &err));
    cr_assert(gt_keypair_make((gt_pem){leaf.cert, "c"}, (gt_pem){leaf.key, "k"}, NOW_S, &pair, &err), "%s", err.text);
    gt_keybox_put(b.keys, pair);
    gt_buf encoded;
    gt_buf_init(&encoded, arena, 4096);
    gt_base64(&encoded, other.cert);
    CERTS_API(&b.api, for (size_t i = 0; i < GT_ENTRY_COUNT; i++)
                          snprintf(b.api.bundles[i], sizeof b.api.bundles[i], "%s", encoded.at));
    until(&b, has_bundle_looked_at);
    cr_expect(strstr(b.state.untrusted, "entry pods.gastown.io: its caBundle doesn't fit our certificate") != NULL,
              "%s", b.state.untrusted);
    cr_expect_str_eq(b.state.missing, "");
    gt_buf_init(&encoded, arena, 4096);
    gt_base64(&encoded, authority.cert);
    CERTS_API(&b.api, for (size_t i = 0; i < GT_ENTRY_COUNT; i++)
                          snprintf(b.api.bundles[i], sizeof b.api.bundles[i], "%s", encoded.at));
    until(&b, is_trusted);
    cr_expect(b.api.writes == 0 && b.api.publishes == 0);
}
