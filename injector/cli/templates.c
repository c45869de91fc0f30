/* Loading a folder of templates, and `check`. */
#include <stdio.h>

#include "catalogue/directory.h"
#include "catalogue/report.h"
#include "injector/cli/cli.h"
#include "injector/trial.h"

static void directory_cleanup(gt_directory **directory)
{
    gt_directory_free(*directory);
}

/* What isn't there, on stderr: what follows is judged without it. */
static void name_missing(gt_arena *arena, const char *folder, const gt_directory_report *report)
{
    gt_finding empty;
    bool nothing = gt_finding_empty(report, &empty);
    for (const gt_finding *f = report->findings; f != NULL; f = f->next) {
        gt_buf line;
        gt_buf_init(&line, arena, 128);
        if (!f->error && !nothing)
            continue;
        gt_finding_print(&line, f);
        fprintf(stderr, "%s\n", line.at);
    }
    if (report->rejected > 0)
        gt_cli_complain(0, "%s: %zu object%s not accepted: pods that need %s can't be answered", folder,
                        report->rejected, report->rejected == 1 ? "" : "s", report->rejected == 1 ? "it" : "them");
    if (nothing)
        gt_cli_complain(0, "%s: %s", folder, empty.message.at);
}

static bool load(gt_directory *directory, gt_directory_report *report)
{
    gt_err err;
    if (directory == NULL)
        gt_cli_complain(0, "out of memory");
    else if (gt_directory_load(directory, report, &err))
        return true;
    else
        gt_cli_complain(0, "%s", err.text);
    return false;
}

gt_snapshot *gt_cli_templates(const char *folder)
{
    gt_scoped(directory_cleanup) gt_directory *directory = gt_directory_new(folder);
    gt_scoped(gt_arena_cleanup) gt_arena *lines = gt_arena_new(0);
    gt_directory_report report = {.snapshot = NULL};
    if (lines == NULL || !load(directory, &report))
        return NULL;
    name_missing(lines, folder, &report);
    return report.snapshot;
}

void gt_cli_templates_cleanup(gt_snapshot **snapshot)
{
    gt_snapshot_free(*snapshot);
}

static gt_value *finding_value(gt_arena *arena, const gt_finding *f)
{
    gt_value *v = gt_value_object(arena);
    gt_value_put(arena, v, "severity", gt_value_text(arena, f->error ? "error" : "warning"));
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

static void print_findings(gt_arena *arena, const gt_cli *cli, const gt_directory_report *report)
{
    gt_value *list = gt_value_array(arena);
    for (const gt_finding *f = report->findings; f != NULL; f = f->next) {
        gt_buf line;
        gt_buf_init(&line, arena, 128);
        gt_finding_print(&line, f);
        gt_value_push(list, finding_value(arena, f));
        if (cli->format == GT_FORMAT_TABLE)
            gt_cli_line(f->error ? GT_STYLE_ERROR : GT_STYLE_WARNING, gt_buf_slice(&line));
    }
    if (cli->format != GT_FORMAT_TABLE)
        gt_cli_print(arena, list, cli->format);
    else
        printf("%zu object%s in %zu file%s: %zu error%s, %zu warning%s\n", report->documents,
               report->documents == 1 ? "" : "s", report->files, report->files == 1 ? "" : "s", report->errors,
               report->errors == 1 ? "" : "s", report->warnings, report->warnings == 1 ? "" : "s");
}

/* ---- trying them ---- */

static void add_finding(gt_finding **first, gt_finding **last, gt_finding *finding)
{
    finding->next = NULL;
    if (*last == NULL)
        *first = finding;
    else
        (*last)->next = finding;
    *last = finding;
}

static gt_finding *finding_of(gt_arena *arena, const gt_snapshot *snapshot, const gt_trial_note *note)
{
    const gt_object *object = note->document_count == 0 ? NULL : gt_snapshot_object(snapshot, note->documents[0]);
    gt_finding *finding = GT_NEW(arena, gt_finding);
    *finding = (gt_finding){.error = note->outcome == GT_TRIAL_FAILED,
                            .line = note->line,
                            .column = note->column,
                            .message = gt_trial_text(arena, note)};
    if (object != NULL) {
        finding->file = object->file;
        finding->object = object->title;
    }
    return finding;
}

/* What sample pods have to say, behind what the files say. Conflicts are among the findings already. */
static bool try_all(gt_arena *arena, gt_directory_report *report, gt_err *err)
{
    gt_trial_report trial;
    if (!gt_trial(arena, report->snapshot, NULL, &trial, err))
        return false;
    gt_finding *first = NULL, *last = NULL;
    for (const gt_finding *f = report->findings; f != NULL; f = f->next) {
        gt_finding *copy = GT_NEW(arena, gt_finding);
        *copy = *f;
        add_finding(&first, &last, copy);
    }
    for (const gt_trial_note *note = trial.notes; note != NULL; note = note->next) {
        if (note->conflict)
            continue;
        add_finding(&first, &last, finding_of(arena, report->snapshot, note));
        report->errors += last->error;
        report->warnings += !last->error;
    }
    report->findings = first;
    return true;
}

int gt_cli_check(gt_arena *arena, const gt_cli *cli)
{
    gt_scoped(directory_cleanup) gt_directory *directory = gt_directory_new(cli->templates);
    gt_directory_report report = {.snapshot = NULL};
    if (!load(directory, &report))
        return GT_EXIT_ENVIRONMENT;
    gt_finding empty;
    gt_err err;
    if (!try_all(arena, &report, &err)) {
        gt_snapshot_free(report.snapshot);
        return gt_cli_complain(GT_EXIT_ENVIRONMENT, "%s", err.text);
    }
    if (gt_finding_empty(&report, &empty)) { /* in front of what else was found: why it's all that was */
        empty.next = report.findings;
        report.findings = &empty;
        report.errors++;
    }
    print_findings(arena, cli, &report);
    gt_snapshot_free(report.snapshot);
    return report.errors > 0 ? GT_EXIT_FINDING : GT_EXIT_OK;
}
