#include "lib/kube/transfer.h"

#include <stdio.h>
#include <stdlib.h>

#include "lib/base/clock.h"
#include "lib/kube/file.h"

enum {
    DEFAULT_TIMEOUT_MS = 15 * 1000,
    CONNECT_TIMEOUT_MS = 5 * 1000,
    KEEPALIVE_IDLE_S = 20, /* a watch is quiet for minutes: with Linux's nine probes a dead peer is found in two */
    KEEPALIVE_EVERY_S = 10,
    DEFAULT_MAX_ANSWER = 32 * 1024 * 1024,
    KEEP_BYTES =
        1024 * 1024, /* a larger buffer goes back after its request; a stream pauses at so many bytes of lines */
};

bool gt_transfer_init(gt_transfer *t, gt_kube_client *client, bool stream, gt_err *err)
{
    *t = (gt_transfer){.client = client, .stream = stream, .easy = curl_easy_init()};
    return t->easy != NULL || gt_fail(err, GT_ERR_NOMEM, "out of memory");
}

void gt_transfer_stop(gt_transfer *t)
{
    if (t->running)
        curl_multi_remove_handle(t->client->multi, t->easy);
    t->running = false;
}

void gt_transfer_free(gt_transfer *t)
{
    gt_transfer_stop(t);
    curl_easy_cleanup(t->easy);
    curl_slist_free_all(t->headers);
    free(t->at);
    *t = (gt_transfer){0};
}

int gt_transfer_status(const gt_transfer *t)
{
    long status = 0;
    curl_easy_getinfo(t->easy, CURLINFO_RESPONSE_CODE, &status);
    return (int)status;
}

/* ---- what comes ---- */

static bool make_room(gt_transfer *t, size_t n)
{
    if (n <= t->room - t->len)
        return true;
    size_t room = t->room * 2 + n;
    char *at = realloc(t->at, room);
    t->no_memory = at == NULL;
    if (at == NULL)
        return false;
    t->at = at;
    t->room = room;
    return true;
}

static size_t collect(char *bytes, size_t size, size_t n, void *context)
{
    gt_transfer *t = context;
    n *= size;
    bool in_lines = t->stream && gt_transfer_status(t) == 200;
    if (in_lines && (t->handing || (t->whole > 0 && t->len > KEEP_BYTES))) {
        t->paused = true;
        return CURL_WRITEFUNC_PAUSE;
    }
    t->heard_us = gt_clock_mono_us();
    const char *end = in_lines ? memrchr(bytes, '\n', n) : NULL;
    if (end == NULL && t->len - t->whole + n > t->most) {
        t->too_large = true;
        return 0;
    }
    if (!make_room(t, n))
        return 0;
    memcpy(t->at + t->len, bytes, n);
    if (end != NULL)
        t->whole = t->len + (size_t)(end - bytes) + 1;
    t->len += n;
    return n;
}

void gt_transfer_resume(gt_transfer *t)
{
    if (!t->paused)
        return;
    t->paused = false;
    curl_easy_pause(t->easy, CURLPAUSE_CONT);
}

/* ---- what is sent ---- */

static bool add_header(gt_transfer *t, const char *line, gt_err *err)
{
    struct curl_slist *longer = curl_slist_append(t->headers, line);
    if (longer == NULL)
        return gt_fail(err, GT_ERR_NOMEM, "out of memory");
    t->headers = longer;
    return true;
}

/* The token as it is now; where its file can't be read this time, as it was. */
static bool read_token(gt_kube_client *client, gt_err *err)
{
    static const char start[] = "Authorization: Bearer ";
    const size_t at = sizeof start - 1;
    const char *file = client->config->token_file, *fixed = client->config->token;
    char text[GT_KUBE_TOKEN_MAX - sizeof start];
    size_t n = 0;
    if (file == NULL && fixed == NULL)
        return true;
    if (file != NULL && !gt_kube_read_into(file, text, sizeof text, &n, err))
        return client->token_len > 0 || gt_wrap(err, "token");
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
    return true;
}

static bool set_headers(gt_transfer *t, const gt_kube_request *request, gt_err *err)
{
    gt_kube_client *client = t->client;
    char line[256];
    curl_slist_free_all(t->headers);
    t->headers = NULL;
    if (request->body.len > 0) {
        snprintf(line, sizeof line, "Content-Type: %.200s", request->content_type);
        if (!add_header(t, line, err))
            return false;
    }
    if (!read_token(client, err) || (client->token_len > 0 && !add_header(t, client->token, err)))
        return false;
    return add_header(t, "Accept: application/json", err) && add_header(t, "Expect:", err) &&
           (client->host == NULL || add_header(t, client->host, err));
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

/* What libcurl copies, and may have no memory for. */
static bool set_content(gt_transfer *t, const gt_kube_request *request, gt_err *err)
{
    char *url = NULL;
    if (asprintf(&url, "%s%s", t->client->base, request->path) < 0)
        return gt_fail(err, GT_ERR_NOMEM, "out of memory");
    bool ok = curl_easy_setopt(t->easy, CURLOPT_URL, url) == CURLE_OK &&
              curl_easy_setopt(t->easy, CURLOPT_CUSTOMREQUEST, request->method) == CURLE_OK;
    if (ok && request->body.len > 0)
        ok = curl_easy_setopt(t->easy, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)request->body.len) == CURLE_OK &&
             curl_easy_setopt(t->easy, CURLOPT_COPYPOSTFIELDS, request->body.at) == CURLE_OK;
    free(url);
    return ok || gt_fail(err, GT_ERR_NOMEM, "out of memory");
}

static bool set_options(gt_transfer *t, const gt_kube_request *request, gt_err *err)
{
    const gt_kube_client *client = t->client;
    int64_t timeout = request->timeout_ms == 0 ? DEFAULT_TIMEOUT_MS : request->timeout_ms;
    CURL *easy = t->easy;
    curl_easy_reset(easy); /* connections stay: they are the multi handle's */
    if (!set_headers(t, request, err) || !set_content(t, request, err))
        return false;
    curl_easy_setopt(easy, CURLOPT_PRIVATE, t);
    curl_easy_setopt(easy, CURLOPT_PROTOCOLS_STR, "http,https");
    curl_easy_setopt(easy, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1);
    curl_easy_setopt(easy, CURLOPT_HTTPHEADER, t->headers);
    curl_easy_setopt(easy, CURLOPT_CONNECT_TO, client->connect_to);
    curl_easy_setopt(easy, CURLOPT_USERAGENT, client->agent);
    curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(easy, CURLOPT_TCP_KEEPALIVE, 1L);
    curl_easy_setopt(easy, CURLOPT_TCP_KEEPIDLE, (long)KEEPALIVE_IDLE_S);
    curl_easy_setopt(easy, CURLOPT_TCP_KEEPINTVL, (long)KEEPALIVE_EVERY_S);
    curl_easy_setopt(easy, CURLOPT_CONNECTTIMEOUT_MS, (long)CONNECT_TIMEOUT_MS);
    curl_easy_setopt(easy, CURLOPT_TIMEOUT_MS, t->stream ? 0L : (long)timeout); /* a stream's is gt_kube_drive's */
    curl_easy_setopt(easy, CURLOPT_ERRORBUFFER, t->error);
    curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, collect);
    curl_easy_setopt(easy, CURLOPT_WRITEDATA, t);
    if (client->config->proxy != NULL)
        curl_easy_setopt(easy, CURLOPT_PROXY, client->config->proxy);
    set_tls(easy, client->config);
    return true;
}

bool gt_transfer_start(gt_transfer *t, const gt_kube_request *request, gt_err *err)
{
    if (t->room > KEEP_BYTES) {
        free(t->at);
        t->at = NULL;
        t->room = 0;
    }
    t->len = t->whole = 0;
    t->most = request->max_answer == 0 ? DEFAULT_MAX_ANSWER : request->max_answer;
    t->too_large = t->no_memory = t->over = t->paused = false;
    t->error[0] = '\0';
    t->heard_us = gt_clock_mono_us();
    if (!set_options(t, request, err))
        return false;
    if (curl_multi_add_handle(t->client->multi, t->easy) != CURLM_OK)
        return gt_fail(err, GT_ERR_NOMEM, "out of memory");
    t->running = true;
    return true;
}

bool gt_transfer_perform(gt_kube_client *client)
{
    int running, left;
    CURLMcode status = curl_multi_perform(client->multi, &running);
    for (CURLMsg *m; (m = curl_multi_info_read(client->multi, &left)) != NULL;) {
        gt_transfer *t = NULL;
        if (m->msg != CURLMSG_DONE || curl_easy_getinfo(m->easy_handle, CURLINFO_PRIVATE, &t) != CURLE_OK)
            continue;
        t->result = m->data.result;
        t->over = true;
        gt_transfer_stop(t); /* which frees m */
    }
    return status == CURLM_OK;
}
