/* What a call of a reconciler is for, and Events. */
#ifndef GT_WEBHOOK_ERRAND_H
#define GT_WEBHOOK_ERRAND_H

#include "lib/kube/api.h"
#include "lib/kube/flight.h"

/* Copies of names, since what they name may be gone when the call is over. One malloc'd block. */
typedef struct gt_errand {
    void *owner;
    uint64_t number;             /* whatever the owner wants to remember */
    const char *key;             /* in the owner's table */
    const char *ns, *name, *uid; /* the object that it is about, or whose Event it is */
} gt_errand;

gt_errand *gt_errand_new(void *owner, const char *key, const char *ns, const char *name, const char *uid); /* or NULL */

/* Sends an Event about errand's object, which goes to the flight as in gt_flight_start. One that isn't taken is only logged. */
bool gt_errand_tell(gt_flight *flight, gt_errand *errand, gt_kube_event event, gt_err *err);

/* Marks for "this has been done already": FNV-1a, one piece after the other. Nobody gains by a collision. */
enum { GT_DIGEST_START = 0 };
uint64_t gt_digest(uint64_t so_far, const char *text); /* NULL: as "" */
uint64_t gt_digest_number(uint64_t so_far, uint64_t number);

#endif
