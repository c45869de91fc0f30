/* What to do next about our certificates: a function of what the Secret holds, what was observed on the entries, the settings and the clocks. No
 * I/O: `next` decides, `apply` makes the contents that the Secret shall have. Whoever calls writes them, looks again, and so on; killed at any
 * point, the next one goes on from what is written.
 *
 * What it keeps to: at any time every entry's bundle trusts every leaf that a replica may have in memory.
 *   - a leaf is signed only by an authority that all entries had for `settle_ms`, as far as entries are there and can be seen; unless nothing
 *     was ever trusted, or there is no leaf that works and nothing to go by
 *   - who signed the leaf before stays in the bundle for `overlap_ms` after the new leaf is there
 *   - a bundle in which others are trusted already (the Secret was lost, or another program managed it before) is added to, not replaced
 *
 * A wall clock can jump. What it makes due is done only after it has gone along with the monotonic one for a minute (steady_ms); before the
 * beginning of an authority or a leaf nothing is made at all, since that clock is more likely wrong than the one they were made by; and the time of
 * an overlap counts by either clock, but never without having been seen for settle_ms.
 *
 * What is broken in the Secret and can't be made from the rest of it isn't overwritten unless people ask for that ("renew": "ca"). */
#ifndef GT_CERTS_ROTATION_H
#define GT_CERTS_ROTATION_H

#include "certs/observed.h"
#include "certs/secret.h"

typedef enum gt_rotation_act {
    GT_ROTATION_NOTHING,
    GT_ROTATION_CREATE,  /* an authority and a leaf, where nothing was trusted */
    GT_ROTATION_PREPARE, /* the next authority; what is trusted now stays so */
    GT_ROTATION_ADOPT,   /* who signed the leaf becomes `previous`: the authority isn't the one */
    GT_ROTATION_BUNDLE,  /* ca.crt, from its parts */
    GT_ROTATION_PUBLISH, /* the bundle, on our entries */
    GT_ROTATION_LEAF,    /* a new one, by the same authority */
    GT_ROTATION_SWITCH,  /* next becomes the authority, and signs a leaf */
    GT_ROTATION_DROP,    /* previous */
} gt_rotation_act;

typedef struct gt_rotation {
    const gt_secret *secret;
    const gt_observed_state *observed;
    const char *registration; /* for messages */
    const char *const *dns_names;
    int64_t ca_life_s, leaf_life_s, settle_ms, overlap_ms;
    int64_t now_s;     /* wall clock */
    int64_t steady_ms; /* for how long it has gone along with the monotonic clock */
    int64_t
        published_ms;  /* for how long gt_rotation_published has said so of this very bundle, by the monotonic clock */
    bool cant_publish; /* it was tried, and refused */
    int64_t held_ms;   /* for how long the Secret has been seen with this leaf and this `previous` */
} gt_rotation;

typedef struct gt_rotation_step {
    gt_rotation_act act;
    int64_t wait_ms;     /* look again then, even if nothing changes; at most a day */
    const char *doing;   /* what is done or waited for, one line; "" */
    const char *problem; /* what people should know or do, one line; "" */
} gt_rotation_step;

/* Texts are the arena's. */
gt_rotation_step gt_rotation_next(gt_arena *arena, const gt_rotation *now);

/* The Secret's contents after `act` (none for NOTHING and PUBLISH). GT_ERR_INPUT, GT_ERR_ENV: as authority.h. */
bool gt_rotation_apply(gt_arena *arena, const gt_rotation *now, gt_rotation_act act, gt_secret *after, gt_err *err);

/* Have all of our entries that are there the Secret's bundle, and nothing else? Not known: false. */
bool gt_rotation_published(const gt_secret *secret, const gt_observed_state *observed);

/* May somebody else's hand be in it: whose, as a sentence; "" */
const char *gt_rotation_foreign(gt_arena *arena, const gt_observed_state *observed, const char *registration);

#endif
