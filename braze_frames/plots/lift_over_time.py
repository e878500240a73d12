"""Cumulative lift by day, each test on a scale of its own."""

import warnings
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from braze_frames.core.numbers import percent, share_text
from braze_frames.drawing.figure import (
    PanelKey,
    Picture,
    Setting,
    Words,
    blank,
)
from braze_frames.drawing.lines import (
    TOP,
    Line,
    Series,
    check_top,
    draw_lines,
    format_shares,
    view,
)
from braze_frames.errors import StatisticsWarning, listed
from braze_frames.experiment.lift import compare
from braze_frames.experiment.pairs import LiftRequest, Se, Stratify
from braze_frames.plots.lift import against, check_single, nothing_in, title_of
from braze_frames.stats.contrasts import Options
from braze_frames.wording.labels import Labels, about, and_more
from braze_frames.wording.periods import PeriodsShown, day_of

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from braze_frames.drawing.figure import Pictured

_STAR: dict[str, Any] = {
    "marker": "*",
    "linestyle": "none",
    "markersize": 14,
    "zorder": 5,
}


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
    top: int = TOP,
    ax: "Axes | None" = None,
    title: str | None = None,
    labels: Mapping[str, str] | None = None,
    figsize: tuple[float, float] | None = None,
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
    top, ax, title, labels, figsize
        As in ``plot.rates``.

    Returns
    -------
    Axes or ndarray of Axes
        The Axes of one panel; an array where there are several, each with a scale of
        its own. Each line is the ``lift`` of ``cumulative=True``; the thin lines are
        its ordinary interval, right for one look; the area is the always-valid one
        (``sequential=True``), right for all looks together. A star marks the first day
        on which that excludes 0.

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
    The wide intervals of the first days may lie outside the view. Intervals are not
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
    setting = Setting(ax, title, figsize)
    check_single(metric)
    names = Labels(df, labels, [metric])
    said, nothing = f"{title_of(metric, names)}, day by day", nothing_in(df, metric)
    if nothing:
        return blank(df, said, nothing, setting)
    asked = LiftRequest("", control, se, stratify, pairs, None)
    one_look = Options(conf_level, deff, tau=tau, differences=False)
    all_looks = one_look._replace(sequential=True)
    once = compare(df, metric, asked, one_look, cumulative=True)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", StatisticsWarning)  # which were given already
        daily = compare(df, metric, asked, all_looks, cumulative=True)
    series, panels = _series(daily, names, top)
    picture = Picture(df, panels, list(series.panels()), setting)
    nothing = f"no lift of {metric} on any day"
    thin = _series(once, names, top)[0].lines
    drawn = _draw(picture, (series, thin), PeriodsShown(df, df, "D"), nothing)
    picture.name_panels([names.join(panels, key) for key in picture.panels], above=True)
    level = percent(conf_level)
    areas = f"Areas: {level} intervals, always valid; thin lines: of one look."
    whom = about(df, names, against(once, names), "all days so far")
    return picture.finish(Words(said, whom, [areas, *drawn]))


def _draw(
    picture: Picture,
    both: tuple[Series, Sequence[Line]],
    periods: PeriodsShown,
    nothing: str,
) -> list[str]:
    """Draw the lines with both intervals, stars and 0; return notes."""
    series, thin = both
    empty = draw_lines(picture, series, periods, nothing, _limits)
    colors = series.colors(picture.theme)
    for line in thin:
        if (line.panel, line.name) in colors:
            color = colors[line.panel, line.name]
            _draw_limits(picture.panels[line.panel], line, color)
    starred = [_mark(picture, line, colors) for line in series.lines]
    for ax in picture.axes:
        ax.axhline(0, color=picture.theme.ink, linewidth=1.2, zorder=1)
        format_shares(ax)
    notes = ["Stars: the first day on which 0 is excluded."] if any(starred) else []
    notes += [f"No lift: {listed(empty)}."] if empty else []
    rest = series.rest(picture.theme)
    notes += [and_more(rest, len(rest))] if rest else []
    days = np.concatenate([line.days for line in series.lines])
    return notes + periods.notes(days, "Dashed")


def _series(table: pd.DataFrame, names: Labels, top: int) -> tuple[Series, list[str]]:
    """Return the lift of each variation along days, and the levels of panels."""
    levels = [name for name in table.index.names if name != "date"]
    panels = [name for name in levels if name in ("campaign", "channel")]
    own = levels[len(panels) :]
    lines: list[Line] = []
    shown: dict[PanelKey, str] = {}
    for key, rows in table.groupby(level=levels, sort=False):
        columns = [rows[name].to_numpy() for name in ("lift", "lift_low", "lift_high")]
        days = rows.index.get_level_values("date").to_numpy()
        place = tuple(map(str, key))
        panel, name = place[: len(panels)], place[len(panels) :]
        size = float(np.nan_to_num(rows["denominator"].to_numpy(dtype=float)).max())
        value, low, high = columns
        lines.append(Line(panel, name, days, value, low, high, size))
        shown[name] = names.join(["variation"] * len(own), name, " vs ")
    full = {line.panel for line in lines if not line.empty}
    seen = [line for line in lines if line.panel in full] or lines
    return Series(seen, shown, _write, check_top(top), len(full) > 1), panels


def _write(value: float, _: float) -> str:
    return share_text(value, 0.05, signed=True)


def _draw_limits(ax: "Axes", line: Line, color: str) -> None:
    """Draw an ordinary interval as two thin lines."""
    for limit in line.limits:
        shown = np.where(np.isfinite(limit), limit, np.nan)
        ax.plot(line.days, shown, color=color, linewidth=0.8, alpha=0.8, zorder=2)


def _mark(
    picture: Picture, line: Line, colors: Mapping[tuple[PanelKey, PanelKey], str]
) -> bool:
    """Mark and date the first day on which an interval excludes 0, if there is one.

    The star stands at the lift, or where there is none, at the limit next to 0.
    """
    sure = _sure(line)
    if not len(sure) or (line.panel, line.name) not in colors:
        return False
    n, height = _first(line, sure)
    ax, color = picture.panels[line.panel], colors[line.panel, line.name]
    edge: dict[str, Any] = {
        "markeredgecolor": picture.theme.ground,
        "markeredgewidth": 0.8,
    }
    ax.plot([line.days[n]], [height], color=color, **_STAR, **edge)
    ax.annotate(
        day_of(line.days[n]),
        (line.days[n], height),
        xytext=(0, 9),
        textcoords="offset points",
        ha="center",
        va="bottom",
        fontsize=picture.theme.small,
        color=picture.theme.text_of(color),
    )
    return True


def _sure(line: Line) -> Any:
    """Return the days on which the interval excludes 0."""
    low, high = line.limits
    return np.flatnonzero((low > 0) | (high < 0))


def _first(line: Line, sure: Any) -> tuple[int, float]:
    """Return the first such day and where its star stands."""
    n, (low, high) = int(sure[0]), line.limits
    limit = low[n] if low[n] > 0 else high[n]
    return n, float(line.values[n] if np.isfinite(line.values[n]) else limit)


def _limits(lines: Sequence[Line]) -> tuple[float, float] | None:
    """Look at 0, the stars, and all but the first fifth of the days: little is known.

    A star's date needs room above it.
    """
    stars = [_first(line, _sure(line))[1] for line in lines if len(_sure(line))]
    found = view([_later(line) for line in lines], 0.0, *stars)
    if found is None or not stars:
        return found
    return found[0], max(found[1], max(stars) + 0.12 * (found[1] - found[0]))


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
