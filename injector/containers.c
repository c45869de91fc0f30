/* What templates may say about security, containers and volumes: right types, and nothing that weakens the profile. */
#include "injector/choices.h"
#include "injector/security.h"
#include "injector/template.h"
#include "injector/volumes.h"
#include "lib/base/map.h"
#include "lib/kube/names.h"
#include "lib/kube/quantity.h"

/* ---- security contexts ---- */

const gt_security_member gt_security_members[GT_SECURITY_MEMBER_COUNT] = {
    {"allowPrivilegeEscalation", GT_SECURITY_OF_CONTAINER, GT_TYPE_BOOL, GT_DANGER_IF_TRUE,
     "would let the agent gain rights"},
    {"privileged", GT_SECURITY_OF_CONTAINER, GT_TYPE_BOOL, GT_DANGER_IF_TRUE, "would give the agent the whole node"},
    {"readOnlyRootFilesystem", GT_SECURITY_OF_CONTAINER, GT_TYPE_BOOL, GT_DANGER_NOTHING, NULL},
    {"runAsNonRoot", GT_SECURITY_OF_BOTH, GT_TYPE_BOOL, GT_DANGER_IF_FALSE, "would let the agent run as root"},
    {"runAsUser", GT_SECURITY_OF_BOTH, GT_TYPE_COUNT, GT_DANGER_IF_ZERO, "is root"},
    {"runAsGroup", GT_SECURITY_OF_BOTH, GT_TYPE_COUNT, GT_DANGER_NOTHING, NULL},
    {"fsGroup", GT_SECURITY_OF_POD, GT_TYPE_COUNT, GT_DANGER_NOTHING, NULL},
    {"fsGroupChangePolicy", GT_SECURITY_OF_POD, GT_TYPE_TEXT, GT_DANGER_NOTHING, NULL},
    {"supplementalGroupsPolicy", GT_SECURITY_OF_POD, GT_TYPE_TEXT, GT_DANGER_NOTHING, NULL},
    {"procMount", GT_SECURITY_OF_CONTAINER, GT_TYPE_TEXT, GT_DANGER_IF_NOT_DEFAULT, "would unmask /proc"},
    {"seccompProfile", GT_SECURITY_OF_BOTH, GT_TYPE_OBJECT, GT_DANGER_UNLESS_CONFINED,
     "must be RuntimeDefault or Localhost"},
    {"appArmorProfile", GT_SECURITY_OF_BOTH, GT_TYPE_OBJECT, GT_DANGER_UNLESS_CONFINED,
     "must be RuntimeDefault or Localhost"},
    {"windowsOptions", GT_SECURITY_OF_BOTH, GT_TYPE_OBJECT, GT_DANGER_IF_HOST_PROCESS, "would run on the node itself"},
    {"seLinuxOptions", GT_SECURITY_OF_BOTH, GT_TYPE_OBJECT, GT_DANGER_UNLESS_CONTAINERS, "is no container's label"},
    {"sysctls", GT_SECURITY_OF_POD, GT_TYPE_OBJECTS, GT_DANGER_UNLESS_EMPTY, "the kernel is the node's"},
    {"capabilities", GT_SECURITY_OF_CONTAINER, GT_TYPE_OBJECT, GT_DANGER_NOTHING, NULL},
};

static bool is_dangerous(gt_danger danger, const gt_value *value)
{
    switch (danger) {
    case GT_DANGER_NOTHING: return false;
    case GT_DANGER_IF_TRUE: return value->truth;
    case GT_DANGER_IF_FALSE: return !value->truth;
    case GT_DANGER_IF_ZERO: return gt_str_is(value->text, "0");
    case GT_DANGER_IF_NOT_DEFAULT: return !gt_value_is(value, "Default");
    case GT_DANGER_UNLESS_CONFINED: return !gt_security_confines(gt_value_str(gt_value_get(value, "type")));
    case GT_DANGER_IF_HOST_PROCESS: return gt_value_true(gt_value_get(value, "hostProcess"));
    case GT_DANGER_UNLESS_CONTAINERS:
        return gt_value_str(gt_value_get(value, "user")).len > 0 || gt_value_str(gt_value_get(value, "role")).len > 0 ||
               !gt_security_selinux_type(gt_value_str(gt_value_get(value, "type")));
    case GT_DANGER_UNLESS_EMPTY: return value->count > 0;
    }
    return true;
}

static bool has_text(const gt_value *list, const char *text)
{
    GT_VALUE_EACH (item, list)
        if (gt_value_is(item, text))
            return true;
    return false;
}

static bool is_capability_list(gt_check *check, const gt_pointer *place, const gt_value *value, bool drop)
{
    if (!gt_type_check(check, place, value, GT_TYPE_TEXTS))
        return false;
    if (drop && !has_text(value, "ALL")) {
        gt_check_forbid(check, value, place, "must hold ALL: a template may not weaken the profile");
        return false;
    }
    bool good = true;
    if (!drop)
        GT_VALUE_EACH (item, value)
            if (!gt_value_is(item, "NET_BIND_SERVICE")) {
                gt_check_forbid(check, item, place, "may only add NET_BIND_SERVICE, not %.60s", item->text.at);
                good = false;
            }
    return good;
}

bool gt_type_check_security(gt_check *check, const gt_pointer *place, const gt_value *value, gt_str member)
{
    if (gt_str_is(member, "capabilities.add") || gt_str_is(member, "capabilities.drop"))
        return is_capability_list(check, place, value, gt_str_is(member, "capabilities.drop"));
    for (size_t i = 0; i < GT_SECURITY_MEMBER_COUNT; i++) {
        const gt_security_member *row = &gt_security_members[i];
        if (!gt_str_is(member, row->name))
            continue;
        if (!gt_type_check(check, place, value, row->type))
            return false;
        if (!is_dangerous(row->danger, value))
            return true;
        gt_check_forbid(check, value, place, "%s: a template may not weaken the profile", row->why);
        return false;
    }
    return true;
}

/* The security context of a container that a template brings. A null is nothing; the profile fills it in. */
static bool is_security_context(gt_check *check, const gt_pointer *place, const gt_value *context)
{
    bool good = gt_type_check(check, place, context, GT_TYPE_OBJECT);
    if (good)
        GT_VALUE_EACH (member, context) {
            gt_pointer at = gt_member_str(place, member->key);
            bool checked = member->type == GT_VALUE_NULL || gt_type_check_security(check, &at, member, member->key);
            good = checked && good;
            if (!checked || !gt_str_is(member->key, "capabilities"))
                continue;
            GT_VALUE_EACH (list, member) {
                gt_pointer inner = gt_member_str(&at, list->key);
                good = (list->type == GT_VALUE_NULL ||
                        is_capability_list(check, &inner, list, gt_str_is(list->key, "drop"))) &&
                       good;
            }
        }
    return good;
}

/* ---- containers ---- */

bool gt_type_check_count(gt_check *check, const gt_pointer *place, const gt_value *list, size_t most)
{
    if (list->count <= most)
        return true;
    gt_check_error(check, list, place, "has %u elements, more than %zu", list->count, most);
    return false;
}

bool gt_type_check_ports(gt_check *check, const gt_pointer *place, const gt_value *ports)
{
    bool good = gt_type_check(check, place, ports, GT_TYPE_OBJECTS) &&
                gt_type_check_count(check, place, ports, GT_MOST_ELEMENTS);
    size_t i = 0;
    if (good)
        GT_VALUE_EACH (port, ports) {
            gt_pointer element = gt_element(place, i++), at = gt_member(&element, "hostPort");
            const gt_value *host = gt_value_given(port, "hostPort");
            if (host == NULL || gt_str_is(host->text, "0"))
                continue;
            gt_check_forbid(check, host, &at,
                            "an agent's pod may not take a port of the node: this would weaken the profile");
            good = false;
        }
    return good;
}

static bool is_env_list(gt_check *check, const gt_pointer *place, const gt_value *list)
{
    bool good =
        gt_type_check(check, place, list, GT_TYPE_OBJECTS) && gt_type_check_count(check, place, list, GT_MOST_NAMES);
    gt_map seen;
    gt_map_init(&seen, check->arena);
    size_t i = 0;
    if (good)
        GT_VALUE_EACH (entry, list) {
            gt_str name = gt_value_str(gt_value_get(entry, "name"));
            gt_pointer at = gt_labelled(place, i++, name);
            good = gt_type_check_env(check, &at, entry) && good;
            if (name.len == 0 || gt_map_put(&seen, name, check) == NULL)
                continue;
            gt_check_error(check, entry, &at, "stands twice in this list");
            good = false;
        }
    return good;
}

static bool is_mount_list(gt_check *check, const gt_pointer *place, const gt_value *list)
{
    bool good =
        gt_type_check(check, place, list, GT_TYPE_OBJECTS) && gt_type_check_count(check, place, list, GT_MOST_ELEMENTS);
    size_t i = 0;
    if (good)
        GT_VALUE_EACH (mount, list) {
            gt_pointer at = gt_element(place, i++);
            good = gt_type_check(check, &at, mount, GT_TYPE_MOUNTS) && good;
        }
    return good;
}

bool gt_type_check_resources(gt_check *check, const gt_pointer *place, const gt_value *resources)
{
    static const char *const lists[] = {"requests", "limits"};
    if (!gt_type_check(check, place, resources, GT_TYPE_OBJECT))
        return false;
    bool good = true;
    for (int i = 0; i < 2; i++) {
        const gt_value *list = gt_value_given(resources, lists[i]);
        gt_pointer at = gt_member(place, lists[i]);
        if (list != NULL && !gt_type_check(check, &at, list, GT_TYPE_OBJECT))
            return false;
        GT_VALUE_EACH (amount, list) {
            gt_pointer inner = gt_member_str(&at, amount->key);
            good = (amount->type == GT_VALUE_NULL || gt_type_check(check, &inner, amount, GT_TYPE_RESOURCES)) && good;
        }
    }
    return gt_type_check_request(check, place, resources) && good;
}

bool gt_type_check_request(gt_check *check, const gt_pointer *place, const gt_value *resources)
{
    const gt_value *limits = gt_value_get(resources, "limits");
    gt_pointer requests = gt_member(place, "requests");
    bool good = true;
    GT_VALUE_EACH (request, gt_value_get(resources, "requests")) {
        const gt_value *limit = gt_value_get_str(limits, request->key);
        gt_quantity low, high;
        if (limit == NULL || !gt_quantity_parse(request->text, &low) || !gt_quantity_parse(limit->text, &high) ||
            gt_quantity_cmp(low, high) <= 0)
            continue;
        gt_pointer at = gt_member_str(&requests, request->key);
        gt_check_error(check, request, &at, "%s is above the limit %s", request->text.at, limit->text.at);
        good = false;
    }
    return good;
}

/* A kubelet follows a probe's or hook's host to anywhere (Pod Security Standards, from 1.34 on). */
bool gt_type_check_handler(gt_check *check, const gt_pointer *place, const gt_value *handler)
{
    static const char *const kinds[] = {"httpGet", "tcpSocket"};
    if (!gt_type_check(check, place, handler, GT_TYPE_OBJECT))
        return false;
    for (int i = 0; i < 2; i++) {
        gt_pointer kind = gt_member(place, kinds[i]), at = gt_member(&kind, "host");
        const gt_value *host = gt_value_get(gt_value_get(handler, kinds[i]), "host");
        if (gt_value_str(host).len == 0)
            continue;
        gt_check_forbid(check, host, &at, "the kubelet asks the pod alone: this would weaken the profile");
        return false;
    }
    return true;
}

static bool is_lifecycle(gt_check *check, const gt_pointer *place, const gt_value *lifecycle)
{
    bool good = gt_type_check(check, place, lifecycle, GT_TYPE_OBJECT);
    if (good)
        GT_VALUE_EACH (hook, lifecycle) {
            gt_pointer at = gt_member_str(place, hook->key);
            good = (hook->type != GT_VALUE_OBJECT || gt_type_check_handler(check, &at, hook)) && good;
        }
    return good;
}

static bool is_never(gt_check *check, const gt_pointer *place, const gt_value *value)
{
    gt_check_error(check, value, place, "is set by mode: native (the default) or classic");
    return false;
}

static bool is_choice(gt_check *check, const gt_pointer *place, const gt_value *value, const char *a, const char *b)
{
    if (gt_value_is(value, a) || gt_value_is(value, b))
        return true;
    gt_check_error(check, value, place, "must be %s%s%s", a, strcmp(a, b) == 0 ? "" : " or ",
                   strcmp(a, b) == 0 ? "" : b);
    return false;
}

static bool is_mode(gt_check *check, const gt_pointer *place, const gt_value *value)
{
    return is_choice(check, place, value, gt_sidecar_modes[0], gt_sidecar_modes[1]);
}

static bool is_start(gt_check *check, const gt_pointer *place, const gt_value *value)
{
    return is_choice(check, place, value, gt_sidecar_starts[0], gt_sidecar_starts[0]);
}

static bool is_image(gt_check *check, const gt_pointer *place, const gt_value *value)
{
    return gt_type_check(check, place, value, GT_TYPE_IMAGE);
}

/* Members that the engine reads; the others are passed through. */
static const struct {
    const char *name;
    bool sidecar_only;
    bool (*check)(gt_check *, const gt_pointer *, const gt_value *);
} container_members[] = {
    {"image", false, is_image},
    {"securityContext", false, is_security_context},
    {"ports", false, gt_type_check_ports},
    {"env", false, is_env_list},
    {"volumeMounts", false, is_mount_list},
    {"resources", false, gt_type_check_resources},
    {"livenessProbe", false, gt_type_check_handler},
    {"readinessProbe", false, gt_type_check_handler},
    {"startupProbe", false, gt_type_check_handler},
    {"lifecycle", false, is_lifecycle},
    {"mode", true, is_mode},
    {"start", true, is_start},
    {"restartPolicy", true, is_never},
};

bool gt_type_check_container(gt_check *check, const gt_pointer *place, const gt_value *container, bool sidecar)
{
    gt_pointer name_at = gt_member(place, "name"), image_at = gt_member(place, "image");
    const gt_value *name = gt_value_get(container, "name");
    bool good = true;
    if (!gt_is_dns_label(gt_value_str(name)) || gt_value_is(name, "agent") || gt_value_is(name, "workspace")) {
        gt_check_error(check, name == NULL ? container : name, &name_at,
                       "must be a DNS label other than agent and workspace");
        good = false;
    }
    if (gt_value_given(container, "image") == NULL) {
        gt_check_error(check, container, &image_at, "is missing");
        good = false;
    }
    for (size_t i = 0; i < sizeof container_members / sizeof *container_members; i++) {
        const gt_value *value = gt_value_given(container, container_members[i].name);
        gt_pointer at = gt_member(place, container_members[i].name);
        if (value != NULL && (sidecar || !container_members[i].sidecar_only))
            good = container_members[i].check(check, &at, value) && good;
    }
    return good;
}

/* ---- volumes ---- */

bool gt_type_check_volume(gt_check *check, const gt_pointer *place, const gt_value *volume)
{
    const gt_value *name = gt_value_get(volume, "name"), *host = gt_value_given(volume, "hostPath");
    if (!gt_is_dns_label(gt_value_str(name))) {
        gt_check_error(check, volume, place, "needs a name that is a DNS label");
        return false;
    }
    if (gt_volume_is_built_in(gt_value_str(name))) {
        gt_check_error(check, name, place,
                       "%s is a built-in volume: see storage, configMapName, git and agent.credentialsSecret",
                       gt_value_str(name).at);
        return false;
    }
    if (host == NULL)
        return true;
    gt_pointer at = gt_member(place, "hostPath");
    gt_check_forbid(check, host, &at, "an agent never gets at the node's files: this would weaken the profile");
    return false;
}
