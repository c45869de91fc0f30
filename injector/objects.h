/* The fields of GasTown, Rig and AgentPool besides their PodTemplates and the policy, as one table: what objects.c knows, and what
 * docs/templates.md says. */
#ifndef GT_INJECTOR_OBJECTS_H
#define GT_INJECTOR_OBJECTS_H

/* clang-format off: a table */
/*    kind  below spec           what */
#define GT_SPEC_FIELDS(X)                                                                                              \
    X(TOWN, "name", "the town's name, GT_TOWN_NAME (default: metadata.name)")                                          \
    X(TOWN, "daemon", "the beads daemon that the agents talk to")                                                      \
    X(TOWN, "daemon.host", "BD_DAEMON_HOST")                                                                           \
    X(TOWN, "daemon.port", "BD_DAEMON_PORT (default: 9876)")                                                           \
    X(TOWN, "daemon.tokenSecretRef", "the Secret behind BD_DAEMON_TOKEN")                                              \
    X(TOWN, "daemon.tokenSecretRef.name", "its name")                                                                  \
    X(TOWN, "daemon.tokenSecretRef.key", "the key in it (default: token)")                                             \
    X(TOWN, "defaults", "PodTemplate: layer 1")                                                                        \
    X(TOWN, "policy", "see below")                                                                                     \
    X(TOWN, "rigSelector", "accepted, and not used")                                                                   \
    X(RIG, "name", "the rig's raw name; needed")                                                                       \
    X(RIG, "podOverrides", "PodTemplate: layer 2")                                                                     \
    X(RIG, "roleOverrides", "PodTemplates by role: layer 3")                                                           \
    X(RIG, "polecats", "for the watcher, which doesn't act on it yet")                                                 \
    X(RIG, "polecats.maxRuntime", "how long a polecat may run before it is marked, such as 2h (the default)")          \
    X(RIG, "polecats.cleanupAfter", "how long a finished one stays, such as 5m (the default)")                         \
    X(POOL, "rig", "the raw name of its rig; needed")                                                                  \
    X(POOL, "role", "its role; needed")                                                                                \
    X(POOL, "template", "PodTemplate: layer 4")
/* clang-format on */

#endif
