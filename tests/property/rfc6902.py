"""JSON Patch, a second time: what the engine may use of it (add, replace, remove), and strictly."""
import re

from copies import copied


class DoesNotApply(AssertionError):
    pass


def apply(document, operations):
    """The changed document; the given one stays as it is."""
    document = copied(document)
    for operation in operations:
        carry_out(document, operation)
    return document


def carry_out(document, operation):
    expected = {"op", "path"} if operation.get("op") == "remove" else {"op", "path", "value"}
    if set(operation) != expected:
        raise DoesNotApply(f"members {sorted(operation)} instead of {sorted(expected)}: {operation}")
    *parents, last = tokens(operation["path"])
    parent = document
    for token in parents:
        parent = child(parent, token, operation)
    if isinstance(parent, dict):
        change_member(parent, last, operation)
    elif isinstance(parent, list):
        change_element(parent, last, operation)
    else:
        raise DoesNotApply(f"the parent is neither an object nor an array: {operation}")


def tokens(path):
    if not path.startswith("/"):
        raise DoesNotApply(f"no path inside the document: {path!r}")
    if re.search(r"~(?![01])", path):
        raise DoesNotApply(f"a ~ that escapes nothing: {path!r}")
    return [token.replace("~1", "/").replace("~0", "~") for token in path[1:].split("/")]


def index(array, token, operation, most):
    if not token.isascii() or not token.isdigit() or (len(token) > 1 and token[0] == "0") or int(token) > most:
        raise DoesNotApply(f"no index of an array of {len(array)}: {operation}")
    return int(token)


def child(parent, token, operation):
    if isinstance(parent, dict) and token in parent:
        return parent[token]
    if isinstance(parent, list):
        return parent[index(parent, token, operation, len(parent) - 1)]
    raise DoesNotApply(f"nothing at {token!r}: {operation}")


def change_member(parent, name, operation):
    if operation["op"] != "add" and name not in parent:
        raise DoesNotApply(f"no such member: {operation}")
    if operation["op"] == "remove":
        del parent[name]
    else:
        parent[name] = copied(operation["value"])


def change_element(parent, token, operation):
    if operation["op"] == "add":
        at = len(parent) if token == "-" else index(parent, token, operation, len(parent))
        parent.insert(at, copied(operation["value"]))
    elif operation["op"] == "replace":
        parent[index(parent, token, operation, len(parent) - 1)] = copied(operation["value"])
    elif operation["op"] == "remove":
        del parent[index(parent, token, operation, len(parent) - 1)]
    else:
        raise DoesNotApply(f"not one of add, replace, remove: {operation}")
