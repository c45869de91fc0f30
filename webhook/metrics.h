/* What is counted, and its Prometheus text (exposition format 0.0.4).
 *
 * Counters are atomics that the serving threads add to; gauges are read at the moment of the scrape and passed in. Label sets are
 * fixed: nothing a client sends becomes a label. To add a number, add a row to one of the two tables. */
#ifndef GT_WEBHOOK_METRICS_H
#define GT_WEBHOOK_METRICS_H

#include <stdatomic.h>

#include "injector/review.h"

enum { GT_OUTCOMES = GT_OUTCOME_FAILED + 1 };

/* What reviews are sent to: label in C, and what it is called. */
#define GT_PATHS(X)                                                                                                    \
    X(GT_PATH_MUTATE, "mutate")                                                                                        \
    X(GT_PATH_VALIDATE, "validate")

typedef enum gt_path {
#define GT_MEMBER(label, name) label,
    GT_PATHS(GT_MEMBER)
#undef GT_MEMBER
        GT_PATH_COUNT
} gt_path;
const char *gt_path_name(gt_path path);

/* name in C, name for Prometheus, help */
#define GT_COUNTERS(X)                                                                                                 \
    X(patch_bytes, "gastown_webhook_patch_bytes_total", "Bytes of JSON patches sent")                                  \
    X(warnings, "gastown_webhook_warnings_total", "Warnings sent along with reviews")                                  \
    X(late, "gastown_webhook_late_total", "Reviews answered with 503 because the caller's time was over")              \
    X(loads_failed, "gastown_catalogue_failed_loads_total", "Loads of templates that failed; what was there stays")    \
    X(trials_failed, "gastown_catalogue_failed_trials_total",                                                          \
      "Trials that showed templates which no pod could be made of")                                                    \
    X(versions_written, "gastown_revisions_written_total", "Last good versions written down in the cluster")           \
    X(versions_failed, "gastown_revisions_failed_total", "Last good versions that couldn't be written or deleted")     \
    X(statuses_written, "gastown_status_written_total", "Status of templates written")                                 \
    X(statuses_failed, "gastown_status_failed_total", "Status of templates that couldn't be written; tried again")     \
    X(claims_created, "gastown_claims_created_total", "Claims of agents created")                                      \
    X(claims_expanded, "gastown_claims_expanded_total", "Claims of agents made larger, as their templates say")        \
    X(claims_failed, "gastown_claims_failed_total", "Claims that couldn't be created or expanded; tried again")        \
    X(certificates_refused, "gastown_certificate_refused_total",                                                       \
      "New certificates that were refused; the old one stays")

#define GT_GAUGES(X)                                                                                                   \
    X(ready, "gastown_webhook_ready", "1: this replica wants requests")                                                \
    X(connections, "gastown_webhook_connections", "Open connections on the admission port")                            \
    X(reaped, "gastown_webhook_reaped_connections",                                                                    \
      "Connections shut down for being late or in the way, since the start")                                           \
    X(body_bytes, "gastown_webhook_body_bytes", "Memory that request bodies hold")                                     \
    X(generation, "gastown_catalogue_generation", "Snapshots published since the start")                               \
    X(age_seconds, "gastown_catalogue_age_seconds", "Time since the current snapshot was published")                   \
    X(objects, "gastown_catalogue_objects", "Objects in the current snapshot")                                         \
    X(rejected_objects, "gastown_catalogue_rejected_objects", "Objects and files whose newest version isn't accepted") \
    X(heard_seconds, "gastown_catalogue_heard_seconds",                                                                \
      "Since the API server was last heard on the quietest watch: up to 180 is usual; -1: not yet, or no cluster")     \
    X(pods, "gastown_agents_pods", "Pods of agents that run or will")                                                  \
    X(drifted, "gastown_agents_drifted_pods", "Of these, made from older templates; known to the leader")              \
    X(mismatched, "gastown_claims_mismatched", "Claims that aren't as their templates say, and can't be made so")      \
    X(leader, "gastown_webhook_leader", "1: this replica writes status, claims and last good versions")                \
    X(certificate_expiry, "gastown_certificate_expiry_timestamp_seconds", "When the serving certificate expires")

/* Upper bounds in microseconds; one more bucket holds what is above all of them. */
#define GT_BUCKETS 100, 250, 500, 1000, 2500, 5000, 10000, 25000, 50000, 100000, 250000, 500000, 1000000, 2500000
enum { GT_BUCKET_COUNT = sizeof((int[]){GT_BUCKETS}) / sizeof(int) };

/* HTTP statuses that requests are refused with before a review. */
#define GT_REFUSALS 400, 404, 405, 413, 415, 500, 503
enum { GT_REFUSAL_COUNT = sizeof((int[]){GT_REFUSALS}) / sizeof(int) };

typedef atomic_uint_least64_t gt_counter;

typedef struct gt_metrics {
#define GT_MEMBER(member, name, help) gt_counter member;
    GT_COUNTERS(GT_MEMBER)
#undef GT_MEMBER
    struct {
        gt_counter outcomes[GT_OUTCOMES];
        gt_counter buckets[GT_BUCKET_COUNT + 1], duration_sum_us;
    } paths[GT_PATH_COUNT];
    gt_counter refusals[GT_REFUSAL_COUNT];
} gt_metrics; /* zero is the initial value */

typedef struct gt_gauges {
#define GT_MEMBER(member, name, help) int64_t member;
    GT_GAUGES(GT_MEMBER)
#undef GT_MEMBER
} gt_gauges;

/* A review was answered, duration_us after its request line had come. */
void gt_metrics_review(gt_metrics *metrics, gt_path path, const gt_reply *reply, int64_t duration_us);

/* A request was refused without a review. A status that isn't in the table counts as 500. */
void gt_metrics_refusal(gt_metrics *metrics, int status);

void gt_metrics_print(gt_buf *buf, gt_metrics *metrics, const gt_gauges *gauges);

#endif
