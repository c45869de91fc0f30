"""Certificates of our own making, and their authority changed with overlap, in two ways: the replica that leads does it by itself (kept);
or gastown-certs does, and the replicas serve from the mounted Secret as if anybody had written it (mounted). A group of soak.py.

A change is short here: an authority is settled after seconds, where an operator waits a minute and leaves the old one for an hour."""

import ssl
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

from testbed import BedError, wait_for
from testbed.checks import expect
from town.deployed import CERTIFICATES
from town.programs import SYSTEM, Program
from town.soaking import SOON

SECRET = "gastown-webhook-certs"
RENEWAL = 90
END = "-----END CERTIFICATE-----"


@dataclass(frozen=True)
class Way:
    name: str
    arguments: tuple
    # gastown-certs makes the first ones, and the Secret is mounted.
    mounted: bool
    renewal: tuple


# The overlap of the second one is longer than kubelet takes to show a changed Secret.
KEPT = Way("kept by the replicas", ("--certs-secret", SECRET, "--ca-settle", "3s", "--ca-overlap", "5s"), False, ("--no-wait",))
MOUNTED = Way("kept by gastown-certs", ("--tls-cert", f"{CERTIFICATES}/tls.crt", "--tls-key", f"{CERTIFICATES}/tls.key"), True,
              ("--ca-settle", "3s", "--ca-overlap", "15s"))


def authorities(bundle):
    """Those of a PEM bundle, as DER."""
    return {ssl.PEM_cert_to_DER_cert(text.strip() + f"\n{END}\n") for text in bundle.split(END) if text.strip()}


class SelfManaged:
    def __init__(self, town, way, count):
        self.town, self.way, self.count = town, way, count
        self.certs = Program(town.given.certs, town.folder / "certs")

    def serves(self):
        """From nothing: no Secret, no bundle."""
        town = self.town
        town.deployed.remove()
        town.unregister()
        town.cluster.kubectl("delete", "secret", SECRET, "-n", SYSTEM, "--ignore-not-found")
        town.register()
        if self.way.mounted:
            self.run("init")
        town.deployed.apply(self.way.arguments, secret=SECRET if self.way.mounted else None)
        wait_for("our bundles", town.bundles, SOON)
        town.deployed.wait_complete()
        town.wait_injection()

    def in_order(self):
        return self.town.in_order()

    def changed(self):
        return self.town.under_load(self.changes)

    def changes(self):
        took = [self.change() for _ in range(self.count)]
        self.town.deployed.wait_complete()
        return f"{len(took)} changes of the authority, each over after {min(took):.1f} to {max(took):.1f} s"

    def change(self):
        """Old, both, new; and the certificate is the new one's before the old one goes."""
        deployed, bundle = self.town.deployed, self.town.bundle()
        addresses, old = deployed.wait_complete(), authorities(bundle)
        before = deployed.all_show(addresses, bundle)
        began = time.monotonic()
        with ThreadPoolExecutor(1) as beside:
            asked = beside.submit(self.run, "renew", "--ca", *self.way.renewal)
            both = wait_for("both authorities published", lambda: self.published(lambda now: old < now), SOON)
            wait_for("both with the new certificate", lambda: deployed.all_show(addresses, both, before), SOON)
            after = wait_for("the old authority's end", lambda: self.published(lambda now: not now & old), SOON)
            asked.result()
        expect(authorities(after) == authorities(both) - old, "another authority than was announced")
        return time.monotonic() - began

    def run(self, verb, *flags):
        with self.town.cluster.network_here():
            answer = self.certs.run(verb, *flags, "--kubeconfig", self.town.cluster.kubeconfig, timeout=RENEWAL)
        expect(answer.returncode == 0, f"gastown-certs {verb}: status {answer.returncode}\n{answer.stdout}{answer.stderr}")
        return answer.stdout

    def published(self, fits):
        """The bundle, once it's so on every entry."""
        bundles = set(self.town.bundles().values())
        if len(bundles) == 1 and all(fits(authorities(bundle)) for bundle in bundles):
            return bundles.pop()
        raise BedError(f"{[len(authorities(bundle)) for bundle in bundles]} authorities published")


def add_checks(checks, town, up):
    for way, count in ((KEPT, town.given.authorities), (MOUNTED, town.given.mounted)):
        if count:
            managed = SelfManaged(town, way, count)
            names = [f"{what} ({way.name})" for what in ("certificates from nothing", "check finds them in order", "authority changed under load")]
            checks.add(names[0], managed.serves, up)
            checks.add(names[1], managed.in_order, (*up, names[0]))
            checks.add(names[2], managed.changed, (*up, names[0]))
