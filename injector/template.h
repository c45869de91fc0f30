/* PodTemplates: from a document to a layer, with everything that is wrong with it said. */
#ifndef GT_INJECTOR_TEMPLATE_H
#define GT_INJECTOR_TEMPLATE_H

#include "injector/check.h"
#include "injector/layer.h"

/* Most elements of a template's lists and maps: of named texts (env, labels ...), and of all others. */
enum { GT_MOST_NAMES = 1024, GT_MOST_ELEMENTS = 128 };

/* How many of them this field may have. */
size_t gt_template_most(gt_field_id field);

/* Cuts `template` (NULL or null: empty) into the cells of `layer`. What is wrong becomes a finding at `place` and is left out.
 * Values are shared with the document. true: no errors were found. In a template that is marked as merged (gt_check) what two layers
 * may say together isn't refused: a request above a limit, one name for a sidecar and an init container. */
bool gt_template_parse(gt_check *check, const gt_pointer *place, const gt_value *template, gt_layer_id origin,
                       gt_layer *layer);

/* ---- types.c and containers.c: one function per kind of value; each writes its findings and returns false when it wrote an error ---- */

/* The value of field f, or of its member `key` where f is a struct or map. */
bool gt_type_check(gt_check *check, const gt_pointer *place, const gt_value *value, gt_field_type type);

/* One entry of env. */
bool gt_type_check_env(gt_check *check, const gt_pointer *place, const gt_value *entry);

/* A member of storage, git or agent ("apiKeySecret.name"); the same for what they are made of. False with an error for unknown ones. */
bool gt_type_check_member(gt_check *check, const gt_pointer *place, const gt_value *value, gt_field_id field,
                          gt_str member);

/* Whether a member's path ("apiKeySecret", "apiKeySecret.name") is one of a struct of ours; always true for Kubernetes' own. */
bool gt_member_is_known(gt_field_id field, gt_str path);

/* A member of securityContext ("capabilities.drop") or podSecurityContext: right types, and nothing that weakens the profile. */
bool gt_type_check_security(gt_check *check, const gt_pointer *place, const gt_value *value, gt_str member);

/* A container of ours (sidecars, initContainers): named, with an image, nothing that weakens the profile. */
bool gt_type_check_container(gt_check *check, const gt_pointer *place, const gt_value *container, bool sidecar);

/* A volume of ours: named, no hostPath. */
bool gt_type_check_volume(gt_check *check, const gt_pointer *place, const gt_value *volume);

/* Ports of a container of ours: none of the node's. */
bool gt_type_check_ports(gt_check *check, const gt_pointer *place, const gt_value *ports);

/* A list or map of at most so many elements. */
bool gt_type_check_count(gt_check *check, const gt_pointer *place, const gt_value *list, size_t most);

/* A probe or lifecycle hook: no host but the pod's own. */
bool gt_type_check_handler(gt_check *check, const gt_pointer *place, const gt_value *handler);

/* requests and limits of a container of ours, and no request above its limit. */
bool gt_type_check_resources(gt_check *check, const gt_pointer *place, const gt_value *resources);
bool gt_type_check_request(gt_check *check, const gt_pointer *place, const gt_value *resources);

/* Unknown keys of an object of ours are errors that name the nearest known one. known: names, NULL-terminated. */
bool gt_type_check_keys(gt_check *check, const gt_pointer *place, const gt_value *object, const char *const *known);

/* GT_ROLE and the other names that say who an agent is: only the engine sets them. */
bool gt_env_is_reserved(gt_str name);

/* Our own prefixes of labels and annotations: gastown.io/ and everything below .gastown.io/. */
bool gt_key_is_ours(gt_str key);

/* A mount path with // and . taken out, .. resolved and no / at its end, as the kubelet compares them. */
gt_str gt_path_normal(gt_arena *arena, gt_str path);

#endif
