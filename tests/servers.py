"""A real server on loopback that plays a script of answers."""

import json
import socketserver
from contextlib import contextmanager, suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Lock, Thread
from urllib.parse import parse_qs, urlsplit

GOOD = {"message": "success", "data": []}


class Script:
    """What the server answers, request by request, and what it was asked."""

    def __init__(self, *answers):
        self.answers = list(answers)
        self.requests = []
        self.connections = 0
        self.lock = Lock()

    def next(self, request):
        """Note a request; return its answer: the last one goes on for ever."""
        with self.lock:
            self.requests.append(request)
            return self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]

    @property
    def queries(self):
        """Return the query of each request."""
        return [parse_qs(urlsplit(path).query) for path, _ in self.requests]


def answer(status=200, body=GOOD, *, headers=(), cut=False, drop=False, wait=None):
    """Describe one answer; ``wait`` is an Event that the server waits for."""
    return status, body, dict(headers), cut, drop, wait


class Handler(BaseHTTPRequestHandler):
    """Plays the script of its server."""

    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True

    def setup(self):
        super().setup()
        with self.server.script.lock:
            self.server.script.connections += 1

    def do_GET(self):
        told = (self.path, dict(self.headers))
        status, body, headers, cut, drop, wait = self.server.script.next(told)
        if wait is not None:
            wait.wait(30)
        if drop:
            self.close_connection = True
            return
        text = body if isinstance(body, bytes) else json.dumps(body).encode()
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(text)))
        self.end_headers()
        self.wfile.write(text[: len(text) // 2] if cut else text)
        self.close_connection = cut

    def log_message(self, *args):
        """Stay silent."""


class Server(ThreadingHTTPServer):
    """The server, with nothing on stderr when a client goes away."""

    daemon_threads = True
    request_queue_size = 64

    def handle_error(self, request, client_address):
        """Stay silent."""


@contextmanager
def serve(*answers):
    """Serve a script; yields it and the address."""
    server = Server(("127.0.0.1", 0), Handler)
    server.script = Script(*answers)
    thread = Thread(target=server.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    try:
        yield server.script, f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


@contextmanager
def serve_raw(play, *, head_first=True, wrap=None):
    """Serve whatever ``play(connection, number)`` sends, by default after the head.

    Yields the address and the list of heads. The connection is closed after it;
    ``wrap`` puts TLS around it.
    """
    heads, lock = [], Lock()

    class RawHandler(socketserver.BaseRequestHandler):
        def handle(self):
            with suppress(OSError):  # the client may go away at any time
                if wrap is None:
                    self.answer(self.request)
                    return
                with wrap(self.request, server_side=True) as secure:
                    self.answer(secure)

        def answer(self, connection):
            head = b""
            while head_first and b"\r\n\r\n" not in head:
                part = connection.recv(65536)
                if not part:
                    return
                head += part
            with lock:
                heads.append(head)
                number = len(heads)
            play(connection, number)

    class RawServer(socketserver.ThreadingTCPServer):
        daemon_threads = True
        block_on_close = False
        request_queue_size = 64

    with RawServer(("127.0.0.1", 0), RawHandler) as server:
        thread = Thread(target=server.serve_forever, args=(0.02,), daemon=True)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_address[1]}", heads
        finally:
            server.shutdown()
            thread.join()


def sent(*answers):
    """Return a ``play`` of ready bytes, one for each connection; the last goes on."""

    def play(connection, number):
        connection.sendall(answers[min(number, len(answers)) - 1])

    return play


def raw(status="200 OK", body=b'{"message":"success","data":[]}', *headers):
    """Return an answer's bytes; without headers its length is told."""
    head = headers or (f"Content-Length: {len(body)}",)
    lines = (f"HTTP/1.1 {status}", *head, "Connection: close", "", "")
    return "\r\n".join(lines).encode("latin-1") + body
