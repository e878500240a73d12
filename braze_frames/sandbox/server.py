"""The sandbox's HTTP/1.1 server: replies over sockets, spoiled ones too.

Imported when a sandbox starts, for the standard library's server takes its time.
"""

import socket
import sys
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Event, Lock, Thread
from typing import Any

from braze_frames.sandbox.endpoints import Reply

Respond = Callable[[str, str, str | None], Reply]


class Server(ThreadingHTTPServer):
    """A threaded server on loopback; stopping it closes every connection.

    Parameters
    ----------
    port : int
        0 takes a free one.
    respond : callable
        Method, target and ``Authorization`` header → the reply.
    """

    daemon_threads = True
    block_on_close = False
    # A client of many threads connects at once; the default of 5 would refuse some.
    request_queue_size = 128

    def __init__(self, port: int, respond: Respond) -> None:
        self.respond = respond
        self.stopping = Event()
        self._open: set[socket.socket] = set()
        self._lock = Lock()
        super().__init__(("127.0.0.1", port), Handler)

    def start(self) -> None:
        """Serve in a daemon thread."""
        self._thread = Thread(
            target=self.serve_forever,
            kwargs={"poll_interval": 0.02},
            name="braze-sandbox",
            daemon=True,
        )
        self._thread.start()

    def stop(self) -> None:
        """Stop serving, close the port and all connections."""
        self.stopping.set()
        self.shutdown()
        self.server_close()
        with self._lock:
            connections = list(self._open)
        for connection in connections:
            _hang_up(connection)
        self._thread.join()

    def process_request(self, request: Any, client_address: Any) -> None:
        """Note the connection, then answer it in its own thread."""
        with self._lock:
            self._open.add(request)
        super().process_request(request, client_address)

    def shutdown_request(self, request: Any) -> None:
        """Forget the connection and close it."""
        with self._lock:
            self._open.discard(request)
        super().shutdown_request(request)

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Say nothing where a client went away: that is its right."""
        if not isinstance(sys.exception(), ConnectionError):
            super().handle_error(request, client_address)


class Handler(BaseHTTPRequestHandler):
    """One connection: each request is answered by the server's ``respond``."""

    protocol_version = "HTTP/1.1"
    server_version = "BrazeFramesSandbox"
    disable_nagle_algorithm = True
    wbufsize = -1
    timeout = 10  # seconds that a connection may be idle, for each has a thread
    server: Server

    def do_GET(self) -> None:
        """Send the reply, whole or spoiled."""
        authorization = self.headers.get("Authorization")
        reply = self.server.respond(self.command, self.path, authorization)
        if self.command != "GET" or reply.how != "whole":
            self.close_connection = True
        if self.server.stopping.wait(reply.delay) or reply.how == "drop":
            self.close_connection = True
            return
        self._send(reply)

    # fmt: off
    do_HEAD = do_POST = do_PUT = do_PATCH = do_DELETE = do_OPTIONS = do_GET  # noqa: N815
    # fmt: on

    def _send(self, reply: Reply) -> None:
        self.send_response(reply.status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(reply.body)))
        for name, value in reply.headers.items():
            self.send_header(name, value)
        if self.close_connection:
            self.send_header("Connection", "close")
        self.end_headers()
        if self.command != "HEAD":
            size = len(reply.body)
            self.wfile.write(reply.body[: size // 2 if reply.how == "cut" else size])

    def log_message(self, *_: Any) -> None:
        """Write nothing: the sandbox keeps its own list of requests."""


def _hang_up(connection: socket.socket) -> None:
    try:
        connection.shutdown(socket.SHUT_RDWR)
    except OSError:
        return
