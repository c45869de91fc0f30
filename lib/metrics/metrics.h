/* What a process counts, and its Prometheus text (exposition format 0.0.4).
 *
 * There is no registry: a program keeps its numbers in a struct of its own, made from a table (X-macro), and prints the families one after
 * the other with what is here. Label sets are fixed by the program: nothing a client sends becomes a label. Base units, as Prometheus wants
 * them: seconds and bytes; histograms are kept in microseconds and printed in seconds.
 *
 * Counters and histograms are atomics that any thread adds to; printing reads them without stopping anybody, so that the numbers of one text
 * may be a moment apart. A histogram's own buckets, sum and count always fit: the count is the buckets'. */
#ifndef GT_LIB_METRICS_METRICS_H
#define GT_LIB_METRICS_METRICS_H

#include <stdatomic.h>
#include <stdint.h>

#include "lib/base/str.h"

typedef enum gt_metric_type { GT_METRIC_COUNTER, GT_METRIC_GAUGE, GT_METRIC_HISTOGRAM } gt_metric_type;
const char *gt_metric_type_name(gt_metric_type type); /* "counter", ... */

/* One family: what # HELP and # TYPE say, and the reference for people. */
typedef struct gt_metric {
    const char *name;
    gt_metric_type type;
    const char *labels; /* "path, outcome", for the reference; "" */
    const char *help;   /* one sentence, no full stop */
} gt_metric;

typedef atomic_uint_least64_t gt_counter; /* zero is the initial value */

static inline void gt_counter_add(gt_counter *counter, uint64_t n)
{
    if (n > 0)
        atomic_fetch_add_explicit(counter, n, memory_order_relaxed);
}
static inline uint64_t gt_counter_get(const gt_counter *counter)
{
    return atomic_load_explicit(counter, memory_order_relaxed);
}

/* Of durations. Upper bounds ascend; one more bucket holds what is above all of them. */
enum { GT_HISTOGRAM_MOST = 24 };
typedef struct gt_bounds {
    const int64_t *us;
    size_t count; /* at most GT_HISTOGRAM_MOST */
} gt_bounds;
typedef struct gt_histogram {
    gt_counter buckets[GT_HISTOGRAM_MOST + 1], sum_us;
} gt_histogram; /* zero is the initial value */

/* us < 0 (a clock that was set back) counts as 0. */
void gt_histogram_add(gt_histogram *histogram, gt_bounds bounds, int64_t us);

/* A gauge that has no value now: its family is printed without it. */
#define GT_METRIC_NONE INT64_MIN

typedef struct gt_label {
    const char *name;
    gt_str value; /* any bytes: escaped; what isn't UTF-8 becomes U+FFFD */
} gt_label;

/* The two lines before a family's numbers. */
void gt_metric_head(gt_buf *buf, const gt_metric *metric);

/* Numbers of the family `metric`; labels end with a name of NULL, or are NULL. */
void gt_metric_count(gt_buf *buf, const gt_metric *metric, const gt_label *labels, uint64_t value);
void gt_metric_gauge(gt_buf *buf, const gt_metric *metric, const gt_label *labels,
                     int64_t value); /* GT_METRIC_NONE: nothing */
void gt_metric_micros(gt_buf *buf, const gt_metric *metric, const gt_label *labels, int64_t us); /* as seconds */
void gt_metric_histogram(gt_buf *buf, const gt_metric *metric, const gt_label *labels, gt_bounds bounds,
                         const gt_histogram *histogram);

/* The families as rows of a Markdown table: name, type, labels, help. */
void gt_metric_reference(gt_buf *buf, const gt_metric *metrics, size_t count);

#endif
