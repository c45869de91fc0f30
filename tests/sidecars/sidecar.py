"""A sidecar's script as a child process: what manifests/sidecars/NAME.yaml says, in a folder of the test's.

    sidecar = Running("agent-log", folder, {"AGENT_LOG_EVERY": "1"}).start()
    sidecar.probe("readinessProbe"), sidecar.lines(), sidecar.end()
"""

import os
import signal
import subprocess
import sys
from pathlib import Path

import yaml

REPOSITORY = Path(__file__).resolve().parents[2]
PROFILES = REPOSITORY / "manifests" / "sidecars"
EXAMPLES = REPOSITORY / "manifests" / "examples"
# As they stand in the example.
SIDECARS = ("bead-sync", "agent-log")
sys.path.insert(0, str(REPOSITORY / "tests" / "cluster"))

from testbed import BedError, wait_for  # noqa: E402
from testbed.checks import Checks, Skip, expect  # noqa: E402
from testbed.process import die_with_parent  # noqa: E402

__all__ = ["BedError", "Checks", "Running", "Skip", "container", "expect", "wait_for"]

SOON = 20


def container(name):
    return yaml.safe_load((PROFILES / f"{name}.yaml").read_text())["spec"]["podOverrides"]["sidecars"][0]


class Running:
    def __init__(self, name, folder, env=None, path=None):
        """folder: holds the workspace `gt`, and what it keeps in its own pod's /tmp. path: where it finds programs."""
        self.spec, self.folder = container(name), Path(folder)
        self.prefix = name.upper().replace("-", "_")
        self.workspace, self.state = self.folder / "gt", self.folder / "tmp" / name
        self.workspace.mkdir(parents=True, exist_ok=True)
        (self.folder / "tmp").mkdir(exist_ok=True)
        self.log = self.folder / f"{name}.log"
        self.env = {**{one["name"]: one.get("value", "furiosa") for one in self.spec["env"]}, "HOME": str(self.folder / "tmp"),
                    f"{self.prefix}_ROOT": str(self.workspace), f"{self.prefix}_STATE": str(self.state),
                    "PATH": str(path or os.environ["PATH"]), **(env or {})}
        self.process = None

    def argv(self, words):
        """The image's shell is the first of ours in PATH."""
        return ["sh" if word == "/bin/sh" else word for word in words]

    def start(self):
        """Returns when the agent's container would start."""
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(self.argv(self.spec["command"] + self.spec["args"]), env=self.env, stdout=log,
                                            stderr=log, stdin=subprocess.DEVNULL, start_new_session=True,
                                            preexec_fn=die_with_parent())
        wait_for("its start", lambda: self.probe("startupProbe") or not self.alive, SOON)
        self.running()
        return self

    @property
    def alive(self):
        return self.process is not None and self.process.poll() is None

    def running(self):
        """True, or what its end was."""
        if not self.alive:
            raise BedError(f"it ended with {self.process.returncode}: {self.lines()[-5:]}")
        return True

    def probe(self, kind):
        return subprocess.run(self.argv(self.spec[kind]["exec"]["command"]), env=self.env, capture_output=True).returncode == 0

    def end(self, timeout=SOON):
        """Told to end; its status."""
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(timeout)

    def kill(self):
        if self.alive:
            os.killpg(self.process.pid, signal.SIGKILL)
            self.process.wait()

    def lines(self):
        return self.log.read_text(errors="replace").splitlines()

    def wait_for_line(self, text):
        """The first that holds the text, once it's there."""
        return wait_for(f"a line with {text!r}", lambda: self.running() and [line for line in self.lines() if text in line][:1],
                        SOON)[0]
