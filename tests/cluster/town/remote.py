"""A repository with beads in it, made with the real bd, and the daemon that serves it to pods."""

import json
import subprocess

from testbed import BedError
from testbed.controlplane import clean_environment
from testbed.machine import ADDRESS
from testbed.packages import which

BRANCH = "beads-sync"
SEEDER = {f"GIT_{who}_{what}": "seed@gastown.invalid" for who in ("AUTHOR", "COMMITTER") for what in ("NAME", "EMAIL")}


class Remote:
    """A repository with beads, and the daemon that serves it to pods."""

    def __init__(self, folder, bd):
        self.folder, self.bd = folder / "remote", bd
        self.bare = self.folder / "beads.git"
        # bd compiles its SQLite once for each home.
        self.cache = folder.parent / "bd-cache"

    def git(self, *args, cwd=None):
        return self.run(which("git"), *args, cwd=cwd)

    def clone(self, path, *options):
        """One like an agent's, with bd's database."""
        self.git("clone", "-q", *options, f"file://{self.bare}", path)
        self.run(self.bd, "list", cwd=path)
        return path

    def run(self, *argv, cwd=None):
        env = {**clean_environment(self.folder), "BEADS_AUTO_START_DAEMON": "false", "GIT_CONFIG_GLOBAL": "/dev/null",
               "BEADS_SYNC_BRANCH": BRANCH, "XDG_CACHE_HOME": str(self.cache), **SEEDER}
        answer = subprocess.run([str(word) for word in argv], cwd=cwd or self.folder, env=env, capture_output=True, text=True)
        if answer.returncode != 0:
            raise BedError(f"{' '.join(map(str, argv))}: status {answer.returncode}\n{answer.stdout}{answer.stderr}")
        return answer.stdout

    def make(self):
        """One open bead, on main."""
        self.folder.mkdir()
        self.git("init", "-q", "--bare", "-b", "main", self.bare)
        seed = self.folder / "seed"
        self.git("clone", "-q", self.bare, seed)
        self.run(self.bd, "init", "--prefix", "fx", "--quiet", cwd=seed)
        self.run(self.bd, "create", "to be closed", "--silent", cwd=seed)
        self.run(self.bd, "--no-daemon", "sync", "--flush-only", cwd=seed)
        self.git("add", "-A", cwd=seed)
        self.git("commit", "-q", "-m", "beads", cwd=seed)
        self.git("push", "-q", "origin", "main", cwd=seed)

    def serve(self, machine, log, pid_file):
        machine.service("git-daemon", [which("git"), "daemon", f"--listen={ADDRESS}", f"--base-path={self.folder}",
                                       "--export-all", "--enable=receive-pack", "--reuseaddr"], log, pid_file).start()

    def beads(self, branch=BRANCH):
        """{title: bead} as the remote has them."""
        lines = self.git("--git-dir", self.bare, "show", f"{branch}:.beads/issues.jsonl").splitlines()
        return {bead["title"]: bead for bead in map(json.loads, lines)}

    def branches(self):
        return self.git("--git-dir", self.bare, "branch", "--format=%(refname:short)").split()
