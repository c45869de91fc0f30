#include "lib/kube/config.h"

#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

#include "lib/base/hash.h"
#include "lib/kube/exec.h"
#include "lib/kube/file.h"
#include "lib/yaml/yaml.h"

enum { MOST_BYTES = 1024 * 1024, MOST_FILES = 32 };

typedef struct source {
    const char *path;
    const gt_value *root;
} source;

typedef struct loading {
    gt_arena *arena;
    source files[MOST_FILES];
    size_t count;
    const char *context;
    gt_err *err;
} loading;

/* One named entry: contexts[].context, clusters[].cluster, users[].user. */
typedef struct entry {
    const source *file;
    const char *kind;
    gt_str name;
    const gt_value *fields;
} entry;

static bool entry_fail(const loading *l, const entry *e, const char *what)
{
    return gt_fail(l->err, GT_ERR_INPUT, "kubeconfig %s: %s \"%.*s\": %s", e->file->path, e->kind, GT_STR_ARG(e->name),
                   what);
}

/* A text of an entry, or NULL when it's missing, null or empty. */
static bool text_of(const loading *l, const entry *e, const char *key, const char **text)
{
    const gt_value *value = gt_value_get(e->fields, key);
    *text = NULL;
    if (value == NULL || value->type == GT_VALUE_NULL)
        return true;
    if (value->type != GT_VALUE_STRING || strlen(value->text.at) != value->text.len)
        return entry_fail(l, e,
                          gt_arena_printf(l->arena, "%s must be a string, and is %s", key, gt_value_type_name(value)));
    if (value->text.len > 0)
        *text = value->text.at;
    return true;
}

static bool flag_of(const loading *l, const entry *e, const char *key, bool *flag)
{
    const gt_value *value = gt_value_get(e->fields, key);
    *flag = gt_value_true(value);
    if (value == NULL || value->type == GT_VALUE_NULL || value->type == GT_VALUE_BOOL)
        return true;
    return entry_fail(l, e,
                      gt_arena_printf(l->arena, "%s must be true or false, and is %s", key, gt_value_type_name(value)));
}

/* A path of the kubeconfig, as seen from where we stand. */
static const char *path_of(const loading *l, const source *file, const char *path)
{
    const char *slash = strrchr(file->path, '/');
    if (path == NULL || path[0] == '/' || slash == NULL)
        return path;
    return gt_arena_printf(l->arena, "%.*s/%s", (int)(slash - file->path), file->path, path);
}

/* ---- files ---- */

static bool load_file(loading *l, const char *path, bool may_be_missing)
{
    gt_str text;
    gt_yaml_docs docs;
    if (may_be_missing && access(path, F_OK) != 0 && errno == ENOENT)
        return true;
    if (l->count == MOST_FILES)
        return gt_fail(l->err, GT_ERR_LIMIT, "more than %d kubeconfig files", MOST_FILES);
    if (!gt_kube_read_file(l->arena, path, MOST_BYTES, &text, l->err))
        return gt_wrap(l->err, "kubeconfig");
    if (!gt_yaml_load(l->arena, text, &docs, l->err))
        return gt_wrap(l->err, "kubeconfig %s", path);
    if (docs.count != 1 || docs.at[0]->type != GT_VALUE_OBJECT)
        return gt_fail(l->err, GT_ERR_INPUT, "kubeconfig %s: must be one object, and is %s", path,
                       docs.count == 0  ? "empty"
                       : docs.count > 1 ? "several documents"
                                        : gt_value_type_name(docs.at[0]));
    l->files[l->count++] = (source){path, docs.at[0]};
    return true;
}

static bool load_files(loading *l, const char *list)
{
    bool several = strchr(list, ':') != NULL;
    for (const char *at = list; at != NULL;) {
        const char *colon = strchr(at, ':');
        const char *path = colon == NULL ? at : gt_arena_dup(l->arena, at, (size_t)(colon - at));
        if (path[0] != '\0' && !load_file(l, path, several))
            return false;
        at = colon == NULL ? NULL : colon + 1;
    }
    if (l->count == 0)
        return gt_fail(l->err, GT_ERR_ENV, "kubeconfig: none of the files in \"%s\" is there", list);
    return true;
}

/* The names in a list of entries, for a message. */
static const char *names_in(const loading *l, const char *list)
{
    gt_buf buf;
    gt_buf_init(&buf, l->arena, 64);
    for (size_t i = 0; i < l->count; i++)
        GT_VALUE_EACH (item, gt_value_get(l->files[i].root, list)) {
            gt_str name = gt_value_str(gt_value_get(item, "name"));
            gt_buf_printf(&buf, "%s%.*s", buf.len == 0 ? "" : ", ", GT_STR_ARG(name));
        }
    return buf.len == 0 ? "none" : buf.at;
}

static bool find(const loading *l, const char *list, const char *kind, gt_str name, entry *e)
{
    for (size_t i = 0; i < l->count; i++)
        GT_VALUE_EACH (item, gt_value_get(l->files[i].root, list)) {
            if (!gt_str_eq(gt_value_str(gt_value_get(item, "name")), name))
                continue;
            *e = (entry){&l->files[i], kind, name, gt_value_get(item, kind)};
            if (e->fields == NULL || e->fields->type != GT_VALUE_OBJECT)
                return entry_fail(
                    l, e, gt_arena_printf(l->arena, "must be an object, and is %s", gt_value_type_name(e->fields)));
            return true;
        }
    return gt_fail(l->err, GT_ERR_INPUT, "kubeconfig %s: no %s \"%.*s\" (there are: %s)", l->files[0].path, kind,
                   GT_STR_ARG(name), names_in(l, list));
}

/* ---- what entries say ---- */

/* PEM from <key>-data (base64), else from the file that <key> names. */
static bool pem_of(const loading *l, const entry *e, const char *key, gt_str *pem)
{
    const char *data_key = gt_arena_printf(l->arena, "%s-data", key), *data, *path;
    if (!text_of(l, e, data_key, &data) || !text_of(l, e, key, &path))
        return false;
    if (data != NULL) {
        gt_buf bare; /* as Go's decoder: line ends don't count */
        gt_buf_init(&bare, l->arena, strlen(data));
        for (const char *p = data; *p != '\0'; p++)
            if (strchr(" \t\r\n", *p) == NULL)
                gt_buf_byte(&bare, *p);
        if (!gt_base64_decode(l->arena, gt_buf_slice(&bare), pem))
            return entry_fail(l, e, gt_arena_printf(l->arena, "%s isn't base64", data_key));
        key = data_key;
    } else if (path != NULL) {
        if (!gt_kube_read_file(l->arena, path_of(l, e->file, path), MOST_BYTES, pem, l->err))
            return gt_wrap(l->err, "kubeconfig %s: %s \"%.*s\": %s", e->file->path, e->kind, GT_STR_ARG(e->name), key);
    }
    if ((data != NULL || path != NULL) && memmem(pem->at, pem->len, "-----BEGIN ", 11) == NULL)
        return entry_fail(l, e, gt_arena_printf(l->arena, "%s isn't PEM", key));
    return true;
}

static bool read_cluster(const loading *l, const entry *e, gt_kube_config *config)
{
    const char *server;
    if (!text_of(l, e, "server", &server) || !text_of(l, e, "tls-server-name", &config->tls_server_name) ||
        !text_of(l, e, "proxy-url", &config->proxy) || !flag_of(l, e, "insecure-skip-tls-verify", &config->insecure) ||
        !pem_of(l, e, "certificate-authority", &config->ca))
        return false;
    if (server == NULL)
        return entry_fail(l, e, "it has no server");
    if (strncmp(server, "https://", 8) != 0 && strncmp(server, "http://", 7) != 0)
        return entry_fail(
            l, e, gt_arena_printf(l->arena, "server must start with https:// or http://, and is \"%s\"", server));
    if (config->insecure && config->ca.len > 0)
        return entry_fail(l, e, "insecure-skip-tls-verify and a certificate-authority: only one can be meant");
    size_t n = strlen(server);
    while (server[n - 1] == '/')
        n--;
    config->server = gt_arena_dup(l->arena, server, n);
    return true;
}

/* What we would have to do and can't. */
static bool refuse_others(const loading *l, const entry *e)
{
    static const struct {
        const char *key, *what;
    } others[] = {
        {"auth-provider", "auth-provider isn't supported (Kubernetes removed it in 1.26)"},
        {"as", "impersonation (as) isn't supported"},
        {"as-uid", "impersonation (as-uid) isn't supported"},
        {"as-groups", "impersonation (as-groups) isn't supported"},
        {"as-user-extra", "impersonation (as-user-extra) isn't supported"},
        {"username", "username and password aren't supported (API servers don't take them any more)"},
        {"password", "username and password aren't supported (API servers don't take them any more)"},
    };
    for (size_t i = 0; i < sizeof others / sizeof others[0]; i++) {
        const gt_value *value = gt_value_get(e->fields, others[i].key);
        bool is_empty =
            value == NULL || value->type == GT_VALUE_NULL || (value->type == GT_VALUE_STRING && value->text.len == 0);
        if (!is_empty)
            return entry_fail(l, e, others[i].what);
    }
    return true;
}

/* ---- credential plugins ---- */

/* The texts of a list, each by `text`; NULL-terminated. */
static bool list_of(const loading *l, const entry *e, const char *key,
                    const char *(*text)(gt_arena *arena, const gt_value *item), const char *const **list)
{
    const gt_value *items = gt_value_given(e->fields, key);
    bool is_list = items == NULL || items->type == GT_VALUE_ARRAY;
    const char **texts = GT_NEW_N(l->arena, const char *, (items == NULL ? 0 : (size_t)items->count) + 1);
    size_t n = 0;
    if (!is_list)
        return entry_fail(l, e, gt_arena_printf(l->arena, "%s must be a list", key));
    GT_VALUE_EACH (item, items) {
        texts[n] = text(l->arena, item);
        if (texts[n++] == NULL)
            return entry_fail(l, e, gt_arena_printf(l->arena, "%s[%zu] isn't what it must be", key, n - 1));
    }
    *list = texts;
    return true;
}

static const char *whole_text(const gt_value *value)
{
    bool ok = value != NULL && value->type == GT_VALUE_STRING && strlen(value->text.at) == value->text.len;
    return ok ? value->text.at : NULL;
}

static const char *argument_of(gt_arena *arena, const gt_value *item)
{
    (void)arena;
    return whole_text(item);
}

static const char *variable_of(gt_arena *arena, const gt_value *item)
{
    const char *name = whole_text(gt_value_get(item, "name")), *value = whole_text(gt_value_get(item, "value"));
    if (name == NULL || value == NULL || name[0] == '\0' || strchr(name, '=') != NULL)
        return NULL;
    return gt_arena_printf(arena, "%s=%s", name, value);
}

/* What a plugin may be told of the cluster: spec.cluster of an ExecCredential. */
static const gt_value *cluster_info(const loading *l, const entry *cluster, const gt_kube_config *config)
{
    gt_value *info = gt_value_object(l->arena);
    gt_value_put(l->arena, info, "server", gt_value_text(l->arena, config->server));
    if (config->tls_server_name != NULL)
        gt_value_put(l->arena, info, "tls-server-name", gt_value_text(l->arena, config->tls_server_name));
    if (config->insecure)
        gt_value_put(l->arena, info, "insecure-skip-tls-verify", gt_value_bool(l->arena, true));
    if (config->proxy != NULL)
        gt_value_put(l->arena, info, "proxy-url", gt_value_text(l->arena, config->proxy));
    if (config->ca.len > 0) {
        gt_buf data;
        gt_buf_init(&data, l->arena, config->ca.len * 2);
        gt_base64(&data, config->ca);
        gt_value_put(l->arena, info, "certificate-authority-data", gt_value_string(l->arena, gt_buf_slice(&data)));
    }
    GT_VALUE_EACH (extension, gt_value_get(cluster->fields, "extensions"))
        if (gt_value_is(gt_value_get(extension, "name"), "client.authentication.k8s.io/exec") &&
            gt_value_get(extension, "extension") != NULL)
            gt_value_put(l->arena, info, "config", gt_value_ref(l->arena, gt_value_get(extension, "extension")));
    return info;
}

static bool read_mode(const loading *l, const entry *e, gt_kube_exec *exec)
{
    const char *mode;
    bool is_v1 = strcmp(exec->api_version, "client.authentication.k8s.io/v1") == 0;
    if (!is_v1 && strcmp(exec->api_version, "client.authentication.k8s.io/v1beta1") != 0)
        return entry_fail(l, e,
                          gt_arena_printf(l->arena,
                                          "apiVersion must be client.authentication.k8s.io/v1 or v1beta1, and "
                                          "is \"%s\"",
                                          exec->api_version));
    if (!text_of(l, e, "interactiveMode", &mode))
        return false;
    if (mode == NULL)
        mode = is_v1 ? "" : "IfAvailable";
    bool always = strcmp(mode, "Always") == 0, terminal = isatty(STDIN_FILENO) == 1;
    if (!always && strcmp(mode, "IfAvailable") != 0 && strcmp(mode, "Never") != 0)
        return entry_fail(l, e, "interactiveMode must be Never, IfAvailable or Always");
    if (always && !terminal)
        return entry_fail(l, e, "its interactiveMode is Always, and standard input is no terminal");
    exec->interactive = terminal && strcmp(mode, "Never") != 0;
    exec->timeout_ms = exec->interactive ? GT_KUBE_EXEC_ASKING_MS : GT_KUBE_EXEC_MS;
    return true;
}

static bool run_exec(const loading *l, const entry *user, const entry *cluster, gt_kube_config *config)
{
    const entry e = {user->file, "exec of user", user->name, gt_value_given(user->fields, "exec")};
    gt_kube_exec exec = {0};
    bool tell;
    if (e.fields == NULL)
        return true;
    if (e.fields->type != GT_VALUE_OBJECT)
        return entry_fail(l, &e, "must be an object");
    if (!text_of(l, &e, "command", &exec.command) || !text_of(l, &e, "apiVersion", &exec.api_version) ||
        !text_of(l, &e, "installHint", &exec.hint) || !flag_of(l, &e, "provideClusterInfo", &tell) ||
        !list_of(l, &e, "args", argument_of, &exec.args) || !list_of(l, &e, "env", variable_of, &exec.env))
        return false;
    if (exec.command == NULL || exec.api_version == NULL)
        return entry_fail(l, &e, exec.command == NULL ? "it has no command" : "it has no apiVersion");
    if (!read_mode(l, &e, &exec))
        return false;
    if (config->token != NULL || config->token_file != NULL)
        return true; /* as client-go: what is written down wins */
    if (strchr(exec.command, '/') != NULL)
        exec.command = path_of(l, e.file, exec.command);
    exec.cluster = tell ? cluster_info(l, cluster, config) : NULL;
    if (!gt_kube_exec_run(l->arena, &exec, config, l->err))
        return gt_wrap(l->err, "kubeconfig %s: user \"%.*s\"", e.file->path, GT_STR_ARG(e.name));
    return true;
}

/* ---- users ---- */

static bool read_user(const loading *l, const entry *e, const entry *cluster, gt_kube_config *config)
{
    if (!refuse_others(l, e) || !text_of(l, e, "token", &config->token) ||
        !text_of(l, e, "tokenFile", &config->token_file) || !pem_of(l, e, "client-certificate", &config->cert) ||
        !pem_of(l, e, "client-key", &config->key))
        return false;
    config->token_file = path_of(l, e->file, config->token_file);
    if ((config->cert.len > 0) != (config->key.len > 0))
        return entry_fail(l, e,
                          config->key.len > 0 ? "a client-key without a client-certificate"
                                              : "a client-certificate without a client-key");
    return run_exec(l, e, cluster, config);
}

static bool choose_context(const loading *l, gt_str *name)
{
    *name = gt_str_of(l->context);
    for (size_t i = 0; i < l->count && name->len == 0; i++)
        *name = gt_value_str(gt_value_get(l->files[i].root, "current-context"));
    if (name->len == 0)
        return gt_fail(l->err, GT_ERR_INPUT,
                       "kubeconfig %s: it has no current-context, and none was asked for (there are: %s)",
                       l->files[0].path, names_in(l, "contexts"));
    return true;
}

bool gt_kube_config_load(gt_arena *arena, const char *path, const char *context, gt_kube_config *config, gt_err *err)
{
    loading l = {.arena = arena, .context = context, .err = err};
    entry chosen, cluster, user;
    const char *cluster_name, *user_name;
    gt_str name;
    *config = (gt_kube_config){0};
    if (!load_files(&l, path) || !choose_context(&l, &name) || !find(&l, "contexts", "context", name, &chosen))
        return false;
    if (!text_of(&l, &chosen, "cluster", &cluster_name) || !text_of(&l, &chosen, "user", &user_name) ||
        !text_of(&l, &chosen, "namespace", &config->ns))
        return false;
    if (cluster_name == NULL)
        return entry_fail(&l, &chosen, "it names no cluster");
    if (!find(&l, "clusters", "cluster", gt_str_of(cluster_name), &cluster) || !read_cluster(&l, &cluster, config))
        return false;
    if (user_name != NULL &&
        (!find(&l, "users", "user", gt_str_of(user_name), &user) || !read_user(&l, &user, &cluster, config)))
        return false;
    config->origin = gt_arena_printf(arena, "kubeconfig %s, context %.*s", chosen.file->path, GT_STR_ARG(name));
    return true;
}

bool gt_kube_config_in_cluster(gt_arena *arena, const char *host, const char *port, const char *dir,
                               gt_kube_config *config, gt_err *err)
{
    *config = (gt_kube_config){.origin = "the pod's service account"};
    if (host == NULL || host[0] == '\0' || port == NULL || port[0] == '\0')
        return gt_fail(err, GT_ERR_ENV,
                       "not in a cluster (KUBERNETES_SERVICE_HOST and KUBERNETES_SERVICE_PORT aren't set)");
    bool is_ipv6 = strchr(host, ':') != NULL;
    config->server = gt_arena_printf(arena, is_ipv6 ? "https://[%s]:%s" : "https://%s:%s", host, port);
    config->token_file = gt_arena_printf(arena, "%s/token", dir);
    gt_str text, ns;
    if (!gt_kube_read_file(arena, config->token_file, MOST_BYTES, &text, err) ||
        !gt_kube_read_file(arena, gt_arena_printf(arena, "%s/ca.crt", dir), MOST_BYTES, &config->ca, err))
        return gt_wrap(err, "service account");
    gt_err ignored;
    if (gt_kube_read_file(arena, gt_arena_printf(arena, "%s/namespace", dir), MOST_BYTES, &ns, &ignored))
        config->ns = ns.at;
    return true;
}

static const char *named(const char *text)
{
    return text == NULL || text[0] == '\0' ? NULL : text;
}

bool gt_kube_config_find(gt_arena *arena, const char *path, const char *context, gt_kube_config *config, gt_err *err)
{
    const char *home = named(getenv("HOME")), *host = named(getenv("KUBERNETES_SERVICE_HOST"));
    path = named(path);
    if (path == NULL && home != NULL) {
        path = gt_arena_printf(arena, "%s/.kube/config", home);
        path = access(path, F_OK) == 0 ? path : NULL;
    }
    if (path != NULL)
        return gt_kube_config_load(arena, path, context, config, err);
    if (host == NULL || context != NULL)
        return gt_fail(err, GT_ERR_INPUT,
                       "which cluster? --kubeconfig FILE names one ($KUBECONFIG isn't set, and there is no "
                       "~/.kube/config)");
    return gt_kube_config_in_cluster(arena, host, getenv("KUBERNETES_SERVICE_PORT"), GT_KUBE_SERVICE_ACCOUNT, config,
                                     err);
}
