"""Building what is missing, once, into the cache.

Programs are built into a folder beside the cached ones and renamed, so a cached program is always whole. One build of a
group runs at a time, whoever asks for it: a second one waits for the lock and then finds the work done.
"""

import contextlib
import fcntl
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

from . import golang, modules
from .errors import BedError
from .parts import CONTROL_PLANE, GROUPS, find, part_named
from .pins import cache_folder
from .process import POLL, die_with_parent, tail

REPORT_EVERY = 15
NICENESS = 10

# What the end of a failed build's log says, and what helps.
HINTS = (
    (("no space left on device",), "The disk is full: a build needs 6 GB, most of it Go's own cache (`go env GOCACHE`)."),
    (("signal: killed", "cannot allocate memory"), "Memory ran out: linking two of them at once takes about 4 GB."),
    (("dial tcp", "no such host", "i/o timeout", "connection refused", "connection reset", "TLS handshake", "x509:",
      "404 Not Found", "410 Gone", "403 Forbidden", "502 Bad Gateway", "proxyconnect", "module lookup disabled"),
     "The modules could not be fetched: see `go env GOPROXY`. Run it again, what has arrived is kept; or set "
     "KUBEBUILDER_ASSETS to a folder of ready programs."),
    (("missing go.sum entry", "updates to go.mod needed", "checksum mismatch"),
     "go.mod or go.sum don't fit the pins: `tests/cluster/bed.py pin` writes them anew."),
)


class Progress:
    """One line that counts on a terminal, one line every 15 s anywhere else."""

    def __init__(self, say=print):
        self.say, self.started, self.reported = say, time.monotonic(), time.monotonic()
        self.terminal = say is print and sys.stdout.isatty()

    @property
    def seconds(self):
        return time.monotonic() - self.started

    def tick(self, text):
        wait = 0.5 if self.terminal else REPORT_EVERY
        if time.monotonic() - self.reported < wait:
            return
        self.reported = time.monotonic()
        line = f"  {self.seconds:4.0f} s  {text}"
        if self.terminal:
            width = shutil.get_terminal_size().columns - 1
            print("\r" + line[:width].ljust(width), end="", flush=True)
        else:
            self.say(line)

    def done(self, text):
        if self.terminal:
            print("\r", end="")
        self.say(f"{text} ({self.seconds:.0f} s)")


@contextlib.contextmanager
def locked(name, say):
    """Across processes; the kernel lets go of it when its holder dies."""
    cache_folder().mkdir(parents=True, exist_ok=True)
    with (cache_folder() / f"{name}.lock").open("a") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            say(f"{name}: another build of it is running, waiting for that one to end")
            fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def missing(names):
    return [name for name in names if not find(name)]


def ensure(names=CONTROL_PLANE, say=print):
    """Builds those that are neither in KUBEBUILDER_ASSETS nor in the cache; {name: path} of all."""
    wanted = [part_named(name).name for name in names]
    for group in GROUPS.values():
        absent = [name for name in missing(wanted) if part_named(name).group == group.name]
        if absent:
            build_group(group, absent, say)
    return {name: find(name) for name in wanted}


def build_group(group, names, say):
    modules.check(group)
    with locked(group.name, say):
        names = missing(names)
        if not names:
            return
        progress = Progress(say)
        say(f"{group.name} {group.version}: building {', '.join(names)} (once; usually {group.usual} on two cores)")
        program, env = golang.find_go(group.folder, say)
        log = cache_folder() / f"{group.name}.log"
        stage = Path(f"{group.bin}.new")
        # There may be one, of a build that was killed.
        shutil.rmtree(stage, ignore_errors=True)
        stage.mkdir(parents=True)
        try:
            compile_parts(Compilation(group, names, program, env, log, stage), progress)
            install(names, stage, group.bin)
        finally:
            shutil.rmtree(stage, ignore_errors=True)
        copy_files(group, program, env)
        progress.done(f"{group.name} {group.version}: built {', '.join(names)} in {group.bin}")


@dataclass(frozen=True)
class Compilation:
    group: object
    names: list
    program: str
    env: dict
    log: Path
    stage: Path

    @property
    def argv(self):
        """-v names each package as it's compiled, which is our progress."""
        packages = [part_named(name).package for name in self.names]
        return [self.program, "build", "-v", "-mod=readonly", "-trimpath", "-buildvcs=false", "-ldflags",
                self.group.ldflags, "-o", f"{self.stage}/", *packages]


def files(name, say=print):
    """The files that go with a group's programs; fetched with the module where the programs were built by somebody else."""
    group = GROUPS[name]
    if not group.share.is_dir():
        modules.check(group)
        with locked(group.name, say):
            copy_files(group, *golang.find_go(group.folder, say))
    return sorted(group.share.iterdir())


def copy_files(group, program, env):
    """From the module cache into ours, all or none."""
    if not group.files or group.share.is_dir():
        return
    found = json.loads(modules.run_go(program, env, group.folder, "mod", "download", "-json", group.module))
    sources = sorted(Path(found["Dir"]).glob(group.files))
    if not sources:
        raise BedError(f"{group.module} {group.version} has no {group.files} any more: look at what it ships")
    stage = Path(f"{group.share}.new")
    shutil.rmtree(stage, ignore_errors=True)
    stage.mkdir(parents=True)
    for source in sources:
        # Without the module cache's mode, which is read-only.
        (stage / source.name).write_bytes(source.read_bytes())
    stage.rename(group.share)


def compile_parts(job, progress):
    with job.log.open("wb") as log:
        child = subprocess.Popen(job.argv, cwd=job.group.folder, env=job.env, stdin=subprocess.DEVNULL, stdout=log,
                                 stderr=log, start_new_session=True, preexec_fn=die_with_parent(NICENESS))
    try:
        while True:
            try:
                status = child.wait(POLL * 10)
                break
            except subprocess.TimeoutExpired:
                progress.tick(f"{job.group.name}: {describe(job.log)}")
    except BaseException:
        # Ctrl-C, say: go's compilers are in its group, and none may go on alone.
        os.killpg(child.pid, signal.SIGKILL)
        child.wait()
        raise
    if status != 0:
        raise BedError(f"{job.group.name}: go build failed with status {status} after {progress.seconds:.0f} s; "
                       f"the end of {job.log}:\n{tail(job.log)}\n{hint(job.log)}")


def describe(log):
    """How far a build is, from its log."""
    lines = log.read_text(errors="replace").splitlines()
    compiled = [line for line in lines if line and not line.startswith("go: ")]
    if not lines:
        return "nothing to compile yet, or only to link"
    return lines[-1][4:] if lines[-1].startswith("go: ") else f"{len(compiled)} packages, last {lines[-1]}"


def hint(log):
    text = log.read_text(errors="replace")[-20000:]
    for signs, advice in HINTS:
        if any(sign in text for sign in signs):
            return advice
    return "Nothing known to us; what is built already is kept, so a second try starts where this one ended."


def install(names, stage, folder):
    folder.mkdir(parents=True, exist_ok=True)
    for name in names:
        (stage / part_named(name).built_as).rename(folder / name)
