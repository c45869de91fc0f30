#include "injector/roles.h"

#include <assert.h>

const gt_role gt_roles[] = {
#define X(name, restart, claim, size, town, scope, variable) {name, restart, claim, size, town, scope, variable},
    GT_ROLES(X)
#undef X
};
static_assert(sizeof gt_roles / sizeof *gt_roles == GT_ROLE_COUNT, "GT_ROLE_COUNT counts the rows");

const char *const gt_security_names[GT_SECURITY_COUNT] = {"restricted", "baseline", "openshift"};

const gt_role *gt_role_of(gt_str name)
{
    int i = 0;
    while (i < GT_ROLE_COUNT - 1 && !gt_str_is(name, gt_roles[i].name))
        i++;
    return &gt_roles[i];
}

const char *gt_role_nearest(gt_str name)
{
    enum { NEAR = 2 };
    if (gt_role_of(name)->name[0] != '\0')
        return NULL;
    for (int i = 0; i < GT_ROLE_COUNT - 1; i++)
        if (gt_str_distance(name, gt_str_of(gt_roles[i].name), NEAR) <= NEAR)
            return gt_roles[i].name;
    return NULL;
}

const gt_role *gt_role_profile(const gt_role *role)
{
    const gt_role *row = gt_roles;
    while (strcmp(row->restart_policy, role->restart_policy) != 0 || row->persists != role->persists ||
           strcmp(row->claim_size, role->claim_size) != 0)
        row++;
    return row;
}

/* What every role has, in JSON terms. The last column: not under OpenShift, where the namespace has a range of ids. */
typedef struct preset {
    gt_field_id field;
    const char *key;
    enum { TEXT, NUMBER, TRUE, FALSE, SECCOMP, ALL } kind;
    const char *text;
    bool fixed_id;
} preset;

static const preset presets[] = {
    {GT_FIELD_RESOURCES, "requests.cpu", TEXT, "500m", false},
    {GT_FIELD_RESOURCES, "requests.memory", TEXT, "1Gi", false},
    {GT_FIELD_RESOURCES, "limits.cpu", TEXT, "2", false},
    {GT_FIELD_RESOURCES, "limits.memory", TEXT, "4Gi", false},
    {GT_FIELD_AUTOMOUNT_TOKEN, "", FALSE, NULL, false},
    {GT_FIELD_GRACE, "", NUMBER, "30", false},
    /* nobody may consolidate unpushed work away */
    {GT_FIELD_ANNOTATIONS, "cluster-autoscaler.kubernetes.io/safe-to-evict", TEXT, "false", false},
    {GT_FIELD_ANNOTATIONS, "karpenter.sh/do-not-disrupt", TEXT, "true", false},
    {GT_FIELD_POD_SECURITY, "runAsUser", NUMBER, "1000", true},
    {GT_FIELD_POD_SECURITY, "runAsGroup", NUMBER, "1000", true},
    {GT_FIELD_POD_SECURITY, "fsGroup", NUMBER, "1000", true},
    {GT_FIELD_POD_SECURITY, "runAsNonRoot", TRUE, NULL, false},
    {GT_FIELD_POD_SECURITY, "fsGroupChangePolicy", TEXT, "OnRootMismatch", false},
    {GT_FIELD_POD_SECURITY, "seccompProfile", SECCOMP, NULL, false},
    {GT_FIELD_SECURITY, "allowPrivilegeEscalation", FALSE, NULL, false},
    {GT_FIELD_SECURITY, "capabilities.drop", ALL, NULL, false},
};

static gt_value *preset_value(gt_arena *arena, const preset *p)
{
    gt_value *v = NULL;
    switch (p->kind) {
    case TEXT: return gt_value_text(arena, p->text);
    case NUMBER: return gt_value_number(arena, gt_str_of(p->text));
    case TRUE:
    case FALSE: return gt_value_bool(arena, p->kind == TRUE);
    case SECCOMP:
        v = gt_value_object(arena);
        gt_value_put(arena, v, "type", gt_value_text(arena, "RuntimeDefault"));
        return v;
    case ALL:
        v = gt_value_array(arena);
        gt_value_push(v, gt_value_text(arena, "ALL"));
        return v;
    }
    return v;
}

static void set(gt_arena *arena, gt_layer *layer, gt_field_id field, const char *key, gt_value *value)
{
    gt_layer_set(arena, layer, field, gt_str_of(key), value, GT_LAYER_PROFILE);
}

gt_layer *gt_role_layer(gt_arena *arena, const gt_role *role, gt_security security)
{
    gt_layer *layer = gt_layer_new(arena);
    for (size_t i = 0; i < sizeof presets / sizeof *presets; i++)
        if (!presets[i].fixed_id || security != GT_SECURITY_OPENSHIFT)
            set(arena, layer, presets[i].field, presets[i].key, preset_value(arena, &presets[i]));
    set(arena, layer, GT_FIELD_RESTART_POLICY, "", gt_value_text(arena, role->restart_policy));
    const char *kind = role->persists ? "PersistentVolumeClaim" : "EmptyDir";
    set(arena, layer, GT_FIELD_STORAGE, "kind", gt_value_text(arena, kind));
    if (role->persists) {
        set(arena, layer, GT_FIELD_STORAGE, "size", gt_value_text(arena, role->claim_size));
        set(arena, layer, GT_FIELD_STORAGE, "storageClassName", gt_value_text(arena, GT_ROLE_STORAGE_CLASS));
    }
    return layer;
}

bool gt_role_layer_secures(gt_field_id field, gt_str member)
{
    for (size_t i = 0; i < sizeof presets / sizeof *presets; i++) {
        gt_str key = gt_str_of(presets[i].key);
        bool below = key.len > member.len && key.at[member.len] == '.' && memcmp(key.at, member.at, member.len) == 0;
        if (presets[i].field == field && (member.len == 0 || gt_str_eq(key, member) || below))
            return field == GT_FIELD_SECURITY || field == GT_FIELD_POD_SECURITY;
    }
    return false;
}
