"""What a picture is made of: panels, lines and their limits, and what they say."""

from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from braze_frames.core.arrays import Floats
from braze_frames.core.names import tell_apart
from braze_frames.experiment.design import Experiments
from braze_frames.frame.levels import grain_of, labels, level_names
from braze_frames.plots.figure import SIDE
from braze_frames.plots.looks import NAME, PanelKey, lines_of, words
from braze_frames.schema.formulas import define


class Layout(NamedTuple):
    """The levels whose labels make panels, and those whose labels make lines, bars."""

    panels: list[str]
    lines: list[str]

    @property
    def levels(self) -> list[str]:
        """All levels that are kept apart."""
        return [*self.panels, *self.lines]


def check_single(metric: object) -> None:
    """Refuse several metrics: a picture shows one.

    Raises
    ------
    TypeError
        It is not a name.
    """
    if not isinstance(metric, str):
        raise TypeError(
            f"metric={metric!r}: a picture shows one metric; draw each by itself"
        )


def nothing_in(df: pd.DataFrame, metric: str) -> str:
    """Say why there is nothing to compare; empty where there is."""
    if grain_of(df) != "variation":
        return ""
    define(metric, labels(df, "channel"))
    if not len(df):
        return "the frame has no rows"
    alone = all(len(family.arms) < 2 for family in Experiments(df).families)
    return "one variation only, and nothing to compare it with" if alone else ""


def title_of(metric: str) -> str:
    """Return the title of a picture of lift."""
    name = words(metric)
    return f"Lift of {name[:1].lower()}{name[1:]}"


def layout_of(table: pd.DataFrame) -> Layout:
    """Tell panels from rows; pairs have a control of their own."""
    names = [name for name in table.index.names if name != "date"]
    return Layout(
        [name for name in names if name in {"campaign", "channel"}],
        [name for name in names if name in {"variation", "control"}],
    )


def over_whom(table: pd.DataFrame, layout: Layout) -> str:
    """Say over whom a lift is."""
    if "control" in layout.lines:
        return lines_of("lift over the control of the pair", SIDE)
    found = tell_apart(list(table["control"].dropna().unique()), NAME)
    name = found[0] if len(found) == 1 else "the control"
    return lines_of(f"lift over {name}", SIDE)


def lay_out(df: pd.DataFrame, by: str | Sequence[str] | None) -> Layout:
    """Tell lines from panels: campaigns and channels that are not in ``by`` are panels.

    None is every variation. Day totals have no variations, and one line.
    """
    has = [name for name in level_names(df) if name != "date"]
    wanted = "variation" if by is None else by
    lines = [wanted] if isinstance(wanted, str) else list(dict.fromkeys(wanted))
    if "channel" not in has and lines == ["variation"]:
        lines = []
    return Layout([name for name in has if name not in {*lines, "variation"}], lines)


def split(table: pd.DataFrame, levels: Sequence[str]) -> dict[PanelKey, pd.DataFrame]:
    """Return the rows of each combination of labels, in their order."""
    if not levels:
        return {(): table} if len(table) else {}
    level = list(levels) if len(levels) > 1 else levels[0]
    groups = table.groupby(level=level, sort=False)
    return {
        tuple(map(str, key if isinstance(key, tuple) else (key,))): rows
        for key, rows in groups
    }


Freq = str | pd.offsets.BaseOffset
Dates = np.ndarray[Any, np.dtype[np.datetime64]]
BAND = 0.18


class Line(NamedTuple):
    """Values along days, and the limits of their interval where there is one."""

    panel: PanelKey
    name: PanelKey
    days: Dates
    values: Floats
    low: Floats | None = None
    high: Floats | None = None

    @property
    def empty(self) -> bool:
        """Whether there is nothing to see."""
        return not any(np.isfinite(part).any() for part in (self.values, *self.limits))

    @property
    def limits(self) -> tuple[Floats, Floats]:
        """The limits, NaN where there are none."""
        none = np.full(len(self.days), np.nan)
        return (
            none if self.low is None else self.low,
            none if self.high is None else self.high,
        )


def panels_of(lines: Iterable[Line]) -> list[PanelKey]:
    """Return the panels of the lines, in their order."""
    return list(dict.fromkeys(line.panel for line in lines))


def lonely(values: Floats) -> Any:
    """Tell which values have no neighbour that a line could join them to."""
    there = np.isfinite(values)
    padded = np.concatenate([[False], there, [False]])
    return there & ~padded[:-2] & ~padded[2:]


def view(lines: Sequence[Line], *also: float) -> tuple[float, float] | None:
    """Return limits that hold all values and most of their bands; None: nothing to see.

    A day with few people has a band of nearly 100 %, which would hide all others.
    """
    seen = finite([line.values for line in lines])
    if not len(seen):
        return None
    edges = finite([limit for line in lines for limit in line.limits])
    most = np.quantile(edges, [0.05, 0.95]) if len(edges) else edges
    seen = np.concatenate([seen, most, also])
    margin = 0.05 * np.ptp(seen) or 0.05 * abs(seen[0]) or 0.01
    return float(seen.min() - margin), float(seen.max() + margin)


def finite(arrays: Sequence[Floats]) -> Floats:
    """Return the finite values of all arrays, joined."""
    joined = np.concatenate([*arrays, np.array([])])
    return np.asarray(joined[np.isfinite(joined)])
