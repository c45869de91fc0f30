/* JSON Patch (RFC 6902), written.
 *
 * The patch never carries a byte of the object that it changes, and this header is where that holds: a value goes in
 * only as a gt_value, which nobody can make of a gt_view by accident (see view.h: the one door is gt_view_str, and a
 * check lists who may use it), and a path is made of our own names and of numbers. There is no "move", "copy" or
 * "test".
 *
 * Operations are applied one after the other: an index in a path counts in the object as it is after the operations
 * before. */
#ifndef GT_LIB_JSON_PATCH_H
#define GT_LIB_JSON_PATCH_H

#include "lib/json/value.h"

/* One step of a JSON pointer (RFC 6901), linked to the step above it. NULL is the whole document. Made on the stack:
 *     gt_pointer spec = gt_member(NULL, "spec"), list = gt_member(&spec, "containers");
 *     gt_pointer agent = gt_element(&list, 0); */
typedef struct gt_pointer gt_pointer;
struct gt_pointer {
    const gt_pointer *up;
    enum { GT_STEP_MEMBER, GT_STEP_ELEMENT, GT_STEP_END } step;
    gt_str name;
    size_t index;
    gt_str label; /* what people call an element ("agent"); for messages, never written into a path */
};

static inline gt_pointer gt_member_str(const gt_pointer *up, gt_str name)
{
    return (gt_pointer){.up = up, .step = GT_STEP_MEMBER, .name = name};
}
static inline gt_pointer gt_member(const gt_pointer *up, const char *name)
{
    return gt_member_str(up, gt_str_of(name));
}
static inline gt_pointer gt_element(const gt_pointer *up, size_t index)
{
    return (gt_pointer){.up = up, .step = GT_STEP_ELEMENT, .index = index};
}
static inline gt_pointer gt_end(const gt_pointer *up) /* behind the last element of an array */
{
    return (gt_pointer){.up = up, .step = GT_STEP_END};
}

typedef struct gt_patch {
    gt_buf json; /* "[op,op" until gt_patch_json */
    size_t count;
    const gt_pointer *above;    /* that the last path ended below, */
    size_t above_at, above_len; /* and where it stands in json */
} gt_patch;

/* Paths stay as they are until the patch is ended. */
void gt_patch_init(gt_patch *patch, gt_arena *arena);
void gt_patch_add(gt_patch *patch, const gt_pointer *path, const gt_value *value);
void gt_patch_replace(gt_patch *patch, const gt_pointer *path, const gt_value *value);
void gt_patch_remove(gt_patch *patch, const gt_pointer *path);

/* The whole array, "[]" when nothing was put in. Ends the patch: no operation may follow. */
gt_str gt_patch_json(gt_patch *patch);

#endif
