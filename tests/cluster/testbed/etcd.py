"""Questions to etcd itself, for what the API server won't do: forgetting its past. By the JSON gateway that etcd serves beside
gRPC on its client socket."""

import http.client
import json
import socket

from .errors import BedError

# Every key is at least this one: a NUL byte, in base64.
FIRST_KEY = "AA=="


class SocketConnection(http.client.HTTPConnection):
    """HTTP over a Unix socket."""

    def __init__(self, path, timeout):
        super().__init__("localhost", timeout=timeout)
        self.path = str(path)

    def connect(self):
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.sock.settimeout(self.timeout)
        self.sock.connect(self.path)


class Etcd:
    def __init__(self, path):
        self.path = path

    def ask(self, method, body):
        """The answer, decoded. OSError where nobody answers."""
        connection = SocketConnection(self.path, timeout=10)
        try:
            connection.request("POST", f"/v3/{method}", json.dumps(body))
            answer = connection.getresponse()
            text = answer.read().decode(errors="replace")
        except http.client.HTTPException as error:
            raise ConnectionError(f"etcd {method}: {error!r}") from error
        finally:
            connection.close()
        if answer.status != 200:
            raise BedError(f"etcd {method}: {answer.status} {text}")
        return json.loads(text)

    def revision(self):
        """Of the newest change: what the API server calls resourceVersion."""
        return int(self.ask("kv/range", {"key": FIRST_KEY})["header"]["revision"])

    def compact(self):
        """Forgets all that was before now; the revision up to which. Who watches from an older one is told 410 Gone, unless the
        API server has what followed in its own cache: that is forgotten by a restart of it."""
        revision = self.revision()
        self.ask("kv/compaction", {"revision": str(revision), "physical": True})
        return revision
