/* Telling people what a load found. */
#ifndef GT_CATALOGUE_REPORT_H
#define GT_CATALOGUE_REPORT_H

#include "catalogue/directory.h"

/* "rigs.yaml:3:5: spec.defaults.imgae: unknown field", without the parts that aren't known; a warning has "warning: " behind the
 * position. */
void gt_finding_print(gt_buf *buf, const gt_finding *finding);

/* One line per finding and per change, then one that sums up. Nothing for a report without a snapshot. */
void gt_directory_log(const gt_directory_report *report);

#endif
