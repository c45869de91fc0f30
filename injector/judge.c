/* Judging: does the pod that comes out keep the town's policy and the security profile? Judged is the result: what the engine replaces
 * can't offend. A member counts as ours when there's a want for it; of an object that we want only a part of, the rest is the client's.
 * Of an update only what it changes is judged: every member is read by `judged`, which leaves out what stood there before. */
#include "injector/image.h"
#include "injector/inject.h"
#include "injector/same.h"
#include "injector/security.h"

/* ---- what an update leaves as it is ---- */

static bool is_as_before(gt_walk *walk, gt_view now, const gt_view *before)
{
    if (before != NULL && gt_view_equal(now, *before))
        return true;
    walk->changes++;
    return false;
}

/* The member, if it is to be judged: missing where it was the same before. */
static gt_view judged(gt_walk *walk, gt_view have, gt_view was, const char *name)
{
    gt_view member = gt_view_get(have, name);
    if (!gt_view_exists(member))
        return (gt_view){NULL};
    gt_view before = gt_view_get(was, name);
    return !is_as_before(walk, member, &before) ? member : (gt_view){NULL};
}

static void put_view(gt_map *map, gt_str name, gt_view view)
{
    gt_view *kept = GT_NEW(map->arena, gt_view);
    *kept = view;
    gt_map_put(map, name, kept);
}

/* Nobody knows what the engine would replace: only what is denied whoever the agent is. */
static bool is_partial(const gt_walk *walk)
{
    return walk->injection->wants == NULL && walk->old.node == NULL;
}

/* ---- the pod's own fields ---- */

/* Volumes of a kind that the restricted standard hasn't: ours are denied where the town enforces it, a client's get a warning. */
static void judge_volume(gt_walk *walk, const gt_pointer *place, gt_view volume, const gt_want *ours, bool baseline)
{
    if (baseline || is_partial(walk))
        return;
    GT_VALUE_EACH (member, ours == NULL ? NULL : ours->value)
        if (!gt_str_is(member->key, "name") && !gt_security_volume(member->key)) {
            gt_pointer at = gt_member_str(place, member->key);
            gt_record_deny(walk->record, 403, &at,
                           "a volume of this kind isn't restricted (spec.policy.podSecurity of %s)",
                           walk->town->title.at);
        }
    if (ours == NULL && gt_view_type_of(volume) == GT_VIEW_OBJECT && !gt_view_is_volume_of(volume, gt_security_volume))
        gt_record_warn(walk->record, place, "a volume of its kind: refused where restricted is enforced");
}

static void judge_volumes(gt_walk *walk, const gt_pointer *spec_place, gt_view spec, gt_view old_spec)
{
    bool baseline = walk->town->policy.security == GT_SECURITY_BASELINE;
    gt_pointer volumes = gt_member(spec_place, "volumes");
    const gt_want *ours = gt_want_find(gt_want_find(walk->injection->wants, "spec"), "volumes");
    size_t n = 0;
    GT_VIEW_EACH (volume, judged(walk, spec, old_spec, "volumes")) {
        gt_pointer element = gt_view_label(walk->arena, gt_element(&volumes, n++), gt_view_get(volume, "name"));
        gt_pointer at = gt_member(&element, "hostPath");
        if (gt_view_exists(gt_view_get(volume, "hostPath")))
            gt_record_deny(walk->record, 403, &at, "the volume %.*s: an agent never gets at the node's files",
                           GT_STR_ARG(element.label));
        else if (gt_want_find_str(ours, gt_view_name(volume)) == NULL)
            judge_volume(walk, &element, volume, NULL, baseline);
    }
    for (const gt_want *want = ours == NULL ? NULL : ours->first; want != NULL; want = want->next) {
        gt_pointer element = gt_labelled(&volumes, 0, want->name);
        judge_volume(walk, &element, (gt_view){NULL}, want, baseline);
    }
}

static void judge_apparmor(gt_walk *walk)
{
    gt_pointer metadata = gt_member(NULL, "metadata"), list = gt_member(&metadata, "annotations"), at;
    gt_map before;
    gt_map_init(&before, walk->arena);
    GT_VIEW_EACH (annotation, gt_view_get(gt_view_get(walk->old, "metadata"), "annotations"))
        if (gt_view_below(annotation, GT_APPARMOR_PREFIX, &list, &at))
            put_view(&before, at.name, annotation);
    GT_VIEW_EACH (annotation, gt_view_get(gt_view_get(walk->pod, "metadata"), "annotations")) {
        if (!gt_view_below(annotation, GT_APPARMOR_PREFIX, &list, &at) ||
            is_as_before(walk, annotation, gt_map_get(&before, at.name)))
            continue;
        if (!gt_view_passes(annotation, gt_security_apparmor))
            gt_record_deny(walk->record, 403, &at, "switches AppArmor off: not allowed on an agent's pod");
    }
}

static void judge_pod(gt_walk *walk, const gt_pointer *spec_place, gt_view spec, gt_view old_spec)
{
    static const char *const hosts[] = {"hostNetwork", "hostPID", "hostIPC"};
    for (size_t i = 0; i < sizeof hosts / sizeof *hosts; i++) {
        gt_pointer at = gt_member(spec_place, hosts[i]);
        if (gt_view_true(judged(walk, spec, old_spec, hosts[i])))
            gt_record_deny(walk->record, 403, &at, "an agent's pod may not share the node's namespaces");
    }
    gt_pointer os = gt_member(spec_place, "os"), os_name = gt_member(&os, "name");
    if (gt_view_is(gt_view_get(judged(walk, spec, old_spec, "os"), "name"), "windows"))
        gt_record_deny(walk->record, 422, &os_name, "agents run on Linux");
}

/* ---- security contexts ---- */

/* What a security context may not say. Denied everywhere, or only where the promise holds: on the pod and our own containers; an extra
 * that says it gets a warning. */
typedef struct rule {
    const char *member, *inner; /* inner: a member of the member, or NULL */
    enum { IS_TRUE, IS_FALSE, IS_ZERO, NOT_CONFINED, NOT_DEFAULT, NOT_OF_CONTAINERS, IS_THERE } when;
    bool everywhere;
    bool root; /* allowed for extras under the baseline profile; and the profile replaces it on the pod */
    const char *why;
} rule;

static const rule rules[] = {
    {"privileged", NULL, IS_TRUE, true, false, "would have the whole node"},
    {"windowsOptions", "hostProcess", IS_TRUE, true, false, "would run on the node itself"},
    {"runAsUser", NULL, IS_ZERO, true, true, "is root"},
    {"runAsNonRoot", NULL, IS_FALSE, true, true, "would allow root"},
    {"allowPrivilegeEscalation", NULL, IS_TRUE, false, false, "would let it gain rights"},
    {"seccompProfile", "type", NOT_CONFINED, false, false, "switches seccomp off"},
    {"appArmorProfile", "type", NOT_CONFINED, false, false, "switches AppArmor off"},
    {"procMount", NULL, NOT_DEFAULT, false, false, "unmasks /proc"},
    {"seLinuxOptions", "user", IS_THERE, false, false, "is another SELinux user"},
    {"seLinuxOptions", "role", IS_THERE, false, false, "is another SELinux role"},
    {"seLinuxOptions", "type", NOT_OF_CONTAINERS, false, false, "is no container's SELinux type"},
};

static bool breaks(const rule *r, gt_view value)
{
    int64_t number;
    switch (r->when) {
    case IS_TRUE: return gt_view_true(value);
    case IS_FALSE: return gt_view_type_of(value) == GT_VIEW_BOOL && !gt_view_true(value);
    case IS_ZERO: return gt_view_int(value, &number) && number == 0;
    case NOT_CONFINED: return gt_view_exists(value) && !gt_view_passes(value, gt_security_confines);
    case NOT_DEFAULT: return gt_view_exists(value) && !gt_view_is(value, "") && !gt_view_is(value, "Default");
    case NOT_OF_CONTAINERS: return gt_view_exists(value) && !gt_view_passes(value, gt_security_selinux_type);
    case IS_THERE: return gt_view_exists(value) && !gt_view_is(value, "");
    }
    return true;
}

/* Whether what comes out there is ours: the member itself, or the very inner one that a rule looks at. Of an object that we only set
 * in part the client's other members stay. */
static bool is_ours(const gt_want *context, const rule *r)
{
    const gt_want *want = gt_want_find(context, r->member);
    if (want == NULL || r->inner == NULL)
        return want != NULL;
    return want->value != NULL ? gt_value_get(want->value, r->inner) != NULL : gt_want_find(want, r->inner) != NULL;
}

typedef struct context {
    gt_view have, was;
    const gt_want *ours; /* wants of this security context, or NULL */
    bool extra;          /* a container of the client's */
    bool root_allowed;
    bool partial; /* nobody is known to replace anything: only what is denied whoever the agent is */
} context;

static void judge_context(gt_walk *walk, const gt_pointer *place, const context *c)
{
    if (gt_view_count(c->have) == 0)
        return; /* as mostly: what isn't said breaks no rule */
    for (size_t i = 0; i < sizeof rules / sizeof *rules; i++) {
        const rule *r = &rules[i];
        gt_view value = judged(walk, c->have, c->was, r->member);
        if (r->inner != NULL)
            value = gt_view_get(value, r->inner);
        if (is_ours(c->ours, r) || (r->root && (c->root_allowed || c->partial)) || (c->partial && !r->everywhere) ||
            !breaks(r, value))
            continue;
        gt_pointer outer = gt_member(place, r->member), inner = gt_member(&outer, r->inner == NULL ? "" : r->inner);
        const gt_pointer *at = r->inner == NULL ? &outer : &inner;
        if (r->everywhere || !c->extra)
            gt_record_deny(walk->record, 403, at, "%s: not allowed on an agent's pod", r->why);
        else
            gt_record_warn(walk->record, at, "%s: refused where restricted is enforced", r->why);
    }
}

static bool drops_all(gt_view have)
{
    GT_VIEW_EACH (name, gt_view_get(gt_view_get(have, "capabilities"), "drop"))
        if (gt_view_is(name, "ALL"))
            return true;
    return false;
}

/* What the restricted standard wants besides, and an extra doesn't say. */
static void warn_of_extra(gt_walk *walk, const gt_pointer *place, gt_view have)
{
    gt_view escalation = gt_view_get(have, "allowPrivilegeEscalation");
    gt_pointer at = gt_member(place, "allowPrivilegeEscalation"), capabilities = gt_member(place, "capabilities"),
               drop = gt_member(&capabilities, "drop");
    if (gt_view_type_of(escalation) != GT_VIEW_BOOL)
        gt_record_warn(walk->record, &at, "isn't false: refused where restricted is enforced");
    if (!drops_all(have))
        gt_record_warn(walk->record, &drop, "lacks ALL: refused where restricted is enforced");
}

/* Capabilities that the baseline Pod Security Standard lets a container add. */
static bool is_baseline_capability(gt_view name)
{
    static const char *const allowed[] = {"AUDIT_WRITE", "CHOWN",  "DAC_OVERRIDE",     "FOWNER",  "FSETID",
                                          "KILL",        "MKNOD",  "NET_BIND_SERVICE", "SETFCAP", "SETGID",
                                          "SETPCAP",     "SETUID", "SYS_CHROOT"};
    for (size_t i = 0; i < sizeof allowed / sizeof *allowed; i++)
        if (gt_view_is(name, allowed[i]))
            return true;
    return false;
}

static void judge_capabilities(gt_walk *walk, const gt_pointer *place, const context *c)
{
    gt_pointer capabilities = gt_member(place, "capabilities"), add = gt_member(&capabilities, "add");
    size_t n = 0;
    GT_VIEW_EACH (name, gt_view_get(judged(walk, c->have, c->was, "capabilities"), "add")) {
        gt_pointer at = gt_element(&add, n++);
        if (gt_view_is(name, "NET_BIND_SERVICE") || (c->root_allowed && is_baseline_capability(name)))
            continue;
        gt_buf shown;
        gt_buf_init(&shown, walk->arena, 32);
        gt_view_show(&shown, name, 40);
        gt_record_deny(walk->record, 403, &at, "may not add the capability %s", shown.at);
    }
}

/* ---- images ---- */

static void judge_image(gt_walk *walk, const gt_pointer *place, const gt_image *image, bool parsed, const char *shown)
{
    const gt_policy *policy = &walk->town->policy;
    bool admitted = policy->image_allowlist == NULL || policy->image_allowlist->count == 0;
    GT_VALUE_EACH (pattern, policy->image_allowlist)
        admitted = admitted || (parsed && gt_image_admitted(image, gt_value_str(pattern)));
    if (!admitted)
        gt_record_deny(walk->record, 403, place,
                       "%s is from nowhere that the town's policy allows (spec.policy.imageAllowlist of %s)", shown,
                       walk->town->title.at);
    if (policy->require_digest && (!parsed || image->digest.len == 0))
        gt_record_deny(walk->record, 403, place,
                       "%s has no digest, and the town's policy wants one (spec.policy.requireImageDigest of %s)",
                       shown, walk->town->title.at);
}

/* Ours where there is a want for it, else the client's. */
static void judge_container_image(gt_walk *walk, const gt_pointer *container, gt_view have, gt_view was,
                                  const gt_want *want)
{
    gt_pointer at = gt_member(container, "image");
    const gt_want *ours = gt_want_find(want, "image");
    gt_image image;
    if (ours != NULL) {
        bool parsed = gt_image_parse(gt_value_str(ours->value), &image);
        judge_image(walk, &at, &image, parsed, gt_value_str(ours->value).at);
        return;
    }
    gt_view theirs = judged(walk, have, was, "image");
    if (theirs.node != NULL) {
        bool parsed = gt_image_read(theirs, &image);
        gt_buf shown;
        gt_buf_init(&shown, walk->arena, 64);
        gt_view_show(&shown, theirs, 200);
        judge_image(walk, &at, &image, parsed, shown.at);
    }
}

/* ---- probes and hooks ---- */

static void judge_handler(gt_walk *walk, const gt_pointer *place, gt_view handler, bool extra)
{
    static const char *const kinds[] = {"httpGet", "tcpSocket"};
    for (int i = 0; i < 2; i++) {
        gt_view host = gt_view_get(gt_view_get(handler, kinds[i]), "host");
        gt_pointer kind = gt_member(place, kinds[i]), at = gt_member(&kind, "host");
        if (!gt_view_exists(host) || gt_view_is(host, ""))
            continue;
        if (extra)
            gt_record_warn(walk->record, &at, "is another host: refused where baseline is enforced");
        else
            gt_record_deny(walk->record, 403, &at, "the kubelet may ask an agent's pod alone");
    }
}

/* Of a container's probes and hooks those that stay the client's. */
static void judge_handlers(gt_walk *walk, const gt_pointer *container, gt_view have, gt_view was, const gt_want *want)
{
    static const char *const probes[] = {"livenessProbe", "readinessProbe", "startupProbe"};
    static const char *const hooks[] = {"postStart", "preStop"};
    gt_pointer lifecycle = gt_member(container, "lifecycle");
    for (int i = 0; i < 3; i++) {
        gt_pointer at = gt_member(container, probes[i]);
        if (gt_want_find(want, probes[i]) == NULL)
            judge_handler(walk, &at, judged(walk, have, was, probes[i]), want == NULL);
    }
    for (int i = 0; i < 2 && gt_want_find(want, "lifecycle") == NULL; i++) {
        gt_pointer at = gt_member(&lifecycle, hooks[i]);
        judge_handler(walk, &at, judged(walk, gt_view_get(have, "lifecycle"), gt_view_get(was, "lifecycle"), hooks[i]),
                      want == NULL);
    }
}

/* ---- resources ---- */

/* Of one list, requests or limits: ours where there's a want for it, else the client's. */
static void judge_amounts(gt_walk *walk, const gt_pointer *list, gt_view have, gt_view was, const gt_want *ours)
{
    GT_VALUE_EACH (most, walk->town->policy.max_resources) {
        gt_pointer at = gt_member_str(list, most->key);
        const gt_want *want = gt_want_find(ours, most->key.at);
        gt_view theirs = judged(walk, have, was, most->key.at);
        gt_quantity amount, limit;
        bool known = want != NULL ? gt_quantity_parse(want->value->text, &amount) : gt_view_quantity(theirs, &amount);
        if (want == NULL && !gt_view_exists(theirs))
            continue;
        if (!gt_quantity_parse(most->text, &limit) || (known && gt_quantity_cmp(amount, limit) <= 0))
            continue; /* what is no quantity is above */
        gt_buf shown;
        gt_buf_init(&shown, walk->arena, 32);
        if (want != NULL)
            gt_buf_str(&shown, want->value->text);
        else
            gt_view_show(&shown, theirs, 40);
        gt_record_deny(walk->record, 403, &at, "%s is above the town's %s (spec.policy.maxResources of %s)", shown.at,
                       most->text.at, walk->town->title.at);
    }
}

/* place: what has the member `resources`, a container or the spec itself. */
static void judge_resources(gt_walk *walk, const gt_pointer *place, gt_view have, gt_view was, const gt_want *want)
{
    static const char *const lists[] = {"requests", "limits"};
    gt_pointer resources = gt_member(place, "resources");
    for (int i = 0; i < 2; i++) {
        gt_pointer at = gt_member(&resources, lists[i]);
        judge_amounts(walk, &at, gt_view_get(gt_view_get(have, "resources"), lists[i]),
                      gt_view_get(gt_view_get(was, "resources"), lists[i]),
                      gt_want_find(gt_want_find(want, "resources"), lists[i]));
    }
}

/* ---- containers ---- */

/* A container that is neither the agent's nor ours. */
static void judge_extra(gt_walk *walk, const gt_pointer *place)
{
    const gt_policy *policy = &walk->town->policy;
    bool allowed = !policy->deny_extras;
    GT_VALUE_EACH (name, policy->extras_allowed)
        allowed = allowed || gt_str_eq(gt_value_str(name), place->label);
    if (!allowed)
        gt_record_deny(
            walk->record, 403, place,
            "the town admits no containers but its own (spec.policy.extras of %s; extrasAllowed names exceptions)",
            walk->town->title.at);
}

static void judge_ports(gt_walk *walk, const gt_pointer *container, gt_view have, gt_view was)
{
    gt_pointer ports = gt_member(container, "ports");
    size_t n = 0;
    GT_VIEW_EACH (port, judged(walk, have, was, "ports")) {
        gt_pointer element = gt_element(&ports, n++), at = gt_member(&element, "hostPort");
        int64_t number;
        if (gt_view_int(gt_view_get(port, "hostPort"), &number) && number != 0)
            gt_record_deny(walk->record, 403, &at, "an agent's pod may not take the node's port %lld",
                           (long long)number);
    }
}

/* was: as it stood before an update; missing: it's new. A container of the client's may say more than one of ours, but what can't change in a
 * pod's life, and is said to change, gets no such leave. */
static void judge_container(gt_walk *walk, const gt_pointer *place, gt_view have, gt_view was, const gt_want *want)
{
    bool baseline = walk->town->policy.security == GT_SECURITY_BASELINE, added = want == NULL && was.node == NULL;
    gt_pointer at = gt_member(place, "securityContext");
    context c = {.have = gt_view_get(have, "securityContext"),
                 .was = gt_view_get(was, "securityContext"),
                 .ours = gt_want_find(want, "securityContext"),
                 .extra = added,
                 .root_allowed = baseline && added,
                 .partial = is_partial(walk)};
    judge_context(walk, &at, &c);
    if (gt_want_find(gt_want_find(c.ours, "capabilities"), "add") == NULL)
        judge_capabilities(walk, &at, &c);
    judge_ports(walk, place, have, was);
    if (c.partial)
        return;
    if (added && !baseline)
        warn_of_extra(walk, &at, c.have);
    judge_container_image(walk, place, have, was, want);
    judge_handlers(walk, place, have, was, want);
    judge_resources(walk, place, have, was, want);
    walk->changes += added;
    if (added)
        judge_extra(walk, place);
}

static const gt_want *want_of(const gt_want *list, gt_view container)
{
    for (const gt_want *want = list == NULL ? NULL : list->first; want != NULL; want = want->next)
        if (gt_same_text(gt_view_get(container, "name"), want->name))
            return want;
    return NULL;
}

static gt_view named(const gt_map *views, gt_view container)
{
    const gt_view *view = gt_map_get(views, gt_view_name(container));
    return view != NULL ? *view : (gt_view){NULL};
}

static void judge_list(gt_walk *walk, const gt_pointer *spec_place, const char *name, const gt_want *wants)
{
    gt_pointer place = gt_member(spec_place, name);
    const gt_want *list = gt_want_find(wants, name);
    gt_view have = gt_view_get(gt_view_get(walk->pod, "spec"), name);
    size_t n = 0;
    gt_map before;
    gt_map_init(&before, walk->arena);
    GT_VIEW_EACH (container, gt_view_get(gt_view_get(walk->old, "spec"), name))
        put_view(&before, gt_view_name(container), container);
    GT_VIEW_EACH (container, have) {
        gt_pointer at = gt_view_label(walk->arena, gt_element(&place, n++), gt_view_get(container, "name"));
        judge_container(walk, &at, container, named(&before, container), want_of(list, container));
    }
    for (const gt_want *want = list == NULL ? NULL : list->first; want != NULL; want = want->next) {
        bool there = false;
        GT_VIEW_EACH (container, have)
            there = there || gt_same_text(gt_view_get(container, "name"), want->name);
        gt_pointer at = gt_labelled(&place, 0, want->name);
        if (there)
            continue;
        judge_container_image(walk, &at, (gt_view){NULL}, (gt_view){NULL}, want);
        judge_resources(walk, &at, (gt_view){NULL}, (gt_view){NULL}, want);
    }
}

/* The sysctls that the baseline Pod Security Standard calls safe. */
static bool is_safe_sysctl(gt_view name)
{
    static const char *const safe[] = {"kernel.shm_rmid_forced",
                                       "net.ipv4.ip_local_port_range",
                                       "net.ipv4.ip_unprivileged_port_start",
                                       "net.ipv4.tcp_syncookies",
                                       "net.ipv4.ping_group_range",
                                       "net.ipv4.ip_local_reserved_ports",
                                       "net.ipv4.tcp_keepalive_time",
                                       "net.ipv4.tcp_fin_timeout",
                                       "net.ipv4.tcp_keepalive_intvl",
                                       "net.ipv4.tcp_keepalive_probes",
                                       "net.ipv4.tcp_rmem",
                                       "net.ipv4.tcp_wmem"};
    for (size_t i = 0; i < sizeof safe / sizeof *safe; i++)
        if (gt_view_is(name, safe[i]))
            return true;
    return false;
}

static void judge_sysctls(gt_walk *walk, const gt_pointer *place, const context *c)
{
    gt_pointer list = gt_member(place, "sysctls");
    size_t n = 0;
    GT_VIEW_EACH (sysctl, judged(walk, c->have, c->was, "sysctls")) {
        gt_pointer at = gt_view_label(walk->arena, gt_element(&list, n++), gt_view_get(sysctl, "name"));
        if (!is_safe_sysctl(gt_view_get(sysctl, "name")))
            gt_record_deny(walk->record, 403, &at, "this sysctl isn't a safe one");
    }
}

void gt_judge(gt_walk *walk)
{
    gt_pointer spec_place = gt_member(NULL, "spec"), at = gt_member(&spec_place, "securityContext");
    gt_view spec = gt_view_get(walk->pod, "spec"), old_spec = gt_view_get(walk->old, "spec");
    const gt_want *wants = gt_want_find(walk->injection->wants, "spec");
    context c = {.have = gt_view_get(spec, "securityContext"),
                 .was = gt_view_get(old_spec, "securityContext"),
                 .ours = gt_want_find(wants, "securityContext"),
                 .partial = is_partial(walk)};
    judge_pod(walk, &spec_place, spec, old_spec);
    judge_volumes(walk, &spec_place, spec, old_spec);
    judge_apparmor(walk);
    judge_context(walk, &at, &c);
    judge_sysctls(walk, &at, &c);
    judge_resources(walk, &spec_place, spec, old_spec, wants);
    judge_list(walk, &spec_place, "initContainers", wants);
    judge_list(walk, &spec_place, "containers", wants);
    judge_list(walk, &spec_place, "ephemeralContainers", wants);
}
