/* What Prometheus clients say of their process: processor time, memory, descriptors, start. Linux: from /proc/self. Thread-safe. */
#ifndef GT_LIB_METRICS_PROCESS_H
#define GT_LIB_METRICS_PROCESS_H

#include "lib/metrics/metrics.h"

/* label in C, name, type, help */
#define GT_PROCESS_METRICS(X)                                                                                          \
    X(CPU, "process_cpu_seconds_total", COUNTER, "Processor time spent, user and system")                              \
    X(RESIDENT, "process_resident_memory_bytes", GAUGE, "Resident memory")                                             \
    X(VIRTUAL, "process_virtual_memory_bytes", GAUGE, "Virtual memory")                                                \
    X(OPEN_FDS, "process_open_fds", GAUGE, "Open descriptors")                                                         \
    X(MAX_FDS, "process_max_fds", GAUGE, "Descriptors there may be")                                                   \
    X(START, "process_start_time_seconds", GAUGE, "When the process started, since 1970")

typedef enum gt_process_metric {
#define GT_MEMBER(label, name, type, help) GT_PROCESS_##label,
    GT_PROCESS_METRICS(GT_MEMBER)
#undef GT_MEMBER
        GT_PROCESS_METRIC_COUNT
} gt_process_metric;
extern const gt_metric gt_process_metrics[GT_PROCESS_METRIC_COUNT];

/* Families of numbers that can't be found out have none. */
void gt_process_print(gt_buf *buf);

#endif
