#!/usr/bin/env python3
"""The command line of gastown-inject: what is typed, what must come out.

    run.py --inject PATH [--only TEXT] [--update]

cases/*.txt are sessions in a copy of files/. A line `$ COMMAND` is run by bash; below it stands its standard output, then its standard error,
each line behind `! `, then its exit status as `= N` where that isn't 0. `tty$ COMMAND` has a terminal as standard output; escape characters
are written as `\\e`. `# ` begins a remark. --update writes anew what comes out: read the diff of the commit.

Besides, the laws of merging are tried on all triples of files/laws.
"""
import argparse
import difflib
import glob
import itertools
import os
import pty
import shutil
import subprocess
import sys
import tempfile

HERE = os.path.dirname(os.path.abspath(__file__))


# ---- running ----

def environment(program):
    env = {key: value for key, value in os.environ.items() if key not in ("NO_COLOR", "COLUMNS", "KUBECONFIG", "KUBERNETES_SERVICE_HOST")}
    return {**env, "HOME": "/nowhere", "PATH": os.path.dirname(program) + ":" + env["PATH"], "TERM": "xterm", "LC_ALL": "C.UTF-8"}


def run(command, folder, env, terminal):
    """-> (standard output, standard error, exit status)"""
    shell = ["bash", "-o", "pipefail", "-c", command]
    if not terminal:
        done = subprocess.run(shell, cwd=folder, env=env, stdin=subprocess.DEVNULL, capture_output=True, timeout=60)
        return done.stdout.decode(), done.stderr.decode(), done.returncode
    ours, theirs = pty.openpty()
    with subprocess.Popen(shell, cwd=folder, env=env, stdin=subprocess.DEVNULL, stdout=theirs, stderr=subprocess.PIPE) as process:
        os.close(theirs)
        output = b""
        try:
            while chunk := os.read(ours, 65536):
                output += chunk
        except OSError: # EIO: the other end is closed
            pass
        os.close(ours)
        return output.decode().replace("\r\n", "\n").replace("\x1b", "\\e"), process.stderr.read().decode(), process.wait(60)


# ---- sessions ----

def parse(text):
    """-> [(remarks, prompt, command, expected lines)]"""
    cases, remarks = [], []
    for line in text.splitlines():
        prompt, _, command = line.partition("$ ")
        if prompt in ("", "tty") and command:
            cases.append((remarks, prompt + "$ ", command, []))
            remarks = []
        elif line.startswith("# ") or not cases:
            remarks.append(line)
        else:
            cases[-1][3].append(line)
    return [(before, prompt, command, lines[:-1] if lines and not lines[-1] else lines) for before, prompt, command, lines in cases]


def session(path, env, update):
    """-> the complaints about one file of cases"""
    with open(path, encoding="utf-8") as file:
        text = file.read()
    written, complaints = [], []
    with tempfile.TemporaryDirectory() as temporary:
        folder = os.path.join(temporary, "files")
        shutil.copytree(os.path.join(HERE, "files"), folder)
        for remarks, prompt, command, expected in parse(text):
            out, err, status = run(command, folder, env, prompt.startswith("tty"))
            lines = out.splitlines() + ["! " + line for line in err.splitlines()] + ([f"= {status}"] if status else [])
            written += [*remarks, prompt + command, *lines, ""]
            if lines == expected:
                complaints.append(None)
            else:
                diff = difflib.unified_diff(expected, lines, "wanted", "came", lineterm="", n=2)
                complaints.append("\n".join([f"FAIL {os.path.basename(path)}: {prompt}{command}", *("  " + line for line in diff)]))
    if update and "\n".join(written) != text:
        with open(path, "w", encoding="utf-8") as file:
            file.write("\n".join(written))
    return complaints


# ---- the laws of merging ----

class Merger:
    def __init__(self, program):
        self.program, self.known = program, {}

    def __call__(self, *layers):
        if layers not in self.known:
            text = "\n---\n".join(layers)
            done = subprocess.run([self.program, "merge", "-"], input=text, capture_output=True, text=True, timeout=60)
            if done.returncode != 0:
                raise ValueError(f"exit status {done.returncode} for\n{text}\n{done.stderr}")
            self.known[layers] = done.stdout
        return self.known[layers]


def laws(program):
    """(a over b) over c is a over (b over c) is all three at once, and the result, or the empty layer with it, gives the result."""
    merge, files = Merger(program), sorted(glob.glob(os.path.join(HERE, "files", "laws", "*.yaml")))
    texts = {os.path.basename(path): open(path, encoding="utf-8").read() for path in files}
    for names in itertools.product(texts, repeat=3):
        a, b, c = (texts[name] for name in names)
        try:
            whole = merge(a, b, c)
            others = {"(ab)c": merge(merge(a, b), c), "a(bc)": merge(a, merge(b, c)), "again": merge(whole), "with {}": merge("{}", whole, "{}")}
            wrong = [law for law, other in others.items() if other != whole]
            yield f"FAIL laws {names}: {', '.join(wrong)} isn't abc:\n{whole}" if wrong else None
        except ValueError as error:
            yield f"FAIL laws {names}: {error}"


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--inject", required=True, help="the gastown-inject program")
    parser.add_argument("--only", default="", help="files of cases whose name contains this")
    parser.add_argument("--update", action="store_true", help="write what comes out into the cases")
    args = parser.parse_args()
    program = os.path.abspath(shutil.which(args.inject) or args.inject)
    if not os.access(program, os.X_OK):
        print(f"run.py: {args.inject}: no such program (make build/gastown-inject)", file=sys.stderr)
        return 3
    complaints, env = [], environment(program)
    for path in sorted(glob.glob(os.path.join(HERE, "cases", "*.txt"))):
        if args.only in os.path.basename(path):
            complaints += session(path, env, args.update)
    if not args.only or args.only in "laws":
        complaints += laws(program)
    failed = [complaint for complaint in complaints if complaint]
    print(*failed, sep="\n", end="\n" if failed else "")
    print(f"{len(complaints) - len(failed)} passed, {len(failed)} failed")
    return 1 if failed or not complaints else 0


if __name__ == "__main__":
    sys.exit(main())
