"""Documents of our kinds for an API server: all the valid ones that this repository has, some that say everything, and wrong ones."""

import copy
import json
import random
import subprocess
import sys
import tempfile
from pathlib import Path

import yaml

from testbed.pins import REPOSITORY

sys.path.append(str(REPOSITORY / "tests" / "property"))
from choices import POOL, Choices  # noqa: E402
from templates import layer  # noqa: E402

GROUP = "gastown.io/v1alpha1"
PLURALS = {"GasTown": "gastowns", "Rig": "rigs", "AgentPool": "agentpools"}
YAML_FILES = ("tests/demo/templates/*.yaml", "manifests/examples/*.yaml", "manifests/sidecars/*.yaml", "tests/golden/towns/*.yaml",
              "tests/cluster/town/*templates/*.yaml", "tests/cluster/town/sidecar-pools/*.yaml", "tests/cli/files/*/*.yaml",
              "tests/faults/templates/*.yaml", "tests/fuzz/town.yaml", "tests/hostile/town.yaml")
CASES = "tests/conformance/cases/*.json"

# ---- documents ----


def document(kind, spec, name="x"):
    return {"apiVersion": GROUP, "kind": kind, "metadata": {"name": name}, "spec": spec}


def rig(**spec):
    return document("Rig", {"name": "gastown", **spec})


def pool(**template):
    return document("AgentPool", {"rig": "gastown", "role": "crew", "template": template})


def town(**spec):
    return document("GasTown", spec)


def collected():
    """-> (where it stands, document) of every document of our kinds that lies in a file."""
    for pattern in YAML_FILES:
        for path in sorted(REPOSITORY.glob(pattern)):
            try:
                documents = list(yaml.safe_load_all(path.read_text()))
            except yaml.YAMLError:
                continue  # files of tests that are broken on purpose
            yield from ours(path, documents)
    for path in sorted(REPOSITORY.glob(CASES)):
        yield from ours(path, json.loads(path.read_text()).get("templates") or [])


def drawn(count):
    """Random templates, with nulls, deletions and unset paths; the same ones each time."""
    for seed in range(count):
        generator = random.Random(seed)
        yield f"seed {seed}", pool(**layer(Choices(lambda _, generator=generator: generator.randrange(POOL))))


def ours(path, documents):
    for number, found in enumerate(documents):
        if isinstance(found, dict) and found.get("kind") in PLURALS:
            yield f"{path.relative_to(REPOSITORY)}#{number}", found


def accepted(inject, found):
    """What `gastown-inject check` says of one document: (no errors?, its words)"""
    with tempfile.TemporaryDirectory() as folder:
        Path(folder, "one.json").write_text(json.dumps(found))
        answer = subprocess.run([inject, "check", "-t", folder], capture_output=True, text=True, timeout=60)
    return answer.returncode == 0, answer.stdout + answer.stderr


def stored_name(found):
    """As it is to be in a namespace: no generation, no namespace of its own."""
    clean = copy.deepcopy(found)
    clean["metadata"] = {"name": found["metadata"]["name"]}
    return clean


# ---- a template that says everything, with Kubernetes' own fields that no schema of ours lists ----

HANDLER = {"httpGet": {"path": "/", "port": "http", "scheme": "HTTP", "httpHeaders": [{"name": "a", "value": "b", "odd": 1}]}, "odd": {"a": [1, None]}}
PROBE = {**HANDLER, "periodSeconds": 5, "failureThreshold": 3, "timeoutSeconds": None}
CONTAINER_SECURITY = {"allowPrivilegeEscalation": False, "capabilities": {"drop": ["ALL"], "add": ["NET_BIND_SERVICE"]}, "runAsUser": 1000,
                      "readOnlyRootFilesystem": True, "seccompProfile": {"type": "RuntimeDefault"}, "odd": True}
SIDECAR = {"name": "log", "image": "log:v1", "mode": "native", "start": "first", "command": ["a"], "args": ["b"], "env": [
    {"name": "A", "value": "1"}, {"name": "B", "valueFrom": {"fieldRef": {"fieldPath": "metadata.name"}}}],
    "envFrom": [{"secretRef": {"name": "s", "optional": True}}], "ports": [{"containerPort": 80, "name": "http", "odd": 1}],
    "resources": {"requests": {"cpu": "10m"}, "limits": {"cpu": 1, "memory": "1Gi"}, "claims": [{"name": "gpu"}]},
    "volumeMounts": [{"name": "tmp", "mountPath": "/tmp", "odd": 1}], "securityContext": CONTAINER_SECURITY, "livenessProbe": PROBE,
    "lifecycle": {"preStop": {"exec": {"command": ["sleep", "1"]}}}, "tty": True, "odd": {"deep": [{"er": None}]}}
EVERYTHING = {
    "image": "ghcr.io/acme/agent:v7", "imagePullPolicy": "Always", "imagePullSecrets": [{"name": "regcred"}], "command": ["a", "b"], "args": [],
    "workingDir": "/home/agent", "resources": {"requests": {"cpu": "500m", "memory": "1Gi", "nvidia.com/gpu": 1}, "limits": {"cpu": 2, "memory": "1.5Gi"}},
    "storage": {"size": "20Gi", "storageClassName": "gp3", "accessModes": ["ReadWriteOnce"], "kind": "PersistentVolumeClaim", "retain": False, "scope": "Agent"},
    "env": [{"name": "A", "value": ""}, {"name": "B", "valueFrom": {"configMapKeyRef": {"name": "c", "key": "k", "optional": None}}},
            {"name": "C", "valueFrom": {"resourceFieldRef": {"resource": "limits.cpu", "divisor": "1m"}}}, {"name": "D", "valueFrom": {"new": {"x": 1}}},
            {"name": "E", "$patch": "delete"}, {"name": "GT_ROLE", "$patch": "delete"}, {"name": "with space:ok"}],
    "envFrom": [{"prefix": "P_", "configMapRef": {"name": "c"}, "odd": 1}], "secretEnv": [{"name": "S", "secretName": "s", "key": "k", "optional": True}],
    "configMapName": "beads", "nodeSelector": {"zone": "a", "gone": None, "gastown.io/pool": "x"},
    "tolerations": [{"key": "k", "operator": "Exists", "effect": "NoExecute", "tolerationSeconds": 30, "odd": "x"}],
    "affinity": {"nodeAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": {"nodeSelectorTerms": []}}, "odd": {}},
    "topologySpreadConstraints": [{"maxSkew": 1, "topologyKey": "zone", "whenUnsatisfiable": "DoNotSchedule", "labelSelector": {"matchLabels": {"a": "b"}}}],
    "serviceAccountName": "agents", "automountServiceAccountToken": False, "labels": {"team": "a", "gone": None}, "annotations": {"a/b": "any text"},
    "volumes": [{"name": "cache", "emptyDir": {"medium": "Memory", "sizeLimit": "1Gi"}}, {"name": "odd", "csi": {"driver": "x", "volumeAttributes": {"a": "b"}}},
                {"name": "gone", "$patch": "delete"}, {"name": "new", "someday": {"x": [1]}}],
    "volumeMounts": [{"name": "cache", "mountPath": "/cache", "readOnly": True, "subPath": "x", "odd": 1}],
    "securityContext": CONTAINER_SECURITY, "podSecurityContext": {"runAsUser": 1000, "fsGroup": 1000, "runAsNonRoot": True, "supplementalGroups": [1, 2],
                                                                  "seLinuxOptions": {"level": "s0:c1,c2"}, "sysctls": [], "odd": 1},
    "livenessProbe": PROBE, "readinessProbe": {"tcpSocket": {"port": 80}}, "startupProbe": {"exec": {"command": ["true"]}},
    "ports": [{"containerPort": 8080, "name": "http", "protocol": "TCP", "hostPort": 0}],
    "initContainers": [{"name": "fetch", "image": "fetch:v1", "restartPolicy": "Always"}, {"name": "gone", "$patch": "delete"}], "sidecars": [SIDECAR],
    "git": {"repository": "https://example.com/a.git", "branch": "main", "workBranch": "w", "depth": 1, "credentialsSecret": "s",
            "knownHostsConfigMap": "k", "image": "git:v1"},
    "agent": {"runtime": "claude-code", "provider": "anthropic", "model": "m", "endpoint": "https://e", "apiKeySecret": {"name": "s", "key": "k"},
              "credentialsSecret": "c"},
    "screenScrollback": 0, "terminationGracePeriodSeconds": 0, "activeDeadlineSeconds": 1, "priorityClassName": "p", "runtimeClassName": "gvisor",
    "shareProcessNamespace": True, "dnsPolicy": "None", "dnsConfig": {"nameservers": ["1.1.1.1"], "options": [{"name": "ndots", "value": "2"}], "odd": 1},
    "hostAliases": [{"ip": "10.0.0.1", "hostnames": ["a"], "odd": 1}], "unset": ["podSecurityContext.supplementalGroups", "nodeSelector.zone"]}
NULLS = {**{name: None for name in EVERYTHING if name not in ("securityContext", "podSecurityContext")},
         "resources": {"requests": {"cpu": None}, "limits": None}, "storage": {"size": None, "kind": None, "scope": None},
         "agent": {"apiKeySecret": {"name": None}, "runtime": None}, "nodeSelector": {"a": None}, "env": [{"name": "A", "value": None}]}
POLICY = {"podSecurity": "restricted", "imageAllowlist": ["ghcr.io/acme"], "requireImageDigest": False, "eventOverrides": ["image", "template"],
          "riglessRoles": ["scribe"], "maxResources": {"cpu": 4, "memory": "8Gi"}, "creators": {"*": {"users": ["system:*"]}, "crew": {"groups": ["g"], "users": None}},
          "extras": "Deny", "extrasAllowed": ["proxy"], "stuck": "Report", "rollout": "Manual"}

VALID = {
    "a pool that says everything": pool(**EVERYTHING),
    "a rig that says everything": rig(podOverrides=EVERYTHING, roleOverrides={"crew": EVERYTHING, "scribe-2": None}, polecats={"maxRuntime": "1h30m", "cleanupAfter": None}),
    "a town that says everything": town(name="t", daemon={"host": "h", "port": 9876, "tokenSecretRef": {"name": "s", "key": "k"}}, defaults=EVERYTHING,
                                        policy=POLICY, rigSelector={"matchLabels": {"a": "b"}}),
    "a pool of nulls": pool(**NULLS),
    "a rig of nulls": rig(podOverrides=None, roleOverrides=None, polecats=None),
    "a town of nulls": town(name=None, daemon={"host": None, "port": None, "tokenSecretRef": None}, defaults=None, policy={name: None for name in POLICY}),
    "an empty town": town(),
    "a request of a number, a limit of a text": pool(resources={"requests": {"cpu": 1}, "limits": {"cpu": "1000m"}}),
    "a request without a limit": pool(resources={"requests": {"cpu": 100}, "limits": {"memory": "1Gi"}}),
}

# ---- wrong ones: what, document, words that the refusal must have; None behind: only the schema refuses it, Kubernetes would later ----

T = "spec.template"
INVALID = (
    ("an unknown field of a template", pool(imgae="a:1"), f'unknown field "{T}.imgae"'),
    ("an unknown field of a spec", rig(podOverride={}), 'unknown field "spec.podOverride"'),
    ("an unknown field of a member", pool(storage={"sice": "1Gi"}), f'unknown field "{T}.storage.sice"'),
    ("an unknown policy", town(policy={"stick": "Report"}), 'unknown field "spec.policy.stick"'),
    ("an unknown field of secretEnv", pool(secretEnv=[{"name": "A", "secretName": "s", "keys": "k"}]), f'unknown field "{T}.secretEnv[0].keys"'),
    ("a number for a text", pool(image=7), f"{T}.image"),
    ("a text for a number", pool(screenScrollback="lots"), f"{T}.screenScrollback"),
    ("a negative number", pool(screenScrollback=-1), f"{T}.screenScrollback"),
    ("a deadline of 0", pool(activeDeadlineSeconds=0), f"{T}.activeDeadlineSeconds"),
    ("a text for a boolean", pool(shareProcessNamespace="yes"), f"{T}.shareProcessNamespace"),
    ("a text for a list", pool(command="sh"), f"{T}.command"),
    ("a list for an object", pool(affinity=[]), f"{T}.affinity"),
    ("a number in env", pool(env=[{"name": "A", "value": 1}]), f"{T}.env[0].value"),
    ("env without a name", pool(env=[{"value": "1"}]), f"{T}.env[0].name"),
    ("env twice", pool(env=[{"name": "A", "value": "1"}, {"name": "A", "value": "2"}]), f"{T}.env[1]"),
    ("value and valueFrom", pool(env=[{"name": "A", "value": "1", "valueFrom": {}}]), "has both value and valueFrom"),
    ("another $patch", pool(env=[{"name": "A", "$patch": "replace"}]), f"{T}.env[0].$patch"),
    ("a reserved name", rig(podOverrides={"env": [{"name": "GT_ROLE", "value": "x"}]}), "spec.podOverrides.env[0]: Invalid value: a name that says who"),
    ("a reserved name in a sidecar", pool(sidecars=[{"name": "a", "image": "a:1", "env": [{"name": "GT_RIG", "value": "x"}]}]), f"{T}.sidecars[0].env[0].name"),
    ("value and valueFrom in a sidecar", pool(sidecars=[{"name": "a", "image": "a:1", "env": [{"name": "A", "value": "", "valueFrom": {}}]}]),
     f"{T}.sidecars[0].env[0]"),
    ("no quantity", pool(resources={"limits": {"cpu": "two"}}), f"{T}.resources.limits.cpu"),
    ("a negative quantity", pool(storage={"size": "-1Gi"}), f"{T}.storage.size"),
    ("cpu above its limit", pool(resources={"requests": {"cpu": "2"}, "limits": {"cpu": "1500m"}}), f"{T}.resources: Invalid value: the cpu request is above"),
    ("memory above its limit", rig(roleOverrides={"crew": {"resources": {"requests": {"memory": "2Gi"}, "limits": {"memory": 1}}}}),
     "spec.roleOverrides[crew].resources: Invalid value: the memory request is above"),
    ("cpu of a sidecar above its limit", pool(sidecars=[{"name": "a", "image": "a:1", "resources": {"requests": {"cpu": 2}, "limits": {"cpu": 1}}}]),
     f"{T}.sidecars[0].resources: Invalid value: the cpu request is above"),
    ("a label of ours", pool(labels={"gastown.io/agent": "x"}), f"{T}.labels: Invalid value: keys under gastown.io"),
    ("an annotation of ours", pool(annotations={"event.gastown.io/image": "x"}), f"{T}.annotations: Invalid value: keys under gastown.io"),
    ("no label value", pool(labels={"team": "a b"}), f"{T}.labels.team"),
    ("storage for a rig", pool(storage={"scope": "Rig"}), f'{T}.storage.scope: Invalid value: "Rig": Rig isn\'t possible yet'),
    ("another kind of storage", pool(storage={"kind": "Disk"}), f"{T}.storage.kind: Unsupported value"),
    ("another runtime", pool(agent={"runtime": "emacs"}), f"{T}.agent.runtime: Unsupported value"),
    ("another provider", pool(agent={"provider": "me"}), f"{T}.agent.provider: Unsupported value"),
    ("a depth below 0", pool(git={"depth": -1}), f"{T}.git.depth"),
    ("a branch too long", pool(git={"branch": "b" * 245}), f"{T}.git.branch"),
    ("an object's name", pool(configMapName="A B"), f"{T}.configMapName"),
    ("another pull policy", pool(imagePullPolicy="Sometimes"), f"{T}.imagePullPolicy: Unsupported value"),
    ("another DNS policy", pool(dnsPolicy="Mine"), f"{T}.dnsPolicy: Unsupported value"),
    ("secretEnv without a Secret", pool(secretEnv=[{"name": "A"}]), f"{T}.secretEnv[0].secretName"),
    ("a sidecar without an image", pool(sidecars=[{"name": "a"}]), f"{T}.sidecars[0].image: Required value"),
    ("a sidecar without a name", pool(sidecars=[{"image": "a:1"}]), f"{T}.sidecars[0].name: Required value"),
    ("another mode", pool(sidecars=[{"name": "a", "image": "a:1", "mode": "fast"}]), f"{T}.sidecars[0].mode: Unsupported value"),
    ("another start", pool(sidecars=[{"name": "a", "image": "a:1", "start": "last"}]), f"{T}.sidecars[0].start: Unsupported value"),
    ("a sidecar's restartPolicy", pool(sidecars=[{"name": "a", "image": "a:1", "restartPolicy": "Always"}]), f'{T}.sidecars[0].restartPolicy: Invalid value: "Always": is set by mode'),
    ("a privileged sidecar", pool(sidecars=[{"name": "a", "image": "a:1", "securityContext": {"privileged": True}}]), f"{T}.sidecars[0].securityContext.privileged"),
    ("privilege escalation", pool(securityContext={"allowPrivilegeEscalation": True}), f"{T}.securityContext.allowPrivilegeEscalation: Invalid value: true: would let"),
    ("root", pool(podSecurityContext={"runAsUser": 0}), f"{T}.podSecurityContext.runAsUser: Invalid value: 0: is root"),
    ("perhaps root", pool(podSecurityContext={"runAsNonRoot": False}), f"{T}.podSecurityContext.runAsNonRoot"),
    ("unconfined", pool(podSecurityContext={"seccompProfile": {"type": "Unconfined"}}), f"{T}.podSecurityContext.seccompProfile"),
    ("a capability", pool(securityContext={"capabilities": {"add": ["SYS_ADMIN"]}}), f"{T}.securityContext.capabilities.add[0]"),
    ("capabilities kept", pool(securityContext={"capabilities": {"drop": []}}), f"{T}.securityContext.capabilities.drop"),
    ("sysctls", pool(podSecurityContext={"sysctls": [{"name": "a", "value": "b"}]}), f"{T}.podSecurityContext.sysctls"),
    ("a port of the node", pool(ports=[{"containerPort": 80, "hostPort": 80}]), f"{T}.ports[0].hostPort"),
    ("a probe of another host", pool(livenessProbe={"httpGet": {"host": "evil", "port": 80}}), f"{T}.livenessProbe.httpGet.host"),
    ("a folder of the node", pool(volumes=[{"name": "a", "hostPath": {"path": "/"}}]), f"{T}.volumes[0].hostPath: Invalid value: an agent never gets"),
    ("the API server's volume", pool(volumeMounts=[{"name": "kube-api-access-x", "mountPath": "/a"}]), f"{T}.volumeMounts[0].name"),
    ("a mount without a path", pool(volumeMounts=[{"name": "a"}]), f"{T}.volumeMounts[0].mountPath"),
    ("a rig without a name", document("Rig", {}), "spec.name: Required value"),
    ("a rig with an empty name", rig(name=""), "spec.name"),
    ("a rig named null", rig(name=None), "spec.name"),
    ("no spec", {"apiVersion": GROUP, "kind": "Rig", "metadata": {"name": "x"}}, "spec: Required value"),
    ("a role with capitals", document("AgentPool", {"rig": "a", "role": "Crew"}), "spec.role"),
    ("a pool without a role", document("AgentPool", {"rig": "a"}), "spec.role: Required value"),
    ("an override for no role", rig(roleOverrides={"Crew": {}}), "spec.roleOverrides: Invalid value: a role is"),
    ("an override for a role too long", rig(roleOverrides={"c" * 64: {}}), "spec.roleOverrides: Invalid value: a role is"),
    ("a port beyond", town(daemon={"port": 65536}), "spec.daemon.port"),
    ("a token of no Secret", town(daemon={"tokenSecretRef": {"key": "k"}}), "spec.daemon.tokenSecretRef.name: Required value"),
    ("a duration of none", rig(polecats={"maxRuntime": "soon"}), "spec.polecats.maxRuntime"),
    ("another pod security", town(policy={"podSecurity": "privileged"}), "spec.policy.podSecurity: Unsupported value"),
    ("another event", town(policy={"eventOverrides": ["imgae"]}), "spec.policy.eventOverrides[0]: Unsupported value"),
    ("creators of nobody", town(policy={"creators": {"crew": {"users": []}}}), "spec.policy.creators[crew]: Invalid value: needs users or groups"),
    ("extras: Some", town(policy={"extras": "Some"}), "spec.policy.extras: Unsupported value"),
    ("maximum of something else", town(policy={"maxResources": {"disk": 1}}), 'unknown field "spec.policy.maxResources.disk"'),
)

# Right for the checker, which passes Kubernetes' own objects through; here the API server says early what it would say of the pod.
EARLY = (
    ("a toleration's seconds in words", pool(tolerations=[{"tolerationSeconds": "soon"}]), f"{T}.tolerations[0].tolerationSeconds"),
    ("a port that is none", pool(ports=[{"containerPort": 70000}]), f"{T}.ports[0].containerPort"),
    ("a quantity with a point and no quotes", pool(resources={"limits": {"cpu": 0.5}}), f"{T}.resources.limits.cpu"),
)

# ---- limits: what, a document with n of them, how many there may be ----


def names(n, **more):
    return [{"name": f"n{i}", **more} for i in range(n)]


LIMITS = (
    ("env", lambda n: pool(env=names(n, value="x")), 1024),
    ("secretEnv", lambda n: pool(secretEnv=names(n, secretName="s")), 1024),
    ("labels", lambda n: pool(labels={f"l{i}": "x" for i in range(n)}), 1024),
    ("annotations", lambda n: pool(annotations={f"l{i}": "x" for i in range(n)}), 1024),
    ("nodeSelector", lambda n: pool(nodeSelector={f"l{i}": "x" for i in range(n)}), 128),
    ("tolerations", lambda n: pool(tolerations=[{"key": f"k{i}"} for i in range(n)]), 128),
    ("sidecars", lambda n: pool(sidecars=names(n, image="a:1")), 128),
    ("initContainers", lambda n: pool(initContainers=names(n, image="a:1")), 128),
    ("volumes", lambda n: pool(volumes=names(n, emptyDir={})), 128),
    ("volumeMounts", lambda n: pool(volumeMounts=[{"name": "v", "mountPath": f"/m{i}"} for i in range(n)]), 128),
    ("command", lambda n: pool(command=["x"] * n), 128),
    ("unset", lambda n: pool(unset=["image"] * n), 1024),
    ("env of a sidecar", lambda n: pool(sidecars=[{"name": "a", "image": "a:1", "env": names(n, value="x")}]), 1024),
    ("roleOverrides", lambda n: rig(roleOverrides={f"r{i}": {} for i in range(n)}), 64),
)


def largest(roles, budget):
    """A rig with as many env entries, labels and sidecars in its roles as a request may hold: where CEL has most to do."""
    found = rig(roleOverrides={})
    size = 0
    for role in range(roles):
        template = {"env": names(1024, value=""), "labels": {f"l{i}": "" for i in range(1024)}, "resources": EVERYTHING["resources"],
                    "securityContext": CONTAINER_SECURITY, "sidecars": names(128, image="a:1", securityContext={"runAsUser": 1, "privileged": False},
                                                                           resources={"requests": {"cpu": 1}, "limits": {"cpu": 1}})}
        size += len(json.dumps(template))
        if size > budget:
            template = {"labels": {"a": "b"}}
        found["spec"]["roleOverrides"][f"r{role}"] = template
    return found
