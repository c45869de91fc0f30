"""Changes and mistakes: what becomes of them on the pods, in the conditions, and at kubectl. A group of catalogue.py."""

import json
import time

from testbed import BedError, wait_for
from testbed.checks import expect
from town import objects
from town.agents import Agent, bare_pod
from town.live import CREW, LIVE, POLECAT, SOON

HOME = "feed"
# Legal, and yet nobody wants it: what kubectl warns about, and the field it names.
RISKY = {
    "floating tag": ({"image": "gastown.test/agent:latest"}, "image"),
    "unknown storage class": ({"storage": {"storageClassName": "no-such-class"}}, "storageClassName"),
    "limit below the request of another layer": ({"resources": {"limits": {"memory": "512Mi"}}}, "memory"),
}
# To the schema a text like any other; to the checker no image.
BROKEN = {"image": "gastown.test/agent:1:2"}
BROKEN_FIELD = "spec.template.image"


class Feed:
    def __init__(self, town):
        self.town = town
        self.items = {}

    # ---- from nothing to pods ----

    def no_town_yet(self):
        """The message says what lacks and where."""
        self.town.cluster.create_namespace(HOME)
        answer = self.town.cluster.kubectl("create", "-f", "-", input=json.dumps(bare_pod(POLECAT, namespace=HOME)), check=False)
        expect(answer.returncode != 0, "a pod was admitted where there's no town")
        expect("GasTown" in answer.stderr and HOME in answer.stderr, f"the refusal doesn't say what lacks: {answer.stderr}")
        return answer.stderr.strip()[-160:]

    def first_templates(self):
        items = (objects.gastown(HOME), objects.rig(HOME, "gastown", env=objects.flavour("rig")),
                 objects.pool(HOME, "crew", "gastown", "crew", env=objects.flavour("pool"), nodeSelector={"pool": "crew"}))
        self.town.apply(*items)
        applied = time.monotonic()
        took = self.town.live_after(applied, "pods from the new templates",
                                    lambda: objects.env(self.town.would_be(HOME, CREW), "FLAVOUR") == "pool")
        self.town.wait_flavour(HOME, "rig")
        for item in items:
            self.town.condition(item["kind"], HOME, item["metadata"]["name"], "True")
        self.town.agreed(HOME)
        return f"after {took * 1000:.0f} ms"

    # ---- a change is live ----

    def change_is_live(self):
        """By kubectl, and pods at once. Once one came out new, none comes out old, from neither replica."""
        slowest = 0
        for number in range(5):
            value = f"change-{number}"
            patch = json.dumps({"spec": {"podOverrides": {"env": objects.flavour(value)}}})
            self.town.cluster.kubectl("patch", "rig", "gastown", "-n", HOME, "--type=merge", "-p", patch)
            changed = time.monotonic()
            slowest = max(slowest, self.town.live_after(changed, f"pods with {value}", lambda: self.flavour() == value))
            self.town.agreed(HOME)
            expect(self.flavour() == value, f"after a pod with {value} one with {self.flavour()}")
        stored = self.store_pod("changed")
        expect(objects.env(stored, "FLAVOUR") == value, "the stored pod isn't what the dry runs were")
        return f"at the most {slowest * 1000:.0f} ms"

    def flavour(self):
        return objects.env(self.town.would_be(HOME), "FLAVOUR")

    def store_pod(self, name, agent=POLECAT):
        """A real one, under a name of its own."""
        pod = bare_pod(agent, namespace=HOME)
        pod["metadata"]["name"] = name
        return self.town.post(self.town.pod_path(HOME), pod)

    # ---- what kubectl hears ----

    def broken_is_refused(self):
        """The field and what's wrong with it, and nothing is stored."""
        self.town.validating()
        item = objects.pool(HOME, "broken", "gastown", "witness", **BROKEN)
        answer = wait_for("a refusal", lambda: self.refusal(item), SOON)
        expect(BROKEN_FIELD in answer, f"the refusal doesn't name {BROKEN_FIELD}: {answer}")
        status, _ = self.town.cluster.api("GET", objects.path("AgentPool", HOME, "broken"))
        expect(status == 404, f"the refused pool is there: {status}")
        return answer.strip()[-200:]

    def refusal(self, item):
        """What kubectl says; the API server learns of a registration a moment after it's applied, so it may be stored first."""
        answer = self.town.apply(item, check=False)
        if answer.returncode == 0:
            self.town.cluster.kubectl("delete", item["kind"], item["metadata"]["name"], "-n", HOME)
            raise BedError("it was stored")
        return answer.stderr

    def risky_is_told(self):
        """Stored, with a warning on kubectl's stderr that names the field."""
        for number, (what, (template, field)) in enumerate(RISKY.items()):
            item = objects.pool(HOME, f"risky-{number}", "gastown", f"risky-{number}", **template)
            answer = self.town.apply(item)
            lines = [line for line in answer.stderr.splitlines() if line.startswith("Warning:")]
            expect(any(field in line for line in lines), f"{what}: no warning names {field}: {answer.stderr!r}")
            self.town.delete("AgentPool", HOME, f"risky-{number}")
        return ", ".join(RISKY)

    def last_town_deleted(self):
        """Nobody is kept from it; but what it means is said."""
        namespace = "last-town"
        self.town.cluster.create_namespace(namespace)
        self.town.create(objects.gastown(namespace))
        self.town.create(objects.rig(namespace, "gastown"))
        self.town.condition("Rig", namespace, "gastown", "True")  # so both replicas' feed has them
        answer = self.town.cluster.kubectl("delete", "gastown", "main", "-n", namespace)
        expect("no other GasTown" in answer.stderr, f"not a word of it: {answer.stderr!r}")
        return answer.stderr.strip()[:200]

    # ---- quarantine ----

    def quarantine(self):
        """Nobody refuses it any more: its own last good version stays, the others move on."""
        self.town.validating(False)
        self.items["good"] = self.town.get(objects.path("AgentPool", HOME, "crew"))
        before = self.town.agreed(HOME, CREW)
        wait_for("the last good version in the cluster", lambda: self.town.revisions(HOME, self.items["good"]), SOON)
        wait_for("the broken pool stored", self.break_pool, SOON)
        condition = self.town.condition("AgentPool", HOME, "crew", "False")
        expect(BROKEN_FIELD in condition["message"], f"the condition doesn't name {BROKEN_FIELD}: {condition}")
        expect(self.town.agreed(HOME, CREW) == before, "the broken pool changed what comes out")
        self.town.change("Rig", HOME, "gastown", {"podOverrides": {"env": objects.flavour("moves-on")}})
        self.town.wait_flavour(HOME, "moves-on")
        pod = self.town.would_be(HOME, CREW)
        expect(objects.env(pod, "FLAVOUR") == "pool", "the rig's change took the pool's last good version away")
        for replica in self.town.replicas:
            expect(replica.metrics()["gastown_catalogue_rejected_objects"] == 1, "the metric doesn't count it")
            expect(replica.ready(), "a broken pool took readiness away")
        return f"{condition['reason']}: {condition['message']}"[:200]

    def never_good(self):
        """Who asks for a pod that needs it hears why not, at once: an API server that is asked to try again only says that time is over."""
        self.town.create(objects.pool(HOME, "never", "gastown", "witness", **BROKEN))
        condition = self.town.condition("AgentPool", HOME, "never", "False")
        expect(condition["reason"] == "Rejected", f"reason {condition['reason']}")
        asked = time.monotonic()
        status, answer = self.town.dry_run(HOME, Agent("witness", "warren"))
        took = time.monotonic() - asked
        self.town.delete("AgentPool", HOME, "never")
        message = answer.get("message", "")
        expect(status >= 500 and "AgentPool/never has errors" in message, f"{status}: {message}")
        expect(took < LIVE, f"after {took:.1f} s: the webhook was asked again and again")
        return f"{message[:160]} ({took * 1000:.0f} ms)"

    def break_pool(self):
        """The API server forgets the validating webhook a moment after it's deleted."""
        status, answer = self.town.cluster.api("PATCH", objects.path("AgentPool", HOME, "crew"), {"spec": {"template": BROKEN}},
                                               "application/merge-patch+json")
        if status != 200:
            raise BedError(f"{status} {json.dumps(answer)[:600]}")
        return answer

    def restart_in_quarantine(self):
        """Every replica anew, while the object is broken: what was good is known from the cluster."""
        before = self.town.agreed(HOME, CREW)
        for replica in self.town.replicas:
            replica.stop()
        self.town.replicas_up()
        expect(self.town.agreed(HOME, CREW) == before, f"the hash was {before}, now {self.town.agreed(HOME, CREW)}")
        stored = self.store_pod("restarted", CREW)
        expect(objects.template_hash(stored) == before, f"the hash was {before}, the pod has {objects.template_hash(stored)}")
        expect(objects.env(stored, "FLAVOUR") == "pool", "the pod lacks the pool's layer")
        return f"hash {before}"

    def mended(self):
        """As it was: the same hash at once, and the condition says so."""
        spec = {"template": {"image": None, "env": objects.flavour("mended")}}
        self.town.change("AgentPool", HOME, "crew", spec)
        self.town.wait_flavour(HOME, "mended", CREW)
        self.town.condition("AgentPool", HOME, "crew", "True")
        self.town.agreed(HOME, CREW)

    # ---- deletion ----

    def rig_deleted(self):
        """Its pods stay; new ones lack its layer, and only that."""
        before = self.store_pod("rigged")
        expect("Rig/gastown" in objects.layers(before), f"layers {objects.layers(before)}")
        self.town.delete("Rig", HOME, "gastown")
        pod = self.town.wait_flavour(HOME, "town")
        expect("Rig/" not in objects.layers(pod), f"layers {objects.layers(pod)} without a rig")
        after = self.town.get(self.town.pod_path(HOME, "rigged"))
        expect(after["metadata"]["uid"] == before["metadata"]["uid"] and "deletionTimestamp" not in after["metadata"],
               "the rig's pod went with it")
        self.town.agreed(HOME)


class Twins:
    """Two objects that claim one place: the oldest holds it."""

    def __init__(self, town):
        self.town = town

    def older_and_newer(self, namespace, older, newer):
        """Made one after the other, so that their creationTimestamps, in whole seconds, differ."""
        first = self.town.create(older)["metadata"]["creationTimestamp"]

        def second_later():
            made = self.town.create(newer)["metadata"]["creationTimestamp"]
            if made > first:
                return True
            self.town.delete(newer["kind"], namespace, newer["metadata"]["name"])
            raise BedError("within the same second")

        wait_for("an object a second younger", second_later, SOON)

    def one_holds(self, namespace, kind, older, newer, agent):
        """And the other takes over when it goes."""
        self.town.wait_flavour(namespace, older, agent)
        condition = self.town.condition(kind, namespace, newer, "False")
        expect(older in condition["message"], f"the condition doesn't name {older}: {condition}")
        self.town.condition(kind, namespace, older, "True")
        self.town.agreed(namespace, agent)
        self.town.delete(kind, namespace, older)
        self.town.wait_flavour(namespace, newer, agent)
        self.town.condition(kind, namespace, newer, "True")
        self.town.agreed(namespace, agent)
        return f"{condition['reason']}: {condition['message']}"[:160]

    def gastowns(self):
        namespace = "twin-towns"
        self.town.cluster.create_namespace(namespace)
        self.older_and_newer(namespace, *(objects.gastown(namespace, name, env=objects.flavour(name))
                                          for name in ("older", "newer")))
        return self.one_holds(namespace, "GasTown", "older", "newer", POLECAT)

    def pools(self):
        namespace = "twin-pools"
        self.town.cluster.create_namespace(namespace)
        self.town.create(objects.gastown(namespace))
        self.older_and_newer(namespace, *(objects.pool(namespace, name, "gastown", "crew", env=objects.flavour(name))
                                          for name in ("older", "newer")))
        return self.one_holds(namespace, "AgentPool", "older", "newer", CREW)


def add_checks(checks, town, up):
    feed, twins = Feed(town), Twins(town)
    checks.add("without a GasTown pods are denied, and told why", feed.no_town_yet, up)
    denied = (*up, "without a GasTown pods are denied, and told why")
    checks.add("templates applied: pods come out of them", feed.first_templates, denied)
    there = (*denied, "templates applied: pods come out of them")
    checks.add("a changed Rig is on new pods within a second", feed.change_is_live, there)
    checks.add("a broken AgentPool is refused, with its field", feed.broken_is_refused, there)
    refused = (*there, "a broken AgentPool is refused, with its field")
    checks.add("a risky AgentPool is stored, with a warning", feed.risky_is_told, refused)
    checks.add("a namespace's only GasTown deleted: its owner is warned", feed.last_town_deleted, refused)
    checks.add("a broken AgentPool is quarantined, others move on", feed.quarantine, there)
    broken = (*there, "a broken AgentPool is quarantined, others move on")
    checks.add("one that never was right: who needs it is told so", feed.never_good, broken)
    checks.add("every replica restarted: the last good version still holds", feed.restart_in_quarantine, broken)
    checks.add("mended it counts at once", feed.mended, broken)
    checks.add("a Rig deleted while its pods run", feed.rig_deleted, there)
    checks.add("two GasTowns in a namespace: the oldest holds", twins.gastowns, up)
    checks.add("two AgentPools for one role: the oldest holds", twins.pools, up)
