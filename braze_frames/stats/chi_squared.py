"""Chi-squared tests: whether shares are as planned, equal, or moved; no pandas."""

from typing import NamedTuple

import numpy as np

from braze_frames.core.arrays import Floats
from braze_frames.stats.scores import quotient


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


def allocation_shift(counts: Floats) -> Floats:
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
