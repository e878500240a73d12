"""An object store: objects are read with a tag, and written only while they have it.

The one module that knows obstore. It tells what went wrong in words of its own: what a
store answers may repeat addresses, signatures and keys.
"""

import os
import re
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from datetime import timedelta
from functools import partial
from typing import TYPE_CHECKING, Any, NamedTuple, TypeVar
from urllib.parse import urlsplit
from uuid import uuid4

import orjson

from braze_frames.errors import CacheError, ConfigError
from braze_frames.storage.options import SCHEMES, StorageOptions, refuse_unknown
from braze_frames.storage.storage import StorageError, side_by_side

if TYPE_CHECKING:
    from obstore.store import ObjectStore, RetryConfig

_R = TypeVar("_R")
# As often as a request to Braze by default (the waits between double from 0.1 s), and
# for a minute: a store that is slow for longer is down.
_PATIENCE: "RetryConfig" = {"max_retries": 5, "retry_timeout": timedelta(minutes=1)}
# A write that nothing was heard of is not repeated by obstore, for it may have been
# done. Ours may: the tag is another then, and the write starts from what lies there.
_SENDS = 3
# obstore's threads do not live on in a forked process, which would wait for ever.
_USERS: set[int] = set()
_ANSWER = re.compile(r"status code: (\d{3})")
_CODE = re.compile(r"<Code>(\w{1,60})</Code>")
_KEY = re.compile(r"key: '([^']*)'")
_PROBLEMS = (
    (
        "^PanicException",
        "obstore broke down; look at the values in storage_options= and in the "
        "environment",
    ),
    (
        r"<Code>(NoSuchBucket|ContainerNotFound)<",
        "there is no such bucket; create it, or correct the address",
    ),
    (
        r"^UnauthenticatedError|<Code>(AuthenticationFailed|ExpiredToken|"
        r"InvalidAccessKeyId|InvalidToken|SignatureDoesNotMatch)<",
        "the credentials are not accepted; correct them in storage_options= or in the "
        "environment (a pickle takes none along)",
    ),
    (
        # where clouds keep the credentials of their machines: the last place to look
        r"169\.254\.169\.254|169\.254\.170\.2|metadata\.google",
        "there are no credentials; pass storage_options=, or set them in the "
        "environment (a pickle takes none along)",
    ),
    (
        r"^PermissionDeniedError",
        "the credentials may not do this; ask for the right to list, read, write and "
        "delete objects below this address",
    ),
    (
        r"status code: 501|ETag Header missing",
        "the store has no conditional writes (If-Match, If-None-Match), so that "
        "writers would overwrite each other; use one that has, or a folder",
    ),
)
"""What a store says or does not say, and what that means; the first that fits."""

_UNCONDITIONAL = _PROBLEMS[-1][1]


class MissingExtraError(ConfigError, ImportError):
    """What stores need is not installed."""


class StoredObject(NamedTuple):
    """An object and its tag, which each write changes."""

    body: bytes
    tag: str


class Listed(NamedTuple):
    """What a listing tells of an object."""

    key: str
    size: int
    tag: str


class Store:
    """The objects below an address.

    Parameters
    ----------
    objects : obstore store
        The objects themselves.
    url : str
        What to call the store in errors.
    options : StorageOptions, optional
        What it was opened with.

    Attributes
    ----------
    damaged : set of tuple
        Keys and tags of objects that were found to be damaged.
    """

    def __init__(
        self,
        objects: "ObjectStore",
        url: str,
        options: StorageOptions | None = None,
    ) -> None:
        self._objects, self.url = objects, url
        self._options = options or StorageOptions(None)
        self._is_probed = False
        self.damaged: set[tuple[str, str]] = set()

    def __repr__(self) -> str:
        return f"Store({self.url!r})"

    def __reduce__(self) -> tuple[Callable[..., "Store"], tuple[Any, ...]]:
        return open_store, (self.url, self._options)

    def __copy__(self) -> "Store":
        return self

    def __deepcopy__(self, memo: object) -> "Store":
        return self  # a copy by way of a pickle would lose its credentials

    def get(self, keys: Sequence[str]) -> list[StoredObject | None]:
        """Return objects, read side by side; None is one that is not there.

        Raises
        ------
        CacheError
            The store cannot be read.
        """
        return side_by_side(self._get, keys, len(keys))

    def _get(self, key: str) -> StoredObject | None:
        import obstore

        def read() -> StoredObject:
            got = obstore.get(self._objects, key)
            return StoredObject(bytes(got.bytes()), _tag(got.meta))

        return self._ask(read, FileNotFoundError=None)

    def sizes(self, keys: Sequence[str]) -> list[int]:
        """Return how many bytes objects have; 0 is one that is not there.

        Raises
        ------
        CacheError
            The store cannot be read.
        """
        import obstore

        def look(key: str) -> int:
            return obstore.head(self._objects, key)["size"]

        def size(key: str) -> int:
            return self._ask(partial(look, key), FileNotFoundError=0)

        return side_by_side(size, keys, len(keys))

    def put(self, key: str, body: bytes, tag: str | None) -> bool:
        """Write an object if it still has its tag, None: if there still is none.

        Returns
        -------
        bool
            False, and nothing was written, where it has another.

        Raises
        ------
        CacheError
            The store cannot be written.
        """
        import obstore

        mode: Any = "create" if tag is None else orjson.loads(tag)

        def write() -> bool:
            # In one piece whatever the size: parts are put together unconditionally.
            obstore.put(self._objects, key, body, mode=mode, use_multipart=False)
            return True

        # 412, 409, or 404 for an object that went
        overtaken = {"AlreadyExistsError": False, "PreconditionError": False}
        return self._ask(write, sends=_SENDS, **overtaken)

    def overwrite(self, key: str, body: bytes) -> None:
        """Write an object, whatever lies there.

        Raises
        ------
        CacheError
            The store cannot be written.
        """
        import obstore

        self._ask(lambda: obstore.put(self._objects, key, body), sends=_SENDS)

    def delete(self, keys: Iterable[str]) -> None:
        """Delete objects, in order; those that are not there are gone already.

        Raises
        ------
        CacheError
            They may not be deleted.
        """
        import obstore

        for key in keys:
            self._ask(
                partial(obstore.delete, self._objects, key), FileNotFoundError=None
            )

    def listed(self, prefix: str) -> list[Listed]:
        """Return all objects below a prefix, by key.

        Raises
        ------
        CacheError
            The store cannot be read.
        """
        import obstore

        found = self._ask(lambda: obstore.list(self._objects, prefix).collect())
        entries = [Listed(one["path"], one["size"], _tag(one)) for one in found]
        return sorted(entries)

    def folders(self, prefix: str) -> list[str]:
        """Return the names of the folders below a prefix.

        Raises
        ------
        CacheError
            The store cannot be read.
        """
        import obstore

        found = self._ask(
            lambda: obstore.list_with_delimiter(self._objects, prefix or None)
        )
        return sorted(one.rpartition("/")[2] for one in found["common_prefixes"])

    def check_writable(self, folder: str) -> None:
        """Refuse a store that may not be written, or takes a write with a stale tag.

        Asked at the first write of a process alone.

        Raises
        ------
        CacheError
            Writers would overwrite each other there, or nothing can be stored.
        """
        if not self._is_probed:
            self._probe(f"{folder}/{uuid4().hex}")
            self._is_probed = True

    def _probe(self, key: str) -> None:
        first, second = b"1", b"2"
        try:
            # Refused for a key that is new? An earlier try went unanswered.
            self.put(key, first, None)
            (seen,) = self.get([key])
            is_sound = (
                seen is not None
                and self.put(key, second, seen.tag)
                and not self.put(key, first, seen.tag)
                and not self.put(key, first, None)
            )
        finally:
            with suppress(CacheError):  # who may not delete leaves a byte behind
                self.delete([key])
        if not is_sound:
            raise StorageError(f"{self.url}: {_UNCONDITIONAL}")

    def _ask(self, request: Callable[[], _R], *, sends: int = 1, **meanings: _R) -> _R:
        """Return what a request gives, or what an error of some kind means.

        Raises
        ------
        StorageError
            It fails otherwise. Raised behind the handler, and where no variable holds
            what the store has said.
        """
        _USERS.add(os.getpid())
        if len(_USERS) > 1:
            raise StorageError(
                f"{self.url}: this process was forked from one that used a store, and "
                "cannot use it; start processes with multiprocessing's 'spawn'"
            )
        for left in reversed(range(sends)):
            try:
                return request()
            except BaseException as error:  # obstore raises many kinds
                if not _is_failure(error):
                    raise
                failure = _failure_of(error)
            if failure.kind in meanings and not failure.problem:
                return meanings[failure.kind]
            if not left or failure.problem or failure.is_answer:
                break
        raise StorageError(f"{self.url}: {failure.problem or failure.told}")


class _Failure(NamedTuple):
    """What went wrong, in words of ours.

    ``problem`` is what the user can mend, if it is that; ``is_answer``, whether the
    store has said anything.
    """

    kind: str
    problem: str
    told: str
    is_answer: bool


def _is_failure(error: BaseException) -> bool:
    """Whether it is no interrupt; where Rust panics, no ``Exception`` is raised."""
    return isinstance(error, Exception) or type(error).__name__ == "PanicException"


def _failure_of(error: BaseException) -> _Failure:
    """Say what went wrong, without the store's own words."""
    kind = type(error).__name__
    said = f"{kind} {error}"
    problem = next((told for sign, told in _PROBLEMS if re.search(sign, said)), "")
    status, code = _ANSWER.search(said), _CODE.search(said)
    if not status:
        told = (
            "the store does not answer, also when asked again; look at the network, "
            "and at endpoint, region and timeout in storage_options="
        )
    else:
        answer = f"{status[1]} {code[1]}" if code else status[1]
        told = f"the store answers {answer}, also when asked again; try again later"
    return _Failure(kind, problem, told, status is not None)


def open_store(url: str, options: StorageOptions) -> Store:
    """Open the store at an address such as ``s3://bucket/folder``.

    Raises
    ------
    ConfigError
        An option or the address is none that the store takes.
    MissingExtraError
        obstore is not installed.
    TypeError
        An option is of a kind that is not taken.
    """
    scheme = _scheme(url)
    options.check(scheme)
    try:
        import obstore  # noqa: F401
    except ImportError:
        raise MissingExtraError(
            f"{scheme}:// needs obstore; install it with pip install "
            "'braze-frames[cloud]'"
        ) from None
    found = _opened(url, scheme, options)
    if isinstance(found, ConfigError):
        raise found
    return Store(found, url, options)


def _opened(
    url: str, scheme: str, options: StorageOptions
) -> "ObjectStore | ConfigError":
    """Return the objects, or the error to raise where no frame holds a value."""
    from obstore.exceptions import UnknownConfigurationKeyError
    from obstore.store import from_url

    try:
        config, client = options.sorted_for(scheme)
        given: Any = {"config": config, "client_options": client}
        return from_url(url, **given, retry_config=_PATIENCE)
    except UnknownConfigurationKeyError as error:
        name = _KEY.search(str(error))
        return refuse_unknown(name[1] if name else "", scheme)
    except BaseException as error:  # what it says may repeat a value
        if not _is_failure(error):
            raise
        return ConfigError(
            f"{url}: obstore refuses the address or storage_options= "
            f"({type(error).__name__}); look at the values of {options!r}"
        )


def _scheme(url: str) -> str:
    """Return the kind of a store.

    Raises
    ------
    ConfigError
        The address holds more than a bucket and a folder; it is not shown, for that
        may be a key.
    """
    parts = urlsplit(url)
    if parts.scheme not in SCHEMES or not parts.netloc or set("@?#") & {*url}:
        raise ConfigError(
            f"{parts.scheme}://… is an address of a bucket and a folder and nothing "
            f"else, such as {parts.scheme}://team/braze; pass what opens it as "
            "storage_options=, or set it in the environment"
        )
    return parts.scheme


def _tag(meta: Any) -> str:
    """Return what tells versions of an object apart, as obstore wants it back."""
    told = {one: meta[one] for one in ("e_tag", "version") if meta.get(one)}
    return orjson.dumps(told).decode()
