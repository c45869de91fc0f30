"""Running checks in order: one line each as it ends, a count at the end.

    ok   name (1.2 s)
    FAIL name: why
    skip name: why
    N passed, N failed, N skipped

A check is a function that returns (a text it returns is shown behind its name) or raises: Failure for what it found wrong,
Skip for what it can't do here. A check that needs another one, by name, is skipped when that one didn't pass. With CI set
in the environment a skip counts as a failure: there everything has to be there.
"""

import os
import time
import traceback

from .errors import BedError
from .node import why_not


class Failure(Exception):
    """What a check found wrong."""


class Skip(Exception):
    """Why a check can't be done here."""


def expect(condition, text):
    if not condition:
        raise Failure(text)


def require_node():
    """The check that others need which run pods."""
    reason = why_not()
    if reason:
        raise Skip(reason)


class Checks:
    def __init__(self, only=None, say=print):
        self.only, self.say = only, say
        self.rows = []
        self.results = {}

    def add(self, name, function, needs=()):
        self.rows.append((name, function, needs))

    def run(self):
        """All of them; the exit status."""
        began = time.monotonic()
        for name, function, needs in self.selected():
            self.results[name] = self.one(name, function, needs)
        count = {kind: list(self.results.values()).count(kind) for kind in ("ok", "FAIL", "skip")}
        skipped = f", {count['skip']} skipped" if count["skip"] else ""
        self.say(f"{count['ok']} passed, {count['FAIL']} failed{skipped} ({time.monotonic() - began:.0f} s)")
        return 1 if count["FAIL"] or (count["skip"] and os.environ.get("CI")) or not self.results else 0

    def selected(self):
        """Those whose name contains `only`, and all that they need."""
        if not self.only:
            return self.rows
        wanted = {name for name, _, _ in self.rows if self.only in name}
        for name, _, needs in reversed(self.rows):
            if name in wanted:
                wanted.update(needs)
        return [row for row in self.rows if row[0] in wanted]

    def one(self, name, function, needs):
        lacking = [need for need in needs if self.results.get(need) != "ok"]
        began = time.monotonic()
        try:
            if lacking:
                raise Skip(f"needs {lacking[0]}" + (f" and {len(lacking) - 1} more" if lacking[1:] else ""))
            note = function()
        except Skip as reason:
            self.say(f"skip {name}: {reason}", flush=True)
            return "skip"
        except (Failure, BedError) as reason:
            self.say(f"FAIL {name}: {reason}", flush=True)
            return "FAIL"
        except Exception:
            self.say(f"FAIL {name}: the check itself broke\n{traceback.format_exc()}", flush=True)
            return "FAIL"
        self.say(f"ok   {name}{': ' + note if note else ''} ({time.monotonic() - began:.1f} s)", flush=True)
        return "ok"
