"""The Go webhook that ours is compared with (peer/), built once into the test bed's cache: its name there says what it was made of."""
import hashlib
import os
import sys
from pathlib import Path
from types import SimpleNamespace

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / "cluster"))

from testbed import golang  # noqa: E402
from testbed.build import Progress, compile_parts, locked  # noqa: E402
from testbed.errors import BedError  # noqa: E402,F401  # what built() may raise
from testbed.pins import cache_folder  # noqa: E402

SOURCE = HERE / "peer"


def built(say):
    """The program's path. BedError: there is no Go, or its modules can't be fetched."""
    digest = hashlib.sha256()
    for path in sorted(SOURCE.iterdir()):
        digest.update(path.name.encode() + b"\0" + path.read_bytes())
    program = cache_folder() / f"bench-peer-{digest.hexdigest()[:10]}"
    with locked("bench-peer", say):
        if not os.access(program, os.X_OK):
            build(program, say)
    return program


def build(program, say):
    progress = Progress(say)
    say("the Go webhook: building it (once; usually 2 minutes on two cores)")
    go, env = golang.find_go(SOURCE, say)
    fresh = program.with_suffix(".new")
    argv = [go, "build", "-v", "-mod=readonly", "-trimpath", "-buildvcs=false", "-ldflags", "-s -w", "-o", fresh, "."]
    compile_parts(SimpleNamespace(group=SimpleNamespace(name="the Go webhook", folder=SOURCE), argv=argv, env=env, log=cache_folder() / "bench-peer.log"), progress)
    fresh.rename(program)
    progress.done(f"the Go webhook: built as {program}")
