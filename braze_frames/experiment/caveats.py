"""What puts a comparison in doubt: signs in its days, and a warning for each kind."""

from collections.abc import Callable, Iterable, Sequence
from typing import NamedTuple

import numpy as np

from braze_frames.core.arrays import Flags, Floats
from braze_frames.errors import StatisticsWarning, listed, warn
from braze_frames.experiment.results import DAY, Columns, Comparison
from braze_frames.stats.chi_squared import allocation_shift
from braze_frames.stats.contrasts import DailyCounts
from braze_frames.stats.scores import quotient


class Caveat(NamedTuple):
    """One kind of doubt in words, how its number reads, and which one is worst."""

    text: str
    number: str
    worst: str = "max"


CAVEATS = {
    "repeated_users": Caveat(
        "the same people may be counted on many days, which makes intervals too short; "
        "recipients of all days over those of the busiest day, so how often one may be "
        "counted at most: {cases}. Compare one send day, or pass deff=1.1, say",
        "{:.1f}",
    ),
    "small_counts": Caveat(
        "fewer than 5 successes are expected in the control: {cases}. Read more days",
        "{:.1f}",
        "min",
    ),
    "few_days": Caveat(
        "fewer than 7 sending days, which tell little of the swing between days: "
        "{cases}. Read more days",
        "{:.0f}",
        "min",
    ),
    "overdispersion": Caveat(
        "days differ more than counts alone would; the variance is so many times what "
        "se='binomial' takes it for: {cases}. Use se='day'",
        "{:.1f}",
    ),
    "allocation_change": Caveat(
        "the split between variation and control moved, by so many percentage points, "
        "and pooled totals can make up a lift from that: {cases}. Prefer "
        "conversion_rate_by_send_time, which is compared day by day",
        "{:.0f}",
    ),
    "excess_by_day": Caveat(
        "days with more successes than units were found and the totals compared "
        "instead: {cases} days. Look at those days",
        "{:.0f}",
    ),
    "unsettled_days": Caveat(
        "sending days whose numbers still grow are counted: {cases} days. Drop them "
        "with df.braze.settled()",
        "{:.0f}",
    ),
}


class CaveatCounts(NamedTuple):
    """For each comparison its name, and a number per kind of caveat; NaN: no doubt."""

    names: Sequence[str]
    numbers: dict[str, Floats]


def numbers_of(
    case: Comparison, columns: Columns, people: tuple[Floats, Floats], late: Flags
) -> dict[str, Floats]:
    """Return the number of each kind of caveat, NaN where there is no doubt.

    Parameters
    ----------
    case, columns
        The comparisons and their answers.
    people : tuple of ndarray
        Recipients of variation and control by day.
    late : ndarray
        The days that still grow.
    """
    days, over_days = case.days, columns["chosen"] == DAY
    known, by_day = np.isfinite(columns["p_value"]), columns["by_day"]
    sending = days.sending.sum(axis=1)
    excess = (days.sending & ~days.possible).sum(axis=1)
    growing = (late & ((days.n1 > 0) | (days.n0 > 0))).sum(axis=1)
    repeats, expected = _repeats(days, people), _expected(days)
    moved = allocation_shift(np.stack([days.n1, days.n0], axis=1))
    several, test = sending > 1, columns["dispersion_p"]
    found = {
        "repeated_users": (known & several & (repeats > 1.5), repeats),
        "small_counts": (known & ~over_days & (expected < 5), expected),
        "few_days": (over_days & (sending > 0) & (sending < 7), sending),
        "overdispersion": (known & ~over_days & (test < 0.01), columns["dispersion"]),
        "allocation_change": (known & ~by_day & (moved > 0), 100 * moved),
        "excess_by_day": (columns["wanted"] & several & (excess > 0), excess),
        "unsettled_days": (known & ~case.same_day & (growing > 0), growing),
    }
    return {kind: np.where(*pair, np.nan) for kind, pair in found.items()}


def _repeats(days: DailyCounts, people: tuple[Floats, Floats]) -> Floats:
    """Return how often one person may be counted at most, in either arm."""
    bounds = []
    for recipients, units in zip(people, (days.n1, days.n0), strict=True):
        given = np.any(recipients, axis=1, keepdims=True)
        counted = np.where(given, recipients, np.maximum(units, 0))
        bounds.append(quotient(counted.sum(axis=1), counted.max(axis=1, initial=0)))
    return np.maximum(*bounds)


def _expected(days: DailyCounts) -> Floats:
    """Return the control's successes if both arms had the same rate."""
    y1, n1, y0, n0 = (part[:, 0] for part in days.totals())
    return n0 * quotient(y1 + y0, n1 + n0)


def warn_of_caveats(found: Iterable[CaveatCounts]) -> None:
    """Warn once of each kind, with the numbers of up to five tests."""
    signs = list(found)
    for kind, caveat in CAVEATS.items():
        cases = _cases(signs, kind, worst=max if caveat.worst == "max" else min)
        if cases:
            shown = listed(
                f"{name} ({caveat.number.format(number)})"
                for name, number in cases.items()
            )
            warn(caveat.text.format(cases=shown), StatisticsWarning)


def _cases(
    signs: Sequence[CaveatCounts], kind: str, worst: Callable[[float, float], float]
) -> dict[str, float]:
    """Return name → number, the worst one of each name."""
    cases: dict[str, float] = {}
    for one in signs:
        for row in np.flatnonzero(~np.isnan(one.numbers[kind])):
            name, number = one.names[int(row)], float(one.numbers[kind][row])
            cases[name] = worst(cases.get(name, number), number)
    return cases
