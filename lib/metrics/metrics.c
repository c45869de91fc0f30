#include "lib/metrics/metrics.h"

#include <inttypes.h>

const char *gt_metric_type_name(gt_metric_type type)
{
    static const char *const names[] = {"counter", "gauge", "histogram"};
    return names[type];
}

void gt_histogram_add(gt_histogram *histogram, gt_bounds bounds, int64_t us)
{
    size_t bucket = 0;
    us = us < 0 ? 0 : us;
    while (bucket < bounds.count && us > bounds.us[bucket])
        bucket++;
    gt_counter_add(&histogram->buckets[bucket], 1);
    gt_counter_add(&histogram->sum_us, (uint64_t)us);
}

/* ---- text ---- */

/* A label's value has quotes around it; help has none, and may hold them. */
static void write_escaped(gt_buf *buf, gt_str text, bool in_quotes)
{
    while (text.len > 0) {
        char c = text.at[0];
        size_t n = gt_str_utf8_char(text);
        if (c == '\n')
            gt_buf_text(buf, "\\n");
        else if (c == '\\' || (in_quotes && c == '"'))
            gt_buf_add(buf, (char[]){'\\', c}, 2);
        else if (n > 0)
            gt_buf_add(buf, text.at, n);
        else
            gt_buf_text(buf, "\xef\xbf\xbd");
        n = n == 0 ? 1 : n;
        text = (gt_str){text.at + n, text.len - n};
    }
}

static void write_seconds(gt_buf *buf, int64_t us)
{
    uint64_t n = us < 0 ? 0 - (uint64_t)us : (uint64_t)us;
    gt_buf_printf(buf, "%s%" PRIu64 ".%06" PRIu64, us < 0 ? "-" : "", n / 1000000, n % 1000000);
    while (buf->at[buf->len - 1] == '0')
        buf->len--;
    buf->len -= buf->at[buf->len - 1] == '.';
    buf->at[buf->len] = '\0';
}

/* "name_suffix{a="b",le="c"} ": everything before the number. le: of a bucket, else empty. */
static void write_series(gt_buf *buf, const gt_metric *metric, const char *suffix, const gt_label *labels, gt_str le)
{
    static const gt_label none[] = {{NULL, {NULL, 0}}};
    const char *between = "{";
    gt_buf_text(buf, metric->name);
    gt_buf_text(buf, suffix);
    for (const gt_label *l = labels == NULL ? none : labels; l->name != NULL; l++, between = ",") {
        gt_buf_printf(buf, "%s%s=\"", between, l->name);
        write_escaped(buf, l->value, true);
        gt_buf_byte(buf, '"');
    }
    if (le.len > 0) {
        gt_buf_printf(buf, "%sle=\"%.*s\"", between, GT_STR_ARG(le));
        between = ",";
    }
    gt_buf_text(buf, between[0] == ',' ? "} " : " ");
}

void gt_metric_head(gt_buf *buf, const gt_metric *metric)
{
    gt_buf_printf(buf, "# HELP %s ", metric->name);
    write_escaped(buf, gt_str_of(metric->help), false);
    gt_buf_printf(buf, "\n# TYPE %s %s\n", metric->name, gt_metric_type_name(metric->type));
}

static void write_number(gt_buf *buf, const gt_metric *metric, const char *suffix, const gt_label *labels, gt_str le,
                         uint64_t value)
{
    write_series(buf, metric, suffix, labels, le);
    gt_buf_printf(buf, "%" PRIu64 "\n", value);
}

void gt_metric_count(gt_buf *buf, const gt_metric *metric, const gt_label *labels, uint64_t value)
{
    write_number(buf, metric, "", labels, (gt_str){0}, value);
}

void gt_metric_gauge(gt_buf *buf, const gt_metric *metric, const gt_label *labels, int64_t value)
{
    if (value == GT_METRIC_NONE)
        return;
    write_series(buf, metric, "", labels, (gt_str){0});
    gt_buf_printf(buf, "%" PRId64 "\n", value);
}

void gt_metric_micros(gt_buf *buf, const gt_metric *metric, const gt_label *labels, int64_t us)
{
    write_series(buf, metric, "", labels, (gt_str){0});
    write_seconds(buf, us);
    gt_buf_byte(buf, '\n');
}

void gt_metric_histogram(gt_buf *buf, const gt_metric *metric, const gt_label *labels, gt_bounds bounds,
                         const gt_histogram *histogram)
{
    uint64_t n = 0;
    for (size_t i = 0; i < bounds.count; i++) {
        gt_buf le;
        gt_buf_init(&le, buf->arena, 16);
        write_seconds(&le, bounds.us[i]);
        n += gt_counter_get(&histogram->buckets[i]);
        write_number(buf, metric, "_bucket", labels, gt_buf_slice(&le), n);
    }
    n += gt_counter_get(&histogram->buckets[bounds.count]);
    write_number(buf, metric, "_bucket", labels, GT_STR("+Inf"), n);
    write_series(buf, metric, "_sum", labels, (gt_str){0});
    write_seconds(buf, (int64_t)gt_counter_get(&histogram->sum_us));
    gt_buf_byte(buf, '\n');
    write_number(buf, metric, "_count", labels, (gt_str){0}, n);
}

void gt_metric_reference(gt_buf *buf, const gt_metric *metrics, size_t count)
{
    gt_buf_text(buf, "| Metric | Type | Labels | |\n|---|---|---|---|\n");
    for (size_t i = 0; i < count; i++)
        gt_buf_printf(buf, "| `%s` | %s | %s | %s |\n", metrics[i].name, gt_metric_type_name(metrics[i].type),
                      metrics[i].labels, metrics[i].help);
}
