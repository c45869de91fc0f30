#include "lib/kube/api.h"

#include <ctype.h>

#include "lib/base/clock.h"

enum { PAGE = 500, RESTARTS = 2, GONE = 410, EVENT_MESSAGE = 1000 };

const gt_kube_kind gt_kube_pods = {"", "v1", "pods"};
const gt_kube_kind gt_kube_claims = {"", "v1", "persistentvolumeclaims"};
const gt_kube_kind gt_kube_accounts = {"", "v1", "serviceaccounts"};
const gt_kube_kind gt_kube_secrets = {"", "v1", "secrets"};
const gt_kube_kind gt_kube_config_maps = {"", "v1", "configmaps"};
const gt_kube_kind gt_kube_events = {"", "v1", "events"};
const gt_kube_kind gt_kube_revisions = {"apps", "v1", "controllerrevisions"};
const gt_kube_kind gt_kube_classes = {"storage.k8s.io", "v1", "storageclasses"};
const gt_kube_kind gt_kube_leases = {"coordination.k8s.io", "v1", "leases"};
const gt_kube_kind gt_kube_mutating = {"admissionregistration.k8s.io", "v1", "mutatingwebhookconfigurations"};
const gt_kube_kind gt_kube_validating = {"admissionregistration.k8s.io", "v1", "validatingwebhookconfigurations"};
const gt_kube_kind gt_kube_policies = {"admissionregistration.k8s.io", "v1", "validatingadmissionpolicies"};
const gt_kube_kind gt_kube_policy_bindings = {"admissionregistration.k8s.io", "v1",
                                              "validatingadmissionpolicybindings"};

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

char *gt_kube_subpath(gt_arena *arena, const gt_kube_kind *kind, const char *ns, const char *name,
                      const char *subresource)
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
    if (subresource != NULL)
        add_part(&buf, subresource);
    return buf.at;
}

char *gt_kube_path(gt_arena *arena, const gt_kube_kind *kind, const char *ns, const char *name)
{
    return gt_kube_subpath(arena, kind, ns, name, NULL);
}

void gt_kube_add_query(gt_buf *path, const char *key, const char *value)
{
    if (value == NULL)
        return;
    gt_buf_byte(path, strchr(path->at, '?') == NULL ? '?' : '&');
    add_escaped(path, key);
    gt_buf_byte(path, '=');
    add_escaped(path, value);
}

/* ---- requests ---- */

static gt_kube_request value_request(gt_arena *arena, const char *method, const char *path, const char *content_type,
                                     const gt_value *value)
{
    gt_buf body;
    gt_buf_init(&body, arena, 1024);
    gt_value_print(&body, value);
    return (gt_kube_request){.method = method, .path = path, .content_type = content_type, .body = gt_buf_slice(&body)};
}

gt_kube_request gt_kube_create_request(gt_arena *arena, const gt_kube_kind *kind, const char *ns,
                                       const gt_value *object)
{
    return value_request(arena, "POST", gt_kube_path(arena, kind, ns, NULL), "application/json", object);
}

static gt_kube_request delete_request(gt_arena *arena, const gt_kube_kind *kind, const char *ns, const char *name,
                                      const char *uid, int64_t grace_s)
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
    return value_request(arena, "DELETE", gt_kube_path(arena, kind, ns, name), "application/json", options);
}

gt_kube_request gt_kube_delete_request(gt_arena *arena, const gt_kube_kind *kind, const char *ns, const char *name,
                                       const char *uid)
{
    return delete_request(arena, kind, ns, name, uid, -1);
}

gt_kube_request gt_kube_apply_request(gt_arena *arena, const gt_kube_kind *kind, const char *ns, const char *name,
                                      const char *subresource, const char *manager, const gt_value *object)
{
    gt_buf path;
    gt_buf_init(&path, arena, 256);
    gt_buf_text(&path, gt_kube_subpath(arena, kind, ns, name, subresource));
    gt_kube_add_query(&path, "fieldManager", manager);
    gt_kube_add_query(&path, "force", "true");
    return value_request(arena, "PATCH", path.at, "application/apply-patch+yaml", object); /* JSON is YAML */
}

gt_kube_request gt_kube_merge_request(gt_arena *arena, const gt_kube_kind *kind, const char *ns, const char *name,
                                      const char *subresource, const gt_value *patch)
{
    return value_request(arena, "PATCH", gt_kube_subpath(arena, kind, ns, name, subresource),
                         "application/merge-patch+json", patch);
}

/* ---- events ---- */

static void put_text(gt_arena *arena, gt_value *object, const char *key, const char *text)
{
    if (text != NULL && text[0] != '\0')
        gt_value_put(arena, object, key, gt_value_text(arena, text));
}

static gt_value *event_object(gt_arena *arena, const gt_kube_event *event)
{
    gt_value *object = gt_value_object(arena);
    put_text(arena, object, "apiVersion", event->api_version);
    put_text(arena, object, "kind", event->kind);
    put_text(arena, object, "namespace", event->ns);
    put_text(arena, object, "name", event->name);
    put_text(arena, object, "uid", event->uid);
    return object;
}

gt_kube_request gt_kube_event_request(gt_arena *arena, const gt_kube_event *event)
{
    const char *ns = event->ns == NULL ? "default" : event->ns; /* as client-go, for an object that has none */
    char time[GT_CLOCK_TEXT];
    gt_clock_text(event->wall_ms, 0, time);
    gt_str message = event->message;
    message.len = message.len < EVENT_MESSAGE ? message.len : EVENT_MESSAGE;
    message.len = gt_str_utf8_len(message);
    gt_value *all = gt_value_object(arena), *meta = gt_value_object(arena), *source = gt_value_object(arena);
    put_text(arena, meta, "namespace", ns);
    if (event->event_name != NULL)
        put_text(arena, meta, "name", event->event_name);
    else
        put_text(arena, meta, "generateName", gt_arena_printf(arena, "%s.", event->name));
    put_text(arena, source, "component", event->component);
    put_text(arena, all, "apiVersion", "v1");
    put_text(arena, all, "kind", "Event");
    gt_value_put(arena, all, "metadata", meta);
    gt_value_put(arena, all, "involvedObject", event_object(arena, event));
    put_text(arena, all, "type", event->warning ? "Warning" : "Normal");
    put_text(arena, all, "reason", event->reason);
    gt_value_put(arena, all, "message", gt_value_string(arena, message));
    gt_value_put(arena, all, "source", source);
    put_text(arena, all, "firstTimestamp", time);
    put_text(arena, all, "lastTimestamp", time);
    gt_value_put(arena, all, "count", gt_value_int(arena, 1));
    put_text(arena, all, "reportingComponent", event->component);
    put_text(arena, all, "reportingInstance", event->instance);
    return gt_kube_create_request(arena, &gt_kube_events, ns, all);
}

/* ---- calls ---- */

bool gt_kube_create(gt_kube_client *client, gt_arena *arena, const gt_kube_kind *kind, const char *ns,
                    const gt_value *object, gt_kube_answer *answer, gt_err *err)
{
    gt_kube_request request = gt_kube_create_request(arena, kind, ns, object);
    return gt_kube_do(client, arena, &request, answer, err);
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
    gt_kube_request request = delete_request(arena, kind, ns, name, uid, grace_s);
    return gt_kube_do(client, arena, &request, answer, err);
}

/* ---- lists ---- */

bool gt_kube_read_page(gt_view answer, gt_kube_page *page, gt_err *err)
{
    gt_view meta = gt_view_get(answer, "metadata");
    gt_view_type type = gt_view_type_of(gt_view_get(answer, "items"));
    *page = (gt_kube_page){.items = gt_view_get(answer, "items"),
                           .version = gt_view_str(gt_view_get(meta, "resourceVersion")),
                           .next = gt_view_str(gt_view_get(meta, "continue"))};
    if (type != GT_VIEW_ARRAY && type != GT_VIEW_NULL) /* Go writes an empty list as null here and there */
        return gt_fail(err, GT_ERR_ENV, "a list whose items are %s", gt_view_type_name(type));
    if (page->version.len == 0)
        return gt_fail(err, GT_ERR_ENV, "a list without metadata.resourceVersion");
    return true;
}

static char *page_path(const gt_kube_kind *kind, const gt_kube_list *list, const char *next)
{
    gt_buf buf;
    gt_buf_init(&buf, list->arena, 256);
    gt_buf_text(&buf, gt_kube_path(list->arena, kind, list->ns, NULL));
    gt_buf_printf(&buf, "?limit=%lld", (long long)(list->page == 0 ? PAGE : list->page));
    gt_kube_add_query(&buf, "labelSelector", list->labels);
    gt_kube_add_query(&buf, "continue", next);
    return buf.at;
}

static bool take_page(gt_kube_list *list, const gt_kube_page *page, gt_err *err)
{
    GT_VIEW_EACH (object, page->items) {
        if (!list->each(list->context, object, err))
            return false;
        list->count++;
    }
    list->version = page->version;
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
        gt_kube_page page;
        if (!gt_kube_read_page(answer.object, &page, err) || !take_page(list, &page, err))
            return false;
        if (page.next.len == 0)
            return true;
        next = gt_arena_dup(list->arena, page.next.at, page.next.len);
    }
}
