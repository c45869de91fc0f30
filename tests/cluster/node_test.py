#!/usr/bin/python3
"""Proves the test bed's node: what every test that runs a pod takes for granted. Builds what is missing first.

    tests/cluster/node_test.py [--only TEXT] [--keep DIR]

A machine that can't hold a node (no root, no namespaces, a package missing) skips with the reason; with CI set in the
environment that's a failure.
"""

import argparse
import glob
import http.client
import json
import os
import signal
import subprocess
import sys
import tempfile
from pathlib import Path

from testbed import BedError, Cluster, cgroups, images, wait_for
from testbed.checks import Checks, Failure, expect, require_node
from testbed.node import NODE_NAME, STORAGE_CLASS, why_not
from testbed.process import PidFile, start_time

BED = Path(__file__).resolve().parent / "bed.py"
RUNS = 60
STANDARD = {"pod-security.kubernetes.io/enforce": "restricted"}
PLAY = "play"
WAIT_FOR_TERM = "trap 'exit 0' TERM; while :; do sleep 0.1; done"

# What a container of a pod says of itself; each line is checked. No line for the root file system if it could be written.
CONFESS = """id -u; id -g; grep -E '^(CapPrm|CapBnd|NoNewPrivs|Seccomp):' /proc/self/status
touch /here 2>&1 | grep -o 'Read-only file system'"""
CONFESSION = ["1000", "1000", "CapPrm:\t0000000000000000", "CapBnd:\t0000000000000000", "NoNewPrivs:\t1", "Seccomp:\t2",
              "Read-only file system"]


def container(name, script, **more):
    return {"name": name, "image": images.AGENT, "imagePullPolicy": "IfNotPresent", "command": ["/bin/sh", "-c", script],
            "securityContext": {"allowPrivilegeEscalation": False, "readOnlyRootFilesystem": True,
                                "capabilities": {"drop": ["ALL"]}}, **more}


def pod(name, *containers, init=(), fs_group=1000, **spec):
    """One that the restricted standard lets in."""
    security = {"runAsNonRoot": True, "runAsUser": 1000, "runAsGroup": 1000, "seccompProfile": {"type": "RuntimeDefault"}}
    return {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": name, "namespace": PLAY, "labels": {"app": name}},
            "spec": {"restartPolicy": "Never", "terminationGracePeriodSeconds": 5, "initContainers": list(init),
                     "securityContext": {**security, **({"fsGroup": fs_group} if fs_group else {})},
                     "containers": list(containers), **spec}}


def with_claim(name, script, **more):
    """A pod that has the claim `work` at /work."""
    return pod(name, container("main", script, volumeMounts=[{"name": "work", "mountPath": "/work"}]),
               volumes=[{"name": "work", "persistentVolumeClaim": {"claimName": "work"}}], **more)


# ---- what a node could leave behind ----

def listing(*argv):
    return subprocess.run(argv, capture_output=True, text=True).stdout.splitlines()


def mounts():
    """Without the ids, which count up."""
    return [" ".join(line.split()[2:]) for line in Path("/proc/self/mountinfo").read_text().splitlines()]


def sysctls():
    names = ("vm/overcommit_memory", "vm/panic_on_oom", "kernel/panic", "kernel/panic_on_oops", "kernel/keys/root_maxkeys",
             "kernel/keys/root_maxbytes", "net/ipv4/ip_forward", "net/netfilter/nf_conntrack_max")
    paths = [Path("/proc/sys") / name for name in names]
    return [f"{path} = {path.read_text().strip()}" for path in paths if path.exists()]


def folders():
    """Those that a node's programs make where they please."""
    return [path for pattern in ("/var/lib/*", "/run/*", "/var/log/*", "/etc/cni/*", "/opt/cni/*", "/usr/libexec/*/*")
            for path in sorted(glob.glob(pattern))]


def other_cgroups():
    """All but those with a bed's name: another node may be running, and our own is asked for by its name."""
    return [str(path) for mount in cgroups.hierarchies() for path in (*mount.glob("*/"), *mount.glob("*/*/"))
            if "gastown-testbed-" not in str(path)]


def traces():
    """{kind: what there is of it on this machine}"""
    return {"mount": mounts(), "link": listing("ip", "-o", "link"), "filter rule": listing("nft", "list", "ruleset"),
            "sysctl": sysctls(), "folder": folders(), "cgroup": other_cgroups()}


def new_traces(before):
    """Compared as wholes: another node, which others may be running just now, leaves none here either."""
    return [f"    {kind}: {item}" for kind, there in traces().items() for item in there if item not in before[kind]]


def in_namespace(kind, inode):
    """Pids of the processes that are in it."""
    found = []
    for link in glob.glob(f"/proc/[0-9]*/ns/{kind}"):
        try:
            if os.stat(link).st_ino == inode:
                found.append(int(link.split("/")[2]))
        except OSError:
            pass
    return found


# ---- the cluster as a test uses it ----

class InProcess:
    def __init__(self, folder, before):
        self.cluster, self.before = Cluster(folder, say=lambda text: None), before

    def up(self):
        self.cluster.start()
        info = self.get(f"/api/v1/nodes/{NODE_NAME}")["status"]["nodeInfo"]
        expect(info["kubeletVersion"] == self.get("/version")["gitVersion"], f"kubelet is {info['kubeletVersion']}")
        self.cluster.create_namespace(PLAY, STANDARD)
        return f"{info['kubeletVersion']}, {info['containerRuntimeVersion']}"

    # ---- asking ----

    def get(self, path):
        status, answer = self.cluster.api("GET", path)
        if status != 200:
            raise BedError(f"{path}: {status} {answer}")
        return answer

    def create(self, *objects):
        self.cluster.kubectl("create", "-f", "-", input="\n---\n".join(map(json.dumps, objects)))

    def status(self, name):
        return self.get(f"/api/v1/namespaces/{PLAY}/pods/{name}")["status"]

    def wait_phase(self, name, *phases):
        def there():
            status = self.status(name)
            if status["phase"] in phases:
                return status
            raise BedError(f"{status['phase']}: {json.dumps(status.get('containerStatuses', status.get('conditions')))}")

        return wait_for(f"pod {name} {' or '.join(phases)}", there, RUNS)

    def wait_ready(self, name):
        wait_for(f"pod {name} ready", lambda: [item for item in self.status(name).get("conditions", ())
                                               if item["type"] == "Ready" and item["status"] == "True"], RUNS)

    def logs(self, name, of="main"):
        return self.cluster.kubectl("logs", name, "-n", PLAY, "-c", of).stdout

    def run(self, what):
        """A pod from its creation to its success; its main container's output."""
        name = what["metadata"]["name"]
        self.create(what)
        status = self.wait_phase(name, "Succeeded", "Failed")
        expect(status["phase"] == "Succeeded", f"{name} failed; it said:\n{self.logs(name)}")
        return self.logs(name)

    # ---- pods ----

    def completes(self):
        """Init container, native sidecar that ends with the main one, everything the restricted standard asks for."""
        note = "/notes/note"
        mounted = {"volumeMounts": [{"name": "notes", "mountPath": "/notes"}]}
        sidecar = f"test -e {note} && echo beside >{note}.side; {WAIT_FOR_TERM}"
        self.create(pod("completes", container("main", f"{CONFESS}\ncat {note} {note}.side", **mounted),
                        init=[container("first", f"echo from the first >{note}; echo done", **mounted),
                              container("side", sidecar, restartPolicy="Always", startupProbe={
                                  "exec": {"command": ["test", "-e", f"{note}.side"]}, "periodSeconds": 1}, **mounted)],
                        volumes=[{"name": "notes", "emptyDir": {}}]))
        status = self.wait_phase("completes", "Succeeded", "Failed")
        for one in (*status["initContainerStatuses"], *status["containerStatuses"]):
            ended = one["state"].get("terminated", {})
            expect(ended.get("exitCode") == 0 and one["restartCount"] == 0, f"container {one['name']}: {one}")
        expect(status["phase"] == "Succeeded", f"it ended as {status['phase']}")

    def confesses(self):
        said = self.logs("completes").splitlines()
        expect(said == [*CONFESSION, "from the first", "beside"], f"main said {said}")
        expect(self.logs("completes", "first") == "done\n", f"first said {self.logs('completes', 'first')!r}")

    def refused(self):
        """The standard is enforced: what the pod above does without would not get in."""
        careless = pod("careless", {"name": "main", "image": images.AGENT})
        answer = self.cluster.kubectl("create", "-f", "-", input=json.dumps(careless), check=False)
        expect(answer.returncode != 0 and "violates PodSecurity" in answer.stderr, f"admitted: {answer.stderr}")

    def fails(self):
        """And a pod can fail."""
        self.create(pod("fails", container("main", "exit 7")))
        status = self.wait_phase("fails", "Succeeded", "Failed")
        ended = status["containerStatuses"][0]["state"]["terminated"]
        expect(status["phase"] == "Failed" and ended["exitCode"] == 7, f"{status['phase']}, {ended}")

    def too_large(self):
        """Limits hold: this reads a line that never ends."""
        self.create(pod("large", container("main", "exec tail /dev/zero", resources={"limits": {"memory": "24Mi"}})))
        status = self.wait_phase("large", "Succeeded", "Failed")
        ended = status["containerStatuses"][0]["state"]["terminated"]
        expect((ended["reason"], ended["exitCode"]) == ("OOMKilled", 137), f"it ended so: {ended}")

    # ---- volumes ----

    def written(self):
        """Bound when its first pod is scheduled; uid 1000 may write since the volume was given to its fsGroup."""
        self.cluster.add_volumes(1, "5Gi")
        self.create({"apiVersion": "v1", "kind": "PersistentVolumeClaim", "metadata": {"name": "work", "namespace": PLAY},
                     "spec": {"accessModes": ["ReadWriteOnce"], "storageClassName": STORAGE_CLASS,
                              "resources": {"requests": {"storage": "5Gi"}}}},
                    with_claim("stranger", "touch /work/theirs", fs_group=None))
        # First one who must not: were the folder open to all, what follows would prove nothing.
        phase = self.wait_phase("stranger", "Succeeded", "Failed")["phase"]
        expect(phase == "Failed", "a pod without fsGroup could write")
        said = self.run(with_claim("writer", "echo remember >/work/memory && stat -c '%u:%g' /work/memory"))
        expect(said == "1000:1000\n", f"the file is {said}")
        claim = self.get(f"/api/v1/namespaces/{PLAY}/persistentvolumeclaims/work")
        expect(claim["status"]["phase"] == "Bound", f"the claim: {claim['status']}")
        volume = self.get(f"/api/v1/persistentvolumes/{claim['spec']['volumeName']}")
        expect("local" in volume["spec"], f"the volume: {volume['spec']}")

    def found_again(self):
        """By another pod, after the writer is gone."""
        self.cluster.kubectl("delete", "pod", "writer", "-n", PLAY, "--timeout=30s")
        said = self.run(with_claim("reader", "cat /work/memory"))
        expect(said == "remember\n", f"found {said!r}")

    # ---- network ----

    def service(self):
        probe = {"readinessProbe": {"tcpSocket": {"port": 8080}, "periodSeconds": 1}}
        script = "mkdir /tmp/www; echo here >/tmp/www/index.html; exec httpd -f -p 8080 -h /tmp/www"
        tmp = {"volumeMounts": [{"name": "tmp", "mountPath": "/tmp"}]}
        self.create(pod("web", container("main", script, **probe, **tmp), volumes=[{"name": "tmp", "emptyDir": {}}]),
                    {"apiVersion": "v1", "kind": "Service", "metadata": {"name": "web", "namespace": PLAY},
                     "spec": {"selector": {"app": "web"}, "ports": [{"name": "http", "port": 80, "targetPort": 8080}]}})
        self.wait_ready("web")
        address = self.get(f"/api/v1/namespaces/{PLAY}/services/web")["spec"]["clusterIP"]
        wait_for(f"an answer from {address}", lambda: self.ask(address) == "here\n", RUNS)
        status, text = self.cluster.api("GET", f"/api/v1/namespaces/{PLAY}/services/web:http/proxy/")
        expect((status, text) == (200, "here\n"), f"through the API server: {status} {text!r}")
        return address

    def ask(self, address):
        """From where the API server is, on the way it takes to a webhook's Service."""
        with self.cluster.network_here():
            connection = http.client.HTTPConnection(address, timeout=3)
            connection.connect()
        connection.request("GET", "/")
        return connection.getresponse().read().decode()

    def service_from_pods(self):
        """Another pod, which is on the same bridge; the pod itself; and pods reach the API server by its Service."""
        address = self.get(f"/api/v1/namespaces/{PLAY}/services/web")["spec"]["clusterIP"]
        said = self.run(pod("asks", container("main", f"timeout 5 wget -q -O - http://{address}/; "
                                              "nc -w 3 $KUBERNETES_SERVICE_HOST 443 </dev/null && echo reached")))
        expect(said == "here\nreached\n", f"a pod heard {said!r}")
        ask = ("timeout", "5", "wget", "-q", "-O", "-", f"http://{address}/")
        answer = self.cluster.kubectl("exec", "web", "-n", PLAY, "--", *ask)
        expect(answer.stdout == "here\n", f"the pod itself heard {answer.stdout!r}")

    def hermetic(self):
        """Its network has no way out: nothing a pod does depends on, or reaches, what is outside."""
        links = {line.split(":")[1].split("@")[0].strip() for line in
                 self.cluster.machine.run("ip", "-o", "link").stdout.splitlines()}
        others = {link for link in links if link not in ("lo", "gastown0") and not link.startswith("veth")}
        expect(not others, f"links besides its own: {others}")
        routes = self.cluster.machine.run("ip", "route").stdout
        expect("default" not in routes, f"a way out:\n{routes}")

    # ---- life ----

    def restart(self, crash):
        """The node stays, and works on."""
        self.cluster.restart_apiserver(crash)
        name = f"after-{'crash' if crash else 'restart'}"
        wait_for("leave to make pods", lambda: self.cluster.kubectl("auth", "can-i", "create", "pods"), RUNS)
        expect(self.run(pod(name, container("main", "echo still here"))) == "still here\n", "no word of it")

    def stop(self):
        inode, pids = self.namespaces()
        self.cluster.stop()
        self.gone(inode, pids)
        expect(not self.cluster.dir.exists(), f"{self.cluster.dir} is still there")

    def namespaces(self):
        """({kind: inode} of the machine's, what runs there)"""
        inodes = {kind: os.stat(f"/proc/{self.cluster.machine.pid}/ns/{kind}").st_ino for kind in ("pid", "net", "mnt")}
        pids = in_namespace("pid", inodes["pid"])
        expect(len(pids) > 8, f"only {len(pids)} processes in the machine")
        return inodes, pids

    def gone(self, inodes, pids):
        left = {pid for kind, inode in inodes.items() for pid in in_namespace(kind, inode)}
        expect(not left and not any(map(start_time, pids)), f"processes left: {left} of {pids}")
        expect(not cgroups.own(self.cluster.dir), f"cgroups left: {cgroups.own(self.cluster.dir)}")
        left = new_traces(self.before)
        if left:
            raise Failure("left behind:\n" + "\n".join(left))

    def killed(self):
        """Pid 1 killed, and nothing else done: all of it is gone, and whoever asks is told."""
        self.cluster.start()
        self.cluster.create_namespace(PLAY, STANDARD)
        self.create(pod("lives", container("main", WAIT_FOR_TERM)))
        self.wait_phase("lives", "Running")
        inodes, pids = self.namespaces()
        os.kill(self.cluster.machine.pid, signal.SIGKILL)
        wait_for("end of its processes", lambda: not any(map(start_time, pids)), 10)
        try:
            self.cluster.check()
            raise Failure("nobody noticed")
        except BedError as error:
            expect("machine has ended" in str(error), str(error))
        self.cluster.stop()
        self.gone(inodes, pids)


# ---- the cluster as a person uses it ----

class Detached:
    def __init__(self, folder, before):
        self.folder, self.before = folder, before

    def bed(self, *args, status=0):
        answer = subprocess.run([str(BED), args[0], "--dir", str(self.folder), *args[1:]], capture_output=True, text=True,
                                timeout=180)
        expect(answer.returncode == status, f"bed.py {args[0]}: status {answer.returncode}, {status} expected\n"
               f"{answer.stdout}{answer.stderr}")
        return answer.stdout + answer.stderr

    def pids(self):
        return {path.name: PidFile(path).live_pid() for path in self.folder.glob("pids/*")}

    def up(self):
        """While the other one runs: two machines, each with the same addresses."""
        text = self.bed("up", "--node")
        expect(f"export KUBECONFIG={self.folder}/kubeconfig" in text and "bed.py enter" in text, text)
        expect(all(self.pids().values()) and "machine" in self.pids(), f"running: {self.pids()}")
        self.bed("status")

    def use(self):
        """The kubectl it puts first in PATH finds its network, and `enter` goes inside."""
        answer = subprocess.run([self.folder / "bin" / "kubectl", "get", "nodes,pv", "-o", "name"], capture_output=True,
                                text=True, timeout=30)
        expect(f"node/{NODE_NAME}" in answer.stdout and "persistentvolume/volume-0" in answer.stdout,
               answer.stdout + answer.stderr)
        expect("10.244.7.1/24" in self.bed("enter", "ip", "address"), "no such address inside")
        expect(f"node/{NODE_NAME}" in self.bed("enter", "kubectl", "get", "nodes", "-o", "name"), "kubectl inside")

    def down(self):
        pids = self.pids().values()
        self.bed("down")
        expect(not any(map(start_time, pids)), f"processes left of {pids}")
        self.gone()

    def crash(self):
        """The supervisor killed: the kernel takes the machine, and down cleans up."""
        self.bed("up", "--node")
        pids = self.pids()
        os.kill(pids["supervisor"], signal.SIGKILL)
        wait_for("end of the machine", lambda: not any(map(start_time, pids.values())), 10)
        self.bed("down")
        self.gone()

    def gone(self):
        expect(not self.folder.exists(), f"{self.folder} is still there")
        left = [*new_traces(self.before), *map(str, cgroups.own(self.folder))]
        if left:
            raise Failure("left behind:\n" + "\n".join(left))


def add_checks(checks, one, other):
    checks.add("this machine can hold a node", require_node)
    possible = ("this machine can hold a node",)
    checks.add("cluster up, node Ready", one.up, possible)
    up = ("cluster up, node Ready",)
    checks.add("a pod completes: init, sidecar, restricted", one.completes, up)
    checks.add("its logs, and who it was", one.confesses, ("a pod completes: init, sidecar, restricted",))
    checks.add("the restricted standard is enforced", one.refused, up)
    checks.add("a pod fails", one.fails, up)
    checks.add("a container can't outgrow its limit", one.too_large, up)
    checks.add("a claim is bound and written as uid 1000", one.written, up)
    checks.add("another pod finds what was written", one.found_again, ("a claim is bound and written as uid 1000",))
    checks.add("a Service, from the API server's side", one.service, up)
    checks.add("a Service, from pods", one.service_from_pods, ("a Service, from the API server's side",))
    checks.add("no way out", one.hermetic, up)
    checks.add("API server restarted", lambda: one.restart(crash=False), up)
    checks.add("API server crashed", lambda: one.restart(crash=True), up)
    checks.add("detached up, beside the other", other.up, possible)
    checks.add("detached use", other.use, ("detached up, beside the other",))
    checks.add("detached down", other.down, ("detached up, beside the other",))
    checks.add("stopped without a trace", one.stop, up)
    checks.add("pid 1 killed", one.killed, possible)
    checks.add("supervisor killed", other.crash, possible)


def run(folder, only):
    before = {} if why_not() else traces()
    one, other = InProcess(folder / "a", before), Detached(folder / "b", before)
    checks = Checks(only)
    add_checks(checks, one, other)
    try:
        return checks.run()
    finally:
        one.cluster.end_services()
        other.bed("down")


def main():
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--only", metavar="TEXT", help="the checks whose name contains this, and what they need")
    options.add_argument("--keep", type=Path, metavar="DIR", help="work in this new folder and leave it, for its logs")
    args = options.parse_args()
    if args.keep:
        args.keep.mkdir(parents=True)
        return run(args.keep.resolve(), args.only)
    with tempfile.TemporaryDirectory(prefix="gastown-node-") as folder:
        return run(Path(folder), args.only)


if __name__ == "__main__":
    sys.exit(main())
