"""Campaigns through a cache: what is missing is asked and stored, then all is read."""

import os
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import date, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import NamedTuple, TypeVar

import numpy as np

from .changes import as_of
from .client import BrazeClient
from .coverage import (
    Coverage,
    Terms,
    keep,
    moment_of,
    since_last_fetch,
    what_to_fetch,
    within,
)
from .errors import BrazeError, CacheError, RequestError, listed
from .frame import Campaign, Grain
from .layout import About, Given
from .metrics import STAT, VARIATION_ID
from .overlaps import owner
from .packing import Ints
from .payload import Batch, Span
from .pull import Answers, Pulled, fetch_names, fetch_windows, ids_of, span_of
from .sources import Item
from .store import EVERYTHING, CampaignFiles, News, Stored
from .windows import Window, plan_days, plan_windows

_THREADS = min(4, os.cpu_count() or 1)
_EPOCH = date(1970, 1, 1)

_R = TypeVar("_R")
Moment = Callable[[str], int]

_FILES: dict[Grain, tuple[Given, ...]] = {
    "variation": ("campaign", "variation", "extra"),
    "campaign": ("campaign", "extra"),
    "element": ("variation", "element"),
}
"""What a grain is made of: day totals may fill variations, labels come from them."""


class Part(NamedTuple):
    """Which files and stats a read needs; stats of None are all.

    ``fill`` when day totals are only read to fill a campaign's one variation.
    """

    files: tuple[Given, ...]
    stats: frozenset[str] | None
    fill: bool


class Asked(NamedTuple):
    """What a read asks for: the days, both included, and what of them."""

    first: date
    last: date
    part: Part

    @property
    def span(self) -> Span:
        """The days as numbers."""
        return span_of(self.first, self.last)


class Held(NamedTuple):
    """What a cache holds of one campaign."""

    batches: list[Batch]
    about: About | None
    coverage: Coverage


def part_of(grains: Iterable[Grain], columns: Iterable[str] | None) -> Part:
    """Return what must be read for some grains and columns.

    Examples
    --------
    >>> part_of(["campaign"], ["revenue"])
    Part(files=('campaign',), stats=frozenset({'revenue'}), fill=False)
    """
    grains = list(grains)
    files = dict.fromkeys(name for grain in grains for name in _FILES[grain])
    stats = None if columns is None else frozenset(map(str, columns))
    if grains == ["element"]:
        stats = frozenset()
    if stats is not None and stats <= {*STAT, VARIATION_ID}:
        files.pop("extra", None)
    return Part(tuple(files), stats, fill="campaign" not in grains)


def pull_cached(
    items: Sequence[Item],
    client: BrazeClient,
    root: Path,
    terms: Terms,
    asked: Asked,
    *,
    details: bool = False,
    refresh: bool = False,
    progress: bool = True,
) -> Pulled:
    """Read campaigns from an endpoint's folder, after asking the API what it lacks.

    Raises
    ------
    AuthError
        At once; what came before is stored.
    CacheError
        What came cannot be stored.
    """
    ids, now = ids_of(items), client.now()
    shelf = {id_: CampaignFiles(root, id_) for id_ in ids}

    def look(id_: str) -> "_Look":
        return _look(shelf[id_], asked, now, None if refresh else terms)

    looks, failed = _each(look, ids)
    plans = {id_: one.windows for id_, one in looks.items() if one.windows}
    labels = {str(item.id): item.label for item in items if item.label != item.id}
    names: dict[str, dict[str, str]] = {}

    def store(id_: str, batches: Sequence[Batch]) -> None:
        about = labels.get(id_), names.get(id_)
        shelf[id_].write(News(batches, moment_of(now), client.tz, *about))

    if details:
        unnamed = [i for i, one in looks.items() if one.windows or one.names is None]
        names |= fetch_names(unnamed, client, Answers({}, failed, {}))
        for id_ in names.keys() - plans.keys():
            store(id_, [])
            looks[id_] = look(id_)
    shown = progress and bool(plans)
    came = fetch_windows(plans, client, progress=shown, arrived=store)
    for id_, error in came.failed.items():
        failed.setdefault(id_, _naming_days(id_, error, came.lost.get(id_, [])))
    held, lost = _each(
        lambda id_: _all_of(_held(shelf[id_], asked.span, asked.part), asked),
        [id_ for id_ in ids if id_ in plans and id_ not in failed],
    )
    held |= {id_: one.held for id_, one in looks.items() if one.held}
    return _sorted_out(items, held, failed | lost, details=details)


class _Look(NamedTuple):
    """What a cache holds of the days asked, or the windows that it lacks."""

    held: Held | None
    windows: list[Window]
    names: dict[str, str] | None


def _look(
    files: CampaignFiles, asked: Asked, now: datetime, terms: Terms | None
) -> _Look:
    """Read what is asked if nothing of it must be fetched; without terms all must."""

    def use(stored: Stored) -> _Look:
        names = stored.about.names if stored.about else None
        if terms is None:
            return _Look(None, plan_windows(asked.first, asked.last), names)
        need = what_to_fetch(stored.coverage, asked.span, now, terms)
        if need.missing.any():
            missing, settled = need.missing.tolist(), need.settled.tolist()
            return _Look(None, plan_days(asked.first, missing, settled), names)
        return _Look(_read(files, stored, asked.span, asked.part), [], names)

    look = files.using(asked.part.files, use, fill=asked.part.fill)
    if look.held and _lacks_totals(look.held, asked.part):
        return files.using(asked.part.files, use)
    return look


def _lacks_totals(held: Held, part: Part) -> bool:
    """Whether a campaign with several variations has one in the days that were read."""
    if not (part.fill and "campaign" in part.files and held.about):
        return False
    (batch,) = held.batches
    return held.about.variations > 1 and len(set(map(owner, batch.keys))) == 1


def _held(
    files: CampaignFiles, span: Span, part: Part, at: Moment | None = None
) -> Held:
    """Read the stored days of ``span``, as they stood at a moment if one is given."""

    def use(stored: Stored) -> Held:
        return _read(files, stored, span, part)

    if at is None:
        held = files.using(part.files, use, fill=part.fill)
        return files.using(part.files, use) if _lacks_totals(held, part) else held
    return files.using(EVERYTHING, lambda stored: _read_at(files, stored, span, at))


def _read(files: CampaignFiles, stored: Stored, span: Span, part: Part) -> Held:
    coverage = within(stored.coverage, span)
    batch = files.read(stored, coverage.days, part.stats)
    return Held([batch], stored.about, coverage)


def _read_at(files: CampaignFiles, stored: Stored, span: Span, at: Moment) -> Held:
    coverage = within(stored.coverage, span)
    if files.has_lost_history(stored.about):
        coverage = since_last_fetch(coverage)
    moment = at(stored.about.tz if stored.about else "UTC")
    coverage = keep(coverage, coverage.seen <= moment)
    batch = files.read(stored, coverage.days)
    batches = as_of(batch, files.changes(coverage.days), moment)
    return Held(batches, stored.about, coverage)


def _all_of(held: Held, asked: Asked) -> Held:
    """Return what is held if it is all that was asked.

    Raises
    ------
    CacheError
        Days are missing; names them.
    """
    days: Ints = np.arange(asked.span.first, asked.span.last + 1)
    missing = np.setdiff1d(days, held.coverage.days)
    if len(missing):
        origin = held.batches[0].origin
        raise CacheError(
            f"{origin}: {_days_text(missing)} were not stored then; ask for days that "
            "were, or look back to a later moment"
        )
    return held


def _naming_days(id_: str, error: BrazeError, lost: Sequence[Window]) -> BrazeError:
    """Return the error with the days that it left missing."""
    if not isinstance(error, RequestError) or not lost:
        return error
    days = listed(sorted(f"{window.first} … {window.last}" for window in lost))
    return type(error)(
        f"campaign {id_}: {days} are not stored, or no longer fresh, and did not come: "
        f"{error}. All that came is kept; ask again, ask for other days, or read what "
        "is stored by passing the Cache itself as the source",
        status=error.status,
    )


def _days_text(days: Ints) -> str:
    """Return days as text, runs of them as first … last."""
    breaks = np.flatnonzero(np.diff(days) != 1)
    firsts = days[np.concatenate([[0], breaks + 1])]
    lasts = days[np.concatenate([breaks, [len(days) - 1]])]
    pairs = zip(firsts.tolist(), lasts.tolist(), strict=True)
    return listed(
        str(_date(first)) if first == last else f"{_date(first)} … {_date(last)}"
        for first, last in pairs
    )


def _date(day: int) -> date:
    return _EPOCH + timedelta(days=day)


def pull_earlier(
    items: Sequence[Item], root: Path, asked: Asked, moment: int, *, details: bool
) -> Pulled:
    """Read campaigns as they stood at a moment; asks the API for nothing."""

    def look(id_: str) -> Held:
        files = CampaignFiles(root, id_)
        return _all_of(_held(files, asked.span, asked.part, lambda _: moment), asked)

    held, failed = _each(look, ids_of(items))
    return _sorted_out(items, held, failed, details=details)


def pull_stored(
    shelf: Sequence[CampaignFiles], span: Span, part: Part, at: Moment | None
) -> tuple[list[tuple[CampaignFiles, Held]], dict[str, BrazeError]]:
    """Read what is stored of campaigns; the errors of those that can't be read by id.

    ``at`` gives for a time zone the moment to look back to.
    """
    named = {str(place): files for place, files in enumerate(shelf)}
    held, failed = _each(lambda place: _held(named[place], span, part, at), named)
    return (
        [(named[place], one) for place, one in held.items() if one.about],
        {named[place].id: error for place, error in failed.items()},
    )


def _sorted_out(
    items: Sequence[Item],
    held: Mapping[str, Held],
    failed: Mapping[str, BrazeError],
    *,
    details: bool,
) -> Pulled:
    pulled = Pulled([], {})
    for item in items:
        id_ = str(item.id)
        if id_ in failed:
            pulled.failed[item.label] = failed[id_]
        else:
            one = held[id_]
            names = one.about.names if details and one.about else None
            pulled.campaigns.append(Campaign(item.label, one.batches, names or {}))
    return pulled


def _each(
    function: Callable[[str], _R], names: Iterable[str]
) -> tuple[dict[str, _R], dict[str, BrazeError]]:
    """Apply a function to each name, side by side; its errors are kept apart."""
    found: dict[str, _R] = {}
    failed: dict[str, BrazeError] = {}
    with _mapping(function, list(names)) as results:
        for name, result in results:
            try:
                found[name] = result()
            except BrazeError as error:
                failed[name] = error
    return found, failed


@contextmanager
def _mapping(
    function: Callable[[str], _R], names: Sequence[str]
) -> Iterator[list[tuple[str, Callable[[], _R]]]]:
    """Start threads where there is work for them; an interrupt drops what waits."""
    if len(names) < 2:
        yield [(name, partial(function, name)) for name in names]
        return
    pool = ThreadPoolExecutor(_THREADS, "braze_frames")
    try:
        yield [(name, pool.submit(function, name).result) for name in names]
    finally:
        pool.shutdown(cancel_futures=True)
