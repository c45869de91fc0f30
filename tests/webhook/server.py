#!/usr/bin/python3
"""Runs the real gastown-webhook and treats it as the world will.

    tests/webhook/server.py --webhook build/gastown-webhook [--only NAME[,NAME]] [--jobs N]

Prints `ok NAME` or `FAIL NAME: why` for each case, at the end `N passed, N failed`; exit status 0, 1 or 3 (no program)."""

import argparse
import concurrent.futures
import os
import sys
import time
import traceback

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

import cases_clock  # noqa: E402
import cases_http  # noqa: E402
import cases_life  # noqa: E402
import cases_tls  # noqa: E402
from harness import Failed  # noqa: E402


def run(case, program):
    start = time.monotonic()
    try:
        case(program)
        why = None
    except Failed as failed:
        why = str(failed)
    except Exception:  # pylint: disable=broad-except
        why = traceback.format_exc(limit=-3)
    return case.__name__, why, time.monotonic() - start


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("--webhook", default="build/gastown-webhook", help="the program")
    parser.add_argument("--only", help="names of cases, separated by commas")
    parser.add_argument("--jobs", type=int, default=6, help="cases at a time")
    parser.add_argument("--times", action="store_true", help="say how long each case took")
    options = parser.parse_args()
    if not os.access(options.webhook, os.X_OK):
        print(f"{options.webhook} isn't there", file=sys.stderr)
        return 3
    cases = cases_life.CASES + cases_clock.CASES + cases_http.CASES + cases_tls.CASES
    if options.only:
        cases = [case for case in cases if case.__name__ in options.only.split(",")]
    passed = failed = 0
    with concurrent.futures.ThreadPoolExecutor(options.jobs) as pool:
        for done in concurrent.futures.as_completed([pool.submit(run, case, os.path.abspath(options.webhook)) for case in cases]):
            name, why, seconds = done.result()
            passed, failed = passed + (why is None), failed + (why is not None)
            print((f"ok {name}" if why is None else f"FAIL {name}: {why}") + (f" ({seconds:.1f} s)" if options.times else ""), flush=True)
    print(f"{passed} passed, {failed} failed")
    return 0 if failed == 0 and passed > 0 else 1


if __name__ == "__main__":
    sys.exit(main())
