"""One period against the one before, each day paired with the same weekday."""

import re
from collections.abc import Sequence
from numbers import Integral
from typing import Any, Literal, NamedTuple

import numpy as np
import pandas as pd

from braze_frames.core.arguments import check_choice, check_share
from braze_frames.core.arrays import Flags, Floats, Ints
from braze_frames.core.days import date_of, day_number
from braze_frames.errors import FrameError, StatisticsWarning, warn
from braze_frames.experiment.gather import TEXT, column
from braze_frames.frame.levels import days_of
from braze_frames.frame.provenance import (
    labelled,
    settled_attrs,
    settled_day,
    settled_until,
    significant_attrs,
    whole_until,
)
from braze_frames.frame.rates import RateRows, rate_rows
from braze_frames.schema.units import units_of
from braze_frames.stats.contrasts import DailyCounts
from braze_frames.stats.jackknife import FEWEST_DAYS, PairedRatio, paired_ratio

_WEEK, _YEAR = 7, 364  # 52 weeks: the day a year before that is the same weekday
# More than Braze keeps; far longer periods would begin before there are dates.
_LONGEST = 3_652
_LENGTH = re.compile(r"\s*(\d{1,9})\s*([DW])\s*")
_DAYS = {"D": 1, "W": _WEEK}


class Periods(NamedTuple):
    """Both periods as days since 1970: their first days, and their length."""

    now: int
    before: int
    length: int

    def attrs(self) -> dict[str, list[str]]:
        """Return the first and last day of each."""
        return {
            name: [date_of(first + n).isoformat() for n in (0, self.length - 1)]
            for name, first in (("now", self.now), ("before", self.before))
        }


def change(
    df: pd.DataFrame,
    metric: str,
    *,
    last: int | str = 28,
    to: Literal["previous", "year"] = "previous",
    by: str | Sequence[str] | None = None,
    conf_level: float = 0.95,
) -> pd.DataFrame:
    """Tell how much a rate changed: the last days against those before.

    Parameters
    ----------
    df : DataFrame
        The variation or the campaign grain, with both periods.
    metric : str
        A name of ``bf.glossary()``.
    last : int or str
        The length of both periods: days (28), or a text (``"28D"``, ``"4W"``); a week
        at least.
    to : {"previous", "year"}
        The days just before, set back by whole weeks, or those 364 days (52 weeks)
        before.
    by : str or list of str, optional
        As in ``rates``: a row for each campaign, channel, variation, weekday or label
        of your own. None keeps all levels, ``[]`` gives one row.
    conf_level : float
        One minus the probability to find a change that is none.

    Returns
    -------
    DataFrame
        Index: ``by``. A row for every group that has the metric: ``rate`` of the last
        days, ``rate_before``, ``change`` with ``change_low`` and ``change_high``
        (relative: 0.1 is +10 %), ``p_value``, ``eff_days``, float64; ``significant``,
        boolean; ``note``, text: why something is NaN, or was left out.
        ``attrs["braze"]["periods"]`` holds the first and last day of ``now`` and
        ``before``.

    Raises
    ------
    FrameError
        As in ``rates``, or the frame has no rows.
    ValueError
        ``last`` is no number of days, or below a week; periods a year apart would
        overlap; ``to``, ``by`` or ``conf_level`` make no sense.

    Warns
    -----
    StatisticsWarning
        The frame does not know which of its days are final.
    NonAdditiveWarning
        As in ``rates``.

    Notes
    -----
    The last days end where the numbers are final: on the last settled day where the
    metric counts conversions or revenue, else on the last whole day; the same for all
    groups. Each day is paired with the same weekday of the period before; days that a
    group has on one side alone, because its rows start later or end earlier, are left
    out on both.

    Interval and p-value: the paired delete-one-day jackknife of the log ratio of both
    rates, with t of ``eff_days`` - 1 degrees of freedom (Cochran 1977, Sampling
    Techniques, ch. 6); NaN below 4 effective days. It holds the swing between days,
    which counts alone would miss: simulated coverage .94 to .95, of counts alone .69 to
    .85.

    Before and after is no cause: the people of one period are not those of the other,
    and everything else may have changed, too. For cause compare variations with a
    control, as ``lift`` does.

    Examples
    --------
    >>> import braze_frames as bf
    >>> with bf.Sandbox() as sandbox, sandbox.connect() as client:
    ...     id_ = sandbox.campaigns["Basket Reminder: Subject Test"]
    ...     df = bf.read_braze_series(id_, client=client)
    >>> found = df.braze.change("unique_open_rate", by="channel")
    >>> list(found.columns[:5])
    ['rate', 'rate_before', 'change', 'change_low', 'change_high']
    >>> found.attrs["braze"]["periods"]["now"]
    ['2026-06-02', '2026-06-29']
    """
    length = _length(last)
    check_choice("to", to, ("previous", "year"))
    check_share("conf_level", conf_level)
    _check_metric(metric)
    if not len(df):
        raise FrameError("the frame has no rows: read more days, or filter less")
    rows = rate_rows(df, metric, by)
    periods = _periods(final_day(df, metric, grows=rows.grows), length, to)
    sides, kept = _paired(rows, periods)
    found = paired_ratio(*sides, conf_level)
    unpaired = ~kept.any(axis=1)
    found = PairedRatio(*(np.where(unpaired, np.nan, part) for part in found))
    table = _table(rows, found, sides, 1 - conf_level)
    unread = day_number(pd.Timestamp(days_of(df)[0]).date()) > periods.before
    notes = _notes(rows, found, sides, kept, periods, unread=unread)
    table["note"] = column(notes, TEXT)
    present = np.bincount(rows.codes, minlength=rows.groups.count) > 0
    table = table[present]
    about = {
        "metrics": [metric],
        "conf_level": float(conf_level),
        "periods": periods.attrs(),
        "units": units_of(table, [metric]),
        **significant_attrs(table),
    }
    ends = pd.Timestamp(periods.attrs()["now"][1])
    settled = settled_attrs(settled_day(df).day, ends) if rows.grows else {}
    return labelled(table, settled | about)


def _check_metric(metric: object) -> None:
    if not isinstance(metric, str):
        raise TypeError(
            f"metric={metric!r}: one metric at a time, by its name in bf.glossary()"
        )


def _length(last: Any) -> int:
    days = None
    if isinstance(last, Integral) and not isinstance(last, bool | np.bool_):
        days = int(last)
    elif isinstance(last, str) and (said := _LENGTH.fullmatch(last.upper())):
        days = int(said[1]) * _DAYS[said[2]]
    if days is None or days > _LONGEST:
        raise ValueError(
            f"last={last!r} is no number of days; pass 28, '28D' or '4W', up to ten "
            "years"
        )
    if days < _WEEK:
        raise ValueError(
            f"last={last!r} is less than a week; pass 7 days or more, so that each "
            "weekday is in both periods"
        )
    return days


def final_day(df: pd.DataFrame, metric: str, *, grows: bool) -> int:
    """Return the last day that is final for a metric, counted from 1970.

    ``grows``: whether it counts conversions or revenue.

    Warns
    -----
    StatisticsWarning
        The frame does not know; its last day is taken.
    """
    newest = pd.Timestamp(days_of(df)[-1]).date()
    until = settled_until(df) if grows else whole_until(df)
    if not np.isnat(until):
        return min(day_number(newest), day_number(until.astype(object)))
    what = "settled" if grows else "whole"
    warn(
        f"this frame does not know which days are {what}, and {newest}, its last day, "
        f"is taken for one. Young days can make {metric} look worse: leave them out "
        "with df.braze.settled(until=…), or carry over what was known with "
        "out.attrs.update(df.attrs)",
        StatisticsWarning,
    )
    return day_number(newest)


def _periods(end: int, length: int, to: str) -> Periods:
    """Set the earlier period back by whole weeks, so that weekdays meet."""
    back = _YEAR if to == "year" else -(-length // _WEEK) * _WEEK
    if back < length:
        raise ValueError(
            f"last={length} days and those {_YEAR} days before overlap: pass fewer "
            "days, or to='previous'"
        )
    return Periods(end - length + 1, end - length + 1 - back, length)


def _paired(rows: RateRows, periods: Periods) -> tuple[DailyCounts, Flags]:
    """Sum both sides by group and pair of days: y1, n1, y0, n0; and the pairs kept.

    A pair is kept where the group has rows that early and that late. A group with no
    pair keeps what it has, so that its rates are seen.
    """
    shape = (rows.groups.count, periods.length)
    sides = [
        _by_day(rows, side, first, shape)
        for first in (periods.now, periods.before)
        for side in (rows.numerator, rows.denominator)
    ]
    early, late = _spans(rows)
    place = np.arange(periods.length)
    kept = (periods.before + place >= early[:, None]) & (
        periods.now + place <= late[:, None]
    )
    used = np.any([side != 0 for side in sides], axis=0)
    none = ~(kept & used).any(axis=1, keepdims=True)
    kept = (kept | ~used) & ~none  # what is empty on both sides is not left out
    days = DailyCounts(*(np.where(kept | none, side, 0.0) for side in sides))
    return days, kept


def _by_day(
    rows: RateRows, values: Floats, first: int, shape: tuple[int, int]
) -> Floats:
    place = rows.days - first
    inside = (place >= 0) & (place < shape[1])
    table = np.zeros(shape)
    np.add.at(table, (rows.codes[inside], place[inside]), values[inside])
    return table


def _spans(rows: RateRows) -> tuple[Ints, Ints]:
    """Return the first and last day of each group."""
    bounds = np.iinfo(np.int64)
    early = np.full(rows.groups.count, bounds.max)
    late = np.full(rows.groups.count, bounds.min)
    np.minimum.at(early, rows.codes, rows.days)
    np.maximum.at(late, rows.codes, rows.days)
    return early, late


def _table(
    rows: RateRows, found: PairedRatio, sides: DailyCounts, alpha: float
) -> pd.DataFrame:
    y1, n1, y0, n0 = (side.sum(axis=1) for side in sides)
    columns = {
        "rate": _divide(y1, n1),
        "rate_before": _divide(y0, n0),
        "change": found.ratio - 1,
        "change_low": found.low - 1,
        "change_high": found.high - 1,
        "p_value": found.p_value,
    }
    columns = {
        name: np.where(rows.refused, np.nan, values) for name, values in columns.items()
    }
    p_value = columns["p_value"]
    significant = pd.arrays.BooleanArray(p_value < alpha, np.isnan(p_value))
    table = pd.DataFrame(columns, index=rows.groups.index())
    return table.assign(significant=significant, eff_days=found.eff_days)


def _divide(numerator: Floats, denominator: Floats) -> Floats:
    out = np.full(len(numerator), np.nan)
    where = denominator != 0
    return np.asarray(np.divide(numerator, denominator, out=out, where=where))


def _notes(
    rows: RateRows,
    found: PairedRatio,
    sides: DailyCounts,
    kept: Flags,
    periods: Periods,
    *,
    unread: bool,
) -> list[str]:
    """Say for each group why something is NaN, or what was left out.

    ``unread``: the frame begins after the earlier period does.
    """
    advice = "; read those days, too" if unread else ""
    now, before = (" to ".join(days) for days in periods.attrs().values())
    y1, n1, y0, n0 = (side.sum(axis=1) for side in sides)
    pairs = kept.sum(axis=1)
    reasons: list[tuple[Flags, Any]] = [
        (
            rows.refused,
            "people of several channels are not added up; ask by channel",
        ),
        (n1 == 0, f"nothing to divide by from {now}"),
        (n0 == 0, f"nothing to divide by from {before}{advice}"),
        (pairs == 0, f"no day of {now} has its weekday from {before}"),
        (
            found.eff_days < FEWEST_DAYS,
            [
                f"{days:.1f} effective days, fewer than {FEWEST_DAYS:.0f}: compare "
                "more days"
                for days in np.floor(10 * found.eff_days) / 10
            ],
        ),
        (y1 <= 0, f"no event from {now}"),
        (y0 <= 0, f"no event from {before}"),
        (np.isnan(found.p_value), "all events of a period are on one day"),
        (
            pairs < periods.length,
            [f"{n} of {periods.length} days are in both periods" for n in pairs],
        ),
    ]
    wheres = [where for where, _ in reasons]
    texts = [np.asarray(text, dtype=object) for _, text in reasons]
    return list(np.select(wheres, texts, ""))
