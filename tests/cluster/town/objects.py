"""GasTowns, Rigs and AgentPools as objects of a cluster, and what it says about them."""

GROUP = "gastown.io/v1alpha1"
PLURALS = {"GasTown": "gastowns", "Rig": "rigs", "AgentPool": "agentpools"}
IMAGE = "gastown.test/agent:1"


def template_object(kind, namespace, name, spec):
    return {"apiVersion": GROUP, "kind": kind, "metadata": {"name": name, "namespace": namespace}, "spec": spec}


def flavour(value):
    """What tells one layer's pods from another's."""
    return [{"name": "FLAVOUR", "value": value}]


def gastown(namespace, name="main", **defaults):
    return template_object("GasTown", namespace, name, {
        "name": "gt-town", "defaults": {"image": IMAGE, "env": flavour("town"), **defaults}})


def rig(namespace, name, **overrides):
    return template_object("Rig", namespace, name, {"name": name, "podOverrides": overrides})


def pool(namespace, name, rig_name, role, **template):
    return template_object("AgentPool", namespace, name, {"rig": rig_name, "role": role, "template": template})


def path(kind, namespace, name=""):
    return f"/apis/{GROUP}/namespaces/{namespace}/{PLURALS[kind]}{'/' + name if name else ''}"


def accepted(item):
    """Its condition Accepted, if it's about the object as it is now."""
    for condition in item.get("status", {}).get("conditions", ()):
        if condition["type"] == "Accepted" and condition.get("observedGeneration") == item["metadata"]["generation"]:
            return condition
    return None


# ---- and of the pods ----

def env(pod, name):
    """Of the agent's container; None: it has none."""
    [agent] = [one for one in pod["spec"]["containers"] if one["name"] == "agent"]
    return next((entry.get("value") for entry in agent.get("env", ()) if entry["name"] == name), None)


def template_hash(pod):
    return pod["metadata"].get("annotations", {}).get("gastown.io/template-hash")


def layers(pod):
    return pod["metadata"].get("annotations", {}).get("gastown.io/layers", "")
