"""A cluster that outlives the command that started it: `bed.py up`, for a person to play with.

`up` starts a supervisor in a session of its own and waits for its word on a pipe. The supervisor owns the services as any
test does, so a crash of it takes them along; `down` asks it to end, and then sweeps by the recorded pids in case that
went wrong.
"""

import os
import shlex
import signal
import subprocess
import sys
from pathlib import Path

from . import build, cgroups, machine
from .controlplane import ControlPlane, MARK, owned_folder, remove_folder
from .errors import BedError
from .node import Cluster, why_not
from .process import PidFile, start_time, tail, wait_for

ENDINGS = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)
SUPERVISOR = "supervisor"
# For the claims of a person who plays.
VOLUMES = 8, "20Gi"
KUBECTL = """#!/bin/sh
# kubectl on the cluster's own network. Written by bed.py up --node.
[ "$(id -u)" = 0 ] || as_root=sudo
exec $as_root env KUBECONFIG='{kubeconfig}' {enter} "$@"
"""


def pid_file(folder):
    """Beside the services' pids, so that who looks for survivors finds all in one place."""
    return PidFile(Path(folder) / "pids" / SUPERVISOR)


def running(folder):
    return pid_file(folder).live_pid()


def machine_pid(folder):
    """Of the node's pid 1; None: there's no node, or it doesn't run."""
    return PidFile(Path(folder) / "pids" / machine.PID_FILE).live_pid()


def up(bed, folder, node=False, say=print):
    """Starts it unless it runs already; returns when it can be used."""
    folder = Path(folder).resolve()
    if running(folder):
        if node and not machine_pid(folder):
            raise BedError(f"a cluster without a node runs in {folder}: end it first, with bed.py down")
        say(f"a cluster runs in {folder} already")
        return
    if node and (reason := why_not()):
        raise BedError(reason)
    # Here and not only in the supervisor: this may take minutes, and here somebody sees the progress.
    build.ensure((Cluster if node else ControlPlane).parts, say=say)
    read_end, write_end = os.pipe()
    command = [sys.executable, str(bed), "supervise", "--dir", str(folder), "--report", str(write_end)]
    child = subprocess.Popen([*command, *(["--node"] if node else [])], stdin=subprocess.DEVNULL, pass_fds=[write_end],
                             start_new_session=True)
    os.close(write_end)
    try:
        with os.fdopen(read_end) as report:
            word = report.read()
    except BaseException:
        child.send_signal(signal.SIGTERM)
        child.wait()
        raise
    if not word.startswith("up"):
        child.wait()
        raise BedError(word or "the supervisor ended without a word")
    say(word.strip())


def for_a_person(cluster):
    """What one who plays with a node finds there."""
    cluster.add_volumes(*VOLUMES)
    path = cluster.dir / "bin" / "kubectl"
    path.parent.mkdir()
    # By the network only: files they name are theirs.
    enter = machine.enter(cluster.machine.pid, cluster.programs["kubectl"], kinds=["--net"])
    path.write_text(KUBECTL.format(kubeconfig=cluster.kubeconfig, enter=shlex.join(enter)))
    path.chmod(0o755)


def supervise(folder, report, node=False):
    """Runs until told to end. Its own output has nobody to read it once `up` is gone, so it goes to a log."""
    signal.pthread_sigmask(signal.SIG_BLOCK, ENDINGS)
    lines = []
    cluster = (Cluster if node else ControlPlane)(folder, say=lines.append)
    with os.fdopen(report, "w") as pipe:
        try:
            with unblocked_until_up():
                cluster.start()
                if node:
                    for_a_person(cluster)
        except (KeyboardInterrupt, BedError) as error:
            cluster.end_services()
            pipe.write(str(error))
            return 1
        pid_file(folder).write(os.getpid())
        redirect_output(cluster.log(SUPERVISOR))
        pipe.write("up: " + "\n".join(lines))
    wait_for_the_end(cluster)
    cluster.stop()
    return 0


class unblocked_until_up:
    """While it starts, an ending signal is Python's KeyboardInterrupt, so that start() can clean up behind itself."""

    def __enter__(self):
        for ending in ENDINGS:
            signal.signal(ending, signal.default_int_handler)
        signal.pthread_sigmask(signal.SIG_UNBLOCK, ENDINGS)

    def __exit__(self, *_):
        signal.pthread_sigmask(signal.SIG_BLOCK, ENDINGS)


def redirect_output(path):
    with open(path, "ab") as log:
        for descriptor in (1, 2):
            os.dup2(log.fileno(), descriptor)


def wait_for_the_end(cluster):
    """A signal, or the folder gone (`make clean`). A service that ends by itself is told once in the log and left ended: a
    test bed that heals itself hides bugs."""
    told = False
    while signal.sigtimedwait(ENDINGS, 1) is None and owned_folder(cluster.dir):
        try:
            cluster.check()
        except BedError as error:
            if not told:
                print(error, flush=True)
            told = True


def down(folder, keep=False, say=print):
    """Ends what runs there, however it came to be left, and removes the folder (`keep`: all but the processes)."""
    folder = Path(folder).resolve()
    if not owned_folder(folder):
        say(f"no cluster in {folder}")
        return
    if keep:
        # A supervisor that can't tell its folder can't remove it.
        (folder / MARK).unlink()
    pid = pid_file(folder).end(signal.SIGTERM, group=False)
    if pid:
        try:
            wait_for("end of the supervisor", lambda: start_time(pid) is None, 30)
        except BedError as error:
            say(f"{error}; killing it")
    swept = sweep(folder)
    cgroups.remove(folder)
    if keep:
        (folder / MARK).touch()
    else:
        remove_folder(folder)
    say(f"down: {folder}{' kept' if keep else ' removed'}" + (f", swept up {', '.join(swept)}" if swept else ""))


def sweep(folder):
    """Kills by the pids on disk; the names of those that were still there."""
    swept = [path.name for path in sorted(folder.glob("pids/*")) if PidFile(path).end()]
    wait_for("end of what was left", lambda: not any(PidFile(path).live_pid() for path in folder.glob("pids/*")), 10)
    return swept


def status(folder, say=print):
    """True if all of it runs."""
    folder = Path(folder).resolve()
    if not owned_folder(folder):
        say(f"{folder}: no cluster")
        return False
    well = True
    for path in sorted(folder.glob("pids/*")):
        pid = PidFile(path).live_pid()
        say(f"  {path.name:<26}{'pid ' + str(pid) if pid else 'ENDED'}")
        if not pid:
            well = False
            say(tail(folder / "logs" / f"{path.name}.log", 5))
    return well
