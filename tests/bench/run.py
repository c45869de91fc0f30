#!/usr/bin/python3
"""What a review costs, and reading its body: time and memory of the engine, against one plain cJSON parse of the same body, in one run.

    tests/bench/run.py [-o table|json] [--bench PATH] [--inject PATH] [--check] [--catalogue]

The bodies are what an API server sends: a bare pod of the watcher's after its own plugins, that pod with many variables, one that was
injected before, one with 60 KB of managed fields. The aims: a standard review in at most 2.5 parses of its body, 0.45 of
them to read it, and linear in size; and 4,001 templates in 64 MiB while a new snapshot of them replaces the old; what misses one is
named. --check fails where it's missed by more than noise explains.
"""
import argparse
import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

TOP = Path(__file__).resolve().parent.parent.parent
TEMPLATES = TOP / "tests" / "demo" / "templates"
AIM = 2.5
MALLOCS = 10  # of the arena's blocks, for the largest
SLACK = 2
AIMS = 12      # two pods in two ways, six bodies' mallocs, the growth, the catalogue
CATALOGUE_MIB = 64
READ_AIM = 0.45
CAPTURE = TOP / "tests" / "fixtures" / "admission-reviews.jsonl"


def captured():
    """What an API server (v1.35) really sent for a bare polecat, in the bytes that it sends."""
    with open(CAPTURE, encoding="utf-8") as lines:
        return json.loads(next(lines))


def bare(role, name, env=0):
    """The captured pod, for another agent."""
    pod = captured()["request"]["object"]
    pod["metadata"]["name"] = f"gt-gastown-{role}-{name}"
    pod["metadata"]["labels"].update({"gastown.io/role": role, "gastown.io/agent": name})
    pod["metadata"]["annotations"]["event.gastown.io/bead"] = pod["metadata"]["annotations"]["gastown.io/bead-id"]
    if env:
        pod["spec"]["containers"][0]["env"] = [{"name": f"CLIENT_{i}", "value": f"value {i}"} for i in range(env)]
    return pod


def review(pod):
    whole = captured()
    whole["request"].update({"object": pod, "name": pod["metadata"]["name"]})
    return whole


def large(pod, size=60_000):
    """Managed fields of many managers."""
    managers = pod["metadata"]["managedFields"]
    while len(json.dumps(pod)) < size:
        managers.append({**managers[0], "manager": f"manager-{len(managers)}"})
    return pod


def injected(inject, pod):
    made = subprocess.run([inject, "render", "-t", TEMPLATES, "-o", "json"], input=json.dumps(pod), text=True, capture_output=True, check=True)
    return json.loads(made.stdout)


def bodies(inject):
    return {"a polecat": bare("polecat", "furiosa"), "a crew member": bare("crew", "max"),
            "injected before": injected(inject, bare("polecat", "furiosa")), "1,000 variables": bare("crew", "max", 1000),
            "10,000 variables": bare("crew", "max", 10000), "60 KB": large(bare("polecat", "furiosa"))}


def measure(bench, inject):
    with tempfile.TemporaryDirectory(prefix="gastown-bench-") as folder:
        names = {}
        for i, (name, pod) in enumerate(bodies(inject).items()):
            path = Path(folder, f"{i}.json")
            path.write_text(json.dumps(review(pod), separators=(",", ":")))
            names[str(path)] = name
        made = subprocess.run([bench, TEMPLATES, *names], text=True, stdout=subprocess.PIPE, check=True)
    rows = [json.loads(line) for line in made.stdout.splitlines()]
    return [{"review": names[row.pop("file")], **row, "parses": round(row["review_ns"] / row["parse_ns"], 2),
             "read_parses": round(row["read_ns"] / row["parse_ns"], 2)} for row in rows]


def table(rows):
    head = ("review", "body", "answer", "patch", "operations", "time", "mallocs", "arena", "read", "parse", "its mallocs", "parses", "to read")
    lines = [head, *((row["review"], f"{row['body_bytes']:,} B", f"{row['answer_bytes']:,} B", f"{row['patch_bytes']:,} B", f"{row['operations']:,}",
                      f"{row['review_ns'] / 1000:,.1f} us", f"{row['review_mallocs']:,}", f"{row['arena_bytes'] / 1024:,.0f} KiB",
                      f"{row['read_ns'] / 1000:,.1f} us", f"{row['parse_ns'] / 1000:,.1f} us", f"{row['parse_mallocs']:,}", f"{row['parses']:.2f}",
                      f"{row['read_parses']:.2f}") for row in rows)]
    widths = [max(len(line[c]) for line in lines) for c in range(len(head))]
    for line in lines:
        print("  ".join(cell.ljust(width) if c == 0 else cell.rjust(width) for c, (cell, width) in enumerate(zip(line, widths))))


def misses(rows, slack):
    """What the aims say and a row doesn't."""
    by = {row["review"]: row for row in rows}
    few, many = by["1,000 variables"], by["10,000 variables"]
    growth = (many["review_ns"] / many["body_bytes"]) / (few["review_ns"] / few["body_bytes"])
    found = [f"{name}: {by[name]['parses']} parses, the aim is {AIM}" for name in ("a polecat", "a crew member") if by[name]["parses"] > AIM * slack]
    found += [f"{name}: {by[name]['read_parses']} parses to read it, the aim is {READ_AIM}" for name in ("a polecat", "a crew member")
              if by[name]["read_parses"] > READ_AIM * slack]
    found += [f"{row['review']}: {row['review_mallocs']} mallocs" for row in rows if row["review_mallocs"] > MALLOCS]
    return found + ([f"10,000 variables cost {growth:.2f} times as much for a byte as 1,000"] if growth > 1.6 * slack else [])


def catalogue(inject, bench, rigs=2000):
    """-> objects; seconds and bytes for checking many rigs, each with a pool; bytes of their snapshot; bytes while a second one replaces it."""
    with tempfile.TemporaryDirectory(prefix="gastown-bench-") as folder:
        with open(Path(folder, "all.yaml"), "w", encoding="utf-8") as file:
            head = "---\napiVersion: gastown.io/v1alpha1\nkind: {}\nmetadata: {{name: {}, namespace: gastown}}\nspec: "
            file.write(head.format("GasTown", "main") + '{defaults: {image: "a:1", env: [{name: A, value: b}]}}\n')
            for i in range(rigs):
                file.write(head.format("Rig", f"r{i}") + f'{{name: rig{i}, podOverrides: {{git: {{repository: "https://h/r{i}"}}}}, roleOverrides: {{crew: {{storage: {{size: 20Gi}}}}}}}}\n')
                file.write(head.format("AgentPool", f"p{i}") + f"{{rig: rig{i}, role: polecat, template: {{resources: {{limits: {{memory: 8Gi}}}}}}}}\n")
        check = subprocess.Popen([inject, "check", "-t", folder], stdout=subprocess.DEVNULL)
        _, status, usage = os.wait4(check.pid, 0)
        check.returncode = os.waitstatus_to_exitcode(status)
        if check.returncode != 0:
            sys.exit(f"bench: gastown-inject check: exit {check.returncode}")
        made = json.loads(subprocess.run([bench, "--catalogue", folder], text=True, stdout=subprocess.PIPE, check=True).stdout)
    return {"objects": made["objects"], "seconds": round(usage.ru_utime + usage.ru_stime, 3), "bytes": usage.ru_maxrss * 1024,
            "snapshot_bytes": made["snapshot_bytes"], "reload_bytes": made["reload_bytes"]}


def catalogue_line(load):
    return (f"{load['objects']:,} objects: {load['seconds']:.2f} s of CPU to check them, {load['bytes'] / 2**20:,.0f} MiB at most; a snapshot of "
            f"{load['snapshot_bytes'] / 2**20:,.1f} MiB; {load['reload_bytes'] / 2**20:,.0f} MiB while a second one replaces it")


def catalogue_misses(load):
    """One aim: memory is no matter of noise."""
    most = max(load["bytes"], load["reload_bytes"])
    return [f"{load['objects']:,} objects take {most / 2**20:,.0f} MiB, the aim is {CATALOGUE_MIB}"] if most > CATALOGUE_MIB * 2**20 else []


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("-o", "--output", choices=("table", "json"), default="table")
    parser.add_argument("--bench", default=TOP / "build" / "bench-engine")
    parser.add_argument("--inject", default=TOP / "build" / "gastown-inject")
    parser.add_argument("--catalogue", action="store_true", help="instead: what checking and loading 4,001 objects from a folder takes")
    parser.add_argument("--check", action="store_true", help=f"exit 1 when an aim is missed by more than {SLACK} times: a busy machine's noise is less")
    args = parser.parse_args()
    if args.catalogue:
        load = catalogue(args.inject, args.bench)
        print(json.dumps(load) if args.output == "json" else catalogue_line(load))
        return 0
    rows = measure(args.bench, args.inject)
    if args.output == "json":
        print(json.dumps(rows, indent=1))
    else:
        table(rows)
    missed = misses(rows, SLACK if args.check else 1)
    if args.check:
        missed += catalogue_misses(catalogue(args.inject, args.bench))
    for miss in missed:
        print(f"missed: {miss}", file=sys.stderr)
    if args.check:
        print(f"{AIMS - len(missed)} passed, {len(missed)} failed")
    return 1 if args.check and missed else 0


if __name__ == "__main__":
    sys.exit(main())
