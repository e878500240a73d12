"""What a cache holds of the days asked, now or as it stood at a moment."""

import os
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import NamedTuple, TypeVar

import numpy as np

from braze_frames.cache.campaign import EVERYTHING, CampaignFiles, Stored
from braze_frames.cache.coverage import Coverage, keep, since_last_fetch, within
from braze_frames.cache.layout import About
from braze_frames.cache.revisions import as_of
from braze_frames.core.arrays import Ints
from braze_frames.core.days import date_of
from braze_frames.errors import BrazeError, CacheError, listed
from braze_frames.payload.batch import Batch, Span, owner
from braze_frames.sources.plan import Item, Moment, Part, Pulled, ReadRequest
from braze_frames.sources.remote import ids_of

_THREADS = min(4, os.cpu_count() or 1)
_R = TypeVar("_R")


class StoredCampaign(NamedTuple):
    """What a cache holds of one campaign."""

    batches: list[Batch]
    about: About | None
    coverage: Coverage


def lacks_totals(held: StoredCampaign, part: Part) -> bool:
    """Whether a campaign with several variations has one in the days that were read."""
    if not (part.fill and "campaign" in part.files and held.about):
        return False
    (batch,) = held.batches
    return held.about.variations > 1 and len(set(map(owner, batch.keys))) == 1


def held_of(
    files: CampaignFiles, span: Span, part: Part, at: Moment | None = None
) -> StoredCampaign:
    """Read the stored days of ``span``, as they stood at a moment if one is given."""

    def use(stored: Stored) -> StoredCampaign:
        return read_days(files, stored, span, part)

    if at is None:
        held = files.using(part.files, use, fill=part.fill)
        return files.using(part.files, use) if lacks_totals(held, part) else held
    return files.using(EVERYTHING, lambda stored: _read_at(files, stored, span, at))


def read_days(
    files: CampaignFiles, stored: Stored, span: Span, part: Part
) -> StoredCampaign:
    """Read the stored days of a span."""
    coverage = within(stored.coverage, span)
    batch = files.read(stored, coverage.days, part.stats)
    return StoredCampaign([batch], stored.about, coverage)


def _read_at(
    files: CampaignFiles, stored: Stored, span: Span, at: Moment
) -> StoredCampaign:
    coverage = within(stored.coverage, span)
    if files.has_lost_history(stored.about):
        coverage = since_last_fetch(coverage)
    moment = at(stored.about.tz if stored.about else "UTC")
    coverage = keep(coverage, coverage.seen <= moment)
    batch = files.read(stored, coverage.days)
    batches = as_of(batch, files.changes(coverage.days), moment)
    return StoredCampaign(batches, stored.about, coverage)


def all_of(held: StoredCampaign, asked: ReadRequest) -> StoredCampaign:
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


def _days_text(days: Ints) -> str:
    """Return days as text, runs of them as first … last."""
    breaks = np.flatnonzero(np.diff(days) != 1)
    firsts = days[np.concatenate([[0], breaks + 1])]
    lasts = days[np.concatenate([breaks, [len(days) - 1]])]
    pairs = zip(firsts.tolist(), lasts.tolist(), strict=True)
    return listed(
        str(date_of(first)) if first == last else f"{date_of(first)} … {date_of(last)}"
        for first, last in pairs
    )


def pull_earlier(
    items: Sequence[Item], root: Path, asked: ReadRequest, moment: int, *, details: bool
) -> Pulled:
    """Read campaigns as they stood at a moment; asks the API for nothing."""

    def look(id_: str) -> StoredCampaign:
        files = CampaignFiles(root, id_)
        return all_of(held_of(files, asked.span, asked.part, lambda _: moment), asked)

    held, failed = each(look, ids_of(items))
    return sorted_out(items, held, failed, details=details)


def pull_stored(
    shelf: Sequence[CampaignFiles], span: Span, part: Part, at: Moment | None
) -> tuple[list[tuple[CampaignFiles, StoredCampaign]], dict[str, BrazeError]]:
    """Read what is stored of campaigns; the errors of those that can't be read by id.

    ``at`` gives for a time zone the moment to look back to.
    """
    named = {str(place): files for place, files in enumerate(shelf)}
    held, failed = each(lambda place: held_of(named[place], span, part, at), named)
    return (
        [(named[place], one) for place, one in held.items() if one.about],
        {named[place].id: error for place, error in failed.items()},
    )


def sorted_out(
    items: Sequence[Item],
    held: Mapping[str, StoredCampaign],
    failed: Mapping[str, BrazeError],
    *,
    details: bool,
) -> Pulled:
    """Put campaigns and errors in the order asked."""
    pulled = Pulled([], {})
    for item in items:
        id_ = str(item.id)
        if id_ in failed:
            pulled.failed[item.label] = failed[id_]
        else:
            one = held[id_]
            names = one.about.names if details and one.about else None
            pulled.add(item.label, one.batches, names)
    return pulled


def each(
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
