/* The template reference: every table of the engine as one Markdown page (docs/templates.md). */
#ifndef GT_INJECTOR_REFERENCE_H
#define GT_INJECTOR_REFERENCE_H

#include "lib/base/str.h"

/* Appends the page. Made from the tables that the engine itself reads, so that it can't say anything else. */
void gt_reference(gt_buf *page);

#endif
