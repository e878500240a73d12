"""Tables to show: numbers as people read them, dashes with reasons, footnotes."""

from collections.abc import Sequence
from hashlib import sha256
from html import escape
from pathlib import Path
from typing import Any, Literal

import numpy as np
import pandas as pd
from pandas.io.formats.style import Styler

from braze_frames.tables.cells import Cell, Showing, checked_table
from braze_frames.tables.excel import to_excel
from braze_frames.tables.footnotes import Footnote, footnotes
from braze_frames.tables.formats import NAME_WIDTH, text_of, texts
from braze_frames.tables.writing import in_html, to_latex, to_text

_MOST_ROWS = 100_000
_NO_MATH = 'class="tex2jax_ignore mathjax_ignore"'
_NUMBERS = "text-align: right; white-space: nowrap; font-variant-numeric: tabular-nums;"
_TEXT = "text-align: left;"
_PROSE = "white-space: normal; overflow-wrap: anywhere; min-width: 16em;"
_CSS = {
    "caption": "caption-side: bottom; text-align: left; padding: 0.5em;",
    "th, td": "padding: 0.2em 0.5em; vertical-align: top;",
    "th": "text-align: left; white-space: nowrap;",
    "td, th.col_heading": _NUMBERS,
    "sup": "line-height: 0;",
}


class _Table(Styler):
    """A styled table that reads well, and the same each time, also as plain text."""

    data: pd.DataFrame
    source: pd.DataFrame
    hidden_rows: Sequence[int]
    hidden_columns: Sequence[int]
    hide_columns_: Sequence[bool]
    hide_index_: Sequence[bool]

    @property
    def shown(self) -> Showing:
        """What is shown: without the rows, columns and levels that ``hide`` took.

        Raises
        ------
        ValueError
            The labels of the columns are hidden.
        """
        if any(self.hide_columns_):
            raise ValueError(
                "text and sheets always have the labels of the columns: hide columns "
                'by name, as .hide(["revenue"], axis="columns"), or write to_html()'
            )
        rows = np.setdiff1d(np.arange(len(self.source)), self.hidden_rows)
        levels = [n for n, hidden in enumerate(self.hide_index_) if not hidden]
        return Showing(self.source.iloc[rows], self.hidden_columns, levels)

    def hide(
        self, subset: Any = None, axis: Any = 0, level: Any = None, names: bool = False
    ) -> Styler:
        """Hide as pandas does, and keep hidden what was: calls add up."""
        rows, columns = [*self.hidden_rows], [*self.hidden_columns]
        super().hide(subset, axis, level, names)
        self.hidden_rows = sorted({*rows, *self.hidden_rows})
        self.hidden_columns = sorted({*columns, *self.hidden_columns})
        return self

    def to_excel(  # type: ignore[override]  # pandas' further options are refused
        self, excel_writer: Any, sheet_name: str = "Sheet1", **options: Any
    ) -> None:
        """Write what is shown to a sheet, with the numbers behind it.

        Parameters
        ----------
        excel_writer : str, path, file-like or ExcelWriter
            As ``path`` of ``bf.to_excel``, which writes several tables at once.
        sheet_name : str
            The sheet's name.
        **options
            None is taken: what pandas' own takes is refused in words.
        """
        _refuse("to_excel", options, "excel_writer and sheet_name")
        to_excel({sheet_name: self}, excel_writer)

    def to_string(  # type: ignore[override]
        self, buf: Any = None, **options: Any
    ) -> str | None:
        """Return what is shown as text, footnotes included.

        Parameters
        ----------
        buf : str, path or file-like, optional
            Where to write it; None returns it.
        **options
            As in ``to_excel``.
        """
        _refuse("to_string", options, "buf")
        return _given(to_text(self.shown), buf)

    def to_latex(  # type: ignore[override]
        self,
        buf: Any = None,
        *,
        caption: str | None = None,
        label: str | None = None,
        **options: Any,
    ) -> str | None:
        """Return what is shown as LaTeX, for the package ``booktabs``.

        Parameters
        ----------
        buf : str, path or file-like, optional
            Where to write it; None returns it.
        caption, label : str, optional
            Make it a ``table`` with them.
        **options
            As in ``to_excel``.
        """
        _refuse("to_latex", options, "buf, caption and label")
        found = to_latex(self.shown, caption=caption, label=label)
        return _given(found, buf)

    def __repr__(self) -> str:
        return repr(self.data)


def _refuse(name: str, options: dict[str, Any], taken: str) -> None:
    """Refuse what pandas' method of that name takes, and this one does not."""
    if options:
        raise TypeError(
            f"{name} of a styled table takes {taken}, not {', '.join(options)}: how "
            f"the table looks is settled. For pandas' options use frame.{name}(…)"
        )


def _given(text: str, buf: Any) -> str | None:
    if buf is None:
        return text
    if hasattr(buf, "write"):
        buf.write(text)
    else:
        Path(buf).write_text(text, encoding="utf-8")
    return None


def style(frame: "pd.DataFrame | pd.Series[Any]") -> Styler:
    """Show a table: percents, thousands, signed lifts, footnotes; all names escaped.

    Parameters
    ----------
    frame : DataFrame or Series
        What ``read_braze_series``, ``totals``, ``rates`` or ``lift`` give, or a part of
        it; other tables are shown by the types of their columns.

    Returns
    -------
    Styler
        pandas' own, over the numbers as they are: ``to_html`` and further styles work
        on it. ``to_excel``, ``to_latex`` and ``to_string`` write what is shown,
        ``hide`` included, of further styles nothing. Where no HTML is shown it looks
        like the frame.

    Raises
    ------
    TypeError
        It is no DataFrame and no Series.
    FrameError
        Two columns, or two rows of days, channels or variations, have the same labels.
    ValueError
        More than 100,000 rows.

    Notes
    -----
    Below the table stands what it takes to read it: why there is a dash instead of a
    number, what counts as significant (a bold lift with ``*``), the level of intervals,
    what is in USD, periods that the first or last day cuts (``‡``), and days that still
    grow (``†``). Results say in ``attrs`` what they hold and in which units; without
    ``attrs`` units go by the names of columns, and those lines are missing.

    Of a whole result of ``lift``, ``tests`` or ``change`` the columns for statisticians
    are hidden, and what is the same in all rows goes below the table, as ``note`` does,
    up to nine different ones. Other columns that you chose are shown.

    What is too small to be seen is ``<0.01 %``, never a zero. Labels of more than 40
    signs lose what they have in common, as in pictures, and stay distinct.

    Examples
    --------
    >>> import braze_frames as bf
    >>> entry = {"variation_name": "<b>A</b>", "delivered": 4000, "unique_opens": 903}
    >>> day = {"time": "2026-03-01", "messages": {"email": [entry]}}
    >>> df = bf.read_braze_series({"data": [day]})
    >>> html = bf.style(df.braze.rates("unique_open_rate")).to_html()
    >>> "22.57 %" in html, "<b>" in html, "&lt;b&gt;A&lt;/b&gt;" in html
    (True, False, True)
    """
    table = Showing(_checked(frame))
    styler = _Table(_with_safe_names(table.frame), cell_ids=False)
    styler.source = table.frame
    _write_cells(styler, table)
    _write_labels(styler, table)
    _hide(styler, table)
    return _dress(styler, table)


def _checked(frame: Any) -> pd.DataFrame:
    table = checked_table(frame)
    if len(table) > _MOST_ROWS:
        raise ValueError(
            f"{len(table):,} rows are more than a page can show; slice the frame, as "
            'with frame.head(100), or add it up with df.braze.totals(freq="MS")'
        )
    return table


def _with_safe_names(frame: pd.DataFrame) -> pd.DataFrame:
    """Return the frame with names of its axes that pandas may write as they are."""
    index, columns = map(_named_safely, (frame.index, frame.columns))
    return frame.set_axis(index, axis=0).set_axis(columns, axis=1)


def _named_safely(labels: pd.Index) -> pd.Index:
    shown = texts([name for name in labels.names if name is not None], NAME_WIDTH)
    names = [
        None if name is None else escape(shown[text_of(name)]) for name in labels.names
    ]
    return labels.set_names(names)


def _write_cells(styler: Styler, table: Showing) -> None:
    """Say how cells are written; columns of one way in one go, which is faster."""
    alike: dict[Any, Any] = {}
    for n, column in enumerate(table.frame.columns):
        ways, of_row = table.column(n)
        if len(ways) <= 1:
            alike[column] = in_html((ways or [Cell(text_of)])[0])
            continue
        for place, way in enumerate(ways):
            rows = of_row == place
            styler.format({column: in_html(way)}, subset=(rows, [column]))
    if alike:
        styler.format(alike, subset=[*alike])


def _write_labels(styler: Styler, table: Showing) -> None:
    axes: tuple[tuple[Literal[0, 1], pd.Index], ...]
    axes = ((0, table.frame.index), (1, table.frame.columns))
    for axis, labels in axes:
        for level, name in enumerate(labels.names):
            values = labels.get_level_values(level)
            cell = Cell(table.written(values, dates=name == "date"))
            styler.format_index(in_html(cell), axis=axis, level=level)


def _hide(styler: Styler, table: Showing) -> None:
    if table.hidden:
        styler.hide(subset=list(table.frame.columns[table.hidden]), axis="columns")
    if not table.left:
        styler.hide(axis="index")


def _dress(styler: Styler, table: Showing) -> Styler:
    """Put on styles, footnotes, and ids that depend on the content alone."""
    lines = footnotes(table.seen(), table.told)
    styles = _CSS | _text_styles(table)
    styler.set_table_styles(
        [{"selector": where, "props": css} for where, css in styles.items()]
    )
    styler.set_table_attributes(_NO_MATH)
    if lines:
        styler.set_caption("<br>".join(map(_line, lines)))
    return styler.set_uuid(_digest(table.frame, lines))


def _line(line: Footnote) -> str:
    number = f"<sup>{line.number}</sup> " if line.number else ""
    return number + escape(line.text)


def _text_styles(table: Showing) -> dict[str, str]:
    styles = {}
    for n, kind in enumerate(table.kinds):
        if kind == "text":
            styles[f"td.col{n}, th.col_heading.col{n}"] = _TEXT
            styles |= {f"td.col{n}": _TEXT + _PROSE} if table.is_prose(n) else {}
    return styles


def _digest(frame: pd.DataFrame, lines: Sequence[Footnote]) -> str:
    """Hash what is shown; not the last bits of numbers, which differ by machine."""
    split = frame.to_dict("split")
    data = [[_rounded(value) for value in row] for row in split["data"]]
    names = [frame.index.names, frame.columns.names]
    said = repr([data, split["index"], split["columns"], names, lines])
    return sha256(said.encode("utf-8", "backslashreplace")).hexdigest()[:12]


def _rounded(value: Any) -> Any:
    return f"{value:.6g}" if isinstance(value, float) else value
