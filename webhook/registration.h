/* What the API server is told of us: when to call, and what to make of our silence. One set of tables makes all of it, so that what is applied,
 * what `gastown-webhook check` compares the cluster with, and what the tests register is the same thing.
 *
 *   MutatingWebhookConfiguration      pods.gastown.io: agents' pods are completed
 *   ValidatingWebhookConfiguration    policy.gastown.io: what changes an agent's images or sizes later; templates.gastown.io: our own kinds
 *   ValidatingAdmissionPolicy         the final state, judged by the API server itself: no agent's pod without our hash, no other identity later
 *   ValidatingAdmissionPolicyBinding  that it is in force
 *
 * Every default that the API server would fill in is written out: what is stored is what stands here, and nothing else. caBundle is only in it when
 * given: without, applying it again leaves the published one alone. docs/registration.md says why each entry is as it is.
 * Source: admissionregistration.k8s.io/v1. Pure but for nothing: no I/O, no clock; all memory is the arena's. */
#ifndef GT_WEBHOOK_REGISTRATION_H
#define GT_WEBHOOK_REGISTRATION_H

#include "certs/entries.h"
#include "lib/json/value.h"
#include "lib/kube/api.h"

#define GT_WEBHOOK_ACCOUNT "gastown-webhook"
#define GT_WATCHER_ACCOUNT "gastown-watcher"
#define GT_INJECT_PREFIX "cert-manager.io/inject-" /* of what has cert-manager publish the authority */
#define GT_INJECT_CA_FROM GT_INJECT_PREFIX "ca-from"

typedef struct gt_registration {
    const char *name; /* of all four objects */
    const char *system_namespace, *service;
    int64_t port;                  /* of the service */
    const char *url;               /* "https://host:port" instead of the service; NULL: the service */
    gt_str ca_bundle;              /* PEM; empty: somebody else publishes it */
    const char *inject_ca_from;    /* "namespace/certificate" for cert-manager's cainjector, or NULL */
    const char *const *namespaces; /* of agents, NULL-terminated; NULL or empty: all but kube-system */
    const char *webhook_account,
        *watcher_account; /* ServiceAccounts of the system namespace that may change identities */
} gt_registration;

typedef enum gt_registered {
    GT_REGISTERED_MUTATING,
    GT_REGISTERED_VALIDATING,
    GT_REGISTERED_POLICY,
    GT_REGISTERED_BINDING,
    GT_REGISTERED_COUNT,
} gt_registered;

typedef struct gt_registered_row {
    const gt_kube_kind *resource;
    const char *kind;
} gt_registered_row;
extern const gt_registered_row gt_registered_rows[GT_REGISTERED_COUNT];

/* GT_ERR_INPUT names the setting that makes no registration, and what it may be. */
bool gt_registration_good(const gt_registration *registration, gt_err *err);

/* One of the four; the registration is good. */
gt_value *gt_registration_make(gt_arena *arena, const gt_registration *registration, gt_registered which);

#endif
