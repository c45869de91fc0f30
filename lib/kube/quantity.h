/* Kubernetes quantities (apimachinery resource.Quantity): 500m, 1Gi, 2e3, 0.5. Exact: compared as integers of 10^-9, rounded up
 * below that as Kubernetes does. No allocation. */
#ifndef GT_LIB_KUBE_QUANTITY_H
#define GT_LIB_KUBE_QUANTITY_H

#include "lib/base/str.h"

typedef struct gt_quantity {
    __extension__ __int128 nanos; /* the value times 10^9; saturates at about 1.7e38 as Kubernetes caps at 2^63-1 */
} gt_quantity;

/* false: not a quantity. */
bool gt_quantity_parse(gt_str text, gt_quantity *quantity);
int gt_quantity_cmp(gt_quantity a, gt_quantity b);

#endif
