/* Where the API server is told of us: our entries in two objects, a MutatingWebhookConfiguration and a ValidatingWebhookConfiguration of
 * one name. An entry is only ever found by its name: other programs may put theirs before ours, or between them.
 *
 * This table is what the generated configurations, `check`, `publish` and readiness go by. */
#ifndef GT_CERTS_ENTRIES_H
#define GT_CERTS_ENTRIES_H

#define GT_REGISTRATION_NAME "gastown" /* of both objects, unless a setting says otherwise */

/* What gastown-certs, gastown-webhook and its verbs take for granted, unless a setting says otherwise. */
#define GT_SYSTEM_NAMESPACE "gastown-system"
#define GT_SERVICE_NAME "gastown-webhook"
#define GT_CERTS_SECRET "gastown-webhook-certs" /* of the webhook's certificate, in the system namespace */

typedef enum gt_registration_kind {
    GT_REGISTRATION_MUTATING,
    GT_REGISTRATION_VALIDATING,
    GT_REGISTRATION_KINDS,
} gt_registration_kind;

/* label in C, the object that it's in, its name */
#define GT_ENTRIES(X)                                                                                                  \
    X(GT_ENTRY_PODS, GT_REGISTRATION_MUTATING, "pods.gastown.io")                                                      \
    X(GT_ENTRY_POLICY, GT_REGISTRATION_VALIDATING, "policy.gastown.io")                                                \
    X(GT_ENTRY_TEMPLATES, GT_REGISTRATION_VALIDATING, "templates.gastown.io")

typedef enum gt_entry {
#define GT_MEMBER(label, kind, name) label,
    GT_ENTRIES(GT_MEMBER)
#undef GT_MEMBER
        GT_ENTRY_COUNT
} gt_entry;

typedef struct gt_entry_row {
    gt_registration_kind kind;
    const char *name;
} gt_entry_row;
extern const gt_entry_row gt_entries[GT_ENTRY_COUNT];

#endif
