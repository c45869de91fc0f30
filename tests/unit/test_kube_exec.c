/* Credential plugins: real programs, that do as they should and that don't. */
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/base/clock.h"
#include "lib/kube/exec.h"
#include "tests/unit/support.h"

#define V1 "client.authentication.k8s.io/v1"
#define SAYS(status) "printf '%s' '{\"kind\":\"ExecCredential\",\"apiVersion\":\"" V1 "\",\"status\":" status "}'"
#define PEM "-----BEGIN X-----\\n"

/* A shell's script as a plugin. */
static bool run(gt_arena *arena, const char *script, int64_t timeout_ms, gt_kube_config *config, gt_err *err)
{
    const char *const args[] = {"-c", script, NULL}, *const env[] = {"GT_OWN=a b", "HOME=/else", NULL};
    const gt_kube_exec exec = {
        .command = "sh", .args = args, .env = env, .api_version = V1, .hint = "Get sh.", .timeout_ms = timeout_ms};
    *config = (gt_kube_config){0};
    return gt_kube_exec_run(arena, &exec, config, err);
}

Test(kube_exec, credentials)
{
    static const struct {
        const char *script, *token, *cert, *key;
    } rows[] = {
        {SAYS("{\"token\":\"t\"}"), "t", "", ""},
        {SAYS("{\"token\":\"t\",\"clientCertificateData\":\"" PEM "c\",\"clientKeyData\":\"" PEM
              "k\",\"expirationTimestamp\":\"2026-01-01T00:00:00Z\"}"),
         "t", "-----BEGIN X-----\nc", "-----BEGIN X-----\nk"},
        {SAYS("{\"token\":null,\"clientCertificateData\":\"" PEM "\",\"clientKeyData\":\"" PEM "\"}"), NULL,
         "-----BEGIN X-----\n", "-----BEGIN X-----\n"},
        {"read line || line=none; " SAYS("{\"token\":\"'$line'\"}"), "none", "", ""},
        {"x=\"$GT_OWN\"; " SAYS("{\"token\":\"'\"$x$HOME\"'\"}"), "a b/else", "", ""},
        {SAYS("{\"token\":\"early\"}") "; sleep 60 & exit 0", "early", "",
         ""}, /* what stays behind holds its output open */
        {"test \"$(kill -l 10)\" = USR1; " SAYS("{\"token\":\"t\"}") "; exec >&-; sleep 0.1", "t", "", ""},
    };
    for (size_t i = 0; i < COUNT(rows); i++) {
        SCOPED_ARENA(arena);
        gt_kube_config config;
        gt_err err;
        int64_t start = gt_clock_mono_us();
        cr_assert(run(arena, rows[i].script, 20000, &config, &err), "row %zu: %s", i, err.text);
        cr_expect_lt(gt_clock_mono_us() - start, 10 * 1000 * 1000, "row %zu", i);
        expect_text(i, gt_str_of(config.token), rows[i].token == NULL ? "" : rows[i].token);
        expect_text(i, config.cert, rows[i].cert);
        expect_text(i, config.key, rows[i].key);
    }
}

Test(kube_exec, failures)
{
    static const struct {
        const char *script, *says;
    } rows[] = {
        {"exit 3", "credential plugin sh: failed with status 3"},
        {"kill -9 $$", "was ended by signal 9"},
        {"echo secret-token", "printed no JSON"},
        {"true", "printed no JSON"},
        {"echo '{}'", "printed no ExecCredential"},
        {"echo '{\"kind\":\"ExecCredential\",\"apiVersion\":\"client.authentication.k8s.io/v1beta1\"}'",
         "printed another apiVersion than " V1},
        {SAYS("{}"), "printed neither a token nor a certificate"},
        {SAYS("null"), "printed neither a token nor a certificate"},
        {SAYS("{\"token\":5}"), "status.token must be a string, and is a number"},
        {SAYS("{\"clientKeyData\":\"" PEM "\"}"), "both are needed"},
        {SAYS("{\"clientKeyData\":\"x\",\"clientCertificateData\":\"" PEM "\"}"), "isn't PEM"},
        {"sleep 60", "took more than 1 s"},
        {"trap '' TERM INT HUP; while :; do sleep 1; done", "took more than 1 s"},
        {"yes", "printed more than 1048576 bytes"},
        {"exec >&-; sleep 60", "took more than 1 s"},
    };
    for (size_t i = 0; i < COUNT(rows); i++) {
        SCOPED_ARENA(arena);
        gt_kube_config config;
        gt_err err;
        cr_expect_not(run(arena, rows[i].script, 700, &config, &err), "row %zu", i);
        cr_expect(strstr(err.text, rows[i].says) != NULL, "row %zu: %s", i, err.text);
        cr_expect(strstr(err.text, "secret") == NULL, "row %zu: %s", i, err.text);
        cr_expect_null(config.token);
    }
}

/* A kubeconfig with a plugin `exec`, loaded from a folder that holds the program "plugin". */
typedef struct bench {
    char path[32];
    gt_arena *arena;
    gt_kube_config config;
    gt_err err;
} bench;

static void put(bench *b, const char *name, const char *text)
{
    int fd = open(gt_arena_printf(b->arena, "%s/%s", b->path, name), O_WRONLY | O_CREAT | O_TRUNC, 0700);
    cr_assert_eq(write(fd, text, strlen(text)), (ssize_t)strlen(text));
    close(fd);
}

static void set_up(bench *b)
{
    strcpy(b->path, "/tmp/gt-exec-XXXXXX");
    cr_assert(mkdtemp(b->path) != NULL);
    b->arena = gt_arena_new(0);
    int in = open("/dev/null", O_RDONLY);
    dup2(in, STDIN_FILENO); /* no terminal, whoever runs the tests */
    close(in);
    put(b, "plugin",
        "#!/bin/sh\nprintf '%s' \"$KUBERNETES_EXEC_INFO\" >\"$(dirname \"$0\")/info\"\n" SAYS(
            "{\"token\":\"'$1-$MORE'\"}") "\n");
}

static void tear_down(bench *b)
{
    static const char *const names[] = {"plugin", "info", "config"};
    for (size_t i = 0; i < COUNT(names); i++)
        unlink(gt_arena_printf(b->arena, "%s/%s", b->path, names[i]));
    cr_expect_eq(rmdir(b->path), 0);
    gt_arena_free(b->arena);
}

static bool load(bench *b, const char *user)
{
    put(b, "config",
        gt_arena_printf(b->arena,
                        "current-context: x\ncontexts: [{name: x, context: {cluster: c, user: u}}]\n"
                        "clusters: [{name: c, cluster: {server: 'https://h:1/', certificate-authority-data: "
                        "LS0tLS1CRUdJTiAK, tls-server-name: name, extensions: [{name: other}, {name: "
                        "client.authentication.k8s.io/exec, extension: {audience: a}}]}}]\n"
                        "users: [{name: u, user: {%s}}]\n",
                        user));
    return gt_kube_config_load(b->arena, gt_arena_printf(b->arena, "%s/config", b->path), NULL, &b->config, &b->err);
}

Test(kube_exec, in_a_kubeconfig)
{
    gt_scoped(tear_down) bench b = {0};
    set_up(&b);
    cr_assert(load(&b, "exec: {apiVersion: " V1 ", command: ./plugin, args: [one], env: [{name: MORE, value: two}], "
                       "provideClusterInfo: true, interactiveMode: IfAvailable, installHint: x}"),
              "%s", b.err.text);
    cr_expect_str_eq(b.config.token, "one-two");
    char info[1024] = "";
    int fd = open(gt_arena_printf(b.arena, "%s/info", b.path), O_RDONLY);
    cr_expect_gt(read(fd, info, sizeof info - 1), 0);
    close(fd);
    cr_expect_str_eq(info, "{\"kind\":\"ExecCredential\",\"apiVersion\":\"" V1
                           "\",\"spec\":{\"interactive\":false,\"cluster\":{\"server\":\"https://h:1\","
                           "\"tls-server-name\":\"name\",\"certificate-authority-data\":\"LS0tLS1CRUdJTiAK\","
                           "\"config\":{\"audience\":\"a\"}}}}");
    cr_expect(load(&b, "token: mine, exec: {apiVersion: " V1 ", command: 'false', interactiveMode: Never}"), "%s",
              b.err.text);
    cr_expect_str_eq(b.config.token, "mine", "a token that is written down wins");
}

Test(kube_exec, kubeconfigs_that_are_wrong)
{
    static const struct {
        const char *exec, *says;
    } rows[] = {
        {"5", "exec of user \"u\": must be an object"},
        {"{apiVersion: " V1 ", interactiveMode: Never}", "it has no command"},
        {"{command: x}", "it has no apiVersion"},
        {"{command: x, apiVersion: client.authentication.k8s.io/v1alpha1}",
         "must be client.authentication.k8s.io/v1 or"},
        {"{command: x, apiVersion: " V1 "}", "interactiveMode must be"},
        {"{command: x, apiVersion: " V1 ", interactiveMode: Sometimes}", "interactiveMode must be"},
        {"{command: x, apiVersion: " V1 ", interactiveMode: Always}", "standard input is no terminal"},
        {"{command: x, apiVersion: " V1 "beta1, args: a}", "args must be a list"},
        {"{command: x, apiVersion: " V1 "beta1, args: [a, 5]}", "args[1] isn't"},
        {"{command: x, apiVersion: " V1 "beta1, env: [{name: A}]}", "env[0] isn't"},
        {"{command: x, apiVersion: " V1 "beta1, env: [{name: A=B, value: c}]}", "env[0] isn't"},
        {"{command: x, apiVersion: " V1 "beta1, provideClusterInfo: 1}", "provideClusterInfo must be true or false"},
        {"{command: /no/such/x, apiVersion: " V1 "beta1, installHint: Get it.}",
         "credential plugin /no/such/x: can't be run: No such file or directory. Get it."},
        {"{command: ./config, apiVersion: " V1 "beta1}", "/config: "},
    };
    gt_scoped(tear_down) bench b = {0};
    set_up(&b);
    hush(); /* what plugins print as errors */
    for (size_t i = 0; i < COUNT(rows); i++) {
        cr_expect_not(load(&b, gt_arena_printf(b.arena, "exec: %s", rows[i].exec)), "row %zu", i);
        cr_expect(strstr(b.err.text, rows[i].says) != NULL, "row %zu: %s", i, b.err.text);
        cr_expect(strstr(b.err.text, "kubeconfig") != NULL, "row %zu: %s", i, b.err.text);
    }
}
