#!/usr/bin/python3
"""HTTP that nobody thought of, against the running server.

    tests/webhook/fuzz_http.py [--webhook PROGRAM] [--seconds 30] [--seed N] [--batches N]

A batch has one number, its seed: from it come some connections, what is sent on each and in which pieces: requests good and hostile, cut,
joined, repeated, with bytes changed. What must hold for any of them: what comes back is whole HTTP answers with statuses of ours or the
library's and JSON where we wrote it; a good request in front of everything else is answered as it should be; nobody gets more answers
than requests were sent; the server answers somebody else meanwhile, and holds no more memory at the end. A batch that fails is run
again alone, and the command that replays it is printed. Ends with `N passed, N failed`."""

import argparse
import concurrent.futures
import contextlib
import json
import os
import random
import re
import ssl
import sys
import time

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

from cases_http import SMUGGLING  # noqa: E402
from harness import check, check_reviewed, chunked, Failed, request, review, Server, TIMEOUT, wait_for  # noqa: E402
from process import Process  # noqa: E402

CONNECTIONS = 6  # of a batch
STATUSES = {100, 200, 400, 404, 405, 413, 414, 415, 431, 500, 501, 503, 505}
PEAK_MOST = 1024 * 1024  # KiB, with sanitizers

HEADERS = ["Content-Length: 5", "Content-Length: 0", "Content-Length: 18446744073709551615", "Transfer-Encoding: chunked", "Transfer-Encoding: gzip",
           "Expect: 100-continue", "Connection: close", "Connection: keep-alive, Upgrade", "Upgrade: h2c", "Content-Encoding: gzip", "Host: other",
           "Content-Type: text/plain", "Cookie: a=b; c", "X: " + 3000 * "y", " folded", ": nameless", "Range: bytes=0-1,2-3", "Trailer: X", "TE: trailers",
           "Accept-Encoding: *", "Authorization: Basic AAAA", "Content-Length : 3", "X-\x80: \xff", "If-None-Match: *"]
METHODS = ["POST", "GET", "PUT", "HEAD", "OPTIONS", "CONNECT", "TRACE", "PRI", "post", "A" * 300]
PATHS = ["/mutate", "/validate", "/mutate?timeout=3s", "/mutate?timeout=%00", "/%6dutate", "*", "/" + 9000 * "a", "/mutate?" + 300 * "a&", "http://x/mutate",
         "/mutate?timeout=99999999999999999999h", "/..//mutate", "/mutate?timeout=1ns", "/validate?%"]
TOKENS = [b"\r\n", b"\n", b"\r", b"\0", b"\r\n\r\n", b" ", b"\t", b":", b"0\r\n\r\n", b"ffffffff\r\n", b"HTTP/1.1", b"\xff\xfe", b"chunked", b"{", b'"', b"-1", b"%00"]


def a_request(rng):
    """A request that is more or less right."""
    body = rng.choice([review(f"f{rng.random()}"), b"{}", b"", b"[" * rng.randrange(200), b"x" * rng.randrange(40000), b'{"request":null}'])
    headers = rng.sample(HEADERS, rng.choice([0, 0, 1, 2, 4]))
    more = {"method": rng.choice(METHODS + ["POST"] * 20), "path": rng.choice(PATHS + ["/mutate"] * 20),
            "content_type": rng.choice(["application/json"] * 8 + [None, "", "text/html"])}
    kind = rng.random()
    if kind < 0.2:
        data = request(b"", headers=["Transfer-Encoding: chunked", *headers], length=False, **more)
        return data + chunked(body, rng.choice([1, 7, 500, 70000]) if len(body) < 500 else 500, rng.choice([b"", b";a", b";a=\"b\""]))
    if kind < 0.3:
        line = b"POST /mutate HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
        return line + rng.choice(list(SMUGGLING.values())) + b"\r\n\r\n" + body
    return request(body, headers=headers, **more)


def mutate(rng, data):
    data = bytearray(data)
    for _ in range(rng.choice([0, 0, 1, 1, 2, 5, 20])):
        at = rng.randrange(len(data) + 1)
        if rng.random() < 0.7:  # most of what matters is in the head
            at = min(at, rng.randrange(300))
        what = rng.randrange(6)
        if what == 0 and at < len(data):
            data[at] = rng.randrange(256)
        elif what == 1:
            data[at:at] = rng.choice(TOKENS)
        elif what == 2:
            del data[at:at + rng.choice([1, 1, 2, 10, 1000])]
        elif what == 3:
            data[at:at] = data[at:at + rng.randrange(200)]
        elif what == 4:
            data[at:at] = rng.choice(HEADERS).encode("latin-1") + b"\r\n"
        else:
            data[at:at + rng.randrange(1, 4)] = rng.choice(TOKENS)
    return bytes(data)


class Talk:
    """What is sent on one connection."""

    def __init__(self, seed, number):
        rng = random.Random(f"{seed}-{number}")
        self.good = f"good-{seed}-{number}" if rng.random() < 0.5 else None
        self.data = request(review(self.good)) if self.good else b""
        for _ in range(rng.choice([1, 1, 2, 3, 8])):
            self.data += mutate(rng, a_request(rng))
        self.step = rng.choice([1 << 20, 1 << 20, 4096, 700, 61])
        self.cut = rng.random() < 0.3  # gone at once, without waiting for answers


def parse(data, most):
    """Takes apart what came back, piece by piece. -> the answers, whole ones; the last may be cut by a close."""
    answers = []
    while data:
        head, found, rest = data.partition(b"\r\n\r\n")
        check(found, f"half a head: {head[:200]!r}")
        lines = head.decode("ascii", errors="strict").split("\r\n")
        match = re.fullmatch(r"HTTP/1\.[01] (\d{3}) [ -~]*", lines[0])
        check(match and int(match.group(1)) in STATUSES, f"status line {lines[0]!r}")
        fields = [line.split(": ", 1) for line in lines[1:]]
        check(all(len(f) == 2 for f in fields), f"header lines {lines!r}")
        headers = {name.lower(): value for name, value in fields}
        status = int(match.group(1))
        length = 0 if status == 100 else int(headers.get("content-length", 0))
        body, data = rest[:length], rest[length:]
        if body.startswith(b"HTTP/1.1 %d" % status):  # the library's own refusal of a length: its head comes twice (webhook/framing.h)
            check(status in (400, 413), f"a head twice: {body[:200]!r}")
            return answers
        check(not data or data.startswith(b"HTTP/1."), f"no answer behind an answer: {data[:100]!r}")
        if len(body) == length and headers.get("content-type") == "application/json" and body:
            kind = json.loads(body)["kind"]
            check(kind == ("AdmissionReview" if status == 200 else "Status"), f"{status} with {kind}")
        answers.append((status, body))
        check(len([s for s, _ in answers if s != 100]) <= most, f"more answers than requests: {[s for s, _ in answers]}")
    return answers


def converse(server, talk):
    with server.connect() as connection:
        try:
            for at in range(0, len(talk.data), talk.step):
                connection.send(talk.data[at:at + talk.step])
        except (OSError, ssl.SSLError):
            pass
        if talk.cut:
            return 0
        with contextlib.suppress(OSError):
            connection.socket.settimeout(0.3)
            while connection.more():
                pass
    if b"HEAD" in talk.data or b"head" in talk.data.lower()[:5]:
        return 0  # whose answers can't be told apart without knowing which request they are for
    answers = parse(connection.buffer, 1 + talk.data.count(b"\n"))
    if talk.good and answers:
        status, body = answers[0]
        check(status == 200 and json.loads(body)["response"]["uid"] == talk.good, f"the good request in front: {status} {body[:200]!r}")
    return len(answers)


def batch(server, seed):
    talks = [Talk(seed, number) for number in range(CONNECTIONS)]
    with concurrent.futures.ThreadPoolExecutor(CONNECTIONS) as pool:
        answers = list(pool.map(lambda talk: converse(server, talk), talks))
    server.review(f"after {seed}")
    check(server.process.poll() is None, f"it has ended: {server.log()[-3000:]}")
    return sum(answers)


def attempt(server, seed):
    """-> answers, or None when it failed."""
    try:
        return batch(server, seed)
    except (Failed, OSError, ValueError) as why:
        print(f"FAIL seed {seed}: {type(why).__name__}: {why}\n  replay: tests/webhook/fuzz_http.py --webhook {server.program} --seed {seed} --batches 1", flush=True)
        return None


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("--webhook", default="build/asan/gastown-webhook", help="the program")
    parser.add_argument("--seconds", type=float, default=30, help="how long")
    parser.add_argument("--seed", type=int, default=None, help="of the first batch (default: by the clock; it is printed)")
    parser.add_argument("--batches", type=int, default=None, help="so many batches instead of so long")
    options = parser.parse_args()
    first = options.seed if options.seed is not None else time.time_ns() // 1000 % 1_000_000_000
    print(f"seeds from {first} on", flush=True)
    end, seed, answers, failed = time.monotonic() + options.seconds, first, 0, 0
    with Server(os.path.abspath(options.webhook), "--log-level", "warn", "--header-timeout", "2s", "--body-timeout", "2s") as server:
        process = Process(server.process.pid)
        server.review("first")
        while failed < 3 and (seed < first + options.batches if options.batches else time.monotonic() < end):
            got = attempt(server, seed)
            answers, failed, seed = answers + (got or 0), failed + (got is None), seed + 1
        wait_for("connections to end", lambda: server.metric("gastown_webhook_connections") == 0, TIMEOUT)
        peak = process.peak()
    batches = seed - first
    print(f"{batches} batches of {CONNECTIONS} connections, {answers} answers; at most {peak // 1024} MiB resident")
    failed += peak > PEAK_MOST or (answers == 0 and not options.batches)
    print(f"{batches - min(failed, batches)} passed, {failed} failed")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
