#include "lib/base/log.h"
#include "watcher/tail.h"
#include "watcher/watch.h"

enum { SETTLE_MS = 1000 }; /* between two writes of the state file while there is much to do */

static void take_line(void *context, gt_str line, uint64_t number)
{
    gt_watch_line(context, line, number);
}

/* An error that goes on is said once. */
typedef struct trouble {
    gt_err last;
} trouble;

static void note(trouble *t, bool ok, const gt_err *err, const char *what)
{
    if (ok && t->last.kind != GT_ERR_NONE)
        gt_log(GT_LOG_INFO, "works again", GT_F("what", what));
    if (!ok && (t->last.kind == GT_ERR_NONE || strcmp(t->last.text, err->text) != 0))
        gt_log(GT_LOG_ERROR, what, GT_F("reason", err->text));
    t->last = *err;
    if (ok)
        t->last.kind = GT_ERR_NONE;
}

static bool loop(gt_watch *watch, gt_tail *tail, gt_err *err)
{
    trouble reading = {0}, saving = {0};
    int64_t saved = 0;
    for (bool stop = false; !stop;) {
        gt_err why = {0};
        bool ok = gt_tail_read(tail, take_line, watch, &why);
        if (watch->no_memory || why.kind == GT_ERR_NOMEM)
            return gt_fail(err, GT_ERR_NOMEM, "out of memory");
        note(&reading, ok, &why, "reading events");
        int64_t wait = -1;
        bool acted = gt_watch_act(watch, &wait);
        if (!acted || gt_now_ms() - saved >= SETTLE_MS) {
            ok = gt_tail_settle(tail, gt_fleet_settled(watch->fleet, gt_tail_next(tail)), &why);
            note(&saving, ok, &why, "saving the state");
            saved = gt_now_ms();
        }
        stop = gt_watch_wait(watch, gt_tail_fd(tail),
                             acted                                ? 0
                             : wait < 0 || wait > GT_TAIL_POLL_MS ? GT_TAIL_POLL_MS
                                                                  : wait);
    }
    return gt_tail_settle(tail, gt_fleet_settled(watch->fleet, gt_tail_next(tail)), err);
}

bool gt_run_follow(const gt_run *run, const char *events, const char *state, gt_run_counts *counts, gt_err *err)
{
    gt_scoped(gt_watch_cleanup) gt_watch watch;
    gt_scoped(gt_tail_cleanup) gt_tail *tail = NULL;
    if (!gt_watch_start(&watch, run, false, counts, err) || !gt_tail_new(events, state, &tail, err))
        return false;
    gt_log(GT_LOG_INFO, "following", GT_F("events", events), GT_F("state", state == NULL ? "none" : state));
    if (!loop(&watch, tail, err))
        return false;
    gt_tail_counts seen = gt_tail_count(tail);
    gt_log(GT_LOG_INFO, "stopped", GT_FI("lines", counts->lines), GT_FI("mapped", counts->mapped),
           GT_FI("broken", counts->broken), GT_FI("known_lines", seen.dropped), GT_FI("created", counts->created),
           GT_FI("there", counts->there), GT_FI("failures", counts->failures),
           GT_FI("still_due", gt_fleet_count(watch.fleet)));
    return true;
}
