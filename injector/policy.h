/* GasTown.spec.policy: what a town allows on its agents' pods. */
#ifndef GT_INJECTOR_POLICY_H
#define GT_INJECTOR_POLICY_H

#include "injector/check.h"
#include "injector/roles.h"

/* clang-format off: a table */
/*    name                  read by    what */
#define GT_POLICIES(X)                                                                                                 \
    X("podSecurity", security, "restricted (the default), baseline or openshift")                                      \
    X("imageAllowlist", images, "registries and paths that images may come from; empty: all")                          \
    X("requireImageDigest", digest, "true: an image must be named by its digest")                                      \
    X("eventOverrides", events, "event annotations that count (default: image, bead, branch); []: none")               \
    X("riglessRoles", roles, "roles besides mayor, deacon and dog that may come without a rig")                        \
    X("maxResources", maximum, "cpu and memory that no request or limit of any container may exceed")                  \
    X("creators", creators,                                                                                            \
      "by role (* for the rest): patterns of users and groups that may create its pods; empty: whoever may create "    \
      "pods there may claim to be any agent")                                                                          \
    X("extras", extras, "containers that aren't ours: Keep (the default) or Deny")                                     \
    X("extrasAllowed", allowed, "names of containers that Deny doesn't mean")                                          \
    X("stuck", stuck,                                                                                                  \
      "what the watcher does with stuck agents: Report, RestartPersistent (the "                                       \
      "default) or RestartAll")                                                                                        \
    X("rollout", rollout,                                                                                              \
      "when the watcher replaces pods of older templates: OnUpgradeBead (the "                                         \
      "default), Automatic or Manual")
/* clang-format on */

enum { GT_POLICY_COUNT = 11 };
typedef struct gt_policy_row {
    const char *name, *what;
} gt_policy_row;
extern const gt_policy_row gt_policies[GT_POLICY_COUNT];

typedef enum gt_stuck { GT_STUCK_RESTART_PERSISTENT, GT_STUCK_REPORT, GT_STUCK_RESTART_ALL } gt_stuck;
typedef enum gt_rollout { GT_ROLLOUT_ON_UPGRADE_BEAD, GT_ROLLOUT_AUTOMATIC, GT_ROLLOUT_MANUAL } gt_rollout;

typedef struct gt_policy {
    gt_security security;
    gt_stuck stuck;
    gt_rollout rollout;
    bool require_digest, deny_extras;
    const gt_value *image_allowlist; /* list of strings, or NULL: all images */
    const gt_value *event_overrides; /* list of strings, or NULL: image, bead, branch */
    const gt_value *rigless_roles;   /* list of strings, or NULL */
    const gt_value *extras_allowed;  /* list of strings, or NULL */
    const gt_value *max_resources;   /* quantities by name, or NULL */
    const gt_value *creators;        /* {users: [...], groups: [...]} by role or "*", or NULL */
} gt_policy;

/* Reads `policy` (NULL: the defaults). What is wrong becomes a finding. */
void gt_policy_parse(gt_check *check, const gt_pointer *place, const gt_value *policy, gt_policy *out);

/* Whether the event annotation of this short name ("image") is allowed. */
bool gt_policy_allows_event(const gt_policy *policy, const char *key);

/* Whether this role may come without a rig: the role table's and the town's own. */
bool gt_policy_is_rigless(const gt_policy *policy, gt_str role);

/* Whether this user may create this role's pods. user: userInfo of the request, {username, groups}. */
bool gt_policy_admits(const gt_policy *policy, gt_str role, gt_view user);

#endif
