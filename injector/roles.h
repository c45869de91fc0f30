/* Role profiles: layer 0, as one table. A role that isn't listed gets the last row. */
#ifndef GT_INJECTOR_ROLES_H
#define GT_INJECTOR_ROLES_H

#include "injector/layer.h"

#define GT_ROLE_STORAGE_CLASS "gp3" /* of the claims of roles that persist */

/* What a pod's security context allows (GasTown.spec.policy.podSecurity). */
typedef enum gt_security { GT_SECURITY_RESTRICTED, GT_SECURITY_BASELINE, GT_SECURITY_OPENSHIFT } gt_security;
enum { GT_SECURITY_COUNT = 3 };
extern const char *const gt_security_names[GT_SECURITY_COUNT];

/* clang-format off: a table */
/*    name        restart   claim   size    town   scope   name's variable */
#define GT_ROLES(X)                                                                                                    \
    X("polecat", "Never", false, "", false, "rig", "GT_POLECAT")                                                       \
    X("crew", "Always", true, "10Gi", false, "rig", "GT_CREW")                                                         \
    X("witness", "Always", true, "5Gi", false, "rig", "")                                                              \
    X("refinery", "Always", true, "5Gi", false, "rig", "")                                                             \
    X("mayor", "Always", false, "", true, "town", "")                                                                  \
    X("deacon", "Always", false, "", true, "town", "")                                                                 \
    X("dog", "Always", false, "", true, "town", "")                                                                    \
    X("", "Always", false, "", false, "", "")
/* clang-format on */

typedef struct gt_role {
    const char *name; /* "" for the generic profile */
    const char *restart_policy;
    bool persists; /* the workspace is a claim */
    const char *claim_size;
    bool of_town;              /* may come without a rig */
    const char *scope;         /* GT_SCOPE, "" for none; a town role that has a rig has none either */
    const char *name_variable; /* GT_POLECAT or GT_CREW, else "" */
} gt_role;

extern const gt_role gt_roles[];
enum { GT_ROLE_COUNT = 8 }; /* with the generic one, the last */

const gt_role *gt_role_of(gt_str name);

/* The built-in role that an unknown one is probably meant to be, or NULL. */
const char *gt_role_nearest(gt_str name);

/* The first row whose layer 0 is the same: polecat's, crew's, witness', or mayor's. */
const gt_role *gt_role_profile(const gt_role *role);

/* Layer 0 of a role. */
gt_layer *gt_role_layer(gt_arena *arena, const gt_role *role, gt_security security);

/* Whether layer 0 sets this member of securityContext or podSecurityContext: no template may take it away. */
bool gt_role_layer_secures(gt_field_id field, gt_str member);

#endif
