"""Intervals and tests on arrays of counts; no pandas.

Arrays hold a comparison in each row and a day in each column, or a comparison in each
element. Variations carry the number 1, their controls 0.
"""

from typing import Any, Literal, NamedTuple

import numpy as np

from .scores import Floats, Interval, quotient

Adjustment = Literal["holm", "bonferroni", "fdr_bh", "none"]

FEWEST_DAYS = 4.0
"""Effective days below which the days hold no replication to speak of."""


def check_share(name: str, value: float | None) -> None:
    """Refuse what is no share between 0 and 1.

    Raises
    ------
    ValueError
        The value is no number, or not between 0 and 1.
    """
    if value is None:
        return
    number = not isinstance(value, bool) and isinstance(value, int | float | np.number)
    if not number or not 0 < value < 1:
        raise ValueError(f"{name}={value!r} is no share between 0 and 1, as 0.95 is")


def check_choice(name: str, value: object, choices: tuple[object, ...]) -> None:
    """Refuse what is none of the choices.

    Raises
    ------
    ValueError
        The value is none of them.
    """
    if value not in choices:
        raise ValueError(f"{name}={value!r} is none of {', '.join(map(repr, choices))}")


def critical_z(conf_level: float) -> float:
    """Return the |z| that a normal variate exceeds with probability 1 - conf_level.

    Examples
    --------
    >>> round(critical_z(0.95), 4)
    1.96
    """
    from scipy.special import ndtri

    return float(-ndtri((1 - conf_level) / 2))


def two_sided(z: Floats) -> Floats:
    """Return the two-sided p-value of normal variates."""
    from scipy.special import ndtr

    return np.asarray(2 * ndtr(-np.abs(z)))


def wilson(x: Floats, n: Floats, conf_level: float) -> Interval:
    """Return the score interval of single proportions.

    Parameters
    ----------
    x, n : ndarray
        Successes and units.
    conf_level : float
        As 0.95.

    Returns
    -------
    Interval
        NaN where there are no units, or not 0 ≤ x ≤ n.

    Notes
    -----
    Wilson 1927, Journal of the American Statistical Association 22:209.

    Examples
    --------
    Newcombe 1998, Statistics in Medicine 17:857, Table I prints 0.2553 to 0.3662.

    >>> low, high = wilson(np.array([81.0]), np.array([263.0]), 0.95)
    >>> round(float(low[0]), 4), round(float(high[0]), 4)
    (0.2553, 0.3662)
    """
    z2 = critical_z(conf_level) ** 2
    possible = (n > 0) & (x >= 0) & (x <= n)
    units = np.where(possible, n, np.nan)
    centre = x + z2 / 2
    half = np.sqrt(z2 * (x * (units - x) / units + z2 / 4))
    return Interval(x * x / (units * (centre + half)), (centre + half) / (units + z2))


class Jackknife(NamedTuple):
    """A statistic of sums over days, with its errors of delete-one-day.

    ``days`` are those with a denominator or a numerator, ``eff_days`` weighs them by
    their denominators: (Σw)² / Σw², Kish 1965.
    """

    log_ratio: Floats
    log_error: Floats
    difference: Floats
    error: Floats
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
        ``log_ratio`` is log(R1 / R0), ``difference`` R1 - R0. Their errors are NaN with
        less than two days, and where a sum is 0 with all days or all but one.

    Notes
    -----
    Delete-one jackknife, (T - 1) / T Σ (θ(t) - mean)²: Cochran 1977, Sampling
    Techniques, ch. 6; Wolter 2007, Introduction to Variance Estimation, ch. 4.
    """
    parts = [y1, n1] if y0 is None or n0 is None else [y1, n1, y0, n0]
    weights = np.sum(parts[1::2], axis=0)
    used = np.any([part != 0 for part in parts], axis=0)
    days = used.sum(axis=-1).astype(float)
    wholes = _statistics([part.sum(axis=-1) for part in parts])
    leave = _statistics([part.sum(axis=-1, keepdims=True) - part for part in parts])
    errors = [_spread(left, used, days) for left in leave]
    total, squares = weights.sum(axis=-1), (weights**2).sum(axis=-1)
    eff_days = quotient(total**2, squares)
    return Jackknife(wholes[0], errors[0], wholes[1], errors[1], days, eff_days)


def _statistics(sums: list[Floats]) -> tuple[Floats, Floats]:
    rates = [quotient(y, n, np.nan) for y, n in zip(sums[::2], sums[1::2], strict=True)]
    logs = [np.log(np.where(rate > 0, rate, np.nan)) for rate in rates]
    if len(rates) == 1:
        return logs[0], rates[0]
    return logs[0] - logs[1], rates[0] - rates[1]


def _spread(left: Floats, used: Any, days: Floats) -> Floats:
    """Return the jackknife error from what is left without each day."""
    mean = quotient(np.where(used, left, 0).sum(axis=-1), days, np.nan)
    squares = np.where(used, (left - mean[..., None]) ** 2, 0).sum(axis=-1)
    return np.where(days > 1, np.sqrt(quotient(days - 1, days) * squares), np.nan)


def single_rate(y: Floats, n: Floats, conf_level: float) -> Interval:
    """Return intervals of single ratios of sums, from the swing between the days.

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


def critical_t(conf_level: float, eff_days: Floats) -> Floats:
    """Return the |t| exceeded with probability 1 - conf_level; NaN up to one day."""
    from scipy.special import stdtrit

    df = np.where(eff_days > 1, eff_days - 1, np.nan)
    return np.asarray(-stdtrit(df, (1 - conf_level) / 2))


def two_sided_t(t: Floats, df: Floats) -> Floats:
    """Return the two-sided p-value of t variates."""
    from scipy.special import stdtr

    return np.asarray(2 * stdtr(df, -np.abs(t)))


def t_to_z(t: Floats, df: Floats) -> Floats:
    """Return the normal variate with the same tail area as ``t``."""
    from scipy.special import ndtri, stdtr

    return np.asarray(-np.sign(t) * ndtri(stdtr(df, -np.abs(t))))


def z_to_t(z: Floats, df: Floats) -> Floats:
    """Return the t variate with the same tail area as ``z``."""
    from scipy.special import ndtr, stdtrit

    return np.asarray(-np.sign(z) * stdtrit(df, ndtr(-np.abs(z))))


class AlwaysValid(NamedTuple):
    """p-values and critical |z| that hold at every look."""

    p_value: Floats
    critical: Floats


def always_valid(z: Floats, information: Floats, conf_level: float) -> AlwaysValid:
    """Return p-value and boundary of the two-sided normal mixture.

    Parameters
    ----------
    z : ndarray
        The statistic of the day.
    information : ndarray
        r: the mixing variance over the sampling variance, tau² / se².

    Returns
    -------
    AlwaysValid
        Without information p is 1 and the critical value infinite.

    Notes
    -----
    Robbins 1970, Annals of Mathematical Statistics 41:1397; Waudby-Smith, Arbour,
    Sinha, Kennedy & Ramdas 2024, Annals of Statistics 52:2613, theorem 2.2.
    """
    r = np.where(information > 0, information, np.nan)
    bound = (1 + 1 / r) * (np.log1p(r) + 2 * np.log(1 / (1 - conf_level)))
    p = np.exp(0.5 * np.log1p(r) - r * z**2 / (2 * (1 + r)))
    known = np.isfinite(r)
    return AlwaysValid(
        np.where(known, np.minimum(p, 1), np.where(np.isnan(z), np.nan, 1.0)),
        np.where(known, np.sqrt(bound), np.inf),
    )


def adjust(p_values: Floats, method: Adjustment) -> Floats:
    """Adjust the p-values of one family; a missing one is no test.

    Parameters
    ----------
    p_values : ndarray
        NaN where missing.
    method : {"holm", "bonferroni", "fdr_bh", "none"}
        Holm 1979, Scandinavian Journal of Statistics 6:65; Benjamini & Hochberg 1995,
        Journal of the Royal Statistical Society B 57:289.

    Examples
    --------
    >>> [round(float(p), 2) for p in adjust(np.array([0.01, 0.04, 0.03]), "holm")]
    [0.03, 0.06, 0.06]
    """
    adjusted = np.array(p_values, dtype=float)
    tests = np.flatnonzero(~np.isnan(adjusted))
    p = np.sort(adjusted[tests])
    order = tests[np.argsort(adjusted[tests], kind="stable")]
    rank = np.arange(1, len(p) + 1)
    if method == "holm":
        p = np.maximum.accumulate(p * (len(p) + 1 - rank))
    elif method == "bonferroni":
        p = p * len(p)
    elif method == "fdr_bh":
        p = np.minimum.accumulate((p * len(p) / rank)[::-1])[::-1]
    adjusted[order] = np.minimum(p, 1)
    return adjusted


def adjust_families(p_values: Floats, family: Any, method: Adjustment) -> Floats:
    """Adjust p-values, each within the family whose number stands beside it."""
    adjusted = np.array(p_values, dtype=float)
    order = np.argsort(family, kind="stable")
    starts = np.flatnonzero(np.diff(family[order], prepend=-1))
    for rows in np.split(order, starts[1:]):
        adjusted[rows] = adjust(adjusted[rows], method)
    return adjusted


class ChiSquared(NamedTuple):
    """Pearson's chi-squared, without correction."""

    chi2: float
    df: int
    p_value: float
    min_expected: float


def homogeneity(table: Floats) -> ChiSquared:
    """Test whether the rows of a table of counts share their proportions.

    Parameters
    ----------
    table : ndarray of shape (rows, columns)
        Counts; rows and columns without any are left out.

    Returns
    -------
    ChiSquared
        NaN with less than two rows or columns.

    Examples
    --------
    >>> bought, sent = np.array([120, 150, 131]), 5000
    >>> found = homogeneity(np.column_stack([bought, sent - bought]))
    >>> found.df, round(found.chi2, 3)
    (2, 3.541)
    """
    table = table[table.sum(axis=1) > 0][:, table.sum(axis=0) > 0]
    if min(table.shape) < 2:
        return ChiSquared(np.nan, 0, np.nan, np.nan)
    total = table.sum()
    expected = np.outer(table.sum(axis=1), table.sum(axis=0)) / total
    return _pearson(table, expected, (table.shape[0] - 1) * (table.shape[1] - 1))


def split_moved(counts: Floats) -> Floats:
    """Return by how much the split between arms moved from day to day.

    Parameters
    ----------
    counts : ndarray of shape (families, arms, days)
        Units.

    Returns
    -------
    ndarray
        The widest span of an arm's daily share, over days with 1 % of the units or
        more; 0 where it is 5 points or less, or where chance makes such a table in one
        of 1,000 tests or more (chi-squared homogeneity of days by arms).
    """
    from scipy.special import chdtrc

    units = np.maximum(counts, 0)
    daily = units.sum(axis=1, keepdims=True)
    whole = daily.sum(axis=2, keepdims=True)
    expected = daily * quotient(units.sum(axis=2, keepdims=True), whole)
    chi2 = quotient((units - expected) ** 2, expected).sum(axis=(1, 2))
    sent, arms = (daily > 0).sum(axis=(1, 2)), (units.sum(axis=2) > 0).sum(axis=1)
    large = (daily > 0) & (daily >= 0.01 * whole)
    share = quotient(units, daily)
    top = np.where(large, share, 0).max(axis=2, initial=0)
    low = np.where(large, share, 1).min(axis=2, initial=1)
    span = (top - low).max(axis=1, initial=0)
    df = np.maximum((sent - 1) * (arms - 1), 1)
    return np.where((chdtrc(df, chi2) < 0.001) & (span > 0.05), span, 0.0)


def goodness_of_fit(counts: Floats, shares: Floats) -> ChiSquared:
    """Test whether counts were split as planned.

    Parameters
    ----------
    counts, shares : ndarray
        One for each arm; the shares need not add up to 1.
    """
    return _pearson(counts, counts.sum() * shares / shares.sum(), len(counts) - 1)


def _pearson(observed: Floats, expected: Floats, df: int) -> ChiSquared:
    from scipy.special import chdtrc

    with np.errstate(divide="ignore", invalid="ignore"):
        parts = (observed - expected) ** 2 / expected
    chi2 = float(np.where(observed == expected, 0, parts).sum())
    return ChiSquared(chi2, df, float(chdtrc(df, chi2)), float(expected.min()))


def dispersion_p(dispersion: Floats, days: Floats) -> Floats:
    """Return the p-value of more noise between days than counts alone make.

    ``dispersion`` times T - 1 is compared with chi-squared of T - 1.
    """
    from scipy.special import chdtrc

    df = np.where(days > 1, days - 1, np.nan)
    return np.asarray(chdtrc(df, dispersion * df))
