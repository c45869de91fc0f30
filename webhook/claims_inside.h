/* What is known of claims and what a claim's making is, for the two files that keep it: claims_known.c has the table, claims.c the passes and
 * calls. Nobody else includes this. */
#ifndef GT_WEBHOOK_CLAIMS_INSIDE_H
#define GT_WEBHOOK_CLAIMS_INSIDE_H

#include "lib/kube/backoff.h"
#include "webhook/claims.h"
#include "webhook/errand.h"

/* What of a claim is not as the templates say. */
typedef enum gt_claim_part { GT_CLAIM_SIZE, GT_CLAIM_CLASS, GT_CLAIM_PARTS } gt_claim_part;

typedef struct gt_known_claim {
    gt_row row; /* "ns/name" */
    bool there, bound, leaving;
    char *size, *class_name; /* while it's there; class_name "" when it has none */
    /* our doing */
    bool busy;             /* a call is under way */
    int64_t not_before_us; /* by back-off */
    gt_kube_backoff backoff;
    uint64_t told;                                          /* of the last failure */
    uint64_t pass;                                          /* the last one in which a pod wanted it */
    char *mismatch[GT_CLAIM_PARTS], *owner[GT_CLAIM_PARTS]; /* NULL: none */
} gt_known_claim;

struct gt_pvcs {
    gt_table table;
    gt_flight flight;
    gt_arena *arena;
    const char *instance;
    uint64_t seed;
    int64_t now_us, wall_ms; /* of the last run, for what ends between two */
    gt_pvc_counts counts;
    uint64_t version;
    /* passes */
    uint64_t pass, generation, pods_version;
    size_t cursor; /* while walking: the next pod */
    bool walking;
    bool stirred;                      /* something has changed since the pass began */
    int64_t began_us, took_us, due_us; /* the last pass; the earliest back-off */
};

/* The claim of that key, made where there's none; NULL: no memory. */
gt_known_claim *gt_claim_entry(gt_pvcs *claims, const char *key);

/* Takes out of the table first. */
void gt_claim_drop(gt_pvcs *claims, gt_known_claim *claim);

static inline const char *gt_claim_name(const gt_known_claim *claim)
{
    return strchr(claim->row.key, '/') + 1;
}

/* A mismatch, told by `owner`; message NULL: there's none. Both are copied. Logged when it's another one. */
void gt_claim_differs(gt_pvcs *claims, gt_known_claim *claim, gt_claim_part part, const char *owner,
                      const char *message);

#endif
