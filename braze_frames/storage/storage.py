"""The seam behind which campaigns are stored: what each kind of store can do.

A campaign is loaded together with its version, and replaced only while that is still
the version that lies there.
"""

from abc import ABC, abstractmethod
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager
from contextvars import copy_context
from itertools import chain
from types import MappingProxyType
from typing import BinaryIO, NamedTuple, TypeVar

import pyarrow as pa

from braze_frames import errors
from braze_frames.errors import CacheError, gathered, warn
from braze_frames.payload.batch import Span
from braze_frames.storage.layout import StoredGrain
from braze_frames.storage.parquet import About, PendingFile

_T = TypeVar("_T")
_R = TypeVar("_R")
Version = frozenset[tuple[StoredGrain, str]]
"""The writes that a campaign's files come from, or the tags of its objects."""


Put = Callable[[str, bytes], None]


class StorageError(CacheError):
    """Nothing more can be read or stored, whatever the campaign."""


class Loaded(NamedTuple):
    """What the files of a campaign say, and those of their rows that were asked."""

    abouts: dict[StoredGrain, About]
    tables: dict[StoredGrain, pa.Table]
    tags: Mapping[StoredGrain, str] = MappingProxyType({})

    @property
    def version(self) -> Version:
        """The version of these files."""
        written = {grain: one.written for grain, one in self.abouts.items()}
        return frozenset({**written, **self.tags}.items())


class Mark(NamedTuple):
    """What a listing tells of a file: its bytes, and what each write changes.

    That is its time, in nanoseconds since 1970, in a folder, and its tag in a store.
    """

    size: int
    mtime: int | None = None
    etag: str | None = None


class Storage(ABC):
    """The campaigns below an endpoint's folder, and objects that are kept beside them.

    Attributes
    ----------
    name : str
        The endpoint's folder.
    tries : int
        How often a write starts again because another one came first.
    at_once : int
        How many campaigns are best loaded side by side.
    grains : tuple of str
        The grains that have a file even without rows.
    """

    name: str
    tries: int
    at_once: int
    grains: tuple[StoredGrain, ...]

    @abstractmethod
    def give_way(self, attempt: int) -> None:
        """Wait after a try that came too late; the first is 0."""

    @abstractmethod
    def campaigns(self) -> list[str]:
        """Return the ids of all campaigns."""

    @abstractmethod
    def marks(self, campaigns: Collection[str]) -> dict[str, dict[StoredGrain, Mark]]:
        """Return the marks of campaigns' files; opens none of them.

        The history, which is not copied, has none.
        """

    @abstractmethod
    def load(
        self,
        campaign: str,
        wanted: Mapping[StoredGrain, Collection[str]],
        span: Span | None = None,
    ) -> Loaded:
        """Load a campaign as one write left it; only after a kill files differ.

        Parameters
        ----------
        campaign : str
            Its id.
        wanted : mapping
            Grain → the columns to read; none reads what the file says of itself.
        span : Span, optional
            Leave out parts of files that hold none of these days.

        Raises
        ------
        CacheError
            A file is of a newer version, may not be read, or cannot be set aside.
        """

    @abstractmethod
    def replace(
        self, campaign: str, files: Sequence[PendingFile], version: Version
    ) -> bool:
        """Put files into their places, in the order given.

        Returns
        -------
        bool
            False, and nothing was lost, where another version lies there by now.

        Raises
        ------
        StorageError
            The disk is full, or the store does not answer.
        CacheError
            The campaign may not be written.
        """

    @abstractmethod
    def remove(self, campaign: str) -> None:
        """Remove a campaign and what of it was set aside.

        Raises
        ------
        CacheError
            It may not be removed.
        """

    @abstractmethod
    def size(self, campaign: str) -> int:
        """Return how many bytes a campaign's files have."""

    @abstractmethod
    def check_writable(self) -> None:
        """Refuse a store that may not be written, before anything is asked.

        Raises
        ------
        CacheError
            Nothing can be stored there.
        """

    @abstractmethod
    def open_object(self, key: str) -> BinaryIO:
        """Open an object, such as ``.compact/variation/part-00000.parquet``.

        Raises
        ------
        FileNotFoundError
            It is not there.
        CacheError
            It may not be read.
        """

    @abstractmethod
    def replacing(self, folder: str) -> AbstractContextManager[Put]:
        """Replace what is below a folder by what is put: a name, and its bytes.

        A store puts one after the other, the last one last; a folder is moved to its
        place as a whole. Nothing put deletes it.

        Raises
        ------
        CacheError
            It may not be written.
        """


def side_by_side(
    work: Callable[[_T], _R], items: Iterable[_T], at_once: int
) -> list[_R]:
    """Return what work gives of each item, in order; threads wait for a store.

    What threads warn of is said by the one that calls, in order, and once.
    """
    if at_once < 2:
        return [*map(work, items)]
    heard: list[list[tuple[str, str]]] = []

    def listen(item: _T, said: list[tuple[str, str]]) -> _R:
        with gathered() as warned:
            try:
                return work(item)
            finally:
                said += warned

    pool = ThreadPoolExecutor(at_once)
    try:
        futures = []
        for item in items:
            heard.append([])
            futures.append(pool.submit(copy_context().run, listen, item, heard[-1]))
        return [one.result() for one in futures]
    finally:
        pool.shutdown(cancel_futures=True)  # after an error or an interrupt: no more
        for kind, text in dict.fromkeys(chain(*heard)):
            warn(text, getattr(errors, kind))


def of_one_write(abouts: Mapping[StoredGrain, About]) -> bool:
    """Whether files that name the same write say the same of it.

    Days and rows are a file's own, and grains are named from the one that brings them.
    """
    said = _said(abouts)
    return len(said) == len({written for written, _ in said})


def is_whole(abouts: Mapping[StoredGrain, About]) -> bool:
    """Whether all files are of one write, and the history knows all they tell of it."""
    history = abouts.get("revision")
    known = None if history is None else {"", *history.ends}
    return len(_said(abouts)) < 2 and (
        known is None
        or all(one.history in known for g, one in abouts.items() if g != "revision")
    )


def _said(abouts: Mapping[StoredGrain, About]) -> set[tuple[str, str]]:
    return {
        (one.written, repr((one.history, one.name, one.details, one.tz)))
        for grain, one in abouts.items()
        if grain != "revision"
    }
