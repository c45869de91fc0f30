/* Events about certificates that expire soon: whoever doesn't look at metrics still sees them with `kubectl get events`.
 *
 * Told from 30 days before the end on, but not before 30% of the certificate's life are left: who has 90-day certificates is told when
 * something should have renewed them and hasn't (cert-manager renews when a third is left). Once a day per certificate, by whichever replica leads: an Event's name is made from
 * certificate and day, so that the second one who tries is told that it is there. About the replicas' Lease, which is what all of them have in common.
 * Control thread only. */
#ifndef GT_WEBHOOK_EXPIRY_H
#define GT_WEBHOOK_EXPIRY_H

#include "lib/kube/api.h"
#include "lib/kube/flight.h"
#include "webhook/metrics.h"

typedef struct gt_expiry gt_expiry;

typedef struct gt_expiry_config {
    gt_kube_client *client;
    gt_metrics *metrics;
    const char *ns, *lease; /* what the Events are about */
    const char *instance;   /* this replica's name */
} gt_expiry_config;         /* strings must outlive it */

/* A certificate. */
typedef struct gt_expiring {
    const char *what;     /* "certificate", "authority": for people */
    const char *identity; /* of this very one: letters and digits; "": there's none */
    const char *remedy;   /* what to do */
    int64_t not_before_s, not_after_s;
} gt_expiring;

gt_expiry *gt_expiry_new(const gt_expiry_config *config); /* NULL: no memory */
void gt_expiry_free(gt_expiry *expiry);                   /* NULL is fine */

/* From when on it's told, seconds since 1970. */
int64_t gt_expiry_from(int64_t not_before_s, int64_t not_after_s);

/* Tells what is due of one of them: slot 0 or 1, each for its own sort. Only by the replica that leads. */
void gt_expiry_tell(gt_expiry *expiry, int slot, const gt_expiring *certificate, int64_t wall_ms);

#endif
