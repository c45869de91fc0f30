/* The variables that the engine itself gives the agent's container, as one table, in the order in which they stand on the pod.
 *
 * env.c puts them there, `check` refuses a template's own value for the reserved ones, docs/templates.md is made from it. A row whose
 * maker (variables.c) has nothing to say for an agent isn't on its pod. */
#ifndef GT_INJECTOR_VARIABLES_H
#define GT_INJECTOR_VARIABLES_H

#include "injector/want.h"

/* clang-format off: a table */
/*    name                     made from          with              reserved  what */
#define GT_VARIABLES(X)                                                                                                \
    X(GT_ROLE, role, "", true, "the agent's role")                                                                     \
    X(GT_RIG, rig, "", true, "raw name of its rig; town for a town role without one")                                  \
    X(GT_AGENT, agent, "", true, "its raw name")                                                                       \
    X(GT_POLECAT, role_name, "", true, "a polecat's raw name")                                                         \
    X(GT_CREW, role_name, "", true, "a crew member's raw name")                                                        \
    X(GT_SCOPE, scope, "", true, "rig or town; not for a town role in a rig, nor for unknown roles")                   \
    X(BD_ACTOR, actor, "", true, "the raw name; of mayor and deacon the role")                                         \
    X(GIT_AUTHOR_NAME, actor, "", true, "the same")                                                                    \
    X(BEADS_AGENT_NAME, full_name, "", true, "rig/name")                                                               \
    X(HOME, constant, "/home/agent", false, "/home/agent")                                                             \
    X(XDG_STATE_HOME, constant, "/home/agent/gt/.state", false, "/home/agent/gt/.state")                               \
    X(GT_RUNTIME, constant, "k8s", false, "k8s")                                                                       \
    X(GT_TOWN_NAME, town, "", false, "the town's spec.name, else its name")                                            \
    X(BD_DAEMON_HOST, daemon_host, "", false, "of the beads daemon, when known")                                       \
    X(BD_DAEMON_PORT, daemon_port, "9876", false, "the same; 9876 if nobody says")                                     \
    X(BD_DAEMON_TOKEN, daemon_token, "token", false, "from the Secret that the town's daemon.tokenSecretRef names")    \
    X(BEADS_AUTO_START_DAEMON, constant, "false", false, "false")                                                      \
    X(POD_NAME, downward, "metadata.name", false, "the pod's name")                                                    \
    X(POD_NAMESPACE, downward, "metadata.namespace", false, "its namespace")                                           \
    X(POD_IP, downward, "status.podIP", false, "its address")                                                          \
    X(GT_BEAD, bead, "", false, "the bead that it works on, when known")                                               \
    X(ANTHROPIC_API_KEY, provider_key, "", false, "from agent.apiKeySecret")                                           \
    X(ANTHROPIC_AUTH_TOKEN, provider_key, "", false, "the same, for litellm")                                          \
    X(OPENAI_API_KEY, provider_key, "", false, "the same, for openai")                                                 \
    X(ANTHROPIC_BASE_URL, provider_endpoint, "", false, "agent.endpoint, for anthropic and litellm")                   \
    X(OPENAI_BASE_URL, provider_endpoint, "", false, "the same, for openai")                                           \
    X(OLLAMA_HOST, provider_endpoint, "", false, "the same, for ollama")                                               \
    X(ANTHROPIC_MODEL, provider_model, "", false, "agent.model, for anthropic and litellm")                            \
    X(OPENAI_MODEL, provider_model, "", false, "the same, for openai")                                                 \
    X(OLLAMA_MODEL, provider_model, "", false, "the same, for ollama")                                                 \
    X(GT_AGENT_RUNTIME, runtime, "", false, "agent.runtime")                                                           \
    X(OPENCODE_PERMISSION, runtime_needs, "", false, "opencode asks nobody: {\"*\":\"allow\"}")                        \
    X(GT_CREDENTIALS_DIR, credentials, "", false, "where agent.credentialsSecret is mounted")                          \
    X(SCREENRC_SCROLLBACK, scrollback, "", false, "screenScrollback")
/* clang-format on */

typedef enum gt_variable_id {
#define X(name, maker, with, reserved, what) GT_VARIABLE_##name,
    GT_VARIABLES(X)
#undef X
        GT_VARIABLE_COUNT
} gt_variable_id;

typedef struct gt_variable {
    const char *name, *with, *what;
    bool reserved; /* says who the agent is: only the engine sets it */
} gt_variable;

extern const gt_variable gt_variables[GT_VARIABLE_COUNT];

/* Whose variables are made. */
typedef struct gt_env_source {
    gt_arena *arena;
    const gt_plan *plan;
    const gt_layer *resolved;
    const gt_identity *identity;
} gt_env_source;

/* The env entry of a variable and where it comes from, or NULL when this agent hasn't it. */
const gt_value *gt_variable_make(const gt_env_source *source, gt_variable_id id, gt_from *from);

/* An env entry whose text Kubernetes won't expand: $$ stands for $. */
gt_value *gt_env_literal(gt_arena *arena, const char *name, gt_str text);

/* An env entry from a key of a Secret. optional: NULL or a boolean. */
gt_value *gt_env_secret(gt_arena *arena, gt_str name, const gt_value *secret, gt_str key, const gt_value *optional);

#endif
