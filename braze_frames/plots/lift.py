"""The forest: lifts and changes with their intervals, all tests in one panel."""

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
import pandas as pd

from braze_frames.core.names import natural
from braze_frames.core.numbers import number, percent
from braze_frames.drawing.figure import PanelKey, Setting, Words, blank
from braze_frames.drawing.forest import ForestRow, draw_forest
from braze_frames.experiment.design import Experiments
from braze_frames.experiment.lift import compare
from braze_frames.experiment.pairs import Control, LiftRequest, Se, Stratify
from braze_frames.frame.by import WEEKDAY, is_weekday
from braze_frames.frame.levels import grain_of
from braze_frames.frame.levels import labels as labels_in
from braze_frames.frame.provenance import provenance_of
from braze_frames.portfolio.change import change as _change
from braze_frames.schema.formulas import define
from braze_frames.schema.rates import AMOUNTS
from braze_frames.stats.contrasts import Options
from braze_frames.stats.multiplicity import Adjustment
from braze_frames.wording.labels import (
    JOINT,
    Labels,
    Owners,
    about,
    owners_in,
    owners_of_rates,
)
from braze_frames.wording.periods import span

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from braze_frames.drawing.figure import Pictured

_ADJUSTED = {
    "holm": " (Holm)",
    "bonferroni": " (Bonferroni)",
    "fdr_bh": " (Benjamini-Hochberg)",
}
_AS_LIFT = {
    "rate_before": "control_rate",
    "change": "lift",
    "change_low": "lift_low",
    "change_high": "lift_high",
    "p_value": "p_adjusted",
}


def plot_lift(
    df: pd.DataFrame,
    metric: str,
    control: Control = None,
    *,
    se: Se = "auto",
    stratify: Stratify = "auto",
    sequential: bool = False,
    tau: float = 0.10,
    adjust: Adjustment = "holm",
    conf_level: float = 0.95,
    deff: float = 1.0,
    pairs: bool = False,
    prior: tuple[float, float] | None = None,
    margin: float | None = None,
    ax: "Axes | None" = None,
    title: str | None = None,
    labels: Mapping[str, str] | None = None,
    figsize: tuple[float, float] | None = None,
) -> "Pictured":
    """Draw the lift of each variation with its interval: all tests in one forest.

    Parameters
    ----------
    df : DataFrame
        The variation grain.
    metric : str
        A name of ``bf.glossary()``.
    control, se, stratify, sequential, tau, adjust, conf_level, deff, pairs, prior,
    margin
        As in ``lift``.
    ax, title, labels, figsize
        As in ``plot.rates``; in an ``ax`` of yours only the lift is written.

    Returns
    -------
    Axes
        A heading for each test, and a row for each of its variations, best first: the
        point at ``lift``, filled where significant after adjustment, the line from
        ``lift_low`` to ``lift_high``; what goes on beyond the view ends in an arrow.
        Beside it both rates, the lift, and ``p_adjusted``. A row without a lift says
        why.

    Raises
    ------
    ValueError
        More than 24 rows; else as in ``lift``.
    TypeError
        Several metrics.
    FrameError
        As in ``lift``, which also warns; but a frame without rows, or with one
        variation only, makes a picture that says so.

    Examples
    --------
    >>> import braze_frames as bf
    >>> counts = {"Red": (9000, 540), "Control Group": (9000, 450)}
    >>> entries = [
    ...     {"variation_name": name, "unique_recipients": n, "conversions": x}
    ...     for name, (n, x) in counts.items()
    ... ]
    >>> day = {"time": "2026-03-01", "messages": {"email": entries}}
    >>> ax = bf.read_braze_series({"data": [day]}).braze.plot.lift("conversion_rate")
    >>> ax.lines[0].get_xdata().round(3).tolist()
    [0.2]
    """
    setting = Setting(ax, title, figsize)
    check_single(metric)
    names = Labels(df, labels, [metric])
    said, nothing = f"Lift of {names.inside(metric)}", nothing_in(df, metric)
    if nothing:
        return blank(df, said, nothing, setting)
    asked = LiftRequest("", control, se, stratify, pairs, prior)
    options = Options(conf_level, deff, sequential, tau, margin=margin)
    table = compare(df, metric, asked, options, adjust)
    interval = f"lift, {percent(conf_level)} interval"
    columns = ["rate", "other" if pairs else "control", interval, "p"]
    how = _ADJUSTED.get(adjust, "")
    many = f", adjusted for the variations of a test{how}" if how else ""
    notes = [f"{_significance(conf_level)}{many}."]
    notes += ["The intervals are always valid."] if sequential else []
    words = Words(
        said, about(df, names, against(table, names), owners=owners_in(table)), notes
    )
    rows = _rows_of(table, names, "lift", _share_or_usd(metric))
    return draw_forest(df, rows, columns, words, setting)


def plot_change(
    df: pd.DataFrame,
    metric: str,
    *,
    last: int | str = 28,
    to: Literal["previous", "year"] = "previous",
    by: str | Sequence[str] | None = None,
    conf_level: float = 0.95,
    ax: "Axes | None" = None,
    title: str | None = None,
    labels: Mapping[str, str] | None = None,
    figsize: tuple[float, float] | None = None,
) -> "Pictured":
    """Draw how much a rate changed, the last days against those before: a forest.

    Parameters
    ----------
    df, metric, last, to, by, conf_level
        As in ``change``.
    ax, title, labels, figsize
        As in ``plot.rates``.

    Returns
    -------
    Axes
        A row for each group, the largest change first, weekdays from Monday: the point
        at ``change``, filled where significant, the line from ``change_low`` to
        ``change_high``; beside it both rates, the change and the p-value.

    Raises
    ------
    ValueError
        More than 24 rows; else as in ``change``.
    TypeError
        Several metrics.
    FrameError
        As in ``change``.

    Examples
    --------
    >>> import braze_frames as bf
    >>> days = pd.date_range("2026-03-01", periods=56).strftime("%Y-%m-%d")
    >>> opens = [("unique_opens", 90)] * 28 + [("unique_opens", 99)] * 28
    >>> data = [
    ...     {"time": day, "messages": {"email": [{"delivered": 400, stat: n}]}}
    ...     for day, (stat, n) in zip(days, opens)
    ... ]
    >>> df = bf.read_braze_series({"data": data})
    >>> df.attrs["braze"] = {"fetched_at": "2026-04-26"}
    >>> ax = df.braze.plot.change("unique_open_rate")
    >>> ax.lines[0].get_xdata().round(3).tolist()
    [0.1]
    """
    setting = Setting(ax, title, figsize)
    check_single(metric)
    table = _change(df, metric, last=last, to=to, by=by, conf_level=conf_level)
    levels = [str(name) for name in table.index.names if name is not None]
    known = {str(label) for name in levels for label in table.index.unique(name)}
    names = Labels(df, labels, [metric, *known])
    said = f"Change of {names.inside(metric)}"
    periods = provenance_of(table)["periods"]
    spans = " against ".join(span(*periods[part]) for part in ("now", "before"))
    given = table[["rate", "rate_before"]].notna().any(axis=1)
    table = table[given] if given.any() else table
    ranked = not (WEEKDAY in levels and is_weekday(df, WEEKDAY))
    table = table.rename(columns=_AS_LIFT)
    rows = _rows_of(table, names, "change", _share_or_usd(metric), ranked=ranked)
    columns = ["now", "before", f"change, {percent(conf_level)} interval", "p"]
    notes = [f"{_significance(conf_level)}. Before and after is no cause."]
    whole = owners_of_rates(df, define(metric, labels_in(df, "channel") or [""]))
    drawn = Owners(
        *(own or one for own, one in zip(owners_in(table), whole, strict=True))
    )
    words = Words(said, about(df, names, owners=drawn, days=spans), notes)
    return draw_forest(df, rows, columns, words, setting)


def _significance(conf_level: float) -> str:
    return f"* and filled: significant, p below {percent(1 - conf_level)}"


def check_single(metric: object) -> None:
    """Refuse several metrics: a picture shows one.

    Raises
    ------
    TypeError
        It is not a name.
    """
    if not isinstance(metric, str):
        raise TypeError(
            f"metric={metric!r}: a picture shows one metric; draw each by itself"
        )


def nothing_in(df: pd.DataFrame, metric: str) -> str:
    """Say why there is nothing to compare; empty where there is."""
    if grain_of(df) != "variation":
        return ""
    define(metric, labels_in(df, "channel"))
    if not len(df):
        return "the frame has no rows"
    alone = all(len(family.arms) < 2 for family in Experiments(df).families)
    return "one variation only, and nothing to compare it with" if alone else ""


def against(table: pd.DataFrame, names: Labels) -> str:
    """Say over whom a lift is."""
    if "control" in table.index.names:
        return "in pairs"
    found = list(table["control"].dropna().unique())
    own = f"against {names.of('variation', found[0])}" if len(found) == 1 else ""
    return own or "each against its control"


def _rows_of(
    table: pd.DataFrame,
    names: Labels,
    what: str,
    write: Callable[[float], str],
    *,
    ranked: bool = True,
) -> list[ForestRow]:
    """Return the rows of all tests, best first if ``ranked``, under their headings.

    Where rows have no other name than a test, there are no headings.
    """
    levels = [str(name) for name in table.index.names if name is not None]
    outer = [name for name in levels if name in ("campaign", "channel")]
    inner = [name for name in levels if name not in outer]
    outer, inner = (outer, inner) if inner else ([], outer)
    shown = [n for n in outer if len(table.index.unique(n)) > 1]
    # pandas 2 warns of a list of one level
    level = outer if len(outer) > 1 else outer[0] if outer else None
    groups: Any = table.groupby(level=level, sort=False) if outer else [((), table)]
    found: list[ForestRow] = []
    parts = [(_as_key(place), rows) for place, rows in groups]
    for key, rows in sorted(parts, key=lambda part: [*map(natural, part[0])]):
        own = dict(zip(outer, key, strict=True))
        if shown:
            heading = names.join(shown, [own[name] for name in shown])
            found.append(ForestRow(key, heading))
        best = np.argsort(-rows["lift"].to_numpy(), kind="stable")
        for index, row in (rows.iloc[best] if ranked else rows).iterrows():
            labels = dict(zip(levels, _as_key(index), strict=True)) if levels else {}
            name = _name_of(labels, inner, names) or "all"
            found.append(_row((tuple(labels.values()), name), row, what, write))
    return found


def _name_of(labels: Mapping[str, str], inner: Sequence[str], names: Labels) -> str:
    campaign = labels.get("campaign", "")
    levels = ["variation" if name == "control" else name for name in inner]
    shown = [
        names.of(level, labels[name], campaign)
        for level, name in zip(levels, inner, strict=True)
    ]
    return (" vs " if "control" in inner else JOINT).join(shown)


def _as_key(place: Any) -> PanelKey:
    return tuple(map(str, place if isinstance(place, tuple) else (place,)))


def _row(
    place: tuple[PanelKey, str], row: Any, what: str, write: Callable[[float], str]
) -> ForestRow:
    value, low, high = (float(row[one]) for one in ("lift", "lift_low", "lift_high"))
    reading = _reading(value, low, high)
    if not reading:
        return ForestRow(*place, note=f"no {what}: {row['note'] or 'not known'}")
    sure = row["significant"] is not pd.NA and bool(row["significant"])
    p_value = _p_text(float(row["p_adjusted"])) + (" *" if sure else "")
    cells = [write(row["rate"]), write(row["control_rate"]), reading, p_value]
    return ForestRow(*place, value, low, high, sure, cells)


def _reading(value: float, low: float, high: float) -> str:
    """Return an estimate with its limits; empty where nothing is known."""
    limits = f"({_signed(low)} to {_signed(high)})" if np.isfinite(low) else ""
    if np.isfinite(value):
        return f"{_signed(value)} %  {limits}".strip()
    return f"> {_signed(low)} %" if np.isfinite(low) else ""


def _signed(share: float) -> str:
    return number(100 * share, 1, signed=True)


def _share_or_usd(metric: str) -> Callable[[float], str]:
    """Return how the rates of a metric are written; nothing where there is none."""
    scale, unit = (1, "") if metric in AMOUNTS else (100, " %")
    return lambda x: f"{number(scale * x, 2)}{unit}" if np.isfinite(x) else ""


def _p_text(value: float) -> str:
    if np.isnan(value):
        return ""
    return "<.001" if value < 0.001 else f"{value:.3f}".removeprefix("0")
