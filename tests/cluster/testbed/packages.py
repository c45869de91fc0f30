"""What a node needs of the machine besides what we build: Debian packages, and the programs of each that we look for.

The one place that names them. `bed.py packages` prints them for whoever installs.
"""

import os
import shutil

from .errors import BedError

CNI = "/usr/lib/cni"

NODE = {
    "containerd": ("containerd", "containerd-shim-runc-v2", "ctr"),
    "runc": ("runc",),
    "containernetworking-plugins": (f"{CNI}/bridge", f"{CNI}/host-local", f"{CNI}/loopback"),
    "nftables": ("nft",),
    "iproute2": ("ip",),
    "util-linux": ("unshare", "nsenter"),
    "mount": ("mount", "umount"),
    # The images are made of these.
    "gcc": ("gcc",),
    "libc6-dev": (),
    "busybox-static": ("busybox",),
    "git": ("git",),
}


def search_path():
    """Ours and the administrator's, which the PATH of a person or of cron may lack."""
    return os.pathsep.join([os.environ.get("PATH", os.defpath), "/usr/local/sbin", "/usr/sbin", "/sbin"])


def which(program):
    """Its path; BedError names the package that has it."""
    found = shutil.which(program, path=search_path())
    if not found:
        package = next((name for name, programs in NODE.items() if program in programs), None)
        raise BedError(f"there is no {program}" + (f" (Debian: apt install {package})" if package else ""))
    return found


def check():
    """BedError names all that is missing at once."""
    lacking = {package: [program for program in programs if not shutil.which(program, path=search_path())]
               for package, programs in NODE.items()}
    lacking = {package: programs for package, programs in lacking.items() if programs}
    if lacking:
        programs = ", ".join(program for programs in lacking.values() for program in programs)
        raise BedError(f"a node needs {programs} (Debian: apt install {' '.join(lacking)})")
