"""A Braze account to try things on: a made-up shop behind a real server on loopback.

``python -m braze_frames.sandbox --port 8765`` serves it to other programs.
"""

import time
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from datetime import time as time_of_day
from http import HTTPStatus
from threading import Event, Lock
from types import TracebackType
from typing import TYPE_CHECKING, Any, Literal, NamedTuple, Self, get_args
from urllib.parse import parse_qsl, urlsplit
from uuid import uuid5
from zoneinfo import ZoneInfo

import pandas as pd
from orjson import dumps

from braze_frames.errors import ConfigError
from braze_frames.sandbox.campaign import SHOP
from braze_frames.sandbox.endpoints import (
    CAMPAIGN,
    HOUR,
    Limit,
    Refused,
    Reply,
    World,
    authorize,
    endpoint,
)
from braze_frames.sandbox.series import truth
from braze_frames.sandbox.shop import CAMPAIGNS

if TYPE_CHECKING:
    from braze_frames.api.client import BrazeClient

FailureKind = Literal["status", "drop", "cut", "slow", "garble"]
TODAY = "2026-06-30"
GARBAGE = b"<html><body><h1>Be right back</h1></body></html>"
MESSAGES = {
    HTTPStatus.BAD_REQUEST: "Invalid Campaign ID",
    HTTPStatus.UNAUTHORIZED: "Invalid API key",
    HTTPStatus.FORBIDDEN: "Access Denied: the API key lacks the permission",
    HTTPStatus.TOO_MANY_REQUESTS: "Rate limit exceeded",
}


class ReceivedRequest(NamedTuple):
    """One request as the sandbox saw it; status None: it was not answered."""

    method: str
    path: str
    query: dict[str, str]
    status: int | None


@dataclass(slots=True)
class _Failure:
    """What spoils the next requests."""

    kind: FailureKind
    status: int
    times: int
    path: str
    delay: float


class Sandbox:
    """A shop with a dozen campaigns, behind a server that behaves as documented.

    It serves ``/campaigns/data_series``, ``/campaigns/list`` and ``/campaigns/details``
    from the moment it is made until `stop` or the end of the ``with`` block.

    Parameters
    ----------
    today : str or date
        The company's day. It is always noon there. It can be set later: numbers of
        the last month grow as it moves on.
    seed : int
        Another seed, other numbers for the same campaigns.
    tz : str
        The company's time zone.
    port : int
        0 takes a free one.

    Attributes
    ----------
    url : str
        Where it listens, ``http://127.0.0.1:…``.
    api_key : str
        A made-up key that it asks for.
    requests : list of Request
        All requests so far: method, path, query, status.

    Raises
    ------
    ConfigError
        If the time zone is not known.
    ValueError
        If ``today`` is no day or ``seed`` is negative.
    OSError
        If the port is taken.

    Examples
    --------
    >>> with Sandbox(today="2026-06-30") as sandbox:
    ...     sandbox.now().isoformat()
    ...     sandbox.today = "2026-07-31"
    ...     sandbox.now().isoformat()
    '2026-06-30T12:00:00+00:00'
    '2026-07-31T12:00:00+00:00'
    """

    def __init__(
        self,
        *,
        today: str | date = TODAY,
        seed: int = 0,
        tz: str = "UTC",
        port: int = 0,
    ) -> None:
        if seed < 0:
            raise ValueError(f"seed is {seed}; it must be 0 or more.")
        self.today = today
        self.seed = seed
        self.tz = tz
        self.requests: list[ReceivedRequest] = []
        self._zone = _zone(tz)
        self._failures: list[_Failure] = []
        self._used: Counter[tuple[Limit, int]] = Counter()
        self._lock = Lock()
        self._start(port)

    def _start(self, port: int) -> None:
        from braze_frames.sandbox.server import Server

        self._server = Server(port, self._respond)
        self._server.start()
        self.url = f"http://127.0.0.1:{self._server.server_port}"

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.stop()

    def __repr__(self) -> str:
        state = "" if self.running else ", stopped"
        return (
            f"Sandbox({self.url!r}, today='{self.today}', seed={self.seed},"
            f" tz={self.tz!r}{state})"
        )

    @property
    def today(self) -> date:
        """The company's day; set it to move on."""
        return self._today

    @today.setter
    def today(self, day: str | date) -> None:
        moment = pd.Timestamp(day)
        if pd.isna(moment):
            raise ValueError(f"today is {day!r}; give a day such as {TODAY!r}.")
        self._today = moment.date()

    @property
    def api_key(self) -> str:
        """The made-up key."""
        return str(uuid5(SHOP, f"key {self.seed}"))

    @property
    def campaigns(self) -> dict[str, str]:
        """Name → id of all campaigns, archived ones too."""
        return {campaign.name: campaign.id for campaign in CAMPAIGNS}

    @property
    def running(self) -> bool:
        """Whether it still answers."""
        return not self._server.stopping.is_set()

    def now(self) -> datetime:
        """Return noon of ``today`` in the company's time zone: its clients' clock."""
        return datetime.combine(self.today, time_of_day(12), self._zone)

    def truth(self, campaign_id: str) -> pd.DataFrame:
        """Return the rates that the numbers are drawn from.

        Parameters
        ----------
        campaign_id : str
            One of ``campaigns``.

        Returns
        -------
        DataFrame
            Index ``channel, variation``, a column per rate; NaN where a variation has
            no such stats, or the campaign has them at day level only. Where rates
            drift, all variations are averaged over the same days with the same
            weights, so the truths differ only by the effect of the message.

        Raises
        ------
        ValueError
            If there is no such campaign.
        """
        campaign = CAMPAIGN.get(campaign_id)
        if campaign is None:
            raise ValueError(
                f"{campaign_id!r} is no campaign of the sandbox;"
                " its ids are the values of sandbox.campaigns."
            )
        return truth(campaign)

    def fail(
        self,
        kind: FailureKind = "status",
        *,
        status: int | None = None,
        times: int = 1,
        path: str | None = None,
        delay: float = 0,
    ) -> None:
        """Spoil the next requests.

        Parameters
        ----------
        kind : {"status", "drop", "cut", "slow", "garble"}
            Answer with an error status; hang up; hang up in the middle of the body;
            answer late; answer with something that is not JSON.
        status : int, optional
            For kind ``status``: one of HTTP's from 400 on, 500 by default. A 429 opens
            again within a second or two, as its headers say.
        times : int
            How many requests.
        path : str, optional
            Only requests whose path contains this.
        delay : float
            Seconds to wait before the answer; kind ``slow`` waits one by default.

        Raises
        ------
        ValueError
            If the kind or the status is none of these.
        """
        if kind not in get_args(FailureKind):
            kinds = ", ".join(get_args(FailureKind))
            raise ValueError(f"kind is {kind!r}; it must be one of {kinds}.")
        if status is not None and (status not in {*HTTPStatus} or status < 400):
            raise ValueError(
                f"status is {status!r}; it must be one of HTTP's from 400 on, as 503."
            )
        if kind == "slow" and not delay:
            delay = 1.0
        failure = _Failure(kind, status or 500, times, path or "", delay)
        with self._lock:
            self._failures.append(failure)

    def connect(self, **options: Any) -> "BrazeClient":
        """Return a client with this sandbox's address, key, time zone and clock.

        Parameters
        ----------
        **options
            As for `braze_frames.connect`: ``tz``, ``max_workers``, ``retries``,
            ``timeout``.
        """
        from braze_frames.api.client import BrazeClient

        account = f"sandbox-seed-{self.seed}-{self.tz.replace('/', '-')}"
        settings = {"tz": self.tz, "account": account, **options}
        return BrazeClient(self.url, self.api_key, clock=self.now, **settings)

    def stop(self) -> None:
        """Stop serving and free the port; once is enough, twice does no harm."""
        if self.running:
            self._server.stop()

    close = stop

    def _respond(self, method: str, target: str, authorization: str | None) -> Reply:
        """Answer one request; called by the server's threads."""
        path, query = _parts_of(target)
        failure = self._next_failure(path)
        reply = self._answer(method, path, query, authorization)
        if failure:
            reply = _spoil(reply, failure)
        status = None if reply.how == "drop" else reply.status
        self.requests.append(ReceivedRequest(method, path, query, status))
        return reply

    def _next_failure(self, path: str) -> _Failure | None:
        with self._lock:
            for failure in self._failures:
                if failure.times > 0 and failure.path in path:
                    failure.times -= 1
                    return failure
        return None

    def _answer(
        self, method: str, path: str, query: Mapping[str, str], header: str | None
    ) -> Reply:
        limit = Limit(250_000, HOUR)
        try:
            authorize(header, self.api_key)
            answer, limit = endpoint(method, path)
            body = answer(query, World(self.now(), self.seed))
            status = HTTPStatus.OK
        except Refused as refused:
            body, status = {"message": str(refused)}, refused.status
        return Reply(int(status), dumps(body), self._limit_headers(limit))

    def _limit_headers(self, limit: Limit) -> dict[str, str]:
        window = int(time.time()) // limit.seconds
        with self._lock:
            self._used[limit, window] += 1
            remaining = limit.requests - self._used[limit, window]
        return _limit_headers(limit.requests, remaining, (window + 1) * limit.seconds)


_SHARED: list[Sandbox] = []
_SHARED_LOCK = Lock()


def shared() -> Sandbox:
    """Return the process's own sandbox, the one of ``connect("sandbox")``.

    Returns
    -------
    Sandbox
        With the default settings, started by the first call.

    Examples
    --------
    >>> shared() is shared()
    True
    """
    with _SHARED_LOCK:
        if not _SHARED or not _SHARED[0].running:
            _SHARED[:] = [Sandbox()]
        return _SHARED[0]


def _parts_of(target: str) -> tuple[str, dict[str, str]]:
    """Return a request's path and query; of what is no address, the text itself."""
    try:
        url = urlsplit(target)
        return url.path, dict(parse_qsl(url.query, keep_blank_values=True))
    except ValueError:
        return target, {}


def _zone(tz: str) -> ZoneInfo:
    try:
        return ZoneInfo(tz)
    except (ValueError, OSError, KeyError):
        raise ConfigError(
            f"tz is {tz!r}, which is no time zone; give one such as 'Europe/Berlin'."
        ) from None


def _spoil(reply: Reply, failure: _Failure) -> Reply:
    """Return the reply as the failure leaves it."""
    delay, headers = failure.delay, reply.headers
    if failure.kind == "status":
        if failure.status == HTTPStatus.TOO_MANY_REQUESTS:
            limit = int(headers["X-RateLimit-Limit"])
            headers = _limit_headers(limit, 0, int(time.time()) + 1)
        body = dumps({"message": _message(failure.status)})
        return Reply(failure.status, body, headers, delay=delay)
    if failure.kind == "garble":
        return Reply(200, GARBAGE, headers, delay=delay)
    how = "whole" if failure.kind == "slow" else failure.kind
    return Reply(reply.status, reply.body, headers, how, delay)


def _message(status: int) -> str:
    known = MESSAGES.get(HTTPStatus(status))
    return known or HTTPStatus(status).phrase


def _limit_headers(limit: int, remaining: int, reset: int) -> dict[str, str]:
    return {
        "X-RateLimit-Limit": str(limit),
        "X-RateLimit-Remaining": str(max(remaining, 0)),
        "X-RateLimit-Reset": str(reset),
    }


def main(arguments: Sequence[str] | None = None) -> None:
    """Serve a sandbox until Ctrl-C; say how to reach it.

    Parameters
    ----------
    arguments : sequence of str, optional
        Those of the command line by default.
    """
    import argparse

    parser = argparse.ArgumentParser(
        prog="python -m braze_frames.sandbox", description=__doc__.partition("\n")[0]
    )
    parser.add_argument("--port", type=int, default=0, help="0 takes a free one")
    parser.add_argument("--today", default=TODAY, help="the company's day")
    parser.add_argument("--seed", type=int, default=0, help="which draw of the numbers")
    parser.add_argument("--tz", default="UTC", help="the company's time zone")
    options = parser.parse_args(arguments)
    try:
        sandbox = Sandbox(**vars(options))
    except (OSError, ValueError, OverflowError) as error:
        parser.error(str(error))
    with sandbox:
        print(_how_to_reach(sandbox), flush=True)  # noqa: T201
        try:
            Event().wait()
        except KeyboardInterrupt:
            return


def _how_to_reach(sandbox: Sandbox) -> str:
    return (
        f"export BRAZE_REST_ENDPOINT={sandbox.url}\n"
        f"export BRAZE_API_KEY={sandbox.api_key}\n"
        f"export BRAZE_TZ={sandbox.tz}\n"
        f"# today is {sandbox.today} there; Ctrl-C stops it"
    )
