/* kubeconfigs, good and broken. */
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/kube/config.h"
#include "tests/unit/support.h"

#define PEM "-----BEGIN CERTIFICATE-----\nx\n-----END CERTIFICATE-----\n"
#define PEM64 "LS0tLS1CRUdJTiBDRVJUSUZJQ0FURS0tLS0tCngKLS0tLS1FTkQgQ0VSVElGSUNBVEUtLS0tLQo="

static void put(gt_arena *arena, const char *folder, const char *name, const char *text)
{
    int fd = open(gt_arena_printf(arena, "%s/%s", folder, name), O_WRONLY | O_CREAT | O_TRUNC, 0600);
    cr_assert_geq(fd, 0);
    cr_assert_eq(write(fd, text, strlen(text)), (ssize_t)strlen(text));
    close(fd);
}

typedef struct bench {
    char path[32];
} bench;

static bench make_folder(void)
{
    bench f = {"/tmp/gt-kube-XXXXXX"};
    cr_assert(mkdtemp(f.path) != NULL);
    return f;
}

static void remove_folder(bench *f)
{
    static const char *const names[] = {"config", "other", "ca.pem", "token", "ca.crt", "namespace", "empty"};
    for (size_t i = 0; i < COUNT(names); i++) {
        char path[128];
        snprintf(path, sizeof path, "%s/%s", f->path, names[i]);
        unlink(path);
    }
    cr_expect_eq(rmdir(f->path), 0);
}

static bool load(gt_arena *arena, const char *folder, const char *text, const char *context, gt_kube_config *config,
                 gt_err *err)
{
    put(arena, folder, "config", text);
    put(arena, folder, "ca.pem", PEM);
    put(arena, folder, "empty", "");
    return gt_kube_config_load(arena, gt_arena_printf(arena, "%s/config", folder), context, config, err);
}

/* A kubeconfig with one context, cluster c and user u. */
#define ONE(cluster, user)                                                                                             \
    "apiVersion: v1\nkind: Config\ncurrent-context: x\ncontexts:\n- {name: x, context: {cluster: c, user: u, "         \
    "namespace: ns}}\n"                                                                                                \
    "clusters:\n- {name: c, cluster: {" cluster "}}\nusers:\n- {name: u, user: {" user "}}\n"
#define SERVER "server: 'https://h:6443'"

Test(kube_config, all_that_it_may_say)
{
    SCOPED_ARENA(arena);
    gt_scoped(remove_folder) bench f = make_folder();
    gt_kube_config c;
    gt_err err;
    cr_assert(load(arena, f.path,
                   ONE("server: 'https://h:6443/prefix//', tls-server-name: t, proxy-url: 'http://p:1', "
                       "certificate-authority-data: " PEM64,
                       "token: a, tokenFile: tok, client-certificate: ca.pem, client-key-data: " PEM64),
                   NULL, &c, &err),
              "%s", err.text);
    cr_expect_str_eq(c.server, "https://h:6443/prefix");
    cr_expect_str_eq(c.tls_server_name, "t");
    cr_expect_str_eq(c.proxy, "http://p:1");
    cr_expect_str_eq(c.token, "a");
    cr_expect_str_eq(c.ns, "ns");
    cr_expect_str_eq(c.token_file, gt_arena_printf(arena, "%s/tok", f.path), "relative to the kubeconfig");
    expect_text(0, c.ca, PEM);
    expect_text(1, c.cert, PEM);
    expect_text(2, c.key, PEM);
    cr_expect_not(c.insecure);
    cr_expect_str_eq(c.origin, gt_arena_printf(arena, "kubeconfig %s/config, context x", f.path));
}

Test(kube_config, little_is_enough)
{
    SCOPED_ARENA(arena);
    gt_scoped(remove_folder) bench f = make_folder();
    gt_kube_config c;
    gt_err err;
    cr_assert(load(arena, f.path, ONE("server: 'http://h', insecure-skip-tls-verify: true", ""), NULL, &c, &err), "%s",
              err.text);
    cr_expect(c.insecure);
    cr_expect_null(c.token);
    cr_assert(
        load(arena, f.path,
             "{\"current-context\":\"x\",\"contexts\":[{\"name\":\"x\",\"context\":{\"cluster\":\"c\",\"user\":\"\"}}],"
             "\"clusters\":[{\"name\":\"c\",\"cluster\":{\"server\":\"https://h\",\"certificate-authority\":\"ca.pem\","
             "\"certificate-authority-data\":\"\"}}]}",
             NULL, &c, &err),
        "%s", err.text);
    expect_text(0, c.ca, PEM);
}

Test(kube_config, data_beats_file)
{
    SCOPED_ARENA(arena);
    gt_scoped(remove_folder) bench f = make_folder();
    gt_kube_config c;
    gt_err err;
    cr_assert(load(arena, f.path,
                   ONE(SERVER ", certificate-authority: /nonexistent, certificate-authority-data: \"" PEM64 "\"", ""),
                   NULL, &c, &err),
              "%s", err.text);
    expect_text(0, c.ca, PEM);
}

Test(kube_config, broken)
{
    static const struct {
        const char *text, *context, *says;
    } rows[] = {
        {"", NULL, "empty"},
        {"a: 1\n---\nb: 2\n", NULL, "several documents"},
        {"- a\n", NULL, "must be one object"},
        {"a: [\n", NULL, "line"},
        {"a: 1\na: 2\n", NULL, "duplicate"},
        {"apiVersion: v1\n", NULL, "no current-context"},
        {ONE(SERVER, ""), "z", "no context \"z\" (there are: x)"},
        {"current-context: x\ncontexts:\n- {name: x}\n", NULL, "context \"x\": must be an object"},
        {"current-context: x\ncontexts:\n- {name: x, context: {user: u}}\n", NULL, "names no cluster"},
        {"current-context: x\ncontexts:\n- {name: x, context: {cluster: c}}\n", NULL,
         "no cluster \"c\" (there are: none)"},
        {"current-context: x\ncontexts: 5\n", NULL, "no context \"x\""},
        {"current-context: x\ncontexts:\n- {name: x, context: {cluster: c, user: v}}\nclusters:\n- {name: c, cluster: "
         "{" SERVER "}}\n",
         NULL, "no user \"v\""},
        {ONE("", ""), NULL, "no server"},
        {ONE("server: 5", ""), NULL, "server must be a string"},
        {ONE("server: 'h:6443'", ""), NULL, "https:// or http://"},
        {ONE(SERVER ", insecure-skip-tls-verify: 1", ""), NULL, "true or false"},
        {ONE(SERVER ", insecure-skip-tls-verify: true, certificate-authority: ca.pem", ""), NULL, "only one"},
        {ONE(SERVER ", certificate-authority: nope.pem", ""), NULL, "nope.pem: No such file"},
        {ONE(SERVER ", certificate-authority: empty", ""), NULL, "isn't PEM"},
        {ONE(SERVER ", certificate-authority-data: '*'", ""), NULL, "isn't base64"},
        {ONE(SERVER ", certificate-authority-data: 'aGVsbG8='", ""), NULL, "certificate-authority-data isn't PEM"},
        {ONE(SERVER, "client-certificate: ca.pem"), NULL, "without a client-key"},
        {ONE(SERVER, "client-key: ca.pem"), NULL, "without a client-certificate"},
        {ONE(SERVER, "token: 5"), NULL, "token must be a string"},
        {ONE(SERVER, "auth-provider: {name: gcp}"), NULL, "auth-provider"},
        {ONE(SERVER, "as: root"), NULL, "impersonation"},
        {ONE(SERVER, "as-groups: [x]"), NULL, "impersonation"},
        {ONE(SERVER, "username: a, password: b"), NULL, "username and password"},
    };
    SCOPED_ARENA(arena);
    gt_scoped(remove_folder) bench f = make_folder();
    for (size_t i = 0; i < COUNT(rows); i++) {
        gt_kube_config c;
        gt_err err = {0};
        cr_expect_not(load(arena, f.path, rows[i].text, rows[i].context, &c, &err), "row %zu", i);
        cr_expect(strstr(err.text, rows[i].says) != NULL, "row %zu should say \"%s\": %s", i, rows[i].says, err.text);
        cr_expect(strstr(err.text, "kubeconfig") != NULL, "row %zu: %s", i, err.text);
    }
}

Test(kube_config, what_is_empty_isnt_asked_for)
{
    SCOPED_ARENA(arena);
    gt_scoped(remove_folder) bench f = make_folder();
    gt_kube_config c;
    gt_err err;
    cr_expect(load(arena, f.path, ONE(SERVER, "token: '', as: '', username: '', exec: null"), NULL, &c, &err), "%s",
              err.text);
    cr_expect_null(c.token);
}

Test(kube_config, several_files)
{
    SCOPED_ARENA(arena);
    gt_scoped(remove_folder) bench f = make_folder();
    gt_kube_config c;
    gt_err err;
    put(arena, f.path, "config", "current-context: x\nclusters:\n- {name: c, cluster: {server: 'https://first'}}\n");
    put(arena, f.path, "other",
        "current-context: second\nclusters:\n- {name: c, cluster: {server: 'https://second'}}\ncontexts:\n- {name: x, "
        "context: {cluster: c}}\n");
    const char *list = gt_arena_printf(arena, "%s/missing:%s/config::%s/other", f.path, f.path, f.path);
    cr_assert(gt_kube_config_load(arena, list, NULL, &c, &err), "%s", err.text);
    cr_expect_str_eq(c.server, "https://first");
    cr_expect_not(gt_kube_config_load(arena, gt_arena_printf(arena, "%s/missing", f.path), NULL, &c, &err));
    cr_expect_eq(err.kind, GT_ERR_ENV);
    cr_expect_not(gt_kube_config_load(arena, "/missing1:/missing2", NULL, &c, &err));
    cr_expect_eq(err.kind, GT_ERR_ENV);
}

Test(kube_config, in_cluster)
{
    SCOPED_ARENA(arena);
    gt_scoped(remove_folder) bench f = make_folder();
    gt_kube_config c;
    gt_err err;
    cr_expect_not(gt_kube_config_in_cluster(arena, NULL, "443", f.path, &c, &err));
    cr_expect(strstr(err.text, "not in a cluster") != NULL);
    cr_expect_not(gt_kube_config_in_cluster(arena, "10.0.0.1", "443", f.path, &c, &err));
    cr_expect_eq(err.kind, GT_ERR_ENV);
    put(arena, f.path, "token", "t\n");
    put(arena, f.path, "ca.crt", PEM);
    put(arena, f.path, "namespace", "ns");
    cr_assert(gt_kube_config_in_cluster(arena, "10.0.0.1", "443", f.path, &c, &err), "%s", err.text);
    cr_expect_str_eq(c.server, "https://10.0.0.1:443");
    cr_expect_str_eq(c.token_file, gt_arena_printf(arena, "%s/token", f.path));
    cr_expect_str_eq(c.ns, "ns");
    expect_text(0, c.ca, PEM);
    cr_assert(gt_kube_config_in_cluster(arena, "fd00::1", "6443", f.path, &c, &err), "%s", err.text);
    cr_expect_str_eq(c.server, "https://[fd00::1]:6443");
}
