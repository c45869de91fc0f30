/* GasTown.spec.policy: what a town allows on its agents' pods. */
#ifndef GT_INJECTOR_POLICY_H
#define GT_INJECTOR_POLICY_H

#include "injector/check.h"
#include "injector/roles.h"

typedef struct gt_policy {
    gt_security security;
    const gt_value *image_allowlist; /* list of strings, or NULL: all images */
    bool require_digest;
    const gt_value *event_overrides; /* list of strings, or NULL: image, bead, branch */
    const gt_value *rigless_roles;   /* list of strings, or NULL */
} gt_policy;

/* Reads `policy` (NULL: the defaults). What is wrong becomes a finding. */
void gt_policy_parse(gt_check *check, const gt_pointer *place, const gt_value *policy, gt_policy *out);

/* Whether the event annotation of this short name ("image") is allowed. */
bool gt_policy_allows_event(const gt_policy *policy, const char *key);

/* Whether this role may come without a rig: the role table's and the town's own. */
bool gt_policy_is_rigless(const gt_policy *policy, gt_str role);

#endif
