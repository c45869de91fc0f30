#!/usr/bin/python3
"""First light: the real programs, a real API server, and an agent's pod that is the same whoever creates it.

    tests/cluster/firstlight.py [--webhook PATH] [--watcher PATH] [--inject PATH] [--only TEXT] [--keep DIR]

A control plane is started for it (see bed.py) and removed again; the webhook and the watcher run beside it as processes.
One line for each check, then `N passed, N failed`; status 1 on a failure.
"""

import json
import re
import sys

from testbed import BedError, ControlPlane, suite, wait_for
from testbed.checks import Failure, expect
from testbed.pins import REPOSITORY
from town import mutants, pods as same
from town.agents import AGENTS, NAMESPACE, WATCHER_IMAGE, Agent, bare_pod, event, job, manifests
from town.programs import TEMPLATES, Inject, Watcher, Webhook, end_well

CAPTURE = REPOSITORY / "tests" / "fixtures" / "town-0.5.0" / "events.jsonl"
# Everybody the capture's events are about and who isn't one of the town's own; nobody else may get a pod from it.
IN_CAPTURE = {"furiosa", "nux", "k8s"}
SOON = 30
REGISTERED_NAME = "pods.gastown.io"
HASH = "gastown.io/template-hash"
# Texts of warnings that are right to appear. None so far: a bare pod says nothing that a template has to overrule.
EXPECTED_WARNINGS = ()

# What an operator gets wrong in a template: file, a line of it, what it becomes, and which of the new lines and which
# field the message has to name.
BROKEN = (
    ("an unknown key", "gastown.yaml", "    screenScrollback: 20000\n", "    screenScrolback: 20000\n", 0, "screenScrolback"),
    ("a wrong type", "gastown.yaml", "    screenScrollback: 20000\n", "    screenScrollback: lots\n", 0, "screenScrollback"),
    ("a quantity that is none", "rig.yaml", "        memory: 6Gi\n", "        memory: sixGi\n", 0, "memory"),
    ("a key twice", "pool.yaml", "  role: crew\n", "  role: crew\n  role: crew\n", 1, "role"),
    ("a reserved name", "rig.yaml", "      - name: LOOKOUT\n", "      - name: GT_ROLE\n", 0, "GT_ROLE"),
)


def break_template(row):
    """(broken text, the line the message must name)"""
    _, file, old, new, offset, _ = row
    text = (TEMPLATES / file).read_text()
    expect(text.count(old) == 1, f"templates/{file} has {text.count(old)} lines {old.strip()!r}: mend BROKEN")
    return text.replace(old, new), text[:text.index(old)].count("\n") + 1 + offset


def replace_file(path, text):
    """As an editor or a mounted ConfigMap does it: never half there."""
    fresh = path.with_name(f".{path.name}.new")
    fresh.write_text(text)
    fresh.rename(path)


class FirstLight:
    def __init__(self, folder, paths):
        self.folder = folder
        self.cluster = ControlPlane(folder / "cluster", say=lambda text: None)
        self.webhook = Webhook(paths.webhook, folder / "webhook")
        self.watcher = Watcher(paths.watcher, folder / "watcher", self.cluster, WATCHER_IMAGE)
        self.inject = Inject(paths.inject, folder / "inject")
        # way -> pod name of the agent -> the stored pod
        self.pods = {way: {} for way in (same.WATCHER, same.KUBECTL, same.JOB)}
        self.beads = {}
        self.used = set()
        self.kubectl_warnings = []

    def end(self):
        self.webhook.kill()
        self.cluster.end_services()

    # ---- asking the cluster ----

    def path(self, namespace, name=""):
        return f"/api/v1/namespaces/{namespace}/pods{'/' + name if name else ''}"

    def list_pods(self, namespace, selector=""):
        status, answer = self.cluster.api("GET", self.path(namespace) + f"?labelSelector={selector.replace('=', '%3D')}")
        if status != 200:
            raise BedError(f"listing pods: {status} {answer}")
        return answer["items"]

    def of_agent(self, agent, namespace):
        return self.list_pods(namespace, agent.selector)

    def empty(self, namespace=NAMESPACE):
        """Whatever the check before left there."""
        self.cluster.kubectl("delete", "jobs", "--all", "-n", namespace, "--timeout=30s")
        self.cluster.api("DELETE", self.path(namespace), {"gracePeriodSeconds": 0})
        wait_for(f"namespace {namespace} without pods", lambda: not self.list_pods(namespace), SOON)

    def dry_run(self, agent, namespace=NAMESPACE):
        """What would be stored now."""
        path = self.path(namespace) + "?dryRun=All"
        status, answer = self.cluster.api("POST", path, bare_pod(agent, namespace=namespace))
        if status != 201:
            raise BedError(f"dry run of {agent}: {status} {answer}")
        return answer

    def template_hash(self, agent):
        return self.dry_run(agent)["metadata"].get("annotations", {}).get(HASH)

    def create(self, *objects):
        """By kubectl; its warnings are kept."""
        answer = self.cluster.kubectl("create", "-f", "-", input=manifests(objects), check=False)
        self.kubectl_warnings += [line for line in answer.stderr.splitlines() if "Warning" in line]
        return answer

    def events_file(self, name, agents=()):
        path = self.folder / name
        path.write_text("".join(event(agent, number) + "\n" for number, agent in enumerate(agents)))
        return path

    # ---- setting up ----

    def control_plane(self):
        self.cluster.start()
        self.cluster.create_namespace(NAMESPACE)
        return self.cluster.api("GET", "/version")[1]["gitVersion"]

    def webhook_up(self):
        self.webhook.start()

    def registered(self):
        """Applied, and then seen to work: the API server learns of it a moment later."""
        self.cluster.kubectl("apply", "-f", "-", input=self.webhook.registration())
        wait_for("injection", lambda: self.template_hash(AGENTS[0]), SOON, [self.webhook.process])

    # ---- three ways to one pod ----

    def take(self, way, agent, pods):
        expect(len(pods) == 1, f"{agent} has {len(pods)} pods by {way}: {[pod['metadata']['name'] for pod in pods]}")
        self.pods[way][agent.pod_name] = pods[0]

    def replay(self, events):
        self.empty()
        answer = self.watcher.replay(events, NAMESPACE)
        expect(answer.returncode == 0, f"status {answer.returncode}; it said:\n{answer.stdout[-2000:]}{answer.stderr[-2000:]}")

    def by_watcher_from_capture(self):
        self.replay(CAPTURE)
        there = {pod["metadata"]["labels"]["gastown.io/agent"] for pod in self.list_pods(NAMESPACE)}
        expect(there <= IN_CAPTURE, f"pods for {sorted(there - IN_CAPTURE)}, who were only the actors")
        self.keep_watchers([agent for agent in AGENTS if agent.captured])
        return f"pods for {', '.join(sorted(there))}"

    def by_watcher_from_events(self):
        others = [agent for agent in AGENTS if not agent.captured]
        self.replay(self.events_file("spawned.jsonl", others))
        self.keep_watchers(others)

    def keep_watchers(self, agents):
        for agent in agents:
            self.take(same.WATCHER, agent, self.of_agent(agent, NAMESPACE))
            pod = self.pods[same.WATCHER][agent.pod_name]
            expect(pod["metadata"]["name"] == agent.pod_name, f"{agent}'s pod is called {pod['metadata']['name']}")
            bead = pod["metadata"].get("annotations", {}).get("event.gastown.io/bead", "")
            expect(bead in agent.beads, f"{agent} works on {bead!r}, one of {agent.beads} expected")
            self.beads[agent.pod_name] = bead

    def by_kubectl(self):
        self.empty()
        answer = self.create(*(bare_pod(agent, self.beads.get(agent.pod_name, "")) for agent in AGENTS))
        expect(answer.returncode == 0, f"kubectl create: {answer.stderr}")
        for agent in AGENTS:
            self.take(same.KUBECTL, agent, self.of_agent(agent, NAMESPACE))

    def by_job(self):
        self.empty()
        answer = self.create(*(job(agent, self.beads.get(agent.pod_name, "")) for agent in AGENTS))
        expect(answer.returncode == 0, f"kubectl create: {answer.stderr}")
        for agent in AGENTS:
            wait_for(f"a Job's pod for {agent}", lambda: self.of_agent(agent, NAMESPACE), SOON)
            self.take(same.JOB, agent, self.of_agent(agent, NAMESPACE))

    def three(self, agent):
        return {way: pods[agent.pod_name] for way, pods in self.pods.items()}

    def agree(self, agent):
        """The heart of it."""
        left = same.unexplained(self.three(agent), self.used)
        if left:
            raise Failure("not the same pod:\n" + "\n".join(f"    {difference}" for difference in left))
        return f"hash {self.three(agent)[same.KUBECTL]['metadata']['annotations'][HASH]}"

    def comparison_can_fail(self):
        total, missed = 0, []
        for agent in AGENTS:
            survivors, count = mutants.survivors(agent, self.three(agent))
            total += count
            missed += [f"    {agent}: {survivor}" for survivor in survivors]
        if missed:
            raise Failure(f"{len(missed)} of {total} changes went unnoticed:\n" + "\n".join(missed[:20]))
        return f"{total} changes noticed"

    def allowances_needed(self):
        idle = [f"    {entry.way} {entry.path}: {entry.reason}" for entry in same.ALLOWED if entry not in self.used]
        if idle:
            raise Failure("ALLOWED entries that no comparison needed:\n" + "\n".join(idle))

    def no_warnings(self):
        """Neither to kubectl nor to the Job controller, whose client logs them."""
        log = self.cluster.log("kube-controller-manager").read_text(errors="replace")
        found = self.kubectl_warnings + [line for line in log.splitlines() if "warnings.go" in line and "gastown" in line]
        unexpected = [line for line in found if not any(re.search(text, line) for text in EXPECTED_WARNINGS)]
        expect(not unexpected, "\n    ".join(["warnings:", *unexpected]))

    def inject_agrees(self):
        """The command line's answer is the cluster's: all it renders is in the stored pod."""
        self.inject.check()
        for agent in AGENTS:
            bare = bare_pod(agent, self.beads[agent.pod_name])
            rendered = json.loads(self.inject.render(json.dumps(bare)))
            lacking = same.not_in(rendered["spec"], self.pods[same.KUBECTL][agent.pod_name]["spec"])
            expect(not lacking, f"{agent}: rendered but not stored so:\n    " + "\n    ".join(lacking))

    def incomplete(self):
        """The engine's own refusal reaches the person who asked."""
        self.empty()
        pod = bare_pod(AGENTS[0])
        del pod["metadata"]["labels"]["gastown.io/role"]
        answer = self.create(pod)
        expect(answer.returncode != 0, "a pod without a role was accepted")
        expect("gastown.io/role" in answer.stderr, f"the refusal doesn't name the label: {answer.stderr}")
        expect(not self.list_pods(NAMESPACE), "it is there all the same")

    # ---- the webhook is away ----

    def fails_closed(self):
        self.cluster.create_namespace("closed")
        self.webhook.stop()
        agent = AGENTS[0]
        answer = self.create(bare_pod(agent, namespace="closed"), job(agent, namespace="closed"))
        expect("failed calling webhook" in answer.stderr and REGISTERED_NAME in answer.stderr,
               f"status {answer.returncode}, and not a word of the webhook: {answer.stderr}")
        wait_for("the Job controller's failure", self.job_failure, SOON)
        self.watcher_refused(agent)
        expect(not self.list_pods("closed"), "pods came to be without the webhook")

    def job_failure(self):
        _, answer = self.cluster.api("GET", "/api/v1/namespaces/closed/events")
        return [item for item in answer["items"] if item["reason"] == "FailedCreate" and REGISTERED_NAME in item["message"]]

    def watcher_refused(self, agent):
        """It may give up (then not with status 0) or try on until the limit; it says why in either case."""
        answer = self.watcher.replay(self.events_file("refused.jsonl", [agent]), "closed", timeout=20)
        said = answer.stdout + answer.stderr
        status = answer.returncode
        expect(status is None or status > 0, f"status {status} though nothing was created; it said:\n{said[-2000:]}")
        expect(agent.pod_name in said and "webhook" in said, f"not a word of the pod or the webhook:\n{said[-2000:]}")

    def opens_again(self):
        """What waited comes to be, with nobody's help."""
        self.webhook.start()
        agent = AGENTS[0]
        wait_for("the Job's pod", lambda: self.of_agent(agent, "closed"), 60, [self.webhook.process])
        [pod] = self.of_agent(agent, "closed")
        expect(HASH in pod["metadata"]["annotations"], f"{pod['metadata']['name']} was not injected")

    # ---- the API server is away ----

    def outage(self, namespace, crash):
        """An event before it, one during it, repeats and one more after it: each agent one pod, none lost, none twice."""
        before, during, after = (Agent("polecat", name) for name in ("before", "during", "after"))
        self.cluster.create_namespace(namespace)
        events = self.folder / f"{namespace}.jsonl"
        service = self.watcher.follow(events, namespace)
        try:
            self.append(events, event(before, 0) + "\n")
            first = self.appears(before, namespace, service)
            self.cluster.stop_apiserver(crash)
            # In two writes: the tail must wait for the end of the line.
            line = event(during, 1) + "\n"
            self.append(events, line[:40])
            self.append(events, line[40:])
            self.cluster.start_apiserver()
            second = self.appears(during, namespace, service)
            self.append(events, event(before, 0) + "\n" + line + event(after, 2) + "\n")
            third = self.appears(after, namespace, service)
            there = sorted(pod["metadata"]["uid"] for pod in self.list_pods(namespace))
            expect(there == sorted([first, second, third]), f"{len(there)} pods, or other ones than were made first")
            end_well(service)
        finally:
            service.stop(9)

    def append(self, path, text):
        with path.open("a") as file:
            file.write(text)

    def appears(self, agent, namespace, service):
        """The UID of its pod, once there."""
        wait_for(f"a pod for {agent}", lambda: self.of_agent(agent, namespace), 60, [service])
        [pod] = self.of_agent(agent, namespace)
        expect(HASH in pod["metadata"]["annotations"], f"{pod['metadata']['name']} was not injected")
        return pod["metadata"]["uid"]

    # ---- templates go wrong ----

    def refuses_to_start(self):
        """Each mistake: file, line and field in one line of its output."""
        for number, row in enumerate(BROKEN):
            text, line = break_template(row)
            folder = self.folder / f"broken-{number}"
            folder.mkdir()
            for path in TEMPLATES.iterdir():
                (folder / path.name).write_text(text if path.name == row[1] else path.read_text())
            said = self.other_webhook(number).refuses(folder)
            where = f"{row[1]}:{line}"
            message = re.search(rf"{re.escape(where)}\b.*{re.escape(row[5])}", said)
            expect(message, f"{row[0]}: no line names {where} and then {row[5]}; it said:\n{said[-2000:]}")
        return f"{len(BROKEN)} mistakes"

    def other_webhook(self, number):
        """The serving one's ports are taken: this one has its own."""
        return Webhook(self.webhook.path, self.folder / f"webhook-{number}")

    def keeps_last_good(self):
        """While a file is broken the last good set serves; mended it counts at once, and the same text gives the same hash."""
        row = next(row for row in BROKEN if row[1] == "rig.yaml")
        rig, agent = self.webhook.templates / "rig.yaml", AGENTS[0]
        good = rig.read_text()
        text, line = break_template(row)
        serving = [self.webhook.process]
        first = self.template_hash(agent)
        rig.write_text(text)
        wait_for(f"rig.yaml:{line} in the webhook's log",
                 lambda: re.search(rf"rig\.yaml:{line}\b", self.webhook.log_text()), SOON, serving)
        expect(self.template_hash(agent) == first, "the broken file changed what comes out")
        expect(self.webhook.ready(), "a broken file took readiness away")
        replace_file(rig, good.replace("memory: 6Gi", "memory: 7Gi"))
        second = wait_for("another hash from the mended file", lambda: self.other_hash(agent, first), SOON, serving)
        limits = self.dry_run(agent)["spec"]["containers"][0]["resources"]["limits"]
        expect(limits["memory"] == "7Gi", f"limits {limits} from the mended file")
        replace_file(rig, good)
        third = wait_for("another hash again", lambda: self.other_hash(agent, second), SOON, serving)
        expect(third == first, f"the same templates, first {first}, now {third}")

    def other_hash(self, agent, known):
        now = self.template_hash(agent)
        return now if now != known else None

    def orderly_end(self):
        self.cluster.check()
        self.webhook.stop()


def add_checks(checks, light):
    """The order matters: each state of the cluster is what the one before left."""
    programs = ("gastown-webhook is built", "gastown-watcher is built", "gastown-inject is built")
    for name, program in zip(programs, (light.webhook, light.watcher, light.inject)):
        checks.add(name, program.built)
    checks.add("control plane up", light.control_plane)
    checks.add("webhook ready", light.webhook_up, (programs[0], "control plane up"))
    checks.add("webhook registered", light.registered, ("webhook ready",))
    up = ("webhook registered",)
    checks.add("pods by the watcher, from the capture", light.by_watcher_from_capture, (*up, programs[1]))
    checks.add("pods by the watcher, from events", light.by_watcher_from_events, (*up, programs[1]))
    checks.add("pods by kubectl", light.by_kubectl, up)
    checks.add("pods by Jobs", light.by_job, up)
    ways = ("pods by the watcher, from the capture", "pods by the watcher, from events", "pods by kubectl", "pods by Jobs")
    agreements = [f"{agent}: three ways, one pod" for agent in AGENTS]
    for agent, name in zip(AGENTS, agreements):
        checks.add(name, lambda agent=agent: light.agree(agent), ways)
    checks.add("the comparison can fail", light.comparison_can_fail, ways)
    checks.add("every allowance is needed", light.allowances_needed, agreements)
    checks.add("no unexpected warnings", light.no_warnings, ("pods by kubectl", "pods by Jobs"))
    checks.add("gastown-inject renders what is stored", light.inject_agrees, ("pods by kubectl", programs[2]))
    checks.add("an incomplete identity is refused", light.incomplete, up)
    checks.add("broken templates: refuses to start", light.refuses_to_start, (programs[0],))
    checks.add("broken templates: keeps the last good set", light.keeps_last_good, up)
    checks.add("webhook stopped: nothing comes to be", light.fails_closed, (*up, programs[1]))
    checks.add("webhook back: what waited comes to be", light.opens_again, ("webhook stopped: nothing comes to be",))
    checks.add("API server restarted under the watcher", lambda: light.outage("restarted", crash=False), (*up, programs[1]))
    checks.add("API server crashed under the watcher", lambda: light.outage("crashed", crash=True), (*up, programs[1]))
    checks.add("orderly end", light.orderly_end, up)


if __name__ == "__main__":
    sys.exit(suite.main(__doc__, "firstlight", FirstLight, add_checks, ("inject", "webhook", "watcher")))
