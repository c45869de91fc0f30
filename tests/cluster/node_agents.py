#!/usr/bin/python3
"""Agents that really run: from the watcher's bare pod, or kubectl's, through the webhook, to containers on a node.

    tests/cluster/node_agents.py [--webhook PATH] [--watcher PATH] [--only TEXT] [--keep DIR]

The namespace enforces the restricted Pod Security Standard. The webhook is a process on the node's network, called by the
API server through a Service. A machine that can't hold a node skips with the reason (a failure where CI is set).
"""

import sys
from pathlib import Path

from testbed import images, suite
from testbed.checks import expect, require_node
from testbed.machine import ADDRESS
from town.agents import NAMESPACE, WATCHER_IMAGE, Agent, bare_pod, event
from town.programs import NODE_TEMPLATES, Watcher
from town.remote import GitRemote
from town.resident import Resident, exit_codes

POLECAT, CREW = Agent("polecat", "furiosa"), Agent("crew", "k8s")
SECRETS = {"bd-daemon": {"token": "of-the-daemon"}, "anthropic": {"api-key": "sk-not-really"}}
CONFIG = "from the town"
CLAIM = f"{CREW.pod_name}-workspace"
# Where the profile puts Claude's own memory on the claim.
CLAUDE = Path(".state/claude")
CLONE = "/home/agent/gt/gastown/work"
WORK_BRANCH = "polecat/furiosa"

# What the polecat must say of itself, and of POD_IP whatever is true.
SEEN = {
    "user": "1000:1000", "work": "1000:1000", "clone": f"1000:1000 {WORK_BRANCH} {CLONE}", "lookout": "sees", "config": CONFIG,
    "root": "touch: /here: Read-only file system", "token": "ls: /var/run/secrets/kubernetes.io: No such file or directory",
    "GT_ROLE": "polecat", "GT_RIG": "gastown", "GT_AGENT": "furiosa", "GT_POLECAT": "furiosa", "GT_SCOPE": "rig",
    "BD_ACTOR": "furiosa", "GIT_AUTHOR_NAME": "furiosa", "BEADS_AGENT_NAME": "gastown/furiosa", "HOME": "/home/agent",
    "XDG_STATE_HOME": "/home/agent/gt/.state", "GT_RUNTIME": "k8s", "GT_TOWN_NAME": "gt-town", "BD_DAEMON_HOST": ADDRESS,
    "BD_DAEMON_PORT": "9876", "BD_DAEMON_TOKEN": SECRETS["bd-daemon"]["token"], "BEADS_AUTO_START_DAEMON": "false",
    "POD_NAME": POLECAT.pod_name, "POD_NAMESPACE": NAMESPACE, "ANTHROPIC_API_KEY": SECRETS["anthropic"]["api-key"],
}


class NodeAgents(Resident):
    programs = ("watcher",)

    def __init__(self, folder, paths):
        super().__init__(folder, paths, NODE_TEMPLATES)
        self.watcher = Watcher(paths.watcher, folder / "watcher", self.cluster, WATCHER_IMAGE)
        self.remote = GitRemote(folder / "remote", "work")
        self.first_crew = None

    def spawn(self, agent):
        """The watcher makes its pod from an event."""
        events = self.folder / f"{agent.pod_name}.jsonl"
        events.write_text(event(agent) + "\n")
        with self.cluster.network_here():
            answer = self.watcher.replay(events, NAMESPACE)
        expect(answer.returncode == 0, f"the watcher: status {answer.returncode}\n{answer.stdout}{answer.stderr}")

    def cluster_up(self):
        super().cluster_up()
        self.create(*(self.secret(name, data) for name, data in SECRETS.items()),
                    {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "town-config", "namespace": NAMESPACE},
                     "data": {"greeting": CONFIG}})

    def remote_up(self):
        self.remote.make()
        self.remote.serve(self.cluster.machine, self.folder / "git-daemon.log", self.folder / "git-daemon.pid")

    # ---- a polecat ----

    def polecat(self):
        """It ends, and its native sidecar with it: the pod succeeded."""
        self.spawn(POLECAT)
        pod = self.wait_for_end(POLECAT)
        said = self.logs(POLECAT)
        expect(pod["status"]["phase"] == "Succeeded", f"it ended as {pod['status']['phase']}; it said:\n" + "\n".join(said))
        ended = exit_codes(pod)
        expect(ended == {"workspace": 0, "lookout": 0, "agent": 0}, f"exit codes {ended}")
        expect(pod["spec"]["containers"][0]["image"] == images.AGENT, "not the template's image")

    def polecat_saw(self):
        """The lines NAME=value of its log."""
        seen = dict(line.split("=", 1) for line in self.logs(POLECAT) if "=" in line)
        expected = {**SEEN, "POD_IP": self.pod(POLECAT)["status"]["podIP"]}
        wrong = [f"    {name}: {seen.get(name)!r}, not {value!r}" for name, value in expected.items()
                 if seen.get(name) != value]
        expect(not wrong, "\n".join(["it saw", *wrong]))
        return f"{len(expected)} facts"

    def pushed(self):
        """Cloned by the init container, committed and pushed by the agent: under its name, on its branch."""
        said = self.logs(POLECAT, "workspace")
        expect(said == [f"workspace: cloned to {CLONE}"], f"the init container said {said}")
        expect(sorted(self.remote.branches()) == ["main", WORK_BRANCH], f"branches {self.remote.branches()}")
        last = self.remote.git("--git-dir", self.remote.bare, "log", "-1", "--format=%an %s", WORK_BRANCH).strip()
        expect(last == f"{POLECAT.name} work of {POLECAT.name}", f"the last commit there: {last}")

    # ---- a crew member ----

    def awake(self, restarts=0):
        """(its pod, what it found)"""
        def is_awake(pod):
            states = pod["status"].get("containerStatuses", [{}])
            return (states[0].get("restartCount") == restarts and states[0].get("state", {}).get("running")
                    and self.logs(CREW)[-1:] == ["awake"])

        return self.wait_for_pod(CREW, f"awake after {restarts} restarts", is_awake), self.logs(CREW)[:-1]

    def crew(self):
        self.claim(CLAIM)
        self.spawn(CREW)
        pod, found = self.awake()
        expect(found == ["nothing", "nothing"], f"on a new claim it found {found}")
        self.first_crew = pod

    def crew_restarts(self):
        """Its process ends well, and is started again in the same pod: a crew member is there until dismissed."""
        self.cluster.kubectl("exec", CREW.pod_name, "-n", NAMESPACE, "-c", "agent", "--", "kill", "1")
        _, found = self.awake(restarts=1)
        expect(found == [self.first_crew["status"]["podIP"]] * 2, f"after a restart it found {found}")

    def crew_again(self):
        """Deleted, and made anew by somebody else: another pod with the same memory."""
        self.cluster.kubectl("delete", "pod", CREW.pod_name, "-n", NAMESPACE, "--timeout=30s")
        self.create(bare_pod(CREW))
        pod, found = self.awake()
        expect(pod["metadata"]["uid"] != self.first_crew["metadata"]["uid"], "the same pod")
        expect(found == [self.first_crew["status"]["podIP"]] * 4, f"in a new pod it found {found}")

    def clone_again(self):
        """The claim had it: the branch that the agent chose and a file that it never committed are still there."""
        said = self.logs(CREW, "workspace")
        expect(said == ["workspace: fetched; branch and files stay as they are"], f"the init container said {said}")
        there = self.cluster.kubectl("exec", CREW.pod_name, "-n", NAMESPACE, "-c", "agent", "--", "sh", "-c",
                                     "git branch --show-current; wc -l <unsaved; git status --short").stdout.split()
        expect(there == ["crew/k8s", "3", "??", "unsaved"], f"in the clone: {there}")

    def on_the_claim(self):
        """Both memories are on the volume, and belong to the agent."""
        claim = self.get(f"/api/v1/namespaces/{NAMESPACE}/persistentvolumeclaims/{CLAIM}")
        expect(claim["status"]["phase"] == "Bound", f"the claim: {claim}")
        volume = self.get(f"/api/v1/persistentvolumes/{claim['spec']['volumeName']}")
        for place in (Path(), CLAUDE):
            memory = Path(volume["spec"]["local"]["path"]) / place / "memory"
            expect(memory.exists(), f"no {place / 'memory'} on the volume")
            expect(len(memory.read_text().splitlines()) == 3, f"{memory} holds {memory.read_text()!r}")
            expect((memory.stat().st_uid, memory.stat().st_gid) == (1000, 1000), f"{memory} is {memory.stat()}")


def add_checks(checks, town):
    programs = ("gastown-webhook is built", "gastown-watcher is built")
    for name, program in zip(programs, (town.webhook, town.watcher)):
        checks.add(name, program.built)
    checks.add("this machine can hold a node", require_node)
    checks.add("cluster up, node Ready", town.cluster_up, ("this machine can hold a node",))
    checks.add("webhook called through its Service", town.webhook_up, (programs[0], "cluster up, node Ready"))
    checks.add("a repository on a git daemon", town.remote_up, ("cluster up, node Ready",))
    up = ("webhook called through its Service", "a repository on a git daemon", programs[1])
    checks.add("a polecat completes, its sidecar too", town.polecat, up)
    checks.add("what it saw", town.polecat_saw, ("a polecat completes, its sidecar too",))
    checks.add("its clone's branch is pushed", town.pushed, ("a polecat completes, its sidecar too",))
    checks.add("a crew member starts on its claim", town.crew, up)
    checks.add("its process restarts and finds its memory", town.crew_restarts, ("a crew member starts on its claim",))
    checks.add("its next pod finds it, too", town.crew_again, ("its process restarts and finds its memory",))
    checks.add("and its clone as it was", town.clone_again, ("its next pod finds it, too",))
    checks.add("both memories are on the claim", town.on_the_claim, ("its next pod finds it, too",))


if __name__ == "__main__":
    sys.exit(suite.main(__doc__, "agents", NodeAgents, add_checks, ("webhook", *NodeAgents.programs)))
