"""Who lives here, and the three ways an agent's pod comes into being: the watcher from an event, a person with kubectl, a
Job's controller."""

import json
from dataclasses import dataclass

NAMESPACE = "gastown"
# What the town's template says. The watcher is given another one, which must lose.
IMAGE = "gastown.test/agent:1"
WATCHER_IMAGE = "gastown.test/from-the-watcher:0"

RIG, ROLE, AGENT = "gastown.io/rig", "gastown.io/role", "gastown.io/agent"


@dataclass(frozen=True)
class Agent:
    role: str
    name: str
    rig: str = "gastown"
    # It is in the captured run; the others need an event made for them.
    captured: bool = False
    # Kept by its profile through restarts: a PersistentVolumeClaim is its workspace.
    persists: bool = False
    # What the watcher may have learnt that it works on; "": nothing. The capture slings twice to its polecat, after the
    # spawn that makes the pod; which of these the pod carries is the watcher's affair.
    beads: tuple = ("",)

    @property
    def town_role(self):
        return self.rig == "town"

    @property
    def pod_name(self):
        """None of our names has a byte that would need a hash."""
        return f"gt-{self.rig}-{self.role}-{self.name}"

    @property
    def labels(self):
        """A town role's pod has no rig label."""
        rig = {} if self.town_role else {RIG: self.rig}
        return {"app.kubernetes.io/name": "gastown", **rig, ROLE: self.role, AGENT: self.name}

    @property
    def selector(self):
        return f"{ROLE}={self.role},{AGENT}={self.name}"

    def __str__(self):
        return f"{self.role} {self.name}"


AGENTS = (
    Agent("polecat", "furiosa", captured=True, beads=("", "gt-h3j", "gt-0bt")),
    Agent("crew", "k8s", captured=True, persists=True, beads=("gt-qq7",)),
    Agent("witness", "witness", persists=True),
    Agent("refinery", "refinery", persists=True),
    Agent("mayor", "hq", rig="town"),
    Agent("deacon", "hq", rig="town"),
    # A role nobody has heard of: the generic profile.
    Agent("scout", "ranger"),
)


def event(agent, second=0):
    """The line gt would write when it spawns this agent."""
    who = {"polecat": agent.name} if agent.role == "polecat" else {"role": agent.role, "agent": agent.name}
    return json.dumps({"ts": f"2026-11-21T12:00:{second:02}Z", "source": "gt", "type": "spawn", "actor": "gt",
                       "payload": {"rig": agent.rig, **who}, "visibility": "feed"}, separators=(",", ":"))


def bead_annotations(bead):
    """What the watcher writes of it on the bare pod; anybody else who starts this agent writes the same."""
    return {"gastown.io/bead-id": bead, "event.gastown.io/bead": bead} if bead else {}


def bare_pod(agent, bead="", namespace=NAMESPACE):
    """All that anybody has to write."""
    return {"apiVersion": "v1", "kind": "Pod",
            "metadata": {"name": agent.pod_name, "namespace": namespace, "labels": agent.labels,
                         "annotations": bead_annotations(bead)},
            "spec": {"containers": [{"name": "agent"}]}}


def job(agent, bead="", namespace=NAMESPACE):
    """The same in a Job's template, which has to name an image and a restart policy to be accepted at all."""
    return {"apiVersion": "batch/v1", "kind": "Job", "metadata": {"name": f"job-{agent.pod_name}", "namespace": namespace},
            "spec": {"backoffLimit": 0, "template": {
                "metadata": {"labels": agent.labels, "annotations": bead_annotations(bead)},
                "spec": {"restartPolicy": "Never", "containers": [{"name": "agent", "image": IMAGE}]}}}}


def manifests(objects):
    """For `kubectl -f -`: JSON documents are YAML documents."""
    return "\n---\n".join(json.dumps(item) for item in objects)
