"""What happens over time: start, reload, new certificates, stop."""

import concurrent.futures
import os
import re
import shutil
import signal
import socket
import subprocess
import threading
import time

from harness import (BROKEN_OBJECT, check, check_reviewed, Connection, der, Failed, GOOD, make_certificate, NOT_YAML,
                     patch_text, request, review, RIG, Server, swap_volume, TIMEOUT, wait_for, write)

REJECTED, GENERATION, OBJECTS = ("gastown_catalogue_rejected_objects", "gastown_catalogue_generation", "gastown_catalogue_objects")


class Callers:
    """Threads that send reviews until told to stop, and remember what went wrong."""

    def __init__(self, server, threads=4, keep_alive=True):
        self.server, self.keep_alive = server, keep_alive
        self.over, self.wrong, self.done = threading.Event(), [], 0
        self.threads = [threading.Thread(target=self.run, args=(i,)) for i in range(threads)]

    def __enter__(self):
        for thread in self.threads:
            thread.start()
        return self

    def __exit__(self, *_):
        self.over.set()
        for thread in self.threads:
            thread.join()

    def run(self, number):
        count = 0
        while not self.over.is_set():
            try:
                with self.server.connect() as connection:
                    closes = False
                    while not closes and not self.over.is_set():
                        count += 1
                        connection.send(request(review(f"{number}-{count}")))
                        answer = connection.answer()
                        check_reviewed(answer, f"{number}-{count}")
                        self.done += 1
                        closes = answer.closes() or not self.keep_alive
            except (Failed, OSError) as error:
                self.wrong.append(f"{type(error).__name__}: {error}")
                time.sleep(0.05)

    def wait(self, more=50):
        wanted = self.done + more
        wait_for("reviews", lambda: self.done >= wanted or self.wrong)


def image_in_patch(server, image):
    wait_for(f"{image} in a patch", lambda: image in patch_text(server.review()))


# ---- templates ----

def templates_reload(program):
    with Server(program) as server, Callers(server) as callers:
        image_in_patch(server, "agent:v1")
        server.template("town.yaml", GOOD.format(image="agent:v2"))
        image_in_patch(server, "agent:v2")
        with open(os.path.join(server.templates, "town.yaml"), "r+") as file:  # in place
            file.write(GOOD.format(image="agent:v3"))
            file.truncate()
        image_in_patch(server, "agent:v3")
        server.template("rigs.yml", "---\n" + RIG.format(name="a") + "---\n" + RIG.format(name="b"))
        server.template("c.json", '{"apiVersion": "gastown.io/v1alpha1", "kind": "Rig", "metadata": {"name": "c"}, "spec": {"name": "c"}}')
        server.wait_metric(OBJECTS, 4)
        for ignored in (".hidden.yaml", "backup.yaml~", "#x.yaml#", "notes.txt", ".town.yaml.swp"):
            server.template(ignored, NOT_YAML)
        os.mkdir(os.path.join(server.templates, "folder.yaml"))
        os.unlink(os.path.join(server.templates, "rigs.yml"))
        server.wait_metric(OBJECTS, 2)
        check(server.metric(REJECTED) == 0, "something was rejected")
        for text in ("template added object=Rig/a file=rigs.yml", "template removed object=Rig/b file=rigs.yml",
                     "template updated object=GasTown/main file=town.yaml"):
            server.wait_log(re.escape(text))
        callers.wait()
        check(not callers.wrong, f"{callers.wrong[:3]}")
        before = server.metric(GENERATION)
        os.utime(os.path.join(server.templates, "town.yaml"))
        time.sleep(0.7)  # more than a quiet time and a poll
        check(server.metric(GENERATION) == before, "a touched file is a new generation")


def templates_broken_later(program):
    rigs = RIG.format(name="a") + "---\n" + RIG.format(name="b")
    with Server(program, templates={"town.yaml": GOOD.format(image="agent:v1"), "rigs.yaml": rigs}) as server:
        server.template("town.yaml", BROKEN_OBJECT.format(image="agent:v2"))
        server.wait_metric(REJECTED, 1)
        check("agent:v1" in patch_text(server.review()), "the last good version is gone")
        log = server.wait_log(r"template is wrong at=town\.yaml:9:\d+ .*").group(0)
        check("imgae" in log, f"the field isn't named: {log}")
        server.wait_log("last good version stays")
        server.template("rigs.yaml", rigs.replace("name: b\nspec", "name: b\nspec: [\nspec"))
        server.wait_metric(REJECTED, 2)
        check(server.metric(OBJECTS) == 3, "an unreadable file has lost its objects")
        server.wait_log(r"template is wrong at=rigs\.yaml:\d+:\d+")
        server.template("new.yaml", RIG.format(name="north"))  # the others move on
        server.wait_metric(OBJECTS, 4)
        os.unlink(os.path.join(server.templates, "rigs.yaml"))
        server.wait_metric(OBJECTS, 2)
        server.template("town.yaml", GOOD.format(image="agent:v3"))
        server.wait_metric(REJECTED, 0)
        image_in_patch(server, "agent:v3")


def templates_volume(program):
    files = {"town.yaml": GOOD.format(image="agent:v1"), "rig.yaml": RIG.format(name="r")}
    with Server(program, templates=files, volumes=True) as server, Callers(server) as callers:
        for i in range(2, 6):
            swap_volume(server.templates, dict(files, **{"town.yaml": GOOD.format(image=f"agent:v{i}")}))
            image_in_patch(server, f"agent:v{i}")
        swap_volume(server.templates, {"town.yaml": GOOD.format(image="agent:v9")})
        server.wait_metric(OBJECTS, 1)
        image_in_patch(server, "agent:v9")
        check(not callers.wrong, f"{callers.wrong[:3]}")


def templates_at_start(program):
    def refused(status, pattern, **more):
        server = Server(program, **more)
        try:
            server.launch()
            check(server.exit_code() == status, f"exit {server.process.returncode} instead of {status}: {server.log()[-500:]}")
            check(re.search(pattern, server.log()), f"{pattern!r} isn't in {server.log()!r}")
            server.check_clean()
        finally:
            shutil.rmtree(server.folder)
    refused(1, r"(?m)^town\.yaml:9:\d+: .*imgae", templates={"town.yaml": BROKEN_OBJECT.format(image="a:1")})
    refused(1, r"(?m)^a\.yaml:9:\d+: (.|\n)*^b\.yaml:\d+:\d+: (.|\n)*2 errors",
            templates={"a.yaml": BROKEN_OBJECT.format(image="a:1"), "b.yaml": NOT_YAML, "c.yaml": RIG.format(name="c")})


def templates_none(program):
    with Server(program, templates={}) as server:
        server.wait_log(r"WARN.*no templates here: files that end in \.yaml.*folder=")
        server.template("town.yaml", GOOD.format(image="agent:v1"))
        server.wait_metric(OBJECTS, 1)
        os.rename(os.path.join(server.templates, "town.yaml"), os.path.join(server.templates, "town.YAML"))
        server.wait_metric(OBJECTS, 0)
        server.wait_log(r"at=town\.YAML .*not read: only names")
        check(len(re.findall("no templates here", server.log())) == 2, f"not said at each load: {server.log()}")


def directory_vanishes(program):
    with Server(program) as server:
        aside = server.templates + ".aside"
        os.rename(server.templates, aside)
        server.wait_log(r"refused; what was there before stays what=templates error=.*No such file")
        check("agent:v1" in patch_text(server.review()), "templates are gone with the directory")
        check(server.get("/readyz")[0] == 200, "not ready")
        os.mkdir(server.templates)
        server.template("town.yaml", GOOD.format(image="agent:v2"))
        image_in_patch(server, "agent:v2")
        server.wait_log("can be read again what=templates")
        server.template("town.yaml", GOOD.format(image="agent:v3"))  # the new directory is watched, too
        image_in_patch(server, "agent:v3")
        check(server.log().count("No such file") == 1, "a standing failure is logged again and again")


def hang_up(program):
    with Server(program, "--poll-interval", "1h") as server:
        server.template("town.yaml", GOOD.format(image="agent:v2"))
        server.signal(signal.SIGHUP)
        image_in_patch(server, "agent:v2")


# ---- certificates ----

def put_pair(server, pair):
    swap_volume(server.certs, dict(zip(("tls.crt", "tls.key"), pair)))


def served(server):
    with server.connect() as connection:
        return connection.fingerprint()


def descriptors_suffice(program):
    """As many connections as there may be leave enough for a probe; where there can't be enough, it says so at the start."""
    flags = ("--connections", "64", "--threads", "2")

    def limited(soft, hard):
        server = Server(program, *flags)
        server.limits = (soft, hard)
        return server
    with limited(50, 1000) as server:
        check(server.metric("process_max_fds") >= 64, "the limit is what it was")
        strangers = [socket.create_connection(("127.0.0.1", server.port)) for _ in range(70)]
        check(server.get("/healthz")[0] == 200, "no probe gets through")
        for stranger in strangers:
            stranger.close()
    server = limited(50, 60)
    try:
        server.launch()
        check(server.exit_code() == 3, f"exit {server.process.returncode}: {server.log()[-300:]}")
        check("--connections 64 takes" in server.log() and "60 are allowed" in server.log(), server.log()[-300:])
    finally:
        shutil.rmtree(server.folder)


def certificate_swap(program):
    with Server(program, volumes=True) as server, Callers(server, keep_alive=False) as fresh, Callers(server) as old:
        for i in range(6):
            pair = make_certificate(f"pair {i}")
            put_pair(server, pair)
            wait_for("the new certificate", lambda wanted=der(pair[0]): served(server) == wanted)
        fresh.wait()
        old.wait()
        check(not fresh.wrong and not old.wrong, f"{(fresh.wrong + old.wrong)[:3]}")
        server.wait_log(r"certificate loaded .*not_after=\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ")


def certificate_refused(program):
    with Server(program, volumes=True) as server:
        first = served(server)
        good, other = make_certificate("good"), make_certificate("other")
        bad = {"is not the key of the certificate": (good[0], other[1]), "no PEM certificate": ("junk", good[1]),
               "no usable PEM private key": (good[0], "junk"), "expired at": make_certificate("old", (-7200, -3600)),
               "isn't valid before": make_certificate("early", (3600, 7200))}
        for i, (reason, pair) in enumerate(bad.items()):
            put_pair(server, pair)
            server.wait_log(reason)
            check(served(server) == first, f"{reason}: it's served all the same")
            check(server.metric("gastown_certificate_refused_total") > i, "a refusal isn't counted")
        check(server.get("/readyz")[0] == 200, "not ready")
        put_pair(server, good)
        wait_for("the good one", lambda: served(server) == der(good[0]))
        server.wait_log("can be read again what=certificate")


def certificate_written_slowly(program):
    with Server(program) as server:
        cert, key = make_certificate("plain files")
        write(server.key, key)  # for a moment the pair doesn't match
        time.sleep(0.02)
        write(server.cert, cert)
        wait_for("the new certificate", lambda: served(server) == der(cert))
        server.review()


def certificate_expires(program):
    pair = make_certificate("short", (-60, 6))
    with Server(program, volumes=True) as server:
        put_pair(server, pair)
        wait_for("the new certificate", lambda: served(server) == der(pair[0]))
        expiry = server.metric("gastown_certificate_expiry_timestamp_seconds")
        check(abs(expiry - time.time()) < 10, f"the metric says {expiry}")
        check(server.get("/readyz")[0] == 200, "not ready while it is valid")
        wait_for("unreadiness", lambda: server.get("/readyz")[0] == 503)
        check(server.get("/readyz")[1].startswith("the certificate isn't valid now: it expired on 20"), server.get("/readyz")[1])
        put_pair(server, make_certificate("fresh"))
        wait_for("readiness", lambda: server.get("/readyz")[0] == 200)


# ---- stopping ----

def graceful_stop(program):
    with Server(program, "--stop-delay", "3s", "--body-timeout", "1m") as server:
        slow, quiet = server.connect(), server.connect()
        data = request(review("slow"))
        slow.send(data[:-20])
        quiet.send(request(review("quiet")))
        check_reviewed(quiet.answer(), "quiet")
        with Callers(server) as callers:
            callers.wait()
            server.signal()
            wait_for("unreadiness", lambda: server.get("/readyz") == (503, "about to stop\n"))
            check(server.get("/healthz")[0] == 200, "not alive while stopping")
            with server.connect() as late:
                late.send(request(review("late")))
                answer = late.answer()
                check_reviewed(answer, "late")
                check(answer.closes(), "no Connection: close while draining")
            check(not callers.wrong, f"{callers.wrong[:3]}")
        server.wait_log("no new connections")
        check(quiet.closed_within(TIMEOUT), "an idle connection stays open")
        try:
            Connection(server.port).socket.close()
        except OSError:
            pass
        else:
            raise Failed("new connections after the delay")
        slow.send(data[-20:])
        check_reviewed(slow.answer(), "slow")
        check(server.exit_code() == 0, f"exit {server.process.returncode}")
        check("connections_cut=0" in server.log(), "connections were cut")


def stop_at_once(program):
    with Server(program, "--stop-delay", "5m", "--stop-timeout", "5m") as server, server.connect() as connection:
        connection.send(request(review("x"))[:-5])
        server.signal(signal.SIGINT)
        server.wait_log("unready now")
        start = time.monotonic()
        server.signal()
        check(server.exit_code() == 0 and time.monotonic() - start < TIMEOUT, "the second signal doesn't end it at once")
        check("connections_cut=1" in server.log(), "it doesn't say what was cut")


def stop_timeout(program):
    with Server(program, "--stop-timeout", "500ms") as server, server.connect() as connection:
        connection.send(request(review("x"))[:-5])
        wait_for("the body to arrive", lambda: server.metric("gastown_webhook_body_bytes") > 0)
        server.signal()
        check(server.exit_code() == 0, f"exit {server.process.returncode}")
        check("connections_cut=1" in server.log(), "it doesn't say what was cut")


# ---- the rest ----

def run_program(program, *words, env=None):
    done = subprocess.run([program, *words], stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=TIMEOUT,
                          env=dict(os.environ, **(env or {})), check=False)
    return done.returncode, done.stdout, done.stderr


def usage(program):
    code, out, _ = run_program(program, "--help")
    check(code == 0 and "--templates DIR" in out and "TEMPLATES_DIR" in out and "Exit status" in out, f"--help: {code} {out[:200]}")
    code, out, _ = run_program(program, "--version")
    check(code == 0 and re.fullmatch(r"gastown-webhook \S+\n", out), f"--version: {code} {out!r}")
    some = ["--templates", ".", "--tls-cert", "c", "--tls-key", "k"]
    for words, pattern in (([], "--tls-cert FILE is required"), (some[:2], "--tls-cert FILE is required"),
                           (some[:4], "--tls-key FILE is required"), (["--lisen", "x"], "did you mean --listen"),
                           (some + ["--listen", "localhost:1"], "--listen: .*names aren't looked up"),
                           (some + ["--listen", "::1:8443"], "brackets"), (some + ["--listen", "1.2.3.4"], "no port"),
                           (some + ["--probe-listen", ":99999"], "--probe-listen: .*65535"), (some + ["--threads", "1"], "2 to 64"),
                           (some + ["--log-level", "loud"], "loud"), (some + ["more"], "more"), (some + ["--stop-delay", "5"], "duration")):
        code, _, err = run_program(program, *words)
        check(code == 2 and re.search(pattern, err), f"{words}: {code} {err!r}")
    code, _, err = run_program(program, *some, env={"LISTEN": "nonsense"})
    check(code == 2 and "nonsense" in err, f"LISTEN=nonsense: {code} {err!r}")


def environment(program):
    with Server(program) as server:
        flags = {"--templates": server.templates, "--tls-cert": server.cert, "--tls-key": server.key, "--listen": "127.0.0.1:0",
                 "--probe-listen": "127.0.0.1:0"}
        expired = os.path.join(server.folder, "expired")
        for path, text in zip((expired + ".crt", expired + ".key"), make_certificate("old", (-7200, -3600))):
            write(path, text)
        for changes, pattern in (({"--templates": "/nowhere"}, "/nowhere: No such file"), ({"--tls-cert": "/nowhere"}, "/nowhere"),
                                 ({"--tls-key": server.cert}, "private key"),
                                 ({"--tls-cert": expired + ".crt", "--tls-key": expired + ".key"}, "expired at"),
                                 ({"--listen": f"127.0.0.1:{server.port}"}, "already in use"), ({"--listen": "203.0.113.1:0"}, "listen"),
                                 ({"--port-file": "/nowhere/file"}, "/nowhere/file")):
            code, _, err = run_program(program, *[word for pair in dict(flags, **changes).items() for word in pair])
            check(code == 3 and re.search(pattern, err), f"{changes}: {code} {err!r}")


def addresses(program):
    for listen, hosts in (("[::1]:0", ["::1"]), (":0", ["::1", "127.0.0.1"]), ("127.0.0.1:0", ["127.0.0.1"])):
        with Server(program, listen=listen) as server:
            for host in hosts:
                with Connection(server.port, host) as connection:
                    connection.send(request(review(host)))
                    check_reviewed(connection.answer(), host)
            server.wait_log(f":{server.port} ")
    with Server(program, "--log-format", "json", env={"LISTEN": ":1", "LOG_LEVEL": "debug"}) as server:
        server.wait_log('"msg":"serving"')


def probes(program):
    with Server(program) as server:
        check(server.get("/healthz") == (200, "ok\n") and server.get("/readyz") == (200, "ok\n"), "not alive and ready")
        check(server.get("/nothing")[0] == 404, "404")
        for uid in ("a", "b", "c"):
            server.review(uid)
        status, text = server.get("/metrics")
        check(status == 200, f"/metrics: {status}")
        for line in text.splitlines():
            check(re.fullmatch(r'# (HELP|TYPE) \S+ .+|[a-z_]+(\{[a-z]+="[^"\\]*"(,[a-z]+="[^"\\]*")*\})? -?\d+(\.\d+)?', line), f"not in Prometheus' format: {line!r}")
        buckets = [int(n) for n in re.findall(r'duration_seconds_bucket\{path="mutate",le="[^"]+"\} (\d+)', text)]
        check(buckets == sorted(buckets) and buckets[-1] == 3, f"buckets {buckets}")
        check(sum(int(n) for n in re.findall(r'reviews_total\{path="mutate",outcome="[^"]+"\} (\d+)', text)) == 3, "outcomes don't add up")
        with Connection(server.probe_port, plain=True) as connection:
            for method, code in (("HEAD", 200), ("POST", 405), ("GET", 200)):
                connection.send(request(b"", method, "/healthz", length=False))
                answer = connection.answer(head=method == "HEAD")
                check(answer.status == code, f"{method}: {answer.status}")
            connection.send(request(b"body", "POST", "/healthz"))
            check(connection.closed_within(TIMEOUT), "a body for a probe")


def load(program):
    with Server(program) as server:
        def caller(number):
            with server.connect() as connection:
                for i in range(250):
                    connection.send(request(review(f"{number}-{i}")))
                    check_reviewed(connection.answer(), f"{number}-{i}")
        with concurrent.futures.ThreadPoolExecutor(8) as pool:
            list(pool.map(caller, range(8)))
        wait_for("one log line per review", lambda: server.log().count(" review uid=") >= 2000)
        check(server.log().count(" review uid=") == 2000, "not one log line per review")


def many_handshakes(program):
    with Server(program) as server:
        with concurrent.futures.ThreadPoolExecutor(8) as pool:
            list(pool.map(lambda i: server.review(f"h{i}"), range(200)))
        half = [socket.create_connection(("127.0.0.1", server.port)) for _ in range(20)]
        for one in half:
            one.close()
        wait_for("all to end", lambda: server.metric("gastown_webhook_connections") == 0)


CASES = [templates_reload, templates_broken_later, templates_volume, templates_at_start, templates_none, directory_vanishes, hang_up, certificate_swap,
         certificate_refused, certificate_written_slowly, certificate_expires, graceful_stop, stop_at_once, stop_timeout, usage,
         environment, descriptors_suffice, addresses, probes, load, many_handshakes]
