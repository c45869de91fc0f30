"""What goes on while no replica answers, and what doesn't. A part of registration.py."""

from testbed import wait_for
from testbed.checks import expect
from town import objects
from town.agents import Agent, bare_pod
from town.live import CREW, MERGE
from town.programs import SERVICE, SYSTEM

HOME, SOON = "town-one", 20
NODE = ("--as", "system:node:one", "--as-group", "system:nodes")


class Away:
    def job(self):
        """Its one pod, admitted."""
        bare = bare_pod(Agent("crew", "jobber", persists=True), namespace=HOME)
        template = {"metadata": {"labels": bare["metadata"]["labels"]}, "spec": {"restartPolicy": "Never", "containers": [{"name": "agent", "image": "a/b:1"}]}}
        self.town.post(f"/apis/batch/v1/namespaces/{HOME}/jobs", {"metadata": {"name": "job"}, "spec": {"template": template}})
        [pod] = wait_for("the Job's pod", lambda: self.town.get(self.town.pod_path(HOME) + "?labelSelector=job-name=job")["items"], SOON)
        expect(pod["metadata"]["finalizers"] and objects.template_hash(pod), pod["metadata"])
        return pod["metadata"]["name"]

    def controllers_go_on(self, name):
        """The Job's controller takes its finalizer from a pod that is done; an eviction takes the pod."""
        path = self.town.pod_path(HOME, name)
        self.town.post(f"{path}/binding", {"metadata": {"name": name}, "target": {"kind": "Node", "name": "one"}})
        self.patch(f"{path}/status", {"status": {"phase": "Succeeded"}}, MERGE)
        wait_for("the finalizer's end", lambda: not self.town.get(path)["metadata"].get("finalizers"), SOON)
        self.town.post(f"{path}/eviction", {"apiVersion": "policy/v1", "kind": "Eviction", "metadata": {"name": name, "namespace": HOME}})

    def away(self):
        """Agents' pods are refused with the reason. All else goes on: their finalizers, labels and deletion, nodes' mirrors, kube-system, our own pods."""
        pod = ("pod", CREW.pod_name, "-n", HOME)
        done = self.job()
        self.server.kill()
        self.controllers_go_on(done)
        self.refused("failed calling webhook \"pods.gastown.io\"", "create", "-f", "-", input=bare_pod(Agent("mayor", "hq", rig="town"), namespace=HOME))
        self.refused("failed calling webhook \"policy.gastown.io\"", "set", "image", *pod[:1], *pod[1:], "agent=other/image:1")
        self.passes("patch", *pod, "--type=merge", "-p", '{"metadata":{"finalizers":["example.com/wait"],"labels":{"team":"b"}}}')
        self.passes("patch", *pod, "--subresource=status", "--type=merge", "-p", '{"status":{"phase":"Failed"}}')
        self.passes("delete", *pod, "--wait=false", "--grace-period=0", "--force")
        self.passes("patch", *pod, "--type=merge", "-p", '{"metadata":{"finalizers":null}}')
        wait_for("the pod is gone", lambda: self.cluster.api("GET", self.town.pod_path(HOME, CREW.pod_name))[0] == 404, SOON)
        self.passes("create", "-f", "-", *NODE, input=self.mirror(Agent("mayor", "two", rig="town")))
        system = bare_pod(CREW, namespace="kube-system")
        system["spec"]["containers"][0]["image"] = "a/b:1"
        self.passes("create", "-f", "-", input=system)
        own = {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "own", "namespace": SYSTEM}, "spec": {"serviceAccountName": SERVICE, "containers": [{"name": "a", "image": "a/b:1"}]}}
        self.passes("create", "-f", "-", input=own)
        self.passes("apply", "--server-side", "-f", "-", input=objects.gastown(HOME, "main"))
        self.finds("the API server can't call")

    def restored(self):
        self.server.start()
        self.town.wait_flavour(HOME, "rig")
        self.check()
