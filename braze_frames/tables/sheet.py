"""One table as rows of cells: the texts that are shown, the numbers behind them.

How a cell is written stands in ``formats`` and ``cells`` alone: the number format of a
cell is read off the text that is shown for it, as are bold, stars and footnote marks.
"""

import re
from collections.abc import Iterator
from datetime import date
from html import unescape
from numbers import Integral, Real
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from braze_frames.core.names import legible
from braze_frames.tables.cells import Showing, is_missing
from braze_frames.tables.footnotes import footnotes
from braze_frames.tables.formats import NAME_WIDTH, Show, text_of

_EXACT = 2**53  # beyond it a float, which is all that Excel has, drops whole numbers
_FIRST_YEAR = 1900  # no date is earlier in Excel

_STRONG = re.compile(r"</?strong>")
_NOTE = re.compile(r"<sup>(\d+)</sup>")
_RAISED = str.maketrans("0123456789", "⁰¹²³⁴⁵⁶⁷⁸⁹")
_MARKS = re.compile(r"(?: [*†‡])*[⁰¹²³⁴⁵⁶⁷⁸⁹]*$")
_NUMBER = re.compile(r"([+\N{MINUS SIGN}]?)(\d[\d,]*)(?:\.(\d+))?(?: (\S+))?")
# A share times 100 is what "%" shows; percentage points have no sign of their own.
_UNITS = {"%": " %", "pp": ' %" points"'}


class SheetCell(NamedTuple):
    """What stands in a cell, and its number format; "" for texts."""

    value: Any
    form: str = ""
    bold: bool = False


class Sheet:
    """One table as rows of cells."""

    def __init__(self, table: pd.DataFrame) -> None:
        self._showing = Showing(table)
        self._frame = table
        hidden = set(self._showing.hidden)
        self._shown = [n for n in range(table.shape[1]) if n not in hidden]
        self._levels = labelled_levels(table.index)
        self.notes = [
            _plain(line) for line in footnotes(self._showing.seen(), self._showing.told)
        ]

    @property
    def heads(self) -> int:
        """How many rows the labels of the columns take."""
        return self._frame.columns.nlevels

    @property
    def left(self) -> int:
        """How many columns the labels of the rows take."""
        return len(self._levels)

    @property
    def size(self) -> tuple[int, int]:
        """Rows, with labels and footnotes, and columns."""
        below = len(self.notes) + 1 if self.notes else 0
        rows = self.heads + len(self._frame) + below
        return rows, self.left + len(self._shown)

    def rows(self) -> Iterator[list[SheetCell]]:
        """Yield all rows: labels, the table, a gap and the footnotes."""
        yield from self._head()
        yield from self._body()
        if self.notes:
            yield []
        yield from ([SheetCell(line)] for line in self.notes)

    def _head(self) -> Iterator[list[SheetCell]]:
        columns, last = self._frame.columns, self.heads - 1
        for level in range(self.heads):
            labels = columns.get_level_values(level)[self._shown]
            show = self._labels(labels, dates=columns.names[level] == "date")
            names: list[Any] = [""] * self.left
            if level == last:
                names = [self._frame.index.names[n] or "" for n in self._levels]
            elif names:
                names[-1] = columns.names[level] or ""
            cells = [SheetCell(_text(name), bold=True) for name in names]
            cells += [_cell(label, show)._replace(bold=True) for label in labels]
            yield cells

    def _body(self) -> Iterator[list[SheetCell]]:
        index = self._frame.index
        labels = [index.get_level_values(n) for n in self._levels]
        shows = [self._labels(values, dates=values.name == "date") for values in labels]
        parts = list(self._showing.cells())
        part_of = np.zeros(len(self._frame), dtype=np.intp)
        for number, (rows, _) in enumerate(parts):
            part_of[slice(None) if rows is None else rows] = number
        written = [
            [part[column] for column in self._frame.columns[self._shown]]
            for _, part in parts
        ]
        columns = [self._frame.iloc[:, n].array for n in self._shown]
        for row, part in enumerate(part_of):
            cells = [
                _cell(values[row], show)
                for values, show in zip(labels, shows, strict=True)
            ]
            cells += [
                _cell(values[row], show)
                for values, show in zip(columns, written[part], strict=True)
            ]
            yield cells

    def _labels(self, values: pd.Index, *, dates: bool) -> Show:
        return self._showing.written(values, NAME_WIDTH, dates=dates)


def labelled_levels(index: pd.Index) -> list[int]:
    """Return the levels of an index that are shown; a mere count of rows is not."""
    counted = isinstance(index, pd.RangeIndex) and index.name is None
    return [] if counted else list(range(index.nlevels))


def _plain(shown: str) -> str:
    """Return a text of HTML as a text, footnote marks raised."""
    text = _NOTE.sub(lambda found: found[1].translate(_RAISED), shown)
    return unescape(_STRONG.sub("", text))


def _text(value: Any) -> str:
    """Return a text whole, without signs that nobody sees; an empty one stays so."""
    text = text_of(value)
    return legible(text) if text else ""


def _cell(value: Any, show: Show) -> SheetCell:
    """Return a value and how it is shown; as a text where Excel has no such value."""
    html = show(value)
    text, bold = _plain(html), _STRONG.search(html) is not None
    if is_missing(value):
        return SheetCell(text)
    marks = _MARKS.search(text)
    mark = marks[0] if marks else ""
    core = text.removesuffix(mark) if mark else text
    if isinstance(value, date | np.datetime64):
        return _day_cell(pd.Timestamp(value), text, mark)
    if isinstance(value, bool | np.bool_):
        return SheetCell(text)
    if isinstance(value, Real) and _fits(value):
        number = int(value) if isinstance(value, Integral) else float(value)
        return SheetCell(number, _number_format(core, mark, show), bold)
    if isinstance(value, Real):
        return SheetCell(text, bold=bold)
    return SheetCell(_text(value) + mark * (mark in (" †", " ‡")))


def _fits(value: Any) -> bool:
    return bool(np.isfinite(float(value))) and abs(value) <= _EXACT


def _day_cell(day: pd.Timestamp, text: str, mark: str) -> SheetCell:
    if day.year < _FIRST_YEAR:
        return SheetCell(text)
    form = "yyyy-mm-dd" if day == day.normalize() else "yyyy-mm-dd hh:mm"
    moment = day.tz_localize(None).floor("us").to_pydatetime()
    return SheetCell(moment, form + _quoted(mark))


def _number_format(core: str, mark: str, show: Show) -> str:
    """Return the number format that makes a number look as it is shown."""
    found = _NUMBER.fullmatch(core)
    if found is None:  # "<0.01 %": what is not zero never looks like it
        return _quoted(core + mark)
    sign, whole, decimals, unit = found.groups()
    thousands = "," in whole or len(whole) < 4
    percents = unit in _UNITS
    form = "#,##0" if thousands and (not percents or "," in whole) else "0"
    form += f".{'0' * len(decimals)}" if decimals else ""
    form += _UNITS.get(unit, _quoted(f" {unit}") if unit else "")
    form += _quoted(mark)
    signed = sign == "+" or (sign and _plain(show(1.0)).startswith("+"))
    return f"+{form};-{form};{form}" if signed else form


def _quoted(text: str) -> str:
    return '"{}"'.format(text.replace('"', "")) if text else ""
