#!/usr/bin/python3
"""Hostile reviews: each gets a defined answer, of bounded size, in bounded time.

    run.py --inject PATH [--only TEXT] [--slow N]

The cases are rows in cases_pod.py (the object), cases_review.py (the request around it) cases_template.py (reviews of
templates) and cases_update.py (of what is changed in a pod). Besides what its row says, for every case holds:

- one line comes back, a valid AdmissionReview or Status: at most 20 warnings of at most 120 characters, no control characters in them,
  at most 100 causes; no more than ANSWER_MOST bytes (and an uid);
- the program spends at most SECONDS of CPU time on it, and in all at most MEMORY (not under sanitizers: --slow, which also multiplies the
  seconds);
- no operation's path or value holds what the client wrote: all that is hostile here has `hostile` in it;
- a patch applies with two implementations, and the pod that comes out is left alone the second time.
"""
import argparse
import json
import os
import shutil
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(os.path.dirname(HERE), "property"))

try:
    import jsonpatch
except ImportError as error:
    sys.exit(f"run.py: {error}; needs the package python3-jsonpatch")

import rfc6902  # noqa: E402
from cases_pod import CASES as POD_CASES  # noqa: E402
from cases_review import CASES as REVIEW_CASES  # noqa: E402
from cases_template import CASES as TEMPLATE_CASES  # noqa: E402
from cases_update import CASES as UPDATE_CASES  # noqa: E402
from checks import check_answer  # noqa: E402
from copies import copied  # noqa: E402
from engine import Answer, Died, Engine, admission_review  # noqa: E402

SECONDS = 1.0                # for reviews of 3 MiB; of 8 MiB in proportion
MEMORY = 400 * 1024 * 1024   # 40 times the largest review: lib/json/view.h
ANSWER_MOST = 256 * 1024
CAUSES_MOST = 100
LARGE = 3 * 1024 * 1024


def cpu_seconds(process):
    """What the program has used until now; unlike a clock it doesn't count what else the machine does."""
    with open(f"/proc/{process.pid}/stat", encoding="ascii") as file:
        fields = file.read().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def peak_memory(process):
    with open(f"/proc/{process.pid}/status", encoding="ascii") as file:
        return next(int(line.split()[1]) * 1024 for line in file if line.startswith("VmHWM:"))


def check_case(engine, case, slow):
    before = cpu_seconds(engine.process)
    text = engine.ask(case.line)
    seconds = cpu_seconds(engine.process) - before
    allowed = SECONDS * slow * max(1, len(case.line) / LARGE)
    assert seconds <= allowed, f"{seconds:.2f} s for {len(case.line)} bytes, more than {allowed:.2f}"
    assert len(text) <= ANSWER_MOST + len(case.uid), f"an answer of {len(text)} bytes"
    answer = check_answer(Answer(text), case.uid)
    case.expect(answer, case)
    check_bounds(answer)
    if answer.patch:
        check_patch(engine, case, answer)


def check_bounds(answer):
    causes = answer.denial.get("details", {}).get("causes", []) if answer.code is None else []
    assert len(causes) <= CAUSES_MOST, f"{len(causes)} causes"
    assert "hostile" not in answer.patch_text, f"the patch carries what the client wrote: {answer.patch_text[:600]}"


def check_patch(engine, case, answer):
    result = rfc6902.apply(case.pod, answer.patch)
    assert result == jsonpatch.apply_patch(case.pod, copied(answer.patch), in_place=True), "two implementations of JSON Patch disagree"
    again = check_answer(Answer(engine.ask(admission_review(None, text=json.dumps(result, separators=(",", ":"))))))
    assert again.allowed and not again.patch, f"second pass: {again.text[:600]}"


def run(program, cases, slow):
    """-> how many failed"""
    with open(os.path.join(HERE, "town.yaml"), encoding="utf-8") as file:
        town = file.read()
    engine, failed = Engine(program, [town]), 0
    for case in cases:
        try:
            check_case(engine, case, slow)
        except Died as died:
            failed += 1
            print(f"FAIL {case.name}: {died}", flush=True)
            engine = Engine(program, [town])
        except AssertionError as why:
            failed += 1
            print(f"FAIL {case.name}: {case.why}\n  {str(why)[:900]}", flush=True)
        case.forget()
    if slow == 1 and peak_memory(engine.process) > MEMORY:
        failed += 1
        print(f"FAIL memory: {peak_memory(engine.process)} bytes")
    engine.close()
    return failed


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--inject", required=True, help="the gastown-inject program")
    parser.add_argument("--only", default="", help="cases whose name contains this")
    parser.add_argument("--slow", type=int, default=1, help="how much more time the program may take (sanitizers)")
    args = parser.parse_args()
    program = shutil.which(args.inject) or os.path.abspath(args.inject)
    if not os.access(program, os.X_OK):
        print(f"run.py: {args.inject}: no such program (make build/gastown-inject)", file=sys.stderr)
        return 3
    cases = [case for case in POD_CASES + REVIEW_CASES + TEMPLATE_CASES + UPDATE_CASES if args.only in case.name]
    names = [case.name for case in cases]
    assert len(set(names)) == len(names), sorted(name for name in names if names.count(name) > 1)
    failed = run(program, cases, args.slow)
    print(f"{len(cases) - failed} passed, {failed} failed")
    return 1 if failed or not cases else 0


if __name__ == "__main__":
    sys.exit(main())
