"""What goes over one connection: TLS, HTTP, limits of time and size."""

import concurrent.futures
import contextlib
import json
import os
import re
import socket
import ssl
import struct
import time

from harness import (Connection, Failed, any_certificate, check, check_reviewed, chunked, old_tls, patch_text, request, review,
                     Server, speaks_to_anybody, TIMEOUT, wait_for)

MAX = 8 * 1024 * 1024


def tls_versions(program):
    with Server(program) as server:
        for version, name in ((ssl.TLSVersion.TLSv1_2, "TLSv1.2"), (ssl.TLSVersion.TLSv1_3, "TLSv1.3")):
            context = any_certificate()
            context.minimum_version = context.maximum_version = version
            with server.connect(context=context) as connection:
                check(connection.socket.version() == name, f"{connection.socket.version()} instead of {name}")
                connection.send(request(review("v")))
                check_reviewed(connection.answer(), "v")
        for version in (ssl.TLSVersion.TLSv1_1, ssl.TLSVersion.TLSv1):
            check(speaks_to_anybody(version), f"this client can't speak {version.name}, so that a refusal would say nothing")
            try:
                server.connect(context=old_tls(version)).socket.close()
            except (ssl.SSLError, ConnectionError):
                pass
            else:
                raise Failed(f"{version.name} was accepted")
        for suite, fine in (("ECDHE-ECDSA-AES128-GCM-SHA256", True), ("ECDHE-ECDSA-AES128-SHA", False), ("AES128-SHA", False), ("NULL-SHA256", False)):
            context = any_certificate()
            context.maximum_version = ssl.TLSVersion.TLSv1_2
            context.set_ciphers(f"{suite}:@SECLEVEL=0")
            try:
                server.connect(context=context).socket.close()
            except (ssl.SSLError, ConnectionError):
                check(not fine, f"{suite} was refused")
            else:
                check(fine, f"{suite} was accepted")
        server.review()


def review_answered(program):
    with Server(program) as server:
        response = server.review("u-1")
        check(response["allowed"] is True, f"{response}")
        check(("patch" in response) == ("patchType" in response), "patch without patchType")
        check("agent:v1" in patch_text(response), f"the template isn't in the patch: {patch_text(response)[:300]}")
        line = server.wait_log(r"review .*\n").group(0)
        for part in ("uid=u-1", "outcome=injected", "code=200", "duration_us=", "patch_bytes="):
            check(part in line, f"{part} isn't in the log line {line}")
        check("kube-api-access" not in server.log(), "something of the pod is in the log")


def keep_alive(program):
    with Server(program) as server, server.connect() as connection:
        for i in range(20):
            connection.send(request(review(f"k{i}")))
            answer = connection.answer()
            check_reviewed(answer, f"k{i}")
            check(not answer.closes(), "keep-alive ended")
        connection.send(request(review("last"), headers=["Connection: close"]))
        check_reviewed(connection.answer(), "last")
        check(connection.closed_within(TIMEOUT), "it stays open after Connection: close")


def pipelining(program):
    with Server(program) as server, server.connect() as connection:
        connection.send(b"".join(request(review(f"p{i}")) for i in range(10)))
        for i in range(10):
            check_reviewed(connection.answer(), f"p{i}")
        connection.send(request(b"x", path="/nowhere") + request(review("p")) + request(b"", "GET", length=False))
        connection.answer().check_status_object(404)
        check_reviewed(connection.answer(), "p")
        connection.answer().check_status_object(405)


def bodies_in_pieces(program):
    with Server(program) as server, server.connect() as connection:
        for i in range(3):  # heads, too: of many lines, so that the server's buffer grows in the middle of them
            data = request(review("head"), headers=[f"X-{n}: {n * 'x'}" for n in range(0, 180, 1 + i)])
            for at in range(0, len(data), 1 + 500 * i):
                connection.send(data[at:at + 1 + 500 * i])
            check_reviewed(connection.answer(), "head")
        data = request(review("pieces"))
        for at in range(0, len(data), 97):
            connection.send(data[at:at + 97])
        check_reviewed(connection.answer(), "pieces")
        head = ["Transfer-Encoding: chunked"]
        for size, extension in ((1, b""), (7, b";a=b"), (4096, b"")):
            with server.connect() as other:  # of which it is the last request
                other.send(request(b"", headers=head, length=False) + chunked(review(f"c{size}"), size, extension) + request(review("behind")))
                answer = other.answer()
                check_reviewed(answer, f"c{size}")
                check(answer.closes() and other.closed_within(TIMEOUT) and not other.buffer, "chunked: the connection goes on")
        with server.connect() as other:
            other.send(request(b"", headers=head, length=False) + chunked(review("trailer"), 99)[:-2] + b"X-Trailer: 1\r\n\r\n")
            check_reviewed(other.answer(), "trailer")
        body = review("expect")
        connection.send(request(b"", headers=["Expect: 100-continue", f"Content-Length: {len(body)}"], length=False))
        check(connection.answer().status == 100, "no 100 Continue")
        connection.send(body)
        check_reviewed(connection.answer(), "expect")


def errors_keep_the_connection(program):
    with Server(program) as server, server.connect() as connection:
        def refused(code, *args, head=False, **more):
            connection.send(request(*args, **more))
            answer = connection.answer(head=head)
            check(not answer.closes(), f"{code} closes the connection")
            check(answer.status == code, f"{answer.status} instead of {code}")
            if not head:
                answer.check_status_object(code)
            return answer
        for method in ("GET", "PUT", "DELETE", "OPTIONS", "PATCH", "TRACE", "BREW"):
            check(refused(405, b"", method).headers.get("allow") == "POST", f"{method}: no Allow")
        check(refused(405, b"", "HEAD", head=True).headers.get("allow") == "POST", "HEAD: no Allow")
        for path in ("/", "/mutate/", "/validate/", "/mutat", "/mutatex", "/healthz", "/MUTATE", "//mutate"):
            refused(404, b"{}", path=path)
        for kind in ("text/plain", "application/jsonx", "application/yaml", "", None):
            told = refused(415, b"{}", content_type=kind).check_status_object(415)["message"]
            check(told == f"send Content-Type: application/json (got {kind or 'none'})", told)
        told = refused(415, b"{}", content_type="text/\xe9\t" + 200 * "x").check_status_object(415)["message"]
        check("(got text/?" in told and told.endswith("x)") and told.count("x") < 80, told)
        told = refused(415, b"{}", headers=["Content-Encoding: gzip"]).check_status_object(415)["message"]
        check(told == "send the review without a Content-Encoding (got gzip)", told)
        told = refused(415, b"{}", content_type=None, headers=["Content-Type:"]).check_status_object(415)["message"]
        check(told.endswith("(got an empty one)"), told)
        for body in (b"", b"{", b"null", b"[]", b'{"kind":"Pod"}', b"\xff\xfe", b'{"a":1,"a":2}', b"{}{}", b"[" * 5000):
            refused(400, body)
        for timeout in ("abc", "0s", "-3s", "3", "3s3", "", "1e3s"):
            refused(400, review("t"), path=f"/mutate?timeout={timeout}")
        for kind in ("application/json; charset=utf-8", "Application/JSON", "application/json"):
            connection.send(request(review("kind"), content_type=kind))
            check_reviewed(connection.answer(), "kind")
        for path in ("/mutate", "/mutate?timeout=3s", "/mutate?timeout=1m0s", "/mutate?timeout=2.5s", "/mutate?x=y", "/%6dutate"):
            connection.send(request(review("path"), path=path))
            check_reviewed(connection.answer(), "path")


def too_large(program):
    with Server(program) as server:
        with server.connect() as connection:
            for body in (b" " * (MAX + 1), b"x" * (MAX + MAX // 2)):
                connection.send(request(body))
                connection.answer().check_status_object(413)
            connection.send(request(b" " * (MAX - len(review("fits"))) + review("fits")))
            check_reviewed(connection.answer(), "fits")
            connection.send(request(b"", headers=["Transfer-Encoding: chunked"], length=False) + chunked(b"y" * (MAX + 5), 65536))
            connection.answer().check_status_object(413)
        for headers in (["Content-Length: 9000000", "Expect: 100-continue"], ["Content-Length: 1099511627776"]):
            with server.connect() as connection:
                connection.send(request(b"", headers=headers, length=False))
                connection.answer().check_status_object(413)
                check(connection.closed_within(TIMEOUT), f"{headers}: it stays open")
        with server.connect() as connection:  # more than anybody wants to throw away
            connection.send(request(b"", headers=["Transfer-Encoding: chunked"], length=False))
            try:
                for _ in range(64):
                    connection.send(b"100000\r\n" + b"z" * 0x100000 + b"\r\n")
            except (ConnectionError, ssl.SSLError):
                pass
            else:
                raise Failed("an endless body is read for ever")
        check(server.metric("gastown_webhook_body_bytes") == 0, "memory of bodies isn't given back")
        server.review()


# Each is followed by a second request that must never be answered.
SMUGGLING = {
    "both": b"Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0",
    "both, the other way": b"Transfer-Encoding: chunked\r\nContent-Length: 0\r\n\r\n0",
    "two lengths": b"Content-Length: 0\r\nContent-Length: 50",
    "two equal lengths": b"Content-Length: 0\r\nContent-Length: 0",
    "a list of lengths": b"Content-Length: 0, 0",
    "plus": b"Content-Length: +0",
    "minus": b"Content-Length: -1",
    "hex": b"Content-Length: 0x0",
    "no digits": b"Content-Length: ",
    "letters": b"Content-Length: 5a",
    "overflow": b"Content-Length: 99999999999999999999999",
    "gzip, chunked": b"Transfer-Encoding: gzip, chunked\r\n\r\n0",
    "chunked, identity": b"Transfer-Encoding: chunked, identity\r\n\r\n0",
    "identity": b"Transfer-Encoding: identity",
    "xchunked": b"Transfer-Encoding: xchunked",
    "chunked twice": b"Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n0",
    "chunked and gzip": b"Transfer-Encoding: chunked\r\nTransfer-Encoding: gzip\r\n\r\n0",
    "quoted": b'Transfer-Encoding: "chunked"',
    "blank in the name": b"Content-Length : 0",
    "blank in the other name": b"Transfer-Encoding : chunked\r\n\r\n0",
    "tab in the name": b"Content-Length\t: 0",
    "control in the name": b"Content-\x01Length: 0\r\nContent-Length: 0",
    "underscores": b"Content_Length: 7\r\nContent-Length: 0\r\nContent-Length: 7",
    "no colon": b"Content-Length 0",
    "chunk size": b"Transfer-Encoding: chunked\r\n\r\nzz\r\n",
    "negative chunk": b"Transfer-Encoding: chunked\r\n\r\n-1\r\n",
    "hex chunk": b"Transfer-Encoding: chunked\r\n\r\n0x5\r\nhello\r\n0",
    "huge chunk": b"Transfer-Encoding: chunked\r\n\r\nffffffffffffffffff\r\n",
    "chunk without end": b"Transfer-Encoding: chunked\r\n\r\n3\r\nabcdef\r\n0",
    "folded length": b"Content-Length:\r\n 0",
    "folded encoding": b"Transfer-Encoding:\r\n chunked\r\nContent-Length: 0",
    "name made by folding": b"Content-: 0\r\n Length",
    "folded": b"X: a\r\n b\r\nContent-Length: 0",
    "folded, the first one": b"X: a\r\n\tb",
    "NUL in a length": b"Content-Length: 0\0 5",
    "NUL in an encoding": b"Transfer-Encoding: chunked\0x\r\n\r\n0",
    "NUL in a value": b"X: a\0b\r\nContent-Length: 0",
    "bare LF": b"X: a\nContent-Length: 0",
    "bare LF at the end": b"Content-Length: 0\nX: a",
    "bare CR": b"X: a\rContent-Length: 5\r\nContent-Length: 0",
    "blank in a length": b"Content-Length: 1 0",
    "blank behind a length": b"Content-Length: 0 ",
    "vertical tab": b"Transfer-Encoding: \x0bchunked\r\n\r\n0",
    "chunk that overflows": b"Transfer-Encoding: chunked\r\n\r\n10000000000000000\r\n",
    "chunk ended by LF": b"Transfer-Encoding: chunked\r\n\r\n0\n\n",
    "chunk extension with LF": b"Transfer-Encoding: chunked\r\n\r\n0;a\nb",
    "trailer with a length": b"Transfer-Encoding: chunked\r\n\r\n0\r\nContent-Length: 5",
}


def smuggling(program):
    second = b"\r\n\r\nGET /smuggled HTTP/1.1\r\nHost: localhost\r\n\r\n"
    with Server(program) as server:
        for name, header in SMUGGLING.items():
            with server.connect() as connection:
                connection.send(b"POST /mutate HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n" + header + second)
                check(connection.closed_within(TIMEOUT), f"{name}: the connection stays open")
                statuses = re.findall(rb"HTTP/1\.1 (\d+)", connection.buffer)
                check(statuses and all(s in (b"400", b"413") for s in statuses), f"{name}: {connection.buffer[:400]!r}")
                check(b"nothing here" not in connection.buffer, f"{name}: the second request was answered")
        server.review()


def malformed(program):
    with Server(program) as server:
        for line in (b"POST /mutate HTTP/1.1\r\n\r\n", b"POST /mutate HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n",
                     b"POST\r\n\r\n", b"\x01\x02\x03\r\n\r\n",
                     b"POST /mutate HTTP/9.9\r\nHost: x\r\n\r\n", b"POST /mutate HTTP/1.1\r\n: x\r\nHost: x\r\n\r\n",
                     b"POST /mutate HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n5;" + b"a" * 100000,
                     b"POST /mutate?" + b"a=b&" * 14000 + b" HTTP/1.1\r\nHost: x\r\n\r\n",
                     b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", b"GET / HTTP/1.1\r\nHost: x\r\nX: " + b"a" * 70000 + b"\r\n\r\n",
                     b"POST /" + b"a" * 70000 + b" HTTP/1.1\r\nHost: x\r\n\r\n", b"a" * 100000):
            with server.connect() as connection:
                try:
                    connection.send(line)
                except (ConnectionError, ssl.SSLError):
                    pass
                check(connection.closed_within(TIMEOUT), f"{line[:40]!r}: stays open")
                check(b"HTTP/1.1 2" not in connection.buffer, f"{line[:40]!r}: {connection.buffer[:200]!r}")
        with server.connect() as connection:  # HTTP/1.0 is no crime
            connection.send(b"POST /mutate HTTP/1.0\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n" % len(review("o"))
                            + review("o"))
            check_reviewed(connection.answer(), "o")
            check(connection.closed_within(TIMEOUT), "HTTP/1.0 stays open")


def garbage(program):
    with Server(program) as server:
        for data in (os.urandom(5000), b"GET / HTTP/1.1\r\nHost: x\r\n\r\n", b"\x16\x03\x01\xff\xff" + os.urandom(3000),
                     b"\x16\x03\x01\x00\x00", b"\x80\x2e\x01\x00\x02"):
            with Connection(server.port, plain=True) as connection:
                with contextlib.suppress(OSError):  # it may have been cut off already
                    connection.send(data)
                    connection.socket.shutdown(socket.SHUT_WR)
                check(connection.closed_within(TIMEOUT), f"{data[:20]!r}: stays open")
        for half in (b"", request(review("half"))[:50], request(review("half"))[:-5]):
            with server.connect() as connection:  # gone in the middle, with a reset
                connection.send(half)
                connection.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        with Connection(server.port, plain=True) as connection:  # half-open from the start
            connection.socket.shutdown(socket.SHUT_WR)
            check(connection.closed_within(TIMEOUT), "a half-open connection stays")
        with server.connect() as connection:  # TCP half closed behind a whole request
            connection.send(request(review("last words")))
            socket.socket.shutdown(connection.socket, socket.SHUT_WR)  # without TLS's knowledge
            check_reviewed(connection.answer(), "last words")
        wait_for("all connections to end", lambda: server.metric("gastown_webhook_connections") == 0)
        server.review()


def slow_headers(program):
    with Server(program, "--header-timeout", "1s") as server:
        silent = Connection(server.port, plain=True)
        slow = server.connect()
        start = time.monotonic()
        for byte in request(review("slow"))[:-1]:
            try:
                slow.send(bytes([byte]))
            except (ConnectionError, ssl.SSLError):
                break
            time.sleep(0.05)
            if time.monotonic() - start > TIMEOUT:
                raise Failed("a byte now and then keeps a connection alive")
        check(slow.closed_within(TIMEOUT), "slow headers: stays open")
        check(silent.closed_within(TIMEOUT), "silence: stays open")
        check(server.metric("gastown_webhook_reaped_connections_total") >= 2, "not the reaper's doing")
        with server.connect() as connection:  # second request of a connection
            connection.send(request(review("a")))
            check_reviewed(connection.answer(), "a")
            connection.send(b"POST /mutate HTTP/1.1\r\nHost:")
            start = time.monotonic()
            check(connection.closed_within(TIMEOUT), "slow second headers: stays open")
            check(time.monotonic() - start > 0.5, f"closed after {time.monotonic() - start} s")


def slow_bodies(program):
    with Server(program, "--body-timeout", "1s") as server, server.connect() as connection:
        connection.send(request(b"", headers=["Content-Length: 100000"], length=False))
        start = time.monotonic()
        try:
            while time.monotonic() - start < TIMEOUT:
                connection.send(b"x")
                time.sleep(0.05)
        except (ConnectionError, ssl.SSLError):
            pass
        check(time.monotonic() - start < TIMEOUT and connection.closed_within(TIMEOUT), "a slow body lives on")
        server.wait_metric("gastown_webhook_body_bytes", 0)
        server.review()


def slow_readers(program):
    with Server(program, "--answer-timeout", "1s") as server, server.connect(timeout=1.0) as connection:
        requests = b"GET / HTTP/1.1\r\nHost: x\r\n\r\n" * 1000  # an answer is ten times as long
        start = time.monotonic()
        try:
            while time.monotonic() - start < TIMEOUT:
                connection.send(requests)
        except (OSError, ssl.SSLError):
            pass
        wait_for("the reaper", lambda: server.metric("gastown_webhook_reaped_connections_total") >= 1)
        server.review()


def idle(program):
    with Server(program, "--idle-timeout", "1s", "--header-timeout", "5s") as server, server.connect() as connection:
        connection.send(request(review("a")))
        check_reviewed(connection.answer(), "a")
        start = time.monotonic()
        check(connection.closed_within(TIMEOUT), "stays open")
        check(time.monotonic() - start > 0.8, "closed too early")


def crowds(program):
    with Server(program, "--connections", "40", "--threads", "2") as server:
        crowd = [Connection(server.port, plain=True) for _ in range(120)]
        for i in range(5):
            server.review(f"through {i}")
        check(server.metric("gastown_webhook_connections") <= 40, "more connections than there may be")
        for connection in crowd:
            connection.socket.close()


def bodies_in_flight(program):
    with Server(program, "--threads", "8", "--body-timeout", "1m") as server:
        body = b" " * (MAX - 1000)
        holders = [server.connect() for _ in range(8)]

        def hold(connection):
            connection.send(request(body + b" " * 1000, path="/mutate?timeout=30s")[:-1000])
        with concurrent.futures.ThreadPoolExecutor(8) as pool:
            list(pool.map(hold, holders))
        server.wait_metric("gastown_webhook_body_bytes", 64 * 1024 * 1024)
        with server.connect() as connection:
            connection.send(request(review("small")))  # such as reviews are: always
            check_reviewed(connection.answer(), "small")
            large = b" " * 500000 + review("no room")
            connection.send(request(large))
            answer = connection.answer()
            answer.check_status_object(503)
            check(answer.headers.get("retry-after") == "1", "no Retry-After")
            check(not answer.closes(), "503 closes the connection")
            holders[0].socket.close()
            server.wait_metric("gastown_webhook_body_bytes", 56 * 1024 * 1024)
            connection.send(request(large))
            check_reviewed(connection.answer(), "no room")
        for holder in holders[1:]:
            holder.send(b" " * 1000)
            holder.answer().check_status_object(400)
            holder.socket.close()
        server.wait_metric("gastown_webhook_body_bytes", 0)


def budget(program):
    with Server(program) as server, server.connect() as connection:
        connection.send(request(review("ns"), path="/mutate?timeout=1ns"))
        answer = connection.answer()
        answer.check_status_object(503)
        check("retry-after" not in answer.headers, "Retry-After: an API server asks again then, and its user never sees why")
        data = request(review("slow"), path="/mutate?timeout=100ms")
        connection.send(data[:-10])
        time.sleep(0.3)
        connection.send(data[-10:])
        connection.answer().check_status_object(503)
        connection.send(request(review("in time"), path="/mutate?timeout=5s"))
        check_reviewed(connection.answer(), "in time")
        check(server.metric("gastown_webhook_late_total") == 2, "late reviews aren't counted")


def templates_reviewed(program):
    def template(uid, spec, **request):
        kind = {"group": "gastown.io", "version": "v1alpha1", "kind": "Rig"}
        made = {"apiVersion": "gastown.io/v1alpha1", "kind": "Rig", "metadata": {"name": "r", "namespace": "gastown"}, "spec": spec}
        whole = {"uid": uid, "kind": kind, "namespace": "gastown", "operation": "CREATE", "object": made, **request}
        return json.dumps({"kind": "AdmissionReview", "apiVersion": "admission.k8s.io/v1", "request": whole}).encode()

    with Server(program) as server, server.connect() as connection:
        def told(body):
            connection.send(request(body, path="/validate?timeout=5s"))
            return check_reviewed(connection.answer(), json.loads(body)["request"]["uid"])
        check(told(template("good", {"name": "r"})) == {"uid": "good", "allowed": True}, "a good rig isn't just allowed")
        denied = told(template("bad", {"name": "r", "podOverrides": {"imgae": "x"}}))
        check(denied["allowed"] is False and denied["status"]["code"] == 422, f"{denied}")
        check(denied["status"]["details"]["causes"][0]["field"] == "spec.podOverrides.imgae", f"{denied}")
        floating = told(template("risky", {"name": "r", "podOverrides": {"image": "agent"}}))
        check(floating["allowed"] and "floating tag" in floating["warnings"][0], f"{floating}")
        check(told(review("a pod")) == {"uid": "a pod", "allowed": True}, "a pod at /validate is none of its business")
        connection.send(request(b"{}", path="/validate"))
        connection.answer().check_status_object(400)
        connection.send(request(template("late", {"name": "r"}), path="/validate?timeout=1ns"))
        connection.answer().check_status_object(503)
        connection.send(request(template("here", {"name": "r"})))
        check("patch" not in check_reviewed(connection.answer(), "here"), "a rig was mutated")
        _, text = server.get("/metrics")
        for outcome, count in (("accepted", 2), ("denied", 1), ("ignored", 1), ("bad_request", 1), ("failed", 1)):
            check(f'reviews_total{{path="validate",outcome="{outcome}"}} {count}\n' in text, f"{outcome} isn't {count}: {text}")
        check('reviews_total{path="mutate",outcome="ignored"} 1\n' in text, text)
        server.wait_log(r"path=validate.*imgae")


CASES = [tls_versions, review_answered, keep_alive, pipelining, bodies_in_pieces, errors_keep_the_connection, too_large, smuggling,
         malformed, garbage, slow_headers, slow_bodies, slow_readers, idle, crowds, bodies_in_flight, budget,
         templates_reviewed]
