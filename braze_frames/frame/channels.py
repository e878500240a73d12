"""Numerator and denominator by row: each row by its own channel's definition."""

from collections.abc import Mapping, Sequence
from functools import cached_property
from typing import NamedTuple

import numpy as np
import pandas as pd

from braze_frames.core.arrays import Bools, Column, Ints, Values
from braze_frames.core.parts import Elsewhere
from braze_frames.frame.by import By, Period, kept_levels
from braze_frames.frame.groups import Groups, Selection, Tally, arrays, group_rows
from braze_frames.frame.levels import Level, levels_of, stats_of
from braze_frames.frame.provenance import settled_day
from braze_frames.frame.sums import PeopleCounted, Sums, known_days, spread_campaigns
from braze_frames.schema.channels import CONTROL_STAT, RECIPIENTS
from braze_frames.schema.formulas import Definition, Formula

_PEOPLE = "recipients or enrolled"


class Side(NamedTuple):
    """Values, and which are given; None: all are."""

    values: Values
    given: Bools | None


class ChannelRows:
    """The rows of one channel: what a formula gives in each of them, and its sums.

    Everything is worked out once: rates share their sides, and the sums of a side.
    """

    def __init__(
        self, stats: Mapping[str, pd.Series], rows: Ints | None, groups: Groups
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
        if self.rows is not None:  # without its index, which takes longer to pick from
            series = pd.Series(series.array.take(self.rows))
        return Side(*arrays(series))

    def counted(self, definition: Definition) -> Selection:
        """Select the rows that have both sides of a rate."""
        numerator = self.evaluate(definition.numerator).given
        denominator = self.evaluate(definition.denominator).given
        return self._tally.select(_and(numerator, denominator))

    def sums(self, formula: Formula, selection: Selection) -> Values:
        """Sum a formula by group, over the selected rows."""
        # By the selection, too: a side counts only where the other one is given.
        key = (formula, selection.number)
        if key not in self._sums:
            values = self.evaluate(formula).values
            self._sums[key] = self._tally.sum(formula.stats[0], values, selection)
        return self._sums[key]


def people_of(
    stats: Mapping[str, pd.Series],
    levels: Sequence[Level],
    elsewhere: Elsewhere | None = None,
) -> tuple[pd.Series | None, PeopleCounted]:
    """Return the people of each row that a rate divides by: recipients, or enrolled.

    A control receives nothing, and where it has no recipients on any day those who were
    assigned to it are counted. ``levels`` tell the arms apart. None: recipients,
    everywhere. Beside them stands how arms were counted, where others have rows of
    them, too.
    """
    lacks = RECIPIENTS not in stats
    if CONTROL_STAT not in stats or (lacks and elsewhere is None):
        return None, PeopleCounted()
    enrolled, assigned = _filled(stats[CONTROL_STAT])
    people, known = np.zeros_like(enrolled), np.zeros(len(enrolled), dtype=bool)
    if not lacks:
        people, known = _filled(stats[RECIPIENTS])
    has_people = known & (people != 0)
    shared = elsewhere is not None and elsewhere.same_campaigns
    if not shared and not (assigned & ~has_people).any():  # spares grouping the rows
        return None, PeopleCounted()
    arms = group_rows(levels, len(people))
    counted = np.zeros(arms.count, dtype=bool)
    counted[arms.codes[has_people]] = True
    swapped = assigned & ~counted[arms.codes]
    how = PeopleCounted()
    if shared:
        sure = np.flatnonzero(counted), np.unique(arms.codes[swapped])
        how = PeopleCounted(*(_places(arms.levels, some) for some in sure))
    if not swapped.any():
        return None, how
    values = np.where(swapped, enrolled, people)
    return pd.Series(Column(values, ~(known | swapped)).array()), how


def _places(levels: Sequence[Level], arms: Ints) -> frozenset[tuple[str, ...]]:
    labels = [level.labels.take(level.codes[arms]).astype(str) for level in levels]
    return frozenset(zip(*labels, strict=True))


def _filled(series: pd.Series) -> tuple[Values, Bools]:
    values, given = arrays(series)
    return values, np.ones(len(values), dtype=bool) if given is None else given


def channel_rows(
    stats: Mapping[str, pd.Series], channel: Level | None, groups: Groups
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


class RateInput:
    """A part of a frame for rates: its levels, stats and the people to divide by."""

    def __init__(
        self,
        df: pd.DataFrame,
        by: By,
        freq: Period,
        elsewhere: Elsewhere | None = None,
    ) -> None:
        self.levels = {level.name: level for level in levels_of(df)}
        self.size, self.freq = len(df), freq
        self.kept = kept_levels(df, self.levels, by, freq)
        self.stats = stats_of(df)
        self.apart, self.doubtful = spread_campaigns(
            self.kept, self.levels, self.stats, self.size, elsewhere
        )
        self.days = known_days(self.levels["date"])
        self.settled = settled_day(df)
        arms = [level for name, level in self.levels.items() if name != "date"]
        self._people, self.counted = people_of(self.stats, arms, elsewhere)

    @cached_property
    def channels(self) -> list[str]:
        """The channels of the rows; ``""`` are the day totals."""
        channel = self.levels.get("channel")
        return [""] if channel is None else channel.used().names()

    def by_channel(self, groups: Groups) -> dict[str, ChannelRows]:
        """Return the rows of each channel, grouped."""
        own = {} if self._people is None else {_PEOPLE: self._people}
        return channel_rows(self.stats | own, self.levels.get("channel"), groups)

    def sides(self, one: Definition) -> Definition:
        """Return a definition by what rows have: people in place of recipients."""
        if self._people is None or one.denominator.stats != (RECIPIENTS,):
            return one
        return one._replace(denominator=Formula(((1, _PEOPLE),)))


def numerator_of(name: str) -> str:
    """Return how the sums of a rate's numerator are named."""
    return f"{name}, numerator"


def denominator_of(name: str) -> str:
    """Return how the sums of a rate's denominator are named."""
    return f"{name}, denominator"


def sum_sides(
    rows: RateInput, groups: Groups, defined: Mapping[str, Mapping[str, Definition]]
) -> Sums:
    """Sum both sides of rates by group."""
    channels = rows.by_channel(groups)
    columns: dict[str, Column] = {}
    for name, one in defined.items():
        columns |= _both_sides(name, one, rows, channels, groups.count)
    known = (rows.days, rows.freq, rows.settled, rows.doubtful, rows.counted)
    return Sums(groups, columns, *known)


def _both_sides(
    name: str,
    defined: Mapping[str, Definition],
    rows: RateInput,
    channels: Mapping[str, ChannelRows],
    count: int,
) -> dict[str, Column]:
    numerator = denominator = np.zeros(count, dtype=np.int64)
    missing = np.ones(count, dtype=bool)
    for channel, one in defined.items():
        own, definition = channels[channel], rows.sides(one)
        selection = own.counted(definition)
        numerator = numerator + own.sums(definition.numerator, selection)
        denominator = denominator + own.sums(definition.denominator, selection)
        missing &= ~selection.found
    return {
        numerator_of(name): Column(numerator, missing),
        denominator_of(name): Column(denominator, missing),
    }
