"""Which days are stored, when each was fetched, and which must be asked again."""

from collections.abc import Iterable, Sequence
from datetime import UTC, date, datetime, timedelta
from functools import lru_cache
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

import numpy as np

from braze_frames.core.arrays import Bools, Ints
from braze_frames.payload.batch import EVERY_DAY, Span

Run = tuple[int, int, int, int]
SETTLE_DAYS = 31
"""Braze's longest conversion window and one day: numbers of younger days still grow."""

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)


class FreshnessPolicy(NamedTuple):
    """When a stored day may still change, and how long it is not asked again."""

    settle_days: int
    max_age: timedelta


class Coverage(NamedTuple):
    """Stored days, ascending, in days since 1970-01-01.

    ``seen`` is when a day was fetched first, ``fetched`` when it was last: both in
    microseconds since 1970 in UTC.
    """

    days: Ints
    seen: Ints
    fetched: Ints


class Need(NamedTuple):
    """For each asked day: whether it must be fetched, and whether it is settled."""

    missing: Bools
    settled: Bools


def no_days() -> Coverage:
    """Return the coverage of nothing."""
    empty = np.empty(0, dtype=np.int64)
    return Coverage(empty, empty, empty)


def moment_of(instant: datetime) -> int:
    """Return an instant in microseconds since 1970.

    Examples
    --------
    >>> moment_of(datetime(1970, 1, 1, 0, 0, 1, tzinfo=UTC))
    1000000
    """
    return (instant - _EPOCH) // _MICROSECOND


def instant_of(moment: int) -> datetime:
    """Return the instant, in UTC, that lies so many microseconds after 1970."""
    return _EPOCH + timedelta(microseconds=moment)


def fetched_now(days: Ints, moment: int) -> Coverage:
    """Return the coverage of days that were fetched for the first time."""
    return Coverage(days, np.full(len(days), moment), np.full(len(days), moment))


def keep(coverage: Coverage, days: Bools) -> Coverage:
    """Return the coverage of some of the days."""
    return Coverage(*(part[days] for part in coverage))


def since_last_fetch(coverage: Coverage) -> Coverage:
    """Return the coverage where nothing is known of what was before the last fetch."""
    return coverage._replace(seen=coverage.fetched)


def within(coverage: Coverage, span: Span) -> Coverage:
    """Return the coverage of the days of ``span``."""
    days = coverage.days
    if not len(days) or (span.first <= days[0] and days[-1] <= span.last):
        return coverage
    return keep(coverage, (days >= span.first) & (days <= span.last))


def fetch_again(coverage: Coverage, fetched: Coverage) -> Coverage:
    """Return both together; a day of both keeps the earlier moment as first seen."""
    seen = dict(zip(coverage.days.tolist(), coverage.seen.tolist(), strict=True))
    first = [
        min(seen.get(day, new), new)
        for day, new in zip(fetched.days.tolist(), fetched.seen.tolist(), strict=True)
    ]
    news = fetched._replace(seen=np.array(first, dtype=np.int64))
    left = keep(coverage, ~np.isin(coverage.days, fetched.days))
    return _sorted([left, news])


def in_all(coverages: Sequence[Coverage]) -> Coverage:
    """Return the days that all cover, each as old as in the oldest of them."""
    whole, *others = coverages
    for other in others:
        if other is whole:
            continue
        days, here, there = _shared(whole.days, other.days)
        whole = Coverage(
            days,
            np.maximum(whole.seen[here], other.seen[there]),
            np.minimum(whole.fetched[here], other.fetched[there]),
        )
    return whole


def _shared(one: Ints, other: Ints) -> tuple[Ints, Any, Any]:
    """Return the days of both, and where they are in each: most often everywhere."""
    if np.array_equal(one, other):
        return one, slice(None), slice(None)
    return np.intersect1d(one, other, assume_unique=True, return_indices=True)


def runs_of(coverage: Coverage) -> list[Run]:
    """Return runs of days with the same moments: first day, how many, seen, fetched.

    Examples
    --------
    >>> runs_of(fetched_now(np.array([10, 11, 12, 20]), 5))
    [(10, 3, 5, 5), (20, 1, 5, 5)]
    """
    breaks = np.ones(len(coverage.days), dtype=bool)
    breaks[1:] = np.diff(coverage.days) != 1
    for moments in (coverage.seen, coverage.fetched):
        breaks[1:] |= np.diff(moments) != 0
    starts = np.flatnonzero(breaks)
    sizes = np.diff(starts, append=len(breaks))
    parts = (coverage.days[starts], sizes, coverage.seen[starts])
    columns = (part.tolist() for part in (*parts, coverage.fetched[starts]))
    return list(zip(*columns, strict=True))


def from_runs(runs: Iterable[Sequence[int]]) -> Coverage:
    """Return the coverage that ``runs_of`` gave these runs for.

    Raises
    ------
    ValueError
        They are no days, or not ascending: a file was damaged.
    """
    table = [tuple(map(int, run)) for run in runs]
    end = EVERY_DAY.first
    for first, size, _, _ in table:
        if size < 1 or first < end:
            raise ValueError("runs of days that overlap, or that no calendar has")
        end = first + size
    if end > EVERY_DAY.last + 1:
        raise ValueError("days that no calendar has")
    return _spread(tuple(table))


# Most often the files of a campaign, which are read one after the other, hold the same.
@lru_cache(maxsize=8)
def _spread(runs: tuple[Run, ...]) -> Coverage:
    if not runs:
        return no_days()
    _, sizes, seen, fetched = (
        np.array(part, np.int64) for part in zip(*runs, strict=True)
    )
    days = [np.arange(first, first + size) for first, size, _, _ in runs]
    parts = np.concatenate(days), np.repeat(seen, sizes), np.repeat(fetched, sizes)
    for part in parts:
        part.flags.writeable = False  # many share it
    return Coverage(*parts)


def settled_days(coverage: Coverage, now: datetime, terms: FreshnessPolicy) -> Bools:
    """Tell which stored days can no longer change.

    A day is settled that was ``settle_days`` old when it was last fetched, and the day
    of the fetch itself never is. ``now`` is in the company's time zone; a fetch that
    lies after it (a clock was wrong) counts as one of this moment.
    """
    known = np.minimum(coverage.fetched, moment_of(now))
    moments, which = known[:1], np.zeros(len(known), dtype=np.int64)
    if (known != moments).any():  # most often all days are of one fetch
        moments, which = np.unique(known, return_inverse=True)
    local = [_day_of(moment, now) for moment in moments.tolist()]
    fetched_on = np.array(local, dtype=np.int64)[which]
    settled: Bools = fetched_on - coverage.days >= max(terms.settle_days, 1)
    return settled


def last_settled(coverage: Coverage, tz: str, terms: FreshnessPolicy) -> int | None:
    """Return the last stored day up to which all are settled; None where none is."""
    newest = instant_of(int(coverage.fetched.max())).astimezone(ZoneInfo(tz))
    still_open = np.flatnonzero(~settled_days(coverage, newest, terms))
    settled = still_open[0] if len(still_open) else len(coverage.days)
    return int(coverage.days[settled - 1]) if settled else None


def what_to_fetch(
    coverage: Coverage, asked: Span, now: datetime, terms: FreshnessPolicy
) -> Need:
    """Tell which of the asked days must be fetched.

    Missing are days that are not stored, and days that are not settled and whose last
    fetch is more than ``max_age`` ago, or after ``now``.
    """
    stored = within(coverage, asked)
    age = moment_of(now) - stored.fetched
    fresh = (age >= 0) & (age <= terms.max_age // _MICROSECOND)
    settled = settled_days(stored, now, terms)
    need = Need(*(np.zeros(asked.last - asked.first + 1, dtype=bool) for _ in "ms"))
    places = stored.days - asked.first
    need.missing[:] = True
    need.missing[places] = ~(settled | fresh)
    need.settled[places] = settled
    return need


def _day_of(moment: int, now: datetime) -> int:
    local = instant_of(moment).astimezone(now.tzinfo).date()
    return (local - date(1970, 1, 1)).days


def _sorted(coverages: Sequence[Coverage]) -> Coverage:
    joined = [np.concatenate(parts) for parts in zip(*coverages, strict=True)]
    order = np.argsort(joined[0], kind="stable")
    return Coverage(*(part[order] for part in joined))
