#!/usr/bin/env python3
"""The CustomResourceDefinitions: manifests/crds is what the tables say, every schema keeps the rules of the house, and v1alpha1 only grows.

    run.py --inject PATH [--release]

released.txt has a line for each place in the schemas that users may rely on: its path and what is demanded there. What isn't there any more,
is of another type or is stricter than that fails. --release writes it anew: for what is new before a release, never to get a removal through.
"""
import argparse
import copy
import json
import os
import subprocess
import sys

import yaml

HERE = os.path.dirname(os.path.abspath(__file__))
TOP = os.path.dirname(os.path.dirname(HERE))
MANIFESTS = os.path.join(TOP, "manifests", "crds")
RELEASED = os.path.join(HERE, "released.txt")
PLURALS = ("gastowns", "rigs", "agentpools")
TEMPLATE_FIELD = "terminationGracePeriodSeconds"  # only a PodTemplate has it
KEPT = "x-kubernetes-preserve-unknown-fields"
RULES = "x-kubernetes-validations"
# Beside these a node has its description, its children and what is compared by itself.
EXACT = ("type", "format", "pattern", "not", "anyOf", "x-kubernetes-int-or-string", "x-kubernetes-list-type", "x-kubernetes-list-map-keys")
MOST, LEAST = ("maxLength", "maxItems", "maxProperties", "maximum"), ("minLength", "minItems", "minProperties", "minimum")


# ---- schemas as places ----

def children(node):
    """-> (step, child)"""
    for name, child in node.get("properties", {}).items():
        yield "." + name, child
    if "items" in node:
        yield "[]", node["items"]
    if "additionalProperties" in node:
        yield "{}", node["additionalProperties"]


def places(node, path, templates=None):
    """-> (path, node) of the node and all below it. A PodTemplate is one place; its node goes to `templates`."""
    if templates is not None and TEMPLATE_FIELD in node.get("properties", {}):
        templates.append((path, node))
        yield path, {"type": "PodTemplate"}
        return
    yield path, node
    for step, child in children(node):
        yield from places(child, path + step, templates)


def schema_of(definition):
    [version] = definition["spec"]["versions"]
    return version["schema"]["openAPIV3Schema"]


def demands(node):
    """What a node demands, without its children and texts."""
    found = {key: node[key] for key in (*EXACT, *MOST, *LEAST, "enum", "nullable", KEPT) if key in node}
    for row in node.get("allOf", []):
        found["enum"] = row["enum"]
    if "required" in node:
        found["required"] = sorted(node["required"])
    if RULES in node:
        found["rules"] = [rule["rule"] for rule in node[RULES]]
    return found


def table(definitions):
    """{path: demands} of the three kinds, with the PodTemplate once."""
    found, templates = {}, []
    for definition in definitions:
        kind = definition["spec"]["names"]["kind"]
        found.update((path, demands(node)) for path, node in places(schema_of(definition), kind, templates))
    found.update((path, demands(node)) for path, node in places(templates[0][1], "PodTemplate"))
    return found


# ---- v1alpha1 only grows ----

def stricter(old, new):
    """What `new` refuses and `old` took, as texts."""
    for key in EXACT:
        if old.get(key) != new.get(key):
            yield f"{key} was {json.dumps(old.get(key))}, is {json.dumps(new.get(key))}"
    for key in MOST:
        if key in new and new[key] < old.get(key, float("inf")):
            yield f"{key} was {old.get(key)}, is {new[key]}"
    for key in LEAST:
        if key in new and new[key] > old.get(key, float("-inf")):
            yield f"{key} was {old.get(key)}, is {new[key]}"
    for key in ("nullable", KEPT):
        if old.get(key) and not new.get(key):
            yield f"is no longer {key}"
    for value in set(map(str, new.get("required", []))) - set(old.get("required", [])):
        yield f"needs {value} now"
    if "enum" in new and ("enum" not in old or [value for value in old["enum"] if value not in new["enum"]]):
        yield f"enum was {old.get('enum')}, is {new['enum']}"
    for rule in new.get("rules", []):
        if rule not in old.get("rules", []):
            yield f"has a new rule: {rule}"


def breakages(old, new):
    for path, was in old.items():
        if path not in new:
            yield f"{path}: is gone"
            continue
        for text in stricter(was, new[path]):
            yield f"{path}: {text}"


def mutants(found):
    """-> (what was done, a table that must not pass for `found`)"""
    for path, was in found.items():
        yield f"{path} removed", {key: value for key, value in found.items() if key != path}
        changes = [("type", {"type": "other"})]
        changes += [(key, {key: was[key] - 1}) for key in MOST if key in was]
        changes += [(key, {key: False}) for key in ("nullable", KEPT) if was.get(key)]
        changes += [("enum", {"enum": was["enum"][1:]})] if "enum" in was else [("enum", {"enum": ["x"]})]
        changes += [("required", {"required": [*was.get("required", []), "x"]}), ("rules", {"rules": [*was.get("rules", []), "1 == 2"]})]
        for key, change in changes:
            yield f"{path}: another {key}", {**found, path: {**was, **change}}


def read_released():
    with open(RELEASED, encoding="utf-8") as file:
        return {path: json.loads(rest) for path, _, rest in (line.rstrip("\n").partition("\t") for line in file)}


def write_released(found):
    with open(RELEASED, "w", encoding="utf-8") as file:
        file.writelines(f"{path}\t{json.dumps(was, sort_keys=True)}\n" for path, was in sorted(found.items()))


def comparison_sees(found):
    """The comparison finds nothing in equal tables and in one that grew, and something in every mutant."""
    missed = [what for what, mutant in mutants(found) if not any(breakages(found, mutant))]
    grown = {**found, "PodTemplate.new": {"type": "string"}}
    return missed[:20] + list(breakages(found, copy.deepcopy(found))) + list(breakages(found, grown))


# ---- the rules of the house ----

def ours(node, path):
    """Nodes of ours: what may hold unknown fields is Kubernetes' own."""
    yield path, node
    if not node.get(KEPT):
        for step, child in children(node):
            yield from ours(child, path + step)


def lawless(definitions):
    templates = []
    for definition in definitions:
        kind, schema = definition["spec"]["names"]["kind"], schema_of(definition)
        for path, node in places(schema, kind):
            yield from bare(path, node)
        for part in ("spec", "status"):
            for path, node in ours(schema["properties"][part], f"{kind}.{part}"):
                if "description" not in node and not path.endswith("[]") and not path.endswith("{}"):
                    yield f"{path}: has no description"
        list(places(schema, kind, templates))
    for path, template in templates:
        plain = {key: value for key, value in template.items() if key != "description"}
        first = {key: value for key, value in templates[0][1].items() if key != "description"}
        if plain != first:
            yield f"{path}: isn't the PodTemplate of {templates[0][0]}"
        yield from (f"{path}.{name}: isn't nullable" for name, node in template["properties"].items() if not node.get("nullable"))
    if len(templates) != 4:
        yield f"{len(templates)} PodTemplates instead of 4"


def bare(path, node):
    """What has no limit makes CEL's cost infinite; a default would be written into every layer."""
    if "default" in node:
        yield f"{path}: has a default"
    limit = {"string": "maxLength", "array": "maxItems"}.get(node.get("type"))
    if limit and limit not in node:
        yield f"{path}: has no {limit}"
    if "enum" in node:
        yield f"{path}: has an enum of its own, which refuses null: put it in allOf"
    if "additionalProperties" in node and "maxProperties" not in node:
        yield f"{path}: has no maxProperties"


# ---- checks ----

def printed(inject, plural):
    return subprocess.run([inject, "crds", plural], stdout=subprocess.PIPE, text=True, check=True).stdout


def stale(inject):
    wanted = {f"{plural}.gastown.io.yaml": printed(inject, plural) for plural in PLURALS}
    for name in sorted({*wanted, *os.listdir(MANIFESTS)}):
        path = os.path.join(MANIFESTS, name)
        if name not in wanted:
            yield f"manifests/crds/{name}: nobody makes it"
        elif not os.path.exists(path) or open(path, encoding="utf-8").read() != wanted[name]:
            yield f"manifests/crds/{name} is stale: run `make crds`"


def formats(inject, definitions):
    """YAML and JSON say the same."""
    text = subprocess.run([inject, "crds", "-o", "json"], stdout=subprocess.PIPE, text=True, check=True).stdout
    if json.loads(text)["items"] != definitions:
        yield "-o json is another text than -o yaml"


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--inject", required=True)
    parser.add_argument("--release", action="store_true")
    args = parser.parse_args()
    definitions = [yaml.safe_load(printed(args.inject, plural)) for plural in PLURALS]
    found = table(definitions)
    if args.release:
        write_released(found)
    checks = {"manifests/crds is what the tables say": stale(args.inject), "YAML and JSON agree": formats(args.inject, definitions),
              "limits, descriptions, nulls, no defaults": lawless(definitions),
              "v1alpha1 only grows": breakages(read_released(), found), "the comparison sees every change": comparison_sees(found)}
    failed = 0
    for name, findings in checks.items():
        findings = list(findings)
        failed += bool(findings)
        print("\n    ".join([f"FAIL {name}:" if findings else f"ok   {name}", *findings]))
    print(f"{len(checks) - failed} passed, {failed} failed")
    return bool(failed)


if __name__ == "__main__":
    sys.exit(main())
