#!/usr/bin/python3
"""Golden answers: pods as injectors meet them, and what must come out.

    run.py --inject PATH [--only TEXT] [--update]

cases/NAME.yaml is a pod with the town that it lives in (towns/TOWN.yaml); cases/NAME.json is the answer: the pod that comes out, the
warnings, or the denial. What differs is shown as a diff. --update writes the answers anew: read the diff of the commit, against
docs/injection.md. Every pod that comes out goes in a second time, and nothing may happen then.

A case: `why`, `town` (default: plain), `request` (members of the AdmissionRequest), `grow` ({path, count}: repeats the list's last
element that often, with `#` counted up), `pod`. Lists of more than 80 elements are folded in the answer, with a digest of what isn't shown.
"""
import argparse
import base64
import copy
import difflib
import glob
import hashlib
import json
import os
import shutil
import subprocess
import sys
import tempfile

try:
    import jsonpatch
    import yaml
except ImportError as error:
    sys.exit(f"run.py: {error}; needs the packages python3-jsonpatch and python3-yaml")

HERE = os.path.dirname(os.path.abspath(__file__))
LONGEST = 80


class Broken(Exception):
    pass


# ---- cases ----

def load(path):
    with open(path, encoding="utf-8") as file:
        case = yaml.safe_load(file)
    case["name"] = os.path.splitext(os.path.basename(path))[0]
    case["golden"] = os.path.splitext(path)[0] + ".json"
    grow(case["pod"], **case.get("grow", {}))
    return case


def grow(pod, path=(), count=0):
    """Repeats the last element of one list of the pod."""
    elements = pod
    for step in path:
        elements = elements[step]
    if count:
        text = json.dumps(elements.pop())
        elements += [json.loads(text.replace("#", str(i))) for i in range(count)]


def review(case, pod):
    resource = {"group": "", "version": "v1", "resource": "pods"}
    request = {"uid": case["name"], "kind": {"group": "", "version": "v1", "kind": "Pod"}, "resource": resource, "namespace": "gastown",
               "operation": "CREATE", "userInfo": {"username": "someone", "groups": ["system:authenticated"]}, **case.get("request", {}), "object": pod}
    return json.dumps({"kind": "AdmissionReview", "apiVersion": "admission.k8s.io/v1", "request": request})


# ---- the program ----

def ask(program, town, lines):
    """Answers to reviews, in their order, from one process."""
    with tempfile.TemporaryDirectory() as folder:
        shutil.copy(os.path.join(HERE, "towns", f"{town}.yaml"), folder)
        done = subprocess.run([program, "review", "-t", folder], input="".join(line + "\n" for line in lines), capture_output=True, text=True, timeout=60)
    answers = done.stdout.splitlines()
    if done.returncode != 0 or len(answers) != len(lines) or done.stderr:
        raise Broken(f"town {town}: exit status {done.returncode}, {len(answers)} answers to {len(lines)} reviews\n{done.stderr[-2000:]}")
    return [json.loads(answer) for answer in answers]


def outcome(answer, pod):
    """-> (what people want to see of an answer, the pod that comes out or None)"""
    if answer["kind"] == "Status":
        return {"error": {"code": answer["code"], "message": answer["message"]}}, None
    response = answer["response"]
    shown = {"warnings": response["warnings"]} if "warnings" in response else {}
    if not response["allowed"]:
        status = response["status"]
        causes = [f"{cause['field']}: {cause['message']}" for cause in status["details"]["causes"]]
        return {"denied": {"code": status["code"], "reason": status["reason"], "causes": causes}, **shown}, None
    if "patch" not in response:
        return {"left alone": True, **shown}, None
    result = jsonpatch.apply_patch(pod, json.loads(base64.b64decode(response["patch"])))
    return {**shown, "pod": folded(result)}, result


def folded(node):
    if isinstance(node, dict):
        return {key: folded(value) for key, value in node.items()}
    if not isinstance(node, list):
        return node
    if len(node) <= LONGEST:
        return [folded(value) for value in node]
    hidden = json.dumps(node[LONGEST // 2:-2], sort_keys=True).encode()
    return node[:LONGEST // 2] + [f"{len(node) - LONGEST // 2 - 2} more, SHA-256 {hashlib.sha256(hidden).hexdigest()}"] + node[-2:]


def answers_of(program, cases):
    """Name -> (golden text, complaint or None), town by town: one process for the first pass, one for the second."""
    found = {}
    for town in sorted({case.get("town", "plain") for case in cases}):
        here = [case for case in cases if case.get("town", "plain") == town]
        firsts = [outcome(answer, case["pod"]) for case, answer in zip(here, ask(program, town, [review(c, copy.deepcopy(c["pod"])) for c in here]))]
        again = [(case, result) for case, (_, result) in zip(here, firsts) if result is not None]
        seconds = ask(program, town, [review(case, result) for case, result in again]) if again else []
        complaints = {case["name"]: second_pass(answer, result) for (case, result), answer in zip(again, seconds)}
        for case, (shown, _) in zip(here, firsts):
            found[case["name"]] = json.dumps(shown, indent=1, ensure_ascii=False) + "\n", complaints.get(case["name"])
    return found


def second_pass(answer, pod):
    shown, _ = outcome(answer, pod)
    return None if "left alone" in shown else "the second pass isn't empty: " + json.dumps(answer.get("response", answer))[:600]


# ---- comparing ----

def compare(case, text, complaint, update):
    """-> the lines to print, none when all is well"""
    golden = open(case["golden"], encoding="utf-8").read() if os.path.exists(case["golden"]) else ""
    lines = [f"FAIL {case['name']}: {complaint}"] if complaint else []
    if golden != text and update:
        with open(case["golden"], "w", encoding="utf-8") as file:
            file.write(text)
        print(f"written {os.path.relpath(case['golden'], HERE)}")
    elif golden != text:
        diff = difflib.unified_diff(golden.splitlines(), text.splitlines(), "golden", "now", lineterm="", n=4)
        lines += [f"FAIL {case['name']}: {case['why']}"] + ["  " + line for line in diff]
    return lines


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--inject", required=True, help="the gastown-inject program")
    parser.add_argument("--only", default="", help="cases whose name contains this")
    parser.add_argument("--update", action="store_true", help="write the answers anew")
    args = parser.parse_args()
    program = shutil.which(args.inject) or os.path.abspath(args.inject)
    if not os.access(program, os.X_OK):
        print(f"run.py: {args.inject}: no such program (make build/gastown-inject)", file=sys.stderr)
        return 3
    cases = [load(path) for path in sorted(glob.glob(os.path.join(HERE, "cases", "*.yaml"))) if args.only in path]
    failed = 0
    try:
        answers = answers_of(program, cases)
    except (Broken, subprocess.TimeoutExpired) as error:
        print(f"FAIL {error}\n0 passed, {len(cases) or 1} failed")
        return 1
    for case in cases:
        lines = compare(case, *answers[case["name"]], args.update)
        failed += bool(lines)
        print(*lines, sep="\n", end="\n" if lines else "")
    print(f"{len(cases) - failed} passed, {failed} failed")
    return 1 if failed or not cases else 0


if __name__ == "__main__":
    sys.exit(main())
