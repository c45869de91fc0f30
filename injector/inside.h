/* What a snapshot is inside, for the files that make it: snapshot.c reads documents and is the public face, places.c knows which object
 * claims what, between.c checks what only shows when all are known, compile.c makes the plans. Nobody else includes this. */
#ifndef GT_INJECTOR_INSIDE_H
#define GT_INJECTOR_INSIDE_H

#include "injector/check.h"
#include "injector/plan.h"
#include "injector/roles.h"

/* What a town sets above a profile: shared by all plans of the two. */
typedef struct gt_tier {
    const gt_object *town;
    const gt_footing *profile;
    const gt_kept_field *const *fields; /* that differ from the profile's */
    size_t count;
    bool unsettled;
} gt_tier;

/* A plan as it is kept: what a rig's objects change on the way up from a tier. */
typedef struct gt_compiled {
    gt_lookup status;
    bool unsettled;
    gt_str text; /* FOUND: the contributors; else why not */
    const gt_tier *tier;
    const gt_object *rig, *pool, *account;
    const gt_kept_layer *role;
    const gt_kept_field *const *fields; /* that differ from the tier's */
    size_t count;
} gt_compiled;

/* The plans of a rig in a namespace. Roles that its objects don't tell apart have one together. */
typedef struct gt_rig_plans {
    const gt_compiled *known[GT_ROLE_COUNT]; /* by the role's row; the last is that of any role besides */
    gt_map *others; /* by the names of roles that its objects make up: gt_compiled; NULL: none */
} gt_rig_plans;

struct gt_snapshot {
    gt_arena *arena;
    const gt_finding *findings;
    bool *accepted; /* by document */
    size_t documents, objects;
    gt_object **all; /* by document; NULL where nothing could be read */
    gt_map
        places; /* "town NS", "rig NS NAME", "pool NS RIG ROLE", "account NS", NUL between: objects, linked by next */
    gt_map classes;    /* by name: objects, linked by next */
    gt_map plans;      /* "NS RIG": gt_rig_plans; NS "" for namespaces that no object names, RIG likewise */
    gt_map namespaces; /* that any object names */
    gt_str unreadable; /* a document that nobody can tell what it is: any pod may need it */
};

/* While it is being built. What the arenas besides the snapshot's hold is gone afterwards. */
typedef struct gt_build {
    gt_snapshot *s;
    const gt_document *documents;
    gt_claims claims;
    gt_arena *desk;    /* until all is done */
    gt_arena *scratch; /* reset after each document and plan */
    gt_keeper keeper;  /* into the snapshot's arena */
    gt_map of_rigs;    /* rigs and pools by spec_name, linked by next_of_rig */
    bool any_nameless; /* one of them doesn't say which rig it's for, or which role */
} gt_build;

/* ---- places.c ---- */

/* what, a, b, c with NULs between: a key of one of the maps above. */
gt_str gt_places_key(gt_arena *arena, const char *what, gt_str a, gt_str b, gt_str c);

void gt_places_file(gt_build *b, gt_object *object);

/* What was filed first in the object's place, in its own namespace; NULL: nothing, or the object doesn't say what it is for. */
const gt_object *gt_places_holder(const gt_snapshot *s, gt_arena *arena, const gt_object *object);

/* The objects that claim a place in a namespace, its own and those without a namespace: how many, and which; two at most. */
size_t gt_places_claimants(const gt_snapshot *s, gt_arena *arena, gt_kind kind, gt_str ns, gt_str rig, gt_str role,
                           const gt_object *found[2]);

/* Picks the one object of a place. *object is NULL when there's none. */
gt_lookup gt_places_pick(const gt_snapshot *s, gt_arena *arena, gt_kind kind, gt_str ns, gt_str rig, gt_str role,
                         const gt_object **object, gt_str *message);

/* The same for the town, which has to be there. */
gt_lookup gt_places_pick_town(const gt_snapshot *s, gt_arena *arena, gt_str ns, const gt_object **town,
                              gt_str *message);

/* ---- between.c ---- */

/* check: into the snapshot's arena. */
void gt_between_check(gt_build *b, gt_check *check);

/* ---- compile.c ---- */

void gt_compile_all(gt_build *b);

/* The plans of a rig, or those of any rig in that namespace that no object is for. */
const gt_rig_plans *gt_compiled_rig(gt_arena *arena, const gt_snapshot *s, gt_str ns, gt_str rig);

/* From what is kept to a plan that can be worked with, in a request's arena. */
void gt_compiled_open(gt_arena *arena, const gt_compiled *compiled, gt_plan *plan);

#endif
