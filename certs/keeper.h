/* Self-managed certificates: who leads keeps the Secret, the bundle on our entries and the leaf as they should be; who doesn't, follows.
 *
 * The Secret (secret.h) holds it all: the leaf, the bundle that has to be trusted now, and the authorities with their keys. What to do next is decided by rotation.h, a function of the Secret, what was observed
 * and the wall clock; the keeper does it, one write at a time, each with the resourceVersion that was read: of two that try one gets a
 * conflict and looks again. Killed at any point, the next one goes on from what is written.
 *
 * An authority changes with overlap: old and new published together, both seen on every entry for `settle_ms`, then the leaf is switched,
 * then, after `overlap_ms`, the old one is dropped. One thread. */
#ifndef GT_CERTS_KEEPER_H
#define GT_CERTS_KEEPER_H

#include "certs/observed.h"

typedef struct gt_keeper gt_keeper;

typedef struct gt_keeper_config {
    gt_kube_client *client;
    gt_observed *observed; /* run by its owner, before the keeper */
    const char *ns, *secret;
    const char *const *dns_names;     /* of the leaf, NULL-terminated: "gastown-webhook.gastown-system.svc", ... */
    const char *registration;         /* name of the two configurations */
    int64_t ca_life_ms, leaf_life_ms; /* 0: ten years, 90 days */
    int64_t settle_ms, overlap_ms;    /* 0: 60 s, one hour */
    bool
        trust_clock; /* a person stands by it: what the wall clock makes due needn't wait until it has proved itself (rotation.h) */
    uint64_t seed;
} gt_keeper_config; /* strings must outlive the keeper */

typedef struct gt_keeper_state {
    bool known;        /* the Secret was listed */
    gt_str chain, key; /* the leaf as the Secret has it, PEM; empty: there's none. Live until the next run or drive */
    gt_str bundle;     /* what has to be trusted now */
    uint64_t changes;  /* grows whenever chain, key or bundle changed */
    bool idle;         /* nothing is to be written now, or on its way */
    bool stuck;        /* and that's since `problem` is in the way, which people have to solve */
    bool prepared;     /* another authority waits for its turn */
    bool overlapping;  /* more is trusted than the authority that signs */
    bool asked;        /* a renewal that somebody asked for hasn't begun */
    int64_t ca_not_before, ca_not_after;               /* of the authority that signs, seconds since 1970; 0: none */
    uint64_t issued, published, authorities, failures; /* by this process */
    const char *doing;   /* what is due or waited for, one line: "the leaf is renewed on 2027-01-02"; "" */
    const char *problem; /* what is in the way, one line; "" */
} gt_keeper_state;

gt_keeper *gt_keeper_new(const gt_keeper_config *config); /* NULL: no memory */
void gt_keeper_free(gt_keeper *keeper);                   /* NULL is fine */

/* Does what is due; writes only while `leading`. When it wants to be run again, as gt_informer_run. */
int64_t gt_keeper_run(gt_keeper *keeper, int64_t now_us, int64_t wall_ms, bool leading);
gt_keeper_state gt_keeper_now(const gt_keeper *keeper);

/* Has a new leaf ("leaf") or a new authority ("ca") made by this keeper, whatever annotations say; done when `issued` or `authorities` grew. Kept in
 * memory alone, and forgotten with the keeper. */
void gt_keeper_ask(gt_keeper *keeper, const char *what);

#endif
