/* Telling people what a load found. */
#ifndef GT_CATALOGUE_REPORT_H
#define GT_CATALOGUE_REPORT_H

#include "catalogue/directory.h"
#include "catalogue/store.h"
#include "lib/yaml/yaml.h"

/* A file that can't be read, as an error. What gt_yaml_load says ("line 3, column 5: duplicate key") is taken apart. */
gt_finding gt_finding_unreadable(gt_arena *arena, gt_str file, const char *problem);

/* A plain scalar that is read as something else than it looks like, as a warning. */
gt_finding gt_finding_surprise(gt_arena *arena, gt_str file, const gt_yaml_surprise *surprise);

/* A folder without a template, as an error of the folder: a wrong path, a mount that isn't there, files in subfolders. false: there is one. */
bool gt_finding_empty(const gt_directory_report *report, gt_finding *finding);

/* "rigs.yaml:3:5: spec.defaults.imgae: unknown field", without the parts that aren't known; a warning has "warning: " behind the
 * position. */
void gt_finding_print(gt_buf *buf, const gt_finding *finding);

/* One line per finding and per change, a warning when the folder has no template, then one that sums up. Nothing for a report without a snapshot. */
void gt_directory_log(const gt_directory_report *report);

/* The same for a load of a store: a line for each object of which there's news (but what was accepted at the first load isn't any). */
void gt_store_log(const gt_store *store, const gt_store_report *report, bool first);

#endif
