"""Files, file-likes and texts → decoded trees."""

import glob
import gzip
import os
import re
import zlib
from codecs import BOM_UTF8, BOM_UTF16_BE, BOM_UTF16_LE, BOM_UTF32_BE, BOM_UTF32_LE
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

from braze_frames.core.json_text import has_booleans, is_apart
from braze_frames.core.names import short_path, shown, shown_path
from braze_frames.errors import PayloadError, SourceError
from braze_frames.loaders.answers import Answer
from braze_frames.loaders.tables import is_csv, rows_of_csv, rows_of_parquet
from braze_frames.payload.series import decode

_LINES = (".jsonl", ".ndjson")
_TABLES = (".csv", ".parquet")
# What is read; ``.gz`` stands behind another.
SUFFIXES = (".json", *_LINES, *_TABLES, ".gz")

_NEXT_LINE = re.compile(rb"\s*[{\[]")
_BLANK = 1000
_GZIP = b"\x1f\x8b"
_PARQUET = b"PAR1"
# The longer marks first: UTF-32's begins with UTF-16's.
_MARKS = (
    (BOM_UTF32_LE, "utf-32"),
    (BOM_UTF32_BE, "utf-32"),
    (BOM_UTF16_LE, "utf-16"),
    (BOM_UTF16_BE, "utf-16"),
)
# What files begin with that we do not read.
_NOT_READ = (
    (b"PK\x03\x04", "a zip archive or an Excel workbook"),
    (b"\xfd7zXZ", "compressed with xz"),
    (b"BZh", "compressed with bzip2"),
    (b"\x28\xb5\x2f\xfd", "compressed with zstd"),
    (b"7z\xbc\xaf", "a 7z archive"),
    (b"\xd0\xcf\x11\xe0", "an old Excel workbook"),
    (b"%PDF", "a PDF"),
    (b"SQLite format 3", "an SQLite database"),
    (b"ORC", "an ORC file"),
    (b"Obj\x01", "an Avro file"),
)


class Text(NamedTuple):
    """A long text that begins as an answer of the API does, and is not decoded yet."""

    body: bytes


class Contents(NamedTuple):
    """What an input holds; ``single`` when it is one object, and no list of them."""

    origin: str
    answers: Iterable[Answer]
    single: bool


def matches(text: str) -> list[Path] | None:
    """Return the files that a glob matches, or None where the text is no glob."""
    if not glob.has_magic(text) or exists(Path(text)):
        return None
    found = sorted(glob.glob(os.path.expanduser(text), recursive=True))  # noqa: PTH111, PTH207
    return [Path(path) for path in found]


def exists(path: Path) -> bool:
    """Tell whether there is such a file; what is no path is none."""
    try:
        return path.exists()
    except (OSError, ValueError):
        return False


def check_file(path: Path) -> None:
    """Refuse a folder that holds no table, and a file that is not there."""
    if not exists(path):
        raise SourceError(f"there is no file {shown_path(path)}; look at the path")
    if path.is_dir() and not _is_table(path):
        found = {one.suffix for one in path.iterdir()} & {*SUFFIXES}
        suffix = min(found, default=".json")
        raise SourceError(
            f"{shown_path(path)} is a folder without .parquet files; pass "
            f"{str(path / f'*{suffix}')!r}"
        )


def _is_table(folder: Path) -> bool:
    return next(folder.rglob("*.parquet"), None) is not None


def contents_of_file(path: Path) -> Contents:
    """Open a file, or a folder of Parquet files.

    Raises
    ------
    SourceError
        It cannot be opened.
    PayloadError
        It holds neither JSON nor a table of day rows.
    """
    origin = str(path)
    try:
        if path.is_dir():
            return _table(rows_of_parquet(path, origin), origin)
        body = path.read_bytes()
    except OSError as error:
        reason = error.strerror or error
        raise SourceError(
            f"{shown_path(origin)} cannot be read: {reason}; look at the path and its "
            "permissions"
        ) from error
    return contents_of(body, origin, path.name)


def contents_of_stream(stream: Any, label: str) -> Contents:
    """Read a file-like.

    Raises
    ------
    SourceError
        It is closed, cannot be read, or gives neither text nor bytes.
    PayloadError
        It holds neither JSON nor a table of day rows.
    """
    name = getattr(stream, "name", "")
    name = name if isinstance(name, str) else ""
    origin = short_path(label or name or "file")
    try:
        body = stream.read()
    except (OSError, ValueError) as error:
        raise SourceError(
            f"{shown_path(origin)} cannot be read ({error}); open it again for reading"
        ) from error
    if isinstance(body, bytearray | memoryview):
        body = bytes(body)
    if not isinstance(body, str | bytes):
        raise SourceError(
            f"{shown_path(origin)} gives {shown(body)} instead of text or bytes"
        )
    if not body and _position(stream):
        raise PayloadError(
            f"{origin}: is at its end, so it is empty; it was read before: seek(0)"
        )
    return contents_of(body, origin, name)


def _position(stream: Any) -> int:
    try:
        return int(stream.tell())
    except (AttributeError, OSError, TypeError, ValueError):
        return 0


def contents_of(body: str | bytes, origin: str, name: str = "") -> Contents:
    """Read a text or bytes; the file's ``name`` tells lines and tables.

    Raises
    ------
    PayloadError
        It holds neither JSON nor a table of day rows.
    """
    if isinstance(body, str):
        body = body.encode("utf-8", "surrogatepass")
    name = name.lower().removesuffix(".gz")
    body = _decoded(_unzipped(body, origin), origin)
    if body.startswith(_PARQUET):
        return _table(rows_of_parquet(body, origin), origin)
    if name.endswith(_TABLES) or is_csv(body):
        return _table(rows_of_csv(body, origin), origin)
    if body.strip() and (name.endswith(_LINES) or _is_lines(body)):
        return Contents(origin, _each_line(body, origin), single=False)
    answer = _answer(body, origin, may_hold=True)
    single = not isinstance(answer.tree, list)
    # An iterator, which lets go of the tree once it was handed on.
    return Contents(origin, iter([answer]), single)


def opened(answer: Answer) -> Answer:
    """Return an answer that is decoded.

    Raises
    ------
    PayloadError
        Its text is no JSON.
    """
    if not isinstance(answer.tree, Text):
        return answer
    body = answer.tree.body
    tree = _parsed(body, answer.origin)
    return answer._replace(tree=tree, check_each_value=has_booleans(body))


def _answer(body: bytes | memoryview, origin: str, *, may_hold: bool) -> Answer:
    """Decode a text that may hold booleans, or leave that to who reads long ones."""
    if is_apart(body, "data"):
        return Answer(origin, Text(bytes(body)), check_each_value=True)
    tree = _parsed(body, origin)
    return Answer(origin, tree, check_each_value=may_hold and has_booleans(body))


def _table(rows: list[dict[str, Any]], origin: str) -> Contents:
    return Contents(origin, [Answer(origin, rows, check_each_value=True)], single=False)


def _each_line(body: bytes, origin: str) -> Iterator[Answer]:
    may_hold = has_booleans(body)
    for number, line in enumerate(_lines(body), 1):
        if len(line) > _BLANK or bytes(line).strip():
            yield _answer(line, f"{origin}, line {number}", may_hold=may_hold)


def _lines(body: bytes) -> Iterator[memoryview]:
    """Yield the lines without copying them."""
    whole, start = memoryview(body), 0
    while start <= len(body):
        end = body.find(b"\n", start)
        end = len(body) if end < 0 else end
        yield whole[start:end]
        start = end + 1


def _is_lines(body: bytes) -> bool:
    """Whether a nameless text is JSON lines: the first of several lines is whole."""
    start = len(body) - len(body.lstrip())
    # found, not matched: a pattern for the line takes six times what the parser takes
    end = body.find(b"\n", start)
    return (
        end > 0
        and body[max(start, end - _BLANK) : end].rstrip()[-1:] in {b"}", b"]"}
        and body[start : start + 1] in {b"{", b"["}
        and bool(_NEXT_LINE.match(body, end))
    )


def _parsed(body: bytes | memoryview, origin: str) -> Any:
    try:
        return decode(body, origin)
    except PayloadError:
        _check_utf8(bytes(body), origin)
        raise


def _check_utf8(body: bytes, origin: str) -> None:
    try:
        body.decode("utf-8", "surrogatepass")
    except UnicodeDecodeError as error:
        raise PayloadError(
            f"{origin}: byte {error.start + 1} is no UTF-8, the text may be Latin-1; "
            "save it as UTF-8 and read again"
        ) from None


def _unzipped(body: bytes, origin: str) -> bytes:
    if not body.startswith(_GZIP):
        return body
    try:
        return gzip.decompress(body)
    except (OSError, EOFError, zlib.error) as error:
        reason = str(error)
    raise PayloadError(f"{origin}: is cut off or no gzip ({reason}); fetch it again")


def _decoded(body: bytes, origin: str) -> bytes:
    """Return the text as UTF-8; other encodings are known by their mark."""
    for start, what in _NOT_READ:
        if body.startswith(start):
            raise PayloadError(
                f"{origin}: is {what}, which is not read; unpack or save it as .json, "
                ".jsonl, .csv or .parquet (each but .parquet also .gz)"
            )
    for mark, encoding in _MARKS:
        if body.startswith(mark):
            try:
                return body.decode(encoding).encode("utf-8", "surrogatepass")
            except UnicodeDecodeError as error:
                raise PayloadError(
                    f"{origin}: is cut off or no {encoding.upper()} ({error.reason}); "
                    "save it as UTF-8 and read again"
                ) from None
    return body.removeprefix(BOM_UTF8)
