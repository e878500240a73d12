"""Stat objects → packed numbers: one ``struct`` call each, holes filled by a mark.

``struct`` is strict about what is no number, and takes booleans for numbers: who packs
makes sure that there are none.
"""

import math
import struct
from collections.abc import Callable, Sequence
from functools import lru_cache
from itertools import starmap
from operator import itemgetter
from typing import Any, NamedTuple

import numpy as np

from braze_frames.core.arrays import Column, Ints
from braze_frames.schema.channels import ELEMENT_KEY, STAT

Day = dict[str, Any]
MISSING = -(2**63)
"""Stands where a count is missing: no count reaches it."""

BOUND = 2**63
"""Counts are smaller than this, and larger than its negative."""


class Shape(NamedTuple):
    """How objects with the same keys are packed: eight bytes a stat.

    ``blanks`` stand where an object lacks the stat: ``MISSING``, or NaN in a float.
    ``fractions`` are stats that the table does not know: a whole number is none of
    them, since the same stat may be whole on all days of another read.
    """

    stats: tuple[str, ...]
    formats: str
    blanks: tuple[int | float, ...]
    fractions: tuple[str, ...]
    keys: frozenset[str]
    pick: Callable[[Day], tuple[Any, ...]]
    pack: Callable[..., bytes]


class Block(NamedTuple):
    """Packed rows of one shape and where they stand in the batch.

    ``whole`` when no value is missing.
    """

    shape: Shape
    rows: Ints
    packed: bytes
    whole: bool


class Packed:
    """Rows of stats: whole rows in blocks, the odd ones as (row, stat, value) cells.

    What a cache gives stands in ``columns``, which hold a value for each row.
    ``left_out`` says in which rows a stat was no number.
    """

    def __init__(self) -> None:
        self.blocks: list[Block] = []
        self.columns: dict[str, Column] = {}
        self.rows: list[int] = []
        self.stats: list[str] = []
        self.values: list[int | float] = []
        self.left_out: dict[str, list[int]] = {}


def column_of(rows: list[Day], key: str) -> list[Any]:
    """Return one key's value in each object; None where it has none."""
    try:
        return list(map(itemgetter(key), rows))
    except KeyError:
        return [row.get(key) for row in rows]


def pack(shape: Shape, rows: Sequence[Day]) -> tuple[list[bytes], list[int]]:
    """Pack what fits; the numbers of the rows that do not."""
    packed: list[bytes] = []
    odd: list[int] = []
    if shape.fractions and any(_has_whole(shape, row) for row in rows):
        return packed, list(range(len(rows)))
    stream = starmap(shape.pack, map(shape.pick, rows))
    while True:
        try:
            packed.extend(stream)
        except (KeyError, struct.error):
            odd.append(len(packed) + len(odd))
        else:
            return packed, odd


def _has_whole(shape: Shape, row: Day) -> bool:
    """Whether an object has a whole number where the shape has a fraction."""
    return any(row.get(stat).__class__ is int for stat in shape.fractions)


def pad(shape: Shape, row: Day) -> bytes | None:
    """Pack an object that lacks stats of the shape, or None where it has others."""
    if not row.keys() <= shape.keys or _has_whole(shape, row):
        return None
    values = [
        blank if value is None else value
        for value, blank in zip(map(row.get, shape.stats), shape.blanks, strict=True)
    ]
    try:
        return shape.pack(*values) if MISSING not in row.values() else None
    except struct.error:
        return None


@lru_cache(maxsize=4096)
def shape_of(
    keys: tuple[str, ...], types: tuple[type, ...], skip: tuple[str, str]
) -> Shape | None:
    """Return how to pack objects with these keys, or None where they need more care."""
    formats = {
        key: _format(key, type_)
        for key, type_ in zip(keys, types, strict=True)
        if key not in skip or type_ is type(None)
    }
    if not formats or "" in formats.values():
        return None
    stats = tuple(formats)
    layout = "".join(formats.values())
    return Shape(
        stats,
        layout,
        tuple(math.nan if code == "d" else MISSING for code in layout),
        tuple(key for key, code in formats.items() if code == "d" and key not in STAT),
        frozenset(keys),
        itemgetter(*stats) if len(stats) > 1 else lambda row: (row[stats[0]],),
        struct.Struct("=" + layout).pack,
    )


def _format(key: str, type_: type) -> str:
    if key in STAT:
        return "q" if STAT[key].dtype == "Int64" else "d"
    if ELEMENT_KEY.fullmatch(key):
        return ""
    return {int: "q", float: "d"}.get(type_, "")


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


def matrix(block: Block) -> np.ndarray[Any, np.dtype[np.int64]]:
    """Return a block's values, a row each, floats by their bits."""
    packed = np.frombuffer(block.packed, dtype=np.int64)
    return packed.reshape(-1, len(block.shape.stats))
