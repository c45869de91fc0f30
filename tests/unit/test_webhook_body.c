#include "webhook/body.h"

#include "tests/unit/support.h"

static gt_body_pool pool_of(size_t each, size_t all)
{
    gt_body_pool pool = {.limit_each = each, .limit_all = all};
    return pool;
}

Test(webhook_body, grows_piece_by_piece)
{
    gt_body_pool pool = pool_of(100000, 200000);
    gt_body body = {0};
    for (size_t i = 0; i < 100000; i += 1000) {
        char piece[1000];
        memset(piece, (int)('a' + i / 1000 % 26), sizeof piece);
        cr_assert_eq(gt_body_add(&body, &pool, piece, sizeof piece), GT_BODY_OK);
    }
    cr_expect_eq(body.len, 100000);
    for (size_t i = 0; i < body.len; i++)
        cr_assert_eq(body.at[i], (char)('a' + i / 1000 % 26));
    cr_expect_eq(atomic_load(&pool.used), 100000, "trimmed to what one may hold");
    cr_expect_eq(gt_body_add(&body, &pool, "", 0), GT_BODY_OK);
    cr_expect_eq(gt_body_add(&body, &pool, "x", 1), GT_BODY_TOO_LARGE);
    cr_expect_eq(body.len, 0);
    cr_expect_null(body.at);
    cr_expect_eq(atomic_load(&pool.used), 0);
}

Test(webhook_body, all_together_are_limited)
{
    gt_body_pool pool = pool_of(16384, 40000);
    gt_body bodies[3] = {0};
    char piece[16384] = {0};
    cr_expect_eq(gt_body_add(&bodies[0], &pool, piece, sizeof piece), GT_BODY_OK);
    cr_expect_eq(gt_body_add(&bodies[1], &pool, piece, sizeof piece), GT_BODY_OK);
    cr_expect_eq(gt_body_add(&bodies[2], &pool, piece, 1), GT_BODY_NO_ROOM);
    cr_expect_eq(bodies[2].room, 0);
    cr_expect_eq(atomic_load(&pool.used), 32768, "who got no room holds nothing");
    gt_body_free(&bodies[0], &pool);
    cr_expect_eq(gt_body_add(&bodies[2], &pool, piece, 1), GT_BODY_OK);
    gt_body_free(&bodies[1], &pool);
    gt_body_free(&bodies[2], &pool);
    gt_body_free(&bodies[2], &pool);
    cr_expect_eq(atomic_load(&pool.used), 0);
}

Test(webhook_body, small_ones_always_fit)
{
    gt_body_pool pool = pool_of(65536, 65536);
    pool.always_each = 16384;
    gt_body large = {0}, small[3] = {0};
    static const char piece[65536];
    cr_expect_eq(gt_body_add(&large, &pool, piece, sizeof piece), GT_BODY_OK);
    for (size_t i = 0; i < COUNT(small); i++)
        cr_expect_eq(gt_body_add(&small[i], &pool, piece, 16384), GT_BODY_OK);
    cr_expect_eq(atomic_load(&pool.used), 65536 + 3 * 16384);
    cr_expect_eq(gt_body_add(&small[0], &pool, piece, 1), GT_BODY_NO_ROOM, "no small one any more");
    gt_body_free(&large, &pool);
    cr_expect_eq(gt_body_add(&small[1], &pool, piece, 1), GT_BODY_OK);
    gt_body_free(&small[1], &pool);
    gt_body_free(&small[2], &pool);
    cr_expect_eq(atomic_load(&pool.used), 0);
}

Test(webhook_body, one_piece_that_is_too_large)
{
    gt_body_pool pool = pool_of(10, 100);
    gt_body body = {0};
    cr_expect_eq(gt_body_add(&body, &pool, "0123456789x", 11), GT_BODY_TOO_LARGE);
    cr_expect_eq(gt_body_add(&body, &pool, "0123456789", 10), GT_BODY_OK);
    gt_body_free(&body, &pool);
}
