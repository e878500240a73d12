"""A frame → the arms of its tests: variations by day, their channel and campaign.

Variations are compared inside one channel of one campaign: a family. Its arms share
their days.
"""

from collections.abc import Iterator, Sequence
from functools import cached_property
from itertools import compress, groupby
from typing import NamedTuple

import numpy as np
import pandas as pd

from braze_frames.core.arrays import Bools, Flags, Floats, Ints
from braze_frames.errors import FrameError
from braze_frames.frame.channels import ChannelRows, channel_rows
from braze_frames.frame.groups import arrays, day_positions, group_rows
from braze_frames.frame.levels import (
    Level,
    grain_of,
    levels_of,
    renumber,
    stats_of,
)
from braze_frames.frame.sums import constant
from braze_frames.schema.channels import (
    CONTROL_NAME,
    CONTROL_STAT,
    RECEIVED_STATS,
    RECIPIENTS,
    STAT,
)
from braze_frames.schema.formulas import (
    Definition,
    Formula,
    define,
    lacking,
    refuse_without,
)
from braze_frames.stats.chi_squared import allocation_shift


class Experiment(NamedTuple):
    """The arms of one channel of one campaign, by number, in the order of labels."""

    campaign: str | None
    channel: str
    arms: Sequence[int]
    control: int | None
    number: int = 0

    @property
    def name(self) -> str:
        """How texts call it."""
        return ", ".join(part for part in self.place if part is not None)

    @property
    def place(self) -> tuple[str | None, str]:
        """Its campaign and its channel."""
        return self.campaign, self.channel


class Daily(NamedTuple):
    """Numerator and denominator of each arm on each day, and where both are given.

    ``enrolled`` tells which arms have the enrolled for a denominator.
    """

    above: Floats
    below: Floats
    given: Flags
    enrolled: Bools


class Experiments:
    """All arms of a frame, and what happened to them on each day."""

    def __init__(self, df: pd.DataFrame) -> None:
        levels = {level.name: level.used() for level in levels_of(df)}
        names = [
            name for name in ("campaign", "channel", "variation") if name in levels
        ]
        self.stats = stats_of(df)
        self._groups = group_rows([levels[name] for name in names], len(df))
        self._levels = levels
        self.of_level = {level.name: level for level in self._groups.levels}
        self.labels = _labels(self.of_level["variation"])
        outer = _codes(levels.get("campaign"), len(df))
        self.campaign_of = _codes(self.of_level.get("campaign"), self._groups.count)
        dates = levels["date"]
        place, length = day_positions(outer, dates.codes, max(len(dates.labels), 1))
        self.days = length
        self.width = int(length.max(initial=0))
        self._shape = (self._groups.count, self.width)
        self._cells = self._groups.codes * self.width + place
        self.dates = np.zeros((len(length), self.width), dtype="datetime64[us]")
        self.dates[outer, place] = dates.labels.to_numpy()[dates.codes]

    @property
    def campaigns(self) -> list[str | None]:
        """The campaigns by number; one without a name where the frame has no level."""
        level = self.of_level.get("campaign")
        return [None] if level is None else [*level.names()]

    @cached_property
    def families(self) -> list[Experiment]:
        """The families, by campaign and channel."""
        channel = self.of_level["channel"]
        several = max(len(channel.labels), 1)
        pairs = self.campaign_of * several + channel.codes
        codes, present = renumber(pairs, int(pairs.max(initial=-1)) + 1)
        enrolled = self._given(CONTROL_STAT)
        labels = self.campaigns
        names = channel.names()
        found = []
        order = np.argsort(codes, kind="stable")
        each = np.split(order, np.searchsorted(codes[order], range(1, len(present))))
        for number, (pair, arms) in enumerate(zip(present, each, strict=False)):
            name, own = labels[pair // several], names[pair % several]
            control = self._control(arms, enrolled)
            found.append(Experiment(name, own, arms.tolist(), control, number))
        return found

    def _control(self, arms: Ints, enrolled: Bools) -> int | None:
        """Return the only arm that is enrolled, else the one named so."""
        counted = arms[enrolled[arms]]
        if len(counted) == 1:
            return int(counted[0])
        named = [int(arm) for arm in arms if self.labels[arm] == CONTROL_NAME]
        return named[0] if named else None

    def _given(self, *stats: str) -> Bools:
        """Tell which arms have a value of one of the stats."""
        found = np.zeros(self._groups.count, dtype=bool)
        for stat in stats:
            if stat in self.stats:
                _, given = arrays(self.stats[stat])
                codes = self._groups.codes
                found[codes if given is None else codes[given]] = True
        return found

    @cached_property
    def receiving(self) -> Bools:
        """Tell which arms have a send stat of their channel."""
        found = np.zeros(self._groups.count, dtype=bool)
        channel = self.of_level["channel"]
        for code, label in enumerate(channel.labels):
            stats = RECEIVED_STATS.get(str(label), tuple(self.stats))
            found |= self._given(*stats) & (channel.codes == code)
        return found

    @property
    def channels(self) -> list[str]:
        """The channels in the frame."""
        return self.of_level["channel"].names()

    @cached_property
    def _channels(self) -> dict[str, ChannelRows]:
        return channel_rows(self.stats, self._levels["channel"], self._groups)

    def define(self, metric: str) -> dict[str, Definition]:
        """Return the metric's definition by channel.

        Raises
        ------
        FrameError
            No channel of the frame has the metric, or it needs conversions or revenue
            that the frame lacks.
        """
        defined = define(metric, list(self._channels))
        missing = lacking(defined, self.stats)
        if missing:
            raise refuse_without(metric, missing)
        return defined

    def daily(self, defined: dict[str, Definition]) -> Daily:
        """Return both sides of a rate by arm and day."""
        shape = self._shape
        daily = Daily(
            np.zeros(shape),
            np.zeros(shape),
            np.zeros(shape, dtype=bool),
            np.zeros(shape[0], dtype=bool),
        )
        for channel, definition in defined.items():
            self._fill(daily, self._channels[channel], definition)
        return daily

    def _fill(self, daily: Daily, rows: ChannelRows, definition: Definition) -> None:
        self._check_counts(rows, definition)
        selection = rows.counted(definition)
        cells = selection.of(rows.of(self._cells))
        sides = (definition.numerator, definition.denominator)
        for goal, side in zip(daily[:2], sides, strict=True):
            goal.reshape(-1)[cells] = selection.of(rows.evaluate(side).values)
        daily.given.reshape(-1)[cells] = True
        if definition.denominator.stats == (RECIPIENTS,):
            self._enrol(daily, rows, definition)

    def _enrol(self, daily: Daily, rows: ChannelRows, definition: Definition) -> None:
        """Divide by the enrolled where an arm has no recipients on any day."""
        mine = np.zeros(len(daily.below), dtype=bool)
        mine[rows.codes] = True
        lacking = mine & ~daily.below.any(axis=1)
        enrolled = definition._replace(denominator=Formula(((1, CONTROL_STAT),)))
        selection = rows.counted(enrolled)
        chosen = np.flatnonzero(lacking[selection.codes])
        if not len(chosen):
            return
        cells = selection.of(rows.of(self._cells))[chosen]
        sides = (enrolled.numerator, enrolled.denominator)
        for goal, side in zip(daily[:2], sides, strict=True):
            goal.reshape(-1)[cells] = selection.of(rows.evaluate(side).values)[chosen]
        daily.given.reshape(-1)[cells] = True
        daily.enrolled[selection.codes[chosen]] = True

    def _check_counts(self, rows: ChannelRows, definition: Definition) -> None:
        for stat in {*definition.stats} & {*self.stats}:
            values, given = rows.evaluate(Formula(((1, stat),)))
            wrong = np.asarray((values < 0) & (True if given is None else given))
            if STAT[stat].dtype == "Int64" and wrong.any():
                at = int(np.flatnonzero(wrong)[0])
                arm = rows.codes[at]
                cell = rows.of(self._cells)[at] - arm * self.width
                day = self.dates[self.campaign_of[arm], cell].astype("datetime64[D]")
                raise FrameError(
                    f"{day}, {self.labels[arm]!r}: {stat} is {values[at]}; a count is "
                    "not negative. Mend the frame first"
                )

    @cached_property
    def recipients(self) -> Floats:
        """Recipients of each arm on each day; 0 where not given."""
        return self.table(RECIPIENTS)[0]

    @cached_property
    def people(self) -> Floats:
        """Recipients of each arm on each day; of who is enrolled, the enrolled."""
        enrolled, given = self.table(CONTROL_STAT)
        counted = np.any(given, axis=1, keepdims=True)
        return np.where(counted, enrolled, self.recipients)

    @cached_property
    def present(self) -> Flags:
        """Tell on which days an arm has a row."""
        found = np.zeros(self._shape, dtype=bool)
        found.reshape(-1)[self._cells] = True
        return found

    def split_span(self, family: Experiment) -> float:
        """Return by how much the split moved, over days on which all have a row."""
        return self._split_spans.get(family.number, 0.0)

    @cached_property
    def _split_spans(self) -> dict[int, float]:
        found: dict[int, float] = {}
        for families in alike(self.families):
            arms = np.array([family.arms for family in families])
            together = self.present[arms].all(axis=1, keepdims=True)
            spans = allocation_shift(self.people[arms] * together).tolist()
            found |= zip((family.number for family in families), spans, strict=True)
        return found

    def table(self, stat: str) -> tuple[Floats, Flags]:
        """Return one stat by arm and day, and where it is given; 0 elsewhere."""
        values, given = np.zeros(self._shape), np.zeros(self._shape, dtype=bool)
        if stat in self.stats:
            found, known = arrays(self.stats[stat])
            cells = self._cells if known is None else self._cells[known]
            values.reshape(-1)[cells] = found if known is None else found[known]
            given.reshape(-1)[cells] = True
        return values, given


def alike(families: Sequence[Experiment]) -> Iterator[list[Experiment]]:
    """Yield the tests with as many arms each, so that they can be asked together."""
    tests = sorted(
        (family for family in families if len(family.arms) > 1),
        key=lambda family: len(family.arms),
    )
    for _, group in groupby(tests, key=lambda family: len(family.arms)):
        yield list(group)


def experiments_of(df: pd.DataFrame) -> Experiments:
    """Return the arms of a frame.

    Raises
    ------
    FrameError
        The frame has no variations, or no rows.
    """
    if grain_of(df) != "variation":
        raise FrameError(
            "day totals have no variations to compare; read with grain='variation'"
        )
    if not len(df):
        raise FrameError("the frame has no rows: read more days, or filter less")
    return Experiments(df)


def control_of(df: pd.DataFrame) -> str | dict[str, str | None] | None:
    """Return the control's label: the variation that is enrolled, else by its name.

    Returns
    -------
    str or None
        None where there is no control, or where channels differ in it.
    dict
        Campaign → label, where the frame has the level ``campaign``.
    """
    levels = {level.name: level for level in levels_of(df) if level.name != "date"}
    campaign = levels.get("campaign", constant(len(df)))
    found = np.full(len(campaign.labels), None, dtype=object)
    if grain_of(df) == "variation":
        numbers, controls = _controls(df, levels)
        found[numbers] = controls
    if "campaign" not in levels:
        only: str | None = found[0]
        return only
    here = campaign.present()
    return dict(zip(compress(campaign.names(), here), found[here], strict=True))


def _controls(df: pd.DataFrame, levels: dict[str, Level]) -> tuple[Ints, list[str]]:
    """Return the campaigns whose channels have one control, by number, and its label.

    All at once, as the help card of millions of rows asks for it: an arm is a number
    made of its campaign's, its channel's and its variation's.
    """
    variation, channel = levels["variation"], levels["channel"]
    several, channels = (max(len(one.labels), 1) for one in (variation, channel))

    def arms(rows: Ints) -> Ints:
        codes = np.zeros(len(rows), dtype=np.int64)
        for level in levels.values():
            codes = codes * max(len(level.labels), 1) + level.codes[rows]
        return np.sort(pd.unique(codes))

    labels = variation.names()
    called = labels.index(CONTROL_NAME) if CONTROL_NAME in labels else -1
    named = arms(np.flatnonzero(variation.codes == called))
    enrolled = arms(_given_rows(df, CONTROL_STAT))
    _, first, count = np.unique(
        enrolled // several, return_index=True, return_counts=True
    )
    # The first of a family counts: its only enrolled arm, before the one named so.
    known = np.concatenate([enrolled[first[count == 1]], named])
    known = known[np.unique(known // several, return_index=True)[1]]
    pairs = np.unique(known // several // channels * several + known % several)
    numbers, first, count = np.unique(
        pairs // several, return_index=True, return_counts=True
    )
    alone = count == 1
    return numbers[alone], [labels[code] for code in pairs[first[alone]] % several]


def _given_rows(df: pd.DataFrame, stat: str) -> Ints:
    if stat not in df.columns:
        return np.zeros(0, dtype=np.int64)
    _, given = arrays(df[stat])
    return np.arange(len(df)) if given is None else np.flatnonzero(given)


def _labels(level: Level) -> list[str]:
    return level._replace(labels=level.labels.take(level.codes)).names()


def _codes(level: Level | None, size: int) -> Ints:
    return (
        np.zeros(size, dtype=np.int64)
        if level is None
        else level.codes.astype(np.int64)
    )
