/* Noticing that directories change: inotify, with a poll by the caller as fallback.
 *
 * A watch only says "look again"; what has changed the caller finds out by a signature of its own. inotify alone isn't enough: it
 * is silent on some network file systems, its instances are limited, and a directory that is replaced as a whole takes its
 * watch along. So the caller calls gt_watch_renew and looks from time to time even if nothing was reported.
 * One thread. */
#ifndef GT_CATALOGUE_WATCH_H
#define GT_CATALOGUE_WATCH_H

#include "lib/base/err.h"

enum { GT_WATCH_MAX = 4 }; /* directories */

typedef struct gt_watch gt_watch;

/* NULL when there's no memory. Without inotify it is a watch that never reports: gt_watch_fd is -1 then. */
gt_watch *gt_watch_new(void);
void gt_watch_free(gt_watch *watch); /* NULL is fine */

/* Watches a directory (path must live as long as the watch). It need not exist yet: gt_watch_renew tries again. */
void gt_watch_add(gt_watch *watch, const char *directory);

/* Readable when there's something to report; -1: no inotify. */
int gt_watch_fd(const gt_watch *watch);

/* Takes what has been reported. true: something in one of the directories may have changed. Never waits. */
bool gt_watch_drain(gt_watch *watch);

/* Watches again what was deleted, replaced or not there before. true: a directory is another one now. */
bool gt_watch_renew(gt_watch *watch);

#endif
