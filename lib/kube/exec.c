#include "lib/kube/exec.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <sys/pidfd.h>
#include <sys/wait.h>
#include <unistd.h>

#include "lib/base/clock.h"

enum { OUTPUT_MAX = 1024 * 1024 };

/* A process that runs. Nothing of an arena is taken while there's one. */
typedef struct process {
    pid_t pid;
    int watched; /* readable when it has ended */
    int out;     /* -1: at its end */
    char *text;
    size_t len;
} process;

/* ---- what it gets ---- */

static const char *info_of(gt_arena *arena, const gt_kube_exec *exec)
{
    gt_value *info = gt_value_object(arena), *spec = gt_value_object(arena);
    gt_buf buf;
    gt_buf_init(&buf, arena, 512);
    gt_value_put(arena, info, "kind", gt_value_text(arena, "ExecCredential"));
    gt_value_put(arena, info, "apiVersion", gt_value_text(arena, exec->api_version));
    gt_value_put(arena, info, "spec", spec);
    gt_value_put(arena, spec, "interactive", gt_value_bool(arena, exec->interactive));
    if (exec->cluster != NULL)
        gt_value_put(arena, spec, "cluster", gt_value_ref(arena, exec->cluster));
    gt_buf_text(&buf, "KUBERNETES_EXEC_INFO=");
    gt_value_print(&buf, info);
    return buf.at;
}

static size_t count_of(const char *const *list)
{
    size_t n = 0;
    while (list[n] != NULL)
        n++;
    return n;
}

/* posix_spawn takes lists that aren't const, and changes nothing. */
static char **list_for_spawn(gt_arena *arena, size_t most)
{
    return GT_NEW_N(arena, char *, most + 1);
}

static char **arguments_of(gt_arena *arena, const gt_kube_exec *exec)
{
    size_t n = count_of(exec->args);
    char **list = list_for_spawn(arena, n + 1);
    list[0] = gt_arena_strdup(arena, exec->command);
    for (size_t i = 0; i < n; i++)
        list[i + 1] = gt_arena_strdup(arena, exec->args[i]);
    return list;
}

/* Puts "NAME=value" into the list, in the place of another one of that name. */
static void set_variable(gt_arena *arena, char **list, size_t *n, const char *variable)
{
    size_t name = strcspn(variable, "=") + 1, at = 0;
    while (at < *n && strncmp(list[at], variable, name) != 0)
        at++;
    list[at] = gt_arena_strdup(arena, variable);
    *n += at == *n;
}

static char **environment_of(gt_arena *arena, const gt_kube_exec *exec)
{
    size_t own = 0, added = count_of(exec->env);
    while (environ != NULL && environ[own] != NULL)
        own++;
    char **list = list_for_spawn(arena, own + added + 1);
    if (own > 0)
        memcpy(list, environ, own * sizeof *list);
    for (size_t i = 0; i < added; i++)
        set_variable(arena, list, &own, exec->env[i]);
    set_variable(arena, list, &own, info_of(arena, exec));
    return list;
}

/* ---- running it ---- */

/* 0, or an errno. Without anybody to ask it has a process group of its own, so that all of it can be killed; in a terminal's foreground it must stay
 * in ours. Signals are as a program expects them, whatever we block. */
static int spawn(const gt_kube_exec *exec, char **args, char **env, int out, pid_t *pid)
{
    posix_spawn_file_actions_t actions;
    posix_spawnattr_t attributes;
    sigset_t none, all;
    sigemptyset(&none);
    sigfillset(&all);
    int why = posix_spawn_file_actions_init(&actions);
    if (why != 0)
        return why;
    why = posix_spawnattr_init(&attributes);
    if (why == 0)
        why = posix_spawn_file_actions_adddup2(&actions, out, STDOUT_FILENO);
    if (why == 0 && !exec->interactive)
        why = posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
    posix_spawnattr_setsigmask(&attributes, &none);
    posix_spawnattr_setsigdefault(&attributes, &all);
    posix_spawnattr_setflags(&attributes, (short)(POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF |
                                                  (exec->interactive ? 0 : POSIX_SPAWN_SETPGROUP)));
    if (why == 0)
        why = posix_spawnp(pid, exec->command, &actions, &attributes, args, env);
    posix_spawn_file_actions_destroy(&actions);
    posix_spawnattr_destroy(&attributes);
    return why;
}

static bool start(const gt_kube_exec *exec, char **args, char **env, process *p, gt_err *err)
{
    int ends[2];
    if (pipe2(ends, O_CLOEXEC) != 0)
        return gt_fail(err, GT_ERR_ENV, "no pipe: %s", strerror(errno));
    fcntl(ends[0], F_SETFL, O_NONBLOCK);
    int why = spawn(exec, args, env, ends[1], &p->pid);
    close(ends[1]);
    p->out = ends[0];
    p->watched = why == 0 ? pidfd_open(p->pid, 0) : -1;
    if (why == 0 && p->watched >= 0)
        return true;
    if (why == 0) {
        why = errno;
        kill(p->pid, SIGKILL);
        waitpid(p->pid, NULL, 0);
    }
    close(ends[0]);
    return gt_fail(err, GT_ERR_ENV, "can't be run: %s%s%s", strerror(why), exec->hint == NULL ? "" : ". ",
                   exec->hint == NULL ? "" : exec->hint);
}

/* Takes what is there. False: it's too much. */
static bool take_output(process *p)
{
    while (p->out >= 0 && p->len <= OUTPUT_MAX) {
        ssize_t n = read(p->out, p->text + p->len, OUTPUT_MAX + 1 - p->len);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0 && errno == EAGAIN)
            return true;
        if (n <= 0) {
            close(p->out);
            p->out = -1;
        } else {
            p->len += (size_t)n;
        }
    }
    return p->len <= OUTPUT_MAX;
}

/* Until it has ended: something that it leaves behind may keep its output open for ever. */
static bool follow(process *p, int64_t timeout_ms, gt_err *err)
{
    int64_t end = gt_clock_mono_us() + timeout_ms * 1000;
    for (;;) {
        struct pollfd fds[] = {{.fd = p->watched, .events = POLLIN}, {.fd = p->out, .events = POLLIN}};
        int64_t left = (end - gt_clock_mono_us()) / 1000;
        if (left < 0)
            return gt_fail(err, GT_ERR_ENV, "took more than %lld s", (long long)(timeout_ms + 999) / 1000);
        poll(fds, 2, (int)left + 1);
        if (!take_output(p))
            return gt_fail(err, GT_ERR_ENV, "printed more than %d bytes", OUTPUT_MAX);
        if ((fds[0].revents & POLLIN) != 0)
            return true;
    }
}

static bool judge_end(int status, gt_err *err)
{
    if (WIFSIGNALED(status))
        return gt_fail(err, GT_ERR_ENV, "was ended by signal %d", WTERMSIG(status));
    if (WEXITSTATUS(status) != 0)
        return gt_fail(err, GT_ERR_ENV, "failed with status %d", WEXITSTATUS(status));
    return true;
}

static bool run(const gt_kube_exec *exec, char **args, char **env, process *p, gt_err *err)
{
    int status = 0;
    if (!start(exec, args, env, p, err))
        return false;
    bool ok = follow(p, exec->timeout_ms, err);
    if (!ok)
        kill(exec->interactive ? p->pid : -p->pid, SIGKILL);
    while (waitpid(p->pid, &status, 0) < 0 && errno == EINTR)
        continue;
    close(p->watched);
    if (p->out >= 0)
        close(p->out);
    return ok && judge_end(status, err);
}

/* ---- what it says ---- */

static bool text_of(gt_view status, const char *key, gt_str *text, gt_err *err)
{
    gt_view value = gt_view_get(status, key);
    *text = gt_view_str(value);
    if (!gt_view_exists(value))
        return true;
    if (gt_view_type_of(value) != GT_VIEW_STRING || gt_view_has_nul(value))
        return gt_fail(err, GT_ERR_ENV, "status.%s must be a string, and is %s", key,
                       gt_view_type_name(gt_view_type_of(value)));
    return true;
}

static bool is_pem(gt_str text)
{
    return text.len == 0 || memmem(text.at, text.len, "-----BEGIN ", 11) != NULL;
}

static bool read_credential(gt_arena *arena, const gt_kube_exec *exec, gt_str text, gt_kube_config *config, gt_err *err)
{
    gt_view all;
    gt_str token, cert, key;
    if (!gt_view_parse(arena, text, 0, &all, err))
        return gt_wrap(err, "printed no JSON");
    if (!gt_view_is(gt_view_get(all, "kind"), "ExecCredential"))
        return gt_fail(err, GT_ERR_ENV, "printed no ExecCredential");
    if (!gt_view_is(gt_view_get(all, "apiVersion"), exec->api_version))
        return gt_fail(err, GT_ERR_ENV, "printed another apiVersion than %s", exec->api_version);
    gt_view status = gt_view_get(all, "status");
    if (!text_of(status, "token", &token, err) || !text_of(status, "clientCertificateData", &cert, err) ||
        !text_of(status, "clientKeyData", &key, err))
        return false;
    if ((cert.len > 0) != (key.len > 0))
        return gt_fail(err, GT_ERR_ENV, "printed one of clientCertificateData and clientKeyData: both are needed");
    if (!is_pem(cert) || !is_pem(key))
        return gt_fail(err, GT_ERR_ENV, "printed a clientCertificateData or clientKeyData that isn't PEM");
    if (token.len == 0 && cert.len == 0)
        return gt_fail(err, GT_ERR_ENV, "printed neither a token nor a certificate");
    config->token = token.len == 0 ? NULL : token.at; /* strings of a view end in NUL */
    if (cert.len > 0) {
        config->cert = cert;
        config->key = key;
    }
    return true;
}

bool gt_kube_exec_run(gt_arena *arena, const gt_kube_exec *exec, gt_kube_config *config, gt_err *err)
{
    process p = {.out = -1, .text = gt_arena_alloc_raw(arena, OUTPUT_MAX + 1)};
    char **args = arguments_of(arena, exec), **env = environment_of(arena, exec);
    bool ok = run(exec, args, env, &p, err) && read_credential(arena, exec, (gt_str){p.text, p.len}, config, err);
    explicit_bzero(p.text, p.len);
    return ok || gt_wrap(err, "credential plugin %s", exec->command);
}
