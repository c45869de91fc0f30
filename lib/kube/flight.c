#include "lib/kube/flight.h"

#include <stdlib.h>

static void leave(gt_flight_slot *slot)
{
    slot->flight->count--;
    *slot = (gt_flight_slot){.flight = slot->flight};
}

static void over(void *context, gt_arena *arena, const gt_kube_answer *answer, const gt_err *failure)
{
    gt_flight_slot *slot = context;
    void *errand = slot->errand;
    gt_flight_done done = slot->done;
    leave(slot); /* first: done may start the next */
    done(errand, arena, answer, failure);
    free(errand);
}

bool gt_flight_start(gt_flight *flight, const gt_kube_request *request, void *errand, gt_flight_done done, gt_err *err)
{
    gt_flight_slot *slot = flight->slots;
    while (slot < flight->slots + GT_FLIGHT_MOST && slot->taken)
        slot++;
    if (slot == flight->slots + GT_FLIGHT_MOST) {
        free(errand);
        return gt_fail(err, GT_ERR_LIMIT, "%d calls are under way", GT_FLIGHT_MOST);
    }
    *slot = (gt_flight_slot){.flight = flight, .errand = errand, .done = done, .taken = true};
    flight->count++;
    const gt_kube_handler handler = {.context = slot, .done = over};
    if (gt_kube_start(flight->client, request, &handler, &slot->call, err))
        return true;
    leave(slot);
    free(errand);
    return false;
}

void gt_flight_end(gt_flight *flight)
{
    for (size_t i = 0; i < GT_FLIGHT_MOST; i++) {
        gt_flight_slot *slot = &flight->slots[i];
        if (!slot->taken)
            continue;
        gt_kube_cancel(slot->call);
        free(slot->errand);
        leave(slot);
    }
}
