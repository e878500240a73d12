"""Connections that can be cut off, and answers that end in time.

A server may send a byte a second, or bytes without end. Each read of an answer, of its
headers as of its body, has what is left of the answer's time.
"""

import io
import os
import socket
import time
from contextlib import suppress
from functools import partial
from http.client import HTTPResponse
from threading import Lock
from typing import Any
from weakref import WeakSet

import requests
from requests.adapters import HTTPAdapter
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.connectionpool import HTTPConnectionPool

from braze_frames.errors import RequestError

# Bytes of one answer, as sent and as unpacked; 100 days of 50 variations are 1 MB.
MOST_BYTES = 256 * 2**20

# One answer takes at most as many times the time that each part of it may take.
_TIMEOUTS = 10


class OpenSockets:
    """The sockets of one client, which end with it, in use or not."""

    def __init__(self) -> None:
        self._open: WeakSet[socket.socket] = WeakSet()
        self._ended = False
        self._lock = Lock()

    def add(self, opened: socket.socket) -> None:
        """Note a socket; after the end it is cut off at once."""
        with self._lock:
            self._open.add(opened)
            ended = self._ended
        if ended:
            _hang_up(opened)

    def cut(self) -> None:
        """Cut all off, now and later: whoever reads from one goes on at once."""
        with self._lock:
            self._ended = True
            found = list(self._open)
        for opened in found:
            _hang_up(opened)


def _hang_up(opened: socket.socket) -> None:
    with suppress(OSError, ValueError):  # closed already
        # Not the method of a TLS socket: it forgets the TLS that a thread reads with.
        socket.socket.shutdown(opened, socket.SHUT_RDWR)


class _BoundedReader(io.RawIOBase):
    """What comes over a socket, until an answer's time or bytes are used up."""

    def __init__(self, raw: io.RawIOBase, opened: socket.socket) -> None:
        self._raw, self._socket = raw, opened
        self._patience = opened.gettimeout() or 0.0
        self._ends = time.monotonic() + _TIMEOUTS * self._patience
        self._bytes_left = MOST_BYTES

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int | None:  # any writable buffer
        self._socket.settimeout(min(self._patience, self._seconds_left()))
        try:
            count: int | None = self._raw.readinto(buffer)
        except TimeoutError:
            self._seconds_left()
            raise
        self._bytes_left -= count or 0
        if self._bytes_left < 0:
            raise RequestError(too_large())
        return count

    def _seconds_left(self) -> float:
        left = self._ends - time.monotonic()
        if left > 0:
            return left
        seconds = _TIMEOUTS * self._patience
        raise RequestError(
            f"the answer did not end within {seconds:g} s ({_TIMEOUTS} times the "
            "timeout); ask again, or connect with a longer timeout="
        )

    def close(self) -> None:
        self._raw.close()
        super().close()


def too_large() -> str:
    """Return what to say of an answer that is too large."""
    return (
        f"the answer is larger than {MOST_BYTES >> 20} MB; ask for fewer days, and "
        "check the endpoint"
    )


class _BoundedAnswer(HTTPResponse):
    """An answer that is read within its bounds, after any early hints."""

    def __init__(self, opened: socket.socket, *args: Any, **options: Any) -> None:
        super().__init__(opened, *args, **options)
        raw = self.fp.detach()
        self.fp = io.BufferedReader(_BoundedReader(raw, opened))

    def begin(self) -> None:
        """Read status and headers of the answer itself: 1xx announce it only."""
        super().begin()
        while 100 <= self.status < 200:
            self.headers = self.msg = None  # type: ignore[assignment]
            super().begin()


class _Connection(HTTPConnection):
    """A connection whose socket is noted from its first moment."""

    response_class = _BoundedAnswer

    def __init__(self, sockets: OpenSockets, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self._sockets = sockets
        self._twin: socket.socket | None = None

    def connect(self) -> None:
        try:
            super().connect()
        finally:
            if self._twin is not None:
                self._twin.close()
        self._sockets.add(self.sock)

    def _new_conn(self) -> socket.socket:
        opened = super()._new_conn()
        # TLS takes the socket over; until it is done, a second handle can cut it off.
        self._twin = opened.dup()
        self._sockets.add(self._twin)
        return opened


class _SecureConnection(_Connection, HTTPSConnection):
    """The same with TLS."""


class _Adapter(HTTPAdapter):
    """Makes such connections, with or without a proxy."""

    def __init__(self, sockets: OpenSockets) -> None:
        self._sockets = sockets
        super().__init__()

    def get_connection_with_tls_context(
        self, *args: Any, **options: Any
    ) -> HTTPConnectionPool:
        pool: Any = super().get_connection_with_tls_context(*args, **options)
        kind = _SecureConnection if pool.scheme == "https" else _Connection
        pool.ConnectionCls = partial(kind, self._sockets)
        return pool  # type: ignore[no-any-return]


class _Session(requests.Session):
    """A session that follows no redirect, and so reads no body for one."""

    def get_redirect_target(self, resp: requests.Response) -> None:  # noqa: ARG002
        return None


def new_session(sockets: OpenSockets, *, loopback: bool) -> requests.Session:
    """Return a session; on loopback no proxy of the environment is asked."""
    session = _Session()
    if loopback:
        session.trust_env = False
        bundles = map(os.environ.get, ("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE"))
        session.verify = next(filter(None, bundles), True)
    # gzip alone: what we unpack ourselves, for only so a packed body cut off is seen.
    session.headers.update({"Accept": "application/json", "Accept-Encoding": "gzip"})
    for scheme in ("http://", "https://"):
        session.mount(scheme, _Adapter(sockets))
    return session
