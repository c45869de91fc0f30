"""A machine's own cgroups: one in each hierarchy, which its cgroup namespace and its mounts show inside as the root.

A process joins them, makes the namespace, and goes one below, where services join it: under version 2 a cgroup that hands
controllers down may hold no processes itself, and containers could not be made by a process outside of the namespace's
root.
"""

import hashlib
import os
from pathlib import Path

from .process import wait_for

SERVICES = "services"


def hierarchies():
    """{mount point: its type}: cgroup2 alone, or cgroup for each controller of version 1."""
    mounts = {}
    for line in Path("/proc/self/mountinfo").read_text().splitlines():
        before, _, after = line.partition(" - ")
        kind = after.split()[0]
        if kind in ("cgroup", "cgroup2"):
            mounts[Path(before.split()[4])] = kind
    return mounts


def name(folder):
    """The same for the same folder, so that what a crash left is found by the next one."""
    return f"gastown-testbed-{hashlib.sha256(str(Path(folder).resolve()).encode()).hexdigest()[:8]}"


def own(folder):
    """Those that are there."""
    return [mount / name(folder) for mount in hierarchies() if (mount / name(folder)).is_dir()]


def make(folder):
    remove(folder)
    for mount, kind in hierarchies().items():
        if kind == "cgroup2":
            enable_all(mount)
        for path in (mount / name(folder), mount / name(folder) / SERVICES):
            path.mkdir()
            inherit_cpus(path)


def enable_all(mount):
    """Whatever controllers version 2 can hand down here: a system's own manager has usually done so."""
    controllers = (mount / "cgroup.controllers").read_text().split()
    for controller in controllers:
        try:
            (mount / "cgroup.subtree_control").write_text(f"+{controller}")
        except OSError:
            pass


def inherit_cpus(path):
    """Version 1 lets nobody into a cpuset that has none."""
    for file in ("cpuset.cpus", "cpuset.mems"):
        if (path / file).exists() and not (path / file).read_text().strip():
            (path / file).write_text((path.parent / file).read_text())


def joining(folder, below=""):
    """What a child calls between fork and exec."""
    files = [str(path / below / "cgroup.procs") for path in own(folder)]

    def in_child():
        for file in files:
            with open(file, "w") as procs:
                procs.write("0")

    return in_child


def step_down(folder, pids):
    for path in own(folder):
        for pid in pids:
            (path / SERVICES / "cgroup.procs").write_text(str(pid))


def remove(folder):
    """Once its processes are gone; the kernel may need a moment more to see them empty."""
    def gone():
        for top in own(folder):
            for path, _, _ in os.walk(top, topdown=False):
                os.rmdir(path)
        return not own(folder)

    wait_for(f"end of the cgroups {name(folder)}", gone, 10)
