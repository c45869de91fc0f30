"""gastown-inject as a long-lived process: one `review -t DIR` for each set of templates, JSON lines over pipes."""
import base64
import collections
import json
import os
import select
import shutil
import subprocess
import tempfile

TIMEOUT = 30          # seconds for one answer
MOST_PROCESSES = 24   # of which the least recently used one goes first


FOLDERS = "/dev/shm" if os.access("/dev/shm", os.W_OK) else None # thousands of folders, each for a second


class Died(AssertionError):
    """The program ended, or doesn't answer."""


class Engine:
    """The program with one set of templates: a list of documents, or of texts as they stand in files."""

    def __init__(self, program, templates, env=()):
        self.program = program
        self.folder = tempfile.mkdtemp(prefix="gastown-property-", dir=FOLDERS)
        with open(os.path.join(self.folder, "templates.yaml"), "w", encoding="utf-8") as file:
            file.write("\n---\n".join(text if isinstance(text, str) else json.dumps(text, ensure_ascii=False) for text in templates))
        self.stderr = tempfile.TemporaryFile()
        self.process = subprocess.Popen([program, "review", "-t", self.folder], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                        stderr=self.stderr, bufsize=0, env={**os.environ, **dict(env)})
        self.rest = b""

    def ask(self, line):
        """One line of bytes in, one line of text out."""
        try:
            self.process.stdin.write(line + b"\n")
        except BrokenPipeError:
            raise Died(self.complaint()) from None
        while b"\n" not in self.rest:
            ready, _, _ = select.select([self.process.stdout], [], [], TIMEOUT)
            piece = os.read(self.process.stdout.fileno(), 1 << 20) if ready else b""
            if not piece:
                raise Died(self.complaint() if ready else f"no answer within {TIMEOUT} s")
            self.rest += piece
        answer, self.rest = self.rest.split(b"\n", 1)
        return answer.decode("utf-8")

    def review(self, pod, **request):
        return Answer(self.ask(admission_review(pod, **request)))

    def complaint(self):
        status = self.process.wait(TIMEOUT)
        self.stderr.seek(0)
        return f"gastown-inject ended with status {status}: {self.stderr.read().decode('utf-8', 'replace').strip()[:600]}"

    def close(self):
        for pipe in (self.process.stdin, self.process.stdout):
            pipe.close()
        self.process.kill()
        self.process.wait()
        self.stderr.close()
        shutil.rmtree(self.folder, ignore_errors=True)


class Engines:
    """Processes by what their templates say."""

    def __init__(self, program):
        self.program = program
        self.running = collections.OrderedDict()

    def of(self, templates):
        key = json.dumps(templates, sort_keys=False)
        engine = self.running.pop(key, None)
        if engine is None or engine.process.poll() is not None:
            if engine is not None:
                engine.close()
            engine = Engine(self.program, templates)
        self.running[key] = engine
        if len(self.running) > MOST_PROCESSES:
            self.running.popitem(last=False)[1].close()
        return engine

    def fresh(self, templates, env):
        return Engine(self.program, templates, env)

    def close(self):
        while self.running:
            self.running.popitem()[1].close()


def admission_review(pod, uid="705ab4f5-6393-11e8-b7cc-42010a800002", text=None, **request):
    """The bytes of a review. `text`: the pod as JSON, where the caller wants to print it himself."""
    resource = {"group": "", "version": "v1", "resource": "pods"}
    whole = {"uid": uid, "kind": {"group": "", "version": "v1", "kind": "Pod"}, "resource": resource, "namespace": "gastown", "operation": "CREATE",
             "userInfo": {"username": "someone", "groups": ["system:authenticated"]}, "object": "@pod", "oldObject": None, "dryRun": False}
    whole.update(request)
    review = json.dumps({"kind": "AdmissionReview", "apiVersion": "admission.k8s.io/v1", "request": whole})
    pod = json.dumps(pod, ensure_ascii=False) if text is None else text
    return review.replace('"@pod"', pod, 1).encode("utf-8", "surrogatepass")


class Answer:
    """An answer taken apart. code: None for an AdmissionReview, else of the HTTP error that a server would answer with."""

    def __init__(self, text):
        self.text = text
        self.whole = json.loads(text)
        self.code = self.whole.get("code") if self.whole.get("kind") == "Status" else None
        self.response = self.whole.get("response", {})
        self.allowed = self.response.get("allowed")
        self.warnings = self.response.get("warnings", [])
        self.patch_text = base64.b64decode(self.response["patch"], validate=True).decode("utf-8") if "patch" in self.response else ""
        self.patch = json.loads(self.patch_text) if self.patch_text else []

    @property
    def denial(self):
        return self.response.get("status", {})
