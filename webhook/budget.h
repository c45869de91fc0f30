/* How long the API server waits: `POST /mutate?timeout=3s`. */
#ifndef GT_WEBHOOK_BUDGET_H
#define GT_WEBHOOK_BUDGET_H

#include <stdbool.h>
#include <stdint.h>

/* When the query doesn't say (the default of timeoutSeconds), and the longest that Kubernetes allows. */
enum { GT_BUDGET_DEFAULT_US = 10 * 1000 * 1000, GT_BUDGET_MAX_US = 30 * 1000 * 1000 };

/* A duration as Go's time.ParseDuration reads it ("3s", "1m0s", "1.5h", "500ms", "2us"; no sign), in microseconds, at most
 * GT_BUDGET_MAX_US. NULL: the default. false: it isn't one, or not above 0. */
bool gt_budget_parse(const char *text, int64_t *us);

#endif
