/* `gastown-webhook check`: is the cluster as the webhook needs it? One row for each question, with what to do about the answer.
 *
 * Asked with the rights of whoever calls it, by calls that block (lib/kube/client.h); nothing is written, pods are dry runs. A right that is missing makes a row
 * UNKNOWN: never ok, never wrong. Text of the cluster's is shown escaped. Its parts: check_objects.c compares what is registered,
 * check_serving.c looks at certificates, Service and endpoints, check_pods.c sends dry-run pods. One thread. */
#ifndef GT_WEBHOOK_CHECK_H
#define GT_WEBHOOK_CHECK_H

#include "certs/entries.h"
#include "lib/kube/api.h"
#include "webhook/registration.h"

typedef enum gt_verdict {
    GT_VERDICT_OK,
    GT_VERDICT_WARN,
    GT_VERDICT_FAIL,
    GT_VERDICT_UNKNOWN,
    GT_VERDICT_COUNT,
} gt_verdict;

typedef struct gt_survey_row gt_survey_row;
struct gt_survey_row {
    gt_verdict verdict;
    gt_str what, said; /* "mutatingwebhookconfigurations/gastown", one line */
    const char *todo;  /* or NULL: nothing */
    const gt_survey_row *next;
};

typedef struct gt_survey {
    gt_arena *arena;
    gt_kube_client *client;
    const gt_registration *registration;
    const char *secret;
    int64_t now_s;                     /* since 1970 */
    gt_str bundles[GT_ENTRY_COUNT];    /* caBundle as it was found, PEM; empty: none, or not known */
    bool bundle_known[GT_ENTRY_COUNT]; /* the entry is there, and was read */
    const gt_survey_row *first;
    gt_survey_row *last;
    size_t count[GT_VERDICT_COUNT];
    bool silent; /* a request had no answer in time: no more are sent */
} gt_survey;

void gt_survey_add(gt_survey *check, gt_verdict verdict, gt_str what, const char *todo, const char *fmt, ...)
    __attribute__((format(printf, 5, 6)));

typedef enum gt_survey_found { GT_FOUND, GT_FOUND_NOT, GT_FOUND_UNKNOWN } gt_survey_found;

/* An object as a value. GT_FOUND_UNKNOWN: a row says why. */
gt_survey_found gt_survey_get(gt_survey *check, const gt_kube_kind *kind, const char *ns, const char *name, gt_str what,
                              gt_value **object);
/* A request failed, and it isn't known what would have come of it: an UNKNOWN row, which names the right if it is one that is missing. */
void gt_survey_unknown(gt_survey *check, gt_str what, const char *verb, const gt_kube_kind *kind, const char *ns,
                       const gt_err *err);

/* The version. False: nobody answers, or not to us; nothing else can be asked then. */
bool gt_survey_version(gt_survey *check, gt_err *err);
void gt_survey_definitions(gt_survey *check);
void gt_survey_registered(gt_survey *check); /* fills bundles */
void gt_survey_bundles(gt_survey *check);
void gt_survey_certificate(gt_survey *check);
void gt_survey_service(gt_survey *check);
void gt_survey_agent(gt_survey *check);
void gt_survey_others(gt_survey *check);

struct gt_verb_options;
/* The verb; the exit status. */
int gt_survey_main(gt_arena *arena, const struct gt_verb_options *options);

#endif
