/* The feed of a webhook in a cluster, against a server that plays an API server's part. */
#include "catalogue/cluster.h"

#include <stdio.h>

#include "lib/base/clock.h"
#include "tests/unit/test_injector_support.h"
#include "tests/unit/test_kube_server.h"

typedef struct bench {
    server server;
    gt_kube_config config;
    gt_kube_client *client;
    gt_catalogue *catalogue;
    gt_cluster *cluster;
    char url[64];
    gt_err err;
} bench;

static void tear_down(bench *b)
{
    gt_cluster_free(b->cluster);
    gt_catalogue_free(b->catalogue);
    gt_kube_client_free(b->client);
    server_stop(&b->server);
}

static void set_up(bench *b, const scene *scenes, size_t n, const char *const *namespaces)
{
    server_start(&b->server, scenes, n);
    snprintf(b->url, sizeof b->url, "http://127.0.0.1:%d", b->server.port);
    b->config = (gt_kube_config){.origin = "test", .server = b->url};
    cr_assert(gt_kube_client_new(&b->config, "test/1", &b->client, &b->err), "%s", b->err.text);
    b->catalogue = gt_catalogue_new(1);
    const gt_cluster_config config = {
        .client = b->client, .catalogue = b->catalogue, .namespaces = namespaces, .seed = 7};
    b->cluster = gt_cluster_new(&config);
}
#define BENCH(name, scenes, namespaces)                                                                                \
    gt_scoped(tear_down) bench name = {0};                                                                             \
    set_up(&(name), scenes, COUNT(scenes), namespaces)

static void turn(bench *b)
{
    gt_kube_drive(b->client);
    int64_t now = gt_clock_mono_us();
    int64_t due = gt_cluster_run(b->cluster, now);
    gt_kube_wait(b->client, -1, due <= now ? 0 : due - now < 20 * 1000 ? (due - now) / 1000 + 1 : 20);
}

/* Runs until it is so; the condition sees `now`, the feed's state. */
#define RUN_UNTIL(b, condition)                                                                                        \
    for (int64_t end_ = gt_clock_mono_us() + (int64_t)20 * 1000 * 1000;;) {                                            \
        gt_cluster_state now = gt_cluster_now((b)->cluster);                                                           \
        if (condition)                                                                                                 \
            break;                                                                                                     \
        cr_assert_lt(gt_clock_mono_us(), end_, "never: %s (%s)", #condition, now.problem);                             \
        turn(b);                                                                                                       \
    }

/* What a polecat of gastown gets as image now; "" when there's no plan. */
static const char *image(const bench *b)
{
    static char text[64];
    SCOPED_ARENA(arena);
    gt_plan plan;
    gt_str message;
    const gt_snapshot *snapshot = gt_catalogue_enter(b->catalogue, 0);
    text[0] = '\0';
    if (snapshot != NULL && gt_snapshot_plan(arena, snapshot, GT_STR("gastown"), GT_STR("gastown"), GT_STR("polecat"),
                                             &plan, &message) == GT_LOOKUP_FOUND)
        snprintf(text, sizeof text, "%s", gt_value_str(gt_layer_value(plan.merged, GT_FIELD_IMAGE, "")).at);
    gt_catalogue_leave(b->catalogue, 0);
    return text;
}

static const gt_store_object *rig(const bench *b)
{
    return gt_store_find(gt_cluster_store(b->cluster), GT_KIND_RIG, GT_STR("gastown"), GT_STR("gastown"));
}

#define OBJECT(name, uid, generation, spec)                                                                            \
    "{\"metadata\":{\"name\":\"" name "\",\"namespace\":\"gastown\",\"uid\":\"" uid "\",\"resourceVersion\":\"4\","    \
    "\"creationTimestamp\":\"2026-01-01T00:00:00Z\",\"generation\":" generation "},\"spec\":{" spec "}}"
#define TOWN OBJECT("main", "u-1", "1", "\"defaults\":{\"image\":\"a:v1\"}")
#define RIG(generation, key, image)                                                                                    \
    OBJECT("gastown", "u-2", generation, "\"name\":\"gastown\",\"podOverrides\":{\"" key "\":\"" image "\"}")
#define EVENT(type, object) "{\"type\":\"" type "\",\"object\":" object "}\n"
#define LIST(items) "{\"kind\":\"List\",\"metadata\":{\"resourceVersion\":\"5\"},\"items\":[" items "]}"
#define STATUS(code, reason)                                                                                           \
    "{\"kind\":\"Status\",\"apiVersion\":\"v1\",\"status\":\"Failure\",\"message\":\"no\",\"reason\":\"" reason        \
    "\",\"code\":" code "}"
#define LISTED(kind, items)                                                                                            \
    {                                                                                                                  \
        .answer = ANSWER(arena, "200 OK", LIST(items)), .match = "/" kind "?limit"                                     \
    }
#define QUIET                                                                                                          \
    {                                                                                                                  \
        .stream = "", .open = true, .match = "watch=1"                                                                 \
    }

/* Not even a folder's worth of pods is served before it is known what was good. */
Test(catalogue_cluster, publishes_when_all_is_listed)
{
    SCOPED_ARENA(arena);
    const scene scenes[] = {LISTED("gastowns", TOWN),
                            LISTED("rigs", RIG("1", "image", "r:v1")),
                            LISTED("agentpools", ""),
                            LISTED("serviceaccounts", ""),
                            LISTED("storageclasses", ""),
                            {.answer = ANSWER(arena, "503 Busy", STATUS("503", "ServiceUnavailable")),
                             .match = "/controllerrevisions?limit"},
                            LISTED("controllerrevisions", ""),
                            QUIET};
    BENCH(b, scenes, NULL);
    RUN_UNTIL(&b, strstr(now.problem, "503") != NULL && atomic_load(&b.server.requests) >= 11);
    cr_expect(!gt_cluster_now(b.cluster).synced);
    cr_expect_eq(gt_catalogue_now(b.catalogue).generation, 0);
    RUN_UNTIL(&b, now.synced);
    cr_expect_str_eq(image(&b), "r:v1");
    cr_expect_eq(gt_cluster_now(b.cluster).loads, 1);
    cr_expect_eq(gt_cluster_revisions(b.cluster).written, 0, "it doesn't lead");
}

Test(catalogue_cluster, storage_classes_are_nice_to_know)
{
    SCOPED_ARENA(arena);
    const scene scenes[] = {
        LISTED("gastowns", TOWN),
        LISTED("rigs", RIG("1", "image", "r:v1")),
        LISTED("agentpools", ""),
        LISTED("serviceaccounts", ""),
        {.answer = ANSWER(arena, "403 Forbidden", STATUS("403", "Forbidden")), .match = "/storageclasses?limit"},
        LISTED("controllerrevisions", ""),
        QUIET};
    BENCH(b, scenes, NULL);
    RUN_UNTIL(&b, now.synced);
    cr_expect_str_eq(gt_cluster_now(b.cluster).problem, "");
    RUN_UNTIL(&b, now.heard_us != 0);
}

Test(catalogue_cluster, without_our_kinds)
{
    SCOPED_ARENA(arena);
    const scene scenes[] = {LISTED("gastowns", TOWN),
                            {.answer = "HTTP/1.1 404 Not Found\r\nContent-Type: text/plain\r\nContent-Length: 19\r\n"
                                       "\r\n404 page not found\n",
                             .match = "/rigs?limit"},
                            LISTED("agentpools", ""),
                            LISTED("serviceaccounts", ""),
                            LISTED("storageclasses", ""),
                            LISTED("controllerrevisions", ""),
                            QUIET};
    BENCH(b, scenes, NULL);
    RUN_UNTIL(&b, now.problem[0] != '\0');
    const char *problem = gt_cluster_now(b.cluster).problem;
    cr_expect_neq(strstr(problem, "rigs"), NULL, "%s", problem);
    cr_expect_neq(strstr(problem, "apply the CRDs: manifests/crds"), NULL, "%s", problem);
}

/* A change is loaded; what is wrong is replaced by what was good; what is deleted goes, but only the one that is meant. */
Test(catalogue_cluster, follows)
{
    SCOPED_ARENA(arena);
    static const char good[] = EVENT("MODIFIED", RIG("2", "image", "r:v2"));
    static const char broken[] = EVENT("MODIFIED", RIG("3", "imgae", "r:v3"));
    const scene scenes[] = {LISTED("gastowns", TOWN),
                            LISTED("rigs", RIG("1", "image", "r:v1")),
                            LISTED("agentpools", ""),
                            LISTED("serviceaccounts", ""),
                            LISTED("storageclasses", ""),
                            LISTED("controllerrevisions", ""),
                            {.stream = good, .match = "/rigs?watch=1", .wait_ms = 100},
                            {.stream = broken, .match = "/rigs?watch=1", .wait_ms = 100},
                            {.stream = EVENT("DELETED", OBJECT("gastown", "u-0", "9", "")), .match = "/rigs?watch=1"},
                            {.stream = "", .open = true, .match = "/rigs?watch=1"},
                            QUIET};
    BENCH(b, scenes, NULL);
    RUN_UNTIL(&b, strcmp(image(&b), "r:v1") == 0);
    RUN_UNTIL(&b, strcmp(image(&b), "r:v2") == 0);
    RUN_UNTIL(&b, rig(&b) != NULL && rig(&b)->verdict == GT_VERDICT_KEPT);
    cr_expect_str_eq(image(&b), "r:v2");
    int requests = atomic_load(&b.server.requests);
    RUN_UNTIL(&b, atomic_load(&b.server.requests) > requests + 1);
    cr_expect_not_null(rig(&b), "another object of that name has gone");
    cr_expect_str_eq(image(&b), "r:v2");
}

/* Each namespace's listing sweeps what is its own. */
Test(catalogue_cluster, namespaces)
{
    SCOPED_ARENA(arena);
    static const char *const namespaces[] = {"gastown", "other", NULL};
    const scene scenes[] = {
        LISTED("namespaces/gastown/gastowns", TOWN),
        LISTED("namespaces/gastown/rigs", RIG("1", "image", "r:v1")),
        {.answer = ANSWER(arena, "410 Gone", STATUS("410", "Expired")), .match = "namespaces/other/rigs?watch=1"},
        {.answer = ANSWER(arena, "200 OK", LIST("")), .match = "?limit"},
        QUIET};
    BENCH(b, scenes, namespaces);
    RUN_UNTIL(&b, now.synced && strcmp(image(&b), "r:v1") == 0);
    RUN_UNTIL(&b, atomic_load(&b.server.requests) >= 11 * 2 + 2);
    for (int i = 0; i < 5; i++)
        turn(&b);
    cr_expect_str_eq(image(&b), "r:v1");
    cr_expect_not_null(rig(&b));
}

/* Who doesn't lead only reads; a leader writes down what is in use. */
Test(catalogue_cluster, leader_writes)
{
    SCOPED_ARENA(arena);
    const scene scenes[] = {LISTED("gastowns", TOWN),
                            LISTED("rigs", RIG("1", "image", "r:v1")),
                            {.answer = ANSWER(arena, "200 OK", LIST("")), .match = "?limit"},
                            {.answer = ANSWER(arena, "201 Created", "{}"), .match = "POST /apis/apps/v1/namespaces/"},
                            QUIET};
    BENCH(b, scenes, NULL);
    RUN_UNTIL(&b, now.synced && atomic_load(&b.server.requests) == 12);
    for (int i = 0; i < 5; i++)
        turn(&b);
    cr_expect_eq(atomic_load(&b.server.requests), 12, "six lists, six watches");
    gt_cluster_lead(b.cluster, true);
    RUN_UNTIL(&b, gt_cluster_revisions(b.cluster).written == 2);
    gt_cluster_lead(b.cluster, false);
    gt_cluster_force(b.cluster);
    RUN_UNTIL(&b, now.loads == 2);
    cr_expect_eq(atomic_load(&b.server.requests), 14);
    gt_cluster_free(NULL);
}
