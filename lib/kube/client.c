#include "lib/kube/transfer.h"

#include <stdio.h>
#include <stdlib.h>

#include "lib/kube/call.h"

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
    client->agent = strdup(agent);
    client->arena = gt_arena_new(0);
    bool ok = url != NULL && client->multi != NULL && client->agent != NULL && client->arena != NULL;
    ok = ok ? set_up_url(client, url, err) : gt_fail(err, GT_ERR_NOMEM, "out of memory");
    curl_url_cleanup(url);
    return ok && gt_transfer_init(&client->own, client, false, err);
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
    while (client->first != NULL)
        gt_kube_cancel(client->first);
    gt_transfer_free(&client->own);
    curl_multi_cleanup(client->multi);
    curl_slist_free_all(client->connect_to);
    gt_arena_free(client->arena);
    free(client->agent);
    free(client->base);
    free(client->host);
    explicit_bzero(client->token, sizeof client->token);
    free(client);
}

void gt_kube_client_cleanup(gt_kube_client **client)
{
    gt_kube_client_free(*client);
    *client = NULL;
}

/* What is on its way besides goes on meanwhile; it's gt_kube_drive that tells its handlers. */
bool gt_kube_do(gt_kube_client *client, gt_arena *arena, const gt_kube_request *request, gt_kube_answer *answer,
                gt_err *err)
{
    gt_transfer *t = &client->own;
    *answer = (gt_kube_answer){.retry_after_ms = -1};
    if (!gt_transfer_start(t, request, err))
        return false;
    t->result = CURLE_FAILED_INIT;
    while (gt_transfer_perform(client) && !t->over)
        curl_multi_poll(client->multi, NULL, 0, 1000, NULL);
    gt_transfer_stop(t);
    return gt_transfer_answer(t, arena, answer, err);
}
