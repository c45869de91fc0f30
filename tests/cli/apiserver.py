"""An API server in a few lines: lists in pages and single objects of what it was given, and whatever wrong answer a test wants.

    with Server() as server:
        server.put("gastown.io/v1alpha1", "rigs", {...})
        server.answer("/api/v1/namespaces/x/pods", 403)
"""
import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, urlsplit

REASONS = {401: "Unauthorized", 403: "Forbidden", 404: "NotFound", 410: "Expired", 429: "TooManyRequests", 500: "InternalError"}


def status(code, message):
    return {"kind": "Status", "apiVersion": "v1", "status": "Failure", "reason": REASONS[code], "code": code, "message": message}


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    wbufsize = -1                   # one packet for an answer

    def do_GET(self): # pylint: disable=invalid-name
        parts = urlsplit(self.path)
        query = {key: values[0] for key, values in parse_qs(parts.query).items()}
        self.server.owner.requests.append(self.path)
        code, body, kind = self.server.owner.respond(parts.path, query)
        self.send_response(code)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_): # pylint: disable=arguments-differ
        pass


class Server:
    """Kinds that were never put in are unknown: 404."""

    def __init__(self, page=2):
        self.page = page            # objects in a page, at most
        self.kinds = {}             # "/apis/g/v/plural": {(namespace, name): object}
        self.answers = {}           # path: [(code, body, content type)], one after the other, the last one for ever
        self.requests = []
        self.expire = 0             # so many continue tokens have expired
        self.http = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.http.owner = self
        self.url = f"http://127.0.0.1:{self.http.server_port}"

    def __enter__(self):
        threading.Thread(target=self.http.serve_forever, args=(0.01,), daemon=True).start()
        return self

    def __exit__(self, *_):
        self.http.shutdown()
        self.http.server_close()

    # ---- what it holds ----

    @staticmethod
    def root(version):
        return f"/apis/{version}" if "/" in version else f"/api/{version}"

    def know(self, version, *plurals):
        for plural in plurals:
            self.kinds.setdefault(f"{self.root(version)}/{plural}", {})

    def put(self, version, plural, value):
        self.know(version, plural)
        metadata = value["metadata"]
        self.kinds[f"{self.root(version)}/{plural}"][metadata.get("namespace", ""), metadata["name"]] = value

    def drop(self, version, plural, name, namespace=""):
        del self.kinds[f"{self.root(version)}/{plural}"][namespace, name]

    def answer(self, path, *answers):
        """Codes, (code, text, content type)s, or None for the right answer."""
        self.answers[path] = list(answers)

    # ---- what it says ----

    def respond(self, path, query):
        if path in self.answers:
            first = self.answers[path][0]
            if len(self.answers[path]) > 1:
                self.answers[path].pop(0)
            if isinstance(first, int):
                return self.json(first, status(first, f"{path.rsplit('/', 1)[1]} is forbidden: User \"tester\" cannot do that"
                                               if first == 403 else "said the test"))
            if first:
                code, text, kind = first
                return code, text.encode(), kind
        return self.right(path, query)

    @staticmethod
    def json(code, value):
        return code, json.dumps(value).encode(), "application/json"

    def right(self, path, query):
        words, namespace = path.split("/"), None
        if "namespaces" in words:
            at = words.index("namespaces")
            namespace = words[at + 1]
            del words[at:at + 2]
        collection = "/".join(words)
        if collection in self.kinds:
            return self.listing(collection, namespace, query)
        objects, name = self.kinds.get("/".join(words[:-1])), words[-1]
        found = (objects or {}).get((namespace or "", name))
        return self.json(200, found) if found else self.json(404, status(404, f'"{name}" not found' if objects is not None else
                                                                         "the server could not find the requested resource"))

    def listing(self, collection, namespace, query):
        label = query.get("labelSelector")
        objects = [value for (ns, _), value in sorted(self.kinds[collection].items())
                   if namespace in (None, ns) and (not label or label in value["metadata"].get("labels", {}))]
        start = int(query.get("continue", 0))
        if start and self.expire:
            self.expire -= 1
            return self.json(410, status(410, "The provided continue parameter is too old"))
        end = start + min(self.page, int(query.get("limit", 500)))
        items = [{key: part for key, part in value.items() if key not in ("kind", "apiVersion")} for value in objects[start:end]]
        metadata = {"resourceVersion": "7", **({"continue": str(end)} if end < len(objects) else {})}
        return self.json(200, {"kind": "List", "metadata": metadata, "items": items})
