"""A town whose webhook runs as an operator runs it, under load: a cluster with a node, the Deployment, its registration, and pods being
made all the time.

Each group of checks serves in its own way of having certificates, one after the other on one node."""

import base64
import json

import yaml
from testbed import BedError, Cluster, wait_for
from testbed.pins import REPOSITORY

from . import objects
from .agents import NAMESPACE, Agent, bare_pod, manifests
from .deployed import Deployed
from .live import CRDS
from .load import Load
from .programs import HERE, SERVICE, SYSTEM
from .resident import RESTRICTED

SOON = 60
REGISTRATION = "gastown"
PATH = f"/apis/admissionregistration.k8s.io/v1/mutatingwebhookconfigurations/{REGISTRATION}"
CALLER = Agent("polecat", "caller")


class SoakTown:
    def __init__(self, folder, given):
        self.folder, self.given = folder, given
        self.cluster = Cluster(folder / "cluster", say=lambda text: None)
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

    def register(self, annotations=None):
        [registration] = yaml.safe_load_all((HERE / "webhook.yaml").read_text())
        registration["metadata"]["annotations"] = annotations
        for webhook in registration["webhooks"]:
            webhook["clientConfig"] = {"service": {"namespace": SYSTEM, "name": SERVICE, "path": "/mutate"}}
        self.cluster.kubectl("apply", "-f", "-", input=json.dumps(registration))

    def unregister(self):
        self.cluster.kubectl("delete", "mutatingwebhookconfiguration", REGISTRATION)

    def bundle(self):
        """PEM, as an API server that starts now would have it."""
        status, answer = self.cluster.api("GET", PATH)
        if status != 200:
            raise BedError(f"the registration: {status} {answer}")
        [webhook] = answer["webhooks"]
        return base64.b64decode(webhook["clientConfig"].get("caBundle", "")).decode()

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
