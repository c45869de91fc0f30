"""What hostile clients do to a server. Each attack goes on for some seconds and returns what there is to say of it; it raises Failed
where the server gave an answer that it mustn't. Whether others suffered is siege.py's business."""

import concurrent.futures
import contextlib
import functools
import itertools
import json
import os
import re
import socket
import ssl
import subprocess
import time

from cases_http import SMUGGLING
from harness import check, check_reviewed, chunked, Connection, Failed, FIXTURES, HERE, request, REVIEW, review, TIMEOUT

GONE = (OSError, ssl.SSLError, Failed)
MIB = 1024 * 1024


class Scene:
    """Where an attack takes place: the server, and until when it lasts. Its time begins when everybody stands where he should: a slow
    machine makes an attack longer, not weaker."""

    def __init__(self, server, seconds, patient=False):
        self.server, self.seconds = server, seconds
        self.large = 1 / 16 if patient else 1  # with sanitizers and a malloc for each allocation 8 MiB of JSON keep a thread for seconds
        self.begin()

    def begin(self):
        self.until = time.monotonic() + self.seconds

    def lasts(self):
        return time.monotonic() < self.until

    def left(self):
        return max(0.1, self.until - time.monotonic())

    def connect(self, **more):
        return self.server.connect(timeout=5.0, **more)

    def crowd(self, count, at_once=8, **more):
        """As many of `count` connections as the server lets in."""
        def one(_):
            with contextlib.suppress(*GONE):
                return self.connect(**more)
            return None
        with concurrent.futures.ThreadPoolExecutor(at_once) as pool:
            crowd = [c for c in pool.map(one, range(count)) if c]
        check(len(crowd) > count / 2, f"only {len(crowd)} of {count} attackers got in")
        self.begin()
        return crowd

    def again(self, action, at_once=8):
        """action() again and again, by several at once. -> how often"""
        def run(_):
            for n in itertools.count(1):
                with contextlib.suppress(OSError, ssl.SSLError):
                    action()
                if not self.lasts():
                    return n
        self.begin()
        with concurrent.futures.ThreadPoolExecutor(at_once) as pool:
            return sum(pool.map(run, range(at_once)))


def leave(crowd):
    for connection in crowd:
        connection.socket.close()


def drip(scene, crowd, texts, pause=0.05):
    """A byte for each of the crowd, again and again. -> how many are still there"""
    alive = list(zip(crowd, (itertools.cycle(text) for text in texts)))
    while scene.lasts() and alive:
        for pair in list(alive):
            try:
                pair[0].send(bytes([next(pair[1])]))
            except GONE:
                alive.remove(pair)
        time.sleep(pause)
    leave(crowd)
    return f"{len(crowd)} connections, {len(alive)} of them there at the end"


def slow_headers(scene):
    crowd = scene.crowd(250)
    return drip(scene, crowd, [b"POST /mutate HTTP/1.1\r\nHost: localhost\r\n" + 1000 * b"X-Slow: y\r\n"] * len(crowd))


def slow_bodies(scene):
    crowd = scene.crowd(250)
    for connection in crowd:
        with contextlib.suppress(*GONE):
            connection.send(request(b"", headers=["Content-Length: 100000"], length=False))
    return drip(scene, crowd, [b" "] * len(crowd))


def slow_readers(scene):
    crowd = scene.crowd(60)
    batch = request(review("x")) * 50
    for connection in crowd:
        with contextlib.suppress(*GONE):
            connection.socket.settimeout(0.05)
            connection.send(batch)
    while scene.lasts():
        time.sleep(0.05)
        for connection in crowd:
            with contextlib.suppress(*GONE):
                connection.socket.recv(16)
    leave(crowd)
    return f"{len(crowd)} connections with 50 requests each, read 16 bytes at a time"


HELLO = bytes.fromhex("16030100c8010000c40303")  # the start of a ClientHello of 200 bytes


def half_open_tls(scene):
    crowd = scene.crowd(300, plain=True)
    for connection in crowd[::3]:
        with contextlib.suppress(*GONE):
            connection.send(HELLO)
    return drip(scene, crowd[1::3], [HELLO + os.urandom(192)] * len(crowd[1::3])) + f", {len(crowd)} in all" + (leave(crowd) or "")


def openssl_client(scene, flags, keys):
    with subprocess.Popen(["openssl", "s_client", "-connect", f"127.0.0.1:{scene.server.port}", *flags], stdin=subprocess.PIPE,
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT) as client:
        with contextlib.suppress(OSError):
            for key in keys:
                client.stdin.write(key + b"\n")
                client.stdin.flush()
                time.sleep(0.1)  # it takes what is there at once for one line
        return client.communicate(timeout=TIMEOUT)[0].decode(errors="replace")


def renegotiation(scene):
    tries = 0
    while scene.lasts():
        out = openssl_client(scene, ["-tls1_2"], [b"R"] * 5)
        check("RENEGOTIATING" in out, f"this openssl doesn't try: {out[-300:]}")
        check("depth=" not in out.split("RENEGOTIATING", 1)[1], f"a second handshake: {out[-600:]}")
        openssl_client(scene, ["-tls1_3"], [b"K"] * 5)
        tries += 1
    return f"{tries} clients, none of which got a second handshake"


def thousand_idle(scene):
    crowd = scene.crowd(1000, plain=True)
    open_now = scene.server.metric("gastown_webhook_connections")
    check(open_now <= 256, f"{open_now} connections")
    time.sleep(scene.left())
    leave(crowd)
    return f"{len(crowd)} connections that say nothing, {open_now} open at a time"


def thousand_served(scene):
    """Worse: each has been answered once, and then stays."""
    crowd = []
    while len(crowd) < 300:
        for connection in scene.crowd(20):
            with contextlib.suppress(*GONE):
                connection.send(request(b"", "GET", length=False))
                connection.answer()
                crowd.append(connection)
    open_now = scene.server.metric("gastown_webhook_connections")
    check(open_now <= 256, f"{open_now} connections")
    time.sleep(scene.left())
    leave(crowd)
    return f"{len(crowd)} connections that stay after an answer, {open_now} open at a time"


def pipelining(scene):
    def one():
        with scene.connect() as connection:
            connection.send(b"".join(request(review(f"p{i}")) for i in range(100)))
            for i in range(100):
                check_reviewed(connection.answer(), f"p{i}")
    return f"{100 * scene.again(one, 4)} requests, 100 in one piece, answered in order"


def smuggling(scene):
    shapes = itertools.cycle(SMUGGLING.values())

    def one():
        with scene.connect() as connection:
            connection.send(b"POST /mutate HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n" + next(shapes)
                            + b"\r\n\r\n" + request(review("smuggled")))
            check(connection.closed_within(TIMEOUT), f"stays open: {connection.buffer[:200]!r}")
            check(b"HTTP/1.1 200" not in connection.buffer, f"answered: {connection.buffer[:200]!r}")
    return f"{scene.again(one)} requests that two servers would read differently"


def pour(scene, connection, piece):
    sent = 0
    while scene.lasts() and sent < 100 * MIB:
        connection.send(piece)
        sent += len(piece)
    check(sent < 100 * MIB, "100 MiB were taken")


def huge_bodies(scene):
    piece = b"%x\r\n%s\r\n" % (MIB, b" " * MIB)
    heads = itertools.cycle((("Content-Length: 104857600",), ("Transfer-Encoding: chunked",), ("Connection: close",)))

    def one():
        header = next(heads)
        with scene.connect() as connection:
            connection.send(request(b"", headers=header, length=False))
            pour(scene, connection, piece)
    return f"{scene.again(one, 4)} bodies of 100 MiB, none of them taken"


def many_large_bodies(scene):
    crowd = scene.crowd(256)
    head, piece = request(b"", headers=["Content-Length: 8388608"], length=False), b" " * 65536
    for connection in crowd:
        with contextlib.suppress(*GONE):
            connection.send(head)
    held, sent = 0, 0
    for connection in crowd[-12:]:  # the last ones to come are the last ones to go: they fill what there is, all but the last pieces
        with contextlib.suppress(*GONE):
            connection.send(piece * 127)
            sent += 127 * len(piece)
        held = max(held, scene.server.metric("gastown_webhook_body_bytes"))
    scene.begin()
    alive = crowd[:-12]
    for connection in alive:
        connection.socket.settimeout(0.02)
    while alive and scene.lasts():
        for connection in list(alive):
            try:
                connection.send(piece)
                sent += len(piece)
            except GONE:
                alive.remove(connection)
        held = max(held, scene.server.metric("gastown_webhook_body_bytes"))
    check(held > 16 * MIB, f"bodies hold {held} bytes only: no attack")
    check(held <= (64 + 32) * MIB, f"bodies hold {held} bytes")
    leave(crowd)
    return f"{len(crowd)} bodies of 8 MiB at once, {sent // MIB} MiB sent, {held // MIB} MiB held"


def with_pod(change):
    body = json.loads(json.dumps(REVIEW))
    change(body["request"]["object"])
    return json.dumps(body).encode()


@functools.cache
def hostile_json(large):
    def labels(pod):
        pod["metadata"]["annotations"] = {f"example.com/a{i}": "x" * 60 for i in range(int(70000 * large))}

    def containers(pod):
        pod["spec"]["containers"] = [dict(pod["spec"]["containers"][0], name=f"c{i}") for i in range(int(1500 * large))]

    def environment(pod):
        pod["spec"]["containers"][0]["env"] = [{"name": f"E{i}", "value": "x"} for i in range(int(120000 * large))]

    def volumes(pod):
        pod["spec"]["volumes"] = [{"name": f"v{i}", "emptyDir": {}} for i in range(int(100000 * large))]
    made = [with_pod(change) for change in (labels, containers, environment, volumes)]
    plain = [b"[" * int(large * (8 * MIB - 1)), b'{"a":' * int(large * 1500000), b"[" + b"1," * int(large * 4000000) + b"1]",
             b'"' + b"\\u0041" * int(large * 1390000) + b'"', b'{"request":' + b"[{}," * 90 + b"{}" + b"]" * 90 + b"}",
             b"{" + b",".join(b'"k%d":1' % i for i in range(int(large * 600000))) + b"}"]
    return [body for body in made + plain if len(body) <= 8 * MIB]


def huge_json(scene):
    def one(body):
        try:
            with scene.server.connect() as connection:
                connection.send(request(body))
                answer = connection.answer()
        except GONE:  # with sanitizers it may take longer than a body or an answer may
            return 0
        check(answer.status in (200, 400, 503) or b"out of memory" in answer.body, f"{answer.status}: {answer.body[:200]!r}")
        return 1
    bodies = hostile_json(scene.large)
    with concurrent.futures.ThreadPoolExecutor(3) as pool:
        answered = sum(pool.map(one, bodies))
    check(answered > len(bodies) / 2, f"only {answered} of {len(bodies)} were answered")
    return f"{answered} of {len(bodies)} bodies of up to {max(len(b) for b in bodies) / MIB:.1f} MiB answered: deep, wide, long"


def client_hello(version):
    body = bytes(version) + os.urandom(32) + b"\0" + b"\0\x08\xc0\x09\xc0\x0a\0\x2f\0\x0a" + b"\x01\0"
    handshake = b"\x01" + len(body).to_bytes(3, "big") + body
    return b"\x16" + bytes(version) + len(handshake).to_bytes(2, "big") + handshake


def old_tls(scene):
    hellos = itertools.cycle([client_hello((3, minor)) for minor in (0, 1, 2)] +
                             [b"\x80\x2e\x01\x00\x02\x00\x15\x00\x00\x00\x10" + os.urandom(37)])  # the last one: SSL 2.0

    def one():
        with scene.connect(plain=True) as connection:
            connection.send(next(hellos))
            check(connection.closed_within(TIMEOUT), "stays open")
            check(not connection.buffer.startswith(b"\x16"), f"a ServerHello: {connection.buffer[:20]!r}")
    return f"{scene.again(one)} clients of SSL 2.0 to TLS 1.1, each refused"


def not_tls(scene):
    texts = itertools.cycle([request(review("plain")), b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", b"\x00" * 5000, b"\xff" * 5000, b"SSH-2.0-x\r\n",
                             b"\x16\x03\x01\x40\x01" + b"\x01" * 16385, b"\x17\x03\x03\x00\x10" + b"a" * 16, b"\x15\x03\x03\x00\x02\x01\x00"])

    def one():
        with scene.connect(plain=True) as connection:
            with contextlib.suppress(OSError):
                connection.send(next(texts) + os.urandom(50))
                connection.socket.shutdown(socket.SHUT_WR)
            check(connection.closed_within(TIMEOUT), "stays open")
            check(b"HTTP/1.1 2" not in connection.buffer, f"{connection.buffer[:100]!r}")
    return f"{scene.again(one)} clients that speak no TLS"


def strange_http(scene):
    head = b"POST /mutate HTTP/1.1\r\nHost: x\r\n"
    texts = itertools.cycle([b"BREW /mutate HTTP/1.1\r\nHost: x\r\n\r\n", b"POST /mutate HTTP/1.0\r\n\r\n", b"GET /\r\n\r\n", b"\0" * 1000,
                             b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0", head + b"X: " + b"x" * 65536 + b"\r\n\r\n",
                             head + b"".join(b"h%d: x\r\n" % i for i in range(5000)) + b"\r\n", b"GET /" + b"%41" * 20000 + b" HTTP/1.1\r\n\r\n",
                             b"POST /mutate?" + b"a=b&" * 14000 + b" HTTP/1.1\r\nHost: x\r\n\r\n", b"\r\n" * 30000, os.urandom(3000),
                             head + b"Cookie: " + b"a=b; " * 12000 + b"\r\n\r\n", head + b"Expect: 100-continue\r\nContent-Length: 9\r\n\r\n"])

    def one():
        with scene.connect() as connection:
            with contextlib.suppress(*GONE):
                connection.send(next(texts))
                socket.socket.shutdown(connection.socket, socket.SHUT_WR)  # what there is, is all
            check(connection.closed_within(TIMEOUT), "stays open")
            check(b"HTTP/1.1 200" not in connection.buffer, f"{connection.buffer[:100]!r}")
    return f"{scene.again(one)} requests: unknown methods, HTTP/0.9 to 2, heads of 64 KiB and thousands of lines, noise"


def wrk(scene, connections, *headers):
    command = ["wrk", "-t1", f"-c{connections}", f"-d{scene.seconds + 2:.0f}s", "-s", os.path.join(HERE, "reviews.lua"), f"https://127.0.0.1:{scene.server.port}",
               "--", FIXTURES, *headers]
    done = subprocess.run(command, capture_output=True, text=True, timeout=TIMEOUT, check=False)
    found = re.search(r"^wrk requests=(\d+)", done.stdout, re.M)
    check(found, f"wrk: {done.stdout[-300:]} {done.stderr[-300:]}")
    check(int(found.group(1)) > 0, f"no answer: {done.stdout[-300:]}")
    return int(found.group(1))


def handshakes(scene):
    return f"{wrk(scene, 64, 'Connection: close')} handshakes by 64 clients"


def flood(scene):
    return f"{wrk(scene, 128)} reviews by 128 clients, as fast as they go"


def resets(scene):
    def one():
        with scene.connect(plain=True) as connection:
            connection.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\x01\0\0\0\0\0\0\0")
    return f"{scene.again(one)} connections that are reset at once"


def slowhttptest(scene):
    def run(mode):
        return subprocess.run(["slowhttptest", mode, "-c", "70", "-r", "200", "-i", "1", "-l", f"{scene.seconds + 1:.0f}", "-t", "POST", "-f", "application/json",
                               "-p", "3", "-u", f"https://127.0.0.1:{scene.server.port}/mutate"],
                              capture_output=True, text=True, timeout=TIMEOUT, stdin=subprocess.DEVNULL, check=False).stdout
    modes = ("-H", "-B", "-R", "-X")
    with concurrent.futures.ThreadPoolExecutor(len(modes)) as pool:
        for mode, out in zip(modes, pool.map(run, modes)):
            verdict = re.findall(r"service available:\S*\s+\S*?(YES|NO)", out)
            check(verdict, f"slowhttptest {mode} says nothing: {out[-400:]}")
            check(verdict[-1] == "YES", f"slowhttptest {mode} finds the service unavailable")
    return "slowhttptest's slow headers, bodies, ranges and readers, 70 connections each: it finds the service available"


ATTACKS = [slow_headers, slow_bodies, slow_readers, half_open_tls, renegotiation, thousand_idle, thousand_served, pipelining, smuggling, huge_bodies,
           many_large_bodies, huge_json, old_tls, not_tls, strange_http, handshakes, flood, resets, slowhttptest]
