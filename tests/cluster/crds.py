#!/usr/bin/python3
"""The CustomResourceDefinitions on a real API server: what the checker accepts goes in and comes back whole, what is wrong is refused by name.

    tests/cluster/crds.py [--inject PATH] [--only TEXT] [--keep DIR]

A control plane is started for it (see bed.py) and removed again. One line for each check, then `N passed, N failed`.
"""

import json
import os
import subprocess
import sys
import time
from pathlib import Path

from testbed import ControlPlane, suite, wait_for
from testbed.checks import expect
from testbed.pins import REPOSITORY
from town import definitions as docs

NAMESPACE = "templates"
MANIFESTS = REPOSITORY / "manifests" / "crds"
SOON = 30
PATIENCE = 90  # longer than an API server's own, a minute
# What kubectl explain must say: path, a word of ours.
EXPLAINED = (
    ("gastown.spec.policy.imageAllowlist", "registries and paths that images may come from"),
    ("gastown.spec.daemon.tokenSecretRef.key", "the key in it (default: token)"),
    ("rig.spec.podOverrides.env", "environment of the agent, merged by name"),
    ("rig.spec.podOverrides.env", "takes away the element of this name that lower layers set"),
    ("rig.spec.roleOverrides", "PodTemplates by role: layer 3"),
    ("agentpool.spec.template.storage", "how much the claim asks for"),
    ("agentpool.spec.template.sidecars.mode", "native, the default"),
    ("agentpool.spec.template.agent.apiKeySecret.key", "the key in that Secret"),
    ("agentpool.spec.template.agent.runtime", "which program it is: claude-code, opencode, custom"),
    ("gpool.status.pods.hashes", "how many have it"),
)
STATUS = {"observedGeneration": 1, "lastGoodGeneration": 1, "engine": "1",
          "conditions": [{"type": "Accepted", "status": "False", "reason": "WrongType", "message": "spec.template.image: must be a string",
                          "lastTransitionTime": "2026-01-02T03:04:05Z", "observedGeneration": 1}],
          "pods": {"total": 3, "current": 2, "older": 1, "hashes": [{"hash": "a", "pods": 2}, {"hash": "b", "pods": 1}]}}


def difference(sent, stored, path="spec"):
    """Where two trees differ first; None: nowhere."""
    if isinstance(sent, dict) and isinstance(stored, dict):
        for key in {**sent, **stored}:
            if key not in sent or key not in stored:
                return f"{path}.{key} {'came' if key in stored else 'is gone'}"
            found = difference(sent[key], stored[key], f"{path}.{key}")
            if found:
                return found
        return None
    if isinstance(sent, list) and isinstance(stored, list) and len(sent) == len(stored):
        return next((found for i, pair in enumerate(zip(sent, stored)) if (found := difference(*pair, f"{path}[{i}]"))), None)
    return None if sent == stored and type(sent) is type(stored) else f"{path}: {sent!r} became {stored!r}"


def message(answer):
    """All that an API server says of a refusal, without the value of the whole object."""
    return answer.get("message", "") if isinstance(answer, dict) else str(answer)


class Definitions:
    def __init__(self, folder, paths):
        self.cluster = ControlPlane(folder / "cluster", say=lambda text: None)
        self.inject = Inject(paths.inject)

    def end(self):
        self.cluster.end_services()

    def path(self, kind, name=""):
        return f"/apis/{docs.GROUP}/namespaces/{NAMESPACE}/{docs.PLURALS[kind]}{'/' + name if name else ''}"

    def create(self, document, query="?fieldValidation=Strict"):
        return self.cluster.api("POST", self.path(document["kind"]) + query, docs.stored_name(document), timeout=PATIENCE)

    def delete(self, document):
        self.cluster.api("DELETE", self.path(document["kind"], document["metadata"]["name"]), timeout=PATIENCE)

    def round_trip(self, document):
        """What is wrong with what is stored of it, or None."""
        status, answer = self.create(document)
        if status != 201:
            return f"refused: {message(answer)[:600]}"
        _, stored = self.cluster.api("GET", self.path(document["kind"], document["metadata"]["name"]))
        self.delete(document)
        return difference(document["spec"], stored["spec"])

    # ---- applying ----

    def control_plane(self):
        self.cluster.start()
        self.cluster.create_namespace(NAMESPACE)
        return self.cluster.api("GET", "/version")[1]["gitVersion"]

    def versions(self):
        _, answer = self.cluster.api("GET", "/apis/apiextensions.k8s.io/v1/customresourcedefinitions")
        return {item["metadata"]["name"]: (item["metadata"]["resourceVersion"], item["metadata"]["generation"]) for item in answer["items"]}

    def applied(self):
        began = time.monotonic()
        self.cluster.kubectl("apply", "--server-side", "-f", MANIFESTS)
        wait_for("the definitions to be established", self.established, SOON)
        return f"established after {time.monotonic() - began:.1f} s"

    def states(self):
        """{name: {condition: status}}"""
        _, answer = self.cluster.api("GET", "/apis/apiextensions.k8s.io/v1/customresourcedefinitions")
        return {item["metadata"]["name"]: {row["type"]: row["status"] for row in item.get("status", {}).get("conditions") or []}
                for item in answer["items"]}

    def established(self):
        states = self.states()
        return len(states) == len(docs.PLURALS) and all(row.get("Established") == "True" for row in states.values())

    def conditions(self):
        for name, row in self.states().items():
            expect(row.get("NamesAccepted") == "True" and row.get("NonStructuralSchema", "False") == "False", f"{name}: {row}")

    def applied_again(self):
        """From the files and from the program's output: nothing changes, so no controller and no watcher wakes up."""
        before = self.versions()
        self.cluster.kubectl("apply", "--server-side", "-f", MANIFESTS)
        for form in ("yaml", "json"):
            self.cluster.kubectl("apply", "--server-side", "-f", "-", input=self.inject.text("crds", "-o", form))
        expect(self.versions() == before, f"{before} became {self.versions()}")

    # ---- looking ----

    def explained(self):
        for path, word in EXPLAINED:
            text = " ".join(self.cluster.kubectl("explain", path).stdout.split())
            expect(word in text, f"kubectl explain {path} doesn't say {word!r}: {text[:800]}")

    def published(self):
        """The schema that clients read has every field of ours with its text."""
        wait_for("the schema at /openapi/v3", self.openapi, SOON)
        schemas = self.openapi()
        template = schemas["io.gastown.v1alpha1.AgentPool"]["properties"]["spec"]["properties"]["template"]
        lacking = [name for name, node in template["properties"].items() if not node.get("description")]
        expect(not lacking and len(template["properties"]) > 40, f"without a text: {lacking} of {len(template['properties'])}")
        return f"{len(template['properties'])} fields of a PodTemplate"

    def openapi(self):
        status, answer = self.cluster.api("GET", f"/openapi/v3/apis/{docs.GROUP}")
        return status == 200 and len(answer["components"]["schemas"]) and answer["components"]["schemas"]

    def listed(self):
        """Names, short names, the category, and columns from a status that only the subresource takes."""
        document = docs.pool(image="agent:v7", storage={"size": "5Gi"})
        self.create({**document, "status": STATUS}, "")
        _, stored = self.cluster.api("GET", self.path("AgentPool", "x"))
        expect("status" not in stored, "status came with the spec, not by its subresource")
        status, answer = self.cluster.api("PATCH", self.path("AgentPool", "x") + "/status?fieldValidation=Strict", {"status": STATUS},
                                          "application/merge-patch+json")
        expect(status == 200 and answer["status"] == STATUS, f"the status {status}: {answer}")
        for other in (docs.rig(podOverrides={"image": "agent:v8"}), docs.town()):
            self.create(other)
        self.columns("gpool", "NAME RIG ROLE ACCEPTED REASON PODS OLDER AGE", "x gastown crew False WrongType 3 1")
        self.columns("grig", "NAME RIG ACCEPTED REASON PODS OLDER AGE", "x gastown")
        self.columns("gtown", "NAME ACCEPTED REASON PODS OLDER AGE", "x")
        wide = self.get("agentpools", "-o", "wide")
        expect("agent:v7" in wide and "5Gi" in wide and "must be a string" in wide, f"-o wide: {wide}")
        all_kinds = self.get("gastown-templates", "-o", "name").split()
        expect(all_kinds == [f"{kind}.gastown.io/x" for kind in ("agentpool", "gastown", "rig")], f"the category lists {all_kinds}")
        for name in ("gastown", "gastowns", "rig", "rigs", "agentpool", "agentpools"):
            self.get(name, "x")
        for kind in docs.PLURALS:
            self.cluster.api("DELETE", self.path(kind, "x"))

    def get(self, *words):
        return self.cluster.kubectl("get", "-n", NAMESPACE, *words).stdout

    def columns(self, name, head, row):
        lines = [line.split() for line in self.get(name).splitlines()]
        expect(lines[0] == head.split(), f"columns of {name}: {lines[0]}")
        expect(lines[1][:len(row.split())] == row.split(), f"row of {name}: {lines[1]}")

    # ---- what is right ----

    def all_valid(self):
        """Every document of ours that lies in a file."""
        return self.all_whole(docs.collected(), 100)

    def random_ones(self):
        return self.all_whole(docs.drawn(250), 200)

    def all_whole(self, documents, least):
        """Those that the checker accepts are stored as they are sent. All are called x: a folder's names may be any."""
        kept, wrong = 0, []
        for where, document in documents:
            if not docs.accepted(self.inject.path, document)[0]:
                continue
            found = self.round_trip({**document, "metadata": {"name": "x"}})
            wrong += [f"    {where}: {found}"] if found else []
            kept += 1
        expect(not wrong and kept >= least, "\n".join([f"{kept} documents", *wrong]))
        return f"{kept} documents"

    def says_everything(self):
        wrong = []
        for name, document in docs.VALID.items():
            good, said = docs.accepted(self.inject.path, document)
            found = self.round_trip(document) if good else f"the checker: {said}"
            wrong += [f"    {name}: {found}"] if found else []
        expect(not wrong, "\n" + "\n".join(wrong))

    def everything_is_in_it(self):
        """The document that says everything has every field of the schema."""
        template = self.openapi()["io.gastown.v1alpha1.AgentPool"]["properties"]["spec"]["properties"]["template"]["properties"]
        lacking = sorted(set(template) - set(docs.EVERYTHING))
        expect(not lacking, f"EVERYTHING (town/definitions.py) lacks {lacking}")
        for name in ("storage", "git", "agent"):
            lacking = sorted(set(template[name]["properties"]) - set(docs.EVERYTHING[name]))
            expect(not lacking, f"EVERYTHING lacks {name}: {lacking}")

    def by_kubectl(self):
        """kubectl create and apply --server-side deliver nulls and $patch; so does a second apply that changes something else."""
        document = {**docs.pool(image="agent:v7", nodeSelector={"a": None}, env=[{"name": "A", "$patch": "delete"}], workingDir=None),
                    "metadata": {"name": "x", "namespace": NAMESPACE}}
        for words in (("create",), ("apply", "--server-side")):
            self.cluster.kubectl(*words, "-f", "-", input=json.dumps(document))
            if words[0] == "apply":
                document["spec"]["template"]["image"] = "agent:v8"
                self.cluster.kubectl(*words, "-f", "-", input=json.dumps(document))
            _, stored = self.cluster.api("GET", self.path("AgentPool", "x"))
            self.delete(document)
            found = difference(document["spec"], stored["spec"])
            expect(not found, f"kubectl {' '.join(words)}: {found}")

    def managers(self):
        """Two field managers own one entry of env each; what is replaced whole belongs to one."""
        path = self.path("AgentPool", "x") + "?fieldManager={}&fieldValidation=Strict"
        for name in ("A", "B"):
            body = docs.pool(env=[{"name": name, "value": "1"}])
            status, answer = self.cluster.api("PATCH", path.format(name), body, "application/apply-patch+yaml")
            expect(status in (200, 201), f"{status} {answer}")
        env = answer["spec"]["template"]["env"]
        self.delete(docs.pool())
        expect([entry["name"] for entry in env] == ["A", "B"], f"env is {env}")

    # ---- what is wrong ----

    def refused(self, document, word, checker):
        """The API server names it; the checker refuses it, too: the schema is never stricter than it."""
        status, answer = self.create(document)
        if status == 201:
            self.delete(document)
        expect(status in (400, 422), f"status {status}")
        expect(word in message(answer), f"not a word of {word!r}: {message(answer)[:600]}")
        good, said = docs.accepted(self.inject.path, document)
        expect(good != checker, f"the checker {'accepts' if good else 'refuses'} it: {said}")

    def pruned(self):
        """Clients that aren't strict: unknown fields of ours go, with a warning; those of Kubernetes stay."""
        document = docs.pool(imgae="a:1", tolerations=[{"odd": 1}])
        status, answer = self.create(document, "?fieldValidation=Warn")
        self.delete(document)
        expect(status == 201 and answer["spec"]["template"] == {"tolerations": [{"odd": 1}]}, f"{status} {answer.get('spec')}")

    def limits(self):
        for what, make, most in docs.LIMITS:
            found = self.round_trip(make(most))
            expect(not found, f"{most} of {what}: {found}")
            status, answer = self.create(make(most + 1))
            expect(status == 422 and f"{most}" in message(answer), f"{most + 1} of {what}: {status} {message(answer)[:300]}")
            expect(docs.accepted(self.inject.path, make(most))[0], f"the checker refuses {most} of {what}")

    def cost(self):
        """The largest thing that an API server stores (etcd: 1.5 MiB), with all that CEL looks at. Processor time: what else the
        machine does counts for nothing."""
        document = docs.largest(64, 1_300_000)
        size, before = len(json.dumps(document)), self.apiserver_seconds()
        found = self.round_trip(document)
        took = self.apiserver_seconds() - before
        expect(not found, f"{size} bytes: {found}")
        expect(took < 20, f"{size} bytes took {took:.1f} s of the API server's time")
        return f"{size / 1e6:.1f} MB created, read and deleted in {took:.1f} s of the API server's time"

    def apiserver_seconds(self):
        pid = self.cluster.services["kube-apiserver"].process.pid
        user, system = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[11:13]
        return (int(user) + int(system)) / os.sysconf("SC_CLK_TCK")


class Inject:
    def __init__(self, path):
        self.path = path

    def built(self):
        expect(self.path.exists(), f"{self.path} isn't there: make")

    def text(self, *words):
        return subprocess.run([self.path, *words], capture_output=True, text=True, check=True).stdout


def add_checks(checks, crds):
    built, up, there = "gastown-inject is built", "control plane up", "the definitions apply"
    checks.add(built, crds.inject.built)
    checks.add(up, crds.control_plane)
    checks.add(there, crds.applied, (built, up))
    for name, check in (("their names and schemas are accepted", crds.conditions), ("applied again nothing changes", crds.applied_again),
                        ("clients find the schema", crds.published), ("kubectl explain knows our fields", crds.explained),
                        ("names, category, columns, status", crds.listed), ("valid templates come back whole", crds.all_valid),
                        ("random templates come back whole", crds.random_ones),
                        ("all that can be said comes back whole", crds.says_everything), ("it is all that can be said", crds.everything_is_in_it),
                        ("kubectl delivers nulls and $patch", crds.by_kubectl), ("env has an owner per name", crds.managers),
                        ("unknown fields are pruned, Kubernetes' own kept", crds.pruned)):
        checks.add(name, check, (there,))
    for what, document, word in docs.INVALID:
        checks.add(f"refused: {what}", lambda document=document, word=word: crds.refused(document, word, checker=True), (there,))
    for what, document, word in docs.EARLY:
        checks.add(f"refused early: {what}", lambda document=document, word=word: crds.refused(document, word, checker=False), (there,))
    checks.add("limits", crds.limits, (there,))
    checks.add("a rig at all limits", crds.cost, (there,))


if __name__ == "__main__":
    sys.exit(suite.main(__doc__, "crds", Definitions, add_checks, ("inject",)))
