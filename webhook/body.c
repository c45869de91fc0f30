#include "webhook/body.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

enum { FIRST_ROOM = 8 * 1024 };

bool gt_body_charge(gt_body_pool *pool, size_t n, size_t whole)
{
    size_t used = atomic_load(&pool->used);
    do {
        if (whole > pool->always_each && (used > pool->limit_all || n > pool->limit_all - used))
            return false;
    } while (!atomic_compare_exchange_weak(&pool->used, &used, used + n));
    return true;
}

void gt_body_uncharge(gt_body_pool *pool, size_t n)
{
    assert(atomic_load(&pool->used) >= n);
    atomic_fetch_sub(&pool->used, n);
}

static bool grow(gt_body *body, gt_body_pool *pool, size_t wanted)
{
    size_t room = body->room == 0 ? FIRST_ROOM : body->room;
    while (room < wanted)
        room *= 2;
    if (room > pool->limit_each)
        room = pool->limit_each;
    if (!gt_body_charge(pool, room - body->room, room))
        return false;
    char *bigger = realloc(body->at, room);
    if (bigger == NULL) {
        gt_body_uncharge(pool, room - body->room);
        return false;
    }
    body->at = bigger;
    body->room = room;
    return true;
}

gt_body_result gt_body_add(gt_body *body, gt_body_pool *pool, const char *bytes, size_t n)
{
    gt_body_result result = GT_BODY_OK;
    if (n > pool->limit_each - body->len)
        result = GT_BODY_TOO_LARGE;
    else if (body->len + n > body->room && !grow(body, pool, body->len + n))
        result = GT_BODY_NO_ROOM;
    if (result != GT_BODY_OK) {
        gt_body_free(body, pool);
        return result;
    }
    if (n > 0)
        memcpy(body->at + body->len, bytes, n);
    body->len += n;
    return GT_BODY_OK;
}

void gt_body_free(gt_body *body, gt_body_pool *pool)
{
    gt_body_uncharge(pool, body->room);
    free(body->at);
    *body = (gt_body){0};
}
