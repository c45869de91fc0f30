/* Request bodies: each bounded, and all together.
 *
 * 256 connections with 8 MiB each would be 2 GiB. So what all bodies hold is counted in one pool, and a request that doesn't fit any
 * more is told to come again. A body is charged for what it really holds, not for what its Content-Length announces. Up to
 * always_each it always fits: a few large ones that somebody sends slowly mustn't keep out the reviews of a cluster, which are
 * small. So all together hold at most limit_all and always_each for each connection.
 * The pool is shared by all threads; a body belongs to one request. */
#ifndef GT_WEBHOOK_BODY_H
#define GT_WEBHOOK_BODY_H

#include <stdatomic.h>

#include "lib/base/str.h"

typedef struct gt_body_pool {
    size_t always_each, limit_each, limit_all;
    atomic_size_t used;
} gt_body_pool;

typedef struct gt_body {
    char *at;
    size_t len, room;
} gt_body; /* zero is an empty one */

typedef enum gt_body_result { GT_BODY_OK, GT_BODY_TOO_LARGE, GT_BODY_NO_ROOM } gt_body_result;

/* Unless it returns GT_BODY_OK the body is empty afterwards. */
gt_body_result gt_body_add(gt_body *body, gt_body_pool *pool, const char *bytes, size_t n);

/* Accounts for n more bytes of something that then has `whole`, such as an answer that waits to be taken. false: there is no room. */
bool gt_body_charge(gt_body_pool *pool, size_t n, size_t whole);
void gt_body_uncharge(gt_body_pool *pool, size_t n);

/* Gives its memory back; the body is empty and may be used again. */
void gt_body_free(gt_body *body, gt_body_pool *pool);

#endif
