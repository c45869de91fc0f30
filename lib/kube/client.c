#include "lib/kube/client.h"

#include <curl/curl.h>
#include <stdio.h>
#include <stdlib.h>

#include "lib/kube/file.h"

enum {
    DEFAULT_TIMEOUT_MS = 15 * 1000,
    CONNECT_TIMEOUT_MS = 5 * 1000,
    DEFAULT_MAX_ANSWER = 32 * 1024 * 1024,
    KEEP_BYTES = 1024 * 1024, /* a larger buffer goes back after its request */
    TOKEN_MAX = 64 * 1024,
    RETRY_AFTER_MAX_S = 3600,
};

typedef struct body {
    char *at;
    size_t len, room, most;
    bool too_large, no_memory;
} body;

struct gt_kube_client {
    const gt_kube_config *config;
    CURLM *multi; /* the connection pool */
    CURL *easy;
    struct curl_slist *headers;    /* of the request in hand */
    struct curl_slist *connect_to; /* for tls-server-name */
    char *agent, *base, *host;     /* base: URL without path; host: Host header's value, or NULL for curl's own */
    char *url;                     /* of the request in hand */
    body body;
    char error[CURL_ERROR_SIZE];
    char token[TOKEN_MAX]; /* "Authorization: Bearer ..." */
    size_t token_len;
};

/* ---- the client ---- */

static bool set_up_name(gt_kube_client *client, CURLU *url, gt_err *err)
{
    char *host = NULL, *port = NULL, *entry = NULL;
    bool ok = curl_url_get(url, CURLUPART_HOST, &host, 0) == CURLUE_OK &&
              curl_url_get(url, CURLUPART_PORT, &port, CURLU_DEFAULT_PORT) == CURLUE_OK &&
              curl_url_set(url, CURLUPART_HOST, client->config->tls_server_name, 0) == CURLUE_OK;
    if (!ok)
        gt_fail(err, GT_ERR_INPUT, "tls-server-name \"%s\" is no host name", client->config->tls_server_name);
    if (ok && asprintf(&entry, "%s:%s:%s:%s", client->config->tls_server_name, port, host, port) < 0)
        entry = NULL;
    if (entry != NULL && asprintf(&client->host, "Host: %s:%s", host, port) < 0)
        client->host = NULL;
    if (client->host != NULL)
        client->connect_to = curl_slist_append(NULL, entry);
    free(entry);
    curl_free(host);
    curl_free(port);
    return ok && (client->connect_to != NULL || gt_fail(err, GT_ERR_NOMEM, "out of memory"));
}

/* The URL that requests start with, under the name that the certificate must have. */
static bool set_up_url(gt_kube_client *client, CURLU *url, gt_err *err)
{
    const gt_kube_config *config = client->config;
    char *text = NULL;
    if (curl_url_set(url, CURLUPART_URL, config->server, 0) != CURLUE_OK)
        return gt_fail(err, GT_ERR_INPUT, "%s: server \"%s\" is not a URL", config->origin, config->server);
    if (config->tls_server_name != NULL && !set_up_name(client, url, err))
        return gt_wrap(err, "%s", config->origin);
    if (curl_url_get(url, CURLUPART_URL, &text, 0) != CURLUE_OK)
        return gt_fail(err, GT_ERR_NOMEM, "out of memory");
    size_t n = strlen(text);
    while (n > 0 && text[n - 1] == '/')
        n--;
    client->base = strndup(text, n);
    curl_free(text);
    return client->base != NULL || gt_fail(err, GT_ERR_NOMEM, "out of memory");
}

static bool set_up(gt_kube_client *client, const char *agent, gt_err *err)
{
    CURLU *url = curl_url();
    client->multi = curl_multi_init();
    client->easy = curl_easy_init();
    client->agent = strdup(agent);
    bool ok = url != NULL && client->multi != NULL && client->easy != NULL && client->agent != NULL;
    ok = ok ? set_up_url(client, url, err) : gt_fail(err, GT_ERR_NOMEM, "out of memory");
    curl_url_cleanup(url);
    return ok;
}

bool gt_kube_client_new(const gt_kube_config *config, const char *agent, gt_kube_client **client, gt_err *err)
{
    *client = calloc(1, sizeof **client);
    if (*client == NULL)
        return gt_fail(err, GT_ERR_NOMEM, "out of memory");
    (*client)->config = config;
    if (set_up(*client, agent, err))
        return true;
    gt_kube_client_cleanup(client);
    return false;
}

void gt_kube_client_free(gt_kube_client *client)
{
    if (client == NULL)
        return;
    curl_easy_cleanup(client->easy);
    curl_multi_cleanup(client->multi);
    curl_slist_free_all(client->headers);
    curl_slist_free_all(client->connect_to);
    free(client->agent);
    free(client->base);
    free(client->host);
    free(client->url);
    free(client->body.at);
    explicit_bzero(client->token, sizeof client->token);
    free(client);
}

void gt_kube_client_cleanup(gt_kube_client **client)
{
    gt_kube_client_free(*client);
    *client = NULL;
}

/* ---- one request ---- */

static size_t collect(char *bytes, size_t size, size_t n, void *context)
{
    body *b = context;
    n *= size;
    if (n > b->most - b->len) {
        b->too_large = true;
        return 0;
    }
    if (n > b->room - b->len) {
        size_t room = b->room * 2 + n;
        char *at = realloc(b->at, room);
        if (at == NULL) {
            b->no_memory = true;
            return 0;
        }
        b->at = at;
        b->room = room;
    }
    memcpy(b->at + b->len, bytes, n);
    b->len += n;
    return n;
}

static void start_body(body *b, size_t most)
{
    if (b->room > KEEP_BYTES) {
        free(b->at);
        *b = (body){0};
    }
    b->len = 0;
    b->most = most;
    b->too_large = b->no_memory = false;
}

static bool add_header(gt_kube_client *client, const char *line, gt_err *err)
{
    struct curl_slist *longer = curl_slist_append(client->headers, line);
    if (longer == NULL)
        return gt_fail(err, GT_ERR_NOMEM, "out of memory");
    client->headers = longer;
    return true;
}

/* The token as it is now; where its file can't be read this time, as it was. */
static bool add_token(gt_kube_client *client, gt_err *err)
{
    static const char start[] = "Authorization: Bearer ";
    const size_t at = sizeof start - 1;
    const char *file = client->config->token_file, *fixed = client->config->token;
    char text[TOKEN_MAX - sizeof start];
    size_t n = 0;
    if (file == NULL && fixed == NULL)
        return true;
    if (file != NULL && !gt_kube_read_into(file, text, sizeof text, &n, err)) {
        if (client->token_len == 0)
            return gt_wrap(err, "token");
        return add_header(client, client->token, err);
    }
    if (file == NULL) {
        n = strlen(fixed);
        if (n >= sizeof text)
            return gt_fail(err, GT_ERR_LIMIT, "the token has more than %zu bytes", sizeof text - 1);
        memcpy(text, fixed, n);
    }
    while (n > 0 && strchr(" \t\r\n", text[n - 1]) != NULL)
        n--;
    for (size_t i = 0; i < n; i++)
        if ((unsigned char)text[i] <= ' ' || text[i] == 0x7f)
            return gt_fail(err, GT_ERR_INPUT, "the token%s%s holds a blank or a control character",
                           file == NULL ? "" : " in ", file == NULL ? "" : file);
    memcpy(client->token, start, at);
    memcpy(client->token + at, text, n);
    client->token[at + n] = '\0';
    client->token_len = n;
    explicit_bzero(text, sizeof text);
    return n == 0 || add_header(client, client->token, err);
}

static bool set_headers(gt_kube_client *client, const gt_kube_request *request, gt_err *err)
{
    char line[256];
    curl_slist_free_all(client->headers);
    client->headers = NULL;
    if (request->body.len > 0) {
        snprintf(line, sizeof line, "Content-Type: %.200s", request->content_type);
        if (!add_header(client, line, err))
            return false;
    }
    return add_header(client, "Accept: application/json", err) && add_header(client, "Expect:", err) &&
           (client->host == NULL || add_header(client, client->host, err)) && add_token(client, err);
}

/* The blob isn't copied: the configuration outlives the client. */
static void set_blob(CURL *easy, CURLoption option, gt_str pem)
{
    if (pem.len == 0)
        return;
    union {
        const char *in;
        void *out; /* struct curl_blob has no const; libcurl only reads */
    } data = {.in = pem.at};
    struct curl_blob blob = {.data = data.out, .len = pem.len, .flags = CURL_BLOB_NOCOPY};
    curl_easy_setopt(easy, option, &blob);
}

static void set_tls(CURL *easy, const gt_kube_config *config)
{
    curl_easy_setopt(easy, CURLOPT_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2);
    curl_easy_setopt(easy, CURLOPT_SSL_VERIFYPEER, config->insecure ? 0L : 1L);
    curl_easy_setopt(easy, CURLOPT_SSL_VERIFYHOST, config->insecure ? 0L : 2L);
    if (config->ca.len > 0) {
        curl_easy_setopt(easy, CURLOPT_CAPATH, NULL); /* CAINFO_BLOB replaces the file of authorities, not the folder */
        set_blob(easy, CURLOPT_CAINFO_BLOB, config->ca);
    }
    set_blob(easy, CURLOPT_SSLCERT_BLOB, config->cert);
    set_blob(easy, CURLOPT_SSLKEY_BLOB, config->key);
    if (config->key.len > 0)
        curl_easy_setopt(easy, CURLOPT_KEYPASSWD,
                         ""); /* else OpenSSL asks for an encrypted key's password on the terminal */
}

static bool set_options(gt_kube_client *client, const gt_kube_request *request, gt_err *err)
{
    CURL *easy = client->easy;
    curl_easy_reset(easy); /* connections stay: they are the multi handle's */
    if (!set_headers(client, request, err))
        return false;
    free(client->url);
    if (asprintf(&client->url, "%s%s", client->base, request->path) < 0) {
        client->url = NULL;
        return gt_fail(err, GT_ERR_NOMEM, "out of memory");
    }
    start_body(&client->body, request->max_answer == 0 ? DEFAULT_MAX_ANSWER : request->max_answer);
    client->error[0] = '\0';
    curl_easy_setopt(easy, CURLOPT_URL, client->url);
    curl_easy_setopt(easy, CURLOPT_PROTOCOLS_STR, "http,https");
    curl_easy_setopt(easy, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1);
    curl_easy_setopt(easy, CURLOPT_CUSTOMREQUEST, request->method);
    curl_easy_setopt(easy, CURLOPT_HTTPHEADER, client->headers);
    curl_easy_setopt(easy, CURLOPT_CONNECT_TO, client->connect_to);
    curl_easy_setopt(easy, CURLOPT_USERAGENT, client->agent);
    curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(easy, CURLOPT_TCP_KEEPALIVE, 1L);
    curl_easy_setopt(easy, CURLOPT_CONNECTTIMEOUT_MS, (long)CONNECT_TIMEOUT_MS);
    curl_easy_setopt(easy, CURLOPT_TIMEOUT_MS,
                     (long)(request->timeout_ms == 0 ? DEFAULT_TIMEOUT_MS : request->timeout_ms));
    curl_easy_setopt(easy, CURLOPT_ERRORBUFFER, client->error);
    curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, collect);
    curl_easy_setopt(easy, CURLOPT_WRITEDATA, &client->body);
    if (client->config->proxy != NULL)
        curl_easy_setopt(easy, CURLOPT_PROXY, client->config->proxy);
    if (request->body.len > 0) {
        curl_easy_setopt(easy, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)request->body.len);
        curl_easy_setopt(easy, CURLOPT_POSTFIELDS, request->body.at);
    }
    set_tls(easy, client->config);
    return true;
}

/* Sends it and collects the answer. No memory of an arena is taken here. */
static CURLcode transfer(gt_kube_client *client)
{
    CURLcode result = CURLE_FAILED_INIT;
    int running = 1;
    CURLMcode status = curl_multi_add_handle(client->multi, client->easy);
    while (status == CURLM_OK && running > 0) {
        status = curl_multi_perform(client->multi, &running);
        if (status == CURLM_OK && running > 0)
            status = curl_multi_poll(client->multi, NULL, 0, 1000, NULL);
    }
    int left;
    for (CURLMsg *m; (m = curl_multi_info_read(client->multi, &left)) != NULL;)
        if (m->msg == CURLMSG_DONE)
            result = m->data.result;
    curl_multi_remove_handle(client->multi, client->easy);
    return result;
}

static bool transfer_failed(const gt_kube_client *client, CURLcode result, gt_err *err)
{
    if (client->body.too_large)
        return gt_fail(err, GT_ERR_LIMIT, "the answer has more than %zu bytes", client->body.most);
    if (client->body.no_memory || result == CURLE_OUT_OF_MEMORY)
        return gt_fail(err, GT_ERR_NOMEM, "out of memory");
    return gt_fail(err, GT_ERR_ENV, "%s: %s", client->config->server,
                   client->error[0] == '\0' ? curl_easy_strerror(result) : client->error);
}

/* ---- the answer ---- */

static gt_err_kind kind_of(int status)
{
    switch (status) {
    case 404: return GT_ERR_NOT_FOUND;
    case 409: return GT_ERR_CONFLICT;
    case 408:
    case 429: return GT_ERR_ENV;
    default: return status >= 400 && status < 500 ? GT_ERR_REFUSED : GT_ERR_ENV;
    }
}

/* Text for one line of a message: control characters as blanks, at most `most` bytes. */
static gt_str one_line(gt_arena *arena, gt_str text, size_t most)
{
    size_t n = text.len < most ? text.len : most;
    char *copy = gt_arena_dup(arena, text.at, n);
    for (size_t i = 0; i < n; i++)
        if ((unsigned char)copy[i] < ' ' || copy[i] == 0x7f)
            copy[i] = ' ';
    return (gt_str){copy, gt_str_utf8_len((gt_str){copy, n})};
}

/* What came isn't what an API server says: show how it begins. */
static bool strange(const gt_kube_client *client, gt_arena *arena, int status, gt_err_kind kind, const char *why,
                    gt_err *err)
{
    const char *type = NULL;
    curl_easy_getinfo(client->easy, CURLINFO_CONTENT_TYPE, &type);
    gt_str start = one_line(arena, (gt_str){client->body.at, client->body.len}, 160);
    gt_str shown = one_line(arena, gt_str_of(type == NULL ? "no content type" : type), 60);
    gt_fail(err, kind, "HTTP %d with %s (%.*s)%s%.*s", status, why, GT_STR_ARG(shown), start.len == 0 ? "" : ": ",
            GT_STR_ARG(start));
    err->code = status;
    return false;
}

static bool read_failure(const gt_kube_client *client, gt_arena *arena, gt_kube_answer *answer, gt_err *err)
{
    gt_view object = answer->object;
    if (!gt_view_is(gt_view_get(object, "kind"), "Status"))
        return strange(client, arena, answer->status, kind_of(answer->status), "no Status of an API server", err);
    answer->reason = one_line(arena, gt_view_str(gt_view_get(object, "reason")), 100);
    answer->message = one_line(arena, gt_view_str(gt_view_get(object, "message")), 4000);
    gt_str message = answer->message.len > 0 ? answer->message : GT_STR("the server doesn't say why");
    gt_str reason = answer->reason.len > 0 ? answer->reason : GT_STR("Status");
    gt_fail(err, kind_of(answer->status), "%d %.*s: %.*s", answer->status, GT_STR_ARG(reason), GT_STR_ARG(message));
    err->code = answer->status;
    return false;
}

static bool read_answer(gt_kube_client *client, gt_arena *arena, gt_kube_answer *answer, gt_err *err)
{
    long status = 0;
    curl_off_t retry_after = 0;
    gt_err broken;
    curl_easy_getinfo(client->easy, CURLINFO_RESPONSE_CODE, &status);
    curl_easy_getinfo(client->easy, CURLINFO_RETRY_AFTER, &retry_after);
    answer->status = (int)status;
    if (retry_after > 0)
        answer->retry_after_ms = (retry_after > RETRY_AFTER_MAX_S ? RETRY_AFTER_MAX_S : retry_after) * 1000;
    gt_str text = {client->body.at, client->body.len};
    bool ok = status >= 200 && status < 300;
    bool is_json = text.len > 0 && gt_view_parse(arena, text, 0, &answer->object, &broken);
    if (!ok)
        return read_failure(client, arena, answer, err);
    if (text.len == 0)
        return strange(client, arena, answer->status, GT_ERR_ENV, "an empty answer", err);
    if (!is_json || gt_view_type_of(answer->object) != GT_VIEW_OBJECT)
        return strange(client, arena, answer->status, GT_ERR_ENV, "an answer that isn't a JSON object", err);
    return true;
}

bool gt_kube_do(gt_kube_client *client, gt_arena *arena, const gt_kube_request *request, gt_kube_answer *answer,
                gt_err *err)
{
    *answer = (gt_kube_answer){.retry_after_ms = -1};
    if (!set_options(client, request, err))
        return false;
    CURLcode result = transfer(client);
    if (result != CURLE_OK)
        return transfer_failed(client, result, err);
    return read_answer(client, arena, answer, err);
}
