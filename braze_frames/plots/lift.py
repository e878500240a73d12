"""The forest: the lift of each variation with its interval, best first."""

from collections.abc import Collection, Iterable
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import pandas as pd

from braze_frames.core.arrays import Floats
from braze_frames.core.names import tell_apart
from braze_frames.core.numbers import number, percent
from braze_frames.experiment.lift import lift as _lift
from braze_frames.experiment.pairs import Se, Stratify
from braze_frames.plots.figure import PanelFigure, blank
from braze_frames.plots.layout import (
    Layout,
    check_single,
    layout_of,
    nothing_in,
    over_whom,
    split,
    title_of,
)
from braze_frames.plots.looks import PanelKey, lines_of, names_of
from braze_frames.stats.multiplicity import Adjustment

if TYPE_CHECKING:
    from matplotlib.artist import Artist
    from matplotlib.axes import Axes

    from braze_frames.plots.figure import Pictured

_BLUE = "#5790fc"
_HEAD, _ROW = 1.6, 0.45
_WIDE = 0.1
_NOTE, _READING = 100, 0.1


class Forest(NamedTuple):
    """The rows of a panel, best first: names, estimates, limits and notes."""

    names: list[PanelKey]
    lift: Floats
    low: Floats
    high: Floats
    significant: "np.ndarray[tuple[int], np.dtype[np.bool_]]"
    notes: list[str]


def plot_lift(
    df: pd.DataFrame,
    metric: str,
    control: str | None = None,
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
    ax: "Axes | None" = None,
) -> "Pictured":
    """Draw the lift of each variation with its interval: a forest, best first.

    Parameters
    ----------
    df : DataFrame
        The variation grain. Each channel of each campaign is a panel.
    metric : str
        A name of ``bf.glossary()``.
    control, se, stratify, sequential, tau, adjust, conf_level, deff, pairs, prior
        As in ``lift``.
    ax : Axes, optional
        Where to draw; None makes a figure.

    Returns
    -------
    Axes or ndarray of Axes
        The Axes of one panel; an array where there are several. A row for each
        variation, from the top: the point at ``lift``, the line from ``lift_low`` to
        ``lift_high``, with an arrow where there is no upper limit. Filled points are
        significant after adjustment. A row without a lift says why.

    Raises
    ------
    ValueError
        Several panels and one ``ax``; else as in ``lift``.
    TypeError
        Several metrics.
    FrameError
        As in ``lift``; but a frame without rows, or with one variation only, makes a
        picture that says so.

    Warns
    -----
    StatisticsWarning
        As in ``lift``.

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
    check_single(metric)
    nothing = nothing_in(df, metric)
    if nothing:
        return blank(df, title_of(metric), nothing, ax)
    table = _lift(
        df,
        metric,
        control,
        se=se,
        stratify=stratify,
        sequential=sequential,
        tau=tau,
        adjust=adjust,
        conf_level=conf_level,
        deff=deff,
        pairs=pairs,
        prior=prior,
    )
    return _draw(df, table, (adjust, conf_level, sequential), ax)


def _draw(
    df: pd.DataFrame,
    table: pd.DataFrame,
    how: tuple[str, float, bool],
    ax: "Axes | None",
) -> "Pictured":
    """Draw a table of lifts, which was adjusted, how sure, and to be looked at so."""
    layout = layout_of(table)
    forests = {
        panel: _forest(rows, layout)
        for panel, rows in split(table, layout.panels).items()
    }
    height = _HEAD + _ROW * max(len(forest.names) for forest in forests.values())
    names = {name for one in forests.values() for name in _row_names(one).values()}
    sheet = PanelFigure(
        df, layout.panels, list(forests), ax, names, height=height, rows=True
    )
    limits, ticks = _limits(forests.values()), 5 if len(forests) == 1 else 4
    for panel, forest in forests.items():
        _draw_forest(sheet.panels[panel], forest, limits, ticks)
    sheet.head(title_of(table["metric"].iloc[0]))
    sheet.label(over_whom(table, layout), "")
    sheet.legend(_legend(forests.values(), *how), aside=_room(forests.values()))
    return sheet.result()


def text_color() -> Any:
    """Return the colour of text, which any theme's background lets one see."""
    from matplotlib import rcParams

    return rcParams["text.color"]


def _forest(rows: pd.DataFrame, layout: Layout) -> Forest:
    best = rows.iloc[np.argsort(-rows["lift"].to_numpy(), kind="stable")]
    labels = [best.index.get_level_values(name) for name in layout.lines]
    sure = best["significant"].fillna(value=False)
    return Forest(
        list(zip(*labels, strict=True)),
        best["lift"].to_numpy(),
        best["lift_low"].to_numpy(),
        best["lift_high"].to_numpy(),
        sure.to_numpy(dtype=bool),
        best["note"].tolist(),
    )


def _limits(forests: Iterable[Forest]) -> tuple[float, float]:
    """Return limits that hold 0, all estimates and all limits but infinite ones."""
    parts = [part for one in forests for part in (one.lift, one.low, one.high)]
    seen = np.concatenate([*parts, [0.0]])
    seen = seen[np.isfinite(seen)]
    margin = 0.08 * np.ptp(seen) or 0.1
    return float(seen.min() - margin), float(seen.max() + margin)


def _draw_forest(
    ax: "Axes", forest: Forest, limits: tuple[float, float], ticks: int
) -> None:
    from matplotlib.ticker import MaxNLocator, PercentFormatter

    _draw_points(ax, forest)
    _draw_limits(ax, forest, limits[1])
    ax.axvline(0, color=text_color(), linewidth=1, zorder=1)
    _write(ax, forest)
    names = _row_names(forest)
    ax.set_yticks(range(len(forest.names)), [names[name] for name in forest.names])
    ax.set_ylim(len(forest.names) - 0.5, -0.5)
    ax.set_xlim(limits)
    whole = 0 if np.ptp(limits) > _WIDE else None
    ax.xaxis.set_major_formatter(PercentFormatter(1.0, whole, symbol=" %"))
    ax.xaxis.set_major_locator(MaxNLocator(ticks))


def _row_names(forest: Forest) -> dict[PanelKey, str]:
    return names_of(forest.names, " vs ")


def _draw_points(ax: "Axes", forest: Forest) -> None:
    """Draw the estimates: filled where significant, hollow where not."""
    places = np.arange(len(forest.names))
    known = np.isfinite(forest.lift)
    for chosen, face in ((forest.significant, _BLUE), (~forest.significant, "none")):
        drawn = chosen & known
        if drawn.any():
            ax.plot(forest.lift[drawn], places[drawn], **_point(face))


def _point(face: str) -> dict[str, Any]:
    return {
        "linestyle": "none",
        "marker": "o",
        "markersize": 8,
        "markeredgewidth": 1.5,
        "color": _BLUE,
        "markerfacecolor": face,
        "zorder": 3,
    }


def _draw_limits(ax: "Axes", forest: Forest, edge: float) -> None:
    """Draw the intervals; one without an upper limit ends in an arrow at the edge."""
    open_end = np.isposinf(forest.high)
    high = np.where(open_end, edge, forest.high)
    places = np.arange(len(forest.names))
    ax.hlines(places, forest.low, high, color=_BLUE, linewidth=2)
    if open_end.any():
        ends = np.full(int(open_end.sum()), edge)
        ax.plot(ends, places[open_end], **_arrow(), clip_on=False)


def _arrow() -> dict[str, Any]:
    return {"linestyle": "none", "marker": ">", "markersize": 9, "color": _BLUE}


def _write(ax: "Axes", forest: Forest) -> None:
    """Write each lift beside its row, and the reason where there is none."""
    for place, note in enumerate(forest.notes):
        reading = _reading(forest, place)
        if reading:
            ax.annotate(
                reading,
                (1.0, place),
                xycoords=("axes fraction", "data"),
                xytext=(8, 0),
                textcoords="offset points",
                va="center",
            )
        else:
            (short,) = tell_apart([note or "not known"], _NOTE)
            ax.annotate(
                lines_of(f"no lift: {short}", 50),
                (0.01, place),
                xycoords=("axes fraction", "data"),
                va="center",
                style="italic",
                fontsize="small",
            )


def _reading(forest: Forest, place: int) -> str:
    """Return the lift, or what it is above; empty where neither is known."""
    lift, low = forest.lift[place], forest.low[place]
    mark = " *" if forest.significant[place] else ""
    if np.isfinite(lift):
        return f"{_signed(lift)}{mark}"
    return f"> {_signed(low)}{mark}" if np.isfinite(low) else ""


def _signed(share: float) -> str:
    return f"{number(100 * share, 1, signed=True)} %"


def _room(forests: Iterable[Forest]) -> float:
    """Return how many inches the readings take."""
    readings = [_reading(one, n) for one in forests for n in range(len(one.lift))]
    return _READING * max(map(len, readings))


def _legend(
    forests: Collection[Forest], adjust: str, conf_level: float, sequential: bool
) -> "list[Artist]":
    from matplotlib.lines import Line2D

    how = "" if adjust == "none" else f", {adjust}"
    sure = any(one.significant.any() for one in forests)
    hollow = any((np.isfinite(one.lift) & ~one.significant).any() for one in forests)
    looks = {
        f"* significant at {percent(1 - conf_level)}{how}": (_BLUE, sure),
        "not significant": ("none", hollow),
    }
    found: list[Artist] = [
        Line2D([], [], **_point(face), label=text)
        for text, (face, shown) in looks.items()
        if shown
    ]
    valid = ", always valid" if sequential else ""
    text = f"{percent(conf_level)} interval{valid}"
    found.append(Line2D([], [], color=_BLUE, linewidth=2, label=text))
    if any(np.isposinf(one.high).any() for one in forests):
        found.append(Line2D([], [], **_arrow(), label="no upper limit"))
    return found
