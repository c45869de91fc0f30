/* What the status of a GasTown, Rig or AgentPool should say. Pure; texts and values live in the arena or as long as the facts. */
#ifndef GT_WEBHOOK_DESIRED_H
#define GT_WEBHOOK_DESIRED_H

#include "catalogue/store.h"

enum { GT_STATUS_HASHES = 32 }; /* the CRD's limit */

typedef struct gt_hash_count {
    const char *hash;
    size_t pods;
} gt_hash_count;

/* The pods that an object has a say in, of those that run or will. */
typedef struct gt_pod_counts {
    size_t total, current;
    const gt_hash_count *hashes; /* those with most pods, by hash; a pod without one is in total only */
    size_t hash_count;
} gt_pod_counts;

typedef struct gt_status_facts {
    const gt_store_object *object; /* loaded: not GT_VERDICT_NEW */
    const char *engine;            /* the version of this program */
    int64_t wall_ms;
    const gt_pod_counts *pods; /* NULL: not known; what is stored stays */
    bool claims_known;         /* else likewise */
    size_t mismatches;         /* claims that aren't as this object says */
    const char *mismatch;      /* the first one's message */
    const char *denied;        /* why pods that need this object would be denied; NULL: they wouldn't */
} gt_status_facts;

/* The status. stored: what the object has (missing: none); a condition whose status stays keeps its lastTransitionTime. An object that another
 * version accepted and this one can't is NotUnderstood, and stays so for this generation. */
gt_value *gt_status_desired(gt_arena *arena, const gt_status_facts *facts, gt_view stored);

/* Whether what is stored says so already; conditions of others don't count. */
bool gt_status_is(gt_view stored, const gt_value *desired);

/* The condition of this type; NULL: there's none. */
const gt_value *gt_status_condition(const gt_value *status, const char *type);

/* Whether `desired` says that the object isn't accepted, and what is stored doesn't yet, or for another generation or reason. */
bool gt_status_is_bad_news(gt_view stored, const gt_value *desired);

#endif
