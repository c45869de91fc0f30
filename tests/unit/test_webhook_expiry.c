#include "webhook/expiry.h"

#include "tests/unit/test_webhook_api.h"

enum { DAY = 24 * 3600 };
#define T INT64_C(1700000000)

Test(webhook_expiry, from_thirty_days_or_a_third_of_life)
{
    cr_expect_eq(gt_expiry_from(T, T + 3650 * (int64_t)DAY), T + 3620 * (int64_t)DAY);
    cr_expect_eq(gt_expiry_from(T, T + 90 * DAY), T + 63 * DAY, "cert-manager renews these after 60 days");
    cr_expect_eq(gt_expiry_from(T, T + 1000), T + 700);
}

typedef struct bench {
    api api;
    gt_metrics metrics;
    gt_expiry *expiry;
} bench;

static void set_up(bench *b)
{
    api_start(&b->api);
    b->expiry = gt_expiry_new(&(gt_expiry_config){.client = b->api.client,
                                                  .metrics = &b->metrics,
                                                  .ns = "gastown-system",
                                                  .lease = "gastown-webhook",
                                                  .instance = "replica-1"});
    cr_assert_not_null(b->expiry);
}

static void tear_down(bench *b)
{
    gt_expiry_free(b->expiry);
    api_stop(&b->api);
}

static gt_expiring expiring(const char *identity)
{
    return (gt_expiring){.what = "serving certificate",
                         .identity = identity,
                         .remedy = "renew it",
                         .not_before_s = T,
                         .not_after_s = T + 100 * (int64_t)DAY};
}

/* As long as a call may take. */
static void settle(bench *b, int events)
{
    int64_t end = gt_clock_mono_us() + 20 * INT64_C(1000000);
    while (atomic_load(&b->api.events) < events || gt_counter_get(&b->metrics.events_written) < (uint64_t)events) {
        gt_kube_wait(b->api.client, -1, 20);
        gt_kube_drive(b->api.client);
        cr_assert_lt(gt_clock_mono_us(), end);
    }
}

Test(webhook_expiry, once_a_day_per_certificate)
{
    gt_scoped(tear_down) bench b = {0};
    set_up(&b);
    const gt_expiring first = expiring("0123456789abcdef0123"), second = expiring("fedcba98"), none = expiring("");
    int64_t soon = T + 90 * (int64_t)DAY;
    gt_expiry_tell(b.expiry, 0, &first, (T + 69 * (int64_t)DAY) * 1000);
    gt_expiry_tell(b.expiry, 0, &none, soon * 1000);
    gt_expiry_tell(b.expiry, 0, &first, soon * 1000);
    settle(&b, 1);
    for (int i = 1; i < 3; i++)
        gt_expiry_tell(b.expiry, 0, &first, (soon + i) * 1000);
    gt_expiry_tell(b.expiry, 1, &second, (soon + 5) * 1000);
    settle(&b, 2);
    gt_expiry_tell(b.expiry, 0, &first, (soon + DAY) * 1000);
    settle(&b, 3);
    const char *event = api_asked(&b.api, "/events", 0);
    static const char *const parts[] = {
        "/api/v1/namespaces/gastown-system/events",
        "\"name\":\"gastown-webhook.0123456789abcdef.19765\"",
        "\"kind\":\"Lease\"",
        "\"type\":\"Warning\"",
        "\"reason\":\"CertificateExpiresSoon\"",
        "the serving certificate expires on 2024-02-22T22:13:20Z, in 10 days; renew it"};
    for (size_t i = 0; i < COUNT(parts); i++)
        cr_expect_not_null(strstr(event, parts[i]), "%s isn't in %s", parts[i], event);
    gt_expiry_tell(b.expiry, 0, &first, (T + 101 * (int64_t)DAY) * 1000);
    settle(&b, 4);
    cr_expect_not_null(strstr(api_asked(&b.api, "/events", 3), "CertificateExpired\""));
    cr_expect_eq(atomic_load(&b.api.events), 4);
}
