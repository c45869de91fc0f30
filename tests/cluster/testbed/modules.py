"""go.mod, go.sum and tools.go of each group: written by `pin` from pins.env, checked by `build`.

They're committed, so every machine builds the same bytes of source and go.sum proves it. A Kubernetes release is hard to
depend on: its go.mod points at folders of its own repository (`replace k8s.io/api => ./staging/...`), which a module
that requires it doesn't see; each has to be replaced again, by the same code's published version.
"""

import json
import re
import shutil
import subprocess
import tempfile
from pathlib import Path

from . import golang
from .errors import BedError
from .parts import PARTS
from .pins import PINS


def required_version(go_mod, module):
    found = re.search(rf"^(?:require )?\s*{re.escape(module)} (v\S+)", go_mod, re.MULTILINE)
    return found.group(1) if found else None


def check(group):
    """The committed go.mod is for the pinned version."""
    path = group.folder / "go.mod"
    has = required_version(path.read_text(), group.module) if path.exists() else None
    if has != group.version:
        raise BedError(f"{path} is for {group.module} {has or '(nothing)'}, pins.env says {group.version}: "
                       "run tests/cluster/bed.py pin")


def run_go(program, env, folder, *args):
    answer = subprocess.run([program, *args], cwd=folder, env=env, capture_output=True, text=True)
    if answer.returncode != 0:
        raise BedError(f"go {' '.join(args)} failed:\n{golang.indent(answer.stderr)}")
    return answer.stdout


def replaces(group, program, env, folder):
    """The lines that stand for the module's own ./staging replacements."""
    if not group.staging:
        return ""
    found = json.loads(run_go(program, env, folder, "mod", "download", "-json", f"{group.module}@{group.version}"))
    names = re.findall(r"^\s*(\S+) => \./staging/", Path(found["GoMod"]).read_text(), re.MULTILINE)
    if not names:
        raise BedError(f"{group.module} {group.version} has no ./staging replacements any more: look at its go.mod")
    lines = "".join(f"\t{name} => {name} {group.staging}\n" for name in names)
    return f"\nreplace (\n{lines})\n"


def tools(group):
    """Imports of the programs, which is what keeps their dependencies in go.mod and go.sum."""
    packages = sorted(part.package for part in PARTS.values() if part.group == group.name)
    imports = "".join(f'\t_ "{package}"\n' for package in packages)
    return f"//go:build tools\n\n// Written by bed.py pin.\npackage tools\n\nimport (\n{imports})\n"


def write(group, say=print):
    """Resolves the group's dependencies anew and replaces its three files."""
    with tempfile.TemporaryDirectory(prefix="gastown-pin-") as name:
        folder = Path(name)
        head = f"module gastown.io/testbed/{group.name}\n\ngo {PINS['GO_MINIMUM']}\n"
        (folder / "go.mod").write_text(head)
        (folder / "tools.go").write_text(tools(group))
        program, env = golang.find_go(folder, say)
        say(f"{group.name} {group.version}: resolving")
        extra = replaces(group, program, env, folder)
        (folder / "go.mod").write_text(f"{head}\nrequire {group.module} {group.version}\n{extra}")
        # -e: tests of our dependencies' dependencies name modules nobody serves any more, and no program of ours needs them.
        run_go(program, env, folder, "mod", "tidy", "-e")
        group.folder.mkdir(parents=True, exist_ok=True)
        for file in ("go.mod", "go.sum", "tools.go"):
            shutil.copyfile(folder / file, group.folder / file)
    say(f"{group.name} {group.version}: written to {group.folder}")
