"""Cumulative lift by day, each test on a scale of its own."""

import warnings
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from braze_frames.core.numbers import percent, share_text
from braze_frames.drawing.figure import PanelKey, Picture, Setting, Words, blank, spread
from braze_frames.drawing.lines import (
    MOST_BANDS,
    TOP,
    Line,
    Series,
    UnitLook,
    check_top,
    draw_lines,
    format_shares,
    view,
)
from braze_frames.errors import StatisticsWarning
from braze_frames.experiment.lift import compare
from braze_frames.experiment.pairs import Control, LiftRequest, Se, Stratify
from braze_frames.plots.lift import against, check_single, nothing_in
from braze_frames.plots.parts import notes_on
from braze_frames.stats.contrasts import Options
from braze_frames.wording.labels import Labels, about, owners_in
from braze_frames.wording.periods import PeriodsShown, day_of

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from braze_frames.drawing.figure import Pictured

_EARLY = 0.06


def plot_lift_over_time(
    df: pd.DataFrame,
    metric: str,
    control: Control = None,
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
        As in ``lift``, which also warns; but a frame without rows, or with one
        variation only, makes a picture that says so.

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
    name = names.inside(metric)
    said = f"Lift of {name}, day by day"
    nothing = nothing_in(df, metric)
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
    periods, nothing = (
        PeriodsShown(df, df, "D"),
        f"no lift of {names.inside(metric)} on any day",
    )
    empty = draw_lines(picture, series, periods, nothing, _limits)
    thin = _series(once, names, top)[0].panels()
    notes = _draw_looks(picture, series, thin, percent(conf_level))
    picture.name_panels([names.join(panels, key) for key in picture.panels], above=True)
    notes += notes_on(picture, series, "No lift", empty)
    notes += periods.notes(series.days, "Dashed")
    said_of = against(once, names), "all days so far"
    whom = about(df, names, *said_of, owners=owners_in(once))
    return picture.finish(Words(said, whom, notes))


def _draw_looks(
    picture: Picture,
    series: Series,
    thin: Mapping[PanelKey, Sequence[Line]],
    level: str,
) -> list[str]:
    """Draw 0, the stars, and the intervals of one look where there are areas."""
    colors, looks, starred = series.colors(picture.theme), False, False
    for panel, lines in series.panels().items():
        ax = picture.panels[panel]
        own = {name: color for (of, name), color in colors.items() if of == panel}
        for line in thin[panel] if len(own) <= MOST_BANDS else ():
            for limit in line.limits if line.name in own else ():
                shown = np.where(np.isfinite(limit), limit, np.nan)
                style: dict[str, Any] = {"linewidth": 0.8, "alpha": 0.8, "zorder": 2}
                ax.plot(line.days, shown, color=own[line.name], **style)
                looks = True
        stars = [line for line in lines if line.name in own and len(_sure(line))]
        _mark(picture, ax, stars, own)
        starred |= bool(stars)
        ax.axhline(0, color=picture.theme.ink, linewidth=1.2, zorder=1)
    areas = f"Areas: {level} intervals, always valid; thin lines: of one look."
    many = f"Intervals are drawn for up to {MOST_BANDS} variations."
    first = f"the first day on which an always-valid {level} interval excludes 0."
    return [areas if looks else many, *([f"Stars: {first}"] if starred else [])]


def _series(table: pd.DataFrame, names: Labels, top: int) -> tuple[Series, list[str]]:
    """Return the lift of each variation along days, and the levels of panels."""
    levels = [name for name in table.index.names if name != "date"]
    panels = [name for name in levels if name in ("campaign", "channel")]
    lines: list[Line] = []
    shown: dict[PanelKey, str] = {}
    for key, rows in table.groupby(level=levels, sort=False):
        columns = ("lift", "lift_low", "lift_high")
        value, low, high = (rows[name].to_numpy() for name in columns)
        days = rows.index.get_level_values("date").to_numpy()
        place = tuple(map(str, key))
        panel, name = place[: len(panels)], place[len(panels) :]
        size = float(np.nan_to_num(rows["denominator"].to_numpy(dtype=float)).max())
        lines.append(Line(panel, name, days, value, low, high, size))
        shown[name] = names.join(["variation"] * len(name), name, " vs ")
    full = {line.panel for line in lines if not line.empty}
    seen = [line for line in lines if line.panel in full] or lines
    return Series(seen, shown, _LOOK, check_top(top), len(full) > 1), panels


_LOOK = UnitLook(lambda x, _: share_text(x, 0.05, signed=True), format_shares)


def _mark(
    picture: Picture, ax: "Axes", lines: Sequence[Line], colors: Mapping[PanelKey, str]
) -> None:
    """Mark and date the first day on which each interval excludes 0."""
    theme, (low, high) = picture.theme, ax.get_ylim()
    points = sorted((*_first(line)[::-1], line) for line in lines)
    high_of_text = 1.3 * theme.small / picture.panel_points[1]
    asked = [(y - low) / (high - low) + high_of_text for y, _, _ in points]
    places = spread(asked, [high_of_text] * len(asked))
    for (y, n, line), place in zip(points, places, strict=True):
        day, color = line.days[n], colors[line.name]
        (star,) = ax.plot([day], [y], marker="*", linestyle="none", color=color)
        star.set(markersize=14, zorder=5, markeredgecolor=theme.ground)
        star.set_markeredgewidth(0.8)
        where = ("data", "axes fraction")
        said = ax.annotate(day_of(day), (day, place), xycoords=where, va="center")
        early = n < _EARLY * len(line.days)  # and beside the axis
        said.set(ha="left" if early else "center", color=theme.text_of(color))
        said.set_fontsize(theme.small)


def _sure(line: Line) -> Any:
    """Return the days on which the interval excludes 0."""
    low, high = line.limits
    return np.flatnonzero((low > 0) | (high < 0))


def _first(line: Line) -> tuple[int, float]:
    """Return the first such day, and where its star stands.

    That is at the lift, or where there is none, at the limit next to 0.
    """
    n, (low, high) = int(_sure(line)[0]), line.limits
    limit = low[n] if low[n] > 0 else high[n]
    return n, float(line.values[n] if np.isfinite(line.values[n]) else limit)


def _limits(lines: Sequence[Line]) -> tuple[float, float] | None:
    """Look at 0, the stars, and all but the first fifth of the days: little is known.

    A star's date needs room above it.
    """
    stars = [_first(line)[1] for line in lines if len(_sure(line))]
    found = view([_later(line) for line in lines], 0.0, *stars)
    if found is None or not stars:
        return found
    return found[0], max(found[1], max(stars) + 0.12 * (found[1] - found[0]))


def _later(line: Line) -> Line:
    """Return all but the first fifth of the days."""
    start = len(line.days) // 5
    low, high = (limit[start:] for limit in line.limits)
    values, days = line.values[start:], line.days[start:]
    return line._replace(days=days, values=values, low=low, high=high)
