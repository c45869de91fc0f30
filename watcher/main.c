#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/random.h>
#include <sys/signalfd.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/kube/config.h"
#include "watcher/map.h"
#include "watcher/options.h"
#include "watcher/run.h"

enum { OK = 0, FINDING = 1, USAGE = 2, ENVIRONMENT = 3 };

static int fail(int status, const gt_err *err)
{
    fprintf(stderr, "gastown-watcher: %s\n", err->text);
    return status;
}

static uint32_t dice(void)
{
    uint32_t bits = 0;
    if (getrandom(&bits, sizeof bits, GRND_NONBLOCK) != sizeof bits)
        bits = (uint32_t)getpid() * 2654435761u; /* spread over processes at least */
    return bits;
}

static int map(int argc, char **argv)
{
    if (argc == 3 && (strcmp(argv[2], "--help") == 0 || strcmp(argv[2], "-h") == 0)) {
        puts("gastown-watcher map < FILE: what each line of an event file means, one JSON a line");
        return OK;
    }
    gt_err err = {0};
    if (argc > 2) {
        fputs("gastown-watcher: map takes no arguments; it reads standard input\n", stderr);
        return USAGE;
    }
    return gt_map_feed(STDIN_FILENO, stdout, stderr, &err) ? OK : fail(ENVIRONMENT, &err);
}

/* A descriptor that tells of SIGTERM and SIGINT, which then end nothing by themselves. */
static int stop_signals(void)
{
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGTERM);
    sigaddset(&set, SIGINT);
    sigprocmask(SIG_BLOCK, &set, NULL);
    signal(SIGPIPE, SIG_IGN);
    return signalfd(-1, &set, SFD_NONBLOCK | SFD_CLOEXEC);
}

static bool connect_to(gt_arena *arena, const gt_watch_options *o, gt_kube_client **client, gt_err *err)
{
    gt_kube_config *config = GT_NEW(arena, gt_kube_config);
    bool ok = o->kubeconfig != NULL
                  ? gt_kube_config_load(arena, o->kubeconfig, o->context, config, err)
                  : gt_kube_config_in_cluster(arena, getenv("KUBERNETES_SERVICE_HOST"),
                                              getenv("KUBERNETES_SERVICE_PORT"), GT_KUBE_SERVICE_ACCOUNT, config, err);
    if (!ok)
        return o->kubeconfig != NULL ? false : gt_wrap(err, "no --kubeconfig (--dry-run needs none), and");
    gt_log(GT_LOG_INFO, "cluster", GT_F("server", config->server), GT_F("by", config->origin),
           GT_F("namespace", o->ns));
    return gt_kube_client_new(config, "gastown-watcher/" GT_VERSION, client, err);
}

static void summarise(const gt_run_counts *n, bool dry_run)
{
    fprintf(stderr,
            "%" PRIu64 " lines, %" PRIu64 " mapped, %" PRIu64 " pods %s, %" PRIu64 " already there, %" PRIu64
            " refused",
            n->lines, n->mapped, n->created, dry_run ? "to create" : "created", n->there, n->refused);
    if (n->broken > 0)
        fprintf(stderr, ", %" PRIu64 " broken", n->broken);
    fputc('\n', stderr);
}

/* What is to be replayed; -1: nothing is. */
static bool open_replay(const gt_watch_options *o, int *in, gt_err *err)
{
    *in = -1;
    if (o->replay == NULL)
        return true;
    *in = strcmp(o->replay, "-") == 0 ? STDIN_FILENO : open(o->replay, O_RDONLY | O_CLOEXEC);
    return *in >= 0 || gt_fail(err, GT_ERR_ENV, "can't read %s: %s", o->replay, strerror(errno));
}

static int replay(const gt_run *run, const gt_watch_options *o, int in)
{
    gt_run_counts counts;
    gt_err err = {0};
    if (!gt_run_replay(run, in, o->replay_timeout_ms, &counts, &err)) {
        gt_wrap(&err, "%s", o->replay);
        return fail(ENVIRONMENT, &err);
    }
    summarise(&counts, o->dry_run);
    return counts.refused > 0 ? FINDING : OK;
}

/* A file that comes later is what following is for; a folder that isn't there is more often a slip. */
static void warn_of_folder(const char *folder)
{
    struct stat st;
    int problem = stat(folder, &st) != 0 ? errno : S_ISDIR(st.st_mode) ? 0 : ENOTDIR;
    if (problem != 0)
        gt_log(GT_LOG_WARN, "the town's folder isn't there: waiting for it", GT_F("folder", folder),
               GT_F("problem", strerror(problem)));
}

static int follow(const gt_run *run, const gt_watch_options *o)
{
    gt_run_counts counts;
    gt_err err = {0};
    if (o->town_root != NULL)
        warn_of_folder(o->town_root);
    return gt_run_follow(run, o->events, o->dry_run ? NULL : o->state, &counts, &err) ? OK : fail(ENVIRONMENT, &err);
}

static int work(gt_arena *arena, const gt_watch_options *o)
{
    gt_err err = {0};
    gt_scoped(gt_kube_client_cleanup) gt_kube_client *client = NULL;
    gt_paper_hands paper = {.out = stdout, .format = (gt_pod_format)o->output, .ns = o->ns, .image = o->agent_image};
    gt_run run = {.bead_wait_ms = o->bead_wait_ms, .dice = dice, .hands = {gt_paper_ensure_pod, &paper}};
    int in; /* before the cluster: who has the name wrong hears of the name */
    if (!open_replay(o, &in, &err) || (!o->dry_run && !connect_to(arena, o, &client, &err)))
        return fail(ENVIRONMENT, &err);
    gt_kube_hands kube = {.client = client, .ns = o->ns, .image = o->agent_image};
    if (!o->dry_run)
        run.hands = (gt_hands){gt_kube_ensure_pod, &kube};
    run.signals = stop_signals();
    int status = o->replay != NULL ? replay(&run, o, in) : follow(&run, o);
    if (run.signals >= 0)
        close(run.signals);
    if (paper.failed) {
        gt_fail(&err, GT_ERR_ENV, "can't write to standard output");
        return fail(ENVIRONMENT, &err);
    }
    return status;
}

int main(int argc, char **argv)
{
    gt_err err = {0};
    gt_watch_options options;
    if (argc > 1 && strcmp(argv[1], "map") == 0)
        return map(argc, argv);
    gt_scoped(gt_arena_cleanup) gt_arena *arena = gt_arena_new(0);
    if (arena == NULL)
        return ENVIRONMENT;
    if (!gt_watch_options_parse(arena, argc, argv, &options, &err)) {
        fail(USAGE, &err);
        fputs("gastown-watcher --help lists what there is\n", stderr);
        return USAGE;
    }
    if (options.help)
        gt_watch_options_help(stdout);
    else if (options.version)
        puts("gastown-watcher " GT_VERSION);
    if (options.help || options.version)
        return OK;
    gt_log_setup((gt_log_level)options.log_level, (gt_log_format)options.log_format);
    return work(arena, &options);
}
