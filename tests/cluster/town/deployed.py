"""gastown-webhook as a Deployment on a node: its image, its two replicas, and asking each of them.

    deployed = Deployed(cluster, folder, path)
    deployed.import_image()
    deployed.apply(["--tls-cert", ...], secret="gastown-webhook-tls")
    deployed.wait_complete()
    deployed.roll()
"""

import hashlib
import http.client
import json
import socket
import ssl
import string
import time
from pathlib import Path

from testbed import BedError, images, oci, wait_for
from testbed.checks import Failure, expect

from .programs import HERE, SERVICE, SYSTEM
from .replica import METRIC

IMAGE = "gastown.test/webhook:1"
CERTIFICATES = "/etc/gastown-webhook"
REPLICAS = 2
REVIEWS, PROBES = 8443, 8081
NAME = f"{SERVICE}.{SYSTEM}.svc"
EXPIRY = "gastown_certificate_expiry_timestamp_seconds"
CALL = 5
COMPLETE = 90


class Deployed:
    def __init__(self, cluster, folder, path):
        self.cluster, self.folder, self.path = cluster, folder, Path(path).resolve()

    # ---- making ----

    def import_image(self):
        """Nothing in it but the program and its libraries."""
        self.folder.mkdir(parents=True, exist_ok=True)
        entries = [*images.base(), *images.with_libraries("usr/bin/gastown-webhook", self.path)]
        self.cluster.import_image(oci.write(self.folder / "image.tar", IMAGE, entries, Entrypoint=["/usr/bin/gastown-webhook"]))

    def apply(self, arguments, secret=None):
        """secret: mounted where the certificate is looked for."""
        volumes = [{"name": "certificates", "secret": {"secretName": secret, "defaultMode": 0o440}}] if secret else []
        mounts = [{"name": "certificates", "mountPath": CERTIFICATES, "readOnly": True}] if secret else []
        values = {"arguments": arguments, "volumes": volumes, "mounts": mounts}
        text = string.Template((HERE / "deployment.yaml").read_text()).substitute(
            image=IMAGE, **{name: json.dumps(value) for name, value in values.items()})
        self.cluster.kubectl("apply", "-f", "-", input=text)

    def remove(self):
        self.cluster.kubectl("delete", "deployment", SERVICE, "-n", SYSTEM, "--wait=false", "--ignore-not-found")
        wait_for("the end of its pods", lambda: not self.all_pods(), COMPLETE)

    # ---- its pods ----

    def get(self, path):
        status, answer = self.cluster.api("GET", path)
        if status != 200:
            raise BedError(f"{path}: {status} {json.dumps(answer)[:600]}")
        return answer

    def all_pods(self):
        """Those that are on their way out, too."""
        return self.get(f"/api/v1/namespaces/{SYSTEM}/pods?labelSelector=app.kubernetes.io/name%3D{SERVICE}")["items"]

    def replicas(self):
        """The addresses of exactly two that are ready; BedError while others are there. None of them may ever have ended by itself."""
        pods = self.all_pods()
        for pod in pods:
            if any(one["restartCount"] for one in pod["status"].get("containerStatuses", ())):
                raise Failure(f"ended by itself:\n{self.describe(pod)}")
        ready = [pod["status"]["podIP"] for pod in pods if "deletionTimestamp" not in pod["metadata"] and any(
            one["type"] == "Ready" and one["status"] == "True" for one in pod["status"].get("conditions", ()))]
        if len(pods) == len(ready) == REPLICAS:
            return ready
        raise BedError("\n".join([f"{len(pods)} pods, {len(ready)} ready", *map(self.describe, pods)]))

    def describe(self, pod):
        name = pod["metadata"]["name"]
        log = self.cluster.kubectl("logs", name, "-n", SYSTEM, "--tail=5", check=False).stdout
        return f"    {name}: {json.dumps(pod['status'].get('containerStatuses', pod['status'].get('conditions')))[:800]}\n{log}"

    def wait_complete(self):
        """Their addresses."""
        return wait_for(f"{REPLICAS} ready replicas, and no others", self.replicas, COMPLETE)

    def roll(self):
        """As `kubectl rollout restart`; returns when the last of the old ones is gone."""
        before = {pod["metadata"]["uid"] for pod in self.all_pods()}
        self.cluster.kubectl("rollout", "restart", f"deployment/{SERVICE}", "-n", SYSTEM)
        wait_for("the old ones' end", lambda: not before & {pod["metadata"]["uid"] for pod in self.all_pods()}, COMPLETE)
        return self.wait_complete()

    # ---- asking them ----

    def connect(self, address, port, bundle):
        """A TLS connection by the Service's name. bundle: PEM that its chain must come to."""
        context = ssl.create_default_context(cadata=bundle)
        with self.cluster.network_here():
            plain = socket.create_connection((address, port), timeout=CALL)
        return context.wrap_socket(plain, server_hostname=NAME)

    def shown(self, address, bundle):
        """The certificate that this replica shows a new connection, which has to come to the bundle: (SHA-256, when it expires)."""
        with self.connect(address, REVIEWS, bundle) as connection:
            expires = ssl.cert_time_to_seconds(connection.getpeercert()["notAfter"])
            return hashlib.sha256(connection.getpeercert(binary_form=True)).hexdigest(), expires

    def all_show(self, addresses, bundle, before=None):
        """The SHA-256 that each of them shows and has in its metrics, another one than before; BedError: not yet."""
        now = {self.shown(address, bundle) for address in addresses}
        if len(now) != 1 or before in {digest for digest, _ in now}:
            raise BedError(f"they show {now}, before it was {before}")
        [(digest, expires)] = now
        told = {self.metrics(address)[EXPIRY] for address in addresses}
        if told != {expires}:
            raise BedError(f"{EXPIRY} is {told}, the certificate's end is {expires}")
        return digest

    def metrics(self, address):
        """{name, or name{labels}: value}"""
        with self.cluster.network_here():
            connection = http.client.HTTPConnection(address, PROBES, timeout=CALL)
            connection.connect()
        connection.request("GET", "/metrics")
        return {name + labels: float(value) for name, labels, value in METRIC.findall(connection.getresponse().read().decode())}

    def review(self, bundle, pod):
        """A connection of its own through the Service, as an API server's first one: Failure unless it injects."""
        address = self.get(f"/api/v1/namespaces/{SYSTEM}/services/{SERVICE}")["spec"]["clusterIP"]
        kind = {"group": "", "version": "v1", "kind": "Pod"}
        resource = {"group": "", "version": "v1", "resource": "pods"}
        request = {"uid": str(time.monotonic_ns()), "kind": kind, "resource": resource, "requestKind": kind,
                   "requestResource": resource, "name": pod["metadata"]["name"], "namespace": pod["metadata"]["namespace"],
                   "operation": "CREATE", "userInfo": {"username": "soak"}, "object": pod, "dryRun": True}
        connection = http.client.HTTPConnection(NAME, timeout=CALL)
        connection.sock = self.connect(address, 443, bundle)
        try:
            connection.request("POST", "/mutate?timeout=3s", json.dumps({
                "apiVersion": "admission.k8s.io/v1", "kind": "AdmissionReview", "request": request}),
                {"Content-Type": "application/json"})
            answer = connection.getresponse()
            text = answer.read().decode(errors="replace")
        finally:
            connection.close()
        expect(answer.status == 200, f"{answer.status} {text[:300]}")
        response = json.loads(text)["response"]
        if not response["allowed"] or "patch" not in response:
            raise Failure(f"not injected: {text[:300]}")
