#!/usr/bin/env python3
"""Runs the test suites and adds up what they counted.

    tests/run.py [--fast] [--only NAME[,NAME]]

Each suite is a row of SUITES: a command whose output ends with `N passed, N failed[, N skipped]` (or Criterion's synthesis); a command that
counts nothing is one check. Output goes to build/test/NAME.log; the end of it is shown when something failed. A sanitizer's report is a
failure, whatever the command says. With CI set, what was skipped fails.
"""
import argparse
import glob
import os
import re
import signal
import subprocess
import sys
import threading
import time

TOP = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
LOGS = os.path.join(TOP, "build", "test")
PYTHON = sys.executable
FAST, FULL, LINT = "fast", "full", "lint"

SOURCES = "git ls-files -co --exclude-standard '*.c' '*.h'"
C_FILES = "git ls-files -co --exclude-standard '*.c'"

# name, when, command (a list, or text for the shell), seconds it may take
SUITES = [
    ("arrows", FAST, [PYTHON, "tests/arrows.py"], 60),
    ("unit", FAST, ["build/unit", "--short-filename", "-j2"], 300),
    ("conformance", FAST, [PYTHON, "tests/conformance/run.py", "--inject", "build/gastown-inject", "tests/conformance/cases"], 300),
    ("conformance-map", FAST, [PYTHON, "tests/conformance/watcher/run.py", "--watcher", "build/gastown-watcher", "tests/conformance/watcher/map.jsonl"], 300),
    ("golden", FAST, [PYTHON, "tests/golden/run.py", "--inject", "build/gastown-inject"], 300),
    ("workspace", FULL, [PYTHON, "tests/workspace/run.py", "--inject", "build/gastown-inject"], 300),
    ("hostile", FAST, [PYTHON, "tests/hostile/run.py", "--inject", "build/gastown-inject"], 300),
    ("cli", FAST, [PYTHON, "tests/cli/run.py", "--inject", "build/gastown-inject"], 120),
    ("crds", FAST, [PYTHON, "tests/crds/run.py", "--inject", "build/gastown-inject"], 120),
    ("cli-cluster", FAST, [PYTHON, "tests/cli/cluster.py", "--inject", "build/gastown-inject"], 120),
    ("docs", FAST, [PYTHON, "tests/docs.py"], 120),
    ("sidecars", FAST, [PYTHON, "tests/sidecars/run.py"], 120),
    ("demo", FAST, [PYTHON, "tests/demo/demo.py"], 120),
    ("unit-asan", FULL, ["build/asan/unit", "--short-filename", "-j2"], 900),
    ("conformance-asan", FULL, [PYTHON, "tests/conformance/run.py", "--inject", "build/asan/gastown-inject", "tests/conformance/cases"], 600),
    ("conformance-map-asan", FULL, [PYTHON, "tests/conformance/watcher/run.py", "--watcher", "build/asan/gastown-watcher", "tests/conformance/watcher/map.jsonl"], 600),
    ("golden-asan", FULL, [PYTHON, "tests/golden/run.py", "--inject", "build/asan/gastown-inject"], 600),
    ("hostile-asan", FULL, [PYTHON, "tests/hostile/run.py", "--inject", "build/asan/gastown-inject", "--slow", "30"], 900),
    ("cli-asan", FULL, [PYTHON, "tests/cli/run.py", "--inject", "build/asan/gastown-inject"], 300),
    ("cli-cluster-asan", FULL, [PYTHON, "tests/cli/cluster.py", "--inject", "build/asan/gastown-inject"], 300),
    ("property", FULL, [PYTHON, "tests/property/run.py", "--inject", "build/gastown-inject"], 1800),
    ("patches", FULL, [PYTHON, "tests/patches/run.py", "--inject", "build/gastown-inject"], 900),
    ("bench", FULL, [PYTHON, "tests/bench/run.py", "--check"], 300),
    ("bench-serving", FULL, [PYTHON, "tests/bench/serving.py", "--check", "--seconds", "1", "--rounds", "2"], 900),
    ("webhook", FULL, [PYTHON, "tests/webhook/server.py", "--webhook", "build/gastown-webhook"], 600),
    ("webhook-asan", FULL, [PYTHON, "tests/webhook/server.py", "--webhook", "build/asan/gastown-webhook"], 600),
    ("siege", FULL, [PYTHON, "tests/webhook/siege.py"], 300),
    ("siege-asan", FULL, [PYTHON, "tests/webhook/siege.py", "--webhook", "build/asan/gastown-webhook", "--patient", "--seconds", "1"], 600),
    ("fuzz-http", FULL, [PYTHON, "tests/webhook/fuzz_http.py", "--seconds", "30"], 300),
    ("endurance", FULL, [PYTHON, "tests/webhook/endurance.py", "--reviews", "200000", "--handshakes", "4000"], 300),
    ("tsan-catalogue", FULL, ["build/tsan/catalogue"], 300),
    ("tsan-server", FULL, ["build/tsan/server"], 300),
    ("valgrind", FULL, "valgrind -q --error-exitcode=9 --leak-check=full build/gastown-inject review -t tests/demo/templates "
                       "< tests/fixtures/admission-reviews.jsonl > build/test/valgrind.out", 300),
    ("faults", FULL, ["build/faults/faults"], 900),
    ("faults-asan", FULL, ["build/asan/faults", "--every", "7"], 900),
    ("fuzz", FULL, [PYTHON, "tests/fuzz/run.py"], 1800),
    ("lint-clang", LINT, ["make", "--no-print-directory", "-j2", "BUILD=build/clang", "CC=clang", "OPTIMIZE=-O1", "clang-objects"], 900),
    ("lint-format", LINT, f"{SOURCES} | xargs clang-format --dry-run --Werror", 120),
    ("lint-cppcheck", LINT, f"{C_FILES} | xargs cppcheck -q -j2 --enable=warning,performance,portability --std=c17 --error-exitcode=1 --inline-suppr "
                            "--library=tests/unit/criterion.cfg -I. -D_GNU_SOURCE -DGT_VERSION='\"x\"'", 900),
    ("lint-tidy", LINT, f"make --no-print-directory compile_commands.json && {PYTHON} tests/lint_tidy.py", 1800),
    ("testbed-build", FULL, [PYTHON, "tests/cluster/bed.py", "build", "--all"], 3600),
    ("testbed", FULL, [PYTHON, "tests/cluster/bed_test.py"], 600),
    ("firstlight", FULL, [PYTHON, "tests/cluster/firstlight.py"], 900),
    ("catalogue", FULL, [PYTHON, "tests/cluster/catalogue.py"], 900),
    ("definitions", FULL, [PYTHON, "tests/cluster/crds.py"], 900),
    ("registration", FULL, [PYTHON, "tests/cluster/registration.py"], 600),
    ("certs", FULL, [PYTHON, "tests/cluster/certs.py"], 600),
    ("inject-cluster", FULL, [PYTHON, "tests/cluster/inject_cluster.py"], 600),
    ("node", FULL, [PYTHON, "tests/cluster/node_test.py"], 900),
    ("node-agents", FULL, [PYTHON, "tests/cluster/node_agents.py"], 900),
    ("bead-sync", FULL, [PYTHON, "tests/sidecars/bead_sync.py"], 600),
    ("soak", FULL, [PYTHON, "tests/cluster/soak.py"], 900),
    ("node-sidecars", FULL, [PYTHON, "tests/cluster/node_sidecars.py"], 900),
]

# These only compute. They run beside the suites from BESIDE on, which mostly wait: with less right to the processor, so that those keep their times.
PATIENT = ("faults", "faults-asan", "fuzz", "property")  # in this order: the last one takes all there is, when the others have ended
BESIDE = "testbed"

# These take one core, and nothing of theirs is a matter of time: two of them run at once, before those that want the machine to themselves.
PAIRED = ("arrows", "conformance", "conformance-map", "golden", "workspace", "hostile", "cli", "crds", "cli-cluster", "docs", "sidecars", "demo",
          "conformance-asan", "conformance-map-asan", "golden-asan", "hostile-asan", "cli-asan", "cli-cluster-asan", "patches", "tsan-catalogue",
          "valgrind")

COUNTS = re.compile(r"^(?:\w+: )?(\d+) passed, (\d+) failed(?:, (\d+) skipped)?(?: \(.*\))?$", re.M)
CRITERION = re.compile(r"Synthesis: Tested: .*?(\d+).*?Passing: .*?(\d+).*?Failing: .*?(\d+).*?Crashing: .*?(\d+)")
COLOUR = re.compile(r"\x1b\[[0-9;]*m")


def environment(name):
    """Sanitizers report into files: a test runner may swallow what a program prints or how it ends."""
    env = dict(os.environ)
    env["ASAN_OPTIONS"] = f"log_path={LOGS}/{name}.asan:detect_leaks=1:abort_on_error=0"
    env["UBSAN_OPTIONS"] = f"log_path={LOGS}/{name}.asan:print_stacktrace=1"
    env["TSAN_OPTIONS"] = "halt_on_error=1"
    return env


def counted(output, status):
    """-> (passed, failed, skipped) from what a command printed last, else from its status."""
    output = COLOUR.sub("", output)
    found, criterion = COUNTS.findall(output), CRITERION.findall(output)
    if criterion:
        tested, passing, failing, crashing = map(int, criterion[-1])
        return passing, failing + crashing + (tested == 0), 0
    if found:
        passed, failed, skipped = (int(n or 0) for n in found[-1])
        return passed, max(failed, int(status != 0 and failed == 0)), skipped
    return int(status == 0), int(status != 0), 0


def be_patient(pid):
    """Where the kernel shares out time by session first (autogroups), being nice within one's own is worth nothing."""
    os.setpriority(os.PRIO_PROCESS, pid, 10)
    try:
        with open(f"/proc/{pid}/autogroup", "w", encoding="ascii") as group:
            group.write("10")
    except OSError:
        pass


def run(name, command, seconds):
    """Runs one suite; -> (passed, failed, skipped) and what there is to say of a failure."""
    log_path = os.path.join(LOGS, name + ".log")
    for old in glob.glob(f"{LOGS}/{name}.asan*"):
        os.remove(old)
    shell = isinstance(command, str)
    with open(log_path, "w", encoding="utf-8") as log:
        process = subprocess.Popen(["bash", "-o", "pipefail", "-c", command] if shell else command, cwd=TOP, stdin=subprocess.DEVNULL, stdout=log,
                                   stderr=subprocess.STDOUT, env=environment(name), start_new_session=True)
        if name in PATIENT:
            be_patient(process.pid)
        try:
            status = process.wait(seconds)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            status = process.wait()
            log.write(f"\nstill running after {seconds} s\n")
    with open(log_path, encoding="utf-8", errors="replace") as log:
        output = log.read()
    passed, failed, skipped = counted(output, status)
    reports = glob.glob(f"{LOGS}/{name}.asan*")
    for report in reports:
        with open(report, encoding="utf-8", errors="replace") as f:
            output += f"\n{report}:\n{f.read()}"
        failed += 1
    end = output.splitlines()[-60:] + [f"(all of it: {os.path.relpath(log_path)})"] if failed else []
    return (passed, failed, skipped), end


def chosen(args):
    if args.only:
        wanted = args.only.split(",")
        return [s for s in SUITES if any(s[0] == w or s[0].startswith(w + "-") for w in wanted)]
    return [s for s in SUITES if s[1] == FAST] if args.fast else SUITES


class Queue:
    """Suites that several threads take, one after the other."""

    def __init__(self, suites):
        self.suites, self.lock = iter(suites), threading.Lock()

    def __iter__(self):
        return self

    def __next__(self):
        with self.lock:
            return next(self.suites)


class Tally:
    """What has been counted, and the one who prints."""

    def __init__(self, suites):
        self.of, self.begun, self.total = len(suites), 0, [0, 0, 0]
        self.lock = threading.Lock()

    def run(self, suites):
        for name, _, command, seconds in suites:
            with self.lock:
                self.begun += 1
                print(f"[{self.begun}/{self.of}] {name} ...", flush=True)
            begin = time.monotonic()
            counts, end = run(name, command, seconds)
            skipped = f", {counts[2]} skipped" if counts[2] else ""
            with self.lock:
                self.total = [a + b for a, b in zip(self.total, counts)]
                for line in end:
                    print(f"    {line}", flush=True)
                print(f"        {name}: {counts[0]} passed, {counts[1]} failed{skipped} ({time.monotonic() - begin:.1f} s)", flush=True)


def lanes(suites):
    """-> those that run in pairs, then those alone, then those that wait, and those that run beside these"""
    pairs, others = [s for s in suites if s[0] in PAIRED], [s for s in suites if s[0] not in PAIRED]
    names = [s[0] for s in others]
    if BESIDE not in names:
        return pairs, others, [], []
    patient = sorted((s for s in others if s[0] in PATIENT), key=lambda s: PATIENT.index(s[0]))
    others = [s for s in others if s[0] not in PATIENT]
    at = [s[0] for s in others].index(BESIDE)
    return pairs, others[:at], others[at:], patient


def together(*runs):
    """Calls all of them at once; -> when all have ended"""
    threads = [threading.Thread(target=run, args=(suites,)) for run, suites in runs]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--fast", action="store_true", help="only what takes seconds")
    parser.add_argument("--only", help="suites, separated by commas; lint means lint-clang, lint-tidy and so on")
    args = parser.parse_args()
    os.makedirs(LOGS, exist_ok=True)
    suites, start = chosen(args), time.monotonic()
    if not suites:
        sys.exit(f"no suite is called {args.only}: {', '.join(s[0] for s in SUITES)}")
    tally, (pairs, alone, waiting, patient) = Tally(suites), lanes(suites)
    queue = Queue(pairs)
    together((tally.run, queue), (tally.run, queue))
    tally.run(alone)
    together((tally.run, waiting), (tally.run, patient))
    passed, failed, skipped = tally.total
    print(f"{len(suites)} suites in {time.monotonic() - start:.0f} s")
    print(f"{passed} passed, {failed} failed" + (f", {skipped} skipped" if skipped else ""))
    return 1 if failed or not passed or (skipped and os.environ.get("CI")) else 0


if __name__ == "__main__":
    sys.exit(main())
