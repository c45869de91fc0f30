/* Kubernetes' own objects in a template (core/v1 of 1.35): what people write most is typed, so that `kubectl explain` and a strict
 * client know it, and all else is kept. Our own words in them (mode, start, $patch) and what weakens the profile come from the tables
 * of the checker. */
#include "injector/schema.h"

#include "injector/choices.h"
#include "injector/security.h"
#include "injector/template.h"
#include "injector/variables.h"

typedef enum shape_kind {
    TEXT,
    NUMBER,
    TRUTH,
    AMOUNT,
    PORT,   /* 1 to 65535 */
    TARGET, /* a port's number or name */
    TEXTS,
    TEXT_MAP,
    OPEN,   /* an object that nothing is said about */
    OPENS,  /* a list of those */
    SHAPE,  /* another shape */
    SHAPES, /* a list of another shape */
    NOTHING /* "" is all that may stand there */
} shape_kind;

typedef struct shape_member {
    const char *shape, *name;
    shape_kind kind;
    const char *inner; /* SHAPE, SHAPES */
} shape_member;

static const shape_member members[] = {
    {"LocalObjectReference", "name", TEXT, NULL},
    {"Toleration", "key", TEXT, NULL},
    {"Toleration", "operator", TEXT, NULL},
    {"Toleration", "value", TEXT, NULL},
    {"Toleration", "effect", TEXT, NULL},
    {"Toleration", "tolerationSeconds", NUMBER, NULL},
    {"Affinity", "nodeAffinity", OPEN, NULL},
    {"Affinity", "podAffinity", OPEN, NULL},
    {"Affinity", "podAntiAffinity", OPEN, NULL},
    {"LabelSelector", "matchLabels", TEXT_MAP, NULL},
    {"LabelSelector", "matchExpressions", OPENS, NULL},
    {"TopologySpreadConstraint", "maxSkew", NUMBER, NULL},
    {"TopologySpreadConstraint", "topologyKey", TEXT, NULL},
    {"TopologySpreadConstraint", "whenUnsatisfiable", TEXT, NULL},
    {"TopologySpreadConstraint", "labelSelector", SHAPE, "LabelSelector"},
    {"TopologySpreadConstraint", "minDomains", NUMBER, NULL},
    {"TopologySpreadConstraint", "nodeAffinityPolicy", TEXT, NULL},
    {"TopologySpreadConstraint", "nodeTaintsPolicy", TEXT, NULL},
    {"TopologySpreadConstraint", "matchLabelKeys", TEXTS, NULL},
    {"ContainerPort", "name", TEXT, NULL},
    {"ContainerPort", "containerPort", PORT, NULL},
    {"ContainerPort", "protocol", TEXT, NULL},
    {"ContainerPort", "hostIP", TEXT, NULL},
    {"HostAlias", "ip", TEXT, NULL},
    {"HostAlias", "hostnames", TEXTS, NULL},
    {"PodDNSConfigOption", "name", TEXT, NULL},
    {"PodDNSConfigOption", "value", TEXT, NULL},
    {"PodDNSConfig", "nameservers", TEXTS, NULL},
    {"PodDNSConfig", "searches", TEXTS, NULL},
    {"PodDNSConfig", "options", SHAPES, "PodDNSConfigOption"},
    {"SourceReference", "name", TEXT, NULL},
    {"SourceReference", "optional", TRUTH, NULL},
    {"EnvFromSource", "prefix", TEXT, NULL},
    {"EnvFromSource", "configMapRef", SHAPE, "SourceReference"},
    {"EnvFromSource", "secretRef", SHAPE, "SourceReference"},
    {"KeySelector", "name", TEXT, NULL},
    {"KeySelector", "key", TEXT, NULL},
    {"KeySelector", "optional", TRUTH, NULL},
    {"ObjectFieldSelector", "apiVersion", TEXT, NULL},
    {"ObjectFieldSelector", "fieldPath", TEXT, NULL},
    {"ResourceFieldSelector", "containerName", TEXT, NULL},
    {"ResourceFieldSelector", "resource", TEXT, NULL},
    {"ResourceFieldSelector", "divisor", AMOUNT, NULL},
    {"EnvVarSource", "configMapKeyRef", SHAPE, "KeySelector"},
    {"EnvVarSource", "secretKeyRef", SHAPE, "KeySelector"},
    {"EnvVarSource", "fieldRef", SHAPE, "ObjectFieldSelector"},
    {"EnvVarSource", "resourceFieldRef", SHAPE, "ResourceFieldSelector"},
    {"EnvVarSource", "fileKeyRef", OPEN, NULL},
    {"ExecAction", "command", TEXTS, NULL},
    {"GRPCAction", "port", PORT, NULL},
    {"GRPCAction", "service", TEXT, NULL},
    {"HTTPHeader", "name", TEXT, NULL},
    {"HTTPHeader", "value", TEXT, NULL},
    {"HTTPGetAction", "host", NOTHING, NULL},
    {"HTTPGetAction", "path", TEXT, NULL},
    {"HTTPGetAction", "port", TARGET, NULL},
    {"HTTPGetAction", "scheme", TEXT, NULL},
    {"HTTPGetAction", "httpHeaders", SHAPES, "HTTPHeader"},
    {"TCPSocketAction", "host", NOTHING, NULL},
    {"TCPSocketAction", "port", TARGET, NULL},
    {"Probe", "exec", SHAPE, "ExecAction"},
    {"Probe", "grpc", SHAPE, "GRPCAction"},
    {"Probe", "httpGet", SHAPE, "HTTPGetAction"},
    {"Probe", "tcpSocket", SHAPE, "TCPSocketAction"},
    {"Probe", "initialDelaySeconds", NUMBER, NULL},
    {"Probe", "periodSeconds", NUMBER, NULL},
    {"Probe", "timeoutSeconds", NUMBER, NULL},
    {"Probe", "successThreshold", NUMBER, NULL},
    {"Probe", "failureThreshold", NUMBER, NULL},
    {"Probe", "terminationGracePeriodSeconds", NUMBER, NULL},
    {"LifecycleHandler", "exec", SHAPE, "ExecAction"},
    {"LifecycleHandler", "httpGet", SHAPE, "HTTPGetAction"},
    {"LifecycleHandler", "tcpSocket", SHAPE, "TCPSocketAction"},
    {"LifecycleHandler", "sleep", OPEN, NULL},
    {"Lifecycle", "postStart", SHAPE, "LifecycleHandler"},
    {"Lifecycle", "preStop", SHAPE, "LifecycleHandler"},
    {"Lifecycle", "stopSignal", TEXT, NULL},
    {"VolumeMount", "readOnly", TRUTH, NULL},
    {"VolumeMount", "recursiveReadOnly", TEXT, NULL},
    {"VolumeMount", "subPath", TEXT, NULL},
    {"VolumeMount", "subPathExpr", TEXT, NULL},
    {"VolumeMount", "mountPropagation", TEXT, NULL},
    {"EmptyDirVolumeSource", "medium", TEXT, NULL},
    {"EmptyDirVolumeSource", "sizeLimit", AMOUNT, NULL},
    {"ConfigMapVolumeSource", "name", TEXT, NULL},
    {"ConfigMapVolumeSource", "items", OPENS, NULL},
    {"ConfigMapVolumeSource", "defaultMode", NUMBER, NULL},
    {"ConfigMapVolumeSource", "optional", TRUTH, NULL},
    {"SecretVolumeSource", "secretName", TEXT, NULL},
    {"SecretVolumeSource", "items", OPENS, NULL},
    {"SecretVolumeSource", "defaultMode", NUMBER, NULL},
    {"SecretVolumeSource", "optional", TRUTH, NULL},
    {"PersistentVolumeClaimVolumeSource", "claimName", TEXT, NULL},
    {"PersistentVolumeClaimVolumeSource", "readOnly", TRUTH, NULL},
    {"ProjectedVolumeSource", "sources", OPENS, NULL},
    {"ProjectedVolumeSource", "defaultMode", NUMBER, NULL},
    {"DownwardAPIVolumeSource", "items", OPENS, NULL},
    {"DownwardAPIVolumeSource", "defaultMode", NUMBER, NULL},
    {"Volume", "emptyDir", SHAPE, "EmptyDirVolumeSource"},
    {"Volume", "configMap", SHAPE, "ConfigMapVolumeSource"},
    {"Volume", "secret", SHAPE, "SecretVolumeSource"},
    {"Volume", "persistentVolumeClaim", SHAPE, "PersistentVolumeClaimVolumeSource"},
    {"Volume", "projected", SHAPE, "ProjectedVolumeSource"},
    {"Volume", "downwardAPI", SHAPE, "DownwardAPIVolumeSource"},
    {"Volume", "ephemeral", OPEN, NULL},
    {"Volume", "csi", OPEN, NULL},
    {"Volume", "image", OPEN, NULL},
    {"Container", "command", TEXTS, NULL},
    {"Container", "args", TEXTS, NULL},
    {"Container", "workingDir", TEXT, NULL},
    {"Container", "imagePullPolicy", TEXT, NULL},
    {"Container", "envFrom", SHAPES, "EnvFromSource"},
    {"Container", "volumeDevices", OPENS, NULL},
    {"Container", "resizePolicy", OPENS, NULL},
    {"Container", "livenessProbe", SHAPE, "Probe"},
    {"Container", "readinessProbe", SHAPE, "Probe"},
    {"Container", "startupProbe", SHAPE, "Probe"},
    {"Container", "lifecycle", SHAPE, "Lifecycle"},
    {"Container", "terminationMessagePath", TEXT, NULL},
    {"Container", "terminationMessagePolicy", TEXT, NULL},
    {"Container", "stdin", TRUTH, NULL},
    {"Container", "stdinOnce", TRUTH, NULL},
    {"Container", "tty", TRUTH, NULL},
    {"Profile", "type", TEXT, NULL},
    {"Profile", "localhostProfile", TEXT, NULL},
    {"SELinuxOptions", "level", TEXT, NULL},
    {"SELinuxOptions", "type", TEXT, NULL},
    {"SELinuxOptions", "user", NOTHING, NULL},
    {"SELinuxOptions", "role", NOTHING, NULL},
    {"WindowsSecurityContextOptions", "gmsaCredentialSpec", TEXT, NULL},
    {"WindowsSecurityContextOptions", "gmsaCredentialSpecName", TEXT, NULL},
    {"WindowsSecurityContextOptions", "runAsUserName", TEXT, NULL},
};

/* Only texts that a rule or the engine looks at are short; Kubernetes checks the rest when the pod comes. */
static gt_value *text(gt_arena *arena)
{
    return gt_schema_text(arena, GT_LONGEST_TEXT);
}

static gt_value *member_node(gt_arena *arena, const shape_member *row)
{
    gt_value *node = NULL;
    switch (row->kind) {
    case TEXT: return text(arena);
    case NUMBER: return gt_schema_integer(arena, INT64_MIN, INT64_MAX);
    case TRUTH: return gt_schema_bool(arena);
    case AMOUNT: return gt_schema_quantity(arena);
    case PORT: return gt_schema_integer(arena, 1, 65535);
    case TARGET:
        node = gt_value_object(arena);
        gt_value_put(arena, node, "x-kubernetes-int-or-string", gt_value_bool(arena, true));
        return node;
    case TEXTS: return gt_schema_list(arena, text(arena), GT_MOST_NAMES);
    case TEXT_MAP: return gt_schema_map(arena, gt_schema_nullable(arena, text(arena)), GT_MOST_NAMES);
    case OPEN: return gt_schema_open(arena);
    case OPENS: return gt_schema_list(arena, gt_schema_open(arena), GT_MOST_NAMES);
    case SHAPE: return gt_schema_kubernetes(arena, row->inner);
    case SHAPES: return gt_schema_list(arena, gt_schema_kubernetes(arena, row->inner), GT_MOST_NAMES);
    case NOTHING: return gt_schema_text(arena, 0);
    }
    return node;
}

gt_value *gt_schema_kubernetes(gt_arena *arena, const char *shape)
{
    gt_value *node = gt_schema_open(arena);
    for (size_t i = 0; i < sizeof members / sizeof *members; i++)
        if (strcmp(members[i].shape, shape) == 0)
            gt_schema_member(arena, node, members[i].name, gt_schema_nullable(arena, member_node(arena, &members[i])));
    if (strcmp(shape, "ContainerPort") == 0)
        gt_schema_member(arena, node, "hostPort", gt_schema_nullable(arena, gt_schema_integer(arena, 0, 0)));
    return node;
}

static void put(gt_arena *arena, gt_value *object, const char *name, gt_value *node, const char *what)
{
    gt_schema_member(arena, object, name, gt_schema_describe(arena, gt_schema_nullable(arena, node), what));
}

static void put_patch(gt_arena *arena, gt_value *object)
{
    static const char *const patches[] = {"delete", NULL};
    gt_schema_member(arena, object, "$patch",
                     gt_schema_describe(arena, gt_schema_choice(arena, patches),
                                        "delete: takes away the element of this name that lower layers set"));
}

/* ---- env and mounts ---- */

/* Names that only the engine sets: a list, and the same in CEL. */
static gt_value *reserved_names(gt_arena *arena, const char **cel)
{
    gt_value *list = gt_value_array(arena);
    gt_buf text;
    gt_buf_init(&text, arena, 128);
    for (int i = 0; i < GT_VARIABLE_COUNT; i++)
        if (gt_variables[i].reserved) {
            gt_buf_printf(&text, "%s'%s'", text.len == 0 ? "" : ", ", gt_variables[i].name);
            gt_value_push(list, gt_value_text(arena, gt_variables[i].name));
        }
    *cel = text.at;
    return list;
}

static gt_value * not(gt_arena * arena, gt_value *node, gt_value *refused)
{
    gt_value_put(arena, node, "not", refused);
    return node;
}

/* The same of an element of a container: so many of them are possible that CEL would cost too much. */
static void forbid_without_cel(gt_arena *arena, gt_value *entry, gt_value *name, gt_value *reserved)
{
    gt_value *both = gt_schema_require(arena, gt_value_object(arena), "value"), *choice = gt_value_object(arena);
    not(arena, entry, gt_schema_require(arena, both, "valueFrom"));
    gt_value_put(arena, choice, "enum", reserved);
    not(arena, name, choice);
}

static void forbid_with_cel(gt_arena *arena, gt_value *entry, const char *reserved)
{
    gt_schema_rule(arena, entry, "!has(self.value) || !has(self.valueFrom)", "has both value and valueFrom");
    /* one that is deleted has neither; CEL can't see $patch itself */
    gt_schema_rule(
        arena, entry,
        gt_arena_printf(arena, "!(has(self.value) || has(self.valueFrom)) || !(self.name in [%s])", reserved),
        "a name that says who the agent is: only its labels decide that");
}

gt_value *gt_schema_env_entry(gt_arena *arena, bool of_template)
{
    const char *cel;
    gt_value *entry = gt_schema_open(arena), *name = gt_schema_env_name(arena), *reserved = reserved_names(arena, &cel);
    gt_schema_member(arena, entry, "name", gt_schema_describe(arena, name, "the variable's name"));
    put(arena, entry, "value", text(arena), "its value; $(NAME) stands for another variable's");
    gt_schema_member(arena, entry, "valueFrom",
                     gt_schema_describe(arena, gt_schema_kubernetes(arena, "EnvVarSource"),
                                        "where its value comes from, instead of value"));
    if (!of_template) {
        forbid_without_cel(arena, entry, name, reserved);
        return entry;
    }
    put_patch(arena, entry);
    forbid_with_cel(arena, entry, cel);
    return entry;
}

gt_value *gt_schema_mount(gt_arena *arena)
{
    gt_value *mount = gt_schema_kubernetes(arena, "VolumeMount");
    gt_schema_member(arena, mount, "name",
                     gt_schema_describe(arena,
                                        gt_schema_rule(arena, gt_schema_text(arena, GT_LONGEST_NAME),
                                                       "!self.startsWith('kube-api-access-')",
                                                       "the API server's own volume: see automountServiceAccountToken"),
                                        "the volume's name"));
    gt_schema_member(arena, mount, "mountPath",
                     gt_schema_describe(arena, gt_schema_text(arena, GT_LONGEST_PATH), "where it is mounted"));
    return gt_schema_require(arena, mount, "name");
}

/* ---- resources ---- */

/* In one layer; between layers the engine settles it. */
static void forbid_request_above_limit(gt_arena *arena, gt_value *resources, const char *name)
{
    const char *rule = gt_arena_printf(
        arena,
        "!has(self.requests) || !has(self.limits) || dyn(self.requests) == null || dyn(self.limits) == null || "
        "!('%s' in self.requests) || !('%s' in self.limits) || self.requests['%s'] == null || self.limits['%s'] == "
        "null "
        "|| quantity(string(self.requests['%s'])).compareTo(quantity(string(self.limits['%s']))) <= 0",
        name, name, name, name, name, name);
    gt_schema_rule(arena, resources, rule, gt_arena_printf(arena, "the %s request is above the limit", name));
}

gt_value *gt_schema_resources(gt_arena *arena)
{
    static const struct {
        const char *name, *what;
    } lists[] = {{"requests", "what is set aside for it, by resource: cpu, memory ..."},
                 {"limits", "what it may use at most, by resource"}};
    gt_value *resources = gt_schema_object(arena);
    for (int i = 0; i < 2; i++)
        put(arena, resources, lists[i].name,
            gt_schema_map(arena, gt_schema_nullable(arena, gt_schema_quantity(arena)), GT_MOST_ELEMENTS),
            lists[i].what);
    forbid_request_above_limit(arena, resources, "cpu");
    forbid_request_above_limit(arena, resources, "memory");
    return resources;
}

/* ---- security ---- */

static const char *security_shape(const char *member)
{
    return strcmp(member, "seLinuxOptions") == 0   ? "SELinuxOptions"
           : strcmp(member, "windowsOptions") == 0 ? "WindowsSecurityContextOptions"
                                                   : "Profile";
}

/* The CEL for what a member must be; NULL: nothing is dangerous, or it is the checker's. */
static const char *harmless(gt_danger danger)
{
    static const char *const rules[] = {
        [GT_DANGER_IF_TRUE] = "!self",
        [GT_DANGER_IF_FALSE] = "self",
        [GT_DANGER_IF_ZERO] = "self != 0",
        [GT_DANGER_IF_NOT_DEFAULT] = "self == 'Default'",
        [GT_DANGER_UNLESS_CONFINED] = "has(self.type) && self.type in ['RuntimeDefault', 'Localhost']",
        [GT_DANGER_UNLESS_EMPTY] = "size(self) == 0",
    };
    return danger < sizeof rules / sizeof *rules ? rules[danger] : NULL;
}

static gt_value *capabilities(gt_arena *arena)
{
    gt_value *node = gt_schema_open(arena), *add = gt_schema_text(arena, GT_LONGEST_NAME);
    gt_schema_rule(arena, add, "self == 'NET_BIND_SERVICE'", "only NET_BIND_SERVICE may be added");
    put(arena, node, "add", gt_schema_list(arena, add, GT_MOST_ELEMENTS), "NET_BIND_SERVICE alone");
    gt_value *drop = gt_schema_list(arena, gt_schema_text(arena, GT_LONGEST_NAME), GT_MOST_ELEMENTS);
    put(arena, node, "drop",
        gt_schema_rule(arena, drop, "'ALL' in self", "must hold ALL: a template may not weaken the profile"),
        "must hold ALL");
    return node;
}

static gt_value *security_node(gt_arena *arena, const gt_security_member *row)
{
    switch (row->type) {
    case GT_TYPE_BOOL: return gt_schema_bool(arena);
    case GT_TYPE_COUNT: return gt_schema_integer(arena, 0, INT64_MAX);
    case GT_TYPE_TEXT: return gt_schema_text(arena, GT_LONGEST_NAME);
    case GT_TYPE_OBJECTS: return gt_schema_list(arena, gt_schema_open(arena), GT_MOST_ELEMENTS);
    default:
        return strcmp(row->name, "capabilities") == 0 ? capabilities(arena)
                                                      : gt_schema_kubernetes(arena, security_shape(row->name));
    }
}

gt_value *gt_schema_security(gt_arena *arena, bool pod)
{
    gt_value *context = gt_schema_open(arena);
    for (size_t i = 0; i < GT_SECURITY_MEMBER_COUNT; i++) {
        const gt_security_member *row = &gt_security_members[i];
        if (row->of == (pod ? GT_SECURITY_OF_CONTAINER : GT_SECURITY_OF_POD))
            continue;
        gt_value *node = gt_schema_nullable(arena, security_node(arena, row));
        const char *rule = harmless(row->danger);
        if (rule != NULL)
            gt_schema_rule(arena, node, rule,
                           gt_arena_printf(arena, "%s: a template may not weaken the profile", row->why));
        gt_schema_member(arena, context, row->name, node);
    }
    return context;
}

/* ---- containers and volumes ---- */

/* Elements are whole or a deletion: a container needs its image unless $patch is there. */
static void need_image_or_patch(gt_arena *arena, gt_value *container)
{
    static const char *const either[] = {"image", "$patch"};
    gt_value *list = gt_value_array(arena);
    for (int i = 0; i < 2; i++) {
        gt_value *row = gt_value_object(arena);
        gt_value_push(list, gt_schema_require(arena, row, either[i]));
    }
    gt_value_put(arena, container, "anyOf", list);
}

gt_value *gt_schema_container(gt_arena *arena, bool sidecar)
{
    gt_value *node = gt_schema_kubernetes(arena, "Container");
    gt_schema_member(arena, node, "name",
                     gt_schema_describe(arena, gt_schema_text(arena, GT_LONGEST_NAME),
                                        "its name: a DNS label other than agent and workspace"));
    gt_schema_member(arena, node, "image",
                     gt_schema_describe(arena, gt_schema_text(arena, GT_LONGEST_IMAGE), "its image; needed"));
    put_patch(arena, node);
    put(arena, node, "env", gt_schema_keyed(arena, gt_schema_env_entry(arena, false), GT_MOST_NAMES, "name"),
        "its environment");
    put(arena, node, "volumeMounts",
        gt_schema_list(arena, gt_schema_require(arena, gt_schema_mount(arena), "mountPath"), GT_MOST_ELEMENTS),
        "its mounts");
    put(arena, node, "ports", gt_schema_list(arena, gt_schema_kubernetes(arena, "ContainerPort"), GT_MOST_ELEMENTS),
        "its ports; none of the node's");
    gt_value *resources = gt_schema_resources(arena);
    gt_value_put(arena, resources, "x-kubernetes-preserve-unknown-fields", gt_value_bool(arena, true));
    put(arena, node, "resources", resources, "its requests and limits");
    put(arena, node, "securityContext", gt_schema_security(arena, false),
        "its security context: nothing that weakens the profile");
    need_image_or_patch(arena, node);
    if (!sidecar)
        return node;
    put(arena, node, "mode", gt_schema_choice(arena, gt_sidecar_modes),
        "native, the default: it starts before the agent and ends after it; classic: a container beside it");
    put(arena, node, "start", gt_schema_choice(arena, gt_sidecar_starts),
        "first: before the workspace's clone and the init containers");
    put(arena, node, "restartPolicy", gt_schema_rule(arena, text(arena), "false", "is set by mode: native or classic"),
        "not to be set: mode does that");
    return node;
}

gt_value *gt_schema_volume(gt_arena *arena)
{
    gt_value *node = gt_schema_kubernetes(arena, "Volume");
    gt_schema_member(arena, node, "name",
                     gt_schema_describe(arena, gt_schema_text(arena, GT_LONGEST_NAME),
                                        "its name: a DNS label, none of the built-in volumes'"));
    put(arena, node, "hostPath",
        gt_schema_rule(arena, gt_schema_open(arena), "false",
                       "an agent never gets at the node's files: this would weaken the profile"),
        "refused");
    put_patch(arena, node);
    return node;
}
