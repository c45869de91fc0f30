"""Two thousand Rigs and two thousand AgentPools: how soon a fresh webhook is ready, what it takes of memory, how soon a change
counts. A group of catalogue.py, the last one: it ends the other groups' replicas."""

import time

from testbed import wait_for
from testbed.checks import expect
from testbed.client import in_parallel
from town import objects
from town.agents import Agent, bare_pod
from town.live import LIVE, SOON

HOME = "scale"
RIGS = 2000
OBJECTS = 2 * RIGS
CHANGES = 20
MEMORY = 64 * 1024 * 1024
READY = 15
WRITTEN = 180
AGENT = Agent("crew", "k8s", rig="rig-1234", persists=True)


def named(number):
    return f"rig-{number:04}"


def mebibytes(count):
    return f"{count / 1024 / 1024:.1f} MiB"


class Scale:
    def __init__(self, town):
        self.town = town
        self.pod = bare_pod(AGENT, namespace=HOME)

    def made(self):
        """As a platform's generator writes them: a few fields each."""
        self.town.end_others()  # or one of them leads, and does the writing
        for replica in self.town.replicas:
            replica.stop()
        self.town.cluster.create_namespace(HOME)
        self.town.create(objects.gastown(HOME))
        began = time.monotonic()
        in_parallel(self.town.cluster, self.make, range(RIGS))
        took = time.monotonic() - began
        return f"{2 * RIGS} objects in {took:.1f} s, {2 * RIGS / took:.0f} a second"

    def make(self, client, number):
        name = named(number)
        rig = objects.rig(HOME, name, env=objects.flavour(name), nodeSelector={"pool": name})
        pool = objects.pool(HOME, f"{name}-crew", name, "crew", resources={"limits": {"memory": "6Gi"}}, labels={"team": name})
        for item in (rig, pool):
            status, answer = client.api("POST", objects.path(item["kind"], HOME), item)
            expect(status == 201, f"{name}: {status} {answer}")

    def loaded(self):
        """From its start."""
        replica = self.town.first
        began = time.monotonic()
        replica.launch()
        replica.wait_ready(READY)
        took = time.monotonic() - began
        expect(f'"{AGENT.rig}"' in replica.patch_of(self.pod), "ready, and yet the rig isn't there")
        _, most = replica.memory()
        expect(most < MEMORY, f"{mebibytes(most)} of memory, {mebibytes(MEMORY)} allowed")
        return f"ready after {took:.2f} s with {mebibytes(most)}"

    def written(self):
        """What the leader has to say of so many new objects: a version and a status each. All of this machine is busy with it."""
        process = self.town.first.process
        began = time.monotonic()
        wait_for("each object's last good version and status", lambda: self.writes() >= 2 * OBJECTS, WRITTEN, [process])
        return f"{2 * OBJECTS} writes in {time.monotonic() - began:.0f} s"

    def writes(self):
        metrics = self.town.first.metrics()
        return min(metrics["gastown_revisions_written_total"], OBJECTS) + min(metrics["gastown_status_written_total"], OBJECTS)

    def changes(self):
        """One after the other, each on pods within a second; and the memory doesn't grow with their number."""
        slowest, before = 0, self.generation()
        for number in range(CHANGES):
            value = f"change-{number}"
            self.town.change("Rig", HOME, AGENT.rig, {"podOverrides": {"env": objects.flavour(value)}})
            changed = time.monotonic()
            wait_for(value, lambda: f'"{value}"' in self.town.first.patch_of(self.pod), SOON, [self.town.first.process])
            slowest = max(slowest, time.monotonic() - changed)
        now, most = self.town.first.memory()
        numbers = (f"at the most {slowest * 1000:.0f} ms; {mebibytes(now)} now, {mebibytes(most)} at the most; "
                   f"{self.generation() - before:.0f} loads for {CHANGES} changes")
        expect(slowest < LIVE, f"{numbers}: {LIVE:g} s allowed")
        expect(most < MEMORY, f"{numbers}: {mebibytes(MEMORY)} allowed")
        return numbers

    def generation(self):
        return self.town.first.metrics()["gastown_catalogue_generation"]

    def orderly_end(self):
        self.town.cluster.check()
        self.town.first.stop()


def add_checks(checks, town, up):
    scale = Scale(town)
    checks.add("two thousand Rigs and AgentPools", scale.made, up)
    there = (*up, "two thousand Rigs and AgentPools")
    checks.add("a fresh webhook has them in seconds and in 64 MiB", scale.loaded, there)
    loaded = (*there, "a fresh webhook has them in seconds and in 64 MiB")
    checks.add("the leader has written what it thinks of each", scale.written, loaded)
    loaded = (*loaded, "the leader has written what it thinks of each")
    checks.add("twenty changes among them, each within a second", scale.changes, loaded)
    checks.add("orderly end", scale.orderly_end, loaded)
