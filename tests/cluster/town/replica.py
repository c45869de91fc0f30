"""gastown-webhook with its templates in a cluster: one replica of it."""

import base64
import http.client
import json
import os
import re
import signal
import ssl
from pathlib import Path

from testbed import BedError

from .programs import SYSTEM, Server

METRIC = re.compile(r"^(\w+)(\{[^}]*\})? ([^ ]+)$", re.MULTILINE)
AUDIT_HASH = "template-hash"


class Replica(Server):
    """kubeconfig: written before it's started. more: flags besides."""

    def __init__(self, path, folder, kubeconfig, authority=None, more=()):
        super().__init__(path, folder, authority=authority)
        self.kubeconfig, self.more = kubeconfig, list(more)

    def template_arguments(self):
        return ["--kubeconfig", self.kubeconfig, "--system-namespace", SYSTEM, "--stop-delay", "200ms", *self.more]

    # ---- asking it ----

    def metrics(self):
        """{name, or name{labels}: value}"""
        status, text = self.probe("/metrics")
        if status != 200:
            raise BedError(f"/metrics: {status} {text}")
        return {name + labels: float(value) for name, labels, value in METRIC.findall(text)}

    def leads(self):
        return self.metrics()["gastown_webhook_leader"] == 1

    def review(self, pod, dry_run=True):
        """(HTTP status, the response's body) for a pod that is being created: as the API server asks, but this very replica."""
        kind = {"group": "", "version": "v1", "kind": "Pod"}
        resource = {"group": "", "version": "v1", "resource": "pods"}
        request = {"uid": "0", "kind": kind, "resource": resource, "requestKind": kind, "requestResource": resource,
                   "name": pod["metadata"]["name"], "namespace": pod["metadata"]["namespace"], "operation": "CREATE",
                   "userInfo": {"username": "testbed-token", "groups": ["system:masters"]}, "object": pod, "dryRun": dry_run}
        status, text = self.post("/mutate?timeout=3s", {"apiVersion": "admission.k8s.io/v1", "kind": "AdmissionReview",
                                                        "request": request})
        return status, json.loads(text)

    def post(self, path, body):
        context = ssl.create_default_context(cafile=self.authority.certificate)
        connection = http.client.HTTPSConnection(self.address, self.port, timeout=5, context=context)
        try:
            connection.request("POST", path, json.dumps(body), {"Content-Type": "application/json"})
            answer = connection.getresponse()
            return answer.status, answer.read().decode(errors="replace")
        except http.client.HTTPException as error:
            raise ConnectionError(f"POST {path}: {error!r}") from error
        finally:
            connection.close()

    def hash_of(self, pod):
        """Of the template that it would put on this pod; BedError: it wouldn't."""
        status, body = self.review(pod)
        response = body.get("response", {})
        if status != 200 or not response.get("allowed"):
            raise BedError(f"status {status}: {json.dumps(body)[:600]}")
        return {key.rpartition("/")[2]: value for key, value in response.get("auditAnnotations", {}).items()}.get(AUDIT_HASH)

    def patch_of(self, pod):
        """The text of its patch."""
        _, body = self.review(pod)
        return base64.b64decode(body["response"].get("patch", "")).decode()

    def memory(self):
        """(bytes now, the most there ever were)"""
        text = Path(f"/proc/{self.process.pid}/status").read_text()
        return tuple(int(re.search(rf"^{row}:\s+(\d+) kB", text, re.MULTILINE)[1]) * 1024 for row in ("VmRSS", "VmHWM"))

    def log_since(self, mark):
        """What it has logged since log_mark()."""
        with self.process.log.open("rb") as log:
            log.seek(mark)
            return log.read().decode(errors="replace")

    def log_mark(self):
        return self.process.log.stat().st_size

    # ---- doing it harm ----

    def pause(self):
        os.kill(self.process.pid, signal.SIGSTOP)

    def resume(self):
        os.kill(self.process.pid, signal.SIGCONT)
