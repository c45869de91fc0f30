"""cert-manager on a node: its controller and its cainjector as services, which really issue.

    manager = CertManager(cluster)
    manager.start()
    manager.renew("gastown-system", "webhook")       what `cmctl renew` does

Without its own webhook: what is created here isn't checked or defaulted by it. All authorities are those of Issuers; nothing
asks outside.
"""

import json

from . import build
from .errors import BedError
from .process import wait_for

GROUP = "cert-manager.io/v1"
NAMESPACE = "cert-manager"
SERVICES = {"cert-manager-controller": [f"--cluster-resource-namespace={NAMESPACE}"],
            "cert-manager-cainjector": []}
READY = 60
STATUS = "application/merge-patch+json"


def definitions():
    """Its CRDs, as YAML. They are templates of a chart; without the lines that are the chart's they are plain."""
    texts = [path.read_text() for path in build.files("cert-manager", say=lambda text: None)]
    lines = (line for text in texts for line in ("---", *text.splitlines()) if "{{" not in line)
    return "\n".join(lines)


class CertManager:
    def __init__(self, cluster):
        self.cluster = cluster

    def start(self):
        """Returns when the definitions are there; it works on what is created from then on."""
        programs = build.ensure(SERVICES, say=self.cluster.say)
        self.cluster.kubectl("apply", "--server-side", "-f", "-", input=definitions())
        self.cluster.kubectl("wait", "--for=condition=Established", "crd", "--all", f"--timeout={READY}s")
        self.cluster.create_namespace(NAMESPACE)
        for name, more in SERVICES.items():
            argv = [programs[name], f"--kubeconfig={self.cluster.kubeconfig}", "--leader-elect=false", *more]
            self.cluster.services[name] = self.cluster.machine.service(name, argv, self.cluster.log(name),
                                                                       self.cluster.dir / "pids" / name)
            self.cluster.services[name].start()

    @property
    def services(self):
        return [self.cluster.services[name] for name in SERVICES]

    def path(self, namespace, name):
        return f"/apis/{GROUP}/namespaces/{namespace}/certificates/{name}"

    def certificate(self, namespace, name):
        status, answer = self.cluster.api("GET", self.path(namespace, name))
        if status != 200:
            raise BedError(f"certificate {namespace}/{name}: {status} {json.dumps(answer)}")
        return answer

    def wait_issued(self, namespace, name, after=0):
        """Its revision, once it's larger than `after` and nothing is under way."""
        def issued():
            state = self.certificate(namespace, name).get("status", {})
            conditions = {item["type"]: item["status"] for item in state.get("conditions", ())}
            if conditions.get("Ready") == "True" and conditions.get("Issuing") != "True" and state.get("revision", 0) > after:
                return state["revision"]
            raise BedError(json.dumps(state))

        return wait_for(f"certificate {namespace}/{name}", issued, READY, self.services)

    def renew(self, namespace, name):
        """A new key and certificate, now; returns when the Secret has them."""
        before = self.certificate(namespace, name)
        others = [item for item in before["status"]["conditions"] if item["type"] != "Issuing"]
        issuing = {"type": "Issuing", "status": "True", "reason": "ManuallyTriggered", "message": "renewed by a test",
                   "lastTransitionTime": before["metadata"]["creationTimestamp"],
                   "observedGeneration": before["metadata"]["generation"]}
        status, answer = self.cluster.api("PATCH", f"{self.path(namespace, name)}/status",
                                          {"status": {"conditions": [*others, issuing]}}, STATUS)
        if status != 200:
            raise BedError(f"renewal of {namespace}/{name}: {status} {json.dumps(answer)}")
        return self.wait_issued(namespace, name, before["status"]["revision"])
