"""The pins, and the folders that follow from them."""

import os
from pathlib import Path

from .errors import BedError

HERE = Path(__file__).resolve().parent.parent
PINS_FILE = HERE / "pins.env"
GO_FOLDER = HERE / "go"
REPOSITORY = HERE.parent.parent


def load(path=PINS_FILE):
    """NAME=value lines; comments and blank lines are skipped."""
    pins = {}
    for number, line in enumerate(path.read_text().splitlines(), 1):
        line = line.strip()
        if not line or line.startswith("#"):
            continue
        name, equals, value = line.partition("=")
        if not equals or not value:
            raise BedError(f"{path}:{number}: NAME=value expected, not {line!r}")
        pins[name] = value
    return pins


PINS = load()


def cache_folder():
    """Where built programs are kept from run to run."""
    named = os.environ.get("GASTOWN_TESTBED_CACHE")
    if named:
        return Path(named)
    caches = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(caches) / "gastown-testbed"
