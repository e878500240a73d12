"""Ratios of sums over days, with errors of delete-one-day; no pandas.

Arrays hold a comparison in each row and a day in each column. Variations carry the
number 1, their controls 0.
"""

from typing import Any, NamedTuple

import numpy as np

from braze_frames.core.arrays import Flags, Floats, Ints
from braze_frames.scores.tables import Looks, quotient
from braze_frames.stats.distributions import critical_t, two_sided_t
from braze_frames.stats.scores import Interval

# Days whose looks are taken together: a matrix product costs about as much.
_TOGETHER = 64
# A day's share of a sum up to which so many powers of it tell its logarithm: the next
# one, over the first, is 32^-8 / 9 = 1e-13.
_SMALL, _POWERS = 1 / 32, 8
FEWEST_DAYS = 4.0
"""Effective days below which the days hold no replication to speak of."""


class Jackknife(NamedTuple):
    """The log of a ratio of sums over days, with its error of delete-one-day.

    ``days`` are those with a denominator or a numerator, ``eff_days`` weighs them by
    their denominators: (Σw)² / Σw², Kish 1965.
    """

    log_ratio: Floats
    log_error: Floats
    days: Floats
    eff_days: Floats

    def known(self) -> Any:
        """Tell where the days hold enough replication for an interval."""
        return (self.eff_days >= FEWEST_DAYS) & np.isfinite(self.log_error)


def jackknife(
    y1: Floats, n1: Floats, y0: Floats | None = None, n0: Floats | None = None
) -> Jackknife:
    """Compare ratios of sums over days, paired: the days are common to both arms.

    Parameters
    ----------
    y1, n1 : ndarray of shape (comparisons, days)
        Numerators and denominators; without 0: a single rate, against 1.
    y0, n0 : ndarray of shape (comparisons, days), optional
        Those of the control.

    Returns
    -------
    Jackknife
        ``log_ratio`` is log(R1 / R0). Its error is NaN with less than two days, and
        where a sum is 0 with all days or all but one.

    Notes
    -----
    Delete-one jackknife, (T - 1) / T Σ (θ(t) - mean)²: Cochran 1977, Sampling
    Techniques, ch. 6; Wolter 2007, Introduction to Variance Estimation, ch. 4.
    """
    parts = [y1, n1] if y0 is None or n0 is None else [y1, n1, y0, n0]
    weights = np.sum(parts[1::2], axis=0)
    used = np.any([part != 0 for part in parts], axis=0)
    days = used.sum(axis=-1).astype(float)
    whole = _log_ratio([part.sum(axis=-1) for part in parts])
    left = _log_ratio([part.sum(axis=-1, keepdims=True) - part for part in parts])
    total, squares = weights.sum(axis=-1), (weights**2).sum(axis=-1)
    eff_days = quotient(total**2, squares)
    return Jackknife(whole, _spread(left, used, days), days, eff_days)


def jackknife_so_far(
    y1: Floats, n1: Floats, y0: Floats, n0: Floats, looks: Looks
) -> Jackknife:
    """Return the jackknife of each look at its series' first days, of positive sums."""
    parts = [y1, n1, y0, n0]
    weights, used = n1 + n0, np.any([part != 0 for part in parts], axis=0)
    days = looks.sums(used).astype(float)
    sums = [looks.sums(part) for part in parts]
    total, squares = looks.sums(weights), looks.sums(weights**2)
    most = (looks.sums_of(np.maximum.accumulate, part) for part in parts)
    pairs = zip(sums, most, strict=True)
    known = np.logical_and.reduce([whole > top for whole, top in pairs]) & (days > 1)
    whole, spread = _log_ratio(sums), np.full(len(total), np.nan)
    rows = np.flatnonzero(known & np.isfinite(whole))
    rows = rows[np.argsort(looks.series[rows], kind="stable")]
    series, starts = np.unique(looks.series[rows], return_index=True)
    for one, own in zip(series, np.split(rows, starts)[1:], strict=True):
        counts = np.stack([part[one] for part in parts])
        spread[own] = _spread_so_far(counts, looks.last[own], days[own])
    errors = np.sqrt(quotient(days - 1, days) * np.maximum(spread, 0))
    return Jackknife(whole, errors, days, quotient(total**2, squares))


def _spread_so_far(counts: Floats, last: Ints, days: Floats) -> Floats:
    """Return the squared deviations of looks at a series without each of their days.

    The log ratio without a day is off by Σ ± log(1 - share), the day's shares of the
    four sums. As powers of shares it is a sum of products of what only the day knows
    with what only the look knows, so that the squares of all days are one matrix for
    all looks. Days of a large share, and the newest, are left out one by one: the time
    is linear in the days.
    """
    sums, scale = np.cumsum(counts, axis=1), np.maximum(abs(counts).sum(axis=1), 1e-300)
    # What a sum is at least from a day on: amounts of money may shrink again.
    least = np.minimum.accumulate(sums[:, ::-1], axis=1)[:, ::-1]
    of_days = _day_terms(counts / scale[:, None])
    matrix, vector = np.zeros((len(of_days), len(of_days))), np.zeros(len(of_days))
    found, apart = np.empty(len(last)), np.zeros(0, dtype=np.int64)
    for start in range(0, counts.shape[1], _TOGETHER):
        small = (abs(counts[:, apart]) <= _SMALL * least[:, start, None]).all(axis=0)
        terms = of_days[:, apart[small]]
        matrix += terms @ terms.T
        vector += terms.sum(axis=1)
        end = min(start + _TOGETHER, counts.shape[1])
        apart = np.append(apart[~small], np.arange(start, end))
        mine = np.flatnonzero((last > start) & (last <= end))
        if len(mine):
            totals = sums[:, last[mine] - 1]
            off = _off_without(totals, counts[:, apart], apart < last[mine, None])
            of_looks = _look_terms(scale[:, None] / totals)
            total = of_looks @ vector + off.sum(axis=1)
            squares = ((of_looks @ matrix) * of_looks).sum(axis=1)
            squares += np.einsum("ij,ij->i", off, off)
            found[mine] = squares - total**2 / days[mine]
    return found


def _day_terms(shares: Floats) -> Floats:
    """Return what days know: powers of their shares, as differences where they cancel.

    The rates of both arms move together, those of an arm's numerator and denominator
    even more: squares of the shares themselves would lose all digits.
    """
    powers = [shares**k / k for k in range(1, _POWERS + 1)]
    return np.concatenate(
        [[(y1 - n1) - (y0 - n0), y0 - n0, n1, n0] for y1, n1, y0, n0 in powers]
    )


def _look_terms(growths: Floats) -> Floats:
    """Return what looks know, which times ``_day_terms`` is the change of log ratio."""
    powers = [growths**k for k in range(1, _POWERS + 1)]
    terms = [[y1, y1 - y0, y1 - n1, n0 - y0] for y1, n1, y0, n0 in powers]
    return -np.concatenate(terms).T


def _off_without(totals: Floats, counts: Floats, seen: Flags) -> Floats:
    """Return how far log ratios of looks are off without each day that they saw."""
    y1, n1, y0, n0 = totals
    with np.errstate(divide="ignore", invalid="ignore"):
        whole = np.log(y1 * n0 / (n1 * y0))
        y1, n1, y0, n0 = totals[..., None] - counts[:, None]
        off = np.log(y1 * n0 / (n1 * y0)) - whole[:, None]
    return np.where(seen, off, 0.0)


def _log_ratio(sums: list[Floats]) -> Floats:
    """Return log(y1 / n1), or that over y0 / n0; NaN where not all are above 0."""
    known = np.logical_and.reduce([part > 0 for part in sums])
    (y1, n1), (y0, n0) = sums[:2], sums[2:] or (1.0, 1.0)
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.where(known, np.log(y1 * n0 / (n1 * y0)), np.nan)


def _spread(left: Floats, used: Any, days: Floats) -> Floats:
    """Return the jackknife error from what is left without each day."""
    mean = quotient(np.where(used, left, 0).sum(axis=-1), days, np.nan)
    squares = np.where(used, (left - mean[..., None]) ** 2, 0).sum(axis=-1)
    return np.where(days > 1, np.sqrt(quotient(days - 1, days) * squares), np.nan)


def single_rate(y: Floats, n: Floats, conf_level: float) -> Interval:
    """Return intervals of single ratios of sums, from the variance between days.

    Returns
    -------
    Interval
        exp(log R ± t · error) with t of ``eff_days`` - 1 degrees of freedom; NaN below
        4 effective days.
    """
    found = jackknife(y, n)
    reach = critical_t(conf_level, found.eff_days) * found.log_error
    reach = np.where(found.known(), reach, np.nan)
    return Interval(np.exp(found.log_ratio - reach), np.exp(found.log_ratio + reach))


class PairedRatio(NamedTuple):
    """A ratio of two rates over paired days, and how sure it is.

    ``ratio`` is R1 / R0; all but ``eff_days`` is NaN below 4 effective days.
    """

    ratio: Floats
    low: Floats
    high: Floats
    p_value: Floats
    eff_days: Floats


def paired_ratio(
    y1: Floats, n1: Floats, y0: Floats, n0: Floats, conf_level: float
) -> PairedRatio:
    """Compare the rates of two periods whose days are paired.

    Returns
    -------
    PairedRatio
        exp(log ratio ± t · error), and the two-sided p-value of t with ``eff_days`` - 1
        degrees of freedom. Limits and p-value are NaN, too, where a sum is 0 with all
        days or all but one.
    """
    found = jackknife(y1, n1, y0, n0)
    error = np.where(found.known(), found.log_error, np.nan)
    reach = critical_t(conf_level, found.eff_days) * error
    with np.errstate(divide="ignore", invalid="ignore"):
        t = np.where(found.log_ratio == 0, 0.0, found.log_ratio / error)
    t = np.where(np.isnan(error), np.nan, t)
    rate1 = quotient(y1.sum(axis=-1), n1.sum(axis=-1), np.nan)
    rate0 = quotient(y0.sum(axis=-1), n0.sum(axis=-1), np.nan)
    enough = found.eff_days >= FEWEST_DAYS
    return PairedRatio(
        np.where(enough, quotient(rate1, rate0, np.nan), np.nan),
        np.exp(found.log_ratio - reach),
        np.exp(found.log_ratio + reach),
        two_sided_t(t, np.where(enough, found.eff_days - 1, np.nan)),
        found.eff_days,
    )
