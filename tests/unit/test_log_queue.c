#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "lib/base/clock.h"
#include "lib/base/log.h"
#include "tests/unit/support.h"

enum { THREADS = 4, LINES = 2000, SECOND = 1000000 };

/* stderr is a pipe, and lines wait. Returns its other end. */
static int start(void)
{
    int fds[2];
    gt_err err;
    cr_assert_eq(pipe(fds), 0);
    dup2(fds[1], STDERR_FILENO);
    close(fds[1]);
    cr_assert(gt_log_start(&err), "%s", err.text);
    return fds[0];
}

static void *write_lines(void *number)
{
    static int next[THREADS]; /* each thread's own */
    intptr_t own = (intptr_t)number;
    for (int i = 0; i < LINES; i++)
        gt_log(GT_LOG_INFO, "line", GT_FI("thread", own), GT_FI("n", next[own]++));
    return NULL;
}

static void from_threads(void)
{
    pthread_t threads[THREADS];
    for (intptr_t i = 0; i < THREADS; i++)
        cr_assert_eq(pthread_create(&threads[i], NULL, write_lines, (void *)i), 0);
    for (size_t i = 0; i < THREADS; i++)
        pthread_join(threads[i], NULL);
}

typedef struct reader {
    int fd;
    size_t next[THREADS];
    size_t lines, warnings, told; /* of the threads; others; dropped, as the log says */
} reader;

/* To the end: whole lines, each thread's in order. */
static void *read_lines(void *own)
{
    reader *r = own;
    FILE *file = fdopen(r->fd, "r");
    char line[8192];
    while (fgets(line, sizeof line, file) != NULL) {
        const char *thread = strstr(line, " INFO  line thread="), *lost = strstr(line, " lines=");
        cr_assert_eq(line[strlen(line) - 1], '\n');
        if (thread != NULL) {
            size_t i = strtoul(thread + 19, NULL, 10), n = strtoul(strstr(thread, " n=") + 3, NULL, 10);
            cr_assert(i < THREADS && n >= r->next[i], "out of order: %s", line);
            r->next[i] = n + 1;
            r->lines++;
        } else {
            cr_assert_not_null(strstr(line, " WARN  "), "not whole: %s", line);
            r->warnings += lost == NULL;
            r->told += lost == NULL ? 0 : strtoul(lost + 7, NULL, 10);
        }
    }
    fclose(file);
    return NULL;
}

static bool readable(int fd, int ms)
{
    struct pollfd wanted = {.fd = fd, .events = POLLIN};
    return poll(&wanted, 1, ms) == 1;
}

Test(log_queue, every_line_whole_and_in_order)
{
    reader r = {.fd = start()};
    pthread_t thread;
    cr_assert_eq(pthread_create(&thread, NULL, read_lines, &r), 0);
    from_threads();
    gt_log_stop();
    gt_log(GT_LOG_WARN, "at once again", GT_FI("n", 1));
    close(STDERR_FILENO);
    pthread_join(thread, NULL);
    cr_expect_eq(r.lines + r.told, (size_t)THREADS * LINES, "%zu and %zu", r.lines, r.told);
    cr_expect_eq(r.told, gt_log_dropped());
    cr_expect_eq(r.warnings, 1);
}

Test(log_queue, a_line_does_not_wait_for_others)
{
    static const gt_log_level levels[] = {GT_LOG_INFO, GT_LOG_WARN, GT_LOG_ERROR};
    char line[1000];
    int fd = start();
    for (size_t i = 0; i < COUNT(levels); i++) {
        gt_log_msg(levels[i], "alone");
        cr_assert(readable(fd, 10000));
        ssize_t n = read(fd, line, sizeof line);
        cr_expect(n > 6 && memcmp(line + n - 6, "alone\n", 6) == 0);
    }
    gt_log_stop();
    gt_log_stop();
}

/* Nobody reads for a while. */
Test(log_queue, nobody_waits_for_a_reader)
{
    enum { ROUNDS = 4, WARNINGS = 100 };
    reader r = {.fd = start()};
    int64_t before = gt_clock_mono_us();
    for (int i = 0; i < ROUNDS; i++)
        from_threads(); /* far more than a pipe and the buffer hold */
    for (int i = 0; i < WARNINGS; i++)
        gt_log_msg(GT_LOG_WARN, "there is room for it");
    cr_expect_lt(gt_clock_mono_us() - before, 60 * SECOND);
    uint64_t lost = gt_log_dropped();
    cr_expect_gt(lost, 0);
    cr_expect_lt(lost, ROUNDS * THREADS * LINES);
    pthread_t thread;
    cr_assert_eq(pthread_create(&thread, NULL, read_lines, &r), 0);
    gt_log_stop();
    close(STDERR_FILENO);
    pthread_join(thread, NULL);
    cr_expect_eq(r.lines + lost, (size_t)ROUNDS * THREADS * LINES);
    cr_expect_eq(r.told, lost, "%zu are told of, not %zu", r.told, (size_t)lost);
    cr_expect_eq(r.warnings, WARNINGS);
}

Test(log_queue, the_end_does_not_wait_for_ever)
{
    int fd = start();
    for (int i = 0; i < 3; i++)
        from_threads();
    int64_t before = gt_clock_mono_us();
    gt_log_stop();
    cr_expect_lt(gt_clock_mono_us() - before, 30 * SECOND);
    cr_expect(readable(fd, 0));
    gt_log_msg(GT_LOG_INFO, "nor does who still logs");
}
