#include "lib/metrics/process.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

const gt_metric gt_process_metrics[GT_PROCESS_METRIC_COUNT] = {
#define GT_MEMBER(label, name, type, help) [GT_PROCESS_##label] = {name, GT_METRIC_##type, "", help},
    GT_PROCESS_METRICS(GT_MEMBER)
#undef GT_MEMBER
};

enum { START_FIELD = 22 };

typedef struct process_stat {
    unsigned long long start;          /* ticks since the machine started */
    unsigned long long virtual, pages; /* bytes; of resident memory */
} process_stat;

/* proc(5): the name stands in parentheses and may hold anything, so reading begins behind the last one. */
static bool read_stat(process_stat *stat)
{
    char text[1024];
    FILE *file = fopen("/proc/self/stat", "re");
    if (file == NULL)
        return false;
    size_t n = fread(text, 1, sizeof text - 1, file);
    fclose(file);
    text[n] = '\0';
    char *at = strrchr(text, ')'); /* the second field's end */
    for (int field = 2; at != NULL && field < START_FIELD; field++)
        at = strchr(at + 1, ' ');
    if (at == NULL)
        return false;
    stat->start = strtoull(at, &at, 10);
    stat->virtual = strtoull(at, &at, 10);
    stat->pages = strtoull(at, &at, 10);
    return stat->pages > 0;
}

static int64_t count_descriptors(void)
{
    DIR *folder = opendir("/proc/self/fd");
    int64_t n = 0;
    if (folder == NULL)
        return GT_METRIC_NONE;
    for (const struct dirent *entry; (entry = readdir(folder)) != NULL;) /* NOLINT(concurrency-mt-unsafe): own stream */
        n += entry->d_name[0] != '.';
    closedir(folder);
    return n - 1; /* the folder itself */
}

static int64_t spent_us(void)
{
    struct rusage usage = {0};
    getrusage(RUSAGE_SELF, &usage); /* can't fail: the pointer is good */
    return (usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) * INT64_C(1000000) + usage.ru_utime.tv_usec +
           usage.ru_stime.tv_usec;
}

/* When the machine started, in seconds since 1970; -1: unknown. As the system says it, not as the difference of two clocks: that is another
 * one by some microseconds each time, and who looks for restarts (changes() of Prometheus) would find one in each scrape. */
static int64_t boot_s(void)
{
    char *line = NULL;
    size_t room = 0;
    long long found = -1;
    FILE *file = fopen("/proc/stat", "re");
    while (file != NULL && found < 0 && getline(&line, &room, file) > 0)
        if (strncmp(line, "btime ", 6) == 0)
            found = strtoll(line + 6, NULL, 10);
    free(line);
    if (file != NULL)
        fclose(file);
    return found;
}

static void print_start(gt_buf *buf, const gt_metric *metric, unsigned long long ticks)
{
    int64_t boot = boot_s();
    if (boot >= 0)
        gt_metric_micros(buf, metric, NULL,
                         boot * 1000000 + (int64_t)(ticks * 1000000 / (unsigned long)sysconf(_SC_CLK_TCK)));
}

void gt_process_print(gt_buf *buf)
{
    process_stat stat = {0};
    struct rlimit limit = {0};
    bool known = read_stat(&stat);
    long page = sysconf(_SC_PAGESIZE);
    bool limited = getrlimit(RLIMIT_NOFILE, &limit) == 0 && limit.rlim_cur != RLIM_INFINITY;
    for (int i = 0; i < GT_PROCESS_METRIC_COUNT; i++) {
        const gt_metric *metric = &gt_process_metrics[i];
        gt_metric_head(buf, metric);
        switch ((gt_process_metric)i) {
        case GT_PROCESS_CPU: gt_metric_micros(buf, metric, NULL, spent_us()); break;
        case GT_PROCESS_RESIDENT:
            gt_metric_gauge(buf, metric, NULL, known ? (int64_t)stat.pages * page : GT_METRIC_NONE);
            break;
        case GT_PROCESS_VIRTUAL:
            gt_metric_gauge(buf, metric, NULL, known ? (int64_t)stat.virtual : GT_METRIC_NONE);
            break;
        case GT_PROCESS_OPEN_FDS: gt_metric_gauge(buf, metric, NULL, count_descriptors()); break;
        case GT_PROCESS_MAX_FDS:
            gt_metric_gauge(buf, metric, NULL, limited ? (int64_t)limit.rlim_cur : GT_METRIC_NONE);
            break;
        case GT_PROCESS_START:
            if (known)
                print_start(buf, metric, stat.start);
            break;
        case GT_PROCESS_METRIC_COUNT: break;
        }
    }
}
