"""Lifts of many tests as draws of one distribution; no pandas."""

from typing import NamedTuple

import numpy as np

from braze_frames.core.arrays import Floats
from braze_frames.stats.distributions import critical_t

FEWEST_COMPARISONS = 3
"""Comparisons below which nothing is known of how lifts vary."""


class RandomEffects(NamedTuple):
    """The mean of effects with its interval, where the next may lie, and variances.

    ``shrunk`` holds each effect, drawn to the mean by as much as its own error is large
    beside the spread ``tau2`` of true effects. ``q`` tests whether there is any.
    """

    tau2: float
    mean: float
    se: float
    low: float
    high: float
    pred_low: float
    pred_high: float
    q: float
    q_p: float
    shrunk: Floats


def random_effects(
    effects: Floats, variances: Floats, conf_level: float
) -> RandomEffects:
    """Fit a mean and a spread of true effects to effects with known variances.

    Parameters
    ----------
    effects, variances : ndarray
        Two or more, such as log ratios and the squares of their errors.
    conf_level : float
        As 0.95.

    Notes
    -----
    Spread by restricted maximum likelihood; mean with the interval of Hartung & Knapp
    2001, Statistics in Medicine 20:3875; prediction interval of Higgins, Thompson &
    Spiegelhalter 2009, Journal of the Royal Statistical Society A 172:137.

    Examples
    --------
    >>> found = random_effects(np.array([0.0, 0.1, 0.3]), np.full(3, 0.01), 0.95)
    >>> round(found.tau2, 4), round(found.mean, 4), found.shrunk.round(3).tolist()
    (0.0133, 0.1333, [0.057, 0.114, 0.229])
    """
    from scipy.special import chdtrc

    count = len(effects)
    tau2 = _restricted_spread(effects, variances)
    weights = 1 / (variances + tau2)
    mean = float((weights * effects).sum() / weights.sum())
    squares = (weights * (effects - mean) ** 2).sum()
    se = float(np.sqrt(squares / ((count - 1) * weights.sum())))
    t = float(critical_t(conf_level, np.array(float(count))))
    reach, further = t * se, t * float(np.sqrt(se**2 + tau2))
    fixed = 1 / variances
    common = (fixed * effects).sum() / fixed.sum()
    q = float((fixed * (effects - common) ** 2).sum())
    return RandomEffects(
        tau2,
        mean,
        se,
        mean - reach,
        mean + reach,
        mean - further,
        mean + further,
        q,
        float(chdtrc(count - 1, q)),
        mean + tau2 * weights * (effects - mean),
    )


def _restricted_spread(effects: Floats, variances: Floats) -> float:
    """Return the variance of true effects where the restricted likelihood is flat."""
    from scipy.optimize import brentq

    def slope(tau2: float) -> float:
        weights = 1 / (variances + tau2)
        mean = (weights * effects).sum() / weights.sum()
        seen = (weights**2 * (effects - mean) ** 2).sum()
        return float(seen - weights.sum() + (weights**2).sum() / weights.sum())

    if slope(0.0) <= 0:
        return 0.0
    # The spread cannot be larger than that of effects without any error.
    return float(brentq(slope, 0.0, 2 * np.ptp(effects) ** 2, xtol=1e-16, rtol=1e-12))
