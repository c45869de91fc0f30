#include "injector/policy.h"

#include "injector/same.h"
#include "tests/unit/test_injector_support.h"

#define POLICY(members) TOWN_OF("{defaults: {image: 'a:1'}, policy: {" members "}}")

Test(injector_policy, findings)
{
    static const struct {
        const char *yaml, *finding; /* as it begins; "" for none */
    } rows[] = {
        {POLICY("stuck: Report, rollout: Manual, extras: Deny, extrasAllowed: [istio-proxy]"), ""},
        {POLICY("stuck: RestartPersistent, rollout: OnUpgradeBead, extras: Keep"), ""},
        {POLICY("stuck: RestartAll, rollout: Automatic"), ""},
        {POLICY("stuck: null, rollout: null, extras: null, maxResources: null, creators: null, podSecurity: null"), ""},
        {POLICY("stuck: Never"), "error spec.policy.stuck: must be one of RestartPersistent, Report, RestartAll"},
        {POLICY("rollout: 5"), "error spec.policy.rollout: must be one of"},
        {POLICY("extras: deny"), "error spec.policy.extras: must be Keep or Deny"},
        {POLICY("extrasAllowed: [A_B]"), "error spec.policy.extrasAllowed[0]"},
        {POLICY("extrasAllowed: istio"), "error spec.policy.extrasAllowed: must be a list"},
        {POLICY("maxResources: {cpu: 4, memory: 8Gi}"), ""},
        {POLICY("maxResources: {cpu: many}"), "error spec.policy.maxResources.cpu"},
        {POLICY("maxResources: {cpus: 4}"), "error spec.policy.maxResources.cpus: unknown field (did you mean cpu?)"},
        {POLICY("maxResources: [4]"), "error spec.policy.maxResources: must be an object"},
        {POLICY("creators: {'*': {users: [a]}, crew: {groups: ['team:*']}}"), ""},
        {POLICY("creators: {Crew: {users: [a]}}"), "error spec.policy.creators.Crew: \"Crew\" can't be a role"},
        {POLICY("creators: {crew: {}}"), "error spec.policy.creators.crew: needs users or groups"},
        {POLICY("creators: {crew: {users: []}}"), "error spec.policy.creators.crew: needs users or groups"},
        {POLICY("creators: {crew: {users: ['']}}"), "error spec.policy.creators.crew.users[0]"},
        {POLICY("creators: {crew: {user: [a]}}"), "error spec.policy.creators.crew.user: unknown field"},
        {POLICY("creators: {crew: [a]}"), "error spec.policy.creators.crew: must be an object"},
        {POLICY("maxresources: {}"), "error spec.policy.maxresources: unknown field (did you mean maxResources?)"},
    };
    SCOPED_ARENA(arena);
    for (size_t i = 0; i < COUNT(rows); i++) {
        SCOPED_SNAPSHOT(snapshot, rows[i].yaml);
        gt_str got = findings_of(arena, gt_snapshot_findings(snapshot));
        cr_expect(gt_str_starts(got, rows[i].finding) && (got.len == 0) == (rows[i].finding[0] == '\0'),
                  "%s:\n    is        %s\n    should be %s", rows[i].yaml, got.at, rows[i].finding);
    }
}

#define POD(spec)                                                                                                      \
    "{'metadata': {'labels': {'gastown.io/rig': 'r', 'gastown.io/role': 'crew', 'gastown.io/agent': 'x'}}, 'spec': "   \
    "{" spec "}}"
#define AGENT(members) POD("'containers': [{'name': 'agent', " members "}]")
#define EXTRA(members) POD("'containers': [{'name': 'e', 'image': 'x:1', " members "}]")

static gt_str causes(gt_arena *arena, const char *yaml, const char *pod, const gt_view *user)
{
    gt_record record;
    gt_injection injection;
    gt_str message;
    SCOPED_SNAPSHOT(snapshot, yaml);
    gt_subject subject = {.pod = view_of(arena, pod), .ns = GT_STR("gastown"), .user = user};
    gt_record_init(&record, arena);
    cr_assert_eq(gt_inject(&record, snapshot, &subject, &injection, &message), GT_LOOKUP_FOUND);
    return notes_of(arena, record.causes);
}

Test(injector_policy, denials)
{
    static const struct {
        const char *yaml, *pod, *causes; /* all of them; "" for none */
    } rows[] = {
        {POLICY("maxResources: {cpu: 2, memory: 4Gi}"), POD(""), ""},
        {POLICY("maxResources: {cpu: 1999m}"), POD(""),
         "403 spec.containers[agent].resources.limits.cpu: 2 is above the town's 1999m (spec.policy.maxResources of "
         "GasTown/main)"},
        {POLICY("maxResources: {memory: 1G}"), POD(""),
         "403 spec.containers[agent].resources.requests.memory: 1Gi is above the town's 1G (spec.policy.maxResources "
         "of GasTown/main); "
         "403 spec.containers[agent].resources.limits.memory: 4Gi is above the town's 1G (spec.policy.maxResources of "
         "GasTown/main)"},
        /* what the template replaces is no matter, what stays is */
        {POLICY("maxResources: {cpu: 2}"), AGENT("'resources': {'limits': {'cpu': '64'}}"), ""},
        {POLICY("maxResources: {cpu: 2}"), EXTRA("'resources': {'limits': {'cpu': 3}}"),
         "403 spec.containers[e].resources.limits.cpu: 3 is above the town's 2 (spec.policy.maxResources of "
         "GasTown/main)"},
        {POLICY("maxResources: {cpu: 2}"), EXTRA("'resources': {'limits': {'gpu': 3, 'cpu': '2000m'}}"), ""},
        {POLICY("maxResources: {cpu: 2}"), POD("'resources': {'limits': {'cpu': '3'}}"),
         "403 spec.resources.limits.cpu: 3 is above the town's 2 (spec.policy.maxResources of GasTown/main)"},
        {TOWN_OF("{defaults: {image: 'a:1', sidecars: [{name: s, image: 'b:1', resources: {limits: {cpu: 9}}}]}, "
                 "policy: {maxResources: {cpu: 2}}}"),
         POD(""),
         "403 spec.initContainers[s].resources.limits.cpu: 9 is above the town's 2 (spec.policy.maxResources of "
         "GasTown/main)"},
        {POLICY("extras: Keep"), EXTRA("'tty': false"), ""},
        {POLICY("extras: Deny"), AGENT("'tty': false"), ""},
        {POLICY("extras: Deny"), EXTRA("'tty': false"),
         "403 spec.containers[e]: the town admits no containers but its own (spec.policy.extras of GasTown/main; "
         "extrasAllowed names "
         "exceptions)"},
        {POLICY("extras: Deny, extrasAllowed: [f, e]"), EXTRA("'tty': false"), ""},
        {POLICY("extras: Deny"), POD("'initContainers': [{'name': 'i', 'image': 'x:1'}]"),
         "403 spec.initContainers[i]: the town admits no containers but its own (spec.policy.extras of GasTown/main; "
         "extrasAllowed "
         "names "
         "exceptions)"},
    };
    SCOPED_ARENA(arena);
    for (size_t i = 0; i < COUNT(rows); i++)
        expect_text(i, causes(arena, rows[i].yaml, rows[i].pod, NULL), rows[i].causes);
}

Test(injector_policy, creators)
{
#define CREATORS                                                                                                       \
    POLICY("creators: {crew: {users: ['system:serviceaccount:gastown:*', ada], groups: ['team:*:admins']}}")
    static const struct {
        const char *yaml, *user;
        bool admitted;
    } rows[] = {
        {POLICY(""), "{'username': 'anybody'}", true},
        {POLICY("creators: {}"), "{'username': 'anybody'}", true},
        {POLICY("creators: {mayor: {users: [m]}}"), "{'username': 'anybody'}", true},
        {POLICY("creators: {mayor: {users: [m]}, '*': {users: [w]}}"), "{'username': 'm'}", false},
        {POLICY("creators: {mayor: {users: [m]}, '*': {users: [w]}}"), "{'username': 'w'}", true},
        {CREATORS, "{'username': 'ada'}", true},
        {CREATORS, "{'username': 'ada2'}", false},
        {CREATORS, "{'username': 'Ada'}", false},
        {CREATORS, "{'username': 'system:serviceaccount:gastown:'}", true},
        {CREATORS, "{'username': 'system:serviceaccount:gastown:watcher'}", true},
        {CREATORS, "{'username': 'system:serviceaccount:gastown-evil:watcher'}", false},
        {CREATORS, "{'username': 'x', 'groups': ['a', 'team:red:admins']}", true},
        {CREATORS, "{'username': 'x', 'groups': ['team:red:admins2', 5, null]}", false},
        {CREATORS, "{'username': 'x', 'groups': 'team:red:admins'}", false},
        {CREATORS, "{'username': ['ada']}", false},
        {CREATORS, "{}", false},
        {CREATORS, "null", false},
    };
    SCOPED_ARENA(arena);
    for (size_t i = 0; i < COUNT(rows); i++) {
        gt_view user = view_of(arena, rows[i].user);
        gt_str got = causes(arena, rows[i].yaml, POD(""), &user);
        cr_expect_eq(got.len == 0, rows[i].admitted, "row %zu: %s", i, got.at);
        cr_expect(rows[i].admitted || holds(got, "may not create a pod of the role crew (spec.policy.creators of "
                                                 "GasTown/main)"),
                  "%s", got.at);
    }
    expect_text(0, causes(arena, CREATORS, POD(""), NULL), ""); /* nobody asks: render, explain */
}

Test(injector_policy, patterns)
{
    static const struct {
        const char *pattern, *text;
        bool fits;
    } rows[] = {
        {"", "''", true},
        {"*", "''", true},
        {"*", "'abc'", true},
        {"a*c", "'abc'", true},
        {"a*c", "'ac'", true},
        {"a*c", "'abcd'", false},
        {"*b*", "'abc'", true},
        {"a**c", "'abbc'", true},
        {"*ab", "'aab'", true},
        {"*ab", "'aba'", false},
        {"a*b*c", "'aXbYbZc'", true},
        {"abc", "'ab'", false},
        {"ab", "'abc'", false},
        {"a?c", "'abc'", false},
        {"*", "5", false},
        {"*", "null", false},
        {"a*a*a*a*b", "'aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa'", false},
    };
    SCOPED_ARENA(arena);
    for (size_t i = 0; i < COUNT(rows); i++)
        cr_expect_eq(gt_same_pattern(view_of(arena, rows[i].text), gt_str_of(rows[i].pattern)), rows[i].fits, "%s %s",
                     rows[i].pattern, rows[i].text);
}

/* Where a template has only a part of an object, what the client has besides is judged. */
Test(injector_policy, what_templates_leave_is_judged)
{
    static const struct {
        const char *yaml, *pod, *cause; /* as it begins */
    } rows[] = {
        {TOWN_OF("{defaults: {image: 'a:1', securityContext: {windowsOptions: {}}}}"),
         AGENT("'securityContext': {'windowsOptions': {'hostProcess': true}}"),
         "403 spec.containers[agent].securityContext.windowsOptions.hostProcess"},
        {TOWN_OF("{defaults: {image: 'a:1', podSecurityContext: {seLinuxOptions: {level: s0}}}}"),
         POD("'securityContext': {'seLinuxOptions': {'type': 'spc_t'}}"),
         "403 spec.securityContext.seLinuxOptions.type"},
        {TOWN_OF("{defaults: {image: 'a:1', volumes: [{name: v, nfs: {server: x, path: /}}]}}"), POD(""),
         "403 spec.volumes[v].nfs"},
        {TOWN_OF("{defaults: {image: 'a:1', git: {repository: 'https://h/x'}}}"),
         POD("'initContainers': [{'name': 'workspace', 'restartPolicy': 'Always'}]"),
         "422 spec.initContainers[workspace].restartPolicy"},
    };
    SCOPED_ARENA(arena);
    for (size_t i = 0; i < COUNT(rows); i++) {
        gt_str got = causes(arena, rows[i].yaml, rows[i].pod, NULL);
        cr_expect(gt_str_starts(got, rows[i].cause), "row %zu: %s", i, got.at);
    }
}
