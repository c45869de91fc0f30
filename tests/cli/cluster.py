#!/usr/bin/env python3
"""gastown-inject against an API server: which one it asks, what it makes of what that says, and of what it refuses to say.

    cluster.py --inject PATH [--only TEXT]

The API server is a script (apiserver.py), so that it can be as wrong as a test wants it. The programs against a real one: tests/cluster/.
"""
import argparse
import copy
import json
import os
import shutil
import subprocess
import sys
import tempfile
import traceback

from apiserver import Server

GASTOWN, NS = "gastown.io/v1alpha1", "gastown"
HASH, LAYERS = "gastown.io/template-hash", "gastown.io/layers"
KINDS = {"gastowns": "GasTown", "rigs": "Rig", "agentpools": "AgentPool"}

TOWN = {"defaults": {"image": "ghcr.io/acme/agent:v6", "env": [{"name": "REGION", "value": "eu"}, {"name": "ZONE", "value": "a"}],
                     "nodeSelector": {"agents": "yes"}}}
RIG = {"name": "gastown", "roleOverrides": {"crew": {"terminationGracePeriodSeconds": 60}}}
POOL = {"rig": "gastown", "role": "polecat", "template": {"image": "ghcr.io/acme/agent:v7"}}


def template(kind, name, spec, namespace=NS, generation=1, status=None):
    value = {"apiVersion": GASTOWN, "kind": kind, "spec": spec,
             "metadata": {"name": name, "namespace": namespace, "uid": f"{kind}-{namespace}-{name}", "generation": generation,
                          "creationTimestamp": "2026-01-01T00:00:00Z", "managedFields": [{"manager": "kubectl"}]}}
    return {**value, "status": status} if status else value


def accepted(generation, truth="True", reason="Accepted", message="", pods=None):
    condition = {"type": "Accepted", "status": truth, "reason": reason, "message": message, "observedGeneration": generation}
    return {"observedGeneration": generation, "conditions": [condition], **({"pods": pods} if pods else {})}


def bare(role="polecat", agent="furiosa", namespace=NS, **annotations):
    name = f"gt-gastown-{role}-{agent}"
    return {"apiVersion": "v1", "kind": "Pod", "spec": {"containers": [{"name": "agent"}]},
            "metadata": {"name": name, "namespace": namespace, "annotations": annotations,
                         "labels": {"gastown.io/rig": "gastown", "gastown.io/role": role, "gastown.io/agent": agent}}}


class Fixture:
    """A town in a scripted cluster, a folder with a kubeconfig, and the program."""

    def __init__(self, program):
        self.program, self.server = program, Server()
        self.folder = tempfile.mkdtemp(prefix="gastown-cli-")
        self.kubeconfig = os.path.join(self.folder, "config")

    def __enter__(self):
        self.server.__enter__()
        self.server.know("v1", "pods", "serviceaccounts", "secrets", "configmaps", "persistentvolumeclaims")
        self.server.know("apps/v1", "controllerrevisions")
        self.server.know("storage.k8s.io/v1", "storageclasses")
        self.server.know("scheduling.k8s.io/v1", "priorityclasses")
        self.server.know("node.k8s.io/v1", "runtimeclasses")
        self.server.know(GASTOWN, *KINDS)
        self.put("serviceaccounts", "default", {}, "v1")
        self.template("gastowns", "main", TOWN)
        self.template("rigs", "gastown", RIG)
        self.template("agentpools", "polecats", POOL)
        self.write_kubeconfig()
        return self

    def __exit__(self, *_):
        self.server.__exit__()
        shutil.rmtree(self.folder)

    def write_kubeconfig(self, **context):
        config = {"apiVersion": "v1", "kind": "Config", "current-context": "test",
                  "clusters": [{"name": "test", "cluster": {"server": self.server.url}}],
                  "users": [{"name": "tester", "user": {"token": "secret"}}],
                  "contexts": [{"name": name, "context": {"cluster": "test", "user": "tester", **more}}
                               for name, more in {"test": context, "other": {"namespace": "elsewhere"}}.items()]}
        with open(self.kubeconfig, "w", encoding="utf-8") as file:
            json.dump(config, file)

    def template(self, plural, name, spec, **more):
        self.server.put(GASTOWN, plural, template(KINDS[plural], name, spec, **more))

    def put(self, plural, name, data, version="v1", namespace=NS):
        metadata = {"name": name, "uid": f"{plural}-{name}", **({"namespace": namespace} if namespace else {})}
        self.server.put(version, plural, {"metadata": metadata, **data})

    def path(self, plural, namespace=NS, version=GASTOWN):
        return f"{Server.root(version)}/namespaces/{namespace}/{plural}"

    def file(self, name, *values):
        path = os.path.join(self.folder, name)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path, "w", encoding="utf-8") as file:
            file.write("\n---\n".join(json.dumps(value, indent=1) for value in values))
        return path

    def run(self, *words, wants=0, stdin="", env=None, cluster=True):
        """-> (standard output, standard error)"""
        flags = ["--kubeconfig", self.kubeconfig] if cluster else []
        clean = {key: value for key, value in os.environ.items() if key not in ("KUBECONFIG", "KUBERNETES_SERVICE_HOST", "http_proxy")}
        done = subprocess.run([self.program, *words, *flags], input=stdin, capture_output=True, text=True, timeout=60, cwd=self.folder,
                              env={**clean, "HOME": self.folder, "NO_COLOR": "1", **(env or {})})
        expect(done.returncode == wants, f"{' '.join(words)}: status {done.returncode}, not {wants}:\n{done.stdout}{done.stderr}")
        return done.stdout, done.stderr

    def live(self, pod, **changes):
        """The pod as an API server would hold it, made by the templates as they are now."""
        made = json.loads(self.run("render", "-f", self.file("pod.json", pod), "-o", "json")[0])
        metadata, spec = made["metadata"], made["spec"]
        metadata.update({"uid": metadata["name"], "resourceVersion": "5", "creationTimestamp": "2026-01-01T00:00:00Z"})
        spec.update({"schedulerName": "default-scheduler", "dnsPolicy": "ClusterFirst", "enableServiceLinks": True, "nodeName": "node-1",
                     "serviceAccountName": "default", "serviceAccount": "default", "priority": 0, "preemptionPolicy": "PreemptLowerPriority"})
        spec.setdefault("tolerations", []).extend(
            {"key": f"node.kubernetes.io/{what}", "operator": "Exists", "effect": "NoExecute", "tolerationSeconds": 300} for what in ("not-ready", "unreachable"))
        for container in spec["containers"]:
            container.update({"terminationMessagePath": "/dev/termination-log", "terminationMessagePolicy": "File"})
            for entry in container.get("env", []):
                if "fieldRef" in entry.get("valueFrom", {}):
                    entry["valueFrom"]["fieldRef"]["apiVersion"] = "v1"
        made["status"] = {"phase": "Running", **changes}
        self.server.put("v1", "pods", made)
        return made


class Failure(Exception):
    pass


def expect(condition, text):
    if not condition:
        raise Failure(text)


def has(text, *parts):
    for part in parts:
        expect(part in text, f"no {part!r} in\n{text}")


def lacks(text, *parts):
    for part in parts:
        expect(part not in text, f"{part!r} in\n{text}")


# ---- which cluster ----

def asks_the_one_that_is_named(f):
    pod = f.file("pod.json", bare())
    named, _ = f.run("render", "-f", pod)
    has(named, "ghcr.io/acme/agent:v7", "REGION")
    expect(f.run("render", "-f", pod, cluster=False, env={"KUBECONFIG": f.kubeconfig})[0] == named, "KUBECONFIG")
    os.makedirs(os.path.join(f.folder, ".kube"))
    shutil.copy(f.kubeconfig, os.path.join(f.folder, ".kube", "config"))
    expect(f.run("render", "-f", pod, cluster=False)[0] == named, "~/.kube/config")


def none_is_wrong_usage(f):
    _, err = f.run("render", cluster=False, wants=2)
    has(err, "which cluster?", "--kubeconfig FILE", "-t DIR names a folder")
    lacks(f.run("status", cluster=False, wants=2)[1], "-t DIR")
    has(f.run("status", "-n", "a", "-A", wants=2)[1], "exclude each other")
    has(f.run("merge", wants=2)[1], "merge takes no --kubeconfig")
    has(f.run("status", "--context", "nowhere", wants=3)[1], 'no context "nowhere"', "test, other")


def a_folder_asks_nobody(f):
    folder = os.path.dirname(f.file("templates/town.json", template("GasTown", "main", TOWN)))
    f.run("check", "-t", folder, cluster=False, env={"KUBECONFIG": f.kubeconfig})
    f.run("render", "-t", folder, "-f", f.file("pod.json", bare()), cluster=False, env={"KUBECONFIG": f.kubeconfig})
    f.run("diff", folder, folder, cluster=False, env={"KUBECONFIG": f.kubeconfig})
    expect(not f.server.requests, f"asked for {f.server.requests}")


def asks_in_the_pods_namespace(f):
    f.template("gastowns", "main", {"defaults": {"image": "ghcr.io/acme/agent:v9"}}, namespace="elsewhere")
    pod = f.file("pod.json", bare(namespace="elsewhere"))
    has(f.run("render", "-f", pod)[0], "agent:v9")
    anywhere = bare()
    del anywhere["metadata"]["namespace"]
    pod = f.file("pod.json", anywhere)
    has(f.run("render", "-f", pod)[0], "agent:v7")
    has(f.run("render", "-f", pod, "-n", "elsewhere")[0], "agent:v9")
    has(f.run("render", "-f", pod, "--context", "other")[0], "agent:v9")
    _, err = f.run("render", "-f", pod, "-n", "empty", wants=1)
    has(err, "no GasTown, Rig or AgentPool in namespace empty")


# ---- what it reads ----

def reads_all_pages(f):
    for i in range(7):
        f.template("rigs", f"rig-{i}", {"name": f"rig-{i}", "podOverrides": {"image": f"ghcr.io/acme/agent:v{i}"}})
    pods = f.file("pods.json", *(dict(bare(), metadata={**bare()["metadata"], "name": f"p{i}", "labels": {
        "gastown.io/rig": f"rig-{i}", "gastown.io/role": "scout", "gastown.io/agent": "a"}}) for i in range(7)))
    out, _ = f.run("render", "-f", pods)
    has(out, *(f"image: ghcr.io/acme/agent:v{i}" for i in range(7)))
    f.server.expire = 1
    expect(f.run("render", "-f", pods)[0] == out, "a listing that expired once")
    f.server.expire = 1000
    has(f.run("render", "-f", pods, wants=3)[1], "can't list rigs in namespace gastown", "410")


def names_what_isnt_accepted(f):
    f.template("rigs", "broken", {"name": "broken", "podOverrides": {"imgae": "x"}})
    _, err = f.run("render", "-f", f.file("pod.json", bare()))
    has(err, "Rig/gastown/broken: spec.podOverrides.imgae: unknown field (did you mean image?)", "1 object not accepted")


def answers_as_the_webhook_does(f):
    """A last good version that the webhook wrote down is what pods get."""
    pod = f.file("pod.json", bare())
    good, _ = f.run("render", "-f", pod)
    f.template("rigs", "gastown", {"name": "gastown", "podOverrides": {"imgae": "x"}}, generation=2)
    has(f.run("render", "-f", pod, wants=1)[1], "Rig/gastown/gastown")
    f.server.put("apps/v1", "controllerrevisions", {
        "metadata": {"name": "rig-gastown-1", "namespace": NS, "labels": {"gastown.io/last-good": "rig"},
                     "ownerReferences": [{"apiVersion": GASTOWN, "kind": "Rig", "name": "gastown", "uid": "Rig-gastown-gastown", "controller": True}]},
        "data": {"spec": RIG}, "revision": 1})
    out, err = f.run("render", "-f", pod)
    expect(out == good, f"another pod:\n{out}")
    has(err, "Rig/gastown/gastown: spec.podOverrides.imgae")


def goes_on_without_small_rights(f):
    pod = f.file("pods.json", bare(), bare(namespace="elsewhere"))
    f.template("gastowns", "main", TOWN, namespace="elsewhere")
    for namespace in (NS, "elsewhere"):
        f.server.answer(f.path("serviceaccounts", namespace, "v1"), 403)
        f.server.answer(f.path("controllerrevisions", namespace, "apps/v1"), 403)
    f.server.answer("/apis/storage.k8s.io/v1/storageclasses", 403)
    _, err = f.run("render", "-f", pod)
    expect(err.count("may not list") == 3 and err.count("serviceaccounts") == 1, f"each once:\n{err}")


# ---- an API server that doesn't ----

def says_that_crds_are_missing(f):
    f.server.kinds.pop(f"/apis/{GASTOWN}/gastowns")
    _, err = f.run("status", wants=3)
    has(err, "no gastowns.gastown.io: its CRDs aren't installed")


def says_what_is_forbidden(f):
    f.server.answer(f.path("rigs"), 403)
    _, err = f.run("render", "-f", f.file("pod.json", bare()), wants=3)
    has(err, "may not list rigs in namespace gastown", "cannot do that")
    f.server.answer(f"/apis/{GASTOWN}/gastowns", 403)
    has(f.run("status", "-A", wants=3)[1], "may not list gastowns in all namespaces")


def says_what_is_wrong_with_the_server(f):
    broken = {
        "a 500": (500, "500"), "a 401": (401, "401"), "HTML": ((200, "<html>", "text/html"), "isn't a JSON object (text/html): <html>"),
        "half an answer": ((200, '{"items": [{"metadata"', "application/json"), "isn't a JSON object"),
        "a list that is none": ((200, '{"items": 7}', "application/json"), "items are a number"),
        "nothing": ((200, "", "application/json"), "an empty answer"),
    }
    for name, (answer, part) in broken.items():
        f.server.answer(f.path("agentpools"), answer)
        for command in ("status", "check", "diff cluster"):
            _, err = f.run(*command.split(), wants=3)
            expect("can't list agentpools in namespace gastown" in err and err.count("\n") == 1, f"{name}: {command}:\n{err}")
            expect(part in err, f"{name}: {command}: no {part!r} in\n{err}")
    f.server.__exit__()
    has(f.run("status", wants=3)[1], f.server.url)
    f.server.__init__()
    f.server.__enter__()


def leaves_out_what_cant_be_read(f):
    f.server.put(GASTOWN, "rigs", {"metadata": {"name": "anonymous", "namespace": NS}, "spec": {"name": "x"}})
    f.server.put(GASTOWN, "rigs", template("Rig", "big", {"name": "big", "podOverrides": {"screenScrollback": 2**60}}))
    pod = bare(agent="odd")
    pod["metadata"]["generation"] = 2**60
    f.server.put("v1", "pods", pod)
    out, err = f.run("status", wants=1)
    has(err, "Rig/anonymous: left out", "pod/gt-gastown-polecat-odd: left out")
    has(out, "Rig/gastown/big: ")


# ---- pods of the cluster ----

def explains_a_live_pod(f):
    f.live(bare())
    out, _ = f.run("explain", "pod/gt-gastown-polecat-furiosa")
    has(out, "containers[agent].image", "AgentPool/polecats.template", "GasTown/main.defaults")
    expect(f.run("explain", "po/gt-gastown-polecat-furiosa")[0] == out, "po/")
    f.live(bare(agent="nux"))
    both, _ = f.run("explain", "pod/gt-gastown-polecat-furiosa", "pods/gt-gastown-polecat-nux")
    has(both, "polecat gastown/furiosa", "polecat gastown/nux")


def renders_a_live_pod_again(f):
    f.live(bare())
    f.template("agentpools", "polecats", {**POOL, "template": {"image": "ghcr.io/acme/agent:v8"}})
    out, _ = f.run("render", "pod/gt-gastown-polecat-furiosa")
    has(out, "agent:v8")
    lacks(out, "nodeName")
    folder = os.path.dirname(f.file("templates/town.json", template("GasTown", "main", TOWN)))
    has(f.run("render", "pod/gt-gastown-polecat-furiosa", "-t", folder)[0], "agent:v6")


def says_which_pod_isnt_there(f):
    has(f.run("explain", "pod/nobody", wants=3)[1], "pod/nobody: no such pod in namespace gastown (-n names another one)")
    has(f.run("explain", "pod/nobody", "-f", "x", wants=2)[1], "exclude each other")
    has(f.run("explain", "nobody", wants=2)[1], "what is it to do with nobody?")
    has(f.run("explain", "pod/", wants=2)[1], "what is it to do with pod/?")
    f.server.put("v1", "pods", {"metadata": {"name": "stranger", "namespace": NS}, "spec": {"containers": []}})
    has(f.run("explain", "pod/stranger")[1], "pod/stranger: not an agent's pod")
    f.server.answer(f.path("pods/stranger", version="v1"), 403)
    has(f.run("explain", "pod/stranger", wants=3)[1], "may not get pods in namespace gastown")


# ---- diff ----

def compares_with_a_folder(f):
    f.live(bare())
    f.live(bare("crew", "max"))
    f.live(bare(agent="done"), phase="Succeeded")
    folder = os.path.dirname(f.file("templates/all.json", template("GasTown", "main", TOWN), template("Rig", "gastown", RIG), template(
        "AgentPool", "polecats", {**POOL, "template": {"image": "ghcr.io/acme/agent:v8"}})))
    out, _ = f.run("diff", "cluster", folder, wants=1)
    has(out, "gastown/polecat/furiosa", "ghcr.io/acme/agent:v8", "1 of 2 agents' pods change")
    lacks(out, "done", "crew")
    out, _ = f.run("diff", folder, "cluster", wants=1)
    has(out, "1 of 2")
    has(f.run("diff", "cluster", "cluster")[0], "no pod changes (2 agents' pods compared)")
    has(f.run("diff", "cluster", folder, "-f", f.file("pod.json", bare("crew", "other")))[0], "no pod changes (1 agents' pods compared)")


def compares_samples_where_nothing_runs(f):
    folder = os.path.dirname(f.file("templates/all.json", template("GasTown", "main", TOWN), template("Rig", "gastown", RIG)))
    out, _ = f.run("diff", "cluster", folder, wants=1)
    has(out, "gastown/polecat/example", "agent:v7")


def a_folder_called_cluster(f):
    f.file("cluster/town.json", template("GasTown", "main", {"defaults": {"image": "ghcr.io/acme/agent:v1"}}))
    has(f.run("diff", "cluster", "cluster")[1], "./cluster is the folder")
    has(f.run("diff", "./cluster", "cluster", wants=1)[0], "agent:v1")


# ---- drift ----

def nothing_has_drifted(f):
    f.live(bare())
    f.live(bare("crew", "max"))
    has(f.run("diff", "cluster")[0], "no pod has drifted (2 agents' pods compared)")
    has(f.run("status")[0], "no pod has drifted (2 agents' pods)")


def says_what_has_drifted(f):
    f.live(bare())
    f.live(bare("crew", "max"))
    changed = copy.deepcopy(TOWN)
    changed["defaults"]["env"] = [{"name": "REGION", "value": "us"}, {"name": "NEW", "value": "1"}]
    changed["defaults"].pop("nodeSelector")
    f.template("gastowns", "main", changed, generation=2)
    out, _ = f.run("diff", "cluster", wants=1)
    rows = {tuple(line.split()[:2]): line for line in out.splitlines()}
    for agent in ("gastown/polecat/furiosa", "gastown/crew/max"):
        fields = {field for who, field in rows if who == agent}
        expect(fields == {"containers[agent].env[REGION]", "containers[agent].env[NEW]", "containers[agent].env[ZONE]", "nodeSelector"},
               f"{agent}: {fields}\n{out}")
        has(rows[agent, "containers[agent].env[REGION]"], "eu", "us", "GasTown/main.defaults")
        has(rows[agent, "containers[agent].env[ZONE]"], "a  ", "(none)", "was an older template or the pod's own")
    has(out, "2 of 2 agents' pods have drifted")
    value = json.loads(f.run("diff", "cluster", "-o", "json", wants=1)[0])
    expect(value[0]["oldHash"] != value[0]["newHash"] and value[0]["pod"].startswith("gt-gastown"), value)
    status = json.loads(f.run("status", "-o", "json")[0])
    expect(status["drifted"] == value, "status and diff agree")
    has(f.run("status")[0], "WOULD GET", value[0]["oldHash"], value[0]["newHash"], "and 1 more")


def says_what_would_be_denied(f):
    f.live(bare())
    f.template("gastowns", "main", {**TOWN, "policy": {"imageAllowlist": ["docker.io/else"]}}, generation=2)
    has(f.run("diff", "cluster", wants=1)[0], "(denied: 403)", "policy")
    has(f.run("status")[0], "(none)", "1 of 1 agents' pods have drifted")


def a_pod_without_a_hash_has_drifted(f):
    f.server.put("v1", "pods", bare())
    has(f.run("diff", "cluster", wants=1)[0], "containers[agent].image", "(none)")


# ---- check ----

NEEDS = {"imagePullSecrets": [{"name": "pull"}], "secretEnv": [{"name": "GH_TOKEN", "secretName": "github"}],
         "env": [{"name": "A", "valueFrom": {"secretKeyRef": {"name": "github", "key": "other"}}},
                 {"name": "B", "valueFrom": {"configMapKeyRef": {"name": "absent", "key": "x", "optional": True}}}],
         "envFrom": [{"configMapRef": {"name": "settings"}}], "configMapName": "beads", "serviceAccountName": "agents",
         "priorityClassName": "high", "runtimeClassName": "gvisor", "storage": {"storageClassName": "fast"},
         "git": {"repository": "https://example.com/x.git", "credentialsSecret": "git", "knownHostsConfigMap": "hosts"},
         "agent": {"apiKeySecret": {"name": "anthropic", "key": "key"}},
         "volumes": [{"name": "v", "secret": {"secretName": "volume"}}, {"name": "p", "projected": {"sources": [{"configMap": {"name": "part"}}]}}],
         "sidecars": [{"name": "s", "image": "ghcr.io/acme/s:1", "env": [{"name": "C", "valueFrom": {"secretKeyRef": {"name": "side", "key": "k"}}}]}]}
MISSING = {
    "imagePullSecrets[pull].name": "Secret pull in", "secretEnv[GH_TOKEN].name": "has no key GH_TOKEN",
    "env[A].valueFrom.secretKeyRef.key": "has no key other", "envFrom[0].configMapRef.name": "ConfigMap settings in",
    "configMapName": "ConfigMap beads in", "serviceAccountName": "ServiceAccount agents in", "priorityClassName": "PriorityClass high",
    "runtimeClassName": "RuntimeClass gvisor", "storage.storageClassName": "StorageClass fast", "git.credentialsSecret": "Secret git in",
    "git.knownHostsConfigMap": "has no key known_hosts", "agent.apiKeySecret.name": "Secret anthropic in",
    "volumes[v].secret.secretName": "Secret volume in", "volumes[p].projected.sources[0].configMap.name": "ConfigMap part in",
    "sidecars[s].env[C].valueFrom.secretKeyRef.name": "Secret side in",
}


def checks_what_a_folder_names(f):
    f.put("secrets", "github", {"data": {"token": "c2VjcmV0"}})
    f.put("configmaps", "hosts", {"data": {}})
    spec = {"daemon": {"tokenSecretRef": {"name": "daemon"}}, "defaults": {**NEEDS, "image": "ghcr.io/acme/agent:v6"}}
    folder = os.path.dirname(f.file("templates/all.json", template("GasTown", "main", spec)))
    out, _ = f.run("check", "-t", folder)
    lines = out.splitlines()
    for field, text in {**{f"spec.defaults.{field}": text for field, text in MISSING.items()}, "spec.daemon.tokenSecretRef.name": "Secret daemon in"}.items():
        found = [line for line in lines if f": warning: {field}: " in line]
        expect(len(found) == 1 and text in found[0], f"{field}: {text}:\n{out}")
        place = found[0].split(": ")[0].rsplit(":", 2)
        expect(place[0] == "all.json" and int(place[1]) > 1 and int(place[2]) > 1, found[0])
    has(out, f"1 object in 1 file: 0 errors, {len(MISSING) + 1} warnings")
    lacks(out, "absent", "c2VjcmV0", "secret:")
    secrets = [request for request in f.server.requests if "/secrets/github" in request]
    expect(len(secrets) == 1, "each object is asked for once")
    value = json.loads(f.run("check", "-t", folder, "-o", "json")[0])
    expect(len(value) == len(MISSING) + 1 and all(v["line"] for v in value), value)


def checks_the_clusters_own(f):
    f.template("rigs", "gastown", {**RIG, "roleOverrides": {"crew": {"secretEnv": [{"name": "T", "secretName": "nowhere"}]}}})
    f.template("rigs", "broken", {"name": "broken", "podOverrides": {"imgae": "x"}})
    out, _ = f.run("check", wants=1)
    has(out, "Rig/gastown/broken: spec.podOverrides.imgae: unknown field",
        "Rig/gastown/gastown: warning: spec.roleOverrides.crew.secretEnv[T].secretName: the cluster has no Secret nowhere in namespace gastown",
        "4 objects in namespace gastown: 1 error, 1 warning")
    has(f.run("check", "-A", wants=1)[0], "4 objects in all namespaces")
    value = json.loads(f.run("check", "-o", "json", wants=1)[0])
    expect(value[0]["object"] == "Rig/gastown/broken" and value[0]["severity"] == "error", value)


def checks_as_far_as_rights_reach(f):
    f.template("rigs", "gastown", {**RIG, "podOverrides": {"secretEnv": [{"name": "T", "secretName": "one"}, {"name": "U", "secretName": "two"}],
                                                           "configMapName": "beads"}})
    for name in ("one", "two"):
        f.server.answer(f.path(f"secrets/{name}", version="v1"), 403)
    out, err = f.run("check")
    expect(err.count("may not read secrets in gastown: not checked") == 1, err)
    has(out, "ConfigMap beads")
    lacks(out, "secretEnv")
    f.server.answer(f.path("configmaps/beads", version="v1"), 500)
    has(f.run("check", wants=3)[1], "can't read configmaps in namespace gastown", "500")


def optional_may_be_missing(f):
    f.template("rigs", "gastown", {**RIG, "podOverrides": {
        "secretEnv": [{"name": "T", "secretName": "one", "optional": True}], "envFrom": [{"secretRef": {"name": "x", "optional": True}}]}})
    has(f.run("check")[0], "0 errors, 0 warnings")


# ---- status ----

def row(text, kind, name):
    return next(line for line in text.splitlines() if line.split()[1:3] == [kind, name]).split()[3:]


def shows_what_the_webhook_wrote(f):
    f.template("gastowns", "main", TOWN, generation=3, status=accepted(3, pods={"total": 7, "current": 5, "older": 2}))
    f.template("rigs", "gastown", RIG, generation=2, status=accepted(2, "False", "Quarantined", "spec.podOverrides.image: not an image"))
    f.template("agentpools", "polecats", POOL, generation=4, status=accepted(3, pods={"total": 1, "current": 1, "older": 0}))
    out, _ = f.run("status", wants=1)
    has(out.splitlines()[0], "NAMESPACE", "KIND", "NAME", "GENERATION", "ACCEPTED", "REASON", "PODS", "CURRENT", "OLDER")
    expect(row(out, "GasTown", "main") == ["3", "True", "Accepted", "7", "5", "2"], out)
    expect(row(out, "Rig", "gastown") == ["2", "False", "Quarantined", "-", "-", "-"], out)
    expect(row(out, "AgentPool", "polecats") == ["4", "Pending", "(Accepted)", "-", "-", "-"], out)
    has(out, "Rig/gastown/gastown: spec.podOverrides.image: not an image")


def judges_what_the_webhook_hasnt(f):
    has(f.run("status")[0], "Pending", "(Accepted)", "no pod has drifted (0 agents' pods)")
    f.template("rigs", "gastown", {"name": "gastown", "podOverrides": {"imgae": "x"}}, generation=2, status=accepted(1))
    out, _ = f.run("status", wants=1)
    expect(row(out, "Rig", "gastown")[:2] == ["2", "Pending"], out)
    has(out, "Rig/gastown/gastown: spec.podOverrides.imgae: unknown field")
    value = json.loads(f.run("status", "-o", "json", wants=1)[0])
    rig = next(o for o in value["objects"] if o["kind"] == "Rig")
    expect(rig["pending"] and not rig["accepted"] and "imgae" in rig["message"], rig)


def an_older_one_holds_the_place(f):
    second = template("GasTown", "another", TOWN)
    second["metadata"]["creationTimestamp"] = "2026-02-01T00:00:00Z"
    f.server.put(GASTOWN, "gastowns", second)
    out, _ = f.run("status", wants=1)
    expect(row(out, "GasTown", "main")[2] == "(Accepted)" and row(out, "GasTown", "another")[2] != "(Accepted)", out)
    has(f.run("render", "-f", f.file("pod.json", bare()))[0], "agent:v7")


def shows_all_namespaces(f):
    f.template("gastowns", "main", TOWN, namespace="elsewhere")
    f.live(bare())
    out, _ = f.run("status", "-A")
    expect(sorted(line.split()[0] for line in out.splitlines() if " GasTown " in line) == ["elsewhere", "gastown"], out)
    has(out, "no pod has drifted (1 agents' pods)")
    lacks(f.run("status")[0], "elsewhere")


def a_namespace_without_a_town(f):
    f.live(bare())
    f.server.drop(GASTOWN, "gastowns", "main", NS)
    out, _ = f.run("status", wants=1)
    expect(out.count("there is no GasTown: its agents' pods are denied") == 1, out)
    expect(json.loads(f.run("status", "-A", "-o", "json", wants=1)[0])["townless"] == [NS], "named once")


def a_namespace_without_templates(f):
    out, err = f.run("status", "-n", "elsewhere")
    has(err, "no GasTown, Rig or AgentPool in namespace elsewhere (-n names another one")
    lacks(out, "NAMESPACE")
    expect(json.loads(f.run("status", "-o", "json")[0])["townless"] == [], "a town has what it needs")


def shows_templates_without_the_right_on_pods(f):
    f.server.answer(f.path("pods", version="v1"), 403)
    out, err = f.run("status", wants=3)
    has(out, "GasTown")
    has(err, "may not list pods in namespace gastown")


def garbled_statuses(f):
    for status in ({"conditions": 7}, {"conditions": [7, {"type": "Accepted"}]}, {"conditions": [{"type": "Accepted", "observedGeneration": "x"}]},
                   {"conditions": None, "pods": [1]}, {"observedGeneration": 9, "conditions": [{"type": "Accepted", "status": 7}]}):
        f.template("rigs", "gastown", RIG, status=status)
        has(f.run("status", wants=1 if "observedGeneration" in status else 0)[0], "Rig")


# ---- review ----

def reviews_against_a_cluster(f):
    request = {"uid": "1", "kind": {"group": "", "version": "v1", "kind": "Pod"}, "resource": {"group": "", "version": "v1", "resource": "pods"},
               "operation": "CREATE", "namespace": NS, "userInfo": {"username": "x"}, "object": bare()}
    line = json.dumps({"apiVersion": "admission.k8s.io/v1", "kind": "AdmissionReview", "request": request})
    answer = json.loads(f.run("review", stdin=line + "\n")[0])
    expect(answer["response"]["allowed"] and answer["response"]["patch"], answer)


CHECKS = [value for value in list(globals().values()) if callable(value) and getattr(value, "__code__", None) and value.__code__.co_varnames[:1] == ("f",)
          and value.__code__.co_argcount == 1]


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--inject", required=True, help="the gastown-inject program")
    parser.add_argument("--only", default="", help="checks whose name contains this")
    args = parser.parse_args()
    program = os.path.abspath(shutil.which(args.inject) or args.inject)
    passed = failed = 0
    for check in CHECKS:
        if args.only.replace(" ", "_") not in check.__name__:
            continue
        try:
            with Fixture(program) as fixture:
                check(fixture)
            passed += 1
        except Exception as problem: # pylint: disable=broad-exception-caught
            failed += 1
            why = str(problem) if isinstance(problem, Failure) else traceback.format_exc()
            print(f"FAIL {check.__name__.replace('_', ' ')}: {why}")
    print(f"{passed} passed, {failed} failed")
    return 1 if failed or not passed else 0


if __name__ == "__main__":
    sys.exit(main())
