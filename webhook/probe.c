#include "webhook/probe.h"

#include <stdlib.h>
#include <string.h>

#include "lib/base/clock.h"
#include "lib/base/log.h"

typedef struct job {
    gt_arena *arena;
    gt_probe *probe;
    int status;
    gt_str text;
} job;

static void say_unloaded(gt_buf *buf, gt_link *link)
{
    gt_link_state state = {0};
    if (link != NULL)
        gt_link_now(link, &state);
    if (link == NULL)
        gt_buf_text(buf, "no templates loaded\n");
    else
        gt_buf_printf(buf, "templates aren't listed yet%s%s\n", state.problem[0] != '\0' ? ": " : "", state.problem);
}

static void say_invalid(gt_buf *buf, const gt_keypair_facts *facts, int64_t now_s, const char *more)
{
    char when[32];
    bool early = now_s < facts->not_before;
    gt_keypair_time(early ? facts->not_before : facts->not_after, when);
    gt_buf_printf(buf, "the certificate isn't valid now: it %s %s%s%s; put a valid one in its place\n",
                  early ? "isn't before" : "expired on", when, more[0] != '\0' ? ": " : "", more);
}

gt_str gt_probe_unready(gt_arena *arena, const gt_probe *probe, int64_t now_ms)
{
    gt_buf buf;
    gt_buf_init(&buf, arena, 128);
    if (atomic_load(probe->draining))
        gt_buf_text(&buf, "about to stop\n");
    if (gt_catalogue_now(probe->catalogue).generation == 0)
        say_unloaded(&buf, probe->link);
    gt_link_state link = {0};
    if (probe->link != NULL)
        gt_link_now(probe->link, &link);
    gt_keypair_facts facts;
    if (!gt_keybox_facts(probe->keys, &facts))
        gt_buf_printf(&buf, "there is no certificate yet%s%s\n", link.credentials.missing[0] != '\0' ? ": " : "",
                      link.credentials.missing);
    else if (!gt_keypair_is_valid(&facts, now_ms / 1000))
        say_invalid(&buf, &facts, now_ms / 1000, link.credentials.missing);
    else
        gt_buf_text(&buf, link.credentials.untrusted);
    return gt_buf_slice(&buf);
}

static bool write_health(void *context, gt_err *err)
{
    (void)err;
    job *j = context;
    j->status = 200;
    j->text = GT_STR("ok\n");
    return true;
}

static bool write_ready(void *context, gt_err *err)
{
    (void)err;
    job *j = context;
    j->text = gt_probe_unready(j->arena, j->probe, gt_clock_wall_ms());
    j->status = j->text.len == 0 ? 200 : 503;
    if (j->status == 200)
        j->text = GT_STR("ok\n");
    return true;
}

/* What isn't known, because nobody has looked yet, or there's nobody to ask, is left out. */
static void read_link(const gt_probe *p, gt_readings *readings)
{
    gt_link_state link = {.credentials.authority_not_after = GT_METRIC_NONE};
    for (size_t i = 0; i < GT_ENTRY_COUNT; i++)
        link.credentials.trusted[i] = link.credentials.unknown[i] = GT_METRIC_NONE;
    if (p->link != NULL)
        gt_link_now(p->link, &link);
    readings->heard_seconds = link.heard_us == 0 ? -1 : (gt_clock_mono_us() - link.heard_us) / 1000000;
    readings->leader = link.leading;
    readings->pods = link.pods;
    readings->drifted = link.drifted;
    readings->mismatched = link.mismatched;
    readings->authority_expiry = link.credentials.authority_not_after;
    memcpy(readings->trusted, link.credentials.trusted, sizeof readings->trusted);
    memcpy(readings->unknown, link.credentials.unknown, sizeof readings->unknown);
}

static bool write_metrics(void *context, gt_err *err)
{
    (void)err;
    job *j = context;
    gt_probe *p = j->probe;
    int64_t now_ms = gt_clock_wall_ms();
    gt_catalogue_state state = gt_catalogue_now(p->catalogue);
    gt_keypair_facts facts;
    bool certified = gt_keybox_facts(p->keys, &facts);
    gt_http *server = atomic_load(&p->server);
    gt_readings readings = {
        .ready = gt_probe_unready(j->arena, p, now_ms).len == 0,
        .connections = server == NULL ? 0 : (int64_t)gt_peers_count(gt_http_peers(server)),
        .reaped = server == NULL ? 0 : (int64_t)gt_peers_reaped(gt_http_peers(server)),
        .handshakes_failed = server == NULL ? 0 : (int64_t)gt_http_handshakes_failed(server),
        .body_bytes = (int64_t)gt_admission_body_bytes(p->admission),
        .review_bytes = (int64_t)gt_admission_review_bytes(p->admission),
        .log_dropped = (int64_t)gt_log_dropped(),
        .generation = (int64_t)state.generation,
        .age_seconds = state.generation == 0 ? 0 : (gt_clock_mono_us() / 1000 - state.published_ms) / 1000,
        .objects = (int64_t)state.objects,
        .rejected_objects = (int64_t)state.rejected,
        .certificate_not_before = certified ? facts.not_before : GT_METRIC_NONE,
        .certificate_expiry = certified ? facts.not_after : GT_METRIC_NONE,
    };
    read_link(p, &readings);
    gt_buf buf;
    gt_buf_init(&buf, j->arena, 32 * 1024);
    gt_metrics_print(&buf, p->metrics, &readings);
    j->text = gt_buf_slice(&buf);
    j->status = 200;
    return true;
}

static const struct route {
    const char *path;
    bool (*write)(void *context, gt_err *err);
} routes[] = {
    {"/healthz", write_health},
    {"/livez", write_health},
    {"/readyz", write_ready},
    {"/metrics", write_metrics},
};

static const struct route *find_route(const char *path)
{
    for (size_t i = 0; i < sizeof routes / sizeof *routes; i++)
        if (strcmp(path, routes[i].path) == 0)
            return &routes[i];
    return NULL;
}

static enum MHD_Result answer(gt_probe *probe, const gt_http_head *head)
{
    const struct route *route = find_route(head->path);
    bool reads = strcmp(head->method, MHD_HTTP_METHOD_GET) == 0 || strcmp(head->method, MHD_HTTP_METHOD_HEAD) == 0;
    gt_scoped(gt_arena_cleanup) gt_arena *arena = gt_arena_new(0);
    job j = {.arena = arena, .probe = probe};
    gt_err err;
    gt_answer a = {.type = "text/plain; version=0.0.4; charset=utf-8", .close = atomic_load(probe->draining)};
    if (route == NULL) {
        j.status = 404;
        j.text = GT_STR("there are /healthz, /readyz and /metrics\n");
    } else if (!reads) {
        j.status = 405;
        j.text = GT_STR("GET or HEAD\n");
        a.allow = "GET, HEAD";
    } else if (arena == NULL || !gt_arena_try(arena, route->write, &j, &err)) {
        j.status = 500;
        j.text = GT_STR("out of memory\n");
    }
    a.status = j.status;
    a.body = j.text.at;
    a.len = j.text.len;
    return gt_http_answer(head->connection, &a);
}

/* A request's context says whether its headers were seen already. */
static void *begin(void *context, gt_peer *peer)
{
    (void)context;
    (void)peer;
    return calloc(1, sizeof(bool));
}

static void end(void *context, void *seen)
{
    (void)context;
    free(seen);
}

static enum MHD_Result handle(void *context, void *request, const gt_http_head *head, const char *body,
                              size_t *body_size)
{
    (void)body;
    bool *seen = request;
    if (*body_size > 0) {
        *body_size = 0;
        return MHD_NO; /* nobody sends a probe a body */
    }
    if (*seen)
        return answer(context, head);
    *seen = true;
    return MHD_YES;
}

gt_http_service gt_probe_service(gt_probe *probe)
{
    return (gt_http_service){.context = probe, .begin = begin, .handle = handle, .end = end};
}
