#include "injector/review.h"

#include "lib/base/hash.h"
#include "tests/unit/test_injector_support.h"

#define TOWN TOWN_OF("{defaults: {image: 'a:1'}}")
#define POD(metadata, spec)                                                                                            \
    "{'metadata': {'labels': {'gastown.io/rig': 'r', 'gastown.io/role': 'crew', 'gastown.io/agent': 'x'}" metadata     \
    "}, 'spec': {" spec "}}"
#define REQUEST(members) "{'kind': 'AdmissionReview', 'apiVersion': 'admission.k8s.io/v1', 'request': {" members "}}"
#define PODS "'resource': {'group': '', 'version': 'v1', 'resource': 'pods'}, 'namespace': 'gastown'"
#define CREATE(pod) REQUEST("'uid': 'u', 'operation': 'CREATE', " PODS ", 'object': " pod)

static gt_reply ask(gt_arena *arena, const gt_snapshot *snapshot, const char *body)
{
    gt_reply reply;
    SCOPED_EXACT(exact, gt_str_of(quoted(arena, body)));
    gt_review(arena, snapshot, exact, &reply);
    return reply;
}

static gt_view parsed(gt_arena *arena, const gt_reply *reply)
{
    gt_view view;
    gt_err err;
    bool good = gt_view_parse(arena, reply->body, 0, &view, &err);
    cr_assert(good, "%s: %s", reply->body.at, err.text);
    cr_expect_null(memchr(reply->body.at, '\n', reply->body.len), "one line");
    return view;
}

/* Every answer is an AdmissionReview with the same uid, or a Status with a code. */
static gt_view check_answer(gt_arena *arena, const gt_reply *reply)
{
    gt_view answer = parsed(arena, reply);
    if (reply->status == 200) {
        gt_view response = gt_view_get(answer, "response");
        cr_expect(gt_view_is(gt_view_get(answer, "kind"), "AdmissionReview"));
        cr_expect(gt_view_is(gt_view_get(answer, "apiVersion"), "admission.k8s.io/v1"));
        cr_expect_eq(gt_view_exists(gt_view_get(response, "patch")),
                     gt_view_exists(gt_view_get(response, "patchType")));
        return response;
    }
    int64_t code = 0;
    cr_expect(gt_view_is(gt_view_get(answer, "kind"), "Status") &&
              gt_view_is(gt_view_get(answer, "status"), "Failure"));
    cr_expect(gt_view_int(gt_view_get(answer, "code"), &code) && code == reply->status, "%s", reply->body.at);
    cr_expect(reply->reason.len > 0 && gt_view_exists(gt_view_get(answer, "message")));
    return answer;
}

Test(injector_review, outcomes)
{
    static const struct {
        const char *body;
        int status;
        gt_outcome outcome;
        int denied;
    } rows[] = {
        {"", 400, GT_OUTCOME_BAD_REQUEST, 0},
        {" ", 400, GT_OUTCOME_BAD_REQUEST, 0},
        {"{", 400, GT_OUTCOME_BAD_REQUEST, 0},
        {"null", 400, GT_OUTCOME_BAD_REQUEST, 0},
        {"[]", 400, GT_OUTCOME_BAD_REQUEST, 0},
        {"{}", 400, GT_OUTCOME_BAD_REQUEST, 0},
        {"{} {}", 400, GT_OUTCOME_BAD_REQUEST, 0},
        {"\xff", 400, GT_OUTCOME_BAD_REQUEST, 0},
        {"{'a': 1, 'a': 2}", 400, GT_OUTCOME_BAD_REQUEST, 0},
        {"{'kind': 'AdmissionReview', 'apiVersion': 'admission.k8s.io/v1beta1', 'request': {'uid': 'u'}}", 400,
         GT_OUTCOME_BAD_REQUEST, 0},
        {"{'kind': 'Review', 'apiVersion': 'admission.k8s.io/v1', 'request': {'uid': 'u'}}", 400,
         GT_OUTCOME_BAD_REQUEST, 0},
        {"{'kind': 'AdmissionReview', 'apiVersion': 'admission.k8s.io/v1'}", 400, GT_OUTCOME_BAD_REQUEST, 0},
        {"{'kind': 'AdmissionReview', 'apiVersion': 'admission.k8s.io/v1', 'request': null}", 400,
         GT_OUTCOME_BAD_REQUEST, 0},
        {REQUEST(""), 400, GT_OUTCOME_BAD_REQUEST, 0},
        {REQUEST("'uid': ''"), 400, GT_OUTCOME_BAD_REQUEST, 0},
        {REQUEST("'uid': 5"), 400, GT_OUTCOME_BAD_REQUEST, 0},
        {REQUEST("'uid': 'u', 'operation': 'CREATE', " PODS), 400, GT_OUTCOME_BAD_REQUEST, 0},
        {REQUEST("'uid': 'u', 'operation': 'CREATE', " PODS ", 'object': null"), 400, GT_OUTCOME_BAD_REQUEST, 0},
        {REQUEST("'uid': 'u', 'operation': 'CREATE', " PODS ", 'object': []"), 400, GT_OUTCOME_BAD_REQUEST, 0},
        /* none of ours */
        {REQUEST("'uid': 'u'"), 200, GT_OUTCOME_IGNORED, 0},
        {REQUEST("'uid': 'u', 'operation': 'UPDATE', " PODS ", 'object': " POD("", "")), 200, GT_OUTCOME_IGNORED, 0},
        {REQUEST("'uid': 'u', 'operation': 'DELETE', " PODS ", 'object': null"), 200, GT_OUTCOME_IGNORED, 0},
        {REQUEST("'uid': 'u', 'operation': 'CREATE', " PODS ", 'subResource': 'binding', 'object': " POD("", "")), 200,
         GT_OUTCOME_IGNORED, 0},
        {REQUEST("'uid': 'u', 'operation': 'CREATE', 'resource': {'group': 'apps', 'version': 'v1', 'resource': "
                 "'deployments'}, 'object': " POD("", "")),
         200, GT_OUTCOME_IGNORED, 0},
        {REQUEST("'uid': 'u', 'operation': 'CREATE', 'resource': {'group': 'metrics.k8s.io', 'version': 'v1', "
                 "'resource': 'pods'}, 'object': " POD("", "")),
         200, GT_OUTCOME_IGNORED, 0},
        {CREATE("{}"), 200, GT_OUTCOME_IGNORED, 0},
        {CREATE("{'metadata': {'labels': {'app.kubernetes.io/name': 'gastown'}}}"), 200, GT_OUTCOME_IGNORED, 0},
        /* ours */
        {CREATE(POD("", "")), 200, GT_OUTCOME_INJECTED, 0},
        {CREATE(POD("", "'hostNetwork': true")), 200, GT_OUTCOME_DENIED, 403},
        {CREATE(POD("", "'containers': 5")), 200, GT_OUTCOME_DENIED, 422},
        {CREATE(POD("", "'containers': 5, 'hostNetwork': true")), 200, GT_OUTCOME_DENIED, 403}, /* policy wins */
        {CREATE(POD(", 'annotations': {'kubernetes.io/config.mirror': 'x'}", "")), 200, GT_OUTCOME_DENIED, 403},
        {CREATE("{'metadata': {'labels': {'gastown.io/agent': 'x'}}}"), 200, GT_OUTCOME_DENIED, 422},
        {REQUEST("'uid': 'u', 'operation': 'CREATE', 'resource': {'resource': 'pods', 'version': 'v1'}, 'namespace': "
                 "'elsewhere', 'object': " POD("", "")),
         200, GT_OUTCOME_DENIED, 422},
        {REQUEST("'uid': 'u', 'operation': 'CREATE', " PODS
                 ", 'userInfo': {'groups': ['system:nodes']}, 'object': " POD(
                     ", 'annotations': {'kubernetes.io/config.mirror': 'x'}", "'hostNetwork': true")),
         200, GT_OUTCOME_IGNORED, 0},
        {REQUEST("'uid': 'u', 'operation': 'CREATE', " PODS
                 ", 'userInfo': {'groups': ['system:nodes']}, 'object': " POD("", "'hostNetwork': true")),
         200, GT_OUTCOME_DENIED, 403},
    };
    SCOPED_SNAPSHOT(snapshot, TOWN);
    for (size_t i = 0; i < COUNT(rows); i++) {
        SCOPED_ARENA(arena);
        gt_reply reply = ask(arena, snapshot, rows[i].body);
        cr_expect(reply.status == rows[i].status && reply.outcome == rows[i].outcome &&
                      reply.denied_code == rows[i].denied,
                  "%s:\n    is        %d %s %d\n    should be %d %s %d", rows[i].body, reply.status,
                  gt_outcome_name(reply.outcome), reply.denied_code, rows[i].status, gt_outcome_name(rows[i].outcome),
                  rows[i].denied);
        gt_view answer = check_answer(arena, &reply);
        bool allowed = reply.outcome == GT_OUTCOME_INJECTED || reply.outcome == GT_OUTCOME_IGNORED;
        cr_expect_eq(gt_view_true(gt_view_get(answer, "allowed")), allowed, "%s", reply.body.at);
        cr_expect_eq(reply.reason.len > 0, !allowed, "only what goes wrong has a reason for the log");
        cr_expect_eq(reply.operations > 0, reply.outcome == GT_OUTCOME_INJECTED);
        cr_expect_eq(reply.patch_bytes > 0, reply.outcome == GT_OUTCOME_INJECTED);
    }
}

Test(injector_review, without_templates_nobody_is_let_through_or_denied)
{
    SCOPED_ARENA(arena);
    gt_reply reply = ask(arena, NULL, CREATE(POD("", "")));
    cr_expect(reply.status == 503 && reply.outcome == GT_OUTCOME_FAILED, "%s", reply.body.at);
    check_answer(arena, &reply);
    reply = ask(arena, NULL, CREATE("{}"));
    cr_expect(reply.status == 200 && reply.outcome == GT_OUTCOME_IGNORED, "other pods don't need any");
    SCOPED_SNAPSHOT(broken, TOWN_OF("{defaults: {image: 5}}"));
    reply = ask(arena, broken, CREATE(POD("", "")));
    cr_expect(reply.status == 503 && holds(reply.body, "GasTown/main"), "%s", reply.body.at);
    check_answer(arena, &reply);
}

/* ---- limits ---- */

Test(injector_review, a_body_may_have_8_mib)
{
    SCOPED_ARENA(arena);
    SCOPED_SNAPSHOT(snapshot, TOWN);
    static const char head[] =
        "{\"kind\":\"AdmissionReview\",\"apiVersion\":\"admission.k8s.io/v1\",\"request\":{\"uid\":\"u\",\"x\":\"",
                      tail[] = "\"}}";
    for (int more = 0; more < 2; more++) {
        size_t n = (size_t)GT_REVIEW_MAX_BYTES + (size_t)more;
        char *body = gt_arena_alloc(arena, n);
        memset(body, 'x', n);
        memcpy(body, head, sizeof head - 1);
        memcpy(body + n - (sizeof tail - 1), tail, sizeof tail - 1);
        gt_reply reply;
        gt_review(arena, snapshot, (gt_str){body, n}, &reply);
        cr_expect_eq(reply.status, more == 0 ? 200 : 413, "%d more: %s", more, reply.body.at);
        check_answer(arena, &reply);
    }
}

Test(injector_review, memory_that_runs_out_is_our_failure)
{
    SCOPED_SNAPSHOT(snapshot, TOWN);
    size_t failed = 0, answered = 0;
    for (size_t limit = 256; limit < 200000; limit += limit / 3) {
        SCOPED_ARENA(text);
        SCOPED_LIMITED_ARENA(arena, limit);
        gt_str body = gt_str_of(quoted(text, CREATE(POD("", "'hostNetwork': false"))));
        gt_reply reply;
        gt_review(arena, snapshot, body, &reply);
        cr_expect(reply.status == 200 || reply.status == 500, "%zu bytes: %d", limit, reply.status);
        failed += reply.status == 500 && reply.outcome == GT_OUTCOME_FAILED;
        answered += reply.status == 200;
        check_answer(text, &reply);
    }
    cr_expect(failed > 3 && answered > 3, "%zu failed, %zu were answered", failed, answered);
}

Test(injector_review, depth_is_limited)
{
    SCOPED_SNAPSHOT(snapshot, TOWN);
    for (int depth = 80; depth <= 120; depth += 40) {
        SCOPED_ARENA(arena);
        gt_buf spec;
        gt_buf_init(&spec, arena, 512);
        gt_buf_text(&spec,
                    "{'kind': 'AdmissionReview', 'apiVersion': 'admission.k8s.io/v1', 'request': {'uid': 'u', 'x': ");
        for (int i = 0; i < depth; i++)
            gt_buf_byte(&spec, '[');
        for (int i = 0; i < depth; i++)
            gt_buf_byte(&spec, ']');
        gt_buf_text(&spec, "}}");
        gt_reply reply = ask(arena, snapshot, spec.at);
        cr_expect_eq(reply.status, depth < 100 ? 200 : 400);
        cr_expect(depth < 100 || holds(reply.body, "levels deep"), "%s", reply.body.at);
    }
}

/* ---- warnings ---- */

static size_t count_warnings(gt_arena *arena, const gt_reply *reply, gt_str *last)
{
    size_t n = 0;
    GT_VIEW_EACH (warning, gt_view_get(gt_view_get(parsed(arena, reply), "response"), "warnings")) {
        gt_str text = gt_view_str(warning);
        size_t characters = 0;
        for (size_t i = 0; i < text.len; i++) {
            characters += ((unsigned char)text.at[i] & 0xc0) != 0x80;
            cr_expect((unsigned char)text.at[i] >= ' ', "the API server drops control characters: %s", text.at);
        }
        cr_expect(characters <= 120, "%zu: %s", characters, text.at);
        *last = text;
        n++;
    }
    return n;
}

Test(injector_review, warnings_are_few_and_short)
{
    SCOPED_ARENA(arena);
    gt_buf yaml, pod;
    gt_buf_init(&yaml, arena, 4096);
    gt_buf_init(&pod, arena, 4096);
    gt_buf_text(&yaml, "{apiVersion: gastown.io/v1alpha1, kind: GasTown, metadata: {name: main, namespace: gastown}, "
                       "spec: {defaults: {image: 'a:1', annotations: {x: 'two\n\n  lines'");
    gt_buf_text(&pod, "{'metadata': {'labels': {'gastown.io/rig': 'r', 'gastown.io/role': 'crew', 'gastown.io/agent': "
                      "'x'}, 'annotations': {'x': '\\u0001\\u007f\\u0085', 'event.gastown.io/imgae': 'x'");
    for (int i = 0; i < 30; i++) {
        gt_buf_printf(&yaml, ", key%d: v", i);
        for (int length = 0; length < i * 6; length++)
            gt_buf_byte(&yaml, 'v');
        gt_buf_printf(&pod, ", 'key%d': '\\u00fc%d%s'", i, i, i % 3 == 0 ? "\\u2028\\u0000" : "");
    }
    gt_buf_text(&yaml, "}}}}");
    gt_buf_text(&pod, "}}}");
    SCOPED_SNAPSHOT(snapshot, yaml.at);
    gt_reply reply = ask(arena, snapshot, gt_arena_printf(arena, CREATE("%s"), pod.at));
    cr_assert_eq(reply.outcome, GT_OUTCOME_INJECTED, "%s", reply.body.at);
    gt_str last = {"", 0};
    cr_expect_eq(count_warnings(arena, &reply, &last), 20);
    cr_expect_eq(reply.warnings, 32);
    expect_text(0, last, "and 13 more warnings");
}

Test(injector_review, replaced_fields_come_first)
{
    SCOPED_ARENA(arena);
    SCOPED_SNAPSHOT(snapshot, TOWN);
    gt_reply reply = ask(arena, snapshot,
                         CREATE(POD(", 'annotations': {'event.gastown.io/imgae': 'x'}",
                                    "'containers': [{'name': 'agent', 'image': 'b:1'}]")));
    gt_view first = gt_view_first(gt_view_get(gt_view_get(parsed(arena, &reply), "response"), "warnings"));
    expect_text(0, gt_view_str(first), "spec.containers[agent].image: b:1 replaced by a:1 from GasTown/main.defaults");
    cr_expect(holds(gt_view_str(gt_view_next(first)), "did you mean event.gastown.io/image?"));
}

/* ---- what is in an answer ---- */

Test(injector_review, denials_say_what_and_where)
{
    SCOPED_ARENA(arena);
    SCOPED_SNAPSHOT(snapshot, TOWN);
    gt_reply reply = ask(arena, snapshot, CREATE(POD(", 'name': 'p'", "'hostPID': true, 'volumes': 'x'")));
    gt_view status = gt_view_get(check_answer(arena, &reply), "status");
    gt_view details = gt_view_get(status, "details");
    gt_view first = gt_view_first(gt_view_get(details, "causes")), second = gt_view_next(first);
    cr_expect(gt_view_is(gt_view_get(status, "reason"), "Forbidden"));
    cr_expect(gt_view_is(gt_view_get(details, "kind"), "Pod") && gt_view_is(gt_view_get(details, "name"), "p"));
    expect_text(0, gt_view_str(gt_view_get(first, "field")), "spec.volumes");
    expect_text(1, gt_view_str(gt_view_get(first, "reason")), "FieldValueInvalid");
    expect_text(2, gt_view_str(gt_view_get(second, "field")), "spec.hostPID");
    expect_text(3, gt_view_str(gt_view_get(second, "reason")), "FieldValueForbidden");
    cr_expect(holds(gt_view_str(gt_view_get(status, "message")), "spec.volumes: ") &&
              holds(gt_view_str(gt_view_get(status, "message")), "spec.hostPID: "));
    cr_expect(!gt_view_exists(gt_view_get(gt_view_get(parsed(arena, &reply), "response"), "patch")));
}

Test(injector_review, a_denial_names_no_pod_that_has_no_name_or_none_that_can_be)
{
    SCOPED_ARENA(arena);
    SCOPED_SNAPSHOT(snapshot, TOWN);
    char name[300] = {0};
    memset(name, 'n', sizeof name - 1);
    const char *const metadata[] = {"'generateName': 'job-'", gt_arena_printf(arena, "'name': '%s'", name),
                                    "'name': ['p']"};
    for (size_t i = 0; i < sizeof metadata / sizeof *metadata; i++) {
        gt_reply reply =
            ask(arena, snapshot, gt_arena_printf(arena, CREATE(POD(", %s", "'hostPID': true")), metadata[i]));
        gt_view details = gt_view_get(gt_view_get(check_answer(arena, &reply), "status"), "details");
        expect_text((int)i, gt_view_str(gt_view_get(details, "name")), "");
    }
}

Test(injector_review, the_patch_is_base64_of_what_render_prints)
{
    SCOPED_ARENA(arena);
    SCOPED_SNAPSHOT(snapshot, TOWN);
    gt_reply reply = ask(arena, snapshot, CREATE(POD("", "")));
    gt_view response = check_answer(arena, &reply);
    gt_str patch;
    cr_assert(gt_base64_decode(arena, gt_view_str(gt_view_get(response, "patch")), &patch));
    cr_expect_eq(patch.len, reply.patch_bytes);
    gt_view operations;
    gt_err err;
    cr_assert(gt_view_parse(arena, patch, 0, &operations, &err), "%s", err.text);
    cr_expect_eq(gt_view_count(operations), reply.operations);
    gt_view audit = gt_view_get(response, "auditAnnotations");
    cr_expect_eq(gt_view_str(gt_view_get(audit, "template-hash")).len, 16);
    expect_text(0, gt_view_str(gt_view_get(audit, "layers")), "GasTown/main@12");
}

/* The uid goes into the answer as it came, into the log as something printable and short. */
Test(injector_review, uids)
{
    SCOPED_ARENA(arena);
    SCOPED_SNAPSHOT(snapshot, TOWN);
    gt_reply reply = ask(arena, snapshot, REQUEST("'uid': 'a\\n\\u00fc\\\\ b'"));
    expect_text(0, gt_view_str(gt_view_get(check_answer(arena, &reply), "uid")), "a\n\xc3\xbc\\ b");
    for (size_t i = 0; i < reply.uid.len; i++)
        cr_expect(reply.uid.at[i] > ' ' && reply.uid.at[i] <= '~', "%s", reply.uid.at);
    char uid[200];
    memset(uid, 'u', sizeof uid - 1);
    uid[sizeof uid - 1] = '\0';
    reply = ask(arena, snapshot, gt_arena_printf(arena, REQUEST("'uid': '%s'"), uid));
    cr_expect_eq(reply.uid.len, 64);
    expect_text(1, gt_view_str(gt_view_get(check_answer(arena, &reply), "uid")), uid);
}

Test(injector_review, same_request_same_bytes)
{
    SCOPED_ARENA(arena);
    SCOPED_SNAPSHOT(snapshot, TOWN);
    SCOPED_SNAPSHOT(another, TOWN);
    const char *body =
        CREATE(POD(", 'annotations': {'x': 'y'}",
                   "'containers': [{'name': 'agent', 'image': 'b:1', 'env': [{'name': 'X', 'value': 'x'}]}]"));
    gt_reply first = ask(arena, snapshot, body), second = ask(arena, snapshot, body), third = ask(arena, another, body);
    cr_expect(gt_str_eq(first.body, second.body) && gt_str_eq(first.body, third.body));
}

Test(injector_review, status_bodies)
{
    SCOPED_ARENA(arena);
    static const struct {
        int code;
        const char *reason;
    } rows[] = {{400, "BadRequest"},           {404, "NotFound"},
                {405, "MethodNotAllowed"},     {413, "RequestEntityTooLarge"},
                {415, "UnsupportedMediaType"}, {500, "InternalError"},
                {503, "ServiceUnavailable"}};
    for (size_t i = 0; i < COUNT(rows); i++) {
        gt_view view;
        gt_err err;
        int64_t code = 0;
        cr_assert(gt_view_parse(arena, gt_status_body(arena, rows[i].code, "what\n\"went\" wrong"), 0, &view, &err),
                  "%s", err.text);
        cr_expect(gt_view_int(gt_view_get(view, "code"), &code) && code == rows[i].code);
        expect_text(i, gt_view_str(gt_view_get(view, "reason")), rows[i].reason);
        expect_text(i, gt_view_str(gt_view_get(view, "message")), "what\n\"went\" wrong");
    }
}
