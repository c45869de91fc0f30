/* Our certificate and the API server: does it trust what we show (trust.h), who makes the certificate if we do it ourselves
 * (certs/keeper.h), and who is told when one expires soon (expiry.h). Part of the link; control thread only. */
#ifndef GT_WEBHOOK_CREDENTIALS_H
#define GT_WEBHOOK_CREDENTIALS_H

#include "lib/kube/client.h"
#include "webhook/keypair.h"
#include "webhook/metrics.h"
#include "webhook/options.h"

typedef struct gt_credentials gt_credentials;

typedef struct gt_credentials_config {
    gt_kube_client *client;
    const gt_options *options;
    gt_keybox *keys; /* filled from the Secret when --certs-secret names one, only looked at else */
    gt_metrics *metrics;
    const char *ns, *lease, *instance; /* the system's namespace; what Events are about; this replica */
    uint64_t seed;
} gt_credentials_config; /* strings must outlive it */

gt_credentials *gt_credentials_new(const gt_credentials_config *config); /* NULL: no memory */
void gt_credentials_free(gt_credentials *credentials);                   /* NULL is fine */

/* Does what is due, and writes only while `leading`; when it wants to be run again. Run it after each gt_kube_drive. */
int64_t gt_credentials_run(gt_credentials *credentials, int64_t now_us, int64_t wall_ms, bool leading);

/* For any thread, as a copy that somebody else hands around. */
typedef struct gt_credentials_state {
    int64_t trusted[GT_ENTRY_COUNT]; /* 1, 0, GT_METRIC_NONE: not known */
    int64_t unknown[GT_ENTRY_COUNT]; /* 1, 0 */
    int64_t authority_not_after;     /* self-managed; GT_METRIC_NONE: there's none */
    char missing[300];    /* self-managed: why there's no certificate yet, or what is in the way of a new one; "" */
    char untrusted[1600]; /* why we aren't ready though the certificate is valid, a reason a line; "" */
} gt_credentials_state;
void gt_credentials_now(const gt_credentials *credentials, gt_credentials_state *state);

#endif
