"""A compacted copy of an endpoint's campaigns: few large files, in place of thousands.

The copy is never the truth. Its manifest holds the mark of each file at the moment it
was copied: a campaign whose files have other marks by now, or whose part of the copy
does not prove itself, is read from its own files.
"""

import io
import time
from collections.abc import Collection, Iterable, Mapping, Sequence
from contextlib import suppress
from functools import partial
from itertools import accumulate, groupby
from typing import TYPE_CHECKING, Any, BinaryIO, NamedTuple
from uuid import uuid4

import numpy as np
import orjson
import pyarrow as pa
import pyarrow.compute as pc

from braze_frames.cache.encoding import completed
from braze_frames.errors import CacheError
from braze_frames.storage.layout import (
    EVERYTHING,
    SCHEMAS,
    VERSION,
    StoredGrain,
    encodings,
)
from braze_frames.storage.parquet import (
    About,
    UnreadableFile,
    as_metadata,
    as_parquet,
    from_metadata,
    read_footer,
    read_groups,
    told_in,
    write_sealed,
)
from braze_frames.storage.storage import Loaded, Mark, Storage, side_by_side

if TYPE_CHECKING:
    from pyarrow.parquet import ParquetReader

FOLDER = ".compact"
_MANIFEST = "manifest.parquet"
_SCHEMA = pa.schema(
    {
        "campaign": pa.string(),
        "grain": pa.string(),
        "name": pa.string(),
        "written": pa.string(),
        "size": pa.int64(),
        "mtime": pa.int64(),
        "etag": pa.string(),
        "coverage": pa.string(),
        "part": pa.int32(),
        "first_row": pa.int64(),
        "rows": pa.int64(),
        "about": pa.string(),
    }
)
"""A row of the manifest: a file of a campaign, its mark, and where its rows are."""

_LOOKED_AT = [n for n in _SCHEMA.names if n not in {"name", "written", "coverage"}]
_ALL_COLUMNS = {grain: SCHEMAS[grain].names for grain in EVERYTHING}
# Times of files tick every 1 to 10 ms: what replaces a file that has lain there for so
# many seconds has another time.
_TICK = 0.02
# Rows of the manifest that are read or skipped as one: those of about 1,000 campaigns.
_GROUP = 2048


class Copied(NamedTuple):
    """What was copied of a grain."""

    grain: StoredGrain
    files: int
    rows: int
    bytes: int


class _Place(NamedTuple):
    """Where in a part of the copy the rows of a file are, and what the file says."""

    part: int
    first: int
    rows: int
    about: str


class Copy:
    """What a copy holds of campaigns whose files are as they were copied."""

    def __init__(
        self, storage: Storage, made: str, places: dict[str, dict[StoredGrain, _Place]]
    ) -> None:
        self._storage, self._made, self._places = storage, made, places

    def told(
        self, campaign: str, grains: Iterable[StoredGrain]
    ) -> dict[StoredGrain, About] | None:
        """Return what a campaign's files say of themselves; None if it is not there."""
        found = self._places.get(campaign)
        if found is None:
            return None
        return {one: from_metadata(found[one].about) for one in grains if one in found}

    def load(
        self, campaigns: Iterable[str], wanted: Mapping[StoredGrain, Collection[str]]
    ) -> dict[str, Loaded]:
        """Load those of some campaigns that are there, as ``Storage.load`` does.

        Of a part that is damaged, or of another copy by now, none is.
        """
        found: dict[str, Loaded] = {}
        there = sorted(one for one in campaigns if one in self._places)
        for part, some in groupby(there, self._part_of):
            with suppress(CacheError, OSError, UnreadableFile, pa.ArrowException):
                found |= self._load(part, [*some], wanted)
        return found

    def _part_of(self, campaign: str) -> int:
        return next(iter(self._places[campaign].values())).part

    def _load(
        self,
        part: int,
        campaigns: Sequence[str],
        wanted: Mapping[StoredGrain, Collection[str]],
    ) -> dict[str, Loaded]:
        found = {one: Loaded(self.told(one, wanted) or {}, {}) for one in campaigns}
        for grain, columns in wanted.items():
            places = {
                campaign: self._places[campaign][grain]
                for campaign in campaigns
                if columns and grain in self._places[campaign]
            }
            tables = self._rows(part, grain, columns, [*places.values()])
            for campaign, table in zip(places, tables, strict=True):
                found[campaign].tables[grain] = table
        return found

    def _rows(
        self,
        part: int,
        grain: StoredGrain,
        columns: Collection[str],
        places: Sequence[_Place],
    ) -> list[pa.Table]:
        if not any(place.rows for place in places):
            return [SCHEMAS[grain].empty_table()] * len(places)
        name = _part_name(grain, part)
        with self._storage.open_object(f"{FOLDER}/{name}") as source:
            if told_in(read_footer(source), name).get("copy") != self._made:
                raise UnreadableFile("a part of another copy")
            return _slices(as_parquet(source, grain), grain, columns, places)


def _slices(
    file: "ParquetReader",
    grain: StoredGrain,
    columns: Collection[str],
    places: Sequence[_Place],
) -> list[pa.Table]:
    """Return the rows of each place; read are the row groups that have any of them."""
    about = file.metadata
    sizes = [about.row_group(n).num_rows for n in range(about.num_row_groups)]
    firsts = np.array([place.first for place in places])
    lasts = firsts + [max(place.rows, 1) - 1 for place in places]
    first_group, last_group = np.searchsorted(
        np.cumsum(sizes), np.stack([firsts, lasts]), side="right"
    )
    is_read = np.zeros(len(sizes) + 1, dtype=bool)  # nothing may lie behind the last
    for first, last in zip(first_group, last_group, strict=True):
        is_read[first : last + 1] = True
    groups = np.flatnonzero(is_read[:-1]).tolist()
    table = read_groups(file, grain, columns, groups)
    skipped = np.cumsum(np.where(is_read, 0, [*sizes, 0]))
    return [
        table.slice(place.first - int(skipped[group]), place.rows)
        for place, group in zip(places, first_group, strict=True)
    ]


def find_copy(storage: Storage, campaigns: Collection[str]) -> Copy:
    """Return what a copy holds of some campaigns; nothing where there is none.

    The copy is as fresh as this look: who has written a campaign looks again.
    """
    try:
        with storage.open_object(f"{FOLDER}/{_MANIFEST}") as source:
            made, manifest = _read_manifest(source, campaigns)
    except (CacheError, OSError, UnreadableFile, pa.ArrowException):
        return Copy(storage, "", {})
    asked = {*campaigns}
    marks: dict[str, dict[StoredGrain, Mark]] = {}
    places: dict[str, dict[StoredGrain, _Place]] = {}
    columns = (manifest[name].to_pylist() for name in _LOOKED_AT)
    for campaign, grain, size, mtime, etag, *place in zip(*columns, strict=True):
        if campaign in asked:
            marks.setdefault(campaign, {})[grain] = Mark(size, mtime, etag)
            places.setdefault(campaign, {})[grain] = _Place(*place)
    now = storage.marks([*marks])
    fresh = {one: of_one for one, of_one in places.items() if now[one] == marks[one]}
    return Copy(storage, made, fresh)


def _read_manifest(
    source: BinaryIO, campaigns: Collection[str]
) -> tuple[str, pa.Table]:
    from pyarrow.parquet import read_table

    made = str(told_in(read_footer(source), _MANIFEST).get("copy"))
    between = [("campaign", ">=", min(campaigns)), ("campaign", "<=", max(campaigns))]
    table = read_table(
        source, columns=_LOOKED_AT, filters=between, page_checksum_verification=True
    )
    table.validate(full=True)
    return made, table


def compact(storage: Storage, campaigns_per_file: int) -> list[Copied]:
    """Copy all campaigns of an endpoint into few files, in place of an older copy.

    Raises
    ------
    CacheError
        A file is of a newer version, may not be read, or the copy cannot be written.
    """
    storage.check_writable()
    _refuse_newer(storage)
    time.sleep(_TICK)
    campaigns, made = storage.campaigns(), uuid4().hex
    marks = storage.marks(campaigns)
    listed, sizes = [_SCHEMA.empty_table()], dict[str, int]()
    with storage.replacing(FOLDER) as put:
        for number, start in enumerate(range(0, len(campaigns), campaigns_per_file)):
            some = campaigns[start : start + campaigns_per_file]
            files, rows = _part(storage, some, marks, number, made)
            for name, body in files.items():
                put(name, body)
                sizes[name] = len(body)
            listed.append(rows)
        manifest = pa.concat_tables(listed)
        if len(manifest):
            put(_MANIFEST, _sealed(manifest, made, {"row_group_size": _GROUP}))
    return [_copied(grain, manifest, sizes) for grain in EVERYTHING]


def forget_copy(storage: Storage) -> None:
    """Delete the copy.

    Raises
    ------
    CacheError
        It cannot be deleted.
    """
    with storage.replacing(FOLDER):
        pass


def _refuse_newer(storage: Storage) -> None:
    """Refuse to replace the copy of a newer version of this package."""
    name = f"{FOLDER}/{_MANIFEST}"
    with (
        suppress(FileNotFoundError, UnreadableFile),
        storage.open_object(name) as source,
    ):
        told_in(read_footer(source), f"{storage}/{name}")


def _part(
    storage: Storage,
    campaigns: Sequence[str],
    marks: Mapping[str, Mapping[StoredGrain, Mark]],
    number: int,
    made: str,
) -> tuple[dict[str, bytes], pa.Table]:
    """Return the files of one part by name, and what the manifest says of them."""
    load = partial(storage.load, wanted=_ALL_COLUMNS)
    loaded = zip(campaigns, side_by_side(load, campaigns, storage.at_once), strict=True)
    # Who has got or lost a file meanwhile is not as its marks say.
    kept = {id_: v for id_, v in loaded if v.abouts.keys() == {*marks[id_]}}
    files, rows = {}, []
    for grain in EVERYTHING:
        of_grain = {id_: one for id_, one in kept.items() if grain in one.tables}
        tables = [
            completed(grain, one.tables[grain]).add_column(
                0, "campaign_id", pa.repeat(pa.scalar(id_), len(one.tables[grain]))
            )
            for id_, one in of_grain.items()
        ]
        firsts = accumulate(map(len, tables), initial=0)
        for (id_, one), table, first in zip(
            of_grain.items(), tables, firsts, strict=False
        ):
            place = {"part": number, "first_row": first, "rows": len(table)}
            mark = marks[id_][grain]._asdict()
            rows.append(_row(id_, grain, one.abouts[grain]) | mark | place)
        if any(map(len, tables)):
            files[_part_name(grain, number)] = _sealed(
                pa.concat_tables(tables), made, _packing(grain)
            )
    return files, pa.Table.from_pylist(rows, _SCHEMA)


def _row(campaign: str, grain: StoredGrain, about: About) -> dict[str, Any]:
    told = as_metadata(about)
    return {
        "campaign": campaign,
        "grain": grain,
        "name": about.name,
        "written": about.written,
        "coverage": orjson.dumps(told["coverage"]).decode(),
        "about": orjson.dumps(told).decode(),
    }


def _packing(grain: StoredGrain) -> dict[str, Any]:
    packing = encodings(grain)
    return packing | {"use_dictionary": ["campaign_id", *packing["use_dictionary"]]}


def _sealed(table: pa.Table, made: str, packing: Mapping[str, Any]) -> bytes:
    sink = io.BytesIO()
    write_sealed(table, {"version": VERSION, "copy": made}, sink, packing)
    return sink.getvalue()


def _part_name(grain: StoredGrain, number: int) -> str:
    return f"{grain}/part-{number:05}.parquet"


def _copied(grain: StoredGrain, manifest: pa.Table, sizes: Mapping[str, int]) -> Copied:
    of_grain = [size for name, size in sizes.items() if name.startswith(f"{grain}/")]
    rows = pc.sum(manifest["rows"].filter(pc.equal(manifest["grain"], grain))).as_py()
    return Copied(grain, len(of_grain), rows or 0, sum(of_grain))
