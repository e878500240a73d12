"""What puts a comparison in doubt: signs in its days, and a warning for each kind."""

from collections.abc import Iterable, Mapping, Sequence
from itertools import chain
from typing import NamedTuple

import numpy as np

from braze_frames.core.arrays import Flags, Floats
from braze_frames.errors import StatisticsWarning, listed, warn
from braze_frames.experiment.design import Experiments, alike
from braze_frames.experiment.pairs import LiftRequest
from braze_frames.experiment.results import OVER_DAYS, Columns, Comparison
from braze_frames.scores.tables import quotient
from braze_frames.stats.chi_squared import allocation_shift, same_people
from braze_frames.stats.contrasts import DailyCounts

# Expected successes below which a comparison is rough: Cochran 1954.
FEWEST_EXPECTED = 5.0
# p-value below which days are said to differ by more than chance.
RARE = 0.01
# Days of a week: fewer tell little of the variance between days.
_FEW_DAYS = 7
# p-values below which people are said to be the same, and from how many tests of a
# frame on the stricter one holds: of 20 tests at 1 % one in five frames has an alarm.
_SAME_PEOPLE, _SAME_PEOPLE_OF_MANY, _MANY_TESTS = 0.01, 0.001, 20


class Caveat(NamedTuple):
    """One kind of doubt: why, what helps, how its number reads, which one is worst."""

    why: str
    remedy: str
    number: str = "{:.0f}"
    worst: str = "max"

    def worse(self, one: float, other: float) -> float:
        """Return the worse of two numbers."""
        return max(one, other) if self.worst == "max" else min(one, other)


_SHIFT = (
    "the split between variation and control moved, by so many percentage points, and "
    "pooled totals can make up a lift from that"
)
SAME_SPLIT = "restrict to days with the same split"
CAVEATS = {
    "small_counts": Caveat(
        "fewer than 5 successes are expected in the control",
        "Read more days, or compare what happens more often",
        "{:.1f}",
        "min",
    ),
    "few_days": Caveat(
        "fewer than 7 sending days, which tell little of the variance between days",
        "Read more days",
        worst="min",
    ),
    "overdispersion": Caveat(
        "days differ more than counts alone would make them, which makes intervals too "
        "short; the variance is so many times what se='binomial' takes it for",
        "Use se='day'",
        "{:.1f}",
    ),
    "allocation_change": Caveat(_SHIFT, SAME_SPLIT.capitalize()),
    "pooled_by_stratify": Caveat(_SHIFT, "Leave out stratify=None"),
    "pooled_by_prior": Caveat(_SHIFT, "Leave out prior="),
    "excess_by_day": Caveat(
        "days with more successes than units were found and the totals compared "
        "instead; so many days",
        "Look at those days, or use se='day'",
    ),
    "unsettled_days": Caveat(
        "sending days whose numbers still grow are counted, and the arms may convert "
        "at different speed; so many days",
        "Drop them with df.braze.settled()",
    ),
}
SAME_PEOPLE = Caveat(
    "the split varies less from day to day than new people would make it, so that many "
    "are the same people, counted again, and intervals are too short",
    "Compare one send day, or pass deff= near 1 + (times counted - 1) x rho, rho being "
    "how alike the outcomes of one person are, from 0 to 1",
)


class Returning(NamedTuple):
    """How many of the people of a test are there each day, over how many days."""

    share: float
    days: int

    def __str__(self) -> str:
        times = self.share * self.days
        return (
            f"{self.share:.0%} of the people on each of {self.days} days, so each "
            f"counted about {times:.1f} times"
        )


class PeopleSeen(NamedTuple):
    """What the days of tests say of their people: how many could say something.

    ``rare`` are the tests (campaign, channel) whose people seem the same: with p < 1 %.
    """

    tests: int
    rare: Mapping[tuple[str | None, str], tuple[float, Returning]]

    def returning(self) -> dict[tuple[str | None, str], Returning]:
        """Return the tests whose people are the same on many days.

        One rule for ``lift``, ``check`` and ``srm``: the lower tail of chi-squared of
        arms by days, p < 0.01, and < 0.001 where the frame holds more than 20 tests.
        """
        rare = _SAME_PEOPLE_OF_MANY if self.tests > _MANY_TESTS else _SAME_PEOPLE
        return {test: one for test, (p, one) in self.rare.items() if p < rare}


NOBODY = PeopleSeen(0, {})


def people_seen(arms: Experiments) -> PeopleSeen:
    """Look whether the people of tests are the same on many days."""
    tests, rare = 0, {}
    for families in alike(arms.families):
        seen = same_people(np.stack([arms.people[one.arms] for one in families]))
        tests += int((seen.days > 1).sum())
        for place in np.flatnonzero((seen.days > 1) & (seen.p_value < _SAME_PEOPLE)):
            returning = Returning(float(seen.share[place]), int(seen.days[place]))
            rare[families[place].place] = float(seen.p_value[place]), returning
    return PeopleSeen(tests, rare)


def merge_people(parts: Sequence[PeopleSeen]) -> PeopleSeen:
    """Put together what parts say of their people."""
    rare = dict(chain.from_iterable(part.rare.items() for part in parts))
    return PeopleSeen(sum(part.tests for part in parts), rare)


_NONE = np.empty(0)


class CaveatCounts(NamedTuple):
    """For each comparison its name, and a number per kind of caveat; NaN: no doubt."""

    names: Sequence[str]
    numbers: dict[str, Floats]

    def only(self, kind: str) -> "CaveatCounts":
        """Return the numbers of one kind."""
        return self._replace(numbers={kind: self.numbers[kind]})


def numbers_of(
    case: Comparison, columns: Columns, asked: LiftRequest, late: Flags
) -> dict[str, Floats]:
    """Return the number of each kind of caveat, NaN where there is no doubt.

    Parameters
    ----------
    case, columns, asked
        The comparisons, their answers, and what was asked of them.
    late : ndarray
        The days that still grow.
    """
    days, over_days = case.days.daily, np.isin(columns["chosen"], OVER_DAYS)
    known, by_day = np.isfinite(columns["p_value"]), columns["by_day"]
    sending = days.sending.sum(axis=1)
    excess = (days.sending & ~days.possible).sum(axis=1)
    growing = (late & ((days.n1 > 0) | (days.n0 > 0))).sum(axis=1)
    expected = _expected(days)
    moved = allocation_shift(np.stack([days.n1, days.n0], axis=1))
    broken = columns["wanted"] & ~over_days & (sending > 1) & (excess > 0)
    pooled = known & ~by_day & (moved > 0)
    asked_so = case.same_day & (asked.stratify is None)
    by_prior = case.same_day & ~asked_so & (asked.prior is not None)
    noisy = known & ~over_days & (columns["dispersion_p"] < RARE)
    found = {
        "small_counts": (known & ~over_days & (expected < FEWEST_EXPECTED), expected),
        "few_days": (over_days & (sending > 0) & (sending < _FEW_DAYS), sending),
        "overdispersion": (noisy, columns["dispersion"]),
        "allocation_change": (pooled & ~asked_so & ~by_prior & ~broken, 100 * moved),
        "pooled_by_stratify": (pooled & asked_so, 100 * moved),
        "pooled_by_prior": (pooled & by_prior, 100 * moved),
        "excess_by_day": (broken, excess),
        "unsettled_days": (known & (growing > 0), growing),
    }
    return {kind: np.where(*pair, np.nan) for kind, pair in found.items()}


def _expected(days: DailyCounts) -> Floats:
    """Return the control's successes if both arms had the same rate."""
    y1, n1, y0, n0 = (part[:, 0] for part in days.totals())
    return n0 * quotient(y1 + y0, n1 + n0)


Cases = Mapping[str, Mapping[str, float]]
"""Kind of caveat → test → its number, the worst one of each."""


def cases_of(found: Iterable[CaveatCounts]) -> Cases:
    """Return the doubts of some comparisons."""
    signs = list(found)
    return {kind: _cases(signs, kind) for kind in CAVEATS}


def merge_cases(parts: Iterable[Cases]) -> Cases:
    """Put doubts together; a test keeps its worst one."""
    merged: dict[str, dict[str, float]] = {kind: {} for kind in CAVEATS}
    for part in parts:
        for kind, cases in part.items():
            worst = CAVEATS[kind].worse
            for name, number in cases.items():
                merged[kind][name] = worst(merged[kind].get(name, number), number)
    return merged


def warn_of_caveats(found: Cases) -> None:
    """Warn once of each kind, with the numbers of up to five tests."""
    for kind, caveat in CAVEATS.items():
        cases = found.get(kind, {})
        _warn(caveat, {n: caveat.number.format(value) for n, value in cases.items()})


def warn_of_returning_people(
    found: PeopleSeen, compared: Mapping[str, tuple[str | None, str]]
) -> None:
    """Warn once of the tests (name → place) whose people are the same on many days."""
    returning = found.returning()
    cases = {
        name: str(returning[place])
        for name, place in compared.items()
        if place in returning
    }
    _warn(SAME_PEOPLE, cases)


def _warn(caveat: Caveat, cases: Mapping[str, str]) -> None:
    if cases:
        shown = listed(f"{name} ({number})" for name, number in cases.items())
        warn(f"{caveat.why}: {shown}. {caveat.remedy}", StatisticsWarning)


def _cases(signs: Sequence[CaveatCounts], kind: str) -> dict[str, float]:
    """Return name → number, the worst one of each name."""
    cases: dict[str, float] = {}
    for one in signs:
        for row in np.flatnonzero(~np.isnan(one.numbers.get(kind, _NONE))):
            name, number = one.names[int(row)], float(one.numbers[kind][row])
            cases[name] = CAVEATS[kind].worse(cases.get(name, number), number)
    return cases
