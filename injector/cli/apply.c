/* Carrying out a record's steps on a pod, as an API server would (RFC 6902). */
#include <assert.h>

#include "injector/cli/cli.h"

/* Copies the node `at` of `parent` so that it can be changed, and puts the copy in its place. */
static gt_value *own(gt_arena *arena, gt_value *parent, gt_value *at)
{
    gt_value *copy = gt_value_ref(arena, at);
    copy->key = at->key;
    copy->next = at->next;
    gt_value *before = NULL;
    for (gt_value *child = parent->first; child != at; child = child->next)
        before = child;
    if (before == NULL)
        parent->first = copy;
    else
        before->next = copy;
    if (parent->last == at)
        parent->last = copy;
    return copy;
}

static gt_value *find(gt_value *parent, const gt_pointer *step)
{
    size_t i = 0;
    for (gt_value *child = parent->first; child != NULL; child = child->next, i++)
        if (step->step == GT_STEP_MEMBER ? gt_str_eq(child->key, step->name) : i == step->index)
            return child;
    return NULL;
}

/* The changeable node that a path leads to. Children of a copied node are still shared: each level is copied on the way. */
static gt_value *walk(gt_arena *arena, gt_value *root, const gt_pointer *path)
{
    if (path == NULL)
        return root;
    gt_value *parent = walk(arena, root, path->up);
    gt_value *child = find(parent, path);
    assert(child != NULL); /* every step of the engine's applies */
    return own(arena, parent, child);
}

static void relink(gt_arena *arena, gt_value *list, const gt_pointer *path, gt_value *value, bool insert)
{
    gt_value *rest = list->first;
    size_t i = 0;
    list->first = list->last = NULL;
    list->count = 0;
    bool object = list->type == GT_VALUE_OBJECT;
    for (gt_value *child = rest; child != NULL; child = child->next, i++) {
        bool here = object ? gt_str_eq(child->key, path->name) : path->step == GT_STEP_ELEMENT && path->index == i;
        if (here && value != NULL) {
            if (object)
                gt_value_set(arena, list, child->key, value);
            else
                gt_value_push(list, value);
        }
        if (here && !insert)
            continue;
        gt_value *copy = gt_value_ref(arena, child);
        if (object)
            gt_value_set(arena, list, child->key, copy);
        else
            gt_value_push(list, copy);
    }
    bool at_end = path->step == GT_STEP_END || (path->step == GT_STEP_ELEMENT && path->index == i);
    if (!object && insert && at_end)
        gt_value_push(list, value);
}

static void carry_out(gt_arena *arena, gt_value *root, const gt_step *step)
{
    gt_value *parent = walk(arena, root, step->path->up);
    gt_value *value = step->value == NULL ? NULL : gt_value_ref(arena, step->value);
    if (parent->type == GT_VALUE_OBJECT && step->op != GT_OP_REMOVE)
        gt_value_set(arena, parent, step->path->name, value);
    else
        relink(arena, parent, step->path, value, step->op == GT_OP_ADD);
}

gt_value *gt_cli_apply(gt_arena *arena, const gt_value *pod, const gt_record *record)
{
    gt_value *root = gt_value_ref(arena, pod);
    for (const gt_step *step = record->steps; step != NULL; step = step->next)
        carry_out(arena, root, step);
    return root;
}
