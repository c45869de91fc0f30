#include "injector/fields.h"

const gt_field_row gt_field_rows[GT_FIELD_COUNT] = {
#define X(id, name, merge, type, what) {name, GT_MERGE_##merge, GT_TYPE_##type, what},
    GT_FIELDS(X)
#undef X
};

/* A row of GT_FIELDS that isn't here fails a test. */
const gt_field_id gt_fields_sorted[GT_FIELD_COUNT] = {
    GT_FIELD_DEADLINE,
    GT_FIELD_AFFINITY,
    GT_FIELD_AGENT,
    GT_FIELD_ANNOTATIONS,
    GT_FIELD_ARGS,
    GT_FIELD_AUTOMOUNT_TOKEN,
    GT_FIELD_BEAD,
    GT_FIELD_COMMAND,
    GT_FIELD_CONFIG_MAP,
    GT_FIELD_DAEMON,
    GT_FIELD_DNS_CONFIG,
    GT_FIELD_DNS_POLICY,
    GT_FIELD_ENV,
    GT_FIELD_ENV_FROM,
    GT_FIELD_GIT,
    GT_FIELD_HOST_ALIASES,
    GT_FIELD_IMAGE,
    GT_FIELD_IMAGE_PULL_POLICY,
    GT_FIELD_PULL_SECRETS,
    GT_FIELD_INIT_CONTAINERS,
    GT_FIELD_LABELS,
    GT_FIELD_LIVENESS,
    GT_FIELD_NODE_SELECTOR,
    GT_FIELD_POD_SECURITY,
    GT_FIELD_PORTS,
    GT_FIELD_PRIORITY_CLASS,
    GT_FIELD_READINESS,
    GT_FIELD_RESOURCES,
    GT_FIELD_RESTART_POLICY,
    GT_FIELD_RUNTIME_CLASS,
    GT_FIELD_SCROLLBACK,
    GT_FIELD_SECRET_ENV,
    GT_FIELD_SECURITY,
    GT_FIELD_SERVICE_ACCOUNT,
    GT_FIELD_SHARE_PROCESSES,
    GT_FIELD_SIDECARS,
    GT_FIELD_STARTUP,
    GT_FIELD_STORAGE,
    GT_FIELD_GRACE,
    GT_FIELD_TOLERATIONS,
    GT_FIELD_TOPOLOGY_SPREAD,
    GT_FIELD_VOLUME_MOUNTS,
    GT_FIELD_VOLUMES,
    GT_FIELD_WORKING_DIR,
};

gt_field_id gt_field_by_name(gt_str name)
{
    int id = 0;
    while (id < GT_FIELD_COUNT &&
           (gt_field_rows[id].type == GT_TYPE_INTERNAL || !gt_str_is(name, gt_field_rows[id].name)))
        id++;
    return (gt_field_id)id;
}

const char *gt_field_nearest(gt_str name)
{
    size_t best = 4;
    const char *nearest = NULL;
    for (int id = 0; id < GT_FIELD_COUNT; id++) {
        if (gt_field_rows[id].type == GT_TYPE_INTERNAL)
            continue;
        size_t distance = gt_str_distance(name, gt_str_of(gt_field_rows[id].name), best - 1);
        if (distance < best) {
            best = distance;
            nearest = gt_field_rows[id].name;
        }
    }
    return nearest;
}

bool gt_member_is_nested(gt_field_id field, gt_str member)
{
    switch (field) {
    case GT_FIELD_SECURITY: return gt_str_is(member, "capabilities");
    case GT_FIELD_AGENT: return gt_str_is(member, "apiKeySecret");
    case GT_FIELD_DAEMON: return gt_str_is(member, "tokenSecretRef");
    default: return false;
    }
}
