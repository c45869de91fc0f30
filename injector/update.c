#include "injector/update.h"

#include "injector/identity.h"
#include "injector/inject.h"

static bool is_of_spec(gt_view sub)
{
    static const char *const names[] = {"", "ephemeralcontainers", "resize"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (gt_view_is(sub, names[i]))
            return true;
    return !gt_view_exists(sub);
}

bool gt_update_is_asked(gt_view request)
{
    return gt_envelope_is_of_pods(request) && gt_view_is(gt_view_get(request, "operation"), "UPDATE") &&
           is_of_spec(gt_view_get(request, "subResource"));
}

static bool answer_changes(gt_envelope *r, gt_view pod, gt_view old)
{
    gt_record record;
    gt_buf out;
    gt_str message = {"", 0};
    size_t changes;
    const gt_subject subject = {.pod = pod, .ns = r->ns};
    gt_record_init(&record, r->arena);
    if (gt_inject_update(&record, r->snapshot, &subject, old, &changes, &message) == GT_LOOKUP_BROKEN)
        return gt_envelope_fail(r, 503, GT_OUTCOME_FAILED, message.at);
    if (changes == 0)
        return gt_envelope_ignore(r);
    if (record.cause_count > 0)
        return gt_envelope_deny(r, &record, "Pod");
    gt_envelope_open(r, &out);
    gt_envelope_warn(r, &out, &record);
    return gt_envelope_close(r, &out, GT_OUTCOME_ACCEPTED);
}

bool gt_update_answer(gt_envelope *r)
{
    static const char *const members[] = {"object", "oldObject"};
    gt_view pods[2];
    for (int i = 0; i < 2; i++) {
        pods[i] = gt_view_get(r->request, members[i]);
        if (!gt_envelope_is_pod(pods[i]))
            return gt_envelope_bad_request(
                r,
                gt_arena_printf(r->arena, "request.%s: the update is of a pod, so it must be a Pod of v1", members[i]));
    }
    if (gt_view_type_of(gt_view_get(r->request, "namespace")) != GT_VIEW_STRING)
        return gt_envelope_bad_request(r, "request.namespace: must be a string");
    bool ours = gt_identity_is_ours(pods[0]) || gt_identity_is_ours(pods[1]);
    return ours && !gt_identity_is_mirror(pods[1]) ? answer_changes(r, pods[0], pods[1]) : gt_envelope_ignore(r);
}
