"""The days of two arms → estimates, intervals and tests; no pandas.

The score method on totals, the score method by day, and the paired jackknife over days,
each for many comparisons at once.
"""

from typing import Any, NamedTuple

import numpy as np

from braze_frames.core.arrays import Flags, Floats
from braze_frames.stats.distributions import (
    always_valid,
    critical_t,
    critical_z,
    t_to_z,
    two_sided,
    two_sided_t,
    z_to_t,
)
from braze_frames.stats.jackknife import Jackknife
from braze_frames.stats.scores import Tables, difference, null_test, quotient, ratio

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

    @property
    def sending(self) -> Flags:
        """The days on which both arms have units."""
        return np.asarray((self.n1 > 0) & (self.n0 > 0))

    @property
    def possible(self) -> Flags:
        """Where no arm has more successes than units."""
        some = (self.y1 >= 0) & (self.y0 >= 0)
        return np.asarray(some & (self.y1 <= self.n1) & (self.y0 <= self.n0))


class Options(NamedTuple):
    """How sure, and what is asked of the test.

    ``deff`` is a variance's multiplier for people who count many times, ``tau`` the
    lift worth finding of the always-valid boundary. Without ``differences`` the limits
    of score differences are not sought, which takes most of the time.
    """

    conf_level: float = 0.95
    deff: float = 1.0
    sequential: bool = False
    tau: float = 0.1
    differences: bool = True


class Contrast(NamedTuple):
    """What each comparison says; what is unknown is NaN.

    Of proportions ``p_value`` and both intervals come from one test, so that they
    agree; over days ``p_value`` is that of the lift.
    """

    diff: Floats
    diff_low: Floats
    diff_high: Floats
    lift: Floats
    lift_low: Floats
    lift_high: Floats
    statistic: Floats
    p_value: Floats


def score_contrast(days: DailyCounts, options: Options, *, by_day: bool) -> Contrast:
    """Compare proportions by the score method.

    Parameters
    ----------
    days : Days
        With y ≤ n: by day on each day, else in the totals; where that is broken only
        the point estimates are known.
    options : Options
        ``deff`` divides all counts.
    by_day : bool
        A stratum a day (Miettinen & Nurminen 1985), or the totals (Mee 1984 and
        Koopman 1984).
    """
    if by_day:
        return _score(days, options, stratified=True)
    found = _score(days.totals(), options, stratified=False)
    diff, relative = _estimates(days)
    return found._replace(diff=diff, lift=relative - 1)


def _score(days: DailyCounts, options: Options, *, stratified: bool) -> Contrast:
    usable = np.all(days.possible, axis=1, keepdims=True)
    x1, n1, x0, n0 = (np.where(usable, part, 0) / options.deff for part in days)
    tables = Tables(x1, n1, x0, n0, stratified)
    test = null_test(tables)
    p_value = two_sided(test.z)
    critical = np.full_like(p_value, critical_z(options.conf_level))
    if options.sequential:
        information = quotient((options.tau * test.events) ** 2, test.variance)
        p_value, critical = always_valid(test.z, information, options.conf_level)
    sought = critical if options.differences else np.full_like(critical, np.nan)
    diff, limits = difference(tables, sought)
    relative, bounds = ratio(tables, critical)
    blind = np.isinf(critical) & np.isfinite(diff)
    anything = blind | ((bounds.low == 0) & np.isinf(bounds.high))
    return Contrast(
        diff,
        np.where(blind, -1.0, limits.low),
        np.where(blind, 1.0, limits.high),
        relative - 1,
        np.where(anything, np.nan, bounds.low) - 1,
        np.where(anything, np.nan, bounds.high) - 1,
        test.z,
        p_value,
    )


def _estimates(days: DailyCounts) -> tuple[Floats, Floats]:
    y1, n1, y0, n0 = (part[:, 0] for part in days.totals())
    rate1, rate0 = quotient(y1, n1, np.nan), quotient(y0, n0, np.nan)
    return rate1 - rate0, quotient(rate1, rate0, np.nan)


def day_contrast(days: DailyCounts, found: Jackknife, options: Options) -> Contrast:
    """Compare ratios of sums by their paired jackknife over days.

    Parameters
    ----------
    days : Days
        Numerators may exceed denominators.
    found : Jackknife
        That of ``days``.
    options : Options
        ``deff`` multiplies the variances. ``sequential`` needs 14 days and 10 effective
        days.

    Returns
    -------
    Contrast
        exp(log ratio ± t · error) - 1 and difference ± t · error with ``eff_days`` - 1
        degrees of freedom; ``statistic`` is t of the log ratio. Unknown below 4
        effective days, and where a sum, or one without a day, is 0. Limits are unknown
        where there is so little information that any lift fits.
    """
    wide = np.sqrt(options.deff)
    known = found.known()
    if options.sequential:
        known &= (found.days >= FIRST_LOOK) & (found.eff_days >= INFORMED_DAYS)
    log_error = np.where(known, found.log_error * wide, np.nan)
    with np.errstate(divide="ignore", invalid="ignore"):
        t = np.where(found.log_ratio == 0, 0.0, found.log_ratio / log_error)
    t = np.where(known, t, np.nan)
    p_value, critical = _over_days(t, log_error, found.eff_days, options)
    critical = np.where(np.abs(critical) * log_error < _FARTHEST, critical, np.nan)
    reach, apart = critical * log_error, critical * found.error * wide
    diff, relative = _estimates(days)
    return Contrast(
        diff,
        diff - apart,
        diff + apart,
        relative - 1,
        np.exp(found.log_ratio - reach) - 1,
        np.exp(found.log_ratio + reach) - 1,
        t,
        p_value,
    )


def _over_days(
    t: Floats, log_error: Floats, eff_days: Floats, options: Options
) -> tuple[Floats, Floats]:
    """Return p-values and critical |t|."""
    df = np.where(eff_days > 1, eff_days - 1, np.nan)
    if not options.sequential:
        critical = critical_t(options.conf_level, eff_days)
        return two_sided_t(t, df), np.where(np.isnan(t), np.nan, critical)
    information = quotient(options.tau**2, log_error**2)
    valid = always_valid(t_to_z(t, df), information, options.conf_level)
    return valid.p_value, z_to_t(np.where(np.isnan(t), np.nan, valid.critical), df)
