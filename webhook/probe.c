#include "webhook/probe.h"

#include <stdlib.h>
#include <string.h>

#include "lib/base/clock.h"

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

gt_str gt_probe_unready(gt_arena *arena, const gt_probe *probe, int64_t now_ms)
{
    gt_buf buf;
    gt_buf_init(&buf, arena, 128);
    if (atomic_load(probe->draining))
        gt_buf_text(&buf, "about to stop\n");
    if (gt_catalogue_now(probe->catalogue).generation == 0)
        say_unloaded(&buf, probe->link);
    if (!gt_keybox_valid(probe->keys, now_ms / 1000))
        gt_buf_text(&buf, "the certificate isn't valid now\n");
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

static bool write_metrics(void *context, gt_err *err)
{
    (void)err;
    job *j = context;
    gt_probe *p = j->probe;
    int64_t now_ms = gt_clock_wall_ms();
    gt_catalogue_state state = gt_catalogue_now(p->catalogue);
    gt_keypair_facts facts = {0};
    gt_keybox_facts(p->keys, &facts);
    gt_http *server = atomic_load(&p->server);
    gt_link_state link = {0};
    if (p->link != NULL)
        gt_link_now(p->link, &link);
    const gt_gauges gauges = {
        .ready = gt_probe_unready(j->arena, p, now_ms).len == 0,
        .connections = server == NULL ? 0 : (int64_t)gt_peers_count(gt_http_peers(server)),
        .reaped = server == NULL ? 0 : (int64_t)gt_peers_reaped(gt_http_peers(server)),
        .body_bytes = (int64_t)gt_admission_body_bytes(p->admission),
        .generation = (int64_t)state.generation,
        .age_seconds = state.generation == 0 ? 0 : (now_ms - state.published_ms) / 1000,
        .objects = (int64_t)state.objects,
        .rejected_objects = (int64_t)state.rejected,
        .heard_seconds = link.heard_us == 0 ? -1 : (gt_clock_mono_us() - link.heard_us) / 1000000,
        .leader = link.leading,
        .pods = link.pods,
        .drifted = link.drifted,
        .mismatched = link.mismatched,
        .certificate_expiry = facts.not_after,
    };
    gt_buf buf;
    gt_buf_init(&buf, j->arena, 8192);
    gt_metrics_print(&buf, p->metrics, &gauges);
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
