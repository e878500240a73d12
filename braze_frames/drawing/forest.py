"""The forest: estimates with their intervals, all tests in one panel, with columns."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import pandas as pd

from braze_frames.core.names import tell_apart
from braze_frames.core.numbers import number
from braze_frames.drawing.figure import (
    PanelKey,
    Picture,
    Setting,
    Words,
    extent,
    fit,
    lines_of,
    make_room,
    slicing,
)
from braze_frames.drawing.lines import finite
from braze_frames.drawing.looks import mix, theme_of
from braze_frames.frame.levels import labels
from braze_frames.wording.periods import note_on_young

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from braze_frames.drawing.figure import Pictured

# What fits on a slide; headings are not counted.
_MOST_ROWS = 24
# The height of a row, in letters: 0.34 inches at matplotlib's 10 points.
_ROW = 2.45
# Between columns of text, in widths of a letter.
_GAP = 1.8
# The view holds what is so many times as far as the median limit.
_REACH = 6
# Of the whole width: names of variations, and columns that must leave the panel room.
_NAMES, _COLUMNS = 0.34, 0.58


class ForestRow(NamedTuple):
    """A row of a forest; ``cells`` are written beside it, one a column.

    A heading has no cells, and a row without an estimate has a note instead.
    """

    key: PanelKey
    name: str
    value: float = np.nan
    low: float = np.nan
    high: float = np.nan
    sure: bool = False
    cells: Sequence[str] = ()
    note: str = ""

    @property
    def heads(self) -> bool:
        """Whether this is the heading of a test."""
        return not self.cells and not self.note


def draw_forest(
    df: pd.DataFrame,
    rows: Sequence[ForestRow],
    columns: Sequence[str],
    words: Words,
    setting: Setting,
) -> "Pictured":
    """Draw rows from the top, and their columns, of such headings, at the right.

    Raises
    ------
    ValueError
        They are too many.
    """
    keys = [row.key for row in rows if not row.heads]
    if len(keys) > _MOST_ROWS:
        levels = ("campaign", "channel", "variation")
        how = slicing(df, [name for name in levels if labels(df, name)], keys)
        raise ValueError(
            f"{len(keys)} rows are too many, {_MOST_ROWS} fit in a picture{how}"
        )
    high = _ROW * theme_of().size / 72
    picture = Picture(df, [], [], setting, heights=[high * len(rows)], grid="x")
    ax, limits = picture.axes[0], view_of(rows)
    ax.set(xlim=limits, ylim=(len(rows) - 0.5, -0.5))
    room = _name_rows(picture, rows)
    for place, row in enumerate(rows):
        if row.note:
            _write_note(picture, place, row.note, room)
        elif row.cells:
            _draw_row(picture, place, row)
    ax.axvline(0, color=picture.theme.ink, linewidth=1.2, zorder=1)
    _write_columns(picture, rows, columns)
    _format(ax)
    beyond = any(row.low < limits[0] or row.high > limits[1] for row in rows)
    arrows = ["An arrow: the interval goes on."] if beyond else []
    return picture.finish(
        words._replace(notes=[*words.notes, *arrows, *note_on_young(df)])
    )


def view_of(rows: Sequence[ForestRow]) -> tuple[float, float]:
    """Return limits that hold 0 and the interesting part of estimates and intervals.

    What goes on far beyond the median limit would press all others together.
    """
    points = finite([np.array([row.value for row in rows])])
    limits = finite([np.array([row.low, row.high]) for row in rows])
    if not len(points) and not len(limits):
        return -0.1, 0.1
    middles = [np.median(np.abs(one)) if len(one) else 0.0 for one in (limits, points)]
    reach, ends = max(_REACH * middles[0], 2 * middles[1]), [*points, *limits, 0.0]
    low, high = max(min(ends), -reach), min(max(ends), reach)
    margin = 0.06 * (high - low) or 0.1
    return float(low - margin), float(high + margin)


def _draw_row(picture: Picture, place: int, row: ForestRow) -> None:
    """Draw an interval with its estimate; arrows where it goes on beyond the view."""
    theme, ax = picture.theme, picture.axes[0]
    left, right = ax.get_xlim()
    color = theme.palette[0] if row.sure else mix(theme.ink, theme.ground, 0.5)
    if left <= row.value <= right:
        face = color if row.sure else theme.ground
        point: dict[str, Any] = {"marker": "o", "markersize": 8, "markeredgewidth": 1.8}
        ax.plot(row.value, place, color=color, markerfacecolor=face, zorder=4, **point)
    if np.isnan(row.low):
        return
    low, high = max(row.low, left), min(row.high, right)
    ax.hlines(place, low, high, color=color, linewidth=2.6, zorder=3)
    for edge, marker in ((left, "<"), (right, ">")):
        if row.low < edge == left or row.high > edge == right:
            ax.plot(edge, place, marker, color=color, markersize=7, clip_on=False)


def _write_note(picture: Picture, place: int, note: str, room: float) -> None:
    """Write why there is no estimate, in up to two lines, over panel and columns."""
    theme, ax = picture.theme, picture.axes[0]
    width = max(20, int(room / (0.58 * theme.small)))
    (short,) = tell_apart([note], 2 * width - 12)
    text = ax.text(
        0.01, place, lines_of(short, width), transform=ax.get_yaxis_transform()
    )
    text.set(va="center", color=theme.muted, fontsize=theme.small)
    text.set_bbox({"facecolor": ax.get_facecolor(), "linewidth": 0, "pad": 1})
    text.set_in_layout(False)


def _name_rows(picture: Picture, rows: Sequence[ForestRow]) -> float:
    """Write the names at the left: headings bold, variations set in.

    Returns how much room is right of them, in points.
    """
    theme, ax = picture.theme, picture.axes[0]
    whole = picture.panel_points[0]
    if picture.own:
        whole = 72 * float(picture.figure.get_figwidth())
    step = "    " if any(row.heads for row in rows) else ""
    ax.set_yticks(range(len(rows)), [row.name for row in rows])
    ax.tick_params(axis="y", length=0, labelcolor=theme.ink, labelsize=theme.size)
    ticks, widest, texts = ax.get_yticklabels(), 0.0, []
    for place, (tick, row) in enumerate(zip(ticks, rows, strict=True)):
        if row.heads:
            tick.set_fontweight("bold")
            tick.set_bbox({"facecolor": theme.ground, "linewidth": 0, "pad": 1})
            _rule(picture, place - 0.5)
        # A heading may run on over its own row.
        fit(tick, row.name, (0.6 if row.heads else _NAMES) * whole)
        inset = "" if row.heads else step
        texts.append(inset + tick.get_text().replace("\n", f"\n{inset}"))
        tick.set_text(texts[-1])
        widest = max(widest, 0.0 if row.heads else extent(tick).width)
    ax.set_yticks(range(len(rows)), texts)
    if not picture.own:
        return whole
    widest *= 72 / picture.figure.dpi
    ax.tick_params(axis="y", pad=widest + theme.size)
    for tick in ax.get_yticklabels():
        tick.set_horizontalalignment("left")
    return whole - widest - 4 * theme.size


def _rule(picture: Picture, height: float) -> None:
    """Draw a light line over the whole width, above a test that is not the first."""
    if height < 0:
        return
    ax, whole = picture.axes[0], picture.figure.transFigure
    both = ax.get_yaxis_transform()
    if picture.own:
        from matplotlib.transforms import blended_transform_factory

        both = blended_transform_factory(whole, ax.transData)
    color = picture.theme.faint
    (line,) = ax.plot([0.01, 0.99], [height] * 2, transform=both, color=color)
    line.set(clip_on=False, zorder=0, linewidth=0.9)
    line.set_in_layout(False)


def _write_columns(
    picture: Picture, rows: Sequence[ForestRow], columns: Sequence[str]
) -> None:
    """Write the columns at the right; in the user's Axes the lift alone, inside."""
    theme, dots = picture.theme, picture.figure.dpi / 72
    found = []
    for n, head in enumerate(columns):
        texts = [_cell(picture, -0.85, head, sure=False)] if picture.own else []
        texts += [
            _cell(picture, down, row.cells[n], sure=row.sure)
            for down, row in enumerate(rows)
            if row.cells and row.cells[n]
        ]
        wide = max((extent(text).width / dots for text in texts), default=0.0)
        found.append((wide + _GAP * theme.size, texts))
    shown = found if picture.own else found[-2:-1]
    room = _COLUMNS * 72 * float(picture.figure.get_figwidth())
    while len(shown) > 2 and sum(wide for wide, _ in shown) > room:
        shown = shown[1:]
    place = 0.0
    for wide, texts in found:
        place += wide if (wide, texts) in shown else 0.0
        for text in texts:
            text.xyann = (place, 0) if picture.own else (-2, 0)
            if (wide, texts) not in shown:
                text.remove()
    if not picture.own:
        make_room(picture, shown[0][0])


def _cell(picture: Picture, down: float, said: str, *, sure: bool) -> Any:
    theme = picture.theme
    place: dict[str, Any] = {"xycoords": ("axes fraction", "data"), "ha": "right"}
    place |= {"xytext": (0, 0), "textcoords": "offset points", "va": "center"}
    cell = picture.axes[0].annotate(said, (1.0, down), annotation_clip=False, **place)
    cell.set_color(theme.ink if sure else theme.muted)
    cell.set_fontweight("bold" if sure else "normal")
    cell.set_fontsize(0.95 * theme.size if picture.own else theme.small)
    return cell


def _format(ax: "Axes") -> None:
    from matplotlib.ticker import FuncFormatter, MaxNLocator

    ax.xaxis.set_major_locator(MaxNLocator(5))
    step = float(np.diff(ax.get_xticks()).min()) if len(ax.get_xticks()) > 1 else 1.0
    digits = 0 if step >= 0.01 else 1
    write = FuncFormatter(lambda x, _: f"{number(100 * x, digits, signed=True)} %")
    ax.xaxis.set_major_formatter(write)
