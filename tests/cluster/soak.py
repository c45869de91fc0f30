#!/usr/bin/python3
"""The webhook as a Deployment of two replicas on a node, while pods of agents are made all the time: rolled, its certificate renewed by
cert-manager, its authority changed. Not one admission may fail meanwhile.

    tests/cluster/soak.py [--rolls N] [--controls N] [--rotations N] [--authorities N] [--mounted N] [--only TEXT] [--keep DIR]

Prints what was created, what failed, and how long it took. `make soak` is the long form. A machine that can't hold a node skips
with the reason (a failure where CI is set).
"""

import sys

import soak_certmanager
import soak_rolls
import soak_selfmanaged
from testbed import suite
from testbed.checks import require_node
from town.soaking import SoakTown

PROGRAMS = ("webhook", "certs")
COUNTS = {
    "rolls": (2, "how often the replicas are rolled"),
    "controls": (0, "how often replicas are rolled that don't wait before they end, which must be noticed"),
    "rotations": (3, "how often the certificate is renewed by cert-manager"),
    "authorities": (1, "how often the authority of our own making is changed, by the replica that leads"),
    "mounted": (0, "how often by gastown-certs, for replicas that have its Secret mounted"),
}


def add_checks(checks, town):
    checks.add("this machine can hold a node", require_node)
    checks.add("cluster up, node Ready", town.cluster_up, ("this machine can hold a node",))
    up = ("cluster up, node Ready", "the webhook's image is there")
    checks.add(up[1], town.deployed.import_image, up[:1])
    issued, serve = soak_certmanager.add_checks(checks, town, up)
    soak_rolls.add_checks(checks, town, issued, serve)
    soak_selfmanaged.add_checks(checks, town, up)


if __name__ == "__main__":
    sys.exit(suite.main(__doc__, "soak", SoakTown, add_checks, PROGRAMS, COUNTS))
