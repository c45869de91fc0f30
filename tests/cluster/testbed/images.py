"""The images a node needs, made of this machine's own programs: there's no registry to pull from.

    gastown.test/pause:1    what each pod's sandbox runs
    gastown.test/agent:1    a shell and its tools (busybox), git, and a user 1000 named agent

A name needs a host part, and the pods that use it `imagePullPolicy: IfNotPresent`.
"""

import re
import subprocess
from pathlib import Path

from . import oci
from .errors import BedError
from .packages import which

NAMES = PAUSE, AGENT = "gastown.test/pause:1", "gastown.test/agent:1"
SOURCES = Path(__file__).resolve().parent.parent / "images"
USER, HOME = 1000, "/home/agent"
GIT_CORE = "usr/lib/git-core"
# Programs of git that are separate files; the rest of its commands are in git itself, under these names if any.
GIT_HELPERS = ("git-remote-http",)
GIT_LINKS = {"git-upload-pack": "git", "git-receive-pack": "git", "git-upload-archive": "git",
             "git-remote-https": "git-remote-http"}


def output(*argv):
    answer = subprocess.run([str(word) for word in argv], capture_output=True, text=True)
    if answer.returncode != 0:
        raise BedError(f"{' '.join(map(str, argv))}: status {answer.returncode}\n{answer.stderr.strip()}")
    return answer.stdout


def libraries(program):
    """The files it's linked with, the loader too, where the loader looks for them. A static program has none."""
    answer = subprocess.run(["ldd", str(program)], capture_output=True, text=True)
    lost = re.search(r"(\S+) => not found", answer.stdout)
    if lost:
        raise BedError(f"{program} lacks its library {lost.group(1)}")
    # In the image as on the host /lib is a link to /usr/lib, and nothing can lie below a link.
    return [oci.copy(path if path.startswith("/usr/") else f"/usr{path}", path)
            for path in sorted(set(re.findall(r"(/\S+) \(0x", answer.stdout)))]


def with_libraries(path, program):
    """A program, wherever in the image, and what it's linked with."""
    return [oci.copy(path, program), *libraries(program)]


def busybox():
    """/bin/busybox, and each of its commands as a link to it."""
    program = which("busybox")
    commands = output(program, "--list").split()
    return [*with_libraries("usr/bin/busybox", program),
            *(oci.link(f"usr/bin/{command}", "busybox") for command in commands if command != "busybox")]


def git():
    program = which("git")
    core = Path(output(program, "--exec-path").strip())
    helpers = [core / name for name in GIT_HELPERS if (core / name).exists()]
    links = {name: target for name, target in GIT_LINKS.items() if target == "git" or core / target in helpers}
    return [*with_libraries(f"{GIT_CORE}/git", program), oci.link("usr/bin/git", "../lib/git-core/git"),
            *(entry for helper in helpers for entry in with_libraries(f"{GIT_CORE}/{helper.name}", helper)),
            *(oci.link(f"{GIT_CORE}/{name}", target) for name, target in links.items()),
            *(oci.link(f"usr/bin/{name}", f"../lib/git-core/{name}") for name in links if "remote" not in name),
            oci.folder("usr/share/git-core/templates")]


def base():
    """What programs expect of a system; one tree below /usr, as Debian has it."""
    return [*(oci.link(name, f"usr/{name}") for name in ("bin", "sbin", "lib", "lib64")),
            *(oci.folder(f"usr/{name}") for name in ("bin", "sbin", "lib", "lib64")),
            *(oci.folder(name) for name in ("dev", "proc", "sys", "etc", "run", "var")), oci.folder("tmp", 0o1777),
            oci.folder(HOME, owner=USER),
            oci.file("etc/passwd", f"root:x:0:0:root:/:/bin/sh\nagent:x:{USER}:{USER}:agent:{HOME}:/bin/sh\n"),
            oci.file("etc/group", f"root:x:0:\nagent:x:{USER}:\n"),
            oci.file("etc/nsswitch.conf", "passwd: files\ngroup: files\nhosts: files dns\n")]


def write_pause(folder):
    program = folder / "pause"
    output(which("gcc"), "-std=c17", "-D_GNU_SOURCE", "-O2", "-static", "-s", "-o", program, SOURCES / "pause.c")
    return oci.write(folder / "pause.tar", PAUSE, [oci.copy("pause", program)], Entrypoint=["/pause"], User="65535:65535")


def write_agent(folder, name=AGENT, more=()):
    """No user: a pod must say that it isn't root, as with most images. more: entries besides."""
    return oci.write(folder / f"{re.sub(r'[^a-z0-9]+', '-', name)}.tar", name, [*base(), *busybox(), *git(), *more],
                     Cmd=["/bin/sh"], Env=["PATH=/usr/bin:/usr/sbin"], WorkingDir="/")


def write_all(folder):
    """The archives."""
    folder.mkdir(parents=True, exist_ok=True)
    return [write_pause(folder), write_agent(folder)]
