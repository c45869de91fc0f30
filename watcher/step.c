#include "watcher/step.h"

#include "lib/kube/api.h"
#include "lib/yaml/yaml.h"

/* Is it the server that fails, or this request? A 500 may come from anything behind the server (a webhook, above all), so it's this
 * request's; 502, 503 and 504 come from what stands in front of it, or from itself while it starts. */
static bool is_away(const gt_err *err)
{
    return err->kind == GT_ERR_ENV &&
           (err->code == 0 || err->code == 408 || err->code == 429 || (err->code >= 502 && err->code <= 504));
}

static void failed(gt_step_result *result, const gt_kube_answer *answer, const gt_err *err)
{
    result->outcome = is_away(err) ? GT_STEP_AWAY : GT_STEP_REFUSED;
    result->retry_after_ms = answer->retry_after_ms;
}

static const char *remark_on(gt_view pod)
{
    gt_view labels = gt_view_get(gt_view_get(pod, "metadata"), "labels");
    gt_view phase = gt_view_get(gt_view_get(pod, "status"), "phase");
    if (gt_view_is(phase, "Succeeded") || gt_view_is(phase, "Failed"))
        return "it has finished; deleting it is left to a person for now";
    if (!gt_view_is(gt_view_get(labels, GT_LABEL_CREATED_BY), GT_CREATED_BY))
        return "somebody else made it";
    return NULL;
}

/* The name is taken: by this agent's pod, by one of its that is about to go, or by somebody else's. */
static void look(const gt_kube_hands *hands, gt_arena *arena, const gt_agent *agent, gt_step_result *result,
                 gt_err *err)
{
    gt_kube_answer answer;
    if (!gt_kube_get(hands->client, arena, &gt_kube_pods, hands->ns, result->name.at, &answer, err)) {
        if (err->kind == GT_ERR_NOT_FOUND && answer.status == 404)
            result->outcome = GT_STEP_LEAVING; /* gone since */
        else
            failed(result, &answer, err);
        return;
    }
    result->outcome = GT_STEP_REFUSED;
    if (!gt_pod_is_of(arena, answer.object, agent)) {
        gt_fail(err, GT_ERR_CONFLICT, "the name is taken by a pod that isn't this agent's");
    } else if (gt_view_exists(gt_view_get(gt_view_get(answer.object, "metadata"), "deletionTimestamp"))) {
        result->outcome = GT_STEP_LEAVING;
    } else {
        result->outcome = GT_STEP_THERE;
        result->remark = remark_on(answer.object);
    }
}

static gt_str name_of(const gt_value *pod)
{
    return gt_value_str(gt_value_get(gt_value_get(pod, "metadata"), "name"));
}

void gt_kube_ensure_pod(void *context, gt_arena *arena, const gt_agent *agent, const gt_wish *wish,
                        gt_step_result *result, gt_err *err)
{
    const gt_kube_hands *hands = context;
    gt_kube_answer answer;
    gt_value *pod = gt_pod_build(arena, agent, wish, hands->ns, hands->image);
    *result = (gt_step_result){.outcome = GT_STEP_CREATED, .name = name_of(pod), .retry_after_ms = -1};
    if (gt_kube_create(hands->client, arena, &gt_kube_pods, hands->ns, pod, &answer, err))
        return;
    if (err->kind == GT_ERR_CONFLICT && gt_str_is(answer.reason, "AlreadyExists"))
        look(hands, arena, agent, result, err);
    else
        failed(result, &answer, err);
}

static void print_text(gt_buf *buf, const gt_agent *agent, const gt_wish *wish, const gt_paper_hands *hands,
                       gt_str name)
{
    gt_buf_printf(buf, "pod %s/%.*s for %.*s %.*s of %.*s", hands->ns, GT_STR_ARG(name), GT_STR_ARG(agent->role),
                  GT_STR_ARG(agent->name), GT_STR_ARG(agent->rig));
    if (wish->bead.len > 0)
        gt_buf_printf(buf, ", bead %.*s", GT_STR_ARG(wish->bead));
    if (hands->image != NULL)
        gt_buf_printf(buf, ", image %s", hands->image);
    for (size_t i = 0; i < buf->len; i++) /* a bead may be any text, and this goes to a terminal */
        if ((unsigned char)buf->at[i] < ' ' || buf->at[i] == 0x7f)
            buf->at[i] = '?';
    gt_buf_byte(buf, '\n');
}

void gt_paper_ensure_pod(void *context, gt_arena *arena, const gt_agent *agent, const gt_wish *wish,
                         gt_step_result *result, gt_err *err)
{
    gt_paper_hands *hands = context;
    gt_buf buf;
    gt_buf_init(&buf, arena, 1024);
    gt_value *pod = gt_pod_build(arena, agent, wish, hands->ns, hands->image);
    *result = (gt_step_result){.outcome = GT_STEP_CREATED, .name = name_of(pod), .retry_after_ms = -1};
    switch (hands->format) {
    case GT_POD_TEXT: print_text(&buf, agent, wish, hands, result->name); break;
    case GT_POD_JSON:
        gt_value_print(&buf, pod);
        gt_buf_byte(&buf, '\n');
        break;
    case GT_POD_YAML:
        gt_buf_text(&buf, "---\n");
        gt_yaml_print(&buf, pod, 0);
        break;
    }
    (void)err;
    if (fwrite(buf.at, 1, buf.len, hands->out) != buf.len || fflush(hands->out) != 0)
        hands->failed = true;
}
