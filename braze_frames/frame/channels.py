"""Numerator and denominator by row: each row by its own channel's definition."""

from typing import NamedTuple

import numpy as np
import pandas as pd

from braze_frames.core.arrays import Bools, Ints, Values
from braze_frames.frame.groups import Groups, Selection, Tally, arrays
from braze_frames.frame.levels import Level
from braze_frames.schema.formulas import Definition, Formula


class Side(NamedTuple):
    """Values, and which are given; None: all are."""

    values: Values
    given: Bools | None


class ChannelRows:
    """The rows of one channel: what a formula gives in each of them, and its sums.

    Everything is worked out once: rates share their sides, and the sums of a side.
    """

    def __init__(
        self, stats: dict[str, pd.Series], rows: Ints | None, groups: Groups
    ) -> None:
        self.rows = rows
        self.codes = self.of(groups.codes)
        self._tally = Tally(self.codes, groups.count)
        self._stats = stats
        self._sides: dict[Formula, Side] = {}
        self._sums: dict[tuple[Formula, int], Values] = {}

    def of(self, values: Ints) -> Ints:
        """Pick this channel's rows of an array of all rows."""
        return values if self.rows is None else values[self.rows]

    def evaluate(self, formula: Formula) -> Side:
        """Add a formula's stats up in each row; missing where one of them is."""
        if formula not in self._sides:
            self._sides[formula] = self._evaluate(formula)
        return self._sides[formula]

    def _evaluate(self, formula: Formula) -> Side:
        sides = [self._column(stat) for _, stat in formula.terms]
        if formula.fallback:
            sides[0] = _either(sides[0], self._column(formula.fallback))
        values, given = sides[0]
        for (sign, _), side in zip(formula.terms[1:], sides[1:], strict=True):
            values = values + sign * side.values
            given = _and(given, side.given)
        return Side(values, given)

    def _column(self, stat: str) -> Side:
        if stat not in self._stats:
            absent = np.zeros(len(self.codes), dtype=bool)
            return Side(np.zeros(len(self.codes), dtype=np.int64), absent)
        series = self._stats[stat]
        return Side(*arrays(series if self.rows is None else series.iloc[self.rows]))

    def counted(self, definition: Definition) -> Selection:
        """Select the rows that have both sides of a rate."""
        above = self.evaluate(definition.numerator).given
        below = self.evaluate(definition.denominator).given
        return self._tally.select(_and(above, below))

    def sums(self, formula: Formula, selection: Selection) -> Values:
        """Sum a formula by group, over the selected rows."""
        key = (formula, selection.number)
        if key not in self._sums:
            values = self.evaluate(formula).values
            self._sums[key] = self._tally.sum(formula.stats[0], values, selection)
        return self._sums[key]


def channel_rows(
    stats: dict[str, pd.Series], channel: Level | None, groups: Groups
) -> dict[str, ChannelRows]:
    """Return the rows of each channel; channel ``""`` are the day totals."""
    if channel is None:
        return {"": ChannelRows(stats, None, groups)}
    return {
        str(label): ChannelRows(stats, _rows_of(channel, code), groups)
        for code, label in enumerate(channel.labels)
    }


def _rows_of(channel: Level, code: int) -> Ints | None:
    return None if len(channel.labels) == 1 else np.flatnonzero(channel.codes == code)


def _either(side: Side, other: Side) -> Side:
    if side.given is None:
        return side
    values = np.where(side.given, side.values, other.values)
    return Side(values, None if other.given is None else side.given | other.given)


def _and(one: Bools | None, other: Bools | None) -> Bools | None:
    if one is None or other is None:
        return other if one is None else one
    return one & other
