"""Packed rows of many answers → nullable columns: scattered, summed, exact."""

from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from .errors import PayloadError
from .metrics import STAT, STAT_RANK
from .payload import Ints, Packed, matrix

Bools = np.ndarray[tuple[int], np.dtype[np.bool_]]
Values = np.ndarray[tuple[int], np.dtype[Any]]

_LARGE = 2.0**62


class Column(NamedTuple):
    """Values and where they are given; a value that is not given is 0."""

    values: Values
    given: Bools

    def array(self) -> pd.api.extensions.ExtensionArray:
        """Return the column as a nullable pandas array."""
        if self.values.dtype == np.float64:
            return pd.arrays.FloatingArray(self.values, ~self.given)
        return pd.arrays.IntegerArray(self.values, ~self.given)


class Slots(NamedTuple):
    """Where each row goes, and where runs start if some rows are summed."""

    slot: Ints
    starts: Ints | None


class _Piece(NamedTuple):
    slots: Ints
    numbers: Values


def order_rows(codes: Ints) -> tuple[Slots, Ints]:
    """Sort rows by ``codes``; rows with equal codes share a place.

    Returns
    -------
    Slots
        For ``spread``.
    ndarray
        For each place, the first row that goes there.
    """
    order = np.argsort(codes, kind="stable")
    slot = np.empty_like(order)
    slot[order] = np.arange(len(order))
    new = np.ones(len(order), dtype=bool)
    new[1:] = np.diff(codes[order]) != 0
    if new.all():
        return Slots(slot, None), order
    starts = np.flatnonzero(new)
    return Slots(slot, starts), order[starts]


def spread(
    parts: Sequence[Packed], offsets: Sequence[int], slots: Slots
) -> dict[str, Column]:
    """Spread packed rows over columns, one per stat, in the order of the stats table.

    Raises
    ------
    PayloadError
        A sum does not fit in 64 bits.
    """
    left_out = {stat for part in parts for stat in part.left_out}
    pieces: dict[str, list[_Piece]] = {}
    for stat, piece in _pieces(parts, offsets, slots.slot):
        if stat not in left_out:
            pieces.setdefault(stat, []).append(piece)
    return in_order(
        {stat: _column(stat, found, slots) for stat, found in pieces.items()}
    )


def in_order(columns: dict[str, Column]) -> dict[str, Column]:
    """Sort columns: known stats as in the stats table, then the others by name."""
    stats = sorted(columns, key=lambda name: (STAT_RANK.get(name, len(STAT)), name))
    return {stat: columns[stat] for stat in stats}


def _pieces(
    parts: Sequence[Packed], offsets: Sequence[int], slot: Ints
) -> Iterable[tuple[str, _Piece]]:
    blocks: dict[tuple[tuple[str, ...], str], list[tuple[Ints, Any]]] = {}
    for part, offset in zip(parts, offsets, strict=True):
        for block in part.blocks:
            shape = (block.shape.stats, block.shape.formats)
            rows = block.rows + offset if offset else block.rows
            blocks.setdefault(shape, []).append((rows, matrix(block)))
    for (stats, formats), found in blocks.items():
        slots = slot[np.concatenate([rows for rows, _ in found])]
        values = np.concatenate([rows for _, rows in found])
        for column, (stat, code) in enumerate(zip(stats, formats, strict=True)):
            numbers = values[:, column]
            yield stat, _Piece(slots, numbers.view("f8") if code == "d" else numbers)
    yield from _cell_pieces(parts, offsets, slot)


def _cell_pieces(
    parts: Sequence[Packed], offsets: Sequence[int], slot: Ints
) -> Iterable[tuple[str, _Piece]]:
    cells: dict[tuple[str, bool], tuple[list[int], list[int | float]]] = {}
    for part, offset in zip(parts, offsets, strict=True):
        for row, stat, value in zip(part.rows, part.stats, part.values, strict=True):
            key = (stat, isinstance(value, float))
            rows, values = cells.setdefault(key, ([], []))
            rows.append(row + offset)
            values.append(value)
    for (stat, is_float), (rows, values) in cells.items():
        dtype = np.float64 if is_float else np.int64
        yield stat, _Piece(slot[rows], np.array(values, dtype=dtype))


def _column(stat: str, pieces: list[_Piece], slots: Slots) -> Column:
    floats = any(piece.numbers.dtype == np.float64 for piece in pieces)
    values = np.zeros(len(slots.slot), dtype=np.float64 if floats else np.int64)
    given = np.zeros(len(slots.slot), dtype=bool)
    for piece in pieces:
        values[piece.slots] = piece.numbers
        given[piece.slots] = True
    if slots.starts is None:
        return Column(values, given)
    return Column(
        sum_runs(stat, values, slots.starts),
        np.logical_or.reduceat(given, slots.starts),
    )


def sum_runs(stat: str, values: Values, starts: Ints) -> Values:
    """Sum runs of values exactly; the sum of what is not given (0) adds nothing.

    Raises
    ------
    PayloadError
        A sum of counts does not fit in 64 bits.
    """
    sums: Values = np.add.reduceat(values, starts)
    if values.dtype == np.float64:
        return sums
    rough = np.add.reduceat(values.astype(np.float64), starts)
    for run in np.flatnonzero(np.abs(rough) > _LARGE):
        end = starts[run + 1] if run + 1 < len(starts) else len(values)
        sum_exactly(stat, values[starts[run] : end].tolist())
    return sums


def sum_exactly(stat: str, counts: Sequence[int]) -> int:
    """Sum counts.

    Raises
    ------
    PayloadError
        The sum does not fit in 64 bits.
    """
    total = sum(counts)
    if abs(total) >= 2**63:
        raise PayloadError(
            f"the sum of {stat} is {total}, which does not fit in 64 bits; "
            "such counts are no counts: look at where they come from"
        )
    return total
