"""The funnel: from the message to the purchase, as shares of the first step."""

from collections.abc import Mapping, Sequence
from itertools import zip_longest
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import pandas as pd

from braze_frames.core.names import natural
from braze_frames.core.numbers import count, share_text
from braze_frames.drawing.figure import (
    PanelKey,
    Picture,
    Setting,
    Words,
    blank,
    fit,
    say_empty,
)
from braze_frames.drawing.looks import Theme, mix
from braze_frames.errors import FrameError
from braze_frames.frame.levels import grain_of, level_names
from braze_frames.frame.totals import totals as _totals
from braze_frames.schema.channels import RECIPIENTS
from braze_frames.schema.formulas import parse_formula
from braze_frames.schema.rates import FUNNEL, FUNNEL_ELSEWHERE, STEPS
from braze_frames.wording.labels import Labels, about
from braze_frames.wording.periods import note_on_young

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from braze_frames.drawing.figure import Pictured

# Up to so many campaigns: how many stand side by side, how many columns in each, and
# how high a bar is, in inches.
_LAYOUTS = {3: (1, 5, 0.42), 8: (2, 3, 0.42), 1000: (3, 2, 0.32)}
# Between columns, and above them, where a heading has one line; in bars.
_GAP, _HEADING, _LINE = 0.18, 0.8, 0.45
# A bar that reaches so far has room for its numbers.
_INSIDE = 0.62


class FunnelColumn(NamedTuple):
    """The steps of one channel or variation: how many, and of which base a share.

    A step that was not given is NaN; ``first``: the base is the first step.
    """

    panel: PanelKey
    name: PanelKey
    steps: Mapping[str, float]
    base: float
    first: bool


def plot_funnel(
    df: pd.DataFrame,
    by: str | Sequence[str] | None = "variation",
    *,
    ax: "Axes | None" = None,
    title: str | None = None,
    labels: Mapping[str, str] | None = None,
    figsize: tuple[float, float] | None = None,
) -> "Pictured":
    """Draw how many are left at each step: sent, delivered, opened, clicked, converted.

    Parameters
    ----------
    df : DataFrame
        The variation grain.
    by : str or list of str, optional
        The levels whose labels make columns, as in ``totals``; channels always do, as
        each has steps of its own. Campaigns that are not in ``by`` become panels.
    ax, title, labels, figsize
        As in ``plot.rates``.

    Returns
    -------
    Axes or ndarray of Axes
        The Axes of one campaign; an array where there are several. A column is 1 wide,
        on a light track; its bars are the shares of its first step, from the top.
        Beside each stand its sum, as ``totals`` has it, and the share.

    Raises
    ------
    ValueError
        Several panels and one ``ax``; ``by`` names no level of the frame.
    FrameError
        The frame has no variations.

    Notes
    -----
    Steps are those that the channel has: people for emails (unique opens and clicks)
    and content cards, events for other channels. A control receives nothing: its
    conversions are shares of its recipients. Everything is counted on the day on which
    it happened.

    Examples
    --------
    >>> import braze_frames as bf
    >>> entry = {"variation_name": "A", "sent": 50, "delivered": 40}
    >>> day = {"time": "2026-03-01", "messages": {"email": [entry]}}
    >>> ax = bf.read_braze_series({"data": [day]}).braze.plot.funnel()
    >>> [text.get_text() for text in ax.texts]
    ['50', '40  80.0 %']
    """
    if grain_of(df) != "variation":
        raise FrameError(
            "day totals have no steps; read with grain='variation' for a funnel"
        )
    setting = Setting(ax, title, figsize)
    if not len(df):
        return blank(df, "Funnel", "the frame has no rows", setting)
    asked = ["variation"] if by is None else [by] if isinstance(by, str) else [*by]
    panels = [
        level
        for level in ("campaign",)
        if level in level_names(df) and level not in asked
    ]
    levels = [*asked, *(["channel"] if "channel" not in asked else [])]
    columns = _columns(_totals(df, [*panels, *levels]), len(panels), levels)
    known = {label for column in columns for label in (*column.panel, *column.name)}
    names = Labels(df, labels, known)
    keys = list(dict.fromkeys(column.panel for column in columns))
    blocks = {key: [one for one in columns if one.panel == key] for key in keys}
    many = next(most for most in _LAYOUTS if len(keys) <= most)
    wide, side, bar = _LAYOUTS[many]
    rows = [_rows(own, side) for own in blocks.values()]
    heights = [bar * count for count in rows]
    picture = Picture(df, panels, keys, setting, heights=heights, columns=wide, grid="")
    for n, (key, own) in enumerate(blocks.items()):
        heads = _heads(own, levels, names)
        high = max(rows[n - n % wide :][:wide]) if wide > 1 else 0
        _draw(picture, picture.panels[key], (own, heads), side, high)
    picture.name_panels([names.join(panels, key) for key in keys])
    others = any(np.isfinite(one.base) for one in columns if not one.first)
    whom = "Who receives nothing is shown as a share of the recipients."
    notes = [*([whom] if others else []), *note_on_young(df)]
    what = about(df, names, "share of the first step")
    return picture.finish(Words("How far people get", what, notes))


def _heads(
    columns: Sequence[FunnelColumn], levels: Sequence[str], names: Labels
) -> list[str]:
    """Return what stands over columns: the labels in which they differ."""
    places = range(len(levels))
    differ = [n for n in places if len({one.name[n] for one in columns}) > 1]
    enough = [
        n for n in differ if len({one.name[n] for one in columns}) == len(columns)
    ]
    shown = enough[-1:] or differ
    picked = [levels[n] for n in shown]
    return [
        names.join(picked, tuple(column.name[n] for n in shown)) for column in columns
    ]


def _columns(
    sums: pd.DataFrame, panels: int, levels: Sequence[str]
) -> list[FunnelColumn]:
    """Return the columns, in the order of people: 2 before 10."""
    place = panels + levels.index("channel")
    found = []
    for key, row in sums.iterrows():
        labels = tuple(map(str, key if isinstance(key, tuple) else (key,)))
        steps = {
            step.name: _sum(step.formula, row)
            for step in FUNNEL.get(labels[place], FUNNEL_ELSEWHERE)
        }
        start = next(iter(steps.values()))
        first = bool(start > 0)
        base = start if first else _sum(RECIPIENTS, row)
        found.append(FunnelColumn(labels[:panels], labels[panels:], steps, base, first))
    return sorted(found, key=lambda one: [*map(natural, (*one.panel, *one.name))])


def _sum(formula: str, row: pd.Series) -> float:
    """Return the sum of a step; NaN where it was not given."""
    terms = parse_formula(formula).terms
    parts = [(sign, row.get(stat, pd.NA)) for sign, stat in terms]
    if any(pd.isna(value) for _, value in parts):
        return np.nan
    return float(sum(sign * value for sign, value in parts))


def _steps(columns: Sequence[FunnelColumn]) -> list[str]:
    """Return the steps that any of the columns gives, in their order."""
    given = {
        step
        for column in columns
        for step, size in column.steps.items()
        if np.isfinite(size)
    }
    return [step for step in STEPS if step in given]


def _rows(columns: Sequence[FunnelColumn], side: int) -> float:
    """Return how many rows of bars and headings stand below each other."""
    return -(-len(columns) // side) * (max(len(_steps(columns)), 1) + _HEADING)


def _draw(
    picture: Picture,
    ax: "Axes",
    named: tuple[Sequence[FunnelColumn], list[str]],
    side: int,
    high: float,
) -> None:
    """Draw the columns of a campaign, side by side, in as many rows as it takes.

    There is room for so many bars: those of the panel, or of a higher one beside it.
    """
    (columns, heads), theme = named, picture.theme
    steps = _steps(columns)
    ax.set(xticks=[], yticks=[])
    ax.spines[:].set_visible(False)
    if not steps:
        say_empty(ax, "Braze gave none of the steps", theme)
        return
    side = -(-len(columns) // -(-len(columns) // side))  # rows are about as long
    wide = picture.panel_points[0] / side / (1 + _GAP)
    texts = [
        ax.text(0, 0, head, va="bottom", fontsize=theme.size, fontweight="bold")
        for head in heads
        if head
    ]
    for text in texts:
        text.set_color(theme.ink)
        fit(text, text.get_text(), wide)
    lines = max((text.get_text().count("\n") for text in texts), default=0)
    above = _HEADING + _LINE * lines if texts else 0.1
    places = []
    for n, (column, text) in enumerate(zip_longest(columns, texts)):
        left, top = (n % side) * (1 + _GAP), (n // side) * (len(steps) + above)
        if text:
            text.set_position((left, top - 0.55))
        for row, step in enumerate(steps):
            color = mix(theme.palette[0], theme.ground, min(0.14 * row, 0.6))
            _draw_step(ax, column, step, (left, top + row), (color, wide, theme))
        places += [top + row for row in range(len(steps))] if n % side == 0 else []
    ax.set_yticks(places, steps * (len(places) // len(steps)))
    ax.tick_params(axis="y", length=0, labelcolor=theme.ink)
    bottom = max(places[-1] + 0.5, high - 0.4 - above)
    ax.set(xlim=(0, side * (1 + _GAP) - _GAP), ylim=(bottom, -0.4 - above))


def _draw_step(
    ax: "Axes",
    column: FunnelColumn,
    step: str,
    place: tuple[float, float],
    look: tuple[str, float, Theme],
) -> None:
    """Draw a bar on its track, with its sum and its share, as far as there is room."""
    (left, top), (color, wide, theme) = place, look
    size = column.steps.get(step, np.nan)
    ax.barh(top, 1.0, 0.72, left=left, color=mix(theme.ink, theme.ground, 0.93))
    share = size / column.base if column.base > 0 else np.nan
    reach = min(share, 1.0) if np.isfinite(share) else 0.0
    if np.isfinite(share):
        ax.barh(top, reach, 0.72, left=left, color=color)
    first = column.first and step == next(iter(column.steps))
    part = "" if first or np.isnan(share) else share_text(share, 0.05)
    inside = reach > _INSIDE
    text = "  ".join(filter(None, [count(size), part])) if np.isfinite(size) else ""
    room = (reach if inside else 1 - reach) * wide
    text = part if part and 0.56 * theme.small * len(text) > room else text
    start = left + 0.03 + (0 if inside else reach)
    said = ax.text(start, top, text or "not measured", va="center")
    ink = theme.on(color) if inside else theme.ink if text else theme.muted
    said.set(fontsize=theme.small, color=ink)
