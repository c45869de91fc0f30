"""The merge rules of PodTemplates, a second time and as slowly as one likes: what docs/templates.md says about a few kinds of fields. Tests
compare the engine with it on bare pods."""

from apiserver import quantity
from copies import copied

MAPS, WHOLE = ("labels", "annotations", "nodeSelector"), ("image", "terminationGracePeriodSeconds", "tolerations", "priorityClassName")
PROFILE = {"resources": {"requests": {"cpu": "500m", "memory": "1Gi"}, "limits": {"cpu": "2", "memory": "4Gi"}}, "terminationGracePeriodSeconds": 30,
           "annotations": {"cluster-autoscaler.kubernetes.io/safe-to-evict": "false", "karpenter.sh/do-not-disrupt": "true"}}


def resolve(layers):
    """From the lowest to the highest layer (the role profile comes by itself): {field: {key: (value, layer)}}, "" for whole fields."""
    cells = {field: {} for field in MAPS + WHOLE + ("env", "resources")}
    for level, template in enumerate([PROFILE] + layers):
        for path in template.get("unset", []):
            take_away(cells, *path.partition(".")[::2])
        for field in cells:
            if field in template:
                put(cells, field, template[field], level)
    settle(cells["resources"])
    return {field: {key: value for key, (value, _) in found.items() if value is not None} for field, found in cells.items()}


def take_away(cells, field, key):
    for there in list(cells.get(field, {})):
        if key in ("", there) or there.startswith(key + "."):
            cells[field][there] = (None, 0) if field == "env" and key else cells[field].pop(there) and (None, 0)


def put(cells, field, value, level):
    if value is None:
        take_away(cells, field, "")
    elif field in WHOLE:
        cells[field][""] = (value, level)
    elif field == "env":
        for entry in value:
            cells[field][entry["name"]] = (None if "$patch" in entry else entry, level)
    elif field == "resources":
        for side, amounts in value.items():
            for name, amount in amounts.items():
                cells[field][f"{side}.{name}"] = (amount, level)
    else:
        for key, text in value.items():
            cells[field][key] = (text, level)


def settle(resources):
    for key in [key for key in resources if key.startswith("requests.")]:
        other = key.replace("requests.", "limits.")
        (request, low), (limit, high) = resources[key], resources.get(other, (None, 0))
        if request is None or limit is None or quantity(request) <= quantity(limit):
            continue
        if low >= high:
            resources[other] = (request, low)
        else:
            resources[key] = (limit, high)


def layers_of(templates, rig, role, event):
    """The templates that hold for an agent, lowest first."""
    by_kind = {document["kind"]: document["spec"] for document in templates}
    found = [by_kind["GasTown"].get("defaults", {})]
    if by_kind.get("Rig", {}).get("name") == rig:
        found += [by_kind["Rig"].get("podOverrides", {}), by_kind["Rig"].get("roleOverrides", {}).get(role, {})]
    if (by_kind.get("AgentPool", {}).get("rig"), by_kind.get("AgentPool", {}).get("role")) == (rig, role):
        found.append(by_kind["AgentPool"].get("template", {}))
    return copied(found + [event])
