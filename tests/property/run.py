#!/usr/bin/python3
"""Properties of the engine, by hypothesis.

    run.py --inject PATH [--examples N] [--seed N|random] [--only TEXT] [--jobs N] [--replay FILE]

Each property prints `ok property (N examples, ...)`, the number of those that were really run and no two alike, or `FAIL property: why`
with the smallest example that hypothesis found; the example is written to a file, too, for --replay. Fewer examples than asked for are a
failure. `told nothing`: the example was none for this property (a pod that is denied has no second pass). Exit status 1 when a property
fails, 3 when the program can't be run.

The same seed gives the same examples. The default seed is fixed, so that a test that turns red tells of the commit and not of the day;
new examples are what `make property` is for, which takes a random seed and says which.
"""
import argparse
import collections
import concurrent.futures
import gc
import json
import multiprocessing
import os
import random
import shutil
import sys
import tempfile
import time
import zlib

try:
    import hypothesis
    from hypothesis.configuration import set_hypothesis_home_dir
    from hypothesis.reporting import with_reporter
    set_hypothesis_home_dir(os.path.join(tempfile.gettempdir(), f"gastown-hypothesis-{os.getuid()}")) # not into the checkout
    import merges      # noqa: F401 (it registers its properties)
    import properties  # noqa: F401
    from registry import MOOT, PROPERTIES
except ImportError as error:
    sys.exit(f"run.py: {error}; needs the packages python3-hypothesis and python3-jsonpatch")

from engine import Engines

DEFAULT_SEED = 20261121
PART = 500            # examples a job: so that both cores are busy to the end, and hypothesis' memory of them stays small
PROGRESS_EVERY = 15   # seconds

Result = collections.namedtuple("Result", "ran moot seconds failure")


def check(name, program, examples, seed):
    """One property for so many examples; failure: None or (why, smallest example)."""
    function, strategy = next((f, s) for n, f, s in PROPERTIES if n == name)
    gc.set_threshold(100_000) # nothing here goes in circles, and looking for that takes a tenth of the time
    engines, seen, last, count, start = Engines(program), set(), {}, collections.Counter(), time.monotonic()

    @hypothesis.seed(seed)
    @hypothesis.settings(max_examples=examples, database=None, deadline=None, report_multiple_bugs=False, suppress_health_check=list(hypothesis.HealthCheck),
                         phases=(hypothesis.Phase.generate, hypothesis.Phase.shrink))
    @hypothesis.given(strategy)
    def run(example):
        text = repr(example)
        hypothesis.assume(text not in seen) # then it doesn't count
        last["example"] = example # hypothesis ends with the smallest
        moot = function(engines, **example) is MOOT
        seen.add(text)
        count.update(ran=1, moot=moot)
    failure = None
    try:
        with with_reporter(lambda text: None):
            run()
        if count["ran"] < examples:
            failure = f"only {count['ran']} of {examples} examples were run", None
    except Exception as error: # whatever a property or the engine did wrong
        failure = f"{type(error).__name__ if not isinstance(error, AssertionError) else ''} {error}".strip(), last.get("example")
    finally:
        engines.close()
    return Result(count["ran"], count["moot"], time.monotonic() - start, failure)


def parts(name, examples, seed):
    """[(examples, seed)] of the jobs that make up a property."""
    sizes = [PART] * (examples // PART) + [examples % PART] * (examples % PART > 0)
    return [(size, zlib.crc32(f"{seed}/{name}/{i}".encode())) for i, size in enumerate(sizes)]


def together(results):
    failures = [result.failure for result in results if result.failure]
    failures.sort(key=lambda failure: len(repr(failure[1])))
    return Result(sum(r.ran for r in results), sum(r.moot for r in results), sum(r.seconds for r in results), failures[0] if failures else None)


def report(name, result, folder):
    if result.failure is None:
        moot = f", {result.moot} told nothing" if result.moot else ""
        print(f"ok {name} ({result.ran} examples{moot}, {result.seconds:.1f} s)", flush=True)
        return
    why, example = result.failure
    text = json.dumps(example, ensure_ascii=False, default=repr)
    path = os.path.join(folder, f"{name}.json")
    with open(path, "w", encoding="utf-8") as file:
        file.write(json.dumps({"property": name, "example": example}, ensure_ascii=False, default=repr))
    print(f"FAIL {name}: {why[:900]}\n  smallest example: {text[:3000]}\n  again: run.py --inject ... --replay {path}", flush=True)


class Progress:
    def __init__(self, total):
        self.total, self.done, self.start, self.said = total, 0, time.monotonic(), time.monotonic()

    def add(self, examples):
        self.done += examples
        if time.monotonic() - self.said >= PROGRESS_EVERY:
            self.said = time.monotonic()
            print(f"  {self.said - self.start:.0f} s: {self.done} of {self.total} examples", flush=True)


def run_all(program, names, args, folder):
    """-> how many properties failed, how many examples were run"""
    failed, ran, progress = 0, 0, Progress(len(names) * args.examples)
    with concurrent.futures.ProcessPoolExecutor(args.jobs, mp_context=multiprocessing.get_context("fork")) as pool:
        owner = {pool.submit(check, name, program, *part): name for name in names for part in parts(name, args.examples, args.seed)}
        results, missing = collections.defaultdict(list), collections.Counter(owner.values())
        for job in concurrent.futures.as_completed(owner):
            name, result = owner[job], job.result()
            results[name].append(result)
            progress.add(result.ran)
            if len(results[name]) == missing[name]:
                whole = together(results[name])
                report(name, whole, folder)
                failed, ran = failed + (whole.failure is not None), ran + whole.ran
    return failed, ran


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


def seed_of(text):
    return random.SystemRandom().randrange(2 ** 32) if text == "random" else int(text)


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--inject", required=True, help="the gastown-inject program")
    parser.add_argument("--examples", type=int, default=2000, help="per property (%(default)s)")
    parser.add_argument("--seed", type=seed_of, default=DEFAULT_SEED, help="of the examples (%(default)s); random: a new one, which is printed")
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
    names = [name for name, _, _ in PROPERTIES if args.only in name]
    print(f"seed {args.seed}, {args.examples} examples for each of {len(names)} properties", flush=True)
    start, folder = time.monotonic(), tempfile.mkdtemp(prefix="gastown-property-examples-")
    failed, ran = run_all(program, names, args, folder)
    if not failed:
        shutil.rmtree(folder, ignore_errors=True)
    print(f"{ran} examples in {time.monotonic() - start:.0f} s, seed {args.seed}")
    print(f"{len(names) - failed} passed, {failed} failed")
    return 1 if failed or not names else 0


if __name__ == "__main__":
    sys.exit(main())
