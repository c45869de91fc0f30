/* Pods of a cluster. */
#include <stdio.h>

#include "injector/cli/cluster.h"
#include "injector/identity.h"

/* ---- one ---- */

static const char *const pod_words[] = {"pod/", "pods/", "po/"};

/* What stands behind "pod/"; NULL: the word doesn't begin so, or nothing does. */
static const char *pod_name(const char *word)
{
    for (size_t i = 0; i < sizeof pod_words / sizeof *pod_words; i++)
        if (gt_str_starts(gt_str_of(word), pod_words[i]) && word[strlen(pod_words[i])] != '\0')
            return word + strlen(pod_words[i]);
    return NULL;
}

bool gt_cli_is_pod(const char *word)
{
    return pod_name(word) != NULL;
}

static bool take_pod(gt_arena *arena, gt_view object, const gt_value **pod, gt_err *err)
{
    gt_value *value = NULL;
    if (!gt_value_from_view(arena, object, &value, err))
        return false;
    *pod = value;
    return true;
}

int gt_cli_live_pod(gt_arena *arena, gt_cli_cluster *cluster, const char *word, const gt_value **pod)
{
    gt_kube_answer answer;
    gt_err err;
    if (!gt_kube_get(cluster->client, arena, &gt_kube_pods, cluster->home, pod_name(word), &answer, &err))
        return err.kind == GT_ERR_NOT_FOUND
                   ? gt_cli_complain(GT_EXIT_ENVIRONMENT, "%s: no such pod in namespace %s (-n names another one)",
                                     word, cluster->home)
                   : gt_cli_complain_of(cluster, "get", &gt_kube_pods, cluster->home, &err);
    if (!take_pod(arena, answer.object, pod, &err))
        return gt_cli_complain(GT_EXIT_ENVIRONMENT, "%s: %s", word, err.text);
    return GT_EXIT_OK;
}

/* ---- all ---- */

typedef struct gathering {
    gt_arena *arena;
    gt_cli_documents *pods;
} gathering;

/* Of one that is over or on its way out nothing is made again as it is. */
static bool is_over(gt_view pod)
{
    gt_view phase = gt_view_get(gt_view_get(pod, "status"), "phase");
    return gt_view_is(phase, "Succeeded") || gt_view_is(phase, "Failed") ||
           gt_view_exists(gt_view_get(gt_view_get(pod, "metadata"), "deletionTimestamp"));
}

static bool gather(void *context, gt_view object, gt_err *err)
{
    gathering *g = context;
    const gt_value *pod = NULL;
    (void)err;
    if (is_over(object))
        return true;
    gt_err why;
    gt_str name = gt_view_str(gt_view_get(gt_view_get(object, "metadata"), "name"));
    if (take_pod(g->arena, object, &pod, &why))
        gt_cli_documents_add(g->arena, g->pods, pod);
    else
        gt_cli_complain(0, "pod/%.*s: left out: %s", GT_STR_ARG(name), why.text);
    return true;
}

static void again(void *context)
{
    gathering *g = context;
    g->pods->count = 0;
}

int gt_cli_live_pods(gt_arena *arena, gt_cli_cluster *cluster, gt_cli_documents *pods)
{
    gt_scoped(gt_arena_cleanup) gt_arena *pages = gt_arena_new(0);
    gathering g = {.arena = arena, .pods = pods};
    gt_err err;
    *pods = (gt_cli_documents){.count = 0};
    if (pages == NULL)
        return gt_cli_complain(GT_EXIT_ENVIRONMENT, "out of memory");
    gt_kube_list request = {.ns = cluster->ns, .labels = GT_LABEL_AGENT, .each = gather, .context = &g, .arena = pages};
    return gt_kube_list_all(cluster->client, &gt_kube_pods, &request, again, &err)
               ? GT_EXIT_OK
               : gt_cli_complain_of(cluster, "list", &gt_kube_pods, cluster->ns, &err);
}
