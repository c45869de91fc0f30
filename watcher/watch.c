#include "watcher/watch.h"

#include <poll.h>

#include "lib/base/clock.h"
#include "lib/base/log.h"

enum {
    STEP_MEMORY =
        256 * 1024 * 1024, /* a line's tree is 50 MB at the worst; an answer of the API server is far from that */
    AWAY_FIRST_MS = 1000,
    AWAY_MOST_MS = 30 * 1000,
    AGENT_FIRST_MS = 1000,
    AGENT_MOST_MS = 60 * 1000,
    LEAVING_MS = 1000,
};

int64_t gt_now_ms(void)
{
    return gt_clock_mono_us() / 1000;
}

bool gt_watch_start(gt_watch *watch, const gt_run *run, bool replay, gt_run_counts *counts, gt_err *err)
{
    gt_fleet_rules rules = {.replay = replay,
                            .bead_wait_ms = replay ? 0 : run->bead_wait_ms,
                            .first_ms = AGENT_FIRST_MS,
                            .most_ms = AGENT_MOST_MS};
    *counts = (gt_run_counts){0};
    *watch = (gt_watch){.run = run, .counts = counts, .replay = replay, .away = {AWAY_FIRST_MS, AWAY_MOST_MS, 0}};
    watch->arena = gt_arena_new(STEP_MEMORY);
    watch->fleet = gt_fleet_new(&rules);
    return (watch->arena != NULL && watch->fleet != NULL) || gt_fail(err, GT_ERR_NOMEM, "out of memory");
}

void gt_watch_cleanup(gt_watch *watch)
{
    gt_arena_free(watch->arena);
    gt_fleet_free(watch->fleet);
}

/* "gastown/polecat/nux" for the log, cut where a name is longer than anybody reads. */
typedef struct label {
    char text[256];
} label;

static label label_of(const gt_agent *agent)
{
    label l;
    snprintf(l.text, sizeof l.text, "%.*s/%.*s/%.*s", GT_STR_ARG(agent->rig), GT_STR_ARG(agent->role),
             GT_STR_ARG(agent->name));
    return l;
}

/* A slice that may be empty, as a text: GT_FS takes one without an address for a number. */
static gt_str shown(gt_str text)
{
    if (text.at == NULL)
        text.at = "";
    return text;
}

/* ---- lines ---- */

static void take_event(gt_watch *watch, const gt_event *event, uint64_t number)
{
    gt_wish wish = {0};
    const char *refused[GT_WISH_REFUSALS];
    gt_told told;
    gt_err err;
    label who = label_of(&event->agent);
    gt_log(watch->replay ? GT_LOG_DEBUG : GT_LOG_INFO, gt_lifecycle_name(event->lifecycle), GT_F("agent", who.text),
           GT_FS("bead", shown(event->bead)), GT_FS("type", shown(event->type)), GT_FI("line", number + 1));
    if (event->lifecycle == GT_LIFE_SPAWN) {
        size_t n = gt_wish_read(event, &wish, refused);
        for (size_t i = 0; i < n; i++)
            gt_log(GT_LOG_WARN, "refused what an event asks for", GT_F("agent", who.text), GT_F("key", refused[i]),
                   GT_FI("line", number + 1));
        watch->counts->refused += n;
    }
    if (!gt_fleet_tell(watch->fleet, event, &wish, number, gt_now_ms(), &told, &err)) {
        watch->no_memory = err.kind == GT_ERR_NOMEM;
        watch->counts->refused++;
        gt_log(GT_LOG_ERROR, "dropped an event", GT_F("agent", who.text), GT_FI("line", number + 1),
               GT_F("reason", err.text));
    } else if (told == GT_TOLD_FULL) {
        watch->counts->refused++;
        if (!watch->was_full)
            gt_log(GT_LOG_ERROR, "too many agents wait for a pod; this one and those after it are left out",
                   GT_F("agent", who.text), GT_FI("line", number + 1),
                   GT_FI("agents_due", gt_fleet_count(watch->fleet)));
        watch->was_full = true;
    } else if (told == GT_TOLD_DROPPED) {
        watch->counts->dropped++;
        gt_log(GT_LOG_INFO, "ended before it had a pod", GT_F("agent", who.text), GT_FI("line", number + 1));
    }
}

void gt_watch_line(gt_watch *watch, gt_str line, uint64_t number)
{
    gt_event event = {0};
    gt_err why;
    gt_line_kind kind = GT_LINE_BROKEN;
    if (line.at == NULL)
        gt_fail(&why, GT_ERR_LIMIT, "longer than 1 MiB");
    else
        kind = gt_event_read(watch->arena, line, &event, &why);
    watch->counts->lines++;
    if (kind == GT_LINE_BROKEN) {
        watch->counts->broken++;
        gt_log(GT_LOG_WARN, "dropped a broken line", GT_FI("line", number + 1), GT_F("reason", why.text));
    } else if (kind == GT_LINE_MAPPED) {
        watch->counts->mapped++;
        watch->counts->lifecycle[event.lifecycle]++;
        take_event(watch, &event, number);
    }
    gt_arena_reset(watch->arena);
}

/* ---- steps ---- */

typedef struct step {
    gt_watch *watch;
    const gt_due *due;
    gt_step_result result;
} step;

static bool take_step(void *context, gt_err *err)
{
    step *s = context;
    const gt_hands *hands = &s->watch->run->hands;
    hands->ensure_pod(hands->context, s->watch->arena, &s->due->agent, &s->due->wish, &s->result, err);
    return true;
}

/* This pod can't be made now. A replay gives up what won't pass by itself; a follower never does. */
static void refused(gt_watch *watch, gt_due *due, const step *s, const char *who, const gt_err *err)
{
    bool may_pass =
        err->kind == GT_ERR_ENV || (err->kind == GT_ERR_CONFLICT && err->code == 409); /* two writers of a quota */
    bool is_final = watch->replay && !may_pass;
    watch->counts->failures++;
    int64_t now = gt_now_ms(), wait = gt_fleet_failed(due, now, watch->run->dice(), err->text);
    if (s->result.retry_after_ms > wait)
        gt_fleet_retry(due, now + (wait = s->result.retry_after_ms), err->text);
    if (!is_final) {
        gt_log(GT_LOG_WARN, "the pod can't be made now", GT_F("agent", who), GT_FS("pod", shown(s->result.name)),
               GT_FI("retry_ms", wait), GT_F("reason", err->text));
        return;
    }
    watch->counts->refused++;
    gt_log(GT_LOG_ERROR, "the pod was refused", GT_F("agent", who), GT_FS("pod", shown(s->result.name)),
           GT_F("reason", err->text));
    gt_fleet_settle(watch->fleet, due);
}

static void away(gt_watch *watch, gt_due *due, const step *s, const char *who, const gt_err *err)
{
    int64_t wait = gt_backoff_after_failure(&watch->away, watch->run->dice());
    if (s->result.retry_after_ms > wait)
        wait = s->result.retry_after_ms;
    watch->away_until = gt_now_ms() + wait;
    gt_fleet_retry(due, due->not_before, err->text); /* its turn comes first when the server is back */
    gt_log(GT_LOG_WARN, "the API server is away", GT_FI("agents_due", gt_fleet_count(watch->fleet)),
           GT_F("next_agent", who), GT_FS("pod", shown(s->result.name)), GT_FI("retry_ms", wait),
           GT_F("reason", err->text));
}

static void there(gt_watch *watch, gt_due *due, const step *s, const char *who)
{
    const gt_step_result *r = &s->result;
    if (r->remark == NULL)
        gt_log(GT_LOG_INFO, "the pod is there already", GT_F("agent", who), GT_FS("pod", shown(r->name)));
    else
        gt_log(GT_LOG_WARN, "the pod is there already", GT_F("agent", who), GT_FS("pod", shown(r->name)),
               GT_F("remark", r->remark));
    watch->counts->there++;
    gt_fleet_settle(watch->fleet, due);
}

static void finish(gt_watch *watch, gt_due *due, const step *s, const gt_err *err)
{
    label who = label_of(&due->agent);
    if (s->result.outcome == GT_STEP_AWAY) {
        away(watch, due, s, who.text, err);
        return;
    }
    gt_backoff_reset(&watch->away);
    switch (s->result.outcome) {
    case GT_STEP_CREATED:
        gt_log(GT_LOG_INFO, "pod created", GT_F("agent", who.text), GT_FS("pod", shown(s->result.name)),
               GT_FS("bead", shown(due->wish.bead)));
        watch->counts->created++;
        gt_fleet_settle(watch->fleet, due);
        break;
    case GT_STEP_THERE: there(watch, due, s, who.text); break;
    case GT_STEP_LEAVING:
        gt_log(due->reason == NULL ? GT_LOG_INFO : GT_LOG_DEBUG, "waiting for the old pod to go",
               GT_F("agent", who.text), GT_FS("pod", shown(s->result.name)));
        gt_fleet_retry(due, gt_now_ms() + LEAVING_MS, "its old pod is still terminating");
        break;
    case GT_STEP_REFUSED: refused(watch, due, s, who.text, err); break;
    case GT_STEP_AWAY: break;
    }
}

bool gt_watch_act(gt_watch *watch, int64_t *wait)
{
    int64_t now = gt_now_ms();
    gt_due *due = gt_fleet_next(watch->fleet, now, wait);
    gt_err err;
    if (due == NULL)
        return false;
    if (now < watch->away_until) {
        *wait = watch->away_until - now;
        return false;
    }
    step s = {.watch = watch, .due = due, .result = {.outcome = GT_STEP_REFUSED, .retry_after_ms = -1}};
    if (!gt_arena_try(watch->arena, take_step, &s, &err))
        s.result = (gt_step_result){.outcome = GT_STEP_REFUSED, .name = GT_STR(""), .retry_after_ms = -1};
    watch->steps++;
    finish(watch, due, &s, &err);
    gt_arena_reset(watch->arena);
    return true;
}

bool gt_watch_wait(const gt_watch *watch, int fd, int64_t ms)
{
    struct pollfd fds[2] = {{.fd = watch->run->signals, .events = POLLIN}, {.fd = fd, .events = POLLIN}};
    int n = poll(fds, 2, (int)(ms > 60 * 1000 ? 60 * 1000 : ms)); /* a negative descriptor is ignored */
    return n > 0 && fds[0].revents != 0;
}
