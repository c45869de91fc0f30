/* The calls that we make, in terms of objects. See client.h for errors, memory and threads. */
#ifndef GT_LIB_KUBE_API_H
#define GT_LIB_KUBE_API_H

#include "lib/json/value.h"
#include "lib/kube/client.h"

typedef struct gt_kube_kind {
    const char *group; /* "" for the core group */
    const char *version, *plural;
} gt_kube_kind;

extern const gt_kube_kind gt_kube_pods, gt_kube_claims, gt_kube_accounts, gt_kube_secrets, gt_kube_config_maps,
    gt_kube_events;                          /* core */
extern const gt_kube_kind gt_kube_revisions; /* apps/v1 controllerrevisions */
extern const gt_kube_kind gt_kube_classes;   /* storage.k8s.io/v1 storageclasses */
extern const gt_kube_kind gt_kube_leases;    /* coordination.k8s.io/v1 */
/* admissionregistration.k8s.io/v1: webhook configurations, validating admission policies and their bindings */
extern const gt_kube_kind gt_kube_mutating, gt_kube_validating, gt_kube_policies, gt_kube_policy_bindings;

/* "/apis/group/version/namespaces/ns/plural/name"; ns NULL: all namespaces, or a kind that has none; name NULL: the collection.
 * Every part is percent-encoded. */
char *gt_kube_path(gt_arena *arena, const gt_kube_kind *kind, const char *ns, const char *name);

/* The same with "/subresource" behind it. */
char *gt_kube_subpath(gt_arena *arena, const gt_kube_kind *kind, const char *ns, const char *name,
                      const char *subresource);

/* Appends "?key=value", or "&key=value" where there's one already, escaped. value NULL: nothing. */
void gt_kube_add_query(gt_buf *path, const char *key, const char *value);

/* answer->object is the object as the server has it. GT_ERR_CONFLICT with answer->reason AlreadyExists: the name is taken. */
bool gt_kube_create(gt_kube_client *client, gt_arena *arena, const gt_kube_kind *kind, const char *ns,
                    const gt_value *object, gt_kube_answer *answer, gt_err *err);
bool gt_kube_get(gt_kube_client *client, gt_arena *arena, const gt_kube_kind *kind, const char *ns, const char *name,
                 gt_kube_answer *answer, gt_err *err);

/* uid NULL: whatever has that name now; else GT_ERR_CONFLICT when the object has another one. grace_s < 0: the object's own. The
 * object may stay for a while, with a deletionTimestamp. */
bool gt_kube_delete(gt_kube_client *client, gt_arena *arena, const gt_kube_kind *kind, const char *ns, const char *name,
                    const char *uid, int64_t grace_s, gt_kube_answer *answer, gt_err *err);

/* Requests for gt_kube_do and gt_kube_start; all memory is the arena's. subresource: "status", or NULL. */
gt_kube_request gt_kube_create_request(gt_arena *arena, const gt_kube_kind *kind, const char *ns,
                                       const gt_value *object);
gt_kube_request gt_kube_delete_request(gt_arena *arena, const gt_kube_kind *kind, const char *ns, const char *name,
                                       const char *uid);
/* Server-side apply, forced: `object` has apiVersion, kind, metadata.name and what `manager` means to own. */
gt_kube_request gt_kube_apply_request(gt_arena *arena, const gt_kube_kind *kind, const char *ns, const char *name,
                                      const char *subresource, const char *manager, const gt_value *object);
/* A JSON merge patch (RFC 7386). */
gt_kube_request gt_kube_merge_request(gt_arena *arena, const gt_kube_kind *kind, const char *ns, const char *name,
                                      const char *subresource, const gt_value *patch);

/* An Event (core/v1) about an object, to be created in the object's namespace (default, if it has none). A later one with the same object, reason and message is another
 * object: whoever reports must not repeat itself. warning: its type is Warning, else Normal. */
typedef struct gt_kube_event {
    const char *api_version, *kind, *ns, *name, *uid; /* the object; uid NULL: not known */
    const char *event_name;                           /* of the Event itself; NULL: the API server makes one */
    bool warning;
    const char *reason;    /* CamelCase */
    gt_str message;        /* cut at 1,000 bytes */
    const char *component; /* reportingComponent */
    const char *instance;  /* reportingInstance */
    int64_t wall_ms;
} gt_kube_event;
gt_kube_request gt_kube_event_request(gt_arena *arena, const gt_kube_event *event);

/* One page of a list, as it was answered. GT_ERR_ENV: it's something else. */
typedef struct gt_kube_page {
    gt_view items;        /* an array, or nothing; each without apiVersion and kind */
    gt_str version, next; /* next: for `continue`, empty after the last one */
} gt_kube_page;
bool gt_kube_read_page(gt_view answer, gt_kube_page *page, gt_err *err);

typedef struct gt_kube_list {
    const char *ns, *labels;                                  /* labels: a selector, or NULL */
    int64_t page;                                             /* objects in a page; 0: 500 */
    bool (*each)(void *context, gt_view object, gt_err *err); /* false ends the listing */
    void *context;
    gt_arena *arena; /* the objects live here */
    gt_str version;  /* out: the list's resourceVersion, where a watch begins */
    size_t count;    /* out: objects given to each */
} gt_kube_list;

/* All pages, one after the other. False: it isn't complete, whatever `each` has seen. When the continue token has expired (410) the
 * listing begins anew, at most twice; `restart` (may be NULL) is told, so that what was collected can be dropped. */
bool gt_kube_list_all(gt_kube_client *client, const gt_kube_kind *kind, gt_kube_list *list,
                      void (*restart)(void *context), gt_err *err);

#endif
