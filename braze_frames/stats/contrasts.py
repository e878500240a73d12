"""The days of two arms → estimates, intervals and tests; no pandas.

The score method on totals, the score method by day, and the paired jackknife over days,
each for many comparisons at once.
"""

from typing import Any, NamedTuple

import numpy as np

from braze_frames.core.arrays import Flags, Floats
from braze_frames.scores.tables import (
    Looks,
    Tables,
    near_one,
    quotient,
    rate_difference,
)
from braze_frames.stats.chi_squared import dispersion_p
from braze_frames.stats.distributions import (
    AlwaysValid,
    always_valid,
    critical_t,
    critical_z,
    t_to_z,
    two_sided,
    two_sided_t,
    upper_tail,
    z_to_t,
)
from braze_frames.stats.jackknife import (
    FEWEST_DAYS,
    Jackknife,
    jackknife,
    jackknife_so_far,
)
from braze_frames.stats.scores import (
    difference,
    log_ratio,
    null_test,
    score_of_log_ratio,
)

FIRST_LOOK = 14
"""Days before a sequential test over days starts."""

INFORMED_DAYS = 10.0
"""Effective days that it needs, too."""

_FARTHEST = 50.0
"""Reach of a log ratio beyond which its interval says nothing."""


class DailyCounts(NamedTuple):
    """Numerators and denominators of both arms, of shape (comparisons, days).

    0 stands where nothing was counted.
    """

    y1: Floats
    n1: Floats
    y0: Floats
    n0: Floats

    def rows(self, rows: Any) -> "DailyCounts":
        """Return some of the comparisons."""
        return DailyCounts(*(part[rows] for part in self))

    def totals(self) -> "DailyCounts":
        """Return the sums over all days, of shape (comparisons, 1)."""
        return DailyCounts(*(part.sum(axis=1, keepdims=True) for part in self))

    def by_day(self, rows: Flags | None = None) -> "DailyCounts":
        """Return rows, or all, weighed so that arms compare within each day.

        y1 n0 / N and y0 n1 / N over the weights n1 n0 / N: ratio and difference of
        their sums are those of Mantel & Haenszel. Other rows stay as they are.
        """
        units = self.n1 + self.n0
        share1, share0 = quotient(self.n1, units), quotient(self.n0, units)
        weights = self.n1 * share0
        weighed = DailyCounts(self.y1 * share0, weights, self.y0 * share1, weights)
        if rows is None:
            return weighed
        pairs = zip(weighed, self, strict=True)
        return DailyCounts(*(np.where(rows[:, None], *pair) for pair in pairs))

    def sums(self, parts: Any) -> Any:
        """Sum parts of shape (comparisons, days) for each comparison."""
        return np.sum(parts, axis=1)

    def jackknife(self, by_day: Flags) -> Jackknife:
        """Return the jackknife over days, of some rows by day."""
        return jackknife(*self.by_day(by_day))

    def tables(self, deff: float) -> Tables:
        """Return a table a day, without rows in which a day is not possible."""
        usable = np.all(self.possible, axis=1, keepdims=True)
        x1, n1, x0, n0 = (np.where(usable, part, 0) / deff for part in self)
        return Tables(x1, n1, x0, n0, stratified=True)

    @property
    def daily(self) -> "DailyCounts":
        """The days."""
        return self

    @property
    def sending(self) -> Flags:
        """The days on which both arms have units."""
        return np.asarray((self.n1 > 0) & (self.n0 > 0))

    @property
    def possible(self) -> Flags:
        """Where no arm has more successes than units."""
        some = (self.y1 >= 0) & (self.y0 >= 0)
        return np.asarray(some & (self.y1 <= self.n1) & (self.y0 <= self.n0))


class DaysSoFar(NamedTuple):
    """The same of looks: each comparison has the first days of a series.

    ``daily`` has a series in each row. What is asked by day is asked of looks without
    an impossible day.
    """

    daily: DailyCounts
    looks: Looks

    def rows(self, rows: Any) -> "DaysSoFar":
        """Return some of the comparisons."""
        return DaysSoFar(self.daily, self.looks.rows(rows))

    def totals(self) -> DailyCounts:
        """Return the sums over the days so far, of shape (comparisons, 1)."""
        return DailyCounts(*(self.sums(part)[:, None] for part in self.daily))

    def by_day(self) -> "DaysSoFar":
        """Return the days weighed so that arms compare within each day."""
        return DaysSoFar(self.daily.by_day(), self.looks)

    def sums(self, parts: Any) -> Any:
        """Sum parts of shape (series, days) for each comparison."""
        return self.looks.sums(parts)

    def jackknife(self, by_day: Flags) -> Jackknife:
        """Return the jackknife over days, of some rows by day."""
        found = np.empty((len(Jackknife._fields), len(by_day)))
        for flags, days in ((by_day, self.by_day()), (~by_day, self)):
            if flags.any():
                found[:, flags] = jackknife_so_far(*days.daily, self.looks.rows(flags))
        return Jackknife(*found)

    def tables(self, deff: float) -> Tables:
        """Return a table a day."""
        daily = self.daily
        x1, n1, x0, n0 = (np.where(daily.possible, part, 0) / deff for part in daily)
        return Tables(x1, n1, x0, n0, stratified=True, looks=self.looks)


AnyDays = DailyCounts | DaysSoFar


class Options(NamedTuple):
    """How sure, and what is asked of the test.

    ``deff`` is a variance's multiplier for people who count many times, ``tau`` the
    scale of plausible log lifts, fixed before looking. ``margin`` is a lift; its sign
    says which side is tested. Without ``differences`` the limits of score differences
    are not sought, which takes most of the time.
    """

    conf_level: float = 0.95
    deff: float = 1.0
    sequential: bool = False
    tau: float = 0.1
    differences: bool = True
    margin: float | None = None


class Contrast(NamedTuple):
    """What each comparison says; what is unknown is NaN.

    ``p_value`` and both intervals come from one test, so that they agree. ``p_margin``
    is one-sided, of the lift's margin.
    """

    diff: Floats
    diff_low: Floats
    diff_high: Floats
    lift: Floats
    lift_low: Floats
    lift_high: Floats
    statistic: Floats
    p_value: Floats
    p_margin: Floats


def score_contrast(days: AnyDays, options: Options, *, by_day: bool) -> Contrast:
    """Compare proportions by the score method.

    Parameters
    ----------
    days : DailyCounts or DaysSoFar
        With y ≤ n: by day on each day, else in the totals; where that is broken only
        the point estimates are known.
    options : Options
        ``deff`` divides all counts.
    by_day : bool
        A stratum a day (Miettinen & Nurminen 1985), or the totals (Mee 1984 and
        Koopman 1984).
    """
    if by_day:
        return _score(days.tables(options.deff), options)
    pooled = days.totals().tables(options.deff)._replace(stratified=False)
    found = _score(pooled, options)
    diff, lift, _ = _estimates(days)
    return found._replace(diff=diff, lift=lift)


def _score(tables: Tables, options: Options) -> Contrast:
    test = null_test(tables)
    information = quotient((options.tau * test.events) ** 2, test.variance)
    valid = _valid(test.z, information, options)
    sought = np.where(options.differences, valid.critical, np.nan)
    diff, limits = difference(tables, sought)
    relative, bounds = log_ratio(tables, valid.critical)
    blind = np.isinf(valid.critical) & np.isfinite(diff)
    anything = blind | (np.isinf(bounds.low) & np.isinf(bounds.high))
    low, high = (np.where(anything, np.nan, bound) for bound in bounds)
    return Contrast(
        diff,
        np.where(blind, -1.0, limits.low),
        np.where(blind, 1.0, limits.high),
        np.expm1(relative),
        np.expm1(low),
        np.expm1(high),
        test.z,
        valid.p_value,
        _margin_of_scores(tables, test.events, information, options),
    )


def _valid(z: Floats, information: Floats, options: Options) -> AlwaysValid:
    """Return two-sided p-values and critical |z|: of one look, or of all looks."""
    if options.sequential:
        return always_valid(z, information, options.conf_level)
    p_value = two_sided(z)
    return AlwaysValid(p_value, np.full_like(p_value, critical_z(options.conf_level)))


def _margin_of_scores(
    tables: Tables, events: Floats, information: Floats, options: Options
) -> Floats:
    """Return the one-sided p of the margin, by the statistic that limits invert."""
    if options.margin is None:
        return np.full_like(events, np.nan)
    z = score_of_log_ratio(float(np.log1p(options.margin)), tables)
    return _one_sided(np.where(events > 0, z, np.nan), information, options)


def _one_sided(z: Floats, information: Floats, options: Options) -> Floats:
    """Return p of a lift beyond its margin: above a negative, below a positive one.

    Over all looks it is the two-sided p where the lift lies beyond, else 1, which is
    valid and a little cautious.
    """
    if options.margin is None:
        return np.full_like(z, np.nan)
    beyond = -np.sign(options.margin) * z
    if not options.sequential:
        return upper_tail(beyond)
    p_value = always_valid(z, information, options.conf_level).p_value
    return np.where(beyond > 0, p_value, np.where(np.isnan(z), np.nan, 1.0))


def _estimates(days: AnyDays) -> tuple[Floats, Floats, Floats]:
    """Return difference, lift, and the control's rate in the totals."""
    y1, n1, y0, n0 = (part[:, 0] for part in days.totals())
    rate1, rate0 = quotient(y1, n1, np.nan), quotient(y0, n0, np.nan)
    diff = rate_difference(y1, n1, y0, n0)
    high = near_one(y1, n1) & near_one(y0, n0)
    relative = quotient(rate1, rate0, np.nan) - 1
    return diff, np.where(high, quotient(diff, rate0, np.nan), relative), rate0


def day_contrast(days: AnyDays, found: Jackknife, options: Options) -> Contrast:
    """Compare ratios of sums by their paired jackknife over days.

    Parameters
    ----------
    days : DailyCounts
        Numerators may exceed denominators; ``DailyCounts.by_day`` compares within days.
    found : Jackknife
        That of ``days``.
    options : Options
        ``deff`` multiplies the variances. ``sequential`` needs 14 days and 10 effective
        days.

    Returns
    -------
    Contrast
        exp(log ratio ± t · error) - 1 with ``eff_days`` - 1 degrees of freedom, and the
        same limits times the control's rate for the difference, so that both agree;
        ``statistic`` is t of the log ratio. Unknown below 4 effective days, and where a
        sum, or one without a day, is 0. Limits are unknown where there is so little
        information that any lift fits. Where neither arm has a numerator p is 1.
    """
    wide = np.sqrt(options.deff)
    known = found.known()
    if options.sequential:
        known &= (found.days >= FIRST_LOOK) & (found.eff_days >= INFORMED_DAYS)
    log_error = np.where(known, found.log_error * wide, np.nan)
    information = quotient(options.tau**2, log_error**2)
    t = np.where(known, _in_errors(found.log_ratio, log_error), np.nan)
    valid = _over_days(t, information, found.eff_days, options)
    reach = np.where(
        np.abs(valid.critical) * log_error < _FARTHEST, valid.critical, np.nan
    )
    reach = reach * log_error
    diff, lift, rate0 = _estimates(days)
    low, high = (np.expm1(found.log_ratio + side * reach) for side in (-1, 1))
    none = _without_success(days)
    return Contrast(
        diff,
        rate0 * low,
        rate0 * high,
        lift,
        low,
        high,
        np.where(none, 0.0, t),
        np.where(none, 1.0, valid.p_value),
        _margin_over_days(found, log_error, information, options),
    )


class Dispersion(NamedTuple):
    """The variance between days over that of counts alone, and p of more than that."""

    ratio: Floats
    p_value: Floats


def dispersion_of(days: AnyDays, found: Jackknife) -> Dispersion:
    """Compare the jackknife's error of log ratios with the one that counts alone make.

    On the log scale, as the difference's error takes a real lift for noise where the
    days' rates swing together.

    Returns
    -------
    Dispersion
        NaN below 4 effective days, where totals are no proportions and where a sum is
        0. p is that of chi-squared of ratio times ``eff_days`` - 1.
    """
    seen = days.totals().possible[:, 0] & (found.eff_days >= FEWEST_DAYS)
    expected = np.where(seen, log_variance(days), np.nan)
    ratio = quotient(found.log_error**2, expected, np.nan)
    return Dispersion(ratio, dispersion_p(ratio, found.eff_days))


def log_variance(days: AnyDays) -> Floats:
    """Return the variance of log ratios that counts alone make in the totals."""
    y1, n1, y0, n0 = (part[:, 0] for part in days.totals())
    rest1, rest0 = 1 - quotient(y1, n1), 1 - quotient(y0, n0)
    return quotient(rest1, y1, np.nan) + quotient(rest0, y0, np.nan)


def _in_errors(distance: Floats, error: Floats) -> Floats:
    """Return a distance in errors; none is 0, also where there is no error."""
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.where(distance == 0, 0.0, distance / error)


def _without_success(days: AnyDays) -> Flags:
    y1, n1, y0, n0 = (part[:, 0] for part in days.totals())
    return np.asarray((y1 == 0) & (y0 == 0) & (n1 > 0) & (n0 > 0))


def _over_days(
    t: Floats, information: Floats, eff_days: Floats, options: Options
) -> AlwaysValid:
    """Return p-values and critical |t|."""
    df = np.where(eff_days > 1, eff_days - 1, np.nan)
    if not options.sequential:
        critical = critical_t(options.conf_level, eff_days)
        return AlwaysValid(two_sided_t(t, df), np.where(np.isnan(t), np.nan, critical))
    valid = always_valid(t_to_z(t, df), information, options.conf_level)
    critical = z_to_t(np.where(np.isnan(t), np.nan, valid.critical), df)
    return AlwaysValid(valid.p_value, critical)


def _margin_over_days(
    found: Jackknife, log_error: Floats, information: Floats, options: Options
) -> Floats:
    """Return the one-sided p of the margin, by t of the log ratio's distance."""
    if options.margin is None:
        return np.full_like(log_error, np.nan)
    t = _in_errors(found.log_ratio - np.log1p(options.margin), log_error)
    t = np.where(np.isnan(log_error), np.nan, t)
    df = np.where(found.eff_days > 1, found.eff_days - 1, np.nan)
    return _one_sided(t_to_z(t, df), information, options)
