/* `check`: what is wrong with templates, of a folder or of a cluster; and what they name that the cluster doesn't have. */
#include <stdio.h>

#include "catalogue/directory.h"
#include "catalogue/report.h"
#include "injector/cli/cluster.h"
#include "injector/trial.h"

typedef struct result {
    gt_arena *arena;
    const gt_cli *cli;
    const gt_store *store; /* the templates are a cluster's; NULL: a folder's */
    gt_value *list;        /* for programs */
    size_t errors, warnings;
} result;

static gt_value *finding_value(gt_arena *arena, const gt_finding *f)
{
    gt_value *v = gt_value_object(arena);
    gt_value_put(arena, v, "severity", gt_value_text(arena, f->error ? "error" : "warning"));
    if (f->file.len > 0)
        gt_value_put(arena, v, "file", gt_value_string(arena, f->file));
    if (f->line > 0) {
        gt_value_put(arena, v, "line", gt_value_int(arena, f->line));
        gt_value_put(arena, v, "column", gt_value_int(arena, f->column));
    }
    gt_value_put(arena, v, "object", gt_value_string(arena, f->object));
    gt_value_put(arena, v, "field", gt_value_string(arena, f->field));
    gt_value_put(arena, v, "message", gt_value_string(arena, f->message));
    return v;
}

static void show(result *r, const gt_finding *finding)
{
    gt_buf line;
    gt_finding told = r->store == NULL ? *finding : gt_cli_object_finding(r->arena, r->store, finding);
    gt_buf_init(&line, r->arena, 128);
    gt_cli_finding_print(&line, &told);
    gt_value_push(r->list, finding_value(r->arena, &told));
    if (r->cli->format == GT_FORMAT_TABLE)
        gt_cli_line(finding->error ? GT_STYLE_ERROR : GT_STYLE_WARNING, gt_buf_slice(&line));
    *(finding->error ? &r->errors : &r->warnings) += 1;
}

static void show_all(result *r, const gt_finding *findings)
{
    for (const gt_finding *f = findings; f != NULL; f = f->next)
        show(r, f);
}

static const char *s_of(size_t n)
{
    return n == 1 ? "" : "s";
}

/* where: "in 3 files". */
static int end(const result *r, size_t objects, const char *where)
{
    if (r->cli->format != GT_FORMAT_TABLE)
        gt_cli_print(r->arena, r->list, r->cli->format);
    else
        printf("%zu object%s %s: %zu error%s, %zu warning%s\n", objects, s_of(objects), where, r->errors,
               s_of(r->errors), r->warnings, s_of(r->warnings));
    return r->errors > 0 ? GT_EXIT_FINDING : GT_EXIT_OK;
}

/* ---- trying them ---- */

static gt_finding finding_of(gt_arena *arena, const gt_snapshot *snapshot, const gt_trial_note *note)
{
    const gt_object *object = note->document_count == 0 ? NULL : gt_snapshot_object(snapshot, note->documents[0]);
    gt_finding finding = {.error = note->outcome == GT_TRIAL_FAILED,
                          .line = note->line,
                          .column = note->column,
                          .message = gt_trial_text(arena, note)};
    if (object != NULL) {
        finding.file = object->file;
        finding.object = object->title;
        finding.document = note->documents[0];
    }
    return finding;
}

/* What sample pods have to say, behind what the templates say by themselves: conflicts were told there. And what the cluster hasn't. */
static int try_all(result *r, const gt_snapshot *snapshot)
{
    gt_trial_report trial;
    gt_err err;
    if (!gt_trial(r->arena, snapshot, NULL, &trial, &err))
        return gt_cli_complain(GT_EXIT_ENVIRONMENT, "%s", err.text);
    for (const gt_trial_note *note = trial.notes; note != NULL; note = note->next) {
        gt_finding finding = finding_of(r->arena, snapshot, note);
        if (!note->conflict)
            show(r, &finding);
    }
    const gt_finding *missing = NULL;
    int status = r->cli->cluster == NULL ? GT_EXIT_OK : gt_cli_references(r->arena, r->cli, snapshot, &missing);
    show_all(r, missing);
    return status;
}

/* ---- a folder ---- */

static void directory_cleanup(gt_directory **directory)
{
    gt_directory_free(*directory);
}

static int check_folder(result *r)
{
    gt_scoped(directory_cleanup) gt_directory *directory = gt_directory_new(r->cli->templates);
    gt_directory_report report = {.snapshot = NULL};
    gt_err err;
    if (directory == NULL)
        return gt_cli_complain(GT_EXIT_ENVIRONMENT, "out of memory");
    if (!gt_directory_load(directory, &report, &err))
        return gt_cli_complain(GT_EXIT_ENVIRONMENT, "%s", err.text);
    gt_scoped(gt_cli_templates_cleanup) gt_snapshot *snapshot = report.snapshot;
    gt_finding empty;
    if (gt_finding_empty(&report, &empty)) /* in front of what else was found: why it's all that was */
        show(r, &empty);
    show_all(r, report.findings);
    int status = try_all(r, snapshot);
    return status != GT_EXIT_OK
               ? status
               : end(r, report.documents, gt_arena_printf(r->arena, "in %zu file%s", report.files, s_of(report.files)));
}

/* ---- a cluster ---- */

static int check_cluster(result *r)
{
    gt_cli_cluster *cluster = r->cli->cluster;
    gt_scoped(gt_cli_store_cleanup) gt_store *store = NULL;
    gt_store_report report = {.snapshot = NULL};
    if (gt_cli_cluster_load(cluster, &(gt_cli_names){.count = 0}, &store, &report) != GT_EXIT_OK)
        return GT_EXIT_ENVIRONMENT;
    gt_scoped(gt_cli_templates_cleanup) gt_snapshot *snapshot = report.snapshot;
    r->store = store;
    show_all(r, report.findings);
    int status = try_all(r, snapshot);
    return status != GT_EXIT_OK ? status : end(r, gt_cli_store_count(store), gt_cli_where(r->arena, cluster->ns));
}

int gt_cli_check(gt_arena *arena, const gt_cli *cli)
{
    result r = {.arena = arena, .cli = cli, .list = gt_value_array(arena)};
    return cli->templates != NULL ? check_folder(&r) : check_cluster(&r);
}
