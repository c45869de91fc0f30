#!/usr/bin/python3
"""bead-sync with the real bd, without a cluster: what happens when the remote, or the clone, isn't as one would like.

    tests/sidecars/bead_sync.py [--only TEXT]

Each check has a remote, a sidecar and a workspace of its own. On a node: tests/cluster/node_sidecars.py.
"""

import argparse
import os
import shutil
import sys
import tempfile
import time
from pathlib import Path

from sidecar import SOON, BedError, Checks, Running, expect, wait_for
from testbed import build
from town.remote import BRANCH, Remote

QUICK = {"BEAD_SYNC_EVERY": "1", "BEAD_SYNC_EVERY_MAX": "4", "BEAD_SYNC_TIMEOUT": "10"}
RARE = {"BEAD_SYNC_EVERY": "600"}
REFUSES = "#!/bin/sh\necho no >&2\nexit 1\n"


class Town:
    def __init__(self, folder, bd, **env):
        folder.mkdir()
        self.remote = Remote(folder, bd)
        self.remote.make()
        path = f"{bd.parent}{os.pathsep}{os.environ['PATH']}"
        more = {"GIT_CONFIG_GLOBAL": "/dev/null", "XDG_CACHE_HOME": str(self.remote.cache)}
        self.sidecar = Running("bead-sync", folder / "pod", {**QUICK, **more, **env}, path)
        self.work = self.sidecar.workspace / "rig" / "work"

    def clone(self, *options):
        return self.remote.clone(self.work, *options)

    def bead(self, title, clone=None):
        self.remote.run(self.remote.bd, "create", title, "--silent", cwd=clone or self.work)

    def has(self, *titles):
        return BRANCH in self.remote.branches() and set(titles) <= set(self.remote.beads())

    def wait_has(self, *titles):
        wait_for(f"{titles} on the remote", lambda: self.sidecar.running() and self.has(*titles), SOON)

    def wait_ready(self, ready=True):
        wait_for("readiness" if ready else "no readiness",
                 lambda: self.sidecar.running() and self.sidecar.probe("readinessProbe") == ready, SOON)

    def refuse(self, refuse=True):
        """The remote can be read, but takes nothing."""
        hook = self.remote.bare / "hooks" / "pre-receive"
        hook.unlink(missing_ok=True)
        if refuse:
            hook.write_text(REFUSES)
            hook.chmod(0o755)

    def end(self, status=0):
        ended = self.sidecar.end()
        expect(ended == status, f"status {ended}; it said {self.sidecar.lines()}")


def nothing(town):
    """No clone yet is no failure; one that comes is found."""
    town.sidecar.start()
    town.wait_ready()
    town.clone()
    town.bead("found")
    town.wait_has("found")
    town.end()


def last(town):
    """By nothing but the sync at the end: the next would come in ten minutes."""
    town.clone()
    town.sidecar.start()
    town.sidecar.wait_for_line("in step")
    town.bead("the last")
    expect(not town.has("the last"), "there before the end")
    town.end()
    expect(town.has("the last"), f"the remote has {town.remote.branches()}; it said {town.sidecar.lines()}")


def during(town):
    """A sync under way when the end is told: it's left to finish, and what came after it began gets there, too. A hook
    of the remote's tells when it's under way, and waits."""
    hook, under_way, go_on = town.remote.bare / "hooks" / "pre-receive", town.remote.folder / "here", town.remote.folder / "on"
    hook.write_text(f"#!/bin/sh\ntouch {under_way}\nwhile [ ! -e {go_on} ]; do sleep 0.1; done\n")
    hook.chmod(0o755)
    town.clone()
    town.bead("first")
    town.sidecar.start()
    wait_for("a push", under_way.exists, SOON)
    town.bead("second")
    town.sidecar.process.terminate()
    go_on.touch()
    town.end()
    expect(town.has("first", "second"), f"the remote has {list(town.remote.beads())}")


def agents_work(town):
    """What the agent has checked out, committed and not committed stays its own, whatever has no upstream."""
    work = town.clone()
    town.remote.git("checkout", "-q", "-b", "polecat/furiosa", cwd=work)
    (work / "code").write_text("work\n")
    town.remote.git("add", "code", cwd=work)
    town.remote.git("commit", "-q", "-m", "work", "code", cwd=work)
    (work / "code").write_text("more\n")
    town.bead("from a branch")
    town.sidecar.start()
    town.wait_has("from a branch")
    town.end()
    expect(sorted(town.remote.branches()) == [BRANCH, "main"], f"branches {town.remote.branches()}")
    expect("code" not in town.remote.git("--git-dir", town.remote.bare, "ls-tree", "--name-only", "main"), "on main")
    expect((work / "code").read_text() == "more\n", "the work is gone")
    expect(town.remote.git("symbolic-ref", "--short", "HEAD", cwd=work).strip() == "polecat/furiosa", "another branch")


def refused(town):
    """A push refused is pushed later, though bd has nothing new to commit."""
    town.refuse()
    town.clone()
    town.bead("refused at first")
    town.sidecar.start()
    town.wait_ready(False)
    town.sidecar.wait_for_line("NOT in step")
    town.refuse(False)
    town.wait_has("refused at first")
    town.wait_ready()
    town.end()


def away(town):
    """The remote isn't there: it waits longer each time, lives, isn't ready; and catches up."""
    town.clone()
    town.bead("while away")
    elsewhere = town.remote.folder / "elsewhere"
    town.remote.bare.rename(elsewhere)
    town.sidecar.start()
    for seconds in (2, 4, 4):
        town.sidecar.wait_for_line(f"trying again in {seconds} s")
    expect(not town.sidecar.probe("readinessProbe") and town.sidecar.probe("livenessProbe"), "probes")
    elsewhere.rename(town.remote.bare)
    town.wait_has("while away")
    town.wait_ready()
    town.end()


def lost(town):
    """The remote isn't there in the end: it says so, and fails."""
    town.clone()
    town.sidecar.start()
    town.wait_ready()
    town.bead("lost")
    shutil.rmtree(town.remote.bare)
    town.end(status=1)
    expect("NOT on the remote" in town.sidecar.lines()[-1], f"it said {town.sidecar.lines()}")


def hangs(town):
    """A remote that never answers: given up in time, alive all along."""
    work = town.clone()
    town.remote.git("remote", "set-url", "origin", "ssh://nobody/beads.git", cwd=work)
    town.sidecar.start()
    began = time.monotonic()
    while not any("NOT in step" in line for line in town.sidecar.lines()):
        expect(town.sidecar.probe("livenessProbe"), "not alive")
        expect(time.monotonic() - began < SOON, "not given up")
        time.sleep(0.1)
    town.sidecar.kill()


def one_branch(town):
    """Clones of one branch and one commit, as git.depth makes them; the second finds the branch there."""
    town.clone("--depth", "1")
    second = town.remote.clone(town.sidecar.workspace / "rig" / "second", "--depth", "1")
    town.sidecar.start()
    town.bead("of the first")
    town.bead("of the second", second)
    town.wait_has("of the first", "of the second")
    town.wait_ready()
    town.end()


def locked(town):
    """By a git that was killed."""
    work = town.clone()
    town.bead("before")
    town.sidecar.start()
    town.wait_has("before")
    (work / ".git" / "worktrees" / BRANCH / "index.lock").touch()
    town.bead("after")
    town.wait_has("after")
    town.end()


def nameless(town):
    """Without a branch it says so, and does nothing."""
    try:
        town.sidecar.start()
    except BedError as error:
        expect("BEADS_SYNC_BRANCH: is empty" in str(error), str(error))
    else:
        expect(False, "it runs")


def left_out(town):
    """A clone without database or remote, beads that belong to another clone: nothing to sync, no failure."""
    fresh = town.sidecar.workspace / "fresh"
    town.remote.git("clone", "-q", town.remote.bare, fresh)
    alone = town.remote.clone(town.sidecar.workspace / "alone")
    town.remote.git("remote", "remove", "origin", cwd=alone)
    elsewhere = town.remote.clone(town.sidecar.workspace / "redirected")
    (elsewhere / ".beads" / "redirect").write_text("../alone/.beads\n")
    town.sidecar.start()
    town.wait_ready()
    town.end()
    expect(len(town.sidecar.lines()) == 1, f"it said {town.sidecar.lines()}")


CASES = (
    ("nothing to sync, then something", nothing, {}),
    ("the last change, when told to end", last, RARE),
    ("told to end while it syncs", during, RARE),
    ("the agent's own work stays its own", agents_work, {}),
    ("a push refused at first", refused, {}),
    ("a remote that is away", away, {}),
    ("a remote that is lost", lost, RARE),
    ("a remote that hangs", hangs, {"BEAD_SYNC_TIMEOUT": "3", "GIT_SSH_COMMAND": "sleep 60; :"}),
    ("clones of one branch", one_branch, {}),
    ("a lock left behind", locked, {}),
    ("no branch named", nameless, {"BEADS_SYNC_BRANCH": ""}),
    ("what isn't synced", left_out, RARE),
)


def check(folder, case, env):
    town = Town(folder, build.ensure(["bd"])["bd"], **env)
    try:
        case(town)
    finally:
        town.sidecar.kill()


def main():
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--only", metavar="TEXT")
    checks = Checks(options.parse_args().only)
    with tempfile.TemporaryDirectory(prefix="gastown-bead-sync-") as folder:
        for number, (name, case, env) in enumerate(CASES):
            checks.add(name, lambda number=number, case=case, env=env: check(Path(folder) / str(number), case, env))
        return checks.run()


if __name__ == "__main__":
    sys.exit(main())
