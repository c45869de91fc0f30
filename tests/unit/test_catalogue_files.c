#include <fcntl.h>

#include "catalogue/files.h"
#include "catalogue/watch.h"
#include "tests/unit/test_catalogue_folder.h"

Test(catalogue_files, which_names_are_templates)
{
    static const struct {
        const char *name;
        bool is;
    } rows[] = {
        {"town.yaml", true},    {"rig.yml", true},        {"pool.json", true},
        {"a.b.yaml", true},     {"-.yaml", true},         {".yaml", false},
        {".town.yaml", false},  {"..data", false},        {"town.yaml~", false},
        {"#town.yaml#", false}, {"town.yaml.bak", false}, {".town.yaml.swp", false},
        {".#town.yaml", false}, {"town", false},          {"yaml", false},
        {"town.YAML", false},   {"town.yaml.tmp", false}, {"", false},
    };
    for (size_t i = 0; i < COUNT(rows); i++)
        cr_expect_eq(gt_files_is_template(rows[i].name), rows[i].is, "%s", rows[i].name);
}

Test(catalogue_files, which_names_are_nearly_templates)
{
    static const struct {
        const char *name;
        bool is;
    } rows[] = {
        {"town.YAML", true}, {"town.Yml", true},  {"town.JSON", true},      {"town.yaml", false}, {".town.YAML", false},
        {".YAML", false},    {"townYAML", false}, {"town.YAML.bak", false}, {"", false},
    };
    for (size_t i = 0; i < COUNT(rows); i++)
        cr_expect_eq(gt_files_is_misnamed(rows[i].name), rows[i].is, "%s", rows[i].name);
}

Test(catalogue_files, reads_in_order_of_names)
{
    SCOPED_FOLDER(here);
    folder_put(&here, "b.yaml", "B");
    folder_put(&here, "a.json", "");
    folder_put(&here, "B.yml", "with\nlines\n");
    folder_put(&here, "notes.txt", "no");
    folder_make_sub(&here, "sub.yaml");
    gt_files files;
    gt_err err;
    cr_assert(gt_files_read(here.path, &files, &err), "%s", err.text);
    cr_assert_eq(files.count, 3);
    static const char *const names[] = {"B.yml", "a.json", "b.yaml"}, *const texts[] = {"with\nlines\n", "", "B"};
    for (size_t i = 0; i < 3; i++) {
        cr_expect_str_eq(files.at[i].name, names[i]);
        cr_expect_str_eq(files.at[i].text, texts[i]);
        cr_expect_eq(files.at[i].len, strlen(texts[i]));
        cr_expect_null(files.at[i].problem);
    }
    gt_files_free(&files);
    cr_expect_eq(files.count, 0);
}

Test(catalogue_files, what_cant_be_read_says_why)
{
    SCOPED_FOLDER(here);
    char path[256];
    folder_put(&here, "good.yaml", "x");
    folder_link(&here, "nowhere", "dangling.yaml");
    cr_assert_eq(mkfifo(folder_path(&here, "pipe.yaml", path), 0644), 0);
    folder_put(&here, "large.yaml", "x");
    cr_assert_eq(truncate(folder_path(&here, "large.yaml", path), GT_FILES_MAX_EACH + 1), 0);
    gt_files files;
    gt_err err;
    cr_assert(gt_files_read(here.path, &files, &err), "%s", err.text);
    static const char *const problems[] = {"No such file or directory", NULL, "larger than 1 MiB",
                                           "not a regular file"};
    cr_assert_eq(files.count, COUNT(problems));
    for (size_t i = 0; i < COUNT(problems); i++) {
        cr_expect_eq(files.at[i].text == NULL, problems[i] != NULL, "%s", files.at[i].name);
        cr_expect_str_eq(files.at[i].problem == NULL ? "" : files.at[i].problem,
                         problems[i] == NULL ? "" : problems[i]);
    }
    gt_files_free(&files);
}

Test(catalogue_files, limits_and_missing_directory)
{
    SCOPED_FOLDER(here);
    gt_files files;
    gt_err err;
    char name[32], path[256], signature[GT_FILES_SIGNATURE + 1];
    cr_expect(!gt_files_read(folder_path(&here, "none", path), &files, &err));
    cr_expect_eq(err.kind, GT_ERR_ENV);
    cr_expect(!gt_files_stat_signature(path, signature, &err));
    for (int i = 0; i < 17; i++) {
        snprintf(name, sizeof name, "%02d.yaml", i);
        folder_put(&here, name, "");
        cr_assert_eq(truncate(folder_path(&here, name, path), GT_FILES_MAX_EACH), 0);
    }
    cr_expect(!gt_files_read(here.path, &files, &err));
    cr_expect_eq(err.kind, GT_ERR_LIMIT);
    cr_expect_not_null(strstr(err.text, "16 MiB"), "%s", err.text);
    for (int i = 0; i < GT_FILES_MAX + 1; i++) {
        snprintf(name, sizeof name, "x%d.yaml", i);
        folder_put(&here, name, "");
    }
    cr_expect(!gt_files_read(here.path, &files, &err));
    cr_expect_eq(err.kind, GT_ERR_LIMIT);
    cr_expect_eq(files.count, 0);
}

Test(catalogue_files, signatures_tell_changes)
{
    SCOPED_FOLDER(here);
    char one[GT_FILES_SIGNATURE + 1], two[GT_FILES_SIGNATURE + 1];
    gt_err err;
    folder_put(&here, "a.yaml", "one");
    cr_assert(gt_files_stat_signature(here.path, one, &err));
    folder_put(&here, "ignored.txt", "x");
    cr_assert(gt_files_stat_signature(here.path, two, &err));
    cr_expect_str_eq(one, two);
    folder_put(&here, "b.yaml", "");
    cr_assert(gt_files_stat_signature(here.path, two, &err));
    cr_expect_str_neq(one, two);
}

Test(catalogue_watch, reports_and_survives_replacement)
{
    SCOPED_FOLDER(here);
    char path[256], aside[256];
    folder_make_sub(&here, "watched");
    gt_watch *watch = gt_watch_new();
    cr_assert_not_null(watch);
    gt_watch_add(watch, folder_path(&here, "watched", path));
    cr_assert(gt_watch_fd(watch) >= 0);
    cr_expect(!gt_watch_drain(watch));
    folder_put(&here, "watched/a.yaml", "x");
    cr_expect(gt_watch_drain(watch));
    cr_expect(!gt_watch_drain(watch), "each event is reported once");
    cr_expect(!gt_watch_renew(watch), "it's the same directory");
    cr_assert_eq(rename(path, folder_path(&here, "aside", aside)), 0);
    cr_expect(gt_watch_drain(watch));
    cr_expect(!gt_watch_renew(watch), "there is none");
    folder_make_sub(&here, "watched");
    cr_expect(gt_watch_renew(watch), "a new one");
    folder_put(&here, "aside/a.yaml", "y");
    gt_watch_drain(watch); /* what came of putting the old one away */
    folder_put(&here, "aside/a.yaml", "z");
    cr_expect(!gt_watch_drain(watch), "the old one is nobody's business any more");
    folder_put(&here, "watched/a.yaml", "y");
    cr_expect(gt_watch_drain(watch));
    gt_watch_free(watch);
    gt_watch_free(NULL);
}
