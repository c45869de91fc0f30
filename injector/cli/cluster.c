/* Talking to a cluster: which one, and its templates. */
#include "injector/cli/cluster.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "catalogue/kinds.h"
#include "catalogue/report.h"
#include "catalogue/revisions.h"

enum { NOT_FOUND = 404, FORBIDDEN = 403 };

/* ---- which ---- */

static const char *named(const char *text)
{
    return text == NULL || text[0] == '\0' ? NULL : text;
}

/* NULL: none. */
static const char *kubeconfig_path(gt_arena *arena, const gt_cli *cli)
{
    const char *path = named(cli->kubeconfig), *home = named(getenv("HOME"));
    if (path == NULL)
        path = named(getenv("KUBECONFIG"));
    if (path != NULL || home == NULL)
        return path;
    path = gt_arena_printf(arena, "%s/.kube/config", home);
    return access(path, F_OK) == 0 ? path : NULL;
}

static int configure(gt_arena *arena, const gt_cli *cli, const char *instead, gt_kube_config *config)
{
    const char *path = kubeconfig_path(arena, cli), *host = getenv("KUBERNETES_SERVICE_HOST");
    gt_err err;
    if (path == NULL && (named(host) == NULL || cli->context != NULL))
        return gt_cli_complain(GT_EXIT_USAGE,
                               "which cluster? --kubeconfig FILE names one ($KUBECONFIG isn't set, and there is no "
                               "~/.kube/config)%s",
                               instead);
    bool ok = path != NULL ? gt_kube_config_load(arena, path, cli->context, config, &err)
                           : gt_kube_config_in_cluster(arena, host, getenv("KUBERNETES_SERVICE_PORT"),
                                                       GT_KUBE_SERVICE_ACCOUNT, config, &err);
    return ok ? GT_EXIT_OK : gt_cli_complain(GT_EXIT_ENVIRONMENT, "%s", err.text);
}

int gt_cli_cluster_open(gt_arena *arena, const gt_cli *cli, const char *instead, gt_cli_cluster **cluster)
{
    gt_cli_cluster *c = GT_NEW(arena, gt_cli_cluster);
    gt_err err;
    *cluster = NULL;
    if (cli->ns != NULL && cli->all_namespaces)
        return gt_cli_complain(GT_EXIT_USAGE, "--namespace and --all-namespaces exclude each other");
    int status = configure(arena, cli, instead, &c->config);
    if (status != GT_EXIT_OK)
        return status;
    if (!gt_kube_client_new(&c->config, "gastown-inject/" GT_VERSION, &c->client, &err))
        return gt_cli_complain(GT_EXIT_ENVIRONMENT, "%s", err.text);
    c->home = cli->ns != NULL ? cli->ns : named(c->config.ns) != NULL ? c->config.ns : GT_CLI_NAMESPACE;
    c->ns = cli->all_namespaces ? NULL : c->home;
    *cluster = c;
    return GT_EXIT_OK;
}

void gt_cli_cluster_close(gt_cli_cluster *cluster)
{
    if (cluster != NULL)
        gt_kube_client_free(cluster->client);
}

/* ---- what can't be read ---- */

const char *gt_cli_where(gt_arena *arena, const char *ns)
{
    return ns == NULL ? "in all namespaces" : gt_arena_printf(arena, "in namespace %s", ns);
}

int gt_cli_complain_of(const gt_cli_cluster *cluster, const char *verb, const gt_kube_kind *kind, const char *ns,
                       const gt_err *err)
{
    const char *origin = cluster->config.origin, *in = ns == NULL ? "in all namespaces" : "in namespace ";
    bool ours = strcmp(kind->group, gt_kind_resources[GT_KIND_TOWN].group) == 0;
    if (err->code == NOT_FOUND && ours)
        return gt_cli_complain(GT_EXIT_ENVIRONMENT,
                               "%s: the cluster has no %s.%s: its CRDs aren't installed (gastown-inject crds | kubectl "
                               "apply --server-side "
                               "-f -)",
                               origin, kind->plural, kind->group);
    if (err->code == FORBIDDEN)
        return gt_cli_complain(GT_EXIT_ENVIRONMENT, "%s: may not %s %s %s%s: %s", origin, verb, kind->plural, in,
                               ns == NULL ? "" : ns, err->text);
    return gt_cli_complain(GT_EXIT_ENVIRONMENT, "%s: can't %s %s %s%s: %s", origin, verb, kind->plural, in,
                           ns == NULL ? "" : ns, err->text);
}

/* ---- templates ---- */

/* One listing into the store. What its pages need is free again when it's over. */
typedef struct listing {
    gt_store *store;
    gt_kind kind;
    const char *ns;
    const char *only; /* the name of the one that matters; NULL: all of them do */
    gt_arena *pages;
} listing;

static bool leave_out(const char *kind, gt_view object, const gt_err *err)
{
    gt_str name = gt_view_str(gt_view_get(gt_view_get(object, "metadata"), "name"));
    if (err->kind != GT_ERR_NOMEM)
        gt_cli_complain(0, "%s/%.*s: left out: %s", kind, GT_STR_ARG(name), err->text);
    return err->kind != GT_ERR_NOMEM;
}

static bool put(void *context, gt_view object, gt_err *err)
{
    const listing *l = context;
    bool wanted = l->only == NULL || gt_view_is(gt_view_get(gt_view_get(object, "metadata"), "name"), l->only);
    return !wanted || gt_store_put(l->store, l->kind, object, err) || leave_out(gt_kind_names[l->kind], object, err);
}

static void again(void *context)
{
    const listing *l = context;
    gt_store_mark(l->store, l->kind, l->ns);
}

static bool list(gt_cli_cluster *cluster, void *context, gt_err *err)
{
    listing *l = context;
    gt_kube_list request = {.ns = l->ns, .each = put, .context = l, .arena = l->pages};
    again(l);
    if (!gt_kube_list_all(cluster->client, &gt_kind_resources[l->kind], &request, again, err))
        return false;
    gt_store_sweep(l->store, l->kind, l->ns);
    return true;
}

/* Versions that were good once, which the webhook falls back to: without them we'd judge otherwise than it does. */
static bool recall(void *context, gt_view object, gt_err *err)
{
    const listing *l = context;
    return gt_revision_recall(l->store, object, err) || leave_out("ControllerRevision", object, err);
}

static bool list_revisions(gt_cli_cluster *cluster, void *context, gt_err *err)
{
    listing *l = context;
    gt_kube_list request = {.ns = l->ns, .labels = GT_REVISION_LABEL, .each = recall, .context = l, .arena = l->pages};
    return gt_kube_list_all(cluster->client, &gt_kube_revisions, &request, NULL, err);
}

/* What is listed. `without`: nobody needs the right to read it, and that is what is missing then. */
static const struct row {
    const gt_kube_kind *resource;
    bool (*list)(gt_cli_cluster *cluster, void *context, gt_err *err);
    gt_kind kind;
    bool everywhere; /* it has no namespace */
    const char *only, *without;
} rows[] = {
    {&gt_kind_resources[GT_KIND_TOWN], list, GT_KIND_TOWN, false, NULL, NULL},
    {&gt_kind_resources[GT_KIND_RIG], list, GT_KIND_RIG, false, NULL, NULL},
    {&gt_kind_resources[GT_KIND_POOL], list, GT_KIND_POOL, false, NULL, NULL},
    {&gt_kind_resources[GT_KIND_ACCOUNT], list, GT_KIND_ACCOUNT, false, "default",
     "what pull secrets pods get from the default one isn't known"},
    {&gt_kind_resources[GT_KIND_CLASS], list, GT_KIND_CLASS, true, NULL, "the classes of claims aren't checked"},
    {&gt_kube_revisions, list_revisions, GT_KIND_COUNT, false, NULL,
     "pods that need an object that isn't accepted can't be answered, though the webhook may know a last good version"},
};

static int list_row(gt_cli_cluster *cluster, gt_store *store, const struct row *row, const char *ns)
{
    gt_scoped(gt_arena_cleanup) gt_arena *pages = gt_arena_new(0);
    listing l = {
        .store = store, .kind = row->kind, .ns = row->everywhere ? NULL : ns, .only = row->only, .pages = pages};
    gt_err err;
    if (pages == NULL)
        return gt_cli_complain(GT_EXIT_ENVIRONMENT, "out of memory");
    if (row->list(cluster, &l, &err))
        return GT_EXIT_OK;
    if (err.code != FORBIDDEN || row->without == NULL)
        return gt_cli_complain_of(cluster, "list", row->resource, l.ns, &err);
    if (!cluster->quiet)
        gt_cli_complain(0, "may not list %s: %s", row->resource->plural, row->without);
    return GT_EXIT_OK;
}

static int list_all(gt_cli_cluster *cluster, gt_store *store, const char *ns)
{
    int status = GT_EXIT_OK;
    for (size_t i = 0; status == GT_EXIT_OK && i < sizeof rows / sizeof *rows; i++)
        status = list_row(cluster, store, &rows[i], ns);
    return status;
}

int gt_cli_cluster_load(gt_cli_cluster *cluster, const gt_cli_names *namespaces, gt_store **store,
                        gt_store_report *report)
{
    gt_err err;
    *store = gt_store_new();
    if (*store == NULL)
        return gt_cli_complain(GT_EXIT_ENVIRONMENT, "out of memory");
    const gt_cli_names own = {&cluster->ns, 1};
    namespaces = namespaces->count == 0 ? &own : namespaces;
    int status = GT_EXIT_OK;
    for (size_t i = 0; status == GT_EXIT_OK && i < namespaces->count; i++) {
        status = list_all(cluster, *store, namespaces->at[i]);
        cluster->quiet = true;
    }
    if (status == GT_EXIT_OK && !gt_store_load(*store, report, &err))
        status = gt_cli_complain(GT_EXIT_ENVIRONMENT, "%s: %s", cluster->config.origin, err.text);
    return status;
}

void gt_cli_store_cleanup(gt_store **store)
{
    gt_store_free(*store);
}

size_t gt_cli_store_count(const gt_store *store)
{
    size_t n = 0;
    for (size_t i = 0; i < gt_store_count(store); i++)
        n += gt_store_at(store, i)->kind <= GT_KIND_POOL;
    return n;
}

gt_finding gt_cli_object_finding(gt_arena *arena, const gt_store *store, const gt_finding *finding)
{
    const gt_store_object *o = gt_store_of_document(store, finding->document);
    gt_finding told = *finding;
    if (finding->object.len == 0 || o == NULL)
        return told;
    told.object = gt_str_of(
        gt_arena_printf(arena, o->ns[0] == '\0' ? "%s%s/%s" : "%s/%s/%s", gt_kind_names[o->kind], o->ns, o->name));
    told.file = (gt_str){"", 0};
    return told;
}

void gt_cli_finding_print(gt_buf *line, const gt_finding *finding)
{
    gt_finding told = *finding;
    if (told.file.len == 0) {
        told.file = told.object;
        told.object = (gt_str){"", 0};
    }
    gt_finding_print(line, &told);
}
