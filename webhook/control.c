#include "webhook/control.h"

#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "lib/base/clock.h"
#include "lib/base/log.h"

/* How often the reaper looks, at least; how long the lease's way back is waited for. */
enum { TICK_US = 100 * 1000, RELEASE_US = 2 * 1000 * 1000 };

typedef enum stage { RUNNING, DRAINING, CLOSING, STOPPED } stage;

typedef struct loop {
    const gt_control *control;
    int epoll_fd;
    stage stage;
    int64_t next_stage_us, release_by_us;
} loop;

bool gt_control_signals(int *signal_fd, gt_err *err)
{
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGTERM);
    sigaddset(&set, SIGINT);
    sigaddset(&set, SIGHUP);
    signal(SIGPIPE, SIG_IGN);
    *signal_fd = -1;
    if (sigprocmask(SIG_BLOCK, &set, NULL) == 0)
        *signal_fd = signalfd(-1, &set, SFD_NONBLOCK | SFD_CLOEXEC);
    return *signal_fd >= 0 || gt_fail(err, GT_ERR_ENV, "can't receive signals: %s", strerror(errno));
}

/* ---- stopping ---- */

static void enter(loop *l, stage next, int64_t now_us)
{
    const gt_control *c = l->control;
    gt_peers *peers = gt_http_peers(c->admission);
    l->stage = next;
    switch (next) {
    case RUNNING: break;
    case DRAINING:
        atomic_store(c->draining, true);
        l->next_stage_us = now_us + c->stop_delay_us;
        l->release_by_us = now_us + RELEASE_US;
        if (c->link != NULL)
            gt_link_release(c->link, gt_clock_wall_ms());
        gt_log(GT_LOG_INFO, "stopping: unready now", GT_FI("delay_ms", c->stop_delay_us / 1000));
        break;
    case CLOSING:
        gt_http_quiesce(c->admission);
        l->next_stage_us = now_us + c->stop_timeout_us;
        gt_log(GT_LOG_INFO, "stopping: no new connections", GT_FI("connections", gt_peers_count(peers)));
        break;
    case STOPPED:
        gt_log(gt_peers_count(peers) > 0 ? GT_LOG_WARN : GT_LOG_INFO, "stopping",
               GT_FI("connections_cut", gt_peers_count(peers)));
        break;
    }
}

/* Else nobody writes until the lease has run out. */
static bool is_released(const loop *l, int64_t now_us)
{
    return l->control->link == NULL || gt_link_released(l->control->link) || now_us >= l->release_by_us;
}

static void advance(loop *l, int64_t now_us)
{
    gt_peers *peers = gt_http_peers(l->control->admission);
    if (l->stage == DRAINING && now_us >= l->next_stage_us)
        enter(l, CLOSING, now_us);
    if (l->stage != CLOSING)
        return;
    gt_peers_shut_idle(peers);
    bool done = gt_peers_count(peers) == 0 || now_us >= l->next_stage_us;
    if (done && is_released(l, now_us))
        enter(l, STOPPED, now_us);
}

/* ---- events ---- */

static void take_signals(loop *l, int64_t now_us)
{
    struct signalfd_siginfo info;
    while (read(l->control->signal_fd, &info, sizeof info) == (ssize_t)sizeof info) {
        if (info.ssi_signo == SIGHUP) {
            for (size_t i = 0; i < GT_CONTROL_RELOADS; i++)
                if (l->control->reloads[i] != NULL)
                    gt_reload_force(l->control->reloads[i], now_us);
            if (l->control->link != NULL)
                gt_link_force(l->control->link);
        } else {
            enter(l, l->stage == RUNNING ? DRAINING : STOPPED, now_us);
        }
    }
}

static void wait_for_events(loop *l, int64_t until_us)
{
    int64_t now_us = gt_clock_mono_us();
    int64_t wait_ms = until_us <= now_us ? 0 : (until_us - now_us + 999) / 1000;
    struct epoll_event events[1 + GT_CONTROL_RELOADS];
    if (l->control->link != NULL) {
        gt_link_wait(l->control->link, l->epoll_fd, wait_ms);
        wait_ms = 0;
    }
    int n = epoll_wait(l->epoll_fd, events, sizeof events / sizeof *events, (int)wait_ms);
    now_us = gt_clock_mono_us();
    for (int i = 0; i < n; i++) {
        gt_reload *reload = events[i].data.ptr;
        if (reload == NULL)
            take_signals(l, now_us);
        else
            gt_reload_notice(reload, now_us);
    }
}

static void turn(loop *l)
{
    const gt_control *c = l->control;
    int64_t now_us = gt_clock_mono_us();
    gt_peers_reap(gt_http_peers(c->admission), now_us);
    gt_peers_reap(gt_http_peers(c->probe), now_us);
    gt_catalogue_sweep(c->catalogue);
    int64_t until = now_us + TICK_US;
    for (size_t i = 0; i < GT_CONTROL_RELOADS; i++)
        if (c->reloads[i] != NULL)
            until = gt_clock_earlier(until, gt_reload_run(c->reloads[i], now_us));
    if (c->link != NULL)
        until = gt_clock_earlier(until, gt_link_run(c->link, now_us, gt_clock_wall_ms()));
    advance(l, gt_clock_mono_us());
    if ((l->stage == DRAINING || l->stage == CLOSING) && l->next_stage_us > now_us)
        until = gt_clock_earlier(until, l->next_stage_us);
    if (l->stage != STOPPED)
        wait_for_events(l, until);
}

static bool listen_to(int epoll_fd, int fd, gt_reload *reload)
{
    struct epoll_event event = {.events = EPOLLIN, .data.ptr = reload};
    return fd < 0 || epoll_ctl(epoll_fd, EPOLL_CTL_ADD, fd, &event) == 0;
}

static int watch_fd(const gt_reload *reload)
{
    return reload == NULL || reload->watch == NULL ? -1 : gt_watch_fd(reload->watch);
}

bool gt_control_run(const gt_control *control, gt_err *err)
{
    loop l = {.control = control, .epoll_fd = epoll_create1(EPOLL_CLOEXEC)};
    bool ok = l.epoll_fd >= 0 && listen_to(l.epoll_fd, control->signal_fd, NULL);
    for (size_t i = 0; i < GT_CONTROL_RELOADS; i++)
        ok = ok && listen_to(l.epoll_fd, watch_fd(control->reloads[i]), control->reloads[i]);
    if (!ok)
        gt_fail(err, GT_ERR_ENV, "epoll: %s", strerror(errno));
    while (ok && l.stage != STOPPED)
        turn(&l);
    if (l.epoll_fd >= 0)
        close(l.epoll_fd);
    return ok;
}
