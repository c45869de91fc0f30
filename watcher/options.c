#include "watcher/options.h"

#include "lib/kube/names.h"

#define AT(member) offsetof(gt_watch_options, member)

static const gt_setting table[] = {
    {.flag = "town-root",
     .env = "GT_TOWN_ROOT",
     .type = GT_SET_STRING,
     .arg = "DIR",
     .offset = AT(town_root),
     .help = "the town's folder; its .events.jsonl is followed"},
    {.flag = "events",
     .type = GT_SET_STRING,
     .arg = "FILE",
     .offset = AT(events),
     .help = "follow this file instead of the town's .events.jsonl; it may come later"},
    {.flag = "replay",
     .type = GT_SET_STRING,
     .arg = "FILE",
     .offset = AT(replay),
     .help = "read FILE (or - for standard input) once to its end, make a pod for each agent that was spawned in it, "
             "and exit"},
    {.flag = "replay-timeout",
     .type = GT_SET_DURATION,
     .fallback = "30s",
     .arg = "TIME",
     .offset = AT(replay_timeout_ms),
     .help = "how long a replay goes on trying what may pass by itself",
     .min = 0,
     .max = 24 * 60 * 60 * 1000},
    {.flag = "state",
     .type = GT_SET_STRING,
     .arg = "FILE",
     .offset = AT(state),
     .help = "where to remember how far the event file is settled, so that a restart goes on from there"},
    {.flag = "bead-wait",
     .type = GT_SET_DURATION,
     .fallback = "3s",
     .arg = "TIME",
     .offset = AT(bead_wait_ms),
     .help = "how long a spawn that names no bead waits for the sling that does",
     .min = 0,
     .max = 10 * 60 * 1000},
    {.flag = "kubeconfig",
     .env = "KUBECONFIG",
     .type = GT_SET_STRING,
     .arg = "FILE",
     .offset = AT(kubeconfig),
     .help = "how to reach the API server; without one, the pod's service account"},
    {.flag = "context",
     .type = GT_SET_STRING,
     .arg = "NAME",
     .offset = AT(context),
     .help = "the kubeconfig's context to use instead of its current one"},
    {.flag = "namespace",
     .letter = 'n',
     .env = "NAMESPACE",
     .type = GT_SET_STRING,
     .fallback = "gastown",
     .arg = "NAME",
     .offset = AT(ns),
     .help = "where all agents live"},
    {.flag = "agent-image",
     .env = "AGENT_IMAGE",
     .type = GT_SET_STRING,
     .arg = "IMAGE",
     .offset = AT(agent_image),
     .help = "image of the bare pod's container, which any template beats"},
    {.flag = "dry-run",
     .type = GT_SET_BOOL,
     .offset = AT(dry_run),
     .help = "print the pods that would be made to standard output; needs no cluster and writes no state"},
    {.flag = "output",
     .letter = 'o',
     .type = GT_SET_CHOICE,
     .fallback = "text",
     .arg = "FORMAT",
     .offset = AT(output),
     .help = "how a dry run prints a pod; json is one pod a line",
     .choices = "text json yaml"},
    {.flag = "log-level",
     .env = "LOG_LEVEL",
     .type = GT_SET_CHOICE,
     .fallback = "info",
     .arg = "LEVEL",
     .offset = AT(log_level),
     .help = "the most that is logged, on standard error",
     .choices = "error warn info debug"},
    {.flag = "log-format",
     .env = "LOG_FORMAT",
     .type = GT_SET_CHOICE,
     .fallback = "text",
     .arg = "FORMAT",
     .offset = AT(log_format),
     .help = "how a log line looks",
     .choices = "text json"},
    {.flag = "daemon-host",
     .env = "BD_DAEMON_HOST",
     .type = GT_SET_STRING,
     .fallback = "localhost",
     .arg = "HOST",
     .offset = AT(daemon_host),
     .help = "the tracker's daemon; not used yet"},
    {.flag = "daemon-port",
     .env = "BD_DAEMON_PORT",
     .type = GT_SET_INT,
     .fallback = "9876",
     .arg = "PORT",
     .offset = AT(daemon_port),
     .help = "its port; not used yet",
     .min = 1,
     .max = 65535},
    {.flag = "bd-binary",
     .env = "BD_BINARY",
     .type = GT_SET_STRING,
     .fallback = "bd",
     .arg = "PATH",
     .offset = AT(bd_binary),
     .help = "the tracker's program; not used yet"},
    {.flag = "help", .letter = 'h', .type = GT_SET_BOOL, .offset = AT(help), .help = "this text"},
    {.flag = "version", .type = GT_SET_BOOL, .offset = AT(version), .help = "the version"},
};
enum { ROWS = sizeof table / sizeof table[0] };

/* An empty text is how a deployment says "none". */
static void drop_empty(const char **text)
{
    if (*text != NULL && (*text)[0] == '\0')
        *text = NULL;
}

static bool check(gt_arena *arena, gt_watch_options *o, gt_err *err)
{
    const char **texts[] = {&o->town_root,  &o->events,  &o->replay,     &o->state,
                            &o->kubeconfig, &o->context, &o->agent_image};
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++)
        drop_empty(texts[i]);
    if (!gt_is_dns_label(gt_str_of(o->ns)))
        return gt_fail(err, GT_ERR_INPUT, "--namespace: \"%s\" can't be the name of a namespace", o->ns);
    if (o->replay != NULL && o->events != NULL)
        return gt_fail(err, GT_ERR_INPUT, "--replay and --events: one or the other");
    if (o->replay != NULL && o->state != NULL)
        return gt_fail(err, GT_ERR_INPUT, "--replay and --state: a replay remembers nothing");
    if (o->replay == NULL && o->events == NULL && o->town_root == NULL)
        return gt_fail(err, GT_ERR_INPUT, "nothing to watch: give --town-root DIR, --events FILE or --replay FILE");
    if (o->output != GT_POD_TEXT && !o->dry_run)
        return gt_fail(err, GT_ERR_INPUT, "--output is for --dry-run");
    if (o->context != NULL && o->kubeconfig == NULL)
        return gt_fail(err, GT_ERR_INPUT, "--context needs a --kubeconfig");
    if (o->events == NULL && o->replay == NULL)
        o->events = gt_arena_printf(arena, "%s/.events.jsonl", o->town_root);
    return true;
}

bool gt_watch_options_parse(gt_arena *arena, int argc, char **argv, gt_watch_options *options, gt_err *err)
{
    gt_setting_list rest;
    *options = (gt_watch_options){0};
    if (!gt_settings_parse(arena, table, ROWS, argc, argv, options, &rest, err))
        return false;
    if (options->help || options->version)
        return true;
    if (rest.count > 0)
        return gt_fail(err, GT_ERR_INPUT, "\"%s\": unexpected; only `map` stands without dashes, and it comes first",
                       rest.at[0]);
    return check(arena, options, err);
}

void gt_watch_options_help(FILE *to)
{
    fputs("gastown-watcher turns what a Gas Town's issue tracker says into pods.\n"
          "\n"
          "  gastown-watcher --town-root DIR        follow the town's event file until stopped\n"
          "  gastown-watcher --replay FILE          read an event file once, act, and exit\n"
          "  gastown-watcher map < FILE             print what each line means, one JSON a line\n"
          "\n"
          "An agent that is spawned, slung to or hooked gets a bare pod (identity labels, a few annotations, one\n"
          "container called agent); the webhook makes a complete one of it. A pod that is there already is left\n"
          "alone, one that is terminating is waited for. What fails is tried again: 1 s to 30 s later while the API\n"
          "server is away, up to a minute later for a pod that is refused. In this version done, kill and stuck are\n"
          "counted and logged but nothing is deleted: that comes with the listing of the tracker, which decides\n"
          "from what is, not from events. Following, an agent that ended before its pod was made gets none; a\n"
          "replay makes one for each agent that was spawned, with the latest bead.\n"
          "\n"
          "Flags beat the environment, the environment beats defaults.\n"
          "\n",
          to);
    gt_settings_help(to, table, ROWS);
    fputs(
        "\n"
        "Exit status: 0 all is well (or stopped by SIGTERM or SIGINT); 1 a replay left something undone, or was asked\n"
        "for something that it refuses; 2 wrong usage; 3 a file, the configuration or the machine is in the way.\n",
        to);
}
