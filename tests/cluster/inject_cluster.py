#!/usr/bin/python3
"""gastown-inject against a real API server: it must say of templates and pods what the webhook beside it does with them.

    tests/cluster/inject_cluster.py [--webhook PATH] [--inject PATH] [--only TEXT] [--keep DIR]

A control plane is started for it (see bed.py) and removed again. One line for each check, then `N passed, N failed`; status 1 on
a failure. What an API server can do wrong is tried with a scripted one: tests/cli/cluster.py.
"""

import json
import sys
import time

from testbed import BedError, account_kubeconfig, suite, wait_for
from testbed.checks import expect
from town import objects
from town.agents import AGENTS, bare_pod, job, manifests
from town.live import CREW, POLECAT, SOON, LiveTown
from town.programs import Program

HOME, OTHER = "town-one", "town-two"
READER = "reader"
# All that somebody needs who only looks at templates.
READER_RULES = [{"apiGroups": ["gastown.io"], "resources": ["gastowns", "rigs", "agentpools"], "verbs": ["list"]}]
# Legal for the schema; the checker knows better.
BROKEN = {"image": "gastown.test//agent"}


class InjectCluster:
    def __init__(self, folder, paths):
        self.town = LiveTown(folder, paths)
        self.town.replicas = [self.town.first]
        self.cluster = self.town.cluster
        self.inject = Program(paths.inject, folder / "inject")
        self.folder = folder

    def end(self):
        self.town.end()

    # ---- asking the program ----

    def run(self, *words, wants=0, kubeconfig=None, input=None, namespace=HOME):
        where = ["-n", namespace] if namespace else []
        done = self.inject.run(*words, "--kubeconfig", kubeconfig or self.cluster.kubeconfig, *where, input=input)
        expect(done.returncode == wants, f"{' '.join(map(str, words))}: status {done.returncode}, not {wants}:\n{done.stdout}{done.stderr}")
        return done

    def value(self, *words, wants=0):
        return json.loads(self.run(*words, "-o", "json", wants=wants).stdout)

    # ---- before there is anything ----

    def no_crds(self):
        answer = self.run("status", wants=3)
        expect("its CRDs aren't installed (gastown-inject crds | kubectl apply --server-side -f -)" in answer.stderr, answer.stderr)
        self.cluster.kubectl("apply", "--server-side", "-f", "-", input=self.inject.run("crds").stdout)
        self.cluster.kubectl("wait", "--for=condition=Established", "crd", "gastowns.gastown.io", "rigs.gastown.io", "agentpools.gastown.io",
                             "--timeout=20s")
        return answer.stderr.strip()[-150:]

    def replica_up(self):
        self.town.first.start()

    def nothing_yet(self):
        self.cluster.create_namespace(HOME)
        self.cluster.create_namespace(OTHER)
        answer = self.run("render", "-f", "-", wants=1, input=json.dumps(bare_pod(POLECAT, namespace=HOME)))
        expect(f"no GasTown, Rig or AgentPool in namespace {HOME}" in answer.stderr, answer.stderr)

    # ---- the same as the webhook ----

    def same_pods(self):
        """Every agent, and the hash that the webhook puts on the stored pod."""
        self.town.apply(objects.gastown(HOME, nodeSelector={"agents": "yes"}, env=[*objects.flavour("town"), {"name": "ZONE", "value": "a"}]),
                        objects.rig(HOME, "gastown", env=objects.flavour("rig")),
                        objects.pool(HOME, "crew", "gastown", "crew", env=objects.flavour("pool")),
                        objects.gastown(OTHER))
        self.town.wait_flavour(HOME, "pool", CREW)
        self.town.wait_flavour(OTHER, "town", CREW)
        for agent in AGENTS:
            pod = bare_pod(agent, namespace=HOME)
            answer = self.run("render", "-f", "-", "-o", "json", input=json.dumps(pod))
            stored = self.stored(pod)
            expect(objects.template_hash(json.loads(answer.stdout)) == objects.template_hash(stored), f"{agent}: another hash than the webhook's")
        return f"{len(AGENTS)} agents"

    def stored(self, pod):
        """By kubectl, which sends it as people do."""
        self.cluster.kubectl("create", "-f", "-", input=json.dumps(pod))
        return self.town.get(self.town.pod_path(HOME, pod["metadata"]["name"]))

    def no_drift(self):
        """What a real API server fills in is no drift; a pod that a Job made is none."""
        self.cluster.kubectl("create", "-f", "-", input=manifests([job(POLECAT, namespace=OTHER)]))
        wait_for("the Job's pod", lambda: self.town.get(self.town.pod_path(OTHER))["items"], SOON)
        for namespace, count in ((HOME, len(AGENTS)), (OTHER, 1)):
            answer = self.run("diff", "cluster", namespace=namespace)
            expect(f"no pod has drifted ({count} agents' pods compared)" in answer.stdout, answer.stdout)
        everywhere = self.run("diff", "cluster", "-A", namespace=None)
        expect(f"({len(AGENTS) + 1} agents' pods compared)" in everywhere.stdout, everywhere.stdout)

    def written(self, kind, name, wants=0, **expected):
        """What `status` says of an object, once the webhook has written so."""
        def now():
            found = next(o for o in self.value("status", wants=wants)["objects"] if (o["kind"], o["name"]) == (kind, name))
            if found["pending"] or any(found[key] != value for key, value in expected.items()):
                raise BedError(json.dumps(found))
            return found

        return wait_for(f"{kind} {name} as the webhook judges it", now, SOON)

    def status_as_written(self):
        """The webhook's verdicts, and its counts: every agent's pod is the town's, one is the crew's pool's."""
        for kind, name, count in (("GasTown", "main", len(AGENTS)), ("AgentPool", "crew", 1)):
            self.written(kind, name, accepted=True, reason="Accepted", pods={"total": count, "current": count, "older": 0})
        answer = self.run("status")
        expect("Pending" not in answer.stdout and "no pod has drifted" in answer.stdout, answer.stdout)
        return answer.stdout.splitlines()[1]

    def explains_live(self):
        rows = {row["field"]: row for row in self.value("explain", f"pod/{CREW.pod_name}")}
        row = rows["spec.containers[agent].env[FLAVOUR]"]
        expect(row["value"] == "pool" and row["from"] == "AgentPool/crew.template", row)
        again = json.loads(self.run("render", f"pod/{CREW.pod_name}", "-o", "json").stdout)
        stored = self.town.get(self.town.pod_path(HOME, CREW.pod_name))
        expect(objects.template_hash(again) == objects.template_hash(stored) and "nodeName" not in again["spec"], again)

    # ---- changes ----

    def before_it_is_applied(self):
        """What a folder would change for the pods that run: exactly the rig's."""
        folder = self.folder / "templates"
        folder.mkdir(exist_ok=True)
        items = self.town.get(objects.path("GasTown", HOME))["items"] + self.town.get(objects.path("AgentPool", HOME))["items"]
        items.append(objects.rig(HOME, "gastown", env=objects.flavour("changed")))
        (folder / "all.yaml").write_text("\n---\n".join(json.dumps(item) for item in self.without_status(items)))
        rows = self.value("diff", "cluster", folder, wants=1)
        fields = {change["field"] for row in rows for change in row["changes"]}
        agents = sorted(row["agent"].split("/")[1] for row in rows)
        expect(fields == {"spec.containers[agent].env[FLAVOUR]"}, fields)
        expect(agents == sorted(a.role for a in AGENTS if not a.town_role and a.role != "crew"), agents)
        return f"{len(rows)} pods"

    @staticmethod
    def without_status(items):
        kinds = {"daemon": "GasTown"}
        for item in items:
            kind = item.get("kind") or ("AgentPool" if "role" in item["spec"] else kinds["daemon"])
            metadata = {key: item["metadata"][key] for key in ("name", "namespace")}
            yield {"apiVersion": objects.GROUP, "kind": kind, "metadata": metadata, "spec": item["spec"]}

    def drifts(self):
        """As predicted, and a pod that is made again hasn't drifted any more."""
        self.town.change("GasTown", HOME, "main", {"defaults": {"env": objects.flavour("town"), "nodeSelector": None}})
        predicted = self.value("diff", "cluster", wants=1)
        fields = {change["field"] for row in predicted for change in row["changes"]}
        expect(fields == {"spec.containers[agent].env[ZONE]", "spec.nodeSelector"}, fields)
        expect(len(predicted) == len(AGENTS), f"{len(predicted)} pods have drifted")
        shown = self.value("status")["drifted"]
        expect(shown == predicted, "status and diff don't agree")
        expected = next(row["newHash"] for row in predicted if row["pod"] == CREW.pod_name)
        path = self.town.pod_path(HOME, CREW.pod_name)
        wait_for("the webhook's new hash", lambda: objects.template_hash(self.town.would_be(HOME, CREW_AGAIN)) is not None, SOON)
        self.cluster.api("DELETE", path + "?gracePeriodSeconds=0")
        wait_for("the pod is gone", lambda: self.cluster.api("GET", path)[0] == 404, SOON)
        stored = self.stored(bare_pod(CREW, namespace=HOME))
        expect(objects.template_hash(stored) == expected, f"{objects.template_hash(stored)}, predicted was {expected}")
        self.written("GasTown", "main", accepted=True, pods={"total": len(AGENTS), "current": 1, "older": len(AGENTS) - 1})
        left = {row["pod"] for row in self.value("diff", "cluster", wants=1)}
        expect(CREW.pod_name not in left and len(left) == len(AGENTS) - 1, left)

    # ---- what is wrong ----

    def broken_pool(self):
        """Named with its field; and while the webhook goes on with the last good version, so does this."""
        before = self.run("render", f"pod/{CREW.pod_name}", "-o", "json").stdout
        item = self.town.get(objects.path("AgentPool", HOME, "crew"))
        wait_for("the last good version is written down", lambda: self.town.revisions(HOME, item), SOON)
        self.town.change("AgentPool", HOME, "crew", {"template": BROKEN})
        answer = self.run("status", wants=1)
        expect(f"AgentPool/{HOME}/crew: " in answer.stdout and "image" in answer.stdout, answer.stdout)
        found = self.written("AgentPool", "crew", wants=1, accepted=False)
        expect("spec.template.image" in found["message"], found)
        checked = self.run("check", wants=1)
        expect(f"AgentPool/{HOME}/crew: spec.template.image" in checked.stdout, checked.stdout)
        again = self.run("render", f"pod/{CREW.pod_name}", "-o", "json")
        expect(again.stdout == before, "another pod than before the mistake")
        expect(f"AgentPool/{HOME}/crew" in again.stderr, again.stderr)
        expect(objects.template_hash(self.town.would_be(HOME, CREW_AGAIN)) == objects.template_hash(json.loads(before)), "another one than the webhook's")
        self.town.change("AgentPool", HOME, "crew", {"template": {"image": None}})
        self.run("status")
        return next(line for line in answer.stdout.splitlines() if line.startswith("AgentPool/"))

    def references(self):
        """Secrets and their keys, with the rights of whoever asks."""
        self.cluster.api("POST", f"/api/v1/namespaces/{HOME}/secrets", {"metadata": {"name": "github"}, "data": {"token": "c2VjcmV0"}})
        entries = [{"name": "GOOD", "secretName": "github", "key": "token"}, {"name": "BAD", "secretName": "github", "key": "other"},
                   {"name": "GONE", "secretName": "nowhere", "key": "x"}]
        self.town.change("Rig", HOME, "gastown", {"podOverrides": {"secretEnv": entries, "priorityClassName": "no-such-class"}})
        answer = self.run("check")
        lines = [line for line in answer.stdout.splitlines() if "Rig/" in line]
        expect(len(lines) == 3, answer.stdout)
        for part in ("Secret github in namespace town-one has no key other", "no Secret nowhere", "no PriorityClass no-such-class"):
            expect(any(part in line for line in lines), f"{part}:\n{answer.stdout}")
        expect("c2VjcmV0" not in answer.stdout and "secret\n" not in answer.stdout, "a Secret's value")
        return lines[0]

    def few_rights(self):
        """Somebody who may list templates and nothing else gets as far as that."""
        rbac = "rbac.authorization.k8s.io"
        account = {"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": READER, "namespace": HOME}}
        role = {"apiVersion": f"{rbac}/v1", "kind": "Role", "metadata": {"name": READER, "namespace": HOME}, "rules": READER_RULES}
        binding = {"apiVersion": f"{rbac}/v1", "kind": "RoleBinding", "metadata": {"name": READER, "namespace": HOME},
                   "roleRef": {"apiGroup": rbac, "kind": "Role", "name": READER}, "subjects": [{"kind": "ServiceAccount", "name": READER, "namespace": HOME}]}
        self.town.apply(account, role, binding)
        config = account_kubeconfig(self.cluster, HOME, READER, self.folder / "reader.kubeconfig")
        checked = self.run("check", kubeconfig=config)
        expect(f"may not read secrets in {HOME}: not checked" in checked.stderr, checked.stderr)
        expect(checked.stderr.count("may not list") == 3, checked.stderr)
        shown = self.run("status", kubeconfig=config, wants=3)
        expect("GasTown" in shown.stdout and f"may not list pods in namespace {HOME}" in shown.stderr, shown.stderr)
        denied = self.run("check", "-A", kubeconfig=config, namespace=None, wants=3)
        expect("may not list gastowns in all namespaces" in denied.stderr, denied.stderr)
        return denied.stderr.strip()[-160:]

    def many(self):
        """Pages: more objects than one page holds."""
        items = [objects.rig(OTHER, f"rig-{i}", env=objects.flavour(str(i))) for i in range(700)]
        self.town.apply(*items)
        began = time.monotonic()
        answer = self.run("status", namespace=OTHER)
        took = time.monotonic() - began
        rows = [line for line in answer.stdout.splitlines() if f"{OTHER} " in line and " Rig " in line]
        expect(len(rows) == 700, f"{len(rows)} rigs")
        expect(took < 10, f"{took:.1f} s")
        return f"{took:.2f} s"

    def server_away(self):
        self.cluster.stop_apiserver()
        began = time.monotonic()
        answer = self.run("status", wants=3)
        expect(self.cluster.url in answer.stderr and time.monotonic() - began < 20, answer.stderr)
        return answer.stderr.strip()[-160:]


# The same agent under another name, for dry runs beside the stored pod: a hash knows no names.
CREW_AGAIN = type(CREW)("crew", "again", persists=True)


def add_checks(checks, subject):
    needs = ()
    for name, function in (("the programs are built", lambda: (subject.town.first.built(), subject.inject.built()) and None),
                           ("control plane up", subject.town.control_plane),
                           ("without CRDs it says what to apply, and that works", subject.no_crds),
                           ("a webhook is ready", subject.replica_up),
                           ("the webhook is registered", subject.town.registered),
                           ("an empty namespace is called so", subject.nothing_yet),
                           ("pods are what the webhook makes of them", subject.same_pods),
                           ("pods of a real API server haven't drifted", subject.no_drift),
                           ("status is what the webhook wrote", subject.status_as_written),
                           ("a live pod is explained and rendered again", subject.explains_live),
                           ("what a folder would change for live pods", subject.before_it_is_applied),
                           ("drift is what is made again", subject.drifts)):
        checks.add(name, function, needs)
        needs = (*needs, name)
    for name, function in (("a broken object: its field, and the last good version", subject.broken_pool),
                           ("what templates name and the cluster hasn't", subject.references),
                           ("somebody with few rights", subject.few_rights),
                           ("700 rigs", subject.many),
                           ("the API server is away", subject.server_away)):
        checks.add(name, function, needs)


if __name__ == "__main__":
    sys.exit(suite.main(__doc__, "inject", InjectCluster, add_checks, ("webhook", "inject")))
