"""The client of Braze's REST API: endpoint, key, clock and the answers we need."""

import re
import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from datetime import date, datetime
from threading import Lock, local
from types import TracebackType
from typing import TYPE_CHECKING, Any, NoReturn, Self
from urllib.parse import urlsplit

import orjson
import pandas as pd

from braze_frames.api.credentials import ApiKey
from braze_frames.api.endpoints import LOOPBACK, address_of, url_of, zone_of
from braze_frames.api.windows import MOST_DAYS
from braze_frames.errors import (
    AuthError,
    BrazeError,
    PayloadError,
    PayloadWarning,
    RequestError,
)
from braze_frames.schema.ids import check_campaign_id

if TYPE_CHECKING:
    from braze_frames.api.transport import HttpAnswer, RetryingGet

SERIES = "/campaigns/data_series"
LIST = "/campaigns/list"
DETAILS = "/campaigns/details"
_SHORT_OFFSET = re.compile(r"([+-])(\d:\d{2})$")
_COLUMNS = {
    "id": "str",
    "name": "str",
    "tags": "object",
    "last_edited": "datetime64[us, UTC]",
    "is_api_campaign": "bool",
}


class BrazeClient:
    """One account's REST API; use it in ``with``, or ``close()`` it.

    Its requests respect the rate limit together: a 429 makes all of them wait. It
    shows the key nowhere and cannot be pickled.

    Parameters
    ----------
    endpoint : str
        As for ``connect``.
    api_key : str or Key
        The REST key.
    tz : str
        The company's time zone.
    max_workers, retries, timeout
        As for ``connect``.
    clock, account : callable and str, optional
        The sandbox's own: the aware present moment, and the name of its cached numbers.

    Attributes
    ----------
    url, host, account, tz : str
        Where it asks, the name to show, that of cached numbers, and the time zone.
    zone : ZoneInfo
        The time zone.

    Raises
    ------
    ConfigError
        The endpoint, the key or the time zone cannot be used.
    """

    def __init__(
        self,
        endpoint: str,
        api_key: "str | ApiKey",
        *,
        tz: str = "UTC",
        max_workers: int = 8,
        retries: int = 5,
        timeout: float = 30,
        clock: Callable[[], datetime] | None = None,
        account: str | None = None,
    ) -> None:
        self._key = api_key if isinstance(api_key, ApiKey) else ApiKey(api_key)
        del api_key
        self._key.check()
        self.url = url_of(endpoint)
        self.host = str(urlsplit(self.url).hostname)
        self.account = account or address_of(self.url)
        self.tz, self.zone = tz, zone_of(tz)
        self._max_workers, self._retries = (
            _positive("max_workers", max_workers),
            retries,
        )
        self._timeout, self._clock = timeout, clock
        self._threads = local()
        self._lock = Lock()
        self._sessions: list[Any] = []
        self._pool: ThreadPoolExecutor | None = None
        self._gate: Any = None

    def __repr__(self) -> str:
        return f"BrazeClient({self.url!r}, tz={self.tz!r})"

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()

    def __reduce__(self) -> NoReturn:
        raise TypeError("a client is not pickled; connect again where it is needed")

    def close(self) -> None:
        """Close the connections; a later request opens new ones."""
        with self._lock:
            pool, self._pool = self._pool, None
            sessions, self._sessions = self._sessions, []
            gate, self._gate = self._gate, None
            self._threads = local()
        if gate is not None:
            gate.end()
        if pool is not None:
            pool.shutdown(wait=False, cancel_futures=True)
        for session in sessions:
            session.close()

    def now(self) -> datetime:
        """Return the present moment in the company's time zone."""
        moment = datetime.now(self.zone) if self._clock is None else self._clock()
        return moment.astimezone(self.zone)

    def today(self) -> date:
        """Return the company's day."""
        return self.now().date()

    def campaigns(
        self,
        *,
        name: str | None = None,
        tag: str | None = None,
        edited_since: Any = None,
        archived: bool = False,
    ) -> pd.DataFrame:
        """List campaigns.

        Parameters
        ----------
        name : str, optional
            Only campaigns whose name contains this, in any case.
        tag : str, optional
            Only campaigns with this tag.
        edited_since : date-like, optional
            Only campaigns edited later. An old campaign may still be sending, so
            leave this out unless edits are what you are after.
        archived : bool
            Archived campaigns, too.

        Returns
        -------
        DataFrame
            ``id, name, tags, last_edited`` (UTC), ``is_api_campaign``; a source for
            ``read_braze_series``.

        Raises
        ------
        RequestError
            The list was refused or did not come.
        """
        query = {"include_archived": str(archived).lower()}
        if edited_since is not None:
            moment = pd.Timestamp(edited_since)
            moment = moment.tz_convert("UTC") if moment.tz else moment
            query["last_edit.time[gt]"] = moment.strftime("%Y-%m-%dT%H:%M:%S")
        found = [row for page in self._pages(query) for row in page]
        rows = [
            [row.get(column) for column in _COLUMNS]
            for row in found
            if (name is None or name.lower() in (row.get("name") or "").lower())
            and (tag is None or tag in (row.get("tags") or []))
        ]
        table = pd.DataFrame(rows, columns=list(_COLUMNS))
        table["last_edited"] = pd.to_datetime(
            table["last_edited"], utc=True, format="ISO8601"
        )
        return table.astype(_COLUMNS)

    def _pages(self, query: Mapping[str, str]) -> Iterator[list[dict[str, Any]]]:
        page = 0
        while True:
            answer = self._json(LIST, {**query, "page": str(page)}, "campaigns")
            if not answer["campaigns"]:
                return
            yield answer["campaigns"]
            page += 1

    def details(self, campaign_id: str) -> dict[str, Any]:
        """Return what ``/campaigns/details`` says: names, schedule, conversion events.

        Raises
        ------
        SourceError
            The id is no UUID.
        RequestError
            It was refused or did not come.
        """
        query = {"campaign_id": check_campaign_id(str(campaign_id))}
        return self._json(DETAILS, query, "name")

    def series(
        self, campaign_id: str, length: int, ending_at: str | datetime | None = None
    ) -> dict[str, Any]:
        """Return one decoded answer of ``/campaigns/data_series``.

        Parameters
        ----------
        campaign_id : str
            The campaign's API identifier, a UUID.
        length : int
            Days before ``ending_at``, 1 to 100.
        ending_at : str or datetime, optional
            ISO 8601; ``-5:00`` is mended to ``-05:00``. Default: now.

        Raises
        ------
        SourceError
            The id is no UUID; the dashboard's id is told apart.
        ValueError
            ``length`` or ``ending_at`` makes no sense.
        RequestError
            The series was refused or did not come.

        Examples
        --------
        >>> from braze_frames import connect
        >>> client = connect("sandbox")
        >>> answer = client.series(client.campaigns()["id"].iloc[0], length=2)
        >>> [day["time"] for day in answer["data"]]
        ['2026-06-29', '2026-06-30']
        """
        return self._json(SERIES, _series_query(campaign_id, length, ending_at), "data")

    def fetch_series(
        self, jobs: Sequence[tuple[str, int, str]]
    ) -> Iterator[tuple[int, bytes | BrazeError]]:
        """Ask for many series side by side.

        Parameters
        ----------
        jobs : sequence of (campaign id, length, ending at)

        Yields
        ------
        int, bytes or BrazeError
            The job's number and its body or error, as they come.

        Raises
        ------
        AuthError
            At once; what was not yet sent is not sent.

        Notes
        -----
        An interrupt closes the client, so that no thread goes on waiting for the limit.
        """
        queries = [_series_query(*job) for job in jobs]
        return self._many(SERIES, queries)

    def fetch_details(
        self, campaign_ids: Sequence[str], *, once: bool = False
    ) -> Iterator[tuple[int, bytes | BrazeError]]:
        """Ask for many campaigns' details side by side; yields as ``fetch_series``.

        ``once`` makes one try of each: nothing is retried, nor waited for the limit.
        """
        queries = [{"campaign_id": one} for one in campaign_ids]
        return self._many(DETAILS, queries, once=once)

    def _many(
        self, path: str, queries: Sequence[Mapping[str, str]], *, once: bool = False
    ) -> Iterator[tuple[int, bytes | BrazeError]]:
        numbers = iter(range(len(queries)))
        running: dict[Future[bytes], int] = {}
        try:
            while True:
                for number in numbers:
                    future = self._workers().submit(
                        self._get, path, queries[number], once=once
                    )
                    running[future] = number
                    if len(running) >= 2 * self._max_workers:
                        break
                if not running:
                    return
                for future in wait(running, return_when=FIRST_COMPLETED).done:
                    yield running.pop(future), _outcome(future)
        except KeyboardInterrupt:
            self.close()
            raise
        finally:
            for future in running:
                future.cancel()

    def _workers(self) -> ThreadPoolExecutor:
        with self._lock:
            if self._pool is None:
                self._pool = ThreadPoolExecutor(self._max_workers, "braze_frames")
            return self._pool

    def _json(self, path: str, query: Mapping[str, str], part: str) -> dict[str, Any]:
        body = self._get(path, query)
        try:
            answer = orjson.loads(body)
        except orjson.JSONDecodeError:
            answer = None
        if not isinstance(answer, dict) or part not in answer:
            raise PayloadError(
                f"{path} answered without {part!r}: {body[:80]!r}; ask again, and "
                "check the endpoint"
            )
        if answer.get("errors"):
            warnings.warn(
                f"{path} reports errors: {answer['errors']}",
                PayloadWarning,
                stacklevel=3,
            )
        return answer

    def _get(self, path: str, query: Mapping[str, str], *, once: bool = False) -> bytes:
        answer = self._wire().get(self.url + path, query, once=once)
        if answer.status != 200:
            body = answer.body.replace(self._key.reveal().encode(), b"***")
            answer = answer._replace(body=body)
            raise _refusal(path, answer)
        return answer.body

    def _wire(self) -> "RetryingGet":
        wire: RetryingGet | None = getattr(self._threads, "wire", None)
        if wire is None:
            wire = self._threads.wire = self._new_wire()
        return wire

    def _new_wire(self) -> "RetryingGet":
        from braze_frames.api.transport import Bearer, Gate, RetryingGet, new_session

        session = new_session(loopback=self.host in LOOPBACK)
        with self._lock:
            self._gate = self._gate or Gate()
            self._sessions.append(session)
        return RetryingGet(
            session, Bearer(self._key), self._gate, self._retries, self._timeout
        )


def _outcome(future: Future[bytes]) -> bytes | BrazeError:
    error = future.exception()
    if error is None:
        return future.result()
    if isinstance(error, BrazeError) and not isinstance(error, AuthError):
        return error
    raise error


def _positive(name: str, value: int) -> int:
    if value < 1:
        raise ValueError(f"{name}={value}; it is 1 or more")
    return value


def _series_query(
    campaign_id: str, length: int, ending_at: str | datetime | None
) -> dict[str, str]:
    if isinstance(length, bool) or not isinstance(length, int):
        raise TypeError(f"length={length!r}; it is a whole number of days")
    if not 1 <= length <= MOST_DAYS:
        raise ValueError(
            f"length={length}; the API gives 1 to {MOST_DAYS} days at once. "
            "read_braze_series takes any range"
        )
    query = {"campaign_id": check_campaign_id(str(campaign_id)), "length": str(length)}
    if ending_at is not None:
        query["ending_at"] = _moment(ending_at)
    return query


def _moment(ending_at: str | datetime) -> str:
    if not isinstance(ending_at, str):
        return ending_at.isoformat()
    text = _SHORT_OFFSET.sub(r"\g<1>0\g<2>", ending_at)
    try:
        datetime.fromisoformat(text)
    except ValueError:
        pass
    else:
        return text
    raise ValueError(
        f"ending_at={ending_at!r} is no moment; write 2026-06-30T23:59:59-05:00"
    )


_ADVICE = {
    400: "check the campaign's id: the API identifier (a UUID), not the dashboard's",
    401: (
        "check that the key is right, that it belongs to this instance, and that it "
        "stands in no quotes"
    ),
    404: "check the endpoint: it is the REST host, not the dashboard's",
}


def _refusal(path: str, answer: "HttpAnswer") -> RequestError:
    permission = path.strip("/").replace("/", ".")
    advice = _ADVICE.get(answer.status, "ask again later")
    if answer.status == 403:
        advice = f"the key needs the permission {permission}; make one that has it"
    elif 200 <= answer.status < 300:
        advice = "nothing was exported (maintenance?); ask again later"
    kind = AuthError if answer.status in {401, 403} else RequestError
    said = _said(answer.body)
    return kind(f"{answer.status} for {path}: {said}; {advice}", status=answer.status)


def _said(body: bytes) -> str:
    try:
        answer = orjson.loads(body)
    except orjson.JSONDecodeError:
        return "the server gave no reason"
    message = answer.get("message") if isinstance(answer, dict) else None
    return str(message)[:200] if message else "the server gave no reason"
