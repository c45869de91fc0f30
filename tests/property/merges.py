"""What must hold for merging layers, through `gastown-inject merge`: what comes out is canonical, so layers that do the same are the same
bytes. One process for each merge."""
import json
import os
import subprocess
import tempfile

from hypothesis import strategies as st

from checks import inject
from choices import strategy
from engine import FOLDERS
from pods import bare, identity_metadata
from registry import MOOT, holds
from templates import RIG, document, layer

LAYER = strategy(layer)


class Merger:
    """Runs `merge`; layers are objects or texts."""

    def __init__(self, program):
        self.program = program
        self.folder = tempfile.TemporaryDirectory(prefix="gastown-merge-", dir=FOLDERS)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.folder.cleanup()

    def __call__(self, *layers):
        paths = [os.path.join(self.folder.name, f"{i}.yaml") for i in range(len(layers))]
        for path, content in zip(paths, layers):
            with open(path, "w", encoding="utf-8") as file:
                file.write(content if isinstance(content, str) else json.dumps(content, ensure_ascii=False))
        done = subprocess.run([self.program, "merge", "-o", "json", *paths], capture_output=True, text=True, timeout=30)
        assert done.returncode == 0, f"merge: status {done.returncode}: {done.stderr[:600]}"
        return done.stdout


@holds(low=LAYER, middle=LAYER, high=LAYER)
def merging_is_associative(engines, low, middle, high):
    """merge(merge(a, b), c) = merge(a, merge(b, c)) = merge(a, b, c), to the byte."""
    with Merger(engines.program) as merge:
        at_once = merge(low, middle, high)
        first, last = merge(merge(low, middle), high), merge(low, merge(middle, high))
    assert first == at_once, f"(ab)c is {first}, abc is {at_once}"
    assert last == at_once, f"a(bc) is {last}, abc is {at_once}"


@holds(one=LAYER, other=LAYER)
def merging_has_an_identity(engines, one, other):
    """The empty layer changes nothing, below and above; what comes out is a fixed point, and merged with itself it stays what it is."""
    with Merger(engines.program) as merge:
        alone, both = merge(one), merge(one, other)
        results = {"{} below and above": (merge({}, one, {}), alone), "twice itself": (merge(alone, alone), alone),
                   "{} between": (merge(one, {}, other), both), "the whole once more": (merge(both), both)}
    for what, (found, wanted) in results.items():
        assert found == wanted, f"{what}: {found} instead of {wanted}"


@holds(low=LAYER, middle=LAYER, high=LAYER, role=st.sampled_from(["crew", "polecat", "witness"]))
def merged_acts_as_its_parts(engines, low, middle, high, role):
    """Two layers merged do to a pod what the two do one above the other. (Not their resources: which of two layers set an amount decides
    whether a request lifts a limit, and merged they are one.)"""
    parts = [{key: value for key, value in part.items() if key != "resources"} for part in (low, middle, high)]
    with Merger(engines.program) as merge:
        merged = json.loads(merge(parts[0], parts[1]))
    pod = bare({"metadata": identity_metadata(RIG, role, "toast")})
    results = []
    for town, rig in ((parts[0], parts[1]), ({}, merged)):
        documents = [document("GasTown", "main", {"defaults": town}),
                     document("Rig", "gastown", {"name": RIG, "podOverrides": rig, "roleOverrides": {role: parts[2]}})]
        answer, result = inject(engines.of(documents), pod)
        if result is not None:
            del result["metadata"]["annotations"]["gastown.io/layers"] # names the layers
        results.append((answer.denial.get("code"), result))
    assert results[0] == results[1], f"one above the other {results[0]}, merged {results[1]}"
    return MOOT if result is None else None
