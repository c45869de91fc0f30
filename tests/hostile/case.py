"""A row of the table, and the pod that most rows vary."""
import json
import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "property"))

from copies import copied  # noqa: E402
from engine import admission_review  # noqa: E402

UID = "705ab4f5-6393-11e8-b7cc-42010a800002"
MIB = 1024 * 1024
LABELS = {"gastown.io/rig": "gastown", "gastown.io/role": "polecat", "gastown.io/agent": "toast", "app.kubernetes.io/name": "gastown"}


class Case:
    """name, why (what it is about), what is sent (a pod, or the whole line as bytes; a function where that is large), what is expected;
    `read_as`: the pod in the line, where reading it again takes long."""

    def __init__(self, name, why, sent, expect, uid=UID, read_as=None, **request):
        self.name, self.why, self.sent, self.expect, self.uid, self.read_as, self.request = name, why, sent, expect, uid, read_as, request
        self.made = None

    def value(self):
        if self.made is None:
            self.made = self.sent() if callable(self.sent) else self.sent
        return self.made

    @property
    def line(self):
        value = self.value()
        return value if isinstance(value, bytes) else admission_review(value, uid=self.uid, **self.request)

    @property
    def pod(self):
        value = self.value() if self.read_as is None else self.read_as
        return read(value)["request"]["object"] if isinstance(value, bytes) else copied(value)

    def forget(self):
        self.made = None


def read(line):
    """A review's bytes; numbers that Python can't hold, or wouldn't print again, become texts."""
    return json.loads(line, parse_float=str, parse_int=lambda digits: int(digits) if len(digits) < 20 else digits)


def pod(labels=(), annotations=(), container=(), metadata=(), **spec):
    """An agent's pod with these changes: what is in `container` goes into the agent's own."""
    return {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "p", "labels": {**LABELS, **dict(labels)}, "annotations": dict(annotations), **dict(metadata)},
            "spec": {"containers": [{"name": "agent", "image": "ghcr.io/acme/agent:v7", **dict(container)}], **spec}}


def without(node, *path):
    """The node without the member at the path."""
    node = copied(node)
    parent = node
    for step in path[:-1]:
        parent = parent[step]
    del parent[path[-1]]
    return node


def raw(old, new, base=None):
    """A review as bytes in which one text stands for another, for what json.dumps wouldn't print."""
    line = admission_review(pod() if base is None else base)
    assert line.count(old) == 1, f"{old} stands {line.count(old)} times in the review"
    return line.replace(old, new)
