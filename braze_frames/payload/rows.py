"""Stat objects → columns: packed where they share their keys, else value by value.

The common case never touches a value in Python: the objects of a channel that share
their keys are packed by one ``struct`` call each. What does not fit goes from cheap to
dear: objects that share other keys are packed by those; a hole is filled by a blank,
slides and buttons are taken off; what is left is checked value by value. So are objects
with booleans, which ``struct`` would take for numbers.
"""

from collections.abc import Callable, Iterable, Sequence, Set
from itertools import chain, compress, islice, repeat
from math import isfinite
from operator import getitem
from typing import Any, NamedTuple, NoReturn

import numpy as np

from braze_frames.core.arrays import Flags, Ints, Values
from braze_frames.payload.batch import NO_ELEMENTS, ElementKey, Elements
from braze_frames.payload.columns import MISSING, Filling, Kind, Matrix
from braze_frames.payload.packing import (
    BOUND,
    Day,
    Shape,
    amount_of,
    count_of,
    counts_of,
    element_key,
    matrix,
    pack,
    pad,
    shape_of,
    without_elements,
)
from braze_frames.schema.channels import STAT

# Whether objects have other keys each is told by the first few of them.
_FEW = 4
# Of objects with equally many stats, fewer than one in 16 are those with holes: each
# lacks other keys, and trying to pack them together finds hardly two alike.
_RARE = 16
# A new way to pack takes as long as 8 objects value by value, and as 30 of which slides
# and buttons are taken off.
_WORTH_PACKING = 16

# The types of numbers in decoded JSON; of a stat that is not known they may be mixed.
_NUMBERS = ((int, np.int64), (float, np.float64))
# Stands for the number of stats of an object that is read value by value.
_NOT_PACKED = -1

# What ``struct`` takes for what it is, or refuses: it takes a boolean for a number.
_PLAIN = frozenset((int, float, str, type(None), dict, list))

Fail = Callable[[int, str, Any, str], NoReturn]
_COUNT = "a whole number below 2^63"


class Clicks:
    """Clicks on slides and buttons that are being collected."""

    def __init__(self) -> None:
        self.codes: dict[ElementKey, int] = {}
        self._named = _Named(self.codes)
        self.rows: list[Ints] = []
        self.keys: list[Ints] = []
        self.clicks: list[Ints] = []
        self.single: list[tuple[int, int, int]] = []

    def put_packed(self, rows: Ints, key: ElementKey, clicks: Ints) -> None:
        """Put the clicks of many rows down."""
        code = self.codes.setdefault(key, len(self.codes))
        self.rows.append(rows)
        self.keys.append(np.full(len(rows), code))
        self.clicks.append(clicks)

    def put_many(self, rows: Ints, codes: Matrix, clicks: Matrix) -> None:
        """Put clicks of rows down that have equally many, by their keys' codes."""
        self.rows.append(np.repeat(rows, codes.shape[1]))
        self.keys.append(codes.ravel())
        self.clicks.append(clicks.ravel())

    def codes_of(self, keys: Sequence[str]) -> Ints:
        """Return the codes of slides' and buttons' keys, -1 where one is none."""
        return np.fromiter(map(self._named.__getitem__, keys), np.int64, len(keys))

    def put(self, row: int, key: ElementKey, clicks: int) -> None:
        """Put the clicks of one row down."""
        code = self.codes.setdefault(key, len(self.codes))
        self.single.append((row, code, clicks))

    def elements(self) -> Elements:
        """Return what was put down."""
        if not self.codes:
            return NO_ELEMENTS
        rows, keys, clicks = np.array(self.single, dtype=np.int64).reshape(-1, 3).T
        return Elements(
            np.concatenate([*self.rows, rows]),
            np.concatenate([*self.keys, keys]),
            np.concatenate([*self.clicks, clicks]),
            list(self.codes),
        )


class _Named(dict[str, int]):
    """Codes by the keys that stand in answers, each looked into once."""

    def __init__(self, codes: dict[ElementKey, int]) -> None:
        self.codes = codes

    def __missing__(self, key: str) -> int:
        element = element_key(key)
        self[key] = self.codes.setdefault(element, len(self.codes)) if element else -1
        return self[key]


class RowPacker(NamedTuple):
    """Puts stat objects into columns.

    ``clicks`` take slides and buttons, where there may be some. ``skip`` are two keys
    that are no stats. ``fail`` raises the error for a row, key, value and what was
    expected.
    """

    stats: Filling
    clicks: Clicks | None
    skip: tuple[str, str]
    fail: Fail
    check_each_value: bool

    def pack(self, rows: list[Day], start: int, counts: Ints) -> None:
        """Put objects that have so many stats into rows from ``start`` on."""
        odd = _not_plain(rows) if self.check_each_value else []
        if odd:
            counts = counts.copy()
            counts[odd] = _NOT_PACKED
        shapes: list[Shape] = []
        irregular: list[int] = []
        often = np.bincount(counts - _NOT_PACKED, minlength=1)
        often[0] = 0
        for count in (often.nonzero()[0] + _NOT_PACKED).tolist():
            members = np.flatnonzero(counts == count)
            if len(members) * _RARE < len(rows):
                irregular += members.tolist()
            else:
                irregular += self._pack_group(rows, members, start, shapes)
        if irregular:
            irregular = self._regroup(rows, irregular, start, shapes)
            irregular = self._pack_irregular(rows, irregular, start, shapes)
        self._by_value(rows, sorted(irregular + odd), start)

    def _pack_group(
        self, rows: list[Day], members: Ints, start: int, shapes: list[Shape]
    ) -> list[int]:
        """Pack objects with equally many stats; the numbers of those that do not fit.

        An object that has all keys of their shape has no others.
        """
        numbers: list[int] = members.tolist()
        some = (
            rows if len(numbers) == len(rows) else list(map(rows.__getitem__, numbers))
        )
        shape = shape_of(tuple(some[0]), self.skip)
        has_elements = self.clicks is not None and bool(shape and shape.elements)
        plain = without_elements(shape, self.skip) if shape and has_elements else shape
        if shape is None or plain is None or _is_odd_one(plain, some):
            return numbers
        if plain not in shapes:
            shapes.append(plain)
        taken = None
        if self.clicks and has_elements and len(set(map(tuple, some[:_FEW]))) > 1:
            shape, taken = plain, _take_clicks(some, self.clicks)
        packed, odd = pack(shape, some)
        table = matrix(shape, packed)
        if len(table) and table.min() == MISSING:
            return numbers
        fits = _fits(shape, some, odd, taken)
        if (taken or shape.loose) and not fits.all():
            table, some = table[np.delete(fits, odd)], list(compress(some, fits))
        places = members[fits] + start
        self._put(shape, places, table)
        if self.clicks and taken:
            self.clicks.put_many(places, taken.codes[fits], taken.clicks[fits])
        for key in shape.loose:
            self._put_loose(key, some, places)
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
            found = _bits([*compress(values, is_one)], dtype)
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

    def _regroup(
        self, rows: list[Day], irregular: list[int], start: int, shapes: list[Shape]
    ) -> list[int]:
        """Pack those that share their very keys; the numbers of the rest."""
        alike: dict[tuple[str, ...], list[int]] = {}
        for i in irregular:
            alike.setdefault(tuple(rows[i]), []).append(i)
        tried = {shape.keys for shape in shapes}
        left: list[int] = []
        for keys, numbers in alike.items():
            few = len(numbers) < _WORTH_PACKING
            if few or frozenset((*keys, *self.skip)) in tried:
                left += numbers
            else:
                left += self._pack_group(rows, np.array(numbers), start, shapes)
        return sorted(left)

    def _pack_irregular(
        self, rows: list[Day], irregular: list[int], start: int, shapes: list[Shape]
    ) -> list[int]:
        """Pack objects that lack keys, or have others; the numbers of the rest.

        Where hardly two are alike, the shape of all their stats takes them.
        """
        shapes = sorted(shapes, key=lambda shape: len(shape.keys))
        for shape in shapes:
            irregular = self._pack_part(rows, irregular, start, shape)
        keys = {*chain.from_iterable(map(rows.__getitem__, irregular))}
        whole = shape_of(tuple(filter(keys.__contains__, STAT)), self.skip)
        if whole and not any(whole.keys <= shape.keys for shape in shapes):
            irregular = self._pack_part(rows, irregular, start, whole)
            shapes.append(whole)
        return self._pack_nearest(rows, irregular, start, shapes)

    def _pack_part(
        self, rows: list[Day], numbers: list[int], start: int, shape: Shape
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
        self.stats.put_packed(shape.kinds, places[fits] + start, table, padded=True)
        found: list[int] = places[~fits].tolist()
        return found

    def _pack_nearest(
        self, rows: list[Day], irregular: list[int], start: int, shapes: list[Shape]
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
            nearest, lacking = _nearest(rows[i], shapes)
            shape = shapes[nearest]
            packed = pad(shape, rows[i])
            if packed is None:
                left.append(i)
                continue
            self._take_off(rows[i], lacking, start + i)
            places, lines = found.setdefault(nearest, ([], []))
            places.append(start + i)
            lines.append(packed)
        for n, (places, lines) in found.items():
            table, kinds = matrix(shapes[n], lines), shapes[n].kinds
            self.stats.put_packed(kinds, np.array(places), table, padded=True)
        return left

    def _put(self, shape: Shape, rows: Ints, table: Matrix) -> None:
        """Put packed objects into rows: stats here, slides and buttons there."""
        kinds = shape.kinds
        if shape.elements and self.clicks:
            for n, element in shape.elements.items():
                self.clicks.put_packed(rows, element, table[:, n])
            kinds = tuple(kinds[n] for n in shape.kept)
            table = table[:, shape.kept]
        self.stats.put_packed(kinds, rows, table)

    def _by_value(self, rows: list[Day], numbers: Iterable[int], start: int) -> None:
        for i in numbers:
            row = rows[i]
            for key in row:
                if key not in self.skip:
                    self._value(row, key, start + i)

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


class _Taken(NamedTuple):
    """Clicks of objects, a line each, and of which objects these are all."""

    codes: Matrix
    clicks: Matrix
    fits: Flags


def _take_clicks(rows: list[Day], clicks: Clicks) -> _Taken:
    """Return the clicks of objects that have them where the first object has its own.

    No key is looked at in Python: to do so takes half as long as all the rest.
    """
    keys = tuple(rows[0])
    where = np.flatnonzero(clicks.codes_of(keys) >= 0).tolist()
    first, count = where[0] if where else 0, len(where)
    is_like = np.fromiter(map(len, rows), np.int64, len(rows)) == len(keys)
    alike = rows if is_like.all() else list(compress(rows, is_like))
    # From the end, where they most often stand.
    behind = len(keys) - first
    part = repeat(behind - count), repeat(behind)
    named = list(chain.from_iterable(map(islice, map(reversed, alike), *part)))
    each = chain.from_iterable(zip(*[alike] * count, strict=True))
    size = (len(alike), count)
    codes = clicks.codes_of(named).reshape(size)
    counts = counts_of(list(map(getitem, each, named))).reshape(size)
    if len(alike) < len(rows):
        spread = np.full((2, len(rows), count), -1)
        spread[:, is_like] = codes, counts
        codes, counts = spread
    fits: Flags = np.logical_and.reduce((codes >= 0) & (counts > MISSING), axis=1)
    return _Taken(codes, counts, fits if where else np.zeros_like(fits))


def _fits(shape: Shape, rows: list[Day], odd: list[int], taken: _Taken | None) -> Flags:
    """Return which objects have what their shape says, and nothing else."""
    fits = np.ones(len(rows), dtype=bool) if taken is None else taken.fits.copy()
    fits[odd] = False
    for key in shape.loose:
        fits &= [key in row for row in rows]
    return fits


def _is_odd_one(shape: Shape, rows: list[Day]) -> bool:
    """Whether most of the first few objects lack stats of a shape."""
    few = rows[:_FEW]
    return 2 * sum(row.keys() >= {*shape.stats} for row in few) < len(few)


def _bits(numbers: list[Any], dtype: type) -> Matrix | None:
    """Return numbers as a column of their bits; None where one of them does not fit."""
    try:
        found: Values = np.array(numbers, dtype)
    except OverflowError:
        return None
    return found.view(np.int64).reshape(-1, 1) if np.isfinite(found).all() else None


def _nearest(row: Day, shapes: Sequence[Shape]) -> tuple[int, Set[str]]:
    """Return the first shape that has most keys of an object, and those it lacks."""
    lacking = [row.keys() - shape.keys for shape in shapes]
    return min(enumerate(lacking), key=lambda pair: len(pair[1]))


def _not_plain(rows: list[Day]) -> list[int]:
    """Return the numbers of the objects that ``struct`` could take for others."""
    if not all(isinstance(k, str) and is_text(k) for k in {*chain.from_iterable(rows)}):
        return list(range(len(rows)))
    return [n for n, row in enumerate(rows) if not _is_plain(row)]


def _is_plain(row: Day) -> bool:
    kinds = {*map(type, row.values())}
    return kinds <= _PLAIN and (
        float not in kinds
        or all(isfinite(value) for value in row.values() if value.__class__ is float)
    )


def is_text(text: str) -> bool:
    r"""Tell whether a text is Unicode throughout: no half of a surrogate pair.

    Examples
    --------
    >>> is_text("Größe"), is_text("\ud800")
    (True, False)
    """
    return text.isascii() or not any("\ud800" <= sign <= "\udfff" for sign in text)
