"""Score intervals of two proportions: one table, or one a day.

All functions take counts of successes and units of a variation (1) and its control (0),
as arrays of shape (comparisons, strata); a stratum is a day, or all days in one. A
stratum in which either arm has no units says nothing and is left out.

Differences: Mee 1984; ratios: Koopman 1984; several strata: Miettinen & Nurminen 1985,
Statistics in Medicine 4:213, with weights and test of Mantel & Haenszel.
"""

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

from braze_frames.core.arrays import Flags, Floats
from braze_frames.stats.distributions import critical_z


class Interval(NamedTuple):
    """Lower and upper limits, one of each for a comparison."""

    low: Floats
    high: Floats


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


_FARTHEST = 80.0
_TOLERANCES = {"xatol": 1e-17, "xrtol": 1e-11}


class Tables(NamedTuple):
    """Successes and units of both arms, each of shape (comparisons, strata).

    ``stratified`` multiplies each stratum's variance with N / (N - 1), as the tests and
    intervals over several strata do; of two units or less it takes 2.
    """

    x1: Floats
    n1: Floats
    x0: Floats
    n0: Floats
    stratified: bool = False

    def rows(self, rows: Any) -> "Tables":
        """Return some of the comparisons."""
        x1, n1, x0, n0 = (part[rows] for part in self[:4])
        return Tables(x1, n1, x0, n0, self.stratified)

    def mirrored(self) -> tuple["Tables", Floats]:
        """Return failures for successes in comparisons where most succeed, and signs.

        Rates near 1 hold few of their digits; the failures' rates hold them all. The
        sign is -1 where a difference has changed its own.
        """
        x1, n1, x0, n0 = (part.sum(axis=-1, keepdims=True) for part in self[:4])
        high = x1 + x0 > (n1 + n0) / 2
        x1 = np.where(high, self.n1 - self.x1, self.x1)
        x0 = np.where(high, self.n0 - self.x0, self.x0)
        return self._replace(x1=x1, x0=x0), np.where(high[:, 0], -1.0, 1.0)

    @property
    def weights(self) -> Floats:
        """The strata's weights of Mantel & Haenszel; 0 where an arm is empty."""
        units = self.n1 + self.n0
        both = (self.n1 > 0) & (self.n0 > 0)
        return np.where(both, self.n1 * self.n0 / np.where(both, units, 1), 0.0)

    @property
    def factor(self) -> Floats:
        """What the strata's variances are multiplied with."""
        if not self.stratified:
            return np.ones_like(self.n1)
        units = np.maximum(self.n1 + self.n0, 2)
        return np.asarray(units / (units - 1))

    @property
    def rates(self) -> tuple[Floats, Floats]:
        """The strata's rates of both arms; 0 where an arm is empty."""
        return quotient(self.x1, self.n1), quotient(self.x0, self.n0)


class Test(NamedTuple):
    """The test of no effect, and the information behind it.

    ``events`` is what the weights make of the successes: with tau its square over the
    variance is the information about a log ratio.
    """

    z: Floats
    variance: Floats
    events: Floats


def null_test(tables: Tables) -> Test:
    """Test whether both arms have the same rate.

    One stratum: the pooled two-sided Z test, which is Pearson's chi-squared test
    without correction. Several: Cochran, Mantel & Haenszel, without correction. Where
    nobody or everybody succeeds ``z`` is 0; without units it is NaN.

    Examples
    --------
    >>> table = [np.array([[n]]) for n in (56.0, 70.0, 48.0, 80.0)]
    >>> float(null_test(Tables(*table)).z[0])  # doctest: +ELLIPSIS
    2.650171...
    """
    weights = tables.weights
    successes = quotient(tables.x1 + tables.x0, tables.n1 + tables.n0)
    events = (weights * successes).sum(axis=-1)
    tables, sign = tables.mirrored()
    rate1, rate0 = tables.rates
    rate = quotient(tables.x1 + tables.x0, tables.n1 + tables.n0)
    effect = sign * (weights * (rate1 - rate0)).sum(axis=-1)
    variance = (weights * rate * (1 - rate) * tables.factor).sum(axis=-1)
    informed = variance > 0
    z = np.divide(
        effect, np.sqrt(variance, where=informed, out=np.ones_like(variance)),
        out=np.zeros_like(effect), where=informed,
    )  # fmt: skip
    return Test(np.where(weights.any(axis=-1), z, np.nan), variance, events)


def difference(tables: Tables, critical: Floats) -> tuple[Floats, Interval]:
    """Return the difference of rates and its score interval.

    Parameters
    ----------
    tables : Tables
        With 0 ≤ x ≤ n.
    critical : ndarray
        The |z| up to which a difference is accepted, one for each comparison.

    Returns
    -------
    estimate : ndarray
        One stratum: p1 - p0; several: the Mantel-Haenszel risk difference.
    interval : Interval
        All differences whose score statistic is within ``critical``; it leaves out 0
        exactly where ``null_test`` exceeds it. NaN without units.

    Examples
    --------
    Newcombe 1998, Statistics in Medicine 17:873, Table II prints 0.0533 to 0.3377.

    >>> table = [np.array([[n]]) for n in (56.0, 70.0, 48.0, 80.0)]
    >>> _, limits = difference(Tables(*table), np.array([1.959963984540054]))
    >>> [round(float(limit[0]), 4) for limit in limits]
    [0.0533, 0.3377]
    """
    tables, sign = tables.mirrored()
    rate1, rate0 = tables.rates
    weights = tables.weights
    estimate = quotient((weights * (rate1 - rate0)).sum(-1), weights.sum(-1), np.nan)
    spread = _smoothed(tables.x1, tables.n1) + _smoothed(tables.x0, tables.n0)
    error = quotient(np.sqrt((weights**2 * spread).sum(-1)), weights.sum(-1), np.nan)

    def far(side: float) -> Floats:
        return np.clip(estimate + side * 3 * critical * error, -1, 1)

    edge = _Edge(np.full_like(estimate, -1.0), np.full_like(estimate, 1.0))
    low, high = _invert(tables, critical, _score_of_difference, estimate, far, edge)
    turned = sign < 0
    limits = Interval(np.where(turned, -high, low), np.where(turned, -low, high))
    # Adding 0 makes -0.0, the difference of equal rates mirrored, a plain 0.
    return sign * estimate + 0.0, limits


def log_ratio(tables: Tables, critical: Floats) -> tuple[Floats, Interval]:
    """Return the log of the ratio of rates and its score interval.

    Parameters
    ----------
    tables : Tables
        With 0 ≤ x ≤ n.
    critical : ndarray
        The |z| up to which a ratio is accepted, one for each comparison.

    Returns
    -------
    estimate : ndarray
        One stratum: log(p1 / p0); several: that of the Mantel-Haenszel rate ratio. NaN
        where the control has no successes.
    interval : Interval
        All log ratios whose score statistic is within ``critical``; it leaves out 0
        exactly where ``null_test`` exceeds it. The upper limit is infinite where the
        control has no successes; with none in either any ratio fits: -inf to inf.

    Examples
    --------
    >>> table = [np.array([[n]]) for n in (56.0, 70.0, 48.0, 80.0)]
    >>> estimate, limits = log_ratio(Tables(*table), np.array([1.959963984540054]))
    >>> [round(float(np.exp(value[0])), 4) for value in (estimate, *limits)]
    [1.3333, 1.0798, 1.6708]
    """
    rate1, rate0 = tables.rates
    weights = tables.weights
    above, below = (weights * rate1).sum(-1), (weights * rate0).sum(-1)
    mirrored, sign = tables.mirrored()
    share1, share0 = mirrored.rates
    effect = sign * (weights * (share1 - share0)).sum(-1)
    with np.errstate(divide="ignore", invalid="ignore"):
        estimate = np.where(above > 0, np.log1p(effect / below), np.log(above / below))
    used = weights > 0
    some1, some0 = ((part * used).sum(-1) + 0.5 for part in (tables.x1, tables.x0))
    centre = np.clip(np.nan_to_num(estimate), -_FARTHEST / 2, _FARTHEST / 2)
    error = np.sqrt(1 / some1 + 1 / some0)

    def far(side: float) -> Floats:
        reach = side * 3 * critical * error
        return np.asarray(np.clip(centre + reach, -_FARTHEST, _FARTHEST))

    edge = _Edge(
        np.where(above > 0, -_FARTHEST, -np.inf), np.where(below > 0, _FARTHEST, np.inf)
    )
    limits = _invert(tables, critical, score_of_log_ratio, estimate, far, edge)
    return np.where(below > 0, estimate, np.nan), limits


# --- inverting a score statistic ---
class _Edge(NamedTuple):
    """The ends of the parameter's range; an infinite one is a limit already."""

    low: Floats
    high: Floats


def _invert(
    tables: Tables,
    critical: Floats,
    score: Callable[[Floats, Tables], Floats],
    estimate: Floats,
    far: Callable[[float], Floats],
    edge: _Edge,
) -> Interval:
    """Find where a falling score statistic crosses ± ``critical``, on both sides."""
    known = tables.weights.any(axis=-1) & np.isfinite(critical)
    limits = []
    for side, end in ((-1.0, edge.low), (1.0, edge.high)):
        limit = np.where(known, end, np.nan)
        sought = known & np.isfinite(end) & (estimate != end)
        rows = np.flatnonzero(sought)
        if len(rows):
            asked = _Asked(tables.rows(rows), critical[rows], score, side)
            limit[rows] = _crossing(asked, estimate[rows], far(side)[rows], end[rows])
        limits.append(limit)
    return Interval(*limits)


class _Asked(NamedTuple):
    """A limit on one side: where the statistic leaves what is accepted."""

    tables: Tables
    critical: Floats
    score: Callable[[Floats, Tables], Floats]
    side: float

    def excess(self, value: Floats, rows: Any) -> Any:
        """Return how far outside (> 0) the statistic is at ``value``."""
        with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
            z = self.score(value, self.tables.rows(rows))
        return -self.side * z - self.critical[rows]


def _crossing(asked: _Asked, near: Floats, far: Floats, end: Floats) -> Floats:
    """Return the limit between the estimate and the far end.

    No effect (0) is asked first and stays on the side where the test sees it, so that
    interval and test agree whatever the shape of the statistic.
    """
    from scipy.optimize import elementwise

    rows = np.arange(len(near))
    side = asked.side
    start = np.where(np.isfinite(near), near, -side * _FARTHEST)
    zero = np.zeros_like(start)
    beyond = side * start < 0
    rejected = asked.excess(zero, rows) > 0
    inner = np.where(beyond & ~rejected, 0.0, start)
    outer = np.where(side * far > side * inner, far, end)
    outer = np.where(asked.excess(outer, rows) > 0, outer, end)
    outer = np.where(beyond & rejected, 0.0, outer)
    low, high = np.minimum(inner, outer), np.maximum(inner, outer)
    found = elementwise.find_root(
        asked.excess, (low, high), args=(rows,), tolerances=_TOLERANCES
    )
    return np.where(found.success, found.x, outer)


def _score_of_difference(delta: Floats, tables: Tables) -> Floats:
    rate1, rate0 = tables.rates
    weights = tables.weights
    delta = delta[:, None]
    at0 = _constrained(tables, delta)
    at1 = at0 + delta
    variance = _variance(at1, tables.n1) + _variance(at0, tables.n0)
    return _statistic(weights, rate1 - rate0 - delta, variance * tables.factor)


def score_of_log_ratio(log: Floats, tables: Tables) -> Floats:
    """Return the score statistic of p1 - θ p0 at θ = exp(log), z at the null.

    Koopman 1984 by strata. Where most succeed in both arms the quadratic is solved for
    the failures, whose digits rates near 1 have lost.
    """
    x1, n1, x0, n0 = (part.sum(axis=-1) for part in tables[:4])
    high = near_one(x1, n1) & near_one(x0, n0)
    z = np.empty_like(log)
    for rows, parts in ((high, _parts_of_failures), (~high, _parts_of_successes)):
        if rows.any():
            chosen = tables.rows(rows)
            distance, variance = parts(log[rows][:, None], chosen)
            variance = variance * chosen.factor
            z[rows] = _statistic(chosen.weights, distance, variance)
    return z


def _parts_of_successes(log: Floats, tables: Tables) -> tuple[Floats, Floats]:
    """Return the strata's distance from the hypothesis, and its variance there."""
    rate1, rate0 = tables.rates
    theta = np.exp(log)
    x1, n1, x0, n0 = tables[:4]
    a = (n1 + n0) * theta
    b = n1 * theta + x1 + n0 + x0 * theta
    c = x1 + x0
    at0 = 2 * c / (b + np.sqrt(np.maximum(b * b - 4 * a * c, 0)))
    variance = _variance(theta * at0, n1) + theta**2 * _variance(at0, n0)
    return rate1 - theta * rate0, variance


def _parts_of_failures(log: Floats, tables: Tables) -> tuple[Floats, Floats]:
    """Return the same from failures f = n - x, with em = θ - 1."""
    theta, em = np.exp(log), np.expm1(log)
    x1, n1, x0, n0 = tables[:4]
    f1, f0, units = n1 - x1, n0 - x0, n1 + n0
    root = np.sqrt((em * (n1 + x0) + f1 - f0) ** 2 + 4 * theta * f1 * f0)
    both = theta * f0 + f1
    left1 = _root_plus(both - em * units, root, 4 * units * em * f1)
    left0 = _root_plus(both + em * units, root, -4 * units * theta * em * f0)
    left1, left0 = quotient(left1, 2 * units), quotient(left0, 2 * units * theta)
    variance = _variance(left1, n1) + theta**2 * _variance(left0, n0)
    return -em - quotient(f1, n1) + theta * quotient(f0, n0), variance


def _root_plus(part: Floats, root: Floats, product: Floats) -> Floats:
    """Return root + part; of a negative part from product = root² - part²."""
    opposite = part < 0
    return np.where(opposite, product / np.where(opposite, root - part, 1), root + part)


def _statistic(weights: Floats, distance: Floats, variance: Floats) -> Floats:
    used = weights > 0
    above = np.where(used, weights * distance, 0).sum(axis=-1)
    below = np.sqrt(np.where(used, weights**2 * variance, 0).sum(axis=-1))
    z: Floats = np.where(below > 0, above / below, np.sign(above) * np.inf)
    return np.where(above == 0, 0.0, z)


def _constrained(tables: Tables, delta: Floats) -> Floats:
    """Return the control's most likely rate where the arms differ by ``delta``.

    The root of the cubic in Miettinen & Nurminen 1985, then two steps of Newton on the
    cubic in factors, which brings back the digits that the closed form loses.
    """
    x1, n1, x0, n0 = tables[:4]
    a = n1 + n0
    b = ((n1 + 2 * n0) * delta - a - x1 - x0) / (3 * a)
    c = ((n0 * delta - a - 2 * x0) * delta + x1 + x0) / (3 * a)
    d = x0 * delta * (1 - delta) / (2 * a)
    v = b**3 - 1.5 * b * c + d
    u = np.where(v < 0, -1.0, 1.0) * np.sqrt(np.maximum(b * b - c, 0))
    angle = np.arccos(np.clip(v / np.where(u == 0, 1, u**3), -1, 1))
    low, high = np.maximum(0, -delta), np.minimum(1, 1 - delta)
    rate = np.clip(2 * u * np.cos((np.pi + angle) / 3) - b, low, high)
    for _ in range(2):
        rate = np.clip(rate - _newton_step(tables, delta, rate), low, high)
    return rate


def _newton_step(tables: Tables, delta: Floats, rate: Floats) -> Floats:
    x1, n1, x0, n0 = tables[:4]
    other = rate + delta
    left1, left0 = x1 - n1 * other, x0 - n0 * rate
    spread1, spread0 = other * (1 - other), rate * (1 - rate)
    slope = (
        left1 * (1 - 2 * rate) - n1 * spread0 + left0 * (1 - 2 * other) - n0 * spread1
    )
    value = left1 * spread0 + left0 * spread1
    return np.divide(value, slope, out=np.zeros_like(value), where=slope < 0)


def _variance(rate: Floats, units: Floats) -> Floats:
    return np.clip(rate, 0, 1) * np.clip(1 - rate, 0, 1) / np.where(units > 0, units, 1)


def _smoothed(successes: Floats, units: Floats) -> Floats:
    return _variance((successes + 0.5) / (units + 1), units)


def rate_difference(x1: Floats, n1: Floats, x0: Floats, n0: Floats) -> Floats:
    """Return p1 - p0, of two rates near 1 from the failures, which keep the digits."""
    successes = quotient(x1, n1, np.nan) - quotient(x0, n0, np.nan)
    failures = quotient(n0 - x0, n0, np.nan) - quotient(n1 - x1, n1, np.nan)
    return np.where(near_one(x1, n1) & near_one(x0, n0), failures, successes)


def near_one(x: Floats, n: Floats) -> Flags:
    """Tell where a proportion is above a half."""
    return np.asarray((x > n / 2) & (x <= n))


def quotient(above: Any, below: Any, otherwise: float = 0.0) -> Floats:
    """Divide where ``below`` is positive."""
    out = np.full(np.broadcast(above, below).shape, otherwise)
    return np.asarray(np.divide(above, below, out=out, where=below > 0))
