/* A coordination.k8s.io/v1 Lease: one of several replicas does what only one should.
 *
 * As client-go's leaderelection: another holder's lease counts as held for `duration_ms` (or for what it says itself, if that is longer, up to five
 * minutes) after we last saw it change, by our own clock, so that wall clocks may differ; we count ourselves as holder only until duration_ms after the *start* of our last successful renewal. Writes carry the
 * resourceVersion: of two that try, one gets 409. Asynchronous; one thread. */
#ifndef GT_LIB_KUBE_LEASE_H
#define GT_LIB_KUBE_LEASE_H

#include "lib/kube/api.h"
#include "lib/kube/call.h"

typedef struct gt_lease gt_lease;

typedef struct gt_lease_config {
    gt_kube_client *client;
    const char *ns, *name;
    const char *identity;                    /* who we are, unique among replicas */
    int64_t duration_ms, renew_ms, retry_ms; /* 0: 15 s, 5 s, 2 s */
    uint64_t seed;
} gt_lease_config; /* strings must outlive the lease */

gt_lease *gt_lease_new(const gt_lease_config *config); /* NULL: no memory */
void gt_lease_free(gt_lease *lease);                   /* doesn't release it; NULL is fine */

/* Starts what is due; when it wants to be run again, as gt_informer_run. wall_ms: for acquireTime and renewTime only. */
int64_t gt_lease_run(gt_lease *lease, int64_t now_us, int64_t wall_ms);

bool gt_lease_held(const gt_lease *lease, int64_t now_us);
const char *gt_lease_holder(const gt_lease *lease);  /* as last seen; "" when nobody or unknown */
const char *gt_lease_problem(const gt_lease *lease); /* why we can't ask, one line; "" */

/* Gives it back, so that the next holder needn't wait; held is false from now on. Done when gt_lease_released says so, or never: don't wait long. */
void gt_lease_release(gt_lease *lease, int64_t wall_ms);
bool gt_lease_released(const gt_lease *lease);

#endif
