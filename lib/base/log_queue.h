/* The log's own: lines that wait to be written (log.h, gt_log_start), and what writes them. */
#ifndef GT_LIB_BASE_LOG_QUEUE_H
#define GT_LIB_BASE_LOG_QUEUE_H

#include "lib/base/log.h"

enum { GT_LOG_LINE = 4096 };

/* A line with its end, in `line`; returns its length. */
size_t gt_log_line(char line[GT_LOG_LINE], gt_log_level level, const char *message, const gt_field *fields);

/* To stderr, now. */
void gt_log_write(const char *bytes, size_t n);

/* The queue's from here on, be it to drop it. false: there is no queue. */
bool gt_log_queue_put(gt_log_level level, const char *line, size_t n);

#endif
