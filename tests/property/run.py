#!/usr/bin/python3
"""Properties of the engine, by hypothesis.

    run.py --inject PATH [--examples N] [--seed N] [--only TEXT] [--jobs N] [--replay FILE]

Each property prints `ok property (N examples)` or `FAIL property: why` with the smallest example that hypothesis found; the example is
written to a file, too, for --replay. The same seed gives the same examples. Exit status 1 when a property fails, 3 when the program
can't be run.
"""
import argparse
import concurrent.futures
import json
import multiprocessing
import os
import shutil
import sys
import tempfile
import time

try:
    import hypothesis
    from hypothesis.configuration import set_hypothesis_home_dir
    from hypothesis.reporting import with_reporter
    set_hypothesis_home_dir(os.path.join(tempfile.gettempdir(), f"gastown-hypothesis-{os.getuid()}")) # not into the checkout
    from properties import PROPERTIES
except ImportError as error:
    sys.exit(f"run.py: {error}; needs the packages python3-hypothesis and python3-jsonpatch")

from engine import Engines

DEFAULT_SEED = 20261121


class Failure(Exception):
    pass


def check(name, program, examples, seed):
    """-> (seconds, None or (why, smallest example))"""
    function, strategy = next((f, s) for n, f, s in PROPERTIES if n == name)
    engines, last, start = Engines(program), {}, time.monotonic()

    @hypothesis.seed(seed)
    @hypothesis.settings(max_examples=examples, database=None, deadline=None, report_multiple_bugs=False, suppress_health_check=list(hypothesis.HealthCheck),
                         phases=(hypothesis.Phase.generate, hypothesis.Phase.shrink))
    @hypothesis.given(strategy)
    def run(example):
        last["example"] = example # hypothesis ends with the smallest
        function(engines, **example)
    try:
        with with_reporter(lambda text: None):
            run()
        return time.monotonic() - start, None
    except Exception as error: # whatever a property or the engine did wrong
        return time.monotonic() - start, (f"{type(error).__name__ if not isinstance(error, AssertionError) else ''} {error}".strip(), last.get("example"))
    finally:
        engines.close()


def report(name, examples, seconds, failure, folder):
    if failure is None:
        print(f"ok {name} ({examples} examples, {seconds:.1f} s)", flush=True)
        return
    why, example = failure
    text = json.dumps(example, ensure_ascii=False, default=repr)
    path = os.path.join(folder, f"{name}.json")
    with open(path, "w", encoding="utf-8") as file:
        file.write(json.dumps({"property": name, "example": example}, ensure_ascii=False, default=repr))
    print(f"FAIL {name}: {why[:900]}\n  smallest example: {text[:3000]}\n  again: run.py --inject ... --replay {path}", flush=True)


def replay(program, path):
    with open(path, encoding="utf-8") as file:
        saved = json.load(file)
    function = next(f for n, f, _ in PROPERTIES if n == saved["property"])
    engines = Engines(program)
    try:
        function(engines, **saved["example"])
    finally:
        engines.close()
    print(f"ok {saved['property']} (this example)")


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--inject", required=True, help="the gastown-inject program")
    parser.add_argument("--examples", type=int, default=200, help="per property (%(default)s)")
    parser.add_argument("--seed", type=int, default=DEFAULT_SEED, help="of the examples (%(default)s)")
    parser.add_argument("--only", default="", help="properties whose name contains this")
    parser.add_argument("--jobs", type=int, default=os.cpu_count() or 1, help="properties at a time (%(default)s)")
    parser.add_argument("--replay", metavar="FILE", help="one saved example")
    args = parser.parse_args()
    program = shutil.which(args.inject) or os.path.abspath(args.inject)
    if not os.access(program, os.X_OK):
        print(f"run.py: {args.inject}: no such program (make build/gastown-inject)", file=sys.stderr)
        return 3
    if args.replay:
        return replay(program, args.replay)
    chosen = [name for name, _, _ in PROPERTIES if args.only in name]
    print(f"seed {args.seed}", flush=True)
    failed, folder = 0, tempfile.mkdtemp(prefix="gastown-property-examples-")
    fork = multiprocessing.get_context("fork")
    with concurrent.futures.ProcessPoolExecutor(args.jobs, mp_context=fork) as pool:
        jobs = [pool.submit(check, name, program, args.examples, args.seed) for name in chosen]
        for name, job in zip(chosen, jobs):
            seconds, failure = job.result()
            failed += failure is not None
            report(name, args.examples, seconds, failure, folder)
    if not failed:
        shutil.rmtree(folder, ignore_errors=True)
    print(f"{len(chosen) - failed} passed, {failed} failed")
    return 1 if failed or not chosen else 0


if __name__ == "__main__":
    sys.exit(main())
