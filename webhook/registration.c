#include "webhook/registration.h"

#include <ctype.h>

#include "injector/crd.h"
#include "injector/identity.h"
#include "injector/review.h"
#include "injector/want.h"
#include "lib/base/hash.h"
#include "lib/kube/names.h"

#define API_VERSION "admissionregistration.k8s.io/v1"
/* The nodes' own agents run there, and what the cluster needs to come up: nothing of it may ever wait for us. */
#define NEVER_OURS "kube-system"
#define NAMESPACE_LABEL "kubernetes.io/metadata.name"
#define OUR_PREFIX "gastown.io/"

const gt_registered_row gt_registered_rows[GT_REGISTERED_COUNT] = {
    [GT_REGISTERED_MUTATING] = {&gt_kube_mutating, "MutatingWebhookConfiguration"},
    [GT_REGISTERED_VALIDATING] = {&gt_kube_validating, "ValidatingWebhookConfiguration"},
    [GT_REGISTERED_POLICY] = {&gt_kube_policies, "ValidatingAdmissionPolicy"},
    [GT_REGISTERED_BINDING] = {&gt_kube_policy_bindings, "ValidatingAdmissionPolicyBinding"},
};

/* ---- expressions (CEL) ---- */

#define ANNOTATIONS "object.metadata.?annotations.orValue({})"
#define IMAGES(pod, list) pod ".spec.?" list ".orValue([]).map(c, c.?image.orValue(\"\"))"
#define SAME_IMAGES(list) IMAGES("object", list) " == " IMAGES("oldObject", list)

/* As the engine has it (review.h): of a pod that comes in, who sends it counts, too; later nobody can add the annotation or take it away. */
static const char NO_MIRROR[] =
    "!(\"" GT_ANNOTATION_MIRROR "\" in " ANNOTATIONS " && (request.operation != \"CREATE\" || \"" GT_NODES_GROUP
    "\" in request.userInfo.?groups.orValue([])))";

/* A finalizer, a label or a status goes by without us, so that a pod can be finished and deleted while we are away. Of a subresource
 * each one is asked about: it's there for nothing else. */
static const char OTHER_SPEC[] = "request.?subResource.orValue(\"\") != \"\" || "
                                 "!(" SAME_IMAGES("containers") " && " SAME_IMAGES("initContainers") ")";

/* Looking through a map costs the API server a time that grows with the square of its size (seconds for 20000 labels), and comparing two costs
 * nothing. So what stays as it was is never looked through, a node's and a controller's updates go by at once, and nobody makes large ones. */
#define MOST "1000"
#define SAME(map) "variables." map " == variables.old_" map
static const char FEW[] = "(variables.labels.size() <= " MOST " && variables.annotations.size() <= " MOST ") || "
                          "(request.operation != \"CREATE\" && " SAME("labels") " && " SAME("annotations") ")";

/* Keys of ours in one map that the other one hasn't, or not with that value. */
#define OURS(key) key ".startsWith(\"" OUR_PREFIX "\")"
#define OURS_OR_EVENTS(key) "(" OURS(key) " || " key ".startsWith(\"" GT_EVENT_PREFIX "\"))"
#define CHANGED(map, ours)                                                                                             \
    "!variables.few || " SAME(map) " ? [] : variables." map                                                            \
                                   ".filter(k, " ours("k") " && !(k in variables.old_" map " && variables.old_" map    \
                                                           "[k] == variables." map "[k])) + variables.old_" map        \
                                                           ".filter(k, " ours("k") " && !(k in variables." map "))"

typedef struct pair {
    const char *name, *expression;
} pair;

static const pair variables[] = {
    {"labels", "object.metadata.?labels.orValue({})"},
    {"old_labels", "oldObject.metadata.?labels.orValue({})"},
    {"annotations", ANNOTATIONS},
    {"old_annotations", "oldObject.metadata.?annotations.orValue({})"},
    {"few", FEW},
    {"changed_labels", CHANGED("labels", OURS)},
    {"changed_annotations", CHANGED("annotations", OURS_OR_EVENTS)},
};

#define LATER "request.operation == \"CREATE\" || variables.trusted || "
#define ONLY_THEN                                                                                                      \
    " says which agent the pod is, and is only set when it is created: delete the pod and create it anew with what "   \
    "it should say"

static const struct validation {
    const char *expression, *message; /* the message: CEL if it has a quote, else the text itself */
    const char *reason;
} validations[] = {
    {"request.operation != \"CREATE\" || \"" GT_ANNOTATION_HASH "\" in variables.annotations",
     "metadata.annotations[" GT_ANNOTATION_HASH "] is missing: the pod carries the label " GT_LABEL_AGENT
     ", and gastown-webhook hasn't completed it; `gastown-webhook check` says why, and a pod that is no agent's must "
     "not carry the label",
     "Forbidden"},
    {"variables.few", "metadata.labels and metadata.annotations: no more than " MOST " of each on an agent's pod",
     "Forbidden"},
    {LATER "variables.changed_labels.size() == 0",
     "\"metadata.labels[\" + variables.changed_labels[0] + \"]" ONLY_THEN "\"", "Forbidden"},
    {LATER "variables.changed_annotations.size() == 0",
     "\"metadata.annotations[\" + variables.changed_annotations[0] + \"]" ONLY_THEN "\"", "Forbidden"},
};

/* ---- the webhooks' entries ---- */

enum { CONDITIONS = 2, RULES = 2, WORDS = 4 };

typedef struct rule {
    const char *group, *version;
    const char *resources[WORDS], *operations[WORDS];
} rule;

static const struct entry {
    const char *path, *failure_policy;
    int64_t timeout_s;
    bool agents; /* only pods that carry our label, and none of kube-system; else whatever the rules name */
    bool again;  /* reinvocationPolicy IfNeeded; of a mutating one */
    rule rules[RULES];
    pair conditions[CONDITIONS];
} entries[GT_ENTRY_COUNT] = {
    [GT_ENTRY_PODS] = {.path = "/mutate",
                       .failure_policy = "Fail",
                       .timeout_s = 3,
                       .agents = true,
                       .again = true,
                       .rules = {{"", "v1", {"pods"}, {"CREATE"}}},
                       .conditions = {{"no-mirror-of-a-static-pod", NO_MIRROR}}},
    [GT_ENTRY_POLICY] = {.path = "/validate",
                         .failure_policy = "Fail",
                         .timeout_s = 3,
                         .agents = true,
                         .rules = {{"", "v1", {"pods", "pods/ephemeralcontainers", "pods/resize"}, {"UPDATE"}}},
                         .conditions = {{"no-mirror-of-a-static-pod", NO_MIRROR},
                                        {"what-the-policy-is-about", OTHER_SPEC}}},
    [GT_ENTRY_TEMPLATES] = {.path = "/validate",
                            .failure_policy = "Ignore",
                            .timeout_s = 5,
                            .rules = {{GT_API_GROUP,
                                       GT_API_VERSION_NAME,
                                       {"gastowns", "rigs", "agentpools"},
                                       {"CREATE", "UPDATE", "DELETE"}}}},
};

/* A status can change labels, too: whoever may write it isn't always a node, whose right to that is taken away by NodeRestriction. */
static const rule policy_rules[RULES] = {{"", "v1", {"pods"}, {"CREATE", "UPDATE"}},
                                         {"", "v1", {"pods/status"}, {"UPDATE"}}};

/* ---- building ---- */

static void put_text(gt_arena *arena, gt_value *object, const char *key, const char *text)
{
    gt_value_put(arena, object, key, gt_value_text(arena, text));
}

static gt_value *put_object(gt_arena *arena, gt_value *object, const char *key)
{
    gt_value *made = gt_value_object(arena);
    gt_value_put(arena, object, key, made);
    return made;
}

static gt_value *put_array(gt_arena *arena, gt_value *object, const char *key)
{
    gt_value *made = gt_value_array(arena);
    gt_value_put(arena, object, key, made);
    return made;
}

static void put_words(gt_arena *arena, gt_value *object, const char *key, const char *const *words, size_t most)
{
    gt_value *list = put_array(arena, object, key);
    for (size_t i = 0; i < most && words[i] != NULL; i++)
        gt_value_push(list, gt_value_text(arena, words[i]));
}

static void put_rules(gt_arena *arena, gt_value *object, const char *key, const rule *rules)
{
    gt_value *list = put_array(arena, object, key);
    for (size_t i = 0; i < RULES && rules[i].version != NULL; i++) {
        gt_value *made = gt_value_object(arena);
        put_words(arena, made, "apiGroups", &rules[i].group, 1);
        put_words(arena, made, "apiVersions", &rules[i].version, 1);
        put_words(arena, made, "operations", rules[i].operations, WORDS);
        put_words(arena, made, "resources", rules[i].resources, WORDS);
        put_text(arena, made, "scope", "Namespaced");
        gt_value_push(list, made);
    }
}

static void put_pairs(gt_arena *arena, gt_value *object, const char *key, const pair *pairs, size_t most)
{
    gt_value *list = NULL;
    for (size_t i = 0; i < most && pairs[i].name != NULL; i++) {
        gt_value *made = gt_value_object(arena);
        list = i == 0 ? put_array(arena, object, key) : list;
        put_text(arena, made, "name", pairs[i].name);
        put_text(arena, made, "expression", pairs[i].expression);
        gt_value_push(list, made);
    }
}

static gt_value *put_selector(gt_arena *arena, gt_value *object, const char *key, const char *label, const char *is)
{
    gt_value *list = put_array(arena, put_object(arena, object, key), "matchExpressions"),
             *made = gt_value_object(arena);
    put_text(arena, made, "key", label);
    put_text(arena, made, "operator", is);
    gt_value_push(list, made);
    return made;
}

/* Which objects: agents' pods where agents may be, or all. */
static void put_selectors(gt_arena *arena, const gt_registration *r, gt_value *object, bool agents)
{
    static const char *const never[] = {NEVER_OURS, NULL};
    bool some = r->namespaces != NULL && r->namespaces[0] != NULL;
    gt_value *namespaces =
        some || agents ? put_selector(arena, object, "namespaceSelector", NAMESPACE_LABEL, some ? "In" : "NotIn")
                       : NULL;
    if (namespaces == NULL)
        put_object(arena, object, "namespaceSelector");
    else
        put_words(arena, namespaces, "values", some ? r->namespaces : never, SIZE_MAX);
    if (agents)
        put_selector(arena, object, "objectSelector", GT_LABEL_AGENT, "Exists");
    else
        put_object(arena, object, "objectSelector");
}

static void put_client(gt_arena *arena, const gt_registration *r, gt_value *object, const char *path)
{
    gt_value *client = put_object(arena, object, "clientConfig");
    if (r->ca_bundle.len > 0) {
        gt_buf bundle;
        gt_buf_init(&bundle, arena, r->ca_bundle.len * 2);
        gt_base64(&bundle, r->ca_bundle);
        gt_value_put(arena, client, "caBundle", gt_value_string(arena, gt_buf_slice(&bundle)));
    }
    if (r->url != NULL) {
        put_text(arena, client, "url", gt_arena_printf(arena, "%s%s", r->url, path));
        return;
    }
    gt_value *service = put_object(arena, client, "service");
    put_text(arena, service, "namespace", r->system_namespace);
    put_text(arena, service, "name", r->service);
    put_text(arena, service, "path", path);
    gt_value_put(arena, service, "port", gt_value_int(arena, r->port));
}

static gt_value *make_entry(gt_arena *arena, const gt_registration *r, gt_entry which)
{
    static const char *const versions[] = {"v1", NULL};
    const struct entry *e = &entries[which];
    gt_value *made = gt_value_object(arena);
    put_text(arena, made, "name", gt_entries[which].name);
    put_words(arena, made, "admissionReviewVersions", versions, 1);
    put_client(arena, r, made, e->path);
    put_rules(arena, made, "rules", e->rules);
    put_selectors(arena, r, made, e->agents);
    put_pairs(arena, made, "matchConditions", e->conditions, CONDITIONS);
    put_text(arena, made, "matchPolicy", "Equivalent");
    put_text(arena, made, "failurePolicy", e->failure_policy);
    if (gt_entries[which].kind == GT_REGISTRATION_MUTATING)
        put_text(arena, made, "reinvocationPolicy", e->again ? "IfNeeded" : "Never");
    put_text(arena, made, "sideEffects", "None");
    gt_value_put(arena, made, "timeoutSeconds", gt_value_int(arena, e->timeout_s));
    return made;
}

static gt_value *begin(gt_arena *arena, const gt_registration *r, gt_registered which)
{
    gt_value *object = gt_value_object(arena);
    put_text(arena, object, "apiVersion", API_VERSION);
    put_text(arena, object, "kind", gt_registered_rows[which].kind);
    put_text(arena, put_object(arena, object, "metadata"), "name", r->name);
    return object;
}

static gt_value *make_webhooks(gt_arena *arena, const gt_registration *r, gt_registered which,
                               gt_registration_kind kind)
{
    gt_value *object = begin(arena, r, which), *list;
    if (r->inject_ca_from != NULL) {
        gt_value *annotations = gt_value_object(arena);
        put_text(arena, annotations, GT_INJECT_CA_FROM, r->inject_ca_from);
        gt_value_put(arena, object->last, "annotations", annotations);
    }
    list = put_array(arena, object, "webhooks");
    for (int i = 0; i < GT_ENTRY_COUNT; i++)
        if (gt_entries[i].kind == kind)
            gt_value_push(list, make_entry(arena, r, (gt_entry)i));
    return object;
}

/* ---- the policy ---- */

static gt_value *make_variables(gt_arena *arena, const gt_registration *r)
{
    enum { COUNT = sizeof variables / sizeof *variables };
    gt_value *holder = gt_value_object(arena);
    pair all[COUNT + 1] = {
        {"trusted", gt_arena_printf(arena,
                                    "request.userInfo.username in "
                                    "[\"system:serviceaccount:%s:%s\", "
                                    "\"system:serviceaccount:%s:%s\"]",
                                    r->system_namespace, r->webhook_account, r->system_namespace, r->watcher_account)}};
    memcpy(all + 1, variables, sizeof variables);
    put_pairs(arena, holder, "variables", all, COUNT + 1);
    return holder->first;
}

static gt_value *make_validations(gt_arena *arena)
{
    gt_value *list = gt_value_array(arena);
    for (size_t i = 0; i < sizeof validations / sizeof *validations; i++) {
        const struct validation *v = &validations[i];
        gt_value *made = gt_value_object(arena);
        put_text(arena, made, "expression", v->expression);
        put_text(arena, made, strchr(v->message, '"') == NULL ? "message" : "messageExpression", v->message);
        put_text(arena, made, "reason", v->reason);
        gt_value_push(list, made);
    }
    return list;
}

static gt_value *make_policy(gt_arena *arena, const gt_registration *r)
{
    static const pair conditions[] = {{"no-mirror-of-a-static-pod", NO_MIRROR}};
    gt_value *object = begin(arena, r, GT_REGISTERED_POLICY), *spec = put_object(arena, object, "spec"),
             *constraints = put_object(arena, spec, "matchConstraints");
    put_text(arena, spec, "failurePolicy", "Fail");
    put_text(arena, constraints, "matchPolicy", "Equivalent");
    put_selectors(arena, r, constraints, true);
    put_rules(arena, constraints, "resourceRules", policy_rules);
    put_pairs(arena, spec, "matchConditions", conditions, 1);
    gt_value_put(arena, spec, "variables", make_variables(arena, r));
    gt_value_put(arena, spec, "validations", make_validations(arena));
    return object;
}

static gt_value *make_binding(gt_arena *arena, const gt_registration *r)
{
    static const char *const deny[] = {"Deny", NULL};
    gt_value *object = begin(arena, r, GT_REGISTERED_BINDING), *spec = put_object(arena, object, "spec");
    put_text(arena, spec, "policyName", r->name);
    put_words(arena, spec, "validationActions", deny, 1);
    return object;
}

gt_value *gt_registration_make(gt_arena *arena, const gt_registration *r, gt_registered which)
{
    switch (which) {
    case GT_REGISTERED_MUTATING: return make_webhooks(arena, r, which, GT_REGISTRATION_MUTATING);
    case GT_REGISTERED_VALIDATING: return make_webhooks(arena, r, which, GT_REGISTRATION_VALIDATING);
    case GT_REGISTERED_POLICY: return make_policy(arena, r);
    case GT_REGISTERED_BINDING:
    case GT_REGISTERED_COUNT: break;
    }
    return make_binding(arena, r);
}

/* ---- what can be registered ---- */

/* https, a host, perhaps a port and a path: what the API server takes, and without a slash at its end. */
static bool good_url(const char *url)
{
    if (strncmp(url, "https://", strlen("https://")) != 0 || url[strlen("https://")] == '\0')
        return false;
    for (const char *p = url; *p != '\0'; p++)
        if (!isgraph((unsigned char)*p) || strchr("@?#\"\\", *p) != NULL)
            return false;
    return url[strlen("https://")] != '/' && url[strlen(url) - 1] != '/';
}

static bool good_certificate(const char *text)
{
    const char *slash = strchr(text, '/');
    return slash != NULL && gt_is_dns_label((gt_str){text, (size_t)(slash - text)}) &&
           gt_is_dns_subdomain(gt_str_of(slash + 1));
}

static bool good_namespaces(const char *const *namespaces, gt_err *err)
{
    for (; namespaces != NULL && *namespaces != NULL; namespaces++)
        if (strcmp(*namespaces, NEVER_OURS) == 0)
            return gt_fail(err, GT_ERR_INPUT,
                           "--watch-namespaces: " NEVER_OURS " is never ours: what a cluster needs to come up must not "
                           "wait for a webhook");
    return true;
}

bool gt_registration_good(const gt_registration *r, gt_err *err)
{
    const struct {
        const char *flag, *value;
        bool (*good)(gt_str);
        const char *what;
    } names[] = {
        {"name", r->name, gt_is_dns_subdomain, "the name of an object"},
        {"system-namespace", r->system_namespace, gt_is_dns_label, "a namespace"},
        {"service", r->service, gt_is_dns_label, "the name of a Service"},
        {"webhook-account", r->webhook_account, gt_is_dns_subdomain, "the name of a ServiceAccount"},
        {"watcher-account", r->watcher_account, gt_is_dns_subdomain, "the name of a ServiceAccount"},
    };
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (!names[i].good(gt_str_of(names[i].value)))
            return gt_fail(err, GT_ERR_INPUT, "--%s: \"%.200s\" can't be %s", names[i].flag, names[i].value,
                           names[i].what);
    if (r->url != NULL && !good_url(r->url))
        return gt_fail(err, GT_ERR_INPUT, "--url: \"%.200s\" isn't of the form https://HOST:PORT", r->url);
    if (r->inject_ca_from != NULL && !good_certificate(r->inject_ca_from))
        return gt_fail(err, GT_ERR_INPUT,
                       "--inject-ca-from: \"%.200s\" isn't of the form NAMESPACE/CERTIFICATE (cert-manager's)",
                       r->inject_ca_from);
    if (r->inject_ca_from != NULL && r->ca_bundle.len > 0)
        return gt_fail(err, GT_ERR_INPUT, "--ca-bundle and --inject-ca-from exclude each other: one of them publishes");
    return good_namespaces(r->namespaces, err);
}
