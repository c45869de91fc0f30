/* From an AdmissionReview's bytes to the answer's bytes. What is denied, warned of and patched comes from the record; here it is only
 * put into the form that the API server wants (k8s.io/api/admission/v1). */
#include "injector/review.h"

#include "injector/identity.h"
#include "injector/inject.h"
#include "lib/base/hash.h"
#include "lib/base/show.h"

enum { MOST_WARNINGS = 20, WARNING_LENGTH = 120 };

const char *gt_outcome_name(gt_outcome outcome)
{
    static const char *const names[] = {"injected", "unchanged", "ignored", "denied", "bad_request", "failed"};
    return names[outcome];
}

static const char *reason_of(int code)
{
    static const struct {
        int code;
        const char *reason;
    } reasons[] = {{400, "BadRequest"},
                   {403, "Forbidden"},
                   {404, "NotFound"},
                   {405, "MethodNotAllowed"},
                   {413, "RequestEntityTooLarge"},
                   {415, "UnsupportedMediaType"},
                   {422, "Invalid"},
                   {503, "ServiceUnavailable"}};
    for (size_t i = 0; i < sizeof reasons / sizeof *reasons; i++)
        if (reasons[i].code == code)
            return reasons[i].reason;
    return "InternalError";
}

gt_str gt_status_body(gt_arena *arena, int code, const char *message)
{
    gt_buf body;
    gt_buf_init(&body, arena, 256);
    gt_buf_text(&body,
                "{\"kind\":\"Status\",\"apiVersion\":\"v1\",\"metadata\":{},\"status\":\"Failure\",\"message\":");
    gt_json_string(&body, gt_str_of(message));
    gt_buf_printf(&body, ",\"reason\":\"%s\",\"code\":%d}", reason_of(code), code);
    return gt_buf_slice(&body);
}

typedef struct request {
    gt_arena *arena;
    const gt_snapshot *snapshot;
    gt_str body;
    gt_reply *reply;
    gt_view uid;
} request;

static bool fail(request *r, int code, gt_outcome outcome, const char *message)
{
    r->reply->status = code;
    r->reply->outcome = outcome;
    r->reply->reason = gt_str_of(message);
    r->reply->body = gt_status_body(r->arena, code, message);
    return true;
}

static bool bad_request(request *r, const char *message)
{
    return fail(r, 400, GT_OUTCOME_BAD_REQUEST, message);
}

/* ---- writing an answer ---- */

static void open_answer(gt_buf *out, const request *r, bool allowed)
{
    gt_buf_init(out, r->arena, 8192);
    gt_buf_text(out, "{\"kind\":\"AdmissionReview\",\"apiVersion\":\"admission.k8s.io/v1\",\"response\":{\"uid\":");
    gt_json_string(out, gt_view_str(r->uid));
    gt_buf_printf(out, ",\"allowed\":%s", allowed ? "true" : "false");
}

static bool close_answer(gt_buf *out, request *r, gt_outcome outcome)
{
    gt_buf_text(out, "}}");
    r->reply->status = 200;
    r->reply->outcome = outcome;
    r->reply->body = gt_buf_slice(out);
    return true;
}

/* "field: message"; where that is too long, something of the message's middle goes. */
static void write_warning(gt_buf *out, const gt_note *note)
{
    gt_buf text;
    gt_buf_init(&text, out->arena, WARNING_LENGTH);
    if (note->field.len > 0)
        gt_buf_printf(&text, "%.*s: ", GT_STR_ARG(note->field));
    size_t field = gt_show_length(gt_buf_slice(&text));
    gt_buf_str(&text, note->message);
    gt_show_cut(&text, 0, field, WARNING_LENGTH);
    gt_json_string(out, gt_buf_slice(&text));
}

/* Replaced fields first: they are what a user didn't get. */
static void write_warnings(gt_buf *out, const gt_record *record)
{
    size_t written = 0, most = record->warning_count > MOST_WARNINGS ? MOST_WARNINGS - 1 : MOST_WARNINGS;
    if (record->warning_count == 0)
        return;
    gt_buf_text(out, ",\"warnings\":[");
    for (int replaced = 1; replaced >= 0; replaced--)
        for (const gt_note *note = record->warnings; note != NULL && written < most; note = note->next)
            if (note->replaced == (replaced == 1)) {
                gt_buf_text(out, written++ == 0 ? "" : ",");
                write_warning(out, note);
            }
    if (record->warning_count > MOST_WARNINGS)
        gt_buf_printf(out, ",\"and %zu more warnings\"", record->warning_count - written);
    gt_buf_byte(out, ']');
}

static void write_patch(gt_buf *out, const gt_record *record, gt_reply *reply)
{
    gt_patch patch;
    gt_record_patch(record, &patch);
    gt_str json = gt_patch_json(&patch);
    reply->operations = patch.count;
    if (patch.count == 0)
        return;
    reply->patch_bytes = json.len;
    gt_buf_text(out, ",\"patchType\":\"JSONPatch\",\"patch\":\"");
    gt_base64(out, json);
    gt_buf_byte(out, '"');
}

static bool answer_allowed(request *r, const gt_record *record, const gt_injection *injection)
{
    gt_buf out;
    open_answer(&out, r, true);
    write_patch(&out, record, r->reply);
    write_warnings(&out, record);
    gt_buf_printf(&out, ",\"auditAnnotations\":{\"template-hash\":\"%s\",\"layers\":", injection->hash);
    gt_json_string(&out, injection->layers);
    gt_buf_byte(&out, '}');
    r->reply->warnings = record->warning_count;
    return close_answer(&out, r, r->reply->operations > 0 ? GT_OUTCOME_INJECTED : GT_OUTCOME_UNCHANGED);
}

static void write_causes(gt_buf *out, const gt_record *record)
{
    size_t n = 0;
    gt_buf_text(out, ",\"details\":{\"kind\":\"pods\",\"causes\":[");
    for (const gt_note *cause = record->causes; cause != NULL; cause = cause->next) {
        gt_buf_printf(out, "%s{\"reason\":\"%s\",\"message\":", n++ == 0 ? "" : ",",
                      cause->code == 403 ? "FieldValueForbidden" : "FieldValueInvalid");
        gt_json_string(out, cause->message);
        gt_buf_text(out, ",\"field\":");
        gt_json_string(out, cause->field);
        gt_buf_byte(out, '}');
    }
    gt_buf_text(out, "]}");
}

static bool answer_denied(request *r, const gt_record *record)
{
    gt_buf out, message;
    size_t n = 0;
    int code = 422;
    gt_buf_init(&message, r->arena, 256);
    for (const gt_note *cause = record->causes; cause != NULL; cause = cause->next) {
        code = cause->code == 403 ? 403 : code;
        gt_buf_printf(&message, "%s%.*s: %.*s", n++ == 0 ? "" : "; ", GT_STR_ARG(cause->field),
                      GT_STR_ARG(cause->message));
    }
    if (record->cause_count > n)
        gt_buf_printf(&message, "; and %zu more", record->cause_count - n);
    open_answer(&out, r, false);
    gt_buf_printf(&out, ",\"status\":{\"status\":\"Failure\",\"code\":%d,\"reason\":\"%s\",\"message\":", code,
                  reason_of(code));
    gt_json_string(&out, gt_buf_slice(&message));
    write_causes(&out, record);
    gt_buf_byte(&out, '}');
    write_warnings(&out, record);
    r->reply->reason = gt_buf_slice(&message);
    r->reply->denied_code = code;
    r->reply->warnings = record->warning_count;
    return close_answer(&out, r, GT_OUTCOME_DENIED);
}

static bool answer_ignored(request *r)
{
    gt_buf out;
    open_answer(&out, r, true);
    return close_answer(&out, r, GT_OUTCOME_IGNORED);
}

/* ---- reading a request ---- */

static bool is_pod_create(gt_view req)
{
    gt_view resource = gt_view_get(req, "resource");
    gt_view sub = gt_view_get(req, "subResource");
    bool group = !gt_view_exists(gt_view_get(resource, "group")) || gt_view_is(gt_view_get(resource, "group"), "");
    return group && gt_view_is(gt_view_get(resource, "resource"), "pods") &&
           (!gt_view_exists(sub) || gt_view_is(sub, "")) && gt_view_is(gt_view_get(req, "operation"), "CREATE");
}

static bool is_from_node(gt_view req)
{
    GT_VIEW_EACH (group, gt_view_get(gt_view_get(req, "userInfo"), "groups"))
        if (gt_view_is(group, "system:nodes"))
            return true;
    return false;
}

/* A node reports a static pod as its mirror; anybody else with that annotation would be on a way round us. */
static bool answer_mirror(request *r, gt_view req)
{
    gt_record record;
    gt_pointer metadata = gt_member(NULL, "metadata"), list = gt_member(&metadata, "annotations"),
               at = gt_member(&list, "kubernetes.io/config.mirror");
    if (is_from_node(req))
        return answer_ignored(r);
    gt_record_init(&record, r->arena);
    gt_record_deny(&record, 403, &at, "only a node may create the mirror of a static pod");
    return answer_denied(r, &record);
}

static bool says_otherwise(gt_view object, const char *member, const char *right)
{
    gt_view value = gt_view_get(object, member);
    return gt_view_exists(value) && !gt_view_is(value, right);
}

static bool answer_pod(request *r, gt_view req, gt_view pod)
{
    gt_view annotations = gt_view_get(gt_view_get(pod, "metadata"), "annotations");
    if (says_otherwise(pod, "kind", "Pod") || says_otherwise(pod, "apiVersion", "v1"))
        return bad_request(r, "request.object: the request is for pods, so it must be a Pod of v1");
    if (gt_view_exists(gt_view_get(annotations, "kubernetes.io/config.mirror")))
        return answer_mirror(r, req);
    if (r->snapshot == NULL)
        return fail(r, 503, GT_OUTCOME_FAILED, "no templates are loaded yet");
    gt_record record;
    gt_injection injection;
    gt_str message = {"", 0};
    gt_view user = gt_view_get(req, "userInfo");
    gt_subject subject = {.pod = pod, .ns = gt_view_str(gt_view_get(req, "namespace")), .user = &user};
    gt_record_init(&record, r->arena);
    if (gt_inject(&record, r->snapshot, &subject, &injection, &message) == GT_LOOKUP_BROKEN)
        return fail(r, 503, GT_OUTCOME_FAILED, message.at);
    return record.cause_count > 0 ? answer_denied(r, &record) : answer_allowed(r, &record, &injection);
}

static gt_str loggable(gt_arena *arena, gt_view uid)
{
    gt_str text = gt_view_str(uid);
    char *copy = gt_arena_dup(arena, text.at, text.len > 64 ? 64 : text.len);
    for (char *p = copy; *p != '\0'; p++)
        if (*p <= ' ' || *p > '~')
            *p = '?';
    return gt_str_of(copy);
}

static bool answer(void *context, gt_err *err)
{
    request *r = context;
    gt_view review;
    if (!gt_view_parse(r->arena, r->body, 0, &review, err)) {
        gt_wrap(err, "the body is no AdmissionReview");
        return bad_request(r, gt_arena_strdup(r->arena, err->text));
    }
    if (gt_view_type_of(review) != GT_VIEW_OBJECT || !gt_view_is(gt_view_get(review, "kind"), "AdmissionReview") ||
        !gt_view_is(gt_view_get(review, "apiVersion"), "admission.k8s.io/v1"))
        return bad_request(r, "the body must be an AdmissionReview of admission.k8s.io/v1");
    gt_view req = gt_view_get(review, "request"), pod = gt_view_get(req, "object");
    if (gt_view_type_of(req) != GT_VIEW_OBJECT)
        return bad_request(r, "request: must be an object");
    r->uid = gt_view_get(req, "uid");
    if (gt_view_type_of(r->uid) != GT_VIEW_STRING || gt_view_str(r->uid).len == 0)
        return bad_request(r, "request.uid: must be a string that isn't empty");
    r->reply->uid = loggable(r->arena, r->uid);
    if (gt_view_type_of(gt_view_get(req, "namespace")) != GT_VIEW_STRING && is_pod_create(req))
        return bad_request(r, "request.namespace: must be a string");
    if (!is_pod_create(req))
        return answer_ignored(r);
    if (gt_view_type_of(pod) != GT_VIEW_OBJECT)
        return bad_request(r, "request.object: must be an object");
    return gt_identity_is_ours(pod) ? answer_pod(r, req, pod) : answer_ignored(r);
}

void gt_review(gt_arena *arena, const gt_snapshot *snapshot, gt_str body, gt_reply *reply)
{
    static const char no_memory[] = "{\"kind\":\"Status\",\"apiVersion\":\"v1\",\"metadata\":{},\"status\":\"Failure\","
                                    "\"message\":\"out of memory\",\"reason\":\"InternalError\",\"code\":500}";
    request r = {.arena = arena, .snapshot = snapshot, .body = body, .reply = reply};
    gt_err err;
    *reply = (gt_reply){.status = 500, .outcome = GT_OUTCOME_FAILED, .body = GT_STR(no_memory)};
    if (body.len > GT_REVIEW_MAX_BYTES) {
        static const char too_large[] =
            "{\"kind\":\"Status\",\"apiVersion\":\"v1\",\"metadata\":{},\"status\":\"Failure\","
            "\"message\":\"a review may have at most 8 MiB\",\"reason\":\"RequestEntityTooLarge\",\"code\":413}";
        *reply = (gt_reply){.status = 413,
                            .outcome = GT_OUTCOME_BAD_REQUEST,
                            .body = GT_STR(too_large),
                            .reason = GT_STR("body too large")};
        return;
    }
    if (!gt_arena_try(arena, answer, &r, &err))
        *reply = (gt_reply){
            .status = 500, .outcome = GT_OUTCOME_FAILED, .body = GT_STR(no_memory), .reason = GT_STR("out of memory")};
}
