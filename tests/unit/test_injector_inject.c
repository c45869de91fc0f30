/* What is decided about a pod, and how it is explained. tests/golden and tests/conformance have whole pods. */
#include "injector/inject.h"

#include "injector/explain.h"
#include "tests/unit/test_injector_support.h"

#define TOWN TOWN_OF("{name: t, defaults: {image: 'a:1'}}")
#define ME "'metadata': {'labels': {'gastown.io/rig': 'r', 'gastown.io/role': 'crew', 'gastown.io/agent': 'x'}}"

typedef struct injected {
    gt_record record;
    gt_injection injection;
    gt_lookup status;
    gt_str message;
} injected;

static injected inject(gt_arena *arena, const gt_snapshot *snapshot, const char *pod)
{
    injected out = {.message = {"", 0}};
    gt_subject subject = {.pod = view_of(arena, pod), .ns = GT_STR("gastown")};
    gt_record_init(&out.record, arena);
    out.status = gt_inject(&out.record, snapshot, &subject, &out.injection, &out.message);
    return out;
}

/* "action value from over", of one field; "" when nothing was decided about it. */
static gt_str explained(gt_arena *arena, const injected *in, const char *field)
{
    gt_value *rows = gt_explain(arena, &in->record, &in->injection);
    GT_VALUE_EACH (row, rows) {
        if (!gt_value_is(gt_value_get(row, "field"), field))
            continue;
        gt_buf text;
        gt_buf_init(&text, arena, 128);
        gt_buf_str(&text, gt_value_str(gt_value_get(row, "action")));
        const gt_value *value = gt_value_get(row, "value"), *was = gt_value_get(row, "was");
        if (value != NULL)
            gt_buf_printf(&text, " %s", shown(arena, value).at);
        if (was != NULL)
            gt_buf_printf(&text, " was %.*s", GT_STR_ARG(gt_value_str(was)));
        gt_buf_printf(&text, " from %.*s", GT_STR_ARG(gt_value_str(gt_value_get(row, "from"))));
        GT_VALUE_EACH (beaten, gt_value_get(row, "over"))
            gt_buf_printf(&text, " over %.*s %s", GT_STR_ARG(gt_value_str(gt_value_get(beaten, "from"))),
                          shown(arena, gt_value_get(beaten, "value")).at);
        return gt_buf_slice(&text);
    }
    return GT_STR("");
}

typedef struct row {
    const char *pod, *field, *out;
} row;

static void check(const char *yaml, const row *rows, size_t n)
{
    SCOPED_ARENA(arena);
    SCOPED_SNAPSHOT(snapshot, yaml);
    for (size_t i = 0; i < n; i++) {
        injected in = inject(arena, snapshot, rows[i].pod);
        cr_assert(in.status == GT_LOOKUP_FOUND && in.record.cause_count == 0, "row %zu: %s", i,
                  notes_of(arena, in.record.causes).at);
        expect_text(i, explained(arena, &in, rows[i].field), rows[i].out);
    }
}
#define CHECK(yaml, ...)                                                                                               \
    do {                                                                                                               \
        static const row rows[] = {__VA_ARGS__};                                                                       \
        check(yaml, rows, COUNT(rows));                                                                                \
    } while (0)

#define BARE "{" ME "}"
#define AGENT(members) "{" ME ", 'spec': {'containers': [{'name': 'agent', " members "}]}}"

Test(injector_inject, explanations_of_layers)
{
    CHECK(
        TOWN_OF("{name: t, defaults: {image: 'a:1', resources: {limits: {cpu: 3}}, labels: {k: v}, env: [{name: HOME, "
                "value: /h}]}, "
                "policy: {eventOverrides: [image, template, cpu]}}")
            RIG_OF("rig", "{name: r, podOverrides: {image: 'b:1'}, roleOverrides: {crew: {image: 'c:1'}}}")
                POOL_OF("pool", "{rig: r, role: crew, template: {workingDir: /w}}"),
        {BARE, "spec.containers[agent].image",
         "set 'c:1' from Rig/rig.roleOverrides[crew] over Rig/rig.podOverrides 'b:1' over GasTown/main.defaults 'a:1'"},
        {BARE, "spec.containers[agent].resources.limits.cpu", "set 3 from GasTown/main.defaults over role profile '2'"},
        {BARE, "spec.containers[agent].resources.limits.memory", "set '4Gi' from role profile"},
        {BARE, "spec.containers[agent].workingDir", "set '/w' from AgentPool/pool.template"},
        {BARE, "spec.containers[agent].env[HOME]", "set '/h' from GasTown/main.defaults over built-in '/home/agent'"},
        {BARE, "spec.containers[agent].env[GT_ROLE]", "set 'crew' from identity"},
        {BARE, "spec.containers[agent].env[GT_TOWN_NAME]", "set 't' from GasTown/main.name"},
        {BARE, "spec.containers[agent].env[POD_IP]", "set {'fieldRef':{'fieldPath':'status.podIP'}} from built-in"},
        {BARE, "metadata.labels.k", "set 'v' from GasTown/main.defaults"},
        {BARE, "spec.restartPolicy", "set 'Always' from role profile"},
        {BARE, "spec.containers[agent].livenessProbe", ""},
        {"{'metadata': {'labels': {'gastown.io/rig': 'r', 'gastown.io/role': 'crew', 'gastown.io/agent': 'x'}, "
         "'annotations': {'event.gastown.io/image': 'e:1'}}}",
         "spec.containers[agent].image",
         "set 'e:1' from event image over Rig/rig.roleOverrides[crew] 'c:1' over Rig/rig.podOverrides 'b:1' over "
         "GasTown/main.defaults 'a:1'"},
        {"{'metadata': {'labels': {'gastown.io/rig': 'r', 'gastown.io/role': 'crew', 'gastown.io/agent': 'x'}, "
         "'annotations': {'event.gastown.io/template': '{\\'image\\':\\'e:1\\'}'}}}",
         "spec.containers[agent].image",
         "set 'e:1' from event template over Rig/rig.roleOverrides[crew] 'c:1' over Rig/rig.podOverrides 'b:1' over "
         "GasTown/main.defaults 'a:1'"});
}

Test(injector_inject, what_the_client_had)
{
    CHECK(TOWN, {AGENT("'image': 'a:1'"), "spec.containers[agent].image", "keep 'a:1' from GasTown/main.defaults"},
          {AGENT("'image': 'mine:1'"), "spec.containers[agent].image",
           "replace 'a:1' was mine:1 from GasTown/main.defaults"},
          {AGENT("'image': ''"), "spec.containers[agent].image", "replace 'a:1' was  from GasTown/main.defaults"},
          {AGENT("'image': null"), "spec.containers[agent].image", "set 'a:1' from GasTown/main.defaults"},
          {AGENT("'resources': {'limits': {'cpu': '2000m'}}"), "spec.containers[agent].resources.limits.cpu",
           "keep '2' from role profile"},
          {AGENT("'resources': {'limits': {'cpu': 3}}"), "spec.containers[agent].resources.limits.cpu",
           "replace '2' was 3 from role profile"},
          {AGENT("'env': [{'name': 'HOME', 'value': 'secret'}]"), "spec.containers[agent].env[HOME]",
           "replace '/home/agent' was value (not shown: it may be a secret) from built-in"},
          {AGENT("'env': [{'name': 'GT_POLECAT', 'value': 'x'}]"), "spec.containers[agent].env[GT_POLECAT]",
           "remove from identity"},
          {AGENT("'securityContext': {'allowPrivilegeEscalation': true}"),
           "spec.containers[agent].securityContext.allowPrivilegeEscalation",
           "replace false was true from role profile"});
}

/* Defaults that the API server has filled in count as unset. */
Test(injector_inject, defaults_count_as_unset)
{
    CHECK(
        TOWN_OF("{defaults: {image: 'a:1', imagePullPolicy: Never, terminationGracePeriodSeconds: 5, dnsPolicy: None, "
                "serviceAccountName: sa, "
                "tolerations: [{key: node.kubernetes.io/not-ready, operator: Exists, effect: NoExecute, "
                "tolerationSeconds: 9}]}}"),
        {AGENT("'image': 'a:1', 'imagePullPolicy': 'IfNotPresent'"), "spec.containers[agent].imagePullPolicy",
         "set 'Never' from GasTown/main.defaults"},
        {AGENT("'image': 'a', 'imagePullPolicy': 'Always'"), "spec.containers[agent].imagePullPolicy",
         "set 'Never' from GasTown/main.defaults"},
        {AGENT("'image': 'a:1', 'imagePullPolicy': 'Always'"), "spec.containers[agent].imagePullPolicy",
         "replace 'Never' was Always from GasTown/main.defaults"},
        {"{" ME ", 'spec': {'terminationGracePeriodSeconds': 30}}", "spec.terminationGracePeriodSeconds",
         "set 5 from GasTown/main.defaults over role profile 30"},
        {"{" ME ", 'spec': {'terminationGracePeriodSeconds': 31}}", "spec.terminationGracePeriodSeconds",
         "replace 5 was 31 from GasTown/main.defaults over role profile 30"},
        {"{" ME ", 'spec': {'dnsPolicy': 'ClusterFirst'}}", "spec.dnsPolicy", "set 'None' from GasTown/main.defaults"},
        {"{" ME ", 'spec': {'dnsPolicy': 'Default'}}", "spec.dnsPolicy",
         "replace 'None' was Default from GasTown/main.defaults"},
        {"{" ME ", 'spec': {'serviceAccountName': 'default'}}", "spec.serviceAccountName",
         "set 'sa' from GasTown/main.defaults"},
        {"{" ME ", 'spec': {'serviceAccountName': 'mine'}}", "spec.serviceAccountName",
         "replace 'sa' was mine from GasTown/main.defaults"},
        {"{" ME ", 'spec': {'securityContext': {}}}", "spec.securityContext.runAsUser", "set 1000 from role profile"},
        {"{" ME ", 'spec': {'tolerations': [{'key': 'node.kubernetes.io/not-ready', 'operator': 'Exists', 'effect': "
         "'NoExecute', 'tolerationSeconds': 300}]}}",
         "spec.tolerations[node.kubernetes.io/not-ready]",
         "set {'effect':'NoExecute','key':'node.kubernetes.io/not-ready','operator':'Exists','tolerationSeconds':9} "
         "from GasTown/main.defaults"});
}

/* ---- warnings and denials ---- */

Test(injector_inject, warnings)
{
    static const struct {
        const char *pod, *warning; /* "" for none */
    } rows[] = {
        {BARE, ""},
        {AGENT("'image': 'a:1'"), ""},
        {AGENT("'image': 'mine:1'"), "spec.containers[agent].image: mine:1 replaced by a:1 from GasTown/main.defaults"},
        {AGENT("'env': [{'name': 'HOME', 'value': 'secret'}]"),
         "spec.containers[agent].env[HOME]: replaced by the value from built-in"},
        {AGENT("'env': [{'name': 'HOME', 'value': '/home/agent'}, {'name': 'HOME', 'value': '/home/agent'}]"), ""},
        {AGENT("'env': [{'name': 'MINE', 'value': 'x'}]"), ""},
        {AGENT("'env': [{'name': 'GT_POLECAT', 'value': 'x'}]"), "spec.containers[agent].env[GT_POLECAT]: taken out"},
        {AGENT("'securityContext': {'capabilities': {'drop': ['NET_RAW']}}"),
         "spec.containers[agent].securityContext.capabilities.drop: [...] replaced by [\"ALL\"] from role profile"},
        {AGENT("'volumeMounts': [{'name': 'm', 'mountPath': '/tmp/'}]"),
         "spec.containers[agent].volumeMounts[/tmp]: {...} replaced by"},
    };
    SCOPED_ARENA(arena);
    SCOPED_SNAPSHOT(snapshot, TOWN);
    for (size_t i = 0; i < COUNT(rows); i++) {
        injected in = inject(arena, snapshot, rows[i].pod);
        gt_str got = notes_of(arena, in.record.warnings);
        cr_expect(gt_str_starts(got, rows[i].warning) && (got.len == 0) == (rows[i].warning[0] == '\0'),
                  "%s:\n    is        %s\n    should be %s", rows[i].pod, got.at, rows[i].warning);
        cr_expect(!holds(got, "secret"), "the value of an env entry may be a secret");
    }
}

#define SPEC(members) "{" ME ", 'spec': {" members "}}"
#define EXTRA(members) SPEC("'containers': [{'name': 'e', 'image': 'ghcr.io/acme/x:1', " members "}]")

Test(injector_inject, denials)
{
    static const struct {
        const char *pod, *cause; /* as they begin; "" for none */
    } rows[] = {
        {SPEC("'hostNetwork': true"), "403 spec.hostNetwork"},
        {SPEC("'hostNetwork': false"), ""},
        {SPEC("'hostPID': true"), "403 spec.hostPID"},
        {SPEC("'hostIPC': true"), "403 spec.hostIPC"},
        {SPEC("'volumes': [{'name': 'v', 'hostPath': {'path': '/'}}]"), "403 spec.volumes[v].hostPath"},
        {SPEC("'volumes': [{'name': 'tmp', 'hostPath': {'path': '/'}}]"), "4"},
        {SPEC("'securityContext': {'runAsUser': 0}"), ""}, /* replaced */
        {SPEC("'securityContext': {'windowsOptions': {'hostProcess': true}}"),
         "403 spec.securityContext.windowsOptions.hostProcess"},
        {SPEC("'securityContext': {'sysctls': [{'name': 'kernel.msgmax', 'value': '1'}]}"),
         "403 spec.securityContext.sysctls"},
        {SPEC("'os': {'name': 'windows'}"), "422 spec.os.name"},
        {EXTRA("'securityContext': {'privileged': true}"), "403 spec.containers[e].securityContext.privileged"},
        {EXTRA("'securityContext': {'privileged': false}"), ""},
        {EXTRA("'securityContext': {'runAsUser': 0}"), "403 spec.containers[e].securityContext.runAsUser"},
        {EXTRA("'securityContext': {'runAsNonRoot': false}"), "403 spec.containers[e].securityContext.runAsNonRoot"},
        {EXTRA("'securityContext': {'capabilities': {'add': ['NET_BIND_SERVICE', 'CHOWN']}}"),
         "403 spec.containers[e].securityContext.capabilities.add[1]"},
        {EXTRA("'ports': [{'containerPort': 1, 'hostPort': 0}, {'containerPort': 1, 'hostPort': 2}]"),
         "403 spec.containers[e].ports[1].hostPort"},
        {AGENT("'securityContext': {'runAsUser': 0}"), "403 spec.containers[agent].securityContext.runAsUser"},
        {AGENT("'securityContext': {'seccompProfile': {'type': 'Unconfined'}}"),
         "403 spec.containers[agent].securityContext.seccompProfile"},
        {AGENT("'securityContext': {'procMount': 'Unmasked'}"), "403 spec.containers[agent].securityContext.procMount"},
        {AGENT("'securityContext': {'seLinuxOptions': {'type': 'spc_t'}}"),
         "403 spec.containers[agent].securityContext.seLinuxOptions.type"},
        {AGENT("'securityContext': {'seLinuxOptions': {'type': 'container_t'}}"), ""},
        {AGENT("'livenessProbe': {'httpGet': {'host': '169.254.169.254'}}"),
         "403 spec.containers[agent].livenessProbe.httpGet.host"},
        {AGENT("'lifecycle': {'preStop': {'tcpSocket': {'host': 'x'}}}"),
         "403 spec.containers[agent].lifecycle.preStop.tcpSocket.host"},
        {AGENT("'livenessProbe': {'httpGet': {'path': '/'}}"), ""},
        {AGENT("'restartPolicy': 'Always'"), "422 spec.containers[agent].restartPolicy"},
        {"{'metadata': {'labels': {'gastown.io/rig': 'r', 'gastown.io/role': 'crew', 'gastown.io/agent': 'x'}, "
         "'annotations': {'container.apparmor.security.beta.kubernetes.io/agent': 'unconfined'}}}",
         "403 metadata.annotations[container.apparmor.security.beta.kubernetes.io/agent]"},
        {SPEC("'initContainers': [{'name': 'i', 'securityContext': {'privileged': true}}]"),
         "403 spec.initContainers[i].securityContext.privileged"},
        {SPEC("'ephemeralContainers': [{'name': 'i', 'securityContext': {'privileged': true}}]"),
         "403 spec.ephemeralContainers[i].securityContext.privileged"},
        {SPEC("'initContainers': [{'name': 'agent'}]"), "422 spec.initContainers[agent]"},
        {SPEC("'volumes': [{'name': 'workspace', 'emptyDir': {}}]"), "422 spec.volumes[workspace]"},
        {SPEC("'volumes': [{'name': 'workspace', 'persistentVolumeClaim': {'claimName': 'other'}}]"),
         "422 spec.volumes[workspace]"},
        {SPEC("'volumes': [{'name': 'workspace', 'persistentVolumeClaim': {'claimName': 'gt-r-crew-x-workspace', "
              "'readOnly': false}}]"),
         ""},
        {SPEC("'volumes': [{'name': 'tmp'}]"), ""},
        {SPEC("'volumes': [{'name': 'tmp', 'emptyDir': {'medium': 'Memory'}}]"), ""},
        /* wrong types */
        {"{" ME ", 'spec': 'x'}", "422 spec: must be an object"},
        {"{" ME ", 'spec': null}", ""},
        {SPEC("'containers': 'x'"), "422 spec.containers"},
        {SPEC("'containers': {'a': {'name': 'agent'}}"), "422 spec.containers"},
        {SPEC("'containers': [null, 'x', 5, {}, {'name': 5}]"), ""},
        {SPEC("'volumes': {}"), "422 spec.volumes"},
        {SPEC("'initContainers': 5"), "422 spec.initContainers"},
        {SPEC("'securityContext': []"), "422 spec.securityContext"},
        {AGENT("'env': {}"), "422 spec.containers[agent].env"},
        {AGENT("'env': [null, 'x', {}]"), ""},
        {AGENT("'volumeMounts': 'x'"), "422 spec.containers[agent].volumeMounts"},
        {AGENT("'resources': []"), "422 spec.containers[agent].resources"},
        {AGENT("'resources': {'limits': 'x'}"), "422 spec.containers[agent].resources.limits"},
        {EXTRA("'volumeMounts': {'a': {'name': 'kube-api-access-x'}}"), "422 spec.containers[e].volumeMounts"},
        {"{'metadata': {'labels': {'gastown.io/rig': 'r', 'gastown.io/role': 'crew', 'gastown.io/agent': 'x'}, "
         "'annotations': ['a']}}",
         "422 metadata.annotations"},
    };
    SCOPED_ARENA(arena);
    SCOPED_SNAPSHOT(snapshot, TOWN);
    for (size_t i = 0; i < COUNT(rows); i++) {
        injected in = inject(arena, snapshot, rows[i].pod);
        gt_str got = notes_of(arena, in.record.causes);
        cr_expect(gt_str_starts(got, rows[i].cause) && (got.len == 0) == (rows[i].cause[0] == '\0'),
                  "%s:\n    is        %s\n    should be %s", rows[i].pod, got.at, rows[i].cause);
    }
}

/* Who created the pod decides how it may end. */
Test(injector_inject, owners)
{
    static const struct {
        const char *role, *owner, *policy, *out; /* the decision about restartPolicy, or the cause */
    } rows[] = {
        {"polecat", "{'kind': 'Job', 'controller': true}", "OnFailure", ""},
        {"polecat", "{'kind': 'Job', 'controller': true}", "Always", "set 'Never' from role profile"},
        {"crew", "{'kind': 'Job', 'controller': true}", "Never", ""},
        {"crew", "{'kind': 'Job'}", "Never", "replace 'Always' was Never from role profile"},
        {"polecat", "{'kind': 'ReplicaSet', 'controller': true}", "Always", "422 metadata.ownerReferences[0]"},
        {"polecat", "{'kind': 'StatefulSet', 'controller': true}", "Always", "422 metadata.ownerReferences[0]"},
        {"polecat", "{'kind': 'DaemonSet', 'controller': true}", "Always", "422 metadata.ownerReferences[0]"},
        {"polecat", "{'kind': 'ReplicaSet', 'controller': false}", "Always", "set 'Never' from role profile"},
        {"polecat", "{'kind': 'Workflow', 'controller': true}", "Never", "keep 'Never' from role profile"},
        {"crew", "{'kind': 'ReplicaSet', 'controller': true}", "Always", "keep 'Always' from role profile"},
    };
    SCOPED_ARENA(arena);
    SCOPED_SNAPSHOT(snapshot, TOWN);
    for (size_t i = 0; i < COUNT(rows); i++) {
        injected in = inject(arena, snapshot,
                             gt_arena_printf(arena,
                                             "{'metadata': {'labels': {'gastown.io/rig': 'r', 'gastown.io/role': '%s', "
                                             "'gastown.io/agent': 'x'}, 'ownerReferences': [%s]}, "
                                             "'spec': {'restartPolicy': '%s'}}",
                                             rows[i].role, rows[i].owner, rows[i].policy));
        gt_str got =
            in.record.cause_count > 0 ? notes_of(arena, in.record.causes) : explained(arena, &in, "spec.restartPolicy");
        cr_expect(gt_str_starts(got, rows[i].out) && (got.len == 0) == (rows[i].out[0] == '\0'), "row %zu: %s", i,
                  got.at);
    }
}

/* ---- requests and limits that meet ---- */

Test(injector_inject, requests_and_limits)
{
    static const struct {
        const char *town, *rig, *client; /* resources */
        const char *out, *warned;
    } rows[] = {
        {"{}", "{}", "{}", "'limits':{'cpu':'2','memory':'4Gi'},'requests':{'cpu':'500m','memory':'1Gi'}", ""},
        {"{requests: {cpu: 3}}", "{}", "{}", "'limits':{'cpu':3,'memory':'4Gi'},'requests':{'cpu':3,'memory':'1Gi'}",
         "limits.cpu: 2 lifted to 3, the request of GasTown/main.defaults"},
        {"{limits: {cpu: 100m}}", "{}", "{}",
         "'limits':{'cpu':'100m','memory':'4Gi'},'requests':{'cpu':'100m','memory':'1Gi'}",
         "requests.cpu: 500m lowered to 100m, the limit of GasTown/main.defaults"},
        {"{limits: {cpu: 1}}", "{requests: {cpu: 3}}", "{}",
         "'limits':{'cpu':3,'memory':'4Gi'},'requests':{'cpu':3,'memory':'1Gi'}",
         "limits.cpu: 1 lifted to 3, the request of Rig/rig.podOverrides"},
        {"{requests: {cpu: 1500m}}", "{limits: {cpu: 1}}", "{}",
         "'limits':{'cpu':1,'memory':'4Gi'},'requests':{'cpu':1,'memory':'1Gi'}",
         "requests.cpu: 1500m lowered to 1, the limit of Rig/rig.podOverrides"},
        {"{requests: {cpu: 2000m}}", "{}", "{}",
         "'limits':{'cpu':'2','memory':'4Gi'},'requests':{'cpu':'2000m','memory':'1Gi'}", ""}, /* equal is fine */
        {"{requests: {memory: 5G}}", "{limits: {memory: 5Gi}}", "{}",
         "'limits':{'cpu':'2','memory':'5Gi'},'requests':{'cpu':'500m','memory':'5G'}", ""},
        {"{requests: {e: 5}}", "{}", "{'limits': {'e': '1'}}",
         "'limits':{'cpu':'2','e':5,'memory':'4Gi'},'requests':{'cpu':'500m','e':5,'memory':'1Gi'}",
         "limits.e: 1 replaced by 5"},
        {"{limits: {e: 5}}", "{}", "{'requests': {'e': '9'}}",
         "'limits':{'cpu':'2','e':5,'memory':'4Gi'},'requests':{'cpu':'500m','e':5,'memory':'1Gi'}",
         "requests.e: 9 replaced by 5"},
        {"{limits: {e: 5}}", "{}", "{'requests': {'e': '4'}}",
         "'limits':{'cpu':'2','e':5,'memory':'4Gi'},'requests':{'cpu':'500m','e':'4','memory':'1Gi'}", ""},
    };
    SCOPED_ARENA(arena);
    for (size_t i = 0; i < COUNT(rows); i++) {
        gt_str yaml =
            gt_str_of(gt_arena_printf(arena,
                                      "%s%s%s"
                                      "---\n{apiVersion: gastown.io/v1alpha1, kind: Rig, metadata: {name: rig, "
                                      "namespace: gastown}, spec: {name: r, podOverrides: {resources: %s}}}",
                                      "{apiVersion: gastown.io/v1alpha1, kind: GasTown, metadata: {name: main, "
                                      "namespace: gastown}, spec: {defaults: {image: 'a:1', resources: ",
                                      rows[i].town, "}}}\n", rows[i].rig));
        SCOPED_SNAPSHOT(snapshot, yaml.at);
        injected in =
            inject(arena, snapshot, gt_arena_printf(arena, AGENT("'image': 'a:1', 'resources': %s"), rows[i].client));
        gt_buf got;
        gt_buf_init(&got, arena, 256); /* what explain says comes out, in the order of the alphabet */
        static const char *const lists[] = {"limits", "requests"}, *const names[] = {"cpu", "e", "memory"};
        for (size_t l = 0; l < 2; l++) {
            gt_buf_printf(&got, "%s'%s':{", l > 0 ? "}," : "", lists[l]);
            size_t start = got.len;
            for (size_t n = 0; n < 3; n++) {
                const char *field =
                    gt_arena_printf(arena, "spec.containers[agent].resources.%s.%s", lists[l], names[n]);
                gt_str e = explained(arena, &in, field);
                if (e.len == 0 && n == 1 && holds(gt_str_of(rows[i].client), lists[l]))
                    e = GT_STR("keep '4' from");
                if (e.len == 0)
                    continue;
                const char *value = memchr(e.at, ' ', e.len), *end = value == NULL ? NULL : strchr(value + 1, ' ');
                cr_assert(value != NULL && end != NULL, "%s", e.at);
                gt_buf_printf(&got, "%s'%s':%.*s", got.len > start ? "," : "", names[n], (int)(end - value - 1),
                              value + 1);
            }
        }
        gt_buf_byte(&got, '}');
        expect_text(i, gt_buf_slice(&got), rows[i].out);
        gt_str warned = notes_of(arena, in.record.warnings);
        cr_expect(holds(warned, rows[i].warned) && (warned.len == 0) == (rows[i].warned[0] == '\0'), "row %zu: %s", i,
                  warned.at);
    }
}

/* ---- hashes ---- */

static gt_str hash_of(gt_arena *arena, const char *yaml, const char *pod)
{
    SCOPED_SNAPSHOT(snapshot, yaml);
    injected in = inject(arena, snapshot, pod);
    cr_assert(in.status == GT_LOOKUP_FOUND && in.record.cause_count == 0, "%s", notes_of(arena, in.record.causes).at);
    return gt_str_of(gt_arena_strdup(arena, in.injection.hash));
}

/* The hash covers the resolved template with event, role and profile; not generations, names or what the client wrote. */
Test(injector_inject, what_the_hash_covers)
{
#define LABELS(role, agent) "{'gastown.io/rig': 'r', 'gastown.io/role': '" role "', 'gastown.io/agent': '" agent "'}"
    static const struct {
        const char *yaml, *pod;
        bool same;
    } rows[] = {
        {TOWN, AGENT("'image': 'mine:1', 'env': [{'name': 'MINE', 'value': 'x'}]"), true},
        {TOWN, "{'metadata': {'labels': " LABELS("crew", "y") "}}", true},
        {"{apiVersion: gastown.io/v1alpha1, kind: GasTown, metadata: {name: other, namespace: gastown, generation: "
         "99}, spec: {defaults: {image: 'a:1'}}}",
         BARE, true},
        {TOWN_OF("{}") RIG_OF("r", "{name: r, podOverrides: {image: 'a:1'}}"), BARE,
         true}, /* the same from another layer */
        {TOWN_OF("{defaults: {image: 'b:1'}}"), BARE, false},
        {TOWN_OF("{defaults: {image: 'a:1', labels: {a: b}}}"), BARE, false},
        {TOWN_OF("{defaults: {image: 'a:1'}, policy: {podSecurity: baseline}}"), BARE, false},
        {TOWN_OF("{defaults: {image: 'a:1'}, daemon: {host: h}}"), BARE, false},
        {TOWN, "{'metadata': {'labels': " LABELS("witness", "x") "}}", false},
        {TOWN, "{'metadata': {'labels': " LABELS("crew", "x") ", 'annotations': {'event.gastown.io/bead': 'b'}}}",
         false},
    };
    SCOPED_ARENA(arena);
    gt_str usual = hash_of(arena, TOWN, BARE);
    cr_expect_eq(usual.len, 16);
    for (size_t i = 0; i < COUNT(rows); i++)
        cr_expect_eq(gt_str_eq(hash_of(arena, rows[i].yaml, rows[i].pod), usual), rows[i].same, "row %zu", i);
}

/* Frozen: layer 0 and the canonical form may only change together with the engine's revision (want.h). */
Test(injector_inject, hashes_are_frozen)
{
    static const struct {
        const char *role, *hash;
    } rows[] = {{"crew", "3dc0d35918f51577"}, {"polecat", "f6ab4075a2eb9740"}, {"refinery", "f000b64fbff59740"}};
    SCOPED_ARENA(arena);
    for (size_t i = 0; i < COUNT(rows); i++) {
        const char *pod = gt_arena_printf(
            arena,
            "{'metadata': {'labels': {'gastown.io/rig': 'r', 'gastown.io/role': '%s', 'gastown.io/agent': 'x'}}}",
            rows[i].role);
        expect_text(i, hash_of(arena, TOWN_OF("{defaults: {image: 'ghcr.io/acme/agent:v7'}}"), pod), rows[i].hash);
    }
    cr_expect_str_eq(GT_ENGINE_REVISION, "2");
}

/* ---- cost ---- */

Test(injector_inject, cost_is_linear_in_the_clients_env)
{
    enum { MANY = 50000 };
    SCOPED_ARENA(arena);
    SCOPED_SNAPSHOT(snapshot, TOWN);
    gt_buf pod;
    gt_buf_init(&pod, arena, MANY * 64);
    gt_buf_text(&pod, "{" ME ", 'spec': {'containers': [{'name': 'agent', 'env': [{'name': 'HOME', 'value': 'x'}");
    for (int i = 0; i < MANY; i++)
        gt_buf_printf(&pod, ", {'name': 'V%d', 'value': '$(V%d)'}", i, i + 1);
    gt_buf_text(&pod, "]}]}}");
    double start = cpu_seconds();
    injected in = inject(arena, snapshot, pod.at);
    cr_expect_eq(in.record.cause_count, 0);
    cr_expect_lt(in.record.step_count, 100);
    cr_expect_lt(cpu_seconds() - start, 3.0);
}

/* A long name of the client's is never repeated for each thing that is wrong below it. */
Test(injector_inject, memory_is_bounded_by_the_pod)
{
    enum { NAME = 100000, PORTS = 5000 };
    SCOPED_LIMITED_ARENA(arena, 60u * 1024 * 1024);
    SCOPED_SNAPSHOT(snapshot, TOWN);
    gt_buf pod;
    gt_buf_init(&pod, arena, NAME + PORTS * 32);
    gt_buf_text(&pod, "{" ME ", 'spec': {'containers': [{'name': '");
    for (int i = 0; i < NAME; i++)
        gt_buf_byte(&pod, 'n');
    gt_buf_text(&pod, "', 'ports': [{'hostPort': 1}");
    for (int i = 1; i < PORTS; i++)
        gt_buf_text(&pod, ",{'hostPort': 1}");
    gt_buf_text(&pod, "]}]}}");
    injected in = inject(arena, snapshot, pod.at);
    cr_expect_eq(in.record.cause_count, PORTS);
}
