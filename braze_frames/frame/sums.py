"""Exact sums of parts of a frame, which merge; and what must not be added up.

A part is rows of whole campaigns. Its groups are finer than what is asked: they keep
channels apart, for people are not added over channels, and campaigns whose day totals
stand in no variation, for a sum would leave them out. So the whole can be judged from
the merged parts alone.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from functools import reduce
from itertools import chain, compress
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from braze_frames.core.arrays import Bools, Column, Flags, Ints
from braze_frames.core.parts import Elsewhere
from braze_frames.errors import FrameError, NonAdditiveWarning, listed, warn
from braze_frames.frame.by import Period, binned, cut_periods, is_anchored, is_cut
from braze_frames.frame.groups import Groups, Tally, arrays, group_rows
from braze_frames.frame.levels import Level
from braze_frames.frame.provenance import Until, days_attrs, merge_until
from braze_frames.schema.channels import is_day_total
from braze_frames.schema.units import Unit


class Traits(NamedTuple):
    """The channels of a campaign, and the day totals that its rows give."""

    channels: frozenset[str]
    given: frozenset[str]

    def spread(self, totals: Collection[str]) -> bool:
        """Tell whether its day totals stand in no variation."""
        lacks = not self.given.issuperset(totals)
        return (len(self.channels) > 1 and lacks) or (not self.given and bool(totals))


class PeopleCounted(NamedTuple):
    """Arms whose recipients are counted, and those whose enrolled are instead."""

    recipients: frozenset[tuple[str, ...]] = frozenset()
    enrolled: frozenset[tuple[str, ...]] = frozenset()

    def check(self) -> None:
        """Refuse to add both of one arm up.

        Raises
        ------
        FrameError
            Its rows stand in several partitions, of which some have no recipients.
        """
        for arm in sorted(self.recipients & self.enrolled):
            raise FrameError(
                f"{', '.join(arm)}: some partitions have its recipients and others its "
                "enrolled alone, and which are its people only all of its rows tell. "
                'Put them together: ddf.shuffle("campaign")'
            )


class Sums(NamedTuple):
    """Sums by group: ``columns`` are named by the verb that asks.

    The levels of ``groups`` are those asked for, the channel, and the campaign where
    its day totals stand in no variation, else ``""``. Whether they do may depend on
    other parts: ``doubtful`` has the traits of such campaigns. ``days``: all days of
    the part; ``settled``: the last of them that no longer grows, if known.
    """

    groups: Groups
    columns: Mapping[str, Column]
    days: pd.DatetimeIndex
    freq: Period
    settled: Until
    doubtful: Mapping[str, Traits]
    people: PeopleCounted = PeopleCounted()

    def judged(self, stats: Collection[str]) -> "Sums":
        """Return the sums as the whole has them, which alone tells periods and totals.

        ``stats`` are those of the whole.
        """
        self.people.check()
        *asked, channel, apart = self.groups.levels
        if self.freq is not None and not is_anchored(self.freq):
            asked = [
                one if one.name != "date" else binned(one, self.freq) for one in asked
            ]
        elif not self.doubtful:
            return self
        totals = {*filter(is_day_total, stats)}
        known = [name for name, one in self.doubtful.items() if not one.spread(totals)]
        (nobody,) = apart.labels.get_indexer(pd.Index([""]))
        clear = np.asarray(apart.labels.isin(known))[apart.codes]
        apart = apart._replace(codes=np.where(clear, nobody, apart.codes))
        groups, columns = _grouped([*asked, channel, apart], self.columns)
        return self._replace(groups=groups, columns=columns, doubtful={})

    def asked(self) -> Groups:
        """Group the groups by the levels that were asked for."""
        return group_rows(self.groups.levels[:-2], self.groups.count)

    def about(self, units: Mapping[str, Unit], *, whole: bool) -> dict[str, Any]:
        """Return what results say of their columns and days."""
        days = days_attrs(self.settled.day, self.days, self.freq)
        found: dict[str, Any] = {"units": dict(units)} | days
        if self.freq is None:
            return found
        cut = {} if whole else cut_periods(self.days, self.freq)
        sizes = {day.date().isoformat(): list(size) for day, size in cut.items()}
        found["partial"] = [*sizes]
        return found | ({"partial_days": sizes} if sizes else {})

    def whole(self) -> "Sums":
        """Return the sums without the periods that are cut.

        Raises
        ------
        ValueError
            There are no periods.
        """
        if self.freq is None:
            raise ValueError(
                "whole=True leaves out the weeks or months that the first or last day "
                "cuts; pass freq='W' or freq='MS' with it"
            )
        cut = cut_periods(self.days, self.freq)
        date = next(one for one in self.groups.levels[:-2] if one.name == "date")
        return self.take(np.flatnonzero(~is_cut(date, cut)))

    def take(self, kept: Ints) -> "Sums":
        """Return some of the groups."""
        levels = [one._replace(codes=one.codes[kept]) for one in self.groups.levels]
        columns = {
            name: Column(one.values[kept], one.missing[kept])
            for name, one in self.columns.items()
        }
        return self._replace(groups=group_rows(levels, len(kept)), columns=columns)


def finest(
    kept: Sequence[Level], levels: Mapping[str, Level], apart: Level, size: int
) -> Groups:
    """Group rows by what is asked, and by what must be told apart beside it."""
    channel = levels.get("channel") or constant(size)
    place = next((n for n, one in enumerate(kept) if one is channel), None)
    if place is None:
        return group_rows([*kept, channel, apart], size)
    # A level that counts twice makes codes too large to be numbered by a table.
    groups = group_rows([*kept, apart], size)
    *asked, last = groups.levels
    return replace(groups, levels=[*asked, asked[place], last])


def known_days(date: Level) -> pd.DatetimeIndex:
    """Return the days that rows have, sorted."""
    return pd.DatetimeIndex(date.used().labels).tz_localize(None)


def constant(size: int) -> Level:
    """Return a level in which all rows are alike."""
    return Level("", pd.Index([""]), np.zeros(size, dtype=np.int64))


def spread_campaigns(
    kept: Sequence[Level],
    levels: Mapping[str, Level],
    stats: Mapping[str, pd.Series],
    size: int,
    elsewhere: Elsewhere | None = None,
) -> tuple[Level, dict[str, Traits]]:
    """Tell which campaigns' day totals stand in no variation.

    Those on several channels that never give one of the stats, and those that give
    none. It matters only where campaigns are added up.

    Returns
    -------
    apart : Level
        The campaign of each row where it is such a one, else ``""``.
    doubtful : dict
        What is known of those that other parts must judge, too; see ``Sums``.
    """
    campaign, channel = levels.get("campaign"), levels.get("channel")
    totals = {name: one for name, one in stats.items() if is_day_total(name)}
    nowhere = elsewhere is None or not elsewhere.may_have(is_day_total)
    if campaign is None or channel is None or any(one is campaign for one in kept):
        return constant(size), {}
    campaign = campaign.used()
    given = np.zeros((len(totals), len(campaign.labels)), dtype=bool)
    for place, series in enumerate(totals.values()):
        given[place] = _gives(campaign, series)
    if nowhere and given.all():
        return constant(size), {}
    channels = _pairs(campaign, channel)
    several, none = channels.sum(axis=1) > 1, ~given.any(axis=0)
    if elsewhere is None:
        spread = (several & ~given.all(axis=0)) | none
    else:
        spread = several | none | elsewhere.same_campaigns
    codes = np.where(spread, np.cumsum(spread), 0)
    names = pd.Index(["", *map(str, campaign.labels[spread])])
    level = Level("", names, codes[campaign.codes])
    if elsewhere is None:
        return level, {}
    found = zip(campaign.labels, channels, given.T, strict=True)
    doubtful = {
        str(label): Traits(
            frozenset(compress(channel.names(), here)),
            frozenset(compress(totals, gives)),
        )
        for label, here, gives in compress(found, spread)
    }
    return level, doubtful


def _gives(campaign: Level, series: pd.Series) -> Bools:
    _, given = arrays(series)
    if given is None:
        return np.ones(len(campaign.labels), dtype=bool)
    found = np.zeros(len(campaign.labels), dtype=bool)
    found[campaign.codes[given]] = True
    return found


def _pairs(outer: Level, inner: Level) -> Flags:
    """Tell which inner labels each outer label has."""
    several = len(inner.labels)
    found = np.zeros(len(outer.labels) * several, dtype=bool)
    found[outer.codes * several + inner.codes] = True
    return found.reshape(len(outer.labels), several)


def merge(parts: Sequence[Sums]) -> Sums:
    """Add up the sums of parts.

    Raises
    ------
    PayloadError
        A sum of counts does not fit in 64 bits.
    """
    if len(parts) == 1:
        return parts[0]
    levels = map(_joined, zip(*(part.groups.levels for part in parts), strict=True))
    names = dict.fromkeys(name for part in parts for name in part.columns)
    joined = {
        name: Column(*map(np.concatenate, zip(*_columns(parts, name), strict=True)))
        for name in names
    }
    groups, columns = _grouped(list(levels), joined)
    days = pd.DatetimeIndex(np.unique(np.concatenate([part.days for part in parts])))
    until = merge_until(part.settled for part in parts)
    people = PeopleCounted(
        *(frozenset().union(*of) for of in zip(*(p.people for p in parts), strict=True))
    )
    known = (days, parts[0].freq, until, _doubtful(parts), people)
    return Sums(groups, columns, *known)


def _doubtful(parts: Sequence[Sums]) -> dict[str, Traits]:
    found: dict[str, Traits] = {}
    for name, one in chain.from_iterable(part.doubtful.items() for part in parts):
        known = found.get(name, one)
        found[name] = Traits(known.channels | one.channels, known.given | one.given)
    return found


def _grouped(
    levels: Sequence[Level], columns: Mapping[str, Column]
) -> tuple[Groups, dict[str, Column]]:
    """Add up sums whose labels are the same."""
    groups = group_rows(levels, len(levels[-1].codes))
    tally = Tally(groups.codes, groups.count)
    return groups, {
        name: tally.column(name, one.values, ~one.missing)
        for name, one in columns.items()
    }


def _columns(parts: Sequence[Sums], name: str) -> list[Column]:
    """Return a column of parts; all is missing in one that lacks it."""
    return [
        part.columns[name]
        if name in part.columns
        else Column(
            np.zeros(part.groups.count, dtype=np.int64),
            np.ones(part.groups.count, dtype=bool),
        )
        for part in parts
    ]


def _joined(parts: Sequence[Level]) -> Level:
    """Put the codes of parts into the labels of all; what has none stays last."""
    first = parts[0].labels
    if all(first.equals(part.labels) for part in parts):
        return parts[0]._replace(codes=np.concatenate([part.codes for part in parts]))
    known = [part.labels[part.labels.notna()] for part in parts]
    labels = reduce(pd.Index.union, known)
    if isinstance(labels, pd.DatetimeIndex):
        labels = pd.DatetimeIndex(labels.to_numpy(), name=labels.name)  # without freq
    codes = [np.append(labels.get_indexer(one), len(labels)) for one in known]
    if any(len(one) < len(part.labels) for one, part in zip(known, parts, strict=True)):
        labels = labels.append(pd.Index([None], dtype=labels.dtype))
    pairs = zip(codes, parts, strict=True)
    return Level(
        parts[0].name, labels, np.concatenate([own[one.codes] for own, one in pairs])
    )


def in_several_channels(fine: Groups, asked: Groups, found: Bools) -> Bools:
    """Tell which of the groups asked for have something in two or more channels."""
    channel = fine.levels[-2]
    several = len(channel.labels)
    seen = np.zeros(asked.count * several, dtype=bool)
    seen[asked.codes[found] * several + channel.codes[found]] = True
    return np.asarray(seen.reshape(asked.count, several).sum(axis=1) > 1)


def left_out(
    fine: Groups, asked: Groups, found: Bools, present: Bools | None = None
) -> tuple[Bools, list[str]]:
    """Tell which sums leave campaigns out that are spread, and name them.

    Parameters
    ----------
    fine, asked : Groups
        The groups of the sums, and those asked for.
    found : ndarray of bool
        Which fine groups give the stat.
    present : ndarray of bool, optional
        The fine groups that should have given it; None: all.
    """
    spread = fine.levels[-1]
    if len(spread.labels) == 1:  # no campaign is spread
        return np.zeros(asked.count, dtype=bool), []
    never = np.ones(len(spread.labels), dtype=bool)
    never[spread.codes[found]] = False
    never[spread.labels == ""] = False
    absent = never[spread.codes] & (True if present is None else present)
    counted, lacking = np.zeros((2, asked.count), dtype=bool)
    counted[asked.codes[found]] = True
    lacking[asked.codes[absent]] = True
    where = counted & lacking
    named = spread.codes[absent & where[asked.codes]]
    return where, [str(spread.labels[code]) for code in np.unique(named)]


def warn_of_sums(
    people: Collection[str], totals: Mapping[str, Collection[str]], effect: str
) -> None:
    """Warn once of what was not added up.

    Parameters
    ----------
    people : collection of str
        Unique counts that several channels carry.
    totals : mapping
        Day total or rate → the campaigns that are not in it.
    effect : str
        What became of them.
    """
    texts = []
    if people:
        texts.append(
            f"{', '.join(people)} count people, who may be in several channels: not "
            'added over channels (<NA>). Keep the channels apart with by="channel", or '
            'read the day totals with grain="campaign"'
        )
    campaigns = list(dict.fromkeys(name for names in totals.values() for name in names))
    if campaigns:
        texts.append(
            f"{', '.join(totals)}: {listed(campaigns)} gave day totals only, as "
            f"campaigns on several channels do, which stand in no variation: {effect}. "
            'Read these with grain="campaign", or keep campaigns apart with '
            'by="campaign"'
        )
    if texts:
        warn("; ".join(texts), NonAdditiveWarning)
