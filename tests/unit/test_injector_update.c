#include <criterion/criterion.h>

#include "injector/validate.h"
#include "tests/unit/test_injector_support.h"

#define LABELS(labels) "'metadata': {'name': 'p', 'labels': {" labels "}}"
#define OURS "'gastown.io/agent': 'max', 'gastown.io/role': 'crew', 'gastown.io/rig': 'gastown'"
#define POD(spec) "{" LABELS(OURS) ", 'spec': {" spec "}}"
#define AGENT(members) POD("'containers': [{'name': 'agent', " members "}]")
#define IMAGE(image) AGENT("'image': '" image "'")
#define DEBUG(members)                                                                                                 \
    POD("'containers': [{'name': 'agent', 'image': 'quay.io/old:1'}], 'ephemeralContainers': [{'name': 'debug', "      \
        "'image': 'ghcr.io/acme/tools:1'" members "}]")
#define OLD IMAGE("quay.io/old:1")

#define STRICT                                                                                                         \
    TOWN_OF("{policy: {imageAllowlist: [ghcr.io/acme], maxResources: {cpu: 2}}, defaults: {image: "                    \
            "'ghcr.io/acme/agent:1'}}")
#define DIGEST TOWN_OF("{policy: {requireImageDigest: true}, defaults: {image: 'a:1'}}")
#define FENCED TOWN_OF("{policy: {extras: Deny, extrasAllowed: [debug]}, defaults: {image: 'a:1'}}")
#define BASELINE TOWN_OF("{policy: {podSecurity: baseline}, defaults: {image: 'a:1'}}")
#define BROKEN TOWN_OF("{policy: {extras: No}}")

#define NOWHERE "is from nowhere that the town's policy allows (spec.policy.imageAllowlist of GasTown/main)"
#define LENIENT                                                                                                        \
    " | spec.ephemeralContainers[debug].securityContext.allowPrivilegeEscalation: ...false: refused where restricted " \
    "is enforced | spec.ephemeralContainers[debug].securityContext.capabilities.drop: lacks ALL: refused where "       \
    "restricted is enforced"

static gt_str review_of(gt_arena *arena, const char *sub, const char *object, const char *old)
{
    return gt_str_of(quoted(
        arena, gt_arena_printf(arena,
                               "{'kind': 'AdmissionReview', 'apiVersion': 'admission.k8s.io/v1', 'request': {'uid': "
                               "'u', 'kind': {'group': '', 'version': 'v1', 'kind': 'Pod'}, 'resource': {'group': '', "
                               "'version': 'v1', 'resource': 'pods'}, 'subResource': '%s', 'namespace': 'gastown', "
                               "'operation': 'UPDATE', 'object': %s, 'oldObject': %s}}",
                               sub, object, old)));
}

/* "outcome: message | warning"; the reply's own check is the server's and the hostile suite's. */
static const char *said(gt_arena *arena, const gt_snapshot *snapshot, gt_str body)
{
    gt_reply reply;
    gt_view answer;
    gt_err err;
    gt_buf text;
    gt_validate(arena, snapshot, body, &reply);
    cr_assert(gt_view_parse(arena, reply.body, 0, &answer, &err), "%.*s: %s", GT_STR_ARG(reply.body), err.text);
    gt_view response = gt_view_get(answer, "response");
    cr_assert(!gt_view_exists(gt_view_get(response, "patch")), "a validation never patches");
    if (reply.status == 200)
        cr_assert_eq(gt_view_true(gt_view_get(response, "allowed")), reply.outcome != GT_OUTCOME_DENIED);
    gt_buf_init(&text, arena, 256);
    gt_buf_text(&text, gt_outcome_name(reply.outcome));
    if (reply.outcome == GT_OUTCOME_DENIED || reply.status != 200)
        gt_buf_printf(&text, " %d: %.*s", reply.outcome == GT_OUTCOME_DENIED ? reply.denied_code : reply.status,
                      GT_STR_ARG(reply.reason));
    GT_VIEW_EACH (warning, gt_view_get(response, "warnings"))
        gt_buf_printf(&text, " | %.*s", GT_STR_ARG(gt_view_str(warning)));
    return text.at;
}

typedef struct update_case {
    const char *templates, *sub, *object, *old, *says; /* templates NULL: none are known yet */
} update_case;

static void all_say(const update_case *cases, size_t n)
{
    SCOPED_ARENA(arena);
    for (size_t i = 0; i < n; i++) {
        const update_case *c = &cases[i];
        gt_scoped(snapshot_cleanup) gt_snapshot *s = c->templates == NULL ? NULL : snapshot_of(c->templates);
        const char *now = said(arena, s, review_of(arena, c->sub, c->object, c->old));
        cr_expect_str_eq(now, c->says, "%zu: %s:\n%s\nand not\n%s", i, c->object, now, c->says);
    }
}
#define ALL_SAY(cases) all_say(cases, COUNT(cases))

Test(injector_update, an_image_that_changes_must_keep_the_policy)
{
    static const update_case cases[] = {
        {STRICT, "", IMAGE("ghcr.io/acme/agent:2"), OLD, "accepted"},
        {STRICT, "", IMAGE("ghcr.io/acme-evil/agent:2"), OLD,
         "denied 403: spec.containers[agent].image: ghcr.io/acme-evil/agent:2 " NOWHERE},
        {STRICT, "", IMAGE("quay.io/old:2"), OLD, "denied 403: spec.containers[agent].image: quay.io/old:2 " NOWHERE},
        {STRICT, "", IMAGE(""), OLD, "denied 403: spec.containers[agent].image:  " NOWHERE},
        {STRICT, "", AGENT("'image': 5"), OLD, "denied 403: spec.containers[agent].image: 5 " NOWHERE},
        {DIGEST, "", IMAGE("a:2"), OLD,
         "denied 403: spec.containers[agent].image: a:2 has no digest, and the town's policy wants one "
         "(spec.policy.requireImageDigest of GasTown/main)"},
        {STRICT, "", POD("'initContainers': [{'name': 'i', 'image': 'x:2'}]"),
         POD("'initContainers': [{'name': 'i', 'image': 'x:1'}]"),
         "denied 403: spec.initContainers[i].image: x:2 " NOWHERE},
        {STRICT, "", POD("'containers': [{'name': 'agent', 'image': 'x:1'}, {'name': 'other', 'image': 'x:2'}]"),
         POD("'containers': [{'name': 'agent', 'image': 'x:1'}, {'name': 'other', 'image': 'x:1'}]"),
         "denied 403: spec.containers[other].image: x:2 " NOWHERE},
        {BASELINE, "", IMAGE("any:2"), OLD, "accepted"},
        /* in place, past what the town allows, and below */
        {STRICT, "resize", AGENT("'image': 'x:1', 'resources': {'limits': {'cpu': 3}}"),
         AGENT("'image': 'x:1', 'resources': {'limits': {'cpu': 1}}"),
         "denied 403: spec.containers[agent].resources.limits.cpu: 3 is above the town's 2 (spec.policy.maxResources "
         "of GasTown/main)"},
        {STRICT, "resize", AGENT("'image': 'x:1', 'resources': {'limits': {'cpu': 1}}"),
         AGENT("'image': 'x:1', 'resources': {'limits': {'cpu': 3}}"), "accepted"},
    };
    ALL_SAY(cases);
}

Test(injector_update, what_stays_isnt_held_against_it)
{
    static const update_case cases[] = {
        {STRICT, "", OLD, OLD, "ignored"},
        {STRICT, "", POD("'activeDeadlineSeconds': 5, 'containers': [{'name': 'agent', 'image': 'quay.io/old:1'}]"),
         OLD, "ignored"},
        {STRICT, "", POD("'hostNetwork': true, 'volumes': [{'name': 'v', 'hostPath': {'path': '/'}}]"),
         POD("'hostNetwork': true, 'volumes': [{'name': 'v', 'hostPath': {'path': '/'}}]"), "ignored"},
        /* beside an image that is good, and the order in a list is no change */
        {STRICT, "",
         POD("'containers': [{'name': 'b', 'image': 'x:1', 'securityContext': {'privileged': true}}, {'name': 'a', "
             "'image': 'ghcr.io/acme/a:2'}]"),
         POD("'containers': [{'name': 'a', 'image': 'x:1'}, {'name': 'b', 'image': 'x:1', 'securityContext': "
             "{'privileged': true}}]"),
         "accepted"},
        {STRICT, "ephemeralcontainers", DEBUG(", 'securityContext': {'privileged': true}"),
         DEBUG(", 'securityContext': {'privileged': true}"), "ignored"},
        /* without templates, or a town, too */
        {NULL, "", OLD, OLD, "ignored"},
        {BROKEN, "", OLD, OLD, "ignored"},
        {STRICT "---\n" STRICT, "", OLD, OLD, "ignored"},
    };
    ALL_SAY(cases);
}

Test(injector_update, an_ephemeral_container_is_judged_as_a_clients_extra_one)
{
#define DENIED(field, why) "denied 403: spec.ephemeralContainers[debug]" field ": " why
    static const update_case cases[] = {
        {STRICT, "ephemeralcontainers", DEBUG(""), OLD, "accepted" LENIENT},
        {BASELINE, "ephemeralcontainers", DEBUG(", 'securityContext': {'runAsUser': 0}"), OLD, "accepted"},
        {FENCED, "ephemeralcontainers", DEBUG(""), OLD, "accepted" LENIENT},
        {STRICT, "ephemeralcontainers",
         POD("'containers': [{'name': 'agent', 'image': 'quay.io/old:1'}], 'ephemeralContainers': [{'name': 'debug', "
             "'image': 'busybox'}]"),
         OLD, DENIED(".image", "busybox " NOWHERE) LENIENT},
        {BASELINE, "ephemeralcontainers", DEBUG(", 'securityContext': {'privileged': true}"), OLD,
         DENIED(".securityContext.privileged", "would have the whole node: not allowed on an agent's pod")},
        {BASELINE, "ephemeralcontainers", DEBUG(", 'securityContext': {'capabilities': {'add': ['SYS_ADMIN']}}"), OLD,
         DENIED(".securityContext.capabilities.add[0]", "may not add the capability SYS_ADMIN")},
        {BASELINE, "ephemeralcontainers", DEBUG(", 'ports': [{'hostPort': 80}]"), OLD,
         DENIED(".ports[0].hostPort", "an agent's pod may not take the node's port 80")},
        {STRICT, "ephemeralcontainers", DEBUG(", 'securityContext': {'runAsUser': 0}"), OLD,
         DENIED(".securityContext.runAsUser", "is root: not allowed on an agent's pod") LENIENT},
        {STRICT, "ephemeralcontainers",
         DEBUG(", 'securityContext': {'procMount': 'Unmasked', 'allowPrivilegeEscalation': false, 'capabilities': "
               "{'drop': ['ALL']}}"),
         OLD,
         "accepted | spec.ephemeralContainers[debug].securityContext.procMount: unmasks /proc: refused where "
         "restricted is enforced"},
        {FENCED, "ephemeralcontainers",
         POD("'ephemeralContainers': [{'name': 'other', 'image': 'x', "
             "'securityContext': {'allowPrivilegeEscalation': false, 'capabilities': "
             "{'drop': ['ALL']}}}]"),
         POD(""),
         "denied 403: spec.ephemeralContainers[other]: the town admits no containers but its own (spec.policy.extras "
         "of GasTown/main; extrasAllowed names exceptions)"},
        /* the second, beside one that is there */
        {BASELINE, "ephemeralcontainers",
         POD("'ephemeralContainers': [{'name': 'a', 'image': 'x', 'securityContext': {'privileged': true}}, {'name': "
             "'b', 'image': 'x', 'securityContext': {'privileged': true}}]"),
         POD("'ephemeralContainers': [{'name': 'a', 'image': 'x', 'securityContext': {'privileged': true}}]"),
         "denied 403: spec.ephemeralContainers[b].securityContext.privileged: would have the whole node: not allowed "
         "on an agent's pod"},
    };
    ALL_SAY(cases);
}

/* An API server holds these fixed; should one let them change, they are judged as our own are. */
Test(injector_update, what_no_api_server_lets_change_is_judged_when_it_does)
{
#define ANNOTATED(annotation)                                                                                          \
    "{'metadata': {'labels': {" OURS "}, 'annotations': {'container.apparmor.security.beta.kubernetes.io/a': 'x', "    \
    "'container.apparmor.security.beta.kubernetes.io/agent': '" annotation "'}}}"
    static const update_case cases[] = {
        {BASELINE, "", POD("'hostPID': true"), POD(""),
         "denied 403: spec.hostPID: an agent's pod may not share the node's namespaces"},
        {BASELINE, "", POD("'volumes': [{'name': 'v', 'hostPath': {}}]"), POD(""),
         "denied 403: spec.volumes[v].hostPath: the volume v: an agent never gets at the node's files"},
        {BASELINE, "", POD("'securityContext': {'sysctls': [{'name': 'kernel.x'}]}"), POD(""),
         "denied 403: spec.securityContext.sysctls[kernel.x]: this sysctl isn't a safe one"},
        {BASELINE, "", AGENT("'image': 'quay.io/old:1', 'securityContext': {'seccompProfile': {'type': 'Unconfined'}}"),
         OLD,
         "denied 403: spec.containers[agent].securityContext.seccompProfile.type: switches seccomp off: not allowed "
         "on an agent's pod"},
        {BASELINE, "", ANNOTATED("unconfined"), ANNOTATED("runtime/default"),
         "denied 403: metadata.annotations[container.apparmor.security.beta.kubernetes.io/agent]: switches AppArmor "
         "off: not allowed on an agent's pod"},
        {BASELINE, "", ANNOTATED("runtime/default"), ANNOTATED("unconfined"), "accepted"},
    };
    ALL_SAY(cases);
}

Test(injector_update, without_a_policy_nothing_changes)
{
    static const update_case cases[] = {
        {NULL, "", IMAGE("x:2"), OLD, "failed 503: no templates are loaded yet"},
        {NULL, "ephemeralcontainers", DEBUG(""), OLD, "failed 503: no templates are loaded yet"},
        {BROKEN, "", IMAGE("x:2"), OLD, "failed 503: GasTown/main has errors and no earlier version of it is known"},
        {RIG_OF("gastown", "{name: gastown}"), "", IMAGE("x:2"), OLD,
         "denied 422: metadata.namespace: namespace gastown: there is no GasTown in this namespace"},
    };
    ALL_SAY(cases);
}

/* `gastown-inject review` doesn't know which path a review came by: with what was before it's one for validation. */
Test(injector_update, either_path)
{
    SCOPED_ARENA(arena);
    SCOPED_SNAPSHOT(town, STRICT);
    gt_reply reply;
    gt_review_any(arena, town, review_of(arena, "", IMAGE("x:2"), OLD), &reply);
    cr_expect_eq(reply.outcome, GT_OUTCOME_DENIED);
    cr_expect(holds(reply.body, "\"details\":{\"name\":\"p\",\"kind\":\"Pod\",\"causes\":[{\"reason\":"
                                "\"FieldValueForbidden\""),
              "%s", reply.body.at);
    gt_review_any(arena, town, review_of(arena, "", IMAGE("x:2"), "null"), &reply);
    cr_expect_eq(reply.outcome, GT_OUTCOME_IGNORED);
    gt_review(arena, town, review_of(arena, "", IMAGE("x:2"), OLD), &reply);
    cr_expect_eq(reply.outcome, GT_OUTCOME_IGNORED, "mutation has nothing to say");
}

Test(injector_update, whose_pod_it_is)
{
#define LABELLED(labels, image) "{" LABELS(labels) ", 'spec': {'containers': [{'name': 'a', 'image': '" image "'}]}}"
#define MIRROR(image)                                                                                                  \
    "{'metadata': {'labels': {" OURS "}, 'annotations': {'kubernetes.io/config.mirror': 'x'}}, 'spec': "               \
    "{'containers': [{'name': 'a', 'image': '" image "'}]}}"
    static const update_case cases[] = {
        {STRICT, "", LABELLED("", "x:2"), LABELLED("", "x:1"), "ignored"},
        {STRICT, "", LABELLED("", "x:2"), LABELLED(OURS, "x:1"), "denied 403: spec.containers[a].image: x:2 " NOWHERE},
        {STRICT, "", LABELLED(OURS, "x:2"), LABELLED("", "x:1"), "denied 403: spec.containers[a].image: x:2 " NOWHERE},
        {STRICT, "", LABELLED("'gastown.io/agent': 5", "x:2"), LABELLED("'gastown.io/agent': 5", "x:1"),
         "denied 403: spec.containers[a].image: x:2 " NOWHERE},
        {STRICT, "", MIRROR("x:2"), MIRROR("x:1"), "ignored"},
        {STRICT, "", MIRROR("x:2"), LABELLED(OURS, "x:1"), "denied 403: spec.containers[a].image: x:2 " NOWHERE},
        {STRICT, "status", IMAGE("x:2"), OLD, "ignored"},
        {STRICT, "", "[]", OLD, "bad_request 400: request.object: the update is of a pod, so it must be a Pod of v1"},
        {STRICT, "", OLD, "null",
         "bad_request 400: request.oldObject: the update is of a pod, so it must be a Pod of v1"},
        {STRICT, "", OLD, "{'kind': 'Rig'}",
         "bad_request 400: request.oldObject: the update is of a pod, so it must be a Pod of v1"},
    };
    ALL_SAY(cases);
}
