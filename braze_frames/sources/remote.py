"""Campaigns from the API: all windows side by side."""

import warnings
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import date, timedelta
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from braze_frames.api.client import BrazeClient
from braze_frames.api.details import Details, details_in
from braze_frames.api.windows import Window, ending_at, plan_windows
from braze_frames.core.arguments import asked_days
from braze_frames.core.arrays import Ints
from braze_frames.errors import (
    AuthError,
    BrazeError,
    PayloadError,
    WindowWarning,
    listed,
    warn,
)
from braze_frames.payload.batch import Batch
from braze_frames.payload.labels import lacks_names
from braze_frames.payload.series import decode, parse_body
from braze_frames.sources.plan import (
    Found,
    Pulled,
    ReadPlan,
    Request,
    collect,
    each,
    last_settled_on,
    only_ours,
    provenance,
    put_together,
    span_of,
)
from braze_frames.storage.coverage import SETTLE_DAYS

if TYPE_CHECKING:
    from braze_frames.transport.side_by_side import Requests


class Arrival(NamedTuple):
    """What came of one campaign, the windows that did not, and why.

    ``few`` are windows of which the answer held the last days alone.
    """

    id: str
    batches: list[Batch]
    lost: list[Window]
    error: BrazeError | None
    few: list[Window]


def read_remote(request: Request, plan: ReadPlan, client: BrazeClient) -> Pulled:
    """Read campaigns from the API: each id once, all windows side by side.

    Raises
    ------
    AuthError
        At once, since no other request would fare better.
    """
    windows = plan_windows(*asked_days(plan.days, client.today()))
    fetch = Fetch(client, dict.fromkeys(request.ids, windows), progress=plan.progress)
    with ending(client):
        arrivals = list(fetch)
        came = {one.id: one.batches for one in arrivals if one.error is None}
        failed = {one.id: one.error for one in arrivals if one.error is not None}
        unnamed = [id_ for id_, batches in came.items() if must_ask(plan, batches)]
        details, lost = fetch_details(unnamed, client, must=bool(plan.details))

    def finished(id_: str) -> Found:
        told = details.get(id_)
        settled = last_settled_on(client.today(), told, SETTLE_DAYS)
        return put_together(sorted(came[id_], key=_first_day), told, settled)

    found, odd = each(finished, [id_ for id_ in came if id_ not in lost])
    errors = request.labelled(failed | lost | odd)
    about = provenance(client, client.now())
    return collect(request, request.labelled(found), errors, about)


def _first_day(batch: Batch) -> int:
    return int(batch.days[0])


def must_ask(
    plan: ReadPlan,
    batches: Sequence[Batch],
    known: Details | None = None,
    *,
    served: bool = False,
) -> bool:
    """Tell whether a campaign's details must be asked.

    Parameters
    ----------
    plan : ReadPlan
        Its ``details``: False never asks, None where a variation has no name.
    batches : sequence of Batch
        The days read.
    known : Details, optional
        What was said before; None where they were not asked.
    served : bool
        Whether a cache gave all days: then what was asked once is not asked again.
    """
    if plan.details is False:
        return False
    if known is None or plan.refresh:
        return bool(plan.details) or lacks_names(batches, {})
    if plan.details and not known.known:
        return True
    return not served and lacks_names(batches, known.names)


@contextmanager
def ending(client: BrazeClient) -> Iterator[None]:
    """Close the client where a pull ends early, so that no thread goes on asking."""
    try:
        yield
    except BaseException:
        client.close()
        raise


class _Job(NamedTuple):
    """One request: ``window`` of campaign ``id``, asked to end on ``ending``."""

    id: str
    window: Window
    ending: date


class Fetch:
    """Windows of many campaigns: iterate over it to ask for them.

    Yields
    ------
    Arrival
        Each campaign once nothing of it is awaited any more.

    Raises
    ------
    AuthError
        At once, since no other request would fare better.
    """

    def __init__(
        self,
        client: BrazeClient,
        plans: Mapping[str, Sequence[Window]],
        *,
        progress: bool,
    ) -> None:
        self._client, self._progress = client, progress
        self._requests: Requests | None = None
        self._jobs: Sequence[_Job] = [
            _Job(id_, window, window.last)
            for id_, windows in plans.items()
            for window in windows
        ]
        self._awaited = {id_: len(windows) for id_, windows in plans.items()}
        self._said: dict[str, list[str]] = {}
        self._came = {id_: Arrival(id_, [], [], None, []) for id_ in plans}

    def __iter__(self) -> Iterator[Arrival]:
        shifted: list[_Job] = []
        with _bar(len(self._jobs), shown=self._progress) as advance:
            for job, body in self._ask(self._jobs):
                advance()
                again = self._take(job, body)
                if again is not None:
                    shifted.append(again)
                yield from self._complete(job.id)
        for job, body in self._ask(shifted):
            if self._take(job, body) is not None:
                self._lose(job, _lacks_days(job, self._said.get(job.id, [])))
            yield from self._complete(job.id)
        _warn_of_shift(shifted, self._client)
        _warn_of_few(self._came.values())

    def rest(self) -> list[Arrival]:
        """Return what came of campaigns that were not handed over, or only just."""
        for number, body in self._requests.came() if self._requests else ():
            self._take(self._jobs[number], body)
        return [self._came[id_] for id_ in self._awaited if self._came[id_].batches]

    def _ask(self, jobs: Sequence[_Job]) -> Iterator[tuple[_Job, bytes | BrazeError]]:
        zone = self._client.zone
        asked = [
            (job.id, job.window.length, ending_at(job.ending, zone)) for job in jobs
        ]
        with self._client.fetch_series(asked) as requests:
            self._jobs, self._requests = jobs, requests
            for number, body in requests:
                yield jobs[number], body

    def _take(self, job: _Job, body: bytes | BrazeError) -> _Job | None:
        """Read an answer; return what must be asked again, a day apart."""
        try:
            with only_ours(f"campaign {job.id}"):
                batch = _read(job, body)
        except BrazeError as error:
            self._lose(job, error)
            return None
        days = np.unique(batch.days)
        if len(days) != job.window.length:
            if not _is_end(batch, days, job.window):
                self._said[job.id] = batch.messages
                return _moved(job, batch)
            self._came[job.id].few.append(job.window)
        self._came[job.id].batches.append(batch)
        self._awaited[job.id] -= 1
        return None

    def _lose(self, job: _Job, error: BrazeError) -> None:
        came = self._came[job.id]
        came.lost.append(job.window)
        self._came[job.id] = came._replace(error=came.error or error)
        self._awaited[job.id] -= 1

    def _complete(self, id_: str) -> Iterator[Arrival]:
        if self._awaited.get(id_) == 0:
            yield self._came[id_]
            # Only now: whoever is interrupted while storing it finds it in the rest.
            del self._awaited[id_]


def _read(job: _Job, body: bytes | BrazeError) -> Batch:
    if isinstance(body, BrazeError):
        raise body
    origin = f"campaign {job.id}"
    span = span_of(job.window.first, job.window.last)
    return parse_body(body, origin, span)


def _is_end(batch: Batch, days: Ints, window: Window) -> bool:
    """Whether an answer holds the last days of a window, without a gap, and no later.

    The documentation promises no more: ``length`` is the most days that come.
    """
    last = span_of(None, window.last).last
    return (
        len(days) > 0
        and batch.answered.max() == last == days[-1]
        and days[-1] - days[0] + 1 == len(days)
    )


def _moved(job: _Job, batch: Batch) -> _Job:
    """Ask for the same days by ending earlier or later, by what the answer was off."""
    off = int(batch.answered.max()) if len(batch.answered) else 0
    shift = off - span_of(None, job.window.last).last if off else 0
    return job._replace(ending=job.ending - timedelta(days=shift))


def _lacks_days(job: _Job, said: Sequence[str]) -> PayloadError:
    told = f" (the server reports {listed(said, '; ')[:200]})" if said else ""
    return PayloadError(
        f"campaign {job.id}: the answer lacks days of {job.window.first} … "
        f"{job.window.last} that were asked for{told}; ask again, and check `tz`"
    )


def _warn_of_few(came: Iterable[Arrival]) -> None:
    short = [f"{one.id} ({one.few[0].first} …)" for one in came if one.few]
    if short:
        warn(
            f"of {listed(short)} fewer days came than were asked for: the last ones; "
            "the days before them are not in the frame",
            WindowWarning,
        )


def _warn_of_shift(again: Sequence[_Job], client: BrazeClient) -> None:
    shifted = [job for job in again if job.ending != job.window.last]
    if shifted:
        warn(
            f"{len(shifted)} answers were shifted by a day and asked again: the "
            f"company's time zone is not tz={client.tz!r}. Pass the company's zone as "
            "tz= to connect, or set BRAZE_TZ",
            WindowWarning,
        )


def fetch_details(
    ids: Sequence[str], client: BrazeClient, *, must: bool
) -> tuple[dict[str, Details], dict[str, BrazeError]]:
    """Ask for campaigns' details; return them and the errors, by id.

    Parameters
    ----------
    ids : sequence of str
        The campaigns.
    client : BrazeClient
        Whom to ask.
    must : bool
        Whether a failure is one. Else each is asked in one try, and one that cannot be
        had is unknown.

    Raises
    ------
    AuthError
        The key is refused; where details must come, also where it may not read them.
    """
    found: dict[str, Details] = {}
    failed: dict[str, BrazeError] = {}
    if not ids:
        return found, failed
    for id_, body in _details_asked(ids, client, must=must):
        try:
            with only_ours(f"details of campaign {id_}"):
                found[id_] = _details(body, f"details of campaign {id_}")
        except BrazeError as error:
            failed[id_] = error
    if must:
        return found, failed
    return dict.fromkeys(ids, Details.unknown()) | found, {}


def _details_asked(
    ids: Sequence[str], client: BrazeClient, *, must: bool
) -> Iterator[tuple[str, bytes | BrazeError]]:
    try:
        with client.fetch_details(ids, once=not must) as requests:
            for number, body in requests:
                yield ids[number], body
    except AuthError as error:
        # 403: the key is right but may not read details, as many a key may not.
        if must or error.status != 403:
            raise


def _details(body: bytes | BrazeError, origin: str) -> Details:
    if isinstance(body, BrazeError):
        raise body
    return details_in(decode(body, origin), origin)


@contextmanager
def _bar(total: int, *, shown: bool) -> Iterator[Callable[[], object]]:
    """Show a progress bar once the work takes more than a second."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="IProgress not found")
        from tqdm.auto import tqdm

        # After a second: most reads are over by then, and leave no line behind.
        bar = tqdm(total=total, delay=1, leave=False, unit="request", disable=not shown)
    with bar:
        yield bar.update
