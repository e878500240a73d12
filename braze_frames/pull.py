"""Campaigns → batches: from files one by one, from the API many windows at once."""

import warnings
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import date, timedelta
from typing import NamedTuple

import numpy as np

from .client import BrazeClient
from .errors import BrazeError, PayloadError, WindowWarning
from .frame import Campaign
from .overlaps import join_days, select_days
from .payload import EVERY_DAY, Batch, Span, decode, has_booleans, parse
from .sources import Item, answers_of
from .windows import Window, ending_at, plan_windows

_EPOCH = date(1970, 1, 1)


class Pulled(NamedTuple):
    """What came: campaigns in the order asked, and the error of each that failed."""

    campaigns: list[Campaign]
    failed: dict[str, BrazeError]


class _Job(NamedTuple):
    """One request: ``window`` of campaign ``id``, asked to end on ``ending``."""

    id: str
    window: Window
    ending: date


class _Answers(NamedTuple):
    batches: dict[str, list[Batch]]
    failed: dict[str, BrazeError]


def span_of(first: date | None, last: date | None) -> Span:
    """Return the days from ``first`` to ``last``; None is no limit.

    Examples
    --------
    >>> span_of(date(1970, 1, 2), date(1970, 1, 31))
    Span(first=1, last=30)
    """
    return Span(
        EVERY_DAY.first if first is None else (first - _EPOCH).days,
        EVERY_DAY.last if last is None else (last - _EPOCH).days,
    )


def pull_local(items: Sequence[Item], span: Span) -> Pulled:
    """Read campaigns from files, responses and rows."""
    pulled = Pulled([], {})
    for item in items:
        try:
            batches = [
                parse(answer.tree, answer.origin, span, careful=answer.careful)
                for answer in answers_of(item)
            ]
            joined = join_days(batches, restated=False)
        except BrazeError as error:
            pulled.failed[item.label] = error
        else:
            pulled.campaigns.append(Campaign(item.label, joined, {}))
    return pulled


def newest_day(pulled: Pulled) -> int:
    """Return the newest day that came, in days since 1970-01-01."""
    days = [
        int(batch.days.max())
        for campaign in pulled.campaigns
        for batch in campaign.batches
        if len(batch.days)
    ]
    return max(days, default=0)


def cut_days(pulled: Pulled, span: Span) -> Pulled:
    """Leave out the days before and after ``span``."""
    campaigns = [
        campaign._replace(
            batches=[
                select_days(
                    batch, (batch.days >= span.first) & (batch.days <= span.last)
                )
                for batch in campaign.batches
            ]
        )
        for campaign in pulled.campaigns
    ]
    return pulled._replace(campaigns=campaigns)


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
    ids = list(dict.fromkeys(item.id for item in items if item.id))
    answers = _Answers({id_: [] for id_ in ids}, {})
    windows = plan_windows(first, last)
    jobs = [_Job(id_, window, window.last) for id_ in ids for window in windows]
    with _bar(len(jobs), shown=progress) as advance:
        shifted = list(_fetch(jobs, client, answers, advance))
        for job in _fetch(shifted, client, answers, lambda: None):
            _refuse(job, answers)
    _warn_of_shift(shifted, client)
    names = _variation_names(ids, client, answers) if details else {}
    return _sorted_out(items, answers, names)


def _fetch(
    jobs: Sequence[_Job],
    client: BrazeClient,
    answers: _Answers,
    advance: Callable[[], object],
) -> Iterator[_Job]:
    """Read the answers to ``jobs``; yield what must be asked again, a day apart."""
    asked = [
        (job.id, job.window.length, ending_at(job.ending, client.zone)) for job in jobs
    ]
    for number, body in client.fetch_series(asked):
        advance()
        job = jobs[number]
        try:
            batch = _read(job, body)
        except BrazeError as error:
            answers.failed.setdefault(job.id, error)
            continue
        if len(np.unique(batch.days)) == job.window.length:
            answers.batches[job.id].append(batch)
        else:
            yield _moved(job, batch)


def _read(job: _Job, body: bytes | BrazeError) -> Batch:
    if isinstance(body, BrazeError):
        raise body
    origin = f"campaign {job.id}"
    span = span_of(job.window.first, job.window.last)
    return parse(decode(body, origin), origin, span, careful=has_booleans(body))


def _moved(job: _Job, batch: Batch) -> _Job:
    """Ask for the same days by ending earlier or later, by what the answer was off."""
    off = int(batch.answered.max()) if len(batch.answered) else 0
    shift = off - span_of(None, job.window.last).last if off else 0
    return job._replace(ending=job.ending - timedelta(days=shift))


def _refuse(job: _Job, answers: _Answers) -> None:
    answers.failed.setdefault(
        job.id,
        PayloadError(
            f"campaign {job.id}: the answer lacks days of {job.window.first} … "
            f"{job.window.last} that were asked for; ask again, and check `tz`"
        ),
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


def _variation_names(
    ids: Sequence[str], client: BrazeClient, answers: _Answers
) -> dict[str, dict[str, str]]:
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
    items: Sequence[Item], answers: _Answers, names: dict[str, dict[str, str]]
) -> Pulled:
    pulled = Pulled([], {})
    for item in items:
        id_ = str(item.id)
        if id_ in answers.failed:
            pulled.failed[item.label] = answers.failed[id_]
        else:
            batches = sorted(answers.batches[id_], key=lambda batch: batch.days[0])
            joined = join_days(batches, restated=True)
            pulled.campaigns.append(Campaign(item.label, joined, names.get(id_, {})))
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
