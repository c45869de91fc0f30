#include "injector/agents.h"

const gt_runtime gt_runtimes[GT_RUNTIME_COUNT] = {
#define X(name, command, argument, variable, value) {name, command, argument, variable, value},
    GT_RUNTIMES(X)
#undef X
};

const gt_provider gt_providers[GT_PROVIDER_COUNT] = {
#define X(name, key, endpoint, model) {name, key, endpoint, model},
    GT_PROVIDERS(X)
#undef X
};

const gt_runtime *gt_runtime_of(gt_str name)
{
    for (int i = 0; i < GT_RUNTIME_COUNT; i++)
        if (gt_str_is(name, gt_runtimes[i].name))
            return &gt_runtimes[i];
    return NULL;
}

const gt_provider *gt_provider_of(gt_str name)
{
    for (int i = 0; i < GT_PROVIDER_COUNT; i++)
        if (gt_str_is(name, gt_providers[i].name))
            return &gt_providers[i];
    return &gt_providers[0];
}
