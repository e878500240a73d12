"""The client of Braze's REST API: endpoint, key, clock and the answers we need."""

import os
import re
from collections.abc import Callable, Mapping, Sequence
from datetime import date, datetime
from types import TracebackType
from typing import TYPE_CHECKING, Any, NoReturn, Self
from urllib.parse import urlsplit

import pandas as pd

from braze_frames.api.answers import decoded, error_of
from braze_frames.api.campaigns import (
    campaign_table,
    edited_after,
    is_wanted,
    listed_rows,
)
from braze_frames.api.endpoints import LOOPBACK, Address, address_of, zone_of
from braze_frames.errors import PayloadError, PayloadWarning, RequestError, listed, warn
from braze_frames.schema.exports import CAMPAIGN_SERIES as _SERIES
from braze_frames.schema.ids import check_campaign_id
from braze_frames.transport.credentials import ApiKey

if TYPE_CHECKING:
    from braze_frames.transport.get import Wires
    from braze_frames.transport.side_by_side import Requests

LIST = "/campaigns/list"
DETAILS = "/campaigns/details"
# The longest timeout: what does not answer within an hour does not answer.
MOST_SECONDS = 3600

# ``-5:00``: the hours want two digits, of ``fromisoformat`` and of the API.
_SHORT_OFFSET = re.compile(r"([+-])(\d:\d{2})$")


class BrazeClient:
    """One account's REST API; use it in ``with``, or ``close()`` it.

    Its requests respect the rate limit together: a 429 makes all of them wait. It
    shows the key nowhere and cannot be pickled.

    Parameters
    ----------
    endpoint : str or Address
        As for ``connect``.
    api_key : str or ApiKey
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
        endpoint: "str | Address",
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
        where = endpoint if isinstance(endpoint, Address) else Address(endpoint)
        del api_key, endpoint
        # The endpoint first: people swap the two, and then the key is no good either.
        where.check(self._key)
        self._key.check()
        self.url = where.url
        self.host = str(urlsplit(self.url).hostname)
        self.account = account or address_of(self.url)
        self.tz, self.zone = tz, zone_of(tz)
        self._max_workers = _at_least("max_workers", max_workers, 1)
        self._retries = _at_least("retries", retries, 0)
        self._timeout, self._clock = _seconds(timeout), clock
        # By process: sockets and threads do not outlive a fork.
        self._wires: dict[int, Wires] = {}

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
        """End what is asked, close the connections; a later request opens new ones."""
        wires = self._wires.pop(os.getpid(), None)
        if wires is not None:
            wires.close()

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
        details: bool = False,
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
        details : bool
            Also ask for the details of each, side by side.

        Returns
        -------
        DataFrame
            ``id, name, tags, last_edited`` (UTC), ``is_api_campaign``; a source for
            ``read_braze_series``. With ``details`` also ``channels`` (list, named as in
            the series), ``first_sent`` and ``last_sent`` (UTC), ``window_days`` (Int64,
            the longest conversion window) and ``variations`` (list of names). Where
            they did not come they are missing, with a warning.

        Raises
        ------
        RequestError
            The list was refused or did not come.
        PayloadError
            It is no list of campaigns.

        Examples
        --------
        >>> from braze_frames import connect
        >>> found = connect("sandbox").campaigns(name="subject test", details=True)
        >>> found["window_days"].tolist()
        [30]
        """
        query = {"include_archived": str(archived).lower()}
        if edited_since is not None:
            query["last_edit.time[gt]"] = edited_after(edited_since)

        def page(number: int) -> list[Any]:
            asked = {**query, "page": str(number)}
            answer = decoded(self._get(LIST, asked), LIST, "campaigns", list)
            return list(answer["campaigns"])

        rows = [row for row in listed_rows(page) if is_wanted(row, name, tag)]
        told = self._all_details([str(row["id"]) for row in rows]) if details else None
        return campaign_table(rows, told)

    def _all_details(self, ids: Sequence[str]) -> dict[str, dict[str, Any]]:
        """Return the details that came, by id; warn of those that did not."""
        told, lost = {}, []
        with self.fetch_details(ids) as answers:
            for number, body in answers:
                try:
                    if not isinstance(body, bytes):
                        raise body
                    told[ids[number]] = decoded(body, DETAILS, "messages", dict)
                except (RequestError, PayloadError) as error:
                    lost.append(f"{ids[number]}: {error}")
        if lost:
            warn(
                f"details did not come, of {listed(sorted(lost), '; ')}", PayloadWarning
            )
        return told

    def details(self, campaign_id: str) -> dict[str, Any]:
        """Return what ``/campaigns/details`` says: names, schedule, conversion events.

        Raises
        ------
        SourceError
            The id is no UUID.
        RequestError
            It was refused or did not come.
        """
        query = {_SERIES.id_key: check_campaign_id(str(campaign_id))}
        return decoded(self._get(DETAILS, query), DETAILS, "name", object)

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
        query = _series_query(campaign_id, length, ending_at)
        return decoded(self._get(_SERIES.path, query), _SERIES.path, "data", list)

    def fetch_series(self, jobs: Sequence[tuple[str, int, str]]) -> "Requests":
        """Ask for many series side by side.

        Parameters
        ----------
        jobs : sequence of (campaign id, length, ending at)

        Returns
        -------
        Requests
            Iterate over it for each job's number and its body or error, as they come;
            use it in ``with``. A refused key raises its ``AuthError`` at once.

        Notes
        -----
        Any early end closes the client, so that nothing goes on asking or waiting.
        What had come by then is in ``came()``.
        """
        return self._side_by_side(_SERIES.path, [_series_query(*job) for job in jobs])

    def fetch_details(
        self, campaign_ids: Sequence[str], *, once: bool = False
    ) -> "Requests":
        """Ask for many campaigns' details side by side; as ``fetch_series``.

        Parameters
        ----------
        campaign_ids : sequence of str
            Whose details.
        once : bool
            Ask for each one time, and wait for no rate limit.
        """
        queries = [{_SERIES.id_key: id_} for id_ in campaign_ids]
        return self._side_by_side(DETAILS, queries, once=once)

    def _side_by_side(
        self, path: str, queries: Sequence[Mapping[str, str]], *, once: bool = False
    ) -> "Requests":
        from braze_frames.transport.side_by_side import Requests

        def ask(number: int) -> bytes:
            return self._get(path, queries[number], once=once)

        return Requests(ask, len(queries), self._max_workers, self.close)

    def _get(self, path: str, query: Mapping[str, str], *, once: bool = False) -> bytes:
        answer = self._open_wires().get(self.url + path, query, once=once)
        if answer.status != 200:
            raise error_of(path, answer)
        return answer.body

    def _open_wires(self) -> "Wires":
        from braze_frames.transport.get import Wires

        process = os.getpid()
        wires = self._wires.get(process)
        if wires is None:
            fresh = Wires(
                self._key,
                loopback=self.host in LOOPBACK,
                retries=self._retries,
                timeout=self._timeout,
            )
            wires = self._wires.setdefault(process, fresh)
        return wires


def _at_least(name: str, value: int, least: int) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or value < least:
        raise ValueError(f"{name}={value!r}; it is a whole number, {least} or more")
    return value


def _seconds(timeout: float) -> float:
    number = isinstance(timeout, int | float) and not isinstance(timeout, bool)
    if not number or not 0 < timeout <= MOST_SECONDS:
        raise ValueError(
            f"timeout={timeout!r}; it is a number of seconds, up to {MOST_SECONDS}"
        )
    return float(timeout)


def _series_query(
    campaign_id: str, length: int, ending_at: str | datetime | None
) -> dict[str, str]:
    if isinstance(length, bool) or not isinstance(length, int):
        raise TypeError(f"length={length!r}; it is a whole number of days")
    if not 1 <= length <= _SERIES.most_days:
        raise ValueError(
            f"length={length}; the API gives 1 to {_SERIES.most_days} days at once. "
            "read_braze_series takes any range"
        )
    id_ = check_campaign_id(str(campaign_id))
    query = {_SERIES.id_key: id_, "length": str(length)}
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
