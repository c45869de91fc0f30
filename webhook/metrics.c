#include "webhook/metrics.h"

#include <inttypes.h>

static const int64_t bounds[GT_BUCKET_COUNT] = {GT_BUCKETS};
static const int refusals[GT_REFUSAL_COUNT] = {GT_REFUSALS};

const char *gt_path_name(gt_path path)
{
    static const char *const names[] = {
#define GT_NAME(label, name) name,
        GT_PATHS(GT_NAME)
#undef GT_NAME
    };
    return names[path];
}

static void add(gt_counter *counter, uint64_t n)
{
    atomic_fetch_add_explicit(counter, n, memory_order_relaxed);
}

static uint64_t get(gt_counter *counter)
{
    return atomic_load_explicit(counter, memory_order_relaxed);
}

void gt_metrics_review(gt_metrics *metrics, gt_path path, const gt_reply *reply, int64_t duration_us)
{
    size_t bucket = 0;
    while (bucket < GT_BUCKET_COUNT && duration_us > bounds[bucket])
        bucket++;
    add(&metrics->paths[path].buckets[bucket], 1);
    add(&metrics->paths[path].duration_sum_us, duration_us > 0 ? (uint64_t)duration_us : 0);
    add(&metrics->paths[path].outcomes[reply->outcome], 1);
    add(&metrics->patch_bytes, reply->patch_bytes);
    add(&metrics->warnings, reply->warnings);
}

void gt_metrics_refusal(gt_metrics *metrics, int status)
{
    size_t found = 0;
    for (size_t i = 0; i < GT_REFUSAL_COUNT; i++)
        if (refusals[i] == status || (refusals[i] == 500 && refusals[found] != status))
            found = i;
    add(&metrics->refusals[found], 1);
}

static void head(gt_buf *buf, const char *name, const char *type, const char *help)
{
    gt_buf_printf(buf, "# HELP %s %s\n# TYPE %s %s\n", name, help, name, type);
}

static void print_counter(gt_buf *buf, const char *name, const char *help, uint64_t value)
{
    head(buf, name, "counter", help);
    gt_buf_printf(buf, "%s %" PRIu64 "\n", name, value);
}

static void print_gauge(gt_buf *buf, const char *name, const char *help, int64_t value)
{
    head(buf, name, "gauge", help);
    gt_buf_printf(buf, "%s %" PRId64 "\n", name, value);
}

#define DURATION "gastown_webhook_review_duration_microseconds"

static void print_durations(gt_buf *buf, gt_metrics *metrics, gt_path path)
{
    const char *name = gt_path_name(path);
    uint64_t n = 0;
    for (size_t i = 0; i < GT_BUCKET_COUNT; i++) {
        n += get(&metrics->paths[path].buckets[i]);
        gt_buf_printf(buf, DURATION "_bucket{path=\"%s\",le=\"%" PRId64 "\"} %" PRIu64 "\n", name, bounds[i], n);
    }
    n += get(&metrics->paths[path].buckets[GT_BUCKET_COUNT]);
    gt_buf_printf(buf, DURATION "_bucket{path=\"%s\",le=\"+Inf\"} %" PRIu64 "\n", name, n);
    gt_buf_printf(buf, DURATION "_sum{path=\"%s\"} %" PRIu64 "\n", name, get(&metrics->paths[path].duration_sum_us));
    gt_buf_printf(buf, DURATION "_count{path=\"%s\"} %" PRIu64 "\n", name, n);
}

void gt_metrics_print(gt_buf *buf, gt_metrics *metrics, const gt_gauges *gauges)
{
    static const char reviews[] = "gastown_webhook_reviews_total", refused[] = "gastown_webhook_refused_requests_total";
    head(buf, reviews, "counter", "Admission reviews by path and outcome");
    for (int path = 0; path < GT_PATH_COUNT; path++)
        for (int i = 0; i < GT_OUTCOMES; i++)
            gt_buf_printf(buf, "%s{path=\"%s\",outcome=\"%s\"} %" PRIu64 "\n", reviews, gt_path_name((gt_path)path),
                          gt_outcome_name((gt_outcome)i), get(&metrics->paths[path].outcomes[i]));
    head(buf, refused, "counter", "Requests refused without a review, by HTTP status");
    for (size_t i = 0; i < GT_REFUSAL_COUNT; i++)
        gt_buf_printf(buf, "%s{code=\"%d\"} %" PRIu64 "\n", refused, refusals[i], get(&metrics->refusals[i]));
    head(buf, DURATION, "histogram", "From the request line to the answer");
    for (int path = 0; path < GT_PATH_COUNT; path++)
        print_durations(buf, metrics, (gt_path)path);
#define GT_PRINT(member, name, help) print_counter(buf, name, help, get(&metrics->member));
    GT_COUNTERS(GT_PRINT)
#undef GT_PRINT
#define GT_PRINT(member, name, help) print_gauge(buf, name, help, gauges->member);
    GT_GAUGES(GT_PRINT)
#undef GT_PRINT
    head(buf, "gastown_webhook_build_info", "gauge", "1, with the version");
    gt_buf_printf(buf, "gastown_webhook_build_info{version=\"%s\"} 1\n", GT_VERSION);
}
