"""One table as rows of cells: the texts that are shown, the numbers behind them.

How a cell is written stands in ``formats`` and ``cells`` alone: the number format of a
cell is read off the text that is shown for it.
"""

import re
from collections.abc import Iterator
from datetime import date
from numbers import Integral, Real
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from braze_frames.core.names import legible
from braze_frames.tables.cells import Cell, Showing, is_missing
from braze_frames.tables.footnotes import footnotes
from braze_frames.tables.formats import Show, text_of
from braze_frames.tables.writing import footnote_text, marks_of

_EXACT = 2**53  # beyond it a float, which is all that Excel has, drops whole numbers
_FIRST_YEAR = 1900  # no date is earlier in Excel

_DATE_MARKS = re.compile(r"(?: [†‡])*$")
_NUMBER = re.compile(r"([+\N{MINUS SIGN}]?)(\d[\d,]*)(?:\.(\d+))?(?: (\S+))?")
# A share times 100 is what "%" shows; percentage points have no sign of their own.
_UNITS = {"%": " %", "pp": ' %" points"'}


class SheetCell(NamedTuple):
    """What stands in a cell, and its number format; "" for texts."""

    value: Any
    form: str = ""
    bold: bool = False


class Sheet:
    """One table as rows of cells.

    ``left``: how many columns the labels of the rows take; ``notes``: the lines below.
    """

    def __init__(self, showing: Showing) -> None:
        self._showing = showing
        self._frame = showing.frame
        self.left = self._showing.left
        lines = footnotes(self._showing.seen(), self._showing.told)
        self.notes = [*map(footnote_text, lines)]

    @property
    def heads(self) -> int:
        """How many rows the labels of the columns take."""
        return self._frame.columns.nlevels

    @property
    def size(self) -> tuple[int, int]:
        """Rows, with labels and footnotes, and columns."""
        below = len(self.notes) + 1 if self.notes else 0
        rows = self.heads + len(self._frame) + below
        return rows, self.left + len(self._showing.visible)

    def rows(self) -> Iterator[list[SheetCell]]:
        """Yield all rows: labels, the table, a gap and the footnotes."""
        yield from self._head()
        yield from self._body()
        if self.notes:
            yield []
        yield from ([SheetCell(line)] for line in self.notes)

    def _head(self) -> Iterator[list[SheetCell]]:
        columns, last = self._frame.columns, self.heads - 1
        for level, name in enumerate(columns.names):
            labels = columns.get_level_values(level)[self._showing.visible]
            way = self._labels(labels)
            names: list[Any] = [""] * self.left
            if level == last:
                of = self._frame.index.names
                names = [of[n] or "" for n in self._showing.levels]
            elif names:
                names[-1] = name or ""
            cells = [SheetCell(_text(one), bold=True) for one in names]
            cells += [_cell(label, way)._replace(bold=True) for label in labels]
            yield cells

    def _body(self) -> Iterator[list[SheetCell]]:
        levels = map(self._frame.index.get_level_values, self._showing.levels)
        labels = [(values, self._labels(values)) for values in levels]
        columns = [
            (self._frame.iloc[:, n].array, *self._showing.column(n))
            for n in self._showing.visible
        ]
        for row in range(len(self._frame)):
            cells = [_cell(values[row], way) for values, way in labels]
            cells += [
                _cell(values[row], ways[of_row[row]])
                for values, ways, of_row in columns
            ]
            yield cells

    def _labels(self, values: pd.Index) -> Cell:
        return Cell(self._showing.written(values, dates=values.name == "date"))


def _text(value: Any) -> str:
    """Return a text whole, without signs that nobody sees; an empty one stays so."""
    text = text_of(value)
    return legible(text) if text else ""


def _cell(value: Any, way: Cell) -> SheetCell:
    """Return a value and how it is shown; as a text where Excel has no such value."""
    text, mark = way.show(value), marks_of(way)
    if is_missing(value) or isinstance(value, bool | np.bool_):
        return SheetCell(text + mark)
    if isinstance(value, date | np.datetime64):
        return _day_cell(pd.Timestamp(value), text)
    if isinstance(value, Real) and _fits(value):
        number = int(value) if isinstance(value, Integral) else float(value)
        return SheetCell(number, _number_format(text, mark, way.show), way.starred)
    if isinstance(value, Real):
        return SheetCell(text + mark, bold=way.starred)
    return SheetCell(_text(value) + _date_marks(text))


def _fits(value: Any) -> bool:
    return bool(np.isfinite(float(value))) and abs(value) <= _EXACT


def _date_marks(text: str) -> str:
    found = _DATE_MARKS.search(text)
    return found[0] if found else ""


def _day_cell(day: pd.Timestamp, text: str) -> SheetCell:
    if day.year < _FIRST_YEAR:
        return SheetCell(text)
    form = "yyyy-mm-dd" if day == day.normalize() else "yyyy-mm-dd hh:mm"
    moment = day.tz_localize(None).floor("us").to_pydatetime()
    return SheetCell(moment, form + _quoted(_date_marks(text)))


def _number_format(text: str, mark: str, show: Show) -> str:
    """Return the number format that makes a number look as it is shown."""
    found = _NUMBER.fullmatch(text)
    if found is None:  # "<0.01 %": what is not zero never looks like it
        return _quoted(text + mark)
    sign, whole, decimals, unit = found.groups()
    thousands = "," in whole or len(whole) < 4
    percents = unit in _UNITS
    form = "#,##0" if thousands and (not percents or "," in whole) else "0"
    form += f".{'0' * len(decimals)}" if decimals else ""
    form += _UNITS.get(unit, _quoted(f" {unit}") if unit else "")
    form += _quoted(mark)
    signed = sign == "+" or (sign and show(1.0).startswith("+"))
    return f"+{form};-{form};{form}" if signed else form


def _quoted(text: str) -> str:
    return '"{}"'.format(text.replace('"', "")) if text else ""
