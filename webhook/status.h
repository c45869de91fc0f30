/* Status: what the webhook says of each GasTown, Rig and AgentPool, written where people look for it.
 *
 * By server-side apply on the status subresource, when what is stored says something else; about once a second, and at once when other
 * templates are in use. An object that isn't accepted becomes an Event, too, once for each generation and message. Failures back off,
 * object by object; that an object is gone meanwhile, or another one of its name, counts as none. Control thread only. */
#ifndef GT_WEBHOOK_STATUS_H
#define GT_WEBHOOK_STATUS_H

#include "lib/kube/client.h"
#include "webhook/census.h"

typedef struct gt_status gt_status;

typedef struct gt_status_config {
    gt_kube_client *client;
    const gt_store *store;
    const char *engine;   /* this program's version */
    const char *instance; /* this replica's name, for Events */
    uint64_t seed;
    /* Why pods that need this object would be denied, NULL when they wouldn't; the text lives until the next call. May be NULL. */
    const char *(*denied)(void *context, const gt_store_object *object);
    void *context;
} gt_status_config; /* all of it must outlive the status */

gt_status *gt_status_new(const gt_status_config *config); /* NULL: no memory */
void gt_status_free(gt_status *status);                   /* ends its calls; NULL is fine */

/* Writes what is due, until gt_clock_mono_us is past until_us; when it wants to be run again. census NULL: nothing is known of pods and
 * claims yet. generation: of the catalogue. Only by the replica that leads. */
int64_t gt_status_run(gt_status *status, const gt_census *census, uint64_t generation, int64_t now_us, int64_t until_us,
                      int64_t wall_ms);

typedef struct gt_status_counts {
    uint64_t written, failed;
    size_t under_way; /* calls, now */
} gt_status_counts;
gt_status_counts gt_status_now(const gt_status *status);

#endif
