"""Pods of agents, made all the time: what the API server's users see of the webhook while something happens to it.

    with Load(cluster, NAMESPACE) as load:
        roll()
    load.expect_whole()                        every one was admitted, and injected
    load.numbers()                             for a person

Every other pod is a dry run, the rest are stored and deleted again. No scheduler plays theirs, so they stay Pending and their end is
immediate. The API server keeps its connections to the webhook; what a fresh one meets is seen by a caller beside it, who trusts
what the registration says just then, opens a connection through the Service, asks, and closes it.
"""

import itertools
import json
import statistics
import threading
import time
from dataclasses import dataclass

from testbed.checks import expect
from testbed.client import Client

from .agents import Agent, bare_pod
from .objects import template_hash

CLIENTS = 8
PER_SECOND = 16
SHOWN = 8
# Nobody is called so: whatever scheduler there is leaves them alone.
SCHEDULER = "nobody"


@dataclass(frozen=True)
class Failed:
    """at: wall clock, to be found in logs."""

    at: float
    what: str
    said: str

    def __str__(self):
        stamp = time.strftime("%H:%M:%S", time.gmtime(self.at))
        return f"    {stamp}.{int(self.at % 1 * 1000):03} {self.what}: {self.said}"


class Paced:
    """Threads that do one thing again and again, so and so often in all. A turn that takes longer is not made up for."""

    def __init__(self, threads, per_second):
        self.threads_wanted, self.interval = threads, threads / per_second
        self.ending = threading.Event()
        self.threads = []

    def begin(self, turns):
        """turns(number): a function for that thread's turns."""
        self.threads = [threading.Thread(target=self.repeat, args=(number, turns)) for number in range(self.threads_wanted)]
        for thread in self.threads:
            thread.start()

    def repeat(self, number, turns):
        turn = turns(number)
        due = time.monotonic() + self.interval * number / self.threads_wanted
        while not self.ending.wait(max(0, due - time.monotonic())):
            turn()
            due = max(due + self.interval, time.monotonic())

    def end(self):
        self.ending.set()
        for thread in self.threads:
            thread.join()


class Load:
    numbers_taken = itertools.count()

    def __init__(self, cluster, namespace, caller=None, clients=CLIENTS, per_second=PER_SECOND):
        """caller: called beside it, four times a second; raises OSError or Failure where a fresh connection fails."""
        self.cluster, self.namespace, self.caller = cluster, namespace, caller
        self.pace = Paced(clients, per_second)
        self.beside = Paced(1, 4)
        self.lock = threading.Lock()
        self.took, self.failures = [], []
        self.stored = self.called = 0
        self.began = self.seconds = 0

    def __enter__(self):
        self.began = time.monotonic()
        self.pace.begin(self.client)
        if self.caller:
            self.beside.begin(lambda number: self.call)
        return self

    def __exit__(self, *_):
        self.pace.end()
        self.beside.end()
        self.seconds = time.monotonic() - self.began

    # ---- a turn ----

    def client(self, number):
        client = Client(self.cluster)
        dry = itertools.cycle((True, False))
        return lambda: self.one(client, next(dry))

    def one(self, client, dry):
        pod = self.pod()
        name = pod["metadata"]["name"]
        path = f"/api/v1/namespaces/{self.namespace}/pods"
        at, began = time.time(), time.monotonic()
        try:
            status, answer = client.api("POST", path + ("?dryRun=All" if dry else ""), pod)
        except OSError as error:
            return self.failed(at, name, error)
        took = time.monotonic() - began
        if status != 201:
            return self.failed(at, name, f"{status} {answer.get('message', answer) if isinstance(answer, dict) else answer}")
        with self.lock:
            self.took.append(took)
            self.stored += not dry
        if not template_hash(answer):
            self.failed(at, name, "admitted without injection")
        if not dry:
            self.delete(client, f"{path}/{name}", name)

    def delete(self, client, path, name):
        try:
            status, answer = client.api("DELETE", path)
        except OSError as error:
            return self.failed(time.time(), f"end of {name}", error)
        if status != 200:
            self.failed(time.time(), f"end of {name}", f"{status} {json.dumps(answer)[:300]}")

    def pod(self):
        pod = bare_pod(Agent("polecat", f"soak-{next(self.numbers_taken)}"), namespace=self.namespace)
        pod["spec"]["schedulerName"] = SCHEDULER
        return pod

    def call(self):
        at = time.time()
        try:
            self.caller()
        except Exception as error:  # whatever it is: it counts, and is told
            return self.failed(at, "a fresh connection", f"{type(error).__name__}: {error}")
        with self.lock:
            self.called += 1

    def failed(self, at, what, said):
        with self.lock:
            self.failures.append(Failed(at, what, str(said)))

    # ---- what came of it ----

    def quantile(self, hundredths):
        """Milliseconds."""
        return statistics.quantiles(self.took, n=100, method="inclusive")[hundredths - 1] * 1000

    def numbers(self):
        fresh = f", {self.called} fresh connections" if self.caller else ""
        return (f"{len(self.took)} pods in {self.seconds:.0f} s ({self.stored} stored){fresh}, {len(self.failures)} failures; "
                f"p50 {self.quantile(50):.0f} ms, p99 {self.quantile(99):.0f} ms, at the most {max(self.took) * 1000:.0f} ms")

    def expect_whole(self):
        """Each of them, and at least half as many as were to be."""
        shown = "\n".join(map(str, self.failures[:SHOWN]))
        expect(not self.failures, f"{len(self.failures)} of {len(self.took) + len(self.failures)} failed, the first of them:\n{shown}")
        wanted = self.seconds / self.pace.interval * self.pace.threads_wanted / 2
        expect(len(self.took) >= wanted, f"only {len(self.took)} pods in {self.seconds:.0f} s, {wanted:.0f} expected")
