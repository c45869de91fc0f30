/* The envelope of an admission review (k8s.io/api/admission/v1): what reviews of pods (review.c) and of templates (validate.c) share. Reads
 * the request out of it and writes the answer into it. Everything lives in the arena. */
#ifndef GT_INJECTOR_ENVELOPE_H
#define GT_INJECTOR_ENVELOPE_H

#include "injector/record.h"
#include "injector/review.h"

typedef struct gt_envelope gt_envelope;

/* Answers one request; returns what one of the functions below returned. */
typedef bool gt_envelope_answer(gt_envelope *envelope);

struct gt_envelope {
    gt_arena *arena;
    const gt_snapshot *snapshot;
    gt_str body;
    gt_reply *reply;
    gt_envelope_answer *answer;
    gt_view request, uid;
    gt_str ns; /* request.namespace; empty when there's none */
};

/* Reads the envelope and has the request answered. Never fails: *reply is an answer whatever comes in. */
void gt_envelope_run(gt_arena *arena, const gt_snapshot *snapshot, gt_str body, gt_envelope_answer *answer,
                     gt_reply *reply);

/* An HTTP error with a v1 Status. */
bool gt_envelope_fail(gt_envelope *envelope, int code, gt_outcome outcome, const char *message);
bool gt_envelope_bad_request(gt_envelope *envelope, const char *message);

/* Allowed without a word: none of ours. */
bool gt_envelope_ignore(gt_envelope *envelope);

/* Denied for the causes in the record, with its warnings: 403 if any of them is, else 422. kind: "Pod". */
bool gt_envelope_deny(gt_envelope *envelope, const gt_record *record, const char *kind);

/* An allowing answer: what is written between the first and the last is the answer's own. */
void gt_envelope_open(gt_envelope *envelope, gt_buf *out);
void gt_envelope_warn(gt_envelope *envelope, gt_buf *out, const gt_record *record); /* at most 20, of 120 characters */
bool gt_envelope_close(gt_envelope *envelope, gt_buf *out, gt_outcome outcome);

/* Whether a request is for pods, of whatever subresource and operation; whether an object of it may be one: it doesn't say otherwise. */
bool gt_envelope_is_of_pods(gt_view request);
bool gt_envelope_is_pod(gt_view object);

/* The two of them; for gt_review_any. */
gt_envelope_answer gt_review_answer, gt_validate_answer;

#endif
