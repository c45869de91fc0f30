#!/usr/bin/python3
"""Hostile traffic, and what it does to somebody who behaves.

    tests/webhook/siege.py --webhook PROGRAM [--seconds 2] [--only NAME[,NAME]] [--patient]

One gastown-webhook, one client that posts reviews like an API server (caller.py), and one attack after the other (attacks.py). During each:
no request of the client fails, neither on its connections nor on new ones, and its 99th percentile stays within a bound; resident memory,
too. After each the server has no more connections and descriptors than before. Last, what sslscan finds. --patient: for a build with
sanitizers, whose bounds are wider. Ends with `N passed, N failed`."""

import argparse
import collections
import os
import subprocess
import sys
import tempfile
import threading
import time
import xml.etree.ElementTree as xml

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

from attacks import ATTACKS, Scene  # noqa: E402
from harness import check, Failed, HERE, Server, wait_for  # noqa: E402
from process import Process  # noqa: E402

CONNECTIONS, RATE = 8, 25  # of the client: 200 reviews a second

Bounds = collections.namedtuple("Bounds", "kept_ms new_ms peak_kib")
QUICK = Bounds(500, 1500, 512 * 1024)  # three reviews in work with at most 128 MiB each, and bodies
PATIENT = Bounds(1500, 2500, 1536 * 1024)
Sample = collections.namedtuple("Sample", "at took_ms kind problem")


class Caller:
    """The client, and what it has told so far."""

    def __init__(self, port):
        self.process = subprocess.Popen([sys.executable, os.path.join(HERE, "caller.py"), str(port), str(CONNECTIONS), str(RATE)],
                                        stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self.samples = []
        self.reader = threading.Thread(target=self.read)
        self.reader.start()

    def read(self):
        for line in self.process.stdout:
            at, took, kind, problem = line.rstrip("\n").split(" ", 3)
            self.samples.append(Sample(float(at), int(took) / 1000, kind, None if problem == "-" else problem))

    def between(self, start, end):
        return [s for s in list(self.samples) if start <= s.at < end]

    def stop(self):
        self.process.stdin.close()
        self.process.wait()
        self.reader.join()


def percentile(values, share):
    return sorted(values)[min(len(values) - 1, int(len(values) * share))] if values else None


def judge(samples, bounds):
    """-> what to print of the client. Failed when it suffered."""
    wrong = [s for s in samples if s.problem]
    kept, new = ([s.took_ms for s in samples if s.kind == kind and not s.problem] for kind in ("kept", "new"))
    check(not wrong, f"{len(wrong)} of {len(samples)} requests failed, first: {wrong and wrong[0]}")
    check(len(kept) > 20 and new, f"only {len(kept)} and {len(new)} requests got through")
    p99, newest = percentile(kept, 0.99), percentile(new, 0.99)
    check(p99 <= bounds.kept_ms, f"the client's p99 is {p99:.0f} ms, more than {bounds.kept_ms}")
    check(newest <= bounds.new_ms, f"a new connection took {newest:.0f} ms, more than {bounds.new_ms}")
    return f"p50 {percentile(kept, 0.5):6.1f} ms  p99 {p99:6.1f} ms  new {newest:6.1f} ms"


class Siege:
    def __init__(self, server, caller, options):
        self.server, self.caller, self.options = server, caller, options
        self.process = Process(server.process.pid)
        self.bounds = PATIENT if options.patient else QUICK
        self.peak = 0
        self.wait_quiet()
        self.descriptors = self.process.descriptors()

    def wait_quiet(self):
        """Only the client is left, with or without the new connection of the moment."""
        wait_for("attackers to be gone", lambda: self.server.metric("gastown_webhook_connections") <= CONNECTIONS + 1)
        wait_for("bodies to be gone", lambda: self.server.metric("gastown_webhook_body_bytes") < 1024 * 1024)

    def attack(self, attack):
        self.process.forget_peak()
        start = time.monotonic()
        told = attack(Scene(self.server, self.options.seconds, self.options.patient))
        end = time.monotonic()
        time.sleep(0.3)  # requests that were begun under attack
        peak = self.process.peak()
        self.peak = max(self.peak, peak)
        print(f"   {attack.__name__}: {told}", flush=True)
        felt = judge(self.caller.between(start, end), self.bounds)
        check(peak <= self.bounds.peak_kib, f"{peak} KiB resident, more than {self.bounds.peak_kib}")
        self.wait_quiet()
        wait_for("descriptors to be closed", lambda: self.process.descriptors() <= self.descriptors + 1)
        return f"{felt}  peak {peak / 1024:4.0f} MiB  ({end - start:.1f} s)"


WEAK = ("weak", "medium", "anonymous", "null")  # sslscan's words
GROUPS = ("x25519", "secp256r1", "secp384r1")


def sslscan(server):
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "scan.xml")
        subprocess.run(["sslscan", f"--xml={path}", "--show-sigs", "--sni-name=localhost", f"127.0.0.1:{server.port}"], capture_output=True, timeout=120,
                       check=True)
        test = xml.parse(path).getroot().find("ssltest")
    enabled = {f"{p.get('type')} {p.get('version')}" for p in test.findall("protocol") if p.get("enabled") == "1"}
    check(enabled == {"tls 1.2", "tls 1.3"}, f"protocols {sorted(enabled)}")
    ciphers = [(c.get("sslversion"), c.get("cipher"), c.get("strength")) for c in test.findall("cipher")]
    for version, name, strength in ciphers:
        check(strength not in WEAK and int(version[-1]) >= 2, f"{version} {name} is {strength}")
        check("GCM" in name or "CHACHA20" in name, f"{name} has no authenticated encryption")
        check(version == "TLSv1.3" or name.startswith("ECDHE-"), f"{name} has no forward secrecy")
    check(len(ciphers) >= 4, f"only {ciphers}")
    renegotiation = test.find("renegotiation")
    check(renegotiation is not None and renegotiation.get("supported") == "0", "renegotiation")
    bleeding = test.findall("heartbleed")
    check(len(bleeding) == 2 and all(b.get("vulnerable") == "0" for b in bleeding), "heartbleed")
    check(all(c.get("supported") == "0" for c in test.findall("compression")), "compression")
    groups = {g.get("name").split(" ")[0] for g in test.findall("group")}
    check(groups and groups <= set(GROUPS), f"groups {sorted(groups)}")
    signatures = {s.get("name") for s in test.findall("connection-signature-algorithm")}
    check(signatures and not any("sha1" in s or "md5" in s for s in signatures), f"signatures {signatures}")
    for version, name, _ in ciphers:
        print(f"   {version} {name}")
    print(f"   groups {', '.join(sorted(groups))}; signatures {', '.join(sorted(signatures))}")
    return "TLS 1.3 and 1.2 only; no renegotiation, compression, heartbleed"


def attempt(name, action):
    try:
        print(f"ok {name:<18} {action()}", flush=True)
        return True
    except Failed as why:
        print(f"FAIL {name}: {why}", flush=True)
        return False


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("--webhook", default="build/gastown-webhook", help="the program")
    parser.add_argument("--seconds", type=float, default=2.0, help="how long each attack lasts")
    parser.add_argument("--only", help="names of attacks, separated by commas")
    parser.add_argument("--patient", action="store_true", help="wider bounds, for sanitizers")
    options = parser.parse_args()
    attacks = [a for a in ATTACKS if not options.only or a.__name__ in options.only.split(",")]
    server = Server(os.path.abspath(options.webhook), "--log-level", "warn")
    with server:
        caller = Caller(server.port)
        try:
            wait_for("the client", lambda: len(caller.samples) > 100)
            siege = Siege(server, caller, options)
            print(f"bounds: p99 {siege.bounds.kept_ms} ms, on a new connection {siege.bounds.new_ms} ms; {siege.bounds.peak_kib // 1024} MiB resident", flush=True)
            results = [attempt(a.__name__, lambda attack=a: siege.attack(attack)) for a in attacks]
            if not options.only:
                results.append(attempt("sslscan", lambda: sslscan(server)))
            print(f"the client sent {len(caller.samples)} requests; at most {siege.peak / 1024:.0f} MiB resident, {siege.process.anonymous() / 1024:.1f} MiB "
                  f"anonymous at the end; {server.metric('gastown_webhook_reaped_connections_total')} connections were shut down")
        finally:
            caller.stop()
    print(f"{results.count(True)} passed, {results.count(False)} failed")
    return 0 if all(results) and results else 1


if __name__ == "__main__":
    sys.exit(main())
