/* Writes to the API server, a few at a time.
 *
 * Each is about one errand: a block of malloc'd memory that says what for, owned by the flight from here on and freed when it's over. Whoever
 * has work starts what there is room for and comes again later; nothing is queued. One thread. */
#ifndef GT_LIB_KUBE_FLIGHT_H
#define GT_LIB_KUBE_FLIGHT_H

#include "lib/kube/call.h"

enum { GT_FLIGHT_MOST = 4 };

typedef struct gt_flight gt_flight;

/* As gt_kube_handler.done. There is room for at least one more call meanwhile. */
typedef void (*gt_flight_done)(void *errand, gt_arena *arena, const gt_kube_answer *answer, const gt_err *failure);

typedef struct gt_flight_slot {
    gt_flight *flight;
    gt_kube_call *call;
    void *errand;
    gt_flight_done done;
    bool taken;
} gt_flight_slot;

struct gt_flight { /* zero but for the client; doesn't move while a call is under way */
    gt_kube_client *client;
    gt_flight_slot slots[GT_FLIGHT_MOST];
    size_t count;
};

static inline bool gt_flight_is_full(const gt_flight *flight)
{
    return flight->count == GT_FLIGHT_MOST;
}

/* GT_ERR_LIMIT when it's full, else as gt_kube_start; the errand is freed then, and done isn't called. */
bool gt_flight_start(gt_flight *flight, const gt_kube_request *request, void *errand, gt_flight_done done, gt_err *err);

/* Ends all, telling nobody. */
void gt_flight_end(gt_flight *flight);

#endif
