"""Rows of a frame → groups of rows, and exact sums over them."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from braze_frames.core.arrays import Bools, Ints, Values, sum_exactly
from braze_frames.errors import PayloadError
from braze_frames.frame.levels import Level

_DAY_NS = 86_400 * 10**9
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
        return pd.MultiIndex(
            levels=[level.labels for level in self.levels],  # type: ignore[misc]
            codes=[level.codes for level in self.levels],  # type: ignore[misc]
            names=[level.name for level in self.levels],
            verify_integrity=False,
        ).remove_unused_levels()


def group_rows(levels: Sequence[Level], size: int) -> Groups:
    """Group ``size`` rows by their labels."""
    shape = [max(len(level.labels), 1) for level in levels]
    codes, present = renumber(combine(levels, size), int(np.prod(shape, dtype=float)))
    places = np.unravel_index(present, shape) if levels else ()
    kept = [
        Level(level.name, level.labels, place)
        for level, place in zip(levels, places, strict=True)
    ]
    return Groups(codes, kept, len(present))


def combine(levels: Sequence[Level], size: int) -> Ints:
    """Return one code a row, for the combination of its labels."""
    codes = np.zeros(size, dtype=np.int64)
    for level in levels:
        codes *= max(len(level.labels), 1)
        codes += level.codes
    return codes


def renumber(codes: Ints, bound: int) -> tuple[Ints, Ints]:
    """Return codes below ``bound`` numbered without gaps, in their order.

    Returns
    -------
    numbers : ndarray
        For each row.
    present : ndarray
        The code behind each number.
    """
    if bound > 4 * len(codes) + 1000:
        present, numbers = np.unique(codes, return_inverse=True)
        return numbers, present
    seen = np.zeros(bound, dtype=bool)
    seen[codes] = True
    numbers = codes if seen.all() else (np.cumsum(seen) - 1)[codes]
    return numbers, np.flatnonzero(seen)


class Selection(NamedTuple):
    """Some of the rows, their groups, and which groups have any of them."""

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
        self._masks: list[Bools] = []
        self._selections: list[Selection] = []
        self._all: Selection | None = None

    def select(self, given: Bools | None) -> Selection:
        """Select the rows where a value is given; None: all rows."""
        if given is None:
            self._all = self._all or self._selection(None)
            return self._all
        for mask, selection in zip(self._masks, self._selections, strict=True):
            if np.array_equal(mask, given):
                return selection
        self._masks.append(given)
        self._selections.append(self._selection(np.flatnonzero(given)))
        return self._selections[-1]

    def _selection(self, rows: Ints | None) -> Selection:
        codes = self._codes if rows is None else self._codes[rows]
        found = np.zeros(self.count, dtype=bool)
        found[codes] = True
        return Selection(rows, codes, found)

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
    return max(float(values.max()), -float(values.min()))


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


def binned(level: Level, freq: str | pd.offsets.BaseOffset) -> Level:
    """Return the level of days as periods, under pandas' labels for them.

    Raises
    ------
    ValueError
        ``freq`` is no period, or finer than a day.
    """
    days = pd.Series(1, index=level.labels).resample(_offset(freq)).size()
    used = days[days > 0]
    codes = np.repeat(np.arange(len(used), dtype=np.int32), used)
    index = pd.DatetimeIndex(used.index.to_numpy(), name="date").as_unit("us")
    return Level("date", index, codes[level.codes])


def _offset(freq: str | pd.offsets.BaseOffset) -> pd.offsets.BaseOffset:
    try:
        offset = pd.tseries.frequencies.to_offset(freq)
    except (TypeError, ValueError) as error:
        raise ValueError(f"freq={freq!r} is no period: {error}") from None
    finer = isinstance(offset, pd.offsets.Tick) and offset.nanos % _DAY_NS
    if offset is None or finer or offset.n < 1:
        raise ValueError(
            f"freq={freq!r} is no whole number of days; the data are daily, pass 'D', "
            "'W', 'MS' or longer"
        )
    return offset


def kept_levels(levels: dict[str, Level], by: str | Sequence[str] | None) -> list[str]:
    """Return the names of the levels to keep.

    Raises
    ------
    ValueError
        ``by`` names none of the levels.
    """
    known = [name for name in levels if name != "date"]
    if by is None:
        return known
    keep = [by] if isinstance(by, str) else list(dict.fromkeys(by))
    for name in keep:
        if name not in known:
            raise ValueError(
                f"by={name!r} is no level of this frame; it has "
                f"{', '.join(known) or 'none but date (use freq=)'}"
            )
    return keep


def grouped(
    levels: dict[str, Level],
    by: str | Sequence[str] | None,
    freq: str | pd.offsets.BaseOffset | None,
    size: int,
) -> Groups:
    """Group rows by levels, and by period where one is given."""
    keep = kept_levels(levels, by)
    if freq is not None:
        levels = {**levels, "date": binned(levels["date"], freq)}
        keep.insert(1 if keep[:1] == ["campaign"] else 0, "date")
    return group_rows([levels[name] for name in keep], size)
