/* What becomes of pods, shown by dry runs: an agent's comes back completed, all others as they were sent. */
#include "catalogue/kinds.h"
#include "injector/identity.h"
#include "injector/sample.h"
#include "injector/want.h"
#include "webhook/check.h"

#define SYSTEM "kube-system"
enum { INVALID = 422 };

/* ---- sending one ---- */

static void put_text(gt_arena *arena, gt_value *object, const char *key, const char *text)
{
    gt_value_put(arena, object, key, gt_value_text(arena, text));
}

/* A name that nobody has: a dry run of one that's taken is refused for that. */
static const char *fresh_name(const gt_survey *check)
{
    return gt_arena_printf(check->arena, "gastown-check-%llx", (unsigned long long)check->now_s);
}

static bool dry_run(gt_survey *check, const char *ns, const gt_value *pod, gt_kube_answer *answer, gt_err *err)
{
    gt_kube_request request = gt_kube_create_request(check->arena, &gt_kube_pods, ns, pod);
    gt_buf path;
    gt_buf_init(&path, check->arena, 256);
    gt_buf_text(&path, request.path);
    gt_kube_add_query(&path, "dryRun", "All");
    request.path = path.at;
    return gt_kube_do(check->client, check->arena, &request, answer, err);
}

static gt_view annotation(const gt_kube_answer *answer, const char *key)
{
    return gt_view_get(gt_view_get(gt_view_get(answer->object, "metadata"), "annotations"), key);
}

static bool says(const gt_err *err, const char *text)
{
    return strstr(err->text, text) != NULL;
}

/* ---- an agent's ---- */

typedef struct chosen {
    const char *ns, *town; /* NULL: there's no GasTown */
    gt_str rig, role;      /* raw */
} chosen;

/* The first object of a kind; missing: none, or *known is false and a row says why. */
static gt_view first_of(gt_survey *check, gt_str what, gt_kind kind, const char *ns, bool *known)
{
    gt_kube_answer answer;
    gt_kube_page page;
    gt_buf path;
    gt_err err;
    gt_view none = {0};
    gt_buf_init(&path, check->arena, 256);
    gt_buf_text(&path, gt_kube_path(check->arena, &gt_kind_resources[kind], ns, NULL));
    gt_kube_add_query(&path, "limit", "1");
    if (ns == NULL)
        gt_kube_add_query(&path, "fieldSelector", "metadata.namespace!=" SYSTEM); /* a town there has no agents */
    const gt_kube_request request = {.method = "GET", .path = path.at};
    *known = gt_kube_do(check->client, check->arena, &request, &answer, &err) &&
             gt_kube_read_page(answer.object, &page, &err);
    if (!*known)
        gt_survey_unknown(check, what, "list", &gt_kind_resources[kind], ns, &err);
    GT_VIEW_EACH (item, *known ? page.items : none)
        return item;
    return none;
}

static const char *text_of(const gt_survey *check, gt_view object, const char *in, const char *key)
{
    gt_str text = gt_view_str(gt_view_get(gt_view_get(object, in), key));
    return gt_arena_dup(check->arena, text.at, text.len);
}

static bool choose_town(gt_survey *check, gt_str what, chosen *c)
{
    static const char *const everywhere[] = {NULL, NULL};
    const char *const *namespaces = check->registration->namespaces;
    bool some = namespaces != NULL && namespaces[0] != NULL, known;
    for (namespaces = some ? namespaces : everywhere; c->ns == NULL; namespaces++) {
        gt_view town = first_of(check, what, GT_KIND_TOWN, *namespaces, &known);
        if (!known)
            return false;
        if (gt_view_exists(town)) {
            c->ns = text_of(check, town, "metadata", "namespace");
            c->town = text_of(check, town, "metadata", "name");
        }
        if (namespaces[0] == NULL || namespaces[1] == NULL)
            break;
    }
    return true;
}

/* The agent that a pool is for, else a polecat of a rig, else the town's mayor. */
static bool choose(gt_survey *check, gt_str what, chosen *c)
{
    bool known;
    *c = (chosen){.rig = GT_STR(GT_TOWN_RIG), .role = GT_STR("mayor")};
    if (!choose_town(check, what, c))
        return false;
    if (c->ns == NULL)
        return true;
    gt_view pool = first_of(check, what, GT_KIND_POOL, c->ns, &known);
    if (!known)
        return false;
    gt_view rig = gt_view_exists(pool) ? pool : first_of(check, what, GT_KIND_RIG, c->ns, &known);
    if (gt_view_exists(pool)) {
        c->rig = gt_str_of(text_of(check, pool, "spec", "rig"));
        c->role = gt_str_of(text_of(check, pool, "spec", "role"));
    } else if (gt_view_exists(rig)) {
        c->rig = gt_str_of(text_of(check, rig, "spec", "name"));
        c->role = GT_STR("polecat");
    }
    return known;
}

static gt_value *agent_pod(const gt_survey *check, const chosen *c)
{
    const gt_sample sample = {.ns = gt_str_of(c->ns), .rig = c->rig, .role = c->role};
    const gt_value *pod = gt_sample_pod(check->arena, &sample);
    gt_value *metadata = gt_value_copy(check->arena, gt_value_get(pod, "metadata"));
    metadata->key = (gt_str){"", 0};
    put_text(check->arena, metadata, "name", fresh_name(check));
    return gt_sample_bare(check->arena, metadata);
}

static void tell_refusal(gt_survey *check, gt_str what, const char *ns, const gt_err *err)
{
    if (says(err, "failed calling webhook"))
        gt_survey_add(check, GT_VERDICT_FAIL, what,
                      "is a replica ready, and does its certificate fit the caBundle? See the rows above",
                      "the API server can't call: %s", err->text);
    else if (says(err, "admission webhook \"pods.gastown.io\""))
        gt_survey_add(check, GT_VERDICT_WARN, what, "gastown-inject check, or ask as one of spec.policy.creators",
                      "the webhook answers, and denies it: %s", err->text);
    else if (err->code == INVALID || says(err, "ValidatingAdmissionPolicy")) /* bare, it lacks an image */
        gt_survey_add(check, GT_VERDICT_FAIL, what,
                      "is the MutatingWebhookConfiguration as shipped? See the rows above", "nobody completed it: %s",
                      err->text);
    else
        gt_survey_unknown(check, what, "create (dry run)", &gt_kube_pods, ns, err);
}

void gt_survey_agent(gt_survey *check)
{
    gt_str what = GT_STR("an agent's pod"), hash;
    chosen c;
    gt_kube_answer answer;
    gt_err err;
    if (!choose(check, what, &c))
        return;
    if (c.ns == NULL) {
        gt_survey_add(check, GT_VERDICT_WARN, what, "kubectl apply -n NAMESPACE -f manifests/examples",
                      "there's no GasTown yet, so nobody's pod can be tried");
        return;
    }
    if (!dry_run(check, c.ns, agent_pod(check, &c), &answer, &err)) {
        tell_refusal(check, what, c.ns, &err);
        return;
    }
    hash = gt_view_str(annotation(&answer, GT_ANNOTATION_HASH));
    if (hash.len == 0)
        gt_survey_add(check, GT_VERDICT_FAIL, what, "is the registration as shipped? See the rows above",
                      "%.*s of %.*s in %s comes back as it was sent", GT_STR_ARG(c.role), GT_STR_ARG(c.rig), c.ns);
    else
        gt_survey_add(check, GT_VERDICT_OK, what, NULL, "%.*s of %.*s in %s comes back with template %.*s of %.*s",
                      GT_STR_ARG(c.role), GT_STR_ARG(c.rig), c.ns, GT_STR_ARG(hash),
                      GT_STR_ARG(gt_view_str(annotation(&answer, GT_ANNOTATION_LAYERS))));
}

/* ---- others ---- */

/* As the restricted standard wants it: a namespace that enforces it must not refuse it. */
static gt_value *other_pod(const gt_survey *check, bool labelled)
{
    static const char container[] =
        "{\"containers\":[{\"name\":\"check\",\"image\":\"gastown.invalid/check:0\",\"resources\":{\"limits\":{\"cpu\":"
        "\"1m\",\"memory\":\"1Mi\"}},\"securityContext\":{\"allowPrivilegeEscalation\":false,\"capabilities\":{"
        "\"drop\":"
        "[\"ALL\"]}}}],\"securityContext\":{\"runAsNonRoot\":true,\"runAsUser\":1000,\"seccompProfile\":{\"type\":"
        "\"RuntimeDefault\"}}}";
    gt_arena *arena = check->arena;
    gt_value *pod = gt_value_object(arena), *metadata = gt_value_object(arena), *labels = gt_value_object(arena), *spec;
    gt_view view;
    gt_err err;
    if (!gt_view_parse(arena, GT_STR(container), 0, &view, &err) || !gt_value_from_view(arena, view, &spec, &err))
        spec = gt_value_object(arena); /* it's ours, and right */
    put_text(arena, metadata, "name", fresh_name(check));
    if (labelled) {
        put_text(arena, labels, GT_LABEL_AGENT, "check");
        put_text(arena, labels, GT_LABEL_ROLE, "mayor");
        gt_value_put(arena, metadata, "labels", labels);
    }
    put_text(arena, pod, "apiVersion", "v1");
    put_text(arena, pod, "kind", "Pod");
    gt_value_put(arena, pod, "metadata", metadata);
    gt_value_put(arena, pod, "spec", spec);
    return pod;
}

static void check_untouched(gt_survey *check, gt_str what, const char *ns, bool labelled, const char *todo)
{
    gt_kube_answer answer;
    gt_err err;
    if (!dry_run(check, ns, other_pod(check, labelled), &answer, &err)) {
        bool ours = says(&err, ".gastown.io\"") || says(&err, "gastown.io/template-hash");
        if (ours)
            gt_survey_add(check, GT_VERDICT_FAIL, what, todo, "%s", err.text);
        else
            gt_survey_unknown(check, what, "create (dry run)", &gt_kube_pods, ns, &err);
    } else if (gt_view_exists(annotation(&answer, GT_ANNOTATION_HASH)))
        gt_survey_add(check, GT_VERDICT_FAIL, what, todo, "comes back changed");
    else
        gt_survey_add(check, GT_VERDICT_OK, what, NULL, "is left alone");
}

static bool is_ours(const gt_survey *check, gt_view pod)
{
    gt_view account = gt_view_get(gt_view_get(pod, "spec"), "serviceAccountName");
    return gt_view_is(account, check->registration->webhook_account) ||
           gt_view_is(account, check->registration->watcher_account);
}

/* Agents may live beside us: those have other accounts. */
static void check_own(gt_survey *check)
{
    const char *ns = check->registration->system_namespace;
    gt_str what = gt_str_of(gt_arena_printf(check->arena, "our own pods in %s", ns));
    gt_kube_answer answer;
    gt_buf path;
    gt_err err;
    size_t wrong = 0;
    gt_buf_init(&path, check->arena, 256);
    gt_buf_text(&path, gt_kube_path(check->arena, &gt_kube_pods, ns, NULL));
    gt_kube_add_query(&path, "labelSelector", GT_LABEL_AGENT);
    const gt_kube_request request = {.method = "GET", .path = path.at};
    if (!gt_kube_do(check->client, check->arena, &request, &answer, &err)) {
        gt_survey_unknown(check, what, "list", &gt_kube_pods, ns, &err);
        return;
    }
    GT_VIEW_EACH (pod, gt_view_get(answer.object, "items")) {
        if (!is_ours(check, pod))
            continue;
        gt_str name = gt_view_str(gt_view_get(gt_view_get(pod, "metadata"), "name"));
        gt_survey_add(check, GT_VERDICT_FAIL, what, "take the label out of its Deployment's template",
                      "%.*s carries the label " GT_LABEL_AGENT ": it would need a webhook to start the webhook",
                      GT_STR_ARG(name));
        wrong++;
    }
    if (wrong == 0)
        gt_survey_add(check, GT_VERDICT_OK, what, NULL, "none carries the label " GT_LABEL_AGENT);
}

void gt_survey_others(gt_survey *check)
{
    static const char todo[] = "is the registration as shipped? See the rows above";
    const char *ns = check->registration->system_namespace;
    check_own(check);
    check_untouched(check, gt_str_of(gt_arena_printf(check->arena, "a pod without the label in %s", ns)), ns, false,
                    todo);
    check_untouched(check, GT_STR("an agent's pod in " SYSTEM), SYSTEM, true, todo);
}
