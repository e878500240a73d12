"""Packed rows of many answers → nullable columns: scattered, summed, exact."""

from collections.abc import Callable, Iterable, Sequence
from typing import Any, NamedTuple

import numpy as np

from braze_frames.core.arrays import Bools, Column, Flags, Ints, Values, sum_exactly
from braze_frames.errors import PayloadError
from braze_frames.payload.packing import MISSING, Block, Packed, Shape, matrix
from braze_frames.schema.channels import STAT, STAT_RANK

Table = np.ndarray[Any, np.dtype[np.int64]]
_LARGE = 2.0**62


class Slots(NamedTuple):
    """Where each row goes, and where runs start if some rows are summed."""

    slot: Ints
    starts: Ints | None
    place: Callable[[int], str]
    """Says for a run what it sums, for errors."""


def order_rows(
    codes: Ints, place: Callable[[int], str] = lambda _: ""
) -> tuple[Slots, Ints]:
    """Sort rows by ``codes``; rows with equal codes share a slot.

    ``place`` says for a row where it stands, for errors.

    Returns
    -------
    Slots
        For ``scatter``.
    ndarray
        For each slot, the first row that goes there.
    """
    order = np.argsort(codes, kind="stable")
    slot = np.empty_like(order)
    slot[order] = np.arange(len(order))
    new = np.ones(len(order), dtype=bool)
    new[1:] = np.diff(codes[order]) != 0
    if new.all():
        return Slots(slot, None, place), order
    starts = np.flatnonzero(new)
    first = order[starts]
    return Slots(slot, starts, lambda run: place(first[run])), first


def scatter(
    parts: Sequence[Packed], offsets: Sequence[int], slots: Slots
) -> dict[str, Column]:
    """Spread packed rows over columns, one per stat, in the order of the stats table.

    Raises
    ------
    PayloadError
        A sum does not fit in 64 bits.
    """
    if _is_spread(parts, slots):
        return _present(parts[0].columns)
    left_out = {stat for part in parts for stat in part.left_out}
    shapes = {block.shape for part in parts for block in part.blocks}
    cells = _by_stat(parts, offsets)
    columns = {stat: col for part in parts for stat, col in part.columns.items()}
    floats = _floats(shapes, cells, columns)
    stats = {stat for shape in shapes for stat in shape.stats}
    stats |= columns.keys() | {stat for stat, _ in cells}
    ranked = _ranked(stats - left_out)
    place = {stat: row for row, stat in enumerate(ranked)}
    table = np.zeros((len(place), len(slots.slot)), dtype=np.int64)
    missing = np.ones(table.shape, dtype=bool)
    layouts = {shape: _layout(shape, place, floats) for shape in shapes}
    for part, offset in zip(parts, offsets, strict=True):
        for block in part.blocks:
            goal = slots.slot[block.rows + offset]
            _put(table, missing, layouts[block.shape], block, goal)
        if part.columns:
            there = _goal(part, offset, slots)
            for stat, column in part.columns.items():
                table[place[stat], there] = column.values.view("i8")
                missing[place[stat], there] = column.missing
    for (stat, is_float), (rows, values) in cells.items():
        if stat in place:
            numbers = np.array(values, dtype="f8" if is_float else "i8")
            goal = slots.slot[rows]
            table[place[stat], goal] = _bits(numbers, as_float=stat in floats)
            missing[place[stat], goal] = False
    return {
        stat: _column(stat, table[row], missing[row], slots, is_float=stat in floats)
        for stat, row in place.items()
        if not missing[row].all()
    }


def _is_spread(parts: Sequence[Packed], slots: Slots) -> bool:
    """Whether nothing is left to do: one part, all columns, in order."""
    if len(parts) != 1 or slots.starts is not None:
        return False
    (part,) = parts
    others = part.blocks or part.rows or part.left_out
    return not others and _is_range(slots.slot)


def _is_range(numbers: Ints) -> bool:
    return bool((np.diff(numbers) == 1).all())


def _present(columns: dict[str, Column]) -> dict[str, Column]:
    given = {
        stat: Column(one.values.copy(), one.missing.copy())
        for stat, one in columns.items()
        if not one.missing.all()
    }
    return in_order(given)


def _goal(part: Packed, offset: int, slots: Slots) -> Ints | slice:
    """Where the rows of a part with columns go; a slice where they stay together."""
    size = len(next(iter(part.columns.values())).values)
    goal: Ints = slots.slot[offset : offset + size]
    if size and _is_range(goal):
        return slice(int(goal[0]), int(goal[0]) + size)
    return goal


def _by_stat(
    parts: Sequence[Packed], offsets: Sequence[int]
) -> dict[tuple[str, bool], tuple[list[int], list[int | float]]]:
    cells: dict[tuple[str, bool], tuple[list[int], list[int | float]]] = {}
    for part, offset in zip(parts, offsets, strict=True):
        for row, stat, value in zip(part.rows, part.stats, part.values, strict=True):
            key = (stat, isinstance(value, float))
            rows, values = cells.setdefault(key, ([], []))
            rows.append(row + offset)
            values.append(value)
    return cells


def _floats(
    shapes: Iterable[Shape],
    cells: Iterable[tuple[str, bool]],
    columns: dict[str, Column],
) -> set[str]:
    coded = (zip(shape.stats, shape.formats, strict=True) for shape in shapes)
    packed = {stat for codes in coded for stat, code in codes if code == "d"}
    packed |= {stat for stat, one in columns.items() if one.values.dtype == np.float64}
    return packed | {stat for stat, is_float in cells if is_float}


class _Layout(NamedTuple):
    """Which columns of a shape go to which rows of the table."""

    columns: Ints
    rows: Table
    floats: list[int]
    turned: list[int]


def _layout(shape: Shape, place: dict[str, int], floats: set[str]) -> _Layout:
    kept = [n for n, stat in enumerate(shape.stats) if stat in place]
    codes = [shape.formats[n] for n in kept]
    stats = [shape.stats[n] for n in kept]
    return _Layout(
        np.array(kept, dtype=np.int64),
        np.array([[place[stat]] for stat in stats], dtype=np.int64).reshape(-1, 1),
        [n for n, code in enumerate(codes) if code == "d"],
        [n for n, code in enumerate(codes) if code == "q" and stats[n] in floats],
    )


def _put(
    table: Table, missing: Flags, layout: _Layout, block: Block, goal: Ints
) -> None:
    values = matrix(block).T[layout.columns]
    holes: Flags = np.zeros(values.shape, dtype=bool)
    if not block.whole:
        holes = values == MISSING
        holes[layout.floats] = np.isnan(values[layout.floats].view("f8"))
        values[holes] = 0
    for turned in layout.turned:
        values[turned] = _bits(values[turned], as_float=True)
    missing[layout.rows, goal] = holes
    table[layout.rows, goal] = values


def _bits(numbers: Values, *, as_float: bool) -> Ints:
    """Return numbers as 64 bits: of a float where the column is one."""
    return numbers.astype("f8").view("i8") if as_float else numbers


def _column(
    stat: str, bits: Ints, missing: Bools, slots: Slots, *, is_float: bool
) -> Column:
    values: Values = bits.view("f8") if is_float else bits
    if slots.starts is None:
        return Column(values, missing)
    sums = sum_runs(stat, values, slots.starts, slots.place)
    return Column(sums, np.logical_and.reduceat(missing, slots.starts))


def _ranked(stats: Iterable[str]) -> list[str]:
    return sorted(stats, key=lambda name: (STAT_RANK.get(name, len(STAT)), name))


def in_order(columns: dict[str, Column]) -> dict[str, Column]:
    """Sort columns: known stats as in the stats table, then the others by name."""
    return {stat: columns[stat] for stat in _ranked(columns)}


def sum_runs(
    stat: str, values: Values, starts: Ints, place: Callable[[int], str]
) -> Values:
    """Sum runs of values exactly; what is missing (0) adds nothing.

    Raises
    ------
    PayloadError
        A sum of counts does not fit in 64 bits.
    """
    with np.errstate(over="ignore"):
        sums: Values = np.add.reduceat(values, starts)
    if values.dtype == np.float64:
        for run in np.flatnonzero(~np.isfinite(sums)):
            raise PayloadError(
                f"{place(int(run))}{stat}: the sum is beyond what a float holds; look "
                "at where such amounts come from"
            )
        return sums
    rough = np.add.reduceat(values.astype(np.float64), starts)
    for run in np.flatnonzero(np.abs(rough) > _LARGE):
        end = starts[run + 1] if run + 1 < len(starts) else len(values)
        sum_exactly(f"{place(int(run))}{stat}", values[starts[run] : end].tolist())
    return sums
