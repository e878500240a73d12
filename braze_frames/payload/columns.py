"""Rows of stats as nullable columns: filled, put in order, summed exactly, joined."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import accumulate
from operator import attrgetter
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
from braze_frames.schema.channels import STAT

# A float knows a sum of 64-bit counts to about 11 bits: below half the range a rough
# sum proves that the exact one fits.
_LARGE = 2.0**62
# Stands where a packed count is missing: no count reaches it.
MISSING = -(2**63)

Matrix = np.ndarray[Any, np.dtype[np.int64]]
StatColumns = Mapping[str, Column]


@dataclass
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


class Kind(NamedTuple):
    """Which column a number is of: an unknown stat may have two."""

    stat: str
    is_float: bool

    @property
    def is_loose(self) -> bool:
        """Whether it is a fraction of a stat that the table does not know."""
        return self.is_float and self.stat not in STAT

    @property
    def dtype(self) -> type[np.int64 | np.float64]:
        """What its numbers are kept as."""
        return np.float64 if self.is_float else np.int64


class _Packed(NamedTuple):
    """Numbers of some rows, a line each, floats by their bits.

    Where rows are padded, ``MISSING`` is no number, nor is NaN in a float.
    """

    kinds: tuple[Kind, ...]
    rows: Ints
    numbers: Matrix
    padded: bool


_Single = dict[Kind, tuple[list[int], list[int | float]]]


class Filling(Stats):
    """Collects the numbers of ``size`` rows; columns are made when one is asked for.

    So the answers about a campaign are put down at once, each number in its place in
    the frame: columns of each answer take half as long as its JSON takes to parse.
    """

    def __init__(self, size: int) -> None:
        self.size = size
        self._packed: list[_Packed] = []
        self._single: _Single = {}
        self._odd: dict[str, list[int]] = {}

    def __getattr__(self, name: str) -> Any:
        """Make of what was collected what is asked for."""
        if name in ("columns", "fractions"):
            made = _put_down(self.size, self._packed, self._single)
            self.columns = {k.stat: one for k, one in made.items() if not k.is_loose}
            self.fractions = {k.stat: one for k, one in made.items() if k.is_loose}
        elif name == "left_out":
            self.left_out = {key: np.array(rows) for key, rows in self._odd.items()}
        else:
            raise AttributeError(name)
        return vars(self)[name]

    @property
    def is_open(self) -> bool:
        """Whether no column was made yet."""
        return "columns" not in vars(self)

    def put_packed(
        self,
        kinds: tuple[Kind, ...],
        rows: Ints,
        numbers: Matrix,
        *,
        padded: bool = False,
    ) -> None:
        """Put many numbers down.

        Parameters
        ----------
        kinds : tuple of Kind
            What each column of ``numbers`` holds.
        rows : ndarray
            For each line of ``numbers`` its row.
        numbers : ndarray
            Counts, and floats by their bits.
        padded : bool
            Whether there are blanks among them: ``MISSING``, and NaN in a float.
        """
        if len(rows):
            self._packed.append(_Packed(kinds, rows, numbers, padded))

    def put(self, row: int, stat: str, value: float) -> None:
        """Put one number in its place; of an unknown stat its Python type counts."""
        known = STAT.get(stat)
        is_float = known.dtype == "Float64" if known else isinstance(value, float)
        rows, values = self._single.setdefault(Kind(stat, is_float), ([], []))
        rows.append(row)
        values.append(value)

    def leave_out(self, row: int, stat: str) -> None:
        """Note that a stat is no number in a row."""
        self._odd.setdefault(stat, []).append(row)

    def put_all(self, other: "Filling", places: Ints) -> None:
        """Put all that another one collected into these places of its rows."""
        for one in other._packed:
            self._packed.append(one._replace(rows=places[one.rows]))
        for kind, (rows, numbers) in other._single.items():
            mine = self._single.setdefault(kind, ([], []))
            mine[0].extend(places[rows].tolist())
            mine[1].extend(numbers)
        for stat, rows in other._odd.items():
            self._odd.setdefault(stat, []).extend(places[rows].tolist())

    def beside(self, ready: StatColumns) -> Stats:
        """Return what was put down beside columns that were ready."""
        return Stats({**ready, **self.columns}, self.fractions, self.left_out)


def _put_down(size: int, packed: list[_Packed], single: _Single) -> dict[Kind, Column]:
    """Make columns of so many rows of what was collected."""
    columns: dict[Kind, Column] = {}
    alike: dict[tuple[Kind, ...], list[_Packed]] = {}
    for one in packed:
        alike.setdefault(one.kinds, []).append(one)
    packed.clear()  # a long series stands in memory once more, and not twice
    holed: set[Kind] = set()
    for kinds, parts in alike.items():
        parts.sort(key=attrgetter("padded"))
        rows = np.concatenate([part.rows for part in parts])
        first = sum(len(part.rows) for part in parts if not part.padded)
        numbers = _turned(parts, len(rows))
        holes = _take_blanks(kinds, numbers[:, first:])
        others = np.ones(size, dtype=bool)
        others[rows] = False
        for kind, line in zip(kinds, numbers, strict=True):
            column, dtype = columns.get(kind), kind.dtype
            if column is None:
                column = columns[kind] = Column(np.zeros(size, dtype), others.copy())
            else:
                column.missing[rows] = False
            column.values[rows] = line.view(dtype)
        for kind, is_hole in holes.items():
            columns[kind].missing[rows[first:][is_hole]] = True
        holed |= holes.keys()
    for kind, (places, found) in single.items():
        everywhere = Column(np.zeros(size, kind.dtype), np.ones(size, dtype=bool))
        column = columns.setdefault(kind, everywhere)
        column.values[places] = found
        column.missing[places] = False
    empty = {kind for kind in holed if columns[kind].missing.all()}
    return {kind: column for kind, column in columns.items() if kind not in empty}


def _take_blanks(kinds: tuple[Kind, ...], numbers: Matrix) -> dict[Kind, Flags]:
    """Make padded numbers 0 where they are blank; where that is, of kinds with some."""
    if not numbers.size:
        return {}
    blank = numbers == MISSING
    floats = [n for n, kind in enumerate(kinds) if kind.is_float]
    blank[floats] = np.isnan(numbers[floats].view(np.float64))
    numbers[blank] = 0
    return {kinds[n]: blank[n] for n in np.flatnonzero(blank.any(axis=1)).tolist()}


def _turned(parts: list[_Packed], size: int) -> Matrix:
    """Return the numbers of parts, a line each stat, and let go of the parts.

    Turned as a whole: to take columns out of lines takes twice as long.
    """
    numbers = np.empty((len(parts[0].kinds), size), dtype=np.int64)
    end = size
    while parts:
        part = parts.pop()
        start = end - len(part.rows)
        numbers[:, start:end] = part.numbers.T
        end = start
    return numbers


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
    starts = [0, *accumulate(sizes)]
    open_ = [part for part in parts if isinstance(part, Filling) and part.is_open]
    if order.starts is None and len(open_) == len(parts):
        ends = starts[1:]
        places = (order.goal[a:b] for a, b in zip(starts, ends, strict=False))
        return _put_together(open_, [*places])
    if len(parts) == 1 and order.is_given:
        return _without_empty(parts[0])
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


def _put_together(parts: Sequence[Filling], places: Sequence[Ints]) -> Filling:
    whole = Filling(sum(map(len, places)))
    for part, of_part in zip(parts, places, strict=True):
        whole.put_all(part, of_part)
    return whole


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
    if column.values.flags.writeable and column.missing.flags.writeable:
        return column
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
    return [*filter(stats.__contains__, STAT), *sorted(stats - STAT.keys())]
