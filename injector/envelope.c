/* Every answer is one of: an HTTP error (a v1 Status), a denial, an allowing answer with or without more in it. */
#include "injector/envelope.h"

#include "injector/identity.h"
#include "lib/base/show.h"

enum { MOST_WARNINGS = 20, WARNING_LENGTH = 120 };

const char *gt_outcome_name(gt_outcome outcome)
{
    static const char *const names[] = {"injected", "unchanged",   "accepted", "ignored",
                                        "denied",   "bad_request", "failed"};
    return names[outcome];
}

static const char *reason_of(int code)
{
    static const struct {
        int code;
        const char *reason;
    } reasons[] = {{400, "BadRequest"},
                   {401, "Unauthorized"},
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

bool gt_envelope_fail(gt_envelope *r, int code, gt_outcome outcome, const char *message)
{
    r->reply->status = code;
    r->reply->outcome = outcome;
    r->reply->reason = gt_str_of(message);
    r->reply->body = gt_status_body(r->arena, code, message);
    return true;
}

bool gt_envelope_bad_request(gt_envelope *r, const char *message)
{
    return gt_envelope_fail(r, 400, GT_OUTCOME_BAD_REQUEST, message);
}

/* ---- writing an answer ---- */

static void open_answer(gt_buf *out, const gt_envelope *r, bool allowed)
{
    gt_buf_init(out, r->arena, 8192);
    gt_buf_text(out, "{\"kind\":\"AdmissionReview\",\"apiVersion\":\"admission.k8s.io/v1\",\"response\":{\"uid\":");
    gt_json_string(out, gt_view_str(r->uid));
    gt_buf_text(out, allowed ? ",\"allowed\":true" : ",\"allowed\":false");
}

bool gt_envelope_close(gt_envelope *r, gt_buf *out, gt_outcome outcome)
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
void gt_envelope_warn(gt_envelope *r, gt_buf *out, const gt_record *record)
{
    r->reply->warnings = record->warning_count;
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

/* kubectl begins with it: The Pod "NAME" is invalid. Empty: it gets one later, or says one that nothing can have. */
static gt_str name_of(gt_view request)
{
    enum { LONGEST = 253 };
    gt_str asked = gt_view_str(gt_view_get(request, "name"));
    gt_str own = gt_view_str(gt_view_get(gt_view_get(gt_view_get(request, "object"), "metadata"), "name"));
    gt_str name = asked.len > 0 ? asked : own;
    return name.len <= LONGEST ? name : (gt_str){"", 0};
}

static void write_details(gt_buf *out, const gt_envelope *r, const gt_record *record, const char *kind)
{
    size_t n = 0;
    gt_buf_text(out, ",\"details\":{\"name\":");
    gt_json_string(out, name_of(r->request));
    gt_buf_printf(out, ",\"kind\":\"%s\",\"causes\":[", kind);
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

bool gt_envelope_deny(gt_envelope *r, const gt_record *record, const char *kind)
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
    write_details(&out, r, record, kind);
    gt_buf_byte(&out, '}');
    gt_envelope_warn(r, &out, record);
    r->reply->reason = gt_buf_slice(&message);
    r->reply->denied_code = code;
    return gt_envelope_close(r, &out, GT_OUTCOME_DENIED);
}

bool gt_envelope_ignore(gt_envelope *r)
{
    gt_buf out;
    open_answer(&out, r, true);
    return gt_envelope_close(r, &out, GT_OUTCOME_IGNORED);
}

void gt_envelope_open(gt_envelope *r, gt_buf *out)
{
    open_answer(out, r, true);
}

/* ---- reading a request ---- */

bool gt_envelope_is_of_pods(gt_view request)
{
    gt_view resource = gt_view_get(request, "resource"), group = gt_view_get(resource, "group");
    return (!gt_view_exists(group) || gt_view_is(group, "")) && gt_view_is(gt_view_get(resource, "resource"), "pods");
}

static bool says_otherwise(gt_view object, const char *member, const char *right)
{
    gt_view value = gt_view_get(object, member);
    return gt_view_exists(value) && !gt_view_is(value, right);
}

bool gt_envelope_is_pod(gt_view object)
{
    return gt_view_type_of(object) == GT_VIEW_OBJECT && !says_otherwise(object, "kind", "Pod") &&
           !says_otherwise(object, "apiVersion", "v1");
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

static gt_str cut(gt_view text)
{
    enum { LONGEST = 253 };
    gt_str s = gt_view_str(text);
    return (gt_str){s.at, s.len > LONGEST ? LONGEST : s.len};
}

/* Of an object that is deleted only the old one is there. */
static void learn(gt_about *about, gt_view request)
{
    gt_view object = gt_view_get(request, "object");
    if (gt_view_type_of(object) != GT_VIEW_OBJECT)
        object = gt_view_get(request, "oldObject");
    gt_view metadata = gt_view_get(object, "metadata"), labels = gt_view_get(metadata, "labels");
    about->operation = cut(gt_view_get(request, "operation"));
    about->ns = cut(gt_view_get(request, "namespace"));
    about->user = cut(gt_view_get(gt_view_get(request, "userInfo"), "username"));
    about->dry_run = gt_view_true(gt_view_get(request, "dryRun"));
    about->name = cut(gt_view_get(request, "name"));
    if (about->name.len == 0)
        about->name = cut(gt_view_get(metadata, "name"));
    about->generated = about->name.len == 0;
    if (about->generated)
        about->name = cut(gt_view_get(metadata, "generateName"));
    about->agent = cut(gt_view_get(labels, GT_LABEL_AGENT));
    if (about->agent.len == 0)
        return;
    about->rig = cut(gt_view_get(labels, GT_LABEL_RIG));
    about->role = cut(gt_view_get(labels, GT_LABEL_ROLE));
}

static bool answer(void *context, gt_err *err)
{
    gt_envelope *r = context;
    gt_view review;
    if (!gt_view_parse(r->arena, r->body, 0, &review, err)) {
        gt_wrap(err, "the body is no AdmissionReview");
        return gt_envelope_bad_request(r, gt_arena_strdup(r->arena, err->text));
    }
    if (gt_view_type_of(review) != GT_VIEW_OBJECT || !gt_view_is(gt_view_get(review, "kind"), "AdmissionReview") ||
        !gt_view_is(gt_view_get(review, "apiVersion"), "admission.k8s.io/v1"))
        return gt_envelope_bad_request(r, "the body must be an AdmissionReview of admission.k8s.io/v1");
    r->request = gt_view_get(review, "request");
    if (gt_view_type_of(r->request) != GT_VIEW_OBJECT)
        return gt_envelope_bad_request(r, "request: must be an object");
    r->uid = gt_view_get(r->request, "uid");
    if (gt_view_type_of(r->uid) != GT_VIEW_STRING || gt_view_str(r->uid).len == 0)
        return gt_envelope_bad_request(r, "request.uid: must be a string that isn't empty");
    r->reply->uid = loggable(r->arena, r->uid);
    learn(&r->reply->about, r->request);
    r->ns = gt_view_str(gt_view_get(r->request, "namespace"));
    return r->answer(r);
}

void gt_envelope_run(gt_arena *arena, const gt_snapshot *snapshot, gt_str body, gt_envelope_answer *answer_request,
                     gt_reply *reply)
{
    static const char no_memory[] = "{\"kind\":\"Status\",\"apiVersion\":\"v1\",\"metadata\":{},\"status\":\"Failure\","
                                    "\"message\":\"out of memory\",\"reason\":\"InternalError\",\"code\":500}";
    gt_envelope r = {.arena = arena, .snapshot = snapshot, .body = body, .reply = reply, .answer = answer_request};
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
