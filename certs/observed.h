/* What the API server has been told of us: the two configurations, followed by informers.
 *
 * Both readiness (does our chain fit the caBundle that calls are made with?) and the keeper (has the new authority been seen everywhere
 * before the leaf is switched?) go by it. Unknown isn't empty: without the right to read, or before the first listing, nothing is known, and
 * whoever asks keeps his last answer. One thread. */
#ifndef GT_CERTS_OBSERVED_H
#define GT_CERTS_OBSERVED_H

#include "certs/entries.h"
#include "lib/kube/api.h"
#include "lib/kube/informer.h"

typedef struct gt_observed gt_observed;

typedef struct gt_observed_entry {
    bool present;  /* the object has an entry of that name */
    gt_str bundle; /* PEM, decoded; empty: there's none. Lives until the next run or drive */
} gt_observed_entry;

typedef struct gt_observed_state {
    bool known[GT_REGISTRATION_KINDS];   /* a listing was complete */
    bool present[GT_REGISTRATION_KINDS]; /* the object is there */
    /* who else writes our caBundle: the value of cert-manager.io/inject-ca-from, -from-secret, or -apiserver-ca; empty: nobody */
    gt_str injected_from[GT_REGISTRATION_KINDS];
    gt_observed_entry entries[GT_ENTRY_COUNT];
    uint64_t changes;    /* grows whenever one of the above changed */
    const char *problem; /* why it isn't following, one line; "" */
} gt_observed_state;

/* name: of the two objects; must outlive it. NULL: no memory. Sends nothing before the first run. */
gt_observed *gt_observed_new(gt_kube_client *client, const char *name, uint64_t seed);
void gt_observed_free(gt_observed *observed); /* NULL is fine */

/* As gt_informer_run. */
int64_t gt_observed_run(gt_observed *observed, int64_t now_us);
gt_observed_state gt_observed_now(const gt_observed *observed);

#endif
