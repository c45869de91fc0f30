"""Seed corpora, made from what the repository has anyway: reviews, conformance and golden cases, templates of the demo."""
import copy
import glob
import hashlib
import json
import os

import yaml

HERE = os.path.dirname(os.path.abspath(__file__))
TOP = os.path.dirname(os.path.dirname(HERE))
NAMESPACES = ["gastown", "strict", "openshift", "baseline", "broken", "twins"]     # of town.yaml
LARGEST = 256 * 1024


def files(pattern):
    for path in sorted(glob.glob(os.path.join(TOP, "tests", pattern))):
        with open(path, encoding="utf-8") as file:
            yield file.read()


def cases():
    """Conformance and golden cases: something with a `pod`, perhaps with `templates`."""
    for text in files("conformance/cases/*.json"):
        yield json.loads(text)
    for text in files("golden/cases/*.yaml"):
        yield yaml.safe_load(text)


def review(pod, namespace):
    return {"kind": "AdmissionReview", "apiVersion": "admission.k8s.io/v1",
            "request": {"uid": "1", "resource": {"group": "", "version": "v1", "resource": "pods"}, "namespace": namespace, "operation": "CREATE",
                        "userInfo": {"groups": ["system:authenticated"]}, "object": pod}}


def update(old, namespace):
    """The pod gets other images and somebody who looks into it."""
    pod = copy.deepcopy(old)
    for container in pod.get("spec", {}).get("containers") or []:
        if isinstance(container, dict):
            container["image"] = "ghcr.io/acme/other:2"
    pod["spec"] = {**pod.get("spec", {}), "ephemeralContainers": [{"name": "debug", "image": "busybox", "securityContext": {"privileged": True, "runAsUser": 0}}]}
    whole = review(pod, namespace)
    whole["request"].update(operation="UPDATE", subResource="ephemeralcontainers", oldObject=old)
    return whole


def small(pod):
    """A pod without what the engine doesn't look at: more tries a second."""
    metadata = {key: value for key, value in pod.get("metadata", {}).items() if key in ("name", "generateName", "labels", "annotations")}
    return {"metadata": metadata, "spec": pod.get("spec", {})}


def reviews():
    for text in files("fixtures/admission-reviews.jsonl"):
        yield from text.splitlines()
    for n, case in enumerate(case for case in cases() if isinstance(case.get("pod"), dict)):
        yield json.dumps(review(case["pod"], "gastown"))
        for namespace in ("gastown", NAMESPACES[n % len(NAMESPACES)]):
            yield json.dumps(review(small(case["pod"]), namespace))
        yield json.dumps(update(small(case["pod"]), NAMESPACES[n % len(NAMESPACES)]))


def templates():
    for pattern in ("demo/templates/*.yaml", "golden/towns/*.yaml", "fuzz/town.yaml"):
        for text in files(pattern):
            yield text
            yield from ("---".join(documents) for documents in pairs(text.split("\n---")))
    for case in cases():
        if case.get("templates"):
            yield yaml.safe_dump_all(case["templates"])
            yield "\n---\n".join(json.dumps(template) for template in case["templates"])


def pairs(documents):
    """The first document (a town) with each of the others, and alone."""
    return [documents[:1]] + [[documents[0], other] for other in documents[1:]]


def texts():
    """For the readers: everything, and what the grammars have that Kubernetes objects don't use."""
    yield from templates()
    yield from list(reviews())[:40]
    yield from ['{"a":[1,-0,1.5e300,1e-7,"\\u00e9\\ud83d\\ude00\\u0000\\n"],"b":{"":null}}', "[]", "null", '"x"', "9007199254740993",
                "a: |+\n  x\n\n   y\nb: >-\n  folded\n  text\n", "? a\n: - b\n  - !!str c\n", "%YAML 1.1\n---\n&a [*a]\n...\n", "k: 010\n1_000: 0x1f\nyes: ~\n",
                "'it''s': \"\\x41\\u00e9\\U0001f600\\\n  x\"\n", "- - - a\n  - {b: [c, d], e}\n"]


def write(target, folder):
    """Fills folder with the seeds of a target; how many there are."""
    makers = {"review": reviews, "templates": templates, "readers": texts}
    os.makedirs(folder, exist_ok=True)
    seeds = {text.encode() for text in makers[target]() if len(text) <= LARGEST}
    for seed in seeds:
        with open(os.path.join(folder, hashlib.sha1(seed).hexdigest()), "wb") as file:
            file.write(seed)
    return len(seeds)
