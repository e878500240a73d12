"""One GET that gets through: retried, limited by one gate, the key in the header alone.

Nothing of ``requests`` leaves this module: an exception or a response of theirs holds
the request, and so the key. Errors are raised after the ``except`` block, so that they
have no context, and an interrupt goes on without the frames below.
"""

import ssl
import zlib
from codecs import BOM_UTF16_BE, BOM_UTF16_LE
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from threading import Lock
from typing import NamedTuple
from urllib.parse import SplitResult, parse_qsl, urljoin, urlsplit

import orjson
import requests

from braze_frames.errors import BrazeError, RateLimitError, RequestError
from braze_frames.transport.connections import (
    MOST_BYTES,
    OpenSockets,
    new_session,
    too_large,
)
from braze_frames.transport.credentials import ApiKey
from braze_frames.transport.limits import Gate, GatedRetry, check_wait, seconds_closed

_MOST_REDIRECTS = 5
# 429s in a row that may say nothing of when the limit opens: 1 + 2 + … + 16 s.
_MOST_UNTOLD = 5

_CHUNK = 1 << 16
# Answers without a body (RFC 9110, 15.3.5 and 15.4.5): what a server sends behind one
# all the same would be read as the next answer.
_NO_BODY = frozenset((204, 304))
_CUT = "the answer was cut off"
_NO_PROXY = "the proxy that the environment names has no address"
# What the names of exceptions mean; the innermost that is here tells most.
_REASONS = {
    "ConnectTimeoutError": "no connection in time",
    "NameResolutionError": "there is no host of that name",
    "NewConnectionError": "the connection was refused",
    "ProtocolError": "the connection was dropped",
    "ProxyError": "the proxy refused",
    "ReadTimeoutError": "no answer in time",
    "ChunkedEncodingError": _CUT,
    "IncompleteRead": _CUT,
    "_CutOffError": _CUT,
    "InvalidURL": _NO_PROXY,
    "InvalidProxyURL": _NO_PROXY,
    "InvalidSchema": "a proxy of that kind needs requests[socks]",
    "error": "the answer is damaged: it does not unpack",
}

_NO_BUNDLE = "the file that REQUESTS_CA_BUNDLE or CURL_CA_BUNDLE names is not there"
_TLS_REASONS = {
    "WRONG_VERSION_NUMBER": "it does not speak TLS at this port",
    "UNEXPECTED_EOF_WHILE_READING": "the connection ended in the TLS handshake",
    "TLSV1_ALERT_PROTOCOL_VERSION": "it refuses this version of TLS",
    "TLSV13_ALERT_CERTIFICATE_REQUIRED": "it asks for a certificate of the client",
    "NO_CERTIFICATE_OR_CRL_FOUND": "REQUESTS_CA_BUNDLE names no certificates",
}


class _CutOffError(Exception):
    """A body that ends before its end."""


class HttpAnswer(NamedTuple):
    """What came back, without the request and the key."""

    status: int
    headers: Mapping[str, str]
    body: bytes


class Bearer(requests.auth.AuthBase):
    """Puts the key into the header, at the last moment."""

    def __init__(self, key: ApiKey) -> None:
        self._key = key

    def __call__(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        """Return the request with the key."""
        request.headers["Authorization"] = f"Bearer {self._key.reveal()}"
        return request


class RetryingGet:
    """One thread's way to the server."""

    def __init__(
        self,
        session: requests.Session,
        key: ApiKey,
        gate: Gate,
        retries: int,
        timeout: float,
    ) -> None:
        self._session, self._key, self._gate = session, key, gate
        self._retries, self._timeout = retries, timeout

    def get(self, url: str, query: Mapping[str, str]) -> HttpAnswer:
        """Send until there is an answer other than a server error or a 429.

        Raises
        ------
        RequestError
            No answer came within the retries, in time and in bounds, or it leads to
            another host.
        RateLimitError
            The limit opens too late.
        """
        left, waited, hops, untold = self._retries, 0.0, 0, 0
        while True:
            waited = self._gate.wait(waited)
            answer, used = self._try(url, query, left)
            left -= used
            if answer is None:
                continue
            if answer.status == 429:
                closed = seconds_closed(answer.headers)
                if closed is None:
                    closed, untold = _seconds_untold(untold), untold + 1
                self._gate.close(closed)
                check_wait(waited + closed, closed)
            elif 300 <= answer.status < 400 and hops < _MOST_REDIRECTS:
                (url, query), hops = _redirected(url, query, answer), hops + 1
            else:
                return answer

    def get_once(self, url: str, query: Mapping[str, str]) -> HttpAnswer:
        """Send once, and only if the limit is open.

        Raises
        ------
        RequestError
            No answer came.
        RateLimitError
            The limit is closed.
        """
        self._gate.wait(0.0, 0.0)
        answer, _ = self._try(url, query, 0)
        if answer is None or answer.status == 429:
            raise RateLimitError("429: the rate limit is closed", status=429)
        return answer

    def close(self) -> None:
        """Close its connection."""
        self._session.close()

    def _try(
        self, url: str, query: Mapping[str, str], left: int
    ) -> tuple[HttpAnswer | None, int]:
        """Send once, with ``left`` retries; return the answer and how many were used.

        There is no answer when its body did not come whole.
        """
        adapter = self._session.get_adapter(url)
        adapter.max_retries = GatedRetry.of(self._gate, max(left, 0))  # type: ignore[attr-defined]
        response: requests.Response | None = None
        sent, used = False, 0
        try:
            response = self._session.get(
                url,
                params=query,
                auth=Bearer(self._key),
                timeout=self._timeout,
                allow_redirects=False,
                stream=True,
            )
            sent, used = True, _retries_used(response)
            body = _body(response)
            if _ends_unseen(response):
                self._gate.check()  # or its end is that we cut it off
            return self._masked(response, body), used
        except BaseException as error:  # noqa: BLE001
            if isinstance(error, BrazeError) or not isinstance(error, Exception):
                # During a pause its context is the failure before, which holds the key.
                error.__cause__ = error.__context__ = None
                raise error.with_traceback(None)  # noqa: B904
            reason = _reason(error)  # any other: no odd answer may end a pull of many
        finally:
            if response is not None:
                response.close()
                if response.status_code in _NO_BODY:
                    self._session.close()
            response = None
        self._gate.check()
        if sent and used < left:
            return None, used + 1
        raise RequestError(
            f"{urlsplit(url).netloc} did not answer: {reason}, after "
            f"{self._retries} retries; check the host, the network and any proxy"
        )

    def _masked(self, response: requests.Response, body: bytes) -> HttpAnswer:
        headers = {
            name: self._key.mask(value.encode("latin-1", "replace")).decode("latin-1")
            for name, value in response.headers.items()
        }
        return HttpAnswer(response.status_code, headers, self._key.mask(_utf8(body)))


def _utf8(body: bytes) -> bytes:
    """Return a text in UTF-8: JSON is, but some servers write UTF-16 with its mark."""
    marked = body.startswith((BOM_UTF16_LE, BOM_UTF16_BE))
    return body.decode("utf-16", "replace").encode() if marked else body


def _seconds_untold(times: int) -> float:
    """Return how long a 429 that does not say it closes the gate.

    Raises
    ------
    RateLimitError
        It did not say so too often.
    """
    if times < _MOST_UNTOLD:
        return 2.0**times
    raise RateLimitError(
        f"429, {times + 1} times, and no header says when the rate limit opens again; "
        "try again later",
        status=429,
    )


def _retries_used(response: requests.Response) -> int:
    retries = response.raw.retries
    return len(retries.history) if retries is not None else 0


def _body(response: requests.Response) -> bytes:
    """Read and unpack the body.

    Raises
    ------
    RequestError
        It is too large, or packed in a way that was not asked for.
    _CutOffError, zlib.error
        It was cut off or is damaged.
    """
    coding = response.headers.get("Content-Encoding", "identity").strip().lower()
    chunks = response.raw.stream(_CHUNK, decode_content=False)
    if coding in {"gzip", "x-gzip", "deflate"}:
        chunks = _unpacked(chunks)
    elif coding not in {"", "identity"}:
        raise RequestError(
            f"the answer is packed as {coding[:20]!r}; gzip was asked for"
        )
    body = b"".join(_bounded(chunks))
    if response.status_code == 200 and _ends_unseen(response) and not _is_whole(body):
        raise _CutOffError
    return body


def _bounded(chunks: Iterable[bytes]) -> Iterator[bytes]:
    left = MOST_BYTES
    for chunk in chunks:
        left -= len(chunk)
        if left < 0:
            raise RequestError(too_large())
        yield chunk


def _unpacked(chunks: Iterable[bytes]) -> Iterator[bytes]:
    """Unpack gzip or zlib bit by bit: a small chunk may hold a thousand times more."""
    unpacker = zlib.decompressobj(zlib.MAX_WBITS | 32)
    for chunk in chunks:
        packed = chunk
        while packed:
            if unpacker.eof:  # another member follows
                unpacker = zlib.decompressobj(zlib.MAX_WBITS | 32)
            yield unpacker.decompress(packed, _CHUNK)
            packed = unpacker.unconsumed_tail or unpacker.unused_data
    if not unpacker.eof:
        raise _CutOffError


def _ends_unseen(response: requests.Response) -> bool:
    """Whether nothing but the end of the connection says where the body ends."""
    chunked = "chunked" in response.headers.get("Transfer-Encoding", "").lower()
    return "Content-Length" not in response.headers and not chunked


def _is_whole(body: bytes) -> bool:
    """Whether a body is no beginning of JSON; what is no JSON at all is told later."""
    if body.lstrip()[:1] not in {b"", b"{", b"["}:
        return True
    with suppress(orjson.JSONDecodeError):
        orjson.loads(body)
        return True
    return False


def _reason(error: Exception) -> str:
    found = [*_chain(error)]
    tls = [cause for cause in found if isinstance(cause, ssl.SSLError)]
    if tls:
        return _tls_reason(tls[-1])
    if type(error) is OSError:  # what ``requests`` raises for it
        return _NO_BUNDLE
    names = [type(cause).__name__ for cause in reversed(found)]
    known = [_REASONS[name] for name in names if name in _REASONS]
    return known[0] if known else f"the answer cannot be read ({names[-1]})"


def _chain(error: object) -> Iterator[BaseException]:
    """Yield an error and what it wraps, as ``requests`` and ``urllib3`` do."""
    while isinstance(error, BaseException):
        yield error
        inner = getattr(error, "reason", None)
        if not isinstance(inner, BaseException):
            inner = next((a for a in error.args if isinstance(a, BaseException)), None)
        error = inner


def _tls_reason(error: ssl.SSLError) -> str:
    if isinstance(error, ssl.SSLCertVerificationError):
        return f"its certificate is not trusted: {error.verify_message}"
    code = str(error.reason or "")
    told = _TLS_REASONS.get(code) or code.lower().replace("_", " ")
    return f"TLS failed: {told or 'the connection ended'}"


def _redirected(
    url: str, query: Mapping[str, str], answer: HttpAnswer
) -> tuple[str, dict[str, str]]:
    """Return where a redirect leads on the same host, with the parameters asked."""
    given = {name.lower(): value for name, value in answer.headers.items()}
    here, goal = urlsplit(url), None
    with suppress(ValueError):
        goal = urlsplit(urljoin(url, given.get("location", "")))
        if _site(goal) == _site(here):
            told = dict(parse_qsl(goal.query, keep_blank_values=True))
            return here._replace(path=goal.path).geturl(), {**query, **told}
    where = f"{goal.netloc[:100]!r}" if goal else "what is no address"
    raise RequestError(
        f"{here.netloc} redirects to {where}; the key is not sent to another host. "
        "Check the endpoint: the REST host, not the dashboard's",
        status=answer.status,
    )


def _site(parts: SplitResult) -> tuple[str, str | None, int | None]:
    port = {"http": 80, "https": 443}.get(parts.scheme)
    return parts.scheme, parts.hostname, parts.port or port


class Wires:
    """One client's ways to the server: each is used by one thread at a time.

    They share the rate limit, and end together.
    """

    def __init__(
        self, key: ApiKey, *, loopback: bool, retries: int, timeout: float
    ) -> None:
        self._key, self._loopback = key, loopback
        self._retries, self._timeout = retries, timeout
        self._gate, self._sockets = Gate(), OpenSockets()
        self._free: list[RetryingGet] = []
        self._lock = Lock()

    def get(
        self, url: str, query: Mapping[str, str], *, once: bool = False
    ) -> HttpAnswer:
        """Send over a free way; ``once`` neither repeats nor waits."""
        wire = self._take()
        try:
            return wire.get_once(url, query) if once else wire.get(url, query)
        finally:
            self._give_back(wire)

    def close(self) -> None:
        """End all: no one waits or sends any more, no socket stays open."""
        self._gate.end()
        self._sockets.cut()
        with self._lock:
            free, self._free = self._free, []
        for wire in free:
            wire.close()

    def _take(self) -> RetryingGet:
        with self._lock:
            if self._free:
                return self._free.pop()
        session = new_session(self._sockets, loopback=self._loopback)
        return RetryingGet(session, self._key, self._gate, self._retries, self._timeout)

    def _give_back(self, wire: RetryingGet) -> None:
        with self._lock:
            if not self._gate.ended:
                self._free.append(wire)
                return
        wire.close()
