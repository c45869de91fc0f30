"""JSON as its text: every number, string and key stays the bytes that it was written with. Applies patches, a third time, without reading
what it doesn't touch."""
import json
import re

TOKEN = re.compile(r'\s*([{}\[\]:,]|"(?:[^"\\]|\\.)*"|[^\s{}\[\]:,"]+)\s*')


class Raw(str):
    """A scalar as it is written."""


class Member:
    def __init__(self, key, value):
        self.key, self.value = key, value # key as it is written


def parse(text):
    tokens = [match[1] for match in TOKEN.finditer(text)]
    tokens.reverse()
    value = take(tokens)
    assert not tokens, tokens[-1]
    return value


def take(tokens):
    """-> Raw, a list of values, or a tuple ("object", [Member])"""
    token = tokens.pop()
    if token not in "{[":
        return Raw(token)
    elements = []
    while tokens[-1] not in "]}":
        if token == "{":
            key = tokens.pop()
            assert tokens.pop() == ":"
            elements.append(Member(key, take(tokens)))
        else:
            elements.append(take(tokens))
        if tokens[-1] == ",":
            tokens.pop()
    tokens.pop()
    return ("object", elements) if token == "{" else elements


def text_of(value):
    if isinstance(value, Raw):
        return str(value)
    if isinstance(value, list):
        return "[" + ",".join(map(text_of, value)) + "]"
    return "{" + ",".join(f"{member.key}:{text_of(member.value)}" for member in value[1]) + "}"


def find(value, token):
    """The place of a token: (list, index); an object's member may be missing, then its index is the list's length."""
    if isinstance(value, list):
        return value, len(value) if token == "-" else int(token)
    keys = [json.loads(member.key) for member in value[1]]
    return value[1], keys.index(token) if token in keys else len(keys)


def apply(text, operations):
    """The changed text."""
    whole = parse(text)
    for operation in operations:
        *path, last = [token.replace("~1", "/").replace("~0", "~") for token in operation["path"][1:].split("/")]
        parent = whole
        for token in path:
            elements, at = find(parent, token)
            parent = elements[at].value if isinstance(elements[at], Member) else elements[at]
        change(parent, last, operation)
    return text_of(whole)


def change(parent, token, operation):
    elements, at = find(parent, token)
    new = [parse(json.dumps(operation["value"]))] if "value" in operation else []
    if not isinstance(parent, list):
        new = [Member(json.dumps(token), value) for value in new]
        elements[at:at + 1] = new
    elif operation["op"] == "add":
        elements[at:at] = new
    else:
        elements[at:at + 1] = new
