"""Tables (pandas, Arrow, CSV, Parquet) → day rows."""

import csv
import io
import re
from collections import Counter
from collections.abc import Iterable
from itertools import chain
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from braze_frames.core.names import shown
from braze_frames.errors import PayloadError
from braze_frames.loaders.ids import tells_whose
from braze_frames.schema.exports import CAMPAIGN_SERIES

_SEPARATORS = (",", ";", "\t")
# One of these columns: a day's, an answer's, or an envelope's.
_ROWS_HAVE = frozenset({"time", "data", "_airbyte_data"})

# Columns whose values stay exact as objects: Arrow's integers with gaps become floats.
_EXACT = (np.dtype, pd.StringDtype, pd.Int64Dtype, pd.Float64Dtype)
# What those may still hold that pandas turns into Python's own.
_NOT_PYTHON = (np.generic, type(pd.NA))

_FIRST_LINE = re.compile(rb"[^\r\n]*")
_LONGEST_HEADER = 20_000


def rows_of_frame(table: pd.DataFrame, origin: str) -> list[dict[str, Any]]:
    """Return a frame's rows, its named index levels among their columns.

    Raises
    ------
    PayloadError
        It has no column of days.
    """
    if any(name is not None for name in table.index.names):
        table = table.reset_index()
    _check_columns(table.columns, origin)
    names = [*table.columns]
    cells = [_cells(table.iloc[:, place]) for place in range(len(names))]
    return [dict(zip(names, row, strict=True)) for row in zip(*cells, strict=True)]


def _cells(column: pd.Series) -> list[Any]:
    """Return a column's values as Python has them.

    ``to_dict`` asks of each cell what it is, and takes twice what the JSON in it takes.
    """
    if isinstance(column.dtype, _EXACT):
        cells: list[Any] = column.to_numpy(dtype=object).tolist()
        if not any(issubclass(kind, _NOT_PYTHON) for kind in {*map(type, cells)}):
            return cells
    records = column.to_frame().to_dict("records")
    return [*chain.from_iterable(map(dict.values, records))]


def rows_of_arrow(table: Any, origin: str) -> list[dict[str, Any]]:
    """Return the rows of an Arrow table, or of what hands one over."""
    import pyarrow as pa

    table = table if isinstance(table, pa.Table) else pa.table(table)
    _check_columns(table.column_names, origin)
    rows: list[dict[str, Any]] = table.to_pylist()
    return rows


def rows_of_parquet(source: Path | bytes, origin: str) -> list[dict[str, Any]]:
    """Return the rows of a Parquet file, a folder of them, or its bytes.

    Raises
    ------
    PayloadError
        It is damaged, or has no column of days.
    """
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        table = pq.read_table(
            io.BytesIO(source) if isinstance(source, bytes) else source
        )
    except (pa.ArrowException, OSError) as error:
        raise PayloadError(
            f"{origin}: is no Parquet that can be read ({str(error)[:100]}); write it "
            "again"
        ) from error
    return rows_of_arrow(table, origin)


def is_csv(body: bytes) -> bool:
    """Whether a text begins with the header of day rows."""
    # JSON is told by its first sign, which spares a look for columns in a long line.
    begins = body[:_LONGEST_HEADER].lstrip()[:1]
    return begins not in {b"{", b"["} and _separator(body) is not None


def _separator(body: bytes) -> str | None:
    for separator in _SEPARATORS:
        columns = _columns(body, separator)
        if len(columns) > 1 and _ROWS_HAVE & {name.strip().lower() for name in columns}:
            return separator
    return None


def _columns(body: bytes, separator: str) -> list[str]:
    try:
        return next(csv.reader([_header(body)], delimiter=separator), [])
    except csv.Error:
        return []


def _header(body: bytes) -> str:
    found = _FIRST_LINE.match(body.lstrip()[:_LONGEST_HEADER])
    return found[0].decode("utf-8", "replace") if found else ""


def rows_of_csv(body: bytes, origin: str) -> list[dict[str, Any]]:
    """Return the rows of a CSV: counts exact, ids and messages as text.

    Raises
    ------
    PayloadError
        It is no table of day rows, or is damaged.
    """
    separator = _separator(body)
    if separator is None:
        raise PayloadError(
            f"{origin}: the table begins with {shown(_header(body), 100)} and has no "
            "column `time`: exports of the dashboard hold no series of the API. Export "
            f"{CAMPAIGN_SERIES.path}, or pass the campaign's id"
        )
    as_text = {
        name: "str"
        for name in _columns(body, separator)
        if tells_whose(name) or name.strip().lower() in {"time", "messages"}
    }
    try:
        table = pd.read_csv(
            io.BytesIO(body),
            sep=separator,
            dtype=as_text,
            dtype_backend="numpy_nullable",
            skipinitialspace=True,
        )
    except (ValueError, UnicodeDecodeError) as error:
        raise PayloadError(
            f"{origin}: is no CSV that can be read ({str(error)[:100]}); save it again"
        ) from error
    return rows_of_frame(table, origin)


def _check_columns(columns: Iterable[object], origin: str) -> None:
    counts = Counter(map(str, columns))
    for name, count in counts.items():
        if count > 1:
            raise PayloadError(
                f"{origin}: two columns are called {shown(name)}; rename one of them"
            )
    if not _ROWS_HAVE & {name.lower() for name in counts}:
        raise PayloadError(
            f"{origin}: the columns {shown(', '.join(counts), 150)} are no day rows, "
            "which have `time` and `messages`, and no frame of client.campaigns(), "
            "which has `id`"
        )
