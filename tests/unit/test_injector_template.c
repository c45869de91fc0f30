/* What check says about templates. Merging is tested with layers. */
#include "injector/template.h"

#include "tests/unit/test_injector_support.h"

typedef struct row {
    const char *template; /* YAML */
    const char *findings; /* each line as the finding begins; "" for none */
} row;

static gt_str check_template(gt_arena *arena, const char *yaml, gt_layer_id origin)
{
    gt_check check = {.arena = arena};
    gt_layer *layer = gt_layer_new(arena);
    bool good = gt_template_parse(&check, NULL, value_of(arena, yaml), origin, layer);
    cr_expect_eq(good, check.errors == 0, "%s", yaml);
    return findings_of(arena, check.first);
}

/* Whether each line of `found` begins as the same line of `wanted`. */
static bool begin_alike(const char *found, const char *wanted)
{
    while (*wanted != '\0') {
        size_t n = strcspn(wanted, "\n");
        if (strncmp(found, wanted, n) != 0)
            return false;
        found += strcspn(found, "\n");
        wanted += n;
        if ((*found == '\n') != (*wanted == '\n'))
            return false;
        found += *found == '\n';
        wanted += *wanted == '\n';
    }
    return *found == '\0';
}

static void check_rows(const row *rows, size_t n)
{
    SCOPED_ARENA(arena);
    for (size_t i = 0; i < n; i++) {
        gt_str found = check_template(arena, rows[i].template, GT_LAYER_TOWN);
        cr_expect(begin_alike(found.at, rows[i].findings) && (found.len == 0) == (rows[i].findings[0] == '\0'),
                  "%s:\n    is        %s\n    should be %s", rows[i].template, found.at, rows[i].findings);
    }
}
#define CHECK(...)                                                                                                     \
    do {                                                                                                               \
        static const row rows[] = {__VA_ARGS__};                                                                       \
        check_rows(rows, COUNT(rows));                                                                                 \
    } while (0)

Test(injector_template, unknown_fields)
{
    CHECK({"{}", ""}, {"null", ""}, {"[]", "error : must be an object, is a list"}, {"x", "error : must be an object"},
          {"{imag: 'a:1'}", "error imag: unknown field (did you mean image?)"},
          {"{zzzzzzzz: 1}", "error zzzzzzzz: unknown field"},
          {"{restartPolicy: Always}", "error restartPolicy: unknown field"},
          {"{daemon: {}}", "error daemon: unknown field"}, {"{bead: x}", "error bead: unknown field"},
          {"{Image: 'a:1'}", "error Image: unknown field (did you mean image?)"},
          {"{storage: {sizes: 1Gi}}", "error storage.sizes: unknown field (did you mean size?)"},
          {"{agent: {apiKeySecret: {nam: x}}}", "error agent.apiKeySecret.nam: unknown"},
          {"{agent: {'apiKeySecret.name': x}}", "error agent[apiKeySecret.name]: unknown field"},
          {"{resources: {request: {}}}", "error resources.request: unknown field (did you mean requests?)"},
          {"{secretEnv: [{name: A, secretName: s, kee: k}]}",
           "error secretEnv[A].kee: unknown field (did you mean key?)"});
}

Test(injector_template, types)
{
    CHECK({"{image: 5}", "error image: must be a string, is a number: quote it"},
          {"{image: [a]}", "error image: must be a string"},
          {"{image: 'a b'}", "error image: \"a b\" is no image reference"}, {"{image: ''}", "error image"},
          {"{image: a}", "warning image: floating tag"}, {"{image: 'a:latest'}", "warning image: floating tag"},
          {"{imagePullPolicy: always}", "error imagePullPolicy: must be one of Always, IfNotPresent, Never"},
          {"{command: sh}", "error command: must be a list"},
          {"{command: [sh, 5]}", "error command[1]: must be a string"},
          {"{automountServiceAccountToken: 'no'}", "error automountServiceAccountToken: must be true or false"},
          {"{terminationGracePeriodSeconds: -1}", "error terminationGracePeriodSeconds: must be at least 0"},
          {"{terminationGracePeriodSeconds: 0}", ""},
          {"{activeDeadlineSeconds: 0}", "error activeDeadlineSeconds: must be at least 1"},
          {"{screenScrollback: 1.5}", "error screenScrollback: must be a whole number"},
          {"{serviceAccountName: A_b}", "error serviceAccountName"}, {"{configMapName: ''}", "error configMapName"},
          {"{dnsPolicy: cluster}", "error dnsPolicy: must be one of"},
          {"{tolerations: {}}", "error tolerations: must be a list"},
          {"{tolerations: [x]}", "error tolerations[0]: must be an object"},
          {"{affinity: []}", "error affinity: must be an object"}, {"{labels: [a]}", "error labels: must be an object"},
          {"{labels: {a: 1}}", "error labels.a: must be a string, is a number: quote it"},
          {"{labels: {a: 'b c'}}", "error labels.a: \"b c\" is no label"}, {"{labels: {a: ''}}", ""},
          {"{labels: {'a b': c}}", "error labels[a b]"}, {"{annotations: {a: 'b c\n'}}", ""},
          {"{annotations: {a: {b: c}}}", "error annotations.a: must be a string"},
          {"{nodeSelector: {node-role.kubernetes.io/x: ''}}", ""},
          {"{storage: {size: x}}", "error storage.size: \"x\" is no quantity"},
          {"{storage: {size: 0Gi}}", "error storage.size: must be more than 0"},
          {"{storage: {accessModes: x}}", "error storage.accessModes"},
          {"{storage: {scope: Rig}}", "error storage.scope: Rig isn't possible yet"}, {"{storage: {scope: Agent}}", ""},
          {"{agent: {runtime: x}}", "error agent.runtime: must be one of"},
          {"{agent: {provider: x}}", "error agent.provider: must be one of"});
}

Test(injector_template, our_own_keys_are_the_systems)
{
    CHECK({"{labels: {gastown.io/role: mayor}}", "error labels[gastown.io/role]: keys under gastown.io"},
          {"{labels: {x.gastown.io/y: z}}", "error labels[x.gastown.io/y]"},
          {"{annotations: {event.gastown.io/image: z}}", "error annotations[event.gastown.io/image]"},
          {"{annotations: {gastown.io/raw-rig: z}}", "error annotations[gastown.io/raw-rig]"},
          {"{labels: {xgastown.io/y: z}}", ""}, {"{labels: {app.kubernetes.io/name: mine}}", ""},
          {"{nodeSelector: {gastown.io/pool: z}}", ""},
          {"{labels: {gastown.io/role: null}}", "error labels[gastown.io/role]"});
}

Test(injector_template, env)
{
    CHECK({"{env: [{name: A, value: x}, {name: B}, {name: C, valueFrom: {fieldRef: {}}}]}", ""},
          {"{env: [{name: 'with blank', value: x}]}", ""}, {"{env: [{value: x}]}", "error env[0].name: is missing"},
          {"{env: [x]}", "error env[0]: must be an object"}, {"{env: {A: x}}", "error env: must be a list"},
          {"{env: [{name: A, value: 5}]}", "error env[A].value: must be a string, is a number: quote it"},
          {"{env: [{name: A, value: yes}]}", "error env[A].value: must be a string, is a boolean: quote it"},
          {"{env: [{name: A, value: x, valueFrom: {}}]}", "error env[A]: has both"},
          {"{env: [{name: A=B, value: x}]}", "error env[A=B].name"},
          {"{env: [{name: A, value: x}, {name: A, value: y}]}", "error env[A]: stands twice"},
          {"{env: [{name: A, valueFrom: x}]}", "error env[A].valueFrom"}, {"{env: [{name: A, $patch: delete}]}", ""},
          {"{env: [{name: A, $patch: merge}]}", "error env[A]: $patch must be delete"},
          {"{env: [{name: A, $patch: delete, value: x}]}", "error env[A]: has a name and $patch: delete"},
          {"{env: [{name: A, value: x}], secretEnv: [{name: A, secretName: s}]}",
           "warning secretEnv: A stands in env, too"},
          {"{secretEnv: [{name: A}]}", "error secretEnv[A].secretName: is missing"},
          {"{secretEnv: [{name: A, secretName: 'S'}]}", "error secretEnv[A].secretName"},
          {"{secretEnv: [{name: A, secretName: s}, {name: A, secretName: t}]}", "error secretEnv[A]: stands twice"},
          {"{secretEnv: [{name: A, secretName: s, optional: 'true'}]}", "error secretEnv[A].optional"});
}

/* An agent's identity comes from its labels alone. */
Test(injector_template, identity_names_are_reserved)
{
    static const char *const reserved[] = {"GT_ROLE",  "GT_RIG",   "GT_AGENT",        "GT_POLECAT",      "GT_CREW",
                                           "GT_SCOPE", "BD_ACTOR", "GIT_AUTHOR_NAME", "BEADS_AGENT_NAME"};
    static const char *const free_ones[] = {"HOME",   "GT_RUNTIME", "GT_TOWN_NAME", "BD_DAEMON_HOST",
                                            "POD_IP", "GT_BEAD",    "gt_role",      "GT_ROLES"};
    static const char *const ways[] = {"{env: [{name: %s, value: x}]}", "{secretEnv: [{name: %s, secretName: s}]}",
                                       "{sidecars: [{name: s, image: 'i:1', env: [{name: %s, value: x}]}]}",
                                       "{initContainers: [{name: s, image: 'i:1', env: [{name: %s, value: x}]}]}"};
    SCOPED_ARENA(arena);
    for (size_t w = 0; w < COUNT(ways); w++) {
        gt_buf yaml;
        for (size_t i = 0; i < COUNT(reserved) + COUNT(free_ones); i++) {
            bool bad = i < COUNT(reserved);
            const char *name = bad ? reserved[i] : free_ones[i - COUNT(reserved)], *at = strstr(ways[w], "%s");
            gt_buf_init(&yaml, arena, 128);
            gt_buf_add(&yaml, ways[w], (size_t)(at - ways[w]));
            gt_buf_printf(&yaml, "%s%s", name, at + 2);
            gt_str found = check_template(arena, yaml.at, GT_LAYER_TOWN);
            cr_expect_eq(holds(found, "only its labels decide that"), bad, "%s: %s", yaml.at, found.at);
        }
    }
}

Test(injector_template, resources)
{
    CHECK({"{resources: {requests: {cpu: 1}, limits: {cpu: 1000m}}}", ""},
          {"{resources: {requests: {cpu: 2}, limits: {cpu: 1500m}}}",
           "error resources.requests.cpu: 2 is above the limit 1500m"},
          {"{resources: {requests: {memory: 1G}, limits: {memory: 1Gi}}}", ""},
          {"{resources: {requests: {memory: 1Gi}, limits: {memory: 1G}}}", "error resources.requests.memory"},
          {"{resources: {requests: {cpu: 9}}}", ""},
          {"{resources: {requests: {cpu: -1}}}", "error resources.requests.cpu"},
          {"{resources: {requests: {cpu: 1 core}}}", "error resources.requests.cpu"},
          {"{resources: {requests: {cpu: true}}}", "error resources.requests.cpu: must be a quantity"},
          {"{resources: {requests: {cpu: 0}}}", ""},
          {"{resources: {limits: [cpu]}}", "error resources.limits: must be an object"},
          {"{resources: {limits: null}}", ""}, {"{resources: {limits: {cpu: null}}}", ""});
}

Test(injector_template, the_profile_cant_be_weakened)
{
    CHECK({"{securityContext: {allowPrivilegeEscalation: true}}", "forbidden securityContext.allowPrivilegeEscalation"},
          {"{securityContext: {allowPrivilegeEscalation: false}}", ""},
          {"{securityContext: {allowPrivilegeEscalation: null}}", "forbidden securityContext.allowPrivilegeEscalation"},
          {"{securityContext: null}", "forbidden securityContext"},
          {"{securityContext: {capabilities: null}}", "forbidden securityContext.capabilities"},
          {"{securityContext: {capabilities: {drop: []}}}", "forbidden securityContext.capabilities.drop"},
          {"{securityContext: {capabilities: {drop: [NET_RAW]}}}", "forbidden securityContext.capabilities.drop"},
          {"{securityContext: {capabilities: {drop: [ALL, NET_RAW]}}}", ""},
          {"{securityContext: {capabilities: {drop: null}}}", "forbidden securityContext.capabilities.drop"},
          {"{securityContext: {capabilities: {add: [NET_BIND_SERVICE]}}}", ""},
          {"{securityContext: {capabilities: {add: [CHOWN]}}}", "forbidden securityContext.capabilities.add"},
          {"{securityContext: {privileged: true}}", "forbidden securityContext.privileged"},
          {"{securityContext: {runAsUser: 0}}", "forbidden securityContext.runAsUser"},
          {"{securityContext: {runAsUser: 1001}}", ""}, {"{securityContext: {runAsNonRoot: false}}", "forbidden"},
          {"{securityContext: {runAsUser: -0}}", "forbidden"}, {"{securityContext: {runAsUser: 0x0}}", "forbidden"},
          {"{securityContext: {runAsUser: 0.0}}", "forbidden"},
          {"{securityContext: {runAsUser: '0'}}", "error securityContext.runAsUser"},
          {"{securityContext: {seccompProfile: {type: Unconfined}}}", "forbidden"},
          {"{securityContext: {procMount: Unmasked}}", "forbidden"},
          {"{securityContext: {windowsOptions: {hostProcess: true}}}", "forbidden"},
          {"{podSecurityContext: {runAsUser: 0}}", "forbidden podSecurityContext.runAsUser"},
          {"{podSecurityContext: {runAsNonRoot: false}}", "forbidden"},
          {"{podSecurityContext: {runAsUser: null}}", "forbidden"},
          {"{podSecurityContext: {seccompProfile: null}}", "forbidden"},
          {"{podSecurityContext: {seccompProfile: {type: Unconfined}}}", "forbidden"},
          {"{podSecurityContext: {fsGroup: 2000, supplementalGroups: [1]}}", ""},
          {"{podSecurityContext: {fsGroup: x}}", "error podSecurityContext.fsGroup"},
          {"{unset: [securityContext]}", "forbidden unset[0]"},
          {"{unset: [podSecurityContext.runAsNonRoot]}", "forbidden unset[0]"},
          {"{unset: [securityContext.capabilities]}", "forbidden unset[0]"},
          {"{unset: [securityContext.readOnlyRootFilesystem]}", ""});
}

/* The same holds for the containers that a template brings. */
Test(injector_template, nor_by_a_container)
{
    static const char *const bad[] = {"securityContext: {allowPrivilegeEscalation: true}",
                                      "securityContext: {privileged: true}",
                                      "securityContext: {runAsUser: 0}",
                                      "securityContext: {runAsNonRoot: false}",
                                      "securityContext: {capabilities: {drop: []}}",
                                      "securityContext: {capabilities: {add: [SYS_ADMIN]}}",
                                      "securityContext: {seccompProfile: {type: Unconfined}}",
                                      "securityContext: {windowsOptions: {hostProcess: true}}",
                                      "ports: [{containerPort: 80, hostPort: 80}]"};
    static const char *const malformed[] = {"securityContext: x",
                                            "securityContext: {capabilities: x}",
                                            "resources: x",
                                            "env: x",
                                            "env: [x]",
                                            "env: [{value: x}]",
                                            "env: [{name: A}, {name: A}]",
                                            "resources: {requests: {cpu: 2}, limits: {cpu: 1}}",
                                            "image: 'b b'",
                                            "restartPolicy: Always"};
    static const char *const good[] = {"securityContext: {runAsUser: 1001}",
                                       "securityContext: {capabilities: {drop: [ALL]}}",
                                       "ports: [{containerPort: 80}]",
                                       "tty: true",
                                       "resources: {requests: {cpu: 1}, limits: {cpu: 1}}",
                                       "anythingNew: {of: kubernetes}",
                                       "env: [{name: A, value: x}]"};
    static const char *const lists[] = {"sidecars", "initContainers"};
    SCOPED_ARENA(arena);
    for (size_t l = 0; l < COUNT(lists); l++)
        for (size_t i = 0; i < COUNT(bad) + COUNT(malformed) + COUNT(good); i++) {
            const char *member = i < COUNT(bad)                      ? bad[i]
                                 : i < COUNT(bad) + COUNT(malformed) ? malformed[i - COUNT(bad)]
                                                                     : good[i - COUNT(bad) - COUNT(malformed)];
            const char *image = strncmp(member, "image", 5) == 0 ? "" : "image: 'i:1', ";
            if (l == 1 && strncmp(member, "restartPolicy", 13) == 0)
                continue; /* an init container may have one: then it is a sidecar */
            gt_str found = check_template(
                arena, gt_arena_printf(arena, "{%s: [{name: s, %s%s}]}", lists[l], image, member), GT_LAYER_TOWN);
            const char *begins = i < COUNT(bad) ? "forbidden" : i < COUNT(bad) + COUNT(malformed) ? "error" : "";
            cr_expect(gt_str_starts(found, begins) && (found.len == 0) == (begins[0] == '\0'), "%s, %s: %s", lists[l],
                      member, found.at);
        }
}

Test(injector_template, containers_and_volumes)
{
    CHECK({"{sidecars: [{name: s}]}", "error sidecars[s].image: is missing"},
          {"{sidecars: [{image: 'i:1'}]}", "error sidecars[0].name: is missing"},
          {"{sidecars: [{name: agent, image: 'i:1'}]}", "error sidecars[agent].name"},
          {"{sidecars: [{name: S, image: 'i:1'}]}", "error sidecars[S].name"},
          {"{sidecars: [{name: s, image: 'i:1', mode: classic}]}", ""},
          {"{sidecars: [{name: s, image: 'i:1', mode: x}]}", "error sidecars[s].mode"},
          {"{sidecars: [{name: s, image: 'i:1', start: first}]}", ""},
          {"{sidecars: [{name: s, image: 'i:1', start: last}]}", "error sidecars[s].start"},
          {"{sidecars: [{name: s, image: 'i:1'}, {name: s, image: 'i:1'}]}", "error sidecars[s]: stands twice"},
          {"{sidecars: [{name: s, $patch: delete}]}", ""},
          {"{sidecars: [{name: s, image: 'i:1'}], initContainers: [{name: s, image: 'i:1'}]}",
           "error initContainers[s]: is a sidecar's name, too"},
          {"{sidecars: [{name: s, $patch: delete}], initContainers: [{name: s, image: 'i:1'}]}", ""},
          {"{volumes: [{name: v, hostPath: {path: /}}]}", "forbidden volumes[v].hostPath"},
          {"{volumes: [{name: V, emptyDir: {}}]}", "error volumes[V]"},
          {"{volumes: [{name: workspace, emptyDir: {}}]}", "error volumes[workspace]"},
          {"{volumes: [{name: tmp, emptyDir: {medium: Memory}}]}", ""},
          {"{volumes: [{emptyDir: {}}]}", "error volumes[0].name: is missing"},
          {"{volumeMounts: [{name: v}]}", "error volumeMounts[0].mountPath: is missing"},
          {"{volumeMounts: [{mountPath: /a}]}", "error volumeMounts[/a].name: is missing"},
          {"{volumeMounts: [{name: v, mountPath: /a}, {name: w, mountPath: /a/}]}",
           "error volumeMounts[/a/]: stands twice"},
          {"{volumeMounts: [{mountPath: /a, $patch: delete}]}", "error volumeMounts[/a]: volumeMounts has no $patch"},
          {"{ports: [{containerPort: 80, hostPort: 80}]}", "forbidden ports[0].hostPort"},
          {"{ports: [{containerPort: 80, hostPort: 0}]}", ""});
}

Test(injector_template, unset)
{
    CHECK({"{unset: [image, nodeSelector.a.b/c, env.A, resources.limits.cpu, agent.apiKeySecret, storage]}", ""},
          {"{unset: null}", ""}, {"{unset: image}", "error unset: must be a list"},
          {"{unset: [imag]}", "error unset[0]: imag: no such field"}, {"{unset: [image.x]}", "error unset[0]"},
          {"{unset: ['']}", "error unset[0]"}, {"{unset: [5]}", "error unset[0]"},
          {"{unset: [restartPolicy]}", "error unset[0]"},
          {"{unset: [storage.sizes]}", "error unset[0]: storage has no field sizes"},
          {"{unset: [resources.request.cpu]}", "error unset[0]"}, {"{unset: [volumeMounts./a]}", "error unset[0]"},
          {"{unset: [agent.apiKeySecret.name]}", ""});
}

/* storage.kind is the role's own; only roleOverrides, pools and events may choose another. */
Test(injector_template, storage_kind_has_no_effect_for_everybody)
{
    SCOPED_ARENA(arena);
    static const gt_layer_id early[] = {GT_LAYER_TOWN, GT_LAYER_RIG},
                             late[] = {GT_LAYER_ROLE, GT_LAYER_POOL, GT_LAYER_EVENT};
    for (size_t i = 0; i < COUNT(early); i++)
        cr_expect(gt_str_starts(check_template(arena, "{storage: {kind: EmptyDir}}", early[i]),
                                "warning storage.kind: has no effect"));
    for (size_t i = 0; i < COUNT(late); i++)
        expect_text(i, check_template(arena, "{storage: {kind: EmptyDir}}", late[i]), "");
    expect_text(0, check_template(arena, "{storage: {kind: Nfs}}", GT_LAYER_POOL),
                "error storage.kind: must be one of EmptyDir, PersistentVolumeClaim, is \"Nfs\"");
}

Test(injector_template, findings_know_their_line)
{
    SCOPED_ARENA(arena);
    gt_check check = {.arena = arena, .file = GT_STR("rig.yaml"), .object = GT_STR("Rig/r")};
    gt_pointer spec = gt_member(NULL, "spec"), place = gt_member(&spec, "podOverrides");
    gt_template_parse(&check, &place, value_of(arena, "image: 'a:1'\nenv:\n- name: A\n  value: 5\nlabels:\n  a: [b]\n"),
                      GT_LAYER_RIG, gt_layer_new(arena));
    const gt_finding *f = check.first;
    cr_assert(f != NULL && f->next != NULL && f->next->next == NULL);
    if (f == NULL) /* cppcheck doesn't know that cr_assert doesn't come back */
        return;
    cr_expect(f->line == 4 && f->column == 10, "%u:%u", f->line, f->column);
    cr_expect(f->next->line == 6 && f->next->column == 6, "%u:%u", f->next->line, f->next->column);
    expect_text(0, f->field, "spec.podOverrides.env[A].value");
    expect_text(0, f->object, "Rig/r");
    expect_text(0, f->file, "rig.yaml");
    cr_expect_eq(check.errors, 2);
}

Test(injector_template, the_restricted_standard)
{
    CHECK(
        {"{podSecurityContext: {seccompProfile: {type: Localhost, localhostProfile: p}}}", ""},
        {"{podSecurityContext: {seccompProfile: {}}}", "forbidden podSecurityContext.seccompProfile"},
        {"{podSecurityContext: {seccompProfile: {type: Foo}}}", "forbidden podSecurityContext.seccompProfile"},
        {"{securityContext: {appArmorProfile: {type: unconfined}}}", "forbidden securityContext.appArmorProfile"},
        {"{securityContext: {seLinuxOptions: {type: container_t, level: s0}}}", ""},
        {"{securityContext: {seLinuxOptions: {type: spc_t}}}", "forbidden securityContext.seLinuxOptions"},
        {"{securityContext: {seLinuxOptions: {user: root}}}", "forbidden securityContext.seLinuxOptions"},
        {"{podSecurityContext: {sysctls: []}}", ""},
        {"{podSecurityContext: {sysctls: [{name: a, value: b}]}}", "forbidden podSecurityContext.sysctls"},
        {"{annotations: {container.apparmor.security.beta.kubernetes.io/agent: unconfined}}", "forbidden annotations"},
        {"{annotations: {container.apparmor.security.beta.kubernetes.io/agent: runtime/default}}", ""},
        {"{livenessProbe: {httpGet: {path: /, port: 1}}}", ""},
        {"{livenessProbe: {httpGet: {host: h}}}", "forbidden livenessProbe.httpGet.host"},
        {"{sidecars: [{name: s, image: 'a:1', lifecycle: {preStop: {tcpSocket: {host: h}}}}]}",
         "forbidden sidecars[s].lifecycle.preStop.tcpSocket.host"},
        {"{sidecars: [{name: s, image: 'a:1', volumeMounts: [{name: kube-api-access-x, mountPath: /x}]}]}",
         "error sidecars[s].volumeMounts[0].name"});
}

/* A list of n strings, or of n env entries. */
static gt_str count_findings(gt_arena *arena, const char *field, const char *element, size_t n)
{
    gt_buf yaml;
    gt_buf_init(&yaml, arena, 1024);
    gt_buf_printf(&yaml, "{%s: [", field);
    for (size_t i = 0; i < n; i++) {
        gt_buf_text(&yaml, i > 0 ? ", " : "");
        gt_buf_printf(&yaml, "{name: %s%zu}", element, i);
    }
    gt_buf_text(&yaml, "]}");
    return check_template(arena, yaml.at, GT_LAYER_TOWN);
}

Test(injector_template, lists_have_a_limit)
{
    SCOPED_ARENA(arena);
    cr_expect_eq(count_findings(arena, "imagePullSecrets", "s", GT_MOST_ELEMENTS).len, 0);
    expect_text(0, count_findings(arena, "imagePullSecrets", "s", GT_MOST_ELEMENTS + 1),
                "error imagePullSecrets: has 129 elements, more than 128");
    cr_expect_eq(count_findings(arena, "env", "E", GT_MOST_NAMES).len, 0);
    expect_text(1, count_findings(arena, "env", "E", GT_MOST_NAMES + 1),
                "error env: has 1025 elements, more than 1024");
}
