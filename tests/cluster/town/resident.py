"""A town on a node: the cluster, the webhook behind its Service, and the questions that tests ask of agents that really run.

    class Mine(Resident): ...                  its methods are checks
    sys.exit(main(__doc__, Mine, add_checks))  add_checks(checks, town)

Each program under test is named by an option; each town's folder is temporary, or --keep's.
"""

import json

from testbed import BedError, Cluster, wait_for
from testbed.machine import ADDRESS
from testbed.node import STORAGE_CLASS

from .agents import NAMESPACE, Agent, bare_pod, manifests
from .programs import SYSTEM, Webhook

SOON = 30
RUNS = 60
RESTRICTED = {"pod-security.kubernetes.io/enforce": "restricted"}
NOBODY = Agent("polecat", "nobody")


class Resident:
    # What else is under test besides the webhook: an option each.
    programs = ()

    def __init__(self, folder, paths, templates):
        self.folder, self.paths = folder, paths
        self.cluster = Cluster(folder / "cluster", say=lambda text: None)
        self.webhook = Webhook(paths.webhook, folder / "webhook", templates, ADDRESS)

    def end(self):
        self.webhook.kill()
        self.cluster.end_services()

    # ---- asking ----

    def get(self, path):
        status, answer = self.cluster.api("GET", path)
        if status != 200:
            raise BedError(f"{path}: {status} {answer}")
        return answer

    def pod(self, agent):
        return self.get(f"/api/v1/namespaces/{NAMESPACE}/pods/{agent.pod_name}")

    def wait_for_pod(self, agent, what, condition, timeout=RUNS):
        """The pod, once the condition holds of it."""
        def holds():
            pod = self.pod(agent)
            if condition(pod):
                return pod
            raise BedError(json.dumps(pod["status"])[:2000])

        return wait_for(f"{agent}: {what}", holds, timeout)

    def wait_for_end(self, agent):
        return self.wait_for_pod(agent, "its end", lambda pod: pod["status"]["phase"] in ("Succeeded", "Failed"))

    def logs(self, agent, container="agent"):
        return self.cluster.kubectl("logs", agent.pod_name, "-n", NAMESPACE, "-c", container).stdout.splitlines()

    # ---- making ----

    def create(self, *objects):
        self.cluster.kubectl("create", "-f", "-", input=manifests(objects))

    def claim(self, name, size="5Gi"):
        """By hand, its volume too: nobody makes claims for agents yet."""
        self.cluster.add_volumes(1, size)
        self.create({"apiVersion": "v1", "kind": "PersistentVolumeClaim", "metadata": {"name": name, "namespace": NAMESPACE},
                     "spec": {"accessModes": ["ReadWriteOnce"], "storageClassName": STORAGE_CLASS,
                              "resources": {"requests": {"storage": size}}}})

    def secret(self, name, data):
        return {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": name, "namespace": NAMESPACE}, "stringData": data}

    # ---- setting up ----

    def cluster_up(self):
        self.cluster.start()
        self.cluster.create_namespace(SYSTEM)
        self.cluster.create_namespace(NAMESPACE, RESTRICTED)

    def webhook_up(self):
        """By its Service, as in any cluster; the API server learns of both a moment later."""
        with self.cluster.network_here():
            self.webhook.start()
        self.create(*self.webhook.service_objects())
        self.cluster.kubectl("apply", "-f", "-", input=self.webhook.registration(by_service=True))
        wait_for("injection", self.injects, SOON, [self.webhook.process])

    def injects(self):
        status, answer = self.cluster.api("POST", f"/api/v1/namespaces/{NAMESPACE}/pods?dryRun=All", bare_pod(NOBODY))
        if status != 201:
            raise BedError(f"dry run: {status} {answer}")
        return "gastown.io/template-hash" in answer["metadata"].get("annotations", {})


def exit_codes(pod):
    """{container: exit code, None while it runs} of all that ran, sidecars too."""
    return {one["name"]: one["state"].get("terminated", {}).get("exitCode")
            for field in ("initContainerStatuses", "containerStatuses") for one in pod["status"][field]}
