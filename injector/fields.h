/* The fields of a PodTemplate, as one table: name, merge rule, type, what it is for.
 *
 * The parser, the merge, the checker, the list of "did you mean" and docs/templates.md are made from it; a new field is one row
 * here and one place in target.c that says where it goes on the pod. */
#ifndef GT_INJECTOR_FIELDS_H
#define GT_INJECTOR_FIELDS_H

#include "lib/base/str.h"

/* How a higher layer meets a lower one. A field is cut into cells, the units that win or lose as a whole. */
typedef enum gt_merge_rule {
    GT_MERGE_WHOLE,     /* one cell: a scalar, or a list or object that is replaced whole */
    GT_MERGE_MAP,       /* a cell per key */
    GT_MERGE_NAMED,     /* a list, a cell per element's name */
    GT_MERGE_MOUNTS,    /* a list, a cell per normalised mountPath */
    GT_MERGE_RESOURCES, /* a cell per requests.X and limits.X */
    GT_MERGE_STRUCT,    /* a cell per member; two levels for those in GT_NESTED_MEMBERS */
} gt_merge_rule;

typedef enum gt_field_type {
    GT_TYPE_TEXT,        /* a string */
    GT_TYPE_IMAGE,       /* an image reference */
    GT_TYPE_NAME,        /* a DNS-1123 subdomain */
    GT_TYPE_PULL_POLICY, /* Always, IfNotPresent, Never */
    GT_TYPE_DNS_POLICY,  /* ClusterFirst, ClusterFirstWithHostNet, Default, None */
    GT_TYPE_BOOL,
    GT_TYPE_COUNT,         /* an integer of at least 0 */
    GT_TYPE_POSITIVE,      /* an integer above 0 */
    GT_TYPE_TEXTS,         /* a list of strings */
    GT_TYPE_OBJECT,        /* a Kubernetes object, passed through */
    GT_TYPE_OBJECTS,       /* a list of Kubernetes objects, passed through */
    GT_TYPE_NAMED_OBJECTS, /* the same, each with a name of its own */
    GT_TYPE_ENV,
    GT_TYPE_SECRET_ENV,
    GT_TYPE_MOUNTS,
    GT_TYPE_LABELS,      /* a map of strings that are label values */
    GT_TYPE_ANNOTATIONS, /* a map of strings */
    GT_TYPE_RESOURCES,
    GT_TYPE_STORAGE,
    GT_TYPE_GIT,
    GT_TYPE_AGENT,
    GT_TYPE_CONTAINER_SECURITY,
    GT_TYPE_POD_SECURITY,
    GT_TYPE_INTERNAL, /* no template may set it: layer 0, the town's daemon and event annotations do */
} gt_field_type;

/* clang-format off: a table */
/*  id                 name                             merge      type              what */
#define GT_FIELDS(X)                                                                                                   \
    X(IMAGE, "image", WHOLE, IMAGE, "the agent's image")                                                               \
    X(IMAGE_PULL_POLICY, "imagePullPolicy", WHOLE, PULL_POLICY,                                                        \
      "by default Always for a tag, IfNotPresent for a digest")                                                        \
    X(PULL_SECRETS, "imagePullSecrets", WHOLE, NAMED_OBJECTS, "secrets for pulling images")                            \
    X(COMMAND, "command", WHOLE, TEXTS, "entry point of the agent's container")                                        \
    X(ARGS, "args", WHOLE, TEXTS, "arguments of the agent's container")                                                \
    X(WORKING_DIR, "workingDir", WHOLE, TEXT, "working directory of the agent")                                        \
    X(RESOURCES, "resources", RESOURCES, RESOURCES, "requests and limits of the agent's container")                    \
    X(STORAGE, "storage", STRUCT, STORAGE, "the workspace: size, class, access modes, kind, retain")                   \
    X(ENV, "env", NAMED, ENV, "environment of the agent, merged by name")                                              \
    X(ENV_FROM, "envFrom", WHOLE, OBJECTS, "ConfigMaps and Secrets whose keys become environment")                     \
    X(SECRET_ENV, "secretEnv", WHOLE, SECRET_ENV,                                                                      \
      "environment from a key of a Secret: name, secretName, key (default: name), optional")                           \
    X(CONFIG_MAP, "configMapName", WHOLE, NAME, "a ConfigMap mounted read-only at /etc/agent-pod")                     \
    X(NODE_SELECTOR, "nodeSelector", MAP, LABELS, "labels that a node must have")                                      \
    X(TOLERATIONS, "tolerations", WHOLE, OBJECTS, "taints that the pod tolerates")                                     \
    X(AFFINITY, "affinity", WHOLE, OBJECT, "scheduling affinity")                                                      \
    X(TOPOLOGY_SPREAD, "topologySpreadConstraints", WHOLE, OBJECTS, "spreading over the topology")                     \
    X(SERVICE_ACCOUNT, "serviceAccountName", WHOLE, NAME, "the pod's service account")                                 \
    X(AUTOMOUNT_TOKEN, "automountServiceAccountToken", WHOLE, BOOL, "API access for the agent; false by default")      \
    X(LABELS, "labels", MAP, LABELS, "labels of the pod")                                                              \
    X(ANNOTATIONS, "annotations", MAP, ANNOTATIONS, "annotations of the pod")                                          \
    X(VOLUMES, "volumes", NAMED, NAMED_OBJECTS, "volumes of the pod, merged by name")                                  \
    X(VOLUME_MOUNTS, "volumeMounts", MOUNTS, MOUNTS, "mounts of the agent's container, merged by mountPath")           \
    X(SECURITY, "securityContext", STRUCT, CONTAINER_SECURITY, "security context of the agent's container")            \
    X(POD_SECURITY, "podSecurityContext", STRUCT, POD_SECURITY, "security context of the pod")                         \
    X(LIVENESS, "livenessProbe", WHOLE, OBJECT, "liveness probe of the agent's container")                             \
    X(READINESS, "readinessProbe", WHOLE, OBJECT, "readiness probe of the agent's container")                          \
    X(STARTUP, "startupProbe", WHOLE, OBJECT, "startup probe of the agent's container")                                \
    X(PORTS, "ports", WHOLE, OBJECTS, "ports of the agent's container")                                                \
    X(INIT_CONTAINERS, "initContainers", NAMED, NAMED_OBJECTS, "containers that run before the agent")                 \
    X(SIDECARS, "sidecars", NAMED, NAMED_OBJECTS, "containers beside the agent; native, unless mode: classic")         \
    X(GIT, "git", STRUCT, GIT, "the repository cloned into the workspace")                                             \
    X(AGENT, "agent", STRUCT, AGENT, "the coding agent: runtime, provider, model, endpoint, key")                      \
    X(SCROLLBACK, "screenScrollback", WHOLE, COUNT, "lines of scrollback, as SCREENRC_SCROLLBACK")                     \
    X(GRACE, "terminationGracePeriodSeconds", WHOLE, COUNT, "seconds between SIGTERM and SIGKILL")                     \
    X(DEADLINE, "activeDeadlineSeconds", WHOLE, POSITIVE, "seconds that the pod may run")                              \
    X(PRIORITY_CLASS, "priorityClassName", WHOLE, NAME, "the pod's priority class")                                    \
    X(RUNTIME_CLASS, "runtimeClassName", WHOLE, NAME, "the pod's runtime class")                                       \
    X(SHARE_PROCESSES, "shareProcessNamespace", WHOLE, BOOL, "one process namespace for all containers")               \
    X(DNS_POLICY, "dnsPolicy", WHOLE, DNS_POLICY, "the pod's DNS policy")                                              \
    X(DNS_CONFIG, "dnsConfig", WHOLE, OBJECT, "the pod's DNS configuration")                                           \
    X(HOST_ALIASES, "hostAliases", WHOLE, OBJECTS, "lines of the pod's hosts file")                                    \
    X(RESTART_POLICY, "restartPolicy", WHOLE, INTERNAL, "by role")                                                     \
    X(DAEMON, "daemon", STRUCT, INTERNAL, "the beads daemon: host, port, token")                                       \
    X(BEAD, "bead", WHOLE, INTERNAL, "the bead that the agent works on")
/* clang-format on */

/* clang-format off: a table */
/*  The members of our own structs. field, member, type, what */
#define GT_MEMBERS(X)                                                                                                  \
    X(STORAGE, "size", SIZE, "how much the claim asks for; never a limit of an EmptyDir")                              \
    X(STORAGE, "storageClassName", TEXT, "class of the claim")                                                         \
    X(STORAGE, "accessModes", TEXTS, "how the claim may be mounted")                                                   \
    X(STORAGE, "kind", KIND, "EmptyDir or PersistentVolumeClaim; only in roleOverrides, pools and events")             \
    X(STORAGE, "retain", BOOL, "keep the claim when its agent is gone")                                                \
    X(STORAGE, "scope", SCOPE, "Agent, the default: each has a claim of its own; Rig is reserved")                     \
    X(GIT, "repository", REPOSITORY, "what is cloned: https, http, ssh, git, file or user@host:path")                  \
    X(GIT, "branch", BRANCH, "the branch that the clone starts from (default: the remote's)")                          \
    X(GIT, "workBranch", BRANCH, "the branch that the agent works on; made when it isn't there")                       \
    X(GIT, "depth", COUNT_OF, "commits of history; 0 for all of it, the default")                                      \
    X(GIT, "credentialsSecret", NAME,                                                                                  \
      "a Secret with ssh-privatekey, or with token (or password) and perhaps username")                                \
    X(GIT, "knownHostsConfigMap", NAME, "a ConfigMap with known_hosts: unknown hosts are refused")                     \
    X(GIT, "image", IMAGE, "an image with git and a shell, for cloning (default: the agent's)")                        \
    X(AGENT, "runtime", RUNTIME, "which program it is")                                                                \
    X(AGENT, "provider", PROVIDER, "who serves its model (default: anthropic)")                                        \
    X(AGENT, "model", TEXT, "the model's name")                                                                        \
    X(AGENT, "endpoint", TEXT, "where the provider is, if not at its own address")                                     \
    X(AGENT, "apiKeySecret.name", NAME, "the Secret with the provider's key")                                          \
    X(AGENT, "apiKeySecret.key", TEXT, "the key in that Secret (default: the variable's name)")                        \
    X(AGENT, "credentialsSecret", NAME, "a Secret mounted read-only, its path in GT_CREDENTIALS_DIR")
/* clang-format on */

typedef enum gt_field_id {
#define X(id, name, merge, type, what) GT_FIELD_##id,
    GT_FIELDS(X)
#undef X
        GT_FIELD_COUNT
} gt_field_id;

typedef struct gt_field_row {
    const char *name;
    gt_merge_rule merge;
    gt_field_type type;
    const char *what;
} gt_field_row;

extern const gt_field_row gt_field_rows[GT_FIELD_COUNT];

/* All of them in the order of their names' bytes: that of canonical JSON. */
extern const gt_field_id gt_fields_sorted[GT_FIELD_COUNT];

typedef enum gt_member_type {
    GT_MEMBER_TEXT,
    GT_MEMBER_NAME,     /* a DNS-1123 subdomain */
    GT_MEMBER_COUNT_OF, /* an integer of at least 0 */
    GT_MEMBER_BOOL,
    GT_MEMBER_TEXTS,
    GT_MEMBER_SIZE, /* a quantity above 0 */
    GT_MEMBER_IMAGE,
    GT_MEMBER_KIND,
    GT_MEMBER_SCOPE,
    GT_MEMBER_RUNTIME,
    GT_MEMBER_PROVIDER,
    GT_MEMBER_BRANCH,
    GT_MEMBER_REPOSITORY,
} gt_member_type;

typedef struct gt_member_row {
    gt_field_id field;
    const char *member; /* "apiKeySecret.name" for one of a member's own */
    gt_member_type type;
    const char *what;
} gt_member_row;

enum { GT_MEMBER_COUNT = 20 };
extern const gt_member_row gt_members[];

/* GT_FIELD_COUNT: no template has such a field (internal ones included). */
gt_field_id gt_field_by_name(gt_str name);

/* The template field nearest to a misspelt name, or NULL when none is within three edits. */
const char *gt_field_nearest(gt_str name);

/* Members of a struct field that are merged one level deeper: capabilities by add and drop, apiKeySecret by name and key. */
bool gt_member_is_nested(gt_field_id field, gt_str member);

#endif
