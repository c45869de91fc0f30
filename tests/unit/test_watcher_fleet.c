/* The set of agents that are due, and its back-off. */
#include <stdio.h>

#include "tests/unit/support.h"
#include "watcher/fleet.h"

static const gt_fleet_rules rules = {.bead_wait_ms = 3000, .first_ms = 1000, .most_ms = 60000};

#define FLEET(name, ...)                                                                                               \
    gt_fleet_rules name##_rules = __VA_ARGS__;                                                                         \
    gt_scoped(gt_fleet_cleanup) gt_fleet *name = gt_fleet_new(&name##_rules)

static gt_told tell(gt_fleet *fleet, gt_lifecycle lifecycle, const char *role, const char *name, const char *bead,
                    uint64_t line, int64_t now)
{
    gt_event event = {.lifecycle = lifecycle, .agent = {GT_STR("r"), gt_str_of(role), gt_str_of(name)}};
    gt_wish wish = {.bead = gt_str_of(bead)};
    gt_told told;
    gt_err err;
    cr_assert(gt_fleet_tell(fleet, &event, &wish, line, now, &told, &err), "%s", err.text);
    return told;
}
#define SPAWN(fleet, name, bead, line, now) tell(fleet, GT_LIFE_SPAWN, "polecat", name, bead, line, now)

static const char *next_name(gt_fleet *fleet, int64_t now)
{
    static char text[64];
    gt_due *due = gt_fleet_next(fleet, now, NULL);
    snprintf(text, sizeof text, "%.*s", due == NULL ? 0 : (int)due->agent.name.len,
             due == NULL ? "" : due->agent.name.at);
    return text;
}

Test(watcher_fleet, an_agent_is_due_once)
{
    FLEET(fleet, rules);
    int64_t wait;
    cr_expect_null(gt_fleet_next(fleet, 0, &wait));
    cr_expect_eq(wait, -1);
    cr_expect_eq(gt_fleet_settled(fleet, 7), 7);
    for (uint64_t i = 0; i < 100; i++)
        cr_expect_eq(SPAWN(fleet, "nux", "b1", 7 + i, 0), GT_TOLD_DUE);
    cr_expect_eq(gt_fleet_count(fleet), 1);
    cr_expect_eq(gt_fleet_settled(fleet, 107), 7);
    gt_due *due = gt_fleet_next(fleet, 0, &wait);
    cr_expect_eq(wait, 0);
    gt_fleet_settle(fleet, due);
    cr_expect_eq(gt_fleet_count(fleet), 0);
    cr_expect_eq(gt_fleet_settled(fleet, 107), 107);
}

Test(watcher_fleet, identities_differ_in_every_part)
{
    FLEET(fleet, rules);
    static const char *const words[][2] = {{"a", "bc"}, {"ab", "c"}, {"abc", "x"}, {"a", "b"}, {"ab", "bc"}};
    for (size_t i = 0; i < COUNT(words); i++)
        tell(fleet, GT_LIFE_SPAWN, words[i][0], words[i][1], "b", i, 0);
    cr_expect_eq(gt_fleet_count(fleet), COUNT(words));
    for (size_t i = 0; i < COUNT(words); i++)
        tell(fleet, GT_LIFE_DONE, words[i][0], words[i][1], "", 10 + i, 0);
    cr_expect_eq(gt_fleet_count(fleet), 0);
}

Test(watcher_fleet, a_spawn_waits_for_its_bead)
{
    FLEET(fleet, rules);
    int64_t wait;
    SPAWN(fleet, "nux", "", 0, 100);
    cr_expect_null(gt_fleet_next(fleet, 100, &wait));
    cr_expect_eq(wait, 3000);
    SPAWN(fleet, "nux", "", 1, 2000);
    cr_expect_null(gt_fleet_next(fleet, 3099, &wait), "a second one waits no longer");
    cr_expect_not_null(gt_fleet_next(fleet, 3100, &wait));
    SPAWN(fleet, "ace", "", 2, 4000);
    SPAWN(fleet, "ace", "b", 3, 4500);
    cr_expect_str_eq(next_name(fleet, 4500), "nux");
    gt_fleet_settle(fleet, gt_fleet_next(fleet, 4500, NULL));
    cr_expect_str_eq(next_name(fleet, 4500), "ace", "the bead ends the wait");
}

Test(watcher_fleet, what_ended_is_dropped_while_following)
{
    FLEET(fleet, rules);
    SPAWN(fleet, "nux", "b", 0, 0);
    cr_expect_eq(tell(fleet, GT_LIFE_STUCK, "polecat", "nux", "", 1, 0), GT_TOLD_NOTHING);
    cr_expect_eq(tell(fleet, GT_LIFE_KILL, "polecat", "nux", "", 2, 0), GT_TOLD_DROPPED);
    cr_expect_eq(tell(fleet, GT_LIFE_DONE, "polecat", "nux", "", 3, 0), GT_TOLD_NOTHING);
    cr_expect_eq(gt_fleet_settled(fleet, 4), 4);
    SPAWN(fleet, "nux", "", 4, 0);
    cr_expect_eq(gt_fleet_next(fleet, 3000, NULL)->wish.bead.len, 0, "a new run knows nothing of the last one's bead");
}

Test(watcher_fleet, a_replay_keeps_everybody_and_the_latest_bead)
{
    FLEET(fleet, {.replay = true});
    SPAWN(fleet, "nux", "", 0, 0);
    SPAWN(fleet, "nux", "b1", 1, 0);
    tell(fleet, GT_LIFE_DONE, "polecat", "nux", "b1", 2, 0);
    expect_text(0, gt_fleet_next(fleet, 0, NULL)->wish.bead, "b1");
    SPAWN(fleet, "nux", "", 3, 0);
    expect_text(1, gt_fleet_next(fleet, 0, NULL)->wish.bead, "");
    SPAWN(fleet, "nux", "b2", 4, 0);
    SPAWN(fleet, "nux", "", 5, 0);
    tell(fleet, GT_LIFE_DONE, "polecat", "nux", "", 6, 0);
    expect_text(2, gt_fleet_next(fleet, 0, NULL)->wish.bead, "b2");
    cr_expect_eq(gt_fleet_count(fleet), 1);
}

Test(watcher_fleet, failures_back_off_and_other_work_ends_that)
{
    FLEET(fleet, rules);
    SPAWN(fleet, "nux", "b1", 0, 0);
    int64_t now = 0, wait = 0;
    for (int i = 0; i < 20; i++) {
        gt_due *due = gt_fleet_next(fleet, now, &wait);
        cr_assert_not_null(due);
        wait = gt_fleet_failed(due, now, 0xffffffffu, "no");
        now += wait;
    }
    cr_expect_geq(wait, 59999);
    cr_expect_leq(wait, 60000);
    gt_fleet_failed(gt_fleet_next(fleet, now, NULL), now, 0, "no");
    SPAWN(fleet, "nux", "b1", 1, now);
    cr_expect_null(gt_fleet_next(fleet, now, NULL), "the same event again doesn't beat the back-off");
    SPAWN(fleet, "nux", "b2", 2, now);
    gt_due *due = gt_fleet_next(fleet, now, NULL);
    cr_assert_not_null(due);
    cr_expect_eq(due->backoff.failures, 0);
    cr_expect_str_eq(due->reason, "no");
}

Test(watcher_fleet, order)
{
    FLEET(fleet, rules);
    SPAWN(fleet, "a", "b", 0, 10);
    SPAWN(fleet, "b", "b", 1, 10);
    tell(fleet, GT_LIFE_SPAWN, "mayor", "hq", "b", 2, 20);
    cr_expect_str_eq(next_name(fleet, 20), "hq");
    gt_fleet_failed(gt_fleet_next(fleet, 20, NULL), 20, 0, "no");
    cr_expect_str_eq(next_name(fleet, 20), "a");
    gt_fleet_retry(gt_fleet_next(fleet, 20, NULL), 20, "again");
    cr_expect_str_eq(next_name(fleet, 20), "b", "who waited longer goes first");
    const gt_due *first = gt_fleet_each(fleet, NULL), *second = gt_fleet_each(fleet, first),
                 *third = gt_fleet_each(fleet, second);
    expect_text(0, first->agent.name, "a");
    expect_text(1, second->agent.name, "b");
    expect_text(2, third->agent.name, "hq");
    cr_expect_null(gt_fleet_each(fleet, third));
}

Test(watcher_fleet, limits)
{
    FLEET(fleet, {.most = 3});
    SPAWN(fleet, "a", "", 0, 0);
    SPAWN(fleet, "b", "", 1, 0);
    SPAWN(fleet, "c", "", 2, 0);
    cr_expect_eq(SPAWN(fleet, "d", "", 3, 0), GT_TOLD_FULL);
    cr_expect_eq(SPAWN(fleet, "e", "", 4, 0), GT_TOLD_FULL);
    cr_expect_eq(SPAWN(fleet, "a", "b", 5, 0), GT_TOLD_DUE, "who is in stays in");
    for (int i = 0; i < 3; i++)
        gt_fleet_settle(fleet, gt_fleet_next(fleet, 0, NULL));
    cr_expect_eq(gt_fleet_settled(fleet, 6), 3, "a restart begins with who was left out");
    cr_expect_eq(SPAWN(fleet, "d", "", 6, 0), GT_TOLD_DUE);
    char name[5000];
    memset(name, 'x', sizeof name);
    gt_event event = {.lifecycle = GT_LIFE_SPAWN, .agent = {GT_STR("r"), GT_STR("crew"), {name, sizeof name}}};
    gt_wish wish = {0};
    gt_told told;
    gt_err err;
    cr_expect_not(gt_fleet_tell(fleet, &event, &wish, 7, 0, &told, &err));
    cr_expect_eq(err.kind, GT_ERR_LIMIT);
}

Test(watcher_backoff, grows_to_its_limit_and_starts_anew)
{
    gt_backoff b = {1000, 30000, 0};
    static const int64_t low[] = {1000, 2000, 4000, 8000, 15000, 15000},
                         high[] = {2000, 4000, 8000, 16000, 30000, 30000};
    for (size_t i = 0; i < COUNT(low); i++) {
        gt_backoff again = b;
        int64_t least = gt_backoff_after_failure(&again, 0), most = gt_backoff_after_failure(&b, 0xffffffffu);
        cr_expect_eq(least, low[i], "failure %zu: %lld", i, (long long)least);
        cr_expect(most <= high[i] && most >= high[i] - 1, "failure %zu: %lld", i, (long long)most);
    }
    b.failures = 4000000000u;
    cr_expect_eq(gt_backoff_after_failure(&b, 0), 15000);
    gt_backoff_reset(&b);
    cr_expect_eq(gt_backoff_after_failure(&b, 0), 1000);
}
