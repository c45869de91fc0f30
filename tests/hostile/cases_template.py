"""Reviews of templates: a GasTown, Rig or AgentPool that somebody writes. What is wrong with one is said (422) or is none of ours; nothing
in it is a failure of ours, whatever it holds."""
from case import MIB, Case
from expect import accepted, denied, http, ignored
from engine import admission_review


def template(kind, spec, name="t", **metadata):
    return {"apiVersion": "gastown.io/v1alpha1", "kind": kind, "metadata": {"name": name, "namespace": "gastown", **metadata}, "spec": spec}


def rig(**spec):
    return template("Rig", {"name": "r", **spec})


def review(made, kind=None, **request):
    """The bytes of a review of it."""
    kind = kind or (made["kind"] if isinstance(made, dict) and isinstance(made.get("kind"), str) else "Rig")
    group = {"group": "gastown.io", "version": "v1alpha1"}
    return admission_review(made, **{"kind": {**group, "kind": kind}, "resource": {**group, "resource": kind.lower() + "s"}, **request})


def case(name, why, made, expect, **request):
    return Case(f"template-{name}", why, lambda: review(made() if callable(made) else made, **request), expect)


def raw(old, new, made):
    """The bytes of a review in which one text stands for another."""
    line = review(made)
    assert line.count(old) == 1, old
    return line.replace(old, new)


SIMPLE = [
    case("rig", "a good one", rig(), accepted()),
    case("pool", "of a rig that has no object", template("AgentPool", {"rig": "r", "role": "crew"}), accepted()),
    case("second-town", "the namespace has one", template("GasTown", {}), denied(422, "GasTown/main is the town", fields=["metadata.namespace"])),
    case("town-itself", "its own place is its own", template("GasTown", {"defaults": {"image": "ghcr.io/acme/agent:v8"}}, name="main"), accepted(), operation="UPDATE"),
    case("slip", "what is meant is said", rig(podOverrides={"imgae": "hostile"}), denied(422, "did you mean image?", fields=["spec.podOverrides.imgae"])),
    case("weakened", "no template weakens the profile", rig(podOverrides={"securityContext": {"privileged": True}}), denied(422)),
    case("elsewhere", "another namespace, which has no town", rig(), accepted(), namespace="hostile"),
    case("dry-run", "is answered like any other", rig(), accepted(), dryRun=True),
]

STRANGE = [
    *[case(f"object-{name}", "an object is an object", made, http(400, "request.object"), kind="Rig")
      for name, made in (("null", None), ("list", []), ("string", "Rig"), ("empty", {}), ("pod", {"apiVersion": "v1", "kind": "Pod"}))],
    case("other-kind", "the request says Rig, the object says pool: one of them lies", template("AgentPool", {}), http(400, "request.object"), kind="Rig"),
    case("other-version", "the request says v1alpha1", {**rig(), "apiVersion": "gastown.io/v2"}, http(400, "request.object")),
    *[case(f"spec-{name}", "a spec is an object", template("Rig", spec), denied(422, "spec: must be an object"))
      for name, spec in (("null", None), ("list", []), ("string", "hostile"), ("number", 5))],
    *[case(f"metadata-{name}", "metadata that says nothing", {**rig(), "metadata": metadata}, denied(422, "metadata.name"))
      for name, metadata in (("null", None), ("list", []), ("string", "hostile"))],
    case("name-number", "a name is text", template("Rig", {"name": "r"}, name=5), denied(422, "metadata.name")),
    case("name-odd", "and one of Kubernetes'", template("Rig", {"name": "r"}, name="HOSTILE\n\u0007"), denied(422, "metadata.name")),
    case("name-generated", "comes later", {**rig(), "metadata": {"generateName": "r-"}}, accepted()),
    case("namespace-number", "a namespace is text", rig(), http(400, "request.namespace"), namespace=5),
    case("namespace-missing", "these kinds have one", rig(), http(400, "request.namespace"), namespace=None),
    case("generation-odd", "isn't looked at", template("Rig", {"name": "r"}, generation="hostile"), accepted()),
    case("delete", "has nothing to check", None, ignored, operation="DELETE"),
    case("connect", "no change", rig(), ignored, operation="CONNECT"),
    case("status", "is the webhook's own", {**rig(), "spec": 5}, ignored, operation="UPDATE", subResource="status"),
    case("old-missing", "an update without what was before is a change", rig(imgae=1), denied(422, "spec.imgae"), operation="UPDATE"),
    case("old-string", "or with something else", rig(), accepted(), operation="UPDATE", oldObject="hostile"),
    case("old-error", "a wrong one can lose its finalizer", rig(imgae=1), accepted("as wrong as before"), operation="UPDATE", oldObject=rig(imgae=1)),
    Case("template-kind-string", "a kind that is text is none of ours", admission_review(rig(), kind="Rig"), ignored),
]

CONTENT = [
    Case("template-nul", "a NUL nobody can write down", raw(b'"note"', rb'"hos\u0000tile"', rig(podOverrides={"command": ["note"]})), denied(422, "spec")),
    Case("template-number", "no double holds it", raw(b"99", b"9" * 400, rig(podOverrides={"terminationGracePeriodSeconds": 99})), denied(422, "spec")),
    Case("template-number-huge", "nor this", raw(b"99", b"1e999999", rig(podOverrides={"terminationGracePeriodSeconds": 99})), denied(422, "spec")),
    Case("template-duplicate", "a key twice could be read in two ways", raw(b'"name": "r"', b'"name": "r", "name": "s"', rig()), http(400, "duplicate")),
    case("name-of-a-rig", "whatever the raw name is", template("Rig", {"name": "h\nostile\u202e\u0007" + "x" * 5000}), accepted()),
    case("role-odd", "a role is a word", template("AgentPool", {"rig": "r", "role": "../hostile"}), denied(422, "spec.role")),
    case("deep", "as deep as a review may be", lambda: rig(podOverrides={"affinity": deep(80)}), accepted()),
    case("errors", "ten thousand of them: the first hundred", lambda: rig(podOverrides={f"hostile{i}": 1 for i in range(10_000)}), denied(422, "and 9900 more")),
    case("roles", "more than anybody has", lambda: rig(roleOverrides={f"role-{i}": {"image": "hostile:1"} for i in range(5000)}), denied(422, "more than 64")),
    case("roles-denied", "each with a name twice", lambda: rig(roleOverrides={f"role-{i}": {"initContainers": [{"name": "x", "image": "a:1"}], "sidecars": [{"name": "x", "image": "a:1"}]}
                                                                         for i in range(60)}), denied(422)),
    case("env", "a thousand variables in each of sixty roles",
         lambda: rig(roleOverrides={f"role-{i}": {"env": [{"name": f"V{n}", "value": "hostile"} for n in range(1000)]} for i in range(60)}), accepted()),
    case("string", "a megabyte of text", lambda: rig(podOverrides={"args": ["hostile" * (MIB // 7)]}), accepted()),
    case("managed-fields", "aren't looked at", lambda: template("Rig", {"name": "r"}, managedFields=[{"a": 1e300}] * 20_000), accepted()),
    case("policy", "a policy that nothing satisfies", template("GasTown", {"policy": {"imageAllowlist": ["hostile.example"] * 500}, "defaults": {"image": "a:1"}}, name="main"),
         accepted("denied on pods of"), operation="UPDATE"),
]


def deep(depth):
    node = {}
    for _ in range(depth):
        node = {"hostile": node}
    return node


CASES = SIMPLE + STRANGE + CONTENT
