#include "injector/fields.h"

const gt_field_row gt_field_rows[GT_FIELD_COUNT] = {
#define X(id, name, merge, type, what) {name, GT_MERGE_##merge, GT_TYPE_##type, what},
    GT_FIELDS(X)
#undef X
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
