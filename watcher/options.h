/* What gastown-watcher can be told: one table of settings (flags, environment, defaults, --help). */
#ifndef GT_WATCHER_OPTIONS_H
#define GT_WATCHER_OPTIONS_H

#include <stdio.h>

#include "lib/base/log.h"
#include "lib/base/settings.h"
#include "watcher/step.h"

typedef struct gt_watch_options {
    const char *town_root, *events, *replay, *state;
    const char *kubeconfig, *context, *ns, *agent_image;
    const char *daemon_host, *bd_binary;
    int64_t daemon_port;
    int64_t bead_wait_ms, replay_timeout_ms;
    bool dry_run;
    int64_t output;     /* gt_pod_format */
    int64_t log_level;  /* gt_log_level */
    int64_t log_format; /* gt_log_format */
    bool help, version;
} gt_watch_options;

/* Parses and checks. events is filled from town_root where it isn't given; texts that are empty count as not given. GT_ERR_INPUT: a
 * sentence for the user. With help or version nothing else is checked. */
bool gt_watch_options_parse(gt_arena *arena, int argc, char **argv, gt_watch_options *options, gt_err *err);

void gt_watch_options_help(FILE *to);

#endif
