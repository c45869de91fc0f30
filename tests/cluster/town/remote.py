"""Repositories, and the daemon that serves them to pods: one to work on, and one with beads in it, made with the real bd."""

import json
import subprocess

from testbed import BedError, wait_for
from testbed.controlplane import clean_environment
from testbed.machine import ADDRESS
from testbed.packages import which

BRANCH = "beads-sync"
START = 15
SEEDER = {f"GIT_{who}_{what}": "seed@gastown.invalid" for who in ("AUTHOR", "COMMITTER") for what in ("NAME", "EMAIL")}


class GitRemote:
    """A bare repository in a folder of its own, and the daemon that serves it."""

    def __init__(self, folder, name):
        self.folder = folder
        self.bare = folder / f"{name}.git"

    @property
    def url(self):
        return f"git://{ADDRESS}/{self.bare.name}"

    def environment(self):
        return {**clean_environment(self.folder), "GIT_CONFIG_GLOBAL": "/dev/null", **SEEDER}

    def run(self, *argv, cwd=None):
        answer = subprocess.run([str(word) for word in argv], cwd=cwd or self.folder, env=self.environment(), capture_output=True,
                                text=True)
        if answer.returncode != 0:
            raise BedError(f"{' '.join(map(str, argv))}: status {answer.returncode}\n{answer.stdout}{answer.stderr}")
        return answer.stdout

    def git(self, *args, cwd=None):
        return self.run(which("git"), *args, cwd=cwd)

    def fill(self, seed):
        """What is on main at first: seed is the path of a clone."""
        (seed / "README").write_text("to be worked on\n")

    def make(self):
        self.folder.mkdir()
        self.git("init", "-q", "--bare", "-b", "main", self.bare)
        seed = self.folder / "seed"
        self.git("clone", "-q", self.bare, seed)
        self.fill(seed)
        self.git("add", "-A", cwd=seed)
        self.git("commit", "-q", "-m", "seed", cwd=seed)
        self.git("push", "-q", "origin", "main", cwd=seed)

    def serve(self, machine, log, pid_file):
        """Answers once it's asked."""
        machine.service("git-daemon", [which("git"), "daemon", f"--listen={ADDRESS}", f"--base-path={self.folder}",
                                       "--export-all", "--enable=receive-pack", "--reuseaddr"], log, pid_file).start()
        wait_for("the git daemon", lambda: machine.run(which("git"), "ls-remote", self.url), START)

    def branches(self):
        return self.git("--git-dir", self.bare, "branch", "--format=%(refname:short)").split()


class Remote(GitRemote):
    """A repository with one open bead, on main."""

    def __init__(self, folder, bd):
        super().__init__(folder / "remote", "beads")
        self.bd = bd
        # bd compiles its SQLite once for each home.
        self.cache = folder.parent / "bd-cache"

    def environment(self):
        return {**super().environment(), "BEADS_AUTO_START_DAEMON": "false", "BEADS_SYNC_BRANCH": BRANCH,
                "XDG_CACHE_HOME": str(self.cache)}

    def clone(self, path, *options):
        """One like an agent's, with bd's database."""
        self.git("clone", "-q", *options, f"file://{self.bare}", path)
        self.run(self.bd, "list", cwd=path)
        return path

    def fill(self, seed):
        self.run(self.bd, "init", "--prefix", "fx", "--quiet", cwd=seed)
        self.run(self.bd, "create", "to be closed", "--silent", cwd=seed)
        self.run(self.bd, "--no-daemon", "sync", "--flush-only", cwd=seed)

    def beads(self, branch=BRANCH):
        """{title: bead} as the remote has them."""
        lines = self.git("--git-dir", self.bare, "show", f"{branch}:.beads/issues.jsonl").splitlines()
        return {bead["title"]: bead for bead in map(json.loads, lines)}
