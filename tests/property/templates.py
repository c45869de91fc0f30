"""Random GasTown, Rig and AgentPool documents that the checker accepts."""
RIG, ROLES = "gastown", ["crew", "polecat", "witness", "mayor", "scout"]
EVENTS = ["image", "bead", "branch", "service-account", "config-map", "daemon-host", "daemon-port", "api-key-secret", "api-key-secret-key", "cpu",
          "memory", "template"]
TEXTS = ["", "x", "two\nlines", 'quo"te\\', "$$(A)", "ünï\u2028", "1.10", "a" * 200]
IMAGES = ["ghcr.io/acme/agent:v6", "ghcr.io/acme/agent:v7", "agent", "localhost:5000/agent:1", "ghcr.io/acme/agent@sha256:" + "a" * 64]
LABEL_KEYS = ["team", "tier", "acme.io/version", "app.kubernetes.io/part-of", "memory"]
LABEL_VALUES = ["a", "b", "", "1.10", "1.1", "1Gi"]
ENV_NAMES = ["T1", "T2", "T3", "HOME", "POD_IP", "ANTHROPIC_API_KEY", "SHARED"]
REFERENCES = ["$(T1)", "$(POD_IP):80", "$(MINE)", "$(T3)-$(T2)", "$(SHARED)$(HOME)"]
AMOUNTS = {"cpu": ["100m", "0.5", "1", "2", "3500m"], "memory": ["512Mi", "1Gi", "1536Mi", "8Gi"], "ephemeral-storage": ["1Gi", "2G"]}
PROBES = [{"tcpSocket": {"port": 8080}}, {"httpGet": {"path": "/", "port": "http"}, "periodSeconds": 5}, {"exec": {"command": ["true"]}}]
SOURCES = [{"emptyDir": {}}, {"emptyDir": {"medium": "Memory", "sizeLimit": "1024Mi"}}, {"configMap": {"name": "c"}}, {"secret": {"secretName": "s"}},
           {"projected": {"sources": [{"serviceAccountToken": {"path": "t", "audience": "x"}}]}}]
TOLERATIONS = [{"key": "gpu", "operator": "Exists"}, {"key": "a", "value": "b", "effect": "NoSchedule"}, {"operator": "Exists"},
               {"key": "node.kubernetes.io/not-ready", "operator": "Exists", "effect": "NoExecute", "tolerationSeconds": 60}]
DELETE = {"$patch": "delete"}


# ---- pieces ----

def env_entry(choices, names=tuple(ENV_NAMES)):
    what = choices.one([{"value": "x"}, lambda c: {"value": c.one(TEXTS)}, lambda c: {"value": c.one(REFERENCES)}, {},
                        {"valueFrom": {"secretKeyRef": {"name": "s", "key": "k"}}}, {"valueFrom": {"fieldRef": {"fieldPath": "spec.nodeName"}}}])
    return {"name": choices.one(names), **what}


def deletable(make, names):
    """An element of a list that is merged by name, now and then its deletion."""
    return lambda choices: {"name": choices.one(names), **DELETE} if choices.yes(one_in=6) else make(choices)


def resources(choices, most=4):
    amounts = {}
    for _ in range(choices.number(most)):
        name = choices.one(sorted(AMOUNTS))
        amounts.setdefault(choices.one(["requests", "limits"]), {})[name] = choices.one(AMOUNTS[name])
    limits = amounts.get("limits", {})
    for name, request in amounts.get("requests", {}).items(): # above its own limit is an error of the checker
        if name in limits and AMOUNTS[name].index(request) > AMOUNTS[name].index(limits[name]):
            limits[name] = request
    return amounts


def ports(choices):
    def port(c):
        return {"containerPort": c.one([8080, 9090]), "name": c.one(["http", "grpc"]), **c.one([{}, {"protocol": "TCP"}, {"protocol": "UDP"}])}
    found = choices.list_of(port, 3)
    return list({(p["containerPort"], p.get("protocol", "TCP")): p for p in found}.values())


def text_map(values):
    def make(choices):
        return {key: choices.one(values + [None]) for key in choices.some(LABEL_KEYS, 3)}
    return make


CONTAINER = dict(
    env=[lambda c: c.list_of(env_entry, 2)], resources=[lambda c: resources(c, 2)], ports=[ports], command=[["sh", "-c", "x"], []],
    securityContext=[{"readOnlyRootFilesystem": True}, {"runAsUser": 1001}, {"capabilities": {"drop": ["ALL"]}}], livenessProbe=PROBES,
    volumeMounts=[[{"name": "tmp", "mountPath": "/tmp"}]])
SIDECAR = dict(CONTAINER, mode=["native", "classic"], start=["first"])


def container(names, fields):
    return lambda choices: {"name": choices.one(names), "image": choices.one(IMAGES), **choices.some(fields, 3)}


def secret_env(choices):
    return choices.list_of(lambda c: {"name": c.one(ENV_NAMES), "secretName": "s", **c.one([{}, {"key": "k"}, {"optional": True}])}, 2)


SIDECARS, INITS = ["sc-one", "sc-two"], ["in-one", "in-two"]
AGENT = dict(runtime=["claude-code", "custom"], provider=["anthropic", "openai", "ollama", "litellm"], model=["m1"], endpoint=["http://$(POD_IP):1"],
             apiKeySecret=[{"name": "keys"}, {"name": "keys", "key": "k"}], credentialsSecret=["creds"])
FIELDS = dict(
    image=IMAGES, imagePullPolicy=["Always", "IfNotPresent", "Never"], command=[["gt"], [], ["sh", "-c", "$(T1)"]], args=[["a"], []],
    workingDir=["/w", ""], resources=[resources], env=[lambda c: c.list_of(deletable(env_entry, ENV_NAMES), 4)] * 2, secretEnv=[secret_env],
    envFrom=[[{"configMapRef": {"name": "c"}}], [{"secretRef": {"name": "s", "optional": True}, "prefix": "P_"}], []], configMapName=["beads", "other"],
    nodeSelector=[text_map(LABEL_VALUES)], labels=[text_map(LABEL_VALUES)], annotations=[text_map(TEXTS)],
    tolerations=[lambda c: c.some(TOLERATIONS, 3)],
    affinity=[{"podAntiAffinity": {"preferredDuringSchedulingIgnoredDuringExecution": []}}, {}],
    topologySpreadConstraints=[[], [{"maxSkew": 1, "topologyKey": "zone", "whenUnsatisfiable": "ScheduleAnyway"}]],
    serviceAccountName=["agent", "default"], automountServiceAccountToken=[False, True],
    securityContext=[{}, {"readOnlyRootFilesystem": True}, {"capabilities": {"add": ["NET_BIND_SERVICE"]}}, {"runAsUser": 1001}],
    podSecurityContext=[{}, {"runAsUser": 2000}, {"fsGroup": 2000, "supplementalGroups": [1, 2]}],
    livenessProbe=PROBES, readinessProbe=PROBES, ports=[ports],
    sidecars=[lambda c: c.list_of(deletable(container(SIDECARS, SIDECAR), SIDECARS), 3)], agent=[lambda c: c.some(AGENT, 4)],
    initContainers=[lambda c: c.list_of(deletable(container(INITS, CONTAINER), INITS), 3)], screenScrollback=[0, 1000],
    terminationGracePeriodSeconds=[0, 30, 60], activeDeadlineSeconds=[60], priorityClassName=["high", "low"], runtimeClassName=["gvisor"],
    shareProcessNamespace=[False, True], dnsPolicy=["ClusterFirst", "None"], dnsConfig=[{"nameservers": ["1.1.1.1"]}],
    hostAliases=[[], [{"ip": "127.0.0.1", "hostnames": ["a", "b"]}]], imagePullSecrets=[[], [{"name": "pull"}], [{"name": "pull"}, {"name": "b"}]])
UNSETTABLE = ["command", "args", "env", "env.T1", "nodeSelector", "nodeSelector.team", "labels.acme.io/version", "annotations", "resources.limits.cpu",
              "resources.requests", "tolerations", "sidecars", "sidecars.sc-one", "priorityClassName", "terminationGracePeriodSeconds", "agent.apiKeySecret",
              "automountServiceAccountToken", "storage.size", "ports", "configMapName"]
STORAGE = dict(size=["1Gi", "20Gi"], storageClassName=["gp3", ""])
KINDS = dict(STORAGE, kind=["EmptyDir", "PersistentVolumeClaim"])


# ---- templates ----

def volumes_and_mounts(choices):
    volumes = choices.list_of(lambda c: {"name": c.one(["tpl-a", "tpl-b"]), **c.one(SOURCES)}, 2)
    paths = choices.some(["/cache", "/data", "/tmp", "/var/run/secrets/kubernetes.io/serviceaccount"], 2) if volumes else []
    return {"volumes": volumes, "volumeMounts": [{"name": volumes[0]["name"], "mountPath": path} for path in paths]}


def pod_template(choices, storage=STORAGE, most=5):
    template = choices.some(FIELDS, most)
    if choices.yes(one_in=4):
        template.update(volumes_and_mounts(choices))
    if choices.yes(one_in=5):
        template["unset"] = choices.some(UNSETTABLE, 3)
    if choices.yes(one_in=5):
        template["storage"] = choices.some(storage, 2)
    return template


ALLOWLIST = ["ghcr.io/acme", "docker.io", "localhost:5000"]
POLICY = dict(eventOverrides=[EVENTS, ["bead"]], podSecurity=["restricted", "baseline", "openshift"], riglessRoles=[["scout"]], imageAllowlist=[[], ALLOWLIST])


def document(kind, name, spec):
    metadata = {"name": name, "namespace": "gastown", "generation": 3}
    return {"apiVersion": "gastown.io/v1alpha1", "kind": kind, "metadata": metadata, "spec": spec}


def template_set(choices, policy=None):
    """A town, perhaps its rig and a pool: all layers between 1 and 4."""
    town = {"name": "gt-town", "policy": choices.some(POLICY, 2) if policy is None else policy,
            "defaults": {"image": "ghcr.io/acme/agent:v6", **pod_template(choices)}}
    if choices.yes():
        town["daemon"] = choices.one([{"host": "bd.svc"}, {"host": "bd.svc", "port": 1234, "tokenSecretRef": {"name": "t"}}])
    documents = [document("GasTown", "main", town)]
    if choices.yes():
        roles = {role: pod_template(choices, KINDS, most=3) for role in choices.some(ROLES, 2)}
        documents.append(document("Rig", "gastown", {"name": RIG, "podOverrides": pod_template(choices), "roleOverrides": roles}))
    if choices.yes(one_in=3):
        template = pod_template(choices, KINDS)
        documents.append(document("AgentPool", "pool", {"rig": RIG, "role": choices.one(ROLES), "template": template}))
    return documents


def crossing_templates(choices):
    """Templates whose variables refer to each other and to the client's."""
    documents = template_set(choices)
    documents[0]["spec"]["defaults"]["env"] = [{"name": name, "value": choices.one(REFERENCES + ["$(MINE)", "$(MINE2)-$(T1)", "x"])} for name in choices.some(["T1", "T2", "T3"], 3)]
    return documents


# ---- single layers, for merging: everything that one may say ----

GIT = dict(repository=["https://git.example/x.git"], branch=["main", "feat/x"], workBranch=["w"], depth=[0, 1], credentialsSecret=["s"], knownHostsConfigMap=["k"])
WHOLE_STORAGE = dict(KINDS, accessModes=[["ReadWriteOnce"], []], retain=[True, False])
NO_NULL = ("securityContext", "podSecurityContext") # the profile can't be taken away
MORE_UNSET = ["agent", "agent.model", "agent.apiKeySecret.key", "git", "git.branch", "storage", "volumes", "volumes.tpl-a", "env.T2", "secretEnv", "image",
              "resources", "resources.limits", "resources.limits.nvidia.com/gpu", "labels", "labels.team", "annotations.a.b/c.d", "initContainers.in-one",
              "volumeMounts", "hostAliases", "dnsConfig", "command"]


def with_nulls(choices, node, one_in=5):
    """Some members null, in objects that merge by member."""
    return {key: None if choices.yes(one_in) else value for key, value in node.items()}


def nested_resources(choices):
    found = {side: {name: choices.one(["1", "2", None]) for name in choices.some(["cpu", "memory", "nvidia.com/gpu", "nvidia"], 2)}
             for side in choices.some(["requests", "limits"], 2)}
    if "requests" in found and "limits" in found: # above its own limit is an error of the checker
        found["requests"] = {name: value and "1" for name, value in found["requests"].items()}
    return with_nulls(choices, found, 8)


def nested_agent(choices):
    agent = choices.some(AGENT, 4)
    if "apiKeySecret" in agent:
        agent["apiKeySecret"] = with_nulls(choices, agent["apiKeySecret"])
    return with_nulls(choices, agent)


def named_list(make, names):
    """A list that merges by name, of few names and many deletions, so that layers meet."""
    def element(choices):
        return {"name": choices.one(names), **DELETE} if choices.yes(one_in=3) else make(choices)
    return lambda choices: choices.list_of(element, 3)


NESTED = {
    "git": [lambda c: with_nulls(c, c.some(GIT, 3))], "storage": [lambda c: with_nulls(c, c.some(WHOLE_STORAGE, 3))], "resources": [nested_resources], "agent": [nested_agent],
    "env": [named_list(lambda c: env_entry(c, ("T1", "T2", "T3")), ["T1", "T2", "T3"])], "labels": [text_map(LABEL_VALUES)],
    "volumes": [named_list(lambda c: {"name": c.one(["tpl-a", "tpl-b"]), **c.one(SOURCES)}, ["tpl-a", "tpl-b"])],
    "sidecars": [named_list(container(SIDECARS, SIDECAR), SIDECARS)], "initContainers": [named_list(container(INITS, CONTAINER), INITS)],
    "volumeMounts": [lambda c: [{"name": "tmp", "mountPath": path + c.one(["", "/", "/x/.."]), **c.one([{}, {"subPath": "x"}])} for path in c.some(["/cache", "/data"], 2)]]}


def layer(choices):
    """A PodTemplate with values, nulls, unset paths, deletions, and what nests."""
    found = pod_template(choices, most=3)
    found.update(choices.some(NESTED, 4))
    found = {key: None if key not in NO_NULL and key != "unset" and choices.yes(one_in=10) else value for key, value in found.items()}
    if choices.yes(one_in=3):
        found["unset"] = choices.some(UNSETTABLE + MORE_UNSET, 4)
    return found
