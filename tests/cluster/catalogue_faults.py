"""An API server that lies, breaks off and refuses; and rights that are too narrow. A group of catalogue.py."""

import json
import time

from testbed import BedError, account_kubeconfig, wait_for
from testbed.checks import expect
from town import objects
from town.agents import bare_pod
from town.faults import Answer, FaultyWay, Late, Nothing
from town.live import POLECAT, SOON
from town.programs import SERVICE, SYSTEM

HOME = "faults"
BUSY = json.dumps({"kind": "Status", "apiVersion": "v1", "status": "Failure", "code": 429, "reason": "TooManyRequests",
                   "message": "the server has received too many requests"})
RETRY_AFTER = 2
# What it's asked instead, what the log has to say of it, how often a watch is tried before all is well again, and the shortest
# pause between two tries: after that many the pauses must have grown.
BAD = (
    ("500", Answer(500, "text/plain", "etcdserver: leader changed\n"), "500", 4, 0.05),
    ("a web page", Answer(200, "text/html", "<html><body>Please log in</body></html>"), "html", 4, 0.05),
    ("a web page with 502", Answer(502, "text/html", "<html><body>Bad Gateway</body></html>"), "502", 4, 0.05),
    ("nothing", Nothing(), "", 4, 0.05),
    ("429", Answer(429, "application/json", BUSY, (("Retry-After", str(RETRY_AFTER)),)), "429", 3, RETRY_AFTER - 0.05),
)
# Each of the informers, the lease and what else there is: so many requests of one path in a second would be spinning.
SPINNING = 10


class Faults:
    def __init__(self, town):
        self.town = town
        self.way = self.replica = None
        self.pod = bare_pod(POLECAT, namespace=HOME)

    def up(self):
        """A replica of its own behind the faulty way."""
        self.town.cluster.create_namespace(HOME)
        self.town.create(objects.gastown(HOME))
        self.town.create(objects.rig(HOME, "gastown", env=objects.flavour("start")))
        self.way = FaultyWay(self.town.cluster).__enter__()
        path = account_kubeconfig(self.town.cluster, SYSTEM, SERVICE, self.town.folder / "faulty.kubeconfig", self.way.url)
        self.replica = self.town.another("webhook-faulty", path)
        self.replica.start()
        self.wait_flavour("start")

    def end(self):
        if self.replica:
            self.replica.kill()
        if self.way:
            self.way.__exit__()

    def has(self, flavour):
        return f'"{flavour}"' in self.replica.patch_of(self.pod)

    def wait_flavour(self, flavour):
        wait_for(f"FLAVOUR {flavour}", lambda: self.has(flavour), SOON, [self.replica.process])

    def change(self, flavour):
        self.town.change("Rig", HOME, "gastown", {"podOverrides": {"env": objects.flavour(flavour)}})

    def tries(self, since):
        """When Rigs were asked for."""
        return [request.at for request in self.way.since(since) if "/rigs" in request.path]

    def bad_answer(self, what, fault, said, tries, shortest):
        """It keeps what it has, stays ready, says so, doesn't spin, and recovers by itself."""
        self.calm(what)
        mark, began = self.replica.log_mark(), time.monotonic()
        known, flavour = self.replica.hash_of(self.pod), f"after {what}"
        self.way.fault = fault
        self.way.cut()
        try:
            self.change(flavour)
            wait_for(f"{tries} tries", lambda: len(self.tries(began)) >= tries, 30, [self.replica.process])
            wait_for("the metric of staleness", lambda: self.replica.metrics()["gastown_catalogue_heard_seconds"] > 1, SOON)
            expect(self.replica.ready(), "it took readiness away")
            expect(self.replica.hash_of(self.pod) == known, "the catalogue has changed")
            log = self.replica.log_since(mark)
            expect("rigs" in log and said in log, f"the log doesn't name rigs and {said!r}:\n{log[-2000:]}")
            self.not_spinning(began, shortest)
        finally:
            self.way.fault = None
        recovered = time.monotonic()
        self.wait_flavour(flavour)
        return f"{len(self.tries(began))} tries, recovered after {time.monotonic() - recovered:.1f} s"

    def calm(self, what):
        """The watch of Rigs has brought something: what failed before it isn't counted any more."""
        for number in range(2):
            self.change(f"before {what} {number}")
            self.wait_flavour(f"before {what} {number}")

    def not_spinning(self, began, shortest):
        times = self.tries(began)
        pauses = [later - earlier for earlier, later in zip(times, times[1:])]
        expect(min(pauses) >= shortest, f"tried again after {min(pauses):.3f} s, {shortest} s at least expected: {pauses}")
        expect(shortest >= 1 or max(pauses) > 1.5 * pauses[0], f"the pauses don't grow: {pauses}")
        seconds = time.monotonic() - began
        counts = {}
        for request in self.way.since(began):
            path = request.path.partition("?")[0]
            counts[path] = counts.get(path, 0) + 1
        spinning = {path: count for path, count in counts.items() if count > SPINNING * max(seconds, 1)}
        expect(not spinning, f"in {seconds:.1f} s: {spinning}")

    def late(self):
        """Each answer 1.5 s late: slow isn't broken."""
        self.way.fault = Late(1.5)
        self.way.cut()
        try:
            self.change("late")
            expect(self.replica.ready(), "it took readiness away")
            self.wait_flavour("late")
        finally:
            self.way.fault = None

    def torn(self):
        """A watch that ends in the middle of a line, in perfect HTTP: half an object is no object, and what it was isn't lost."""
        for flavour in ("torn-once", "torn-twice"):
            began = time.monotonic()
            known = self.replica.hash_of(self.pod)
            self.way.tear = "/rigs"
            self.change(flavour)
            wait_for("a torn line", lambda: not self.way.tear, SOON)
            wait_for("the next try", lambda: self.tries(began), SOON)
            self.wait_flavour(flavour)
            expect(self.replica.ready() and self.replica.hash_of(self.pod) != known, "the whole object never came")

    def silence(self):
        """The cable pulled and plugged in again, at once."""
        self.way.cut()
        self.change("after-the-cut")
        self.wait_flavour("after-the-cut")

    # ---- rights ----

    def narrow(self):
        """Without the right to list Rigs: not ready, and it's said which right lacks; granted, it's ready by itself."""
        cluster = self.town.cluster
        rules = self.town.get(f"/apis/rbac.authorization.k8s.io/v1/clusterroles/{SERVICE}")["rules"]
        for rule in rules:
            rule["resources"] = [name for name in rule["resources"] if name != "rigs"]
        body = {"metadata": {"name": "narrow"}, "rules": rules}
        status, answer = cluster.api("POST", "/apis/rbac.authorization.k8s.io/v1/clusterroles", body)
        expect(status == 201, f"{status} {answer}")
        cluster.kubectl("create", "serviceaccount", "narrow", "-n", SYSTEM)
        cluster.kubectl("create", "clusterrolebinding", "narrow", "--clusterrole=narrow", f"--serviceaccount={SYSTEM}:narrow")
        path = account_kubeconfig(cluster, SYSTEM, "narrow", self.town.folder / "narrow.kubeconfig")
        replica = self.town.another("webhook-narrow", path)
        try:
            replica.launch()
            said = wait_for("the refusal in its log", lambda: self.refusals(replica), SOON, [replica.process])
            status, text = replica.probe("/readyz")
            expect(status == 503 and "rigs" in text, f"/readyz: {status} {text!r}")
            status, body = replica.review(self.pod)
            expect(status in (500, 503), f"a pod without Rigs: {status} {body}")
            cluster.kubectl("create", "clusterrolebinding", "wide", f"--clusterrole={SERVICE}",
                            f"--serviceaccount={SYSTEM}:narrow")
            replica.wait_ready(30)
        finally:
            replica.kill()
        return f"{text.strip()[:200]}; {len(said)} lines in the log"

    def refusals(self, replica):
        """The lines about it; none yet while the probes aren't there."""
        lines = [line for line in replica.log_text().splitlines() if "rigs" in line and ("403" in line or "forbidden" in line)]
        if not lines:
            raise BedError(replica.log_text()[-1000:])
        return lines


def add_checks(checks, town, up):
    faults = Faults(town)
    town.on_end(faults.end)
    checks.add("a replica behind a faulty way", faults.up, up)
    there = (*up, "a replica behind a faulty way")
    for row in BAD:
        checks.add(f"the API server answers {row[0]}", lambda row=row: faults.bad_answer(*row), there)
    checks.add("the API server answers late", faults.late, there)
    checks.add("a watch ends in the middle of a line", faults.torn, there)
    checks.add("all connections cut at once", faults.silence, there)
    checks.add("no right to list Rigs: not ready, and it says why", faults.narrow, there)
