/* Judging: does the pod that comes out keep the town's policy and the security profile? Judged is the result: what the engine replaces
 * can't offend. A member counts as ours when there's a want for it. */
#include "injector/image.h"
#include "injector/inject.h"
#include "injector/same.h"

static const gt_want *find(const gt_want *parent, const char *name)
{
    for (const gt_want *child = parent == NULL ? NULL : parent->first; child != NULL; child = child->next)
        if (gt_str_is(child->name, name))
            return child;
    return NULL;
}

/* ---- the pod's own fields ---- */

static void judge_pod(gt_walk *walk, const gt_pointer *spec_place, gt_view spec)
{
    static const char *const hosts[] = {"hostNetwork", "hostPID", "hostIPC"};
    for (size_t i = 0; i < sizeof hosts / sizeof *hosts; i++) {
        gt_pointer at = gt_member(spec_place, hosts[i]);
        if (gt_view_true(gt_view_get(spec, hosts[i])))
            gt_record_deny(walk->record, 403, &at, "an agent's pod may not share the node's namespaces");
    }
    gt_pointer volumes = gt_member(spec_place, "volumes");
    size_t n = 0;
    GT_VIEW_EACH(volume, gt_view_get(spec, "volumes")) {
        gt_pointer element = gt_view_label(walk->arena, gt_element(&volumes, n++), gt_view_get(volume, "name"));
        gt_pointer at = gt_member(&element, "hostPath");
        if (gt_view_exists(gt_view_get(volume, "hostPath")))
            gt_record_deny(walk->record, 403, &at, "the volume %.*s: an agent never gets at the node's files", GT_STR_ARG(element.label));
    }
}

/* ---- security contexts ---- */

typedef struct rule {
    const char *member;
    enum { IS_TRUE, IS_FALSE, IS_ZERO } when;
    bool root; /* allowed for extras under the baseline profile */
    const char *why;
} rule;

static const rule rules[] = {
    {"privileged", IS_TRUE, false, "would have the whole node"},
    {"runAsUser", IS_ZERO, true, "is root"},
    {"runAsNonRoot", IS_FALSE, true, "would allow root"},
};

static bool breaks(const rule *r, gt_view value)
{
    int64_t number;
    switch (r->when) {
    case IS_TRUE: return gt_view_true(value);
    case IS_FALSE: return gt_view_type_of(value) == GT_VIEW_BOOL && !gt_view_true(value);
    case IS_ZERO: return gt_view_int(value, &number) && number == 0;
    }
    return false;
}

static void judge_context(gt_walk *walk, const gt_pointer *place, gt_view context, const gt_want *ours, bool root_allowed)
{
    for (size_t i = 0; i < sizeof rules / sizeof *rules; i++) {
        gt_pointer at = gt_member(place, rules[i].member);
        bool replaced = find(ours, rules[i].member) != NULL;
        if (!replaced && !(rules[i].root && root_allowed) && breaks(&rules[i], gt_view_get(context, rules[i].member)))
            gt_record_deny(walk->record, 403, &at, "%s: not allowed on an agent's pod", rules[i].why);
    }
}

/* Capabilities that the baseline Pod Security Standard lets a container add. */
static bool is_baseline_capability(gt_view name)
{
    static const char *const allowed[] = {"AUDIT_WRITE", "CHOWN",  "DAC_OVERRIDE", "FOWNER",  "FSETID",  "KILL",      "MKNOD",
                                          "NET_BIND_SERVICE", "SETFCAP", "SETGID", "SETPCAP", "SETUID", "SYS_CHROOT"};
    for (size_t i = 0; i < sizeof allowed / sizeof *allowed; i++)
        if (gt_view_is(name, allowed[i]))
            return true;
    return false;
}

static void judge_capabilities(gt_walk *walk, const gt_pointer *place, gt_view context, bool baseline)
{
    gt_pointer capabilities = gt_member(place, "capabilities"), add = gt_member(&capabilities, "add");
    size_t n = 0;
    GT_VIEW_EACH(name, gt_view_get(gt_view_get(context, "capabilities"), "add")) {
        gt_pointer at = gt_element(&add, n++);
        if (gt_view_is(name, "NET_BIND_SERVICE") || (baseline && is_baseline_capability(name)))
            continue;
        gt_buf shown;
        gt_buf_init(&shown, walk->arena, 32);
        gt_view_show(&shown, name, 40);
        gt_record_deny(walk->record, 403, &at, "may not add the capability %s", shown.at);
    }
}

/* ---- images ---- */

static void judge_image(gt_walk *walk, const gt_policy *policy, const gt_pointer *place, const gt_image *image, bool parsed, const char *shown)
{
    bool admitted = policy->image_allowlist == NULL || policy->image_allowlist->count == 0;
    GT_VALUE_EACH(pattern, policy->image_allowlist)
        admitted = admitted || (parsed && gt_image_admitted(image, gt_value_str(pattern)));
    if (!admitted)
        gt_record_deny(walk->record, 403, place, "%s is from nowhere that the town's policy allows (spec.policy.imageAllowlist)", shown);
    if (policy->require_digest && (!parsed || image->digest.len == 0))
        gt_record_deny(walk->record, 403, place, "%s has no digest, and the town's policy wants one (spec.policy.requireImageDigest)", shown);
}

/* Ours where there is a want for it, else the client's. */
static void judge_container_image(gt_walk *walk, const gt_policy *policy, const gt_pointer *container, gt_view have, const gt_want *want)
{
    gt_pointer at = gt_member(container, "image");
    const gt_want *ours = find(want, "image");
    gt_image image;
    if (ours != NULL) {
        bool parsed = gt_image_parse(gt_value_str(ours->value), &image);
        judge_image(walk, policy, &at, &image, parsed, gt_value_str(ours->value).at);
    } else if (gt_view_exists(gt_view_get(have, "image"))) {
        bool parsed = gt_image_read(gt_view_get(have, "image"), &image);
        gt_buf shown;
        gt_buf_init(&shown, walk->arena, 64);
        gt_view_show(&shown, gt_view_get(have, "image"), 200);
        judge_image(walk, policy, &at, &image, parsed, shown.at);
    }
}

/* ---- containers ---- */

static void judge_ports(gt_walk *walk, const gt_pointer *container, gt_view have)
{
    gt_pointer ports = gt_member(container, "ports");
    size_t n = 0;
    GT_VIEW_EACH(port, gt_view_get(have, "ports")) {
        gt_pointer element = gt_element(&ports, n++), at = gt_member(&element, "hostPort");
        int64_t number;
        if (gt_view_int(gt_view_get(port, "hostPort"), &number) && number != 0)
            gt_record_deny(walk->record, 403, &at, "an agent's pod may not take the node's port %lld", (long long)number);
    }
}

static void judge_container(gt_walk *walk, const gt_policy *policy, const gt_pointer *place, gt_view have, const gt_want *want)
{
    bool baseline = policy->security == GT_SECURITY_BASELINE;
    gt_pointer context = gt_member(place, "securityContext");
    gt_view security = gt_view_get(have, "securityContext");
    const gt_want *ours = find(want, "securityContext");
    judge_context(walk, &context, security, ours, baseline && want == NULL);
    if (find(find(ours, "capabilities"), "add") == NULL)
        judge_capabilities(walk, &context, security, baseline && want == NULL);
    judge_ports(walk, place, have);
    judge_container_image(walk, policy, place, have, want);
}

static const gt_want *want_of(const gt_want *list, gt_view container)
{
    for (const gt_want *want = list == NULL ? NULL : list->first; want != NULL; want = want->next)
        if (gt_same_text(gt_view_get(container, "name"), want->name))
            return want;
    return NULL;
}

static void judge_list(gt_walk *walk, const gt_policy *policy, const gt_pointer *spec_place, const char *name, const gt_want *wants)
{
    gt_pointer place = gt_member(spec_place, name);
    const gt_want *list = find(wants, name);
    gt_view have = gt_view_get(gt_view_get(walk->pod, "spec"), name);
    size_t n = 0;
    GT_VIEW_EACH(container, have) {
        gt_pointer at = gt_view_label(walk->arena, gt_element(&place, n++), gt_view_get(container, "name"));
        judge_container(walk, policy, &at, container, want_of(list, container));
    }
    for (const gt_want *want = list == NULL ? NULL : list->first; want != NULL; want = want->next) {
        bool there = false;
        GT_VIEW_EACH(container, have)
            there = there || gt_same_text(gt_view_get(container, "name"), want->name);
        gt_pointer at = gt_labelled(&place, 0, want->name);
        if (!there)
            judge_container_image(walk, policy, &at, (gt_view){NULL}, want);
    }
}

void gt_judge(gt_walk *walk, const gt_policy *policy)
{
    gt_pointer spec_place = gt_member(NULL, "spec"), context = gt_member(&spec_place, "securityContext");
    gt_view spec = gt_view_get(walk->pod, "spec");
    const gt_want *wants = find(walk->injection->wants, "spec");
    judge_pod(walk, &spec_place, spec);
    judge_context(walk, &context, gt_view_get(spec, "securityContext"), find(wants, "securityContext"), false);
    judge_list(walk, policy, &spec_place, "initContainers", wants);
    judge_list(walk, policy, &spec_place, "containers", wants);
    judge_list(walk, policy, &spec_place, "ephemeralContainers", wants);
}
