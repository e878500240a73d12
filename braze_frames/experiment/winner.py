"""Winner: whether the variations of a test differ at all, and which is best."""

from typing import Any

import numpy as np
import pandas as pd

from braze_frames.errors import StatisticsWarning, listed, warn
from braze_frames.experiment.design import (
    Daily,
    Experiment,
    Experiments,
    experiments_of,
)
from braze_frames.experiment.pairs import (
    is_received,
    refuse_unsent,
    single_variation_error,
)
from braze_frames.experiment.table import TEXT, tabulate
from braze_frames.schema.formulas import Definition
from braze_frames.stats.chi_squared import homogeneity

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
    "{cases}. Read more days"
)
_MOVED = (
    "the split between the variations moved, by so many percentage points, and totals "
    "can make up a difference from that: {cases}. Ask lift, which compares day by day"
)


def winner(df: pd.DataFrame, metric: str) -> pd.DataFrame:
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
        float64; ``best`` str, the one with the highest rate; ``significant`` boolean,
        p < 0.05; ``min_expected`` float64, the smallest expected count; ``note`` str,
        why something is NaN.

    Raises
    ------
    FrameError
        There is no such metric, no channel has it, or there is one variation only.

    Warns
    -----
    StatisticsWarning
        An expected count is below 5: chi-squared is too rough there (Cochran 1954). Or
        the split between the variations moved, and totals can make up a difference.

    Notes
    -----
    Pearson's chi-squared of successes and failures by variation, without correction;
    Braze docs, multivariate_analytics.md @8c0d442, name the same test and 0.05. The
    control takes part in conversions only, as it receives nothing. Totals of the days
    on which all have the stats. For metrics where one unit may count many times the
    test does not hold: NaN.

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
    >>> df.braze.winner("unique_open_rate")[["chi2", "p_value", "best"]].round(4)
              chi2  p_value best
    channel
    email    3.541   0.1702    B
    """
    arms = experiments_of(df)
    defined = arms.define(metric)
    daily = arms.daily(defined)
    families = [family for family in arms.families if len(family.arms) > 1]
    if not families:
        raise single_variation_error(arms)
    rows = [
        _test(arms, daily, family, metric, defined.get(family.channel))
        for family in families
    ]
    _warn(_SMALL, _small_counts(families, rows))
    _warn(_MOVED, _moved_splits(arms, families, rows))
    return tabulate(families, rows, _COLUMNS)


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
    above, below = (
        np.where(given, side[taking], 0).sum(axis=1)
        for side in (daily.above, daily.below)
    )
    some = below > 0
    names = [arms.labels[arm] for arm, sent in zip(taking, some, strict=True) if sent]
    x, n = above[some], below[some]
    if len(names) < 2:
        return {"variations": len(names), "note": "less than two variations have units"}
    row = {"variations": len(names), "best": names[int(np.argmax(x / n))]}
    if definition.kind != "proportion":
        many = f"a {definition.kind}: one unit may count many times; use lift"
        return row | {"note": many}
    if (x > n).any():
        return row | {"note": "more successes than units"}
    found = homogeneity(np.column_stack([x, n - x]))
    if np.isnan(found.p_value):
        return row | {"note": "all succeeded, or nobody: nothing to compare"}
    return row | found._asdict() | {"significant": found.p_value < _ALPHA}


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


def _small_counts(families: list[Experiment], rows: list[dict[str, Any]]) -> list[str]:
    return [
        f"{family.name} ({row['min_expected']:.1f})"
        for family, row in zip(families, rows, strict=True)
        if row.get("min_expected", np.inf) < _FEWEST
    ]


def _moved_splits(
    arms: Experiments, families: list[Experiment], rows: list[dict[str, Any]]
) -> list[str]:
    spans = {
        family.name: arms.split_span(family)
        for family, row in zip(families, rows, strict=True)
        if "p_value" in row
    }
    return [f"{name} ({100 * span:.0f})" for name, span in spans.items() if span]


def _warn(text: str, cases: list[str]) -> None:
    if cases:
        warn(text.format(cases=listed(cases)), StatisticsWarning)
