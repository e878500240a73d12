"""Rows of stats as nullable columns: filled, put in order, summed exactly, joined."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import accumulate
from types import MappingProxyType
from typing import Any, NamedTuple

import numpy as np

from braze_frames.core.arrays import (
    Bools,
    Column,
    Flags,
    Ints,
    Values,
    is_ascending,
    sum_exactly,
)
from braze_frames.errors import PayloadError
from braze_frames.schema.channels import STAT, STAT_RANK

# A float knows a sum of 64-bit counts to about 11 bits: below half the range a rough
# sum proves that the exact one fits.
_LARGE = 2.0**62
# To put rows down line by line and turn them takes .2 of the time of putting them down
# cell by cell; where fewer than one row in 8 is given, the lines between cost more.
_SPARSE = 8

Matrix = np.ndarray[Any, np.dtype[np.int64]]
StatColumns = Mapping[str, Column]


@dataclass(frozen=True)
class Stats:
    """What rows hold: for each stat a column with one value a row.

    A stat that the table does not know takes its type from all days of a read. So its
    whole numbers stand in ``columns``, the others in ``fractions``: no cell is in both.
    ``left_out`` says in which rows a stat was no number.
    """

    columns: dict[str, Column] = field(default_factory=dict)
    fractions: dict[str, Column] = field(default_factory=dict)
    left_out: dict[str, Ints] = field(default_factory=dict)

    def cells(self) -> Iterator[tuple[int, str, int | float]]:
        """Yield each number: row, stat, value."""
        for columns in (self.columns, self.fractions):
            for stat, column in columns.items():
                rows = np.flatnonzero(~column.missing)
                for row, value in zip(
                    rows.tolist(), column.values[rows].tolist(), strict=True
                ):
                    yield row, stat, value


class _Kind(NamedTuple):
    """Which column a number is of: an unknown stat may have two."""

    stat: str
    is_float: bool


class _Packed(NamedTuple):
    """Numbers of some rows, a line each, floats by their bits; None is no holes."""

    kinds: list[_Kind]
    rows: Ints
    numbers: Matrix
    holes: Flags | None


class Filling:
    """Collects the numbers of ``size`` rows, and makes columns of them."""

    def __init__(self, size: int) -> None:
        self.size = size
        self._packed: list[_Packed] = []
        self._single: dict[_Kind, tuple[list[int], list[int | float]]] = {}
        self._left_out: dict[str, list[int]] = {}

    def put_packed(
        self,
        stats: Iterable[tuple[str, bool]],
        rows: Ints,
        numbers: Matrix,
        holes: Flags | None,
    ) -> None:
        """Put many numbers down.

        Parameters
        ----------
        stats : iterable of (str, bool)
            For each column of ``numbers`` its stat, and whether they are floats.
        rows : ndarray
            For each line of ``numbers`` its row, ascending.
        numbers : ndarray
            Counts, and floats by their bits.
        holes : ndarray, optional
            Where a number is missing; it is 0 there. None is nowhere.
        """
        if len(rows):
            kinds = [_Kind(*stat) for stat in stats]
            self._packed.append(_Packed(kinds, rows, numbers, holes))

    def put(self, row: int, stat: str, value: float) -> None:
        """Put one number in its place; of an unknown stat its Python type counts."""
        known = STAT.get(stat)
        is_float = known.dtype == "Float64" if known else isinstance(value, float)
        rows, values = self._single.setdefault(_Kind(stat, is_float), ([], []))
        rows.append(row)
        values.append(value)

    def leave_out(self, row: int, stat: str) -> None:
        """Note that a stat is no number in a row."""
        self._left_out.setdefault(stat, []).append(row)

    def stats(self, ready: StatColumns = MappingProxyType({})) -> Stats:
        """Return what was put down, beside columns that were ready."""
        found = dict.fromkeys(kind for packed in self._packed for kind in packed.kinds)
        place = {kind: n for n, kind in enumerate({**found, **self._single})}
        values = np.zeros((len(place), self.size), dtype=np.int64)
        missing = np.ones(values.shape, dtype=bool)
        filled: set[_Kind] = set()
        for packed in self._packed:
            columns = np.array([place[kind] for kind in packed.kinds], dtype=np.int64)
            _put_down(packed, columns, values, missing, filled.isdisjoint(packed.kinds))
            filled.update(packed.kinds)
        for kind, (of_one, single) in self._single.items():
            dtype = np.float64 if kind.is_float else np.int64
            values[place[kind], of_one] = np.array(single, dtype).view(np.int64)
            missing[place[kind], of_one] = False
        stats = Stats(dict(ready), {}, {})
        for (stat, is_float), n in place.items():
            of_kind = (
                stats.fractions if is_float and stat not in STAT else stats.columns
            )
            numbers_ = values[n].view(np.float64) if is_float else values[n]
            of_kind[stat] = Column(numbers_, missing[n])
        stats.left_out.update((k, np.array(rows)) for k, rows in self._left_out.items())
        return stats


def _put_down(
    packed: _Packed, columns: Ints, values: Matrix, missing: Flags, is_first: bool
) -> None:
    """Put packed numbers into these columns, of which none holds any yet if first."""
    _, rows, numbers, holes = packed
    first, size = int(rows[0]), int(rows[-1] - rows[0]) + 1
    if len(rows) * _SPARSE < size:
        values[np.ix_(columns, rows)] = numbers.T
        missing[np.ix_(columns, rows)] = False if holes is None else holes.T
        return
    void: Flags = np.ones((size, 1 if holes is None else len(columns)), dtype=bool)
    void[rows - first] = False if holes is None else holes
    if size > len(rows):
        lines = np.zeros((size, len(columns)), dtype=np.int64)
        lines[rows - first] = numbers
        numbers = lines
    span = slice(first, first + size)
    if is_first:
        values[columns, span], missing[columns, span] = numbers.T, void.T
    else:
        values[columns, span] += numbers.T
        missing[columns, span] &= void.T


class Order(NamedTuple):
    """How rows are put in order, and which of them are summed.

    ``rows`` are the rows as they follow each other, ``goal`` says for each where it
    goes. ``starts``, if any rows are summed, says where in ``rows`` each sum begins;
    ``describe`` says of a row where it stands, for errors.
    """

    rows: Ints
    goal: Ints
    starts: Ints | None
    is_given: bool
    describe: Callable[[int], str]

    @property
    def first(self) -> Ints:
        """The first row of each sum."""
        return self.rows if self.starts is None else self.rows[self.starts]


def order_rows(codes: Ints, describe: Callable[[int], str] = lambda _: "") -> Order:
    """Sort rows by ``codes``; rows with equal codes become one."""
    if is_ascending(codes):
        rows = np.arange(len(codes))
        return Order(rows, rows, None, is_given=True, describe=describe)
    rows = np.argsort(codes, kind="stable")
    is_new = np.ones(len(rows), dtype=bool)
    is_new[1:] = np.diff(codes[rows]) != 0
    goal = np.empty_like(rows)
    goal[rows] = np.cumsum(is_new) - 1
    starts = None if is_new.all() else np.flatnonzero(is_new)
    return Order(rows, goal, starts, is_given=False, describe=describe)


def gather(parts: Sequence[Stats], sizes: Sequence[int], order: Order) -> Stats:
    """Put the rows of several parts in order, and sum those that are one.

    Parameters
    ----------
    parts : sequence of Stats
        One after the other they are the rows that ``order`` speaks of.
    sizes : sequence of int
        How many rows each part has.
    order : Order
        From ``order_rows``.

    Raises
    ------
    PayloadError
        A sum does not fit in 64 bits.
    """
    if len(parts) == 1 and order.is_given:
        return _without_empty(parts[0])
    starts = [0, *accumulate(sizes)]
    gathered = Stats()
    # stat by stat, so that a long series stands in memory twice and not thrice
    for stat in dict.fromkeys(
        stat for p in parts for stat in (*p.columns, *p.fractions)
    ):
        whole = _joined(stat, [part.columns for part in parts], sizes)
        fraction = _joined(stat, [part.fractions for part in parts], sizes)
        if whole and fraction and order.starts is not None:
            whole, fraction = _count_as_fractions(whole, fraction, order)
        for columns, column in (
            (gathered.columns, whole),
            (gathered.fractions, fraction),
        ):
            if column and not column.missing.all():
                columns[stat] = _in_order(stat, column, order)
    for part, start in zip(parts, starts, strict=False):
        for stat, rows in part.left_out.items():
            goal = order.goal[rows + start]
            others = gathered.left_out.get(stat, goal[:0])
            gathered.left_out[stat] = np.concatenate([others, goal])
    return gathered


def _without_empty(stats: Stats) -> Stats:
    columns, fractions = (
        {stat: column for stat, column in kind.items() if not column.missing.all()}
        for kind in (stats.columns, stats.fractions)
    )
    return Stats(columns, fractions, stats.left_out)


def _joined(
    stat: str, parts: Sequence[StatColumns], sizes: Sequence[int]
) -> Column | None:
    found = [[part[stat]] if stat in part else [] for part in parts]
    return join(found, sizes) if any(found) else None


def join(parts: Sequence[Sequence[Column]], sizes: Sequence[int]) -> Column:
    """Put the rows of parts one after the other; ``sizes`` are rows a part.

    A part may give no column, which is all missing, or two, of which one has the number
    of a row.
    """
    given = [column for columns in parts for column in columns]
    if len(parts) == len(given) == 1:
        return given[0]
    dtype = np.result_type(*(column.values.dtype for column in given))
    values = np.zeros(sum(sizes), dtype=dtype)
    missing = np.ones(len(values), dtype=bool)
    starts = accumulate(sizes, initial=0)
    for start, size, columns in zip(starts, sizes, parts, strict=False):
        rows = slice(start, start + size)
        for column in columns[:1]:
            values[rows], missing[rows] = column.values, column.missing
        for column in columns[1:]:
            values[rows] += column.values
            missing[rows] &= column.missing
    return Column(values, missing)


def writable(column: Column) -> Column:
    """Return a column that may be written to: one of a file is copied once, here."""
    return Column(*(part if part.flags.writeable else part.copy() for part in column))


def _count_as_fractions(
    whole: Column, fraction: Column, order: Order
) -> tuple[Column, Column]:
    """Move counts that are summed with a fraction to the fractions."""
    has_fraction: Bools = np.zeros(len(order.first), dtype=bool)
    has_fraction[order.goal[~fraction.missing]] = True
    moved = has_fraction[order.goal] & ~whole.missing
    return (
        Column(np.where(moved, 0, whole.values), whole.missing | moved),
        Column(
            np.where(moved, whole.values, fraction.values), fraction.missing & ~moved
        ),
    )


def _in_order(stat: str, column: Column, order: Order) -> Column:
    """Return a column in order; one that is in order already is not copied."""
    if order.is_given:
        return column
    values, missing = column.values.take(order.rows), column.missing.take(order.rows)
    if order.starts is None:
        return Column(values, missing)
    sums = sum_runs(stat, values, order)
    return Column(sums, np.logical_and.reduceat(missing, order.starts))


def sum_runs(stat: str, values: Values, order: Order) -> Values:
    """Sum ordered values exactly; what is missing (0) adds nothing.

    Raises
    ------
    PayloadError
        A sum of counts does not fit in 64 bits.
    """
    starts = order.starts
    if starts is None:
        return values
    with np.errstate(over="ignore"):
        sums: Values = np.add.reduceat(values, starts)
    if values.dtype == np.float64:
        for run in np.flatnonzero(~np.isfinite(sums)):
            raise PayloadError(
                f"{order.describe(order.first[run])}{stat}: the sum is beyond what a "
                "float holds; look at where such amounts come from"
            )
        return sums
    rough = np.add.reduceat(values.astype(np.float64), starts)
    for run in np.flatnonzero(np.abs(rough) > _LARGE):
        end = starts[run + 1] if run + 1 < len(starts) else len(values)
        place = order.describe(order.first[run])
        sum_exactly(f"{place}{stat}", values[starts[run] : end].tolist())
    return sums


def select_rows(stats: Stats, keep: Bools) -> Stats:
    """Keep the rows where ``keep`` is True."""
    numbers = np.cumsum(keep) - 1

    def kept(columns: StatColumns) -> dict[str, Column]:
        return {
            stat: Column(column.values[keep], column.missing[keep])
            for stat, column in columns.items()
        }

    left_out = {
        stat: numbers[rows[keep[rows]]]
        for stat, rows in stats.left_out.items()
        if keep[rows].any()
    }
    return Stats(kept(stats.columns), kept(stats.fractions), left_out)


def ranked(stats: set[str]) -> list[str]:
    """Sort stats: known ones as in the stats table, then the others by name."""
    return sorted(stats, key=lambda name: (STAT_RANK.get(name, len(STAT)), name))
