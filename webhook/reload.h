/* Reading something again when its files have changed: templates, certificate.
 *
 * A report of inotify is followed by a short quiet, so that a file that is just being written, or the second half of a pair, is
 * there when we look. Besides, the files are looked at every poll interval. A failure is logged once, not at every look.
 * Control thread only. */
#ifndef GT_WEBHOOK_RELOAD_H
#define GT_WEBHOOK_RELOAD_H

#include "catalogue/catalogue.h"
#include "catalogue/directory.h"
#include "catalogue/watch.h"
#include "webhook/clients.h"
#include "webhook/keypair.h"
#include "webhook/metrics.h"

enum { GT_RELOAD_QUIET_US = 100 * 1000, GT_RELOAD_MOST_US = 2 * 1000 * 1000 };

typedef struct gt_reload {
    const char *what;                         /* "templates", "certificate" */
    void *context;                            /* for the two functions */
    bool (*stirred)(void *context);           /* cheap: is it worth to load? */
    bool (*load)(void *context, gt_err *err); /* false: it stays as it is, for the reason given */
    gt_watch *watch;                          /* owned; NULL: poll only */
    int64_t poll_us, next_poll_us;
    int64_t dirty_since_us, due_us;            /* 0: nothing to do */
    char complaint[sizeof((gt_err *)0)->text]; /* what has been logged */
} gt_reload;

/* Starts watching the directories (at most GT_WATCH_MAX, NULL-terminated; they must outlive it). */
void gt_reload_start(gt_reload *reload, const char *const *directories, int64_t poll_us, int64_t now_us);
void gt_reload_free(gt_reload *reload);

/* The watch has something to say. */
void gt_reload_notice(gt_reload *reload, int64_t now_us);

/* Load at the next run, whatever has changed. */
void gt_reload_force(gt_reload *reload, int64_t now_us);

/* Loads if it is time to; returns when it wants to be run again at the latest. */
int64_t gt_reload_run(gt_reload *reload, int64_t now_us);

/* ---- what there is to reload ---- */

typedef struct gt_reload_templates {
    gt_directory *directory;
    gt_catalogue *catalogue;
    gt_metrics *metrics;
} gt_reload_templates;
/* Sample pods of all agents go through it; false: no pod can be made of some, and it must not be published. GT_ERR_INPUT, GT_ERR_NOMEM. */
bool gt_templates_try(const gt_snapshot *snapshot, gt_err *err);
bool gt_templates_stirred(void *templates);
bool gt_templates_load(void *templates, gt_err *err);

typedef struct gt_reload_clients {
    const char *path;
    gt_clients *clients;
    gt_metrics *metrics;
    gt_keyfiles_state seen, refused; /* as in gt_reload_keys */
} gt_reload_clients;
bool gt_authorities_stirred(void *clients);
bool gt_authorities_load(void *clients, gt_err *err);

typedef struct gt_reload_keys {
    const char *cert_path, *key_path;
    gt_keybox *box;
    gt_metrics *metrics;
    gt_keyfiles_state seen;    /* zero: load at the first look */
    gt_keyfiles_state refused; /* the last ones that were; counted once, however often they are tried */
} gt_reload_keys;
/* gt_keybox_put, with a line in the log. */
void gt_keybox_use(gt_keybox *box, gt_keypair *pair);
bool gt_keys_stirred(void *keys);
bool gt_keys_load(void *keys, gt_err *err);

#endif
