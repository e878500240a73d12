"""The next test, planned from the last: its base rate, people a day and variations."""

from collections.abc import Callable, Mapping
from numbers import Real
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from braze_frames.core.arrays import Floats, Ints
from braze_frames.core.days import date_of
from braze_frames.experiment.design import (
    Daily,
    Experiment,
    Experiments,
    experiments_of,
)
from braze_frames.experiment.gather import tabulate
from braze_frames.frame.provenance import (
    as_day,
    labelled,
    provenance_of,
    whole_until,
)
from braze_frames.portfolio.change import final_day
from braze_frames.schema.channels import is_day_total
from braze_frames.schema.formulas import Definition
from braze_frames.schema.units import units_of
from braze_frames.stats.power import mde, sample_size

# Conversions are counted for up to 30 days after the send, and the day must be over.
_WINDOW = 31
_FACTS = {"base_rate": "float64", "daily": "float64", "comparisons": "Int64"}
_SIZE = {"control": "Int64", "variation": "Int64", "days": "Int64", "waiting": "Int64"}
_LIFT = {"lift": "float64", "rate": "float64", "days": "Int64", "waiting": "Int64"}
_NOTE = {"note": "str"}


class SizePlan(NamedTuple):
    """Units for each group, and how long that takes.

    ``days`` are for sending, ``waiting`` are those after the last send until the
    numbers no longer grow. ``base_rate``, ``daily`` (people a day, all groups together)
    and ``comparisons`` are what the frame says, or what was given.
    """

    control: int
    variation: int
    days: int
    waiting: int
    base_rate: float
    daily: float
    comparisons: int


class LiftPlan(NamedTuple):
    """The smallest lift found in so many days, and the variation's rate with it.

    The other fields are those of ``SizePlan``.
    """

    lift: float
    rate: float
    days: int
    waiting: int
    base_rate: float
    daily: float
    comparisons: int


class _Basis(NamedTuple):
    """What a test in the frame says of the next one.

    ``share``: of all people, those in the control.
    """

    rate: float
    daily: float
    days: int
    ratio: float
    comparisons: int
    share: float


def plan_sample_size(
    df: pd.DataFrame,
    metric: str,
    lift: float,
    *,
    power: float = 0.8,
    conf_level: float = 0.95,
    ratio: float | None = None,
    comparisons: int | None = None,
    deff: float = 1.0,
) -> SizePlan | pd.DataFrame:
    """Tell how long the next test must run to find a lift.

    Parameters
    ----------
    df : DataFrame
        The variation grain: a campaign like the one that is planned.
    metric : str
        A name of ``bf.glossary()``, of kind ``proportion``.
    lift : float
        The lift worth finding: 0.1 is 10 % more than the control.
    power, conf_level, deff
        As in ``bf.sample_size``.
    ratio, comparisons
        As there; None takes them from the frame: as its people are split between the
        smallest variation and the control, and as many variations as it compares. One
        variation alone is planned as two halves; without a control the variations are
        compared in pairs.

    Returns
    -------
    NamedTuple or DataFrame
        ``control``, ``variation``: units of each group; ``days`` of sending, 14 or
        more; ``waiting``: the days after the last send until the numbers no longer grow
        (0 for opens and clicks); ``base_rate``, ``daily`` (people a day, all groups
        together) and ``comparisons`` as the frame has them. With the level
        ``campaign``, or several channels, a DataFrame with a row for each and a
        ``note``.

    Raises
    ------
    ValueError
        The metric is no proportion of people; there is nothing to plan from; or as in
        ``bf.sample_size``.
    FrameError
        The frame has no variations, or no such metric.

    Warns
    -----
    StatisticsWarning
        The frame does not know which of its days are final.

    Notes
    -----
    The base rate is that of the control, else of all variations together, over the days
    that are final. People a day are those of these days, days without a send included:
    the same people counted on many days make a plan too short, see ``deff``.

    Examples
    --------
    >>> import braze_frames as bf
    >>> with bf.Sandbox() as sandbox, sandbox.connect() as client:
    ...     id_ = sandbox.campaigns["Basket Reminder: Subject Test"]
    ...     df = bf.read_braze_series(id_, client=client)
    >>> plan = df.braze.sample_size("conversion_rate_by_send_time", 0.1)
    >>> plan.days, plan.waiting, plan.comparisons
    (67, 31, 2)
    """
    options: dict[str, Any] = {"power": power, "conf_level": conf_level, "deff": deff}
    given = _given(ratio, comparisons)
    sample_size(
        0.01, lift, **options, **given
    )  # wrong options are told before all else

    def plan(basis: _Basis, waiting: int) -> SizePlan:
        smaller = basis.daily * basis.share * min(1.0, basis.ratio)
        sizes = sample_size(
            basis.rate,
            lift,
            ratio=basis.ratio,
            comparisons=basis.comparisons,
            daily=smaller,
            **options,
        )
        facts = (basis.rate, basis.daily, basis.comparisons)
        return SizePlan(
            sizes.control, sizes.variation, sizes.days or 0, waiting, *facts
        )

    found: SizePlan | pd.DataFrame = _planned(df, metric, given, plan, _SIZE)
    return found


def plan_mde(
    df: pd.DataFrame,
    metric: str,
    *,
    days: float | None = None,
    power: float = 0.8,
    conf_level: float = 0.95,
    ratio: float | None = None,
    comparisons: int | None = None,
) -> LiftPlan | pd.DataFrame:
    """Tell the smallest lift that the next test finds in so many days.

    Parameters
    ----------
    df : DataFrame
        The variation grain: a campaign like the one that is planned.
    metric : str
        A name of ``bf.glossary()``, of kind ``proportion``.
    days : float, optional
        Days of sending. None: as many as the frame has.
    power, conf_level, ratio, comparisons
        As in ``df.braze.sample_size``.

    Returns
    -------
    NamedTuple or DataFrame
        ``lift`` (0.25 is 25 % more) and the variation's ``rate`` with it; ``days`` of
        sending; the rest as in ``df.braze.sample_size``.

    Raises
    ------
    ValueError
        ``days`` is no number of days; so few people find no lift at all; else as in
        ``df.braze.sample_size``.
    FrameError
        The frame has no variations, or no such metric.

    Warns
    -----
    StatisticsWarning
        As in ``df.braze.sample_size``.

    Notes
    -----
    As in ``df.braze.sample_size`` and ``bf.mde``.

    Examples
    --------
    >>> import braze_frames as bf
    >>> with bf.Sandbox() as sandbox, sandbox.connect() as client:
    ...     id_ = sandbox.campaigns["Basket Reminder: Subject Test"]
    ...     df = bf.read_braze_series(id_, client=client)
    >>> plan = df.braze.mde("conversion_rate_by_send_time", days=28)
    >>> round(plan.lift, 3), plan.days, plan.waiting
    (0.156, 28, 31)
    """
    _check_days(days)
    options: dict[str, Any] = {"power": power, "conf_level": conf_level}
    given = _given(ratio, comparisons)
    mde(0.1, 1e9, **options, **given)  # wrong options are told before all else

    def plan(basis: _Basis, waiting: int) -> LiftPlan:
        length = basis.days if days is None else days
        found = mde(
            basis.rate,
            basis.daily * basis.share * length,
            ratio=basis.ratio,
            comparisons=basis.comparisons,
            **options,
        )
        facts = (basis.rate, basis.daily, basis.comparisons)
        return LiftPlan(found.lift, found.rate, int(np.ceil(length)), waiting, *facts)

    found: LiftPlan | pd.DataFrame = _planned(df, metric, given, plan, _LIFT)
    return found


def _given(ratio: float | None, comparisons: int | None) -> dict[str, Any]:
    given = {"ratio": ratio, "comparisons": comparisons}
    return {name: value for name, value in given.items() if value is not None}


def _check_days(days: Any) -> None:
    if days is None:
        return
    number = isinstance(days, Real) and not isinstance(days, bool | np.bool_)
    if not number or not 0 < days < np.inf:
        raise ValueError(f"days={days!r} is no number of days, as 28 is")


def _planned(
    df: pd.DataFrame,
    metric: str,
    given: Mapping[str, Any],
    plan: Callable[[_Basis, int], Any],
    dtypes: Mapping[str, Any],
) -> Any:
    """Plan for each campaign and channel; what cannot be planned says why."""
    arms = experiments_of(df)
    defined = arms.define(metric)
    daily = arms.daily(defined)
    grows = any(
        is_day_total(stat) for one in defined.values() for stat in one.numerator.stats
    )
    end = np.datetime64(date_of(final_day(df, metric, grows=grows)))
    plans: list[Any] = []
    for family in arms.families:
        waiting = _waiting(df, family.campaign) if grows else 0
        try:
            basis = _basis(arms, daily, family, defined.get(family.channel), end)
            plans.append(plan(_with(basis, given), waiting))
        except ValueError as error:
            plans.append(error)
    refused = [one for one in plans if isinstance(one, ValueError)]
    if len(refused) == len(plans):
        raise ValueError(f"{metric} of {arms.families[0].name}: {refused[0]}")
    if len(plans) == 1 and arms.families[0].campaign is None:
        return plans[0]
    rows = [
        {"note": str(one)} if isinstance(one, ValueError) else one._asdict()
        for one in plans
    ]
    table = tabulate(arms.families, rows, {**dtypes, **_FACTS, **_NOTE})
    return labelled(table, {"metrics": [metric], "units": units_of(table, [metric])})


def _with(basis: _Basis, given: Mapping[str, Any]) -> _Basis:
    """Return the basis with what was given; the split follows from it."""
    if not given:
        return basis
    basis = basis._replace(**given)
    return basis._replace(share=1 / (1 + basis.ratio * basis.comparisons))


def _basis(
    arms: Experiments,
    daily: Daily,
    family: Experiment,
    definition: Definition | None,
    end: np.datetime64,
) -> _Basis:
    """Return what one test says.

    Raises
    ------
    ValueError
        The metric is no proportion there, or nothing was counted.
    """
    if definition is None:
        raise ValueError(f"{family.channel} has no such metric")
    if definition.kind != "proportion":
        raise ValueError(
            f"no share of people but a {definition.kind}, in which one may count many "
            "times; there the swing between days decides: see the mde that lift gives"
        )
    number = arms.campaign_of[family.arms[0]]
    final = np.arange(arms.width) < arms.days[number]
    final &= arms.dates[number] <= end
    mine = np.asarray(family.arms)
    counted = daily.given[mine] & final
    y, n = (
        np.where(counted, side[mine], 0).sum(axis=1)
        for side in (daily.above, daily.below)
    )
    sending = np.flatnonzero((daily.below[mine] * counted).sum(axis=0) > 0)
    mine, y, n = mine[n > 0], y[n > 0], n[n > 0]
    base = mine == family.control if family.control in mine else n > 0
    rate = y[base].sum() / n[base].sum() if len(mine) else np.nan
    if not 0 < rate < 1:
        raise ValueError(
            "no base rate between 0 and 1 on the days that are final; read more days"
        )
    last = int(np.flatnonzero(final)[-1])
    length = (arms.dates[number, last] - arms.dates[number, sending[0]]).astype(
        "timedelta64[D]"
    )
    days = int(length.astype(np.int64)) + 1
    return _Basis(
        float(rate), float(n.sum()) / days, days, *_split(mine, n, family.control)
    )


def _split(mine: Ints, n: Floats, control: int | None) -> tuple[float, int, float]:
    """Return ratio, comparisons and the control's share of the people."""
    if len(mine) == 1:
        return 1.0, 1, 0.5
    if control not in mine:
        return 1.0, len(mine) * (len(mine) - 1) // 2, float(n.min() / n.sum())
    own = n[mine == control][0]
    ratio = n[mine != control].min() / own
    return float(ratio), len(mine) - 1, float(own / n.sum())


def _waiting(df: pd.DataFrame, campaign: str | None) -> int:
    """Return how long numbers grow after the send, as far as the frame knows."""
    known = provenance_of(df)
    own = known.get("settled")
    until = own.get(campaign) if isinstance(own, Mapping) else None
    settled = as_day(until) or as_day(known.get("settled_until"))
    read = whole_until(df)
    if settled is None or np.isnat(read):
        return _WINDOW
    return max(int((read - np.datetime64(settled)).astype(np.int64)) + 1, 0)
