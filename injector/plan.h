/* Objects and plans: what a snapshot is made of.
 *
 * An object is one accepted GasTown, Rig or AgentPool; or a namespace's ServiceAccount `default`, which says what pull secrets a pod
 * got from it before it came to us; or a StorageClass, which says what claims may ask for. A plan is what a town, a rig, a pool and a role come to together: the layers
 * 0 to 4 merged once, when the snapshot is built, so that a request only looks its plan up. */
#ifndef GT_INJECTOR_PLAN_H
#define GT_INJECTOR_PLAN_H

#include "injector/kept.h"
#include "injector/policy.h"
#include "injector/snapshot.h"

typedef enum gt_kind { GT_KIND_TOWN, GT_KIND_RIG, GT_KIND_POOL, GT_KIND_ACCOUNT, GT_KIND_CLASS, GT_KIND_COUNT } gt_kind;
extern const char
    *const gt_kind_names[GT_KIND_COUNT]; /* "GasTown", "Rig", "AgentPool", "ServiceAccount", "StorageClass" */

typedef struct gt_role_layer_entry {
    gt_str role;
    const gt_kept_layer *layer;
} gt_role_layer_entry;

typedef struct gt_object {
    gt_kind kind;
    gt_str ns, name; /* metadata; ns empty: any namespace, or a class, which has none */
    gt_str title;    /* "Rig/gastown" */
    gt_str file;     /* where it stands, for messages */
    int64_t generation;
    size_t document;
    gt_str source;    /* the document, as JSON: for a check of others with it */
    bool broken;      /* an error in it: only what identifies it is valid */
    bool displaced;   /* an older object holds its place: no pod sees it (GT_CLAIMS_FIRST_HOLDS) */
    gt_str spec_name; /* town: its name; rig: the rig's; pool: the rig it belongs to. Empty in a broken one: unknown */
    gt_str role;      /* pool */
    const gt_kept_layer *layer; /* defaults, podOverrides or template */
    gt_role_layer_entry *roles; /* rig: roleOverrides */
    size_t role_count;
    gt_policy policy;              /* town */
    const gt_value *pull_secrets;  /* account; NULL: none */
    bool expandable;               /* class: allowVolumeExpansion */
    struct gt_object *next;        /* that claims the same place */
    struct gt_object *next_of_rig; /* with the same spec_name */
} gt_object;

/* A layer with each field as canonical JSON, which the hash is made of; empty for one that it doesn't set. */
typedef struct gt_footing {
    gt_layer layer;
    gt_str canonical[GT_FIELD_COUNT];
} gt_footing;

typedef struct gt_plan {
    const gt_object *town, *rig, *pool; /* rig, pool: NULL when there's none */
    const gt_object *account;           /* the namespace's default account; NULL: not known */
    const gt_kept_layer *role;          /* of the rig, for this role; NULL: none */
    const gt_layer *profile, *event;    /* layer 0; layer 5, NULL: none (yet) */
    const gt_layer *merged;             /* layers 0 to 4, before requests and limits are settled */
    const gt_str *canonical;            /* of merged, by field: for the hash of what an event leaves alone */
    bool unsettled;                     /* merged has a request above its limit */
    gt_str contributors;                /* gastown.io/layers without the event: "GasTown/main@12,Rig/gastown@7" */
} gt_plan;

/* What one layer of a plan says; NULL: nothing, or that it's taken away. For explain. */
const gt_cell *gt_plan_cell(const gt_plan *plan, gt_layer_id layer, gt_field_id field, gt_str key);

typedef enum gt_lookup {
    GT_LOOKUP_FOUND,
    GT_LOOKUP_NO_TOWN,  /* message says so */
    GT_LOOKUP_CONFLICT, /* two objects claim the same place; message names them */
    GT_LOOKUP_BROKEN,   /* a needed object never had a good version; message names it */
} gt_lookup;

/* The plan for an agent. `rig` is the raw rig ("town" for town roles without one). message (arena) for all but FOUND. */
gt_lookup gt_snapshot_plan(gt_arena *arena, const gt_snapshot *snapshot, gt_str ns, gt_str rig, gt_str role,
                           gt_plan *plan, gt_str *message);

/* The town of a namespace alone: its policy is needed before the rig is known. */
gt_lookup gt_snapshot_town(gt_arena *arena, const gt_snapshot *snapshot, gt_str ns, const gt_object **town,
                           gt_str *message);

/* The class of that name; NULL: there's none, or it's broken. Whether a missing one means anything: only where classes are known, because at
 * least one document is a StorageClass. */
const gt_object *gt_snapshot_class(const gt_snapshot *snapshot, gt_str name);
bool gt_snapshot_knows_classes(const gt_snapshot *snapshot);

/* What document i is, accepted or broken; NULL where nobody can tell. */
const gt_object *gt_snapshot_object(const gt_snapshot *snapshot, size_t i);
size_t gt_snapshot_documents(const gt_snapshot *snapshot);

/* Reads one document into an object (objects.c), which keeps nothing of the document and of the check's arena. false: nothing that identifies
 * it can be read; findings say why. */
bool gt_object_parse(gt_check *check, gt_keeper *keeper, const gt_value *document, gt_object *object);

/* "GasTown/main.defaults", "Rig/gastown.roleOverrides[crew]", "event", "role profile": how people call a layer of a plan. */
gt_str gt_plan_layer_title(gt_arena *arena, const gt_plan *plan, gt_layer_id layer, gt_str role);

#endif
