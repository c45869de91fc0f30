#include "catalogue/kinds.h"

const gt_kube_kind gt_kind_resources[GT_KIND_COUNT] = {
    [GT_KIND_TOWN] = {"gastown.io", "v1alpha1", "gastowns"},      [GT_KIND_RIG] = {"gastown.io", "v1alpha1", "rigs"},
    [GT_KIND_POOL] = {"gastown.io", "v1alpha1", "agentpools"},    [GT_KIND_ACCOUNT] = {"", "v1", "serviceaccounts"},
    [GT_KIND_CLASS] = {"storage.k8s.io", "v1", "storageclasses"},
};
