/* What is observed of the two configurations, against a server from a script. Time is virtual. */
#include <stdio.h>

#include "certs/observed.h"
#include "lib/base/clock.h"
#include "tests/unit/test_kube_server.h"

enum { SECOND = 1000 * 1000 };

typedef struct bench {
    server server;
    gt_kube_config config;
    gt_kube_client *client;
    gt_observed *observed;
    char url[64];
    int64_t now_us;
    gt_err err;
} bench;

static void tear_down(bench *b)
{
    gt_observed_free(b->observed);
    gt_kube_client_free(b->client);
    server_stop(&b->server);
}

static void set_up(bench *b, const scene *scenes, size_t n)
{
    server_start(&b->server, scenes, n);
    snprintf(b->url, sizeof b->url, "http://127.0.0.1:%d", b->server.port);
    b->config = (gt_kube_config){.origin = "test", .server = b->url};
    cr_assert(gt_kube_client_new(&b->config, "test/1", &b->client, &b->err), "%s", b->err.text);
    b->observed = gt_observed_new(b->client, "gastown", 7);
    b->now_us = 1000LL * SECOND;
}
#define BENCH(name, scenes)                                                                                            \
    gt_scoped(tear_down) bench name = {0};                                                                             \
    set_up(&(name), scenes, COUNT(scenes))

/* Goes on until `done` says so; virtual time passes with the real one. */
static void until(bench *b, bool (*done)(const gt_observed_state *))
{
    int64_t end = gt_clock_mono_us() + 20 * SECOND, start = gt_clock_mono_us() - b->now_us;
    for (;;) {
        gt_observed_run(b->observed, b->now_us);
        gt_kube_wait(b->client, -1, 20);
        gt_kube_drive(b->client);
        b->now_us = gt_clock_mono_us() - start;
        gt_observed_state state = gt_observed_now(b->observed);
        if (done(&state))
            return;
        cr_assert_lt(gt_clock_mono_us(), end, "problem: %s", state.problem);
    }
}

static bool both_known(const gt_observed_state *state)
{
    return state->known[GT_REGISTRATION_MUTATING] && state->known[GT_REGISTRATION_VALIDATING];
}

#define LIST(items) "{\"kind\":\"List\",\"metadata\":{\"resourceVersion\":\"5\"},\"items\":[" items "]}"
#define OBJECT(name, annotations, entries)                                                                             \
    "{\"metadata\":{\"name\":\"" name "\",\"resourceVersion\":\"6\",\"annotations\":{" annotations                     \
    "}},\"webhooks\":[" entries "]}"
#define ENTRY(name, bundle) "{\"name\":\"" name "\",\"clientConfig\":{\"caBundle\":\"" bundle "\"}}"
#define FOREIGN ENTRY("first.example", "eA==")
#define SCENE(path, list)                                                                                              \
    {                                                                                                                  \
        .match = path "?limit", .answer = NULL, .stream = (list)                                                       \
    }
#define QUIET                                                                                                          \
    {                                                                                                                  \
        .match = "watch=1", .stream = "", .open = true                                                                 \
    }

Test(certs_observed, entries_are_found_by_name)
{
    const scene scenes[] = {
        SCENE("mutatingwebhookconfigurations",
              LIST(OBJECT("gastown", "", FOREIGN "," ENTRY("pods.gastown.io", "b25l")))),
        SCENE("validatingwebhookconfigurations",
              LIST(OBJECT("gastown", "\"cert-manager.io/inject-ca-from\":\"ns/cert\"",
                          FOREIGN ",{\"name\":\"policy.gastown.io\",\"clientConfig\":{}}"))),
        QUIET,
    };
    BENCH(b, scenes);
    until(&b, both_known);
    gt_observed_state state = gt_observed_now(b.observed);
    cr_expect(state.present[GT_REGISTRATION_MUTATING] && state.present[GT_REGISTRATION_VALIDATING]);
    cr_expect(state.entries[GT_ENTRY_PODS].present && state.entries[GT_ENTRY_POLICY].present);
    cr_expect_not(state.entries[GT_ENTRY_TEMPLATES].present);
    expect_text(0, state.entries[GT_ENTRY_PODS].bundle, "one");
    expect_text(0, state.entries[GT_ENTRY_POLICY].bundle, "");
    expect_text(0, state.injected_from[GT_REGISTRATION_MUTATING], "");
    expect_text(0, state.injected_from[GT_REGISTRATION_VALIDATING], "ns/cert");
    cr_expect_str_eq(state.problem, "");
    cr_expect(strstr(b.server.asked[0], "fieldSelector=metadata.name%3Dgastown") != NULL, "%s", b.server.asked[0]);
}

static bool told_of_two(const gt_observed_state *state)
{
    return gt_str_is(state->entries[GT_ENTRY_PODS].bundle, "two");
}

static bool told_of_none(const gt_observed_state *state)
{
    return both_known(state) && !state->present[GT_REGISTRATION_MUTATING];
}

Test(certs_observed, changes_and_the_end_are_followed)
{
    const scene scenes[] = {
        SCENE("mutatingwebhookconfigurations", LIST(OBJECT("gastown", "", ENTRY("pods.gastown.io", "b25l")))),
        SCENE("validatingwebhookconfigurations", LIST("")),
        {.match = "mutatingwebhookconfigurations?watch=1",
         .stream = "{\"type\":\"MODIFIED\",\"object\":" OBJECT(
             "gastown", "", ENTRY("pods.gastown.io", "b25l")) "}\n"
                                                              "{\"type\":\"MODIFIED\",\"object\":" OBJECT(
                                                                  "gastown", "",
                                                                  ENTRY("pods.gastown.io", "dHdv")) "}\n"},
        {.match = "mutatingwebhookconfigurations?watch=1",
         .stream = "{\"type\":\"DELETED\",\"object\":" OBJECT(
             "other", "", "") "}\n"
                              "{\"type\":\"DELETED\",\"object\":" OBJECT("gastown", "", "") "}\n"},
        QUIET,
    };
    BENCH(b, scenes);
    until(&b, told_of_two);
    until(&b, both_known);
    uint64_t changes = gt_observed_now(b.observed).changes;
    cr_expect_eq(changes, 4, "%d",
                 (int)changes); /* the first, each kind known, and the other bundle; not what is the same */
    until(&b, told_of_none);
    cr_expect_eq(gt_observed_now(b.observed).changes, changes + 1);
    cr_expect_eq(gt_observed_now(b.observed).entries[GT_ENTRY_PODS].bundle.len, 0);
}

static bool has_problem(const gt_observed_state *state)
{
    return state->problem[0] != '\0' && state->known[GT_REGISTRATION_VALIDATING];
}

Test(certs_observed, without_the_right_nothing_is_known)
{
    SCOPED_ARENA(arena);
    const scene scenes[] = {
        {.match = "mutatingwebhookconfigurations?limit",
         .answer =
             ANSWER(arena, "403 Forbidden",
                    "{\"kind\":\"Status\",\"status\":\"Failure\",\"reason\":\"Forbidden\",\"message\":\"no right\"}")},
        SCENE("validatingwebhookconfigurations", LIST("")),
        QUIET,
    };
    BENCH(b, scenes);
    until(&b, has_problem);
    gt_observed_state state = gt_observed_now(b.observed);
    cr_expect_not(state.known[GT_REGISTRATION_MUTATING]);
    cr_expect_not(state.present[GT_REGISTRATION_VALIDATING]);
    cr_expect(strstr(state.problem, "listing mutatingwebhookconfigurations: 403 Forbidden: no right") != NULL, "%s",
              state.problem);
}

static bool complains_of_base64(const gt_observed_state *state)
{
    return both_known(state) && strstr(state->problem, "the caBundle of pods.gastown.io isn't base64") != NULL;
}

Test(certs_observed, what_cant_be_read_is_said)
{
    const scene scenes[] = {
        SCENE("mutatingwebhookconfigurations", LIST(OBJECT("gastown", "", ENTRY("pods.gastown.io", "b25")))),
        SCENE("validatingwebhookconfigurations", LIST("")),
        QUIET,
    };
    BENCH(b, scenes);
    until(&b, complains_of_base64);
}
