/* From a JSON text to the tree behind a gt_view; used by view.c only, which keeps what a client wrote to itself. */
#ifndef GT_LIB_JSON_READ_H
#define GT_LIB_JSON_READ_H

#include "lib/json/view.h"

enum { GT_JSON_DEEPEST = 1000 };

struct gt_view_node {
    gt_view_type type; /* not MISSING */
    bool truth;        /* BOOL */
    gt_str key;        /* of a member, NUL-terminated; empty otherwise */
    union {
        gt_str text; /* STRING: without its escapes, NUL-terminated; NUMBER: as it was written, and no character of a
                        number follows */
        struct {     /* ARRAY, OBJECT */
            gt_view_node *first;
            size_t count;
        } list;
    };
    gt_view_node *next; /* sibling */
};

/* What gt_view_parse promises. max_depth: 1 to GT_JSON_DEEPEST. On failure *root is left alone. */
bool gt_json_read(gt_arena *arena, gt_str text, int max_depth, const gt_view_node **root, gt_err *err);

#endif
