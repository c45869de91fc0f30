#!/usr/bin/python3
"""Reviews without end: does gastown-webhook hold what it has, and no more?

    tests/webhook/endurance.py [--webhook PROGRAM] [--reviews 1000000] [--handshakes 100000]

wrk posts captured reviews over 64 TLS connections that stay open, then with a connection for each. Printed at marks on the way: anonymous
resident memory, descriptors, reviews a second. Checked, at the mark of a tenth against the last one: memory under 16 MiB, grown by 1% at
most, no descriptor more; every review injected and counted, and none of wrk's requests failed. Ends with `N passed, N failed`."""

import argparse
import contextlib
import os
import re
import signal
import subprocess
import sys
import time

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

from harness import check, Failed, FIXTURES, HERE, Server, TIMEOUT, wait_for  # noqa: E402
from process import Process  # noqa: E402

CONNECTIONS = 64
ANON_MOST = 16 * 1024  # KiB, with 64 connections
GROWTH_MOST = 0.01
MARKS = (0.1, 0.25, 0.5, 0.75, 1.0)
STALL = 60  # seconds without a single review
WRK = re.compile(r"^wrk (.+)$", re.M)


def injected(server):
    found = re.search(r'reviews_total\{path="mutate",outcome="injected"\} (\d+)', server.get("/metrics")[1])
    return int(found.group(1))


@contextlib.contextmanager
def wrk(server, *headers):
    """wrk at work; what it says at its end is in the dictionary."""
    says = {}
    command = ["wrk", "-t2", f"-c{CONNECTIONS}", "-d12h", "--timeout", "10s", "-s", os.path.join(HERE, "reviews.lua"), f"https://127.0.0.1:{server.port}",
               "--", FIXTURES, *headers]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True) as process:
        try:
            yield says
        finally:
            process.send_signal(signal.SIGINT)
            out = process.communicate(timeout=TIMEOUT)[0]
    found = WRK.search(out)
    check(found, f"wrk has nothing to say: {out[-500:]}")
    says.update((key, int(value)) for key, value in (pair.split("=") for pair in found.group(1).split()))


def reach(server, wanted):
    """Waits until so many reviews are answered. -> how many"""
    last, since = injected(server), time.monotonic()
    while last < wanted:
        time.sleep(0.02)
        now = injected(server)
        if now > last:
            last, since = now, time.monotonic()
        check(time.monotonic() - since < STALL, f"no review for {STALL} s, at {last}")
    return last


def walk(server, process, what, total, *headers):
    """-> [(reviews, KiB, descriptors)] at the marks"""
    start, base, marks = time.monotonic(), injected(server), []
    with wrk(server, *headers) as says:
        for mark in MARKS:
            n = reach(server, base + round(mark * total)) - base
            marks.append((n, process.anonymous(), process.descriptors()))
            rate = n / (time.monotonic() - start)
            print(f"{what:<12} {n:>9,}  RssAnon {marks[-1][1]:>6,} KiB  descriptors {marks[-1][2]:>3}  {rate:>7,.0f} a second", flush=True)
    failures = {key: says[key] for key in ("connect", "read", "write", "status", "timeout") if says[key]}
    check(not failures, f"{what}: wrk met {failures}")
    counted = injected(server) - base  # wrk drops what is under way at its end
    check(says["requests"] <= counted <= says["requests"] + CONNECTIONS, f"{what}: {counted} reviews counted, {says['requests']} answers seen")
    print(f"{what:<12} p50 {says['p50_us'] / 1000:.1f} ms, p99 {says['p99_us'] / 1000:.1f} ms, with {CONNECTIONS} at a time", flush=True)
    return marks


def check_flat(what, marks, slack):
    _, first, few = marks[0]
    n, last, many = marks[-1]
    check(max(anon for _, anon, _ in marks) < ANON_MOST, f"{what}: {marks} KiB of anonymous memory")
    check(last <= first * (1 + GROWTH_MOST) + slack, f"{what}: from {first} to {last} KiB between the {marks[0][0]}th and the {n}th")
    check(many <= few, f"{what}: from {few} to {many} descriptors")


def reviews(server, process, options):
    """The same connections all the time."""
    check_flat("reviews", walk(server, process, "reviews", options.reviews), 0)


def handshakes(server, process, options):
    """A new connection for each: how many are open at a mark is chance, and each holds some memory."""
    marks = [(n, anon, 0) for n, anon, _ in walk(server, process, "handshakes", options.handshakes, "Connection: close")]
    check_flat("handshakes", marks, 512)


def nothing_left(server, process, options):
    """What came with the connections goes with them."""
    wait_for("connections to end", lambda: server.metric("gastown_webhook_connections") == 0)
    wait_for(f"{options.descriptors} descriptors", lambda: process.descriptors() <= options.descriptors)
    print(f"at the end   RssAnon {process.anonymous():,} KiB, descriptors {process.descriptors()}, as at the start", flush=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("--webhook", default="build/gastown-webhook", help="the program")
    parser.add_argument("--reviews", type=int, default=1_000_000, help="over connections that stay")
    parser.add_argument("--handshakes", type=int, default=100_000, help="with a connection for each")
    options = parser.parse_args()
    server = Server(os.path.abspath(options.webhook))
    server.log_path = os.devnull  # a line for each review
    passed = failed = 0
    with server:
        server.review("first")
        wait_for("the first connection to end", lambda: server.metric("gastown_webhook_connections") == 0)
        process = Process(server.process.pid)
        options.descriptors = process.descriptors()
        for case in (reviews, handshakes, nothing_left):
            try:
                case(server, process, options)
                passed += 1
                print(f"ok {case.__name__}", flush=True)
            except Failed as why:
                failed += 1
                print(f"FAIL {case.__name__}: {why}", flush=True)
    print(f"{passed} passed, {failed} failed")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
