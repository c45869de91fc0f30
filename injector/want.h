/* Wants: the part of a pod that the engine answers for, as a tree that mirrors the pod.
 *
 * target.c builds it from a plan and an identity; inject.c walks it beside the client's pod and decides, want by want, what to do.
 * Each leaf knows where its value comes from. */
#ifndef GT_INJECTOR_WANT_H
#define GT_INJECTOR_WANT_H

#include "injector/identity.h"
#include "injector/plan.h"
#include "injector/record.h"

#define GT_ANNOTATION_HASH "gastown.io/template-hash"
#define GT_ANNOTATION_LAYERS "gastown.io/layers"
#define GT_ANNOTATION_ENGINE "gastown.io/engine"

/* Goes up only when the same templates would come out as another pod. */
#define GT_ENGINE_REVISION "2"

typedef enum gt_rule {
    GT_RULE_VALUE,      /* a leaf: must be there, equal */
    GT_RULE_EXACT,      /* a leaf: this very string, an empty one included (labels, annotations, nodeSelector) */
    GT_RULE_IF_MISSING, /* a leaf: only where nothing is */
    GT_RULE_OBJECT,     /* its members, one by one */
    GT_RULE_KEYED,      /* a list: each element must be there (matched by `keys`); others stay */
    GT_RULE_ENV,        /* a list with an order: see env.c */
    GT_RULE_MOUNTS,     /* a list by normalised mountPath: a client's mount at one of our paths gives way */
    GT_RULE_VOLUMES,    /* a list by name: another source under our name is a conflict */
    GT_RULE_CONTAINERS, /* a list of containers: ours first (containers: only the agent) */
} gt_rule;

enum { GT_WANT_KEYS = 4 };

typedef struct gt_want gt_want;
struct gt_want {
    gt_str name; /* a member's name, or an element's label */
    gt_rule rule;
    const gt_value *value; /* of a leaf */
    gt_from from;
    const char *unset; /* a client's value that prints like this is the API server's default and counts as unset */
    const char *const *keys; /* KEYED: members that identify an element; at most GT_WANT_KEYS, then NULL */
    bool last_in_list;       /* an element of CONTAINERS that belongs to the end (classic sidecars) */
    bool secret;             /* its value isn't shown in warnings */
    gt_want *first, *last, *next;
};

/* Everything that the pod of this agent must have. `resolved`: plan->merged with the event layer, settled. */
gt_want *gt_target_build(gt_arena *arena, const gt_plan *plan, const gt_layer *resolved, const gt_identity *identity,
                         gt_str hash, gt_str layers);

/* The child of this name, or NULL; of a NULL parent, too. */
gt_want *gt_want_find_str(const gt_want *parent, gt_str name);
static inline gt_want *gt_want_find(const gt_want *parent, const char *name)
{
    return gt_want_find_str(parent, gt_str_of(name));
}

/* ---- for those who build them ---- */

gt_want *gt_want_new(gt_arena *arena, gt_want *parent, gt_str name, gt_rule rule);
gt_want *gt_want_leaf(gt_arena *arena, gt_want *parent, gt_str name, const gt_value *value, gt_from from);
static inline gt_want *gt_want_text(gt_arena *arena, gt_want *parent, const char *name, const char *text, gt_from from)
{
    return gt_want_leaf(arena, parent, gt_str_of(name), gt_value_text(arena, text), from);
}

/* The child of this name, made where there's none. */
gt_want *gt_want_member(gt_arena *arena, gt_want *parent, const char *name, gt_rule rule);

/* A list whose elements are ensured one by one, found by `keys`. Nothing for an empty list. */
void gt_want_keyed(gt_arena *arena, gt_want *parent, const char *name, const char *const *keys,
                   const gt_value *elements, gt_from from);
gt_from gt_from_cell(gt_field_id field, const gt_cell *cell);
gt_from gt_from_engine(const char *detail);
gt_from gt_from_identity(void);

/* The wanted environment of the agent's container, in order, below a new GT_RULE_ENV want. */
void gt_env_build(gt_arena *arena, gt_want *container, const gt_plan *plan, const gt_layer *resolved,
                  const gt_identity *identity);

/* Calls back for each $(NAME) in an env entry's value; $$(NAME) is none. */
void gt_text_references(gt_str text, void (*found)(void *context, gt_str name), void *context);
void gt_env_references(const gt_value *entry, void (*found)(void *context, gt_str name), void *context);

/* What people call an element of a list: the first of its keys (NULL ends them) that is a text or number, or an object's name. */
gt_str gt_element_label(const gt_value *element, const char *const *keys);

/* The whole value that a want stands for. */
gt_value *gt_want_value(gt_arena *arena, const gt_want *want);

#endif
