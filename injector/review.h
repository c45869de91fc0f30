/* Admission reviews: bytes in, bytes out. The webhook, `gastown-inject review`, the fuzzers and the benchmarks call this.
 *
 * Never fails: whatever comes in, *reply is an answer. No I/O, no clock, no lock; everything lives in the arena. */
#ifndef GT_INJECTOR_REVIEW_H
#define GT_INJECTOR_REVIEW_H

#include "injector/snapshot.h"

enum { GT_REVIEW_MAX_BYTES = 8 * 1024 * 1024 };

/* A static pod's mirror carries the annotation, and is let pass when a member of the group creates it: nodes report what they run already.
 * From anybody else it's denied. The registration keeps mirrors from coming here by the same two. */
#define GT_NODES_GROUP "system:nodes"

typedef enum gt_outcome {
    GT_OUTCOME_INJECTED,    /* allowed, with a patch */
    GT_OUTCOME_UNCHANGED,   /* ours, nothing to do */
    GT_OUTCOME_ACCEPTED,    /* a template, allowed, perhaps with warnings (validate.h) */
    GT_OUTCOME_IGNORED,     /* none of ours: another kind, operation or pod */
    GT_OUTCOME_DENIED,      /* allowed: false, 403 or 422 */
    GT_OUTCOME_BAD_REQUEST, /* HTTP 400 or 413 */
    GT_OUTCOME_FAILED,      /* HTTP 500 or 503: ours, the failure policy decides */
} gt_outcome;
const char *gt_outcome_name(gt_outcome outcome); /* "injected", "unchanged", ... */

/* What a request is about, for logs alone: a client's bytes, each at most 253 of them, cut anywhere; empty where it doesn't say. */
typedef struct gt_about {
    gt_str operation, ns, name, user;
    gt_str rig, role, agent; /* labels of an object that carries ours */
    bool generated;          /* name is what one will be made from */
    bool dry_run;
} gt_about;

typedef struct gt_reply {
    int status;  /* HTTP: 200, 400, 413, 500, 503 */
    gt_str body; /* JSON without a newline: an AdmissionReview, or a v1 Status when status isn't 200 */
    gt_outcome outcome;
    gt_str uid;    /* of the request, for logs; empty when there's none. Client's bytes: at most 64, printable ASCII */
    gt_str reason; /* one line for the log when denied, bad or failed; else empty */
    int denied_code; /* 403 or 422 when denied, else 0 */
    size_t warnings, patch_bytes, operations;
    gt_about about;
} gt_reply;

/* snapshot NULL: no catalogue yet (503). body: at most GT_REVIEW_MAX_BYTES, else 413. */
void gt_review(gt_arena *arena, const gt_snapshot *snapshot, gt_str body, gt_reply *reply);

/* A v1 Status as a server's error answer: {"kind":"Status",...,"code":400,"message":...}. */
gt_str gt_status_body(gt_arena *arena, int code, const char *message);

#endif
