#include "lib/kube/api.h"

#include <ctype.h>

enum { PAGE = 500, RESTARTS = 2, GONE = 410 };

const gt_kube_kind gt_kube_pods = {"", "v1", "pods"};

/* RFC 3986: everything that isn't unreserved. "." and ".." are encoded whole, or libcurl would take them out of the path. */
static void add_escaped(gt_buf *buf, const char *text)
{
    bool dots = strcmp(text, ".") == 0 || strcmp(text, "..") == 0;
    for (const char *p = text; *p != '\0'; p++)
        if (isalnum((unsigned char)*p) || (strchr("-_.~", *p) != NULL && !dots))
            gt_buf_byte(buf, *p);
        else
            gt_buf_printf(buf, "%%%02X", (unsigned)(unsigned char)*p);
}

static void add_part(gt_buf *buf, const char *part)
{
    gt_buf_byte(buf, '/');
    add_escaped(buf, part);
}

char *gt_kube_path(gt_arena *arena, const gt_kube_kind *kind, const char *ns, const char *name)
{
    gt_buf buf;
    gt_buf_init(&buf, arena, 128);
    gt_buf_text(&buf, kind->group[0] == '\0' ? "/api" : "/apis");
    if (kind->group[0] != '\0')
        add_part(&buf, kind->group);
    add_part(&buf, kind->version);
    if (ns != NULL) {
        gt_buf_text(&buf, "/namespaces");
        add_part(&buf, ns);
    }
    add_part(&buf, kind->plural);
    if (name != NULL)
        add_part(&buf, name);
    return buf.at;
}

static bool send_value(gt_kube_client *client, gt_arena *arena, const char *method, const char *path,
                       const gt_value *value, gt_kube_answer *answer, gt_err *err)
{
    gt_buf body;
    gt_buf_init(&body, arena, 1024);
    gt_value_print(&body, value);
    gt_kube_request request = {
        .method = method, .path = path, .content_type = "application/json", .body = gt_buf_slice(&body)};
    return gt_kube_do(client, arena, &request, answer, err);
}

bool gt_kube_create(gt_kube_client *client, gt_arena *arena, const gt_kube_kind *kind, const char *ns,
                    const gt_value *object, gt_kube_answer *answer, gt_err *err)
{
    return send_value(client, arena, "POST", gt_kube_path(arena, kind, ns, NULL), object, answer, err);
}

bool gt_kube_get(gt_kube_client *client, gt_arena *arena, const gt_kube_kind *kind, const char *ns, const char *name,
                 gt_kube_answer *answer, gt_err *err)
{
    gt_kube_request request = {.method = "GET", .path = gt_kube_path(arena, kind, ns, name)};
    return gt_kube_do(client, arena, &request, answer, err);
}

bool gt_kube_delete(gt_kube_client *client, gt_arena *arena, const gt_kube_kind *kind, const char *ns, const char *name,
                    const char *uid, int64_t grace_s, gt_kube_answer *answer, gt_err *err)
{
    gt_value *options = gt_value_object(arena);
    gt_value_put(arena, options, "kind", gt_value_text(arena, "DeleteOptions"));
    gt_value_put(arena, options, "apiVersion", gt_value_text(arena, "v1"));
    if (grace_s >= 0)
        gt_value_put(arena, options, "gracePeriodSeconds", gt_value_int(arena, grace_s));
    if (uid != NULL) {
        gt_value *preconditions = gt_value_object(arena);
        gt_value_put(arena, preconditions, "uid", gt_value_text(arena, uid));
        gt_value_put(arena, options, "preconditions", preconditions);
    }
    return send_value(client, arena, "DELETE", gt_kube_path(arena, kind, ns, name), options, answer, err);
}

/* ---- lists ---- */

static char *page_path(const gt_kube_kind *kind, const gt_kube_list *list, const char *next)
{
    gt_buf buf;
    gt_buf_init(&buf, list->arena, 256);
    gt_buf_text(&buf, gt_kube_path(list->arena, kind, list->ns, NULL));
    gt_buf_printf(&buf, "?limit=%lld", (long long)(list->page == 0 ? PAGE : list->page));
    if (list->labels != NULL) {
        gt_buf_text(&buf, "&labelSelector=");
        add_escaped(&buf, list->labels);
    }
    if (next != NULL) {
        gt_buf_text(&buf, "&continue=");
        add_escaped(&buf, next);
    }
    return buf.at;
}

static bool take_page(gt_kube_list *list, gt_view page, gt_err *err)
{
    gt_view items = gt_view_get(page, "items");
    gt_view_type type = gt_view_type_of(items);
    if (type != GT_VIEW_ARRAY && type != GT_VIEW_NULL) /* Go writes an empty list as null here and there */
        return gt_fail(err, GT_ERR_ENV, "a list whose items are %s", gt_view_type_name(type));
    GT_VIEW_EACH (object, items) {
        if (!list->each(list->context, object, err))
            return false;
        list->count++;
    }
    return true;
}

bool gt_kube_list_all(gt_kube_client *client, const gt_kube_kind *kind, gt_kube_list *list,
                      void (*restart)(void *context), gt_err *err)
{
    const char *next = NULL;
    int restarts = 0;
    list->count = 0;
    for (;;) {
        gt_kube_answer answer;
        gt_kube_request request = {.method = "GET", .path = page_path(kind, list, next)};
        if (!gt_kube_do(client, list->arena, &request, &answer, err)) {
            if (answer.status != GONE || next == NULL || restarts++ == RESTARTS)
                return false;
            next = NULL;
            list->count = 0;
            if (restart != NULL)
                restart(list->context);
            continue;
        }
        if (!take_page(list, answer.object, err))
            return false;
        gt_view meta = gt_view_get(answer.object, "metadata");
        gt_str token = gt_view_str(gt_view_get(meta, "continue"));
        list->version = gt_view_str(gt_view_get(meta, "resourceVersion"));
        if (token.len == 0)
            return true;
        next = gt_arena_dup(list->arena, token.at, token.len);
    }
}
