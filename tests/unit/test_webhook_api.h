/* What the tests of claims and status share: an API server that takes whatever it's asked, or refuses it, and counts; pods and snapshots. */
#ifndef GT_TESTS_UNIT_TEST_WEBHOOK_API_H
#define GT_TESTS_UNIT_TEST_WEBHOOK_API_H

#include <stdio.h>

#include "injector/identity.h"
#include "lib/base/clock.h"
#include "lib/kube/call.h"
#include "tests/unit/test_injector_support.h"
#include "tests/unit/test_kube_server.h"
#include "webhook/pods.h"

/* Answers by kind of request; the object comes back as it was sent. */
typedef struct api {
    server server;
    gt_kube_config config;
    gt_kube_client *client;
    gt_arena *arena;
    char url[64];
    atomic_int creates, patches, applies, events;
    _Atomic(const char *) refusal; /* status line and Status body of the answer to all but Events; NULL: they succeed */
    gt_err err;
} api;

static inline void api_reply(void *context, const char *request, char *answer, size_t size)
{
    api *a = context;
    const char *body = strstr(request, "\r\n\r\n") + 4, *refusal = atomic_load(&a->refusal);
    bool event = strstr(request, "/events") != NULL, status = strstr(request, "/status?") != NULL;
    atomic_int *count = event                              ? &a->events
                        : status                           ? &a->applies
                        : strncmp(request, "POST", 4) == 0 ? &a->creates
                                                           : &a->patches;
    atomic_fetch_add(count, 1);
    if (refusal != NULL && !event) {
        snprintf(answer, size, "HTTP/1.1 %.*s\r\nContent-Type: application/json\r\nContent-Length: %zu\r\n\r\n%s",
                 (int)strcspn(refusal, "\n"), refusal, strlen(strchr(refusal, '\n') + 1), strchr(refusal, '\n') + 1);
        return;
    }
    if (strncmp(request, "POST", 4) != 0)
        body = "{}";
    snprintf(answer, size, "HTTP/1.1 201 Created\r\nContent-Type: application/json\r\nContent-Length: %zu\r\n\r\n%s",
             strlen(body), body);
}

#define REFUSAL(code, reason, message)                                                                                 \
    code " " reason "\n{\"kind\":\"Status\",\"apiVersion\":\"v1\",\"status\":\"Failure\",\"message\":\"" message       \
         "\",\"reason\":\"" reason "\",\"code\":" code "}"

static inline void api_start(api *a)
{
    server_start_reply(&a->server, api_reply, a);
    snprintf(a->url, sizeof a->url, "http://127.0.0.1:%d", a->server.port);
    a->config = (gt_kube_config){.origin = "test", .server = a->url};
    a->arena = gt_arena_new(0);
    cr_assert(gt_kube_client_new(&a->config, "test/1", &a->client, &a->err), "%s", a->err.text);
}

static inline void api_stop(api *a)
{
    gt_kube_client_free(a->client);
    server_stop(&a->server);
    gt_arena_free(a->arena);
}

/* The i-th request that has this in it, from 0; "" when it isn't among the first. */
static inline const char *api_asked(const api *a, const char *part, int i)
{
    for (size_t n = 0; n < COUNT(a->server.asked); n++)
        if (strstr(a->server.asked[n], part) != NULL && i-- == 0)
            return a->server.asked[n];
    return "";
}

/* A pod of crew `agent` in gastown, as the API server would have it; annotations: members of them, besides
 * a hash, which it has of old templates unless they say another. */
static inline gt_view crew_pod(gt_arena *arena, const char *agent, const char *annotations, const char *phase)
{
    bool own_hash = strstr(annotations, GT_ANNOTATION_HASH) != NULL;
    const char *hash = own_hash ? "" : "'" GT_ANNOTATION_HASH "':'0123456789abcdef'";
    const char *more = own_hash || annotations[0] == '\0' ? "" : ",";
    return view_of(arena, gt_arena_printf(
                              arena,
                              "{'metadata':{'name':'gt-gastown-crew-%s','namespace':'gastown','uid':'uid-%s','labels':{"
                              "'gastown.io/rig':'gastown','gastown.io/role':'crew','gastown.io/agent':'%s'},"
                              "'annotations':{%s%s%s}},'spec':{'containers':[{'name':'agent','image':'a:1'}],"
                              "'volumes':[{'name':'workspace','persistentVolumeClaim':{'claimName':"
                              "'gt-gastown-crew-%s-workspace'}}]},'status':{'phase':'%s'}}",
                              agent, agent, agent, annotations, more, hash, agent, phase));
}

#endif
