/* What pods and claims come to, object by object: made in one go from all of them, then only asked.
 *
 * A GasTown has a say in all pods of its namespace, a Rig in those of its rig, an AgentPool in those of its rig and role. One thread. */
#ifndef GT_WEBHOOK_CENSUS_H
#define GT_WEBHOOK_CENSUS_H

#include "lib/base/map.h"
#include "webhook/claims.h"
#include "webhook/desired.h"

typedef struct gt_census {
    gt_arena *arena; /* of the census, reset each time */
    gt_map places, owners;
    uint64_t pods_version, claims_version, generation;
    int64_t taken_us;
    bool taken, claims_known;
} gt_census;

typedef struct gt_census_pods {
    gt_pod_counts counts;
    uint64_t digest; /* other counts, another digest */
} gt_census_pods;

typedef struct gt_census_claims {
    size_t mismatches;
    const char *first; /* message */
    uint64_t digest;
} gt_census_claims;

bool gt_census_init(gt_census *census); /* false: no memory */
void gt_census_end(gt_census *census);

/* Counts anew where something has changed since. claims NULL: not known yet. False with GT_ERR_NOMEM: there's none until it is taken again. */
bool gt_census_take(gt_census *census, const gt_pods *pods, const gt_pvcs *claims, gt_err *err);

/* The same, but while pods come and go all the time (counting looks at each of them) one of the same generation stands for half a second. */
bool gt_census_refresh(gt_census *census, const gt_pods *pods, const gt_pvcs *claims, uint64_t generation,
                       int64_t now_us, gt_err *err);

/* What a place is called; rig and role: NULL where the kind of object has none. In the arena. */
const char *gt_census_place(gt_arena *arena, const char *ns, const char *rig, const char *role);

/* Of a place; zeroes where no pod is, and for "". Lives until the census is taken again. */
const gt_census_pods *gt_census_pods_at(const gt_census *census, const char *place);
/* Of an object: owner "Rig/gastown". */
const gt_census_claims *gt_census_claims_of(const gt_census *census, const char *ns, const char *owner);

#endif
