#!/usr/bin/python3
"""Proves the test bed itself: what every other test takes for granted. Builds what is missing first.

    tests/cluster/bed_test.py [--only TEXT]
"""

import argparse
import json
import os
import signal
import subprocess
import sys
import tempfile
from pathlib import Path

from testbed import BedError, ControlPlane, account_kubeconfig, build, wait_for
from testbed.checks import Checks, Failure, expect
from testbed.controlplane import clean_environment
from testbed.process import PidFile, start_time

BED = Path(__file__).resolve().parent / "bed.py"
SERVICES = ("etcd", "kube-apiserver", "kube-controller-manager")
PODS = "/api/v1/namespaces/play/pods"

POD = {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "one", "namespace": "play"},
       "spec": {"containers": [{"name": "agent", "image": "gastown.test/agent:1"}]}}
JOB = {"apiVersion": "batch/v1", "kind": "Job", "metadata": {"name": "job", "namespace": "play"},
       "spec": {"template": {"spec": {"restartPolicy": "Never", "containers": POD["spec"]["containers"]}}}}


def bed(*args, status=0):
    answer = subprocess.run([str(BED), *map(str, args)], capture_output=True, text=True, timeout=120)
    expect(answer.returncode == status, f"bed.py {args[0]}: status {answer.returncode}, {status} expected\n"
           f"{answer.stdout}{answer.stderr}")
    return answer.stdout + answer.stderr


class InProcess:
    """The cluster as a test uses it."""

    def __init__(self, folder):
        self.cluster = ControlPlane(folder, say=lambda text: None)

    def pods(self):
        status, answer = self.cluster.api("GET", PODS)
        expect(status == 200, f"{PODS}: {status} {answer}")
        return {pod["metadata"]["name"]: pod for pod in answer["items"]}

    def up(self):
        self.cluster.start()
        version = self.cluster.api("GET", "/version")[1]["gitVersion"]
        return f"{version} at {self.cluster.url}"

    def refuses_a_second(self):
        try:
            ControlPlane(self.cluster.dir, say=lambda text: None).start()
        except BedError as error:
            expect("a cluster runs in" in str(error), str(error))
            self.cluster.check()
            return
        raise Failure("two clusters in one folder")

    def pod(self):
        self.cluster.create_namespace("play")
        self.cluster.kubectl("create", "-f", "-", input=json.dumps(POD))
        expect("one" in self.pods(), "kubectl created a pod that isn't there")

    def job(self):
        self.cluster.kubectl("create", "-f", "-", input=json.dumps(JOB))
        wait_for("the Job's pod", lambda: [name for name in self.pods() if name.startswith("job-")], 20)

    def certificate(self):
        answer = self.cluster.kubectl("--kubeconfig", self.cluster.kubeconfig_cert, "auth", "whoami", "-o", "json")
        user = json.loads(answer.stdout)["status"]["userInfo"]
        expect(user["username"] == "testbed-certificate" and "system:masters" in user["groups"], f"came out as {user}")

    def authorization(self):
        """RBAC is on: a service account may do nothing by default."""
        answer = self.cluster.kubectl("auth", "can-i", "create", "pods", "--as=system:serviceaccount:play:default",
                                      check=False)
        expect(answer.stdout.strip() == "no", f"a plain service account may create pods: {answer.stdout}{answer.stderr}")

    def restart(self, crash):
        before, port = self.pods(), self.cluster.port
        self.cluster.stop_apiserver(crash)
        try:
            self.cluster.api("GET", "/readyz")
            raise Failure("somebody answers while the API server is stopped")
        except ConnectionRefusedError:
            pass
        self.cluster.check()
        self.cluster.start_apiserver()
        expect(self.cluster.port == port, "it came back on another port")
        uids = [{name: pod["metadata"]["uid"] for name, pod in pods.items()} for pods in (before, self.pods())]
        expect(uids[0] == uids[1], f"pods before and after: {uids}")

    def etcd_restart(self, crash):
        """What was acknowledged is there again, and can be changed: by itself the API server finds etcd again."""
        path = f"{PODS}/one"
        self.label("restart", crash)
        before = self.pods()["one"]["metadata"]
        self.cluster.stop_etcd(crash)
        self.cluster.start_etcd()
        self.cluster.wait_ready()
        expect(self.pods()["one"]["metadata"] == before, f"{path} before: {before}, after: {self.pods()['one']['metadata']}")
        self.label("restarted", crash)

    def label(self, name, value):
        body = {"metadata": {"labels": {name: str(value)}}}
        status, answer = self.cluster.api("PATCH", f"{PODS}/one", body, "application/merge-patch+json")
        expect(status == 200, f"label {name}: {status} {answer}")

    def watch(self, version):
        """The first event that a watcher from that version on is sent."""
        path = f"{PODS}?watch=1&resourceVersion={version}&timeoutSeconds=1"
        return json.loads(self.cluster.kubectl("get", "--raw", path).stdout.splitlines()[0])

    def compaction(self):
        """A watch from before it is told 410, one from after it goes on."""
        version = self.pods()["one"]["metadata"]["resourceVersion"]
        self.label("compacted", "no")
        expect(self.watch(version)["type"] == "MODIFIED", f"before: {self.watch(version)}")
        self.label("compacted", "yes")
        self.cluster.etcd.compact()
        self.cluster.restart_apiserver()
        told = self.watch(version)
        expect(told["type"] == "ERROR" and told["object"]["code"] == 410, f"not 410 but {told}")

    def account(self):
        """A ServiceAccount by its token: with the rights bound to it, and no more."""
        self.cluster.kubectl("create", "serviceaccount", "reader", "-n", "play")
        self.cluster.kubectl("create", "role", "reader", "-n", "play", "--verb=get,list", "--resource=pods")
        self.cluster.kubectl("create", "rolebinding", "reader", "-n", "play", "--role=reader", "--serviceaccount=play:reader")
        path = account_kubeconfig(self.cluster, "play", "reader", self.cluster.dir / "reader.kubeconfig")

        def may(*question):
            return self.cluster.kubectl("--kubeconfig", path, "auth", "can-i", *question, "-n", "play", check=False).stdout.strip()

        expect(may("list", "pods") == "yes", "it can't do what it was allowed to")
        expect(may("delete", "pods") == "no", "it can do what nobody allowed")

    def controllers_return(self):
        """After an absence of the API server the controllers still work."""
        self.cluster.kubectl("delete", "job", "job", "-n", "play", "--timeout=20s")
        wait_for("the Job's pod gone", lambda: list(self.pods()) == ["one"], 20)

    def died(self):
        """A service that ends by itself is noticed, with the end of its log."""
        self.cluster.services["kube-controller-manager"].signal(signal.SIGKILL)
        self.cluster.services["kube-controller-manager"].process.wait()
        try:
            self.cluster.check()
        except BedError as error:
            expect("kube-controller-manager ended with status -9" in str(error), str(error))
            return
        raise Failure("nobody noticed")

    def stop(self):
        pids = [service.process.pid for service in self.cluster.services.values()]
        self.cluster.stop()
        expect(not any(map(start_time, pids)), f"processes left of {pids}")
        expect(not self.cluster.dir.exists(), f"{self.cluster.dir} is still there")


class Detached:
    """The cluster as a person uses it."""

    def __init__(self, folder):
        self.folder = folder

    def live(self):
        return {path.name: PidFile(path).live_pid() for path in self.folder.glob("pids/*")}

    def up(self):
        text = bed("up", "--dir", self.folder)
        expect(f"export KUBECONFIG={self.folder}/kubeconfig" in text, text)
        live = self.live()
        expect(sorted(live) == sorted((*SERVICES, "supervisor")) and all(live.values()), f"running: {live}")
        expect("already" in bed("up", "--dir", self.folder), "a second up did not say that it runs")
        bed("status", "--dir", self.folder)

    def kubectl(self):
        kubectl = build.ensure()["kubectl"]
        env = {**clean_environment(self.folder), "KUBECONFIG": str(self.folder / "kubeconfig")}
        answer = subprocess.run([kubectl, "get", "namespaces", "-o", "name"], env=env, capture_output=True, text=True,
                                timeout=30)
        expect("namespace/default" in answer.stdout, answer.stdout + answer.stderr)

    def down(self):
        pids = self.live().values()
        bed("down", "--dir", self.folder)
        expect(not any(map(start_time, pids)), f"processes left of {pids}")
        expect(not self.folder.exists(), f"{self.folder} is still there")
        expect("no cluster in" in bed("down", "--dir", self.folder), "a second down")

    def crash(self):
        """The supervisor killed: the kernel takes the services, and down cleans up."""
        bed("up", "--dir", self.folder)
        pids = self.live()
        os.kill(pids["supervisor"], signal.SIGKILL)
        wait_for("end of the services", lambda: not any(map(start_time, pids.values())), 10)
        bed("status", "--dir", self.folder, status=1)
        bed("down", "--dir", self.folder)
        expect(not self.folder.exists(), f"{self.folder} is still there")

    def folder_removed(self):
        """`make clean` under a running cluster: it ends."""
        bed("up", "--dir", self.folder)
        pids = self.live()
        # What runs may write while it's being removed, and rm then finds a folder that isn't empty.
        wait_for("folder removed", lambda: subprocess.run(["rm", "-rf", self.folder]).returncode == 0, 10)
        wait_for("end of the cluster", lambda: not any(map(start_time, pids.values())), 10)

    def stranger(self):
        """A folder that isn't ours is refused, and down leaves it alone."""
        self.folder.mkdir(parents=True)
        (self.folder / "thesis.txt").write_text("years of work")
        expect("name another folder" in bed("up", "--dir", self.folder, status=1), "up took it")
        bed("down", "--dir", self.folder)
        expect((self.folder / "thesis.txt").exists(), "down removed a stranger's file")


def main():
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--only", metavar="TEXT", help="the checks whose name contains this, and what they need")
    checks = Checks(options.parse_args().only)
    build.ensure()
    with tempfile.TemporaryDirectory(prefix="gastown-bed-") as name:
        one, other = InProcess(Path(name) / "a"), Detached(Path(name) / "b")
        checks.add("control plane up", one.up)
        up = ("control plane up",)
        checks.add("a second one in its folder is refused", one.refuses_a_second, up)
        checks.add("kubectl makes a pod", one.pod, up)
        checks.add("a Job's controller makes a pod", one.job, (*up, "kubectl makes a pod"))
        checks.add("client certificate", one.certificate, up)
        checks.add("RBAC is on", one.authorization, up)
        checks.add("API server restarted", lambda: one.restart(crash=False), (*up, "kubectl makes a pod"))
        checks.add("API server crashed", lambda: one.restart(crash=True), (*up, "kubectl makes a pod"))
        checks.add("controllers after that", one.controllers_return, ("a Job's controller makes a pod",))
        checks.add("etcd restarted", lambda: one.etcd_restart(crash=False), (*up, "kubectl makes a pod"))
        checks.add("etcd crashed", lambda: one.etcd_restart(crash=True), (*up, "kubectl makes a pod"))
        checks.add("a watch from before a compaction", one.compaction, (*up, "kubectl makes a pod"))
        checks.add("a ServiceAccount's rights", one.account, (*up, "kubectl makes a pod"))
        checks.add("a dead service is noticed", one.died, up)
        checks.add("stopped without a trace", one.stop, up)
        checks.add("detached up", other.up)
        checks.add("detached kubectl", other.kubectl, ("detached up",))
        checks.add("detached down", other.down, ("detached up",))
        checks.add("supervisor killed", other.crash)
        checks.add("folder removed under it", other.folder_removed)
        checks.add("a stranger's folder", Detached(Path(name) / "c").stranger)
        try:
            return checks.run()
        finally:
            one.cluster.end_services()
            bed("down", "--dir", other.folder)


if __name__ == "__main__":
    sys.exit(main())
