"""What must hold for any pod and any templates. Each property is one function of (engines, example...) that raises AssertionError."""
import copy
import json
import posixpath
import re

import jsonpatch
from hypothesis import strategies as st

import model
import rfc6902
from apiserver import complaints, quantity, sent_again
from choices import strategy
from engine import Answer, admission_review
from pods import (MARK, add, additions, bare, count_marks, damage, disturb, disturbances, identity, identity_metadata, plant, pod, spoil, uprooted, worn)
from templates import ALLOWLIST, EVENTS, RIG, pod_template, template_set

TEMPLATES, PODS = strategy(template_set), strategy(pod)
REFERENCE = re.compile(r"\$\$|\$\(([^)]*)\)")
PROPERTIES = []


def holds(**strategies):
    """Registers a property and what it holds for."""
    def register(function):
        PROPERTIES.append((function.__name__.replace("_", "-"), function, st.fixed_dictionaries(strategies)))
        return function
    return register


# ---- steps that all share ----

def check_answer(answer, uid="705ab4f5-6393-11e8-b7cc-42010a800002"):
    """The rules of the API server (VerifyAdmissionResponse) and of the contract."""
    if answer.code is not None:
        status = answer.whole
        assert status["apiVersion"] == "v1" and status["status"] == "Failure" and status["message"] and status["reason"], status
        assert answer.code in (400, 413, 500, 503), status
        return answer
    response = answer.response
    assert (answer.whole["apiVersion"], answer.whole["kind"]) == ("admission.k8s.io/v1", "AdmissionReview"), answer.whole
    assert response["uid"] == uid and isinstance(answer.allowed, bool), response
    assert ("patch" in response) == ("patchType" in response) and response.get("patchType", "JSONPatch") == "JSONPatch", response
    assert "patch" not in response or answer.patch, "an empty patch"
    check_warnings(answer.warnings)
    if not answer.allowed:
        check_denial(answer)
    return answer


def check_warnings(warnings):
    assert len(warnings) <= 20, f"{len(warnings)} warnings"
    for warning in warnings:
        assert 0 < len(warning) <= 120, f"{len(warning)} characters: {warning}"
        assert not re.search(r"[\x00-\x1f\x7f-\x9f]", warning), f"the API server drops a warning with control characters: {warning!r}"


def check_denial(answer):
    status, causes = answer.denial, answer.denial.get("details", {}).get("causes", [])
    assert "patch" not in answer.response, "a denial with a patch"
    assert (status.get("code"), status.get("reason")) in ((403, "Forbidden"), (422, "Invalid")), status
    assert status.get("message") and causes and all(cause["field"] and cause["message"] and cause["reason"] for cause in causes), status
    forbidden = any(cause["reason"] == "FieldValueForbidden" for cause in causes)
    assert forbidden == (status["code"] == 403), status


def inject(engine, pod):
    """-> (answer, the pod that comes out, None when it was denied); checks everything that always holds."""
    answer = check_answer(engine.review(pod))
    assert answer.code is None, answer.whole
    if not answer.allowed:
        return answer, None
    result = rfc6902.apply(pod, answer.patch)
    assert result == jsonpatch.apply_patch(pod, copy.deepcopy(answer.patch)), "the two implementations of JSON Patch disagree"
    audit = answer.response["auditAnnotations"]
    annotations = result["metadata"]["annotations"]
    assert audit == {"template-hash": annotations["gastown.io/template-hash"], "layers": annotations["gastown.io/layers"]}, audit
    return answer, result


def settled(engine, pod, when):
    """A pod that is right: no operation, and nothing to warn of that was replaced."""
    answer, _ = inject(engine, pod)
    assert answer.allowed, f"{when}: denied: {answer.denial.get('message')}"
    assert not answer.patch, f"{when}: {json.dumps(answer.patch, ensure_ascii=False)[:600]}"
    assert not [warning for warning in answer.warnings if "replaced" in warning], f"{when}: {answer.warnings}"


def agent_of(pod):
    return next(container for container in pod["spec"]["containers"] if container.get("name") == "agent")


# ---- once, twice, again ----

@holds(templates=TEMPLATES, pod=PODS)
def idempotent(engines, templates, pod):
    """f(f(x)) = f(x), and then patch and patchType are left out."""
    engine = engines.of(templates)
    _, result = inject(engine, pod)
    if result is not None:
        settled(engine, result, "second pass")


@holds(templates=TEMPLATES, pod=PODS)
def idempotent_after_the_api_server(engines, templates, pod):
    """The same when an API server has decoded, defaulted and encoded the result, and its own plugins have run again."""
    engine = engines.of(templates)
    _, result = inject(engine, pod)
    if result is not None:
        settled(engine, sent_again(result), "pass after the API server")


@holds(templates=TEMPLATES, pod=PODS)
def acceptable(engines, templates, pod):
    """A pod that the API server would take comes out as one that it takes."""
    if complaints(pod):
        return
    _, result = inject(engines.of(templates), pod)
    if result is not None:
        assert not complaints(result), complaints(result)


@holds(templates=TEMPLATES, pod=PODS)
def deterministic(engines, templates, pod):
    """Same request, same bytes: again in one process, and in another one."""
    line, fresh = admission_review(pod), engines.fresh(templates)
    try:
        first, second, third = engines.of(templates).ask(line), engines.of(templates).ask(line), fresh.ask(line)
    finally:
        fresh.close()
    assert first == second == third, "other bytes"


# ---- other webhooks ----

@holds(templates=TEMPLATES, pod=PODS, additions=strategy(additions))
def leaves_additions_alone(engines, templates, pod, additions):
    """What another webhook puts in between two passes, wherever it stands, is no work for us."""
    engine = engines.of(templates)
    _, result = inject(engine, pod)
    if result is not None:
        settled(engine, add(result, additions), "pass after another webhook")


@holds(templates=TEMPLATES, pod=PODS, additions=strategy(additions))
def commutes_with_another_webhook(engines, templates, pod, additions):
    """Before or after us: what we manage is the same, and all of theirs is there."""
    engine = engines.of(templates)
    first, result = inject(engine, pod)
    before = add(pod, additions)
    after, other = inject(engine, before)
    assert first.allowed == after.allowed, after.denial or first.denial
    if result is None:
        return
    settled(engine, other, "second pass, the other webhook first")
    assert managed(result, pod) == managed(other, before), "managed fields differ"
    for group in ("containers", "initContainers", "volumes"):
        lost = names(before["spec"].get(group)) - names(other["spec"].get(group)) - {"kube-api-access-x7k2p"}
        assert not lost, f"{group} lost: {lost}"


def names(elements):
    return {element["name"] for element in elements or []}


def managed(result, pod):
    """The parts of the agent that templates decide, by name, so that positions don't count."""
    agent, spec = agent_of(result), result["spec"]
    own = {entry["name"] for c in pod["spec"]["containers"] if c["name"] == "agent" for entry in c.get("env", [])} | {"HOME"}
    return {"env": [entry for entry in agent["env"] if entry["name"] not in own and not entry["name"].startswith("OTHER")], "image": agent["image"],
            "resources": agent.get("resources"), "security": agent["securityContext"], "pod security": spec["securityContext"],
            "volumes": {v["name"]: v for v in spec["volumes"] if v["name"] in ("workspace", "tmp", "beads-config", "tpl-a", "tpl-b")},
            "annotations": {k: v for k, v in result["metadata"]["annotations"].items() if not k.startswith("other-")}}


@holds(templates=TEMPLATES, pod=PODS, disturbances=strategy(disturbances))
def repairs(engines, templates, pod, disturbances):
    """Whatever another webhook moved, dropped or repeated: what comes out has everything of ours once more, and stays so."""
    engine = engines.of(templates)
    _, result = inject(engine, pod)
    if result is None:
        return
    disturbed = disturb(result, disturbances)
    answer, repaired = inject(engine, disturbed)
    if repaired is None:
        return # an extra's source may now stand under a name of ours
    settled(engine, repaired, "pass after the repair")
    want, have = env_by_name(agent_of(result)), env_by_name(agent_of(repaired))
    for name in engine_env(engines, templates, pod):
        assert have.get(name) == want[name], f"env {name}: {have.get(name)} instead of {want[name]}"
    check_env(agent_of(repaired))


def env_by_name(container):
    return {entry.get("name"): entry for entry in container["env"]}


def engine_env(engines, templates, pod):
    """The names that the engine manages for this agent."""
    _, result = inject(engines.of(templates), bare(pod))
    return [] if result is None else [entry["name"] for entry in agent_of(result)["env"]]


# ---- the client's bytes ----

@holds(templates=TEMPLATES, pod=PODS)
def strange_members_survive(engines, templates, pod):
    """Unknown members, numbers that no double holds and odd strings are where they were, and no operation prints them."""
    engine = engines.of(templates)
    text, planted, marks = plant(pod)
    answer = check_answer(Answer(engine.ask(admission_review(None, text=text))))
    plain, result = inject(engine, pod)
    assert answer.allowed == plain.allowed, answer.denial
    if result is None:
        return
    assert MARK not in answer.patch_text and "12345678901234567" not in answer.patch_text, "the patch prints what the client wrote"
    after = rfc6902.apply(planted, answer.patch)
    assert count_marks(after) == marks, f"{count_marks(after)} of {marks} marks are left"
    assert uprooted(after) == result, "another result than without them"


@holds(templates=TEMPLATES, pod=PODS)
def touches_little(engines, templates, pod):
    """No operation writes a whole list or object that the client has, nor takes out what isn't ours to take."""
    answer, result = inject(engines.of(templates), pod)
    now = copy.deepcopy(pod)
    for operation in answer.patch if result is not None else []:
        path, there = operation["path"], at_path(now, operation["path"])
        inside_element = re.search(r"/(env|volumeMounts|tolerations|ports|topologySpreadConstraints|hostAliases|imagePullSecrets|envFrom)/\d+$", path)
        one_value = path.rsplit("/", 1)[1] in ("command", "args", "drop", "add", "affinity", "dnsConfig", "livenessProbe", "readinessProbe", "startupProbe",
                                                "seccompProfile", "supplementalGroups")
        if operation["op"] == "remove":
            assert removable(path, there), f"takes out {there} at {path}"
        elif operation["op"] == "replace":
            assert inside_element or one_value or not isinstance(there, (dict, list)), f"writes {path} anew"
        now = rfc6902.apply(now, [operation])


def removable(path, there):
    token = str(there.get("name", "") if isinstance(there, dict) else "").startswith("kube-api-access-")
    return path in ("/spec/priority", "/spec/preemptionPolicy") or bool(re.search(r"/env/\d+$", path)) or token or bool(
        re.search(r"/containers/\d+/volumeMounts/\d+$", path))


def at_path(node, path):
    for token in path.split("/")[1:]:
        token = token.replace("~1", "/").replace("~0", "~")
        if isinstance(node, list):
            node = node[int(token)] if token.isdigit() and int(token) < len(node) else None
        else:
            node = node.get(token) if isinstance(node, dict) else None
    return node


# ---- the same for everybody ----

@holds(templates=TEMPLATES, pod=PODS)
def same_for_everybody(engines, templates, pod):
    """Whoever wrote the pod: what a bare pod of this identity gets, this one has, too."""
    engine = engines.of(templates)
    _, result = inject(engine, pod)
    _, least = inject(engine, bare(pod))
    if result is None or least is None:
        return
    least = copy.deepcopy(least)
    del least["metadata"]["name"], least["metadata"]["labels"]["app.kubernetes.io/name"] # the one is the client's, the other only where there is none
    lacking = differences(least, result, "")
    assert not lacking, lacking[:3]
    want = [entry["name"] for entry in agent_of(least)["env"]]
    have = [entry["name"] for entry in agent_of(result)["env"] if entry["name"] in want]
    assert sorted(have) == sorted(want), f"{have} instead of {want}"


def differences(want, have, path):
    """Where `have` lacks something of `want`. Elements of lists are found by what names them."""
    if isinstance(want, dict) and isinstance(have, dict):
        return [d for key, value in want.items() for d in differences(value, have.get(key), f"{path}.{key}")]
    if isinstance(want, list) and isinstance(have, list) and all(isinstance(element, dict) for element in want):
        return [d for element in want for d in find_element(element, have, path)]
    same = want == have or (want in ("", [], None) and have in ("", [], None)) or (isinstance(want, str) and isinstance(have, str) and amount(path, want, have))
    return [] if same else [f"{path}: {have!r} instead of {want!r}"]


def amount(path, want, have):
    return re.search(r"\.(resources\..*|sizeLimit)$", path) and quantity(want) == quantity(have)


def find_element(element, elements, path):
    if path.endswith((".env", ".volumeMounts")): # nothing of the client's may stay in these
        return [] if full(element) in [full(e) for e in elements if isinstance(e, dict)] else [f"{path}: no {element}"]
    for key in ("mountPath", "name", "ip", "topologyKey", "containerPort"):
        if key in element:
            same = [e for e in elements if isinstance(e, dict) and e.get(key) == element[key]]
            return min((differences(element, e, f"{path}[{element[key]}]") for e in same), key=len, default=[f"{path}: no {element}"])
    return [] if any(not differences(element, e, path) for e in elements) else [f"{path}: no {element}"]


def full(element):
    """An env entry or a mount with what an absent member means."""
    members = without_defaults(element)
    return {**members, "mountPath": posixpath.normpath(members["mountPath"])} if "mountPath" in members else members


def without_defaults(node):
    if isinstance(node, dict):
        return {key: without_defaults(value) for key, value in node.items() if value not in ("", False, None) and (key, value) != ("apiVersion", "v1")}
    return node


@holds(templates=TEMPLATES, pod=PODS)
def nothing_over_our_paths(engines, templates, pod):
    """At the paths that we manage the agent has one mount, ours, however the client spells them."""
    engine = engines.of(templates)
    _, result = inject(engine, pod)
    _, least = inject(engine, bare(pod))
    if result is None or least is None:
        return
    have = [posixpath.normpath(mount["mountPath"]) for mount in agent_of(result)["volumeMounts"]]
    for path in {posixpath.normpath(mount["mountPath"]) for mount in agent_of(least)["volumeMounts"]}:
        assert have.count(path) == 1, f"{have.count(path)} mounts at {path}"


@holds(templates=TEMPLATES, older=TEMPLATES, pod=PODS)
def same_after_older_templates(engines, templates, older, pod):
    """A pod that came out of older templates (a copy of a live one) gets all that the new ones say."""
    _, before = inject(engines.of(older), pod)
    if before is None:
        return
    engine = engines.of(templates)
    _, result = inject(engine, sent_again(before))
    _, least = inject(engine, bare(pod))
    if result is None or least is None:
        return
    settled(engine, result, "second pass")
    del least["metadata"]["name"], least["metadata"]["labels"]["app.kubernetes.io/name"]
    lacking = differences(without_empty(least), result, "")
    assert not lacking, lacking[:3]


def without_empty(node):
    """Without what an API server leaves out when it is empty."""
    if isinstance(node, dict):
        return {key: without_empty(value) for key, value in node.items() if value not in ([], None)}
    return [without_empty(value) for value in node] if isinstance(node, list) else node


@holds(templates=TEMPLATES, pod=PODS, numbers=st.lists(st.integers(0, 999), min_size=1, max_size=5))
def completes_what_is_missing(engines, templates, pod, numbers):
    """Take members and elements out of an injected pod: they come back."""
    engine, least = engines.of(templates), bare(pod)
    _, result = inject(engine, least)
    if result is None:
        return
    answer, again = inject(engine, worn(result, numbers))
    if again is None:
        assert all(cause["field"].startswith("spec.volumes") for cause in answer.denial["details"]["causes"]), answer.denial # a claim's name is now an emptyDir's
        return
    settled(engine, again, "second pass")
    lacking = [line for line in differences(result, again, "") if "emptyDir" not in line] # a volume without a source is one
    assert not lacking, lacking[:3]


@holds(templates=TEMPLATES, pod=PODS)
def quiet_about_defaults(engines, templates, pod):
    """What an API server has filled into a bare pod is no value of the client's: no warning says that it gave way."""
    engine, least = engines.of(templates), bare(pod)
    _, result = inject(engine, least)
    if result is None:
        return
    least["spec"]["containers"][0]["image"] = agent_of(result)["image"]
    answer, _ = inject(engine, sent_again(least))
    noise = [warning for warning in answer.warnings if "replaced" in warning]
    assert not noise, noise


@holds(templates=TEMPLATES, pod=PODS)
def env_in_order(engines, templates, pod):
    """No managed name twice, and a $(NAME) behind its definition, unless they go in a circle."""
    _, result = inject(engines.of(templates), pod)
    if result is not None:
        check_env(agent_of(result), engine_env(engines, templates, pod))


def check_env(container, once=()):
    entries = [entry for entry in container["env"] if isinstance(entry, dict)]
    order = [entry.get("name") for entry in entries]
    for name in once:
        assert order.count(name) == 1, f"{name}: {order.count(name)} times"
    graph = {entry.get("name"): [name for name in references(entry) if name in order] for entry in entries}
    for i, entry in enumerate(entries):
        if entry["name"] not in once:
            continue # the client's own order is his business
        for name in graph[entry["name"]]:
            if not reaches(graph, name, entry["name"]):
                assert name in order[:i], f"{entry['name']} stands before {name}, which it refers to: {order}"


def references(entry):
    return [match[1] for match in REFERENCE.finditer(entry.get("value") or "") if match[1] is not None]


def reaches(graph, start, goal):
    seen, waiting = set(), [start]
    while waiting:
        name = waiting.pop()
        if name == goal:
            return True
        if name not in seen:
            seen.add(name)
            waiting += graph.get(name, [])
    return False


@holds(templates=TEMPLATES, who=strategy(identity))
def says_who_it_is(engines, templates, who):
    """The raw names arrive in the container as they are: kubelet expands $(...), so they must not hold any."""
    rig, role, agent = who
    _, result = inject(engines.of(templates), bare({"metadata": identity_metadata(*who)}))
    if result is None:
        return
    env = {entry["name"]: entry.get("value", "") for entry in agent_of(result)["env"]}
    seen = {name: expand(value, env) for name, value in env.items()}
    want = {"GT_ROLE": role, "GT_RIG": rig or "town", "GT_AGENT": agent, "BEADS_AGENT_NAME": f"{rig or 'town'}/{agent}",
            "BD_ACTOR": role if role in ("mayor", "deacon") else agent}
    for name, value in want.items():
        assert seen[name] == value, f"{name} is {seen[name]!r} for the container"


def expand(text, env):
    """k8s.io/kubernetes/third_party/forked/golang/expansion, for one level."""
    return REFERENCE.sub(lambda match: "$" if match[1] is None else env.get(match[1], match[0]), text)


# ---- layers ----

OPEN = {"eventOverrides": EVENTS}


@holds(templates=strategy(template_set, policy=OPEN), event=strategy(pod_template), role=st.sampled_from(["crew", "polecat", "witness"]))
def layers_as_modelled(engines, templates, event, role):
    """A second implementation of the merge rules comes to the same fields, with an event's template on top of all layers."""
    metadata = identity_metadata(RIG, role, "toast")
    metadata["annotations"]["event.gastown.io/template"] = json.dumps(event)
    answer, result = inject(engines.of(templates), {"apiVersion": "v1", "kind": "Pod", "metadata": metadata, "spec": {"containers": []}})
    if result is None:
        assert not event or answer.denial["code"] in (403, 422), answer.denial
        return
    want = model.resolve(model.layers_of(templates, RIG, role, event))
    spec, agent = result["spec"], agent_of(result)
    assert agent["image"] == want["image"][""]
    for field, have in (("labels", result["metadata"]["labels"]), ("annotations", result["metadata"]["annotations"]), ("nodeSelector", spec.get("nodeSelector", {}))):
        own = {key: value for key, value in have.items() if "gastown.io/" not in key and key != "app.kubernetes.io/name"}
        assert own == want[field], f"{field}: {own} instead of {want[field]}"
    have = {f"{side}.{name}": value for side, amounts in agent.get("resources", {}).items() for name, value in amounts.items()}
    assert have == want["resources"], f"resources: {have} instead of {want['resources']}"
    for field in ("terminationGracePeriodSeconds", "priorityClassName", "tolerations"):
        assert spec.get(field) in (want[field].get(""), *([None] if want[field].get("") == [] else [])), f"{field}: {spec.get(field)} instead of {want[field]}"
    env = env_by_name(agent)
    for name, entry in want["env"].items():
        secret = "secretKeyRef" in env.get(name, {}).get("valueFrom", {})
        assert env.get(name) == entry or secret, f"env {name}: {env.get(name)} instead of {entry}"


# ---- what must never happen ----

VIOLATIONS = {
    "spec.hostNetwork": lambda pod: pod["spec"].update(hostNetwork=True),
    "spec.hostPID": lambda pod: pod["spec"].update(hostPID=True),
    "spec.hostIPC": lambda pod: pod["spec"].update(hostIPC=True),
    "spec.volumes[bad].hostPath": lambda pod: pod["spec"].setdefault("volumes", []).append({"name": "bad", "hostPath": {"path": "/"}}),
    "spec.containers[bad].securityContext.privileged": lambda pod: extra(pod, securityContext={"privileged": True}),
    "spec.containers[bad].securityContext.runAsUser": lambda pod: extra(pod, securityContext={"runAsUser": 0}),
    "spec.containers[bad].ports[0].hostPort": lambda pod: extra(pod, ports=[{"containerPort": 1, "hostPort": 1}]),
    "spec.containers[bad].securityContext.capabilities.add[0]": lambda pod: extra(pod, securityContext={"capabilities": {"add": ["SYS_ADMIN"]}}),
    "spec.containers[agent].securityContext.runAsUser": lambda pod: own(pod, runAsUser=0),
    "spec.containers[agent].securityContext.privileged": lambda pod: own(pod, privileged=True),
    "spec.containers[agent].securityContext.capabilities.add[0]": lambda pod: own(pod, capabilities={"add": ["SYS_PTRACE"]}),
    "spec.containers[bad].image": lambda pod: extra(pod, image="evil.example/x:1"),
    "metadata.annotations[kubernetes.io/config.mirror]": lambda pod: pod["metadata"].setdefault("annotations", {}).update({"kubernetes.io/config.mirror": "x"}),
    "metadata.annotations[gastown.io/raw-agent]": lambda pod: pod["metadata"].setdefault("annotations", {}).update({"gastown.io/raw-agent": "forged"}),
}


def extra(pod, **members):
    pod["spec"]["containers"].append({"name": "bad", "image": "ghcr.io/acme/x:1", **members})


def own(pod, **security):
    if "agent" not in names(pod["spec"]["containers"]):
        pod["spec"]["containers"].append({"name": "agent", "image": "ghcr.io/acme/x:1"})
    agent_of(pod).setdefault("securityContext", {}).update(security)


@holds(templates=strategy(template_set, policy={"imageAllowlist": ALLOWLIST, "eventOverrides": EVENTS}), pod=PODS, violation=st.sampled_from(sorted(VIOLATIONS)))
def never_slips_through(engines, templates, pod, violation):
    """Each kind of violation, put into any pod, is denied with its field, before and after an injection."""
    engine = engines.of(templates)
    if "runAsUser" in json.dumps(templates) or "capabilities" in json.dumps(templates):
        return # what a template sets replaces the client's
    _, result = inject(engine, pod)
    for victim in (pod, result):
        if victim is None:
            continue
        bad = copy.deepcopy(victim)
        VIOLATIONS[violation](bad)
        answer = check_answer(engine.review(bad))
        assert answer.allowed is False, f"{violation} is allowed"
        fields = [cause["field"] for cause in answer.denial["details"]["causes"]]
        identity = any(field.startswith("metadata.") for field in fields) # then nothing else was looked at
        assert violation in fields or identity, f"{violation} is not among {fields}"


@holds(templates=TEMPLATES, pod=PODS, damage=strategy(damage))
def survives_junk(engines, templates, pod, damage):
    """Any type anywhere: the answer is a valid one; if there is a patch it applies, and twice is once."""
    engine = engines.of(templates)
    spoiled = spoil(pod, damage)
    answer = check_answer(engine.review(spoiled))
    if answer.allowed and answer.patch:
        result = rfc6902.apply(spoiled, answer.patch)
        again = check_answer(engine.review(result))
        assert again.allowed and not again.patch, f"second pass: {again.patch or again.denial}"


LINES = st.binary(max_size=40).map(lambda b: b.replace(b"\n", b"")) | st.recursive(
    st.none() | st.booleans() | st.floats() | st.integers() | st.text(max_size=5), lambda x: st.lists(x, max_size=3) | st.dictionaries(
        st.sampled_from(["kind", "apiVersion", "request", "uid", "object", "operation", "resource", "namespace"]), x, max_size=4), max_leaves=8).map(
            lambda value: json.dumps(value).encode())


@holds(line=LINES, kind=st.sampled_from(["", "review"]))
def answers_anything(engines, line, kind):
    """Any bytes: one line with an answer."""
    if kind == "review":
        line = b'{"kind":"AdmissionReview","apiVersion":"admission.k8s.io/v1","request":' + line + b"}"
    templates = [{"apiVersion": "gastown.io/v1alpha1", "kind": "GasTown", "metadata": {"name": "main"}, "spec": {"defaults": {"image": "a:1"}}}]
    answer = Answer(engines.of(templates).ask(line))
    check_answer(answer, answer.response.get("uid"))
