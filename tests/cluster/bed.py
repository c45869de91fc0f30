#!/usr/bin/python3
"""The test bed: a real Kubernetes, built once from source, started in seconds.

A person:
    tests/cluster/bed.py build                 what is missing, with progress (minutes, once); --node: a node's too
    eval "$(tests/cluster/bed.py up)"          etcd, API server and controllers; prints the KUBECONFIG and PATH to use
    eval "$(tests/cluster/bed.py up --node)"   that and a node, which runs pods (root)
    tests/cluster/bed.py enter                 a shell on the node
    tests/cluster/bed.py status
    tests/cluster/bed.py down

A test:
    from testbed import ControlPlane           or Cluster: with a node
    with ControlPlane(folder) as cluster: cluster.kubectl("get", "pods")

Needs Python 3.11, openssl, and for building Go (pins.env says how new; without one it is fetched from PyPI into the
cache). No network once built. The control plane needs no root; the node needs it, and the Debian packages that
`bed.py packages` lists. Programs in the folder KUBEBUILDER_ASSETS are used instead of building. GASTOWN_TESTBED_CACHE
names another cache than ~/.cache/gastown-testbed.
"""

import argparse
import os
import sys
from pathlib import Path

from testbed import build, images, machine, modules, packages, supervisor
from testbed.errors import BedError
from testbed.node import STORAGE_CLASS
from testbed.parts import CONTROL_PLANE, GROUPS, NODE, PARTS, assets_folder, find
from testbed.pins import REPOSITORY, cache_folder

DEFAULT_FOLDER = REPOSITORY / "build" / "cluster"


def command_build(args):
    found = build.ensure(PARTS if args.all else NODE if args.node else args.part or CONTROL_PLANE)
    for name, path in found.items():
        print(f"{name:<26}{path}")


def command_path(args):
    print(build.ensure([args.part], say=lambda text: print(text, file=sys.stderr))[args.part])


def command_pin(args):
    for group in GROUPS.values():
        modules.write(group)


def command_up(args):
    """All but the settings goes to stderr, for `eval "$(bed.py up)"`."""
    def say(text):
        print(text, file=sys.stderr)

    folder = args.dir.resolve()
    supervisor.up(Path(__file__).resolve(), folder, args.node, say)
    pid = supervisor.machine_pid(folder)
    if pid:
        say(f"its network is its own: the kubectl in {folder / 'bin'} finds its way there; for all else\n"
            f"  {sys.argv[0]} enter [COMMAND]     a shell, or a command, on the node, which is\n"
            f"  nsenter --target {pid} {' '.join(machine.NAMESPACES)}\n"
            f"images there: {', '.join(images.NAMES)}; claims of class {STORAGE_CLASS} get a volume")
    print(f"export KUBECONFIG={folder / 'kubeconfig'}")
    print(f"export PATH={folder / 'bin' if pid else find('kubectl').parent}:$PATH")


def command_enter(args):
    folder = args.dir.resolve()
    pid = supervisor.machine_pid(folder)
    if not pid:
        raise BedError(f"no node runs in {folder}: start one with bed.py up --node")
    env = {**os.environ, "KUBECONFIG": str(folder / "kubeconfig"),
           "PATH": f"{find('kubectl').parent}{os.pathsep}{packages.search_path()}"}
    command = machine.enter(pid, *(args.command_line or [os.environ.get("SHELL", "/bin/sh")]))
    os.execvpe(command[0], command, env)


def command_packages(args):
    print("\n".join(packages.NODE))


def command_down(args):
    supervisor.down(args.dir, args.keep)


def command_status(args):
    print(f"cache {cache_folder()}" + (f", KUBEBUILDER_ASSETS {assets_folder()}" if assets_folder() else ""))
    for part in PARTS.values():
        print(f"  {part.name:<26}{GROUPS[part.group].version:<10}{find(part.name) or 'not built'}")
    print(f"cluster {args.dir.resolve()}")
    return 0 if supervisor.status(args.dir) else 1


def command_supervise(args):
    return supervisor.supervise(args.dir, args.report, args.node)


def parts_help():
    return "\n".join(f"  {part.name:<26}{part.purpose}{' *' if part.control_plane else ''}" for part in PARTS.values())


def parser():
    top = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    commands = top.add_subparsers(dest="command", required=True, metavar="COMMAND")

    def add(name, function, text, folder=False, **more):
        command = commands.add_parser(name, help=text, description=text, **more,
                                      formatter_class=argparse.RawDescriptionHelpFormatter)
        command.set_defaults(function=function)
        if folder:
            command.add_argument("--dir", type=Path, default=DEFAULT_FOLDER, metavar="DIR",
                                 help="where the cluster lives (default: build/cluster of this repository)")
        return command

    one = add("build", command_build, "build what is missing in the cache",
              epilog=f"parts (* built by default):\n{parts_help()}")
    one.add_argument("part", nargs="*", help="those wanted (default: the control plane's)")
    one.add_argument("--node", action="store_true", help="the control plane's and a node's")
    one.add_argument("--all", action="store_true", help="every part there is")
    one = add("path", command_path, "print the path of one part, building it if need be")
    one.add_argument("part")
    add("pin", command_pin, "write go.mod and go.sum anew after a change in pins.env")
    one = add("up", command_up, "start a cluster in the background and print how to use it", folder=True)
    one.add_argument("--node", action="store_true", help="with a node that runs pods (needs root)")
    one = add("enter", command_enter, "a shell, or a command, on the node", folder=True)
    one.add_argument("command_line", nargs=argparse.REMAINDER, metavar="COMMAND", help="default: your shell")
    add("packages", command_packages, "print the Debian packages that a node needs, one a line")
    one = add("down", command_down, "end it, also after a crash, and remove its folder", folder=True)
    one.add_argument("--keep", action="store_true", help="keep the folder, for its logs")
    add("status", command_status, "say what is built and what runs; status 1 unless the cluster is up", folder=True)
    one = commands.add_parser("supervise")
    one.set_defaults(function=command_supervise)
    one.add_argument("--dir", type=Path, required=True)
    one.add_argument("--report", type=int, required=True)
    one.add_argument("--node", action="store_true")
    return top


def main():
    args = parser().parse_args()
    try:
        return args.function(args) or 0
    except BedError as error:
        print(f"bed.py {args.command}: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130


if __name__ == "__main__":
    sys.exit(main())
