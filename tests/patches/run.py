#!/usr/bin/python3
"""JSON Patch as an API server applies it: with evanphx/json-patch, in the version that the test bed's Kubernetes is built with.

    run.py --inject PATH [--examples N] [--seed N]

Three things: the RFC's rules, asked of it and of the two implementations that the other tests use (python3-jsonpatch and
tests/property/rfc6902.py), so that none is laxer than the API server; the patches of all golden cases; the patches of random pods, in which
members that nobody knows stand, whose bytes must come out of it as they went in. Skipped where there is no Go and none can be fetched.
"""
import argparse
import glob
import json
import os
import runpy
import shutil
import subprocess
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
TESTS = os.path.dirname(HERE)
sys.path[:0] = [os.path.join(TESTS, "property"), os.path.join(TESTS, "cluster")]

import hypothesis  # noqa: E402
import jsonpatch  # noqa: E402
import jsonpointer  # noqa: E402
from hypothesis import strategies as st  # noqa: E402

import rfc6902  # noqa: E402
from choices import strategy  # noqa: E402
from copies import copied  # noqa: E402
from engine import Answer, Engine, Engines, admission_review  # noqa: E402
from pods import plant, pod  # noqa: E402
from templates import template_set  # noqa: E402
from testbed import golang  # noqa: E402
from testbed.errors import BedError  # noqa: E402
from testbed.parts import GROUPS  # noqa: E402

# document, operations, what comes out (None: it doesn't apply)
DOCUMENT = {"a": [1, 2, 3], "b": {"c/d": 1, "e~f": 2, "~1": 3, "": 4}, "n": None}
RULES = [
    ([{"op": "add", "path": "/a/-", "value": 9}], {"a": [1, 2, 3, 9]}),
    ([{"op": "add", "path": "/a/3", "value": 9}], {"a": [1, 2, 3, 9]}),
    ([{"op": "add", "path": "/a/0", "value": 9}], {"a": [9, 1, 2, 3]}),
    ([{"op": "add", "path": "/a/4", "value": 9}], None),
    ([{"op": "add", "path": "/a/01", "value": 9}], None),
    ([{"op": "add", "path": "/a/x", "value": 9}], None),
    ([{"op": "remove", "path": "/a/3"}], None),
    ([{"op": "remove", "path": "/a/2"}, {"op": "remove", "path": "/a/0"}], {"a": [2]}),
    ([{"op": "remove", "path": "/x"}], None),
    ([{"op": "replace", "path": "/x", "value": 1}], None),
    ([{"op": "replace", "path": "/a/3", "value": 1}], None),
    ([{"op": "replace", "path": "/n", "value": 1}], {"n": 1}),
    ([{"op": "add", "path": "/x/y", "value": 1}], None),
    ([{"op": "add", "path": "/n/y", "value": 1}], None),
    ([{"op": "replace", "path": "/b/c~1d", "value": 9}], {"b": {"c/d": 9, "e~f": 2, "~1": 3, "": 4}}),
    ([{"op": "replace", "path": "/b/e~0f", "value": 9}], {"b": {"c/d": 1, "e~f": 9, "~1": 3, "": 4}}),
    ([{"op": "replace", "path": "/b/~01", "value": 9}], {"b": {"c/d": 1, "e~f": 2, "~1": 9, "": 4}}),
    ([{"op": "replace", "path": "/b/", "value": 9}], {"b": {"c/d": 1, "e~f": 2, "~1": 3, "": 9}}),
    ([{"op": "add", "path": "/a/0", "value": 7}, {"op": "remove", "path": "/a/1"}], {"a": [7, 2, 3]}),
    ([{"op": "add", "path": "/m", "value": {}}, {"op": "add", "path": "/m/k", "value": [None]}], {"m": {"k": [None]}}),
]
# who takes what no one should: (name, op, path); rfc6902.py takes none of it
LAXER = {("python3-jsonpatch", "add", "/a/01"), ("evanphx", "add", "/a/01"), ("evanphx", "replace", "/x")}


class Applier:
    """The Go program, line by line."""

    def __init__(self, program):
        self.process = subprocess.Popen([program], stdin=subprocess.PIPE, stdout=subprocess.PIPE)

    def apply(self, text, patch_text):
        """The changed document as text, or None."""
        self.process.stdin.write(f'{{"doc":{text},"patch":{patch_text}}}\n'.encode())
        self.process.stdin.flush()
        line = self.process.stdout.readline().decode()
        return None if line.startswith('{"error":') else line

    def close(self):
        self.process.stdin.close()
        self.process.wait()


def built(folder):
    """The Go program, built with the modules that the test bed's API server is built with."""
    os.makedirs(folder, exist_ok=True)
    for path in (os.path.join(HERE, "main.go"), GROUPS["kubernetes"].folder / "go.mod", GROUPS["kubernetes"].folder / "go.sum"):
        shutil.copy(path, folder)
    go, env = golang.find_go(folder)
    program = os.path.join(os.path.abspath(folder), "apply")
    done = subprocess.run([go, "build", "-o", program, "."], cwd=folder, env={**env, "GOFLAGS": "-mod=readonly"}, capture_output=True, text=True)
    if done.returncode:
        raise BedError(f"go build: {done.stderr[-2000:]}")
    return program


def outcomes(applier, operations):
    """What each implementation makes of them: {name: document or None}."""
    def attempt(function, errors):
        try:
            return function()
        except errors:
            return None
    changed = applier.apply(json.dumps(DOCUMENT), json.dumps(operations))
    return {"evanphx": None if changed is None else json.loads(changed),
            "python3-jsonpatch": attempt(lambda: jsonpatch.apply_patch(DOCUMENT, copied(operations)), (jsonpatch.JsonPatchException, jsonpointer.JsonPointerException, TypeError)),
            "rfc6902.py": attempt(lambda: rfc6902.apply(DOCUMENT, operations), rfc6902.DoesNotApply)}


def rules(applier):
    strict = set()
    for operations, changes in RULES:
        wanted = None if changes is None else {**DOCUMENT, **changes}
        for name, found in outcomes(applier, operations).items():
            if (name, operations[0]["op"], operations[0]["path"]) not in LAXER:
                assert found == wanted, f"{name}: {operations}: {found} instead of {wanted}"
                strict.add(json.dumps(operations))
    assert len(strict) == len(RULES), "a rule that nobody keeps"


def same(applier, text, answer):
    """The API server's result of one answer is that of the other implementation."""
    changed = applier.apply(text, answer.patch_text)
    assert changed is not None, f"doesn't apply: {answer.patch_text[:600]}"
    wanted = rfc6902.apply(json.loads(text), answer.patch)
    assert json.loads(changed) == wanted, f"{changed[:600]} instead of {json.dumps(wanted)[:600]}"
    return changed


def goldens(applier, program):
    golden, count = runpy.run_path(os.path.join(TESTS, "golden", "run.py")), 0
    for path in sorted(glob.glob(os.path.join(TESTS, "golden", "cases", "*.yaml"))):
        case = golden["load"](path)
        with open(os.path.join(TESTS, "golden", "towns", case.get("town", "plain") + ".yaml"), encoding="utf-8") as file:
            engine = Engine(program, [file.read()])
        answer = Answer(engine.ask(golden["review"](case, case["pod"]).encode()))
        engine.close()
        if answer.patch:
            same(applier, json.dumps(case["pod"]), answer)
            count += 1
    assert count > 20, f"only {count} patches in all golden cases"
    return count


def random_pods(applier, program, examples, seed):
    engines, count = Engines(program), [0]

    @hypothesis.seed(seed)
    @hypothesis.settings(max_examples=examples, database=None, deadline=None, suppress_health_check=list(hypothesis.HealthCheck),
                         phases=(hypothesis.Phase.generate, hypothesis.Phase.shrink))
    @hypothesis.given(strategy(template_set), strategy(pod), st.integers(0, 99))
    def run(templates, example, variant):
        text, members = plant(example, variant)
        answer = Answer(engines.of(templates).ask(admission_review(None, text=text)))
        if answer.patch:
            changed = same(applier, text, answer)
            numbers = [member for member in members if member.endswith("1e999") or member.endswith("E+2") or member.endswith("-0")]
            lost = [member for member in numbers if member.rsplit(" ", 1)[1] not in changed]
            assert not lost, f"{lost} is written in another way"
            count[0] += 1
    try:
        run()
    finally:
        engines.close()
    return count[0]


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--inject", required=True, help="the gastown-inject program")
    parser.add_argument("--examples", type=int, default=2000, help="random pods (%(default)s)")
    parser.add_argument("--seed", type=int, default=20261121, help="of these (%(default)s)")
    args = parser.parse_args()
    try:
        program = built(os.path.join(os.path.dirname(TESTS), "build", "patches"))
    except BedError as error:
        print(f"skipped: {error}\n0 passed, 0 failed, 1 skipped")
        return 0
    applier, inject, failed = Applier(program), os.path.abspath(args.inject), 0
    for name, check in (("rules", lambda: rules(applier)), ("goldens", lambda: goldens(applier, inject)), ("random-pods", lambda: random_pods(applier, inject, args.examples, args.seed))):
        try:
            count = check()
            print(f"ok {name}" + (f" ({count} patches)" if count else ""), flush=True)
        except AssertionError as why:
            failed += 1
            print(f"FAIL {name}: {why}", flush=True)
    applier.close()
    print(f"{3 - failed} passed, {failed} failed")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
