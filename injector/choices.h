/* The words that a field may hold, where it is one of a few: what the checker asks for and the schemas of the CRDs list. */
#ifndef GT_INJECTOR_CHOICES_H
#define GT_INJECTOR_CHOICES_H

/* Each ends with NULL. */
extern const char *const gt_pull_policies[], *const gt_dns_policies[];
extern const char *const gt_storage_kinds[], *const gt_storage_scopes[]; /* the first scope is the one that works */
extern const char *const gt_sidecar_modes[], *const gt_sidecar_starts[];
extern const char *const gt_stuck_names[], *const gt_rollout_names[]; /* by gt_stuck, gt_rollout */
extern const char *const gt_extras_names[];                           /* Keep, Deny */

#endif
