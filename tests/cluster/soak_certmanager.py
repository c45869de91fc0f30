"""Certificates by cert-manager, which really issues and injects: served from the mounted Secret, and renewed again and again. A group
of soak.py."""

import time

from testbed import wait_for
from testbed.certmanager import CertManager
from testbed.checks import expect
from town.deployed import CERTIFICATES
from town.programs import HERE, SERVICE, SYSTEM
from town.soaking import SOON

SECRET, CERTIFICATE = f"{SERVICE}-tls", f"{SYSTEM}/{SERVICE}"
ARGUMENTS = ["--tls-cert", f"{CERTIFICATES}/tls.crt", "--tls-key", f"{CERTIFICATES}/tls.key"]
QUIET = 5


class Issued:
    def __init__(self, town):
        self.town = town
        self.manager = CertManager(town.cluster)

    def issues(self):
        self.manager.start()
        self.town.cluster.kubectl("apply", "-f", "-", input=(HERE / "certificates.yaml").read_text())
        self.manager.wait_issued(SYSTEM, SERVICE)

    def serve(self, more=()):
        self.town.deployed.apply([*ARGUMENTS, *more], secret=SECRET)

    def serves(self):
        """The bundle on the registration is cainjector's."""
        self.serve()
        self.town.register("--inject-ca-from", CERTIFICATE)
        wait_for("cainjector's bundles", self.town.bundles, SOON, self.manager.services)
        self.town.deployed.wait_complete()
        self.town.wait_injection()

    def in_order(self):
        """This cainjector, older than matchConditions, drops them whenever it writes a bundle: `check` warns of it."""
        return self.town.in_order("--inject-ca-from", CERTIFICATE, "--certs-secret", SECRET, warned="has lost its matchConditions")

    def undisturbed(self):
        """What the others are to be compared with."""
        return self.town.under_load(lambda: time.sleep(QUIET) or "nothing happens")

    def renewed(self):
        return self.town.under_load(self.renewals)

    def renewals(self):
        took, bundle, deployed = [], self.town.bundle(), self.town.deployed
        addresses = deployed.wait_complete()
        for _ in range(self.town.given.rotations):
            before = deployed.all_show(addresses, bundle)
            began = time.monotonic()
            self.manager.renew(SYSTEM, SERVICE)
            wait_for("both with the new certificate", lambda: deployed.all_show(addresses, bundle, before), SOON)
            took.append(time.monotonic() - began)
        expect(set(self.town.bundles().values()) == {bundle}, "the authority changed, too")
        deployed.wait_complete()
        return f"{len(took)} renewals, each served by both after {min(took):.1f} to {max(took):.1f} s"


def add_checks(checks, town, up):
    """(what is up then, how it's served)"""
    issued = Issued(town)
    checks.add("cert-manager issues", issued.issues, up)
    up = (*up, "cert-manager issues")
    checks.add("two replicas serve what it issued", issued.serves, up)
    up = (*up, "two replicas serve what it issued")
    checks.add("gastown-webhook check finds it in order", issued.in_order, up)
    checks.add("undisturbed load", issued.undisturbed, up)
    checks.add("renewed under load", issued.renewed, up)
    return up, issued.serve
