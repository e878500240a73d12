"""Critical values, two-sided p-values and always-valid intervals; no pandas."""

from typing import NamedTuple

import numpy as np

from braze_frames.core.arrays import Floats


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


def upper_tail(z: Floats) -> Floats:
    """Return how likely a normal variate is as large as ``z``, or larger."""
    from scipy.special import ndtr

    return np.asarray(ndtr(-z))


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
