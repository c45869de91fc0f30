/* What Kubernetes allows as a name (apimachinery v0.35, pkg/api/validate/content). No allocation, no state;
 * thread-safe. */
#ifndef GT_LIB_KUBE_NAMES_H
#define GT_LIB_KUBE_NAMES_H

#include "lib/base/str.h"

enum { GT_DNS_LABEL_MAX = 63, GT_DNS_SUBDOMAIN_MAX = 253, GT_LABEL_VALUE_MAX = 63 };

bool gt_is_dns_label(gt_str s); /* [a-z0-9]([-a-z0-9]*[a-z0-9])?, at most 63 */
bool gt_is_dns_subdomain(
    gt_str s); /* such labels of any length with dots between, at most 253 in all, as Kubernetes has it */
bool gt_is_label_value(gt_str s);    /* empty, or ([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9], at most 63 */
bool gt_is_qualified_name(gt_str s); /* a label's or annotation's key: [subdomain/]name */
bool gt_is_env_name(gt_str s);       /* as the API server since 1.32: ASCII from blank to ~ without '=', at least one */

#endif
