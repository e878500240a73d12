"""One campaign in a cache: read without a lock, updated under one.

A campaign has a file for each grain. Each says itself which days it holds, so that a
file that is lost, or older than the others, only makes its days be fetched again.
"""

import shutil
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple, TypeVar
from uuid import uuid4

import numpy as np
import pyarrow as pa

from braze_frames.cache.coverage import (
    Coverage,
    fetch_again,
    fetched_now,
    in_all,
    keep,
    no_days,
    since_last_fetch,
)
from braze_frames.cache.encoding import (
    count_variations,
    fitted,
    from_tables,
    merged,
    stored_days,
    to_tables,
)
from braze_frames.cache.layout import (
    ALWAYS,
    FILE,
    OPTIONAL,
    SCHEMAS,
    About,
    Given,
    StoredGrain,
    UnreadableFile,
    identity_of,
)
from braze_frames.cache.revisions import Change, as_table, changes_between, from_table
from braze_frames.cache.storage import (
    PendingFile,
    clean,
    locked,
    open_file,
    read_table,
    refusal,
    set_aside,
    write_all,
)
from braze_frames.core.arrays import Ints
from braze_frames.errors import CacheError
from braze_frames.payload.batch import Batch, Span, owner, select_days
from braze_frames.payload.days import normalise
from braze_frames.schema.ids import check_campaign_id

if TYPE_CHECKING:
    from pyarrow.parquet import ParquetFile

EVERYTHING: tuple[Given, ...] = (*ALWAYS, *OPTIONAL)
_TRIES = 6
_R = TypeVar("_R")


class DamagedFile(Exception):  # noqa: N818
    """A file was damaged and is set aside; the campaign can be opened again."""


class Update(NamedTuple):
    """What was fetched about one campaign; None is what was not asked.

    ``moment`` is that of the fetch, in microseconds since 1970.
    """

    batches: Sequence[Batch]
    moment: int
    tz: str
    name: str | None = None
    names: dict[str, str] | None = None


class Stored(NamedTuple):
    """Open files of one campaign, and the days that all of them hold."""

    files: dict[Given, "ParquetFile"]
    abouts: dict[Given, About]
    coverage: Coverage

    @property
    def about(self) -> About | None:
        """What the files say of the campaign; None where there is none."""
        return next(reversed(self.abouts.values()), None)


class _Contents(NamedTuple):
    """All that is stored of one campaign, grain by grain."""

    tables: dict[Given, pa.Table]
    abouts: dict[Given, About]

    def coverage(self, grain: Given) -> Coverage:
        """Return the days that a grain holds; a new one has had no rows so far."""
        if grain in self.abouts:
            return self.abouts[grain].coverage
        if grain in ALWAYS or grain in _listed(self.abouts):
            return no_days()
        return _covered(self.abouts, EVERYTHING)


class CampaignFiles:
    """The files of one campaign below an endpoint's folder.

    Raises
    ------
    SourceError
        The id is no UUID.
    """

    def __init__(self, root: Path, campaign_id: str) -> None:
        self.root, self.id = root, check_campaign_id(campaign_id).lower()
        self._lock = root / ".locks" / f"{self.id}.lock"

    def path(self, grain: StoredGrain) -> Path:
        """Return where the file of a grain lies."""
        return self.root / grain / f"campaign_id={self.id}" / FILE

    def using(
        self,
        grains: Collection[Given],
        function: Callable[[Stored], _R],
        *,
        fill: bool = False,
    ) -> _R:
        """Open the files of some grains and return what ``function`` makes of them.

        Only after a kill in the middle of a write some are older than others. A file
        that turns out to be damaged is set aside, and all is opened again. With
        ``fill`` the day totals are left out where a campaign has several variations.

        Raises
        ------
        CacheError
            A file is of a newer version, may not be read, or cannot be set aside.
        """
        for _ in range(_TRIES):
            with suppress(DamagedFile), self._opened(grains, fill=fill) as stored:
                return function(stored)
        raise CacheError(
            f"the files of campaign {self.id} in {str(self.root)!r} are damaged and "
            "cannot be moved away; look at the disk, or pass another folder as cache="
        )

    @contextmanager
    def _opened(self, grains: Collection[Given], *, fill: bool) -> Iterator[Stored]:
        """Open files, all of the same write unless a writer was killed."""
        with ExitStack() as stack:
            for left in reversed(range(_TRIES)):
                stored = self._open(grains, stack, fill=fill)
                if not left or _is_of_one_write(stored):
                    break
                stack.close()
                with suppress(CacheError), locked(self._lock):
                    pass  # who may not lock waits for nobody
            yield stored

    def _open(
        self, grains: Collection[Given], stack: ExitStack, *, fill: bool
    ) -> Stored:
        stored = Stored({}, {}, no_days())
        for grain in EVERYTHING:
            if fill and any(about.variations > 1 for about in stored.abouts.values()):
                grains = {*grains} - {"campaign"}
            if grain in grains and (grain in ALWAYS or grain in _listed(stored.abouts)):
                found = self._file(grain)
                if found is not None:
                    stored.files[grain] = stack.enter_context(found[0])
                    stored.abouts[grain] = found[1]
        return stored._replace(coverage=_covered(stored.abouts, grains))

    def _file(self, grain: StoredGrain) -> "tuple[ParquetFile, About] | None":
        try:
            return open_file(self.path(grain), grain)
        except FileNotFoundError:
            return None
        except UnreadableFile as error:
            self._set_aside(grain, error)
            return None

    def _set_aside(self, grain: StoredGrain, why: UnreadableFile) -> None:
        set_aside(self.path(grain), grain, self.root, self._lock, why)

    def read(
        self, stored: Stored, days: Ints, wanted: Collection[str] | None = None
    ) -> Batch:
        """Read stored days from open files.

        Parameters
        ----------
        stored : Stored
            From ``using``.
        days : ndarray
            Some of its days, ascending, in days since 1970-01-01.
        wanted : collection of str, optional
            The stats to read; None is all.

        Raises
        ------
        Torn
            A file is damaged; it has been set aside.
        """
        span = Span(int(days[0]), int(days[-1])) if len(days) else Span(0, -1)
        tables: dict[Given, pa.Table] = {}
        for grain, file in stored.files.items():
            stats = SCHEMAS[grain].names if wanted is None else wanted
            names = {*identity_of(grain), *stats} - {"variation"}
            tables[grain] = self._read(file, grain, span, names)
        return from_tables(tables, days, f"campaign {self.id}")

    def _read(
        self,
        file: "ParquetFile",
        grain: StoredGrain,
        span: Span | None = None,
        names: Collection[str] | None = None,
    ) -> pa.Table:
        try:
            return read_table(file, grain, span, names)
        except UnreadableFile as error:
            self._set_aside(grain, error)
        raise DamagedFile

    def write(self, news: Update) -> None:
        """Take over what was fetched; note what it changed.

        Raises
        ------
        CacheError
            It cannot be written. What was stored is untouched.
        PayloadError
            A sum does not fit in 64 bits.
        """
        nothing = from_tables({}, np.empty(0, dtype=np.int64), f"campaign {self.id}")
        new = normalise(news.batches or [nothing])
        with locked(self._lock):
            old = self._contents()
            history = list(self._revised(old, new, news))
            self._write([*history, *self._updated(old, new, news, history)])

    def remove(self, before: int | None = None) -> None:
        """Remove the days before a day, in days since 1970-01-01, or all of them."""
        with locked(self._lock):
            old = self._contents()
            first = _first_kept(old, before)
            if first is None:
                self._unlink()
                return
            history = list(self._revisions_from(first))
            count = len(history[0].table) if history else 0
            about = (uuid4().hex, count)
            kept = [
                PendingFile(
                    self.path(grain),
                    grain,
                    _from_day(table, first),
                    _about_from(old.abouts[grain], first, *about),
                )
                for grain, table in old.tables.items()
            ]
            self._write([*history, *kept])

    def count(self, stored: Stored, days: Ints) -> int:
        """Return how many rows the variation grain has in these days."""
        rows = stored_days(
            self._read(stored.files["variation"], "variation", None, ["date"])
        )
        return int(np.isin(rows, days).sum())

    def size(self) -> int:
        """Return how many bytes the files have."""
        paths = (self.path(grain) for grain in SCHEMAS)
        return sum(path.stat().st_size for path in paths if path.is_file())

    def changes(self, days: Ints) -> list[Change]:
        """Return what fetches changed in these days, in the order they were stored.

        Raises
        ------
        Torn
            The file is damaged; it has been set aside.
        """
        found = self._file("revision")
        if found is None:
            return []
        with found[0] as file:
            table = _complete("revision", self._read(file, "revision"))
        return from_table(table.filter(pa.array(np.isin(stored_days(table), days))))

    def has_lost_history(self, about: About | None) -> bool:
        """Whether revisions are gone that were there at the last write."""
        return about is not None and about.revisions > self._count_revisions()

    def _count_revisions(self) -> int:
        found = self._file("revision")
        if found is None:
            return 0
        with found[0] as file:
            return int(file.metadata.num_rows)

    def revisions(self) -> pa.Table | None:
        """Return the rows of the ``revision`` grain; None where nothing changed."""
        found = self._file("revision")
        if found is None:
            return None
        with found[0] as file, suppress(DamagedFile):
            return _complete("revision", self._read(file, "revision"))
        return None

    def _write(self, drafts: Sequence[PendingFile]) -> None:
        workshop = self.root / ".writing"
        clean(workshop, self.path("variation").parent.name)
        write_all(drafts, workshop)

    def _unlink(self) -> None:
        try:
            for grain in SCHEMAS:
                self.path(grain).unlink(missing_ok=True)
        except OSError as error:
            raise refusal(self.root, error) from error
        for grain in SCHEMAS:
            with suppress(OSError):
                self.path(grain).parent.rmdir()
        for damaged in (self.root / ".aside").glob(f"campaign_id={self.id}-*"):
            shutil.rmtree(damaged) if damaged.is_dir() else damaged.unlink()

    def _contents(self) -> _Contents:
        """Read all that is stored."""
        return self.using(EVERYTHING, self._all_of)

    def _all_of(self, stored: Stored) -> _Contents:
        tables = {
            grain: _complete(grain, self._read(file, grain))
            for grain, file in stored.files.items()
        }
        return _Contents(tables, stored.abouts)

    def _updated(
        self, old: _Contents, new: Batch, news: Update, history: Sequence[PendingFile]
    ) -> Iterator[PendingFile]:
        fresh = to_tables(new)
        last = next(reversed(old.abouts.values()), None)
        grains = tuple(
            grain
            for grain in EVERYTHING
            if grain in ALWAYS or len(fresh[grain]) or self.path(grain).exists()
        )
        written = uuid4().hex
        name = news.name or (last and last.name)
        names = (last and last.names) if news.names is None else news.names
        tables = {
            grain: merged(old.tables.get(grain), fresh[grain], new.days)
            for grain in grains
        }
        counts = (
            count_variations(tables["variation"]),
            len(history[0].table) if history else self._count_revisions(),
        )
        is_lost = self.has_lost_history(last)
        for grain, table in reversed(tables.items()):
            fetched = fetched_now(new.days, news.moment)
            before = old.coverage(grain)
            before = since_last_fetch(before) if is_lost else before
            coverage = fetch_again(before, fetched)
            about = About(written, grains, *counts, name, names, news.tz, coverage)
            yield PendingFile(self.path(grain), grain, table, about)

    def _revised(
        self, old: _Contents, new: Batch, news: Update
    ) -> Iterator[PendingFile]:
        days = np.intersect1d(_covered(old.abouts, EVERYTHING).days, new.days)
        if not len(days):
            return
        before = from_tables(old.tables, days, new.origin)
        again = select_days(new, np.isin(new.days, days))
        changes = changes_between(before, again, news.moment)
        if changes:
            keys = (*before.keys, *new.keys)
            names = {owner(key): key.name for key in keys if key.name}
            tables = [self.revisions(), as_table(changes, names)]
            yield self._revision_draft(
                pa.concat_tables([table for table in tables if table is not None])
            )

    def _revisions_from(self, first: int) -> Iterator[PendingFile]:
        table = self.revisions()
        if table is not None:
            yield self._revision_draft(_from_day(table, first))

    def _revision_draft(self, table: pa.Table) -> PendingFile:
        about = About(uuid4().hex, (), 0, 0, None, None, "", no_days())
        return PendingFile(self.path("revision"), "revision", table, about)


def _listed(abouts: Mapping[Given, About]) -> set[Given]:
    """Return the grains that a campaign has had rows of."""
    return {grain for about in abouts.values() for grain in about.grains}


def _covered(abouts: Mapping[Given, About], grains: Collection[Given]) -> Coverage:
    """Return the days that all of these grains hold; one without rows holds any."""
    needed = {*ALWAYS, *_listed(abouts)} & {*grains}
    if not needed or needed - abouts.keys():
        return no_days()
    found = {abouts[grain].written: abouts[grain].coverage for grain in needed}
    return in_all([*found.values()])


def _is_of_one_write(stored: Stored) -> bool:
    return len({about.written for about in stored.abouts.values()}) < 2


def _complete(grain: StoredGrain, table: pa.Table) -> pa.Table:
    return fitted(grain, {name: table[name] for name in table.column_names})


def _first_kept(old: _Contents, before: int | None) -> int | None:
    """Return the day from which on days are kept; None where none is."""
    days = [about.coverage.days for about in old.abouts.values()]
    if before is None or not any((of_one >= before).any() for of_one in days):
        return None
    return before


def _from_day(table: pa.Table, first: int) -> pa.Table:
    return table.filter(pa.array(stored_days(table) >= first))


def _about_from(about: About, first: int, written: str, revisions: int) -> About:
    kept = keep(about.coverage, about.coverage.days >= first)
    return about._replace(coverage=kept, written=written, revisions=revisions)
