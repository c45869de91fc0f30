/* Who an agent is, and what its pod, labels and claim are called; docs/injection.md says it for users.
 *
 * Raw names come from the tracker and may hold anything; a label value and a pod name each allow their own alphabet. A raw name
 * that its target can't hold is sanitised for that target and gets a hash of the raw text as suffix, so that two agents never
 * share a name. Creators (the watcher) sanitise; the engine only verifies. Pure functions. */
#ifndef GT_INJECTOR_IDENTITY_H
#define GT_INJECTOR_IDENTITY_H

#include "injector/policy.h"
#include "injector/record.h"

#define GT_LABEL_APP "app.kubernetes.io/name"
#define GT_LABEL_RIG "gastown.io/rig"
#define GT_LABEL_ROLE "gastown.io/role"
#define GT_LABEL_AGENT "gastown.io/agent"
#define GT_ANNOTATION_RAW_RIG "gastown.io/raw-rig"
#define GT_ANNOTATION_RAW_AGENT "gastown.io/raw-agent"
#define GT_EVENT_PREFIX "event.gastown.io/"
#define GT_TOWN_RIG "town" /* the rig of mayor, deacon and dogs that have no rig of their own */

/* Keys of ours behind gastown.io/, in annotations. */
/* clang-format off: a table */
#define GT_ANNOTATIONS(X)                                                                                              \
    X("raw-rig", "the rig's name where a label can't hold it; it must sanitise to the label")                          \
    X("raw-agent", "the same for the agent's name")                                                                    \
    X("bead-id", "the bead that the agent is hooked to")                                                               \
    X("template-hash", "of the resolved template: pods with the same one came out the same")                           \
    X("layers", "the objects that it was made of, with their generations")                                             \
    X("engine", "the engine's revision: it goes up when the same templates come out as another pod")                   \
    X("overtime", "a polecat that runs for longer than its rig's maxRuntime")
/* clang-format on */

/* The label value that stands for a raw name: the name itself where it is a label value (empty isn't), else every illegal byte as
 * '-', "-_." trimmed off both ends, cut so that "-" and 8 hex digits of SHA-256(raw) fit into 63; nothing left: the hash alone. */
gt_str gt_label_of(gt_arena *arena, gt_str raw);

/* The pod name gt-{rig}-{role}-{agent} as a DNS label of at most 63: lower case, illegal bytes as '-', trimmed, cut, with a hash of
 * rig NUL role NUL agent where the result differs from the raw text or where rig or role holds a '-'. */
gt_str gt_pod_name_of(gt_arena *arena, gt_str rig, gt_str role, gt_str agent);

/* An agent, as the labels and annotations of its pod say. Raw names, validated copies. */
typedef struct gt_identity {
    gt_str rig; /* GT_TOWN_RIG for a town role without a rig label */
    gt_str role, agent;
    bool has_rig; /* there is a rig label */
    gt_str claim; /* {identity's pod name}-workspace */
} gt_identity;

/* Whether a pod is ours at all: it carries the agent label. */
bool gt_identity_is_ours(gt_view pod);

/* Whether it says that it is a node's report of a static pod. Nobody can add that later. */
#define GT_ANNOTATION_MIRROR "kubernetes.io/config.mirror"
bool gt_identity_is_mirror(gt_view pod);

/* Reads and verifies; what is missing (422), malformed (422) or forged (403) goes to the record. false: denied. */
bool gt_identity_read(gt_record *record, const gt_policy *policy, gt_view pod, gt_identity *identity);

/* [a-z]([a-z0-9-]*[a-z0-9])?, at most 63. */
bool gt_role_is_legal(gt_str role);

/* mayor, deacon, dog: may come without a rig label; their rig is then GT_TOWN_RIG. */
bool gt_role_is_of_town(gt_str role);

#endif
