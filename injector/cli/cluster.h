/* A cluster, as gastown-inject sees it: with the rights of whoever calls it, and only reading.
 *
 * Requests block, each for as long as client.h says; SIGINT ends the program as it does everywhere. What a right is missing for is said
 * with its namespace. Statuses other than GT_EXIT_OK come after a message on stderr. */
#ifndef GT_INJECTOR_CLI_CLUSTER_H
#define GT_INJECTOR_CLI_CLUSTER_H

#include "catalogue/store.h"
#include "injector/cli/cli.h"
#include "lib/kube/api.h"

typedef struct gt_cli_cluster {
    gt_kube_config config;
    gt_kube_client *client;
    const char *ns;   /* that is asked about; NULL: all */
    const char *home; /* of pods that don't say theirs: --namespace, else the context's, else GT_CLI_NAMESPACE */
    bool quiet;       /* what nobody needs the right to read has been named */
} gt_cli_cluster;

/* The word of `diff` that stands for the cluster's templates. */
#define GT_CLI_CLUSTER "cluster"
bool gt_cli_is_cluster(const char *word);

/* The one that kubectl would talk to: --kubeconfig, else $KUBECONFIG, else ~/.kube/config, else the cluster that we run in. Sends nothing.
 * GT_EXIT_USAGE: there's none of them; `instead` then ends the message. */
int gt_cli_cluster_open(gt_arena *arena, const gt_cli *cli, const char *instead, gt_cli_cluster **cluster);
void gt_cli_cluster_close(gt_cli_cluster *cluster); /* NULL is fine */

/* All that decides about pods in the namespaces (count 0: of cluster->ns), checked and compiled. The store is the caller's, and so is
 * the report's snapshot. */
typedef struct gt_cli_names {
    const char **at;
    size_t count;
} gt_cli_names;
int gt_cli_cluster_load(gt_cli_cluster *cluster, const gt_cli_names *namespaces, gt_store **store,
                        gt_store_report *report);
void gt_cli_store_cleanup(gt_store **store); /* for gt_scoped */

/* GasTowns, Rigs and AgentPools. */
size_t gt_cli_store_count(const gt_store *store);

/* A finding about a document of the store's last load: its object by its full name, and no file. */
gt_finding gt_cli_object_finding(gt_arena *arena, const gt_store *store, const gt_finding *finding);
/* As gt_finding_print, which wants a file: an object that has none stands in its place. */
void gt_cli_finding_print(gt_buf *line, const gt_finding *finding);

/* The agents' pods of cluster->ns that run or will, as they are. Items of a list: without kind and apiVersion. */
int gt_cli_live_pods(gt_arena *arena, gt_cli_cluster *cluster, gt_cli_documents *pods);

/* Whether a word names a pod: pod/NAME, and what kubectl takes for that. */
bool gt_cli_is_pod(const char *word);
int gt_cli_live_pod(gt_arena *arena, gt_cli_cluster *cluster, const char *word, const gt_value **pod);

/* "in namespace gastown", "in all namespaces". */
const char *gt_cli_where(gt_arena *arena, const char *ns);

/* Says on stderr why `what` ("rigs") couldn't be read; returns GT_EXIT_ENVIRONMENT. */
int gt_cli_complain_of(const gt_cli_cluster *cluster, const char *verb, const gt_kube_kind *kind, const char *ns,
                       const gt_err *err);

/* ---- what live pods have and would get ---- */

/* Those of the live pods that differ from what the templates make of their agents now, as a list of {agent, namespace, pod, oldHash, newHash or
 * newDenied, changes}. Fields that API server, kubelet and others set don't count, and neither does what a pod has of its own beside
 * the templates. */
int gt_cli_drift(gt_arena *arena, const gt_cli *cli, const gt_snapshot *snapshot, const gt_cli_documents *live,
                 gt_value **drifted);

/* ---- what templates name ---- */

/* Secrets, ConfigMaps and so on that accepted objects of the snapshot name and the cluster doesn't have, as warnings in the order of the
 * objects. What we may not read is said on stderr, once for each kind and namespace. */
int gt_cli_references(gt_arena *arena, const gt_cli *cli, const gt_snapshot *snapshot, const gt_finding **findings);

#endif
