/* The control thread: everything that isn't an answer to a request.
 *
 * One epoll loop: signals, changed templates and certificates, the reaper, retired snapshots, and the way to a graceful stop:
 *
 *   running    until SIGTERM or SIGINT
 *   draining   unready, each answer closes its connection; new connections still come, since the world takes its time to notice
 *   closing    no new connections; idle ones are shut down, the others may finish
 *   stopped    all have gone, or the time is over, or a second signal came
 */
#ifndef GT_WEBHOOK_CONTROL_H
#define GT_WEBHOOK_CONTROL_H

#include <stdatomic.h>

#include "catalogue/catalogue.h"
#include "webhook/http.h"
#include "webhook/link.h"
#include "webhook/reload.h"

enum { GT_CONTROL_RELOADS = 3 }; /* templates, certificate, clients' authorities */

typedef struct gt_control {
    int signal_fd;
    gt_catalogue *catalogue;
    gt_http *admission, *probe;
    gt_reload *reloads[GT_CONTROL_RELOADS]; /* started; NULL: there's no such thing */
    gt_link *link;                          /* NULL: no API server */
    atomic_bool *draining;                  /* set by the loop */
    int64_t stop_delay_us, stop_timeout_us;
} gt_control;

/* Blocks TERM, INT and HUP for this thread and those it starts, and ignores PIPE. The descriptor through which they come is the
 * caller's. Before there are threads. GT_ERR_ENV. */
bool gt_control_signals(int *signal_fd, gt_err *err);

/* Runs until it's time to stop the servers. GT_ERR_ENV: it never came to run. */
bool gt_control_run(const gt_control *control, gt_err *err);

#endif
