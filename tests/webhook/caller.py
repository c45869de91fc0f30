#!/usr/bin/python3
"""A well-behaved client, as the API server is one: in a process of its own, so that nobody's attack costs it time.

    caller.py PORT CONNECTIONS RATE

Posts real reviews over keep-alive connections, RATE a second on each, and four times a second one over a new connection. A line for each:
when it was begun (seconds of the monotonic clock), how long it took (microseconds), "kept" or "new", and what went wrong ("-": nothing).
Ends with its standard input."""

import sys
import threading
import time

from harness import check_reviewed, Connection, Failed, request, review

PATIENCE = 3.0  # seconds; the API server's own, as our manifests set it
NEW_EVERY = 0.25
LOCK = threading.Lock()


def say(start, kind, problem):
    took = (time.monotonic() - start) * 1e6
    with LOCK:
        print(f"{start:.6f} {took:.0f} {kind} {problem or '-'}", flush=True)


def ask(connection, uid):
    connection.send(request(review(uid)))
    check_reviewed(connection.answer(), uid)


def connect(port):
    return Connection(port, timeout=PATIENCE)


def attempt(kind, action):
    """-> what action() gives, or None when it went wrong."""
    start, problem, result = time.monotonic(), None, None
    try:
        result = action()
    except (Failed, OSError) as error:
        problem = f"{type(error).__name__}: {error}".replace("\n", " ")[:200]
    say(start, kind, problem)
    return result


def keep_asking(port, number, rate, over):
    connection, count = None, 0
    due = time.monotonic() + number / rate / 10

    def turn():
        fresh = connection or connect(port)
        ask(fresh, f"kept-{number}-{count}")
        return fresh
    while not over.wait(max(0.0, due - time.monotonic())):
        count += 1
        due = max(due + 1 / rate, time.monotonic() - 1)
        connection = attempt("kept" if connection else "first", turn)


def ask_anew(port, over):
    def turn():
        with connect(port) as connection:
            ask(connection, "new")
    while not over.wait(NEW_EVERY):
        attempt("new", turn)


def main():
    port, connections, rate = (int(word) for word in sys.argv[1:])
    over = threading.Event()
    threads = [threading.Thread(target=keep_asking, args=(port, i, rate, over)) for i in range(connections)]
    threads.append(threading.Thread(target=ask_anew, args=(port, over)))
    for thread in threads:
        thread.start()
    sys.stdin.read()
    over.set()
    for thread in threads:
        thread.join()


if __name__ == "__main__":
    main()
