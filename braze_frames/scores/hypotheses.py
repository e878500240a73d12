"""What is asked of two arms: a difference or a ratio of rates, and its score statistic.

A value is far off by a distance, which is linear in the value, over the root of the
variance that the arms would have if it were true: the sum of the strata's, each at its
most likely rates under that value.
"""

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

from braze_frames.core.arrays import Flags, Floats
from braze_frames.scores.tables import Tables, quotient


class Strata(NamedTuple):
    """Counts of strata, and what their variances p (1 - p) are multiplied with.

    The weights squared times the factor over the units: 0 where an arm is empty, which
    then has 1 unit for its count.
    """

    x1: Floats
    n1: Floats
    x0: Floats
    n0: Floats
    by1: Floats
    by0: Floats

    def take(self, rows: Any) -> "Strata":
        """Return some of the comparisons."""
        return Strata(*(part[rows] for part in self))

    def only(self, counted: Flags) -> "Strata":
        """Return the strata; those that are not counted have no variance."""
        by1, by0 = (np.where(counted, part, 0.0) for part in (self.by1, self.by0))
        return self._replace(by1=by1, by0=by0)

    def nodes(self) -> "Strata":
        """Return the strata with an axis for several values each."""
        return Strata(*(part[..., None] for part in self))


def strata_of(tables: Tables) -> Strata:
    """Return the strata of tables."""
    used = tables.weights > 0
    units1, units0 = (np.where(used, part, 1.0) for part in (tables.n1, tables.n0))
    squares = tables.weights**2 * tables.factor
    x1, x0 = (np.where(used, part, 0.0) for part in (tables.x1, tables.x0))
    return Strata(x1, units1, x0, units0, squares / units1, squares / units0)


class Hypotheses(NamedTuple):
    """Differences or log ratios of rates.

    The distance from a value is ``above`` - ``factor`` (value) ``below``, both one a
    comparison; ``variances`` returns the strata's at values that fit them.
    """

    tables: Tables
    above: Floats
    below: Floats
    factor: Callable[[Floats], Floats]
    variances: Callable[[Strata, Floats], Floats]

    def rows(self, rows: Any) -> "Hypotheses":
        """Return some of the comparisons."""
        tables, above, below = (
            self.tables.rows(rows),
            self.above[rows],
            self.below[rows],
        )
        return self._replace(tables=tables, above=above, below=below)

    def variance_at(self, value: float) -> Floats:
        """Return the variance of each comparison at one value for all."""
        strata = strata_of(self.tables)
        return self.tables.sums(self.variances(strata, np.array(value)))

    def exactly(self) -> Callable[[Floats, Any], Floats]:
        """Return the function of values and rows that sums the strata's variances."""
        strata = strata_of(self.tables.cut())

        def variance(value: Floats, rows: Any) -> Floats:
            found: Floats = self.variances(strata.take(rows), value[:, None]).sum(
                axis=-1
            )
            return found

        return variance

    def z(self, value: Floats, variance: Floats, rows: Any = slice(None)) -> Floats:
        """Return some statistics; 0 without a distance, whatever the variance."""
        distance = self.above[rows] - self.factor(value) * self.below[rows]
        with np.errstate(divide="ignore", invalid="ignore"):
            z = distance / np.sqrt(variance)
        return np.where(distance == 0, 0.0, z)


def differences(tables: Tables) -> Hypotheses:
    """Ask for p1 - p0 (Mee 1984; by strata Miettinen & Nurminen 1985)."""
    rate1, rate0 = tables.rates
    weights = tables.weights
    above, below = tables.sums(weights * (rate1 - rate0)), tables.sums(weights)
    return Hypotheses(tables, above, below, np.positive, _of_difference)


def log_ratios(tables: Tables) -> Hypotheses:
    """Ask for log(p1 / p0) (Koopman 1984), of rates that are not both near 1."""
    rate1, rate0 = tables.rates
    weights = tables.weights
    above, below = tables.sums(weights * rate1), tables.sums(weights * rate0)
    return Hypotheses(tables, above, below, np.exp, _of_ratio)


def log_ratios_near_one(tables: Tables) -> Hypotheses:
    """Ask for the same of rates near 1, by the failures, which hold the digits."""
    rate0, weights = tables.rates[1], tables.weights
    left1 = quotient(tables.n1 - tables.x1, tables.n1)
    left0 = quotient(tables.n0 - tables.x0, tables.n0)
    above, below = tables.sums(weights * (left0 - left1)), tables.sums(weights * rate0)
    return Hypotheses(tables, above, below, np.expm1, _of_ratio_by_failures)


def _of_difference(strata: Strata, delta: Floats) -> Floats:
    """Return the strata's variances at the most likely rates that differ by ``delta``.

    The root of the cubic in Miettinen & Nurminen 1985, then two steps of Newton on the
    cubic in factors, which brings back the digits that the closed form loses.
    """
    x1, n1, x0, n0, by1, by0 = strata
    a = n1 + n0
    third = 1 / (3 * a)
    b = (a + n0) * third * delta - (a + x1 + x0) * third
    c = (n0 * third * delta - (a + 2 * x0) * third) * delta + (x1 + x0) * third
    d = 1.5 * x0 * third * (delta * (1 - delta))
    v = b * (b * b - 1.5 * c) + d
    u = np.sqrt(np.maximum(b * b - c, 0))
    u = np.where(v < 0, -u, u)
    angle = np.arccos(np.clip(v / np.where(u == 0, 1, u * u * u), -1, 1))
    low, high = np.maximum(0, -delta), np.minimum(1, 1 - delta)
    rate = np.clip(2 * u * np.cos((np.pi + angle) / 3) - b, low, high)
    for _ in range(2):
        rate = np.clip(rate - _newton_step(strata, delta, rate), low, high)
    other = rate + delta
    spread1, spread0 = other * (1 - other), rate * (1 - rate)
    return np.asarray(by1 * np.maximum(spread1, 0) + by0 * spread0)


def _newton_step(strata: Strata, delta: Floats, rate: Floats) -> Floats:
    x1, n1, x0, n0, *_ = strata
    other = rate + delta
    left1, left0 = x1 - n1 * other, x0 - n0 * rate
    spread1, spread0 = other * (1 - other), rate * (1 - rate)
    slope = (
        left1 * (1 - 2 * rate) - n1 * spread0 + left0 * (1 - 2 * other) - n0 * spread1
    )
    value = left1 * spread0 + left0 * spread1
    return np.divide(value, slope, out=np.zeros_like(value), where=slope < 0)


def _of_ratio(strata: Strata, log: Floats) -> Floats:
    """Return the strata's variances at the most likely rates whose ratio is θ."""
    x1, n1, x0, n0, by1, by0 = strata
    theta = np.exp(log)
    a = (n1 + n0) * theta
    b = n1 * theta + x1 + n0 + x0 * theta
    c = x1 + x0
    rate0 = 2 * c / (b + np.sqrt(np.maximum(b * b - 4 * a * c, 0)))
    rate1 = theta * rate0
    variance1, variance0 = (p * np.maximum(1 - p, 0) for p in (rate1, rate0))
    return np.asarray(by1 * variance1 + theta**2 * by0 * variance0)


def _of_ratio_by_failures(strata: Strata, log: Floats) -> Floats:
    """Return the same from failures f = n - x, with em = θ - 1."""
    x1, n1, x0, n0, by1, by0 = strata
    theta, em = np.exp(log), np.expm1(log)
    f1, f0, units = n1 - x1, n0 - x0, n1 + n0
    root = np.sqrt((em * (n1 + x0) + f1 - f0) ** 2 + 4 * theta * f1 * f0)
    both = theta * f0 + f1
    left1 = _root_plus(both - em * units, root, 4 * units * em * f1)
    left0 = _root_plus(both + em * units, root, -4 * units * theta * em * f0)
    left1, left0 = left1 / (2 * units), left0 / (2 * units * theta)
    variance1, variance0 = (
        np.clip(q, 0, 1) * np.clip(1 - q, 0, 1) for q in (left1, left0)
    )
    return np.asarray(by1 * variance1 + theta**2 * by0 * variance0)


def _root_plus(part: Floats, root: Floats, product: Floats) -> Floats:
    """Return root + part; of a negative part from product = root² - part²."""
    opposite = part < 0
    return np.where(opposite, product / np.where(opposite, root - part, 1), root + part)
