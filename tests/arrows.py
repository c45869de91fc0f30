#!/usr/bin/env python3
"""The arrows between the rooms, proved from the includes; and who may look at a client's bytes.

    webhook, watcher, injector/cli -> catalogue -> injector -> lib;  webhook -> certs -> lib;  inside lib: kube, yaml -> json -> base, metrics -> base
"""
import os
import re
import sys

# a room, and the rooms that its files may include
ARROWS = {
    "lib/base": ["lib/base"],
    "lib/json": ["lib/json", "lib/base"],
    "lib/yaml": ["lib/yaml", "lib/json", "lib/base"],
    "lib/metrics": ["lib/metrics", "lib/base"],
    "lib/kube": ["lib/kube", "lib/yaml", "lib/json", "lib/base"],
    "injector": ["injector", "lib/base", "lib/json", "lib/kube"],
    "injector/cli": ["injector/cli", "injector", "catalogue", "lib"],
    "catalogue": ["catalogue", "injector", "lib"],
    "certs": ["certs", "lib"],
    "webhook": ["webhook", "catalogue", "injector", "certs", "lib"],
    "watcher": ["watcher", "catalogue", "injector", "lib"],
}
# the engine is pure: no socket, no file, no clock
IMPURE = re.compile(r"^(stdio|unistd|fcntl|time|sys/.*|pthread|signal|curl/.*|netinet/.*|arpa/.*|dirent|poll|setjmp)\.h$")
IMPURE_ALLOWED = {("injector/image.c", "stdio.h"), ("injector/same.c", "stdio.h")}     # snprintf
# of lib/kube only what is pure may be known to the engine
PURE_KUBE = {"lib/kube/quantity.h", "lib/kube/names.h"}
# The doors to a client's bytes, and who may use them: see lib/json/view.h.
NODES = "lib/json/read.h"     # what is behind a view: a door without a doorman
DOOR = re.compile(r"\bgt_view_(str|key)\b")
DOORMEN = {
    "injector/bare.c": "labels and annotations are chosen by their names",
    "injector/identity.c": "labels and raw names, validated, become the identity",
    "injector/event.c": "event annotations, validated, become layer 5",
    "injector/image.c": "a client's image is judged",
    "injector/same.c": "compares; nothing of it leaves but truth values and labels for messages",
    "injector/lists.c": "a volume's kind, for the message of a conflict",
    "injector/envelope.c": "the uid is echoed, the namespace looked up, names are cut for logs",
}


def room_of(path):
    """The longest room that holds the path."""
    return max((room for room in ARROWS if path.startswith(room + "/")), key=len, default=None)


def allowed(room, included):
    target = room_of(included)
    return any(target == other or (target or "").startswith(other + "/") for other in ARROWS[room]
               if not (other == "injector" and target == "injector/cli"))


def findings():
    for top in ("lib", "injector", "catalogue", "certs", "webhook", "watcher"):
        for folder, _, names in os.walk(top):
            for name in sorted(names):
                path = os.path.join(folder, name)
                if name.endswith((".c", ".h")):
                    yield from findings_of(path, room_of(path))


def findings_of(path, room):
    with open(path, encoding="utf-8") as f:
        for n, line in enumerate(f, 1):
            own, system = re.match(r'#include "([^"]+)"', line), re.match(r"#include <([^>]+)>", line)
            if own and not allowed(room, own[1]):
                yield f"{path}:{n}: {room} may not include {own[1]}"
            if own and room == "injector" and own[1].startswith("lib/kube/") and own[1] not in PURE_KUBE:
                yield f"{path}:{n}: the engine is pure: it may not include {own[1]}"
            if own and own[1] == NODES and room != "lib/json":
                yield f"{path}:{n}: only lib/json may include {NODES}"
            if system and room == "injector" and IMPURE.match(system[1]) and (path, system[1]) not in IMPURE_ALLOWED:
                yield f"{path}:{n}: the engine is pure: it may not include <{system[1]}>"
            if room == "injector" and DOOR.search(line) and path not in DOORMEN:
                yield f"{path}:{n}: looks at a client's bytes: only {', '.join(sorted(DOORMEN))} may (tests/arrows.py)"


def unused_doormen():
    for path in DOORMEN:
        with open(path, encoding="utf-8") as f:
            if not DOOR.search(f.read()):
                yield f"{path}: is listed as a doorman in tests/arrows.py and isn't one"


def main():
    found = [*findings(), *unused_doormen()]
    for line in found:
        print(line)
    print(f"{0 if found else 1} passed, {len(found)} failed")
    return bool(found)


if __name__ == "__main__":
    sys.exit(main())
