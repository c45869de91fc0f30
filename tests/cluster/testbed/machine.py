"""A machine inside the machine: network, mount, PID and cgroup namespaces of its own, in which a node can do as it likes.

    machine = Machine(folder).start()
    machine.run("ip", "addr")                       a command inside
    machine.service("containerd", argv, ...)        a Service inside
    with machine.network(): ...                     sockets made and processes started here are on its network
    machine.stop()                                  and nothing of it is left

Its pid 1 (init.py) is the child of an `unshare` that the kernel kills with us and that takes pid 1 along; the end of pid 1
is the end of every process inside, and with the last of them go the mounts and the network. What a node writes outside of
the cluster's folder is caught:
    /run, /var/lib     memory of the machine's own, over what the host has
    /var/log, /var/lib/kubelet, /var/lib/containerd     folders in the cluster's folder
    six sysctls that kubelet would set for the whole kernel     files that say they're set
    cgroups            below one of its own, removed in the end (cgroups.py)
"""

import contextlib
import ctypes
import os
import signal
import subprocess
import sys
from pathlib import Path

from . import cgroups
from .errors import BedError
from .packages import search_path, which
from .pins import cache_folder
from .process import LIBC, PidFile, Service, die_with_parent, start_time, tail

CLONE_NEWNET = 0x40000000
NAMESPACES = ("--net", "--mount", "--pid", "--cgroup")
# Private, and shared later by peers of its own: where the host's mounts are shared (systemd's are), unshare's `shared`
# would leave the machine's mounts in the host's peer groups, and each would appear there, too.
UNSHARE = (*NAMESPACES, "--fork", "--kill-child", "--mount-proc", "--propagation", "private")
INIT = Path(__file__).resolve().parent / "init.py"
PID_FILE = "machine"

BRIDGE = "gastown0"
ADDRESS = "10.244.7.1"
POD_NETWORK = "10.244.7.0/24"

# What kubelet insists on, from k8s.io/component-helpers/node/util/sysctl.
KERNEL_SETTINGS = {"vm/overcommit_memory": 1, "vm/panic_on_oom": 0, "kernel/panic": 10, "kernel/panic_on_oops": 1,
                   "kernel/keys/root_maxkeys": 1000000, "kernel/keys/root_maxbytes": 25000000}
OWN_FOLDERS = {"log": "/var/log", "kubelet": "/var/lib/kubelet", "containerd": "/var/lib/containerd"}


def impossible():
    """Why this machine can't hold another one, or None. Tried, not guessed."""
    if os.geteuid() != 0:
        return f"a node needs root (with what is built already: sudo GASTOWN_TESTBED_CACHE={cache_folder()} ...)"
    probe = f"/probe/{os.getpid()}"
    try:
        cgroups.make(probe)
    except OSError as error:
        return f"no cgroups can be made for a node: {error}"
    finally:
        cgroups.remove(probe)
    attempt = ("mount -t tmpfs none /run && mkdir /run/u /run/w && "
               "mount -t overlay -o lowerdir=/var/lib,upperdir=/run/u,workdir=/run/w none /var/lib && "
               "ip link add gastown0 type bridge && nft add table ip gastown && head -c 0 /dev/kmsg")
    answer = subprocess.run([which("unshare"), *UNSHARE, "sh", "-c", attempt], capture_output=True, text=True,
                            env={"PATH": search_path(), "LANG": "C.UTF-8"}, stdin=subprocess.DEVNULL)
    if answer.returncode != 0:
        return f"no namespaces to put a node in: {answer.stderr.strip()}"
    return None


def children(pid):
    """Of a process, by its /proc: `children` below it is missing in kernels built small."""
    found = []
    for stat in Path("/proc").glob("[0-9]*/stat"):
        with contextlib.suppress(OSError):
            if int(stat.read_text().rpartition(")")[2].split()[1]) == pid:
                found.append(int(stat.parent.name))
    return found


def enter(pid, *argv, kinds=NAMESPACES):
    """The command that runs that one beside this process."""
    return [which("nsenter"), "--target", str(pid), *kinds, "--", *map(str, argv)]


# ---- the machine ----

class Machine:
    def __init__(self, folder, routes=()):
        """folder: the cluster's. Below it are the machine's own folders in machine/, its log in logs/, its pid in pids/.
        routes: what lies behind the bridge besides the pods."""
        self.folder, self.routes = Path(folder).resolve(), routes
        self.process = None
        self.pid = None

    def start(self):
        try:
            cgroups.make(self.folder)
            self._boot(self.folder / "logs" / f"{PID_FILE}.log")
            cgroups.step_down(self.folder, [self.process.pid, self.pid])
            self._mount()
            self._connect()
        except BaseException:
            self.stop()
            raise
        return self

    def stop(self):
        """Kills pid 1, and returns when everything inside is gone."""
        if self.process:
            # unshare ends when its child has; that one only when all others have.
            with contextlib.suppress(ProcessLookupError):
                os.kill(self.pid or self.process.pid, signal.SIGKILL)
            self.process.wait()
            self.process = self.pid = None
        cgroups.remove(self.folder)
        (self.folder / "pids" / PID_FILE).unlink(missing_ok=True)

    @property
    def alive(self):
        return self.pid is not None and self.process.poll() is None and start_time(self.pid) is not None

    # --- inside

    def environment(self):
        return {"PATH": search_path(), "HOME": str(self.folder), "LANG": "C.UTF-8"}

    def command(self, *argv):
        """What to run here for that to run inside."""
        if not self.alive:
            raise BedError(f"the machine has ended: nowhere to run {argv[0]}")
        return enter(self.pid, *argv)

    def run(self, *argv, input=None, check=True, timeout=60):
        """The finished process, text in and out; `check`: anything but status 0 is a BedError that shows stderr."""
        answer = subprocess.run(self.command(*argv), input=input, env=self.environment(), capture_output=True, text=True,
                                timeout=timeout)
        if check and answer.returncode != 0:
            raise BedError(f"{' '.join(map(str, argv))}: status {answer.returncode}\n{answer.stderr.strip()}")
        return answer

    def bridge_is_filtered(self):
        """Does the packet filter see what passes from one pod to another? It does where br_netfilter is in the kernel."""
        return self.run("test", "-d", "/proc/sys/net/bridge", check=False).returncode == 0

    def service(self, name, argv, log, pid_file):
        return Guest(name, self, argv, log, pid_file)

    @contextlib.contextmanager
    def network(self):
        """This thread is on its network meanwhile. A socket stays on the network it was made on, and so does a process."""
        if not self.alive:
            raise BedError("the machine has ended, and its network with it")
        with open("/proc/thread-self/ns/net", "rb") as before, open(f"/proc/{self.pid}/ns/net", "rb") as inside:
            switch_network(inside)
            try:
                yield
            finally:
                switch_network(before)

    # --- how it's made

    @property
    def own(self):
        return self.folder / "machine"

    def as_child(self, below=""):
        """What its own process, and with `below` a service, calls between fork and exec."""
        steps = [die_with_parent(), cgroups.joining(self.folder, below)]
        return lambda: [step() for step in steps]

    def _boot(self, log):
        with log.open("ab") as output:
            self.process = subprocess.Popen([which("unshare"), *UNSHARE, sys.executable, "-I", str(INIT)],
                                            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=output,
                                            env=self.environment(), start_new_session=True, preexec_fn=self.as_child())
        with self.process.stdout as pipe:
            if pipe.readline() != b"up\n":
                raise BedError(f"no machine came up; the end of {log}:\n{tail(log)}")
        [self.pid] = children(self.process.pid)
        PidFile(self.folder / "pids" / PID_FILE).write(self.pid)

    def _mount(self):
        """Sources are made from outside, where they have the same names. The folder stays visible where it lies in
        /var/lib, as the workspaces of CI systems often do. Shared, as kubelet wants it, in the end: among themselves."""
        self.run("mount", "-t", "tmpfs", "-o", "mode=755", "run", "/run")
        self.run("mkdir", "-p", "/run/lock", "/run/own/folder", "/run/own/upper", "/run/own/work")
        self.run("mount", "--bind", self.folder, "/run/own/folder")
        self.run("mount", "-t", "overlay", "-o", "lowerdir=/var/lib,upperdir=/run/own/upper,workdir=/run/own/work",
                 "var-lib", "/var/lib")
        self.run("mount", "--bind", "/run/own/folder", self.folder)
        self.run("umount", "/run/own/folder")
        self.run("mkdir", "-p", *OWN_FOLDERS.values())
        for name, place in OWN_FOLDERS.items():
            (self.own / name).mkdir(parents=True)
            self.run("mount", "--bind", self.own / name, place)
        for path in cgroups.own(self.folder):
            self.run("mount", "--bind", path, path.parent)
        for name, value in KERNEL_SETTINGS.items():
            path = self.own / "sysctl" / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(f"{value}\n")
            self.run("mount", "--bind", path, f"/proc/sys/{name}")
        self.run("mount", "--make-rshared", "/")

    def _connect(self):
        """A bridge that is the pods' gateway."""
        for line in ("link set lo up", f"link add {BRIDGE} type bridge", f"addr add {ADDRESS}/24 dev {BRIDGE}",
                     f"link set {BRIDGE} up", *(f"route add {route} dev {BRIDGE}" for route in self.routes)):
            self.run("ip", *line.split())
        self.run("sh", "-c", "echo 1 >/proc/sys/net/ipv4/ip_forward")


def switch_network(file):
    if LIBC.setns(file.fileno(), CLONE_NEWNET) != 0:
        error = ctypes.get_errno()
        raise OSError(error, f"setns: {os.strerror(error)}")


class Guest(Service):
    """A Service inside. Its own process is the nsenter, which ends as its child ends; signals are for that child."""

    def __init__(self, name, machine, argv, log, pid_file):
        super().__init__(name, argv, log, pid_file, machine.environment())
        self.machine, self.guest_argv = machine, self.argv

    def start(self):
        self.argv = self.machine.command(*self.guest_argv)
        return super().start()

    def as_child(self):
        return self.machine.as_child(cgroups.SERVICES)

    def signal(self, sig):
        inside = children(self.process.pid)
        if not inside:
            super().signal(sig)
        for pid in inside:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, sig)
