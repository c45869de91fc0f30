"""What the tests of gastown-webhook share: certificates, templates, a running server, raw HTTP over TLS.

Everything waits for a condition with a time limit; nothing sleeps for a result to appear."""

import base64
import contextlib
import functools
import json
import os
import re
import shutil
import signal
import socket
import ssl
import subprocess
import tempfile
import time
import urllib.error
import urllib.request
import warnings

HERE = os.path.dirname(os.path.abspath(__file__))
FIXTURES = os.path.join(HERE, "..", "fixtures", "admission-reviews.jsonl")
TIMEOUT = 30.0  # of any one wait; generous, because sanitizers and busy machines are slow

GOOD = """\
apiVersion: gastown.io/v1alpha1
kind: GasTown
metadata:
  name: main
spec:
  name: town
  defaults:
    image: {image}
"""
RIG = """\
apiVersion: gastown.io/v1alpha1
kind: Rig
metadata:
  name: {name}
spec:
  name: {name}
"""
BROKEN_OBJECT = GOOD + "    imgae: typo:1\n"  # line 9
NOT_YAML = "kind: GasTown\n  name: [\n"


class Failed(Exception):
    pass


def check(condition, message):
    if not condition:
        raise Failed(message)


def wait_for(what, condition, limit=TIMEOUT):
    """The first true value of condition(); Failed after `limit` seconds."""
    end = time.monotonic() + limit
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() > end:
            raise Failed(f"timed out waiting for {what}")
        time.sleep(0.01)


# ---- files ----

def write(path, text):
    """Replaces a file in one step, as careful programs do."""
    temporary = f"{path}.{time.monotonic_ns()}.tmp"
    with open(temporary, "w") as file:
        file.write(text)
    os.rename(temporary, path)


def swap_volume(volume, files):
    """What the kubelet does to a mounted ConfigMap or Secret: a new folder, then one rename of the ..data link."""
    data = os.path.join(volume, "..data")
    old = os.readlink(data) if os.path.islink(data) else None
    new = f"..{time.monotonic_ns()}"
    os.mkdir(os.path.join(volume, new))
    for name, text in files.items():
        write(os.path.join(volume, new, name), text)
    os.symlink(new, data + "_tmp")
    os.rename(data + "_tmp", data)
    for name in files:
        link = os.path.join(volume, name)
        if not os.path.islink(link):
            os.symlink(os.path.join("..data", name), link)
    for name in os.listdir(volume):
        if not name.startswith("..") and name not in files:
            os.unlink(os.path.join(volume, name))
    if old:
        shutil.rmtree(os.path.join(volume, old))


OPENSSL_CA = """\
[ca]
default_ca = this
[this]
new_certs_dir = .
database = index
rand_serial = yes
default_md = sha256
policy = any
x509_extensions = names
[any]
commonName = supplied
[names]
subjectAltName = DNS:localhost,IP:127.0.0.1,IP:::1
[req]
distinguished_name = empty
[empty]
"""


def make_certificate(name, valid=(-3600, 86400)):
    """(certificate, key) as PEM, self-signed for localhost. valid: from and until, in seconds from now."""
    start, end = (time.strftime("%Y%m%d%H%M%SZ", time.gmtime(time.time() + seconds)) for seconds in valid)
    with tempfile.TemporaryDirectory() as folder:
        def openssl(*words):
            subprocess.run(["openssl", *words], cwd=folder, check=True, capture_output=True)
        for file, text in (("config", OPENSSL_CA), ("index", "")):
            write(os.path.join(folder, file), text)
        openssl("req", "-new", "-config", "config", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-keyout", "key",
                "-out", "request", "-subj", f"/CN={name}")
        openssl("ca", "-batch", "-notext", "-config", "config", "-selfsign", "-keyfile", "key", "-in", "request", "-out", "cert",
                "-startdate", start, "-enddate", end)
        with open(os.path.join(folder, "cert")) as cert, open(os.path.join(folder, "key")) as key_file:
            return cert.read(), key_file.read()


@functools.cache
def first_certificate():
    """Of every server at its start."""
    return make_certificate("first")


def der(pem):
    return ssl.PEM_cert_to_DER_cert(pem)


# ---- reviews ----

with open(FIXTURES) as fixtures:
    REVIEW = json.loads(fixtures.readline())


def review(uid, name=None):
    body = json.loads(json.dumps(REVIEW))
    body["request"]["uid"] = uid
    if name:
        body["request"]["object"]["metadata"]["name"] = name
    return json.dumps(body).encode()


def check_reviewed(answer, uid):
    check(answer.status == 200, f"status {answer.status}: {answer.body[:200]!r}")
    body = json.loads(answer.body)
    check(body.get("kind") == "AdmissionReview" and body.get("apiVersion") == "admission.k8s.io/v1", f"not a review: {body}")
    check(body["response"]["uid"] == uid, f"uid {body['response'].get('uid')!r} instead of {uid!r}")
    return body["response"]


def patch_text(response):
    return base64.b64decode(response.get("patch", "")).decode()


# ---- HTTP, byte by byte ----

def request(body=b"", method="POST", path="/mutate?timeout=10s", headers=(), content_type="application/json", length=True):
    lines = [f"{method} {path} HTTP/1.1", "Host: localhost"]
    if content_type:
        lines.append(f"Content-Type: {content_type}")
    if length:
        lines.append(f"Content-Length: {len(body)}")
    lines += headers
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + body


def chunked(body, size, extension=b""):
    parts = [body[at:at + size] for at in range(0, len(body), size)]
    return b"".join(b"%x%s\r\n%s\r\n" % (len(part), extension, part) for part in parts) + b"0\r\n\r\n"


class Answer:
    def __init__(self, status, headers, body):
        self.status, self.headers, self.body = status, headers, body

    def closes(self):
        return self.headers.get("connection", "").lower() == "close"

    def check_status_object(self, code):
        check(self.status == code, f"status {self.status} instead of {code}: {self.body[:200]!r}")
        body = json.loads(self.body)
        check((body.get("kind"), body.get("apiVersion"), body.get("code")) == ("Status", "v1", code), f"not a v1 Status: {body}")
        return body


class Connection:
    """One connection; plain=True without TLS."""

    def __init__(self, port, host="127.0.0.1", plain=False, context=None, timeout=TIMEOUT):
        self.socket = socket.create_connection((host, port), timeout=timeout)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.buffer = b""
        if not plain:
            try:
                self.socket = (context or ANY_CERTIFICATE).wrap_socket(self.socket, server_hostname="localhost")
            except BaseException:
                self.socket.close()
                raise

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.socket.close()

    def send(self, data):
        self.socket.sendall(data)

    def more(self):
        """false: the peer has closed, one way or another."""
        try:
            data = self.socket.recv(65536)
        except (ConnectionError, ssl.SSLEOFError, ssl.SSLError):
            return False
        self.buffer += data
        return bool(data)

    def answer(self, head=False):
        while b"\r\n\r\n" not in self.buffer:
            if not self.more():
                raise Failed(f"closed before an answer; got {self.buffer[:200]!r}")
        header, self.buffer = self.buffer.split(b"\r\n\r\n", 1)
        lines = header.decode().split("\r\n")
        status = int(lines[0].split()[1])
        headers = {key.lower(): value.strip() for key, value in (line.split(":", 1) for line in lines[1:])}
        length = 0 if head or status == 100 else int(headers.get("content-length", 0))
        while len(self.buffer) < length:
            if not self.more():
                raise Failed("closed in the middle of an answer")
        body, self.buffer = self.buffer[:length], self.buffer[length:]
        return Answer(status, headers, body)

    def closed_within(self, seconds):
        """Reads until the peer closes. true: it did so in time."""
        end = time.monotonic() + seconds
        while True:
            left = end - time.monotonic()
            if left <= 0:
                return False
            self.socket.settimeout(left)
            try:
                if not self.more():
                    return True
            except TimeoutError:
                return False

    def fingerprint(self):
        return self.socket.getpeercert(binary_form=True)


def any_certificate():
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context


ANY_CERTIFICATE = any_certificate()  # for those who don't change it


def old_tls(version):
    """A client that speaks only one version, however old: then it's the server that says no."""
    context = any_certificate()
    context.set_ciphers("ALL:@SECLEVEL=0")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        context.minimum_version = context.maximum_version = version
    return context


def speaks_to_anybody(version):
    """Does a server that admits everything understand a client of old_tls? The control for a refusal."""
    with tempfile.TemporaryDirectory() as folder:
        paths = [os.path.join(folder, name) for name in ("cert", "key")]
        for path, text in zip(paths, first_certificate()):
            write(path, text)
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(*paths)
        context.set_ciphers("ALL:@SECLEVEL=0")
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", DeprecationWarning)
            context.minimum_version = ssl.TLSVersion.TLSv1
    incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
    server = context.wrap_bio(incoming, outgoing, server_side=True)
    client = old_tls(version).wrap_bio(outgoing, incoming, server_hostname="localhost")
    for _ in range(10):
        for side in (client, server):
            with contextlib.suppress(ssl.SSLWantReadError):
                side.do_handshake()
    return client.version() == version.name.replace("_", ".") and server.version() == client.version()


# ---- the server ----

class Server:
    """A running gastown-webhook in a folder of its own."""

    def __init__(self, program, *flags, templates=None, env=None, listen="127.0.0.1:0", volumes=False):
        self.program = program
        self.folder = tempfile.mkdtemp(prefix="gastown-webhook-")
        self.templates, self.certs = os.path.join(self.folder, "templates"), os.path.join(self.folder, "certs")
        os.mkdir(self.templates)
        os.mkdir(self.certs)
        files = {"town.yaml": GOOD.format(image="agent:v1")} if templates is None else templates
        certificate = dict(zip(("tls.crt", "tls.key"), first_certificate()))
        for folder, content in ((self.templates, files), (self.certs, certificate)):
            if volumes:
                swap_volume(folder, content)
            else:
                for name, text in content.items():
                    write(os.path.join(folder, name), text)
        self.cert, self.key = os.path.join(self.certs, "tls.crt"), os.path.join(self.certs, "tls.key")
        self.log_path, self.port_file = os.path.join(self.folder, "log"), os.path.join(self.folder, "ports")
        self.flags = ["--templates", self.templates, "--tls-cert", self.cert, "--tls-key", self.key, "--listen", listen,
                      "--probe-listen", "127.0.0.1:0", "--port-file", self.port_file, "--stop-delay", "0s",
                      "--poll-interval", "500ms", *flags]
        self.env = dict(os.environ, **(env or {}))
        self.limits = None  # (soft, hard) of open files
        self.process = None

    def launch(self):
        # prlimit, as preexec_fn isn't for programs with threads
        before = ["prlimit", "--nofile={}:{}".format(*self.limits)] if self.limits else []
        with open(self.log_path, "a") as log:
            self.process = subprocess.Popen([*before, self.program, *self.flags], stdin=subprocess.DEVNULL, stdout=log, stderr=log, env=self.env)
        return self

    def __enter__(self):
        self.launch()
        wait_for("the port file", lambda: os.path.exists(self.port_file) or self.process.poll() is not None)
        check(self.process.poll() is None, f"it didn't start: exit {self.process.returncode}: {self.log()[-600:]}")
        with open(self.port_file) as file:
            self.port, self.probe_port = (int(line) for line in file)
        return self

    def __exit__(self, kind, *_):
        try:
            if self.process and self.process.poll() is None:
                self.stop()
            self.check_clean()
        except Failed:
            if kind is None:
                raise
        finally:
            if self.process and self.process.poll() is None:
                self.process.kill()
                self.process.wait()
            shutil.rmtree(self.folder, ignore_errors=True)

    def check_clean(self):
        bad = re.search(r"(ERROR: \w+Sanitizer|runtime error:|WARNING: ThreadSanitizer|Assertion).*", self.log())
        check(bad is None, f"{bad and bad.group(0)}\n{self.log()[-6000:]}")

    def log(self):
        with open(self.log_path, errors="replace") as file:
            return file.read()

    def wait_log(self, pattern, limit=TIMEOUT):
        return wait_for(f"{pattern!r} in the log", lambda: re.search(pattern, self.log()), limit)

    def signal(self, number=signal.SIGTERM):
        self.process.send_signal(number)

    def exit_code(self, limit=TIMEOUT):
        try:
            return self.process.wait(limit)
        except subprocess.TimeoutExpired:
            raise Failed(f"it doesn't end: {self.log()[-400:]}") from None

    def stop(self):
        self.signal()
        self.signal()
        code = self.exit_code()
        check(code == 0, f"exit status {code} after SIGTERM: {self.log()[-600:]}")

    def connect(self, **more):
        return Connection(self.port, **more)

    def review(self, uid="one"):
        with self.connect() as connection:
            connection.send(request(review(uid)))
            return check_reviewed(connection.answer(), uid)

    def get(self, path):
        """(status, text) from the probe port."""
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{self.probe_port}{path}", timeout=TIMEOUT) as reply:
                return reply.status, reply.read().decode()
        except urllib.error.HTTPError as error:
            with error:
                return error.code, error.read().decode()

    def metric(self, name):
        found = re.search(rf"^{re.escape(name)} (\S+)$", self.get("/metrics")[1], re.MULTILINE)
        check(found, f"no metric {name}")
        return int(found.group(1))

    def wait_metric(self, name, wanted, limit=TIMEOUT):
        """wanted: a number, or a function."""
        fits = wanted if callable(wanted) else lambda value: value == wanted
        return wait_for(f"{name} ({wanted})", lambda: fits(self.metric(name)), limit)

    def template(self, name, text):
        write(os.path.join(self.templates, name), text)
