/* Trying templates on built-in pods before anybody's pods depend on them.
 *
 * Each sample pod (sample.h) goes through the engine, and what comes out goes through it once more. Where no template sets an image the
 * sample has one that the town admits, as a creator would give it one: what is then denied is the templates' own doing.
 *
 *   warned   it comes out with a warning: a limit that gave way to another layer's request, or the other way round
 *   denied   the town's own policy, or two templates that don't go together, refuse it: worth a warning. Said where a template's own
 *            value is refused, or where something is set for that very role; not of roles that nobody has thought of
 *   failed   the engine can't answer although all objects that it needs are good, or what comes out isn't right at once: such templates must
 *            not be published
 *
 * Pods that need a broken object are skipped: that is known already. So are those of a namespace without a GasTown. */
#ifndef GT_INJECTOR_TRIAL_H
#define GT_INJECTOR_TRIAL_H

#include "injector/sample.h"

enum {
    GT_TRIAL_MOST_PODS = 20000,
    GT_TRIAL_MOST_NOTES = 100,           /* of each outcome */
    GT_TRIAL_MEMORY = 128 * 1024 * 1024, /* bytes for one pod, as for a review */
};

typedef enum gt_trial_outcome { GT_TRIAL_WARNED, GT_TRIAL_DENIED, GT_TRIAL_FAILED } gt_trial_outcome;
enum { GT_TRIAL_OUTCOMES = 3 };

typedef struct gt_trial_note {
    gt_trial_outcome outcome;
    gt_sample sample;                    /* the first pod of which it is true; texts are the snapshot's */
    size_t pods;                         /* how many */
    int code;                            /* 403 or 422 when denied, else 0 */
    bool conflict;                       /* two objects claim one place, which a finding says, too */
    gt_str field, message;               /* of the pod; field may be empty */
    gt_str from;                         /* whose value it is: "Rig/gastown.podOverrides"; empty: not one layer's */
    uint32_t line, column;               /* of that value in its document; 0: unknown */
    size_t documents[3], document_count; /* the objects concerned, the one that set the value first */
    struct gt_trial_note *next;
} gt_trial_note;

typedef struct gt_trial_report {
    gt_trial_note *notes, *last;
    size_t counts[GT_TRIAL_OUTCOMES]; /* of different notes by outcome: all that there were */
    size_t tried, skipped;            /* pods; skipped: with a broken object, or past the limit */
} gt_trial_report;

typedef struct gt_trial_wanted {
    const bool *changed; /* by document: only pods that one of these has a part in; NULL: all */
    gt_str rig;          /* only this rig's pods; empty: all */
    size_t most;         /* pods; 0: GT_TRIAL_MOST_PODS */
    size_t memory;       /* bytes for one pod; 0: GT_TRIAL_MEMORY */
} gt_trial_wanted;

/* Linear in the pods; memory beside the report is that of the largest pod. wanted NULL: everything. false: GT_ERR_NOMEM, because there's none, or
 * because a pod takes more than it may; it isn't known whether the templates are good, so they must not be published either. */
bool gt_trial(gt_arena *arena, const gt_snapshot *snapshot, const gt_trial_wanted *wanted, gt_trial_report *report,
              gt_err *err);

/* One line: "pods of crew in rig gastown and of 3 more roles are denied: spec.containers[agent].image: ...
 * (spec.policy.imageAllowlist of GasTown/main) (from GasTown/main.defaults)". */
gt_str gt_trial_text(gt_arena *arena, const gt_trial_note *note);

#endif
