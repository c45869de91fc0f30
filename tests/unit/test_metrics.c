#include "lib/metrics/metrics.h"

#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include "lib/metrics/process.h"
#include "tests/unit/support.h"

static const int64_t bounds_us[] = {25, 1000, 2500000};
static const gt_bounds bounds = {bounds_us, COUNT(bounds_us)};

Test(metrics, a_family_of_each_type)
{
    SCOPED_ARENA(arena);
    static const gt_metric counter = {"x_total", GT_METRIC_COUNTER, "", "Things"},
                           gauge = {"y_bytes", GT_METRIC_GAUGE, "k", "A \\ and\na line"},
                           seconds = {"z_seconds", GT_METRIC_HISTOGRAM, "path", "How long"};
    gt_histogram histogram = {0};
    gt_histogram_add(&histogram, bounds, 25);
    gt_histogram_add(&histogram, bounds, 26);
    gt_histogram_add(&histogram, bounds, -7);
    gt_histogram_add(&histogram, bounds, 3000000);
    gt_buf buf;
    gt_buf_init(&buf, arena, 16);
    gt_metric_head(&buf, &counter);
    gt_metric_count(&buf, &counter, NULL, UINT64_MAX);
    gt_metric_head(&buf, &gauge);
    gt_metric_gauge(&buf, &gauge, (const gt_label[]){{"k", GT_STR("a\"b\\c\nd\xff\xc3\xa9")}, {0}}, -5);
    gt_metric_gauge(&buf, &gauge, NULL, GT_METRIC_NONE);
    gt_metric_head(&buf, &seconds);
    gt_metric_histogram(&buf, &seconds, (const gt_label[]){{"path", GT_STR("m")}, {0}}, bounds, &histogram);
    gt_metric_micros(&buf, &gauge, NULL, -1500000);
    gt_metric_micros(&buf, &gauge, NULL, 0);
    expect_text(1, gt_buf_slice(&buf),
                "# HELP x_total Things\n# TYPE x_total counter\nx_total 18446744073709551615\n"
                "# HELP y_bytes A \\\\ and\\na line\n# TYPE y_bytes gauge\n"
                "y_bytes{k=\"a\\\"b\\\\c\\nd\xef\xbf\xbd\xc3\xa9\"} -5\n"
                "# HELP z_seconds How long\n# TYPE z_seconds histogram\n"
                "z_seconds_bucket{path=\"m\",le=\"0.000025\"} 2\n"
                "z_seconds_bucket{path=\"m\",le=\"0.001\"} 3\n"
                "z_seconds_bucket{path=\"m\",le=\"2.5\"} 3\n"
                "z_seconds_bucket{path=\"m\",le=\"+Inf\"} 4\n"
                "z_seconds_sum{path=\"m\"} 3.000051\n"
                "z_seconds_count{path=\"m\"} 4\n"
                "y_bytes -1.5\ny_bytes 0\n");
}

Test(metrics, a_reference)
{
    SCOPED_ARENA(arena);
    static const gt_metric two[] = {{"x_total", GT_METRIC_COUNTER, "", "Things"}, {"y", GT_METRIC_GAUGE, "a, b", "B"}};
    gt_buf buf;
    gt_buf_init(&buf, arena, 16);
    gt_metric_reference(&buf, two, COUNT(two));
    expect_text(1, gt_buf_slice(&buf),
                "| Metric | Type | Labels | |\n|---|---|---|---|\n"
                "| `x_total` | counter |  | Things |\n| `y` | gauge | a, b | B |\n");
}

/* Who looks for restarts compares what two scrapes say. So it's what the system says: whole ticks, nothing measured. */
Test(metrics, a_process_starts_once)
{
    SCOPED_ARENA(arena);
    char first[64] = "";
    for (int i = 0; i < 200; i++) {
        gt_buf buf;
        gt_buf_init(&buf, arena, 4096);
        gt_process_print(&buf);
        const char *at = strstr(buf.at, "\nprocess_start_time_seconds ");
        cr_assert_not_null(at);
        char line[64];
        snprintf(line, sizeof line, "%.*s", (int)strcspn(at + 1, "\n"), at + 1);
        if (i == 0)
            memcpy(first, line, sizeof first);
        cr_assert_str_eq(line, first, "%d", i);
        const char *point = strchr(line, '.');
        cr_assert(point == NULL || strlen(point + 1) <= 2, "%s", line);
    }
}

/* The number behind "\nNAME ". */
static double value_of(const gt_buf *buf, const char *name)
{
    char wanted[64];
    snprintf(wanted, sizeof wanted, "\n%s ", name);
    const char *at = strstr(buf->at, wanted);
    cr_assert_not_null(at, "%s", name);
    return strtod(at + strlen(wanted), NULL);
}

Test(metrics, of_this_process)
{
    SCOPED_ARENA(arena);
    gt_buf before, after;
    gt_buf_init(&before, arena, 16);
    gt_buf_init(&after, arena, 16);
    gt_process_print(&before);
    size_t n = 64 << 20;
    char *touched = malloc(n);
    cr_assert_not_null(touched);
    memset(touched, 1, n);
    int fds[2];
    cr_assert_eq(pipe(fds), 0);
    gt_process_print(&after);
    cr_expect_eq(value_of(&after, "process_open_fds"), value_of(&before, "process_open_fds") + 2);
    cr_expect_geq(value_of(&after, "process_resident_memory_bytes"),
                  value_of(&before, "process_resident_memory_bytes") + 60e6);
    cr_expect_geq(value_of(&after, "process_virtual_memory_bytes"), value_of(&after, "process_resident_memory_bytes"));
    cr_expect_gt(value_of(&after, "process_cpu_seconds_total"), value_of(&before, "process_cpu_seconds_total"));
    cr_expect_lt(value_of(&after, "process_start_time_seconds"), (double)time(NULL) + 1);
    cr_expect_gt(value_of(&after, "process_start_time_seconds"), (double)time(NULL) - 600);
    cr_expect_eq(touched[n - 1], 1);
    free(touched);
    close(fds[0]);
    close(fds[1]);
}
