"""API server and etcd go away and come back, under a load of pods: none ever comes out with half a template. A group of
catalogue.py."""

import json
import threading
import time

from testbed import BedError, wait_for
from testbed.checks import expect
from testbed.client import Client
from town import objects
from town.agents import Agent, bare_pod
from town.live import CREW, MERGE, SOON

HOME = "outage"
LAYERS = ("GasTown/main", "Rig/gastown", "AgentPool/crew")
CREATORS = 3
# Between two attempts of one creator: this is a load, not a race for the machine's two cores.
PACE = 0.01
# Without etcd the API server says nothing for half a minute.
PATIENCE = 3
# A change that is made when everything has come back.
CAUGHT_UP = 10


class Load:
    """Creators of pods, by turns in earnest and as a dry run, until stopped. Whatever is admitted is looked at; to be refused, or
    not to be answered, is what an outage is."""

    def __init__(self, town):
        self.town = town
        self.over = threading.Event()
        self.admitted, self.refused, self.bad = [], 0, []
        self.threads = [threading.Thread(target=self.create, args=(number,), daemon=True) for number in range(CREATORS)]

    def __enter__(self):
        for thread in self.threads:
            thread.start()
        return self

    def __exit__(self, *_):
        self.over.set()
        for thread in self.threads:
            thread.join()

    def create(self, number):
        client, count = Client(self.town.cluster), 0
        while not self.over.wait(PACE):
            count += 1
            agent = Agent("crew", f"load-{id(self):x}-{number}-{count}", persists=True)
            path = self.town.pod_path(HOME) + ("?dryRun=All" if count % 2 else "")
            try:
                status, answer = client.api("POST", path, bare_pod(agent, namespace=HOME), timeout=PATIENCE)
            except OSError:
                self.refused += 1
                continue
            if status == 201:
                self.look(answer)
            else:
                self.refused += 1
        client.close()

    def look(self, pod):
        """The image is the town's, FLAVOUR the pool's, PLACE the rig's: each layer has something on it."""
        whole = (objects.template_hash(pod) and objects.env(pod, "FLAVOUR") == "pool" and objects.env(pod, "PLACE")
                 and pod["spec"]["containers"][0]["image"] == objects.IMAGE
                 and all(layer in objects.layers(pod) for layer in LAYERS))
        if not whole:
            self.bad.append(json.dumps(pod)[:2000])
        self.admitted.append((time.monotonic(), objects.template_hash(pod)))

    def more(self, count=20):
        """Waits until so many more were admitted."""
        target = len(self.admitted) + count
        wait_for(f"{count} pods more", lambda: len(self.admitted) >= target, SOON)


class Outage:
    def __init__(self, town):
        self.town = town

    def templates(self):
        self.town.cluster.create_namespace(HOME)
        self.town.create(objects.gastown(HOME))
        self.town.create(objects.rig(HOME, "gastown", env=[{"name": "PLACE", "value": "before"}]))
        self.town.create(objects.pool(HOME, "crew", "gastown", "crew", env=objects.flavour("pool")))
        wait_for("all three layers", self.whole, SOON)

    def whole(self):
        now = objects.layers(self.town.would_be(HOME, CREW))
        return all(layer in now for layer in LAYERS)

    def move(self, place):
        """A change as soon as it's taken."""
        def changed():
            status, answer = self.town.cluster.api("PATCH", objects.path("Rig", HOME, "gastown"),
                                                   {"spec": {"podOverrides": {"env": [{"name": "PLACE", "value": place}]}}}, MERGE)
            if status != 200:
                raise BedError(f"{status} {answer}")
            return True

        wait_for("the change", changed, SOON)

    def caught_up(self, place):
        """Seconds until both replicas have it."""
        changed = time.monotonic()
        for replica in self.town.replicas:
            wait_for(f"PLACE {place}", lambda: f'"{place}"' in replica.patch_of(bare_pod(CREW, namespace=HOME)), CAUGHT_UP,
                     [replica.process])
        return time.monotonic() - changed

    def under_load(self, place, *names):
        """What was away comes back, and a change made right then is seen."""
        before = self.town.agreed(HOME, CREW)
        with Load(self.town) as load:
            load.more()
            with self.town.without(*names):
                began, refused = time.monotonic(), load.refused
                wait_for("pods refused", lambda: load.refused > refused, SOON)
                expect(self.town.agreed(HOME, CREW) == before, "without the API server another template")
                expect(all(replica.ready() for replica in self.town.replicas), "an outage took readiness away")
                wait_for("the metric of staleness", lambda: self.stale(began), SOON)
            self.move(place)
            took = self.caught_up(place)
            after = self.town.agreed(HOME, CREW)
            load.more()
        expect(not load.bad, f"{len(load.bad)} pods with half a template, the first:\n{(load.bad or [''])[0]}")
        strange = {found for _, found in load.admitted} - {before, after}
        expect(not strange, f"hashes besides {before} and {after}: {strange}")
        expect(after != before, "the change changed nothing")
        return f"{len(load.admitted)} admitted, {load.refused} refused; caught up after {took * 1000:.0f} ms"

    def stale(self, began):
        """Nothing was heard since, for more than a second, and the metric says so."""
        silence = time.monotonic() - began
        return silence > 1 and all(replica.metrics()["gastown_catalogue_heard_seconds"] >= silence
                                   for replica in self.town.replicas)

    def compaction(self):
        """While it sleeps its watches break, and then the past is forgotten: it's told 410, lists again, and knows what was
        changed and deleted. They have to break first: what was sent to it waits in its sockets."""
        sleeper, cluster = self.town.second, self.town.cluster
        self.town.create(objects.pool(HOME, "doomed", "gastown", "scout", env=objects.flavour("doomed")))
        scout = bare_pod(Agent("scout", "one"), namespace=HOME)
        wait_for("the second pool", lambda: "doomed" in sleeper.patch_of(scout), SOON, [sleeper.process])
        mark = sleeper.log_mark()
        sleeper.pause()
        try:
            cluster.restart_apiserver(crash=True)
            self.move("after-compaction")
            self.town.delete("AgentPool", HOME, "doomed")
            cluster.etcd.compact()
            cluster.restart_apiserver(crash=True)
        finally:
            sleeper.resume()
        took = self.caught_up("after-compaction")
        wait_for("what was deleted gone from it", lambda: "doomed" not in sleeper.patch_of(scout), CAUGHT_UP, [sleeper.process])
        said = [line for line in sleeper.log_since(mark).splitlines() if "410" in line or "too old" in line or "xpired" in line]
        expect(said, f"not a word of 410 in its log:\n{sleeper.log_since(mark)[-3000:]}")
        self.town.agreed(HOME, CREW)
        return f"caught up after {took * 1000:.0f} ms: {said[0][:160]}"

    def started_without(self):
        """One that starts while the API server is away isn't ready, and lets nothing through, until it has listed everything."""
        expected = self.town.agreed(HOME, CREW)
        pod, late = bare_pod(CREW, namespace=HOME), self.town.another("webhook-late")
        try:
            with self.town.without("kube-apiserver"):
                late.launch()
                wait_for("its probes", lambda: late.probe("/healthz")[0] == 200, SOON, [late.process])
                status, text = late.probe("/readyz")
                expect(status == 503 and "listed" in text, f"/readyz: {status} {text!r}")
                status, body = late.review(pod)
                expect(status in (500, 503), f"a pod without a catalogue: {status} {body}")
            late.wait_ready()
            expect(late.hash_of(pod) == expected, f"hash {late.hash_of(pod)}, the others' is {expected}")
        finally:
            late.kill()
        return text.strip()[:160]


def add_checks(checks, town, up):
    outage = Outage(town)
    checks.add("a town under load", outage.templates, up)
    there = (*up, "a town under load")
    for what, *names in (("the API server", "kube-apiserver"), ("etcd", "etcd"), ("both", "kube-apiserver", "etcd")):
        place = f"after-{what.replace(' ', '-')}"
        checks.add(f"{what} killed under load", lambda place=place, names=names: outage.under_load(place, *names), there)
    checks.add("etcd compacted: it lists again", outage.compaction, there)
    checks.add("started without an API server: not ready, nothing admitted", outage.started_without, there)
