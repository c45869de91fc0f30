"""Random pods, and what happens to pods besides us: other webhooks, damage, strange members."""
import hashlib
import json
import re

from apiserver import TOKEN_MOUNT, TOKEN_VOLUME
from copies import copied
from templates import ENV_NAMES, IMAGES, LABEL_KEYS, PROBES, RIG, ROLES, TEXTS, ports, resources

RAW_NAMES = ["toast", "Toast", "a/b", "ünï cöde", "x" * 70, "-", "-a-", "a.b_c", "$(GT_ROLE)", "$$(HOME)", "two\nlines", 'quo"te']
ODD_TEXTS = ["x", "", "\u0000", "\u2028\\\"\u001f", "ünï 🐱", "y" * 300]


# ---- who ----

def label_of(raw):
    """The label that stands for a raw name, once more."""
    if re.fullmatch(r"[A-Za-z0-9]([A-Za-z0-9_.-]{0,61}[A-Za-z0-9])?", raw):
        return raw
    digest = hashlib.sha256(raw.encode()).hexdigest()[:8]
    clean = re.sub(rb"[^A-Za-z0-9_.-]", b"-", raw.encode()).decode().strip("-_.")[:54].strip("-_.")
    return f"{clean}-{digest}" if clean else digest


def identity(choices):
    """(rig or None, role, agent), raw names."""
    role, rig, agent = choices.one(ROLES), choices.one([RIG, RIG, "other/rig"]), choices.one(RAW_NAMES)
    return None if role == "mayor" else rig, role, agent


def identity_metadata(rig, role, agent):
    labels = {"gastown.io/role": role, "gastown.io/agent": label_of(agent)}
    annotations = {}
    if rig is not None:
        labels["gastown.io/rig"] = label_of(rig)
    for name, raw in (("rig", rig), ("agent", agent)):
        if raw is not None and label_of(raw) != raw:
            annotations[f"gastown.io/raw-{name}"] = raw
    return {"labels": labels, "annotations": annotations}


EVENT_VALUES = {"image": IMAGES, "bead": ["gt-1.2"], "branch": ["feat/x"], "cpu": ["250m", "9"], "memory": ["2Gi"], "daemon-port": ["99"],
                "template": ['{"env":[{"name":"T2","value":"event"}]}', '{"labels":{"team":"event"},"resources":{"limits":{"cpu":"1"}}}']}


def events(choices):
    return {f"event.gastown.io/{key}": value for key, value in choices.some(EVENT_VALUES, 3).items()} if choices.yes(one_in=3) else {}


# ---- what a client writes ----

def own_env(choices):
    def entry(c):
        what = c.one([{"value": "x"}, lambda d: {"value": d.one(ODD_TEXTS)}, {"value": "$(HOME)/x"}, {"value": "$(T1)"},
                      {"valueFrom": {"configMapKeyRef": {"name": "c", "key": "k"}}}])
        return {"name": c.one(ENV_NAMES + ["MINE", "MINE2", "GT_ROLE", "GT_POLECAT", "BD_ACTOR"]), **what}
    return [entry(choices) for _ in range(choices.number(4))]


def crossing_pod(choices):
    """A pod whose variables refer to the templates' and to each other."""
    found = pod(choices)
    containers = [container for container in found["spec"]["containers"] if container["name"] == "agent"]
    for container in containers:
        container["env"] = [{"name": choices.one(["MINE", "MINE2", "SHARED", "X", "T1"]), "value": choices.one(["x", "$(T1)", "$(T2)$(T3)", "$(MINE)", "$(HOME)", "$$(T1)", "$(X"])}
                            for _ in range(1 + choices.number(5))]
    return found


OWN_CONTAINER = dict(
    env=[own_env] * 2, resources=[lambda c: resources(c, 2)], ports=[ports], livenessProbe=PROBES, command=[["c"], []], workingDir=["/mine"],
    imagePullPolicy=["Never", "IfNotPresent"], tty=[True], lifecycle=[{"preStop": {"exec": {"command": ["x"]}}}], envFrom=[[{"configMapRef": {"name": "mine"}}]],
    securityContext=[{}, {"runAsUser": 1234}, {"allowPrivilegeEscalation": True, "capabilities": {"drop": ["NET_RAW"]}}])
OWN_SPEC = dict(
    restartPolicy=["Always", "Never", "OnFailure"], terminationGracePeriodSeconds=[30, 5], nodeSelector=[{"team": "a", "acme.io/version": "1.1"}],
    tolerations=[[{"key": "gpu", "operator": "Exists"}, {"key": "mine"}], []], serviceAccountName=["default", "mine"],
    securityContext=[{}, {"runAsUser": 0}, {"fsGroup": 7}], imagePullSecrets=[[], [{"name": "pull"}], [{"name": "mine"}]], dnsPolicy=["ClusterFirst", "Default"],
    hostAliases=[[{"ip": "127.0.0.1", "hostnames": ["mine"]}]], automountServiceAccountToken=[False, True], priority=[0], enableServiceLinks=[True],
    preemptionPolicy=["PreemptLowerPriority"], priorityClassName=["low"])
OWN_NAMES = ["mine-a", "mine-b", "mine-c"]
OWN_SOURCES = [{"emptyDir": {}}, {"configMap": {"name": "mine"}}, {"csi": {"driver": "x"}}, {"ephemeral": {"volumeClaimTemplate": {"spec": {}}}}]
OWN_MOUNTS = [{}, {"readOnly": True}, {"subPath": "x"}, {"subPathExpr": "$(MINE)"}, {"readOnly": False, "subPath": ""}]
OWN_PATHS = ["/mine", "/tmp", "/tmp/", "/home/agent/gt", "/home/agent/.claude", "/etc/agent-pod", "/cache"]


def own_container(choices, name):
    return {"name": name, "image": choices.one(IMAGES), **choices.some(OWN_CONTAINER, 4)}


def own_spec(choices):
    """Sometimes bare, sometimes with much of its own, sometimes as an API server has completed it."""
    spec = choices.some(OWN_SPEC, 3)
    spec["containers"] = [own_container(choices, name) for name in choices.some(OWN_NAMES, 2)]
    if not choices.yes(one_in=4):
        spec["containers"].insert(choices.number(len(spec["containers"])), own_container(choices, "agent"))
    if choices.yes(one_in=4):
        spec["initContainers"] = [own_container(choices, name) for name in choices.some(["mine-i", "sc-one", "in-one"], 2)]
    add_volumes(choices, spec)
    return spec


def add_volumes(choices, spec):
    spec["volumes"] = [{"name": name, **choices.one(OWN_SOURCES)} for name in choices.some(OWN_NAMES, 2)]
    mine = [volume["name"] for volume in spec["volumes"]]
    for container in spec["containers"] if mine else []:
        container["volumeMounts"] = [
            {"name": choices.one(mine), "mountPath": path, **choices.one(OWN_MOUNTS)} for path in choices.some(OWN_PATHS, 3)]
    if choices.yes():
        spec["volumes"].append(copied(TOKEN_VOLUME))
        for container in spec["containers"] + spec.get("initContainers", []):
            container.setdefault("volumeMounts", []).append(dict(TOKEN_MOUNT))
    if not spec["volumes"]:
        del spec["volumes"]


def pod(choices):
    metadata = identity_metadata(*identity(choices))
    metadata["annotations"].update(events(choices))
    for key in choices.some(LABEL_KEYS + ["json", "gastown.io/template-hash"], 2):
        metadata["annotations"][key] = choices.one(TEXTS + ['{"a": [1, "\\n"]}'])
    for key in choices.some(LABEL_KEYS + ["app.kubernetes.io/name"], 2):
        metadata["labels"][key] = choices.one(["a", "1.1"])
    metadata.update(choices.one([{"name": "p"}, {"generateName": "p-"}, {"name": "p", "creationTimestamp": None}]))
    if not metadata["annotations"] and choices.yes():
        del metadata["annotations"]
    return {"apiVersion": "v1", "kind": "Pod", "metadata": metadata, "spec": own_spec(choices), **choices.one([{}, {"status": {}}])}


def bare(pod):
    """The least that says the same identity and events: what the watcher makes."""
    metadata = pod["metadata"]
    keep = {key: value for key, value in metadata.get("annotations", {}).items() if key.startswith(("event.gastown.io/", "gastown.io/raw-"))}
    labels = {key: value for key, value in metadata["labels"].items() if key.startswith("gastown.io/")}
    return {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "bare", "labels": labels, "annotations": keep},
            "spec": {"containers": [{"name": "agent", "image": "ghcr.io/acme/agent:v6"}]}}


# ---- planting what no webhook knows ----

MARK = "planted-"
# as they are written: escapes that need none, pairs of surrogates, NULs, numbers that no double holds, direction, white space
ODD_STRINGS = [rf'"{MARK}\u0041\/\b"', rf'"{MARK}\ud83d\udc31\u2028"', f'"{MARK}\U0001f431 \u202eabc \u05d0"', rf'"{MARK}\u0000x\u0000"', f'"{MARK}{"y" * 3000}"', f'"{MARK}\u007f \\\\ \\" <&>"']
ODD_VALUES = ODD_STRINGS + ["1234567890123456789012345678901.50E+2", "-0", "9007199254740993", "1e999", "0.1000000000000000055511151231257827", f'[ null,{{ }} , "{MARK}" ]',
                            f'{{"b":1 , "\\u0061":[ 2 ],"{MARK}":-0.0}}']
ODD_KEYS = [r"", r"\u002f~0~1", r" \ud83d\udc31", "\u05d0\u202e", r"\u0000"]


def plant(pod, variant):
    """The pod with strange members at places that nobody may replace: (JSON text, [the text of each member])."""
    pod, odd = copied(pod), []

    def plant_in(place, options):
        key, value = f"x-{MARK}{len(odd)}-", options[(len(odd) + variant) % len(options)]
        place[key] = f"@{len(odd)}@"
        odd.append(f'"{key}{ODD_KEYS[(len(odd) * 3 + variant) % len(ODD_KEYS)]}": {value}')
    for place in list(places(pod)):
        plant_in(place, ODD_VALUES)
    for name in ("labels", "annotations"):
        plant_in(pod["metadata"].setdefault(name, {}), ODD_STRINGS)
    text = re.sub(rf'"x-{MARK}\d+-": "@(\d+)@"', lambda match: odd[int(match[1])], json.dumps(pod, ensure_ascii=False))
    return text, odd


def places(pod):
    spec = pod["spec"]
    yield from (pod, pod["metadata"], spec)
    for container in spec.get("initContainers", []) + spec["containers"]:
        yield container
        yield from (container[name] for name in ("resources", "securityContext", "lifecycle") if name in container)
        yield from (entry for entry in container.get("env", []) if entry["name"].startswith("MINE"))
        yield from (mount for mount in container.get("volumeMounts", []) if mount["mountPath"] == "/mine")
    yield from (volume for volume in spec.get("volumes", []) if volume["name"].startswith("mine"))
    yield from (toleration for toleration in spec.get("tolerations", []) if toleration["key"] == "mine")


# ---- another webhook ----

def additions(choices):
    kinds = ["container", "init", "env", "volume", "mount", "toleration", "annotation", "label"]
    return [[choices.one(kinds), choices.number(99)] for _ in range(1 + choices.number(5))]


def add(pod, additions):
    """The pod after another webhook put in things of its own, anywhere."""
    pod = copied(pod)
    spec, metadata = pod["spec"], pod["metadata"]
    for i, (what, where) in enumerate(additions):
        name = f"other-{i}"
        if what == "container":
            insert(spec, "containers", where, {"name": name, "image": "ghcr.io/acme/mesh:1"})
        elif what == "init":
            insert(spec, "initContainers", where, {"name": name, "image": "ghcr.io/acme/mesh:1", "restartPolicy": "Always"})
        elif what == "volume":
            insert(spec, "volumes", where, {"name": name, "emptyDir": {}})
        elif what == "toleration":
            insert(spec, "tolerations", where, {"key": name, "operator": "Exists"})
        elif what in ("annotation", "label"):
            metadata.setdefault(what + "s", {})[name] = "x"
        elif spec["containers"]:
            add_to_container(spec, spec["containers"][where % len(spec["containers"])], what, where, name)
    return pod


def add_to_container(spec, container, what, where, name):
    if what == "env":
        insert(container, "env", where, {"name": name.upper(), "value": "x"})
    else:
        insert(spec, "volumes", where, {"name": name, "emptyDir": {}})
        insert(container, "volumeMounts", where, {"name": name, "mountPath": f"/{name}"})


def insert(parent, name, where, element):
    elements = parent.setdefault(name, [])
    elements.insert(where % (len(elements) + 1), element)


def disturbances(choices):
    lists = ["env", "volumeMounts", "containers", "initContainers", "volumes"]
    return [[choices.one(["rotate", "reverse", "drop", "repeat"]), choices.one(lists), choices.number(99)] for _ in range(1 + choices.number(3))]


def disturb(pod, disturbances):
    """The pod after another webhook moved, dropped or repeated elements of its lists."""
    pod = copied(pod)
    for what, name, where in disturbances:
        owners = pod["spec"]["containers"] if name in ("env", "volumeMounts") else [pod["spec"]]
        elements = owners[where % len(owners)].get(name) if owners else None
        if not elements:
            continue
        at = where % len(elements)
        if what == "rotate":
            elements[:] = elements[at:] + elements[:at]
        elif what == "reverse":
            elements.reverse()
        elif what == "drop":
            del elements[at]
        elif name == "env":
            elements.append({"name": elements[at]["name"], "value": "other"})
    return pod


# ---- wear ----

KEPT = re.compile(r"/metadata|/metadata/(name|labels|annotations)(/(event\.)?gastown\.io~1.*)?|.*/(name|mountPath|containerPort|ip|key|protocol|topologyKey|whenUnsatisfiable)|/kind|/apiVersion")


def worn(pod, numbers):
    """The pod without some of its members and elements, apart from those that say what or who something is."""
    pod = copied(pod)
    for number in numbers:
        removable = [(parent, key) for path, parent, key in nodes(pod, "") if not KEPT.fullmatch(path)]
        if removable:
            parent, key = removable[number % len(removable)]
            del parent[key]
    return pod


def nodes(node, path):
    keys = list(node) if isinstance(node, dict) else range(len(node)) if isinstance(node, list) else []
    for key in keys:
        below = f"{path}/{str(key).replace('/', '~1')}"
        yield below, node, key
        yield from nodes(node[key], below)


# ---- junk ----

JUNK = [None, 0, -1, 1.5, 1e300, "", "x", True, False, [], {}, [None], ["x"], [[]], [{}], {"a": None}, {"name": "agent"}, [{"name": 5}],
        [{"name": "workspace"}], [{"name": "kube-api-access-1"}], {"a": {"name": "kube-api-access-1"}}]


def damage(choices):
    return [[[choices.number(9) for _ in range(1 + choices.number(5))], choices.one(JUNK)] for _ in range(1 + choices.number(2))]


def spoil(pod, damage):
    """The pod with junk somewhere inside."""
    pod = copied(pod)
    for path, junk in damage:
        node = pod
        for i in path:
            if not isinstance(node, (dict, list)) or not node:
                break
            parent, key = node, sorted(node)[i % len(node)] if isinstance(node, dict) else i % len(node)
            node = parent[key]
        parent[key] = copied(junk)
    return pod


SCALARS = [None, True, False, 0, -1, 10**30, 1.5e300, float("nan"), "", "x", "CREATE", "pods", "v1", "\u0000", "\U0001f431", "AdmissionReview"]
KEYS = ["kind", "apiVersion", "request", "uid", "object", "operation", "resource", "namespace", "metadata", "labels", "gastown.io/agent", "spec"]


def junk(choices, levels=3):
    what = choices.number(4) if levels else 0
    if what < 2:
        return choices.one(SCALARS)
    if what == 2:
        return [junk(choices, levels - 1) for _ in range(choices.number(3))]
    return {choices.one(KEYS): junk(choices, levels - 1) for _ in range(choices.number(4))}


def junk_line(choices):
    """Bytes of a line: any at all, or JSON of some kind."""
    if choices.yes(one_in=3):
        return bytes(choices.number(255) for _ in range(choices.number(40))).replace(b"\n", b"")
    return json.dumps(junk(choices)).encode()
