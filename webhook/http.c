#include "webhook/http.h"

#include <assert.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "lib/base/clock.h"
#include "lib/base/log.h"

/* Per connection, in bytes: what the library may use for a head and what it reads, and its step. It zeroes all of it after each request, so
 * more than a head can need costs every review, and pushes the engine's data out of the processor's caches. */
enum { CONNECTION_MEMORY = 32 * 1024, MEMORY_STEP = 4 * 1024 };

/* Its default admits TLS 1.0. Named one by one: SECURE128 has CBC with SHA-1, key exchange without forward secrecy, and groups that
 * cost a hundred times as much as the others (ffdhe8192), which the client chooses. What is here every API server speaks. */
static const char PRIORITIES[] =
    "NONE:+VERS-TLS1.3:+VERS-TLS1.2:+AEAD:+AES-256-GCM:+CHACHA20-POLY1305:+AES-128-GCM:"
    "+ECDHE-ECDSA:+ECDHE-RSA:+GROUP-X25519:+GROUP-SECP256R1:+GROUP-SECP384R1:"
    "+SIGN-ECDSA-SHA256:+SIGN-ECDSA-SHA384:+SIGN-ECDSA-SHA512:"
    "+SIGN-ECDSA-SECP256R1-SHA256:+SIGN-ECDSA-SECP384R1-SHA384:+SIGN-ECDSA-SECP521R1-SHA512:"
    "+SIGN-EDDSA-ED25519:+SIGN-RSA-PSS-RSAE-SHA256:+SIGN-RSA-PSS-RSAE-SHA384:"
    "+SIGN-RSA-PSS-RSAE-SHA512:+SIGN-RSA-SHA256:+SIGN-RSA-SHA384:+SIGN-RSA-SHA512:"
    "+COMP-NULL:+CTYPE-X509:%SERVER_PRECEDENCE";

struct gt_http {
    gt_http_config config;
    gt_peers *peers;
    struct MHD_Daemon *daemon;
    bool quiesced;
    atomic_uint_least64_t handshakes_failed;
};

/* The callback registry: GnuTLS's callbacks get no context of ours. Set before the threads start, cleared after they have ended. */
static gt_http *_Atomic registered;

static int on_certificate(gnutls_session_t session, const struct gnutls_cert_retr_st *info, gnutls_pcert_st **certs,
                          unsigned *certs_length, gnutls_ocsp_data_st **ocsp, unsigned *ocsp_length,
                          gnutls_privkey_t *key, unsigned *flags)
{
    (void)info;
    *ocsp = NULL;
    *ocsp_length = 0;
    *flags = GNUTLS_CERT_RETR_DEINIT_ALL;
    const gt_http *http = atomic_load(&registered);
    if (http == NULL)
        return -1;
    if (http->config.ask_clients)
        gnutls_certificate_server_set_request(session, GNUTLS_CERT_REQUEST);
    return gt_keybox_hand_out(http->config.keys, certs, certs_length, key);
}

/* The client's Finished has come. */
static int on_finished(gnutls_session_t session, unsigned type, unsigned when, unsigned incoming,
                       const gnutls_datum_t *message)
{
    gt_peer_note *note = gt_peer_notes(gnutls_session_get_ptr(session));
    (void)type;
    (void)when;
    (void)message;
    if (incoming != 0 && note != NULL)
        note->secure = true;
    return 0;
}

/* ---- what the library tells ---- */

gnutls_session_t gt_http_session(struct MHD_Connection *connection)
{
    const union MHD_ConnectionInfo *info = MHD_get_connection_info(connection, MHD_CONNECTION_INFO_GNUTLS_SESSION);
    return info == NULL ? NULL : (gnutls_session_t)info->tls_session;
}

static gt_peer *peer_of(struct MHD_Connection *connection)
{
    const union MHD_ConnectionInfo *info = MHD_get_connection_info(connection, MHD_CONNECTION_INFO_SOCKET_CONTEXT);
    return info == NULL ? NULL : info->socket_context;
}

/* The library doesn't tell of the end of a request whose arguments find no room in its memory. Then its connection, or the next
 * request on it, ends it. */
static void end_forgotten(gt_http *http, gt_peer *peer, void *next)
{
    gt_peer_note *note = gt_peer_notes(peer);
    if (note == NULL)
        return;
    if (note->request != NULL)
        http->config.service.end(http->config.service.context, note->request);
    note->request = next;
}

static void on_connection(void *context, struct MHD_Connection *connection, void **socket_context,
                          enum MHD_ConnectionNotificationCode code)
{
    gt_http *http = context;
    if (code == MHD_CONNECTION_NOTIFY_CLOSED) {
        end_forgotten(http, *socket_context, NULL);
        const gt_peer_note *note = gt_peer_notes(*socket_context);
        if (http->config.keys != NULL && note != NULL && !note->secure)
            atomic_fetch_add(&http->handshakes_failed, 1);
        gt_peers_close(http->peers, *socket_context);
        *socket_context = NULL;
        return;
    }
    const union MHD_ConnectionInfo *info = MHD_get_connection_info(connection, MHD_CONNECTION_INFO_CONNECTION_FD);
    assert(info != NULL);
    gnutls_session_t session = gt_http_session(connection);
    *socket_context = gt_peers_open(http->peers, info->connect_fd, gt_clock_mono_us());
    if (session == NULL)
        return;
    gt_peer_note *note = gt_peer_notes(*socket_context);
    if (note != NULL)
        gt_wire_attach(&note->wire, session, info->connect_fd);
    gnutls_session_set_ptr(session, *socket_context); /* the library has a use for it with pre-shared keys alone */
    gnutls_handshake_set_hook_function(session, GNUTLS_HANDSHAKE_FINISHED, GNUTLS_HOOK_POST, on_finished);
}

/* The request line has come. */
static void *on_request_line(void *context, const char *uri, struct MHD_Connection *connection)
{
    (void)uri;
    gt_http *http = context;
    gt_peer *peer = peer_of(connection);
    if (gt_peer_phase(peer) == GT_PHASE_IDLE) /* a connection's first headers are timed from its start */
        gt_peer_enter(peer, GT_PHASE_HEADERS, gt_clock_mono_us());
    void *request = http->config.service.begin(http->config.service.context, peer);
    end_forgotten(http, peer, request);
    return request;
}

static enum MHD_Result on_request(void *context, struct MHD_Connection *connection, const char *url, const char *method,
                                  const char *version, const char *body, size_t *body_size, void **request)
{
    const gt_http_service *service = &((gt_http *)context)->config.service;
    if (*request == NULL)
        return MHD_NO;
    const gt_http_head head = {connection, url, method, version};
    return service->handle(service->context, *request, &head, body, body_size);
}

static void on_completed(void *context, struct MHD_Connection *connection, void **request,
                         enum MHD_RequestTerminationCode how)
{
    gt_http *http = context;
    gt_peer_note *note = gt_peer_notes(peer_of(connection));
    if (note != NULL)
        note->request = NULL;
    if (*request != NULL)
        http->config.service.end(http->config.service.context, *request);
    *request = NULL;
    if (how == MHD_REQUEST_TERMINATED_COMPLETED_OK && gt_peer_done(peer_of(connection), gt_clock_mono_us()))
        MHD_set_connection_option(connection, MHD_CONNECTION_OPTION_TIMEOUT,
                                  (unsigned)(http->config.idle_ms / 1000 + 1));
}

/* Clients cause most of its messages. */
static void on_log(void *context, const char *fmt, va_list args) __attribute__((format(printf, 2, 0)));
static void on_log(void *context, const char *fmt, va_list args)
{
    if (!gt_log_enabled(GT_LOG_DEBUG))
        return;
    char text[256];
    vsnprintf(text, sizeof text, fmt, args);
    text[strcspn(text, "\n")] = '\0';
    gt_log(GT_LOG_DEBUG, "libmicrohttpd", GT_F("server", ((gt_http *)context)->config.name), GT_F("says", text));
}

/* ---- start and stop ---- */

static bool start_daemon(gt_http *http)
{
    const gt_http_config *c = &http->config;
    bool tls = c->keys != NULL;
    const struct MHD_OptionItem end = {MHD_OPTION_END, 0, NULL};
    struct MHD_OptionItem options[] = {
        {MHD_OPTION_EXTERNAL_LOGGER, (intptr_t)on_log, http}, /* first, so that it hears about the others */
        {MHD_OPTION_LISTEN_SOCKET, c->listen_fd, NULL},
        {MHD_OPTION_CONNECTION_LIMIT, (intptr_t)c->connections, NULL},
        {MHD_OPTION_CONNECTION_MEMORY_LIMIT, CONNECTION_MEMORY, NULL},
        {MHD_OPTION_CONNECTION_MEMORY_INCREMENT, MEMORY_STEP, NULL},
        {MHD_OPTION_CONNECTION_TIMEOUT, (intptr_t)(c->headers_ms / 1000 + 5),
         NULL}, /* until the first request is answered */
        {MHD_OPTION_NOTIFY_CONNECTION, (intptr_t)on_connection, http},
        {MHD_OPTION_URI_LOG_CALLBACK, (intptr_t)on_request_line, http},
        {MHD_OPTION_NOTIFY_COMPLETED, (intptr_t)on_completed, http},
        c->threads > 1 ? (struct MHD_OptionItem){MHD_OPTION_THREAD_POOL_SIZE, (intptr_t)c->threads, NULL} : end,
        end,
    };
    /* the text is only read; ISO C has no cast from a function to a void pointer */
    const struct MHD_OptionItem tls_options[] = {
        {MHD_OPTION_HTTPS_PRIORITIES, 0, (void *)(uintptr_t)PRIORITIES},
        {MHD_OPTION_HTTPS_CERT_CALLBACK2, 0, (void *)(intptr_t)on_certificate},
        end,
    };
    unsigned flags = MHD_USE_POLL_INTERNAL_THREAD | MHD_USE_ITC | MHD_USE_ERROR_LOG | (tls ? MHD_USE_TLS : 0);
    http->daemon = MHD_start_daemon(flags, 0, NULL, NULL, on_request, http, MHD_OPTION_ARRAY, options,
                                    tls ? MHD_OPTION_ARRAY : MHD_OPTION_END, tls_options, MHD_OPTION_END);
    return http->daemon != NULL;
}

static gt_peers *new_peers(const gt_http_config *c)
{
    const gt_peers_config config = {
        .slots = c->connections,
        .limits_us =
            {
                [GT_PHASE_HEADERS] = c->headers_ms * 1000,
                [GT_PHASE_BODY] = c->body_ms * 1000,
                [GT_PHASE_ANSWER] = c->answer_ms * 1000,
                [GT_PHASE_IDLE] = c->idle_ms * 1000,
            },
    };
    return gt_peers_new(&config);
}

gt_http *gt_http_start(const gt_http_config *config, gt_err *err)
{
    assert(config->threads != 1);
    gt_http *http = calloc(1, sizeof *http);
    gt_peers *peers = new_peers(config);
    if (http == NULL || peers == NULL) {
        free(http);
        gt_peers_free(peers);
        gt_fail(err, GT_ERR_NOMEM, "out of memory");
        return NULL;
    }
    http->config = *config;
    http->peers = peers;
    if (config->keys != NULL) {
        assert(atomic_load(&registered) == NULL);
        atomic_store(&registered, http);
    }
    if (start_daemon(http))
        return http;
    if (config->keys != NULL)
        atomic_store(&registered, NULL);
    gt_peers_free(peers);
    free(http);
    gt_fail(err, GT_ERR_ENV, "the %s server doesn't start (--log-level debug says more)", config->name);
    return NULL;
}

gt_peers *gt_http_peers(gt_http *http)
{
    return http->peers;
}

uint64_t gt_http_handshakes_failed(const gt_http *http)
{
    return atomic_load(&http->handshakes_failed);
}

void gt_http_quiesce(gt_http *http)
{
    if (http->quiesced)
        return;
    http->quiesced = true;
    MHD_quiesce_daemon(http->daemon);
    shutdown(http->config.listen_fd,
             SHUT_RDWR); /* who connects now is told so; closed when no thread looks at it any more */
}

void gt_http_stop(gt_http *http)
{
    if (http == NULL)
        return;
    gt_http_quiesce(http);
    MHD_stop_daemon(http->daemon);
    close(http->config.listen_fd);
    if (http->config.keys != NULL)
        atomic_store(&registered, NULL);
    gt_peers_free(http->peers);
    free(http);
}

const char *gt_http_client(struct MHD_Connection *connection, char text[GT_ADDRESS_TEXT])
{
    const union MHD_ConnectionInfo *info = MHD_get_connection_info(connection, MHD_CONNECTION_INFO_CLIENT_ADDRESS);
    return info == NULL || info->client_addr == NULL
               ? "unknown"
               : gt_address_show(info->client_addr, sizeof(struct sockaddr_storage), text);
}

/* ---- answering ---- */

static bool add_headers(struct MHD_Response *response, const gt_answer *answer)
{
    bool ok = MHD_add_response_header(response, MHD_HTTP_HEADER_CONTENT_TYPE, answer->type) == MHD_YES;
    if (answer->allow != NULL)
        ok &= MHD_add_response_header(response, MHD_HTTP_HEADER_ALLOW, answer->allow) == MHD_YES;
    if (answer->again)
        ok &= MHD_add_response_header(response, MHD_HTTP_HEADER_RETRY_AFTER, "1") == MHD_YES;
    if (answer->close)
        ok &= MHD_add_response_header(response, MHD_HTTP_HEADER_CONNECTION, "close") == MHD_YES;
    return ok;
}

enum MHD_Result gt_http_answer(struct MHD_Connection *connection, const gt_answer *answer)
{
    void *body = (void *)(uintptr_t)answer->body; /* copied, so only read */
    struct MHD_Response *response = MHD_create_response_from_buffer(answer->len, body, MHD_RESPMEM_MUST_COPY);
    if (response == NULL)
        return MHD_NO;
    enum MHD_Result result = MHD_NO;
    if (add_headers(response, answer))
        result = MHD_queue_response(connection, (unsigned)answer->status, response);
    gt_peer_note *note = gt_peer_notes(peer_of(connection));
    if (result == MHD_YES && note != NULL && answer->whole && answer->len > 0)
        gt_wire_more(&note->wire);
    MHD_destroy_response(response);
    return result;
}
