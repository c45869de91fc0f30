/* The scenarios: what the webhook does at start, at each review and at each reload, and what the tools and the watcher read. */
#include <stdio.h>
#include <stdlib.h>

#include "catalogue/catalogue.h"
#include "catalogue/directory.h"
#include "catalogue/report.h"
#include "catalogue/store.h"
#include "injector/cli/cli.h"
#include "injector/explain.h"
#include "injector/validate.h"
#include "lib/kube/config.h"
#include "lib/kube/file.h"
#include "lib/yaml/yaml.h"
#include "tests/faults/allocator.h"
#include "tests/faults/faults.h"

#define TOWN "tests/fuzz/town.yaml"
#define REVIEWS "tests/fixtures/admission-reviews.jsonl"

static gt_arena *ground; /* of a scenario: what its runs read */
static gt_str text;
static gt_snapshot *town;

static void need(bool good, const char *what)
{
    if (!good) {
        fprintf(stderr, "can't prepare: %s (run this from the top folder)\n", what);
        exit(2);
    }
}

static void prepare_text(void)
{
    gt_err err;
    ground = gt_arena_new(0);
    need(ground != NULL, "memory");
    need(gt_kube_read_file(ground, TOWN, 1 << 20, &text, &err), TOWN);
}

static void finish(void)
{
    gt_snapshot_free(town);
    gt_arena_free(ground);
}

static faults_end_of refused(const gt_err *err)
{
    if (err->kind != GT_ERR_NOMEM)
        return faults_complain("no memory is called error %d: %s", err->kind, err->text);
    return FAULTS_REFUSED;
}

/* ---- a snapshot from YAML ---- */

typedef struct job {
    gt_arena *arena;
    gt_snapshot *snapshot;
} job;

static bool build(void *context, gt_err *err)
{
    job *j = context;
    gt_yaml_docs docs;
    if (!gt_yaml_load(j->arena, text, &docs, err))
        return false;
    gt_document *documents = GT_NEW_N(j->arena, gt_document, docs.count);
    for (size_t i = 0; i < docs.count; i++)
        documents[i] = (gt_document){GT_STR("town.yaml"), docs.at[i]};
    return gt_snapshot_build(j->arena, documents, docs.count, GT_CLAIMS_EQUAL, &j->snapshot, err);
}

static bool make_snapshot(gt_snapshot **snapshot, gt_err *err)
{
    job j = {.arena = gt_arena_new(0)};
    if (j.arena == NULL)
        return gt_fail(err, GT_ERR_NOMEM, "out of memory");
    if (!gt_arena_try(j.arena, build, &j, err)) {
        gt_arena_free(j.arena);
        return false;
    }
    *snapshot = j.snapshot;
    return true;
}

static void write_number(size_t number)
{
    char digits[32];
    faults_write((gt_str){digits, (size_t)snprintf(digits, sizeof digits, " %zu\n", number)});
}

static faults_end_of run_snapshot(void)
{
    gt_snapshot *snapshot;
    gt_err err;
    if (!make_snapshot(&snapshot, &err))
        return refused(&err);
    for (const gt_finding *f = gt_snapshot_findings(snapshot); f != NULL; f = f->next) {
        faults_write(f->field);
        faults_write(f->message);
        write_number(f->line);
    }
    write_number(gt_snapshot_objects(snapshot));
    gt_snapshot_free(snapshot);
    return FAULTS_DONE;
}

/* ---- reviews ---- */

#define REVIEW(labels, annotations, spec)                                                                              \
    "{\"kind\":\"AdmissionReview\",\"apiVersion\":\"admission.k8s.io/v1\",\"request\":{\"uid\":\"1\",\"resource\":"    \
    "{\"group\":\"\",\"version\":\"v1\",\"resource\":\"pods\"},\"namespace\":\"gastown\",\"operation\":\"CREATE\","    \
    "\"object\":{\"metadata\":{\"labels\":{" labels "},\"annotations\":{" annotations "}},\"spec\":{" spec "}}}}"

#define LABELS(role) "\"gastown.io/rig\":\"gastown\",\"gastown.io/role\":\"" role "\",\"gastown.io/agent\":\"toast\""

static const char CREW[] =
    REVIEW(LABELS("crew"),
           "\"event.gastown.io/bead\":\"gt-1\",\"event.gastown.io/memory\":\"3Gi\",\"event.gastown.io/template\":"
           "\"{\\\"env\\\":[{\\\"name\\\":\\\"A\\\",\\\"value\\\":\\\"caf\\u00e9\\\"}]}\"",
           "\"containers\":[{\"name\":\"agent\",\"image\":\"ghcr.io/acme/mine:1\",\"env\":[{\"name\":\"HTTPS_PROXY\","
           "\"value\":\"none\"}],\"volumeMounts\":[{\"name\":\"c\",\"mountPath\":\"/cache/\"}]},{\"name\":\"other\"}],"
           "\"volumes\":[{\"name\":\"c\",\"emptyDir\":{}}],\"tolerations\":[{\"key\":\"acme.io/agents\"}]");
static const char DENIED[] =
    REVIEW(LABELS("polecat"), "\"event.gastown.io/imgae\":\"x\"",
           "\"hostNetwork\":true,\"containers\":[{\"name\":\"agent\",\"securityContext\":"
           "{\"privileged\":true}}],\"volumes\":[{\"name\":\"h\",\"hostPath\":{\"path\":\"/\"}}]");

static gt_str body;

static void prepare_town(void)
{
    gt_err err;
    prepare_text();
    need(make_snapshot(&town, &err), "a snapshot");
}

static void prepare_polecat(void)
{
    gt_err err;
    prepare_town();
    need(gt_kube_read_file(ground, REVIEWS, 1 << 20, &body, &err), REVIEWS);
    body.len = strcspn(body.at, "\n");
}

static void prepare_crew(void)
{
    prepare_town();
    body = GT_STR(CREW);
}

static void prepare_denied(void)
{
    prepare_town();
    body = GT_STR(DENIED);
}

/* An answer that isn't the one: it must be HTTP 500, never a denial, for it's no fault of the client's. */
static faults_end_of judge(const gt_reply *reply, gt_outcome expected)
{
    if (reply->status == 200 && reply->outcome == expected) {
        faults_write(reply->body);
        return FAULTS_DONE;
    }
    if (reply->status != 500 || reply->outcome != GT_OUTCOME_FAILED || strstr(reply->body.at, "\"code\":500") == NULL ||
        reply->denied_code != 0)
        return faults_complain("answers %d, %s: %.*s", reply->status, gt_outcome_name(reply->outcome),
                               GT_STR_ARG(reply->body));
    return FAULTS_REFUSED;
}

static faults_end_of review(const gt_snapshot *snapshot, gt_str request, gt_outcome expected)
{
    gt_reply reply;
    gt_scoped(gt_arena_cleanup) gt_arena *arena = gt_arena_new(0);
    if (arena == NULL)
        return FAULTS_REFUSED;
    gt_review(arena, snapshot, request, &reply);
    return judge(&reply, expected);
}

static faults_end_of run_injected(void)
{
    return review(town, body, GT_OUTCOME_INJECTED);
}

static faults_end_of run_denied(void)
{
    return review(town, body, GT_OUTCOME_DENIED);
}

/* A template with a finding, whose pods are tried. */
static const char RIG[] =
    "{\"kind\":\"AdmissionReview\",\"apiVersion\":\"admission.k8s.io/v1\",\"request\":{\"uid\":\"1\",\"kind\":"
    "{\"group\":\"gastown.io\",\"version\":\"v1alpha1\",\"kind\":\"Rig\"},\"namespace\":\"gastown\","
    "\"operation\":\"UPDATE\",\"object\":{\"apiVersion\":\"gastown.io/v1alpha1\",\"kind\":\"Rig\",\"metadata\":"
    "{\"name\":\"gastown\"},\"spec\":{\"name\":\"gastown\",\"podOverrides\":{\"image\":\"agent\"}}},\"oldObject\":"
    "{\"spec\":{\"name\":\"gastown\"}}}}";

static faults_end_of run_validated(void)
{
    gt_reply reply;
    gt_scoped(gt_arena_cleanup) gt_arena *arena = gt_arena_new(0);
    if (arena == NULL)
        return FAULTS_REFUSED;
    gt_validate(arena, town, GT_STR(RIG), &reply);
    return judge(&reply, GT_OUTCOME_ACCEPTED);
}

/* The arena of a worker lives on: what failed in one review must not be seen in the next. */
static faults_end_of run_worker(void)
{
    gt_reply reply;
    gt_scoped(gt_arena_cleanup) gt_arena *arena = gt_arena_new(0);
    bool done = arena != NULL;
    for (int i = 0; arena != NULL && i < 2; i++) {
        gt_review(arena, town, i == 0 ? GT_STR(CREW) : GT_STR(DENIED), &reply);
        faults_end_of end = judge(&reply, i == 0 ? GT_OUTCOME_INJECTED : GT_OUTCOME_DENIED);
        if (end == FAULTS_WRONG)
            return end;
        done = done && end == FAULTS_DONE;
        gt_arena_reset(arena);
    }
    return done ? FAULTS_DONE : FAULTS_REFUSED;
}

/* ---- a directory, published and loaded again ---- */

static char folder[64]; /* where the directory points: another folder is how its files change */

static void directory_cleanup(gt_directory **directory)
{
    gt_directory_free(*directory);
}

static void catalogue_cleanup(gt_catalogue **catalogue)
{
    gt_catalogue_free(*catalogue);
}

/* A load that fails is tried again with memory, and must then say what it would have said. */
static faults_end_of load(gt_directory *directory, gt_directory_report *report, bool *failed)
{
    gt_err err;
    if (gt_directory_load(directory, report, &err))
        return FAULTS_DONE;
    if (refused(&err) == FAULTS_WRONG)
        return FAULTS_WRONG;
    *failed = true;
    if (!gt_directory_stirred(directory))
        return faults_complain("a load that had no memory isn't tried again");
    faults_pause();
    bool good = gt_directory_load(directory, report, &err);
    faults_resume();
    return good ? FAULTS_DONE : faults_complain("the second try: %s", err.text);
}

static void write_report(const gt_directory_report *report)
{
    for (const gt_finding *f = report->findings; f != NULL; f = f->next) {
        faults_write(f->file);
        faults_write(f->message);
        write_number(f->line);
    }
    for (size_t i = 0; i < report->change_count; i++) {
        faults_write(gt_str_of(gt_change_name(report->changes[i].kind)));
        faults_write(report->changes[i].object);
    }
    write_number(report->rejected);
}

/* Loads, publishes and answers; the readers of what was published before are inside meanwhile. */
static faults_end_of round_of(gt_directory *directory, gt_catalogue *catalogue, const char *path, bool *failed)
{
    gt_directory_report report;
    memcpy(folder, path, strlen(path) + 1);
    const gt_snapshot *before = gt_catalogue_enter(catalogue, 0);
    faults_end_of end = load(directory, &report, failed);
    if (end == FAULTS_DONE && report.snapshot == NULL)
        end = faults_complain("nothing to publish");
    if (end == FAULTS_DONE) {
        write_report(&report);
        gt_catalogue_publish(catalogue, report.snapshot, report.rejected, 1);
        if (before != NULL)
            write_number(gt_snapshot_objects(before));
    }
    gt_catalogue_leave(catalogue, 0);
    gt_catalogue_sweep(catalogue);
    if (end != FAULTS_DONE)
        return end;
    end = review(gt_catalogue_enter(catalogue, 0), body, GT_OUTCOME_INJECTED);
    gt_catalogue_leave(catalogue, 0);
    *failed = *failed || end == FAULTS_REFUSED;
    return end;
}

static faults_end_of run_directory(void)
{
    gt_scoped(directory_cleanup) gt_directory *directory = gt_directory_new(folder);
    gt_scoped(catalogue_cleanup) gt_catalogue *catalogue = gt_catalogue_new(1);
    static const char *const paths[] = {"tests/demo/templates", "tests/faults/templates"};
    bool failed = directory == NULL || catalogue == NULL;
    if (failed)
        return FAULTS_REFUSED;
    for (size_t i = 0; i < sizeof paths / sizeof *paths; i++)
        if (round_of(directory, catalogue, paths[i], &failed) == FAULTS_WRONG)
            return FAULTS_WRONG;
    return failed ? FAULTS_REFUSED : FAULTS_DONE;
}

/* ---- objects of an API server ---- */

#define OBJECT(name, uid, day, generation, spec)                                                                       \
    "{\"metadata\":{\"name\":\"" name "\",\"namespace\":\"gastown\",\"uid\":\"" uid                                    \
    "\",\"creationTimestamp\":\"2026-01-0" day "T00:00:00Z\",\"generation\":" generation                               \
    "},\"status\":{\"a\":" generation "},\"spec\":{" spec "}}"
#define RIG_OF(generation, key)                                                                                        \
    OBJECT("gastown", "r1", "2", generation,                                                                           \
           "\"name\":\"gastown\",\"podOverrides\":{\"" key "\":\"r:v" generation "\"}")

/* What is put, one after the other; a load after each that has a `load`. */
static const struct {
    gt_kind kind;
    const char *text;
    bool load, remove;
} turns[] = {
    {GT_KIND_TOWN, OBJECT("main", "t1", "1", "1", "\"defaults\":{\"image\":\"a:v1\"}"), false, false},
    {GT_KIND_RIG, RIG_OF("5", "imgae"), true, false}, /* recalled */
    {GT_KIND_RIG, RIG_OF("6", "image"), true, false},
    {GT_KIND_RIG, OBJECT("young", "r2", "3", "1", "\"name\":\"gastown\""), false, false}, /* displaced */
    {GT_KIND_RIG, RIG_OF("7", "imgae"), true, false},                                     /* kept */
    {GT_KIND_RIG, RIG_OF("7", "imgae"), true, true},
    {GT_KIND_RIG, OBJECT("young", "r3", "3", "1", "\"name\":\"other\""), true, false}, /* another of that name */
};
enum { TURNS = sizeof turns / sizeof *turns };
static gt_view objects[TURNS];

static void prepare_objects(void)
{
    gt_err err;
    ground = gt_arena_new(0);
    need(ground != NULL, "memory");
    for (size_t i = 0; i < TURNS; i++)
        need(gt_view_parse(ground, gt_str_of(turns[i].text), 0, &objects[i], &err), turns[i].text);
}

/* What had no memory is done again with it; then all must be as if nothing had been. */
static bool again(bool (*what)(gt_store *store, size_t i, gt_err *err), gt_store *store, size_t i)
{
    gt_err err;
    if (what(store, i, &err))
        return true;
    if (refused(&err) == FAULTS_WRONG)
        return false;
    faults_pause();
    bool good = what(store, i, &err);
    faults_resume();
    return good || faults_complain("turn %zu, the second try: %s", i, err.text) != FAULTS_WRONG;
}

static bool put_object(gt_store *store, size_t i, gt_err *err)
{
    return gt_store_put(store, turns[i].kind, objects[i], err);
}

static bool recall_object(gt_store *store, size_t i, gt_err *err)
{
    (void)i;
    return gt_store_recall(store, GT_STR("gastown"), GT_STR("r1"), 4,
                           GT_STR("{\"spec\":{\"name\":\"gastown\",\"podOverrides\":{\"image\":\"r:v4\"}}}"), err);
}

static bool load_objects(gt_store *store, size_t i, gt_err *err)
{
    gt_store_report report;
    (void)i;
    if (!gt_store_load(store, &report, err))
        return false;
    gt_snapshot_free(report.snapshot);
    return true;
}

static void write_objects(const gt_store *store)
{
    const gt_store_object *o;
    for (size_t i = 0; (o = gt_store_at(store, i)) != NULL; i++) {
        const char *const texts[] = {o->name, o->uid,   gt_verdict_reason(o->verdict), o->field, o->message, o->content,
                                     o->good, o->status};
        for (size_t k = 0; k < sizeof texts / sizeof *texts; k++)
            faults_write(gt_str_of(texts[k] == NULL ? "none" : texts[k]));
        write_number((size_t)o->generation);
        write_number((size_t)o->live_generation);
        write_number((size_t)o->good_generation);
    }
}

static void store_cleanup(gt_store **store)
{
    gt_store_free(*store);
}

static faults_end_of run_store(void)
{
    gt_scoped(store_cleanup) gt_store *store = gt_store_new();
    if (store == NULL)
        return FAULTS_REFUSED;
    if (!again(recall_object, store, 0))
        return FAULTS_WRONG;
    for (size_t i = 0; i < TURNS; i++) {
        if (turns[i].remove)
            gt_store_remove(store, turns[i].kind, objects[i]);
        else if (!again(put_object, store, i))
            return FAULTS_WRONG;
        if (!turns[i].load)
            continue;
        if (!again(load_objects, store, i))
            return FAULTS_WRONG;
        gt_store_adopt(store);
        write_objects(store);
    }
    return FAULTS_DONE;
}

/* ---- explain and render ---- */

static bool explain(void *context, gt_err *err)
{
    gt_arena *arena = context;
    gt_record record;
    gt_injection injection;
    gt_str message;
    gt_view request;
    gt_value *review_value, *pod = NULL;
    gt_buf out;
    if (!gt_view_parse(arena, body, 0, &request, err))
        return false;
    gt_view object = gt_view_get(gt_view_get(request, "request"), "object");
    gt_subject subject = {.pod = object, .ns = GT_STR("gastown")};
    gt_record_init(&record, arena);
    if (gt_inject(&record, town, &subject, &injection, &message) != GT_LOOKUP_FOUND)
        return gt_fail(err, GT_ERR_INPUT, "not injected: %s", message.at);
    if (!gt_value_from_view(arena, object, &review_value, err))
        return false;
    pod = gt_record_apply(arena, review_value, &record);
    gt_buf_init(&out, arena, 4096);
    gt_yaml_print(&out, pod, 0);
    gt_value_pretty(&out, gt_explain(arena, &record, &injection), 0);
    faults_write(gt_buf_slice(&out));
    return true;
}

static faults_end_of run_explain(void)
{
    gt_err err;
    gt_scoped(gt_arena_cleanup) gt_arena *arena = gt_arena_new(0);
    if (arena == NULL)
        return FAULTS_REFUSED;
    return gt_arena_try(arena, explain, arena, &err) ? FAULTS_DONE : refused(&err);
}

/* ---- a kubeconfig ---- */

static bool configure(void *context, gt_err *err)
{
    gt_kube_config config;
    if (!gt_kube_config_load(context, "tests/faults/kubeconfig.yaml", NULL, &config, err))
        return false;
    faults_write(gt_str_of(config.origin));
    faults_write(gt_str_of(config.server));
    faults_write(config.ca);
    faults_write(config.key);
    return true;
}

static faults_end_of run_kubeconfig(void)
{
    gt_err err;
    gt_scoped(gt_arena_cleanup) gt_arena *arena = gt_arena_new(0);
    if (arena == NULL)
        return FAULTS_REFUSED;
    return gt_arena_try(arena, configure, arena, &err) ? FAULTS_DONE : refused(&err);
}

const faults_scenario faults_scenarios[] = {
    {"review-polecat", prepare_polecat, run_injected, finish},
    {"review-crew", prepare_crew, run_injected, finish},
    {"review-denied", prepare_denied, run_denied, finish},
    {"review-worker", prepare_crew, run_worker, finish},
    {"review-template", prepare_town, run_validated, finish},
    {"explain", prepare_crew, run_explain, finish},
    {"kubeconfig", NULL, run_kubeconfig, NULL},
    {"store", prepare_objects, run_store, finish},
    {"directory", prepare_polecat, run_directory, finish},
    {"snapshot", prepare_text, run_snapshot, finish},
    {NULL, NULL, NULL, NULL},
};
