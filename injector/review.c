/* From a pod's AdmissionReview to the answer. What is denied, warned of and patched comes from the record; here it is only put into the
 * form that the API server wants. */
#include "injector/review.h"

#include "injector/envelope.h"
#include "injector/identity.h"
#include "injector/inject.h"
#include "lib/base/hash.h"

/* ---- answers ---- */

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

static bool allow(gt_envelope *r, const gt_record *record, const gt_injection *injection)
{
    gt_buf out;
    gt_envelope_open(r, &out);
    write_patch(&out, record, r->reply);
    gt_envelope_warn(r, &out, record);
    gt_buf_text(&out, ",\"auditAnnotations\":{\"template-hash\":\"");
    gt_buf_text(&out, injection->hash);
    gt_buf_text(&out, "\",\"layers\":");
    gt_json_string(&out, injection->layers);
    gt_buf_byte(&out, '}');
    return gt_envelope_close(r, &out, r->reply->operations > 0 ? GT_OUTCOME_INJECTED : GT_OUTCOME_UNCHANGED);
}

/* ---- reading a request ---- */

static bool is_pod_create(gt_view req)
{
    gt_view sub = gt_view_get(req, "subResource");
    return gt_envelope_is_of_pods(req) && (!gt_view_exists(sub) || gt_view_is(sub, "")) &&
           gt_view_is(gt_view_get(req, "operation"), "CREATE");
}

static bool is_from_node(gt_view req)
{
    GT_VIEW_EACH (group, gt_view_get(gt_view_get(req, "userInfo"), "groups"))
        if (gt_view_is(group, GT_NODES_GROUP))
            return true;
    return false;
}

/* A node reports a static pod as its mirror; anybody else with that annotation would be on a way round us. */
static bool answer_mirror(gt_envelope *r)
{
    gt_record record;
    gt_pointer metadata = gt_member(NULL, "metadata"), list = gt_member(&metadata, "annotations"),
               at = gt_member(&list, GT_ANNOTATION_MIRROR);
    if (is_from_node(r->request))
        return gt_envelope_ignore(r);
    gt_record_init(&record, r->arena);
    gt_record_deny(&record, 403, &at, "only a node may create the mirror of a static pod");
    return gt_envelope_deny(r, &record, "Pod");
}

static bool answer_pod(gt_envelope *r, gt_view pod)
{
    if (!gt_envelope_is_pod(pod))
        return gt_envelope_bad_request(r, "request.object: the request is for pods, so it must be a Pod of v1");
    if (gt_identity_is_mirror(pod))
        return answer_mirror(r);
    if (r->snapshot == NULL)
        return gt_envelope_fail(r, 503, GT_OUTCOME_FAILED, "no templates are loaded yet");
    gt_record record;
    gt_injection injection;
    gt_str message = {"", 0};
    gt_view user = gt_view_get(r->request, "userInfo");
    gt_subject subject = {.pod = pod, .ns = r->ns, .user = &user};
    gt_record_init(&record, r->arena);
    record.terse = true;
    if (gt_inject(&record, r->snapshot, &subject, &injection, &message) == GT_LOOKUP_BROKEN)
        return gt_envelope_fail(r, 503, GT_OUTCOME_FAILED, message.at);
    return record.cause_count > 0 ? gt_envelope_deny(r, &record, "Pod") : allow(r, &record, &injection);
}

bool gt_review_answer(gt_envelope *r)
{
    gt_view pod = gt_view_get(r->request, "object");
    if (!is_pod_create(r->request))
        return gt_envelope_ignore(r);
    if (gt_view_type_of(gt_view_get(r->request, "namespace")) != GT_VIEW_STRING)
        return gt_envelope_bad_request(r, "request.namespace: must be a string");
    if (gt_view_type_of(pod) != GT_VIEW_OBJECT)
        return gt_envelope_bad_request(r, "request.object: must be an object");
    return gt_identity_is_ours(pod) ? answer_pod(r, pod) : gt_envelope_ignore(r);
}

void gt_review(gt_arena *arena, const gt_snapshot *snapshot, gt_str body, gt_reply *reply)
{
    gt_envelope_run(arena, snapshot, body, gt_review_answer, reply);
}
