/* Schemas: what crd.c's definitions are built of. A node is a gt_value that is still being built; it has one parent.
 *
 * schema.c has the kinds of nodes, schema_kubernetes.c the shapes of Kubernetes' own objects, schema_template.c a PodTemplate and
 * schema_objects.c the specs. Pure; all memory is the arena's. */
#ifndef GT_INJECTOR_SCHEMA_H
#define GT_INJECTOR_SCHEMA_H

#include "injector/plan.h"
#include "lib/json/value.h"

/* Most characters of texts that nothing else limits: what one string of a program's arguments or environment may hold (execve(2),
 * MAX_ARG_STRLEN), a path, an image, a raw name (docs/injection.md), a name, a quantity. */
enum {
    GT_LONGEST_TEXT = 131072,
    GT_LONGEST_PATH = 4096,
    GT_LONGEST_IMAGE = 512,
    GT_LONGEST_RAW_NAME = 1024,
    GT_LONGEST_NAME = 253,
    GT_LONGEST_QUANTITY = 64
};

#define GT_SCHEMA_ROLE "^[a-z]([-a-z0-9]*[a-z0-9])?$" /* as gt_role_is_legal */

/* ---- schema.c ---- */

gt_value *gt_schema_text(gt_arena *arena, int64_t longest);
gt_value *gt_schema_pattern(gt_arena *arena, int64_t longest, const char *pattern);
gt_value *gt_schema_name(gt_arena *arena);  /* a DNS-1123 subdomain */
gt_value *gt_schema_label(gt_arena *arena); /* a DNS-1123 label */
gt_value *gt_schema_role(gt_arena *arena);
gt_value *gt_schema_env_name(gt_arena *arena);
gt_value *gt_schema_choice(gt_arena *arena, const char *const *choices);   /* NULL-terminated */
gt_value *gt_schema_integer(gt_arena *arena, int64_t least, int64_t most); /* INT64_MIN, INT64_MAX: no limit */
gt_value *gt_schema_bool(gt_arena *arena);
gt_value *gt_schema_quantity(gt_arena *arena);
gt_value *gt_schema_list(gt_arena *arena, gt_value *items, int64_t most); /* replaced whole */
/* Merged by a member of its elements, which they need. */
gt_value *gt_schema_keyed(gt_arena *arena, gt_value *items, int64_t most, const char *key);
gt_value *gt_schema_map(gt_arena *arena, gt_value *values, int64_t most);
gt_value *gt_schema_object(gt_arena *arena);
gt_value *gt_schema_open(gt_arena *arena); /* an object that may hold what isn't listed: it is kept */

/* These return the node that they change. */
gt_value *gt_schema_nullable(gt_arena *arena, gt_value *node);
gt_value *gt_schema_describe(gt_arena *arena, gt_value *node, const char *what);
gt_value *gt_schema_rule(gt_arena *arena, gt_value *node, const char *rule, const char *message); /* CEL */
gt_value *gt_schema_require(gt_arena *arena, gt_value *object, const char *member);
gt_value *gt_schema_member(gt_arena *arena, gt_value *object, const char *name, gt_value *child);

/* A member's own node by its path ("daemon.tokenSecretRef.name"), inside objects that are there already. */
gt_value *gt_schema_member_at(gt_arena *arena, gt_value *object, const char *path, gt_value *child);

/* ---- schema_kubernetes.c ---- */

/* An object of Kubernetes' core/v1 by its type's name there, such as "Toleration": what we know of it is typed, the rest is kept. */
gt_value *gt_schema_kubernetes(gt_arena *arena, const char *shape);

/* Our own elements of lists: of env, sidecars, initContainers, volumes, volumeMounts. of_template: an entry of the template's own env,
 * not of a container's; only there can $patch delete an inherited one. */
gt_value *gt_schema_env_entry(gt_arena *arena, bool of_template);
gt_value *gt_schema_container(gt_arena *arena, bool sidecar);
gt_value *gt_schema_volume(gt_arena *arena);
gt_value *gt_schema_mount(gt_arena *arena);
gt_value *gt_schema_resources(gt_arena *arena);
gt_value *gt_schema_security(gt_arena *arena, bool pod);

/* ---- schema_template.c, schema_objects.c ---- */

gt_value *gt_schema_template(gt_arena *arena, const char *what);
gt_value *gt_schema_policy(gt_arena *arena);
gt_value *gt_schema_spec(gt_arena *arena, gt_kind kind);

#endif
