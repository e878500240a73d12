"""Beta-Binomial: how likely a variation is better, by quadrature; no pandas."""

from functools import cache
from typing import NamedTuple

import numpy as np

from braze_frames.core.arrays import Floats

_NODES = 600
_REACH = 9.0
_CHUNK = 4096


class Beliefs(NamedTuple):
    """P(p1 > p0), and what choosing the variation would lose on average."""

    prob_to_beat: Floats
    expected_loss: Floats


def check_prior(prior: tuple[float, float]) -> None:
    """Refuse what is no prior.

    Raises
    ------
    ValueError
        It is no pair of positive numbers.
    """
    try:
        a, b = (float(part) for part in prior)
    except (TypeError, ValueError):
        a = b = np.nan
    if not (a > 0 and b > 0 and np.isfinite(a + b)):
        raise ValueError(
            f"prior={prior!r} is no pair of positive numbers; (0.5, 0.5) is Jeffreys'"
        )


def beta_binomial(
    x1: Floats, n1: Floats, x0: Floats, n0: Floats, prior: tuple[float, float]
) -> Beliefs:
    """Compare two proportions with independent Beta priors.

    Parameters
    ----------
    x1, n1, x0, n0 : ndarray
        Successes and units of variation and control; NaN gives NaN.
    prior : tuple of float
        a and b of both priors.

    Returns
    -------
    Beliefs
        ``prob_to_beat`` is P(p1 > p0), ``expected_loss`` E[max(p0 - p1, 0)].

    Notes
    -----
    Gauss-Legendre with 600 points in the normal score of one posterior; no random
    numbers. Loss: Stucchio 2015, Bayesian A/B Testing at VWO.

    Examples
    --------
    >>> counts = (np.array([n]) for n in (120.0, 10000.0, 100.0, 10000.0))
    >>> found = beta_binomial(*counts, prior=(0.5, 0.5))
    >>> round(float(found.prob_to_beat[0]), 3)
    0.912
    """
    a, b = prior
    posteriors = np.stack([x1 + a, n1 - x1 + b, x0 + a, n0 - x0 + b])
    parts = [
        _beliefs(posteriors[:, start : start + _CHUNK])
        for start in range(0, max(posteriors.shape[1], 1), _CHUNK)
    ]
    return Beliefs(*(np.concatenate(column) for column in zip(*parts, strict=True)))


def _beliefs(posteriors: Floats) -> Beliefs:
    from scipy.special import betaincc, betaincinv, ndtr

    a1, b1, a0, b0 = (part[:, None] for part in posteriors)
    nodes, weights = _quadrature()
    shares = ndtr(nodes)
    p0 = betaincinv(a0, b0, shares)
    beat = (weights * betaincc(a1, b1, p0)).sum(axis=1)
    p1 = betaincinv(a1, b1, shares)
    mean0 = a0 / (a0 + b0)
    lost = mean0 * betaincc(a0 + 1, b0, p1) - p1 * betaincc(a0, b0, p1)
    return Beliefs(beat, (weights * lost).sum(axis=1))


@cache
def _quadrature() -> tuple[Floats, Floats]:
    """Return nodes in the normal score, and weights with the normal density."""
    nodes, weights = np.polynomial.legendre.leggauss(_NODES)
    nodes = nodes * _REACH
    density = np.exp(-(nodes**2) / 2) / np.sqrt(2 * np.pi)
    return nodes, weights * _REACH * density
