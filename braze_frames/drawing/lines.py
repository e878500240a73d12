"""Time series with confidence bands: lines with their names at the end."""

from collections.abc import Callable, Iterable, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import pandas as pd

from braze_frames.core.arrays import Floats
from braze_frames.core.names import natural
from braze_frames.core.numbers import count, decimals, number, share_text
from braze_frames.drawing.figure import (
    End,
    PanelKey,
    Picture,
    label_ends,
    plain,
    say_empty,
)
from braze_frames.drawing.looks import MOST_COLORS, Theme, mix
from braze_frames.wording.periods import Dates, PeriodsShown, day_of

if TYPE_CHECKING:
    from matplotlib.axes import Axes

TOP = 6
# More bands hide each other; so many points can have a marker each.
MOST_BANDS, _MOST_MARKERS = 3, 16
# The limits of so few days can all be seen.
_FEW = 24
# A date takes so much room, in points.
_MOST_TICKS, _TICK = 8, 58
_DAY = np.timedelta64(1, "D")
# Less than that has no two digits in cents.
_DIME = 0.1
_DASHES: Any = (0, (2.5, 1.5))
Limits = tuple[float, float] | None


class UnitLook(NamedTuple):
    """How values are written beside lines and bars, and how their axis is.

    ``write`` takes a value and how far the values of its panel reach.
    """

    write: Callable[[float, float], str]
    dress: Callable[["Axes"], None]


class Line(NamedTuple):
    """Values along days, and the limits of their interval where there is one.

    ``size`` ranks lines where there are too many to name.
    """

    panel: PanelKey
    name: PanelKey
    days: Dates
    values: Floats
    low: Floats | None = None
    high: Floats | None = None
    size: float = 0.0

    @property
    def empty(self) -> bool:
        """Whether there is nothing to see."""
        return not len(finite([self.values, *self.limits]))

    @property
    def limits(self) -> tuple[Floats, Floats]:
        """The limits, NaN where there are none."""
        none = np.full(len(self.days), np.nan)
        low, high = self.low, self.high
        return none if low is None else low, none if high is None else high


class Series(NamedTuple):
    """The lines of a picture, what they are called, and how their values are written.

    ``solo``: a line alone in its panel needs no name beside the panel's own.
    """

    lines: Sequence[Line]
    names: dict[PanelKey, str]
    unit: UnitLook
    top: int = TOP
    solo: bool = False

    @property
    def days(self) -> Dates:
        """The days of all lines, sorted."""
        return days_of_lines(self.lines)

    def panels(self) -> dict[PanelKey, list[Line]]:
        """Return the lines of each panel, in the order of people: 2 before 10."""
        found: dict[PanelKey, list[Line]] = {}
        for line in sorted(self.lines, key=lambda line: [*map(natural, line.panel)]):
            found.setdefault(line.panel, []).append(line)
        return found

    def colors(self, theme: Theme) -> dict[tuple[PanelKey, PanelKey], str]:
        """Return the colour of each line among the first; the others have none.

        A name has one colour in all panels while there are few.
        """
        seen = [line for line in self.lines if not line.empty]
        every = {line.name for line in seen}
        found: dict[tuple[PanelKey, PanelKey], str] = {}
        for panel in self.panels():
            own = [line for line in seen if line.panel == panel]
            first = sorted(own, key=lambda line: -line.size)[: self.top]
            drawn = {line.name for line in first}
            named = every if len(every) <= self.top else drawn
            colors = zip(sorted(named, key=natural), theme.palette, strict=False)
            found |= {(panel, name): color for name, color in colors if name in drawn}
        return found

    def rest(self, theme: Theme) -> list[str]:
        """Return the names that are drawn in grey in a panel, each once."""
        colors = self.colors(theme)
        grey = {
            self.names[line.name]
            for line in self.lines
            if not line.empty and (line.panel, line.name) not in colors
        }
        return sorted(grey, key=natural)


def days_of_lines(lines: Sequence[Line]) -> Dates:
    """Return the days of lines, sorted."""
    return np.unique(np.concatenate([line.days for line in lines]))


def check_top(top: int) -> int:
    """Refuse what is no number of lines to name.

    Raises
    ------
    ValueError
        It is none, or more than there are colours.
    """
    number = isinstance(top, int | np.integer) and not isinstance(top, bool)
    if not number or not 1 <= top <= MOST_COLORS:
        raise ValueError(
            f"top={top!r}: pass how many lines are named, from 1 to {MOST_COLORS}, the "
            "colours that can be told apart; the others are drawn in grey"
        )
    return int(top)


def draw_lines(
    picture: Picture,
    series: Series,
    periods: PeriodsShown,
    nothing: str,
    limits: Callable[[Sequence[Line]], Limits] | None = None,
) -> list[str]:
    """Draw lines, bands and labels in all panels; return what has no value.

    ``limits`` says which values are looked at; None: all, and most of the bands.
    """
    colors = series.colors(picture.theme)
    set_days(picture, series, periods)
    for panel, lines in series.panels().items():
        ax = picture.panels[panel]
        own = {name: color for (of, name), color in colors.items() if of == panel}
        if not own:
            say_empty(ax, nothing, picture.theme)
            continue
        for line in sorted(lines, key=lambda line: line.name in own):
            look = (series.names[line.name], own.get(line.name, picture.theme.rest))
            _draw_line(ax, line, look, periods, picture.theme)
        bands = own if len(own) <= MOST_BANDS else {}
        banded = [line for line in lines if line.name in bands]
        for line in banded:
            draw_band(ax, line, own[line.name])
        bare = [line._replace(low=None, high=None) for line in lines]
        ax.set_ylim((limits or view)([*bare, *banded]) or (0.0, 1.0))
        series.unit.dress(ax)
        mark_young(picture, ax, lines, periods)
        label_lines(picture, ax, lines, own, series)
    empty = {line.name for line in series.lines if line.empty}
    seen = {line.name for line in series.lines if not line.empty}
    return [series.names[name] for name in sorted(empty - seen, key=natural)]


def label_lines(
    picture: Picture,
    ax: "Axes",
    lines: Sequence[Line],
    colors: dict[PanelKey, str],
    series: Series,
) -> None:
    """Write the name and the last value at the end of each line that has a colour."""
    low, high = ax.get_ylim()
    ends = []
    for line in lines:
        known = np.flatnonzero(np.isfinite(line.values))
        if line.name in colors and len(known):
            value = float(line.values[known[-1]])
            said = series.unit.write(value, high - low)
            name = "" if series.solo and len(lines) == 1 else series.names[line.name]
            place = (line.days[known[-1]], value)
            ends.append(End(*place, name, said, colors[line.name]))
    label_ends(picture, ax, ends)


def _draw_line(
    ax: "Axes", line: Line, look: tuple[str, str], periods: PeriodsShown, theme: Theme
) -> None:
    """Draw a line: solid, and dashed from where its days still grow."""
    (name, color), young = look, periods.is_young(line.days)
    first = int(young.argmax()) if young.any() else len(line.days)
    few = len(line.days) <= _MOST_MARKERS
    marked = np.isfinite(line.values) if few else lonely(line.values)
    grey = color == theme.rest
    style: dict[str, Any] = {"color": color, "linewidth": 1.0 if grey else 2.0}
    style |= {"marker": "o", "markersize": 3.0 if grey else 5.0}
    style |= {"zorder": 2 if grey else 3}
    parts = [(slice(None, first), "-"), (slice(max(first - 1, 0), None), _DASHES)]
    drawn = [parts[0]] if first == len(line.days) else parts[first == 0 :]
    for label, (part, dash) in zip((plain(name), "_young"), drawn, strict=False):
        every = np.flatnonzero(marked[part]).tolist()
        place = (line.days[part], line.values[part])
        ax.plot(*place, linestyle=dash, markevery=every, label=label, **style)
    hollow = periods.is_partial(line.days) & np.isfinite(line.values)
    if hollow.any() and not grey:
        style |= {"markersize": 7, "markeredgewidth": 1.6, "linestyle": "none"}
        style |= {"markerfacecolor": theme.ground, "zorder": 4}
        ax.plot(line.days[hollow], line.values[hollow], **style)


def draw_band(ax: "Axes", line: Line, color: str) -> None:
    """Shade an interval along days; a day without neighbours has a bar.

    One without an upper limit reaches beyond all that is seen.
    """
    low, high = line.limits
    if not np.isfinite(low).any():
        return
    seen = finite([line.values, low, high])
    high = np.where(np.isposinf(high), 3 * np.abs(seen).max(initial=1.0), high)
    ax.fill_between(line.days, low, high, color=color, alpha=0.16, linewidth=0)
    alone = lonely(low + high)
    if alone.any():
        days, ends = line.days[alone], (low[alone], high[alone])
        ax.vlines(days, *ends, color=color, alpha=0.5, linewidth=4)


def mark_young(
    picture: Picture,
    ax: "Axes",
    lines: Sequence[Line],
    periods: PeriodsShown,
    beyond: Any = 0,
) -> None:
    """Write "still growing" over where the days begin that do."""
    days = days_of_lines(lines)
    young = periods.is_young(days)
    if not young.any():
        return
    start = days[max(int(young.argmax()) - 1, 0)] + beyond
    if not young.all():
        color = mix(picture.theme.ink, picture.theme.ground, 0.5)
        ax.axvline(start, color=color, linewidth=0.9, linestyle=":", zorder=1)
    left, right = ax.get_xlim()
    place = float(ax.convert_xunits(start))  # type: ignore[no-untyped-call]
    late = (place - left) / (right - left) > 0.8
    said = ax.annotate(
        "still growing →",
        (1.0, 1.0) if late else (place, 1.0),
        xycoords="axes fraction" if late else ("data", "axes fraction"),
        xytext=(0, 3) if picture.own else (3, -3),
        textcoords="offset points",
        ha="right" if late else "left",
        va="bottom" if picture.own else "top",
    )
    said.set(color=picture.theme.muted, fontsize=picture.theme.small)


def set_days(picture: Picture, series: Series, periods: PeriodsShown) -> None:
    """Give all panels the same days, ticks on the points, and write them shortly."""
    days = series.days
    margin = (days[-1] - days[0]) * 0.02 if len(days) > 1 else _DAY
    most = max(2, min(_MOST_TICKS, int(picture.panel_points[0] / _TICK)))
    shown = days[:: -max(1, -(-len(days) // most))][::-1]
    if periods.daily and len(days) > _MOST_TICKS:
        shown = _round_days(days, most)
    texts = day_texts([periods.start(day) for day in shown], periods.unit)
    for ax in picture.axes:
        ax.set_xlim(days[0] - margin, days[-1] + margin)
        ax.set_xticks(shown, texts)


def _round_days(days: Dates, most: int) -> Dates:
    """Return firsts of months or years, or every few days, among many days."""
    from matplotlib import dates

    # matplotlib counts days from 1970, as numpy does
    ends = [pd.Timestamp(day).to_pydatetime() for day in (days[0], days[-1])]
    locator: Any = dates.AutoDateLocator(minticks=min(3, most), maxticks=most)  # type: ignore[no-untyped-call]
    places = np.asarray(locator.tick_values(*ends)).astype("M8[D]")
    return np.asarray(places[(places >= days[0]) & (places <= days[-1])])


def day_texts(days: Iterable[pd.Timestamp], unit: str) -> list[str]:
    r"""Return what is written below points; a year where it changes.

    Examples
    --------
    >>> day_texts(pd.to_datetime(["2025-12-01", "2026-01-01"]), "month")
    ['Dec\n2025', 'Jan\n2026']
    >>> day_texts(pd.to_datetime(["2026-05-01", "2026-05-08"]), "week")
    ['1 May', '8 May']
    """
    days = list(days)
    firsts = all(day.day == 1 for day in days) and len(days) > 1
    far = firsts and (days[-1] - days[0]).days > 60 * (len(days) - 1)
    several = len({day.year for day in days}) > 1
    found, before = [], None
    for day in days:
        if unit == "year":
            found.append(f"{day.year}")
            continue
        text = f"Q{day.quarter}" if unit == "quarter" else day_of(day)
        text = f"{day:%b}" if unit == "month" or far else text
        changed = several and day.year != before
        found.append(f"{text}\n{day.year}" if changed else text)
        before = day.year
    return found


def format_shares(ax: "Axes") -> None:
    """Write the axis of values in percent, with as many digits as the ticks need."""
    from matplotlib.ticker import MaxNLocator, PercentFormatter

    locator = MaxNLocator(6, steps=[1, 2, 2.5, 5, 10])
    ticks = 100 * np.asarray(locator.tick_values(*ax.get_ylim()))
    exact = (n for n in range(4) if np.allclose(ticks.round(n), ticks, atol=1e-9))
    ax.yaxis.set_major_locator(locator)
    ax.yaxis.set_major_formatter(PercentFormatter(1.0, next(exact, 4), symbol=" %"))


def _format_numbers(ax: "Axes", *, whole: bool) -> None:
    from matplotlib.ticker import MaxNLocator, StrMethodFormatter

    ax.yaxis.set_major_locator(MaxNLocator(6, integer=whole))
    ax.yaxis.set_major_formatter(StrMethodFormatter("{x:,.10g}"))


def _usd(value: float, reach: float) -> str:
    """Write an amount to the cent at most; what is less has two digits of its own."""
    digits = decimals(min(reach, abs(value) or reach))
    return f"{number(value, digits if abs(value) < _DIME else min(digits, 2))} USD"


# A value has two digits of its own, however far others in its panel reach.
UNIT_LOOKS = {
    "share": UnitLook(
        lambda x, reach: share_text(x, min(reach / 4, abs(x) or reach)), format_shares
    ),
    "count": UnitLook(lambda x, _: count(x), partial(_format_numbers, whole=True)),
    "USD": UnitLook(_usd, partial(_format_numbers, whole=False)),
}


def view(lines: Sequence[Line], *also: float) -> tuple[float, float] | None:
    """Return limits that hold all values and most of their bands; None: nothing to see.

    A day with few people has a band of nearly 100 %, which would hide all others.
    """
    seen = finite([line.values for line in lines])
    if not len(seen):
        return None
    edges = finite([limit for line in lines for limit in line.limits])
    most = np.quantile(edges, [0.05, 0.95]) if len(edges) > _FEW else edges
    seen = np.concatenate([seen, most, also])
    margin = 0.05 * np.ptp(seen) or 0.05 * abs(seen[0]) or 0.01
    return float(seen.min() - margin), float(seen.max() + margin)


def lonely(values: Floats) -> Any:
    """Tell which values have no neighbour that a line could join them to."""
    there = np.isfinite(values)
    padded = np.concatenate([[False], there, [False]])
    return there & ~padded[:-2] & ~padded[2:]


def finite(arrays: Sequence[Floats]) -> Floats:
    """Return the finite values of all arrays, joined."""
    joined = np.concatenate([*arrays, np.array([])])
    return np.asarray(joined[np.isfinite(joined)])
