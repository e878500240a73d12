"""Time series with confidence bands: lines, bands, and the days that still grow."""

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import pandas as pd

from braze_frames.frame.by import binned
from braze_frames.frame.levels import Level, days_of
from braze_frames.frame.provenance import settled_until
from braze_frames.plots.figure import PanelFigure, SeriesStyles, annotate_empty
from braze_frames.plots.layout import (
    BAND,
    Freq,
    Layout,
    Line,
    finite,
    lonely,
    panels_of,
)
from braze_frames.plots.looks import Look, shade

if TYPE_CHECKING:
    from matplotlib.artist import Artist
    from matplotlib.axes import Axes

_LATE, _LATE_HATCH = 0.15, "//"
_MARKERS_SHOWN = 15
_FEW_DAYS = 8
_DAY = np.timedelta64(1, "D")


def figure_of(
    df: pd.DataFrame, layout: Layout, lines: Sequence[Line], ax: "Axes | None"
) -> PanelFigure:
    """Open the panels of lines."""
    cast = styles_of(lines)
    names, crowd = cast.names.values(), cast.crowd
    return PanelFigure(df, layout.panels, panels_of(lines), ax, names, crowd=crowd)


def draw_lines(
    sheet: PanelFigure, lines: Sequence[Line], nothing: str, inner: Sequence[Line] = ()
) -> "list[Artist]":
    """Draw lines and bands; return the legend's entries, also of lines without data.

    Parameters
    ----------
    sheet : Sheet
        Has the panels.
    lines : list of Line
        What to draw.
    nothing : str
        What to say in a panel that stays empty.
    inner : list of Line
        The same lines with other limits, of which bands only are drawn.
    """
    cast, top = styles_of(lines), _ceiling([*lines, *inner])
    for line in lines:
        look = cast.looks[line.panel, line.name]
        _draw_line(sheet.panels[line.panel], line, look, cast.names[line.name])
    for line in [*lines, *inner]:
        look = cast.looks[line.panel, line.name]
        _draw_band(sheet.panels[line.panel], line, look.color, top)
    annotate_empty_panels(sheet, lines, nothing)
    seen = {line.name for line in lines if not line.empty}
    return cast.entries(
        sheet,
        lambda look, name: _entry(
            look, cast.names[name] + ("" if name in seen else " (no data)")
        ),
    )


def styles_of(lines: Iterable[Line]) -> SeriesStyles:
    """Return the looks and names of lines."""
    return SeriesStyles([(line.panel, line.name) for line in lines])


def annotate_empty_panels(sheet: PanelFigure, lines: Sequence[Line], text: str) -> None:
    """Say so in panels that stay empty."""
    for panel, ax in sheet.panels.items():
        if all(line.empty for line in lines if line.panel == panel):
            annotate_empty(ax, text)


def _draw_line(ax: "Axes", line: Line, look: Look, name: str) -> None:
    size = len(line.days)
    step = max(1, size // _MARKERS_SHOWN)
    start = ord(look.marker) % step
    marked = np.zeros(size, dtype=bool)
    marked[start::step] = True
    marked |= lonely(line.values)
    ax.plot(
        line.days,
        line.values,
        color=look.color,
        marker=look.marker,
        markersize=5,
        markevery=np.flatnonzero(marked).tolist(),
        linewidth=1.5,
        label=name,
    )


def _ceiling(lines: Sequence[Line]) -> float:
    """Return where intervals without an upper limit end: above all that is seen."""
    seen = finite([part for line in lines for part in (line.values, *line.limits)])
    return 1.2 * float(seen.max(initial=1.0))


def _draw_band(ax: "Axes", line: Line, color: str, top: float) -> None:
    """Shade an interval along days; a day without neighbours has a bar.

    One without an upper limit reaches up to ``top``.
    """
    low, high = line.limits
    finite = np.isfinite(low)
    if not finite.any():
        return
    high = np.where(np.isposinf(high), top, high)
    ax.fill_between(line.days, low, high, color=color, alpha=BAND, linewidth=0)
    alone = lonely(low + high)
    if alone.any():
        days, ends = line.days[alone], (low[alone], high[alone])
        ax.vlines(days, *ends, color=color, alpha=0.5, linewidth=4)


def _entry(look: Look, name: str) -> "Artist":
    from matplotlib.lines import Line2D

    return Line2D(
        [], [], color=look.color, marker=look.marker, markersize=5, label=name
    )


class Wording(NamedTuple):
    """What a picture along days says: its title, unit, axis of values and legend."""

    title: str
    unit: str
    values: str
    legend: str


def finish(
    sheet: PanelFigure,
    df: pd.DataFrame,
    lines: Sequence[Line],
    freq: Freq,
    wording: Wording,
    handles: "Sequence[Artist]",
) -> None:
    """Shade what still grows, and write titles, dates, units and the legend."""
    late = _shade_late(sheet, df, freq)
    _format_days(sheet, lines)
    _format_values(sheet, wording.unit)
    sheet.head(wording.title)
    sheet.label("date", wording.values)
    title = wording.legend if styles_of(lines).together else ""
    sheet.legend([*handles, *late], title)


def _shade_late(sheet: PanelFigure, df: pd.DataFrame, freq: Freq) -> "list[Artist]":
    span = _late_span(df, freq)
    if span is None:
        return []
    for ax in sheet.axes:
        late: dict[str, Any] = {"hatch": _LATE_HATCH, "alpha": _LATE, "linewidth": 0}
        ax.axvspan(*span, color="0.5", **late, zorder=0)
    return [shade("unsettled, still growing", _LATE, hatch=_LATE_HATCH)]


def _late_span(df: pd.DataFrame, freq: Freq) -> tuple[Any, Any] | None:
    """Return from when to when the periods are that hold unsettled days; None: none."""
    days = days_of(df)
    late = days.to_numpy() > settled_until(df)
    if not late.any():
        return None
    periods = binned(Level("date", days, np.arange(len(days))), freq)
    starts = periods.labels.to_numpy()
    half = (np.median(np.diff(starts)) if len(starts) > 1 else _DAY) / 2
    return starts[periods.codes[late].min()] - half, starts[-1] + half


def _format_days(sheet: PanelFigure, lines: Sequence[Line]) -> None:
    """Write dates concisely, and never an hour."""
    from matplotlib.dates import AutoDateLocator, ConciseDateFormatter, DayLocator

    days = np.concatenate([line.days for line in lines]) if lines else np.array([])
    if not len(days):
        return
    few = days.max() - days.min() < _FEW_DAYS * _DAY
    for ax in sheet.axes:
        locator: Any = AutoDateLocator(minticks=3, maxticks=8)  # type: ignore[no-untyped-call]
        locator = DayLocator() if few else locator  # type: ignore[no-untyped-call]
        concise: Any = ConciseDateFormatter(locator)  # type: ignore[no-untyped-call]
        ax.xaxis.set_major_locator(locator)
        ax.xaxis.set_major_formatter(concise)
        if len(np.unique(days)) == 1:
            ax.set_xlim(days[0] - _DAY, days[0] + _DAY)


def _format_values(sheet: PanelFigure, unit: str) -> None:
    from matplotlib.ticker import MaxNLocator, PercentFormatter, StrMethodFormatter

    for ax in sheet.axes:
        if unit == "%":
            ax.yaxis.set_major_formatter(PercentFormatter(1.0, symbol=" %"))
            continue
        ax.yaxis.set_major_formatter(StrMethodFormatter("{x:,.10g}"))
        if unit != "USD":
            ax.yaxis.set_major_locator(MaxNLocator(integer=True))
