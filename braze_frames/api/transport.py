"""One GET that gets through: retried, limited by one gate, the key in the header alone.

Nothing of ``requests`` leaves this module: an exception or a response of theirs holds
the request, and so the key. Errors are raised after the ``except`` block, so that they
have no context, and an interrupt goes on without the frames below.
"""

import time
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from threading import Condition
from typing import Any, NamedTuple, Self
from urllib.parse import urljoin, urlsplit

import requests
from requests.adapters import HTTPAdapter
from urllib3 import Retry
from urllib3.exceptions import HTTPError
from urllib3.response import BaseHTTPResponse

from braze_frames.api.credentials import ApiKey
from braze_frames.errors import RateLimitError, RequestError

LONGEST_WAIT = 15 * 60
"""Seconds that one request waits for the rate limit, in all."""

_SERVER_ERRORS = frozenset(range(500, 600))
_LONGEST_PAUSE = 60.0
_MOST_REDIRECTS = 5
_REASONS = {
    "ConnectTimeoutError": "no connection in time",
    "NameResolutionError": "there is no host of that name",
    "NewConnectionError": "the connection was refused",
    "ProtocolError": "the connection was dropped",
    "ProxyError": "the proxy refused",
    "ReadTimeoutError": "no answer in time",
    "SSLError": "its certificate is not trusted",
}


class HttpAnswer(NamedTuple):
    """What came back, without the request."""

    status: int
    headers: Mapping[str, str]
    body: bytes


class Gate:
    """The rate limit of one client: while it is closed, no thread sends.

    It ends with the client: then no thread pauses or sends any more.
    """

    def __init__(self) -> None:
        self._opens = 0.0
        self._ended = False
        self._changed = Condition()

    def end(self) -> None:
        """Let no one pass any more."""
        with self._changed:
            self._ended = True
            self._changed.notify_all()

    def pause(self, seconds: float) -> None:
        """Wait some seconds, or until the end."""
        with self._changed:
            self._changed.wait_for(lambda: self._ended, seconds)
            self._check()

    def _check(self) -> None:
        if self._ended:
            raise RequestError("the client was closed before the answer came")

    def close(self, seconds: float) -> None:
        """Close for some seconds; a later opening already set stays."""
        with self._changed:
            self._opens = max(self._opens, time.monotonic() + seconds)

    def wait(self, waited: float) -> float:
        """Wait until it is open; return the seconds waited so far.

        Raises
        ------
        RateLimitError
            That would take more than 15 minutes in all.
        RequestError
            The client was closed.
        """
        with self._changed:
            self._check()
            while (left := self._opens - time.monotonic()) > 0:
                if waited + left > LONGEST_WAIT:
                    raise RateLimitError(_too_long(left), status=429)
                waited += left
                self._changed.wait_for(lambda: self._ended, left)
                self._check()
        return waited


def _too_long(seconds: float) -> str:
    opens = datetime.now(UTC) + timedelta(seconds=seconds)
    return (
        f"429: the rate limit opens again at {opens:%Y-%m-%d %H:%M:%S} UTC, in "
        f"{seconds:.0f} s, and we wait {LONGEST_WAIT} s at most; try again then, or "
        "ask Braze for a higher limit"
    )


class GatedRetry(Retry):
    """Retries with pauses bounded in length, each of which ends at the gate."""

    gate: Gate

    @classmethod
    def of(cls, gate: Gate, retries: int) -> Self:
        """Return the patience for one more request."""
        patience = cls(
            total=retries,
            status_forcelist=_SERVER_ERRORS,
            allowed_methods={"GET"},
            backoff_factor=0.25,
            backoff_max=_LONGEST_PAUSE,
            backoff_jitter=0.25,
            redirect=False,
            raise_on_status=False,
        )
        patience.gate = gate
        return patience

    def new(self, **changes: Any) -> Self:
        """Return a changed copy, at the same gate."""
        patience = super().new(**changes)
        patience.gate = self.gate
        return patience

    def get_retry_after(self, response: BaseHTTPResponse) -> float | None:
        """Return the pause that the server asks for, a minute at most."""
        pause = super().get_retry_after(response)
        return None if pause is None else min(pause, _LONGEST_PAUSE)

    def is_retry(
        self, method: str, status_code: int, has_retry_after: bool = False
    ) -> bool:
        """Retry server errors only: a 429 is the gate's, whatever its headers."""
        return status_code in _SERVER_ERRORS and super().is_retry(
            method, status_code, has_retry_after
        )

    def sleep(self, response: BaseHTTPResponse | None = None) -> None:
        """Pause as long as the server asks, or longer each time, at the gate."""
        self.gate.pause(0.0)
        asked = None if response is None else self.get_retry_after(response)
        self.gate.pause(asked or self.get_backoff_time())
        self.gate.wait(0.0)


class Bearer(requests.auth.AuthBase):
    """Puts the key into the header, at the last moment."""

    def __init__(self, key: ApiKey) -> None:
        self._key = key

    def __call__(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        """Return the request with the key."""
        request.headers["Authorization"] = f"Bearer {self._key.reveal()}"
        return request


def new_session(*, loopback: bool) -> requests.Session:
    """Return a session; on loopback no proxy of the environment is asked."""
    session = requests.Session()
    session.trust_env = not loopback
    session.headers["Accept"] = "application/json"
    for scheme in ("http://", "https://"):
        session.mount(scheme, HTTPAdapter())
    return session


class RetryingGet:
    """One thread's way to the server."""

    def __init__(
        self,
        session: requests.Session,
        auth: requests.auth.AuthBase,
        gate: Gate,
        retries: int,
        timeout: float,
    ) -> None:
        self._session, self._auth, self._gate = session, auth, gate
        self._retries, self._timeout = retries, timeout

    def get(
        self, url: str, query: Mapping[str, str], *, once: bool = False
    ) -> HttpAnswer:
        """Send until there is an answer other than a server error or a 429.

        ``once`` retries nothing, and waits for no limit.

        Raises
        ------
        RequestError
            No answer came within the retries, or it leads to another host.
        RateLimitError
            The limit opens too late.
        """
        left, waited, hops = self._retries, 0.0, 0
        if once:
            left, waited = 0, float(LONGEST_WAIT)
        while True:
            waited = self._gate.wait(waited)
            answer, used = self._try(url, query, left)
            left -= used
            if answer is None:
                continue
            if answer.status == 429:
                self._gate.close(_seconds_closed(answer.headers))
            elif 300 <= answer.status < 400 and hops < _MOST_REDIRECTS:
                url, query, hops = _redirected(url, answer), {}, hops + 1
            else:
                return answer

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
                auth=self._auth,
                timeout=self._timeout,
                allow_redirects=False,
                stream=True,
            )
            sent, used = True, _retries_used(response)
            body = response.content
        except requests.exceptions.ChunkedEncodingError:
            reason = "the answer was cut off"
        except (requests.RequestException, HTTPError) as error:
            reason = _reason(error)
        except BaseException as error:  # noqa: BLE001
            # During a pause its context is the failure before, which holds the key.
            error.__cause__ = error.__context__ = None
            raise error.with_traceback(None)  # noqa: B904
        else:
            return HttpAnswer(response.status_code, dict(response.headers), body), used
        finally:
            response = None
        if sent and used < left:
            return None, used + 1
        raise RequestError(
            f"{urlsplit(url).netloc} did not answer: {reason}, after "
            f"{self._retries} retries; check the host, the network and any proxy"
        )


def _retries_used(response: requests.Response) -> int:
    retries = response.raw.retries
    return len(retries.history) if retries is not None else 0


def _reason(error: requests.RequestException | HTTPError) -> str:
    last = getattr(error.args[0] if error.args else None, "reason", error)
    return _REASONS.get(type(last).__name__, type(last).__name__)


def _seconds_closed(headers: Mapping[str, str]) -> float:
    """Return how long a 429 closes the gate, by the server's own clock."""
    given = {name.lower(): value.strip() for name, value in headers.items()}
    now = _epoch(given.get("date")) or time.time()
    after, reset = given.get("retry-after", ""), given.get("x-ratelimit-reset", "")
    if after.isdigit():
        return max(float(after), 1.0)
    moment = _epoch(after) or (float(reset) if reset.isdigit() else now + 1.0)
    return max(moment - now, 1.0)


def _epoch(text: str | None) -> float | None:
    try:
        return parsedate_to_datetime(text).timestamp() if text else None
    except ValueError:
        return None


def _redirected(url: str, answer: HttpAnswer) -> str:
    given = {name.lower(): value for name, value in answer.headers.items()}
    goal = urljoin(url, given.get("location", url))
    here, there = urlsplit(url), urlsplit(goal)
    if (here.scheme, here.netloc) != (there.scheme, there.netloc):
        raise RequestError(
            f"{here.netloc} redirects to {there.netloc}; the key is not sent to "
            "another host. Check the endpoint: the REST host, not the dashboard's",
            status=answer.status,
        )
    return goal
