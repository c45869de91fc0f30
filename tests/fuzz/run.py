#!/usr/bin/env python3
"""Runs the fuzz targets that build/fuzz has: first every input that once went wrong, then each target for FUZZ_SECONDS (60).

    tests/fuzz/run.py [TARGET...]

Two targets run at a time (FUZZ_JOBS). What they find is kept: inputs worth having in build/fuzz/corpus/TARGET, where the next run goes on,
and those that broke something in build/fuzz/crashes, with the command that replays them. One check for each target, one for all the
regressions of each.
"""
import argparse
import concurrent.futures
import glob
import os
import re
import subprocess
import sys
import time

import seeds

TOP = seeds.TOP
BUILD = os.path.join(TOP, "build", "fuzz")
CRASHES = os.path.join(BUILD, "crashes")
TARGETS = ["review", "templates", "readers"]
SECONDS = int(os.environ.get("FUZZ_SECONDS", "60"))
JOBS = int(os.environ.get("FUZZ_JOBS", "2"))
LIMITS = ["-timeout=10", "-rss_limit_mb=2048", f"-max_len={seeds.LARGEST}"]

# of a stack, what says nothing
FRAMES = re.compile(r"^ +#\d+ .* in (fuzzer::|_start|main |abort|raise|__)|/libc\.so|^(stat::|NOTE:|      Combine|artifact_prefix=)")


def environment():
    """The report belongs into the target's own output, beside the input; tests/run.py would have it in a file."""
    return {**os.environ, "ASAN_OPTIONS": "detect_leaks=1:malloc_context_size=8:quarantine_size_mb=32", "UBSAN_OPTIONS": "print_stacktrace=1"}


def launch(target, arguments, log, seconds):
    with open(os.path.join(BUILD, log), "wb") as output:
        done = subprocess.run([os.path.join(BUILD, target), *LIMITS, f"-artifact_prefix={CRASHES}/{target}-", *arguments], cwd=TOP, stdout=output,
                              stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL, env=environment(), timeout=seconds, check=False)
    with open(os.path.join(BUILD, log), encoding="utf-8", errors="replace") as output:
        return done.returncode, output.read()


def complain(target, status, output):
    """What a person needs of a failure: the end of the report, and how to see it again."""
    at = [m.start() for m in re.finditer(r"^(tests/fuzz/\S+:\d+: |==\d+==|.*runtime error: )", output, re.M)]
    lines = [line for line in output[at[0] if at else 0:].splitlines() if not FRAMES.search(line)]
    print("\n".join("    " + line[:400] for line in lines[:30]))
    for path in re.findall(r"Test unit written to (\S+)", output):
        print(f"    replay: build/fuzz/{target} {os.path.relpath(path, TOP)}")
    print(f"FAIL {target}: exit status {status}", flush=True)
    return False


def regressions(target):
    """Each input that once went wrong. None: there's none yet."""
    inputs = sorted(glob.glob(os.path.join(seeds.HERE, "regressions", target, "*")))
    if not inputs:
        return None
    status, output = launch(target, [os.path.relpath(path, TOP) for path in inputs], f"{target}-regressions.log", 600)
    if status:
        tried = re.findall(r"^Running: (\S+)", output, re.M)
        print(f"    replay: build/fuzz/{target} {tried[-1] if tried else ''}")
        return complain(target, status, output)
    print(f"ok {target}: {len(inputs)} regressions")
    return True


def fuzz(target):
    corpus, seeded = os.path.join(BUILD, "corpus", target), os.path.join(BUILD, "seeds", target)
    os.makedirs(corpus, exist_ok=True)
    seeds.write(target, seeded)
    begin = time.monotonic()
    status, output = launch(target, [f"-max_total_time={SECONDS}", "-print_final_stats=1", "-dict=tests/fuzz/gastown.dict", corpus, seeded],
                            f"{target}.log", SECONDS + 600)
    units = re.findall(r"number_of_executed_units: (\d+)", output)
    edges = re.findall(r" cov: (\d+) ft: (\d+) corp: (\d+)", output)
    if status or not units or not edges:
        return complain(target, status, output)
    total = re.findall(r"\((\d+) PCs\)", output)
    print(f"ok {target}: {units[-1]} inputs in {time.monotonic() - begin:.0f} s, {edges[-1][0]} of {total[-1]} edges, {edges[-1][2]} inputs kept", flush=True)
    return True


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    parser.add_argument("targets", nargs="*", default=TARGETS, metavar="TARGET", help=", ".join(TARGETS))
    targets = parser.parse_args().targets
    os.makedirs(CRASHES, exist_ok=True)
    results = [regressions(target) for target in targets]
    with concurrent.futures.ThreadPoolExecutor(JOBS) as pool:
        results += pool.map(fuzz, targets)
    passed, failed = results.count(True), results.count(False)
    print(f"{passed} passed, {failed} failed")
    return 1 if failed or not passed else 0


if __name__ == "__main__":
    sys.exit(main())
