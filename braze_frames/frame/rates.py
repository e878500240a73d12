"""Ratios of sums, each channel by its own definition, and their intervals."""

from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Any, Literal, NamedTuple, overload

import numpy as np
import pandas as pd

from braze_frames.core.arguments import check_choice, check_share
from braze_frames.core.arrays import Bools, Floats, Ints, Values
from braze_frames.core.parts import Elsewhere, answered
from braze_frames.frame.by import By, Period
from braze_frames.frame.channels import (
    ChannelRows,
    RateInput,
    denominator_of,
    numerator_of,
    sum_sides,
)
from braze_frames.frame.groups import Groups, Tally, day_tables, group_rows
from braze_frames.frame.levels import Level
from braze_frames.frame.provenance import labelled, left_out_attrs
from braze_frames.frame.sums import (
    Sums,
    constant,
    finest,
    in_several_channels,
    left_out,
    merge,
    warn_of_sums,
)
from braze_frames.schema.channels import STAT, is_day_total
from braze_frames.schema.formulas import (
    Definition,
    check_defined,
    custom,
    definitions,
    definitions_in,
    lacking,
    metrics_of,
)
from braze_frames.schema.units import Unit
from braze_frames.stats.jackknife import single_rate
from braze_frames.stats.scores import Interval, wilson

Metrics = str | Sequence[str] | Mapping[str, tuple[str, str]] | None
Defined = Mapping[str, Definition]
RateErrors = Literal["auto", "day"]


@overload
def rates(  # type: ignore[overload-overlap]  # a str is a sequence of str, too
    df: pd.DataFrame,
    metrics: str,
    by: By = None,
    freq: Period = None,
    *,
    se: RateErrors = "auto",
    whole: bool = False,
) -> "pd.Series[float]": ...


@overload
def rates(
    df: pd.DataFrame,
    metrics: Metrics = None,
    by: By = None,
    freq: Period = None,
    *,
    ci: float | None = None,
    se: RateErrors = "auto",
    whole: bool = False,
) -> pd.DataFrame: ...


def rates(
    df: pd.DataFrame,
    metrics: Metrics = None,
    by: By = None,
    freq: Period = None,
    *,
    ci: float | None = None,
    se: RateErrors = "auto",
    whole: bool = False,
) -> "pd.DataFrame | pd.Series[float]":
    """Divide sums by sums: each channel by its own definition, each row counted once.

    Parameters
    ----------
    df : DataFrame
        The variation or the campaign grain.
    metrics : str, list of str or mapping, optional
        A name of ``bf.glossary()``; a list of them; or a mapping of your own names to
        pairs ``(numerator, denominator)`` of stats, or of stats with ``+`` and ``-``
        between them. None gives every rate that the frame can give.
    by, freq, whole
        As in ``totals``.
    ci : float, optional
        A confidence level such as 0.95: also the limits of an interval.
    se : {"auto", "day"}, optional
        What the interval is of. ``"auto"``: for proportions the rate of these people on
        these days. ``"day"``: for all kinds the rate of the campaign's longer run, as
        days differ by more than chance.

    Returns
    -------
    Series or DataFrame
        For one name a Series, else a frame with a column for each rate, float64; with
        ``ci`` a frame with ``<name>``, ``<name>_low``, ``<name>_high``. A rate is a
        share (0.25 is 25 %), ``revenue_per_recipient`` is in USD. Index as in
        ``totals``. NaN where the denominator is 0 or where no row gave both sides;
        never infinite.

    Raises
    ------
    FrameError
        There is no such metric, no channel of the frame has it, or it needs stats that
        the frame has no column for.
    ValueError
        A formula is none or names an unknown stat; ``ci`` is no share; ``metrics`` is
        empty; else as in ``totals``.
    TypeError
        ``metrics`` is no name, list or mapping.

    Warns
    -----
    NonAdditiveWarning
        Unique counts of several channels are not added: the rate is NaN. A rate over
        campaigns is of those that give both sides; those on several channels give
        conversions and revenue as day totals only, and are named.

    Notes
    -----
    A rate over a period is the ratio of the sums, never the mean of daily rates. A row
    that lacks one side counts on neither. A control that has no recipients on any day
    is divided by its ``enrolled``, as in ``lift``. Opens, clicks and conversions may
    belong to earlier sends, so a daily rate can exceed 100 %; it is shown as it is.
    Definitions and sources: ``bf.glossary()``.

    Intervals: for kind ``proportion`` Wilson 1927, which takes every unit for a person
    of its own: someone who is sent to on many days makes it too short. For the other
    kinds, for formulas of your own and with ``se="day"``, the delete-one-day jackknife
    of the log rate, which holds the variance between days; NaN below 4 effective days.
    Where days differ, Wilson's covers the longer run far too seldom (57 of 100 times
    with day effects of 30 %), the jackknife's 94 to 95 times.

    Examples
    --------
    >>> import braze_frames as bf
    >>> entry = {"variation_name": "A", "sent": 40, "delivered": 40, "unique_opens": 9}
    >>> day = {"time": "2026-03-01", "messages": {"email": [entry]}}
    >>> df = bf.read_braze_series({"data": [day]})
    >>> df.braze.rates("unique_open_rate", ci=0.95).round(3).iloc[0].tolist()
    [0.225, 0.123, 0.375]
    >>> df.braze.rates({"lost": ("sent - delivered", "sent")})
                       lost
    channel variation
    email   A           0.0
    """
    check_share("ci", ci)
    check_choice("se", se, ("auto", "day"))
    return answered(df, RatesSteps(metrics, by, freq, ci, se, whole))


class RateSums(NamedTuple):
    """Both sides of rates, summed by group, and by group and day for intervals.

    ``channels`` and ``stats``: what the part has. ``daily`` is None without intervals.
    """

    metrics: Metrics
    sums: Sums
    daily: Sums | None
    channels: Collection[str]
    stats: Collection[str]

    def defined(self) -> dict[str, Defined]:
        """Return metric → channel → definition.

        Raises
        ------
        FrameError
            No channel has a metric, or the frame has no column for its stats.
        """
        found = _defined(self.metrics, self.channels, self.stats)
        if self.metrics is None:
            return {n: one for n, one in found.items() if not lacking(one, self.stats)}
        for name, defined in found.items():
            check_defined(name, defined, self.channels, self.stats)
        return found


class RatesSteps(NamedTuple):
    """The steps of ``rates``."""

    metrics: Metrics
    by: By = None
    freq: Period = None
    ci: float | None = None
    se: RateErrors = "auto"
    whole: bool = False

    @property
    def needs_whole_campaigns(self) -> bool:
        """Sums add up however the rows are cut."""
        return False

    def partial(self, df: pd.DataFrame, elsewhere: Elsewhere | None = None) -> RateSums:
        """Sum both sides of the rates in a part."""
        rows = RateInput(df, self.by, self.freq, elsewhere)
        defined = _defined(self.metrics, rows.channels, rows.stats)
        groups = finest(rows.kept, rows.levels, rows.apart, rows.size)
        swings = {name: one for name, one in defined.items() if self._swings(name)}
        by_day = None
        if swings:
            kept = [*rows.kept, rows.levels["date"]]
            # What is asked for comes first, as in all sums, then two levels beside it.
            days = group_rows([*kept, constant(rows.size)], rows.size)
            by_day = sum_sides(rows, days, swings)
        sums, stats = sum_sides(rows, groups, defined), frozenset(rows.stats)
        return RateSums(self.metrics, sums, by_day, rows.channels, stats)

    def _swings(self, name: str) -> bool:
        """Tell whether an interval needs the sums of days: alike in all parts."""
        own = self.se == "day" or isinstance(self.metrics, Mapping)
        kinds = () if own else (one.kind for one in definitions()[name].values())
        return self.ci is not None and (own or any(k != "proportion" for k in kinds))

    def merge(self, parts: Sequence[RateSums]) -> RateSums:
        """Add up the sums of parts."""
        daily = [part.daily for part in parts if part.daily is not None]
        return RateSums(
            self.metrics,
            merge([part.sums for part in parts]),
            merge(daily) if daily else None,
            sorted({name for part in parts for name in part.channels}),
            frozenset(name for part in parts for name in part.stats),
        )

    def finish(self, part: RateSums) -> "pd.DataFrame | pd.Series[float]":
        """Return the rates of the whole; warn of what they leave out."""
        defined = part.defined()
        sums = whole = part.sums.judged(part.stats)
        daily = part.daily and part.daily.judged(part.stats)
        if self.whole:
            sums, daily = sums.whole(), daily and daily.whole()
        groups = sums.asked()
        found = {name: _Rate(name, one, sums, groups) for name, one in defined.items()}
        _warn_of_rates(found)
        if self.metrics is None:
            found = {name: rate for name, rate in found.items() if rate.counted.any()}
        columns: dict[str, Floats] = {}
        units: dict[str, Unit] = {}
        for name, rate in found.items():
            own = {name: rate.values()}
            if self.ci is not None:
                low, high = rate.interval(daily, self.ci, self.se)
                own |= {f"{name}_low": low, f"{name}_high": high}
            columns |= own
            units |= dict.fromkeys(own, _unit(defined[name]))
        frame = pd.DataFrame(columns, index=groups.index(), dtype="float64")
        level = {} if self.ci is None else {"ci": float(self.ci)}
        refused = {name: rate.not_added for name, rate in found.items()}
        why = left_out_attrs(frame.index, {"people": refused})
        frame = labelled(frame, whole.about(units, whole=self.whole) | level | why)
        one = isinstance(self.metrics, str) and not level
        return frame[self.metrics] if one else frame


def _unit(defined: Defined) -> Unit:
    return "USD" if any(one.is_amount for one in defined.values()) else "share"


def _warn_of_rates(rates: Mapping[str, "_Rate"]) -> None:
    people = sorted({stat for rate in rates.values() for stat in rate.refused})
    out = {name: rate.left_out for name, rate in rates.items() if rate.left_out}
    warn_of_sums(people, out, "the rate is of the other campaigns")


def _defined(
    metrics: Metrics, channels: Collection[str], stats: Collection[str]
) -> dict[str, Defined]:
    """Return metric → channel → definition, for the metrics asked."""
    if isinstance(metrics, Mapping):
        return {name: custom(pair, channels, stats) for name, pair in metrics.items()}
    names = metrics_of(channels) if metrics is None else _names(metrics)
    return {name: definitions_in(name, channels) for name in names}


def _names(metrics: Any) -> list[str]:
    """Return the names of the metrics asked, as a list."""
    names = [metrics] if isinstance(metrics, str) else metrics
    if not pd.api.types.is_list_like(names):
        raise TypeError(
            f"metrics={metrics!r} is no metric: pass a name of bf.glossary(), a list "
            "of names, a mapping of your own, or leave it out for all"
        )
    found = list(names)
    if not found:
        raise ValueError("metrics=[] asks for nothing; leave it out for all metrics")
    return found


class _Rate:
    """One rate of all groups: its sums, where it counts, and what is refused."""

    def __init__(self, name: str, defined: Defined, sums: Sums, groups: Groups) -> None:
        self._name, self._defined, self._groups = name, defined, groups
        self._fine = sums.groups
        sides = [sums.columns[side(name)] for side in (numerator_of, denominator_of)]
        self._given = ~sides[0].missing
        tally = Tally(groups.codes, groups.count)
        given = None if self._given.all() else self._given
        self._numerator, self._denominator = (
            tally.column(name, side.values, given).values.astype(float)
            for side in sides
        )
        self.counted = tally.select(given).found.copy()
        refusals = {stat: self._in_several(stat) for stat in _unique(defined)}
        self.refused = [stat for stat, where in refusals.items() if where.any()]
        nowhere = np.zeros(groups.count, dtype=bool)
        self.not_added = np.logical_or.reduce([nowhere, *refusals.values()])
        self.counted &= ~self.not_added
        self.left_out = self._campaigns_left_out()

    def _of(self, chosen: Callable[[Definition], bool]) -> Bools:
        """Tell which fine groups are of a channel whose definition is chosen."""
        labels = self._fine.levels[-2].labels
        known = [
            str(label) in self._defined and chosen(self._defined[str(label)])
            for label in labels
        ]
        return np.array(known, dtype=bool)[self._fine.levels[-2].codes]

    def _in_several(self, stat: str) -> Bools:
        """Tell in which groups several channels count that use a stat."""
        found = self._given & self._of(lambda one: stat in one.stats)
        return in_several_channels(self._fine, self._groups, found)

    def _campaigns_left_out(self) -> list[str]:
        of_totals = self._of(lambda one: any(map(is_day_total, one.stats)))
        _, names = left_out(self._fine, self._groups, self._given, of_totals)
        return names

    def values(self) -> Floats:
        """Return the rates; NaN where nothing counts or 0 is divided by."""
        out = np.full(self._groups.count, np.nan)
        known = self.counted & (self._denominator != 0)
        np.divide(self._numerator, self._denominator, out=out, where=known)
        return out

    def interval(self, daily: Sums | None, ci: float, se: RateErrors) -> Interval:
        """Return Wilson's interval of proportions, the jackknife's of the others."""
        # Wilson's for all groups, then the jackknife's where days are what varies.
        limits = wilson(self._numerator, self._denominator, ci)
        others = np.full(self._groups.count, se == "day")
        swinging = self._given & self._of(lambda one: one.kind != "proportion")
        others[self._groups.codes[swinging]] = True
        if daily is not None and others.any():
            swings = self._between_days(daily, ci)
            limits = Interval(
                np.where(others, swings.low, limits.low),
                np.where(others, swings.high, limits.high),
            )
        return Interval(*(np.where(self.counted, limit, np.nan) for limit in limits))

    def _between_days(self, daily: Sums, ci: float) -> Interval:
        """Return the jackknife's intervals; where nothing counts on a day it is 0."""
        names = numerator_of(self._name), denominator_of(self._name)
        sides = [daily.columns[name].values for name in names]
        found = np.full((2, self._groups.count), np.nan)
        outer, date = daily.asked().codes, daily.groups.levels[-2]
        for groups, (above, below) in day_tables(outer, date, sides):
            found[:, groups] = single_rate(above, below, ci)
        return Interval(*found)


def _unique(defined: Defined) -> set[str]:
    stats = {stat for one in defined.values() for stat in one.stats}
    return {stat for stat in stats if stat in STAT and STAT[stat].unique}


class RateRows(NamedTuple):
    """Both sides of one rate in each row that counts, and where the row belongs.

    ``codes``: its group; ``days``: its day, counted from 1970. ``refused``: the groups
    whose unique counts of several channels are not added up. ``grows``: whether the
    numerator counts conversions or revenue, which grow for weeks.
    """

    groups: Groups
    codes: Ints
    days: Ints
    numerator: Floats
    denominator: Floats
    refused: Bools
    grows: bool


def rate_rows(df: pd.DataFrame, metric: str, by: By = None) -> RateRows:
    """Return both sides of a rate by row, for what compares days.

    Raises
    ------
    FrameError, ValueError
        As in ``rates``.

    Warns
    -----
    NonAdditiveWarning
        As in ``rates``.
    """
    part = RatesSteps([metric], by).partial(df)
    defined = part.defined()[metric]
    groups = part.sums.asked()
    rate = _Rate(metric, defined, part.sums, groups)
    _warn_of_rates({metric: rate})
    rows = RateInput(df, by, None)
    sides = []
    for channel, own in rows.by_channel(part.sums.groups).items():
        if channel in defined:
            sides.append(_counted(own, rows.sides(defined[channel]), rows.levels))
    codes, dates, numerator, denominator = map(np.concatenate, zip(*sides, strict=True))
    found = np.zeros(groups.count, dtype=bool)
    found[groups.codes[codes]] = True
    tops = {stat for one in defined.values() for stat in one.numerator.stats}
    return RateRows(
        groups,
        groups.codes[codes],
        dates,
        numerator,
        denominator,
        found & ~rate.counted,
        any(map(is_day_total, tops)),
    )


def _counted(
    rows: ChannelRows, one: Definition, levels: Mapping[str, Level]
) -> tuple[Ints, Ints, Values, Values]:
    """Return group, day and both sides of the rows of a channel that count."""
    selection = rows.counted(one)
    date = levels["date"]
    numbers = pd.DatetimeIndex(date.labels).tz_localize(None).to_numpy()
    days = numbers.astype("datetime64[D]").astype(np.int64)[rows.of(date.codes)]
    numerator, denominator = (
        selection.of(rows.evaluate(side).values)
        for side in (one.numerator, one.denominator)
    )
    return selection.codes, selection.of(days), numerator, denominator
