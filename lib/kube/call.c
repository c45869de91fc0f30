#include "lib/kube/call.h"

#include <assert.h>
#include <stdlib.h>

#include "lib/base/clock.h"
#include "lib/kube/transfer.h"

enum { DEFAULT_SILENCE_MS = 150 * 1000 };

struct gt_kube_call {
    gt_kube_client *client;
    gt_transfer transfer;
    gt_kube_handler handler;
    int64_t silence_ms; /* of a stream */
    bool busy;          /* its handler is being told lines */
    bool cancelled;     /* by that handler */
    gt_kube_call *previous, *next;
};

static void link_call(gt_kube_call *call)
{
    gt_kube_client *client = call->client;
    call->previous = client->last;
    *(client->last == NULL ? &client->first : &client->last->next) = call;
    client->last = call;
}

static void unlink_call(gt_kube_call *call)
{
    gt_kube_client *client = call->client;
    if (client->cursor == call)
        client->cursor = call->next;
    *(call->previous == NULL ? &client->first : &call->previous->next) = call->next;
    *(call->next == NULL ? &client->last : &call->next->previous) = call->previous;
}

static void free_call(gt_kube_call *call)
{
    gt_transfer_free(&call->transfer);
    free(call);
}

bool gt_kube_start(gt_kube_client *client, const gt_kube_request *request, const gt_kube_handler *handler,
                   gt_kube_call **call, gt_err *err)
{
    gt_kube_call *c = *call = calloc(1, sizeof **call);
    if (c == NULL)
        return gt_fail(err, GT_ERR_NOMEM, "out of memory");
    c->client = client;
    c->handler = *handler;
    c->silence_ms = request->timeout_ms == 0 ? DEFAULT_SILENCE_MS : request->timeout_ms;
    if (!gt_transfer_init(&c->transfer, client, handler->line != NULL, err) ||
        !gt_transfer_start(&c->transfer, request, err)) {
        free_call(c);
        *call = NULL;
        return false;
    }
    link_call(c);
    return true;
}

int gt_kube_call_status(const gt_kube_call *call)
{
    return gt_transfer_status(&call->transfer);
}

void gt_kube_cancel(gt_kube_call *call)
{
    if (call == NULL)
        return;
    gt_transfer_stop(&call->transfer);
    call->cancelled = true;
    if (call->busy)
        return; /* the line that its handler looks at is here: gt_kube_drive frees it */
    unlink_call(call);
    free_call(call);
}

/* ---- telling ---- */

/* False: the call ends with *err, if it wasn't cancelled. */
static bool hand_lines(gt_kube_call *call, gt_err *err)
{
    gt_transfer *t = &call->transfer;
    size_t at = 0;
    bool more = true;
    t->handing = call->busy = true;
    while (more && !call->cancelled && at < t->whole) {
        const char *start = t->at + at, *end = memchr(start, '\n', t->whole - at);
        gt_str line = {start, (size_t)(end - start)};
        at += line.len + 1;
        if (line.len > t->most)
            more = gt_fail(err, GT_ERR_LIMIT, "the answer has a line of more than %zu bytes", t->most);
        else if (!call->handler.line(call->handler.context, line))
            more = gt_fail(err, GT_ERR_ENV, "ended by us");
    }
    t->handing = call->busy = false;
    if (more && !call->cancelled) {
        memmove(t->at, t->at + at, t->len - at);
        t->len -= at;
        t->whole = 0;
        t->heard_us = gt_clock_mono_us();
        gt_transfer_resume(t);
    }
    return more;
}

typedef struct reading {
    gt_transfer *transfer;
    gt_arena *arena;
    gt_kube_answer *answer;
} reading;

static bool read_answer(void *context, gt_err *err)
{
    reading *r = context;
    return gt_transfer_answer(r->transfer, r->arena, r->answer, err);
}

/* failure: why we end it; NULL: it has come to its own end. */
static void finish(gt_kube_call *call, gt_err *failure)
{
    gt_arena *arena = call->client->arena;
    gt_kube_answer answer = {.status = gt_transfer_status(&call->transfer), .retry_after_ms = -1};
    reading r = {&call->transfer, arena, &answer};
    gt_err err;
    gt_transfer_stop(&call->transfer);
    unlink_call(call);
    if (failure == NULL && !gt_arena_try(arena, read_answer, &r, &err))
        failure = &err;
    call->handler.done(call->handler.context, arena, &answer, failure);
    free_call(call);
    gt_arena_reset(arena);
}

static bool is_silent(const gt_kube_call *call)
{
    return call->transfer.stream && gt_clock_mono_us() - call->transfer.heard_us >= call->silence_ms * 1000;
}

static void tell(gt_kube_call *call)
{
    gt_transfer *t = &call->transfer;
    gt_err err;
    bool ok = t->whole == 0 || hand_lines(call, &err);
    if (call->cancelled) {
        unlink_call(call);
        free_call(call);
        return;
    }
    if (ok && !t->over && is_silent(call))
        ok = gt_fail(&err, GT_ERR_ENV, "%s: silent for %lld s", call->client->config->server,
                     (long long)((call->silence_ms + 999) / 1000));
    if (!ok || t->over)
        finish(call, ok ? NULL : &err);
}

void gt_kube_drive(gt_kube_client *client)
{
    assert(!client->driving);
    client->driving = true;
    gt_transfer_perform(client);
    for (gt_kube_call *call = client->first; call != NULL; call = client->cursor) {
        client->cursor = call->next;
        tell(call);
    }
    client->driving = false;
}

void gt_kube_wait(gt_kube_client *client, int fd, int64_t most_ms)
{
    struct curl_waitfd also = {.fd = fd, .events = CURL_WAIT_POLLIN};
    int64_t most = most_ms < 0 ? 0 : most_ms, now = gt_clock_mono_us();
    for (const gt_kube_call *call = client->first; call != NULL; call = call->next) {
        const gt_transfer *t = &call->transfer;
        int64_t left = (t->heard_us - now) / 1000 + call->silence_ms + 1;
        if (t->over || t->whole > 0 || (t->stream && left < 0))
            most = 0;
        else if (t->stream && left < most)
            most = left;
    }
    curl_multi_poll(client->multi, &also, fd < 0 ? 0 : 1, most > INT32_MAX ? INT32_MAX : (int)most, NULL);
}
