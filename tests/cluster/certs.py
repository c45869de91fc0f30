#!/usr/bin/python3
"""Certificates of our own making on a real API server: two replicas with --certs-secret and exactly the rights of manifests/rbac.yaml, gastown-certs beside
them, and what people and other programs do to the Secret and to the configurations. All the while agents' pods come out injected.

    tests/cluster/certs.py [--webhook PATH] [--certs PATH] [--only TEXT] [--keep DIR]

A control plane is started for it (see bed.py) and removed again. One line for each check, then `N passed, N failed`. How long things take
is an operator's seconds here: a new authority settles for one, and the old one stays for one more.
"""

import base64
import contextlib
import json
import socket
import ssl
import sys
import threading
import time

from testbed import BedError, account_kubeconfig, pki, suite, wait_for
from testbed.checks import expect
from testbed.pins import REPOSITORY
from town import objects
from town.live import LiveTown
from town.programs import BINDING, MUTATING, POLICY, SERVICE, SYSTEM, VALIDATING, Program
from town.replica import Replica

HOME, SECRET, NAME = "town-one", "gastown-webhook-certs", "gastown"
SOON, CHANGED = 20, 30
PATH = f"/api/v1/namespaces/{SYSTEM}/secrets/{SECRET}"
PLURALS = {MUTATING: "mutatingwebhookconfigurations", VALIDATING: "validatingwebhookconfigurations"}
ENTRIES = {"pods.gastown.io", "policy.gastown.io", "templates.gastown.io"}
MERGE, JSON_PATCH = "application/merge-patch+json", "application/json-patch+json"
RENEW, INJECT = "gastown.io/renew-certificate", "cert-manager.io/inject-ca-from"
TIMES = ("1s", "1s")
DAY = 86400
END = "-----END CERTIFICATE-----"
MAKES_SECRETS = """- apiGroups: [""]
  resources: [secrets]
  verbs: [create]
"""
# What openssl needs to know to sign with dates of our choice.
OPENSSL_CA = """\
[ca]
default_ca = this
[this]
new_certs_dir = .
database = index
rand_serial = yes
default_md = sha256
policy = any
[any]
commonName = supplied
[authority]
basicConstraints = critical,CA:TRUE
keyUsage = critical,keyCertSign
[leaf]
basicConstraints = critical,CA:FALSE
extendedKeyUsage = serverAuth
subjectAltName = {names}
"""


def authorities(bundle):
    """Those of a PEM bundle, as DER."""
    return {ssl.PEM_cert_to_DER_cert(text.strip() + f"\n{END}\n") for text in bundle.split(END) if text.strip()}


class Kept(Replica):
    """A replica that looks after its own certificate."""

    def serving_arguments(self):
        settle, overlap = TIMES
        return ["--listen", f"{self.address}:{self.port}", "--probe-listen", f"127.0.0.1:{self.probe_port}", "--certs-secret", SECRET,
                "--ca-settle", settle, "--ca-overlap", overlap]

    def registration_flags(self, by_service=True):
        return ["--port", str(self.port)]

    def registration(self, *kinds, by_service=True):
        """Without a caBundle: that's published."""
        answer = self.run("registration", "-o", "json", *self.registration_flags())
        expect(answer.returncode == 0, answer.stderr)
        items = [item for item in json.loads(answer.stdout)["items"] if item["kind"] in kinds]
        return json.dumps({"apiVersion": "v1", "kind": "List", "items": items})


class Certs:
    def __init__(self, folder, paths):
        self.folder = folder
        self.town = LiveTown(folder, paths)
        authority = self.town.first.authority
        self.town.replicas = [Kept(paths.webhook, folder / f"kept-{i}", self.town.kubeconfig, authority) for i in (1, 2)]
        self.first, self.second = self.town.replicas
        self.cluster = self.town.cluster
        self.program = Program(paths.certs, folder / "certs")

    def end(self):
        self.town.end()

    # ---- asking ----

    def certs(self, *words, wants=0, kubeconfig=None):
        """gastown-certs; with --ca-settle and --ca-overlap as the replicas have them."""
        settle, overlap = TIMES
        done = self.program.run(*words, "--kubeconfig", kubeconfig or self.cluster.kubeconfig, "--ca-settle", settle, "--ca-overlap", overlap)
        expect(done.returncode == wants, f"{' '.join(words)}: status {done.returncode}, not {wants}:\n{done.stdout}{done.stderr}")
        return done

    def shown(self, wants=0):
        return json.loads(self.certs("show", "-o", "json", wants=wants).stdout)

    def secret(self):
        """{part: text}, or BedError: there's none."""
        return {key: base64.b64decode(value).decode(errors="replace") for key, value in self.town.get(PATH)["data"].items()}

    def patch(self, path, body, content_type=MERGE):
        status, answer = self.cluster.api("PATCH", path, body, content_type)
        expect(status == 200, f"PATCH {path}: {status} {json.dumps(answer)[:600]}")

    def path(self, kind):
        return f"/apis/admissionregistration.k8s.io/v1/{PLURALS[kind]}/{NAME}"

    def bundles(self):
        """{our entry: its caBundle}; BedError while one has none."""
        found = {entry["name"]: base64.b64decode(entry["clientConfig"].get("caBundle", "")).decode()
                 for kind in PLURALS for entry in self.town.get(self.path(kind))["webhooks"] if entry["name"] in ENTRIES}
        if set(found) != ENTRIES or not all(found.values()):
            raise BedError(f"bundles: { {name: len(text) for name, text in found.items()} }")
        return found

    def rests(self, but=()):
        """The Secret, once no change is under way, its bundle is all that entries have, no authority in `but` is left, and both replicas show it."""
        secret = self.secret()
        parts = {key: bool(secret.get(key)) for key in ("next.crt", "next.key", "previous.crt")}
        ours = authorities(secret["ca.crt"])
        if any(parts.values()) or any(authorities(bundle) != ours for bundle in self.bundles().values()) or ours & set(but):
            raise BedError(f"a change goes on: {parts}, {len(ours)} trusted")
        if ours != authorities(secret["authority.crt"]):
            raise BedError("ca.crt isn't the authority")
        for replica in self.alive():
            self.handshake(replica, secret)
        return secret

    def alive(self):
        return [replica for replica in self.town.replicas if replica.process and replica.process.alive]

    def handshake(self, replica, secret):
        """As the API server does it: for the Service's name, trusting the bundle; and it's the Secret's own certificate."""
        context = ssl.create_default_context(cadata=secret["ca.crt"])
        with socket.create_connection((replica.address, replica.port), 5) as plain, \
                context.wrap_socket(plain, server_hostname=f"{SERVICE}.{SYSTEM}.svc") as tls:
            if tls.getpeercert(True) not in authorities(secret["tls.crt"]):
                raise BedError("another certificate than the Secret's is shown")

    def wait_rest(self, but=()):
        return wait_for("rest", lambda: self.rests(but), CHANGED, [replica.process for replica in self.alive()])

    def readiness(self, replica, *parts):
        """Its reason for not being ready, once that has these parts."""
        def says():
            status, text = replica.probe("/readyz")
            if status != 503 or not all(part in text for part in parts):
                raise BedError(f"{status} {text}")
            return text.strip()
        return wait_for(f"unready with {parts}", says, SOON, [replica.process])

    @contextlib.contextmanager
    def undisturbed(self):
        """Pods are admitted all the time; each one that isn't, is a failure."""
        over, failures, count = threading.Event(), [], [0]

        def ask():
            while not over.is_set():
                try:
                    status, answer = self.town.dry_run(HOME)
                    if status != 201:
                        failures.append(f"{status} {json.dumps(answer)[:300]}")
                except OSError as error:
                    failures.append(str(error))
                count[0] += 1
                over.wait(0.02)

        thread = threading.Thread(target=ask)
        thread.start()
        try:
            yield count
        finally:
            over.set()
            thread.join()
        expect(not failures, f"{len(failures)} of {count[0]} admissions failed: {failures[:2]}")

    # ---- setting up ----

    def up(self):
        """A Service that the API server finds without a network of pods: by a name of this machine."""
        self.town.control_plane()
        self.town.crds()
        self.cluster.create_namespace(HOME)
        self.town.post(f"/api/v1/namespaces/{SYSTEM}/services", {"metadata": {"name": SERVICE}, "spec": {"type": "ExternalName", "externalName": "localhost"}})
        self.rights = (REPOSITORY / "manifests" / "rbac.yaml").read_text()
        expect(MAKES_SECRETS in self.rights, "manifests/rbac.yaml has no rule that lets it create Secrets")

    def no_rights(self):
        """Whoever may nothing says so, lives, and isn't ready."""
        self.town.apply({"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": "nobody", "namespace": SYSTEM}})
        config = account_kubeconfig(self.cluster, SYSTEM, "nobody", self.folder / "nobody.kubeconfig")
        poor = Kept(self.first.path, self.folder / "poor", config, self.first.authority)
        self.town.on_end(poor.kill)
        poor.launch()
        wait_for("probes", lambda: poor.probe("/healthz")[0] == 200, SOON, [poor.process])
        reason = self.readiness(poor, "there is no certificate yet", "cannot list resource \"secrets\"")
        poor.stop()
        for verb in ("show", "init", "publish"):
            said = self.certs(verb, "--timeout", "1s", wants=3, kubeconfig=config).stderr
            expect("secrets" in said and "nobody" in said, f"{verb}: {said}")
        return reason[-200:]

    def no_secret(self):
        """Two at once, of which neither may make it: unready, with the reason."""
        self.cluster.kubectl("apply", "-f", "-", input=self.rights.replace(MAKES_SECRETS, ""))
        for replica in self.town.replicas:
            replica.launch()
        self.register(self.first)
        leader = self.town.leader()
        reason = self.readiness(leader, "there is no certificate yet: writing Secret gastown-system/gastown-webhook-certs", "cannot create resource \"secrets\"")
        [other] = [replica for replica in self.town.replicas if replica is not leader]
        self.readiness(other, "there is no certificate yet: making an authority and a certificate")
        expect(self.shown(wants=1)["secret"]["exists"] is False, "a Secret")
        return reason[-240:]

    def register(self, replica):
        self.cluster.kubectl("apply", "-f", "-", input=replica.registration(MUTATING, VALIDATING, POLICY, BINDING))

    def from_nothing(self):
        """With the right it goes on by itself: one authority, on all entries, and pods come out."""
        self.cluster.kubectl("apply", "-f", "-", input=self.rights)
        began = time.monotonic()
        for replica in self.town.replicas:
            replica.wait_ready(CHANGED)
        self.wait_rest()
        took = time.monotonic() - began
        made = sum(replica.metrics()["gastown_certificate_authorities_total"] for replica in self.town.replicas)
        expect(made == 1, f"{made} authorities")
        self.town.apply(objects.gastown(HOME))
        self.town.wait_flavour(HOME, "town")
        return f"ready after {took:.1f} s"

    # ---- gastown-certs beside them ----

    def show(self):
        shown = self.shown()
        expect([(entry["name"], entry["trustsCertificate"], entry["hasBundle"]) for entry in shown["entries"]] ==
               [(name, True, True) for name in ("pods.gastown.io", "policy.gastown.io", "templates.gastown.io")], shown["entries"])
        expect(shown["certificate"]["daysLeft"] in (89, 90) and shown["nextAuthority"] is None and not shown["trustedBefore"], shown)
        expect(not shown["next"]["due"] and not shown["next"]["problem"] and shown["next"]["step"].startswith("the certificate is renewed on "), shown["next"])
        text = self.certs("show").stdout
        expect("entry          pods.gastown.io trusts the certificate, by 1 authority" in text and "PRIVATE" not in text + json.dumps(shown), text)
        said = self.certs("init").stdout
        expect(said.rstrip().endswith("is there"), said)
        return shown["next"]["step"]

    def renew(self):
        before = self.wait_rest()
        with self.undisturbed():
            self.certs("renew")
            after = self.wait_rest()
        expect(after["tls.crt"] != before["tls.crt"] and after["authority.crt"] == before["authority.crt"], "not just another certificate")

    def renew_authority(self):
        """Old and new together, then the new one; and somebody else's entry before ours stays as it is."""
        before = self.wait_rest()
        old = authorities(before["ca.crt"])
        theirs = base64.b64encode(self.first.authority.certificate.read_bytes()).decode()
        entry = {**self.town.get(self.path(MUTATING))["webhooks"][0], "name": "other.example.com", "objectSelector": {"matchLabels": {"no": "one"}}}
        entry["clientConfig"] = {"url": "https://192.0.2.1/", "caBundle": theirs}
        self.patch(self.path(MUTATING), [{"op": "add", "path": "/webhooks/0", "value": entry}], JSON_PATCH)
        foreign = self.town.get(self.path(MUTATING))["webhooks"][0]
        with self.undisturbed() as count:
            self.certs("renew", "--ca")
            self.wait_rest(old)
        expect(self.town.get(self.path(MUTATING))["webhooks"][0] == foreign, "somebody else's entry was changed")
        self.patch(self.path(MUTATING), [{"op": "remove", "path": "/webhooks/0"}], JSON_PATCH)
        return f"{count[0]} admissions meanwhile"

    def injected_elsewhere(self):
        """While cert-manager writes the bundle nothing is published, by nobody."""
        self.cluster.kubectl("annotate", "mutatingwebhookconfiguration", NAME, f"{INJECT}=ns/certificate")
        theirs = base64.b64encode(self.first.authority.certificate.read_bytes()).decode()
        self.patch(self.path(VALIDATING), [{"op": "replace", "path": "/webhooks/0/clientConfig/caBundle", "value": theirs}], JSON_PATCH)
        for verb in ("publish", "show"):
            done = self.certs(verb, wants=1)
            expect("cert-manager's injector writes the caBundle of MutatingWebhookConfiguration gastown (from ns/certificate)" in done.stdout + done.stderr, done)
        reason = self.readiness(self.first, "policy.gastown.io")
        expect(self.town.get(self.path(VALIDATING))["webhooks"][0]["clientConfig"]["caBundle"] == theirs, "it was published all the same")
        self.cluster.kubectl("annotate", "mutatingwebhookconfiguration", NAME, f"{INJECT}-")
        self.certs("publish")
        for replica in self.town.replicas:
            replica.wait_ready()
        self.wait_rest()
        return reason[:200]

    # ---- what people do ----

    def annotated(self):
        """`kubectl annotate`, of a certificate, of an authority, and of what is neither."""
        before = self.wait_rest()
        self.annotate("leaf")
        wait_for("another certificate", lambda: self.secret()["tls.crt"] != before["tls.crt"], SOON)
        middle = self.wait_rest()
        expect(middle["authority.crt"] == before["authority.crt"], "another authority")
        with self.undisturbed():
            self.annotate("ca")
            self.wait_rest(authorities(before["ca.crt"]))
        expect(RENEW not in self.town.get(PATH)["metadata"].get("annotations", {}), "the annotation stays")
        self.annotate("CA")
        said = self.shown(wants=1)["next"]["problem"]
        expect("gastown.io/renew-certificate" in said and "\"CA\"" in said, said)
        self.annotate(None)
        return said

    def annotate(self, value):
        self.cluster.kubectl("annotate", "secret", "-n", SYSTEM, SECRET, f"{RENEW}={value}" if value else f"{RENEW}-")

    def applied_anew(self):
        """Deleted and applied without a bundle: it's there again at once."""
        for kind in PLURALS:
            self.cluster.api("DELETE", self.path(kind))
        self.register(self.first)
        began = time.monotonic()
        wait_for("our bundles", self.bundles, SOON)
        took = time.monotonic() - began
        self.wait_rest()
        wait_for("a pod", lambda: self.town.would_be(HOME), SOON)
        expect(took < 5, f"published after {took:.1f} s")
        return f"published after {took:.2f} s"

    def deleted(self):
        """What replicas have in memory stays trusted until they have another one."""
        old = authorities(self.wait_rest()["ca.crt"])
        with self.undisturbed() as count:
            self.cluster.api("DELETE", PATH)
            both = wait_for("an authority besides", lambda: old < authorities(self.secret()["ca.crt"]), SOON)
            self.wait_rest(old)
        expect(both, "it was replaced at once")
        return f"{count[0]} admissions meanwhile"

    def garbage(self):
        """An authority that can't be read is replaced, with overlap, as long as the bundle is right; else nothing is overwritten until somebody asks for it."""
        old = authorities(self.wait_rest()["ca.crt"])
        with self.undisturbed():
            self.patch(PATH, {"data": {"authority.key": base64.b64encode(b"garbage").decode()}})
            self.wait_rest(old)
            broken = base64.b64encode(b"-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n").decode()
            good = self.wait_rest()
            self.patch(PATH, {"data": {key: broken for key in ("authority.crt", "authority.key", "ca.crt")}})
            said = self.shown(wants=1)["next"]["problem"]
            expect("authority.crt and authority.key of the Secret can't be used" in said and "gastown-certs renew --ca" in said, said)
            log = self.town.leader().log_text
            wait_for("it's in the log", lambda: "can't be kept as they should be" in log(), SOON)
            done = self.certs("init", wants=1).stderr
            expect("can't be used" in done, done)
            expect(self.secret()["ca.crt"].count("AAAA") == 1, "it was overwritten")
            self.certs("renew", "--ca")
            self.wait_rest(authorities(good["ca.crt"]))
        return said[:120]

    # ---- replicas that end ----

    def leader_killed(self):
        """In the middle of a change: the other one goes on from what is written."""
        leader = self.town.leader()
        [other] = [replica for replica in self.town.replicas if replica is not leader]
        self.register(other)
        old = authorities(self.wait_rest()["ca.crt"])
        wait_for("calls of the other one", lambda: self.called(other), SOON)
        with self.undisturbed():
            self.annotate("ca")
            wait_for("the next authority", lambda: self.secret().get("next.crt"), SOON)
            leader.kill()
            # How long a dead one's lease lasts is tried in catalogue_leader.py.
            self.patch(f"/apis/coordination.k8s.io/v1/namespaces/{SYSTEM}/leases/{SERVICE}", {"spec": {"holderIdentity": ""}})
            wait_for("the other leads", other.leads, SOON, [other.process])
            self.wait_rest(old)
        leader.start()
        self.wait_rest()
        return f"another authority by {other.folder.name}"

    def called(self, replica):
        before = self.reviews(replica)
        self.town.would_be(HOME)
        return self.reviews(replica) > before

    @staticmethod
    def reviews(replica):
        return sum(value for name, value in replica.metrics().items() if name.startswith("gastown_webhook_reviews_total"))

    def expires_soon(self):
        """With a certificate that should have been renewed long ago: one Event, whoever leads; meanwhile the lease is given back."""
        for replica in self.town.replicas:
            replica.stop()
        expect(not self.town.lease().get("holderIdentity"), f"the lease is kept: {self.town.lease()}")
        self.patch(PATH, {"data": {key: base64.b64encode(text.encode()).decode() for key, text in self.old_certificates().items()}})
        for replica in self.town.replicas:
            replica.start()
        leader = self.town.leader()
        [event] = wait_for("an Event", self.events, SOON, [replica.process for replica in self.town.replicas])
        expect(event["type"] == "Warning" and event["involvedObject"]["kind"] == "Lease", event)
        expect("the serving certificate expires on " in event["message"], event["message"])
        leader.stop()
        [other] = [replica for replica in self.town.replicas if replica is not leader]
        wait_for("the other leads", other.leads, SOON, [other.process])
        expect(len(self.events()) == 1 and "an Event wasn't taken" not in other.log_text(), self.events())
        return event["message"]

    def events(self):
        items = self.town.get(f"/api/v1/namespaces/{SYSTEM}/events")["items"]
        return [item for item in items if item["reason"] == "CertificateExpiresSoon"]

    def old_certificates(self):
        """An authority in the middle of its life, and of it a certificate of 90 days with one left."""
        folder = self.folder / "old"
        folder.mkdir()
        host = f"{SERVICE}.{SYSTEM}"
        (folder / "config").write_text(OPENSSL_CA.replace("{names}", f"DNS:{host}.svc,DNS:{host}.svc.cluster.local,DNS:{host}")
                                       .replace("= .\n", f"= {folder}\n").replace("= index", f"= {folder / 'index'}"))
        (folder / "index").write_text("")
        for name, days, signer in (("authority", (-100, 900), ("-selfsign",)), ("leaf", (-89, 1), ("-cert", folder / "authority.crt"))):
            start, end = (time.strftime("%Y%m%d%H%M%SZ", time.gmtime(time.time() + (day * DAY) + 600)) for day in days)
            pki.openssl("req", "-new", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-noenc", "-keyout", folder / f"{name}.key",
                        "-out", folder / f"{name}.req", "-subj", f"/CN={name}")
            pki.openssl("ca", "-batch", "-notext", "-config", folder / "config", "-extensions", name, *signer, "-keyfile", folder / "authority.key",
                        "-in", folder / f"{name}.req", "-out", folder / f"{name}.crt", "-startdate", start, "-enddate", end)
        text = {file.name: file.read_text() for file in folder.glob("*.*")}
        return {"tls.crt": text["leaf.crt"], "tls.key": text["leaf.key"], "authority.crt": text["authority.crt"], "authority.key": text["authority.key"],
                "ca.crt": text["authority.crt"]}


def add_checks(checks, c):
    needs = ()
    for name, function in (("the programs are built", lambda: (c.first.built(), c.program.built()) and None), ("control plane up", c.up),
                           ("without rights: alive, unready, and it's said", c.no_rights), ("no Secret, and none may be made", c.no_secret),
                           ("from nothing, two replicas at once", c.from_nothing)):
        checks.add(name, function, needs)
        needs = (*needs, name)
    for name, function in (("gastown-certs show", c.show), ("another certificate beside running replicas", c.renew), ("another authority, too", c.renew_authority),
                           ("cert-manager's injector", c.injected_elsewhere), ("asked for by an annotation", c.annotated),
                           ("the configurations are applied anew", c.applied_anew), ("the Secret is deleted", c.deleted), ("the Secret is damaged", c.garbage),
                           ("the leader is killed in the middle", c.leader_killed), ("a certificate that expires soon", c.expires_soon)):
        checks.add(name, function, needs)


if __name__ == "__main__":
    sys.exit(suite.main(__doc__, "certs", Certs, add_checks, ("webhook", "certs")))
