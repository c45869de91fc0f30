/* Informers, claims and status joined, against a server that plays an API server's part. */
#include <stdio.h>

#include "lib/base/clock.h"
#include "lib/kube/call.h"
#include "tests/unit/test_injector_support.h"
#include "tests/unit/test_kube_server.h"
#include "webhook/reconciler.h"

typedef struct bench {
    server server;
    gt_kube_config config;
    gt_kube_client *client;
    gt_catalogue *catalogue;
    gt_store *store;
    gt_reconciler *reconciler;
    char url[64];
    int64_t ahead_us; /* of the clock: nobody waits */
    gt_err err;
} bench;

static void tear_down(bench *b)
{
    gt_reconciler_free(b->reconciler);
    gt_catalogue_free(b->catalogue);
    gt_store_free(b->store);
    gt_kube_client_free(b->client);
    server_stop(&b->server);
}

static const char town[] =
    "{'apiVersion':'gastown.io/v1alpha1','kind':'GasTown','metadata':{'name':'main','namespace':'gastown','uid':'u-1',"
    "'generation':1,'creationTimestamp':'2026-01-01T00:00:00Z'},'spec':{'name':'t'}}";

static void set_up(bench *b, const scene *scenes, size_t n, const char *const *namespaces)
{
    SCOPED_ARENA(arena);
    gt_store_report report;
    server_start(&b->server, scenes, n);
    snprintf(b->url, sizeof b->url, "http://127.0.0.1:%d", b->server.port);
    b->config = (gt_kube_config){.origin = "test", .server = b->url};
    cr_assert(gt_kube_client_new(&b->config, "test/1", &b->client, &b->err), "%s", b->err.text);
    b->catalogue = gt_catalogue_new(1);
    b->store = gt_store_new();
    cr_assert(gt_store_put(b->store, GT_KIND_TOWN, view_of(arena, town), &b->err), "%s", b->err.text);
    cr_assert(gt_store_load(b->store, &report, &b->err), "%s", b->err.text);
    gt_store_adopt(b->store);
    gt_catalogue_publish(b->catalogue, report.snapshot, 0, 0);
    const gt_reconciler_config config = {.client = b->client,
                                         .catalogue = b->catalogue,
                                         .slot = 0,
                                         .store = b->store,
                                         .namespaces = namespaces,
                                         .instance = "replica-1",
                                         .version = "v2",
                                         .seed = 7};
    b->reconciler = gt_reconciler_new(&config);
}
#define BENCH(name, scenes, namespaces)                                                                                \
    gt_scoped(tear_down) bench name = {0};                                                                             \
    set_up(&(name), scenes, COUNT(scenes), namespaces)

static void turn(bench *b, bool leading)
{
    gt_kube_drive(b->client);
    int64_t now = gt_clock_mono_us() + b->ahead_us;
    int64_t due = gt_reconciler_run(b->reconciler, now, gt_clock_wall_ms(), leading);
    gt_kube_wait(b->client, -1, due <= now ? 0 : due - now < 20 * 1000 ? (due - now) / 1000 + 1 : 20);
}

/* Runs until it is so; the condition sees `now`, the reconciler's state. */
#define RUN_UNTIL(b, leading, condition)                                                                               \
    for (int64_t end_ = gt_clock_mono_us() + (int64_t)20 * 1000 * 1000;;) {                                            \
        gt_reconciler_state now = gt_reconciler_now((b)->reconciler);                                                  \
        if (condition)                                                                                                 \
            break;                                                                                                     \
        cr_assert_lt(gt_clock_mono_us(), end_, "never: %s (%s)", #condition, now.problem);                             \
        turn(b, leading);                                                                                              \
    }

static bool asked(const bench *b, const char *what)
{
    for (size_t i = 0; i < COUNT(b->server.asked); i++)
        if (strstr(b->server.asked[i], what) != NULL)
            return true;
    return false;
}

#define LIST(items) "{\"kind\":\"List\",\"metadata\":{\"resourceVersion\":\"5\"},\"items\":[" items "]}"
#define POD                                                                                                            \
    "{\"metadata\":{\"name\":\"p\",\"namespace\":\"gastown\",\"uid\":\"u-2\",\"resourceVersion\":\"4\",\"labels\":{"   \
    "\"gastown.io/rig\":\"gastown\",\"gastown.io/role\":\"crew\",\"gastown.io/"                                        \
    "agent\":\"max\"},\"annotations\":{\"gastown.io/template-hash\":\"0123456789abcdef\"}},\"spec\":{\"volumes\":["    \
    "{\"name\":\"workspace\",\"persistentVolumeClaim\":{\"claimName\":\"gt-gastown-crew-max-workspace\"}}]},"          \
    "\"status\":{\"phase\":\"Pending\"}}"
#define CLAIM                                                                                                          \
    "{\"metadata\":{\"name\":\"gt-gastown-crew-max-workspace\",\"namespace\":\"gastown\",\"resourceVersion\":\"6\"},"  \
    "\"spec\":{\"storageClassName\":\"gp3\",\"resources\":{\"requests\":{\"storage\":\"10Gi\"}}}}"
#define FOLLOWED                                                                                                       \
    {.answer = ANSWER(arena, "200 OK", LIST(POD)), .match = "/pods?limit"},                                            \
        {.answer = ANSWER(arena, "200 OK", LIST("")), .match = "/persistentvolumeclaims?limit"},                       \
        {.stream = "", .open = true, .match = "watch=1"},                                                              \
        {.answer = ANSWER(arena, "201 Created", CLAIM),                                                                \
         .match = "POST /api/v1/namespaces/gastown/persistentvolumeclaims"},                                           \
    {                                                                                                                  \
        .answer = ANSWER(arena, "200 OK", "{}"), .match = "/status?"                                                   \
    }

Test(webhook_reconciler, a_claim_and_a_status)
{
    SCOPED_ARENA(arena);
    const scene scenes[] = {FOLLOWED};
    BENCH(b, scenes, NULL);
    RUN_UNTIL(&b, true, now.claims_created == 1 && now.statuses_written == 1);
    gt_reconciler_state state = gt_reconciler_now(b.reconciler);
    cr_expect(state.synced);
    cr_expect_str_eq(state.problem, "");
    cr_expect_eq(state.pods, 1);
    cr_expect_eq(state.drifted, 1, "it has another hash");
    cr_expect_eq(state.claims_failed + state.statuses_failed, 0);
    cr_expect(asked(&b, "\"pods\":{\"total\":1,\"current\":0,\"older\":1,\"hashes\":[{"));
    cr_expect(asked(&b, "GET /api/v1/pods?"));
}

/* It follows, and is ready to lead: then what is due is done at once. */
Test(webhook_reconciler, writes_nothing_unless_it_leads)
{
    SCOPED_ARENA(arena);
    const scene scenes[] = {FOLLOWED};
    static const char *const namespaces[] = {"gastown", NULL};
    BENCH(b, scenes, namespaces);
    RUN_UNTIL(&b, false, now.synced && atomic_load(&b.server.requests) == 4);
    for (int i = 0; i < 20; i++)
        turn(&b, false);
    cr_expect_eq(atomic_load(&b.server.requests), 4, "two lists, two watches");
    cr_expect(asked(&b, "GET /api/v1/namespaces/gastown/pods?"));
    RUN_UNTIL(&b, true, now.claims_created == 1 && now.statuses_written == 1);
    cr_expect_eq(atomic_load(&b.server.requests), 6);
}

/* Without the right to list claims none is made, and the status is written without them after a while. */
Test(webhook_reconciler, without_a_right)
{
    SCOPED_ARENA(arena);
    const scene scenes[] = {
        {.answer =
             ANSWER(arena, "403 Forbidden",
                    "{\"kind\":\"Status\",\"status\":\"Failure\",\"reason\":\"Forbidden\",\"message\":\"claims: no "
                    "right\",\"code\":403}"),
         .match = "persistentvolumeclaims"},
        {.answer = ANSWER(arena, "200 OK", LIST(POD)), .match = "/pods?limit"},
        {.stream = "", .open = true, .match = "watch=1"},
        {.answer = ANSWER(arena, "200 OK", "{}"), .match = "/status?"},
    };
    BENCH(b, scenes, NULL);
    RUN_UNTIL(&b, true, now.pods == 1 && now.problem[0] != '\0');
    cr_expect_not(asked(&b, "/status?"), "not yet");
    b.ahead_us = 6 * 1000 * 1000;
    RUN_UNTIL(&b, true, now.statuses_written == 1);
    gt_reconciler_state state = gt_reconciler_now(b.reconciler);
    cr_expect_not(state.synced);
    cr_expect(strstr(state.problem, "claims: no right") != NULL, "%s", state.problem);
    cr_expect_eq(state.claims_created, 0);
    cr_expect(asked(&b, "\"total\":1"));
    cr_expect_not(asked(&b, "ClaimsAsTemplated"));
}
