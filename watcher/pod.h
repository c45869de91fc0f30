/* The bare pod: all that the watcher says about an agent's pod. The webhook makes a real one of it.
 *
 * Every path that starts an agent (an event, later the listing) builds its pod here. It carries a name, the identity labels, the
 * watcher's mark, annotations for what was wished of it, and one container called `agent`. */
#ifndef GT_WATCHER_POD_H
#define GT_WATCHER_POD_H

#include "lib/json/value.h"
#include "watcher/event.h"

#define GT_LABEL_CREATED_BY "gastown.io/created-by"
#define GT_CREATED_BY "gastown-watcher"
#define GT_ANNOTATION_BEAD "gastown.io/bead-id"

/* What an agent's events may wish for its pod: the payload's key, and its event annotation (layer 5 of the engine). */
#define GT_WISHES(X)                                                                                                   \
    X(IMAGE, "image", "image")                                                                                         \
    X(BRANCH, "branch", "branch")                                                                                      \
    X(SERVICE_ACCOUNT, "service_account", "service-account")                                                           \
    X(CONFIG_MAP, "configmap", "config-map")                                                                           \
    X(CPU, "cpu", "cpu")                                                                                               \
    X(MEMORY, "memory", "memory")

typedef enum gt_wish_key {
#define X(id, key, annotation) GT_WISH_##id,
    GT_WISHES(X)
#undef X
        GT_WISH_KEYS
} gt_wish_key;

enum { GT_WISH_MAX = 1024 }; /* bytes of one value */

typedef struct gt_wish {
    gt_str bead; /* the work on the agent's hook; may be empty */
    gt_str value[GT_WISH_KEYS];
} gt_wish;

/* What a spawn's line wishes; slices of the event. Returns the number of keys that can't be honoured, their names in `refused`:
 * namespace (all agents live in one), and values that are no text or longer than GT_WISH_MAX. */
enum { GT_WISH_REFUSALS = GT_WISH_KEYS + 2 };
size_t gt_wish_read(const gt_event *event, gt_wish *wish, const char *refused[GT_WISH_REFUSALS]);

/* The pod as a create request has it. image: AGENT_IMAGE, or NULL. Its rig label is left out where the rig is the town (a
 * town role's pod has none, whoever creates it). */
gt_value *gt_pod_build(gt_arena *arena, const gt_agent *agent, const gt_wish *wish, const char *ns, const char *image);

/* Is this pod (an object of the API server) that agent's? By its identity labels, never by its name. */
bool gt_pod_is_of(gt_arena *arena, gt_view pod, const gt_agent *agent);

#endif
