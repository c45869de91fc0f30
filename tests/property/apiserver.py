"""What an API server does to a pod between two calls of a webhook: decodes it, fills in defaults (pkg/apis/core/v1/defaults.go), lets its
own plugins run again (ServiceAccount, Priority, DefaultTolerationSeconds) and encodes it. And what it would refuse (validation.go), the part
that an injector can get wrong."""
from fractions import Fraction
import re

from copies import copied

TOKEN_PATH = "/var/run/secrets/kubernetes.io/serviceaccount"
TOKEN_VOLUME = {"name": "kube-api-access-x7k2p", "projected": {"defaultMode": 420, "sources": [
    {"serviceAccountToken": {"expirationSeconds": 3607, "path": "token"}},
    {"configMap": {"name": "kube-root-ca.crt", "items": [{"key": "ca.crt", "path": "ca.crt"}]}},
    {"downwardAPI": {"items": [{"path": "namespace", "fieldRef": {"apiVersion": "v1", "fieldPath": "metadata.namespace"}}]}}]}}
TOKEN_MOUNT = {"name": "kube-api-access-x7k2p", "readOnly": True, "mountPath": TOKEN_PATH}
CLASSES = {"high": 1000, "low": 10}
SUFFIXES = {"": 1, "n": Fraction(1, 10**9), "u": Fraction(1, 10**6), "m": Fraction(1, 1000), "k": 10**3, "M": 10**6, "G": 10**9, "T": 10**12,
            "Ki": 2**10, "Mi": 2**20, "Gi": 2**30, "Ti": 2**40}


def containers(pod):
    spec = pod.get("spec") or {}
    return (spec.get("initContainers") or []) + (spec.get("containers") or [])


def sent_again(pod):
    pod = without_nulls(copied(pod))
    add_pod_defaults(pod["spec"])
    for container in containers(pod):
        add_container_defaults(container)
    for volume in pod["spec"].get("volumes", []):
        add_volume_defaults(volume)
    run_plugins(pod["spec"])
    return pod


def without_nulls(node):
    if isinstance(node, dict):
        return {key: without_nulls(value) for key, value in node.items() if value is not None}
    if isinstance(node, list):
        return [without_nulls(value) for value in node]
    return node


def add_pod_defaults(spec):
    defaults = {"restartPolicy": "Always", "terminationGracePeriodSeconds": 30, "dnsPolicy": "ClusterFirst", "securityContext": {},
                "schedulerName": "default-scheduler", "serviceAccountName": "default", "enableServiceLinks": True}
    for name, value in defaults.items():
        if spec.get(name) in (None, ""):
            spec[name] = value
    spec["serviceAccount"] = spec["serviceAccountName"]
    for name in [name for name, value in spec.items() if value in ([], "") or (name, value) == ("nodeSelector", {})]: # omitempty
        del spec[name]


def add_container_defaults(container):
    image = container.get("image", "")
    floats = "@" not in image and (image.endswith(":latest") or ":" not in image.rsplit("/", 1)[-1])
    defaults = {"terminationMessagePath": "/dev/termination-log", "terminationMessagePolicy": "File", "resources": {},
                "imagePullPolicy": "Always" if floats else "IfNotPresent"}
    for name, value in defaults.items():
        container.setdefault(name, value)
    for amounts in container["resources"].values():
        for name, amount in amounts.items():
            amounts[name] = canonical(amount)
    limits = container["resources"].get("limits")
    if limits:
        container["resources"]["requests"] = {**limits, **container["resources"].get("requests", {})}
    for port in container.get("ports", []):
        port.setdefault("protocol", "TCP")
    for name in ("livenessProbe", "readinessProbe", "startupProbe"):
        add_probe_defaults(container.get(name))
    for entry in container.get("env", []):
        add_env_defaults(entry)
    for mount in container.get("volumeMounts", []):
        drop_empty(mount, ("readOnly", "subPath", "subPathExpr"))
    drop_empty(container, ("command", "args", "env", "envFrom", "ports", "volumeMounts", "workingDir", "stdin", "tty", "stdinOnce"))


def add_probe_defaults(probe):
    if not probe:
        return
    for name, value in (("timeoutSeconds", 1), ("periodSeconds", 10), ("successThreshold", 1), ("failureThreshold", 3)):
        probe.setdefault(name, value)
    if "httpGet" in probe:
        probe["httpGet"].setdefault("scheme", "HTTP")


def add_env_defaults(entry):
    drop_empty(entry, ("value",))
    if "fieldRef" in entry.get("valueFrom", {}):
        entry["valueFrom"]["fieldRef"].setdefault("apiVersion", "v1")
    if "resourceFieldRef" in entry.get("valueFrom", {}):
        entry["valueFrom"]["resourceFieldRef"].setdefault("divisor", "0")


def add_volume_defaults(volume):
    for source in ("secret", "configMap", "projected", "downwardAPI"):
        if source in volume:
            volume[source].setdefault("defaultMode", 420)
    if "sizeLimit" in volume.get("emptyDir", {}):
        volume["emptyDir"]["sizeLimit"] = canonical(volume["emptyDir"]["sizeLimit"])
    if set(volume) == {"name"}:
        volume["emptyDir"] = {}


def run_plugins(spec):
    if spec.get("automountServiceAccountToken") is not False and not any(v["name"].startswith("kube-api-access-") for v in spec.get("volumes", [])):
        spec.setdefault("volumes", []).append(copied(TOKEN_VOLUME))
        for container in containers({"spec": spec}):
            mounts = container.setdefault("volumeMounts", [])
            if all(mount.get("mountPath") != TOKEN_PATH for mount in mounts):
                mounts.append(dict(TOKEN_MOUNT))
    spec["priority"] = CLASSES.get(spec.get("priorityClassName"), 0)
    spec["preemptionPolicy"] = "PreemptLowerPriority"
    tolerations = spec.setdefault("tolerations", [])
    for key in ("node.kubernetes.io/not-ready", "node.kubernetes.io/unreachable"):
        if not any(t.get("key", "") in (key, "") and t.get("effect", "") in ("NoExecute", "") for t in tolerations):
            tolerations.append({"key": key, "operator": "Exists", "effect": "NoExecute", "tolerationSeconds": 300})


LIMIT_RANGE = {"request": {"cpu": "123m", "memory": "100Mi", "ephemeral-storage": "300Mi"}, "limit": {"cpu": "234m", "memory": "200Mi"}}


def limited(pod):
    """The pod after the LimitRanger plugin gave each container what it hasn't, and said so (plugin/pkg/admission/limitranger)."""
    pod, notes = copied(pod), []
    for group, title in (("containers", "container"), ("initContainers", "init container")):
        for container in pod["spec"].get(group) or []:
            for kind, amounts in LIMIT_RANGE.items():
                have = container.setdefault("resources", {}).setdefault(kind + "s", {})
                lacking = [name for name in amounts if name not in have]
                have.update({name: amounts[name] for name in lacking})
                notes += [f"{', '.join(lacking)} {kind} for {title} {container['name']}"] if lacking else []
    if notes:
        pod["metadata"].setdefault("annotations", {})["kubernetes.io/limit-ranger"] = "LimitRanger plugin set: " + "; ".join(notes)
    return pod


def drop_empty(node, names):
    for name in names:
        if node.get(name) in ([], "", False):
            node.pop(name, None)


# ---- quantities ----

def quantity(text):
    match = re.fullmatch(r"([+-]?(?:\d+\.?\d*|\.\d+))([a-zA-Z]*)", str(text))
    return Fraction(match[1]) * SUFFIXES[match[2]]


def canonical(text):
    """As apimachinery prints it, as far as the tests go."""
    amount = quantity(text)
    if str(text)[-1:] == "i" and amount.denominator == 1:
        for suffix in ("Ti", "Gi", "Mi", "Ki"):
            if amount and amount % SUFFIXES[suffix] == 0:
                return f"{amount // SUFFIXES[suffix]}{suffix}"
    if amount.denominator == 1:
        return str(amount)
    return f"{amount * 1000}m" if (amount * 1000).denominator == 1 else text


# ---- validation ----

def complaints(pod):
    """What the API server's validation would say, about the things that an injector adds to."""
    spec = pod["spec"]
    found = twice("container name", [c.get("name") for c in containers(pod)]) + twice("volume", [v.get("name") for v in spec.get("volumes") or []])
    volumes = {v.get("name") for v in spec.get("volumes") or []}
    for volume in spec.get("volumes") or []:
        if len(set(volume) - {"name"}) > 1:
            found.append(f"volume {volume['name']} has several sources")
    for container in containers(pod):
        name, mounts = container.get("name"), container.get("volumeMounts") or []
        found += twice(f"{name}: mountPath", [mount.get("mountPath") for mount in mounts])
        found += [f"{name}: mount of the missing volume {mount.get('name')}" for mount in mounts if mount.get("name") not in volumes]
        found += [f"{name}: {why}" for why in resource_complaints(container.get("resources") or {})]
        for entry in container.get("env") or []:
            if entry.get("value") and entry.get("valueFrom"):
                found.append(f"{name}: env {entry['name']} has value and valueFrom")
    return found


def twice(what, names):
    return [f"{what} {name} twice" for name in sorted({str(n) for n in names if names.count(n) > 1})]


def resource_complaints(resources):
    limits = resources.get("limits") or {}
    for name, request in (resources.get("requests") or {}).items():
        if name in limits and quantity(request) > quantity(limits[name]):
            yield f"request {name} {request} above limit {limits[name]}"
