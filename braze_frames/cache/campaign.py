"""One campaign in a cache: what it covers, its days, and how new ones are taken over.

A campaign has a file for each grain. Each says itself which days it holds, so that a
file that is lost, or older than the others, only makes its days be fetched again.
"""

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from typing import NamedTuple, Self
from uuid import uuid4

import numpy as np
import pyarrow as pa

from braze_frames.api.details import Details
from braze_frames.cache.compact import Copy
from braze_frames.cache.encoding import (
    StoredTables,
    completed,
    from_tables,
    merged,
    stored_days,
    to_tables,
)
from braze_frames.cache.revisions import (
    GrainTables,
    as_of,
    changes_between,
    counted_rows,
    history_id,
    history_with,
    is_lost,
)
from braze_frames.core.arrays import Ints
from braze_frames.errors import CacheError
from braze_frames.payload.batch import Batch, Span
from braze_frames.payload.days import normalise
from braze_frames.schema.ids import check_campaign_id
from braze_frames.storage.coverage import (
    Coverage,
    fetch_again,
    fetched_now,
    in_all,
    keep,
    no_days,
    since_last_fetch,
    within,
)
from braze_frames.storage.layout import (
    ALWAYS,
    EVERYTHING,
    SCHEMAS,
    StoredGrain,
)
from braze_frames.storage.parquet import About, PendingFile
from braze_frames.storage.storage import Loaded, Storage

Wanted = Mapping[StoredGrain, Collection[str]]
_ALL_COLUMNS: Wanted = {
    grain: SCHEMAS[grain].names for grain in (*EVERYTHING, "revision")
}


class Update(NamedTuple):
    """What was fetched about one campaign; None is what was not asked.

    ``moment`` is that of the fetch, in microseconds since 1970.
    """

    batches: Sequence[Batch]
    moment: int
    tz: str
    name: str | None = None
    details: Details | None = None


class Covered(NamedTuple):
    """The days that a campaign's files hold, and what they say of it."""

    coverage: Coverage
    about: About | None


class Overview(NamedTuple):
    """The same, with the number of rows of variations on these days."""

    coverage: Coverage
    about: About | None
    rows: int


class StoredCampaign(NamedTuple):
    """Days of one campaign, when they were fetched, and what its files say of it."""

    batches: list[Batch]
    about: About | None
    coverage: Coverage


class CampaignFiles:
    """The files of one campaign in an endpoint's storage.

    Parameters
    ----------
    storage : Storage
        Where they are.
    campaign_id : str
        The campaign.
    copy : Copy, optional
        A compacted copy, to read from it what is fresh there.

    Raises
    ------
    SourceError
        The id is no UUID.
    """

    def __init__(
        self, storage: Storage, campaign_id: str, copy: Copy | None = None
    ) -> None:
        self.storage, self.id = storage, check_campaign_id(campaign_id).lower()
        self.copy = copy

    def __reduce__(self) -> tuple[type[Self], tuple[Storage, str]]:
        # a copy is looked for by who reads, for it knows of thousands of campaigns
        return type(self), (self.storage, self.id)

    def size(self) -> int:
        """Return how many bytes the files have."""
        return self.storage.size(self.id)

    def coverage(self, grains: Collection[StoredGrain] = EVERYTHING) -> Covered:
        """Tell which days all files of some grains hold; reads no rows.

        Raises
        ------
        CacheError
            A file is of a newer version, may not be read, or cannot be set aside.
        """
        copied = self.copy.told(self.id, grains) if self.copy else None
        abouts = copied or self._load(dict.fromkeys(grains, ())).abouts
        return Covered(covered(abouts, grains), newest(abouts))

    def overview(self, before: int | None = None) -> Overview:
        """Tell which days all files hold, and how many rows; some days if told.

        Raises
        ------
        CacheError
            As for ``coverage``.
        """
        loaded = self._load(dict.fromkeys(EVERYTHING, ()))
        coverage, about = covered(loaded.abouts, EVERYTHING), newest(loaded.abouts)
        if before is not None:
            coverage = keep(coverage, coverage.days < before)
        if not len(coverage.days):
            return Overview(coverage, about, 0)
        whole = loaded.abouts["variation"]
        if whole.rows >= 0 and len(whole.coverage.days) == len(coverage.days):
            return Overview(coverage, about, whole.rows)
        return Overview(coverage, about, self._count_rows(coverage.days))

    def load_at(self, span: Span, moment: int) -> StoredCampaign:
        """Read stored days as they stood at a moment, in microseconds since 1970.

        Raises
        ------
        CacheError
            As for ``coverage``.
        """
        loaded = self._load(_ALL_COLUMNS, span)
        about = newest(loaded.abouts)
        coverage = within(covered(loaded.abouts, EVERYTHING), span)
        if is_lost(loaded):
            coverage = since_last_fetch(coverage)
        coverage = keep(coverage, coverage.seen <= moment)
        tables: GrainTables = _of_days(_contents(loaded), coverage.days)
        history = counted_rows(loaded)
        if history is not None:
            told = completed("revision", _on_days(history, coverage.days))
            tables = as_of(tables, told, moment)
        (batch,) = from_tables([StoredTables(tables, coverage.days, self.origin)])
        return StoredCampaign([batch], about, coverage)

    def revisions(
        self, columns: Collection[str] = _ALL_COLUMNS["revision"]
    ) -> pa.Table | None:
        """Return columns of the rows of the ``revision`` grain that count.

        Texts are coded as they lie; None is no such file.
        """
        if "revision" not in self._load({"revision": ()}).abouts:
            return None
        wanted: Wanted = dict.fromkeys(EVERYTHING, ())
        wanted = {**wanted, "revision": columns}
        return counted_rows(self._load(wanted))

    def write(self, news: Update) -> None:
        """Take over what was fetched; note what it changed.

        Raises
        ------
        CacheError
            It cannot be written. What was stored is untouched.
        PayloadError
            A sum does not fit in 64 bits.
        """
        self.copy = None
        nothing = StoredTables({}, no_days().days, self.origin)
        new = normalise(news.batches or from_tables([nothing]))
        always = self.storage.grains
        self._change(lambda old: _updated(old, new, news, always))

    def remove(self, before: int | None = None) -> None:
        """Remove the days before a day, in days since 1970-01-01, or all of them."""
        self._change(
            lambda old: (
                _cut(old, before)
                if before is not None and _reaches(old, before)
                else None
            )
        )

    def _change(self, change: Callable[[Loaded], list[PendingFile] | None]) -> None:
        """Replace what lies there by what it becomes; None is nothing."""
        for attempt in range(self.storage.tries):
            old = self._load(_ALL_COLUMNS)
            files = change(old)
            if files is None:
                self.storage.remove(self.id)
                return
            if self.storage.replace(self.id, files, old.version):
                return
            self.storage.give_way(attempt)
        raise CacheError(
            f"other processes write campaign {self.id} in {str(self.storage)!r} all "
            "the time; end some of them, and read again: all that was stored is kept"
        )

    @property
    def origin(self) -> str:
        """What to call the campaign in messages."""
        return f"campaign {self.id}"

    def _load(self, wanted: Wanted, span: Span | None = None) -> Loaded:
        return self.storage.load(self.id, wanted, span)

    def _count_rows(self, days: Ints) -> int:
        tables = self._load({"variation": ["date"]}).tables
        if "variation" not in tables:
            return 0
        return int(np.isin(stored_days(tables["variation"]), days).sum())


def newest(abouts: Mapping[StoredGrain, About]) -> About | None:
    """Return what the files say of the campaign; None where there is none."""
    found = [one for grain, one in abouts.items() if grain != "revision"]
    return found[-1] if found else None


def at_once(shelf: Iterable[CampaignFiles]) -> int:
    """Return how many of some campaigns are best read side by side."""
    return max((files.storage.at_once for files in shelf), default=1)


def _listed(abouts: Mapping[StoredGrain, About]) -> set[StoredGrain]:
    """Return the grains that a campaign has had rows of."""
    return {grain for about in abouts.values() for grain in about.grains}


def covered(
    abouts: Mapping[StoredGrain, About], grains: Collection[StoredGrain]
) -> Coverage:
    """Return the days that all of these grains hold; one without rows holds any."""
    needed = {*ALWAYS, *_listed(abouts)} & {*grains}
    if not needed or needed - abouts.keys():
        return no_days()
    return in_all([abouts[grain].coverage for grain in SCHEMAS if grain in needed])


def _covered_by(grain: StoredGrain, abouts: Mapping[StoredGrain, About]) -> Coverage:
    """Return the days that a grain holds; a new one has had no rows so far."""
    if grain in abouts:
        return abouts[grain].coverage
    if grain in ALWAYS or grain in _listed(abouts):
        return no_days()
    return covered(abouts, EVERYTHING)


def _contents(loaded: Loaded) -> dict[StoredGrain, pa.Table]:
    return {
        grain: completed(grain, loaded.tables[grain])
        for grain in EVERYTHING
        if grain in loaded.tables
    }


def _updated(
    old: Loaded, new: Batch, news: Update, always: Collection[StoredGrain]
) -> list[PendingFile]:
    """Return the files that make a campaign what it is after a fetch.

    The history comes first: a kill behind it loses no old number, and it counts only
    once the others have followed. These go in reverse order of grains, so that the file
    of variations, which all reads need, is the last to promise the new days. Each names
    the grains up to its own: a kill before a new one leaves none that is missing.
    """
    fresh, stored, written = to_tables(new), _contents(old), uuid4().hex
    history = history_with(old, _revised(old, stored, fresh, new, news.moment), written)
    listed = _listed(old.abouts)
    tables = {
        grain: merged(stored.get(grain), fresh[grain], new.days)
        for grain in EVERYTHING
        if len(fresh[grain]) or grain in listed | {*always}
    }
    last, lost = newest(old.abouts), is_lost(old)
    about = About(
        written=written,
        grains=(),
        history=written if history else history_id(old),
        rows=0,
        name=news.name or (last and last.name),
        details=news.details or (last and last.details),
        tz=news.tz,
        coverage=no_days(),
        ends={},
    )
    files = [] if history is None else [history]
    for grain, table in reversed(tables.items()):
        before = _covered_by(grain, old.abouts)
        before = since_last_fetch(before) if lost else before
        coverage = fetch_again(before, fetched_now(new.days, news.moment))
        listed |= {grain}
        grains = tuple(one for one in EVERYTHING if one in listed)
        told = about._replace(grains=grains, rows=len(table), coverage=coverage)
        files.append(PendingFile(grain, table, told))
    return files


def _revised(
    old: Loaded,
    stored: GrainTables,
    fresh: GrainTables,
    new: Batch,
    moment: int,
) -> pa.Table | None:
    """Return what a fetch changed of the days that were stored; None is nothing."""
    days = np.intersect1d(covered(old.abouts, EVERYTHING).days, new.days)
    if not len(days):
        return None
    return changes_between(_of_days(stored, days), _of_days(fresh, days), moment)


def _cut(old: Loaded, first: int) -> list[PendingFile]:
    """Return the files without the days before a day."""
    written = uuid4().hex
    history = history_with(old, None, written, first=first)
    files = [] if history is None else [history]
    for grain, table in _contents(old).items():
        about, kept = old.abouts[grain], _from_day(table, first)
        told = about._replace(
            coverage=keep(about.coverage, about.coverage.days >= first),
            written=written,
            rows=len(kept),
            history=written if history else "",
        )
        files.append(PendingFile(grain, kept, told))
    return files


def _of_days(tables: GrainTables, days: Ints) -> dict[StoredGrain, pa.Table]:
    return {grain: _on_days(table, days) for grain, table in tables.items()}


def _on_days(table: pa.Table, days: Ints) -> pa.Table:
    return table.filter(pa.array(np.isin(stored_days(table), days)))


def _from_day(table: pa.Table, first: int) -> pa.Table:
    return table.filter(pa.array(stored_days(table) >= first))


def _reaches(old: Loaded, day: int) -> bool:
    """Whether a file holds a day or one after it."""
    return any((about.coverage.days >= day).any() for about in old.abouts.values())
