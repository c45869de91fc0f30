/* The log line of a review: who asked for what, what became of it, how long it took. Never what a pod or a secret holds; names are a
 * client's, so they are bounded (injector/review.h) and escaped (lib/base/log.h). No allocation. Thread-safe. */
#ifndef GT_WEBHOOK_JOURNAL_H
#define GT_WEBHOOK_JOURNAL_H

#include "webhook/metrics.h"

typedef struct gt_journal_entry {
    gt_path path;
    const gt_reply *reply;
    int64_t duration_us, budget_us;
    size_t body_bytes;
    uint64_t generation; /* of the templates that it was answered by */
} gt_journal_entry;

/* Level error when we failed, else info; at level debug the line says more. */
void gt_journal_review(const gt_journal_entry *entry);

#endif
