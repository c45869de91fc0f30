"""What the bed is made of: one row for each Go module we build from, one for each program.

A new program is a new row: `build`, `pin`, `status` and the help follow from the tables.
"""

import hashlib
import os
from dataclasses import dataclass
from pathlib import Path

from .errors import BedError
from .pins import GO_FOLDER, PINS, cache_folder


@dataclass(frozen=True)
class Group:
    """A Go module whose programs are built by one `go build`, so that they share the compilation of what they share."""

    name: str
    module: str
    version: str
    ldflags: str
    # What a build took on two cores with an empty Go cache: told to a person before the wait.
    usual: str
    # The module's own `replace X => ./staging/...` lines become `replace X => X <this>`; None: it has none.
    staging: str | None = None
    # Files of the module that go with its programs: a pattern.
    files: str | None = None

    @property
    def folder(self):
        """Our go.mod and go.sum for it."""
        return GO_FOLDER / self.name

    @property
    def bin(self):
        """Where its programs are cached. Everything that decides what they are is in the name, so a changed pin never
        meets an old program, and two checkouts with different pins share one cache."""
        digest = hashlib.sha256(self.ldflags.encode())
        for name in ("go.mod", "go.sum"):
            path = self.folder / name
            digest.update(path.read_bytes() if path.exists() else b"")
        return cache_folder() / f"{self.name}-{self.version}-{digest.hexdigest()[:10]}" / "bin"

    @property
    def share(self):
        """Where its files are cached."""
        return self.bin.parent / "files"


@dataclass(frozen=True)
class Part:
    """One program."""

    name: str
    group: str
    package: str
    purpose: str
    # The control plane needs it; the others wait for the bed to have a node.
    control_plane: bool = False
    # A node needs it; else it's for containers that run there, and tests that want it build it.
    node: bool = True

    @property
    def built_as(self):
        """The name `go build -o FOLDER/` gives it: the last element of its path that isn't a major version."""
        *front, last = self.package.split("/")
        return front[-1] if last[0] == "v" and last[1:].isdigit() else last


def kubernetes_ldflags(version):
    """What `kubectl version` and /version say; without these it is v0.0.0 and clients refuse to trust its API level."""
    major, minor, _ = version.lstrip("v").split(".", 2)
    stamp = "k8s.io/component-base/version"
    return f"-s -w -X {stamp}.gitVersion={version} -X {stamp}.gitMajor={major} -X {stamp}.gitMinor={minor}"


KUBERNETES = PINS["KUBERNETES_VERSION"]

GROUPS = {
    group.name: group
    for group in (
        Group("kubernetes", "k8s.io/kubernetes", KUBERNETES, kubernetes_ldflags(KUBERNETES),
              usual="5 to 10 minutes", staging="v0." + KUBERNETES.split(".", 1)[1]),
        Group("etcd", "go.etcd.io/etcd/server/v3", PINS["ETCD_VERSION"], "-s -w", usual="a minute"),
        Group("cert-manager", "github.com/cert-manager/cert-manager", PINS["CERT_MANAGER_VERSION"], "-s -w",
              usual="3 minutes", files="deploy/crds/*.yaml"),
        Group("beads", "github.com/steveyegge/beads", PINS["BEADS_VERSION"], "-s -w", usual="2 minutes"),
    )
}

PARTS = {
    part.name: part
    for part in (
        Part("etcd", "etcd", "go.etcd.io/etcd/server/v3", "what the API server keeps its objects in", True),
        Part("kube-apiserver", "kubernetes", "k8s.io/kubernetes/cmd/kube-apiserver",
             "admission: calls the webhook, stores the pods", True),
        Part("kube-controller-manager", "kubernetes", "k8s.io/kubernetes/cmd/kube-controller-manager",
             "service accounts, and pods made by Jobs and other owners", True),
        Part("kubectl", "kubernetes", "k8s.io/kubernetes/cmd/kubectl", "what a person types", True),
        Part("kube-scheduler", "kubernetes", "k8s.io/kubernetes/cmd/kube-scheduler", "node: puts pods on it"),
        Part("kubelet", "kubernetes", "k8s.io/kubernetes/cmd/kubelet", "node: runs the pods"),
        Part("kube-proxy", "kubernetes", "k8s.io/kubernetes/cmd/kube-proxy", "node: Services"),
        Part("cert-manager-controller", "cert-manager", "github.com/cert-manager/cert-manager/cmd/controller",
             "issues certificates into Secrets", node=False),
        Part("cert-manager-cainjector", "cert-manager", "github.com/cert-manager/cert-manager/cmd/cainjector",
             "writes their authority into webhook configurations", node=False),
        Part("bd", "beads", "github.com/steveyegge/beads/cmd/bd", "in containers: the issue tracker", node=False),
    )
}

CONTROL_PLANE = tuple(part.name for part in PARTS.values() if part.control_plane)
NODE = tuple(part.name for part in PARTS.values() if part.node)


def part_named(name):
    if name not in PARTS:
        raise BedError(f"no part is called {name!r}: there are {', '.join(PARTS)}")
    return PARTS[name]


def assets_folder():
    """KUBEBUILDER_ASSETS, the convention of Kubernetes' envtest: a folder of programs somebody already has."""
    named = os.environ.get("KUBEBUILDER_ASSETS")
    if not named:
        return None
    folder = Path(named)
    if not folder.is_dir():
        raise BedError(f"KUBEBUILDER_ASSETS is set to {named}, which is no folder: unset it, or name one with "
                       "kube-apiserver in it")
    return folder


def find(name):
    """The program's path, or None where it has to be built. KUBEBUILDER_ASSETS wins; PATH isn't asked, since a kubectl of
    some other version found there by chance would make the same test differ from machine to machine."""
    part = part_named(name)
    for folder in (assets_folder(), GROUPS[part.group].bin):
        if folder and os.access(folder / part.name, os.X_OK):
            return folder / part.name
    return None
