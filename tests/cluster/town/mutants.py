"""The comparison compared: can it fail at all?

Each value that only the webhook puts on a pod is taken away, or changed, in one of three pods that are the same, and
pods.unexplained() has to notice. The values stand for each group of a template's fields, so this is also where a group
that doesn't arrive on the pods is found: three pods that lack it equally are the same.
"""

import copy
from dataclasses import dataclass
from typing import Callable

from testbed.checks import Failure

from .pods import KEYS, unexplained


@dataclass(frozen=True)
class Injected:
    """One value of each group that only the webhook puts there."""

    group: str
    path: tuple
    agents: Callable = lambda agent: True


AGENT = ("spec", "containers", "agent")
INJECTED = (
    Injected("identity env", (*AGENT, "env", "GT_ROLE", "value")),
    Injected("env", (*AGENT, "env", "FLAVOUR", "value")),
    Injected("env entry", (*AGENT, "env", "GREETING")),
    Injected("secretEnv", (*AGENT, "env", "GIT_TOKEN", "valueFrom", "secretKeyRef", "key")),
    Injected("secretEnv entry", (*AGENT, "env", "GIT_TOKEN")),
    Injected("daemon token", (*AGENT, "env", "BD_DAEMON_TOKEN", "valueFrom", "secretKeyRef", "name")),
    Injected("API key", (*AGENT, "env", "ANTHROPIC_API_KEY", "valueFrom", "secretKeyRef", "name")),
    Injected("bead env", (*AGENT, "env", "GT_BEAD", "value"), lambda agent: "" not in agent.beads),
    Injected("role override", (*AGENT, "env", "LOOKOUT"), lambda agent: agent.role == "scout"),
    Injected("image", (*AGENT, "image")),
    Injected("pull policy", (*AGENT, "imagePullPolicy")),
    Injected("resources, request", (*AGENT, "resources", "requests", "memory")),
    Injected("resources, limit", (*AGENT, "resources", "limits", "cpu")),
    Injected("volume", ("spec", "volumes", "scratch")),
    Injected("volume's member", ("spec", "volumes", "scratch", "emptyDir", "sizeLimit")),
    Injected("mount", (*AGENT, "volumeMounts", "/scratch")),
    Injected("workspace mount", (*AGENT, "volumeMounts", "/home/agent/gt")),
    Injected("claim", ("spec", "volumes", "workspace", "persistentVolumeClaim", "claimName"), lambda agent: agent.persists),
    Injected("workspace", ("spec", "volumes", "workspace", "emptyDir"), lambda agent: not agent.persists),
    Injected("config map", ("spec", "volumes", "beads-config", "configMap", "name")),
    Injected("pod security context", ("spec", "securityContext", "fsGroup")),
    Injected("pod security context, template's", ("spec", "securityContext", "supplementalGroups")),
    Injected("container security context", (*AGENT, "securityContext", "capabilities", "drop")),
    Injected("container security context, template's", (*AGENT, "securityContext", "readOnlyRootFilesystem")),
    Injected("label", ("metadata", "labels", "gastown.test/team")),
    Injected("annotation", ("metadata", "annotations", "gastown.test/owner")),
    Injected("template hash", ("metadata", "annotations", "gastown.io/template-hash")),
    Injected("layers", ("metadata", "annotations", "gastown.io/layers")),
    Injected("toleration", ("spec", "tolerations", "gastown.test/agents")),
    Injected("node selector", ("spec", "nodeSelector", "gastown.test/pool")),
    Injected("automount", ("spec", "automountServiceAccountToken")),
    Injected("restart policy", ("spec", "restartPolicy")),
    Injected("grace period", ("spec", "terminationGracePeriodSeconds")),
)


def parent_and_key(pod, path):
    """The container of the last step and the key or index in it; KeyError if there's no such place."""
    place, field = pod, ""
    for part in path[:-1]:
        place, field = place[position(place, part, field)], part
    return place, position(place, path[-1], field)


def position(place, part, field):
    if isinstance(place, dict):
        if part not in place:
            raise KeyError(part)
        return part
    key = KEYS.get(field, "name")
    for index, element in enumerate(place):
        if element.get(key) == part:
            return index
    raise KeyError(part)


def remove(place, key):
    del place[key]


def alter(place, key):
    """To another value of the same type; an element of a list is given a member more."""
    value = place[key]
    if isinstance(value, bool):
        place[key] = not value
    elif isinstance(value, int):
        place[key] = value + 1
    elif isinstance(value, str):
        place[key] = value + "x"
    elif isinstance(value, list):
        place[key] = [*value, "x"]
    else:
        place[key] = {**value, "x": "x"}


def add_env(pod):
    parent_and_key(pod, AGENT)[0][0]["env"].append({"name": "EXTRA", "value": "x"})


def swap_env(pod):
    env = parent_and_key(pod, AGENT)[0][0]["env"]
    env[0], env[1] = env[1], env[0]


def add_volume(pod):
    pod["spec"]["volumes"].append({"name": "extra", "emptyDir": {}})


def add_container(pod):
    pod["spec"]["containers"].append({"name": "extra", "image": "x"})


def relabel(pod):
    pod["metadata"]["labels"]["gastown.io/agent"] += "x"


WHOLE = (("an env entry more", add_env), ("two env entries swapped", swap_env), ("a volume more", add_volume),
         ("a container more", add_container), ("another identity", relabel))


def mutants(agent, pod):
    """(what was done, the pod with it done); Failure if a value of the templates isn't on the pod at all."""
    for injected in INJECTED:
        if not injected.agents(agent):
            continue
        for verb, change in (("removed", remove), ("altered", alter)):
            mutant = copy.deepcopy(pod)
            try:
                change(*parent_and_key(mutant, injected.path))
            except KeyError as error:
                raise Failure(f"{injected.group}: {'/'.join(injected.path)} is not on the pod ({error})") from None
            yield f"{injected.group} {verb}", mutant
    for what, change in WHOLE:
        mutant = copy.deepcopy(pod)
        change(mutant)
        yield what, mutant


def survivors(agent, pods):
    """The mutants the comparison didn't notice, and how many there were: each change, in each of the three pods."""
    missed, count = [], 0
    for way in pods:
        for what, mutant in mutants(agent, pods[way]):
            count += 1
            if not unexplained({**pods, way: mutant}):
                missed.append(f"{what} in the pod by {way}")
    return missed, count
