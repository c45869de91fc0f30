"""Copies of JSON, several times as fast as copy.deepcopy, which looks for cycles."""


def copied(node):
    if isinstance(node, dict):
        return {key: copied(value) for key, value in node.items()}
    return [copied(value) for value in node] if isinstance(node, list) else node
