"""A way to the API server, with its own certificate, that can be made as bad as a test asks for.

    with FaultyWay(cluster) as way:
        account_kubeconfig(cluster, namespace, name, path, way.url)
        way.fault = Answer(500, "text/plain", "no")      # each request from now on; None: all is well again
        way.cut()                                        # all connections, at once
        way.tear = "/rigs"                               # the next watch event of these ends in its middle, in good order

Each request is kept in way.requests: when it came, and what it was.
"""

import http.client
import socket
import ssl
import sys
import threading
import time
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

HOP = {"connection", "keep-alive", "transfer-encoding", "content-length", "date", "server"}
PIECE = 65536


@dataclass(frozen=True)
class Answer:
    """What is answered instead of the API server's word."""

    status: int
    media_type: str
    text: str
    headers: tuple = ()


@dataclass(frozen=True)
class Nothing:
    """The connection is closed without a word, where the path holds this."""

    path: str = ""


@dataclass(frozen=True)
class Late:
    """The API server's word, but later."""

    seconds: float


@dataclass(frozen=True)
class Request:
    at: float
    method: str
    path: str

    @property
    def watch(self):
        return "watch=" in self.path


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    # Headers and body in one piece, each piece at once.
    wbufsize = -1
    disable_nagle_algorithm = True

    def setup(self):
        super().setup()
        self.upstream = None
        self.server.way.opened(self.connection)

    def finish(self):
        self.server.way.closed(self.connection)
        if self.upstream:
            self.upstream.close()
        try:
            super().finish()
        except OSError:
            pass

    def log_message(self, *_):
        pass

    def pass_on(self):
        way = self.server.way
        way.requests.append(Request(time.monotonic(), self.command, self.path))
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        fault = way.fault
        try:
            if isinstance(fault, Answer):
                self.answer(fault)
            elif isinstance(fault, Nothing) and fault.path in self.path:
                self.close_connection = True
            else:
                if isinstance(fault, Late):
                    way.ended.wait(fault.seconds)
                self.ask(body)
        except (OSError, http.client.HTTPException):
            # Either end is away: the other is told in the only way there is.
            self.close_connection = True

    do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = pass_on

    def answer(self, fault):
        body = fault.text.encode()
        self.send_response(fault.status)
        for name, value in (("Content-Type", fault.media_type), ("Content-Length", str(len(body))), *fault.headers):
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)
        self.wfile.flush()

    def ask(self, body):
        """The API server, with the client's own words and headers."""
        if not self.upstream:
            self.upstream = self.server.way.connect()
        headers = {name: value for name, value in self.headers.items() if name.lower() not in {"host", *HOP}}
        try:
            self.upstream.request(self.command, self.path, body or None, headers)
            answer = self.upstream.getresponse()
        except (OSError, http.client.HTTPException):
            self.upstream.close()
            self.upstream = None
            raise
        self.send_response(answer.status)
        for name, value in answer.getheaders():
            if name.lower() not in HOP:
                self.send_header(name, value)
        self.send_header("Transfer-Encoding", "chunked")
        self.end_headers()
        self.wfile.flush()
        self.stream(answer)

    def stream(self, answer):
        watching = "watch=" in self.path
        while piece := answer.read1(PIECE):
            if watching and self.server.way.take_tear(self.path):
                # A whole answer, as far as HTTP goes, that ends in the middle of a line.
                self.chunk(piece[:len(piece) // 2])
                self.close_connection = True
                self.upstream.close()
                self.upstream = None
                break
            self.chunk(piece)
        self.chunk(b"")

    def chunk(self, piece):
        self.wfile.write(b"%x\r\n%s\r\n" % (len(piece), piece))
        self.wfile.flush()


class Server(ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, request, client_address):
        """That a client goes away in the middle is what cut() is for."""
        if not isinstance(sys.exc_info()[1], OSError):
            super().handle_error(request, client_address)


class FaultyWay:
    def __init__(self, cluster):
        self.cluster = cluster
        self.fault, self.tear = None, None
        self.requests = []
        self.lock, self.connections, self.ended = threading.Lock(), set(), threading.Event()
        self.server = Server(("127.0.0.1", 0), Handler)
        self.server.way = self
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(cluster.pki / "apiserver.crt", cluster.pki / "apiserver.key")
        # The handshake is the handler's: one that never comes must not keep others waiting.
        self.server.socket = context.wrap_socket(self.server.socket, server_side=True, do_handshake_on_connect=False)

    @property
    def url(self):
        return f"https://127.0.0.1:{self.server.server_address[1]}"

    def __enter__(self):
        threading.Thread(target=self.server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()
        return self

    def __exit__(self, *_):
        self.ended.set()
        self.server.shutdown()
        self.cut()
        self.server.server_close()

    def connect(self):
        context = ssl.create_default_context(cafile=self.cluster.ca)
        return http.client.HTTPSConnection(self.cluster.network.address, self.cluster.port, timeout=None, context=context)

    def opened(self, connection):
        with self.lock:
            self.connections.add(connection)

    def closed(self, connection):
        with self.lock:
            self.connections.discard(connection)

    def cut(self):
        """All connections that are open now, as if a cable was pulled."""
        with self.lock:
            for connection in self.connections:
                try:
                    # Below TLS, which another thread is in the middle of.
                    socket.socket.shutdown(connection, socket.SHUT_RDWR)
                except OSError:
                    pass

    def take_tear(self, path):
        """Once, and of no other watch: any of them may have something to say at any time."""
        with self.lock:
            torn = bool(self.tear) and self.tear in path
            self.tear = None if torn else self.tear
            return torn

    def since(self, moment):
        return [request for request in self.requests if request.at >= moment]
