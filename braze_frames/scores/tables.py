"""Successes and units of two arms: one table a comparison, or one a day."""

from typing import Any, NamedTuple

import numpy as np

from braze_frames.core.arrays import Flags, Floats, Ints


class Looks(NamedTuple):
    """What each row sums: the first ``last`` strata (1 or more) of a series."""

    series: Ints
    last: Ints

    def sums(self, parts: Any) -> Any:
        """Sum parts of shape (series, strata) up to each look."""
        return self.sums_of(np.cumsum, parts)

    def sums_of(self, running: Any, parts: Any) -> Any:
        """Return what a running function of parts has come to at each look."""
        return running(parts, axis=1)[self.series, self.last - 1]

    def rows(self, rows: Any) -> "Looks":
        """Return some of the looks."""
        return Looks(self.series[rows], self.last[rows])


class Tables(NamedTuple):
    """Successes and units of both arms, each of shape (comparisons, strata).

    ``stratified`` multiplies each stratum's variance with N / (N - 1), as the tests and
    intervals over several strata do; of two units or less it takes 2. With ``looks``
    the arrays hold series of days, and each look is a comparison.
    """

    x1: Floats
    n1: Floats
    x0: Floats
    n0: Floats
    stratified: bool = False
    looks: Looks | None = None

    def rows(self, rows: Any) -> "Tables":
        """Return some of the comparisons."""
        if self.looks is not None:
            return self._replace(looks=self.looks.rows(rows))
        x1, n1, x0, n0 = (part[rows] for part in self[:4])
        return Tables(x1, n1, x0, n0, self.stratified)

    def cut(self) -> "Tables":
        """Return each look as a comparison of its own; later strata are empty."""
        if self.looks is None:
            return self
        series, last = self.looks
        width = int(last.max(initial=0))
        counted = np.arange(width) < last[:, None]
        x1, n1, x0, n0 = (
            np.where(counted, part[series, :width], 0.0) for part in self[:4]
        )
        return Tables(x1, n1, x0, n0, self.stratified)

    def sums(self, parts: Floats) -> Floats:
        """Sum parts of shape (comparisons or series, strata) for each comparison."""
        found: Floats = (
            parts.sum(axis=-1) if self.looks is None else self.looks.sums(parts)
        )
        return found

    def each(self, values: Any) -> Any:
        """Repeat one value a series for each of its looks."""
        return values if self.looks is None else values[self.looks.series]

    def high(self) -> Flags:
        """Tell where most succeed in both arms, in all strata together."""
        x1, n1, x0, n0 = (part.sum(axis=-1) for part in self[:4])
        return near_one(x1, n1) & near_one(x0, n0)

    def mirrored(self) -> tuple["Tables", Floats]:
        """Return failures for successes in comparisons where most succeed, and signs.

        Rates near 1 hold few of their digits; the failures' rates hold them all. The
        sign is -1 where a difference has changed its own.
        """
        x1, n1, x0, n0 = (part.sum(axis=-1, keepdims=True) for part in self[:4])
        high = x1 + x0 > (n1 + n0) / 2
        x1 = np.where(high, self.n1 - self.x1, self.x1)
        x0 = np.where(high, self.n0 - self.x0, self.x0)
        signs = self.each(np.where(high[:, 0], -1.0, 1.0))
        return self._replace(x1=x1, x0=x0), signs

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
