#include "catalogue/directory.h"

#include "catalogue/report.h"
#include "tests/unit/test_catalogue_folder.h"

#define HEAD(kind, name) "apiVersion: gastown.io/v1alpha1\nkind: " kind "\nmetadata:\n  name: " name "\nspec:\n"
#define TOWN(image) HEAD("GasTown", "main") "  defaults:\n    image: " image "\n"
#define BAD_TOWN(image) TOWN(image) "    imgae: typo\n" /* line 8 */
#define RIG(name) HEAD("Rig", name) "  name: " name "\n"
#define NOT_YAML "a: [\nb: c\n"

/* A directory and what its last load said. */
typedef struct subject {
    folder folder;
    gt_directory *directory;
    gt_directory_report report;
    gt_err err;
} subject;

static subject begin(void)
{
    subject s = {.folder = folder_make()};
    return s;
}

static void end(subject *s)
{
    gt_snapshot_free(s->report.snapshot);
    gt_directory_free(s->directory);
    folder_remove(&s->folder);
}

#define SCOPED_SUBJECT(name) gt_scoped(end) subject name = begin()

static bool try_load(subject *s)
{
    gt_snapshot_free(s->report.snapshot);
    s->report.snapshot = NULL;
    if (s->directory == NULL)
        s->directory = gt_directory_new(s->folder.path);
    return gt_directory_load(s->directory, &s->report, &s->err);
}

static void load(subject *s)
{
    cr_assert(try_load(s), "%s", s->err.text);
    cr_assert_not_null(s->report.snapshot);
}

/* "added Rig/a a.yaml, kept GasTown/main town.yaml" */
static void expect_changes(const subject *s, const char *wanted)
{
    SCOPED_ARENA(arena);
    gt_buf buf;
    gt_buf_init(&buf, arena, 256);
    for (size_t i = 0; i < s->report.change_count; i++) {
        const gt_change *c = &s->report.changes[i];
        gt_buf_printf(&buf, "%s%s %.*s %.*s", i == 0 ? "" : ", ", gt_change_name(c->kind), GT_STR_ARG(c->object),
                      GT_STR_ARG(c->file));
    }
    cr_expect_str_eq(buf.at, wanted);
}

static void expect_counts(const subject *s, size_t objects, size_t rejected, size_t errors)
{
    cr_expect_eq(gt_snapshot_objects(s->report.snapshot), objects, "%zu objects",
                 gt_snapshot_objects(s->report.snapshot));
    cr_expect_eq(s->report.rejected, rejected, "%zu rejected", s->report.rejected);
    cr_expect_eq(s->report.errors, errors, "%zu errors", s->report.errors);
}

static bool finds(const subject *s, const char *text)
{
    SCOPED_ARENA(arena);
    for (const gt_finding *f = s->report.findings; f != NULL; f = f->next) {
        gt_buf line;
        gt_buf_init(&line, arena, 256);
        gt_finding_print(&line, f);
        if (strstr(line.at, text) != NULL)
            return true;
    }
    return false;
}

Test(catalogue_directory, loads_all_files_and_documents)
{
    SCOPED_SUBJECT(s);
    folder_put(&s.folder, "b.yml", "---\n" RIG("b") "---\n---\n" RIG("c") "...\n");
    folder_put(&s.folder, "a.yaml", TOWN("a:1"));
    folder_put(
        &s.folder, "z.json",
        "{\"apiVersion\":\"gastown.io/v1alpha1\",\"kind\":\"Rig\",\"metadata\":{\"name\":\"z\",\"namespace\":\"n\"},"
        "\"spec\":{\"name\":\"z\"}}");
    folder_put(&s.folder, "empty.yaml", "# nothing\n");
    load(&s);
    expect_counts(&s, 4, 0, 0);
    cr_expect_eq(s.report.files, 4);
    cr_expect_eq(s.report.documents, 4);
    expect_changes(&s, "added GasTown/main a.yaml, added Rig/b b.yml, added Rig/c b.yml, added Rig/n/z z.json");
}

Test(catalogue_directory, no_directory_is_the_environments_fault)
{
    gt_directory *directory = gt_directory_new("/nowhere/at/all");
    gt_directory_report report;
    gt_err err;
    cr_expect(gt_directory_stirred(directory));
    cr_expect(!gt_directory_load(directory, &report, &err));
    cr_expect_eq(err.kind, GT_ERR_ENV);
    cr_expect_not_null(strstr(err.text, "/nowhere/at/all: No such file or directory"), "%s", err.text);
    cr_expect_null(report.snapshot);
    cr_expect(gt_directory_stirred(directory));
    gt_directory_free(directory);
    gt_directory_free(NULL);
}

Test(catalogue_directory, an_empty_directory_is_an_empty_snapshot)
{
    SCOPED_SUBJECT(s);
    gt_finding empty;
    load(&s);
    expect_counts(&s, 0, 0, 0);
    expect_changes(&s, "");
    cr_expect(gt_finding_empty(&s.report, &empty));
    cr_expect(gt_str_starts(empty.message, "no templates here: files that end in"), "%s", empty.message.at);
    folder_put(&s.folder, "empty.yaml", "# nothing\n");
    load(&s);
    cr_expect(gt_finding_empty(&s.report, &empty));
    cr_expect_str_eq(empty.message.at, "no templates here: nothing is in its files");
    folder_put(&s.folder, "empty.yaml", TOWN("a:1"));
    load(&s);
    cr_expect(!gt_finding_empty(&s.report, &empty));
}

Test(catalogue_directory, a_misnamed_file_is_named_and_hurts_nobody)
{
    SCOPED_SUBJECT(s);
    folder_put(&s.folder, "town.yaml", TOWN("a:1"));
    load(&s);
    folder_put(&s.folder, "rig.YAML", NOT_YAML);
    load(&s);
    expect_counts(&s, 1, 0, 0);
    expect_changes(&s, "");
    cr_expect_eq(s.report.files, 1);
    cr_expect_eq(s.report.warnings, 1);
    cr_expect(finds(&s, "rig.YAML: warning: not read: only names that end in"));
}

Test(catalogue_directory, nothing_changed_nothing_said)
{
    SCOPED_SUBJECT(s);
    folder_put(&s.folder, "town.yaml", TOWN("a:1"));
    load(&s);
    cr_expect(!gt_directory_stirred(s.directory));
    folder_put(&s.folder, "notes.txt", "x");
    cr_expect(!gt_directory_stirred(s.directory));
    folder_put(&s.folder, "town.yaml", TOWN("a:1")); /* written again, the same */
    cr_expect(gt_directory_stirred(s.directory));
    cr_assert(try_load(&s));
    cr_expect_null(s.report.snapshot);
    cr_expect_eq(s.report.change_count, 0);
    cr_expect(!gt_directory_stirred(s.directory));
}

Test(catalogue_directory, update_and_deletion)
{
    SCOPED_SUBJECT(s);
    folder_put(&s.folder, "town.yaml", TOWN("a:1"));
    folder_put(&s.folder, "rigs.yaml", RIG("a") "---\n" RIG("b"));
    load(&s);
    folder_put(&s.folder, "town.yaml", TOWN("a:2"));
    folder_put(&s.folder, "rigs.yaml", "# a comment moves what stands below\n" RIG("b"));
    load(&s);
    expect_counts(&s, 2, 0, 0);
    expect_changes(&s, "updated GasTown/main town.yaml, removed Rig/a rigs.yaml");
    folder_drop(&s.folder, "rigs.yaml");
    load(&s);
    expect_changes(&s, "removed Rig/b rigs.yaml");
    expect_counts(&s, 1, 0, 0);
}

Test(catalogue_directory, findings_have_a_place)
{
    SCOPED_SUBJECT(s);
    folder_put(&s.folder, "b.yaml", NOT_YAML);
    folder_put(&s.folder, "a.yaml", RIG("r") "---\n" BAD_TOWN("a:1"));
    folder_link(&s.folder, "nowhere", "c.yaml");
    load(&s);
    cr_expect_eq(s.report.errors, 3);
    cr_expect_eq(s.report.rejected, 3);
    cr_expect(finds(&s, "a.yaml:15:"), "the line is the file's, not the document's");
    cr_expect(finds(&s, "spec.defaults.imgae: "));
    cr_expect(finds(&s, "b.yaml:3:1: "));
    cr_expect(finds(&s, "c.yaml: No such file or directory"));
    cr_expect_eq(gt_str_cmp(s.report.findings->file, GT_STR("a.yaml")), 0, "in order of files");
    expect_changes(&s, "added Rig/r a.yaml, rejected GasTown/main a.yaml");
}

Test(catalogue_directory, a_broken_object_keeps_its_last_good_version)
{
    SCOPED_SUBJECT(s);
    folder_put(&s.folder, "all.yaml", TOWN("a:1") "---\n" RIG("r"));
    load(&s);
    folder_put(&s.folder, "all.yaml", BAD_TOWN("a:2") "---\n" HEAD("Rig", "r") "  name: other\n");
    load(&s);
    expect_counts(&s, 2, 1, 1);
    expect_changes(&s, "kept GasTown/main all.yaml, updated Rig/r all.yaml");
    folder_put(&s.folder, "all.yaml",
               BAD_TOWN("a:3") "---\n" RIG("r")); /* broken again, in another way: still the first */
    load(&s);
    expect_counts(&s, 2, 1, 1);
    folder_put(&s.folder, "all.yaml", TOWN("a:1") "---\n" RIG("r"));
    load(&s);
    expect_counts(&s, 2, 0, 0);
    expect_changes(&s, "restored GasTown/main all.yaml");
    folder_put(&s.folder, "all.yaml", BAD_TOWN("a:4"));
    load(&s);
    folder_put(&s.folder, "all.yaml", TOWN("a:5"));
    load(&s);
    expect_changes(&s, "updated GasTown/main all.yaml");
}

Test(catalogue_directory, a_broken_object_without_a_good_version_is_remembered)
{
    SCOPED_SUBJECT(s);
    folder_put(&s.folder, "rig.yaml", RIG("r"));
    load(&s);
    folder_put(&s.folder, "town.yaml", BAD_TOWN("a:1"));
    load(&s);
    expect_counts(&s, 1, 1, 1);
    expect_changes(&s, "rejected GasTown/main town.yaml");
    cr_expect(!gt_snapshot_accepted(s.report.snapshot, 1), "the snapshot knows that there is something wrong");
    folder_put(&s.folder, "town.yaml", TOWN("a:1"));
    load(&s);
    expect_counts(&s, 2, 0, 0);
    expect_changes(&s, "added GasTown/main town.yaml");
}

Test(catalogue_directory, an_unreadable_file_keeps_its_objects)
{
    SCOPED_SUBJECT(s);
    folder_put(&s.folder, "rigs.yaml", RIG("a") "---\n" RIG("b"));
    folder_put(&s.folder, "town.yaml", TOWN("a:1"));
    load(&s);
    folder_put(&s.folder, "rigs.yaml", NOT_YAML);
    folder_put(&s.folder, "town.yaml", TOWN("a:2"));
    load(&s);
    expect_counts(&s, 3, 1, 1);
    expect_changes(&s, "kept Rig/a rigs.yaml, kept Rig/b rigs.yaml, updated GasTown/main town.yaml");
    folder_put(&s.folder, "town.yaml", TOWN("a:3")); /* and goes on keeping them */
    load(&s);
    expect_counts(&s, 3, 1, 1);
    folder_put(&s.folder, "rigs.yaml", RIG("a"));
    load(&s);
    expect_counts(&s, 2, 0, 0);
    expect_changes(&s, "restored Rig/a rigs.yaml, removed Rig/b rigs.yaml");
}

Test(catalogue_directory, what_moved_out_of_an_unreadable_file_isnt_there_twice)
{
    SCOPED_SUBJECT(s);
    folder_put(&s.folder, "a.yaml", RIG("a") "---\n" RIG("b"));
    load(&s);
    folder_put(&s.folder, "a.yaml", NOT_YAML);
    folder_put(&s.folder, "b.yaml", HEAD("Rig", "b") "  name: other\n");
    load(&s);
    expect_counts(&s, 2, 1, 1);
    expect_changes(&s, "kept Rig/a a.yaml, updated Rig/b b.yaml");
}

Test(catalogue_directory, at_first_a_file_that_isnt_readable_is_passed_on_as_such)
{
    SCOPED_SUBJECT(s);
    folder_put(&s.folder, "town.yaml", TOWN("a:1"));
    folder_put(&s.folder, "new.yaml", NOT_YAML);
    load(&s);
    expect_counts(&s, 1, 1, 1);
    cr_expect(!gt_snapshot_accepted(s.report.snapshot, 0));
    cr_expect(gt_snapshot_accepted(s.report.snapshot, 1));
}

Test(catalogue_directory, a_new_file_that_isnt_readable_leaves_the_good_set_alone)
{
    SCOPED_SUBJECT(s);
    folder_put(&s.folder, "town.yaml", TOWN("a:1"));
    load(&s);
    folder_put(&s.folder, "new.yaml", NOT_YAML);
    load(&s);
    expect_counts(&s, 1, 1, 1);
    cr_expect(gt_snapshot_accepted(s.report.snapshot, 0));
    cr_expect(!gt_snapshot_accepted(s.report.snapshot, 1));
    folder_drop(&s.folder, "new.yaml");
    load(&s);
    expect_counts(&s, 1, 0, 0);
    expect_changes(&s, "");
}

Test(catalogue_directory, a_broken_object_that_moved_keeps_its_version)
{
    SCOPED_SUBJECT(s);
    folder_put(&s.folder, "old.yaml", TOWN("a:1"));
    load(&s);
    folder_drop(&s.folder, "old.yaml");
    folder_put(&s.folder, "new.yaml", BAD_TOWN("a:2"));
    load(&s);
    expect_counts(&s, 1, 1, 1);
    expect_changes(&s, "kept GasTown/main new.yaml");
}

Test(catalogue_directory, a_broken_copy_doesnt_hurt_the_good_one)
{
    SCOPED_SUBJECT(s);
    folder_put(&s.folder, "a.yaml", TOWN("a:1"));
    load(&s);
    folder_put(&s.folder, "b.yaml", BAD_TOWN("a:2"));
    load(&s);
    expect_counts(&s, 1, 1, 1);
    expect_changes(&s, "");
}

Test(catalogue_directory, deletion_ends_quarantine)
{
    SCOPED_SUBJECT(s);
    folder_put(&s.folder, "a.yaml", RIG("a"));
    folder_put(&s.folder, "b.yaml", RIG("b"));
    load(&s);
    folder_put(&s.folder, "a.yaml", NOT_YAML);
    folder_put(&s.folder, "b.yaml", RIG("b") "  nmae: x\n");
    load(&s);
    expect_counts(&s, 2, 2, 2);
    folder_drop(&s.folder, "a.yaml");
    folder_drop(&s.folder, "b.yaml");
    load(&s);
    expect_counts(&s, 0, 0, 0);
    expect_changes(&s, "removed Rig/a a.yaml, removed Rig/b b.yaml");
}

Test(catalogue_directory, a_mounted_volume_is_swapped)
{
    SCOPED_SUBJECT(s);
    folder_make_sub(&s.folder, "..one");
    folder_make_sub(&s.folder, "..two");
    folder_put(&s.folder, "..one/town.yaml", TOWN("a:1"));
    folder_put(&s.folder, "..two/town.yaml", TOWN("a:2"));
    folder_link(&s.folder, "..one", "..data");
    folder_link(&s.folder, "..data/town.yaml", "town.yaml");
    load(&s);
    expect_counts(&s, 1, 0, 0);
    cr_expect(!gt_directory_stirred(s.directory));
    folder_link(&s.folder, "..two", "..data");
    cr_expect(gt_directory_stirred(s.directory), "only what the links lead to has changed");
    load(&s);
    expect_changes(&s, "updated GasTown/main town.yaml");
}

Test(catalogue_directory, the_directory_may_go_and_come_back)
{
    SCOPED_SUBJECT(s);
    char aside[80];
    snprintf(aside, sizeof aside, "%s.aside", s.folder.path);
    folder_put(&s.folder, "town.yaml", TOWN("a:1"));
    load(&s);
    cr_assert_eq(rename(s.folder.path, aside), 0);
    cr_expect(!try_load(&s));
    cr_expect_eq(s.err.kind, GT_ERR_ENV);
    cr_assert_eq(rename(aside, s.folder.path), 0);
    cr_expect(gt_directory_stirred(s.directory));
    cr_assert(try_load(&s));
    cr_expect_null(s.report.snapshot, "it has never been gone as far as readers know");
    folder_put(&s.folder, "town.yaml", BAD_TOWN("a:2"));
    load(&s);
    expect_changes(&s, "kept GasTown/main town.yaml");
}

Test(catalogue_directory, surprises_are_warnings)
{
    SCOPED_SUBJECT(s);
    folder_put(&s.folder, "rig.yaml",
               HEAD("Rig", "r") "  name: r\n  podOverrides:\n    env:\n    - name: X\n      value: 010\n");
    load(&s);
    cr_expect(finds(&s, "rig.yaml:10:14: warning: 010 is read as the number 8"));
    cr_expect_gt(s.report.warnings, 0);
}
