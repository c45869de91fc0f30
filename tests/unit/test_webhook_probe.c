#include "webhook/probe.h"

#include "tests/unit/support.h"

Test(webhook_probe, says_all_that_is_missing)
{
    SCOPED_ARENA(arena);
    static atomic_bool draining;
    gt_catalogue *catalogue = gt_catalogue_new(1);
    gt_keybox *keys = gt_keybox_new();
    const gt_probe probe = {.catalogue = catalogue, .keys = keys, .draining = &draining};
    expect_text(1, gt_probe_unready(arena, &probe, 0), "no templates loaded\nthere is no certificate yet\n");
    atomic_store(&draining, true);
    expect_text(2, gt_probe_unready(arena, &probe, 0),
                "about to stop\nno templates loaded\nthere is no certificate yet\n");
    gt_arena *snapshot_arena = gt_arena_new(0);
    gt_snapshot *snapshot;
    gt_err err;
    cr_assert(gt_snapshot_build(snapshot_arena, NULL, 0, GT_CLAIMS_EQUAL, &snapshot, &err));
    gt_catalogue_publish(catalogue, snapshot, 0, 0);
    atomic_store(&draining, false);
    expect_text(3, gt_probe_unready(arena, &probe, 0), "there is no certificate yet\n");
    gt_catalogue_free(catalogue);
    gt_keybox_free(keys);
}
