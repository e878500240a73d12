"""Score intervals of two proportions: one table, or one a day.

All functions take counts of successes and units of a variation (1) and its control (0),
as arrays of shape (comparisons, strata); a stratum is a day, or all days in one. A
stratum in which either arm has no units says nothing and is left out.

Differences: Mee 1984; ratios: Koopman 1984; several strata: Miettinen & Nurminen 1985,
Statistics in Medicine 4:213, with weights and test of Mantel & Haenszel.
"""

from collections.abc import Iterator
from typing import Any, NamedTuple

import numpy as np

from braze_frames.core.arrays import Floats
from braze_frames.scores.crossing import Bracket, crossing
from braze_frames.scores.hypotheses import (
    Hypotheses,
    differences,
    log_ratios,
    log_ratios_near_one,
)
from braze_frames.scores.looks import Block, blocks_of, exact_blocks
from braze_frames.scores.tables import Tables, quotient
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


# Log ratios beyond say nothing: no count is e^80.
_FARTHEST = 80.0
# Below 0, and no value that is sought.
_SMALL = 1e-300
# Between so many critical errors from the estimate lie the limits of most looks.
_REACH = 0.6, 1.5


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
    events, units = tables.sums(weights * successes), tables.sums(weights)
    tables, sign = tables.mirrored()
    rate1, rate0 = tables.rates
    rate = quotient(tables.x1 + tables.x0, tables.n1 + tables.n0)
    effect = sign * tables.sums(weights * (rate1 - rate0))
    variance = tables.sums(weights * rate * (1 - rate) * tables.factor)
    informed = variance > 0
    z = np.divide(
        effect, np.sqrt(variance, where=informed, out=np.ones_like(variance)),
        out=np.zeros_like(effect), where=informed,
    )  # fmt: skip
    return Test(np.where(units > 0, z, np.nan), variance, events)


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
    mirrored, sign = tables.mirrored()
    asked = differences(mirrored)
    estimate = quotient(asked.above, asked.below, np.nan)
    test = null_test(tables)
    error, _ = _errors(tables, test)
    z = sign * test.z
    ends = np.full_like(estimate, -1.0), np.full_like(estimate, 1.0)
    low, high = _invert(_Search(asked, critical, z, estimate, estimate, error, *ends))
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
    above, below, effect = _sums_of_rates(tables)
    with np.errstate(divide="ignore", invalid="ignore"):
        estimate = np.where(above > 0, np.log1p(effect / below), np.log(above / below))
    x1, n1, x0, n0 = (tables.sums(part) + 0.5 for part in tables[:4])
    centre = np.where(np.isfinite(estimate), estimate, np.log(x1 / n1 * (n0 / x0)))
    test = null_test(tables)
    _, error = _errors(tables, test)
    low_end = np.where(above > 0, -_FARTHEST, -np.inf)
    high_end = np.where(below > 0, _FARTHEST, np.inf)
    parts = (critical, test.z, estimate, centre, error, low_end, high_end)
    limits = Interval(np.full_like(estimate, np.nan), np.full_like(estimate, np.nan))
    for rows, asked in _by_digits(tables):
        found = _invert(_Search(asked, *(part[rows] for part in parts)))
        for limit, some in zip(limits, found, strict=True):
            limit[rows] = some
    return np.where(below > 0, estimate, np.nan), limits


def score_of_log_ratio(log: float, tables: Tables) -> Floats:
    """Return the score statistic of p1 - θ p0 at θ = exp(log), z at the null."""
    z = np.empty(len(tables.sums(tables.weights)))
    for rows, asked in _by_digits(tables):
        z[rows] = asked.z(np.array(log), asked.variance_at(log))
    return z


def _by_digits(tables: Tables) -> Iterator[tuple[Any, Hypotheses]]:
    """Yield rows with their log ratios, apart where most succeed in both arms."""
    high = tables.each(tables.high())
    for rows, ask in ((high, log_ratios_near_one), (~high, log_ratios)):
        if rows.any():
            yield np.flatnonzero(rows), ask(tables.rows(rows))


def _sums_of_rates(tables: Tables) -> tuple[Floats, Floats, Floats]:
    """Return the weighted rates of both arms, and their difference with all digits."""
    weights = tables.weights
    rate1, rate0 = tables.rates
    mirrored, sign = tables.mirrored()
    share1, share0 = mirrored.rates
    effect = sign * tables.sums(weights * (share1 - share0))
    return tables.sums(weights * rate1), tables.sums(weights * rate0), effect


# --- inverting a score statistic ---
class _Search(NamedTuple):
    """Limits that are sought, one value a comparison.

    ``z``: the statistic of no effect; ``centre`` and ``error``: roughly where limits
    are; an infinite end of the parameter's range is a limit already.
    """

    asked: Hypotheses
    critical: Floats
    z: Floats
    estimate: Floats
    centre: Floats
    error: Floats
    low_end: Floats
    high_end: Floats

    def rows(self, rows: Any) -> "_Search":
        """Return some of the comparisons."""
        return _Search(self.asked.rows(rows), *(part[rows] for part in self[1:]))


def _invert(search: _Search) -> Interval:
    """Find where a falling score statistic crosses ± ``critical``, on both sides."""
    return Interval(
        _limits(search, -1.0, search.low_end), _limits(search, 1.0, search.high_end)
    )


def _limits(search: _Search, sign: float, end: Floats) -> Floats:
    """Find the limits on one side.

    Looks are searched between values that hold most limits; those whose limits lie
    elsewhere are searched again, each with the sum over its days.
    """
    known = np.isfinite(search.z) & np.isfinite(search.critical)
    limits = np.where(known, end, np.nan)
    sought = np.flatnonzero(known & np.isfinite(end) & (search.estimate != end))
    near, far = (
        search.centre + sign * part * search.critical * search.error for part in _REACH
    )
    # Whether no effect is rejected on this side tells on which side of it limits lie.
    positive = (-sign * search.z > search.critical) == (sign < 0)
    ends = np.fmax(search.low_end, -_FARTHEST), np.fmin(search.high_end, _FARTHEST)
    low, high = (np.clip(f(near, far), *ends) for f in (np.minimum, np.maximum))
    low = np.where(positive, np.maximum(low, 0), np.minimum(low, -_SMALL))
    high = np.where(positive, high, np.minimum(high, 0))
    elsewhere = [sought[:0]]
    for block in blocks_of(search.asked, sought, low, high):
        found = _search_block(search, block, sign, end)
        limits[block.rows] = found
        inside = (block.low < found) & (found < block.high)
        elsewhere.append(block.rows[~inside])
    for block in exact_blocks(search.asked, np.concatenate(elsewhere)):
        limits[block.rows] = _search_block(search, block, sign, end)
    return limits


def _search_block(search: _Search, block: Block, sign: float, end: Floats) -> Floats:
    part = search.rows(block.rows)
    bracket = _bracket(part, sign, end[block.rows])
    return crossing(part.asked, part.critical, bracket, block.variance)


def _bracket(search: _Search, sign: float, end: Floats) -> Bracket:
    """Bracket the limits on one side.

    No effect (0) stays on the side where the test sees it, so that interval and test
    agree whatever the shape of the statistic.
    """
    estimate = search.estimate
    start = np.where(np.isfinite(estimate), estimate, -sign * _FARTHEST)
    beyond = sign * start < 0
    rejected = -sign * search.z > search.critical
    inner = np.where(beyond & ~rejected, 0.0, start)
    outer = np.where(beyond & rejected, 0.0, end)
    guess = search.centre + sign * search.critical * search.error
    guess = np.where(sign * guess > sign * inner, guess, inner + sign * search.error)
    return Bracket(sign, inner, outer, ~(beyond & rejected), guess, search.error)


def _errors(tables: Tables, test: Test) -> tuple[Floats, Floats]:
    """Return the errors of a difference and of a log ratio, roughly.

    Those without an effect and with half a success more.
    """
    weight, units = tables.sums(tables.weights), tables.sums(tables.n1 + tables.n0)
    half = quotient(weight, 2 * units)
    error = np.sqrt(test.variance + half)
    return quotient(error, weight, np.nan), quotient(error, test.events + half, np.nan)
