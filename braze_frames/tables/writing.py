"""A table as plain text and as LaTeX, and how a cell is marked in each writing."""

from collections.abc import Callable, Iterable
from html import escape
from typing import Any

import numpy as np
import pandas as pd

from braze_frames.core.names import legible
from braze_frames.tables.cells import Cell, Showing
from braze_frames.tables.footnotes import Footnote, footnotes
from braze_frames.tables.formats import Show

_RAISED = str.maketrans("0123456789", "⁰¹²³⁴⁵⁶⁷⁸⁹")
# What LaTeX reads as commands, and signs that its text fonts lack.
_LATEX = str.maketrans(
    {
        **{sign: f"\\{sign}" for sign in "&%$#_{}"},
        **{"\\": r"\textbackslash{}", "~": r"\textasciitilde{}"},
        **{"^": r"\textasciicircum{}", "<": r"\textless{}", ">": r"\textgreater{}"},
        **{"\N{MINUS SIGN}": "$-$", "\N{INFINITY}": r"$\infty$", "✔": r"$\surd$"},
        **{"†": r"\textdagger{}", "‡": r"\textdaggerdbl{}", "…": r"\dots{}"},
    }
)


def in_html(cell: Cell) -> Show:
    """Return how a cell is written in HTML: escaped, then marked."""
    before, after = ("<strong>", "</strong> *") if cell.starred else ("", "")
    after += f"<sup>{cell.note}</sup>" if cell.note else ""
    return lambda value: f"{before}{escape(cell.show(value))}{after}"


def marks_of(cell: Cell) -> str:
    """Return the star and the footnote's number of a cell, as a text.

    Examples
    --------
    >>> marks_of(Cell(str, starred=True, note=12))
    ' *¹²'
    """
    star = " *" if cell.starred else ""
    return star + (str(cell.note).translate(_RAISED) if cell.note else "")


def footnote_text(line: Footnote) -> str:
    """Return a footnote as a text.

    Examples
    --------
    >>> footnote_text(Footnote("no control", 2))
    '² no control'
    """
    return f"{str(line.number).translate(_RAISED)} {line.text}".removeprefix("⁰ ")


def to_text(table: Showing) -> str:
    """Return a table and its footnotes as lines of text."""
    strings = _strings(table, _in_text, str)
    lines = map(footnote_text, footnotes(table.seen(), table.told))
    return "\n".join([strings.to_string(index=table.left > 0), *lines])


def to_latex(table: Showing, *, caption: str | None, label: str | None) -> str:
    """Return a table as LaTeX, for ``booktabs``; its footnotes stand below."""
    strings = _strings(table, _in_latex, _escaped)
    columns = [*"l" * table.left]
    columns += ["l" if table.kinds[n] == "text" else "r" for n in table.visible]
    found = strings.to_latex(
        index=table.left > 0,
        escape=False,
        column_format="".join(columns),
        multicolumn_format="l",
        multirow=False,
        caption=caption,
        label=label,
    )
    lines = [_latex_line(line) for line in footnotes(table.seen(), table.told)]
    below = "\\par\\noindent\\footnotesize\n" + "\\\\{}\n".join(lines) if lines else ""
    end = "\\end{table}"
    inside = found.rstrip().removesuffix(end)
    closed = end if inside != found.rstrip() else ""
    body = f"{{{below}\\par}}\n" if below else ""
    return f"{inside.rstrip()}\n{body}{closed}".rstrip() + "\n"


def _in_text(cell: Cell) -> Show:
    return lambda value: f"{cell.show(value)}{marks_of(cell)}"


def _in_latex(cell: Cell) -> Show:
    before, after = (r"\textbf{", "} *") if cell.starred else ("", "")
    after += rf"\textsuperscript{{{cell.note}}}" if cell.note else ""
    return lambda value: f"{before}{_escaped(cell.show(value))}{after}"


def _escaped(text: str) -> str:
    r"""Return a text as LaTeX shows it.

    Examples
    --------
    >>> print(_escaped("10% off_50"))
    10\% off\_50
    """
    return text.translate(_LATEX)


def _latex_line(line: Footnote) -> str:
    number = rf"\textsuperscript{{{line.number}}} " if line.number else ""
    return number + _escaped(line.text)


def _strings(
    table: Showing, write: Callable[[Cell], Show], escaped: Callable[[str], str]
) -> pd.DataFrame:
    """Return what is shown as texts, labels included."""
    frame, columns = table.frame, []
    for n in table.visible:
        ways, of_row = table.column(n)
        shows = [write(way) for way in ways]
        values = zip(frame.iloc[:, n].array, of_row, strict=True)
        columns.append(pd.Series([shows[way](value) for value, way in values]))
    strings = pd.DataFrame(dict(enumerate(columns)), index=range(len(frame)))
    heads = frame.columns[table.visible]
    strings.columns = _labels(table, heads, range(heads.nlevels), escaped)
    if table.left:
        strings.index = _labels(table, frame.index, table.levels, escaped)
    return strings


def _labels(
    table: Showing,
    labels: pd.Index,
    shown: Iterable[int],
    escaped: Callable[[str], str],
) -> Any:
    names: list[str | None] = []
    levels: list[Any] = []
    for level in shown:
        name = labels.names[level]
        names.append(None if name is None else escaped(legible(name)))
        values = labels.get_level_values(level)
        show = table.written(values, dates=name == "date")
        levels.append(np.array([escaped(show(one)) for one in values], dtype=object))
    if len(levels) == 1:
        return pd.Index(levels[0], name=names[0])
    return pd.MultiIndex.from_arrays(levels, names=names)
