"""Are these three the same pod?

A pod is a set of leaves, each with a path as in `gastown-inject explain`: spec.containers[agent].env[GT_ROLE].value. Lists
of named things are compared by name, and their order too where order means something. What may differ is in ALLOWED, with
its reason; an entry that no comparison needed is itself an error, or the list would grow into a blindfold.
"""

import re
from dataclasses import dataclass
from typing import Callable

# The three ways, and which of them the other two are compared with.
WATCHER, KUBECTL, JOB = "watcher", "kubectl", "Job"
REFERENCE = KUBECTL

MISSING = "(missing)"


# ---- a pod as leaves ----

# What tells the elements of a list apart, where it isn't their name.
KEYS = {"volumeMounts": "mountPath", "ports": "containerPort", "tolerations": "key", "ownerReferences": "kind"}
# The contract leaves their order open: nothing depends on it.
UNORDERED = {"volumes", "volumeMounts"}


def key_of(field, elements):
    """The member that tells them apart, or None."""
    key = KEYS.get(field, "name")
    names = [element.get(key) for element in elements if isinstance(element, dict)]
    return key if len(names) == len(elements) and None not in names and len(set(map(str, names))) == len(names) else None


def step(path, key):
    plain = re.fullmatch(r"[A-Za-z][A-Za-z0-9_]*", key)
    return f"{path}[{key}]" if not plain else f"{path}.{key}" if path else key


def leaves(value, path="", field=""):
    """{path: scalar, empty list or empty map}"""
    if isinstance(value, dict) and value:
        return merged(leaves(member, step(path, name), name) for name, member in value.items())
    if isinstance(value, list) and value:
        key = key_of(field, value)
        if key is None:
            return merged(leaves(element, f"{path}[{index}]") for index, element in enumerate(value))
        order = {} if field in UNORDERED else {f"{path}[order]": [element[key] for element in value]}
        return merged([order, *(leaves(element, f"{path}[{element[key]}]") for element in value)])
    return {path: value}


def merged(parts):
    return {path: value for part in parts for path, value in part.items()}


# ---- what may differ ----

@dataclass(frozen=True)
class Allowed:
    way: str
    path: str
    reason: str
    # Given the reference's value and the other's.
    when: Callable = lambda here, there: True

    def fits(self, difference):
        return (self.way in (difference.way, "any") and re.fullmatch(self.path, difference.path)
                and self.when(difference.here, difference.there))


def only_there(here, there):
    return here == MISSING


ALLOWED = (
    Allowed("any", r"metadata\.uid", "each object has its own"),
    Allowed("any", r"metadata\.resourceVersion", "each object has its own"),
    Allowed("any", r"metadata\.creationTimestamp", "they were made one after the other"),
    Allowed("any", r"metadata\.managedFields.*", "says who wrote what, and three programs did"),
    Allowed(WATCHER, r"metadata\.(labels|annotations)\[gastown\.io/created-by\]",
            "the watcher's mark: only pods that carry it does it ever delete", only_there),
    Allowed(JOB, r"metadata\.(name|generateName)", "a Job's pods get generated names"),
    Allowed(JOB, r"metadata\.ownerReferences.*", "a Job owns its pods", only_there),
    Allowed(JOB, r"metadata\.finalizers.*", "how the Job controller counts its pods", only_there),
    Allowed(JOB, r"metadata\.labels\[(batch\.kubernetes\.io/)?(job-name|controller-uid)\]",
            "how a Job finds its pods", only_there),
    Allowed(JOB, r"spec\.restartPolicy", "a Job's pod keeps the Job's policy: it may not be Always",
            lambda here, there: (here, there) == ("Always", "Never")),
)


# ---- the comparison ----

@dataclass(frozen=True)
class Difference:
    way: str
    path: str
    here: object
    there: object

    def __str__(self):
        return f"{self.path}: {self.here!r} by {REFERENCE}, {self.there!r} by {self.way}"


def all_differences(pods):
    """Of {way: pod}, each against the reference's."""
    here = leaves(pods[REFERENCE])
    for way in pods:
        there = leaves(pods[way])
        for path in sorted(here.keys() | there.keys()):
            pair = here.get(path, MISSING), there.get(path, MISSING)
            if pair[0] != pair[1] or type(pair[0]) is not type(pair[1]):
                yield Difference(way, path, *pair)


def unexplained(pods, used=None):
    """The differences nothing allows; the entries that were needed are added to `used`."""
    left = []
    for difference in all_differences(pods):
        fitting = [entry for entry in ALLOWED if entry.fits(difference)]
        if used is not None:
            used.update(fitting)
        if not fitting:
            left.append(difference)
    return left


# ---- a smaller object inside a larger one ----

def not_in(part, whole):
    """The leaves of `part` that `whole` lacks or has otherwise: what a server only adds to isn't missed."""
    there = leaves(whole)
    return [f"{path}: {value!r}, not {there.get(path, MISSING)!r}" for path, value in leaves(part).items()
            if not path.endswith("[order]") and value not in ({}, [], None) and there.get(path, MISSING) != value]
