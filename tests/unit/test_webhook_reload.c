#include "webhook/reload.h"

#include "tests/unit/test_catalogue_folder.h"

enum { MS = 1000, SECOND = 1000 * MS };

/* Something that can be loaded, and what happened to it. */
typedef struct source {
    bool stirred, broken;
    int looks, loads;
} source;

static bool stirred(void *context)
{
    source *s = context;
    s->looks++;
    return s->stirred;
}

static bool load(void *context, gt_err *err)
{
    source *s = context;
    s->loads++;
    return !s->broken || gt_fail(err, GT_ERR_ENV, "broken");
}

static const char *const nowhere[] = {NULL};

Test(webhook_reload, polls)
{
    source s = {0};
    gt_reload reload = {.what = "test", .context = &s, .stirred = stirred, .load = load};
    gt_reload_start(&reload, nowhere, 10 * SECOND, SECOND);
    cr_expect_eq(gt_reload_run(&reload, SECOND), 11 * SECOND, "looks once at the start, then a poll later");
    cr_expect_eq(s.looks, 1);
    cr_expect_eq(gt_reload_run(&reload, 10 * SECOND), 11 * SECOND);
    cr_expect_eq(s.looks, 1);
    s.stirred = true;
    cr_expect_eq(gt_reload_run(&reload, 11 * SECOND), 21 * SECOND);
    cr_expect_eq(s.loads, 1);
    gt_reload_force(&reload, 12 * SECOND);
    gt_reload_run(&reload, 12 * SECOND);
    cr_expect_eq(s.loads, 2);
    s.broken = true;
    gt_reload_run(&reload, 21 * SECOND);
    cr_expect_str_eq(reload.complaint, "broken");
    s.broken = false;
    gt_reload_run(&reload, 31 * SECOND);
    cr_expect_str_eq(reload.complaint, "");
    gt_reload_free(&reload);
}

Test(webhook_reload, waits_for_quiet_but_not_for_ever)
{
    SCOPED_FOLDER(here);
    source s = {0};
    gt_reload reload = {.what = "test", .context = &s, .stirred = stirred, .load = load};
    const char *const places[] = {here.path, NULL};
    gt_reload_start(&reload, places, 1000 * SECOND, 0);
    gt_reload_run(&reload, 0);
    folder_put(&here, "a.yaml", "x");
    gt_reload_notice(&reload, SECOND);
    cr_expect_eq(gt_reload_run(&reload, SECOND), SECOND + GT_RELOAD_QUIET_US);
    cr_expect_eq(s.loads, 0);
    gt_reload_run(&reload, SECOND + GT_RELOAD_QUIET_US);
    cr_expect_eq(s.loads, 1);
    int64_t now = 10 * SECOND;
    for (; now < 20 * SECOND && s.loads == 1; now += 50 * MS) { /* written to all the time */
        folder_put(&here, "a.yaml", "x");
        gt_reload_notice(&reload, now);
        gt_reload_run(&reload, now);
    }
    cr_expect_eq(s.loads, 2);
    cr_expect_leq(now, 10 * SECOND + GT_RELOAD_MOST_US + 50 * MS);
    gt_reload_notice(&reload, now);
    cr_expect_eq(gt_reload_run(&reload, now + SECOND), 1000 * SECOND, "nothing left to do");
    gt_reload_free(&reload);
}
