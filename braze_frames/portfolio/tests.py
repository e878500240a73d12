"""The results table of all tests of a frame, with a verdict on each."""

from collections.abc import Mapping, Sequence
from itertools import chain
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from braze_frames.core.arrays import Floats
from braze_frames.core.numbers import number
from braze_frames.core.parts import Elsewhere, answered
from braze_frames.errors import StatisticsWarning, warn
from braze_frames.experiment.design import Experiment, Experiments
from braze_frames.experiment.gather import (
    TEXT,
    Scope,
    arms_of,
    merge_scopes,
    of_like_length,
    scope_of,
    together,
)
from braze_frames.experiment.lift import AllSteps, ComparedPart, merge_compared
from braze_frames.frame.provenance import (
    labelled,
    settled_until_each,
    significant_attrs,
)
from braze_frames.frame.provenance import settled as keep_settled
from braze_frames.portfolio.random_effects import FEWEST_COMPARISONS, random_effects
from braze_frames.schema.channels import STAT
from braze_frames.schema.formulas import define, lacking, metrics_of
from braze_frames.schema.rates import BETTER, PRIMARY_RATE
from braze_frames.schema.units import units_of
from braze_frames.stats.multiplicity import adjust
from braze_frames.stats.power import detectable

_REVENUE = "revenue_per_recipient"
_CONF_LEVEL = 0.95
_ENDS = ("", "_low", "_high")
_TESTED = {
    "control": TEXT,
    **dict.fromkeys(("rate", "control_rate"), "float64"),
    **dict.fromkeys([f"lift{end}" for end in _ENDS], "float64"),
    "p_adjusted": "float64",
    "significant": "boolean",
    **dict.fromkeys([f"incremental{end}" for end in _ENDS], "float64"),
}
_REVENUES = dict.fromkeys([f"revenue_incremental{end}" for end in _ENDS], "float64")
_INNER = ("p_value", "mde", "diff")
_JUDGED = {
    **dict.fromkeys(("p_portfolio", "shrunk"), "float64"),
    **dict.fromkeys(("verdict", "note"), TEXT),
}
# What a row keeps until the whole is known: of its revenue, and why it is a pair.
_SAID, _PAIRED = "said of revenue", "why in pairs"
_UNKNOWN = (
    "the frame does not know which days are settled, so all are read, and young ones "
    "can make up a lift: drop them with df.braze.settled(until=…), or carry over what "
    "it was read with: out.attrs.update(df.attrs)"
)
_FEW = "fewer than 3 comparisons, so nothing is said of all together"
_GROWING = "all its days still grow; settled=False reads them"
_SUMMARY = {
    **{"lift": "mean", "lift_low": "low", "lift_high": "high"},
    **{"prediction_low": "pred_low", "prediction_high": "pred_high"},
}


# The name is the contract's; pytest's rule on defaults takes it for a test.
def tests(
    df: pd.DataFrame,
    metric: str = PRIMARY_RATE,  # noqa: PT028
    *,
    settled: bool = True,  # noqa: PT028
) -> pd.DataFrame:
    """Compare the variations of all tests, and say in a sentence what came of each.

    Parameters
    ----------
    df : DataFrame
        The variation grain, of one or many campaigns. Channels with one variation are
        no tests, and give no row.
    metric : str
        A name of ``bf.glossary()``.
    settled : bool
        Read the days that no longer grow, as far as ``attrs`` know; a frame that does
        not know is read whole, with one warning. False reads all days.

    Returns
    -------
    DataFrame
        A row for each variation but the control. Where a test has no control, or one
        that can't have the metric as it receives nothing (subject lines by open rate),
        its variations are compared in pairs, a row a pair, the lower rate as the
        control. Index (``campaign``,) ``channel``, ``variation``. Columns:

        - ``control`` str: what it is compared with; missing where nothing could be.
        - ``rate, control_rate, lift, lift_low, lift_high, p_adjusted`` float64,
          ``significant`` boolean, ``incremental, incremental_low, incremental_high``
          float64: as in ``lift``, 95 %, Holm within a test.
        - ``revenue_incremental, revenue_incremental_low, revenue_incremental_high``
          float64, USD, where the frame has revenue.
        - ``p_portfolio`` float64: p adjusted over all rows (Benjamini & Hochberg 1995).
        - ``shrunk`` float64: the lift drawn to the mean of all, by as much as its own
          error is large: the largest lifts of many are partly luck.
        - ``verdict`` str: better, worse, no difference found and the smallest that
          could have been, or why it cannot be compared. ``note`` str.

        ``attrs["braze"]["portfolio"]`` holds ``tests`` (comparisons with a control),
        ``lift, lift_low, lift_high`` (their mean), ``prediction_low, prediction_high``
        (where the lift of a next test may lie), ``tau2`` (variance of true log lifts),
        ``q, q_p`` (test of whether there is any); None with fewer than 3 comparisons.

    Raises
    ------
    FrameError
        The frame has no variations; there is no such metric, or no channel has it.

    Warns
    -----
    StatisticsWarning
        As in ``lift``; the frame does not know which days are settled; there is no
        test.

    Notes
    -----
    50 tests without any effect show one or more significant at 5 % in 92 %, where each
    is judged alone: ``p_portfolio`` makes up for that. Random effects of log ratios:
    restricted maximum likelihood, interval of Hartung & Knapp 2001. Comparisons of one
    test share their control, which the model takes for independent; pairs without a
    control have no side, and take no part.

    Examples
    --------
    >>> import braze_frames as bf
    >>> counts = {"Red": (9000, 540), "Control Group": (9100, 450)}
    >>> entries = [
    ...     {"variation_name": name, "unique_recipients": n, "conversions": x}
    ...     for name, (n, x) in counts.items()
    ... ]
    >>> day = {"time": "2026-03-01", "messages": {"email": entries}}
    >>> df = bf.read_braze_series({"data": [day]})
    >>> df.braze.tests("conversion_rate", settled=False)["verdict"].iloc[0]
    "better than 'Control Group': lift +21.3 % (+7.4 % to +37.0 %)"
    """
    return answered(df, TestsSteps(metric, settled))


class TestsPart(NamedTuple):
    """The tests of some parts.

    ``tables`` have a row for each comparison; ``compared`` says what is to be refused
    and warned of; ``read`` is the scope of the days that are read. ``known``: whether
    it is known which are settled.
    """

    scope: Scope
    read: Scope
    tables: Sequence[pd.DataFrame]
    compared: Sequence[ComparedPart]
    known: bool


class TestsSteps(NamedTuple):
    """The steps of ``tests``."""

    metric: str
    settled: bool

    @property
    def needs_whole_campaigns(self) -> bool:
        """Variations are compared within their campaign."""
        return True

    def partial(
        self, df: pd.DataFrame, elsewhere: Elsewhere | None = None
    ) -> TestsPart:
        """Compare the tests of a part."""
        arms = arms_of(df)
        scope = scope_of(df, arms)
        if arms is None:
            return TestsPart(scope, scope, [], [], known=True)
        asked = {one.place: one for one in arms.families if len(one.arms) > 1}
        others = [_REVENUE] if _may_give_revenue(scope, elsewhere) else []
        known = not np.isnat(settled_until_each(df, arms.campaigns)).any()
        kept = keep_settled(df) if self.settled and known else df
        left = arms_of(kept)
        of_left = [] if left is None else left.families
        read = {one.place for one in of_left if len(one.arms) > 1}
        parts, steps = of_like_length(kept), AllSteps(self.metric, others)
        compared = [steps.partial(part) for part in parts] if read else []
        tables = [_shown(one, others) for one in compared]
        tables += [
            _growing(arms, one, others)
            for place, one in asked.items()
            if place not in read
        ]
        found = [_with_reasons(pd.concat(tables), arms)] if tables else []
        compared = [one._replace(tables=[]) for one in compared]
        return TestsPart(scope, scope_of(kept, left), found, compared, known)

    def merge(self, parts: Sequence[TestsPart]) -> TestsPart:
        """Put the tests of parts together."""
        compared = [*chain(*(part.compared for part in parts))]
        return TestsPart(
            merge_scopes([part.scope for part in parts]),
            merge_scopes([part.read for part in parts]),
            [*chain(*(part.tables for part in parts))],
            [merge_compared(compared)] if compared else [],
            all(part.known for part in parts),
        )

    def finish(self, part: TestsPart) -> pd.DataFrame:
        """Return the table of the whole, with a verdict on each; warn of doubts."""
        if self.settled and not part.known:
            warn(_UNKNOWN, StatisticsWarning)
        others = [_REVENUE] if _may_give_revenue(part.scope, None) else []
        for one in part.compared:
            AllSteps(self.metric, others).check(one._replace(scope=part.read))
        if not part.tables:
            warn("there is no test: no channel has two variations", StatisticsWarning)
        several = part.scope.several
        tables = part.tables or [_with_reasons(_blank([], several, others), None)]
        table = _without_revenue(together(tables, several=several), others)
        about = {"settled_only": self.settled, **part.read.days()}
        return _judged(table, self.metric, about)


def _may_give_revenue(scope: Scope, elsewhere: Elsewhere | None) -> bool:
    """Tell whether the frame gives revenue, or may where other parts do."""
    if _REVENUE not in metrics_of(scope.channels):
        return False
    defined, more = define(_REVENUE, scope.channels), {*STAT} if elsewhere else set()
    return not lacking(defined, {*scope.stats} | more)


def _shown(part: ComparedPart, others: Sequence[str]) -> pd.DataFrame:
    """Return the columns of ``lift`` that are shown, and those that are judged by."""
    (table,), *more = part.tables
    table = table[[*_TESTED, *_INNER, "note"]].copy()
    for name, (other,) in zip(others, more, strict=True):
        for end in _ENDS:
            table[f"revenue_incremental{end}"] = other[f"incremental{end}"]
        said = other["note"].where((table["note"] == "") & (other["note"] != ""), "")
        table[_SAID] = said.where(said == "", f"{name}: " + said)
    return table


def _without_revenue(table: pd.DataFrame, others: Sequence[str]) -> pd.DataFrame:
    """Say what is to say of revenue; leave it out where the whole gives none."""
    if others:
        table = table.assign(note=table["note"] + table[_SAID])
    unasked = [_SAID] if others else [_SAID, *_REVENUES]
    return table.drop(columns=unasked, errors="ignore")


def _growing(arms: Experiments, family: Experiment, others: list[str]) -> pd.DataFrame:
    """Return rows of a test all of whose days still grow."""
    labels = [arms.labels[arm] for arm in family.arms if arm != family.control]
    rows = [(*family.place, label) for label in labels]
    table = _blank(rows, family.campaign is not None, others)
    return table.assign(note=_GROWING)


def _blank(
    rows: Sequence[tuple[str | None, ...]], several: bool, others: list[str]
) -> pd.DataFrame:
    """Return rows (campaign, channel, variation) of which nothing is known."""
    names = ["campaign", "channel", "variation"]
    levels = [
        pd.Index([row[place] for row in rows], dtype=TEXT, name=name)
        for place, name in enumerate(names)
    ]
    index = pd.MultiIndex.from_arrays(levels if several else levels[1:])
    dtypes = {**_TESTED, **dict.fromkeys(_INNER, "float64"), "note": TEXT}
    dtypes |= _REVENUES if others else {}
    columns = {
        name: pd.Series(index=index, dtype=kind) for name, kind in dtypes.items()
    }
    table = pd.DataFrame(columns, index=index)
    return (
        table.assign(**{_SAID: pd.Series("", index, dtype=TEXT)}) if others else table
    )


def _with_reasons(table: pd.DataFrame, arms: Experiments | None) -> pd.DataFrame:
    """Leave out controls that nothing was compared with; say why rows are pairs."""
    if arms is None:
        return table.assign(**{_PAIRED: pd.Series("", table.index, dtype=TEXT)})
    places = [*range(table.index.nlevels - 1)]
    table = table.sort_index(level=places, sort_remaining=False, kind="stable")
    table = table[~_uncompared_controls(table, arms)]
    reasons = pd.Series(_why_in_pairs(table, arms), table.index, dtype=TEXT)
    return table.assign(**{_PAIRED: reasons})


# --- judging ---
def _judged(table: pd.DataFrame, metric: str, about: Mapping[str, Any]) -> pd.DataFrame:
    reasons = table[_PAIRED].to_numpy(dtype=object)
    verdicts = [
        _verdict(row, BETTER.get(metric, "up")) for row in table.to_dict("records")
    ]
    p_values = table["p_value"].to_numpy(dtype=float)
    known = np.isfinite(p_values)
    enough = known.sum() >= FEWEST_COMPARISONS
    adjusted = adjust(p_values, "fdr_bh") if enough else np.full(len(table), np.nan)
    summary, shrunk = _portfolio(table, paired=reasons != "")
    unfitted = (reasons == "") & (summary["tau2"] is None)
    few = known & (np.isnan(adjusted) | unfitted)
    parts = [reasons, np.where(few, _FEW, ""), table["note"].to_numpy()]
    notes = ["; ".join(filter(None, row)) for row in zip(*parts, strict=True)]
    table = table.assign(
        p_portfolio=adjusted, shrunk=shrunk, verdict=verdicts, note=notes
    )
    order = [*_TESTED, *(name for name in _REVENUES if name in table), *_JUDGED]
    table = table[order].astype({"verdict": TEXT, "note": TEXT})
    said = {"metrics": [metric], "adjust": "holm", "conf_level": _CONF_LEVEL}
    units = {"units": units_of(table, [metric]), **significant_attrs(table)}
    return labelled(table, {**said, **units, **about, "portfolio": summary})


def _own_controls(table: pd.DataFrame, arms: Experiments) -> list[str | None]:
    """Return for each row the control of its test."""
    controls = {
        one.place: None if one.control is None else arms.labels[one.control]
        for one in arms.families
    }
    several = "campaign" in table.index.names
    places = [key[:2] if several else (None, key[0]) for key in table.index]
    return [controls[place] for place in places]


def _uncompared_controls(table: pd.DataFrame, arms: Experiments) -> Any:
    """Tell which rows are those of a control that nothing was compared with."""
    own = np.array(_own_controls(table, arms), dtype=object)
    labels = table.index.get_level_values("variation").to_numpy(dtype=object)
    return (labels == own) & table["control"].isna().to_numpy()


def _why_in_pairs(table: pd.DataFrame, arms: Experiments) -> list[str]:
    """Say of each row why it is a pair; empty where it is compared with the control."""
    reasons = []
    for own, control in zip(_own_controls(table, arms), table["control"], strict=True):
        if pd.isna(control) or control == own:
            reasons.append("")
        elif own is None:
            reasons.append("no control, so compared in pairs")
        else:
            reasons.append(f"{own!r} can't have this metric, so compared in pairs")
    return reasons


def _verdict(row: Mapping[Any, Any], better: str) -> str:
    """Say in a sentence what came of one comparison."""
    if pd.isna(row["p_value"]):
        why, _, _ = str(row["note"]).partition(";")
        return f"cannot be compared because {why or 'nothing is known'}"
    control = repr(row["control"])
    if row["significant"]:
        up = (row["diff"] > 0) == (better == "up")
        return f"{'better' if up else 'worse'} than {control}: {_lift_of(row)}"
    nothing = f"no difference found to {control}"
    if not np.isfinite(row["mde"]):
        return f"{nothing}, and too few events to tell how large one could be"
    smallest = number(100 * row["mde"], 1)
    return f"{nothing}; the smallest that could have been found is {smallest} %"


def _lift_of(row: Mapping[Any, Any]) -> str:
    if pd.isna(row["lift"]):
        return "the control has no success"
    lift, low, high = (_signed(row[f"lift{end}"]) for end in _ENDS)
    return f"lift {lift} ({low} to {high})"


def _signed(share: float) -> str:
    return f"{number(100 * share, 1, signed=True)} %"


def _portfolio(
    table: pd.DataFrame, *, paired: Any
) -> tuple[dict[str, float | int | None], Floats]:
    """Return the summary of all comparisons with a control, and their shrunk lifts."""
    with np.errstate(divide="ignore", invalid="ignore"):
        effects = np.log1p(table["lift"].to_numpy(dtype=float))
    # ``mde`` is a multiple of the log ratio's error.
    errors = table["mde"].to_numpy(dtype=float) / detectable(1.0, _CONF_LEVEL)
    used = np.isfinite(effects) & (errors > 0) & ~np.asarray(paired, dtype=bool)
    shrunk, count = np.full(len(table), np.nan), int(used.sum())
    if count < FEWEST_COMPARISONS:
        names = [*_SUMMARY, "tau2", "q", "q_p"]
        return {"tests": count, **dict.fromkeys(names)}, shrunk
    found = random_effects(effects[used], errors[used] ** 2, _CONF_LEVEL)
    shrunk[used] = np.expm1(found.shrunk)
    lifts = {n: float(np.expm1(getattr(found, of))) for n, of in _SUMMARY.items()}
    rest = {"tau2": found.tau2, "q": found.q, "q_p": found.q_p}
    return {"tests": count, **lifts, **rest}, shrunk
