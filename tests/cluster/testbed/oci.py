"""Container images without a registry: a tree of files in one layer, written as an OCI archive that `ctr images import`
takes. The same tree gives the same bytes, so importing it again finds the layer there.

Made from https://github.com/opencontainers/image-spec: layer.md, config.md, manifest.md and image-layout.md, all v1.1.
"""

import hashlib
import io
import json
import platform
import stat
import tarfile
from dataclasses import dataclass
from pathlib import Path

from .errors import BedError

MEDIA = "application/vnd.oci.image"
ARCHITECTURES = {"x86_64": "amd64", "aarch64": "arm64"}


@dataclass(frozen=True)
class Entry:
    """One path of the tree. `owner` is both user and group; parents that aren't named are made, root's and 0755."""

    path: str
    kind: bytes
    mode: int
    owner: int = 0
    content: bytes = b""
    target: str = ""


def folder(path, mode=0o755, owner=0):
    return Entry(path, tarfile.DIRTYPE, mode, owner)


def file(path, content, mode=0o644, owner=0):
    return Entry(path, tarfile.REGTYPE, mode, owner, content.encode() if isinstance(content, str) else content)


def link(path, target):
    return Entry(path, tarfile.SYMTYPE, 0o777, target=target)


def copy(path, source):
    """A file of this machine, with its mode but root's."""
    return file(path, Path(source).read_bytes(), stat.S_IMODE(Path(source).stat().st_mode))


def with_parents(entries):
    """In an order where each folder comes before what's in it; of two entries for one path the last counts."""
    named = {}
    for entry in entries:
        path = entry.path.strip("/")
        for parent in reversed(list(Path(path).parents)[:-1]):
            named.setdefault(str(parent), folder(str(parent)))
        named[path] = entry
    return sorted(named.items())


def layer(entries):
    """A tar of them, every stamp zero."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w", format=tarfile.PAX_FORMAT) as tar:
        for path, entry in with_parents(entries):
            member = tarfile.TarInfo(path)
            member.type, member.mode, member.linkname = entry.kind, entry.mode, entry.target
            member.uid = member.gid = entry.owner
            member.size = len(entry.content)
            tar.addfile(member, io.BytesIO(entry.content))
    return buffer.getvalue()


def architecture():
    machine = platform.machine()
    if machine not in ARCHITECTURES:
        raise BedError(f"images for {machine} have no name here yet: add Go's name for it to oci.ARCHITECTURES")
    return ARCHITECTURES[machine]


class Blobs:
    """What a layout holds, by digest."""

    def __init__(self):
        self.by_digest = {}

    def add(self, kind, content, **more):
        """Its descriptor."""
        content = content if isinstance(content, bytes) else json.dumps(content, sort_keys=True).encode()
        digest = hashlib.sha256(content).hexdigest()
        self.by_digest[digest] = content
        return {"mediaType": f"{MEDIA}.{kind}", "digest": f"sha256:{digest}", "size": len(content), **more}


def write(path, name, entries, **config):
    """An archive of the image `name`, which needs a host part, as in gastown.test/agent:1. config: Entrypoint, Env ..."""
    blobs, target = Blobs(), {"architecture": architecture(), "os": "linux"}
    tree = blobs.add("layer.v1.tar", layer(entries))
    settings = blobs.add("config.v1+json", {**target, "config": config,
                                            "rootfs": {"type": "layers", "diff_ids": [tree["digest"]]}})
    manifest = blobs.add("manifest.v1+json", {"schemaVersion": 2, "mediaType": f"{MEDIA}.manifest.v1+json",
                                              "config": settings, "layers": [tree]},
                         platform=target, annotations={"io.containerd.image.name": name})
    index = {"schemaVersion": 2, "mediaType": f"{MEDIA}.index.v1+json", "manifests": [manifest]}
    content = [file("oci-layout", '{"imageLayoutVersion": "1.0.0"}'), file("index.json", json.dumps(index)),
               *(file(f"blobs/sha256/{digest}", blob) for digest, blob in blobs.by_digest.items())]
    Path(path).write_bytes(layer(content))
    return path
