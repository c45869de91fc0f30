/* Replaying and following, with hands that only say how a step went. */
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/base/log.h"
#include "tests/unit/support.h"
#include "watcher/run.h"

typedef struct reply {
    gt_step_outcome outcome;
    gt_err_kind kind;   /* of REFUSED and AWAY */
    const char *append; /* then written to the event file, if not NULL */
} reply;

typedef struct bench {
    char folder[32], events[64], state[64];
    int stop[2];
    const reply *replies; /* the last one is given for ever */
    size_t count, taken;
    size_t stop_after; /* steps; 0: never */
    char said[2048];   /* "name:bead " for each step */
    gt_run run;
    gt_run_counts counts;
} bench;

static void append(const bench *b, const char *text)
{
    int fd = open(b->events, O_WRONLY | O_CREAT | O_APPEND, 0600);
    cr_assert_eq(write(fd, text, strlen(text)), (ssize_t)strlen(text));
    close(fd);
}

static void step(void *context, gt_arena *arena, const gt_agent *agent, const gt_wish *wish, gt_step_result *result,
                 gt_err *err)
{
    bench *b = context;
    const reply *r = &b->replies[b->taken < b->count ? b->taken : b->count - 1];
    size_t n = strlen(b->said);
    (void)arena;
    snprintf(b->said + n, sizeof b->said - n, "%.*s:%.*s ", GT_STR_ARG(agent->name), GT_STR_ARG(wish->bead));
    *result = (gt_step_result){.outcome = r->outcome, .name = GT_STR("pod"), .retry_after_ms = -1};
    if (r->outcome == GT_STEP_REFUSED || r->outcome == GT_STEP_AWAY)
        gt_fail(err, r->kind, "no");
    if (r->append != NULL && b->taken < b->count)
        append(b, r->append);
    b->taken++;
    if (b->taken == b->stop_after)
        cr_assert_eq(write(b->stop[1], "x", 1), 1);
}

static uint32_t no_dice(void)
{
    return 0;
}

static void set_up(bench *b, const reply *replies, size_t n)
{
    alarm(60); /* a test that hangs ends; Criterion's own .timeout leaks in its runner, which the sanitizers report */
    *b = (bench){.folder = "/tmp/gt-run-XXXXXX", .replies = replies, .count = n};
    cr_assert(mkdtemp(b->folder) != NULL);
    snprintf(b->events, sizeof b->events, "%s/events", b->folder);
    snprintf(b->state, sizeof b->state, "%s/state", b->folder);
    cr_assert_eq(pipe(b->stop), 0);
    b->run = (gt_run){.hands = {step, b}, .signals = b->stop[0], .dice = no_dice};
    gt_log_setup(GT_LOG_ERROR, GT_LOG_TEXT);
}

static void tear_down(bench *b)
{
    unlink(b->events);
    unlink(b->state);
    rmdir(b->folder);
    close(b->stop[0]);
    close(b->stop[1]);
}
#define BENCH(name, ...)                                                                                               \
    static const reply name##_replies[] = {__VA_ARGS__};                                                               \
    gt_scoped(tear_down) bench name;                                                                                   \
    set_up(&name, name##_replies, COUNT(name##_replies))

#define SLING(who, bead) "{\"type\":\"sling\",\"payload\":{\"target\":\"r/" who "\",\"bead\":\"" bead "\"}}\n"
#define SPAWN(who) "{\"type\":\"spawn\",\"payload\":{\"rig\":\"r\",\"polecat\":\"" who "\"}}\n"
#define DONE(who) "{\"type\":\"done\",\"actor\":\"r/" who "\"}\n"

static void replay(bench *b, const char *text, int64_t timeout_ms)
{
    gt_err err;
    append(b, text);
    int in = open(b->events, O_RDONLY);
    cr_expect(gt_run_replay(&b->run, in, timeout_ms, &b->counts, &err), "%s", err.text);
    close(in);
}

static void follow(bench *b, bool with_state)
{
    gt_err err;
    cr_expect(gt_run_follow(&b->run, b->events, with_state ? b->state : NULL, &b->counts, &err), "%s", err.text);
    char byte;
    cr_expect_eq(read(b->stop[0], &byte, 1), 1);
}

Test(watcher_run, replay_folds_first)
{
    BENCH(b, {.outcome = GT_STEP_CREATED});
    replay(&b,
           SPAWN("a") SLING("a", "b1") "garbage\n\n" DONE("a") SLING("c", "x") SPAWN("a") SLING("a", "b2") DONE("a")
               DONE("z"),
           0);
    cr_expect_str_eq(b.said, "a:b2 c:x ");
    cr_expect_eq(b.counts.lines, 10);
    cr_expect_eq(b.counts.mapped, 8);
    cr_expect_eq(b.counts.broken, 1);
    cr_expect_eq(b.counts.created, 2);
    cr_expect_eq(b.counts.refused, 0);
    cr_expect_eq(b.counts.lifecycle[GT_LIFE_DONE], 3);
}

Test(watcher_run, replay_takes_a_last_line_without_newline)
{
    BENCH(b, {.outcome = GT_STEP_THERE});
    replay(&b, "{\"type\":\"sling\",\"payload\":{\"target\":\"r/a\"}}", 0);
    cr_expect_str_eq(b.said, "a: ");
    cr_expect_eq(b.counts.there, 1);
}

Test(watcher_run, replay_gives_up_what_wont_pass)
{
    BENCH(b, {.outcome = GT_STEP_REFUSED, .kind = GT_ERR_REFUSED}, {.outcome = GT_STEP_CREATED});
    replay(&b, SLING("a", "1") SLING("c", "2"), 10000);
    cr_expect_str_eq(b.said, "a:1 c:2 ");
    cr_expect_eq(b.counts.refused, 1);
    cr_expect_eq(b.counts.created, 1);
}

Test(watcher_run, replay_tries_again_what_may_pass)
{
    BENCH(b, {.outcome = GT_STEP_REFUSED, .kind = GT_ERR_ENV}, {.outcome = GT_STEP_LEAVING},
          {.outcome = GT_STEP_CREATED});
    replay(&b, SLING("a", "1") SLING("c", "2"), 10000);
    cr_expect_eq(b.counts.created, 2);
    cr_expect_eq(b.counts.refused, 0);
    cr_expect_eq(b.counts.failures, 1);
    cr_expect_eq(b.taken, 4);
}

Test(watcher_run, replay_without_time_gives_everybody_one_turn)
{
    BENCH(b, {.outcome = GT_STEP_REFUSED, .kind = GT_ERR_ENV});
    replay(&b, SLING("a", "1") SLING("c", "2") SLING("d", "3"), 0);
    cr_expect_str_eq(b.said, "a:1 c:2 d:3 ");
    cr_expect_eq(b.counts.refused, 3);
}

Test(watcher_run, replay_while_the_server_is_away)
{
    BENCH(b, {.outcome = GT_STEP_AWAY, .kind = GT_ERR_ENV});
    replay(&b, SLING("a", "1") SLING("c", "2"), 1500);
    cr_expect_str_eq(b.said, "a:1 a:1 ", "one asks for all");
    cr_expect_eq(b.counts.refused, 2);
}

Test(watcher_run, replay_stops_when_told)
{
    BENCH(b, {.outcome = GT_STEP_AWAY, .kind = GT_ERR_ENV});
    b.stop_after = 1;
    replay(&b, SLING("a", "1"), 600000);
    cr_expect_eq(b.counts.refused, 1);
}

Test(watcher_run, replay_counts_wishes_that_are_refused)
{
    BENCH(b, {.outcome = GT_STEP_CREATED});
    replay(&b, "{\"type\":\"sling\",\"payload\":{\"target\":\"r/a\",\"namespace\":\"kube-system\"}}\n", 0);
    cr_expect_eq(b.counts.created, 1);
    cr_expect_eq(b.counts.refused, 1);
}

Test(watcher_run, follow_nothing_lost_nothing_twice)
{
    BENCH(b, {.outcome = GT_STEP_CREATED},
          {.outcome = GT_STEP_AWAY, .kind = GT_ERR_ENV, .append = SLING("d", "3") SLING("c", "2")},
          {.outcome = GT_STEP_CREATED});
    b.stop_after = 4;
    append(&b, SLING("a", "1") SLING("c", "2"));
    follow(&b, false);
    cr_expect_str_eq(b.said, "a:1 c:2 c:2 d:3 ");
    cr_expect_eq(b.counts.created, 3);
    cr_expect_eq(b.counts.lines, 4);
}

Test(watcher_run, follow_one_bad_agent_stops_nobody)
{
    BENCH(b, {.outcome = GT_STEP_REFUSED, .kind = GT_ERR_REFUSED}, {.outcome = GT_STEP_CREATED},
          {.outcome = GT_STEP_CREATED});
    b.stop_after = 3;
    append(&b, SLING("bad", "1") SLING("a", "2"));
    follow(&b, false);
    cr_expect_str_eq(b.said, "bad:1 a:2 bad:1 ");
    cr_expect_eq(b.counts.created, 2);
    cr_expect_eq(b.counts.failures, 1);
}

Test(watcher_run, follow_a_backlog_is_folded)
{
    BENCH(b, {.outcome = GT_STEP_CREATED});
    b.stop_after = 1;
    append(&b, SLING("a", "1") DONE("a") SLING("c", "2"));
    follow(&b, false);
    cr_expect_str_eq(b.said, "c:2 ", "what ended long ago isn't started again");
    cr_expect_eq(b.counts.dropped, 1);
}

Test(watcher_run, follow_a_spawn_waits_for_its_sling)
{
    BENCH(b, {.outcome = GT_STEP_CREATED, .append = SLING("c", "9")}, {.outcome = GT_STEP_CREATED});
    b.run.bead_wait_ms = 60000;
    b.stop_after = 2;
    append(&b, SPAWN("c") SLING("a", "1"));
    follow(&b, false);
    cr_expect_str_eq(b.said, "a:1 c:9 ");
}

Test(watcher_run, follow_remembers_only_what_is_settled)
{
    BENCH(b, {.outcome = GT_STEP_CREATED}, {.outcome = GT_STEP_REFUSED, .kind = GT_ERR_REFUSED},
          {.outcome = GT_STEP_CREATED});
    b.stop_after = 3;
    append(&b, SLING("a", "1") SLING("c", "2") SLING("d", "3"));
    follow(&b, true);
    cr_expect_str_eq(b.said, "a:1 c:2 d:3 ");
    b.said[0] = '\0';
    b.stop_after = 5;
    follow(&b, true);
    cr_expect_str_eq(b.said, "c:2 d:3 ", "c wasn't settled, so a restart begins there; a was");
    b.said[0] = '\0';
    b.stop_after = 6;
    append(&b, SLING("e", "4"));
    follow(&b, true);
    cr_expect_str_eq(b.said, "e:4 ");
}

Test(watcher_run, follow_says_when_its_state_cant_be_kept)
{
    BENCH(b, {.outcome = GT_STEP_CREATED});
    gt_err err;
    cr_expect_not(gt_run_follow(&b.run, b.events, "/nonexistent/state", &b.counts, &err));
    cr_expect_eq(err.kind, GT_ERR_ENV);
}
