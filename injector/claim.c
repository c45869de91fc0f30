#include "injector/claim.h"

gt_view gt_claim_named(gt_view pod)
{
    GT_VIEW_EACH (volume, gt_view_get(gt_view_get(pod, "spec"), "volumes"))
        if (gt_view_is(gt_view_get(volume, "name"), "workspace"))
            return gt_view_get(gt_view_get(volume, "persistentVolumeClaim"), "claimName");
    return (gt_view){NULL};
}

static void put_text(gt_arena *arena, gt_value *object, const char *key, gt_str text)
{
    gt_value_put(arena, object, key, gt_value_string(arena, text));
}

/* ---- what the templates say ---- */

static const gt_cell *storage(const gt_injection *in, const char *member)
{
    return gt_layer_get(in->resolved, GT_FIELD_STORAGE, gt_str_of(member));
}

/* The object that people change to change this; what comes from the role profile or an event is the town's to override. */
static gt_str owner_of(const gt_injection *in, const gt_cell *cell)
{
    const gt_plan *plan = &in->plan;
    switch (cell->origin) {
    case GT_LAYER_RIG:
    case GT_LAYER_ROLE: return plan->rig->title;
    case GT_LAYER_POOL: return plan->pool->title;
    default: return plan->town->title;
    }
}

static void read_cell(gt_arena *arena, const gt_injection *in, const char *member, gt_str *text, gt_str *from,
                      gt_str *owner)
{
    const gt_cell *cell = storage(in, member);
    if (cell == NULL)
        return;
    gt_from source = gt_from_cell(GT_FIELD_STORAGE, cell);
    *text = cell->value->text;
    *from = gt_from_title(arena, in, &source);
    *owner = owner_of(in, cell);
}

/* ---- the document ---- */

static gt_value *labels_of(gt_arena *arena, const gt_identity *id)
{
    gt_value *labels = gt_value_object(arena);
    put_text(arena, labels, GT_LABEL_APP, GT_STR("gastown"));
    put_text(arena, labels, GT_LABEL_MANAGED_BY, GT_STR(GT_MANAGED_BY));
    if (id->has_rig)
        put_text(arena, labels, GT_LABEL_RIG, gt_label_of(arena, id->rig));
    put_text(arena, labels, GT_LABEL_ROLE, id->role);
    put_text(arena, labels, GT_LABEL_AGENT, gt_label_of(arena, id->agent));
    return labels;
}

static void put_raw(gt_arena *arena, gt_value *annotations, const char *key, gt_str raw)
{
    if (!gt_str_eq(raw, gt_label_of(arena, raw)))
        put_text(arena, annotations, key, raw);
}

/* Nothing said means keep it: there may be work in it that is nowhere else. */
static gt_value *annotations_of(gt_arena *arena, const gt_injection *in)
{
    gt_value *annotations = gt_value_object(arena);
    const gt_cell *retain = storage(in, "retain");
    bool keep = retain == NULL || gt_value_true(retain->value);
    if (in->identity.has_rig)
        put_raw(arena, annotations, GT_ANNOTATION_RAW_RIG, in->identity.rig);
    put_raw(arena, annotations, GT_ANNOTATION_RAW_AGENT, in->identity.agent);
    put_text(arena, annotations, GT_ANNOTATION_RETAIN, keep ? GT_STR("true") : GT_STR("false"));
    return annotations;
}

static gt_value *modes_of(gt_arena *arena, const gt_injection *in)
{
    const gt_cell *cell = storage(in, "accessModes");
    if (cell != NULL && cell->value->count > 0)
        return gt_value_ref(arena, cell->value);
    gt_value *modes = gt_value_array(arena);
    gt_value_push(modes, gt_value_text(arena, "ReadWriteOnce"));
    return modes;
}

static gt_value *spec_of(gt_arena *arena, const gt_injection *in, const gt_claim *claim)
{
    gt_value *spec = gt_value_object(arena), *resources = gt_value_object(arena), *requests = gt_value_object(arena);
    gt_value_put(arena, spec, "accessModes", modes_of(arena, in));
    put_text(arena, requests, "storage", claim->size);
    gt_value_put(arena, resources, "requests", requests);
    gt_value_put(arena, spec, "resources", resources);
    if (claim->class_name.at != NULL)
        put_text(arena, spec, "storageClassName", claim->class_name);
    return spec;
}

static gt_value *document_of(gt_arena *arena, const gt_injection *in, gt_str ns, const gt_claim *claim)
{
    gt_value *document = gt_value_object(arena), *metadata = gt_value_object(arena);
    put_text(arena, document, "apiVersion", GT_STR("v1"));
    put_text(arena, document, "kind", GT_STR("PersistentVolumeClaim"));
    put_text(arena, metadata, "name", claim->name);
    put_text(arena, metadata, "namespace", ns);
    gt_value_put(arena, metadata, "labels", labels_of(arena, &in->identity));
    gt_value_put(arena, metadata, "annotations", annotations_of(arena, in));
    gt_value_put(arena, document, "metadata", metadata);
    gt_value_put(arena, document, "spec", spec_of(arena, in, claim));
    return document;
}

bool gt_claim_of(gt_arena *arena, const gt_injection *in, gt_str ns, gt_claim *claim)
{
    if (in->resolved == NULL)
        return false;
    *claim = (gt_claim){.name = in->identity.claim};
    read_cell(arena, in, "size", &claim->size, &claim->size_from, &claim->size_owner);
    read_cell(arena, in, "storageClassName", &claim->class_name, &claim->class_from, &claim->class_owner);
    if (claim->size.at != NULL)
        claim->document = document_of(arena, in, ns, claim);
    else
        claim->size_owner = in->plan.town->title;
    return true;
}
