"""Where a falling score statistic leaves what is accepted."""

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

from braze_frames.core.arrays import Flags, Floats
from braze_frames.scores.hypotheses import Hypotheses

Variance = Callable[[Floats, Any], Floats]
"""The variance of some comparisons at their values: ``variance(value, rows)``."""

# A step so small ends the search: the secant's next error is far below it. The absolute
# one is for limits at 0, whose relative error is noise.
_STEP, _SMALLEST = 1e-12, 1e-17
# How near a statistic, a number of about 2, is then.
_NEAR = 1e-3
# Steps by the secant alone; from then on every other one halves the bracket, so that
# a statistic with a corner is found in as many steps as bisection takes, twice: 160,
# the widest bracket, takes 64 to 1e-17.
_SECANTS, _STEPS = 8, 150


class Bracket(NamedTuple):
    """What one side's search knows, one value a comparison.

    ``guess`` is where the limit may be, ``error`` what an unit of the statistic is
    there; between ``inner``, which is accepted, and ``outer`` lies the limit. Where
    ``open_end``, nobody has asked whether ``outer`` is rejected: if not, it is the
    limit.
    """

    sign: float
    inner: Floats
    outer: Floats
    open_end: Flags
    guess: Floats
    error: Floats


def crossing(
    asked: Hypotheses, critical: Floats, side: Bracket, variance: Variance
) -> Floats:
    """Return the values at which the statistic crosses ``critical``.

    The secant, kept inside a bracket.
    """
    inner, outer, open_end = side[1:4]
    value = _inside(side.guess, inner, outer)
    limit = value.copy()
    # The statistic is nearly linear: an error nearer it is smaller by one.
    before = value - side.sign * side.error
    less: Floats | None = None
    rows: Any = np.arange(len(value))
    for step in range(_STEPS):
        chosen = slice(None) if len(rows) == len(limit) else rows
        z = asked.z(value, variance(value, chosen), chosen)
        excess = -side.sign * z - critical[chosen]
        outside = excess > 0
        inner, outer = np.where(outside, [inner, value], [value, outer])
        open_end = open_end & ~outside
        with np.errstate(divide="ignore", invalid="ignore"):
            rise = 1.0 if less is None else excess - less
            after = value - excess * (value - before) / rise
        # From an infinite statistic there is no secant.
        after = np.where(np.isfinite(rise), after, np.nan)
        small = abs(after - value) <= _STEP * abs(value) + _SMALLEST
        # Far out a statistic may rise so steeply that the secant hardly steps.
        found = (excess == 0) | small & (abs(excess) < _NEAR)
        beyond = open_end & (side.sign * (after - outer) > 0)
        halve = step >= _SECANTS and step % 2 == 1
        inside = _inside(after, inner, outer, middle=halve)
        after = np.select(
            [found, beyond], [np.where(excess == 0, value, after), outer], inside
        )
        found |= after == value
        limit[rows] = after
        left = ~found
        if not left.any():
            break
        before, less, value = value[left], excess[left], after[left]
        inner, outer, open_end = inner[left], outer[left], open_end[left]
        rows = rows[left]
    return limit


def _inside(
    value: Floats, inner: Floats, outer: Floats, *, middle: bool = False
) -> Floats:
    """Return values that lie between the ends; for others the middle."""
    low, high = np.minimum(inner, outer), np.maximum(inner, outer)
    inside = (low < value) & (value < high) & (not middle)
    return np.where(inside, value, (low + high) / 2)
