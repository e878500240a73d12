"""What a picture along days or weekdays is made of: panels, lines, periods."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from braze_frames.core.names import natural
from braze_frames.drawing.bars import draw_bars
from braze_frames.drawing.figure import PanelKey, Picture, Words
from braze_frames.drawing.lines import (
    UNIT_LOOKS,
    Line,
    Series,
    check_top,
    draw_lines,
)
from braze_frames.errors import listed
from braze_frames.frame.by import WEEKDAY, WEEKDAYS, By, is_weekday
from braze_frames.frame.levels import level_names
from braze_frames.frame.provenance import provenance_of
from braze_frames.schema.units import Unit
from braze_frames.wording.labels import Labels, and_more
from braze_frames.wording.periods import Freq, PeriodsShown, period_of

if TYPE_CHECKING:
    from braze_frames.drawing.figure import Pictured

_PLACES = dict(zip(WEEKDAYS, range(7), strict=True))


class PictureParts:
    """What a picture along days is made of: levels of panels and of lines, periods.

    A variation is one of its campaign and channel, which become panels then; else the
    picture shows what the verb says. Without ``freq`` it shows days, unless it is asked
    for weekdays or whole periods: the verb tells what goes together.
    """

    def __init__(
        self, df: pd.DataFrame, by: By, freq: Freq | None, *, whole: bool
    ) -> None:
        has = [name for name in level_names(df) if name != "date"]
        asked = ["variation"] if by is None else by
        lines = [asked] if isinstance(asked, str) or _is_column(asked) else [*asked]
        if "channel" not in has and lines == ["variation"]:
            lines = []
        inside = any(isinstance(one, str) and one == "variation" for one in lines)
        self._df = df
        self.panels = [
            name
            for name in ("campaign", "channel")
            if inside and name in has and name not in [*filter(_is_name, lines)]
        ]
        self.weekday = any(is_weekday(df, one) for one in lines)
        self.levels: Any = [*self.panels, *lines]
        self.freq = freq if self.weekday or whole else freq or "D"
        self.lines: list[str] = []

    @property
    def unit(self) -> str:
        """What a point or a bar is of; to be asked once the verb has taken ``freq``."""
        return WEEKDAY if self.freq is None else period_of(self.freq)

    def labels(self, table: pd.DataFrame) -> set[str]:
        """Learn the levels of a result; return all of their labels."""
        axis = {"date", WEEKDAY if self.weekday else "date", None}
        here = [str(name) for name in table.index.names if name not in axis]
        self.lines = [name for name in here if name not in self.panels]
        return {
            str(label)
            for name in here
            for label in table.index.get_level_values(name).unique()
        }

    def split(self, table: pd.DataFrame) -> list[tuple[PanelKey, PanelKey, Any]]:
        """Return the rows of each line, under its panel and its name."""
        levels = [*self.panels, *self.lines]
        if not levels:
            return [((), (), table)] if len(table) else []
        level = levels if len(levels) > 1 else levels[0]
        found = []
        for key, rows in table.groupby(level=level, sort=False, observed=True):
            labels = tuple(map(str, key if isinstance(key, tuple) else (key,)))
            found.append((labels[: len(self.panels)], labels[len(self.panels) :], rows))
        return found

    def axis(self, rows: pd.DataFrame) -> Any:
        """Return where rows stand: their days, or the number of their weekday."""
        if not self.weekday:
            return rows.index.get_level_values("date").to_numpy()
        return np.array(
            [_PLACES[str(one)] for one in rows.index.get_level_values(WEEKDAY)]
        )

    def series(
        self, lines: Sequence[Line], names: Labels, table: pd.DataFrame, top: int
    ) -> Series:
        """Name the lines."""
        levels = ["stat", *self.lines]
        every = {line.name for line in lines}
        shown = {
            key: names.join(levels[-len(key) :] if key else [], key) for key in every
        }
        solo = len({line.panel for line in lines}) > 1 and bool(self.panels)
        return Series(lines, shown, UNIT_LOOKS[unit_in(table)], check_top(top), solo)

    def draw(
        self,
        picture: Picture,
        series: Series,
        table: pd.DataFrame,
        nothing: str,
        *,
        stacked: bool,
    ) -> list[str]:
        """Draw lines or bars; return notes."""
        periods = PeriodsShown(self._df, table, self.freq) if self.freq else None
        if periods and not stacked:
            empty = draw_lines(picture, series, periods, nothing)
        else:
            empty = []
            draw_bars(picture, series, periods, nothing, stacked=stacked)
        notes = notes_on(picture, series, "No value", empty)
        young = "Lighter" if stacked else "Dashed"
        return notes + (periods.notes(series.days, young) if periods else [])

    def finish(
        self,
        picture: Picture,
        series: Series,
        names: Labels,
        words: Words,
        notes: list[str],
    ) -> "Pictured":
        """Write what is around the panels."""
        panels = list(picture.panels)
        titles = [
            names.join(self.panels or ["channel"] * len(key), key) for key in panels
        ]
        young = any("still grow" in note for note in notes)
        picture.name_panels(titles, above=young)
        if len(panels) > 1:
            notes.append("Each panel has a scale of its own.")
        shown = sorted({*series.names.values()} - {""}, key=natural)
        drawn = f"Drawn for {listed(shown)}." if shown else ""
        return picture.finish(words._replace(notes=notes, drawn=drawn))


def unit_in(table: pd.DataFrame) -> Unit:
    """Return the unit of a result's columns.

    Raises
    ------
    ValueError
        They have several.
    """
    units: Mapping[str, Unit] = provenance_of(table)["units"]
    found = {units[str(column)] for column in table}
    if len(found) > 1:
        raise ValueError(
            f"{listed(map(str, table))} have different units, {listed(sorted(found))}, "
            "which share no axis; draw one stat at a time"
        )
    return found.pop()


def nothing_of(df: pd.DataFrame) -> str:
    """Return why there is nothing in a result."""
    whole = "no whole period is there; leave whole=True out to see those that are cut"
    return whole if len(df) else "the frame has no rows"


def notes_on(
    picture: Picture, series: Series, lacking: str, empty: Sequence[str]
) -> list[str]:
    """Return what stands below lines or bars: what is grey, and what is not there."""
    notes = and_more(series.rest(picture.theme))
    return notes + ([f"{lacking}: {listed(empty)}."] if empty else [])


def _is_name(one: Any) -> bool:
    return isinstance(one, str)


def _is_column(one: Any) -> bool:
    return isinstance(one, pd.Series | pd.Index | np.ndarray)
