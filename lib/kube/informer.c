/* What comes next is decided in gt_informer_run alone, where the time is known; handlers of calls only note how a call went. */
#include "lib/kube/informer.h"

#include <stdio.h>
#include <stdlib.h>

#include "lib/kube/backoff.h"
#include "lib/kube/transfer.h"

enum {
    FIRST_US = 200 * 1000,
    MOST_US = 10 * 1000 * 1000,
    LIVED_US =
        1000 * 1000, /* a watch that ends sooner and brought nothing is a failure, whatever it says: it must not spin */
    PAGE = 250,
    PAGE_TIMEOUT_MS = 60 * 1000,
    /* Bookmarks come every minute, but only once something has happened since the version that the watch began with: of a quiet kind the server says
     * nothing until the watch's time is over. So that time is short, and silence beyond it means that nobody is there. */
    WATCH_S = 120,
    WATCH_JITTER_S = 30,
    SILENCE_MS = 170 * 1000,
    RESTARTS = 2,
    VERSION_MAX = 127,
    TOKEN_MAX = 16 * 1024,
    GONE = 410,
    SLOW_DOWN = 429,
};

typedef enum step { LIST, PAGE_ON, WATCH } step; /* PAGE_ON: another page of a listing */

struct gt_informer {
    gt_informer_config config;
    gt_arena *arena; /* of a path, or of an event */
    gt_kube_call *call;
    step step; /* what is on its way, or comes next */
    int64_t page, due_us, started_us;
    char version[VERSION_MAX + 1];
    char *token; /* of the next page */
    unsigned restarts;
    bool fresh;    /* the version is a listing's, and no watch from it has lived yet */
    bool heard;    /* since the last run */
    bool watching; /* the call is, or was, a watch */
    bool eventful; /* and it has brought something */
    gt_kube_backoff backoff;
    struct {
        bool over, failed;
        bool expired; /* the version, which is no failure of a version that has been good */
        int64_t retry_after_ms;
    } end;        /* of the call, until the next run */
    gt_err fault; /* of a line */
    char problem[sizeof((gt_err){0}.text)];
    uint64_t lists, watches, failures;
    int64_t heard_us;
    bool synced;
};

gt_informer *gt_informer_new(const gt_informer_config *config)
{
    gt_informer *informer = calloc(1, sizeof *informer);
    gt_arena *arena = gt_arena_new(0);
    if (informer == NULL || arena == NULL) {
        free(informer);
        gt_arena_free(arena);
        return NULL;
    }
    informer->config = *config;
    informer->arena = arena;
    informer->page = config->page == 0 ? PAGE : config->page;
    informer->backoff = (gt_kube_backoff){.first_us = FIRST_US, .most_us = MOST_US, .seed = config->seed};
    return informer;
}

void gt_informer_free(gt_informer *informer)
{
    if (informer == NULL)
        return;
    gt_kube_cancel(informer->call);
    gt_arena_free(informer->arena);
    free(informer->token);
    free(informer);
}

/* ---- how a call went ---- */

static void end_call(gt_informer *informer, step next, bool failed, int64_t retry_after_ms)
{
    informer->call = NULL;
    informer->step = next;
    informer->end.over = true;
    informer->end.failed = failed;
    informer->end.expired = false;
    informer->end.retry_after_ms = retry_after_ms;
}

/* That it isn't so yet what it should be. err may be NULL: nothing is wrong. */
static void note(gt_informer *informer, const char *what, const gt_err *err)
{
    informer->problem[0] = '\0';
    if (err != NULL)
        snprintf(informer->problem, sizeof informer->problem, "%s %s: %.900s", what, informer->config.kind->plural,
                 err->text);
}

static bool keep_version(gt_informer *informer, gt_str version, gt_err *err)
{
    if (version.len == 0 || version.len > VERSION_MAX)
        return gt_fail(err, GT_ERR_ENV, "a resourceVersion of %zu bytes", version.len);
    memcpy(informer->version, version.at, version.len);
    informer->version[version.len] = '\0';
    return true;
}

/* ---- the listing ---- */

static bool keep_token(gt_informer *informer, gt_str token, gt_err *err)
{
    free(informer->token);
    informer->token = NULL;
    if (token.len == 0)
        return true;
    if (token.len > TOKEN_MAX)
        return gt_fail(err, GT_ERR_ENV, "a continue token of %zu bytes", token.len);
    informer->token = strndup(token.at, token.len);
    return informer->token != NULL || gt_fail(err, GT_ERR_NOMEM, "out of memory");
}

/* The first page's version is the listing's: what a later page shows newer than that comes again, by the watch. */
static bool take_page(gt_informer *informer, gt_view answer, gt_err *err)
{
    gt_kube_page page;
    if (!gt_kube_read_page(answer, &page, err))
        return false;
    if (informer->step == LIST && !keep_version(informer, page.version, err))
        return false;
    if (!keep_token(informer, page.next, err))
        return false;
    if (informer->config.object != NULL)
        GT_VIEW_EACH (object, page.items)
            informer->config.object(informer->config.context, object);
    return true;
}

static void page_failed(gt_informer *informer, const gt_kube_answer *answer, const gt_err *err)
{
    bool expired = answer->status == GONE && informer->step == PAGE_ON && informer->restarts++ < RESTARTS;
    if (err->kind == GT_ERR_LIMIT && informer->page > 1)
        informer->page /= 2;
    note(informer, "listing", err);
    end_call(informer, LIST, !expired, answer->retry_after_ms);
}

static void page_done(void *context, gt_arena *arena, const gt_kube_answer *answer, const gt_err *failure)
{
    gt_informer *informer = context;
    gt_err err;
    (void)arena;
    informer->heard = informer->heard || answer->status != 0;
    if (failure != NULL || !take_page(informer, answer->object, &err)) {
        page_failed(informer, answer, failure != NULL ? failure : &err);
        return;
    }
    end_call(informer, informer->token != NULL ? PAGE_ON : WATCH, false, -1);
    if (informer->token != NULL)
        return;
    informer->restarts = 0;
    informer->synced = informer->fresh = true;
    note(informer, NULL, NULL);
    if (informer->config.synced != NULL)
        informer->config.synced(informer->config.context);
}

/* ---- the watch ---- */

typedef struct event {
    gt_informer *informer;
    gt_str line, type, version;
    gt_view object;
    int64_t retry_after_ms;
} event;

static bool error_event(event *e, gt_err *err)
{
    gt_str reason, message;
    int64_t code, seconds;
    if (!gt_view_is(gt_view_get(e->object, "kind"), "Status") || !gt_view_int(gt_view_get(e->object, "code"), &code) ||
        code < 0 || code > 999)
        return gt_fail(err, GT_ERR_ENV, "an ERROR event without a Status");
    if (gt_view_int(gt_view_get(gt_view_get(e->object, "details"), "retryAfterSeconds"), &seconds) && seconds > 0)
        e->retry_after_ms = (seconds > 3600 ? 3600 : seconds) * 1000;
    return gt_status_fail(e->informer->arena, e->object, (int)code, &reason, &message, err);
}

/* Below gt_arena_try: handlers are told later. */
static bool read_event(void *context, gt_err *err)
{
    event *e = context;
    gt_view all;
    if (!gt_view_parse(e->informer->arena, e->line, 0, &all, err))
        return gt_wrap(err, "an event that isn't JSON");
    e->type = gt_view_str(gt_view_get(all, "type"));
    e->object = gt_view_get(all, "object");
    if (gt_str_is(e->type, "ERROR"))
        return error_event(e, err);
    if (!gt_str_is(e->type, "ADDED") && !gt_str_is(e->type, "MODIFIED") && !gt_str_is(e->type, "DELETED") &&
        !gt_str_is(e->type, "BOOKMARK"))
        return gt_fail(err, GT_ERR_ENV, "an event of no type that there is: \"%.*s\"",
                       (int)(e->type.len < 40 ? e->type.len : 40), e->type.at == NULL ? "" : e->type.at);
    e->version = gt_view_str(gt_view_get(gt_view_get(e->object, "metadata"), "resourceVersion"));
    return e->version.len > 0 || gt_fail(err, GT_ERR_ENV, "an event without a resourceVersion");
}

static bool watch_line(void *context, gt_str line)
{
    gt_informer *informer = context;
    const gt_informer_config *config = &informer->config;
    event e = {.informer = informer, .line = line, .retry_after_ms = -1};
    gt_arena_reset(informer->arena);
    informer->heard = true;
    if (!gt_arena_try(informer->arena, read_event, &e, &informer->fault)) {
        informer->end.retry_after_ms = e.retry_after_ms;
        return false;
    }
    if (gt_str_is(e.type, "DELETED")) {
        if (config->gone != NULL)
            config->gone(config->context, e.object);
    } else if (!gt_str_is(e.type, "BOOKMARK") && config->object != NULL) {
        config->object(config->context, e.object);
    }
    informer->eventful = true;
    return keep_version(informer, e.version, &informer->fault);
}

/* What the server says about the watch itself, by status, by an ERROR event or by a line that is no event, ends what we know: list again, as
 * client-go does. An expired version is in order, once; a stream that broke, or an overloaded server, goes on from the last version. */
static void watch_failed(gt_informer *informer, const gt_kube_answer *answer, const gt_err *err, bool by_us)
{
    bool from_server = by_us || answer->status >= 300;
    bool anew = from_server && err->code != SLOW_DOWN;
    note(informer, "watching", err);
    end_call(informer, anew ? LIST : WATCH, true, by_us ? informer->end.retry_after_ms : answer->retry_after_ms);
    informer->end.expired = from_server && err->code == GONE;
}

static void watch_done(void *context, gt_arena *arena, const gt_kube_answer *answer, const gt_err *failure)
{
    gt_informer *informer = context;
    (void)arena;
    informer->heard = informer->heard || answer->status != 0;
    if (informer->fault.kind != GT_ERR_NONE)
        watch_failed(informer, answer, &informer->fault, true);
    else if (failure != NULL)
        watch_failed(informer, answer, failure, false);
    else
        end_call(informer, WATCH, false, -1);
}

/* ---- what comes next ---- */

typedef struct asking {
    gt_informer *informer;
    char *path;
} asking;

static bool write_path(void *context, gt_err *err)
{
    asking *a = context;
    gt_informer *informer = a->informer;
    const gt_informer_config *config = &informer->config;
    char number[24];
    gt_buf path;
    (void)err;
    gt_buf_init(&path, informer->arena, 512);
    gt_buf_text(&path, gt_kube_path(informer->arena, config->kind, config->ns, NULL));
    if (informer->watching) {
        int64_t seconds = WATCH_S + gt_kube_backoff_jitter(&informer->backoff, WATCH_JITTER_S);
        snprintf(number, sizeof number, "%lld", (long long)seconds);
        gt_kube_add_query(&path, "watch", "1");
        gt_kube_add_query(&path, "allowWatchBookmarks", "true");
        gt_kube_add_query(&path, "resourceVersion", informer->version);
        gt_kube_add_query(&path, "timeoutSeconds", number);
    } else {
        snprintf(number, sizeof number, "%lld", (long long)informer->page);
        gt_kube_add_query(&path, "limit", number);
        gt_kube_add_query(&path, "continue", informer->token);
    }
    gt_kube_add_query(&path, "labelSelector", config->labels);
    gt_kube_add_query(&path, "fieldSelector", config->fields);
    a->path = path.at;
    return true;
}

static bool ask(gt_informer *informer, gt_err *err)
{
    const bool watching = informer->watching;
    const gt_kube_handler handler = {informer, watching ? watch_done : page_done, watching ? watch_line : NULL};
    asking a = {.informer = informer};
    gt_arena_reset(informer->arena);
    if (!gt_arena_try(informer->arena, write_path, &a, err))
        return false;
    gt_kube_request request = {.method = "GET", .path = a.path, .timeout_ms = watching ? SILENCE_MS : PAGE_TIMEOUT_MS};
    return gt_kube_start(informer->config.client, &request, &handler, &informer->call, err);
}

static void start(gt_informer *informer, int64_t now_us)
{
    gt_err err;
    informer->fault.kind = GT_ERR_NONE;
    informer->eventful = false;
    informer->watching = informer->step == WATCH;
    informer->started_us = now_us;
    if (informer->step == LIST) {
        free(informer->token);
        informer->token = NULL;
        if (informer->config.began != NULL)
            informer->config.began(informer->config.context);
    }
    informer->watches += informer->step == WATCH;
    informer->lists += informer->step == LIST;
    if (ask(informer, &err))
        return;
    note(informer, "asking for", &err);
    end_call(informer, informer->step, true, -1);
}

/* How long to wait after the call that is over. */
static void settle(gt_informer *informer, int64_t now_us)
{
    const bool watched = informer->watching;
    const int64_t age = now_us - informer->started_us;
    const bool lived = watched && (informer->eventful || age >= LIVED_US);
    informer->end.over = false;
    informer->due_us = now_us;
    if (lived) {
        gt_kube_backoff_reset(&informer->backoff);
        informer->fresh = false;
    } else if (watched && !informer->end.failed && informer->step == WATCH) {
        informer->end.failed = true;
        note(informer, "watching", &(gt_err){.text = "the server ended the watch at once, without an event"});
    }
    if (informer->end.expired && !informer->fresh)
        informer->end.failed = false;
    if (informer->end.failed) {
        informer->failures++;
        informer->due_us += gt_kube_backoff_fail(&informer->backoff, informer->end.retry_after_ms);
    } else if (watched && age < FIRST_US) {
        informer->due_us += FIRST_US - age; /* however much it brings: five watches a second are enough */
    }
}

int64_t gt_informer_run(gt_informer *informer, int64_t now_us)
{
    if (informer->heard)
        informer->heard_us = now_us;
    informer->heard = false;
    if (informer->end.over)
        settle(informer, now_us);
    if (informer->call == NULL && informer->due_us <= now_us)
        start(informer, now_us);
    if (informer->end.over)
        settle(informer, now_us); /* it couldn't even be asked */
    return informer->call != NULL ? INT64_MAX : informer->due_us;
}

gt_informer_state gt_informer_now(const gt_informer *informer)
{
    bool following = informer->call != NULL && informer->step == WATCH && gt_kube_call_status(informer->call) == 200;
    return (gt_informer_state){.synced = informer->synced,
                               .following = following,
                               .heard_us = informer->heard_us,
                               .lists = informer->lists,
                               .watches = informer->watches,
                               .failures = informer->failures,
                               .problem = following ? "" : informer->problem};
}
