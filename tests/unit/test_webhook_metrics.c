#include "webhook/metrics.h"

#include <stdio.h>

#include "tests/unit/support.h"

static bool has_line(gt_str text, const char *line)
{
    size_t n = strlen(line);
    for (size_t at = 0; at + n <= text.len; at++)
        if (memcmp(text.at + at, line, n) == 0 && (at == 0 || text.at[at - 1] == '\n') &&
            (at + n == text.len || text.at[at + n] == '\n'))
            return true;
    return false;
}

#define EXPECT_LINE(text, line) cr_expect(has_line((text), (line)), "%s", (line))

Test(webhook_metrics, text)
{
    SCOPED_ARENA(arena);
    gt_metrics metrics = {0};
    gt_readings gauges = {
        .ready = 1, .generation = 7, .certificate_expiry = 1797855402, .authority_expiry = GT_METRIC_NONE};
    gauges.trusted[GT_ENTRY_PODS] = 1;
    gauges.trusted[GT_ENTRY_POLICY] = GT_METRIC_NONE;
    const gt_reply injected = {.outcome = GT_OUTCOME_INJECTED, .patch_bytes = 100, .warnings = 2};
    gt_metrics_review(&metrics, GT_PATH_MUTATE, &injected, 100, 3000000);
    gt_metrics_review(&metrics, GT_PATH_MUTATE, &injected, 101, 3000000);
    gt_metrics_review(&metrics, GT_PATH_MUTATE, &(gt_reply){.outcome = GT_OUTCOME_DENIED}, 9000000, 3000000);
    gt_metrics_review(&metrics, GT_PATH_MUTATE, &(gt_reply){.outcome = GT_OUTCOME_FAILED}, -5,
                      3000000); /* a clock that stands still */
    gt_metrics_review(&metrics, GT_PATH_VALIDATE, &(gt_reply){.outcome = GT_OUTCOME_ACCEPTED, .warnings = 1}, 7,
                      3000000);
    gt_metrics_refusal(&metrics, 413);
    gt_metrics_refusal(&metrics, 418);
    gt_buf buf;
    gt_buf_init(&buf, arena, 64);
    gt_metrics_print(&buf, &metrics, &gauges);
    gt_str text = gt_buf_slice(&buf);
    static const char *const lines[] = {
        "# TYPE gastown_webhook_reviews_total counter",
        "gastown_webhook_reviews_total{path=\"mutate\",outcome=\"injected\"} 2",
        "gastown_webhook_reviews_total{path=\"mutate\",outcome=\"denied\"} 1",
        "gastown_webhook_reviews_total{path=\"mutate\",outcome=\"ignored\"} 0",
        "gastown_webhook_reviews_total{path=\"validate\",outcome=\"accepted\"} 1",
        "gastown_webhook_reviews_total{path=\"validate\",outcome=\"denied\"} 0",
        "gastown_webhook_review_duration_seconds_count{path=\"validate\"} 1",
        "gastown_webhook_refused_requests_total{code=\"413\"} 1",
        "gastown_webhook_refused_requests_total{code=\"500\"} 1",
        "gastown_webhook_refused_requests_total{code=\"503\"} 0",
        "# TYPE gastown_webhook_review_duration_seconds histogram",
        "gastown_webhook_review_duration_seconds_bucket{path=\"mutate\",le=\"0.0001\"} 2",
        "gastown_webhook_review_duration_seconds_bucket{path=\"mutate\",le=\"0.00025\"} 3",
        "gastown_webhook_review_duration_seconds_bucket{path=\"mutate\",le=\"2.5\"} 3",
        "gastown_webhook_review_duration_seconds_bucket{path=\"mutate\",le=\"+Inf\"} 4",
        "gastown_webhook_review_duration_seconds_sum{path=\"mutate\"} 9.000201",
        "gastown_webhook_review_duration_seconds_count{path=\"mutate\"} 4",
        "gastown_webhook_review_duration_seconds_bucket{path=\"mutate\",le=\"0.000025\"} 1",
        "# TYPE gastown_webhook_review_budget_left_seconds histogram",
        "gastown_webhook_review_budget_left_seconds_bucket{path=\"mutate\",le=\"0.001\"} 1",
        "gastown_webhook_review_budget_left_seconds_bucket{path=\"mutate\",le=\"3\"} 3",
        "gastown_webhook_review_budget_left_seconds_bucket{path=\"mutate\",le=\"5\"} 4",
        "gastown_webhook_refused_requests_total{code=\"401\"} 0",
        "gastown_webhook_refused_clients_total{reason=\"untrusted\"} 0",
        "gastown_registration_trusted{entry=\"pods.gastown.io\"} 1",
        "gastown_registration_trusted{entry=\"templates.gastown.io\"} 0",
        "# TYPE gastown_certificate_authority_expiry_timestamp_seconds gauge",
        "gastown_webhook_patch_bytes_total 200",
        "gastown_webhook_warnings_total 5",
        "# TYPE gastown_catalogue_generation gauge",
        "gastown_catalogue_generation 7",
        "gastown_webhook_ready 1",
        "gastown_certificate_expiry_timestamp_seconds 1797855402",
    };
    for (size_t i = 0; i < COUNT(lines); i++)
        EXPECT_LINE(text, lines[i]);
    cr_expect_null(strstr(text.at, "\ngastown_registration_trusted{entry=\"policy"), "what isn't known has no number");
    cr_expect_null(strstr(text.at, "\ngastown_certificate_authority_expiry_timestamp_seconds"));
    EXPECT_LINE(text, "gastown_webhook_build_info{version=\"" GT_VERSION "\"} 1");
    cr_expect_eq(text.at[text.len - 1], '\n');
}

Test(webhook_metrics, every_family_has_help_and_type_once)
{
    SCOPED_ARENA(arena);
    gt_metrics metrics = {0};
    gt_readings gauges = {0};
    gt_buf buf;
    gt_buf_init(&buf, arena, 64);
    gt_metrics_print(&buf, &metrics, &gauges);
    char *save = NULL, last[128] = "";
    for (char *line = strtok_r(buf.at, "\n", &save); line != NULL; line = strtok_r(NULL, "\n", &save)) {
        char name[128], word[32];
        if (sscanf(line, "# HELP %127s", name) == 1) {
            cr_expect_str_neq(name, last);
            memcpy(last, name, sizeof last);
        } else if (sscanf(line, "# TYPE %127s %31s", name, word) == 2) {
            cr_expect_str_eq(name, last);
        } else {
            cr_expect_eq(strncmp(line, last, strlen(last)), 0, "%s under %s", line, last);
        }
    }
}

Test(webhook_metrics, the_reference_has_them_all)
{
    SCOPED_ARENA(arena);
    gt_metrics metrics = {0};
    gt_readings readings = {0};
    gt_buf text, table;
    gt_buf_init(&text, arena, 64);
    gt_buf_init(&table, arena, 64);
    gt_metrics_print(&text, &metrics, &readings);
    gt_metrics_reference(&table);
    size_t families = 0, rows = 0;
    for (const char *at = text.at; (at = strstr(at, "# TYPE ")) != NULL; at++, families++) {
        char name[128], row[160];
        sscanf(at, "# TYPE %127s", name);
        snprintf(row, sizeof row, "| `%s` |", name);
        cr_expect_not_null(strstr(table.at, row), "%s", name);
    }
    for (const char *at = table.at; (at = strstr(at, "\n| `")) != NULL; at++)
        rows++;
    cr_expect_eq(rows, families);
}
