"""Units of the columns of results, by which tables write their numbers."""

from collections.abc import Iterable, Mapping
from typing import Literal, get_args

from braze_frames.schema.channels import STATS
from braze_frames.schema.rates import AMOUNTS, RATES

Unit = Literal[
    "share", "USD", "count", "lift", "points", "more", "more USD", "p", "number", "days"
]
"""``lift``: 0.1 is 10 % more; ``points``: a difference of shares; ``more``: of counts.

``days`` are effective ones, not whole; ``number`` has no unit.
"""
Units = Mapping[str, Unit | Mapping[str, Unit]]
"""Column → unit; metric → unit where a table of several metrics has no one unit."""
UNITS: tuple[Unit, ...] = get_args(Unit)
AMOUNT_STATS = frozenset(stat.name for stat in STATS if stat.dtype == "Float64")

# The unit where the metric is a share, and where it is an amount.
_OF_METRIC: dict[str, tuple[Unit, Unit]] = {
    **dict.fromkeys(("numerator", "control_numerator", "old", "new"), ("count", "USD")),
    **dict.fromkeys(("rate", "control_rate", "rate_before"), ("share", "USD")),
    "expected_loss": ("share", "USD"),
    "diff": ("points", "more USD"),
    "incremental": ("more", "more USD"),
}
_OF_RESULT: dict[str, Unit] = {
    **dict.fromkeys(("denominator", "control_denominator", "total"), "count"),
    **dict.fromkeys(("variations", "df", "campaigns", "min_expected"), "count"),
    **dict.fromkeys(("control", "variation", "daily", "comparisons"), "count"),
    **dict.fromkeys(("days", "waiting", "rows", "bytes", "window_days"), "count"),
    **dict.fromkeys(("lift", "shrunk", "change"), "lift"),
    **dict.fromkeys(("confidence", "prob_to_beat", "mde", "base_rate"), "share"),
    "share": "share",
    **dict.fromkeys(("p_value", "p_adjusted", "p_margin", "p_portfolio"), "p"),
    **dict.fromkeys(("statistic", "dispersion", "chi2"), "number"),
    "eff_days": "days",
    "revenue_incremental": "more USD",
}
_OF_METRICS: dict[str, Unit] = {
    **{stat.name: "USD" if stat.name in AMOUNT_STATS else "count" for stat in STATS},
    **{rate.metric: "USD" if rate.metric in AMOUNTS else "share" for rate in RATES},
}


def base_name(column: str) -> str:
    """Return the name of a column without the ending of its limits.

    Examples
    --------
    >>> base_name("lift_low"), base_name("lift")
    ('lift', 'lift')
    """
    return column.removesuffix("_low").removesuffix("_high")


def depends_on_metric(column: str) -> bool:
    """Tell whether a column of results has the unit of the metric that was asked."""
    return base_name(column) in _OF_METRIC


def is_of_results(column: str) -> bool:
    """Tell whether a column is one of comparisons, tests or plans, by its name."""
    return depends_on_metric(column) or base_name(column) in _OF_RESULT


def metric_unit(metric: str) -> Unit | None:
    """Return the unit of a stat or a rate; None where it is none of ours.

    Examples
    --------
    >>> metric_unit("sent"), metric_unit("revenue_per_recipient"), metric_unit("mine")
    ('count', 'USD', None)
    """
    return _OF_METRICS.get(metric)


def unit_of(column: str, metric: str = "") -> Unit | None:
    """Return the unit of a column by its name; None where no table of ours has it.

    Examples
    --------
    >>> unit_of("lift_low"), unit_of("diff"), unit_of("diff", "revenue_per_recipient")
    ('lift', 'points', 'more USD')
    """
    name = base_name(column)
    if name in _OF_METRIC:
        return _OF_METRIC[name][metric_unit(metric) == "USD"]
    return _OF_RESULT.get(name) or metric_unit(name)


def units_of(columns: Iterable[object], metrics: Iterable[str]) -> Units:
    """Return the units of the columns of a result, for its ``attrs``.

    Examples
    --------
    >>> units_of(["rate", "note"], ["unique_open_rate"])
    {'rate': 'share'}
    >>> units_of(["lift", "diff"], ["unique_open_rate", "revenue_per_recipient"])
    ... # doctest: +NORMALIZE_WHITESPACE
    {'lift': 'lift',
     'diff': {'unique_open_rate': 'points', 'revenue_per_recipient': 'more USD'}}
    """
    asked = list(metrics)
    units: dict[str, Unit | Mapping[str, Unit]] = {}
    for column in map(str, columns):
        each = {
            metric: unit
            for metric in asked or [""]
            if (unit := unit_of(column, metric)) is not None
        }
        if each:
            alike = {*each.values()}
            units[column] = alike.pop() if len(alike) == 1 else each
    return units
