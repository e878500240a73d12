"""Variances of many looks at growing series of days, in time linear in the days.

Each look has a value of its own, so that a sum over its days can't be carried on from
the look before. But the sums at one value can: between two values a day's variance is a
polynomial, and the coefficients' running sums are the polynomials of all looks.
"""

from collections.abc import Iterator
from typing import Any, NamedTuple

import numpy as np

from braze_frames.core.arrays import Floats, Ints
from braze_frames.scores.crossing import Variance
from braze_frames.scores.hypotheses import Hypotheses, Strata, strata_of
from braze_frames.scores.tables import Looks

# Looks up to here are summed day by day: their limits lie so far apart that few days
# are polynomials between them, and there is little to sum.
_FIRST = 32
# Terms of a polynomial. A day's variance is analytic up to about its own rate, and the
# values of looks after ``_FIRST`` days reach over a tenth of that: a term is a digit.
_TERMS = 12
# The last two terms of a polynomial over its first: a hundredth of what limits may be
# off, half of which a variance is. A day that has more is summed by itself: where
# nobody or everybody succeeds the most likely rates have a corner.
_ROUGH = 1e-10
# Values that lie nearer to each other are one.
_NARROW = 1e-300
# Days by looks summed at once: more than a processor's cache holds is slower.
_CELLS = 20_000


class Block(NamedTuple):
    """Some looks, by number, and their variance between two values each."""

    rows: Ints
    variance: Variance
    low: Floats
    high: Floats


def exact_blocks(asked: Hypotheses, rows: Ints) -> Iterator[Block]:
    """Yield looks in blocks whose variance is summed day by day."""
    looks = asked.tables.looks
    longest = 1 if looks is None else int(looks.last[rows].max(initial=1))
    step = max(1, _CELLS // longest)
    for start in range(0, len(rows), step):
        part = rows[start : start + step]
        anywhere = np.full(len(part), np.inf)
        yield Block(part, asked.rows(part).exactly(), -anywhere, anywhere)


def blocks_of(
    asked: Hypotheses, rows: Ints, low: Floats, high: Floats
) -> Iterator[Block]:
    """Yield looks in blocks whose variances are polynomials between two values.

    A block ends at twice the days of its first look: the values of its looks differ
    little, and all blocks together sum no more than four times the days.
    """
    looks = asked.tables.looks
    if looks is None:
        yield from exact_blocks(asked, rows)
        return
    strata, last = strata_of(asked.tables), looks.last[rows]
    yield from exact_blocks(asked, rows[last <= _FIRST])
    width = 2 * _FIRST
    while (last > width // 2).any():
        part = rows[(last > width // 2) & (last <= width)]
        if len(part):
            days = Strata(*(counts[:, :width] for counts in strata))
            some = looks.rows(part)
            yield from _polynomials(asked, part, some, days, (low[part], high[part]))
        width *= 2


def _polynomials(
    asked: Hypotheses, rows: Ints, looks: Looks, strata: Strata, ends: tuple[Any, Any]
) -> Iterator[Block]:
    """Yield one block; the polynomials of a series hold for all of its values."""
    # Days without any success have a corner at no effect (0): each side by itself.
    sides, own = np.unique(2 * looks.series + (ends[0] >= 0), return_inverse=True)
    series = sides // 2
    least, most = np.full(len(series), np.inf), np.full(len(series), -np.inf)
    np.minimum.at(least, own, ends[0])
    np.maximum.at(most, own, ends[1])
    centre, half = (most + least) / 2, np.maximum(most - least, _NARROW) / 2
    strata = strata.take(series)
    terms = _terms(asked, strata, centre, half)
    rough = abs(terms[..., -2:]).sum(axis=-1) > _ROUGH * abs(terms[..., 0])
    sums = np.cumsum(np.where(rough[..., None], 0, terms), axis=1)[own, looks.last - 1]
    # The rough days come first; a look counts those that it has seen.
    many = int(rough.sum(axis=1).max(initial=0))
    order = np.argsort(~rough, axis=1, kind="stable")[:, :many]
    step = max(1, _CELLS // max(many, 1))
    for start in range(0, len(rows), step):
        part = slice(start, start + step)
        mine, days = own[part, None], order[own[part]]
        seen = rough[mine, days] & (days < looks.last[part, None])
        apart = strata.take((mine, days)).only(seen)
        variance = _variance(
            asked, sums[part].T, centre[own[part]], half[own[part]], apart
        )
        yield Block(rows[part], variance, least[own[part]], most[own[part]])


def _terms(asked: Hypotheses, strata: Strata, centre: Floats, half: Floats) -> Floats:
    """Return the Chebyshev series of each day's variance around the centre."""
    angles = np.pi * (np.arange(_TERMS) + 0.5) / _TERMS
    values = (centre[:, None] + half[:, None] * np.cos(angles))[:, None, :]
    weights = 2 / _TERMS * np.cos(np.outer(angles, np.arange(_TERMS)))
    weights[:, 0] /= 2
    step = max(1, _CELLS // values.size)
    days = range(0, strata.x1.shape[1], step)
    parts = (strata.take((slice(None), slice(d, d + step))).nodes() for d in days)
    terms = [asked.variances(part, values) @ weights for part in parts]
    return np.concatenate(terms, axis=1)


def _variance(
    asked: Hypotheses, terms: Floats, centre: Floats, half: Floats, apart: Strata
) -> Variance:
    """Return the function that adds a polynomial, and days that are none."""

    def variance(value: Floats, rows: Any) -> Floats:
        place = np.clip((value - centre[rows]) / half[rows], -1, 1)
        found = np.polynomial.chebyshev.chebval(place, terms[:, rows], tensor=False)
        if apart.x1.shape[1]:
            found += asked.variances(apart.take(rows), value[:, None]).sum(axis=-1)
        return np.asarray(found)

    return variance
