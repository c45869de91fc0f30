"""Many requests in a row, as admin: one connection that stays open, for one thread. A thousand by ControlPlane.api() would spend
their time on a thousand handshakes."""

import http.client
import json
import ssl
from concurrent.futures import ThreadPoolExecutor

THREADS = 8


class Client:
    def __init__(self, cluster):
        self.cluster = cluster
        self.connection = None

    def api(self, method, path, body=None, content_type="application/json", timeout=30):
        """As ControlPlane.api. After a failure the next request connects anew; this one isn't repeated."""
        headers = {"Authorization": f"Bearer {self.cluster.token}", "Accept": "application/json", "Content-Type": content_type}
        try:
            if not self.connection:
                self.connect(timeout)
            self.connection.request(method, path, None if body is None else json.dumps(body), headers)
            answer = self.connection.getresponse()
            text = answer.read()
        except (OSError, http.client.HTTPException) as error:
            self.close()
            raise ConnectionError(f"{method} {path}: {error!r}") from error
        is_json = "json" in answer.getheader("Content-Type", "")
        return answer.status, json.loads(text) if is_json else text.decode(errors="replace")

    def connect(self, timeout):
        context = ssl.create_default_context(cafile=self.cluster.ca)
        self.connection = http.client.HTTPSConnection(self.cluster.network.address, self.cluster.port, timeout=timeout,
                                                      context=context)
        with self.cluster.network_here():
            self.connection.connect()

    def close(self):
        if self.connection:
            self.connection.close()
            self.connection = None


def in_parallel(cluster, work, items, threads=THREADS):
    """work(client, item) for each of them, shared among threads with a client each."""
    items = list(items)

    def some(number):
        client = Client(cluster)
        try:
            for item in items[number::threads]:
                work(client, item)
        finally:
            client.close()

    with ThreadPoolExecutor(threads) as pool:
        list(pool.map(some, range(threads)))
