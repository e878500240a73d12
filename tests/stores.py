"""Stores on loopback: an S3 in a process of its own, and one that takes every write."""

import socket
import subprocess
import sys
import time
import traceback
from contextlib import contextmanager, suppress
from hashlib import md5
from http.server import BaseHTTPRequestHandler
from threading import Lock, Thread
from urllib.error import URLError
from urllib.parse import unquote, urlsplit
from urllib.request import Request, urlopen

from .servers import Server

SECRET = "made-up-secret-of-a-store-77aa01"  # noqa: S105
ACCESS = "MADEUPACCESSKEY01"
BUCKET = "team"
DROPPED = object()
MISSING = (404, b"<Error><Code>NoSuchKey</Code></Error>")


def tag_of(body):
    """Return the tag of a body."""
    return f'"{md5(body or b"nothing").hexdigest()}"'  # noqa: S324


def options_of(address, **more):
    """Return the options that reach a store on loopback."""
    keys = {"aws_access_key_id": ACCESS, "aws_secret_access_key": SECRET}
    return {"endpoint": address, "region": "us-east-1", **keys, **more}


def shown(error):
    """Return all that a traceback of our frames can show, with their locals."""
    text, one = "", error
    while one is not None:
        text += f"{one!r} {vars(one)}"
        for frame, _ in traceback.walk_tb(one.__traceback__):
            if "/braze_frames/" in frame.f_code.co_filename:
                for name, value in frame.f_locals.items():
                    with suppress(AttributeError):  # an object that is half made
                        text += f"{name}={value!r} "
        one = one.__cause__ or one.__context__
    return text


def free_port():
    """Return a port that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def ask(address, method="GET", headers=()):
    """Send a request as nobody; return the answer's body."""
    request = Request(address, method=method, headers=dict(headers))  # noqa: S310
    with urlopen(request, timeout=10) as answer:  # noqa: S310
        return answer.read()


@contextmanager
def s3():
    """Serve an S3 with an empty bucket; yields its address."""
    address = f"http://127.0.0.1:{free_port()}"
    command = [sys.executable, "-m", "moto.server", "-p", address.rpartition(":")[2]]
    quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    with subprocess.Popen(command, **quiet) as process:  # noqa: S603
        try:
            wait_for(address, process)
            ask(f"{address}/{BUCKET}", "PUT")
            yield address
        finally:
            process.kill()


def wait_for(address, process):
    """Wait until a server answers, as long as its process lives."""
    for _ in range(600):
        assert process.poll() is None, "moto did not start: pip install 'moto[server]'"
        try:
            ask(f"{address}/moto-api/")
        except URLError:
            time.sleep(0.1)
        else:
            return
    raise AssertionError("moto did not answer within a minute")


class Shelf(BaseHTTPRequestHandler):
    """Keeps objects, conditionally, unless its server's ``answer`` says otherwise."""

    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True

    def do_GET(self):
        body = self.server.bodies.get(self.key)
        self.finish_with((200, body) if body is not None else MISSING)

    def do_PUT(self):
        body = self.rfile.read(int(self.headers["Content-Length"]))
        with self.server.lock:
            old = self.server.bodies.get(self.key)
            is_new = "If-None-Match" in self.headers
            is_late = (
                old is not None if is_new else self.headers["If-Match"] != tag_of(old)
            )
            is_late = is_late and self.server.conditional
            if not is_late:
                self.server.bodies[self.key] = body
        self.finish_with((412, b"") if is_late else (200, body))

    def do_DELETE(self):
        self.server.bodies.pop(self.key, None)
        self.finish_with((204, b""))

    @property
    def key(self):
        return unquote(urlsplit(self.path).path).removeprefix(f"/{BUCKET}/")

    def finish_with(self, usual):
        told = self.server.answer(self.command, self.key) or usual
        if told is DROPPED:
            self.close_connection = True
            return
        status, body = told
        sent = body if self.command == "GET" or status > 299 else b""
        self.send_response(status)
        self.send_header("ETag", tag_of(body))
        self.send_header("Last-Modified", "Wed, 21 Oct 2015 07:28:00 GMT")
        self.send_header("Content-Length", str(len(sent)))
        self.end_headers()
        self.wfile.write(sent)

    def log_message(self, *args):
        """Stay silent."""


@contextmanager
def odd_store(answer=lambda method, key: None, *, conditional=True):
    """Serve a store that does what it is asked, but answers as told.

    ``answer(method, key)`` gives a status and a body, ``DROPPED``, or None for the
    usual answer. Not ``conditional``, it takes any write. Yields what it holds, by key,
    and its address.
    """
    server = Server(("127.0.0.1", 0), Shelf)
    server.bodies, server.lock = {}, Lock()
    server.answer, server.conditional = answer, conditional
    thread = Thread(target=server.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    try:
        yield server.bodies, f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
