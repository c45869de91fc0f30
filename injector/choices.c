#include "injector/choices.h"

#include <stddef.h>

const char *const gt_pull_policies[] = {"Always", "IfNotPresent", "Never", NULL};
const char *const gt_dns_policies[] = {"ClusterFirst", "ClusterFirstWithHostNet", "Default", "None", NULL};
const char *const gt_storage_kinds[] = {"EmptyDir", "PersistentVolumeClaim", NULL};
const char *const gt_storage_scopes[] = {"Agent", "Rig", NULL};
const char *const gt_sidecar_modes[] = {"native", "classic", NULL};
const char *const gt_sidecar_starts[] = {"first", NULL};
const char *const gt_stuck_names[] = {"RestartPersistent", "Report", "RestartAll", NULL};
const char *const gt_rollout_names[] = {"OnUpgradeBead", "Automatic", "Manual", NULL};
const char *const gt_extras_names[] = {"Keep", "Deny", NULL};
