"""One Parquet file of a cache: what it says of itself, its columns, its checksum.

Pages of a file carry checksums, its footer carries none, and a flipped bit there can
hide columns or end the process that opens it. So the text of our metadata, which stands
in the footer, holds ``footer_crc=`` and eight hex digits: the CRC-32 of the footer with
these digits as zeros. It is found and compared before a library parses the file.
"""

import os
import re
import zlib
from collections.abc import Collection, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO, NamedTuple

import numpy as np
import orjson
import pyarrow as pa

from braze_frames.api.details import Details
from braze_frames.errors import CacheError
from braze_frames.payload.batch import Span
from braze_frames.storage.coverage import Coverage, from_runs, no_days, runs_of
from braze_frames.storage.layout import (
    SCHEMAS,
    VERSION,
    StoredGrain,
    encodings,
    identity_of,
    names_of,
    stored_stats,
    texts_of,
)

if TYPE_CHECKING:
    import pyarrow.parquet as pq

SEAL = "footer_crc=00000000"
"""What the metadata holds until the footer is sealed."""

_MAGIC = b"PAR1"
_TAIL = 8  # four bytes that say how long the footer is, and the magic
_MARK_START = b'"seal":"footer_crc='
_MARK = re.compile(_MARK_START + rb'([0-9a-f]{8})"')
_NAME = b"braze_frames"
# Thrift's compact form of our pair: a text of 12 letters, then a text whose length
# follows, seven bits a byte.
_KEY = b"\x18\x0c" + _NAME + b"\x18"
_DAMAGE = (pa.ArrowException, OSError, KeyError)
# Rows that Parquet readers skip or read as one; larger ones make skipping days useless.
_GROUP = 131_072
# Up to so many rows pyarrow's threads take more CPU than they save time.
_MANY = 1_000_000
_PHYSICAL = {
    "int32": "INT32",
    "int64": "INT64",
    "double": "DOUBLE",
    "string": "BYTE_ARRAY",
    "timestamp[us]": "INT64",
    "timestamp[us, tz=UTC]": "INT64",
}
"""How Parquet keeps the types of our columns."""

_EPOCH_DAY = np.datetime64("1970-01-01", "D")


class UnreadableFile(Exception):  # noqa: N818
    """A Parquet file that is damaged, or that this package has not written."""


def read_footer(source: BinaryIO) -> bytes:
    """Return the raw footer of an open file.

    Raises
    ------
    UnreadableFile
        The file does not end as a Parquet file does.
    """
    size = source.seek(0, 2)
    source.seek(max(size - _TAIL, 0))
    tail = source.read(_TAIL)
    length = int.from_bytes(tail[:4], "little")
    if tail[4:] != _MAGIC or not 0 < length <= size - _TAIL - len(_MAGIC):
        raise UnreadableFile("it does not end as a Parquet file does")
    source.seek(size - _TAIL - length)
    return source.read(length)


def seal_footer(target: BinaryIO) -> None:
    """Write the checksum of its footer into a file that was just written."""
    footer = read_footer(target)
    mark = _mark(footer)
    if mark is None:
        raise UnreadableFile("its metadata has no place for a checksum")
    target.seek(-_TAIL - len(footer) + mark.start(1), 2)
    target.write(b"%08x" % zlib.crc32(footer))


def is_sealed(footer: bytes) -> bool:
    """Whether a footer holds a checksum, right or wrong."""
    return _mark(footer) is not None


def is_proved(footer: bytes) -> bool:
    """Whether a footer holds its own checksum."""
    mark = _mark(footer)
    if mark is None:
        return False
    first, end = mark.span(1)
    blank = footer[:first] + b"0" * (end - first) + footer[end:]
    return zlib.crc32(blank) == int(mark[1], 16)


def _mark(footer: bytes) -> "re.Match[bytes] | None":
    """Find the checksum: the last, for texts of rows stand before the metadata."""
    return _MARK.match(footer, max(footer.rfind(_MARK_START), 0))


def metadata_in(footer: bytes) -> bytes:
    """Return our text in a footer.

    Raises
    ------
    UnreadableFile
        There is none.
    """
    place = footer.rfind(_KEY) + len(_KEY)
    if place < len(_KEY):
        raise UnreadableFile("it has no metadata of braze_frames")
    length, shift = 0, 0
    for byte in footer[place : place + 5]:  # a length below 2**35
        length |= (byte & 0x7F) << shift
        shift, place = shift + 7, place + 1
        if byte < 0x80:
            break
    return footer[place : place + length]


ROWS = "#"
"""Before a number it is the history of layout 1: so many first rows count."""


class About(NamedTuple):
    """What the metadata of a file says; ``ends`` are those of the history alone."""

    written: str
    grains: tuple[StoredGrain, ...]
    history: str
    rows: int
    name: str | None
    details: Details | None
    tz: str
    coverage: Coverage
    ends: dict[str, int]


def history_about(ends: Mapping[str, int], rows: int) -> About:
    """Return what the metadata of a history says."""
    return About([*ends][-1], (), "", rows, None, None, "", no_days(), {**ends})


class PendingFile(NamedTuple):
    """One file to write."""

    grain: StoredGrain
    table: pa.Table
    about: About


def as_metadata(about: About) -> dict[str, Any]:
    """Return what goes into a file's metadata."""
    return about._asdict() | {
        "version": VERSION,
        "coverage": runs_of(about.coverage),
        "details": about.details and about.details._asdict(),
    }


def from_footer(footer: bytes, path: str) -> About:
    """Return what a file's raw footer says, once it has proved itself.

    Raises
    ------
    UnreadableFile
        It is damaged, or none of ours.
    CacheError
        A newer version of this package has written it.
    """
    told = told_in(footer, path)
    try:
        return _from_first(told) if told.pop("version") == 1 else _from_told(told)
    except (KeyError, TypeError, ValueError, OverflowError) as error:
        raise UnreadableFile(f"metadata {error}") from None


def told_in(footer: bytes, path: str) -> dict[str, Any]:
    """Return our metadata in a raw footer that proves itself.

    Raises
    ------
    UnreadableFile, CacheError
        As for ``from_footer``.
    """
    try:
        told: dict[str, Any] = orjson.loads(metadata_in(footer))
        version = told["version"] = int(told["version"])
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise UnreadableFile(f"metadata {error}") from None
    if version > VERSION and not _is_ours(footer, version):
        raise CacheError(
            f"{path!r} has layout {version}, written by a newer braze_frames; this one "
            f"knows {VERSION} and leaves it alone. Update, or use another folder"
        )
    if is_sealed(footer) if version == 1 else not is_proved(footer):
        raise UnreadableFile("its footer does not match its checksum")
    return told


def _is_ours(footer: bytes, version: int) -> bool:
    """Whether nothing but the version's own digit was damaged."""
    ours = footer.replace(b'"version":%d' % version, b'"version":%d' % VERSION)
    return is_proved(ours)


def from_metadata(text: str) -> About:
    """Return what ``as_metadata`` wrote."""
    told = orjson.loads(text)
    del told["version"]
    return _from_told(told)


def _from_told(told: dict[str, Any]) -> About:
    told.pop("seal", None)
    told["coverage"] = from_runs(told["coverage"])
    told["details"] = told["details"] and Details(**told["details"])
    return About(**{**told, "grains": tuple(told["grains"])})


def _from_first(told: dict[str, Any]) -> About:
    """Read the metadata of layout 1: its history is known by its number of rows."""
    count, names = told.pop("revisions"), told.pop("names")
    told |= {
        "history": f"{ROWS}{int(count)}" if count else "",
        "details": None if names is None else Details.of_names(names),
        "rows": -1,
        "ends": {},
    }
    del told["variations"]
    return _from_told(told)


def read_file(
    path: str | Path,
    grain: StoredGrain,
    columns: Collection[str],
    span: Span | None,
) -> tuple[About, pa.Table | None]:
    """Read what a file says of itself, and columns of it.

    Raises
    ------
    OSError
        It is not there, or may not be read.
    CacheError
        A newer version has written it.
    UnreadableFile
        It is damaged, or none of ours.
    """
    try:
        source = pa.OSFile(str(path))
    except OSError as error:
        if not isinstance(error, FileNotFoundError) and Path(path).is_dir():
            raise UnreadableFile("a folder") from None
        raise
    with source:
        return read_open(source, str(path), grain, columns, span)


def read_open(
    source: pa.NativeFile,
    where: str,
    grain: StoredGrain,
    columns: Collection[str],
    span: Span | None,
) -> tuple[About, pa.Table | None]:
    """Read an open file; ``where`` is what to call it in errors.

    Raises
    ------
    CacheError, UnreadableFile
        As for ``read_file``.
    """
    try:
        about = from_footer(read_footer(source), where)
        return about, _read_table(source, about, grain, columns, span)
    except _DAMAGE as error:
        raise UnreadableFile(str(error)) from None


def _read_table(
    source: pa.NativeFile,
    about: About,
    grain: StoredGrain,
    columns: Collection[str],
    span: Span | None,
) -> pa.Table | None:
    """Read columns of an open file."""
    if not columns:
        return None
    file = as_parquet(source, grain)
    told = file.metadata
    _check_schema(file, grain, about)
    some = [n for n in range(told.num_row_groups) if _overlaps(told, n, span)]
    return read_groups(file, grain, columns, some)


def as_parquet(
    source: pa.NativeFile | BinaryIO, grain: StoredGrain
) -> "pq.ParquetReader":
    """Open a file of a grain."""
    from pyarrow.parquet import ParquetReader

    file = ParquetReader()  # ParquetFile looks for nested columns, a sixth of a read
    file.open(
        source,
        read_dictionary=texts_of(grain),
        pre_buffer=False,
        page_checksum_verification=True,
    )
    return file


def _names(file: "pq.ParquetReader") -> list[str]:
    # Not by its schema, in a circle with which metadata would lie until they are cold.
    return [".".join(path) for path in file.column_paths]


def _check_schema(file: "pq.ParquetReader", grain: StoredGrain, about: About) -> None:
    """Refuse a file whose columns are not those of its grain.

    It may lack stats that Braze did not document when it was written. Types are
    compared where no checksum has proved them: a wrong one ends the process.
    """
    names = _names(file)
    if not identity_of(grain) <= {*names} <= names_of(grain):
        raise UnreadableFile("its columns are not those of a cache")
    for place, name in enumerate(() if about.rows >= 0 else names):
        physical = _PHYSICAL[str(SCHEMAS[grain].field(name).type)]
        if file.metadata.schema.column(place).physical_type != physical:
            raise UnreadableFile(f"its column {name!r} is of another type")


def read_groups(
    file: "pq.ParquetReader",
    grain: StoredGrain,
    columns: Collection[str],
    groups: Sequence[int],
) -> pa.Table:
    """Read row groups, without stats that are null throughout."""
    told, stats = file.metadata, stored_stats(grain)
    about = [told.row_group(group) for group in groups]
    read = [
        n
        for n, name in enumerate(_names(file))
        if name in columns and not (name in stats and _is_empty(about, n))
    ]
    table: pa.Table = file.read_row_groups(
        groups, column_indices=read, use_threads=told.num_rows > _MANY
    )
    # Checksums are of pages, not of their headers: a damaged one shows as texts that
    # point out of their dictionary, which ends the process later.
    table.validate(full=True)
    return table


def _overlaps(about: "pq.FileMetaData", group: int, span: Span | None) -> bool:
    if span is None or about.num_row_groups == 1:
        return True
    dates = about.row_group(group).column(0).statistics
    if dates is None:
        return True
    ends = np.array([dates.min, dates.max], dtype="datetime64[D]")
    first, last = (ends - _EPOCH_DAY).astype(np.int64)
    return bool(first <= span.last and last >= span.first)


def _is_empty(groups: "Sequence[pq.RowGroupMetaData]", column: int) -> bool:
    for group in groups:
        statistics = group.column(column).statistics
        if statistics is None or not statistics.has_null_count:
            return False
        if statistics.null_count < group.num_rows:
            return False
    return True


def is_sound(path: Path, grain: StoredGrain) -> bool:
    """Whether a file is not there, or can be read from its first byte to its last."""
    try:
        read_file(path, grain, names_of(grain), None)
    except FileNotFoundError:
        return True
    except UnreadableFile:
        return False
    return True


def write_file(file: PendingFile, path: Path) -> None:
    """Write one file, seal it, and check that it proves itself.

    Raises
    ------
    OSError, ArrowException
        It cannot be written.
    """
    with path.open("w+b") as sink:
        write_open(file, sink, str(path))
        os.fsync(sink.fileno())


def write_open(file: PendingFile, sink: BinaryIO, where: str) -> None:
    """Write a file to where it can be read back; ``where`` is its name in errors.

    Raises
    ------
    OSError, ArrowException
        It cannot be written.
    """
    write_sealed(file.table, as_metadata(file.about), sink, encodings(file.grain))
    from_footer(read_footer(sink), where)


def write_sealed(
    table: pa.Table,
    told: Mapping[str, Any],
    sink: BinaryIO,
    packing: Mapping[str, Any],
) -> None:
    """Write a table and what is told of it, with a checksum of the footer."""
    from pyarrow.parquet import write_table

    write_table(
        table.replace_schema_metadata({_NAME: orjson.dumps({**told, "seal": SEAL})}),
        sink,
        write_page_checksum=True,
        **{"row_group_size": _GROUP, **packing},
    )
    sink.flush()
    seal_footer(sink)
    sink.flush()
