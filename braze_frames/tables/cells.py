"""What of a table is shown and how: its columns, rows and labels, and what to say."""

from collections.abc import Iterator, Sequence
from functools import cached_property
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from braze_frames.core.names import legible
from braze_frames.core.numbers import DASH
from braze_frames.errors import FrameError
from braze_frames.schema.rates import AMOUNTS
from braze_frames.tables.footnotes import TableSummary, provenance_in
from braze_frames.tables.formats import (
    FORMATS,
    NAME_WIDTH,
    NAMES,
    PLACES,
    TEXT_WIDTH,
    Rest,
    Show,
    base,
    format_of,
    text_of,
    texts,
    values_of,
)

_MOST_NOTES = 9
_EXPERT = frozenset(
    (
        *("control_numerator", "control_denominator", "diff_low", "diff_high"),
        *("incremental", "incremental_low", "incremental_high"),
        *("statistic", "p_value", "confidence", "eff_days", "dispersion", "mde"),
    )
)
_WHOLE = _EXPERT | {"lift", "p_adjusted", "method", "note"}
_ANCHORS = ("lift", "diff", "rate", "p_adjusted")


def checked_table(frame: Any) -> pd.DataFrame:
    """Return a frame, or a series as one.

    Raises
    ------
    TypeError
        It is neither.
    FrameError
        Two rows or two columns have the same labels.
    """
    if not isinstance(frame, pd.DataFrame | pd.Series):
        raise TypeError(
            f"a {type(frame).__name__} is no table: pass a DataFrame or a Series, as "
            "df.braze.totals() gives"
        )
    table = frame.to_frame() if isinstance(frame, pd.Series) else frame
    _check_unique("row", table.index)
    _check_unique("column", table.columns)
    return table


def _check_unique(axis: str, labels: pd.Index) -> None:
    if not labels.is_unique:
        twice = legible(labels[labels.duplicated()][0])
        raise FrameError(
            f"the {axis} {twice} stands twice: join tables as pd.concat("
            '{"first": a, "second": b}), or drop one with df.loc[:, ~df.columns.'
            "duplicated()]"
        )


class Row(NamedTuple):
    """What tells rows apart that are written differently: unit, star, footnote."""

    usd: bool
    starred: bool
    note: int


class Showing:
    """A frame, how its cells and labels are written, and what needs a footnote.

    ``labels``: the label of each column as texts, one a level. ``anchor``: the column
    that carries a row's star and its footnote.
    """

    def __init__(self, frame: pd.DataFrame) -> None:
        self.frame = frame
        self.told = provenance_in(frame)
        levels = frame.columns.nlevels
        self.labels = [
            tuple(map(text_of, label)) if levels > 1 else (text_of(label),)
            for label in frame.columns
        ]
        self.formats = [
            format_of(labels, column, self.told.amounts, self._rest)
            for labels, column in zip(self.labels, self._columns(), strict=True)
        ]
        flat = {labels[0] for labels in self.labels if levels == 1}
        self.whole = flat >= _WHOLE
        self.anchor = next((name for name in _ANCHORS if name in flat), None)

    def _columns(self) -> Iterator["pd.Series[Any]"]:
        return (self.frame.iloc[:, n] for n in range(self.frame.shape[1]))

    def _named(self, name: str) -> "pd.Series[Any] | None":
        """Return a column, or a level of the index; None where there is neither."""
        if (name,) in self.labels:
            return self.frame.iloc[:, self.labels.index((name,))]
        if name in self.frame.index.names:
            return pd.Series(self.frame.index.get_level_values(name))
        return None

    def _has(self, place: str) -> bool:
        return self._named(place) is not None or place in self.frame.columns.names

    @cached_property
    def _rest(self) -> Rest:
        """Tell what columns are that no table knows: own rates, unknown stats."""
        index, columns = {*self.frame.index.names}, {*self.frame.columns.names}
        ours = index <= {*PLACES, None} and any(map(self._has, PLACES))
        alone = index == {None} and len(self.frame) == 1
        if columns & PLACES or not (ours or alone):
            return ""
        pairs = zip(self.labels, self.frame.dtypes, strict=True)
        numbers = [(of[-1], dtype) for of, dtype in pairs if of[-1] not in PLACES]
        rates = all(dtype == "float64" and _is_rate(name) for name, dtype in numbers)
        return "rates" if rates else "stats"

    @cached_property
    def _hides_notes(self) -> bool:
        """Tell whether the column of notes becomes footnotes."""
        notes = self._named("note")
        if self.anchor is None or notes is None or values_of(notes) != "text":
            return False
        return len(_distinct(notes)) <= _MOST_NOTES

    @cached_property
    def notes(self) -> list[str]:
        """The notes that become footnotes, in their order."""
        notes = self._named("note") if self._hides_notes else None
        return [] if notes is None else _distinct(notes)

    @cached_property
    def _about(self) -> dict[str, str]:
        """What is the same in all rows of a whole table of lifts."""
        said: dict[str, str] = {}
        for name in ("metric", "control", "method") if self.whole else ():
            column = self._named(name)
            found = [] if column is None else _distinct(column)
            said |= {name: found[0]} if len(found) == 1 else {}
        return said

    @cached_property
    def hidden(self) -> list[int]:
        """The positions of the columns that are not shown."""
        names = {*self._about} | (_EXPERT if self.whole else set())
        names |= {"note"} if self._hides_notes else set()
        return [
            n for n, of in enumerate(self.labels) if len(of) == 1 and of[0] in names
        ]

    @cached_property
    def _visible(self) -> list[int]:
        return [n for n in range(len(self.labels)) if n not in self.hidden]

    @cached_property
    def _rows(self) -> list[Row]:
        return list(map(Row, self._in_usd(), self._starred, self._noted))

    def _in_usd(self) -> list[bool]:
        metrics = self._named("metric")
        if metrics is not None:
            return [text_of(metric) in AMOUNTS for metric in metrics]
        usd = bool(self.told.metrics) and {*self.told.metrics} <= AMOUNTS
        return [usd] * len(self.frame)

    @cached_property
    def _noted(self) -> list[int]:
        """The number of each row's footnote; 0 is none."""
        numbers = {note: n for n, note in enumerate(self.notes, 1)}
        notes = self._named("note") if numbers else None
        if notes is None:
            return [0] * len(self.frame)
        return [numbers.get(str(note), 0) for note in notes]

    @cached_property
    def _starred(self) -> list[bool]:
        return [bool(one) for one in self._significant] or [False] * len(self.frame)

    @cached_property
    def _significant(self) -> Sequence[Any]:
        """Tell which rows are significant; nothing where the table does not say."""
        flags, p_values = self._named("significant"), self._named("p_adjusted")
        if self.anchor is None:
            return []
        if flags is not None and values_of(flags) == "flag":
            return flags.fillna(False).tolist()
        level = self.told.conf_level
        if level is None or p_values is None or values_of(p_values) != "number":
            return []
        return (p_values.fillna(1.0) < 1 - level).tolist()

    def cells(self) -> Iterator[tuple[Any, dict[Any, Any]]]:
        """Yield rows, None for all, and how each of their columns is written."""
        shows = [self._shows(n) for n in range(len(self.labels))]
        for row in dict.fromkeys(self._rows):
            chosen = np.array([one == row for one in self._rows])
            rows = None if chosen.all() else chosen
            cells = [self._cell(n, show, row) for n, show in enumerate(shows)]
            yield rows, dict(zip(self.frame.columns, cells, strict=True))

    def _shows(self, n: int) -> Show:
        """Return how the cells of a column are written; texts and days by a lookup."""
        if self.formats[n].values in ("number", "flag"):
            return self.formats[n].show
        width = NAME_WIDTH if self._is_name(n) else TEXT_WIDTH
        dates = self.labels[n][-1] == "date"
        return self.written(self.frame.iloc[:, n], width, dates=dates)

    def _is_name(self, n: int) -> bool:
        return self.labels[n][-1] in NAMES

    def is_prose(self, n: int) -> bool:
        """Tell whether a column holds texts too long for one line."""
        lengths = (len(text_of(text)) for text in self.frame.iloc[:, n])
        return not self._is_name(n) and max(lengths, default=0) > NAME_WIDTH

    def written(self, values: Any, width: int, *, dates: bool) -> Show:
        """Return how labels are written; dates with a mark where they still grow."""
        shown = texts([value for value in values if not is_missing(value)], width)
        if dates:
            shown = {text: self._dated(text, one) for text, one in shown.items()}
        return or_dash(lambda value: shown[text_of(value)])

    def _dated(self, text: str, shown: str) -> str:
        return f"{shown} †" if self.told.grows(text) else shown

    def _cell(self, n: int, show: Show, row: Row) -> Show:
        one = self.formats[n]
        show = one.usd if row.usd and one.usd else show
        mark = f"<sup>{row.note}</sup>" if row.note and one.reason == "lift" else ""
        if self.labels[n] == (self.anchor,):
            show = _marked(show, starred=row.starred, mark=mark)
        return or_dash(show, mark)

    def seen(self) -> TableSummary:
        """Return what the table shows that needs a word."""
        visible = [(self.labels[n], self.formats[n]) for n in self._visible]
        return TableSummary(
            about=self._about,
            notes=self.notes,
            missing={self.formats[n].reason for n in self._visible if self._lacks(n)},
            joined=not self._has("channel"),
            limits=any(base(of[0]) != of[0] for of, one in visible if one.reason),
            starred=any(self._starred) if self._significant else None,
            units={base(of[0]): one.unit for of, one in visible if one.unit},
            guessed=[
                of[0] for of, one in visible if one.usd and not self._knows_metric
            ],
            late=self._late(),
        )

    @property
    def _knows_metric(self) -> bool:
        return self._named("metric") is not None or bool(self.told.metrics)

    def _lacks(self, n: int) -> bool:
        """Tell whether a column has a dash that no footnote of its row explains."""
        missing = self.frame.iloc[:, n].isna().to_numpy(dtype=bool)
        noted = np.array(self._noted, dtype=bool) & (self.formats[n].reason == "lift")
        return bool((missing & ~noted).any())

    def _late(self) -> bool | None:
        """Tell whether a date is marked; None where there are none."""
        if not self._has("date"):
            return None
        dates = self._named("date")
        if dates is None:
            dates = pd.Series(self.frame.columns.get_level_values("date"))
        return any(self.told.grows(text_of(one)) for one in dates.dropna())


def _distinct(column: "pd.Series[Any]") -> list[str]:
    """Return the texts that are not empty; pandas' own way ends a text at a NUL."""
    return [text for text in dict.fromkeys(map(str, column.dropna())) if text]


def _is_rate(name: str) -> bool:
    known = FORMATS.get(base(name))
    return known is None or known.reason == "rate"


def is_missing(value: Any) -> bool:
    """Tell whether a cell or a label is missing; a list never is."""
    return pd.isna(value) is True


def or_dash(show: Show, mark: str = "") -> Show:
    """Return how values are written, and a dash with a mark for missing ones."""
    dash = DASH + mark
    return lambda value: dash if is_missing(value) else show(value)


def _marked(show: Show, *, starred: bool, mark: str) -> Show:
    before, after = ("<strong>", "</strong> *") if starred else ("", "")
    return lambda value: f"{before}{show(value)}{after}{mark}"
