"""Ratios of sums, each channel by its own definition, and their intervals."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple, overload

import numpy as np
import pandas as pd

from braze_frames.core.arguments import check_share
from braze_frames.core.arrays import Bools, Floats, Ints
from braze_frames.frame.channels import ChannelRows, channel_rows
from braze_frames.frame.groups import Groups, day_positions, grouped
from braze_frames.frame.levels import Level, levels_of, stats_of
from braze_frames.frame.provenance import Unit, labelled, settled_attrs_of
from braze_frames.frame.totals import warn_of_unique
from braze_frames.schema.channels import STAT, is_day_total
from braze_frames.schema.formulas import (
    Definition,
    custom,
    define,
    lacking,
    metrics_of,
    refuse_without_day_totals,
)
from braze_frames.stats.jackknife import single_rate
from braze_frames.stats.scores import Interval, wilson

Metrics = str | Sequence[str] | Mapping[str, tuple[str, str]] | None


@overload
def rates(  # type: ignore[overload-overlap]  # a str is a sequence of str, too
    df: pd.DataFrame,
    metrics: str,
    by: str | Sequence[str] | None = None,
    freq: str | pd.offsets.BaseOffset | None = None,
) -> "pd.Series[float]": ...


@overload
def rates(
    df: pd.DataFrame,
    metrics: Metrics = None,
    by: str | Sequence[str] | None = None,
    freq: str | pd.offsets.BaseOffset | None = None,
    *,
    ci: float | None = None,
) -> pd.DataFrame: ...


def rates(
    df: pd.DataFrame,
    metrics: Metrics = None,
    by: str | Sequence[str] | None = None,
    freq: str | pd.offsets.BaseOffset | None = None,
    *,
    ci: float | None = None,
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
    by, freq
        As in ``totals``.
    ci : float, optional
        A confidence level such as 0.95: also the limits of an interval.

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
        There is no such metric, no channel of the frame has it, or it needs conversions
        or revenue that the frame lacks.
    ValueError
        A formula is none or names an unknown stat; ``ci`` is no share; else as in
        ``totals``.

    Warns
    -----
    NonAdditiveWarning
        Unique counts of several channels are not added: the rate is NaN.

    Notes
    -----
    A rate over a period is the ratio of the sums, never the mean of daily rates. A row
    that lacks one side counts on neither. Opens, clicks and conversions may belong to
    earlier sends, so a daily rate can exceed 100 %; it is shown as it is. Definitions
    and sources: ``bf.glossary()``.

    Intervals: for kind ``proportion`` Wilson 1927, which takes every unit for a person
    of its own: someone who is sent to on many days makes it too short. For the other
    kinds, and for formulas of your own, the delete-one-day jackknife of the log rate,
    which holds the swing between days; NaN below 4 effective days.

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
    levels = {level.name: level for level in levels_of(df)}
    groups = grouped(levels, by, freq, len(df))
    stats = stats_of(df)
    channels = channel_rows(stats, levels.get("channel"), groups)
    defined = _defined(metrics, list(channels), stats)
    found = {name: _Rate(one, channels, groups) for name, one in defined.items()}
    warn_of_unique(sorted({stat for rate in found.values() for stat in rate.refused}))
    if metrics is None:
        found = {name: rate for name, rate in found.items() if rate.counted.any()}
    columns: dict[str, Floats] = {}
    units: dict[str, Unit] = {}
    for name, rate in found.items():
        own = {name: rate.values()}
        if ci is not None:
            low, high = rate.interval(levels["date"], ci)
            own |= {f"{name}_low": low, f"{name}_high": high}
        columns |= own
        units |= dict.fromkeys(own, _unit(defined[name]))
    frame = pd.DataFrame(columns, index=groups.index(), dtype="float64")
    level = {} if ci is None else {"ci": float(ci)}
    days = settled_attrs_of(df, levels["date"], freq)
    frame = labelled(frame, {"units": units} | days | level)
    return frame[metrics] if isinstance(metrics, str) and ci is None else frame


def _unit(defined: Mapping[str, Definition]) -> Unit:
    return "USD" if any(one.is_amount for one in defined.values()) else "share"


def _defined(
    metrics: Metrics, channels: list[str], stats: Mapping[str, pd.Series]
) -> dict[str, dict[str, Definition]]:
    """Return metric → channel → definition, for the metrics asked."""
    if metrics is None:
        return {name: define(name, channels) for name in metrics_of(channels)}
    if isinstance(metrics, Mapping):
        found = {name: custom(pair, channels, stats) for name, pair in metrics.items()}
    else:
        found = {name: define(name, channels) for name in _names(metrics)}
    for name, defined in found.items():
        missing = lacking(defined, stats)
        if missing:
            raise refuse_without_day_totals(name, missing)
    return found


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

    def __init__(
        self,
        defined: Mapping[str, Definition],
        channels: Mapping[str, ChannelRows],
        groups: Groups,
    ) -> None:
        self._parts = [(channels[name], one) for name, one in defined.items()]
        self._size, self._count = len(groups.codes), groups.count
        self._selections = [rows.counted(one) for rows, one in self._parts]
        self.counted = self._any(lambda _: True)
        refusals = {stat: self._in_several(stat) for stat in self._unique()}
        self.refused = [stat for stat, where in refusals.items() if where.any()]
        for where in refusals.values():
            self.counted &= ~where

    def _unique(self) -> set[str]:
        stats = {stat for _, one in self._parts for stat in one.stats}
        return {stat for stat in stats if stat in STAT and STAT[stat].unique}

    def _any(self, chosen: Callable[[Definition], bool]) -> Bools:
        """Tell in which groups a channel counts whose definition is chosen."""
        found = np.zeros(self._count, dtype=bool)
        for (_, one), selection in zip(self._parts, self._selections, strict=True):
            found |= selection.found & chosen(one)
        return found

    def _in_several(self, stat: str) -> Bools:
        """Tell in which groups several channels count that use a stat."""
        found = np.zeros(self._count, dtype=np.int64)
        for (_, one), selection in zip(self._parts, self._selections, strict=True):
            found += selection.found & (stat in one.stats)
        return found > 1

    def _sums(self) -> tuple[Floats, Floats]:
        """Sum both sides by group, over the channels."""
        above, below = np.zeros(self._count), np.zeros(self._count)
        for (rows, one), selection in zip(self._parts, self._selections, strict=True):
            above = above + rows.sums(one.numerator, selection)
            below = below + rows.sums(one.denominator, selection)
        return above, below

    def values(self) -> Floats:
        """Return the rates; NaN where nothing counts or 0 is divided by."""
        above, below = self._sums()
        out = np.full(self._count, np.nan)
        known = self.counted & (below != 0)
        return np.asarray(np.divide(above, below, out=out, where=known))

    def interval(self, date: Level, ci: float) -> Interval:
        """Return Wilson's interval of proportions, the jackknife's of the others."""
        above, below = self._sums()
        limits = wilson(above, below, ci)
        others = self._any(lambda one: one.kind != "proportion")
        if others.any():
            swings = single_rate(*self._by_day(date), ci)
            limits = Interval(
                np.where(others, swings.low, limits.low),
                np.where(others, swings.high, limits.high),
            )
        return Interval(*(np.where(self.counted, limit, np.nan) for limit in limits))

    def by_row(self, date: Level) -> tuple[Ints, Ints, Floats, Floats]:
        """Return group, day and both sides of each row that counts."""
        parts = []
        for (rows, one), selection in zip(self._parts, self._selections, strict=True):
            values = [
                selection.of(rows.evaluate(side).values)
                for side in (one.numerator, one.denominator)
            ]
            parts.append((selection.codes, selection.of(rows.of(date.codes)), *values))
        codes, days, above, below = map(np.concatenate, zip(*parts, strict=True))
        return codes, days, above, below

    def _by_day(self, date: Level) -> tuple[Floats, Floats]:
        """Sum both sides by group and day: arrays of groups by days."""
        codes, days, above, below = self.by_row(date)
        place, length = day_positions(codes, days, max(len(date.labels), 1))
        shape = (self._count, int(length.max(initial=0)))
        cells = codes * shape[1] + place
        above, below = (_scatter(cells, side, shape) for side in (above, below))
        return above, below


def _scatter(cells: Ints, values: Floats, shape: tuple[int, int]) -> Floats:
    table = np.zeros(shape)
    np.add.at(table.reshape(-1), cells, values)
    return table


class RateRows(NamedTuple):
    """Both sides of one rate in each row that counts, and where the row belongs.

    ``codes``: its group; ``days``: its day, counted from 1970. ``refused``: the groups
    whose unique counts of several channels are not added up. ``grows``: whether the
    numerator counts conversions or revenue, which grow for weeks.
    """

    groups: Groups
    codes: Ints
    days: Ints
    above: Floats
    below: Floats
    refused: Bools
    grows: bool


def rate_rows(
    df: pd.DataFrame, metric: str, by: str | Sequence[str] | None = None
) -> RateRows:
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
    levels = {level.name: level for level in levels_of(df)}
    groups = grouped(levels, by, None, len(df))
    stats = stats_of(df)
    channels = channel_rows(stats, levels.get("channel"), groups)
    defined = _defined([metric], list(channels), stats)[metric]
    rate = _Rate(defined, channels, groups)
    warn_of_unique(sorted(rate.refused))
    codes, days, above, below = rate.by_row(levels["date"])
    found = np.zeros(groups.count, dtype=bool)
    found[codes] = True
    dates = pd.DatetimeIndex(levels["date"].labels).tz_localize(None)
    numbers = dates.to_numpy().astype("datetime64[D]").astype(np.int64)
    tops = {stat for one in defined.values() for stat in one.numerator.stats}
    return RateRows(
        groups,
        codes,
        numbers[days],
        above,
        below,
        found & ~rate.counted,
        any(map(is_day_total, tops)),
    )
