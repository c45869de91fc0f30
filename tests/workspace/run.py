#!/usr/bin/env python3
"""The script of the init container `workspace`, as the engine puts it on a pod, run with a shell and the real git.

    tests/workspace/run.py --inject PATH [--shell SHELL]... [--only TEXT]

Each check has a remote of its own. Two things of the script are changed: its secrets are below the check's folder, and it waits for 0 s.
"""
import argparse
import base64
import contextlib
import http.server
import json
import os
import shutil
import ssl
import subprocess
import sys
import tempfile
import threading
from pathlib import Path

SECRETS, WAITS = "/var/run/secrets/gastown.io", "for wait in 1 2 4 8;"
TEMPLATES = """
apiVersion: gastown.io/v1alpha1
kind: GasTown
metadata: {name: main}
spec:
  defaults: {image: "example.test/agent:1", git: {repository: "https://example.test/x.git"}}
"""
POD = {"apiVersion": "v1", "kind": "Pod", "metadata": {"labels": {"gastown.io/rig": "r", "gastown.io/role": "polecat", "gastown.io/agent": "a"}},
       "spec": {"containers": []}}
IDENTITY = {"GIT_AUTHOR_NAME": "t", "GIT_AUTHOR_EMAIL": "t@example.test", "GIT_COMMITTER_NAME": "t", "GIT_COMMITTER_EMAIL": "t@example.test",
            "GIT_CONFIG_GLOBAL": "/dev/null", "GIT_CONFIG_NOSYSTEM": "1"}
CHECKS = []


def check(function):
    CHECKS.append(function)
    return function


def script_of(inject):
    """The command of the container on a rendered pod."""
    with tempfile.TemporaryDirectory() as folder:
        Path(folder, "town.yaml").write_text(TEMPLATES)
        pod = subprocess.run([inject, "render", "-t", folder, "-f", "-", "-o", "json"], input=json.dumps(POD), text=True, capture_output=True, check=True)
    command = json.loads(pod.stdout)["spec"]["initContainers"][0]["command"]
    assert command[:2] == ["/bin/sh", "-c"] and len(command) == 3, command
    assert "$(" not in command[2] and "$$" not in command[2], "Kubernetes would expand this itself"
    assert SECRETS in command[2] and WAITS in command[2]
    return command[2]


class Town:
    """A remote with branches main and old, and a place for the clone."""
    def __init__(self, folder, script, shell):
        self.folder, self.shell, self.trust = folder, [shutil.which(shell[0]), *shell[1:]], "/etc/ssl/certs/ca-certificates.crt"
        self.script = script.replace(SECRETS, str(folder / "secrets")).replace(WAITS, "for wait in 0 0 0 0;")
        self.remote, self.clone = folder / "remote.git", folder / "gt" / "r" / "work"
        source = folder / "source"
        self.git(folder, "init", "-q", "-b", "main", str(source))
        self.commit(source, "one")
        self.git(source, "branch", "old")
        self.commit(source, "two")
        self.git(folder, "clone", "-q", "--bare", str(source), str(self.remote))

    def git(self, where, *argv):
        env = {**os.environ, **IDENTITY, "GIT_SSL_CAINFO": self.trust}
        answer = subprocess.run(["git", "-C", str(where), *argv], env=env, text=True, capture_output=True)
        assert answer.returncode == 0, f"git {argv}: {answer.stderr}"
        return answer.stdout.strip()

    def commit(self, where, text):
        Path(where, text).write_text(text)
        self.git(where, "add", "-A")
        self.git(where, "commit", "-qm", text)

    def advance(self, text, branch="main"):
        """Somebody else pushes a commit."""
        other = self.folder / f"other-{text}"
        self.git(self.folder, "clone", "-q", "-b", branch, str(self.remote), str(other))
        self.commit(other, text)
        self.git(other, "push", "-q", "origin", branch)

    def run(self, repository=None, path=None, more=(), **settings):
        """The script once; settings become GIT_X, `more` more of its environment. -> (status, what it said)"""
        env = {**dict(more), "GIT_SSL_CAINFO": self.trust, "PATH": path or os.environ["PATH"], "HOME": str(self.folder), "GIT_CONFIG_GLOBAL": "/dev/null", "GIT_CONFIG_NOSYSTEM": "1",
               "GIT_REPOSITORY": repository or f"file://{self.remote}", "GIT_CLONE_DIR": str(self.clone),
               **{f"GIT_{name.upper()}": value for name, value in settings.items()}}
        answer = subprocess.run([*self.shell, "-c", self.script], env=env, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                                text=True, timeout=60)
        return answer.returncode, answer.stdout

    def cloned(self, **settings):
        status, said = self.run(**settings)
        assert status == 0, said
        return said

    def branch(self):
        return self.git(self.clone, "symbolic-ref", "--short", "HEAD")

    def secret(self, name, **files):
        folder = self.folder / "secrets" / name
        folder.mkdir(parents=True, exist_ok=True)
        for file, text in files.items():
            (folder / file).write_text(text)


@check
def clones_the_remotes_own_branch(town):
    assert "cloned to" in town.cloned()
    assert town.branch() == "main" and (town.clone / "two").exists()
    assert not town.clone.with_name("work.part").exists()


@check
def starts_from_the_branch(town):
    town.cloned(branch="old")
    assert town.branch() == "old" and not (town.clone / "two").exists()


@check
def makes_the_work_branch(town):
    town.cloned(branch="main", work_branch="polecat/a")
    assert town.branch() == "polecat/a" and (town.clone / "two").exists()
    assert subprocess.run(["git", "-C", town.clone, "rev-parse", "@{u}"], capture_output=True).returncode != 0, "it tracks main: a push would go there"


@check
def goes_on_with_a_work_branch_that_was_pushed(town):
    town.git(town.remote, "branch", "polecat/a", "old")
    town.advance("three", "polecat/a")
    town.cloned(branch="main", work_branch="polecat/a", depth="1")
    assert town.branch() == "polecat/a" and (town.clone / "three").exists()
    assert town.git(town.clone, "rev-parse", "--abbrev-ref", "@{u}") == "origin/polecat/a"


@check
def works_on_the_branch_itself(town):
    town.cloned(branch="main", work_branch="main")
    assert town.branch() == "main"


@check
def depth(town):
    town.cloned(depth="1")
    assert town.git(town.clone, "rev-list", "--count", "HEAD") == "1"
    shutil.rmtree(town.clone)
    town.cloned(depth="0")
    assert town.git(town.clone, "rev-list", "--count", "HEAD") == "2"


@check
def a_restart_keeps_branch_index_and_files(town):
    town.cloned(branch="main", work_branch="polecat/a")
    town.commit(town.clone, "mine")
    (town.clone / "dirty").write_text("not yet committed")
    (town.clone / "one").write_text("changed")
    town.git(town.clone, "checkout", "-q", "-b", "another")
    (town.clone / ".git" / "index.lock").write_text("")
    before = town.git(town.clone, "rev-parse", "HEAD")
    town.advance("three")
    assert "fetched" in town.cloned(branch="main", work_branch="polecat/b")
    assert town.branch() == "another" and town.git(town.clone, "rev-parse", "HEAD") == before
    assert (town.clone / "dirty").exists() and (town.clone / "one").read_text() == "changed"
    assert town.git(town.clone, "rev-parse", "origin/main") == town.git(town.remote, "rev-parse", "main"), "not fetched"


@check
def a_restart_without_the_remote_goes_on(town):
    town.cloned()
    status, said = town.run(repository=f"file://{town.folder}/gone.git")
    assert status == 0 and "can't fetch" in said, said


@check
def a_restart_follows_a_moved_repository(town):
    town.cloned()
    moved = town.folder / "moved.git"
    shutil.move(town.remote, moved)
    assert "fetched" in town.cloned(repository=f"file://{moved}")


def goes_on(town, damage, **settings):
    """A clone in a bad state, after which a restart must not stand in the agent's way. -> what the script said"""
    town.cloned()
    damage(town.clone / ".git")
    status, said = town.run(**settings)
    assert status == 0, said
    return said


@check
def a_restart_after_a_killed_git(town):
    def locks(git):
        (git / "config.lock").write_text("")
        (git / "index.lock").write_text("")
    assert "fetched" in goes_on(town, locks)
    assert not (town.clone / ".git" / "config.lock").exists()


@check
def a_restart_with_several_values_of_a_key(town):
    def add(git):
        town.git(git.parent, "remote", "set-url", "--add", "origin", "file:///elsewhere")
        town.git(git.parent, "config", "--add", "core.sshCommand", "other")
    assert "fetched" in goes_on(town, add)


@check
def a_restart_of_a_damaged_clone(town):
    assert "can't fetch" in goes_on(town, lambda git: (git / "HEAD").write_text(""))
    (town.clone / ".git" / "config").write_text("[[[")
    assert town.run()[0] == 0
    shutil.rmtree(town.clone / ".git")
    (town.clone / ".git" / "index.lock").mkdir(parents=True)
    assert town.run()[0] == 0
    shutil.rmtree(town.clone / ".git")
    (town.clone / ".git").write_text("gitdir: /nowhere")
    assert town.run()[0] == 0


@check
def a_link_to_nowhere_gives_way(town):
    town.clone.parent.mkdir(parents=True)
    town.clone.symlink_to("nowhere")
    town.cloned()
    assert not town.clone.is_symlink()


@check
def ssh_that_isnt_there(town):
    tools = town.folder / "tools"
    tools.mkdir()
    for name in ("git", "mkdir", "rm", "rmdir", "mv", "id", "sleep", "printf", "sh"):
        if shutil.which(name):
            (tools / name).symlink_to(shutil.which(name))
    status, said = town.run(repository="git@host:x.git", path=str(tools))
    assert status == 1 and "no ssh" in said, said


@check
def half_a_clone_is_begun_anew(town):
    part = town.clone.with_name("work.part")
    (part / ".git").mkdir(parents=True)
    town.clone.mkdir()
    town.cloned()
    assert town.branch() == "main" and not part.exists()


@check
def something_else_in_its_place_stays(town):
    town.clone.mkdir(parents=True)
    (town.clone / "precious").write_text("x")
    status, said = town.run()
    assert status == 1 and "is no clone" in said and (town.clone / "precious").exists(), said


@check
def no_remote_is_an_error_after_some_tries(town):
    status, said = town.run(repository=f"file://{town.folder}/gone.git")
    assert status == 1 and said.count("again in") == 4 and "can't clone" in said, said
    assert not town.clone.exists()


@check
def hostile_values_are_only_values(town):
    bait = town.folder / "bait"
    for value in (f"--upload-pack=touch {bait}", f"ext::sh -c touch% {bait}", f"$(touch {bait})", f"`touch {bait}`; touch {bait}", f"-oProxyCommand=touch {bait}"):
        status, said = town.run(repository=value)
        assert status == 1, said
        status, _ = town.run(branch=value)
        assert status == 1 and not bait.exists(), value
        status, _ = town.run(work_branch=value)
        assert not bait.exists(), value
        shutil.rmtree(town.clone.parent, ignore_errors=True)


class Backend(http.server.BaseHTTPRequestHandler):
    """git http-backend behind Basic authentication."""
    protocol_version = "HTTP/1.1"

    def do_GET(self):
        self.server.asked.append(self.headers.get("Authorization"))
        if self.headers.get("Authorization") != self.server.wanted:
            self.send_response(401)
            self.send_header("WWW-Authenticate", 'Basic realm="git"')
            self.send_header("Content-Length", "0")
            self.end_headers()
            return
        path, _, query = self.path.partition("?")
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        env = {**os.environ, "GIT_PROJECT_ROOT": str(self.server.root), "GIT_HTTP_EXPORT_ALL": "1", "PATH_INFO": path, "QUERY_STRING": query,
               "REQUEST_METHOD": self.command, "CONTENT_TYPE": self.headers.get("Content-Type") or "", "REMOTE_USER": "agent",
               "HTTP_CONTENT_ENCODING": self.headers.get("Content-Encoding") or "", "GIT_CONFIG_COUNT": "1", "GIT_CONFIG_KEY_0": "safe.directory",
               "GIT_CONFIG_VALUE_0": "*"}
        answer = subprocess.run(["git", "http-backend"], input=body, env=env, capture_output=True).stdout
        head, _, rest = answer.partition(b"\r\n\r\n")
        headers = dict(line.split(": ", 1) for line in head.decode().split("\r\n"))
        self.send_response(int(headers.pop("Status", "200").split()[0]))
        for name, value in {**headers, "Content-Length": str(len(rest))}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(rest)

    do_POST = do_GET

    def log_message(self, *_):
        pass


def certificate(town):
    """A certificate of 127.0.0.1 that git is told to trust; its path, the key in the same file."""
    path = town.folder / "server.pem"
    if not path.exists():
        subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "1", "-subj", "/CN=git",
                        "-addext", "subjectAltName=IP:127.0.0.1", "-keyout", path, "-out", f"{path}.crt"], check=True, capture_output=True)
        path.write_text(path.read_text() + Path(f"{path}.crt").read_text())
    return path


@contextlib.contextmanager
def backend(town, user, password, scheme="https"):
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Backend)
    if scheme == "https":
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(certificate(town))
        server.socket = context.wrap_socket(server.socket, server_side=True)
        town.trust = f"{certificate(town)}.crt"
    server.root, server.asked = town.folder, []
    server.wanted = "Basic " + base64.b64encode(f"{user}:{password}".encode()).decode()
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield server, f"{scheme}://127.0.0.1:{server.server_port}/remote.git"
    server.shutdown()
    server.server_close()


@check
def a_token_opens_the_remote_and_the_agent_can_push(town):
    town.secret("git", token="s3cret with blanks\\n")
    with backend(town, "git", "s3cret with blanks\\n") as (_, url):
        town.cloned(repository=url, work_branch="polecat/a")
        town.commit(town.clone, "mine")
        town.git(town.remote, "config", "http.receivepack", "true")
        town.git(town.clone, "push", "-q", "origin", "polecat/a")
        assert "fetched" in town.cloned(repository=url)
    assert town.git(town.remote, "rev-parse", "polecat/a") == town.git(town.clone, "rev-parse", "HEAD")
    assert "s3cret" not in (town.clone / ".git" / "config").read_text(), "the token is in the clone"


@check
def user_and_password(town):
    town.secret("git", username="ada\n", password="lovelace\n")
    with backend(town, "ada", "lovelace") as (_, url):
        town.cloned(repository=url)


@check
def a_token_is_for_its_own_host(town):
    town.secret("git", token="s3cret")
    with backend(town, "git", "s3cret") as (_, url), backend(town, "git", "s3cret") as (other, elsewhere):
        town.cloned(repository=url)
        answer = subprocess.run(["git", "-C", town.clone, "ls-remote", elsewhere], capture_output=True,
                                env={**os.environ, "GIT_TERMINAL_PROMPT": "0", "GIT_SSL_CAINFO": town.trust})
        assert answer.returncode != 0 and set(other.asked) == {None}, other.asked


@check
def a_token_of_another_host_is_forgotten(town):
    town.secret("git", token="s3cret")
    with backend(town, "git", "s3cret") as (_, url):
        town.cloned(repository=url)
    with backend(town, "git", "s3cret") as (_, moved):
        town.cloned(repository=moved)
    helpers = town.git(town.clone, "config", "--name-only", "--get-regexp", "helper").split()
    assert helpers == [f"credential.{moved.rpartition('/')[0]}.helper"], helpers


@check
def a_restart_of_a_clone_that_another_user_owns(town):
    """By way of a server, because git's own switch for tests would mean the remote, too."""
    town.secret("git", token="s3cret")
    with backend(town, "git", "s3cret") as (_, url):
        town.cloned(repository=url)
        status, said = town.run(repository=url, more={"GIT_TEST_ASSUME_DIFFERENT_OWNER": "1"})
    assert status == 0 and "fetched" in said, said


@check
def a_token_goes_over_tls_only(town):
    town.secret("git", token="s3cret")
    with backend(town, "git", "s3cret", "http") as (server, url):
        status, said = town.run(repository=url)
    assert status == 1 and "use https" in said and set(server.asked) == {None}, (said, server.asked)


@check
def no_token_is_an_error_and_no_question(town):
    with backend(town, "git", "s3cret") as (_, url):
        status, said = town.run(repository=url)
    assert status == 1 and "can't clone" in said, said


@check
def ssh_gets_key_and_pinned_hosts(town):
    """An ssh that writes down how it's called and runs what it should run over there."""
    town.secret("git", **{"ssh-privatekey": "key"})
    town.secret("known-hosts", known_hosts="host ssh-ed25519 AAAA")
    ssh = town.folder / "bin" / "ssh"
    ssh.parent.mkdir()
    ssh.write_text(f'#!/bin/sh\nprintf "%s\\n" "$@" >>{town.folder}/called\nfor last; do :; done\nexec sh -c "$last"\n')
    ssh.chmod(0o755)
    town.cloned(repository=f"git@host:{town.remote}", path=f"{ssh.parent}:{os.environ['PATH']}")
    called = (town.folder / "called").read_text().split("\n")
    secrets = town.folder / "secrets"
    for option in ("BatchMode=yes", "StrictHostKeyChecking=yes", "IdentitiesOnly=yes", f"UserKnownHostsFile={secrets}/known-hosts/known_hosts"):
        assert option in called, (option, called)
    assert called[called.index("-i") + 1] == f"{secrets}/git/ssh-privatekey", called
    assert "StrictHostKeyChecking=yes" in town.git(town.clone, "config", "core.sshCommand")


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--inject", required=True)
    parser.add_argument("--shell", action="append", help="a shell and its arguments (default: sh, and busybox sh where there is one)")
    parser.add_argument("--only", default="")
    args = parser.parse_args()
    script = script_of(args.inject)
    shells = args.shell or ["sh", *(["busybox sh"] if shutil.which("busybox") else [])]
    passed = failed = 0
    for shell in shells:
        for function in CHECKS:
            if args.only not in function.__name__:
                continue
            with tempfile.TemporaryDirectory(prefix="gastown-workspace-") as folder:
                try:
                    function(Town(Path(folder), script, shell.split()))
                    passed += 1
                    print(f"ok {shell}: {function.__name__}")
                except (AssertionError, subprocess.TimeoutExpired) as error:
                    failed += 1
                    print(f"FAILED {shell}: {function.__name__}: {error}")
    print(f"{passed} passed, {failed} failed")
    return 1 if failed or not passed else 0


if __name__ == "__main__":
    sys.exit(main())
