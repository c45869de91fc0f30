#!/usr/bin/python3
"""The shipped sidecars, without a cluster: their documents, their scripts' syntax, and what agent-log shows.

    tests/sidecars/run.py [--inject PATH] [--only TEXT]
    tests/sidecars/run.py --write              put changed profiles into the example

agent-log runs with this machine's tools and with busybox's. bead-sync needs the real bd: tests/sidecars/bead_sync.py.
"""

import argparse
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from sidecar import EXAMPLES, PROFILES, REPOSITORY, SIDECARS, SOON, Checks, Running, Skip, container, expect, wait_for

CHUNK = 64 * 4096


# ---- documents ----

def clean(inject, folder):
    answer = subprocess.run([inject, "check", "-t", folder], capture_output=True, text=True)
    expect(answer.returncode == 0 and answer.stdout.rstrip().endswith("0 errors, 0 warnings"), answer.stdout + answer.stderr)


def example():
    """rig.yaml as the profiles make it: what stands below their podOverrides, put together."""
    head, start, rest = (EXAMPLES / "rig.yaml").read_text().partition("  podOverrides:\n")
    blocks = [(PROFILES / f"{name}.yaml").read_text().partition(start)[2].partition("    sidecars:\n") for name in SIDECARS]
    return (head + start + "".join(before for before, _, _ in blocks) + "    sidecars:\n"
            + "".join(entry for _, _, entry in blocks) + "  roleOverrides:\n" + rest.partition("  roleOverrides:\n")[2])


def same():
    expect((EXAMPLES / "rig.yaml").read_text() == example(), "manifests/examples/rig.yaml isn't made of manifests/sidecars as they "
           "are now: tests/sidecars/run.py --write")


def hardened():
    for name in SIDECARS:
        one = container(name)
        expect(one["securityContext"] == {"allowPrivilegeEscalation": False, "readOnlyRootFilesystem": True,
                                          "capabilities": {"drop": ["ALL"]}}, f"{name}: {one['securityContext']}")
        for field in ("startupProbe", "readinessProbe", "livenessProbe"):
            expect(field in one, f"{name} has no {field}")
        for kind in ("requests", "limits"):
            expect(set(one["resources"][kind]) == {"cpu", "memory"}, f"{name}: {one['resources']}")


def scripts():
    return {name: container(name)["args"][0] for name in SIDECARS}


def syntax():
    for shell in (["sh"], ["dash"], ["bash", "--posix"], ["busybox", "sh"]):
        for name, text in scripts().items():
            if shutil.which(shell[0]):
                answer = subprocess.run([*shell, "-n", "-c", text], capture_output=True, text=True)
                expect(answer.returncode == 0, f"{' '.join(shell)}: {name}: {answer.stderr}")


def shellcheck():
    if not shutil.which("shellcheck"):
        raise Skip("there is no shellcheck")
    for name, text in scripts().items():
        answer = subprocess.run(["shellcheck", "-s", "sh", "-"], input=text, capture_output=True, text=True)
        expect(answer.returncode == 0, f"{name}:\n{answer.stdout}")


# ---- agent-log ----

class AgentLog:
    """One sidecar after the other in one workspace; each check starts it where the one before has left off."""

    def __init__(self, folder, path=None):
        self.sidecar = Running("agent-log", folder, {"AGENT_LOG_EVERY": "0"}, path)
        self.logs = self.sidecar.workspace / "logs"
        self.logs.mkdir()

    def write(self, name, text, mode="a"):
        path = self.logs / name
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open(mode) as file:
            file.write(text)

    def shown(self, of):
        return [line.partition("] ")[2] for line in self.sidecar.lines() if line.startswith(f"[{of}] ")]

    def wait_shown(self, of, expected):
        wait_for(f"{expected} of {of}", lambda: self.sidecar.running() and self.shown(of) == expected, SOON)

    def settle(self):
        """What was written before has been looked at: a marker written after it is shown, and it comes a look later."""
        for _ in range(2):
            self.write("marker.log", "here\n")
            wait_for("a marker", lambda: len(self.shown("marker.log")) == len((self.logs / "marker.log").read_text().split()), SOON)

    def follows(self):
        self.write("old.log", "before\n")
        self.sidecar.start()
        self.write("old.log", "after\n")
        self.write("new.log", "one\ntwo\n")
        self.write("../rig/logs/deep.log", "deep\n")
        self.write("../.state/claude/projects/-home/0b5c.jsonl", "{}\n")
        self.wait_shown("old.log", ["after"])
        self.wait_shown("new.log", ["one", "two"])
        self.wait_shown("deep.log", ["deep"])
        self.wait_shown("0b5c.jsonl", ["{}"])

    def leaves_out(self):
        """What isn't asked for, what git keeps, and what a link points to."""
        for name in ("other.txt", "../.git/logs/refs.log", "../node_modules/logs/npm.log"):
            self.write(name, "not this\n")
        (self.logs / "link.log").symlink_to("/etc/passwd")
        self.settle()
        expect(not any("not this" in line or "root:" in line for line in self.sidecar.lines()), "shown")

    def half_line(self):
        self.write("half.log", "be")
        self.settle()
        expect(self.shown("half.log") == [], "half a line shown")
        self.write("half.log", "gun\n")
        self.wait_shown("half.log", ["begun"])

    def long_line(self):
        """In pieces, each as long as it may get."""
        self.write("long.log", "x" * (CHUNK * 2 + 5) + "\nnext\n")
        self.wait_shown("long.log", ["x" * CHUNK, "x" * CHUNK, "x" * 5, "next"])

    def truncated(self):
        self.write("new.log", "anew\n", "w")
        self.wait_shown("new.log", ["one", "two", "anew"])

    def harmless(self):
        """A terminal is not taken over, nor the script by a file's name."""
        self.write("colour.log", "\x1b[31mred\tand\x07\r\n")
        names = ["a b.log", "-n.log", "back\\slash.log", "$(touch here).log", "*.log"]
        for name in names:
            self.write(name, "fine\n")
        self.write("two\nlines.log", "never\n")
        self.wait_shown("colour.log", ["[31mred\tand"])
        for name in names:
            self.wait_shown(name, ["fine"])
        self.settle()
        expect(not any("never" in line for line in self.sidecar.lines()), "a name of two lines got through")

    def ends(self):
        """With what was written last, though its line has no end."""
        self.write("last.log", "words\nunfinished")
        expect(self.sidecar.end() == 0, f"status {self.sidecar.process.returncode}")
        expect(self.shown("last.log") == ["words", "unfinished"], f"shown: {self.shown('last.log')}")

    def restarts(self, end):
        """Goes on where it was, though it was killed; nothing is shown twice."""
        if not self.sidecar.alive:
            self.sidecar.start()
        self.settle()
        before = self.sidecar.lines()
        end()
        self.write("while-away.log", f"away {len(before)}\n")
        self.sidecar.start()
        self.settle()
        new = [line for line in self.sidecar.lines()[len(before):] if "[marker.log]" not in line]
        expect(new == [f"[while-away.log] away {len(before)}"], f"after a restart: {new}")

    def probes(self):
        """True while it lives; not when it hangs for longer than it promised."""
        due = self.sidecar.state / "due"
        for kind in ("readinessProbe", "livenessProbe"):
            expect(self.sidecar.probe(kind), f"{kind} fails of one that works")
        first = due.read_text()
        wait_for("a later promise", lambda: due.read_text() > first, SOON)
        self.sidecar.kill()
        due.write_text("1\n")
        for kind in ("readinessProbe", "livenessProbe"):
            expect(not self.sidecar.probe(kind), f"{kind} holds of one that's overdue")


def busybox_path(folder):
    """A folder with nothing but busybox in it."""
    program = shutil.which("busybox")
    if not program:
        raise Skip("there is no busybox")
    folder.mkdir()
    for name in subprocess.run([program, "--list"], capture_output=True, text=True, check=True).stdout.split():
        (folder / name).symlink_to(program)
    return folder


def add_agent_log(checks, tools, folder, path_of):
    town = {}
    first = f"agent-log with {tools}: old files from their end, new ones from their start"

    def start():
        folder.mkdir()
        town["log"] = AgentLog(folder, path_of())
        town["log"].follows()

    checks.add(first, start)
    for name, function in (("only what it's asked for", lambda: town["log"].leaves_out()),
                           ("a line when it has ended", lambda: town["log"].half_line()),
                           ("a long line in pieces", lambda: town["log"].long_line()),
                           ("a file that shrank", lambda: town["log"].truncated()),
                           ("harmless to terminals and shells", lambda: town["log"].harmless()),
                           ("ends with the last words", lambda: town["log"].ends()),
                           ("restarted", lambda: town["log"].restarts(town["log"].sidecar.end)),
                           ("killed", lambda: town["log"].restarts(town["log"].sidecar.kill)),
                           ("probes", lambda: town["log"].probes())):
        checks.add(f"agent-log with {tools}: {name}", function, (first,))
    return lambda: "log" in town and town["log"].sidecar.kill()


def main():
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--inject", type=Path, default=REPOSITORY / "build" / "gastown-inject")
    options.add_argument("--only", metavar="TEXT")
    options.add_argument("--write", action="store_true", help="write manifests/examples/rig.yaml")
    args = options.parse_args()
    if args.write:
        (EXAMPLES / "rig.yaml").write_text(example())
        return 0
    checks = Checks(args.only)
    for folder in (PROFILES, EXAMPLES):
        checks.add(f"{folder.relative_to(REPOSITORY)} without findings", lambda folder=folder: clean(args.inject, folder))
    checks.add("the example is made of the profiles", same)
    checks.add("probes, resources, security contexts", hardened)
    checks.add("POSIX shell", syntax)
    checks.add("shellcheck", shellcheck)
    with tempfile.TemporaryDirectory(prefix="gastown-sidecars-") as name:
        folder = Path(name)
        ends = [add_agent_log(checks, "this machine's tools", folder / "machine", lambda: None),
                add_agent_log(checks, "busybox", folder / "busybox", lambda: busybox_path(folder / "bin"))]
        try:
            return checks.run()
        finally:
            for end in ends:
                end()


if __name__ == "__main__":
    sys.exit(main())
