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
    lines_of,
    make_room,
    plain,
    slicing,
)
from braze_frames.drawing.lines import finite
from braze_frames.drawing.looks import mix
from braze_frames.frame.levels import days_of, labels
from braze_frames.frame.provenance import settled_until
from braze_frames.wording.periods import day_of

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from braze_frames.drawing.figure import Pictured

# What fits on a slide; headings are not counted.
_MOST_ROWS = 24
_ROW, _AROUND = 0.34, 1.9
# Between columns of text, in widths of a letter.
_GAP = 1.8
_REACH = 6
_NOTE = 88


class ForestRow(NamedTuple):
    """A row of a forest: a heading where it has no estimate, limits or note.

    ``cells`` are written beside it, one a column.
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
        return not self.cells


class Forest(NamedTuple):
    """The rows from the top, and the headings of the columns beside them."""

    rows: Sequence[ForestRow]
    columns: Sequence[str]


def draw_forest(
    df: pd.DataFrame, forest: Forest, words: Words, setting: Setting
) -> "Pictured":
    """Draw the rows, from the top, with their columns at the right.

    Raises
    ------
    ValueError
        They are too many.
    """
    rows = forest.rows
    keys = [row.key for row in rows if not row.heads]
    if len(keys) > _MOST_ROWS:
        how = slicing(df, table_levels(df), keys)
        raise ValueError(
            f"{len(keys)} rows are too many, {_MOST_ROWS} fit in a picture{how}"
        )
    height = _AROUND + _ROW * len(rows)
    picture = Picture(df, [], [], setting, height=height, grid="x")
    ax, limits = picture.axes[0], view_of(rows)
    for place, row in enumerate(rows):
        if not row.heads:
            _draw_row(picture, ax, place, row, limits)
    ax.axvline(0, color=picture.theme.ink, linewidth=1.2, zorder=1)
    ax.set_xlim(limits)
    ax.set_ylim(len(rows) - 0.5, -0.5)
    _name_rows(picture, ax, rows)
    _write_columns(picture, ax, forest)
    _format(ax)
    notes = [*words.notes, *_notes(df, rows, limits)]
    return picture.finish(words._replace(notes=notes))


def table_levels(df: pd.DataFrame) -> list[str]:
    """Return the levels whose labels tell rows apart."""
    levels = ("campaign", "channel", "variation")
    return [name for name in levels if labels(df, name)]


def view_of(rows: Sequence[ForestRow]) -> tuple[float, float]:
    """Return limits that hold 0 and the interesting part of estimates and intervals.

    What goes on far beyond the median limit would press all others together.
    """
    ends = finite([np.array([row.value, row.low, row.high]) for row in rows])
    if not len(ends):
        return -0.1, 0.1
    sides = [np.array([row.low, row.high]) for row in rows]
    reach = (
        _REACH * float(np.median(np.abs(finite(sides)))) if len(finite(sides)) else 0.0
    )
    points = finite([np.array([row.value for row in rows])])
    reach = max(reach, float(np.median(np.abs(points))) * 2 if len(points) else 0.0)
    low, high = max(ends.min(), -reach), min(ends.max(), reach)
    margin = 0.06 * (max(high, 0.0) - min(low, 0.0)) or 0.1
    return float(min(low, 0.0) - margin), float(max(high, 0.0) + margin)


def _draw_row(
    picture: Picture,
    ax: "Axes",
    place: int,
    row: ForestRow,
    limits: tuple[float, float],
) -> None:
    """Draw an interval with its estimate; arrows where it goes on beyond the view."""
    theme, (left, right) = picture.theme, limits
    color = theme.palette[0] if row.sure else mix(theme.ink, theme.ground, 0.5)
    if row.note:
        (short,) = tell_apart([row.note], _NOTE)
        text = plain(short)
        style: dict[str, Any] = {"color": theme.muted, "fontsize": theme.small}
        ax.text(
            0.01, place, text, va="center", transform=ax.get_yaxis_transform(), **style
        )
        return
    if np.isfinite(row.value) and left <= row.value <= right:
        face = color if row.sure else theme.ground
        point: dict[str, Any] = {"marker": "o", "markersize": 8, "markeredgewidth": 1.8}
        ax.plot(row.value, place, color=color, markerfacecolor=face, zorder=4, **point)
    if np.isnan(row.low):
        return
    low, high = max(row.low, left), min(row.high, right)
    ax.hlines(place, low, high, color=color, linewidth=2.6, zorder=3)
    for beyond, edge, marker in (
        (row.low < left, left, "<"),
        (row.high > right, right, ">"),
    ):
        if beyond:
            ax.plot(edge, place, marker, color=color, markersize=7, clip_on=False)


def _name_rows(picture: Picture, ax: "Axes", rows: Sequence[ForestRow]) -> None:
    """Write the names at the left: headings bold, variations set in."""
    theme = picture.theme
    step = "    " if any(row.heads for row in rows) else ""
    texts = [lines_of(row.name, 60) for row in rows]
    named = [t if row.heads else step + t for t, row in zip(texts, rows, strict=True)]
    ax.set_yticks(range(len(rows)), named)
    ax.tick_params(axis="y", length=0, labelcolor=theme.ink, labelsize=theme.size)
    for tick, row in zip(ax.get_yticklabels(), rows, strict=True):
        tick.set_fontweight("bold" if row.heads else "normal")
        if row.heads:
            tick.set_bbox({"facecolor": theme.ground, "linewidth": 0, "pad": 1})
    if picture.own:
        ticks = ax.get_yticklabels()
        widths = [extent(tick).width for tick in ticks]
        widest = max(  # a heading may run on over its own row
            width * (0.6 if row.heads else 1.0)
            for width, row in zip(widths, rows, strict=True)
        )
        ax.tick_params(axis="y", pad=widest * 72 / picture.figure.dpi + theme.size)
        for tick in ticks:
            tick.set_horizontalalignment("left")
    for place, row in enumerate(rows):
        if row.heads and place:
            _rule(picture, ax, place - 0.5)


def _rule(picture: Picture, ax: "Axes", height: float) -> None:
    """Draw a light line over the whole width, between two tests."""
    from matplotlib.transforms import blended_transform_factory

    whole = picture.figure.transFigure if picture.own else ax.transAxes
    both = blended_transform_factory(whole, ax.transData)
    ends, color = ([0.01, 0.99] if picture.own else [0, 1]), picture.theme.faint
    (line,) = ax.plot(ends, [height] * 2, transform=both, color=color, linewidth=0.9)
    line.set(clip_on=False, zorder=0)
    line.set_in_layout(False)


def _write_columns(picture: Picture, ax: "Axes", forest: Forest) -> None:
    """Write the columns at the right; in the user's Axes the lift alone, inside."""
    theme, dots = picture.theme, picture.figure.dpi / 72
    place = _GAP * theme.size
    for n, head in enumerate(forest.columns):
        if not picture.own and n != len(forest.columns) - 2:
            continue
        texts = [_cell(picture, ax, -0.85, head, sure=False)] if picture.own else []
        texts += [
            _cell(picture, ax, down, row.cells[n], sure=row.sure)
            for down, row in enumerate(forest.rows)
            if not row.heads and row.cells[n]
        ]
        if not texts:
            continue
        wide = max(extent(text).width for text in texts) / dots
        for text in texts:
            text.xyann = (place + wide, 0) if picture.own else (-2, 0)
        place += wide + _GAP * theme.size
        if not picture.own:
            make_room(ax, wide / 72)


def _cell(picture: Picture, ax: "Axes", down: float, said: str, *, sure: bool) -> Any:
    theme = picture.theme
    return ax.annotate(
        said,
        (1.0, down),
        xycoords=("axes fraction", "data"),
        xytext=(0, 0),
        textcoords="offset points",
        ha="right",
        va="center",
        annotation_clip=False,
        fontsize=0.95 * theme.size if picture.own else theme.small,
        fontweight="bold" if sure else "normal",
        color=theme.ink if sure else theme.muted,
    )


def _format(ax: "Axes") -> None:
    from matplotlib.ticker import FuncFormatter, MaxNLocator

    ax.xaxis.set_major_locator(MaxNLocator(5))
    step = float(np.diff(ax.get_xticks()).min()) if len(ax.get_xticks()) > 1 else 1.0
    digits = 0 if step >= 0.01 else 1
    write = FuncFormatter(lambda x, _: f"{number(100 * x, digits, signed=True)} %")
    ax.xaxis.set_major_formatter(write)


def _notes(
    df: pd.DataFrame, rows: Sequence[ForestRow], limits: tuple[float, float]
) -> list[str]:
    notes = []
    if any(row.low < limits[0] or row.high > limits[1] for row in rows):
        notes.append("An arrow: the interval goes on.")
    settled = settled_until(df)
    if (days_of(df).to_numpy() > settled).any():
        notes.append(f"Days after {day_of(settled)} are in it, and still grow.")
    return notes
