/* An API server for the tests of who keeps certificates: it holds the Secret and the two configurations, takes what is written to them by the rules (a
 * version that isn't the current one is a conflict), and tells whoever watches. */
#ifndef GT_TESTS_UNIT_TEST_CERTS_API_H
#define GT_TESTS_UNIT_TEST_CERTS_API_H

#include <stdio.h>
#include <stdlib.h>

#include "certs/entries.h"
#include "lib/base/hash.h"
#include "lib/json/view.h"
#include "lib/base/clock.h"
#include "lib/kube/client.h"
#include "tests/unit/test_kube_server.h"

enum { CERTS_PARTS = 8, CERTS_PART_MAX = 8192 };
static const char *const certs_parts[CERTS_PARTS] = {"tls.crt",       "tls.key",  "ca.crt",   "authority.crt",
                                                     "authority.key", "next.crt", "next.key", "previous.crt"};

typedef struct certs_api {
    server server;
    gt_kube_config config;
    gt_kube_client *client;
    char url[64];
    pthread_mutex_t lock; /* of what follows */
    bool exists;
    char parts[CERTS_PARTS][CERTS_PART_MAX], renew[16]; /* base64 */
    char bundles[GT_ENTRY_COUNT][CERTS_PART_MAX];
    int version, writes, publishes, conflicts, asked_renew;
    const char *refusal; /* "403 Forbidden": of all that writes */
    gt_err err;
} certs_api;

static inline void certs_say(char *answer, size_t size, const char *status, const char *body)
{
    snprintf(answer, size, "HTTP/1.1 %s\r\nContent-Type: application/json\r\nContent-Length: %zu\r\n\r\n%s", status,
             strlen(body), body);
}

static inline void certs_refuse(char *answer, size_t size, const char *status, const char *reason)
{
    char body[300];
    snprintf(body, sizeof body,
             "{\"kind\":\"Status\",\"apiVersion\":\"v1\",\"status\":\"Failure\",\"message\":\"told so\",\"reason\":"
             "\"%s\",\"code\":%d}",
             reason, (int)strtol(status, NULL, 10));
    certs_say(answer, size, status, body);
}

static inline void certs_secret(const certs_api *a, gt_buf *to)
{
    gt_buf_printf(to,
                  "{\"apiVersion\":\"v1\",\"kind\":\"Secret\",\"type\":\"kubernetes.io/tls\",\"metadata\":{\"name\":"
                  "\"" GT_CERTS_SECRET "\",\"resourceVersion\":\"%d\",\"annotations\":{",
                  a->version);
    if (a->renew[0] != '\0')
        gt_buf_printf(to, "\"gastown.io/renew-certificate\":\"%s\"", a->renew);
    gt_buf_text(to, "}},\"data\":{");
    for (size_t i = 0; i < CERTS_PARTS; i++)
        gt_buf_printf(to, "%s\"%s\":\"%s\"", i == 0 ? "" : ",", certs_parts[i], a->parts[i]);
    gt_buf_text(to, "}}");
}

static inline void certs_configuration(const certs_api *a, gt_registration_kind kind, gt_buf *to)
{
    gt_buf_printf(to,
                  "{\"metadata\":{\"name\":\"gastown\",\"resourceVersion\":\"%d\"},\"webhooks\":[{\"name\":"
                  "\"other.example.com\",\"clientConfig\":{\"caBundle\":\"eA==\"}}",
                  a->version);
    for (size_t i = 0; i < GT_ENTRY_COUNT; i++)
        if (gt_entries[i].kind == kind)
            gt_buf_printf(to, ",{\"name\":\"%s\",\"clientConfig\":{\"caBundle\":\"%s\"}}", gt_entries[i].name,
                          a->bundles[i]);
    gt_buf_text(to, "]}");
}

/* A list; or, of a watch, one event that says how it is, and the end. */
static inline void certs_get(const certs_api *a, gt_arena *arena, const char *request, char *answer, size_t size)
{
    bool secret = strstr(request, "/secrets?") != NULL, watch = strstr(request, "watch=1") != NULL;
    gt_buf buf;
    gt_buf_init(&buf, arena, 1024);
    if (watch)
        gt_buf_printf(&buf, "{\"type\":\"%s\",\"object\":", secret && !a->exists ? "DELETED" : "MODIFIED");
    else
        gt_buf_printf(&buf, "{\"kind\":\"List\",\"metadata\":{\"resourceVersion\":\"%d\"},\"items\":[", a->version);
    if (secret && (watch || a->exists))
        certs_secret(a, &buf);
    else if (!secret)
        certs_configuration(
            a, strstr(request, "/mutating") != NULL ? GT_REGISTRATION_MUTATING : GT_REGISTRATION_VALIDATING, &buf);
    gt_buf_text(&buf, watch ? "}\n" : "]}");
    certs_say(answer, size, "200 OK", buf.at);
}

static inline void certs_copy(char *to, size_t size, gt_view text)
{
    gt_str s = gt_view_str(text);
    snprintf(to, size, "%.*s", (int)s.len, s.len == 0 ? "" : s.at);
}

static inline void certs_publish(certs_api *a, gt_view body)
{
    a->publishes++;
    GT_VIEW_EACH (entry, gt_view_get(body, "webhooks"))
        for (size_t i = 0; i < GT_ENTRY_COUNT; i++)
            if (gt_view_is(gt_view_get(entry, "name"), gt_entries[i].name))
                certs_copy(a->bundles[i], sizeof a->bundles[i],
                           gt_view_get(gt_view_get(entry, "clientConfig"), "caBundle"));
}

static inline bool certs_write(certs_api *a, gt_view body, bool create)
{
    gt_view meta = gt_view_get(body, "metadata"),
            renew = gt_view_get(gt_view_get(meta, "annotations"), "gastown.io/renew-certificate");
    char version[16];
    snprintf(version, sizeof version, "%d", a->version);
    if (create ? a->exists : !a->exists || !gt_view_is(gt_view_get(meta, "resourceVersion"), version))
        return false;
    a->exists = true;
    a->writes++;
    if (gt_view_type_of(renew) != GT_VIEW_MISSING)
        certs_copy(a->renew, sizeof a->renew, renew);
    a->asked_renew += gt_view_exists(renew);
    for (size_t i = 0; i < CERTS_PARTS; i++) {
        gt_view part = gt_view_get(gt_view_get(body, "data"), certs_parts[i]);
        if (gt_view_type_of(part) != GT_VIEW_MISSING)
            certs_copy(a->parts[i], sizeof a->parts[i], part);
    }
    return true;
}

static inline void certs_reply(void *context, const char *request, char *answer, size_t size)
{
    certs_api *a = context;
    const char *text = strstr(request, "\r\n\r\n") + 4;
    bool create = strncmp(request, "POST", 4) == 0, secret = strstr(request, "/secrets") != NULL;
    SCOPED_ARENA(arena);
    gt_view body = {NULL};
    gt_err err;
    pthread_mutex_lock(&a->lock);
    if (strncmp(request, "GET", 3) == 0) {
        certs_get(a, arena, request, answer, size);
    } else if (a->refusal != NULL) {
        certs_refuse(answer, size, a->refusal, "Forbidden");
    } else if (!gt_view_parse(arena, gt_str_of(text), 0, &body, &err)) {
        certs_refuse(answer, size, "400 Bad Request", "BadRequest");
    } else if (secret && !certs_write(a, body, create)) {
        a->conflicts++;
        certs_refuse(answer, size, "409 Conflict", create ? "AlreadyExists" : "Conflict");
    } else {
        if (!secret)
            certs_publish(a, body);
        a->version++;
        certs_say(answer, size, "200 OK", "{}");
    }
    pthread_mutex_unlock(&a->lock);
}

static inline void certs_api_start(certs_api *a)
{
    a->version = 1;
    cr_assert_eq(pthread_mutex_init(&a->lock, NULL), 0);
    server_start_reply(&a->server, certs_reply, a);
    snprintf(a->url, sizeof a->url, "http://127.0.0.1:%d", a->server.port);
    a->config = (gt_kube_config){.origin = "test", .server = a->url};
    cr_assert(gt_kube_client_new(&a->config, "test/1", &a->client, &a->err), "%s", a->err.text);
}

static inline void certs_api_stop(certs_api *a)
{
    gt_kube_client_free(a->client);
    server_stop(&a->server);
    pthread_mutex_destroy(&a->lock);
}

/* For what a test changes of it. */
#define CERTS_API(api, ...)                                                                                            \
    do {                                                                                                               \
        pthread_mutex_lock(&(api)->lock);                                                                              \
        __VA_ARGS__;                                                                                                   \
        (api)->version++;                                                                                              \
        pthread_mutex_unlock(&(api)->lock);                                                                            \
    } while (0)

#endif
