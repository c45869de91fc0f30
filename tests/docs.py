#!/usr/bin/env python3
"""Runs the examples of README.md and docs/: every block marked ```console. Compares docs/templates.md with the engine's tables. Blocks
marked ```yaml that begin as templates do are checked.

In a block, `$ COMMAND` is run in the top folder; the lines below it are what it prints (standard output and error). A line `...` stands for
any number of lines. What isn't run is marked ```sh.
"""
import glob
import os
import re
import subprocess
import sys
import tempfile

TOP = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
TEMPLATES = re.compile(r"^```yaml\n(apiVersion: gastown\.io/.*?)^```", re.M | re.S)
BLOCK = re.compile(r"^```console\n(.*?)^```", re.M | re.S)


def examples(text):
    """-> (line number, command, [expected lines])"""
    for block in BLOCK.finditer(text):
        line = text[:block.start(1)].count("\n") + 1
        command, expected, at = None, [], line
        for n, content in enumerate(block[1].splitlines(), line):
            if content.startswith("$ "):
                if command:
                    yield at, command, expected
                command, expected, at = content[2:], [], n
            else:
                expected.append(content)
        if command:
            yield at, command, expected


def pattern(expected):
    """The expected lines as a regular expression: `...` alone is any number of lines."""
    return "".join(r"(?:.*\n)*?" if line.strip() == "..." else re.escape(line.rstrip()) + r" *\n" for line in expected)


def check(path, line, command, expected):
    done = subprocess.run(["bash", "-c", command], cwd=TOP, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=60,
                          env={**os.environ, "PATH": os.path.join(TOP, "build") + ":" + os.environ["PATH"]})
    output = "".join(l.rstrip() + "\n" for l in done.stdout.splitlines())
    if expected and not re.fullmatch(pattern(expected), output):
        return f"{path}:{line}: `{command}` prints\n{output}instead of\n" + "\n".join(expected)
    return None if expected or done.returncode == 0 else f"{path}:{line}: `{command}` ends with {done.returncode}:\n{output}"


def templates(path, text):
    """Blocks of templates are what `check` has nothing to say of. -> what's wrong with each, or None"""
    for block in TEMPLATES.finditer(text):
        with tempfile.TemporaryDirectory() as folder:
            with open(os.path.join(folder, "block.yaml"), "w", encoding="utf-8") as f:
                f.write(block[1])
            done = subprocess.run(["build/gastown-inject", "check", "-t", folder], cwd=TOP, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        line = text[:block.start(1)].count("\n") + 1
        yield line, None if ": 0 errors, 0 warnings" in done.stdout else f"{path}:{line}: the templates: {done.stdout}"


def reference():
    """docs/templates.md is what `make docs` writes."""
    made = subprocess.run(["build/gastown-inject", "reference"], cwd=TOP, stdout=subprocess.PIPE, text=True, check=True).stdout
    with open(os.path.join(TOP, "docs/templates.md"), encoding="utf-8") as f:
        return None if f.read() == made else "docs/templates.md is stale: run `make docs`"


def registration():
    """manifests/registration.yaml is what `make registration` writes."""
    made = subprocess.run(["build/gastown-webhook", "registration"], cwd=TOP, stdout=subprocess.PIPE, text=True, check=True).stdout
    with open(os.path.join(TOP, "manifests/registration.yaml"), encoding="utf-8") as f:
        head, _, rest = f.read().partition("\n")
    return None if head.startswith("# ") and rest == made else "manifests/registration.yaml is stale: run `make registration`"


def metrics():
    """The table in docs/serving.md is what the program prints."""
    made = subprocess.run(["build/gastown-webhook", "--metrics-reference"], cwd=TOP, stdout=subprocess.PIPE, text=True, check=True).stdout
    with open(os.path.join(TOP, "docs/serving.md"), encoding="utf-8") as f:
        written = re.search(r"<!-- metrics -->\n(.*)<!-- /metrics -->", f.read(), re.S)
    return None if written and written[1] == made else "docs/serving.md: the table of metrics is stale: run `make docs`"


def main():
    passed = failed = 0
    for path, trouble in (("docs/templates.md", reference()), ("docs/serving.md metrics", metrics()),
                          ("manifests/registration.yaml", registration())):
        passed, failed = passed + (trouble is None), failed + (trouble is not None)
        print(trouble or f"ok   {path}")
    for path in ["README.md", *sorted(glob.glob("docs/*.md", root_dir=TOP))]:
        with open(os.path.join(TOP, path), encoding="utf-8") as f:
            text = f.read()
        for line, trouble in templates(path, text):
            passed, failed = passed + (trouble is None), failed + (trouble is not None)
            print(trouble or f"ok   {path}:{line} templates")
        for line, command, expected in examples(text):
            trouble = check(path, line, command, expected)
            passed, failed = passed + (trouble is None), failed + (trouble is not None)
            print(trouble or f"ok   {path}:{line} {command}")
    print(f"{passed} passed, {failed} failed")
    return 1 if failed or not passed else 0


if __name__ == "__main__":
    sys.exit(main())
