/* What a snapshot is inside, for the files that make it: snapshot.c reads documents and is the public face, places.c knows which object
 * claims what, between.c checks what only shows when all are known, compile.c makes the plans. Nobody else includes this. */
#ifndef GT_INJECTOR_INSIDE_H
#define GT_INJECTOR_INSIDE_H

#include "injector/check.h"
#include "injector/plan.h"
#include "injector/roles.h"
#include "lib/base/map.h"

struct gt_snapshot {
    gt_arena *arena;
    const gt_finding *findings;
    bool *accepted; /* by document */
    size_t documents, objects;
    gt_object **all; /* by document; NULL where nothing could be read */
    gt_map places;   /* "town NS", "rig NS NAME", "pool NS RIG ROLE", "account NS", NUL between: gt_place */
    gt_map classes;  /* by name: objects, linked by next */
    gt_map of_rigs;  /* by spec_name: objects, linked by next_of_rig */
    gt_map
        plans; /* "plan NS RIG ROLE": gt_compiled; NS "" for namespaces that no object names, RIG and ROLE likewise */
    gt_map namespaces;                                    /* that any object names */
    gt_layer *profiles[GT_ROLE_COUNT][GT_SECURITY_COUNT]; /* NULL: not asked for yet */
    gt_str unreadable; /* a document that nobody can tell what it is: any pod may need it */
};

/* ---- places.c ---- */

/* What one object of a kind may claim in a namespace: the town; the default account; the rig of a name; the pool of a rig and role. */
typedef struct gt_place {
    gt_object *objects; /* linked by next; more than one is a conflict */
} gt_place;

/* what, a, b, c with NULs between: a key of one of the maps above. */
gt_str gt_places_key(gt_arena *arena, const char *what, gt_str a, gt_str b, gt_str c);

void gt_places_file(gt_snapshot *s, gt_object *object);

/* What was filed first in the object's place, in its own namespace; NULL: nothing, or the object doesn't say what it is for. */
const gt_object *gt_places_holder(const gt_snapshot *s, const gt_object *object);

/* The objects that claim a place in a namespace, its own and those without a namespace: how many, and two of them. */
size_t gt_places_claimants(const gt_snapshot *s, gt_arena *arena, gt_kind kind, gt_str ns, gt_str rig, gt_str role,
                           gt_object *found[2]);

/* Picks the one object of a place. *object is NULL when there's none. */
gt_lookup gt_places_pick(const gt_snapshot *s, gt_arena *arena, gt_kind kind, gt_str ns, gt_str rig, gt_str role,
                         const gt_object **object, gt_str *message);

/* The same for the town, which has to be there. */
gt_lookup gt_places_pick_town(const gt_snapshot *s, gt_arena *arena, gt_str ns, const gt_object **town,
                              gt_str *message);

/* ---- between.c ---- */

void gt_between_check(const gt_snapshot *s, gt_check *check, const gt_document *documents);

/* ---- compile.c ---- */

typedef struct gt_compiled {
    gt_lookup status;
    gt_str message; /* for all but GT_LOOKUP_FOUND */
    gt_plan plan;
} gt_compiled;

void gt_compile_all(gt_snapshot *s);

#endif
