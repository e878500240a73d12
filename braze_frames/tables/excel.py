"""Excel files: tables as sheets of a workbook, as ``style`` shows them."""

import os
import re
from collections.abc import Iterable, Mapping
from pathlib import Path
from tempfile import NamedTemporaryFile
from typing import TYPE_CHECKING, Any

import pandas as pd

from braze_frames.tables.cells import Showing, checked_table
from braze_frames.tables.sheet import Sheet, SheetCell

if TYPE_CHECKING:
    from openpyxl import Workbook
    from openpyxl.worksheet.worksheet import Worksheet

# What a sheet holds, and how long its name may be: Microsoft, "Excel specifications and
# limits". Names are counted in UTF-16 units.
_MOST_ROWS, _MOST_COLUMNS, _NAME_SIZE = 1_048_576, 16_384, 31
_REFUSED = re.compile(r"[\[\]:*?/\\\x00-\x1f]")
_ROOM = 50  # for footnotes, of which there are two dozen at most
_WIDEST = 60
_RISKY = ("=", "+", "-", "@")


def to_excel(tables: Mapping[str, Any], path: Any) -> None:
    """Write tables to an Excel file, a sheet each: what ``style`` shows of them.

    Parameters
    ----------
    tables : mapping of str to DataFrame, Series or Styler
        Sheet name → table: a frame, or what ``totals``, ``rates``, ``lift`` and all
        others give, with or without ``bf.style``; also ``client.campaigns()``.
    path : str, path, file-like or ExcelWriter
        A file that ends in ``.xlsx`` and is replaced; a file opened for writing; or
        pandas' ``ExcelWriter`` with its engine ``openpyxl``, to which sheets are added.

    Raises
    ------
    ImportError
        openpyxl is missing; it comes with ``braze-frames[excel]``.
    ValueError
        No table is given; a name is none that Excel takes, or two are the same to it; a
        table has more rows or columns than a sheet holds; the file is no ``.xlsx``.
    TypeError
        A table is none.
    FrameError
        Two columns of a table have the same label.
    FileNotFoundError
        The file's folder is missing.

    Notes
    -----
    Numbers stay numbers: percents, thousands, signs, units, stars and marks are number
    formats. Columns that ``style`` hides are left out, its footnotes stand below the
    table. Labels are repeated in each row, nothing is merged. Texts are never formulas,
    whatever they begin with; signs that nobody sees become spaces. Days carry no time
    zone, lists are joined by commas. Differences of shares read ``% points``.

    Counts beyond 2^53, which Excel would round, infinities and what is missing are
    texts.

    Examples
    --------
    >>> import io, pandas as pd, braze_frames as bf
    >>> entry = {"variation_name": "=A", "delivered": 4000, "unique_opens": 903}
    >>> day = {"time": "2026-03-01", "messages": {"email": [entry]}}
    >>> df = bf.read_braze_series({"data": [day]})
    >>> file = io.BytesIO()
    >>> bf.to_excel({"Opens": df.braze.rates("unique_open_rate")}, file)
    >>> pd.read_excel(file, sheet_name="Opens").head(1)
      channel variation  unique_open_rate
    0   email        =A           0.22575
    """
    if not isinstance(tables, Mapping):
        raise TypeError(
            f"a {type(tables).__name__} is no mapping of tables: pass "
            '{"Week": df.braze.totals()}, a sheet name for each table'
        )
    if not tables:
        raise ValueError('no table to write: pass {"Week": df.braze.totals()}')
    _need_openpyxl()
    _check_names(tables, _sheets_in(path))
    shown = {name: _showing(name, table) for name, table in tables.items()}
    if isinstance(path, pd.ExcelWriter):
        _fill(path.book, shown)
    elif hasattr(path, "write"):
        _save(shown, path)
    elif isinstance(path, str | os.PathLike):
        _replace(shown, Path(path))
    else:
        raise TypeError(f"path={path!r} is no file: pass a name, as 'report.xlsx'")


def _need_openpyxl() -> None:
    try:
        import openpyxl  # noqa: F401
    except ImportError:
        raise ImportError(
            "Excel files need openpyxl, which is not installed: pip install "
            "'braze-frames[excel]'"
        ) from None


def _sheets_in(path: Any) -> list[str]:
    if not isinstance(path, pd.ExcelWriter):
        return []
    if path.engine != "openpyxl":
        raise ValueError(
            f"the ExcelWriter's engine is {path.engine!r}; make it with "
            'pd.ExcelWriter(path, engine="openpyxl")'
        )
    return list(path.book.sheetnames)


def _check_names(names: Iterable[Any], present: Iterable[str]) -> None:
    seen = {name.casefold(): name for name in present}
    for name in names:
        _check_name(name)
        twin = seen.setdefault(name.casefold(), name)
        if twin is not name or name in present:
            raise ValueError(
                f"two sheets are called {name!r} and {twin!r}, which is the same name "
                "to Excel: rename one"
            )


def _check_name(name: Any) -> None:
    if not isinstance(name, str) or not name.strip():
        raise ValueError(f"{name!r} is no name of a sheet: pass a text, as 'Week'")
    size = len(name.encode("utf-16-le", "surrogatepass")) // 2
    if size > _NAME_SIZE:
        raise ValueError(
            f"the sheet name {name!r} has {size} signs; Excel takes up to {_NAME_SIZE}"
        )
    refused = _REFUSED.search(name)
    if refused or not name.isprintable():
        sign = refused[0] if refused else next(s for s in name if not s.isprintable())
        raise ValueError(
            f"the sheet name {name!r} has a {sign!r}; Excel takes none of []:*?/\\ and "
            "no signs that nobody sees"
        )
    if name[0] == "'" or name[-1] == "'" or name.casefold() == "history":
        raise ValueError(
            f"Excel refuses the sheet name {name!r}: none begins or ends with ', and "
            "History is its own"
        )


def _showing(name: str, table: Any) -> Showing:
    """Return a table that a sheet holds; of a styled one what it shows."""
    plain = isinstance(table, pd.DataFrame | pd.Series)
    shown = None if plain else getattr(table, "shown", None)
    showing = Showing(checked_table(table)) if shown is None else shown
    rows = len(showing.frame) + showing.frame.columns.nlevels
    columns = showing.frame.shape[1] + showing.left
    if rows > _MOST_ROWS - _ROOM or columns > _MOST_COLUMNS:
        raise ValueError(
            f"{name}: {rows:,} rows and {columns:,} columns are more than a sheet "
            f"holds ({_MOST_ROWS:,}, with footnotes, and {_MOST_COLUMNS:,}); add the "
            'frame up with df.braze.totals(freq="MS"), or keep it with to_parquet'
        )
    return showing


def _replace(shown: Mapping[str, Showing], target: Path) -> None:
    """Replace a file when the new one is whole."""
    if target.suffix.lower() != ".xlsx":
        raise ValueError(f"{str(target)!r} is no Excel file; end its name in .xlsx")
    if not target.parent.is_dir():
        raise FileNotFoundError(
            f"there is no folder {str(target.parent)!r}: make it, or write elsewhere"
        )
    with NamedTemporaryFile(dir=target.parent, suffix=".xlsx", delete=False) as file:
        try:
            _save(shown, file)
        except BaseException:
            file.close()
            Path(file.name).unlink()
            raise
    Path(file.name).replace(target)


def _save(shown: Mapping[str, Showing], file: Any) -> None:
    from openpyxl import Workbook

    book = Workbook(write_only=True)
    _fill(book, shown)
    book.save(file)


def _fill(book: "Workbook", shown: Mapping[str, Showing]) -> None:
    for name, showing in shown.items():
        _write(book.create_sheet(name), Sheet(showing))


def _write(target: "Worksheet", sheet: Sheet) -> None:
    """Write rows one after the other, so that a long table needs no room of its own."""
    from openpyxl.utils import get_column_letter

    # Both must be known before the first row is written.
    target.freeze_panes = f"{get_column_letter(sheet.left + 1)}{sheet.heads + 1}"
    for column, width in enumerate(_widths(sheet), 1):
        target.column_dimensions[get_column_letter(column)].width = width
    for cells in sheet.rows():
        target.append([_made(target, cell) for cell in cells])


def _widths(sheet: Sheet) -> list[int]:
    """Return the width of each column by its first rows."""
    widths = [0] * sheet.size[1]
    rows = sheet.size[0] - len(sheet.notes)
    for _, cells in zip(range(min(rows, 200)), sheet.rows(), strict=False):
        for n, cell in enumerate(cells):
            size = len(cell.value) if isinstance(cell.value, str) else 12
            widths[n] = max(widths[n], size)
    return [min(width, _WIDEST) + 2 for width in widths]


def _made(target: "Worksheet", cell: SheetCell) -> Any:
    from openpyxl.cell import WriteOnlyCell
    from openpyxl.styles import Font

    made = WriteOnlyCell(target, None if cell.value == "" else cell.value)
    if isinstance(cell.value, str) and cell.value:
        made.data_type = "s"  # never a formula
        made.quotePrefix = cell.value.startswith(_RISKY)
    if cell.form:
        made.number_format = cell.form
    if cell.bold:
        made.font = Font(bold=True)
    return made
