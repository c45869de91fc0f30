/* What the restricted Pod Security Standard admits, where the checker of templates and the judge of pods have to agree. Pure. */
#ifndef GT_INJECTOR_SECURITY_H
#define GT_INJECTOR_SECURITY_H

#include "injector/fields.h"

/* The type of a seccomp or AppArmor profile: RuntimeDefault or Localhost. */
bool gt_security_confines(gt_str type);

/* The type of an SELinux label: one of containers' own, or none. */
bool gt_security_selinux_type(gt_str type);

/* A kind of volume ("emptyDir"): one that holds nothing of the node or of the network's own. */
bool gt_security_volume(gt_str kind);

/* The value of an annotation container.apparmor.security.beta.kubernetes.io/NAME. */
#define GT_APPARMOR_PREFIX "container.apparmor.security.beta.kubernetes.io/"
bool gt_security_apparmor(gt_str value);

/* ---- members of a container's and a pod's security context (core/v1), as a table ---- */

/* When a member would weaken the profile. */
typedef enum gt_danger {
    GT_DANGER_NOTHING,
    GT_DANGER_IF_TRUE,
    GT_DANGER_IF_FALSE,
    GT_DANGER_IF_ZERO,
    GT_DANGER_IF_NOT_DEFAULT,
    GT_DANGER_UNLESS_CONFINED,
    GT_DANGER_IF_HOST_PROCESS,
    GT_DANGER_UNLESS_CONTAINERS, /* an SELinux label */
    GT_DANGER_UNLESS_EMPTY
} gt_danger;

typedef enum gt_security_of { GT_SECURITY_OF_BOTH, GT_SECURITY_OF_CONTAINER, GT_SECURITY_OF_POD } gt_security_of;

typedef struct gt_security_member {
    const char *name;
    gt_security_of of; /* for the schema: where Kubernetes has it */
    gt_field_type type;
    gt_danger danger;
    const char *why; /* NULL: never dangerous */
} gt_security_member;

enum { GT_SECURITY_MEMBER_COUNT = 16 };
extern const gt_security_member gt_security_members[GT_SECURITY_MEMBER_COUNT]; /* containers.c; others pass */

#endif
