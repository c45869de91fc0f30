/* Credential plugins: programs that a kubeconfig names, which print who we are
 * (https://kubernetes.io/docs/reference/access-authn-authz/authentication/#client-go-credential-plugins). */
#ifndef GT_LIB_KUBE_EXEC_H
#define GT_LIB_KUBE_EXEC_H

#include "lib/json/value.h"
#include "lib/kube/config.h"

enum { GT_KUBE_EXEC_MS = 60 * 1000, GT_KUBE_EXEC_ASKING_MS = 10 * 60 * 1000 }; /* the second: with somebody to ask */

typedef struct gt_kube_exec {
    const char *command;     /* a path, or a name that is looked for in $PATH */
    const char *const *args; /* behind the command; NULL-terminated */
    const char *const *env;  /* "NAME=value", on top of our own; NULL-terminated */
    const char *api_version; /* what it must answer with */
    const char *hint;        /* how to install it, or NULL */
    const gt_value *cluster; /* spec.cluster for it, or NULL */
    bool interactive;        /* it gets our standard input, else none */
    int64_t timeout_ms;
} gt_kube_exec;

/* Runs it, and fills token, cert and key with what it says. What it prints as errors goes where ours go. Blocks for at most timeout_ms, then it is
 * killed with what it has started. GT_ERR_ENV: it can't be run, fails, takes too long, prints more than 1 MiB, or no credential; nothing of what
 * it prints gets into the message. */
bool gt_kube_exec_run(gt_arena *arena, const gt_kube_exec *exec, gt_kube_config *config, gt_err *err);

#endif
