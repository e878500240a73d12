"""The funnel: from the message to the purchase, with the rate of each step."""

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import pandas as pd

from braze_frames.errors import FrameError
from braze_frames.frame.levels import days_of, grain_of
from braze_frames.frame.provenance import settled_until
from braze_frames.frame.rates import rates as _rates
from braze_frames.frame.totals import totals as _totals
from braze_frames.plots.figure import PanelFigure, SeriesStyles, annotate_empty, blank
from braze_frames.plots.layout import Layout, lay_out
from braze_frames.plots.looks import Look, PanelKey, area
from braze_frames.schema.formulas import parse_formula
from braze_frames.schema.rates import FUNNEL, FUNNEL_ELSEWHERE, STEPS, FunnelStep

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from braze_frames.plots.figure import Pictured

_HEAD, _BAR, _GAP, _FEWEST = 1.4, 0.28, 0.6, 5
_ROOM, _ROOM_BESIDE = 1.6, 1.9


class Bar(NamedTuple):
    """One step of one variation: how many, and what share of an earlier step."""

    panel: PanelKey
    name: PanelKey
    step: str
    size: float
    share: float
    base: str


def plot_funnel(
    df: pd.DataFrame,
    by: str | Sequence[str] | None = "variation",
    *,
    ax: "Axes | None" = None,
) -> "Pictured":
    """Draw how many are left at each step: sent, delivered, opened, clicked, converted.

    Parameters
    ----------
    df : DataFrame
        The variation grain.
    by : str or list of str, optional
        The levels whose labels make bars, as in ``rates``; campaigns and channels that
        are not in ``by`` become panels.
    ax : Axes, optional
        Where to draw; None makes a figure.

    Returns
    -------
    Axes or ndarray of Axes
        The Axes of one panel; an array where there are several. Bars from the top,
        step by step; each is as long as its sum in ``totals``. Beside it stands the
        rate that led there, as ``rates`` has it, and what it divides by.

    Raises
    ------
    ValueError
        Several panels and one ``ax``; ``by`` names no level of the frame.
    FrameError
        The frame has no variations.

    Notes
    -----
    Steps are those that the channel has and Braze gave: people for emails (unique opens
    and clicks) and content cards, events for other channels. Conversions are shown over
    recipients: people buy without a click, too. Everything is counted on the day on
    which it happened.

    Examples
    --------
    >>> import braze_frames as bf
    >>> entry = {"variation_name": "A", "sent": 50, "delivered": 40}
    >>> day = {"time": "2026-03-01", "messages": {"email": [entry]}}
    >>> ax = bf.read_braze_series({"data": [day]}).braze.plot.funnel()
    >>> [int(bar.get_width()) for bar in ax.patches]
    [50, 40]
    """
    if grain_of(df) != "variation":
        raise FrameError(
            "day totals have no steps; read with grain='variation' for a funnel"
        )
    if not len(df):
        return blank(df, "Funnel", "the frame has no rows", ax)
    layout = lay_out(df, by)
    bars = _bars(df, layout)
    cast = SeriesStyles([(bar.panel, bar.name) for bar in bars])
    groups = {panel: _given(bars, panel) for panel, _ in cast.looks}
    most = max(map(len, groups.values()), default=0)
    height = _HEAD + _BAR * max(most, _FEWEST)
    sheet = PanelFigure(
        df,
        layout.panels,
        list(groups),
        ax,
        cast.names.values(),
        height=height,
        rows=True,
        crowd=cast.crowd,
    )
    for panel, group in groups.items():
        _draw(sheet.panels[panel], group, cast)
    _format(sheet, groups.values())
    handles = cast.entries(sheet, lambda look, name: area(cast.names[name], look))
    sheet.head(f"Funnel{_when(df)}")
    sheet.label(f"count{_late(df)}", "")
    sheet.legend(handles, ", ".join(layout.lines))
    return sheet.result()


def _bars(df: pd.DataFrame, layout: Layout) -> list[Bar]:
    """Return the bars of all panels, from step to step; some have no size."""
    sums = _totals(df, layout.levels)
    shares = _rates(df, None, layout.levels)
    place = layout.levels.index("channel")
    found = []
    for (key, row), (_, share) in zip(sums.iterrows(), shares.iterrows(), strict=True):
        labels = tuple(map(str, key if isinstance(key, tuple) else (key,)))
        panel = labels[: len(layout.panels)]
        for step in FUNNEL.get(labels[place], FUNNEL_ELSEWHERE):
            size = _sum(step, row)
            rate = float(share.get(step.rate, np.nan))
            name = labels[len(layout.panels) :]
            found.append(Bar(panel, name, step.name, size, rate, step.base))
    return found


def _given(bars: Sequence[Bar], panel: PanelKey) -> list[Bar]:
    """Return the bars of a panel that have a size, step by step."""
    own = [bar for bar in bars if bar.panel == panel and np.isfinite(bar.size)]
    return sorted(own, key=lambda bar: STEPS.index(bar.step))


def _sum(step: FunnelStep, row: pd.Series) -> float:
    """Return the sum of a step; NaN where it was not given."""
    parts = [
        (sign, row.get(stat, pd.NA)) for sign, stat in parse_formula(step.formula).terms
    ]
    if any(pd.isna(value) for _, value in parts):
        return np.nan
    return float(sum(sign * value for sign, value in parts))


def _draw(ax: "Axes", bars: Sequence[Bar], cast: SeriesStyles) -> None:
    """Draw the bars of a panel from the top, with a gap between steps."""
    steps = list(dict.fromkeys(bar.step for bar in bars))
    places = _places(bars)
    for bar, place in zip(bars, places, strict=True):
        look = cast.looks[bar.panel, bar.name]
        ax.barh(
            place,
            bar.size,
            height=0.9,
            facecolor=look.color,
            hatch=look.hatch,
            edgecolor=ax.get_facecolor(),
            linewidth=0,
            label=cast.names[bar.name],
        )
        ax.plot(0, place, **_root(look))
        ax.annotate(
            _reading(bar),
            (bar.size, place),
            xytext=(5, 0),
            textcoords="offset points",
            va="center",
        )
    rows = pd.Series(places, index=[bar.step for bar in bars], dtype="float64")
    ax.set_yticks([rows.loc[[step]].mean() for step in steps], steps)
    ax.set_ylim(max(places, default=0.0) + 1.0, -1.0)
    if not bars:
        annotate_empty(ax, "Braze gave none of the steps")


def _root(look: Look) -> dict[str, Any]:
    """Return how the foot of a bar is drawn: its colour, where the bar is too thin."""
    return {"marker": "s", "markersize": 7, "color": look.color, "clip_on": False}


def _places(bars: Sequence[Bar]) -> list[float]:
    """Return how far down each bar stands."""
    places, down = [], 0.0
    for bar, before in zip(bars, [*bars[:1], *bars], strict=False):
        down += _GAP if bar.step != before.step else 0.0
        places.append(down)
        down += 1.0
    return places


def _reading(bar: Bar) -> str:
    share = "" if np.isnan(bar.share) else f" ({_percent(bar.share)} of {bar.base})"
    return f"{bar.size:,.0f}{share}"


def _percent(share: float) -> str:
    return f"{100 * share:.{1 if share >= 0.01 else 2}f} %"


def _format(sheet: PanelFigure, groups: Iterable[Sequence[Bar]]) -> None:
    from matplotlib.ticker import MaxNLocator, StrMethodFormatter

    longest = max((bar.size for bars in groups for bar in bars), default=1.0)
    room = _ROOM if len(sheet.axes) == 1 else _ROOM_BESIDE
    for ax in sheet.axes:
        ax.set_xlim(0, (longest or 1.0) * room)
        ax.xaxis.set_major_locator(MaxNLocator(4, integer=True))
        ax.xaxis.set_major_formatter(StrMethodFormatter("{x:,.10g}"))


def _when(df: pd.DataFrame) -> str:
    days = [f"{day:%Y-%m-%d}" for day in days_of(df)]
    return f", {days[0]} to {days[-1]}"


def _late(df: pd.DataFrame) -> str:
    settled = settled_until(df)
    grows = (days_of(df).to_numpy() > settled).any()
    return f" (days after {settled} still grow)" if grows else ""
