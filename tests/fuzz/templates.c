/* Any bytes as a file of templates: read, built, its findings printed. Whatever the snapshot accepted then answers reviews: a set
 * without an error never says that it can't. */
#include "catalogue/report.h"
#include "injector/explain.h"
#include "lib/yaml/yaml.h"
#include "tests/fuzz/fuzz.h"

const bool fuzz_wants_yaml = true;

#define REVIEW(role, pod)                                                                                              \
    "{\"kind\":\"AdmissionReview\",\"apiVersion\":\"admission.k8s.io/v1\",\"request\":{\"uid\":\"1\",\"resource\":"    \
    "{\"group\":\"\",\"version\":\"v1\",\"resource\":\"pods\"},\"namespace\":\"gastown\",\"operation\":\"CREATE\","    \
    "\"object\":{\"metadata\":{\"labels\":{\"gastown.io/rig\":\"gastown\",\"gastown.io/role\":\"" role "\","           \
    "\"gastown.io/agent\":\"furiosa\"}},\"spec\":" pod "}}}"

static const char *const reviews[] = {
    REVIEW("polecat", "{\"containers\":[{\"name\":\"agent\"}]}"),
    REVIEW("crew", "{\"containers\":[{\"name\":\"agent\",\"image\":\"ghcr.io/acme/agent:v6\",\"env\":[{\"name\":"
                   "\"LOG_LEVEL\",\"value\":\"debug\"}],\"volumeMounts\":[{\"name\":\"cache\",\"mountPath\":"
                   "\"/cache\"}]},{\"name\":\"mine\",\"image\":\"ghcr.io/acme/mine:1\"}],\"volumes\":[{\"name\":"
                   "\"cache\",\"emptyDir\":{}}],\"tolerations\":[{\"key\":\"node.kubernetes.io/not-ready\"}]}"),
};

static gt_arena *scratch;

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
    (void)argc;
    (void)argv;
    scratch = gt_arena_new(0);
    FUZZ_CHECK(scratch != NULL, "out of memory");
    return 0;
}

/* true: there's none that is an error. */
static bool check_findings(const gt_snapshot *snapshot, size_t documents)
{
    bool good = true;
    for (const gt_finding *f = gt_snapshot_findings(snapshot); f != NULL; f = f->next) {
        gt_buf line;
        gt_buf_init(&line, scratch, 128);
        gt_finding_print(&line, f);
        FUZZ_CHECK(f->document < documents && f->message.len > 0, "finding %s", line.at);
        FUZZ_CHECK(memchr(line.at, '\n', line.len) == NULL, "a finding of several lines: %s", line.at);
        FUZZ_CHECK(gt_str_utf8_len(gt_buf_slice(&line)) == line.len, "not UTF-8: %s", line.at);
        FUZZ_CHECK(!f->error || f->conflict || !gt_snapshot_accepted(snapshot, f->document),
                   "accepted all the same: %s", line.at);
        good = good && !f->error;
    }
    size_t accepted = 0, templates = 0;
    for (size_t i = 0; i < documents; i++) {
        const gt_object *object = gt_snapshot_object(snapshot, i);
        accepted += gt_snapshot_accepted(snapshot, i);
        templates += gt_snapshot_accepted(snapshot, i) && object != NULL && object->kind <= GT_KIND_POOL;
    }
    FUZZ_CHECK(templates == gt_snapshot_objects(snapshot), "%zu templates accepted", templates);
    FUZZ_CHECK(!good || accepted == documents, "%zu of %zu accepted, and nobody says why", accepted, documents);
    return good;
}

static void explain(const gt_snapshot *snapshot, gt_str body)
{
    gt_record record;
    gt_injection injection;
    gt_str message = {"", 0};
    gt_view request = gt_view_get(fuzz_json(scratch, body, "the review"), "request");
    gt_subject subject = {.pod = gt_view_get(request, "object"), .ns = gt_view_str(gt_view_get(request, "namespace"))};
    gt_record_init(&record, scratch);
    if (gt_inject(&record, snapshot, &subject, &injection, &message) == GT_LOOKUP_BROKEN || record.cause_count > 0)
        return;
    fuzz_json(scratch, fuzz_print(scratch, gt_explain(scratch, &record, &injection)), "the explanation");
}

static void ask(const gt_snapshot *snapshot, bool good)
{
    for (size_t i = 0; i < sizeof reviews / sizeof *reviews; i++) {
        gt_str body = gt_str_of(reviews[i]);
        gt_reply reply;
        fuzz_review(scratch, snapshot, body, &reply);
        FUZZ_CHECK(reply.outcome == GT_OUTCOME_INJECTED || reply.outcome == GT_OUTCOME_DENIED ||
                       (!good && reply.outcome == GT_OUTCOME_FAILED),
                   "%s: %.*s", gt_outcome_name(reply.outcome), GT_STR_ARG(reply.reason));
        fuzz_second_pass(scratch, snapshot, body, &reply);
        if (reply.outcome == GT_OUTCOME_INJECTED)
            explain(snapshot, body);
        gt_arena_reset(scratch);
    }
}

typedef struct job {
    gt_arena *arena;
    gt_str text;
    size_t count;
    gt_snapshot *snapshot;
} job;

static bool build(void *context, gt_err *err)
{
    job *j = context;
    gt_yaml_docs docs;
    if (!gt_yaml_load(j->arena, j->text, &docs, err)) {
        FUZZ_CHECK(err->kind == GT_ERR_INPUT || err->kind == GT_ERR_LIMIT, "%s", err->text);
        return false;
    }
    gt_document *documents = GT_NEW_N(j->arena, gt_document, docs.count);
    for (size_t i = 0; i < docs.count; i++)
        documents[i] = (gt_document){GT_STR("fuzz.yaml"), docs.at[i]};
    j->count = docs.count;
    return gt_snapshot_build(j->arena, documents, docs.count, GT_CLAIMS_EQUAL, &j->snapshot, err);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    job j = {.arena = gt_arena_new(0), .text = {(const char *)data, size}};
    gt_err err;
    FUZZ_CHECK(j.arena != NULL, "out of memory");
    if (gt_arena_try(j.arena, build, &j, &err)) {
        bool good = check_findings(j.snapshot, j.count);
        gt_arena_reset(scratch);
        ask(j.snapshot, good);
        gt_snapshot_free(j.snapshot);
    } else {
        gt_arena_free(j.arena);
    }
    return 0;
}
