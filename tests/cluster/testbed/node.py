"""A whole cluster: the control plane, and a node that runs what is scheduled to it, in a machine of their own.

    with Cluster(folder) as cluster:
        cluster.kubectl("apply", "-f", "-", input=manifest)
        cluster.add_volumes(2, "20Gi")                    for claims of class gp3
        cluster.import_image(archive)                     see images.py and oci.py
        cluster.machine.run("nft", "list", "ruleset")     a command inside
        with cluster.network_here():                      what starts here can be reached from pods as 10.244.7.1
            ...

All that a ControlPlane can it can, too: api(), kubectl(), restart_apiserver(). The address of the API server is one of the
machine's network; api() and kubectl() go there by themselves, other programs need network_here().
"""

import json
import socket
from concurrent.futures import ThreadPoolExecutor

from . import images, packages
from .controlplane import MASTERS, SERVICE_ADDRESS, SERVICE_NETWORK, ControlPlane, Network
from .errors import BedError
from .machine import ADDRESS, BRIDGE, POD_NETWORK, Machine, impossible
from .parts import NODE
from .process import wait_for

# The API server calls kubelet by it, so it has to resolve.
NODE_NAME = "localhost"
STORAGE_CLASS = "gp3"
SOCKET = "/run/containerd/containerd.sock"
# The API server's way to kubelet, and who the node's programs are.
USERS = {"kubelet-client": ("testbed-apiserver", MASTERS), "kubelet": (f"system:node:{NODE_NAME}", "system:nodes"),
         "kube-proxy": ("system:kube-proxy", None), "kube-scheduler": ("system:kube-scheduler", None)}
WITH_KUBECONFIG = ("kubelet", "kube-proxy", "kube-scheduler")


def why_not():
    """What keeps this machine from having a node, or None."""
    try:
        packages.check()
    except BedError as error:
        return str(error)
    return impossible()


class Cluster(ControlPlane):
    parts = NODE

    def __init__(self, folder, **more):
        super().__init__(folder, network=Network(ADDRESS, advertised=True), **more)
        self.machine = Machine(self.dir, routes=[SERVICE_NETWORK])

    def start(self):
        """Returns when a pod can be run in namespace default."""
        reason = why_not()
        if reason:
            raise BedError(reason)
        super().start()

    def describe(self):
        return f"cluster with a node up at {self.url}"

    def end_services(self):
        self.machine.stop()
        super().end_services()

    def check(self):
        """Raises if a service that should run has ended, or all of them."""
        if not self.machine.alive:
            raise BedError("the machine has ended, and all in it")
        super().check()

    # --- use

    def network_here(self):
        return self.machine.network()

    def import_image(self, archive):
        """Returns when kubelet can see it."""
        said = self.ctr("images", "import", archive).stdout
        names = [line.split()[1] for line in said.splitlines() if line.startswith("unpacking ")]
        if not names:
            raise BedError(f"{archive} was imported without a name: {said}")
        for name in names:
            wait_for(f"image {name}", lambda: "io.cri-containerd.image=managed" in
                     self.ctr("images", "ls", f"name=={name}").stdout, self.timeout)

    def ctr(self, *args):
        return self.machine.run("ctr", "-n", "k8s.io", *args)

    def add_volumes(self, count, size, access_modes=("ReadWriteOnce",)):
        """PersistentVolumes of class gp3, each an empty folder; their names. Of type local and not hostPath, whose
        ownership kubelet leaves alone: a test of who may write couldn't fail there."""
        place = self.dir / "volumes"
        place.mkdir(exist_ok=True)
        first = len(list(place.iterdir()))
        names = [f"volume-{number}" for number in range(first, first + count)]
        for name in names:
            (place / name).mkdir()
            self._create("/api/v1/persistentvolumes", {"metadata": {"name": name}, "spec": {
                "capacity": {"storage": size}, "accessModes": list(access_modes), "storageClassName": STORAGE_CLASS,
                "persistentVolumeReclaimPolicy": "Retain", "local": {"path": str(place / name)},
                "nodeAffinity": {"required": {"nodeSelectorTerms": [{"matchExpressions": [
                    {"key": "kubernetes.io/hostname", "operator": "In", "values": [NODE_NAME]}]}]}}}})
        return names

    def _create(self, path, body):
        status, answer = self.api("POST", path, body)
        if status != 201:
            raise BedError(f"POST {path}: {status} {answer}")

    # --- how it's made

    def _prepare(self):
        self._make_folders("logs", "pids", "cni")
        self.machine.start()
        super()._prepare()
        self._add("kube-scheduler", self._scheduler_args())
        self._add("containerd", ["--config", self._write("containerd.toml", self._containerd_config())])
        self._add("kubelet", self._kubelet_args())
        self._add("kube-proxy", [f"--config={self._write('kube-proxy.yaml', self._proxy_config())}"])
        self._write("cni/gastown.conflist", json.dumps(self._cni_config()))

    def _service(self, name, argv, log, pid_file):
        return self.machine.service(name, argv, log, pid_file)

    def _write(self, name, text):
        (self.dir / name).write_text(text)
        return self.dir / name

    def _start_services(self):
        """The images on a thread of its own, since most of the time passes in the API server. Their commands end by
        themselves; services have to be started here (process.py says why)."""
        self.services["containerd"].start()
        with ThreadPoolExecutor(1) as beside:
            images_there = beside.submit(self._import_images)
            super()._start_services()
            images_there.result()
        self._create("/apis/storage.k8s.io/v1/storageclasses", {
            "metadata": {"name": STORAGE_CLASS}, "provisioner": "kubernetes.io/no-provisioner",
            "volumeBindingMode": "WaitForFirstConsumer"})
        wait_for("node Ready", self._node_ready, self.timeout, self.started())
        wait_for("Services", self._services_work, self.timeout, self.started())

    def _import_images(self):
        archives = images.write_all(self.dir / "images")
        wait_for("containerd", lambda: self.ctr("version"), self.timeout, [self.services["containerd"]])
        for archive in archives:
            self.import_image(archive)

    def _node_ready(self):
        status, node = self.api("GET", f"/api/v1/nodes/{NODE_NAME}")
        if status != 200:
            raise BedError(f"node {NODE_NAME}: {status} {node}")
        ready = [item for item in node["status"].get("conditions", ()) if item["type"] == "Ready"]
        if ready and ready[0]["status"] != "True":
            raise BedError(ready[0]["message"])
        return ready

    def _services_work(self):
        with self.network_here(), socket.create_connection((SERVICE_ADDRESS, 443), timeout=1):
            return True

    def _write_credentials(self):
        super()._write_credentials()
        for name, (user, group) in USERS.items():
            self.authority.client(name, user, group)
        for name in WITH_KUBECONFIG:
            self._write_kubeconfig(self._kubeconfig_of(name), name)

    def _kubeconfig_of(self, name):
        return self.dir / f"{name}.kubeconfig"

    def _apiserver_args(self):
        return [*super()._apiserver_args(), f"--kubelet-client-certificate={self.pki / 'kubelet-client.crt'}",
                f"--kubelet-client-key={self.pki / 'kubelet-client.key'}"]

    def _scheduler_args(self):
        return [f"--kubeconfig={self._kubeconfig_of('kube-scheduler')}", "--leader-elect=false", "--secure-port=0",
                "--kube-api-qps=1000", "--kube-api-burst=1000"]

    def _kubelet_args(self):
        return [f"--config={self._write('kubelet.yaml', self._kubelet_config())}",
                f"--kubeconfig={self._kubeconfig_of('kubelet')}", f"--hostname-override={NODE_NAME}",
                f"--node-ip={ADDRESS}"]

    def _containerd_config(self):
        """restrict_oom_score_adj: lowering that of a sandbox needs a capability that virtual machines may lack. AppArmor:
        its profile would stay loaded in the kernel. Layers are laid over each other, or copied where the folder itself is
        on such a file system, as in a container."""
        on = self.machine.run("stat", "--file-system", "--format=%T", self.dir).stdout.strip()
        return f"""version = 2
root = "/var/lib/containerd"
state = "/run/containerd"
disabled_plugins = ["io.containerd.internal.v1.opt"]
[grpc]
  address = "{SOCKET}"
[plugins."io.containerd.grpc.v1.cri"]
  sandbox_image = "{images.PAUSE}"
  restrict_oom_score_adj = true
  disable_apparmor = true
  [plugins."io.containerd.grpc.v1.cri".cni]
    bin_dir = "{packages.CNI}"
    conf_dir = "{self.dir / 'cni'}"
  [plugins."io.containerd.grpc.v1.cri".containerd]
    snapshotter = "{"native" if on == "overlayfs" else "overlayfs"}"
  [plugins."io.containerd.grpc.v1.cri".containerd.runtimes.runc]
    runtime_type = "io.containerd.runc.v2"
    [plugins."io.containerd.grpc.v1.cri".containerd.runtimes.runc.options]
      SystemdCgroup = false
"""

    def _cni_config(self):
        return {"cniVersion": "1.0.0", "name": "gastown", "plugins": [
            {"type": "bridge", "bridge": BRIDGE, "isGateway": True, "hairpinMode": True, "ipam": {
                "type": "host-local", "ranges": [[{"subnet": POD_NETWORK, "gateway": ADDRESS}]],
                "routes": [{"dst": "0.0.0.0/0"}]}}]}

    def _kubelet_config(self):
        """Block style, since a file that starts with a brace is read as JSON. cgroupsPerQOS: no tree of cgroups for pods,
        which would need all controllers in all hierarchies. No sign of the machine's real state counts: a full disk must
        not evict a test's pods. syncFrequency: how soon a changed Secret is seen."""
        return f"""apiVersion: kubelet.config.k8s.io/v1beta1
kind: KubeletConfiguration
authentication:
  anonymous: {{enabled: false}}
  webhook: {{enabled: true}}
  x509: {{clientCAFile: {self.ca}}}
authorization: {{mode: Webhook}}
containerRuntimeEndpoint: unix://{SOCKET}
failCgroupV1: false
cgroupDriver: cgroupfs
cgroupsPerQOS: false
enforceNodeAllocatable: []
localStorageCapacityIsolation: false
evictionHard: {{}}
imageGCHighThresholdPercent: 100
failSwapOn: false
makeIPTablesUtilChains: false
oomScoreAdj: 0
resolvConf: ""
syncFrequency: 5s
volumePluginDir: /var/lib/kubelet/volume-plugins
"""

    def _proxy_config(self):
        """conntrack: its limits belong to the whole kernel. masqueradeAll: where the filter doesn't see the bridge, an
        answer from one pod to another would miss its translation back, so it has to come by way of the node."""
        return f"""apiVersion: kubeproxy.config.k8s.io/v1alpha1
kind: KubeProxyConfiguration
mode: nftables
hostnameOverride: {NODE_NAME}
clusterCIDR: {POD_NETWORK}
clientConnection: {{kubeconfig: {self._kubeconfig_of('kube-proxy')}}}
conntrack: {{maxPerCore: 0, min: 0}}
nftables: {{masqueradeAll: {"false" if self.machine.bridge_is_filtered() else "true"}}}
"""
