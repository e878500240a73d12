"""Bars for periods and weekdays: on top of each other, or side by side."""

from collections.abc import Sequence
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
from braze_frames.drawing.lines import Line, Series, mark_young, set_days
from braze_frames.drawing.looks import mix
from braze_frames.frame.by import WEEKDAYS
from braze_frames.wording.periods import PeriodsShown

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_WIDE = 0.8
# Beyond so many bars areas are drawn, as no bar could be seen by itself.
_MOST_BARS = 150
# A bar of its own has its value above where so many fit side by side.
_MOST_VALUES = 16
_DAY = np.timedelta64(1, "D")
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
    if periods is not None:
        set_days(picture, series.lines, periods)
    for panel, lines in series.panels().items():
        ax = picture.panels[panel]
        if all(line.empty for line in lines):
            say_empty(ax, nothing, picture.theme)
            continue
        own = {name: color for (of, name), color in colors.items() if of == panel}
        if periods is None:
            _set_weekdays(ax)
        if stacked:
            _stack(picture, ax, lines, own, series, periods)
        else:
            _beside(picture, ax, lines, own, series)
        if periods is not None:
            days = np.unique(np.concatenate([line.days for line in lines]))
            gap = np.diff(days).min() / 2 if len(days) > 1 else 0
            mark_young(picture, ax, lines, periods, gap)


def _set_weekdays(ax: "Axes") -> None:
    ax.set_xticks(range(7), WEEKDAYS)
    ax.set_xlim(-0.6, 6.6)


def _stack(
    picture: Picture,
    ax: "Axes",
    lines: Sequence[Line],
    colors: dict[PanelKey, str],
    series: Series,
    periods: PeriodsShown | None,
) -> None:
    """Draw parts on top of each other, the largest at the bottom, others above."""
    days = np.unique(np.concatenate([line.days for line in lines]))
    width = _width(days)
    if periods is not None:
        ax.set_xlim(days[0] - width, days[-1] + width)
    below, ends = np.zeros(len(days)), []
    for name, heights in _parts(lines, colors, days).items():
        color = colors.get(name, picture.theme.rest)
        text = f"{len(lines) - len(colors)} more" if name == _OTHERS else ""
        text = text or series.names[name]
        look = (plain(text), color)
        _draw_part(ax, (days, width), (below, heights), look, periods, picture)
        middle = float(below[-1] + heights[-1] / 2)
        said = series.write(float(heights[-1]), float(heights.max()))
        ends.append(End(days[-1] + width / 2, middle, text, said, color))
        below = below + heights
    ax.set_ylim(min(0.0, float(below.min())), 1.08 * float(below.max()) or 1.0)
    if (len(ends) == 1 and not series.names.get(lines[0].name)) or len(days) == 0:
        _write_values(picture, ax, days, below, series)
    else:
        label_ends(picture, ax, ends)


def _parts(
    lines: Sequence[Line], colors: dict[PanelKey, str], days: Any
) -> dict[PanelKey, Floats]:
    """Return the heights of each part, the largest first; others are one part."""
    found: dict[PanelKey, Floats] = {}
    for line in sorted(lines, key=lambda line: -line.size):
        name = line.name if line.name in colors else _OTHERS
        heights = np.zeros(len(days))
        heights[np.searchsorted(days, line.days)] = np.nan_to_num(line.values)
        found[name] = found.get(name, 0.0) + heights
    others = found.pop(_OTHERS, None)
    found |= {} if others is None else {_OTHERS: others}
    return {name: heights for name, heights in found.items() if heights.any()}


def _draw_part(
    ax: "Axes",
    place: tuple[Any, Any],
    reach: tuple[Floats, Floats],
    look: tuple[str, str],
    periods: PeriodsShown | None,
    picture: Picture,
) -> None:
    (days, width), (below, heights), ground = place, reach, picture.theme.ground
    label, color = look
    if len(days) > _MOST_BARS:
        ends = (below, below + heights)
        style: Any = {"facecolor": color, "edgecolor": ground, "linewidth": 0.3}
        ax.fill_between(days, *ends, label=label, **style)
        return
    bars = ax.bar(days, heights, width, bottom=below, color=color, label=label)
    if periods is None:
        return
    young, partial = periods.is_young(days), periods.is_partial(days)
    for bar, grows, cut in zip(bars, young, partial, strict=True):
        light = mix(color, ground, 0.45) if grows else color
        bar.set(facecolor=ground if cut else light, edgecolor=light)
        bar.set_linewidth(1.4 if cut else 0.0)


def _beside(
    picture: Picture,
    ax: "Axes",
    lines: Sequence[Line],
    colors: dict[PanelKey, str],
    series: Series,
) -> None:
    """Draw bars side by side, each with its interval."""
    shown = [line for line in lines if line.name in colors]
    width = _WIDE / max(len(shown), 1)
    ends = []
    for n, line in enumerate(shown):
        places = np.asarray(line.days, dtype=float) + (n + 0.5) * width - _WIDE / 2
        color = colors[line.name]
        said = series.names[line.name]
        ax.bar(places, line.values, 0.92 * width, color=color, label=plain(said))
        low, high = line.limits
        if np.isfinite(low).any():
            strong = mix(color, picture.theme.ink, 0.5)
            ax.vlines(places, low, high, color=strong, linewidth=1.2)
        last = float(line.values[-1])
        ends.append(End(places[-1] + width / 2, last, said, "", color))
    ax.set_ylim(bottom=0.0)
    if len(shown) == 1 and not series.names[shown[0].name]:
        _write_values(picture, ax, np.asarray(shown[0].days), shown[0].values, series)
    else:
        label_ends(picture, ax, ends)


def _write_values(
    picture: Picture, ax: "Axes", days: Any, tops: Floats, series: Series
) -> None:
    """Write the value of each bar above it, where there are few."""
    if len(days) > _MOST_VALUES:
        return
    low, high = ax.get_ylim()
    for day, top in zip(days, tops, strict=True):
        if np.isfinite(top):
            ax.annotate(
                series.write(float(top), high - low),
                (day, top),
                xytext=(0, 3),
                textcoords="offset points",
                ha="center",
                va="bottom",
                fontsize=picture.theme.small,
                color=picture.theme.muted,
            )


def _width(days: Any) -> Any:
    """Return how wide bars are: most of the room between the nearest."""
    if not np.issubdtype(np.asarray(days).dtype, np.datetime64):
        return _WIDE
    return np.diff(days).min() * _WIDE if len(days) > 1 else _DAY * 1
