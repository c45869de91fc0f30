#include "lib/base/map.h"

#include <stdio.h>

#include "tests/unit/support.h"

Test(map, get_and_put)
{
    SCOPED_ARENA(arena);
    gt_map map;
    int one, two;
    gt_map_init(&map, arena);
    cr_expect_null(gt_map_get(&map, GT_STR("a")), "an empty map");
    cr_expect_null(gt_map_put(&map, GT_STR("a"), &one));
    cr_expect_eq(gt_map_get(&map, GT_STR("a")), &one);
    cr_expect_eq(gt_map_put(&map, GT_STR("a"), &two), &one, "what was there before comes back");
    cr_expect_eq(gt_map_get(&map, GT_STR("a")), &two);
    cr_expect_eq(map.count, 1);
    cr_expect_null(gt_map_get(&map, GT_STR("b")));
}

Test(map, reserved_room_is_enough)
{
    for (size_t n = 0; n < 70; n++) {
        SCOPED_ARENA(arena);
        gt_map map;
        gt_map_init(&map, arena);
        gt_map_reserve(&map, n);
        size_t room = map.room, used = gt_arena_used(arena);
        char key = '\0';
        for (size_t i = 0; i < n; i++, key++)
            cr_expect_null(gt_map_put(&map, (gt_str){gt_arena_dup(arena, &key, 1), 1}, &map));
        cr_expect(map.count == n && map.room == room, "%zu keys", n);
        cr_expect(n < 4 || used <= 96 * n, "%zu keys take %zu bytes", n, used);
    }
}

Test(map, keys_are_bytes)
{
    static const gt_str keys[] = {{"", 0},  {"a", 1},        {"a\0", 2},       {"a\0b", 3},
                                  {"A", 1}, {"12345678", 8}, {"123456789", 9}, {"\0", 1}};
    SCOPED_ARENA(arena);
    gt_map map;
    gt_map_init(&map, arena);
    for (size_t i = 0; i < COUNT(keys); i++) {
        SCOPED_EXACT(key, keys[i]);
        cr_expect_null(gt_map_get(&map, key), "row %zu", i);
        cr_expect_null(gt_map_put(&map, keys[i], (void *)(uintptr_t)(i + 1)), "row %zu", i);
    }
    for (size_t i = 0; i < COUNT(keys); i++)
        cr_expect_eq(gt_map_get(&map, keys[i]), (void *)(uintptr_t)(i + 1), "row %zu", i);
    cr_expect_eq(gt_map_get(&map, (gt_str){NULL, 0}), (void *)(uintptr_t)1);
}

Test(map, holds_many_in_linear_time)
{
    enum { MANY = 200000 };
    SCOPED_ARENA(arena);
    gt_map map;
    gt_map_init(&map, arena);
    double start = cpu_seconds();
    for (uintptr_t i = 1; i <= MANY; i++)
        cr_assert_null(gt_map_put(&map, gt_str_of(gt_arena_printf(arena, "key-%zu", (size_t)i)), (void *)i));
    for (uintptr_t i = 1; i <= MANY; i++) {
        char key[32];
        snprintf(key, sizeof key, "key-%zu", (size_t)i);
        cr_assert_eq(gt_map_get(&map, gt_str_of(key)), (void *)i);
    }
    cr_expect_eq(map.count, MANY);
    cr_expect_lt(cpu_seconds() - start, 20, "quadratic would be minutes");
}

Test(map, hash_is_keyed)
{
    SCOPED_ARENA(arena);
    gt_map map;
    gt_map_init(&map, arena);
    for (uintptr_t i = 1; i <= 100; i++) /* more than a short list, which hashes nothing */
        gt_map_put(&map, gt_str_of(gt_arena_printf(arena, "key-%zu", (size_t)i)), (void *)i);
    cr_expect(map.seed[0] != 0 || map.seed[1] != 0);
}
