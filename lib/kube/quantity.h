/* Kubernetes quantities (apimachinery v0.35, resource.Quantity): 500m, 1Gi, 2e3, 0.5. Exact: compared as integers of
 * 10^-9, rounded away from zero below that as Kubernetes does. No allocation, no state; thread-safe. Linear in the
 * text. */
#ifndef GT_LIB_KUBE_QUANTITY_H
#define GT_LIB_KUBE_QUANTITY_H

#include "lib/base/str.h"

typedef struct gt_quantity {
    __extension__ __int128
        nanos; /* the value times 10^9, at most 2^127-1 (Kubernetes caps Ki..Ei at 2^63-1, and no other) */
} gt_quantity;

/* false: not a quantity, and *quantity is left alone. What Kubernetes takes is taken: "Ki", "." and "-" are 0 there. */
bool gt_quantity_parse(gt_str text, gt_quantity *quantity);
int gt_quantity_cmp(gt_quantity a, gt_quantity b);

#endif
