"""Child processes that cannot outlive us, and waiting for things without sleeping blindly.

Every service runs in a session and process group of its own (Ctrl-C at a terminal reaches us, not them), is killed by the
kernel when we die however that happens (PR_SET_PDEATHSIG), and has its pid on disk with its start time, so that `down` can
end what a crash left behind and never hits a stranger that got the same pid later. The kernel's signal comes when the
*thread* that started a service ends: start services from a thread that lives as long as they should.
"""

import ctypes
import os
import signal
import socket
import subprocess
import time
from pathlib import Path

from .errors import BedError

PR_SET_PDEATHSIG = 1
LIBC = ctypes.CDLL(None, use_errno=True)
POLL = 0.05


def die_with_parent(niceness=0):
    """What a child calls between fork and exec."""
    parent = os.getpid()

    def in_child():
        LIBC.prctl(PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
        if os.getppid() != parent:
            os._exit(1)
        if niceness:
            os.nice(niceness)

    return in_child


def tail(path, lines=25):
    """The end of a log, indented, for an error message."""
    try:
        text = Path(path).read_text(errors="replace")
    except OSError as error:
        return f"    ({error})"
    return "\n".join("    " + line[:400] for line in text.splitlines()[-lines:]) or "    (empty)"


def start_time(pid):
    """Field 22 of /proc/PID/stat, in clock ticks since boot; None: there is no such process, or it is a zombie."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return None
    return None if fields[0] in "ZX" else fields[19]


class PidFile:
    """`pid starttime` on disk: one process, not whoever has its number."""

    def __init__(self, path):
        self.path = Path(path)

    def write(self, pid):
        self.path.parent.mkdir(parents=True, exist_ok=True)
        self.path.write_text(f"{pid} {start_time(pid)}\n")

    def live_pid(self):
        """The pid, if that very process still runs."""
        try:
            pid, started = self.path.read_text().split()
        except (OSError, ValueError):
            return None
        return int(pid) if start_time(pid) == started else None

    def end(self, sig=signal.SIGKILL, group=True):
        """Signals the process (and its group), if it's still the one we started."""
        pid = self.live_pid()
        if pid:
            try:
                (os.killpg if group else os.kill)(pid, sig)
            except ProcessLookupError:
                pass
        return pid


class Service:
    """A long-running child with a log."""

    def __init__(self, name, argv, log, pid_file, env=None):
        self.name, self.argv, self.log = name, [str(part) for part in argv], Path(log)
        self.pid_file, self.env = PidFile(pid_file), env
        self.process = None

    def start(self):
        if self.alive:
            raise BedError(f"{self.name} is running already (pid {self.process.pid})")
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(self.argv, stdin=subprocess.DEVNULL, stdout=log, stderr=log, env=self.env,
                                            start_new_session=True, preexec_fn=self.as_child())
        self.pid_file.write(self.process.pid)
        return self

    def as_child(self):
        """What it calls between fork and exec."""
        return die_with_parent()

    @property
    def alive(self):
        return self.process is not None and self.process.poll() is None

    @property
    def pid(self):
        return self.process.pid if self.alive else None

    def stop(self, sig=signal.SIGTERM, timeout=20):
        """Ends it and returns its exit status (negative: the signal that ended it); None if it never ran. One that
        ignores the signal until the time limit is killed."""
        if self.process is None:
            return None
        if self.alive:
            self.signal(sig)
            try:
                self.process.wait(timeout)
            except subprocess.TimeoutExpired:
                self.signal(signal.SIGKILL)
                self.process.wait()
        self.pid_file.path.unlink(missing_ok=True)
        return self.process.returncode

    def signal(self, sig):
        try:
            os.killpg(self.process.pid, sig)
        except ProcessLookupError:
            pass

    def describe_end(self):
        return f"{self.name} ended with status {self.process.returncode}; the end of {self.log}:\n{tail(self.log)}"


def wait_for(what, condition, timeout, services=()):
    """Asks until the condition returns something true, and returns that. A condition may raise OSError or BedError: not
    yet, with a reason that is shown in the end. A service that ends meanwhile ends the wait: nothing will come any more."""
    deadline = time.monotonic() + timeout
    reason = ""
    while True:
        try:
            result = condition()
            if result:
                return result
        except (OSError, BedError) as error:
            reason = f" (last: {error})"
        for service in services:
            if not service.alive:
                raise BedError(f"waiting for {what}: {service.describe_end()}")
        if time.monotonic() > deadline:
            logs = "".join(f"\nthe end of {service.log}:\n{tail(service.log)}" for service in services)
            raise BedError(f"{what}: waited {timeout:g} s in vain{reason}{logs}")
        time.sleep(POLL)


def ephemeral_low():
    """Ports from here on may become the near end of anybody's outgoing connection at any moment."""
    try:
        return int(Path("/proc/sys/net/ipv4/ip_local_port_range").read_text().split()[0])
    except OSError:
        return 32768


def reserve_port(address="127.0.0.1", shared=True):
    """A socket bound to a free port below the ephemeral ones. With `shared` the port is ours for as long as the socket is
    open: a program that sets SO_REUSEPORT may listen there, stop, and listen there again, and no other user's can take it
    meanwhile. Where nobody listens, connecting is refused as usual."""
    low = 20000
    span = max(ephemeral_low() - low, 1000)
    for _ in range(200):
        sock = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
        try:
            sock.bind((address, low + int.from_bytes(os.urandom(4), "big") % span))
        except OSError:
            sock.close()
            continue
        if shared:
            # After the bind: set before it, two beds could get the same port, both content to share.
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        return sock
    raise BedError(f"no free port on {address} between {low} and {low + span}")


def free_port(address="127.0.0.1"):
    """A port that is free now, for programs that can't share one."""
    with reserve_port(address, shared=False) as sock:
        return sock.getsockname()[1]
