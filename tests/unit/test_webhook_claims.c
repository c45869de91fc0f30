/* Claims against an API server that keeps nothing: what is asked, how often, and what is said of what can't be. */
#include "tests/unit/test_webhook_api.h"
#include "webhook/claims.h"
#include "lib/kube/flight.h"

typedef struct bench {
    api api;
    gt_pods *pods;
    gt_pvcs *claims;
    gt_snapshot *snapshot;
    uint64_t generation;
    int64_t now_us;
} bench;

static void tear_down(bench *b)
{
    gt_pvcs_free(b->claims);
    gt_pods_free(b->pods);
    gt_snapshot_free(b->snapshot);
    api_stop(&b->api);
}

static void set_templates(bench *b, const char *yaml)
{
    gt_snapshot_free(b->snapshot);
    b->snapshot = snapshot_of(yaml);
    b->generation++;
}

static void set_up(bench *b, const char *yaml)
{
    api_start(&b->api);
    b->pods = gt_pods_new();
    b->claims = gt_pvcs_new(b->api.client, "replica-1", 7);
    b->now_us = 1000 * 1000 * 1000;
    set_templates(b, yaml);
}
#define BENCH(name, yaml)                                                                                              \
    gt_scoped(tear_down) bench name = {0};                                                                             \
    set_up(&(name), yaml)

/* Runs until nothing is under way, and nothing due within so much (virtual) time. */
static void settle(bench *b, int64_t within_us)
{
    int64_t end = b->now_us + within_us, limit = gt_clock_mono_us() + 20 * 1000 * 1000;
    for (;;) {
        cr_assert_lt(gt_clock_mono_us(), limit, "doesn't settle");
        cr_assert(gt_pods_judge(b->pods, b->snapshot, b->generation, INT64_MAX));
        int64_t due = gt_pvcs_run(b->claims, b->pods, b->snapshot, b->generation, b->now_us, 1700000000000);
        bool busy = gt_pvcs_now(b->claims).under_way > 0;
        if (!busy && due > end)
            break;
        if (!busy)
            b->now_us = due > b->now_us ? due : b->now_us;
        gt_kube_wait(b->api.client, -1, busy ? 20 : 0);
        gt_kube_drive(b->api.client);
    }
    b->now_us = end;
}
enum { SOON = 500 * 1000 };

static void put_claim(bench *b, const char *agent, const char *size, const char *class_name, const char *phase)
{
    gt_pvcs_put(b->claims, view_of(b->api.arena,
                                   gt_arena_printf(b->api.arena,
                                                   "{'metadata':{'name':'gt-gastown-crew-%s-workspace','namespace':"
                                                   "'gastown'},'spec':{'storageClassName':'%s','resources':{'requests':"
                                                   "{'storage':'%s'}}},'status':{'phase':'%s'}}",
                                                   agent, class_name, size, phase)));
}

/* "owner: message" of all mismatches. */
static const char *mismatches(bench *b)
{
    gt_buf buf;
    gt_mismatch m;
    gt_buf_init(&buf, b->api.arena, 256);
    for (size_t at = 0; gt_pvcs_mismatch(b->claims, &at, &m);)
        gt_buf_printf(&buf, "%s%s: %s", buf.len > 0 ? "; " : "", m.owner, m.message);
    return buf.at;
}

#define CLASS(name, expands)                                                                                           \
    "---\n{apiVersion: storage.k8s.io/v1, kind: StorageClass, metadata: {name: " name                                  \
    "}, provisioner: x, allowVolumeExpansion: " expands "}\n"

Test(webhook_claims, made_once_for_who_needs_one)
{
    BENCH(b, TOWN_OF("{name: t}"));
    gt_pods_put(b.pods, crew_pod(b.api.arena, "max", "", "Pending"));
    settle(&b, SOON);
    gt_pods_put(b.pods, crew_pod(b.api.arena, "max", "", "Running"));
    gt_pods_put(b.pods, crew_pod(b.api.arena, "max", "'event.gastown.io/bead':'b-1'", "Running"));
    settle(&b, SOON);
    cr_expect_eq(atomic_load(&b.api.creates), 1);
    cr_expect_eq(gt_pvcs_now(b.claims).created, 1);
    const char *asked = api_asked(&b.api, "POST", 0);
    cr_expect(gt_str_starts(gt_str_of(asked), "POST /api/v1/namespaces/gastown/persistentvolumeclaims HTTP/1.1\r\n"),
              "%s", asked);
    cr_expect(strstr(asked, "\"name\":\"gt-gastown-crew-max-workspace\"") != NULL, "%s", asked);
    cr_expect(strstr(asked, "{\"storage\":\"10Gi\"}") != NULL, "%s", asked);
    cr_expect_eq(atomic_load(&b.api.server.requests), 1, "nothing else");
}

Test(webhook_claims, none_for_others)
{
    BENCH(b, TOWN_OF("{name: t}"));
#define HASHED "'annotations':{'gastown.io/template-hash':'0123456789abcdef'}"
    static const char *const pods[] = {
        /* it's over, or about to be */
        "{'metadata':{'name':'a','namespace':'gastown','deletionTimestamp':'2026-01-01T00:00:00Z','labels':{'gastown."
        "io/rig':"
        "'gastown','gastown.io/role':'crew','gastown.io/agent':'a'}," HASHED "},'spec':{'volumes':[{'name':'workspace',"
        "'persistentVolumeClaim':{'claimName':'gt-gastown-crew-a-workspace'}}]}}",
        /* another's claim */
        "{'metadata':{'name':'b','namespace':'gastown','labels':{'gastown.io/rig':'gastown','gastown.io/role':'crew',"
        "'gastown.io/agent':'b'}," HASHED
        "},'spec':{'volumes':[{'name':'workspace','persistentVolumeClaim':{'claimName':"
        "'gt-gastown-crew-a-workspace'}}]}}",
        /* another volume */
        "{'metadata':{'name':'c','namespace':'gastown','labels':{'gastown.io/rig':'gastown','gastown.io/role':'crew',"
        "'gastown.io/agent':'c'}," HASHED "},'spec':{'volumes':[{'name':'data','persistentVolumeClaim':{'claimName':"
        "'gt-gastown-crew-c-workspace'}}]}}",
        /* no town there */
        "{'metadata':{'name':'d','namespace':'other','labels':{'gastown.io/rig':'gastown','gastown.io/role':'crew',"
        "'gastown.io/agent':'d'}," HASHED
        "},'spec':{'volumes':[{'name':'workspace','persistentVolumeClaim':{'claimName':"
        "'gt-gastown-crew-d-workspace'}}]}}",
        /* it has never been through the webhook */
        "{'metadata':{'name':'f','namespace':'gastown','labels':{'gastown.io/rig':'gastown','gastown.io/role':'crew',"
        "'gastown.io/agent':'f'}},'spec':{'volumes':[{'name':'workspace','persistentVolumeClaim':{'claimName':"
        "'gt-gastown-crew-f-workspace'}}]}}",
        /* nobody */
        ("{'metadata':{'name':'e','namespace':'gastown','labels':{'gastown.io/agent':'e'}},'spec':{'volumes':[{'name':"
         "'workspace','persistentVolumeClaim':{'claimName':'x'}}]}}"),
        "{'metadata':{'namespace':'gastown'}}",
        "{}",
    };
    for (size_t i = 0; i < COUNT(pods); i++)
        gt_pods_put(b.pods, view_of(b.api.arena, pods[i]));
    gt_pods_put(b.pods, crew_pod(b.api.arena, "done", "", "Succeeded"));
    gt_pods_put(b.pods, crew_pod(b.api.arena, "dead", "", "Failed"));
    settle(&b, SOON);
    cr_expect_eq(atomic_load(&b.api.server.requests), 0, "%s", b.api.server.asked[0]);
}

/* Templates that change faster than all pods can be judged: who is new doesn't wait, and what older ones said isn't done any more. */
Test(webhook_claims, new_pods_come_first)
{
    enum { OLD = 30 };
    BENCH(b, TOWN_OF("{name: t, defaults: {storage: {size: 20Gi, storageClassName: gp3}}}") CLASS("gp3", "true"));
    for (int i = 0; i < OLD; i++) {
        const char *agent = gt_arena_printf(b.api.arena, "a%d", i);
        gt_pods_put(b.pods, crew_pod(b.api.arena, agent, "", "Running"));
        put_claim(&b, agent, "20Gi", "gp3", "Bound");
    }
    settle(&b, SOON);
    cr_expect_eq(atomic_load(&b.api.server.requests), 0);
    put_claim(&b, "a7", "10Gi", "gp3", "Bound");
    gt_pods_put(b.pods, crew_pod(b.api.arena, "zoe", "", "Pending"));
    for (int turn = 0; turn < 3; turn++) { /* a pod each */
        set_templates(&b, TOWN_OF("{name: t, defaults: {storage: {size: 10Gi, storageClassName: gp3}}}")
                              CLASS("gp3", "true"));
        b.now_us += 1000 * 1000;
        cr_expect(!gt_pods_judge(b.pods, b.snapshot, b.generation, 0));
        gt_pvcs_run(b.claims, b.pods, b.snapshot, b.generation, b.now_us, 1700000000000);
    }
    cr_expect_eq(gt_pvcs_now(b.claims).under_way, 1);
    settle(&b, SOON);
    cr_expect_eq(atomic_load(&b.api.creates), 1);
    cr_expect_eq(atomic_load(&b.api.patches), 0, "the newest templates want no more than there is");
}

/* One that somebody has made without our labels isn't in the informer: it's asked for again later, in case it has gone. */
Test(webhook_claims, of_somebody_else_is_fine)
{
    BENCH(b, TOWN_OF("{name: t}"));
    atomic_store(&b.api.refusal, REFUSAL("409", "AlreadyExists", "it is there"));
    gt_pods_put(b.pods, crew_pod(b.api.arena, "max", "", "Pending"));
    settle(&b, (int64_t)500 * 1000 * 1000);
    cr_expect_eq(atomic_load(&b.api.creates), 1);
    settle(&b, (int64_t)200 * 1000 * 1000);
    cr_expect_eq(atomic_load(&b.api.creates), 2);
    cr_expect_eq(gt_pvcs_now(b.claims).failed, 0);
    cr_expect_eq(atomic_load(&b.api.events), 0);
}

Test(webhook_claims, many_a_few_at_a_time)
{
    BENCH(b, TOWN_OF("{name: t}"));
    enum { MANY = 300 };
    for (int i = 0; i < MANY; i++)
        gt_pods_put(b.pods, crew_pod(b.api.arena, gt_arena_printf(b.api.arena, "a%d", i), "", "Pending"));
    settle(&b, SOON);
    cr_expect_eq(atomic_load(&b.api.creates), MANY);
    cr_expect_eq(gt_pvcs_now(b.claims).created, MANY);
    cr_expect_leq(atomic_load(&b.api.server.connections), 8);
}

Test(webhook_claims, grows_once_bound)
{
    BENCH(b, TOWN_OF("{name: t, defaults: {storage: {size: 10Gi, storageClassName: fast}}}") CLASS("fast", "true"));
    put_claim(&b, "max", "10Gi", "fast", "Pending");
    gt_pods_put(b.pods, crew_pod(b.api.arena, "max", "", "Running"));
    settle(&b, SOON);
    set_templates(&b, TOWN_OF("{name: t, defaults: {storage: {size: 20Gi, storageClassName: fast}}}")
                          CLASS("fast", "true"));
    settle(&b, SOON);
    cr_expect_eq(atomic_load(&b.api.server.requests), 0, "it isn't bound: %s", b.api.server.asked[0]);
    put_claim(&b, "max", "10Gi", "fast", "Bound");
    settle(&b, SOON);
    const char *asked = api_asked(&b.api, "PATCH", 0);
    cr_expect(strstr(asked, "/namespaces/gastown/persistentvolumeclaims/gt-gastown-crew-max-workspace") != NULL, "%s",
              asked);
    cr_expect(strstr(asked, "{\"spec\":{\"resources\":{\"requests\":{\"storage\":\"20Gi\"}}}}") != NULL, "%s", asked);
    put_claim(&b, "max", "20480Mi", "fast", "Bound");
    settle(&b, SOON);
    cr_expect_eq(gt_pvcs_now(b.claims).expanded, 1);
    cr_expect_eq(atomic_load(&b.api.server.requests), 1);
    cr_expect_str_eq(mismatches(&b), "");
}

/* Something else sets it back each time, or the answer isn't to be believed: asked less and less often. */
Test(webhook_claims, one_that_stays_as_it_is_is_not_asked_for_again_and_again)
{
    BENCH(b, TOWN_OF("{name: t, defaults: {storage: {size: 20Gi, storageClassName: fast}}}") CLASS("fast", "true"));
    put_claim(&b, "max", "10Gi", "fast", "Bound");
    gt_pods_put(b.pods, crew_pod(b.api.arena, "max", "", "Running"));
    settle(&b, (int64_t)60 * 1000 * 1000);
    int tries = atomic_load(&b.api.patches);
    cr_expect(tries >= 4 && tries <= 7, "%d tries in a minute", tries);
    put_claim(&b, "max", "20Gi", "fast", "Bound");
    settle(&b, SOON);
    set_templates(&b, TOWN_OF("{name: t, defaults: {storage: {size: 30Gi, storageClassName: fast}}}")
                          CLASS("fast", "true"));
    settle(&b, (int64_t)60 * 1000 * 1000);
    cr_expect(atomic_load(&b.api.patches) > tries + 3, "it has grown, so all of that is forgotten");
}

Test(webhook_claims, what_can_not_be_is_told)
{
    static const struct {
        const char *templates, *size, *class_name, *told;
    } rows[] = {
        {TOWN_OF("{name: t, defaults: {storage: {size: 5Gi}}}"), "10Gi", "gp3",
         "GasTown/main: claim gt-gastown-crew-max-workspace has 10Gi, storage.size from GasTown/main.defaults says "
         "5Gi: a "
         "claim never shrinks"},
        {TOWN_OF("{name: t}") RIG_OF("gastown", "{name: gastown, roleOverrides: {crew: {storage: {size: 20Gi}}}}")
             CLASS("gp3", "false"),
         "10Gi", "gp3",
         "Rig/gastown: claim gt-gastown-crew-max-workspace has 10Gi, storage.size from "
         "Rig/gastown.roleOverrides[crew] says 20Gi: the StorageClass gp3 doesn't allow expansion"},
        {TOWN_OF("{name: t}"), "1Gi", "unheard-of",
         "GasTown/main: claim gt-gastown-crew-max-workspace has 1Gi, storage.size from role profile says 10Gi: the "
         "StorageClass unheard-of isn't known, so it isn't expanded; GasTown/main: claim gt-gastown-crew-max-workspace "
         "has the "
         "class "
         "unheard-of, storage.storageClassName from role profile says gp3: a claim keeps its class"},
        {TOWN_OF("{name: t}") POOL_OF("p", "{rig: gastown, role: crew, template: {storage: {storageClassName: io2}}}"),
         "10Gi", "gp3",
         "AgentPool/p: claim gt-gastown-crew-max-workspace has the class gp3, storage.storageClassName from "
         "AgentPool/p.template says io2: a claim keeps its class"},
        {TOWN_OF("{name: t, defaults: {unset: [storage.storageClassName]}}"), "10Gi", "anything", ""},
        {TOWN_OF("{name: t}"), "10737418240", "gp3", ""},
        {TOWN_OF("{name: t}"), "what?", "gp3", ""},
    };
    for (size_t i = 0; i < COUNT(rows); i++) {
        BENCH(b, rows[i].templates);
        put_claim(&b, "max", rows[i].size, rows[i].class_name, "Bound");
        gt_pods_put(b.pods, crew_pod(b.api.arena, "max", "", "Running"));
        settle(&b, SOON);
        cr_expect_str_eq(mismatches(&b), rows[i].told, "row %zu: %s", i, mismatches(&b));
        cr_expect_eq(atomic_load(&b.api.server.requests), 0, "row %zu: %s", i, b.api.server.asked[0]);
        set_templates(&b, TOWN_OF("{name: t, defaults: {storage: {kind: EmptyDir}, unset: [storage.size, "
                                  "storage.storageClassName]}}"));
        settle(&b, SOON);
        cr_expect_str_eq(mismatches(&b), "", "row %zu", i);
        cr_expect_eq(gt_pvcs_now(b.claims).mismatched, 0, "row %zu", i);
    }
}

/* A mismatch lasts as long as its pod and its claim. */
Test(webhook_claims, a_mismatch_goes_with_its_pod)
{
    BENCH(b, TOWN_OF("{name: t, defaults: {storage: {size: 5Gi}}}"));
    gt_view pod = crew_pod(b.api.arena, "max", "", "Running");
    put_claim(&b, "max", "10Gi", "gp3", "Bound");
    gt_pods_put(b.pods, pod);
    settle(&b, SOON);
    cr_expect_eq(gt_pvcs_now(b.claims).mismatched, 1);
    uint64_t version = gt_pvcs_version(b.claims);
    gt_pods_remove(b.pods, pod);
    settle(&b, SOON);
    cr_expect_eq(gt_pvcs_now(b.claims).mismatched, 0);
    cr_expect_neq(gt_pvcs_version(b.claims), version);
}

Test(webhook_claims, a_refusal_is_told_once_and_tried_again)
{
    BENCH(b, TOWN_OF("{name: t}"));
    atomic_store(&b.api.refusal, REFUSAL("403", "Forbidden", "exceeded quota: storage"));
    gt_pods_put(b.pods, crew_pod(b.api.arena, "max", "", "Pending"));
    settle(&b, (int64_t)20 * 1000 * 1000);
    int tries = atomic_load(&b.api.creates);
    cr_expect(tries >= 3 && tries <= 6, "%d tries in 20 seconds", tries);
    cr_expect_eq(atomic_load(&b.api.events), 1);
    const char *event = api_asked(&b.api, "/events", 0);
    cr_expect(strstr(event, "POST /api/v1/namespaces/gastown/events") != NULL, "%s", event);
    cr_expect(strstr(event, "\"reason\":\"ClaimNotCreated\"") != NULL, "%s", event);
    cr_expect(strstr(event, "\"type\":\"Warning\"") != NULL, "%s", event);
    cr_expect(strstr(event, "\"uid\":\"uid-max\"") != NULL, "%s", event);
    cr_expect(strstr(event, "claim gt-gastown-crew-max-workspace: 403 Forbidden: exceeded quota: storage") != NULL,
              "%s", event);
    cr_expect_eq((int)gt_pvcs_now(b.claims).failed, tries);
    atomic_store(&b.api.refusal, NULL);
    settle(&b, (int64_t)60 * 1000 * 1000);
    cr_expect_eq(gt_pvcs_now(b.claims).created, 1);
    cr_expect_eq(atomic_load(&b.api.creates), tries + 1);
}

/* Nobody's fault but the server's: no Event. */
Test(webhook_claims, a_server_that_is_away_is_tried_again)
{
    BENCH(b, TOWN_OF("{name: t}"));
    atomic_store(&b.api.refusal, REFUSAL("503", "ServiceUnavailable", "later"));
    gt_pods_put(b.pods, crew_pod(b.api.arena, "max", "", "Pending"));
    settle(&b, (int64_t)5 * 1000 * 1000);
    cr_expect_gt(gt_pvcs_now(b.claims).failed, 1);
    cr_expect_eq(atomic_load(&b.api.events), 0);
    atomic_store(&b.api.refusal, NULL);
    settle(&b, (int64_t)60 * 1000 * 1000);
    cr_expect_eq(gt_pvcs_now(b.claims).created, 1);
}

Test(webhook_claims, without_a_size_none_can_be_made)
{
    BENCH(b, TOWN_OF("{name: t, defaults: {unset: [storage.size]}}"));
    gt_pods_put(b.pods, crew_pod(b.api.arena, "max", "", "Pending"));
    settle(&b, SOON);
    cr_expect_eq(atomic_load(&b.api.creates), 0);
    cr_expect(strstr(api_asked(&b.api, "/events", 0), "no layer sets storage.size") != NULL, "%s",
              api_asked(&b.api, "/events", 0));
}

/* What is deleted while a pod still needs it is made again at once; while it's going nothing can be. */
Test(webhook_claims, made_again_when_gone)
{
    BENCH(b, TOWN_OF("{name: t}"));
    put_claim(&b, "max", "10Gi", "gp3", "Bound");
    gt_pods_put(b.pods, crew_pod(b.api.arena, "max", "", "Pending"));
    settle(&b, SOON);
    gt_view going = view_of(b.api.arena, "{'metadata':{'name':'gt-gastown-crew-max-workspace','namespace':'gastown',"
                                         "'deletionTimestamp':'2026-01-01T00:00:00Z'}}");
    gt_pvcs_put(b.claims, going);
    settle(&b, SOON);
    cr_expect_eq(atomic_load(&b.api.server.requests), 0);
    gt_pvcs_remove(b.claims, going);
    settle(&b, SOON);
    cr_expect_eq(atomic_load(&b.api.creates), 1);
}

/* A listing that doesn't show it any more counts as much as a deletion; one of another namespace doesn't. */
Test(webhook_claims, a_listing_without_it)
{
    BENCH(b, TOWN_OF("{name: t}"));
    put_claim(&b, "max", "10Gi", "gp3", "Bound");
    gt_pods_put(b.pods, crew_pod(b.api.arena, "max", "", "Pending"));
    gt_pvcs_mark(b.claims, "other");
    gt_pvcs_sweep(b.claims, "other");
    settle(&b, SOON);
    cr_expect_eq(atomic_load(&b.api.creates), 0);
    gt_pvcs_mark(b.claims, "gastown");
    gt_pvcs_sweep(b.claims, "gastown");
    settle(&b, SOON);
    cr_expect_eq(atomic_load(&b.api.creates), 1);
}

/* Ended with calls under way: nobody hears of them any more. */
Test(webhook_claims, ended_half_way)
{
    BENCH(b, TOWN_OF("{name: t}"));
    for (int i = 0; i < 20; i++)
        gt_pods_put(b.pods, crew_pod(b.api.arena, gt_arena_printf(b.api.arena, "a%d", i), "", "Pending"));
    cr_assert(gt_pods_judge(b.pods, b.snapshot, b.generation, INT64_MAX));
    gt_pvcs_run(b.claims, b.pods, b.snapshot, b.generation, b.now_us, 0);
    cr_expect_eq(gt_pvcs_now(b.claims).under_way, GT_FLIGHT_MOST);
}
