"""What later fetches changed: found, kept as rows, and read to see an earlier state.

A campaign's numbers are looked at as cells: (day, variation, stat) → number. Two cells
are no stats: under ``variation_api_id`` a 1 says that the variation has an entry that
day, under ``variation_name`` stands its name then.
"""

import math
from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

import numpy as np
import pyarrow as pa

from braze_frames.cache.encoding import identity, keys_of, numbers, stored_days
from braze_frames.cache.layout import SCHEMAS
from braze_frames.payload.batch import (
    Batch,
    Element,
    EntryKey,
    Owner,
    elements_of,
    owner,
    select_days,
)
from braze_frames.payload.columns import Filling, Stats
from braze_frames.schema.channels import ELEMENT_KEY, VARIATION_ID, VARIATION_NAME

Number = int | float
CellValue = Number | str


class Cell(NamedTuple):
    """One cell; a variation of None is the day itself."""

    day: int
    variation: Owner | None
    stat: str


class Change(NamedTuple):
    """What a cell held before and after a fetch; None is nothing.

    ``seen_at`` is the moment of the fetch, in microseconds since 1970.
    """

    place: Cell
    old: CellValue | None
    new: CellValue | None
    seen_at: int


Cells = dict[Cell, CellValue]


def cells_of(batch: Batch) -> Cells:
    """Return all cells of a collapsed batch; NaN stands for what was no number."""
    cells: Cells = {}
    days = batch.days.tolist()
    _put(cells, batch.totals, [(day, None) for day in days])
    owners = [owner(key) for key in batch.keys]
    entries = list(zip(batch.entry_day.tolist(), batch.entry_key.tolist(), strict=True))
    for day, key in entries:
        cells[Cell(days[day], owners[key], VARIATION_ID)] = 1
        name = batch.keys[key].name
        if name:
            cells[Cell(days[day], owners[key], VARIATION_NAME)] = name
    rows = [(days[day], owners[key]) for day, key in entries]
    _put(cells, batch.entries, rows)
    for row, element, position, title, clicks in batch.elements.each():
        cells[Cell(*rows[row], f"{element}_{position}_{title}_click")] = clicks
    return cells


def _put(cells: Cells, stats: Stats, rows: Sequence[tuple[int, Owner | None]]) -> None:
    for row, stat, value in stats.cells():
        cells[Cell(*rows[row], stat)] = value
    for stat, left_out in stats.left_out.items():
        for place in left_out.tolist():
            cells[Cell(*rows[place], stat)] = math.nan


def batch_of(
    cells: Mapping[Cell, CellValue], days: Iterable[int], origin: str
) -> Batch:
    """Return cells as an answer about ``days``, which hold all of theirs."""
    ordered = sorted(days)
    day_row = {day: row for row, day in enumerate(ordered)}
    entry_row: dict[tuple[int, Owner], int] = {}
    keys: list[EntryKey] = []
    for day, one, stat in cells:
        if one and stat == VARIATION_ID:
            entry_row[day, one] = len(keys)
            named = cells.get(Cell(day, one, VARIATION_NAME))
            name = str(named) if named else one.name
            keys.append(EntryKey(one.channel, one.id, name, one.position))
    totals, entries = Filling(len(ordered)), Filling(len(keys))
    elements: list[Element] = []
    for (day, one, stat), value in cells.items():
        if stat in (VARIATION_ID, VARIATION_NAME) or isinstance(value, str):
            continue
        element = ELEMENT_KEY.fullmatch(stat)
        if one is None:
            _append(totals, day_row[day], stat, value)
        elif element:
            row, (kind, number, title) = entry_row[day, one], element.groups()
            elements.append(Element(row, kind, int(number), title, int(value)))
        else:
            _append(entries, entry_row[day, one], stat, value)
    all_days = np.array(ordered, dtype=np.int64)
    entry_day = np.array([day_row[day] for day, _ in entry_row], dtype=np.int64)
    codes = np.arange(len(keys))
    return Batch(
        *(origin, all_days, all_days, totals.stats(), entries.stats()),
        *(entry_day, codes, keys, elements_of(elements), []),
    )


def _append(filling: Filling, row: int, stat: str, value: Number) -> None:
    if value != value:  # noqa: PLR0124
        filling.leave_out(row, stat)
    else:
        filling.put(row, stat, value)


def changes_between(old: Batch, new: Batch, moment: int) -> list[Change]:
    """Return the cells in which a fetch about the same days differs from before."""
    before, after = cells_of(old), cells_of(new)
    return [
        Change(place, before.get(place), after.get(place), moment)
        for place in sorted({**before, **after}, key=_order)
        if not _equal(before.get(place), after.get(place))
    ]


def _order(place: Cell) -> tuple[int, tuple[str, str, str, int], str]:
    day, one, stat = place
    channel, id_, name, position = one or ("", "", "", -1)
    return day, (channel, id_ or "", name or "", position), stat


def _equal(old: CellValue | None, new: CellValue | None) -> bool:
    return old == new or (old != old and new != new)  # noqa: PLR0124


def as_of(batch: Batch, changes: Iterable[Change], moment: int) -> list[Batch]:
    """Return a batch as it stood at a moment.

    Parameters
    ----------
    batch : Batch
        What is stored now.
    changes : iterable of Change
        All changes of its days, in the order in which they were stored.
    moment : int
        Microseconds since 1970.
    """
    then = _values_at(changes, moment)
    if not then:
        return [batch]
    touched = np.isin(batch.days, [place.day for place in then])
    part = select_days(batch, touched)
    cells = cells_of(part)
    for place, value in then.items():
        if value is None:
            cells.pop(place, None)
        else:
            cells[place] = value
    earlier = batch_of(cells, part.days.tolist(), batch.origin)
    return [select_days(batch, ~touched), earlier]


def _values_at(changes: Iterable[Change], moment: int) -> dict[Cell, CellValue | None]:
    """Return what each changed cell held: what the last fetch by then had found.

    Clocks may have been set back: what counts is when a change was seen, not its place
    among the others.
    """
    values: dict[Cell, CellValue | None] = {}
    seen: dict[Cell, int] = {}
    for change in changes:
        values.setdefault(change.place, change.old)
        if seen.get(change.place, change.seen_at) <= change.seen_at <= moment:
            values[change.place] = change.new
            seen[change.place] = change.seen_at
    return values


def as_table(changes: list[Change], names: Mapping[Owner, str]) -> pa.Table:
    """Return changes as rows of the ``revision`` grain.

    ``names`` say what to call variations that have an id.
    """
    days = np.array([change.place.day for change in changes], dtype=np.int64)
    columns = identity(
        days, [_key(change.place.variation, names) for change in changes]
    )
    stats = [change.place.stat for change in changes]
    columns["stat"] = pa.array(stats, pa.string())
    for side in ("old", "new"):
        values = [getattr(change, side) for change in changes]
        texts = [value if isinstance(value, str) else None for value in values]
        columns[f"{side}_name"] = pa.array(texts, pa.string())
        counts = [None if isinstance(value, str) else value for value in values]
        columns |= numbers(side, f"{side}_whole", counts)
    moments = [change.seen_at for change in changes]
    columns["seen_at"] = pa.array(moments, pa.timestamp("us", "UTC"))
    schema = SCHEMAS["revision"]
    arrays = [columns[name] for name in schema.names]
    return pa.Table.from_arrays(arrays, schema=schema)


def _key(one: Owner | None, names: Mapping[Owner, str]) -> EntryKey | None:
    if one is None:
        return None
    return EntryKey(one.channel, one.id, names.get(one, one.name), one.position)


def from_table(table: pa.Table) -> list[Change]:
    """Return the changes that rows of the ``revision`` grain hold."""
    names = ("old", "old_whole", "old_name", "new", "new_whole", "new_name")
    sides = (table[name].to_pylist() for name in names)
    moments = table["seen_at"].cast(pa.int64()).to_pylist()
    stats = table["stat"].to_pylist()
    days = stored_days(table).tolist()
    rows = zip(days, keys_of(table), stats, moments, *sides, strict=True)
    return [
        Change(
            Cell(day, key and owner(key), stat),
            _first(values[:3]),
            _first(values[3:]),
            moment,
        )
        for day, key, stat, moment, *values in rows
    ]


def _first(values: list[CellValue | None]) -> CellValue | None:
    rounded, whole, name = values
    if whole is not None:
        return whole
    return name if rounded is None else rounded
