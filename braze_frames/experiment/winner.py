"""Winner: whether the variations of a test differ at all, and which is best."""

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from braze_frames.core.arrays import Floats
from braze_frames.core.parts import Elsewhere, answered
from braze_frames.errors import StatisticsWarning, listed, warn
from braze_frames.experiment.design import Daily, Experiment, Experiments
from braze_frames.experiment.gather import (
    TEXT,
    TestedPart,
    arms_of,
    merge_tested,
    of_like_length,
    scope_of,
    tabulate,
)
from braze_frames.experiment.pairs import (
    is_received,
    refuse_unsent,
)
from braze_frames.frame.provenance import labelled
from braze_frames.schema.formulas import Definition, definitions_in
from braze_frames.schema.rates import PRIMARY_RATE
from braze_frames.schema.units import units_of
from braze_frames.scores.tables import quotient
from braze_frames.stats.chi_squared import differ_within_strata, homogeneity

_COLUMNS: dict[str, Any] = {
    "variations": "Int64",
    "chi2": "float64",
    "df": "Int64",
    "p_value": "float64",
    "best": TEXT,
    "significant": "boolean",
    "min_expected": "float64",
    "note": TEXT,
}
_ALPHA = 0.05
_FEWEST = 5
_SMALL = (
    "chi-squared is rough where fewer than 5 successes or failures are expected: "
    "{cases}. Read more days, or compare what happens more often"
)
_MOVED = (
    "the split between the variations moved, by so many percentage points, and totals "
    "can make up a difference from that: {cases}. Restrict to days with the same split"
)


def winner(df: pd.DataFrame, metric: str = PRIMARY_RATE) -> pd.DataFrame:
    """Test whether variations have different rates, all at once.

    Answers "is any of them different", as the dashboard's winner does; which one it
    is, and by how much, is for ``lift`` to say.

    Parameters
    ----------
    df : DataFrame
        The variation grain.
    metric : str
        A name of ``bf.glossary()``.

    Returns
    -------
    DataFrame
        Index (``campaign``,) ``channel``, one row a test. Columns: ``variations``
        Int64, how many are compared; ``chi2`` float64 and ``df`` Int64; ``p_value``
        float64; ``best`` str, the one with the highest rate, where ``significant``
        boolean, p < 0.05, is true; ``min_expected`` float64, the smallest expected
        count; ``note`` str, why something is NaN.

    Raises
    ------
    FrameError
        There is no such metric, no channel has it, or there is one variation only.

    Warns
    -----
    StatisticsWarning
        An expected count is below 5: chi-squared is too rough there (Cochran 1954). Or
        totals are compared and the split between the variations moved, which can make
        up a difference.

    Notes
    -----
    Metrics whose numerator belongs to the day of its denominator are compared within
    the days, where there are several: generalised Cochran-Mantel-Haenszel (Landis,
    Heyman & Koch 1978), so that a split that moves makes up no winner. Others, and
    single sends: Pearson's chi-squared of the totals, without correction; Braze docs,
    multivariate_analytics.md @8c0d442, name this test and 0.05. The control takes part
    in conversions only, as it receives nothing. Days on which all have the stats. For
    metrics where one unit may count many times the test does not hold: NaN.

    Examples
    --------
    >>> import braze_frames as bf
    >>> sizes = {"A": 120, "B": 150, "C": 131}
    >>> entries = [
    ...     {"variation_name": name, "delivered": 5000, "unique_opens": opens}
    ...     for name, opens in sizes.items()
    ... ]
    >>> day = {"time": "2026-03-01", "messages": {"email": entries}}
    >>> df = bf.read_braze_series({"data": [day]})
    >>> df.braze.winner("unique_open_rate")[["chi2", "df", "p_value"]].round(4)
              chi2  df  p_value
    channel
    email    3.541   2   0.1702
    """
    return answered(df, WinnerSteps(metric))


class WinnerSteps(NamedTuple):
    """The steps of ``winner``."""

    metric: str

    @property
    def needs_whole_campaigns(self) -> bool:
        """Variations are compared within their campaign."""
        return True

    def partial(self, df: pd.DataFrame, _: Elsewhere | None = None) -> TestedPart:
        """Test a part."""
        return self.merge([self._tested(part) for part in of_like_length(df)])

    def _tested(self, df: pd.DataFrame) -> TestedPart:
        arms = arms_of(df)
        scope = scope_of(df, arms)
        if arms is None:
            return TestedPart(scope, [], [])
        defined = definitions_in(self.metric, arms.channels)
        daily = arms.daily(defined)
        families = [family for family in arms.families if len(family.arms) > 1]
        rows = [
            _test(arms, daily, family, self.metric, defined.get(family.channel))
            for family in families
        ]
        for family, row in zip(families, rows, strict=True):
            if row.pop("pooled", False):
                row["moved"] = arms.split_span(family)
        return TestedPart(scope, families, rows)

    def merge(self, parts: Sequence[TestedPart]) -> TestedPart:
        """Put the tests of parts together, in the order of campaigns."""
        return merge_tested(parts)

    def finish(self, part: TestedPart) -> pd.DataFrame:
        """Return the table of the whole; refuse, and warn of doubts."""
        part.scope.check_metric(self.metric)
        if not part.families:
            raise part.scope.single_variation_error()
        _warn(_SMALL, _small_counts(part.families, part.rows))
        _warn(_MOVED, _moved_splits(part.families, part.rows))
        table = tabulate(part.families, part.rows, _COLUMNS)
        about = {"metrics": [self.metric], "units": units_of(table, [self.metric])}
        return labelled(table, about)


def _test(
    arms: Experiments,
    daily: Daily,
    family: Experiment,
    metric: str,
    definition: Definition | None,
) -> dict[str, Any]:
    if definition is None:
        return {"note": f"{family.channel} has no {metric}"}
    taking = _taking_part(arms, family, definition)
    given = daily.given[taking].all(axis=0)
    x, n = (np.where(given, side[taking], 0) for side in (daily.above, daily.below))
    some = n.sum(axis=1) > 0
    names = [arms.labels[arm] for arm, sent in zip(taking, some, strict=True) if sent]
    row: dict[str, Any] = {"variations": len(names)}
    if len(names) < 2:
        return row | {"note": "less than two variations have units"}
    if definition.kind != "proportion":
        many = f"a {definition.kind}: one unit may count many times; use lift"
        return row | {"note": many}
    return row | _compared(x[some], n[some], names, same_day=definition.same_day)


def _compared(
    x: Floats, n: Floats, names: list[str], *, same_day: bool
) -> dict[str, Any]:
    """Test successes and units by variation and day; within the days where it can be.

    The best is the one with most successes for those that its days' rates would give
    it: the highest rate, of the same days.
    """
    total, units = x.sum(axis=1), n.sum(axis=1)
    if (total > units).any():
        return {"note": "more successes than units"}
    within = same_day and int(((n > 0).sum(axis=0) > 1).sum()) > 1
    broken = within and bool((x > n).any())
    row = {"note": "more successes than units on a day, so pooled" if broken else ""}
    if total.sum() in (0, units.sum()):
        nothing = {"chi2": 0.0, "df": len(names) - 1, "p_value": 1.0}
        return row | nothing | {"min_expected": 0.0, "significant": False}
    by_day = within and not broken
    found = (
        differ_within_strata(x, n)
        if by_day
        else homogeneity(np.column_stack([total, units - total]))
    )
    expected = (n * quotient(x.sum(axis=0), n.sum(axis=0))).sum(axis=1)
    score = quotient(total, expected) if by_day else total / units
    significant = found.p_value < _ALPHA
    best = {"best": names[int(np.argmax(score))]} if significant else {}
    return (
        row
        | found._asdict()
        | {"significant": significant, "pooled": not by_day}
        | best
    )


def _taking_part(
    arms: Experiments, family: Experiment, definition: Definition
) -> list[int]:
    """Leave out who receives nothing where the metric is of what is received."""
    return [
        arm
        for arm in family.arms
        if refuse_unsent(arms, family, arm, definition) is None
        and (arm != family.control or not is_received(family.channel, definition))
    ]


def _small_counts(
    families: Sequence[Experiment], rows: Sequence[dict[str, Any]]
) -> list[str]:
    return [
        f"{family.name} ({row['min_expected']:.1f})"
        for family, row in zip(families, rows, strict=True)
        if row.get("min_expected", np.inf) < _FEWEST
    ]


def _moved_splits(
    families: Sequence[Experiment], rows: Sequence[dict[str, Any]]
) -> list[str]:
    return [
        f"{family.name} ({100 * row['moved']:.0f})"
        for family, row in zip(families, rows, strict=True)
        if row.get("moved")
    ]


def _warn(text: str, cases: list[str]) -> None:
    if cases:
        warn(text.format(cases=listed(cases)), StatisticsWarning)
