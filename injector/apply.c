/* Carrying out a record's steps on a pod, as an API server would (RFC 6902). */
#include <assert.h>

#include "injector/record.h"

/* The child that a step names, and the one before it. */
static gt_value *find(const gt_value *parent, const gt_pointer *step, gt_value **before)
{
    size_t i = 0;
    *before = NULL;
    for (gt_value *child = parent->first; child != NULL; *before = child, child = child->next, i++)
        if (step->step == GT_STEP_MEMBER ? gt_str_eq(child->key, step->name)
                                         : step->step == GT_STEP_ELEMENT && i == step->index)
            return child;
    return NULL;
}

static gt_value *node_at(gt_value *root, const gt_pointer *path)
{
    gt_value *before, *node = path == NULL ? root : find(node_at(root, path->up), path, &before);
    assert(node != NULL); /* every step of the engine's applies */
    return node;
}

static void link_in(gt_value *list, gt_value *before, gt_value *child)
{
    gt_value **link = before == NULL ? &list->first : &before->next;
    child->next = *link;
    *link = child;
    if (child->next == NULL)
        list->last = child;
    list->count++;
}

static void unlink_child(gt_value *list, gt_value *before, gt_value *child)
{
    *(before == NULL ? &list->first : &before->next) = child->next;
    if (list->last == child)
        list->last = before;
    list->count--;
}

static void carry_out(gt_arena *arena, gt_value *root, const gt_step *step)
{
    gt_value *parent = node_at(root, step->path->up), *before, *there = find(parent, step->path, &before);
    bool member = parent->type == GT_VALUE_OBJECT;
    if (there != NULL && (member || step->op != GT_OP_ADD))
        unlink_child(parent, before, there);
    if (step->op == GT_OP_REMOVE)
        return;
    gt_value *value = gt_value_copy(arena, step->value);
    value->key = member ? step->path->name : (gt_str){NULL, 0};
    link_in(parent, before, value); /* in the place of what was there, else at the end */
}

gt_value *gt_record_apply(gt_arena *arena, const gt_value *pod, const gt_record *record)
{
    gt_value *root = gt_value_copy(arena, pod);
    for (const gt_step *step = record->steps; step != NULL; step = step->next)
        carry_out(arena, root, step);
    return root;
}
