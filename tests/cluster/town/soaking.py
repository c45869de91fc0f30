"""A town whose webhook runs as an operator runs it, under load: a cluster with a node, the Deployment, its registration, and pods being
made all the time.

Each group of checks serves in its own way of having certificates, one after the other on one node."""

import base64
import json

from testbed import BedError, Cluster, wait_for
from testbed.checks import expect
from testbed.pins import REPOSITORY

from . import objects
from .agents import NAMESPACE, Agent, bare_pod, manifests
from .deployed import Deployed
from .live import CRDS
from .load import Load
from .programs import SYSTEM, Program
from .resident import RESTRICTED

SOON = 60
REGISTRATION = "gastown"
CONFIGURATIONS = ("mutatingwebhookconfigurations", "validatingwebhookconfigurations")
CALLER = Agent("polecat", "caller")


class SoakTown:
    def __init__(self, folder, given):
        self.folder, self.given = folder, given
        self.cluster = Cluster(folder / "cluster", say=lambda text: None)
        self.webhook = Program(given.webhook, folder / "verbs")
        self.deployed = Deployed(self.cluster, folder / "webhook", given.webhook)

    def end(self):
        self.cluster.end_services()

    # ---- setting up ----

    def cluster_up(self):
        self.cluster.start()
        self.cluster.create_namespace(SYSTEM, RESTRICTED)
        self.cluster.create_namespace(NAMESPACE, RESTRICTED)
        self.cluster.kubectl("apply", "--server-side", "-f", CRDS)
        self.cluster.kubectl("wait", "--for=condition=Established", "-f", CRDS, f"--timeout={SOON}s")
        self.cluster.kubectl("apply", "-f", "-", input=(REPOSITORY / "manifests" / "rbac.yaml").read_text())
        self.cluster.kubectl("create", "-f", "-", input=manifests([
            objects.gastown(NAMESPACE), objects.rig(NAMESPACE, "gastown", env=objects.flavour("rig"))]))

    def register(self, *flags):
        """What the webhook itself says is to be registered."""
        said = self.webhook.run("registration", *flags)
        expect(said.returncode == 0, f"registration: status {said.returncode}\n{said.stderr}")
        self.cluster.kubectl("apply", "--server-side", "-f", "-", input=said.stdout)

    def unregister(self):
        self.cluster.kubectl("delete", "--ignore-not-found", *(f"{kind}.admissionregistration.k8s.io/{REGISTRATION}" for kind in CONFIGURATIONS))

    def bundles(self):
        """{entry: PEM}, as an API server that starts now would have them; BedError where one is empty."""
        found = {}
        for kind in CONFIGURATIONS:
            status, answer = self.cluster.api("GET", f"/apis/admissionregistration.k8s.io/v1/{kind}/{REGISTRATION}")
            if status != 200:
                raise BedError(f"{kind} {REGISTRATION}: {status} {answer}")
            found |= {entry["name"]: base64.b64decode(entry["clientConfig"].get("caBundle", "")).decode() for entry in answer["webhooks"]}
        empty = [name for name, bundle in found.items() if not bundle]
        if empty:
            raise BedError(f"no caBundle for {', '.join(empty)}")
        return found

    def bundle(self):
        """The one that agents' pods go by."""
        return self.bundles()["pods.gastown.io"]

    def in_order(self, *flags, warned=None):
        """`gastown-webhook check`, as whoever runs this cluster, finds nothing wrong. warned: what a row must warn of."""
        with self.cluster.network_here():
            said = self.webhook.run("check", "--kubeconfig", self.cluster.kubeconfig, *flags)
        wrong = [line for line in said.stdout.splitlines() if line.startswith(("FAIL", "UNKNOWN"))]
        told = not warned or any(warned in line for line in said.stdout.splitlines() if line.startswith("warn"))
        expect(not wrong and told and said.returncode == 0, f"status {said.returncode}\n{said.stdout}{said.stderr}")
        return said.stdout.split("\n")[-2]

    def wait_injection(self):
        def injects():
            status, answer = self.cluster.api("POST", f"/api/v1/namespaces/{NAMESPACE}/pods?dryRun=All", bare_pod(CALLER))
            if status != 201:
                raise BedError(f"dry run: {status} {json.dumps(answer)[:600]}")
            return objects.template_hash(answer)

        wait_for("injection", injects, SOON)

    # ---- under load ----

    def load(self):
        return Load(self.cluster, NAMESPACE, lambda: self.deployed.review(self.bundle(), bare_pod(CALLER)))

    def under_load(self, work):
        """What work() says, and the load's numbers."""
        with self.load() as load:
            said = work()
        load.expect_whole()
        return f"{said}; {load.numbers()}"
