#!/usr/bin/python3
"""Templates that live in the cluster: the real webhook, two replicas of it with the rights of manifests/rbac.yaml, against a real API
server; what becomes of changes, mistakes, outages and lies.

    tests/cluster/catalogue.py [--webhook PATH] [--only TEXT] [--keep DIR]

A control plane is started for it (see bed.py) and removed again. One line for each check, then `N passed, N failed`; status 1 on
a failure. The checks are in catalogue_*.py, a file for each group.
"""

import sys

import catalogue_claims
import catalogue_faults
import catalogue_feed
import catalogue_leader
import catalogue_outage
import catalogue_scale
from testbed import suite
from town.live import LiveTown

# In this order; the last one wants the machine for itself and ends the replicas of the others.
GROUPS = (catalogue_feed, catalogue_claims, catalogue_leader, catalogue_faults, catalogue_outage, catalogue_scale)


def add_checks(checks, town):
    """Each needs all that is set up before it."""
    up = ()
    for name, function in (("gastown-webhook is built", town.first.built),
                           ("control plane up", town.control_plane),
                           ("the CRDs are applied server-side, twice", town.crds),
                           ("two replicas are ready before there is any GasTown", town.replicas_up),
                           ("the webhook is registered", town.registered)):
        checks.add(name, function, up)
        up = (*up, name)
    for group in GROUPS:
        group.add_checks(checks, town, up)


if __name__ == "__main__":
    sys.exit(suite.main(__doc__, "catalogue", LiveTown, add_checks, ("webhook",)))
