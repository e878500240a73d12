"""Cumulative lift by day."""

import warnings
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import pandas as pd

from braze_frames.core.numbers import percent
from braze_frames.errors import StatisticsWarning
from braze_frames.experiment.lift import compare
from braze_frames.experiment.pairs import LiftRequest, Se, Stratify
from braze_frames.plots.figure import PanelFigure, SeriesStyles, blank
from braze_frames.plots.layout import (
    BAND,
    Layout,
    Line,
    check_single,
    layout_of,
    nothing_in,
    over_whom,
    split,
    title_of,
    view,
)
from braze_frames.plots.lift import text_color
from braze_frames.plots.lines import Wording, draw_lines, figure_of, finish, styles_of
from braze_frames.plots.looks import PanelKey, shade
from braze_frames.stats.contrasts import Options

if TYPE_CHECKING:
    from matplotlib.artist import Artist
    from matplotlib.axes import Axes

    from braze_frames.plots.figure import Pictured


class Star(NamedTuple):
    """The day on which a lift was first sure, and how high it is marked."""

    panel: PanelKey
    name: PanelKey
    day: np.datetime64
    height: float


def plot_lift_over_time(
    df: pd.DataFrame,
    metric: str,
    control: str | None = None,
    *,
    se: Se = "auto",
    stratify: Stratify = "auto",
    tau: float = 0.10,
    conf_level: float = 0.95,
    deff: float = 1.0,
    pairs: bool = False,
    ax: "Axes | None" = None,
) -> "Pictured":
    """Draw how a lift settled: what was known on each day, with the days so far.

    Parameters
    ----------
    df : DataFrame
        The variation grain. Each channel of each campaign is a panel.
    metric : str
        A name of ``bf.glossary()``.
    control, se, stratify, tau, conf_level, deff, pairs
        As in ``lift``.
    ax : Axes, optional
        Where to draw; None makes a figure.

    Returns
    -------
    Axes or ndarray of Axes
        The Axes of one panel; an array where there are several. Each line is the
        ``lift`` of ``cumulative=True``; the dark band its ordinary interval, right for
        one look; the light band the always-valid one (``sequential=True``), right for
        all looks together. A star marks the first day on which that excludes 0.

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

    Notes
    -----
    The wide intervals of the first days may lie outside the view. Bands are not
    adjusted for several variations.

    Examples
    --------
    >>> import braze_frames as bf
    >>> counts = {"Red": (9000, 540), "Control Group": (9000, 450)}
    >>> entries = [
    ...     {"variation_name": name, "unique_recipients": n, "conversions": x}
    ...     for name, (n, x) in counts.items()
    ... ]
    >>> day = {"time": "2026-03-01", "messages": {"email": entries}}
    >>> df = bf.read_braze_series({"data": [day]})
    >>> ax = df.braze.plot.lift_over_time("conversion_rate")
    >>> ax.lines[0].get_ydata().round(3).tolist()
    [0.2]
    """
    check_single(metric)
    title, nothing = f"{title_of(metric)}, by all days so far", nothing_in(df, metric)
    if nothing:
        return blank(df, title, nothing, ax)
    asked = LiftRequest("", control, se, stratify, pairs, None)
    one_look = Options(conf_level, deff, tau=tau, differences=False)
    all_looks = one_look._replace(sequential=True)
    once = compare(df, metric, asked, one_look, cumulative=True)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", StatisticsWarning)  # which were given already
        daily = compare(df, metric, asked, all_looks, cumulative=True)
    layout = layout_of(once)
    lines = _lines(daily, layout)
    sheet = figure_of(df, layout, lines, ax)
    nothing, stars = f"no lift of {metric} on any day", _stars(lines)
    handles = draw_lines(sheet, lines, nothing, _lines(once, layout))
    handles += _shades(conf_level) + _draw_stars(sheet, stars, styles_of(lines))
    _frame(sheet, lines, stars)
    wording = Wording(title, "%", over_whom(once, layout), ", ".join(layout.lines))
    finish(sheet, df, lines, "D", wording, handles)
    return sheet.result()


def _lines(table: pd.DataFrame, layout: Layout) -> list[Line]:
    """Return the lift of each variation along days."""
    found = []
    for key, rows in split(table, layout.levels).items():
        columns = [rows[name].to_numpy() for name in ("lift", "lift_low", "lift_high")]
        days = rows.index.get_level_values("date").to_numpy()
        place = len(layout.panels)
        found.append(Line(key[:place], key[place:], days, *columns))
    return found


def _shades(conf_level: float) -> "list[Artist]":
    level = percent(conf_level)
    return [
        shade(f"{level} interval, always valid", BAND),
        shade(f"{level} interval of one look", 2 * BAND),
    ]


def _frame(sheet: PanelFigure, lines: Sequence[Line], stars: Sequence[Star]) -> None:
    """Draw the line of no lift, and look at what is known after the first days."""
    for ax in sheet.axes:
        ax.axhline(0, color=text_color(), linewidth=1, zorder=1)
    heights = [star.height for star in stars]
    limits = view([_later(line) for line in lines], 0.0, *heights)
    if limits is not None and sheet.own:
        sheet.axes[0].set_ylim(limits)


def _stars(lines: Sequence[Line]) -> list[Star]:
    """Return the first day of each line on which an interval excludes 0."""
    found = []
    for line in lines:
        low, high = line.limits
        sure = np.flatnonzero((low > 0) | (high < 0))
        if len(sure):
            found.append(_star_on(line, int(sure[0])))
    return found


def _star_on(line: Line, day: int) -> Star:
    """Return a star at the lift, or where there is none, at the limit next to 0."""
    value, (low, high) = line.values[day], line.limits
    limit = low[day] if low[day] > 0 else high[day]
    height = value if np.isfinite(value) else limit
    return Star(line.panel, line.name, line.days[day], float(height))


def _draw_stars(
    sheet: PanelFigure, stars: Sequence[Star], cast: SeriesStyles
) -> "list[Artist]":
    """Mark the days, and write their dates."""
    from matplotlib.lines import Line2D

    for star in stars:
        look = cast.looks[star.panel, star.name]
        _draw_star(sheet.panels[star.panel], star, look.color)
    entry = Line2D([], [], **_sign(text_color()), label="first day that excludes 0")
    return [entry] if stars else []


def _draw_star(ax: "Axes", star: Star, color: str) -> None:
    stamp = pd.Timestamp(star.day)
    ax.annotate(
        f"{stamp.day} {stamp:%b}",
        (star.day, star.height),
        xytext=(0, 10),
        textcoords="offset points",
        ha="center",
    )
    ax.plot([star.day], [star.height], **_sign(color), zorder=4)


def _sign(color: str) -> dict[str, Any]:
    return {
        "linestyle": "none",
        "marker": "*",
        "markersize": 14,
        "color": color,
        "markeredgecolor": text_color(),
    }


def _later(line: Line) -> Line:
    """Return all but the first fifth of the days, on which little is known."""
    start = len(line.days) // 5
    low, high = line.limits
    return line._replace(
        days=line.days[start:],
        values=line.values[start:],
        low=low[start:],
        high=high[start:],
    )
