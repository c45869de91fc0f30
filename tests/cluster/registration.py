#!/usr/bin/python3
"""What `gastown-webhook registration` prints, on a real API server with the real webhook; and whether `gastown-webhook check` tells the truth about it.

    tests/cluster/registration.py [--webhook PATH] [--certs PATH] [--only TEXT] [--keep DIR]

A control plane is started for it (see bed.py) and removed again. One line for each check, then `N passed, N failed`.
"""

import base64
import contextlib
import json
import re
import sys

from registration_away import Away
from registration_changes import MUTATIONS, POD, change, removal
from testbed import BedError, account_kubeconfig, pki, suite, wait_for
from testbed.checks import expect
from testbed.pins import REPOSITORY
from town import objects
from town.agents import Agent, bare_pod
from town.faults import FaultyWay, Nothing
from town.live import CREW, LiveTown
from town.programs import BINDING, MUTATING, POLICY, SERVICE, SYSTEM, VALIDATING, Program
from town.replica import Replica

HOME, NAME, SECRET = "town-one", "gastown", "gastown-webhook-certs"
SOON = 20
PLURALS = {MUTATING: "mutatingwebhookconfigurations", VALIDATING: "validatingwebhookconfigurations",
           POLICY: "validatingadmissionpolicies", BINDING: "validatingadmissionpolicybindings"}
JSON_PATCH, MERGE, APPLY = "application/json-patch+json", "application/merge-patch+json", "application/apply-patch+yaml"
WATCHER = ("--as", f"system:serviceaccount:{SYSTEM}:gastown-watcher", "--as-group", "system:masters")
NODE = ("--as", "system:node:one", "--as-group", "system:nodes")
HASH = "gastown.io/template-hash"
READER = {"apiGroups": [""], "resources": ["pods"], "verbs": ["get"]}
MIRROR = {"kubernetes.io/config.mirror": "abc", "kubernetes.io/config.source": "file", "kubernetes.io/config.hash": "abc"}


class Keeper(Replica):
    """It makes its certificates itself, for its address, too."""

    def serving_arguments(self):
        return ["--listen", f"{self.address}:{self.port}", "--probe-listen", f"127.0.0.1:{self.probe_port}",
                "--certs-secret", SECRET, "--dns-name", self.address]


class Registration(Away):
    def __init__(self, folder, paths):
        self.folder = folder
        self.town = LiveTown(folder, paths)
        self.town.replicas = [self.town.first]
        self.cluster, self.server = self.town.cluster, self.town.first
        self.program = Program(paths.webhook, folder / "check")
        self.certs = Program(paths.certs, folder / "certs")

    def end(self):
        self.town.end()

    # ---- asking ----

    def check(self, wants=0, flags=None, kubeconfig=None):
        """The rows of `check`, as (verdict, check, said)."""
        flags = self.server.registration_flags() if flags is None else flags
        done = self.program.run("check", "--kubeconfig", kubeconfig or self.cluster.kubeconfig, "-o", "json", *flags)
        expect(done.returncode == wants, f"status {done.returncode}, not {wants}:\n{done.stdout}{done.stderr}")
        return [(row["verdict"], row["check"], row["said"]) for row in json.loads(done.stdout)]

    def finds(self, text, wants=1, flags=None, verdict="FAIL"):
        rows = self.check(wants, flags)
        expect(any(said.startswith(text) or text in said for got, _, said in rows if got == verdict), f"no {verdict} row with {text!r}: {json.dumps(rows, indent=1)}")
        return rows

    def path(self, kind):
        return f"/apis/admissionregistration.k8s.io/v1/{PLURALS[kind]}/{NAME}"

    def patch(self, path, body, content_type=JSON_PATCH):
        status, answer = self.cluster.api("PATCH", path, body, content_type)
        expect(status in (200, 201), f"PATCH {path}: {status} {json.dumps(answer)[:600]}")
        return answer

    def restore(self, *kinds):
        """As it's shipped, whatever was done to it."""
        for item in json.loads(self.server.registration(*kinds))["items"]:
            wait_for(f"{item['kind']} as shipped", lambda item=item: self.put(item), SOON)

    def put(self, item):
        """False: a controller wrote its status meanwhile."""
        path = self.path(item["kind"])
        status, old = self.cluster.api("GET", path)
        if status == 404:
            status, answer = self.cluster.api("POST", path.rpartition("/")[0], item)
        else:
            item["metadata"]["resourceVersion"] = old["metadata"]["resourceVersion"]
            status, answer = self.cluster.api("PUT", path, item)
        expect(status in (200, 201, 409), answer)
        return status != 409

    @contextlib.contextmanager
    def changed(self, kind, body):
        self.patch(self.path(kind), body)
        try:
            yield
        finally:
            self.restore(kind)

    def try_(self, *words, input=None):
        """What kubectl says of a refusal; "" when there's none."""
        done = self.cluster.kubectl(*words, input=None if input is None else json.dumps(input), check=False)
        return done.stderr if done.returncode else ""

    def refused(self, text, *words, input=None):
        said = self.try_(*words, input=input)
        expect(text in said, f"{' '.join(map(str, words))}: {said or 'is allowed'}")
        return said.strip()

    def passes(self, *words, input=None):
        said = self.try_(*words, input=input)
        expect(not said, f"{' '.join(map(str, words))}: {said}")

    # ---- setting up ----

    def up(self):
        self.town.control_plane()
        self.cluster.create_namespace(HOME)

    def accepted(self):
        """As shipped, and in every form, by both kinds of apply; nothing changes the second time."""
        shipped = REPOSITORY / "manifests" / "registration.yaml"
        for words in (("--server-side",), ()):
            self.cluster.kubectl("apply", *words, "--dry-run=server", "-f", shipped)
            text = self.program.run("registration", "--watch-namespaces", "a,b", "--inject-ca-from", f"{SYSTEM}/webhook").stdout
            self.cluster.kubectl("apply", *words, "--dry-run=server", "-f", "-", input=text)

    def not_there(self):
        rows = self.check(1)
        missing = [what for verdict, what, said in rows if verdict == "FAIL" and said == "isn't there"]
        expect(len(missing) == 7, f"not there: {missing}")

    def all_there(self):
        self.town.crds()
        self.town.replicas_up()
        self.cluster.kubectl("apply", "-f", "-", input=self.server.registration())
        key, certificate = (base64.b64encode((self.server.authority.folder / f"webhook.{end}").read_bytes()).decode() for end in ("key", "crt"))
        self.town.post(f"/api/v1/namespaces/{SYSTEM}/secrets", {"metadata": {"name": SECRET}, "type": "kubernetes.io/tls",
                                                                "data": {"tls.key": key, "tls.crt": certificate}})
        self.finds("there's no GasTown yet", 0, verdict="warn")
        self.town.apply(objects.gastown(HOME), objects.rig(HOME, "gastown", env=objects.flavour("rig")))
        self.town.wait_flavour(HOME, "rig")

    def all_ok(self):
        """But for the certificates, which the bed makes for two days: of that it warns."""
        rows = self.check()
        others = [row for row in rows if row[0] != "ok"]
        expect(len(others) == 4 and all(row[0] == "warn" and row[2].endswith(("1 day", "2 days")) for row in others), json.dumps(rows, indent=1))
        expect(len(rows) == 16, json.dumps(rows, indent=1))
        [said] = [said for _, what, said in rows if what == "an agent's pod"]
        expect("comes back with template " in said and "GasTown/" in said, said)
        return f"{len(rows)} rows; {said}"

    def typed(self):
        """The API server's own check of the policy's expressions finds nothing."""
        def checked():
            status = self.cluster.api("GET", self.path(POLICY))[1].get("status", {})
            return status.get("observedGeneration") and status
        status = wait_for("the policy's type check", checked, SOON)
        expect(not status.get("typeChecking", {}).get("expressionWarnings"), json.dumps(status))

    # ---- what check finds ----

    def mutation(self, kind, body, text):
        with self.changed(kind, body):
            self.finds(text)

    def documented(self):
        """The table in docs/registration.md, but for versions, days and hashes."""
        def plain(text):
            text = re.sub(r"shipped with \S+|template [0-9a-f]+|\bv?\d[\w.-]*", "_", text)
            return [" ".join(line.split()) for line in text.splitlines()]

        [block] = re.findall(r"^```text\n(.*?)^```", (REPOSITORY / "docs" / "registration.md").read_text(), re.M | re.S)
        head, tail = (plain(part) for part in block.split("...\n"))
        with self.changed(MUTATING, change(f"{POD}/timeoutSeconds", 30)):
            lines = plain(self.program.run("check", "--kubeconfig", self.cluster.kubeconfig, *self.server.registration_flags()).stdout)
        expect(lines[:len(head)] == head and lines[-len(tail):] == tail, "\n".join(lines))

    def foreign_entry(self):
        """Somebody else's, before ours, is nobody's mistake."""
        entry = {**self.cluster.api("GET", self.path(MUTATING))[1]["webhooks"][0], "name": "other.example.com", "objectSelector": {"matchLabels": {"no": "one"}}}
        with self.changed(MUTATING, [{"op": "add", "path": "/webhooks/0", "value": entry}]):
            self.check()

    def gone(self):
        for kind in PLURALS:
            self.cluster.api("DELETE", self.path(kind))
            self.finds("isn't there")
            self.restore(kind)

    def bundles(self):
        """Of another authority; none; no PEM."""
        other = base64.b64encode(pki.Authority(self.folder / "other", "other").certificate.read_bytes()).decode()
        with self.changed(MUTATING, change(f"{POD}/clientConfig/caBundle", other)):
            self.finds("the caBundle of pods.gastown.io doesn't accept it")
        with self.changed(MUTATING, removal(f"{POD}/clientConfig/caBundle")):
            wait_for("a refusal", lambda: "failed calling webhook" in self.try_("create", "--dry-run=server", "-f", "-", input=bare_pod(CREW, namespace=HOME)), SOON)
            self.finds("none: the API server goes by its system's authorities", 1, verdict="warn")

    def definitions(self):
        path = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions/rigs.gastown.io"
        self.patch(path, change("/spec/versions/0/additionalPrinterColumns/0/name", "Other"))
        self.finds("spec.versions[0].additionalPrinterColumns[0].name is \"Other\"", 0, verdict="warn")
        self.patch(path, change("/spec/versions/0/additionalPrinterColumns/0/name", "Rig"))
        self.check()

    def certificate(self):
        """No certificate; one that isn't for the host."""
        path = f"/api/v1/namespaces/{SYSTEM}/secrets/{SECRET}"
        good = self.cluster.api("GET", path)[1]["data"]["tls.crt"]
        other = pki.Authority(self.folder / "stranger", "stranger")
        other.server("webhook", ["DNS:elsewhere"])
        for data, text in ((base64.b64encode((other.folder / "webhook.crt").read_bytes()).decode(), "doesn't accept it"), (base64.b64encode(b"-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n").decode(), "tls.crt: ")):
            self.patch(path, {"data": {"tls.crt": data}}, MERGE)
            self.finds(text)
        self.patch(path, {"data": {"tls.crt": good}}, MERGE)
        self.finds("no such Secret", 0, [*self.server.registration_flags(), "--certs-secret", "other"], "warn")
        self.finds("no such Secret", 1, ["--certs-secret", "other"], "UNKNOWN")

    def service(self):
        """Registered by its URL it needs none, so what is said of the Service stands beside what is said of the entries."""
        self.finds("isn't there: the API server can't call", flags=[])
        meta = {"name": SERVICE, "namespace": SYSTEM}
        self.town.post(f"/api/v1/namespaces/{SYSTEM}/services", {"metadata": meta, "spec": {"ports": [{"name": "https", "port": 443}]}})
        self.finds("has no port 8443", flags=["--port", "8443"])
        self.finds("none is ready", flags=[])
        path = f"/apis/discovery.k8s.io/v1/namespaces/{SYSTEM}/endpointslices"
        ends = [{"addresses": ["192.0.2.1"], "conditions": {"ready": True}}, {"addresses": ["192.0.2.2"], "conditions": {"ready": False}}]
        self.town.post(path, {"metadata": {**meta, "labels": {"kubernetes.io/service-name": SERVICE}}, "addressType": "IPv4", "endpoints": ends,
                              "ports": [{"name": "https", "port": 8443}]})
        self.finds("1 is ready", flags=[], verdict="warn")
        self.patch(f"{path}/{SERVICE}", change("/endpoints/1/conditions/ready", True))
        self.finds("2 are ready", flags=[], verdict="ok")

    def own_pods(self):
        """Made by us, with our label, where agents may be: it would wait for itself."""
        self.town.apply(objects.gastown(SYSTEM, "beside-us"))
        self.town.wait_flavour(SYSTEM, "town")
        pod = {**bare_pod(CREW, namespace=SYSTEM)}
        pod["metadata"]["name"] = "webhook-pod"
        pod["spec"] = {"serviceAccountName": SERVICE, "containers": [{"name": "agent", "image": "a/b:1"}]}
        self.cluster.kubectl("create", "-f", "-", input=json.dumps(pod))
        stored = self.town.get(self.town.pod_path(SYSTEM, "webhook-pod"))
        expect(stored["spec"]["serviceAccountName"] == SERVICE, stored["spec"])
        self.finds("webhook-pod carries the label gastown.io/agent")
        self.cluster.api("DELETE", self.town.pod_path(SYSTEM, "webhook-pod") + "?gracePeriodSeconds=0")

    def few_rights(self):
        """Unknown, which is neither ok nor wrong."""
        account = {"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": "nobody", "namespace": HOME}}
        self.town.apply(account)
        config = account_kubeconfig(self.cluster, HOME, "nobody", self.folder / "nobody.kubeconfig")
        rows = self.check(3, kubeconfig=config)
        expect({verdict for verdict, what, _ in rows if what != "Kubernetes"} == {"UNKNOWN"}, json.dumps(rows, indent=1))
        done = self.certs.run("init", "--kubeconfig", config, "--timeout", "1s", "--ca-settle", "100ms")
        told, _, _ = done.stderr.partition("gastown-certs: not done after 1 s")
        expect(done.returncode == 3 and "listing secrets: 403" in told, f"{done.returncode} {done.stderr}")

    def nobody_answers(self):
        config = self.folder / "nowhere.kubeconfig"
        config.write_text(self.cluster.kubeconfig.read_text().replace(f":{self.cluster.port}", ":1"))
        done = self.program.run("check", "--kubeconfig", config)
        expect(done.returncode == 3 and not done.stdout and "127.0.0.1" in done.stderr, f"{done.returncode} {done.stdout}{done.stderr}")

    def falls_silent(self):
        """What isn't answered any more isn't asked: each question would take its time-out."""
        with FaultyWay(self.cluster) as way:
            config = self.folder / "silent.kubeconfig"
            config.write_text(self.cluster.kubeconfig.read_text().replace(self.cluster.url, way.url))
            way.fault = Nothing("/rigs.gastown.io")
            rows = self.check(3, kubeconfig=config)
            asked = [request.path for request in way.requests if "/rigs.gastown.io" in request.path]
        expect([(verdict, what) for verdict, what, _ in rows[1:]] == [("ok", "crd/gastowns.gastown.io"), ("UNKNOWN", "crd/rigs.gastown.io"), ("UNKNOWN", "all else")], json.dumps(rows, indent=1))
        expect(asked and "agentpools" not in " ".join(request.path for request in way.requests), asked)

    def town_that_is_none(self):
        """A GasTown in kube-system, the first of all: no pod there is an agent's, so none is tried there."""
        self.town.apply(objects.gastown("kube-system", "a"))
        [said] = [said for _, what, said in self.check() if what == "an agent's pod"]
        self.town.delete("GasTown", "kube-system", "a")
        expect(" comes back with template " in said and "kube-system" not in said, said)

    # ---- who publishes the bundle ----

    def survives(self):
        """What gastown-certs or cainjector has published is there after both kinds of apply."""
        bundle = self.cluster.api("GET", self.path(MUTATING))[1]["webhooks"][0]["clientConfig"]["caBundle"]
        text = self.program.run("registration", "-o", "json", *self.server.registration_flags()).stdout
        for words in (("--server-side", "--force-conflicts"), ()):
            for kind in (MUTATING, VALIDATING):
                self.cluster.api("DELETE", self.path(kind))
            self.cluster.kubectl("apply", *words, "-f", "-", input=text)
            for kind in (MUTATING, VALIDATING):
                found = self.cluster.api("GET", self.path(kind))[1]
                owned = {"apiVersion": found["apiVersion"], "kind": kind, "metadata": {"name": NAME},
                         "webhooks": [{"name": entry["name"], "clientConfig": {"caBundle": bundle}} for entry in found["webhooks"]]}
                self.patch(self.path(kind) + "?fieldManager=gastown-certs&force=true", owned, APPLY)
            for again in (text, text.replace('"timeoutSeconds": 3', '"timeoutSeconds": 4'), text):
                self.cluster.kubectl("apply", *words, "-f", "-", input=again)
                for kind in (MUTATING, VALIDATING):
                    left = [entry["clientConfig"].get("caBundle") for entry in self.cluster.api("GET", self.path(kind))[1]["webhooks"]]
                    expect(set(left) == {bundle}, f"{words} {kind}: {left}")
            self.check()
        for kind in (MUTATING, VALIDATING):
            self.cluster.api("DELETE", self.path(kind))
        self.cluster.kubectl("apply", "-f", "-", input=self.server.registration())
        self.town.wait_flavour(HOME, "rig")

    # ---- the policy ----

    def agents_pod(self):
        self.cluster.kubectl("create", "-f", "-", input=json.dumps(bare_pod(CREW, namespace=HOME)))
        stored = self.town.get(self.town.pod_path(HOME, CREW.pod_name))
        expect(objects.template_hash(stored), "it isn't injected")

    def identity_stays(self):
        """Labels and annotations of ours, added, changed and taken away; by a status, too. Others', and ours by the watcher, pass."""
        pod = ("pod", CREW.pod_name, "-n", HOME)
        for words, field in ((("label", "gastown.io/agent=other", "--overwrite"), "metadata.labels[gastown.io/agent]"), (("label", "gastown.io/role-"), "metadata.labels[gastown.io/role]"),
                             (("label", "gastown.io/rig=other", "--overwrite"), "metadata.labels[gastown.io/rig]"), (("label", "gastown.io/agent-"), "metadata.labels[gastown.io/agent]"),
                             (("label", "gastown.io/new=1"), "metadata.labels[gastown.io/new]"), (("annotate", f"{HASH}=0", "--overwrite"), f"metadata.annotations[{HASH}]"),
                             (("annotate", f"{HASH}-"), f"metadata.annotations[{HASH}]"), (("annotate", "event.gastown.io/image=a/b:1"), "metadata.annotations[event.gastown.io/image]")):
            said = self.refused(field, words[0], *pod, *words[1:])
        expect("delete the pod and create it anew" in said, said)
        self.refused("metadata.labels[gastown.io/role]", "patch", *pod, "--subresource=status", "--type=merge", "-p", '{"metadata":{"labels":{"gastown.io/role":"mayor"}}}')
        for words in (("label", "team=a"), ("label", "team-"), ("annotate", "note=a"), ("annotate", "gastown.io.example.com/x=1")):
            self.passes(words[0], *pod, *words[1:])
        self.passes("annotate", *pod, "gastown.io/bead-id=gt-1", *WATCHER)
        self.passes("annotate", *pod, "gastown.io/bead-id-", *WATCHER)
        return said[-200:]

    def images_later(self):
        """The town's allowlist holds for an image that is set later, and for an ephemeral container; what is allowed passes."""
        pod = ("pod", CREW.pod_name, "-n", HOME)
        self.town.change("GasTown", HOME, "main", {"policy": {"imageAllowlist": ["gastown.test/"]}})

        def told():
            return "policy.gastown.io" in self.try_("set", "image", *pod, "agent=elsewhere.test/x:1", "--dry-run=server")
        wait_for("the allowlist", told, SOON)
        said = self.refused("elsewhere.test/x:1", "set", "image", *pod, "agent=elsewhere.test/x:1")
        path = self.town.pod_path(HOME, CREW.pod_name) + "/ephemeralcontainers"
        for image, wanted in (("elsewhere.test/debug:1", (403, 422)), ("gastown.test/debug:1", (200,))):
            context = {"allowPrivilegeEscalation": False, "capabilities": {"drop": ["ALL"]}}
            body = {"spec": {"ephemeralContainers": [{"name": "debug", "image": image, "securityContext": context}]}}
            status, answer = self.cluster.api("PATCH", path, body, "application/strategic-merge-patch+json")
            expect(status in wanted, f"{image}: {status} {json.dumps(answer)[:600]}")
        self.passes("set", "image", *pod, "agent=gastown.test/agent:2")
        return said[-160:]

    def sizes_later(self):
        """The town's maxResources hold for what is resized later; what is below them passes."""
        pod = ("pod", CREW.pod_name, "-n", HOME)
        self.town.change("GasTown", HOME, "main", {"policy": {"maxResources": {"cpu": "3"}}})

        def resize(cpu, *more):
            amounts = {"requests": {"cpu": cpu}, "limits": {"cpu": cpu}}
            return ("patch", *pod, "--subresource=resize", *more, "-p", json.dumps({"spec": {"containers": [{"name": "agent", "resources": amounts}]}}))
        wait_for("the limit", lambda: "policy.gastown.io" in self.try_(*resize("50", "--dry-run=server")), SOON)
        said = self.refused("50 is above the town's 3 (spec.policy.maxResources of GasTown/main)", *resize("50"))
        self.passes(*resize("2500m"))
        return said[-200:]

    def no_conditions(self):
        """A cainjector older than matchConditions drops them all: said with the cause and what to do, and the engine itself has the same rules."""
        both = {"metadata": {"annotations": {"cert-manager.io/inject-ca-from": f"{SYSTEM}/{SERVICE}"}}}
        pod, text = ("pod", CREW.pod_name, "-n", HOME), "has lost its matchConditions, as by a cainjector of cert-manager older than 1.12"
        entries = ((MUTATING, 0), (VALIDATING, 0))
        for kind, at in entries:
            self.patch(self.path(kind), removal(f"/webhooks/{at}/matchConditions"))
        self.finds("webhooks[policy.gastown.io].matchConditions is nothing")
        for kind, _ in entries:
            self.patch(self.path(kind), both, MERGE)
        rows = self.finds(text, 0, verdict="warn")
        expect([what.split("/")[0] for verdict, what, said in rows if verdict == "warn" and text in said] == [PLURALS[kind] for kind, _ in entries], json.dumps(rows, indent=1))
        self.patch(self.path(MUTATING), change(f"{POD}/failurePolicy", "Ignore"))
        self.finds("webhooks[pods.gastown.io].failurePolicy is \"Ignore\"")
        wait_for("a mirror that a node reports", lambda: not self.try_("create", "--dry-run=server", "-f", "-", *NODE, input=self.mirror(Agent("mayor", "hq", rig="town"))), SOON)
        self.passes("annotate", *pod, "note=b", "--overwrite")
        self.passes("patch", *pod, "--type=merge", "-p", '{"metadata":{"finalizers":["example.com/wait"]}}')
        self.passes("patch", *pod, "--type=merge", "-p", '{"metadata":{"finalizers":null}}')
        self.refused("elsewhere.test/x:1", "set", "image", *pod, "agent=elsewhere.test/x:1")
        for kind, _ in entries:
            self.patch(self.path(kind), {"metadata": {"annotations": None}}, MERGE)
        self.restore(MUTATING, VALIDATING)

    def no_agent_later(self):
        """A pod that was nobody's doesn't become an agent's by a label."""
        pod = {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "plain", "namespace": HOME}, "spec": {"containers": [{"name": "a", "image": "a/b:1"}]}}
        self.passes("create", "-f", "-", input=pod)
        self.refused("metadata.labels[gastown.io/agent]", "label", "pod", "plain", "-n", HOME, "gastown.io/agent=x")
        self.cluster.api("DELETE", self.town.pod_path(HOME, "plain") + "?gracePeriodSeconds=0")

    def few(self):
        """A pod whose labels would take the API server seconds to look through at each change isn't made, nor become so; and one that was there
        before the policy can still be finished."""
        more = {f"l{number}": "" for number in range(1001)}
        for member in ("labels", "annotations"):
            pod = bare_pod(Agent("mayor", "hq", rig="town"), namespace=HOME)
            pod["metadata"][member].update(more)
            self.refused("no more than 1000 of each", "create", "-f", "-", input=pod)
            self.refused("no more than 1000 of each", "patch", "pod", CREW.pod_name, "-n", HOME, "--type=merge", "-p", json.dumps({"metadata": {member: more}}))
        self.cluster.api("DELETE", self.path(BINDING))
        wait_for("creation without the policy", lambda: not self.try_("create", "-f", "-", input=pod), SOON)
        self.restore(BINDING)
        named = ("pod", pod["metadata"]["name"], "-n", HOME)
        wait_for("the policy", lambda: "no more than 1000" in self.try_("annotate", *named, "note=a", "--dry-run=server"), SOON)
        self.passes("patch", *named, "--subresource=status", "--type=merge", "-p", '{"status":{"phase":"Failed"}}')
        self.passes("patch", *named, "--type=merge", "-p", '{"metadata":{"finalizers":["example.com/wait"]}}')
        self.passes("patch", *named, "--type=merge", "-p", '{"metadata":{"finalizers":null}}')
        self.passes("delete", *named, "--grace-period=0", "--force")

    def uncompleted(self):
        """While nobody completes it, a pod with our label is refused even where it could run."""
        pod = bare_pod(Agent("mayor", "hq", rig="town"), namespace=HOME)
        pod["spec"]["containers"][0]["image"] = "a/b:1"
        self.cluster.api("DELETE", self.path(MUTATING))
        wait_for("the policy's refusal", lambda: f"metadata.annotations[{HASH}] is missing" in self.try_("create", "--dry-run=server", "-f", "-", input=pod), SOON)
        self.finds("nobody completed it")
        self.restore(MUTATING)
        wait_for("injection", lambda: not self.try_("create", "--dry-run=server", "-f", "-", input=pod), SOON)

    def mirror(self, agent):
        pod = bare_pod(agent, namespace=HOME)
        pod["metadata"]["annotations"] = dict(MIRROR)
        pod["metadata"]["ownerReferences"] = [{"apiVersion": "v1", "kind": "Node", "name": "one", "uid": "1", "controller": True}]
        pod["spec"] = {"nodeName": "one", "containers": [{"name": "agent", "image": "a/b:1"}]}
        return pod

    def mirrors_are_the_engines(self):
        """The engine's rule and the registration's, on the same pods: whom the one lets pass, the other doesn't send; from anybody else it's sent, and denied."""
        agent = Agent("mayor", "hq", rig="town")
        self.refused("only a node may create the mirror of a static pod", "create", "-f", "-", input=self.mirror(agent))
        self.passes("create", "-f", "-", *NODE, input=self.mirror(agent))
        stored = self.town.get(self.town.pod_path(HOME, agent.pod_name))
        expect(not objects.template_hash(stored), "a mirror was changed")
        self.cluster.api("DELETE", self.town.pod_path(HOME, agent.pod_name) + "?gracePeriodSeconds=0")

    def both_in_one(self):
        """Agents in the system namespace are injected; our own pods there aren't touched."""
        self.town.wait_flavour(SYSTEM, "town")
        self.finds("is left alone", 0, verdict="ok")

    # ---- certificates of our own, outside of the cluster ----

    def kept(self):
        """The host of the URL is in the certificate; somebody who asks for another authority, with a name more, gets one: whoever leads makes none as well."""
        self.server.stop()
        # of the one that was killed before, perhaps: nobody would lead for 15 s
        self.cluster.api("DELETE", f"/apis/coordination.k8s.io/v1/namespaces/{SYSTEM}/leases/{SERVICE}")
        keeper = Keeper(self.server.path, self.folder / "keeper", self.town.kubeconfig)
        self.town.on_end(keeper.kill)
        for kind in (MUTATING, VALIDATING):
            self.cluster.api("DELETE", self.path(kind))
        self.cluster.api("DELETE", f"/api/v1/namespaces/{SYSTEM}/secrets/{SECRET}")
        text = self.program.run("registration", *keeper.registration_flags()).stdout
        self.cluster.kubectl("apply", "--server-side", "--force-conflicts", "-f", "-", input=text)
        keeper.start()
        wait_for("it leads", keeper.leads, SOON)
        self.finds("CN=gastown-webhook is valid until", 0, keeper.registration_flags(), "ok")
        done = self.certs.run("renew", "--ca", "--kubeconfig", self.cluster.kubeconfig, "--dns-name", keeper.address, "--dns-name", "one.more",
                         "--ca-settle", "300ms", "--ca-overlap", "300ms", timeout=SOON)
        expect(done.returncode == 0 and done.stderr.count("making the next authority") == 1, done.stdout + done.stderr)
        expect("the certificate lacks a name" in done.stderr, done.stderr)
        made = keeper.metrics()["gastown_certificate_authorities_total"]
        expect(made == 1, f"{made} authorities made by whoever leads")
        self.finds("CN=gastown-webhook is valid until", 0, keeper.registration_flags(), "ok")
        keeper.stop()


def add_checks(checks, r):
    steps = (("gastown-webhook is built", lambda: r.server.built()), ("control plane up", r.up), ("what is generated is accepted", r.accepted),
             ("check: nothing is there", r.not_there), ("registered", r.all_there), ("check: all is well", r.all_ok))
    needs = ()
    for name, function in steps:
        checks.add(name, function, needs)
        needs = (*needs, name)
    checks.add("the policy's expressions have types", r.typed, needs)
    for what, kind, body, text in MUTATIONS:
        checks.add(f"check finds: {what}", lambda kind=kind, body=body, text=text: r.mutation(kind, body, text), needs)
    for name, function in (("check prints what the documentation shows", r.documented), ("check: somebody else's entry", r.foreign_entry), ("check finds: objects that are gone", r.gone), ("check finds: another caBundle", r.bundles),
                           ("check finds: another CRD", r.definitions), ("check finds: a wrong certificate", r.certificate), ("check finds: Service and endpoints", r.service),
                           ("check finds: our own pod with the label", r.own_pods), ("check: few rights", r.few_rights), ("check: nobody answers", r.nobody_answers), ("check: it falls silent", r.falls_silent), ("check: a town that is none", r.town_that_is_none),
                           ("a published caBundle survives apply", r.survives), ("an agent's pod", r.agents_pod)):
        checks.add(name, function, needs)
    for name, function in (("its identity stays", r.identity_stays), ("its images stay allowed", r.images_later), ("its sizes stay allowed", r.sizes_later),
                           ("conditions that cainjector drops", r.no_conditions), ("no pod with thousands of labels", r.few)):
        checks.add(name, function, (*needs, "an agent's pod"))
    for name, function in (
                           ("nobody becomes an agent later", r.no_agent_later), ("what nobody completed is refused", r.uncompleted),
                           ("mirrors of static pods", r.mirrors_are_the_engines), ("agents beside us", r.both_in_one), ("while the webhook is away", r.away),
                           ("and back", r.restored), ("it keeps certificates, outside of the cluster", r.kept)):
        checks.add(name, function, needs)


if __name__ == "__main__":
    sys.exit(suite.main(__doc__, "registration", Registration, add_checks, ("webhook", "certs")))
