#include "webhook/reload.h"

#include <stdio.h>
#include <string.h>

#include "catalogue/report.h"
#include "injector/trial.h"
#include "lib/base/clock.h"
#include "lib/base/log.h"

void gt_reload_start(gt_reload *reload, const char *const *directories, int64_t poll_us, int64_t now_us)
{
    reload->watch = gt_watch_new();
    for (; reload->watch != NULL && *directories != NULL; directories++)
        gt_watch_add(reload->watch, *directories);
    if (reload->watch == NULL || gt_watch_fd(reload->watch) < 0)
        gt_log(GT_LOG_WARN, "no inotify: looking for changes from time to time only", GT_F("what", reload->what));
    reload->poll_us = poll_us;
    reload->next_poll_us = now_us; /* something may have changed between the first load and the watch */
}

void gt_reload_free(gt_reload *reload)
{
    gt_watch_free(reload->watch);
    reload->watch = NULL;
}

static void mark(gt_reload *reload, int64_t now_us)
{
    if (reload->due_us == 0)
        reload->dirty_since_us = now_us;
    int64_t most = reload->dirty_since_us + GT_RELOAD_MOST_US;
    reload->due_us = now_us + GT_RELOAD_QUIET_US < most ? now_us + GT_RELOAD_QUIET_US : most;
}

void gt_reload_notice(gt_reload *reload, int64_t now_us)
{
    if (reload->watch != NULL && gt_watch_drain(reload->watch))
        mark(reload, now_us);
}

void gt_reload_force(gt_reload *reload, int64_t now_us)
{
    reload->due_us = now_us;
}

static void load(gt_reload *reload)
{
    gt_err err;
    reload->due_us = 0;
    if (reload->load(reload->context, &err)) {
        if (reload->complaint[0] != '\0')
            gt_log(GT_LOG_INFO, "can be read again", GT_F("what", reload->what));
        reload->complaint[0] = '\0';
    } else if (strcmp(reload->complaint, err.text) != 0) {
        memcpy(reload->complaint, err.text, sizeof err.text);
        gt_log(GT_LOG_ERROR, "refused; what was there before stays", GT_F("what", reload->what),
               GT_F("error", err.text));
    }
}

int64_t gt_reload_run(gt_reload *reload, int64_t now_us)
{
    if (now_us >= reload->next_poll_us) {
        reload->next_poll_us = now_us + reload->poll_us;
        bool renewed = reload->watch != NULL && gt_watch_renew(reload->watch);
        if (reload->due_us == 0 && (renewed || reload->stirred(reload->context)))
            reload->due_us = now_us;
    }
    if (reload->due_us != 0 && now_us >= reload->due_us)
        load(reload);
    return reload->due_us != 0 && reload->due_us < reload->next_poll_us ? reload->due_us : reload->next_poll_us;
}

/* ---- templates ---- */

bool gt_templates_stirred(void *context)
{
    gt_reload_templates *t = context;
    return gt_directory_stirred(t->directory);
}

typedef struct trying {
    gt_arena *arena;
    const gt_snapshot *snapshot;
} trying;

static bool try_pods(void *context, gt_err *err)
{
    trying *t = context;
    gt_trial_report report;
    if (!gt_trial(t->arena, t->snapshot, NULL, &report, err))
        return false;
    for (const gt_trial_note *n = report.notes; n != NULL; n = n->next) {
        if (n->outcome == GT_TRIAL_FAILED)
            return gt_fail(err, GT_ERR_INPUT, "%s", gt_trial_text(t->arena, n).at);
        if (n->outcome == GT_TRIAL_DENIED)
            gt_log(GT_LOG_WARN, "templates deny their own pods", GT_FS("problem", gt_trial_text(t->arena, n)));
    }
    return true;
}

bool gt_templates_try(const gt_snapshot *snapshot, gt_err *err)
{
    gt_scoped(gt_arena_cleanup) gt_arena *arena = gt_arena_new(0);
    trying t = {.arena = arena, .snapshot = snapshot};
    return arena == NULL ? gt_fail(err, GT_ERR_NOMEM, "out of memory") : gt_arena_try(arena, try_pods, &t, err);
}

bool gt_templates_load(void *context, gt_err *err)
{
    gt_reload_templates *t = context;
    gt_directory_report report;
    if (!gt_directory_load(t->directory, &report, err)) {
        gt_counter_add(&t->metrics->loads_failed, 1);
        return false;
    }
    if (report.snapshot != NULL && !gt_templates_try(report.snapshot, err)) {
        gt_counter_add(&t->metrics->trials_failed, 1);
        gt_snapshot_free(report.snapshot);
        return false;
    }
    if (report.snapshot != NULL) {
        gt_directory_log(&report);
        gt_catalogue_publish(t->catalogue, report.snapshot, report.rejected, gt_clock_mono_us() / 1000);
        gt_log(GT_LOG_INFO, "published", GT_FI("generation", gt_catalogue_now(t->catalogue).generation));
    }
    return true;
}

/* ---- certificate ---- */

bool gt_keys_stirred(void *context)
{
    gt_reload_keys *k = context;
    gt_keyfiles_state now;
    gt_keyfiles_look(k->cert_path, k->key_path, &now);
    return !gt_keyfiles_equal(&now, &k->seen);
}

/* What is refused may become valid, or readable, without a change: so it's looked at again, but counted once. */
static void note_load(bool good, const gt_keyfiles_state *now, gt_keyfiles_state *seen, gt_keyfiles_state *refused,
                      gt_counter *counter)
{
    if (!good && !gt_keyfiles_equal(now, refused))
        gt_counter_add(counter, 1);
    const gt_keyfiles_state none = {0};
    *seen = good ? *now : none;
    *refused = good ? none : *now;
}

void gt_keybox_use(gt_keybox *box, gt_keypair *pair)
{
    char until[32];
    const gt_keypair_facts *facts = gt_keypair_about(pair);
    gt_keypair_time(facts->not_after, until);
    gt_log(GT_LOG_INFO, "certificate loaded", GT_F("subject", facts->subject), GT_F("sha256", facts->fingerprint),
           GT_F("not_after", until));
    gt_keybox_put(box, pair);
}

bool gt_keys_load(void *context, gt_err *err)
{
    gt_reload_keys *k = context;
    gt_keyfiles_state now;
    gt_keyfiles_look(k->cert_path, k->key_path, &now); /* before reading: what changes meanwhile is seen next time */
    gt_keypair *pair;
    bool good = gt_keypair_load(k->cert_path, k->key_path, gt_clock_wall_ms() / 1000, &pair, err);
    note_load(good, &now, &k->seen, &k->refused, &k->metrics->certificates_refused);
    if (!good)
        return false;
    if (gt_keybox_holds(k->box, pair)) {
        gt_keypair_free(pair);
        return true;
    }
    gt_keybox_use(k->box, pair);
    return true;
}

/* ---- clients' authorities ---- */

bool gt_authorities_stirred(void *context)
{
    gt_reload_clients *c = context;
    gt_keyfiles_state now;
    gt_keyfiles_look(c->path, c->path, &now);
    return !gt_keyfiles_equal(&now, &c->seen);
}

bool gt_authorities_load(void *context, gt_err *err)
{
    gt_reload_clients *c = context;
    gt_scoped(gt_keyfile_free) gnutls_datum_t text = {0};
    gt_keyfiles_state now;
    gt_keyfiles_look(c->path, c->path, &now);
    bool good =
        gt_keyfile_read(c->path, &text, err) && gt_clients_put(c->clients, (gt_str){(const char *)text.data, text.size},
                                                               c->path, gt_clock_wall_ms() / 1000, err);
    note_load(good, &now, &c->seen, &c->refused, &c->metrics->authorities_refused);
    if (good)
        gt_log(GT_LOG_INFO, "authorities of clients loaded", GT_F("file", c->path));
    return good;
}
