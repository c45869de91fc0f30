/* The store: what the API server says becomes snapshots, and nothing wrong gets into one. */
#include "catalogue/store.h"

#include <stdio.h>

#include "catalogue/stored.h"
#include "tests/unit/support.h"

static void drop_store(gt_store **store)
{
    gt_store_free(*store);
}
#define SCOPED_STORE(name)                                                                                             \
    gt_scoped(drop_store) gt_store *name = gt_store_new() /* NOLINT(bugprone-macro-parentheses) */

/* NOLINTBEGIN(bugprone-macro-parentheses): texts side by side are one text */
#define OBJECT(name, uid, created, generation, spec)                                                                   \
    "{\"metadata\":{\"name\":\"" name "\",\"namespace\":\"gastown\",\"uid\":\"" uid                                    \
    "\",\"creationTimestamp\":\"2026-01-0" created "T00:00:00Z\",\"generation\":" generation                           \
    ",\"managedFields\":[{\"a\":1}]},\"spec\":" spec "}"
#define TOWN OBJECT("main", "t1", "1", "1", "{\"defaults\":{\"image\":\"a:v1\"}}")
#define RIG(generation, image)                                                                                         \
    OBJECT("gastown", "r1", "1", generation, "{\"name\":\"gastown\",\"podOverrides\":{\"image\":\"" image "\"}}")
#define BROKEN_RIG(generation)                                                                                         \
    OBJECT("gastown", "r1", "1", generation, "{\"name\":\"gastown\",\"podOverrides\":{\"imgae\":\"x\"}}")

static void put(gt_store *store, gt_kind kind, const char *text)
{
    SCOPED_ARENA(arena);
    gt_view view;
    gt_err err;
    cr_assert(gt_view_parse(arena, gt_str_of(text), 0, &view, &err), "%s", err.text);
    cr_assert(gt_store_put(store, kind, view, &err), "%s", err.text);
}

static void take(gt_store *store, gt_kind kind, const char *text)
{
    SCOPED_ARENA(arena);
    gt_view view;
    gt_err err;
    cr_assert(gt_view_parse(arena, gt_str_of(text), 0, &view, &err), "%s", err.text);
    gt_store_remove(store, kind, view);
}

/* What a polecat of the rig gets as image from a fresh load; "" when the plan isn't found. */
static const char *image(gt_store *store, gt_store_report *report)
{
    static char text[64];
    SCOPED_ARENA(arena);
    gt_plan plan;
    gt_str message;
    gt_err err;
    cr_assert(gt_store_load(store, report, &err), "%s", err.text);
    gt_store_adopt(store);
    text[0] = '\0';
    if (gt_snapshot_plan(arena, report->snapshot, GT_STR("gastown"), GT_STR("gastown"), GT_STR("polecat"), &plan,
                         &message) == GT_LOOKUP_FOUND)
        snprintf(text, sizeof text, "%s", gt_value_str(gt_layer_value(plan.merged, GT_FIELD_IMAGE, "")).at);
    gt_snapshot_free(report->snapshot);
    return text;
}

static const gt_store_object *rig(const gt_store *store)
{
    const gt_store_object *found = gt_store_find(store, GT_KIND_RIG, GT_STR("gastown"), GT_STR("gastown"));
    cr_assert_not_null(found);
    return found;
}

/* NOLINTEND(bugprone-macro-parentheses) */

Test(catalogue_store, accepts_and_follows)
{
    SCOPED_STORE(store);
    gt_store_report report;
    put(store, GT_KIND_TOWN, TOWN);
    cr_expect_str_eq(image(store, &report), "a:v1");
    cr_expect(!gt_store_stirred(store));
    put(store, GT_KIND_RIG, RIG("1", "r:v1"));
    cr_expect(gt_store_stirred(store));
    cr_expect_str_eq(image(store, &report), "r:v1");
    cr_expect_eq(report.objects, 2);
    cr_expect_eq(report.rejected, 0);
    cr_expect_eq(rig(store)->verdict, GT_VERDICT_ACCEPTED);
    cr_expect_eq(rig(store)->live_generation, 1);
    cr_expect_null(strstr(rig(store)->content, "managedFields"));
    put(store, GT_KIND_RIG, RIG("1", "r:v1"));
    cr_expect(!gt_store_stirred(store), "the same again is no change");
    take(store, GT_KIND_RIG, RIG("1", "r:v1"));
    cr_expect_str_eq(image(store, &report), "a:v1");
}

Test(catalogue_store, keeps_what_was_good)
{
    SCOPED_STORE(store);
    gt_store_report report;
    put(store, GT_KIND_TOWN, TOWN);
    put(store, GT_KIND_RIG, RIG("1", "r:v1"));
    image(store, &report);
    put(store, GT_KIND_RIG, BROKEN_RIG("2"));
    cr_expect_str_eq(image(store, &report), "r:v1");
    cr_expect_eq(report.rejected, 1);
    cr_expect_eq(report.errors, 1);
    cr_expect_eq(rig(store)->verdict, GT_VERDICT_KEPT);
    cr_expect_eq(rig(store)->generation, 2);
    cr_expect_eq(rig(store)->live_generation, 1);
    cr_expect_str_eq(rig(store)->field, "spec.podOverrides.imgae");
    cr_expect_str_eq(rig(store)->message, "unknown field (did you mean image?)");
    put(store, GT_KIND_RIG, BROKEN_RIG("3"));
    cr_expect_str_eq(image(store, &report), "r:v1", "twice broken");
    put(store, GT_KIND_RIG, RIG("4", "r:v4"));
    cr_expect_str_eq(image(store, &report), "r:v4");
    cr_expect_eq(rig(store)->verdict, GT_VERDICT_ACCEPTED);
    cr_expect_str_eq(rig(store)->message, "");
}

Test(catalogue_store, recalls_what_was_good_before)
{
    SCOPED_STORE(store);
    gt_store_report report;
    gt_err err;
    put(store, GT_KIND_TOWN, TOWN);
    put(store, GT_KIND_RIG, BROKEN_RIG("5"));
    cr_expect_str_eq(image(store, &report), "", "never good: pods that need it fail");
    cr_expect_eq(rig(store)->verdict, GT_VERDICT_REJECTED);
    cr_expect_eq(rig(store)->live_generation, 0);
    static const struct {
        int64_t generation;
        const char *content;
    } versions[] = {{3, "{\"spec\":{\"name\":\"gastown\",\"podOverrides\":{\"image\":\"r:v3\"}}}"},
                    {4, "{\"spec\":{\"name\":\"gastown\",\"podOverrides\":{\"newer\":\"engine's\"}}}"},
                    {2, "{\"spec\":{\"name\":\"gastown\",\"podOverrides\":{\"image\":\"r:v2\"}}}"}};
    for (size_t i = 0; i < 3; i++)
        cr_assert(gt_store_recall(store, GT_STR("gastown"), GT_STR("r1"), versions[i].generation,
                                  gt_str_of(versions[i].content), &err));
    cr_assert(gt_store_recall(store, GT_STR("gastown"), GT_STR("other"), 9, GT_STR("{}"), &err));
    cr_expect(gt_store_stirred(store));
    cr_expect_str_eq(image(store, &report), "r:v3", "the newest that we understand");
    cr_expect_eq(rig(store)->verdict, GT_VERDICT_KEPT);
    cr_expect_eq(rig(store)->live_generation, 3);
    cr_expect_str_eq(image(store, &report), "r:v3", "and it stays known");
    put(store, GT_KIND_RIG, BROKEN_RIG("6"));
    cr_expect_str_eq(image(store, &report), "r:v3");
}

Test(catalogue_store, oldest_holds_a_place)
{
    SCOPED_STORE(store);
    gt_store_report report;
    put(store, GT_KIND_TOWN, TOWN);
    put(store, GT_KIND_RIG,
        OBJECT("young", "r0", "3", "1", "{\"name\":\"gastown\",\"podOverrides\":{\"image\":\"young:v1\"}}"));
    put(store, GT_KIND_RIG, RIG("1", "old:v1"));
    cr_expect_str_eq(image(store, &report), "old:v1");
    const gt_store_object *young = gt_store_find(store, GT_KIND_RIG, GT_STR("gastown"), GT_STR("young"));
    cr_expect_eq(young->verdict, GT_VERDICT_DISPLACED);
    cr_expect_neq(strstr(young->message, "Rig/gastown"), NULL, "%s", young->message);
    cr_expect_eq(report.rejected, 1);
    take(store, GT_KIND_RIG, RIG("1", "old:v1"));
    cr_expect_str_eq(image(store, &report), "young:v1");
    cr_expect_eq(young->verdict, GT_VERDICT_ACCEPTED);
}

Test(catalogue_store, another_object_of_the_name_is_another)
{
    SCOPED_STORE(store);
    gt_store_report report;
    put(store, GT_KIND_TOWN, TOWN);
    put(store, GT_KIND_RIG, RIG("1", "r:v1"));
    image(store, &report);
    put(store, GT_KIND_RIG,
        OBJECT("gastown", "r2", "2", "1", "{\"name\":\"gastown\",\"podOverrides\":{\"imgae\":\"x\"}}"));
    cr_expect_str_eq(image(store, &report), "", "what was good of the one that was deleted isn't its");
}

Test(catalogue_store, listings_sweep)
{
    SCOPED_STORE(store);
    gt_store_report report;
    put(store, GT_KIND_TOWN, TOWN);
    put(store, GT_KIND_RIG, RIG("1", "r:v1"));
    image(store, &report);
    gt_store_mark(store, GT_KIND_RIG, "elsewhere");
    gt_store_sweep(store, GT_KIND_RIG, "elsewhere");
    gt_store_mark(store, GT_KIND_RIG, NULL);
    put(store, GT_KIND_RIG, RIG("1", "r:v1"));
    gt_store_sweep(store, GT_KIND_RIG, NULL);
    cr_expect(!gt_store_stirred(store));
    gt_store_mark(store, GT_KIND_RIG, "gastown");
    gt_store_sweep(store, GT_KIND_RIG, "gastown");
    cr_expect(gt_store_stirred(store));
    cr_expect_eq(gt_store_count(store), 1);
}

Test(catalogue_store, refused_by_a_trial)
{
    SCOPED_STORE(store);
    gt_store_report report;
    gt_err err;
    put(store, GT_KIND_TOWN, TOWN);
    put(store, GT_KIND_RIG, RIG("1", "r:v1"));
    image(store, &report);
    put(store, GT_KIND_RIG, RIG("2", "r:v2"));
    cr_assert(gt_store_load(store, &report, &err));
    gt_snapshot_free(report.snapshot); /* not adopted */
    size_t document = gt_store_of_document(store, 0) == rig(store) ? 0 : 1;
    cr_assert(gt_store_refuse(store, document, "pods can't be made of it", &err));
    cr_expect_str_eq(image(store, &report), "r:v1");
    cr_expect_eq(rig(store)->live_generation, 1);
    cr_expect_str_eq(rig(store)->message, "pods can't be made of it");
    cr_expect_eq(report.errors, 1, "%zu", report.errors);
    put(store, GT_KIND_RIG, RIG("3", "r:v3"));
    cr_expect_str_eq(image(store, &report), "r:v3", "another version gets another chance");
    cr_expect_eq(rig(store)->verdict, GT_VERDICT_ACCEPTED);
}

Test(catalogue_store, what_nobody_can_hold)
{
    SCOPED_STORE(store);
    SCOPED_ARENA(arena);
    gt_store_report report;
    gt_view view;
    gt_err err;
    put(store, GT_KIND_TOWN, TOWN);
    put(store, GT_KIND_RIG,
        OBJECT("gastown", "r1", "1", "1",
               "{\"name\":\"gastown\",\"podOverrides\":{\"screenScrollback\":99999999999999999999}}"));
    cr_expect_str_eq(image(store, &report), "");
    cr_expect_eq(rig(store)->verdict, GT_VERDICT_REJECTED);
    cr_expect(rig(store)->message[0] != '\0');
    cr_expect_eq(report.errors, 1);
    static const char *const nobody[] = {"{}",
                                         "[]",
                                         "{\"metadata\":{\"name\":\"x\"}}",
                                         "{\"metadata\":{\"uid\":\"x\"}}",
                                         "{\"metadata\":{\"name\":\"a\\u0000b\",\"uid\":\"x\"}}",
                                         "{\"metadata\":7}"};
    for (size_t i = 0; i < sizeof nobody / sizeof *nobody; i++) {
        cr_assert(gt_view_parse(arena, gt_str_of(nobody[i]), 0, &view, &err));
        bool ok = gt_store_put(store, GT_KIND_RIG, view, &err);
        cr_expect(!ok || i == 4, "%s", nobody[i]);
        gt_store_remove(store, GT_KIND_RIG, view);
    }
}

Test(catalogue_store, nothing_in_it)
{
    SCOPED_STORE(store);
    gt_store_report report;
    cr_expect_str_eq(image(store, &report), "");
    cr_expect_eq(report.objects, 0);
    cr_expect_null(gt_store_at(store, 0));
    cr_expect_null(gt_store_of_document(store, 0));
    gt_store_free(NULL);
}

/* As the revisions of an object are told by an informer: all of them again with each listing. */
static void recall(gt_store *store, const char *ns, const char *uid, int64_t generation, const char *image_name)
{
    SCOPED_ARENA(arena);
    gt_err err;
    const char *content =
        gt_arena_printf(arena, "{\"spec\":{\"name\":\"gastown\",\"podOverrides\":{\"image\":\"%s\"}}}", image_name);
    cr_assert(gt_store_recall(store, gt_str_of(ns), gt_str_of(uid), generation, gt_str_of(content), &err));
}

Test(catalogue_store, recalls_of_another_namespace_are_nobodys)
{
    SCOPED_STORE(store);
    gt_store_report report;
    put(store, GT_KIND_TOWN, TOWN);
    put(store, GT_KIND_RIG, BROKEN_RIG("5"));
    recall(store, "evil", "r1", 99, "planted:v1");
    recall(store, "gastown", "r1", 4, "r:v4");
    cr_expect_str_eq(image(store, &report), "r:v4");
}

Test(catalogue_store, recalls_wait_for_who_is_displaced)
{
    SCOPED_STORE(store);
    gt_store_report report;
    put(store, GT_KIND_TOWN, TOWN);
    put(store, GT_KIND_RIG, RIG("1", "old:v1"));
    put(store, GT_KIND_RIG,
        OBJECT("young", "r0", "3", "7", "{\"name\":\"gastown\",\"podOverrides\":{\"imgae\":\"x\"}}"));
    recall(store, "gastown", "r0", 6, "young:v6");
    cr_expect_str_eq(image(store, &report), "old:v1");
    take(store, GT_KIND_RIG, RIG("1", "old:v1"));
    cr_expect_str_eq(image(store, &report), "young:v6");
}

Test(catalogue_store, recalls_that_nobody_needs_take_no_room)
{
    SCOPED_STORE(store);
    gt_store_report report;
    put(store, GT_KIND_TOWN, TOWN);
    put(store, GT_KIND_RIG, RIG("1", "r:v1"));
    put(store, GT_KIND_RIG, OBJECT("bad", "r9", "3", "7", "{\"name\":\"bad\",\"imgae\":\"x\"}"));
    image(store, &report);
    for (int listing = 0; listing < 5000; listing++) {
        recall(store, "gastown", "r1", 1, "r:v1");
        recall(store, "gastown", "r9", 6, "bad:v6");
    }
    cr_expect_leq(store->recall_room, 128, "%zu", store->recall_room);
    take(store, GT_KIND_RIG, RIG("1", "r:v1"));
    cr_expect_str_eq(image(store, &report), "bad:v6", "what somebody lacks is still there");
}

Test(catalogue_store, a_load_that_is_not_adopted)
{
    SCOPED_STORE(store);
    gt_store_report report;
    gt_err err;
    put(store, GT_KIND_TOWN, TOWN);
    put(store, GT_KIND_RIG, RIG("1", "r:v1"));
    image(store, &report);
    put(store, GT_KIND_RIG, RIG("2", "r:v2"));
    for (int i = 0; i < 2; i++) {
        cr_assert(gt_store_load(store, &report, &err));
        gt_snapshot_free(report.snapshot);
        cr_expect(gt_store_stirred(store), "it is still to be loaded");
        cr_expect(rig(store)->news, "and still to be tried and told");
        cr_expect_eq(rig(store)->good_generation, 1, "what is in use is as it was");
        cr_expect_neq(strstr(rig(store)->good, "r:v1"), NULL);
    }
    cr_expect_str_eq(image(store, &report), "r:v2");
    cr_expect_eq(rig(store)->good_generation, 2);
    cr_expect(!gt_store_stirred(store));
    image(store, &report);
    cr_expect(!rig(store)->news);
}

/* At the start everything is new, and a trial can't say which of those that take part is to blame. */
Test(catalogue_store, refused_for_another_ones_fault)
{
    SCOPED_STORE(store);
    gt_store_report report;
    gt_err err;
    put(store, GT_KIND_TOWN, TOWN);
    put(store, GT_KIND_RIG, RIG("1", "r:v1"));
    cr_assert(gt_store_load(store, &report, &err));
    gt_snapshot_free(report.snapshot);
    for (size_t i = 0; i < 2; i++)
        cr_assert(gt_store_refuse(store, i, "pods can't be made of it", &err));
    cr_expect_str_eq(image(store, &report), "");
    cr_expect_eq(rig(store)->verdict, GT_VERDICT_REJECTED);
    put(store, GT_KIND_TOWN, OBJECT("main", "t1", "1", "2", "{\"defaults\":{\"image\":\"a:v2\"}}"));
    cr_expect_str_eq(image(store, &report), "r:v1");
    cr_expect_eq(rig(store)->verdict, GT_VERDICT_ACCEPTED);
}

#define PLACED(name, uid, created, generation, place, key)                                                             \
    OBJECT(name, uid, created, generation,                                                                             \
           "{\"name\":\"" place "\",\"podOverrides\":{\"" key "\":\"" name ":v" generation "\"}}")

static gt_verdict verdict(const gt_store *store, const char *name)
{
    return gt_store_find(store, GT_KIND_RIG, GT_STR("gastown"), gt_str_of(name))->verdict;
}

/* Each takes the other's place: in between one of them has none, at the end both have. */
Test(catalogue_store, places_are_swapped)
{
    SCOPED_STORE(store);
    gt_store_report report;
    put(store, GT_KIND_TOWN, TOWN);
    put(store, GT_KIND_RIG, PLACED("old", "r1", "1", "1", "gastown", "image"));
    put(store, GT_KIND_RIG, PLACED("new", "r2", "2", "1", "other", "image"));
    cr_expect_str_eq(image(store, &report), "old:v1");
    put(store, GT_KIND_RIG, PLACED("new", "r2", "2", "2", "gastown", "image"));
    cr_expect_str_eq(image(store, &report), "old:v1");
    cr_expect_eq(verdict(store, "new"), GT_VERDICT_DISPLACED);
    put(store, GT_KIND_RIG, PLACED("old", "r1", "1", "2", "other", "image"));
    cr_expect_str_eq(image(store, &report), "new:v2");
    cr_expect_eq(verdict(store, "new"), GT_VERDICT_ACCEPTED);
    cr_expect_eq(verdict(store, "old"), GT_VERDICT_ACCEPTED);
    cr_expect_eq(report.rejected, 0);
}

/* Who is wrong holds the place of its last good version, not the one that it would have taken. */
Test(catalogue_store, a_broken_move_displaces_nobody)
{
    SCOPED_STORE(store);
    gt_store_report report;
    put(store, GT_KIND_TOWN, TOWN);
    put(store, GT_KIND_RIG, PLACED("old", "r1", "1", "1", "other", "image"));
    put(store, GT_KIND_RIG, PLACED("new", "r2", "2", "1", "gastown", "image"));
    cr_expect_str_eq(image(store, &report), "new:v1");
    put(store, GT_KIND_RIG, PLACED("old", "r1", "1", "2", "gastown", "imgae"));
    cr_expect_str_eq(image(store, &report), "new:v1");
    cr_expect_eq(verdict(store, "old"), GT_VERDICT_KEPT);
    cr_expect_eq(verdict(store, "new"), GT_VERDICT_ACCEPTED);
    cr_expect_eq(report.rejected, 1);
    cr_expect_eq(report.errors, 1, "%zu", report.errors);
    put(store, GT_KIND_RIG, PLACED("new", "r2", "2", "2", "other", "image"));
    image(store, &report);
    cr_expect_eq(verdict(store, "new"), GT_VERDICT_DISPLACED, "the place of the good version is taken");
    cr_expect_eq(verdict(store, "old"), GT_VERDICT_KEPT);
}
