"""Campaigns in an object store: nothing is locked or moved, each write is conditional.

A write puts a campaign's objects one after another, each only while it is still the one
that was loaded. Where it is not, the whole write starts again from what lies there. So
what a writer was told to be stored is in all that is written behind it. That holds only
if all writers put the same objects: here a campaign has all its grains from the start,
also those without rows.
"""

import random
import time
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from io import BytesIO
from typing import BinaryIO
from zlib import crc32

import pyarrow as pa

from braze_frames.errors import CacheError, CacheWarning, warn
from braze_frames.payload.batch import Span
from braze_frames.schema.ids import is_campaign_id
from braze_frames.storage.layout import (
    ALWAYS,
    EVERYTHING,
    FILE,
    SCHEMAS,
    StoredGrain,
)
from braze_frames.storage.parquet import (
    PendingFile,
    UnreadableFile,
    read_open,
    write_open,
)
from braze_frames.storage.storage import (
    Loaded,
    Mark,
    Put,
    Storage,
    Version,
    is_whole,
    of_one_write,
)
from braze_frames.storage.store import Store, StoredObject

# A writer puts at most five objects, of some 50 ms each: who finds objects of two
# writes looks again for a second before taking the writer for killed.
_LOOKS = 6
# Seconds after which another look or try is worth it, at first and at most.
_SHORTEST, _LONGEST = 0.05, 1.0


class ObjectStorage(Storage):
    """The campaigns below an endpoint's folder in a store.

    Parameters
    ----------
    store : Store
        The store.
    name : str
        The endpoint's folder.
    sleep : callable
        Waits for so many seconds.
    """

    # At each failed try another writer has put an object. With jitter, half of ten
    # writers of one campaign are through after three tries, and all after about 15.
    tries = 40
    # Of some 50 ms for each round trip none is spent computing.
    at_once = 16
    grains = EVERYTHING

    def __init__(
        self, store: Store, name: str, *, sleep: Callable[[float], None] = time.sleep
    ) -> None:
        self.store, self.name, self._sleep = store, name, sleep

    def __str__(self) -> str:
        return f"{self.store.url}/{self.name}"

    def give_way(self, attempt: int) -> None:
        """Wait, so that writers that met do not meet again."""
        longest = min(_LONGEST, _SHORTEST * 2**attempt)
        self._sleep(random.uniform(longest / 2, longest))  # noqa: S311

    def campaigns(self) -> list[str]:
        """Return the ids of all campaigns."""
        folders = (self.store.folders(f"{self.name}/{grain}") for grain in ALWAYS)
        ids = {name.removeprefix("campaign_id=") for one in folders for name in one}
        return sorted(id_ for id_ in ids if is_campaign_id(id_))

    def marks(self, campaigns: Collection[str]) -> dict[str, dict[StoredGrain, Mark]]:
        """Return the size and the tag of objects, which a listing tells."""
        found: dict[str, dict[StoredGrain, Mark]] = {one: {} for one in campaigns}
        for grain in EVERYTHING:
            for one in self.store.listed(f"{self.name}/{grain}"):
                id_ = one.key.split("/")[2].removeprefix("campaign_id=")
                if id_ in found and one.key == self._key(id_, grain):
                    found[id_][grain] = Mark(one.size, etag=one.tag)
        return found

    def load(
        self,
        campaign: str,
        wanted: Mapping[StoredGrain, Collection[str]],
        span: Span | None = None,
    ) -> Loaded:
        """Load a campaign; who finds objects of two writes looks again for a while."""
        loaded = self._load(campaign, wanted, span)
        for attempt in range(_LOOKS - 1):
            if is_whole(loaded.abouts) and not _is_ahead(loaded):
                break
            self.give_way(attempt)
            loaded = self._load(campaign, wanted, span)
        return loaded

    def _load(
        self,
        campaign: str,
        wanted: Mapping[StoredGrain, Collection[str]],
        span: Span | None,
    ) -> Loaded:
        keys = [self._key(campaign, grain) for grain in wanted]
        found = self.store.get(keys)
        there = {g: one for g, one in zip(wanted, found, strict=True) if one}
        loaded = Loaded({}, {}, {grain: one.tag for grain, one in there.items()})
        for grain, one in there.items():
            if self._is_damaged(campaign, grain, one):
                continue
            where, source = self._where(campaign, grain), pa.BufferReader(one.body)
            try:
                about, table = read_open(source, where, grain, wanted[grain], span)
            except UnreadableFile as error:
                self.set_aside(campaign, grain, error, one)
                continue
            loaded.abouts[grain] = about
            if table is not None:
                loaded.tables[grain] = table
        if not of_one_write(loaded.abouts):
            why = UnreadableFile("files of one write differ")
            for grain in EVERYTHING:
                if loaded.abouts.pop(grain, None):
                    loaded.tables.pop(grain, None)
                    self.set_aside(campaign, grain, why, there[grain])
        return loaded

    def replace(
        self, campaign: str, files: Sequence[PendingFile], version: Version
    ) -> bool:
        """Put objects, in the order given, each if it is still the one loaded."""
        self.check_writable()
        tags = dict(version)
        bodies = [(file.grain, self._body(campaign, file)) for file in files]
        return all(
            self.store.put(self._key(campaign, grain), body, tags.get(grain))
            for grain, body in bodies
        )

    def remove(self, campaign: str) -> None:
        """Delete a campaign's objects, and what of it was set aside."""
        self._load(campaign, dict.fromkeys(SCHEMAS, ()), None)  # refuses newer ones
        aside = self.store.listed(f"{self.name}/.aside/campaign_id={campaign}")
        self.store.delete(self._key(campaign, grain) for grain in SCHEMAS)
        self.store.delete(one.key for one in aside)

    def size(self, campaign: str) -> int:
        """Return how many bytes a campaign's objects have."""
        return sum(self.store.sizes([self._key(campaign, one) for one in SCHEMAS]))

    def check_writable(self) -> None:
        """Refuse a store that may not be written, or that takes stale writes."""
        self.store.check_writable(f"{self.name}/.writing")

    def set_aside(
        self, campaign: str, grain: StoredGrain, why: UnreadableFile, one: StoredObject
    ) -> None:
        """Copy a damaged object to ``.aside``, and take it for missing from now on.

        It stays in its place until a write puts a good one there: to delete it might
        delete the good one that somebody has just put.
        """
        key = self._key(campaign, grain)
        self.store.damaged.add((key, one.tag))
        aside = f".aside/campaign_id={campaign}/{grain}-{crc32(one.body):08x}"
        where = "No copy could be made"
        try:
            self.store.overwrite(f"{self.name}/{aside}", one.body)
            where = f"A copy is {f'{self}/{aside}'!r}"
        except CacheError:
            pass  # who may not write only reads on
        reason = str(why).partition("\n")[0]
        warn(
            f"{self._where(campaign, grain)!r} cannot be read ({reason}). {where}; "
            "days that are missing now are fetched again when they are asked for",
            CacheWarning,
        )

    def _is_damaged(self, campaign: str, grain: StoredGrain, one: StoredObject) -> bool:
        return (self._key(campaign, grain), one.tag) in self.store.damaged

    def open_object(self, key: str) -> BinaryIO:
        """Open an object, which is read whole."""
        (found,) = self.store.get([f"{self.name}/{key}"])
        if found is None:
            raise FileNotFoundError(key)
        return BytesIO(found.body)

    @contextmanager
    def replacing(self, folder: str) -> Iterator[Put]:
        """Write objects, then delete those that were not written."""
        there = {one.key for one in self.store.listed(f"{self.name}/{folder}")}

        def put(name: str, body: bytes) -> None:
            key = f"{self.name}/{folder}/{name}"
            self.store.overwrite(key, body)
            there.discard(key)

        yield put
        self.store.delete(sorted(there))

    def _key(self, campaign: str, grain: StoredGrain) -> str:
        return f"{self.name}/{grain}/campaign_id={campaign}/{FILE}"

    def _where(self, campaign: str, grain: StoredGrain) -> str:
        return f"{self.store.url}/{self._key(campaign, grain)}"

    def _body(self, campaign: str, file: PendingFile) -> bytes:
        sink = BytesIO()
        write_open(file, sink, self._where(campaign, file.grain))
        return sink.getvalue()


def _is_ahead(loaded: Loaded) -> bool:
    """Whether the history tells of a write that no other object is of yet."""
    history = loaded.abouts.get("revision")
    known = {one.history for grain, one in loaded.abouts.items() if grain != "revision"}
    return history is not None and history.written not in known


class StoreShelf:
    """The endpoints' folders in a store."""

    def __init__(self, store: Store) -> None:
        self.store, self.path = store, store.url

    def storages(self) -> list[Storage]:
        """Return the storages of all endpoints, by name."""
        names = self.store.folders("")
        return [self.storage(name) for name in names if name[0] != "."]

    def storage(self, name: str) -> Storage:
        """Return the storage of an endpoint."""
        return ObjectStorage(self.store, name)
