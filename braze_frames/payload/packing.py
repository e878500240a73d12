"""Stat objects → packed numbers: one ``struct`` call each, straight from the parser.

Bytes to frame take 1.9 times what the JSON parser alone takes; where Python touches
each value it is 9.9 times. ``struct`` is strict about what is no number, and takes
booleans for numbers: who packs makes sure that there are none. Clicks on slides and
buttons, whose keys are told apart here, are taken off.
"""

import math
import struct
from collections.abc import Callable, Iterable, Iterator, Sequence, Set
from functools import lru_cache
from itertools import chain, islice, repeat, starmap, takewhile
from operator import attrgetter, getitem, itemgetter, sub
from typing import Any, NamedTuple, TypeVar

import numpy as np

from braze_frames.core.arrays import Ints, Values
from braze_frames.core.json_text import is_text
from braze_frames.payload.batch import NO_ELEMENTS, ElementKey, Elements
from braze_frames.payload.columns import MISSING, Kind, Matrix
from braze_frames.schema.channels import ELEMENT_KEY, STAT

Day = dict[str, Any]
_Value = TypeVar("_Value")
# Counts are smaller than this, and larger than its negative.
BOUND = 2**63


# Whether objects have other keys each is told by the first few of them.
FEW = 4
# What ``struct`` takes for what it is, or refuses: it takes a boolean for a number.
_PLAIN = frozenset((int, float, str, type(None), dict, list))


class Shape(NamedTuple):
    """How objects with the same keys are packed: eight bytes a stat.

    ``kinds`` says of each stat which column it is of. ``blanks`` stand where an object
    lacks the stat: ``MISSING``, or NaN in a float. ``keys`` are those that are packed,
    and two that are no stats. ``loose`` are keys that the table does not know: their
    values may be of any type.
    """

    stats: tuple[str, ...]
    kinds: tuple[Kind, ...]
    blanks: tuple[int | float, ...]
    keys: frozenset[str]
    loose: tuple[str, ...]
    pick: Callable[[Day], tuple[Any, ...]]
    pack: Callable[..., bytes]
    unpack: Callable[[bytes], tuple[Any, ...]]


class Lines(NamedTuple):
    """Packed objects of one shape, and the row of each.

    They may have clicks, too, with so many keys ``trailing`` behind theirs.
    """

    shape: Shape
    trailing: int
    rows: list[int]
    packed: list[bytes]

    def objects(self) -> Iterator[tuple[int, Day]]:
        """Yield each row and what was packed of its object."""
        stats, unpack = self.shape.stats, self.shape.unpack
        for row, values in zip(self.rows, map(unpack, self.packed), strict=True):
            yield row, dict(zip(stats, values, strict=True))


def column_of(rows: list[Day], key: str) -> tuple[list[Any], list[bool]]:
    """Return one key's value in each object, None where it has none; and which have.

    All objects have the key where the second list is empty.
    """
    try:
        return list(map(itemgetter(key), rows)), []
    except KeyError:
        return [row.get(key) for row in rows], [key in row for row in rows]


def count_stats(rows: list[Day], *have: list[bool]) -> list[int]:
    """Return how many stats each object has: its keys but two that it may have."""
    always = sum(not has for has in have)
    counts = [len(row) - always for row in rows]
    for has in filter(None, have):
        counts = list(map(sub, counts, has))
    return counts


def pack(
    shape: Shape, rows: Sequence[Day], *, padded: bool = False
) -> tuple[Sequence[bytes], list[int]]:
    """Pack what fits; the numbers of the rows that do not.

    ``padded`` puts blanks where a row lacks a stat.
    """
    packed: list[bytes] = []
    odd: list[int] = []
    values: Iterator[Iterable[Any]] = map(shape.pick, rows)
    if padded:
        asked = repeat(shape.stats), repeat(shape.blanks)
        values = map(map, map(attrgetter("get"), rows), *asked)
    stream = starmap(shape.pack, values)
    while True:
        try:
            packed.extend(stream)
        except (KeyError, struct.error):
            odd.append(len(packed) + len(odd))
        else:
            return packed, odd


def pad(shape: Shape, row: Day) -> bytes | None:
    """Pack an object's stats of the shape with blanks for holes; None where odd."""
    if MISSING in row.values():
        return None
    values = map(_fitting, map(row.get, shape.stats, shape.blanks), shape.blanks)
    try:
        return shape.pack(*values)
    except struct.error:
        return None


def _fitting(value: Any, blank: float) -> Any:
    """Return a blank for None, 3 for 3.0 in place of a count, and all else as it is."""
    if value is None:
        return blank
    is_whole = value.__class__ is float and value.is_integer()
    return int(value) if is_whole and blank == MISSING else value


@lru_cache(maxsize=4096)
def shape_of(keys: tuple[str, ...], skip: tuple[str, str]) -> Shape | None:
    """Return how to pack objects with these keys, or None where there is no stat."""
    codes = {key: _format(key) for key in keys if key not in skip}
    loose = tuple(key for key, code in codes.items() if not code)
    packed = tuple((key, code) for key, code in codes.items() if code)
    return _shape(packed, loose, skip) if packed else None


@lru_cache(maxsize=4096)
def shape_without_clicks(
    keys: tuple[str, ...], skip: tuple[str, str]
) -> tuple[Shape | None, int, int]:
    """Return how to pack objects when clicks on slides and buttons are taken off.

    Behind it stand how many these are, and how many other keys are behind them.
    """
    plain = tuple(key for key in keys if element_key(key) is None)
    behind = takewhile(lambda key: element_key(key) is None, reversed(keys))
    count = len(keys) - len(plain)
    return shape_of(plain, skip), count, len([*behind]) if count else 0


@lru_cache(maxsize=4096)
def _shape(
    codes: tuple[tuple[str, str], ...], loose: tuple[str, ...], skip: tuple[str, str]
) -> Shape:
    stats = tuple(stat for stat, _ in codes)
    layout = "".join(code for _, code in codes)
    return Shape(
        stats,
        tuple(Kind(stat, code == "d") for stat, code in codes),
        tuple(math.nan if code == "d" else MISSING for code in layout),
        frozenset(stats).union(skip),
        loose,
        itemgetter(*stats) if len(stats) > 1 else lambda row: (row[stats[0]],),
        (packed := struct.Struct("=" + layout)).pack,
        packed.unpack,
    )


def _format(key: str) -> str:
    if key in STAT:
        return "q" if STAT[key].dtype == "Int64" else "d"
    return "q" if ELEMENT_KEY.fullmatch(key) else ""


@lru_cache(maxsize=4096)
def element_key(key: str) -> ElementKey | None:
    """Return the slide or button whose clicks stand under a key, if it is one.

    Examples
    --------
    >>> element_key("notif_button_01_Buy_click")
    ElementKey(element='notif_button', position=1, title='Buy')
    """
    found = ELEMENT_KEY.fullmatch(key)
    return found and ElementKey(found[1], int(found[2]), found[3])


def count_of(value: Any, least: int = 1 - BOUND) -> int | None:
    """Return a whole number that fits, or None; 3.0 is 3.

    Examples
    --------
    >>> count_of(3.0), count_of(2.5), count_of(True), count_of(2**63)
    (3, None, None, None)
    """
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    if isinstance(value, np.integer):
        value = int(value)
    whole = isinstance(value, int) and not isinstance(value, bool)
    return value if whole and least <= value < BOUND else None


def amount_of(value: Any) -> float | None:
    """Return a finite number, or None.

    Examples
    --------
    >>> amount_of(3), amount_of(float("nan")), amount_of("3")
    (3.0, None, None)
    """
    if isinstance(value, bool) or not isinstance(value, int | float | np.integer):
        return None
    try:
        number = float(value)
    except OverflowError:
        return None
    return number if math.isfinite(number) else None


def not_plain(rows: list[Day]) -> list[int]:
    """Return the numbers of the objects that ``struct`` could take for others."""
    if not all(isinstance(k, str) and is_text(k) for k in {*chain.from_iterable(rows)}):
        return list(range(len(rows)))
    return [n for n, row in enumerate(rows) if not _is_plain(row)]


def _is_plain(row: Day) -> bool:
    kinds = {*map(type, row.values())}
    return kinds <= _PLAIN and (
        float not in kinds
        or all(
            math.isfinite(value) for value in row.values() if value.__class__ is float
        )
    )


def matrix(shape: Shape, packed: Sequence[bytes]) -> Matrix:
    """Return packed objects as rows of a table, floats by their bits."""
    table = np.frombuffer(b"".join(packed), dtype=np.int64)
    return table.reshape(-1, len(shape.stats))


class Clicks:
    """Clicks on slides and buttons that are being collected."""

    def __init__(self) -> None:
        self.codes: dict[ElementKey, int] = {}
        self._named = _Named(self.codes)
        self.rows: list[Ints] = []
        self.keys: list[Ints] = []
        self.clicks: list[Ints] = []
        self.single: list[tuple[int, int, int]] = []

    def take(
        self, places: Sequence[int], rows: list[Day], counts: list[int], behind: int
    ) -> list[int]:
        """Put clicks of objects down, so many of each.

        Parameters
        ----------
        places : sequence of int
            The row of each.
        rows : list of dict
            The objects.
        counts : list of int
            How many keys of clicks each has.
        behind : int
            How many other keys stand behind these.

        Returns
        -------
        list of int
            The numbers of the objects that have something else there.
        """
        if not rows or self._take_all(places, rows, counts, behind):
            return []
        if len(rows) == 1:
            return [0]
        half = len(rows) // 2
        left = self.take(places[:half], rows[:half], counts[:half], behind)
        right = self.take(places[half:], rows[half:], counts[half:], behind)
        return [*left, *(half + n for n in right)]

    def _take_all(
        self, places: Sequence[int], rows: list[Day], counts: list[int], behind: int
    ) -> bool:
        """Put clicks of objects down, if nothing else stands there.

        Few rows at a time come here: each call of numpy counts.
        """
        ends = [count + behind for count in counts]
        named = map(islice, map(reversed, rows), repeat(behind), ends)
        keys = list(chain.from_iterable(named))
        codes = list(map(self._named.__getitem__, keys))
        if len(keys) != sum(counts) or min(codes) < 0:
            return False
        owners = chain.from_iterable(map(repeat, rows, counts))
        values = list(map(getitem, owners, keys))
        try:
            packed = struct.pack(f"={len(values)}q", *values)
        except struct.error:
            return False
        if min(values) == MISSING:
            return False
        self.rows.append(np.repeat(places, counts))
        self.keys.append(np.array(codes, dtype=np.int64))
        self.clicks.append(np.frombuffer(packed, np.int64))
        return True

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


def equal_ones(counts: list[int]) -> Iterable[Sequence[int]]:
    """Return the numbers of objects with equally many stats, group by group."""
    if len({*counts}) == 1:
        return [range(len(counts))]
    groups: dict[int, list[int]] = {}
    for number, count in enumerate(counts):
        groups.setdefault(count, []).append(number)
    return groups.values()


def in_groups(groups: list[Sequence[int]], whole: int) -> Sequence[int]:
    """Return all numbers of groups: in their order where these are the whole."""
    if len(groups) == 1:
        return groups[0]
    numbers = [*chain.from_iterable(groups)]
    return range(whole) if len(numbers) == whole else numbers


def chosen(rows: list[Day], numbers: Sequence[int]) -> list[Day]:
    """Return some objects by their numbers; as many as all are all in their order."""
    is_whole = len(numbers) == len(rows)
    return rows if is_whole else list(map(rows.__getitem__, numbers))


def others(values: Sequence[_Value], places: list[int]) -> Sequence[_Value]:
    """Return all values but those at some places."""
    if not places:
        return values
    left = {*places}
    return [value for place, value in enumerate(values) if place not in left]


def is_odd_one(shape: Shape, rows: list[Day]) -> bool:
    """Whether most of the first few objects lack stats of a shape."""
    few = rows[:FEW]
    return 2 * sum(row.keys() >= {*shape.stats} for row in few) < len(few)


def bits(numbers: list[Any], dtype: type) -> Matrix | None:
    """Return numbers as a column of their bits; None where one of them does not fit."""
    try:
        found: Values = np.array(numbers, dtype)
    except OverflowError:
        return None
    return found.view(np.int64).reshape(-1, 1) if np.isfinite(found).all() else None


def nearest_shape(row: Day, shapes: Sequence[Shape]) -> tuple[int, Set[str]]:
    """Return the first shape that has most keys of an object, and those it lacks."""
    lacking = [row.keys() - shape.keys for shape in shapes]
    return min(enumerate(lacking), key=lambda pair: len(pair[1]))
