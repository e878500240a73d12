"""Rows of a frame → groups of rows, and exact sums over them."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from braze_frames.core.arrays import (
    Bools,
    Column,
    Floats,
    Ints,
    Values,
    sum_exactly,
)
from braze_frames.errors import PayloadError
from braze_frames.frame.levels import Level, combine, renumber, separate

# Up to here a sum of counts fits in 64 bits, whatever the order of adding.
_BOUND = 2.0**63


@dataclass(frozen=True, slots=True)
class Groups:
    """The group of each row, and the labels of each group.

    ``levels`` are those kept, with one code a group.
    """

    codes: Ints
    levels: list[Level]
    count: int

    def index(self) -> pd.Index:
        """Return the labels of the groups, sorted; a range where none are kept."""
        if not self.levels:
            return pd.RangeIndex(self.count)
        parts = [level.labels.take(level.codes) for level in self.levels]
        if len(parts) == 1:
            return parts[0]
        named: Any = [_without_missing(level) for level in self.levels]
        return pd.MultiIndex(
            levels=[level.labels for level in named],
            codes=[level.codes for level in named],
            names=[level.name for level in named],
            verify_integrity=False,
        ).remove_unused_levels()


def _without_missing(level: Level) -> Level:
    """Return a level as pandas holds it: what has no label has the code -1."""
    known = level.labels.notna()
    if known.all():
        return level
    codes = np.where(known[level.codes], level.codes, -1)
    return Level(level.name, level.labels[known], codes)


def group_rows(levels: Sequence[Level], size: int) -> Groups:
    """Group ``size`` rows by their labels."""
    codes, present = renumber(*combine(levels, size))
    return Groups(codes, separate(levels, present, codes), len(present))


class Selection(NamedTuple):
    """Some of the rows, their groups, and which groups have any of them.

    ``number`` tells the selections of one tally apart.
    """

    number: int
    rows: Ints | None
    codes: Ints
    found: Bools

    def of(self, values: Values) -> Values:
        """Pick the selected rows of an array; None selects all."""
        return values if self.rows is None else values[self.rows]


class Tally:
    """Sums by group; rows that miss the same are selected once for all stats."""

    def __init__(self, codes: Ints, count: int) -> None:
        self.count = count
        self._codes = codes
        self._selections: dict[bytes, Selection] = {}

    def select(self, given: Bools | None) -> Selection:
        """Select the rows where a value is given; None: all rows."""
        # By its bits, which are hashed once; comparing masks takes a pass for each.
        key = b"" if given is None else np.packbits(given).tobytes()
        if key not in self._selections:
            rows = None if given is None else np.flatnonzero(given)
            codes = self._codes if rows is None else self._codes[rows]
            found = np.bincount(codes, minlength=self.count) > 0
            number = len(self._selections)
            self._selections[key] = Selection(number, rows, codes, found)
        return self._selections[key]

    def column(self, stat: str, values: Values, given: Bools | None) -> Column:
        """Sum given values by group; missing where a group has none.

        Raises
        ------
        PayloadError
            A sum of counts does not fit in 64 bits.
        """
        selection = self.select(given)
        sums = self.sum(stat, values, selection)
        return Column(np.where(selection.found, sums, 0), ~selection.found)

    def sum(self, stat: str, values: Values, selection: Selection) -> Values:
        """Sum the selected values by group, counts exactly.

        Raises
        ------
        PayloadError
            A sum of counts does not fit in 64 bits.
        """
        values = selection.of(values)
        sums = np.zeros(self.count, dtype=values.dtype)
        np.add.at(sums, selection.codes, values)
        if values.dtype == np.float64:
            return _finite(stat, sums)
        if len(values) and _largest(values) * len(values) >= _BOUND:
            self._sum_exactly(stat, values, selection.codes)
        return sums

    def _sum_exactly(self, stat: str, values: Values, codes: Ints) -> None:
        rough = np.zeros(self.count)
        np.add.at(rough, codes, np.abs(values.astype(np.float64)))
        # Half, since a float knows so large a sum to about 11 bits.
        for group in np.flatnonzero(rough >= _BOUND / 2):
            sum_exactly(stat, values[codes == group].tolist())


def _finite(stat: str, sums: Values) -> Values:
    if not np.isfinite(sums).all():
        raise PayloadError(
            f"{stat}: the sum is beyond what a float holds; look at where such amounts "
            "come from"
        )
    return sums


def _largest(values: Values) -> float:
    # In one pass: without its sign a negative number is beyond all counts, and its
    # column is looked at closer.
    return float(values.view(np.uint64).max())


def arrays(series: pd.Series) -> tuple[Values, Bools | None]:
    """Return numbers, and which are given; None: all. What is missing may be anything.

    Nothing is copied where pandas keeps numbers and mask apart, as in our columns.
    """
    array: Any = series.array
    given: Any
    floats = pd.api.types.is_float_dtype(series.dtype)
    dtype: Any = np.float64 if floats else np.int64
    masked = isinstance(array, pd.arrays.IntegerArray | pd.arrays.FloatingArray)
    if masked:
        values, given = array._data.astype(dtype, copy=False), ~array._mask
    else:
        given = series.notna().to_numpy()
        values = series.to_numpy(dtype=dtype, na_value=0)
    return values, None if given.all() else given


def day_positions(outer: Ints, dates: Ints, days: int) -> tuple[Ints, Ints]:
    """Return the number of each row's day within its outer group.

    Parameters
    ----------
    outer : ndarray
        The outer group of each row, from 0.
    dates : ndarray
        The day of each row, from 0 and below ``days``.

    Returns
    -------
    positions : ndarray
        For each row.
    length : ndarray
        How many days each outer group has.
    """
    count = int(outer.max(initial=-1)) + 1
    pairs, present = renumber(outer * days + dates, count * days)
    length = np.bincount(present // max(days, 1), minlength=count)
    starts = np.cumsum(length) - length
    return pairs - starts[outer], length


def day_tables(
    outer: Ints, date: Level, sides: Sequence[Values]
) -> Iterator[tuple[Ints, Floats]]:
    """Yield outer groups that have about as many days, and what they have on each.

    One of years beside thousands of a month would make a table of all nearly empty.

    Parameters
    ----------
    outer : ndarray
        The outer group of each row, from 0; with ``date`` no two are the same.
    date : Level
        The day of each row.
    sides : sequence of ndarray
        Values of each row.

    Yields
    ------
    groups : ndarray
        The number of each.
    tables : ndarray of shape (sides, groups, days)
        0 behind a group's last day.
    """
    place, length = day_positions(outer, date.codes, max(len(date.labels), 1))
    sizes = np.floor(np.log2(length) / 2)
    for size in np.unique(sizes):
        mine = sizes == size
        cells = np.flatnonzero(mine[outer])
        rows = (np.cumsum(mine) - 1)[outer[cells]]
        tables = np.zeros((len(sides), int(mine.sum()), int(length[mine].max())))
        for table, side in zip(tables, sides, strict=True):
            table[rows, place[cells]] = side[cells]
        yield np.flatnonzero(mine), tables
