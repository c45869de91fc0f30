#!/usr/bin/python3
"""What a review costs: time and memory of the engine, against one plain cJSON parse of the same body, in one run.

    tests/bench/run.py [-o table|json] [--bench PATH] [--inject PATH] [--check]

The bodies are what an API server sends: a bare pod of the watcher's after its own plugins, that pod with many variables, one that was
injected before, one with 60 KB of managed fields. --check fails when the aims aren't reached: a standard review in at most 2.5 parses of its
body, and linear in size.
"""
import argparse
import json
import subprocess
import sys
import tempfile
from pathlib import Path

TOP = Path(__file__).resolve().parent.parent.parent
TEMPLATES = TOP / "tests" / "demo" / "templates"
AIM = 2.5
TOKEN = "kube-api-access-x7x2p"


def admitted(pod):
    """The pod as the API server's own defaults and plugins leave it (v1.35)."""
    spec = pod["spec"]
    spec.update({"restartPolicy": "Always", "terminationGracePeriodSeconds": 30, "dnsPolicy": "ClusterFirst", "serviceAccountName": "default",
                 "serviceAccount": "default", "securityContext": {}, "schedulerName": "default-scheduler", "priority": 0, "enableServiceLinks": True,
                 "preemptionPolicy": "PreemptLowerPriority"})
    spec["tolerations"] = [{"key": f"node.kubernetes.io/{what}", "operator": "Exists", "effect": "NoExecute", "tolerationSeconds": 300}
                           for what in ("not-ready", "unreachable")]
    spec["volumes"] = [{"name": TOKEN, "projected": {"sources": [
        {"serviceAccountToken": {"expirationSeconds": 3607, "path": "token"}},
        {"configMap": {"name": "kube-root-ca.crt", "items": [{"key": "ca.crt", "path": "ca.crt"}]}},
        {"downwardAPI": {"items": [{"path": "namespace", "fieldRef": {"apiVersion": "v1", "fieldPath": "metadata.namespace"}}]}}], "defaultMode": 420}}]
    for container in spec["containers"]:
        container.update({"image": "ghcr.io/acme/agent:v6", "resources": {}, "terminationMessagePath": "/dev/termination-log",
                          "terminationMessagePolicy": "File", "imagePullPolicy": "IfNotPresent",
                          "volumeMounts": [{"name": TOKEN, "readOnly": True, "mountPath": "/var/run/secrets/kubernetes.io/serviceaccount"}]})
    return pod


def bare(role, name, env=0):
    container = {"name": "agent", **({"env": [{"name": f"CLIENT_{i}", "value": f"value {i}"} for i in range(env)]} if env else {})}
    fields = {"f:metadata": {"f:labels": {".": {}, "f:gastown.io/agent": {}, "f:gastown.io/rig": {}, "f:gastown.io/role": {}}},
              "f:spec": {"f:containers": {'k:{"name":"agent"}': {".": {}, "f:name": {}}}}}
    return admitted({"apiVersion": "v1", "kind": "Pod", "metadata": {
        "name": f"gt-gastown-{role}-{name}", "namespace": "gastown", "creationTimestamp": None,
        "labels": {"app.kubernetes.io/name": "gastown", "gastown.io/rig": "gastown", "gastown.io/role": role, "gastown.io/agent": name},
        "annotations": {"event.gastown.io/bead": "gt-h3j"},
        "managedFields": [{"manager": "gastown-watcher", "operation": "Update", "apiVersion": "v1", "time": "2026-11-21T12:00:00Z", "fieldsType": "FieldsV1",
                           "fieldsV1": fields}]},
        "spec": {"containers": [container]}, "status": {}})


def review(pod):
    user = "system:serviceaccount:gastown-system:gastown-watcher"
    return {"kind": "AdmissionReview", "apiVersion": "admission.k8s.io/v1", "request": {
        "uid": "705ab4f5-6393-11e8-b7cc-42010a800002", "kind": {"group": "", "version": "v1", "kind": "Pod"},
        "resource": {"group": "", "version": "v1", "resource": "pods"}, "requestKind": {"group": "", "version": "v1", "kind": "Pod"},
        "requestResource": {"group": "", "version": "v1", "resource": "pods"}, "name": pod["metadata"]["name"], "namespace": "gastown",
        "operation": "CREATE", "userInfo": {"username": user, "uid": "014fbff9a07c", "groups": ["system:serviceaccounts", "system:authenticated"],
                                            "extra": {"authentication.kubernetes.io/credential-id": ["JTI=0b1e1dd0"]}},
        "object": pod, "oldObject": None, "dryRun": False, "options": {"kind": "CreateOptions", "apiVersion": "meta.k8s.io/v1"}}}


def large(pod, size=60_000):
    """Managed fields of many managers."""
    managers = pod["metadata"]["managedFields"]
    while len(json.dumps(pod)) < size:
        managers.append({**managers[0], "manager": f"manager-{len(managers)}"})
    return pod


def injected(inject, pod):
    made = subprocess.run([inject, "render", "-t", TEMPLATES, "-o", "json"], input=json.dumps(pod), text=True, capture_output=True, check=True)
    return json.loads(made.stdout)


def bodies(inject):
    return {"a polecat": bare("polecat", "furiosa"), "a crew member": bare("crew", "max"),
            "injected before": injected(inject, bare("polecat", "furiosa")), "1,000 variables": bare("crew", "max", 1000),
            "10,000 variables": bare("crew", "max", 10000), "60 KB": large(bare("polecat", "furiosa"))}


def measure(bench, inject):
    with tempfile.TemporaryDirectory(prefix="gastown-bench-") as folder:
        names = {}
        for i, (name, pod) in enumerate(bodies(inject).items()):
            path = Path(folder, f"{i}.json")
            path.write_text(json.dumps(review(pod), separators=(",", ":")))
            names[str(path)] = name
        made = subprocess.run([bench, TEMPLATES, *names], text=True, stdout=subprocess.PIPE, check=True)
    rows = [json.loads(line) for line in made.stdout.splitlines()]
    return [{"review": names[row.pop("file")], **row, "parses": round(row["review_ns"] / row["parse_ns"], 2)} for row in rows]


def table(rows):
    head = ("review", "body", "answer", "patch", "operations", "time", "mallocs", "arena", "parse", "its mallocs", "parses")
    lines = [head, *((row["review"], f"{row['body_bytes']:,} B", f"{row['answer_bytes']:,} B", f"{row['patch_bytes']:,} B", f"{row['operations']:,}",
                      f"{row['review_ns'] / 1000:,.1f} us", f"{row['review_mallocs']:,}", f"{row['arena_bytes'] / 1024:,.0f} KiB",
                      f"{row['parse_ns'] / 1000:,.1f} us", f"{row['parse_mallocs']:,}", f"{row['parses']:.2f}") for row in rows)]
    widths = [max(len(line[c]) for line in lines) for c in range(len(head))]
    for line in lines:
        print("  ".join(cell.ljust(width) if c == 0 else cell.rjust(width) for c, (cell, width) in enumerate(zip(line, widths))))


def misses(rows):
    """What the aims say and a row doesn't."""
    by = {row["review"]: row for row in rows}
    few, many = by["1,000 variables"], by["10,000 variables"]
    growth = (many["review_ns"] / many["body_bytes"]) / (few["review_ns"] / few["body_bytes"])
    found = [f"{name}: {by[name]['parses']} parses, the aim is {AIM}" for name in ("a polecat", "a crew member") if by[name]["parses"] > AIM]
    found += [f"{row['review']}: {row['review_mallocs']} mallocs" for row in rows if row["review_mallocs"] > 40]
    return found + ([f"10,000 variables cost {growth:.2f} times as much for a byte as 1,000"] if growth > 1.6 else [])


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("-o", "--output", choices=("table", "json"), default="table")
    parser.add_argument("--bench", default=TOP / "build" / "bench-engine")
    parser.add_argument("--inject", default=TOP / "build" / "gastown-inject")
    parser.add_argument("--check", action="store_true", help="exit 1 when an aim is missed")
    args = parser.parse_args()
    rows = measure(args.bench, args.inject)
    if args.output == "json":
        print(json.dumps(rows, indent=1))
    else:
        table(rows)
    missed = misses(rows)
    for miss in missed:
        print(f"missed: {miss}", file=sys.stderr)
    if args.check:
        print(f"{len(rows) - len(missed)} passed, {len(missed)} failed")
    return 1 if args.check and missed else 0


if __name__ == "__main__":
    sys.exit(main())
