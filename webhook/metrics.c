#include "webhook/metrics.h"

#include "lib/metrics/process.h"

static const int64_t duration_bounds[] = {GT_DURATIONS}, budget_bounds[] = {GT_BUDGETS};
static const gt_bounds durations = {duration_bounds, sizeof duration_bounds / sizeof *duration_bounds};
static const gt_bounds budgets = {budget_bounds, sizeof budget_bounds / sizeof *budget_bounds};
_Static_assert(sizeof duration_bounds / sizeof *duration_bounds <= GT_HISTOGRAM_MOST, "a histogram has room for them");

static const int refusals[GT_REFUSAL_COUNT] = {GT_REFUSALS};

/* All of them in the order in which they are printed: label in C for each. */
typedef enum family {
#define GT_MEMBER(label, name, type, labels, help) label,
    GT_FAMILIES(GT_MEMBER)
#undef GT_MEMBER
#define GT_MEMBER(member, name, help) COUNTER_##member,
        GT_COUNTERS(GT_MEMBER)
#undef GT_MEMBER
#define GT_MEMBER(member, name, type, help) READING_##member,
            GT_READINGS(GT_MEMBER)
#undef GT_MEMBER
                FAMILY_COUNT
} family;

static const gt_metric families[FAMILY_COUNT] = {
#define GT_MEMBER(label, name, type, labels, help) [label] = {name, GT_METRIC_##type, labels, help},
    GT_FAMILIES(GT_MEMBER)
#undef GT_MEMBER
#define GT_MEMBER(member, name, help) [COUNTER_##member] = {name, GT_METRIC_COUNTER, "", help},
        GT_COUNTERS(GT_MEMBER)
#undef GT_MEMBER
#define GT_MEMBER(member, name, type, help) [READING_##member] = {name, GT_METRIC_##type, "", help},
            GT_READINGS(GT_MEMBER)
#undef GT_MEMBER
};

const char *gt_path_name(gt_path path)
{
    static const char *const names[] = {
#define GT_NAME(label, name) name,
        GT_PATHS(GT_NAME)
#undef GT_NAME
    };
    return names[path];
}

/* ---- counting ---- */

void gt_metrics_review(gt_metrics *metrics, gt_path path, const gt_reply *reply, int64_t duration_us, int64_t budget_us)
{
    gt_histogram_add(&metrics->paths[path].durations, durations, duration_us);
    gt_histogram_add(&metrics->paths[path].budgets, budgets, budget_us - duration_us);
    gt_counter_add(&metrics->paths[path].outcomes[reply->outcome], 1);
    gt_counter_add(&metrics->patch_bytes, reply->patch_bytes);
    gt_counter_add(&metrics->warnings, reply->warnings);
}

void gt_metrics_refusal(gt_metrics *metrics, int status)
{
    size_t found = 0;
    for (size_t i = 0; i < GT_REFUSAL_COUNT; i++)
        if (refusals[i] == status || (refusals[i] == 500 && refusals[found] != status))
            found = i;
    gt_counter_add(&metrics->refusals[found], 1);
}

/* ---- printing ---- */

#define PATH_LABEL(path)                                                                                               \
    (const gt_label[])                                                                                                 \
    {                                                                                                                  \
        {"path", gt_str_of(gt_path_name(path))}, {0},                                                                  \
    }

static void print_reviews(gt_buf *buf, const gt_metrics *metrics)
{
    gt_metric_head(buf, &families[REVIEWS]);
    for (gt_path path = 0; path < GT_PATH_COUNT; path++)
        for (int i = 0; i < GT_OUTCOMES; i++) {
            const gt_label labels[] = {
                {"path", gt_str_of(gt_path_name(path))}, {"outcome", gt_str_of(gt_outcome_name((gt_outcome)i))}, {0}};
            gt_metric_count(buf, &families[REVIEWS], labels, gt_counter_get(&metrics->paths[path].outcomes[i]));
        }
    gt_metric_head(buf, &families[DURATION]);
    for (gt_path path = 0; path < GT_PATH_COUNT; path++)
        gt_metric_histogram(buf, &families[DURATION], PATH_LABEL(path), durations, &metrics->paths[path].durations);
    gt_metric_head(buf, &families[BUDGET]);
    for (gt_path path = 0; path < GT_PATH_COUNT; path++)
        gt_metric_histogram(buf, &families[BUDGET], PATH_LABEL(path), budgets, &metrics->paths[path].budgets);
}

static void print_refusals(gt_buf *buf, const gt_metrics *metrics)
{
    static const char *const reasons[] = {
#define GT_NAME(label, name) name,
        GT_CLIENT_REFUSALS(GT_NAME)
#undef GT_NAME
    };
    gt_metric_head(buf, &families[REFUSED]);
    for (size_t i = 0; i < GT_REFUSAL_COUNT; i++) {
        const gt_label labels[] = {{"code", gt_str_of(gt_arena_printf(buf->arena, "%d", refusals[i]))}, {0}};
        gt_metric_count(buf, &families[REFUSED], labels, gt_counter_get(&metrics->refusals[i]));
    }
    gt_metric_head(buf, &families[CLIENTS]);
    for (size_t i = 0; i < GT_CLIENT_REFUSAL_COUNT; i++) {
        const gt_label labels[] = {{"reason", gt_str_of(reasons[i])}, {0}};
        gt_metric_count(buf, &families[CLIENTS], labels, gt_counter_get(&metrics->clients[i]));
    }
}

static void print_entries(gt_buf *buf, family f, const int64_t values[GT_ENTRY_COUNT])
{
    gt_metric_head(buf, &families[f]);
    for (size_t i = 0; i < GT_ENTRY_COUNT; i++) {
        const gt_label labels[] = {{"entry", gt_str_of(gt_entries[i].name)}, {0}};
        gt_metric_gauge(buf, &families[f], labels, values[i]);
    }
}

void gt_metrics_print(gt_buf *buf, const gt_metrics *metrics, const gt_readings *readings)
{
    print_reviews(buf, metrics);
    print_refusals(buf, metrics);
    print_entries(buf, TRUSTED, readings->trusted);
    print_entries(buf, UNKNOWN, readings->unknown);
#define GT_PRINT(member, name, help)                                                                                   \
    gt_metric_head(buf, &families[COUNTER_##member]);                                                                  \
    gt_metric_count(buf, &families[COUNTER_##member], NULL, gt_counter_get(&metrics->member));
    GT_COUNTERS(GT_PRINT)
#undef GT_PRINT
#define GT_PRINT(member, name, type, help)                                                                             \
    gt_metric_head(buf, &families[READING_##member]);                                                                  \
    gt_metric_gauge(buf, &families[READING_##member], NULL, readings->member);
    GT_READINGS(GT_PRINT)
#undef GT_PRINT
    gt_metric_head(buf, &families[BUILD]);
    gt_metric_gauge(buf, &families[BUILD], (const gt_label[]){{"version", gt_str_of(GT_VERSION)}, {0}}, 1);
    gt_process_print(buf);
}

void gt_metrics_reference(gt_buf *buf)
{
    gt_metric all[FAMILY_COUNT + GT_PROCESS_METRIC_COUNT];
    memcpy(all, families, sizeof families);
    memcpy(all + FAMILY_COUNT, gt_process_metrics, sizeof gt_process_metrics);
    gt_metric_reference(buf, all, sizeof all / sizeof *all);
}
