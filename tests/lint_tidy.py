#!/usr/bin/env python3
"""clang-tidy for all C sources, except where it's known to have nothing to say.

    tests/lint_tidy.py [--cache FOLDER] [--afresh] [FILE...]

What clang-tidy says of a file follows from the file, from each header that it includes, from its flags, from .clang-tidy and from clang-tidy itself. A
file that came out clean leaves an empty file in the cache, called by a hash of all of these as they were before it ran: whole files and not the preprocessor's
output, because a comment may silence a check, and some checks look at macros. Only clean results are kept: a finding is found again.

The files that took longest come first, one for each core at a time. --afresh: all of them, and the cache is written anew.
"""
import argparse
import concurrent.futures
import hashlib
import json
import os
import re
import subprocess
import sys
import threading
import time

TOP = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
CACHE = os.path.join(os.environ.get("XDG_CACHE_HOME") or os.path.expanduser("~/.cache"), "gastown-lint")
TIDY, CLANG = "clang-tidy", "clang"
DAYS = 30                       # after which a result that nobody asked for goes
NOISE = re.compile(r"warnings? generated|^Suppressed |non-user code")


def output_of(*command):
    done = subprocess.run(command, cwd=TOP, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        sys.exit(f"lint_tidy.py: {' '.join(command)[:200]}: {done.stderr.strip()[-1000:]}")
    return done.stdout


class Contents:
    """Hashes of files, each read once."""

    def __init__(self):
        self.known, self.lock = {}, threading.Lock()

    def of(self, path):
        with self.lock:
            if path in self.known:
                return self.known[path]
        with open(os.path.join(TOP, path), "rb") as file:
            digest = hashlib.sha256(file.read()).hexdigest()
        with self.lock:
            self.known[path] = digest
        return digest


def included(arguments, path):
    """The file and all that it includes, as clang finds them with these flags."""
    flags = arguments[1:arguments.index("-c")]
    done = subprocess.run([CLANG, *flags, "-M", "-MT", "x", path], cwd=TOP, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        return None             # clang-tidy will say what is wrong with it
    return done.stdout.split(":", 1)[1].replace("\\\n", " ").split()


class Linter:
    def __init__(self, cache):
        self.cache, self.contents = cache, Contents()
        with open(os.path.join(TOP, "compile_commands.json"), encoding="utf-8") as file:
            self.arguments = {entry["file"]: entry["arguments"] for entry in json.load(file)}
        # a configuration in any folder counts for what is below it
        settings = output_of("git", "ls-files", "-co", "--exclude-standard", ".clang-tidy", "*/.clang-tidy").split()
        self.common = [output_of(TIDY, "--version"), *(text for path in settings for text in (path, self.contents.of(path)))]

    def key(self, path):
        """The name of the result; None: nobody can tell what it depends on."""
        files = included(self.arguments[path], path)
        if files is None:
            return None
        flags = [flag.replace(TOP, ".") for flag in self.arguments[path]]
        parts = [*self.common, *flags, *(text for name in sorted(set(files)) for text in (name, self.contents.of(name)))]
        return hashlib.sha256("\0".join(parts).encode()).hexdigest()

    def place(self, key):
        return os.path.join(self.cache, key)

    def is_clean(self, key):
        if key is None or not os.path.exists(self.place(key)):
            return False
        os.utime(self.place(key))
        return True

    def analyse(self, path, key):
        """-> (clean, what clang-tidy said, seconds)"""
        begin = time.monotonic()
        done = subprocess.run([TIDY, "-quiet", "-p", ".", path], cwd=TOP, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False)
        said = "\n".join(line for line in done.stdout.splitlines() if line and not NOISE.search(line))
        clean = done.returncode == 0
        if clean and not said and key is not None:
            with open(self.place(key), "w", encoding="ascii"):
                pass
        return clean, said, time.monotonic() - begin


def read_seconds(path):
    """How long each file took the last time."""
    try:
        with open(path, encoding="utf-8") as file:
            return {str(name): float(seconds) for name, seconds in json.load(file).items()}
    except (OSError, ValueError, AttributeError, TypeError):
        return {}


def write_seconds(path, seconds):
    with open(path + ".new", "w", encoding="utf-8") as file:
        json.dump(seconds, file, indent=1, sort_keys=True)
    os.replace(path + ".new", path)


def forget_old(cache):
    for entry in os.scandir(cache):
        if re.fullmatch("[0-9a-f]{64}", entry.name) and entry.stat().st_mtime < time.time() - DAYS * 86400:
            os.remove(entry.path)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--cache", default=CACHE, help="where clean results are kept (default: %(default)s)")
    parser.add_argument("--afresh", action="store_true", help="analyse what is known to be clean, too")
    parser.add_argument("files", nargs="*", metavar="FILE", help="default: all C files of this folder")
    args = parser.parse_args()
    os.makedirs(args.cache, exist_ok=True)
    linter = Linter(args.cache)
    files = args.files or output_of("git", "ls-files", "-co", "--exclude-standard", "*.c").split()
    unknown = [path for path in files if path not in linter.arguments]
    if unknown:
        sys.exit(f"lint_tidy.py: not in compile_commands.json: {' '.join(unknown)} (its rule in tests/tests.mk lists what is in it)")
    seconds_path = os.path.join(args.cache, "seconds.json")
    seconds, begin = read_seconds(seconds_path), time.monotonic()
    with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
        keys = dict(zip(files, pool.map(linter.key, files)))
        asked = [path for path in files if args.afresh or not linter.is_clean(keys[path])]
        # one that was never timed: by its size, before all others
        asked.sort(key=lambda path: (path in seconds, -seconds.get(path, os.path.getsize(os.path.join(TOP, path)))))
        failed = 0
        for path, (clean, said, took) in zip(asked, pool.map(lambda path: linter.analyse(path, keys[path]), asked)):
            failed += not clean
            seconds[path] = round(took, 2)
            print(f"{took:6.1f} s  {path}", *([said] if said else []), sep="\n", flush=True)
    write_seconds(seconds_path, seconds)
    forget_old(args.cache)
    print(f"{len(asked)} files analysed, {len(files) - len(asked)} known to be clean: {time.monotonic() - begin:.0f} s, {failed} with findings")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
