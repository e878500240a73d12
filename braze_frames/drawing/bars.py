"""Bars for periods and weekdays: on top of each other, or side by side."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from braze_frames.core.arrays import Floats
from braze_frames.drawing.figure import (
    End,
    PanelKey,
    Picture,
    label_ends,
    plain,
    say_empty,
)
from braze_frames.drawing.lines import (
    Line,
    Series,
    days_of_lines,
    finite,
    mark_young,
    set_days,
)
from braze_frames.drawing.looks import mix
from braze_frames.frame.by import WEEKDAYS
from braze_frames.wording.periods import PeriodsShown

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_WIDE = 0.8
# Beyond so many bars areas are drawn, as no bar could be seen by itself.
_MOST_BARS = 400
# A bar of its own has its value above where so many fit side by side.
_MOST_VALUES = 16
_DAY = np.timedelta64(24 * 3600, "s")
_OTHERS: PanelKey = ("\0others",)


def draw_bars(
    picture: Picture,
    series: Series,
    periods: PeriodsShown | None,
    nothing: str,
    *,
    stacked: bool,
) -> None:
    """Draw the bars of all panels; without periods they are of weekdays."""
    colors = series.colors(picture.theme)
    if periods:
        set_days(picture, series, periods)
    for panel, lines in series.panels().items():
        ax = picture.panels[panel]
        own = {name: color for (of, name), color in colors.items() if of == panel}
        if not own:
            say_empty(ax, nothing, picture.theme)
            continue
        if periods is None:
            ax.set_xticks(range(7), WEEKDAYS)
            ax.set_xlim(-0.6, 6.6)
        if stacked:
            _stack(picture, ax, lines, own, series, periods)
        else:
            shown = [line for line in lines if line.name in own]
            _beside(picture, ax, shown, own, series)
        series.unit.dress(ax)
        if periods:
            days = days_of_lines(lines)
            gap = np.diff(days).min() / 2 if len(days) > 1 else 0
            mark_young(picture, ax, lines, periods, gap)


def _stack(
    picture: Picture,
    ax: "Axes",
    lines: Sequence[Line],
    colors: Mapping[PanelKey, str],
    series: Series,
    periods: PeriodsShown | None,
) -> None:
    """Draw parts on top of each other, the largest at the bottom, others above."""
    days, theme = days_of_lines(lines), picture.theme
    width: Any = _WIDE * (_DAY if periods else 1)
    if periods and len(days) > 1:
        width = np.diff(days).min() * _WIDE
    if periods:
        ax.set_xlim(days[0] - width, days[-1] + width)
    grows, cut = (
        (periods.is_young(days), periods.is_partial(days))
        if periods
        else np.zeros((2, len(days)), dtype=bool)
    )
    below, ends = np.zeros(len(days)), []
    for name, heights in _parts(lines, colors, days).items():
        color = colors.get(name, theme.rest)
        others = f"{sum(not line.empty for line in lines) - len(colors)} more"
        text = others if name == _OTHERS else series.names[name]
        tints = np.where(grows, mix(color, theme.ground, 0.45), color)
        look: dict[str, Any] = {"color": color, "label": plain(text)}
        if len(days) > _MOST_BARS:
            look |= {"edgecolor": theme.ground, "linewidth": 0.3}
            ax.fill_between(days, below, below + heights, **look)
        else:
            bars = ax.bar(days, heights, width, bottom=below, **look)
            for bar, tint, hollow in zip(bars, tints, cut, strict=True):
                bar.set(facecolor=theme.ground if hollow else tint, edgecolor=tint)
                bar.set_linewidth(1.4 if hollow else 0.0)
        middle = float(below[-1] + heights[-1] / 2)
        said = series.unit.write(float(heights[-1]), float(heights.max()))
        ends.append(End(days[-1] + width / 2, middle, text, said, color))
        below = below + heights
    ax.set_ylim(min(0.0, float(below.min())), 1.08 * float(below.max()) or 1.0)
    _label(picture, ax, ends, (days, below, below), series)


def _parts(
    lines: Sequence[Line], colors: Mapping[PanelKey, str], days: Any
) -> dict[PanelKey, Floats]:
    """Return the heights of each part, the largest first; others are one part."""
    found: dict[PanelKey, Floats] = {}
    for line in sorted(lines, key=lambda line: -line.size):
        name = line.name if line.name in colors else _OTHERS
        heights = np.zeros(len(days))
        heights[np.searchsorted(days, line.days)] = np.nan_to_num(line.values)
        found[name] = found.get(name, 0.0) + heights
    found = {name: found[name] for name in sorted(found, key=_OTHERS.__eq__)}
    return {name: heights for name, heights in found.items() if heights.any()}


def _beside(
    picture: Picture,
    ax: "Axes",
    lines: Sequence[Line],
    colors: Mapping[PanelKey, str],
    series: Series,
) -> None:
    """Draw bars side by side, each with its interval."""
    width, ends = _WIDE / len(lines), []
    for n, line in enumerate(lines):
        places = np.asarray(line.days, dtype=float) + (n + 0.5) * width - _WIDE / 2
        color, said = colors[line.name], series.names[line.name]
        ax.bar(places, line.values, 0.92 * width, color=color, label=plain(said))
        low, high = line.limits
        ax.vlines(places, low, high, color=mix(color, picture.theme.ink, 0.5))
        last = float(line.values[-1])
        ends.append(End(places[-1] + width / 2, last, said, "", color))
    ax.set_ylim(0.0, 1.08 * float(finite([*line.limits, line.values]).max()) or 1.0)
    tops = np.fmax(lines[0].limits[1], lines[0].values)
    _label(picture, ax, ends, (lines[0].days, lines[0].values, tops), series)


def _label(
    picture: Picture,
    ax: "Axes",
    ends: Sequence[End],
    bars: tuple[Any, Floats, Floats],
    series: Series,
) -> None:
    """Write names at the right; where none is needed, the few values above bars."""
    if len(ends) > 1 or any(end.name for end in ends):
        label_ends(picture, ax, ends)
        return
    reach = float(np.ptp(ax.get_ylim()))
    few = len(bars[0]) <= _MOST_VALUES
    for day, value, top in zip(*bars, strict=True):
        if few and np.isfinite(value):
            said = ax.annotate(
                series.unit.write(float(value), reach),
                (day, top),
                xytext=(0, 3),
                textcoords="offset points",
            )
            said.set(ha="center", va="bottom", color=picture.theme.muted)
            said.set_fontsize(picture.theme.small)
