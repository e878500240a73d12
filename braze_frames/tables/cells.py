"""What of a table is shown and how: its columns, rows and labels, and what to say."""

from collections.abc import Collection
from functools import cached_property
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from braze_frames.core.arrays import Bools, Ints
from braze_frames.core.names import legible
from braze_frames.core.numbers import DASH
from braze_frames.errors import FrameError
from braze_frames.frame.provenance import short_names_of
from braze_frames.schema.units import (
    Unit,
    base_name,
    depends_on_metric,
    is_of_results,
    metric_unit,
    unit_of,
)
from braze_frames.tables.footnotes import TableSummary, Told, told_by
from braze_frames.tables.formats import (
    NAME_WIDTH,
    TEXT_WIDTH,
    WRITTEN,
    Show,
    dollars,
    flag,
    kind_of,
    text_of,
    texts,
    unitless,
)
from braze_frames.tables.missing import PLACES, REASONS, Missing, Reason

_NAMES = frozenset(
    ("campaign", "channel", "variation", "variation_api_id", "control", "best")
)
_MOST_NOTES = 9
# Columns that tell a whole result by being there → those that are for statisticians,
# or said by a star, by the verdict or below the table.
_EXPERT: dict[frozenset[str], frozenset[str]] = {
    frozenset(("control_numerator", "statistic", "dispersion", "method")): frozenset(
        (
            *("control_numerator", "control_denominator", "diff_low", "diff_high"),
            *("incremental", "incremental_low", "incremental_high"),
            *("statistic", "p_value", "confidence", "eff_days", "dispersion", "mde"),
        )
    ),
    frozenset(("p_portfolio", "shrunk", "verdict")): frozenset(
        (
            *("significant", "incremental_low", "incremental_high"),
            *("revenue_incremental_low", "revenue_incremental_high"),
            *("p_portfolio", "shrunk"),
        )
    ),
    frozenset(("rate_before", "change", "p_value", "eff_days")): frozenset(
        ("eff_days",)
    ),
}
# What is the same in all rows is said once, of whole results.
_SHARED = ("metric", "control", "method")
# The first of them carries a row's star.
_STARRED = ("lift", "change", "diff", "rate", "p_adjusted")


def checked_table(frame: Any) -> pd.DataFrame:
    """Return a frame, or a series as one; labels that repeat as columns.

    Raises
    ------
    TypeError
        It is neither.
    FrameError
        Two columns, or two rows of days, channels or variations, have the same labels.
    """
    if not isinstance(frame, pd.DataFrame | pd.Series):
        raise TypeError(
            f"a {type(frame).__name__} is no table: pass a DataFrame or a Series, as "
            "df.braze.totals() gives"
        )
    table = frame.to_frame() if isinstance(frame, pd.Series) else frame
    _check_unique("column", table.columns)
    if table.index.is_unique:
        return table
    if not PLACES.isdisjoint(table.index.names):
        _check_unique("row", table.index)
    return table.reset_index()


def _check_unique(axis: str, labels: pd.Index) -> None:
    if not labels.is_unique:
        twice = legible(labels[labels.duplicated()][0])
        raise FrameError(
            f"the {axis} {twice} stands twice: join tables as pd.concat("
            '{"first": a, "second": b}), or drop one with df.loc[:, ~df.columns.'
            "duplicated()]"
        )


class Cell(NamedTuple):
    """How a cell is written: its text, with a star in bold, and a footnote's number."""

    show: Show
    starred: bool = False
    note: int = 0


class ColumnCells(NamedTuple):
    """The ways in which the cells of a column are written, and that of each row."""

    ways: list[Cell]
    of_row: Ints


class Showing:
    """A frame, how its cells and labels are written, and what needs a footnote.

    ``labels``: the label of each column as texts, one a level; ``kinds``: what each
    holds. ``levels``: those of the index that are shown, ``left`` in number.
    ``hidden``: positions of columns to hide, too.
    """

    def __init__(
        self,
        frame: pd.DataFrame,
        hidden: Collection[int] = (),
        levels: Collection[int] | None = None,
    ) -> None:
        self.frame, self._unwanted = frame, {*hidden}
        self.told: Told = told_by(frame)
        several = frame.columns.nlevels > 1
        self.labels = [
            tuple(map(text_of, label)) if several else (text_of(label),)
            for label in frame.columns
        ]
        self._flat = {} if several else {of[0]: n for n, of in enumerate(self.labels)}
        if levels is None:  # a mere count of rows is not shown
            counted = (
                isinstance(frame.index, pd.RangeIndex) and frame.index.name is None
            )
            levels = () if counted else range(frame.index.nlevels)
        self.levels, self.left = [*levels], len(levels)
        self.kinds = [kind_of(frame.iloc[:, n]) for n in range(frame.shape[1])]
        found = (self._flat.get(name) for name in _STARRED)
        self._star = next((n for n in found if n not in {None, *hidden}), None)

    # --- what is shown ---

    @cached_property
    def hidden(self) -> list[int]:
        """The positions of the columns that are not shown."""
        names = {*self._about} | ({"note"} if self._hides_notes else set())
        for signs, expert in _EXPERT.items():
            names |= expert if signs <= {*self._flat} else set()
        return sorted(self._unwanted | {self._flat[n] for n in names & {*self._flat}})

    @cached_property
    def visible(self) -> list[int]:
        """The positions of the others."""
        return [n for n in range(len(self.labels)) if n not in self.hidden]

    def _named(self, name: str) -> "pd.Series[Any] | None":
        """Return a column, or a level of the index; None where there is neither."""
        if name in self._flat:
            return self.frame.iloc[:, self._flat[name]]
        if name in self.frame.index.names:
            return pd.Series(self.frame.index.get_level_values(name))
        return None

    @cached_property
    def _about(self) -> dict[str, str]:
        """What is the same in all rows of a whole result."""
        said: dict[str, str] = {}
        if not any(signs <= {*self._flat} for signs in _EXPERT):
            return said
        for name in _SHARED:
            column = self._named(name)
            found = [] if column is None else _distinct(column)
            said |= {name: found[0]} if len(found) == 1 else {}
        return said

    @cached_property
    def _hides_notes(self) -> bool:
        """Tell whether the column of notes becomes footnotes."""
        notes = self._named("note")
        if notes is None or kind_of(notes) != "text":
            return False
        return "number" in self.kinds and len(_distinct(notes)) <= _MOST_NOTES

    @cached_property
    def notes(self) -> list[str]:
        """The notes that become footnotes, in their order."""
        notes = self._named("note") if self._hides_notes else None
        return [] if notes is None else _distinct(notes)

    @cached_property
    def _noted(self) -> Ints:
        """The number of each row's footnote; 0 is none."""
        numbers = {note: n for n, note in enumerate(self.notes, 1)}
        notes = self._named("note") if numbers else None
        if notes is None:
            return np.zeros(len(self.frame), dtype=np.int64)
        return np.array([numbers.get(str(note), 0) for note in notes], dtype=np.int64)

    @cached_property
    def _mark(self) -> int | None:
        """The column that carries the number of a row's footnote."""
        if self._star is not None:
            return self._star
        return next((n for n in self.visible if self.kinds[n] == "number"), None)

    @cached_property
    def _judged(self) -> "tuple[str, pd.Series[Any]] | None":
        """What tells which rows are significant: the name of p, and the flags."""
        if self._star is None or self.frame.empty:
            return None
        p = next((n for n in ("p_adjusted", "p_value") if n in self._flat), "")
        flags = self._named("significant")
        if flags is not None and kind_of(flags) == "flag":
            whole = flags.astype("boolean").fillna(value=False)
            return p or "p_adjusted", whole
        level = self.told.conf_level
        if level is not None and p and self.kinds[self._flat[p]] == "number":
            return p, self.frame.iloc[:, self._flat[p]].fillna(1.0) < 1 - level
        flagged = self._flagged()
        return None if flagged is None else (self.told.p_name, flagged)

    def _flagged(self) -> "pd.Series[Any] | None":
        """Return what ``attrs`` say of each row; None where they leave one out."""
        told = self.told.significant
        if told is None:
            return None
        named = {name: self._named(name) for name in told.levels}
        levels = {name: one for name, one in named.items() if one is not None}
        if not levels:
            return None
        flags = told.by([*levels])
        keys = zip(*(map(text_of, one) for one in levels.values()), strict=True)
        found = [flags.get(key) for key in keys]
        return None if None in found else pd.Series(found, dtype=bool)

    @cached_property
    def _starred(self) -> Bools:
        if self._judged is None:
            return np.zeros(len(self.frame), dtype=bool)
        return self._judged[1].to_numpy(dtype=bool)

    def _reasons(self, n: int) -> Any:
        """Return for each row why its number is missing; None where it is not."""
        told = self.kinds[n] in ("number", "flag")
        unexplained = self._missing(n) & (self._noted == 0) & told
        return self._why.reasons(n, unexplained, number=self.kinds[n] == "number")

    @cached_property
    def _why(self) -> Missing:
        return Missing(self.frame, self.labels, self.told, self._named("channel"))

    def _missing(self, n: int) -> Bools:
        return self.frame.iloc[:, n].isna().to_numpy(dtype=bool)

    @cached_property
    def _reasons_shown(self) -> dict[Reason, int]:
        """The reasons for dashes, and their numbers; 0 where there is just one."""
        seen = {reason for n in self.visible for reason in {*self._reasons(n)}}
        shown = [reason for reason in REASONS if reason in seen]
        first = len(self.notes) + 1
        return {one: first + n if shown[1:] else 0 for n, one in enumerate(shown)}

    # --- cells ---

    def column(self, n: int) -> ColumnCells:
        """Return how the cells of a column are written."""
        units, of_unit = self._units(n)
        noted = np.where(self._missing(n) | (n == self._mark), self._noted, 0)
        noted *= self.kinds[n] != "text"
        for reason, number in self._reasons_shown.items():
            if number:
                noted = np.where(self._reasons(n) == reason, number, noted)
        starred = self._starred & (n == self._star) & ~self._missing(n)
        keys = list(zip(of_unit, starred.tolist(), noted.tolist(), strict=True))
        ways = {key: place for place, key in enumerate(dict.fromkeys(keys))}
        cells = [
            Cell(self._show(n, units[unit]), star, note) for unit, star, note in ways
        ]
        return ColumnCells(cells, np.array([ways[key] for key in keys], dtype=np.int64))

    def _units(self, n: int) -> tuple[list[Unit | None], list[int]]:
        """Return the units of a column, and which of them each row has."""
        if self.kinds[n] != "number" or self._why.is_changed(n):
            return [None], [0] * len(self.frame)
        units = {metric: self._unit(n, metric) for metric in {*self._metrics}}
        found = list(dict.fromkeys(units.values()))
        return found, [found.index(units[metric]) for metric in self._metrics]

    @cached_property
    def _metrics(self) -> list[str]:
        """The metric or the stat of each row, where the table has them."""
        for name in ("metric", "stat"):
            column = self._named(name)
            if column is not None:
                return [text_of(one) for one in column]
        labels = [text_of(one) for one in self.frame.index]
        turned = {*labels} <= {*self.told.units} or {"count", "mean"} <= {*labels}
        return labels if turned else [""] * len(self.frame)

    def _unit(self, n: int, metric: str) -> Unit | None:
        """Return the unit of a column in the rows of a metric: as told, or by name."""
        if "count" in (metric, *self.labels[n][1:]):  # of rows, as describe() gives
            return "count"
        for name in self.labels[n]:
            told = self.told.units.get(name)
            if told is not None:
                return told if isinstance(told, str) else told.get(metric)
        for name in self.labels[n]:
            known = unit_of(name, metric)
            if known is not None:
                return known
        # A table that was turned has the columns' names in its rows.
        turned = self.told.units.get(metric)
        return turned if isinstance(turned, str) else self._only_unit

    @cached_property
    def _only_unit(self) -> Unit | None:
        """The unit of a result whose columns became labels of something else."""
        units = self.told.units
        alike = [unit for unit in units.values() if isinstance(unit, str)]
        gone = not any({*of} & {*units} for of in self.labels)
        return alike[0] if gone and len({*alike}) == 1 else None

    def _show(self, n: int, unit: Unit | None) -> Show:
        kind = self.kinds[n]
        if kind == "text":
            return self.written(self.frame.iloc[:, n], self._width(n))
        if kind == "day":
            dates = self.labels[n][-1] == "date"
            return or_dash(self.written(self.frame.iloc[:, n], TEXT_WIDTH, dates=dates))
        if kind == "flag":
            return or_dash(flag)
        if unit == "USD" and (self._by_row(n) or len(self._units(n)[0]) > 1):
            return or_dash(dollars)
        return or_dash(unitless if unit is None else WRITTEN[unit])

    def _by_row(self, n: int) -> bool:
        """Tell whether shares and amounts may stand in one column, a row each."""
        return any(map(is_of_results, self.labels[n]))

    def _width(self, n: int) -> int:
        return NAME_WIDTH if self.labels[n][-1] in _NAMES else TEXT_WIDTH

    def is_prose(self, n: int) -> bool:
        """Tell whether a column holds texts too long for one line."""
        lengths = (len(text_of(text)) for text in self.frame.iloc[:, n])
        named = self.labels[n][-1] in _NAMES
        return not named and max(lengths, default=0) > NAME_WIDTH

    # --- labels ---

    @cached_property
    def _short(self) -> dict[str, str]:
        """The labels of names, as in pictures of the frame."""
        known = [*self.told.labels, *short_names_of(self.frame).values()]
        return {name: label for own in known for name, label in own.items()}

    def written(
        self, values: Any, width: int = NAME_WIDTH, *, dates: bool = False
    ) -> Show:
        """Return how labels are written; dates with their marks, none as nothing."""
        given = {text_of(one): one for one in values if not is_missing(one)}
        shown = texts(given, width)
        if width == NAME_WIDTH:
            shown |= {text: self._short[text] for text in shown if text in self._short}
        if dates:
            shown = {text: one + self.told.marks(text) for text, one in shown.items()}
        return lambda value: "" if is_missing(value) else shown[text_of(value)]

    # --- what needs a word ---

    def seen(self) -> TableSummary:
        """Return what the table shows that needs a word."""
        names = [of[0] for of in (self.labels[n] for n in self.visible)]
        judged = self._judged
        return TableSummary(
            about=self._about,
            notes=self.notes,
            missing={number: REASONS[r] for r, number in self._reasons_shown.items()},
            limits=any(base_name(name) != name for name in names),
            p_name=None if judged is None else judged[0],
            starred=bool(self._starred.any()),
            unjudged=judged is None and self._compares(),
            amounts=self._amounts(),
            guessed=self._guessed(),
            dates=self._dates(),
            lifts=self._shows("lift"),
            metric="" if self._named("metric") is not None else self.told.metric,
        )

    def _compares(self) -> bool:
        """Tell whether lifts or changes are shown that were found, not planned."""
        planned = "comparisons" in self._flat
        return (self._shows("lift") or self._shows("change")) and not planned

    def _shows(self, name: str) -> bool:
        return self._flat.get(name) in self.visible

    def _amounts(self) -> list[str]:
        """Return the columns that are in USD throughout, without their limits."""
        found = [
            base_name(self.labels[n][0])
            for n in self.visible
            if not self._by_row(n) and self._units(n)[0] == ["USD"]
        ]
        return list(dict.fromkeys(found))

    def _guessed(self) -> list[str]:
        """Return the columns taken for shares, though nobody says of which metric."""
        if any(metric_unit(metric) for metric in self._metrics):
            return []
        names = [self.labels[n][0] for n in self.visible if self.kinds[n] == "number"]
        return [
            name
            for name in names
            if depends_on_metric(name)
            and name not in self.told.units
            and unit_of(name) in ("share", "points")
        ]

    def _dates(self) -> list[str] | None:
        """Return the dates that are shown; None where there are none."""
        dates = self._named("date")
        if dates is None and "date" in self.frame.columns.names:
            dates = pd.Series(self.frame.columns.get_level_values("date"))
        return None if dates is None else [text_of(one) for one in dates.dropna()]


def _distinct(column: "pd.Series[Any]") -> list[str]:
    """Return the texts that are not empty; pandas' own way ends a text at a NUL."""
    return [text for text in dict.fromkeys(map(str, column.dropna())) if text]


def is_missing(value: Any) -> bool:
    """Tell whether a cell or a label is missing; a list never is."""
    return pd.isna(value) is True


def or_dash(show: Show) -> Show:
    """Return how values are written, and a dash for missing ones."""
    return lambda value: DASH if is_missing(value) else show(value)
