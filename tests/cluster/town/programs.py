"""The programs under test as child processes."""

import http.client
import json
import shutil
import signal
import subprocess
from pathlib import Path

from testbed import free_port, pki, wait_for
from testbed.checks import Failure, expect
from testbed.controlplane import clean_environment
from testbed.process import Service, die_with_parent, tail

HERE = Path(__file__).resolve().parent
TEMPLATES = HERE / "templates"
# For agents that really run.
NODE_TEMPLATES = HERE / "node-templates"
SYSTEM, SERVICE = "gastown-system", "gastown-webhook"
MUTATING, VALIDATING = "MutatingWebhookConfiguration", "ValidatingWebhookConfiguration"
POLICY, BINDING = "ValidatingAdmissionPolicy", "ValidatingAdmissionPolicyBinding"
START = 15
END = 20


class Program:
    """A program and the folder it may use: its home and its logs."""

    def __init__(self, path, folder):
        self.path, self.folder = Path(path).resolve(), Path(folder)

    @property
    def name(self):
        return self.path.name

    def built(self):
        expect(self.path.exists(), f"{self.path} isn't there: run make")

    def log(self, what):
        self.folder.mkdir(parents=True, exist_ok=True)
        return self.folder / f"{self.name}-{what}.log"

    def service(self, what, *args):
        return Service(self.name, [self.path, *args], self.log(what), self.folder / f"{self.name}-{what}.pid",
                       env=clean_environment(self.folder))

    def run(self, *args, timeout=30, input=None):
        """The finished process; status None if it had to be killed at the time limit."""
        self.folder.mkdir(parents=True, exist_ok=True)
        child = subprocess.Popen([self.path, *map(str, args)], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                 stderr=subprocess.PIPE, text=True, errors="replace", cwd=self.folder,
                                 env=clean_environment(self.folder), preexec_fn=die_with_parent())
        try:
            output = child.communicate(input, timeout)
            return subprocess.CompletedProcess(child.args, child.returncode, *output)
        except subprocess.TimeoutExpired:
            child.kill()
            return subprocess.CompletedProcess(child.args, None, *child.communicate())


def end_well(service):
    """SIGTERM, and it ends by itself with status 0."""
    status = service.stop(signal.SIGTERM, END)
    expect(status == 0, f"{service.name}: status {status} after SIGTERM, waited {END} s for; the end of {service.log}:\n"
           f"{tail(service.log)}")


class Server(Program):
    """gastown-webhook, wherever its templates come from, with a certificate made for it; or, given another one's authority, with
    that one's certificate, as a second replica."""

    def __init__(self, path, folder, address="127.0.0.1", authority=None):
        super().__init__(path, folder)
        self.address = address
        self.authority = authority or pki.Authority(self.folder / "pki", "webhook")
        if not authority:
            self.authority.server("webhook", [f"IP:{address}", "DNS:localhost", f"DNS:{SERVICE}.{SYSTEM}.svc"])
        self.port, self.probe_port = free_port(), free_port()
        self.process = None

    def serving_arguments(self):
        pair = self.authority.folder / "webhook.crt", self.authority.folder / "webhook.key"
        return ["--listen", f"{self.address}:{self.port}", "--tls-cert", pair[0], "--tls-key", pair[1],
                "--probe-listen", f"127.0.0.1:{self.probe_port}"]

    def template_arguments(self):
        """Where templates come from."""
        raise NotImplementedError

    def launch(self):
        self.process = self.service("serving", *self.template_arguments(), *self.serving_arguments()).start()

    def start(self):
        self.launch()
        self.wait_ready()

    def wait_ready(self, timeout=START):
        wait_for("readiness of gastown-webhook", self.ready, timeout, [self.process])

    def probe(self, path):
        """(status, text) of the second, plain port."""
        connection = http.client.HTTPConnection("127.0.0.1", self.probe_port, timeout=5)
        try:
            connection.request("GET", path)
            answer = connection.getresponse()
            return answer.status, answer.read().decode(errors="replace")
        finally:
            connection.close()

    def ready(self):
        return self.probe("/readyz")[0] == 200

    def stop(self):
        end_well(self.process)

    def kill(self):
        if self.process:
            self.process.stop(signal.SIGKILL)

    def url(self, path):
        return f"https://{self.address}:{self.port}{path}"

    def registration_flags(self, by_service=False):
        """Of `registration` and `check`: where it is."""
        return [] if by_service else ["--url", self.url("")]

    def registration(self, *kinds, by_service=False):
        """What tells the API server about it, for kubectl: objects of these kinds, all without."""
        answer = self.run("registration", "-o", "json", "--ca-bundle", self.authority.certificate, *self.registration_flags(by_service))
        expect(answer.returncode == 0, f"registration: status {answer.returncode}: {answer.stderr}")
        registered = json.loads(answer.stdout)
        registered["items"] = [item for item in registered["items"] if not kinds or item["kind"] in kinds]
        expect(len(registered["items"]) == len(kinds or registered["items"]), f"no {kinds} among what is registered")
        return json.dumps(registered)

    def service_objects(self):
        """A Service whose one endpoint is this process, on a node's network."""
        meta = {"name": SERVICE, "namespace": SYSTEM}
        return [{"apiVersion": "v1", "kind": "Service", "metadata": meta,
                 "spec": {"ports": [{"name": "https", "port": 443}]}},
                {"apiVersion": "discovery.k8s.io/v1", "kind": "EndpointSlice", "addressType": "IPv4",
                 "metadata": {**meta, "labels": {"kubernetes.io/service-name": SERVICE}},
                 "endpoints": [{"addresses": [self.address]}], "ports": [{"name": "https", "port": self.port}]}]

    def log_text(self):
        return self.process.log.read_text(errors="replace")


class Webhook(Server):
    """gastown-webhook with a template folder of its own."""

    def __init__(self, path, folder, templates=TEMPLATES, address="127.0.0.1"):
        super().__init__(path, folder, address)
        self.templates = self.folder / "templates"
        shutil.copytree(templates, self.templates)

    def template_arguments(self):
        return ["--templates", self.templates]

    def refuses(self, templates):
        """What it says about a folder of templates it won't start with."""
        answer = self.run("--templates", templates, *self.serving_arguments(), timeout=START)
        expect(answer.returncode is not None, f"it serves a broken folder; it said:\n{answer.stdout}{answer.stderr}")
        expect(answer.returncode > 0, f"status {answer.returncode} for a broken folder:\n{answer.stdout}{answer.stderr}")
        return answer.stdout + answer.stderr


class Watcher(Program):
    """gastown-watcher against a cluster."""

    def __init__(self, path, folder, cluster, image):
        super().__init__(path, folder)
        self.cluster, self.image = cluster, image

    def arguments(self, namespace):
        return ["--kubeconfig", self.cluster.kubeconfig, "--namespace", namespace, "--agent-image", self.image]

    def replay(self, events, namespace, timeout=60):
        """Once through the file."""
        return self.run("--replay", events, *self.arguments(namespace), timeout=timeout)

    def follow(self, events, namespace):
        """As it grows, until stopped."""
        return self.service(namespace, "--events", events, *self.arguments(namespace)).start()


class Inject(Program):
    """gastown-inject with the town's templates."""

    def check(self):
        answer = self.run("check", "-t", TEMPLATES)
        if answer.returncode != 0:
            raise Failure(f"status {answer.returncode} on our templates:\n{answer.stdout}{answer.stderr}")

    def render(self, pod):
        """JSON text."""
        answer = self.run("render", "-t", TEMPLATES, "-f", "-", "-o", "json", input=pod)
        if answer.returncode != 0:
            raise Failure(f"render: status {answer.returncode}:\n{answer.stderr}")
        return answer.stdout
