"""Claims: made for the agents that persist, whoever made their pod; no watcher runs here. A group of catalogue.py."""

import json
import time

from testbed import BedError, wait_for
from testbed.checks import expect
from town import objects
from town.agents import Agent, bare_pod, job
from town.live import GROWS, SOON, STAYS

HOME = "claims"
BY_KUBECTL, BY_JOB, UNSEEN, REFUSED, EXISTING, RACED = (
    Agent("crew", name, persists=True) for name in ("kay", "joe", "dry", "root", "old", "raced"))
GROWING = Agent("crew", "one", rig="growing", persists=True)
STAYING = Agent("crew", "one", rig="staying", persists=True)
# The condition about them.
AS_TEMPLATED = "ClaimsAsTemplated"
CLAIM = {"accessModes": ["ReadWriteOnce"]}


def claim_name(agent):
    return f"{agent.pod_name}-workspace"


class Claims:
    def __init__(self, town):
        self.town = town

    # ---- asking ----

    def path(self, name=""):
        return f"/api/v1/namespaces/{HOME}/persistentvolumeclaims{'/' + name if name else ''}"

    def claims(self):
        return {one["metadata"]["name"]: one for one in self.town.get(self.path())["items"]}

    def claim(self, agent):
        """It, once it's there."""
        name = claim_name(agent)
        return wait_for(f"claim {name}", lambda: self.claims().get(name), SOON, self.town.running())

    def size(self, agent):
        return self.claims()[claim_name(agent)]["spec"]["resources"]["requests"]["storage"]

    def said_of(self, kind, name, agent):
        """What a condition of the object says of the agent's claim."""
        def now():
            status = self.town.get(objects.path(kind, HOME, name)).get("status", {})
            for condition in status.get("conditions", ()):
                if (condition["type"], condition["status"]) == (AS_TEMPLATED, "False") and claim_name(agent) in condition["message"]:
                    return condition
            raise BedError(json.dumps(status)[:1500])

        return wait_for(f"a condition of {kind} {name} about {claim_name(agent)}", now, SOON, self.town.running())

    def create_pod(self, agent, **spec):
        pod = bare_pod(agent, namespace=HOME)
        pod["spec"].update(spec)
        return self.town.cluster.kubectl("create", "-f", "-", input=json.dumps(pod), check=False)

    # ---- setting up ----

    def templates(self):
        """Two rigs whose crew gets 20Gi."""
        self.town.cluster.create_namespace(HOME)
        self.town.create(objects.gastown(HOME))
        for name in ("gastown", GROWING.rig):
            rig = objects.rig(HOME, name, storage={"storageClassName": GROWS})
            rig["spec"]["roleOverrides"] = {"crew": {"storage": {"size": "20Gi"}}}
            self.town.create(rig)
        wait_for("the rig's layer", lambda: "Rig/gastown" in objects.layers(self.town.would_be(HOME, BY_KUBECTL)), SOON)

    def bound_pod(self, agent, storage_class, size):
        """The agent's pod, and its claim Bound. The volume is there first, kept for that claim: controllers look for one when a
        claim is new, and after that four times a minute."""
        name = claim_name(agent)
        self.town.post("/api/v1/persistentvolumes", {"metadata": {"name": name}, "spec": {
            "capacity": {"storage": size}, "accessModes": CLAIM["accessModes"], "storageClassName": storage_class,
            "claimRef": {"kind": "PersistentVolumeClaim", "apiVersion": "v1", "namespace": HOME, "name": name},
            "hostPath": {"path": "/nowhere"}}})
        expect(self.create_pod(agent).returncode == 0, "a pod was refused")
        self.claim(agent)
        wait_for(f"{name} Bound", lambda: self.claims()[name]["status"].get("phase") == "Bound", SOON)

    def resize(self, size):
        self.town.change("Rig", HOME, GROWING.rig, {"roleOverrides": {"crew": {"storage": {"size": size}}}})

    # ---- checks ----

    def by_kubectl(self):
        answer = self.create_pod(BY_KUBECTL)
        expect(answer.returncode == 0, answer.stderr)
        made = time.monotonic()
        claim = self.claim(BY_KUBECTL)
        took = time.monotonic() - made
        spec, labels = claim["spec"], claim["metadata"].get("labels", {})
        expect(spec["resources"]["requests"]["storage"] == "20Gi", f"size: {spec}")
        expect(spec["storageClassName"] == GROWS and spec["accessModes"] == CLAIM["accessModes"], f"class or modes: {spec}")
        lacking = {key: value for key, value in BY_KUBECTL.labels.items() if labels.get(key) != value}
        expect(not lacking, f"labels {labels} lack {lacking}")
        expect("ownerReferences" not in claim["metadata"], "the claim would go with its owner")
        return f"after {took * 1000:.0f} ms"

    def by_job(self):
        self.town.cluster.kubectl("create", "-f", "-", input=json.dumps(job(BY_JOB, namespace=HOME)))
        self.claim(BY_JOB)

    def nobodys(self):
        """Neither a dry run nor a refused pod leaves a claim behind. One that is made after them shows that they had their time."""
        self.town.would_be(HOME, UNSEEN)
        answer = self.create_pod(REFUSED, hostNetwork=True)
        expect(answer.returncode != 0, "a pod on the host's network was admitted")
        expect(self.create_pod(RACED).returncode == 0, "a pod was refused")
        self.claim(RACED)
        there = self.claims()
        left = [claim_name(agent) for agent in (UNSEEN, REFUSED) if claim_name(agent) in there]
        expect(not left, f"claims nobody needs: {left}")

    def existing(self):
        """Somebody's own claim of that name isn't touched, whatever its size."""
        name = claim_name(EXISTING)
        made = self.town.post(self.path(), {"metadata": {"name": name}, "spec": {
            **CLAIM, "storageClassName": STAYS, "resources": {"requests": {"storage": "1Gi"}}}})
        expect(self.create_pod(EXISTING).returncode == 0, "a pod was refused")
        after = Agent("crew", "after-old", persists=True)
        expect(self.create_pod(after).returncode == 0, "a pod was refused")
        self.claim(after)
        now = self.claims()[name]
        expect(now["spec"] == made["spec"] and now["metadata"].get("labels") == made["metadata"].get("labels"),
               f"before {json.dumps(made)}, after {json.dumps(now)}")

    def grows(self):
        """A larger size in the template, and a class that can: the claim asks for more, once it's bound."""
        self.bound_pod(GROWING, GROWS, "20Gi")
        self.resize("30Gi")
        wait_for("the claim asks for 30Gi", lambda: self.size(GROWING) == "30Gi", SOON, self.town.running())

    def cannot_grow(self):
        """A class that can't: a condition on the object that set the size."""
        pool = objects.pool(HOME, STAYING.rig, STAYING.rig, "crew", storage={"size": "5Gi", "storageClassName": STAYS})
        self.town.create(pool)
        wait_for("the pool's layer", lambda: "AgentPool/" in objects.layers(self.town.would_be(HOME, STAYING)), SOON)
        self.bound_pod(STAYING, STAYS, "5Gi")
        self.town.change("AgentPool", HOME, STAYING.rig, {"template": {"storage": {"size": "8Gi"}}})
        condition = self.said_of("AgentPool", STAYING.rig, STAYING)
        expect(self.size(STAYING) == "5Gi", f"it was changed all the same: {self.size(STAYING)}")
        return f"{condition['type']}={condition['status']} {condition['reason']}: {condition['message']}"[:200]

    def smaller(self):
        """It stays as it is, and that is said."""
        self.resize("10Gi")
        condition = self.said_of("Rig", GROWING.rig, GROWING)
        expect(self.size(GROWING) == "30Gi", f"it was changed all the same: {self.size(GROWING)}")
        return f"{condition['type']}={condition['status']} {condition['reason']}: {condition['message']}"[:200]


def add_checks(checks, town, up):
    claims = Claims(town)
    checks.add("a town with agents that persist", claims.templates, up)
    there = (*up, "a town with agents that persist")
    checks.add("a crew pod by kubectl gets its claim", claims.by_kubectl, there)
    checks.add("a crew pod by a Job gets its claim", claims.by_job, there)
    checks.add("a dry run and a refused pod get none", claims.nobodys, there)
    checks.add("an existing claim is left alone", claims.existing, there)
    checks.add("a larger template makes a Bound claim ask for more", claims.grows, there)
    checks.add("a class that can't grow: the object says so", claims.cannot_grow, there)
    larger = (*there, "a larger template makes a Bound claim ask for more")
    checks.add("a smaller template is reported", claims.smaller, larger)
