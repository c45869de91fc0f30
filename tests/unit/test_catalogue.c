#include "catalogue/catalogue.h"

#include "tests/unit/support.h"

/* A snapshot of one rig called `name`, or of nothing. */
static gt_snapshot *make(const char *name)
{
    gt_arena *arena = gt_arena_new(0);
    gt_document document = {.file = GT_STR("rig.yaml")};
    if (name != NULL) {
        gt_value *value = gt_value_object(arena), *metadata = gt_value_object(arena), *spec = gt_value_object(arena);
        gt_value_put(arena, value, "apiVersion", gt_value_text(arena, "gastown.io/v1alpha1"));
        gt_value_put(arena, value, "kind", gt_value_text(arena, "Rig"));
        gt_value_put(arena, metadata, "name", gt_value_text(arena, name));
        gt_value_put(arena, spec, "name", gt_value_text(arena, name));
        gt_value_put(arena, value, "metadata", metadata);
        gt_value_put(arena, value, "spec", spec);
        document.value = value;
    }
    gt_snapshot *snapshot;
    gt_err err;
    cr_assert(gt_snapshot_build(arena, &document, name == NULL ? 0 : 1, GT_CLAIMS_EQUAL, &snapshot, &err), "%s",
              err.text);
    return snapshot;
}

Test(catalogue, empty_at_first)
{
    gt_catalogue *catalogue = gt_catalogue_new(2);
    cr_expect_null(gt_catalogue_enter(catalogue, 0));
    gt_catalogue_leave(catalogue, 0);
    cr_expect_eq(gt_catalogue_now(catalogue).generation, 0);
    cr_expect_eq(gt_catalogue_sweep(catalogue), 0);
    gt_catalogue_free(catalogue);
    gt_catalogue_free(NULL);
}

Test(catalogue, publishing_counts)
{
    gt_catalogue *catalogue = gt_catalogue_new(1);
    gt_catalogue_publish(catalogue, make("a"), 3, 1234);
    gt_catalogue_state state = gt_catalogue_now(catalogue);
    cr_expect_eq(state.generation, 1);
    cr_expect_eq(state.published_ms, 1234);
    cr_expect_eq(state.objects, 1);
    cr_expect_eq(state.rejected, 3);
    gt_catalogue_publish(catalogue, make(NULL), 0, 1235);
    state = gt_catalogue_now(catalogue);
    cr_expect_eq(state.generation, 2);
    cr_expect_eq(state.objects, 0);
    cr_expect_eq(state.rejected, 0);
    gt_catalogue_free(catalogue);
}

Test(catalogue, a_reader_keeps_what_it_entered)
{
    gt_catalogue *catalogue = gt_catalogue_new(3);
    gt_snapshot *first = make("a"), *second = make("b"), *third = make("c");
    gt_catalogue_publish(catalogue, first, 0, 1);
    cr_expect_eq(gt_catalogue_enter(catalogue, 0), first);
    gt_catalogue_publish(catalogue, second, 0, 2);
    cr_expect_eq(gt_catalogue_enter(catalogue, 1), second);
    gt_catalogue_publish(catalogue, third, 0, 3);
    cr_expect_eq(gt_catalogue_enter(catalogue, 2), third);
    cr_expect_eq(gt_catalogue_sweep(catalogue), 2, "two are being read");
    cr_expect_eq(gt_snapshot_objects(first), 1, "still readable");
    cr_expect_eq(gt_snapshot_objects(second), 1);
    gt_catalogue_leave(catalogue, 0);
    cr_expect_eq(gt_catalogue_sweep(catalogue), 1);
    gt_catalogue_leave(catalogue, 1);
    cr_expect_eq(gt_catalogue_sweep(catalogue), 0);
    gt_catalogue_leave(catalogue, 2);
    cr_expect_eq(gt_catalogue_enter(catalogue, 2), third, "the current one is never swept");
    gt_catalogue_leave(catalogue, 2);
    gt_catalogue_free(catalogue);
}

Test(catalogue, a_stuck_reader_doesnt_hold_up_the_publisher)
{
    gt_catalogue *catalogue = gt_catalogue_new(2);
    gt_catalogue_publish(catalogue, make("a"), 0, 0);
    const gt_snapshot *stuck = gt_catalogue_enter(catalogue, 1);
    for (int i = 1; i <= 100; i++)
        gt_catalogue_publish(catalogue, make("b"), 0, i);
    cr_expect_eq(gt_catalogue_sweep(catalogue), 1);
    cr_expect_eq(gt_snapshot_objects(stuck), 1);
    cr_expect_eq(gt_catalogue_now(catalogue).generation, 101);
    gt_catalogue_leave(catalogue, 1);
    gt_catalogue_free(catalogue);
}
