#include "catalogue/watch.h"

#include <assert.h>
#include <errno.h>
#include <stdalign.h>
#include <stdlib.h>
#include <sys/inotify.h>
#include <sys/stat.h>
#include <unistd.h>

/* IN_MODIFY: whoever waits for quiet before it looks sees that a file is still being written. IN_ATTRIB: it became readable. */
#define EVENTS                                                                                                         \
    (IN_CREATE | IN_MODIFY | IN_CLOSE_WRITE | IN_MOVED_TO | IN_MOVED_FROM | IN_DELETE | IN_ATTRIB | IN_DELETE_SELF |   \
     IN_MOVE_SELF | IN_ONLYDIR)

typedef struct place {
    const char *path;
    int wd; /* -1: not watched */
    dev_t dev;
    ino_t ino;
} place;

struct gt_watch {
    int fd;
    place places[GT_WATCH_MAX];
    size_t count;
};

gt_watch *gt_watch_new(void)
{
    gt_watch *watch = calloc(1, sizeof *watch);
    if (watch != NULL)
        watch->fd = inotify_init1(IN_NONBLOCK | IN_CLOEXEC);
    return watch;
}

void gt_watch_free(gt_watch *watch)
{
    if (watch == NULL)
        return;
    if (watch->fd >= 0)
        close(watch->fd);
    free(watch);
}

/* true: it is watched now and wasn't, or as another directory. */
static bool attach(gt_watch *watch, place *p)
{
    struct stat st;
    if (stat(p->path, &st) != 0 || !S_ISDIR(st.st_mode)) {
        p->wd = -1;
        return false;
    }
    if (p->wd >= 0 && p->dev == st.st_dev && p->ino == st.st_ino)
        return false;
    if (p->wd >= 0)
        inotify_rm_watch(watch->fd, p->wd);
    p->wd = inotify_add_watch(watch->fd, p->path, EVENTS);
    p->dev = st.st_dev;
    p->ino = st.st_ino;
    return p->wd >= 0;
}

void gt_watch_add(gt_watch *watch, const char *directory)
{
    assert(watch->count < GT_WATCH_MAX);
    place *p = &watch->places[watch->count++];
    *p = (place){.path = directory, .wd = -1};
    if (watch->fd >= 0)
        attach(watch, p);
}

int gt_watch_fd(const gt_watch *watch)
{
    return watch->fd;
}

static void forget(gt_watch *watch, int wd)
{
    for (size_t i = 0; i < watch->count; i++)
        if (watch->places[i].wd == wd)
            watch->places[i].wd = -1;
}

bool gt_watch_drain(gt_watch *watch)
{
    bool any = false;
    alignas(struct inotify_event) char buffer[4096];
    while (watch->fd >= 0) {
        ssize_t n = read(watch->fd, buffer, sizeof buffer);
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            break;
        any = true;
        for (size_t at = 0; at < (size_t)n;) {
            const struct inotify_event *event = (const void *)(buffer + at);
            if ((event->mask & IN_MOVE_SELF) != 0)
                inotify_rm_watch(watch->fd, event->wd); /* it goes on under another name otherwise */
            if ((event->mask & (IN_IGNORED | IN_DELETE_SELF | IN_MOVE_SELF)) != 0)
                forget(watch, event->wd);
            at += sizeof *event + event->len;
        }
    }
    return any;
}

bool gt_watch_renew(gt_watch *watch)
{
    bool any = false;
    for (size_t i = 0; i < watch->count && watch->fd >= 0; i++)
        any |= attach(watch, &watch->places[i]);
    return any;
}
