"""Campaigns in a folder of this machine, with a lock for each that is written."""

import errno
import os
import shutil
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager, suppress
from pathlib import Path
from typing import BinaryIO
from uuid import uuid4

import pyarrow as pa

from braze_frames.errors import CacheError, CacheWarning, warn
from braze_frames.payload.batch import Span
from braze_frames.schema.ids import is_campaign_id
from braze_frames.storage.layout import ALWAYS, EVERYTHING, FILE, SCHEMAS, StoredGrain
from braze_frames.storage.parquet import (
    PendingFile,
    UnreadableFile,
    is_sound,
    read_file,
    write_file,
)
from braze_frames.storage.storage import (
    Loaded,
    Mark,
    Put,
    Storage,
    StorageError,
    Version,
    is_whole,
    of_one_write,
)

# What a disk, a quota and a limit on files say when there is no room.
_FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
# Seconds to wait for another writer: a write takes milliseconds, a hung process for
# ever, and a minute is long enough for a slow disk under many writers.
_PATIENCE = 60
# A campaign has five files: each may be damaged once, and be found whole again.
_TRIES = 6


class DamagedFile(Exception):  # noqa: N818
    """A file was damaged and is set aside; the campaign can be loaded again."""


class LocalStorage(Storage):
    """The campaigns below an endpoint's folder, each with a file for each grain."""

    # Another writer wins at each failed try, so that so many in a row are no accident.
    tries = 100
    at_once = 1  # a disk does not answer sooner to several threads
    grains = ALWAYS

    def __init__(self, root: Path) -> None:
        self.root, self.name, self._root = root, root.name, str(root)

    def __str__(self) -> str:
        return str(self.root)

    def give_way(self, attempt: int) -> None:
        """Wait for nobody: the lock has done so."""

    def path(self, campaign: str, grain: StoredGrain) -> Path:
        """Return where the file of a grain lies."""
        return Path(self._where(campaign, grain))

    def _where(self, campaign: str, grain: StoredGrain) -> str:
        # as one text: joined piece by piece, a path takes as long as reading a footer
        return f"{self._root}/{grain}/campaign_id={campaign}/{FILE}"

    def campaigns(self) -> list[str]:
        """Return the ids of all campaigns."""
        names: set[str] = set()
        for grain in ALWAYS:
            with suppress(FileNotFoundError, NotADirectoryError):
                names.update(path.name for path in (self.root / grain).iterdir())
        ids = {name.removeprefix("campaign_id=") for name in names}
        return sorted(id_ for id_ in ids if is_campaign_id(id_))

    def marks(self, campaigns: Collection[str]) -> dict[str, dict[StoredGrain, Mark]]:
        """Return the size and the time of files."""
        return {
            campaign: {
                grain: Mark(told.st_size, told.st_mtime_ns)
                for grain in EVERYTHING
                if (told := _told(self.path(campaign, grain)))
            }
            for campaign in campaigns
        }

    def load(
        self,
        campaign: str,
        wanted: Mapping[StoredGrain, Collection[str]],
        span: Span | None = None,
    ) -> Loaded:
        """Load a campaign; who finds files of two writes waits for the writer."""
        for left in reversed(range(_TRIES)):
            loaded = self._sound(campaign, wanted, span)
            if not left or self._agree(campaign, loaded):
                break
            with suppress(CacheError), self._locked(campaign):
                pass  # who may not lock waits for nobody
        return loaded

    def _sound(
        self,
        campaign: str,
        wanted: Mapping[StoredGrain, Collection[str]],
        span: Span | None,
    ) -> Loaded:
        """Load what lies there; damaged files are set aside, and all is read again."""
        for _ in range(_TRIES):
            with suppress(DamagedFile):
                return self._load(campaign, wanted, span)
        raise CacheError(
            f"the files of campaign {campaign} in {str(self.root)!r} are damaged and "
            "cannot be moved away; look at the disk, or pass another folder as cache="
        )

    def _load(
        self,
        campaign: str,
        wanted: Mapping[StoredGrain, Collection[str]],
        span: Span | None,
    ) -> Loaded:
        loaded = Loaded({}, {})
        for grain, columns in wanted.items():
            try:
                about, table = read_file(
                    self._where(campaign, grain), grain, columns, span
                )
            except FileNotFoundError:
                continue
            except OSError as error:
                raise refusal(self.path(campaign, grain), error) from error
            except UnreadableFile as error:
                self.set_aside(campaign, grain, error)
                raise DamagedFile from None
            loaded.abouts[grain] = about
            if table is not None:
                loaded.tables[grain] = table
        return loaded

    def _agree(self, campaign: str, loaded: Loaded) -> bool:
        """Whether all files are of one write; those that lie about it are set aside."""
        if of_one_write(loaded.abouts):
            return is_whole(loaded.abouts)
        for grain in loaded.abouts.keys() & {*EVERYTHING}:
            why = UnreadableFile("files of one write differ")
            self.set_aside(campaign, grain, why, sure=True)
        return False

    def replace(
        self, campaign: str, files: Sequence[PendingFile], version: Version
    ) -> bool:
        """Put files into their places under the campaign's lock."""
        with self._locked(campaign):
            if self._version(campaign) != version:
                return False
            self._write(campaign, files)
        return True

    def remove(self, campaign: str) -> None:
        """Remove a campaign's files under its lock."""
        with self._locked(campaign):
            self._version(campaign)  # refuses files of a newer version
            try:
                for grain in SCHEMAS:
                    self.path(campaign, grain).unlink(missing_ok=True)
            except OSError as error:
                raise refusal(self.root, error) from error
            for grain in SCHEMAS:
                with suppress(OSError):
                    self.path(campaign, grain).parent.rmdir()
            for damaged in (self.root / ".aside").glob(f"campaign_id={campaign}-*"):
                shutil.rmtree(damaged) if damaged.is_dir() else damaged.unlink()

    def size(self, campaign: str) -> int:
        """Return how many bytes a campaign's files have."""
        told = (_told(self.path(campaign, grain)) for grain in SCHEMAS)
        return sum(one.st_size for one in told if one)

    def check_writable(self) -> None:
        """Refuse a folder that may not be written."""
        probe = self.root / ".writing" / f"probe-{uuid4().hex}"
        try:
            probe.parent.mkdir(parents=True, exist_ok=True)
            probe.touch()
        except (OSError, ValueError) as error:
            raise refusal(self.root, error) from error
        # With those of processes that were killed before they came to this line.
        for one in probe.parent.glob("probe-*"):
            _discard(one)

    def set_aside(
        self,
        campaign: str,
        grain: StoredGrain,
        why: UnreadableFile,
        *,
        sure: bool = False,
    ) -> None:
        """Move a damaged file to ``.aside``.

        ``sure`` when no look at the file alone can tell that it is damaged.
        """
        path, where = self.path(campaign, grain), "It stays there"
        with suppress(CacheError, OSError), self._locked(campaign):
            if not sure and is_sound(path, grain):
                return
            target = (
                self.root / ".aside" / f"{path.parent.name}-{grain}-{uuid4().hex[:8]}"
            )
            target.parent.mkdir(exist_ok=True)
            path.replace(target)
            where = f"It is now {str(target)!r}"
        reason = str(why).partition("\n")[0]
        warn(
            f"{str(path)!r} cannot be read ({reason}). {where}; days that are missing "
            "now are fetched again when they are asked for",
            CacheWarning,
        )

    def open_object(self, key: str) -> BinaryIO:
        """Open a file of the folder."""
        try:
            return (self.root / key).open("rb")
        except (FileNotFoundError, NotADirectoryError, IsADirectoryError):
            raise FileNotFoundError(key) from None
        except OSError as error:
            raise refusal(self.root / key, error) from error

    @contextmanager
    def replacing(self, folder: str) -> Iterator[Put]:
        """Write a new folder, then move it to the place of the old one.

        The folder's lock is held for the move alone; writing takes minutes.
        """
        staging = self.root / ".writing" / f"{folder}-{uuid4().hex}"
        locks = self.root / ".locks"
        alive = locks / f"{staging.name}.lock"
        forgotten = _body(self._forgotten(folder))

        def put(name: str, body: bytes) -> None:
            path = staging / name
            path.parent.mkdir(parents=True, exist_ok=True)
            with path.open("wb") as sink:
                sink.write(body)
                sink.flush()
                os.fsync(sink.fileno())

        try:
            with locked(alive):
                try:
                    yield put
                    with locked(locks / f"{folder}.lock"):
                        self._swap(folder, staging, forgotten)
                except OSError as error:
                    raise refusal(self.root / folder, error) from error
                finally:
                    _discard(staging)
        finally:
            _discard(alive)

    def _forgotten(self, folder: str) -> Path:
        """Return where the name of the last deletion of a folder is."""
        return self.root / ".locks" / f"{folder}.forgotten"

    def _swap(self, folder: str, staging: Path, forgotten: bytes) -> None:
        """Move a folder to its place, under its lock; none deletes what lies there."""
        # What was left by one that was killed: nobody holds its lock. (An old folder
        # has the name, and so the lock, of the new one that replaces it.)
        for leftover in [*staging.parent.glob(f"{folder}-*")]:
            alive = self.root / ".locks" / f"{leftover.stem}.lock"
            if leftover != staging:
                with suppress(CacheError), locked(alive, patience=0):
                    _discard(leftover)
                    _discard(alive)
        marker, old = self._forgotten(folder), staging.with_suffix(".old")
        if not staging.exists():
            marker.write_bytes(uuid4().bytes)
        elif _body(marker) != forgotten:
            return  # deleted meanwhile: so is this, as if it had come before
        try:
            with suppress(FileNotFoundError):
                (self.root / folder).rename(old)
            with suppress(FileNotFoundError):
                staging.rename(self.root / folder)
            _sync_folder(self.root)
        finally:
            _discard(old)

    def _version(self, campaign: str) -> Version:
        """Return the version that lies there, under the lock."""
        return self._sound(campaign, dict.fromkeys(SCHEMAS, ()), None).version

    def _locked(self, campaign: str) -> AbstractContextManager[None]:
        return locked(self.root / ".locks" / f"{campaign}.lock")

    def _write(self, campaign: str, files: Sequence[PendingFile]) -> None:
        staging = self.root / ".writing"
        staged: list[tuple[Path, Path]] = []
        try:
            staging.mkdir(parents=True, exist_ok=True)
            # Under the lock no other writer of this campaign lives: what lies there
            # was left by one that was killed.
            for leftover in staging.glob(f"campaign_id={campaign}-*"):
                leftover.unlink(missing_ok=True)
            for file in files:
                unfinished = staging / f"campaign_id={campaign}-{uuid4().hex}"
                staged.append((unfinished, self.path(campaign, file.grain)))
                write_file(file, unfinished)
            for unfinished, path in staged:
                _move(unfinished, path)
        except (OSError, pa.ArrowException) as error:
            raise refusal(self.root, error) from error
        finally:
            for unfinished, _ in staged:
                unfinished.unlink(missing_ok=True)


def _told(path: Path) -> os.stat_result | None:
    """Return what the system tells of a file; None where there is none."""
    try:
        return path.stat()
    except OSError:
        return None


def _body(path: Path) -> bytes:
    """Return what is in a file; nothing where none can be read."""
    with suppress(OSError):
        return path.read_bytes()
    return b""


def _discard(path: Path) -> None:
    """Remove a file or folder, as far as it can be."""
    with suppress(OSError):
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(path, ignore_errors=True)
        else:
            path.unlink(missing_ok=True)


def _move(unfinished: Path, path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    if path.is_dir():
        raise IsADirectoryError(f"{str(path)!r} is a folder")
    unfinished.replace(path)
    _sync_folder(path.parent)


def _sync_folder(path: Path) -> None:
    """Let a move survive a power cut; only POSIX opens folders."""
    if os.name != "posix":
        return
    folder = os.open(path, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)


@contextmanager
def locked(path: Path, patience: float = _PATIENCE) -> Iterator[None]:
    """Keep other writers out, processes and threads.

    Raises
    ------
    CacheError
        Another process holds the lock for so many seconds, or it cannot be made.
    """
    from filelock import FileLock, Timeout

    lock = FileLock(path, timeout=_PATIENCE, is_singleton=True)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        lock.acquire(timeout=patience)
    except Timeout:
        raise CacheError(
            f"another process has held {str(path)!r} for {patience} seconds; look for "
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
    is_full = isinstance(error, OSError) and error.errno in _FULL
    return (StorageError if is_full else CacheError)(
        f"the cache cannot use {str(path)!r}: {reason}. All that was stored is still "
        "there; free space or mend the permissions, or pass another folder as cache="
    )


class LocalShelf:
    """The endpoints' folders in a folder of this machine."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def storages(self) -> list[Storage]:
        """Return the storages of all endpoints, by name."""
        if not self.path.is_dir():
            return []
        folders = (one for one in self.path.iterdir() if one.is_dir())
        return [LocalStorage(one) for one in sorted(folders) if one.name[0] != "."]

    def storage(self, name: str) -> Storage:
        """Return the storage of an endpoint."""
        return LocalStorage(self.path / name)
