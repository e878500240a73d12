"""A picture: panels of one look, with a head above and a foot below.

Sizes of the figure stand here; all else finds its room by itself.
"""

import warnings
from collections.abc import Iterable, Sequence
from textwrap import wrap
from typing import TYPE_CHECKING, Any, NamedTuple, cast

import numpy as np
import pandas as pd

from braze_frames.core.names import legible
from braze_frames.drawing.looks import (
    Grid,
    Theme,
    dress,
    own_figsize,
    theme_of,
    use_fonts_for,
)
from braze_frames.errors import listed
from braze_frames.wording.labels import JOINT

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    Pictured = Axes | np.ndarray[Any, np.dtype[np.object_]]

PanelKey = tuple[str, ...]
# A slide's picture; readable at this size with text of 10 points.
WIDTH, HEIGHT = 10.0, 5.6
_PANEL_WIDTH = 4.2
# Head, foot and axis. The more rows of panels, the lower is each, down to the least.
_AROUND, _LEAST, _SHRINKS = 1.9, 2.0, -0.4
_MANY, _MOST_PANELS, _LARGEST = 8, 36, 200
# What panels leave to the axis of values, of the whole width.
_PANEL = 0.88
# The margin around all words, as a share of the figure; from line to line, in letters.
_EDGE, _LINE = 0.015, 1.5
# A title is smaller where it would take more of the height.
_TITLES, _MOST_OF_TITLE = (1.5, 1.1), 0.2
# Signs of the shortest line that words are broken into.
_FEWEST = 8


class Setting(NamedTuple):
    """What the user says of the picture itself."""

    ax: "Axes | None" = None
    title: str | None = None
    figsize: tuple[float, float] | None = None


class Words(NamedTuple):
    """What is written around the panels; ``drawn`` is told only who does not see them.

    All of it is the text in place of the picture.
    """

    title: str
    about: str
    notes: Sequence[str] = ()
    drawn: str = ""


def plain(text: str) -> str:
    r"""Return text that matplotlib draws to the letter: a ``$`` begins no formula.

    Examples
    --------
    >>> print(plain("5 $ off"))
    5 \$ off
    """
    return text.replace("$", r"\$")


def lines_of(text: object, width: int) -> str:
    r"""Return text in lines of at most ``width`` signs, drawn to the letter.

    Examples
    --------
    >>> print(lines_of("5 $ off for all", 7))
    5 \$ off
    for all
    """
    return "\n".join(map(plain, wrap(legible(text), width)))


def extent(text: Any) -> Any:
    """Return the box of a text, in dots; what a font lacks is said when it is drawn."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "Glyph|Matplotlib currently does not support")
        return text.get_window_extent()


class Picture:
    """A picture in the making: a figure of panels, or an Axes of the user's own.

    Parameters
    ----------
    df : DataFrame
        What is drawn, for a word on how to slice it.
    levels : list of str
        Whose labels make panels.
    keys : list of tuple of str
        Those labels, one panel each; none make one panel without a name.
    setting : Setting
        What the user says.
    heights : list of float, optional
        What each panel asks for, in inches; none: as a slide has.
    columns : int, optional
        How many panels stand side by side; None: as fits best.
    grid : {"y", "x", ""}
        Which grid lines are drawn.

    Raises
    ------
    ValueError
        There are several panels and one ``ax``, or more than a picture can hold, or
        ``figsize`` is no size.
    TypeError
        ``title`` is no text, or ``ax`` no Axes.
    """

    def __init__(
        self,
        df: pd.DataFrame,
        levels: Sequence[str],
        keys: Sequence[PanelKey],
        setting: Setting,
        *,
        heights: Sequence[float] = (),
        columns: int | None = None,
        grid: Grid = "y",
    ) -> None:
        keys = list(keys) or [()]
        _check_setting(setting)
        _check_panels(df, levels, keys, setting.ax)
        self.own, self._title = setting.ax is None, setting.title
        self.columns = min(len(keys), columns or _columns(len(keys)))
        self.axes = (
            _open(len(keys), self.columns, heights, setting.figsize)
            if setting.ax is None
            else [setting.ax]
        )
        self.panels = dict(zip(keys, self.axes, strict=True))
        self.theme = theme_of(self.axes[0])
        for ax in self.axes:
            dress(ax, self.theme, grid=grid)

    @property
    def figure(self) -> "Figure":
        """The figure of the panels."""
        figure: Any = self.axes[0].get_figure(root=True)
        return cast("Figure", figure)

    @property
    def panel_points(self) -> tuple[float, float]:
        """About how wide and high a panel is, in points, before there is a layout."""
        box, size = self.axes[0].get_position(), 72 * self.figure.get_size_inches()
        share = _PANEL / self.columns if self.own else box.width
        return float(size[0] * share), float(size[1] * box.height)

    def name_panels(self, names: Sequence[str], *, above: bool = False) -> None:
        """Write the name of each panel over it; ``above`` leaves a line below it."""
        pad = self.theme.small * (1.9 if above else 0.7)
        for ax, name in zip(self.axes, names, strict=True):
            if len(self.axes) > 1:
                self._name(ax, name, self.theme.size, pad=pad)

    def _name(self, ax: "Axes", name: str, size: float, **place: float) -> None:
        style: dict[str, Any] = {"color": self.theme.ink, "fontweight": "bold", **place}
        title = ax.set_title("", loc="left", fontsize=size, **style)
        fit(title, name, self.panel_points[0])

    def finish(self, words: Words) -> "Pictured":
        """Write head and foot, or a title on the user's Axes; return the Axes."""
        title = words.title if self._title is None else self._title
        said = filter(None, [title, words.about, words.drawn, *words.notes])
        alt = legible(" ".join(f"{part.rstrip('.')}." for part in said))
        if self.own:
            self._write_around(title, words)
            self.figure.set_label(alt)
        else:
            self._name(self.axes[0], title, 1.1 * self.theme.size)
            self.axes[0].set_label(alt)
        use_fonts_for(self.figure if self.own else self.axes[0])
        if len(self.axes) == 1:
            return self.axes[0]
        found = np.empty(len(self.axes), dtype=object)
        found[:] = self.axes
        return found

    def _write_around(self, title: str, words: Words) -> None:
        """Write title, subtitle and notes, and keep the panels out of them."""
        theme, figure = theme_of(), self.figure
        top = 1.0 - _EDGE * WIDTH / figure.get_figheight()
        if title:
            text = figure.suptitle("", x=_EDGE, y=top, ha="left", va="top")
            text.set(color=theme.ink, fontweight="bold")
            for size in _TITLES:
                text.set_fontsize(size * theme.size)
                used = self._fit(text, title, gap=0.45)
                if used < _MOST_OF_TITLE:
                    break
            top -= used
        if words.about:
            text = figure.text(_EDGE, top, "", va="top", color=theme.muted)
            text.set_fontsize(1.05 * theme.size)
            top -= self._fit(text, words.about, gap=1.0)
        bottom = _EDGE
        if words.notes:
            text = figure.text(_EDGE, bottom, "", va="bottom", color=theme.muted)
            text.set_fontsize(theme.small)
            bottom += self._fit(text, " ".join(words.notes), gap=0.6)
        engine: Any = figure.get_layout_engine()
        engine.set(rect=(0.0, bottom, 1.0, max(top - bottom, 0.1)))

    def _fit(self, text: Any, said: str, *, gap: float) -> float:
        """Write text in lines that fit the figure; return its share of the height."""
        wide, high = 72 * self.figure.get_size_inches()
        points = fit(text, said, (1 - 2 * _EDGE) * wide) + gap * text.get_fontsize()
        return float(points / high)


def fit(text: Any, said: object, points: float) -> float:
    """Write a text in lines so wide at most; return how high they are, in points."""
    said, dots = legible(said), text.get_figure(root=True).dpi / 72
    signs = max(len(said), 1)
    for _ in range(4):
        text.set_text(lines_of(said, signs))
        box = extent(text)
        if box.width <= points * dots or signs < _FEWEST:
            break
        longest = max(map(len, text.get_text().replace("\\$", "$").split("\n")))
        signs = max(_FEWEST, int(longest * 0.97 * points * dots / box.width))
    return float(box.height / dots)


def blank(df: pd.DataFrame, title: str, why: str, setting: Setting) -> "Pictured":
    """Return a picture that says why there is nothing to see."""
    picture = Picture(df, [], [], setting, grid="")
    say_empty(picture.axes[0], why, picture.theme)
    return picture.finish(Words(title, "", drawn=why))


def say_empty(ax: "Axes", text: str, theme: Theme) -> None:
    """Write into the middle of an Axes why there is nothing to see."""
    ax.set(xticks=[], yticks=[])
    ax.spines[:].set_visible(False)
    said = ax.text(0.5, 0.5, lines_of(text, 60), transform=ax.transAxes)
    said.set(ha="center", va="center", color=theme.muted, fontsize=theme.size)


def _check_setting(setting: Setting) -> None:
    if not isinstance(setting.title, str | None):
        raise TypeError(f"title={setting.title!r} is no text; '' is none")
    if setting.ax is not None:
        _check_axes(setting.ax)
    if setting.figsize is None:
        return
    size: Any = setting.figsize
    found = np.asarray(size if isinstance(size, list | tuple | np.ndarray) else [])
    good = found.shape == (2,) and found.dtype.kind in "iuf"
    if not (good and ((found > 0) & (found < _LARGEST)).all()):
        raise ValueError(
            f"figsize={size!r} is no size in inches: pass (width, height), as (10, 5.6)"
        )
    if setting.ax is not None:
        raise ValueError("figsize= is of a new figure, and ax= has one: leave one out")


def _check_axes(ax: object) -> None:
    from matplotlib.axes import Axes

    if isinstance(ax, Axes):
        return
    if isinstance(ax, np.ndarray | list | tuple):
        place = ", ".join("0" * max(np.ndim(ax), 1))
        raise TypeError(
            f"ax= is {len(ax)} things in a {type(ax).__name__}, and a picture is drawn "
            f"in one Axes: pass one of them, as in ax=axes[{place}]"
        )
    raise TypeError(
        f"ax={ax!r} is no Axes of matplotlib; leave it out for a new figure"
    )


def _check_panels(
    df: pd.DataFrame, levels: Sequence[str], keys: Sequence[PanelKey], ax: object
) -> None:
    count, fit = len(keys), f"are too many, {_MOST_PANELS} fit in a picture"
    if ax is not None and count > 1:
        fit = "do not fit on one ax="
    if count > (_MOST_PANELS if ax is None else 1):
        how = slicing(df, levels, keys) + (", or leave ax= out" if ax else "")
        raise ValueError(f"{count} panels {fit}{how}")


def slicing(df: pd.DataFrame, levels: Sequence[str], keys: Sequence[PanelKey]) -> str:
    """Say how to slice out one part of those that do not fit."""
    place = next(n for n in range(len(levels)) if len({key[n] for key in keys}) > 1)
    level, label = levels[place], keys[0][place]
    how = (
        f"df.xs({label!r}, level={level!r}, drop_level=False)"
        if level in df.index.names
        else f"df[df[{level!r}] == {label!r}]"
    )
    found = listed(JOINT.join(map(legible, key)) for key in keys)
    return f" ({found}): slice one out, as in {how}"


def _columns(count: int) -> int:
    """Return how many panels stand side by side: few with the fewest holes, else 3."""
    if count <= 3 or count > _MANY:
        return min(count, 3)
    return min((2, 3, 4), key=lambda columns: (-count % columns, abs(columns - 3)))


def _open(
    count: int, columns: int, heights: Sequence[float], size: tuple[float, float] | None
) -> "list[Axes]":
    import matplotlib.pyplot as plt

    starts = range(0, count, columns)
    rows = [max(heights[n : n + columns]) for n in starts] if heights else None
    each = max(_LEAST, (HEIGHT - _AROUND) * len(starts) ** _SHRINKS)
    high = _AROUND + (sum(rows) if rows else each * len(starts))
    width = max(WIDTH, columns * _PANEL_WIDTH)
    size = size or own_figsize() or (width, high)
    figure = plt.figure(figsize=size, layout="constrained")
    cells = figure.subplots(len(starts), columns, squeeze=False, height_ratios=rows)
    axes = list(cells.flat)
    for spare in axes[count:]:
        spare.remove()
    return axes[:count]


class End(NamedTuple):
    """The end of a line or the middle of a part of a bar: its name, and its value."""

    x: Any
    y: float
    name: str
    value: str
    color: str

    def text(self, width: int) -> str:
        """Return name and value in lines of about ``width`` signs."""
        name = lines_of(self.name, width) if self.name else ""
        last = name.rpartition("\n")[2]
        joint = "  " if len(last) + len(self.value) < width + 4 else "\n"
        return joint.join(filter(None, [name, self.value]))


def label_ends(picture: Picture, ax: "Axes", ends: Iterable[End]) -> None:
    """Write labels at the right of an Axes, pushed apart, with thin leaders.

    In the user's own Axes they stand inside, where room is made for them.
    """
    ends = sorted((end for end in ends if np.isfinite(end.y)), key=lambda end: end.y)
    if not ends:
        return
    one = picture.columns == 1
    size, width = (picture.theme.size, 44) if one else (picture.theme.small, 20)
    texts = [end.text(width) for end in ends]
    low, high = ax.get_ylim()
    line = _LINE * size / picture.panel_points[1]
    asked = [float(np.clip((end.y - low) / (high - low), 0, 1)) for end in ends]
    places = spread(asked, [line * (text.count("\n") + 1) for text in texts])
    longest = max(len(line) for text in texts for line in text.split("\n"))
    start = 1.03 if picture.own else make_room(picture, 0.58 * size * longest)
    for end, text, place in zip(ends, texts, places, strict=True):
        arrow = {"arrowstyle": "-", "color": end.color, "linewidth": 0.8}
        arrow |= {"relpos": (0, 0.5), "shrinkA": 2, "shrinkB": 3}
        said = ax.annotate(
            text,
            (end.x, end.y),
            xytext=(start, place),
            textcoords="axes fraction",
            arrowprops=arrow,
            annotation_clip=False,
        )
        said.set(va="center", fontsize=size, color=picture.theme.text_of(end.color))


def make_room(picture: Picture, points: float) -> float:
    """Move what is drawn to the left, so that texts so wide fit inside.

    Returns where they begin, as a share of the Axes; they take at most six tenths.
    """
    (ax,) = picture.axes
    share = min(0.6, points / picture.panel_points[0] + 0.06)
    left, right = ax.get_xlim()
    ax.set_xlim(left, left + (right - left) / (1 - share))
    return 1.03 - share


def spread(places: Sequence[float], heights: Sequence[float]) -> list[float]:
    """Push labels, sorted from below to above, apart, and keep them in 0 … 1.

    Pushed up and pushed down both leave room between them, and so does their mean.

    Examples
    --------
    >>> spread([0.5, 0.5, 0.9], [0.1, 0.1, 0.1])
    [0.45, 0.55, 0.9]
    """
    asked, room = np.asarray(places, dtype=float), np.asarray(heights, dtype=float)
    start = np.concatenate([[0.0], np.cumsum((room[1:] + room[:-1]) / 2)])
    up = np.maximum.accumulate(asked - start)
    down = np.minimum.accumulate((asked - start)[::-1])[::-1]
    mean = np.clip((up + down) / 2, 0.0, max(0.0, 1.0 - float(start[-1])))
    return [round(float(place), 6) for place in mean + start]
