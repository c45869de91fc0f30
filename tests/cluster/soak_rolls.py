"""The two replicas are rolled again and again. A group of soak.py."""

import time


class Rolls:
    def __init__(self, town):
        self.town = town

    def again_and_again(self):
        return self.town.under_load(self.rolls)

    def rolls(self):
        took = []
        for _ in range(self.town.given.rolls):
            began = time.monotonic()
            self.town.deployed.roll()
            took.append(time.monotonic() - began)
        return f"{len(took)} rolls of {min(took):.0f} to {max(took):.0f} s"


def add_checks(checks, town, up):
    checks.add("rolled under load", Rolls(town).again_and_again, up)
