#include "injector/volumes.h"

#include "injector/target.h"

const gt_named_volume gt_named_volumes[GT_NAMED_VOLUME_COUNT] = {
#define X(name, field, key, source, member, path, needs) {name, GT_FIELD_##field, key, source, member, path, needs},
    GT_NAMED_VOLUMES(X)
#undef X
};

bool gt_volume_is_built_in(gt_str name)
{
    for (int i = 0; i < GT_NAMED_VOLUME_COUNT; i++)
        if (gt_str_is(name, gt_named_volumes[i].name))
            return true;
    return gt_str_is(name, "workspace"); /* a template may have a tmp of its own, in memory for instance */
}

static void add_volume(gt_target *target, gt_str name, const char *source, gt_value *config, gt_from from)
{
    gt_value *volume = gt_value_object(target->arena);
    gt_value_append(volume, GT_STR("name"), gt_value_string(target->arena, name));
    gt_value_append(volume, gt_str_of(source), config);
    gt_want_leaf(target->arena, target->volumes, name, volume, from);
}

static void add_mount(gt_target *target, const char *name, const char *path, const char *sub_path, bool read_only,
                      gt_from from)
{
    const gt_cells *templates = &target->resolved->cells[GT_FIELD_VOLUME_MOUNTS];
    for (uint32_t i = 0; i < templates->count; i++)
        if (gt_str_is(templates->at[i].key, path))
            return; /* a template mounts something else there */
    gt_value *mount = gt_value_object(target->arena);
    gt_value_append(mount, GT_STR("name"), gt_value_text(target->arena, name));
    gt_value_append(mount, GT_STR("mountPath"), gt_value_text(target->arena, path));
    if (sub_path != NULL)
        gt_value_append(mount, GT_STR("subPath"), gt_value_text(target->arena, sub_path));
    if (read_only)
        gt_value_append(mount, GT_STR("readOnly"), gt_value_bool(target->arena, true));
    gt_want_leaf(target->arena, target->mounts, gt_str_of(path), mount, from);
}

static gt_value *named(gt_target *target, const char *key, const gt_value *name)
{
    gt_value *config = gt_value_object(target->arena);
    gt_value_append(config, gt_str_of(key), gt_value_ref(target->arena, name));
    return config;
}

static void add_workspace(gt_target *target)
{
    const gt_cell *kind = gt_target_cell(target, GT_FIELD_STORAGE, "kind");
    bool unset = kind == NULL; /* and a workspace there must be: the role's own kind */
    bool claim =
        unset ? gt_role_of(target->identity->role)->persists : gt_value_is(kind->value, "PersistentVolumeClaim");
    gt_from from = unset ? gt_from_engine("role profile") : gt_from_cell(GT_FIELD_STORAGE, kind);
    gt_value *config = claim ? named(target, "claimName", gt_value_string(target->arena, target->identity->claim))
                             : gt_value_object(target->arena);
    add_volume(target, GT_STR("workspace"), claim ? "persistentVolumeClaim" : "emptyDir", config, from);
    add_mount(target, "workspace", GT_WORKSPACE_PATH, NULL, false, from);
    if (claim)
        add_mount(target, "workspace", "/home/agent/.claude", ".state/claude", false, from);
}

static void add_tmp(gt_target *target)
{
    gt_from from = gt_from_engine("role profile");
    if (gt_target_cell(target, GT_FIELD_VOLUMES, "tmp") == NULL)
        add_volume(target, GT_STR("tmp"), "emptyDir", gt_value_object(target->arena), from);
    add_mount(target, "tmp", "/tmp", NULL, false, from);
}

static void add_named(gt_target *target, const gt_named_volume *row)
{
    const gt_cell *cell = gt_target_cell(target, row->field, row->key);
    if (cell == NULL || (row->needs != NULL && gt_target_cell(target, row->field, row->needs) == NULL))
        return;
    gt_from from = gt_from_cell(row->field, cell);
    add_volume(target, gt_str_of(row->name), row->source, named(target, row->member, cell->value), from);
    add_mount(target, row->name, row->path, NULL, true, from);
}

static void add_template_volumes(gt_target *target)
{
    const gt_cells *volumes = &target->resolved->cells[GT_FIELD_VOLUMES],
                   *mounts = &target->resolved->cells[GT_FIELD_VOLUME_MOUNTS];
    for (uint32_t i = 0; i < volumes->count; i++)
        if (volumes->at[i].value != NULL)
            gt_want_leaf(target->arena, target->volumes, volumes->at[i].key, volumes->at[i].value,
                         gt_from_cell(GT_FIELD_VOLUMES, &volumes->at[i]));
    for (uint32_t i = 0; i < mounts->count; i++)
        if (mounts->at[i].value != NULL)
            gt_want_leaf(target->arena, target->mounts, mounts->at[i].key, mounts->at[i].value,
                         gt_from_cell(GT_FIELD_VOLUME_MOUNTS, &mounts->at[i]));
}

void gt_target_volumes(gt_target *target)
{
    target->volumes = gt_want_new(target->arena, target->spec, GT_STR("volumes"), GT_RULE_VOLUMES);
    target->mounts = gt_want_new(target->arena, target->agent, GT_STR("volumeMounts"), GT_RULE_MOUNTS);
    add_workspace(target);
    add_tmp(target);
    for (int i = 0; i < GT_NAMED_VOLUME_COUNT; i++)
        add_named(target, &gt_named_volumes[i]);
    add_template_volumes(target);
}

void gt_target_mount(gt_target *target, gt_want *mounts, const char *path)
{
    for (const gt_want *mount = target->mounts->first; mount != NULL; mount = mount->next)
        if (gt_str_is(mount->name, path))
            gt_want_leaf(target->arena, mounts, mount->name, mount->value, mount->from);
}
