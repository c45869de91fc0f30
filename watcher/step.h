/* One step for one agent against the cluster: see that its pod is there. One request, or two when the name is taken.
 *
 * The answer tells the caller what to do next; it never waits and never tries again by itself. Steps are taken through a table of
 * functions, so that a dry run and the tests are just other hands. */
#ifndef GT_WATCHER_STEP_H
#define GT_WATCHER_STEP_H

#include <stdio.h>

#include "lib/kube/client.h"
#include "watcher/pod.h"

typedef enum gt_step_outcome {
    GT_STEP_CREATED,
    GT_STEP_THERE,   /* the agent has its pod, whoever made it */
    GT_STEP_LEAVING, /* its old pod is terminating: look again soon */
    GT_STEP_REFUSED, /* this pod can't be made now: back off for this agent. err->kind GT_ERR_ENV: it may pass by itself */
    GT_STEP_AWAY,    /* the API server can't be reached or has too much to do: back off for everybody */
} gt_step_outcome;

typedef struct gt_step_result {
    gt_step_outcome outcome;
    gt_str name;            /* the pod's, in the arena */
    const char *remark;     /* of GT_STEP_THERE: something that a person should know, or NULL */
    int64_t retry_after_ms; /* what the server asked for; -1: nothing */
} gt_step_result;

typedef struct gt_hands {
    /* Memory is the arena's; may leave through gt_arena_try. Fills *err for REFUSED and AWAY. */
    void (*ensure_pod)(void *context, gt_arena *arena, const gt_agent *agent, const gt_wish *wish,
                       gt_step_result *result, gt_err *err);
    void *context;
} gt_hands;

/* ensure_pod of a real cluster; context: gt_kube_hands. */
typedef struct gt_kube_hands {
    gt_kube_client *client;
    const char *ns, *image; /* image: AGENT_IMAGE, or NULL */
} gt_kube_hands;
void gt_kube_ensure_pod(void *context, gt_arena *arena, const gt_agent *agent, const gt_wish *wish,
                        gt_step_result *result, gt_err *err);

/* ensure_pod of a dry run: prints the pod; context: gt_paper_hands. */
typedef enum gt_pod_format { GT_POD_TEXT, GT_POD_JSON, GT_POD_YAML } gt_pod_format;
typedef struct gt_paper_hands {
    FILE *out;
    gt_pod_format format; /* JSON: one a line; YAML: documents */
    const char *ns, *image;
    bool failed; /* out: writing failed */
} gt_paper_hands;
void gt_paper_ensure_pod(void *context, gt_arena *arena, const gt_agent *agent, const gt_wish *wish,
                         gt_step_result *result, gt_err *err);

#endif
