#include "webhook/admission.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "injector/validate.h"
#include "lib/base/clock.h"
#include "lib/base/log.h"
#include "webhook/budget.h"
#include "webhook/framing.h"
#include "webhook/journal.h"

/* Of a body that nobody wants any more so much is read, so that its sender gets to see the answer. */
enum { THROW_AWAY_MAX = 2 * GT_REVIEW_MAX_BYTES };

/* An answer that isn't accounted for: all connections together hold 16 MiB of these at the most. */
enum { SMALL_ANSWER = 64 * 1024 };

typedef struct worker {
    gt_arena *arena;
    size_t slot; /* in the catalogue */
} worker;

struct gt_admission {
    gt_admission_config config;
    gt_body_pool bodies;
    gt_arena_pool reviews;
    worker *workers;
    atomic_size_t claimed;
};

/* What answers which path. */
static const struct route {
    const char *path;
    void (*answer)(gt_arena *arena, const gt_snapshot *snapshot, gt_str body, gt_reply *reply);
} routes[GT_PATH_COUNT] = {
    [GT_PATH_MUTATE] = {"/mutate", gt_review},
    [GT_PATH_VALIDATE] = {"/validate", gt_validate},
};

typedef struct request {
    gt_peer *peer;
    gt_path path;
    int64_t started_us, budget_us;
    bool begun;
    int status;          /* the error to answer, or 0 */
    const char *problem; /* what it says; static, or quoted */
    bool again;          /* it's worth to try again at once */
    char quoted[GT_CLIENT_WHY];
    const char *allow;
    bool close;
    gt_body body;
    size_t thrown_away;
    size_t answer_charged; /* to the bodies */
} request;

/* The library's threads have no place for what is theirs. `owner` tells whose worker it is. */
static _Thread_local const gt_admission *owner;
static _Thread_local worker *mine;

static worker *my_worker(gt_admission *admission)
{
    if (owner != admission) {
        size_t i = atomic_fetch_add(&admission->claimed, 1);
        assert(i < admission->config.threads);
        owner = admission;
        mine = &admission->workers[i];
    }
    return mine;
}

gt_admission *gt_admission_new(const gt_admission_config *config)
{
    gt_admission *admission = calloc(1, sizeof *admission);
    if (admission == NULL)
        return NULL;
    admission->config = *config;
    admission->bodies.always_each = GT_BODY_ALWAYS;
    admission->bodies.limit_each = GT_REVIEW_MAX_BYTES;
    admission->bodies.limit_all = GT_BODIES_MAX;
    admission->reviews.limit = GT_REVIEWS_MEMORY;
    admission->reviews.own = GT_REVIEW_OWN;
    admission->workers = calloc(config->threads, sizeof *admission->workers);
    bool ok = admission->workers != NULL;
    for (unsigned i = 0; ok && i < config->threads; i++) {
        admission->workers[i] = (worker){.arena = gt_arena_new_in(&admission->reviews, GT_REVIEW_MEMORY), .slot = i};
        ok = admission->workers[i].arena != NULL;
    }
    if (ok)
        return admission;
    gt_admission_free(admission);
    return NULL;
}

void gt_admission_free(gt_admission *admission)
{
    if (admission == NULL)
        return;
    for (unsigned i = 0; admission->workers != NULL && i < admission->config.threads; i++)
        gt_arena_free(admission->workers[i].arena);
    free(admission->workers);
    free(admission);
}

size_t gt_admission_body_bytes(gt_admission *admission)
{
    return atomic_load(&admission->bodies.used);
}

size_t gt_admission_review_bytes(gt_admission *admission)
{
    return atomic_load(&admission->reviews.used);
}

/* ---- answers ---- */

typedef struct review_job {
    gt_arena *arena;
    const gt_snapshot *snapshot;
    gt_path path;
    gt_str body;
    gt_reply reply;
    int status; /* error_answer: the status and message of the error */
    const char *problem;
} review_job;

static bool run_review(void *context, gt_err *err)
{
    (void)err;
    review_job *job = context;
    routes[job->path].answer(job->arena, job->snapshot, job->body, &job->reply);
    return true;
}

static bool write_status(void *context, gt_err *err)
{
    (void)err;
    review_job *job = context;
    job->body = gt_status_body(job->arena, job->status, job->problem);
    return true;
}

/* When there is no memory even for a Status. */
#define STATUS(code, reason, message)                                                                                  \
    GT_STR("{\"kind\":\"Status\",\"apiVersion\":\"v1\",\"metadata\":{},\"status\":\"Failure\",\"message\":\"" message  \
           "\",\"reason\":\"" reason "\",\"code\":" code "}")
#define NO_MEMORY STATUS("500", "InternalError", "out of memory")

static enum MHD_Result answer(gt_admission *admission, const request *r, struct MHD_Connection *connection, int status,
                              gt_str body)
{
    const gt_answer a = {
        .status = status,
        .type = "application/json",
        .body = body.at,
        .len = body.len,
        .allow = r->allow,
        .close = r->close || atomic_load(admission->config.draining),
        .again = r->again,
        .whole = status == MHD_HTTP_OK, /* a review's, so a POST's */
    };
    return gt_http_answer(connection, &a);
}

static enum MHD_Result answer_error(gt_admission *admission, const request *r, struct MHD_Connection *connection,
                                    int status, const char *problem)
{
    worker *w = my_worker(admission);
    review_job job = {.arena = w->arena, .status = status, .problem = problem};
    gt_err err;
    bool ok = gt_arena_try(w->arena, write_status, &job, &err);
    enum MHD_Result result =
        ok ? answer(admission, r, connection, status, job.body) : answer(admission, r, connection, 500, NO_MEMORY);
    gt_arena_reset(w->arena);
    return result;
}

static enum MHD_Result refuse(gt_admission *admission, request *r, struct MHD_Connection *connection)
{
    gt_body_free(&r->body, &admission->bodies);
    gt_metrics_refusal(admission->config.metrics, r->status);
    char client[GT_ADDRESS_TEXT];
    gt_log(GT_LOG_INFO, "refused", GT_F("client", gt_http_client(connection, client)), GT_FI("code", r->status),
           GT_F("reason", r->problem), GT_FI("duration_us", gt_clock_mono_us() - r->started_us));
    return answer_error(admission, r, connection, r->status, r->problem);
}

/* ---- reviews ---- */

static bool is_late(const request *r, int64_t now_us)
{
    return now_us - r->started_us >= r->budget_us;
}

/* `again`: others hold what it would need. Else it is the same every time. */
static void make_failed(request *r, gt_reply *reply, int status, bool again, const char *problem)
{
    const gt_about about = reply->about;
    r->again = again;
    r->problem = problem;
    *reply = (gt_reply){.status = status,
                        .outcome = GT_OUTCOME_FAILED,
                        .uid = reply->uid,
                        .about = about,
                        .reason = gt_str_of(problem)};
}

static void make_late(gt_admission *admission, request *r, gt_reply *reply)
{
    gt_counter_add(&admission->config.metrics->late, 1);
    make_failed(r, reply, 503, false, "the time that the caller gave is over");
}

static void record(gt_admission *admission, const request *r, const gt_reply *reply, uint64_t generation)
{
    const gt_journal_entry entry = {.path = r->path,
                                    .reply = reply,
                                    .duration_us = gt_clock_mono_us() - r->started_us,
                                    .budget_us = r->budget_us,
                                    .body_bytes = r->body.len,
                                    .generation = generation};
    gt_metrics_review(admission->config.metrics, r->path, reply, entry.duration_us, r->budget_us);
    gt_journal_review(&entry);
}

/* The library's copy of an answer lives until the client has taken it, which a hostile one doesn't: large ones are accounted for. */
static bool can_be_sent(gt_admission *admission, request *r, size_t length)
{
    if (length <= SMALL_ANSWER)
        return true;
    if (!gt_body_charge(&admission->bodies, length, length))
        return false;
    r->answer_charged = length;
    return true;
}

/* In the time that the caller gave, if need be by saying that it is over. */
static uint64_t work(gt_admission *admission, request *r, review_job *job)
{
    worker *w = my_worker(admission);
    uint64_t generation = gt_catalogue_now(admission->config.catalogue).generation;
    gt_err err;
    if (is_late(r, gt_clock_mono_us())) {
        make_late(admission, r, &job->reply);
        return generation;
    }
    job->snapshot = gt_catalogue_enter(admission->config.catalogue, w->slot);
    bool ok = gt_arena_try(w->arena, run_review, job, &err);
    gt_catalogue_leave(admission->config.catalogue, w->slot);
    if (gt_arena_starved(w->arena))
        make_failed(r, &job->reply, 503, true, "too many large reviews are in work at once");
    else if (!ok)
        make_failed(r, &job->reply, 500, false, "out of memory: the review takes more than one may have");
    else if (is_late(r, gt_clock_mono_us()))
        make_late(admission, r, &job->reply);
    else if (!can_be_sent(admission, r, job->reply.body.len))
        make_failed(r, &job->reply, 503, true, "too many large answers wait to be taken");
    return generation;
}

static enum MHD_Result review(gt_admission *admission, request *r, struct MHD_Connection *connection)
{
    worker *w = my_worker(admission);
    review_job job = {.arena = w->arena, .path = r->path, .body = {r->body.at, r->body.len}};
    uint64_t generation = work(admission, r, &job);
    record(admission, r, &job.reply, generation); /* what it says of the request may live in the body */
    gt_body_free(&r->body, &admission->bodies);
    enum MHD_Result result;
    if (job.reply.body.len > 0) {
        result = answer(admission, r, connection, job.reply.status, job.reply.body);
        gt_arena_reset(w->arena);
    } else {
        gt_arena_reset(w->arena);
        result = answer_error(admission, r, connection, job.reply.status, r->problem);
    }
    return result;
}

/* ---- the request ---- */

static void set_error(request *r, int status, const char *problem)
{
    if (r->status != 0)
        return;
    r->status = status;
    r->problem = problem;
}

/* The one error that a moment's patience mends. */
static void set_busy(request *r)
{
    r->again = r->status == 0;
    set_error(r, 503, "too much is being received at once");
}

static bool is_json(const char *type)
{
    static const char json[] = "application/json";
    size_t n = sizeof json - 1;
    return type != NULL && strncasecmp(type, json, n) == 0 &&
           (type[n] == '\0' || type[n] == ';' || type[n] == ' ' || type[n] == '\t');
}

/* 415, with the header that came: at most 80 bytes of it, printable ones. */
static void refuse_header(request *r, const char *wanted, const char *got)
{
    char shown[81];
    size_t n = strnlen(got, sizeof shown - 1);
    for (size_t i = 0; i < n; i++)
        shown[i] = got[i] >= ' ' && got[i] <= '~' ? got[i] : '?';
    shown[n] = '\0';
    snprintf(r->quoted, sizeof r->quoted, "%s (got %s)", wanted, n == 0 ? "an empty one" : shown);
    set_error(r, 415, r->quoted);
}

static bool judge_type(request *r, struct MHD_Connection *connection)
{
    const char *type = MHD_lookup_connection_value(connection, MHD_HEADER_KIND, MHD_HTTP_HEADER_CONTENT_TYPE);
    const char *coding = MHD_lookup_connection_value(connection, MHD_HEADER_KIND, MHD_HTTP_HEADER_CONTENT_ENCODING);
    if (!is_json(type))
        refuse_header(r, "send Content-Type: application/json", type == NULL ? "none" : type);
    else if (coding != NULL && strcasecmp(coding, "identity") != 0)
        refuse_header(r, "send the review without a Content-Encoding", coding);
    return r->status == 0;
}

static bool find_route(request *r, const char *path)
{
    for (int i = 0; i < GT_PATH_COUNT; i++)
        if (strcmp(path, routes[i].path) == 0) {
            r->path = (gt_path)i;
            return true;
        }
    return false;
}

/* 401, 403: who doesn't say who he is isn't told anything else. */
static bool admit(gt_admission *admission, request *r, struct MHD_Connection *connection)
{
    gt_clients *clients = admission->config.clients;
    gt_client_refusal refusal;
    if (clients == NULL || gt_clients_admit(clients, gt_http_session(connection), gt_peer_notes(r->peer), r->started_us,
                                            &refusal, r->quoted))
        return true;
    gt_counter_add(&admission->config.metrics->clients[refusal], 1);
    r->close = true;
    set_error(r, refusal == GT_CLIENT_NONE ? 401 : 403, r->quoted);
    return false;
}

/* What can be said before the body. */
static void judge(gt_admission *admission, request *r, const gt_http_head *head, const gt_framing *framing)
{
    const char *timeout = MHD_lookup_connection_value(head->connection, MHD_GET_ARGUMENT_KIND, "timeout");
    bool known_time = gt_budget_parse(timeout, &r->budget_us);
    if (!admit(admission, r, head->connection))
        return;
    if (!find_route(r, head->path)) {
        set_error(r, 404, "there is nothing here; reviews go to /mutate, those of templates to /validate");
    } else if (strcmp(head->method, MHD_HTTP_METHOD_POST) != 0) {
        r->allow = MHD_HTTP_METHOD_POST;
        set_error(r, 405, "reviews are sent with POST");
    } else if (!judge_type(r, head->connection)) {
        return;
    } else if (!known_time) {
        set_error(r, 400, "timeout isn't a duration above 0, such as 3s");
    } else if (framing->length > GT_REVIEW_MAX_BYTES) {
        set_error(r, 413, "a review of more than 8 MiB");
    }
}

static enum MHD_Result first_call(gt_admission *admission, request *r, const gt_http_head *head)
{
    gt_framing framing;
    gt_framing_check(head->connection, head->version, &framing);
    r->begun = true;
    if (framing.problem != NULL) {
        set_error(r, 400, framing.problem);
        r->close = true;
    }
    /* How the library reads chunks (LF alone ends a size or an extension) can't be seen from here: what comes behind them, nobody
     * shall take for a request. An API server sends its reviews with a length. */
    r->close |= framing.encodings > 0;
    judge(admission, r, head, &framing);
    /* Answering now closes the connection. That is right where nobody knows what comes next on it, where the client waits
     * with the body, and where it would be too much to throw away. */
    bool at_once = framing.problem != NULL || (r->status != 0 && (framing.expects || framing.length > THROW_AWAY_MAX));
    if (at_once) {
        gt_peer_enter(r->peer, GT_PHASE_ANSWER, gt_clock_mono_us());
        return refuse(admission, r, head->connection);
    }
    gt_peer_enter(r->peer, GT_PHASE_BODY, gt_clock_mono_us());
    return MHD_YES;
}

static enum MHD_Result take_body(gt_admission *admission, request *r, const char *bytes, size_t n)
{
    if (r->status == 0) {
        gt_body_result result = gt_body_add(&r->body, &admission->bodies, bytes, n);
        if (result == GT_BODY_TOO_LARGE)
            set_error(r, 413, "a review of more than 8 MiB");
        else if (result == GT_BODY_NO_ROOM)
            set_busy(r);
    }
    if (r->status == 0)
        return MHD_YES;
    r->thrown_away += n;
    return r->thrown_away > THROW_AWAY_MAX ? MHD_NO : MHD_YES;
}

static void *begin(void *context, gt_peer *peer)
{
    (void)context;
    request *r = calloc(1, sizeof *r);
    if (r != NULL)
        *r = (request){.peer = peer, .started_us = gt_clock_mono_us()};
    return r;
}

static void end(void *context, void *r)
{
    gt_admission *admission = context;
    gt_body_free(&((request *)r)->body, &admission->bodies);
    gt_body_uncharge(&admission->bodies, ((request *)r)->answer_charged);
    free(r);
}

static enum MHD_Result handle(void *context, void *own, const gt_http_head *head, const char *body, size_t *body_size)
{
    gt_admission *admission = context;
    request *r = own;
    if (!r->begun)
        return first_call(admission, r, head);
    if (*body_size > 0) {
        enum MHD_Result result = take_body(admission, r, body, *body_size);
        *body_size = 0;
        return result;
    }
    gt_peer_enter(r->peer, GT_PHASE_ANSWER, gt_clock_mono_us());
    return r->status != 0 ? refuse(admission, r, head->connection) : review(admission, r, head->connection);
}

gt_http_service gt_admission_service(gt_admission *admission)
{
    return (gt_http_service){.context = admission, .begin = begin, .handle = handle, .end = end};
}
