"""When to ask again: the rate limit's gate, retries with pauses, and what headers say.

Headers come from whatever stands between: what cannot be read is as if not given.
"""

import re
import time
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from threading import Condition
from typing import Any, Self

from urllib3 import Retry
from urllib3.response import BaseHTTPResponse

from braze_frames.errors import RateLimitError, RequestError

# Seconds that one request waits for the rate limit, in all.
LONGEST_WAIT = 15 * 60

# Seconds of the longest window that Braze counts requests in (Braze docs, limits).
_LONGEST_LIMIT = 60 * 60

# Statuses that say "ask again": too slow, too early, and the server's own errors.
_RETRIED = frozenset({408, 425, *range(500, 600)})

_LONGEST_PAUSE = 60.0
# A reset that is longer past tells nothing: another clock, or a cached answer.
_STALE = 60.0

# Seconds, milli-, micro- and nanoseconds since 1970, as servers write moments.
_UNITS = (1.0, 1e3, 1e6, 1e9)

_DIGITS = re.compile(r"[0-9]+")


class Gate:
    """The rate limit of one client: while it is closed, no thread sends.

    It ends with the client: then no thread pauses or sends any more.
    """

    def __init__(self) -> None:
        self._opens = 0.0
        self._told_late = 0
        self._ended = False
        self._changed = Condition()

    @property
    def ended(self) -> bool:
        """Whether the client was closed."""
        return self._ended

    def end(self) -> None:
        """Let no one pass any more."""
        with self._changed:
            self._ended = True
            self._changed.notify_all()

    def pause(self, seconds: float) -> None:
        """Wait some seconds, or until the end."""
        with self._changed:
            self._changed.wait_for(lambda: self._ended, seconds)
            self.check()

    def check(self) -> None:
        """Refuse to go on after the end.

        Raises
        ------
        RequestError
            The client was closed.
        """
        if self._ended:
            raise RequestError("the client was closed before the answer came")

    def close(self, seconds: float) -> None:
        """Close for some seconds; a later opening already set stays.

        One answer that closes it for longer than any request waits may be odd: others
        wait for it once a second one says so, and no longer than Braze counts.
        """
        with self._changed:
            self._told_late += seconds > LONGEST_WAIT
            if seconds <= LONGEST_WAIT or self._told_late > 1:
                opens = time.monotonic() + min(seconds, _LONGEST_LIMIT)
                self._opens = max(self._opens, opens)

    def wait(self, waited: float, most: float = LONGEST_WAIT) -> float:
        """Wait until it is open; return the seconds waited so far.

        Raises
        ------
        RateLimitError
            That would take more than ``most`` seconds in all.
        RequestError
            The client was closed.
        """
        with self._changed:
            self.check()
            while (left := self._opens - time.monotonic()) > 0:
                check_wait(waited + left, left, most)
                waited += left
                self._changed.wait_for(lambda: self._ended, left)
                self.check()
        return waited


def check_wait(total: float, left: float, most: float = LONGEST_WAIT) -> None:
    """Refuse to wait for ``left`` seconds where that makes too many in all.

    Raises
    ------
    RateLimitError
        More than ``most`` seconds; says when the limit opens.
    """
    if total <= most:
        return
    now = datetime.now(UTC)
    far = left > timedelta(days=366).total_seconds()
    opens = None if far else now + timedelta(seconds=left)
    when = (
        f"at {opens:%Y-%m-%d %H:%M:%S} UTC, in {left:.0f} s"
        if opens
        else ("more than a year from now, as its headers say")
    )
    raise RateLimitError(
        f"429: the rate limit opens again {when}, and we wait {most:.0f} s at most; "
        "try again then, or ask Braze for a higher limit",
        status=429,
    )


class GatedRetry(Retry):
    """Retries with pauses bounded in length, each of which ends at the gate."""

    gate: Gate

    @classmethod
    def of(cls, gate: Gate, retries: int) -> Self:
        """Return the patience for one more request."""
        patience = cls(
            total=retries,
            status_forcelist=_RETRIED,
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
        pause = _retry_after(_lowered(response.headers))
        return None if pause is None else min(pause, _LONGEST_PAUSE)

    def is_retry(
        self, method: str, status_code: int, has_retry_after: bool = False
    ) -> bool:
        """Retry what may pass by itself: a 429 is the gate's, whatever its headers."""
        return status_code in _RETRIED and super().is_retry(
            method, status_code, has_retry_after
        )

    def sleep(self, response: BaseHTTPResponse | None = None) -> None:
        """Pause as long as the server asks, or longer each time, at the gate."""
        self.gate.pause(0.0)
        asked = None if response is None else self.get_retry_after(response)
        self.gate.pause(asked or self.get_backoff_time())
        self.gate.wait(0.0)


def seconds_closed(headers: Mapping[str, str]) -> float | None:
    """Return how long a 429 closes the gate, by the server's own clock.

    Returns
    -------
    float or None
        A second at least; None where the headers do not say.

    Examples
    --------
    >>> date = "Thu, 01 Jan 2026 00:00:00 GMT"
    >>> seconds_closed({"Date": date, "X-RateLimit-Reset": "1767225660000"})
    60.0
    >>> seconds_closed({"Retry-After": "soon"}) is None
    True
    """
    given = _lowered(headers)
    closed = _retry_after(given)
    if closed is None:
        reset = _number(given.get("x-ratelimit-reset", ""))
        closed = None if reset is None else _moment(reset, given) - _now(given)
    if closed is None or closed < -_STALE:
        return None
    return max(closed, 1.0)


def _lowered(headers: Mapping[str, str]) -> dict[str, str]:
    return {name.lower(): value.strip() for name, value in headers.items()}


def _now(given: Mapping[str, str]) -> float:
    return _epoch(given.get("date", "")) or time.time()


def _retry_after(given: Mapping[str, str]) -> float | None:
    """Return the seconds that ``Retry-After`` asks for; a moment gone by is none."""
    after = given.get("retry-after", "")
    if (seconds := _number(after)) is not None:
        return seconds
    moment = _epoch(after)
    left = None if moment is None else moment - _now(given)
    return left if left is not None and left > 0 else None


def _moment(reset: float, given: Mapping[str, str]) -> float:
    """Return a reset in seconds: of all units the one that lies nearest to now."""
    now = _now(given)
    return min((reset / unit for unit in _UNITS), key=lambda moment: abs(moment - now))


def _number(text: str) -> float | None:
    return float(text) if _DIGITS.fullmatch(text) else None


def _epoch(text: str) -> float | None:
    try:
        return parsedate_to_datetime(text).timestamp()
    except (ValueError, TypeError, IndexError, OverflowError):
        return None
