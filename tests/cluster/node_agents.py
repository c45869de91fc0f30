#!/usr/bin/python3
"""Agents that really run: from the watcher's bare pod, or kubectl's, through the webhook, to containers on a node.

    tests/cluster/node_agents.py [--webhook PATH] [--watcher PATH] [--only TEXT] [--keep DIR]

The namespace enforces the restricted Pod Security Standard. The webhook is a process on the node's network, called by the
API server through a Service. A machine that can't hold a node skips with the reason (a failure where CI is set).
"""

import argparse
import json
import sys
import tempfile
from pathlib import Path

from testbed import BedError, Cluster, images, wait_for
from testbed.checks import Checks, expect, require_node
from testbed.machine import ADDRESS
from testbed.node import STORAGE_CLASS
from testbed.pins import REPOSITORY
from town.agents import NAMESPACE, WATCHER_IMAGE, Agent, bare_pod, event, manifests
from town.programs import NODE_TEMPLATES, SYSTEM, Watcher, Webhook

SOON = 30
RUNS = 60
POLECAT, CREW = Agent("polecat", "furiosa"), Agent("crew", "k8s")
SECRETS = {"bd-daemon": {"token": "of-the-daemon"}, "anthropic": {"api-key": "sk-not-really"}}
CONFIG = "from the town"
CLAIM = f"{CREW.pod_name}-workspace"
# Where the profile puts Claude's own memory on the claim.
CLAUDE = Path(".state/claude")

# What the polecat must say of itself, and of POD_IP whatever is true.
SEEN = {
    "user": "1000:1000", "work": "1000:1000", "lookout": "sees", "config": CONFIG,
    "root": "touch: /here: Read-only file system", "token": "ls: /var/run/secrets/kubernetes.io: No such file or directory",
    "GT_ROLE": "polecat", "GT_RIG": "gastown", "GT_AGENT": "furiosa", "GT_POLECAT": "furiosa", "GT_SCOPE": "rig",
    "BD_ACTOR": "furiosa", "GIT_AUTHOR_NAME": "furiosa", "BEADS_AGENT_NAME": "gastown/furiosa", "HOME": "/home/agent",
    "XDG_STATE_HOME": "/home/agent/gt/.state", "GT_RUNTIME": "k8s", "GT_TOWN_NAME": "gt-town", "BD_DAEMON_HOST": ADDRESS,
    "BD_DAEMON_PORT": "9876", "BD_DAEMON_TOKEN": SECRETS["bd-daemon"]["token"], "BEADS_AUTO_START_DAEMON": "false",
    "POD_NAME": POLECAT.pod_name, "POD_NAMESPACE": NAMESPACE, "ANTHROPIC_API_KEY": SECRETS["anthropic"]["api-key"],
}


class NodeAgents:
    def __init__(self, folder, paths):
        self.folder = folder
        self.cluster = Cluster(folder / "cluster", say=lambda text: None)
        self.webhook = Webhook(paths.webhook, folder / "webhook", NODE_TEMPLATES, ADDRESS)
        self.watcher = Watcher(paths.watcher, folder / "watcher", self.cluster, WATCHER_IMAGE)
        self.first_crew = None

    def end(self):
        self.webhook.kill()
        self.cluster.end_services()

    # ---- asking ----

    def pod(self, agent):
        status, answer = self.cluster.api("GET", f"/api/v1/namespaces/{NAMESPACE}/pods/{agent.pod_name}")
        if status != 200:
            raise BedError(f"{agent}: {status} {answer}")
        return answer

    def wait_for_pod(self, agent, what, condition):
        """The pod, once the condition holds of it."""
        def holds():
            pod = self.pod(agent)
            if condition(pod):
                return pod
            raise BedError(json.dumps(pod["status"])[:2000])

        return wait_for(f"{agent}: {what}", holds, RUNS)

    def create(self, *objects):
        self.cluster.kubectl("create", "-f", "-", input=manifests(objects))

    def spawn(self, agent):
        """The watcher makes its pod from an event."""
        events = self.folder / f"{agent.pod_name}.jsonl"
        events.write_text(event(agent) + "\n")
        with self.cluster.network_here():
            answer = self.watcher.replay(events, NAMESPACE)
        expect(answer.returncode == 0, f"the watcher: status {answer.returncode}\n{answer.stdout}{answer.stderr}")

    def logs(self, agent):
        return self.cluster.kubectl("logs", agent.pod_name, "-n", NAMESPACE, "-c", "agent").stdout.splitlines()

    # ---- setting up ----

    def cluster_up(self):
        self.cluster.start()
        self.cluster.create_namespace(SYSTEM)
        self.cluster.create_namespace(NAMESPACE, {"pod-security.kubernetes.io/enforce": "restricted"})
        self.create(*({"apiVersion": "v1", "kind": "Secret", "metadata": {"name": name, "namespace": NAMESPACE},
                       "stringData": data} for name, data in SECRETS.items()),
                    {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "town-config", "namespace": NAMESPACE},
                     "data": {"greeting": CONFIG}})

    def webhook_up(self):
        """By its Service, as in any cluster; the API server learns of both a moment later."""
        with self.cluster.network_here():
            self.webhook.start()
        self.create(*self.webhook.service_objects())
        self.cluster.kubectl("apply", "-f", "-", input=self.webhook.registration(by_service=True))
        wait_for("injection", self.injects, SOON, [self.webhook.process])

    def injects(self):
        status, answer = self.cluster.api("POST", f"/api/v1/namespaces/{NAMESPACE}/pods?dryRun=All", bare_pod(POLECAT))
        if status != 201:
            raise BedError(f"dry run: {status} {answer}")
        return "gastown.io/template-hash" in answer["metadata"].get("annotations", {})

    # ---- a polecat ----

    def polecat(self):
        """It ends, and its native sidecar with it: the pod succeeded."""
        self.spawn(POLECAT)
        pod = self.wait_for_pod(POLECAT, "its end", lambda pod: pod["status"]["phase"] in ("Succeeded", "Failed"))
        said = self.logs(POLECAT)
        expect(pod["status"]["phase"] == "Succeeded", f"it ended as {pod['status']['phase']}; it said:\n" + "\n".join(said))
        ended = {one["name"]: one["state"].get("terminated", {}).get("exitCode")
                 for field in ("initContainerStatuses", "containerStatuses") for one in pod["status"][field]}
        expect(ended == {"lookout": 0, "agent": 0}, f"exit codes {ended}")
        expect(pod["spec"]["containers"][0]["image"] == images.AGENT, "not the template's image")

    def polecat_saw(self):
        """The lines NAME=value of its log."""
        seen = dict(line.split("=", 1) for line in self.logs(POLECAT) if "=" in line)
        expected = {**SEEN, "POD_IP": self.pod(POLECAT)["status"]["podIP"]}
        wrong = [f"    {name}: {seen.get(name)!r}, not {value!r}" for name, value in expected.items()
                 if seen.get(name) != value]
        expect(not wrong, "\n".join(["it saw", *wrong]))
        return f"{len(expected)} facts"

    # ---- a crew member ----

    def claim(self):
        """By hand: nobody makes claims for agents yet."""
        self.cluster.add_volumes(1, "5Gi")
        self.create({"apiVersion": "v1", "kind": "PersistentVolumeClaim",
                     "metadata": {"name": CLAIM, "namespace": NAMESPACE},
                     "spec": {"accessModes": ["ReadWriteOnce"], "storageClassName": STORAGE_CLASS,
                              "resources": {"requests": {"storage": "5Gi"}}}})

    def awake(self, restarts=0):
        """(its pod, what it found)"""
        def is_awake(pod):
            states = pod["status"].get("containerStatuses", [{}])
            return (states[0].get("restartCount") == restarts and states[0].get("state", {}).get("running")
                    and self.logs(CREW)[-1:] == ["awake"])

        return self.wait_for_pod(CREW, f"awake after {restarts} restarts", is_awake), self.logs(CREW)[:-1]

    def crew(self):
        self.claim()
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

    def on_the_claim(self):
        """Both memories are on the volume, and belong to the agent."""
        status, claim = self.cluster.api("GET", f"/api/v1/namespaces/{NAMESPACE}/persistentvolumeclaims/{CLAIM}")
        expect(status == 200 and claim["status"]["phase"] == "Bound", f"the claim: {claim}")
        _, volume = self.cluster.api("GET", f"/api/v1/persistentvolumes/{claim['spec']['volumeName']}")
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
    up = ("webhook called through its Service", programs[1])
    checks.add("a polecat completes, its sidecar too", town.polecat, up)
    checks.add("what it saw", town.polecat_saw, ("a polecat completes, its sidecar too",))
    checks.add("a crew member starts on its claim", town.crew, up)
    checks.add("its process restarts and finds its memory", town.crew_restarts, ("a crew member starts on its claim",))
    checks.add("its next pod finds it, too", town.crew_again, ("its process restarts and finds its memory",))
    checks.add("both memories are on the claim", town.on_the_claim, ("its next pod finds it, too",))


def run(folder, paths):
    town = NodeAgents(folder, paths)
    checks = Checks(paths.only)
    add_checks(checks, town)
    try:
        return checks.run()
    finally:
        town.end()


def main():
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    for name in ("webhook", "watcher"):
        options.add_argument(f"--{name}", type=Path, default=REPOSITORY / "build" / f"gastown-{name}", metavar="PATH",
                             help=f"default: build/gastown-{name}")
    options.add_argument("--only", metavar="TEXT", help="the checks whose name contains this, and what they need")
    options.add_argument("--keep", type=Path, metavar="DIR", help="work in this new folder and leave it, for its logs")
    paths = options.parse_args()
    if paths.keep:
        paths.keep.mkdir(parents=True)
        return run(paths.keep.resolve(), paths)
    with tempfile.TemporaryDirectory(prefix="gastown-agents-") as folder:
        return run(Path(folder), paths)


if __name__ == "__main__":
    sys.exit(main())
