/* Status of a real store's objects, against an API server that keeps nothing; the store is told what was written, as an informer would. */
#include "tests/unit/test_webhook_api.h"
#include "webhook/status.h"

typedef struct bench {
    api api;
    gt_store *store;
    gt_pods *pods;
    gt_pvcs *claims;
    gt_census census;
    gt_status *status;
    gt_snapshot *snapshot;
    const char *denied;
    uint64_t generation;
    int64_t now_us;
} bench;

static void tear_down(bench *b)
{
    gt_status_free(b->status);
    gt_census_end(&b->census);
    gt_pvcs_free(b->claims);
    gt_pods_free(b->pods);
    gt_snapshot_free(b->snapshot);
    gt_store_free(b->store);
    api_stop(&b->api);
}

static const char *denied(void *context, const gt_store_object *object)
{
    const bench *b = context;
    return object->kind == GT_KIND_TOWN ? b->denied : NULL;
}

static void set_up(bench *b)
{
    api_start(&b->api);
    b->store = gt_store_new();
    b->pods = gt_pods_new();
    b->claims = gt_pvcs_new(b->api.client, "replica-1", 7);
    cr_assert(gt_census_init(&b->census));
    const gt_status_config config = {.client = b->api.client,
                                     .store = b->store,
                                     .engine = "v2",
                                     .instance = "replica-1",
                                     .seed = 7,
                                     .denied = denied,
                                     .context = b};
    b->status = gt_status_new(&config);
    b->now_us = 1000 * 1000 * 1000;
}
#define BENCH(name)                                                                                                    \
    gt_scoped(tear_down) bench name = {0};                                                                             \
    set_up(&(name))

static const char *const kinds[] = {"GasTown", "Rig", "AgentPool"};

/* status: NULL for none. */
static void put(bench *b, gt_kind kind, const char *name, int generation, const char *spec, const char *status)
{
    gt_err err;
    gt_view object =
        view_of(b->api.arena,
                gt_arena_printf(b->api.arena,
                                "{'apiVersion':'gastown.io/v1alpha1','kind':'%s','metadata':{'name':'%s','namespace':"
                                "'gastown','uid':'uid-%s','generation':%d,'creationTimestamp':'2026-01-01T00:00:00Z'},"
                                "'spec':%s%s%s}",
                                kinds[kind], name, name, generation, spec,
                                status == NULL ? "" : ",'status':", status == NULL ? "" : status));
    cr_assert(gt_store_put(b->store, kind, object, &err), "%s", err.text);
}

static void load(bench *b)
{
    gt_store_report report;
    gt_err err;
    cr_assert(gt_store_load(b->store, &report, &err), "%s", err.text);
    gt_snapshot_free(b->snapshot);
    b->snapshot = report.snapshot;
    gt_store_adopt(b->store);
    b->generation++;
}

enum { SOON = 500 * 1000 };
static void settle(bench *b, int64_t within_us)
{
    int64_t end = b->now_us + within_us, limit = gt_clock_mono_us() + 20 * 1000 * 1000;
    for (;;) {
        cr_assert_lt(gt_clock_mono_us(), limit, "doesn't settle");
        cr_assert(gt_pods_judge(b->pods, b->snapshot, b->generation, INT64_MAX));
        cr_assert(gt_census_take(&b->census, b->pods, b->claims, &b->api.err));
        int64_t due = gt_status_run(b->status, &b->census, b->generation, b->now_us, INT64_MAX, 1795258706123);
        bool busy = gt_status_now(b->status).under_way > 0;
        if (!busy && due > end)
            break;
        if (!busy)
            b->now_us = due > b->now_us ? due : b->now_us;
        gt_kube_wait(b->api.client, -1, busy ? 20 : 0);
        gt_kube_drive(b->api.client);
    }
    b->now_us = end;
}

/* What was applied last to an object, as its informer would bring it back. */
static const char *applied(const bench *b, const char *resource)
{
    const char *found = "", *next;
    for (int i = 0; (next = api_asked(&b->api, resource, i))[0] != '\0'; i++)
        if (strstr(next, "/status?") != NULL)
            found = next;
    const char *status = strstr(found, "\"status\":{");
    if (status == NULL)
        return NULL;
    char *copy = gt_arena_strdup(b->api.arena, status + strlen("\"status\":"));
    copy[strlen(copy) - 1] = '\0';
    return copy;
}

Test(webhook_status, said_once_and_again_when_it_changes)
{
    BENCH(b);
    put(&b, GT_KIND_TOWN, "main", 1, "{'name':'t'}", NULL);
    put(&b, GT_KIND_RIG, "r", 3, "{'name':'gastown'}", NULL);
    load(&b);
    settle(&b, (int64_t)10 * 1000 * 1000);
    cr_expect_eq(atomic_load(&b.api.applies), 2);
    const char *asked = api_asked(&b.api, "/rigs/r/status", 0);
    cr_expect(gt_str_starts(gt_str_of(asked), "PATCH /apis/gastown.io/v1alpha1/namespaces/gastown/rigs/r/status?"),
              "%s", asked);
    cr_expect(strstr(asked, "fieldManager=gastown-webhook") != NULL, "%s", asked);
    cr_expect(strstr(asked, "\"uid\":\"uid-r\"") != NULL, "%s", asked);
    cr_expect(strstr(asked, "\"status\":\"True\",\"reason\":\"Accepted\"") != NULL, "%s", asked);
    put(&b, GT_KIND_RIG, "r", 3, "{'name':'gastown'}", applied(&b, "/rigs/r"));
    settle(&b, (int64_t)10 * 1000 * 1000);
    cr_expect_eq(atomic_load(&b.api.applies), 2, "its echo says so already");
    put(&b, GT_KIND_RIG, "r", 3, "{'name':'gastown'}", "{'conditions':[]}");
    settle(&b, (int64_t)2 * 1000 * 1000);
    cr_expect_eq(atomic_load(&b.api.applies), 3, "somebody has taken it away");
    cr_expect_eq(gt_status_now(b.status).written, 3);
    cr_expect_eq(atomic_load(&b.api.events), 0);
}

/* Between the API server's word and the next load: the verdict that is there is about the version before. */
Test(webhook_status, nothing_is_said_of_a_version_before_it_was_loaded)
{
    BENCH(b);
    put(&b, GT_KIND_TOWN, "main", 1, "{'name':'t'}", NULL);
    load(&b);
    settle(&b, SOON);
    put(&b, GT_KIND_TOWN, "main", 1, "{'name':'t'}", applied(&b, "/gastowns/main"));
    put(&b, GT_KIND_TOWN, "main", 2, "{'name':'t','defaults':{'imgae':'x'}}", applied(&b, "/gastowns/main"));
    settle(&b, (int64_t)10 * 1000 * 1000);
    cr_expect_eq(atomic_load(&b.api.applies), 1, "generation 2 isn't accepted");
    load(&b);
    settle(&b, SOON);
    cr_expect_eq(atomic_load(&b.api.applies), 2);
    cr_expect(strstr(applied(&b, "/gastowns/main"), "\"observedGeneration\":2") != NULL);
    cr_expect(strstr(applied(&b, "/gastowns/main"), "\"reason\":\"Quarantined\"") != NULL);
}

Test(webhook_status, what_is_wrong_is_an_event_too)
{
    BENCH(b);
    put(&b, GT_KIND_TOWN, "main", 1, "{'name':'t','defaults':{'imgae':'x'}}", NULL);
    load(&b);
    settle(&b, (int64_t)10 * 1000 * 1000);
    cr_expect_eq(atomic_load(&b.api.applies), 1);
    cr_expect_eq(atomic_load(&b.api.events), 1);
    const char *event = api_asked(&b.api, "/events", 0);
    cr_expect(strstr(event, "\"reason\":\"Rejected\"") != NULL, "%s", event);
    cr_expect(strstr(event, "spec.defaults.imgae") != NULL, "%s", event);
    cr_expect(strstr(event, "\"kind\":\"GasTown\"") != NULL, "%s", event);
    put(&b, GT_KIND_TOWN, "main", 1, "{'name':'t','defaults':{'imgae':'x'}}", applied(&b, "/gastowns/main"));
    settle(&b, (int64_t)10 * 1000 * 1000);
    cr_expect_eq(atomic_load(&b.api.events), 1);
    put(&b, GT_KIND_TOWN, "main", 2, "{'name':'t','defaults':{'imgae':'y'}}", applied(&b, "/gastowns/main"));
    load(&b);
    settle(&b, SOON);
    cr_expect_eq(atomic_load(&b.api.applies), 2);
    cr_expect_eq(atomic_load(&b.api.events), 2, "another generation");
}

/* A replica that takes over finds said what is to say. */
Test(webhook_status, whoever_takes_over_says_nothing_twice)
{
    BENCH(b);
    put(&b, GT_KIND_TOWN, "main", 1, "{'name':'t','defaults':{'imgae':'x'}}", NULL);
    load(&b);
    settle(&b, SOON);
    put(&b, GT_KIND_TOWN, "main", 1, "{'name':'t','defaults':{'imgae':'x'}}", applied(&b, "/gastowns/main"));
    const gt_status_config config = {.client = b.api.client, .store = b.store, .engine = "v2", .instance = "replica-2"};
    gt_status_free(b.status);
    b.status = gt_status_new(&config);
    settle(&b, (int64_t)10 * 1000 * 1000);
    cr_expect_eq(atomic_load(&b.api.applies), 1);
    cr_expect_eq(atomic_load(&b.api.events), 1);
}

static void put_agents(bench *b)
{
    static const char *const agents[][4] = {
        {"gastown", "crew", "a", "Running"},    {"gastown", "crew", "b", "Running"},
        {"gastown", "polecat", "c", "Running"}, {"gastown", "polecat", "d", "Succeeded"},
        {"other", "crew", "e", "Pending"},      {"", "mayor", "f", "Running"}};
    for (size_t i = 0; i < COUNT(agents); i++) {
        const char *rig =
            agents[i][0][0] == '\0' ? "" : gt_arena_printf(b->api.arena, "'gastown.io/rig':'%s',", agents[i][0]);
        gt_pods_put(b->pods,
                    view_of(b->api.arena, gt_arena_printf(b->api.arena,
                                                          "{'metadata':{'name':'%s','namespace':'gastown','labels':{"
                                                          "%s'gastown.io/role':'%s','gastown.io/agent':'%s'},"
                                                          "'annotations':{'gastown.io/template-hash':'%s'}},"
                                                          "'status':{'phase':'%s'}}",
                                                          agents[i][2], rig, agents[i][1], agents[i][2],
                                                          i == 1 ? "0ther" : "0", agents[i][3])));
    }
}

Test(webhook_status, pods_are_counted_where_they_belong)
{
    BENCH(b);
    put(&b, GT_KIND_TOWN, "main", 1, "{'name':'t'}", NULL);
    put(&b, GT_KIND_RIG, "r", 1, "{'name':'gastown'}", NULL);
    put(&b, GT_KIND_RIG, "empty", 1, "{'name':'empty'}", NULL);
    put(&b, GT_KIND_POOL, "p", 1, "{'rig':'gastown','role':'crew','template':{}}", NULL);
    load(&b);
    put_agents(&b);
    settle(&b, SOON);
    static const struct {
        const char *resource, *pods;
    } rows[] = {
        {"/gastowns/main", "\"pods\":{\"total\":5,\"current\":0,\"older\":5,\"hashes\":[{\"hash\":\"0\",\"pods\":4},{"
                           "\"hash\":\"0ther\",\"pods\":1}]}"},
        {"/rigs/r", "\"pods\":{\"total\":3,\"current\":0,\"older\":3,\"hashes\":[{\"hash\":\"0\",\"pods\":2},{\"hash\":"
                    "\"0ther\",\"pods\":1}]}"},
        {"/rigs/empty", "\"pods\":{\"total\":0,\"current\":0,\"older\":0,\"hashes\":[]}"},
        {"/agentpools/p",
         "\"pods\":{\"total\":2,\"current\":0,\"older\":2,\"hashes\":[{\"hash\":\"0\",\"pods\":1},{\"hash\":"
         "\"0ther\",\"pods\":1}]}"},
    };
    for (size_t i = 0; i < COUNT(rows); i++)
        cr_expect(strstr(applied(&b, rows[i].resource), rows[i].pods) != NULL, "row %zu: %s", i,
                  applied(&b, rows[i].resource));
}

/* The hash that a pod gets from the engine is the hash that it is judged by. */
Test(webhook_status, a_pod_as_injected_now_is_current)
{
    BENCH(b);
    put(&b, GT_KIND_TOWN, "main", 1, "{'name':'t','defaults':{'image':'a:1'}}", NULL);
    load(&b);
    gt_record record;
    gt_injection injection;
    gt_str message;
    gt_subject subject = {.pod = crew_pod(b.api.arena, "max", "'event.gastown.io/image':'a:2'", "Running"),
                          .ns = GT_STR("gastown")};
    gt_record_init(&record, b.api.arena);
    gt_inject(&record, b.snapshot, &subject, &injection, &message);
    gt_pods_put(b.pods,
                crew_pod(b.api.arena, "max",
                         gt_arena_printf(b.api.arena, "'event.gastown.io/image':'a:2','gastown.io/template-hash':'%s'",
                                         injection.hash),
                         "Running"));
    settle(&b, SOON);
    cr_expect(strstr(applied(&b, "/gastowns/main"), "\"total\":1,\"current\":1,\"older\":0") != NULL);
    cr_expect_eq(gt_pods_totals(b.pods).drifted, 0);
    put(&b, GT_KIND_TOWN, "main", 2, "{'name':'t','defaults':{'screenScrollback':7}}", applied(&b, "/gastowns/main"));
    load(&b);
    settle(&b, SOON);
    cr_expect(strstr(applied(&b, "/gastowns/main"), "\"total\":1,\"current\":0,\"older\":1") != NULL);
    cr_expect_eq(gt_pods_totals(b.pods).drifted, 1);
}

Test(webhook_status, counting_all_pods_is_not_done_at_every_turn)
{
    BENCH(b);
    const int64_t now = 1000 * 1000 * 1000;
    static const struct {
        int64_t after_us;
        uint64_t generation;
        size_t pods;
    } rows[] = {{0, 1, 1}, {400 * 1000, 1, 1}, {450 * 1000, 2, 3}, {900 * 1000, 2, 3}, {2000 * 1000, 2, 5}};
    for (size_t i = 0; i < COUNT(rows); i++) {
        gt_pods_put(b.pods, crew_pod(b.api.arena, gt_arena_printf(b.api.arena, "a%zu", i), "", "Running"));
        cr_assert(
            gt_census_refresh(&b.census, b.pods, b.claims, rows[i].generation, now + rows[i].after_us, &b.api.err));
        cr_expect_eq(gt_census_pods_at(&b.census, "gastown")->counts.total, rows[i].pods, "row %zu", i);
    }
}

/* The schema of a status has a limit: a hash that a person wrote there mustn't keep it from being written. */
Test(webhook_status, a_hash_that_is_none_counts_as_none)
{
    BENCH(b);
    char text[400];
    put(&b, GT_KIND_TOWN, "main", 1, "{'name':'t'}", NULL);
    load(&b);
    snprintf(text, sizeof text, "'gastown.io/template-hash':'%0300d'", 7);
    gt_pods_put(b.pods, crew_pod(b.api.arena, "max", text, "Running"));
    settle(&b, SOON);
    cr_expect(strstr(applied(&b, "/gastowns/main"), "\"total\":1,\"current\":0,\"older\":1,\"hashes\":[]") != NULL,
              "%s", applied(&b, "/gastowns/main"));
}

/* An older town holds the place: no pod comes from the other, whatever it is called for. */
Test(webhook_status, who_is_displaced_has_no_pods)
{
    BENCH(b);
    put(&b, GT_KIND_TOWN, "main", 1, "{'name':'t'}", NULL);
    put(&b, GT_KIND_TOWN, "second", 1, "{'name':'t'}", NULL);
    load(&b);
    gt_pods_put(b.pods, crew_pod(b.api.arena, "max", "", "Running"));
    settle(&b, SOON);
    cr_expect(strstr(applied(&b, "/gastowns/main"), "\"total\":1,") != NULL, "%s", applied(&b, "/gastowns/main"));
    cr_expect(strstr(applied(&b, "/gastowns/second"), "\"reason\":\"Conflict\"") != NULL);
    cr_expect(strstr(applied(&b, "/gastowns/second"), "\"total\":0,") != NULL, "%s", applied(&b, "/gastowns/second"));
}

Test(webhook_status, failures_back_off_object_by_object)
{
    BENCH(b);
    put(&b, GT_KIND_TOWN, "main", 1, "{'name':'t'}", NULL);
    load(&b);
    atomic_store(&b.api.refusal, REFUSAL("403", "Forbidden", "no right"));
    settle(&b, (int64_t)20 * 1000 * 1000);
    int tries = atomic_load(&b.api.applies);
    cr_expect(tries >= 3 && tries <= 6, "%d tries in 20 seconds", tries);
    atomic_store(&b.api.refusal, NULL);
    settle(&b, (int64_t)60 * 1000 * 1000);
    cr_expect_eq(atomic_load(&b.api.applies), tries + 1);
    cr_expect_eq((int)gt_status_now(b.status).failed, tries);
}

/* Gone, or another one of its name: its informer will say so. Or a collision, and a CRD that came late: it's there after all. */
Test(webhook_status, of_what_is_gone_is_not_insisted_on)
{
    static const char *const refusals[] = {REFUSAL("404", "NotFound", "no such thing"),
                                           REFUSAL("409", "Conflict", "Precondition failed: UID in precondition")};
    for (size_t i = 0; i < COUNT(refusals); i++) {
        BENCH(b);
        put(&b, GT_KIND_TOWN, "main", 1, "{'name':'t'}", NULL);
        load(&b);
        atomic_store(&b.api.refusal, refusals[i]);
        settle(&b, (int64_t)20 * 1000 * 1000);
        int tries = atomic_load(&b.api.applies);
        cr_expect(tries >= 3 && tries <= 6, "row %zu: %d tries in 20 seconds", i, tries);
        cr_expect_eq(gt_status_now(b.status).failed, 0, "row %zu", i);
        atomic_store(&b.api.refusal, NULL);
        settle(&b, (int64_t)60 * 1000 * 1000);
        cr_expect_eq(gt_status_now(b.status).written, 1, "row %zu", i);
    }
}

Test(webhook_status, pods_that_would_be_denied)
{
    BENCH(b);
    b.denied = "crew of gastown: no image";
    put(&b, GT_KIND_TOWN, "main", 1, "{'name':'t'}", NULL);
    put(&b, GT_KIND_RIG, "r", 1, "{'name':'gastown'}", NULL);
    load(&b);
    settle(&b, SOON);
    cr_expect(strstr(applied(&b, "/gastowns/main"), "\"type\":\"PodsAdmitted\",\"status\":\"False\"") != NULL);
    cr_expect(strstr(applied(&b, "/rigs/r"), "PodsAdmitted") == NULL);
}

Test(webhook_status, many_a_few_at_a_time)
{
    BENCH(b);
    enum { MANY = 300 };
    put(&b, GT_KIND_TOWN, "main", 1, "{'name':'t'}", NULL);
    for (int i = 0; i < MANY; i++) {
        const char *name = gt_arena_printf(b.api.arena, "r%d", i);
        put(&b, GT_KIND_RIG, name, 1, gt_arena_printf(b.api.arena, "{'name':'%s','podOverrides':{'imgae':'x'}}", name),
            NULL);
    }
    load(&b);
    settle(&b, SOON);
    cr_expect_eq(atomic_load(&b.api.applies), MANY + 1);
    cr_expect_eq(atomic_load(&b.api.events), MANY);
    cr_expect_leq(atomic_load(&b.api.server.connections), 8);
}
