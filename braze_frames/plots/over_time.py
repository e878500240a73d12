"""Rates and totals along days."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Literal, get_args

import numpy as np
import pandas as pd

from braze_frames.core.arguments import check_choice, check_share, nearest
from braze_frames.core.arrays import Floats
from braze_frames.core.names import tell_apart
from braze_frames.core.numbers import percent
from braze_frames.errors import FrameError
from braze_frames.frame.levels import labels, stats_of, summed_stats
from braze_frames.frame.rates import rates as _rates
from braze_frames.frame.totals import totals as _totals
from braze_frames.plots.figure import SIDE, PanelFigure, blank
from braze_frames.plots.layout import (
    BAND,
    Dates,
    Freq,
    Layout,
    Line,
    lay_out,
    panels_of,
    split,
    view,
)
from braze_frames.plots.lines import (
    Wording,
    annotate_empty_panels,
    draw_lines,
    figure_of,
    finish,
    styles_of,
)
from braze_frames.plots.looks import Look, PanelKey, area, lines_of, shade, words
from braze_frames.schema.channels import STAT
from braze_frames.schema.formulas import Definition, custom, define

if TYPE_CHECKING:
    from matplotlib.artist import Artist
    from matplotlib.axes import Axes

    from braze_frames.plots.figure import Pictured

TotalsKind = Literal["lines", "stacked"]
_PERIODS = {
    "D": "by day",
    "W": "by week",
    "MS": "by month",
    "ME": "by month",
    "QS": "by quarter",
    "QE": "by quarter",
    "YS": "by year",
    "YE": "by year",
}


def plot_rates(
    df: pd.DataFrame,
    metric: str | Mapping[str, tuple[str, str]],
    by: str | Sequence[str] | None = "variation",
    freq: Freq | None = None,
    *,
    ci: float | None = 0.95,
    ax: "Axes | None" = None,
) -> "Pictured":
    """Draw a rate along days: a line for each variation, with its interval.

    Parameters
    ----------
    df : DataFrame
        The variation or the campaign grain.
    metric : str or mapping
        A name of ``bf.glossary()``; or one name of your own → ``(numerator,
        denominator)``, as in ``rates``.
    by : str or list of str, optional
        The levels whose labels make lines: ``"variation"``, ``"channel"``,
        ``"campaign"`` or several of them; ``[]`` is one line. Campaigns and channels
        that are not in ``by`` become panels with shared axes.
    freq : str or DateOffset, optional
        The period of a point, as in ``rates``; None is a day.
    ci : float, optional
        The confidence level of the bands; None draws none.
    ax : Axes, optional
        Where to draw; None makes a figure.

    Returns
    -------
    Axes or ndarray of Axes
        The Axes of one panel; an array where there are several. The lines hold what
        ``rates`` returns: shares, or USD for ``revenue_per_recipient``.

    Raises
    ------
    ValueError
        Several panels and one ``ax``; several metrics; else as in ``rates``.
    FrameError
        As in ``rates``.

    Notes
    -----
    Days after ``settled_until`` of the frame's attrs still grow: they are shaded, as is
    a period that holds such a day. Channels that have no such rate are left out. Limits
    of intervals that are far out, of days with few people, may lie outside the view.

    Examples
    --------
    >>> import braze_frames as bf
    >>> entry = {"variation_name": "A", "delivered": 40, "unique_opens": 9}
    >>> day = {"time": "2026-03-01", "messages": {"email": [entry]}}
    >>> ax = bf.read_braze_series({"data": [day]}).braze.plot.rates("unique_open_rate")
    >>> ax.lines[0].get_ydata().tolist()
    [0.225]
    """
    check_share("ci", ci)
    name, asked = _one(metric)
    layout, freq = lay_out(df, by), freq or "D"
    defined = _defined(df, asked)
    table = _rates(df, asked, layout.levels, freq, ci=ci)
    lines = _rate_lines(table, layout, defined)
    title = f"{words(name)}, {_period(freq)}"
    if not lines:
        return blank(df, title, "the frame has no rows", ax)
    sheet = figure_of(df, layout, lines, ax)
    handles = draw_lines(sheet, lines, f"no value of {name} here")
    if any(np.isfinite(line.limits[0]).any() for line in lines):
        handles.append(shade(f"{percent(ci or 0)} interval", BAND))
    limits = view(lines)
    if limits is not None and sheet.own:
        sheet.axes[0].set_ylim(limits)
    wording = Wording(title, _unit(defined), _fraction(defined), _of(layout.lines))
    finish(sheet, df, lines, freq, wording, handles)
    return sheet.result()


def plot_totals(
    df: pd.DataFrame,
    stats: str | Sequence[str],
    by: str | Sequence[str] | None = "variation",
    freq: Freq | None = None,
    *,
    kind: TotalsKind = "lines",
    ax: "Axes | None" = None,
) -> "Pictured":
    """Draw sums along days: lines, or areas on top of each other.

    Parameters
    ----------
    df : DataFrame
        The variation or the campaign grain.
    stats : str or list of str
        Columns of the frame. Several make a line each.
    by, freq
        As in ``rates``.
    kind : {"lines", "stacked"}
        "stacked" puts them on top of each other; what was not given adds nothing.
    ax : Axes, optional
        Where to draw; None makes a figure.

    Returns
    -------
    Axes or ndarray of Axes
        The Axes of one panel; an array where there are several. They hold what
        ``totals`` returns.

    Raises
    ------
    FrameError
        The frame has no such stat.
    ValueError
        Several panels and one ``ax``; ``kind`` is none of its choices; else as in
        ``totals``.

    Examples
    --------
    >>> import braze_frames as bf
    >>> day = {"time": "2026-03-01", "messages": {"email": [{"sent": 40}]}}
    >>> ax = bf.read_braze_series({"data": [day]}).braze.plot.totals("sent")
    >>> ax.lines[0].get_ydata().tolist()
    [40.0]
    """
    check_choice("kind", kind, get_args(TotalsKind))
    names = [stats] if isinstance(stats, str) else list(stats)
    _check_stats(df, names)
    layout, freq = lay_out(df, by), freq or "D"
    lines = _total_lines(_totals(df, layout.levels, freq)[names], names, layout)
    title = f"{words(', '.join(names))}, {_period(freq)}"
    if not lines:
        return blank(df, title, "the frame has no rows", ax)
    sheet = figure_of(df, layout, lines, ax)
    draw = draw_lines if kind == "lines" else _stack
    handles = draw(sheet, lines, f"no value of {' and '.join(names)} here")
    if sheet.own:
        lowest = [np.nanmin([0.0, *line.values]) for line in lines]
        sheet.axes[0].set_ylim(bottom=min(lowest, default=0.0))
    units = list(dict.fromkeys(map(_stat_unit, names)))
    parts = [*(["stat"] if len(names) > 1 else []), *layout.lines]
    wording = Wording(
        title,
        "USD" if units == ["USD"] else "",
        ", ".join(units),
        _of(parts),
    )
    finish(sheet, df, lines, freq, wording, handles)
    return sheet.result()


def _one(
    metric: str | Mapping[str, tuple[str, str]],
) -> tuple[str, list[str] | Mapping[str, tuple[str, str]]]:
    """Return a metric's name, and what to ask ``rates`` for."""
    if isinstance(metric, str):
        return metric, [metric]
    names = list(metric)
    if len(names) != 1:
        raise ValueError(
            f"metric={names!r}: a picture shows one metric; draw each by itself"
        )
    return names[0], metric


def _defined(
    df: pd.DataFrame, asked: Sequence[str] | Mapping[str, tuple[str, str]]
) -> dict[str, Definition]:
    """Return the metric's definition in each channel that has it."""
    channels = labels(df, "channel") or [""]
    if isinstance(asked, Mapping):
        (pair,) = asked.values()
        return custom(pair, channels, stats_of(df))
    return define(asked[0], channels if len(df) else [])


def _rate_lines(
    table: pd.DataFrame, layout: Layout, defined: Mapping[str, Definition]
) -> list[Line]:
    levels = layout.levels
    place = levels.index("channel") if "channel" in levels else None
    lines = []
    for key, rows in split(table, levels).items():
        if place is None or key[place] in defined:
            columns = [rows[column].to_numpy() for column in table.columns]
            lines.append(Line(*_key(key, layout), _days(rows), *columns))
    return lines


def _total_lines(
    table: pd.DataFrame, names: Sequence[str], layout: Layout
) -> list[Line]:
    lines = []
    for key, rows in split(table, layout.levels).items():
        panel, name = _key(key, layout)
        for stat in names:
            own = (stat, *name) if len(names) > 1 else name
            values = rows[stat].to_numpy(dtype="float64", na_value=np.nan)
            lines.append(Line(panel, own, _days(rows), values))
    return lines


def _key(key: PanelKey, layout: Layout) -> tuple[PanelKey, PanelKey]:
    return key[: len(layout.panels)], key[len(layout.panels) :]


def _days(rows: pd.DataFrame) -> Dates:
    return rows.index.get_level_values("date").to_numpy()


def _stack(sheet: PanelFigure, lines: Sequence[Line], nothing: str) -> "list[Artist]":
    """Draw areas on top of each other; what is missing adds nothing."""
    cast = styles_of(lines)
    for panel in panels_of(lines):
        own = [line for line in lines if line.panel == panel]
        days = np.unique(np.concatenate([line.days for line in own]))
        heights = np.zeros((len(own), len(days)))
        for line, height in zip(own, heights, strict=True):
            height[np.searchsorted(days, line.days)] = np.nan_to_num(line.values)
        looks = [cast.looks[panel, line.name] for line in own]
        _draw_areas(sheet.panels[panel], days, heights, looks)
    annotate_empty_panels(sheet, lines, nothing)
    return cast.entries(sheet, lambda look, name: area(cast.names[name], look))


def _draw_areas(
    ax: "Axes", days: Dates, heights: Floats, looks: Sequence[Look]
) -> None:
    below = np.zeros(len(days))
    for height, look in zip(heights, looks, strict=True):
        ax.fill_between(
            days,
            below,
            below + height,
            facecolor=look.color,
            hatch=look.hatch,
            edgecolor=ax.get_facecolor(),
            linewidth=0.5,
        )
        below = below + height


def _check_stats(df: pd.DataFrame, names: Sequence[str]) -> None:
    known = summed_stats(df)
    if not names:
        raise ValueError(f"stats=[] draws nothing; this frame has {', '.join(known)}")
    for name in names:
        if name not in known:
            raise FrameError(
                f"{name!r} is no stat of this frame ({nearest(name, known)}); it has "
                f"{', '.join(known) or 'none'}"
            )


def _unit(defined: Mapping[str, Definition]) -> str:
    return "USD" if {one.is_amount for one in defined.values()} == {True} else "%"


def _stat_unit(name: str) -> str:
    return STAT[name].unit if name in STAT else "count"


def _fraction(defined: Mapping[str, Definition]) -> str:
    """Return what is divided by what, where it is the same in all channels."""
    texts = {
        " / ".join(map(str, (one.numerator, one.denominator)))
        for one in defined.values()
    }
    text = texts.pop() if len(texts) == 1 else "as defined in each channel"
    (shown,) = tell_apart([text.replace("_", " ")], 3 * SIDE)
    return lines_of(shown, SIDE)


def _of(levels: Sequence[str]) -> str:
    return ", ".join(levels)


def _period(freq: Freq) -> str:
    offset = pd.tseries.frequencies.to_offset(freq)
    code = offset.freqstr if offset.n > 1 else offset.rule_code.split("-")[0]
    return _PERIODS.get(code, f"by {code}")
