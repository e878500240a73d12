"""Stat objects → columns: packed where they share their keys, else value by value.

The common case never touches a value in Python: the objects of a channel that share
their keys are packed by one ``struct`` call each, as they come. What does not fit is
kept until all have come, and goes from cheap to dear: objects that share other keys are
packed by those; a hole is filled by a blank, slides and buttons are taken off; what is
left is checked value by value. So are objects with booleans, which ``struct`` would
take for numbers.
"""

from collections.abc import Callable, Iterable, Sequence
from itertools import chain, compress
from typing import Any, NamedTuple, NoReturn

import numpy as np

from braze_frames.core.arrays import Ints
from braze_frames.core.json_text import is_text
from braze_frames.payload.columns import MISSING, Filling, Kind, Matrix
from braze_frames.payload.packing import (
    BOUND,
    FEW,
    Clicks,
    Day,
    Lines,
    Shape,
    amount_of,
    bits,
    chosen,
    count_of,
    element_key,
    equal_ones,
    in_groups,
    is_odd_one,
    matrix,
    nearest_shape,
    not_plain,
    others,
    pack,
    pad,
    shape_of,
    shape_without_clicks,
)
from braze_frames.schema.channels import STAT

# Of objects with equally many stats, fewer than one in 16 are those with holes: each
# lacks other keys, and trying to pack them together finds hardly two alike.
_RARE = 16
# A new way to pack takes as long as 8 objects value by value, and as 30 of which slides
# and buttons are taken off.
_WORTH_PACKING = 16

# The types of numbers in decoded JSON; of a stat that is not known they may be mixed.
_NUMBERS = ((int, np.int64), (float, np.float64))
# Stand for the number of stats of an object that is unlike those with as many, and of
# one that is read value by value.
_IRREGULAR, _BY_VALUE = -1, -2

Fail = Callable[[int, str, Any, str], NoReturn]
_COUNT = "a whole number below 2^63"


class _Kept(NamedTuple):
    """An object that is packed when all have come, its row, and how many stats it has.

    Only then it is known what shapes the others have.
    """

    row: int
    size: int
    stats: Day


class _Rows(NamedTuple):
    """Objects, the row of the first, and how many stats each has."""

    start: int
    sizes: list[int]
    stats: list[Day]

    def places(self, numbers: Sequence[int]) -> Sequence[int]:
        """Return the rows of some of them; a range stands for all."""
        if isinstance(numbers, range):
            return range(self.start, self.start + len(numbers))
        return [self.start + n for n in numbers]


class RowPacker:
    """Puts stat objects into columns, as many at a time as come.

    Parameters
    ----------
    stats : Filling
        Where stats are put.
    clicks : Clicks, optional
        Take slides and buttons, where there may be some.
    skip : tuple of str
        Two keys that are no stats.
    fail : callable
        Raises the error for a row, key, value and what was expected.
    check_each_value : bool
        Whether there may be booleans.
    """

    def __init__(
        self,
        stats: Filling,
        clicks: Clicks | None,
        skip: tuple[str, str],
        fail: Fail,
        check_each_value: bool,
    ) -> None:
        self.stats, self.clicks, self.skip, self.fail = stats, clicks, skip, fail
        self.check_each_value = check_each_value
        self._shapes: list[Shape] = []
        self._lines: dict[tuple[tuple[str, ...], int], Lines] = {}
        # By the number of stats: objects with as many mostly have the same ones.
        self._latest: dict[int, Lines] = {}
        self._kept: list[_Kept] = []

    def take(self, rows: list[Day], start: int, counts: list[int]) -> None:
        """Pack objects that are plain, and keep the others.

        Parameters
        ----------
        rows : list of dict
            The objects.
        start : int
            The row of the first; the others follow.
        counts : list of int
            How many stats each has.
        """
        whole = _Rows(start, counts, rows)
        if self.check_each_value:
            self._keep(whole, range(len(rows)))
            return
        groups: dict[int, tuple[Lines, list[Sequence[int]]]] = {}
        for numbers in equal_ones(counts):
            lines = self._lines_for(whole, numbers)
            if lines is not None:
                groups.setdefault(id(lines), (lines, []))[1].append(numbers)
        for lines, members in groups.values():
            self._take_group(lines, whole, members)

    def _keep(
        self, rows: _Rows, numbers: Iterable[int], size: int | None = None
    ) -> None:
        start, sizes, stats = rows
        self._kept += [
            _Kept(start + n, sizes[n] if size is None else size, stats[n])
            for n in numbers
        ]

    def _lines_for(self, rows: _Rows, numbers: Sequence[int]) -> Lines | None:
        """Return where objects with equally many stats go; None where they are kept."""
        size = rows.sizes[numbers[0]]
        if size in self._latest:
            return self._latest[size]
        lines, row = None, rows.stats[numbers[0]]
        is_odd = len(numbers) * _RARE < len(rows.stats) and not self._has_clicks(row)
        if not is_odd:
            lines = self._lines_like(row)
            few = [rows.stats[n] for n in numbers[:FEW]]
            is_odd = lines is not None and is_odd_one(lines.shape, few)
        if lines is None or is_odd:
            self._keep(rows, numbers, _IRREGULAR if is_odd else size)
            return None
        self._latest[size] = lines
        return lines

    def _has_clicks(self, row: Day) -> bool:
        """Whether an object ends in clicks: mostly its stats are those of others."""
        last = next(reversed(row), "")
        return self.clicks is not None and element_key(last) is not None

    def _shape_of(self, row: Day) -> tuple[Shape | None, int, int]:
        """Return an object's shape, its clicks, and how many keys are behind them."""
        if self.clicks is None:
            return shape_of(tuple(row), self.skip), 0, 0
        return shape_without_clicks(tuple(row), self.skip)

    def _lines_like(self, row: Day) -> Lines | None:
        """Return where an object goes without its clicks; None if it is not plain."""
        shape, _, behind = self._shape_of(row)
        if shape is None or shape.loose:
            return None
        found = Lines(shape, behind, [], [])
        return self._lines.setdefault((shape.stats, behind), found)

    def _take_group(
        self, lines: Lines, rows: _Rows, groups: list[Sequence[int]]
    ) -> None:
        """Pack objects without their clicks, and put these down."""
        numbers = in_groups(groups, len(rows.stats))
        packed, odd = pack(lines.shape, chosen(rows.stats, numbers))
        if len(odd) > len(packed):
            kept = {size: one for size, one in self._latest.items() if one is not lines}
            self._latest = kept
        numbers = self._keep_odd(rows, numbers, odd)
        plain = len(lines.shape.stats)
        if self.clicks and any(rows.sizes[group[0]] > plain for group in groups):
            places = [n for n, one in enumerate(numbers) if rows.sizes[one] > plain]
            some = [numbers[n] for n in places]
            counts = [rows.sizes[one] - plain for one in some]
            stats = chosen(rows.stats, some)
            odd = self.clicks.take(rows.places(some), stats, counts, lines.trailing)
            odd = [places[n] for n in odd]
            packed = others(packed, odd)
            numbers = self._keep_odd(rows, numbers, odd)
        lines.rows.extend(rows.places(numbers))
        lines.packed.extend(packed)

    def _keep_odd(
        self, rows: _Rows, numbers: Sequence[int], odd: list[int]
    ) -> Sequence[int]:
        """Keep the odd ones of some objects, and return the numbers of the others."""
        self._keep(rows, [numbers[place] for place in odd], _IRREGULAR)
        return others(numbers, odd)

    def finish(self) -> None:
        """Put down what was packed, and what was kept."""
        whole = len(self._kept) + sum(len(one.rows) for one in self._lines.values())
        for lines in self._lines.values():
            if len(lines.rows) * _RARE < whole:
                self._kept += [_Kept(n, _IRREGULAR, one) for n, one in lines.objects()]
            else:
                self._put_lines(lines)
        if self._kept:
            places, sizes, rows = zip(*self._kept, strict=True)
            self._pack(list(rows), np.array(places), np.array(sizes), whole)

    def _put_lines(self, lines: Lines) -> None:
        shape, places = lines.shape, np.array(lines.rows, dtype=np.int64)
        table = matrix(shape, lines.packed)
        if len(table) and table.min() == MISSING:
            self._refuse_least(shape, places, table)
        self._shapes.append(shape)
        self.stats.put_packed(shape.kinds, places, table)

    def _refuse_least(self, shape: Shape, places: Ints, table: Matrix) -> None:
        """Refuse the one count that stands for none; in a float it is -0.0."""
        for line, n in np.argwhere(table == MISSING).tolist():
            if not shape.kinds[n].is_float:
                self.fail(int(places[line]), shape.stats[n], MISSING, _COUNT)

    def _pack(self, rows: list[Day], at: Ints, sizes: Ints, whole: int) -> None:
        """Put objects down that are not plain; there are so many with the others."""
        odd = not_plain(rows) if self.check_each_value else []
        sizes[odd] = _BY_VALUE
        irregular: list[int] = np.flatnonzero(sizes == _IRREGULAR).tolist()
        for size in np.bincount(sizes[sizes >= 0]).nonzero()[0].tolist():
            members = np.flatnonzero(sizes == size)
            if len(members) * _RARE < whole:
                irregular += members.tolist()
            else:
                irregular += self._pack_group(rows, members, at)
        if irregular:
            irregular = self._regroup(rows, sorted(irregular), at)
            irregular = self._pack_irregular(rows, irregular, at)
        self._by_value(rows, sorted(irregular + odd), at)

    def _pack_group(self, rows: list[Day], members: Ints, at: Ints) -> list[int]:
        """Pack objects with equally many stats; the numbers of those that do not fit.

        An object that has all keys of their shape has no others but clicks.
        """
        numbers: list[int] = members.tolist()
        some = chosen(rows, numbers)
        shape, clicks, behind = self._shape_of(some[0])
        if shape is None or is_odd_one(shape, some):
            return numbers
        if shape not in self._shapes:
            self._shapes.append(shape)
        packed, odd = pack(shape, some)
        table = matrix(shape, packed)
        if len(table) and table.min() == MISSING:
            return numbers
        fits = np.array([all(key in row for key in shape.loose) for row in some])
        fits[odd] = False
        if self.clicks and clicks:
            whole, counts = np.flatnonzero(fits), [clicks] * int(fits.sum())
            fitting = list(compress(some, fits))
            left = self.clicks.take(
                at[members[whole]].tolist(), fitting, counts, behind
            )
            fits[whole[left]] = False
        places = at[members[fits]]
        self.stats.put_packed(shape.kinds, places, table[np.delete(fits, odd)])
        for key in shape.loose:
            self._put_loose(key, list(compress(some, fits)), places)
        return [numbers[n] for n in np.flatnonzero(~fits)]

    def _put_loose(self, key: str, rows: list[Day], places: Ints) -> None:
        """Put down the values of a key that the table does not know, by their types."""
        values = [row[key] for row in rows]
        if not values:
            return
        self._check_key(key, int(places[0]))
        is_left = np.ones(len(values), dtype=bool)
        for number, dtype in _NUMBERS:
            is_one = np.array([value.__class__ is number for value in values])
            found = bits([*compress(values, is_one)], dtype)
            if found is not None:
                kinds = (Kind(key, is_float=number is float),)
                self.stats.put_packed(kinds, places[is_one], found)
                is_left &= ~is_one
        for n in np.flatnonzero(is_left).tolist():
            self._value(rows[n], key, int(places[n]))

    def _take_off(self, row: Day, keys: Iterable[str], number: int) -> None:
        """Put down the clicks on slides and buttons that stand under these keys."""
        for key in keys:
            value, element = row[key], element_key(key)
            if (
                self.clicks
                and element
                and type(value) is int
                and -BOUND < value < BOUND
            ):
                self.clicks.put(number, element, value)
            else:
                self._value(row, key, number)

    def _regroup(self, rows: list[Day], irregular: list[int], at: Ints) -> list[int]:
        """Pack those that share their very keys; the numbers of the rest."""
        alike: dict[tuple[str, ...], list[int]] = {}
        for i in irregular:
            alike.setdefault(tuple(rows[i]), []).append(i)
        tried = {shape.keys for shape in self._shapes}
        left: list[int] = []
        for keys, numbers in alike.items():
            few = len(numbers) < _WORTH_PACKING
            if few or frozenset((*keys, *self.skip)) in tried:
                left += numbers
            else:
                left += self._pack_group(rows, np.array(numbers), at)
        return sorted(left)

    def _pack_irregular(
        self, rows: list[Day], irregular: list[int], at: Ints
    ) -> list[int]:
        """Pack objects that lack keys, or have others; the numbers of the rest.

        Where hardly two are alike, the shape of all their stats takes them.
        """
        shapes = sorted(self._shapes, key=lambda shape: len(shape.keys))
        for shape in shapes:
            irregular = self._pack_part(rows, irregular, at, shape)
        keys = {*chain.from_iterable(map(rows.__getitem__, irregular))}
        whole = shape_of(tuple(filter(keys.__contains__, STAT)), self.skip)
        if whole and not any(whole.keys <= shape.keys for shape in shapes):
            irregular = self._pack_part(rows, irregular, at, whole)
            shapes.append(whole)
        return self._pack_nearest(rows, irregular, at, shapes)

    def _pack_part(
        self, rows: list[Day], numbers: list[int], at: Ints, shape: Shape
    ) -> list[int]:
        """Pack objects whose keys are some of a shape's; the numbers of the others."""
        if not numbers:
            return numbers
        some = list(map(rows.__getitem__, numbers))
        fits = np.fromiter(map(shape.keys.issuperset, some), bool, len(some))
        # A number that stands for a blank is none: it is looked at by value.
        fits &= [MISSING not in row.values() for row in some]
        packed, odd = pack(shape, list(compress(some, fits)), padded=True)
        fits[np.flatnonzero(fits)[odd]] = False
        places = np.array(numbers, dtype=np.int64)
        table = matrix(shape, packed)
        self.stats.put_packed(shape.kinds, at[places[fits]], table, padded=True)
        found: list[int] = places[~fits].tolist()
        return found

    def _pack_nearest(
        self, rows: list[Day], irregular: list[int], at: Ints, shapes: list[Shape]
    ) -> list[int]:
        """Pack objects into the nearest shape; the numbers of those that do not fit.

        What the shape lacks, such as slides and buttons, is taken off and put down one
        by one.
        """
        if not shapes:
            return irregular
        found: dict[int, tuple[list[int], list[bytes]]] = {}
        left: list[int] = []
        for i in irregular:
            number, lacking = nearest_shape(rows[i], shapes)
            shape = shapes[number]
            packed = pad(shape, rows[i])
            if packed is None:
                left.append(i)
                continue
            self._take_off(rows[i], lacking, int(at[i]))
            places, lines = found.setdefault(number, ([], []))
            places.append(int(at[i]))
            lines.append(packed)
        for n, (places, lines) in found.items():
            table, kinds = matrix(shapes[n], lines), shapes[n].kinds
            self.stats.put_packed(kinds, np.array(places), table, padded=True)
        return left

    def _by_value(self, rows: list[Day], numbers: Iterable[int], at: Ints) -> None:
        for i in numbers:
            row = rows[i]
            for key in row:
                if key not in self.skip:
                    self._value(row, key, int(at[i]))

    def _value(self, row: Day, key: Any, number: int) -> None:
        """Check one value and put it down."""
        value = row[key]
        if value is None:
            return
        self._check_key(key, number)
        stat = STAT.get(key)
        if stat is None:
            self._unknown(key, value, number)
            return
        is_count = stat.dtype == "Int64"
        checked = count_of(value) if is_count else amount_of(value)
        if checked is None:
            self.fail(number, key, value, _COUNT if is_count else "a number")
        self.stats.put(number, key, checked)

    def _check_key(self, key: Any, number: int) -> None:
        if not isinstance(key, str):
            self.fail(number, "", key, "a key that is text")
        if not is_text(key):
            self.fail(number, "", key, "text without lone surrogates")

    def _unknown(self, key: str, value: Any, number: int) -> None:
        element = element_key(key) if self.clicks else None
        if self.clicks and element:
            clicks = count_of(value)
            if clicks is None:
                self.fail(number, key, value, _COUNT)
            self.clicks.put(number, element, clicks)
            return
        whole = None if isinstance(value, float) else count_of(value, -BOUND)
        checked = amount_of(value) if whole is None else whole
        if checked is None:
            self.stats.leave_out(number, key)
        else:
            self.stats.put(number, key, checked)
