"""What one answer holds, typed and unlabelled; who an entry belongs to."""

from datetime import date
from typing import NamedTuple

import numpy as np

from braze_frames.core.arrays import Bools, Column, Ints
from braze_frames.core.days import day_number
from braze_frames.payload.packing import Block, Packed, matrix


class Span(NamedTuple):
    """The days to read, inclusive, as days since 1970-01-01."""

    first: int
    last: int


EVERY_DAY = Span(day_number(date.min), day_number(date.max))


class EntryKey(NamedTuple):
    """Who an entry belongs to; ``position`` counts where it has neither id nor name."""

    channel: str
    id: str | None
    name: str | None
    position: int


class Element(NamedTuple):
    """Clicks on one slide or button of one entry."""

    row: int
    element: str
    position: int
    title: str
    clicks: int


class Batch(NamedTuple):
    """What one answer says, typed and unlabelled.

    ``days`` are days since 1970-01-01, one for each day object read, ``answered`` all
    that the answer holds; ``entry_day`` and ``entry_key`` point into ``days`` and
    ``keys`` for each row of ``entries``.
    """

    origin: str
    answered: Ints
    days: Ints
    totals: Packed
    entries: Packed
    entry_day: Ints
    entry_key: Ints
    keys: list[EntryKey]
    elements: list[Element]
    messages: list[str]


class Owner(NamedTuple):
    """What makes a variation the same one: its id, else its name, else its position."""

    channel: str
    id: str | None
    name: str | None
    position: int


def owner(key: EntryKey) -> Owner:
    """Return the identity of the variation that ``key`` names."""
    if key.id:
        return Owner(key.channel, key.id, None, 0)
    return Owner(*key)


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
