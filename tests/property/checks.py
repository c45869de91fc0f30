"""What properties check answers and pods by."""
import json
import posixpath
import re

import jsonpatch

import rfc6902
from apiserver import quantity
from copies import copied

REFERENCE = re.compile(r"\$\$|\$\(([^)]*)\)")


# ---- answers ----

def check_answer(answer, uid="705ab4f5-6393-11e8-b7cc-42010a800002"):
    """The rules of the API server (VerifyAdmissionResponse) and of the contract."""
    if answer.code is not None:
        status = answer.whole
        assert status["apiVersion"] == "v1" and status["status"] == "Failure" and status["message"] and status["reason"], status
        assert answer.code in (400, 413, 500, 503), status
        check_members(status, STATUS, "")
        return answer
    response = answer.response
    check_schema(answer.whole)
    assert (answer.whole["apiVersion"], answer.whole["kind"]) == ("admission.k8s.io/v1", "AdmissionReview"), answer.whole
    assert response["uid"] == uid and isinstance(answer.allowed, bool), response
    assert ("patch" in response) == ("patchType" in response) and response.get("patchType", "JSONPatch") == "JSONPatch", response
    assert "patch" not in response or answer.patch, "an empty patch"
    check_warnings(answer.warnings)
    if not answer.allowed:
        check_denial(answer)
    return answer


# k8s.io/api/admission/v1 and meta/v1, as far as an answer has them: names and types
CAUSE = {"reason": str, "message": str, "field": str}
STATUS = {"kind": str, "apiVersion": str, "metadata": dict, "status": str, "message": str, "reason": str, "code": int,
          "details": {"name": str, "group": str, "kind": str, "uid": str, "causes": [CAUSE], "retryAfterSeconds": int}}
RESPONSE = {"uid": str, "allowed": bool, "status": {name: of for name, of in STATUS.items() if name not in ("kind", "apiVersion")}, "patch": str, "patchType": str,
            "auditAnnotations": dict, "warnings": [str]}


def check_schema(whole):
    check_members(whole, {"kind": str, "apiVersion": str, "response": RESPONSE}, "")
    for key, value in whole["response"].get("auditAnnotations", {}).items():
        assert re.fullmatch(r"[A-Za-z0-9]([-A-Za-z0-9_.]*[A-Za-z0-9])?", key) and isinstance(value, str), f"auditAnnotations {key}: {value!r}"


def check_members(value, schema, path):
    """Nothing that an API server doesn't know, and nothing of another type."""
    if isinstance(schema, dict):
        assert isinstance(value, dict), f"{path} is {value!r}"
        for name, inner in value.items():
            assert name in schema, f"{path}.{name} is no field"
            check_members(inner, schema[name], f"{path}.{name}")
    elif isinstance(schema, list):
        assert isinstance(value, list), f"{path} is {value!r}"
        for inner in value:
            check_members(inner, schema[0], path + "[]")
    else:
        assert type(value) is schema, f"{path} is {value!r}, not {schema.__name__}"


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
    assert result == jsonpatch.apply_patch(copied(pod), copied(answer.patch), in_place=True), "the two implementations of JSON Patch disagree"
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


# ---- comparing ----

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


def without_empty(node):
    """Without what an API server leaves out when it is empty."""
    if isinstance(node, dict):
        return {key: without_empty(value) for key, value in node.items() if value not in ([], None)}
    return [without_empty(value) for value in node] if isinstance(node, list) else node


def at_path(node, path):
    for token in path.split("/")[1:]:
        token = token.replace("~1", "/").replace("~0", "~")
        if isinstance(node, list):
            node = node[int(token)] if token.isdigit() and int(token) < len(node) else None
        else:
            node = node.get(token) if isinstance(node, dict) else None
    return node


# ---- environments ----

def env_by_name(container):
    return {entry.get("name"): entry for entry in container["env"]}


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


def check_their_references(container, once):
    """A client's entry that refers to one of ours stands behind it, unless ours has to stand behind that entry, or one after it."""
    entries = [entry for entry in container["env"] if isinstance(entry, dict)]
    order = [entry.get("name") for entry in entries]
    ours = {entry["name"]: [name for name in references(entry) if name in order] for entry in entries if entry.get("name") in once}
    for i, entry in enumerate(entries):
        for name in references(entry) if entry["name"] not in once else ():
            behind = [at for at, other in enumerate(order) if other not in once and reaches(ours, name, other)]
            late = name in ours and order.index(name) > i and not any(reaches(ours, inner, name) for inner in ours[name])
            assert not late or max(behind, default=-1) >= i, f"{entry['name']} stands before {name}, which it refers to: {order}"


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


def expand(text, env):
    """k8s.io/kubernetes/third_party/forked/golang/expansion, for one level."""
    return REFERENCE.sub(lambda match: "$" if match[1] is None else env.get(match[1], match[0]), text)
