#include "catalogue/report.h"

#include <inttypes.h>
#include <stdio.h>

#include "catalogue/files.h"
#include "injector/plan.h"
#include "lib/base/log.h"

/* Takes a word and the number behind it. */
static bool take(const char **text, const char *word, uint32_t *number)
{
    size_t n = strlen(word), digits;
    int64_t value;
    if (strncmp(*text, word, n) != 0)
        return false;
    digits = strspn(*text + n, "0123456789");
    if (!gt_str_number((gt_str){*text + n, digits}, 1, UINT32_MAX, &value))
        return false;
    *number = (uint32_t)value;
    *text += n + digits;
    return true;
}

gt_finding gt_finding_unreadable(gt_arena *arena, gt_str file, const char *problem)
{
    gt_finding finding = {.error = true, .file = file};
    const char *rest = problem;
    bool placed =
        take(&rest, "line ", &finding.line) && take(&rest, ", column ", &finding.column) && strncmp(rest, ": ", 2) == 0;
    if (!placed)
        finding.line = finding.column = 0;
    finding.message = gt_str_of(gt_arena_strdup(arena, placed ? rest + 2 : problem));
    return finding;
}

gt_finding gt_finding_surprise(gt_arena *arena, gt_str file, const gt_yaml_surprise *surprise)
{
    return (gt_finding){
        .file = file,
        .line = surprise->line,
        .column = surprise->column,
        .message = gt_str_of(gt_arena_printf(arena, "%.*s is read as %s; quote it if it is meant as text",
                                             GT_STR_ARG(surprise->text), surprise->read_as)),
    };
}

bool gt_finding_empty(const gt_directory_report *report, gt_finding *finding)
{
    *finding = (gt_finding){.error = true, .file = gt_str_of(report->path)};
    if (report->files == 0)
        finding->message =
            GT_STR("no templates here: files that end in " GT_FILES_ENDINGS " are read, subfolders aren't");
    else
        finding->message = GT_STR("no templates here: nothing is in its files");
    return report->snapshot != NULL && gt_snapshot_documents(report->snapshot) == 0;
}

void gt_finding_print(gt_buf *buf, const gt_finding *finding)
{
    gt_buf_str(buf, finding->file);
    if (finding->line > 0)
        gt_buf_printf(buf, ":%" PRIu32, finding->line);
    if (finding->line > 0 && finding->column > 0)
        gt_buf_printf(buf, ":%" PRIu32, finding->column);
    gt_buf_text(buf, finding->error ? ": " : ": warning: ");
    if (finding->object.len > 0 && finding->line == 0) /* else the position says which object */
        gt_buf_printf(buf, "%.*s: ", GT_STR_ARG(finding->object));
    if (finding->field.len > 0)
        gt_buf_printf(buf, "%.*s: ", GT_STR_ARG(finding->field));
    gt_buf_str(buf, finding->message);
}

static void log_finding(const gt_finding *finding)
{
    char where[512];
    if (finding->line > 0)
        snprintf(where, sizeof where, "%.*s:%" PRIu32 ":%" PRIu32, GT_STR_ARG(finding->file), finding->line,
                 finding->column);
    else
        snprintf(where, sizeof where, "%.*s", GT_STR_ARG(finding->file));
    gt_field fields[5] = {GT_F("at", where)};
    size_t n = 1;
    if (finding->object.len > 0)
        fields[n++] = GT_FS("object", finding->object);
    if (finding->field.len > 0)
        fields[n++] = GT_FS("field", finding->field);
    fields[n] = GT_FS("problem", finding->message);
    gt_log_fields(finding->error ? GT_LOG_ERROR : GT_LOG_WARN,
                  finding->error ? "template is wrong" : "template is suspicious", fields);
}

static void log_change(const gt_change *change)
{
    static const struct {
        gt_log_level level;
        const char *message;
    } how[] = {
        [GT_CHANGE_ADDED] = {GT_LOG_INFO, "template added"},
        [GT_CHANGE_UPDATED] = {GT_LOG_INFO, "template updated"},
        [GT_CHANGE_REMOVED] = {GT_LOG_INFO, "template removed"},
        [GT_CHANGE_KEPT] = {GT_LOG_WARN, "template quarantined: its last good version stays"},
        [GT_CHANGE_REJECTED] = {GT_LOG_ERROR,
                                "template quarantined: it never had a good version, pods that need it fail"},
        [GT_CHANGE_RESTORED] = {GT_LOG_INFO, "template is good again"},
    };
    gt_log(how[change->kind].level, how[change->kind].message, GT_FS("object", change->object),
           GT_FS("file", change->file));
}

void gt_directory_log(const gt_directory_report *report)
{
    if (report->snapshot == NULL)
        return;
    for (const gt_finding *f = report->findings; f != NULL; f = f->next)
        log_finding(f);
    for (size_t i = 0; i < report->change_count; i++)
        log_change(&report->changes[i]);
    gt_finding empty;
    if (gt_finding_empty(report, &empty))
        gt_log(GT_LOG_WARN, empty.message.at, GT_FS("folder", empty.file));
    gt_log(report->rejected > 0 ? GT_LOG_WARN : GT_LOG_INFO, "templates loaded", GT_FI("files", report->files),
           GT_FI("documents", report->documents), GT_FI("objects", gt_snapshot_objects(report->snapshot)),
           GT_FI("rejected", report->rejected), GT_FI("errors", report->errors), GT_FI("warnings", report->warnings));
}

/* ---- a store ---- */

static void log_object(const gt_store_object *o)
{
    static const struct {
        gt_log_level level;
        const char *message;
    } how[] = {
        [GT_VERDICT_NEW] = {GT_LOG_INFO, "template not loaded yet"},
        [GT_VERDICT_ACCEPTED] = {GT_LOG_INFO, "template accepted"},
        [GT_VERDICT_KEPT] = {GT_LOG_WARN, "template quarantined: its last good version stays"},
        [GT_VERDICT_REJECTED] = {GT_LOG_ERROR,
                                 "template quarantined: it never had a good version, pods that need it fail"},
        [GT_VERDICT_DISPLACED] = {GT_LOG_WARN, "template left out: an older one holds its place"},
    };
    gt_field fields[] = {GT_F("kind", gt_kind_names[o->kind]),
                         GT_F("namespace", o->ns),
                         GT_F("name", o->name),
                         GT_FI("generation", o->generation),
                         GT_FI("live_generation", o->live_generation),
                         GT_F("field", o->field),
                         GT_F("problem", o->message),
                         {0}};
    if (o->errors == 0)
        fields[5] = (gt_field){0}; /* the list ends before field and problem */
    gt_log_fields(how[o->verdict].level, how[o->verdict].message, fields);
}

void gt_store_log(const gt_store *store, const gt_store_report *report, bool first)
{
    const gt_store_object *o;
    for (size_t i = 0; (o = gt_store_at(store, i)) != NULL; i++)
        if (o->kind <= GT_KIND_POOL && o->news && !(first && o->verdict == GT_VERDICT_ACCEPTED))
            log_object(o);
    gt_log(first || report->rejected > 0 ? GT_LOG_INFO : GT_LOG_DEBUG, "templates loaded",
           GT_FI("objects", report->objects), GT_FI("rejected", report->rejected), GT_FI("errors", report->errors),
           GT_FI("warnings", report->warnings));
}
