"""A collapsed batch → the tables that are stored, and back."""

from collections.abc import Iterable, Mapping, Sequence
from itertools import accumulate, pairwise
from typing import Any, NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from braze_frames.core.arrays import Bools, Column, Ints
from braze_frames.frame.levels import renumber
from braze_frames.payload.batch import (
    NO_ELEMENTS,
    Batch,
    Element,
    ElementKey,
    EntryKey,
    Owner,
    elements_of,
    owner,
)
from braze_frames.payload.columns import Filling, Stats
from braze_frames.schema.channels import (
    ELEMENT_STAT,
    STAT,
    VARIATION_ID,
    VARIATION_NAME,
)
from braze_frames.storage.layout import POSITION, SCHEMAS, StoredGrain, days_column

_MICROSECONDS_A_DAY = 86_400_000_000


class _Rows(NamedTuple):
    """The rows of a table: the place of their day, the code of their key, the keys."""

    day: Ints
    key: Ints
    keys: list[EntryKey]


_KEY = ("channel", VARIATION_ID, VARIATION_NAME, POSITION)
_NO_ENTRIES = SCHEMAS["variation"].empty_table().select(["date", *_KEY])


def stored_text(key: EntryKey | Owner) -> str:
    """Return what to call an entry: its name, else its id, else its position.

    Examples
    --------
    >>> stored_text(EntryKey("email", None, None, 2))
    '<unnamed-2>'
    """
    return key.name or key.id or f"<unnamed-{key.position}>"


def to_tables(batch: Batch) -> dict[StoredGrain, pa.Table]:
    """Return the tables of a collapsed batch, each in the schema of its grain."""
    days = batch.days[batch.entry_day]
    entries = identity(days, [batch.keys[code] for code in batch.entry_key])
    entries |= _stored_columns(batch.entries)
    return {
        "variation": fitted("variation", entries),
        "campaign": fitted(
            "campaign",
            {"date": days_column(batch.days), **_stored_columns(batch.totals)},
        ),
        "element": _element_table(batch),
        "extra": _extra_table(batch),
    }


def fitted(
    grain: StoredGrain, columns: Mapping[str, pa.Array | pa.ChunkedArray]
) -> pa.Table:
    """Return a table in the schema of a grain; columns not given are null."""
    size = len(columns["date"])
    schema = SCHEMAS[grain]
    arrays = [
        columns[field.name].cast(field.type)
        if field.name in columns
        else pa.nulls(size, field.type)
        for field in schema
    ]
    return pa.Table.from_arrays(arrays, schema=schema)


def completed(grain: StoredGrain, table: pa.Table) -> pa.Table:
    """Return a table that was read in the schema of its grain."""
    return fitted(grain, {name: table[name] for name in table.column_names})


def identity(days: Ints, keys: Sequence[EntryKey | None]) -> dict[str, pa.Array]:
    """Return the columns that say which day and variation a row is of.

    A key of None is of the day itself: all is null but the date.
    """
    place: dict[EntryKey | None, int] = {}
    codes = [place.setdefault(key, len(place)) for key in keys]
    texts: dict[str, list[Any]] = {
        "channel": [key and key.channel for key in place],
        "variation": [key and stored_text(key) for key in place],
        VARIATION_ID: [key and key.id for key in place],
        VARIATION_NAME: [key and key.name for key in place],
    }
    columns = {
        name: pa.array(values, pa.string()).take(pa.array(codes, pa.int64()))
        for name, values in texts.items()
    }
    positions = [key.position or None if key else None for key in keys]
    columns[POSITION] = pa.array(positions, pa.int32())
    return {"date": days_column(days), **columns}


def _stored_columns(stats: Stats) -> dict[str, pa.Array]:
    return {
        stat: pa.array(column.values, mask=column.missing)
        for stat, column in stats.columns.items()
        if stat in STAT
    }


def _element_table(batch: Batch) -> pa.Table:
    found = batch.elements
    keys = [batch.keys[code] for code in batch.entry_key[found.row]]
    columns = identity(batch.days[batch.entry_day[found.row]], keys)
    codes = pa.array(found.key)
    for name, type_ in (
        ("element", pa.string()),
        ("position", pa.int32()),
        ("title", pa.string()),
    ):
        values = pa.array([getattr(key, name) for key in found.keys], type_)
        columns[name] = values.take(codes)
    columns[ELEMENT_STAT] = pa.array(found.clicks, pa.int64())
    return fitted("element", columns)


def _extra_table(batch: Batch) -> pa.Table:
    """Return a row for each number without a column; null is what was no number."""
    found: list[tuple[int, EntryKey | None, str, int | float | None]] = [
        (int(batch.days[row]), None, stat, value)
        for row, stat, value in _loose(batch.totals)
    ]
    for row, stat, value in _loose(batch.entries):
        day = int(batch.days[batch.entry_day[row]])
        found.append((day, batch.keys[batch.entry_key[row]], stat, value))
    days = np.array([day for day, *_ in found], dtype=np.int64)
    columns = identity(days, [key for _, key, _, _ in found])
    columns["stat"] = pa.array([stat for *_, stat, _ in found], pa.string())
    columns |= numbers("value", "whole", [value for *_, value in found])
    return fitted("extra", columns)


def numbers(
    rounded: str, whole: str, values: Sequence[int | float | None]
) -> dict[str, pa.Array]:
    """Return numbers as floats, and beside them the exact counts among them."""
    counts = [value if isinstance(value, int) else None for value in values]
    floats = [None if value is None else float(value) for value in values]
    return {
        rounded: pa.array(floats, pa.float64()),
        whole: pa.array(counts, pa.int64()),
    }


def _loose(stats: Stats) -> list[tuple[int, str, int | float | None]]:
    left_out = [
        (int(row), stat, None) for stat, rows in stats.left_out.items() for row in rows
    ]
    places = {cell[:2] for cell in left_out}
    unknown = Stats(
        {stat: one for stat, one in stats.columns.items() if stat not in STAT},
        stats.fractions,
    )
    kept = (cell for cell in unknown.cells() if cell[:2] not in places)
    return sorted([*kept, *left_out], key=_place)


def _place(cell: tuple[int, str, object]) -> tuple[int, str]:
    return cell[:2]


class StoredTables(NamedTuple):
    """What is stored of one campaign, and which of it to take.

    ``tables`` are some grains, of each any of its stats; ``days`` are ascending, in
    days since 1970-01-01, and each is stored; ``origin`` is the campaign, for messages.
    """

    tables: Mapping[StoredGrain, pa.Table]
    days: Ints
    origin: str


def from_tables(campaigns: Sequence[StoredTables]) -> list[Batch]:
    """Return stored tables as the answers that they were.

    Texts are coded once for all campaigns: with small ones, coding is most of the work.
    """
    entries = _of_days(
        [one.tables.get("variation", _NO_ENTRIES) for one in campaigns], campaigns
    )
    totals = _of_days(
        [one.tables.get("campaign", _NO_ENTRIES) for one in campaigns], campaigns
    )
    codes, keys = _entry_keys([table for table, _ in entries])
    return [
        _batch(one, day_totals, _Rows(day, key, keys), table)
        for one, (day_totals, _), (table, day), key in zip(
            campaigns, totals, entries, codes, strict=True
        )
    ]


def _batch(
    stored: StoredTables, totals: pa.Table, rows: _Rows, entries: pa.Table
) -> Batch:
    days, elements = stored.days, NO_ELEMENTS
    stats = Stats(_columns(totals)), Stats(_columns(entries))
    if len(stored.tables.get("extra", ())):
        stats = _with_extra(stats, stored.tables["extra"], days, rows)
    if len(stored.tables.get("element", ())):
        elements = elements_of(_elements(stored.tables["element"], days, rows))
    return Batch(
        *(stored.origin, days, days, *stats),
        *(rows.day, rows.key, rows.keys, elements, []),
    )


def _of_days(
    tables: Sequence[pa.Table], campaigns: Sequence[StoredTables]
) -> list[tuple[pa.Table, Ints]]:
    """Return the rows of each campaign's days, and the place of their day."""
    found = _cut(_days_in(tables), tables)
    return [
        _on(table, of_rows, one.days)
        for table, of_rows, one in zip(tables, found, campaigns, strict=True)
    ]


def _cut(rows: Ints, tables: Sequence[pa.Table]) -> list[Ints]:
    """Return for each table its own of the rows of all."""
    bounds = pairwise(accumulate(map(len, tables), initial=0))
    return [rows[first:end] for first, end in bounds]


def _on(table: pa.Table, found: Ints, days: Ints) -> tuple[pa.Table, Ints]:
    if len(days) and days[-1] - days[0] == len(days) - 1:
        places = found - days[0]  # most often no day lacks between them
        inside = (places >= 0) & (places < len(days))
    else:
        places = np.searchsorted(days, found)
        inside = np.zeros(len(found), dtype=bool)
        inside[places < len(days)] = True
        inside[inside] = days[places[inside]] == found[inside]
    if inside.all():
        return table, places
    count, first = int(np.count_nonzero(inside)), int(inside.argmax())
    if inside[first : first + count].all():  # sorted by day, as all are
        return table.slice(first, count), places[first : first + count]
    return table.filter(pa.array(inside)), places[inside]


def _days_in(tables: Sequence[pa.Table]) -> Ints:
    microseconds = _joined(tables, "date").to_numpy().view(np.int64)
    days: Ints = microseconds // _MICROSECONDS_A_DAY
    return days


def _joined(tables: Sequence[pa.Table], name: str) -> pa.ChunkedArray:
    """Return a column of several tables as one; empty ones may be of another type."""
    columns = [table[name] for table in tables]
    chunks = [chunk for one in columns for chunk in one.chunks if len(chunk)]
    return pa.chunked_array(chunks) if chunks else columns[0]


def stored_days(table: pa.Table) -> Ints:
    """Return each row's day, in days since 1970-01-01."""
    return _days_in([table])


def _columns(table: pa.Table) -> dict[str, Column]:
    """Return the stats of which there is a number: other campaigns may have more."""
    nowhere: Bools = np.zeros(len(table), dtype=bool)
    nowhere.flags.writeable = False  # columns share it, as they do the file's memory
    return {
        name: _column(column, nowhere)
        for name, column in zip(table.column_names, table.itercolumns(), strict=True)
        if name in STAT and column.null_count < len(column)
    }


def _column(stored: pa.ChunkedArray, nowhere: Bools) -> Column:
    """Return a stored column, which must not be written to."""
    if not stored.null_count:
        return Column(stored.to_numpy(), nowhere)
    # Arrow's own fill_null and is_null take thrice as long for a campaign's rows.
    whole = stored.chunk(0) if stored.num_chunks == 1 else stored.combine_chunks()
    valid, numbers = whole.buffers()
    first, skipped = divmod(whole.offset, 8)
    bits = np.frombuffer(valid, np.uint8, offset=first)
    bits = np.unpackbits(bits, count=skipped + len(whole), bitorder="little")
    missing: Bools = bits[skipped:] == 0
    dtype = np.dtype(whole.type.to_pandas_dtype())
    start = whole.offset * dtype.itemsize
    values = np.frombuffer(numbers, dtype, len(whole), start).copy()
    values[missing] = 0
    return Column(values, missing)


def _entry_keys(tables: Sequence[pa.Table]) -> tuple[list[Ints], list[EntryKey]]:
    """Return for rows of each table the codes of their keys, and the keys of all."""
    codes, bound = np.zeros(sum(map(len, tables)), dtype=np.int64), 1
    parts = []
    for name in _KEY:
        part, values = coded(_joined(tables, name))
        if len(values) > 1:
            codes, bound = codes * len(values) + part, bound * len(values)
        parts.append(values)
    key, found = renumber(codes, bound)
    places = np.unravel_index(found, [len(values) for values in parts])
    fields = (
        [values[place] for place in of_one.tolist()]
        for values, of_one in zip(parts, places, strict=True)
    )
    keys = [
        EntryKey(channel, id_, name, position or 0)
        for channel, id_, name, position in zip(*fields, strict=True)
    ]
    return _cut(key, tables), keys


def coded(stored: pa.ChunkedArray) -> tuple[Ints, list[Any]]:
    """Return each value's code, and the values; None is the last of them."""
    if stored.null_count == len(stored):
        return np.zeros(len(stored), dtype=np.int64), [None]
    coded = stored
    if not pa.types.is_dictionary(stored.type):
        coded = stored.dictionary_encode()
    if coded.num_chunks > 1:
        coded = pa.chunked_array([coded.unify_dictionaries().combine_chunks()])
    whole = coded.chunk(0)
    values, codes = whole.dictionary.to_pylist(), whole.indices
    if codes.null_count:
        codes = codes.fill_null(len(values))
    return codes.to_numpy().astype(np.int64), [*values, None]


def _with_extra(
    stats: tuple[Stats, Stats], table: pa.Table, days: Ints, rows: _Rows
) -> tuple[Stats, Stats]:
    """Return the stats of days and of entries with those that have no column."""
    totals, entries = Filling(len(days)), Filling(len(rows.day))
    table, day = _on(table, stored_days(table), days)
    places = _places(rows)
    columns = (table[name].to_pylist() for name in ("stat", "value", "whole"))
    for at, key, stat, value, whole in zip(day, keys_of(table), *columns, strict=True):
        if key is None:
            filling, row = totals, int(at)
        elif len(rows.key):
            filling, row = entries, places[int(at), owner(key)]
        else:
            continue
        if value is None:
            filling.leave_out(row, stat)
        else:
            filling.put(row, stat, value if whole is None else whole)
    return totals.beside(stats[0].columns), entries.beside(stats[1].columns)


def _places(rows: _Rows) -> dict[tuple[int, Owner], int]:
    owners = {code: owner(rows.keys[code]) for code in np.unique(rows.key).tolist()}
    pairs = zip(rows.day.tolist(), rows.key.tolist(), strict=True)
    return {(day, owners[key]): row for row, (day, key) in enumerate(pairs)}


def keys_of(table: pa.Table) -> Iterable[EntryKey | None]:
    """Yield the key of each row; None where it is of the day itself."""
    for channel, id_, name, position in zip(
        *(table[one].to_pylist() for one in _KEY), strict=True
    ):
        if channel is None:
            yield None
        else:
            yield EntryKey(channel, id_, name, position or 0)


def _elements(table: pa.Table, days: Ints, rows: _Rows) -> list[Element]:
    table, day = _on(table, stored_days(table), days)
    places = _places(rows)
    names = ("element", "position", "title", ELEMENT_STAT)
    columns = (table[name].to_pylist() for name in names)
    return [
        Element(places[int(at), owner(key)], ElementKey(*cells), clicks)
        for at, key, *cells, clicks in zip(day, keys_of(table), *columns, strict=True)
        if key is not None
    ]


def merged(old: pa.Table | None, new: pa.Table, days: Ints) -> pa.Table:
    """Return ``old`` with all rows of ``days`` replaced by those of ``new``."""
    if old is None:
        return new
    left = old.filter(pa.array(~np.isin(stored_days(old), days)))
    both = pa.concat_tables([left, new])
    return both.take(pc.sort_indices(both["date"]))
