/* Layer 5: the annotations of a pod under event.gastown.io/. */
#ifndef GT_INJECTOR_EVENT_H
#define GT_INJECTOR_EVENT_H

#include "injector/layer.h"
#include "injector/policy.h"
#include "injector/record.h"

/* The keys behind event.gastown.io/: name, what it sets, how its value is read. `template` is read first: single keys beat it. */
/* clang-format off: a table */
#define GT_EVENTS(X)                                                                                                   \
    X("template", TEMPLATE, "", "a JSON PodTemplate")                                                                  \
    X("image", IMAGE, "image", "the agent's image")                                                                    \
    X("bead", BEAD, "bead", "the bead that it works on, as GT_BEAD")                                                   \
    X("branch", BRANCH, "git.workBranch", "the branch that it works on")                                               \
    X("service-account", NAME, "serviceAccountName", "the pod's service account")                                      \
    X("config-map", NAME, "configMapName", "the ConfigMap at /etc/agent-pod")                                          \
    X("daemon-host", HOST, "daemon.host", "BD_DAEMON_HOST")                                                            \
    X("daemon-port", PORT, "daemon.port", "BD_DAEMON_PORT")                                                            \
    X("api-key-secret", NAME, "agent.apiKeySecret.name", "the Secret with the provider's key")                         \
    X("api-key-secret-key", SECRETKEY, "agent.apiKeySecret.key", "the key in that Secret")                             \
    X("cpu", CPU, "resources", "request and limit of cpu")                                                             \
    X("memory", MEMORY, "resources", "request and limit of memory")
/* clang-format on */

bool gt_event_is_known(gt_str key);

/* The key of an event cell's detail_row: "image", or "template" for 0. */
const char *gt_event_key_of(uint8_t detail_row);

/* Reads the annotations (a missing view: none) into `layer`. Forbidden keys (403), values that don't parse (422) and misspelt keys
 * (a warning with the nearest known one) go to the record. */
void gt_event_parse(gt_record *record, const gt_policy *policy, gt_view annotations, gt_layer *layer);

#endif
