/* Loading templates, from a folder or a cluster. */
#include <stdio.h>

#include "catalogue/directory.h"
#include "catalogue/report.h"
#include "injector/cli/cluster.h"
#include "lib/base/map.h"

static void tell(gt_arena *arena, const gt_finding *finding)
{
    gt_buf line;
    gt_buf_init(&line, arena, 128);
    gt_cli_finding_print(&line, finding);
    fprintf(stderr, "%s\n", line.at);
}

static void tell_rejected(const char *where, size_t rejected)
{
    if (rejected > 0)
        gt_cli_complain(
            0, "%s: %zu object%s not accepted: pods that need %s can't be answered, but by a good version from before",
            where, rejected, rejected == 1 ? "" : "s", rejected == 1 ? "it" : "them");
}

/* ---- a folder ---- */

static void directory_cleanup(gt_directory **directory)
{
    gt_directory_free(*directory);
}

/* What isn't there, on stderr: what follows is judged without it. */
static void name_missing(gt_arena *arena, const char *folder, const gt_directory_report *report)
{
    gt_finding empty;
    bool nothing = gt_finding_empty(report, &empty);
    for (const gt_finding *f = report->findings; f != NULL; f = f->next)
        if (f->error || nothing)
            tell(arena, f);
    tell_rejected(folder, report->rejected);
    if (nothing)
        gt_cli_complain(0, "%s: %s", folder, empty.message.at);
}

static gt_snapshot *from_folder(const char *folder)
{
    gt_scoped(directory_cleanup) gt_directory *directory = gt_directory_new(folder);
    gt_scoped(gt_arena_cleanup) gt_arena *lines = gt_arena_new(0);
    gt_directory_report report = {.snapshot = NULL};
    gt_err err;
    if (directory == NULL || lines == NULL)
        gt_cli_complain(0, "out of memory");
    else if (!gt_directory_load(directory, &report, &err))
        gt_cli_complain(0, "%s", err.text);
    else
        name_missing(lines, folder, &report);
    return report.snapshot;
}

/* ---- a cluster ---- */

/* The namespaces of pods, each once. */
static gt_cli_names namespaces_of(gt_arena *arena, const gt_cli *cli, const gt_cli_documents *pods)
{
    size_t n = pods == NULL ? 0 : pods->count;
    gt_cli_names names = {.at = GT_NEW_N(arena, const char *, n)};
    gt_map seen;
    gt_map_init(&seen, arena);
    for (size_t i = 0; i < n; i++) {
        gt_str ns = gt_cli_namespace(cli, pods->at[i]);
        if (gt_map_put(&seen, ns, arena) == NULL)
            names.at[names.count++] = gt_arena_dup(arena, ns.at, ns.len);
    }
    return names;
}

static gt_snapshot *from_cluster(gt_arena *arena, const gt_cli *cli, const gt_cli_documents *pods)
{
    gt_scoped(gt_cli_store_cleanup) gt_store *store = NULL;
    gt_store_report report = {.snapshot = NULL};
    gt_cli_names names = namespaces_of(arena, cli, pods);
    if (gt_cli_cluster_load(cli->cluster, &names, &store, &report) != GT_EXIT_OK)
        return NULL;
    for (const gt_finding *f = report.findings; f != NULL; f = f->next) {
        gt_finding told = gt_cli_object_finding(arena, store, f);
        if (f->error)
            tell(arena, &told);
    }
    tell_rejected(cli->cluster->config.origin, report.rejected);
    if (gt_cli_store_count(store) == 0)
        gt_cli_complain(0, "%s: no GasTown, Rig or AgentPool %s", cli->cluster->config.origin,
                        names.count > 1 ? "in the namespaces of these pods"
                                        : gt_cli_where(arena, names.count == 1 ? names.at[0] : cli->cluster->ns));
    return report.snapshot;
}

gt_snapshot *gt_cli_templates(gt_arena *arena, const gt_cli *cli, const char *folder, const gt_cli_documents *pods)
{
    return folder != NULL ? from_folder(folder) : from_cluster(arena, cli, pods);
}

void gt_cli_templates_cleanup(gt_snapshot **snapshot)
{
    gt_snapshot_free(*snapshot);
}
