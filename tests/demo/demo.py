#!/usr/bin/env python3
"""The main job without a cluster: a captured town's events become complete pods.

Starts the webhook on a free loopback port with a certificate made on the spot, lets the watcher replay the captured town, sends each bare
pod to the webhook as an API server would (an AdmissionReview over TLS), and shows what came in, what came out and which layer each
field came from. The pods land in OUT/pods.json, a v1 List.
"""
import argparse
import base64
import copy
import http.client
import json
import os
import signal
import ssl
import subprocess
import sys
import time
import uuid

import jsonpatch

HERE = os.path.dirname(os.path.abspath(__file__))
TOP = os.path.dirname(os.path.dirname(HERE))
NAMESPACE = "gastown"
# what the table shows of each pod: a field as `gastown-inject explain` calls it
SHOWN = [
    "spec.containers[agent].image",
    "spec.containers[agent].imagePullPolicy",
    "spec.containers[agent].resources.requests.cpu",
    "spec.containers[agent].resources.limits.cpu",
    "spec.containers[agent].resources.limits.memory",
    "spec.containers[agent].env[GT_ROLE]",
    "spec.containers[agent].env[BEADS_AGENT_NAME]",
    "spec.containers[agent].env[GT_BEAD]",
    "spec.containers[agent].env[LOG_LEVEL]",
    "spec.containers[agent].env[GH_TOKEN]",
    "spec.containers[agent].env[ANTHROPIC_API_KEY]",
    "spec.nodeSelector.agents",
    "spec.tolerations[spot]",
    "spec.volumes[workspace]",
    "spec.securityContext.runAsUser",
    "spec.containers[agent].securityContext.capabilities.drop",
    "spec.automountServiceAccountToken",
    "spec.restartPolicy",
    "metadata.annotations[gastown.io/layers]",
]


def parse_args():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--build", default=os.path.join(TOP, "build"), help="folder of the programs")
    parser.add_argument("--events", default=os.path.join(TOP, "tests/fixtures/town-0.5.0/events.jsonl"), help="a town's event file")
    parser.add_argument("--templates", default=os.path.join(HERE, "templates"), help="folder of templates")
    return parser.parse_args()


class Terminal:
    """Bold and dim, on a terminal only."""
    on = sys.stdout.isatty() and "NO_COLOR" not in os.environ

    @classmethod
    def bold(cls, text):
        return f"\033[1m{text}\033[0m" if cls.on else text

    @classmethod
    def dim(cls, text):
        return f"\033[2m{text}\033[0m" if cls.on else text


def make_certificate(out):
    """A self-signed pair for the loopback address; valid for a day."""
    cert, key = os.path.join(out, "tls.crt"), os.path.join(out, "tls.key")
    subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "1", "-subj",
                    "/CN=gastown-webhook demo", "-addext", "subjectAltName=IP:127.0.0.1,DNS:localhost", "-keyout", key, "-out", cert],
                   check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    return cert, key


class Webhook:
    """The running webhook; ends with the block."""

    def __init__(self, program, templates, out):
        self.cert, key = make_certificate(out)
        self.ports, self.log = os.path.join(out, "ports"), os.path.join(out, "webhook.log")
        self.command = [program, "--templates", templates, "--listen", "127.0.0.1:0", "--probe-listen", "127.0.0.1:0", "--tls-cert",
                        self.cert, "--tls-key", key, "--port-file", self.ports, "--stop-delay", "0s"]

    def __enter__(self):
        if os.path.exists(self.ports):
            os.remove(self.ports)
        with open(self.log, "w", encoding="utf-8") as log:
            self.process = subprocess.Popen(self.command, stderr=log)
        try:
            self.port, self.probe_port = self.wait_ready(time.monotonic() + 20)
        except BaseException:
            self.process.kill()
            raise
        self.connection = http.client.HTTPSConnection("127.0.0.1", self.port, timeout=10, context=ssl.create_default_context(cafile=self.cert))
        return self

    def wait_ready(self, deadline):
        while time.monotonic() < deadline:
            if self.process.poll() is not None:
                break
            try:
                with open(self.ports, encoding="utf-8") as f:
                    port, probe_port = (int(line) for line in f.read().split())
                probe = http.client.HTTPConnection("127.0.0.1", probe_port, timeout=2)
                probe.request("GET", "/readyz")
                if probe.getresponse().status == 200:
                    return port, probe_port
            except (OSError, ValueError):
                pass
            time.sleep(0.02)       # polling a condition with a deadline
        with open(self.log, encoding="utf-8") as f:
            raise SystemExit(f"the webhook didn't become ready:\n{f.read()}")

    def review(self, pod):
        """-> (the response, microseconds)"""
        body = json.dumps({"kind": "AdmissionReview", "apiVersion": "admission.k8s.io/v1", "request": {
            "uid": str(uuid.uuid4()), "kind": {"group": "", "version": "v1", "kind": "Pod"},
            "resource": {"group": "", "version": "v1", "resource": "pods"}, "name": pod["metadata"]["name"], "namespace": NAMESPACE,
            "operation": "CREATE", "userInfo": {"username": "system:serviceaccount:gastown-system:gastown-watcher"}, "object": pod,
            "oldObject": None, "dryRun": False}})
        start = time.perf_counter()
        self.connection.request("POST", "/mutate?timeout=3s", body, {"Content-Type": "application/json"})
        answer = self.connection.getresponse()
        text = answer.read()
        if answer.status != 200:
            raise SystemExit(f"the webhook answered {answer.status}: {text.decode()}")
        return json.loads(text)["response"], (time.perf_counter() - start) * 1e6

    def __exit__(self, *_):
        self.process.send_signal(signal.SIGTERM)
        self.process.wait(20)


def as_the_api_server_sends_it(pod):
    """What admission plugins and defaulting have put in before a webhook sees the pod (see tests/fixtures/admission-reviews.jsonl)."""
    pod = copy.deepcopy(pod)
    pod["metadata"]["namespace"] = NAMESPACE
    spec = pod["spec"]
    spec["volumes"] = [{"name": "kube-api-access-demo1", "projected": {"defaultMode": 420, "sources": [
        {"serviceAccountToken": {"expirationSeconds": 3607, "path": "token"}}]}}]
    for container in spec["containers"]:
        container |= {"resources": {}, "imagePullPolicy": container.get("imagePullPolicy", "IfNotPresent"), "volumeMounts": [
            {"name": "kube-api-access-demo1", "readOnly": True, "mountPath": "/var/run/secrets/kubernetes.io/serviceaccount"}]}
    spec |= {"restartPolicy": "Always", "terminationGracePeriodSeconds": 30, "dnsPolicy": "ClusterFirst", "serviceAccountName": "default",
             "serviceAccount": "default", "securityContext": {}, "schedulerName": "default-scheduler", "enableServiceLinks": True}
    return pod


def bare_pods(build, events):
    """What the watcher would create."""
    done = subprocess.run([os.path.join(build, "gastown-watcher"), "--replay", events, "--dry-run", "-o", "json", "--namespace", NAMESPACE],
                          stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    if done.returncode != 0:
        raise SystemExit(f"the watcher ended with {done.returncode}:\n{done.stderr}")
    print(f"  watcher    {done.stderr.splitlines()[-1]}")
    return [json.loads(line) for line in done.stdout.splitlines()]


def explain(build, templates, pod):
    done = subprocess.run([os.path.join(build, "gastown-inject"), "explain", "-t", templates, "-f", "-", "-o", "json", "--all"],
                          input=json.dumps(pod), check=True, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
    return {row["field"]: row for row in json.loads(done.stdout)}


def show_value(value):
    text = value if isinstance(value, str) else json.dumps(value, separators=(",", ":"))
    return text if len(text) <= 48 else text[:30] + "..." + text[-15:]


def show(pod, response, result, rows, microseconds):
    labels = pod["metadata"]["labels"]
    print(Terminal.bold(f"\n{pod['metadata']['name']}"))
    notes = " ".join(f"{k.split('/')[-1]}={v}" for k, v in sorted((pod["metadata"].get("annotations") or {}).items()))
    print(f"  in    a bare pod: {len(labels)} labels, one container, {'an image' if 'image' in pod['spec']['containers'][0] else 'no image'}")
    print(f"        {' '.join(k.split('/')[-1] + '=' + v for k, v in labels.items() if k.startswith('gastown.io/'))}  {Terminal.dim(notes)}")
    agent = next(c for c in result["spec"]["containers"] if c["name"] == "agent")
    print(f"  out   {len(agent['env'])} env, {len(agent['volumeMounts'])} mounts, {len(result['spec']['volumes'])} volumes, "
          f"hash {result['metadata']['annotations']['gastown.io/template-hash']}, answered in {microseconds:.0f} us")
    for warning in response.get("warnings", []):
        print(f"  warn  {warning}")
    width = max(len(f) for f in SHOWN) - len("spec.")
    for field in SHOWN:
        row = rows.get(field)
        if row is None:
            continue
        over = ", ".join(f"{o['from']} {show_value(o.get('value', ''))}" for o in row.get("over", []))
        print(f"    {field.removeprefix('spec.'):{width}}  {show_value(row.get('value', '')):48}  {row['from']}"
              + (Terminal.dim(f"  over {over}") if over else ""))


def main():
    args = parse_args()
    out = os.path.join(args.build, "demo")
    os.makedirs(out, exist_ok=True)
    with open(args.events, encoding="utf-8") as f:
        lines = sum(1 for line in f if line.strip())
    print(Terminal.bold("A captured town's events become complete pods"))
    print(f"  events     {os.path.relpath(args.events)} ({lines} lines, gt 0.5.0)")
    print(f"  templates  {os.path.relpath(args.templates)}")
    pods, results = bare_pods(args.build, args.events), []
    with Webhook(os.path.join(args.build, "gastown-webhook"), args.templates, out) as webhook:
        print(f"  webhook    https://127.0.0.1:{webhook.port}/mutate")
        for pod in pods:
            sent = as_the_api_server_sends_it(pod)
            response, microseconds = webhook.review(sent)
            if not response["allowed"]:
                raise SystemExit(f"{pod['metadata']['name']} was denied: {response['status']['message']}")
            result = jsonpatch.apply_patch(sent, json.loads(base64.b64decode(response["patch"])))
            rows = explain(args.build, args.templates, sent)
            show(pod, response, result, rows, microseconds)
            results.append(result)
    path = os.path.join(out, "pods.json")
    with open(path, "w", encoding="utf-8") as f:
        json.dump({"apiVersion": "v1", "kind": "List", "items": results}, f, indent=2)
        f.write("\n")
    print(f"\n{len(results)} pods in {os.path.relpath(path)}. Look closer:")
    print(f"  build/gastown-inject explain -t {os.path.relpath(args.templates)} -f tests/demo/pod.yaml")


if __name__ == "__main__":
    main()
