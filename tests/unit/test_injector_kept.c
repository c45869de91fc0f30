#include "injector/kept.h"

#include "tests/unit/test_injector_support.h"

typedef struct bench {
    gt_arena *kept, *scratch, *table;
    gt_keeper keeper;
} bench;

static bench bench_new(void)
{
    bench b = {gt_arena_new(0), gt_arena_new(0), gt_arena_new(0), {.arena = NULL}};
    gt_keeper_init(&b.keeper, b.kept, b.scratch, b.table);
    return b;
}

static void bench_free(bench *b)
{
    gt_arena_free(b->kept);
    gt_arena_free(b->scratch);
    gt_arena_free(b->table);
}

Test(injector_kept, equal_texts_are_there_once)
{
    gt_scoped(bench_free) bench b = bench_new();
    char first[] = "one", second[] = "one";
    gt_str a = gt_keep_text(&b.keeper, gt_str_of(first)), again = gt_keep_text(&b.keeper, gt_str_of(second));
    first[0] = second[0] = 'x';
    cr_expect_str_eq(a.at, "one");
    cr_expect(a.at == again.at && again.len == 3);
    gt_str cut = gt_keep_text(&b.keeper, (gt_str){"oneself", 3}), other = gt_keep_text(&b.keeper, GT_STR("on"));
    cr_expect(cut.at == a.at && other.at != a.at);
    cr_expect_str_eq(other.at, "on");
    gt_str none = gt_keep_text(&b.keeper, (gt_str){NULL, 0});
    cr_expect_eq(none.len, 0);
    cr_expect_str_eq(none.at, "");
}

Test(injector_kept, values)
{
    gt_scoped(bench_free) bench b = bench_new();
    SCOPED_ARENA(read);
    SCOPED_ARENA(arena);
    const gt_value *value = value_of(read, "{a: [1, {b: null}, true, 'x'], c: {}, '': 'y'}");
    const gt_value *kept = gt_keep_value(&b.keeper, value);
    cr_expect(gt_value_equal(kept, value));
    cr_expect_eq(kept->first->line, value->first->line);
    gt_arena_reset(read);
    expect_text(0, shown(arena, kept), "{'':'y','a':[1,{'b':null},true,'x'],'c':{}}");
    cr_expect_null(gt_keep_value(&b.keeper, NULL));
}

Test(injector_kept, layers_come_back_as_they_were)
{
    static const char *const layers[] = {
        "{}",
        "{image: 'a:1'}",
        "{env: [{name: A, value: b}, {name: B, $patch: delete}], unset: [labels, resources.limits], image: null}",
        "{securityContext: {capabilities: {add: [NET_BIND_SERVICE]}}, storage: {size: 1Gi}, labels: {a: b, c: null}}",
    };
    SCOPED_ARENA(arena);
    for (size_t i = 0; i < COUNT(layers); i++) {
        gt_scoped(bench_free) bench b = bench_new();
        SCOPED_ARENA(read);
        gt_layer *layer = gt_layer_new(read), again;
        gt_check check = {.arena = read};
        cr_assert(gt_template_parse(&check, NULL, value_of(read, layers[i]), GT_LAYER_RIG, layer));
        gt_str was = shown(arena, gt_layer_to_value(arena, layer)),
               resolved = shown(arena, gt_layer_resolved_value(arena, layer));
        const gt_kept_layer *kept = gt_keep_layer(&b.keeper, layer);
        gt_arena_reset(read);
        gt_arena_reset(b.scratch);
        cr_expect_eq(gt_kept_gives(kept), i > 0);
        gt_kept_open(kept, &again);
        expect_text(i, shown(arena, gt_layer_to_value(arena, &again)), was.at);
        expect_text(i, shown(arena, gt_layer_resolved_value(arena, &again)), resolved.at);
    }
    cr_expect(!gt_kept_gives(NULL));
    cr_expect_null(gt_kept_find(NULL, GT_FIELD_IMAGE));
}

Test(injector_kept, cells_of_a_kept_layer)
{
    enum { MANY = 100 };
    gt_scoped(bench_free) bench b = bench_new();
    SCOPED_ARENA(read);
    gt_layer *layer = gt_layer_new(read);
    for (int i = 0; i < MANY; i++)
        gt_layer_set(read, layer, GT_FIELD_ENV, gt_str_of(gt_arena_printf(read, "V%d", i)),
                     i == 7 ? NULL : gt_value_int(read, i), GT_LAYER_TOWN);
    gt_layer_set(read, layer, GT_FIELD_IMAGE, GT_STR(""), gt_value_text(read, "a:1"), GT_LAYER_TOWN);
    const gt_kept_layer *kept = gt_keep_layer(&b.keeper, layer);
    gt_arena_reset(read);
    for (int i = 0; i < MANY; i++) {
        const char *key = gt_arena_printf(read, "V%d", i);
        const gt_cell *cell = gt_kept_get(kept, GT_FIELD_ENV, gt_str_of(key));
        int64_t number = -1;
        cr_expect_eq(cell == NULL, i == 7, "%s", key);
        cr_expect(cell == NULL || (gt_value_as_int(cell->value, &number) && number == i), "%s", key);
    }
    cr_expect_null(gt_kept_get(kept, GT_FIELD_ENV, GT_STR("W")));
    cr_expect_null(gt_kept_get(kept, GT_FIELD_LABELS, GT_STR("V1")));
    cr_expect_eq(kept->count, 2);
    expect_text(0, gt_kept_find(kept, GT_FIELD_IMAGE)->canonical, "\"a:1\"");
}
