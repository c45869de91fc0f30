/* Leases: contenders against an API server that keeps one Lease, with the conflicts of resourceVersions. Time is virtual. */
#include <stdio.h>
#include <unistd.h>

#include "lib/base/clock.h"
#include "lib/kube/lease.h"
#include "tests/unit/test_kube_server.h"

enum { SECOND = 1000 * 1000, REPLICAS = 3 };

/* The API server: one Lease. Its thread holds the server's lock. */
typedef struct store {
    bool exists;
    int version, transitions, writes, conflicts;
    int64_t seconds;
    char holder[64], acquired[64];
    const char *broken; /* answers this to everything */
    bool deaf;          /* does what it's told, and says 500 */
} store;

typedef struct bench {
    server server;
    store store;
    gt_kube_config config;
    gt_kube_client *clients[REPLICAS];
    gt_lease *leases[REPLICAS];
    char url[64];
    int64_t now_us;
    bool away[REPLICAS]; /* that replica doesn't run */
} bench;

static void show(const store *s, const char *status, char *answer, size_t size)
{
    char body[1024], holder[128] = "";
    if (s->holder[0] != '\0')
        snprintf(holder, sizeof holder, "\"holderIdentity\":\"%s\",", s->holder);
    snprintf(body, sizeof body,
             "{\"kind\":\"Lease\",\"metadata\":{\"name\":\"l\",\"resourceVersion\":\"%d\"},\"spec\":{%s"
             "\"leaseDurationSeconds\":%d,\"leaseTransitions\":%d}}",
             s->version, holder, (int)s->seconds, s->transitions);
    snprintf(answer, size, "HTTP/1.1 %s\r\nContent-Length: %zu\r\n\r\n%s", status, strlen(body), body);
}

static void fail(const char *status, const char *reason, char *answer, size_t size)
{
    char body[256];
    snprintf(body, sizeof body, "{\"kind\":\"Status\",\"reason\":\"%s\",\"message\":\"m\"}", reason);
    snprintf(answer, size, "HTTP/1.1 %s\r\nContent-Length: %zu\r\n\r\n%s", status, strlen(body), body);
}

static void take(store *s, gt_view spec)
{
    gt_view transitions = gt_view_get(spec, "leaseTransitions");
    int64_t number;
    s->writes++;
    s->version++;
    s->exists = true;
    snprintf(s->holder, sizeof s->holder, "%.*s", GT_STR_ARG(gt_view_str(gt_view_get(spec, "holderIdentity"))));
    gt_view_int(gt_view_get(spec, "leaseDurationSeconds"), &s->seconds);
    if (gt_view_int(transitions, &number))
        s->transitions = (int)number;
    gt_str acquired = gt_view_str(gt_view_get(spec, "acquireTime"));
    if (acquired.len > 0)
        snprintf(s->acquired, sizeof s->acquired, "%.*s", GT_STR_ARG(acquired));
}

static void serve_lease(void *context, const char *request, char *answer, size_t size)
{
    store *s = context;
    SCOPED_ARENA(arena);
    gt_view body = {0};
    gt_err err;
    char version[16];
    snprintf(version, sizeof version, "%d", s->version);
    gt_view_parse(arena, gt_str_of(strstr(request, "\r\n\r\n") + 4), 0, &body, &err);
    if (s->broken != NULL) {
        snprintf(answer, size, "%s", s->broken);
    } else if (request[0] == 'G') {
        s->exists ? show(s, "200 OK", answer, size) : fail("404 Not Found", "NotFound", answer, size);
    } else if (request[1] == 'O' && s->exists) {
        s->conflicts++;
        fail("409 Conflict", "AlreadyExists", answer, size);
    } else if (request[1] == 'A' &&
               !gt_view_is(gt_view_get(gt_view_get(body, "metadata"), "resourceVersion"), version)) {
        s->conflicts++;
        fail("409 Conflict", "Conflict", answer, size);
    } else {
        take(s, gt_view_get(body, "spec"));
        show(s, request[1] == 'O' ? "201 Created" : "200 OK", answer, size);
        if (s->deaf)
            fail("500 Oops", "InternalError", answer, size);
    }
}

static void tear_down(bench *b)
{
    for (int i = 0; i < REPLICAS; i++) {
        gt_lease_free(b->leases[i]);
        gt_kube_client_free(b->clients[i]);
    }
    server_stop(&b->server);
}

static void set_up(bench *b)
{
    static const char *const names[REPLICAS] = {"one", "two", "three"};
    gt_err err;
    server_start_reply(&b->server, serve_lease, &b->store);
    snprintf(b->url, sizeof b->url, "http://127.0.0.1:%d", b->server.port);
    b->config = (gt_kube_config){.origin = "test", .server = b->url};
    b->now_us = 1000LL * SECOND;
    for (int i = 0; i < REPLICAS; i++) {
        cr_assert(gt_kube_client_new(&b->config, "test/1", &b->clients[i], &err), "%s", err.text);
        b->leases[i] = gt_lease_new(&(gt_lease_config){.client = b->clients[i],
                                                       .ns = "ns",
                                                       .name = "l",
                                                       .identity = names[i],
                                                       .duration_ms = 15000,
                                                       .renew_ms = 5000,
                                                       .retry_ms = 2000,
                                                       .seed = (uint64_t)i});
    }
}
#define BENCH(name)                                                                                                    \
    gt_scoped(tear_down) bench name = {0};                                                                             \
    set_up(&(name))

/* Lets everybody finish what is due now. */
static void settle(bench *b)
{
    int64_t end = gt_clock_mono_us() + 20 * SECOND;
    for (bool busy = true; busy;) {
        busy = false;
        cr_assert_lt(gt_clock_mono_us(), end);
        for (int i = 0; i < REPLICAS; i++) {
            if (b->away[i])
                continue;
            bool asking = gt_lease_run(b->leases[i], b->now_us, b->now_us / 1000) <= b->now_us;
            asking = asking || gt_lease_run(b->leases[i], b->now_us, b->now_us / 1000) == INT64_MAX;
            if (asking)
                gt_kube_wait(b->clients[i], -1, 20);
            gt_kube_drive(b->clients[i]);
            busy = busy || asking;
        }
    }
}

static int holders(bench *b)
{
    int n = 0;
    for (int i = 0; i < REPLICAS; i++)
        n += gt_lease_held(b->leases[i], b->now_us);
    return n;
}

/* Some seconds, in steps of a tenth; never two holders. Seconds until `who` (-1: nobody) holds it, or -1. */
static double pass(bench *b, int tenths, int who)
{
    for (int i = 0; i <= tenths; i++) {
        settle(b);
        cr_assert_leq(holders(b), 1, "two holders");
        if (who >= 0 && gt_lease_held(b->leases[who], b->now_us))
            return i / 10.0;
        b->now_us += SECOND / 10;
    }
    return -1;
}

Test(kube_lease, one_holder_that_stays)
{
    BENCH(b);
    pass(&b, 0, -1);
    cr_expect_eq(holders(&b), 1, "at once");
    const char *first = b.store.holder;
    char who[64];
    snprintf(who, sizeof who, "%s", first);
    pass(&b, 600, -1);
    cr_expect_eq(holders(&b), 1);
    cr_expect_str_eq(b.store.holder, who, "a minute later it's still the same");
    cr_expect_eq(b.store.transitions, 0);
    cr_expect(b.store.writes >= 12 && b.store.writes <= 14, "%d writes", b.store.writes);
    for (int i = 0; i < REPLICAS; i++) {
        cr_expect_str_eq(gt_lease_holder(b.leases[i]), who);
        cr_expect_str_eq(gt_lease_problem(b.leases[i]), "", "%d: %s", i, gt_lease_problem(b.leases[i]));
    }
    cr_expect_str_eq(b.store.acquired, "1970-01-01T00:16:40.000000Z");
}

Test(kube_lease, expiry)
{
    BENCH(b);
    b.away[1] = b.away[2] = true;
    pass(&b, 30, -1);
    cr_expect(gt_lease_held(b.leases[0], b.now_us));
    b.away[1] = false;
    pass(&b, 10, -1);
    b.away[0] = true;
    double after = pass(&b, 300, 1);
    cr_expect(after >= 10 && after <= 18, "%.1f s after it went away", after);
    cr_expect_eq(b.store.transitions, 1);
    b.away[0] = false; /* it comes back and finds another holder */
    pass(&b, 50, -1);
    cr_expect(gt_lease_held(b.leases[1], b.now_us));
    cr_expect_str_eq(gt_lease_holder(b.leases[0]), "two");
}

Test(kube_lease, release)
{
    BENCH(b);
    b.away[1] = b.away[2] = true;
    pass(&b, 10, -1);
    b.away[1] = false;
    pass(&b, 30, -1);
    gt_lease_release(b.leases[0], b.now_us / 1000);
    gt_lease_release(b.leases[0], b.now_us / 1000);
    cr_expect_not(gt_lease_held(b.leases[0], b.now_us), "from now on");
    for (int i = 0; i < 1000 && !gt_lease_released(b.leases[0]); i++) {
        gt_kube_wait(b.clients[0], -1, 20);
        gt_kube_drive(b.clients[0]);
    }
    cr_expect(gt_lease_released(b.leases[0]));
    cr_expect_str_eq(b.store.holder, "");
    b.away[0] = true;
    double after = pass(&b, 300, 1);
    cr_expect(after >= 0 && after <= 3, "the next one needn't wait: %.1f s", after);
    gt_lease_release(b.leases[2], 0);
    cr_expect(gt_lease_released(b.leases[2]), "who never wrote has nothing to give back");
}

Test(kube_lease, release_while_a_renewal_is_on_its_way)
{
    BENCH(b);
    b.away[1] = b.away[2] = true;
    pass(&b, 10, -1);
    b.now_us += 5 * SECOND;
    cr_expect_eq(gt_lease_run(b.leases[0], b.now_us, 0), INT64_MAX, "a renewal begins");
    gt_lease_release(b.leases[0], 0);
    for (int i = 0; i < 1000 && !gt_lease_released(b.leases[0]); i++) {
        gt_kube_wait(b.clients[0], -1, 20);
        gt_kube_drive(b.clients[0]);
    }
    cr_expect(gt_lease_released(b.leases[0]));
    cr_expect_str_eq(b.store.holder, "");
    cr_expect_eq(gt_lease_run(b.leases[0], b.now_us, 0), INT64_MAX);
}

/* A server that can't be asked: held as long as the lease lasts, and not a moment longer. */
Test(kube_lease, server_errors)
{
    static const struct {
        const char *answer, *problem;
    } rows[] = {
        {"HTTP/1.1 500 Oops\r\nContent-Length: 0\r\n\r\n", "lease ns/l: HTTP 500"},
        {"HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\n<html>", "isn't a JSON object"},
        {"HTTP/1.1 200 OK\r\nContent-Length: 14\r\n\r\n{\"kind\":\"Pod\"}", "is no Lease"},
        {"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n", "lease ns/l: HTTP 404"},
        {"HTTP/1.1 403 No\r\nContent-Length: 38\r\n\r\n{\"kind\":\"Status\",\"reason\":\"Forbidden\"}",
         "lease ns/l: 403"},
        {"HTTP/1.1 429 Slow\r\nRetry-After: 1\r\nContent-Length: 0\r\n\r\n", "lease ns/l: HTTP 429"},
        {"garbage", "lease ns/l: http://127.0.0.1"},
    };
    for (size_t i = 0; i < COUNT(rows); i++) {
        BENCH(b);
        b.away[1] = b.away[2] = true;
        pass(&b, 0, -1);
        cr_expect(gt_lease_held(b.leases[0], b.now_us));
        b.store.broken = rows[i].answer;
        if (strcmp(rows[i].answer, "garbage") == 0) {
            server_stop(&b.server);
            pass(&b, 140, -1);
            cr_expect(gt_lease_held(b.leases[0], b.now_us));
            pass(&b, 20, -1);
            server_start_reply(&b.server, serve_lease, &b.store); /* at another port: nobody finds it */
        } else {
            pass(&b, 140, -1);
            cr_expect(gt_lease_held(b.leases[0], b.now_us), "row %zu", i);
            pass(&b, 20, -1);
        }
        cr_expect_not(gt_lease_held(b.leases[0], b.now_us), "row %zu", i);
        cr_expect(strstr(gt_lease_problem(b.leases[0]), rows[i].problem) != NULL, "row %zu: %s", i,
                  gt_lease_problem(b.leases[0]));
        b.store.broken = NULL;
        if (strcmp(rows[i].answer, "garbage") != 0)
            cr_expect_geq(pass(&b, 40, 0), 0, "row %zu: it comes back", i);
    }
}

/* The write went through, and its answer got lost: nobody counts on it. */
Test(kube_lease, lost_answers)
{
    BENCH(b);
    b.away[1] = b.away[2] = true;
    b.store.deaf = true;
    pass(&b, 0, -1);
    cr_expect_str_eq(b.store.holder, "one");
    cr_expect_not(gt_lease_held(b.leases[0], b.now_us));
    b.store.deaf = false;
    cr_expect_geq(pass(&b, 40, 0), 0);
}

Test(kube_lease, somebody_deletes_it)
{
    BENCH(b);
    pass(&b, 30, -1); /* everybody has seen the holder */
    b.store.exists = false;
    b.store.version = 100; /* a renewal fails, and a look finds nothing */
    pass(&b, 200, -1);
    cr_expect_eq(holders(&b), 1);
    cr_expect(b.store.exists);
}

/* Who says of itself that it lasts longer is believed that long. */
Test(kube_lease, another_duration)
{
    BENCH(b);
    b.away[1] = b.away[2] = true;
    b.store = (store){.exists = true, .version = 5, .seconds = 60, .holder = "somebody"};
    cr_expect_eq(pass(&b, 590, 0), -1);
    double after = pass(&b, 50, 0);
    cr_expect(after >= 0, "%.1f", after);
}
