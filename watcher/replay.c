#include <errno.h>
#include <unistd.h>

#include "lib/base/log.h"
#include "watcher/lines.h"
#include "watcher/watch.h"

static void take_lines(gt_watch *watch, gt_lines *lines, bool ended)
{
    gt_str line;
    while (gt_lines_next(lines, &line) != GT_LINES_MORE || (ended && gt_lines_last(lines, &line) != GT_LINES_MORE))
        gt_watch_line(watch, line, watch->counts->lines);
}

static bool read_all(gt_watch *watch, int in, gt_err *err)
{
    gt_scoped(gt_lines_cleanup) gt_lines *lines = gt_lines_new();
    if (lines == NULL)
        return gt_fail(err, GT_ERR_NOMEM, "out of memory");
    for (bool ended = false; !ended;) {
        size_t room;
        char *at = gt_lines_room(lines, &room);
        ssize_t n = read(in, at, room);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return gt_fail(err, GT_ERR_ENV, "can't read: %s", strerror(errno));
        gt_lines_add(lines, (size_t)n);
        ended = n == 0;
        take_lines(watch, lines, ended);
        if (watch->no_memory)
            return gt_fail(err, GT_ERR_NOMEM, "out of memory");
    }
    return true;
}

/* Until nothing is due, or time is over and everybody had a turn, or somebody wants us to stop. */
static void act_all(gt_watch *watch, int64_t deadline)
{
    size_t everybody = gt_fleet_count(watch->fleet);
    bool stop = false;
    while (!stop && gt_fleet_count(watch->fleet) > 0) {
        int64_t wait = 0, left = deadline - gt_now_ms();
        if (left <= 0 && watch->steps >= everybody)
            break;
        bool acted = gt_watch_act(watch, &wait);
        if (!acted && left <= 0)
            break;
        stop = gt_watch_wait(watch, -1, acted ? 0 : wait < left ? wait : left);
    }
}

static void report_left(gt_watch *watch)
{
    for (const gt_due *due = NULL; (due = gt_fleet_each(watch->fleet, due)) != NULL;) {
        watch->counts->refused++;
        gt_log(GT_LOG_ERROR, "no pod for this agent", GT_FS("rig", due->agent.rig), GT_FS("role", due->agent.role),
               GT_FS("agent", due->agent.name),
               GT_F("reason", due->reason == NULL ? "its turn didn't come" : due->reason));
    }
}

bool gt_run_replay(const gt_run *run, int in, int64_t timeout_ms, gt_run_counts *counts, gt_err *err)
{
    gt_scoped(gt_watch_cleanup) gt_watch watch;
    if (!gt_watch_start(&watch, run, true, counts, err) || !read_all(&watch, in, err))
        return false;
    act_all(&watch, gt_now_ms() + timeout_ms);
    report_left(&watch);
    return true;
}
