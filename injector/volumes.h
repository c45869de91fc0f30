/* The volumes that the engine itself gives a pod, as a table; docs/templates.md is made from it. */
#ifndef GT_INJECTOR_VOLUMES_H
#define GT_INJECTOR_VOLUMES_H

#include "injector/fields.h"

#define GT_WORKSPACE_PATH "/home/agent/gt"
#define GT_SECRETS_PATH "/var/run/secrets/gastown.io/"
#define GT_CREDENTIALS_PATH GT_SECRETS_PATH "credentials"
#define GT_GIT_CREDENTIALS_PATH GT_SECRETS_PATH "git"
#define GT_KNOWN_HOSTS_PATH GT_SECRETS_PATH "known-hosts"

/* Each mounts what a template's field names, read-only. `needs`: another key of the field, without which there's no such volume. */
/* clang-format off: a table */
/*    volume             field       key                    source       its name     path                     needs */
#define GT_NAMED_VOLUMES(X)                                                                                            \
    X("beads-config", CONFIG_MAP, "", "configMap", "name", "/etc/agent-pod", NULL)                                     \
    X("credentials", AGENT, "credentialsSecret", "secret", "secretName", GT_CREDENTIALS_PATH, NULL)                    \
    X("git-credentials", GIT, "credentialsSecret", "secret", "secretName", GT_GIT_CREDENTIALS_PATH, "repository")      \
    X("git-known-hosts", GIT, "knownHostsConfigMap", "configMap", "name", GT_KNOWN_HOSTS_PATH, "repository")
/* clang-format on */

typedef struct gt_named_volume {
    const char *name;
    gt_field_id field;
    const char *key, *source, *member, *path, *needs;
} gt_named_volume;

enum { GT_NAMED_VOLUME_COUNT = 4 };
extern const gt_named_volume gt_named_volumes[GT_NAMED_VOLUME_COUNT];

/* Whether only the engine may define a volume of this name. */
bool gt_volume_is_built_in(gt_str name);

#endif
