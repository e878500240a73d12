"""Chi-squared tests: whether shares are as planned, equal, or moved; no pandas."""

from typing import NamedTuple

import numpy as np

from braze_frames.core.arrays import Floats
from braze_frames.scores.tables import quotient


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
    chi2 = _homogeneity(units)
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


def dispersion_p(dispersion: Floats, eff_days: Floats) -> Floats:
    """Return the p-value of more noise between days than counts alone make.

    ``dispersion`` times ``eff_days`` - 1 is compared with chi-squared of as many
    degrees of freedom.
    """
    from scipy.special import chdtrc

    df = np.where(eff_days > 1, eff_days - 1, np.nan)
    return np.asarray(chdtrc(df, dispersion * df))


class SamePeople(NamedTuple):
    """Whether the arms' shares vary less than new people would make them.

    ``share`` is the share of the pool that is there each day, ``days`` those on which
    all arms have people.
    """

    chi2: Floats
    df: Floats
    p_value: Floats
    share: Floats
    days: Floats


def same_people(counts: Floats) -> SamePeople:
    """Test whether the people of many days are the same people.

    Parameters
    ----------
    counts : ndarray of shape (families, arms, days)
        People.

    Returns
    -------
    SamePeople
        ``p_value`` is the lower tail: given the volumes, new people are split anew each
        day, while the same people keep their arm. NaN with less than two arms or days.

    Examples
    --------
    >>> found = same_people(np.array([[[500.0, 501, 499, 500], [498, 500, 498, 499]]]))
    >>> bool(found.p_value[0] < 0.01), float(found.share[0].round(2))
    (True, 1.0)
    """
    from scipy.special import chdtr

    together = (counts > 0).all(axis=1, keepdims=True)
    units = np.where(together, counts, 0)
    days = together.sum(axis=(1, 2)).astype(float)
    df = np.maximum((days - 1) * (counts.shape[1] - 1), 0)
    chi2, df = _homogeneity(units), np.where(df > 0, df, np.nan)
    share = np.maximum(1 - chi2 / df, 0)
    return SamePeople(chi2, df, np.asarray(chdtr(df, chi2)), share, days)


def _homogeneity(units: Floats) -> Floats:
    """Return chi-squared of arms by days, of tables of shape (families, arms, days)."""
    daily = units.sum(axis=1, keepdims=True)
    whole = daily.sum(axis=2, keepdims=True)
    expected = daily * quotient(units.sum(axis=2, keepdims=True), whole)
    chi2: Floats = quotient((units - expected) ** 2, expected).sum(axis=(1, 2))
    return chi2


def differ_within_strata(successes: Floats, units: Floats) -> ChiSquared:
    """Test whether arms share their proportions within each stratum.

    Parameters
    ----------
    successes, units : ndarray of shape (arms, strata)
        With successes ≤ units; an arm without units says nothing in a stratum.

    Returns
    -------
    ChiSquared
        Generalised Cochran-Mantel-Haenszel for k arms: Landis, Heyman & Koch 1978,
        International Statistical Review 46:237; ``min_expected`` is that of totals.

    Examples
    --------
    Of two arms it is Cochran, Mantel & Haenszel's, where statsmodels' StratifiedTable
    gives 0.34.

    >>> bought = np.array([[42.0, 38], [44, 31]])
    >>> found = differ_within_strata(bought, np.array([[907.0, 874], [927, 904]]))
    >>> found.df, round(found.chi2, 2)
    (1, 0.34)
    """
    from scipy.special import chdtrc

    total, events = units.sum(axis=0), successes.sum(axis=0)
    share = quotient(units, total)
    off = (successes - share * events).sum(axis=1)
    scale = events * quotient(total - events, np.maximum(total - 1, 1))
    own = np.diag((share * scale).sum(axis=1))
    covariance = own - np.einsum("it,jt,t->ij", share, share, scale)
    df = int(np.linalg.matrix_rank(covariance, hermitian=True)) or len(units) - 1
    chi2 = float(off @ np.linalg.pinv(covariance, hermitian=True) @ off)
    pooled = np.stack([successes.sum(axis=1), (units - successes).sum(axis=1)])
    least = pooled.sum(axis=0).min() * pooled.sum(axis=1).min() / pooled.sum()
    return ChiSquared(chi2, df, float(chdtrc(df, chi2)), float(least))
