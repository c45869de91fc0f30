/* The plain port: GET /healthz, /readyz, /metrics.
 *
 * /healthz   200 as long as the process turns
 * /readyz    200 when the catalogue has a snapshot, the certificate is valid now, nothing known is against the API server trusting it
 *            (trust.h), and the server isn't about to stop; else 503 with one reason a line
 * /metrics   Prometheus text
 * A server of its own, so that probes never wait for reviews nor the other way round. */
#ifndef GT_WEBHOOK_PROBE_H
#define GT_WEBHOOK_PROBE_H

#include "webhook/admission.h"
#include "webhook/http.h"
#include "webhook/link.h"
#include "webhook/metrics.h"

typedef struct gt_probe {
    gt_catalogue *catalogue;
    gt_keybox *keys;
    gt_metrics *metrics;
    gt_admission *admission;
    gt_link *link;           /* NULL: templates come from a directory */
    gt_http *_Atomic server; /* the admission server, for its connections; NULL before it runs */
    const atomic_bool *draining;
} gt_probe;

/* The callbacks, for gt_http_start; probe must live as long as the server. */
gt_http_service gt_probe_service(gt_probe *probe);

/* Why it isn't ready, one reason a line; empty: it is. now_ms: wall clock. */
gt_str gt_probe_unready(gt_arena *arena, const gt_probe *probe, int64_t now_ms);

#endif
