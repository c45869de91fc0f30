#!/usr/bin/python3
"""The shipped sidecars on a real node: manifests/examples as they are, but for the image, with the real bd.

    tests/cluster/node_sidecars.py [--webhook PATH] [--only TEXT] [--keep DIR]

A git daemon on the node's network has the beads. A polecat closes one with its last command: that must arrive there, by
the sidecar's last sync, and what it wrote must be in the log of agent-log. A crew member stays, and is synced meanwhile.
The namespace enforces the restricted standard. A machine that can't hold a node skips with the reason.
"""

import shutil
import sys

from testbed import build, images, oci, suite, wait_for
from testbed.checks import expect, require_node
from testbed.pins import REPOSITORY
from town.agents import NAMESPACE, Agent, bare_pod
from town.programs import HERE
from town.remote import BRANCH, Remote
from town.resident import SOON, Resident, exit_codes

EXAMPLES, POOLS = REPOSITORY / "manifests" / "examples", HERE / "sidecar-pools"
SHIPPED_IMAGE, IMAGE = "ghcr.io/acme/agent:v7", "gastown.test/agent-bd:1"
POLECAT, FAILING, CREW = Agent("polecat", "furiosa"), Agent("polecat", "nux"), Agent("crew", "k8s")
SIDECARS = ("bead-sync", "agent-log")
# The examples sync each minute.
PERIOD = 60


class NodeSidecars(Resident):
    def __init__(self, folder, paths):
        super().__init__(folder, paths, self.templates(folder / "shipped"))
        self.remote = None

    def templates(self, folder):
        """The examples with another image, and this town's pools."""
        folder.mkdir()
        for path in EXAMPLES.glob("*.yaml"):
            (folder / path.name).write_text(path.read_text().replace(SHIPPED_IMAGE, IMAGE))
        shutil.copy(POOLS / "pools.yaml", folder)
        return folder

    # ---- setting up ----

    def bd_built(self):
        self.remote = Remote(self.folder, build.ensure(["bd"])["bd"])

    def cluster_up(self):
        super().cluster_up()
        self.create(self.secret("anthropic", {"api-key": "sk-not-really"}))
        program = oci.copy("usr/bin/bd", self.remote.bd)
        self.cluster.import_image(images.write_agent(self.folder, IMAGE, [program]))

    def remote_up(self):
        self.remote.make()
        self.remote.serve(self.cluster.machine, self.folder / "git-daemon.log", self.folder / "git-daemon.pid")

    # ---- a polecat ----

    def polecat(self):
        """All three end well, the sidecars by themselves and in time."""
        self.create(bare_pod(POLECAT))
        pod = self.wait_for_end(POLECAT)
        said = {name: "\n".join(self.logs(POLECAT, name)) for name in ("agent", *SIDECARS)}
        expect(pod["status"]["phase"] == "Succeeded", f"it ended as {pod['status']['phase']}; they said: {said}")
        expect(exit_codes(pod) == dict.fromkeys((*SIDECARS, "agent"), 0), f"exit codes {exit_codes(pod)}; they said: {said}")

    def last_change(self):
        """The bead closed in the last moment is closed on the remote, by the sync after the end; and nothing else of the
        clone got there."""
        bead = self.remote.beads()["to be closed"]
        expect((bead["status"], bead["close_reason"]) == ("closed", f"by {POLECAT.name}"), f"on the remote: {bead}")
        said = self.logs(POLECAT, "bead-sync")
        expect("told to end" in said[0] and "in step" in said[1], f"it said {said}")
        expect(sorted(self.remote.branches()) == [BRANCH, "main"], f"branches {self.remote.branches()}")
        author = self.remote.git("--git-dir", self.remote.bare, "log", "-1", "--format=%an %ce", BRANCH).strip()
        expect(author == f"{POLECAT.name} {POLECAT.name}@gastown.invalid", f"committed by {author}")

    def log(self):
        """Line by line, from the log and from Claude's transcript, the unfinished last line too."""
        said = self.logs(POLECAT, "agent-log")
        expected = ["[work.log] cloning", "[work.log] last words",
                    '[session.jsonl] {"type":"user","message":"close it"}']
        expect(sorted(said) == sorted(expected), f"it said {said}")

    def failing(self):
        """Its last change is kept, too."""
        self.create(bare_pod(FAILING))
        pod = self.wait_for_end(FAILING)
        expect(pod["status"]["phase"] == "Failed" and exit_codes(pod) == {**dict.fromkeys(SIDECARS, 0), "agent": 3},
               f"it ended as {pod['status']['phase']}, exit codes {exit_codes(pod)}")
        expect("left by nux" in self.remote.beads(), f"on the remote: {list(self.remote.beads())}")

    # ---- a crew member ----

    def crew_starts(self):
        self.claim(f"{CREW.pod_name}-workspace", "20Gi")
        self.create(bare_pod(CREW))

    def ready(self):
        def sidecars_ready(pod):
            return [one["name"] for one in pod["status"]["initContainerStatuses"] if one["ready"]] == list(SIDECARS)

        self.wait_for_pod(CREW, "its sidecars ready", sidecars_ready)

    def crew_is_synced(self):
        """While it runs."""
        wait_for("its bead on the remote", lambda: "made by crew" in self.remote.beads(), PERIOD + SOON)
        pod = self.pod(CREW)
        expect(set(exit_codes(pod).values()) == {None}, f"exit codes {exit_codes(pod)}")
        restarts = {one["name"]: one["restartCount"] for one in pod["status"]["initContainerStatuses"]}
        expect(restarts == dict.fromkeys(SIDECARS, 0), f"restarts {restarts}")

    def crew_ends(self):
        """Deleted a moment after its last change."""
        self.cluster.kubectl("exec", CREW.pod_name, "-n", NAMESPACE, "-c", "agent", "--", "sh", "-c",
                             'cd "$HOME/gt/gastown/work" && bd create "made at last"')
        self.cluster.kubectl("delete", "pod", CREW.pod_name, "-n", NAMESPACE, "--timeout=60s")
        expect("made at last" in self.remote.beads(), f"on the remote: {list(self.remote.beads())}")


def add_checks(checks, town):
    webhook = "gastown-webhook is built"
    checks.add(webhook, town.webhook.built)
    checks.add("this machine can hold a node", require_node)
    checks.add("bd is built", town.bd_built, ("this machine can hold a node",))
    checks.add("cluster up, node Ready", town.cluster_up, ("bd is built",))
    checks.add("webhook called through its Service", town.webhook_up, (webhook, "cluster up, node Ready"))
    checks.add("beads on a git daemon", town.remote_up, ("cluster up, node Ready",))
    up = ("webhook called through its Service", "beads on a git daemon")
    checks.add("a crew member with sidecars", town.crew_starts, up)
    checks.add("a polecat completes, its sidecars too", town.polecat, up)
    checks.add("its last bead's change is on the remote", town.last_change, ("a polecat completes, its sidecars too",))
    checks.add("what it wrote is in the log of agent-log", town.log, ("a polecat completes, its sidecars too",))
    checks.add("a polecat fails, and its last bead is on the remote", town.failing, up)
    checks.add("the crew member's sidecars are ready", town.ready, ("a crew member with sidecars",))
    checks.add("its bead is synced while it works", town.crew_is_synced, ("the crew member's sidecars are ready",))
    checks.add("deleted, its last bead is on the remote", town.crew_ends, ("its bead is synced while it works",))


if __name__ == "__main__":
    sys.exit(suite.main(__doc__, "sidecars", NodeSidecars, add_checks, ("webhook", *NodeSidecars.programs)))
