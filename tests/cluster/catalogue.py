#!/usr/bin/python3
"""Templates that live in the cluster: the real webhook, two replicas of it with the rights of manifests/rbac.yaml, against a real API
server; what becomes of changes, mistakes, outages and lies.

    tests/cluster/catalogue.py [--webhook PATH] [--only TEXT] [--keep DIR]

A control plane is started for it (see bed.py) and removed again. One line for each check, then `N passed, N failed`; status 1 on
a failure. The checks are in catalogue_*.py, a file for each group.
"""

import argparse
import sys
import tempfile
from pathlib import Path

import catalogue_claims
import catalogue_faults
import catalogue_feed
import catalogue_leader
import catalogue_outage
import catalogue_scale
from testbed import BedError, build
from testbed.checks import Checks
from testbed.pins import REPOSITORY
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


def arguments():
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--webhook", type=Path, default=REPOSITORY / "build" / "gastown-webhook", metavar="PATH",
                         help="default: build/gastown-webhook")
    options.add_argument("--only", metavar="TEXT", help="the checks whose name contains this, and what they need")
    options.add_argument("--keep", type=Path, metavar="DIR", help="work in this new folder and leave it, for its logs")
    return options.parse_args()


def main():
    paths = arguments()
    try:
        build.ensure()
        if paths.keep:
            paths.keep.mkdir(parents=True)
            return run(paths.keep.resolve(), paths)
        with tempfile.TemporaryDirectory(prefix="gastown-catalogue-") as folder:
            return run(Path(folder), paths)
    except (BedError, OSError) as error:
        print(f"catalogue: {error}", file=sys.stderr)
        return 1


def run(folder, paths):
    town = LiveTown(folder, paths)
    checks = Checks(paths.only)
    add_checks(checks, town)
    try:
        return checks.run()
    finally:
        town.end()


if __name__ == "__main__":
    sys.exit(main())
