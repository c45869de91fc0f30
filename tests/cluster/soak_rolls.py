"""The two replicas are rolled again and again. A group of soak.py, for whatever way they have their certificate.

The control does the same with replicas that don't wait before they end (--stop-delay 0s): until kube-proxy has followed, connections go to
who isn't there any more, and the load has to see that. Else what it says of the others would mean nothing."""

import time

from testbed.checks import expect

IMPATIENT = ["--stop-delay", "0s"]


class Rolls:
    def __init__(self, town, serve):
        """serve(more): applies the Deployment with these arguments besides."""
        self.town, self.serve = town, serve

    def whole(self):
        return self.town.under_load(lambda: self.rolls(self.town.given.rolls))

    def rolls(self, count):
        took = []
        for _ in range(count):
            began = time.monotonic()
            self.town.deployed.roll()
            took.append(time.monotonic() - began)
        return f"{len(took)} rolls of {min(took):.0f} to {max(took):.0f} s"

    def control(self):
        self.serve(IMPATIENT)
        self.town.deployed.wait_complete()
        with self.town.load() as load:
            said = self.rolls(self.town.given.controls)
        expect(load.failures, f"{said} without --stop-delay, and the load saw nothing: {load.numbers()}")
        return f"{said}; {load.numbers()}"


def add_checks(checks, town, up, serve):
    rolls = Rolls(town, serve)
    checks.add("rolled under load", rolls.whole, up)
    if town.given.controls:
        checks.add("control: replicas that don't wait are missed", rolls.control, up)
