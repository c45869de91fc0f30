"""A town whose templates live in the cluster: the control plane, two replicas of the webhook that run with exactly the rights of
manifests/rbac.yaml, and the questions that checks ask. The API server calls the first replica; both are asked directly, too.

Each group of checks takes namespaces of its own and leaves both replicas running."""

import contextlib
import json
import time

from testbed import BedError, ControlPlane, account_kubeconfig, wait_for
from testbed.checks import Failure, expect
from testbed.pins import REPOSITORY

from . import objects
from .agents import Agent, bare_pod, manifests
from .programs import BINDING, MUTATING, POLICY, SERVICE, SYSTEM, VALIDATING
from .replica import Replica

CRDS = REPOSITORY / "manifests" / "crds"
MERGE = "application/merge-patch+json"
SOON = 20
# What a change may take until pods come out so.
LIVE = 1.0
# Another holder's lease has run out by then, and somebody else has it.
TAKEOVER = 25
# Of storage: volumes of the one can grow, of the other can't.
GROWS, STAYS = "gp3", "fixed"
CLASSES = {GROWS: True, STAYS: False}
POLECAT, CREW = Agent("polecat", "furiosa"), Agent("crew", "k8s", persists=True)


class LiveTown:
    def __init__(self, folder, paths):
        self.folder = folder
        self.cluster = ControlPlane(folder / "cluster", say=lambda text: None)
        self.kubeconfig = folder / "webhook.kubeconfig"
        self.first = Replica(paths.webhook, folder / "webhook-1", self.kubeconfig)
        self.second = self.another("webhook-2")
        self.replicas = [self.first, self.second]
        self.endings = []

    def another(self, name, kubeconfig=None, more=()):
        """One more replica, with the same certificate; whoever starts it ends it."""
        return Replica(self.first.path, self.folder / name, kubeconfig or self.kubeconfig, self.first.authority, more)

    def on_end(self, ending):
        """To be called when all is over, however it ended."""
        self.endings.append(ending)

    def end_others(self):
        """What the groups before have left running."""
        while self.endings:
            self.endings.pop()()

    def end(self):
        self.end_others()
        for replica in self.replicas:
            replica.kill()
        self.cluster.end_services()

    # ---- setting up ----

    def control_plane(self):
        self.cluster.start()
        self.cluster.create_namespace(SYSTEM)
        rights = (REPOSITORY / "manifests" / "rbac.yaml").read_text()
        self.cluster.kubectl("apply", "-f", "-", input=rights)
        account_kubeconfig(self.cluster, SYSTEM, SERVICE, self.kubeconfig)
        for name, grows in CLASSES.items():
            self.post("/apis/storage.k8s.io/v1/storageclasses", {
                "metadata": {"name": name}, "provisioner": "kubernetes.io/no-provisioner", "allowVolumeExpansion": grows,
                "volumeBindingMode": "Immediate"})
        return self.cluster.api("GET", "/version")[1]["gitVersion"]

    def crds(self):
        """As an operator does it, before and apart from all else; and once more, as on every upgrade."""
        expect(CRDS.is_dir(), f"{CRDS} isn't there")
        for _ in range(2):
            self.cluster.kubectl("apply", "--server-side", "-f", CRDS)
        self.cluster.kubectl("wait", "--for=condition=Established", "-f", CRDS, "--timeout=20s")

    def replicas_up(self):
        for replica in self.replicas:
            replica.launch()
        for replica in self.replicas:
            replica.wait_ready()

    def registered(self):
        """Applied, and then seen to be called: a pod is injected or denied by it, in a namespace that has no town."""
        self.cluster.create_namespace("unclaimed")
        self.cluster.kubectl("apply", "-f", "-", input=self.first.registration(MUTATING, POLICY, BINDING))
        wait_for("the webhook's refusal", lambda: self.dry_run("unclaimed")[0] == 422, SOON, [self.first.process])

    def validating(self, wanted=True):
        """Registered, or no longer. The API server learns of it a moment later."""
        text = self.first.registration(VALIDATING)
        self.cluster.kubectl(*(["apply"] if wanted else ["delete", "--ignore-not-found"]), "-f", "-", input=text)

    @contextlib.contextmanager
    def without(self, *names):
        """etcd, the API server or both are killed, and back when the block is left, whatever happened in it."""
        cluster = self.cluster
        if "kube-apiserver" in names:
            cluster.stop_apiserver(crash=True)
        if "etcd" in names:
            cluster.stop_etcd(crash=True)
        try:
            yield
        finally:
            if "etcd" in names:
                cluster.start_etcd()
            if "kube-apiserver" in names:
                cluster.start_apiserver()
            cluster.wait_ready()

    # ---- templates ----

    def get(self, path):
        status, answer = self.cluster.api("GET", path)
        if status != 200:
            raise BedError(f"{path}: {status} {json.dumps(answer)[:600]}")
        return answer

    def post(self, path, body):
        status, answer = self.cluster.api("POST", path, body)
        expect(status == 201, f"POST {path}: {status} {json.dumps(answer)[:600]}")
        return answer

    def apply(self, *items, check=True):
        return self.cluster.kubectl("apply", "-f", "-", input=manifests(items), check=check)

    def create(self, item):
        """The stored object."""
        return self.post(objects.path(item["kind"], item["metadata"]["namespace"]), item)

    def change(self, kind, namespace, name, spec):
        """A merge patch of its spec; the stored object."""
        status, answer = self.cluster.api("PATCH", objects.path(kind, namespace, name), {"spec": spec}, MERGE)
        expect(status == 200, f"{kind} {name}: {status} {json.dumps(answer)[:600]}")
        return answer

    def delete(self, kind, namespace, name):
        status, answer = self.cluster.api("DELETE", objects.path(kind, namespace, name))
        expect(status == 200, f"{kind} {name}: {status} {answer}")

    def condition(self, kind, namespace, name, status, timeout=SOON):
        """Its condition Accepted, once that is about its newest generation and has the status."""
        def now():
            item = self.get(objects.path(kind, namespace, name))
            found = objects.accepted(item)
            if found and found["status"] == status:
                return found
            raise BedError(json.dumps({"generation": item["metadata"]["generation"], **item.get("status", {})})[:1500])

        return wait_for(f"{kind} {name} with Accepted={status}", now, timeout, self.running())

    def running(self):
        """Those whose end would end a wait."""
        return [replica.process for replica in self.replicas if replica.process and replica.process.alive]

    # ---- pods ----

    def pod_path(self, namespace, name=""):
        return f"/api/v1/namespaces/{namespace}/pods{'/' + name if name else ''}"

    def dry_run(self, namespace, agent=POLECAT, client=None):
        """(status, what would be stored)"""
        path = self.pod_path(namespace) + "?dryRun=All"
        return (client or self.cluster).api("POST", path, bare_pod(agent, namespace=namespace))

    def would_be(self, namespace, agent=POLECAT):
        """The pod that would be stored; BedError where it would be refused."""
        status, answer = self.dry_run(namespace, agent)
        if status != 201:
            raise BedError(f"{agent}: {status} {json.dumps(answer)[:600]}")
        return answer

    def wait_flavour(self, namespace, value, agent=POLECAT, timeout=SOON):
        """The pod, once it comes out with that FLAVOUR."""
        def comes():
            pod = self.would_be(namespace, agent)
            if objects.env(pod, "FLAVOUR") == value:
                return pod
            raise BedError(f"FLAVOUR is {objects.env(pod, 'FLAVOUR')!r}, layers are {objects.layers(pod)}")

        return wait_for(f"pods with FLAVOUR {value}", comes, timeout, self.running())

    def live_after(self, began, what, condition):
        """Seconds from `began` (monotonic) until pods come out so; more than a second is a failure."""
        wait_for(what, condition, SOON, self.running())
        took = time.monotonic() - began
        expect(took < LIVE, f"{what}: after {took:.2f} s, {LIVE:g} s allowed")
        return took

    def agreed(self, namespace, agent=POLECAT):
        """The hash that both replicas put on such a pod."""
        pod = bare_pod(agent, namespace=namespace)

        def same():
            hashes = {replica.hash_of(pod) for replica in self.replicas}
            if len(hashes) == 1:
                return hashes.pop()
            raise BedError(f"hashes {sorted(map(str, hashes))}")

        return wait_for("two replicas that agree", same, 2 * LIVE, self.running())

    # ---- leading ----

    def lease(self):
        return self.get(f"/apis/coordination.k8s.io/v1/namespaces/{SYSTEM}/leases/{SERVICE}")["spec"]

    def leader(self):
        """The replica that leads, once there's exactly one."""
        def one():
            leading = [replica for replica in self.replicas if replica.process.alive and replica.leads()]
            if len(leading) > 1:
                raise Failure("two replicas lead")
            return leading and leading[0]

        return wait_for("a leader", one, TAKEOVER)

    def revisions(self, namespace, item):
        """The last good versions kept for an object: ControllerRevisions that it owns."""
        found = self.get(f"/apis/apps/v1/namespaces/{namespace}/controllerrevisions")["items"]
        uid = item["metadata"]["uid"]
        return [one for one in found if any(owner["uid"] == uid for owner in one["metadata"].get("ownerReferences", ()))]
