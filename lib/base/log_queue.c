/* Two buffers take turns: one is filled under a lock, the other one is being written without it, by a thread that does nothing else and so may
 * wait for a reader as long as it takes. It gathers what comes in a few milliseconds: a write and a wake-up for each line cost more than all
 * that the line is about. */
#include "lib/base/log_queue.h"

#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <time.h>
#include <unistd.h>

enum { ROOM = 256 * 1024, FOR_WARNINGS = 32 * 1024, GATHER_NS = 5 * 1000 * 1000, PATIENCE_S = 2 };

static char buffers[2][ROOM];

static struct {
    pthread_mutex_t lock;
    pthread_cond_t wake, end; /* of the monotonic clock */
    pthread_t writer;
    char *filling;
    size_t filled;
    bool hurry, stopping;
    uint64_t told; /* of those that were dropped */
} queue = {.lock = PTHREAD_MUTEX_INITIALIZER, .filling = buffers[0]};

static atomic_bool running;           /* changed under the lock */
static atomic_uint_least64_t dropped; /* likewise */

void gt_log_write(const char *bytes, size_t n)
{
    while (n > 0) {
        ssize_t written = write(STDERR_FILENO, bytes, n);
        if (written < 0 && errno == EINTR)
            continue;
        if (written <= 0)
            return; /* nobody is left to tell */
        bytes += written;
        n -= (size_t)written;
    }
}

/* ---- filling ---- */

static void add(gt_log_level level, const char *line, size_t n)
{
    bool warning = level <= GT_LOG_WARN;
    if (n > ROOM - queue.filled - (warning ? 0 : FOR_WARNINGS) || queue.filled > ROOM - (warning ? 0 : FOR_WARNINGS)) {
        atomic_fetch_add(&dropped, 1);
        return;
    }
    memcpy(queue.filling + queue.filled, line, n);
    queue.filled += n;
    bool hurry = warning || queue.filled > ROOM / 2;
    if (queue.filled == n || (hurry && !queue.hurry))
        pthread_cond_signal(&queue.wake);
    queue.hurry = queue.hurry || hurry;
}

bool gt_log_queue_put(gt_log_level level, const char *line, size_t n)
{
    if (!atomic_load(&running))
        return false;
    pthread_mutex_lock(&queue.lock);
    bool there = atomic_load(&running); /* it may have ended meanwhile */
    if (there)
        add(level, line, n);
    pthread_mutex_unlock(&queue.lock);
    return there;
}

uint64_t gt_log_dropped(void)
{
    return atomic_load(&dropped);
}

/* ---- writing ---- */

static void tell(uint64_t lost)
{
    char line[GT_LOG_LINE];
    const gt_field fields[] = {GT_FI("lines", lost), {0}};
    gt_log_write(line, gt_log_line(line, GT_LOG_WARN, "log lines were dropped: they aren't read fast enough", fields));
}

/* Until there is something, and what comes right behind it. */
static void gather(void)
{
    struct timespec until;
    while (queue.filled == 0 && !queue.stopping)
        pthread_cond_wait(&queue.wake, &queue.lock);
    clock_gettime(CLOCK_MONOTONIC, &until);
    until.tv_nsec += GATHER_NS;
    until.tv_sec += until.tv_nsec / 1000000000;
    until.tv_nsec %= 1000000000;
    while (!queue.hurry && !queue.stopping && pthread_cond_timedwait(&queue.wake, &queue.lock, &until) != ETIMEDOUT) {
    }
}

static void *write_lines(void *unused)
{
    (void)unused;
    pthread_mutex_lock(&queue.lock);
    while (!queue.stopping || queue.filled > 0) {
        gather();
        const char *full = queue.filling;
        size_t n = queue.filled;
        uint64_t lost = atomic_load(&dropped) - queue.told;
        queue.filling = full == buffers[0] ? buffers[1] : buffers[0];
        queue.filled = 0;
        queue.hurry = false;
        queue.told += lost;
        pthread_mutex_unlock(&queue.lock);
        gt_log_write(full, n);
        if (lost > 0)
            tell(lost);
        pthread_mutex_lock(&queue.lock);
    }
    atomic_store(&running, false);
    pthread_cond_signal(&queue.end);
    pthread_mutex_unlock(&queue.lock);
    return NULL;
}

/* ---- start and stop ---- */

bool gt_log_start(gt_err *err)
{
    pthread_condattr_t attributes;
    pthread_condattr_init(&attributes);
    pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
    pthread_cond_init(&queue.wake, &attributes); /* can't fail here: a clock that exists, and no memory is taken */
    pthread_cond_init(&queue.end, &attributes);
    pthread_condattr_destroy(&attributes);
    queue.stopping = false;
    atomic_store(&running, true);
    int status = pthread_create(&queue.writer, NULL, write_lines, NULL);
    if (status == 0)
        return true;
    atomic_store(&running, false);
    return gt_fail(err, GT_ERR_ENV, "the log's thread doesn't start: %s", strerror(status));
}

void gt_log_stop(void)
{
    struct timespec until;
    if (!atomic_load(&running))
        return;
    pthread_mutex_lock(&queue.lock);
    queue.stopping = true;
    pthread_cond_signal(&queue.wake);
    clock_gettime(CLOCK_MONOTONIC, &until);
    until.tv_sec += PATIENCE_S;
    while (atomic_load(&running) && pthread_cond_timedwait(&queue.end, &queue.lock, &until) != ETIMEDOUT) {
    }
    bool ended = !atomic_load(&running);
    pthread_mutex_unlock(&queue.lock);
    if (!ended)
        return; /* in a write that nobody reads; it ends with the process */
    pthread_join(queue.writer, NULL);
    pthread_cond_destroy(&queue.wake);
    pthread_cond_destroy(&queue.end);
}
