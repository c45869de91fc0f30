"""One of two replicas writes, and the other takes over. A group of catalogue.py."""

import time

from testbed import wait_for
from testbed.checks import expect
from town import objects
from town.agents import Agent, bare_pod
from town.live import SOON, TAKEOVER

HOME = "leader"
# A lease that was given back is taken at the other's next look.
HANDED_OVER = 6


class Leader:
    def __init__(self, town):
        self.town = town

    def other(self, leader):
        [other] = [replica for replica in self.town.replicas if replica is not leader]
        return other

    def writes_status(self, value, timeout=SOON):
        """A change gets its condition."""
        self.town.change("GasTown", HOME, "main", {"defaults": {"env": objects.flavour(value)}})
        self.town.condition("GasTown", HOME, "main", "True", timeout)

    def one_leads(self):
        """And a change's condition is written."""
        self.town.cluster.create_namespace(HOME)
        leader = self.town.leader()
        self.town.create(objects.gastown(HOME))
        self.town.condition("GasTown", HOME, "main", "True")
        expect(not self.other(leader).leads(), "both lead")
        lease = self.town.lease()
        return f"{lease['holderIdentity']}, for {lease['leaseDurationSeconds']} s"

    def crash(self):
        """The other leads when the lease has run out, not before, and does what the first one left undone."""
        leader = self.town.leader()
        other, holder = self.other(leader), self.town.lease()["holderIdentity"]
        leader.kill()
        self.town.change("GasTown", HOME, "main", {"defaults": {"env": objects.flavour("orphaned")}})
        killed = time.monotonic()
        wait_for("the other leads", other.leads, TAKEOVER, [other.process])
        took = time.monotonic() - killed
        expect(self.town.lease()["holderIdentity"] != holder, "it leads while the dead one's name is on the lease")
        self.town.condition("GasTown", HOME, "main", "True")
        leader.start()
        expect(other.leads() and not leader.leads(), "the one that came back leads")
        return f"after {took:.1f} s"

    def graceful(self):
        """It gives the lease back."""
        leader = self.town.leader()
        other = self.other(leader)
        leader.stop()
        stopped = time.monotonic()
        wait_for("the other leads", other.leads, HANDED_OVER, [other.process])
        took = time.monotonic() - stopped
        self.writes_status("handed-over")
        leader.start()
        return f"after {took:.1f} s"

    def counts_pods(self):
        """How many pods carry a template, and of which hash: of the newest, and of older ones."""
        for number in range(2):
            self.town.post(self.town.pod_path(HOME), self.pod(f"first-{number}"))
        self.town.change("GasTown", HOME, "main", {"defaults": {"env": objects.flavour("newer")}})
        self.town.wait_flavour(HOME, "newer")
        self.town.post(self.town.pod_path(HOME), self.pod("second"))
        counted = wait_for("3 pods, 1 current and 2 older", self.counted, SOON)
        return f"{counted}"

    def pod(self, name):
        return bare_pod(Agent("polecat", name), namespace=HOME)

    def counted(self):
        pods = self.town.get(objects.path("GasTown", HOME, "main")).get("status", {}).get("pods", {})
        return pods if (pods.get("total"), pods.get("current"), pods.get("older")) == (3, 1, 2) else None


def add_checks(checks, town, up):
    leader = Leader(town)
    checks.add("one of two replicas leads and writes conditions", leader.one_leads, up)
    there = (*up, "one of two replicas leads and writes conditions")
    checks.add("status counts pods of the current and of older templates", leader.counts_pods, there)
    checks.add("the leader stopped: it hands over", leader.graceful, there)
    checks.add("the leader killed: the other takes over", leader.crash, there)
