"""What one answer holds, typed and unlabelled; who an entry belongs to."""

from collections.abc import Iterable, Iterator, Sequence
from datetime import date
from typing import NamedTuple

import numpy as np

from braze_frames.core.arrays import Bools, Ints
from braze_frames.core.days import day_number
from braze_frames.payload.columns import Stats, select_rows


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


class ElementKey(NamedTuple):
    """One slide or button."""

    element: str
    position: int
    title: str


class Element(NamedTuple):
    """Clicks on one slide or button of one entry."""

    row: int
    key: ElementKey
    clicks: int


class Elements(NamedTuple):
    """Clicks on slides and buttons: the row of the entry, the code of the key."""

    row: Ints
    key: Ints
    clicks: Ints
    keys: list[ElementKey]

    def each(self) -> Iterator[Element]:
        """Yield them one by one."""
        for row, code, clicks in zip(self.row, self.key, self.clicks, strict=True):
            yield Element(int(row), self.keys[code], int(clicks))


def elements_of(elements: Iterable[Element]) -> Elements:
    """Return elements as columns."""
    rows, clicks, codes = [], [], []
    place: dict[ElementKey, int] = {}
    for one in elements:
        rows.append(one.row)
        codes.append(place.setdefault(one.key, len(place)))
        clicks.append(one.clicks)
    row, code, clicked = (np.array(part, np.int64) for part in (rows, codes, clicks))
    return Elements(row, code, clicked, list(place))


NO_ELEMENTS = elements_of([])


class Batch(NamedTuple):
    """What one answer says, typed, or all answers about a campaign put together.

    ``days`` are days since 1970-01-01, one for each day object read, ``answered`` all
    that the answer holds; ``entry_day`` and ``entry_key`` point into ``days`` and
    ``keys`` for each row of ``entries``. ``messages`` are errors that the server tells
    of. ``labels`` say what the variation of each key is called, once the days are
    normalised.
    """

    origin: str
    answered: Ints
    days: Ints
    totals: Stats
    entries: Stats
    entry_day: Ints
    entry_key: Ints
    keys: list[EntryKey]
    elements: Elements
    messages: list[str]
    labels: Sequence[str] = ()


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
    """Keep the days of an answer where ``days`` is True; labels are to be made anew."""
    rows = days[batch.entry_day]
    kept = rows[batch.elements.row]
    row, key, clicks = (part[kept] for part in batch.elements[:3])
    return batch._replace(
        days=batch.days[days],
        totals=select_rows(batch.totals, days),
        entries=select_rows(batch.entries, rows),
        entry_day=(np.cumsum(days) - 1)[batch.entry_day[rows]],
        entry_key=batch.entry_key[rows],
        elements=Elements((np.cumsum(rows) - 1)[row], key, clicks, batch.elements.keys),
        labels=(),
    )
