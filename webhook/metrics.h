/* What is counted, and its Prometheus text. Counters are added to by whoever has something to count; readings are taken at the moment of
 * the scrape and passed in. Label sets are fixed: nothing a client sends becomes a label. To add a number, add a row to one of the tables:
 * /metrics and the reference in docs/serving.md are made from them. */
#ifndef GT_WEBHOOK_METRICS_H
#define GT_WEBHOOK_METRICS_H

#include "certs/entries.h"
#include "injector/review.h"
#include "lib/metrics/metrics.h"

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

/* label in C, name for Prometheus, type, labels, help */
#define GT_FAMILIES(X)                                                                                                 \
    X(REVIEWS, "gastown_webhook_reviews_total", COUNTER, "path, outcome", "Admission reviews by path and outcome")     \
    X(REFUSED, "gastown_webhook_refused_requests_total", COUNTER, "code",                                              \
      "Requests refused without a review, by HTTP status")                                                             \
    X(CLIENTS, "gastown_webhook_refused_clients_total", COUNTER, "reason",                                             \
      "Requests of clients that didn't prove who they are: no certificate, one that isn't trusted, another name")      \
    X(DURATION, "gastown_webhook_review_duration_seconds", HISTOGRAM, "path", "From the request line to the answer")   \
    X(BUDGET, "gastown_webhook_review_budget_left_seconds", HISTOGRAM, "path",                                         \
      "What was left of the time that the caller gave when it was answered")                                           \
    X(TRUSTED, "gastown_registration_trusted", GAUGE, "entry",                                                         \
      "1: the API server trusts our certificate for this entry, 0: it doesn't; nothing while that isn't known")        \
    X(UNKNOWN, "gastown_registration_unknown", GAUGE, "entry",                                                         \
      "1: it isn't known now whether the API server trusts us for this entry; readiness keeps its last answer")        \
    X(BUILD, "gastown_webhook_build_info", GAUGE, "version", "1, with the version")

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
      "New certificates that were refused; the old one stays")                                                         \
    X(authorities_refused, "gastown_webhook_client_ca_refused_total",                                                  \
      "New files of --client-ca that were refused; the old ones stay")                                                 \
    X(leaves_issued, "gastown_certificates_issued_total", "Certificates issued by this replica (self-managed)")        \
    X(bundles_published, "gastown_certificate_bundles_published_total",                                                \
      "caBundles written by this replica (self-managed)")                                                              \
    X(authorities_made, "gastown_certificate_authorities_total", "Authorities made by this replica (self-managed)")    \
    X(keeping_failed, "gastown_certificate_keeping_failed_total",                                                      \
      "Calls for certificates that failed; tried again (self-managed)")                                                \
    X(events_written, "gastown_certificate_events_total", "Events written about certificates that expire soon")

/* name in C, name for Prometheus, type, help */
#define GT_READINGS(X)                                                                                                 \
    X(ready, "gastown_webhook_ready", GAUGE, "1: this replica wants requests")                                         \
    X(connections, "gastown_webhook_connections", GAUGE, "Open connections on the admission port")                     \
    X(reaped, "gastown_webhook_reaped_connections_total", COUNTER,                                                     \
      "Connections shut down for being late or in the way")                                                            \
    X(handshakes_failed, "gastown_webhook_failed_handshakes_total", COUNTER,                                           \
      "Connections that ended before their TLS handshake was complete")                                                \
    X(body_bytes, "gastown_webhook_body_bytes", GAUGE, "Memory that bodies of requests and answers hold")              \
    X(review_bytes, "gastown_webhook_review_bytes", GAUGE,                                                             \
      "Memory that large reviews in work hold, beyond what each thread has for its own")                               \
    X(log_dropped, "gastown_log_dropped_total", COUNTER, "Log lines dropped because they weren't read fast enough")    \
    X(generation, "gastown_catalogue_generation", GAUGE, "Snapshots published since the start")                        \
    X(age_seconds, "gastown_catalogue_age_seconds", GAUGE, "Time since the current snapshot was published")            \
    X(objects, "gastown_catalogue_objects", GAUGE, "Objects in the current snapshot")                                  \
    X(rejected_objects, "gastown_catalogue_rejected_objects", GAUGE,                                                   \
      "Objects and files whose newest version isn't accepted")                                                         \
    X(heard_seconds, "gastown_catalogue_heard_seconds", GAUGE,                                                         \
      "Since the API server was last heard on the quietest watch: up to 180 is usual; -1: not yet, or no cluster")     \
    X(pods, "gastown_agents_pods", GAUGE, "Pods of agents that run or will")                                           \
    X(drifted, "gastown_agents_drifted_pods", GAUGE, "Of these, made from older templates; known to the leader")       \
    X(mismatched, "gastown_claims_mismatched", GAUGE,                                                                  \
      "Claims that aren't as their templates say, and can't be made so")                                               \
    X(leader, "gastown_webhook_leader", GAUGE, "1: this replica writes status, claims and last good versions")         \
    X(certificate_not_before, "gastown_certificate_not_before_timestamp_seconds", GAUGE,                               \
      "From when on the serving certificate is valid")                                                                 \
    X(certificate_expiry, "gastown_certificate_expiry_timestamp_seconds", GAUGE,                                       \
      "When the serving certificate expires")                                                                          \
    X(authority_expiry, "gastown_certificate_authority_expiry_timestamp_seconds", GAUGE,                               \
      "When the authority that signs expires (self-managed)")

/* Upper bounds in microseconds. */
#define GT_DURATIONS                                                                                                   \
    25, 50, 100, 250, 500, 1000, 2500, 5000, 10000, 25000, 50000, 100000, 250000, 500000, 1000000, 2500000, 10000000
#define GT_BUDGETS 1000, 10000, 100000, 500000, 1000000, 2000000, 2500000, 2900000, 3000000, 5000000, 10000000

/* HTTP statuses that requests are refused with before a review. */
#define GT_REFUSALS 400, 401, 403, 404, 405, 413, 415, 500, 503
enum { GT_REFUSAL_COUNT = sizeof((int[]){GT_REFUSALS}) / sizeof(int) };

/* Why a client's certificate doesn't do: label in C, and what it is called. */
#define GT_CLIENT_REFUSALS(X)                                                                                          \
    X(GT_CLIENT_NONE, "none")                                                                                          \
    X(GT_CLIENT_UNTRUSTED, "untrusted")                                                                                \
    X(GT_CLIENT_NAME, "name")

typedef enum gt_client_refusal {
#define GT_MEMBER(label, name) label,
    GT_CLIENT_REFUSALS(GT_MEMBER)
#undef GT_MEMBER
        GT_CLIENT_REFUSAL_COUNT
} gt_client_refusal;

typedef struct gt_metrics {
#define GT_MEMBER(member, name, help) gt_counter member;
    GT_COUNTERS(GT_MEMBER)
#undef GT_MEMBER
    struct {
        gt_counter outcomes[GT_OUTCOMES];
        gt_histogram durations, budgets;
    } paths[GT_PATH_COUNT];
    gt_counter refusals[GT_REFUSAL_COUNT], clients[GT_CLIENT_REFUSAL_COUNT];
} gt_metrics; /* zero is the initial value */

/* GT_METRIC_NONE: not known, or there's no such thing. */
typedef struct gt_readings {
#define GT_MEMBER(member, name, type, help) int64_t member;
    GT_READINGS(GT_MEMBER)
#undef GT_MEMBER
    int64_t trusted[GT_ENTRY_COUNT], unknown[GT_ENTRY_COUNT];
} gt_readings;

/* A review was answered, duration_us after its request line had come, of which the caller had given budget_us. */
void gt_metrics_review(gt_metrics *metrics, gt_path path, const gt_reply *reply, int64_t duration_us,
                       int64_t budget_us);

/* A request was refused without a review. A status that isn't in the table counts as 500. */
void gt_metrics_refusal(gt_metrics *metrics, int status);

/* With what a process says of itself (lib/metrics/process.h). */
void gt_metrics_print(gt_buf *buf, const gt_metrics *metrics, const gt_readings *readings);

/* All families as a Markdown table; what docs/serving.md has. */
void gt_metrics_reference(gt_buf *buf);

#endif
