/* Last good versions in the cluster, written to a server that keeps them, and recalled from what it keeps. */
#include "catalogue/revisions.h"

#include <stdio.h>

#include "lib/base/clock.h"
#include "tests/unit/test_injector_support.h"
#include "tests/unit/test_kube_server.h"

enum { MOST = 64 };

typedef struct bench {
    server server;
    gt_kube_config config;
    gt_kube_client *client;
    gt_store *store;
    gt_revisions *revisions;
    char url[64];
    char kept[MOST][2048];         /* bodies of what was created and not deleted since; "" where it was */
    _Atomic(const char *) refusal; /* status line and body, NULL: it succeeds */
    int64_t now_us, due_us;
    gt_err err;
} bench;

#define STATUS(code, reason)                                                                                           \
    code " " reason "\n{\"kind\":\"Status\",\"apiVersion\":\"v1\",\"status\":\"Failure\",\"message\":\"no\","          \
         "\"reason\":\"" reason "\",\"code\":" code "}"

static bool has_name(const char *body, const char *name, size_t len)
{
    char wanted[300];
    snprintf(wanted, sizeof wanted, "\"name\":\"%.*s\",\"namespace\"", (int)len, name);
    return strstr(body, wanted) != NULL;
}

static void keep(bench *b, const char *request)
{
    const char *body = strstr(request, "\r\n\r\n") + 4, *name = strstr(request, "controllerrevisions/");
    if (strncmp(request, "POST", 4) == 0) {
        size_t i = 0;
        while (i < MOST - 1 && b->kept[i][0] != '\0')
            i++;
        snprintf(b->kept[i], sizeof b->kept[i], "%s", body);
    } else if (strncmp(request, "DELETE", 6) == 0 && name != NULL) {
        name += strlen("controllerrevisions/");
        for (size_t i = 0; i < MOST; i++)
            if (has_name(b->kept[i], name, strcspn(name, " ?")))
                b->kept[i][0] = '\0';
    }
}

static void reply(void *context, const char *request, char *answer, size_t size)
{
    bench *b = context;
    const char *refusal = atomic_load(&b->refusal), *body = "{}";
    int line = (int)strlen("200 OK");
    if (refusal != NULL) {
        line = (int)strcspn(refusal, "\n");
        body = refusal + line + 1;
    } else {
        keep(b, request);
    }
    snprintf(answer, size, "HTTP/1.1 %.*s\r\nContent-Type: application/json\r\nContent-Length: %zu\r\n\r\n%s", line,
             refusal == NULL ? "200 OK" : refusal, strlen(body), body);
}

static void tear_down(bench *b)
{
    gt_revisions_free(b->revisions);
    gt_store_free(b->store);
    gt_kube_client_free(b->client);
    server_stop(&b->server);
}

static void set_up(bench *b)
{
    server_start_reply(&b->server, reply, b);
    snprintf(b->url, sizeof b->url, "http://127.0.0.1:%d", b->server.port);
    b->config = (gt_kube_config){.origin = "test", .server = b->url};
    cr_assert(gt_kube_client_new(&b->config, "test/1", &b->client, &b->err), "%s", b->err.text);
    b->store = gt_store_new();
    b->revisions = gt_revisions_new(b->client, b->store, 7);
    b->now_us = 1000 * 1000 * 1000;
}
#define BENCH(name)                                                                                                    \
    gt_scoped(tear_down) bench name = {0};                                                                             \
    set_up(&(name))

static void turn(bench *b)
{
    b->due_us = gt_revisions_run(b->revisions, b->now_us);
    gt_kube_wait(b->client, -1, 20);
    gt_kube_drive(b->client);
}

#define RUN_UNTIL(b, condition)                                                                                        \
    for (int64_t end_ = gt_clock_mono_us() + (int64_t)20 * 1000 * 1000;;) {                                            \
        gt_revisions_state now = gt_revisions_now((b)->revisions);                                                     \
        if (condition)                                                                                                 \
            break;                                                                                                     \
        cr_assert_lt(gt_clock_mono_us(), end_, "never: %s", #condition);                                               \
        turn(b);                                                                                                       \
    }

static void load(gt_store *store)
{
    gt_store_report report;
    gt_err err;
    cr_assert(gt_store_load(store, &report, &err), "%s", err.text);
    gt_snapshot_free(report.snapshot);
    gt_store_adopt(store);
}

static void put(gt_store *store, gt_kind kind, const char *name, int generation, const char *spec)
{
    SCOPED_ARENA(arena);
    gt_err err;
    gt_view object = view_of(arena, gt_arena_printf(arena,
                                                    "{'metadata':{'name':'%s','namespace':'gastown','uid':'u-%d-%s',"
                                                    "'creationTimestamp':'2026-01-01T00:00:00Z','generation':%d},"
                                                    "'spec':{%s}}",
                                                    name, (int)kind, name, generation, spec));
    cr_assert(gt_store_put(store, kind, object, &err), "%s", err.text);
}

/* A town that is there from the beginning and a rig in that version, loaded. */
static void put_rig(gt_store *store, int generation, const char *image)
{
    SCOPED_ARENA(arena);
    put(store, GT_KIND_TOWN, "main", 1, "'defaults':{'image':'a:v1'}");
    put(store, GT_KIND_RIG, "gastown", generation,
        gt_arena_printf(arena, "'name':'gastown','podOverrides':{'%s':'%s'}", image[0] == '\0' ? "imgae" : "image",
                        image));
    load(store);
}

/* How many of those that are kept have this in them. */
static int kept(const bench *b, const char *part)
{
    int n = 0;
    for (size_t i = 0; i < MOST; i++)
        n += strstr(b->kept[i], part) != NULL;
    return n;
}

/* What a process that begins now gets of it: the rig is broken there. */
static const char *recalled(const bench *b, int generation)
{
    static char good[256];
    SCOPED_ARENA(arena);
    gt_store *store = gt_store_new();
    gt_err err;
    for (size_t i = 0; i < MOST; i++) {
        gt_view view;
        if (b->kept[i][0] == '\0')
            continue;
        cr_assert(gt_view_parse(arena, gt_str_of(b->kept[i]), 0, &view, &err), "%s", err.text);
        cr_assert(gt_revision_recall(store, view, &err), "%s", err.text);
    }
    put_rig(store, generation, "");
    const gt_store_object *o = gt_store_find(store, GT_KIND_RIG, GT_STR("gastown"), GT_STR("gastown"));
    snprintf(good, sizeof good, "%s", o->good == NULL ? "" : o->good);
    gt_store_free(store);
    return good;
}

Test(catalogue_revisions, writes_what_is_in_use)
{
    BENCH(b);
    put_rig(b.store, 3, "r:v3");
    RUN_UNTIL(&b, now.written == 2);
    cr_expect_eq(kept(&b, "\"revision\":3"), 1);
    cr_expect_eq(kept(&b, "\"ownerReferences\":[{\"apiVersion\":\"gastown.io/v1alpha1\",\"kind\":\"Rig\",\"name\":"
                          "\"gastown\",\"uid\":\"u-1-gastown\"}]"),
                 1);
    cr_expect_eq(kept(&b, "\"gastown.io/last-good\":\"rig\""), 1);
    cr_expect_eq(kept(&b, "\"gastown.io/last-good\":\"gastown\""), 1, "the town");
    cr_expect_neq(strstr(recalled(&b, 4), "r:v3"), NULL);
    put_rig(b.store, 4, ""); /* broken: nothing to write */
    gt_revisions_stir(b.revisions);
    for (int i = 0; i < 3; i++)
        turn(&b);
    cr_expect_eq(gt_revisions_now(b.revisions).written, 2);
    cr_expect_eq(b.due_us, INT64_MAX);
}

Test(catalogue_revisions, keeps_the_newest_two)
{
    SCOPED_ARENA(arena);
    BENCH(b);
    for (int i = 1; i <= 5; i++) {
        put_rig(b.store, i, gt_arena_printf(arena, "r:v%d", i));
        gt_revisions_stir(b.revisions);
        RUN_UNTIL(&b, now.written == (uint64_t)i + 1 && now.deleted == (uint64_t)(i > 2 ? i - 2 : 0));
    }
    cr_expect_eq(gt_revisions_now(b.revisions).known, 3, "a town's, too");
    cr_expect_eq(kept(&b, "r:v5"), 1);
    cr_expect_eq(kept(&b, "r:v4"), 1);
}

/* What was in use last wins, also when it's what was in use before. */
Test(catalogue_revisions, rolled_back)
{
    BENCH(b);
    static const char *const images[] = {"r:old", "r:new", "r:old"};
    for (int i = 0; i < 3; i++) {
        put_rig(b.store, i + 1, images[i]);
        gt_revisions_stir(b.revisions);
        RUN_UNTIL(&b, now.written == (uint64_t)i + 2);
    }
    cr_expect_neq(strstr(recalled(&b, 4), "r:old"), NULL, "%s", recalled(&b, 4));
    RUN_UNTIL(&b, now.deleted == 1);
    cr_expect_eq(kept(&b, "r:old"), 1);
    cr_expect_eq(kept(&b, "r:new"), 1, "two contents, not the same one twice");
    cr_expect_neq(strstr(recalled(&b, 4), "r:old"), NULL);
}

Test(catalogue_revisions, somebody_else_has_written_it)
{
    BENCH(b);
    put_rig(b.store, 1, "r:v1");
    atomic_store(&b.refusal, STATUS("409", "AlreadyExists"));
    RUN_UNTIL(&b, now.written == 2);
    cr_expect_eq(gt_revisions_now(b.revisions).known, 2);
    cr_expect_eq(gt_revisions_now(b.revisions).failed, 0);
}

Test(catalogue_revisions, backs_off)
{
    BENCH(b);
    put_rig(b.store, 1, "r:v1");
    atomic_store(&b.refusal, STATUS("403", "Forbidden"));
    RUN_UNTIL(&b, now.failed == 2);
    int requests = atomic_load(&b.server.requests);
    for (int i = 0; i < 3; i++)
        turn(&b);
    cr_expect_eq(atomic_load(&b.server.requests), requests);
    cr_expect_gt(b.due_us, b.now_us);
    cr_expect_neq(b.due_us, INT64_MAX, "it is tried again");
    atomic_store(&b.refusal, NULL);
    b.now_us = b.due_us;
    RUN_UNTIL(&b, now.written == 2);
}

static gt_view revision(gt_arena *arena, const char *ns, const char *name, int generation)
{
    return view_of(arena, gt_arena_printf(arena,
                                          "{'metadata':{'name':'%s','namespace':'%s','ownerReferences':[{'apiVersion':"
                                          "'gastown.io/v1alpha1','kind':'Rig','name':'gastown','uid':'u-1-gastown'}]},"
                                          "'revision':%d,'data':{'spec':{}}}",
                                          name, ns, generation));
}

/* Those of other namespaces and with names of other people's count for nothing. */
Test(catalogue_revisions, planted_ones)
{
    SCOPED_ARENA(arena);
    BENCH(b);
    gt_err err;
    for (int i = 0; i < 5; i++)
        gt_revisions_put(b.revisions, revision(arena, "evil", gt_arena_printf(arena, "x%d", i), 100 + i));
    gt_revisions_put(b.revisions, revision(arena, "gastown", "nodash", 0));
    put_rig(b.store, 1, "r:v1");
    RUN_UNTIL(&b, now.written == 2);
    for (int i = 0; i < 3; i++)
        turn(&b);
    cr_expect_eq(gt_revisions_now(b.revisions).deleted, 0);
    static const char foreign[] =
        "{'metadata':{'ownerReferences':[{'apiVersion':'v1','uid':'u'}]},'revision':1,'data':{}}";
    static const char *const wrong[] = {"{}", "{'metadata':7,'revision':1,'data':{}}", foreign};
    for (size_t i = 0; i < COUNT(wrong); i++)
        cr_expect(!gt_revision_recall(b.store, view_of(arena, wrong[i]), &err));
}

Test(catalogue_revisions, listings)
{
    SCOPED_ARENA(arena);
    BENCH(b);
    enum { ALL = 1000 };
    for (int i = 0; i < ALL; i++)
        gt_revisions_put(b.revisions, revision(arena, i % 2 == 0 ? "even" : "odd",
                                               gt_arena_printf(arena, "x-%d", i * 7919 % ALL), i));
    cr_expect_eq(gt_revisions_now(b.revisions).known, ALL);
    gt_revisions_mark(b.revisions, "even");
    for (int i = 0; i < ALL; i += 4)
        gt_revisions_put(b.revisions, revision(arena, "even", gt_arena_printf(arena, "x-%d", i * 7919 % ALL), i));
    gt_revisions_sweep(b.revisions, "even");
    cr_expect_eq(gt_revisions_now(b.revisions).known, ALL * 3 / 4);
    for (int i = 0; i < ALL; i++)
        gt_revisions_remove(b.revisions, revision(arena, "odd", gt_arena_printf(arena, "x-%d", i * 7919 % ALL), i));
    cr_expect_eq(gt_revisions_now(b.revisions).known, ALL / 4);
    gt_revisions_free(NULL);
}
