/* The fields of GasTown, Rig and AgentPool besides their PodTemplates and the policy, as one table: what objects.c knows, and what
 * docs/templates.md says. */
#ifndef GT_INJECTOR_OBJECTS_H
#define GT_INJECTOR_OBJECTS_H

#include "injector/plan.h"

/* clang-format off: a table */
/*    kind  below spec           type          what */
#define GT_SPEC_FIELDS(X)                                                                                              \
    X(TOWN, "name", TEXT, "the town's name, GT_TOWN_NAME (default: metadata.name)")                                    \
    X(TOWN, "daemon", STRUCT, "the beads daemon that the agents talk to")                                              \
    X(TOWN, "daemon.host", TEXT, "BD_DAEMON_HOST")                                                                     \
    X(TOWN, "daemon.port", PORT, "BD_DAEMON_PORT (default: 9876)")                                                     \
    X(TOWN, "daemon.tokenSecretRef", STRUCT, "the Secret behind BD_DAEMON_TOKEN")                                      \
    X(TOWN, "daemon.tokenSecretRef.name", SECRET, "its name")                                                          \
    X(TOWN, "daemon.tokenSecretRef.key", KEY, "the key in it (default: token)")                                        \
    X(TOWN, "defaults", TEMPLATE, "PodTemplate: layer 1")                                                              \
    X(TOWN, "policy", POLICY, "what the town allows on its agents' pods")                                              \
    X(TOWN, "rigSelector", OPEN, "accepted, and not used")                                                             \
    X(RIG, "name", RAW_NAME, "the rig's raw name; needed")                                                             \
    X(RIG, "podOverrides", TEMPLATE, "PodTemplate: layer 2")                                                           \
    X(RIG, "roleOverrides", TEMPLATES, "PodTemplates by role: layer 3")                                                \
    X(RIG, "polecats", STRUCT, "for the watcher, which doesn't act on it yet")                                         \
    X(RIG, "polecats.maxRuntime", DURATION,                                                                            \
      "how long a polecat may run before it is marked, such as 2h (the default)")                                      \
    X(RIG, "polecats.cleanupAfter", DURATION, "how long a finished one stays, such as 5m (the default)")               \
    X(POOL, "rig", RAW_NAME, "the raw name of its rig; needed")                                                        \
    X(POOL, "role", ROLE, "its role; needed")                                                                          \
    X(POOL, "template", TEMPLATE, "PodTemplate: layer 4")
/* clang-format on */

typedef enum gt_spec_type {
    GT_SPEC_TEXT,
    GT_SPEC_RAW_NAME, /* needed: what the tracker calls it */
    GT_SPEC_ROLE,     /* needed */
    GT_SPEC_SECRET,   /* needed: a Secret's name */
    GT_SPEC_KEY,      /* in a Secret */
    GT_SPEC_PORT,
    GT_SPEC_DURATION,
    GT_SPEC_TEMPLATE,
    GT_SPEC_TEMPLATES, /* by role */
    GT_SPEC_POLICY,
    GT_SPEC_OPEN,  /* an object that nobody looks into */
    GT_SPEC_STRUCT /* the rows whose paths begin with its own */
} gt_spec_type;

typedef struct gt_spec_field {
    gt_kind kind;
    const char *path;
    gt_spec_type type;
    const char *what;
} gt_spec_field;

enum { GT_SPEC_FIELD_COUNT = 19 };
extern const gt_spec_field gt_spec_fields[GT_SPEC_FIELD_COUNT];

/* Most roles that a Rig may override: what the schema's rules cost grows with it, and an API server refuses schemas that could cost
 * too much. */
enum { GT_MOST_ROLES = 64 };

#endif
