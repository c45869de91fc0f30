/* The memory is the list of entries of the last load (entries.h).
 *
 * Two arenas take part. The store's holds the parsed values, the entries and the report, and lives until the next load. The
 * snapshot's holds what the engine copies of them and lives as long as somebody reads the snapshot. */
#include "catalogue/directory.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "catalogue/entries.h"
#include "catalogue/files.h"
#include "catalogue/report.h"
#include "catalogue/settle.h"

struct gt_directory {
    const char *path;
    bool loaded;
    char stat_signature[GT_FILES_SIGNATURE + 1], signature[GT_FILES_SIGNATURE + 1];
    gt_arena *store; /* entries and the last report */
    gt_entries entries;
};

/* What one load works on. Owned by gt_directory_load, which frees what is left when memory runs out below. */
typedef struct job {
    const gt_directory *directory;
    const gt_files *files;
    gt_arena *store;
    gt_settling settling;
    gt_map parsed; /* keys that files hold now */
    gt_directory_report *report;
} job;

gt_directory *gt_directory_new(const char *path)
{
    gt_directory *directory = calloc(1, sizeof *directory);
    if (directory != NULL)
        directory->path = path;
    return directory;
}

void gt_directory_free(gt_directory *directory)
{
    if (directory == NULL)
        return;
    gt_arena_free(directory->store);
    free(directory);
}

bool gt_directory_stirred(gt_directory *directory)
{
    char now[GT_FILES_SIGNATURE + 1];
    gt_err err;
    return !directory->loaded || !gt_files_stat_signature(directory->path, now, &err) ||
           strcmp(now, directory->stat_signature) != 0;
}

/* ---- reading ---- */

static void add_unreadable(job *j, gt_str file, const char *problem)
{
    gt_settling_find(&j->settling, gt_finding_unreadable(j->store, file, problem));
}

/* *readable: the file is templates. false: no memory, which says nothing about the file. */
static bool parse_file(job *j, const gt_file *file, gt_str name, gt_yaml_docs *docs, bool *readable, gt_err *err)
{
    if (file->text == NULL) {
        add_unreadable(j, name, file->problem);
        j->settling.findings[j->settling.finding_count - 1].error = !file->misnamed;
        return true;
    }
    *readable = gt_yaml_load(j->store, (gt_str){file->text, file->len}, docs, err);
    if (!*readable && err->kind == GT_ERR_NOMEM)
        return false;
    if (!*readable)
        add_unreadable(j, name, err->text);
    for (const gt_yaml_surprise *s = docs->surprises; s != NULL; s = s->next)
        gt_settling_find(&j->settling, gt_finding_surprise(j->store, name, s));
    return true;
}

/* All that the file held when it was last readable, apart from what has moved to another file. A file that nobody has ever
 * read may hold anything: at the first load the snapshot gets to know (pods that may need it fail); later the set that was
 * good without it stays, because a slip in one new file must hurt nobody. */
static void keep_file(job *j, gt_str name)
{
    bool any = false;
    for (size_t i = 0; i < j->directory->entries.count; i++) {
        const gt_entry *old = &j->directory->entries.at[i];
        if (!gt_str_eq(old->file, name))
            continue;
        any = true;
        if (old->key.len > 0 && gt_map_get(&j->parsed, old->key) != NULL)
            continue;
        gt_entries_add(j->store, &j->settling.entries, gt_entry_copy(j->store, old, name))->kept = true;
    }
    if (!any && !j->directory->loaded)
        gt_entries_add(j->store, &j->settling.entries, (gt_entry){.file = name});
    j->report->rejected++;
}

static bool read_files(job *j, gt_err *err)
{
    size_t n = j->files->count;
    gt_yaml_docs *docs = GT_NEW_N(j->store, gt_yaml_docs, n);
    bool *readable = GT_NEW_N(j->store, bool, n);
    gt_str *names = GT_NEW_N(j->store, gt_str, n);
    size_t *starts = GT_NEW_N(j->store, size_t, n + 1);
    for (size_t i = 0; i < n; i++) {
        names[i] = gt_str_of(gt_arena_strdup(j->store, j->files->at[i].name));
        if (!parse_file(j, &j->files->at[i], names[i], &docs[i], &readable[i], err))
            return false;
        starts[i] = j->settling.entries.count;
        for (size_t k = 0; readable[i] && k < docs[i].count; k++) {
            gt_entry *e =
                gt_entries_add(j->store, &j->settling.entries, gt_entry_of(j->store, names[i], docs[i].at[k]));
            if (e->key.len > 0)
                gt_map_put(&j->parsed, e->key, &names[i]);
            j->report->documents++;
        }
    }
    starts[n] = j->settling.entries.count;
    gt_entries parsed = j->settling.entries;
    j->settling.entries = (gt_entries){0};
    for (size_t i = 0; i < n; i++) {
        for (size_t k = starts[i]; k < starts[i + 1]; k++)
            gt_entries_add(j->store, &j->settling.entries, parsed.at[k]);
        if (!readable[i] && !j->files->at[i].misnamed)
            keep_file(j, names[i]);
        j->report->files += !j->files->at[i].misnamed;
    }
    return true;
}

/* ---- building ---- */

static void recall_good(job *j)
{
    for (size_t i = 0; i < j->settling.entries.count; i++) {
        gt_entry *e = &j->settling.entries.at[i];
        const gt_entry *old = gt_entries_find(&j->directory->entries, e->key);
        if (old == NULL || !old->accepted || e->kept)
            continue;
        e->good = &old->value;
        e->good_count = 1;
    }
}

/* ---- the report ---- */

static int by_position(const void *a, const void *b)
{
    const gt_finding *x = a, *y = b;
    int order = gt_str_cmp(x->file, y->file);
    if (order == 0)
        order = (x->line > y->line) - (x->line < y->line);
    if (order == 0)
        order = (x->column > y->column) - (x->column < y->column);
    if (order == 0)
        order = gt_str_cmp(x->field, y->field);
    return order != 0 ? order : gt_str_cmp(x->message, y->message);
}

static void report_findings(job *j)
{
    gt_finding *at = j->settling.findings;
    size_t n = j->settling.finding_count;
    if (n > 0)
        qsort(at, n, sizeof *at, by_position);
    for (size_t i = 0; i < n; i++) {
        at[i].next = i + 1 < n ? &at[i + 1] : NULL;
        if (at[i].error)
            j->report->errors++;
        else
            j->report->warnings++;
    }
    j->report->findings = n > 0 ? at : NULL;
}

/* What has become of an entry since the last load; false: nothing. */
static bool compare(const gt_entry *now, const gt_entry *old, gt_change_kind *kind)
{
    bool same = old != NULL && old->accepted && gt_value_equal(old->value, now->value);
    if (!now->accepted)
        *kind = GT_CHANGE_REJECTED;
    else if (now->kept)
        *kind = GT_CHANGE_KEPT;
    else if (old == NULL || !old->accepted)
        *kind = GT_CHANGE_ADDED;
    else if (!same)
        *kind = GT_CHANGE_UPDATED;
    else if (old->kept)
        *kind = GT_CHANGE_RESTORED;
    else
        return false;
    return true;
}

static void report_changes(job *j)
{
    const gt_entries *old = &j->directory->entries, *now = &j->settling.entries;
    gt_change *changes = GT_NEW_N(j->store, gt_change, old->count + now->count);
    size_t n = 0;
    for (size_t i = 0; i < now->count; i++) {
        const gt_entry *e = &now->at[i];
        gt_change_kind kind;
        if (e->key.len > 0 && compare(e, gt_entries_find(&j->directory->entries, e->key), &kind))
            changes[n++] = (gt_change){kind, e->object, e->file};
    }
    for (size_t i = 0; i < old->count; i++) {
        const gt_entry *e = &old->at[i];
        if (e->key.len > 0 && gt_entries_find(now, e->key) == NULL)
            changes[n++] = (gt_change){GT_CHANGE_REMOVED, gt_entry_copy_str(j->store, e->object),
                                       gt_entry_copy_str(j->store, e->file)};
    }
    j->report->changes = changes;
    j->report->change_count = n;
}

static bool run(void *context, gt_err *err)
{
    job *j = context;
    gt_map_init(&j->parsed, j->store);
    if (!read_files(j, err))
        return false;
    recall_good(j);
    if (!gt_settle(&j->settling, err))
        return false;
    j->report->rejected += j->settling.rejected;
    gt_entries_index(j->store, &j->settling.entries);
    report_findings(j);
    report_changes(j);
    return true;
}

/* ---- loading ---- */

static bool load_files(gt_directory *directory, const gt_files *files, gt_directory_report *report, gt_err *err)
{
    job j = {.directory = directory, .files = files, .store = gt_arena_new(0), .report = report};
    if (j.store == NULL)
        return gt_fail(err, GT_ERR_NOMEM, "out of memory");
    j.settling.store = j.store;
    if (!gt_arena_try(j.store, run, &j, err)) {
        gt_settling_drop(&j.settling);
        gt_arena_free(j.store);
        *report = (gt_directory_report){0};
        return gt_wrap(err, "%s", directory->path);
    }
    report->snapshot = j.settling.snapshot;
    gt_arena_free(directory->store);
    directory->store = j.store;
    directory->entries = j.settling.entries;
    return true;
}

static bool load(gt_directory *directory, gt_directory_report *report, gt_err *err)
{
    char signature[GT_FILES_SIGNATURE + 1];
    gt_scoped(gt_files_free) gt_files files = {0};
    /* before reading: a file that changes meanwhile is seen next time */
    if (!gt_files_stat_signature(directory->path, directory->stat_signature, err) ||
        !gt_files_read(directory->path, &files, err) || !gt_files_signature(&files, signature, err))
        return false;
    if (directory->loaded && strcmp(signature, directory->signature) == 0)
        return true;
    if (!load_files(directory, &files, report, err))
        return false;
    memcpy(directory->signature, signature, sizeof signature);
    directory->loaded = true;
    return true;
}

bool gt_directory_load(gt_directory *directory, gt_directory_report *report, gt_err *err)
{
    *report = (gt_directory_report){.path = directory->path};
    if (load(directory, report, err))
        return true;
    if (err->kind != GT_ERR_LIMIT)
        directory->stat_signature[0] = '\0'; /* it may work without a change of the files */
    return false;
}

const char *gt_change_name(gt_change_kind kind)
{
    static const char *const names[] = {"added", "updated", "removed", "kept", "rejected", "restored"};
    assert((size_t)kind < sizeof names / sizeof *names);
    return names[kind];
}
