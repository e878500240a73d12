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

from braze_frames.cache.encoding import (
    coded,
    completed,
    identity,
    keys_of,
    numbers,
    stored_days,
)
from braze_frames.cache.layout import SCHEMAS
from braze_frames.cache.parquet import ROWS, PendingFile, history_about
from braze_frames.cache.storage import Loaded
from braze_frames.core.arrays import Bools
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
from braze_frames.schema.channels import (
    DAY_TOTALS,
    ELEMENT_KEY,
    STAT,
    VARIATION_ID,
    VARIATION_NAME,
)

Number = int | float
CellValue = Number | str


def counted_rows(loaded: Loaded) -> pa.Table | None:
    """Return the rows of the history that the files which it tells of have followed.

    None where there is no history.
    """
    table = loaded.tables.get("revision")
    if table is None:
        return None
    return completed("revision", table.filter(pa.array(_counts(loaded, table))))


def is_lost(loaded: Loaded) -> bool:
    """Whether history is gone that was there when a file was written."""
    return any(_end_of(one, loaded) is None for one in _known(loaded))


def history_id(loaded: Loaded) -> str:
    """Return up to which write the history counts; nothing where it is lost."""
    known = _known(loaded)
    return known.pop() if known and not is_lost(loaded) else ""


def history_with(
    loaded: Loaded, changes: pa.Table | None, written: str, first: int | None = None
) -> PendingFile | None:
    """Return the history after a write; None where it stays as it is.

    Parameters
    ----------
    loaded : Loaded
        All files of a campaign.
    changes : Table or None
        What the write changes.
    written : str
        The id of the write.
    first : int, optional
        Leave out what was before this day.
    """
    table, known = loaded.tables.get("revision"), _known(loaded)
    is_same = changes is None and first is None and len(known) < 2
    if is_same or (table is None and changes is None):
        return None
    parts, ends = [], dict[str, int]()
    if table is not None:
        kept = _counts(loaded, table)
        if first is not None:
            kept &= stored_days(table) >= first
        found = {one: _end_of(one, loaded) for one in known}
        ends = {one: int(kept[:end].sum()) for one, end in found.items() if end}
        parts.append(completed("revision", table.filter(pa.array(kept))))
    if changes is not None:
        parts.append(changes)
    whole = pa.concat_tables(parts)
    ends[written] = len(whole)
    return PendingFile("revision", whole, history_about(ends, len(whole)))


def _known(loaded: Loaded) -> set[str]:
    """Return up to which writes the files know their history."""
    abouts = loaded.abouts.items()
    return {about.history for grain, about in abouts if grain != "revision"}


def _end_of(history: str, loaded: Loaded) -> int | None:
    """Return how many rows count for a history; None where they are gone."""
    if not history:
        return 0
    about, table = loaded.abouts.get("revision"), loaded.tables.get("revision")
    if about is None or table is None:
        return None
    if history in about.ends or not history.startswith(ROWS):
        return about.ends.get(history)
    count = int(history.removeprefix(ROWS))
    return count if count <= len(table) else None


def _counts(loaded: Loaded, table: pa.Table) -> Bools:
    """Tell which rows count: a file's own, as far as it knows its history."""
    place, grains = np.arange(len(table)), _grains_of(table)
    counts = np.zeros(len(table), dtype=bool)
    for grain, about in loaded.abouts.items():
        if grain != "revision":
            end = _end_of(about.history, loaded) or 0
            counts |= (grains == grain) & (place < end)
    return counts


def _grains_of(table: pa.Table) -> "np.ndarray[tuple[int], np.dtype[np.object_]]":
    """Return the grain whose file holds the cell of each row."""
    codes, stats = coded(table["stat"])
    of_days = table["channel"].is_null().to_numpy()
    names = np.array([_grain_of(stat) for stat in stats], dtype=object)[codes]
    totals = np.array([stat in DAY_TOTALS for stat in stats], dtype=bool)[codes]
    return np.where(of_days, np.where(totals, "campaign", "extra"), names)


def _grain_of(stat: str | None) -> str:
    if stat in STAT or stat in (VARIATION_ID, VARIATION_NAME):
        return "variation"
    return "element" if ELEMENT_KEY.fullmatch(stat or "") else "extra"


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
