/* What an answer means: the API's own words where there are any, and how it begins where it isn't the API's. */
#include "lib/kube/transfer.h"

enum { RETRY_AFTER_MAX_S = 3600 };

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
static bool strange(const gt_transfer *t, gt_arena *arena, int status, gt_err_kind kind, const char *why, gt_err *err)
{
    const char *type = NULL;
    curl_easy_getinfo(t->easy, CURLINFO_CONTENT_TYPE, &type);
    gt_str start = one_line(arena, (gt_str){t->at, t->len}, 160);
    gt_str shown = one_line(arena, gt_str_of(type == NULL ? "no content type" : type), 60);
    gt_fail(err, kind, "HTTP %d with %s (%.*s)%s%.*s", status, why, GT_STR_ARG(shown), start.len == 0 ? "" : ": ",
            GT_STR_ARG(start));
    err->code = status;
    return false;
}

bool gt_status_fail(gt_arena *arena, gt_view status, int code, gt_str *reason, gt_str *message, gt_err *err)
{
    *reason = one_line(arena, gt_view_str(gt_view_get(status, "reason")), 100);
    *message = one_line(arena, gt_view_str(gt_view_get(status, "message")), 4000);
    gt_str why = message->len > 0 ? *message : GT_STR("the server doesn't say why");
    gt_str what = reason->len > 0 ? *reason : GT_STR("Status");
    gt_fail(err, kind_of(code), "%d %.*s: %.*s", code, GT_STR_ARG(what), GT_STR_ARG(why));
    err->code = code;
    return false;
}

static bool transfer_failed(const gt_transfer *t, gt_err *err)
{
    if (t->too_large)
        return gt_fail(err, GT_ERR_LIMIT, "the answer has %s %zu bytes",
                       t->stream && gt_transfer_status(t) == 200 ? "a line of more than" : "more than", t->most);
    if (t->no_memory || t->result == CURLE_OUT_OF_MEMORY)
        return gt_fail(err, GT_ERR_NOMEM, "out of memory");
    return gt_fail(err, GT_ERR_ENV, "%s: %s", t->client->config->server,
                   t->error[0] == '\0' ? curl_easy_strerror(t->result) : t->error);
}

bool gt_transfer_answer(gt_transfer *t, gt_arena *arena, gt_kube_answer *answer, gt_err *err)
{
    curl_off_t retry_after = 0;
    gt_err broken;
    *answer = (gt_kube_answer){.status = gt_transfer_status(t), .retry_after_ms = -1};
    curl_easy_getinfo(t->easy, CURLINFO_RETRY_AFTER, &retry_after);
    if (retry_after > 0)
        answer->retry_after_ms = (retry_after > RETRY_AFTER_MAX_S ? RETRY_AFTER_MAX_S : retry_after) * 1000;
    if (t->result != CURLE_OK)
        return transfer_failed(t, err);
    bool ok = answer->status >= 200 && answer->status < 300;
    if (t->stream && answer->status == 200)
        return t->len == 0 || strange(t, arena, 200, GT_ERR_ENV, "a last line that doesn't end", err);
    bool is_json = t->len > 0 && gt_view_parse(arena, (gt_str){t->at, t->len}, 0, &answer->object, &broken);
    if (!ok && !gt_view_is(gt_view_get(answer->object, "kind"), "Status"))
        return strange(t, arena, answer->status, kind_of(answer->status), "no Status of an API server", err);
    if (!ok)
        return gt_status_fail(arena, answer->object, answer->status, &answer->reason, &answer->message, err);
    if (t->len == 0)
        return strange(t, arena, answer->status, GT_ERR_ENV, "an empty answer", err);
    if (!is_json || gt_view_type_of(answer->object) != GT_VIEW_OBJECT)
        return strange(t, arena, answer->status, GT_ERR_ENV, "an answer that isn't a JSON object", err);
    return true;
}
