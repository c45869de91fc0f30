"""Who may ask, what all of it may hold, and what is told of it: client certificates, memory, logs, metrics, the way out."""

import concurrent.futures
import json
import os
import re
import shutil
import socket
import ssl
import subprocess
import tempfile
import threading
import time

from harness import (Connection, Failed, any_certificate, check, check_reviewed, make_certificate, request, review, Server, TIMEOUT,
                     wait_for, write)

MIB = 1024 * 1024

CONFIG = """\
[ca]
default_ca = this
[this]
new_certs_dir = .
database = index
rand_serial = yes
default_md = sha256
policy = any
unique_subject = no
[any]
commonName = supplied
[authority]
basicConstraints = critical,CA:true
keyUsage = critical,keyCertSign
subjectKeyIdentifier = hash
[leaf]
basicConstraints = critical,CA:false
keyUsage = critical,digitalSignature
{more}
[req]
distinguished_name = empty
[empty]
"""


class Authority:
    """Signs certificates of clients."""

    def __init__(self, name):
        self.folder = tempfile.mkdtemp(prefix="gastown-authority-")
        write(self.path("index"), "")
        self.sign(name, "ca", "authority", own=True)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        shutil.rmtree(self.folder, ignore_errors=True)

    def path(self, name):
        return os.path.join(self.folder, name)

    def pem(self):
        with open(self.path("ca.crt")) as file:
            return file.read()

    def sign(self, name, stem, section="leaf", more="", valid=(-3600, 86400), own=False):
        def openssl(*words):
            subprocess.run(["openssl", *words], cwd=self.folder, check=True, capture_output=True)
        start, end = (time.strftime("%Y%m%d%H%M%SZ", time.gmtime(time.time() + seconds)) for seconds in valid)
        write(self.path("config"), CONFIG.format(more=more))
        openssl("req", "-new", "-config", "config", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-keyout",
                f"{stem}.key", "-out", "request", "-subj", f"/CN={name}")
        signer = ["-selfsign", "-keyfile", f"{stem}.key"] if own else ["-cert", "ca.crt", "-keyfile", "ca.key"]
        openssl("ca", "-batch", "-notext", "-config", "config", "-extensions", section, *signer, "-in", "request", "-out", f"{stem}.crt",
                "-startdate", start, "-enddate", end)

    def client(self, name, version=None, **more):
        """A context for a client of that name."""
        stem = f"client-{time.monotonic_ns()}"
        self.sign(name, stem, **more)
        context = any_certificate()
        context.load_cert_chain(self.path(f"{stem}.crt"), self.path(f"{stem}.key"))
        if version:
            context.minimum_version = context.maximum_version = version
        return context


def asked(server, context, uid="c", path="/mutate?timeout=10s"):
    with server.connect(context=context) as connection:
        connection.send(request(review(uid), path=path))
        return connection.answer()


def labelled(server, series):
    found = re.search(rf"^{re.escape(series)} (\S+)$", server.get("/metrics")[1], re.MULTILINE)
    check(found, f"no {series}")
    return float(found.group(1))


def client_certificates(program):
    with Authority("ours") as ours, Authority("theirs") as theirs, tempfile.TemporaryDirectory() as folder:
        file = os.path.join(folder, "ca.crt")
        write(file, "Whatever stands around it.\n" + ours.pem())
        with Server(program, "--client-ca", file, "--client-names", "kube-apiserver,api.example.org") as server:
            for version in (ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3):
                check_reviewed(asked(server, ours.client("kube-apiserver", version), "v"), "v")
            check_reviewed(asked(server, ours.client("other", more="subjectAltName=DNS:x,DNS:api.example.org"), "san"), "san")
            check_reviewed(asked(server, ours.client("kube-apiserver", more="extendedKeyUsage=clientAuth"), "eku"), "eku")
            cut = b"kube-apiserver\0.evil.example"  # a name for who stops reading at a NUL
            san = b"\x30" + bytes([len(cut) + 2]) + b"\x82" + bytes([len(cut)]) + cut
            bad_name = (ours.client("mallory"), ours.client("kube-apiserver.evil"), ours.client("x", more="subjectAltName=DNS:y"),
                        ours.client("y", more="subjectAltName=DER:" + san.hex(":")))
            untrusted = ((theirs.client("kube-apiserver"), "no authority there signed it"),
                         (ours.client("kube-apiserver", valid=(-7200, -3600)), "it has expired"),
                         (ours.client("kube-apiserver", valid=(3600, 7200)), "it isn't valid yet"),
                         (ours.client("kube-apiserver", more="extendedKeyUsage=serverAuth"), "it isn't made for clients"))
            for version in (ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3):
                nobody = any_certificate()
                nobody.minimum_version = nobody.maximum_version = version
                answer = asked(server, nobody)
                status = answer.check_status_object(401)
                check(status["reason"] == "Unauthorized" and "--client-ca" in status["message"] and answer.closes(), f"{status}")
            for path in ("/nowhere", "/mutate"):  # whoever he is, he isn't told what there is
                asked(server, any_certificate(), path=path).check_status_object(401)
            for context in bad_name:
                check("--client-names" in asked(server, context).check_status_object(403)["message"], "the name isn't told of")
            for context, why in untrusted:
                message = asked(server, context).check_status_object(403)["message"]
                check(message.endswith(why), f"{message!r}, not {why!r}")
            for reason, count in (("none", 4), ("name", 4), ("untrusted", 4)):
                found = labelled(server, f'gastown_webhook_refused_clients_total{{reason="{reason}"}}')
                check(found == count, f"{reason}: {found} instead of {count}")
            check(labelled(server, 'gastown_webhook_refused_requests_total{code="401"}') == 4, "401 isn't counted")
            check(server.get("/readyz")[0] == 200 and server.get("/healthz")[0] == 200, "probes want a certificate")
            check("mallory" not in server.log(), "a stranger's name is in the log")


def client_authorities_reload(program):
    with Authority("first") as first, Authority("second") as second, tempfile.TemporaryDirectory() as folder:
        file = os.path.join(folder, "ca.crt")
        write(file, first.pem())
        one, two = first.client("a"), second.client("b")
        with Server(program, "--client-ca", file) as server, server.connect(context=one) as lasting:
            def lasts(uid):
                lasting.send(request(review(uid)))
                return lasting.answer()
            check_reviewed(lasts("before"), "before")
            for bad in ("", "nonsense", "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n", make_certificate("old", (-7200, -3600))[0]):
                before = server.metric("gastown_webhook_client_ca_refused_total")
                write(file, bad)
                server.wait_metric("gastown_webhook_client_ca_refused_total", before + 1)
                check_reviewed(lasts("bad"), "bad")
            check_reviewed(asked(server, one, "new"), "new")
            write(file, first.pem() + second.pem())
            wait_for("both", lambda: asked(server, two).status == 200)
            check_reviewed(lasts("both"), "both")
            write(file, second.pem())
            wait_for("the second alone", lambda: asked(server, one).status == 403)
            lasts("after").check_status_object(403)
            check(lasting.closed_within(TIMEOUT), "who isn't trusted any more stays connected")
            check_reviewed(asked(server, two, "two"), "two")
            os.unlink(file)
            server.wait_log("refused; what was there before stays.*authorities of clients")
            check_reviewed(asked(server, two, "gone"), "gone")
        for text, why in ((None, "No such file"), ("x", "no PEM certificate of an authority")):
            if text:
                write(file, text)
            done = subprocess.run([program, "-t", ".", "--tls-cert", "c", "--tls-key", "k", "--client-ca", file], capture_output=True, text=True,
                                  cwd=server.folder if os.path.isdir(server.folder) else folder, check=False, timeout=TIMEOUT)
            check(done.returncode in (1, 3), f"{why}: it starts")


def handshakes_counted(program):
    with Server(program) as server:
        server.review()
        failed = "gastown_webhook_failed_handshakes_total"
        check(server.metric(failed) == 0, "a good one counts as failed")
        with Connection(server.port, plain=True) as connection:
            connection.send(b"GET / HTTP/1.1\r\n\r\n")
            check(connection.closed_within(TIMEOUT), "no TLS, and it stays")
        server.wait_metric(failed, 1)
        socket.create_connection(("127.0.0.1", server.port)).close()
        server.wait_metric(failed, 2)
        with server.connect() as connection:  # a good handshake, and nothing else
            check(connection.fingerprint(), "no certificate")
        wait_for("all to end", lambda: server.metric("gastown_webhook_connections") == 0)
        check(server.metric(failed) == 2, "who leaves after the handshake counts as failed")


def status_of(server, key):
    with open(f"/proc/{server.process.pid}/status") as file:
        return int(re.search(rf"^{key}:\s+(\d+) kB", file.read(), re.MULTILINE).group(1)) * 1024


def memory_is_bounded(program):
    """Bodies whose trees take 20 times as much, from more clients than there are threads. An honest client gets through meanwhile."""
    head = (b'{"kind":"AdmissionReview","apiVersion":"admission.k8s.io/v1","request":{"uid":"u","namespace":"gastown","operation":"CREATE",'
            b'"kind":{"group":"gastown.io","version":"v1alpha1","kind":"Rig"},"object":{"x":[')
    size = 2 * MIB
    body = head + b"0," * ((size - len(head)) // 2 - 10) + b"0]}}}"
    with Server(program, "--threads", "8", "--header-timeout", "1m", "--body-timeout", "1m", "--answer-timeout", "1m") as server:
        statuses, most, over = [], [0], threading.Event()

        def hostile(_):
            for path in ("/validate", "/mutate"):
                with server.connect() as connection:
                    connection.send(request(body, path=f"{path}?timeout=30s"))
                    answer = connection.answer()
                statuses.append((answer.status, answer.headers.get("retry-after")))

        def watch():
            while not over.is_set():
                most[0] = max(most[0], server.metric("gastown_webhook_review_bytes"))

        watcher = threading.Thread(target=watch)
        watcher.start()
        try:
            with concurrent.futures.ThreadPoolExecutor(12) as pool:
                jobs = [pool.submit(hostile, i) for i in range(12)]
                for i in range(20):
                    server.review(f"honest {i}")
                for job in jobs:
                    job.result()
        finally:
            over.set()
            watcher.join()
        check(len(statuses) == 24 and {status for status, _ in statuses} <= {200, 400, 500, 503}, f"{statuses}")
        check(all(again == "1" for status, again in statuses if status == 503), "503 without Retry-After")
        check(0 < most[0] <= 128 * MIB, f"reviews held {most[0] / MIB:.0f} MiB")
        wait_for("memory to be given back", lambda: server.metric("gastown_webhook_review_bytes") == 0 and
                 server.metric("gastown_webhook_body_bytes") == 0)
        peak = status_of(server, "VmHWM")
        print(f"   memory_is_bounded: reviews held {most[0] / MIB:.0f} MiB, the process {peak / MIB:.0f} MiB; "
              f"{sum(status == 503 for status, _ in statuses)} of 24 told to come again")
        if "asan" not in program:  # with it each byte has a shadow, and what is freed stays for a while
            check(peak < 256 * MIB, f"the process held {peak / MIB:.0f} MiB")


def log_lines(program):
    with Server(program, "--log-format", "json") as server, server.connect() as connection:
        def logged(uid, **changes):
            body = json.loads(review(uid))
            body["request"].update(changes)
            connection.send(request(json.dumps(body).encode()))
            connection.answer()
            line = server.wait_log(rf'.*"msg":"review","uid":"{uid}".*').group(0)
            return json.loads(line)
        line = logged("a")
        wanted = {"level": "info", "path": "mutate", "operation": "CREATE", "namespace": "gastown", "name": "gt-gastown-polecat-furiosa",
                  "rig": "gastown", "role": "polecat", "agent": "furiosa", "user": "admin", "outcome": "injected", "code": 200, "warnings": 0,
                  "generation": 1}
        check({key: line.get(key) for key in wanted} == wanted, f"{line}")
        check(line["duration_us"] > 0 and line["patch_bytes"] > 0 and "dry_run" not in line, f"{line}")
        check(logged("b", dryRun=True)["dry_run"] == "true", "a dry run isn't called one")
        made = json.loads(review("c"))["request"]["object"]
        made["metadata"]["generateName"] = made["metadata"].pop("name") + "-"
        line = logged("c", name="", object=made)
        check(line["generate_name"] == "gt-gastown-polecat-furiosa-" and "name" not in line, f"{line}")
        hostile = 'x"}\n{"level":"error"} \u202egnp.exe \x1b[31m ' + "\u00e9" * 4000
        line = logged("d", userInfo={"username": hostile}, name=hostile)
        check(line["user"].startswith('x"}\n{"level":"error"} ') and len(line["user"].encode()) < 300, f"{line}")
        raw = server.wait_log(r'.*"uid":"d".*').group(0)
        check("\u202e" not in raw and "\x1b" not in raw and len(raw.encode()) < 2000, raw)
        secret = json.loads(review("e"))["request"]["object"]
        secret["spec"]["containers"][0]["env"] = [{"name": "TOKEN", "value": "hush-hush"}]
        logged("e", object=secret)
        check("hush-hush" not in server.log() and "kube-api-access" not in server.log(), "what a pod holds is in the log")
        wait_for("a line per review", lambda: server.log().count('"msg":"review"') == 5)


class Piped(Server):
    """It logs into a pipe that nobody reads until `read` is called."""

    def launch(self):
        self.text, (self.pipe, end) = [], os.pipe()
        self.reader = threading.Thread(target=lambda: [self.text.append(line) for line in open(self.pipe, errors="replace")])
        self.process = subprocess.Popen([self.program, *self.flags], stdin=subprocess.DEVNULL, stdout=end, stderr=end, env=self.env)
        os.close(end)
        return self

    def read(self):
        self.reader.start()

    def log(self):
        return "".join(self.text)


def log_unread(program):
    with Piped(program) as server, server.connect() as connection:
        body = json.loads(review("x"))
        body["request"]["userInfo"] = {"username": "u" * 250}
        data, asked, most = request(json.dumps(body).encode()), 0, 4000
        while server.metric("gastown_log_dropped_total") == 0:  # a pipe takes 64 KiB, two buffers 256 KiB each
            check(asked < most, f"{asked} reviews, and no line is dropped")
            for _ in range(200):
                connection.send(data)
                check_reviewed(connection.answer(), "x")
            asked += 200
        server.read()
        server.wait_log(r"log lines were dropped.* lines=\d+\n")
        dropped = server.metric("gastown_log_dropped_total")
        connection.send(data)
        check_reviewed(connection.answer(), "x")
        server.stop()
        server.reader.join(TIMEOUT)
        told = sum(int(n) for n in re.findall(r"log lines were dropped.* lines=(\d+)\n", server.log()))
        lines = len(re.findall(r" INFO  review uid=x .*\n", server.log()))
        check(told == dropped and lines + told == asked + 1, f"{asked + 1} reviews: {lines} lines, {dropped} dropped, {told} told of")
        check("stopping" in server.log().splitlines()[-1], "the last line is missing")


def metrics_are_clean(program):
    with Server(program) as server:
        server.review()
        text = server.get("/metrics")[1]
        done = subprocess.run(["promtool", "check", "metrics"], input=text, capture_output=True, text=True, timeout=TIMEOUT, check=False)
        check(done.returncode == 0 and done.stdout + done.stderr == "", f"promtool: {done.returncode} {done.stdout}{done.stderr}")
        spoilt = subprocess.run(["promtool", "check", "metrics"], input=text.replace("_total counter", "_total gauge"), capture_output=True,
                                text=True, timeout=TIMEOUT, check=False)
        check(spoilt.returncode != 0, "promtool says yes to everything")
        for name in ("process_cpu_seconds_total", "process_resident_memory_bytes", "process_open_fds", "process_start_time_seconds"):
            check(labelled(server, name) > 0, f"{name} isn't above 0")
        check(abs(labelled(server, "process_start_time_seconds") - time.time()) < 120, "it didn't start just now")
        wait_for("the descriptors as the system counts them",  # the scrape's own connection may be gone already
                 lambda: 0 <= labelled(server, "process_open_fds") - len(os.listdir(f"/proc/{server.process.pid}/fd")) <= 1)
        check('gastown_registration_trusted{' not in text and "authority_expiry" not in re.sub("#.*", "", text), "it knows what it can't know")
        left = labelled(server, 'gastown_webhook_review_budget_left_seconds_sum{path="mutate"}')
        check(9 < left <= 10, f"of 10 s {left} are left")


def way_out(program):
    """What was pipelined is answered once more, with the connection's end; who comes during the delay is served and sent away."""
    with Server(program, "--stop-delay", "2s", "--body-timeout", "1m") as server:
        pipelined, half = server.connect(), server.connect()
        half.send(request(review("half"))[:-9])
        pipelined.send(request(review("first")))
        check_reviewed(pipelined.answer(), "first")
        server.signal()
        server.wait_log("stopping: unready now")
        check(server.get("/readyz") == (503, "about to stop\n") and server.get("/healthz")[0] == 200, "not unready, or not alive")
        pipelined.send(request(review("p1")) + request(review("p2")))
        answer = pipelined.answer()
        check_reviewed(answer, "p1")
        check(answer.closes() and pipelined.closed_within(TIMEOUT), "no end in sight")
        check(b"HTTP/1.1" not in pipelined.buffer, "an answer behind Connection: close")
        with server.connect() as late:
            late.send(request(review("late")))
            answer = late.answer()
            check_reviewed(answer, "late")
            check(answer.closes(), "a new connection isn't sent away")
        server.wait_log("stopping: no new connections")
        half.send(request(review("half"))[-9:])
        answer = half.answer()
        check_reviewed(answer, "half")
        check(answer.closes(), "what was under way isn't the last")
        check(server.exit_code() == 0 and "connections_cut=0" in server.log(), server.log()[-400:])
        for connection in (pipelined, half):
            connection.socket.close()


CASES = [client_certificates, client_authorities_reload, handshakes_counted, memory_is_bounded, log_lines, log_unread, metrics_are_clean, way_out]
