/* Where the API server is and who we are to it: from a kubeconfig, or from what a pod finds in itself.
 *
 * kubeconfig (https://kubernetes.io/docs/reference/config-api/kubeconfig.v1): contexts; of a cluster server,
 * certificate-authority(-data), insecure-skip-tls-verify, tls-server-name, proxy-url; of a user token, tokenFile,
 * client-certificate(-data), client-key(-data), exec. As in client-go *-data beats the file of the same name, tokenFile beats token, and
 * paths are relative to the kubeconfig they stand in. Whatever would make us somebody else if it were ignored is refused with its
 * name: auth-provider, impersonation, username and password.
 *
 * A credential plugin (exec: client.authentication.k8s.io/v1 or v1beta1) is run while the configuration is loaded, and once: its
 * expirationTimestamp isn't looked at, and what it said is used as long as the configuration is. A token or a tokenFile beats it. So a
 * program that runs for longer than such a credential lives needs a tokenFile or a certificate. */
#ifndef GT_LIB_KUBE_CONFIG_H
#define GT_LIB_KUBE_CONFIG_H

#include "lib/base/str.h"

#define GT_KUBE_SERVICE_ACCOUNT "/var/run/secrets/kubernetes.io/serviceaccount"

/* All memory is the arena's that it was loaded into; strings end in NUL; NULL or empty: none. */
typedef struct gt_kube_config {
    const char *origin;          /* for messages: "kubeconfig /root/.kube/config, context kind" */
    const char *server;          /* https://host:port/prefix without a slash at its end */
    const char *tls_server_name; /* the name in the server's certificate, where the URL has another */
    const char *proxy;
    bool insecure;    /* don't verify the server's certificate */
    gt_str ca;        /* PEM; empty: the system's authorities */
    gt_str cert, key; /* PEM; both or neither */
    const char *token;
    const char *token_file; /* read again for each request: it rotates. Beats token */
    const char *ns;         /* the context's or the pod's namespace */
} gt_kube_config;

/* path: one file, or several as in $KUBECONFIG with ':' between (the first to name a thing wins; one that's missing is skipped as
 * long as another is there). context NULL: current-context. GT_ERR_ENV: a file can't be read, or a plugin fails; GT_ERR_INPUT: it says something
 * wrong, or something we don't support. */
bool gt_kube_config_load(gt_arena *arena, const char *path, const char *context, gt_kube_config *config, gt_err *err);

/* host and port: KUBERNETES_SERVICE_HOST and _PORT, NULL when not set (GT_ERR_ENV: not in a cluster). dir: where token, ca.crt and
 * namespace are; GT_KUBE_SERVICE_ACCOUNT. */
bool gt_kube_config_in_cluster(gt_arena *arena, const char *host, const char *port, const char *dir,
                               gt_kube_config *config, gt_err *err);

/* As kubectl for people: the file that was named (NULL or empty: none), else ~/.kube/config, else the pod's own cluster. GT_ERR_INPUT also when there
 * is none of these. */
bool gt_kube_config_find(gt_arena *arena, const char *path, const char *context, gt_kube_config *config, gt_err *err);

#endif
