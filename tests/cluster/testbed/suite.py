"""What each suite of checks is as a program: its flags, a folder of its own, and an exit status.

    def add_checks(checks, subject): ...
    if __name__ == "__main__":
        sys.exit(suite.main(__doc__, "catalogue", LiveTown, add_checks, ("webhook",)))

A subject is made with the folder and the parsed flags (flags.webhook: the program's path), and ended with end().
"""

import argparse
import sys
import tempfile
from pathlib import Path

from . import build
from .checks import Checks
from .errors import BedError
from .pins import REPOSITORY


def flags(text, programs, counts):
    options = argparse.ArgumentParser(description=text, formatter_class=argparse.RawDescriptionHelpFormatter)
    for name in programs:
        options.add_argument(f"--{name}", type=Path, default=REPOSITORY / "build" / f"gastown-{name}", metavar="PATH",
                             help=f"default: build/gastown-{name}")
    for name, (usual, what) in counts.items():
        options.add_argument(f"--{name}", type=int, default=usual, metavar="N", help=f"{what} (default: {usual})")
    options.add_argument("--only", metavar="TEXT", help="the checks whose name contains this, and what they need")
    options.add_argument("--keep", type=Path, metavar="DIR", help="work in this new folder and leave it, for its logs")
    return options.parse_args()


def run(folder, make, add_checks, given):
    subject = make(folder, given)
    checks = Checks(given.only)
    add_checks(checks, subject)
    try:
        return checks.run()
    finally:
        subject.end()


def main(text, name, make, add_checks, programs, counts=None):
    """The exit status. counts: {flag: (default, what it counts)}"""
    given = flags(text, programs, counts or {})
    try:
        build.ensure()
        if given.keep:
            given.keep.mkdir(parents=True)
            return run(given.keep.resolve(), make, add_checks, given)
        with tempfile.TemporaryDirectory(prefix=f"gastown-{name}-") as folder:
            return run(Path(folder), make, add_checks, given)
    except (BedError, OSError) as error:
        print(f"{name}: {error}", file=sys.stderr)
        return 1
