"""Campaigns → batches: from files one by one, from the API many windows at once."""

import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import date, timedelta
from typing import NamedTuple

import numpy as np

from braze_frames.api.client import BrazeClient
from braze_frames.api.windows import Window, ending_at, plan_windows
from braze_frames.errors import BrazeError, CacheError, PayloadError, WindowWarning
from braze_frames.payload.batch import Batch
from braze_frames.payload.series import decode, has_booleans, parse_answer
from braze_frames.sources.plan import Item, Pulled, span_of


class _Job(NamedTuple):
    """One request: ``window`` of campaign ``id``, asked to end on ``ending``."""

    id: str
    window: Window
    ending: date


class Answers(NamedTuple):
    """What came of the requests, by campaign id; ``lost`` are windows that did not."""

    batches: dict[str, list[Batch]]
    failed: dict[str, BrazeError]
    lost: dict[str, list[Window]]


def pull_remote(
    items: Sequence[Item],
    client: BrazeClient,
    first: date,
    last: date,
    *,
    details: bool,
    progress: bool,
) -> Pulled:
    """Read campaigns from the API: each id once, all windows side by side.

    Raises
    ------
    AuthError
        At once, since no other request would fare better.
    """
    ids = ids_of(items)
    windows = plan_windows(first, last)
    plans = dict.fromkeys(ids, windows)
    answers = fetch_windows(plans, client, progress=progress)
    names = fetch_names(ids, client, answers) if details else {}
    return _sorted_out(items, answers, names)


def ids_of(items: Sequence[Item]) -> list[str]:
    """Return the campaigns' ids, each once."""
    return list(dict.fromkeys(item.id for item in items if item.id))


def fetch_windows(
    plans: Mapping[str, Sequence[Window]],
    client: BrazeClient,
    *,
    progress: bool,
    arrived: Callable[[str, list[Batch]], None] = lambda *_: None,
) -> Answers:
    """Ask for windows of many campaigns side by side.

    Parameters
    ----------
    plans : mapping
        Campaign id → the windows to ask for.
    client : BrazeClient
        Whom to ask.
    progress : bool
        Show a progress bar.
    arrived : callable, optional
        Takes a campaign's id and answers once nothing of it is awaited any more; also
        what came of others when the pull ends early.

    Raises
    ------
    AuthError
        At once, since no other request would fare better.
    """
    fetch = _Fetch(client, plans, arrived)
    jobs = [
        _Job(id_, window, window.last)
        for id_, windows in plans.items()
        for window in windows
    ]
    try:
        with _bar(len(jobs), shown=progress) as advance:
            shifted = list(fetch.ask(jobs, advance))
            for job in fetch.ask(shifted, lambda: None):
                fetch.lose(job, _lacks_days(job))
    except CacheError:
        raise
    except BaseException:
        fetch.hand_over()
        raise
    _warn_of_shift(shifted, client)
    return fetch.answers


class _Fetch:
    """One pull: what came, what failed, and how many windows are awaited."""

    def __init__(
        self,
        client: BrazeClient,
        plans: Mapping[str, Sequence[Window]],
        arrived: Callable[[str, list[Batch]], None],
    ) -> None:
        self.client, self.arrived = client, arrived
        self.answers = Answers({id_: [] for id_ in plans}, {}, {})
        self.awaited = {id_: len(windows) for id_, windows in plans.items()}

    def ask(
        self, jobs: Sequence[_Job], advance: Callable[[], object]
    ) -> Iterator[_Job]:
        """Read the answers to ``jobs``; yield what must be asked again, a day apart."""
        zone = self.client.zone
        asked = [
            (job.id, job.window.length, ending_at(job.ending, zone)) for job in jobs
        ]
        for number, body in self.client.fetch_series(asked):
            advance()
            job = jobs[number]
            try:
                batch = _read(job, body)
            except BrazeError as error:
                self.lose(job, error)
                continue
            if len(np.unique(batch.days)) == job.window.length:
                self.answers.batches[job.id].append(batch)
                self._done(job)
            else:
                yield _moved(job, batch)

    def lose(self, job: _Job, error: BrazeError) -> None:
        """Note that a window did not come."""
        self.answers.failed.setdefault(job.id, error)
        self.answers.lost.setdefault(job.id, []).append(job.window)
        self._done(job)

    def _done(self, job: _Job) -> None:
        if self.awaited[job.id] == 1:
            self._hand_over(job.id)
        self.awaited[job.id] -= (
            1  # only now: after an interrupt it is handed over again
        )

    def hand_over(self) -> None:
        """Hand over what came of campaigns that are not complete."""
        for id_, count in self.awaited.items():
            if count:
                self._hand_over(id_)

    def _hand_over(self, id_: str) -> None:
        batches = self.answers.batches[id_]
        if not batches:
            return
        try:
            self.arrived(id_, batches)
        except PayloadError as error:
            self.answers.failed.setdefault(id_, error)


def _read(job: _Job, body: bytes | BrazeError) -> Batch:
    if isinstance(body, BrazeError):
        raise body
    origin = f"campaign {job.id}"
    span = span_of(job.window.first, job.window.last)
    return parse_answer(decode(body, origin), origin, span, careful=has_booleans(body))


def _moved(job: _Job, batch: Batch) -> _Job:
    """Ask for the same days by ending earlier or later, by what the answer was off."""
    off = int(batch.answered.max()) if len(batch.answered) else 0
    shift = off - span_of(None, job.window.last).last if off else 0
    return job._replace(ending=job.ending - timedelta(days=shift))


def _lacks_days(job: _Job) -> PayloadError:
    return PayloadError(
        f"campaign {job.id}: the answer lacks days of {job.window.first} … "
        f"{job.window.last} that were asked for; ask again, and check `tz`"
    )


def _warn_of_shift(shifted: Sequence[_Job], client: BrazeClient) -> None:
    if shifted:
        warnings.warn(
            f"{len(shifted)} answers were shifted by a day and asked again: the "
            f"company's time zone is not tz={client.tz!r}. Pass the company's zone as "
            "tz= to connect, or set BRAZE_TZ",
            WindowWarning,
            stacklevel=4,
        )


def fetch_names(
    ids: Sequence[str], client: BrazeClient, answers: Answers
) -> dict[str, dict[str, str]]:
    """Return campaign id → the names of its variations, by variation id.

    Raises
    ------
    AuthError
        At once, since no other request would fare better.
    """
    names: dict[str, dict[str, str]] = {}
    for number, body in client.fetch_details(ids):
        id_ = ids[number]
        try:
            names[id_] = _names_in(body, f"details of campaign {id_}")
        except BrazeError as error:
            answers.failed.setdefault(id_, error)
    return names


def _names_in(body: bytes | BrazeError, origin: str) -> dict[str, str]:
    if isinstance(body, BrazeError):
        raise body
    details = decode(body, origin)
    messages = details.get("messages") if isinstance(details, dict) else None
    if not isinstance(messages, dict):
        raise PayloadError(f"{origin} have no `messages`; read without details=True")
    return {
        variation: str(message["name"])
        for variation, message in messages.items()
        if isinstance(message, dict) and message.get("name")
    }


def _sorted_out(
    items: Sequence[Item], answers: Answers, names: dict[str, dict[str, str]]
) -> Pulled:
    pulled = Pulled([], {})
    for item in items:
        id_ = str(item.id)
        if id_ in answers.failed:
            pulled.failed[item.label] = answers.failed[id_]
            continue
        batches = sorted(answers.batches[id_], key=lambda batch: batch.days[0])
        pulled.add(item.label, batches, names.get(id_))
    return pulled


@contextmanager
def _bar(total: int, *, shown: bool) -> Iterator[Callable[[], object]]:
    """Show a progress bar once the work takes more than a second."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="IProgress not found")
        from tqdm.auto import tqdm

        bar = tqdm(total=total, delay=1, leave=False, unit="request", disable=not shown)
    with bar:
        yield bar.update
