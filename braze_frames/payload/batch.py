"""Answers about one campaign → each day once: joined where they agree.

Windows may overlap. A day that several answers hold is kept from the last of them;
files that disagree about its numbers are an error, an API may restate them.
"""

import math
from collections.abc import Mapping, Sequence
from datetime import date, timedelta
from typing import NamedTuple

import numpy as np

from .errors import PayloadError
from .packing import MISSING, Block, Bools, Column, Ints, Packed, matrix
from .payload import Batch, Key

_EPOCH = date(1970, 1, 1)


class Owner(NamedTuple):
    """What makes a variation the same one: its id, else its name, else its position."""

    channel: str
    id: str | None
    name: str | None
    position: int


def owner(key: Key) -> Owner:
    """Return the identity of the variation that ``key`` names."""
    if key.id:
        return Owner(key.channel, key.id, None, 0)
    return Owner(*key)


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


def select_days(batch: Batch, days: Bools) -> Batch:
    """Keep the days of an answer where ``days`` is True."""
    rows = days[batch.entry_day]
    numbers = np.cumsum(rows) - 1
    return Batch(
        origin=batch.origin,
        answered=batch.answered,
        days=batch.days[days],
        totals=_select_rows(batch.totals, days),
        entries=_select_rows(batch.entries, rows),
        entry_day=(np.cumsum(days) - 1)[batch.entry_day[rows]],
        entry_key=batch.entry_key[rows],
        keys=batch.keys,
        elements=[
            element._replace(row=int(numbers[element.row]))
            for element in batch.elements
            if rows[element.row]
        ],
        messages=batch.messages,
    )


def _select_rows(packed: Packed, keep: Bools) -> Packed:
    numbers = np.cumsum(keep) - 1
    cells = [
        (int(numbers[row]), stat, value)
        for row, stat, value in zip(
            packed.rows, packed.stats, packed.values, strict=True
        )
        if keep[row]
    ]
    kept = Packed()
    kept.blocks = [
        Block(
            block.shape,
            numbers[block.rows[keep[block.rows]]],
            matrix(block)[keep[block.rows]].tobytes(),
            block.whole,
        )
        for block in packed.blocks
    ]
    kept.rows = [row for row, _, _ in cells]
    kept.stats = [stat for _, stat, _ in cells]
    kept.values = [value for _, _, value in cells]
    kept.columns = {
        stat: Column(column.values[keep], column.missing[keep])
        for stat, column in packed.columns.items()
    }
    kept.left_out = {
        stat: [int(numbers[row]) for row in rows if keep[row]]
        for stat, rows in packed.left_out.items()
        if keep[rows].any()
    }
    return kept


Cell = tuple[object, ...]
Contents = dict[int, list[tuple[str, Mapping[Cell, int | float]]]]


def _check_agreement(batches: Sequence[Batch]) -> None:
    told: Contents = {}
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
    cells: Mapping[Cell, int | float],
    other: str,
    other_cells: Mapping[Cell, int | float],
) -> None:
    differing = (
        cell
        for cell in {**cells, **other_cells}
        if cells.get(cell) != other_cells.get(cell)
    )
    cell = next(differing)
    what = ", ".join(str(part) for part in cell if part)
    raise PayloadError(
        f"{first} and {other} disagree about {_EPOCH + timedelta(days=day)}: "
        f"{what} is {cells.get(cell)} and {other_cells.get(cell)}. They were exported "
        "at different times; keep one of them for that day, or read by campaign id"
    )


def _contents(batch: Batch) -> list[dict[Cell, int | float]]:
    days: list[dict[Cell, int | float]] = [{} for _ in batch.days]
    for row, stat, value in _cells(batch.totals):
        days[row][(stat,)] = value
    for row, stat, value in _cells(batch.entries):
        cell: Cell = (*owner(batch.keys[batch.entry_key[row]]), stat)
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
