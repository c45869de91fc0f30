/* Injection: one agent's pod, decided.
 *
 * inject.c walks the wants beside the client's pod and writes the record; lists.c does the lists that have rules of their own. */
#ifndef GT_INJECTOR_INJECT_H
#define GT_INJECTOR_INJECT_H

#include "injector/want.h"
#include "lib/base/map.h"

typedef struct gt_subject {
    gt_view pod;         /* the object of the request */
    gt_str ns;           /* request.namespace */
    const gt_view *user; /* userInfo of the request; NULL: nobody asks, and the town's creators don't matter */
} gt_subject;

typedef struct gt_injection {
    gt_identity identity;
    gt_plan plan;
    const gt_layer *event; /* layer 5; empty when there are no event annotations */
    const gt_layer *resolved;
    const gt_want *wants;
    char hash[17];
    gt_str layers;
} gt_injection;

/* Decides everything about one pod that carries the agent label. GT_LOOKUP_BROKEN: we can't (message says why; HTTP 503); else the
 * record holds the decisions, or the causes of a denial. */
gt_lookup gt_inject(gt_record *record, const gt_snapshot *snapshot, const gt_subject *subject, gt_injection *injection,
                    gt_str *message);

/* Of an update of such a pod: what it changes, judged by the policy of the town there. *changes: of what the judge looks at; where nothing has
 * changed, nothing is asked of the snapshot, and the record stays empty. snapshot NULL: GT_LOOKUP_BROKEN, if there are changes. */
gt_lookup gt_inject_update(gt_record *record, const gt_snapshot *snapshot, const gt_subject *subject, gt_view old,
                           size_t *changes, gt_str *message);

/* "event image", "Rig/gastown.roleOverrides[crew]", "identity", "role profile". */
gt_str gt_from_title(gt_arena *arena, const gt_injection *injection, const gt_from *from);

/* ---- between inject.c, lists.c, remove.c and judge.c ---- */

typedef struct gt_walk {
    gt_record *record;
    gt_arena *arena;
    const gt_injection *injection;
    const gt_object *town;   /* whose policy it is */
    gt_view pod, old;        /* old: as it was before an update; missing: it's created */
    size_t changes;          /* of what the judge looks at */
    gt_map tokens;           /* names of the volumes that hold the service account token */
    gt_str ranged_container; /* while in the resources of a container: its name, for LimitRange's values */
} gt_walk;

void gt_ensure(gt_walk *walk, const gt_want *want, gt_view have, const gt_pointer *place);

/* One leaf in a list or object: kept, set or replaced. Returns false when it was kept. */
bool gt_ensure_leaf(gt_walk *walk, const gt_want *want, gt_view have, const gt_pointer *place, bool same);

/* The whole of `want` where the pod has nothing: a decision for each leaf, one step at `path`. */
void gt_ensure_whole(gt_walk *walk, const gt_want *want, const gt_pointer *path);

void gt_ensure_env(gt_walk *walk, const gt_want *list, gt_view have, const gt_pointer *place);
void gt_ensure_keyed(gt_walk *walk, const gt_want *list, gt_view have, const gt_pointer *place);
void gt_ensure_mounts(gt_walk *walk, const gt_want *list, gt_view have, const gt_pointer *place);
void gt_ensure_volumes(gt_walk *walk, const gt_want *list, gt_view have, const gt_pointer *place);

/* The two halves of a list of containers: what is there is edited first; new ones move the indices of others, so they come last. */
void gt_edit_containers(gt_walk *walk, const gt_want *list, const gt_want *other_list, gt_view have,
                        const gt_pointer *place);
void gt_insert_containers(gt_walk *walk, const gt_want *list, gt_view have, const gt_pointer *place);

/* What comes out (remove.c): of the mounts of one container, in which `ours` (NULL: a client's) is wanted; and of the spec. The volumes that
 * hold the service account's token are found first. */
void gt_find_tokens(gt_walk *walk);
void gt_remove_mounts(gt_walk *walk, gt_view container, const gt_want *ours, const gt_pointer *place);
void gt_remove_from_spec(gt_walk *walk, const gt_pointer *spec_place);

/* Whether the pod that comes out keeps the town's policy (judge.c): causes of a denial go to the record. */
void gt_judge(gt_walk *walk);

#endif
