#include <criterion/criterion.h>

#include "injector/validate.h"
#include "tests/unit/test_injector_support.h"

/* A review of a template; object, old: JSON with ' for ", or NULL. */
static gt_str review_of(gt_arena *arena, const char *kind, const char *operation, const char *object, const char *old)
{
    return gt_str_of(quoted(
        arena,
        gt_arena_printf(arena,
                        "{'kind': 'AdmissionReview', 'apiVersion': 'admission.k8s.io/v1', 'request': {'uid': 'u', "
                        "'kind': {'group': 'gastown.io', 'version': 'v1alpha1', 'kind': '%s'}, 'resource': {'group': "
                        "'gastown.io', 'version': 'v1alpha1', 'resource': 'x'}, 'namespace': 'gastown', "
                        "'operation': '%s', 'object': %s, 'oldObject': %s}}",
                        kind, operation, object == NULL ? "null" : object, old == NULL ? "null" : old)));
}

#define OBJECT(kind, name, spec)                                                                                       \
    "{'apiVersion': 'gastown.io/v1alpha1', 'kind': '" kind "', 'metadata': {'name': '" name                            \
    "', 'namespace': 'gastown', 'uid': 'x', 'managedFields': [{'a': 1e30}]}, 'spec': " spec "}"

#define TOWN                                                                                                           \
    TOWN_OF("{policy: {imageAllowlist: [ghcr.io/acme]}, defaults: {image: 'ghcr.io/acme/agent:1', "                    \
            "resources: {requests: {memory: 8Gi}, limits: {memory: 8Gi}}}}")
#define TOWN_AND_RIG TOWN RIG_OF("gastown", "{name: gastown}") POOL_OF("p", "{rig: gastown, role: crew}")

/* "outcome code: message | warning | warning", for a review. */
static const char *validated(gt_arena *arena, const gt_snapshot *snapshot, gt_str body)
{
    gt_reply reply;
    gt_view answer;
    gt_err err;
    gt_buf text;
    gt_validate(arena, snapshot, body, &reply);
    cr_assert(gt_view_parse(arena, reply.body, 0, &answer, &err), "%.*s: %s", GT_STR_ARG(reply.body), err.text);
    gt_view response = gt_view_get(answer, "response"), status = gt_view_get(response, "status");
    gt_buf_init(&text, arena, 256);
    gt_buf_text(&text, gt_outcome_name(reply.outcome));
    if (reply.outcome == GT_OUTCOME_DENIED) {
        int64_t code = 0;
        gt_view_int(gt_view_get(status, "code"), &code);
        gt_buf_printf(&text, " %lld: %.*s", (long long)code, GT_STR_ARG(gt_view_str(gt_view_get(status, "message"))));
    }
    if (reply.status != 200)
        gt_buf_printf(&text, " %d: %.*s", reply.status, GT_STR_ARG(gt_view_str(gt_view_get(answer, "message"))));
    else
        cr_assert_eq(gt_view_true(gt_view_get(response, "allowed")), reply.outcome != GT_OUTCOME_DENIED);
    GT_VIEW_EACH (warning, gt_view_get(response, "warnings"))
        gt_buf_printf(&text, " | %.*s", GT_STR_ARG(gt_view_str(warning)));
    return text.at;
}

typedef struct validation_case {
    const char *kind, *operation, *object, *old, *says;
} validation_case;

static void all_say(const char *templates, const validation_case *cases, size_t n)
{
    gt_scoped(gt_arena_cleanup) gt_arena *arena = gt_arena_new(0);
    SCOPED_SNAPSHOT(snapshot, templates);
    for (size_t i = 0; i < n; i++) {
        const validation_case *c = &cases[i];
        const char *said = validated(arena, snapshot, review_of(arena, c->kind, c->operation, c->object, c->old));
        cr_expect_str_eq(said, c->says, "%s %s %s:\n%s\nand not\n%s", c->operation, c->kind,
                         c->object == NULL ? "" : c->object, said, c->says);
    }
}
#define ALL_SAY(templates, cases) all_say(templates, cases, sizeof(cases) / sizeof *(cases))

Test(validate, errors_are_denied_and_all_named)
{
    static const validation_case cases[] = {
        {"Rig", "CREATE", OBJECT("Rig", "new", "{'name': 'new'}"), NULL, "accepted"},
        {"Rig", "CREATE", OBJECT("Rig", "new", "{'name': 'new', 'podOverrides': {'imgae': 'x'}, 'sepc': 1}"), NULL,
         "denied 422: spec.sepc: unknown field; spec.podOverrides.imgae: unknown field (did you mean image?)"},
        {"GasTown", "UPDATE", OBJECT("GasTown", "main", "{'defaults': {'imgae': 'x'}}"),
         OBJECT("GasTown", "main", "{}"), "denied 422: spec.defaults.imgae: unknown field (did you mean image?)"},
        {"AgentPool", "CREATE", OBJECT("AgentPool", "q", "{'rig': 'gastown'}"), NULL,
         "denied 422: spec.role: is missing"},
        {"AgentPool", "CREATE", "{'apiVersion': 'gastown.io/v1alpha1', 'kind': 'AgentPool', 'metadata': {'name': 'q'}}",
         NULL, "denied 422: spec: must be an object, is nothing"},
        {"Rig", "CREATE",
         OBJECT("Rig", "new", "{'name': 'new', 'podOverrides': {'terminationGracePeriodSeconds': 9007199254740993}}"),
         NULL, "denied 422: spec: the number 9007199254740992 is too large to be exact: write it as a string"},
        {"Rig", "CREATE",
         "{'apiVersion': 'gastown.io/v1alpha1', 'kind': 'Rig', 'metadata': {'generateName': 'r-'}, 'spec': {'name': "
         "'new'}}",
         NULL, "accepted"},
    };
    ALL_SAY(TOWN_AND_RIG, cases);
}

Test(validate, a_place_that_another_object_holds_is_denied)
{
    static const validation_case cases[] = {
        {"GasTown", "CREATE", OBJECT("GasTown", "other", "{}"), NULL,
         "denied 422: metadata.namespace: GasTown/main is the town of this namespace already: change that one, or "
         "delete it first"},
        {"Rig", "CREATE", OBJECT("Rig", "twin", "{'name': 'gastown'}"), NULL,
         "denied 422: spec.name: Rig/gastown is for this rig already: change that one, or delete it first"},
        {"AgentPool", "CREATE", OBJECT("AgentPool", "twin", "{'rig': 'gastown', 'role': 'crew'}"), NULL,
         "denied 422: spec.role: AgentPool/p is for this rig and role already: change that one, or delete it first"},
        {"AgentPool", "CREATE", OBJECT("AgentPool", "twin", "{'rig': 'gastown', 'role': 'witness'}"), NULL, "accepted"},
        {"Rig", "UPDATE", OBJECT("Rig", "twin", "{'name': 'gastown'}"), OBJECT("Rig", "twin", "{'name': 'twin'}"),
         "denied 422: spec.name: Rig/gastown is for this rig already: change that one, or delete it first"},
        {"Rig", "UPDATE", OBJECT("Rig", "twin", "{'name': 'gastown', 'polecats': {'maxRuntime': '1h'}}"),
         OBJECT("Rig", "twin", "{'name': 'gastown'}"),
         "accepted | spec.name: Rig/gastown is for this rig already: change that one, or delete it first"},
        {"Rig", "UPDATE", OBJECT("Rig", "gastown", "{'name': 'gastown'}"), OBJECT("Rig", "gastown", "{'name': 'x'}"),
         "accepted"},
    };
    ALL_SAY(TOWN_AND_RIG, cases);
}

Test(validate, what_is_risky_but_legal_is_warned_of)
{
    static const validation_case cases[] = {
        {"Rig", "CREATE", OBJECT("Rig", "new", "{'name': 'new', 'podOverrides': {'image': 'ghcr.io/acme/agent'}}"),
         NULL, "accepted | spec.podOverrides.image: floating tag: ghcr.io/acme/agent may be another image tomorrow"},
        {"Rig", "CREATE",
         OBJECT("Rig", "new",
                "{'name': 'new', 'roleOverrides': {'crew': {'resources': {'limits': {'memory': '2Gi'}}}}}"),
         NULL,
         "accepted | spec.containers[agent].resources.requests.memory: 8Gi lower... the limit of "
         "Rig/new.roleOverrides[crew]: on pods of crew"},
        {"AgentPool", "UPDATE",
         OBJECT("AgentPool", "p", "{'rig': 'gastown', 'role': 'crew', 'template': {'image': 'quay.io/x:1'}}"),
         OBJECT("AgentPool", "p", "{'rig': 'gastown', 'role': 'crew'}"),
         "accepted | spec.containers[agent].image: quay.io/x:1 is from nowhere "
         "t...cy.imageAllowlist of GasTown/main): denied on pods of crew"},
        {"AgentPool", "CREATE", OBJECT("AgentPool", "q", "{'rig': 'gastwon', 'role': 'crew'}"), NULL,
         "accepted | spec.rig: there is no Rig gastwon (did you mean gastown?)"},
    };
    ALL_SAY(TOWN_AND_RIG, cases);
}

Test(validate, a_towns_new_policy_is_tried_on_the_rigs_that_are_there)
{
    static const validation_case cases[] = {
        {"GasTown", "UPDATE",
         OBJECT("GasTown", "main",
                "{'policy': {'imageAllowlist': ['quay.io/ours']}, 'defaults': {'image': 'quay.io/ours/a:1'}}"),
         OBJECT("GasTown", "main", "{}"),
         "accepted | spec.containers[agent].image: ghcr.io/acme/polecat:1 is fro...of GasTown/main): "
         "denied on pods of polecat in rig gastown"},
    };
    ALL_SAY(TOWN RIG_OF("gastown", "{name: gastown, roleOverrides: {polecat: {image: 'ghcr.io/acme/polecat:1'}}}"),
            cases);
}

Test(validate, an_old_error_doesnt_keep_an_object_from_losing_its_finalizer)
{
#define HUGE_NUMBER "{'name': 'r', 'podOverrides': {'terminationGracePeriodSeconds': 9007199254740993}}"
    static const validation_case cases[] = {
        {"Rig", "UPDATE", OBJECT("Rig", "r", "{'name': 'r', 'podOverrides': {'imgae': 'x'}}"),
         OBJECT("Rig", "r", "{'podOverrides': {'imgae': 'x'}, 'name': 'r'}"),
         "accepted | spec.podOverrides.imgae: is as wrong as before: unknown field (did you mean image?)"},
        {"Rig", "UPDATE", OBJECT("Rig", "r", "{'name': 'r', 'podOverrides': {'imgae': 'y'}}"),
         OBJECT("Rig", "r", "{'podOverrides': {'imgae': 'x'}, 'name': 'r'}"),
         "denied 422: spec.podOverrides.imgae: unknown field (did you mean image?)"},
        {"Rig", "UPDATE", OBJECT("Rig", "r", HUGE_NUMBER), OBJECT("Rig", "r", HUGE_NUMBER),
         "accepted | spec: is as wrong as before: the number 9007199254740992 is too large to be exact: write it as a "
         "string"},
    };
    ALL_SAY(TOWN_AND_RIG, cases);
}

Test(validate, what_is_none_of_its_business_is_allowed_without_a_word)
{
    static const validation_case cases[] = {
        {"Rig", "DELETE", NULL, OBJECT("Rig", "r", "{}"), "ignored"},
        {"Rig", "CONNECT", OBJECT("Rig", "r", "{}"), NULL, "ignored"},
        {"Pod", "CREATE", OBJECT("Rig", "r", "{}"), NULL, "ignored"},
        {"ServiceAccount", "CREATE", OBJECT("Rig", "r", "{}"), NULL, "ignored"},
    };
    ALL_SAY(TOWN_AND_RIG, cases);
    gt_scoped(gt_arena_cleanup) gt_arena *arena = gt_arena_new(0);
    const char *status =
        quoted(arena, "{'kind': 'AdmissionReview', 'apiVersion': 'admission.k8s.io/v1', 'request': {'uid': "
                      "'u', 'kind': {'group': 'gastown.io', 'version': 'v1alpha1', 'kind': 'Rig'}, "
                      "'namespace': 'n', 'operation': 'UPDATE', 'subResource': 'status', 'object': 7}}");
    cr_assert_str_eq(validated(arena, NULL, gt_str_of(status)), "ignored");
}

Test(validate, deleting_the_only_town_is_warned_of)
{
    static const validation_case cases[] = {
        {"GasTown", "DELETE", NULL, OBJECT("GasTown", "main", "{}"),
         "accepted | this namespace has 1 rig and no other GasTown: without one all its agents' new pods are denied"},
        {"AgentPool", "DELETE", NULL, OBJECT("AgentPool", "p", "{}"), "ignored"},
    };
    ALL_SAY(TOWN_AND_RIG, cases);
    static const validation_case last[] = {{"GasTown", "DELETE", NULL, OBJECT("GasTown", "main", "{}"), "ignored"}};
    ALL_SAY(TOWN_OF("{}"), last);
}

Test(validate, requests_that_contradict_themselves_are_bad)
{
    static const validation_case cases[] = {
        {"Rig", "CREATE", NULL, NULL,
         "bad_request 400: request.object: must be an object of the kind that the request is for"},
        {"Rig", "CREATE", OBJECT("GasTown", "r", "{}"), NULL,
         "bad_request 400: request.object: must be an object of the kind that the request is for"},
        {"Rig", "CREATE", "[]", NULL,
         "bad_request 400: request.object: must be an object of the kind that the request is for"},
    };
    ALL_SAY(TOWN_AND_RIG, cases);
}

Test(validate, without_templates_an_object_is_checked_by_itself)
{
    gt_scoped(gt_arena_cleanup) gt_arena *arena = gt_arena_new(0);
    static const char alone[] = "only checked by itself: the other templates aren't known yet";
    const char *good =
        validated(arena, NULL, review_of(arena, "Rig", "CREATE", OBJECT("Rig", "r", "{'name': 'r'}"), NULL));
    cr_assert_str_eq(good, gt_arena_printf(arena, "accepted | %s", alone));
    const char *bad = validated(arena, NULL, review_of(arena, "Rig", "CREATE", OBJECT("Rig", "r", "{}"), NULL));
    cr_assert_str_eq(bad, gt_arena_printf(arena, "denied 422: spec.name: is missing | %s", alone));
}

Test(validate, a_denial_names_object_and_fields)
{
    gt_scoped(gt_arena_cleanup) gt_arena *arena = gt_arena_new(0);
    gt_reply reply;
    gt_validate(arena, NULL,
                review_of(arena, "AgentPool", "CREATE", OBJECT("AgentPool", "p", "{'rig': 'r', 'role': 'UP'}"), NULL),
                &reply);
    cr_assert(holds(reply.body, "\"reason\":\"Invalid\""), "%s", reply.body.at);
    cr_assert(holds(reply.body, "\"details\":{\"name\":\"p\",\"kind\":\"AgentPool\",\"causes\":[{\"reason\":"
                                "\"FieldValueInvalid\",\"message\":"),
              "%s", reply.body.at);
    cr_assert(holds(reply.body, "\"field\":\"spec.role\"}]"), "%s", reply.body.at);
    cr_assert_eq(reply.denied_code, 422);
    cr_assert(gt_str_is(reply.uid, "u"));
}

Test(validate, warnings_are_at_most_twenty)
{
    gt_scoped(gt_arena_cleanup) gt_arena *arena = gt_arena_new(0);
    gt_reply reply;
    gt_buf spec;
    gt_buf_init(&spec, arena, 256);
    gt_buf_text(&spec,
                "{'apiVersion': 'gastown.io/v1alpha1', 'kind': 'Rig', 'metadata': {'name': 'r'}, 'spec': {'name': 'r', "
                "'podOverrides': {'sidecars': [");
    for (int i = 0; i < 40; i++)
        gt_buf_printf(&spec, "%s{'name': 's%d', 'image': 'floating'}", i == 0 ? "" : ",", i);
    gt_buf_text(&spec, "]}}}");
    gt_validate(arena, NULL, review_of(arena, "Rig", "CREATE", spec.at, NULL), &reply);
    cr_assert_eq(reply.outcome, GT_OUTCOME_ACCEPTED);
    cr_assert_eq(reply.warnings, 41);
    cr_assert(holds(reply.body, ",\"and 22 more warnings\"]"), "%s", reply.body.at);
}

Test(validate, either_kind_of_review_is_answered)
{
    gt_scoped(gt_arena_cleanup) gt_arena *arena = gt_arena_new(0);
    gt_reply reply;
    gt_review_any(arena, NULL, review_of(arena, "Rig", "CREATE", OBJECT("Rig", "r", "{}"), NULL), &reply);
    cr_assert_eq(reply.outcome, GT_OUTCOME_DENIED);
    gt_review_any(arena, NULL, review_of(arena, "Pod", "CREATE", "{}", NULL), &reply);
    cr_assert_eq(reply.outcome, GT_OUTCOME_IGNORED);
    gt_review_any(arena, NULL, GT_STR("[1,"), &reply);
    cr_assert_eq(reply.status, 400);
}

Test(validate, a_town_of_thousands_is_no_burden)
{
    gt_scoped(gt_arena_cleanup) gt_arena *arena = gt_arena_new(0);
    gt_buf yaml;
    gt_buf_init(&yaml, arena, 4096);
    gt_buf_text(&yaml, TOWN);
    for (int i = 0; i < 1000; i++)
        gt_buf_printf(
            &yaml,
            "---\n{apiVersion: gastown.io/v1alpha1, kind: Rig, metadata: {name: r%d, namespace: gastown}, spec: "
            "{name: 'r%d'}}\n",
            i, i);
    SCOPED_SNAPSHOT(snapshot, yaml.at);
    const char *town = validated(
        arena, snapshot,
        review_of(arena, "GasTown", "UPDATE", OBJECT("GasTown", "main", "{}"), OBJECT("GasTown", "main", "{}")));
    cr_assert_str_eq(town, "accepted");
    const char *pool = validated(
        arena, snapshot,
        review_of(arena, "AgentPool", "CREATE", OBJECT("AgentPool", "p", "{'rig': 'r999', 'role': 'crew'}"), NULL));
    cr_assert_str_eq(pool, "accepted", "its rig is the last, and found: %s", pool);
}
