/* Findings about documents that only show when all of them are known. */
#include "injector/inside.h"

static const gt_str NONE = {"", 0};

/* Two of them deny the pods concerned, so neither is refused; but nobody wants that. */
static void check_conflict(const gt_build *b, gt_check *check, const gt_object *o, const gt_value *at)
{
    const gt_object *found[2] = {NULL, NULL};
    bool nameless = (o->kind == GT_KIND_RIG || o->kind == GT_KIND_POOL) && o->spec_name.len == 0;
    if (nameless || o->displaced ||
        gt_places_claimants(b->s, b->scratch, o->kind, o->ns, o->spec_name, o->role, found) < 2)
        return;
    const gt_object *other = found[0] == o ? found[1] : found[0];
    if (o->broken || other->broken)
        return; /* that is said already, and the other one holds */
    gt_check_error(check, at, NULL, "claims the same place as %s (%.*s): pods that need it are denied, keep one",
                   other->title.at, GT_STR_ARG(other->file));
    check->last->conflict = true;
}

/* Two classes of one name can only stand in a folder, and no pod is denied for it. */
static void check_twin(const gt_snapshot *s, gt_check *check, const gt_object *class, const gt_value *at)
{
    const gt_object *first = gt_map_get(&s->classes, class->name), *other = first == class ? class->next : first;
    if (other == NULL || class->displaced || class->broken || other->broken)
        return;
    gt_check_error(check, at, NULL, "has the name of another StorageClass (%.*s): keep one", GT_STR_ARG(other->file));
    check->last->conflict = true;
}

static const char *nearest_class(const gt_object *const classes[], size_t n, gt_str name)
{
    enum { NEAR = 2 };
    for (size_t i = 0; i < n && name.len <= 64; i++)
        if (classes[i]->name.len <= 64 && gt_str_distance(name, classes[i]->name, NEAR) <= NEAR)
            return classes[i]->name.at;
    return NULL;
}

typedef struct class_check {
    const gt_snapshot *s;
    gt_check *check;
    const gt_object *classes[32]; /* that may be meant; of very many the first */
    size_t count;
} class_check;

static void add_class(class_check *c, const gt_object *o)
{
    bool room = c->count < sizeof c->classes / sizeof *c->classes;
    if (room && o != NULL && o->kind == GT_KIND_CLASS && o->name.len > 0)
        c->classes[c->count++] = o;
}

static void check_class(const class_check *c, const gt_kept_layer *layer, const gt_pointer *place)
{
    gt_pointer storage = gt_member(place, "storage"), at = gt_member(&storage, "storageClassName");
    const gt_cell *cell = gt_kept_get(layer, GT_FIELD_STORAGE, GT_STR("storageClassName"));
    const gt_value *name = cell == NULL ? NULL : cell->value;
    if (name == NULL || name->text.len == 0 || gt_map_get(&c->s->classes, name->text) != NULL)
        return;
    const char *nearest = nearest_class(c->classes, c->count, name->text);
    if (nearest == NULL)
        gt_check_warn(c->check, name, &at, "no StorageClass is called %.253s", name->text.at);
    else
        gt_check_warn(c->check, name, &at, "no StorageClass is called %.253s (did you mean %s?)", name->text.at,
                      nearest);
}

/* The layers of an object; "" asks for a volume without a class, and layer 0 names one that nobody here has chosen. */
static void check_classes(const class_check *c, const gt_object *o)
{
    static const char *const templates[GT_KIND_COUNT] = {"defaults", "podOverrides", "template", NULL, NULL};
    gt_pointer spec = gt_member(NULL, "spec"), roles = gt_member(&spec, "roleOverrides");
    if (c->s->classes.count == 0 || o->broken || templates[o->kind] == NULL)
        return;
    gt_pointer at = gt_member(&spec, templates[o->kind]);
    check_class(c, o->layer, &at);
    for (size_t i = 0; i < o->role_count; i++) {
        gt_pointer role = gt_member_str(&roles, o->roles[i].role);
        check_class(c, o->roles[i].layer, &role);
    }
}

static const char *nearest_rig(const gt_snapshot *s, gt_str name)
{
    enum { NEAR = 2 };
    for (size_t i = 0; i < s->documents; i++) {
        const gt_object *o = s->all[i];
        if (o != NULL && o->kind == GT_KIND_RIG && o->spec_name.len > 0 && o->spec_name.len <= 64 &&
            gt_str_distance(name, o->spec_name, NEAR) <= NEAR)
            return o->spec_name.at;
    }
    return NULL;
}

/* A pool may be for a rig that has no object; one whose rig is nearly one that has is a slip. */
static void check_pools_rig(const gt_build *b, gt_check *check, const gt_object *o, const gt_value *at)
{
    gt_pointer spec = gt_member(NULL, "spec"), rig = gt_member(&spec, "rig");
    for (const gt_object *other = gt_map_get(&b->of_rigs, o->spec_name); other != NULL; other = other->next_of_rig)
        if (other->kind == GT_KIND_RIG)
            return;
    const char *nearest = o->spec_name.len == 0 || o->spec_name.len > 64 ? NULL : nearest_rig(b->s, o->spec_name);
    if (nearest != NULL)
        gt_check_warn(check, gt_value_get(gt_value_get(at, "spec"), "rig"), &rig,
                      "there is no Rig %s (did you mean %s?)", o->spec_name.at, nearest);
}

static void check_town(const gt_build *b, gt_check *check, const gt_object *o, const gt_value *at)
{
    const gt_object *found[2];
    gt_pointer metadata = gt_member(NULL, "metadata"), ns = gt_member(&metadata, "namespace");
    if (o->ns.len > 0 && gt_places_claimants(b->s, b->scratch, GT_KIND_TOWN, o->ns, NONE, NONE, found) == 0)
        gt_check_warn(check, gt_value_get(gt_value_get(at, "metadata"), "namespace"), &ns,
                      "no GasTown is for the namespace %s: there pods are denied", o->ns.at);
}

/* Linear but for pools without a Rig, which each look for one with nearly their name: only in a folder of a usual size. */
void gt_between_check(gt_build *b, gt_check *check)
{
    const gt_snapshot *s = b->s;
    enum { USUAL = 1000 };
    bool any_town = false;
    class_check classes = {.s = s, .check = check};
    for (size_t i = 0; i < s->documents; i++) {
        any_town = any_town || (s->all[i] != NULL && s->all[i]->kind == GT_KIND_TOWN);
        add_class(&classes, s->all[i]);
    }
    for (size_t i = 0; i < s->documents; i++) {
        const gt_object *o = s->all[i];
        if (o == NULL)
            continue;
        check->document = i;
        check->file = o->file;
        check->object = o->title;
        if (o->kind == GT_KIND_CLASS)
            check_twin(s, check, o, b->documents[i].value);
        else
            check_conflict(b, check, o, b->documents[i].value);
        check_classes(&classes, o);
        if (o->kind == GT_KIND_POOL && s->documents <= USUAL)
            check_pools_rig(b, check, o, b->documents[i].value);
        if (any_town && o->kind != GT_KIND_TOWN)
            check_town(b, check, o, b->documents[i].value);
        gt_arena_reset(b->scratch);
    }
}
