"""Answers about one campaign → each day and variation once, in a frame's order.

Windows may overlap. A day that several answers hold is kept from the last of them;
files that disagree about its numbers are an error, an API may restate them. Entries of
one variation on one day are added up. Whatever is read or stored comes through here, so
that a cached read and one without a cache cannot differ.
"""

from collections.abc import Iterable, Mapping, Sequence
from itertools import accumulate
from types import MappingProxyType
from typing import NamedTuple

import numpy as np

from braze_frames.core.arrays import Bools, Ints, Values, is_ascending
from braze_frames.core.days import date_of
from braze_frames.errors import PayloadError
from braze_frames.payload.batch import (
    Batch,
    Elements,
    EntryKey,
    owner,
    select_days,
)
from braze_frames.payload.columns import Order, Stats, gather, order_rows, sum_runs
from braze_frames.payload.labels import label_keys
from braze_frames.schema.channels import ELEMENT_STAT

NO_NAMES: Mapping[str, str] = MappingProxyType({})


class _Entries(NamedTuple):
    """The entries of several answers, one after the other, and their keys that occur.

    ``day`` points into the days of all answers, ``sizes`` are rows an answer.
    """

    day: Ints
    key: Ints
    keys: list[EntryKey]
    sizes: list[int]


def normalise(
    batches: Iterable[Batch],
    names: Mapping[str, str] = NO_NAMES,
    *,
    restated: bool = True,
) -> Batch:
    """Put the answers about one campaign together.

    Parameters
    ----------
    batches : iterable of Batch
        The answers, oldest first.
    names : mapping, optional
        Variation id → what to call a variation that has no name.
    restated : bool
        Whether a later answer may differ about a day (an API restates days).

    Returns
    -------
    Batch
        Each day once, ascending; entries by day, channel and label, each variation once
        a day; elements by entry and key.

    Raises
    ------
    PayloadError
        A sum does not fit in 64 bits, or two answers disagree about a day and
        ``restated`` is False.
    """
    parts = _each_day_once(list(batches), restated=restated)
    days = np.concatenate([part.days for part in parts])
    by_day = order_rows(days)
    entries = _entries(parts)
    labels = label_keys(entries.keys, _last_rows(entries, days), names)
    order = _order(entries, days, labels, parts[0].origin)
    return Batch(
        origin=parts[0].origin,
        answered=days[by_day.rows],
        days=days[by_day.rows],
        totals=gather(
            [part.totals for part in parts], [len(part.days) for part in parts], by_day
        ),
        entries=gather([part.entries for part in parts], entries.sizes, order),
        entry_day=by_day.goal[entries.day[order.first]],
        entry_key=_last_named(entries, order),
        keys=entries.keys,
        elements=_elements(parts, entries, order),
        messages=[text for part in parts for text in part.messages],
        labels=labels,
    )


def _entries(parts: Sequence[Batch]) -> _Entries:
    place: dict[EntryKey, int] = {}
    day, key, start = [], [], 0
    for part in parts:
        found = np.zeros(len(part.keys), dtype=np.int64)
        used = np.flatnonzero(np.bincount(part.entry_key)).tolist()
        found[used] = [place.setdefault(part.keys[code], len(place)) for code in used]
        day.append(part.entry_day.astype(np.int64) + start)
        key.append(found[part.entry_key])
        start += len(part.days)
    sizes = [len(of_part) for of_part in key]
    return _Entries(np.concatenate(day), np.concatenate(key), list(place), sizes)


def _last_rows(entries: _Entries, days: Ints) -> Ints:
    """Return for each key a number that is greater the later its last entry is."""
    if len({owner(key) for key in entries.keys}) == len(entries.keys):
        return np.arange(len(entries.keys))  # none had another name before
    size = len(entries.key)
    last = np.full(len(entries.keys), np.iinfo(np.int64).min)
    numbers = days[entries.day] * size + np.arange(size)
    if is_ascending(numbers):
        last[entries.key] = numbers  # of equal keys the last one stays
    else:
        np.maximum.at(last, entries.key, numbers)
    return last


def _order(entries: _Entries, days: Ints, labels: Sequence[str], origin: str) -> Order:
    """Order entries as a frame does: by day, channel and label."""
    places = [
        (key.channel, label) for key, label in zip(entries.keys, labels, strict=True)
    ]
    rank = {place: number for number, place in enumerate(sorted(set(places)))}
    ranks = np.array([rank[place] for place in places], dtype=np.int64)

    def describe(row: int) -> str:
        day, channel = days[entries.day[row]], places[entries.key[row]][0]
        return f"{origin}, {date_of(int(day))}, {channel}, "

    return order_rows(days[entries.day] * len(rank) + ranks[entries.key], describe)


def _last_named(entries: _Entries, order: Order) -> Ints:
    """Return for each sum the key of its last entry with a name, else of any."""
    if order.starts is None:
        return entries.key[order.rows]
    keys = np.zeros(len(order.starts), dtype=np.int64)
    keys[order.goal] = entries.key
    named = np.array([bool(key.name) for key in entries.keys], dtype=bool)
    chosen = named[entries.key]
    keys[order.goal[chosen]] = entries.key[chosen]
    return keys


def _elements(parts: Sequence[Batch], entries: _Entries, order: Order) -> Elements:
    joined = _joined(parts, entries)
    if not len(joined.row):
        return joined
    rows, codes, keys = order.goal[joined.row], joined.key, joined.keys

    def describe(number: int) -> str:
        place = order.describe(order.first[rows[number]])
        return f"{place}{' '.join(map(str, keys[codes[number]]))}, "

    by_key = order_rows(rows * len(keys) + codes, describe)
    summed = sum_runs(ELEMENT_STAT, joined.clicks[by_key.rows], by_key)
    return Elements(rows[by_key.first], codes[by_key.first], summed, keys)


def _joined(parts: Sequence[Batch], entries: _Entries) -> Elements:
    """Return the clicks of several answers, one after the other."""
    if not any(len(part.elements.row) for part in parts):
        return parts[0].elements
    starts = [0, *accumulate(entries.sizes)]
    keys = sorted({key for part in parts for key in part.elements.keys})
    place = {key: code for code, key in enumerate(keys)}
    row, code = [], []
    for part, start in zip(parts, starts, strict=False):
        codes = np.array([place[key] for key in part.elements.keys], dtype=np.int64)
        row.append(part.elements.row + start)
        code.append(codes[part.elements.key])
    clicks = np.concatenate([part.elements.clicks for part in parts])
    return Elements(np.concatenate(row), np.concatenate(code), clicks, keys)


def _each_day_once(batches: list[Batch], *, restated: bool) -> list[Batch]:
    """Keep each day from the last answer that holds it."""
    if len(batches) == 1 and is_ascending(batches[0].days):
        return batches
    days = np.concatenate([batch.days for batch in batches] or [np.empty(0, np.int64)])
    found, first, place = np.unique(days, return_index=True, return_inverse=True)
    if len(found) == len(days):
        return batches
    whole = _follow(batches, days)
    if not restated:
        unlike = np.unique(days[_unlike_first(whole, first[place])])
        if len(unlike):
            _check_agreement(batches, unlike)
    last = np.zeros(len(found), dtype=np.int64)
    last[place] = np.arange(len(days))  # of equal days the last one stays
    keep = np.zeros(len(days), dtype=bool)
    keep[last] = True
    return [select_days(whole, keep)]


def _follow(batches: Sequence[Batch], days: Ints) -> Batch:
    """Put answers one after the other, as they are: days may stand several times."""
    entries = _entries(batches)
    sizes = [len(batch.days) for batch in batches]
    as_given = order_rows(np.arange(len(days)))
    rows_as_given = order_rows(np.arange(len(entries.day)))
    return Batch(
        origin=batches[0].origin,
        answered=days,
        days=days,
        totals=gather([batch.totals for batch in batches], sizes, as_given),
        entries=gather(
            [batch.entries for batch in batches], entries.sizes, rows_as_given
        ),
        entry_day=entries.day,
        entry_key=entries.key,
        keys=entries.keys,
        elements=_joined(batches, entries),
        messages=[text for batch in batches for text in batch.messages],
    )


def _unlike_first(whole: Batch, first: Ints) -> Bools:
    """Tell which days may hold something else than the first of the same date.

    What is the same row by row is the same. What is not may still add up to the same,
    so that it is to be looked at cell by cell.
    """
    owners = [owner(key) for key in whole.keys]
    place = {one: code for code, one in enumerate(dict.fromkeys(owners))}
    whose = np.array([place[one] for one in owners], dtype=np.int64)[whole.entry_key]
    row, key, clicks, keys = whole.elements
    days, codes = np.arange(len(first)), whose[row] * len(keys) + key
    return (
        _differ(days, np.zeros_like(days), _arrays(whole.totals), first)
        | _differ(whole.entry_day, whose, _arrays(whole.entries), first)
        | _differ(whole.entry_day[row], codes, [clicks], first)
    )


def _arrays(stats: Stats) -> list[Values]:
    columns = (*stats.columns.values(), *stats.fractions.values())
    return [array for column in columns for array in column]


def _differ(day: Ints, code: Ints, arrays: Sequence[Values], first: Ints) -> Bools:
    """Tell which days have other rows than their first: by code, then as they come."""
    rows = np.lexsort((code, day))
    sizes = np.bincount(day, minlength=len(first))
    starts = np.cumsum(sizes) - sizes
    differ: Bools = sizes != sizes[first]
    is_pair = (first != np.arange(len(first))) & ~differ
    later = np.flatnonzero(is_pair[day[rows]])
    of_day = day[rows[later]]
    one, other = rows[later], rows[later - starts[of_day] + starts[first[of_day]]]
    for array in (code, *arrays):
        differ[of_day[array[one] != array[other]]] = True
    return differ


_DayCell = tuple[object, ...]
_DayContents = dict[int, list[tuple[str, Mapping[_DayCell, int | float]]]]


def _check_agreement(batches: Sequence[Batch], days: Ints) -> None:
    """Compare what answers say of these days, cell by cell."""
    told: _DayContents = {}
    for batch in batches:
        several = select_days(batch, np.isin(batch.days, days))
        for place, cells in enumerate(_contents(several)):
            told.setdefault(int(several.days[place]), []).append((batch.origin, cells))
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
    for row, stat, value in batch.totals.cells():
        days[row][(stat,)] = value
    for row, stat, value in batch.entries.cells():
        _add(days, batch, row, (stat,), value)
    for row, key, clicks in batch.elements.each():
        _add(days, batch, row, key, clicks)
    return days


def _add(
    days: list[dict[_DayCell, int | float]],
    batch: Batch,
    row: int,
    what: tuple[object, ...],
    value: float,
) -> None:
    cell: _DayCell = (*owner(batch.keys[batch.entry_key[row]]), *what)
    day = days[batch.entry_day[row]]
    day[cell] = day.get(cell, 0) + value
