"""Parquet files of a cache: opened, read in part, written so that no kill harms."""

import os
import warnings
from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple
from uuid import uuid4

import numpy as np
import pyarrow as pa

from braze_frames.cache.layout import (
    SCHEMAS,
    About,
    StoredGrain,
    UnreadableFile,
    as_metadata,
    encodings,
    from_metadata,
    stored_stats,
    texts_of,
)
from braze_frames.errors import CacheError, CacheWarning
from braze_frames.payload.batch import Span

if TYPE_CHECKING:
    from pyarrow.parquet import FileMetaData, ParquetFile

_DAMAGE = (pa.ArrowInvalid, pa.ArrowNotImplementedError, OSError, KeyError)
_PATIENCE = 60
_GROUP = 131_072
_MANY = 100_000
_EPOCH_DAY = np.datetime64("1970-01-01", "D")


class PendingFile(NamedTuple):
    """One file to write."""

    path: Path
    grain: StoredGrain
    table: pa.Table
    about: About


def open_file(path: Path, grain: StoredGrain) -> tuple["ParquetFile", About]:
    """Open a file and read what its metadata says.

    Raises
    ------
    FileNotFoundError
        It is not there.
    CacheError
        It may not be read, or a newer version has written it.
    Foreign
        It is damaged, or none of ours.
    """
    from pyarrow.parquet import ParquetFile

    try:
        source = pa.OSFile(str(path))
    except FileNotFoundError:
        raise
    except OSError as error:
        if path.is_dir():
            raise UnreadableFile("a folder") from None
        raise refusal(path, error) from error
    try:
        file = ParquetFile(
            source,
            read_dictionary=texts_of(grain),
            pre_buffer=False,
            page_checksum_verification=True,
        )
        return file, from_metadata(file.metadata.metadata, str(path))
    except BaseException as error:
        source.close()
        if isinstance(error, _DAMAGE):
            raise UnreadableFile(str(error)) from None
        raise


def read_table(
    file: "ParquetFile",
    grain: StoredGrain,
    span: Span | None = None,
    names: Collection[str] | None = None,
) -> pa.Table:
    """Read an open file, without stats that are null throughout.

    Parameters
    ----------
    file : ParquetFile
        From ``open_file``.
    grain : str
        Its grain.
    span : Span, optional
        Leave out parts of the file that hold none of these days.
    names : collection of str, optional
        The columns to read; None is all.

    Raises
    ------
    Foreign
        The file is damaged.
    """
    about = file.metadata
    groups = [n for n in range(about.num_row_groups) if _overlaps(about, n, span)]
    stats = stored_stats(grain)
    columns = [
        name
        for n, name in enumerate(SCHEMAS[grain].names)
        if (names is None or name in names)
        and not (name in stats and _is_empty(about, groups, n))
    ]
    try:
        return file.read_row_groups(
            groups, columns=columns, use_threads=about.num_rows > _MANY
        )
    except _DAMAGE as error:
        raise UnreadableFile(str(error)) from None


def _overlaps(about: "FileMetaData", group: int, span: Span | None) -> bool:
    dates = about.row_group(group).column(0).statistics
    if span is None or about.num_row_groups == 1 or dates is None:
        return True
    ends = np.array([dates.min, dates.max], dtype="datetime64[D]")
    first, last = (ends - _EPOCH_DAY).astype(np.int64)
    return bool(first <= span.last and last >= span.first)


def _is_empty(about: "FileMetaData", groups: Sequence[int], column: int) -> bool:
    for group in groups:
        statistics = about.row_group(group).column(column).statistics
        if statistics is None or not statistics.has_null_count:
            return False
        if statistics.null_count < about.row_group(group).num_rows:
            return False
    return True


def set_aside(
    path: Path, grain: StoredGrain, root: Path, lock: Path, why: UnreadableFile
) -> None:
    """Move a damaged file away, unless a good one has taken its place meanwhile."""
    where = "It stays there"
    with suppress(CacheError, OSError), locked(lock):
        if _is_sound(path, grain):
            return
        target = root / ".aside" / f"{path.parent.name}-{grain}-{uuid4().hex[:8]}"
        target.parent.mkdir(exist_ok=True)
        path.replace(target)
        where = f"It is now {str(target)!r}"
    reason = str(why).partition("\n")[0]
    warnings.warn(
        f"{str(path)!r} cannot be read ({reason}). {where}; days that are missing now "
        "are fetched again when they are asked for",
        CacheWarning,
        stacklevel=2,
    )


def _is_sound(path: Path, grain: StoredGrain) -> bool:
    """Whether a file is not there, or can be read from its first byte to its last."""
    try:
        file, _ = open_file(path, grain)
        with file:
            read_table(file, grain)
    except FileNotFoundError:
        return True
    except UnreadableFile:
        return False
    return True


def write_all(drafts: Sequence[PendingFile], workshop: Path) -> None:
    """Write files, check them, and move them into their places, in the order given.

    Parameters
    ----------
    drafts : sequence of Draft
        The files.
    workshop : Path
        A folder on the same disk for what is not finished.

    Raises
    ------
    CacheError
        The disk is full, or may not be written.
    """
    staged: list[tuple[Path, Path]] = []
    try:
        workshop.mkdir(parents=True, exist_ok=True)
        for draft in drafts:
            unfinished = workshop / f"{draft.path.parent.name}-{uuid4().hex}"
            staged.append((unfinished, draft.path))
            _write(draft, unfinished)
        for unfinished, path in staged:
            path.parent.mkdir(parents=True, exist_ok=True)
            if path.is_dir():
                raise IsADirectoryError(f"{str(path)!r} is a folder")
            unfinished.replace(path)
            _sync_folder(path.parent)
    except (OSError, pa.ArrowException) as error:
        raise refusal(workshop.parent, error) from error
    finally:
        for unfinished, _ in staged:
            unfinished.unlink(missing_ok=True)


def _write(draft: PendingFile, path: Path) -> None:
    from pyarrow.parquet import read_metadata, write_table

    table = draft.table.replace_schema_metadata(as_metadata(draft.about))
    with path.open("wb") as sink:
        write_table(
            table,
            sink,
            row_group_size=_GROUP,
            write_page_checksum=True,
            **encodings(draft.grain),
        )
        sink.flush()
        os.fsync(sink.fileno())
    if read_metadata(path).num_rows != table.num_rows:
        raise OSError(f"{str(path)!r} does not hold what was written")


def _sync_folder(path: Path) -> None:
    """Let a move survive a power cut; only POSIX opens folders."""
    if os.name != "posix":
        return
    folder = os.open(path, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)


def clean(workshop: Path, campaign: str) -> None:
    """Remove what killed writers left unfinished; ``campaign`` is its folder's name."""
    for leftover in workshop.glob(f"{campaign}-*"):
        leftover.unlink(missing_ok=True)


@contextmanager
def locked(path: Path) -> Iterator[None]:
    """Keep other writers out, processes and threads.

    Raises
    ------
    CacheError
        Another process holds the lock for a minute, or it cannot be made.
    """
    from filelock import FileLock, Timeout

    lock = FileLock(path, timeout=_PATIENCE, is_singleton=True)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        lock.acquire()
    except Timeout:
        raise CacheError(
            f"another process has held {str(path)!r} for {_PATIENCE} seconds; look for "
            "one that hangs, end it, and read again: all that was fetched is kept"
        ) from None
    except OSError as error:
        raise refusal(path, error) from error
    try:
        yield
    finally:
        lock.release()


def refusal(path: Path, error: Exception) -> CacheError:
    """Return the error that says what the system refused."""
    reason = getattr(error, "strerror", None) or str(error)
    return CacheError(
        f"the cache cannot use {str(path)!r}: {reason}. All that was stored is still "
        "there; free space or mend the permissions, or pass another folder as cache="
    )
