"""Answers about one campaign → each day and variation once, sorted.

Windows may overlap. A day that several answers hold is kept from the last of them;
files that disagree about its numbers are an error, an API may restate them. Entries of
one variation on one day are added up. Known stats become columns, others stay single
cells, since the type of each of their numbers matters to a read of other days.
"""

import math
from collections.abc import Collection, Iterator, Mapping, Sequence
from itertools import accumulate, compress
from typing import NamedTuple

import numpy as np

from braze_frames.core.arrays import Ints, sum_exactly
from braze_frames.core.days import date_of
from braze_frames.errors import PayloadError
from braze_frames.payload.batch import (
    Batch,
    Element,
    EntryKey,
    Owner,
    owner,
    select_days,
)
from braze_frames.payload.columns import Slots, order_rows, scatter
from braze_frames.payload.labels import label_variations
from braze_frames.payload.packing import MISSING, Packed, matrix
from braze_frames.schema.channels import DAY_TOTALS, ELEMENT_STAT, STAT


class _Entries(NamedTuple):
    """The rows of several batches, one after the other."""

    day: Ints
    key: Ints
    keys: list[EntryKey]
    offsets: list[int]


def normalise(batches: Sequence[Batch]) -> Batch:
    """Put the answers about one campaign together.

    Parameters
    ----------
    batches : sequence of Batch
        Not empty; of several answers for a day the last is kept.

    Returns
    -------
    Batch
        Days ascending; entries by day, channel and label, each variation once a day.

    Raises
    ------
    PayloadError
        A sum does not fit in 64 bits.
    """
    parts = join_days(batches, restated=True)
    days = np.concatenate([part.days for part in parts])
    day_slots, _ = order_rows(days)
    offsets = _starts([len(part.days) for part in parts])
    rows = _entries(parts, offsets)
    slots, first = order_rows(_codes(rows, parts, days))
    return Batch(
        origin=parts[0].origin,
        answered=np.sort(days),
        days=np.sort(days),
        totals=_summed([part.totals for part in parts], offsets, day_slots, DAY_TOTALS),
        entries=_summed([part.entries for part in parts], rows.offsets, slots, STAT),
        entry_day=day_slots.slot[rows.day[first]],
        entry_key=_last_named(rows, slots, len(first)),
        keys=rows.keys,
        elements=_elements(parts, rows, slots),
        messages=[],
    )


def _entries(parts: Sequence[Batch], offsets: Sequence[int]) -> _Entries:
    keys = [key for part in parts for key in part.keys]
    counts = _starts([len(part.keys) for part in parts])
    day = [part.entry_day + start for part, start in zip(parts, offsets, strict=True)]
    key = [part.entry_key + start for part, start in zip(parts, counts, strict=True)]
    sizes = _starts([len(part.entry_key) for part in parts])
    return _Entries(np.concatenate(day), np.concatenate(key), keys, sizes)


def _starts(sizes: Sequence[int]) -> list[int]:
    return [0, *accumulate(sizes[:-1])]


def _codes(rows: _Entries, parts: Sequence[Batch], days: Ints) -> Ints:
    """Return numbers that sort rows as a frame does: by day, channel and label."""
    owners = [owner(key) for key in rows.keys]
    seen = np.bincount(rows.key, minlength=len(owners))
    used = list(dict.fromkeys(compress(owners, seen)))
    labels = dict(zip(used, label_variations(used, parts, {}), strict=True))
    ranked = sorted(used, key=lambda one: (one.channel, labels[one]))
    rank: dict[Owner, int] = {one: place for place, one in enumerate(ranked)}
    ranks = np.array([rank.get(one, 0) for one in owners], dtype=np.int64)
    if not len(rows.key):
        return rows.key.astype(np.int64)
    return days[rows.day] * len(rank) + ranks[rows.key]


def _last_named(rows: _Entries, slots: Slots, size: int) -> Ints:
    """Return for each sum the key of its last entry with a name, else of any."""
    keys = np.zeros(size, dtype=np.int64)
    goal = _goals(slots)
    keys[goal] = rows.key
    named = np.array([bool(key.name) for key in rows.keys], dtype=bool)
    chosen = named[rows.key] if len(rows.key) else np.empty(0, dtype=bool)
    keys[goal[chosen]] = rows.key[chosen]
    return keys


def _goals(slots: Slots) -> Ints:
    """Return where each row goes when equal ones are added up."""
    if slots.starts is None:
        return slots.slot
    return np.searchsorted(slots.starts, slots.slot, side="right") - 1


def _summed(
    parts: Sequence[Packed],
    offsets: Sequence[int],
    slots: Slots,
    stats: Collection[str],
) -> Packed:
    summed = Packed()
    columns = scatter(parts, offsets, slots)
    summed.columns = {stat: one for stat, one in columns.items() if stat in stats}
    goal = _goals(slots)
    found: dict[tuple[int, str], list[int | float]] = {}
    for part, offset in zip(parts, offsets, strict=True):
        for row, stat, value in _other_cells(part, stats):
            found.setdefault((int(goal[row + offset]), stat), []).append(value)
        for stat, rows in part.left_out.items():
            places = (int(goal[row + offset]) for row in rows)
            summed.left_out.setdefault(stat, []).extend(places)
    for (row, stat), values in sorted(found.items()):
        summed.rows.append(row)
        summed.stats.append(stat)
        summed.values.append(_sum(stat, values))
    return summed


def _sum(stat: str, values: Sequence[int | float]) -> int | float:
    if any(isinstance(value, float) for value in values):
        return float(sum(values))
    return sum_exactly(stat, [int(value) for value in values])


def _other_cells(
    packed: Packed, stats: Collection[str]
) -> Iterator[tuple[int, str, int | float]]:
    """Yield the numbers of stats that are not among ``stats``: row, stat, value."""
    for row, stat, value in zip(packed.rows, packed.stats, packed.values, strict=True):
        if stat not in stats:
            yield row, stat, value
    for block in packed.blocks:
        for n, stat in enumerate(block.shape.stats):
            if stat in stats:
                continue
            is_float = block.shape.formats[n] == "d"
            column = matrix(block)[:, n]
            values = (column.view("f8") if is_float else column).tolist()
            for row, value in zip(block.rows.tolist(), values, strict=True):
                if block.whole or not (value == MISSING or math.isnan(value)):
                    yield row, stat, value


def _elements(parts: Sequence[Batch], rows: _Entries, slots: Slots) -> list[Element]:
    goal = _goals(slots)
    clicks: dict[tuple[int, str, int, str], list[int]] = {}
    for part, offset in zip(parts, rows.offsets, strict=True):
        for row, element, position, title, count in part.elements:
            place = (int(goal[row + offset]), element, position, title)
            clicks.setdefault(place, []).append(count)
    return [
        Element(*place, sum_exactly(ELEMENT_STAT, counts))
        for place, counts in sorted(clicks.items())
    ]


def join_days(batches: Sequence[Batch], *, restated: bool) -> list[Batch]:
    """Keep each day once, from the last answer that holds it.

    Parameters
    ----------
    batches : sequence of Batch
        The answers about one campaign, oldest first.
    restated : bool
        Whether a later answer may differ (an API restates days). False: it may not.

    Raises
    ------
    PayloadError
        Two answers disagree about a day and ``restated`` is False.
    """
    days = np.concatenate([batch.days for batch in batches] or [np.empty(0, np.int64)])
    if len(np.unique(days)) == len(days):
        return list(batches)
    last = {int(day): n for n, day in enumerate(days)}
    if not restated:
        _check_agreement(batches)
    kept, start = [], 0
    for batch in batches:
        places = range(start, start + len(batch.days))
        keep = [
            last[int(day)] == place
            for day, place in zip(batch.days, places, strict=True)
        ]
        kept.append(select_days(batch, np.array(keep, dtype=bool)))
        start += len(batch.days)
    return kept


_DayCell = tuple[object, ...]
_DayContents = dict[int, list[tuple[str, Mapping[_DayCell, int | float]]]]


def _check_agreement(batches: Sequence[Batch]) -> None:
    told: _DayContents = {}
    for batch in batches:
        for place, cells in enumerate(_contents(batch)):
            told.setdefault(int(batch.days[place]), []).append((batch.origin, cells))
    for day, answers in told.items():
        first, expected = answers[0]
        for other, found in answers[1:]:
            if found != expected:
                _refuse(day, first, expected, other, found)


def _refuse(
    day: int,
    first: str,
    cells: Mapping[_DayCell, int | float],
    other: str,
    other_cells: Mapping[_DayCell, int | float],
) -> None:
    differing = (
        cell
        for cell in {**cells, **other_cells}
        if cells.get(cell) != other_cells.get(cell)
    )
    cell = next(differing)
    what = ", ".join(str(part) for part in cell if part)
    raise PayloadError(
        f"{first} and {other} disagree about {date_of(day)}: "
        f"{what} is {cells.get(cell)} and {other_cells.get(cell)}. They were exported "
        "at different times; keep one of them for that day, or read by campaign id"
    )


def _contents(batch: Batch) -> list[dict[_DayCell, int | float]]:
    days: list[dict[_DayCell, int | float]] = [{} for _ in batch.days]
    for row, stat, value in _cells(batch.totals):
        days[row][(stat,)] = value
    for row, stat, value in _cells(batch.entries):
        cell: _DayCell = (*owner(batch.keys[batch.entry_key[row]]), stat)
        day = days[batch.entry_day[row]]
        day[cell] = day.get(cell, 0) + value
    for row, element, position, title, clicks in batch.elements:
        cell = (*owner(batch.keys[batch.entry_key[row]]), element, position, title)
        day = days[batch.entry_day[row]]
        day[cell] = day.get(cell, 0) + clicks
    return days


def _cells(packed: Packed) -> list[tuple[int, str, int | float]]:
    cells = list(zip(packed.rows, packed.stats, packed.values, strict=True))
    for block in packed.blocks:
        for row, values in zip(_ints(block.rows), matrix(block), strict=True):
            numbers = values.tolist()
            floats = values.view(np.float64).tolist()
            for n, (stat, code) in enumerate(
                zip(block.shape.stats, block.shape.formats, strict=True)
            ):
                value = floats[n] if code == "d" else numbers[n]
                if block.whole or not (value == MISSING or math.isnan(value)):
                    cells.append((row, stat, value))
    return cells


def _ints(numbers: Ints) -> list[int]:
    return list(numbers.tolist())
