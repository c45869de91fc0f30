/* What the restricted Pod Security Standard admits, where the checker of templates and the judge of pods have to agree. Pure. */
#ifndef GT_INJECTOR_SECURITY_H
#define GT_INJECTOR_SECURITY_H

#include "lib/base/str.h"

/* The type of a seccomp or AppArmor profile: RuntimeDefault or Localhost. */
bool gt_security_confines(gt_str type);

/* The type of an SELinux label: one of containers' own, or none. */
bool gt_security_selinux_type(gt_str type);

/* A kind of volume ("emptyDir"): one that holds nothing of the node or of the network's own. */
bool gt_security_volume(gt_str kind);

/* The value of an annotation container.apparmor.security.beta.kubernetes.io/NAME. */
#define GT_APPARMOR_PREFIX "container.apparmor.security.beta.kubernetes.io/"
bool gt_security_apparmor(gt_str value);

#endif
