"""Where a cache lies: a folder of this machine, the default one, or one in a store."""

import atexit
import os
import shutil
import tempfile
from functools import lru_cache
from pathlib import Path
from urllib.parse import urlsplit
from urllib.request import url2pathname

from braze_frames.storage.local import LocalShelf
from braze_frames.storage.objects import StoreShelf
from braze_frames.storage.options import SCHEMES, StorageOptions
from braze_frames.storage.store import open_store


def shelf_at(
    path: str | os.PathLike[str] | None, options: StorageOptions
) -> LocalShelf | StoreShelf:
    """Return the folder that is meant, here or in a store.

    Raises
    ------
    ConfigError
        The store's address or options are none that it takes.
    ValueError
        It is no folder's name, or options are given for a folder.
    """
    scheme, colon, rest = str(path or "").partition(":")
    if colon and scheme.lower() in SCHEMES:
        if not isinstance(path, str) or not rest.startswith("//"):
            raise ValueError(
                f"a store's address is a text such as '{scheme.lower()}://team/braze'; "
                "a Path takes a slash away from it"
            )
        return StoreShelf(open_store(f"{scheme.lower()}:{rest.rstrip('/')}", options))
    if options:
        raise ValueError(
            "storage_options= are those of a store, and cache= is a folder; leave them "
            "out, or pass an address such as 's3://team/braze'"
        )
    return LocalShelf(_default_path() if path is None else _folder(path))


def _folder(path: str | os.PathLike[str]) -> Path:
    """Return the folder that is meant, before anything is asked for it.

    Raises
    ------
    ValueError
        It is no folder's name.
    """
    text = os.fspath(path)
    address = urlsplit(text) if isinstance(text, str) and "://" in text else None
    if address is not None and address.scheme.lower() != "file":
        raise ValueError(
            f"cache='{address.scheme}://…': numbers are kept in a folder, or in a "
            f"store ({', '.join(f'{one}://' for one in SCHEMES)}); pass its path"
        )
    if not text or "\0" in text:
        raise ValueError(f"cache={text!r} names no folder; pass a path, or True")
    try:
        folder = url2pathname(address.path) if address else text
        return Path(folder).expanduser()
    except RuntimeError as error:
        raise ValueError(f"cache={text!r} names no folder: {error}") from None


def _default_path() -> Path:
    from platformdirs import user_cache_path

    return user_cache_path("braze_frames", appauthor=False)


@lru_cache(maxsize=1)
def temporary_folder(process: int) -> Path:
    """Return a folder that goes with this process."""
    path = Path(tempfile.mkdtemp(prefix="braze_frames-"))

    def remove() -> None:
        if os.getpid() == process:
            shutil.rmtree(path, ignore_errors=True)

    atexit.register(remove)
    return path
