"""A control plane in a folder: etcd, kube-apiserver and kube-controller-manager, without root and without a node.

    with ControlPlane(folder) as cluster:
        cluster.kubectl("apply", "-f", "-", input=manifest)
        cluster.api("GET", "/api/v1/namespaces/default/pods")
        cluster.stop_apiserver(); cluster.start_apiserver()
        cluster.stop_etcd(crash=True); cluster.start_etcd(); cluster.wait_ready()
        cluster.etcd.compact()

Pods are admitted, stored and made by controllers as in any cluster; nothing schedules or runs them. Cluster (node.py) is
this and a node: it starts these same services in a machine of their own, with an address that pods can reach.

The folder, all of it readable by its owner only:
    kubeconfig         token of a user in system:masters, authority inline
    kubeconfig-cert    client certificate of another one, by file names
    pki/ logs/ pids/ etcd/ token
"""

import base64
import contextlib
import http.client
import json
import os
import secrets
import shutil
import ssl
import subprocess
import time
from dataclasses import dataclass
from pathlib import Path

from . import build, pki
from .errors import BedError
from .etcd import Etcd
from .parts import CONTROL_PLANE
from .process import PidFile, Service, reserve_port, wait_for

MARK = ".gastown-testbed"
# sun_path of unix(7), less its NUL.
SOCKET_PATH_MAX = 107
SERVICE_NETWORK = "10.96.0.0/16"
SERVICE_ADDRESS = "10.96.0.1"
NAMES = ("DNS:localhost", "DNS:kubernetes", "DNS:kubernetes.default", "DNS:kubernetes.default.svc", f"IP:{SERVICE_ADDRESS}")
MASTERS = "system:masters"


@dataclass(frozen=True)
class Network:
    """Where the API server listens. Without a node nobody but this machine's processes calls it, and an endpoint on
    loopback is not allowed in the `kubernetes` Service: so then there's none."""

    address: str = "127.0.0.1"
    advertised: bool = False


def owned_folder(folder):
    """Is it one that a cluster was made in?"""
    return (Path(folder) / MARK).exists()


def remove_folder(folder):
    """Only ever one of ours, whatever path somebody typed."""
    if owned_folder(folder):
        shutil.rmtree(folder)


def fresh_folder(folder):
    """Empties one of ours; refuses to touch anything else."""
    folder = Path(folder).resolve()
    if folder.exists() and not owned_folder(folder) and any(folder.iterdir()):
        raise BedError(f"{folder} isn't empty and no cluster was made in it: name another folder")
    if any(PidFile(path).live_pid() for path in folder.glob("pids/*")):
        raise BedError(f"a cluster runs in {folder}: end it with bed.py down --dir {folder}")
    remove_folder(folder)
    folder.mkdir(parents=True, exist_ok=True)
    folder.chmod(0o700)
    (folder / MARK).touch()
    return folder


def secret_file(path, text):
    with open(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as file:
        file.write(text)


def inline(path):
    return base64.b64encode(Path(path).read_bytes()).decode()


def kubeconfig(server, authority, user):
    """authority and user: lines of YAML for the cluster and for the user."""
    def block(lines):
        return "".join(f"    {line}\n" for line in lines)

    return ("apiVersion: v1\nkind: Config\ncurrent-context: testbed\n"
            "contexts:\n- name: testbed\n  context:\n    cluster: testbed\n    user: admin\n    namespace: default\n"
            f"clusters:\n- name: testbed\n  cluster:\n    server: {server}\n{block(authority)}"
            f"users:\n- name: admin\n  user:\n{block(user)}")


class ControlPlane:
    parts = CONTROL_PLANE

    def __init__(self, folder, say=print, network=Network(), apiserver_args=(), timeout=60):
        self.dir = Path(folder).resolve()
        self.say, self.network, self.timeout = say, network, timeout
        self.apiserver_args = list(apiserver_args)
        self.programs = {}
        self.services = {}
        self.port_holder = self.authority = None
        self.token = secrets.token_hex(16)

    # --- places

    @property
    def port(self):
        return self.port_holder.getsockname()[1]

    @property
    def url(self):
        return f"https://{self.network.address}:{self.port}"

    @property
    def pki(self):
        return self.dir / "pki"

    @property
    def ca(self):
        return self.pki / "ca.crt"

    @property
    def token_file(self):
        return self.dir / "token"

    @property
    def kubeconfig(self):
        return self.dir / "kubeconfig"

    @property
    def kubeconfig_cert(self):
        return self.dir / "kubeconfig-cert"

    @property
    def _controllers_kubeconfig(self):
        return self.dir / "controller-manager.kubeconfig"

    @property
    def etcd(self):
        """See etcd.py: its revision, and compaction."""
        return Etcd(self.dir / "etcd.sock")

    def log(self, service):
        return self.dir / "logs" / f"{service}.log"

    # --- life

    def __enter__(self):
        self.start()
        return self

    def __exit__(self, *_):
        self.stop()

    def start(self):
        """Returns when pods can be made in namespace default. On an error nothing is left running; the logs stay."""
        self.programs = build.ensure(self.parts, say=self.say)
        began = time.monotonic()
        fresh_folder(self.dir)
        try:
            self._prepare()
            self._start_services()
        except BaseException:
            self.end_services()
            raise
        self.say(f"{self.describe()} ({time.monotonic() - began:.1f} s)")

    def describe(self):
        return f"control plane up at {self.url}"

    def stop(self):
        """Ends everything and removes the folder."""
        self.end_services()
        remove_folder(self.dir)

    def end_services(self):
        """Killed, not asked: the data dies with the processes, and a graceful end takes seconds for nobody's good."""
        for service in reversed(self.services.values()):
            service.stop(sig=9)
        if self.port_holder:
            self.port_holder.close()
            self.port_holder = None

    def check(self):
        """Raises if a service that should run has ended."""
        for service in self.services.values():
            if service.process is not None and not service.alive:
                raise BedError(service.describe_end())

    # --- absences of the API server and of etcd

    def start_apiserver(self):
        """On the port and the data it had before, if it had any."""
        self.services["kube-apiserver"].start()
        self.wait_ready()

    def wait_ready(self):
        """Until the API server says so, whatever it went through."""
        needed = [self.services[name] for name in ("etcd", "kube-apiserver")]
        wait_for("API server ready", self._ready, self.timeout, needed)

    def stop_apiserver(self, crash=False):
        """SIGTERM and its orderly end; `crash`: SIGKILL, so that clients see a connection cut."""
        self._end("kube-apiserver", crash)

    def restart_apiserver(self, crash=False):
        self.stop_apiserver(crash)
        self.start_apiserver()

    def start_etcd(self):
        """On the data it had before, if it had any."""
        self.services["etcd"].start()
        wait_for("etcd", self.etcd.revision, self.timeout, [self.services["etcd"]])

    def stop_etcd(self, crash=False):
        """What it has acknowledged it has again when it's started again, also after a crash. The API server runs on meanwhile:
        it answers 500 or nothing, and finds etcd again by itself (wait_ready)."""
        self._end("etcd", crash)

    def _end(self, name, crash):
        service = self.services[name]
        service.stop(9 if crash else 15)
        service.process = None

    # --- use

    def network_here(self):
        """A context in which this thread's new sockets and processes are on the cluster's network: here it's everybody's."""
        return contextlib.nullcontext()

    def api(self, method, path, body=None, content_type="application/json", timeout=30):
        """(status, decoded body) of one request as admin. OSError where nobody answers."""
        connection = http.client.HTTPSConnection(self.network.address, self.port, timeout=timeout,
                                                 context=ssl.create_default_context(cafile=self.ca))
        headers = {"Authorization": f"Bearer {self.token}", "Accept": "application/json", "Content-Type": content_type}
        try:
            with self.network_here():
                connection.connect()
            connection.request(method, path, None if body is None else json.dumps(body), headers)
            answer = connection.getresponse()
            text = answer.read()
        except http.client.HTTPException as error:
            raise ConnectionError(f"{method} {path}: {error!r}") from error
        finally:
            connection.close()
        is_json = "json" in answer.getheader("Content-Type", "")
        return answer.status, json.loads(text) if is_json else text.decode(errors="replace")

    def kubectl_env(self):
        """For kubectl and whatever else reads KUBECONFIG; its cache of API groups stays in our folder."""
        return {**clean_environment(self.dir), "KUBECONFIG": str(self.kubeconfig),
                "KUBECACHEDIR": str(self.dir / "kubectl-cache")}

    def kubectl(self, *args, input=None, check=True, timeout=60):
        """The finished process, text in and out; `check`: anything but status 0 is a BedError that shows stderr."""
        with self.network_here():
            answer = subprocess.run([self.programs["kubectl"], *map(str, args)], input=input, env=self.kubectl_env(),
                                    capture_output=True, text=True, timeout=timeout)
        if check and answer.returncode != 0:
            raise BedError(f"kubectl {' '.join(map(str, args))}: status {answer.returncode}\n{answer.stderr.strip()}")
        return answer

    def create_namespace(self, name, labels=None):
        """Returns when pods can be made there."""
        status, answer = self.api("POST", "/api/v1/namespaces", {"metadata": {"name": name, "labels": labels or {}}})
        if status != 201:
            raise BedError(f"namespace {name}: {answer}")
        wait_for(f"service account default in {name}", lambda: self._has_default_account(name), self.timeout)

    # --- how it's made

    def _prepare(self):
        self._make_folders("logs", "pids")
        self.services = {}
        with self.network_here():
            self.port_holder = reserve_port(self.network.address)
        self._write_credentials()
        self._add("etcd", self._etcd_args())
        self._add("kube-apiserver", self._apiserver_args())
        self._add("kube-controller-manager", self._controller_manager_args())

    def _make_folders(self, *names):
        for name in names:
            (self.dir / name).mkdir(exist_ok=True)

    def _add(self, name, args):
        self.services[name] = self._service(name, [self.programs.get(name, name), *args], self.log(name),
                                            self.dir / "pids" / name)

    def _service(self, name, argv, log, pid_file):
        return Service(name, argv, log, pid_file, env=clean_environment(self.dir))

    def _start_services(self):
        self.start_etcd()
        self.start_apiserver()
        for service in self.services.values():
            if not service.process:
                service.start()
        wait_for("service account default", self._has_default_account, self.timeout, self.started())

    def started(self):
        """Those whose end would end a wait."""
        return [service for service in self.services.values() if service.process]

    def _write_credentials(self):
        self.authority = pki.Authority(self.pki)
        self.authority.server("apiserver", [*NAMES, f"IP:{self.network.address}"], "kube-apiserver")
        self.authority.client("admin", "testbed-certificate", MASTERS)
        self.authority.client("controller-manager", "system:kube-controller-manager")
        pki.signing_key(self.pki, "service-accounts")
        secret_file(self.token_file, self.token)
        secret_file(self.dir / "tokens.csv", f'{self.token},testbed-token,1,"{MASTERS}"\n')
        secret_file(self.kubeconfig, kubeconfig(self.url, [f"certificate-authority-data: {inline(self.ca)}"],
                                                [f"token: {self.token}"]))
        self._write_kubeconfig(self.kubeconfig_cert, "admin")
        self._write_kubeconfig(self._controllers_kubeconfig, "controller-manager")

    def _write_kubeconfig(self, path, name):
        """For the user of a client certificate."""
        user = [f"client-certificate: {self.pki / name}.crt", f"client-key: {self.pki / name}.key"]
        secret_file(path, kubeconfig(self.url, [f"certificate-authority: {self.ca}"], user))

    @property
    def _etcd_url(self):
        """A socket in our folder: no port to lose, and no other user of the machine can reach it."""
        path = str(self.etcd.path)
        if len(path.encode()) + len(".peer") > SOCKET_PATH_MAX:
            raise BedError(f"{path} is too long for a socket ({SOCKET_PATH_MAX} bytes): name a shorter folder")
        return f"unix://{path}"

    def _etcd_args(self):
        """What it advertises must be host:port, and nobody ever asks for it: there is one member and one client. No fsync:
        what a power cut would lose dies with the cluster anyway."""
        nowhere = "http://localhost:1"
        return ["--name=testbed", f"--data-dir={self.dir / 'etcd'}", "--unsafe-no-fsync", "--log-level=warn",
                f"--listen-client-urls={self._etcd_url}", f"--advertise-client-urls={nowhere}",
                f"--listen-peer-urls={self._etcd_url}.peer", f"--initial-advertise-peer-urls={nowhere}",
                f"--initial-cluster=testbed={nowhere}"]

    def _apiserver_args(self):
        """The watches' grace period: without one an orderly end waits a minute for the controllers to end theirs."""
        pki = self.pki
        return [
            f"--etcd-servers={self._etcd_url}",
            f"--bind-address={self.network.address}", f"--secure-port={self.port}", "--permit-port-sharing",
            f"--advertise-address={self.network.address}",
            f"--endpoint-reconciler-type={'lease' if self.network.advertised else 'none'}",
            f"--tls-cert-file={pki / 'apiserver.crt'}", f"--tls-private-key-file={pki / 'apiserver.key'}",
            f"--client-ca-file={self.ca}", f"--token-auth-file={self.dir / 'tokens.csv'}",
            "--authorization-mode=Node,RBAC", "--allow-privileged",
            "--service-account-issuer=https://kubernetes.default.svc",
            f"--service-account-signing-key-file={pki / 'service-accounts.key'}",
            f"--service-account-key-file={pki / 'service-accounts.pub'}",
            f"--service-cluster-ip-range={SERVICE_NETWORK}", "--profiling=false",
            "--shutdown-watch-termination-grace-period=1s",
            *self.apiserver_args,
        ]

    def _controller_manager_args(self):
        """The rate limits raised: with the usual 20 requests a second its own start, a token for each controller, takes
        4 s. The folder of volume plugins: it would make one in /usr/libexec."""
        return [
            f"--kubeconfig={self._controllers_kubeconfig}", f"--root-ca-file={self.ca}",
            f"--service-account-private-key-file={self.pki / 'service-accounts.key'}",
            f"--cluster-signing-cert-file={self.ca}", f"--cluster-signing-key-file={self.pki / 'ca.key'}",
            f"--flex-volume-plugin-dir={self.dir / 'flexvolume'}",
            "--use-service-account-credentials", "--leader-elect=false", "--secure-port=0", "--profiling=false",
            "--kube-api-qps=1000", "--kube-api-burst=1000",
        ]

    def _ready(self):
        status, text = self.api("GET", "/readyz", timeout=5)
        if status != 200:
            raise BedError(f"/readyz {status}: {' '.join(line for line in str(text).splitlines() if line[:3] == '[-]')}")
        return True

    def _has_default_account(self, namespace="default"):
        status, _ = self.api("GET", f"/api/v1/namespaces/{namespace}/serviceaccounts/default")
        return status == 200


def clean_environment(home):
    """Nothing of the caller's: a proxy setting would send the API server's webhook calls elsewhere, a KUBECONFIG would
    have a test change somebody's real cluster."""
    return {"PATH": os.environ.get("PATH", os.defpath), "HOME": str(home), "LANG": "C.UTF-8"}
