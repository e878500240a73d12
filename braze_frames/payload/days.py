"""Answers about one campaign → what is stored: each day and variation once, sorted.

Entries of one variation on one day are added up. Known stats become columns, others
stay single cells, since the type of each of their numbers matters to a read of other
days. Nothing is labelled: ids, names and positions stay as they came.
"""

import math
from collections.abc import Collection, Iterator, Sequence
from itertools import accumulate, compress
from typing import NamedTuple

import numpy as np

from .columns import Slots, order_rows, spread, sum_exactly
from .labels import label_variations
from .metrics import DAY_TOTALS, ELEMENT_STAT, STAT
from .overlaps import Owner, join_days, owner
from .packing import MISSING, Ints, Packed, matrix
from .payload import Batch, Element, Key


class _Entries(NamedTuple):
    """The rows of several batches, one after the other."""

    day: Ints
    key: Ints
    keys: list[Key]
    offsets: list[int]


def collapse(batches: Sequence[Batch]) -> Batch:
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
    columns = spread(parts, offsets, slots)
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
